use super::loss_evidence::LossEvidence;
use super::tombstones::PurgedTombstones;
use crate::scenario::Micros;
use crate::trace::{Fact, KeyId, NodeId, OperationId, Record, UpdateId, Version, facts_about};
use std::collections::{BTreeMap, VecDeque};

/// Maximum number of writes of a key that are remembered for comparison with later ones.
const REMEMBERED: usize = 1024;

#[derive(Clone, Debug)]
struct Write {
    update: UpdateId,
    /// Its coordinator.
    node: NodeId,
    version: Version,
    replaces: Version,
    /// Whether the coordinator is a replica of the key: it had seen no write newer than `replaces`.
    at_replica: bool,
    issued: Micros,
    acknowledged: Option<Micros>,
    lost: bool,
}

/// Lost updates of registers: acknowledged writes that were replaced by a write whose coordinator had not seen them, or that
/// their group rolled back. A coordinator has seen the version that it held, or had read, when it assigned the new version.
#[derive(Clone, Debug, Default)]
pub struct LostUpdates {
    /// In order of their ids.
    issued: VecDeque<(OperationId, Micros)>,
    /// By key id.
    keys: Vec<VecDeque<Write>>,
    key_of: BTreeMap<UpdateId, KeyId>,
    /// By key id.
    replicas: Vec<Vec<NodeId>>,
    tombstones: PurgedTombstones,
    evidence: LossEvidence,
    lost: Vec<(Micros, UpdateId, UpdateId)>,
    /// Number of the lost updates of each key that a node coordinated.
    counts: BTreeMap<(NodeId, KeyId), u32>,
}

impl LostUpdates {
    pub(super) fn observe(&mut self, record: &Record) {
        self.tombstones.observe(&record.fact);
        self.evidence.observe(&record.fact);
        match &record.fact {
            Fact::OperationIssued { operation, .. } => {
                self.issued.push_back((*operation, record.at));
                if self.issued.len() > REMEMBERED {
                    self.issued.pop_front();
                }
            }
            Fact::KeyPlaced { key, replicas, .. } => at_key(&mut self.replicas, *key).clone_from(replicas),
            Fact::WriteCoordinated { update, operation, key, version, replaces, node, .. } => {
                let issued = self
                    .issued
                    .binary_search_by_key(operation, |(id, _)| *id)
                    .map_or(record.at, |at| self.issued[at].1);
                let (update, version) = (*update, *version);
                // A coordinator that has purged a tombstone knows that the key is absent.
                let purged = self.tombstones.of_replica(*node, *key).filter(|_| replaces.is_none());
                let replaces = purged.unwrap_or(*replaces);
                let at_replica = self.replicas.get(key.index()).is_some_and(|replicas| replicas.contains(node));
                let writes = at_key(&mut self.keys, *key);
                writes.push_back(Write {
                    update,
                    node: *node,
                    version,
                    replaces,
                    at_replica,
                    issued,
                    acknowledged: None,
                    lost: false,
                });
                self.key_of.insert(update, *key);
                if writes.len() > REMEMBERED
                    && let Some(old) = writes.pop_front()
                {
                    self.key_of.remove(&old.update);
                }
            }
            Fact::StateMerged { key, .. } => {
                // Merged data loses no update.
                if let Some(writes) = self.keys.get_mut(key.index()) {
                    for write in writes.drain(..) {
                        self.key_of.remove(&write.update);
                    }
                }
            }
            Fact::WriteRolledBack { update, .. } => {
                let Some(key) = self.key_of.get(update).copied() else { return };
                let write =
                    self.keys.get_mut(key.index()).and_then(|all| all.iter_mut().find(|write| write.update == *update));
                if let Some(write) = write.filter(|write| write.acknowledged.is_some() && !write.lost) {
                    write.lost = true;
                    self.lost.push((record.at, *update, *update));
                    *self.counts.entry((write.node, key)).or_default() += 1;
                }
            }
            Fact::UpdateAcknowledged { update, .. } => self.acknowledge(record.at, *update),
            facts_about!(declarations, messages, events, faults, repair, leaders, transactions)
            | Fact::ReadServed { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationEnded { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateCommitted { .. }
            | Fact::UpdateApplied { .. }
            | Fact::ReplicaStored { .. } => {}
        }
    }

    fn acknowledge(&mut self, at: Micros, update: UpdateId) {
        let Some(key) = self.key_of.get(&update).copied() else { return };
        let Some(writes) = self.keys.get_mut(key.index()) else { return };
        let Some(write) = writes.iter_mut().find(|write| write.update == update) else { return };
        write.acknowledged = Some(at);
        let write = write.clone();
        for other in writes.iter_mut().filter(|other| other.update != update) {
            let Some(acknowledged) = other.acknowledged else { continue };
            if other.version < write.version {
                // A client that coordinates itself holds no version. It may know the writes acknowledged before it began.
                let may_know = !write.at_replica && write.replaces.is_none() && acknowledged <= write.issued;
                let has_seen = may_know || write.replaces >= other.version;
                if !has_seen && !other.lost {
                    other.lost = true;
                    self.lost.push((at, other.update, write.update));
                    *self.counts.entry((other.node, key)).or_default() += 1;
                }
            }
        }
        let replaced_by = writes.iter().find(|other| {
            other.acknowledged.is_some()
                && other.version > write.version
                && other.replaces < write.version
                && other.update != update
        });
        if let Some(by) = replaced_by.map(|write| write.update) {
            self.lost.push((at, update, by));
            *self.counts.entry((write.node, key)).or_default() += 1;
            if let Some(write) = writes.iter_mut().find(|write| write.update == update) {
                write.lost = true;
            }
        }
    }

    /// Returns the lost updates: the time, the update, and the write that replaced it (itself if its group rolled it back).
    pub fn all(&self) -> &[(Micros, UpdateId, UpdateId)] {
        &self.lost
    }

    /// Returns the number of lost updates of a key that a node coordinated.
    pub fn count_at(&self, node: NodeId, key: KeyId) -> u32 {
        self.counts.get(&(node, key)).copied().unwrap_or(0)
    }

    /// Returns whether no update is known to be lost only because nothing could have shown it: no operation read a key after an
    /// update of it was acknowledged, and no group acknowledged two updates of a key.
    pub fn is_unknown(&self) -> bool {
        self.lost.is_empty() && !self.evidence.is_complete()
    }

    /// Returns the number of updates that their group rolled back, among the lost ones.
    pub fn rolled_back(&self) -> u64 {
        self.lost.iter().filter(|(_, update, by)| update == by).count() as u64
    }

    /// Returns the number of lost updates.
    pub fn count(&self) -> u64 {
        self.lost.len() as u64
    }
}

/// Returns a key's entry, which is created at its first use.
fn at_key<T: Default>(entries: &mut Vec<T>, key: KeyId) -> &mut T {
    if entries.len() <= key.index() {
        entries.resize_with(key.index() + 1, T::default);
    }
    &mut entries[key.index()]
}
