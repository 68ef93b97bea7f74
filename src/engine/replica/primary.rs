//! Primary-replica: one member, the primary, executes all writes, applies them at once, and replicates its log. It
//! acknowledges a write when enough followers store it.
//!
//! A follower that receives nothing from the primary for too long takes over without asking another, as MySQL with an
//! external failover does. Writes that the old primary acknowledged but did not replicate are lost, and a partition
//! between the two leaves both of them primaries.

use super::follower_progress::{FollowerProgress, check_consistency};
use super::leader_timers::{LeaderTimer, LeaderTimers};
use super::log_progress::LogProgress;
use super::log_writes::{Application, PendingWrites, append_leader_entries, append_write, apply_entry, roll_back};
use super::member::Member;
use super::messages::PrimaryMessage;
use super::replicated_log::{LogEntry, LogPosition, ReplicatedLog};
use super::request::{ClientRequest, OperationReply, Reply};
use crate::engine::context::Context;
use crate::scenario::{Micros, Primary as PrimaryConfig, micros};
use crate::trace::{Fact, NodeId, OperationId};

/// The state of a member. Epoch and log are durable.
#[derive(Clone, Debug)]
pub struct Primary {
    /// How many followers must store a write before it is acknowledged.
    acknowledgements: usize,
    failover_timeout: Option<Micros>,
    heartbeat_interval: Micros,
    /// An epoch belongs to one member: it is congruent to the index of its primary, modulo the group's size.
    epoch: u32,
    primary: usize,
    is_primary: bool,
    /// Every entry is applied as soon as it is appended.
    log: ReplicatedLog,
    followers: FollowerProgress,
    pending_writes: PendingWrites,
    timers: LeaderTimers,
    progress: LogProgress,
}

impl Primary {
    /// Returns the state of a new group, whose first member is the primary.
    pub fn new(config: &PrimaryConfig, index: usize, members: usize) -> Self {
        Primary {
            acknowledgements: config.acknowledgements as usize,
            failover_timeout: config.failover_ms.map(micros),
            heartbeat_interval: micros(config.heartbeat_ms).max(1),
            epoch: members as u32,
            primary: 0,
            is_primary: index == 0,
            log: ReplicatedLog::default(),
            followers: FollowerProgress::new(members),
            pending_writes: PendingWrites::default(),
            timers: LeaderTimers::default(),
            progress: LogProgress::default(),
        }
    }

    /// Starts, or restarts. A primary that was down remains one until it receives a later epoch.
    pub fn start(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a member starts now");
        debug_assert!(!self.is_primary || self.primary == member.index, "a primary knows that it is one");
        if self.is_primary {
            ctx.record(Fact::LeaderElected { node: member.node, term: self.epoch });
            self.send_heartbeats(now, member, ctx);
        } else {
            self.set_failover_timer(now, member, ctx);
        }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self, index: usize) {
        assert!(self.is_primary == (self.primary == index), "a primary knows that it is one");
        assert!(self.log.last().term <= self.epoch, "no entry is of a later epoch");
        let members = self.followers.match_index().len();
        assert!(self.epoch as usize % members == self.primary, "an epoch belongs to its primary");
    }

    /// Loses the volatile state; with its disk, the log too.
    pub fn crash(&mut self, lose_disk: bool) {
        debug_assert!(self.log.last().term <= self.epoch, "no entry is of a later epoch");
        self.pending_writes.clear();
        if lose_disk {
            self.log = ReplicatedLog::default();
            if self.is_primary {
                // In its next epoch the empty primary empties the logs of all followers.
                self.epoch += self.followers.match_index().len() as u32;
            }
        }
        let members = self.followers.match_index().len();
        debug_assert!(self.epoch as usize % members == self.primary, "an epoch belongs to its primary");
    }

