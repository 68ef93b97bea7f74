//! Two-phase commit across services (Gray 1978; presumed abort). A service whose `commit` is `two_phase` coordinates each
//! of its writes: it lets those that it calls prepare their parts, commits when all have promised, and tells them until
//! each has confirmed. Who has promised cannot go on alone: it keeps the key locked, writes and reads of it wait, until it
//! hears the decision. A participant whose key is locked, or that cannot do its part, votes no at once, so that no two
//! transactions wait for each other.

use super::{Job, PendingWrite, Service, Work};
use crate::engine::context::Context;
use crate::engine::message::{About, LinkId, Payload, TransactionMessage, TransactionPart, Update};
use crate::engine::queue::Timer;
use crate::scenario::{Effect, Micros};
use crate::trace::{Fact, KeyId, OperationId, Outcome, Refusal, UpdateId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A transaction that is being voted on, at its coordinator.
#[derive(Clone, Debug)]
struct Voting {
    job: u32,
    /// By call: whether it has promised.
    granted: Vec<bool>,
    /// What participants write of their own.
    operations: Vec<OperationId>,
}

/// A part that was promised, at its participant.
#[derive(Clone, Debug)]
struct Promise {
    update: Arc<Update>,
    /// Of a write of its own.
    operation: Option<OperationId>,
    /// The link to the coordinator.
    coordinator: LinkId,
    timeout: Micros,
}

/// A service's transactions. Promises, decisions and what was settled are durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Transactions {
    voting: BTreeMap<UpdateId, Voting>,
    /// Those that were committed: the calls that have not confirmed.
    decided: BTreeMap<UpdateId, Vec<usize>>,
    promises: BTreeMap<UpdateId, Promise>,
    /// Those that were committed here: a second copy of their message is of no effect.
    committed: BTreeSet<UpdateId>,
    /// Where each commits by itself: what callees were asked to write of their own, and the job that waits for it.
    nested: BTreeMap<OperationId, u32>,
}

impl Transactions {
    /// Whether a key is locked by a promise.
    pub(super) fn locks(&self, key: KeyId) -> bool {
        self.promises.values().any(|promise| promise.update.key == key)
    }

    /// What a job has asked a callee for is awaited no more.
    fn abandon_nested(&mut self, job: u32, ctx: &mut Context) {
        let of_job = self.nested.iter().find(|(_, it)| **it == job).map(|(operation, _)| *operation);
        if let Some(operation) = of_job {
            self.nested.remove(&operation);
            end(&[operation], Outcome::Unknown, ctx);
        }
    }

    /// What was not decided is gone, and so aborted.
    pub(super) fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        for (operation, _) in std::mem::take(&mut self.nested) {
            end(&[operation], Outcome::Unknown, ctx);
        }
        for (_, voting) in std::mem::take(&mut self.voting) {
            end(&voting.operations, Outcome::Unknown, ctx);
        }
        if lose_disk {
            *self = Transactions::default();
        }
    }
}

/// Ends what participants were to write of their own.
fn end(operations: &[OperationId], outcome: Outcome, ctx: &mut Context) {
    for &operation in operations {
        ctx.record(Fact::OperationEnded { operation, outcome });
    }
}

fn send(link: LinkId, message: TransactionMessage, operation: Option<OperationId>, ctx: &mut Context) {
    let about = About { update: Some(message.transaction()), operation, attempt: 0 };
    ctx.send(link, Payload::TransactionMessage(Arc::new(message)), about);
}

impl Service {
    /// Asks a callee to write something of its own, outside of any transaction.
    pub(super) fn request_nested_write(&mut self, job: u32, call: usize, ctx: &mut Context) {
        let callee = &self.config.calls[call];
        let Some(operation) = &callee.operation else { return };
        let (request, link) = (ctx.issue(self.config.node, 0, callee.node, operation), callee.link);
        let nested = request.operation;
        self.transactions.nested.insert(nested, job);
        let about = About { operation: Some(nested), ..About::default() };
        ctx.send(link, Payload::Operate(Arc::new(request)), about);
    }

    /// A callee has not answered in time; whether that ends what was a transaction's.
    pub(super) fn on_call_silent(&mut self, now: Micros, job: u32, call: usize, ctx: &mut Context) -> bool {
        let is_vote = self.on_vote_timeout(now, job, call, ctx);
        let waits = |job: &Job| matches!(job, Job::Calling(write) if write.call == call);
        if !is_vote && self.jobs.get(&job).is_some_and(waits) {
            self.transactions.abandon_nested(job, ctx);
        }
        is_vote
    }

