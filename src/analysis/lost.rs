use crate::scenario::Micros;
use crate::trace::{Fact, KeyId, NodeId, OperationId, Record, UpdateId, Version};
use std::collections::{BTreeMap, VecDeque};

/// Writes of a key that are remembered to be compared with later ones.
const REMEMBERED: usize = 1024;

#[derive(Clone, Debug)]
struct Write {
    update: UpdateId,
    version: Version,
    replaces: Version,
    /// Whoever coordinated it is a replica of the key: what `replaces` does not say it had not.
    at_replica: bool,
    issued: Micros,
    acknowledged: Option<Micros>,
    lost: bool,
}

/// Lost updates of registers: an acknowledged write whose place another took that had not seen it, or that its group
/// threw away. A coordinator has seen what it held, or read, when it gave the write its version.
#[derive(Clone, Debug, Default)]
pub struct LostUpdates {
    issued: BTreeMap<OperationId, Micros>,
    keys: BTreeMap<KeyId, VecDeque<Write>>,
    key_of: BTreeMap<UpdateId, KeyId>,
    replicas: BTreeMap<KeyId, Vec<NodeId>>,
    lost: Vec<(Micros, UpdateId, UpdateId)>,
}

impl LostUpdates {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::OperationIssued { operation, .. } => {
                self.issued.insert(*operation, record.at);
                if self.issued.len() > REMEMBERED {
                    self.issued.pop_first();
                }
            }
            Fact::KeyPlaced { key, replicas, .. } => _ = self.replicas.insert(*key, replicas.clone()),
            Fact::WriteCoordinated { update, operation, key, version, replaces, node, .. } => {
                let issued = self.issued.get(operation).copied().unwrap_or(record.at);
                let (update, version, replaces) = (*update, *version, *replaces);
                let at_replica = self.replicas.get(key).is_some_and(|replicas| replicas.contains(node));
                let writes = self.keys.entry(*key).or_default();
                writes.push_back(Write {
                    update,
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
                // Nothing is lost that is merged.
                if let Some(writes) = self.keys.remove(key) {
                    for write in writes {
                        self.key_of.remove(&write.update);
                    }
                }
            }
            Fact::WriteRolledBack { update, .. } => {
                let key = self.key_of.get(update);
                let write = key.and_then(|key| self.keys.get_mut(key)?.iter_mut().find(|it| it.update == *update));
                if let Some(write) = write.filter(|write| write.acknowledged.is_some() && !write.lost) {
                    write.lost = true;
                    self.lost.push((record.at, *update, *update));
                }
            }
            Fact::UpdateAcknowledged { update, .. } => self.acknowledge(record.at, *update),
            _ => {}
        }
    }

    fn acknowledge(&mut self, at: Micros, update: UpdateId) {
        let Some(writes) = self.key_of.get(&update).and_then(|key| self.keys.get_mut(key)) else { return };
        let Some(mine) = writes.iter_mut().find(|write| write.update == update) else { return };
        mine.acknowledged = Some(at);
        let mine = mine.clone();
        for other in writes.iter_mut().filter(|other| other.update != update) {
            let Some(acknowledged) = other.acknowledged else { continue };
            if other.version < mine.version {
                // A client that coordinates itself holds nothing: what was acknowledged before it began it may know.
                let told = !mine.at_replica && mine.replaces.is_none() && acknowledged <= mine.issued;
                let knew = told || mine.replaces >= other.version;
                if !knew && !other.lost {
                    other.lost = true;
                    self.lost.push((at, other.update, mine.update));
                }
            }
        }
        let by = writes.iter().find(|other| {
            other.acknowledged.is_some()
                && other.version > mine.version
                && other.replaces < mine.version
                && other.update != update
        });
        if let Some(by) = by.map(|by| by.update) {
            self.lost.push((at, update, by));
            if let Some(mine) = writes.iter_mut().find(|write| write.update == update) {
                mine.lost = true;
            }
        }
    }

    /// When each was lost, what, and by which other; by itself where its group threw it away.
    pub fn all(&self) -> &[(Micros, UpdateId, UpdateId)] {
        &self.lost
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.lost.len() as u64
    }
}
