//! A service: workers behind a bounded queue, a durable store, blocking calls before a write commits, and handlers of
//! events. How its updates are published is in `publishing`.

mod atomic;
mod faults;
mod handling;

use super::chance::{Sampler, Stream};
use super::handling::{Handler, Handling};
use super::message::{About, Ask, Atomic, Delivery, LinkId, Payload, ReadResult, Request, Update};
use super::outbox::Outbox;
use super::publishing::{Publisher, Publishing};
use super::queue::Timer;
use super::store::Store;
use crate::scenario::{Effect, Micros, Operation, Value};
use crate::trace::{Fact, HandlingFailure, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId};
use atomic::Transactions;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A blocking call that a write makes before it commits.
#[derive(Clone, Debug)]
pub struct Callee {
    /// The link to it.
    pub link: LinkId,
    /// How long its answer is awaited.
    pub timeout: Micros,
    /// Which node it is.
    pub node: NodeId,
    /// What it writes of its own, in the same transaction.
    pub operation: Option<Operation>,
}

/// A service's settings, ready to run.
#[derive(Clone, Debug)]
pub struct ServicePlan {
    /// Which node it is.
    pub node: NodeId,
    /// How long a worker is busy with a request.
    pub service_time: Sampler,
    /// The stream of `service_time`.
    pub durations: Stream,
    /// Workers.
    pub concurrency: u32,
    /// Places in the queue.
    pub queue: u32,
    /// Offset of its clock, µs.
    pub clock_offset: i64,
    /// Drift of its clock, parts in a million.
    pub clock_drift: f64,
    /// Whom it calls before a write commits.
    pub calls: Vec<Callee>,
    /// All commit, or none: by two-phase commit.
    pub atomic: bool,
    /// Where it publishes.
    pub publishers: Vec<Publisher>,
    /// How it handles events.
    pub handlers: Vec<Handler>,
}

/// Who awaits the end of a change.
#[derive(Clone, Debug, PartialEq)]
enum Awaiting {
    /// The person at the page.
    Person(OperationId),
    /// A client, over that link.
    Client(OperationId, LinkId),
    /// Another service's job, over that link.
    Caller(u32, LinkId),
}

/// What a job works on.
#[derive(Clone, Debug)]
enum Work {
    Operate(Awaiting, Arc<Request>),
    Apply(Awaiting, Arc<Update>),
    Handle(Arc<Delivery>),
    Prepare(Arc<Atomic>, LinkId),
}

/// A change on its way through the calls that come before its commit.
#[derive(Clone, Debug)]
struct Change {
    awaiting: Awaiting,
    update: Arc<Update>,
    /// The operation that asked for it here; none if another service did.
    operation: Option<OperationId>,
    /// Index of the call that is awaited.
    call: usize,
}

#[derive(Clone, Debug)]
enum Job {
    /// Its time runs.
    Working(Work),
    /// It has its worker, and waits until another write of the same key is through.
    Locked(Awaiting, Arc<Request>),
    /// It waits for a callee.
    Calling(Change),
    /// Its event is published; its commit comes after the gap.
    Committing(Change),
}

/// A service at run time. The store and the numbering are durable; all else is lost in a crash.
#[derive(Clone, Debug)]
pub struct Service {
    plan: ServicePlan,
    /// Its durable store.
    pub store: Store,
    up: bool,
    busy: u32,
    waiting: VecDeque<Work>,
    jobs: BTreeMap<u32, Job>,
    next_job: u32,
    /// Keys with a write under way, and the jobs that wait for it.
    locks: BTreeMap<KeyId, VecDeque<u32>>,
    publishing: Publishing,
    handling: Handling,
    transactions: Transactions,
    /// How many times as long as configured work takes.
    slowness: f64,
}

