//! How each copy of each key stands against the reference state: the merge of every acknowledged update.
//!
//! A key is a register whose versions are totally ordered, so the reference of a copy is the newest
//! acknowledged update that should reach it, and a copy reflects an update if it holds that version or a
//! newer one. What stands in the document counts as acknowledged at 0.

mod special;

use crate::ordered::{Map, Set};
use crate::scenario::{Micros, Value};
use crate::trace::{Fact, KeyId, NodeId, Record, UpdateId, Version};

/// How a copy, or a service's worst copy, stands. Ordered from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It reflects every acknowledged update that should reach it.
    #[default]
    Consistent,
    /// It took in every such update, and still differs from the reference.
    Diverged,
    /// Some such update is not reflected.
    Stale,
    /// The service is down.
    Down,
}

/// What a copy holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The value.
    pub value: Value,
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
    behind: Map<Version, Behind>,
    /// Those of them that have not been taken in, nor any newer one.
    missing: Set<Version>,
    /// The newest version that was ever taken in.
    taken_in: Version,
    /// The newest acknowledged version that should be here.
    newest: Version,
    /// The state under which it is counted.
    counted: State,
    /// It holds what was never committed anywhere.
    phantom: bool,
    /// Where it adds up what updates say, rather than taking it: what it has added.
    sum: Option<Box<Sum>>,
}

/// A copy that adds differences: an update is reflected once it was added, whatever came before or after it.
#[derive(Clone, Debug, Default)]
struct Sum {
    /// Versions that were added, and are not acknowledged yet.
    early: Set<Version>,
    /// What the newest acknowledged update says, if all that is added is acknowledged: what the sum should be.
    reference: Option<Value>,
}

impl Copy {
    /// What it holds; none for an absent key.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// How many acknowledged updates it does not reflect (k-staleness).
    pub fn behind(&self) -> u32 {
        self.behind.len() as u32
    }

    /// When the oldest of them was acknowledged (t-staleness counts from there).
    pub fn stale_since(&self) -> Option<Micros> {
        self.behind.values().map(|behind| behind.acknowledged).min()
    }

