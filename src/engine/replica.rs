//! A member of a replica group: workers behind a bounded queue, a durable store, and the group's protocol.
//!
//! Each protocol is a file here and a variant of [`protocol::ProtocolState`]. The protocols share:
//! the log of those with a total order (`replicated_log`, `log_writes`), the states of keys (`key_state`), and the member
//! itself (`member`).

mod chain;
mod event_handling;
mod event_rules;
mod events;
mod follower_progress;
mod gossip;
mod group;
mod key_state;
mod leader_timers;
mod log_progress;
mod log_writes;
mod member;
pub mod messages;
mod primary;
mod protocol;
mod publications;
mod quorum;
mod raft;
mod replicated_log;
mod request;
mod two_phase;
mod version_generator;
mod write_metadata;

pub use group::Group;
pub use key_state::KeyState;
pub use member::Member;
pub use publications::PendingPublications;
pub use quorum::Coordinator;
pub use raft::RaftView;
pub use request::{ClientRequest, OperationReply, Reply, Requester};
pub use version_generator::VersionGenerator;

use super::consumer::{Consumer, Handler};
use super::context::Context;
use super::message::{About, Delivery, LinkId, Payload, Request};
use super::publishing::Publisher;
use super::queue::Timer;
use super::random::Stream;
use super::worker_pool::{WorkerPool, WorkerPoolConfig};
use crate::scenario::{Micros, Operation};
use crate::trace::{Fact, HandlingFailure, KeyId, OperationId, Outcome, Refusal};
use events::Events;
use messages::ReplicaMessage;
use protocol::ProtocolState;
use request::record_end;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The configuration of a member.
#[derive(Clone, Debug)]
pub struct ReplicaConfig {
    /// Its workers. The capacity of their queue is for operations of clients and for events.
    pub workers: WorkerPoolConfig,
    /// Where it publishes.
    pub publishers: Vec<Publisher>,
    /// How it handles events.
    pub handlers: Vec<Handler>,
}

/// The work of a worker.
#[derive(Clone, Debug)]
enum Work {
    Execute(ClientRequest),
    Message(Arc<ReplicaMessage>, Option<LinkId>),
    Handle(Arc<Delivery>),
}

/// A member of a group at run time.
#[derive(Clone, Debug)]
pub struct Replica {
    member: Member,
    protocol: ProtocolState,
    up: bool,
    workers: WorkerPool<Work, Work>,
    /// Operations of the page's user that have not ended.
    local_operations: BTreeSet<OperationId>,
    /// The connection to buses; `None` if it neither publishes nor subscribes.
    events: Option<Box<Events>>,
}

impl Replica {
    /// Returns a member that is up and idle. `random` names a stream of random numbers of the member.
    pub fn new(config: ReplicaConfig, mut member: Member, random: impl Fn(&str) -> Stream) -> Self {
        let events = Events::new(member.node, config.publishers, config.handlers).map(Box::new);
        member.publications = events.as_ref().map(|events| events.publications()).unwrap_or_default();
        let protocol = ProtocolState::new(&member, random);
        Replica {
            member,
            protocol,
            up: true,
            workers: WorkerPool::new(config.workers),
            local_operations: BTreeSet::new(),
            events,
        }
    }

    /// Begins work if a worker is free; else it waits, unless the queue is full.
    fn enqueue(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        debug_assert!(self.up, "a member that is down accepts no work");
        debug_assert!(ctx.node == self.member.node, "a member does its own work");
        match work {
            Work::Message(ref message, _) if !message.body.occupies_worker() => self.process(now, work, ctx),
            Work::Execute(_) | Work::Message(..) | Work::Handle(_) if self.workers.has_free_worker() => {
                self.begin(now, work, ctx);
            }
            Work::Execute(client) if self.workers.is_queue_full() => {
                self.send_replies(now, vec![client.refuse(Refusal::QueueFull)], ctx);
            }
            Work::Handle(delivery) if self.workers.is_queue_full() => {
                self.fail_event(now, &delivery, HandlingFailure::QueueFull, ctx);
            }
            Work::Execute(_) | Work::Message(..) | Work::Handle(_) => self.workers.enqueue(work),
        }
    }

