//! How each copy of each key stands against the reference state: the merge of every acknowledged update.
//!
//! A key is a register whose versions are totally ordered, so the reference of a copy is the newest
//! acknowledged update that should reach it, and a copy reflects an update if it holds that version or a
//! newer one. What stands in the document counts as acknowledged at 0.

mod ask;
mod group;
mod special;
mod windows;

use super::{CopyState, Derived};
use crate::scenario::{Micros, Value};
use crate::trace::{Fact, KeyId, NodeId, Record, UpdateId, Version, VersionVector};
use windows::Closed;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
pub use windows::Window;

/// What a copy holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The value; none where a deletion is marked.
    pub value: Option<Value>,
    /// Its version.
    pub version: Version,
    /// The update that made it; none for what stood in the document.
    pub update: Option<UpdateId>,
}

/// An acknowledged update that a copy does not reflect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Behind {
    update: Option<UpdateId>,
    acknowledged: Micros,
}

/// One service's copy of one key.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    held: Option<Held>,
    /// Acknowledged updates that should be here and are not reflected, by version.
    behind: BTreeMap<Version, Behind>,
    /// Those of them that have not been taken in, nor any newer one.
    missing: BTreeSet<Version>,
    /// The newest version that was ever taken in.
    taken_in: Version,
    /// The newest acknowledged version that should be here.
    newest: Version,
    /// The state under which it is counted.
    counted: CopyState,
    /// It holds what was never committed anywhere.
    phantom: bool,
    /// Where it adds up what updates say, rather than taking it: what it has added.
    sum: Option<Box<Sum>>,
    /// Of data without a total order: for each origin how many of its updates it has.
    context: Option<VersionVector>,
    /// What a read returns, where that is more than one value.
    siblings: Vec<Value>,
    /// It held a deletion, and has forgotten it.
    forgotten: bool,
}

/// A copy that adds differences: an update is reflected once it was added, whatever came before or after it.
#[derive(Clone, Debug, Default)]
struct Sum {
    /// Versions that were added, and are not acknowledged yet.
    early: BTreeSet<Version>,
    /// What the newest acknowledged update says, if all that is added is acknowledged: what the sum should be.
    reference: Option<Value>,
    /// Somebody wrote it here, too, so that no update says what it should be.
    mixed: bool,
}

impl Copy {
    /// What a read returns, where that is more than one value.
    pub fn siblings(&self) -> &[Value] {
        &self.siblings
    }

    /// What it holds; none for an absent key.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Whether it holds the mark of a deletion.
    pub fn is_tombstone(&self) -> bool {
        !self.forgotten && self.held.as_ref().is_some_and(|held| held.value.is_none())
    }

    /// How many acknowledged updates it does not reflect (k-staleness).
    pub fn behind(&self) -> u32 {
        self.behind.len() as u32
    }

    /// Those updates, the oldest version first; none for one that the trace does not name.
    pub fn lacks(&self) -> impl Iterator<Item = Option<UpdateId>> {
        self.behind.values().map(|behind| behind.update)
    }

    /// When the oldest of them was acknowledged (t-staleness counts from there).
    pub fn stale_since(&self) -> Option<Micros> {
        self.behind.values().map(|behind| behind.acknowledged).min()
    }

    /// How it stands.
    pub fn state(&self) -> CopyState {
        if let Some(sum) = &self.sum {
            let held = self.held.as_ref().and_then(|held| held.value.as_ref());
            let judged = sum.early.is_empty() && sum.reference.is_some() && !sum.mixed;
            return match (self.behind.is_empty(), judged && held != sum.reference.as_ref()) {
                (false, _) => CopyState::Stale,
                (true, true) => CopyState::Diverged,
                (true, false) => CopyState::Consistent,
            };
        }
        if self.behind.is_empty() && self.phantom {
            CopyState::Diverged
        } else if self.behind.is_empty() && self.siblings.len() > 1 {
            CopyState::Conflicted
        } else if self.behind.is_empty() {
            CopyState::Consistent
        } else if self.missing.is_empty() {
            CopyState::Diverged
        } else {
            CopyState::Stale
        }
    }

