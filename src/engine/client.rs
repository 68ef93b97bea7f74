//! A client: sessions that issue operations, scripted and generated, and wait for answers.

mod group_session;

pub use group_session::GroupSession;

use super::backoff::wait;
use super::context::Context;
use super::message::{About, Ask, LinkId, Payload, ReadResult, Request};
use super::queue::Timer;
use super::random::{Sampler, Stream};
use super::replica::messages::{MessageBody, QuorumMessage};
use super::replica::{OperationReply, Reply};
use crate::scenario::{Backoff, Micros, Operation, Value};
use crate::trace::{Fact, NodeId, OperationId, Outcome, Refusal, UpdateId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When generated operations come.
#[derive(Clone, Debug)]
pub enum Pace {
    /// A Poisson process or a fixed distance: the time to the next does not depend on the last one's end.
    Open(Sampler),
    /// A think time after the end of the last.
    Closed(Sampler),
    /// After each write of another client.
    After,
}

/// Which keys generated operations are about.
#[derive(Clone, Debug)]
pub struct KeyChoice {
    /// The keys.
    pub keys: Vec<Arc<str>>,
    /// Where each key's share of (0, 1) ends.
    pub upto: Vec<f64>,
}

impl KeyChoice {
    fn draw(&self, stream: &mut Stream) -> &str {
        let u = stream.unit();
        let i = self.upto.partition_point(|&upto| upto <= u);
        &self.keys[i.min(self.keys.len() - 1)]
    }
}

/// Streams of one session.
#[derive(Clone, Debug)]
pub struct SessionStreams {
    /// Distances between operations.
    pub arrivals: Stream,
    /// Which key.
    pub keys: Stream,
    /// Read or write.
    pub kinds: Stream,
    /// How long to wait before an optimistic write is tried again.
    pub waits: Stream,
}

/// Generated operations, ready to run.
#[derive(Clone, Debug)]
pub struct Generator {
    /// When they come.
    pub pace: Pace,
    /// What they are about.
    pub keys: KeyChoice,
    /// Share of reads.
    pub read_share: f64,
    /// Writes are optimistic, and tried again after this.
    pub optimistic: Option<Backoff>,
    /// Before this instant there are none.
    pub from: Micros,
    /// Nor at or after this one.
    pub until: Micros,
    /// One of each for a session.
    pub sessions: Vec<SessionStreams>,
}

/// A client's settings, ready to run.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Which node it is.
    pub node: NodeId,
    /// Where writes go, and the link there.
    pub target: Target,
    /// Where reads go.
    pub reads_from: Target,
    /// How long an answer is awaited.
    pub timeout: Micros,
    /// How often an operation is asked in all.
    pub attempts: u32,
    /// Scripted operations with their times.
    pub script: Vec<(Micros, Operation)>,
    /// Generated ones.
    pub generator: Option<Generator>,
    /// The group that it asks, if it asks one.
    pub group: Option<Box<GroupSession>>,
    /// The values of generated writes count up from here, so that no two clients write the same.
    pub first_value: i64,
}

/// Whom a client asks.
#[derive(Clone, Debug)]
pub enum Target {
    /// A service, over that link.
    Service(NodeId, LinkId),
    /// The client's group.
    Group,
}

/// An operation that is awaited.
#[derive(Clone, Debug)]
struct Awaited {
    session: u32,
    generated: bool,
    /// At a group: what was asked, to ask it elsewhere.
    request: Option<Arc<Request>>,
    /// How often it was asked, redirections included.
    asked: u32,
    /// How often no answer came in time.
    timeouts: u32,
}

/// An optimistic write of a session: read, then compare and set, until nobody came between.
#[derive(Clone, Debug)]
struct Attempt {
    key: String,
    /// Which try, from 1.
    number: u32,
    /// The last wait, ms.
    waited: f64,
}

/// A client at run time.
#[derive(Clone, Debug)]
pub struct Client {
    config: ClientConfig,
    /// Operations that are awaited.
    pending: BTreeMap<OperationId, Awaited>,
    written: i64,
    /// By session: its optimistic write that is not through. While there is one, it begins no other.
    attempts: BTreeMap<u32, Attempt>,
}

impl Client {
    /// A client that has not issued anything.
    pub fn new(config: ClientConfig) -> Self {
        Client { config, pending: BTreeMap::new(), written: 0, attempts: BTreeMap::new() }
    }

    /// Sets the timer of a session's next generated operation.
    fn schedule_next(&mut self, now: Micros, session: u32, ctx: &mut Context) {
        let Some(generator) = &mut self.config.generator else { return };
        let stream = &mut generator.sessions[session as usize].arrivals;
        let at = now
            + match &generator.pace {
                Pace::Open(distance) => distance.draw(stream),
                Pace::Closed(think) => think.draw(stream),
                Pace::After => return,
            };
        if at < generator.until {
            ctx.wake(at, Timer::GeneratedOperation(session));
        }
    }

