//! The states of all copies, counted.

use super::content::UpdateView;
use crate::scenario::Micros;
use serde::{Deserialize, Serialize};

/// The states of all copies, counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Copies (a service and a key) that should reflect some update.
    pub copies: u32,
    /// Copies that are stale.
    pub stale: u32,
    /// Copies that have diverged.
    pub diverged: u32,
    /// Copies that show siblings.
    pub conflicted: u32,
    /// Lost updates of replica groups.
    pub lost: u32,
    /// Services that are down.
    pub down: u32,
    /// Updates acknowledged so far.
    pub acknowledged: u64,
    /// Events that are queued or unacknowledged, over all buses.
    pub queued: u32,
    /// Events in dead-letter queues.
    pub dead: u32,
    /// Blocking calls and operations in flight.
    pub pending: u32,
    /// The last inconsistency window that closed.
    pub window: Option<Window>,
}

/// An inconsistency window: from an update's acknowledgement until every copy reflected it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The update.
    pub update: UpdateView,
    /// Its length, µs.
    pub took: Micros,
    /// Whether a copy that reflected the update misses it again.
    pub missed_again: bool,
}
