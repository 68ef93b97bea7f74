//! Primary-replica: one member takes all writes, applies them, and sends its log on; it acknowledges a write when so
//! many followers have it. A follower that has not heard of it for long takes over, asking nobody: what the old primary
//! had acknowledged and not sent is lost, and a cut between them makes two (as of MySQL with an external failover).

use super::log::{Entry, Log};
use super::logged::{self, Waiting, append, apply, refused, roll_back};
use super::wire::{Body, Wire};
use super::{Answer, Asker, Done, Member};
use crate::engine::context::Context;
use crate::engine::message::Request;
use crate::engine::queue::Timer;
use crate::scenario::{Micros, Primary as Plan, micros};
use crate::trace::Fact;
use std::sync::Arc;

const MOST_ENTRIES: usize = 64;
const DETECT: u32 = 0;
const HEARTBEAT: u32 = 1;

/// A member's protocol state. Epoch and log are durable.
#[derive(Clone, Debug)]
pub struct Primary {
    acknowledgements: usize,
    failover: Option<Micros>,
    heartbeat: Micros,
    epoch: u32,
    log: Log,
    primary: usize,
    leads: bool,
    next: Vec<u32>,
    matched: Vec<u32>,
    waiting: Waiting,
    timers: u32,
    last_detect: u32,
    last_heartbeat: u32,
    told: (u32, u32, u32),
}

impl Primary {
    /// The first member is the primary.
    pub fn new(plan: &Plan, member: &Member) -> Self {
        let members = member.group.members.len();
        Primary {
            acknowledgements: plan.acknowledgements as usize,
            failover: plan.failover_ms.map(micros),
            heartbeat: micros(plan.heartbeat_ms).max(1),
            // Epochs are a member's own: whoever takes over takes the next that is congruent to its place.
            epoch: members as u32,
            log: Log::default(),
            primary: 0,
            leads: member.index == 0,
            next: vec![1; members],
            matched: vec![0; members],
            waiting: Waiting::new(),
            timers: 0,
            last_detect: 0,
            last_heartbeat: 0,
            told: (0, 0, 0),
        }
    }

    /// Sets its first timers. A primary that was down takes itself for one until it hears of another.
    pub fn start(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        if self.leads {
            ctx.record(Fact::LeaderElected { node: member.node, term: self.epoch });
            self.beat(now, member, ctx);
        } else {
            self.detect(now, member, ctx);
        }
    }

    /// What is not durable is gone.
    pub fn crash(&mut self, lose_disk: bool) {
        self.waiting.clear();
        if lose_disk {
            self.log = Log::default();
            if self.leads {
                // It begins anew, and whoever follows it throws away what it had: an empty primary empties all.
                self.epoch += self.next.len() as u32;
            }
        }
    }

    /// Waits for a sign of life, the longer the further it stands behind the primary.
    fn detect(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        let Some(failover) = self.failover else { return };
        let all = member.group.members.len();
        let rank = (member.index + all - self.primary) % all;
        self.timers += 1;
        self.last_detect = self.timers;
        let wait = failover * rank.max(1) as Micros;
        ctx.wake(now + wait, Timer::Protocol(self.timers << 1 | DETECT));
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, n: u32, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        let number = n >> 1;
        if n & 1 == DETECT && number == self.last_detect && !self.leads {
            let all = member.group.members.len() as u32;
            self.epoch = (self.epoch / all + 1) * all + member.index as u32;
            (self.leads, self.primary) = (true, member.index);
            self.next.fill(self.log.last() + 1);
            self.matched.fill(0);
            ctx.record(Fact::LeaderElected { node: member.node, term: self.epoch });
            self.beat(now, member, ctx);
        } else if n & 1 == HEARTBEAT && number == self.last_heartbeat && self.leads {
            // What was not acknowledged since the last beat is sent again.
            for other in 0..self.next.len() {
                self.next[other] = self.next[other].min(self.matched[other] + 1);
            }
            self.beat(now, member, ctx);
        }
        self.tell_log(member, ctx);
        Vec::new()
    }

    fn beat(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        self.send_all(None, member, ctx);
        self.timers += 1;
        self.last_heartbeat = self.timers;
        ctx.wake(now + self.heartbeat, Timer::Protocol(self.timers << 1 | HEARTBEAT));
    }

    fn send_all(&mut self, request: Option<&Request>, member: &Member, ctx: &mut Context) {
        for other in (0..member.group.members.len()).filter(|other| *other != member.index) {
            self.send_entries(other, request, member, ctx);
        }
    }

