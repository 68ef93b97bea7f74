//! Groups whose leader decides which updates remain, and whether the last leader and its log are certain.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Prospect, Uncertainty};
use crate::scenario::{Group, Micros, Protocol};
use crate::trace::{KeyId, NodeId, UpdateId, Version};
use std::collections::BTreeSet;

impl ProspectFinder<'_> {
    /// Returns the members that are up once everything is healed that the script heals by `at`.
    pub(super) fn up_at(&self, config: &Group, at: Micros) -> Vec<NodeId> {
        let members = config.members.iter().filter_map(|id| self.run.names.find_node(id));
        members.filter(|node| self.work.healing.up_from(self.run, *node).is_some_and(|up| up <= at)).collect()
    }

    /// Returns whether one direction of a link is open at a time.
    pub(super) fn is_open_at(&self, from: NodeId, to: NodeId, at: Micros) -> bool {
        from == to || self.work.healing.open_from(self.run, from, to).is_some_and(|open| open <= at)
    }

    /// Returns whether two nodes reach each other at a time.
    pub(super) fn are_connected_at(&self, one: NodeId, other: NodeId, at: Micros) -> bool {
        self.is_open_at(one, other, at) && self.is_open_at(other, one, at)
    }

    /// Returns whether the members that are up at a time form groups in which each reaches all others, and no other member.
    fn are_separate(&self, up: &[NodeId], at: Micros) -> bool {
        let reached = |node: NodeId| -> BTreeSet<NodeId> {
            up.iter().copied().filter(|other| self.is_open_at(node, *other, at)).collect()
        };
        up.iter().all(|node| {
            let own = reached(*node);
            own.iter().all(|other| reached(*other) == own)
        })
    }

    /// Returns the prospect that was found for a group's copy, or an uncertain one if it is uncertain whose log remains.
    pub(super) fn unless_contested(
        &self,
        found: Prospect,
        group: NodeId,
        key: KeyId,
        update: Option<UpdateId>,
    ) -> Prospect {
        match found {
            Prospect::Arriving { .. }
            | Prospect::Storing(_)
            | Prospect::BeingHandled(_)
            | Prospect::Repairing
            | Prospect::AfterHealing(_)
            | Prospect::RollingBack(_)
            | Prospect::CutOff => {}
            Prospect::Queued { .. }
            | Prospect::Unpublished(_)
            | Prospect::Handled(_)
            | Prospect::Promised(_)
            | Prospect::Hinted(_)
            | Prospect::ReadRepair
            | Prospect::Superseded(_)
            | Prospect::Redriven(_)
            | Prospect::Down(_)
            | Prospect::OutOfSync(_)
            | Prospect::Cut(..)
            | Prospect::DeadLettered(_)
            | Prospect::Poison(_)
            | Prospect::Rejected(_)
            | Prospect::Discarded(_)
            | Prospect::Expiring { .. }
            | Prospect::UsedUp(..)
            | Prospect::NeverPublished(_)
            | Prospect::Applied
            | Prospect::Siblings
            | Prospect::Lost
            | Prospect::Uncertain(_) => return found,
        }
        match self.run.group(group).and_then(|config| self.contest(config, key, update)) {
            Some(why) => Prospect::Uncertain(why),
            None => found,
        }
    }

    /// Returns whether the leader lacks an update, and another member may follow a member that has it.
    fn is_left_behind(&self, config: &Group, leader: Option<NodeId>, key: KeyId, update: Option<UpdateId>) -> bool {
        let members: Vec<NodeId> = config.members.iter().filter_map(|id| self.run.names.find_node(id)).collect();
        let holders = self.holders(&members, key, update);
        leader.is_some_and(|leader| !holders.contains(&leader))
            && holders.iter().any(|node| self.may_be_followed(*node, &members))
    }

    /// Returns whether a member follows another one that sends its log.
    pub(super) fn is_followed(&self, from: NodeId, node: NodeId) -> bool {
        let run = self.run;
        let group = run.names.group(node).filter(|group| run.names.group(from) == Some(*group));
        group.and_then(|group| run.group(group)).is_none_or(|config| match &config.protocol {
            Protocol::Primary(primary) if primary.failover_ms.is_some() => {
                self.log_sender(config).is_none_or(|sender| sender == from)
            }
            Protocol::Primary(_)
            | Protocol::Raft(_)
            | Protocol::Quorum(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => true,
        })
    }

    /// Returns the prospect that was found for an update that was never acknowledged, or an uncertain one if another member may
    /// take over.
    pub(super) fn unless_taken_over(&self, found: Prospect, group: NodeId, key: KeyId, update: UpdateId) -> Prospect {
        let config = self.run.group(group);
        config.and_then(|config| self.contest(config, key, Some(update))).map_or(found, Prospect::Uncertain)
    }

    /// Returns why it is uncertain whose log remains in a group.
    fn contest(&self, config: &Group, key: KeyId, update: Option<UpdateId>) -> Option<Uncertainty> {
        match &config.protocol {
            Protocol::Primary(primary) if primary.failover_ms.is_some() => {
                self.may_fail_over(config, key, update).then_some(Uncertainty::Takeovers)
            }
            Protocol::Primary(_) => self.may_miss_lost_disk(config).then_some(Uncertainty::LostLogs),
            Protocol::Raft(_) if self.elects_for_ever(config) => Some(Uncertainty::Takeovers),
            Protocol::Raft(_) if self.may_lack(config, key, update) => Some(Uncertainty::LostLogs),
            Protocol::Raft(_) => self.commits_without_all(config).then_some(Uncertainty::Uncommitted),
            Protocol::Quorum(_) | Protocol::Chain | Protocol::TwoPhase(_) | Protocol::Gossip(_) => None,
        }
    }

    /// Returns whether a Raft group may commit entries that a member which stays down lacks.
    fn commits_without_all(&self, config: &Group) -> bool {
        let mut members = config.members.iter().filter_map(|id| self.run.names.find_node(id));
        members.any(|node| self.work.healing.up_from(self.run, node).is_none()) && self.commits_later(config)
    }

    /// Returns whether a member reaches all of these members and is one of them.
    fn is_center(&self, node: NodeId, up: &[NodeId], at: Micros) -> bool {
        up.contains(&node) && up.iter().all(|other| self.are_connected_at(node, *other, at))
    }

    /// Returns whether the leader of a Raft group remains the leader: its messages reach all members that are up, and a
    /// majority replies.
    pub(super) fn raft_leader_stays(&self, config: &Group, at: Micros) -> bool {
        let present = self.up_at(config, at);
        let leader = self.log_sender(config).filter(|leader| present.contains(leader));
        matches!(config.protocol, Protocol::Raft(_))
            && leader.is_some_and(|leader| {
                let replies = present.iter().filter(|member| self.are_connected_at(leader, **member, at)).count();
                replies * 2 > config.members.len() && present.iter().all(|member| self.is_open_at(leader, *member, at))
            })
    }

    /// Returns whether a primary remains one because it reaches all others. They receive its log, even if it lacks updates.
    pub(super) fn primary_remains(&self, config: &Group, primary: NodeId, at: Micros) -> bool {
        matches!(config.protocol, Protocol::Primary(_)) && self.is_center(primary, &self.up_at(config, at), at)
    }

    /// Returns whether primaries of a group with failover meet, or another member may still take over.
    fn may_fail_over(&self, config: &Group, key: KeyId, update: Option<UpdateId>) -> bool {
        let run = self.run;
        let members: Vec<NodeId> = config.members.iter().filter_map(|id| run.names.find_node(id)).collect();
        let leads = |node: &NodeId| {
            run.analysis.members.get(*node).is_some_and(|member| member.leads)
                && run.analysis.faults.down(*node).is_none()
        };
        let leaders: Vec<NodeId> = members.iter().copied().filter(leads).collect();
        let meets =
            |node: &NodeId| leaders.iter().any(|other| other != node && self.are_connected_at(*node, *other, run.now));
        // A follower that was paused takes over when it is resumed, and a primary that crashed when it restarts.
        let is_resumed = |node: &NodeId| {
            let led = run.analysis.members.get(*node).is_some_and(|member| member.led);
            let takes_over = run.analysis.faults.paused(*node).is_some() || led;
            takes_over && self.work.healing.up_from(run, *node).is_some()
        };
        if leaders.iter().any(meets) || members.iter().any(is_resumed) {
            return true;
        }
        // Without a primary, one of the members that are up takes over.
        let Some(leader) = self.log_sender(config) else { return !self.up_at(config, Micros::MAX).is_empty() };
        let stays = |up: &[NodeId], at: Micros| self.is_center(leader, up, at);
        let instants: Vec<(Vec<NodeId>, Micros)> =
            self.work.healing.instants().into_iter().map(|at| (self.up_at(config, at), at)).collect();
        let is_settled = instants.iter().all(|(up, at)| self.are_separate(up, *at) || stays(up, *at));
        let is_kept = || {
            instants.iter().all(|(up, at)| stays(up, *at)) || !self.is_left_behind(config, Some(leader), key, update)
        };
        !is_settled || !is_kept()
    }

    /// Returns whether a majority of a Raft group is up for ever, but no member reaches all others.
    fn elects_for_ever(&self, config: &Group) -> bool {
        let Some(last) = self.work.healing.instants().last().copied() else { return false };
        let up = self.up_at(config, last);
        up.len() * 2 > config.members.len()
            && !self.are_separate(&up, last)
            && !up.iter().any(|node| self.is_center(*node, &up, last))
    }

    /// Returns whether a member that lost its disk receives from the primary and cannot reply, so that the primary may not know
    /// of the loss.
    fn may_miss_lost_disk(&self, config: &Group) -> bool {
        let last = self.work.healing.instants().last().copied();
        let Some((leader, last)) = self.log_sender(config).zip(last) else { return false };
        let is_one_way = |node: &NodeId| self.is_open_at(leader, *node, last) && !self.is_open_at(*node, leader, last);
        let mut unheard = self.up_at(config, last).into_iter().filter(is_one_way);
        unheard.any(|node| self.run.analysis.members.lost_disk(node))
    }

    /// Returns whether members of a Raft group lost their logs, and no majority is known to store an update.
    fn may_lack(&self, config: &Group, key: KeyId, update: Option<UpdateId>) -> bool {
        let run = self.run;
        let members = || config.members.iter().filter_map(|id| run.names.find_node(id));
        if !members().any(|node| run.analysis.members.lost_disk(node)) {
            return false;
        }
        let version = update.and_then(|update| run.analysis.updates.get(update)).map(|info| info.version);
        let has_update = |node: &NodeId| {
            let copy = run.analysis.staleness.copy(*node, key);
            copy.is_some_and(|copy| version.map_or(copy.behind() == 0, |version| copy.reflects(version)))
        };
        members().filter(has_update).count() * 2 <= config.members.len()
    }

    /// Returns whether a Raft group elects a member only if its log has an update: an acknowledged one, which a majority stores.
    pub(super) fn is_elected_with(
        &self,
        config: &Group,
        node: NodeId,
        (key, version): (KeyId, Option<Version>),
        at: Micros,
    ) -> bool {
        let run = self.run;
        if !matches!(config.protocol, Protocol::Raft(_)) {
            return false;
        }
        let mut members = config.members.iter().filter_map(|id| run.names.find_node(id));
        let is_acknowledged = version.is_none_or(|version| !run.analysis.staleness.is_unacknowledged(key, version));
        let connected = self.up_at(config, at).into_iter().filter(|other| self.are_connected_at(node, *other, at));
        is_acknowledged
            && connected.count() * 2 > config.members.len()
            && !members.any(|node| run.analysis.members.lost_disk(node))
    }
}
