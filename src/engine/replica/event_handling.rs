//! How a member handles events: it requests a write of its own group, as a client would, and acknowledges the event when
//! the group has replied. It also publishes the group's writes.

use super::events::{Events, PendingEvent};
use super::request::{ClientRequest, Reply, Requester};
use super::{Replica, Work};
use crate::engine::context::Context;
use crate::engine::message::{About, Delivery, EventWrite, Payload, Request};
use crate::engine::queue::Timer;
use crate::scenario::{Effect, Micros, Operation};
use crate::trace::{Fact, HandlingFailure, OperationId, Outcome, Refusal};
use std::sync::Arc;

impl Replica {
    /// Calls a function with the connection to buses, if there is one.
    pub(super) fn with_events(&mut self, act: impl FnOnce(&mut Events)) {
        if let Some(events) = &mut self.events {
            act(events);
        }
    }

    pub(super) fn on_delivery(&mut self, now: Micros, delivery: Arc<Delivery>, ctx: &mut Context) {
        debug_assert!(self.up, "the network drops messages to a member that is down");
        debug_assert!(self.events.is_some(), "only a member that subscribes receives events");
        let next = self.events.as_mut().and_then(|events| events.consumer.on_delivery(delivery, ctx));
        self.enqueue_events(now, next, ctx);
    }

    /// Enqueues an event, and all others that can be handled with it.
    fn enqueue_events(&mut self, now: Micros, first: Option<Arc<Delivery>>, ctx: &mut Context) {
        debug_assert!(self.up || first.is_none(), "a member that is down accepts no work");
        let mut next = first;
        while let Some(delivery) = next {
            debug_assert!(self.events.is_some(), "only a member that subscribes receives events");
            self.enqueue(now, Work::Handle(delivery), ctx);
            next = self.events.as_mut().and_then(|events| events.consumer.next_ready(ctx));
        }
    }

    /// Requests the write of an event whose processing is over.
    pub(super) fn write_event(&mut self, now: Micros, delivery: Arc<Delivery>, ctx: &mut Context) {
        debug_assert!(self.up, "a member that is down writes nothing");
        let Some(events) = &mut self.events else { return };
        let handler = &mut events.consumer.handlers[delivery.subscription as usize];
        let update = &delivery.update;
        // The random number is drawn for every event, so that a poison message does not shift later failures.
        let fails = handler.failures.bernoulli(handler.fails);
        let key = ctx.names.key(update.key).to_string();
        let action = match handler.effect {
            Effect::Increment => {
                update.delta.map(|by| Operation::Increment { key: key.clone(), by }).ok_or(HandlingFailure::WrongType)
            }
            Effect::SetIfNewer | Effect::Overwrite | Effect::LastWriterWins => {
                Ok(Operation::Write { key: key.clone(), value: update.value.clone() })
            }
        };
        let action = match action {
            _ if update.poison => Err(HandlingFailure::Poison),
            _ if fails => Err(HandlingFailure::Failed),
            action => action,
        };
        let action = match action {
            Ok(action) => action,
            Err(failure) => return self.fail_event(now, &delivery, failure, ctx),
        };
        let (operation, subscription, attempt) = (ctx.next_operation(), handler.id, delivery.attempt);
        let (key, version, clock, effect) = (update.key, update.version, update.clock, handler.effect);
        let (node, update, adds) = (self.member.node, update.id, effect == Effect::Increment);
        ctx.record(Fact::EventWriteStarted { operation, node, subscription, update, key, version, adds, attempt });
        ctx.wake(now + handler.deadline, Timer::OperationTimeout(operation.0));
        let inbox = handler.inbox.as_ref().map(|inbox| inbox.window());
        let event = Some(EventWrite { subscription, update, version, clock, attempt, effect, inbox });
        let request = Arc::new(Request { event, ..Request::new(operation, key, action) });
        let pending = PendingEvent { delivery, request: request.clone(), attempts: 1 };
        let previous = events.pending.insert(operation, pending);
        debug_assert!(previous.is_none(), "the operation is new");
        let replies = self.execute_request(now, ClientRequest { requester: Requester::EventHandler, request }, ctx);
        self.send_replies(now, replies, ctx);
    }

    pub(super) fn fail_event(&mut self, now: Micros, delivery: &Delivery, failure: HandlingFailure, ctx: &mut Context) {
        debug_assert!(self.up, "a member that is down handles no events");
        debug_assert!(self.events.is_some(), "only a member that subscribes receives events");
        self.with_events(|events| events.consumer.fail(delivery, failure, ctx));
        self.handle_next_event(now, delivery, ctx);
    }

