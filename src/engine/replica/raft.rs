//! Raft (Ongaro and Ousterhout 2014): elections, log matching, commitment by a majority in the leader's own term, reads
//! by ReadIndex (Ongaro's thesis, 6.4). Term, vote, log and what is applied are durable.

use super::log::Log;
use super::logged::{self, Waiting, append, apply, refused, roll_back};
use super::wire::{Body, Wire};
use super::{Answer, Asker, Done, Member};
use crate::engine::context::Context;
use crate::engine::message::Request;
use crate::engine::queue::Timer;
use crate::engine::random::Stream;
use crate::scenario::{Micros, Raft as Plan, RaftReads, micros};
use crate::trace::{Fact, KeyId, OperationId, UpdateId};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Follower,
    Candidate,
    Leader,
}

/// A read that waits until a majority has confirmed the leader.
#[derive(Clone, Debug)]
struct PendingRead {
    asker: Asker,
    request: Request,
    /// What must be applied first.
    index: u32,
    /// The round of heartbeats that confirms it.
    round: u32,
    confirmed: Vec<usize>,
}

/// Entries in one message at most.
const MOST_ENTRIES: usize = 64;
/// Kinds of timers, in the lowest bit of their number.
const ELECTION: u32 = 0;
const HEARTBEAT: u32 = 1;

/// A member's protocol state.
#[derive(Clone, Debug)]
pub struct Raft {
    election: Micros,
    heartbeat: Micros,
    reads: RaftReads,
    chance: Stream,
    // Durable.
    term: u32,
    voted_for: Option<usize>,
    log: Log,
    applied: u32,
    // Volatile.
    role: Role,
    leader: Option<usize>,
    committed: u32,
    votes: Vec<usize>,
    next: Vec<u32>,
    matched: Vec<u32>,
    round: u32,
    waiting: Waiting,
    pending_reads: Vec<PendingRead>,
    /// A timer with another number than its kind's last finds nothing.
    timers: u32,
    last_election: u32,
    last_heartbeat: u32,
    told: (u32, u32, u32),
}

/// What a test of the five safety properties looks at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The current term.
    pub term: u32,
    /// It leads.
    pub leads: bool,
    log: &'a Log,
    /// The last entry that is known to be committed.
    pub committed: u32,
    /// The last entry that has taken effect.
    pub applied: u32,
}

impl View<'_> {
    /// Number of the last entry of its log.
    pub fn last(&self) -> u32 {
        self.log.last()
    }

    /// Term and update of an entry.
    pub fn entry(&self, index: u32) -> Option<(u32, Option<UpdateId>)> {
        self.log.get(index).map(|entry| (entry.term, entry.update))
    }
}

impl Raft {
    /// A follower with an empty log.
    pub fn new(plan: &Plan, member: &Member, chance: Stream) -> Self {
        let members = member.group.members.len();
        Raft {
            election: micros(plan.election_ms).max(1),
            heartbeat: micros(plan.heartbeat_ms).max(1),
            reads: plan.reads,
            chance,
            term: 0,
            voted_for: None,
            log: Log::default(),
            applied: 0,
            role: Role::Follower,
            leader: None,
            committed: 0,
            votes: Vec::new(),
            next: vec![1; members],
            matched: vec![0; members],
            round: 0,
            waiting: Waiting::new(),
            pending_reads: Vec::new(),
            timers: 0,
            last_election: 0,
            last_heartbeat: 0,
            told: (0, 0, 0),
        }
    }

