//! The consumer side of subscriptions: the order in which a node handles events, and when it acknowledges them. The service or
//! the member of a group applies the effect of an event.

mod attachment_state;
mod attachments;
mod reader_sessions;

use super::context::Context;
use super::inbox::Inbox;
use super::message::{About, Delivery, LinkId, Payload, Presence};
use super::partition_reader::{PartitionReader, ReaderSession, ReaderSessionConfig};
use super::queue::Timer;
use super::random::{Sampler, Stream};
use crate::scenario::{Acknowledge, Effect, Micros};
use crate::trace::{Fact, HandlingFailure, SubscriptionId, UpdateId};
use attachment_state::AttachmentState;
use litemap::LiteMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// How a handler's consumer is attached to the bus.
#[derive(Clone, Copy, Debug)]
pub enum HandlerAttachment {
    /// A connection.
    Connection {
        /// How long it lasts without a heartbeat; for ever if none.
        heartbeat: Option<Micros>,
        /// Whether it sends a message again that a link loses.
        reliable: bool,
    },
    /// Polling.
    Polling {
        /// The maximum number of events of a receive.
        batch: u32,
        /// How long the bus holds a receive without an event.
        wait: Micros,
        /// How many events wait in the consumer beyond its free workers.
        prefetch: u32,
    },
}

/// The configuration of a handler: how a consumer handles the events of one subscription.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The subscription.
    pub id: SubscriptionId,
    /// The first subscription of its consumer group; itself without a group.
    pub queue: SubscriptionId,
    /// The link to the bus.
    pub link: LinkId,
    /// The effect on the store.
    pub effect: Effect,
    /// How long the handling of an event takes.
    pub processing: Sampler,
    /// The random numbers of `processing`.
    pub durations: Stream,
    /// The probability that the handling fails.
    pub fails: f64,
    /// The random numbers of `fails`.
    pub failures: Stream,
    /// When the consumer acknowledges.
    pub acknowledge: Acknowledge,
    /// How long the bus waits for an acknowledgement.
    pub deadline: Micros,
    /// Whether the subscription is read as a log.
    pub log: bool,
    /// How the consumer is attached.
    pub attach: HandlerAttachment,
    /// Whether the consumer sends a negative acknowledgement after a failure.
    pub refuses: bool,
    /// The configuration of the reader's session; none if it has no session.
    pub session: Option<ReaderSessionConfig>,
    /// The interval at which acknowledgements are sent together; each is sent at once if none.
    pub commit_every: Option<Micros>,
    /// The events that were handled; none without an inbox.
    pub inbox: Option<Inbox>,
}

/// The last event to be acknowledged at the next commit of offsets: generation or delivery, number and update.
type Offset = (u32, u32, UpdateId);

/// The handlers of a consumer and their progress. A crash loses all progress but the inboxes.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// The handlers, in the order of the scenario.
    pub handlers: Vec<Handler>,
    /// The reader of each partition of a log, by handler and partition.
    readers: LiteMap<(u32, u32), PartitionReader>,
    /// The last event handled since the last commit, by handler and partition of a log; by handler and delivery without a log.
    uncommitted: LiteMap<(u32, u32), Offset>,
    /// The attachment of each handler.
    attachments: Vec<AttachmentState>,
    /// The number of connections so far, over all handlers.
    connections: u32,
    /// Whether any handler polls.
    polls: bool,
    /// The session of the reader of each handler.
    sessions: Vec<Option<ReaderSession>>,
    /// The number of heartbeat timers so far.
    heartbeats: u32,
    /// Events that readers with sessions have polled, beyond the one returned.
    ready_deliveries: VecDeque<Arc<Delivery>>,
}

impl Consumer {
    /// Returns a consumer that has received no event.
    pub fn new(handlers: Vec<Handler>) -> Self {
        let sessions = handlers.iter().map(|handler| handler.session.map(ReaderSession::new)).collect();
        let (readers, uncommitted, ready_deliveries) = (LiteMap::new(), LiteMap::new(), VecDeque::new());
        let attachments: Vec<AttachmentState> = (1..).take(handlers.len()).map(AttachmentState::new).collect();
        let connections = attachments.len() as u32;
        let polls = handlers.iter().any(|handler| matches!(handler.attach, HandlerAttachment::Polling { .. }));
        let heartbeats = 0;
        Consumer {
            handlers,
            readers,
            uncommitted,
            attachments,
            connections,
            polls,
            sessions,
            heartbeats,
            ready_deliveries,
        }
    }

    fn assert_valid(&self) {
        debug_assert!(self.attachments.len() == self.handlers.len(), "each handler has an attachment");
        debug_assert!(self.sessions.len() == self.handlers.len(), "each handler has a session, or none");
    }

