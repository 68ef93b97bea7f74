//! The group coordinator of a log's readers (Kafka): who is in the group, and which partitions each reads.
//!
//! A run begins with all readers in their groups. Heartbeats are messages as all others, which links lose, delay or cut:
//! so they stand in the trace, as those of a replica group do. A heartbeat also says what its reader has of each partition
//! and what it committed last. In Kafka fetches and commits are requests of their own, tried again until they are answered;
//! here a delivery or a commit that a link lost is made up for by the next heartbeat, which needs no further messages.

use super::Bus;
use crate::engine::context::Context;
use crate::engine::message::{About, Delivery, Heartbeat, LinkId, Payload, Position};
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::{Fact, LeaveReason};
use std::sync::Arc;

/// A reader's place in its group.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    /// How long its session lasts without a heartbeat.
    timeout: Micros,
    /// Its life, as it says; nothing of an earlier one counts.
    pub(super) life: u32,
    /// Whether it is in the group.
    pub(super) is_active: bool,
    /// Its last heartbeat, or when its session began.
    seen: Micros,
    /// A later life, which may join when the session of this one is over: the bus cannot know that the two are one
    /// process that was started again.
    next: Option<u32>,
    /// The timer of its session is set.
    has_timer: bool,
}

impl Membership {
    pub(super) fn new(timeout: Micros) -> Membership {
        Membership { timeout, life: 0, is_active: true, seen: 0, next: None, has_timer: false }
    }
}

impl Bus {
    /// A run begins: every session does.
    pub fn open(&mut self, ctx: &mut Context) {
        for queue_id in 0..self.queues.len() {
            for member in 0..self.queues[queue_id].memberships.len() {
                self.set_session_timer(queue_id, member, ctx);
            }
        }
    }

    /// It is back: as a coordinator that took over it gives each reader its whole session.
    pub(super) fn renew_sessions(&mut self, now: Micros) {
        for membership in self.queues.iter_mut().flat_map(|queue_id| &mut queue_id.memberships) {
            membership.seen = now;
        }
    }

    fn set_session_timer(&mut self, queue_id: usize, member: usize, ctx: &mut Context) {
        let subscription = self.queues[queue_id].members[member];
        let membership = &mut self.queues[queue_id].memberships[member];
        if membership.is_active && !membership.has_timer {
            membership.has_timer = true;
            ctx.wake(membership.seen + membership.timeout, Timer::SessionTimeout(subscription));
        }
    }

    /// The lane and the member whose subscription it is, where its readers have sessions.
    fn membership_of(&self, is: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let mut queues = self.queues.iter().enumerate().filter(|(_, queue_id)| !queue_id.memberships.is_empty());
        queues.find_map(|(at, queue_id)| Some((at, queue_id.members.iter().position(|member| is(*member))?)))
    }

    /// A reader is there, or leaves its group.
    pub fn on_heartbeat(&mut self, now: Micros, heartbeat: &Heartbeat, back: LinkId, ctx: &mut Context) {
        let from = |index: u32| {
            let config = &self.config.subscriptions[index as usize];
            config.link == back && config.at_consumer == heartbeat.subscription
        };
        let Some((queue_id, member)) = self.membership_of(from) else { return };
        let membership = &mut self.queues[queue_id].memberships[member];
        if heartbeat.life < membership.life {
            // It was under way for longer than that life lasted.
            return;
        }
        if heartbeat.leaves {
            if heartbeat.life == membership.life {
                // What is still under way of this life does not bring it back.
                membership.life += 1;
                if membership.is_active {
                    self.leave_group(now, queue_id, member, LeaveReason::PolledTooRarely, ctx);
                }
            }
            return;
        }
        if !membership.is_active {
            return self.join(now, queue_id, member, heartbeat.life, ctx);
        }
        if heartbeat.life > membership.life {
            membership.next = membership.next.max(Some(heartbeat.life));
            return;
        }
        membership.seen = now;
        self.on_positions(now, queue_id as u32, member, &heartbeat.has, ctx);
    }

    /// A session may be over.
    pub fn on_session(&mut self, now: Micros, subscription: u32, ctx: &mut Context) {
        let Some((queue_id, member)) = self.membership_of(|index| index == subscription) else { return };
        let membership = &mut self.queues[queue_id].memberships[member];
        membership.has_timer = false;
        if membership.seen + membership.timeout > now {
            return self.set_session_timer(queue_id, member, ctx);
        }
        if membership.is_active {
            self.leave_group(now, queue_id, member, LeaveReason::Silent, ctx);
        }
    }

