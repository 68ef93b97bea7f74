//! Publications without a relay that are sent again until their bus acknowledges them.

use super::messages::Messages;
use crate::scenario::Scenario;
use crate::trace::{Fact, MessageKind, Names, NodeId, Record, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::BTreeSet;

/// The publications that publishers send again, by publisher and bus.
#[derive(Clone, Debug, Default)]
pub struct UnacknowledgedPublications {
    /// The number of attempts of publishers that retry.
    attempts: LiteMap<(NodeId, NodeId), u32>,
    /// The updates of publications that are neither acknowledged nor sent for the last time. No set is empty.
    awaited: LiteMap<(NodeId, NodeId), BTreeSet<UpdateId>>,
}

impl UnacknowledgedPublications {
    /// Returns those of a run that has not begun. Only publications whose bus acknowledges them are awaited.
    pub(super) fn new(scenario: &Scenario, names: &Names) -> Self {
        let mut attempts: LiteMap<(NodeId, NodeId), u32> = LiteMap::new();
        let mut unretried = BTreeSet::new();
        for (publisher, service) in (0..).map(NodeId).zip(&scenario.services) {
            for publication in service.publishes.iter().filter(|publication| !publication.mode.is_relayed()) {
                let Some(bus) = names.find_node(&publication.to) else { continue };
                match &publication.retry {
                    Some(retry) => {
                        let highest = attempts.entry((publisher, bus)).or_default();
                        *highest = retry.attempts.max(*highest);
                    }
                    None => _ = unretried.insert((publisher, bus)),
                }
            }
        }
        // The trace does not state which of several publications to one bus sent a message.
        attempts.retain(|path, _| !unretried.contains(path));
        UnacknowledgedPublications { attempts, awaited: LiteMap::new() }
    }

    pub(super) fn observe(&mut self, record: &Record, messages: &Messages) {
        if self.attempts.is_empty() {
            return;
        }
        match &record.fact {
            Fact::MessageSent { kind: MessageKind::Publish, from, to, update: Some(update), attempt, .. } => {
                match self.attempts.get(&(*from, *to)) {
                    Some(most) if attempt < most => _ = self.awaited.entry((*from, *to)).or_default().insert(*update),
                    Some(_) => self.end((*from, *to), *update),
                    None => {}
                }
            }
            Fact::MessageDelivered { message } if !self.awaited.is_empty() => {
                let message = messages.recall(*message).filter(|message| message.kind == MessageKind::Acknowledgement);
                if let Some((message, update)) = message.and_then(|message| Some((message, message.update?))) {
                    self.end((message.to, message.from), update);
                }
            }
            Fact::PublishAbandoned { node, bus, update } => self.end((*node, *bus), *update),
            // Retries are volatile: a crash ends them.
            Fact::ServiceCrashed { node, .. } => self.awaited.retain(|(publisher, _), _| publisher != node),
            facts_about!(
                declarations,
                requests,
                messages,
                publications,
                queues,
                handling,
                attachments,
                links,
                disturbances,
                brokers,
                groups
            )
            | Fact::OutboxRowWritten { .. }
            | Fact::OutboxRowPublished { .. }
            | Fact::PositionLost { .. }
            | Fact::PublicationLost { .. }
            | Fact::ServiceRestarted { .. }
            | Fact::BusStopped { .. }
            | Fact::BusStarted { .. } => {}
        }
    }

    fn end(&mut self, path: (NodeId, NodeId), update: UpdateId) {
        let Some(awaited) = self.awaited.get_mut(&path) else { return };
        awaited.remove(&update);
        if awaited.is_empty() {
            self.awaited.remove(&path);
        }
    }

    /// Returns whether the attempts of a publisher at a bus are counted.
    pub(super) fn counts(&self, publisher: NodeId, bus: NodeId) -> bool {
        self.attempts.contains_key(&(publisher, bus))
    }

    /// Iterates over the publications that will be sent again: the publisher, the bus and the update.
    pub(super) fn awaited(&self) -> impl Iterator<Item = (NodeId, NodeId, UpdateId)> {
        let all = self.awaited.iter();
        all.flat_map(|((publisher, bus), updates)| updates.iter().map(|update| (*publisher, *bus, *update)))
    }
}