    /// Handles a client's request. Reads are served from the member's own store, unless the client reads at the primary alone.
    pub fn execute(
        &mut self,
        now: Micros,
        client: &ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        if !self.is_primary && (client.request.reads_at_primary || !client.is_read()) {
            return vec![client.reply(Reply::Redirect(Some(member.group.members[self.primary])))];
        }
        if client.is_read() {
            return vec![member.read(client, ctx)];
        }
        let last_applied = self.log.last_index();
        match append_write(now, &client.request, self.epoch, &mut self.log, last_applied, member, ctx) {
            Err(cause) => vec![client.refuse(cause)],
            Ok(index) => {
                apply_entry(&self.log, index, member, ctx);
                self.pending_writes.add(index, client);
                let replies = self.acknowledge(member);
                self.send_to_followers(Some(client.request.operation), member, ctx);
                self.record_progress(member.node, ctx);
                replies
            }
        }
    }

    /// Handles a timer.
    pub fn on_timer(
        &mut self,
        now: Micros,
        number: u32,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        match self.timers.fired(number) {
            Some(LeaderTimer::Election) if !self.is_primary => self.take_over(now, member, ctx),
            Some(LeaderTimer::Heartbeat) if self.is_primary => {
                self.followers.rewind();
                self.send_heartbeats(now, member, ctx);
            }
            Some(LeaderTimer::Election | LeaderTimer::Heartbeat) | None => {}
        }
        self.record_progress(member.node, ctx);
        Vec::new()
    }

    /// Handles a message from another member.
    pub fn on_message(
        &mut self,
        now: Micros,
        from: usize,
        message: &PrimaryMessage,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        let mut replies = Vec::new();
        match message {
            PrimaryMessage::Replicate { epoch, previous, entries } => {
                if *epoch < self.epoch {
                    // Informs an old primary of the later epoch.
                    self.reply_to_primary(from, Err(self.log.last_index()), member, ctx);
                } else {
                    replies = self.follow(*epoch, from, member.node, ctx);
                    self.set_failover_timer(now, member, ctx);
                    let result = self.append_entries(*previous, entries, member, ctx);
                    self.reply_to_primary(from, result, member, ctx);
                }
            }
            PrimaryMessage::ReplicateReply { epoch, success, last_index } => {
                if *epoch > self.epoch {
                    let primary = (*epoch % member.group.members.len() as u32) as usize;
                    replies = self.follow(*epoch, primary, member.node, ctx);
                    self.set_failover_timer(now, member, ctx);
                } else if self.is_primary && *epoch == self.epoch {
                    if *success {
                        self.followers.record_match(from, *last_index);
                    } else {
                        self.followers.record_mismatch(from, *last_index);
                    }
                    if self.followers.has_unsent(from, &self.log) {
                        self.send_entries(from, None, member, ctx);
                    }
                    replies = self.acknowledge(member);
                }
            }
        }
        self.record_progress(member.node, ctx);
        replies
    }

    /// Sets the failover timer. The further a member comes after the primary, the longer it waits.
    fn set_failover_timer(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        debug_assert!(!self.is_primary, "a primary does not wait for itself");
        let Some(timeout) = self.failover_timeout else { return };
        let members = member.group.members.len();
        debug_assert!(self.primary < members, "the primary is a member");
        let rank = (member.index + members - self.primary) % members;
        let wait = timeout * rank.max(1) as Micros;
        self.timers.set(LeaderTimer::Election, now + wait, ctx);
    }

    fn take_over(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        debug_assert!(!self.is_primary, "a primary does not take over");
        let (members, old_epoch) = (member.group.members.len() as u32, self.epoch);
        self.epoch = (old_epoch / members + 1) * members + member.index as u32;
        (self.is_primary, self.primary) = (true, member.index);
        debug_assert!(self.epoch > old_epoch, "epochs never decrease");
        self.followers.reset(self.log.last_index());
        ctx.record(Fact::LeaderElected { node: member.node, term: self.epoch });
        self.send_heartbeats(now, member, ctx);
    }

