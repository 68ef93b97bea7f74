//! Work under way that no copy is known to wait for, and that may still change one.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::Prospect;
use crate::scenario::{Group, Protocol};
use crate::trace::NodeId;

impl ProspectFinder<'_> {
    /// Returns whether work is pending that a client waits for, or that may change a copy, now or after the script's healings.
    pub fn is_work_pending(&self) -> bool {
        let (run, healing) = (self.run, &self.work.healing);
        let analysis = run.analysis;
        let is_sent = |(from, to): (NodeId, NodeId)| {
            let is_up = healing.up_from(run, from).is_some();
            is_up && healing.path(run, from, to).err().is_none_or(Prospect::is_hopeful)
        };
        // A node that is paused for ever handles nothing.
        let is_handled = |node: NodeId| analysis.faults.paused(node).is_none() || healing.up_from(run, node).is_some();
        let is_decided = |(coordinator, member): (Option<NodeId>, NodeId)| {
            coordinator.is_none_or(|coordinator| is_sent((coordinator, member)))
        };
        let mut messages = analysis.messages.iter();
        let mut queues = analysis.buses.iter();
        analysis.operations.pending() > 0
            || analysis.event_writes.in_progress().any(|(member, _)| is_handled(member))
            || messages.any(|(_, message)| is_handled(message.to) && !analysis.is_redundant(message))
            || queues.any(|(queue, events)| {
                events.events.values().any(|event| !analysis.is_ignored(event.update)) && self.is_delivered(queue)
            })
            || analysis.promises().any(is_decided)
            || analysis.resending_publishers().any(is_sent)
            || run.scenario.groups.iter().any(|group| self.commits_later(group))
    }

    /// Returns whether the leader of a Raft group has entries that it may still commit: it reaches a majority, now or later.
    fn commits_later(&self, group: &Group) -> bool {
        let (run, healing) = (self.run, &self.work.healing);
        if !matches!(group.protocol, Protocol::Raft(_)) {
            return false;
        }
        let Some(leader) = self.log_sender(group) else { return false };
        let is_uncommitted = run.analysis.members.get(leader).is_some_and(|member| member.log.0 > member.log.1);
        let is_reached = |node: &NodeId| {
            let path = |from: NodeId, to: NodeId| healing.path(run, from, to).err().is_none_or(Prospect::is_hopeful);
            *node == leader || (path(leader, *node) && path(*node, leader))
        };
        let members = group.members.iter().filter_map(|id| run.names.find_node(id));
        is_uncommitted && members.filter(is_reached).count() * 2 > group.members.len()
    }
}