    fn is_over(&self, now: Micros) -> bool {
        self.config
            .generator
            .as_ref()
            .is_some_and(|it| matches!(it.pace, Pace::After) && !(it.from..it.until).contains(&now))
    }

    /// Ends what it coordinated itself.
    fn end_coordinated(&mut self, now: Micros, replies: Vec<OperationReply>, ctx: &mut Context) {
        for OperationReply { operation, reply, .. } in replies {
            match reply {
                Reply::Read(result) => self.on_result(now, operation, result, ctx),
                Reply::Written(update, version) => {
                    self.record_write(operation, version);
                    self.end(now, operation, Outcome::Ok, Some(update), None, ctx);
                }
                Reply::Unchanged => self.end(now, operation, Outcome::Ok, None, None, ctx),
                Reply::Refused(cause, outcome) => {
                    ctx.record(Fact::OperationRefused { operation, node: self.config.node, cause });
                    self.end(now, operation, outcome, None, None, ctx);
                }
                Reply::Redirect(_) => {
                    let cause = Refusal::NoLeader;
                    ctx.record(Fact::OperationRefused { operation, node: self.config.node, cause });
                    self.end(now, operation, Outcome::Fail, None, None, ctx);
                }
            }
        }
    }

    fn generate(&mut self, session: u32) -> Option<Operation> {
        let generator = self.config.generator.as_mut()?;
        let streams = &mut generator.sessions[session as usize];
        let key = generator.keys.draw(&mut streams.keys).to_string();
        if streams.kinds.bernoulli(generator.read_share) {
            return Some(Operation::Read { key });
        }
        if generator.optimistic.is_some() {
            self.attempts.insert(session, Attempt { key: key.clone(), number: 1, waited: 0.0 });
            return Some(Operation::Read { key });
        }
        Some(Operation::Write { key, value: self.next_value() })
    }

    fn next_value(&mut self) -> Value {
        self.written += 1;
        Value::Int(self.config.first_value + self.written - 1)
    }

    /// A step of a session's optimistic write ended. Returns whether the write goes on.
    fn continue_optimistic(
        &mut self,
        now: Micros,
        session: u32,
        outcome: Outcome,
        read: Option<Option<Value>>,
        ctx: &mut Context,
    ) -> bool {
        let Some(attempt) = self.attempts.get(&session) else { return false };
        if let Some(value) = read {
            let (key, expect) = (attempt.key.clone(), value);
            let operation = Operation::CompareAndSet { key, expect, value: self.next_value() };
            self.issue(now, session, true, &operation, ctx);
            return true;
        }
        if outcome == Outcome::Ok {
            self.attempts.remove(&session);
            return false;
        }
        let (Some(generator), Some(attempt)) = (&mut self.config.generator, self.attempts.get_mut(&session)) else {
            return false;
        };
        let backoff = generator.optimistic.as_ref().unwrap_or(&Backoff::None);
        let stream = &mut generator.sessions[session as usize].waits;
        let wait = wait(backoff, attempt.number, attempt.waited, stream);
        attempt.number += 1;
        attempt.waited = wait as f64 / 1000.0;
        ctx.wake(now + wait, Timer::OptimisticRetry(session));
        true
    }

    fn issue(&mut self, now: Micros, session: u32, generated: bool, operation: &Operation, ctx: &mut Context) {
        let read = operation.is_read();
        match if read { &self.config.reads_from } else { &self.config.target } {
            &Target::Service(to, link) => {
                let request = ctx.issue(self.config.node, session, to, operation);
                let id = request.operation;
                let request = Arc::new(request);
                let again = (self.config.attempts > 1).then(|| request.clone());
                self.pending.insert(id, Awaited { session, generated, request: again, asked: 1, timeouts: 0 });
                ctx.send(link, Payload::Operate(request), About { operation: Some(id), ..About::default() });
                ctx.wake(now + self.config.timeout, Timer::OperationTimeout(id.0));
            }
            Target::Group => self.issue_at_group(now, session, generated, operation, ctx),
        }
    }

    /// Ends an operation, once: an answer after the timeout changes nothing for the client.
    fn end(
        &mut self,
        now: Micros,
        operation: OperationId,
        outcome: Outcome,
        update: Option<UpdateId>,
        read: Option<Option<Value>>,
        ctx: &mut Context,
    ) {
        let Some(Awaited { session, generated, .. }) = self.pending.remove(&operation) else { return };
        ctx.record(Fact::OperationEnded { operation, outcome });
        if let (Outcome::Ok, Some(update)) = (outcome, update) {
            ctx.record(Fact::UpdateAcknowledged { update, operation });
            ctx.wake_followers();
        }
        if generated && self.continue_optimistic(now, session, outcome, read, ctx) {
            return;
        }
        let closed = self.config.generator.as_ref().is_some_and(|generator| matches!(generator.pace, Pace::Closed(_)));
        if generated && closed {
            self.schedule_next(now, session, ctx);
        }
    }

