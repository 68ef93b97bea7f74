//! An event bus: topics with subscriptions; it keeps events, orders, delivers, redelivers and
//! dead-letters them. Its queues are durable.

use super::message::{About, Delivery, LinkId, Payload, Publication, Update};
use super::outbox::Outbox;
use super::queue::Timer;
use crate::ordered::Map;
use crate::scenario::{Acknowledge, Backoff, Micros, Order, micros};
use crate::trace::{DropReason, Fact, KeyId, NodeId, SubscriptionId};
use std::collections::VecDeque;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// A subscription's settings, ready to run.
#[derive(Clone, Debug)]
pub struct SubscriptionPlan {
    /// The subscription.
    pub id: SubscriptionId,
    /// The topic.
    pub topic: u32,
    /// The link to the consumer.
    pub link: LinkId,
    /// Index of the subscription in the consumer.
    pub at_consumer: u32,
    /// When the consumer acknowledges.
    pub acknowledge: Acknowledge,
    /// How long an acknowledgement is awaited.
    pub deadline: Micros,
    /// Deliveries at most.
    pub max_deliveries: Option<u32>,
    /// Wait before a further delivery.
    pub backoff: Backoff,
    /// Keep what used up its deliveries.
    pub dead_letter: bool,
    /// Order of delivery.
    pub order: Order,
    /// Unacknowledged deliveries at most.
    pub max_in_flight: u32,
}

/// A bus's settings, ready to run.
#[derive(Clone, Debug)]
pub struct BusPlan {
    /// Which node it is.
    pub node: NodeId,
    /// Number of partitions of each topic.
    pub partitions: Vec<u32>,
    /// Its subscriptions.
    pub subscriptions: Vec<SubscriptionPlan>,
}

/// An event kept for one subscription.
#[derive(Clone, Debug)]
struct Kept {
    subscription: u32,
    update: Arc<Update>,
    deliveries: u32,
    /// The delivery that is awaited, if any.
    delivery: Option<u32>,
}

/// What a subscription has waiting.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// Events that may be delivered now, in order.
    ready: VecDeque<u32>,
    /// FIFO per key: for each key the event that holds it up, then those behind it.
    keys: Map<KeyId, VecDeque<u32>>,
    in_flight: u32,
    dead: Vec<Arc<Update>>,
}

/// What became of the events of a bus, over all subscriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct EventCounts {
    /// Events times the subscriptions that each was for.
    pub published: u64,
    /// Done: acknowledged, or sent where no acknowledgement is wanted.
    pub acknowledged: u64,
    /// Waiting to be delivered, for the first time or again.
    pub queued: u64,
    /// Delivered and not acknowledged yet.
    pub in_flight: u64,
    /// In dead-letter queues.
    pub dead_lettered: u64,
    /// Given up.
    pub discarded: u64,
}

impl EventCounts {
    /// Published = acknowledged + queued + in flight + dead-lettered + discarded.
    pub fn conserved(&self) -> bool {
        let kept = self.queued + self.in_flight + self.dead_lettered;
        self.published == self.acknowledged + kept + self.discarded
    }
}

/// A bus at run time.
#[derive(Clone, Debug)]
pub struct Bus {
    plan: BusPlan,
    kept: Map<u32, Kept>,
    next_event: u32,
    /// The event of each awaited delivery.
    deliveries: Map<u32, u32>,
    next_delivery: u32,
    lanes: Vec<Lane>,
    published: u64,
    acknowledged: u64,
    discarded: u64,
}

impl Bus {
    /// An empty bus.
    pub fn new(plan: BusPlan) -> Self {
        let lanes = vec![Lane::default(); plan.subscriptions.len()];
        Bus {
            plan,
            kept: Map::new(),
            next_event: 0,
            deliveries: Map::new(),
            next_delivery: 0,
            lanes,
            published: 0,
            acknowledged: 0,
            discarded: 0,
        }
    }

    /// What became of its events.
    pub fn counts(&self) -> EventCounts {
        let in_flight = self.kept.values().filter(|kept| kept.delivery.is_some()).count() as u64;
        EventCounts {
            published: self.published,
            acknowledged: self.acknowledged,
            queued: self.kept.len() as u64 - in_flight,
            in_flight,
            dead_lettered: self.lanes.iter().map(|lane| lane.dead.len() as u64).sum(),
            discarded: self.discarded,
        }
    }

