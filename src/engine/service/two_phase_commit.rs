//! Two-phase commit across services (Gray 1978; presumed abort). A service whose `commit` is `two_phase` coordinates each
//! of its writes: its callees prepare their parts; it commits when all have voted yes, and resends the decision until each
//! has confirmed it. A participant that has promised keeps the key locked until it receives the decision: writes and reads of
//! the key wait. A participant whose key is locked, or that cannot do its part, votes no at once, so no two transactions
//! wait for each other.

use super::transactions::{Promise, Voting, end_operations};
use super::{Job, PendingWrite, Service, Work};
use crate::engine::context::Context;
use crate::engine::message::{About, LinkId, Payload, TransactionMessage, TransactionPart, Update};
use crate::engine::queue::Timer;
use crate::scenario::{Effect, Micros};
use crate::trace::{Fact, OperationId, Outcome, Refusal, UpdateId};
use std::collections::VecDeque;
use std::sync::Arc;

fn send(link: LinkId, message: TransactionMessage, operation: Option<OperationId>, ctx: &mut Context) {
    let about = About { update: Some(message.transaction()), operation, attempt: 0 };
    ctx.send(link, Payload::Transaction(Arc::new(message)), about);
}

impl Service {
    /// Asks a callee for a separate write, outside of any transaction.
    pub(super) fn request_nested_write(&mut self, job: u32, call: usize, ctx: &mut Context) {
        debug_assert!(call < self.calls.len(), "the call is one of the service's");
        let callee = &self.calls[call];
        let Some(operation) = &callee.operation else { return };
        let (request, link) = (ctx.issue(self.node, 0, callee.node, operation), callee.link);
        let nested = request.operation;
        let previous = self.transactions.nested.insert(nested, job);
        debug_assert!(previous.is_none(), "ids of operations are not reused");
        let about = About { operation: Some(nested), ..About::default() };
        ctx.send(link, Payload::Operate(Arc::new(request)), about);
    }

    /// Handles the reply to a nested write.
    pub(super) fn on_nested_reply(
        &mut self,
        now: Micros,
        operation: OperationId,
        outcome: Outcome,
        update: Option<UpdateId>,
        ctx: &mut Context,
    ) {
        ctx.assert_handler(self.node, now);
        let Some(job) = self.transactions.nested.remove(&operation) else { return };
        end_operations(&[operation], outcome, ctx);
        if let (Outcome::Ok, Some(update)) = (outcome, update) {
            ctx.record(Fact::UpdateAcknowledged { update, operation });
        }
        match outcome {
            Outcome::Ok | Outcome::Fail => self.on_call_reply(now, job, outcome == Outcome::Ok, ctx),
            Outcome::Unknown => {
                if let Some(Job::Calling(write)) = self.workers.take(job) {
                    self.abort_write(now, &write, Refusal::CalleeSilent, Outcome::Unknown, ctx);
                }
            }
        }
    }

    /// Asks all callees to prepare their parts of a write.
    pub(super) fn prepare(&mut self, now: Micros, job: u32, write: PendingWrite, ctx: &mut Context) {
        let transaction = write.update.id;
        debug_assert!(!self.transactions.voting.contains_key(&transaction), "a transaction begins once");
        debug_assert!(self.locks.contains_key(&write.update.key), "a write holds the lock of its key");
        let (mut operations, mut parts) = (Vec::new(), Vec::new());
        for callee in &self.calls {
            parts.push(match &callee.operation {
                None => TransactionPart::Same(write.update.clone()),
                Some(operation) => {
                    let request = ctx.issue(self.node, 0, callee.node, operation);
                    operations.push(request.operation);
                    TransactionPart::Own(Arc::new(request))
                }
            });
        }
        for (call, part) in parts.into_iter().enumerate() {
            let (link, timeout) = (self.calls[call].link, self.calls[call].timeout);
            send(link, TransactionMessage::Prepare { transaction, part, timeout }, write.operation, ctx);
            ctx.wake(now + timeout, Timer::CallTimeout(self.call_number(job, call)));
        }
        let granted = vec![false; self.calls.len()];
        self.transactions.voting.insert(transaction, Voting { job, granted, operations });
        self.workers.put(job, Job::Calling(write));
    }

