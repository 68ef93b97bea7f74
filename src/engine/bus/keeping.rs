//! What becomes of events that are not delivered: dead letters, expiry, outages.

use super::{Bus, Dead};
use crate::engine::outbox::Outbox;
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::{DropReason, Fact, KeyId, NodeId};

impl Bus {
    pub(super) fn give_up(&mut self, now: Micros, lane: u32, event: u32, out: &mut Outbox) {
        let Some(kept) = self.kept.remove(&event) else { return };
        let plan = &self.plan.subscriptions[self.lanes[lane as usize].members[0] as usize];
        let update = kept.update.id;
        if plan.dead_letter {
            let topic = &self.plan.topics[plan.topic as usize];
            let renewed = topic.retention.filter(|_| plan.dead_letter_renews_time).map(|time| now + time);
            let expires = renewed.or(kept.expires);
            out.record(Fact::EventDeadLettered { subscription: plan.id, event, update, deliveries: kept.deliveries });
            if let Some(at) = renewed {
                out.wake(at, Timer::Expire(event));
            }
            let dead = Dead { event, update: kept.update.clone(), partition: kept.partition, expires };
            self.lanes[lane as usize].dead.push(dead);
        } else {
            self.discarded += 1;
            let reason = DropReason::DeliveriesUsedUp;
            out.record(Fact::EventDiscarded { subscription: plan.id, event, update, reason });
        }
        self.strike(lane, event, kept.partition, kept.update.key);
        self.deliver_log(now, lane, kept.partition, out);
    }

    /// An event that is kept no longer leaves whatever order it stood in.
    pub(super) fn strike(&mut self, lane: u32, event: u32, partition: u32, key: KeyId) {
        if let Some(log) = self.lanes[lane as usize].logs.get_mut(&partition)
            && let Some(at) = log.events.iter().position(|other| *other == event)
        {
            log.events.remove(at);
            if at < log.delivered {
                log.delivered -= 1;
            }
        }
        self.leave(lane, event, key);
    }

    pub(super) fn discard(&mut self, now: Micros, event: u32, reason: DropReason, out: &mut Outbox) {
        self.land(event);
        let Some(kept) = self.kept.remove(&event) else { return };
        match reason {
            DropReason::Expired => self.expired += 1,
            DropReason::DeliveriesUsedUp | DropReason::NotFlushed | DropReason::Purged | DropReason::NotReplicated => {
                self.discarded += 1
            }
        }
        let subscription = self.plan_of(kept.lane).id;
        out.record(Fact::EventDiscarded { subscription, event, update: kept.update.id, reason });
        self.strike(kept.lane, event, kept.partition, kept.update.key);
        if self.up {
            self.deliver(now, kept.lane, out);
            self.deliver_log(now, kept.lane, kept.partition, out);
        }
    }

    pub(super) fn on_expiry(&mut self, now: Micros, event: u32, out: &mut Outbox) {
        // It may have been given more time since, and the bus may have been down when it ran out.
        let over = |expires: Option<Micros>| expires.is_some_and(|at| at <= now);
        if self.kept.get(&event).is_some_and(|kept| over(kept.expires)) {
            return self.discard(now, event, DropReason::Expired, out);
        }
        for lane in 0..self.lanes.len() {
            let dead = &mut self.lanes[lane].dead;
            let Some(at) = dead.iter().position(|dead| dead.event == event && over(dead.expires)) else {
                continue;
            };
            let dead = dead.remove(at);
            self.expired += 1;
            let subscription = self.plan_of(lane as u32).id;
            let reason = DropReason::Expired;
            out.record(Fact::EventDiscarded { subscription, event, update: dead.update.id, reason });
        }
    }

    pub(super) fn lanes_of(&self, consumer: NodeId) -> Vec<u32> {
        let is = |lane: &u32| {
            let members = &self.lanes[*lane as usize].members;
            members.iter().any(|member| self.plan.subscriptions[*member as usize].consumer == consumer)
        };
        (0..self.lanes.len() as u32).filter(is).collect()
    }

