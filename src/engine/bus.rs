//! An event bus: topics with subscriptions. It stores, orders, delivers, redelivers and dead-letters events. Its queues are
//! durable, except for events that are not flushed yet.

mod attachments;
mod broker_set;
mod config;
mod group_coordinator;
mod log_delivery;
mod publication;
mod rebalance;
mod replication;
mod retention;
mod subscription_queue;

use super::backoff::wait;
use super::context::Context;
use super::message::{About, Delivery, Heartbeat, LinkId, LogPlace, Payload};
use super::queue::Timer;
use crate::scenario::{Acknowledge, LateAcknowledgement, Limit, Micros, Order};
use crate::trace::{DropReason, Fact, KeyId, NodeId, UpdateId};
use broker_set::BrokerSet;
pub use config::{Attach, BusConfig, EventCounts, ReplicationConfig, SessionConfig, SubscriptionConfig, TopicConfig};
use std::collections::BTreeMap;
use std::sync::Arc;
use subscription_queue::{PublicationAck, StoredEvent, SubscriptionQueue};

/// A bus at run time.
#[derive(Clone, Debug)]
pub struct Bus {
    config: BusConfig,
    /// Whether the bus accepts and delivers events: it is not stopped, and with several brokers, one leads.
    up: bool,
    stopped: bool,
    brokers: Option<BrokerSet>,
    /// Timers that expired while the bus was down.
    missed_timers: Vec<Timer>,
    /// The last messages of consumers whose processes ended while the bus was down, with the links to the consumers.
    missed_closes: Vec<(Arc<Heartbeat>, LinkId)>,
    /// Stored events by number.
    stored: BTreeMap<u32, StoredEvent>,
    next_event: u32,
    /// The event of each delivery whose acknowledgement is awaited.
    deliveries: BTreeMap<u32, u32>,
    next_delivery: u32,
    /// The partition of each delivery whose event left its log before it was acknowledged: queue, partition and generation.
    removed_deliveries: BTreeMap<u32, (u32, u32, u32)>,
    queues: Vec<SubscriptionQueue>,
    /// The time at which each update within the window of deduplication was published, by topic.
    recent_updates: Vec<BTreeMap<UpdateId, Micros>>,
    /// The position that each stream continues with, by publisher and topic.
    streams: BTreeMap<(NodeId, u32), (u32, u32)>,
    /// Publications to be acknowledged after the flush.
    pending_acks: BTreeMap<u32, PublicationAck>,
    next_pending_ack: u32,
    published: u64,
    acknowledged: u64,
    expired: u64,
    discarded: u64,
}

impl Bus {
    /// Returns a bus without events.
    pub fn new(config: BusConfig) -> Self {
        Bus {
            up: true,
            stopped: false,
            brokers: config.replication.as_ref().map(|replication| BrokerSet::new(replication.fetches.len())),
            missed_timers: Vec::new(),
            missed_closes: Vec::new(),
            stored: BTreeMap::new(),
            next_event: 0,
            deliveries: BTreeMap::new(),
            next_delivery: 0,
            removed_deliveries: BTreeMap::new(),
            queues: SubscriptionQueue::all(&config.subscriptions),
            recent_updates: vec![BTreeMap::new(); config.topics.len()],
            streams: BTreeMap::new(),
            pending_acks: BTreeMap::new(),
            next_pending_ack: 0,
            published: 0,
            acknowledged: 0,
            expired: 0,
            discarded: 0,
            config,
        }
    }

    /// Returns whether the bus accepts and delivers events.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Returns the numbers of events by their fate.
    pub fn counts(&self) -> EventCounts {
        let in_flight = self.deliveries.len() as u64;
        let counts = EventCounts {
            published: self.published,
            acknowledged: self.acknowledged,
            queued: self.stored.len() as u64 - in_flight,
            in_flight,
            dead_lettered: self.queues.iter().map(|queue| queue.dead_letters.len() as u64).sum(),
            expired: self.expired,
            discarded: self.discarded,
        };
        debug_assert!(counts.conserved(), "events are conserved: {counts:?}");
        counts
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        let is_led = self.brokers.as_ref().is_none_or(BrokerSet::is_led);
        assert!(self.up == (!self.stopped && is_led), "a bus is up if it is not stopped and a broker leads");
        let newest = self.stored.last_key_value().map(|(number, _)| *number);
        assert!(newest.is_none_or(|number| number < self.next_event), "numbers of events are never reused");
        let newest = self.deliveries.last_key_value().map(|(number, _)| *number);
        assert!(newest.is_none_or(|number| number < self.next_delivery), "numbers of deliveries are never reused");
        let in_flight = self.stored.values().filter(|stored| stored.delivery.is_some()).count();
        assert!(self.deliveries.len() == in_flight, "the table of deliveries contains current ones");
    }

