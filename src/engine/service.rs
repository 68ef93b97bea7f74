//! A service: workers behind a bounded queue, a durable store, blocking calls before a write commits, and handlers of
//! events.
//!
//! The steps of a write are in `writes`, transactions over several services in `two_phase_commit`, the publication of updates
//! in `publishing`.

mod event_handling;
mod faults;
mod transactions;
mod two_phase_commit;
mod writes;

use super::consumer::{Consumer, Handler};
use super::context::Context;
use super::message::{About, Delivery, LinkId, Payload, Request, TransactionMessage, Update};
use super::publishing::{Publisher, Publishing};
use super::queue::Timer;
use super::store::Store;
use super::worker_pool::{WorkerPool, WorkerPoolConfig};
use crate::scenario::{Micros, Operation};
use crate::trace::{HandlingFailure, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId, Version};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use transactions::Transactions;

/// A blocking call that a write makes before it commits.
#[derive(Clone, Debug)]
pub struct Callee {
    /// The link to the callee.
    pub link: LinkId,
    /// How long the caller waits for the reply.
    pub timeout: Micros,
    /// The node of the callee.
    pub node: NodeId,
    /// The callee's own write; none if the callee applies the caller's update.
    pub operation: Option<Operation>,
}

/// The configuration of a service.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The node of the service.
    pub node: NodeId,
    /// Its workers.
    pub workers: WorkerPoolConfig,
    /// The offset of its clock, µs.
    pub clock_offset: i64,
    /// The drift of its clock, parts per million.
    pub clock_drift: f64,
    /// The services that it calls before a write commits, in order.
    pub calls: Vec<Callee>,
    /// The index of the store that it shares; its own store if none.
    pub shared_store: Option<usize>,
    /// Its writes and those of its callees commit together, by two-phase commit.
    pub atomic: bool,
    /// Where it publishes.
    pub publishers: Vec<Publisher>,
    /// How it handles events.
    pub handlers: Vec<Handler>,
}

/// Where the reply to a write goes.
#[derive(Clone, Debug, PartialEq)]
enum ReplyTo {
    /// The page's user.
    User(OperationId),
    /// A client, over this link.
    Client(OperationId, LinkId),
    /// A job of the calling service, over this link.
    Caller(u32, LinkId),
}

/// The work of a worker.
#[derive(Clone, Debug)]
enum Work {
    /// An operation of a client or of the page's user.
    Execute(ReplyTo, Arc<Request>),
    /// An update of a calling service.
    Apply(ReplyTo, Arc<Update>),
    /// An event.
    Handle(Arc<Delivery>),
    /// The vote on a transaction of the coordinator over this link.
    Prepare(Arc<TransactionMessage>, LinkId),
}

/// A write in progress: the calls before its commit.
#[derive(Clone, Debug)]
struct PendingWrite {
    reply_to: ReplyTo,
    update: Arc<Update>,
    /// The operation that made the update here; none if another service made it.
    operation: Option<OperationId>,
    /// The index of the call whose reply is awaited.
    call: usize,
}

/// The state of a busy worker.
#[derive(Clone, Debug)]
enum Job {
    /// Its service time runs.
    Working(Work),
    /// It waits for the lock of its key.
    Locked(ReplyTo, Arc<Request>),
    /// It waits for the reply of a callee.
    Calling(PendingWrite),
    /// Its event is published; the gap before the commit runs.
    Committing(PendingWrite),
}

/// A service at run time. The store, the numbering, outbox rows, inboxes and promises are durable; the rest is lost in a
/// crash.
#[derive(Clone, Debug)]
pub struct Service {
    node: NodeId,
    calls: Vec<Callee>,
    atomic: bool,
    clock_offset: i64,
    clock_drift: f64,
    /// The number of disks that it has lost.
    lost_disks: u32,
    /// The index of the store that it shares.
    shared_store: Option<usize>,
    /// Its durable store. A shared store is here only while the service handles something.
    pub store: Store,
    /// The newest version of each key that the service has forwarded, with a shared store. Another user of the store may have
    /// applied an event that this service is to forward.
    forwarded: BTreeMap<KeyId, Version>,
    up: bool,
    workers: WorkerPool<Work, Job>,
    /// Keys with a write in progress, and the jobs that wait for the lock, in order.
    locks: BTreeMap<KeyId, VecDeque<u32>>,
    publishing: Publishing,
    consumer: Consumer,
    transactions: Transactions,
}

