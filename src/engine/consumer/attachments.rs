//! The consumer's side of its attachment to a bus: connections with heartbeats, which it opens again when they are closed, and
//! receives, by which it requests as many events as it can handle.

use super::{Consumer, HandlerAttachment};
use crate::engine::context::Context;
use crate::engine::message::{About, Delivery, Heartbeat, Payload, Presence};
use crate::engine::queue::Timer;
use crate::scenario::Micros;
use std::sync::Arc;

/// The maximum time between two attempts of a consumer to connect, µs.
const RECONNECT: Micros = 1_000_000;
/// How long a consumer waits for the reply to a receive beyond the time for which the bus holds it, µs.
const REPLY_GRACE: Micros = 5_000_000;

impl Consumer {
    /// Returns whether any handler polls for events.
    pub fn polls(&self) -> bool {
        self.polls
    }

    fn set_attachment_timer(&mut self, handler: usize, at: Micros, ctx: &mut Context) {
        debug_assert!(at >= ctx.now, "a heartbeat is due in the future");
        self.heartbeats += 1;
        let is_earlier = |timer: u32| timer < self.heartbeats;
        debug_assert!(self.attachments[handler].timer.is_none_or(is_earlier), "numbers of timers are not reused");
        self.attachments[handler].timer = Some(self.heartbeats);
        ctx.wake(at, Timer::HeartbeatDue(self.heartbeats));
    }

    /// Sets the timers of the first heartbeats of connections.
    pub(super) fn start_attachments(&mut self, ctx: &mut Context) {
        self.assert_valid();
        for handler in 0..self.handlers.len() {
            if self.sessions[handler].is_none()
                && let HandlerAttachment::Connection { heartbeat: Some(heartbeat), .. } = self.handlers[handler].attach
            {
                self.set_attachment_timer(handler, ctx.now + heartbeat / 2, ctx);
            }
        }
    }

    /// Opens all connections again after a restart.
    pub(super) fn restart_attachments(&mut self, now: Micros, ctx: &mut Context) {
        self.assert_valid();
        for handler in 0..self.handlers.len() {
            if self.sessions[handler].is_none() {
                self.reconnect(now, handler, ctx);
            }
        }
    }

    /// Opens a new connection, and tries again until the bus confirms it.
    fn reconnect(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        if let HandlerAttachment::Connection { .. } = self.handlers[handler].attach {
            self.connections += 1;
            let attachment = &mut self.attachments[handler];
            (attachment.incarnation, attachment.is_open) = (attachment.incarnation + 1, false);
            attachment.connection = self.connections;
            self.open(now, handler, ctx);
            let attachment = &self.attachments[handler];
            debug_assert!(!attachment.is_open, "the bus has not confirmed the connection");
            debug_assert!(attachment.timer.is_some(), "the consumer tries again until the bus confirms it");
        }
    }

    /// Asks the bus to open the connection. It asks again as often as it would send heartbeats, so that the replies to these
    /// follow each other within the timeout, however long the messages take.
    fn open(&mut self, now: Micros, handler: usize, ctx: &mut Context) {
        debug_assert!(!self.attachments[handler].is_open, "only a closed connection is opened");
        let HandlerAttachment::Connection { heartbeat, .. } = self.handlers[handler].attach else { return };
        self.report_presence(handler, Presence::Opens, ctx);
        let wait = heartbeat.map_or(RECONNECT, |heartbeat| RECONNECT.min(heartbeat / 2));
        self.set_attachment_timer(handler, now + wait, ctx);
        debug_assert!(self.attachments[handler].timer.is_some(), "the consumer tries again until the bus confirms it");
    }

    pub(super) fn report_presence(&self, handler: usize, presence: Presence, ctx: &mut Context) {
        let incarnation = self.incarnation_of(handler);
        let reliable = match presence {
            // The operating system sends the end of a process's connections until it arrives.
            Presence::Closes => true,
            Presence::Alive => {
                matches!(self.handlers[handler].attach, HandlerAttachment::Connection { reliable: true, .. })
            }
            // The consumer asks again until the bus replies.
            Presence::Opens | Presence::Leaves | Presence::Rejoins => false,
        };
        let heartbeat =
            Heartbeat { subscription: handler as u32, incarnation, presence, reliable, positions: Vec::new() };
        ctx.send(self.handlers[handler].link, Payload::Heartbeat(Arc::new(heartbeat)), About::default());
    }

