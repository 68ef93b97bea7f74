//! The group coordinator of a log's readers (Kafka): who is in the group, and which partitions each reads.
//!
//! A run begins with all readers in their groups. Heartbeats are messages as all others, which links lose, delay or cut:
//! so they stand in the trace, as those of a replica group do. A heartbeat also says what its reader has of each partition
//! and what it committed last. In Kafka fetches and commits are requests of their own, tried again until they are answered;
//! here a delivery or a commit that a link lost is made up for by the next heartbeat, which needs no further messages.

use super::Bus;
use crate::engine::message::{About, Delivery, Heartbeat, LinkId, Payload, Position};
use crate::engine::outbox::Outbox;
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::{Fact, LeaveReason};
use std::sync::Arc;

/// A reader's place in its group.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// How long its session lasts without a heartbeat.
    timeout: Micros,
    /// Its life, as it says; nothing of an earlier one counts.
    pub(super) life: u32,
    /// Whether it is in the group.
    pub(super) inside: bool,
    /// Its last heartbeat, or when its session began.
    seen: Micros,
    /// A later life, which may join when the session of this one is over: the bus cannot know that the two are one
    /// process that was started again.
    next: Option<u32>,
    /// The timer of its session is set.
    watched: bool,
}

impl Place {
    pub(super) fn new(timeout: Micros) -> Place {
        Place { timeout, life: 0, inside: true, seen: 0, next: None, watched: false }
    }
}

impl Bus {
    /// A run begins: every session does.
    pub fn open(&mut self, out: &mut Outbox) {
        for lane in 0..self.lanes.len() {
            for member in 0..self.lanes[lane].places.len() {
                self.watch(lane, member, out);
            }
        }
    }

    /// It is back: as a coordinator that took over it gives each reader its whole session.
    pub(super) fn renew_sessions(&mut self, now: Micros) {
        for place in self.lanes.iter_mut().flat_map(|lane| &mut lane.places) {
            place.seen = now;
        }
    }

    fn watch(&mut self, lane: usize, member: usize, out: &mut Outbox) {
        let subscription = self.lanes[lane].members[member];
        let place = &mut self.lanes[lane].places[member];
        if place.inside && !place.watched {
            place.watched = true;
            out.wake(place.seen + place.timeout, Timer::Session(subscription));
        }
    }

    /// The lane and the member whose subscription it is, where its readers have sessions.
    fn place_of(&self, is: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let mut lanes = self.lanes.iter().enumerate().filter(|(_, lane)| !lane.places.is_empty());
        lanes.find_map(|(at, lane)| Some((at, lane.members.iter().position(|member| is(*member))?)))
    }

    /// A reader is there, or leaves its group.
    pub fn on_heartbeat(&mut self, now: Micros, heartbeat: &Heartbeat, back: LinkId, out: &mut Outbox) {
        let from = |index: u32| {
            let plan = &self.plan.subscriptions[index as usize];
            plan.link == back && plan.at_consumer == heartbeat.subscription
        };
        let Some((lane, member)) = self.place_of(from) else { return };
        let place = &mut self.lanes[lane].places[member];
        if heartbeat.life < place.life {
            // It was under way for longer than that life lasted.
            return;
        }
        if heartbeat.leaves {
            if heartbeat.life == place.life {
                // What is still under way of this life does not bring it back.
                place.life += 1;
                if place.inside {
                    self.leave_group(now, lane, member, LeaveReason::PolledTooRarely, out);
                }
            }
            return;
        }
        if !place.inside {
            return self.join(now, lane, member, heartbeat.life, out);
        }
        if heartbeat.life > place.life {
            place.next = place.next.max(Some(heartbeat.life));
            return;
        }
        place.seen = now;
        self.on_positions(now, lane as u32, member, &heartbeat.has, out);
    }

    /// A session may be over.
    pub fn on_session(&mut self, now: Micros, subscription: u32, out: &mut Outbox) {
        let Some((lane, member)) = self.place_of(|index| index == subscription) else { return };
        let place = &mut self.lanes[lane].places[member];
        place.watched = false;
        if place.seen + place.timeout > now {
            return self.watch(lane, member, out);
        }
        if place.inside {
            self.leave_group(now, lane, member, LeaveReason::Silent, out);
        }
    }

