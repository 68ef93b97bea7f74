//! Challenges: systems with a defect, and the tasks to repair it. `tests/challenges.rs` tests that each can be solved.

use crate::scenario::Scenario;

/// A challenge.
#[derive(Clone, Copy, Debug)]
pub struct Challenge {
    /// Stable id, for `challenge=<id>`.
    pub id: &'static str,
    /// Its document, which has one task with the same id.
    pub json: &'static str,
}

macro_rules! challenges {
    ($($id:literal,)*) => {
        /// All challenges, easier ones first.
        pub const CHALLENGES: &[Challenge] =
            &[$(Challenge { id: $id, json: include_str!(concat!("challenges/", $id, ".json")) }),*];
    };
}

challenges! {
    "lost-event",
    "double-charge",
    "jammed-queue",
    "angry-user",
    "thundering-herd",
    "ghost-item",
    "lying-clock",
    "cheapest-quorum",
    "lost-book",
    "oversold-item",
    "split-brain",
    "hidden-latency",
}

impl Challenge {
    /// Returns its scenario.
    pub fn scenario(&self) -> Scenario {
        let read = Scenario::from_json(self.json);
        read.unwrap_or_else(|errors| panic!("the challenge {} is not valid: {errors:?}", self.id))
    }
}

/// Returns the challenge with an id.
pub fn find(id: &str) -> Option<&'static Challenge> {
    CHALLENGES.iter().find(|challenge| challenge.id == id)
}