    /// What a test looks at.
    pub fn view(&self) -> View<'_> {
        let leads = self.role == Role::Leader;
        View { term: self.term, leads, log: &self.log, committed: self.committed, applied: self.applied }
    }

    /// Waits for a leader.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        self.reset_election(now, ctx);
    }

    /// What is not durable is gone.
    pub fn crash(&mut self, lose_disk: bool) {
        self.role = Role::Follower;
        self.leader = None;
        self.committed = self.applied;
        self.waiting.clear();
        self.pending_reads.clear();
        if lose_disk {
            (self.term, self.voted_for, self.log) = (0, None, Log::default());
            (self.applied, self.committed) = (0, 0);
        }
    }

    fn reset_election(&mut self, now: Micros, ctx: &mut Context) {
        let wait = self.election + (self.chance.unit() * self.election as f64) as Micros;
        self.timers += 1;
        self.last_election = self.timers;
        ctx.wake(now + wait, Timer::Protocol(self.timers << 1 | ELECTION));
    }

    fn others(member: &Member) -> impl Iterator<Item = usize> + use<> {
        let (own, all) = (member.index, member.group.members.len());
        (0..all).filter(move |i| *i != own)
    }

    fn majority(member: &Member) -> usize {
        member.group.members.len() / 2 + 1
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, n: u32, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        let number = n >> 1;
        let mut done = Vec::new();
        if n & 1 == ELECTION && number == self.last_election && self.role != Role::Leader {
            done = self.stand(now, member, ctx);
        } else if n & 1 == HEARTBEAT && number == self.last_heartbeat && self.role == Role::Leader {
            self.beat(now, member, ctx);
        }
        self.tell_log(member, ctx);
        done
    }

    fn stand(&mut self, now: Micros, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        self.term += 1;
        (self.role, self.leader) = (Role::Candidate, None);
        self.voted_for = Some(member.index);
        self.votes = vec![member.index];
        self.reset_election(now, ctx);
        for other in Raft::others(member) {
            member.tell(other, Body::RequestVote { term: self.term, last: self.log.end() }, None, ctx);
        }
        self.count_votes(now, member, ctx)
    }

    fn count_votes(&mut self, now: Micros, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        if self.role != Role::Candidate || self.votes.len() < Raft::majority(member) {
            return Vec::new();
        }
        (self.role, self.leader) = (Role::Leader, Some(member.index));
        ctx.record(Fact::LeaderElected { node: member.node, term: self.term });
        self.next.fill(self.log.last() + 1);
        self.matched.fill(0);
        // An entry of its own term, through which those of earlier terms are committed.
        let nothing = super::log::Entry {
            term: self.term,
            update: None,
            operation: None,
            key: KeyId(0),
            value: None,
            made: None,
        };
        self.log.push(nothing);
        self.beat(now, member, ctx);
        self.advance(member, ctx)
    }

    /// Sends each follower what it lacks, or nothing but a sign of life.
    fn beat(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        self.round += 1;
        for other in Raft::others(member) {
            self.send_entries(other, member, None, ctx);
        }
        self.timers += 1;
        self.last_heartbeat = self.timers;
        ctx.wake(now + self.heartbeat, Timer::Protocol(self.timers << 1 | HEARTBEAT));
    }

    fn send_entries(&mut self, to: usize, member: &Member, operation: Option<OperationId>, ctx: &mut Context) {
        let next = self.next[to];
        let previous = (self.log.term(next - 1).unwrap_or(0), next - 1);
        let entries = self.log.from(next, MOST_ENTRIES);
        // What is on its way is not sent again until the follower says that it is missing.
        self.next[to] += entries.len() as u32;
        let (entries, committed, round) = (Arc::new(entries), self.committed, self.round);
        member.tell(to, Body::Append { term: self.term, previous, entries, committed, round }, operation, ctx);
    }

    /// Asked by a client.
    pub fn operate(
        &mut self,
        now: Micros,
        asker: Asker,
        request: &Request,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let read = logged::is_read(request);
        if read && self.reads == RaftReads::Local {
            return vec![logged::read(asker, request, member, ctx)];
        }
        if self.role != Role::Leader {
            let leader = self.leader.map(|leader| member.group.members[leader]);
            return vec![Done { operation: request.operation, asker, answer: Answer::Elsewhere(leader) }];
        }
        if read {
            // The round that begins now confirms that it still leads.
            self.round += 1;
            let (round, confirmed) = (self.round, vec![member.index]);
            // Before an entry of its own term is committed, it does not know how far the log is (thesis, 6.4).
            let index = self.committed.max(self.first_of_term());
            self.pending_reads.push(PendingRead { asker, request: request.clone(), index, round, confirmed });
            for other in Raft::others(member) {
                self.send_entries(other, member, Some(request.operation), ctx);
            }
            return self.serve_reads(member, ctx);
        }
        match append(now, &mut self.log, self.applied, self.term, request, member, ctx) {
            Err(cause) => refused(request, asker, cause),
            Ok(index) => {
                self.waiting.insert(index, (asker, request.operation, self.term));
                for other in Raft::others(member) {
                    self.send_entries(other, member, Some(request.operation), ctx);
                }
                let done = self.advance(member, ctx);
                self.tell_log(member, ctx);
                done
            }
        }
    }

    fn first_of_term(&self) -> u32 {
        (1..=self.log.last()).rev().take_while(|index| self.log.term(*index) == Some(self.term)).last().unwrap_or(0)
    }

    /// Commits what a majority has, if it is of this term; then what is committed takes effect.
    fn advance(&mut self, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        if self.role == Role::Leader {
            self.matched[member.index] = self.log.last();
            let mut matched = self.matched.clone();
            matched.sort_unstable();
            let majority = matched[matched.len() - Raft::majority(member)];
            if majority > self.committed && self.log.term(majority) == Some(self.term) {
                self.committed = majority;
            }
        }
        let mut done = Vec::new();
        while self.applied < self.committed.min(self.log.last()) {
            self.applied += 1;
            let index = self.applied;
            let Some(entry) = self.log.get(index) else { break };
            apply(index, entry, member, ctx);
            if let Some((asker, operation, awaited)) = self.waiting.remove(&index)
                && awaited == entry.term
            {
                done.push(Done { operation, asker, answer: logged::answer(index, entry) });
            }
        }
        done.extend(self.serve_reads(member, ctx));
        done
    }

    fn serve_reads(&mut self, member: &Member, ctx: &mut Context) -> Vec<Done> {
        let (majority, applied) = (Raft::majority(member), self.applied);
        let ready = |read: &PendingRead| read.confirmed.len() >= majority && applied >= read.index;
        let (served, rest): (Vec<PendingRead>, _) =
            std::mem::take(&mut self.pending_reads).into_iter().partition(ready);
        self.pending_reads = rest;
        served.into_iter().map(|read| logged::read(read.asker, &read.request, member, ctx)).collect()
    }

    /// A higher term was heard of, or another leader of this one.
    fn follow(&mut self, term: u32, member: &Member, ctx: &mut Context) -> Vec<Done> {
        let mut done = Vec::new();
        if self.role == Role::Leader {
            ctx.record(Fact::LeaderSteppedDown { node: member.node, term });
            done = logged::give_up(&mut self.waiting);
            done.extend(std::mem::take(&mut self.pending_reads).into_iter().map(|read| Done {
                operation: read.request.operation,
                asker: read.asker,
                answer: Answer::Elsewhere(None),
            }));
        }
        if term > self.term {
            (self.term, self.voted_for) = (term, None);
        }
        (self.role, self.leader) = (Role::Follower, None);
        done
    }

    /// Something was said to it.
    pub fn on_wire(&mut self, now: Micros, wire: &Wire, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        let Some(from) = member.group.index(wire.from) else { return Vec::new() };
        let term = match &wire.body {
            Body::Append { term, .. }
            | Body::Appended { term, .. }
            | Body::RequestVote { term, .. }
            | Body::Vote { term, .. } => *term,
            _ => unreachable!("no such message is sent within a Raft group"),
        };
        let led = self.role == Role::Leader;
        let mut done = if term > self.term { self.follow(term, member, ctx) } else { Vec::new() };
        if led && self.role != Role::Leader {
            self.reset_election(now, ctx);
        }
        match &wire.body {
            Body::RequestVote { last, .. } => {
                let free = self.voted_for.is_none_or(|voted| voted == from);
                let granted = term == self.term && free && *last >= self.log.end();
                if granted {
                    self.voted_for = Some(from);
                    self.reset_election(now, ctx);
                }
                member.tell(from, Body::Vote { term: self.term, granted }, None, ctx);
            }
            Body::Vote { granted: true, .. } if term == self.term && !self.votes.contains(&from) => {
                self.votes.push(from);
                done.extend(self.count_votes(now, member, ctx));
            }
            Body::Append { previous, entries, committed, round, .. } => {
                if term < self.term {
                    let body = Body::Appended { term: self.term, agrees: false, last: 0, round: *round };
                    member.tell(from, body, None, ctx);
                } else {
                    if self.role == Role::Candidate {
                        done.extend(self.follow(term, member, ctx));
                    }
                    self.leader = Some(from);
                    self.reset_election(now, ctx);
                    done.extend(self.take_entries(from, *previous, entries, *committed, *round, member, ctx));
                }
            }
            Body::Appended { agrees, last, round, .. } if self.role == Role::Leader && term == self.term => {
                for read in self.pending_reads.iter_mut().filter(|read| read.round <= *round) {
                    if !read.confirmed.contains(&from) {
                        read.confirmed.push(from);
                    }
                }
                if *agrees {
                    self.matched[from] = self.matched[from].max(*last);
                    self.next[from] = self.next[from].max(*last + 1);
                } else {
                    self.next[from] = (*last + 1).min(self.next[from].max(2) - 1).max(1);
                }
                if self.next[from] <= self.log.last() {
                    self.send_entries(from, member, None, ctx);
                }
                done.extend(self.advance(member, ctx));
            }
            _ => {}
        }
        self.tell_log(member, ctx);
        done
    }

    #[expect(clippy::too_many_arguments, reason = "a message of seven fields")]
    fn take_entries(
        &mut self,
        from: usize,
        previous: (u32, u32),
        entries: &[super::log::Entry],
        committed: u32,
        round: u32,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let term = self.term;
        let (previous_term, mut index) = previous;
        if self.log.term(index) != Some(previous_term) {
            // Where to try again: no entry of a wrong term, nor one that is not there.
            let last = self.log.last().min(index.saturating_sub(1));
            member.tell(from, Body::Appended { term, agrees: false, last, round }, None, ctx);
            return Vec::new();
        }
        for entry in entries {
            index += 1;
            if self.log.term(index) == Some(entry.term) {
                continue;
            }
            if self.log.last() >= index {
                roll_back(&mut self.log, index, false, member, ctx);
            }
            self.log.push(entry.clone());
        }
        self.committed = self.committed.max(committed.min(index));
        member.tell(from, Body::Appended { term, agrees: true, last: index, round }, None, ctx);
        self.advance(member, ctx)
    }

    fn tell_log(&mut self, member: &Member, ctx: &mut Context) {
        let (last, committed, term) = (self.log.last(), self.committed, self.term);
        if self.told != (last, committed, term) {
            self.told = (last, committed, term);
            ctx.record(Fact::LogChanged { node: member.node, last, committed, term });
        }
    }
}