    /// Receives a delivery, and returns the event to be handled now, if any. Further ones follow from
    /// [`Consumer::next_ready`].
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>, ctx: &mut Context) -> Option<Arc<Delivery>> {
        debug_assert!(delivery.attempt > 0 && delivery.batch > 0, "deliveries are counted from 1");
        debug_assert!((delivery.subscription as usize) < self.handlers.len(), "a delivery names a handler");
        if !self.handlers[delivery.subscription as usize].log {
            self.count_received(delivery.subscription as usize, delivery.incarnation, delivery.batch);
            self.begin(&delivery, ctx);
            return Some(delivery);
        }
        let at = (delivery.subscription, delivery.partition);
        match &mut self.sessions[at.0 as usize] {
            None => self.readers.entry(at).or_default().on_delivery(delivery),
            Some(session) if session.is_member && session.incarnation == delivery.incarnation => {
                session.released.clear();
                self.readers.entry(at).or_insert_with(PartitionReader::polling).on_delivery(delivery);
            }
            // It was sent to an earlier incarnation of the reader.
            Some(_) => {
                let subscription = self.handlers[at.0 as usize].id;
                let (update, attempt) = (delivery.update.id, delivery.attempt);
                ctx.record(Fact::DeliveryDiscarded { subscription, update, attempt });
                return None;
            }
        }
        let next = self.next_in_partition(at, ctx);
        self.record_discarded(at.0, ctx);
        next
    }

    /// Returns the next event that can be handled now, if any.
    pub fn next_ready(&mut self, ctx: &mut Context) -> Option<Arc<Delivery>> {
        let delivery = self.ready_deliveries.pop_front()?;
        debug_assert!((delivery.subscription as usize) < self.handlers.len(), "a delivery names a handler");
        debug_assert!(self.sessions[delivery.subscription as usize].is_some(), "only readers with sessions poll");
        self.begin(&delivery, ctx);
        Some(delivery)
    }

    /// Ends the handling of an event, and returns the next one of its partition, if any. Further ones follow from
    /// [`Consumer::next_ready`].
    pub fn next_after(&mut self, delivery: &Delivery, ctx: &mut Context) -> Option<Arc<Delivery>> {
        debug_assert!((delivery.subscription as usize) < self.handlers.len(), "a delivery names a handler");
        let at = (delivery.subscription, delivery.partition);
        self.readers.get_mut(&at)?.on_handled();
        debug_assert!(self.handlers[at.0 as usize].log, "only a log has readers");
        let next = self.next_in_partition(at, ctx);
        self.record_discarded(at.0, ctx);
        next
    }

    fn next_in_partition(&mut self, at: (u32, u32), ctx: &mut Context) -> Option<Arc<Delivery>> {
        debug_assert!((at.0 as usize) < self.handlers.len(), "a partition is read by a handler");
        debug_assert!(self.handlers[at.0 as usize].log, "only a log has partitions");
        if self.sessions[at.0 as usize].is_some() {
            self.poll(ctx.now, at.0, ctx);
            return self.next_ready(ctx);
        }
        let mut skipped = Vec::new();
        let next = self.readers.get_mut(&at).and_then(|reader| reader.take(&mut skipped));
        self.acknowledge_again(&skipped, ctx);
        let delivery = next?;
        self.begin(&delivery, ctx);
        Some(delivery)
    }

    /// Records the deliveries that the readers of a handler discarded.
    fn record_discarded(&mut self, handler: u32, ctx: &mut Context) {
        debug_assert!(self.handlers[handler as usize].log, "only the reader of a log discards deliveries");
        self.assert_valid();
        let subscription = self.handlers[handler as usize].id;
        for (_, reader) in self.readers.iter_mut().filter(|((of, _), _)| *of == handler) {
            for delivery in reader.take_discarded() {
                let (update, attempt) = (delivery.update.id, delivery.attempt);
                ctx.record(Fact::DeliveryDiscarded { subscription, update, attempt });
            }
        }
    }

    /// Acknowledges events that were delivered again after they were handled, since their acknowledgements may be lost.
    fn acknowledge_again(&mut self, skipped: &[Arc<Delivery>], ctx: &mut Context) {
        self.assert_valid();
        for delivery in skipped {
            debug_assert!(self.handlers[delivery.subscription as usize].log, "only the reader of a log skips events");
            if self.handlers[delivery.subscription as usize].acknowledge != Acknowledge::Never {
                self.acknowledge(ctx.now, delivery, ctx);
            }
        }
    }

    /// Begins the handling of an event. Acknowledges the event now if its handler acknowledges before processing.
    fn begin(&mut self, delivery: &Delivery, ctx: &mut Context) {
        if self.handlers[delivery.subscription as usize].acknowledge == Acknowledge::BeforeProcessing {
            self.acknowledge(ctx.now, delivery, ctx);
        }
    }

    /// Acknowledges an event that was handled, unless it was acknowledged before.
    pub fn succeed(&mut self, now: Micros, delivery: &Delivery, ctx: &mut Context) {
        if self.handlers[delivery.subscription as usize].acknowledge == Acknowledge::AfterProcessing {
            self.acknowledge(now, delivery, ctx);
        }
    }

    /// Acknowledges an event, at once or with the next commit of offsets.
    fn acknowledge(&mut self, now: Micros, delivery: &Delivery, ctx: &mut Context) {
        let handler = &self.handlers[delivery.subscription as usize];
        debug_assert!(handler.acknowledge != Acknowledge::Never, "the bus expects an acknowledgement");
        let reference = if handler.log { delivery.generation } else { delivery.delivery };
        let (event, generation) = (delivery.event, delivery.generation);
        let at = (delivery.subscription, if handler.log { delivery.partition } else { delivery.delivery });
        match handler.commit_every {
            None => {
                let about = About { update: Some(delivery.update.id), operation: None, attempt: delivery.attempt };
                let connection = self.resending_connection(delivery);
                ctx.send(handler.link, Payload::Acknowledge(event, reference, connection), about);
                if let Some(reader) = self.readers.get_mut(&at).filter(|_| handler.log) {
                    reader.on_commit(event, generation);
                }
            }
            Some(interval) => {
                debug_assert!(interval > 0, "offsets are committed at an interval");
                let is_first = !self.uncommitted.keys().any(|(handler, _)| *handler == delivery.subscription);
                let offset = (reference, event, delivery.update.id);
                let last = self.uncommitted.entry(at).or_insert(offset);
                *last = (*last).max(offset);
                if is_first {
                    ctx.wake((now / interval + 1) * interval, Timer::CommitOffsets(delivery.subscription));
                }
            }
        }
    }

    /// Sends the acknowledgements of a handler that are due together.
    pub fn commit_offsets(&mut self, handler: u32, ctx: &mut Context) {
        debug_assert!((handler as usize) < self.handlers.len(), "a timer names a handler");
        debug_assert!(self.handlers[handler as usize].commit_every.is_some(), "its acknowledgements are sent together");
        let Handler { link, log, attach, .. } = self.handlers[handler as usize];
        let connection = match attach {
            HandlerAttachment::Connection { reliable: true, .. } => self.attachments[handler as usize].connection,
            HandlerAttachment::Connection { .. } | HandlerAttachment::Polling { .. } => 0,
        };
        for (at, (reference, event, update)) in &self.uncommitted {
            if at.0 == handler {
                let about = About { update: Some(*update), ..About::default() };
                ctx.send(link, Payload::Acknowledge(*event, *reference, connection), about);
                if let Some(reader) = self.readers.get_mut(at).filter(|_| log) {
                    reader.on_commit(*event, *reference);
                }
            }
        }
        self.uncommitted.retain(|(other, _), _| *other != handler);
    }

    /// Refuses an event whose handling failed without an effect on the store.
    pub fn fail(&mut self, delivery: &Delivery, cause: HandlingFailure, ctx: &mut Context) {
        debug_assert!(delivery.attempt > 0, "deliveries are counted from 1");
        debug_assert!((delivery.subscription as usize) < self.handlers.len(), "a delivery names a handler");
        if let Some(reader) = self.readers.get_mut(&(delivery.subscription, delivery.partition)) {
            // What is acknowledged before it is handled is not redelivered.
            match self.handlers[delivery.subscription as usize].acknowledge {
                Acknowledge::AfterProcessing => reader.on_failed(delivery.place.position),
                Acknowledge::BeforeProcessing | Acknowledge::Never => reader.on_handled(),
            }
        }
        let handler = &self.handlers[delivery.subscription as usize];
        let (update, attempt) = (delivery.update.id, delivery.attempt);
        ctx.record(Fact::HandlingFailed { subscription: handler.id, update, attempt, cause });
        if handler.acknowledge == Acknowledge::AfterProcessing && handler.refuses {
            let about = About { update: Some(update), operation: None, attempt };
            ctx.send(handler.link, Payload::Refuse(delivery.delivery, self.resending_connection(delivery)), about);
        }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        self.assert_valid();
        assert!(self.readers.keys().all(|(handler, _)| (*handler as usize) < self.handlers.len()), "a handler reads");
    }

    /// Loses all progress; the inboxes are lost only with the disk. The end of the process closes its connections.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        self.assert_valid();
        ctx.forget_resends();
        for handler in 0..self.handlers.len() {
            self.report_presence(handler, Presence::Closes, ctx);
        }
        self.attachments.iter_mut().for_each(AttachmentState::crash);
        self.uncommitted.clear();
        self.readers.clear();
        self.ready_deliveries.clear();
        for session in self.sessions.iter_mut().flatten() {
            session.timer = None;
        }
        if lose_disk {
            for inbox in self.handlers.iter_mut().filter_map(|handler| handler.inbox.as_mut()) {
                inbox.clear();
            }
        }
    }
}
