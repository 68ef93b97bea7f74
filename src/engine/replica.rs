//! A member of a replica group: workers behind a bounded queue, a durable store of cells, and the group's protocol.
//!
//! To add a protocol: one file here with its handlers, one variant of [`Agreement`], its messages in `wire`.

mod cell;
mod chain;
mod events;
mod gossip;
mod log;
mod logged;
mod member;
mod primary;
pub mod quorum;
pub mod raft;
mod stamp;
mod two_phase;
mod wire;

pub use cell::Cell;
pub use events::{Events, Outgoing};
pub use member::{Group, Member};
pub use stamp::Stamps;
pub use wire::{Body, Wire};

use super::consumer::Handler;
use super::context::Context;
use super::message::{About, Ask, Delivery, LinkId, Payload, ReadResult, Request};
use super::publishing::Publisher;
use super::queue::Timer;
use super::random::{Sampler, Stream};
use crate::scenario::{Micros, Protocol, Value};
use crate::trace::{Fact, HandlingFailure, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId, Version};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How the members of a group agree, at one of them.
#[derive(Clone, Debug)]
enum Agreement {
    Quorum(Box<quorum::Quorum>),
    Primary(Box<primary::Primary>),
    Raft(Box<raft::Raft>),
    Chain(Box<chain::Chain>),
    TwoPhase(Box<two_phase::TwoPhase>),
    Gossip(Box<gossip::Gossip>),
}

/// Who awaits the end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The person at the page, or a client that coordinates itself.
    Here,
    /// A client, or a member that handles an event, over that link.
    Client(LinkId),
    /// The member itself, which handles an event.
    Handler,
}

/// How an operation ended, or where it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A read returned this.
    Read(ReadResult),
    /// A write has this version.
    Written(UpdateId, Version),
    /// Of an event: there was nothing to be changed.
    Unchanged,
    /// It had no effect, or may have had one.
    Refused(Refusal, Outcome),
    /// Another member takes it, if that is known.
    Elsewhere(Option<NodeId>),
}

/// An operation that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The operation.
    pub operation: OperationId,
    /// Who awaits that.
    pub asker: Asker,
    /// How.
    pub answer: Answer,
}

/// A member's settings, ready to run.
#[derive(Clone, Debug)]
pub struct ReplicaPlan {
    /// How long a worker is busy with a request.
    pub service_time: Sampler,
    /// The stream of `service_time`.
    pub durations: Stream,
    /// Workers.
    pub concurrency: u32,
    /// Places in the queue, for operations of clients and events.
    pub queue: u32,
    /// Where it publishes.
    pub publishers: Vec<Publisher>,
    /// How it handles events.
    pub handlers: Vec<Handler>,
}

/// What a worker works on.
#[derive(Clone, Debug)]
enum Work {
    Operate(Asker, Arc<Request>),
    Wire(Arc<Wire>, Option<LinkId>),
    Handle(Arc<Delivery>),
}

/// A member of a group at run time.
#[derive(Clone, Debug)]
pub struct Replica {
    plan: ReplicaPlan,
    member: Member,
    agreement: Agreement,
    up: bool,
    busy: u32,
    waiting: VecDeque<Work>,
    jobs: BTreeMap<u32, Work>,
    next_job: u32,
    slowness: f64,
    /// Operations of the person at the page that have not ended.
    asked_here: BTreeMap<OperationId, ()>,
    /// What it has to do with buses, if anything.
    events: Option<Box<Events>>,
}

