//! An event bus: topics with subscriptions; it keeps events, orders, delivers, redelivers and dead-letters them. Its
//! queues are durable, but for what it has not flushed.

mod brokers;
mod config;
mod coordinator;
mod partition_log;
mod publication;
mod retention;

use super::backoff::wait;
use super::context::Context;
use super::message::{About, Delivery, LinkId, Payload, Publication, Update};
use super::queue::Timer;
use crate::scenario::{Acknowledge, Limit, Micros, Order};
use crate::trace::{Fact, KeyId, UpdateId};
use brokers::Brokers;
pub use config::{BusConfig, EventCounts, ReplicationConfig, SubscriptionConfig, TopicConfig};
use coordinator::Membership;
use partition_log::PartitionLog;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// An event kept for one lane.
#[derive(Clone, Debug)]
struct StoredEvent {
    queue_id: u32,
    update: Arc<Update>,
    partition: u32,
    deliveries: u32,
    /// The delivery that is awaited, if any, and the subscription that it went to.
    delivery: Option<(u32, u32)>,
    /// When it was sent last.
    sent: Micros,
    /// When it was published.
    published_at: Micros,
    /// Its place in the log that the brokers keep, where there are several and it is not a dead one that was redriven.
    offset: Option<u64>,
    /// When it will have been kept long enough.
    expires: Option<Micros>,
    /// The last wait, for a backoff that depends on it.
    waited: f64,
}

/// An event in a dead-letter queue.
#[derive(Clone, Debug)]
struct DeadLetter {
    event: u32,
    update: Arc<Update>,
    partition: u32,
    expires: Option<Micros>,
}

/// What one subscription, or a group of them, has waiting.
#[derive(Clone, Debug, Default)]
struct SubscriptionQueue {
    /// Indexes of the subscriptions that share it; the settings are those of the first.
    members: Vec<u32>,
    /// Which member is next.
    next_member: usize,
    /// Unacknowledged deliveries, by member.
    in_flight: Vec<u32>,
    /// Events that may be delivered now, in order.
    ready: VecDeque<u32>,
    /// FIFO per key: for each key the event that holds it up, then those behind it.
    keys: BTreeMap<KeyId, VecDeque<u32>>,
    /// A log: for each partition what is not committed.
    logs: BTreeMap<u32, PartitionLog>,
    /// A log whose readers have sessions: by member its place in the group; else empty.
    memberships: Vec<Membership>,
    dead: Vec<DeadLetter>,
}

impl SubscriptionQueue {
    /// Whether a member reads; without sessions it always does.
    fn is_member(&self, member: usize) -> bool {
        self.memberships.get(member).is_none_or(|membership| membership.is_active)
    }
}

/// A publication whose acknowledgement waits for the flush.
#[derive(Clone, Copy, Debug)]
struct PublicationAck {
    link: LinkId,
    number: u32,
    update: UpdateId,
}

/// A bus at run time.
#[derive(Clone, Debug)]
pub struct Bus {
    config: BusConfig,
    /// It takes in and delivers: it was not stopped, and where several brokers keep its events, one leads.
    up: bool,
    stopped: bool,
    brokers: Option<Brokers>,
    /// Timers that ran out while it was down.
    missed_timers: Vec<Timer>,
    stored: BTreeMap<u32, StoredEvent>,
    next_event: u32,
    /// The event of each awaited delivery.
    deliveries: BTreeMap<u32, u32>,
    next_delivery: u32,
    queues: Vec<SubscriptionQueue>,
    /// By topic: when each recent update was published.
    recent_updates: Vec<BTreeMap<UpdateId, Micros>>,
    pending_acks: BTreeMap<u32, PublicationAck>,
    next_pending_ack: u32,
    published: u64,
    acknowledged: u64,
    expired: u64,
    discarded: u64,
}

