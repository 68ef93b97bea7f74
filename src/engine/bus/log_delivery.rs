//! Delivery from a log, which has an offset for each partition and consumer group (Kafka).

use super::Bus;
use crate::engine::backoff::wait;
use crate::engine::context::Context;
use crate::engine::message::LogPlace;
use crate::engine::queue::Timer;
use crate::scenario::{Micros, Order};
use crate::trace::Fact;

impl Bus {
    /// Delivers the next events of a partition, up to the maximum of unacknowledged deliveries.
    pub(super) fn deliver_log(&mut self, now: Micros, queue_id: u32, partition: u32, ctx: &mut Context) {
        loop {
            let queue = &mut self.queues[queue_id as usize];
            let Some(reader) = queue.logs.get(&partition).map(|log| log.member) else { return };
            debug_assert!(reader < queue.members.len(), "a partition is read by a member of its queue");
            let max_in_flight = self.config.subscriptions[queue.members[reader] as usize].max_in_flight as usize;
            if !queue.is_attached(reader) || queue.awaits_assignment(reader) {
                return;
            }
            let Some(log) = queue.logs.get_mut(&partition) else { return };
            if log.is_waiting || log.delivered >= max_in_flight || log.delivered >= log.events.len() {
                return;
            }
            let event = log.events[log.delivered];
            log.position += 1;
            log.delivered += 1;
            debug_assert!(log.delivered <= log.events.len(), "only events of the log are delivered");
            let (position, restarts) = (log.position, std::mem::take(&mut log.restarts));
            if let Some(stored) = self.stored.get_mut(&event) {
                stored.position = position;
            }
            let place = LogPlace { restarts, ..self.place_in_log(queue_id, partition, event) };
            self.deliver_event(now, queue_id, reader, event, (place, 1), ctx);
        }
    }

    /// Returns the place of a delivered event in its partition.
    pub(super) fn place_in_log(&self, queue_id: u32, partition: u32, event: u32) -> LogPlace {
        let position = |event: &u32| self.stored.get(event).map_or(0, |stored| stored.position);
        let Some(log) = self.queues[queue_id as usize].logs.get(&partition) else { return LogPlace::default() };
        let mut delivered = log.events.iter().take(log.delivered);
        debug_assert!(
            log.events.iter().take(log.delivered).is_sorted_by_key(position),
            "events are delivered in order"
        );
        let first = log.events.front().map_or(0, position);
        let before = delivered.position(|other| *other == event).and_then(|at| log.events.get(at.checked_sub(1)?));
        LogPlace { position: position(&event), after: before.map_or(0, position), first, restarts: false }
    }

    /// Commits an event of a partition and all events before it.
    pub(super) fn commit(&mut self, queue_id: u32, partition: u32, last: u32, ctx: &mut Context) {
        debug_assert!(
            self.queues[queue_id as usize].logs.get(&partition).is_none_or(|log| log.events.contains(&last)),
            "a committed event is in its partition"
        );
        loop {
            let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) else { return };
            log.redeliveries = 0;
            let Some(event) = log.events.front().copied() else { return };
            log.events.pop_front();
            log.delivered = log.delivered.saturating_sub(1);
            debug_assert!(log.delivered <= log.events.len(), "only events of the log are delivered");
            let member = log.member;
            self.end_delivery(event);
            self.acknowledge_event(queue_id, event, member, ctx);
            if event == last {
                return;
            }
        }
    }

    /// Redelivers a partition from its last commit; to the next member of the group if the current one is silent.
    pub(super) fn rewind(&mut self, now: Micros, queue_id: u32, partition: u32, silent: bool, ctx: &mut Context) {
        debug_assert!(self.config_of(queue_id).order == Order::Log, "only a log is redelivered from a commit");
        let queue = &self.queues[queue_id as usize];
        let Some(member) = queue.logs.get(&partition).map(|log| log.member) else { return };
        let members = queue.members.len();
        debug_assert!(member < members, "a partition is read by a member of its queue");
        let mut others = (1..=members).map(|step| (member + step) % members);
        let next = others.find(|other| queue.is_active(*other)).unwrap_or(member);
        self.redeliver_from_commit(now, queue_id, partition, if silent { next } else { member }, ctx);
    }

    /// Redelivers a partition from its last commit to a member of the group.
    pub(super) fn redeliver_from_commit(
        &mut self,
        now: Micros,
        queue_id: u32,
        partition: u32,
        member: usize,
        ctx: &mut Context,
    ) {
        self.queues[queue_id as usize].assert_member(member);
        let sessions = !self.queues[queue_id as usize].memberships.is_empty();
        let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) else { return };
        debug_assert!(log.delivered <= log.events.len(), "only events of the log are delivered");
        log.member = member;
        log.generation += u32::from(sessions);
        log.restarts = true;
        if log.delivered == 0 && sessions {
            // Events that were revoked from their reader wait already.
            return self.deliver_log(now, queue_id, partition, ctx);
        }
        log.redeliveries += 1;
        let redeliveries = log.redeliveries;
        let config = &mut self.config.subscriptions[self.queues[queue_id as usize].members[0] as usize];
        let wait = wait(&config.backoff, redeliveries, 0.0, &mut config.waits);
        self.restart_log(now, queue_id, partition, wait, ctx);
    }

    /// Redelivers a partition from its last commit to its reader, after a wait.
    pub(super) fn restart_log(&mut self, now: Micros, queue_id: u32, partition: u32, wait: Micros, ctx: &mut Context) {
        let Some(log) = self.queues[queue_id as usize].logs.get_mut(&partition) else { return };
        debug_assert!(log.delivered <= log.events.len(), "only events of the log are delivered");
        debug_assert!(!log.is_waiting || log.delivered == 0, "a log that waits delivers nothing");
        let events: Vec<u32> = log.events.iter().take(log.delivered).copied().collect();
        log.delivered = 0;
        log.restarts = true;
        let id = self.config_of(queue_id).id;
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
                    log.is_waiting = true;
                }
                ctx.wake(now + wait, Timer::PartitionRetry(*first));
            }
            Some(_) | None => self.deliver_log(now, queue_id, partition, ctx),
        }
    }

    /// Reassigns each partition of each log to the next member of its group, and redelivers from the last commit. Readers with
    /// sessions join their groups again first.
    pub fn rebalance(&mut self, now: Micros, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        for queue_id in 0..self.queues.len() as u32 {
            if !self.queues[queue_id as usize].memberships.is_empty() {
                self.queues[queue_id as usize].shift += 1;
                self.begin_rebalance(now, queue_id, ctx);
                self.complete_if_all_rejoined(now, queue_id, ctx);
                continue;
            }
            let partitions = self.queues[queue_id as usize].partitions();
            for partition in partitions {
                self.rewind(now, queue_id, partition, true, ctx);
            }
        }
    }
}