    /// Whether it reflects an update of its key.
    pub fn reflects(&self, version: Version) -> bool {
        self.has(version)
    }

    fn has(&self, version: Version) -> bool {
        match &self.context {
            Some(context) => covers(context, version),
            None => self.version() >= version,
        }
    }

    fn version(&self) -> Version {
        self.held.as_ref().map(|held| held.version).unwrap_or_default()
    }
}

/// An acknowledged update of a key.
#[derive(Clone, Debug)]
struct Acknowledged {
    origin: NodeId,
    behind: Behind,
    /// What the key held there then; none if it is not known any more.
    value: Option<Value>,
}

#[derive(Clone, Debug, Default)]
struct Key {
    copies: BTreeMap<NodeId, Copy>,
    /// Services that committed this key, whose flows have been followed.
    sources: BTreeSet<NodeId>,
    /// The newest acknowledged updates, for a copy that falls back to an older version.
    acknowledged: BTreeMap<Version, Acknowledged>,
    /// Versions of updates that were published and then never committed.
    phantoms: BTreeSet<Version>,
    /// By group: who should hold it, whichever member wrote it.
    holders: BTreeMap<NodeId, BTreeSet<NodeId>>,
}

impl Key {
    /// Whether what was written at one service should reach another.
    fn reaches(&self, flows: &BTreeMap<NodeId, BTreeSet<NodeId>>, origin: NodeId, node: NodeId) -> bool {
        fellows(&self.holders, &self.sources, origin, node) || reaches(flows, origin, node)
    }

    /// Whether it is no other's than a group's own.
    fn is_closed(&self) -> bool {
        self.sources.is_empty() && !self.holders.is_empty()
    }
}

/// Acknowledged updates remembered for each key: a copy that falls back further than this counts only these.
const REMEMBERED: usize = 4096;

/// A service's copies, counted.
#[derive(Clone, Debug, Default)]
struct Service {
    stale: u32,
    diverged: u32,
    conflicted: u32,
    state: CopyState,
}

/// Committed updates that may still be acknowledged.
const AWAITED: usize = 1 << 16;

#[derive(Clone, Debug)]
struct Committed {
    node: NodeId,
    key: KeyId,
    version: Version,
}

/// Something that happened to the copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// From now on a service's worst state is this.
    ServiceIs(NodeId, CopyState),
    /// Every copy that should hold an update reflects it: its inconsistency window closed after so long.
    WindowClosed(UpdateId, Micros),
    /// The first copy is stale or diverged.
    FirstStale(NodeId),
    /// No copy is stale or diverged any more.
    AllConsistent,
    /// A copy other than the writer's reflects an update, so long after its acknowledgement; where that is watched.
    Reflected(Micros),
}

/// How each copy of each key stands.
#[derive(Clone, Debug, Default)]
pub struct Staleness {
    /// Whom a service's updates should reach, itself apart.
    flows: BTreeMap<NodeId, BTreeSet<NodeId>>,
    keys: BTreeMap<KeyId, Key>,
    committed: BTreeMap<UpdateId, Committed>,
    /// Updates whose event is published, and whose commit comes after it.
    proposed: BTreeMap<UpdateId, Committed>,
    down: BTreeSet<NodeId>,
    /// For each update whose window is open: since when, and how many copies do not reflect it.
    windows: BTreeMap<UpdateId, (Micros, u32)>,
    services: BTreeMap<NodeId, Service>,
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
    changed: BTreeSet<NodeId>,
}

