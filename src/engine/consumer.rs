//! How events are handled where they arrive: in which order, and what the bus is told. What handling one does is the
//! service's, or the member's of a group.

mod reader_sessions;

use super::context::Context;
use super::inbox::Inbox;
use super::message::{About, Delivery, LinkId, Payload};
use super::partition_reader::{PartitionReader, ReaderSession, ReaderSessionConfig};
use super::queue::Timer;
use super::random::{Sampler, Stream};
use crate::scenario::{Acknowledge, Effect, Micros};
use crate::trace::{Fact, HandlingFailure, SubscriptionId, UpdateId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What handling an event of a subscription does.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The subscription.
    pub id: SubscriptionId,
    /// The link back to the bus.
    pub link: LinkId,
    /// What it does to the store.
    pub effect: Effect,
    /// How long it takes.
    pub processing: Sampler,
    /// The stream of `processing`.
    pub durations: Stream,
    /// Chance of failure.
    pub fails: f64,
    /// The stream of `fails`.
    pub failures: Stream,
    /// When the bus is told.
    pub acknowledge: Acknowledge,
    /// After how long the bus gives a delivery up.
    pub deadline: Micros,
    /// It reads a log.
    pub log: bool,
    /// How its reader keeps its place in its group, where it has a session.
    pub session: Option<ReaderSessionConfig>,
    /// How often acknowledgements go out, all that came up together; each at once where none.
    pub commit_every: Option<Micros>,
    /// What was handled.
    pub inbox: Option<Inbox>,
}

/// A consumer's handlers, and how far each has come. All but the inboxes is lost in a crash.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// In the document's order.
    pub handlers: Vec<Handler>,
    /// By handler and partition of a log.
    readers: BTreeMap<(u32, u32), PartitionReader>,
    /// Acknowledgements that go out at the next commit: by handler and partition the generation and number of the last
    /// event, and its update.
    uncommitted: BTreeMap<(u32, u32), (u32, u32, UpdateId)>,
    /// By handler: its place in its group, where it reads a log and has a session.
    sessions: Vec<Option<ReaderSession>>,
    /// Timers of heartbeats so far.
    heartbeats: u32,
    /// What readers with sessions are to handle beside what is returned.
    ready_deliveries: VecDeque<Arc<Delivery>>,
}

impl Consumer {
    /// Nothing delivered yet.
    pub fn new(handlers: Vec<Handler>) -> Self {
        let sessions = handlers.iter().map(|handler| handler.session.map(ReaderSession::new)).collect();
        let (readers, uncommitted, ready_deliveries) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        Consumer { handlers, readers, uncommitted, sessions, heartbeats: 0, ready_deliveries }
    }

    /// A delivery came: what is to be handled now, which may be another, or nothing; and then [`Handling::more`].
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>, ctx: &mut Context) -> Option<Arc<Delivery>> {
        if !self.handlers[delivery.subscription as usize].log {
            self.receive(&delivery, ctx);
            return Some(delivery);
        }
        let at = (delivery.subscription, delivery.partition);
        match &self.sessions[at.0 as usize] {
            None => self.readers.entry(at).or_default().on_delivery(delivery),
            Some(session) if session.is_member && session.life == delivery.life => {
                self.readers.entry(at).or_insert_with(PartitionReader::polling).on_delivery(delivery);
            }
            // It was for an earlier life.
            Some(_) => return None,
        }
        self.next_in_partition(at, ctx)
    }

    /// What else is to be handled now; none if that is all.
    pub fn next_ready(&mut self, ctx: &mut Context) -> Option<Arc<Delivery>> {
        let delivery = self.ready_deliveries.pop_front()?;
        self.receive(&delivery, ctx);
        Some(delivery)
    }

    /// The next event of a log's partition, if it is its turn.
    fn next_in_partition(&mut self, at: (u32, u32), ctx: &mut Context) -> Option<Arc<Delivery>> {
        if self.sessions[at.0 as usize].is_some() {
            self.poll(ctx.now, at.0, ctx);
            return self.next_ready(ctx);
        }
        let delivery = self.readers.get_mut(&at).and_then(PartitionReader::take)?;
        self.receive(&delivery, ctx);
        Some(delivery)
    }

    fn receive(&mut self, delivery: &Delivery, ctx: &mut Context) {
        if self.handlers[delivery.subscription as usize].acknowledge == Acknowledge::BeforeProcessing {
            self.acknowledge(ctx.now, delivery, ctx);
        }
    }

    /// An event is handled, or failed: what is to be handled next, of a log; and then [`Handling::more`].
    pub fn next(&mut self, after: &Delivery, ctx: &mut Context) -> Option<Arc<Delivery>> {
        let at = (after.subscription, after.partition);
        self.readers.get_mut(&at)?.on_handled();
        self.next_in_partition(at, ctx)
    }

    /// Handling succeeded.
    pub fn succeed(&mut self, now: Micros, delivery: &Delivery, ctx: &mut Context) {
        if self.handlers[delivery.subscription as usize].acknowledge == Acknowledge::AfterProcessing {
            self.acknowledge(now, delivery, ctx);
        }
    }

    /// Tells the bus that it has an event, at once or with the next commit.
    fn acknowledge(&mut self, now: Micros, delivery: &Delivery, ctx: &mut Context) {
        let handler = &self.handlers[delivery.subscription as usize];
        let (event, generation, at) =
            (delivery.event, delivery.generation, (delivery.subscription, delivery.partition));
        match handler.commit_every {
            None => {
                let about = About { update: Some(delivery.update.id), operation: None, attempt: delivery.attempt };
                ctx.send(handler.link, Payload::Acknowledge(event, generation), about);
                if let Some(reader) = self.readers.get_mut(&at) {
                    reader.on_commit(event, generation);
                }
            }
            Some(every) => {
                let first = !self.uncommitted.keys().any(|(handler, _)| *handler == delivery.subscription);
                let last = (generation, event, delivery.update.id);
                let kept = self.uncommitted.entry(at).or_insert_with(|| last);
                *kept = (*kept).max(last);
                if first {
                    ctx.wake((now / every + 1) * every, Timer::CommitOffsets(delivery.subscription));
                }
            }
        }
    }

    /// Sends the acknowledgements of a handler that came up since the last time.
    pub fn commit_offsets(&mut self, handler: u32, ctx: &mut Context) {
        let link = self.handlers[handler as usize].link;
        for (at, (generation, event, update)) in &self.uncommitted {
            if at.0 == handler {
                let about = About { update: Some(*update), ..About::default() };
                ctx.send(link, Payload::Acknowledge(*event, *generation), about);
                if let Some(reader) = self.readers.get_mut(at) {
                    reader.on_commit(*event, *generation);
                }
            }
        }
        self.uncommitted.retain(|(at, _), _| *at != handler);
    }

    /// Handling failed, and left the store as it was.
    pub fn fail(&mut self, delivery: &Delivery, cause: HandlingFailure, ctx: &mut Context) {
        if let Some(reader) = self.readers.get_mut(&(delivery.subscription, delivery.partition)) {
            reader.on_failed();
        }
        let handler = &self.handlers[delivery.subscription as usize];
        let (update, attempt) = (delivery.update.id, delivery.attempt);
        ctx.record(Fact::HandlingFailed { subscription: handler.id, update, attempt, cause });
        if handler.acknowledge == Acknowledge::AfterProcessing {
            let about = About { update: Some(update), operation: None, attempt };
            ctx.send(handler.link, Payload::Refuse(delivery.delivery), about);
        }
    }

    /// What was under way is gone; inboxes stay unless the disk is lost.
    pub fn crash(&mut self, lose_disk: bool) {
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
