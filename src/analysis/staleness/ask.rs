//! What can be asked of the copies.

use super::{Copy, CopyState, Notice, Staleness, covers};
use crate::scenario::Micros;
use crate::trace::{KeyId, NodeId, UpdateId, Version, VersionVector};
use std::collections::BTreeSet;

impl Staleness {
    /// The newest acknowledged version of a key that should be at a service.
    pub fn newest_acknowledged(&self, key: KeyId, node: NodeId) -> Version {
        let Some(entry) = self.keys.get(&key) else { return Version::default() };
        if entry.is_closed() {
            return entry.acknowledged.keys().next_back().copied().unwrap_or_default();
        }
        // Of a group itself, what should be at any of its members.
        let at = entry.holders.get(&node).and_then(|all| all.iter().next()).unwrap_or(&node);
        entry.copies.get(at).map(|copy| copy.newest).unwrap_or_default()
    }

    /// When the newest acknowledged update of a key that should be at a service was acknowledged.
    pub fn newest_acknowledged_at(&self, key: KeyId, node: NodeId) -> Option<Micros> {
        let newest = self.newest_acknowledged(key, node);
        self.keys.get(&key)?.acknowledged.get(&newest).map(|update| update.behind.acknowledged)
    }

    /// What a read at a service did not reflect that returned a version: how many updates acknowledged by `issued`, and
    /// when the oldest of them was.
    pub fn missed(
        &self,
        key: KeyId,
        node: NodeId,
        version: Version,
        context: Option<&VersionVector>,
        issued: Micros,
    ) -> (u32, Micros) {
        let Some(entry) = self.keys.get(&key) else { return (0, 0) };
        let from = if context.is_some() { Version::default() } else { version };
        let newer = entry.acknowledged.range(from..).filter(|(at, update)| {
            let reflected = context.map_or(**at <= version, |context| covers(context, **at));
            let concerns = entry.is_closed() || entry.reaches(&self.flows, update.origin, node);
            !reflected && update.behind.acknowledged <= issued && concerns
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

    /// The copies that are not consistent, with their state.
    pub fn unsettled(&self) -> impl Iterator<Item = (NodeId, KeyId, CopyState)> {
        self.keys.iter().flat_map(|(key, entry)| {
            let bad = entry.copies.iter().filter(|(_, copy)| copy.state() != CopyState::Consistent);
            bad.map(|(node, copy)| (*node, *key, copy.state()))
        })
    }

    /// A service's copies.
    pub fn copies_of(&self, node: NodeId) -> impl Iterator<Item = (KeyId, &Copy)> {
        self.keys.iter().filter_map(move |(key, entry)| Some((*key, entry.copies.get(&node)?)))
    }

    /// A service's worst state.
    pub fn state(&self, node: NodeId) -> CopyState {
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

    /// How many of them show siblings.
    pub fn conflicted(&self) -> u32 {
        self.conflicted
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
    pub fn take_changed(&mut self) -> BTreeSet<NodeId> {
        std::mem::take(&mut self.changed)
    }
}
