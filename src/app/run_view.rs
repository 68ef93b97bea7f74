//! What the page knows of the run: everything that the session's frames have said so far.

use super::status_text;
use crate::scenario::Micros;
use crate::session::protocol::{
    ActiveFault, BusView, ClientView, CopyState, FaultKind, Frame, Mark, MarkKind, MessageView, ServiceView, Summary,
};
use crate::trace::{DropCause, NodeId};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// How long a lost message stays in sight, of virtual time.
const LINGER: Micros = 1_500_000;
/// How many lost messages are in sight at most.
const MOST_LOST: usize = 6;
/// Marks, and changes of one service's ribbon, that are kept at most; beyond that the oldest half of the marks goes, and that of
/// the ribbon becomes coarser.
const MOST_KEPT: usize = 4_000;

/// A message that did not arrive, still in sight.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// The message.
    pub message: MessageView,
    /// When.
    pub at: Micros,
    /// Why.
    pub cause: DropCause,
}

/// A stretch of time in which a fault lasted.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultBar {
    /// From when.
    pub from: Micros,
    /// Until when; none while it lasts.
    pub to: Option<Micros>,
    /// What began it.
    pub kind: MarkKind,
    /// Where: a crashed service alone, or the ends of a cut link.
    pub ends: (NodeId, Option<NodeId>),
    /// In words.
    pub label: String,
}

/// What a frame changed, for whoever draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Cards, chips or wires look different.
    pub cards: bool,
    /// The timeline has news besides the time.
    pub timeline: bool,
}

/// The run as the page knows it.
#[derive(Clone, Debug, Default)]
pub struct RunView {
    /// Cards of services, by node number.
    pub services: Vec<Rc<ServiceView>>,
    /// Cards of buses, by node number.
    pub buses: BTreeMap<u32, Rc<BusView>>,
    /// Cards of clients, by node number.
    pub clients: BTreeMap<u32, Rc<ClientView>>,
    /// Messages in flight.
    pub flights: BTreeMap<u64, MessageView>,
    /// Messages that were lost lately.
    pub lost: VecDeque<Lost>,
    /// Directed links that are cut.
    pub cut: Rc<Vec<(NodeId, NodeId)>>,
    /// What else is wrong.
    pub active_faults: Rc<Vec<ActiveFault>>,
    /// By service, when its worst state became what.
    pub ribbons: Vec<Vec<(Micros, CopyState)>>,
    /// Marks of the timeline.
    pub marks: Vec<Mark>,
    /// Faults over time.
    pub faults: Vec<FaultBar>,
    /// How the copies stand as a whole.
    pub summary: Rc<Summary>,
    /// Virtual time.
    pub now: Micros,
    /// When the next event is due.
    pub next: Option<Micros>,
    /// The end of the run.
    pub until: Micros,
    /// Records in the log.
    pub records: u64,
    /// Events so far.
    pub events: u64,
    /// Messages in flight.
    pub in_flight: u32,
    /// Digest of the trace.
    pub digest: String,
    /// Why the run cannot go on.
    pub halted: Option<String>,
}

impl RunView {
    /// Takes in what a frame says, and returns what is different now. New marks are appended to `marks`.
    pub fn apply(&mut self, frame: Frame) -> Changes {
        let mut changes = Changes::default();
        if frame.whole {
            *self = RunView::default();
            changes = Changes { cards: true, timeline: true };
        }
        changes.cards |= !(frame.services.is_empty() && frame.buses.is_empty() && frame.clients.is_empty());
        for service in frame.services {
            let i = service.node.index();
            if i < self.services.len() {
                self.services[i] = Rc::new(service);
            } else {
                self.services.push(Rc::new(service));
            }
        }
        self.buses.extend(frame.buses.into_iter().map(|bus| (bus.node.0, Rc::new(bus))));
        self.clients.extend(frame.clients.into_iter().map(|client| (client.node.0, Rc::new(client))));
        self.flights.extend(frame.sent.into_iter().map(|message| (message.id, message)));
        for end in frame.ended {
            let message = self.flights.remove(&end.id);
            if let (Some(cause), Some(message)) = (end.dropped, message) {
                self.lost.push_back(Lost { message, at: end.at, cause });
            }
        }
        while self.lost.len() > MOST_LOST || self.lost.front().is_some_and(|lost| lost.at + LINGER < frame.now) {
            self.lost.pop_front();
        }
        for change in frame.ribbons {
            let i = change.node.index();
            if self.ribbons.len() <= i {
                self.ribbons.resize(i + 1, Vec::new());
            }
            self.ribbons[i].push((change.at, change.state));
            thin_oldest(&mut self.ribbons[i]);
            changes.timeline = true;
        }
        for mark in &frame.marks {
            self.apply_fault(mark);
            changes.timeline = true;
        }
        self.marks.extend(frame.marks);
        forget_oldest(&mut self.marks);
        if *self.cut != frame.cut {
            self.cut = Rc::new(frame.cut);
            changes.cards = true;
        }
        if *self.active_faults != frame.active_faults {
            self.active_faults = Rc::new(frame.active_faults);
            changes.cards = true;
        }
        if *self.summary != frame.summary || self.in_flight != frame.in_flight || self.until != frame.until {
            changes.cards = true;
        }
        if *self.summary != frame.summary {
            self.summary = Rc::new(frame.summary);
        }
        changes.cards |= self.halted != frame.halted;
        self.now = frame.now;
        self.next = frame.next;
        self.until = frame.until;
        self.records = frame.records;
        self.events = frame.events;
        self.in_flight = frame.in_flight;
        self.digest = frame.digest;
        self.halted = frame.halted;
        changes
    }

