//! Announcements for screen readers: faults, staleness and convergence, at most one announcement a second.

use crate::session::protocol::{Mark, MarkKind};
use crate::text;
use std::collections::VecDeque;

/// The minimum time between two announcements, ms of real time.
const INTERVAL: f64 = 1000.0;
/// The maximum number of pending announcements. Beyond it, the oldest are discarded.
const MAX_PENDING: usize = 6;

/// Pending announcements.
#[derive(Clone, Debug, Default)]
pub struct Announcer {
    pending: VecDeque<String>,
    last_at: Option<f64>,
}

impl Announcer {
    /// Announces a mark of the timeline. At high speed, only faults and convergence are announced.
    pub fn mark(&mut self, mark: &Mark, speed: f64) {
        let text = match mark.kind {
            MarkKind::Update if speed <= 2.0 => text!("published {}", mark.label),
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

    /// Adds an announcement.
    pub fn announce(&mut self, text: String) {
        self.pending.push_back(text);
        while self.pending.len() > MAX_PENDING {
            self.pending.pop_front();
        }
    }

    /// Returns the text to announce at `wall` ms of real time, if it is time for one.
    pub fn due(&mut self, wall: f64) -> Option<String> {
        if self.pending.is_empty() || self.last_at.is_some_and(|last_at| wall - last_at < INTERVAL) {
            return None;
        }
        self.last_at = Some(wall);
        let texts: Vec<String> = self.pending.drain(..).collect();
        Some(texts.join("; "))
    }

    /// Returns whether announcements are pending.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
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
    fn there_is_at_most_one_announcement_a_second() {
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
    fn the_marks_of_a_publication_do_not_displace_the_announcement_of_an_action() {
        let mut announcer = Announcer::default();
        announcer.announce("New branch".into());
        for (kind, label) in [(MarkKind::Update, "a"), (MarkKind::Update, "b"), (MarkKind::FirstStale, "c is stale")] {
            announcer.mark(&mark(kind, label), 1.0);
        }
        assert_eq!(announcer.due(0.0).as_deref(), Some("New branch; published a; published b; c is stale"));
    }

    #[test]
    fn updates_are_not_announced_at_high_speed() {
        let mut announcer = Announcer::default();
        announcer.mark(&mark(MarkKind::Update, "a"), 10.0);
        announcer.mark(&mark(MarkKind::Crash, "b crashes"), 10.0);
        assert_eq!(announcer.due(0.0).as_deref(), Some("b crashes"));
    }
}
