//! Writes of replica groups that a member asked for while it handled an event: they carry an update that was made
//! elsewhere, and are none of their own.

use crate::trace::{Fact, NodeId, OperationId, Record, UpdateId, Version};
use std::collections::BTreeMap;

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

/// An event that a member handles, or has handled.
#[derive(Clone, Debug)]
struct Asked {
    source: Source,
    /// Who waits for the group's answer.
    by: Option<NodeId>,
}

/// Which writes of groups carry which updates, and which events members are handling.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    asked: BTreeMap<OperationId, Asked>,
    /// How many of them wait.
    waiting: usize,
    sources: BTreeMap<UpdateId, Source>,
}

impl Derived {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::EventWriteStarted { operation, node, update, version, adds, .. } => {
                let source = Source { update: *update, version: *version, adds: *adds };
                self.asked.insert(*operation, Asked { source, by: Some(*node) });
                self.waiting += 1;
                if self.asked.len() > REMEMBERED
                    && let Some((_, oldest)) = self.asked.pop_first()
                {
                    self.waiting -= usize::from(oldest.by.is_some());
                }
            }
            Fact::WriteCoordinated { update, operation, .. } => {
                let Some(asked) = self.asked.get(operation) else { return };
                self.sources.insert(*update, asked.source);
                if self.sources.len() > REMEMBERED {
                    self.sources.pop_first();
                }
            }
            Fact::EventWriteEnded { operation, .. } => {
                let waited = self.asked.get_mut(operation).and_then(|asked| asked.by.take());
                self.waiting -= usize::from(waited.is_some());
            }
            Fact::ServiceCrashed { node, .. } if self.waiting > 0 => {
                for asked in self.asked.values_mut().filter(|asked| asked.by == Some(*node)) {
                    asked.by = None;
                    self.waiting -= 1;
                }
            }
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

    /// Whether a member waits for its group to write an event.
    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// The events that members are handling: by whom, and their updates.
    pub fn handled(&self) -> impl Iterator<Item = (NodeId, UpdateId)> {
        let asked = self.asked.values().filter(|_| self.waiting > 0);
        asked.filter_map(|asked| Some((asked.by?, asked.source.update)))
    }
}
