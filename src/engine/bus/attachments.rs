//! The attachment of consumers: which of them are connected or poll, and whether the deliveries of a consumer that has left are
//! requeued.
//!
//! At the start of a run all consumers are attached. A process that ends closes its connection by a message; a cut link shows
//! only in missing heartbeats, or in the deadline of an acknowledgement.

use super::Bus;
use super::config::{Attach, SubscriptionConfig};
use super::subscription_queue::{OpenReceive, SubscriptionQueue};
use crate::engine::context::Context;
use crate::engine::message::{About, Heartbeat, LinkId, Payload, Presence};
use crate::engine::queue::Timer;
use crate::scenario::{Acknowledge, Micros, Order};
use crate::trace::{DetachReason, DropReason, Fact};
use std::sync::Arc;

/// Returns how many events may be delivered to a member of a queue now.
pub(super) fn capacity(queue: &SubscriptionQueue, configs: &[SubscriptionConfig], member: usize) -> u32 {
    let (config, connection) = (&configs[queue.members[member] as usize], &queue.connections[member]);
    if !connection.is_open {
        return 0;
    }
    match config.attach {
        // Each channel has a limit (RabbitMQ: basic.qos).
        Attach::Connection { prefetch, requeue: true, .. } => {
            prefetch.min(config.max_in_flight).saturating_sub(queue.in_flight[member])
        }
        // The limit is for all consumers of the queue together (JetStream: MaxAckPending; SQS: messages in flight).
        Attach::Connection { prefetch, requeue: false, .. } => {
            prefetch.saturating_sub(queue.in_flight[member]).min(left_in_flight(queue, config))
        }
        Attach::Polling { .. } => {
            connection.receive.map_or(0, |receive| receive.max_events).min(left_in_flight(queue, config))
        }
    }
}

/// Returns how many events may be delivered to all members of a queue together.
fn left_in_flight(queue: &SubscriptionQueue, config: &SubscriptionConfig) -> u32 {
    let in_flight: u32 = queue.in_flight.iter().sum();
    config.max_in_flight.saturating_sub(in_flight)
}

impl Bus {
    /// Returns the queue and the member of a consumer's subscription.
    fn member_at(&self, reply_link: LinkId, at_consumer: u32) -> Option<(u32, usize)> {
        let is_member = |index: &u32| {
            let config = &self.config.subscriptions[*index as usize];
            config.link == reply_link && config.at_consumer == at_consumer
        };
        let mut queues = (0..).zip(&self.queues);
        queues.find_map(|(queue_id, queue)| Some((queue_id, queue.members.iter().position(is_member)?)))
    }

    /// Returns whether a consumer has opened no newer connection than this one.
    pub fn is_newest_connection(&self, reply_link: LinkId, at_consumer: u32, incarnation: u32) -> bool {
        let member = self.member_at(reply_link, at_consumer);
        member.is_some_and(|(queue_id, member)| {
            self.queues[queue_id as usize].connections[member].incarnation <= incarnation
        })
    }

    /// Sets the timer that checks for missing heartbeats of a connection.
    pub(super) fn set_connection_timer(&mut self, queue_id: usize, member: usize, ctx: &mut Context) {
        let queue = &mut self.queues[queue_id];
        queue.assert_member(member);
        let subscription = queue.members[member];
        let Attach::Connection { heartbeat: Some(heartbeat), .. } =
            self.config.subscriptions[subscription as usize].attach
        else {
            return;
        };
        let connection = &mut queue.connections[member];
        if connection.is_open && !connection.has_timer && queue.memberships.is_empty() {
            connection.has_timer = true;
            ctx.wake(connection.last_heard + heartbeat, Timer::SessionTimeout(subscription));
        }
    }

    /// Handles the timer that checks for missing heartbeats.
    pub(super) fn on_connection_timer(&mut self, now: Micros, subscription: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        let find = |queue: &SubscriptionQueue| queue.members.iter().position(|member| *member == subscription);
        let mut queues = self.queues.iter().enumerate();
        let Some((queue_id, member)) = queues.find_map(|(at, queue)| Some((at, find(queue)?))) else { return };
        let Attach::Connection { heartbeat: Some(heartbeat), .. } =
            self.config.subscriptions[subscription as usize].attach
        else {
            return;
        };
        let connection = &mut self.queues[queue_id].connections[member];
        debug_assert!(connection.last_heard <= now, "no message is from the future");
        connection.has_timer = false;
        if connection.is_open && connection.last_heard + heartbeat <= now {
            self.detach(now, queue_id as u32, member, DetachReason::Silent, ctx);
        } else {
            self.set_connection_timer(queue_id, member, ctx);
        }
    }

