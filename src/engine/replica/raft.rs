//! Raft (Ongaro and Ousterhout 2014): leader election, log replication, commitment by a majority in the leader's own
//! term, and linearizable reads by ReadIndex (Ongaro 2014, 6.4).

use super::follower_progress::{FollowerProgress, check_consistency};
use super::leader_timers::{LeaderTimer, LeaderTimers};
use super::log_progress::LogProgress;
use super::log_writes::{Application, PendingWrites, append_leader_entries, append_write, apply_entry};
use super::member::Member;
use super::messages::RaftMessage;
use super::replicated_log::{LogEntry, LogPosition, ReplicatedLog};
use super::request::{ClientRequest, OperationReply, Reply};
use crate::engine::context::Context;
use crate::engine::random::Stream;
use crate::scenario::{Micros, Raft as RaftConfig, RaftReads, micros};
use crate::trace::{Fact, KeyId, NodeId, OperationId, UpdateId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Follower,
    Candidate,
    Leader,
}

/// A read that waits until a majority has confirmed that the leader still leads.
#[derive(Clone, Debug)]
struct PendingRead {
    client: ClientRequest,
    /// The entry that must be applied first.
    read_index: u32,
    /// The round of heartbeats that confirms the leader.
    round: u32,
    confirmed_by: Vec<usize>,
}

/// The Raft state of a member.
#[derive(Clone, Debug)]
pub struct Raft {
    election_timeout: Micros,
    heartbeat_interval: Micros,
    reads: RaftReads,
    random: Stream,
    // Persistent state. The store is persistent, so `last_applied` is too.
    current_term: u32,
    voted_for: Option<usize>,
    log: ReplicatedLog,
    last_applied: u32,
    // Volatile state.
    role: Role,
    leader: Option<usize>,
    commit_index: u32,
    votes: Vec<usize>,
    followers: FollowerProgress,
    round: u32,
    pending_writes: PendingWrites,
    pending_reads: Vec<PendingRead>,
    timers: LeaderTimers,
    progress: LogProgress,
}

/// The state of a member that the five safety properties of Raft refer to (figure 3 of the paper).
#[derive(Clone, Copy, Debug)]
pub struct RaftView<'a> {
    /// The current term.
    pub term: u32,
    /// Whether the member is the leader of its term.
    pub is_leader: bool,
    /// Index of the last entry known to be committed.
    pub commit_index: u32,
    /// Index of the last entry that is applied.
    pub last_applied: u32,
    log: &'a ReplicatedLog,
}

impl RaftView<'_> {
    /// Returns the index of the last entry of the log.
    pub fn last_index(&self) -> u32 {
        self.log.last_index()
    }

    /// Returns the term and the update of an entry.
    pub fn entry(&self, index: u32) -> Option<(u32, Option<UpdateId>)> {
        self.log.get(index).map(|entry| (entry.term, entry.update))
    }
}

impl Raft {
    /// Returns a follower with an empty log.
    pub fn new(config: &RaftConfig, members: usize, random: Stream) -> Self {
        Raft {
            election_timeout: micros(config.election_ms).max(1),
            heartbeat_interval: micros(config.heartbeat_ms).max(1),
            reads: config.reads,
            random,
            current_term: 0,
            voted_for: None,
            log: ReplicatedLog::default(),
            last_applied: 0,
            role: Role::Follower,
            leader: None,
            commit_index: 0,
            votes: Vec::new(),
            followers: FollowerProgress::new(members),
            round: 0,
            pending_writes: PendingWrites::default(),
            pending_reads: Vec::new(),
            timers: LeaderTimers::default(),
            progress: LogProgress::default(),
        }
    }

