//! How events are handled where they arrive: in which order, and what the bus is told. What handling one does is the
//! service's, or the member's of a group.

mod sessions;

use super::chance::{Sampler, Stream};
use super::inbox::Inbox;
use super::message::{About, Delivery, LinkId, Payload};
use super::outbox::Outbox;
use super::queue::Timer;
use super::reader::{Reader, Session, SessionPlan};
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
    pub session: Option<SessionPlan>,
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
    readers: BTreeMap<(u32, u32), Reader>,
    /// Acknowledgements that go out at the next commit: by handler and partition the generation and number of the last
    /// event, and its update.
    uncommitted: BTreeMap<(u32, u32), (u32, u32, UpdateId)>,
    /// By handler: its place in its group, where it reads a log and has a session.
    sessions: Vec<Option<Session>>,
    /// Timers of heartbeats so far.
    heartbeats: u32,
    /// What readers with sessions are to handle beside what is returned.
    ready: VecDeque<Arc<Delivery>>,
}

impl Handling {
    /// Nothing delivered yet.
    pub fn new(handlers: Vec<Handler>) -> Self {
        let sessions = handlers.iter().map(|handler| handler.session.map(Session::new)).collect();
        let (readers, uncommitted, ready) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        Handling { handlers, readers, uncommitted, sessions, heartbeats: 0, ready }
    }

    /// A delivery came: what is to be handled now, which may be another, or nothing; and then [`Handling::more`].
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>, out: &mut Outbox) -> Option<Arc<Delivery>> {
        if !self.handlers[delivery.subscription as usize].log {
            self.receive(&delivery, out);
            return Some(delivery);
        }
        let at = (delivery.subscription, delivery.partition);
        match &self.sessions[at.0 as usize] {
            None => self.readers.entry(at).or_default().on_delivery(delivery),
            Some(session) if session.inside && session.life == delivery.life => {
                self.readers.entry(at).or_insert_with(Reader::polling).on_delivery(delivery);
            }
            // It was for an earlier life.
            Some(_) => return None,
        }
        self.read_on(at, out)
    }

    /// What else is to be handled now; none if that is all.
    pub fn more(&mut self, out: &mut Outbox) -> Option<Arc<Delivery>> {
        let delivery = self.ready.pop_front()?;
        self.receive(&delivery, out);
        Some(delivery)
    }

    /// The next event of a log's partition, if it is its turn.
    fn read_on(&mut self, at: (u32, u32), out: &mut Outbox) -> Option<Arc<Delivery>> {
        if self.sessions[at.0 as usize].is_some() {
            self.poll(out.now, at.0, out);
            return self.more(out);
        }
        let delivery = self.readers.get_mut(&at).and_then(Reader::take)?;
        self.receive(&delivery, out);
        Some(delivery)
    }

    fn receive(&mut self, delivery: &Delivery, out: &mut Outbox) {
        if self.handlers[delivery.subscription as usize].acknowledge == Acknowledge::BeforeProcessing {
            self.acknowledge(out.now, delivery, out);
        }
    }

    /// An event is handled, or failed: what is to be handled next, of a log; and then [`Handling::more`].
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
        let (event, generation, at) =
            (delivery.event, delivery.generation, (delivery.subscription, delivery.partition));
        match handler.commit_every {
            None => {
                let about = About { update: Some(delivery.update.id), operation: None, attempt: delivery.attempt };
                out.send(handler.link, Payload::Acknowledge(event, generation), about);
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
                    out.wake((now / every + 1) * every, Timer::Commit(delivery.subscription));
                }
            }
        }
    }

    /// Sends the acknowledgements of a handler that came up since the last time.
    pub fn commit_offsets(&mut self, handler: u32, out: &mut Outbox) {
        let link = self.handlers[handler as usize].link;
        for (at, (generation, event, update)) in &self.uncommitted {
            if at.0 == handler {
                let about = About { update: Some(*update), ..About::default() };
                out.send(link, Payload::Acknowledge(*event, *generation), about);
                if let Some(reader) = self.readers.get_mut(at) {
                    reader.on_commit(*event, *generation);
                }
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
        self.ready.clear();
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