    /// Queues a consumer's dead events again, with no deliveries counted.
    pub fn redrive(&mut self, now: Micros, consumer: NodeId, out: &mut Outbox) {
        for lane in self.lanes_of(consumer) {
            for dead in std::mem::take(&mut self.lanes[lane as usize].dead) {
                let Dead { event, update, partition, expires } = dead;
                let subscription = self.plan_of(lane).id;
                out.record(Fact::EventRedriven { subscription, event, update: update.id });
                // The time at which it will have been kept long enough goes on as the dead-letter queue had it.
                self.keep(now, lane, event, partition, update, None, out);
                if let Some(kept) = self.kept.get_mut(&event) {
                    kept.expires = expires;
                }
                self.line_up(now, event, out);
            }
        }
    }

    /// Throws a consumer's dead events away.
    pub fn purge(&mut self, consumer: NodeId, out: &mut Outbox) {
        for lane in self.lanes_of(consumer) {
            for dead in std::mem::take(&mut self.lanes[lane as usize].dead) {
                self.discarded += 1;
                let (subscription, event, update) = (self.plan_of(lane).id, dead.event, dead.update.id);
                out.record(Fact::EventDiscarded { subscription, event, update, reason: DropReason::Purged });
            }
        }
    }

    /// Stops it. What it has not flushed may be lost.
    pub fn stop(&mut self, now: Micros, lose_unflushed: bool, out: &mut Outbox) {
        (self.stopped, self.up) = (true, false);
        out.record(Fact::BusStopped { bus: self.plan.node, lost_unflushed: lose_unflushed });
        if lose_unflushed {
            self.unflushed.clear();
            let flush = self.plan.flush;
            let fresh = self.kept.iter().filter(|(_, kept)| kept.since + flush > now).map(|(event, _)| *event);
            for event in fresh.collect::<Vec<u32>>() {
                self.forget_publication(event);
                self.discard(now, event, DropReason::NotFlushed, out);
            }
            self.forget_unflushed(now);
        }
    }

    /// An event is lost: where its update is published again, it is taken in again. (What was published lately is known from
    /// the log that lost it.)
    pub(super) fn forget_publication(&mut self, event: u32) {
        let Some(kept) = self.kept.get(&event) else { return };
        let (topic, update) = (self.plan_of(kept.lane).topic, kept.update.id);
        self.recent[topic as usize].remove(&update);
        self.unflushed.retain(|_, waits| waits.update != update);
    }

    /// Starts it again: what ran out in the meantime happens now.
    pub fn start(&mut self, now: Micros, out: &mut Outbox) {
        self.stopped = false;
        let missed = std::mem::take(&mut self.missed);
        let (brokers, rest): (Vec<Timer>, Vec<Timer>) =
            missed.into_iter().partition(|timer| matches!(timer, Timer::Broker(_)));
        self.missed = rest;
        self.settle(now, out);
        for timer in brokers {
            self.on_timer(now, timer, out);
        }
    }

    /// Takes in and delivers from now on, or no more, where that is no longer as it was.
    pub(super) fn settle(&mut self, now: Micros, out: &mut Outbox) {
        let up = !self.stopped && self.brokers.as_ref().is_none_or(|brokers| brokers.is_led());
        if std::mem::replace(&mut self.up, up) == up {
            return;
        }
        if !up {
            return out.record(Fact::BusStopped { bus: self.plan.node, lost_unflushed: false });
        }
        out.record(Fact::BusStarted { bus: self.plan.node });
        self.renew_sessions(now);
        for timer in std::mem::take(&mut self.missed) {
            self.on_timer(now, timer, out);
        }
        for lane in 0..self.lanes.len() as u32 {
            self.deliver(now, lane, out);
            let partitions: Vec<u32> = self.lanes[lane as usize].logs.keys().copied().collect();
            for partition in partitions {
                self.deliver_log(now, lane, partition, out);
            }
        }
    }
}