    /// Lets all that it calls prepare their parts.
    pub(super) fn prepare(&mut self, now: Micros, job: u32, write: PendingWrite, ctx: &mut Context) {
        let transaction = write.update.id;
        let (mut operations, mut parts) = (Vec::new(), Vec::new());
        for callee in &self.config.calls {
            parts.push(match &callee.operation {
                None => TransactionPart::Same(write.update.clone()),
                Some(operation) => {
                    let request = ctx.issue(self.config.node, 0, callee.node, operation);
                    operations.push(request.operation);
                    TransactionPart::Own(Arc::new(request))
                }
            });
        }
        for (call, part) in parts.into_iter().enumerate() {
            let (link, timeout) = (self.config.calls[call].link, self.config.calls[call].timeout);
            send(link, TransactionMessage::Prepare { transaction, part, timeout }, write.operation, ctx);
            ctx.wake(now + timeout, Timer::CallTimeout(self.call_number(job, call)));
        }
        let granted = vec![false; self.config.calls.len()];
        self.transactions.voting.insert(transaction, Voting { job, granted, operations });
        self.jobs.insert(job, Job::Calling(write));
    }

    /// A callee that commits by itself answers what it was asked to write of its own.
    pub(super) fn on_nested_reply(
        &mut self,
        now: Micros,
        operation: OperationId,
        outcome: Outcome,
        update: Option<UpdateId>,
        ctx: &mut Context,
    ) {
        let Some(job) = self.transactions.nested.remove(&operation) else { return };
        end(&[operation], outcome, ctx);
        if let (Outcome::Ok, Some(update)) = (outcome, update) {
            ctx.record(Fact::UpdateAcknowledged { update, operation });
        }
        match outcome {
            Outcome::Ok | Outcome::Fail => self.on_reply(now, job, outcome == Outcome::Ok, ctx),
            Outcome::Unknown => {
                if let Some(Job::Calling(write)) = self.jobs.remove(&job) {
                    self.abort_write(now, &write, Refusal::CalleeSilent, Outcome::Unknown, ctx);
                }
            }
        }
    }

    /// Something was said of a transaction, over the link whose other direction is `back`.
    pub(super) fn on_transaction_message(
        &mut self,
        now: Micros,
        message: &Arc<TransactionMessage>,
        back: LinkId,
        ctx: &mut Context,
    ) {
        let call = self.config.calls.iter().position(|callee| callee.link == back);
        match **message {
            TransactionMessage::Prepare { .. } => self.enqueue(now, Work::Prepare(message.clone(), back), ctx),
            TransactionMessage::Vote { transaction, granted } => {
                let Some(voting) = self.transactions.voting.get_mut(&transaction) else { return };
                let (Some(call), job) = (call, voting.job) else { return };
                voting.granted[call] |= granted;
                let all = voting.granted.iter().all(|granted| *granted);
                if !granted {
                    self.abort(now, job, Refusal::CalleeRefused, ctx);
                } else if all {
                    self.decide(now, job, ctx);
                }
            }
            TransactionMessage::Decide { transaction, commit } => {
                self.apply_decision(now, transaction, commit, back, ctx)
            }
            TransactionMessage::Done { transaction } => {
                let Some(unconfirmed) = self.transactions.decided.get_mut(&transaction) else { return };
                unconfirmed.retain(|other| Some(*other) != call);
                if unconfirmed.is_empty() {
                    self.transactions.decided.remove(&transaction);
                }
            }
            TransactionMessage::Inquire { transaction } => {
                // What is still voted on has no answer yet; what nobody knows of was aborted.
                if !self.transactions.voting.contains_key(&transaction) {
                    let commit = self.transactions.decided.contains_key(&transaction);
                    send(back, TransactionMessage::Decide { transaction, commit }, None, ctx);
                }
            }
        }
    }

    /// A callee has not voted in time; whether the call was one of a transaction.
    fn on_vote_timeout(&mut self, now: Micros, job: u32, call: usize, ctx: &mut Context) -> bool {
        let of_job = self.transactions.voting.values().find(|voting| voting.job == job);
        let Some(granted) = of_job.map(|voting| voting.granted[call]) else { return false };
        if !granted {
            self.abort(now, job, Refusal::NotPromised, ctx);
        }
        true
    }

    /// Takes a transaction that is voted on off the table.
    fn conclude(&mut self, job: u32) -> Option<(PendingWrite, Voting)> {
        let of_job = self.transactions.voting.iter().find(|(_, voting)| voting.job == job);
        let voting = of_job.map(|(transaction, _)| *transaction).and_then(|it| self.transactions.voting.remove(&it))?;
        match self.jobs.remove(&job) {
            Some(Job::Calling(write)) => Some((write, voting)),
            Some(Job::Working(_) | Job::Locked(..) | Job::Committing(_)) | None => None,
        }
    }

