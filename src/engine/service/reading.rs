//! How a service reads logs: polls, and where a reader has a session, its heartbeats. These come from a thread of their own
//! (as in Kafka's consumer), so that a reader that is slow keeps its place until it has not polled for too long; one that is
//! down or held does not.

use super::Service;
use crate::engine::message::{About, Delivery, Heartbeat, Payload};
use crate::engine::outbox::Outbox;
use crate::engine::queue::Timer;
use crate::engine::reader::Reader;
use crate::scenario::Micros;
use std::sync::Arc;

impl Service {
    /// A run begins.
    pub fn open(&mut self, out: &mut Outbox) {
        for handler in 0..self.sessions.len() {
            self.plan_heartbeat(0, handler, out);
        }
    }

    /// Started again: its readers join their groups anew.
    pub fn rejoin_all(&mut self, now: Micros, out: &mut Outbox) {
        for handler in 0..self.sessions.len() {
            self.rejoin(now, handler, out);
            self.plan_heartbeat(now, handler, out);
        }
    }

    fn plan_heartbeat(&mut self, now: Micros, handler: usize, out: &mut Outbox) {
        let Some(session) = &mut self.sessions[handler] else { return };
        self.heartbeats += 1;
        session.timer = Some(self.heartbeats);
        out.wake(now + session.plan.heartbeat, Timer::Heartbeat(self.heartbeats));
    }

    /// The reader begins a new life, with nothing read.
    fn rejoin(&mut self, now: Micros, handler: usize, out: &mut Outbox) {
        let Some(session) = &mut self.sessions[handler] else { return };
        session.life += 1;
        (session.inside, session.polled) = (true, now);
        self.readers.retain(|(of, _), _| *of as usize != handler);
        self.send_heartbeat(handler, false, out);
    }

    fn send_heartbeat(&mut self, handler: usize, leaves: bool, out: &mut Outbox) {
        let Some(session) = &self.sessions[handler] else { return };
        let own = self.readers.iter().filter(|((of, _), _)| *of as usize == handler);
        let has = own.map(|((_, partition), reader)| reader.position(*partition)).collect();
        let heartbeat = Heartbeat { subscription: handler as u32, life: session.life, leaves, has };
        out.send(self.plan.handlers[handler].link, Payload::Heartbeat(Arc::new(heartbeat)), About::default());
    }

    /// The next heartbeat of a reader is due. With each it looks whether its last poll is too long ago, as Kafka's does.
    pub fn on_heartbeat_due(&mut self, now: Micros, number: u32, out: &mut Outbox) {
        let is = |session: &&Option<_>| session.as_ref().is_some_and(|it: &super::Session| it.timer == Some(number));
        let Some(handler) = self.sessions.iter().position(|session| is(&session)) else { return };
        let through = self.is_through(handler);
        let Some(session) = &mut self.sessions[handler] else { return };
        if session.inside && !through && session.polled + session.plan.max_poll <= now {
            session.inside = false;
            self.send_heartbeat(handler, true, out);
        } else if session.inside {
            self.send_heartbeat(handler, false, out);
        } else if through {
            self.rejoin(now, handler, out);
        }
        self.plan_heartbeat(now, handler, out);
    }

    /// Whether a reader has handled all that its last poll returned.
    fn is_through(&self, handler: usize) -> bool {
        self.readers.iter().filter(|((of, _), _)| *of as usize == handler).all(|(_, reader)| reader.is_through())
    }

    /// A delivery of a log came.
    pub(super) fn on_read(&mut self, now: Micros, delivery: Arc<Delivery>, out: &mut Outbox) {
        let at = (delivery.subscription, delivery.partition);
        match &self.sessions[at.0 as usize] {
            None => self.readers.or_default(at).on_delivery(delivery),
            Some(session) if session.inside && session.life == delivery.life => {
                self.readers.or_insert_with(at, Reader::polling).on_delivery(delivery);
            }
            // It was for an earlier life.
            Some(_) => return,
        }
        self.read_on(now, at, out);
    }

    /// Handles the next event of a log's partition, if it is its turn.
    pub(super) fn read_on(&mut self, now: Micros, at: (u32, u32), out: &mut Outbox) {
        if self.sessions[at.0 as usize].is_some() {
            return (self.keeping().poll)(self, now, at.0, out);
        }
        if let Some(delivery) = self.readers.get_mut(&at).and_then(Reader::take) {
            self.on_event(now, delivery, out);
        }
    }

    /// Handles what a reader polled, and polls where it has handled all of that.
    pub fn read_polled(&mut self, now: Micros, handler: u32, out: &mut Outbox) {
        if self.is_through(handler as usize) {
            self.poll(now, handler as usize, out);
        }
        let own: Vec<(u32, u32)> = self.readers.keys().filter(|(of, _)| *of == handler).copied().collect();
        for at in own {
            if let Some(delivery) = self.readers.get_mut(&at).and_then(Reader::take) {
                self.on_event(now, delivery, out);
            }
        }
    }

    /// A reader polls: it gets what is in line, over all its partitions; one that left its group joins it again.
    fn poll(&mut self, now: Micros, handler: usize, out: &mut Outbox) {
        let Some(session) = &mut self.sessions[handler] else { return };
        if !session.inside {
            return self.rejoin(now, handler, out);
        }
        session.polled = now;
        let mut left = session.plan.most as usize;
        for (_, reader) in self.readers.iter_mut().filter(|((of, _), _)| *of as usize == handler) {
            left -= reader.poll(left);
        }
    }
}
