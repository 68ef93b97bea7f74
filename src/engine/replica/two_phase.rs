//! Two-phase commit (Gray 1978) with presumed abort (Mohan et al. 1986): the member that receives a write coordinates
//! it. It asks all members to prepare, commits if all vote yes, and sends them its decision.
//!
//! A participant that voted yes is in doubt until it receives the decision. It keeps the key locked: reads and writes of
//! the key wait.

use super::event_rules;
use super::key_state::operations::register_after;
use super::key_state::{KeyState, Register};
use super::member::Member;
use super::messages::{PreparedWrite, TwoPhaseMessage};
use super::request::{ClientRequest, OperationReply, Reply};
use crate::engine::context::Context;
use crate::engine::queue::Timer;
use crate::scenario::{Micros, TwoPhase as TwoPhaseConfig, micros};
use crate::trace::{Fact, KeyId, NodeId, Refusal, UpdateId, Version};
use litemap::LiteMap;
use std::collections::BTreeMap;

/// A transaction that this member coordinates. It is durable once decided.
#[derive(Clone, Debug)]
struct Transaction {
    key: KeyId,
    version: Version,
    /// The request to reply to; `None` after the reply, or a crash.
    client: Option<ClientRequest>,
    /// Members that voted yes.
    yes_votes: Vec<usize>,
    /// Whether it is decided to commit. An aborted transaction is forgotten (presumed abort).
    is_committed: bool,
    /// Members that have not acknowledged the decision.
    unacknowledged: Vec<usize>,
}

/// A write that this member has prepared: it voted yes, and holds the lock of the key.
#[derive(Clone, Debug)]
struct Prepared {
    write: PreparedWrite,
    coordinator: NodeId,
}

/// The state of a member. Prepared writes and decisions are durable.
#[derive(Clone, Debug)]
pub struct TwoPhase {
    timeout: Micros,
    transactions: LiteMap<UpdateId, Transaction>,
    prepared: LiteMap<KeyId, Prepared>,
    /// Requests that wait for a locked key, in the order of arrival.
    waiting: Vec<ClientRequest>,
    /// The group's durable inbox: committed events, and when they were coordinated.
    inbox: BTreeMap<UpdateId, Micros>,
}

impl TwoPhase {
    /// Returns a member without transactions.
    pub fn new(config: &TwoPhaseConfig) -> Self {
        TwoPhase {
            timeout: micros(config.timeout_ms).max(1),
            transactions: LiteMap::new(),
            prepared: LiteMap::new(),
            waiting: Vec::new(),
            inbox: BTreeMap::new(),
        }
    }

    /// Starts, or restarts: aborts undecided transactions, and sets the timers that resend decisions and inquire about
    /// prepared writes.
    pub fn start(&mut self, now: Micros, member: &mut Member, ctx: &mut Context) {
        let is_undecided = |transaction: &&Transaction| !transaction.is_committed;
        let undecided = self.transactions.iter().filter(|(_, transaction)| is_undecided(transaction));
        let undecided: Vec<UpdateId> = undecided.map(|(update, _)| *update).collect();
        for update in undecided {
            self.decide(now, update, false, member, ctx);
        }
        debug_assert!(self.transactions.values().all(|transaction| transaction.is_committed), "the rest is aborted");
        debug_assert!(self.waiting.is_empty(), "a crash forgets waiting requests");
        let prepared = self.prepared.values().map(|prepared| &prepared.write.update);
        for update in self.transactions.keys().chain(prepared) {
            ctx.wake(now + self.timeout, Timer::Protocol(update.0));
        }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self, members: usize) {
        for transaction in self.transactions.values() {
            assert!(transaction.yes_votes.len() <= members, "a member votes once");
            assert!(transaction.unacknowledged.len() <= members, "a member acknowledges once");
        }
    }

    /// Loses the volatile state; with its disk, the durable state too.
    pub fn crash(&mut self, lose_disk: bool) {
        debug_assert!(self.waiting.is_empty() || !self.prepared.is_empty(), "requests wait for a locked key");
        debug_assert!(self.timeout > 0, "timers take time");
        self.waiting.clear();
        for (_, transaction) in self.transactions.iter_mut() {
            transaction.client = None;
        }
        if lose_disk {
            self.transactions.clear();
            self.prepared.clear();
            self.inbox.clear();
        }
    }

    /// Handles a client's request. A request for a locked key waits.
    pub fn execute(
        &mut self,
        now: Micros,
        client: ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        if self.prepared.contains_key(&client.request.key) {
            self.waiting.push(client);
            return Vec::new();
        }
        if client.is_read() {
            return vec![member.read(&client, ctx)];
        }
        match self.order_write(now, &client, member, ctx) {
            Err(reply) => vec![reply],
            Ok(write) => self.begin(now, client, write, member, ctx),
        }
    }