    fn send_entries(&mut self, to: usize, request: Option<&Request>, member: &Member, ctx: &mut Context) {
        let next = self.next[to];
        let previous = (self.log.term(next - 1).unwrap_or(0), next - 1);
        let entries = self.log.from(next, MOST_ENTRIES);
        self.next[to] += entries.len() as u32;
        let (entries, committed) = (Arc::new(entries), self.log.last());
        let body = Body::Append { term: self.epoch, previous, entries, committed, round: 0 };
        member.tell(to, body, request.map(|request| request.operation), ctx);
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
        if logged::is_read(request) {
            return vec![logged::read(asker, request, member, ctx)];
        }
        if !self.leads {
            let answer = Answer::Elsewhere(Some(member.group.members[self.primary]));
            return vec![Done { operation: request.operation, asker, answer }];
        }
        let last = self.log.last();
        match append(now, &mut self.log, last, self.epoch, request, member, ctx) {
            Err(cause) => refused(request, asker, cause),
            Ok(index) => {
                if let Some(entry) = self.log.get(index) {
                    apply(index, entry, member, ctx);
                }
                self.waiting.insert(index, (asker, request.operation, self.epoch));
                let done = self.acknowledge(member);
                self.send_all(Some(request), member, ctx);
                self.tell_log(member, ctx);
                done
            }
        }
    }

    /// Ends the writes that enough followers have.
    fn acknowledge(&mut self, member: &Member) -> Vec<Done> {
        let has = |index: u32, (at, matched): (usize, &u32)| at != member.index && *matched >= index;
        let mut done = Vec::new();
        while let Some((&index, &(asker, operation, _))) = self.waiting.first_key_value() {
            let followers = self.matched.iter().enumerate().filter(|follower| has(index, *follower)).count();
            if followers < self.acknowledgements {
                break;
            }
            self.waiting.pop_first();
            if let Some(entry) = self.log.get(index) {
                done.push(Done { operation, asker, answer: logged::answer(index, entry) });
            }
        }
        done
    }

    /// Something was said to it.
    pub fn on_wire(&mut self, now: Micros, wire: &Wire, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        let Some(from) = member.group.index(wire.from) else { return Vec::new() };
        let mut done = Vec::new();
        match &wire.body {
            Body::Append { term, previous, entries, .. } => {
                if *term < self.epoch {
                    // An old primary learns that it is one.
                    let body = Body::Appended { term: self.epoch, agrees: false, last: self.log.last(), round: 0 };
                    member.tell(from, body, None, ctx);
                } else {
                    done = self.follow(*term, from, member, ctx);
                    self.detect(now, member, ctx);
                    self.take_entries(from, *previous, entries, member, ctx);
                }
            }
            Body::Appended { term, .. } if *term > self.epoch => {
                let new = (*term % member.group.members.len() as u32) as usize;
                done = self.follow(*term, new, member, ctx);
                self.detect(now, member, ctx);
            }
            Body::Appended { term, agrees, last, .. } if self.leads && *term == self.epoch => {
                if *agrees {
                    self.matched[from] = self.matched[from].max(*last);
                    self.next[from] = self.next[from].max(*last + 1);
                } else {
                    self.next[from] = (*last + 1).min(self.next[from].max(2) - 1).max(1);
                }
                if self.next[from] <= self.log.last() {
                    self.send_entries(from, None, member, ctx);
                }
                done = self.acknowledge(member);
            }
            Body::Appended { .. } => {}
            _ => unreachable!("no such message is sent within a primary's group"),
        }
        self.tell_log(member, ctx);
        done
    }

    fn follow(&mut self, epoch: u32, primary: usize, member: &Member, ctx: &mut Context) -> Vec<Done> {
        let mut done = Vec::new();
        if self.leads && epoch > self.epoch {
            ctx.record(Fact::LeaderSteppedDown { node: member.node, term: epoch });
            self.leads = false;
            done = logged::give_up(&mut self.waiting);
        }
        (self.epoch, self.primary) = (epoch, primary);
        done
    }

    fn take_entries(
        &mut self,
        from: usize,
        previous: (u32, u32),
        entries: &[Entry],
        member: &mut Member,
        ctx: &mut Context,
    ) {
        let term = self.epoch;
        let (previous_term, mut index) = previous;
        if self.log.term(index) != Some(previous_term) {
            let last = self.log.last().min(index.saturating_sub(1));
            return member.tell(from, Body::Appended { term, agrees: false, last, round: 0 }, None, ctx);
        }
        // The first message of a new primary says where the logs part: what is behind that is its to say.
        let foreign =
            self.log.term(index + 1).is_some_and(|term| entries.first().map(|entry| entry.term) != Some(term));
        if foreign && self.log.end().0 != self.epoch {
            roll_back(&mut self.log, index + 1, true, member, ctx);
        }
        for entry in entries {
            index += 1;
            if self.log.term(index) == Some(entry.term) {
                continue;
            }
            if self.log.last() >= index {
                roll_back(&mut self.log, index, true, member, ctx);
            }
            self.log.push(entry.clone());
            apply(index, entry, member, ctx);
        }
        member.tell(from, Body::Appended { term, agrees: true, last: index, round: 0 }, None, ctx);
    }

    fn tell_log(&mut self, member: &Member, ctx: &mut Context) {
        let (last, term) = (self.log.last(), self.epoch);
        if self.told != (last, last, term) {
            self.told = (last, last, term);
            ctx.record(Fact::LogChanged { node: member.node, last, committed: last, term });
        }
    }
}