    fn begin(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        debug_assert!(self.up, "a member that is down does no work");
        debug_assert!(self.workers.has_free_worker(), "work needs a free worker");
        let handler = match (&work, &mut self.events) {
            (Work::Handle(delivery), Some(events)) => events.consumer.handlers.get_mut(delivery.subscription as usize),
            (Work::Execute(_) | Work::Message(..) | Work::Handle(_), _) => None,
        };
        let is_event = handler.is_some();
        let duration = match handler {
            Some(handler) => self.workers.slowed(handler.processing.draw(&mut handler.durations)),
            None => self.workers.draw_service_time(),
        };
        if duration == 0 && !is_event {
            return self.process(now, work, ctx);
        }
        let job = self.workers.occupy(work);
        ctx.wake(now + duration, Timer::JobDone(job));
    }

    fn on_job_done(&mut self, now: Micros, job: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        // A crash has discarded the earlier jobs.
        let Some(work) = self.workers.take(job) else { return };
        debug_assert!(self.up, "a crash ends all jobs");
        self.process(now, work, ctx);
        let mut next = self.workers.release();
        while let Some(work) = next {
            self.begin(now, work, ctx);
            // Work that takes no time leaves the worker free.
            next = self.workers.take_waiting();
        }
    }

    fn process(&mut self, now: Micros, work: Work, ctx: &mut Context) {
        debug_assert!(self.up, "a member that is down does no work");
        debug_assert!(ctx.node == self.member.node, "a member does its own work");
        let replies = match work {
            Work::Handle(delivery) => return self.write_event(now, delivery, ctx),
            Work::Execute(client) => self.execute_request(now, client, ctx),
            Work::Message(message, back) => self.protocol.on_message(now, &message, back, &mut self.member, ctx),
        };
        self.send_replies(now, replies, ctx);
    }

    fn execute_request(&mut self, now: Micros, client: ClientRequest, ctx: &mut Context) -> Vec<OperationReply> {
        if matches!(client.request.action, Operation::Delete { .. }) && self.member.group.publishes {
            // An event carries the value of a key, and a deleted key has none.
            return vec![client.refuse(Refusal::NotOffered)];
        }
        self.protocol.execute(now, client, &mut self.member, ctx)
    }

    /// Sends replies to their requesters, and publishes the writes.
    fn send_replies(&mut self, now: Micros, replies: Vec<OperationReply>, ctx: &mut Context) {
        debug_assert!(ctx.node == self.member.node, "a member sends its own replies");
        self.publish_stored(now, ctx);
        for OperationReply { operation, requester, reply } in replies {
            let node = self.member.node;
            if let Reply::Refused(cause, _) = reply {
                ctx.record(Fact::OperationRefused { operation, node, cause });
            }
            match requester {
                Requester::EventHandler => self.on_event_reply(now, operation, reply.clone(), ctx),
                Requester::Local => {
                    let was_in_progress = self.local_operations.remove(&operation);
                    debug_assert!(was_in_progress, "an operation ends once");
                    record_end(operation, node, &reply, ctx);
                }
                Requester::Link(back) => {
                    let about = About { operation: Some(operation), ..About::default() };
                    ctx.send(back, reply_payload(operation, reply.clone()), about);
                }
            }
            self.publish_acknowledged(now, &reply, ctx);
        }
    }
}

