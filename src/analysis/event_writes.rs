//! Writes of replica groups on behalf of events. A member that handles an event asks its group to write the event's update;
//! that write carries the update and is not counted as an update itself.

use crate::trace::{Fact, NodeId, OperationId, Record, UpdateId, Version, facts_about};
use std::collections::VecDeque;

/// Maximum number of operations and of writes that are remembered.
const REMEMBERED: usize = 1 << 16;

/// The update that a group's write carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedUpdate {
    /// The update of the event.
    pub update: UpdateId,
    /// The version that it got where it was made.
    pub version: Version,
    /// Whether its difference is added to the group's value.
    pub adds: bool,
}

/// A write that a member requested for an event.
#[derive(Clone, Debug)]
struct EventWrite {
    source: CarriedUpdate,
    /// The member that waits for the group's answer; none once it has ended.
    waiting: Option<NodeId>,
}

/// The updates that writes of groups carry, and the events that members are handling.
#[derive(Clone, Debug, Default)]
pub struct EventWrites {
    /// The requested writes, in order of their ids.
    requested: VecDeque<(OperationId, EventWrite)>,
    /// Number of requested writes that have not ended.
    waiting: usize,
    /// The updates that the writes carry, in order of the ids of the writes' own updates.
    sources: VecDeque<(UpdateId, CarriedUpdate)>,
}

impl EventWrites {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::EventWriteStarted { operation, node, update, version, adds, .. } => {
                let source = CarriedUpdate { update: *update, version: *version, adds: *adds };
                debug_assert!(
                    self.requested.back().is_none_or(|(last, _)| last < operation),
                    "operations have increasing ids"
                );
                self.requested.push_back((*operation, EventWrite { source, waiting: Some(*node) }));
                self.waiting += 1;
                if self.requested.len() > REMEMBERED
                    && let Some((_, oldest)) = self.requested.pop_front()
                {
                    self.waiting -= usize::from(oldest.waiting.is_some());
                }
            }
            Fact::WriteCoordinated { update, operation, .. } => {
                let Ok(at) = self.position(*operation) else { return };
                debug_assert!(self.sources.back().is_none_or(|(last, _)| last < update), "updates have increasing ids");
                self.sources.push_back((*update, self.requested[at].1.source));
                if self.sources.len() > REMEMBERED {
                    self.sources.pop_front();
                }
            }
            Fact::EventWriteEnded { operation, .. } => {
                let waited = self.position(*operation).ok().and_then(|at| self.requested[at].1.waiting.take());
                self.waiting -= usize::from(waited.is_some());
                debug_assert!(self.waiting <= self.requested.len(), "only requested writes are awaited");
            }
            Fact::ServiceCrashed { node, .. } if self.waiting > 0 => {
                for (_, write) in self.requested.iter_mut().filter(|(_, write)| write.waiting == Some(*node)) {
                    write.waiting = None;
                    self.waiting -= 1;
                }
            }
            facts_about!(
                declarations,
                requests,
                messages,
                publishers,
                publications,
                queues,
                attachments,
                faults,
                repair,
                leaders,
                transactions
            )
            | Fact::HandlingFailed { .. }
            | Fact::DeliveryDiscarded { .. }
            | Fact::InboxHit { .. }
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. } => {}
        }
    }

    fn position(&self, operation: OperationId) -> Result<usize, usize> {
        self.requested.binary_search_by_key(&operation, |(id, _)| *id)
    }

    /// Returns the update that a group's write carries; none if the write is itself an update.
    pub fn source(&self, write: UpdateId) -> Option<&CarriedUpdate> {
        self.sources.binary_search_by_key(&write, |(id, _)| *id).ok().map(|at| &self.sources[at].1)
    }

    /// Returns the update that a group's write carries, or the write itself.
    pub fn carried_update(&self, write: UpdateId) -> UpdateId {
        self.source(write).map_or(write, |source| source.update)
    }

    /// Returns whether a member waits for its group to write an event's update.
    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Iterates over the events that members are handling: the member and the event's update.
    pub fn in_progress(&self) -> impl Iterator<Item = (NodeId, UpdateId)> {
        let writes = self.requested.iter().filter(|_| self.waiting > 0);
        writes.filter_map(|(_, write)| Some((write.waiting?, write.source.update)))
    }
}
