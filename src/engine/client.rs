//! A client: sessions that issue operations, scripted and generated, and wait for their replies.

mod config;
mod group_requests;
mod group_session;

pub use config::{ClientConfig, Generator, KeyChoice, Pace, SessionStreams, Target};
pub use group_session::GroupSession;

use super::backoff::wait;
use super::context::Context;
use super::message::{About, Payload, ReadResult, Request};
use super::queue::Timer;
use crate::scenario::{Backoff, Micros, Operation, Value};
use crate::trace::{Fact, OperationId, Outcome, UpdateId};
use litemap::LiteMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An operation without a reply.
#[derive(Clone, Debug)]
struct PendingOperation {
    session: u32,
    /// Whether the generator issued it, and not the script.
    generated: bool,
    /// The request, if it may be sent again.
    request: Option<Arc<Request>>,
    /// How often it was sent, redirections included.
    sent: u32,
    /// How often its timeout expired.
    timeouts: u32,
}

/// A session's optimistic write: a read, then a compare-and-set, until no other write intervenes.
#[derive(Clone, Debug)]
struct OptimisticWrite {
    key: String,
    /// The number of the attempt, from 1.
    attempt: u32,
    /// The last wait, ms.
    last_wait: f64,
}

/// A client at run time.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    pending: BTreeMap<OperationId, PendingOperation>,
    /// The number of values that it has generated.
    written: i64,
    /// The optimistic write in progress of each session, which issues no other operation until it ends.
    optimistic_writes: LiteMap<u32, OptimisticWrite>,
}

impl Client {
    /// Returns a client that has issued no operation.
    pub fn new(config: ClientConfig) -> Self {
        Client { config, pending: BTreeMap::new(), written: 0, optimistic_writes: LiteMap::new() }
    }

    /// Returns the numbers of busy workers and of queued requests, which are 0, and of pending operations.
    pub fn load(&self) -> (u32, u32, u32) {
        (0, 0, self.pending.len() as u32)
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        let sessions = self.config.generator.as_ref().map_or(0, |generator| generator.sessions.len());
        assert!(self.optimistic_writes.len() <= sessions, "a session has at most one optimistic write");
        assert!(self.optimistic_writes.values().all(|write| write.attempt > 0), "attempts are numbered from 1");
    }

    /// Sets the timers that run from the start.
    pub fn start(&mut self, ctx: &mut Context) {
        debug_assert!(ctx.now == 0, "a run starts at time 0");
        debug_assert!(self.pending.is_empty(), "a client starts without operations");
        for (n, (at, _)) in self.config.script.iter().enumerate() {
            ctx.wake(*at, Timer::ScriptedOperation(n as u32));
        }
        let Some(generator) = &self.config.generator else { return };
        let (from, sessions) = (generator.from, generator.sessions.len() as u32);
        for session in 0..sessions {
            self.schedule_next(from, session, ctx);
        }
    }

    /// Handles a message.
    pub fn on_message(&mut self, now: Micros, payload: Payload, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        match payload {
            Payload::Operated(operation, outcome, update) => self.end(now, operation, outcome, update, None, ctx),
            Payload::Returned(operation, result) => self.on_result(now, operation, *result, ctx),
            Payload::Written(operation, written) => {
                let (update, version) = *written;
                self.observe_write(operation, version);
                self.end(now, operation, Outcome::Ok, Some(update), None, ctx);
            }
            Payload::Redirected(operation, member) => self.on_redirect(now, operation, member, ctx),
            Payload::Replica(message) => self.on_replica_message(now, &message, ctx),
            Payload::Operate(_)
            | Payload::Apply(..)
            | Payload::Transaction(_)
            | Payload::Applied(..)
            | Payload::Publish(_)
            | Payload::Published(_)
            | Payload::Deliver(_)
            | Payload::Acknowledge(..)
            | Payload::Heartbeat(_)
            | Payload::Receive(..)
            | Payload::Empty(..)
            | Payload::Attached(..)
            | Payload::Detached(..)
            | Payload::Rejoin(..)
            | Payload::Refuse(..) => unreachable!("no such message is sent to a client"),
        }
    }

