//! Updates that took effect at some copies, although their operation ended without an acknowledgement. The reference state does
//! not contain them: a copy that shows such an update, which another copy lacks, has diverged.

use super::{Committed, Key, KeyCopy, REMEMBERED, Staleness, is_group_write, key_mut, reaches};
use crate::analysis::staleness::copy::UnacknowledgedWrite;
use crate::scenario::Micros;
use crate::trace::{KeyId, NodeId, NodeSet, OperationId, Outcome, UpdateId, Version};
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of committed updates whose acknowledgement is awaited.
const MAX_AWAITED: usize = 1 << 16;
/// Maximum number of remembered updates of a key whose copies need all updates, since each is compared after each change.
const MAX_COMPARED: usize = 64;

/// An update that will not be acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnacknowledgedUpdate {
    pub update: UpdateId,
    pub origin: NodeId,
}

/// The operations that have not ended, and the updates of operations whose acknowledgement is awaited.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingOperations {
    pending: BTreeSet<OperationId>,
    newest: Option<OperationId>,
    updates: BTreeSet<(OperationId, UpdateId)>,
    /// Updates that callees are asked to apply before they are committed, with the operation and the caller.
    called: BTreeMap<UpdateId, (OperationId, NodeId)>,
}

impl PendingOperations {
    /// Notes that a service asks another one to apply an update of an operation.
    pub(super) fn note_call(&mut self, update: UpdateId, operation: OperationId, caller: NodeId) {
        self.called.entry(update).or_insert((operation, caller));
        if self.called.len() > MAX_AWAITED {
            self.called.pop_first();
        }
    }

    /// Returns whether an operation has ended for its client.
    fn has_ended(&self, operation: OperationId) -> bool {
        self.newest.is_some_and(|newest| operation <= newest) && !self.pending.contains(&operation)
    }
}

impl Key {
    /// Returns the copies that should hold an update and do not.
    fn lacking<'a>(
        &'a self,
        flows: &'a LiteMap<NodeId, NodeSet>,
        version: Version,
        origin: NodeId,
    ) -> impl Iterator<Item = NodeId> + 'a {
        let is_expected = move |node: NodeId| {
            is_group_write(&self.holders, &self.sources, origin, node) || reaches(flows, origin, node)
        };
        let lacks =
            move |(node, copy): &(&NodeId, &KeyCopy)| !copy.contains_unacknowledged(version) && is_expected(**node);
        self.copies.iter().filter(lacks).map(|(node, _)| *node)
    }

    /// Returns the unacknowledged updates that a copy shows, the newest first.
    fn shown<'a>(&'a self, copy: &'a KeyCopy) -> impl Iterator<Item = (Version, UnacknowledgedUpdate)> + 'a {
        let only = copy.needs_only_the_newest();
        let held = self.unacknowledged.get_key_value(&copy.version()).filter(|_| only);
        let all =
            self.unacknowledged.iter().rev().filter(move |(version, _)| !only && copy.shows_unacknowledged(**version));
        held.into_iter().chain(all).map(|(version, update)| (*version, *update))
    }

    /// Compares all copies. Returns those whose unacknowledged update has changed.
    fn compare_unacknowledged(&mut self, flows: &LiteMap<NodeId, NodeSet>) -> Vec<NodeId> {
        let mut lacking: LiteMap<Version, Option<NodeId>> = LiteMap::new();
        let mut found: Vec<(NodeId, Option<UnacknowledgedWrite>)> = Vec::new();
        for (node, copy) in self.copies.iter() {
            let write = self.shown(copy).find_map(|(version, UnacknowledgedUpdate { update, origin })| {
                let first = lacking.get(&version).copied();
                let first = first.unwrap_or_else(|| {
                    let first = self.lacking(flows, version, origin).next();
                    lacking.insert(version, first);
                    first
                });
                Some(UnacknowledgedWrite { update, lacking: first? })
            });
            if copy.unacknowledged != write {
                found.push((*node, write));
            }
        }
        for (node, write) in &found {
            self.copies.entry(*node).or_default().unacknowledged = *write;
        }
        found.into_iter().map(|(node, _)| node).collect()
    }
}

impl Staleness {
    /// Notes that an operation began, which changes no copy.
    pub(super) fn begin_operation(&mut self, operation: OperationId) {
        self.revision -= 1;
        self.operations.pending.insert(operation);
        self.operations.newest = self.operations.newest.max(Some(operation));
    }

