//! Writes of replica groups that a member asked for while it handled an event: they carry an update that was made
//! elsewhere, and are none of their own.

use crate::ordered::Map;
use crate::trace::{Fact, NodeId, OperationId, Record, UpdateId, Version};

/// Operations and writes that are remembered.
const REMEMBERED: usize = 1 << 16;

/// What a group's write carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The update of the event.
    pub update: UpdateId,
    /// Its version, given where it was made.
    pub version: Version,
    /// Its difference is added to what is there.
    pub adds: bool,
}

/// Which writes of groups carry which updates, and which events members are handling.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    asked: Map<OperationId, Source>,
    sources: Map<UpdateId, Source>,
    /// The other way round.
    writes: Map<UpdateId, Vec<UpdateId>>,
    /// Events that members handle: the group has not answered yet.
    handled: Map<OperationId, (NodeId, UpdateId)>,
}

impl Derived {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::EventTakenUp { operation, node, update, version, adds, .. } => {
                self.asked.insert(*operation, Source { update: *update, version: *version, adds: *adds });
                self.handled.insert(*operation, (*node, *update));
                if self.asked.len() > REMEMBERED {
                    self.asked.pop_first();
                }
            }
            Fact::WriteCoordinated { update, operation, .. } => {
                let Some(source) = self.asked.get(operation) else { return };
                self.writes.or_default(source.update).push(*update);
                self.sources.insert(*update, *source);
                if self.sources.len() > REMEMBERED
                    && let Some((_, oldest)) = self.sources.pop_first()
                {
                    self.writes.remove(&oldest.update);
                }
            }
            Fact::EventWriteEnded { operation, .. } => _ = self.handled.remove(operation),
            Fact::ServiceCrashed { node, .. } => self.handled.retain(|_, (at, _)| at != node),
            _ => {}
        }
    }

    /// What a group's write carries; none if it is an update of its own.
    pub fn source(&self, write: UpdateId) -> Option<&Source> {
        self.sources.get(&write)
    }

    /// The update that a group's write carries, or itself.
    pub fn update(&self, write: UpdateId) -> UpdateId {
        self.source(write).map_or(write, |source| source.update)
    }

    /// The writes of groups that carry an update.
    pub fn writes(&self, update: UpdateId) -> &[UpdateId] {
        self.writes.get(&update).map_or(&[], Vec::as_slice)
    }

    /// The events that members are handling: by whom, and their updates.
    pub fn handled(&self) -> impl Iterator<Item = (NodeId, UpdateId)> {
        self.handled.values().copied()
    }
}