    fn send_heartbeats(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "heartbeats are sent now");
        debug_assert!(self.is_primary, "only a primary sends heartbeats");
        self.send_to_followers(None, member, ctx);
        self.timers.set(LeaderTimer::Heartbeat, now + self.heartbeat_interval, ctx);
    }

    fn send_to_followers(&mut self, operation: Option<OperationId>, member: &Member, ctx: &mut Context) {
        debug_assert!(self.is_primary, "only a primary sends entries");
        debug_assert!(ctx.node == member.node, "a member sends its own messages");
        for follower in member.others() {
            self.send_entries(follower, operation, member, ctx);
        }
    }

    fn send_entries(&mut self, follower: usize, operation: Option<OperationId>, member: &Member, ctx: &mut Context) {
        debug_assert!(self.is_primary, "only a primary sends entries");
        debug_assert!(follower != member.index, "a primary sends to others");
        let batch = self.followers.next_batch(follower, &self.log);
        let (epoch, previous, entries) = (self.epoch, batch.previous, batch.entries);
        member.send(follower, PrimaryMessage::Replicate { epoch, previous, entries }, operation, ctx);
    }

    /// Returns the replies to all writes that enough followers store.
    fn acknowledge(&mut self, member: &Member) -> Vec<OperationReply> {
        debug_assert!(self.is_primary, "only a primary replies to writes");
        debug_assert!(self.acknowledgements < member.group.members.len(), "the group has enough followers");
        let (followers, acknowledgements) = (&self.followers, self.acknowledgements);
        let stored_by = |index: u32| member.others().filter(|at| followers.match_index()[*at] >= index).count();
        self.pending_writes.complete(&self.log, |index| stored_by(index) >= acknowledgements)
    }

    /// Follows the primary of an epoch that is not earlier than its own.
    fn follow(&mut self, epoch: u32, primary: usize, node: NodeId, ctx: &mut Context) -> Vec<OperationReply> {
        let members = self.followers.match_index().len();
        debug_assert!(epoch as usize % members == primary, "an epoch belongs to its primary");
        debug_assert!(epoch >= self.epoch, "epochs never decrease");
        let mut replies = Vec::new();
        if self.is_primary && epoch > self.epoch {
            ctx.record(Fact::LeaderSteppedDown { node, term: epoch });
            self.is_primary = false;
            replies = self.pending_writes.abandon();
        }
        (self.epoch, self.primary) = (epoch, primary);
        replies
    }

    /// Appends and applies the primary's entries, and returns the last index at which the logs match.
    ///
    /// # Errors
    /// Returns the last index at which the logs may match, if `previous` does not match.
    fn append_entries(
        &mut self,
        previous: LogPosition,
        entries: &[LogEntry],
        member: &mut Member,
        ctx: &mut Context,
    ) -> Result<u32, u32> {
        debug_assert!(!self.is_primary, "only a follower appends the entries of a primary");
        debug_assert!(previous.term <= self.epoch, "no entry is of a later epoch");
        check_consistency(&self.log, previous)?;
        // A new primary's first message shows where the logs diverge. Later entries of an earlier epoch are discarded.
        let first = previous.index + 1;
        let next_term = self.log.term_at(first);
        let diverges = next_term.is_some() && next_term != entries.first().map(|entry| entry.term);
        let application = Application::OnAppend;
        if diverges && self.log.last().term != self.epoch {
            roll_back(&mut self.log, first, application, member, ctx);
        }
        Ok(append_leader_entries(&mut self.log, previous.index, entries, application, member, ctx))
    }

    fn reply_to_primary(&self, primary: usize, result: Result<u32, u32>, member: &Member, ctx: &mut Context) {
        let (success, Ok(last_index) | Err(last_index)) = (result.is_ok(), result);
        let message = PrimaryMessage::ReplicateReply { epoch: self.epoch, success, last_index };
        member.send(primary, message, None, ctx);
    }

    fn record_progress(&mut self, node: NodeId, ctx: &mut Context) {
        debug_assert!(ctx.node == node, "a member records its own progress");
        debug_assert!(self.log.last().term <= self.epoch, "no entry is of a later epoch");
        let last = self.log.last_index();
        self.progress.record(LogProgress { last, committed: last, term: self.epoch }, node, ctx);
    }
}