impl Replica {
    /// A member that is up and idle. `chance` names a stream of its own.
    pub fn new(mut plan: ReplicaPlan, mut member: Member, chance: &dyn Fn(&str) -> Stream) -> Self {
        let (publishers, handlers) = (std::mem::take(&mut plan.publishers), std::mem::take(&mut plan.handlers));
        let events = (!publishers.is_empty() || !handlers.is_empty())
            .then(|| Box::new(Events::new(member.node, publishers, handlers)));
        member.outgoing = events.as_ref().map(|events| events.outgoing()).unwrap_or_default();
        let agreement = match member.group.protocol.clone() {
            Protocol::Quorum(plan) => Agreement::Quorum(Box::new(quorum::Quorum::new(plan, &member, chance))),
            Protocol::Primary(plan) => Agreement::Primary(Box::new(primary::Primary::new(&plan, &member))),
            Protocol::Raft(plan) => Agreement::Raft(Box::new(raft::Raft::new(&plan, &member, chance("election")))),
            Protocol::Chain => Agreement::Chain(Box::new(chain::Chain::new(&member))),
            Protocol::TwoPhase(plan) => Agreement::TwoPhase(Box::new(two_phase::TwoPhase::new(&plan))),
            Protocol::Gossip(plan) => Agreement::Gossip(Box::new(gossip::Gossip::new(&plan, chance("gossip")))),
        };
        Replica {
            plan,
            member,
            agreement,
            up: true,
            busy: 0,
            waiting: VecDeque::new(),
            jobs: BTreeMap::new(),
            next_job: 0,
            slowness: 1.0,
            asked_here: BTreeMap::new(),
            events,
        }
    }

    fn on_work(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        match work {
            // Answers need no worker: they are counted.
            Work::Wire(ref wire, _) if !wire.body.is_request() => self.execute(now, work, ctx),
            Work::Operate(..) | Work::Wire(..) | Work::Handle(_) if self.busy < self.plan.concurrency => {
                self.begin(now, work, ctx);
            }
            Work::Operate(asker, request) if self.waiting.len() as u32 >= self.plan.queue => {
                let answer = Answer::Refused(Refusal::QueueFull, Outcome::Fail);
                self.end(now, vec![Done { operation: request.operation, asker, answer }], ctx);
            }
            Work::Handle(delivery) if self.waiting.len() as u32 >= self.plan.queue => {
                self.failed(now, &delivery, HandlingFailure::QueueFull, ctx);
            }
            Work::Operate(..) | Work::Wire(..) | Work::Handle(_) => self.waiting.push_back(work),
        }
    }

    fn begin(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        let handler = match (&work, &mut self.events) {
            (Work::Handle(delivery), Some(events)) => events.handling.handlers.get_mut(delivery.subscription as usize),
            (Work::Operate(..) | Work::Wire(..) | Work::Handle(_), _) => None,
        };
        let is_event = handler.is_some();
        let takes = match handler {
            Some(handler) => handler.processing.draw(&mut handler.durations),
            None => self.plan.service_time.draw(&mut self.plan.durations),
        };
        let takes = if self.slowness == 1.0 { takes } else { (takes as f64 * self.slowness).round() as Micros };
        if takes == 0 && !is_event {
            return self.execute(now, work, ctx);
        }
        self.busy += 1;
        let job = self.next_job;
        self.next_job += 1;
        self.jobs.insert(job, work);
        ctx.wake(now + takes, Timer::JobDone(job));
    }

    fn execute(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        let member = &mut self.member;
        let done = match work {
            Work::Handle(delivery) => return self.handle(now, delivery, ctx),
            Work::Operate(asker, request) => self.operate(now, asker, request, ctx),
            Work::Wire(wire, back) => match &mut self.agreement {
                Agreement::Quorum(quorum) => quorum.on_wire(now, &wire, back, member, ctx),
                Agreement::Primary(primary) => primary.on_wire(now, &wire, member, ctx),
                Agreement::Raft(raft) => raft.on_wire(now, &wire, member, ctx),
                Agreement::Chain(chain) => chain.on_wire(now, &wire, member, ctx),
                Agreement::TwoPhase(two_phase) => two_phase.on_wire(now, &wire, member, ctx),
                Agreement::Gossip(gossip) => {
                    gossip.on_wire(now, &wire, member, ctx);
                    Vec::new()
                }
            },
        };
        self.end(now, done, ctx);
    }

