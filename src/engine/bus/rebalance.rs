//! The rebalance of a log's consumer group by the eager protocol (Kafka's `PreparingRebalance`): before the coordinator assigns
//! the partitions again, it waits until all members have joined the group again, or their time is over.
//!
//! A member learns of the rebalance from the reply to its heartbeat, and joins again when it polls: it has then handled all events
//! of its last poll, and commits them with its request. So only the events of members that left are handled twice.

use super::Bus;
use crate::engine::context::Context;
use crate::engine::message::Position;
use crate::engine::queue::Timer;
use crate::scenario::{Acknowledge, Micros};
use crate::trace::LeaveReason;

impl Bus {
    /// Begins a rebalance, unless one is under way.
    pub(super) fn begin_rebalance(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        let queue = &mut self.queues[queue_id as usize];
        debug_assert!(!queue.memberships.is_empty(), "readers with sessions join and leave");
        if queue.rebalance_until.is_some() {
            return;
        }
        queue.memberships.iter_mut().for_each(|membership| membership.has_rejoined = false);
        self.set_rebalance_timer(now, queue_id, ctx);
        debug_assert!(self.queues[queue_id as usize].rebalance_until.is_some(), "the rebalance is under way");
    }

    /// Sets the time at which a rebalance no longer waits: the longest that any member asks for.
    pub(super) fn set_rebalance_timer(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        let queue = &mut self.queues[queue_id as usize];
        debug_assert!(queue.rebalance_until.is_none(), "a rebalance has one time limit");
        let timeouts = queue.memberships.iter().map(|membership| membership.config.rebalance_timeout);
        let until = now.saturating_add(timeouts.max().unwrap_or(0));
        debug_assert!(until >= now, "the time limit is in the future");
        queue.rebalance_until = Some(until);
        ctx.wake(until, Timer::RebalanceTimeout(queue_id));
    }

    /// Handles the timer of a rebalance.
    pub(super) fn on_rebalance_timeout(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        debug_assert!((queue_id as usize) < self.queues.len(), "the bus has the queue");
        if self.queues[queue_id as usize].rebalance_until.is_some_and(|until| until <= now) {
            self.complete_rebalance(now, queue_id, ctx);
        }
    }

    /// Handles the request of a member to join its group again: commits what it has handled, and takes its partitions back.
    pub(super) fn on_rejoin(
        &mut self,
        now: Micros,
        queue_id: u32,
        member: usize,
        positions: &[Position],
        ctx: &mut Context,
    ) {
        self.begin_rebalance(now, queue_id, ctx);
        let queue = &mut self.queues[queue_id as usize];
        queue.assert_member(member);
        let membership = &mut queue.memberships[member];
        debug_assert!(membership.is_active, "a reader that is not a member joins for the first time");
        (membership.incarnation, membership.last_heartbeat) = (membership.incarnation + 1, now);
        membership.has_rejoined = true;
        let connection = &mut queue.connections[member];
        (connection.is_open, connection.incarnation) = (true, membership.incarnation);
        for partition in self.partitions_of(queue_id, member) {
            self.commit_position(now, queue_id, partition, positions, ctx);
            self.redeliver_from_commit(now, queue_id, partition, member, ctx);
        }
        self.complete_if_all_rejoined(now, queue_id, ctx);
    }

    /// Completes the rebalance that is under way if all members have joined again.
    pub(super) fn complete_if_all_rejoined(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        debug_assert!(self.queues[queue_id as usize].rebalance_until.is_some(), "a rebalance is under way");
        debug_assert!(now == ctx.now, "partitions are assigned now");
        if self.awaited_members(queue_id).is_empty() {
            self.complete_rebalance(now, queue_id, ctx);
        }
    }

    /// Returns the members that have not joined again. A reader that never acknowledges has nothing to commit, so that no one
    /// waits for it.
    fn awaited_members(&self, queue_id: u32) -> Vec<usize> {
        let queue = &self.queues[queue_id as usize];
        let is_awaited = |member: &usize| {
            let acknowledge = self.config.subscriptions[queue.members[*member] as usize].acknowledge;
            let membership = &queue.memberships[*member];
            membership.is_active && !membership.has_rejoined && acknowledge != Acknowledge::Never
        };
        (0..queue.members.len()).filter(is_awaited).collect()
    }

    /// Removes the members that have not joined again, and assigns all partitions to the others in turn.
    fn complete_rebalance(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        for member in self.awaited_members(queue_id) {
            self.remove_member(now, queue_id as usize, member, LeaveReason::PolledTooRarely, ctx);
        }
        let until = self.queues[queue_id as usize].rebalance_until.take();
        debug_assert!(until.is_some(), "a rebalance was under way");
        for partition in self.queues[queue_id as usize].partitions() {
            let reader = self.reader_of(queue_id, partition);
            debug_assert!(reader < self.queues[queue_id as usize].members.len(), "a member reads the partition");
            self.redeliver_from_commit(now, queue_id, partition, reader, ctx);
        }
    }
}