    /// Notes that an operation ended for its client, which changes no copy.
    pub(super) fn end_operation(&mut self, at: Micros, operation: OperationId, outcome: Outcome) {
        self.revision -= 1;
        self.operations.pending.remove(&operation);
        // After `ok`, the next record acknowledges one of its updates.
        if outcome != Outcome::Ok {
            self.abandon_updates(at, operation);
        }
    }

    /// Makes an update wait for the end of its operation, or abandons it if the operation has ended.
    pub(super) fn await_acknowledgement(
        &mut self,
        at: Micros,
        operation: OperationId,
        update: UpdateId,
        committed: Committed,
    ) {
        self.committed.insert(update, committed);
        self.operations.updates.insert((operation, update));
        // Most updates are acknowledged soon or never. The limit bounds the number of those that never are.
        if self.committed.len() > MAX_AWAITED {
            self.committed.pop_first();
        }
        if self.operations.updates.len() > MAX_AWAITED {
            self.operations.updates.pop_first();
        }
        if self.operations.has_ended(operation) {
            self.abandon_updates(at, operation);
        }
    }

    /// Makes an update that a callee applied wait for the end of its operation as if it were committed. Its caller may not
    /// commit it.
    pub(super) fn await_commit(&mut self, at: Micros, update: UpdateId, key: KeyId, version: Version) {
        let Some((operation, node)) = self.operations.called.remove(&update) else { return };
        let is_acknowledged = self.keys.get(key.index()).is_some_and(|entry| entry.acknowledged.contains_key(&version));
        if !is_acknowledged && !self.committed.contains_key(&update) {
            self.await_acknowledgement(at, operation, update, Committed { node, key, version });
        }
    }

    /// Notes that the unacknowledged updates of an operation will not be acknowledged: the client has its answer.
    pub(super) fn abandon_updates(&mut self, at: Micros, operation: OperationId) {
        let all = (operation, UpdateId(0))..=(operation, UpdateId(u32::MAX));
        let updates: Vec<UpdateId> = self.operations.updates.range(all).map(|(_, update)| *update).collect();
        for update in updates {
            self.operations.updates.remove(&(operation, update));
            let Some(Committed { node: origin, key, version }) = self.committed.remove(&update) else { continue };
            let entry = key_mut(&mut self.keys, key);
            entry.unacknowledged.insert(version, UnacknowledgedUpdate { update, origin });
            let needs_all = entry.copies.values().any(|copy| !copy.needs_only_the_newest());
            if entry.unacknowledged.len() > if needs_all { MAX_COMPARED } else { REMEMBERED } {
                entry.unacknowledged.pop_first();
            }
            self.recount_unacknowledged(at, key);
        }
    }

    /// Compares the copies of a key after a change of one of them, and updates the counts.
    pub(super) fn recount_unacknowledged(&mut self, at: Micros, key: KeyId) {
        let Some(entry) = self.keys.get_mut(key.index()).filter(|entry| !entry.unacknowledged.is_empty()) else {
            return;
        };
        let changed = entry.compare_unacknowledged(&self.flows);
        self.revision += u64::from(!changed.is_empty());
        for node in changed {
            self.recount_state(at, node, key);
        }
    }

    /// Returns whether an update of a key was never acknowledged, although its operation has ended.
    pub fn is_unacknowledged(&self, key: KeyId, version: Version) -> bool {
        self.keys.get(key.index()).is_some_and(|entry| entry.unacknowledged.contains_key(&version))
    }

    /// Iterates over the updates that a copy shows, that were never acknowledged, and that another copy lacks: one item for each
    /// update and each copy that lacks it.
    pub fn unacknowledged_writes(&self, node: NodeId, key: KeyId) -> impl Iterator<Item = UnacknowledgedWrite> {
        let entry = self.keys.get(key.index());
        let shown = entry
            .zip(self.copy(node, key))
            .into_iter()
            .flat_map(|(entry, copy)| entry.shown(copy).map(move |(version, update)| (entry, version, update)));
        shown.flat_map(|(entry, version, UnacknowledgedUpdate { update, origin })| {
            entry.lacking(&self.flows, version, origin).map(move |lacking| UnacknowledgedWrite { update, lacking })
        })
    }
}
