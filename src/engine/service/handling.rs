//! How a service handles events: their effect, its inbox, and what the bus is told.

use super::{Service, Work};
use crate::engine::chance::{Sampler, Stream};
use crate::engine::inbox::Inbox;
use crate::engine::message::{About, Delivery, LinkId, Payload};
use crate::engine::outbox::Outbox;
use crate::engine::queue::Timer;
use crate::engine::reader::SessionPlan;
use crate::scenario::{Acknowledge, Effect, Micros};
use crate::trace::{Fact, HandlingFailure, SubscriptionId};
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
    /// It reads a log.
    pub log: bool,
    /// How its reader keeps its place in its group, where it has a session.
    pub session: Option<SessionPlan>,
    /// How often acknowledgements go out, all that came up together; each at once where none.
    pub commit_every: Option<Micros>,
    /// What was handled.
    pub inbox: Option<Inbox>,
}

impl Service {
    pub(super) fn on_event(&mut self, now: Micros, delivery: Arc<Delivery>, out: &mut Outbox) {
        if self.plan.handlers[delivery.subscription as usize].acknowledge == Acknowledge::BeforeProcessing {
            self.acknowledge(now, &delivery, out);
        }
        self.on_work(now, Work::Handle(delivery), out);
    }

    pub(super) fn handle(&mut self, now: Micros, delivery: &Delivery, out: &mut Outbox) {
        let handler = &mut self.plan.handlers[delivery.subscription as usize];
        let (id, key, version) = (delivery.update.id, delivery.update.key, delivery.update.version);
        // The number is taken first, so that an inbox does not shift which later events fail.
        let fails = handler.failures.chance(handler.fails);
        if handler.inbox.as_mut().is_some_and(|inbox| inbox.has(now, id)) {
            out.record(Fact::InboxHit {
                node: self.plan.node,
                subscription: handler.id,
                update: id,
                attempt: delivery.attempt,
            });
        } else if delivery.update.poison {
            return self.fail_handling(delivery, HandlingFailure::Poison, out);
        } else if fails {
            return self.fail_handling(delivery, HandlingFailure::Failed, out);
        } else {
            let (changed, sum) = match handler.effect {
                Effect::Increment => match self.store.add(&delivery.update) {
                    Some(sum) => (true, Some(sum)),
                    None => return self.fail_handling(delivery, HandlingFailure::WrongType, out),
                },
                effect @ (Effect::SetIfNewer | Effect::Overwrite | Effect::LastWriterWins) => {
                    (self.store.take_in(&delivery.update, effect), None)
                }
            };
            if let Some(inbox) = &mut handler.inbox {
                inbox.write(now, id);
            }
            let by = Some(handler.id);
            let (node, value) = (self.plan.node, delivery.update.value.clone());
            out.record(Fact::UpdateTakenIn { update: id, node, key, version, value, changed, by, sum });
        }
        if self.plan.handlers[delivery.subscription as usize].acknowledge == Acknowledge::AfterProcessing {
            self.acknowledge(now, delivery, out);
        }
    }

    /// Tells the bus that it has an event, at once or with the next commit.
    pub(super) fn acknowledge(&mut self, now: Micros, delivery: &Delivery, out: &mut Outbox) {
        let handler = &self.plan.handlers[delivery.subscription as usize];
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
                let kept = self.uncommitted.or_insert_with(at, || last);
                *kept = (*kept).max(last);
                if first {
                    out.wake((now / every + 1) * every, Timer::Commit(delivery.subscription));
                }
            }
        }
    }

    /// Sends the acknowledgements of a handler that came up since the last time.
    pub(super) fn commit_offsets(&mut self, handler: u32, out: &mut Outbox) {
        let link = self.plan.handlers[handler as usize].link;
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

    pub(super) fn fail_handling(&mut self, delivery: &Delivery, cause: HandlingFailure, out: &mut Outbox) {
        if let Some(reader) = self.readers.get_mut(&(delivery.subscription, delivery.partition)) {
            reader.failed();
        }
        let handler = &self.plan.handlers[delivery.subscription as usize];
        let (update, attempt) = (delivery.update.id, delivery.attempt);
        out.record(Fact::HandlingFailed { subscription: handler.id, update, attempt, cause });
        if handler.acknowledge == Acknowledge::AfterProcessing {
            let about = About { update: Some(update), operation: None, attempt };
            out.send(handler.link, Payload::Refuse(delivery.delivery), about);
        }
    }
}
