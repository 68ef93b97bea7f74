use crate::trace::{Fact, MessageKind, NodeId, Record, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::BTreeSet;

/// The active faults, each with the number of the record that began it, and the publications without confirmation.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    down: LiteMap<NodeId, u64>,
    paused: LiteMap<NodeId, u64>,
    cut: LiteMap<(NodeId, NodeId), u64>,
    disturbed: LiteMap<(NodeId, NodeId), u64>,
    /// Events sent to a bus that has not confirmed them, by update, bus and publisher.
    unconfirmed: BTreeSet<(UpdateId, NodeId, NodeId)>,
    records: u64,
}

impl Faults {
    pub(super) fn observe(&mut self, record: &Record) {
        let number = self.records;
        self.records += 1;
        match &record.fact {
            Fact::ServiceCrashed { node, .. } | Fact::BusStopped { bus: node, .. } => {
                self.down.insert(*node, number);
                // Retries are volatile: a crash ends them.
                self.unconfirmed.retain(|(.., publisher)| publisher != node);
            }
            Fact::ServiceRestarted { node } | Fact::BusStarted { bus: node } => {
                self.down.remove(node);
            }
            Fact::NodePaused { node } => {
                self.paused.insert(*node, number);
            }
            Fact::NodeResumed { node } => {
                self.paused.remove(node);
            }
            Fact::LinkCut { from, to } => {
                self.cut.insert((*from, *to), number);
            }
            Fact::LinkHealed { from, to } => {
                self.cut.remove(&(*from, *to));
                self.disturbed.remove(&(*from, *to));
            }
            Fact::LinkDisturbed { from, to, .. } => {
                self.disturbed.insert((*from, *to), number);
            }
            Fact::MessageSent { kind: MessageKind::Publish, from, to, update: Some(update), .. } => {
                self.unconfirmed.insert((*update, *to, *from));
            }
            Fact::EventPublished { bus, update, .. } | Fact::EventDeduplicated { bus, update } => {
                let publishers = self.publishers(*update).filter(|(_, to)| to == bus).map(|(publisher, _)| publisher);
                for publisher in publishers.collect::<Vec<_>>() {
                    self.unconfirmed.remove(&(*update, *bus, publisher));
                }
            }
            Fact::PublishAbandoned { node, bus, update } | Fact::PublicationLost { node, bus, update } => {
                self.unconfirmed.remove(&(*update, *bus, *node));
            }
            facts_about!(declarations, requests, messages, queues, handling, attachments, brokers, groups)
            | Fact::OutboxRowWritten { .. }
            | Fact::OutboxRowPublished { .. }
            | Fact::PositionLost { .. }
            | Fact::PublicationSkipped { .. }
            | Fact::PublishRefused { .. }
            | Fact::ServiceSlowed { .. }
            | Fact::ClockSet { .. } => {}
        }
    }

    /// Returns the number of the record that stopped a node, if the node is down.
    pub fn down(&self, node: NodeId) -> Option<u64> {
        self.down.get(&node).copied()
    }

    /// Returns the number of the record that paused a node, if the node is paused.
    pub fn paused(&self, node: NodeId) -> Option<u64> {
        self.paused.get(&node).copied()
    }

    /// Returns whether a node is down or paused, so that it handles nothing.
    pub fn is_stopped(&self, node: NodeId) -> bool {
        self.down.contains_key(&node) || self.paused.contains_key(&node)
    }

    /// Returns the number of the record that cut one direction of a link, if it is cut.
    pub fn cut(&self, from: NodeId, to: NodeId) -> Option<u64> {
        self.cut.get(&(from, to)).copied()
    }

    /// Returns the number of the record that disturbed one direction of a link, if it is disturbed.
    pub fn disturbed(&self, from: NodeId, to: NodeId) -> Option<u64> {
        self.disturbed.get(&(from, to)).copied()
    }

    /// Iterates over the publishers that sent an update's event, each with the bus that has not confirmed it.
    pub fn publishers(&self, update: UpdateId) -> impl Iterator<Item = (NodeId, NodeId)> {
        let all = (update, NodeId(0), NodeId(0))..=(update, NodeId(u32::MAX), NodeId(u32::MAX));
        self.unconfirmed.range(all).map(|(_, bus, publisher)| (*publisher, *bus))
    }
}
