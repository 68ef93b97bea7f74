//! What a screen reader is told, and how often: faults, staleness and convergence, at most once a second.

use crate::session::protocol::{Mark, MarkKind};
use std::collections::VecDeque;

/// Distance between two messages, ms of true time.
const DISTANCE: f64 = 1000.0;
/// News that wait at most; of older ones the newest count.
const MOST: usize = 3;

/// News that wait to be said.
#[derive(Clone, Debug, Default)]
pub struct Announcer {
    waiting: VecDeque<String>,
    last: Option<f64>,
}

impl Announcer {
    /// Takes note of a mark of the timeline. At high speed only faults and convergence are worth saying.
    pub fn mark(&mut self, mark: &Mark, speed: f64) {
        let text = match mark.kind {
            MarkKind::Update if speed <= 2.0 => format!("published {}", mark.label),
            MarkKind::FirstStale if speed <= 2.0 => mark.label.clone(),
            MarkKind::Update | MarkKind::FirstStale => return,
            MarkKind::Crash
            | MarkKind::Restart
            | MarkKind::Cut
            | MarkKind::Heal
            | MarkKind::Fault
            | MarkKind::Lost
            | MarkKind::FaultEnded
            | MarkKind::Converged => mark.label.clone(),
        };
        self.announce(text);
    }

    /// Says something as soon as it may.
    pub fn announce(&mut self, text: String) {
        self.waiting.push_back(text);
        while self.waiting.len() > MOST {
            self.waiting.pop_front();
        }
    }

    /// What to say now, at `wall` ms of true time.
    pub fn due(&mut self, wall: f64) -> Option<String> {
        if self.waiting.is_empty() || self.last.is_some_and(|last| wall - last < DISTANCE) {
            return None;
        }
        self.last = Some(wall);
        let all: Vec<String> = self.waiting.drain(..).collect();
        Some(all.join("; "))
    }

    /// Whether something waits.
    pub fn waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::NodeId;

    fn mark(kind: MarkKind, label: &str) -> Mark {
        Mark { at: 0, kind, node: NodeId(0), to: None, update: None, label: label.into() }
    }

    #[test]
    fn screen_reader_hears_at_most_one_message_a_second() {
        let mut announcer = Announcer::default();
        announcer.mark(&mark(MarkKind::Update, "a"), 1.0);
        assert_eq!(announcer.due(0.0).as_deref(), Some("published a"));
        announcer.mark(&mark(MarkKind::FirstStale, "b is stale"), 1.0);
        announcer.mark(&mark(MarkKind::Converged, "every copy is consistent"), 1.0);
        assert_eq!(announcer.due(500.0), None);
        assert_eq!(announcer.due(1000.0).as_deref(), Some("b is stale; every copy is consistent"));
        assert_eq!(announcer.due(5000.0), None);
    }

    #[test]
    fn updates_are_not_read_out_at_high_speed() {
        let mut announcer = Announcer::default();
        announcer.mark(&mark(MarkKind::Update, "a"), 10.0);
        announcer.mark(&mark(MarkKind::Crash, "b crashes"), 10.0);
        assert_eq!(announcer.due(0.0).as_deref(), Some("b crashes"));
    }
}
