//! Two-phase commit across services (Gray 1978; presumed abort). A service whose `commit` is `two_phase` coordinates each
//! of its writes: it lets those that it calls prepare their parts, commits when all have promised, and tells them until
//! each has confirmed. Who has promised cannot go on alone: it keeps the key locked, writes and reads of it wait, until it
//! hears the decision. A participant whose key is locked, or that cannot do its part, votes no at once, so that no two
//! transactions wait for each other.

use super::{Change, Job, Service, Work};
use crate::engine::message::{About, Atomic, LinkId, Part, Payload, Update};
use crate::engine::outbox::Outbox;
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
struct Promised {
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
    promises: BTreeMap<UpdateId, Promised>,
    /// Those that were committed here: a second copy of their message is of no effect.
    settled: BTreeSet<UpdateId>,
    /// Where each commits by itself: what callees were asked to write of their own, and the job that waits for it.
    asked: BTreeMap<OperationId, u32>,
}

impl Transactions {
    /// Whether a key is locked by a promise.
    pub(super) fn locks(&self, key: KeyId) -> bool {
        self.promises.values().any(|promise| promise.update.key == key)
    }

    /// What a job has asked a callee for is awaited no more.
    fn give_up(&mut self, job: u32, out: &mut Outbox) {
        let of_job = self.asked.iter().find(|(_, it)| **it == job).map(|(operation, _)| *operation);
        if let Some(operation) = of_job {
            self.asked.remove(&operation);
            end(&[operation], Outcome::Unknown, out);
        }
    }

    /// What was not decided is gone, and so aborted.
    pub(super) fn crash(&mut self, lose_disk: bool, out: &mut Outbox) {
        for (operation, _) in std::mem::take(&mut self.asked) {
            end(&[operation], Outcome::Unknown, out);
        }
        for (_, voting) in std::mem::take(&mut self.voting) {
            end(&voting.operations, Outcome::Unknown, out);
        }
        if lose_disk {
            *self = Transactions::default();
        }
    }
}

/// Ends what participants were to write of their own.
fn end(operations: &[OperationId], outcome: Outcome, out: &mut Outbox) {
    for &operation in operations {
        out.record(Fact::OperationEnded { operation, outcome });
    }
}

fn say(link: LinkId, said: Atomic, operation: Option<OperationId>, out: &mut Outbox) {
    let about = About { update: Some(said.transaction()), operation, attempt: 0 };
    out.send(link, Payload::Atomic(Arc::new(said)), about);
}

impl Service {
    /// Asks a callee to write something of its own, outside of any transaction.
    pub(super) fn ask_for_own_write(&mut self, job: u32, call: usize, out: &mut Outbox) {
        let callee = &self.plan.calls[call];
        let Some(operation) = &callee.operation else { return };
        let (request, link) = (out.issue(self.plan.node, 0, callee.node, operation), callee.link);
        let asked = request.operation;
        self.transactions.asked.insert(asked, job);
        let about = About { operation: Some(asked), ..About::default() };
        out.send(link, Payload::Operate(Arc::new(request)), about);
    }

    /// A callee has not answered in time; whether that ends what was a transaction's.
    pub(super) fn on_no_answer(&mut self, now: Micros, job: u32, call: usize, out: &mut Outbox) -> bool {
        let is_vote = self.on_no_vote(now, job, call, out);
        let waits = |job: &Job| matches!(job, Job::Calling(change) if change.call == call);
        if !is_vote && self.jobs.get(&job).is_some_and(waits) {
            self.transactions.give_up(job, out);
        }
        is_vote
    }

    /// Lets all that it calls prepare their parts.
    pub(super) fn prepare(&mut self, now: Micros, job: u32, change: Change, out: &mut Outbox) {
        let transaction = change.update.id;
        let (mut operations, mut parts) = (Vec::new(), Vec::new());
        for callee in &self.plan.calls {
            parts.push(match &callee.operation {
                None => Part::Same(change.update.clone()),
                Some(operation) => {
                    let request = out.issue(self.plan.node, 0, callee.node, operation);
                    operations.push(request.operation);
                    Part::Own(Arc::new(request))
                }
            });
        }
        for (call, part) in parts.into_iter().enumerate() {
            let (link, timeout) = (self.plan.calls[call].link, self.plan.calls[call].timeout);
            say(link, Atomic::Prepare { transaction, part, timeout }, change.operation, out);
            out.wake(now + timeout, Timer::CallTimeout(self.call_number(job, call)));
        }
        let granted = vec![false; self.plan.calls.len()];
        self.transactions.voting.insert(transaction, Voting { job, granted, operations });
        self.jobs.insert(job, Job::Calling(change));
    }

