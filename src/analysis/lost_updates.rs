use super::loss_evidence::LossEvidence;
use super::lost_changes::{Loss, LossCounts};
use super::members::Members;
use super::staleness::{KeyCopy, Staleness};
use super::tombstones::PurgedTombstones;
use super::unheld_updates::{UnheldChange, UnheldUpdates};
use crate::scenario::Micros;
use crate::trace::{Fact, KeyId, NodeId, OperationId, Record, UpdateId, Version, facts_about};
use std::collections::{BTreeMap, VecDeque};

/// Maximum number of writes of a key that are remembered for comparison with later ones.
const REMEMBERED: usize = 1024;

#[derive(Clone, Debug)]
struct Write {
    update: UpdateId,
    operation: OperationId,
    /// Its coordinator.
    node: NodeId,
    version: Version,
    replaces: Version,
    /// Whether the coordinator is a replica of the key: it had seen no write newer than `replaces`.
    at_replica: bool,
    deletes: bool,
    issued: Micros,
    acknowledged: Option<Micros>,
    lost: bool,
}

/// How an acknowledged update was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// This write replaced it, whose coordinator had not seen it.
    Overwritten(UpdateId),
    /// Its group rolled it back.
    RolledBack,
    /// Its group purged the tombstone of this deletion before every member had it, and an older value came back: that of the
    /// update, or an initial value of the document if none.
    Resurrected(Option<UpdateId>),
    /// Disks were lost, and with them its last copy.
    DiskLost,
}

impl From<LossCause> for Loss {
    fn from(cause: LossCause) -> Loss {
        match cause {
            LossCause::Overwritten(_) => Loss::Overwritten,
            LossCause::RolledBack => Loss::RolledBack,
            LossCause::Resurrected(_) => Loss::Resurrected,
            LossCause::DiskLost => Loss::DiskLost,
        }
    }
}

/// An update that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostUpdate {
    /// When it was lost.
    pub at: Micros,
    /// The update.
    pub update: UpdateId,
    /// How it was lost.
    pub cause: LossCause,
}

/// Lost updates. Of registers of groups: acknowledged writes that were replaced by a write whose coordinator had not seen them, that
/// their group rolled back, or whose tombstone their group purged before an older value came back. A coordinator has seen the version
/// that it held, or had read, when it assigned the new version. A write replaces no other execution of its own operation. Of all data:
/// updates whose last copy was lost with a disk, as a later read shows.
#[derive(Clone, Debug, Default)]
pub struct LostUpdates {
    /// The operations with the times at which they were issued, in order of their ids.
    issued: VecDeque<(OperationId, Micros)>,
    /// The writes of each key, by key id.
    keys: Vec<VecDeque<Write>>,
    key_of: BTreeMap<UpdateId, KeyId>,
    /// The replicas of each key, by key id.
    replicas: Vec<Vec<NodeId>>,
    tombstones: PurgedTombstones,
    evidence: LossEvidence,
    unheld: UnheldUpdates,
    lost: Vec<LostUpdate>,
    /// Number of the lost updates of each key that a node coordinated.
    counts: BTreeMap<(NodeId, KeyId), u32>,
}