    /// Returns the state that tests of the safety properties examine.
    pub fn view(&self) -> RaftView<'_> {
        RaftView {
            term: self.current_term,
            is_leader: self.role == Role::Leader,
            commit_index: self.commit_index,
            last_applied: self.last_applied,
            log: &self.log,
        }
    }

    /// Starts, or restarts, as a follower.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.role == Role::Follower, "a member starts as a follower");
        debug_assert!(self.pending_reads.is_empty(), "a crash forgets pending reads");
        self.set_election_timer(now, ctx);
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self, index: usize) {
        // After a lost disk the log may end before the commit index, because the next leader may lack committed entries.
        assert!(self.last_applied <= self.commit_index, "only committed entries are applied");
        assert!(self.log.last().term <= self.current_term, "no entry is of a later term");
        assert!(self.role != Role::Leader || self.voted_for == Some(index), "a leader voted for itself");
    }

    /// Loses the volatile state; with its disk, the persistent state too.
    pub fn crash(&mut self, lose_disk: bool) {
        debug_assert!(self.last_applied <= self.commit_index, "only committed entries are applied");
        self.role = Role::Follower;
        self.leader = None;
        self.commit_index = self.last_applied;
        self.pending_writes.clear();
        self.pending_reads.clear();
        if lose_disk {
            (self.current_term, self.voted_for, self.log) = (0, None, ReplicatedLog::default());
            (self.last_applied, self.commit_index) = (0, 0);
        }
        debug_assert!(!lose_disk || self.log.last_index() == 0, "the log is on the disk");
    }

    /// Handles a client's request.
    pub fn execute(
        &mut self,
        now: Micros,
        client: &ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        let is_local = client.is_read() && self.reads == RaftReads::Local;
        if self.role != Role::Leader && (client.request.reads_at_primary || !is_local) {
            let leader = self.leader.map(|leader| member.group.members[leader]);
            return vec![client.reply(Reply::Redirect(leader))];
        }
        if is_local {
            return vec![member.read(client, ctx)];
        }
        if client.is_read() {
            return self.begin_read(client, member, ctx);
        }
        let request = &client.request;
        match append_write(now, request, self.current_term, &mut self.log, self.last_applied, member, ctx) {
            Err(cause) => vec![client.refuse(cause)],
            Ok(index) => {
                self.pending_writes.add(index, client);
                self.send_to_followers(Some(request.operation), member, ctx);
                let replies = self.advance_commit_index(member, ctx);
                self.record_progress(member.node, ctx);
                replies
            }
        }
    }

    fn begin_read(&mut self, client: &ClientRequest, member: &Member, ctx: &mut Context) -> Vec<OperationReply> {
        debug_assert!(self.voted_for == Some(member.index), "a leader voted for itself");
        debug_assert!(self.role == Role::Leader, "only the leader serves linearizable reads");
        // The round of heartbeats that starts now confirms that this member still leads.
        self.round += 1;
        self.pending_reads.push(PendingRead {
            client: client.clone(),
            // Before it has committed an entry of the present term, a leader does not know the commit index.
            read_index: self.commit_index.max(self.first_index_of_term()),
            round: self.round,
            confirmed_by: vec![member.index],
        });
        self.send_to_followers(Some(client.request.operation), member, ctx);
        self.serve_reads(member, ctx)
    }

    fn first_index_of_term(&self) -> u32 {
        let is_of_term = |index: &u32| self.log.term_at(*index) == Some(self.current_term);
        (1..=self.log.last_index()).rev().take_while(is_of_term).last().unwrap_or(0)
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
        let mut replies = Vec::new();
        match self.timers.fired(number) {
            Some(LeaderTimer::Election) if self.role != Role::Leader => replies = self.start_election(now, member, ctx),
            Some(LeaderTimer::Heartbeat) if self.role == Role::Leader => self.send_heartbeats(now, member, ctx),
            Some(LeaderTimer::Election | LeaderTimer::Heartbeat) | None => {}
        }
        self.record_progress(member.node, ctx);
        replies
    }

    /// Handles a message from another member.
    pub fn on_message(
        &mut self,
        now: Micros,
        from: usize,
        message: &RaftMessage,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        let term = message.term();
        let term_before = self.current_term;
        let mut replies = Vec::new();
        if term > self.current_term {
            let was_leader = self.role == Role::Leader;
            replies = self.become_follower(term, member.node, ctx);
            if was_leader {
                self.set_election_timer(now, ctx);
            }
        }
        match message {
            RaftMessage::RequestVote { last, .. } => self.on_request_vote(now, from, term, *last, member, ctx),
            RaftMessage::RequestVoteReply { granted, .. } => {
                if *granted && term == self.current_term && !self.votes.contains(&from) {
                    self.votes.push(from);
                    replies.extend(self.count_votes(now, member, ctx));
                }
            }
            RaftMessage::AppendEntries { previous, entries, leader_commit, round, .. } => {
                if term < self.current_term {
                    self.reply_to_leader(from, Err(0), *round, member, ctx);
                } else {
                    if self.role == Role::Candidate {
                        replies.extend(self.become_follower(term, member.node, ctx));
                    }
                    self.leader = Some(from);
                    self.set_election_timer(now, ctx);
                    let result = self.append_entries(*previous, entries, *leader_commit, member, ctx);
                    self.reply_to_leader(from, result, *round, member, ctx);
                    if result.is_ok() {
                        replies.extend(self.advance_commit_index(member, ctx));
                    }
                }
            }
            RaftMessage::AppendEntriesReply { success, last_index, round, .. } => {
                if self.role == Role::Leader && term == self.current_term {
                    self.confirm_reads(from, *round);
                    if *success {
                        self.followers.record_match(from, *last_index);
                    } else {
                        self.followers.record_mismatch(from, *last_index);
                    }
                    if self.followers.has_unsent(from, &self.log) {
                        self.send_entries(from, None, member, ctx);
                    }
                    replies.extend(self.advance_commit_index(member, ctx));
                }
            }
        }
        debug_assert!(self.current_term >= term_before.max(term), "the term never decreases");
        debug_assert!(self.log.last().term <= self.current_term, "no entry is from a later term");
        self.record_progress(member.node, ctx);
        replies
    }
}

