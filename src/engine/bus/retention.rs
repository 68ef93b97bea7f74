//! Events that are not delivered: dead letters, expiry, outages of the bus.

use super::Bus;
use super::subscription_queue::{DeadLetter, StoredEvent};
use crate::engine::context::Context;
use crate::engine::queue::Timer;
use crate::scenario::{Micros, Order};
use crate::trace::{DropReason, Fact, KeyId, NodeId};

impl Bus {
    /// Dead-letters an event after the maximum number of deliveries, or discards it if the subscription has no dead-letter queue.
    pub(super) fn dead_letter_or_discard(&mut self, now: Micros, queue_id: u32, event: u32, ctx: &mut Context) {
        let Some(stored) = self.stored.remove(&event) else { return };
        debug_assert!(stored.delivery.is_none(), "the last delivery of a dead letter has ended");
        debug_assert!(stored.queue == queue_id, "an event is in one queue");
        let config = &self.config.subscriptions[self.queues[queue_id as usize].members[0] as usize];
        let update = stored.update.id;
        if config.dead_letter {
            let topic = &self.config.topics[config.topic as usize];
            let renewed = topic.retention.filter(|_| config.dead_letter_renews_time).map(|time| now + time);
            let expires = renewed.or(stored.expires);
            ctx.record(Fact::EventDeadLettered {
                subscription: config.id,
                event,
                update,
                deliveries: stored.deliveries,
            });
            if let Some(at) = renewed {
                ctx.wake(at, Timer::EventExpiry(event));
            }
            let dead = DeadLetter { event, update: stored.update.clone(), partition: stored.partition, expires };
            self.queues[queue_id as usize].dead_letters.push(dead);
        } else {
            self.discarded += 1;
            let reason = DropReason::DeliveriesUsedUp;
            ctx.record(Fact::EventDiscarded { subscription: config.id, event, update, reason });
        }
        self.remove_from_queue(queue_id, event, stored.partition, stored.update.key);
        // The reader of a log discarded the events behind the one that it could not handle.
        self.discount_unfailed(queue_id, stored.partition);
        self.restart_log(now, queue_id, stored.partition, 0, ctx);
    }

