//! A service: workers behind a bounded queue, a durable store, blocking calls before a write commits, and handlers of
//! events. How its updates are published is in `publishing`.

mod event_handling;
mod faults;
mod two_phase_commit;

use super::consumer::{Consumer, Handler};
use super::context::Context;
use super::message::{About, Ask, Delivery, LinkId, Payload, ReadResult, Request, TransactionMessage, Update};
use super::publishing::{Publisher, Publishing};
use super::queue::Timer;
use super::random::{Sampler, Stream};
use super::store::Store;
use crate::scenario::{Effect, Micros, Operation, Value};
use crate::trace::{Fact, HandlingFailure, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use two_phase_commit::Transactions;

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
pub struct ServiceConfig {
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
enum ReplyTo {
    /// The person at the page.
    User(OperationId),
    /// A client, over that link.
    Client(OperationId, LinkId),
    /// Another service's job, over that link.
    Caller(u32, LinkId),
}

/// What a job works on.
#[derive(Clone, Debug)]
enum Work {
    Execute(ReplyTo, Arc<Request>),
    Apply(ReplyTo, Arc<Update>),
    Handle(Arc<Delivery>),
    Prepare(Arc<TransactionMessage>, LinkId),
}

/// A change on its way through the calls that come before its commit.
#[derive(Clone, Debug)]
struct PendingWrite {
    reply_to: ReplyTo,
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
    Locked(ReplyTo, Arc<Request>),
    /// It waits for a callee.
    Calling(PendingWrite),
    /// Its event is published; its commit comes after the gap.
    Committing(PendingWrite),
}

/// A service at run time. The store and the numbering are durable; all else is lost in a crash.
#[derive(Clone, Debug)]
pub struct Service {
    config: ServiceConfig,
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
    handling: Consumer,
    transactions: Transactions,
    /// How many times as long as configured work takes.
    slowness: f64,
}

impl Service {
    /// A service that is up and idle.
    pub fn new(mut config: ServiceConfig) -> Self {
        let publishing = Publishing::new(config.node, std::mem::take(&mut config.publishers));
        let handling = Consumer::new(std::mem::take(&mut config.handlers));
        Service {
            config,
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
    pub fn on_user_request(&mut self, now: Micros, request: Request, ctx: &mut Context) {
        let reply_to = ReplyTo::User(request.operation);
        if self.up {
            self.enqueue(now, Work::Execute(reply_to, Arc::new(request)), ctx);
        } else {
            self.refuse(&reply_to, Refusal::ServiceDown, Outcome::Fail, ctx);
        }
    }

    /// A message arrived over the link whose other direction is `back`.
    pub fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, ctx: &mut Context) {
        match (payload, back) {
            (Payload::Operate(request), Some(back)) => {
                self.enqueue(now, Work::Execute(ReplyTo::Client(request.operation, back), request), ctx);
            }
            (Payload::Apply(caller, update), Some(back)) => {
                self.enqueue(now, Work::Apply(ReplyTo::Caller(caller, back), update), ctx);
            }
            (Payload::Deliver(delivery), _) => {
                let mut next = self.handling.on_delivery(delivery, ctx);
                while let Some(delivery) = next {
                    self.enqueue(now, Work::Handle(delivery), ctx);
                    next = self.handling.next_ready(ctx);
                }
            }
            (Payload::TransactionMessage(message), Some(back)) => self.on_transaction_message(now, &message, back, ctx),
            (Payload::Operated(operation, outcome, update), _) => {
                self.on_nested_reply(now, operation, outcome, update, ctx);
            }
            (Payload::Applied(job, applied), _) => self.on_reply(now, job, applied, ctx),
            (Payload::Published(number), _) => self.publishing.on_published(number, ctx),
            (
                Payload::Operate(_)
                | Payload::Apply(..)
                | Payload::TransactionMessage(_)
                | Payload::Returned(..)
                | Payload::Written(..)
                | Payload::Redirected(..)
                | Payload::Replica(_)
                | Payload::Publish(_)
                | Payload::Acknowledge(..)
                | Payload::Heartbeat(_)
                | Payload::Refuse(_),
                _,
            ) => unreachable!("no such message is sent to a service"),
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        match timer {
            Timer::JobDone(job) => self.on_job_done(now, job, ctx),
            Timer::CallTimeout(job) => self.on_call_timeout(now, job, ctx),
            Timer::PublishTimeout(number) => self.publishing.on_timeout(now, number, ctx),
            Timer::PublishDue(number) => self.publishing.on_due(now, number, ctx),
            Timer::RelayPoll(number) => self.publishing.on_poll(now, number, ctx),
            Timer::TransactionRetry(transaction) => {
                if self.up {
                    self.on_undecided(now, UpdateId(transaction), ctx);
                }
            }
            Timer::CommitOffsets(handler) => self.handling.commit_offsets(handler, ctx),
            Timer::HeartbeatDue(number) => self.handling.on_heartbeat_due(now, number, ctx),
            Timer::AckDeadline(_)
            | Timer::EventRetry(_)
            | Timer::EventExpiry(_)
            | Timer::FlushDone(_)
            | Timer::PartitionRetry(_)
            | Timer::SessionTimeout(_)
            | Timer::BrokerCheck(_)
            | Timer::OptimisticRetry(_)
            | Timer::Protocol(_)
            | Timer::ScriptedOperation(_)
            | Timer::GeneratedOperation(_)
            | Timer::OperationTimeout(_) => {
                unreachable!("no such timer is set by a service")
            }
        }
    }

    /// A run begins.
    pub fn open(&mut self, ctx: &mut Context) {
        self.handling.open(ctx);
    }

    fn enqueue(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        if self.busy < self.config.concurrency {
            self.begin(now, work, ctx);
        } else if (self.waiting.len() as u32) < self.config.queue {
            self.waiting.push_back(work);
        } else {
            self.reject(&work, ctx);
        }
    }

    fn reject(&mut self, work: &Work, ctx: &mut Context) {
        match work {
            Work::Execute(reply_to, _) => self.refuse(reply_to, Refusal::QueueFull, Outcome::Fail, ctx),
            Work::Apply(ReplyTo::Caller(job, back), update) => {
                let about = About { update: Some(update.id), ..About::default() };
                ctx.send(*back, Payload::Applied(*job, false), about);
            }
            Work::Apply(ReplyTo::User(_) | ReplyTo::Client(..), _) => unreachable!("only services apply updates"),
            Work::Handle(delivery) => self.handling.fail(delivery, HandlingFailure::QueueFull, ctx),
            Work::Prepare(message, coordinator) => {
                let (transaction, update) = (message.transaction(), Some(message.transaction()));
                let vote = TransactionMessage::Vote { transaction, granted: false };
                ctx.send(
                    *coordinator,
                    Payload::TransactionMessage(Arc::new(vote)),
                    About { update, ..About::default() },
                );
            }
        }
    }

    fn begin(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        self.busy += 1;
        let takes = match &work {
            Work::Execute(..) | Work::Apply(..) | Work::Prepare(..) => {
                self.config.service_time.draw(&mut self.config.durations)
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
        ctx.wake(now + takes, Timer::JobDone(job));
    }

    /// Frees a worker, which takes the next work.
    fn release_worker(&mut self, now: Micros, ctx: &mut Context) {
        self.busy -= 1;
        if let Some(work) = self.waiting.pop_front() {
            self.begin(now, work, ctx);
        }
    }

    fn on_job_done(&mut self, now: Micros, job: u32, ctx: &mut Context) {
        match self.jobs.remove(&job) {
            None => {}
            Some(Job::Working(Work::Execute(reply_to, request))) => self.execute(now, job, reply_to, request, ctx),
            Some(Job::Working(Work::Prepare(message, coordinator))) => {
                self.vote(now, &message, coordinator, ctx);
                self.release_worker(now, ctx);
            }
            Some(Job::Working(Work::Apply(reply_to, update))) if self.is_promised(update.key) => {
                self.reject(&Work::Apply(reply_to, update), ctx);
                self.release_worker(now, ctx);
            }
            Some(Job::Working(Work::Apply(reply_to, update))) => {
                let write = PendingWrite { reply_to, update, operation: None, call: 0 };
                self.continue_write(now, job, write, ctx);
            }
            Some(Job::Working(Work::Handle(delivery))) => {
                self.handle(now, &delivery, ctx);
                self.release_worker(now, ctx);
                let mut next = self.handling.next(&delivery, ctx);
                while let Some(delivery) = next {
                    self.enqueue(now, Work::Handle(delivery), ctx);
                    next = self.handling.next_ready(ctx);
                }
            }
            Some(Job::Committing(write)) => {
                self.commit(now, &write, ctx);
                self.finish_write(now, &write, ctx);
            }
            Some(Job::Locked(..) | Job::Calling(_)) => unreachable!("only working and committing jobs are timed"),
        }
    }

    fn execute(&mut self, now: Micros, job: u32, reply_to: ReplyTo, request: Arc<Request>, ctx: &mut Context) {
        if request.ask == Ask::Read && !self.is_promised(request.key) {
            let row = self.store.get(request.key);
            ctx.record(Fact::ReadServed {
                operation: request.operation,
                node: self.config.node,
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
            match &reply_to {
                ReplyTo::Client(operation, back) => {
                    let about = About { operation: Some(*operation), ..About::default() };
                    ctx.send(*back, Payload::Returned(*operation, Box::new(result)), about);
                }
                ReplyTo::User(_) | ReplyTo::Caller(..) => self.reply(&reply_to, Outcome::Ok, None, ctx),
            }
            return self.release_worker(now, ctx);
        }
        // Writes of one key go one by one, as under a row lock: the next sees what the last left.
        if let Some(queue) = self.locks.get_mut(&request.key) {
            queue.push_back(job);
            self.jobs.insert(job, Job::Locked(reply_to, request));
            return;
        }
        match self.store.after(request.key, &request.ask) {
            Err(cause) => {
                self.refuse(&reply_to, cause, Outcome::Fail, ctx);
                self.release_worker(now, ctx);
            }
            Ok(value) => {
                self.locks.insert(request.key, VecDeque::new());
                let update = self.update(now, &request, value, ctx);
                let write = PendingWrite { reply_to, update, operation: Some(request.operation), call: 0 };
                if self.config.atomic {
                    self.prepare(now, job, write, ctx);
                } else {
                    self.continue_write(now, job, write, ctx);
                }
            }
        }
    }

    /// The update that makes a key hold a value.
    fn update(&mut self, now: Micros, request: &Request, value: Value, ctx: &mut Context) -> Arc<Update> {
        let version = self.store.next_version(request.key, self.config.node.0 + 1);
        let delta = self.store.difference(request.key, &value);
        let (id, key, poison) = (ctx.next_update(), request.key, request.poison);
        Arc::new(Update { id, key, value, version, clock: self.clock(now), delta, poison })
    }

    /// Makes the change's next call, or commits it if there is none left.
    fn continue_write(&mut self, now: Micros, job: u32, write: PendingWrite, ctx: &mut Context) {
        if let Some(callee) = self.config.calls.get(write.call) {
            let about = About { update: Some(write.update.id), operation: write.operation, attempt: 0 };
            let timeout = callee.timeout;
            match &callee.operation {
                Some(_) => self.request_nested_write(job, write.call, ctx),
                None => ctx.send(callee.link, Payload::Apply(job, write.update.clone()), about),
            }
            ctx.wake(now + timeout, Timer::CallTimeout(self.call_number(job, write.call)));
            self.jobs.insert(job, Job::Calling(write));
        } else if let Some(gap) = self.publishing.before_commit(now, &write.update, ctx) {
            self.jobs.insert(job, Job::Committing(write));
            ctx.wake(now + gap, Timer::JobDone(job));
        } else {
            self.commit(now, &write, ctx);
            self.finish_write(now, &write, ctx);
        }
    }

    /// A number for one call of one job, so that the timeout of an earlier call finds nothing.
    fn call_number(&self, job: u32, call: usize) -> u32 {
        job.wrapping_mul(self.config.calls.len() as u32).wrapping_add(call as u32)
    }

    fn commit(&mut self, now: Micros, write: &PendingWrite, ctx: &mut Context) {
        let Update { id, key, ref value, version, .. } = *write.update;
        let node = self.config.node;
        match write.operation {
            Some(operation) => {
                self.store.set(key, value.clone(), version, write.update.clock);
                let (clock, value) = (write.update.clock, value.clone());
                ctx.record(Fact::UpdateCommitted { update: id, operation, node, key, version, value, clock });
            }
            None => {
                let changed = self.store.apply(&write.update, Effect::SetIfNewer);
                let (value, by, sum) = (value.clone(), None, None);
                ctx.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
            }
        }
        self.reply(&write.reply_to, Outcome::Ok, Some(id), ctx);
        self.publishing.on_commit(now, &write.update, ctx);
    }

    /// Lets go of the key and the worker.
    fn finish_write(&mut self, now: Micros, write: &PendingWrite, ctx: &mut Context) {
        if write.operation.is_some() {
            self.unlock(now, write.update.key, ctx);
        }
        self.release_worker(now, ctx);
    }

    /// Lets go of a key; what waits for it goes on.
    fn unlock(&mut self, now: Micros, key: KeyId, ctx: &mut Context) {
        let mut queue = self.locks.remove(&key).unwrap_or_default();
        while let Some(job) = queue.pop_front() {
            if let Some(Job::Locked(reply_to, request)) = self.jobs.remove(&job) {
                self.execute(now, job, reply_to, request, ctx);
                // It may have been refused at once; the next in line goes on then.
                if let Some(lock) = self.locks.get_mut(&key) {
                    lock.append(&mut queue);
                }
            }
        }
    }

    fn on_reply(&mut self, now: Micros, job: u32, applied: bool, ctx: &mut Context) {
        // The caller may have given up or crashed since; then nobody waits.
        let Some(Job::Calling(mut write)) = self.jobs.remove(&job) else { return };
        if applied {
            write.call += 1;
            self.continue_write(now, job, write, ctx);
        } else {
            // An earlier callee may have taken it in; only the first one's refusal is certain.
            let outcome = if write.call == 0 { Outcome::Fail } else { Outcome::Unknown };
            self.abort_write(now, &write, Refusal::CalleeRefused, outcome, ctx);
        }
    }

    fn on_call_timeout(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        let calls = self.config.calls.len() as u32;
        let (job, call) = (number / calls, (number % calls) as usize);
        if self.on_call_silent(now, job, call, ctx) {
            return;
        }
        match self.jobs.remove(&job) {
            Some(Job::Calling(write)) if write.call == call => {
                self.abort_write(now, &write, Refusal::CalleeSilent, Outcome::Unknown, ctx);
            }
            Some(other) => {
                self.jobs.insert(job, other);
            }
            None => {}
        }
    }

    fn abort_write(&mut self, now: Micros, write: &PendingWrite, cause: Refusal, outcome: Outcome, ctx: &mut Context) {
        self.refuse(&write.reply_to, cause, outcome, ctx);
        self.finish_write(now, write, ctx);
    }

    fn refuse(&mut self, reply_to: &ReplyTo, cause: Refusal, outcome: Outcome, ctx: &mut Context) {
        if let ReplyTo::User(operation) | ReplyTo::Client(operation, _) = reply_to {
            ctx.record(Fact::OperationRefused { operation: *operation, node: self.config.node, cause });
        }
        self.reply(reply_to, outcome, None, ctx);
    }

    fn reply(&mut self, reply_to: &ReplyTo, outcome: Outcome, update: Option<UpdateId>, ctx: &mut Context) {
        match reply_to {
            ReplyTo::User(operation) => {
                let operation = *operation;
                ctx.record(Fact::OperationEnded { operation, outcome });
                if let (Outcome::Ok, Some(update)) = (outcome, update) {
                    ctx.record(Fact::UpdateAcknowledged { update, operation });
                }
            }
            ReplyTo::Client(operation, back) => {
                let about = About { update, operation: Some(*operation), attempt: 0 };
                ctx.send(*back, Payload::Operated(*operation, outcome, update), about);
            }
            ReplyTo::Caller(job, back) => match outcome {
                Outcome::Ok | Outcome::Fail => {
                    let about = About { update, ..About::default() };
                    ctx.send(*back, Payload::Applied(*job, outcome == Outcome::Ok), about);
                }
                // It cannot say whether its own callees took the update in, and says nothing: the caller's
                // timeout ends the call as unknown, which is the truth.
                Outcome::Unknown => {}
            },
        }
    }

    /// Whether a transaction that it has promised to commit locks a key.
    fn is_promised(&self, key: KeyId) -> bool {
        self.transactions.locks(key)
    }

    /// Reading of its own clock, µs.
    fn clock(&self, now: Micros) -> i64 {
        let drifted = (now as f64 * self.config.clock_drift / 1e6).round() as i64;
        now as i64 + drifted + self.config.clock_offset
    }
}