    /// Panics, in debug builds, if the state of an event contradicts itself.
    fn assert_event(&self, event: u32) {
        if !cfg!(debug_assertions) {
            return;
        }
        assert!(event < self.next_event, "the event has a number");
        let Some(stored) = self.stored.get(&event) else { return };
        let is_listed = |(delivery, _)| self.deliveries.get(&delivery) == Some(&event);
        assert!(stored.delivery.is_none_or(is_listed), "a current delivery is in the table");
        assert!(stored.deliveries > 0 || stored.delivery.is_none(), "deliveries are counted");
    }

    /// Returns the subscription that decides the rules of a queue.
    fn config_of(&self, queue_id: u32) -> &SubscriptionConfig {
        &self.config.subscriptions[self.queues[queue_id as usize].members[0] as usize]
    }

    /// Returns whether the deliveries to a member of a queue belong to its connection.
    fn requeues(&self, queue_id: u32, member: usize) -> bool {
        self.config.subscriptions[self.queues[queue_id as usize].members[member] as usize].requeues()
    }

    /// Handles a message. `reply_link` is the link back to its sender.
    pub fn on_message(&mut self, now: Micros, payload: Payload, reply_link: Option<LinkId>, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        match payload {
            Payload::Publish(publication) => self.on_publication(now, &publication, reply_link, ctx),
            Payload::Acknowledge(event, reference, _) => self.on_acknowledge(now, event, reference, reply_link, ctx),
            Payload::Receive(subscription, number, max_events) => {
                if let Some(reply_link) = reply_link {
                    self.on_receive(now, (subscription, number, max_events), reply_link, ctx);
                }
            }
            Payload::Heartbeat(heartbeat) => {
                if let Some(reply_link) = reply_link {
                    self.on_heartbeat(now, &heartbeat, reply_link, ctx);
                }
            }
            Payload::Refuse(delivery, _) => self.on_failure(now, delivery, false, ctx),
            Payload::Operate(_)
            | Payload::Operated(..)
            | Payload::Returned(..)
            | Payload::Written(..)
            | Payload::Redirected(..)
            | Payload::Replica(_)
            | Payload::Apply(..)
            | Payload::Transaction(_)
            | Payload::Applied(..)
            | Payload::Published(_)
            | Payload::Empty(..)
            | Payload::Attached(..)
            | Payload::Detached(..)
            | Payload::Rejoin(..)
            | Payload::Deliver(_) => unreachable!("no such message is sent to a bus"),
        }
    }