    fn apply_fault(&mut self, mark: &Mark) {
        // A crash and a slowness of one service are two faults.
        let which = match mark.kind {
            MarkKind::Restart => MarkKind::Crash,
            MarkKind::Heal => MarkKind::Cut,
            MarkKind::FaultEnded => MarkKind::Fault,
            other => other,
        };
        let open = |bar: &FaultBar, ends: (NodeId, Option<NodeId>)| {
            let same = bar.ends == ends || ends.1.is_some_and(|to| bar.ends == (to, Some(ends.0)));
            bar.to.is_none() && same && bar.kind == which
        };
        let ends = (mark.node, mark.to);
        match mark.kind {
            MarkKind::Crash | MarkKind::Cut | MarkKind::Fault => {
                // Both directions of a link are one fault to look at.
                if !self.faults.iter().any(|bar| open(bar, ends)) {
                    self.faults.push(FaultBar {
                        from: mark.at,
                        to: None,
                        ends,
                        kind: mark.kind,
                        label: mark.label.clone(),
                    });
                }
            }
            MarkKind::Restart | MarkKind::Heal | MarkKind::FaultEnded => {
                if let Some(bar) = self.faults.iter_mut().rev().find(|bar| open(bar, ends)) {
                    bar.to = Some(mark.at);
                }
            }
            MarkKind::Update | MarkKind::FirstStale | MarkKind::Converged | MarkKind::Lost => {}
        }
    }

    /// Returns the active faults of a node.
    pub fn active_faults_of(&self, node: usize) -> impl Iterator<Item = FaultKind> {
        let here = move |fault: &&ActiveFault| fault.to.is_none() && fault.node.index() == node;
        self.active_faults.iter().filter(here).map(|fault| fault.kind)
    }

    /// Describes the active faults of a node: `paused · clock −300 ms`.
    pub fn faults_of(&self, node: usize) -> String {
        self.active_faults_of(node).map(status_text::fault).collect::<Vec<String>>().join(" · ")
    }

    /// Whether messages between the two fare badly, in either direction, though no direction is cut.
    pub fn is_disturbed(&self, a: usize, b: usize) -> bool {
        let ends = |trouble: &ActiveFault| (trouble.node.index(), trouble.to.map(NodeId::index));
        self.active_faults.iter().any(|trouble| ends(trouble) == (a, Some(b)) || ends(trouble) == (b, Some(a)))
    }

    /// Whether messages between the two are lost, in either direction.
    pub fn is_cut(&self, a: usize, b: usize) -> bool {
        let (a, b) = (NodeId(a as u32), NodeId(b as u32));
        self.cut.iter().any(|(from, to)| (*from, *to) == (a, b) || (*from, *to) == (b, a))
    }

    /// How many services are stale, conflicted or diverged, in words for the scrubber.
    pub fn said_shortly(&self) -> String {
        let stale = self.services.iter().filter(|service| service.state == CopyState::Stale).count();
        let down = self.services.iter().filter(|service| service.state == CopyState::Down).count();
        let mut parts = vec![match stale {
            0 => "no replica stale".to_string(),
            1 => "1 replica stale".to_string(),
            n => format!("{n} replicas stale"),
        }];
        if down > 0 {
            parts.push(format!("{down} down"));
        }
        parts.join(", ")
    }
}

/// Of the older half of a ribbon, two changes become one with the worse state: what was short is coarser, and never hidden.
fn thin_oldest(ribbon: &mut Vec<(Micros, CopyState)>) {
    if ribbon.len() > MOST_KEPT {
        let newer = ribbon.split_off(MOST_KEPT / 2);
        let pairs =
            ribbon.chunks(2).map(|pair| (pair[0].0, pair.iter().map(|(_, state)| *state).max().unwrap_or_default()));
        *ribbon = pairs.chain(newer).collect();
    }
}