impl Service {
    /// Returns a service that is up and idle.
    pub fn new(config: ServiceConfig) -> Self {
        Service {
            node: config.node,
            calls: config.calls,
            atomic: config.atomic,
            shared_store: config.shared_store,
            forwarded: BTreeMap::new(),
            clock_offset: config.clock_offset,
            clock_drift: config.clock_drift,
            lost_disks: 0,
            store: Store::default(),
            up: true,
            workers: WorkerPool::new(config.workers),
            locks: BTreeMap::new(),
            publishing: Publishing::new(config.node, config.publishers),
            consumer: Consumer::new(config.handlers),
            transactions: Transactions::default(),
        }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        self.workers.assert_invariants(self.up);
        assert!(self.up || self.locks.is_empty(), "a crash releases the locks of writes in progress");
        self.publishing.assert_invariants();
        self.consumer.assert_invariants();
    }

    /// Puts the inboxes of its handlers into the store that it shares.
    pub(super) fn share_inboxes(&self, ctx: &mut Context) {
        let Some(shared) = self.shared_store.and_then(|store| ctx.stores.get_mut(store)) else { return };
        for handler in self.consumer.handlers.iter().filter(|handler| handler.inbox.is_some()) {
            shared.inboxes.entry(handler.queue.0).or_insert_with(|| handler.inbox.clone());
        }
    }

    /// Exchanges the service's store and inboxes for those that it shares, before it handles something and after it.
    pub(super) fn exchange_store(&mut self, ctx: &mut Context) {
        debug_assert!(ctx.node == self.node, "a service has its store while it handles something");
        debug_assert!(self.shared_store.is_none_or(|store| store < ctx.stores.len()), "the shared store exists");
        let Some(shared) = self.shared_store.and_then(|store| ctx.stores.get_mut(store)) else { return };
        std::mem::swap(&mut self.store, &mut shared.store);
        for handler in &mut self.consumer.handlers {
            if let Some(inbox) = shared.inboxes.get_mut(&handler.queue.0) {
                std::mem::swap(&mut handler.inbox, inbox);
            }
        }
    }

    /// Returns how the service handles events.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }

    /// Returns whether the service is up.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Returns the numbers of busy workers (blocked ones included), of queued requests, and of calls without a reply.
    pub fn load(&self) -> (u32, u32, u32) {
        let blocked = self.workers.jobs().filter(|job| matches!(job, Job::Calling(_))).count();
        (self.workers.busy(), self.workers.queued(), blocked as u32)
    }

    /// Sets the timers that run from the start.
    pub fn start(&mut self, ctx: &mut Context) {
        debug_assert!(self.up, "a service is up at the start of a run");
        debug_assert!(ctx.now == 0, "a run starts at time 0");
        self.consumer.start(ctx);
        self.receive(ctx.now, ctx);
    }

    /// Requests as many events as workers are free, if the service polls.
    fn receive(&mut self, now: Micros, ctx: &mut Context) {
        if self.up && self.consumer.polls() {
            self.consumer.receive(now, self.workers.spare(), ctx);
        }
    }

    /// Handles an operation of the page's user, who sends it without delay.
    pub fn on_user_request(&mut self, now: Micros, request: Request, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        self.exchange_store(ctx);
        let reply_to = ReplyTo::User(request.operation);
        if self.up {
            self.enqueue(now, Work::Execute(reply_to, Arc::new(request)), ctx);
        } else {
            self.refuse(&reply_to, Refusal::ServiceDown, Outcome::Fail, ctx);
        }
        self.exchange_store(ctx);
    }

