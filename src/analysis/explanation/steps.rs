//! The records that led to a copy's state.

use super::write_steps::{MAX_STEPS, WriteSteps};
use super::{Explanation, PART};
use crate::analysis::prospect::Prospect;
use crate::analysis::run_context::RunContext;
use crate::trace::{DropCause, Fact, MessageId, MessageKind, NodeId, Record, SubscriptionId, UpdateId, facts_about};
use std::collections::BTreeMap;

/// Finds the records that led to the states of copies, in one reading of the trace, in slices.
#[derive(Clone, Debug, Default)]
pub(super) struct StepsReader {
    wanted: Vec<Steps>,
    /// The number of the next record to read.
    next: u64,
    /// The number after the last record to read.
    end: u64,
}

/// The records that led to one copy's state.
#[derive(Clone, Debug)]
enum Steps {
    /// The records about a missing update on its way to the service, with the faults that stopped it.
    Delivery(Box<DeliverySteps>),
    /// No records.
    Nothing,
    /// The last records that wrote the copy.
    Writes(Box<WriteSteps>),
}

impl StepsReader {
    /// Returns a reader of the records so far.
    pub fn new(run: &RunContext) -> Self {
        StepsReader { wanted: Vec::new(), next: 0, end: run.trace.total() }
    }

    /// Adds the copy of an explanation. Its steps are the records about its missing update. If none is missing, with `writes`,
    /// they are the records that wrote the copy.
    pub fn add(&mut self, explanation: &Explanation, writes: bool) {
        let Explanation { node, key, update, lacking, prospect, .. } = *explanation;
        let is_written = matches!(prospect, Prospect::Siblings | Prospect::Applied);
        self.wanted.push(match update {
            Some(update) => Steps::Delivery(Box::new(DeliverySteps::new(lacking.unwrap_or(node), update))),
            None if writes && is_written => Steps::Writes(Box::new(WriteSteps::new(node, key))),
            None => Steps::Nothing,
        });
    }

    /// Reads the records. Returns none if the work pauses, and at its end the numbers of the records for each copy that was added.
    pub fn read(&mut self, run: &RunContext, pauses: &dyn Fn() -> bool) -> Option<Vec<Vec<u64>>> {
        self.next = self.next.max(run.trace.oldest());
        while !self.wanted.is_empty() && self.next < self.end {
            if pauses() {
                return None;
            }
            let left = usize::try_from(self.end - self.next).unwrap_or(PART);
            for record in run.trace.since(self.next).take(left.min(PART)) {
                self.wanted.iter_mut().for_each(|steps| steps.observe(run, self.next, record));
                self.next += 1;
            }
        }
        Some(self.wanted.drain(..).map(|steps| steps.finish(run)).collect())
    }
}

impl Steps {
    fn observe(&mut self, run: &RunContext, number: u64, record: &Record) {
        match self {
            Steps::Delivery(steps) => steps.observe(run, number, record),
            Steps::Writes(steps) => steps.observe(run, number, record),
            Steps::Nothing => {}
        }
    }

    fn finish(self, run: &RunContext) -> Vec<u64> {
        match self {
            Steps::Delivery(found) => {
                let mut steps = found.steps;
                steps.extend(run.analysis.faults.down(found.node));
                steps.sort_unstable();
                steps.dedup();
                shorten(steps)
            }
            Steps::Writes(steps) => steps.finish(),
            Steps::Nothing => Vec::new(),
        }
    }
}

/// Collects the records about an update on its way to a service.
#[derive(Clone, Debug)]
struct DeliverySteps {
    node: NodeId,
    update: UpdateId,
    /// Sender and receiver of the messages that carry the update.
    sent: BTreeMap<MessageId, (NodeId, NodeId)>,
    /// The last fault of each link. A node's fault has the node as both ends.
    faults: BTreeMap<(NodeId, NodeId), u64>,
    steps: Vec<u64>,
    /// Whether a consumer has acknowledged the event.
    is_acknowledged: bool,
}

impl DeliverySteps {
    fn new(node: NodeId, update: UpdateId) -> Self {
        let (sent, faults) = (BTreeMap::new(), BTreeMap::new());
        DeliverySteps { node, update, sent, faults, steps: Vec::new(), is_acknowledged: false }
    }

