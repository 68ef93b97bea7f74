//! A client: sessions that issue operations, scripted and generated, and wait for answers.

use super::chance::{Sampler, Stream};
use super::message::{About, LinkId, Payload};
use super::outbox::Outbox;
use super::queue::Timer;
use crate::ordered::Map;
use crate::scenario::{Micros, Operation, Value};
use crate::trace::{Fact, NodeId, OperationId, Outcome, UpdateId};
use std::sync::Arc;

/// When generated operations come.
#[derive(Clone, Debug)]
pub enum Pace {
    /// A Poisson process or a fixed distance: the time to the next does not depend on the last one's end.
    Open(Sampler),
    /// A think time after the end of the last.
    Closed(Sampler),
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
    /// Before this instant there are none.
    pub from: Micros,
    /// Nor at or after this one.
    pub until: Micros,
    /// One of each for a session.
    pub sessions: Vec<SessionStreams>,
}

/// A client's settings, ready to run.
#[derive(Clone, Debug)]
pub struct ClientPlan {
    /// Which node it is.
    pub node: NodeId,
    /// Where writes go, and the link there.
    pub target: (NodeId, LinkId),
    /// Where reads go, and the link there.
    pub reads_from: (NodeId, LinkId),
    /// How long an answer is awaited.
    pub timeout: Micros,
    /// Scripted operations with their times.
    pub script: Vec<(Micros, Operation)>,
    /// Generated ones.
    pub generator: Option<Generator>,
    /// The values of generated writes count up from here, so that no two clients write the same.
    pub first_value: i64,
}

/// A client at run time.
#[derive(Clone, Debug)]
pub struct Client {
    plan: ClientPlan,
    /// Operations that are awaited, each with its session and whether it was generated.
    pending: Map<OperationId, (u32, bool)>,
    written: i64,
}

impl Client {
    /// A client that has not issued anything.
    pub fn new(plan: ClientPlan) -> Self {
        Client { plan, pending: Map::new(), written: 0 }
    }

    /// Operations that are awaited.
    pub fn pending(&self) -> u32 {
        self.pending.len() as u32
    }

    /// Sets the timers of the script and of each session's first generated operation.
    pub fn start(&mut self, out: &mut Outbox) {
        for (n, (at, _)) in self.plan.script.iter().enumerate() {
            out.wake(*at, Timer::Scripted(n as u32));
        }
        let Some(generator) = &self.plan.generator else { return };
        let (from, sessions) = (generator.from, generator.sessions.len() as u32);
        for session in 0..sessions {
            self.plan_next(from, session, out);
        }
    }

    /// Sets the timer of a session's next generated operation.
    fn plan_next(&mut self, now: Micros, session: u32, out: &mut Outbox) {
        let Some(generator) = &mut self.plan.generator else { return };
        let stream = &mut generator.sessions[session as usize].arrivals;
        let at = now
            + match &generator.pace {
                Pace::Open(distance) => distance.draw(stream),
                Pace::Closed(think) => think.draw(stream),
            };
        if at < generator.until {
            out.wake(at, Timer::Generated(session));
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, out: &mut Outbox) {
        match timer {
            Timer::Scripted(n) => {
                let operation = self.plan.script[n as usize].1.clone();
                self.issue(now, 0, false, &operation, out);
            }
            Timer::Generated(session) => {
                if let Some(operation) = self.generate(session) {
                    self.issue(now, session, true, &operation, out);
                }
                if self.plan.generator.as_ref().is_some_and(|generator| matches!(generator.pace, Pace::Open(_))) {
                    self.plan_next(now, session, out);
                }
            }
            Timer::OperationTimeout(operation) => {
                self.end(now, OperationId(operation), Outcome::Unknown, None, out);
            }
            Timer::JobDone(_)
            | Timer::CallTimeout(_)
            | Timer::PublishTimeout(_)
            | Timer::PublishDue(_)
            | Timer::Poll(_)
            | Timer::Commit(_)
            | Timer::Expire(_)
            | Timer::Flushed(_)
            | Timer::Rewound(_)
            | Timer::AckDeadline(_)
            | Timer::Ready(_) => unreachable!("no such timer is set by a client"),
        }
    }

    /// A message arrived.
    pub fn on_message(&mut self, now: Micros, payload: Payload, out: &mut Outbox) {
        match payload {
            Payload::Operated(operation, outcome, update) => self.end(now, operation, outcome, update, out),
            Payload::Operate(_)
            | Payload::Apply(..)
            | Payload::Applied(..)
            | Payload::Publish(_)
            | Payload::Published(_)
            | Payload::Deliver(_)
            | Payload::Acknowledge(_)
            | Payload::Refuse(_)
            | Payload::Token => unreachable!("no such message is sent to a client"),
        }
    }

    fn generate(&mut self, session: u32) -> Option<Operation> {
        let generator = self.plan.generator.as_mut()?;
        let streams = &mut generator.sessions[session as usize];
        let key = generator.keys.draw(&mut streams.keys).to_string();
        if streams.kinds.chance(generator.read_share) {
            return Some(Operation::Read { key });
        }
        let value = Value::Int(self.plan.first_value + self.written);
        self.written += 1;
        Some(Operation::Write { key, value })
    }

    fn issue(&mut self, now: Micros, session: u32, generated: bool, operation: &Operation, out: &mut Outbox) {
        let (to, link) = if operation.is_read() { self.plan.reads_from } else { self.plan.target };
        let request = out.issue(self.plan.node, session, to, operation);
        let id = request.operation;
        self.pending.insert(id, (session, generated));
        out.send(link, Payload::Operate(Arc::new(request)), About { operation: Some(id), ..About::default() });
        out.wake(now + self.plan.timeout, Timer::OperationTimeout(id.0));
    }

    /// Ends an operation, once: an answer after the timeout changes nothing for the client.
    fn end(
        &mut self,
        now: Micros,
        operation: OperationId,
        outcome: Outcome,
        update: Option<UpdateId>,
        out: &mut Outbox,
    ) {
        let Some((session, generated)) = self.pending.remove(&operation) else { return };
        out.record(Fact::OperationEnded { operation, outcome });
        if let (Outcome::Ok, Some(update)) = (outcome, update) {
            out.record(Fact::UpdateAcknowledged { update, operation });
        }
        let closed = self.plan.generator.as_ref().is_some_and(|generator| matches!(generator.pace, Pace::Closed(_)));
        if generated && closed {
            self.plan_next(now, session, out);
        }
    }
}
