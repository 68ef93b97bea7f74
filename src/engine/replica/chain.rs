//! Chain replication (van Renesse and Schneider 2004): writes enter at the head, each member passes them on, the tail
//! serves reads; what the tail has is committed, which is told back up the chain. The chain is never rebuilt: with a
//! member down, writes wait.

use super::log::Log;
use super::logged::{self, Waiting, append, apply, refused};
use super::wire::{Body, Wire};
use super::{Answer, Asker, Done, Member};
use crate::engine::context::Context;
use crate::engine::message::Request;
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::{Fact, OperationId};
use std::sync::Arc;

const MOST_ENTRIES: usize = 64;
/// How often what the next member has not confirmed is sent again, µs.
const AGAIN: Micros = 100_000;

/// A member's protocol state. The log is durable.
#[derive(Clone, Debug)]
pub struct Chain {
    log: Log,
    /// What the next member has confirmed.
    confirmed: u32,
    committed: u32,
    waiting: Waiting,
    timer: u32,
    timed: bool,
    /// Its disk was lost: it asks a neighbour for the log, and takes no write before it has it.
    recovering: bool,
    told: (u32, u32),
}

impl Chain {
    /// An empty log.
    pub fn new(_: &Member) -> Self {
        Chain {
            log: Log::default(),
            confirmed: 0,
            committed: 0,
            waiting: Waiting::new(),
            timer: 0,
            timed: false,
            recovering: false,
            told: (0, 0),
        }
    }

    /// What the next member may have missed is sent again.
    pub fn start(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        self.timed = false;
        self.recovering &= member.group.members.len() > 1;
        self.ask_for_log(member, ctx);
        self.time(now, ctx);
    }

    fn ask_for_log(&self, member: &Member, ctx: &mut Context) {
        if self.recovering {
            let tail = member.index + 1 == member.group.members.len();
            let neighbour = if tail { member.index - 1 } else { member.index + 1 };
            member.tell(neighbour, Body::Wanted { keys: None }, None, ctx);
        }
    }

    /// What is not durable is gone.
    pub fn crash(&mut self, lose_disk: bool) {
        self.waiting.clear();
        (self.confirmed, self.committed) = (0, 0);
        if lose_disk {
            self.log = Log::default();
            self.recovering = true;
        }
    }

    fn time(&mut self, now: Micros, ctx: &mut Context) {
        if !self.timed && (self.recovering || self.confirmed < self.log.last()) {
            self.timed = true;
            self.timer += 1;
            ctx.wake(now + AGAIN, Timer::Protocol(self.timer));
        }
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
        let tail = member.group.members.len() - 1;
        let elsewhere = |at: usize| {
            let answer = Answer::Elsewhere(Some(member.group.members[at]));
            vec![Done { operation: request.operation, asker, answer }]
        };
        if self.recovering {
            return vec![Done { operation: request.operation, asker, answer: Answer::Elsewhere(None) }];
        }
        match (logged::is_read(request), member.index) {
            (true, index) if index == tail => return vec![logged::read(asker, request, member, ctx)],
            (true, _) => return elsewhere(tail),
            (false, 0) => {}
            (false, _) => return elsewhere(0),
        }
        let last = self.log.last();
        match append(now, &mut self.log, last, 1, request, member, ctx) {
            Err(cause) => refused(request, asker, cause),
            Ok(index) => {
                if let Some(entry) = self.log.get(index) {
                    apply(index, entry, member, ctx);
                }
                self.waiting.insert(index, (asker, request.operation, 1));
                self.pass_on(index, Some(request.operation), member, ctx);
                self.settle(now, member, ctx)
            }
        }
    }

    /// Sends the next member what is behind an entry.
    fn pass_on(&self, from: u32, operation: Option<OperationId>, member: &Member, ctx: &mut Context) {
        let next = member.index + 1;
        if next < member.group.members.len() {
            let entries = Arc::new(self.log.from(from, MOST_ENTRIES));
            let previous = (1, from - 1);
            let body = Body::Append { term: 1, previous, entries, committed: self.committed, round: 0 };
            member.tell(next, body, operation, ctx);
        }
    }

    /// Tells the member before what is here and what is committed; the head ends what waits for that.
    fn settle(&mut self, now: Micros, member: &Member, ctx: &mut Context) -> Vec<Done> {
        let last = self.log.last();
        if member.index + 1 == member.group.members.len() {
            (self.confirmed, self.committed) = (last, last);
        }
        self.time(now, ctx);
        if self.told != (last, self.committed) {
            self.told = (last, self.committed);
            ctx.record(Fact::LogChanged { node: member.node, last, committed: self.committed, term: 1 });
        }
        let mut done = Vec::new();
        while let Some((&index, &(asker, operation, _))) = self.waiting.first_key_value()
            && index <= self.committed
        {
            self.waiting.pop_first();
            if let Some(entry) = self.log.get(index) {
                done.push(Done { operation, asker, answer: logged::answer(index, entry) });
            }
        }
        done
    }

    /// Something was said to it.
    pub fn on_wire(&mut self, now: Micros, wire: &Wire, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        match &wire.body {
            // A neighbour that lost its disk gets all.
            Body::Wanted { .. } if !self.recovering => {
                let Some(from) = member.group.index(wire.from) else { return Vec::new() };
                let (entries, committed) = (Arc::new(self.log.from(1, usize::MAX)), self.committed);
                member.tell(from, Body::Append { term: 1, previous: (1, 0), entries, committed, round: 0 }, None, ctx);
                Vec::new()
            }
            Body::Wanted { .. } => Vec::new(),
            Body::Append { previous, entries, .. } => {
                self.recovering &= previous.1 > 0;
                let mut index = previous.1;
                // A gap is filled when the member before sends again from what is confirmed here.
                if index <= self.log.last() {
                    let first = self.log.last() + 1;
                    for entry in entries.iter() {
                        index += 1;
                        if index == self.log.last() + 1 {
                            self.log.push(entry.clone());
                            apply(index, entry, member, ctx);
                        }
                    }
                    if self.log.last() >= first {
                        self.pass_on(first, None, member, ctx);
                    }
                }
                let done = self.settle(now, member, ctx);
                self.confirm(member, ctx);
                done
            }
            Body::Appended { last, round, .. } => {
                // It may be less than before: a disk was lost, or messages overtook each other; then more is sent again.
                self.confirmed = *last;
                let news = *round > self.committed;
                self.committed = self.committed.max(*round);
                let done = self.settle(now, member, ctx);
                if news {
                    self.confirm(member, ctx);
                }
                done
            }
            _ => unreachable!("no such message is sent within a chain"),
        }
    }

    fn confirm(&self, member: &Member, ctx: &mut Context) {
        if let Some(before) = member.index.checked_sub(1) {
            let body = Body::Appended { term: 1, agrees: true, last: self.log.last(), round: self.committed };
            member.tell(before, body, None, ctx);
        }
    }

    /// What the next member has not confirmed is sent again.
    pub fn on_timer(&mut self, now: Micros, n: u32, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        if n == self.timer && self.timed {
            self.timed = false;
            self.ask_for_log(member, ctx);
            if self.confirmed < self.log.last() {
                self.pass_on(self.confirmed + 1, None, member, ctx);
            }
            self.time(now, ctx);
        }
        Vec::new()
    }
}
