//! The acceptance of publications. The bus accepts an update once within the window of deduplication, and stores one event for
//! each queue of its topic.

use super::Bus;
use super::subscription_queue::{PartitionLog, PublicationAck, StoredEvent};
use crate::engine::context::Context;
use crate::engine::message::{About, LinkId, Payload, Publication, StreamPosition, Update};
use crate::engine::queue::Timer;
use crate::scenario::{Micros, Order};
use crate::trace::{Fact, UpdateId};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

impl Bus {
    /// Handles a publication; `reply_link` is the link back to the publisher.
    pub(super) fn on_publication(
        &mut self,
        now: Micros,
        publication: &Publication,
        reply_link: Option<LinkId>,
        ctx: &mut Context,
    ) {
        debug_assert!(self.up, "a bus that is down accepts nothing");
        let Publication { topic, awaited, position, ref update, .. } = *publication;
        debug_assert!((topic as usize) < self.config.topics.len(), "the topic exists");
        if let Some(position) = position
            && !self.is_next(topic, position)
        {
            return ctx.record(Fact::PublicationSkipped { bus: self.config.node, update: update.id });
        }
        if self.brokers.is_some() {
            if !self.append(now, publication, reply_link, ctx) {
                return;
            }
        } else {
            if let (Some(number), Some(link)) = (awaited, reply_link) {
                self.acknowledge_publication(now, PublicationAck { link, number, update: update.id }, ctx);
            }
            if !self.is_duplicate(now, topic, update.id, ctx) {
                self.accept(now, topic, update, None, ctx);
            }
        }
        if let Some(StreamPosition { publisher, stream, number }) = position {
            self.streams.insert((publisher, topic), (stream, number + 1));
        }
    }

    /// Returns whether an entry follows the last accepted one of its stream. A new stream may begin at any time.
    fn is_next(&self, topic: u32, position: StreamPosition) -> bool {
        let StreamPosition { publisher, stream, number } = position;
        match self.streams.get(&(publisher, topic)) {
            Some((current, next)) if *current == stream => number == *next,
            Some((current, _)) if *current > stream => false,
            Some(_) | None => number == 0,
        }
    }

    /// Ends all streams, so that none continues after a lost entry. Their relays start new streams.
    pub(super) fn end_streams(&mut self) {
        for ((_, topic), (_, next)) in &mut self.streams {
            debug_assert!((*topic as usize) < self.config.topics.len(), "the topic exists");
            debug_assert!(*next > 0, "a stream begins with its first entry");
            *next = u32::MAX;
        }
    }

    /// Acknowledges a publication, at once or after the flush.
    pub(super) fn acknowledge_publication(&mut self, now: Micros, publication: PublicationAck, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a publication is acknowledged now or after the flush");
        if self.config.acknowledges_flushed && self.config.flush > 0 {
            let number = self.next_pending_ack;
            self.next_pending_ack += 1;
            let previous = self.pending_acks.insert(number, publication);
            debug_assert!(previous.is_none(), "numbers of acknowledgements are not reused");
            ctx.wake(now + self.config.flush, Timer::FlushDone(number));
        } else {
            let about = About { update: Some(publication.update), ..About::default() };
            ctx.send(publication.link, Payload::Published(publication.number), about);
        }
    }

    /// Returns whether an update was published to a topic within the window of deduplication. If not, keeps it for the next call.
    pub(super) fn is_duplicate(&mut self, now: Micros, topic: u32, update: UpdateId, ctx: &mut Context) -> bool {
        debug_assert!((topic as usize) < self.recent_updates.len(), "the topic exists");
        let Some(window) = self.config.topics[topic as usize].dedup else { return false };
        let recent_updates = &mut self.recent_updates[topic as usize];
        // Updates are numbered in order, so the lowest number is about the oldest.
        while recent_updates.first_key_value().is_some_and(|(_, at)| at + window <= now) {
            recent_updates.pop_first();
        }
        debug_assert!(
            recent_updates.first_key_value().is_none_or(|(_, at)| *at <= now),
            "no update is from the future"
        );
        let is_duplicate = recent_updates.get(&update).is_some_and(|at| at + window > now);
        if is_duplicate {
            ctx.record(Fact::EventDeduplicated { bus: self.config.node, update });
        } else {
            recent_updates.insert(update, now);
        }
        is_duplicate
    }

