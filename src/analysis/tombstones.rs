//! The tombstones that replicas purged. A key whose tombstone is purged is read as absent, without a version, but it still
//! reflects the deletion: to apply the deletion once more would change nothing that can be read.

use crate::trace::{Fact, KeyId, NodeId, Version};
use litemap::LiteMap;

/// The versions of the tombstones that replicas hold, and of those that they purged.
#[derive(Clone, Debug, Default)]
pub(super) struct PurgedTombstones {
    /// The tombstones that replicas hold.
    held: LiteMap<(KeyId, NodeId), Version>,
    /// The newest purged tombstone of each key and replica.
    purged: LiteMap<(KeyId, NodeId), Version>,
    /// The newest purged tombstone of each key.
    newest: LiteMap<KeyId, Version>,
}

impl PurgedTombstones {
    pub(super) fn observe(&mut self, fact: &Fact) {
        if let Fact::ReplicaStored { node, key, version, value, changed: true, .. } = fact {
            match value {
                None => _ = self.held.insert((*key, *node), *version),
                Some(_) => _ = self.held.remove(&(*key, *node)),
            }
        } else if let Fact::TombstonePurged { node, key } = fact
            && let Some(version) = self.held.remove(&(*key, *node))
        {
            self.purged.insert((*key, *node), version);
            let newest = self.newest.entry(*key).or_default();
            *newest = version.max(*newest);
        }
    }

    /// Returns the version that a replica's absent key reflects: that of the tombstone that it purged last.
    pub(super) fn of_replica(&self, node: NodeId, key: KeyId) -> Option<Version> {
        self.purged.get(&(key, node)).copied()
    }

    /// Returns the version that an absent key reflects: that of the newest tombstone that was purged.
    pub(super) fn of_key(&self, key: KeyId) -> Option<Version> {
        self.newest.get(&key).copied()
    }
}
