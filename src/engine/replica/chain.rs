//! Chain replication (van Renesse and Schneider 2004): the head executes writes, every member forwards them to its
//! successor, and the tail serves reads. A write is committed when the tail stores it; acknowledgements travel back to
//! the head. The chain is never reconfigured: while a member is down, writes wait.

use super::log_progress::LogProgress;
use super::log_writes::{PendingWrites, append_write, apply_entry};
use super::member::Member;
use super::messages::ChainMessage;
use super::replicated_log::{LogEntry, MAX_ENTRIES_PER_MESSAGE, ReplicatedLog};
use super::request::{ClientRequest, OperationReply, Reply};
use crate::engine::context::Context;
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::OperationId;
use std::sync::Arc;

/// After this time entries that the successor has not acknowledged are sent again, µs.
const RETRANSMISSION_INTERVAL: Micros = 100_000;
/// A chain that is never reconfigured has one term.
const TERM: u32 = 1;

/// The state of a member. The log is durable.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Every entry is applied as soon as it is appended.
    log: ReplicatedLog,
    /// The last entry that the successor has acknowledged.
    acknowledged: u32,
    /// The last entry known to be stored by the tail.
    commit_index: u32,
    pending_writes: PendingWrites,
    timer: u32,
    is_timer_set: bool,
    /// Whether the disk was lost. The member requests the log from a neighbour, and executes nothing before it arrives.
    is_recovering: bool,
    progress: LogProgress,
}

impl Chain {
    /// Returns a member with an empty log.
    pub fn new() -> Self {
        Chain {
            log: ReplicatedLog::default(),
            acknowledged: 0,
            commit_index: 0,
            pending_writes: PendingWrites::default(),
            timer: 0,
            is_timer_set: false,
            is_recovering: false,
            progress: LogProgress { last: 0, committed: 0, term: TERM },
        }
    }

    /// Starts, or restarts.
    pub fn start(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        self.assert_valid();
        self.is_timer_set = false;
        self.is_recovering &= member.group.members.len() > 1;
        self.request_log(member, ctx);
        self.set_timer(now, ctx);
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        self.assert_valid();
    }

    fn assert_valid(&self) {
        let last = self.log.last_index();
        debug_assert!(self.acknowledged <= last, "the successor acknowledges entries of the log");
        debug_assert!(self.commit_index <= last, "committed entries are in the log");
    }

    /// Loses the volatile state; with its disk, the log too.
    pub fn crash(&mut self, lose_disk: bool) {
        self.pending_writes.clear();
        (self.acknowledged, self.commit_index) = (0, 0);
        if lose_disk {
            self.log = ReplicatedLog::default();
            self.is_recovering = true;
        }
        self.assert_valid();
    }

    /// Handles a client's request.
    pub fn execute(
        &mut self,
        now: Micros,
        client: &ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        self.assert_valid();
        if self.is_recovering {
            return vec![client.reply(Reply::Redirect(None))];
        }
        let (head, tail) = (0, member.group.members.len() - 1);
        let executes = if client.is_read() { tail } else { head };
        if member.index != executes {
            return vec![client.reply(Reply::Redirect(Some(member.group.members[executes])))];
        }
        if client.is_read() {
            return vec![member.read(client, ctx)];
        }
        let last_applied = self.log.last_index();
        match append_write(now, &client.request, TERM, &mut self.log, last_applied, member, ctx) {
            Err(cause) => vec![client.refuse(cause)],
            Ok(index) => {
                apply_entry(&self.log, index, member, ctx);
                self.pending_writes.add(index, client);
                self.forward(index, Some(client.request.operation), member, ctx);
                self.advance_commit_index(now, member, ctx)
            }
        }
    }