    fn handle_next_event(&mut self, now: Micros, after: &Delivery, ctx: &mut Context) {
        debug_assert!(self.up, "a member that is down handles no events");
        debug_assert!(now == ctx.now, "the next event is handled now");
        let next = self.events.as_mut().and_then(|events| events.consumer.next_after(after, ctx));
        self.enqueue_events(now, next, ctx);
    }

    /// Handles the group's reply to the write of an event, from this member or another. A reply that arrives after the
    /// timeout is ignored.
    pub(super) fn on_event_reply(&mut self, now: Micros, operation: OperationId, reply: Reply, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        let Some(events) = &mut self.events else { return };
        let Some(pending) = events.pending.get_mut(&operation) else { return };
        let attempts = 1..=self.member.group.members.len() + 1;
        debug_assert!(attempts.contains(&pending.attempts), "a write is not redirected without end");
        if let Reply::Redirect(Some(leader)) = reply
            && let Some(index) = self.member.group.index(leader).filter(|index| *index != self.member.index)
            && let Some(Some(link)) = self.member.links.get(index)
            // Two members that redirect to each other must not cause an endless loop within one instant.
            && pending.attempts <= self.member.group.members.len()
        {
            pending.attempts += 1;
            let (update, attempt) = (Some(pending.delivery.update.id), pending.delivery.attempt);
            let about = About { update, operation: Some(operation), attempt };
            return ctx.send(*link, Payload::Operate(pending.request.clone()), about);
        }
        let (outcome, written, failure) = match reply {
            Reply::Written(update, _) => (Outcome::Ok, Some(update), None),
            Reply::Unchanged => (Outcome::Ok, None, None),
            Reply::Refused(Refusal::WrongType, outcome) => (outcome, None, Some(HandlingFailure::WrongType)),
            Reply::Refused(Refusal::OutOfRange, outcome) => (outcome, None, Some(HandlingFailure::OutOfRange)),
            Reply::Refused(_, outcome) => (outcome, None, Some(HandlingFailure::NotWritten)),
            Reply::Redirect(_) => (Outcome::Fail, None, Some(HandlingFailure::NotWritten)),
            Reply::Read(_) => unreachable!("an event is never a read"),
        };
        let Some(PendingEvent { delivery, .. }) = events.pending.remove(&operation) else { return };
        let subscription = events.consumer.handlers[delivery.subscription as usize].id;
        let (node, update) = (self.member.node, delivery.update.id);
        ctx.record(Fact::EventWriteEnded { operation, node, subscription, update, outcome, written });
        match failure {
            None => {
                events.consumer.succeed(now, &delivery, ctx);
                self.handle_next_event(now, &delivery, ctx);
            }
            Some(failure) => self.fail_event(now, &delivery, failure, ctx),
        }
    }

    /// Fails an event whose write the group did not reply to before the subscription's deadline. The group may still
    /// execute it.
    pub(super) fn on_event_timeout(&mut self, now: Micros, operation: OperationId, ctx: &mut Context) {
        self.on_event_reply(now, operation, Reply::Refused(Refusal::TooFewReplicas, Outcome::Unknown), ctx);
    }

    /// Publishes the writes that the member has stored, for publishers that read its log.
    pub(super) fn publish_stored(&mut self, now: Micros, ctx: &mut Context) {
        ctx.assert_handler(self.member.node, now);
        let Some(events) = &mut self.events else { return };
        for update in self.member.publications.take_stored() {
            events.publishing.on_stored(now, &update, ctx);
        }
    }

    /// Publishes a write that the member coordinated, once the group has acknowledged it.
    pub(super) fn publish_acknowledged(&mut self, now: Micros, reply: &Reply, ctx: &mut Context) {
        ctx.assert_handler(self.member.node, now);
        let Reply::Written(update, _) = reply else { return };
        let update = self.member.publications.take_acknowledged(*update);
        if let (Some(events), Some(update)) = (&mut self.events, update) {
            events.publishing.on_acknowledged(now, &update, ctx);
        }
    }

    /// Forgets the events and publications in progress.
    pub(super) fn crash_events(&mut self, lose_disk: bool, ctx: &mut Context) {
        debug_assert!(!self.up, "a member that crashes is down");
        self.member.publications.clear();
        self.with_events(|events| events.crash(lose_disk, ctx));
        let mut pending = self.events.iter().flat_map(|events| events.pending.iter());
        debug_assert!(pending.next().is_none(), "a crash forgets all events in progress");
    }
}
