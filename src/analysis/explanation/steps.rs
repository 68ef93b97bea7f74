//! The records that led to a copy's state.

use crate::analysis::run_context::RunContext;
use crate::trace::{
    DropCause, Fact, KeyId, MessageId, MessageKind, NodeId, Record, SubscriptionId, UpdateId, facts_about,
};
use std::collections::BTreeMap;

/// Maximum number of steps; of more, the first and the last are kept.
const MAX_STEPS: usize = 14;

impl RunContext<'_> {
    /// For each service and update, returns the numbers of the records about the update on its way to the service, with the
    /// faults that stopped it.
    pub(super) fn delivery_steps(&self, wanted: impl Iterator<Item = (NodeId, UpdateId)>) -> Vec<Vec<u64>> {
        let begin = |(node, update)| DeliverySteps {
            run: self,
            node,
            update,
            sent: BTreeMap::new(),
            faults: BTreeMap::new(),
            steps: Vec::new(),
            is_acknowledged: false,
        };
        let mut all: Vec<DeliverySteps> = wanted.map(begin).collect();
        if !all.is_empty() {
            for (number, record) in self.records() {
                all.iter_mut().for_each(|steps| steps.observe(number, record));
            }
        }
        let finish = |DeliverySteps { node, mut steps, .. }: DeliverySteps| {
            steps.extend(self.analysis.faults.down(node));
            steps.sort_unstable();
            steps.dedup();
            shorten(steps)
        };
        all.into_iter().map(finish).collect()
    }

    /// Returns the numbers of the last records that wrote a copy.
    pub(super) fn write_steps(&self, node: NodeId, key: KeyId) -> Vec<u64> {
        let is_write = |fact: &Fact| match fact {
            Fact::UpdateApplied { node: at, key: written, .. }
            | Fact::ReplicaStored { node: at, key: written, .. }
            | Fact::StateMerged { node: at, key: written, .. }
            | Fact::UpdateCommitted { node: at, key: written, .. } => (*at, *written) == (node, key),
            Fact::WriteCoordinated { key: written, .. } => *written == key,
            facts_about!(declarations, operations, messages, events, faults, repair, leaders, transactions)
            | Fact::UpdateProposed { .. }
            | Fact::UpdateAcknowledged { .. }
            | Fact::KeyPlaced { .. }
            | Fact::WriteRolledBack { .. } => false,
        };
        let writes = self.records().filter(|(_, record)| is_write(&record.fact));
        let mut steps: Vec<u64> = writes.map(|(number, _)| number).collect();
        let from = steps.len().saturating_sub(MAX_STEPS / 2);
        steps.split_off(from)
    }
}

/// Collects the records about an update on its way to a service.
struct DeliverySteps<'a> {
    run: &'a RunContext<'a>,
    node: NodeId,
    update: UpdateId,
    /// Sender and receiver of the messages that carry the update.
    sent: BTreeMap<MessageId, (NodeId, NodeId)>,
    /// The last fault of each link, and of each node under the node twice.
    faults: BTreeMap<(NodeId, NodeId), u64>,
    steps: Vec<u64>,
    /// A consumer has acknowledged the event.
    is_acknowledged: bool,
}