    /// Handles a message. `reply_link` is the link back to its sender.
    pub fn on_message(&mut self, now: Micros, payload: Payload, reply_link: Option<LinkId>, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        debug_assert!(self.up, "the network drops messages to a service that is down");
        self.exchange_store(ctx);
        match (payload, reply_link) {
            (Payload::Operate(request), Some(link)) => {
                self.enqueue(now, Work::Execute(ReplyTo::Client(request.operation, link), request), ctx);
            }
            (Payload::Apply(job, update), Some(link)) => {
                self.enqueue(now, Work::Apply(ReplyTo::Caller(job, link), update), ctx);
            }
            (Payload::Deliver(delivery), _) => {
                let first = self.consumer.on_delivery(delivery, ctx);
                self.enqueue_deliveries(now, first, ctx);
            }
            (Payload::Transaction(message), Some(link)) => self.on_transaction_message(now, &message, link, ctx),
            (Payload::Operated(operation, outcome, update), _) => {
                self.on_nested_reply(now, operation, outcome, update, ctx);
            }
            (Payload::Applied(job, applied), _) => self.on_call_reply(now, job, applied, ctx),
            (Payload::Published(number), _) => self.publishing.on_published(now, number, ctx),
            (Payload::Empty(subscription, number), _) => self.consumer.on_empty(subscription, number),
            (Payload::Attached(subscription, incarnation, _), _) => {
                self.consumer.on_attached(now, subscription, incarnation)
            }
            (Payload::Detached(subscription, incarnation), _) => {
                self.consumer.on_detached(now, subscription, incarnation, ctx)
            }
            (Payload::Rejoin(subscription, incarnation), _) => {
                self.consumer.on_rejoin(now, subscription, incarnation, ctx)
            }
            (
                Payload::Operate(_)
                | Payload::Apply(..)
                | Payload::Transaction(_)
                | Payload::Returned(..)
                | Payload::Written(..)
                | Payload::Redirected(..)
                | Payload::Replica(_)
                | Payload::Publish(_)
                | Payload::Acknowledge(..)
                | Payload::Heartbeat(_)
                | Payload::Receive(..)
                | Payload::Refuse(..),
                _,
            ) => unreachable!("no such message is sent to a service"),
        }
        self.receive(now, ctx);
        self.exchange_store(ctx);
    }

