//! Pending work that no copy is known to wait for, and that may still change one.

use super::prospects::ProspectFinder;
use crate::analysis::messages::MessageInFlight;
use crate::analysis::prospect::{Obstacle, Prospect, Uncertainty};
use crate::analysis::requests::Request;
use crate::analysis::subscription_queues::QueuedEvent;
use crate::scenario::{Data, Group, Micros, Protocol};
use crate::trace::{KeyId, MessageKind, NodeId, OperationId, OperationKind, SubscriptionId, UpdateId};

impl ProspectFinder<'_> {
    /// Returns whether work is pending that may change a copy, now or after the script's healings.
    pub fn is_work_pending(&self) -> bool {
        let (run, healing) = (self.run, &self.work.healing);
        let analysis = run.analysis;
        let is_sent = |(from, to): (NodeId, NodeId)| {
            let is_up = healing.up_from(run, from).is_some();
            is_up && healing.path(run, from, to).err().is_none_or(Prospect::can_converge)
        };
        // A node that is paused for ever handles nothing.
        let is_handled = |node: NodeId| analysis.faults.paused(node).is_none() || healing.up_from(run, node).is_some();
        let mut messages = analysis.messages.iter();
        let mut queues = analysis.buses.iter();
        let is_ended = |(by, to): (NodeId, NodeId)| {
            let is_nested = by != to && run.scenario.services.get(by.index()).is_some();
            let is_executed = by != to || self.is_executed(to);
            is_executed && is_handled(by) && is_handled(to) && (!is_nested || is_sent((by, to)))
        };
        let mut paused = (0..run.scenario.services.len() as u32).map(NodeId);
        analysis.pending_paths().any(is_ended)
            // The trace does not contain the work that a paused node has begun.
            || paused.any(|node| analysis.faults.paused(node).is_some() && is_handled(node))
            || self.history.received().any(|(node, update)| {
                run.names.group(node).is_none()
                    && is_handled(node)
                    && self.has_received(node, update)
                    && !analysis.is_ignored(update)
                    && !self.fails_at(node, update)
            })
            || self.history.writes.unstored().any(|(node, update)| is_handled(node) && !analysis.has_stored(node, update))
            || analysis
                .event_writes
                .in_progress()
                .any(|(member, update)| is_handled(member) && !analysis.is_ignored(update))
            || messages
                .any(|(_, message)| is_handled(message.to) && self.arrives(message) && !self.is_without_effect(message))
            || queues.any(|(queue, events)| {
                let changes = |event: &QueuedEvent| {
                    let fails = self.certain_failure(queue, event.update, event.deliveries).is_some();
                    !fails && !analysis.is_ignored(event.update)
                };
                events.events.values().any(changes) && self.is_delivered(queue)
            })
            || analysis.members.iter().any(|(node, member)| {
                member.promised.iter().any(|(key, update)| self.is_decided(node, *key, *update))
            })
            || self.is_request_handled()
            || analysis
                .resending_publishers()
                .chain(analysis.delayed_publishers())
                .any(|(publisher, bus)| is_sent((publisher, bus)) && self.to_bus(publisher, bus).can_converge())
            || run.scenario.groups.iter().any(|group| self.commits_later(group))
    }

    /// Returns whether a message cannot change a copy: its receiver ignores it, or always fails to handle its event.
    fn is_without_effect(&self, message: &MessageInFlight) -> bool {
        let consumer = match message.kind {
            MessageKind::Delivery => message.to,
            MessageKind::Refusal => message.from,
            MessageKind::Call
            | MessageKind::Reply
            | MessageKind::Replication
            | MessageKind::Repair
            | MessageKind::Publish
            | MessageKind::Acknowledgement
            | MessageKind::Comparison
            | MessageKind::Election
            | MessageKind::Heartbeat
            | MessageKind::Poll
            | MessageKind::Connection => return self.run.analysis.is_redundant(message),
        };
        let fails = message.update.is_some_and(|update| self.fails_at(consumer, update));
        fails || self.run.analysis.is_redundant(message)
    }

    /// Returns whether a consumer always fails to handle an update's event.
    fn fails_at(&self, consumer: NodeId, update: UpdateId) -> bool {
        let names = self.run.names;
        let mut its = names.subscriptions().filter(|it| names.subscription(*it).service == consumer).peekable();
        let queue = |it: SubscriptionId| self.run.analysis.buses.queue_of(it);
        its.peek().is_some() && its.all(|it| self.certain_failure(queue(it), update, 1).is_some())
    }

    /// Returns whether a member that executes an operation itself, and so without a timeout, ever gets the replies of its group.
    fn is_executed(&self, member: NodeId) -> bool {
        let Some(config) = self.run.names.group(member).and_then(|group| self.run.group(group)) else { return true };
        let needed = match &config.protocol {
            Protocol::Chain => config.members.len(),
            Protocol::Raft(_) => config.members.len() / 2 + 1,
            Protocol::Primary(primary) => primary.acknowledgements as usize + 1,
            Protocol::Quorum(_) | Protocol::TwoPhase(_) | Protocol::Gossip(_) => return true,
        };
        self.up_at(config, Micros::MAX).len() >= needed
    }

    /// Returns whether a service handles a request that may change a copy. Its caller may have given up or be paused.
    fn is_request_handled(&self) -> bool {
        let (run, healing) = (self.run, &self.work.healing);
        let changes = |node: NodeId, request: Request| {
            let Request::Operation(operation) = request else { return true };
            let info = run.analysis.operations.recall(operation);
            info.is_none_or(|info| {
                let promised = run.analysis.members.get(node).and_then(|member| member.promised.get(&info.key));
                let is_locked = promised.is_some_and(|update| !self.is_decided(node, info.key, *update));
                info.kind != OperationKind::Read && !is_locked
            })
        };
        let mut handled = run.analysis.requests.handled(run.now);
        handled.any(|(node, request)| healing.up_from(run, node).is_some() && changes(node, request))
    }

    /// Returns whether a write on its way to a group that keeps siblings may be concurrent with the values there.
    fn may_leave_siblings(&self) -> bool {
        let run = self.run;
        let keeps_siblings = |node: NodeId| {
            let group = run.names.group(node).and_then(|group| run.group(group));
            group.is_some_and(|group| matches!(group.data, Data::MultiValue))
        };
        let is_write = |operation: OperationId| {
            run.analysis.operations.recall(operation).is_none_or(|info| info.kind != OperationKind::Read)
        };
        run.analysis.messages.iter().any(|(_, message)| {
            message.kind == MessageKind::Call
                && keeps_siblings(message.to)
                && self.arrives(message)
                && message.operation.is_some_and(is_write)
        })
    }

    /// Returns why the copies may be equal only for a while, or none if nothing is known to change them again and again.
    pub fn unsettled(&mut self) -> Option<Uncertainty> {
        if self.may_leave_siblings() {
            return Some(Uncertainty::Possible(Obstacle::Requests));
        }
        let (run, healing) = (self.run, &self.work.healing);
        let is_closed =
            |from: NodeId, to: NodeId| healing.path(run, from, to).is_err_and(|stopped| !stopped.can_converge());
        let is_sent_for_ever = run.analysis.tables.unpublished().any(|(publisher, bus, _)| is_closed(bus, publisher));
        let is_delivered_for_ever = run.analysis.buses.iter().any(|(queue, events)| {
            let mut subscribers = run.subscriptions_to(queue).map(|subscription| run.names.subscription(subscription));
            !events.events.is_empty() && subscribers.any(|subscriber| is_closed(subscriber.service, subscriber.bus))
        });
        let nodes = (0..).map(NodeId).take(run.scenario.services.len());
        // An event that one of several holders applied may reach another one, with another effect.
        let is_judged = |node: &NodeId| is_sent_for_ever || is_delivered_for_ever || !self.holds_alone(*node);
        let nodes: Vec<NodeId> = nodes.filter(is_judged).collect();
        if nodes.is_empty() {
            return None;
        }
        let keys: Vec<KeyId> = self.events_of_keys().keys().copied().collect();
        let copies = keys.iter().flat_map(|key| nodes.iter().map(move |node| (*node, *key)));
        copies
            .filter(|(node, key)| self.run.analysis.staleness.copy(*node, *key).is_some())
            .find_map(|(node, key)| self.repetition(node, key))
    }

    /// Returns whether a message in flight arrives: no fault that the script heals too late or never loses it.
    fn arrives(&self, message: &MessageInFlight) -> bool {
        let (run, healing) = (self.run, &self.work.healing);
        let in_time = |from: Option<Micros>| from.is_some_and(|from| from <= message.due.max(run.now));
        // A paused node keeps the messages that arrive, even if it crashes.
        let is_kept =
            run.analysis.faults.down(message.to).is_none() || run.analysis.faults.paused(message.to).is_some();
        (is_kept || in_time(healing.up_from(run, message.to)))
            && in_time(healing.open_from(run, message.from, message.to))
            && (message.kind != MessageKind::Publish || self.is_accepted(message.from, message.to, message.due))
    }

    /// Returns whether the leader of a Raft group has entries that it may still commit: it reaches a majority, now or later.
    pub(super) fn commits_later(&self, group: &Group) -> bool {
        let (run, healing) = (self.run, &self.work.healing);
        if !matches!(group.protocol, Protocol::Raft(_)) {
            return false;
        }
        let Some(leader) = self.log_sender(group) else { return self.elects_later(group) };
        let is_uncommitted = run.analysis.members.get(leader).is_some_and(|member| member.log.0 > member.log.1);
        let is_reached = |node: &NodeId| {
            let path = |from: NodeId, to: NodeId| healing.path(run, from, to).err().is_none_or(Prospect::can_converge);
            *node == leader || (path(leader, *node) && path(*node, leader))
        };
        let members = group.members.iter().filter_map(|id| run.names.find_node(id));
        is_uncommitted && members.filter(is_reached).count() * 2 > group.members.len()
    }

    /// Returns whether a Raft group without a leader elects one that may have entries to commit.
    fn elects_later(&self, group: &Group) -> bool {
        let Some(last) = self.work.healing.instants().last().copied() else { return false };
        let up = self.up_at(group, last);
        let is_uncommitted =
            |node: &NodeId| self.run.analysis.members.get(*node).is_some_and(|member| member.log.0 > member.log.1);
        let is_elected = |node: &NodeId| {
            let voters: Vec<NodeId> =
                up.iter().copied().filter(|other| self.are_connected_at(*node, *other, last)).collect();
            voters.len() * 2 > group.members.len() && voters.iter().any(is_uncommitted)
        };
        up.iter().any(is_elected)
    }
}
