//! Phantom writes: updates whose event was published, and that were never committed or were rolled back.

use super::{Committed, Staleness, key_mut};
use crate::scenario::Micros;
use crate::trace::{KeyId, NodeId, UpdateId};

impl Staleness {
    /// Marks the updates that a crashed service had published and not committed as phantoms.
    pub(super) fn abandon_proposed(&mut self, at: Micros, node: NodeId) {
        let abandoned: Vec<UpdateId> =
            self.proposed.iter().filter(|(_, proposed)| proposed.node == node).map(|(update, _)| *update).collect();
        for update in abandoned {
            let Some(Committed { key, version, .. }) = self.proposed.remove(&update) else { continue };
            let entry = key_mut(&mut self.keys, key);
            entry.phantoms.insert(version);
            let mut holders = Vec::new();
            for (holder, copy) in entry.copies.iter_mut().filter(|(_, copy)| copy.version() == version) {
                copy.phantom = true;
                holders.push(*holder);
            }
            for holder in holders {
                self.recount_copy(at, holder, key);
            }
        }
    }

    /// Marks an update that its group rolled back before it was acknowledged as a phantom at the services that applied its event.
    pub(super) fn mark_rolled_back(&mut self, at: Micros, update: UpdateId, key: KeyId) {
        let Some(entry) = self.keys.get_mut(key.index()) else { return };
        let (holders, acknowledged) = (&entry.holders, &entry.acknowledged);
        let outside = |node: &NodeId| !holders.values().any(|all| all.contains_key(node));
        let mut marked = Vec::new();
        for (node, copy) in entry.copies.iter_mut().filter(|(node, _)| outside(node)) {
            let held = copy.held.as_ref().filter(|held| held.update == Some(update));
            if held.is_some_and(|held| !acknowledged.contains_key(&held.version)) {
                copy.phantom = true;
                marked.push(*node);
            }
        }
        for node in marked {
            self.recount_copy(at, node, key);
        }
    }
}
