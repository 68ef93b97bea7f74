//! The verdicts: guarantees, invariants, convergence, and the reasons why copies are inconsistent.

use crate::scenario::Micros;
use crate::session::protocol::{Query, Request, VerdictStatus, VerdictStep, VerdictSubject, VerdictView};
use crate::trace::NodeId;
use std::rc::Rc;

/// Least time between two requests, ms of real time.
const INTERVAL: f64 = 700.0;
/// The wait before a request, as a multiple of the time that the last answer took. It limits the share of the engine's time
/// that the verdicts take.
const WAIT_FACTOR: f64 = 8.0;

/// The verdicts that the engine has reported, and the last request.
#[derive(Clone, Debug, Default)]
pub struct VerdictsView {
    /// Whether the verdicts are open.
    pub open: bool,
    /// The last answer.
    pub findings: Rc<Vec<VerdictView>>,
    /// The instant whose verdicts stay while the visitor follows a witness through time.
    pub pinned: Option<Micros>,
    /// The finding whose steps are marked on canvas, timeline and diagram, by its id.
    pub lit: Option<String>,
    /// Whether the run has begun: from then on, chips over the canvas show the verdicts.
    begun: bool,
    /// The service of the last request, and the digest of the run.
    asked: Option<(Option<NodeId>, String)>,
    /// Whether a request is pending.
    waiting: bool,
    /// Whether the engine has not finished the verdicts of the last request, which is to be repeated.
    is_unfinished: bool,
    /// When the last request was made, ms of real time.
    last: f64,
    /// Whether the last answer has arrived, and its duration is not known yet.
    is_answered: bool,
    /// How long the last answer took, ms of real time.
    took: f64,
}

impl VerdictsView {
    /// Reports whether the run has begun. Before, there are no verdicts.
    pub fn watch(&mut self, begun: bool) {
        self.begun = begun;
        if !begun && !self.open {
            self.findings = Rc::default();
        }
    }

    /// Returns whether the verdicts are older than the run, or explain another service first.
    pub fn is_behind(&self, digest: &str, first: Option<NodeId>) -> bool {
        (self.open || self.begun)
            && self.pinned.is_none()
            && self.asked.as_ref().is_none_or(|(node, at)| *node != first || at != digest)
    }

    /// Returns the request for the verdicts, if it is time for one. `first` is the service to explain before all others.
    pub fn next_request(&mut self, digest: &str, first: Option<NodeId>, wall: f64) -> Option<Request> {
        if std::mem::take(&mut self.is_answered) {
            self.took = (wall - self.last).clamp(0.0, INTERVAL);
        }
        if self.is_unfinished && !self.waiting {
            (self.waiting, self.is_unfinished) = (true, false);
            let node = self.asked.as_ref().and_then(|(node, _)| *node);
            return Some(Request::Query(Query::Verdicts { node }));
        }
        if self.waiting || !self.is_behind(digest, first) || wall - self.last < INTERVAL.max(WAIT_FACTOR * self.took) {
            return None;
        }
        (self.waiting, self.last) = (true, wall);
        self.asked = Some((first, digest.into()));
        Some(Request::Query(Query::Verdicts { node: first }))
    }

    /// Repeats the last request, because the engine has not finished.
    pub fn continue_later(&mut self) {
        (self.waiting, self.is_unfinished) = (false, true);
    }

    /// Stores the verdicts that were asked for.
    pub fn receive(&mut self, findings: Vec<VerdictView>) {
        (self.waiting, self.is_answered) = (false, true);
        self.findings = Rc::new(findings);
    }

    /// Returns whether the copies converge, if that is known.
    pub fn convergence(&self) -> Option<VerdictStatus> {
        let about = |finding: &&VerdictView| finding.about == VerdictSubject::Convergence;
        self.findings.iter().find(about).map(|finding| finding.status)
    }

    /// Returns the explanations of a service's copies.
    pub fn reasons(&self, node: NodeId) -> impl Iterator<Item = &VerdictView> {
        self.findings.iter().filter(move |finding| finding.node == Some(node))
    }

    /// Opens a verdict with its steps marked.
    pub fn mark(&mut self, id: String) {
        self.lit = Some(id);
    }

    /// Marks the steps of a finding, or no longer if they are.
    pub fn toggle_marked(&mut self, id: String) {
        self.lit = if self.lit.as_ref() == Some(&id) { None } else { Some(id) };
    }

