//! Roads between members of groups that are too large for a link for each pair. A message between two of them has a link of
//! its own while it is under way, whose latency is that of the pair's regions and whose chance is named after the pair and
//! the instant, and after how many messages between them it has seen already: so every message has its own, and no other stream
//! depends on whether, or how often, these two talk.

use super::{Link, Network};
use crate::engine::chance::{Sampler, Stream};
use crate::engine::message::LinkId;
use crate::scenario::Micros;
use crate::trace::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What links without a place in the document are like.
#[derive(Clone, Debug)]
pub struct Unlisted {
    /// The scenario's seed.
    pub seed: u64,
    /// Links that are there for good, as the document lists or cuts them.
    pub listed: BTreeMap<(NodeId, NodeId), LinkId>,
    /// Latency of what no region says.
    pub latency: Sampler,
    /// In which region a node is.
    pub regions: BTreeMap<NodeId, u32>,
    /// Latencies between regions, or within one.
    pub apart: BTreeMap<(u32, u32), Sampler>,
}

/// Links for single messages, used again when these have arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Wide {
    unlisted: Option<Arc<Unlisted>>,
    free: Vec<LinkId>,
    /// By sender: to whom it has sent at which instant, the last one at which it did.
    sent: Vec<(Micros, Vec<NodeId>)>,
    /// Every partition since all was healed: on which side a node is.
    partitions: Vec<BTreeMap<NodeId, u32>>,
}

impl Network {
    /// Says what links without a place in the document are like.
    pub fn set_unlisted(&mut self, unlisted: Unlisted) {
        self.wide.unlisted = Some(Arc::new(unlisted));
    }

    /// A link for one message from one member of a large group to another, unless they have one for good; `ends` are their
    /// ids in the document.
    pub fn road(&mut self, now: Micros, from: NodeId, to: NodeId, ends: (&str, &str)) -> LinkId {
        let unlisted = self.wide.unlisted.clone().expect("a large group has it");
        if let Some(listed) = unlisted.listed.get(&(from, to)) {
            return *listed;
        }
        let region = |node| unlisted.regions.get(&node).copied();
        let apart = region(from).zip(region(to)).and_then(|pair| unlisted.apart.get(&pair));
        let again = self.wide.again(now, from, to);
        let mut name = format!("{}->{} at {now}", ends.0, ends.1);
        if again > 0 {
            name.push_str(&format!(", {again} before"));
        }
        let link = Link {
            from,
            to,
            cut: self.wide.parted(from, to),
            fifo: false,
            once: true,
            latency: apart.unwrap_or(&unlisted.latency).clone(),
            delay: Stream::named(unlisted.seed, "latency", &name),
            last_due: 0,
            flaws: None,
        };
        match self.wide.free.pop() {
            Some(id) => {
                self.links[id.0 as usize] = link;
                id
            }
            None => {
                self.links.push(link);
                LinkId(self.links.len() as u32 - 1)
            }
        }
    }

    /// The message of such a link has arrived.
    pub(super) fn release(&mut self, id: LinkId) {
        self.wide.free.push(id);
    }

    /// Messages that are sent from now on between these sides will not arrive, as will those under way.
    pub fn part(&mut self, sides: &[BTreeSet<NodeId>]) {
        let side = |(nodes, side): (&BTreeSet<NodeId>, u32)| nodes.iter().map(|node| (*node, side)).collect::<Vec<_>>();
        if self.wide.unlisted.is_some() {
            self.wide.partitions.push(sides.iter().zip(0..).flat_map(side).collect());
        }
    }

    /// All partitions are over.
    pub fn unite(&mut self) {
        self.wide.partitions.clear();
    }
}

impl Wide {
    /// How many messages the one has sent to the other at this instant before the one that it sends now.
    fn again(&mut self, now: Micros, from: NodeId, to: NodeId) -> usize {
        if self.sent.len() <= from.index() {
            self.sent.resize(from.index() + 1, (0, Vec::new()));
        }
        let (at, receivers) = &mut self.sent[from.index()];
        if *at != now {
            (*at, *receivers) = (now, Vec::new());
        }
        receivers.push(to);
        receivers.iter().filter(|receiver| **receiver == to).count() - 1
    }

    fn parted(&self, from: NodeId, to: NodeId) -> bool {
        let apart = |sides: &BTreeMap<NodeId, u32>| sides.get(&from).zip(sides.get(&to)).is_some_and(|(a, b)| a != b);
        self.partitions.iter().any(apart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_pair_at_one_instant_are_told_apart_and_others_do_not_count() {
        let mut wide = Wide::default();
        let (a, b, c) = (NodeId(0), NodeId(1), NodeId(2));
        assert_eq!([wide.again(5, a, b), wide.again(5, a, c), wide.again(5, b, a), wide.again(5, a, b)], [0, 0, 0, 1]);
        assert_eq!([wide.again(6, a, b), wide.again(6, a, b)], [0, 1]);
    }
}