    /// Handles a message of a transaction. `reply_link` is the link back to its sender.
    pub(super) fn on_transaction_message(
        &mut self,
        now: Micros,
        message: &Arc<TransactionMessage>,
        reply_link: LinkId,
        ctx: &mut Context,
    ) {
        ctx.assert_handler(self.node, now);
        let call = self.calls.iter().position(|callee| callee.link == reply_link);
        match **message {
            TransactionMessage::Prepare { .. } => self.enqueue(now, Work::Prepare(message.clone(), reply_link), ctx),
            TransactionMessage::Vote { transaction, granted } => self.on_vote(now, transaction, call, granted, ctx),
            TransactionMessage::Decide { transaction, commit } => {
                self.apply_decision(now, transaction, commit, reply_link, ctx);
            }
            TransactionMessage::Done { transaction } => {
                let Some(unconfirmed) = self.transactions.decided.get_mut(&transaction) else { return };
                unconfirmed.retain(|other| Some(*other) != call);
                if unconfirmed.is_empty() {
                    self.transactions.decided.remove(&transaction);
                }
            }
            TransactionMessage::Inquire { transaction } => {
                // While votes are missing no reply is sent; an unknown transaction was aborted.
                if !self.transactions.voting.contains_key(&transaction) {
                    let commit = self.transactions.decided.contains_key(&transaction);
                    send(reply_link, TransactionMessage::Decide { transaction, commit }, None, ctx);
                }
            }
        }
    }

    fn on_vote(&mut self, now: Micros, transaction: UpdateId, call: Option<usize>, granted: bool, ctx: &mut Context) {
        let Some(voting) = self.transactions.voting.get_mut(&transaction) else { return };
        let (Some(call), job) = (call, voting.job) else { return };
        debug_assert!(call < voting.granted.len(), "a participant votes");
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        voting.granted[call] |= granted;
        let all = voting.granted.iter().all(|granted| *granted);
        if !granted {
            self.abort(now, job, Refusal::CalleeRefused, ctx);
        } else if all {
            self.decide(now, job, ctx);
        }
    }

    /// Handles the timeout of a call, and returns whether the call belongs to a transaction.
    pub(super) fn on_vote_timeout(&mut self, now: Micros, job: u32, call: usize, ctx: &mut Context) -> bool {
        debug_assert!(call < self.calls.len(), "the call is one of the service's");
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        let of_job = self.transactions.voting.values().find(|voting| voting.job == job);
        let Some(granted) = of_job.map(|voting| voting.granted[call]) else { return false };
        if !granted {
            self.abort(now, job, Refusal::NotPromised, ctx);
        }
        true
    }

    /// Ends the voting of a job's transaction.
    fn end_voting(&mut self, job: u32) -> Option<(PendingWrite, Voting)> {
        let of_job = self.transactions.voting.iter().find(|(_, voting)| voting.job == job);
        let transaction = of_job.map(|(transaction, _)| *transaction)?;
        let voting = self.transactions.voting.remove(&transaction)?;
        debug_assert!(voting.job == job, "the transaction is the job's");
        debug_assert!(voting.granted.len() == self.calls.len(), "each callee is asked for a vote");
        match self.workers.take(job) {
            Some(Job::Calling(write)) => Some((write, voting)),
            Some(Job::Working(_) | Job::Locked(..) | Job::Committing(_)) | None => None,
        }
    }

    /// Aborts a transaction because a vote is no or missing.
    fn abort(&mut self, now: Micros, job: u32, cause: Refusal, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down decides nothing");
        let Some((write, voting)) = self.end_voting(job) else { return };
        let transaction = write.update.id;
        debug_assert!(!self.transactions.decided.contains_key(&transaction), "a decision is final");
        for callee in &self.calls {
            send(callee.link, TransactionMessage::Decide { transaction, commit: false }, None, ctx);
        }
        end_operations(&voting.operations, Outcome::Fail, ctx);
        self.abort_write(now, &write, cause, Outcome::Fail, ctx);
    }

    /// Commits a transaction because all votes are yes. The decision is durable.
    fn decide(&mut self, now: Micros, job: u32, ctx: &mut Context) {
        let Some((write, voting)) = self.end_voting(job) else { return };
        debug_assert!(voting.granted.iter().all(|granted| *granted), "all participants have promised");
        let transaction = write.update.id;
        debug_assert!(!self.transactions.decided.contains_key(&transaction), "a decision is final");
        let all = (0..self.calls.len()).collect();
        self.transactions.decided.insert(transaction, all);
        self.commit(now, &write, ctx);
        end_operations(&voting.operations, Outcome::Ok, ctx);
        self.send_decision(now, transaction, ctx);
        self.finish_write(now, &write, ctx);
    }

    fn send_decision(&mut self, now: Micros, transaction: UpdateId, ctx: &mut Context) {
        debug_assert!(self.up && now == ctx.now, "a service sends decisions while it is up");
        let Some(unconfirmed) = self.transactions.decided.get(&transaction) else { return };
        debug_assert!(!unconfirmed.is_empty(), "a confirmed decision is forgotten");
        for &call in unconfirmed {
            send(self.calls[call].link, TransactionMessage::Decide { transaction, commit: true }, None, ctx);
        }
        let resend_after = unconfirmed.iter().map(|call| self.calls[*call].timeout).max().unwrap_or(0).max(1);
        ctx.wake(now + resend_after, Timer::TransactionRetry(transaction.0));
    }

