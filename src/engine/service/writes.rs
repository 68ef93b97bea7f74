//! The steps of an operation at a service: it locks its key, makes the blocking calls, publishes, commits, replies, and releases
//! the lock and its worker.

use super::{Job, PendingWrite, ReplyTo, Service};
use crate::engine::context::Context;
use crate::engine::message::{About, Payload, ReadResult, Request, Update};
use crate::engine::queue::Timer;
use crate::scenario::{Effect, Micros, Value};
use crate::trace::{Fact, KeyId, Outcome, Refusal, UpdateId, origin_of};
use std::collections::VecDeque;
use std::sync::Arc;

impl Service {
    /// Executes an operation whose service time is over. It may have to wait for the lock of its key.
    pub(super) fn execute(
        &mut self,
        now: Micros,
        job: u32,
        reply_to: ReplyTo,
        request: Arc<Request>,
        ctx: &mut Context,
    ) {
        debug_assert!(self.up, "a service that is down executes nothing");
        if request.action.is_read() && !self.transactions.locks(request.key) {
            self.read(&reply_to, &request, ctx);
            return self.release_worker(now, ctx);
        }
        // Writes of one key run one after the other, as under a row lock: each reads the result of the previous one.
        if let Some(waiting) = self.locks.get_mut(&request.key) {
            waiting.push_back(job);
            self.workers.put(job, Job::Locked(reply_to, request));
            return;
        }
        match self.store.after(request.key, &request.action) {
            Err(cause) => {
                self.refuse(&reply_to, cause, Outcome::Fail, ctx);
                self.release_worker(now, ctx);
            }
            Ok(value) => {
                debug_assert!(!self.transactions.locks(request.key), "a promise locks its key");
                self.locks.insert(request.key, VecDeque::new());
                let update = self.new_update(now, &request, value, ctx);
                let write = PendingWrite { reply_to, update, operation: Some(request.operation), call: 0 };
                if self.atomic {
                    self.prepare(now, job, write, ctx);
                } else {
                    self.continue_write(now, job, write, ctx);
                }
            }
        }
    }

    fn read(&self, reply_to: &ReplyTo, request: &Request, ctx: &mut Context) {
        let row = self.store.get(request.key);
        let (value, version) = (row.map(|row| row.value.clone()), row.map(|row| row.version).unwrap_or_default());
        ctx.record(Fact::ReadServed {
            operation: request.operation,
            node: self.node,
            key: request.key,
            version,
            value: value.clone(),
            context: None,
        });
        match reply_to {
            ReplyTo::Client(operation, link) => {
                let result = ReadResult { value, version, origin: version, context: None };
                let about = About { operation: Some(*operation), ..About::default() };
                ctx.send(*link, Payload::Returned(*operation, Box::new(result)), about);
            }
            ReplyTo::User(_) | ReplyTo::Caller(..) => self.reply(reply_to, Outcome::Ok, None, ctx),
        }
    }

    /// Creates the update that sets a key to a value.
    pub(super) fn new_update(
        &mut self,
        now: Micros,
        request: &Request,
        value: Value,
        ctx: &mut Context,
    ) -> Arc<Update> {
        debug_assert!(now == ctx.now, "an update is made now");
        let version = self.store.next_version(request.key, origin_of(self.node, self.lost_disks));
        debug_assert!(
            self.store.get(request.key).is_none_or(|row| row.version < version),
            "versions of a key increase"
        );
        let delta = self.store.difference(request.key, &value);
        let (id, key, poison) = (ctx.next_update(), request.key, request.poison);
        Arc::new(Update { id, key, value, version, clock: self.clock(now), delta, poison })
    }

    /// Makes the next call of a write, or commits the write after the last call.
    pub(super) fn continue_write(&mut self, now: Micros, job: u32, write: PendingWrite, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down writes nothing");
        debug_assert!(write.call <= self.calls.len(), "calls are made in order");
        if let Some(callee) = self.calls.get(write.call) {
            let timeout = callee.timeout;
            match &callee.operation {
                Some(_) => self.request_nested_write(job, write.call, ctx),
                None => {
                    let about = About { update: Some(write.update.id), operation: write.operation, attempt: 0 };
                    ctx.send(callee.link, Payload::Apply(job, write.update.clone()), about);
                }
            }
            ctx.wake(now + timeout, Timer::CallTimeout(self.call_number(job, write.call)));
            self.workers.put(job, Job::Calling(write));
        } else if let Some(gap) = self.publishing.before_commit(now, &write.update, ctx) {
            self.workers.put(job, Job::Committing(write));
            ctx.wake(now + gap, Timer::JobDone(job));
        } else {
            self.commit(now, &write, ctx);
            self.finish_write(now, &write, ctx);
        }
    }

    /// Returns a number for one call of one job, so that the timeout of an earlier call has no effect.
    pub(super) fn call_number(&self, job: u32, call: usize) -> u32 {
        job.wrapping_mul(self.calls.len() as u32).wrapping_add(call as u32)
    }

