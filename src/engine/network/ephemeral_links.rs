//! Ephemeral links between the members of groups that are too large for a link between each pair. A message between two
//! members has its own link while it is in flight. The link's latency is that of the regions of the two members; its random
//! numbers are named after the pair, the instant, and the number of earlier messages between the pair at that instant. So
//! each message has its own random numbers, and no other stream depends on whether or how often two members communicate.

use crate::engine::link::Link;
use crate::engine::message::LinkId;
use crate::engine::random::{Sampler, Stream};
use crate::scenario::Micros;
use crate::trace::NodeId;
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Properties of links that the scenario does not list.
#[derive(Clone, Debug)]
pub struct UnlistedLinks {
    /// The scenario's seed.
    pub seed: u64,
    /// The permanent links.
    pub listed: BTreeMap<(NodeId, NodeId), LinkId>,
    /// The latency between nodes for which no region specifies one.
    pub default_latency: Sampler,
    /// The region of each node.
    pub regions: LiteMap<NodeId, u32>,
    /// Latencies between two regions, or within one.
    pub region_latencies: LiteMap<(u32, u32), Sampler>,
}

/// Links for single messages, reused after the arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct EphemeralLinks {
    unlisted: Option<Arc<UnlistedLinks>>,
    free: Vec<LinkId>,
    /// The receivers of the messages that each sender sent at its latest instant of sending.
    latest_receivers: Vec<(Micros, Vec<NodeId>)>,
    /// Each partition since the last healing: the side of each node.
    partitions: Vec<LiteMap<NodeId, u32>>,
}

impl EphemeralLinks {
    pub(super) fn set_unlisted(&mut self, unlisted: UnlistedLinks) {
        self.unlisted = Some(Arc::new(unlisted));
    }

    /// Returns the permanent link between two members, or creates one for a single message. `ids` are their ids in the
    /// scenario.
    pub(super) fn link_between(
        &mut self,
        links: &mut Vec<Link>,
        now: Micros,
        (from, to): (NodeId, NodeId),
        ids: (&str, &str),
    ) -> LinkId {
        debug_assert!(from != to, "a member sends to others");
        let unlisted = self.unlisted.clone().expect("set where a scenario has a large group");
        if let Some(listed) = unlisted.listed.get(&(from, to)) {
            return *listed;
        }
        let region = |node| unlisted.regions.get(&node).copied();
        let latency = region(from).zip(region(to)).and_then(|pair| unlisted.region_latencies.get(&pair));
        let earlier = self.count_earlier(now, from, to);
        let mut name = format!("{}->{} at {now}", ids.0, ids.1);
        if earlier > 0 {
            name.push_str(&format!(", {earlier} before"));
        }
        let link = Link {
            from,
            to,
            cut: self.is_partitioned(from, to),
            fifo: false,
            is_ephemeral: true,
            latency: latency.unwrap_or(&unlisted.default_latency).clone(),
            delay: Stream::named(unlisted.seed, "latency", &name),
            last_due: 0,
            faults: None,
        };
        match self.free.pop() {
            Some(id) => {
                debug_assert!(links[id.0 as usize].is_ephemeral, "only ephemeral links are reused");
                links[id.0 as usize] = link;
                id
            }
            None => {
                links.push(link);
                LinkId(links.len() as u32 - 1)
            }
        }
    }

    /// Makes a link available again after its message has arrived.
    pub(super) fn release(&mut self, id: LinkId) {
        self.free.push(id);
    }

    /// Cuts links that are created from now on between these sides. Messages in flight arrive.
    pub(super) fn partition(&mut self, sides: &[BTreeSet<NodeId>]) {
        debug_assert!(sides.len() > 1, "a partition has at least two sides");
        if self.unlisted.is_some() {
            let mut partition = LiteMap::new();
            for (nodes, side) in sides.iter().zip(0..) {
                partition.extend(nodes.iter().map(|node| (*node, side)));
            }
            let nodes: usize = sides.iter().map(BTreeSet::len).sum();
            debug_assert!(nodes == partition.len(), "a node is on one side");
            self.partitions.push(partition);
        }
    }

    /// Ends all partitions.
    pub(super) fn heal_partitions(&mut self) {
        self.partitions.clear();
    }

    /// Counts the messages that `from` has sent to `to` at this instant, before the one that it sends now.
    fn count_earlier(&mut self, now: Micros, from: NodeId, to: NodeId) -> usize {
        debug_assert!(from != to, "a member sends to others");
        if self.latest_receivers.len() <= from.index() {
            self.latest_receivers.resize(from.index() + 1, (0, Vec::new()));
        }
        let (at, receivers) = &mut self.latest_receivers[from.index()];
        debug_assert!(*at <= now, "time does not go back");
        if *at != now {
            (*at, *receivers) = (now, Vec::new());
        }
        receivers.push(to);
        receivers.iter().filter(|receiver| **receiver == to).count() - 1
    }

    fn is_partitioned(&self, from: NodeId, to: NodeId) -> bool {
        let separates =
            |sides: &LiteMap<NodeId, u32>| sides.get(&from).zip(sides.get(&to)).is_some_and(|(a, b)| a != b);
        self.partitions.iter().any(separates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_between_one_pair_at_one_instant_are_numbered_separately_from_others() {
        let mut links = EphemeralLinks::default();
        let (a, b, c) = (NodeId(0), NodeId(1), NodeId(2));
        let counts = [(a, b), (a, c), (b, a), (a, b)].map(|(from, to)| links.count_earlier(5, from, to));
        assert_eq!(counts, [0, 0, 0, 1]);
        assert_eq!([links.count_earlier(6, a, b), links.count_earlier(6, a, b)], [0, 1]);
    }
}
