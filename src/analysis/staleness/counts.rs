//! The numbers of copies in each state, and the states of services.

use super::{Notice, Staleness};
use crate::analysis::copy_state::CopyState;
use crate::scenario::Micros;
use crate::trace::{KeyId, NodeId};

impl Staleness {
    /// Updates the counts after a change of a copy.
    pub(super) fn recount_copy(&mut self, at: Micros, node: NodeId, key: KeyId) {
        self.recount_unacknowledged(at, key);
        self.recount_state(at, node, key);
    }

    /// Updates the counts after a change of a copy's state.
    pub(super) fn recount_state(&mut self, at: Micros, node: NodeId, key: KeyId) {
        self.changed.insert(node, ());
        let Some(copy) = self.keys.get_mut(key.index()).and_then(|entry| entry.copies.get_mut(&node)) else { return };
        let (before, after) = (copy.counted_as, copy.state());
        if before == after {
            return;
        }
        copy.counted_as = after;
        if before == CopyState::Consistent {
            copy.inconsistent_since = at;
        }
        let all_consistent = self.stale + self.diverged == 0;
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
        debug_assert!(self.stale + self.diverged + self.conflicted <= self.copies, "each copy is counted once");
        self.update_service_state(at, node);
        let dependents = if self.pools.is_empty() { Vec::new() } else { self.dependents(node) };
        for dependent in dependents {
            self.update_service_state(at, dependent);
        }
        match (all_consistent, self.stale + self.diverged == 0) {
            (true, false) => self.notices.push((at, Notice::FirstStale(node))),
            (false, true) => {
                self.consistent_since = at;
                self.notices.push((at, Notice::AllConsistent));
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Updates a service's state, with a notice if it changed.
    pub(super) fn update_service_state(&mut self, at: Micros, node: NodeId) {
        self.changed.insert(node, ());
        let shared =
            self.shared_holder(node).and_then(|holder| self.services.get(&holder)).cloned().unwrap_or_default();
        let service = self.services.entry(node).or_default();
        let state = if self.down.contains_key(&node) {
            CopyState::Down
        } else if service.stale + shared.stale > 0 {
            CopyState::Stale
        } else if service.diverged + shared.diverged > 0 {
            CopyState::Diverged
        } else if service.conflicted + shared.conflicted > 0 {
            CopyState::Conflicted
        } else {
            CopyState::Consistent
        };
        if service.state != state {
            service.state = state;
            self.notices.push((at, Notice::ServiceState(node, state)));
        }
    }
}