/// Leader election (5.2, 5.4.1).
impl Raft {
    fn set_election_timer(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "the election timeout begins now");
        debug_assert!(self.role != Role::Leader, "a leader does not wait for an election");
        let wait = self.election_timeout + (self.random.unit() * self.election_timeout as f64) as Micros;
        self.timers.set(LeaderTimer::Election, now + wait, ctx);
    }

    fn start_election(&mut self, now: Micros, member: &mut Member, ctx: &mut Context) -> Vec<OperationReply> {
        debug_assert!(ctx.node == member.node, "a member starts only its own election");
        debug_assert!(self.role != Role::Leader, "a leader does not start an election");
        self.current_term += 1;
        (self.role, self.leader) = (Role::Candidate, None);
        self.voted_for = Some(member.index);
        self.votes = vec![member.index];
        self.set_election_timer(now, ctx);
        for other in member.others() {
            let message = RaftMessage::RequestVote { term: self.current_term, last: self.log.last() };
            member.send(other, message, None, ctx);
        }
        self.count_votes(now, member, ctx)
    }

    fn on_request_vote(
        &mut self,
        now: Micros,
        candidate: usize,
        term: u32,
        last: LogPosition,
        member: &Member,
        ctx: &mut Context,
    ) {
        debug_assert!(candidate != member.index, "a candidate requests the votes of others");
        debug_assert!(term <= self.current_term, "a higher term was adopted first");
        let has_vote = self.voted_for.is_none_or(|voted| voted == candidate);
        let granted = term == self.current_term && has_vote && last >= self.log.last();
        if granted {
            self.voted_for = Some(candidate);
            self.set_election_timer(now, ctx);
        }
        member.send(candidate, RaftMessage::RequestVoteReply { term: self.current_term, granted }, None, ctx);
    }

    fn count_votes(&mut self, now: Micros, member: &mut Member, ctx: &mut Context) -> Vec<OperationReply> {
        debug_assert!(self.votes.len() <= member.group.members.len(), "a member has one vote");
        if self.role != Role::Candidate || self.votes.len() < member.group.majority() {
            return Vec::new();
        }
        debug_assert!(self.voted_for == Some(member.index), "a candidate votes for itself");
        (self.role, self.leader) = (Role::Leader, Some(member.index));
        ctx.record(Fact::LeaderElected { node: member.node, term: self.current_term });
        self.followers.reset(self.log.last_index());
        // Committing an entry of the present term commits those of earlier terms (5.4.2; 8).
        self.log.append(LogEntry::no_op(self.current_term, None, KeyId(0)));
        self.send_heartbeats(now, member, ctx);
        self.advance_commit_index(member, ctx)
    }

    /// Becomes a follower of a higher term, or of the leader of the current one.
    fn become_follower(&mut self, term: u32, node: NodeId, ctx: &mut Context) -> Vec<OperationReply> {
        debug_assert!(term >= self.current_term, "the term never decreases");
        let mut replies = Vec::new();
        if self.role == Role::Leader {
            ctx.record(Fact::LeaderSteppedDown { node, term });
            replies = self.pending_writes.abandon();
            let reads = std::mem::take(&mut self.pending_reads);
            replies.extend(reads.iter().map(|read| read.client.reply(Reply::Redirect(None))));
        }
        debug_assert!(self.pending_reads.is_empty(), "only a leader has pending reads");
        if term > self.current_term {
            (self.current_term, self.voted_for) = (term, None);
        }
        (self.role, self.leader) = (Role::Follower, None);
        replies
    }
}

