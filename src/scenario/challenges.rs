//! Challenges: systems with a defect, and the tasks to repair it. `tests/challenges.rs` tests that each can be solved.

use super::Scenario;
use super::examples::Difficulty;

/// A challenge.
#[derive(Clone, Copy, Debug)]
pub struct Challenge {
    /// Stable id, for `challenge=<id>`.
    pub id: &'static str,
    /// What is to be repaired.
    pub asks: &'static str,
    /// How much it takes for granted.
    pub level: Difficulty,
    /// Its document, which has one task with the same id.
    pub json: &'static str,
}

macro_rules! challenges {
    ($($id:literal $level:ident: $asks:literal,)*) => {
        /// All challenges, easier ones first.
        pub const CHALLENGES: &[Challenge] = &[$(Challenge {
            id: $id,
            asks: $asks,
            level: Difficulty::$level,
            json: include_str!(concat!("challenges/", $id, ".json")),
        }),*];
    };
}

challenges! {
    "lost-event" Basic: "publish every committed update, although the publisher crashes",
    "double-charge" Basic: "charge exactly once, although messages are lost and repeated",
    "jammed-queue" Basic: "let a queue go on, although one event fails each time",
    "angry-user" Basic: "show a user her own write, without slower writes",
    "thundering-herd" Intermediate: "let all sixty buyers succeed with few messages",
    "ghost-item" Intermediate: "keep a deleted account deleted",
    "lying-clock" Intermediate: "keep the last write, although a clock is wrong",
    "cheapest-quorum" Intermediate: "meet a limit of stale reads with the fastest quorum",
    "lost-book" Intermediate: "keep every addition to a cart, and every removal",
    "oversold-item" Advanced: "sell the last item once",
    "split-brain" Advanced: "lose no acknowledged write in a partition",
    "hidden-latency" Advanced: "find a latency by its staleness curve",
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

/// Returns the scenario with which a challenge starts, if the tasks of `document` are those of one.
pub fn start_of(document: &Scenario) -> Option<Scenario> {
    let challenge = find(&document.tasks.first()?.id)?.scenario();
    (challenge.tasks == document.tasks).then_some(challenge)
}
