//! The state of each copy of each key against the reference state: the merge of every acknowledged update.
//!
//! A register's versions are totally ordered. The reference of its copy is the newest acknowledged update that should reach
//! it, and the copy reflects an update if it holds that version or a newer one. Initial values of the document count as
//! acknowledged at 0.

mod copy;
mod counters;
mod counts;
mod group;
mod phantom_writes;
mod pools;
mod queries;
mod unacknowledged;
mod windows;

use super::copy_state::CopyState;
use super::event_writes::EventWrites;
use crate::scenario::{Micros, Value};
use crate::trace::{Fact, KeyId, MessageKind, NodeId, NodeSet, Record, UpdateId, Version, VersionVector, facts_about};
use litemap::LiteMap;
use pools::Pools;
use unacknowledged::{PendingOperations, UnacknowledgedUpdate};
use windows::{Closed, OpenWindow};

pub use copy::{KeyCopy, StoredValue, UnacknowledgedWrite};
use copy::{MissingUpdate, covers};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
pub use windows::Window;

/// An acknowledged update of a key.
#[derive(Clone, Debug)]
struct Acknowledged {
    origin: NodeId,
    behind: MissingUpdate,
    /// The value that the writer's copy held; none if it is unknown.
    value: Option<Value>,
}

#[derive(Clone, Debug, Default)]
struct Key {
    copies: LiteMap<NodeId, KeyCopy>,
    /// Services that committed this key, and whose flows have copies of it.
    sources: NodeSet,
    /// The newest acknowledged updates, needed when a copy returns to an older version.
    acknowledged: BTreeMap<Version, Acknowledged>,
    /// Versions of updates that were published and never committed.
    phantoms: BTreeSet<Version>,
    /// Workers that hold the key alone, since it also reaches them outside of their group.
    separate: NodeSet,
    /// The members of each group that should hold the key.
    holders: LiteMap<NodeId, NodeSet>,
    /// Updates whose operation ended without their acknowledgement: they are not in the reference.
    unacknowledged: BTreeMap<Version, UnacknowledgedUpdate>,
    /// The newest tombstone that a replica purged.
    purged: Version,
}

impl Key {
    /// Returns whether writes at `origin` should reach `node`.
    fn reaches(&self, flows: &LiteMap<NodeId, NodeSet>, origin: NodeId, node: NodeId) -> bool {
        is_group_write(&self.holders, &self.sources, origin, node) || reaches(flows, origin, node)
    }

    /// Returns the nodes that should hold the updates of `origin` from the start: the members of its group, or itself.
    fn holders_of(&self, origin: NodeId) -> Vec<NodeId> {
        let of_client = self.holders.values().next().filter(|_| self.is_internal());
        let group = self.holders.values().find(|all| all.contains_key(&origin)).or(of_client);
        group.map_or_else(|| vec![origin], |all| all.keys().copied().collect())
    }

    /// Returns whether the key exists only inside groups.
    fn is_internal(&self) -> bool {
        self.sources.is_empty() && !self.holders.is_empty()
    }
}

/// Maximum number of acknowledged updates remembered for each key; a copy that returns to an older version counts only these.
const REMEMBERED: usize = 4096;

/// Counts of a service's copies by state.
#[derive(Clone, Debug, Default)]
struct Service {
    stale: u32,
    diverged: u32,
    conflicted: u32,
    state: CopyState,
}

#[derive(Clone, Debug)]
struct Committed {
    node: NodeId,
    key: KeyId,
    version: Version,
}

/// A change of the copies' state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A service's state changed.
    ServiceState(NodeId, CopyState),
    /// An update's inconsistency window closed, after this duration.
    WindowClosed(UpdateId, Micros),
    /// A service has the first stale or diverged copy.
    FirstStale(NodeId),
    /// No copy is stale or diverged anymore.
    AllConsistent,
    /// A copy other than the writer's reflects an update, this long after its acknowledgement. See
    /// [`Staleness::watch_each_copy`].
    Reflected(Micros),
}

