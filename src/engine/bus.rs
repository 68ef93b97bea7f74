//! An event bus: topics with subscriptions; it keeps events, orders, delivers, redelivers and dead-letters them. Its
//! queues are durable, but for what it has not flushed.

mod brokers;
mod coordinator;
mod intake;
mod keeping;
mod log;
mod plan;

use super::backoff::wait;
use super::message::{About, Delivery, LinkId, Payload, Publication, Update};
use super::outbox::Outbox;
use super::queue::Timer;
use crate::scenario::{Acknowledge, Limit, Micros, Order};
use crate::trace::{Fact, KeyId, UpdateId};
use brokers::Brokers;
use coordinator::Place;
use log::Log;
pub use plan::{BusPlan, EventCounts, ReplicationPlan, SubscriptionPlan, TopicPlan};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// An event kept for one lane.
#[derive(Clone, Debug)]
struct Kept {
    lane: u32,
    update: Arc<Update>,
    partition: u32,
    deliveries: u32,
    /// The delivery that is awaited, if any, and the subscription that it went to.
    delivery: Option<(u32, u32)>,
    /// When it was sent last.
    sent: Micros,
    /// When it was published.
    since: Micros,
    /// Its place in the log that the brokers keep, where there are several and it is not a dead one that was redriven.
    offset: Option<u64>,
    /// When it will have been kept long enough.
    expires: Option<Micros>,
    /// The last wait, for a backoff that depends on it.
    waited: f64,
}

/// An event in a dead-letter queue.
#[derive(Clone, Debug)]
struct Dead {
    event: u32,
    update: Arc<Update>,
    partition: u32,
    expires: Option<Micros>,
}

/// What one subscription, or a group of them, has waiting.
#[derive(Clone, Debug, Default)]
struct Lane {
    /// Indexes of the subscriptions that share it; the settings are those of the first.
    members: Vec<u32>,
    /// Which member is next.
    turn: usize,
    /// Unacknowledged deliveries, by member.
    in_flight: Vec<u32>,
    /// Events that may be delivered now, in order.
    ready: VecDeque<u32>,
    /// FIFO per key: for each key the event that holds it up, then those behind it.
    keys: BTreeMap<KeyId, VecDeque<u32>>,
    /// A log: for each partition what is not committed.
    logs: BTreeMap<u32, Log>,
    /// A log whose readers have sessions: by member its place in the group; else empty.
    places: Vec<Place>,
    dead: Vec<Dead>,
}

impl Lane {
    /// Whether a member reads; without sessions it always does.
    fn is_inside(&self, member: usize) -> bool {
        self.places.get(member).is_none_or(|place| place.inside)
    }
}

/// A publication whose acknowledgement waits for the flush.
#[derive(Clone, Copy, Debug)]
struct Unflushed {
    link: LinkId,
    number: u32,
    update: UpdateId,
}

/// A bus at run time.
#[derive(Clone, Debug)]
pub struct Bus {
    plan: BusPlan,
    /// It takes in and delivers: it was not stopped, and where several brokers keep its events, one leads.
    up: bool,
    stopped: bool,
    brokers: Option<Brokers>,
    /// Timers that ran out while it was down.
    missed: Vec<Timer>,
    kept: BTreeMap<u32, Kept>,
    next_event: u32,
    /// The event of each awaited delivery.
    deliveries: BTreeMap<u32, u32>,
    next_delivery: u32,
    lanes: Vec<Lane>,
    /// By topic: when each recent update was published.
    recent: Vec<BTreeMap<UpdateId, Micros>>,
    unflushed: BTreeMap<u32, Unflushed>,
    next_unflushed: u32,
    published: u64,
    acknowledged: u64,
    expired: u64,
    discarded: u64,
}

/// One lane for each group, and one for each subscription without.
fn lanes(subscriptions: &[SubscriptionPlan]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for (index, plan) in subscriptions.iter().enumerate() {
        let first = |lane: &&mut Lane| {
            let other = &subscriptions[lane.members[0] as usize];
            plan.group.is_some() && other.group == plan.group && other.topic == plan.topic
        };
        let place = plan.session.filter(|_| plan.order == Order::Log).map(Place::new);
        match lanes.iter_mut().find(first) {
            Some(lane) => {
                lane.members.push(index as u32);
                lane.in_flight.push(0);
                // Of a group either all have a session or none.
                lane.places.extend(plan.session.filter(|_| !lane.places.is_empty()).map(Place::new));
            }
            None => lanes.push(Lane {
                members: vec![index as u32],
                in_flight: vec![0],
                places: place.into_iter().collect(),
                ..Lane::default()
            }),
        }
    }
    lanes
}