    /// Handles the timer of an attachment: sends a heartbeat, tries to connect again, or gives up a receive.
    pub(super) fn on_attachment_due(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(number <= self.heartbeats, "the timer was set by this consumer");
        let Some(handler) = self.attachments.iter().position(|attachment| attachment.timer == Some(number)) else {
            return;
        };
        self.attachments[handler].timer = None;
        let attachment = &mut self.attachments[handler];
        debug_assert!(attachment.last_heard <= now, "no confirmation is from the future");
        let heartbeat = match self.handlers[handler].attach {
            HandlerAttachment::Polling { .. } => {
                attachment.receive = None;
                return;
            }
            HandlerAttachment::Connection { heartbeat, .. } => heartbeat,
        };
        let is_silent = heartbeat.is_some_and(|heartbeat| attachment.last_heard + heartbeat <= now);
        match (attachment.is_open, heartbeat) {
            (true, _) if is_silent => self.reconnect(now, handler, ctx),
            (true, None) => {}
            (true, Some(heartbeat)) => {
                self.report_presence(handler, Presence::Alive, ctx);
                self.set_attachment_timer(handler, now + heartbeat / 2, ctx);
            }
            (false, _) => self.open(now, handler, ctx),
        }
    }

    /// Returns whether a lost message about the consumer's presence is still true.
    pub fn is_current(&self, heartbeat: &Heartbeat) -> bool {
        self.incarnation_of(heartbeat.subscription as usize) == heartbeat.incarnation
    }

    /// Returns whether a connection is the present one of a handler.
    pub fn has_connection(&self, connection: u32) -> bool {
        self.attachments.iter().any(|attachment| attachment.connection == connection)
    }

    /// Returns the connection that sends the reply to a delivery again if a link loses it; 0 if none does.
    pub(super) fn resending_connection(&self, delivery: &Delivery) -> u32 {
        if delivery.reliable { self.attachments[delivery.subscription as usize].connection } else { 0 }
    }

    fn incarnation_of(&self, handler: usize) -> u32 {
        match &self.sessions[handler] {
            Some(session) => session.incarnation,
            None => self.attachments[handler].incarnation,
        }
    }

    /// Handles the confirmation of a connection.
    pub fn on_attached(&mut self, now: Micros, handler: u32, incarnation: u32) {
        let attachment = &mut self.attachments[handler as usize];
        debug_assert!(attachment.last_heard <= now, "no confirmation is from the future");
        let has_session = self.sessions[handler as usize].is_some();
        debug_assert!(
            has_session || incarnation <= attachment.incarnation,
            "the bus answers a connection that was opened"
        );
        if attachment.incarnation == incarnation {
            (attachment.is_open, attachment.last_heard) = (true, now);
        }
    }

    /// Handles the end of a connection that the bus closed.
    pub fn on_detached(&mut self, now: Micros, handler: u32, incarnation: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        let has_session = self.sessions[handler as usize].is_some();
        debug_assert!(
            has_session || incarnation <= self.attachments[handler as usize].incarnation,
            "the bus ends a connection that was opened"
        );
        if self.attachments[handler as usize].incarnation == incarnation {
            self.reconnect(now, handler as usize, ctx);
        }
    }

    /// Requests as many events as the consumer can handle, for each handler that polls and has no open receive. `spare` is the
    /// number of free workers, negative if requests wait for one.
    pub fn receive(&mut self, now: Micros, spare: i64, ctx: &mut Context) {
        for handler in 0..self.handlers.len() {
            let HandlerAttachment::Polling { batch, wait, prefetch } = self.handlers[handler].attach else { continue };
            let max_events = i64::from(batch).min(spare + i64::from(prefetch));
            let attachment = &mut self.attachments[handler];
            if max_events <= 0 || attachment.receive.is_some() {
                continue;
            }
            debug_assert!(wait > 0 || batch > 0, "a receive asks for events");
            debug_assert!(attachment.timer.is_none(), "only an open receive has a timer");
            attachment.incarnation += 1;
            attachment.receive = Some(None);
            let receive = Payload::Receive(handler as u32, attachment.incarnation, max_events as u32);
            ctx.send(self.handlers[handler].link, receive, About::default());
            self.set_attachment_timer(handler, now + wait + REPLY_GRACE, ctx);
        }
    }

    /// Handles an empty reply to a receive.
    pub fn on_empty(&mut self, handler: u32, number: u32) {
        let attachment = &mut self.attachments[handler as usize];
        debug_assert!(attachment.receive.is_none() || attachment.timer.is_some(), "an open receive has a timer");
        debug_assert!(number <= attachment.incarnation, "the bus answers a receive that was sent");
        if attachment.incarnation == number {
            (attachment.receive, attachment.timer) = (None, None);
        }
    }

    /// Counts a delivery of the response to a receive, which is complete with the last one.
    pub(super) fn count_received(&mut self, handler: usize, number: u32, batch: u32) {
        debug_assert!(batch > 0, "a batch contains the event");
        let attachment = &mut self.attachments[handler];
        if attachment.incarnation != number {
            return;
        }
        if let Some(missing) = &mut attachment.receive {
            debug_assert!(missing.is_none_or(|missing| missing > 0), "a complete response is closed");
            let left = missing.unwrap_or(batch).saturating_sub(1);
            *missing = Some(left);
            if left == 0 {
                (attachment.receive, attachment.timer) = (None, None);
            }
        }
    }
}
