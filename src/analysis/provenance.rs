//! The provenance of a replica's values: the write that produced each of them, and the coordinator's clock at the time.

use super::run_context::RunContext;
use crate::scenario::{Micros, Value};
use crate::trace::{Fact, KeyId, NodeId, UpdateId, Version, VersionVector, facts_about};
use litemap::LiteMap;

/// A coordinated write of a group's key.
#[derive(Clone, Debug, PartialEq)]
pub struct CoordinatedWrite {
    /// The update.
    pub update: UpdateId,
    /// Its version; its dot for data without a total order.
    pub version: Version,
    /// The coordinator.
    pub by: NodeId,
    /// When it was coordinated.
    pub at: Micros,
    /// The reading of the coordinator's clock at that time, µs.
    pub clock: i64,
    /// The written value; `None` for a deletion.
    pub value: Option<Value>,
}

/// A tombstone of a replica, possibly purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// When the replica stored the tombstone.
    pub since: Micros,
    /// When its key was deleted, if the trace still holds that; otherwise when the replica stored the tombstone. The grace period
    /// begins then.
    pub deleted: Micros,
    /// When the replica purged it.
    pub purged: Option<Micros>,
}

/// The provenance of a replica's state, rebuilt from the records that the trace still holds.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    writes: LiteMap<KeyId, Vec<CoordinatedWrite>>,
    contexts: LiteMap<KeyId, VersionVector>,
    tombstones: LiteMap<KeyId, Tombstone>,
    hints: LiteMap<(NodeId, KeyId), (Micros, Option<UpdateId>)>,
    promised: LiteMap<KeyId, UpdateId>,
}

impl Provenance {
    /// Reads the trace for a replica.
    pub fn read(run: &RunContext, replica: NodeId) -> Provenance {
        let mut provenance = Provenance::default();
        for record in run.trace.since(run.trace.oldest()) {
            provenance.observe(record.at, &record.fact, replica);
        }
        provenance
    }

    fn observe(&mut self, at: Micros, fact: &Fact, replica: NodeId) {
        match fact {
            Fact::WriteCoordinated { update, node, key, version, value, clock, .. } => {
                let (update, version, by, clock, value) = (*update, *version, *node, *clock, value.clone());
                self.writes.entry(*key).or_default().push(CoordinatedWrite { update, version, by, at, clock, value });
            }
            Fact::ReplicaStored { node, key, value, changed, version, .. } if *node == replica => {
                // A promised write that is stored has been committed.
                self.promised.remove(key);
                match value {
                    _ if !changed => {}
                    Some(_) => _ = self.tombstones.remove(key),
                    None => {
                        let writes = self.writes.get(key).into_iter().flatten();
                        let deletion = writes.rev().find(|write| write.version == *version);
                        let deleted = deletion.map_or(at, |write| write.at);
                        self.tombstones.insert(*key, Tombstone { since: at, deleted, purged: None });
                    }
                }
            }
            Fact::WritePromised { update, node, key } if *node == replica => _ = self.promised.insert(*key, *update),
            Fact::PromiseReleased { node, key, .. } if *node == replica => _ = self.promised.remove(key),
            Fact::StateMerged { node, key, context, .. } if *node == replica => {
                self.contexts.insert(*key, context.clone());
            }
            Fact::TombstonePurged { node, key } if *node == replica => {
                if let Some(tombstone) = self.tombstones.get_mut(key) {
                    tombstone.purged = Some(at);
                }
            }
            Fact::HintStored { node, replica: target, key, update } if *node == replica => {
                let hint = self.hints.entry((*target, *key)).or_insert_with(|| (at, *update));
                hint.1 = *update;
            }
            Fact::HintRemoved { node, replica: target, key, .. } if *node == replica => {
                self.hints.remove(&(*target, *key));
            }
            Fact::ServiceCrashed { node, lost_disk: true } if *node == replica => {
                self.contexts.clear();
                self.tombstones.clear();
                self.hints.clear();
                self.promised.clear();
            }
            facts_about!(declarations, requests, messages, events, faults, repair, leaders, transactions)
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. } => {}
        }
    }

    /// Returns the write of an update.
    pub fn write(&self, key: KeyId, update: UpdateId) -> Option<&CoordinatedWrite> {
        self.writes.get(&key)?.iter().find(|write| write.update == update)
    }

    /// Returns the replica's version vector of a key: the number of contained updates of each origin. Empty for registers.
    pub fn context(&self, key: KeyId) -> &[(u32, u32)] {
        self.contexts.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Returns the writes that may have produced a sibling: of each origin, the newest write of this value that the replica has.
    /// Returns several writes only if several origins wrote the same value.
    pub fn of_sibling(&self, key: KeyId, value: &Value) -> Vec<&CoordinatedWrite> {
        let has = |write: &&CoordinatedWrite| {
            let dot = (write.version.origin, write.version.counter);
            self.context(key).iter().any(|(origin, count)| *origin == dot.0 && *count >= dot.1)
        };
        let mut newest: LiteMap<u32, &CoordinatedWrite> = LiteMap::new();
        let writes = self.writes.get(&key).into_iter().flatten().filter(has);
        for write in writes.filter(|write| write.value.as_ref() == Some(value)) {
            newest.insert(write.version.origin, write);
        }
        newest.values().copied().collect()
    }

    /// Returns the tombstone of a key that the replica holds or held.
    pub fn tombstone(&self, key: KeyId) -> Option<Tombstone> {
        self.tombstones.get(&key).copied()
    }

    /// Iterates over the writes that the replica promised to commit; their keys are locked.
    pub fn promised(&self) -> impl Iterator<Item = UpdateId> {
        self.promised.values().copied()
    }

    /// Iterates over the hints that the replica stores. Each item is the target replica, the key, the time of storage and the
    /// newest update.
    pub fn hints(&self) -> impl Iterator<Item = (NodeId, KeyId, Micros, Option<UpdateId>)> {
        self.hints.iter().map(|((target, key), (since, update))| (*target, *key, *since, *update))
    }
}