impl Bus {
    /// An empty bus.
    pub fn new(plan: BusPlan) -> Self {
        Bus {
            up: true,
            stopped: false,
            brokers: plan.replication.as_ref().map(|it| Brokers::new(it.fetches.len())),
            missed: Vec::new(),
            kept: BTreeMap::new(),
            next_event: 0,
            deliveries: BTreeMap::new(),
            next_delivery: 0,
            lanes: lanes(&plan.subscriptions),
            recent: vec![BTreeMap::new(); plan.topics.len()],
            unflushed: BTreeMap::new(),
            next_unflushed: 0,
            published: 0,
            acknowledged: 0,
            expired: 0,
            discarded: 0,
            plan,
        }
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.up
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
            expired: self.expired,
            discarded: self.discarded,
        }
    }

    fn plan_of(&self, lane: u32) -> &SubscriptionPlan {
        &self.plan.subscriptions[self.lanes[lane as usize].members[0] as usize]
    }

    /// A message arrived over the link whose other direction is `back`.
    pub fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, out: &mut Outbox) {
        match payload {
            Payload::Publish(publication) => {
                if self.brokers.is_some() {
                    return self.append(now, &publication, back, out);
                }
                let Publication { topic, awaited, ref update, .. } = *publication;
                if let (Some(number), Some(link)) = (awaited, back) {
                    self.confirm(now, Unflushed { link, number, update: update.id }, out);
                }
                if !self.is_again(now, topic, update.id, out) {
                    self.take_in(now, topic, update, None, out);
                }
            }
            Payload::Acknowledge(event, generation) => self.on_acknowledge(now, event, generation, out),
            Payload::Heartbeat(heartbeat) => {
                if let Some(back) = back {
                    self.on_heartbeat(now, &heartbeat, back, out);
                }
            }
            Payload::Refuse(delivery) => self.on_failure(now, delivery, false, out),
            Payload::Operate(_)
            | Payload::Operated(..)
            | Payload::Returned(..)
            | Payload::Written(..)
            | Payload::Redirected(..)
            | Payload::Wire(_)
            | Payload::Apply(..)
            | Payload::Atomic(_)
            | Payload::Applied(..)
            | Payload::Published(_)
            | Payload::Deliver(_) => unreachable!("no such message is sent to a bus"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, out: &mut Outbox) {
        // While nobody leads, its brokers are what goes on.
        if !self.up && (self.stopped || !matches!(timer, Timer::Broker(_))) {
            self.missed.push(timer);
            return;
        }
        match timer {
            Timer::AckDeadline(delivery) => self.on_failure(now, delivery, true, out),
            Timer::Ready(event) => {
                // It may have been acknowledged late, while it waited.
                let Some(kept) = self.kept.get(&event) else { return };
                let lane = kept.lane;
                self.lanes[lane as usize].ready.push_back(event);
                self.deliver(now, lane, out);
            }
            Timer::Rewound(event) => {
                let Some(kept) = self.kept.get(&event) else { return };
                let (lane, partition) = (kept.lane, kept.partition);
                if let Some(log) = self.lanes[lane as usize].logs.get_mut(&partition) {
                    log.waits = false;
                }
                self.deliver_log(now, lane, partition, out);
            }
            Timer::Expire(event) => self.on_expiry(now, event, out),
            Timer::Session(subscription) => self.on_session(now, subscription, out),
            Timer::Broker(number) => self.on_broker(now, number, out),
            Timer::Flushed(number) => {
                if let Some(publication) = self.unflushed.remove(&number) {
                    let about = About { update: Some(publication.update), ..About::default() };
                    out.send(publication.link, Payload::Published(publication.number), about);
                }
            }
            Timer::JobDone(_)
            | Timer::CallTimeout(_)
            | Timer::PublishTimeout(_)
            | Timer::PublishDue(_)
            | Timer::Poll(_)
            | Timer::Commit(_)
            | Timer::Heartbeat(_)
            | Timer::Again(_)
            | Timer::Undecided(_)
            | Timer::Protocol(_)
            | Timer::Scripted(_)
            | Timer::Generated(_)
            | Timer::OperationTimeout(_) => unreachable!("no such timer is set by a bus"),
        }
    }

    /// Delivers what is ready, as far as unacknowledged deliveries are allowed.
    fn deliver(&mut self, now: Micros, lane: u32, out: &mut Outbox) {
        loop {
            let queues = &mut self.lanes[lane as usize];
            let members = queues.members.len();
            let free = |at: &usize| {
                queues.in_flight[*at] < self.plan.subscriptions[queues.members[*at] as usize].max_in_flight
            };
            let Some(member) = (0..members).map(|step| (queues.turn + step) % members).find(free) else { return };
            let Some(event) = queues.ready.pop_front() else { return };
            // It may have been acknowledged late, while it waited its turn.
            if self.kept.contains_key(&event) {
                queues.turn = (member + 1) % members;
                self.deliver_event(now, lane, member, event, None, out);
            }
        }
    }

    fn deliver_event(
        &mut self,
        now: Micros,
        lane: u32,
        member: usize,
        event: u32,
        follows: Option<u32>,
        out: &mut Outbox,
    ) {
        let Some(kept) = self.kept.get_mut(&event) else { return };
        let queues = &mut self.lanes[lane as usize];
        let (first, to) = (queues.members[0] as usize, queues.members[member]);
        let plan = &self.plan.subscriptions[to as usize];
        kept.deliveries += 1;
        kept.sent = now;
        let delivery = self.next_delivery;
        self.next_delivery += 1;
        let (attempt, update, partition) = (kept.deliveries, kept.update.clone(), kept.partition);
        let (id, log) = (self.plan.subscriptions[first].id, plan.order == Order::Log);
        out.record(Fact::EventSent { subscription: id, event, update: update.id, attempt });
        let about = About { update: Some(update.id), operation: None, attempt };
        let life = queues.places.get(member).map_or(0, |place| place.life);
        let generation = queues.logs.get(&partition).map_or(0, |log| log.generation);
        let subscription = plan.at_consumer;
        let message = Delivery { subscription, event, delivery, attempt, partition, follows, life, generation, update };
        out.send(plan.link, Payload::Deliver(Arc::new(message)), about);
        if plan.acknowledge == Acknowledge::Never {
            if log {
                self.commit(lane, partition, event, out);
            } else {
                self.done(lane, event, out);
            }
        } else {
            kept.delivery = Some((delivery, member as u32));
            self.deliveries.insert(delivery, event);
            queues.in_flight[member] += 1;
            // A reader with a session may take its time.
            if queues.places.is_empty() {
                out.wake(now + plan.deadline, Timer::AckDeadline(delivery));
            }
        }
    }

    /// A delivery is over, however it ended.
    fn land(&mut self, event: u32) {
        let Some(kept) = self.kept.get_mut(&event) else { return };
        if let Some((delivery, member)) = kept.delivery.take() {
            self.deliveries.remove(&delivery);
            self.lanes[kept.lane as usize].in_flight[member as usize] -= 1;
        }
    }

    fn on_acknowledge(&mut self, now: Micros, event: u32, generation: u32, out: &mut Outbox) {
        let Some(lane) = self.kept.get(&event).map(|kept| kept.lane) else { return };
        if self.plan_of(lane).order == Order::Log {
            return self.commit_of(now, event, generation, out);
        }
        self.land(event);
        self.done(lane, event, out);
        self.deliver(now, lane, out);
    }

    /// A reader of a log commits; refused where the partition was taken from it since.
    fn commit_of(&mut self, now: Micros, event: u32, generation: u32, out: &mut Outbox) {
        let Some(kept) = self.kept.get(&event) else { return };
        let (lane, partition) = (kept.lane, kept.partition);
        let log = self.lanes[lane as usize].logs.get(&partition);
        if kept.delivery.is_some() && log.is_some_and(|log| log.generation == generation) {
            self.commit(lane, partition, event, out);
            self.deliver_log(now, lane, partition, out);
        }
    }

    fn done(&mut self, lane: u32, event: u32, out: &mut Outbox) {
        let Some(kept) = self.kept.remove(&event) else { return };
        self.acknowledged += 1;
        let id = self.plan_of(lane).id;
        out.record(Fact::EventAcknowledged { subscription: id, event, update: kept.update.id });
        self.leave(lane, event, kept.update.key);
    }

    /// An event leaves its key's line; the next one there becomes ready.
    fn leave(&mut self, lane: u32, event: u32, key: KeyId) {
        let lane = &mut self.lanes[lane as usize];
        let Some(line) = lane.keys.get_mut(&key) else { return };
        if line.front() != Some(&event) {
            line.retain(|other| *other != event);
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
    fn on_failure(&mut self, now: Micros, delivery: u32, silent: bool, out: &mut Outbox) {
        let Some(&event) = self.deliveries.get(&delivery) else { return };
        self.land(event);
        let Some(kept) = self.kept.get(&event) else { return };
        let (lane, deliveries, waited) = (kept.lane, kept.deliveries, kept.waited);
        let plan = &mut self.plan.subscriptions[self.lanes[lane as usize].members[0] as usize];
        let counted = match plan.limit_counts {
            Limit::Deliveries => deliveries,
            Limit::Redeliveries => deliveries - 1,
        };
        if plan.max_deliveries.is_some_and(|most| counted >= most) {
            self.give_up(now, lane, event, out);
        } else if plan.order == Order::Log {
            return self.rewind(now, lane, kept.partition, silent, out);
        } else {
            let wait = wait(&plan.backoff, deliveries, waited, &mut plan.waits);
            let (id, not_before, update) = (plan.id, now + wait, kept.update.id);
            out.record(Fact::EventQueued { subscription: id, event, update, not_before, deliveries });
            if let Some(kept) = self.kept.get_mut(&event) {
                kept.waited = wait as f64 / 1000.0;
            }
            if wait == 0 {
                self.lanes[lane as usize].ready.push_back(event);
            } else {
                out.wake(not_before, Timer::Ready(event));
            }
        }
        self.deliver(now, lane, out);
    }
}