impl Service {
    /// A service that is up and idle.
    pub fn new(mut plan: ServicePlan) -> Self {
        let publishing = Publishing::new(plan.node, std::mem::take(&mut plan.publishers));
        let handling = Handling::new(std::mem::take(&mut plan.handlers));
        Service {
            plan,
            store: Store::default(),
            up: true,
            busy: 0,
            waiting: VecDeque::new(),
            jobs: BTreeMap::new(),
            next_job: 0,
            locks: BTreeMap::new(),
            publishing,
            handling,
            transactions: Transactions::default(),
            slowness: 1.0,
        }
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Workers that are busy (blocked ones included), work that waits, and calls that are not answered.
    pub fn load(&self) -> (u32, u32, u32) {
        let blocked = self.jobs.values().filter(|job| matches!(job, Job::Calling(_))).count();
        (self.busy, self.waiting.len() as u32, blocked as u32)
    }

    /// The person at the page asks the service on the spot.
    pub fn on_person(&mut self, now: Micros, request: Request, out: &mut Outbox) {
        let awaiting = Awaiting::Person(request.operation);
        if self.up {
            self.on_work(now, Work::Operate(awaiting, Arc::new(request)), out);
        } else {
            self.refuse(&awaiting, Refusal::ServiceDown, Outcome::Fail, out);
        }
    }

    /// A message arrived over the link whose other direction is `back`.
    pub fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, out: &mut Outbox) {
        match (payload, back) {
            (Payload::Operate(request), Some(back)) => {
                self.on_work(now, Work::Operate(Awaiting::Client(request.operation, back), request), out);
            }
            (Payload::Apply(caller, update), Some(back)) => {
                self.on_work(now, Work::Apply(Awaiting::Caller(caller, back), update), out);
            }
            (Payload::Deliver(delivery), _) => {
                let mut next = self.handling.on_delivery(delivery, out);
                while let Some(delivery) = next {
                    self.on_work(now, Work::Handle(delivery), out);
                    next = self.handling.more(out);
                }
            }
            (Payload::Atomic(said), Some(back)) => self.on_atomic(now, &said, back, out),
            (Payload::Operated(operation, outcome, update), _) => {
                self.on_own_write(now, operation, outcome, update, out);
            }
            (Payload::Applied(job, taken_in), _) => self.on_answer(now, job, taken_in, out),
            (Payload::Published(number), _) => self.publishing.on_published(number, out),
            (
                Payload::Operate(_)
                | Payload::Apply(..)
                | Payload::Atomic(_)
                | Payload::Returned(..)
                | Payload::Written(..)
                | Payload::Redirected(..)
                | Payload::Wire(_)
                | Payload::Publish(_)
                | Payload::Acknowledge(..)
                | Payload::Heartbeat(_)
                | Payload::Refuse(_),
                _,
            ) => unreachable!("no such message is sent to a service"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, out: &mut Outbox) {
        match timer {
            Timer::JobDone(job) => self.on_job_done(now, job, out),
            Timer::CallTimeout(job) => self.on_call_timeout(now, job, out),
            Timer::PublishTimeout(number) => self.publishing.on_timeout(now, number, out),
            Timer::PublishDue(number) => self.publishing.on_due(now, number, out),
            Timer::Poll(number) => self.publishing.on_poll(now, number, out),
            Timer::Undecided(transaction) => {
                if self.up {
                    self.on_undecided(now, UpdateId(transaction), out);
                }
            }
            Timer::Commit(handler) => self.handling.commit_offsets(handler, out),
            Timer::Heartbeat(number) => self.handling.on_heartbeat_due(now, number, out),
            Timer::AckDeadline(_)
            | Timer::Ready(_)
            | Timer::Expire(_)
            | Timer::Flushed(_)
            | Timer::Rewound(_)
            | Timer::Session(_)
            | Timer::Broker(_)
            | Timer::Again(_)
            | Timer::Protocol(_)
            | Timer::Scripted(_)
            | Timer::Generated(_)
            | Timer::OperationTimeout(_) => {
                unreachable!("no such timer is set by a service")
            }
        }
    }

    /// A run begins.
    pub fn open(&mut self, out: &mut Outbox) {
        self.handling.open(out);
    }

    fn on_work(&mut self, now: Micros, work: Work, out: &mut Outbox) {
        if self.busy < self.plan.concurrency {
            self.begin(now, work, out);
        } else if (self.waiting.len() as u32) < self.plan.queue {
            self.waiting.push_back(work);
        } else {
            self.turn_away(&work, out);
        }
    }

    fn turn_away(&mut self, work: &Work, out: &mut Outbox) {
        match work {
            Work::Operate(awaiting, _) => self.refuse(awaiting, Refusal::QueueFull, Outcome::Fail, out),
            Work::Apply(Awaiting::Caller(job, back), update) => {
                let about = About { update: Some(update.id), ..About::default() };
                out.send(*back, Payload::Applied(*job, false), about);
            }
            Work::Apply(Awaiting::Person(_) | Awaiting::Client(..), _) => unreachable!("only services apply updates"),
            Work::Handle(delivery) => self.handling.fail(delivery, HandlingFailure::QueueFull, out),
            Work::Prepare(said, coordinator) => {
                let (transaction, update) = (said.transaction(), Some(said.transaction()));
                let vote = Atomic::Vote { transaction, granted: false };
                out.send(*coordinator, Payload::Atomic(Arc::new(vote)), About { update, ..About::default() });
            }
        }
    }

    fn begin(&mut self, now: Micros, work: Work, out: &mut Outbox) {
        self.busy += 1;
        let takes = match &work {
            Work::Operate(..) | Work::Apply(..) | Work::Prepare(..) => {
                self.plan.service_time.draw(&mut self.plan.durations)
            }
            Work::Handle(delivery) => {
                let handler = &mut self.handling.handlers[delivery.subscription as usize];
                handler.processing.draw(&mut handler.durations)
            }
        };
        let job = self.next_job;
        self.next_job += 1;
        self.jobs.insert(job, Job::Working(work));
        let takes = if self.slowness == 1.0 { takes } else { (takes as f64 * self.slowness).round() as Micros };
        out.wake(now + takes, Timer::JobDone(job));
    }

    /// Frees a worker, which takes the next work.
    fn finish(&mut self, now: Micros, out: &mut Outbox) {
        self.busy -= 1;
        if let Some(work) = self.waiting.pop_front() {
            self.begin(now, work, out);
        }
    }

    fn on_job_done(&mut self, now: Micros, job: u32, out: &mut Outbox) {
        match self.jobs.remove(&job) {
            None => {}
            Some(Job::Working(Work::Operate(awaiting, request))) => self.operate(now, job, awaiting, request, out),
            Some(Job::Working(Work::Prepare(said, coordinator))) => {
                self.vote(now, &said, coordinator, out);
                self.finish(now, out);
            }
            Some(Job::Working(Work::Apply(awaiting, update))) if self.promised(update.key) => {
                self.turn_away(&Work::Apply(awaiting, update), out);
                self.finish(now, out);
            }
            Some(Job::Working(Work::Apply(awaiting, update))) => {
                let change = Change { awaiting, update, operation: None, call: 0 };
                self.proceed(now, job, change, out);
            }
            Some(Job::Working(Work::Handle(delivery))) => {
                self.handle(now, &delivery, out);
                self.finish(now, out);
                let mut next = self.handling.next(&delivery, out);
                while let Some(delivery) = next {
                    self.on_work(now, Work::Handle(delivery), out);
                    next = self.handling.more(out);
                }
            }
            Some(Job::Committing(change)) => {
                self.commit(now, &change, out);
                self.end_change(now, &change, out);
            }
            Some(Job::Locked(..) | Job::Calling(_)) => unreachable!("only working and committing jobs are timed"),
        }
    }

    fn operate(&mut self, now: Micros, job: u32, awaiting: Awaiting, request: Arc<Request>, out: &mut Outbox) {
        if request.ask == Ask::Read && !self.promised(request.key) {
            let row = self.store.get(request.key);
            out.record(Fact::ReadServed {
                operation: request.operation,
                node: self.plan.node,
                key: request.key,
                version: row.map(|row| row.version).unwrap_or_default(),
                value: row.map(|row| row.value.clone()),
                context: None,
            });
            let result = ReadResult {
                value: row.map(|row| row.value.clone()),
                version: row.map(|row| row.version).unwrap_or_default(),
                origin: row.map(|row| row.version).unwrap_or_default(),
                context: None,
            };
            match &awaiting {
                Awaiting::Client(operation, back) => {
                    let about = About { operation: Some(*operation), ..About::default() };
                    out.send(*back, Payload::Returned(*operation, Box::new(result)), about);
                }
                Awaiting::Person(_) | Awaiting::Caller(..) => self.answer(&awaiting, Outcome::Ok, None, out),
            }
            return self.finish(now, out);
        }
        // Writes of one key go one by one, as under a row lock: the next sees what the last left.
        if let Some(queue) = self.locks.get_mut(&request.key) {
            queue.push_back(job);
            self.jobs.insert(job, Job::Locked(awaiting, request));
            return;
        }
        match self.store.after(request.key, &request.ask) {
            Err(cause) => {
                self.refuse(&awaiting, cause, Outcome::Fail, out);
                self.finish(now, out);
            }
            Ok(value) => {
                self.locks.insert(request.key, VecDeque::new());
                let update = self.update(now, &request, value, out);
                let change = Change { awaiting, update, operation: Some(request.operation), call: 0 };
                if self.plan.atomic {
                    self.prepare(now, job, change, out);
                } else {
                    self.proceed(now, job, change, out);
                }
            }
        }
    }

    /// The update that makes a key hold a value.
    fn update(&mut self, now: Micros, request: &Request, value: Value, out: &mut Outbox) -> Arc<Update> {
        let version = self.store.next_version(request.key, self.plan.node.0 + 1);
        let delta = self.store.difference(request.key, &value);
        let (id, key, poison) = (out.next_update(), request.key, request.poison);
        Arc::new(Update { id, key, value, version, clock: self.clock(now), delta, poison })
    }

    /// Makes the change's next call, or commits it if there is none left.
    fn proceed(&mut self, now: Micros, job: u32, change: Change, out: &mut Outbox) {
        if let Some(callee) = self.plan.calls.get(change.call) {
            let about = About { update: Some(change.update.id), operation: change.operation, attempt: 0 };
            let timeout = callee.timeout;
            match &callee.operation {
                Some(_) => self.ask_for_own_write(job, change.call, out),
                None => out.send(callee.link, Payload::Apply(job, change.update.clone()), about),
            }
            out.wake(now + timeout, Timer::CallTimeout(self.call_number(job, change.call)));
            self.jobs.insert(job, Job::Calling(change));
        } else if let Some(gap) = self.publishing.before_commit(now, &change.update, out) {
            self.jobs.insert(job, Job::Committing(change));
            out.wake(now + gap, Timer::JobDone(job));
        } else {
            self.commit(now, &change, out);
            self.end_change(now, &change, out);
        }
    }

    /// A number for one call of one job, so that the timeout of an earlier call finds nothing.
    fn call_number(&self, job: u32, call: usize) -> u32 {
        job.wrapping_mul(self.plan.calls.len() as u32).wrapping_add(call as u32)
    }

    fn commit(&mut self, now: Micros, change: &Change, out: &mut Outbox) {
        let Update { id, key, ref value, version, .. } = *change.update;
        let node = self.plan.node;
        match change.operation {
            Some(operation) => {
                self.store.set(key, value.clone(), version, change.update.clock);
                let (clock, value) = (change.update.clock, value.clone());
                out.record(Fact::UpdateCommitted { update: id, operation, node, key, version, value, clock });
            }
            None => {
                let changed = self.store.take_in(&change.update, Effect::SetIfNewer);
                let (value, by, sum) = (value.clone(), None, None);
                out.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
            }
        }
        self.answer(&change.awaiting, Outcome::Ok, Some(id), out);
        self.publishing.on_commit(now, &change.update, out);
    }

    /// Lets go of the key and the worker.
    fn end_change(&mut self, now: Micros, change: &Change, out: &mut Outbox) {
        if change.operation.is_some() {
            self.unlock(now, change.update.key, out);
        }
        self.finish(now, out);
    }

    /// Lets go of a key; what waits for it goes on.
    fn unlock(&mut self, now: Micros, key: KeyId, out: &mut Outbox) {
        let mut queue = self.locks.remove(&key).unwrap_or_default();
        while let Some(job) = queue.pop_front() {
            if let Some(Job::Locked(awaiting, request)) = self.jobs.remove(&job) {
                self.operate(now, job, awaiting, request, out);
                // It may have been refused at once; the next in line goes on then.
                if let Some(lock) = self.locks.get_mut(&key) {
                    lock.append(&mut queue);
                }
            }
        }
    }

    fn on_answer(&mut self, now: Micros, job: u32, taken_in: bool, out: &mut Outbox) {
        // The caller may have given up or crashed since; then nobody waits.
        let Some(Job::Calling(mut change)) = self.jobs.remove(&job) else { return };
        if taken_in {
            change.call += 1;
            self.proceed(now, job, change, out);
        } else {
            // An earlier callee may have taken it in; only the first one's refusal is certain.
            let outcome = if change.call == 0 { Outcome::Fail } else { Outcome::Unknown };
            self.call_off(now, &change, Refusal::CalleeRefused, outcome, out);
        }
    }

    fn on_call_timeout(&mut self, now: Micros, number: u32, out: &mut Outbox) {
        let calls = self.plan.calls.len() as u32;
        let (job, call) = (number / calls, (number % calls) as usize);
        if self.on_no_answer(now, job, call, out) {
            return;
        }
        match self.jobs.remove(&job) {
            Some(Job::Calling(change)) if change.call == call => {
                self.call_off(now, &change, Refusal::CalleeSilent, Outcome::Unknown, out);
            }
            Some(other) => {
                self.jobs.insert(job, other);
            }
            None => {}
        }
    }

    fn call_off(&mut self, now: Micros, change: &Change, cause: Refusal, outcome: Outcome, out: &mut Outbox) {
        self.refuse(&change.awaiting, cause, outcome, out);
        self.end_change(now, change, out);
    }

    fn refuse(&mut self, awaiting: &Awaiting, cause: Refusal, outcome: Outcome, out: &mut Outbox) {
        if let Awaiting::Person(operation) | Awaiting::Client(operation, _) = awaiting {
            out.record(Fact::OperationRefused { operation: *operation, node: self.plan.node, cause });
        }
        self.answer(awaiting, outcome, None, out);
    }

    fn answer(&mut self, awaiting: &Awaiting, outcome: Outcome, update: Option<UpdateId>, out: &mut Outbox) {
        match awaiting {
            Awaiting::Person(operation) => {
                let operation = *operation;
                out.record(Fact::OperationEnded { operation, outcome });
                if let (Outcome::Ok, Some(update)) = (outcome, update) {
                    out.record(Fact::UpdateAcknowledged { update, operation });
                }
            }
            Awaiting::Client(operation, back) => {
                let about = About { update, operation: Some(*operation), attempt: 0 };
                out.send(*back, Payload::Operated(*operation, outcome, update), about);
            }
            Awaiting::Caller(job, back) => match outcome {
                Outcome::Ok | Outcome::Fail => {
                    let about = About { update, ..About::default() };
                    out.send(*back, Payload::Applied(*job, outcome == Outcome::Ok), about);
                }
                // It cannot say whether its own callees took the update in, and says nothing: the caller's
                // timeout ends the call as unknown, which is the truth.
                Outcome::Unknown => {}
            },
        }
    }

    /// Whether a transaction that it has promised to commit locks a key.
    fn promised(&self, key: KeyId) -> bool {
        self.transactions.locks(key)
    }

    /// Reading of its own clock, µs.
    fn clock(&self, now: Micros) -> i64 {
        let drifted = (now as f64 * self.plan.clock_drift / 1e6).round() as i64;
        now as i64 + drifted + self.plan.clock_offset
    }
}
