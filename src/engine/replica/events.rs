//! A member of a connected group: it handles events by asking its group, as its client, for a write, and publishes what
//! the group writes.
//!
//! What came as an event is written through the group's protocol, whoever coordinates it, and the bus is told when the
//! group has answered. A group writes whole registers: `set_if_newer` and `last_writer_wins` compare the event with what
//! is there, where the protocol orders all writes; in a leaderless group, or one of gossip, the write carries the event's
//! version, or its writer's clock, instead (as Cassandra's `USING TIMESTAMP`). An inbox is the group's: its row is an
//! entry of the log, or a part of the transaction.

use super::{Answer, Asker, Done, Replica, Work};
use crate::engine::consumer::{Consumer, Handler};
use crate::engine::context::Context;
use crate::engine::message::{About, Ask, Delivery, EventWrite, Payload, Request, SessionToken, Update};
use crate::engine::publishing::{Publisher, Publishing};
use crate::engine::queue::Timer;
use crate::scenario::{Effect, Micros, Value};
use crate::trace::{Fact, HandlingFailure, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId, Version};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a write of a connected group comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Made {
    /// Reading of its writer's clock, µs.
    pub clock: i64,
    /// Its event is a poison message.
    pub poison: bool,
    /// The update of the event that it writes, and its version there; none for what clients ask.
    pub event: Option<(UpdateId, Version)>,
    /// When its coordinator gave it its version.
    pub at: Micros,
}

/// The version under which all but the group itself knows a write, and its writer's clock.
pub fn origin(version: Version, made: Option<&Made>) -> (Version, i64) {
    let said = made.and_then(|made| made.event).map_or(version, |(_, version)| version);
    (said, made.map_or(i64::MIN, |made| made.clock))
}

impl EventWrite {
    /// Whether the event is to be written over what is there, which was made under that version, at that clock.
    pub fn replaces(&self, (version, clock): (Version, i64)) -> bool {
        match self.effect {
            Effect::SetIfNewer => self.version > version,
            Effect::LastWriterWins => (self.clock, self.version.origin) > (clock, version.origin),
            Effect::Overwrite => self.version != version,
            Effect::Increment => true,
        }
    }

    /// The version that the write carries where nobody orders all writes; none for one of the coordinator's own.
    pub fn carries(&self) -> Option<Version> {
        let time = self.clock + Version::EPOCH;
        match self.effect {
            Effect::SetIfNewer => Some(self.version),
            Effect::LastWriterWins => Some(Version { time, counter: 1, origin: self.version.origin }),
            Effect::Overwrite | Effect::Increment => None,
        }
    }
}

/// What a member is to publish.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// Whether it publishes what it coordinates, and what it stores.
    modes: (bool, bool),
    /// Writes that it coordinates.
    coordinated: BTreeMap<UpdateId, Arc<Update>>,
    /// What it stored since this was asked last.
    stored: Vec<Arc<Update>>,
}

impl Outgoing {
    /// Takes note of a write that is coordinated here; `before` is what the key held.
    pub fn coordinate(&mut self, update: Update, before: Option<&Value>) {
        if self.modes.0 {
            let delta = difference(before, &update.value);
            self.coordinated.insert(update.id, Arc::new(Update { delta, ..update }));
        }
    }

    /// Whether what is stored here is published.
    pub fn wants_stored(&self) -> bool {
        self.modes.1
    }

    /// Takes note of what is stored here; what came as an event is not published again.
    pub fn store(&mut self, update: Update, before: Option<&Value>) {
        let delta = difference(before, &update.value);
        self.stored.push(Arc::new(Update { delta, ..update }));
    }
}

fn difference(before: Option<&Value>, after: &Value) -> Option<i64> {
    match (before, after) {
        (None, Value::Int(after)) => Some(*after),
        (Some(Value::Int(before)), Value::Int(after)) => after.checked_sub(*before),
        (None | Some(_), _) => None,
    }
}

/// An event whose write the group has not answered.
#[derive(Clone, Debug)]
struct Asked {
    delivery: Arc<Delivery>,
    request: Arc<Request>,
    /// How many members were asked.
    asked: usize,
}

/// What a member has to do with buses.
#[derive(Clone, Debug)]
pub struct Events {
    pub(super) handling: Consumer,
    pub(super) publishing: Publishing,
    asked: BTreeMap<OperationId, Asked>,
}