    fn observe(&mut self, run: &RunContext, number: u64, record: &Record) {
        match &record.fact {
            Fact::LinkCut { from, to } | Fact::LinkDisturbed { from, to, .. } => {
                self.faults.insert((*from, *to), number);
            }
            Fact::ServiceCrashed { node, lost_disk } => {
                self.faults.insert((*node, *node), number);
                let is_holder = *node == self.node || run.analysis.staleness.hold_together(*node, self.node);
                self.steps.extend((*lost_disk && is_holder && !self.steps.is_empty()).then_some(number));
            }
            Fact::BusStopped { bus: node, .. } => {
                self.faults.insert((*node, *node), number);
            }
            Fact::MessageSent { message, from, to, update: Some(update), kind, .. } if self.carries(run, *update) => {
                let (is_publication, is_delivery) = (*kind == MessageKind::Publish, *kind == MessageKind::Delivery);
                let is_here = *to == self.node || run.analysis.staleness.hold_together(*to, self.node);
                if is_here || is_publication || (is_delivery && run.delivers_to(*to, self.node)) {
                    self.sent.insert(*message, (*from, *to));
                }
                // `EventSent` already describes a delivery.
                if is_here && !is_delivery {
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
                self.is_acknowledged |= self.is_consumer(run, *subscription);
            }
            // A rebalance or a lost connection matters from the publication of the update to its acknowledgement.
            Fact::ReaderLeft { subscription, .. }
            | Fact::ReaderJoined { subscription }
            | Fact::PartitionsReleased { subscription }
            | Fact::ConsumerAttached { subscription }
            | Fact::ConsumerDetached { subscription, .. } => {
                let is_stored = !self.steps.is_empty() && !self.is_acknowledged;
                self.steps.extend((is_stored && self.is_consumer(run, *subscription)).then_some(number));
            }
            Fact::PublicationLost { update, node, .. } if self.carries(run, *update) => {
                self.steps.extend(self.faults.get(&(*node, *node)));
                self.steps.push(number);
            }
            fact if self.concerns(run, fact) => self.steps.push(number),
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
    fn concerns(&self, run: &RunContext, fact: &Fact) -> bool {
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
            | Fact::WriteRolledBack { update, .. } => self.carries(run, *update),
            Fact::UpdateApplied { update, node, by: Some(_), .. } => {
                self.carries(run, *update) && run.delivers_to(*node, self.node)
            }
            Fact::UpdateApplied { update, node, .. }
            | Fact::WritePromised { update, node, .. }
            | Fact::PromiseReleased { update, node, .. } => self.carries(run, *update) && *node == self.node,
            Fact::EventWriteStarted { update, node, .. } | Fact::EventWriteEnded { update, node, .. } => {
                *update == self.update && run.delivers_to(*node, self.node)
            }
            Fact::ReplicaStored { update: Some(update), node, .. }
            | Fact::HintStored { update: Some(update), replica: node, .. } => {
                self.carries(run, *update) && *node == self.node
            }
            Fact::EventSent { update, subscription, .. }
            | Fact::EventDeadLettered { update, subscription, .. }
            | Fact::EventDiscarded { update, subscription, .. }
            | Fact::AcknowledgementExpired { update, subscription, .. }
            | Fact::EventRedriven { update, subscription, .. }
            | Fact::HandlingFailed { update, subscription, .. } => {
                *update == self.update && self.is_consumer(run, *subscription)
            }
            facts_about!(declarations, operations, messages, attachments, faults, repair, leaders)
            | Fact::UpdateProposed { .. }
            | Fact::PublicationLost { .. }
            | Fact::EventDeduplicated { .. }
            | Fact::EventQueued { .. }
            | Fact::EventAcknowledged { .. }
            | Fact::InboxHit { .. }
            | Fact::DeliveryDiscarded { .. }
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. } => false,
        }
    }

    /// Returns whether an update is the wanted one, or a group's write that carries it.
    fn carries(&self, run: &RunContext, update: UpdateId) -> bool {
        run.analysis.event_writes.carried_update(update) == self.update
    }

    fn is_consumer(&self, run: &RunContext, subscription: SubscriptionId) -> bool {
        run.delivers_to(run.names.subscription(subscription).service, self.node)
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