    /// Asks for a decision as a participant, or resends it as the coordinator.
    pub(super) fn retry_transaction(&mut self, now: Micros, transaction: UpdateId, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down sends nothing");
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        if let Some(promise) = self.transactions.promises.get(&transaction) {
            send(promise.coordinator, TransactionMessage::Inquire { transaction }, None, ctx);
            ctx.wake(now + promise.timeout.max(1), Timer::TransactionRetry(transaction.0));
        } else {
            self.send_decision(now, transaction, ctx);
        }
    }

    /// Votes on a participant's part of a transaction.
    pub(super) fn vote(&mut self, now: Micros, message: &TransactionMessage, coordinator: LinkId, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down does not vote");
        let TransactionMessage::Prepare { transaction, part, timeout } = message else { return };
        let (transaction, timeout) = (*transaction, *timeout);
        if self.transactions.committed.contains(&transaction) {
            return;
        }
        let mut granted = self.transactions.promises.contains_key(&transaction);
        if !granted && let Some((update, operation)) = self.prepare_part(now, part, ctx) {
            let (id, key) = (update.id, update.key);
            debug_assert!(!self.locks.contains_key(&key), "a key has one lock");
            self.locks.insert(key, VecDeque::new());
            ctx.record(Fact::WritePromised { update: id, node: self.node, key });
            ctx.wake(now + timeout.max(1), Timer::TransactionRetry(transaction.0));
            self.transactions.promises.insert(transaction, Promise { update, operation, coordinator, timeout });
            granted = true;
        }
        send(coordinator, TransactionMessage::Vote { transaction, granted }, None, ctx);
    }

    /// Returns the update that the participant would commit, and its operation if the write is its own; none if it cannot.
    fn prepare_part(
        &mut self,
        now: Micros,
        part: &TransactionPart,
        ctx: &mut Context,
    ) -> Option<(Arc<Update>, Option<OperationId>)> {
        debug_assert!(now == ctx.now, "a participant votes on what it holds now");
        debug_assert!(self.up, "a service that is down promises nothing");
        let key = match part {
            TransactionPart::Same(update) => update.key,
            TransactionPart::Own(request) => request.key,
        };
        if self.locks.contains_key(&key) {
            return None;
        }
        match part {
            TransactionPart::Same(update) => Some((update.clone(), None)),
            TransactionPart::Own(request) => match self.store.after(key, &request.action) {
                Ok(value) => Some((self.new_update(now, request, value, ctx), Some(request.operation))),
                Err(cause) => {
                    let (operation, node) = (request.operation, self.node);
                    ctx.record(Fact::OperationRefused { operation, node, cause });
                    None
                }
            },
        }
    }

    /// Applies a decision, and releases the lock of the promise.
    fn apply_decision(
        &mut self,
        now: Micros,
        transaction: UpdateId,
        commit: bool,
        coordinator: LinkId,
        ctx: &mut Context,
    ) {
        debug_assert!(self.up, "a service that is down executes no decision");
        if let Some(Promise { update, operation, .. }) = self.transactions.promises.remove(&transaction) {
            let Update { id, key, ref value, version, clock, .. } = *update;
            debug_assert!(self.locks.contains_key(&key), "a promise locks its key");
            let node = self.node;
            match operation {
                _ if !commit => ctx.record(Fact::PromiseReleased { update: id, node, key }),
                Some(operation) => {
                    self.store.set(key, value.clone(), version, clock);
                    let value = value.clone();
                    ctx.record(Fact::UpdateCommitted { update: id, operation, node, key, version, value, clock });
                    ctx.record(Fact::UpdateAcknowledged { update: id, operation });
                }
                None => {
                    let changed = self.store.apply(&update, Effect::SetIfNewer);
                    let (value, by, sum) = (value.clone(), None, None);
                    ctx.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
                }
            }
            if commit {
                self.transactions.committed.insert(transaction);
                self.publishing.on_commit(now, &update, ctx);
            }
            self.unlock(now, key, ctx);
        }
        if commit {
            send(coordinator, TransactionMessage::Done { transaction }, None, ctx);
        }
    }

    /// Restores the locks of promises after a restart, and resends decisions.
    pub(super) fn restart_transactions(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.locks.is_empty(), "a crash releases all locks");
        for (transaction, promise) in &self.transactions.promises {
            self.locks.insert(promise.update.key, VecDeque::new());
            ctx.wake(now + promise.timeout.max(1), Timer::TransactionRetry(transaction.0));
        }
        let decided: Vec<UpdateId> = self.transactions.decided.keys().copied().collect();
        for transaction in decided {
            self.send_decision(now, transaction, ctx);
        }
        debug_assert!(self.locks.len() == self.transactions.promises.len(), "a promise locks its key");
    }
}
