//! What a bus takes in: publications, each once within the window of deduplication, as one event for each lane.

use super::{Bus, Kept, Log, Unflushed};
use crate::engine::message::{About, Payload, Update};
use crate::engine::outbox::Outbox;
use crate::engine::queue::Timer;
use crate::scenario::{Micros, Order};
use crate::trace::{Fact, UpdateId};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

impl Bus {
    /// Acknowledges a publication, at once or when it is flushed.
    pub(super) fn confirm(&mut self, now: Micros, publication: Unflushed, out: &mut Outbox) {
        if self.plan.acknowledges_flushed && self.plan.flush > 0 {
            let number = self.next_unflushed;
            self.next_unflushed += 1;
            self.unflushed.insert(number, publication);
            out.wake(now + self.plan.flush, Timer::Flushed(number));
        } else {
            let about = About { update: Some(publication.update), ..About::default() };
            out.send(publication.link, Payload::Published(publication.number), about);
        }
    }

    /// Whether an update was published to a topic within its window of deduplication; it is remembered either way.
    pub(super) fn is_again(&mut self, now: Micros, topic: u32, update: UpdateId, out: &mut Outbox) -> bool {
        let Some(window) = self.plan.topics[topic as usize].dedup else { return false };
        let recent = &mut self.recent[topic as usize];
        // Updates are numbered in order, so the least number is about the oldest.
        while recent.first_key_value().is_some_and(|(_, at)| at + window <= now) {
            recent.pop_first();
        }
        let again = recent.get(&update).is_some_and(|at| at + window > now);
        if again {
            out.record(Fact::EventDeduplicated { bus: self.plan.node, update });
        } else {
            recent.insert(update, now);
        }
        again
    }

    /// Takes an update in, for each lane of the topic. With an offset it is not committed yet, and waits; its events.
    pub(super) fn take_in(
        &mut self,
        now: Micros,
        topic: u32,
        update: &Arc<Update>,
        offset: Option<u64>,
        out: &mut Outbox,
    ) -> Vec<u32> {
        let lanes: Vec<u32> = (0..self.lanes.len() as u32).filter(|lane| self.plan_of(*lane).topic == topic).collect();
        let partition = partition(out.names.key(update.key), self.plan.topics[topic as usize].partitions);
        out.record(Fact::EventPublished {
            bus: self.plan.node,
            update: update.id,
            topic,
            partition,
            subscriptions: lanes.len() as u32,
        });
        let mut events = Vec::new();
        for lane in lanes {
            let event = self.next_event;
            self.next_event += 1;
            self.published += 1;
            let retention = self.plan.topics[topic as usize].retention;
            self.keep(now, lane, event, partition, update.clone(), retention, out);
            match offset {
                None => self.line_up(now, event, out),
                Some(_) => {
                    if let Some(kept) = self.kept.get_mut(&event) {
                        kept.offset = offset;
                    }
                    events.push(event);
                }
            }
        }
        events
    }

    #[expect(clippy::too_many_arguments, reason = "an event is just that much")]
    pub(super) fn keep(
        &mut self,
        now: Micros,
        lane: u32,
        event: u32,
        partition: u32,
        update: Arc<Update>,
        retention: Option<Micros>,
        out: &mut Outbox,
    ) {
        let id = self.plan_of(lane).id;
        out.record(Fact::EventQueued { subscription: id, event, update: update.id, not_before: now, deliveries: 0 });
        let expires = retention.map(|time| now + time);
        if let Some(at) = expires {
            out.wake(at, Timer::Expire(event));
        }
        let kept = Kept {
            lane,
            update,
            partition,
            deliveries: 0,
            delivery: None,
            sent: now,
            since: now,
            offset: None,
            expires,
            waited: 0.0,
        };
        self.kept.insert(event, kept);
    }

    /// Puts an event that is kept into the order of its lane, to be delivered when it is its turn.
    pub(super) fn line_up(&mut self, now: Micros, event: u32, out: &mut Outbox) {
        let Some(kept) = self.kept.get(&event) else { return };
        let (lane, partition, key) = (kept.lane, kept.partition, kept.update.key);
        let order = self.plan_of(lane).order;
        let queues = &mut self.lanes[lane as usize];
        match order {
            Order::None => queues.ready.push_back(event),
            Order::FifoPerKey => {
                let line = queues.keys.entry(key).or_default();
                line.push_back(event);
                if line.len() == 1 {
                    queues.ready.push_back(event);
                }
            }
            Order::Log => {
                let member = self.reader_of(lane, partition);
                let queues = &mut self.lanes[lane as usize];
                queues.logs.entry(partition).or_insert_with(|| Log::read_by(member)).events.push_back(event);
                return self.deliver_log(now, lane, partition, out);
            }
        }
        self.deliver(now, lane, out);
    }
}

/// The partition of a key: its XXH3 hash, so that it depends on the key alone.
fn partition(key: &str, partitions: u32) -> u32 {
    (xxh3_64(key.as_bytes()) % u64::from(partitions)) as u32
}