    /// Removes an event that is no longer stored from its queue.
    pub(super) fn remove_from_queue(&mut self, queue_id: u32, event: u32, partition: u32, key: KeyId) {
        debug_assert!(!self.stored.contains_key(&event), "the event is no longer stored");
        if let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition)
            && let Some(at) = log.events.iter().position(|other| *other == event)
        {
            log.events.remove(at);
            if at < log.delivered {
                log.delivered -= 1;
            }
            // The events behind it need not wait for a redelivery that never comes.
            log.waits_for.take_if(|waits_for| *waits_for == event);
            debug_assert!(log.delivered <= log.events.len(), "delivered events are in the log");
        }
        self.remove_from_key_queue(queue_id, event, key);
    }

    /// Discards a stored event.
    pub(super) fn discard(&mut self, now: Micros, event: u32, reason: DropReason, ctx: &mut Context) {
        self.assert_event(event);
        self.note_removed_delivery(event);
        self.end_delivery(event);
        let Some(stored) = self.stored.remove(&event) else { return };
        match reason {
            DropReason::Expired => self.expired += 1,
            DropReason::DeliveriesUsedUp
            | DropReason::NotFlushed
            | DropReason::Purged
            | DropReason::NotReplicated
            | DropReason::NotConnected => self.discarded += 1,
        }
        debug_assert!(stored.delivery.is_none(), "the delivery of a discarded event has ended");
        let subscription = self.config_of(stored.queue).id;
        ctx.record(Fact::EventDiscarded { subscription, event, update: stored.update.id, reason });
        self.remove_from_queue(stored.queue, event, stored.partition, stored.update.key);
        if self.up {
            self.deliver(now, stored.queue, ctx);
            self.deliver_log(now, stored.queue, stored.partition, ctx);
        }
    }

    /// Handles the end of an event's retention.
    pub(super) fn on_expiry(&mut self, now: Micros, event: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now || self.missed_timers.is_empty(), "a missed timer is handled at the start");
        debug_assert!(event < self.next_event, "the timer was set by this bus");
        // The retention may have been renewed, and the bus may have been down at its end.
        let is_over = |expires: Option<Micros>| expires.is_some_and(|at| at <= now);
        if let Some(stored) = self.stored.get(&event).filter(|stored| is_over(stored.expires)) {
            if self.outlives_retention(stored) {
                return;
            }
            return self.discard(now, event, DropReason::Expired, ctx);
        }
        for queue_id in 0..self.queues.len() {
            let dead = &mut self.queues[queue_id].dead_letters;
            let Some(at) = dead.iter().position(|dead| dead.event == event && is_over(dead.expires)) else {
                continue;
            };
            let dead = dead.remove(at);
            self.expired += 1;
            let subscription = self.config_of(queue_id as u32).id;
            let reason = DropReason::Expired;
            ctx.record(Fact::EventDiscarded { subscription, event, update: dead.update.id, reason });
        }
    }

    /// Returns whether an event is kept at the end of its retention, until it is acknowledged or returns to its queue. Where
    /// deliveries belong to a channel, only events that wait in the queue expire, and the prefetch counts unacknowledged ones
    /// (RabbitMQ: message TTL, basic.qos).
    fn outlives_retention(&self, stored: &StoredEvent) -> bool {
        let is_log = self.config_of(stored.queue).order == Order::Log;
        !is_log && stored.delivery.is_some_and(|(_, member)| self.requeues(stored.queue, member as usize))
    }

    /// Returns the queues of a consumer.
    pub(super) fn queues_of(&self, consumer: NodeId) -> Vec<u32> {
        let has_consumer = |queue_id: &u32| {
            let members = &self.queues[*queue_id as usize].members;
            members.iter().any(|member| self.config.subscriptions[*member as usize].consumer == consumer)
        };
        (0..self.queues.len() as u32).filter(has_consumer).collect()
    }

    /// Enqueues a consumer's dead letters again as new events: no deliveries are counted, and their retention begins now (SQS:
    /// "redriven messages are considered new messages with a new messageID and enqueueTime").
    pub fn redrive(&mut self, now: Micros, consumer: NodeId, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        for queue_id in self.queues_of(consumer) {
            for dead in std::mem::take(&mut self.queues[queue_id as usize].dead_letters) {
                let DeadLetter { event, update, partition, expires: _ } = dead;
                let config = self.config_of(queue_id);
                let (subscription, topic) = (config.id, config.topic);
                ctx.record(Fact::EventRedriven { subscription, event, update: update.id });
                let retention = self.config.topics[topic as usize].retention;
                self.store_event(now, queue_id, event, partition, update, retention, ctx);
                self.enqueue(now, event, ctx);
            }
        }
    }

    /// Discards a consumer's dead letters.
    pub fn purge(&mut self, consumer: NodeId, ctx: &mut Context) {
        debug_assert!(ctx.node == self.config.node, "a command acts on one node");
        for queue_id in self.queues_of(consumer) {
            for dead in std::mem::take(&mut self.queues[queue_id as usize].dead_letters) {
                debug_assert!(!self.stored.contains_key(&dead.event), "a dead letter is not in its queue");
                self.discarded += 1;
                let (subscription, event, update) = (self.config_of(queue_id).id, dead.event, dead.update.id);
                ctx.record(Fact::EventDiscarded { subscription, event, update, reason: DropReason::Purged });
            }
        }
    }

    /// Stops the bus. Events that are not flushed may be lost.
    pub fn stop(&mut self, now: Micros, lose_unflushed: bool, ctx: &mut Context) {
        debug_assert!(self.up && !self.stopped, "only a bus that is up is stopped");
        (self.stopped, self.up) = (true, false);
        ctx.record(Fact::BusStopped { bus: self.config.node, lost_unflushed: lose_unflushed });
        self.end_receives();
        if lose_unflushed {
            self.pending_acks.clear();
            self.end_streams();
            let flush = self.config.flush;
            let unflushed =
                self.stored.iter().filter(|(_, stored)| stored.published_at + flush > now).map(|(event, _)| *event);
            for event in unflushed.collect::<Vec<u32>>() {
                self.forget_publication(event);
                self.discard(now, event, DropReason::NotFlushed, ctx);
            }
            self.forget_pending_acks(now);
        }
        debug_assert!(!self.up, "a stopped bus is down");
    }

    /// Forgets the publication of a lost event, so that it is accepted if it is published again. Deduplication uses the log,
    /// which has lost the event.
    pub(super) fn forget_publication(&mut self, event: u32) {
        self.assert_event(event);
        let Some(stored) = self.stored.get(&event) else { return };
        let (topic, update) = (self.config_of(stored.queue).topic, stored.update.id);
        self.recent_updates[topic as usize].remove(&update);
        self.pending_acks.retain(|_, waits| waits.update != update);
    }

    /// Starts the bus again. Timers that expired while it was down take effect now.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(!self.up, "only a bus that is down is started");
        self.stopped = false;
        let missed_timers = std::mem::take(&mut self.missed_timers);
        let (brokers, rest): (Vec<Timer>, Vec<Timer>) =
            missed_timers.into_iter().partition(|timer| matches!(timer, Timer::BrokerCheck(_)));
        self.missed_timers = rest;
        self.update_availability(now, ctx);
        for timer in brokers {
            self.on_timer(now, timer, ctx);
        }
        debug_assert!(self.up || self.brokers.is_some(), "only a bus without a leader stays down");
    }

    /// Updates whether the bus accepts and delivers, after it or one of its brokers was stopped or started.
    pub(super) fn update_availability(&mut self, now: Micros, ctx: &mut Context) {
        let up = !self.stopped && self.brokers.as_ref().is_none_or(|brokers| brokers.is_led());
        if std::mem::replace(&mut self.up, up) == up {
            return;
        }
        if !up {
            self.end_receives();
            return ctx.record(Fact::BusStopped { bus: self.config.node, lost_unflushed: false });
        }
        debug_assert!(!self.stopped, "a stopped bus is not available");
        ctx.record(Fact::BusStarted { bus: self.config.node });
        self.renew_sessions(now, ctx);
        for (heartbeat, reply_link) in std::mem::take(&mut self.missed_closes) {
            self.on_presence(now, &heartbeat, reply_link, ctx);
        }
        for timer in std::mem::take(&mut self.missed_timers) {
            self.on_timer(now, timer, ctx);
        }
        for queue_id in 0..self.queues.len() as u32 {
            // The connections ended with the bus.
            for member in 0..self.queues[queue_id as usize].members.len() {
                if self.requeues(queue_id, member) {
                    self.requeue_deliveries(now, queue_id, member, ctx);
                }
            }
            self.deliver(now, queue_id, ctx);
            let partitions = self.queues[queue_id as usize].partitions();
            for partition in partitions {
                self.deliver_log(now, queue_id, partition, ctx);
            }
        }
        debug_assert!(self.missed_closes.is_empty(), "the bus knows which connections were closed");
    }
}
