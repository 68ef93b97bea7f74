//! The group coordinator of a log's readers (Kafka): which readers are members, and which partitions each of them reads.
//!
//! At the start of a run all readers are in their groups. Heartbeats are messages like all others: links lose and delay them,
//! and they are in the trace. A heartbeat contains its reader's position and last commit in each partition. In Kafka, fetches
//! and commits are separate requests that are retried; here the next heartbeat replaces a delivery or a commit that a link
//! lost, without further messages.

use super::Bus;
use super::subscription_queue::Membership;
use crate::engine::context::Context;
use crate::engine::message::{About, Delivery, Heartbeat, LinkId, Payload, Position, Presence};
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::{Fact, LeaveReason};
use std::sync::Arc;

impl Bus {
    /// Starts all sessions.
    pub fn start_sessions(&mut self, ctx: &mut Context) {
        debug_assert!(ctx.now == 0, "a run starts at time 0");
        debug_assert!(self.up, "a bus is up at the start of a run");
        for queue_id in 0..self.queues.len() {
            for member in 0..self.queues[queue_id].memberships.len() {
                self.set_session_timer(queue_id, member, ctx);
            }
            for member in 0..self.queues[queue_id].members.len() {
                self.set_connection_timer(queue_id, member, ctx);
            }
        }
    }

    /// Renews all sessions, connections and the time of rebalances, as a new coordinator does.
    pub(super) fn renew_sessions(&mut self, now: Micros, ctx: &mut Context) {
        for queue_id in 0..self.queues.len() as u32 {
            if self.queues[queue_id as usize].rebalance_until.take().is_some() {
                self.set_rebalance_timer(now, queue_id, ctx);
            }
        }
        for membership in self.queues.iter_mut().flat_map(|queue| &mut queue.memberships) {
            debug_assert!(membership.last_heartbeat <= now, "no heartbeat is from the future");
            membership.last_heartbeat = now;
        }
        for connection in self.queues.iter_mut().flat_map(|queue| &mut queue.connections) {
            debug_assert!(connection.last_heard <= now, "no message is from the future");
            connection.last_heard = now;
        }
    }

    fn set_session_timer(&mut self, queue_id: usize, member: usize, ctx: &mut Context) {
        self.queues[queue_id].assert_member(member);
        let subscription = self.queues[queue_id].members[member];
        let membership = &mut self.queues[queue_id].memberships[member];
        if membership.is_active && !membership.has_timer {
            membership.has_timer = true;
            ctx.wake(membership.last_heartbeat + membership.config.timeout, Timer::SessionTimeout(subscription));
        }
    }

    /// Returns the queue and the member of a subscription whose reader has a session.
    fn membership_of(&self, is_wanted: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let mut queues = self.queues.iter().enumerate().filter(|(_, queue)| !queue.memberships.is_empty());
        queues.find_map(|(at, queue)| Some((at, queue.members.iter().position(|member| is_wanted(*member))?)))
    }

    /// Handles the heartbeat of a reader.
    pub fn on_heartbeat(&mut self, now: Micros, heartbeat: &Heartbeat, reply_link: LinkId, ctx: &mut Context) {
        let is_from_reader = |index: u32| {
            let config = &self.config.subscriptions[index as usize];
            config.link == reply_link && config.at_consumer == heartbeat.subscription
        };
        let session = self.membership_of(is_from_reader).filter(|_| heartbeat.presence != Presence::Closes);
        let Some((queue_id, member)) = session else { return self.on_presence(now, heartbeat, reply_link, ctx) };
        self.queues[queue_id].assert_member(member);
        let membership = &mut self.queues[queue_id].memberships[member];
        if heartbeat.incarnation < membership.incarnation {
            // The message was in flight for longer than that incarnation lasted.
            return;
        }
        if heartbeat.presence == Presence::Leaves {
            if heartbeat.incarnation == membership.incarnation {
                // Messages in flight of this incarnation must not let it join again.
                (membership.incarnation, membership.has_left) = (membership.incarnation + 1, true);
                if membership.is_active {
                    self.leave_group(now, queue_id, &[member], LeaveReason::PolledTooRarely, ctx);
                }
            }
            return;
        }
        let is_newer = heartbeat.incarnation > membership.incarnation;
        if !membership.is_active && (is_newer || membership.has_left) {
            self.begin_rebalance(now, queue_id as u32, ctx);
            self.join(now, queue_id, member, heartbeat.incarnation, ctx);
            self.complete_if_all_rejoined(now, queue_id as u32, ctx);
        } else if !membership.is_active {
            // It was removed and does not know it. It joins again when it polls.
            self.ask_to_rejoin(queue_id, member, ctx);
        } else if !is_newer {
            membership.last_heartbeat = now;
            self.on_heartbeat_of_member(now, queue_id, member, &heartbeat.positions, ctx);
        } else if heartbeat.presence == Presence::Rejoins && heartbeat.incarnation == membership.incarnation + 1 {
            self.on_rejoin(now, queue_id as u32, member, &heartbeat.positions, ctx);
        } else {
            membership.next_incarnation = membership.next_incarnation.max(Some(heartbeat.incarnation));
        }
    }