    /// Not all promise: it has no effect anywhere.
    fn abort(&mut self, now: Micros, job: u32, cause: Refusal, ctx: &mut Context) {
        let Some((write, voting)) = self.conclude(job) else { return };
        let transaction = write.update.id;
        for call in 0..self.config.calls.len() {
            send(self.config.calls[call].link, TransactionMessage::Decide { transaction, commit: false }, None, ctx);
        }
        end(&voting.operations, Outcome::Fail, ctx);
        self.abort_write(now, &write, cause, Outcome::Fail, ctx);
    }

    /// All have promised: it is committed from here on, whatever fails.
    fn decide(&mut self, now: Micros, job: u32, ctx: &mut Context) {
        let Some((write, voting)) = self.conclude(job) else { return };
        let transaction = write.update.id;
        let all = (0..self.config.calls.len()).collect();
        self.transactions.decided.insert(transaction, all);
        self.commit(now, &write, ctx);
        end(&voting.operations, Outcome::Ok, ctx);
        self.send_decision(now, transaction, ctx);
        self.finish_write(now, &write, ctx);
    }

    fn send_decision(&mut self, now: Micros, transaction: UpdateId, ctx: &mut Context) {
        let Some(unconfirmed) = self.transactions.decided.get(&transaction).cloned() else { return };
        for &call in &unconfirmed {
            send(self.config.calls[call].link, TransactionMessage::Decide { transaction, commit: true }, None, ctx);
        }
        let again = unconfirmed.iter().map(|call| self.config.calls[*call].timeout).max().unwrap_or(0).max(1);
        ctx.wake(now + again, Timer::TransactionRetry(transaction.0));
    }

    /// A decision is told again, or asked for.
    pub(super) fn on_undecided(&mut self, now: Micros, transaction: UpdateId, ctx: &mut Context) {
        if let Some(promise) = self.transactions.promises.get(&transaction) {
            send(promise.coordinator, TransactionMessage::Inquire { transaction }, None, ctx);
            ctx.wake(now + promise.timeout.max(1), Timer::TransactionRetry(transaction.0));
        } else {
            self.send_decision(now, transaction, ctx);
        }
    }

    /// A worker has looked at the part that it is asked to commit.
    pub(super) fn vote(&mut self, now: Micros, message: &TransactionMessage, coordinator: LinkId, ctx: &mut Context) {
        let TransactionMessage::Prepare { transaction, part, timeout } = message else { return };
        let (transaction, timeout) = (*transaction, *timeout);
        if self.transactions.committed.contains(&transaction) {
            return;
        }
        let mut granted = self.transactions.promises.contains_key(&transaction);
        if !granted && let Some((update, operation)) = self.part(now, part, ctx) {
            let (id, key) = (update.id, update.key);
            self.locks.insert(key, VecDeque::new());
            ctx.record(Fact::WritePromised { update: id, node: self.config.node, key });
            ctx.wake(now + timeout.max(1), Timer::TransactionRetry(transaction.0));
            self.transactions.promises.insert(transaction, Promise { update, operation, coordinator, timeout });
            granted = true;
        }
        send(coordinator, TransactionMessage::Vote { transaction, granted }, None, ctx);
    }

    /// What it would commit; none if it cannot.
    fn part(
        &mut self,
        now: Micros,
        part: &TransactionPart,
        ctx: &mut Context,
    ) -> Option<(Arc<Update>, Option<OperationId>)> {
        let key = match part {
            TransactionPart::Same(update) => update.key,
            TransactionPart::Own(request) => request.key,
        };
        if self.locks.contains_key(&key) {
            return None;
        }
        match part {
            TransactionPart::Same(update) => Some((update.clone(), None)),
            TransactionPart::Own(request) => match self.store.after(key, &request.ask) {
                Ok(value) => Some((self.update(now, request, value, ctx), Some(request.operation))),
                Err(cause) => {
                    let (operation, node) = (request.operation, self.config.node);
                    ctx.record(Fact::OperationRefused { operation, node, cause });
                    None
                }
            },
        }
    }

    /// Carries a decision out, and lets what waited for the key go on.
    fn apply_decision(
        &mut self,
        now: Micros,
        transaction: UpdateId,
        commit: bool,
        coordinator: LinkId,
        ctx: &mut Context,
    ) {
        if let Some(Promise { update, operation, .. }) = self.transactions.promises.remove(&transaction) {
            let Update { id, key, ref value, version, clock, .. } = *update;
            let node = self.config.node;
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

    /// Starts again: promises lock their keys, and what is decided is told or asked for.
    pub(super) fn restart_transactions(&mut self, now: Micros, ctx: &mut Context) {
        let promises = self.transactions.promises.clone();
        for (transaction, promise) in &promises {
            self.locks.insert(promise.update.key, VecDeque::new());
            ctx.wake(now + promise.timeout.max(1), Timer::TransactionRetry(transaction.0));
        }
        let decided: Vec<UpdateId> = self.transactions.decided.keys().copied().collect();
        for transaction in decided {
            self.send_decision(now, transaction, ctx);
        }
    }
}
