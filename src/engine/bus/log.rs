//! A log with a position for each partition, as one consumer group sees it (Kafka).

use super::Bus;
use crate::engine::backoff::wait;
use crate::engine::outbox::Outbox;
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::Fact;
use std::collections::VecDeque;

/// A partition of a log, as one consumer group sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// Events after the last commit, in order.
    pub(super) events: VecDeque<u32>,
    /// How many of them are delivered.
    pub(super) delivered: usize,
    /// Which member reads it.
    pub(super) member: usize,
    /// Where readers have sessions: how often it was given out or read again. What a reader got in an earlier one does not
    /// count.
    pub(super) generation: u32,
    /// The event that was delivered last since then.
    last: Option<u32>,
    /// It waits before it is delivered again.
    pub(super) waits: bool,
    /// How often in a row it was delivered again from the last commit.
    rewinds: u32,
}

impl Log {
    pub(super) fn read_by(member: usize) -> Log {
        Log { member, ..Log::default() }
    }
}

impl Bus {
    /// Delivers what follows in a partition of a log, as far as unacknowledged deliveries are allowed.
    pub(super) fn deliver_log(&mut self, now: Micros, lane: u32, partition: u32, out: &mut Outbox) {
        loop {
            let most = self.plan_of(lane).max_in_flight as usize;
            let queues = &mut self.lanes[lane as usize];
            let Some(reader) = queues.logs.get(&partition).map(|log| log.member) else { return };
            if !queues.is_inside(reader) {
                return;
            }
            let Some(log) = queues.logs.get_mut(&partition) else { return };
            if log.waits || log.delivered >= most || log.delivered >= log.events.len() {
                return;
            }
            let event = log.events[log.delivered];
            let follows = log.last.replace(event);
            log.delivered += 1;
            self.deliver_event(now, lane, reader, event, follows, out);
        }
    }

    /// A commit of a log is for the event and all before it.
    pub(super) fn commit(&mut self, lane: u32, partition: u32, upto: u32, out: &mut Outbox) {
        loop {
            let Some(log) = self.lanes[lane as usize].logs.get_mut(&partition) else { return };
            log.rewinds = 0;
            let Some(event) = log.events.front().copied() else { return };
            log.events.pop_front();
            log.delivered = log.delivered.saturating_sub(1);
            self.land(event);
            self.done(lane, event, out);
            if event == upto {
                return;
            }
        }
    }

    /// A partition of a log is read again from the last commit on; by the next member of the group where the one that
    /// reads it is silent.
    pub(super) fn rewind(&mut self, now: Micros, lane: u32, partition: u32, silent: bool, out: &mut Outbox) {
        let queues = &self.lanes[lane as usize];
        let Some(member) = queues.logs.get(&partition).map(|log| log.member) else { return };
        let members = queues.members.len();
        let mut others = (1..=members).map(|step| (member + step) % members);
        let next = others.find(|other| queues.is_inside(*other)).unwrap_or(member);
        self.read_again(now, lane, partition, if silent { next } else { member }, out);
    }

    /// A partition of a log is read again from the last commit on, by that member of the group.
    pub(super) fn read_again(&mut self, now: Micros, lane: u32, partition: u32, member: usize, out: &mut Outbox) {
        let sessions = !self.lanes[lane as usize].places.is_empty();
        let Some(log) = self.lanes[lane as usize].logs.get_mut(&partition) else { return };
        log.member = member;
        log.generation += u32::from(sessions);
        log.rewinds += 1;
        let (events, rewinds): (Vec<u32>, u32) =
            (log.events.iter().take(log.delivered).copied().collect(), log.rewinds);
        log.delivered = 0;
        log.last = None;
        let plan = &mut self.plan.subscriptions[self.lanes[lane as usize].members[0] as usize];
        let (id, wait) = (plan.id, wait(&plan.backoff, rewinds, 0.0, &mut plan.waits));
        for event in &events {
            self.land(*event);
            if let Some(kept) = self.kept.get(event) {
                let (update, deliveries) = (kept.update.id, kept.deliveries);
                let not_before = now + wait;
                out.record(Fact::EventQueued { subscription: id, event: *event, update, not_before, deliveries });
            }
        }
        match events.first() {
            Some(first) if wait > 0 => {
                if let Some(log) = self.lanes[lane as usize].logs.get_mut(&partition) {
                    log.waits = true;
                }
                out.wake(now + wait, Timer::Rewound(*first));
            }
            Some(_) | None => self.deliver_log(now, lane, partition, out),
        }
    }

    /// Gives the partitions of every log to the members of their groups anew, each to the next; all after the last commit
    /// is delivered again.
    pub fn rebalance(&mut self, now: Micros, out: &mut Outbox) {
        for lane in 0..self.lanes.len() as u32 {
            let partitions: Vec<u32> = self.lanes[lane as usize].logs.keys().copied().collect();
            for partition in partitions {
                self.rewind(now, lane, partition, true, out);
            }
        }
    }
}