impl Events {
    /// For a member that publishes or subscribes.
    pub fn new(node: NodeId, publishers: Vec<Publisher>, handlers: Vec<Handler>) -> Self {
        let (handling, publishing) = (Consumer::new(handlers), Publishing::new(node, publishers));
        Events { handling, publishing, asked: BTreeMap::new() }
    }

    /// What its member has to take note of.
    pub fn outgoing(&self) -> Outgoing {
        Outgoing { modes: self.publishing.modes(), ..Outgoing::default() }
    }

    /// What was under way is gone; what the group wrote, and rows to be published, are not.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        self.asked.clear();
        self.handling.crash(lose_disk);
        self.publishing.crash(lose_disk, ctx);
    }
}

impl Replica {
    /// Lets what it has to do with buses do something, if it has.
    pub(super) fn at_events(&mut self, act: impl FnOnce(&mut Events)) {
        if let Some(events) = &mut self.events {
            act(events);
        }
    }

    pub(super) fn on_delivery(&mut self, now: Micros, delivery: Arc<Delivery>, ctx: &mut Context) {
        let mut next = self.events.as_mut().and_then(|events| events.handling.on_delivery(delivery, ctx));
        while let Some(delivery) = next {
            self.on_work(now, Work::Handle(delivery), ctx);
            next = self.events.as_mut().and_then(|events| events.handling.next_ready(ctx));
        }
    }

    /// Processing an event is over: its group is asked to write what it says.
    pub(super) fn handle(&mut self, now: Micros, delivery: Arc<Delivery>, ctx: &mut Context) {
        let Some(events) = &mut self.events else { return };
        let handler = &mut events.handling.handlers[delivery.subscription as usize];
        let update = &delivery.update;
        // The number is taken first, so that no other event's failure is shifted.
        let fails = handler.failures.bernoulli(handler.fails);
        let ask = match handler.effect {
            Effect::Increment => update.delta.map(Ask::Increment),
            Effect::SetIfNewer | Effect::Overwrite | Effect::LastWriterWins => Some(Ask::Write(update.value.clone())),
        };
        let (ask, failure) = match ask {
            _ if update.poison => (None, HandlingFailure::Poison),
            _ if fails => (None, HandlingFailure::Failed),
            ask => (ask, HandlingFailure::WrongType),
        };
        let Some(ask) = ask else { return self.failed(now, &delivery, failure, ctx) };
        let (operation, subscription, attempt) = (ctx.next_operation(), handler.id, delivery.attempt);
        let (key, version, clock, effect) = (update.key, update.version, update.clock, handler.effect);
        let (node, update, adds) = (self.member.node, update.id, effect == Effect::Increment);
        ctx.record(Fact::EventWriteStarted { operation, node, subscription, update, key, version, adds, attempt });
        ctx.wake(now + handler.deadline, Timer::OperationTimeout(operation.0));
        let inbox = handler.inbox.as_ref().map(|inbox| inbox.window());
        let event = Some(EventWrite { subscription, update, version, clock, attempt, effect, inbox });
        let request = Arc::new(Request { operation, key, ask, poison: false, seen: SessionToken::default(), event });
        events.asked.insert(operation, Asked { delivery, request: request.clone(), asked: 1 });
        let done = self.operate(now, Asker::Handler, request, ctx);
        self.end(now, done, ctx);
    }

    pub(super) fn failed(&mut self, now: Micros, delivery: &Delivery, cause: HandlingFailure, ctx: &mut Context) {
        self.at_events(|events| events.handling.fail(delivery, cause, ctx));
        self.handle_next(now, delivery, ctx);
    }

    fn handle_next(&mut self, now: Micros, after: &Delivery, ctx: &mut Context) {
        let mut next = self.events.as_mut().and_then(|events| events.handling.next(after, ctx));
        while let Some(delivery) = next {
            self.on_work(now, Work::Handle(delivery), ctx);
            next = self.events.as_mut().and_then(|events| events.handling.next_ready(ctx));
        }
    }