    /// Returns the steps that are marked.
    pub fn marked(&self) -> &[VerdictStep] {
        let lit = self.findings.iter().find(|finding| self.open && self.lit.as_ref() == Some(&finding.id));
        lit.map_or(&[], |finding| &finding.steps)
    }

    /// Returns the violated guarantees and invariants.
    pub fn violated(&self) -> impl Iterator<Item = &VerdictView> {
        let is = |finding: &&VerdictView| finding.status == VerdictStatus::Violated && finding.about.is_promise();
        self.findings.iter().filter(is)
    }

    /// Gives up the pending request and returns whether there was one. The next one follows when the run has changed.
    pub fn cancel_request(&mut self) -> bool {
        self.is_unfinished = false;
        std::mem::take(&mut self.waiting)
    }

    /// Gives up the pending request, because the run is at another time, and permits the next one at once. The verdicts
    /// stay until the answer arrives.
    pub fn reset_request(&mut self) {
        (self.waiting, self.is_unfinished, self.asked, self.last) = (false, false, None, f64::MIN);
    }

    /// Discards all verdicts, because another scenario is opened.
    pub fn clear(&mut self) {
        *self = VerdictsView { open: self.open, last: f64::MIN, ..VerdictsView::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(about: VerdictSubject, title: &str, status: VerdictStatus) -> VerdictView {
        let step = VerdictStep { at: 5, text: "read".into(), nodes: vec![NodeId(1)] };
        VerdictView {
            about,
            node: None,
            id: title.into(),
            title: title.into(),
            status,
            because: String::new(),
            steps: vec![step],
        }
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
        assert_eq!(view.violated().map(|finding| finding.id.as_str()).collect::<Vec<_>>(), ["Linearizable"]);
        assert_eq!(view.convergence(), Some(VerdictStatus::Violated));
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
        view.receive(vec![finding(
            VerdictSubject::Copy,
            "Why is widget stale at Notification?",
            VerdictStatus::Violated,
        )]);
        view.toggle_marked("Why is widget stale at Notification?".into());
        view.reset_request();
        assert_eq!((view.findings.len(), view.marked().len()), (1, 1), "a seek in the same run");
        view.clear();
        assert!(view.open && view.findings.is_empty() && view.pinned.is_none() && view.marked().is_empty());
    }

    #[test]
    fn verdicts_are_requested_from_the_start_of_a_run_and_less_often_if_they_take_long() {
        let mut view = VerdictsView { last: f64::MIN, ..VerdictsView::default() };
        view.watch(false);
        assert_eq!(view.next_request("a", None, 0.0), None, "nothing has happened yet");
        view.watch(true);
        assert!(view.next_request("a", None, 0.0).is_some());
        view.receive(Vec::new());
        assert_eq!(view.next_request("b", None, 300.0), None, "the answer took 300 ms");
        assert_eq!(view.next_request("b", None, 2000.0), None, "too soon after a slow answer");
        assert!(view.next_request("b", None, 2400.0).is_some());
    }

    #[test]
    fn unfinished_verdicts_are_requested_again_at_once() {
        let mut view = VerdictsView { open: true, last: f64::MIN, ..VerdictsView::default() };
        let request = view.next_request("a", None, 0.0);
        view.continue_later();
        assert_eq!(view.next_request("b", None, 1.0), request, "the engine continues");
        assert_eq!(view.next_request("b", None, 2.0), None, "a request is pending");
        view.receive(Vec::new());
        assert_eq!(view.next_request("b", None, 3.0), None, "the next round waits");
    }

    #[test]
    fn verdicts_are_requested_again_when_the_run_has_changed() {
        let mut view = VerdictsView { last: f64::MIN, ..VerdictsView::default() };
        assert_eq!(view.next_request("a", None, 0.0), None, "the verdicts are closed");
        view.open = true;
        assert_eq!(view.next_request("a", None, 0.0), Some(Request::Query(Query::Verdicts { node: None })));
        assert_eq!(view.next_request("b", None, 5000.0), None, "a request is pending");
        view.receive(Vec::new());
        assert_eq!(view.next_request("a", None, 50_000.0), None, "the run has not changed");
        assert_eq!(view.next_request("b", None, 50_000.0), Some(Request::Query(Query::Verdicts { node: None })));
        view.receive(Vec::new());
        let first = Some(NodeId(1));
        assert_eq!(
            view.next_request("b", first, 90_000.0),
            Some(Request::Query(Query::Verdicts { node: Some(NodeId(1)) }))
        );
        view.receive(Vec::new());
        view.pinned = Some(3);
        assert_eq!(view.next_request("c", first, 200_000.0), None, "a witness is followed");
    }
}
