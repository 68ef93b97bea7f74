//! Challenges: systems with a defect, and the tasks to repair it. `tests/challenges.rs` tests that each can be solved.

use super::Scenario;
use super::examples::Difficulty;

/// A challenge.
#[derive(Clone, Copy, Debug)]
pub struct Challenge {
    /// Stable id, for `challenge=<id>`.
    pub id: &'static str,
    /// How much it takes for granted.
    pub level: Difficulty,
    /// Its document, which has one task with the same id.
    pub json: &'static str,
}

macro_rules! challenges {
    ($($id:literal $level:ident,)*) => {
        /// All challenges, easier ones first.
        pub const CHALLENGES: &[Challenge] = &[$(Challenge {
            id: $id,
            level: Difficulty::$level,
            json: include_str!(concat!("challenges/", $id, ".json")),
        }),*];
    };
}

challenges! {
    "lost-event" Basic,
    "double-charge" Basic,
    "jammed-queue" Basic,
    "angry-user" Basic,
    "thundering-herd" Intermediate,
    "ghost-item" Intermediate,
    "lying-clock" Intermediate,
    "cheapest-quorum" Intermediate,
    "lost-book" Intermediate,
    "oversold-item" Advanced,
    "split-brain" Advanced,
    "hidden-latency" Advanced,
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
