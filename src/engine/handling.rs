//! How events are handled where they arrive: in which order, and what the bus is told. What handling one does is the
//! service's, or the member's of a group.

use super::chance::{Sampler, Stream};
use super::inbox::Inbox;
use super::message::{About, Delivery, LinkId, Payload};
use super::outbox::Outbox;
use super::queue::Timer;
use super::reader::Reader;
use crate::ordered::Map;
use crate::scenario::{Acknowledge, Effect, Micros};
use crate::trace::{Fact, HandlingFailure, SubscriptionId, UpdateId};
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
    /// How often acknowledgements go out, all that came up together; each at once where none.
    pub commit_every: Option<Micros>,
    /// What was handled.
    pub inbox: Option<Inbox>,
}

/// A consumer's handlers, and how far each has come. All but the inboxes is lost in a crash.
#[derive(Clone, Debug)]
pub struct Handling {
    /// In the document's order.
    pub handlers: Vec<Handler>,
    /// By handler and partition of a log.
    readers: Map<(u32, u32), Reader>,
    /// Acknowledgements that go out at the next commit: by handler and partition the last event, and its update.
    uncommitted: Map<(u32, u32), (u32, UpdateId)>,
}

impl Handling {
    /// Nothing delivered yet.
    pub fn new(handlers: Vec<Handler>) -> Self {
        Handling { handlers, readers: Map::new(), uncommitted: Map::new() }
    }

    /// A delivery came: what is to be handled now, which may be another, or nothing.
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>, out: &mut Outbox) -> Option<Arc<Delivery>> {
        if !self.handlers[delivery.subscription as usize].log {
            self.receive(&delivery, out);
            return Some(delivery);
        }
        let at = (delivery.subscription, delivery.partition);
        self.readers.or_default(at).on_delivery(delivery);
        self.read_on(at, out)
    }

    /// The next event of a log's partition, if it is its turn.
    fn read_on(&mut self, at: (u32, u32), out: &mut Outbox) -> Option<Arc<Delivery>> {
        let delivery = self.readers.get_mut(&at).and_then(Reader::take)?;
        self.receive(&delivery, out);
        Some(delivery)
    }

    fn receive(&mut self, delivery: &Delivery, out: &mut Outbox) {
        if self.handlers[delivery.subscription as usize].acknowledge == Acknowledge::BeforeProcessing {
            self.acknowledge(out.now, delivery, out);
        }
    }

    /// An event is handled, or failed: what is to be handled next, of a log.
    pub fn next(&mut self, after: &Delivery, out: &mut Outbox) -> Option<Arc<Delivery>> {
        let at = (after.subscription, after.partition);
        self.readers.get_mut(&at)?.done();
        self.read_on(at, out)
    }

    /// Handling succeeded.
    pub fn succeed(&mut self, now: Micros, delivery: &Delivery, out: &mut Outbox) {
        if self.handlers[delivery.subscription as usize].acknowledge == Acknowledge::AfterProcessing {
            self.acknowledge(now, delivery, out);
        }
    }

    /// Tells the bus that it has an event, at once or with the next commit.
    fn acknowledge(&mut self, now: Micros, delivery: &Delivery, out: &mut Outbox) {
        let handler = &self.handlers[delivery.subscription as usize];
        match handler.commit_every {
            None => {
                let about = About { update: Some(delivery.update.id), operation: None, attempt: delivery.attempt };
                out.send(handler.link, Payload::Acknowledge(delivery.event), about);
            }
            Some(every) => {
                let first = !self.uncommitted.keys().any(|(handler, _)| *handler == delivery.subscription);
                let last = (delivery.event, delivery.update.id);
                let kept = self.uncommitted.or_insert_with((delivery.subscription, delivery.partition), || last);
                *kept = (*kept).max(last);
                if first {
                    out.wake((now / every + 1) * every, Timer::Commit(delivery.subscription));
                }
            }
        }
    }

    /// Sends the acknowledgements of a handler that came up since the last time.
    pub fn commit_offsets(&mut self, handler: u32, out: &mut Outbox) {
        let link = self.handlers[handler as usize].link;
        for ((at, _), (event, update)) in &self.uncommitted {
            if *at == handler {
                let about = About { update: Some(*update), ..About::default() };
                out.send(link, Payload::Acknowledge(*event), about);
            }
        }
        self.uncommitted.retain(|(at, _), _| *at != handler);
    }

    /// Handling failed, and left the store as it was.
    pub fn fail(&mut self, delivery: &Delivery, cause: HandlingFailure, out: &mut Outbox) {
        if let Some(reader) = self.readers.get_mut(&(delivery.subscription, delivery.partition)) {
            reader.failed();
        }
        let handler = &self.handlers[delivery.subscription as usize];
        let (update, attempt) = (delivery.update.id, delivery.attempt);
        out.record(Fact::HandlingFailed { subscription: handler.id, update, attempt, cause });
        if handler.acknowledge == Acknowledge::AfterProcessing {
            let about = About { update: Some(update), operation: None, attempt };
            out.send(handler.link, Payload::Refuse(delivery.delivery), about);
        }
    }

    /// What was under way is gone; inboxes stay unless the disk is lost.
    pub fn crash(&mut self, lose_disk: bool) {
        self.uncommitted.clear();
        self.readers.clear();
        if lose_disk {
            for inbox in self.handlers.iter_mut().filter_map(|handler| handler.inbox.as_mut()) {
                inbox.clear();
            }
        }
    }
}
