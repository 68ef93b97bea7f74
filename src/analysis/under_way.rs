//! What is under way and may change a copy, counted by where it waits.

use super::run_state::Analysis;
use crate::trace::{MessageKind, NodeId, SubscriptionId, UpdateId};
use std::collections::{BTreeMap, BTreeSet};

/// Something that may change a copy, and where it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waiting {
    /// A pending operation: who issued it, and the service or group that it was sent to.
    Operation(NodeId, NodeId),
    /// An event that waits in a queue for its delivery.
    Queued(SubscriptionId),
    /// An event that was delivered and is not acknowledged.
    Unacknowledged(SubscriptionId),
    /// A publication that its publisher sends again until the bus acknowledges it.
    Publication(NodeId, NodeId),
    /// A publication that its publisher sends when its gap after the commit has elapsed.
    Delayed(NodeId, NodeId),
    /// A message in flight that none of the others explains: its sender and its receiver.
    Message(NodeId, NodeId),
    /// An event that a member handles until its group has written it.
    Handled(NodeId),
    /// A write that a member has prepared, and that awaits a decision.
    Prepared(NodeId),
}

impl Analysis {
    /// Counts what is under way and may change a copy.
    pub fn under_way(&self) -> BTreeMap<Waiting, u64> {
        let mut all = BTreeMap::new();
        let mut add = |waiting: Waiting| *all.entry(waiting).or_default() += 1;
        self.pending_paths().for_each(|(by, to)| add(Waiting::Operation(by, to)));
        let mut at_consumers: BTreeSet<UpdateId> = BTreeSet::new();
        for (subscription, queue) in self.buses.iter() {
            for event in queue.events.values().filter(|event| !self.is_ignored(event.update)) {
                if event.in_flight {
                    at_consumers.insert(event.update);
                    add(Waiting::Unacknowledged(event.reader.unwrap_or(subscription)));
                } else {
                    add(Waiting::Queued(subscription));
                }
            }
        }
        let resent = self.resending_publications().filter(|(.., update)| !self.is_ignored(*update));
        let resent: BTreeSet<(NodeId, NodeId, UpdateId)> = resent.collect();
        resent.iter().for_each(|(publisher, bus, _)| add(Waiting::Publication(*publisher, *bus)));
        self.delayed_publishers().for_each(|(publisher, bus)| add(Waiting::Delayed(publisher, bus)));
        for (_, message) in self.messages.iter().filter(|(_, message)| !self.is_redundant(message)) {
            let is_resent = message.update.is_some_and(|update| resent.contains(&(message.from, message.to, update)));
            let is_of_event = matches!(message.kind, MessageKind::Delivery | MessageKind::Refusal)
                && message.update.is_some_and(|update| at_consumers.contains(&update));
            let is_of_operation = message.operation.is_some_and(|operation| self.operations.is_pending(operation));
            if !is_resent && !is_of_event && !is_of_operation {
                add(Waiting::Message(message.from, message.to));
            }
        }
        self.event_writes.in_progress().for_each(|(member, _)| add(Waiting::Handled(member)));
        for (node, member) in self.members.iter() {
            member.promised.values().for_each(|_| add(Waiting::Prepared(node)));
        }
        all
    }
}