/// Messages and timers.
impl Replica {
    /// Starts, or restarts: sets the first timers.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        ctx.assert_handler(self.member.node, now);
        self.with_events(|events| events.consumer.start(ctx));
        self.protocol.start(now, &mut self.member, ctx);
        self.receive(now, ctx);
    }

    /// Returns how the member handles events, if it subscribes to any.
    pub fn consumer(&self) -> Option<&Consumer> {
        self.events.as_ref().map(|events| &events.consumer)
    }

    /// Requests as many events as workers are free, if the member polls.
    fn receive(&mut self, now: Micros, ctx: &mut Context) {
        if let Some(events) = self.events.as_mut().filter(|events| self.up && events.consumer.polls()) {
            events.consumer.receive(now, self.workers.spare() - events.pending.len() as i64, ctx);
        }
    }

    /// Handles a message. `back` is the link to the sender.
    pub fn on_message(&mut self, now: Micros, payload: Payload, back: Option<LinkId>, ctx: &mut Context) {
        debug_assert!(self.up, "the network drops messages to a member that is down");
        ctx.assert_handler(self.member.node, now);
        match (payload, back) {
            (Payload::Operate(request), Some(back)) => {
                let client = ClientRequest { requester: Requester::Link(back), request };
                self.enqueue(now, Work::Execute(client), ctx);
            }
            (Payload::Replica(message), back) => self.enqueue(now, Work::Message(message, back), ctx),
            (Payload::Deliver(delivery), _) => self.on_delivery(now, delivery, ctx),
            (Payload::Published(number), _) => {
                self.with_events(|events| events.publishing.on_published(now, number, ctx))
            }
            (Payload::Empty(subscription, number), _) => {
                self.with_events(|events| events.consumer.on_empty(subscription, number));
            }
            (Payload::Attached(subscription, incarnation, _), _) => {
                self.with_events(|events| events.consumer.on_attached(now, subscription, incarnation));
            }
            (Payload::Detached(subscription, incarnation), _) => {
                self.with_events(|events| events.consumer.on_detached(now, subscription, incarnation, ctx));
            }
            (Payload::Rejoin(subscription, incarnation), _) => {
                self.with_events(|events| events.consumer.on_rejoin(now, subscription, incarnation, ctx));
            }
            // Another member replies to the write of an event that this one sent it.
            (Payload::Written(operation, written), _) => {
                let (update, version) = *written;
                self.on_event_reply(now, operation, Reply::Written(update, version), ctx);
            }
            (Payload::Redirected(operation, to), _) => self.on_event_reply(now, operation, Reply::Redirect(to), ctx),
            (Payload::Operated(operation, outcome, _), _) => {
                let reply = match outcome {
                    Outcome::Ok => Reply::Unchanged,
                    Outcome::Fail | Outcome::Unknown => Reply::Refused(Refusal::NotOffered, outcome),
                };
                self.on_event_reply(now, operation, reply, ctx);
            }
            (
                Payload::Operate(_)
                | Payload::Returned(..)
                | Payload::Apply(..)
                | Payload::Transaction(_)
                | Payload::Applied(..)
                | Payload::Publish(_)
                | Payload::Acknowledge(..)
                | Payload::Heartbeat(_)
                | Payload::Receive(..)
                | Payload::Refuse(..),
                _,
            ) => unreachable!("no such message is sent to a member of a group"),
        }
        self.receive(now, ctx);
    }

    /// Handles a timer. An obsolete timer has no effect.
    pub fn on_timer(&mut self, now: Micros, timer: Timer, ctx: &mut Context) {
        ctx.assert_handler(self.member.node, now);
        match timer {
            Timer::JobDone(job) => self.on_job_done(now, job, ctx),
            Timer::Protocol(number) if self.up => {
                let replies = self.protocol.on_timer(now, number, &mut self.member, ctx);
                self.send_replies(now, replies, ctx);
            }
            Timer::Protocol(_) => {}
            Timer::OperationTimeout(operation) => self.on_event_timeout(now, OperationId(operation), ctx),
            Timer::PublishTimeout(number) => self.with_events(|events| events.publishing.on_timeout(now, number, ctx)),
            Timer::PublishDue(number) => self.with_events(|events| events.publishing.on_due(now, number, ctx)),
            Timer::PositionFlush(index) => self.with_events(|events| events.publishing.flush_position(index)),
            Timer::RelayPoll(number) => self.with_events(|events| events.publishing.on_poll(now, number, ctx)),
            Timer::HeartbeatDue(number) => {
                self.with_events(|events| events.consumer.on_heartbeat_due(now, number, ctx))
            }
            Timer::CommitOffsets(handler) => self.with_events(|events| events.consumer.commit_offsets(handler, ctx)),
            Timer::CallTimeout(_)
            | Timer::AckDeadline(_)
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
            | Timer::TransactionRetry(_)
            | Timer::ScriptedOperation(_)
            | Timer::GeneratedOperation(_) => unreachable!("no such timer is set by a member of a group"),
        }
        self.receive(now, ctx);
    }

    /// Returns the number of busy workers, of waiting requests, and of operations in progress.
    pub fn load(&self) -> (u32, u32, u32) {
        (self.workers.busy(), self.workers.queued(), self.local_operations.len() as u32)
    }
}