    /// Stores an event for each queue of the topic. With an offset the events are not committed yet: they are returned, and
    /// enqueued later.
    pub(super) fn accept(
        &mut self,
        now: Micros,
        topic: u32,
        update: &Arc<Update>,
        offset: Option<u64>,
        ctx: &mut Context,
    ) -> Vec<u32> {
        let queues: Vec<u32> =
            (0..self.queues.len() as u32).filter(|queue_id| self.config_of(*queue_id).topic == topic).collect();
        let partition = partition(ctx.names.key(update.key), self.config.topics[topic as usize].partitions);
        ctx.record(Fact::EventPublished {
            bus: self.config.node,
            update: update.id,
            topic,
            partition,
            subscriptions: queues.len() as u32,
        });
        debug_assert!(offset.is_some() == self.brokers.is_some(), "brokers give each publication an offset");
        let mut events = Vec::new();
        for queue_id in queues {
            let event = self.next_event;
            self.next_event += 1;
            self.published += 1;
            debug_assert!(!self.stored.contains_key(&event), "numbers of events are not reused");
            let retention = self.config.topics[topic as usize].retention;
            self.store_event(now, queue_id, event, partition, update.clone(), retention, ctx);
            match offset {
                None => self.enqueue(now, event, ctx),
                Some(_) => {
                    if let Some(stored) = self.stored.get_mut(&event) {
                        stored.offset = offset;
                    }
                    events.push(event);
                }
            }
        }
        events
    }

    /// Stores an event for one queue.
    #[expect(clippy::too_many_arguments, reason = "each is a field of the event")]
    pub(super) fn store_event(
        &mut self,
        now: Micros,
        queue_id: u32,
        event: u32,
        partition: u32,
        update: Arc<Update>,
        retention: Option<Micros>,
        ctx: &mut Context,
    ) {
        debug_assert!(event < self.next_event, "the event has a number");
        let id = self.config_of(queue_id).id;
        ctx.record(Fact::EventQueued { subscription: id, event, update: update.id, not_before: now, deliveries: 0 });
        let expires = retention.map(|time| now + time);
        if let Some(at) = expires {
            ctx.wake(at, Timer::EventExpiry(event));
        }
        let stored = StoredEvent {
            queue: queue_id,
            update,
            partition,
            deliveries: 0,
            delivery: None,
            last_delivery: None,
            sent: now,
            log_offset: 0,
            position: 0,
            published_at: now,
            offset: None,
            expires,
            last_wait: 0.0,
        };
        let previous = self.stored.insert(event, stored);
        debug_assert!(previous.is_none(), "an event is stored once");
    }

    /// Enqueues a stored event for delivery.
    pub(super) fn enqueue(&mut self, now: Micros, event: u32, ctx: &mut Context) {
        self.assert_event(event);
        let Some(stored) = self.stored.get(&event) else { return };
        let (queue_id, partition, key) = (stored.queue, stored.partition, stored.update.key);
        let order = self.config_of(queue_id).order;
        let queue = &mut self.queues[queue_id as usize];
        match order {
            Order::None => queue.ready.push_back(event),
            Order::FifoPerKey => {
                let key_queue = queue.key_queues.entry(key).or_default();
                key_queue.push_back(event);
                if key_queue.len() == 1 {
                    queue.ready.push_back(event);
                }
            }
            Order::Log => {
                let member = self.reader_of(queue_id, partition);
                let queue = &mut self.queues[queue_id as usize];
                let log = queue.logs.entry(partition).or_insert_with(|| PartitionLog::read_by(member));
                log.events.push_back(event);
                log.appended += 1;
                let offset = log.appended;
                if let Some(stored) = self.stored.get_mut(&event) {
                    stored.log_offset = offset;
                }
                return self.deliver_log(now, queue_id, partition, ctx);
            }
        }
        self.deliver(now, queue_id, ctx);
    }
}

/// Returns the partition of a key, by its XXH3 hash.
fn partition(key: &str, partitions: u32) -> u32 {
    (xxh3_64(key.as_bytes()) % u64::from(partitions)) as u32
}
