//! Copies that are not registers, and updates that never were.

use super::{Committed, Held, REMEMBERED, Staleness};
use crate::scenario::{Micros, Value};
use crate::trace::{KeyId, NodeId, UpdateId, Version};

impl Staleness {
    /// What a service had published and not committed when it crashed was never an update.
    pub(super) fn give_up_proposed(&mut self, at: Micros, node: NodeId) {
        let gone: Vec<UpdateId> =
            self.proposed.iter().filter(|(_, proposed)| proposed.node == node).map(|(update, _)| *update).collect();
        for update in gone {
            let Some(Committed { key, version, .. }) = self.proposed.remove(&update) else { continue };
            let entry = self.keys.entry(key).or_default();
            entry.phantoms.insert(version);
            let mut holders = Vec::new();
            for (holder, copy) in entry.copies.iter_mut().filter(|(_, copy)| copy.version() == version) {
                copy.phantom = true;
                holders.push(*holder);
            }
            for holder in holders {
                self.settle(at, holder, key);
            }
        }
    }

    /// A copy added what an update says to what it held.
    pub(super) fn add(&mut self, at: Micros, update: UpdateId, node: NodeId, key: KeyId, version: Version, sum: i64) {
        self.copy(node, key);
        let entry = self.keys.entry(key).or_default();
        let acknowledged = entry.acknowledged.contains_key(&version);
        let copy = entry.copies.entry(node).or_default();
        let newest = copy.version().max(version);
        copy.held = Some(Held { value: Some(Value::Int(sum)), version: newest, update: Some(update) });
        copy.taken_in = newest;
        copy.missing.remove(&version);
        // What stood in the document cannot be added: whether the copy began with it shows in the sum.
        copy.behind.retain(|_, behind| behind.update.is_some());
        let reflected = copy.behind.remove(&version);
        let newest = entry.acknowledged.get(&copy.newest);
        let added = copy.sum.get_or_insert_default();
        added.reference = newest.and_then(|update| update.value.clone());
        if !acknowledged {
            added.early.insert(version);
            // Those of operations that ended as unknown never leave otherwise.
            if added.early.len() > REMEMBERED {
                added.early.pop_first();
            }
        }
        if let Some(behind) = reflected {
            self.close(at, behind.update);
        }
        self.settle(at, node, key);
    }
}
