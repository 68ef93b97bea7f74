//! The records that wrote a copy, and why an event was applied to it once more.

use crate::analysis::run_context::RunContext;
use crate::trace::{DropCause, Fact, KeyId, MessageKind, NodeId, Record, UpdateId, facts_about};
use std::collections::{BTreeMap, VecDeque};

/// Maximum number of steps. Of more steps, only the first and the last are kept.
pub(super) const MAX_STEPS: usize = 14;

/// Maximum number of remembered updates.
const MOST_APPLIED: usize = 1024;

/// An update whose event a service has applied.
#[derive(Clone, Debug)]
struct Applied {
    /// The record of its last application.
    record: u64,
    /// The records since then that lead to the next application.
    causes: Vec<u64>,
}

/// Collects the last records that wrote a copy, and for each repeated application of an event the faults that caused it.
#[derive(Clone, Debug)]
pub(super) struct WriteSteps {
    node: NodeId,
    key: KeyId,
    steps: VecDeque<u64>,
    applied: BTreeMap<UpdateId, Applied>,
    /// The last fault of each link. A node's fault has the node as both ends.
    faults: BTreeMap<(NodeId, NodeId), u64>,
}

impl WriteSteps {
    pub fn new(node: NodeId, key: KeyId) -> Self {
        WriteSteps { node, key, steps: VecDeque::new(), applied: BTreeMap::new(), faults: BTreeMap::new() }
    }

    pub fn observe(&mut self, run: &RunContext, number: u64, record: &Record) {
        match &record.fact {
            Fact::LinkCut { from, to } | Fact::LinkDisturbed { from, to, .. } => {
                self.faults.insert((*from, *to), number);
            }
            Fact::ServiceCrashed { node, .. } | Fact::BusStopped { bus: node, .. } => {
                self.faults.insert((*node, *node), number);
            }
            Fact::MessageDropped { message, cause } => {
                let Some(message) = run.analysis.messages.recall(*message) else { return };
                if let (MessageKind::Acknowledgement, Some(update)) = (message.kind, message.update) {
                    let ends = match cause {
                        DropCause::ReceiverDown => (message.to, message.to),
                        DropCause::LinkCut | DropCause::Disturbance | DropCause::Loss => (message.from, message.to),
                    };
                    self.note(update, ends, number);
                }
            }
            Fact::AcknowledgementExpired { update, subscription, .. }
            | Fact::EventSent { update, subscription, .. } => {
                let consumer = run.names.subscription(*subscription).service;
                if consumer == self.node {
                    self.note(*update, (consumer, consumer), number);
                }
            }
            Fact::PositionLost { node, update, .. } => self.note(*update, (*node, *node), number),
            Fact::UpdateApplied { node, key, update, by: Some(_), .. } if (*node, *key) == (self.node, self.key) => {
                let applied = Applied { record: number, causes: Vec::new() };
                if let Some(before) = self.applied.insert(*update, applied) {
                    before.causes.into_iter().for_each(|cause| self.push(cause));
                }
                if self.applied.len() > MOST_APPLIED {
                    self.applied.pop_first();
                }
                self.push(number);
            }
            fact if is_write(fact, self.node, self.key) => self.push(number),
            facts_about!(
                declarations,
                requests,
                publications,
                handling,
                attachments,
                disturbances,
                brokers,
                groups
            )
            | Fact::MessageSent { .. }
            | Fact::MessageDuplicated { .. }
            | Fact::MessageDelivered { .. }
            | Fact::OutboxRowWritten { .. }
            | Fact::OutboxRowPublished { .. }
            | Fact::PublishAbandoned { .. }
            | Fact::PublicationLost { .. }
            | Fact::EventQueued { .. }
            | Fact::EventAcknowledged { .. }
            | Fact::EventDeadLettered { .. }
            | Fact::EventDiscarded { .. }
            | Fact::EventRedriven { .. }
            | Fact::LinkHealed { .. }
            | Fact::ServiceRestarted { .. }
            | Fact::BusStarted { .. } => {}
        }
    }

    /// Notes a record that leads to another application of an update, after the fault that caused it.
    fn note(&mut self, update: UpdateId, ends: (NodeId, NodeId), number: u64) {
        let Some(applied) = self.applied.get_mut(&update) else { return };
        let fault = self.faults.get(&ends).filter(|fault| ends.0 != ends.1 || **fault > applied.record);
        for cause in fault.copied().into_iter().chain([number]) {
            if applied.causes.len() < MAX_STEPS / 2 && !applied.causes.contains(&cause) {
                applied.causes.push(cause);
            }
        }
    }

    fn push(&mut self, number: u64) {
        if self.steps.contains(&number) {
            return;
        }
        if self.steps.len() == MAX_STEPS {
            self.steps.pop_front();
        }
        self.steps.push_back(number);
    }

    /// Returns the numbers of the records, in order.
    pub fn finish(self) -> Vec<u64> {
        let mut steps: Vec<u64> = self.steps.into();
        steps.sort_unstable();
        steps
    }
}

/// Returns whether a record is about a write of a copy.
fn is_write(fact: &Fact, node: NodeId, key: KeyId) -> bool {
    match fact {
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
    }
}