    fn operate(&mut self, now: Micros, asker: Asker, request: Arc<Request>, ctx: &mut Context) -> Vec<Done> {
        let member = &mut self.member;
        if request.ask == Ask::Delete && member.group.publishes {
            // An event says what a key holds: it cannot say that it holds nothing.
            return logged::refused(&request, asker, Refusal::NotOffered);
        }
        match &mut self.agreement {
            Agreement::Quorum(quorum) => quorum.operate(now, asker, request, member, ctx),
            Agreement::Primary(primary) => primary.operate(now, asker, &request, member, ctx),
            Agreement::Raft(raft) => raft.operate(now, asker, &request, member, ctx),
            Agreement::Chain(chain) => chain.operate(now, asker, &request, member, ctx),
            Agreement::TwoPhase(two_phase) => two_phase.operate(now, asker, request, member, ctx),
            Agreement::Gossip(gossip) => gossip.operate(now, asker, &request, member, ctx),
        }
    }

    /// Tells those who wait how their operations ended, and publishes what was written.
    fn end(&mut self, now: Micros, done: Vec<Done>, ctx: &mut Context) {
        self.publish_stored(now, ctx);
        for Done { operation, asker, answer } in done {
            let node = self.member.node;
            if let Answer::Refused(cause, _) = answer {
                ctx.record(Fact::OperationRefused { operation, node, cause });
            }
            let written = answer.clone();
            match asker {
                Asker::Handler => self.on_answer(now, operation, answer, ctx),
                Asker::Here => {
                    self.asked_here.remove(&operation);
                    end_here(operation, node, &answer, ctx);
                }
                Asker::Client(back) => {
                    let about = About { operation: Some(operation), ..About::default() };
                    let payload = match answer {
                        Answer::Read(result) => Payload::Returned(operation, Box::new(result)),
                        Answer::Written(update, version) => Payload::Written(operation, Box::new((update, version))),
                        Answer::Refused(_, outcome) => Payload::Operated(operation, outcome, None),
                        Answer::Unchanged => Payload::Operated(operation, Outcome::Ok, None),
                        Answer::Elsewhere(member) => Payload::Redirected(operation, member),
                    };
                    ctx.send(back, payload, about);
                }
            }
            self.publish_acknowledged(now, &written, ctx);
        }
    }