    /// Handles a report of a consumer without a session about its connection.
    pub(super) fn on_presence(&mut self, now: Micros, heartbeat: &Heartbeat, reply_link: LinkId, ctx: &mut Context) {
        let Some((queue_id, member)) = self.member_at(reply_link, heartbeat.subscription) else { return };
        let queue = &mut self.queues[queue_id as usize];
        queue.assert_member(member);
        let connection = &mut queue.connections[member];
        if heartbeat.incarnation < connection.incarnation {
            // The message was in flight for longer than that connection lasted.
            return;
        }
        let is_new = heartbeat.incarnation > connection.incarnation;
        match heartbeat.presence {
            Presence::Closes if queue.memberships.is_empty() => {
                connection.incarnation = heartbeat.incarnation;
                self.detach(now, queue_id, member, DetachReason::Closed, ctx);
            }
            // Without heartbeats it leaves its group later; until then, the bus delivers nothing to it.
            Presence::Closes => connection.is_open = false,
            Presence::Alive | Presence::Opens | Presence::Leaves | Presence::Rejoins => {
                if is_new {
                    // The connection of an earlier process is closed, because the consumer's host no longer knows it.
                    self.detach(now, queue_id, member, DetachReason::Closed, ctx);
                }
                let (subscription, incarnation) = (heartbeat.subscription, heartbeat.incarnation);
                let connection = &mut self.queues[queue_id as usize].connections[member];
                (connection.incarnation, connection.last_heard) = (incarnation, now);
                let reliable = self.requeues(queue_id, member);
                ctx.send(reply_link, Payload::Attached(subscription, incarnation, reliable), About::default());
                self.attach(now, queue_id, member, ctx);
            }
        }
    }

    /// Stores the end of a consumer's process while the bus is down: after its restart, the bus has no connection to the
    /// consumer.
    pub fn miss_close(&mut self, heartbeat: Arc<Heartbeat>, reply_link: LinkId) {
        if heartbeat.presence == Presence::Closes {
            self.missed_closes.push((heartbeat, reply_link));
        }
    }

    /// Opens a connection, and delivers the events that waited for it.
    fn attach(&mut self, now: Micros, queue_id: u32, member: usize, ctx: &mut Context) {
        let queue = &mut self.queues[queue_id as usize];
        queue.assert_member(member);
        if std::mem::replace(&mut queue.connections[member].is_open, true) {
            return;
        }
        let subscription = self.config.subscriptions[queue.members[member] as usize].id;
        ctx.record(Fact::ConsumerAttached { subscription });
        self.set_connection_timer(queue_id as usize, member, ctx);
        self.deliver(now, queue_id, ctx);
        self.leave_detached_readers(now, queue_id, ctx);
        for partition in self.queues[queue_id as usize].partitions() {
            self.deliver_log(now, queue_id, partition, ctx);
        }
    }

    /// Closes a connection. Its deliveries are requeued, or redelivered after their deadlines.
    pub(super) fn detach(
        &mut self,
        now: Micros,
        queue_id: u32,
        member: usize,
        reason: DetachReason,
        ctx: &mut Context,
    ) {
        let queue = &mut self.queues[queue_id as usize];
        queue.assert_member(member);
        let connection = &mut queue.connections[member];
        connection.receive = None;
        if !std::mem::replace(&mut connection.is_open, false) {
            return;
        }
        let config = &self.config.subscriptions[queue.members[member] as usize];
        ctx.record(Fact::ConsumerDetached { subscription: config.id, reason });
        if config.order == Order::Log {
            if reason == DetachReason::Closed {
                self.void_commits(queue_id, member);
            }
            return self.leave_detached_readers(now, queue_id, ctx);
        }
        if config.requeues() {
            self.requeue_deliveries(now, queue_id, member, ctx);
        }
        self.deliver(now, queue_id, ctx);
    }

    /// Makes the commits of a reader whose process ended void, since it will read from its last commit again.
    fn void_commits(&mut self, queue_id: u32, member: usize) {
        let queue = &mut self.queues[queue_id as usize];
        queue.assert_member(member);
        for (_, log) in queue.logs.iter_mut().filter(|(_, log)| log.member == member) {
            log.generation += 1;
        }
    }

    /// Closes the connection of a consumer that did not acknowledge in time, and notifies the consumer.
    pub(super) fn close_overdue(&mut self, now: Micros, queue_id: u32, member: usize, ctx: &mut Context) {
        let queue = &self.queues[queue_id as usize];
        queue.assert_member(member);
        let config = &self.config.subscriptions[queue.members[member] as usize];
        let (link, subscription) = (config.link, config.at_consumer);
        ctx.send(link, Payload::Detached(subscription, queue.connections[member].incarnation), About::default());
        self.detach(now, queue_id, member, DetachReason::AcknowledgementOverdue, ctx);
    }