    /// Handles a timer. An obsolete timer has no effect.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        self.exchange_store(ctx);
        match timer {
            Timer::JobDone(job) => self.on_job_done(now, job, ctx),
            Timer::CallTimeout(number) => self.on_call_timeout(now, number, ctx),
            Timer::PublishTimeout(number) => self.publishing.on_timeout(now, number, ctx),
            Timer::PublishDue(number) => self.publishing.on_due(now, number, ctx),
            Timer::PositionFlush(publisher) => self.publishing.flush_position(publisher),
            Timer::RelayPoll(number) => self.publishing.on_poll(now, number, ctx),
            Timer::TransactionRetry(transaction) => {
                if self.up {
                    self.retry_transaction(now, UpdateId(transaction), ctx);
                }
            }
            Timer::CommitOffsets(handler) => self.consumer.commit_offsets(handler, ctx),
            Timer::HeartbeatDue(number) => self.consumer.on_heartbeat_due(now, number, ctx),
            Timer::AckDeadline(_)
            | Timer::EventRetry(_)
            | Timer::EventExpiry(_)
            | Timer::FlushDone(_)
            | Timer::PartitionRetry(_)
            | Timer::SessionTimeout(_)
            | Timer::RebalanceTimeout(_)
            | Timer::ReceiveOver(_)
            | Timer::Resend(_)
            | Timer::BrokerCheck(_)
            | Timer::OptimisticRetry(_)
            | Timer::Protocol(_)
            | Timer::ScriptedOperation(_)
            | Timer::GeneratedOperation(_)
            | Timer::OperationTimeout(_) => {
                unreachable!("a service does not set such a timer")
            }
        }
        self.receive(now, ctx);
        self.exchange_store(ctx);
    }

    /// Begins work if a worker is free, else queues it, else rejects it.
    fn enqueue(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down accepts no work");
        if self.workers.has_free_worker() {
            self.begin(now, work, ctx);
        } else if self.workers.is_queue_full() {
            self.reject(&work, ctx);
        } else {
            self.workers.enqueue(work);
        }
        debug_assert!(self.workers.queued() == 0 || !self.workers.has_free_worker(), "a free worker takes work");
    }

    /// Enqueues an event, and then all others that the consumer can handle now.
    fn enqueue_deliveries(&mut self, now: Micros, first: Option<Arc<Delivery>>, ctx: &mut Context) {
        debug_assert!(self.up || first.is_none(), "a service that is down accepts no work");
        let mut next = first;
        while let Some(delivery) = next {
            debug_assert!(
                (delivery.subscription as usize) < self.consumer.handlers.len(),
                "a delivery names a handler"
            );
            self.enqueue(now, Work::Handle(delivery), ctx);
            next = self.consumer.next_ready(ctx);
        }
    }

    fn reject(&mut self, work: &Work, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down drops its work");
        debug_assert!(ctx.node == self.node, "a service rejects its own work");
        match work {
            Work::Execute(reply_to, _) => self.refuse(reply_to, Refusal::QueueFull, Outcome::Fail, ctx),
            Work::Apply(ReplyTo::Caller(job, link), update) => {
                let about = About { update: Some(update.id), ..About::default() };
                ctx.send(*link, Payload::Applied(*job, false), about);
            }
            Work::Apply(ReplyTo::User(_) | ReplyTo::Client(..), _) => unreachable!("only services call with updates"),
            Work::Handle(delivery) => self.consumer.fail(delivery, HandlingFailure::QueueFull, ctx),
            Work::Prepare(message, coordinator) => {
                let transaction = message.transaction();
                let vote = TransactionMessage::Vote { transaction, granted: false };
                let about = About { update: Some(transaction), ..About::default() };
                ctx.send(*coordinator, Payload::Transaction(Arc::new(vote)), about);
            }
        }
    }

    fn begin(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down does no work");
        debug_assert!(self.workers.has_free_worker(), "work needs a free worker");
        let duration = match &work {
            Work::Execute(..) | Work::Apply(..) | Work::Prepare(..) => self.workers.draw_service_time(),
            Work::Handle(delivery) => {
                let handler = &mut self.consumer.handlers[delivery.subscription as usize];
                self.workers.slowed(handler.processing.draw(&mut handler.durations))
            }
        };
        let row = match &work {
            Work::Handle(delivery) => self.shared_store.map(|store| (store, delivery.update.key)),
            Work::Execute(..) | Work::Apply(..) | Work::Prepare(..) => None,
        };
        let job = self.workers.occupy(Job::Working(work));
        // A handler works on its row for the whole time; those of other services wait for it.
        if row.is_none_or(|(store, key)| ctx.stores[store].lock(key, self.node, job, duration)) {
            ctx.wake(now + duration, Timer::JobDone(job));
        }
    }

    /// Frees a worker, which takes the next work from the queue.
    fn release_worker(&mut self, now: Micros, ctx: &mut Context) {
        if let Some(work) = self.workers.release() {
            self.begin(now, work, ctx);
        }
    }

    fn on_job_done(&mut self, now: Micros, job: u32, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        match self.workers.take(job) {
            None => {}
            Some(Job::Working(Work::Execute(reply_to, request))) => self.execute(now, job, reply_to, request, ctx),
            Some(Job::Working(Work::Prepare(message, coordinator))) => {
                self.vote(now, &message, coordinator, ctx);
                self.release_worker(now, ctx);
            }
            Some(Job::Working(Work::Apply(reply_to, update))) if self.transactions.locks(update.key) => {
                self.reject(&Work::Apply(reply_to, update), ctx);
                self.release_worker(now, ctx);
            }
            Some(Job::Working(Work::Apply(reply_to, update))) => {
                let write = PendingWrite { reply_to, update, operation: None, call: 0 };
                self.continue_write(now, job, write, ctx);
            }
            Some(Job::Working(Work::Handle(delivery))) => {
                self.handle(now, &delivery, ctx);
                if let Some(store) = self.shared_store {
                    ctx.unlock_row(store, delivery.update.key, job);
                }
                self.release_worker(now, ctx);
                let next = self.consumer.next_after(&delivery, ctx);
                self.enqueue_deliveries(now, next, ctx);
            }
            Some(Job::Committing(write)) => {
                self.commit(now, &write, ctx);
                self.finish_write(now, &write, ctx);
            }
            Some(Job::Locked(..) | Job::Calling(_)) => unreachable!("only working and committing jobs have this timer"),
        }
    }

    /// Returns the reading of the service's clock, µs.
    fn clock(&self, now: Micros) -> i64 {
        let drift = (now as f64 * self.clock_drift / 1e6).round() as i64;
        now as i64 + drift + self.clock_offset
    }
}