    /// A callee that commits by itself answers what it was asked to write of its own.
    pub(super) fn on_own_write(
        &mut self,
        now: Micros,
        operation: OperationId,
        outcome: Outcome,
        update: Option<UpdateId>,
        out: &mut Outbox,
    ) {
        let Some(job) = self.transactions.asked.remove(&operation) else { return };
        end(&[operation], outcome, out);
        if let (Outcome::Ok, Some(update)) = (outcome, update) {
            out.record(Fact::UpdateAcknowledged { update, operation });
        }
        match outcome {
            Outcome::Ok | Outcome::Fail => self.on_answer(now, job, outcome == Outcome::Ok, out),
            Outcome::Unknown => {
                if let Some(Job::Calling(change)) = self.jobs.remove(&job) {
                    self.call_off(now, &change, Refusal::CalleeSilent, Outcome::Unknown, out);
                }
            }
        }
    }

    /// Something was said of a transaction, over the link whose other direction is `back`.
    pub(super) fn on_atomic(&mut self, now: Micros, said: &Arc<Atomic>, back: LinkId, out: &mut Outbox) {
        let call = self.plan.calls.iter().position(|callee| callee.link == back);
        match **said {
            Atomic::Prepare { .. } => self.on_work(now, Work::Prepare(said.clone(), back), out),
            Atomic::Vote { transaction, granted } => {
                let Some(voting) = self.transactions.voting.get_mut(&transaction) else { return };
                let (Some(call), job) = (call, voting.job) else { return };
                voting.granted[call] |= granted;
                let all = voting.granted.iter().all(|granted| *granted);
                if !granted {
                    self.abort(now, job, Refusal::CalleeRefused, out);
                } else if all {
                    self.decide(now, job, out);
                }
            }
            Atomic::Decide { transaction, commit } => self.settle(now, transaction, commit, back, out),
            Atomic::Done { transaction } => {
                let Some(unconfirmed) = self.transactions.decided.get_mut(&transaction) else { return };
                unconfirmed.retain(|other| Some(*other) != call);
                if unconfirmed.is_empty() {
                    self.transactions.decided.remove(&transaction);
                }
            }
            Atomic::Inquire { transaction } => {
                // What is still voted on has no answer yet; what nobody knows of was aborted.
                if !self.transactions.voting.contains_key(&transaction) {
                    let commit = self.transactions.decided.contains_key(&transaction);
                    say(back, Atomic::Decide { transaction, commit }, None, out);
                }
            }
        }
    }

    /// A callee has not voted in time; whether the call was one of a transaction.
    fn on_no_vote(&mut self, now: Micros, job: u32, call: usize, out: &mut Outbox) -> bool {
        let of_job = self.transactions.voting.values().find(|voting| voting.job == job);
        let Some(granted) = of_job.map(|voting| voting.granted[call]) else { return false };
        if !granted {
            self.abort(now, job, Refusal::NotPromised, out);
        }
        true
    }

    /// Takes a transaction that is voted on off the table.
    fn conclude(&mut self, job: u32) -> Option<(Change, Voting)> {
        let of_job = self.transactions.voting.iter().find(|(_, voting)| voting.job == job);
        let voting = of_job.map(|(transaction, _)| *transaction).and_then(|it| self.transactions.voting.remove(&it))?;
        match self.jobs.remove(&job) {
            Some(Job::Calling(change)) => Some((change, voting)),
            Some(Job::Working(_) | Job::Locked(..) | Job::Committing(_)) | None => None,
        }
    }

    /// Not all promise: it has no effect anywhere.
    fn abort(&mut self, now: Micros, job: u32, cause: Refusal, out: &mut Outbox) {
        let Some((change, voting)) = self.conclude(job) else { return };
        let transaction = change.update.id;
        for call in 0..self.plan.calls.len() {
            say(self.plan.calls[call].link, Atomic::Decide { transaction, commit: false }, None, out);
        }
        end(&voting.operations, Outcome::Fail, out);
        self.call_off(now, &change, cause, Outcome::Fail, out);
    }

    /// All have promised: it is committed from here on, whatever fails.
    fn decide(&mut self, now: Micros, job: u32, out: &mut Outbox) {
        let Some((change, voting)) = self.conclude(job) else { return };
        let transaction = change.update.id;
        let all = (0..self.plan.calls.len()).collect();
        self.transactions.decided.insert(transaction, all);
        self.commit(now, &change, out);
        end(&voting.operations, Outcome::Ok, out);
        self.tell_decision(now, transaction, out);
        self.end_change(now, &change, out);
    }

