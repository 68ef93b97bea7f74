//! How readers of logs with sessions poll, and their heartbeats. These come from a thread of their own (as in Kafka's
//! consumer), so that a reader that is slow keeps its place until it has not polled for too long; one that is down or held
//! does not.

use super::Consumer;
use crate::engine::context::Context;
use crate::engine::message::{About, Heartbeat, Payload};
use crate::engine::partition_reader::{PartitionReader, ReaderSession};
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use std::sync::Arc;

impl Consumer {
    /// A run begins.
    pub fn open(&mut self, ctx: &mut Context) {
        for handler in 0..self.sessions.len() {
            self.schedule_heartbeat(0, handler, ctx);
        }
    }

    /// Started again: its readers join their groups anew.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        for handler in 0..self.sessions.len() {
            if self.sessions[handler].is_some() {
                self.rejoin(now, handler, ctx);
                self.schedule_heartbeat(now, handler, ctx);
            }
        }
    }

    fn schedule_heartbeat(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        let Some(session) = &mut self.sessions[handler] else { return };
        self.heartbeats += 1;
        session.timer = Some(self.heartbeats);
        ctx.wake(now + session.config.heartbeat, Timer::HeartbeatDue(self.heartbeats));
    }

    /// The next heartbeat of a reader is due.
    pub fn on_heartbeat_due(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        let is_due =
            |session: &Option<ReaderSession>| session.as_ref().is_some_and(|session| session.timer == Some(number));
        if let Some(handler) = self.sessions.iter().position(is_due) {
            self.send_due_heartbeat(now, handler, ctx);
            self.schedule_heartbeat(now, handler, ctx);
        }
    }

    /// A reader says that it is there. With each heartbeat it looks whether its last poll is too long ago, as Kafka's does.
    pub fn send_due_heartbeat(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        let has_handled_all = self.has_handled_all(handler);
        let Some(session) = &mut self.sessions[handler] else { return };
        if session.is_member && !has_handled_all && session.polled + session.config.max_poll <= now {
            session.is_member = false;
            self.send_heartbeat(handler, true, ctx);
        } else if session.is_member {
            self.send_heartbeat(handler, false, ctx);
        } else if has_handled_all {
            self.rejoin(now, handler, ctx);
        }
    }

    /// The reader begins a new life, with nothing read.
    pub fn rejoin(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        let Some(session) = &mut self.sessions[handler] else { return };
        session.life += 1;
        (session.is_member, session.polled) = (true, now);
        self.readers.retain(|(of, _), _| *of as usize != handler);
        self.send_heartbeat(handler, false, ctx);
    }

    fn send_heartbeat(&mut self, handler: usize, leaves: bool, ctx: &mut Context) {
        let Some(session) = &self.sessions[handler] else { return };
        let own = self.readers.iter().filter(|((of, _), _)| *of as usize == handler);
        let has = own.map(|((_, partition), reader)| reader.position(*partition)).collect();
        let heartbeat = Heartbeat { subscription: handler as u32, life: session.life, leaves, has };
        ctx.send(self.handlers[handler].link, Payload::Heartbeat(Arc::new(heartbeat)), About::default());
    }

    /// Whether a reader has handled all that its last poll returned.
    fn has_handled_all(&self, handler: usize) -> bool {
        self.readers.iter().filter(|((of, _), _)| *of as usize == handler).all(|(_, reader)| reader.has_handled_all())
    }

    /// Takes what a reader polled and can be handled now; it polls where it has handled all of that.
    pub fn poll(&mut self, now: Micros, handler: u32, ctx: &mut Context) {
        if self.has_handled_all(handler as usize) {
            self.start_poll(now, handler as usize, ctx);
        }
        let own = self.readers.iter_mut().filter(|((of, _), _)| *of == handler);
        self.ready_deliveries.extend(own.filter_map(|(_, reader)| PartitionReader::take(reader)));
    }

    /// A reader polls: it gets what is in line, over all its partitions; one that left its group joins it again.
    fn start_poll(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        let Some(session) = &mut self.sessions[handler] else { return };
        if !session.is_member {
            return self.rejoin(now, handler, ctx);
        }
        session.polled = now;
        let mut left = session.config.max_events as usize;
        for (_, reader) in self.readers.iter_mut().filter(|((of, _), _)| *of as usize == handler) {
            left -= reader.poll(left);
        }
    }
}
