//! The prospects of members of a replication group: whether its protocol still delivers the updates that they miss.

use super::handling_times::longest_ms;
use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Obstacle, Prospect, Uncertainty};
use crate::scenario::{GossipStyle, Group, Latency, Micros, Protocol, micros};
use crate::trace::{KeyId, NodeId, UpdateId, Version};
use std::collections::{BTreeMap, BTreeSet};

impl ProspectFinder<'_> {
    /// The prospect of a member that is missing an update, by its group's protocol.
    pub(super) fn within_group(
        &mut self,
        group: NodeId,
        up: Micros,
        (node, key): (NodeId, KeyId),
        update: Option<UpdateId>,
    ) -> Prospect {
        let run = self.run;
        let Some(config) = run.group(group) else {
            return Prospect::Lost;
        };
        let repairs = match &config.protocol {
            Protocol::Gossip(gossip) if matches!(gossip.style, GossipStyle::Rumor { .. }) => {
                self.is_rumored(config, update, &gossip.every)
            }
            // The decision is not sent again to a participant that has not promised the write or has lost its promise.
            Protocol::TwoPhase(_) => update.is_some_and(|update| self.promised(node, key, update).is_some()),
            Protocol::Raft(_) | Protocol::Primary(_) | Protocol::Chain | Protocol::Gossip(_) => true,
            Protocol::Quorum(quorum) => quorum.anti_entropy.is_some(),
        };
        if repairs {
            match self.reached_at(config, (group, key, update), node) {
                Some(_) if may_lose_interest(config) => {
                    return Prospect::Uncertain(Uncertainty::Possible(Obstacle::Rumors));
                }
                Some(at) if at <= run.now => return Prospect::Repairing,
                Some(at) => {
                    let purged = update.and_then(|update| self.history.writes.purged_at(config, update));
                    return match purged.is_some_and(|purged| purged < at) {
                        true => Prospect::Uncertain(Uncertainty::GracePeriod),
                        false => Prospect::AfterHealing(at),
                    };
                }
                None => {}
            }
        }
        if let Some(found) = self.hinted_later(config, up, node, update) {
            return found;
        }
        match (self.repaired_by_read(config, up, (node, key), update), repairs) {
            (Some(found), _) => found,
            // The trace does not contain the work that a paused member has begun.
            (None, _) if self.is_resumed(config) => Prospect::Uncertain(Uncertainty::States),
            // Anti-entropy spreads what a hint brings to another member.
            (None, true) if self.is_hinted_to_others(config, up, (node, key), update) => {
                Prospect::Uncertain(Uncertainty::States)
            }
            (None, true) => Prospect::CutOff,
            (None, false) => Prospect::Lost,
        }
    }

    /// Returns whether a hint will bring an update to a member other than `node`.
    fn is_hinted_to_others(
        &self,
        config: &Group,
        up: Micros,
        (node, key): (NodeId, KeyId),
        update: Option<UpdateId>,
    ) -> bool {
        let mut members = config.members.iter().filter_map(|id| self.run.names.find_node(id));
        members.any(|member| member != node && self.hinted(up, (member, key), update).is_some())
    }

    /// Returns whether a paused member of a group without a leader will be resumed.
    fn is_resumed(&self, config: &Group) -> bool {
        let run = self.run;
        let mut paused = config
            .members
            .iter()
            .filter_map(|id| run.names.find_node(id))
            .filter(|node| run.analysis.faults.paused(*node).is_some());
        matches!(config.protocol, Protocol::Quorum(_) | Protocol::Gossip(_))
            && paused.any(|node| self.work.healing.up_from(run, node).is_some())
    }

    /// Returns whether members may still spread an update as a rumor: one heard or sent it within the last two gossip intervals,
    /// or is paused and continues later.
    fn is_rumored(&self, config: &Group, update: Option<UpdateId>, every: &Latency) -> bool {
        let since = self.run.now.saturating_sub(micros(2.0 * longest_ms(every)));
        let is_recent = |times: &BTreeMap<UpdateId, Micros>| {
            update.and_then(|update| times.get(&update)).is_some_and(|at| *at >= since)
        };
        is_recent(&self.history.last_sent) || is_recent(&self.history.last_stored) || self.is_resumed(config)
    }

    /// Returns when members that have an update can reach a member, directly or through others: now, or at a healing.
    fn reached_at(
        &mut self,
        config: &Group,
        wanted: (NodeId, KeyId, Option<UpdateId>),
        node: NodeId,
    ) -> Option<Micros> {
        let mut reached = self.work.reached.remove(&wanted).unwrap_or_default();
        for (index, at) in self.work.healing.instants().into_iter().enumerate() {
            if index == reached.len() {
                reached.push((at, self.reachable(config, wanted.1, wanted.2, at)));
            }
            if reached[index].1.contains(&node) {
                break;
            }
        }
        let found = reached.iter().find(|(_, members)| members.contains(&node)).map(|(at, _)| *at);
        self.work.reached.insert(wanted, reached);
        found
    }

    /// Returns whether a member has an update; an initial value of the scenario if `version` is none.
    fn has_update(&self, member: NodeId, key: KeyId, version: Option<Version>) -> bool {
        let (staleness, lost) = (&self.run.analysis.staleness, &self.run.analysis.lost);
        staleness.copy(member, key).is_some_and(|copy| match version {
            // A copy reflects a deletion without its tombstone, but cannot spread it.
            Some(version) if lost.is_purged(key, version, staleness) => false,
            // A copy that misses no acknowledged update may still lack this one.
            Some(version) if staleness.is_unacknowledged(key, version) => copy.contains_unacknowledged(version),
            Some(version) => copy.behind() == 0 || copy.reflects(version),
            None => copy.behind() == 0,
        })
    }

    /// Returns which of these members have an update.
    pub(super) fn holders(&self, members: &[NodeId], key: KeyId, update: Option<UpdateId>) -> BTreeSet<NodeId> {
        let version = update.and_then(|update| self.run.analysis.updates.get(update)).map(|info| info.version);
        members.iter().copied().filter(|member| self.has_update(*member, key, version)).collect()
    }

    /// The members that an update can reach once everything is healed that the script heals by `at`.
    pub(super) fn reachable(
        &self,
        config: &Group,
        key: KeyId,
        update: Option<UpdateId>,
        at: Micros,
    ) -> BTreeSet<NodeId> {
        let run = self.run;
        let version = update.and_then(|update| run.analysis.updates.get(update)).map(|info| info.version);
        let healed = |time: Option<Micros>| time.is_some_and(|time| time <= at);
        let members: Vec<NodeId> = config.members.iter().filter_map(|id| run.names.find_node(id)).collect();
        let up = members.iter().copied().filter(|member| healed(self.work.healing.up_from(run, *member)));
        let stays = self.raft_leader_stays(config, at);
        let is_known = |member: &NodeId| {
            let is_elected = !stays && self.is_elected_with(config, *member, (key, version), at);
            is_elected || self.has_update(*member, key, version)
        };
        let (had, unreached): (BTreeSet<NodeId>, BTreeSet<NodeId>) = up.partition(is_known);
        let coordinator = update.and_then(|update| run.analysis.updates.get(update)).map(|info| info.node);
        let is_open = |from: NodeId, to: NodeId| self.is_open_at(from, to, at);
        let is_open_both_ways = |one: NodeId, other: NodeId| self.are_connected_at(one, other, at);
        let place = |node: NodeId| members.iter().position(|member| *member == node);
        let is_contested = had.iter().any(|node| self.may_be_followed(*node, &members));
        // A follower without its log replies that the leader's next entries do not fit.
        let is_sent =
            |from: NodeId, to: NodeId| is_open(from, to) && (is_open(to, from) || !run.analysis.members.lost_disk(to));
        let sender = self.log_sender(config).filter(|node| {
            let remains = had.contains(node) || !is_contested || stays || self.primary_remains(config, *node, at);
            remains && healed(self.work.healing.up_from(run, *node))
        });
        let sends = |from: NodeId, to: NodeId| match &config.protocol {
            Protocol::Quorum(_) => is_open_both_ways(from, to),
            Protocol::Gossip(gossip) => match gossip.style {
                GossipStyle::Pull => is_open_both_ways(from, to),
                GossipStyle::Push | GossipStyle::PushPull | GossipStyle::Rumor { .. } => is_open(from, to),
            },
            Protocol::TwoPhase(_) => coordinator == Some(from) && is_open(from, to),
            // A predecessor sends the writes again that its successor has not acknowledged; a member that lost its disk asks
            // both neighbours.
            Protocol::Chain => match (place(from), place(to)) {
                (Some(from_place), Some(to_place)) => {
                    (from_place + 1 == to_place && is_open(from, to))
                        || (to_place + 1 == from_place && is_open_both_ways(from, to))
                }
                (None, _) | (_, None) => false,
            },
            Protocol::Primary(primary) => match sender {
                Some(sender) => sender == from && is_sent(from, to),
                // A follower takes over.
                None => primary.failover_ms.is_some() && is_open_both_ways(from, to),
            },
            // A leader sends each entry once, unless the follower replies. The others do not send theirs while it leads.
            Protocol::Raft(_) if stays => sender == Some(from) && is_open_both_ways(from, to),
            Protocol::Raft(_) => (sender == Some(from) && is_sent(from, to)) || is_open_both_ways(from, to),
        };
        let reached = spread(&had, unreached, sends);
        // Without a majority, no leader is elected.
        let is_led = sender.is_some_and(|sender| reached.contains(&sender)) || reached.len() * 2 > members.len();
        if matches!(config.protocol, Protocol::Raft(_)) && !is_led { had } else { reached }
    }

    /// Returns whether another member can exchange messages with a member now, and so may follow it after the present leader.
    pub(super) fn may_be_followed(&self, node: NodeId, members: &[NodeId]) -> bool {
        let faults = &self.run.analysis.faults;
        let is_connected = |other: NodeId| faults.passes(node, other) && faults.passes(other, node);
        let mut others = members.iter().filter(|other| **other != node && !faults.is_stopped(**other));
        !faults.is_stopped(node) && others.any(|other| is_connected(*other))
    }

    /// Returns the member that sends its log to the others: the leader of the latest term.
    pub(super) fn log_sender(&self, config: &Group) -> Option<NodeId> {
        let run = self.run;
        let members = || config.members.iter().filter_map(|id| run.names.find_node(id));
        match &config.protocol {
            // The first member stays the primary while it is down.
            Protocol::Primary(primary) if primary.failover_ms.is_none() => members().next(),
            Protocol::Primary(_) | Protocol::Raft(_) => members()
                .filter_map(|node| Some((run.analysis.members.get(node).filter(|member| member.leads)?.term, node)))
                .max()
                .map(|(_, node)| node),
            Protocol::Quorum(_) | Protocol::Chain | Protocol::TwoPhase(_) | Protocol::Gossip(_) => None,
        }
    }

    /// Returns the time at which a primary rolls back an update of a member that it lacks: now, or when a fault is healed.
    pub(super) fn rolled_back_at(&self, node: NodeId, key: KeyId, version: Version) -> Option<Micros> {
        let run = self.run;
        let group = run.names.group(node)?;
        let config = run.group(group)?;
        if !matches!(config.protocol, Protocol::Primary(_)) {
            return None;
        }
        let sender = self.log_sender(config).filter(|sender| *sender != node)?;
        let copy = run.analysis.staleness.copy(sender, key)?;
        let healing = &self.work.healing;
        let (up, sends) = (healing.up_from(run, node)?, healing.up_from(run, sender)?);
        (!copy.contains_unacknowledged(version)).then_some(up.max(sends).max(healing.open_from(run, sender, node)?))
    }
}

/// Returns whether members of a group may lose interest in a rumor before each has heard it. One of two members sends it until
/// the other one has it.
fn may_lose_interest(config: &Group) -> bool {
    match &config.protocol {
        Protocol::Gossip(gossip) => matches!(gossip.style, GossipStyle::Rumor { .. }) && config.members.len() > 2,
        Protocol::Quorum(_) | Protocol::Primary(_) | Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) => {
            false
        }
    }
}

/// Returns the members that an update reaches from those that had it.
fn spread(
    had: &BTreeSet<NodeId>,
    mut unreached: BTreeSet<NodeId>,
    sends: impl Fn(NodeId, NodeId) -> bool,
) -> BTreeSet<NodeId> {
    let mut reached = had.clone();
    let mut frontier: Vec<NodeId> = reached.iter().copied().collect();
    while let Some(from) = frontier.pop() {
        let next: Vec<NodeId> = unreached.iter().copied().filter(|to| sends(from, *to)).collect();
        for member in next {
            unreached.remove(&member);
            reached.insert(member);
            frontier.push(member);
        }
    }
    reached
}