    pub(super) fn commit(&mut self, now: Micros, write: &PendingWrite, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down commits nothing");
        let Update { id, key, ref value, version, clock, .. } = *write.update;
        let (node, value) = (self.node, value.clone());
        match write.operation {
            Some(operation) => {
                debug_assert!(self.locks.contains_key(&key), "a write holds the lock of its key");
                self.store.set(key, value.clone(), version, clock);
                ctx.record(Fact::UpdateCommitted { update: id, operation, node, key, version, value, clock });
            }
            None => {
                let changed = self.store.apply(&write.update, Effect::SetIfNewer);
                let (by, sum) = (None, None);
                ctx.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
            }
        }
        self.reply(&write.reply_to, Outcome::Ok, Some(id), ctx);
        self.publishing.on_commit(now, &write.update, ctx);
    }

    /// Releases the lock and the worker of a write.
    pub(super) fn finish_write(&mut self, now: Micros, write: &PendingWrite, ctx: &mut Context) {
        debug_assert!(
            write.operation.is_none() || self.locks.contains_key(&write.update.key),
            "a write holds its lock"
        );
        debug_assert!(self.workers.busy() > 0, "a write occupies a worker");
        if write.operation.is_some() {
            self.unlock(now, write.update.key, ctx);
        }
        self.release_worker(now, ctx);
    }

    /// Releases the lock of a key. The operations that wait for it continue.
    pub(super) fn unlock(&mut self, now: Micros, key: KeyId, ctx: &mut Context) {
        debug_assert!(self.up, "a crash releases all locks");
        let waiting = self.locks.remove(&key);
        debug_assert!(waiting.is_some(), "only a locked key is unlocked");
        let mut waiting = waiting.unwrap_or_default();
        while let Some(job) = waiting.pop_front() {
            if let Some(Job::Locked(reply_to, request)) = self.workers.take(job) {
                self.execute(now, job, reply_to, request, ctx);
                // If the operation took the lock, the others wait for it; if it was refused at once, the next one continues.
                if let Some(lock) = self.locks.get_mut(&key) {
                    lock.append(&mut waiting);
                }
            }
        }
    }

    /// Handles the reply of a callee.
    pub(super) fn on_call_reply(&mut self, now: Micros, job: u32, applied: bool, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        // The caller may have given up or crashed in the meantime.
        let Some(Job::Calling(mut write)) = self.workers.take(job) else { return };
        debug_assert!(write.call < self.calls.len(), "a callee replies");
        if applied {
            write.call += 1;
            self.continue_write(now, job, write, ctx);
        } else {
            // An earlier callee may have applied the update, so only the refusal of the first one is certain.
            let outcome = if write.call == 0 { Outcome::Fail } else { Outcome::Unknown };
            self.abort_write(now, &write, Refusal::CalleeRefused, outcome, ctx);
        }
    }

    pub(super) fn on_call_timeout(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        let calls = self.calls.len() as u32;
        debug_assert!(calls > 0, "only a service with callees has this timer");
        let (job, call) = (number / calls, (number % calls) as usize);
        if self.on_vote_timeout(now, job, call, ctx) {
            return;
        }
        match self.workers.take(job) {
            Some(Job::Calling(write)) if write.call == call => {
                self.transactions.abandon_nested(job, ctx);
                self.abort_write(now, &write, Refusal::CalleeSilent, Outcome::Unknown, ctx);
            }
            Some(other) => self.workers.put(job, other),
            None => {}
        }
    }

    pub(super) fn abort_write(
        &mut self,
        now: Micros,
        write: &PendingWrite,
        cause: Refusal,
        outcome: Outcome,
        ctx: &mut Context,
    ) {
        debug_assert!(outcome != Outcome::Ok, "an aborted write does not succeed");
        debug_assert!(write.call <= self.calls.len(), "calls are made in order");
        self.refuse(&write.reply_to, cause, outcome, ctx);
        self.finish_write(now, write, ctx);
    }

    pub(super) fn refuse(&self, reply_to: &ReplyTo, cause: Refusal, outcome: Outcome, ctx: &mut Context) {
        debug_assert!(ctx.node == self.node, "a service refuses its own operations");
        debug_assert!(outcome != Outcome::Ok, "a refused operation does not succeed");
        if let ReplyTo::User(operation) | ReplyTo::Client(operation, _) = reply_to {
            ctx.record(Fact::OperationRefused { operation: *operation, node: self.node, cause });
        }
        self.reply(reply_to, outcome, None, ctx);
    }

    fn reply(&self, reply_to: &ReplyTo, outcome: Outcome, update: Option<UpdateId>, ctx: &mut Context) {
        debug_assert!(ctx.node == self.node, "a service replies to its own operations");
        debug_assert!(update.is_none() || outcome == Outcome::Ok, "only a successful operation names its update");
        match reply_to {
            ReplyTo::User(operation) => {
                let operation = *operation;
                ctx.record(Fact::OperationEnded { operation, outcome });
                if let (Outcome::Ok, Some(update)) = (outcome, update) {
                    ctx.record(Fact::UpdateAcknowledged { update, operation });
                }
            }
            ReplyTo::Client(operation, link) => {
                let about = About { update, operation: Some(*operation), attempt: 0 };
                ctx.send(*link, Payload::Operated(*operation, outcome, update), about);
            }
            ReplyTo::Caller(job, link) => match outcome {
                Outcome::Ok | Outcome::Fail => {
                    let about = About { update, ..About::default() };
                    ctx.send(*link, Payload::Applied(*job, outcome == Outcome::Ok), about);
                }
                // The service does not know whether its own callees applied the update, so it sends no reply: the
                // caller's timeout ends the call as unknown.
                Outcome::Unknown => {}
            },
        }
    }
}
