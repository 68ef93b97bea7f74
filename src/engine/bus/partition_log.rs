//! A log with a position for each partition, as one consumer group sees it (Kafka).

use super::Bus;
use crate::engine::backoff::wait;
use crate::engine::context::Context;
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::Fact;
use std::collections::VecDeque;

/// A partition of a log, as one consumer group sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionLog {
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

impl PartitionLog {
    pub(super) fn read_by(member: usize) -> PartitionLog {
        PartitionLog { member, ..PartitionLog::default() }
    }
}

impl Bus {
    /// Delivers what follows in a partition of a log, as far as unacknowledged deliveries are allowed.
    pub(super) fn deliver_log(&mut self, now: Micros, queue_id: u32, partition: u32, ctx: &mut Context) {
        loop {
            let most = self.config_of(queue_id).max_in_flight as usize;
            let queue = &mut self.queues[queue_id as usize];
            let Some(reader) = queue.logs.get(&partition).map(|log| log.member) else { return };
            if !queue.is_member(reader) {
                return;
            }
            let Some(log) = queue.logs.get_mut(&partition) else { return };
            if log.waits || log.delivered >= most || log.delivered >= log.events.len() {
                return;
            }
            let event = log.events[log.delivered];
            let follows = log.last.replace(event);
            log.delivered += 1;
            self.deliver_event(now, queue_id, reader, event, follows, ctx);
        }
    }

    /// A commit of a log is for the event and all before it.
    pub(super) fn commit(&mut self, queue_id: u32, partition: u32, upto: u32, ctx: &mut Context) {
        loop {
            let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) else { return };
            log.rewinds = 0;
            let Some(event) = log.events.front().copied() else { return };
            log.events.pop_front();
            log.delivered = log.delivered.saturating_sub(1);
            self.end_delivery(event);
            self.acknowledge_event(queue_id, event, ctx);
            if event == upto {
                return;
            }
        }
    }

    /// A partition of a log is read again from the last commit on; by the next member of the group where the one that
    /// reads it is silent.
    pub(super) fn rewind(&mut self, now: Micros, queue_id: u32, partition: u32, silent: bool, ctx: &mut Context) {
        let queue = &self.queues[queue_id as usize];
        let Some(member) = queue.logs.get(&partition).map(|log| log.member) else { return };
        let members = queue.members.len();
        let mut others = (1..=members).map(|step| (member + step) % members);
        let next = others.find(|other| queue.is_member(*other)).unwrap_or(member);
        self.redeliver_from_commit(now, queue_id, partition, if silent { next } else { member }, ctx);
    }

    /// A partition of a log is read again from the last commit on, by that member of the group.
    pub(super) fn redeliver_from_commit(
        &mut self,
        now: Micros,
        queue_id: u32,
        partition: u32,
        member: usize,
        ctx: &mut Context,
    ) {
        let sessions = !self.queues[queue_id as usize].memberships.is_empty();
        let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) else { return };
        log.member = member;
        log.generation += u32::from(sessions);
        log.rewinds += 1;
        let (events, rewinds): (Vec<u32>, u32) =
            (log.events.iter().take(log.delivered).copied().collect(), log.rewinds);
        log.delivered = 0;
        log.last = None;
        let config = &mut self.config.subscriptions[self.queues[queue_id as usize].members[0] as usize];
        let (id, wait) = (config.id, wait(&config.backoff, rewinds, 0.0, &mut config.waits));
        for event in &events {
            self.end_delivery(*event);
            if let Some(stored) = self.stored.get(event) {
                let (update, deliveries) = (stored.update.id, stored.deliveries);
                let not_before = now + wait;
                ctx.record(Fact::EventQueued { subscription: id, event: *event, update, not_before, deliveries });
            }
        }
        match events.first() {
            Some(first) if wait > 0 => {
                if let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) {
                    log.waits = true;
                }
                ctx.wake(now + wait, Timer::PartitionRetry(*first));
            }
            Some(_) | None => self.deliver_log(now, queue_id, partition, ctx),
        }
    }

    /// Gives the partitions of every log to the members of their groups anew, each to the next; all after the last commit
    /// is delivered again.
    pub fn rebalance(&mut self, now: Micros, ctx: &mut Context) {
        for queue_id in 0..self.queues.len() as u32 {
            let partitions: Vec<u32> = self.queues[queue_id as usize].logs.keys().copied().collect();
            for partition in partitions {
                self.rewind(now, queue_id, partition, true, ctx);
            }
        }
    }
}