    fn leave_group(&mut self, now: Micros, lane: usize, member: usize, reason: LeaveReason, out: &mut Outbox) {
        let subscription = self.plan.subscriptions[self.lanes[lane].members[member] as usize].id;
        let place = &mut self.lanes[lane].places[member];
        place.inside = false;
        out.record(Fact::ReaderLeft { subscription, reason });
        match place.next.take() {
            Some(life) => self.join(now, lane, member, life, out),
            None => self.give_out(now, lane as u32, out),
        }
    }

    fn join(&mut self, now: Micros, lane: usize, member: usize, life: u32, out: &mut Outbox) {
        let subscription = self.plan.subscriptions[self.lanes[lane].members[member] as usize].id;
        let place = &mut self.lanes[lane].places[member];
        (place.inside, place.life, place.seen) = (true, life, now);
        out.record(Fact::ReaderJoined { subscription });
        self.watch(lane, member, out);
        self.give_out(now, lane as u32, out);
    }

    /// Gives the partitions out anew: in turn to those who are in the group. All after the last commit is delivered again.
    fn give_out(&mut self, now: Micros, lane: u32, out: &mut Outbox) {
        let partitions: Vec<u32> = self.lanes[lane as usize].logs.keys().copied().collect();
        for partition in partitions {
            let reader = self.reader_of(lane, partition);
            self.read_again(now, lane, partition, reader, out);
        }
    }

    /// Who reads a partition that is given out now.
    pub(super) fn reader_of(&self, lane: u32, partition: u32) -> usize {
        let lane = &self.lanes[lane as usize];
        let inside: Vec<usize> = (0..lane.members.len()).filter(|member| lane.is_inside(*member)).collect();
        match inside.len() {
            0 => 0,
            n => inside[partition as usize % n],
        }
    }

    /// What a reader says that it has: its last commit is taken if it was lost, and what should have reached it by now and
    /// did not is sent again, as where a fetch timed out. A reader that is slow has it, and gets nothing twice.
    fn on_positions(&mut self, now: Micros, lane: u32, member: usize, has: &[Position], out: &mut Outbox) {
        let logs = &self.lanes[lane as usize].logs;
        let read: Vec<u32> = logs.iter().filter(|(_, log)| log.member == member).map(|(at, _)| *at).collect();
        for partition in read {
            let generation = self.lanes[lane as usize].logs.get(&partition).map_or(0, |log| log.generation);
            let position = has.iter().find(|at| (at.partition, at.generation) == (partition, generation));
            if let Some(event) = position.and_then(|position| position.committed) {
                self.commit_of(now, event, generation, out);
            }
            self.fetch_again(now, lane, partition, position.and_then(|position| position.last), out);
        }
    }

    fn fetch_again(&mut self, now: Micros, lane: u32, partition: u32, last: Option<u32>, out: &mut Outbox) {
        let Some(log) = self.lanes[lane as usize].logs.get(&partition) else { return };
        let (member, generation) = (log.member, log.generation);
        let delivered = || log.events.iter().take(log.delivered).copied();
        // What it has last may be committed and gone; then it has nothing of the rest.
        let from = delivered().position(|event| Some(event) == last).map_or(0, |at| at + 1);
        let missing: Vec<u32> = delivered().skip(from).collect();
        let plan = &self.plan.subscriptions[self.lanes[lane as usize].members[member] as usize];
        let waits = |event: &u32| self.kept.get(event).is_none_or(|kept| kept.sent + plan.deadline > now);
        if missing.first().is_none_or(waits) {
            return;
        }
        let id = self.plan_of(lane).id;
        let (life, link, subscription) = (self.lanes[lane as usize].places[member].life, plan.link, plan.at_consumer);
        let mut follows = last;
        for event in missing {
            let Some(kept) = self.kept.get_mut(&event) else { continue };
            let Some((delivery, _)) = kept.delivery else { continue };
            kept.deliveries += 1;
            kept.sent = now;
            let (attempt, update) = (kept.deliveries, kept.update.clone());
            out.record(Fact::EventSent { subscription: id, event, update: update.id, attempt });
            let about = About { update: Some(update.id), operation: None, attempt };
            let message =
                Delivery { subscription, event, delivery, attempt, partition, follows, life, generation, update };
            out.send(link, Payload::Deliver(Arc::new(message)), about);
            follows = Some(event);
        }
    }
}
