//! The limits of a run on the events that it processes and the memory that it uses, so that no scenario runs for ever or
//! exhausts the memory.

use crate::scenario::Micros;
use crate::trace::NodeId;

/// The limits of a run. A run that exceeds one halts; everything before that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events at one instant of virtual time.
    pub events_at_one_instant: u64,
    /// Events in all.
    pub events: u64,
    /// Messages in flight.
    pub messages_in_flight: u64,
    /// Estimated memory of the run with its analysis, bytes.
    pub memory: u64,
}

impl Limits {
    /// The default limits, on the page as on the command line.
    pub const DEFAULT: Limits =
        Limits { events_at_one_instant: 500_000, events: 50_000_000, messages_in_flight: 200_000, memory: 256 << 20 };

    /// The default limits with another maximum of events.
    pub fn with_events(events: u64) -> Limits {
        Limits { events, ..Limits::DEFAULT }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}

/// The limit that a run exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltCause {
    /// [`Limits::events_at_one_instant`].
    EventsAtOneInstant,
    /// [`Limits::events`].
    Events,
    /// [`Limits::messages_in_flight`].
    MessagesInFlight,
    /// [`Limits::memory`].
    Memory,
    /// A person stopped it.
    Interrupted,
}

/// Why, when and where a run halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The limit that it exceeded.
    pub cause: HaltCause,
    /// The limit's value; 0 if a person stopped it.
    pub limit: u64,
    /// The virtual time.
    pub at: Micros,
    /// The node that handled the last event.
    pub node: NodeId,
}
