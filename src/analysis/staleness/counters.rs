//! Copies of counters, to which the differences of updates are added.

use super::{REMEMBERED, Staleness, StoredValue, key_mut};
use crate::scenario::{Micros, Value};
use crate::trace::{KeyId, NodeId, UpdateId, Version};

impl Staleness {
    /// Notes that a copy added the difference of an update to its value.
    pub(super) fn add(&mut self, at: Micros, update: UpdateId, node: NodeId, key: KeyId, version: Version, sum: i64) {
        self.copy_mut(node, key);
        let entry = key_mut(&mut self.keys, key);
        let acknowledged = entry.acknowledged.contains_key(&version);
        let copy = entry.copies.entry(node).or_default();
        let newest = copy.version().max(version);
        let is_changed = copy.held.as_ref().is_none_or(|held| held.value != Some(Value::Int(sum)));
        let is_repeated = copy.sum.as_ref().is_some_and(|sum| match acknowledged {
            true => version <= copy.newest_acknowledged && !copy.behind.contains_key(&version),
            false => sum.early.contains(&version),
        });
        copy.held = Some(StoredValue { value: Some(Value::Int(sum)), version: newest, update: Some(update) });
        copy.newest_applied = newest;
        copy.missing.remove(&version);
        // The document's value is not an addition: whether the copy began with it shows in the sum.
        copy.behind.retain(|_, behind| behind.update.is_some());
        let reflected = copy.behind.remove(&version);
        let newest = entry.acknowledged.get(&copy.newest_acknowledged);
        let added = copy.sum.get_or_insert_default();
        added.reference = newest.and_then(|update| update.value.clone());
        added.doubled |= is_repeated && is_changed;
        if !acknowledged {
            added.early.insert(version);
            // Updates of operations that ended `unknown` may never be acknowledged.
            if added.early.len() > REMEMBERED {
                added.early.pop_first();
            }
        }
        if let Some(behind) = reflected {
            self.count_reflected(at, behind);
        }
        self.recount_copy(at, node, key);
    }
}