/// Commands of the page's user.
impl Replica {
    /// Returns whether it is running.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Handles a request of the page's user.
    pub fn on_user_request(&mut self, now: Micros, request: Request, ctx: &mut Context) {
        ctx.assert_handler(self.member.node, now);
        if self.up {
            self.local_operations.insert(request.operation);
            let client = ClientRequest { requester: Requester::Local, request: Arc::new(request) };
            self.enqueue(now, Work::Execute(client), ctx);
        } else {
            let (operation, node) = (request.operation, self.member.node);
            ctx.record(Fact::OperationRefused { operation, node, cause: Refusal::ServiceDown });
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Fail });
        }
    }

    /// Stops at once. The outcome of operations in progress is unknown.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        debug_assert!(self.up, "only a running member crashes");
        self.up = false;
        ctx.record(Fact::ServiceCrashed { node: self.member.node, lost_disk: lose_disk });
        for operation in std::mem::take(&mut self.local_operations) {
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Unknown });
        }
        drop(self.workers.crash());
        if lose_disk {
            self.member.lose_disk();
        }
        self.crash_events(lose_disk, ctx);
        self.protocol.crash(lose_disk);
        debug_assert!(self.workers.busy() == 0, "no work survives a crash");
    }

    /// Restarts with the durable state.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(!self.up, "only a stopped member restarts");
        debug_assert!(self.workers.busy() == 0, "no work survives a crash");
        self.up = true;
        ctx.record(Fact::ServiceRestarted { node: self.member.node });
        self.start(now, ctx);
        self.with_events(|events| events.publishing.restart(now, ctx));
        self.with_events(|events| events.consumer.restart(now, ctx));
    }

    /// Sets the factor by which its work takes longer than configured.
    pub fn slow_down(&mut self, factor: f64, ctx: &mut Context) {
        debug_assert!(factor > 0.0, "work takes time");
        debug_assert!(ctx.node == self.member.node, "a command acts on one node");
        if self.workers.set_slowness(factor) {
            let permille = (factor * 1000.0).round() as u32;
            ctx.record(Fact::ServiceSlowed { node: self.member.node, permille });
        }
    }

    /// Sets its clock: offset in µs, drift in parts per million.
    pub fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, ctx: &mut Context) {
        self.member.set_clock(now, offset, drift_ppm, ctx);
    }

    /// Returns how far its clock is ahead of true time, µs; negative if it is behind.
    pub fn clock_ahead(&self, now: Micros) -> i64 {
        self.member.clock(now) - now as i64
    }

    /// Moves its clock, µs.
    pub fn jump_clock(&mut self, now: Micros, by: i64, ctx: &mut Context) {
        ctx.assert_handler(self.member.node, now);
        let (offset, drift) = (self.member.clock_offset + by, self.member.clock_drift);
        self.member.set_clock(now, offset, drift, ctx);
    }

    /// Records the replicas of a key that is new.
    pub fn place(&self, key: KeyId, ctx: &mut Context) {
        self.member.group.place(key, ctx);
    }

    /// Records the scenario's initial state of a key that is not a register.
    pub fn record_initial_state(&self, key: KeyId, ctx: &mut Context) {
        self.member.record_initial(key, ctx);
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        self.workers.assert_invariants(self.up);
        assert!(self.up || self.local_operations.is_empty(), "a crash ends the operations of the page's user");
        self.protocol.assert_invariants(&self.member);
        if let Some(events) = &self.events {
            assert!(self.up || events.pending.is_empty(), "a crash forgets the events in progress");
            events.publishing.assert_invariants();
            events.consumer.assert_invariants();
        }
    }

    /// Returns the state that Raft's safety properties refer to; `None` for other protocols.
    pub fn raft(&self) -> Option<RaftView<'_>> {
        self.protocol.raft()
    }
}

/// Returns the message that carries a reply to a client.
fn reply_payload(operation: OperationId, reply: Reply) -> Payload {
    match reply {
        Reply::Read(result) => Payload::Returned(operation, Box::new(result)),
        Reply::Written(update, version) => Payload::Written(operation, Box::new((update, version))),
        Reply::Refused(_, outcome) => Payload::Operated(operation, outcome, None),
        Reply::Unchanged => Payload::Operated(operation, Outcome::Ok, None),
        Reply::Redirect(member) => Payload::Redirected(operation, member),
    }
}