/// The state of each copy of each key.
#[derive(Clone, Debug, Default)]
pub struct Staleness {
    /// The other services that a service's updates should reach.
    flows: LiteMap<NodeId, NodeSet>,
    pools: Pools,
    /// The keys, by id.
    keys: Vec<Key>,
    committed: BTreeMap<UpdateId, Committed>,
    /// The operations whose end is awaited, with their updates.
    operations: PendingOperations,
    /// Updates whose event is published before their commit.
    proposed: BTreeMap<UpdateId, Committed>,
    down: NodeSet,
    /// The open windows, by update.
    windows: BTreeMap<UpdateId, OpenWindow>,
    services: LiteMap<NodeId, Service>,
    stale: u32,
    diverged: u32,
    conflicted: u32,
    copies: u32,
    acknowledged: u64,
    last_window: Option<(UpdateId, Micros)>,
    closed: Closed,
    last_acknowledged: Option<Micros>,
    consistent_since: Micros,
    each_copy: bool,
    notices: Vec<(Micros, Notice)>,
    changed: NodeSet,
    /// Number of records so far that may have changed a copy.
    revision: u64,
}

impl Staleness {
    pub(super) fn observe(&mut self, record: &Record, event_writes: &EventWrites) {
        let at = record.at;
        self.revision += 1;
        match &record.fact {
            Fact::FlowDeclared { from, to } => {
                self.flows.entry(*from).or_default().insert(*to, ());
            }
            Fact::WorkerDeclared { worker, holder, from } => self.declare_worker(*worker, *holder, *from),
            Fact::StoreShared { node, holder } => self.share_store(*node, *holder),
            Fact::Seeded { node, key, value, version } => self.seed(at, (*node, *key), value, *version),
            Fact::OperationIssued { operation, .. } => self.begin_operation(*operation),
            Fact::OperationEnded { operation, outcome } => self.end_operation(at, *operation, *outcome),
            Fact::UpdateProposed { update, node, key, version, .. } => {
                self.proposed.insert(*update, Committed { node: *node, key: *key, version: *version });
            }
            Fact::UpdateCommitted { update, operation, node, key, version, value, .. } => {
                self.proposed.remove(update);
                let held = StoredValue { value: Some(value.clone()), version: *version, update: Some(*update) };
                self.create_copies(*node, *key);
                let (holder, held) = self.pool_value(*node, *key, Some(held));
                self.store(at, holder, *key, held);
                let committed = Committed { node: *node, key: *key, version: *version };
                self.await_acknowledgement(at, *operation, *update, committed);
            }
            Fact::UpdateAcknowledged { update, operation } => {
                if let Some(Committed { node, key, version }) = self.committed.remove(update) {
                    self.acknowledged += 1;
                    self.acknowledge(at, Some(*update), node, key, version);
                }
                self.abandon_updates(at, *operation);
            }
            Fact::MessageSent {
                kind: MessageKind::Call,
                update: Some(update),
                operation: Some(operation),
                from,
                ..
            } => {
                self.revision -= 1;
                self.operations.note_call(*update, *operation, *from);
            }
            Fact::UpdateApplied { .. } => self.observe_application(at, &record.fact),
            Fact::KeyPlaced { .. }
            | Fact::WriteCoordinated { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::TombstonePurged { .. }
            | Fact::WriteRolledBack { .. } => self.observe_group(at, &record.fact, event_writes),
            Fact::ServiceCrashed { node, lost_disk } => self.crash(at, *node, *lost_disk),
            Fact::ServiceRestarted { node } => {
                self.down.remove(node);
                self.update_service_state(at, *node);
            }
            facts_about!(events, links, disturbances, brokers, leaders, transactions)
            | Fact::MessageSent { .. }
            | Fact::MessageDuplicated { .. }
            | Fact::MessageDelivered { .. }
            | Fact::MessageDropped { .. }
            | Fact::ReadServed { .. }
            | Fact::OperationRefused { .. }
            | Fact::QueueShared { .. }
            | Fact::BusStopped { .. }
            | Fact::BusStarted { .. }
            | Fact::HintStored { .. }
            | Fact::HintRemoved { .. }
            | Fact::TreesCompared { .. } => self.revision -= 1,
        }
    }

    /// Notes that a service applied an update that was made elsewhere.
    fn observe_application(&mut self, at: Micros, fact: &Fact) {
        let Fact::UpdateApplied { update, node, key, version, value, changed, by, sum } = fact else { return };
        if let Some(sum) = sum {
            let held = StoredValue { value: Some(Value::Int(*sum)), version: *version, update: Some(*update) };
            let (holder, sum) = self.pool_sum(*node, *key, held, *sum);
            return self.add(at, *update, holder, *key, *version, sum);
        }
        if by.is_none() {
            self.await_commit(at, *update, *key, *version);
        }
        if *changed {
            let held = StoredValue { value: Some(value.clone()), version: *version, update: Some(*update) };
            let (holder, held) = self.pool_value(*node, *key, Some(held));
            self.store(at, holder, *key, held);
        } else {
            let holder = self.holder(*node, *key);
            self.apply(at, holder, *key, *version);
        }
    }

    /// Notes a value that the document gave a store, which counts as acknowledged.
    fn seed(&mut self, at: Micros, (node, key): (NodeId, KeyId), value: &Value, version: Version) {
        let held = StoredValue { value: Some(value.clone()), version, update: None };
        self.create_copies(node, key);
        self.pool_seed(node, key, value);
        let (holder, held) = self.pool_value(node, key, Some(held));
        self.store(at, holder, key, held);
        self.acknowledge(at, None, node, key, version);
    }

    /// Creates copies of the key, possibly absent, at all services that the commits of `node` should reach.
    fn create_copies(&mut self, node: NodeId, key: KeyId) {
        let entry = key_mut(&mut self.keys, key);
        let within = !entry.holders.is_empty() && !self.flows.contains_key(&node);
        if within || entry.sources.insert(node, ()).is_some() {
            return;
        }
        let reached = self.flows.get(&node).into_iter().flat_map(LiteMap::keys);
        for other in reached.chain([&node]) {
            if self.pools.is_separate(node, *other) {
                entry.separate.insert(*other, ());
            }
            let holder = self.pools.holder(*other, &entry.separate);
            if !entry.copies.contains_key(&holder) {
                entry.copies.insert(holder, KeyCopy::default());
                self.copies += 1;
            }
        }
    }

    fn copy_mut(&mut self, node: NodeId, key: KeyId) -> &mut KeyCopy {
        let copies = &mut self.copies;
        key_mut(&mut self.keys, key).copies.entry(node).or_insert_with(|| {
            *copies += 1;
            KeyCopy::default()
        })
    }

    /// Replaces the value of a copy.
    fn store(&mut self, at: Micros, node: NodeId, key: KeyId, held: Option<StoredValue>) {
        self.copy_mut(node, key);
        let entry = key_mut(&mut self.keys, key);
        let copy = entry.copies.entry(node).or_default();
        let before = copy.version();
        (copy.held, copy.tombstone_purged) = (held, false);
        let version = copy.version();
        copy.phantom = entry.phantoms.contains(&version);
        let is_undone = std::mem::take(&mut copy.is_rolling_back);
        copy.newest_applied = if is_undone { version } else { copy.newest_applied.max(version) };
        if version < before {
            let (flows, holders, sources) = (&self.flows, &entry.holders, &entry.sources);
            let unreflected = entry.acknowledged.range((Bound::Excluded(version), Bound::Unbounded));
            let expected = unreflected.filter(|(_, update)| {
                is_group_write(holders, sources, update.origin, node) || reaches(flows, update.origin, node)
            });
            for (version, update) in expected {
                windows::miss_again(&mut self.windows, &mut copy.behind, *version, update.behind);
            }
        }
        if version < before || is_undone {
            copy.missing.extend(copy.behind.keys().filter(|missed| **missed > copy.newest_applied).copied());
        }
        self.update_missing(at, node, key);
    }

    /// Removes the updates that a copy now reflects from its missing updates.
    fn update_missing(&mut self, at: Micros, node: NodeId, key: KeyId) {
        let Some(copy) = self.keys.get_mut(key.index()).and_then(|entry| entry.copies.get_mut(&node)) else { return };
        let version = copy.version();
        if let Some(context) = copy.context.clone() {
            copy.missing.retain(|missing| !covers(&context, *missing));
            let reflected: Vec<Version> = copy.behind.keys().filter(|at| covers(&context, **at)).copied().collect();
            let reflected: Vec<MissingUpdate> =
                reflected.iter().filter_map(|version| copy.behind.remove(version)).collect();
            for behind in reflected {
                self.count_reflected(at, behind);
            }
            return self.recount_copy(at, node, key);
        }
        // Visits only the removed updates, because a copy may miss many.
        let newest = copy.newest_applied.max(version);
        while copy.missing.first().is_some_and(|missing| *missing <= newest) {
            copy.missing.pop_first();
        }
        let mut reflected: Vec<MissingUpdate> = Vec::new();
        while let Some(oldest) = copy.behind.first_entry().filter(|oldest| *oldest.key() <= version) {
            reflected.push(oldest.remove());
        }
        for behind in reflected {
            self.count_reflected(at, behind);
        }
        self.recount_copy(at, node, key);
    }

    /// Counts one more copy that reflects an update, and closes its window after the last.
    fn count_reflected(&mut self, at: Micros, MissingUpdate { update, again, .. }: MissingUpdate) {
        let Some(update) = update else { return };
        let Some(window) = self.windows.get_mut(&update) else { return };
        debug_assert!(
            window.missing + window.missing_again > 0,
            "some copy does not reflect an update with an open window"
        );
        debug_assert!(window.since <= at, "a window opens before it closes");
        let took = at - window.since;
        match again {
            true => window.missing_again -= 1,
            false => window.missing -= 1,
        }
        let closes = window.missing + window.missing_again == 0;
        if self.each_copy && !again {
            self.notices.push((at, Notice::Reflected(took)));
        }
        if closes {
            self.windows.remove(&update);
            self.close_window(at, update, took);
        }
    }

    fn close_window(&mut self, at: Micros, update: UpdateId, took: Micros) {
        self.last_window = Some((update, took));
        self.closed.push(Window { update, since: at - took, took: Some(took) });
        self.notices.push((at, Notice::WindowClosed(update, took)));
    }

    fn acknowledge(&mut self, at: Micros, update: Option<UpdateId>, origin: NodeId, key: KeyId, version: Version) {
        let origin_copy = self.copy(origin, key);
        let value = origin_copy
            .and_then(KeyCopy::held)
            .filter(|held| held.version == version)
            .and_then(|held| held.value.clone());
        let behind = MissingUpdate { update, acknowledged: at, again: false };
        let flows = &self.flows;
        let entry = key_mut(&mut self.keys, key);
        // The initial values of all services have one version. That of a writer concerns the services that it reaches, too.
        let known = entry.acknowledged.get(&version).filter(|_| update.is_none());
        if known.is_none_or(|known| !reaches(flows, known.origin, origin)) {
            entry.acknowledged.insert(version, Acknowledged { origin, behind, value: value.clone() });
        }
        if entry.acknowledged.len() > REMEMBERED {
            entry.acknowledged.pop_first();
        }
        let mut open = 0;
        let mut targets = Vec::new();
        let (holders, sources) = (&entry.holders, &entry.sources);
        for (&node, copy) in entry.copies.iter_mut() {
            if !is_group_write(holders, sources, origin, node) && !reaches(flows, origin, node) {
                continue;
            }
            targets.push(node);
            copy.newest_acknowledged = copy.newest_acknowledged.max(version);
            if let Some(sum) = &mut copy.sum {
                if copy.newest_acknowledged == version {
                    sum.reference = value.clone();
                }
                if !sum.early.remove(&version) {
                    open += 1;
                    copy.behind.insert(version, behind);
                    copy.missing.insert(version);
                }
            } else if !copy.reflects(version) {
                open += 1;
                copy.behind.insert(version, behind);
                if copy.context.is_some() || copy.newest_applied < version {
                    copy.missing.insert(version);
                }
            }
        }
        if let Some(update) = update {
            self.last_acknowledged = Some(at);
            if self.each_copy {
                // These copies, without the writer's own, reflected it before it was acknowledged. A group's writer has no copy.
                let own =
                    u32::from(!entry.is_internal() && !entry.holders.values().any(|all| all.contains_key(&origin)));
                let early = (targets.len() as u32).saturating_sub(open + own);
                self.notices.extend((0..early).map(|_| (at, Notice::Reflected(0))));
            }
            if open == 0 {
                self.close_window(at, update, 0);
            } else {
                self.windows.insert(update, OpenWindow { since: at, missing: open, missing_again: 0 });
            }
        }
        for node in targets {
            self.recount_copy(at, node, key);
        }
    }

    fn apply(&mut self, at: Micros, node: NodeId, key: KeyId, version: Version) {
        let copy = self.copy_mut(node, key);
        copy.newest_applied = copy.newest_applied.max(version);
        self.update_missing(at, node, key);
    }

    fn crash(&mut self, at: Micros, node: NodeId, lost_disk: bool) {
        self.down.insert(node, ());
        self.abandon_proposed(at, node);
        if lost_disk && !self.uses_shared_store(node) {
            self.lose_disk(at, node);
            self.lose_pooled(at, node);
        }
        self.update_service_state(at, node);
    }

    /// Clears all copies of a service whose disk is lost.
    fn lose_disk(&mut self, at: Micros, node: NodeId) {
        let keys: Vec<KeyId> = (0..)
            .map(KeyId)
            .zip(&self.keys)
            .filter(|(_, key)| key.copies.get(&node).is_some_and(|copy| copy.pooled.is_none()))
            .map(|(id, _)| id)
            .collect();
        for key in keys {
            // Without its context and its siblings, it reflects nothing.
            let copy = self.copy_mut(node, key);
            copy.context = copy.context.as_ref().map(|_| VersionVector::new());
            copy.siblings.clear();
            self.store(at, node, key, None);
            let Some(copy) = self.keys.get_mut(key.index()).and_then(|entry| entry.copies.get_mut(&node)) else {
                continue;
            };
            copy.newest_applied = Version::default();
            copy.missing.clear();
            copy.missing.extend(copy.behind.keys());
            self.recount_copy(at, node, key);
        }
    }
}

/// Returns a key's state, which is created at its first use.
fn key_mut(keys: &mut Vec<Key>, key: KeyId) -> &mut Key {
    if keys.len() <= key.index() {
        keys.resize_with(key.index() + 1, Key::default);
    }
    &mut keys[key.index()]
}

/// Returns whether `node` should hold the writes of `origin` as a member of the same group. A client that coordinates itself
/// is in no group, and writes only keys that exist inside the group.
fn is_group_write(holders: &LiteMap<NodeId, NodeSet>, sources: &NodeSet, origin: NodeId, node: NodeId) -> bool {
    holders.values().any(|all| all.contains_key(&node) && (sources.is_empty() || all.contains_key(&origin)))
}

fn reaches(flows: &LiteMap<NodeId, NodeSet>, origin: NodeId, node: NodeId) -> bool {
    origin == node || flows.get(&origin).is_some_and(|reached| reached.contains_key(&node))
}