    /// Returns all deliveries of a member to the front of the queue, in order.
    pub(super) fn requeue_deliveries(&mut self, now: Micros, queue_id: u32, member: usize, ctx: &mut Context) {
        self.queues[queue_id as usize].assert_member(member);
        let is_delivered_to = |(queue, delivery): (u32, Option<(u32, u32)>)| {
            queue == queue_id && delivery.is_some_and(|(_, to)| to as usize == member)
        };
        let all = self.stored.iter().filter(|(_, stored)| is_delivered_to((stored.queue, stored.delivery)));
        let events: Vec<u32> = all.map(|(event, _)| *event).collect();
        for event in events.into_iter().rev() {
            self.return_to_queue(now, event, ctx);
        }
    }

    /// Assigns the partitions of detached readers to attached ones, if any, in a log without sessions.
    fn leave_detached_readers(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "partitions are assigned now");
        let queue = &self.queues[queue_id as usize];
        if !queue.memberships.is_empty() || queue.connections.iter().all(|connection| !connection.is_open) {
            return;
        }
        for partition in queue.partitions() {
            let queue = &self.queues[queue_id as usize];
            let is_read = queue.logs.get(&partition).is_some_and(|log| queue.is_attached(log.member));
            if !is_read {
                let reader = self.reader_of(queue_id, partition);
                debug_assert!(self.queues[queue_id as usize].is_active(reader), "an attached reader takes over");
                self.redeliver_from_commit(now, queue_id, partition, reader, ctx);
            }
        }
    }

    /// Discards events that only connected consumers receive, if none is connected. A queue is stored if any of its consumers
    /// acknowledges.
    pub(super) fn discard_unless_connected(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "events are discarded now");
        let queue = &self.queues[queue_id as usize];
        let acknowledges = |member: &u32| self.config.subscriptions[*member as usize].acknowledge != Acknowledge::Never;
        let stores = queue.members.iter().any(acknowledges);
        if stores || queue.connections.iter().any(|connection| connection.is_open) {
            return;
        }
        let queue = &mut self.queues[queue_id as usize];
        let redeliveries = std::mem::take(&mut queue.redeliveries);
        for event in redeliveries.into_iter().chain(std::mem::take(&mut queue.ready)) {
            self.discard(now, event, DropReason::NotConnected, ctx);
        }
        debug_assert!(self.queues[queue_id as usize].ready.is_empty(), "no event waits for a connection");
    }

    /// Handles a consumer's request for up to `max_events` events.
    pub(super) fn on_receive(
        &mut self,
        now: Micros,
        (at_consumer, number, max_events): (u32, u32, u32),
        reply_link: LinkId,
        ctx: &mut Context,
    ) {
        let Some((queue_id, member)) = self.member_at(reply_link, at_consumer) else { return };
        let queue = &mut self.queues[queue_id as usize];
        queue.assert_member(member);
        let (subscription, connection) = (queue.members[member], &mut queue.connections[member]);
        let Attach::Polling { wait } = self.config.subscriptions[subscription as usize].attach else { return };
        if number < connection.incarnation {
            return;
        }
        let until = now + wait;
        (connection.incarnation, connection.receive) = (number, Some(OpenReceive { number, max_events, until }));
        ctx.wake(until, Timer::ReceiveOver(subscription));
        if connection.is_open {
            self.deliver(now, queue_id, ctx);
        } else {
            self.attach(now, queue_id, member, ctx);
        }
    }

    /// Ends all open receives when the bus goes down: they were requests to a process that ended. The consumers poll again after
    /// their timeouts.
    pub(super) fn end_receives(&mut self) {
        debug_assert!(!self.up, "a bus that is up answers a receive");
        debug_assert!(!self.queues.is_empty() || self.stored.is_empty(), "events are stored for queues");
        for connection in self.queues.iter_mut().flat_map(|queue| &mut queue.connections) {
            connection.receive = None;
        }
    }

    /// Ends a receive that has waited long enough, with an empty reply.
    pub(super) fn on_receive_over(&mut self, now: Micros, subscription: u32, ctx: &mut Context) {
        let queues = self.queues.iter_mut();
        let config = &self.config.subscriptions[subscription as usize];
        for queue in queues {
            let Some(member) = queue.members.iter().position(|member| *member == subscription) else { continue };
            queue.assert_member(member);
            let receive = &mut queue.connections[member].receive;
            if let Some(OpenReceive { number, .. }) = receive.take_if(|receive| receive.until <= now) {
                ctx.send(config.link, Payload::Empty(config.at_consumer, number), About::default());
            }
        }
    }
}
