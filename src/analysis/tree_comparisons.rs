//! Comparisons of Merkle trees: two replicas descend from the root, level by level, to the keys that differ.

use super::run_context::RunContext;
use crate::scenario::Micros;
use crate::trace::{Fact, MessageKind, NodeId};
use litemap::LiteMap;

/// A comparison of a replica's tree with another's.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeComparison {
    /// The other replica.
    pub with: NodeId,
    /// Whether the replica, rather than the other, started it.
    pub own: bool,
    /// When the roots were compared.
    pub at: Micros,
    /// When the lowest level so far was compared.
    pub last_at: Micros,
    /// The number of compared hashes and the number that differ at each level, the root first.
    pub levels: Vec<(u32, u32)>,
    /// Whether hashes or keys of this comparison are in flight.
    pub in_progress: bool,
}

/// Returns the last comparison of a replica with each other replica, from the records that the trace still holds; newest first.
pub fn tree_comparisons(run: &RunContext, replica: NodeId) -> Vec<TreeComparison> {
    // By the other replica and which of the two started: its peer compares the root, then they alternate.
    let mut found: LiteMap<(NodeId, bool), TreeComparison> = LiteMap::new();
    for record in run.trace.since(run.trace.oldest()) {
        let Fact::TreesCompared { node, peer, level, compared, differing } = &record.fact else { continue };
        let (starter, other) = if level % 2 == 0 { (peer, node) } else { (node, peer) };
        if *starter != replica && *other != replica {
            continue;
        }
        let own = *starter == replica;
        let with = if own { *other } else { *starter };
        let at = record.at;
        if *level == 0 {
            let levels = vec![(*compared, *differing)];
            found.insert((with, own), TreeComparison { with, own, at, last_at: at, levels, in_progress: false });
        } else if let Some(comparison) = found.get_mut(&(with, own)) {
            comparison.levels.truncate(*level as usize);
            comparison.levels.push((*compared, *differing));
            comparison.last_at = at;
        }
    }
    let mut last: LiteMap<NodeId, TreeComparison> = LiteMap::new();
    for (_, comparison) in found {
        if last.get(&comparison.with).is_none_or(|other| other.at <= comparison.at) {
            last.insert(comparison.with, comparison);
        }
    }
    let mut all: Vec<TreeComparison> = last.into_iter().map(|(_, comparison)| comparison).collect();
    for comparison in &mut all {
        let ends = [comparison.with, replica];
        let differs = comparison.levels.last().is_some_and(|(_, differing)| *differing > 0);
        comparison.in_progress = differs
            && run.analysis.messages.iter().any(|(_, message)| {
                message.kind == MessageKind::Comparison
                    && ends.contains(&message.from)
                    && ends.contains(&message.to)
                    && message.sent >= comparison.last_at
            });
    }
    all.sort_by_key(|comparison| std::cmp::Reverse(comparison.last_at));
    all
}