/// Log replication (5.3, 5.4.2) and reads (thesis, 6.4).
impl Raft {
    fn send_heartbeats(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "heartbeats are sent now");
        debug_assert!(self.role == Role::Leader, "only a leader sends heartbeats");
        self.round += 1;
        self.send_to_followers(None, member, ctx);
        self.timers.set(LeaderTimer::Heartbeat, now + self.heartbeat_interval, ctx);
    }

    fn send_to_followers(&mut self, operation: Option<OperationId>, member: &Member, ctx: &mut Context) {
        debug_assert!(self.role == Role::Leader, "only a leader sends entries");
        debug_assert!(ctx.node == member.node, "a member sends its own messages");
        for follower in member.others() {
            self.send_entries(follower, operation, member, ctx);
        }
    }

    fn send_entries(&mut self, follower: usize, operation: Option<OperationId>, member: &Member, ctx: &mut Context) {
        debug_assert!(follower != member.index, "a leader sends to others");
        debug_assert!(self.role == Role::Leader, "only a leader sends entries");
        let batch = self.followers.next_batch(follower, &self.log);
        let message = RaftMessage::AppendEntries {
            term: self.current_term,
            previous: batch.previous,
            entries: batch.entries,
            leader_commit: self.commit_index,
            round: self.round,
        };
        member.send(follower, message, operation, ctx);
    }

    /// Appends a leader's entries, and returns the last index at which the logs match.
    ///
    /// # Errors
    /// Returns the last index at which the logs may match, if `previous` does not match.
    fn append_entries(
        &mut self,
        previous: LogPosition,
        entries: &[LogEntry],
        leader_commit: u32,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Result<u32, u32> {
        debug_assert!(self.role == Role::Follower, "only a follower appends the entries of a leader");
        check_consistency(&self.log, previous)?;
        let application = Application::OnCommit;
        let index = append_leader_entries(&mut self.log, previous.index, entries, application, member, ctx);
        // After a lost disk the log may end before the commit index.
        self.commit_index = self.commit_index.max(leader_commit.min(index));
        debug_assert!(index <= self.log.last_index(), "matching entries are in the log");
        Ok(index)
    }

    fn reply_to_leader(&self, leader: usize, result: Result<u32, u32>, round: u32, member: &Member, ctx: &mut Context) {
        let (success, Ok(last_index) | Err(last_index)) = (result.is_ok(), result);
        let message = RaftMessage::AppendEntriesReply { term: self.current_term, success, last_index, round };
        member.send(leader, message, None, ctx);
    }

    /// Commits the entries of this term that a majority stores, and applies all committed entries.
    fn advance_commit_index(&mut self, member: &mut Member, ctx: &mut Context) -> Vec<OperationReply> {
        let commit_index_before = self.commit_index;
        if self.role == Role::Leader {
            self.followers.record_match(member.index, self.log.last_index());
            let mut match_index = self.followers.match_index().to_vec();
            match_index.sort_unstable();
            let majority_index = match_index[match_index.len() - member.group.majority()];
            if majority_index > self.commit_index && self.log.term_at(majority_index) == Some(self.current_term) {
                self.commit_index = majority_index;
            }
        }
        // After a lost disk the log may end before the commit index.
        while self.last_applied < self.commit_index.min(self.log.last_index()) {
            self.last_applied += 1;
            apply_entry(&self.log, self.last_applied, member, ctx);
        }
        debug_assert!(self.commit_index >= commit_index_before, "a committed entry stays committed");
        debug_assert!(self.last_applied <= self.commit_index, "only committed entries are applied");
        let last_applied = self.last_applied;
        let mut replies = self.pending_writes.complete(&self.log, |index| index <= last_applied);
        replies.extend(self.serve_reads(member, ctx));
        replies
    }

    fn confirm_reads(&mut self, follower: usize, round: u32) {
        debug_assert!(self.role == Role::Leader, "only the leader serves linearizable reads");
        debug_assert!(round <= self.round, "a follower confirms a round that has begun");
        for read in self.pending_reads.iter_mut().filter(|read| read.round <= round) {
            if !read.confirmed_by.contains(&follower) {
                read.confirmed_by.push(follower);
            }
        }
    }

    fn serve_reads(&mut self, member: &Member, ctx: &mut Context) -> Vec<OperationReply> {
        debug_assert!(self.pending_reads.is_empty() || self.role == Role::Leader, "only a leader has pending reads");
        debug_assert!(self.last_applied <= self.commit_index, "reads see committed entries only");
        let (majority, last_applied) = (member.group.majority(), self.last_applied);
        let is_ready = |read: &PendingRead| read.confirmed_by.len() >= majority && last_applied >= read.read_index;
        let (ready, waiting) = std::mem::take(&mut self.pending_reads).into_iter().partition(is_ready);
        self.pending_reads = waiting;
        let ready: Vec<PendingRead> = ready;
        ready.iter().map(|read| member.read(&read.client, ctx)).collect()
    }

    fn record_progress(&mut self, node: NodeId, ctx: &mut Context) {
        debug_assert!(ctx.node == node, "a member records its own progress");
        debug_assert!(self.log.last().term <= self.current_term, "no entry is of a later term");
        let (last, term) = (self.log.last_index(), self.current_term);
        // After a lost disk the log may end before the commit index.
        let committed = self.commit_index.min(last);
        self.progress.record(LogProgress { last, committed, term }, node, ctx);
    }
}