fn forget_oldest<T>(kept: &mut Vec<T>) {
    if kept.len() > MOST_KEPT {
        kept.drain(..kept.len() - MOST_KEPT / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Command, Operation, examples};
    use crate::session::Session;
    use crate::session::protocol::{Report, Request, RibbonChange, ScenarioJson, ToEngine};

    fn ask(session: &mut Session, view: &mut RunView, request: Request) {
        match session.handle(ToEngine { epoch: 1, request }).report {
            Report::Frame(frame) => {
                view.apply(*frame);
            }
            other => panic!("no frame but {other:?}"),
        }
    }

    fn opened(id: &str) -> (Session, RunView) {
        let scenario = examples::find(id).expect("the example").scenario();
        let (mut session, mut view) = (Session::default(), RunView::default());
        ask(&mut session, &mut view, Request::Load { scenario: ScenarioJson::from(&scenario), at: 0 });
        (session, view)
    }

    #[test]
    fn published_update_is_seen_moving_then_stale_then_consistent() {
        let (mut session, mut view) = opened("first-update");
        assert_eq!(view.services.len(), 2);
        let operation = Operation::Write { key: "widget".into(), value: 51.into() };
        ask(
            &mut session,
            &mut view,
            Request::Act { command: Command::Operate { service: "inventory".into(), operation, poison: false } },
        );
        let mut states = Vec::new();
        let mut most_flights = 0;
        for ms in 0..300 {
            ask(&mut session, &mut view, Request::Advance { to: ms * 10_000, budget: 10_000 });
            most_flights = most_flights.max(view.flights.len());
            let state = view.services[1].state;
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
        assert_eq!(states, [CopyState::Consistent, CopyState::Stale, CopyState::Consistent]);
        assert!(most_flights > 0);
        assert!(view.flights.is_empty(), "{:?}", view.flights);
        assert_eq!(view.marks.iter().filter(|mark| mark.kind == MarkKind::Update).count(), 1);
        assert!(view.summary.window.is_some());
    }

    #[test]
    fn lost_message_stays_in_sight_with_its_reason_and_then_goes() {
        let (mut session, mut view) = opened("lost-event");
        let mut seen = Vec::new();
        for ms in 0..600 {
            ask(&mut session, &mut view, Request::Advance { to: ms * 10_000, budget: 10_000 });
            if let Some(lost) = view.lost.back() {
                seen.push(lost.cause);
            }
        }
        assert!(seen.contains(&DropCause::LinkCut));
        assert!(view.lost.is_empty());
    }

    #[test]
    fn cut_of_both_directions_is_one_fault_until_it_is_healed() {
        let (mut session, mut view) = opened("lost-event");
        ask(&mut session, &mut view, Request::Advance { to: 2_000_000, budget: 100_000 });
        assert_eq!(view.faults.len(), 1);
        assert_eq!(view.faults[0].to, None);
        assert!(view.is_cut(2, 1));
        ask(&mut session, &mut view, Request::Advance { to: 6_000_000, budget: 100_000 });
        assert_eq!((view.faults[0].from, view.faults[0].to), (1_400_000, Some(3_500_000)));
        assert!(!view.is_cut(2, 1));
    }

    #[test]
    fn seeking_back_shows_what_playing_showed() {
        let (mut session, mut view) = opened("inventory-notification");
        ask(&mut session, &mut view, Request::Advance { to: 1_700_000, budget: 100_000 });
        let (services, flights, ribbons) = (view.services.clone(), view.flights.clone(), view.ribbons.clone());
        ask(&mut session, &mut view, Request::Advance { to: 6_000_000, budget: 100_000 });
        ask(&mut session, &mut view, Request::Seek { to: 1_700_000 });
        assert_eq!(view.services, services);
        assert_eq!(view.flights, flights);
        assert_eq!(view.ribbons, ribbons);
    }

    #[test]
    fn long_run_keeps_a_bounded_number_of_marks_and_ribbon_changes() {
        let mut view = RunView::default();
        for at in 0..20_000 {
            let state = if at % 2 == 0 { CopyState::Stale } else { CopyState::Consistent };
            let change = RibbonChange { node: NodeId(0), at, state };
            let mark =
                Mark { at, kind: MarkKind::Update, node: NodeId(0), to: None, update: None, label: String::new() };
            view.apply(Frame { now: at, ribbons: vec![change], marks: vec![mark], ..Frame::default() });
        }
        assert!(view.marks.len() <= MOST_KEPT && view.ribbons[0].len() <= MOST_KEPT);
        assert_eq!(view.marks.last().map(|mark| mark.at), Some(19_999));
        assert_eq!(view.ribbons[0].last(), Some(&(19_999, CopyState::Consistent)));
    }
}
