//! Queries about the copies.

use super::copy::covers;
use super::{Acknowledged, Key, KeyCopy, Notice, Staleness};
use crate::analysis::copy_state::CopyState;
use crate::analysis::members::Members;
use crate::scenario::Micros;
use crate::trace::{KeyId, NodeId, NodeSet, UpdateId, Version, VersionVector};

impl Staleness {
    /// Returns the estimated memory of the copies and of the updates that they miss, bytes.
    pub fn memory(&self) -> u64 {
        let copies = self.keys.iter().flat_map(|key| key.copies.values());
        let held: usize = copies.map(|copy| 4 + copy.behind.len() + copy.missing.len() + copy.siblings.len()).sum();
        let acknowledged: usize =
            self.keys.iter().map(|key| 2 + key.acknowledged.len() + key.unacknowledged.len()).sum();
        (held * 80 + acknowledged * 120 + self.notices.len() * 32) as u64
    }

    /// Returns the newest acknowledged version of a key that a service should hold.
    pub fn newest_acknowledged(&self, key: KeyId, node: NodeId) -> Version {
        let Some(entry) = self.keys.get(key.index()) else { return Version::default() };
        if entry.is_internal() {
            return entry.acknowledged.keys().next_back().copied().unwrap_or_default();
        }
        // For a group itself, the version that any of its members should hold.
        let at = entry.holders.get(&node).and_then(|all| all.keys().next()).unwrap_or(&node);
        entry
            .copies
            .get(&self.pools.holder(*at, &entry.separate))
            .map(|copy| copy.newest_acknowledged)
            .unwrap_or_default()
    }

    /// Returns the newest acknowledged update of a key that a service should hold, `None` if that is an initial value of the document.
    pub fn newest_acknowledged_update(&self, key: KeyId, node: NodeId) -> Option<UpdateId> {
        let newest = self.newest_acknowledged(key, node);
        self.keys.get(key.index())?.acknowledged.get(&newest)?.behind.update
    }

    /// Returns when the newest acknowledged version of a key that a service should hold was acknowledged.
    pub fn newest_acknowledged_at(&self, key: KeyId, node: NodeId) -> Option<Micros> {
        let newest = self.newest_acknowledged(key, node);
        self.keys.get(key.index())?.acknowledged.get(&newest).map(|update| update.behind.acknowledged)
    }

    /// Returns the updates acknowledged by `issued` that a read's result did not reflect: their number, and when the oldest of
    /// them was acknowledged.
    pub fn missed_updates(
        &self,
        key: KeyId,
        node: NodeId,
        version: Version,
        context: Option<&VersionVector>,
        issued: Micros,
    ) -> (u32, Micros) {
        let Some(entry) = self.keys.get(key.index()) else { return (0, 0) };
        let from = if context.is_some() { Version::default() } else { version };
        let newer = entry.acknowledged.range(from..).filter(|(at, update)| {
            let reflected = context.map_or(**at <= version, |context| covers(context, **at));
            let concerns = entry.is_internal() || entry.reaches(&self.flows, update.origin, node);
            !reflected && update.behind.acknowledged <= issued && concerns
        });
        newer.fold((0, issued), |(count, oldest), (_, update)| (count + 1, oldest.min(update.behind.acknowledged)))
    }

    /// Returns the newest version that the result of a read reflects, of a key without a version vector. A read that found no
    /// version reflects the newest deletion whose tombstone was purged.
    pub fn reflected_by_read(&self, key: KeyId, version: Version) -> Version {
        let purged = self.keys.get(key.index()).map(|entry| entry.purged).filter(|_| version.is_none());
        purged.unwrap_or(version)
    }

    /// Returns a number that grows with each record that may have changed a copy.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Enables a notice for each copy that reflects an update.
    pub fn watch_each_copy(&mut self) {
        self.each_copy = true;
    }

    /// Iterates over the open windows: the time of acknowledgement, and the number of copies that never reflected the update.
    pub fn open_windows(&self) -> impl Iterator<Item = (Micros, u32)> {
        self.windows.values().map(|window| (window.since, window.missing))
    }

    /// Returns whether a copy does not reflect an update whose window is closed, so that it has lost it again.
    pub fn is_missed_again(&self, key: KeyId, version: Version) -> bool {
        let Some(entry) = self.keys.get(key.index()).filter(|_| self.stale + self.diverged > 0) else { return false };
        entry.copies.values().any(|copy| copy.behind.contains_key(&version))
    }

    /// Returns when the last update was acknowledged; initial values of the document do not count.
    pub fn last_acknowledged(&self) -> Option<Micros> {
        self.last_acknowledged
    }

    /// Returns the time since which every copy is consistent; meaningful only while all are.
    pub fn consistent_since(&self) -> Micros {
        self.consistent_since
    }

    /// Returns a service's copy of a key; none if it neither has nor should have one.
    pub fn copy(&self, node: NodeId, key: KeyId) -> Option<&KeyCopy> {
        let entry = self.keys.get(key.index())?;
        entry.copies.get(&self.pools.holder(node, &entry.separate))
    }