    /// Handles a message from a neighbour.
    pub fn on_message(
        &mut self,
        now: Micros,
        from: usize,
        message: &ChainMessage,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        self.assert_valid();
        debug_assert!(from.abs_diff(member.index) == 1, "only neighbours exchange messages");
        match message {
            ChainMessage::RequestLog => {
                if !self.is_recovering {
                    let entries = Arc::new(self.log.entries_from(1, usize::MAX));
                    member.send(from, ChainMessage::Forward { previous_index: 0, entries }, None, ctx);
                }
                Vec::new()
            }
            ChainMessage::Forward { previous_index, entries } => {
                self.is_recovering &= *previous_index > 0;
                self.append_entries(*previous_index, entries, member, ctx);
                let replies = self.advance_commit_index(now, member, ctx);
                self.acknowledge(member, ctx);
                replies
            }
            ChainMessage::ForwardAck { last_index, committed } => {
                // The index decreases if the successor lost its disk, or if messages overtook each other. Then entries
                // are sent again.
                // A member that lost its disk may have fewer entries than its successor.
                let last = self.log.last_index();
                self.acknowledged = (*last_index).min(last);
                let committed = (*committed).min(last);
                let advances = committed > self.commit_index;
                self.commit_index = self.commit_index.max(committed);
                let replies = self.advance_commit_index(now, member, ctx);
                if advances {
                    self.acknowledge(member, ctx);
                }
                replies
            }
        }
    }

    /// Handles the retransmission timer.
    pub fn on_timer(&mut self, now: Micros, number: u32, member: &Member, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        debug_assert!(number <= self.timer, "only timers that were set fire");
        if number == self.timer && self.is_timer_set {
            self.is_timer_set = false;
            self.request_log(member, ctx);
            if self.acknowledged < self.log.last_index() {
                self.forward(self.acknowledged + 1, None, member, ctx);
            }
            self.set_timer(now, ctx);
        }
    }

    fn set_timer(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is set now");
        if !self.is_timer_set && (self.is_recovering || self.acknowledged < self.log.last_index()) {
            self.is_timer_set = true;
            self.timer += 1;
            ctx.wake(now + RETRANSMISSION_INTERVAL, Timer::Protocol(self.timer));
        }
        let is_acknowledged = !self.is_recovering && self.acknowledged >= self.log.last_index();
        debug_assert!(self.is_timer_set || is_acknowledged, "entries are sent until they are acknowledged");
    }

    fn request_log(&self, member: &Member, ctx: &mut Context) {
        if self.is_recovering {
            let is_tail = member.index + 1 == member.group.members.len();
            let neighbour = if is_tail { member.index - 1 } else { member.index + 1 };
            member.send(neighbour, ChainMessage::RequestLog, None, ctx);
        }
    }

    /// Appends, applies and forwards the entries that are new. A gap is filled when the predecessor retransmits.
    fn append_entries(&mut self, previous_index: u32, entries: &[LogEntry], member: &mut Member, ctx: &mut Context) {
        self.assert_valid();
        let first_new = self.log.last_index() + 1;
        if previous_index >= first_new {
            return;
        }
        for (index, entry) in (previous_index + 1..).zip(entries) {
            if index == self.log.last_index() + 1 {
                let appended = self.log.append(entry.clone());
                debug_assert!(appended == index, "a log has no gaps");
                apply_entry(&self.log, index, member, ctx);
            }
        }
        if self.log.last_index() >= first_new {
            self.forward(first_new, None, member, ctx);
        }
    }

    /// Sends the successor the entries from an index on.
    fn forward(&self, first: u32, operation: Option<OperationId>, member: &Member, ctx: &mut Context) {
        debug_assert!(first >= 1, "indices begin at 1");
        let successor = member.index + 1;
        if successor < member.group.members.len() {
            let entries = Arc::new(self.log.entries_from(first, MAX_ENTRIES_PER_MESSAGE));
            member.send(successor, ChainMessage::Forward { previous_index: first - 1, entries }, operation, ctx);
        }
    }

    /// Commits everything at the tail, and returns the head's replies to committed writes.
    fn advance_commit_index(&mut self, now: Micros, member: &Member, ctx: &mut Context) -> Vec<OperationReply> {
        self.assert_valid();
        let last = self.log.last_index();
        let is_tail = member.index + 1 == member.group.members.len();
        if is_tail {
            (self.acknowledged, self.commit_index) = (last, last);
        }
        self.set_timer(now, ctx);
        let committed = self.commit_index;
        self.progress.record(LogProgress { last, committed, term: TERM }, member.node, ctx);
        self.pending_writes.complete(&self.log, |index| index <= committed)
    }

    /// Acknowledges the log, and what is committed of it, to the predecessor.
    fn acknowledge(&self, member: &Member, ctx: &mut Context) {
        if let Some(predecessor) = member.index.checked_sub(1) {
            let (last_index, committed) = (self.log.last_index(), self.commit_index);
            member.send(predecessor, ChainMessage::ForwardAck { last_index, committed }, None, ctx);
        }
    }
}