impl DeliverySteps<'_> {
    fn observe(&mut self, number: u64, record: &Record) {
        match &record.fact {
            Fact::LinkCut { from, to } | Fact::LinkDisturbed { from, to, .. } => {
                self.faults.insert((*from, *to), number);
            }
            Fact::ServiceCrashed { node, lost_disk } => {
                self.faults.insert((*node, *node), number);
                let held = *node == self.node || self.run.analysis.staleness.hold_together(*node, self.node);
                self.steps.extend((*lost_disk && held && !self.steps.is_empty()).then_some(number));
            }
            Fact::BusStopped { bus: node, .. } => {
                self.faults.insert((*node, *node), number);
            }
            Fact::MessageSent { message, from, to, update: Some(update), kind, .. } if self.carries(*update) => {
                let (publish, delivery) = (*kind == MessageKind::Publish, *kind == MessageKind::Delivery);
                let is_here = *to == self.node || self.run.analysis.staleness.hold_together(*to, self.node);
                if is_here || publish || (delivery && self.run.delivers_to(*to, self.node)) {
                    self.sent.insert(*message, (*from, *to));
                }
                // `EventSent` already describes a delivery.
                if is_here && !delivery {
                    self.steps.push(number);
                }
            }
            Fact::MessageDuplicated { message, copy, .. } => {
                if let Some(ends) = self.sent.get(message).copied() {
                    self.sent.insert(*copy, ends);
                }
            }
            Fact::MessageDropped { message, cause } => self.drop_message(number, *message, *cause),
            Fact::EventAcknowledged { update, subscription, .. } if *update == self.update => {
                self.is_acknowledged |= self.is_consumer(*subscription);
            }
            // A rebalance or a lost connection matters from the publication of the update to its acknowledgement.
            Fact::ReaderLeft { subscription, .. }
            | Fact::ReaderJoined { subscription }
            | Fact::ConsumerAttached { subscription }
            | Fact::ConsumerDetached { subscription, .. } => {
                let is_stored = !self.steps.is_empty() && !self.is_acknowledged;
                self.steps.extend((is_stored && self.is_consumer(*subscription)).then_some(number));
            }
            Fact::PublicationLost { update, node, .. } if self.carries(*update) => {
                self.steps.extend(self.faults.get(&(*node, *node)));
                self.steps.push(number);
            }
            fact if self.concerns(fact) => self.steps.push(number),
            facts_about!(
                declarations,
                requests,
                publishers,
                publications,
                queues,
                handling,
                disturbances,
                brokers,
                groups
            )
            | Fact::MessageSent { .. }
            | Fact::MessageDelivered { .. }
            | Fact::LinkHealed { .. }
            | Fact::ServiceRestarted { .. }
            | Fact::BusStarted { .. } => {}
        }
    }

    fn drop_message(&mut self, number: u64, message: MessageId, cause: DropCause) {
        let Some((from, to)) = self.sent.get(&message).copied() else { return };
        let fault = match cause {
            DropCause::LinkCut | DropCause::Disturbance => self.faults.get(&(from, to)),
            DropCause::ReceiverDown => self.faults.get(&(to, to)),
            DropCause::Loss => None,
        };
        self.steps.extend(fault);
        self.steps.push(number);
    }

    /// Returns whether a fact is a step by itself.
    fn concerns(&self, fact: &Fact) -> bool {
        match fact {
            Fact::UpdateCommitted { update, .. }
            | Fact::WriteCoordinated { update, .. }
            | Fact::UpdateAcknowledged { update, .. }
            | Fact::OutboxRowWritten { update, .. }
            | Fact::OutboxRowPublished { update, .. }
            | Fact::PositionLost { update, .. }
            | Fact::PublicationSkipped { update, .. }
            | Fact::PublishAbandoned { update, .. }
            | Fact::EventPublished { update, .. }
            | Fact::PublishRefused { update, .. }
            | Fact::WriteRolledBack { update, .. } => self.carries(*update),
            Fact::UpdateApplied { update, node, by: Some(_), .. } => {
                self.carries(*update) && self.run.delivers_to(*node, self.node)
            }
            Fact::UpdateApplied { update, node, .. }
            | Fact::WritePromised { update, node, .. }
            | Fact::PromiseReleased { update, node, .. } => self.carries(*update) && *node == self.node,
            Fact::EventWriteStarted { update, node, .. } | Fact::EventWriteEnded { update, node, .. } => {
                *update == self.update && self.run.delivers_to(*node, self.node)
            }
            Fact::ReplicaStored { update: Some(update), node, .. }
            | Fact::HintStored { update: Some(update), replica: node, .. } => {
                self.carries(*update) && *node == self.node
            }
            Fact::EventSent { update, subscription, .. }
            | Fact::EventDeadLettered { update, subscription, .. }
            | Fact::EventDiscarded { update, subscription, .. }
            | Fact::AcknowledgementExpired { update, subscription, .. }
            | Fact::EventRedriven { update, subscription, .. }
            | Fact::HandlingFailed { update, subscription, .. } => {
                *update == self.update && self.is_consumer(*subscription)
            }
            facts_about!(declarations, operations, messages, attachments, faults, repair, leaders)
            | Fact::UpdateProposed { .. }
            | Fact::PublicationLost { .. }
            | Fact::EventDeduplicated { .. }
            | Fact::EventQueued { .. }
            | Fact::EventAcknowledged { .. }
            | Fact::InboxHit { .. }
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. } => false,
        }
    }

    /// Returns whether an update is the one asked for, or a group's write that carries it.
    fn carries(&self, update: UpdateId) -> bool {
        self.run.analysis.event_writes.carried_update(update) == self.update
    }

    fn is_consumer(&self, subscription: SubscriptionId) -> bool {
        self.run.delivers_to(self.run.names.subscription(subscription).service, self.node)
    }
}

/// Keeps the first and the last of many steps.
fn shorten(mut steps: Vec<u64>) -> Vec<u64> {
    if steps.len() > MAX_STEPS {
        let last = steps.split_off(steps.len() - MAX_STEPS / 2);
        steps.truncate(MAX_STEPS / 2);
        steps.extend(last);
    }
    steps
}