/// One lane for each group, and one for each subscription without.
fn queues(subscriptions: &[SubscriptionConfig]) -> Vec<SubscriptionQueue> {
    let mut queues: Vec<SubscriptionQueue> = Vec::new();
    for (index, config) in subscriptions.iter().enumerate() {
        let first = |queue_id: &&mut SubscriptionQueue| {
            let other = &subscriptions[queue_id.members[0] as usize];
            config.group.is_some() && other.group == config.group && other.topic == config.topic
        };
        let membership = config.session.filter(|_| config.order == Order::Log).map(Membership::new);
        match queues.iter_mut().find(first) {
            Some(queue_id) => {
                queue_id.members.push(index as u32);
                queue_id.in_flight.push(0);
                // Of a group either all have a session or none.
                queue_id
                    .memberships
                    .extend(config.session.filter(|_| !queue_id.memberships.is_empty()).map(Membership::new));
            }
            None => queues.push(SubscriptionQueue {
                members: vec![index as u32],
                in_flight: vec![0],
                memberships: membership.into_iter().collect(),
                ..SubscriptionQueue::default()
            }),
        }
    }
    queues
}

impl Bus {
    /// An empty bus.
    pub fn new(config: BusConfig) -> Self {
        Bus {
            up: true,
            stopped: false,
            brokers: config.replication.as_ref().map(|it| Brokers::new(it.fetches.len())),
            missed_timers: Vec::new(),
            stored: BTreeMap::new(),
            next_event: 0,
            deliveries: BTreeMap::new(),
            next_delivery: 0,
            queues: queues(&config.subscriptions),
            recent_updates: vec![BTreeMap::new(); config.topics.len()],
            pending_acks: BTreeMap::new(),
            next_pending_ack: 0,
            published: 0,
            acknowledged: 0,
            expired: 0,
            discarded: 0,
            config,
        }
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// What became of its events.
    pub fn counts(&self) -> EventCounts {
        let in_flight = self.stored.values().filter(|stored| stored.delivery.is_some()).count() as u64;
        EventCounts {
            published: self.published,
            acknowledged: self.acknowledged,
            queued: self.stored.len() as u64 - in_flight,
            in_flight,
            dead_lettered: self.queues.iter().map(|queue_id| queue_id.dead.len() as u64).sum(),
            expired: self.expired,
            discarded: self.discarded,
        }
    }

    fn config_of(&self, queue_id: u32) -> &SubscriptionConfig {
        &self.config.subscriptions[self.queues[queue_id as usize].members[0] as usize]
    }

    /// A message arrived over the link whose other direction is `back`.
    pub fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, ctx: &mut Context) {
        match payload {
            Payload::Publish(publication) => {
                if self.brokers.is_some() {
                    return self.append(now, &publication, back, ctx);
                }
                let Publication { topic, awaited, ref update, .. } = *publication;
                if let (Some(number), Some(link)) = (awaited, back) {
                    self.acknowledge_publication(now, PublicationAck { link, number, update: update.id }, ctx);
                }
                if !self.is_duplicate(now, topic, update.id, ctx) {
                    self.accept(now, topic, update, None, ctx);
                }
            }
            Payload::Acknowledge(event, generation) => self.on_acknowledge(now, event, generation, ctx),
            Payload::Heartbeat(heartbeat) => {
                if let Some(back) = back {
                    self.on_heartbeat(now, &heartbeat, back, ctx);
                }
            }
            Payload::Refuse(delivery) => self.on_failure(now, delivery, false, ctx),
            Payload::Operate(_)
            | Payload::Operated(..)
            | Payload::Returned(..)
            | Payload::Written(..)
            | Payload::Redirected(..)
            | Payload::Replica(_)
            | Payload::Apply(..)
            | Payload::TransactionMessage(_)
            | Payload::Applied(..)
            | Payload::Published(_)
            | Payload::Deliver(_) => unreachable!("no such message is sent to a bus"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        // While nobody leads, its brokers are what goes on.
        if !self.up && (self.stopped || !matches!(timer, Timer::BrokerCheck(_))) {
            self.missed_timers.push(timer);
            return;
        }
        match timer {
            Timer::AckDeadline(delivery) => self.on_failure(now, delivery, true, ctx),
            Timer::EventRetry(event) => {
                // It may have been acknowledged late, while it waited.
                let Some(stored) = self.stored.get(&event) else { return };
                let queue_id = stored.queue_id;
                self.queues[queue_id as usize].ready.push_back(event);
                self.deliver(now, queue_id, ctx);
            }
            Timer::PartitionRetry(event) => {
                let Some(stored) = self.stored.get(&event) else { return };
                let (queue_id, partition) = (stored.queue_id, stored.partition);
                if let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) {
                    log.waits = false;
                }
                self.deliver_log(now, queue_id, partition, ctx);
            }
            Timer::EventExpiry(event) => self.on_expiry(now, event, ctx),
            Timer::SessionTimeout(subscription) => self.on_session(now, subscription, ctx),
            Timer::BrokerCheck(number) => self.on_broker(now, number, ctx),
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
            | Timer::CommitOffsets(_)
            | Timer::HeartbeatDue(_)
            | Timer::OptimisticRetry(_)
            | Timer::TransactionRetry(_)
            | Timer::Protocol(_)
            | Timer::ScriptedOperation(_)
            | Timer::GeneratedOperation(_)
            | Timer::OperationTimeout(_) => unreachable!("no such timer is set by a bus"),
        }
    }

    /// Delivers what is ready, as far as unacknowledged deliveries are allowed.
    fn deliver(&mut self, now: Micros, queue_id: u32, ctx: &mut Context) {
        loop {
            let queue = &mut self.queues[queue_id as usize];
            let members = queue.members.len();
            let free = |at: &usize| {
                queue.in_flight[*at] < self.config.subscriptions[queue.members[*at] as usize].max_in_flight
            };
            let Some(member) = (0..members).map(|step| (queue.next_member + step) % members).find(free) else { return };
            let Some(event) = queue.ready.pop_front() else { return };
            // It may have been acknowledged late, while it waited its turn.
            if self.stored.contains_key(&event) {
                queue.next_member = (member + 1) % members;
                self.deliver_event(now, queue_id, member, event, None, ctx);
            }
        }
    }

    fn deliver_event(
        &mut self,
        now: Micros,
        queue_id: u32,
        member: usize,
        event: u32,
        follows: Option<u32>,
        ctx: &mut Context,
    ) {
        let Some(stored) = self.stored.get_mut(&event) else { return };
        let queue = &mut self.queues[queue_id as usize];
        let (first, to) = (queue.members[0] as usize, queue.members[member]);
        let config = &self.config.subscriptions[to as usize];
        stored.deliveries += 1;
        stored.sent = now;
        let delivery = self.next_delivery;
        self.next_delivery += 1;
        let (attempt, update, partition) = (stored.deliveries, stored.update.clone(), stored.partition);
        let (id, log) = (self.config.subscriptions[first].id, config.order == Order::Log);
        ctx.record(Fact::EventSent { subscription: id, event, update: update.id, attempt });
        let about = About { update: Some(update.id), operation: None, attempt };
        let life = queue.memberships.get(member).map_or(0, |membership| membership.life);
        let generation = queue.logs.get(&partition).map_or(0, |log| log.generation);
        let subscription = config.at_consumer;
        let message = Delivery { subscription, event, delivery, attempt, partition, follows, life, generation, update };
        ctx.send(config.link, Payload::Deliver(Arc::new(message)), about);
        if config.acknowledge == Acknowledge::Never {
            if log {
                self.commit(queue_id, partition, event, ctx);
            } else {
                self.acknowledge_event(queue_id, event, ctx);
            }
        } else {
            stored.delivery = Some((delivery, member as u32));
            self.deliveries.insert(delivery, event);
            queue.in_flight[member] += 1;
            // A reader with a session may take its time.
            if queue.memberships.is_empty() {
                ctx.wake(now + config.deadline, Timer::AckDeadline(delivery));
            }
        }
    }

    /// A delivery is over, however it ended.
    fn end_delivery(&mut self, event: u32) {
        let Some(stored) = self.stored.get_mut(&event) else { return };
        if let Some((delivery, member)) = stored.delivery.take() {
            self.deliveries.remove(&delivery);
            self.queues[stored.queue_id as usize].in_flight[member as usize] -= 1;
        }
    }

    fn on_acknowledge(&mut self, now: Micros, event: u32, generation: u32, ctx: &mut Context) {
        let Some(queue_id) = self.stored.get(&event).map(|stored| stored.queue_id) else { return };
        if self.config_of(queue_id).order == Order::Log {
            return self.on_offset_commit(now, event, generation, ctx);
        }
        self.end_delivery(event);
        self.acknowledge_event(queue_id, event, ctx);
        self.deliver(now, queue_id, ctx);
    }

    /// A reader of a log commits; refused where the partition was taken from it since.
    fn on_offset_commit(&mut self, now: Micros, event: u32, generation: u32, ctx: &mut Context) {
        let Some(stored) = self.stored.get(&event) else { return };
        let (queue_id, partition) = (stored.queue_id, stored.partition);
        let log = self.queues[queue_id as usize].logs.get(&partition);
        if stored.delivery.is_some() && log.is_some_and(|log| log.generation == generation) {
            self.commit(queue_id, partition, event, ctx);
            self.deliver_log(now, queue_id, partition, ctx);
        }
    }

    fn acknowledge_event(&mut self, queue_id: u32, event: u32, ctx: &mut Context) {
        let Some(stored) = self.stored.remove(&event) else { return };
        self.acknowledged += 1;
        let id = self.config_of(queue_id).id;
        ctx.record(Fact::EventAcknowledged { subscription: id, event, update: stored.update.id });
        self.remove_from_key_queue(queue_id, event, stored.update.key);
    }

    /// An event leaves its key's line; the next one there becomes ready.
    fn remove_from_key_queue(&mut self, queue_id: u32, event: u32, key: KeyId) {
        let queue_id = &mut self.queues[queue_id as usize];
        let Some(line) = queue_id.keys.get_mut(&key) else { return };
        if line.front() != Some(&event) {
            line.retain(|other| *other != event);
            return;
        }
        line.pop_front();
        match line.front() {
            Some(&next) => queue_id.ready.push_back(next),
            None => {
                queue_id.keys.remove(&key);
            }
        }
    }

    /// A delivery was refused or its deadline passed: deliver again later, or give the event up.
    fn on_failure(&mut self, now: Micros, delivery: u32, silent: bool, ctx: &mut Context) {
        let Some(&event) = self.deliveries.get(&delivery) else { return };
        self.end_delivery(event);
        let Some(stored) = self.stored.get(&event) else { return };
        let (queue_id, deliveries, waited) = (stored.queue_id, stored.deliveries, stored.waited);
        let config = &mut self.config.subscriptions[self.queues[queue_id as usize].members[0] as usize];
        let counted = match config.limit_counts {
            Limit::Deliveries => deliveries,
            Limit::Redeliveries => deliveries - 1,
        };
        if config.max_deliveries.is_some_and(|most| counted >= most) {
            self.dead_letter_or_discard(now, queue_id, event, ctx);
        } else if config.order == Order::Log {
            return self.rewind(now, queue_id, stored.partition, silent, ctx);
        } else {
            let wait = wait(&config.backoff, deliveries, waited, &mut config.waits);
            let (id, not_before, update) = (config.id, now + wait, stored.update.id);
            ctx.record(Fact::EventQueued { subscription: id, event, update, not_before, deliveries });
            if let Some(stored) = self.stored.get_mut(&event) {
                stored.waited = wait as f64 / 1000.0;
            }
            if wait == 0 {
                self.queues[queue_id as usize].ready.push_back(event);
            } else {
                ctx.wake(not_before, Timer::EventRetry(event));
            }
        }
        self.deliver(now, queue_id, ctx);
    }
}