impl Staleness {
    pub(super) fn observe(&mut self, record: &Record, derived: &Derived) {
        let at = record.at;
        match &record.fact {
            Fact::FlowDeclared { from, to } => {
                self.flows.entry(*from).or_default().insert(*to);
            }
            Fact::Seeded { node, key, value, version } => {
                let held = Held { value: Some(value.clone()), version: *version, update: None };
                self.follow_flows(*node, *key);
                self.hold(at, *node, *key, Some(held));
                self.acknowledge(at, None, *node, *key, *version);
            }
            Fact::UpdateProposed { update, node, key, version, .. } => {
                self.proposed.insert(*update, Committed { node: *node, key: *key, version: *version });
            }
            Fact::UpdateCommitted { update, node, key, version, value, .. } => {
                self.proposed.remove(update);
                let held = Held { value: Some(value.clone()), version: *version, update: Some(*update) };
                self.await_acknowledgement(*update, Committed { node: *node, key: *key, version: *version });
                self.follow_flows(*node, *key);
                self.hold(at, *node, *key, Some(held));
            }
            Fact::UpdateAcknowledged { update, .. } => {
                if let Some(Committed { node, key, version }) = self.committed.remove(update) {
                    self.acknowledged += 1;
                    self.acknowledge(at, Some(*update), node, key, version);
                }
            }
            Fact::UpdateApplied { update, node, key, version, sum: Some(sum), .. } => {
                self.add(at, *update, *node, *key, *version, *sum);
            }
            Fact::UpdateApplied { update, node, key, version, value, changed, sum: None, .. } => {
                if *changed {
                    let held = Held { value: Some(value.clone()), version: *version, update: Some(*update) };
                    self.hold(at, *node, *key, Some(held));
                } else {
                    self.take_in(at, *node, *key, *version);
                }
            }
            Fact::KeyPlaced { .. }
            | Fact::WriteCoordinated { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::TombstonePurged { .. }
            | Fact::WriteRolledBack { .. } => self.observe_group(at, &record.fact, derived),
            Fact::ServiceCrashed { node, lost_disk } => {
                self.down.insert(*node);
                self.give_up_proposed(at, *node);
                if *lost_disk {
                    self.lose(at, *node);
                }
                self.settle_service(at, *node);
            }
            Fact::ServiceRestarted { node } => {
                self.down.remove(node);
                self.settle_service(at, *node);
            }
            _ => {}
        }
    }

    fn await_acknowledgement(&mut self, update: UpdateId, committed: Committed) {
        self.committed.insert(update, committed);
        // Most are acknowledged soon or never; the table must not grow with those that never are.
        if self.committed.len() > AWAITED {
            self.committed.pop_first();
        }
    }

    /// Whoever should get what a service commits has a copy of the key from now on, be it an absent one.
    fn follow_flows(&mut self, node: NodeId, key: KeyId) {
        let entry = self.keys.entry(key).or_default();
        let within = !entry.holders.is_empty() && !self.flows.contains_key(&node);
        if within || !entry.sources.insert(node) {
            return;
        }
        let reached = self.flows.get(&node).into_iter().flatten();
        for other in reached.chain([&node]) {
            if !entry.copies.contains_key(other) {
                entry.copies.insert(*other, Copy::default());
                self.copies += 1;
            }
        }
    }

    fn copy(&mut self, node: NodeId, key: KeyId) -> &mut Copy {
        let copies = &mut self.copies;
        self.keys.entry(key).or_default().copies.entry(node).or_insert_with(|| {
            *copies += 1;
            Copy::default()
        })
    }

    /// A copy holds something else than before.
    fn hold(&mut self, at: Micros, node: NodeId, key: KeyId, held: Option<Held>) {
        self.copy(node, key);
        let entry = self.keys.entry(key).or_default();
        let copy = entry.copies.entry(node).or_default();
        let before = copy.version();
        (copy.held, copy.forgotten) = (held, false);
        let version = copy.version();
        copy.phantom = entry.phantoms.contains(&version);
        copy.taken_in = copy.taken_in.max(version);
        if version < before {
            let (flows, holders, sources) = (&self.flows, &entry.holders, &entry.sources);
            let missed = entry.acknowledged.range((Bound::Excluded(version), Bound::Unbounded));
            let expected = missed.filter(|(_, update)| {
                fellows(holders, sources, update.origin, node) || reaches(flows, update.origin, node)
            });
            copy.behind.extend(expected.map(|(v, update)| (*v, update.behind)));
            copy.missing.extend(copy.behind.keys().filter(|missed| **missed > copy.taken_in).copied());
        }
        self.reflect(at, node, key);
    }

    /// Strikes what a copy reflects now from what it is behind by.
    fn reflect(&mut self, at: Micros, node: NodeId, key: KeyId) {
        let Some(copy) = self.keys.get_mut(&key).and_then(|entry| entry.copies.get_mut(&node)) else { return };
        let version = copy.version();
        if let Some(context) = copy.context.clone() {
            copy.missing.retain(|missing| !covers(&context, *missing));
            let reflected: Vec<Version> = copy.behind.keys().filter(|at| covers(&context, **at)).copied().collect();
            let reflected: Vec<Behind> = reflected.iter().filter_map(|version| copy.behind.remove(version)).collect();
            for behind in reflected {
                self.close(at, behind.update);
            }
            return self.settle(at, node, key);
        }
        copy.missing.retain(|missing| *missing > copy.taken_in);
        let mut behind = copy.behind.split_off(&version);
        let at_version = behind.remove(&version);
        let older = std::mem::replace(&mut copy.behind, behind);
        let reflected: Vec<Behind> = older.into_values().chain(at_version).collect();
        for behind in reflected {
            self.close(at, behind.update);
        }
        self.settle(at, node, key);
    }

    /// One more copy reflects an update.
    fn close(&mut self, at: Micros, update: Option<UpdateId>) {
        let Some(update) = update else { return };
        let Some((since, copies)) = self.windows.get_mut(&update) else { return };
        *copies -= 1;
        if self.each_copy {
            self.notices.push((at, Notice::Reflected(at - *since)));
        }
        if *copies == 0 {
            let took = at - *since;
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
        let origin_copy = self.keys.get(&key).and_then(|entry| entry.copies.get(&origin));
        let value =
            origin_copy.and_then(Copy::held).filter(|held| held.version == version).and_then(|held| held.value.clone());
        let behind = Behind { update, acknowledged: at };
        let flows = &self.flows;
        let entry = self.keys.entry(key).or_default();
        entry.acknowledged.insert(version, Acknowledged { origin, behind, value: value.clone() });
        if entry.acknowledged.len() > REMEMBERED {
            entry.acknowledged.pop_first();
        }
        let mut open = 0;
        let mut concerned = Vec::new();
        let (holders, sources) = (&entry.holders, &entry.sources);
        for (&node, copy) in entry.copies.iter_mut() {
            if !fellows(holders, sources, origin, node) && !reaches(flows, origin, node) {
                continue;
            }
            concerned.push(node);
            copy.newest = copy.newest.max(version);
            if let Some(sum) = &mut copy.sum {
                if copy.newest == version {
                    sum.reference = value.clone();
                }
                if !sum.early.remove(&version) {
                    open += 1;
                    copy.behind.insert(version, behind);
                    copy.missing.insert(version);
                }
            } else if !copy.has(version) {
                open += 1;
                copy.behind.insert(version, behind);
                if copy.context.is_some() || copy.taken_in < version {
                    copy.missing.insert(version);
                }
            }
        }
        if let Some(update) = update {
            self.last_acknowledged = Some(at);
            if self.each_copy {
                // The writer's own copy apart, these had it before it was acknowledged; a group's writer has none of its own.
                let own = u32::from(!entry.is_closed() && !entry.holders.values().any(|all| all.contains(&origin)));
                let early = (concerned.len() as u32).saturating_sub(open + own);
                self.notices.extend((0..early).map(|_| (at, Notice::Reflected(0))));
            }
            if open == 0 {
                self.close_window(at, update, 0);
            } else {
                self.windows.insert(update, (at, open));
            }
        }
        for node in concerned {
            self.settle(at, node, key);
        }
    }

    fn take_in(&mut self, at: Micros, node: NodeId, key: KeyId, version: Version) {
        let copy = self.copy(node, key);
        copy.taken_in = copy.taken_in.max(version);
        self.reflect(at, node, key);
    }

    /// A disk is lost: nothing of what was taken in is there any more.
    fn lose(&mut self, at: Micros, node: NodeId) {
        let keys: Vec<KeyId> =
            self.keys.iter().filter(|(_, key)| key.copies.contains_key(&node)).map(|(k, _)| *k).collect();
        for key in keys {
            self.hold(at, node, key, None);
            let Some(copy) = self.keys.get_mut(&key).and_then(|entry| entry.copies.get_mut(&node)) else { continue };
            copy.taken_in = Version::default();
            copy.context = copy.context.as_ref().map(|_| VersionVector::new());
            copy.siblings.clear();
            copy.missing = copy.behind.keys().copied().collect();
            self.settle(at, node, key);
        }
    }

    /// Counts a copy under the state that it is in now.
    fn settle(&mut self, at: Micros, node: NodeId, key: KeyId) {
        self.changed.insert(node);
        let Some(copy) = self.keys.get_mut(&key).and_then(|entry| entry.copies.get_mut(&node)) else { return };
        let (before, after) = (copy.counted, copy.state());
        if before == after {
            return;
        }
        copy.counted = after;
        let calm = self.stale + self.diverged == 0;
        let service = self.services.entry(node).or_default();
        for (state, sign) in [(before, -1), (after, 1)] {
            match state {
                CopyState::Stale => {
                    self.stale = self.stale.wrapping_add_signed(sign);
                    service.stale = service.stale.wrapping_add_signed(sign);
                }
                CopyState::Diverged => {
                    self.diverged = self.diverged.wrapping_add_signed(sign);
                    service.diverged = service.diverged.wrapping_add_signed(sign);
                }
                CopyState::Conflicted => {
                    self.conflicted = self.conflicted.wrapping_add_signed(sign);
                    service.conflicted = service.conflicted.wrapping_add_signed(sign);
                }
                CopyState::Consistent | CopyState::Down => {}
            }
        }
        self.settle_service(at, node);
        match (calm, self.stale + self.diverged == 0) {
            (true, false) => self.notices.push((at, Notice::FirstStale(node))),
            (false, true) => {
                self.consistent_since = at;
                self.notices.push((at, Notice::AllConsistent));
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Finds a service's worst state again, and says if it changed.
    fn settle_service(&mut self, at: Micros, node: NodeId) {
        self.changed.insert(node);
        let service = self.services.entry(node).or_default();
        let state = if self.down.contains(&node) {
            CopyState::Down
        } else if service.stale > 0 {
            CopyState::Stale
        } else if service.diverged > 0 {
            CopyState::Diverged
        } else if service.conflicted > 0 {
            CopyState::Conflicted
        } else {
            CopyState::Consistent
        };
        if service.state != state {
            service.state = state;
            self.notices.push((at, Notice::ServiceIs(node, state)));
        }
    }
}

/// Whether a version vector covers the dot of an update.
fn covers(context: &VersionVector, dot: Version) -> bool {
    context.iter().any(|(origin, count)| *origin == dot.origin && *count >= dot.counter)
}

/// Whether both are among those of a group that should hold a key. A client that coordinates itself is in none: its
/// key is the group's own.
fn fellows(
    holders: &BTreeMap<NodeId, BTreeSet<NodeId>>,
    sources: &BTreeSet<NodeId>,
    origin: NodeId,
    node: NodeId,
) -> bool {
    holders.values().any(|all| all.contains(&node) && (sources.is_empty() || all.contains(&origin)))
}

fn reaches(flows: &BTreeMap<NodeId, BTreeSet<NodeId>>, origin: NodeId, node: NodeId) -> bool {
    origin == node || flows.get(&origin).is_some_and(|reached| reached.contains(&node))
}