    /// How it stands.
    pub fn state(&self) -> State {
        if let Some(sum) = &self.sum {
            let held = self.held.as_ref().map(|held| &held.value);
            let judged = sum.early.is_empty() && sum.reference.is_some();
            return match (self.behind.is_empty(), judged && held != sum.reference.as_ref()) {
                (false, _) => State::Stale,
                (true, true) => State::Diverged,
                (true, false) => State::Consistent,
            };
        }
        if self.behind.is_empty() && self.phantom {
            State::Diverged
        } else if self.behind.is_empty() {
            State::Consistent
        } else if self.missing.is_empty() {
            State::Diverged
        } else {
            State::Stale
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
    copies: Map<NodeId, Copy>,
    /// Services that committed this key, whose flows have been followed.
    sources: Set<NodeId>,
    /// The newest acknowledged updates, for a copy that falls back to an older version.
    acknowledged: Map<Version, Acknowledged>,
    /// Versions of updates that were published and then never committed.
    phantoms: Set<Version>,
}

/// Acknowledged updates remembered for each key: a copy that falls back further than this counts only these.
const REMEMBERED: usize = 4096;

/// A service's copies, counted.
#[derive(Clone, Debug, Default)]
struct Service {
    stale: u32,
    diverged: u32,
    state: State,
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
    ServiceIs(NodeId, State),
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
    flows: Map<NodeId, Set<NodeId>>,
    keys: Map<KeyId, Key>,
    committed: Map<UpdateId, Committed>,
    /// Updates whose event is published, and whose commit comes after it.
    proposed: Map<UpdateId, Committed>,
    down: Set<NodeId>,
    /// For each update whose window is open: since when, and how many copies do not reflect it.
    windows: Map<UpdateId, (Micros, u32)>,
    services: Map<NodeId, Service>,
    stale: u32,
    diverged: u32,
    copies: u32,
    acknowledged: u64,
    last_window: Option<(UpdateId, Micros)>,
    last_acknowledged: Option<Micros>,
    consistent_since: Micros,
    each_copy: bool,
    notices: Vec<(Micros, Notice)>,
    changed: Set<NodeId>,
}

impl Staleness {
    pub(super) fn observe(&mut self, record: &Record) {
        let at = record.at;
        match &record.fact {
            Fact::FlowDeclared { from, to } => {
                self.flows.or_default(*from).insert(*to);
            }
            Fact::Seeded { node, key, value, version } => {
                let held = Held { value: value.clone(), version: *version, update: None };
                self.follow_flows(*node, *key);
                self.hold(at, *node, *key, Some(held));
                self.acknowledge(at, None, *node, *key, *version);
            }
            Fact::UpdateProposed { update, node, key, version, .. } => {
                self.proposed.insert(*update, Committed { node: *node, key: *key, version: *version });
            }
            Fact::UpdateCommitted { update, node, key, version, value, .. } => {
                self.proposed.remove(update);
                let held = Held { value: value.clone(), version: *version, update: Some(*update) };
                self.committed.insert(*update, Committed { node: *node, key: *key, version: *version });
                // Most are acknowledged soon or never; the table must not grow with those that never are.
                if self.committed.len() > AWAITED {
                    self.committed.pop_first();
                }
                self.follow_flows(*node, *key);
                self.hold(at, *node, *key, Some(held));
            }
            Fact::UpdateAcknowledged { update, .. } => {
                if let Some(Committed { node, key, version }) = self.committed.remove(update) {
                    self.acknowledged += 1;
                    self.acknowledge(at, Some(*update), node, key, version);
                }
            }
            Fact::UpdateTakenIn { update, node, key, version, sum: Some(sum), .. } => {
                self.add(at, *update, *node, *key, *version, *sum);
            }
            Fact::UpdateTakenIn { update, node, key, version, value, changed, sum: None, .. } => {
                if *changed {
                    let held = Held { value: value.clone(), version: *version, update: Some(*update) };
                    self.hold(at, *node, *key, Some(held));
                } else {
                    self.take_in(at, *node, *key, *version);
                }
            }
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

    /// Whoever should get what a service commits has a copy of the key from now on, be it an absent one.
    fn follow_flows(&mut self, node: NodeId, key: KeyId) {
        let entry = self.keys.or_default(key);
        if !entry.sources.insert(node) {
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
        self.keys.or_default(key).copies.or_insert_with(node, || {
            *copies += 1;
            Copy::default()
        })
    }

    /// A copy holds something else than before.
    fn hold(&mut self, at: Micros, node: NodeId, key: KeyId, held: Option<Held>) {
        self.copy(node, key);
        let entry = self.keys.or_default(key);
        let copy = entry.copies.or_default(node);
        let before = copy.version();
        copy.held = held;
        let version = copy.version();
        copy.phantom = entry.phantoms.contains(&version);
        copy.taken_in = copy.taken_in.max(version);
        if version < before {
            let flows = &self.flows;
            let missed = entry.acknowledged.from(&version).filter(|(v, _)| **v > version);
            let expected = missed.filter(|(_, update)| reaches(flows, update.origin, node));
            copy.behind.extend(expected.map(|(v, update)| (*v, update.behind)));
        }
        self.reflect(at, node, key);
    }

    /// Strikes what a copy reflects now from what it is behind by.
    fn reflect(&mut self, at: Micros, node: NodeId, key: KeyId) {
        let Some(copy) = self.keys.get_mut(&key).and_then(|entry| entry.copies.get_mut(&node)) else { return };
        let version = copy.version();
        copy.missing.retain(|missing| *missing > copy.taken_in);
        let mut reflected = copy.behind.drain_before(&version);
        if let Some(behind) = copy.behind.remove(&version) {
            reflected.insert(version, behind);
        }
        for behind in reflected.values() {
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
        self.notices.push((at, Notice::WindowClosed(update, took)));
    }

    fn acknowledge(&mut self, at: Micros, update: Option<UpdateId>, origin: NodeId, key: KeyId, version: Version) {
        let origin_copy = self.keys.get(&key).and_then(|entry| entry.copies.get(&origin));
        let value =
            origin_copy.and_then(Copy::held).filter(|held| held.version == version).map(|held| held.value.clone());
        let behind = Behind { update, acknowledged: at };
        let flows = &self.flows;
        let entry = self.keys.or_default(key);
        entry.acknowledged.insert(version, Acknowledged { origin, behind, value: value.clone() });
        if entry.acknowledged.len() > REMEMBERED {
            entry.acknowledged.pop_first();
        }
        let mut open = 0;
        let mut concerned = Vec::new();
        for (&node, copy) in entry.copies.iter_mut() {
            if !reaches(flows, origin, node) {
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
            } else if copy.version() < version {
                open += 1;
                copy.behind.insert(version, behind);
                if copy.taken_in < version {
                    copy.missing.insert(version);
                }
            }
        }
        if let Some(update) = update {
            self.last_acknowledged = Some(at);
            if self.each_copy {
                // The writer's own copy apart, these had it before it was acknowledged.
                let early = (concerned.len() as u32).saturating_sub(open + 1);
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
        let service = self.services.or_default(node);
        for (state, sign) in [(before, -1), (after, 1)] {
            match state {
                State::Stale => {
                    self.stale = self.stale.wrapping_add_signed(sign);
                    service.stale = service.stale.wrapping_add_signed(sign);
                }
                State::Diverged => {
                    self.diverged = self.diverged.wrapping_add_signed(sign);
                    service.diverged = service.diverged.wrapping_add_signed(sign);
                }
                State::Consistent | State::Down => {}
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
        let service = self.services.or_default(node);
        let state = if self.down.contains(&node) {
            State::Down
        } else if service.stale > 0 {
            State::Stale
        } else if service.diverged > 0 {
            State::Diverged
        } else {
            State::Consistent
        };
        if service.state != state {
            service.state = state;
            self.notices.push((at, Notice::ServiceIs(node, state)));
        }
    }

    /// The newest acknowledged version of a key that should be at a service.
    pub fn newest_acknowledged(&self, key: KeyId, node: NodeId) -> Version {
        self.at(node, key).map(|copy| copy.newest).unwrap_or_default()
    }

    /// When the newest acknowledged update of a key that should be at a service was acknowledged.
    pub fn newest_acknowledged_at(&self, key: KeyId, node: NodeId) -> Option<Micros> {
        let newest = self.newest_acknowledged(key, node);
        self.keys.get(&key)?.acknowledged.get(&newest).map(|update| update.behind.acknowledged)
    }

    /// What a read at a service did not reflect that returned a version: how many updates acknowledged by `issued`, and
    /// when the oldest of them was.
    pub fn missed(&self, key: KeyId, node: NodeId, version: Version, issued: Micros) -> (u32, Micros) {
        let Some(entry) = self.keys.get(&key) else { return (0, 0) };
        let newer = entry.acknowledged.from(&version).filter(|(at, update)| {
            **at > version && update.behind.acknowledged <= issued && reaches(&self.flows, update.origin, node)
        });
        newer.fold((0, issued), |(count, oldest), (_, update)| (count + 1, oldest.min(update.behind.acknowledged)))
    }

    /// From now on a notice is given of each copy that reflects an update.
    pub fn watch_each_copy(&mut self) {
        self.each_copy = true;
    }

    /// The windows that are open: since when, and how many copies do not reflect the update.
    pub fn open_windows(&self) -> impl Iterator<Item = (Micros, u32)> {
        self.windows.values().copied()
    }

    /// When the last update was acknowledged, what stood in the document apart.
    pub fn last_acknowledged(&self) -> Option<Micros> {
        self.last_acknowledged
    }

    /// Since when every copy is consistent, where they are.
    pub fn consistent_since(&self) -> Micros {
        self.consistent_since
    }

    /// A service's copy of a key; none where it neither has nor should have one.
    pub fn at(&self, node: NodeId, key: KeyId) -> Option<&Copy> {
        self.keys.get(&key)?.copies.get(&node)
    }

    /// A service's copies.
    pub fn copies_of(&self, node: NodeId) -> impl Iterator<Item = (KeyId, &Copy)> {
        self.keys.iter().filter_map(move |(key, entry)| Some((*key, entry.copies.get(&node)?)))
    }

    /// A service's worst state.
    pub fn state(&self, node: NodeId) -> State {
        self.services.get(&node).map(|service| service.state).unwrap_or_default()
    }

    /// How many copies (of a key at a service) there are or should be.
    pub fn copies(&self) -> u32 {
        self.copies
    }

    /// How many of them are stale.
    pub fn stale(&self) -> u32 {
        self.stale
    }

    /// How many of them are diverged.
    pub fn diverged(&self) -> u32 {
        self.diverged
    }

    /// How many services are down.
    pub fn down(&self) -> u32 {
        self.down.len() as u32
    }

    /// How many updates have been acknowledged, what stood in the document apart.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// The inconsistency window that closed last, and how long it was open.
    pub fn last_window(&self) -> Option<(UpdateId, Micros)> {
        self.last_window
    }

    /// What happened to the copies since the last call.
    pub fn take_notices(&mut self) -> Vec<(Micros, Notice)> {
        std::mem::take(&mut self.notices)
    }

    /// The services of which anything changed since the last call.
    pub fn take_changed(&mut self) -> Set<NodeId> {
        std::mem::take(&mut self.changed)
    }
}

fn reaches(flows: &Map<NodeId, Set<NodeId>>, origin: NodeId, node: NodeId) -> bool {
    origin == node || flows.get(&origin).is_some_and(|reached| reached.contains(&node))
}
