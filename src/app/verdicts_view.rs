//! The verdicts: guarantees, invariants, convergence, and the reasons why copies are inconsistent.

use crate::scenario::Micros;
use crate::session::protocol::{Query, Request, VerdictStatus, VerdictStep, VerdictView};
use crate::trace::NodeId;
use std::rc::Rc;

/// Least time between two requests while the verdicts are open, ms of real time.
const INTERVAL: f64 = 700.0;
/// Least time between two requests while the verdicts are closed, ms of real time.
const CLOSED_INTERVAL: f64 = 2500.0;

/// The verdicts that the engine has reported, and the last request.
#[derive(Clone, Debug, Default)]
pub struct VerdictsView {
    /// The verdicts are open.
    pub open: bool,
    /// The service whose copies are explained; all services if absent.
    pub node: Option<NodeId>,
    /// What was answered.
    pub findings: Rc<Vec<VerdictView>>,
    /// While the visitor follows a witness through time, the instant whose verdicts stay.
    pub pinned: Option<Micros>,
    /// The finding whose steps are marked on canvas, timeline and diagram, by its title.
    pub lit: Option<String>,
    /// The verdicts were opened once. From then on, a chip on the canvas counts the violated ones.
    watched: bool,
    /// The service of the last request, and the digest of the run.
    asked: Option<(Option<NodeId>, String)>,
    /// A request is pending.
    waiting: bool,
    /// When the last request was made, ms of real time.
    last: f64,
}

impl VerdictsView {
    /// Returns whether the verdicts are older than the run.
    pub fn is_behind(&self, digest: &str) -> bool {
        (self.open || self.watched)
            && self.pinned.is_none()
            && self.asked.as_ref().is_none_or(|(node, at)| *node != self.node || at != digest)
    }

    /// Returns the request for the verdicts, if it is time for one.
    pub fn next_request(&mut self, digest: &str, wall: f64) -> Option<Request> {
        if self.waiting
            || !self.is_behind(digest)
            || wall - self.last < if self.open { INTERVAL } else { CLOSED_INTERVAL }
        {
            return None;
        }
        self.watched = true;
        (self.waiting, self.last) = (true, wall);
        self.asked = Some((self.node, digest.into()));
        Some(Request::Query(Query::Verdicts { node: self.node }))
    }

    /// Stores the verdicts that were asked for.
    pub fn receive(&mut self, findings: Vec<VerdictView>) {
        self.waiting = false;
        self.findings = Rc::new(findings);
    }

    /// Marks the steps of a finding, or no longer if they are.
    pub fn toggle_marked(&mut self, title: String) {
        self.lit = if self.lit.as_ref() == Some(&title) { None } else { Some(title) };
    }

    /// Returns the steps that are marked.
    pub fn marked(&self) -> &[VerdictStep] {
        let lit = self.findings.iter().find(|finding| self.open && self.lit.as_ref() == Some(&finding.title));
        lit.map_or(&[], |finding| &finding.steps)
    }

    /// Returns the number of violated guarantees and invariants, and the first of them.
    pub fn violated(&self) -> (usize, Option<&str>) {
        let is = |finding: &&VerdictView| finding.status == VerdictStatus::Violated && finding.about.is_promise();
        let mut all = self.findings.iter().filter(is).map(|finding| finding.title.as_str()).peekable();
        let first = all.peek().copied();
        (all.count(), first)
    }

    /// Gives up the pending request. The next one follows when the run has changed.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// Gives up the pending request, because the run is at another time, and permits the next one at once. The verdicts
    /// stay until the answer arrives.
    pub fn reset_request(&mut self) {
        (self.waiting, self.asked, self.last) = (false, None, f64::MIN);
    }

    /// Discards all verdicts, because another scenario is opened.
    pub fn clear(&mut self) {
        *self = VerdictsView { open: self.open, last: f64::MIN, ..VerdictsView::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::protocol::VerdictSubject;

    fn finding(about: VerdictSubject, title: &str, status: VerdictStatus) -> VerdictView {
        let step = VerdictStep { at: 5, text: "read".into(), nodes: vec![NodeId(1)] };
        VerdictView { about, title: title.into(), status, because: String::new(), steps: vec![step] }
    }

    #[test]
    fn the_steps_of_a_finding_are_marked_while_it_is_there_and_counted_when_it_is_violated() {
        let mut view = VerdictsView { open: true, ..VerdictsView::default() };
        let never = finding(VerdictSubject::Convergence, "Convergence: will not converge", VerdictStatus::Violated);
        view.receive(vec![
            never,
            finding(VerdictSubject::Guarantee, "Causal", VerdictStatus::Holds),
            finding(VerdictSubject::Guarantee, "Linearizable", VerdictStatus::Violated),
        ]);
        assert_eq!(view.violated(), (1, Some("Linearizable")));
        assert!(view.marked().is_empty());
        view.toggle_marked("Linearizable".into());
        assert_eq!(view.marked().len(), 1);
        view.receive(vec![finding(VerdictSubject::Guarantee, "Causal", VerdictStatus::Holds)]);
        assert!(view.marked().is_empty(), "the verdict is gone");
        view.toggle_marked("Causal".into());
        view.toggle_marked("Causal".into());
        assert!(view.marked().is_empty(), "the second click removes the marks");
    }

    #[test]
    fn a_witness_stays_while_the_visitor_follows_it_and_disappears_with_its_scenario() {
        let mut view = VerdictsView { open: true, pinned: Some(7), ..VerdictsView::default() };
        view.receive(vec![finding(VerdictSubject::Copy, "Why widget at Notification?", VerdictStatus::Violated)]);
        view.toggle_marked("Why widget at Notification?".into());
        view.reset_request();
        assert_eq!((view.findings.len(), view.marked().len()), (1, 1), "a seek in the same run");
        view.clear();
        assert!(view.open && view.findings.is_empty() && view.pinned.is_none() && view.marked().is_empty());
    }

    #[test]
    fn closed_verdicts_are_requested_less_often() {
        let mut view = VerdictsView { open: true, last: f64::MIN, ..VerdictsView::default() };
        assert!(view.next_request("a", 0.0).is_some());
        view.receive(Vec::new());
        view.open = false;
        assert_eq!(view.next_request("b", 2000.0), None, "too soon for closed verdicts");
        assert!(view.next_request("b", 3000.0).is_some());
    }

    #[test]
    fn verdicts_are_requested_again_when_the_run_has_changed() {
        let mut view = VerdictsView { last: f64::MIN, ..VerdictsView::default() };
        assert_eq!(view.next_request("a", 0.0), None, "the verdicts are closed");
        view.open = true;
        assert_eq!(view.next_request("a", 0.0), Some(Request::Query(Query::Verdicts { node: None })));
        assert_eq!(view.next_request("b", 5000.0), None, "a request is pending");
        view.receive(Vec::new());
        assert_eq!(view.next_request("a", 5000.0), None, "the run has not changed");
        assert_eq!(view.next_request("b", 5000.0), Some(Request::Query(Query::Verdicts { node: None })));
        view.receive(Vec::new());
        view.node = Some(NodeId(1));
        assert_eq!(view.next_request("b", 9000.0), Some(Request::Query(Query::Verdicts { node: Some(NodeId(1)) })));
        view.receive(Vec::new());
        view.pinned = Some(3);
        assert_eq!(view.next_request("c", 20_000.0), None, "a witness is followed");
    }
}
