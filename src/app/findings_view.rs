//! What the page has asked about guarantees, convergence and the reasons of copies.

use crate::scenario::Micros;
use crate::session::protocol::{Finding, Request};
use crate::trace::NodeId;
use std::rc::Rc;

/// Distance between two requests while the run goes on, ms of true time.
const DISTANCE: f64 = 700.0;

/// The verdicts.
#[derive(Clone, Debug, Default)]
pub struct FindingsView {
    /// They are on the page.
    pub open: bool,
    /// The service whose copies are asked about; all unless given.
    pub node: Option<NodeId>,
    /// What was answered.
    pub findings: Rc<Vec<Finding>>,
    /// Whoever follows a story through time keeps it: it is that of this instant until they ask anew.
    pub pinned: Option<Micros>,
    /// The last question, and how far the run was then: its digest tells.
    asked: Option<(Option<NodeId>, String)>,
    waiting: bool,
    last: f64,
}

impl FindingsView {
    /// Whether there is something to ask.
    pub fn is_behind(&self, digest: &str) -> bool {
        self.open
            && self.pinned.is_none()
            && self.asked.as_ref().is_none_or(|(node, at)| *node != self.node || at != digest)
    }

    /// The request that brings the verdicts, if it is time for one.
    pub fn want(&mut self, digest: &str, wall: f64) -> Option<Request> {
        if self.waiting || !self.is_behind(digest) || wall - self.last < DISTANCE {
            return None;
        }
        (self.waiting, self.last) = (true, wall);
        self.asked = Some((self.node, digest.into()));
        Some(Request::Examine { node: self.node })
    }

    /// Takes the answer in.
    pub fn take(&mut self, findings: Vec<Finding>) {
        self.waiting = false;
        self.findings = Rc::new(findings);
    }

    /// What was asked will not be answered; when the run has gone on, it is asked again.
    pub fn unanswered(&mut self) {
        self.waiting = false;
    }

    /// Another run: what was asked will not be answered.
    pub fn forget(&mut self) {
        (self.waiting, self.asked, self.last) = (false, None, f64::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_asked_for_again_when_the_run_has_gone_on() {
        let mut view = FindingsView { last: f64::MIN, ..FindingsView::default() };
        assert_eq!(view.want("a", 0.0), None, "it is closed");
        view.open = true;
        assert_eq!(view.want("a", 0.0), Some(Request::Examine { node: None }));
        assert_eq!(view.want("b", 5000.0), None, "an answer is awaited");
        view.take(Vec::new());
        assert_eq!(view.want("a", 5000.0), None, "nothing has happened");
        assert_eq!(view.want("b", 5000.0), Some(Request::Examine { node: None }));
        view.take(Vec::new());
        view.node = Some(NodeId(1));
        assert_eq!(view.want("b", 9000.0), Some(Request::Examine { node: Some(NodeId(1)) }));
        view.take(Vec::new());
        view.pinned = Some(3);
        assert_eq!(view.want("c", 20_000.0), None, "a story is being followed");
    }
}
