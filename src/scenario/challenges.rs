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
    /// The same in German.
    pub asks_in_german: &'static str,
    /// How much it takes for granted.
    pub level: Difficulty,
    /// Its document, which has one task with the same id.
    pub json: &'static str,
}

macro_rules! challenges {
    ($($id:literal $level:ident: $asks:literal, $german:literal,)*) => {
        /// All challenges, easier ones first.
        pub const CHALLENGES: &[Challenge] = &[$(Challenge {
            id: $id,
            asks: $asks,
            asks_in_german: $german,
            level: Difficulty::$level,
            json: include_str!(concat!("challenges/", $id, ".json")),
        }),*];
    };
}

challenges! {
    "lost-event" Basic: "publish every committed update, although the publisher crashes",
        "veröffentliche jede committete Änderung, obwohl der Sender abstürzt",
    "double-charge" Basic: "charge exactly once, although messages are lost and repeated",
        "buche genau einmal ab, obwohl Nachrichten verloren gehen und sich wiederholen",
    "jammed-queue" Basic: "let a queue go on, although one event fails each time",
        "lass eine Warteschlange weiterlaufen, obwohl ein Event jedes Mal scheitert",
    "angry-user" Basic: "show a user her own write, without slower writes",
        "zeige einer Nutzerin, was sie selbst geschrieben hat, ohne das Schreiben zu verlangsamen",
    "thundering-herd" Intermediate: "let all sixty buyers succeed with few messages",
        "lass alle sechzig Käufer mit wenigen Nachrichten ans Ziel kommen",
    "ghost-item" Intermediate: "keep a deleted account deleted",
        "halte ein gelöschtes Konto gelöscht",
    "lying-clock" Intermediate: "keep the last write, although a clock is wrong",
        "behalte den letzten Schreibvorgang, obwohl eine Uhr falsch geht",
    "cheapest-quorum" Intermediate: "meet a limit of stale reads with the fastest quorum",
        "halte eine Grenze für veraltete Lesevorgänge mit dem schnellsten Quorum ein",
    "lost-book" Intermediate: "keep every addition to a cart, and every removal",
        "behalte jedes Hinzufügen zu einem Wagen und jedes Entfernen",
    "oversold-item" Advanced: "sell the last item once",
        "verkaufe das letzte Stück einmal",
    "split-brain" Advanced: "lose no acknowledged write in a partition",
        "verliere bei einer Netztrennung keinen bestätigten Schreibvorgang",
    "hidden-latency" Advanced: "find a latency by its staleness curve",
        "finde eine Latenz anhand ihrer Veraltungskurve",
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
