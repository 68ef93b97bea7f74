//! How readers of logs with sessions poll, and their heartbeats. These come from a thread of their own (as in Kafka's
//! consumer), so that a reader that is slow keeps its place until it has not polled for too long; one that is down or held
//! does not.

use super::Handling;
use crate::engine::message::{About, Heartbeat, Payload};
use crate::engine::outbox::Outbox;
use crate::engine::queue::Timer;
use crate::engine::reader::{Reader, Session};
use crate::scenario::Micros;
use std::sync::Arc;

impl Handling {
    /// A run begins.
    pub fn open(&mut self, out: &mut Outbox) {
        for handler in 0..self.sessions.len() {
            self.plan_heartbeat(0, handler, out);
        }
    }

    /// Started again: its readers join their groups anew.
    pub fn restart(&mut self, now: Micros, out: &mut Outbox) {
        for handler in 0..self.sessions.len() {
            if self.sessions[handler].is_some() {
                self.rejoin(now, handler, out);
                self.plan_heartbeat(now, handler, out);
            }
        }
    }

    fn plan_heartbeat(&mut self, now: Micros, handler: usize, out: &mut Outbox) {
        let Some(session) = &mut self.sessions[handler] else { return };
        self.heartbeats += 1;
        session.timer = Some(self.heartbeats);
        out.wake(now + session.plan.heartbeat, Timer::Heartbeat(self.heartbeats));
    }

    /// The next heartbeat of a reader is due.
    pub fn on_heartbeat_due(&mut self, now: Micros, number: u32, out: &mut Outbox) {
        let is_due = |session: &Option<Session>| session.as_ref().is_some_and(|session| session.timer == Some(number));
        if let Some(handler) = self.sessions.iter().position(is_due) {
            self.beat(now, handler, out);
            self.plan_heartbeat(now, handler, out);
        }
    }

    /// A reader says that it is there. With each heartbeat it looks whether its last poll is too long ago, as Kafka's does.
    pub fn beat(&mut self, now: Micros, handler: usize, out: &mut Outbox) {
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
    }

    /// The reader begins a new life, with nothing read.
    pub fn rejoin(&mut self, now: Micros, handler: usize, out: &mut Outbox) {
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
        out.send(self.handlers[handler].link, Payload::Heartbeat(Arc::new(heartbeat)), About::default());
    }

    /// Whether a reader has handled all that its last poll returned.
    fn is_through(&self, handler: usize) -> bool {
        self.readers.iter().filter(|((of, _), _)| *of as usize == handler).all(|(_, reader)| reader.is_through())
    }

    /// Takes what a reader polled and can be handled now; it polls where it has handled all of that.
    pub fn poll(&mut self, now: Micros, handler: u32, out: &mut Outbox) {
        if self.is_through(handler as usize) {
            self.poll_anew(now, handler as usize, out);
        }
        let own = self.readers.iter_mut().filter(|((of, _), _)| *of == handler);
        self.ready.extend(own.filter_map(|(_, reader)| Reader::take(reader)));
    }

    /// A reader polls: it gets what is in line, over all its partitions; one that left its group joins it again.
    fn poll_anew(&mut self, now: Micros, handler: usize, out: &mut Outbox) {
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