    /// Returns whether a copy contains an update, alone or as part of a newer value.
    pub fn has_applied(&self, node: NodeId, key: KeyId, version: Version) -> bool {
        let entry = self.keys.get(key.index());
        let is_acknowledged = entry.is_some_and(|entry| entry.acknowledged.contains_key(&version));
        self.copy(node, key).is_some_and(|copy| match &copy.sum {
            Some(_) if is_acknowledged => !copy.behind.contains_key(&version),
            Some(sum) => sum.early.contains(&version),
            None => copy.reflects(version),
        })
    }

    /// Returns the acknowledged updates of a key that none of the nodes holds which should: in a copy, a log, a hint or a promise. Each has
    /// its origin. Of data with a total order, only the newest update counts.
    pub(in crate::analysis) fn unheld_updates(&self, key: KeyId, members: &Members) -> Vec<(UpdateId, NodeId)> {
        let Some(entry) = self.keys.get(key.index()) else { return Vec::new() };
        let counted = if entry.copies.values().all(KeyCopy::needs_only_the_newest) { 1 } else { usize::MAX };
        let is_in_copy = |node: NodeId, version: Version| {
            let copy = entry.copies.get(&self.pools.holder(node, &entry.separate));
            copy.is_some_and(|copy| match &copy.sum {
                Some(_) => !copy.behind.contains_key(&version),
                None => copy.pooled.is_some() || copy.reflects(version),
            })
        };
        let is_in_log = |node: NodeId, version: Version| {
            let last = members.get(node).map_or(0, |member| member.log.0);
            last > 0 && last >= version.counter
        };
        let is_pending = |update: UpdateId| {
            members.iter().any(|(_, member)| {
                member.hinted.values().any(|hinted| hinted.contains(&update))
                    || member.promised.values().any(|promised| *promised == update)
            })
        };
        let is_unheld = |version: Version, update: UpdateId, origin: NodeId| {
            let holds = |node: &NodeId| is_in_copy(*node, version) || is_in_log(*node, version);
            !entry.holders_of(origin).iter().any(holds) && !is_pending(update)
        };
        let of_update = |(version, Acknowledged { origin, behind, .. }): (&Version, &Acknowledged)| {
            behind.update.filter(|update| is_unheld(*version, *update, *origin)).map(|update| (update, *origin))
        };
        entry.acknowledged.iter().rev().take(counted).filter_map(of_update).collect()
    }

    /// Returns whether a node reads a key from the nodes that should hold the updates of `origin`.
    pub(in crate::analysis) fn should_hold(&self, node: NodeId, key: KeyId, origin: NodeId) -> bool {
        let entry = self.keys.get(key.index());
        entry.is_some_and(|entry| entry.is_internal() || entry.holders_of(origin).contains(&node))
    }

    fn keys(&self) -> impl Iterator<Item = (KeyId, &Key)> {
        (0..).map(KeyId).zip(&self.keys)
    }

    /// Iterates over the copies that are not consistent, with their state.
    pub fn inconsistent_copies(&self) -> impl Iterator<Item = (NodeId, KeyId, CopyState)> {
        let keys = (0..self.keys.len() as u32).map(KeyId);
        keys.flat_map(|key| self.inconsistent_copies_of(key).map(move |(node, state)| (node, key, state)))
    }

    /// Returns the number of keys.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Iterates over the copies of a key that are not consistent, with their state.
    pub fn inconsistent_copies_of(&self, key: KeyId) -> impl Iterator<Item = (NodeId, CopyState)> {
        let copies = self.keys.get(key.index()).into_iter().flat_map(|entry| entry.copies.iter());
        copies.map(|(node, copy)| (*node, copy.state())).filter(|(_, state)| *state != CopyState::Consistent)
    }

    /// Iterates over a service's copies; those that it holds together with others count for each.
    pub fn copies_of(&self, node: NodeId) -> impl Iterator<Item = (KeyId, &KeyCopy)> {
        self.keys()
            .filter_map(move |(key, entry)| Some((key, entry.copies.get(&self.pools.holder(node, &entry.separate))?)))
    }

    /// Returns the state of a service: its worst copy's, or down.
    pub fn state(&self, node: NodeId) -> CopyState {
        self.services.get(&node).map(|service| service.state).unwrap_or_default()
    }

    /// Returns the number of copies (of a key at a service) that exist or should exist.
    pub fn copies(&self) -> u32 {
        self.copies
    }

    /// Returns the number of stale copies.
    pub fn stale(&self) -> u32 {
        self.stale
    }

    /// Returns the number of diverged copies.
    pub fn diverged(&self) -> u32 {
        self.diverged
    }

    /// Returns the number of conflicted copies.
    pub fn conflicted(&self) -> u32 {
        self.conflicted
    }

    /// Returns the number of services that are down.
    pub fn down(&self) -> u32 {
        self.down.len() as u32
    }

    /// Returns the number of acknowledged updates; initial values of the document do not count.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Returns the inconsistency window that closed last, and its duration.
    pub fn last_window(&self) -> Option<(UpdateId, Micros)> {
        self.last_window
    }

    /// Returns the notices since the last call.
    pub fn take_notices(&mut self) -> Vec<(Micros, Notice)> {
        std::mem::take(&mut self.notices)
    }

    /// Returns the services whose copies or state changed since the last call.
    pub fn take_changed(&mut self) -> NodeSet {
        std::mem::take(&mut self.changed)
    }
}