    fn tell_decision(&mut self, now: Micros, transaction: UpdateId, out: &mut Outbox) {
        let Some(unconfirmed) = self.transactions.decided.get(&transaction).cloned() else { return };
        for &call in &unconfirmed {
            say(self.plan.calls[call].link, Atomic::Decide { transaction, commit: true }, None, out);
        }
        let again = unconfirmed.iter().map(|call| self.plan.calls[*call].timeout).max().unwrap_or(0).max(1);
        out.wake(now + again, Timer::Undecided(transaction.0));
    }

    /// A decision is told again, or asked for.
    pub(super) fn on_undecided(&mut self, now: Micros, transaction: UpdateId, out: &mut Outbox) {
        if let Some(promise) = self.transactions.promises.get(&transaction) {
            say(promise.coordinator, Atomic::Inquire { transaction }, None, out);
            out.wake(now + promise.timeout.max(1), Timer::Undecided(transaction.0));
        } else {
            self.tell_decision(now, transaction, out);
        }
    }

    /// A worker has looked at the part that it is asked to commit.
    pub(super) fn vote(&mut self, now: Micros, said: &Atomic, coordinator: LinkId, out: &mut Outbox) {
        let Atomic::Prepare { transaction, part, timeout } = said else { return };
        let (transaction, timeout) = (*transaction, *timeout);
        if self.transactions.settled.contains(&transaction) {
            return;
        }
        let mut granted = self.transactions.promises.contains_key(&transaction);
        if !granted && let Some((update, operation)) = self.part(now, part, out) {
            let (id, key) = (update.id, update.key);
            self.locks.insert(key, VecDeque::new());
            out.record(Fact::WritePromised { update: id, node: self.plan.node, key });
            out.wake(now + timeout.max(1), Timer::Undecided(transaction.0));
            self.transactions.promises.insert(transaction, Promised { update, operation, coordinator, timeout });
            granted = true;
        }
        say(coordinator, Atomic::Vote { transaction, granted }, None, out);
    }

    /// What it would commit; none if it cannot.
    fn part(&mut self, now: Micros, part: &Part, out: &mut Outbox) -> Option<(Arc<Update>, Option<OperationId>)> {
        let key = match part {
            Part::Same(update) => update.key,
            Part::Own(request) => request.key,
        };
        if self.locks.contains_key(&key) {
            return None;
        }
        match part {
            Part::Same(update) => Some((update.clone(), None)),
            Part::Own(request) => match self.store.after(key, &request.ask) {
                Ok(value) => Some((self.update(now, request, value, out), Some(request.operation))),
                Err(cause) => {
                    let (operation, node) = (request.operation, self.plan.node);
                    out.record(Fact::OperationRefused { operation, node, cause });
                    None
                }
            },
        }
    }

    /// Carries a decision out, and lets what waited for the key go on.
    fn settle(&mut self, now: Micros, transaction: UpdateId, commit: bool, coordinator: LinkId, out: &mut Outbox) {
        if let Some(Promised { update, operation, .. }) = self.transactions.promises.remove(&transaction) {
            let Update { id, key, ref value, version, clock, .. } = *update;
            let node = self.plan.node;
            match operation {
                _ if !commit => out.record(Fact::PromiseReleased { update: id, node, key }),
                Some(operation) => {
                    self.store.set(key, value.clone(), version, clock);
                    let value = value.clone();
                    out.record(Fact::UpdateCommitted { update: id, operation, node, key, version, value, clock });
                    out.record(Fact::UpdateAcknowledged { update: id, operation });
                }
                None => {
                    let changed = self.store.take_in(&update, Effect::SetIfNewer);
                    let (value, by, sum) = (value.clone(), None, None);
                    out.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
                }
            }
            if commit {
                self.transactions.settled.insert(transaction);
                self.publishing.on_commit(now, &update, out);
            }
            self.unlock(now, key, out);
        }
        if commit {
            say(coordinator, Atomic::Done { transaction }, None, out);
        }
    }

    /// Starts again: promises lock their keys, and what is decided is told or asked for.
    pub(super) fn restart_transactions(&mut self, now: Micros, out: &mut Outbox) {
        let promises = self.transactions.promises.clone();
        for (transaction, promise) in &promises {
            self.locks.insert(promise.update.key, VecDeque::new());
            out.wake(now + promise.timeout.max(1), Timer::Undecided(transaction.0));
        }
        let decided: Vec<UpdateId> = self.transactions.decided.keys().copied().collect();
        for transaction in decided {
            self.tell_decision(now, transaction, out);
        }
    }
}
