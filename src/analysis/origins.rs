//! Where the values of a copy come from: which write said each of them, and when that was by whose clock.

use super::Look;
use crate::scenario::{Micros, Value};
use crate::trace::{Fact, KeyId, NodeId, UpdateId, Version, VersionVector};
use std::collections::BTreeMap;

/// A write of a group's key.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The update.
    pub update: UpdateId,
    /// Its version; of data without a total order its dot.
    pub version: Version,
    /// Who coordinated it.
    pub by: NodeId,
    /// When.
    pub at: Micros,
    /// What the coordinator's own clock read then, µs.
    pub clock: i64,
    /// What it says; none for a deletion.
    pub value: Option<Value>,
}

/// A deletion that a replica remembers, or no longer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// When the replica took the deletion in.
    pub since: Micros,
    /// When it forgot it.
    pub forgotten: Option<Micros>,
}

/// What a replica holds, as far as the log still tells.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    writes: BTreeMap<KeyId, Vec<Write>>,
    contexts: BTreeMap<KeyId, VersionVector>,
    tombstones: BTreeMap<KeyId, Tombstone>,
    hints: BTreeMap<(NodeId, KeyId), (Micros, Option<UpdateId>)>,
    promised: BTreeMap<KeyId, UpdateId>,
}

impl Origins {
    /// Reads the log for a replica.
    pub fn of(look: &Look, replica: NodeId) -> Origins {
        let mut origins = Origins::default();
        for record in look.trace.since(look.trace.oldest()) {
            origins.observe(record.at, &record.fact, replica);
        }
        origins
    }

    fn observe(&mut self, at: Micros, fact: &Fact, replica: NodeId) {
        match fact {
            Fact::WriteCoordinated { update, node, key, version, value, clock, .. } => {
                let (update, version, by, clock, value) = (*update, *version, *node, *clock, value.clone());
                self.writes.entry(*key).or_default().push(Write { update, version, by, at, clock, value });
            }
            Fact::ReplicaStored { node, key, value, changed, .. } if *node == replica => {
                // A promised write that is taken in is committed.
                self.promised.remove(key);
                match value {
                    _ if !changed => {}
                    Some(_) => _ = self.tombstones.remove(key),
                    None => _ = self.tombstones.insert(*key, Tombstone { since: at, forgotten: None }),
                }
            }
            Fact::WritePromised { update, node, key } if *node == replica => _ = self.promised.insert(*key, *update),
            Fact::PromiseReleased { node, key, .. } if *node == replica => _ = self.promised.remove(key),
            Fact::StateMerged { node, key, context, .. } if *node == replica => {
                self.contexts.insert(*key, context.clone());
            }
            Fact::TombstonePurged { node, key } if *node == replica => {
                if let Some(tombstone) = self.tombstones.get_mut(key) {
                    tombstone.forgotten = Some(at);
                }
            }
            Fact::HintStored { node, replica: kept_for, key, update } if *node == replica => {
                let hint = self.hints.entry((*kept_for, *key)).or_insert_with(|| (at, *update));
                hint.1 = *update;
            }
            Fact::HintRemoved { node, replica: kept_for, key, .. } if *node == replica => {
                self.hints.remove(&(*kept_for, *key));
            }
            Fact::ServiceCrashed { node, lost_disk: true } if *node == replica => {
                self.contexts.clear();
                self.tombstones.clear();
                self.hints.clear();
                self.promised.clear();
            }
            _ => {}
        }
    }

    /// The write of an update.
    pub fn write(&self, key: KeyId, update: UpdateId) -> Option<&Write> {
        self.writes.get(&key)?.iter().find(|write| write.update == update)
    }

    /// The replica's version vector of a key: by origin how many of its updates are in what it holds. Empty for registers.
    pub fn context(&self, key: KeyId) -> &[(u32, u32)] {
        self.contexts.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The writes, of those that the replica has, that may have said a value which it shows as a sibling: of each origin
    /// the newest that says it. More than one only where two origins said the same.
    pub fn of_sibling(&self, key: KeyId, value: &Value) -> Vec<&Write> {
        let has = |write: &&Write| {
            let dot = (write.version.origin, write.version.counter);
            self.context(key).iter().any(|(origin, count)| *origin == dot.0 && *count >= dot.1)
        };
        let mut newest: BTreeMap<u32, &Write> = BTreeMap::new();
        let said = self.writes.get(&key).into_iter().flatten().filter(has);
        for write in said.filter(|write| write.value.as_ref() == Some(value)) {
            newest.insert(write.version.origin, write);
        }
        newest.values().copied().collect()
    }

    /// The deletion of a key that the replica holds, or held.
    pub fn tombstone(&self, key: KeyId) -> Option<Tombstone> {
        self.tombstones.get(&key).copied()
    }

    /// Writes that it has promised to commit; their keys are locked.
    pub fn promised(&self) -> impl Iterator<Item = UpdateId> {
        self.promised.values().copied()
    }

    /// What it keeps for others: for whom, of which key, since when, and the newest update in it.
    pub fn hints(&self) -> impl Iterator<Item = (NodeId, KeyId, Micros, Option<UpdateId>)> {
        self.hints.iter().map(|((kept_for, key), (since, update))| (*kept_for, *key, *since, *update))
    }
}
