//! Two-phase commit (Gray 1978; presumed abort): whoever is asked prepares every member, commits when all have promised,
//! and tells them. Who has promised cannot go on alone: it keeps the key locked, writes and reads of it wait, until it
//! hears the decision.

use super::cell::{Cell, Register};
use super::events;
use super::log::Entry;
use super::logged::{self, refused};
use super::wire::{Body, Wire};
use super::{Answer, Asker, Done, Member, after};
use crate::engine::context::Context;
use crate::engine::message::Request;
use crate::engine::queue::Timer;
use crate::scenario::{Micros, TwoPhase as Plan, micros};
use crate::trace::{Fact, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId, Version};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A transaction that this member coordinates. Durable once it is decided.
#[derive(Clone, Debug)]
struct Transaction {
    entry: Entry,
    version: Version,
    asked: Option<(Asker, OperationId)>,
    promised: Vec<usize>,
    decided: bool,
    /// Who has not confirmed the decision.
    unconfirmed: Vec<usize>,
}

/// A promise: what is to be committed, and who decides.
#[derive(Clone, Debug)]
struct Promised {
    entry: Entry,
    coordinator: NodeId,
}

/// A member's protocol state. Promises and decisions are durable.
#[derive(Clone, Debug)]
pub struct TwoPhase {
    timeout: Micros,
    transactions: BTreeMap<UpdateId, Transaction>,
    promises: BTreeMap<KeyId, Promised>,
    /// What waits for a key.
    waiting: Vec<(Asker, Arc<Request>)>,
    /// The group's inbox: events that were committed, and when they were coordinated. Durable.
    handled: BTreeMap<UpdateId, Micros>,
}

impl TwoPhase {
    /// Nothing under way.
    pub fn new(plan: &Plan) -> Self {
        let timeout = micros(plan.timeout_ms).max(1);
        let (transactions, promises, handled) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        TwoPhase { timeout, transactions, promises, waiting: Vec::new(), handled }
    }

    /// After a restart: what was not decided is aborted, what was decided is told again, what was promised is asked for.
    pub fn start(&mut self, now: Micros, member: &mut Member, ctx: &mut Context) {
        let undecided: Vec<UpdateId> =
            self.transactions.iter().filter(|(_, it)| !it.decided).map(|(update, _)| *update).collect();
        for update in undecided {
            self.decide(now, update, false, None, member, ctx);
        }
        for update in self.transactions.keys() {
            ctx.wake(now + self.timeout, Timer::Protocol(update.0));
        }
        for promise in self.promises.values() {
            if let Some(update) = promise.entry.update {
                ctx.wake(now + self.timeout, Timer::Protocol(update.0));
            }
        }
    }

    /// What is not durable is gone.
    pub fn crash(&mut self, lose_disk: bool) {
        self.waiting.clear();
        for transaction in self.transactions.values_mut() {
            transaction.asked = None;
        }
        if lose_disk {
            self.transactions.clear();
            self.promises.clear();
            self.handled.clear();
        }
    }

    /// Asked by a client.
    pub fn operate(
        &mut self,
        now: Micros,
        asker: Asker,
        request: Arc<Request>,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        if self.promises.contains_key(&request.key) {
            self.waiting.push((asker, request));
            return Vec::new();
        }
        if logged::is_read(&request) {
            return vec![logged::read(asker, &request, member, ctx)];
        }
        let _ = member.group.preference(request.key, ctx);
        let held = member.cell(request.key);
        let before = held.value(&member.group.data);
        if let Some(event) = &request.event {
            let handled = self.handled.get(&event.update).copied();
            if !events::is_news(event, handled, held.origin(), now, member.node, ctx) {
                return events::unchanged(&request, asker);
            }
        }
        let value = match after(before.as_ref(), &request.ask) {
            Ok(value) => value,
            Err(cause) => return refused(&request, asker, cause),
        };
        let (update, operation, key) = (ctx.next_update(), request.operation, request.key);
        let over = held.version();
        let version = Version::counted(over.counter + 1, member.origin());
        let (node, clock) = (member.node, member.clock(now));
        ctx.record(Fact::WriteCoordinated {
            update,
            operation,
            node,
            key,
            version,
            value: value.clone(),
            clock,
            replaces: over,
        });
        let made = member.made(now, &request);
        member.coordinate(update, (key, version), value.as_ref(), before.as_ref(), made.as_deref());
        let entry = Entry { term: version.counter, update: Some(update), operation: Some(operation), key, value, made };
        self.promise(update, &entry, member.node, member, ctx);
        let others: Vec<usize> = (0..member.group.members.len()).filter(|other| *other != member.index).collect();
        for &other in &others {
            member.tell(other, Body::Prepare { entry: entry.clone() }, Some(operation), ctx);
        }
        let asked = Some((asker, operation));
        let (promised, decided) = (Vec::new(), false);
        let transaction = Transaction { entry, version, asked, promised, decided, unconfirmed: others.clone() };
        self.transactions.insert(update, transaction);
        ctx.wake(now + self.timeout, Timer::Protocol(update.0));
        if others.is_empty() { self.decide(now, update, true, None, member, ctx) } else { Vec::new() }
    }

    fn promise(&mut self, update: UpdateId, entry: &Entry, coordinator: NodeId, member: &Member, ctx: &mut Context) {
        self.promises.insert(entry.key, Promised { entry: entry.clone(), coordinator });
        ctx.record(Fact::WritePromised { update, node: member.node, key: entry.key });
    }

