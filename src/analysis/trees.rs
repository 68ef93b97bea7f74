//! Comparisons of Merkle trees, level by level, as two replicas come down from the root to what differs.

use super::Look;
use crate::scenario::Micros;
use crate::trace::{Fact, MessageKind, NodeId};
use std::collections::BTreeMap;

/// A comparison of two replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The other replica.
    pub with: NodeId,
    /// The replica began it, rather than the other.
    pub own: bool,
    /// When the roots were compared.
    pub at: Micros,
    /// When the lowest level so far was.
    pub upto: Micros,
    /// By level, the root first: how many hashes were compared, and how many differ.
    pub levels: Vec<(u32, u32)>,
    /// Hashes or keys of the two are on their way.
    pub under_way: bool,
}

/// The last comparison of a replica with each other one that the log still tells of, the newest first.
pub fn comparisons(look: &Look, replica: NodeId) -> Vec<Comparison> {
    // By the other and who began: the one that is asked compares the root, then they take turns.
    let mut found: BTreeMap<(NodeId, bool), Comparison> = BTreeMap::new();
    for record in look.trace.since(look.trace.oldest()) {
        let Fact::TreesCompared { node, peer, level, compared, differing } = &record.fact else { continue };
        let (began, other) = if level % 2 == 0 { (peer, node) } else { (node, peer) };
        if *began != replica && *other != replica {
            continue;
        }
        let own = *began == replica;
        let with = if own { *other } else { *began };
        let at = record.at;
        if *level == 0 {
            let levels = vec![(*compared, *differing)];
            found.insert((with, own), Comparison { with, own, at, upto: at, levels, under_way: false });
        } else if let Some(comparison) = found.get_mut(&(with, own)) {
            comparison.levels.truncate(*level as usize);
            comparison.levels.push((*compared, *differing));
            comparison.upto = at;
        }
    }
    let mut last: BTreeMap<NodeId, Comparison> = BTreeMap::new();
    for (_, comparison) in found {
        if last.get(&comparison.with).is_none_or(|other| other.at <= comparison.at) {
            last.insert(comparison.with, comparison);
        }
    }
    let mut all: Vec<Comparison> = last.into_values().collect();
    for comparison in &mut all {
        let ends = [comparison.with, replica];
        let differs = comparison.levels.last().is_some_and(|(_, differing)| *differing > 0);
        comparison.under_way = differs
            && look.analysis.messages.iter().any(|(_, message)| {
                message.kind == MessageKind::Comparison
                    && ends.contains(&message.from)
                    && ends.contains(&message.to)
                    && message.sent >= comparison.upto
            });
    }
    all.sort_by_key(|comparison| std::cmp::Reverse(comparison.upto));
    all
}