    /// A message arrived over the link whose other direction is `back`.
    pub fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, out: &mut Outbox) {
        match payload {
            Payload::Publish(publication) => {
                let Publication { topic, awaited, ref update } = *publication;
                if let (Some(number), Some(back)) = (awaited, back) {
                    let about = About { update: Some(update.id), ..About::default() };
                    out.send(back, Payload::Published(number), about);
                }
                self.publish(now, topic, update, out);
            }
            Payload::Acknowledge(event) => self.on_acknowledge(now, event, out),
            Payload::Refuse(delivery) => self.on_failure(now, delivery, out),
            Payload::Operate(_)
            | Payload::Operated(..)
            | Payload::Apply(..)
            | Payload::Applied(..)
            | Payload::Published(_)
            | Payload::Deliver(_)
            | Payload::Token => unreachable!("no such message is sent to a bus"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, out: &mut Outbox) {
        match timer {
            Timer::AckDeadline(delivery) => self.on_failure(now, delivery, out),
            Timer::Ready(event) => {
                // It may have been acknowledged late, while it waited.
                let Some(kept) = self.kept.get(&event) else { return };
                let lane = kept.subscription;
                self.lanes[lane as usize].ready.push_back(event);
                self.deliver(now, lane, out);
            }
            Timer::JobDone(_)
            | Timer::CallTimeout(_)
            | Timer::PublishTimeout(_)
            | Timer::Scripted(_)
            | Timer::Generated(_)
            | Timer::OperationTimeout(_) => unreachable!("no such timer is set by a bus"),
        }
    }

    fn publish(&mut self, now: Micros, topic: u32, update: &Arc<Update>, out: &mut Outbox) {
        let for_topic = |plan: &&SubscriptionPlan| plan.topic == topic;
        let subscriptions = self.plan.subscriptions.iter().filter(for_topic).count() as u32;
        out.record(Fact::EventPublished {
            bus: self.plan.node,
            update: update.id,
            topic,
            partition: partition(out.names.key(update.key), self.plan.partitions[topic as usize]),
            subscriptions,
        });
        for index in 0..self.plan.subscriptions.len() as u32 {
            if self.plan.subscriptions[index as usize].topic == topic {
                self.keep(now, index, update.clone(), out);
                self.deliver(now, index, out);
            }
        }
    }

    fn keep(&mut self, now: Micros, subscription: u32, update: Arc<Update>, out: &mut Outbox) {
        let event = self.next_event;
        self.next_event += 1;
        self.published += 1;
        let plan = &self.plan.subscriptions[subscription as usize];
        let lane = &mut self.lanes[subscription as usize];
        out.record(Fact::EventQueued {
            subscription: plan.id,
            event,
            update: update.id,
            not_before: now,
            deliveries: 0,
        });
        match plan.order {
            Order::None => lane.ready.push_back(event),
            Order::FifoPerKey => {
                let key = lane.keys.or_default(update.key);
                key.push_back(event);
                if key.len() == 1 {
                    lane.ready.push_back(event);
                }
            }
        }
        self.kept.insert(event, Kept { subscription, update, deliveries: 0, delivery: None });
    }

    /// Delivers what is ready, as far as unacknowledged deliveries are allowed.
    fn deliver(&mut self, now: Micros, subscription: u32, out: &mut Outbox) {
        let most = self.plan.subscriptions[subscription as usize].max_in_flight;
        while self.lanes[subscription as usize].in_flight < most {
            let Some(event) = self.lanes[subscription as usize].ready.pop_front() else { return };
            self.deliver_event(now, subscription, event, out);
        }
    }

    fn deliver_event(&mut self, now: Micros, subscription: u32, event: u32, out: &mut Outbox) {
        // It may have been acknowledged late, while it waited its turn.
        let Some(kept) = self.kept.get_mut(&event) else { return };
        let plan = &self.plan.subscriptions[subscription as usize];
        kept.deliveries += 1;
        let delivery = self.next_delivery;
        self.next_delivery += 1;
        let (attempt, update) = (kept.deliveries, kept.update.clone());
        out.record(Fact::EventSent { subscription: plan.id, event, update: update.id, attempt });
        let about = About { update: Some(update.id), operation: None, attempt };
        let message = Delivery { subscription: plan.at_consumer, event, delivery, attempt, update };
        out.send(plan.link, Payload::Deliver(Arc::new(message)), about);
        if plan.acknowledge == Acknowledge::Never {
            self.done(subscription, event, out);
        } else {
            kept.delivery = Some(delivery);
            self.deliveries.insert(delivery, event);
            self.lanes[subscription as usize].in_flight += 1;
            out.wake(now + plan.deadline, Timer::AckDeadline(delivery));
        }
    }

    fn on_acknowledge(&mut self, now: Micros, event: u32, out: &mut Outbox) {
        let Some(kept) = self.kept.get(&event) else { return };
        let subscription = kept.subscription;
        if let Some(delivery) = kept.delivery {
            self.deliveries.remove(&delivery);
            self.lanes[subscription as usize].in_flight -= 1;
        }
        self.done(subscription, event, out);
        self.deliver(now, subscription, out);
    }

    fn done(&mut self, subscription: u32, event: u32, out: &mut Outbox) {
        let Some(kept) = self.kept.remove(&event) else { return };
        self.acknowledged += 1;
        let id = self.plan.subscriptions[subscription as usize].id;
        out.record(Fact::EventAcknowledged { subscription: id, event, update: kept.update.id });
        self.leave(subscription, event, kept.update.key);
    }

    /// An event leaves its key's line; the next one there becomes ready.
    fn leave(&mut self, subscription: u32, event: u32, key: KeyId) {
        let lane = &mut self.lanes[subscription as usize];
        let Some(line) = lane.keys.get_mut(&key) else { return };
        if line.front() != Some(&event) {
            return;
        }
        line.pop_front();
        match line.front() {
            Some(&next) => lane.ready.push_back(next),
            None => {
                lane.keys.remove(&key);
            }
        }
    }

    /// A delivery was refused or its deadline passed: deliver again later, or give the event up.
    fn on_failure(&mut self, now: Micros, delivery: u32, out: &mut Outbox) {
        let Some(event) = self.deliveries.remove(&delivery) else { return };
        let Some(kept) = self.kept.get_mut(&event) else { return };
        kept.delivery = None;
        let (subscription, deliveries) = (kept.subscription, kept.deliveries);
        let plan = &self.plan.subscriptions[subscription as usize];
        self.lanes[subscription as usize].in_flight -= 1;
        if plan.max_deliveries.is_some_and(|most| deliveries >= most) {
            self.give_up(subscription, event, out);
        } else {
            let wait = wait(&plan.backoff, deliveries);
            let (id, not_before) = (plan.id, now + wait);
            out.record(Fact::EventQueued { subscription: id, event, update: kept.update.id, not_before, deliveries });
            if wait == 0 {
                self.lanes[subscription as usize].ready.push_back(event);
            } else {
                out.wake(not_before, Timer::Ready(event));
            }
        }
        self.deliver(now, subscription, out);
    }

    fn give_up(&mut self, subscription: u32, event: u32, out: &mut Outbox) {
        let Some(kept) = self.kept.remove(&event) else { return };
        let plan = &self.plan.subscriptions[subscription as usize];
        let update = kept.update.id;
        if plan.dead_letter {
            out.record(Fact::EventDeadLettered { subscription: plan.id, event, update, deliveries: kept.deliveries });
            self.lanes[subscription as usize].dead.push(kept.update.clone());
        } else {
            self.discarded += 1;
            let reason = DropReason::DeliveriesUsedUp;
            out.record(Fact::EventDiscarded { subscription: plan.id, event, update, reason });
        }
        self.leave(subscription, event, kept.update.key);
    }
}

/// The partition of a key: its XXH3 hash, so that it depends on the key alone.
fn partition(key: &str, partitions: u32) -> u32 {
    (xxh3_64(key.as_bytes()) % u64::from(partitions)) as u32
}

/// The wait before the delivery that follows the n-th.
fn wait(backoff: &Backoff, n: u32) -> Micros {
    match backoff {
        Backoff::None => 0,
        Backoff::Fixed { ms } => micros(*ms),
        Backoff::Exponential { base_ms, cap_ms } => {
            let doublings = n.saturating_sub(1).min(60);
            micros((base_ms * (1u64 << doublings) as f64).min(*cap_ms))
        }
    }
}
