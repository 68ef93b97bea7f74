//! What the page has asked about guarantees, convergence and the reasons of copies.

use crate::scenario::Micros;
use crate::session::protocol::{Query, Request, VerdictStatus, VerdictStep, VerdictView};
use crate::trace::NodeId;
use std::rc::Rc;

/// Distance between two requests while the run goes on, ms of true time.
const DISTANCE: f64 = 700.0;
/// The same while the verdicts are not on the page.
const FAR: f64 = 2500.0;

/// The verdicts.
#[derive(Clone, Debug, Default)]
pub struct VerdictsView {
    /// They are on the page.
    pub open: bool,
    /// The service whose copies are asked about; all unless given.
    pub node: Option<NodeId>,
    /// What was answered.
    pub findings: Rc<Vec<VerdictView>>,
    /// Whoever follows a story through time keeps it: it is that of this instant until they ask anew.
    pub pinned: Option<Micros>,
    /// The finding whose steps are marked on canvas, timeline and diagram, by its title.
    pub lit: Option<String>,
    /// They have been asked for, so that how many are violated is told over the canvas from then on.
    watched: bool,
    /// The last question, and how far the run was then: its digest tells.
    asked: Option<(Option<NodeId>, String)>,
    waiting: bool,
    last: f64,
}

impl VerdictsView {
    /// Whether there is something to ask.
    pub fn is_behind(&self, digest: &str) -> bool {
        (self.open || self.watched)
            && self.pinned.is_none()
            && self.asked.as_ref().is_none_or(|(node, at)| *node != self.node || at != digest)
    }

    /// The request that brings the verdicts, if it is time for one.
    pub fn next_request(&mut self, digest: &str, wall: f64) -> Option<Request> {
        if self.waiting || !self.is_behind(digest) || wall - self.last < if self.open { DISTANCE } else { FAR } {
            return None;
        }
        self.watched = true;
        (self.waiting, self.last) = (true, wall);
        self.asked = Some((self.node, digest.into()));
        Some(Request::Query(Query::Verdicts { node: self.node }))
    }

    /// Takes the answer in.
    pub fn receive(&mut self, findings: Vec<VerdictView>) {
        self.waiting = false;
        self.findings = Rc::new(findings);
    }

    /// Marks the steps of a finding, or no longer if they are.
    pub fn toggle_marked(&mut self, title: String) {
        self.lit = if self.lit.as_ref() == Some(&title) { None } else { Some(title) };
    }

    /// The steps that are marked.
    pub fn marked(&self) -> &[VerdictStep] {
        let lit = self.findings.iter().find(|finding| self.open && self.lit.as_ref() == Some(&finding.title));
        lit.map_or(&[], |finding| &finding.steps)
    }

    /// How many guarantees and invariants were violated when they were last asked for, and the first of them.
    pub fn violated(&self) -> (usize, Option<&str>) {
        let is = |finding: &&VerdictView| finding.standing == VerdictStatus::Violated && finding.about.is_promise();
        let mut all = self.findings.iter().filter(is).map(|finding| finding.title.as_str()).peekable();
        let first = all.peek().copied();
        (all.count(), first)
    }

    /// What was asked will not be answered; when the run has gone on, it is asked again.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// The run stands elsewhere, and is asked at once. Until it has answered what was found stays, and a story that is
    /// followed through time stays in any case.
    pub fn reset_request(&mut self) {
        (self.waiting, self.asked, self.last) = (false, None, f64::MIN);
    }

    /// Another scenario: nothing that was found is about it.
    pub fn clear(&mut self) {
        *self = VerdictsView { open: self.open, last: f64::MIN, ..VerdictsView::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::protocol::VerdictSubject;

    fn finding(about: VerdictSubject, title: &str, standing: VerdictStatus) -> VerdictView {
        let step = VerdictStep { at: 5, text: "read".into(), nodes: vec![NodeId(1)] };
        VerdictView { about, title: title.into(), standing, because: String::new(), steps: vec![step] }
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
        assert!(view.marked().is_empty(), "it is no more");
        view.toggle_marked("Causal".into());
        view.toggle_marked("Causal".into());
        assert!(view.marked().is_empty(), "twice is off");
    }

    #[test]
    fn a_story_stays_while_it_is_followed_through_time_and_goes_with_its_scenario() {
        let mut view = VerdictsView { open: true, pinned: Some(7), ..VerdictsView::default() };
        view.receive(vec![finding(VerdictSubject::Copy, "Why widget at Notification?", VerdictStatus::Violated)]);
        view.toggle_marked("Why widget at Notification?".into());
        view.reset_request();
        assert_eq!((view.findings.len(), view.marked().len()), (1, 1), "it was only a jump");
        view.clear();
        assert!(view.open && view.findings.is_empty() && view.pinned.is_none() && view.marked().is_empty());
    }

    #[test]
    fn verdicts_that_were_asked_for_once_stay_live_behind_a_closed_panel() {
        let mut view = VerdictsView { open: true, last: f64::MIN, ..VerdictsView::default() };
        assert!(view.next_request("a", 0.0).is_some());
        view.receive(Vec::new());
        view.open = false;
        assert_eq!(view.next_request("b", 2000.0), None, "rarely");
        assert!(view.next_request("b", 3000.0).is_some());
    }

    #[test]
    fn verdicts_are_asked_for_again_when_the_run_has_gone_on() {
        let mut view = VerdictsView { last: f64::MIN, ..VerdictsView::default() };
        assert_eq!(view.next_request("a", 0.0), None, "it is closed");
        view.open = true;
        assert_eq!(view.next_request("a", 0.0), Some(Request::Query(Query::Verdicts { node: None })));
        assert_eq!(view.next_request("b", 5000.0), None, "an answer is awaited");
        view.receive(Vec::new());
        assert_eq!(view.next_request("a", 5000.0), None, "nothing has happened");
        assert_eq!(view.next_request("b", 5000.0), Some(Request::Query(Query::Verdicts { node: None })));
        view.receive(Vec::new());
        view.node = Some(NodeId(1));
        assert_eq!(view.next_request("b", 9000.0), Some(Request::Query(Query::Verdicts { node: Some(NodeId(1)) })));
        view.receive(Vec::new());
        view.pinned = Some(3);
        assert_eq!(view.next_request("c", 20_000.0), None, "a story is being followed");
    }
}
