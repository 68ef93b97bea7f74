//! The changes of services' states over time, for the ribbons of the timeline.

use crate::analysis::CopyState;
use crate::scenario::Micros;
use crate::session::protocol::RibbonChange;
use crate::trace::NodeId;
use std::collections::BTreeMap;

/// The number of changes that are kept for whole frames. Beyond it, older changes are merged.
const MAX_CHANGES: usize = 16_000;

/// The changes so far, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Ribbons {
    /// The changes that were in a frame.
    sent: Vec<RibbonChange>,
    /// The changes since the last frame.
    new: Vec<RibbonChange>,
    /// Limits of `sent` and `new`, beyond which their older changes are merged. They grow where many services change a few times
    /// each.
    limits: (usize, usize),
}

impl Ribbons {
    /// Adds a change.
    pub(super) fn push(&mut self, node: NodeId, at: Micros, state: CopyState) {
        self.new.push(RibbonChange { node, at, state });
        coarsen(&mut self.new, &mut self.limits.1);
    }

    /// Returns all changes for a whole frame, or those since the last frame.
    pub(super) fn take(&mut self, whole: bool) -> Vec<RibbonChange> {
        let first = if whole { 0 } else { self.sent.len() };
        self.sent.append(&mut self.new);
        let taken = self.sent[first..].to_vec();
        coarsen(&mut self.sent, &mut self.limits.0);
        taken
    }
}

/// Merges pairs of older changes of a service if the number of changes exceeds the limit. The worse state remains, so a
/// short inconsistency is visible; the last change of each service is kept.
fn coarsen(changes: &mut Vec<RibbonChange>, limit: &mut usize) {
    *limit = (*limit).max(MAX_CHANGES);
    if changes.len() <= *limit {
        return;
    }
    let last: BTreeMap<NodeId, usize> = (0..).zip(&*changes).map(|(i, change)| (change.node, i)).collect();
    let mut merged: Vec<RibbonChange> = Vec::with_capacity(changes.len());
    // For each service, the change that awaits a second one.
    let mut open: BTreeMap<NodeId, usize> = BTreeMap::new();
    let older = changes.len() / 4 * 3;
    for (i, change) in changes.drain(..).enumerate() {
        let can_merge = i < older && last.get(&change.node) != Some(&i);
        match open.remove(&change.node).filter(|_| can_merge) {
            Some(first) => merged[first].state = merged[first].state.max(change.state),
            None => {
                if can_merge {
                    open.insert(change.node, merged.len());
                }
                merged.push(change);
            }
        }
    }
    *changes = merged;
    // Where many services change a few times each, little can be merged. Then the list may grow before the next attempt.
    *limit = if changes.len() <= MAX_CHANGES / 4 * 3 { MAX_CHANGES } else { 2 * changes.len() };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_has_a_bounded_number_of_changes_that_begin_at_its_start_and_end_with_the_present_state() {
        let mut ribbons = Ribbons::default();
        // One service changes once; its change is not lost among those of the other.
        ribbons.push(NodeId(7), 1, CopyState::Stale);
        for at in 2..200_000 {
            let state = if at % 2 == 0 { CopyState::Stale } else { CopyState::Consistent };
            ribbons.push(NodeId(0), at, state);
            if at % 1000 == 0 {
                ribbons.take(false);
            }
        }
        let all = ribbons.take(true);
        assert!(all.len() <= 2 * MAX_CHANGES, "{}", all.len());
        assert!(all.is_sorted_by_key(|change| change.at));
        assert_eq!((all[0].node, all[0].at, all[1].at), (NodeId(7), 1, 2));
        let newest = |node| all.iter().rfind(|change| change.node == node).map(|change| (change.at, change.state));
        assert_eq!(newest(NodeId(0)), Some((199_999, CopyState::Consistent)));
        assert_eq!(newest(NodeId(7)), Some((1, CopyState::Stale)));
    }

    #[test]
    fn many_services_with_few_changes_each_keep_their_last_states() {
        let mut ribbons = Ribbons::default();
        for round in 0..3 {
            for node in 0..10_000 {
                let state = if round == 1 { CopyState::Stale } else { CopyState::Consistent };
                ribbons.push(NodeId(node), round * 10_000 + u64::from(node), state);
            }
        }
        let all = ribbons.take(true);
        let last: BTreeMap<NodeId, CopyState> = all.iter().map(|change| (change.node, change.state)).collect();
        assert!(all.len() <= 2 * MAX_CHANGES, "{}", all.len());
        assert!(last.len() == 10_000 && last.values().all(|state| *state == CopyState::Consistent));
    }
}
