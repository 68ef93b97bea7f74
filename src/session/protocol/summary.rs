//! How the copies stand as a whole, in every frame.

use crate::scenario::Micros;
use crate::wire::Wire;

/// How the copies stand as a whole.
#[derive(Clone, Debug, Default, PartialEq, Wire)]
pub struct Summary {
    /// Copies (a service and a key) that should reflect some update.
    pub copies: u32,
    /// Of these, stale.
    pub stale: u32,
    /// Of these, diverged.
    pub diverged: u32,
    /// Of these, showing siblings.
    pub conflicted: u32,
    /// Acknowledged writes that were lost to others.
    pub lost: u32,
    /// Services that are down.
    pub down: u32,
    /// Updates acknowledged so far.
    pub acknowledged: u64,
    /// Events in queues and unacknowledged, over all buses.
    pub queued: u32,
    /// Events in dead-letter queues.
    pub dead: u32,
    /// Blocking calls and operations under way.
    pub pending: u32,
    /// The last inconsistency window that closed, and its update.
    pub window: Option<Window>,
}

/// An inconsistency window: from an update's acknowledgement until every copy reflected it.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct Window {
    /// The update.
    pub update: u32,
    /// What it says: `widget = 42 (v3)`.
    pub label: String,
    /// How long it was open.
    pub took: Micros,
}