    /// Sets its first timers.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        self.at_events(|events| events.handling.open(ctx));
        let member = &mut self.member;
        match &mut self.agreement {
            Agreement::Quorum(quorum) => quorum.start(now, ctx),
            Agreement::Primary(primary) => primary.start(now, member, ctx),
            Agreement::Raft(raft) => raft.start(now, ctx),
            Agreement::Chain(chain) => chain.start(now, member, ctx),
            Agreement::TwoPhase(two_phase) => two_phase.start(now, member, ctx),
            Agreement::Gossip(gossip) => gossip.start(now, ctx),
        }
    }

    /// A message arrived over the link whose other direction is `back`.
    pub fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, ctx: &mut Context) {
        match (payload, back) {
            (Payload::Operate(request), Some(back)) => {
                self.on_work(now, Work::Operate(Asker::Client(back), request), ctx);
            }
            (Payload::Wire(wire), back) => self.on_work(now, Work::Wire(wire, back), ctx),
            (Payload::Deliver(delivery), _) => self.on_delivery(now, delivery, ctx),
            (Payload::Published(number), _) => self.at_events(|events| events.publishing.on_published(number, ctx)),
            // Another member answers for the group what this one asked it on behalf of an event.
            (Payload::Written(operation, written), _) => {
                let (update, version) = *written;
                self.on_answer(now, operation, Answer::Written(update, version), ctx);
            }
            (Payload::Redirected(operation, to), _) => self.on_answer(now, operation, Answer::Elsewhere(to), ctx),
            (Payload::Operated(operation, outcome, _), _) => {
                let answer = match outcome {
                    Outcome::Ok => Answer::Unchanged,
                    Outcome::Fail | Outcome::Unknown => Answer::Refused(Refusal::NotOffered, outcome),
                };
                self.on_answer(now, operation, answer, ctx);
            }
            (
                Payload::Operate(_)
                | Payload::Returned(..)
                | Payload::Apply(..)
                | Payload::TransactionMessage(_)
                | Payload::Applied(..)
                | Payload::Publish(_)
                | Payload::Acknowledge(..)
                | Payload::Heartbeat(_)
                | Payload::Refuse(_),
                _,
            ) => unreachable!("no such message is sent to a member of a group"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        match timer {
            Timer::JobDone(job) => {
                if let Some(work) = self.jobs.remove(&job) {
                    self.execute(now, work, ctx);
                    self.busy -= 1;
                    if let Some(next) = self.waiting.pop_front() {
                        self.begin(now, next, ctx);
                    }
                }
            }
            Timer::Protocol(n) if self.up => {
                let member = &mut self.member;
                let done = match &mut self.agreement {
                    Agreement::Quorum(quorum) => quorum.on_timer(now, n, member, ctx),
                    Agreement::Primary(primary) => primary.on_timer(now, n, member, ctx),
                    Agreement::Raft(raft) => raft.on_timer(now, n, member, ctx),
                    Agreement::Chain(chain) => chain.on_timer(now, n, member, ctx),
                    Agreement::TwoPhase(two_phase) => two_phase.on_timer(now, n, member, ctx),
                    Agreement::Gossip(gossip) => {
                        gossip.on_timer(now, n, member, ctx);
                        Vec::new()
                    }
                };
                self.end(now, done, ctx);
            }
            Timer::Protocol(_) => {}
            Timer::OperationTimeout(operation) => self.on_silence(now, OperationId(operation), ctx),
            Timer::PublishTimeout(number) => self.at_events(|events| events.publishing.on_timeout(now, number, ctx)),
            Timer::PublishDue(number) => self.at_events(|events| events.publishing.on_due(now, number, ctx)),
            Timer::RelayPoll(number) => self.at_events(|events| events.publishing.on_poll(now, number, ctx)),
            Timer::HeartbeatDue(number) => self.at_events(|events| events.handling.on_heartbeat_due(now, number, ctx)),
            Timer::CommitOffsets(handler) => self.at_events(|events| events.handling.commit_offsets(handler, ctx)),
            Timer::CallTimeout(_)
            | Timer::AckDeadline(_)
            | Timer::EventRetry(_)
            | Timer::EventExpiry(_)
            | Timer::FlushDone(_)
            | Timer::PartitionRetry(_)
            | Timer::SessionTimeout(_)
            | Timer::BrokerCheck(_)
            | Timer::OptimisticRetry(_)
            | Timer::TransactionRetry(_)
            | Timer::ScriptedOperation(_)
            | Timer::GeneratedOperation(_) => unreachable!("no such timer is set by a member of a group"),
        }
    }

    /// Workers that are busy, work that waits, and operations under way.
    pub fn load(&self) -> (u32, u32, u32) {
        (self.busy, self.waiting.len() as u32, self.asked_here.len() as u32)
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// The person at the page asks it on the spot.
    pub fn on_user_request(&mut self, now: Micros, request: Request, ctx: &mut Context) {
        if self.up {
            self.asked_here.insert(request.operation, ());
            self.on_work(now, Work::Operate(Asker::Here, Arc::new(request)), ctx);
        } else {
            let (operation, node) = (request.operation, self.member.node);
            ctx.record(Fact::OperationRefused { operation, node, cause: Refusal::ServiceDown });
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Fail });
        }
    }

    /// Stops at once. What is under way is gone; the person whose request it was cannot know how it ended.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        self.up = false;
        ctx.record(Fact::ServiceCrashed { node: self.member.node, lost_disk: lose_disk });
        for (operation, ()) in std::mem::take(&mut self.asked_here) {
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Unknown });
        }
        self.busy = 0;
        self.waiting.clear();
        self.jobs.clear();
        if lose_disk {
            self.member.lose_disk();
        }
        self.crash_events(lose_disk, ctx);
        match &mut self.agreement {
            Agreement::Quorum(quorum) => quorum.crash(lose_disk),
            Agreement::Primary(primary) => primary.crash(lose_disk),
            Agreement::Raft(raft) => raft.crash(lose_disk),
            Agreement::Chain(chain) => chain.crash(lose_disk),
            Agreement::TwoPhase(two_phase) => two_phase.crash(lose_disk),
            Agreement::Gossip(gossip) => gossip.crash(lose_disk),
        }
    }

    /// Starts again with what the disk holds.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        self.up = true;
        ctx.record(Fact::ServiceRestarted { node: self.member.node });
        self.start(now, ctx);
        self.at_events(|events| events.publishing.restart(now, ctx));
        self.at_events(|events| events.handling.restart(now, ctx));
    }

    /// Makes its work take so many times as long as configured.
    pub fn slow_down(&mut self, factor: f64, ctx: &mut Context) {
        if self.slowness != factor {
            self.slowness = factor;
            let permille = (factor * 1000.0).round() as u32;
            ctx.record(Fact::ServiceSlowed { node: self.member.node, permille });
        }
    }

    /// Sets its clock: offset in µs, drift in parts in a million.
    pub fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, ctx: &mut Context) {
        self.member.set_clock(now, offset, drift_ppm, ctx);
    }

    /// How far its clock is ahead of true time, µs; negative if it is behind.
    pub fn clock_ahead(&self, now: Micros) -> i64 {
        self.member.clock(now) - now as i64
    }

    /// Moves its clock, µs.
    pub fn jump_clock(&mut self, now: Micros, by: i64, ctx: &mut Context) {
        let (offset, drift) = (self.member.clock_offset + by, self.member.clock_drift);
        self.member.set_clock(now, offset, drift, ctx);
    }

    /// Says where a key's replicas are, if that was not said yet.
    pub fn place(&self, key: KeyId, ctx: &mut Context) {
        let _ = self.member.group.preference(key, ctx);
    }

    /// Records what stood in the document, of data without a total order.
    pub fn record_initial_state(&self, key: KeyId, ctx: &mut Context) {
        self.member.record_initial_state(key, ctx);
    }

    /// What a Raft member's durable and volatile state is, for the five safety properties.
    pub fn raft(&self) -> Option<raft::View<'_>> {
        match &self.agreement {
            Agreement::Raft(raft) => Some(raft.view()),
            Agreement::Quorum(_)
            | Agreement::Primary(_)
            | Agreement::Chain(_)
            | Agreement::TwoPhase(_)
            | Agreement::Gossip(_) => None,
        }
    }
}

