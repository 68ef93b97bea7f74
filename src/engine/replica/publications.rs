//! The writes of a connected group that a member will publish.

use super::write_metadata::WriteMetadata;
use crate::engine::message::Update;
use crate::scenario::Value;
use crate::trace::{KeyId, UpdateId, Version};
use litemap::LiteMap;
use std::sync::Arc;

/// When a member publishes a write.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublicationModes {
    /// When the group has acknowledged a write that this member coordinated.
    pub on_acknowledged: bool,
    /// When this member stores a write, regardless of its coordinator.
    pub on_stored: bool,
}

/// Writes that a member will publish.
#[derive(Clone, Debug, Default)]
pub struct PendingPublications {
    modes: PublicationModes,
    /// Writes that this member coordinates, and the group has not acknowledged.
    coordinated: LiteMap<UpdateId, Arc<Update>>,
    /// Writes that this member has stored since [`PendingPublications::take_stored`] was last called.
    stored: Vec<Arc<Update>>,
}

impl PendingPublications {
    /// Returns an empty list for a member that publishes in these ways.
    pub fn new(modes: PublicationModes) -> Self {
        PendingPublications { modes, ..PendingPublications::default() }
    }

    /// Returns whether stored writes are published.
    pub fn publishes_stored(&self) -> bool {
        self.modes.on_stored
    }

    /// Adds a write that this member coordinates; `before` is the key's old value.
    pub fn add_coordinated(&mut self, update: Update, before: Option<&Value>) {
        if self.modes.on_acknowledged {
            self.coordinated.insert(update.id, with_difference(update, before));
        }
    }

    /// Adds a write that this member has stored; `before` is the key's old value.
    pub fn add_stored(&mut self, update: Update, before: Option<&Value>) {
        debug_assert!(self.modes.on_stored, "stored writes are collected only if they are published");
        self.stored.push(with_difference(update, before));
    }

    /// Removes and returns a coordinated write once the group has acknowledged it.
    pub fn take_acknowledged(&mut self, update: UpdateId) -> Option<Arc<Update>> {
        self.coordinated.remove(&update)
    }

    /// Removes and returns all stored writes.
    pub fn take_stored(&mut self) -> Vec<Arc<Update>> {
        std::mem::take(&mut self.stored)
    }

    /// Discards all writes in a crash.
    pub fn clear(&mut self) {
        *self = PendingPublications::new(self.modes);
    }
}

fn with_difference(update: Update, before: Option<&Value>) -> Arc<Update> {
    let delta = match (before, &update.value) {
        (None, Value::Int(after)) => Some(*after),
        (Some(Value::Int(before)), Value::Int(after)) => after.checked_sub(*before),
        (None | Some(_), _) => None,
    };
    Arc::new(Update { delta, ..update })
}

/// Returns a group's write in the form in which it is published.
pub fn published_update(id: UpdateId, key: KeyId, value: Value, version: Version, metadata: &WriteMetadata) -> Update {
    Update { id, key, value, version, clock: metadata.writer_clock, delta: None, poison: metadata.poison }
}
