//! Chain replication (van Renesse and Schneider 2004): the head executes writes, every member forwards them to its
//! successor, and the tail serves reads. A write is committed when the tail stores it; acknowledgements travel back to
//! the head. The chain is never reconfigured: while a member is down, writes wait.
//!
//! A member's log is a prefix of its predecessor's. A member that lost its disk begins a new incarnation: it requests the whole
//! log from both neighbours. Before one of them has sent it, the member executes nothing and sends its log to no member,
//! because the entries that its predecessor forwards until then are only a part. A message of an earlier incarnation is not
//! accepted, because it may contain entries that the new incarnation replaces by others.

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

/// The time after which entries that the successor has not acknowledged are sent again, µs.
const RETRANSMISSION_INTERVAL: Micros = 100_000;
/// The term of entries that a head appends in its first incarnation.
const FIRST_TERM: u32 = 1;
/// The index of the predecessor among a member's neighbours.
const PREDECESSOR: usize = 0;
/// The index of the successor among a member's neighbours.
const SUCCESSOR: usize = 1;

/// Returns the neighbour on a side; none at that end of the chain.
fn neighbour(member: &Member, side: usize) -> Option<usize> {
    let index = if side == PREDECESSOR { member.index.checked_sub(1) } else { Some(member.index + 1) };
    index.filter(|index| *index < member.group.members.len())
}

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
    /// How often the disk was lost.
    incarnation: u32,
    /// The newest incarnations of predecessor and successor that the member knows. They survive the loss of the disk, because a
    /// closed connection delivers nothing more.
    neighbour_incarnations: [u32; 2],
    /// Whether the disk was lost and no neighbour has sent its log.
    is_recovering: bool,
    /// The neighbours that have not answered since the disk was lost: the predecessor and the successor.
    unanswered: [bool; 2],
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
            incarnation: 0,
            neighbour_incarnations: [0, 0],
            is_recovering: false,
            unanswered: [false, false],
            progress: LogProgress { last: 0, committed: 0, term: FIRST_TERM },
        }
    }

    /// Starts, or restarts.
    pub fn start(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        self.assert_valid();
        self.is_timer_set = false;
        for side in [PREDECESSOR, SUCCESSOR] {
            self.unanswered[side] &= neighbour(member, side).is_some();
        }
        self.is_recovering &= self.unanswered.contains(&true);
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
        debug_assert!(!self.is_recovering || self.unanswered.contains(&true), "a neighbour's log ends the recovery");
    }

    /// Loses the volatile state; with its disk, the log too.
    pub fn crash(&mut self, lose_disk: bool) {
        self.pending_writes.clear();
        (self.acknowledged, self.commit_index) = (0, 0);
        if lose_disk {
            self.log = ReplicatedLog::default();
            self.incarnation += 1;
            (self.is_recovering, self.unanswered) = (true, [true, true]);
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
        // In each incarnation of the head an index is another version.
        let term = FIRST_TERM + self.incarnation;
        match append_write(now, &client.request, term, &mut self.log, last_applied, member, ctx) {
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
        let side = if from < member.index { PREDECESSOR } else { SUCCESSOR };
        if !self.accepts_incarnation(side, message.incarnation()) {
            return Vec::new();
        }
        match message {
            ChainMessage::RequestLog { incarnation } => {
                if !self.is_recovering {
                    let entries = Arc::new(self.log.entries_from(1, usize::MAX));
                    let log =
                        ChainMessage::WholeLog { incarnation: self.incarnation, requested_in: *incarnation, entries };
                    member.send(from, log, None, ctx);
                }
                self.set_timer(now, ctx);
                Vec::new()
            }
            ChainMessage::WholeLog { requested_in, entries, .. } => {
                if *requested_in != self.incarnation {
                    return Vec::new();
                }
                self.is_recovering = false;
                self.unanswered[side] = false;
                self.receive_entries(now, 0, entries, member, ctx)
            }
            ChainMessage::Forward { previous_index, entries, .. } => {
                self.receive_entries(now, *previous_index, entries, member, ctx)
            }
            ChainMessage::ForwardAck { last_index, committed, .. } => {
                // A member that lost its disk may have fewer entries than its successor.
                let last = self.log.last_index();
                self.acknowledged = self.acknowledged.max((*last_index).min(last));
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

    /// Returns whether a message is of the present incarnation of a neighbour, as far as the member knows. A successor that has
    /// begun a new incarnation has acknowledged nothing.
    fn accepts_incarnation(&mut self, side: usize, incarnation: u32) -> bool {
        let known = self.neighbour_incarnations[side];
        if incarnation > known {
            self.neighbour_incarnations[side] = incarnation;
            if side == SUCCESSOR {
                self.acknowledged = 0;
            }
        }
        debug_assert!(self.neighbour_incarnations[side] >= known, "incarnations follow each other");
        debug_assert!(self.neighbour_incarnations[side] >= incarnation, "the newest incarnation is known");
        incarnation >= known
    }

    /// Handles entries of a neighbour's log.
    fn receive_entries(
        &mut self,
        now: Micros,
        previous_index: u32,
        entries: &[LogEntry],
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        let before = self.log.last_index();
        self.append_entries(previous_index, entries, member, ctx);
        debug_assert!(self.log.last_index() >= before, "a log does not shrink");
        let replies = self.advance_commit_index(now, member, ctx);
        self.acknowledge(member, ctx);
        replies
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
        let has_work = self.unanswered.contains(&true) || self.acknowledged < self.log.last_index();
        if !self.is_timer_set && has_work {
            self.is_timer_set = true;
            self.timer += 1;
            ctx.wake(now + RETRANSMISSION_INTERVAL, Timer::Protocol(self.timer));
        }
        debug_assert!(self.is_timer_set || !has_work, "entries are sent until they are acknowledged");
    }

    /// Requests the log from the neighbours that have not answered since the disk was lost.
    fn request_log(&self, member: &Member, ctx: &mut Context) {
        for side in [PREDECESSOR, SUCCESSOR] {
            if self.unanswered[side]
                && let Some(neighbour) = neighbour(member, side)
            {
                member.send(neighbour, ChainMessage::RequestLog { incarnation: self.incarnation }, None, ctx);
            }
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
            member.send(
                successor,
                ChainMessage::Forward { incarnation: self.incarnation, previous_index: first - 1, entries },
                operation,
                ctx,
            );
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
        let term = self.log.last().term.max(FIRST_TERM);
        self.progress.record(LogProgress { last, committed, term }, member.node, ctx);
        self.pending_writes.complete(&self.log, |index| index <= committed)
    }

    /// Acknowledges the log, and its committed part, to the predecessor.
    fn acknowledge(&self, member: &Member, ctx: &mut Context) {
        if let Some(predecessor) = member.index.checked_sub(1) {
            let (incarnation, last_index, committed) = (self.incarnation, self.log.last_index(), self.commit_index);
            member.send(predecessor, ChainMessage::ForwardAck { incarnation, last_index, committed }, None, ctx);
        }
    }
}