    /// Handles a timer. An obsolete timer has no effect.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        // Without a leader only the brokers act.
        if !self.up && (self.stopped || !matches!(timer, Timer::BrokerCheck(_))) {
            self.missed_timers.push(timer);
            return;
        }
        match timer {
            Timer::AckDeadline(delivery) => self.on_failure(now, delivery, true, ctx),
            Timer::EventRetry(event) => {
                // The event may have been acknowledged late, while it waited.
                let Some(stored) = self.stored.get(&event) else { return };
                let queue_id = stored.queue;
                self.queues[queue_id as usize].redeliveries.push_back(event);
                self.deliver(now, queue_id, ctx);
            }
            Timer::PartitionRetry(event) => {
                // The event may have expired while the log waited.
                let Some(stored) = self.stored.get(&event) else { return };
                let (queue_id, partition) = (stored.queue, stored.partition);
                let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) else { return };
                log.waits_for.take_if(|waits_for| *waits_for == event);
                self.deliver_log(now, queue_id, partition, ctx);
            }
            Timer::EventExpiry(event) => self.on_expiry(now, event, ctx),
            Timer::ReceiveOver(subscription) => self.on_receive_over(now, subscription, ctx),
            Timer::SessionTimeout(subscription) => self.on_session(now, subscription, ctx),
            Timer::RebalanceTimeout(queue_id) => self.on_rebalance_timeout(now, queue_id, ctx),
            Timer::BrokerCheck(number) => self.on_broker_timer(now, number, ctx),
            Timer::FlushDone(number) => {
                if let Some(publication) = self.pending_acks.remove(&number) {
                    let about = About { update: Some(publication.update), ..About::default() };
                    ctx.send(publication.link, Payload::Published(publication.number), about);
                }
            }
            Timer::JobDone(_)
            | Timer::CallTimeout(_)
            | Timer::PublishTimeout(_)
            | Timer::PublishDue(_)
            | Timer::RelayPoll(_)
            | Timer::PositionFlush(_)
            | Timer::Resend(_)
            | Timer::CommitOffsets(_)
            | Timer::HeartbeatDue(_)
            | Timer::OptimisticRetry(_)
            | Timer::TransactionRetry(_)
            | Timer::Protocol(_)
            | Timer::ScriptedOperation(_)
            | Timer::GeneratedOperation(_)
            | Timer::OperationTimeout(_) => unreachable!("a bus does not set such a timer"),
        }
    }

    /// Delivers ready events to attached consumers, up to the maximum of unacknowledged deliveries.
    fn deliver(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        debug_assert!(self.up, "a bus that is down delivers nothing");
        debug_assert!(!self.queues[queue_id as usize].members.is_empty(), "a queue has members");
        loop {
            let queue = &mut self.queues[queue_id as usize];
            let members = queue.members.len();
            let capacity = |at: usize| attachments::capacity(queue, &self.config.subscriptions, at);
            let mut next = (0..members).map(|step| (queue.next_member + step) % members);
            let Some(member) = next.find(|at| capacity(*at) > 0) else {
                return self.discard_unless_connected(now, queue_id, ctx);
            };
            let is_polling = queue.connections[member].receive.is_some();
            let max_events = if is_polling { capacity(member) } else { 1 };
            // An event may have been acknowledged late, while it was queued.
            let stored = &self.stored;
            let next = || queue.redeliveries.pop_front().or_else(|| queue.ready.pop_front());
            let due = std::iter::from_fn(next).filter(|event| stored.contains_key(event));
            let events: Vec<u32> = due.take(max_events as usize).collect();
            if events.is_empty() {
                return;
            }
            queue.next_member = (member + 1) % members;
            let batch = events.len() as u32;
            for event in events {
                self.deliver_event(now, queue_id, member, event, (LogPlace::default(), batch), ctx);
            }
            self.queues[queue_id as usize].connections[member].receive = None;
        }
    }

    fn deliver_event(
        &mut self,
        now: Micros,
        queue_id: u32,
        member: usize,
        event: u32,
        (place, batch): (LogPlace, u32),
        ctx: &mut Context,
    ) {
        debug_assert!(self.up, "a bus that is down delivers nothing");
        debug_assert!(batch > 0, "a batch contains the event");
        debug_assert!(!self.deliveries.contains_key(&self.next_delivery), "numbers of deliveries are not reused");
        let Some(stored) = self.stored.get_mut(&event) else { return };
        let queue = &mut self.queues[queue_id as usize];
        let config = &self.config.subscriptions[queue.members[member] as usize];
        stored.deliveries += 1;
        stored.sent = now;
        let delivery = self.next_delivery;
        self.next_delivery += 1;
        stored.last_delivery = Some(delivery);
        let (attempt, update, partition) = (stored.deliveries, stored.update.clone(), stored.partition);
        let (id, log) = (config.id, config.order == Order::Log);
        ctx.record(Fact::EventSent { subscription: id, event, update: update.id, attempt });
        let about = About { update: Some(update.id), operation: None, attempt };
        let receive = queue.connections[member].receive.map_or(0, |receive| receive.number);
        let incarnation = queue.memberships.get(member).map_or(receive, |membership| membership.incarnation);
        let generation = queue.logs.get(&partition).map_or(0, |log| log.generation);
        let subscription = config.at_consumer;
        let reliable = config.requeues() && !log;
        let message = Delivery {
            subscription,
            event,
            delivery,
            attempt,
            batch,
            reliable,
            partition,
            place,
            incarnation,
            generation,
            update,
        };
        ctx.send(config.link, Payload::Deliver(Arc::new(message)), about);
        if config.acknowledge == Acknowledge::Never {
            if log {
                self.commit(queue_id, partition, event, ctx);
            } else {
                self.acknowledge_event(queue_id, event, member, ctx);
            }
        } else {
            stored.delivery = Some((delivery, member as u32));
            self.deliveries.insert(delivery, event);
            queue.in_flight[member] += 1;
            // A reader with a session has no deadline for single deliveries.
            if queue.memberships.is_empty() {
                ctx.wake(now + config.deadline, Timer::AckDeadline(delivery));
            }
        }
    }

    /// Ends the delivery of an event.
    fn end_delivery(&mut self, event: u32) {
        let Some(stored) = self.stored.get_mut(&event) else { return };
        if let Some((delivery, member)) = stored.delivery.take() {
            let ended = self.deliveries.remove(&delivery);
            debug_assert!(ended == Some(event), "the table of deliveries contains current ones");
            let in_flight = &mut self.queues[stored.queue as usize].in_flight[member as usize];
            debug_assert!(*in_flight > 0, "a delivery in flight is counted");
            *in_flight -= 1;
        }
    }

    /// Returns whether the acknowledgement of a delivery is awaited.
    pub fn awaits(&self, delivery: u32) -> bool {
        self.deliveries.contains_key(&delivery)
    }

    /// Handles an acknowledgement, which refers to a delivery, or in a log to a generation.
    fn on_acknowledge(
        &mut self,
        now: Micros,
        event: u32,
        reference: u32,
        reply_link: Option<LinkId>,
        ctx: &mut Context,
    ) {
        self.assert_event(event);
        let Some(stored) = self.stored.get(&event) else { return };
        let queue_id = stored.queue;
        let config = self.config_of(queue_id);
        if config.order == Order::Log {
            return self.on_offset_commit(now, event, reference, ctx);
        }
        let is_current = stored.delivery.is_some_and(|(delivery, _)| delivery == reference);
        let is_last = stored.last_delivery == Some(reference);
        let has_effect = match config.late {
            LateAcknowledgement::Accept => true,
            LateAcknowledgement::Ignore => is_current || is_last,
            LateAcknowledgement::Refuse => is_current,
        };
        let members = &self.queues[queue_id as usize].members;
        let is_sender = |member: &u32| Some(self.config.subscriptions[*member as usize].link) == reply_link;
        let member = members.iter().position(is_sender).unwrap_or(0);
        if !has_effect {
            let subscription = self.config.subscriptions[members[member] as usize].id;
            let update = stored.update.id;
            return ctx.record(Fact::AcknowledgementExpired { subscription, event, update });
        }
        self.end_delivery(event);
        self.acknowledge_event(queue_id, event, member, ctx);
        self.deliver(now, queue_id, ctx);
    }

    /// Commits an offset, unless the partition was reassigned in the meantime.
    fn on_offset_commit(&mut self, now: Micros, event: u32, generation: u32, ctx: &mut Context) {
        self.assert_event(event);
        let Some(stored) = self.stored.get(&event) else { return };
        let (queue_id, partition) = (stored.queue, stored.partition);
        let log = self.queues[queue_id as usize].logs.get(&partition);
        if stored.delivery.is_some() && log.is_some_and(|log| log.generation == generation) {
            self.commit(queue_id, partition, event, ctx);
            self.deliver_log(now, queue_id, partition, ctx);
        }
    }

    fn acknowledge_event(&mut self, queue_id: u32, event: u32, member: usize, ctx: &mut Context) {
        let Some(stored) = self.stored.remove(&event) else { return };
        debug_assert!(stored.delivery.is_none(), "the delivery of an acknowledged event has ended");
        debug_assert!(stored.queue == queue_id, "an event is in one queue");
        self.acknowledged += 1;
        let id = self.config.subscriptions[self.queues[queue_id as usize].members[member] as usize].id;
        ctx.record(Fact::EventAcknowledged { subscription: id, event, update: stored.update.id });
        self.remove_from_key_queue(queue_id, event, stored.update.key);
    }

    /// Removes an event from the queue of its key. If it was the first, the next one becomes ready.
    fn remove_from_key_queue(&mut self, queue_id: u32, event: u32, key: KeyId) {
        debug_assert!(!self.stored.contains_key(&event), "an event in a queue is stored");
        let queue = &mut self.queues[queue_id as usize];
        let Some(key_queue) = queue.key_queues.get_mut(&key) else { return };
        debug_assert!(!key_queue.is_empty(), "a key without events has no queue");
        if key_queue.front() != Some(&event) {
            key_queue.retain(|other| *other != event);
            return;
        }
        key_queue.pop_front();
        match key_queue.front() {
            Some(&next) => queue.ready.push_back(next),
            None => {
                queue.key_queues.remove(&key);
            }
        }
    }

    /// Ends a delivery after a refusal, or after a missed deadline if `silent`: its event is redelivered or given up. A missed
    /// deadline closes the connection if deliveries belong to it.
    fn on_failure(&mut self, now: Micros, delivery: u32, silent: bool, ctx: &mut Context) {
        let Some(&event) = self.deliveries.get(&delivery) else {
            return self.on_failure_of_removed(now, delivery, silent, ctx);
        };
        self.assert_event(event);
        let Some(stored) = self.stored.get(&event) else { return };
        debug_assert!(
            stored.delivery.is_some_and(|(current, _)| current == delivery),
            "the table of deliveries contains current ones"
        );
        let (queue_id, partition) = (stored.queue, stored.partition);
        let member = stored.delivery.map_or(0, |(_, member)| member as usize);
        let config = self.config_of(queue_id);
        let is_used_up =
            config.max_deliveries.is_some_and(|limit| counted_deliveries(config.limit_counts, stored) >= limit);
        if config.order == Order::Log && !is_used_up {
            self.end_delivery(event);
            return self.redeliver(now, queue_id, partition, silent, ctx);
        }
        if silent && self.requeues(queue_id, member) {
            return self.close_overdue(now, queue_id, member, ctx);
        }
        self.return_to_queue(now, event, ctx);
        self.deliver(now, queue_id, ctx);
    }

    /// Ends the delivery of an event and returns it to its queue, or gives it up after the last delivery.
    fn return_to_queue(&mut self, now: Micros, event: u32, ctx: &mut Context) {
        self.assert_event(event);
        let Some(stored) = self.stored.get(&event) else { return };
        let requeues = stored.delivery.is_some_and(|(_, member)| self.requeues(stored.queue, member as usize));
        self.end_delivery(event);
        let Some(stored) = self.stored.get(&event) else { return };
        debug_assert!(stored.delivery.is_none(), "an event that is queued again is not in flight");
        let (queue_id, deliveries, waited) = (stored.queue, stored.deliveries, stored.last_wait);
        let config = &mut self.config.subscriptions[self.queues[queue_id as usize].members[0] as usize];
        if config.max_deliveries.is_some_and(|limit| counted_deliveries(config.limit_counts, stored) >= limit) {
            return self.dead_letter_or_discard(now, queue_id, event, ctx);
        }
        if stored.expires.is_some_and(|at| at <= now) {
            // Its retention ended while it was unacknowledged.
            return self.discard(now, event, DropReason::Expired, ctx);
        }
        let wait = wait(&config.backoff, deliveries, waited, &mut config.waits);
        let (id, not_before, update) = (config.id, now + wait, stored.update.id);
        ctx.record(Fact::EventQueued { subscription: id, event, update, not_before, deliveries });
        if let Some(stored) = self.stored.get_mut(&event) {
            stored.last_wait = wait as f64 / 1000.0;
        }
        let redeliveries = &mut self.queues[queue_id as usize].redeliveries;
        match wait {
            // A channel returns its events to their places, the last one first.
            0 if requeues => redeliveries.push_front(event),
            0 => redeliveries.push_back(event),
            _ => ctx.wake(not_before, Timer::EventRetry(event)),
        }
    }
}

/// Returns how many deliveries of an event the limit counts.
fn counted_deliveries(limit: Limit, stored: &StoredEvent) -> u32 {
    match limit {
        Limit::Deliveries => stored.deliveries,
        Limit::Redeliveries => stored.deliveries - 1,
    }
}
