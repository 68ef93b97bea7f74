//! Halts a run at its limits.

use super::Engine;
use super::limits::{Halt, HaltCause, Limits};
use super::node::Node;
use crate::scenario::Micros;

/// Estimated memory of a message in flight, bytes, without the elements of its data.
const PER_MESSAGE: u64 = 250;
/// Estimated memory of an element of data in a message, bytes.
const PER_ELEMENT: u64 = 64;
/// Estimated memory of a scheduled event, bytes.
const PER_SCHEDULED_EVENT: u64 = 24;
/// Estimated memory of an entry of a queue or a log, bytes.
const PER_ENTRY: u64 = 160;

impl Engine {
    /// Sets the limits of the run.
    pub fn set_limits(&mut self, limits: Limits) {
        debug_assert!(self.halt.is_none(), "the limits of a halted run are not changed");
        self.limits = limits;
    }

    /// Returns the limits of the run.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Halts the run, unless it was halted before.
    pub fn halt_at(&mut self, cause: HaltCause) {
        debug_assert!(self.halt.is_none_or(|halt| halt.at == self.ctx.now), "a halted run does not advance");
        let limit = match cause {
            HaltCause::EventsAtOneInstant => self.limits.events_at_one_instant,
            HaltCause::Events => self.limits.events,
            HaltCause::MessagesInFlight => self.limits.messages_in_flight,
            HaltCause::Memory => self.limits.memory,
            HaltCause::Interrupted => 0,
        };
        let halt = Halt { cause, limit, at: self.ctx.now, node: self.ctx.node };
        self.halt.get_or_insert(halt);
        debug_assert!(self.next_at().is_none(), "a halted run processes no event");
    }

    /// Returns the estimated memory of the engine, bytes: the messages in flight, the scheduled events, the queues and logs of
    /// nodes, and the trace. It depends on the run alone, so a run halts at the same event on every platform.
    pub fn memory(&self) -> u64 {
        let entries: u64 = self.nodes.iter().map(Node::entries).sum();
        self.in_flight_memory()
            + self.ctx.queue.len() as u64 * PER_SCHEDULED_EVENT
            + entries * PER_ENTRY
            + self.ctx.trace.memory()
    }

    fn in_flight_memory(&self) -> u64 {
        let network = &self.ctx.network;
        network.counts().in_flight * PER_MESSAGE + network.elements_in_flight() * PER_ELEMENT
    }

    /// Halts the run if the messages in flight exceed a limit. Messages with much data fill the memory within a few events,
    /// so this is checked after each.
    #[inline]
    pub(super) fn check_in_flight(&mut self) {
        debug_assert!(self.halt.is_none(), "a halted run processes no events");
        if self.ctx.network.counts().in_flight > self.limits.messages_in_flight {
            self.halt_at(HaltCause::MessagesInFlight);
        } else if self.in_flight_memory() > self.limits.memory {
            self.halt_at(HaltCause::Memory);
        }
        let is_below = self.ctx.network.counts().in_flight <= self.limits.messages_in_flight;
        debug_assert!(is_below || self.halt.is_some(), "a run that exceeds a limit halts");
    }

    /// Counts an event at an instant, and halts the run if that exceeds a limit. Returns whether the event may be processed.
    #[inline]
    pub(super) fn count_event(&mut self, at: Micros) -> bool {
        debug_assert!(at >= self.ctx.now, "time does not go back");
        debug_assert!(self.halt.is_none(), "a halted run processes no events");
        if at != self.ctx.now {
            self.events_at_instant = 0;
        }
        if self.events_at_instant >= self.limits.events_at_one_instant {
            self.halt_at(HaltCause::EventsAtOneInstant);
            return false;
        }
        if self.events >= self.limits.events {
            self.halt_at(HaltCause::Events);
            return false;
        }
        self.events_at_instant += 1;
        self.events += 1;
        true
    }
}