    /// The coordinator's decision, durable from here on.
    fn decide(
        &mut self,
        now: Micros,
        update: UpdateId,
        commit: bool,
        cause: Option<Refusal>,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let Some(transaction) = self.transactions.get_mut(&update) else { return Vec::new() };
        transaction.decided = true;
        let (asked, version) = (transaction.asked.take(), transaction.version);
        let key = transaction.entry.key;
        let others = transaction.unconfirmed.clone();
        if !commit {
            // Presumed abort: whoever asks later, and finds nothing, takes that for one.
            self.transactions.remove(&update);
        }
        for other in others {
            member.tell(other, Body::Decide { update, commit }, None, ctx);
        }
        let mut done = Vec::new();
        if let Some((asker, operation)) = asked {
            let cause = cause.unwrap_or(Refusal::NotPromised);
            let refusal = Answer::Refused(cause, Outcome::Fail);
            let answer = if commit { Answer::Written(update, version) } else { refusal };
            done.push(Done { operation, asker, answer });
        }
        let mut after = self.settle(now, key, update, commit, member, ctx);
        done.append(&mut after);
        done
    }

    /// Carries a decision out here, and lets what waited go on.
    fn settle(
        &mut self,
        now: Micros,
        key: KeyId,
        update: UpdateId,
        commit: bool,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let promised = self.promises.get(&key).is_some_and(|promise| promise.entry.update == Some(update));
        let Some(promise) = promised.then(|| self.promises.remove(&key)).flatten() else { return Vec::new() };
        if commit {
            let origin = promise.coordinator.0 + 1;
            let version = Version::counted(promise.entry.term, origin);
            let made = promise.entry.made;
            if let Some((Some((event, _)), at)) = made.as_ref().map(|made| (made.event, made.at)) {
                self.handled.insert(event, at);
            }
            let register = Register { version, value: promise.entry.value, update: Some(update), made };
            member.absorb(key, &Cell::Register(register), Some(update), ctx);
        } else {
            ctx.record(Fact::PromiseReleased { update, node: member.node, key });
        }
        let (next, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(_, request)| request.key == key);
        self.waiting = rest;
        next.into_iter().flat_map(|(asker, request)| self.operate(now, asker, request, member, ctx)).collect()
    }

    /// Something was said to it.
    pub fn on_wire(&mut self, now: Micros, wire: &Wire, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        let Some(from) = member.group.index(wire.from) else { return Vec::new() };
        match &wire.body {
            Body::Prepare { entry } => {
                let Some(update) = entry.update else { return Vec::new() };
                let again = self.promises.get(&entry.key).is_some_and(|promise| promise.entry.update == Some(update));
                let free = !self.promises.contains_key(&entry.key);
                // What it holds must not be newer than what the coordinator started from.
                let granted = again || (free && member.cell(entry.key).version().counter < entry.term);
                if granted && !again {
                    self.promise(update, entry, wire.from, member, ctx);
                    ctx.wake(now + self.timeout, Timer::Protocol(update.0));
                }
                member.tell(from, Body::Promise { update, granted }, entry.operation, ctx);
                Vec::new()
            }
            Body::Promise { update, granted } => {
                let Some(transaction) = self.transactions.get_mut(update).filter(|it| !it.decided) else {
                    return Vec::new();
                };
                if !granted {
                    return self.decide(now, *update, false, None, member, ctx);
                }
                if !transaction.promised.contains(&from) {
                    transaction.promised.push(from);
                }
                let all = transaction.promised.len() + 1 == member.group.members.len();
                if all { self.decide(now, *update, true, None, member, ctx) } else { Vec::new() }
            }
            Body::Decide { update, commit } => {
                let key = self.promises.iter().find(|(_, it)| it.entry.update == Some(*update)).map(|(key, _)| *key);
                let done = key.map_or_else(Vec::new, |key| self.settle(now, key, *update, *commit, member, ctx));
                member.tell(from, Body::Done { update: *update }, None, ctx);
                done
            }
            Body::Done { update } => {
                if let Some(transaction) = self.transactions.get_mut(update) {
                    transaction.unconfirmed.retain(|other| *other != from);
                    if transaction.decided && transaction.unconfirmed.is_empty() {
                        self.transactions.remove(update);
                    }
                }
                Vec::new()
            }
            Body::Inquire { update } => {
                let known = self.transactions.get(update);
                if known.is_none_or(|transaction| transaction.decided) {
                    member.tell(from, Body::Decide { update: *update, commit: known.is_some() }, None, ctx);
                }
                Vec::new()
            }
            _ => unreachable!("no such message is sent within a two-phase group"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, n: u32, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        let update = UpdateId(n);
        if let Some(transaction) = self.transactions.get(&update) {
            ctx.wake(now + self.timeout, Timer::Protocol(n));
            if !transaction.decided {
                return self.decide(now, update, false, Some(Refusal::NotPromised), member, ctx);
            }
            for &other in &transaction.unconfirmed {
                member.tell(other, Body::Decide { update, commit: true }, None, ctx);
            }
        } else if let Some(promise) = self.promises.values().find(|it| it.entry.update == Some(update)) {
            // In doubt: it asks, and waits.
            ctx.wake(now + self.timeout, Timer::Protocol(n));
            if let Some(coordinator) = member.group.index(promise.coordinator) {
                member.tell(coordinator, Body::Inquire { update }, None, ctx);
            }
        }
        Vec::new()
    }
}