    /// An operation was not answered in time: it is asked again, or ends as unknown.
    fn on_operation_timeout(&mut self, now: Micros, id: OperationId, ctx: &mut Context) {
        self.avoid_silent_member(id);
        let Some(awaited) = self.pending.get_mut(&id) else { return };
        awaited.timeouts += 1;
        if awaited.timeouts >= self.config.attempts {
            return self.end(now, id, Outcome::Unknown, None, None, ctx);
        }
        let request = awaited.request.clone();
        ctx.wake(now + self.config.timeout, Timer::OperationTimeout(id.0));
        let target = request
            .as_ref()
            .map(|request| if request.ask == Ask::Read { &self.config.reads_from } else { &self.config.target });
        match (target, request) {
            (Some(&Target::Service(_, link)), Some(request)) => {
                ctx.send(link, Payload::Operate(request), About { operation: Some(id), ..About::default() });
            }
            (Some(Target::Group), Some(request)) => self.retry_at_group(now, id, request, ctx),
            (None, _) | (_, None) => {}
        }
    }

    /// A read returned something.
    fn on_result(&mut self, now: Micros, operation: OperationId, result: ReadResult, ctx: &mut Context) {
        if self.check_guarantees(now, operation, &result, ctx) {
            self.end(now, operation, Outcome::Ok, None, Some(result.value), ctx);
        }
    }

    /// Sets its first timers.
    pub fn start(&mut self, _now: Micros, ctx: &mut Context) {
        for (n, (at, _)) in self.config.script.iter().enumerate() {
            ctx.wake(*at, Timer::ScriptedOperation(n as u32));
        }
        let Some(generator) = &self.config.generator else { return };
        let (from, sessions) = (generator.from, generator.sessions.len() as u32);
        for session in 0..sessions {
            self.schedule_next(from, session, ctx);
        }
    }

    /// A message arrived.
    pub fn on_message(&mut self, now: Micros, payload: Payload, _back: Option<LinkId>, ctx: &mut Context) {
        match payload {
            Payload::Operated(operation, outcome, update) => self.end(now, operation, outcome, update, None, ctx),
            Payload::Returned(operation, result) => self.on_result(now, operation, *result, ctx),
            Payload::Written(operation, written) => {
                let (update, version) = *written;
                self.record_write(operation, version);
                self.end(now, operation, Outcome::Ok, Some(update), None, ctx);
            }
            Payload::Redirected(operation, member) => self.on_redirect(now, operation, member, ctx),
            Payload::Replica(message) => {
                let Some(group) = &mut self.config.group else { return };
                let MessageBody::Quorum(body) = &message.body else {
                    unreachable!("only replicas of a quorum reply to a client");
                };
                let Some(from) = group.index(message.sender) else { return };
                let replies = match body {
                    QuorumMessage::WriteAck { request } => group.coordinator(|it| it.on_write_ack(*request, from, ctx)),
                    QuorumMessage::ReadReply { request, state, .. } => {
                        group.coordinator(|it| it.on_read_reply(now, *request, from, state.clone(), None, ctx))
                    }
                    QuorumMessage::Write { .. } | QuorumMessage::Read { .. } => {
                        unreachable!("a client is no replica")
                    }
                };
                self.end_coordinated(now, replies, ctx);
            }
            Payload::Operate(_)
            | Payload::Apply(..)
            | Payload::Transaction(_)
            | Payload::Applied(..)
            | Payload::Publish(_)
            | Payload::Published(_)
            | Payload::Deliver(_)
            | Payload::Acknowledge(..)
            | Payload::Heartbeat(_)
            | Payload::Refuse(_) => unreachable!("no such message is sent to a client"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        match timer {
            Timer::ScriptedOperation(n) => {
                let operation = self.config.script[n as usize].1.clone();
                self.issue(now, 0, false, &operation, ctx);
            }
            // Those who follow another client are woken outside of their time, too.
            Timer::GeneratedOperation(_) if self.is_over(now) => {}
            Timer::GeneratedOperation(session) => {
                if !self.attempts.contains_key(&session)
                    && let Some(operation) = self.generate(session)
                {
                    self.issue(now, session, true, &operation, ctx);
                }
                if self.config.generator.as_ref().is_some_and(|generator| matches!(generator.pace, Pace::Open(_))) {
                    self.schedule_next(now, session, ctx);
                }
            }
            Timer::OptimisticRetry(session) => {
                if let Some(attempt) = self.attempts.get(&session) {
                    let operation = Operation::Read { key: attempt.key.clone() };
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
            | Timer::CommitOffsets(_)
            | Timer::EventExpiry(_)
            | Timer::FlushDone(_)
            | Timer::PartitionRetry(_)
            | Timer::HeartbeatDue(_)
            | Timer::SessionTimeout(_)
            | Timer::BrokerCheck(_)
            | Timer::AckDeadline(_)
            | Timer::EventRetry(_) => unreachable!("no such timer is set by a client"),
        }
    }

    /// Workers that are busy, work that waits, and operations under way.
    pub fn load(&self) -> (u32, u32, u32) {
        (0, 0, self.pending.len() as u32)
    }
}