    /// The group answered, here or by message; an answer that nobody awaits any more is of no use.
    pub(super) fn on_answer(&mut self, now: Micros, operation: OperationId, answer: Answer, ctx: &mut Context) {
        let Some(events) = &mut self.events else { return };
        let Some(asked) = events.asked.get_mut(&operation) else { return };
        if let Answer::Elsewhere(Some(leader)) = answer
            && let Some(place) = self.member.group.index(leader).filter(|place| *place != self.member.index)
            && let Some(Some(link)) = self.member.links.get(place)
            // Two members that send on to each other are not asked in an endless round within one instant.
            && asked.asked <= self.member.group.members.len()
        {
            asked.asked += 1;
            let (update, attempt) = (Some(asked.delivery.update.id), asked.delivery.attempt);
            let about = About { update, operation: Some(operation), attempt };
            return ctx.send(*link, Payload::Operate(asked.request.clone()), about);
        }
        let (outcome, written, cause) = match answer {
            Answer::Written(update, _) => (Outcome::Ok, Some(update), None),
            Answer::Unchanged => (Outcome::Ok, None, None),
            Answer::Refused(Refusal::WrongType, outcome) => (outcome, None, Some(HandlingFailure::WrongType)),
            Answer::Refused(_, outcome) => (outcome, None, Some(HandlingFailure::NotWritten)),
            Answer::Elsewhere(_) => (Outcome::Fail, None, Some(HandlingFailure::NotWritten)),
            Answer::Read(_) => unreachable!("a handler reads nothing"),
        };
        let Some(Asked { delivery, .. }) = events.asked.remove(&operation) else { return };
        let subscription = events.handling.handlers[delivery.subscription as usize].id;
        let (node, update) = (self.member.node, delivery.update.id);
        ctx.record(Fact::EventWriteEnded { operation, node, subscription, update, outcome, written });
        match cause {
            None => {
                events.handling.succeed(now, &delivery, ctx);
                self.handle_next(now, &delivery, ctx);
            }
            Some(cause) => self.failed(now, &delivery, cause, ctx),
        }
    }

    /// The group did not answer in the time that the bus gives: it may still write it.
    pub(super) fn on_silence(&mut self, now: Micros, operation: OperationId, ctx: &mut Context) {
        self.on_answer(now, operation, Answer::Refused(Refusal::TooFewReplicas, Outcome::Unknown), ctx);
    }

    /// Its relays find in its log what it stored.
    pub(super) fn publish_stored(&mut self, now: Micros, ctx: &mut Context) {
        let Some(events) = &mut self.events else { return };
        for update in std::mem::take(&mut self.member.outgoing.stored) {
            events.publishing.on_stored(now, &update, ctx);
        }
    }

    /// An operation that it coordinated ended: a write that the group has acknowledged is published.
    pub(super) fn publish_acknowledged(&mut self, now: Micros, done: &Answer, ctx: &mut Context) {
        let Answer::Written(update, _) = done else { return };
        let (Some(events), Some(update)) = (&mut self.events, self.member.outgoing.coordinated.remove(update)) else {
            return;
        };
        events.publishing.on_acknowledged(now, &update, ctx);
    }

    /// What it coordinated is gone.
    pub(super) fn crash_events(&mut self, lose_disk: bool, ctx: &mut Context) {
        (self.member.outgoing.coordinated, self.member.outgoing.stored) = (BTreeMap::new(), Vec::new());
        self.at_events(|events| events.crash(lose_disk, ctx));
    }
}

/// Whether an event is written: not where its inbox knows it, nor where what is there is to stay.
pub fn is_news(
    event: &EventWrite,
    handled: Option<Micros>,
    there: (Version, i64),
    now: Micros,
    node: NodeId,
    ctx: &mut Context,
) -> bool {
    let within = |window: Option<Micros>| handled.is_some_and(|at| window.is_none_or(|window| at + window > now));
    if event.inbox.is_some_and(within) {
        let EventWrite { subscription, update, attempt, .. } = *event;
        ctx.record(Fact::InboxHit { node, subscription, update, attempt });
        return false;
    }
    event.replaces(there)
}

/// Ends a handler's operation that changes nothing.
pub fn unchanged(request: &Request, asker: Asker) -> Vec<Done> {
    vec![Done { operation: request.operation, asker, answer: Answer::Unchanged }]
}

/// What an update of a group says to those outside.
pub fn said(id: UpdateId, key: KeyId, value: Value, version: Version, made: &Made) -> Update {
    Update { id, key, value, version, clock: made.clock, delta: None, poison: made.poison }
}