impl LostUpdates {
    pub(super) fn observe(&mut self, record: &Record, copies: &Staleness, members: &Members) {
        self.tombstones.observe(&record.fact);
        self.evidence.observe(&record.fact);
        self.observe_disks(record, copies, members);
        match &record.fact {
            Fact::OperationIssued { operation, .. } => {
                self.issued.push_back((*operation, record.at));
                if self.issued.len() > REMEMBERED {
                    self.issued.pop_front();
                }
            }
            Fact::KeyPlaced { key, replicas, .. } => at_key(&mut self.replicas, *key).clone_from(replicas),
            Fact::WriteCoordinated { update, operation, key, version, replaces, node, value, .. } => {
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
                    operation: *operation,
                    node: *node,
                    version,
                    replaces,
                    at_replica,
                    deletes: value.is_none(),
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
            Fact::WriteRolledBack { update, .. } => self.roll_back(record.at, *update),
            Fact::UpdateAcknowledged { update, .. } => self.acknowledge(record.at, *update),
            Fact::ReplicaStored { key, version, value, changed: true, .. } => match value {
                Some(_) => self.find_resurrection(record.at, *key, None, copies),
                None => self.restore(*key, *version),
            },
            Fact::ReadServed { key, version, value: Some(_), .. } => {
                self.find_resurrection(record.at, *key, Some(*version), copies);
            }
            Fact::TombstonePurged { key, .. } => self.find_resurrection(record.at, *key, None, copies),
            facts_about!(declarations, messages, events, faults, leaders, transactions)
            | Fact::ReadServed { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationEnded { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateCommitted { .. }
            | Fact::UpdateApplied { .. }
            | Fact::ReplicaStored { .. }
            | Fact::HintStored { .. }
            | Fact::HintRemoved { .. }
            | Fact::TreesCompared { .. } => {}
        }
    }

    /// Finds out which updates were lost with disks.
    fn observe_disks(&mut self, record: &Record, copies: &Staleness, members: &Members) {
        match self.unheld.observe(&record.fact, copies, members) {
            Some(UnheldChange::Shown(shown)) => {
                for unheld in shown {
                    if self.of(unheld.update).is_none() {
                        self.mark(unheld.key, unheld.update, true);
                        self.lost.push(LostUpdate { at: record.at, update: unheld.update, cause: LossCause::DiskLost });
                        *self.counts.entry((unheld.origin, unheld.key)).or_default() += 1;
                    }
                }
            }
            Some(UnheldChange::Restored(restored)) => {
                let is_restored =
                    |lost: &LostUpdate| lost.update == restored.update && lost.cause == LossCause::DiskLost;
                if let Some(index) = self.lost.iter().rposition(is_restored) {
                    self.lost.remove(index);
                    self.mark(restored.key, restored.update, false);
                    self.counts.entry((restored.origin, restored.key)).and_modify(|count| *count -= 1);
                }
            }
            None => {}
        }
    }

    /// Notes whether a write of a register is lost.
    fn mark(&mut self, key: KeyId, update: UpdateId, lost: bool) {
        let writes = self.keys.get_mut(key.index());
        if let Some(write) = writes.and_then(|all| all.iter_mut().find(|write| write.update == update)) {
            write.lost = lost;
        }
    }

    fn roll_back(&mut self, at: Micros, update: UpdateId) {
        let Some(key) = self.key_of.get(&update).copied() else { return };
        let write = self.keys.get_mut(key.index()).and_then(|all| all.iter_mut().find(|write| write.update == update));
        if let Some(write) = write.filter(|write| write.acknowledged.is_some() && !write.lost) {
            write.lost = true;
            self.lost.push(LostUpdate { at, update, cause: LossCause::RolledBack });
            *self.counts.entry((write.node, key)).or_default() += 1;
        }
    }

    fn acknowledge(&mut self, at: Micros, update: UpdateId) {
        let Some(key) = self.key_of.get(&update).copied() else { return };
        let Some(writes) = self.keys.get_mut(key.index()) else { return };
        let Some(write) = writes.iter_mut().find(|write| write.update == update) else { return };
        write.acknowledged = Some(at);
        let write = write.clone();
        // A coordinator has not seen a later write, although its version may be older: a member that has lost its disk counts again.
        let is_earlier = |a: &Write, b: &Write| a.update < b.update;
        let is_other = |other: &Write| other.operation != write.operation;
        // A member that has lost its disk counts again below its former writes, which are newer and had seen older ones.
        let is_former = |other: &Write| {
            let is_newer = other.acknowledged.is_some() && other.version > write.version;
            is_newer && other.node == write.node && is_earlier(other, &write)
        };
        let former: Vec<Write> = writes.iter().filter(|other| is_former(other)).cloned().collect();
        for other in writes.iter_mut().filter(|other| is_other(other)) {
            let Some(acknowledged) = other.acknowledged else { continue };
            if other.version < write.version {
                // A client that coordinates itself holds no version. It may know the writes acknowledged before it began.
                let may_know = !write.at_replica && write.replaces.is_none() && acknowledged <= write.issued;
                let has_seen = may_know || (write.replaces >= other.version && is_earlier(other, &write));
                let is_in_former = former.iter().any(|it| it.replaces >= other.version && is_earlier(other, it));
                if !has_seen && !is_in_former && !other.lost {
                    other.lost = true;
                    let cause = LossCause::Overwritten(write.update);
                    self.lost.push(LostUpdate { at, update: other.update, cause });
                    *self.counts.entry((other.node, key)).or_default() += 1;
                }
            }
        }
        let replaced_by = writes.iter().find(|other| {
            other.acknowledged.is_some()
                && other.version > write.version
                && (other.replaces < write.version || is_earlier(other, &write))
                && is_other(other)
        });
        if let Some(by) = replaced_by.map(|write| write.update) {
            self.lost.push(LostUpdate { at, update, cause: LossCause::Overwritten(by) });
            *self.counts.entry((write.node, key)).or_default() += 1;
            if let Some(write) = writes.iter_mut().find(|write| write.update == update) {
                write.lost = true;
            }
        }
    }

    /// Finds out whether the newest write of a key is a deletion that no replica has any more, and an older value came back: a
    /// replica that had purged the tombstone has stored it, or a read has `returned` its version.
    fn find_resurrection(&mut self, at: Micros, key: KeyId, returned: Option<Version>, copies: &Staleness) {
        let Some(purged) = self.tombstones.of_key(key) else { return };
        let (Some(writes), Some(replicas)) = (self.keys.get_mut(key.index()), self.replicas.get(key.index())) else {
            return;
        };
        let newest = writes.iter_mut().filter(|write| write.acknowledged.is_some()).max_by_key(|write| write.version);
        let is_discarded = |write: &&mut Write| {
            let is_kept =
                replicas.iter().any(|node| copies.copy(*node, key).is_some_and(|copy| copy.keeps(write.version)));
            write.deletes && !write.lost && write.version <= purged && !is_kept
        };
        let Some(deletion) = newest.filter(is_discarded) else { return };
        let older = |copy: &KeyCopy| {
            let held = copy.held().filter(|held| held.value.is_some() && held.version < deletion.version);
            held.map(|held| (held.version, held.update))
        };
        let back = replicas.iter().find_map(|node| {
            let (version, update) = older(copies.copy(*node, key)?)?;
            let had_purged = self.tombstones.of_replica(*node, key).is_some_and(|purged| purged >= deletion.version);
            (had_purged || returned == Some(version)).then_some(update)
        });
        let Some(by) = back else { return };
        deletion.lost = true;
        self.lost.push(LostUpdate { at, update: deletion.update, cause: LossCause::Resurrected(by) });
        *self.counts.entry((deletion.node, key)).or_default() += 1;
    }

    /// Removes a lost deletion whose tombstone a late message has brought back to a replica.
    fn restore(&mut self, key: KeyId, version: Version) {
        let Some(writes) = self.keys.get_mut(key.index()) else { return };
        let Some(write) = writes.iter_mut().find(|write| write.lost && write.version == version) else { return };
        let is_restored =
            |lost: &LostUpdate| lost.update == write.update && matches!(lost.cause, LossCause::Resurrected(_));
        if let Some(index) = self.lost.iter().rposition(is_restored) {
            self.lost.remove(index);
            write.lost = false;
            self.counts.entry((write.node, key)).and_modify(|count| *count -= 1);
        }
    }

    /// Returns the lost updates.
    pub fn all(&self) -> &[LostUpdate] {
        &self.lost
    }

    /// Returns how an update was lost, if it was.
    pub fn of(&self, update: UpdateId) -> Option<&LostUpdate> {
        self.lost.iter().find(|lost| lost.update == update)
    }

    /// Returns whether a version of a key is a deletion whose tombstone a replica purged, and no replica has it or a newer
    /// version any more.
    pub fn is_purged(&self, key: KeyId, version: Version, copies: &Staleness) -> bool {
        let keeps = |node: &NodeId| copies.copy(*node, key).is_some_and(|copy| copy.keeps(version));
        self.tombstones.of_key(key).is_some_and(|purged| purged >= version)
            && !self.replicas.get(key.index()).is_some_and(|replicas| replicas.iter().any(keeps))
    }

    /// Returns the number of lost updates of a key that a node coordinated.
    pub fn count_at(&self, node: NodeId, key: KeyId) -> u32 {
        self.counts.get(&(node, key)).copied().unwrap_or(0)
    }

    /// Returns whether no update is known to be lost only because nothing could have shown it: no operation read a key after an
    /// update of it was acknowledged, and no group acknowledged two updates of a key; or because no operation read a key after the
    /// last copy of an update was lost.
    pub fn is_unknown(&self) -> bool {
        self.lost.is_empty() && (!self.evidence.is_complete() || self.hidden() > 0)
    }

    /// Returns the numbers of lost updates, by how they were lost.
    pub fn counts(&self) -> LossCounts {
        self.lost.iter().map(|lost| Loss::from(lost.cause)).collect()
    }

    /// Returns the number of updates of which no copy is left, as no read has shown.
    pub fn hidden(&self) -> u64 {
        self.unheld.hidden()
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