    /// Gives a write its version.
    ///
    /// # Errors
    /// Returns the reply to a write that changes nothing or does not fit the key's value.
    fn order_write(
        &mut self,
        now: Micros,
        client: &ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Result<PreparedWrite, OperationReply> {
        ctx.assert_handler(member.node, now);
        let request = &client.request;
        let (key, operation) = (request.key, request.operation);
        member.group.place(key, ctx);
        let stored = member.state(key);
        if let Some(event) = &request.event {
            let handled_at = self.inbox.get(&event.update).copied();
            let present = stored.source_version();
            if !event_rules::is_to_be_written(event, handled_at, present, now, member.node, ctx) {
                return Err(client.reply(Reply::Unchanged));
            }
        }
        let before = stored.value(&member.group.data);
        let value = register_after(before.as_ref(), &request.action).map_err(|cause| client.refuse(cause))?;
        let update = ctx.next_update();
        let replaces = stored.version();
        let version = Version::counted(replaces.counter + 1, member.origin());
        let (node, clock) = (member.node, member.clock(now));
        ctx.record(Fact::WriteCoordinated {
            update,
            operation,
            node,
            key,
            version,
            value: value.clone(),
            clock,
            replaces,
        });
        let metadata = member.write_metadata(now, request);
        let register = Register { version, value, update: Some(update), metadata, deleted_at: None };
        member.note_coordinated(key, &register, before.as_ref());
        let Register { value, metadata, .. } = register;
        Ok(PreparedWrite { update, operation, key, value, version, metadata })
    }

    /// Begins a transaction: prepares the write here, and asks all other members to prepare it.
    fn begin(
        &mut self,
        now: Micros,
        client: ClientRequest,
        write: PreparedWrite,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(!self.prepared.contains_key(&write.key), "a request for a locked key waits");
        let (update, key, version) = (write.update, write.key, write.version);
        let operation = Some(write.operation);
        self.prepare(write.clone(), member.node, member, ctx);
        let others: Vec<usize> = member.others().collect();
        for &other in &others {
            member.send(other, TwoPhaseMessage::Prepare { write: write.clone() }, operation, ctx);
        }
        let is_alone = others.is_empty();
        let (client, yes_votes) = (Some(client), Vec::new());
        let transaction = Transaction { key, version, client, yes_votes, is_committed: false, unacknowledged: others };
        let previous = self.transactions.insert(update, transaction);
        debug_assert!(previous.is_none(), "an update has one transaction");
        ctx.wake(now + self.timeout, Timer::Protocol(update.0));
        if is_alone { self.decide(now, update, true, member, ctx) } else { Vec::new() }
    }

    /// Locks the key of a write.
    fn prepare(&mut self, write: PreparedWrite, coordinator: NodeId, member: &Member, ctx: &mut Context) {
        debug_assert!(ctx.node == member.node, "a member locks its own keys");
        let (update, key) = (write.update, write.key);
        let previous = self.prepared.insert(key, Prepared { write, coordinator });
        debug_assert!(previous.is_none(), "a key is locked by one transaction");
        ctx.record(Fact::WritePromised { update, node: member.node, key });
    }

    /// Decides a transaction, sends the decision, and executes it here.
    fn decide(
        &mut self,
        now: Micros,
        update: UpdateId,
        commit: bool,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        let Some(transaction) = self.transactions.get_mut(&update) else { return Vec::new() };
        debug_assert!(!transaction.is_committed, "a decision is final");
        debug_assert!(
            !commit || transaction.yes_votes.len() + 1 == member.group.members.len(),
            "a transaction commits only if all members voted yes"
        );
        transaction.is_committed = commit;
        let (client, key, version) = (transaction.client.take(), transaction.key, transaction.version);
        let participants = transaction.unacknowledged.clone();
        if !commit {
            self.transactions.remove(&update);
        }
        for participant in participants {
            member.send(participant, TwoPhaseMessage::Decision { update, commit }, None, ctx);
        }
        let reply = |client: ClientRequest| match commit {
            true => client.reply(Reply::Written(update, version)),
            false => client.refuse(Refusal::NotPromised),
        };
        let mut replies: Vec<OperationReply> = client.map(reply).into_iter().collect();
        replies.extend(self.execute_decision(now, key, update, commit, member, ctx));
        replies
    }

    /// Commits or aborts a prepared write, unlocks its key, and executes the requests that waited for the key.
    fn execute_decision(
        &mut self,
        now: Micros,
        key: KeyId,
        update: UpdateId,
        commit: bool,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(ctx.node == member.node, "a member executes decisions itself");
        let is_prepared = self.prepared.get(&key).is_some_and(|prepared| prepared.write.update == update);
        let Some(Prepared { write, .. }) = is_prepared.then(|| self.prepared.remove(&key)).flatten() else {
            return Vec::new();
        };
        debug_assert!(write.key == key, "a write is prepared under its key");
        if commit {
            let PreparedWrite { value, version, metadata, .. } = write;
            if let Some(metadata) = &metadata
                && let Some(source) = metadata.source
            {
                self.inbox.insert(source.update, metadata.coordinated_at);
            }
            let register = Register { version, value, update: Some(update), metadata, deleted_at: None };
            member.merge(key, &KeyState::Register(register), Some(update), ctx);
        } else {
            ctx.record(Fact::PromiseReleased { update, node: member.node, key });
        }
        let is_for_key = |client: &ClientRequest| client.request.key == key;
        let (unlocked, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(is_for_key);
        self.waiting = waiting;
        let unlocked: Vec<ClientRequest> = unlocked;
        unlocked.into_iter().flat_map(|client| self.execute(now, client, member, ctx)).collect()
    }

    /// Handles a message from another member.
    pub fn on_message(
        &mut self,
        now: Micros,
        from: usize,
        message: &TwoPhaseMessage,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        match message {
            TwoPhaseMessage::Prepare { write } => {
                self.on_prepare(now, from, write, member, ctx);
                Vec::new()
            }
            TwoPhaseMessage::Vote { update, granted } => self.on_vote(now, from, *update, *granted, member, ctx),
            TwoPhaseMessage::Decision { update, commit } => {
                let mut prepared = self.prepared.iter();
                let key = prepared.find(|(_, prepared)| prepared.write.update == *update).map(|(key, _)| *key);
                let replies =
                    key.map_or_else(Vec::new, |key| self.execute_decision(now, key, *update, *commit, member, ctx));
                member.send(from, TwoPhaseMessage::DecisionAck { update: *update }, None, ctx);
                replies
            }
            TwoPhaseMessage::DecisionAck { update } => {
                if let Some(transaction) = self.transactions.get_mut(update) {
                    transaction.unacknowledged.retain(|other| *other != from);
                    if transaction.is_committed && transaction.unacknowledged.is_empty() {
                        self.transactions.remove(update);
                    }
                }
                Vec::new()
            }
            TwoPhaseMessage::Inquire { update } => {
                let transaction = self.transactions.get(update);
                // A transaction that is not known was aborted (presumed abort).
                if transaction.is_none_or(|transaction| transaction.is_committed) {
                    let commit = transaction.is_some();
                    member.send(from, TwoPhaseMessage::Decision { update: *update, commit }, None, ctx);
                }
                Vec::new()
            }
        }
    }

    /// Votes. A member votes no if the key is locked, or if its version is newer than the one the coordinator had read.
    fn on_prepare(&mut self, now: Micros, from: usize, write: &PreparedWrite, member: &Member, ctx: &mut Context) {
        debug_assert!(from != member.index, "a coordinator asks others");
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        let (update, key) = (write.update, write.key);
        let lock = self.prepared.get(&key).map(|prepared| prepared.write.update);
        let is_prepared = lock == Some(update);
        let is_free = lock.is_none() && member.state(key).version().counter < write.version.counter;
        if is_free {
            self.prepare(write.clone(), member.group.members[from], member, ctx);
            ctx.wake(now + self.timeout, Timer::Protocol(update.0));
        }
        let granted = is_prepared || is_free;
        member.send(from, TwoPhaseMessage::Vote { update, granted }, Some(write.operation), ctx);
    }

    fn on_vote(
        &mut self,
        now: Micros,
        from: usize,
        update: UpdateId,
        granted: bool,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(from != member.index, "a coordinator asks others");
        let is_undecided = |transaction: &&mut Transaction| !transaction.is_committed;
        let Some(transaction) = self.transactions.get_mut(&update).filter(is_undecided) else { return Vec::new() };
        debug_assert!(transaction.yes_votes.len() < member.group.members.len(), "a member votes once");
        if !granted {
            return self.decide(now, update, false, member, ctx);
        }
        if !transaction.yes_votes.contains(&from) {
            transaction.yes_votes.push(from);
        }
        let is_unanimous = transaction.yes_votes.len() + 1 == member.group.members.len();
        if is_unanimous { self.decide(now, update, true, member, ctx) } else { Vec::new() }
    }

    /// Handles the timer of a transaction: aborts it if a vote is missing, or resends its decision. The timer of a
    /// prepared write: inquires about the decision.
    pub fn on_timer(
        &mut self,
        now: Micros,
        number: u32,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        let update = UpdateId(number);
        if let Some(transaction) = self.transactions.get(&update) {
            ctx.wake(now + self.timeout, Timer::Protocol(number));
            if !transaction.is_committed {
                return self.decide(now, update, false, member, ctx);
            }
            for &participant in &transaction.unacknowledged {
                member.send(participant, TwoPhaseMessage::Decision { update, commit: true }, None, ctx);
            }
        } else if let Some(prepared) = self.prepared.values().find(|prepared| prepared.write.update == update) {
            ctx.wake(now + self.timeout, Timer::Protocol(number));
            if let Some(coordinator) = member.group.index(prepared.coordinator) {
                member.send(coordinator, TwoPhaseMessage::Inquire { update }, None, ctx);
            }
        }
        Vec::new()
    }
}