    fn on_heartbeat_of_member(
        &mut self,
        now: Micros,
        queue_id: usize,
        member: usize,
        positions: &[Position],
        ctx: &mut Context,
    ) {
        let queue = &self.queues[queue_id];
        queue.assert_member(member);
        if queue.awaits_assignment(member) {
            return;
        }
        if queue.rebalance_until.is_some() {
            self.ask_to_rejoin(queue_id, member, ctx);
        }
        self.on_positions(now, queue_id as u32, member, positions, ctx);
    }

    /// Handles the timer of a session.
    pub fn on_session(&mut self, now: Micros, subscription: u32, ctx: &mut Context) {
        let Some((queue_id, member)) = self.membership_of(|index| index == subscription) else {
            return self.on_connection_timer(now, subscription, ctx);
        };
        self.queues[queue_id].assert_member(member);
        let membership = &mut self.queues[queue_id].memberships[member];
        membership.has_timer = false;
        if membership.last_heartbeat + membership.config.timeout > now {
            return self.set_session_timer(queue_id, member, ctx);
        }
        // One rebalance follows where several sessions end at one instant.
        let is_over = |membership: &Membership| {
            membership.is_active && membership.last_heartbeat + membership.config.timeout <= now
        };
        let memberships = self.queues[queue_id].memberships.iter().enumerate();
        let silent: Vec<usize> =
            memberships.filter(|(_, membership)| is_over(membership)).map(|(member, _)| member).collect();
        if !silent.is_empty() {
            self.leave_group(now, queue_id, &silent, LeaveReason::Silent, ctx);
        }
    }

    /// Removes members from their group, and refuses their commits from now on. Those whose next incarnation waits for this join
    /// it again. The other members rejoin before partitions are assigned.
    fn leave_group(&mut self, now: Micros, queue_id: usize, members: &[usize], reason: LeaveReason, ctx: &mut Context) {
        debug_assert!(!members.is_empty(), "a rebalance has a cause");
        debug_assert!(now == ctx.now, "members leave now");
        self.begin_rebalance(now, queue_id as u32, ctx);
        for &member in members {
            self.remove_member(now, queue_id, member, reason, ctx);
            for partition in self.partitions_of(queue_id as u32, member) {
                self.redeliver_from_commit(now, queue_id as u32, partition, member, ctx);
            }
        }
        self.complete_if_all_rejoined(now, queue_id as u32, ctx);
    }

    /// Ends the membership of a reader. Its next incarnation joins, if one waits for this.
    pub(super) fn remove_member(
        &mut self,
        now: Micros,
        queue_id: usize,
        member: usize,
        reason: LeaveReason,
        ctx: &mut Context,
    ) {
        self.queues[queue_id].assert_member(member);
        let subscription = self.config.subscriptions[self.queues[queue_id].members[member] as usize].id;
        let membership = &mut self.queues[queue_id].memberships[member];
        debug_assert!(membership.is_active, "only a member leaves");
        (membership.is_active, membership.has_rejoined) = (false, false);
        ctx.record(Fact::ReaderLeft { subscription, reason });
        if let Some(incarnation) = membership.next_incarnation.take() {
            self.join(now, queue_id, member, incarnation, ctx);
        }
    }

    /// Lets a member join its group, before partitions are assigned.
    fn join(&mut self, now: Micros, queue_id: usize, member: usize, incarnation: u32, ctx: &mut Context) {
        self.queues[queue_id].assert_member(member);
        let subscription = self.config.subscriptions[self.queues[queue_id].members[member] as usize].id;
        let membership = &mut self.queues[queue_id].memberships[member];
        debug_assert!(incarnation >= membership.incarnation, "a reader does not return to an earlier incarnation");
        (membership.is_active, membership.incarnation, membership.last_heartbeat) = (true, incarnation, now);
        (membership.has_left, membership.has_rejoined) = (false, true);
        let connection = &mut self.queues[queue_id].connections[member];
        (connection.is_open, connection.incarnation) = (true, incarnation);
        ctx.record(Fact::ReaderJoined { subscription });
        self.set_session_timer(queue_id, member, ctx);
    }