/// Ends an operation that was asked where it was coordinated.
pub fn end_here(operation: OperationId, node: NodeId, answer: &Answer, ctx: &mut Context) {
    match answer {
        Answer::Read(_) => ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Ok }),
        Answer::Written(update, _) => {
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Ok });
            ctx.record(Fact::UpdateAcknowledged { update: *update, operation });
        }
        Answer::Unchanged => ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Ok }),
        Answer::Refused(_, outcome) => ctx.record(Fact::OperationEnded { operation, outcome: *outcome }),
        Answer::Elsewhere(_) => {
            ctx.record(Fact::OperationRefused { operation, node, cause: Refusal::NoLeader });
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Fail });
        }
    }
}

/// What a register's key holds after an operation; none for a deletion.
///
/// # Errors
/// The operation does not fit what the key holds.
fn after(present: Option<&Value>, ask: &Ask) -> Result<Option<Value>, Refusal> {
    match ask {
        Ask::Delete => Ok(None),
        Ask::Read
        | Ask::Write(_)
        | Ask::Add(_)
        | Ask::Remove(_)
        | Ask::Put(..)
        | Ask::Insert(..)
        | Ask::RemoveAt(_)
        | Ask::Increment(_)
        | Ask::CompareAndSet { .. } => super::store::after(present, ask).map(Some),
    }
}