    /// Handles a timer. An obsolete timer has no effect.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        match timer {
            Timer::ScriptedOperation(n) => {
                let operation = self.config.script[n as usize].1.clone();
                self.issue(now, 0, false, &operation, ctx);
            }
            Timer::GeneratedOperation(session) => self.on_generated(now, session, ctx),
            Timer::OptimisticRetry(session) => {
                if let Some(write) = self.optimistic_writes.get(&session) {
                    let operation = Operation::Read { key: write.key.clone() };
                    self.issue(now, session, true, &operation, ctx);
                }
            }
            Timer::OperationTimeout(operation) => self.on_operation_timeout(now, OperationId(operation), ctx),
            Timer::Protocol(n) => self.on_protocol_timer(now, n, ctx),
            Timer::JobDone(_)
            | Timer::CallTimeout(_)
            | Timer::TransactionRetry(_)
            | Timer::PublishTimeout(_)
            | Timer::PublishDue(_)
            | Timer::RelayPoll(_)
            | Timer::PositionFlush(_)
            | Timer::CommitOffsets(_)
            | Timer::EventExpiry(_)
            | Timer::FlushDone(_)
            | Timer::PartitionRetry(_)
            | Timer::HeartbeatDue(_)
            | Timer::SessionTimeout(_)
            | Timer::RebalanceTimeout(_)
            | Timer::ReceiveOver(_)
            | Timer::Resend(_)
            | Timer::BrokerCheck(_)
            | Timer::AckDeadline(_)
            | Timer::EventRetry(_) => unreachable!("a client does not set such a timer"),
        }
    }

    fn on_generated(&mut self, now: Micros, session: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        let Some(generator) = &self.config.generator else { return };
        debug_assert!((session as usize) < generator.sessions.len(), "the session exists");
        let is_open = matches!(generator.pace, Pace::Open(_));
        // A client that follows another one is also woken outside of the time of its own operations.
        if matches!(generator.pace, Pace::After) && !(generator.from..generator.until).contains(&now) {
            return;
        }
        if !self.optimistic_writes.contains_key(&session)
            && let Some(operation) = self.generate(session)
        {
            self.issue(now, session, true, &operation, ctx);
        }
        if is_open {
            self.schedule_next(now, session, ctx);
        }
    }

    /// Sets the timer of a session's next generated operation.
    fn schedule_next(&mut self, now: Micros, session: u32, ctx: &mut Context) {
        let Some(generator) = &mut self.config.generator else { return };
        debug_assert!((session as usize) < generator.sessions.len(), "the session exists");
        let stream = &mut generator.sessions[session as usize].arrivals;
        let at = now
            + match &generator.pace {
                Pace::Open(interval) => interval.draw(stream),
                Pace::Closed(think_time) => think_time.draw(stream),
                Pace::After => return,
            };
        debug_assert!(at >= now, "operations are generated in the order of time");
        if at < generator.until {
            ctx.wake(at, Timer::GeneratedOperation(session));
        }
    }

    fn generate(&mut self, session: u32) -> Option<Operation> {
        let generator = self.config.generator.as_mut()?;
        debug_assert!((session as usize) < generator.sessions.len(), "the session exists");
        let streams = &mut generator.sessions[session as usize];
        let key = generator.keys.draw(&mut streams.keys).to_string();
        if streams.kinds.bernoulli(generator.read_share) {
            return Some(Operation::Read { key });
        }
        if generator.optimistic.is_some() {
            let write = OptimisticWrite { key: key.clone(), attempt: 1, last_wait: 0.0 };
            let previous = self.optimistic_writes.insert(session, write);
            debug_assert!(previous.is_none(), "a session has one optimistic write at a time");
            return Some(Operation::Read { key });
        }
        Some(Operation::Write { key, value: self.next_value() })
    }

    fn next_value(&mut self) -> Value {
        debug_assert!(self.config.generator.is_some(), "only generated writes count up");
        debug_assert!(self.written >= 0, "values count up");
        self.written += 1;
        Value::Int(self.config.first_value + self.written - 1)
    }

    /// Continues a session's optimistic write after one of its steps, and returns whether it is still in progress.
    fn continue_optimistic(
        &mut self,
        now: Micros,
        session: u32,
        outcome: Outcome,
        read: Option<Option<Value>>,
        ctx: &mut Context,
    ) -> bool {
        let Some(write) = self.optimistic_writes.get(&session) else { return false };
        debug_assert!(write.attempt > 0, "attempts are numbered from 1");
        if let Some(value) = read {
            let (key, expect) = (write.key.clone(), value);
            let operation = Operation::CompareAndSet { key, expect, value: self.next_value() };
            self.issue(now, session, true, &operation, ctx);
            return true;
        }
        if outcome == Outcome::Ok {
            self.optimistic_writes.remove(&session);
            return false;
        }
        let generator = self.config.generator.as_mut();
        let (Some(generator), Some(write)) = (generator, self.optimistic_writes.get_mut(&session)) else {
            return false;
        };
        debug_assert!((session as usize) < generator.sessions.len(), "the session exists");
        let backoff = generator.optimistic.as_ref().unwrap_or(&Backoff::None);
        let stream = &mut generator.sessions[session as usize].waits;
        let wait = wait(backoff, write.attempt, write.last_wait, stream);
        write.attempt += 1;
        write.last_wait = wait as f64 / 1000.0;
        ctx.wake(now + wait, Timer::OptimisticRetry(session));
        true
    }

    fn issue(&mut self, now: Micros, session: u32, generated: bool, operation: &Operation, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        match if operation.is_read() { &self.config.reads_from } else { &self.config.target } {
            &Target::Service(to, link) => {
                let request = ctx.issue(self.config.node, session, to, operation);
                let id = request.operation;
                let request = Arc::new(request);
                let kept = (self.config.attempts > 1).then(|| request.clone());
                let pending = PendingOperation { session, generated, request: kept, sent: 1, timeouts: 0 };
                let previous = self.pending.insert(id, pending);
                debug_assert!(previous.is_none(), "ids of operations are unique");
                ctx.send(link, Payload::Operate(request), About { operation: Some(id), ..About::default() });
                ctx.wake(now + self.config.timeout, Timer::OperationTimeout(id.0));
            }
            Target::Group => self.issue_at_group(now, session, generated, operation, ctx),
        }
    }

    /// Ends an operation. Later replies have no effect.
    fn end(
        &mut self,
        now: Micros,
        operation: OperationId,
        outcome: Outcome,
        update: Option<UpdateId>,
        read: Option<Option<Value>>,
        ctx: &mut Context,
    ) {
        debug_assert!(read.is_none() || outcome == Outcome::Ok, "only a successful read has a value");
        debug_assert!(update.is_none() || outcome == Outcome::Ok, "only a successful operation names its update");
        let Some(PendingOperation { session, generated, .. }) = self.pending.remove(&operation) else { return };
        ctx.record(Fact::OperationEnded { operation, outcome });
        if let (Outcome::Ok, Some(update)) = (outcome, update) {
            ctx.record(Fact::UpdateAcknowledged { update, operation });
            ctx.wake_followers();
        }
        if generated && self.continue_optimistic(now, session, outcome, read, ctx) {
            return;
        }
        let is_closed =
            self.config.generator.as_ref().is_some_and(|generator| matches!(generator.pace, Pace::Closed(_)));
        if generated && is_closed {
            self.schedule_next(now, session, ctx);
        }
    }

    /// Retries an operation without a reply in time, or ends it as unknown after the last attempt.
    fn on_operation_timeout(&mut self, now: Micros, id: OperationId, ctx: &mut Context) {
        self.avoid_silent_member(id);
        let Some(pending) = self.pending.get_mut(&id) else { return };
        pending.timeouts += 1;
        debug_assert!(pending.timeouts <= self.config.attempts, "an operation ends after the last attempt");
        if pending.timeouts >= self.config.attempts {
            return self.end(now, id, Outcome::Unknown, None, None, ctx);
        }
        let request = pending.request.clone();
        debug_assert!(request.is_some(), "a request that may be retried is kept");
        ctx.wake(now + self.config.timeout, Timer::OperationTimeout(id.0));
        let Some(request) = request else { return };
        match if request.action.is_read() { &self.config.reads_from } else { &self.config.target } {
            &Target::Service(_, link) => {
                ctx.send(link, Payload::Operate(request), About { operation: Some(id), ..About::default() });
            }
            Target::Group => self.retry_at_group(now, id, request, ctx),
        }
    }

    fn on_result(&mut self, now: Micros, operation: OperationId, result: ReadResult, ctx: &mut Context) {
        if self.accept_result(now, operation, &result, ctx) {
            self.end(now, operation, Outcome::Ok, None, Some(result.value), ctx);
        }
    }
}
