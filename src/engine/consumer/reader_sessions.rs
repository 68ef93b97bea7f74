//! Readers of logs with sessions: their polls and heartbeats. Heartbeats come from a separate thread (as in Kafka's consumer),
//! so a slow reader stays in its group until its last poll is older than the maximum poll interval. A reader that is down or paused
//! sends none.

use super::Consumer;
use crate::engine::context::Context;
use crate::engine::message::{About, Heartbeat, Payload, Position, Presence};
use crate::engine::partition_reader::ReaderSession;
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use crate::trace::Fact;
use std::sync::Arc;

impl Consumer {
    /// Sets the timers of the first heartbeats.
    pub fn start(&mut self, ctx: &mut Context) {
        self.assert_valid();
        for handler in 0..self.sessions.len() {
            self.schedule_heartbeat(ctx.now, handler, ctx);
        }
        self.start_attachments(ctx);
    }

    /// Makes all readers join their groups again.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.readers.is_empty(), "a crash loses all progress");
        debug_assert!(self.uncommitted.is_empty() && self.ready_deliveries.is_empty(), "a crash loses all progress");
        for handler in 0..self.sessions.len() {
            if let Some(session) = &mut self.sessions[handler] {
                session.released.clear();
                self.rejoin(now, handler, Presence::Alive, ctx);
                self.schedule_heartbeat(now, handler, ctx);
            }
        }
        self.restart_attachments(now, ctx);
    }

    fn schedule_heartbeat(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        let Some(session) = &mut self.sessions[handler] else { return };
        debug_assert!(session.config.heartbeat > 0, "heartbeats have an interval");
        self.heartbeats += 1;
        debug_assert!(session.timer.is_none_or(|timer| timer < self.heartbeats), "numbers of timers are not reused");
        session.timer = Some(self.heartbeats);
        ctx.wake(now + session.config.heartbeat, Timer::HeartbeatDue(self.heartbeats));
    }

    /// Handles the timer of a heartbeat.
    pub fn on_heartbeat_due(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(number <= self.heartbeats, "the timer was set by this consumer");
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        let is_due =
            |session: &Option<ReaderSession>| session.as_ref().is_some_and(|session| session.timer == Some(number));
        if let Some(handler) = self.sessions.iter().position(is_due) {
            self.heartbeat_or_leave(now, handler, ctx);
            self.schedule_heartbeat(now, handler, ctx);
        } else {
            self.on_attachment_due(now, number, ctx);
        }
    }

    /// Sends a heartbeat; or leaves the group if the last poll is older than the maximum poll interval, as Kafka's consumer does.
    fn heartbeat_or_leave(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        let has_handled_all = self.has_handled_all(handler);
        let Some(session) = &mut self.sessions[handler] else { return };
        debug_assert!(session.polled <= now, "no poll is in the future");
        if session.is_member && !has_handled_all && session.polled + session.config.max_poll <= now {
            session.is_member = false;
            self.send_heartbeat(handler, Presence::Leaves, ctx);
        } else if session.is_member {
            let presence = session.presence;
            self.send_heartbeat(handler, presence, ctx);
        } else if has_handled_all {
            self.rejoin(now, handler, Presence::Alive, ctx);
        }
        let is_member = self.sessions[handler].as_ref().is_some_and(|session| session.is_member);
        debug_assert!(is_member || !has_handled_all, "a reader that has handled all events is in its group");
    }

    /// Begins a new incarnation of a reader, which has read nothing.
    fn rejoin(&mut self, now: Micros, handler: usize, presence: Presence, ctx: &mut Context) {
        let Some(session) = &mut self.sessions[handler] else { return };
        debug_assert!(session.polled <= now, "no poll is in the future");
        session.incarnation += 1;
        (session.is_member, session.must_rejoin, session.presence, session.polled) = (true, false, presence, now);
        self.readers.retain(|(of, _), _| *of as usize != handler);
        self.send_heartbeat(handler, presence, ctx);
        debug_assert!(self.has_handled_all(handler), "a new incarnation has read nothing");
    }

    /// Handles the coordinator's request to join the group again, which the reader does when it polls.
    pub fn on_rejoin(&mut self, now: Micros, handler: u32, incarnation: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        let has_handled_all = self.has_handled_all(handler as usize);
        let Some(session) = &mut self.sessions[handler as usize] else { return };
        debug_assert!(incarnation <= session.incarnation, "the bus answers a heartbeat that was sent");
        if incarnation == session.incarnation && session.is_member {
            session.must_rejoin = true;
            if has_handled_all {
                self.release_partitions(now, handler as usize, ctx);
            }
        }
    }

    /// Commits what the reader has handled, gives its partitions back and joins its group again. It discards the events that it has
    /// not polled (`ConsumerCoordinator.onJoinPrepare` of Kafka's eager protocol).
    fn release_partitions(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        debug_assert!(self.has_handled_all(handler), "a poll follows the handling of the previous one");
        if self.handlers[handler].commit_every.is_some() {
            self.commit_offsets(handler as u32, ctx);
        }
        let released = self.positions(handler);
        let Some(session) = &mut self.sessions[handler] else { return };
        session.released = released;
        debug_assert!(session.is_member, "only a member has partitions");
        ctx.record(Fact::PartitionsReleased { subscription: self.handlers[handler].id });
        self.rejoin(now, handler, Presence::Rejoins, ctx);
    }

    fn send_heartbeat(&self, handler: usize, presence: Presence, ctx: &mut Context) {
        let Some(session) = &self.sessions[handler] else { return };
        let positions = self.positions(handler).into_iter().chain(session.released.iter().copied()).collect();
        let (subscription, incarnation) = (handler as u32, session.incarnation);
        let heartbeat = Heartbeat { subscription, incarnation, presence, reliable: false, positions };
        ctx.send(self.handlers[handler].link, Payload::Heartbeat(Arc::new(heartbeat)), About::default());
    }

    fn positions(&self, handler: usize) -> Vec<Position> {
        let readers = self.readers.iter().filter(|((of, _), _)| *of as usize == handler);
        readers.map(|((_, partition), reader)| reader.position(*partition)).collect()
    }

    /// Returns whether a reader has handled all events of its last poll.
    fn has_handled_all(&self, handler: usize) -> bool {
        let mut readers = self.readers.iter().filter(|((of, _), _)| *of as usize == handler);
        readers.all(|(_, reader)| reader.has_handled_all())
    }

    /// Queues the polled events that can be handled now. Polls again if all events of the last poll were handled.
    pub(super) fn poll(&mut self, now: Micros, handler: u32, ctx: &mut Context) {
        debug_assert!(self.sessions[handler as usize].is_some(), "only readers with sessions poll");
        debug_assert!(now == ctx.now, "a reader polls at the current time");
        let mut skipped = Vec::new();
        loop {
            if self.has_handled_all(handler as usize) {
                self.start_poll(now, handler as usize, ctx);
            }
            let skipped_before = skipped.len();
            let readers = self.readers.iter_mut().filter(|((of, _), _)| *of == handler);
            self.ready_deliveries.extend(readers.filter_map(|(_, reader)| reader.take(&mut skipped)));
            // A poll of events that are all skipped is followed by the next one.
            if skipped.len() == skipped_before || !self.has_handled_all(handler as usize) {
                break;
            }
        }
        self.acknowledge_again(&skipped, ctx);
    }

    /// Polls the queued events of all partitions, up to the maximum. A reader that left its group joins it again instead.
    fn start_poll(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        debug_assert!(self.has_handled_all(handler), "a poll follows the handling of the previous one");
        let Some(session) = &mut self.sessions[handler] else { return };
        debug_assert!(session.polled <= now, "no poll is in the future");
        if !session.is_member {
            return self.rejoin(now, handler, Presence::Alive, ctx);
        }
        if session.must_rejoin {
            return self.release_partitions(now, handler, ctx);
        }
        session.polled = now;
        let mut capacity = session.config.max_events as usize;
        for (_, reader) in self.readers.iter_mut().filter(|((of, _), _)| *of as usize == handler) {
            capacity -= reader.poll(capacity);
        }
    }
}