    /// Asks a reader to join its group again.
    fn ask_to_rejoin(&self, queue_id: usize, member: usize, ctx: &mut Context) {
        let queue = &self.queues[queue_id];
        let config = &self.config.subscriptions[queue.members[member] as usize];
        let incarnation = queue.memberships[member].incarnation;
        ctx.send(config.link, Payload::Rejoin(config.at_consumer, incarnation), About::default());
    }

    /// Returns the member that a partition is assigned to.
    pub(super) fn reader_of(&self, queue_id: u32, partition: u32) -> usize {
        let queue = &self.queues[queue_id as usize];
        let active: Vec<usize> = (0..queue.members.len()).filter(|member| queue.is_active(*member)).collect();
        match active.len() {
            0 => 0,
            n => active[(partition as usize + queue.shift) % n],
        }
    }

    /// Returns the partitions that a member reads.
    pub(super) fn partitions_of(&self, queue_id: u32, member: usize) -> Vec<u32> {
        let logs = &self.queues[queue_id as usize].logs;
        logs.iter().filter(|(_, log)| log.member == member).map(|(at, _)| *at).collect()
    }

    /// Handles the positions of a reader: accepts its last commit if that was lost, and resends events that are overdue, as after
    /// the timeout of a fetch. A slow reader has received them, so it receives nothing twice.
    fn on_positions(&mut self, now: Micros, queue_id: u32, member: usize, positions: &[Position], ctx: &mut Context) {
        self.queues[queue_id as usize].assert_member(member);
        for partition in self.partitions_of(queue_id, member) {
            let last = self.commit_position(now, queue_id, partition, positions, ctx);
            self.fetch_again(now, queue_id, partition, last, ctx);
        }
    }

    /// Accepts the last commit of a partition's reader, and returns the last position that it received.
    pub(super) fn commit_position(
        &mut self,
        now: Micros,
        queue_id: u32,
        partition: u32,
        positions: &[Position],
        ctx: &mut Context,
    ) -> u32 {
        let generation = self.queues[queue_id as usize].logs.get(&partition).map_or(0, |log| log.generation);
        debug_assert!(now == ctx.now, "positions are accepted when they arrive");
        let is_known = |at: &Position| at.partition != partition || at.generation <= generation;
        debug_assert!(positions.iter().all(is_known), "a reader reports generations that the log had");
        let position = positions.iter().find(|at| (at.partition, at.generation) == (partition, generation));
        if let Some(event) = position.and_then(|position| position.committed) {
            self.on_offset_commit(now, event, generation, ctx);
        }
        position.map_or(0, |position| position.last)
    }

    /// Resends the delivered events after `last`, the last position that the reader received, if the first of them is overdue.
    fn fetch_again(&mut self, now: Micros, queue_id: u32, partition: u32, last: u32, ctx: &mut Context) {
        let Some(log) = self.queues[queue_id as usize].logs.get(&partition) else { return };
        let (member, generation) = (log.member, log.generation);
        debug_assert!(log.delivered <= log.events.len(), "only events of the log are delivered");
        let delivered = log.events.iter().take(log.delivered).copied();
        let is_missing = |event: &u32| self.stored.get(event).is_some_and(|stored| stored.position > last);
        let missing: Vec<u32> = delivered.filter(is_missing).collect();
        let config = &self.config.subscriptions[self.queues[queue_id as usize].members[member] as usize];
        let is_in_time = |event: &u32| self.stored.get(event).is_none_or(|stored| stored.sent + config.deadline > now);
        if missing.first().is_none_or(is_in_time) {
            return;
        }
        let id = config.id;
        self.queues[queue_id as usize].assert_member(member);
        let (incarnation, link, subscription) =
            (self.queues[queue_id as usize].memberships[member].incarnation, config.link, config.at_consumer);
        for event in missing {
            let place = self.place_in_log(queue_id, partition, event);
            let Some(stored) = self.stored.get_mut(&event) else { continue };
            let Some((delivery, _)) = stored.delivery else { continue };
            stored.deliveries += 1;
            stored.sent = now;
            let (attempt, update) = (stored.deliveries, stored.update.clone());
            ctx.record(Fact::EventSent { subscription: id, event, update: update.id, attempt });
            let about = About { update: Some(update.id), operation: None, attempt };
            let message = Delivery {
                subscription,
                event,
                delivery,
                attempt,
                batch: 1,
                reliable: false,
                partition,
                place,
                incarnation,
                generation,
                update,
            };
            ctx.send(link, Payload::Deliver(Arc::new(message)), about);
        }
    }
}