    fn leave_group(&mut self, now: Micros, queue_id: usize, member: usize, reason: LeaveReason, ctx: &mut Context) {
        let subscription = self.config.subscriptions[self.queues[queue_id].members[member] as usize].id;
        let membership = &mut self.queues[queue_id].memberships[member];
        membership.is_active = false;
        ctx.record(Fact::ReaderLeft { subscription, reason });
        match membership.next.take() {
            Some(life) => self.join(now, queue_id, member, life, ctx),
            None => self.assign_partitions(now, queue_id as u32, ctx),
        }
    }

    fn join(&mut self, now: Micros, queue_id: usize, member: usize, life: u32, ctx: &mut Context) {
        let subscription = self.config.subscriptions[self.queues[queue_id].members[member] as usize].id;
        let membership = &mut self.queues[queue_id].memberships[member];
        (membership.is_active, membership.life, membership.seen) = (true, life, now);
        ctx.record(Fact::ReaderJoined { subscription });
        self.set_session_timer(queue_id, member, ctx);
        self.assign_partitions(now, queue_id as u32, ctx);
    }

    /// Gives the partitions out anew: in turn to those who are in the group. All after the last commit is delivered again.
    fn assign_partitions(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        let partitions: Vec<u32> = self.queues[queue_id as usize].logs.keys().copied().collect();
        for partition in partitions {
            let reader = self.reader_of(queue_id, partition);
            self.redeliver_from_commit(now, queue_id, partition, reader, ctx);
        }
    }

    /// Who reads a partition that is given out now.
    pub(super) fn reader_of(&self, queue_id: u32, partition: u32) -> usize {
        let queue_id = &self.queues[queue_id as usize];
        let is_active: Vec<usize> = (0..queue_id.members.len()).filter(|member| queue_id.is_member(*member)).collect();
        match is_active.len() {
            0 => 0,
            n => is_active[partition as usize % n],
        }
    }

    /// What a reader says that it has: its last commit is taken if it was lost, and what should have reached it by now and
    /// did not is sent again, as where a fetch timed out. A reader that is slow has it, and gets nothing twice.
    fn on_positions(&mut self, now: Micros, queue_id: u32, member: usize, has: &[Position], ctx: &mut Context) {
        let logs = &self.queues[queue_id as usize].logs;
        let read: Vec<u32> = logs.iter().filter(|(_, log)| log.member == member).map(|(at, _)| *at).collect();
        for partition in read {
            let generation = self.queues[queue_id as usize].logs.get(&partition).map_or(0, |log| log.generation);
            let position = has.iter().find(|at| (at.partition, at.generation) == (partition, generation));
            if let Some(event) = position.and_then(|position| position.committed) {
                self.on_offset_commit(now, event, generation, ctx);
            }
            self.fetch_again(now, queue_id, partition, position.and_then(|position| position.last), ctx);
        }
    }

    fn fetch_again(&mut self, now: Micros, queue_id: u32, partition: u32, last: Option<u32>, ctx: &mut Context) {
        let Some(log) = self.queues[queue_id as usize].logs.get(&partition) else { return };
        let (member, generation) = (log.member, log.generation);
        let delivered = || log.events.iter().take(log.delivered).copied();
        // What it has last may be committed and gone; then it has nothing of the rest.
        let from = delivered().position(|event| Some(event) == last).map_or(0, |at| at + 1);
        let missing: Vec<u32> = delivered().skip(from).collect();
        let config = &self.config.subscriptions[self.queues[queue_id as usize].members[member] as usize];
        let waits = |event: &u32| self.stored.get(event).is_none_or(|stored| stored.sent + config.deadline > now);
        if missing.first().is_none_or(waits) {
            return;
        }
        let id = self.config_of(queue_id).id;
        let (life, link, subscription) =
            (self.queues[queue_id as usize].memberships[member].life, config.link, config.at_consumer);
        let mut follows = last;
        for event in missing {
            let Some(stored) = self.stored.get_mut(&event) else { continue };
            let Some((delivery, _)) = stored.delivery else { continue };
            stored.deliveries += 1;
            stored.sent = now;
            let (attempt, update) = (stored.deliveries, stored.update.clone());
            ctx.record(Fact::EventSent { subscription: id, event, update: update.id, attempt });
            let about = About { update: Some(update.id), operation: None, attempt };
            let message =
                Delivery { subscription, event, delivery, attempt, partition, follows, life, generation, update };
            ctx.send(link, Payload::Deliver(Arc::new(message)), about);
            follows = Some(event);
        }
    }
}
