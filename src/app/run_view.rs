//! The run as the page knows it: the sum of the session's frames.

use super::status_text;
use crate::scenario::Micros;
use crate::session::protocol::{
    ActiveFault, BusView, ClientView, CopyState, FaultKind, Frame, Mark, MarkKind, MessageView, ServiceView, Summary,
};
use crate::text;
use crate::trace::{DropCause, NodeId};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// How long a lost message remains visible, in virtual time.
pub const LOST_VISIBLE: Micros = 1_500_000;
/// The maximum number of visible lost messages.
const MAX_LOST: usize = 6;
/// The maximum number of marks, and of changes of one service's ribbon. Beyond it, the older half of the marks is
/// discarded, and the older half of the ribbon becomes coarser.
const MAX_HISTORY: usize = 4_000;

/// A lost message that is still visible.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    /// The message.
    pub message: MessageView,
    /// When it was lost.
    pub at: Micros,
    /// Why it was lost.
    pub cause: DropCause,
}

/// A fault with its duration.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultBar {
    /// When it began.
    pub from: Micros,
    /// When it ended; absent while it is active.
    pub to: Option<Micros>,
    /// The mark that began it.
    pub kind: MarkKind,
    /// The node, or both ends of the link.
    pub ends: (NodeId, Option<NodeId>),
    /// Its description.
    pub label: String,
}

/// The parts of the page that a frame has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Cards, chips or links.
    pub cards: bool,
    /// The timeline, apart from the current time.
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
    pub messages: BTreeMap<u64, MessageView>,
    /// Messages that were lost recently.
    pub lost: VecDeque<Lost>,
    /// Directed links that are cut.
    pub cut: Rc<Vec<(NodeId, NodeId)>>,
    /// Other active faults.
    pub active_faults: Rc<Vec<ActiveFault>>,
    /// The changes of the worst state of each service.
    pub ribbons: Vec<Vec<(Micros, CopyState)>>,
    /// Marks of the timeline.
    pub marks: Vec<Mark>,
    /// Faults over time.
    pub faults: Vec<FaultBar>,
    /// The active ones, by their place in the list.
    open_faults: Vec<usize>,
    /// The state of all copies together.
    pub summary: Rc<Summary>,
    /// Virtual time.
    pub now: Micros,
    /// The time of the next event.
    pub next: Option<Micros>,
    /// The end of the run.
    pub until: Micros,
    /// Number of records in the log.
    pub records: u64,
    /// Number of executed events.
    pub events: u64,
    /// Number of messages in flight.
    pub in_flight: u32,
    /// Digest of the trace.
    pub digest: String,
    /// Why the run cannot continue.
    pub halted: Option<String>,
}

impl RunView {
    /// Applies a frame and returns what it has changed.
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
        self.messages.extend(frame.sent.into_iter().map(|message| (message.id, message)));
        for end in frame.ended {
            let message = self.messages.remove(&end.id);
            if let (Some(cause), Some(message)) = (end.dropped, message) {
                self.lost.push_back(Lost { message, at: end.at, cause });
            }
        }
        while self.lost.len() > MAX_LOST || self.lost.front().is_some_and(|lost| lost.at + LOST_VISIBLE < frame.now) {
            self.lost.pop_front();
        }
        for change in frame.ribbons {
            let i = change.node.index();
            if self.ribbons.len() <= i {
                self.ribbons.resize(i + 1, Vec::new());
            }
            self.ribbons[i].push((change.at, change.state));
            coarsen_oldest(&mut self.ribbons[i]);
            changes.timeline = true;
        }
        for mark in &frame.marks {
            self.apply_fault(mark);
            changes.timeline = true;
        }
        self.marks.extend(frame.marks);
        discard_oldest(&mut self.marks);
        self.discard_oldest_faults();
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

    /// Discards the older half of too many faults, but none that is active.
    fn discard_oldest_faults(&mut self) {
        if self.faults.len() > MAX_HISTORY {
            let older = self.faults.len() - MAX_HISTORY / 2;
            let mut place = 0;
            self.faults.retain(|bar| {
                place += 1;
                place > older || bar.to.is_none()
            });
            self.open_faults = (0..self.faults.len()).filter(|place| self.faults[*place].to.is_none()).collect();
        }
    }

    fn apply_fault(&mut self, mark: &Mark) {
        // A service may be crashed and slow: these are two faults.
        let began_by = match mark.kind {
            MarkKind::Restart => MarkKind::Crash,
            MarkKind::Heal => MarkKind::Cut,
            MarkKind::FaultEnded => MarkKind::Fault,
            MarkKind::Update
            | MarkKind::Crash
            | MarkKind::Cut
            | MarkKind::Fault
            | MarkKind::Lost
            | MarkKind::FirstStale
            | MarkKind::Converged => mark.kind,
        };
        let ends = (mark.node, mark.to);
        let is_same = |bar: &FaultBar| {
            let same = bar.ends == ends || ends.1.is_some_and(|to| bar.ends == (to, Some(ends.0)));
            same && bar.kind == began_by
        };
        let open = self.open_faults.iter().rposition(|place| is_same(&self.faults[*place]));
        match mark.kind {
            MarkKind::Crash | MarkKind::Cut | MarkKind::Fault => {
                // Both directions of a link are shown as one fault.
                if open.is_none() {
                    self.open_faults.push(self.faults.len());
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
                if let Some(open) = open {
                    self.faults[self.open_faults.remove(open)].to = Some(mark.at);
                }
            }
            MarkKind::Update | MarkKind::FirstStale | MarkKind::Converged | MarkKind::Lost => {}
        }
    }

    /// Returns the active faults of a node.
    pub fn active_faults_of(&self, node: usize) -> impl Iterator<Item = FaultKind> {
        let is_of_node = move |fault: &&ActiveFault| fault.to.is_none() && fault.node.index() == node;
        self.active_faults.iter().filter(is_of_node).map(|fault| fault.kind)
    }

    /// Describes the active faults of a node: `frozen · clock −300 ms`.
    pub fn faults_of(&self, node: usize) -> String {
        self.active_faults_of(node).map(status_text::fault).collect::<Vec<String>>().join(" · ")
    }

    /// Returns whether the link between two nodes is disturbed in one direction at least.
    pub fn is_disturbed(&self, a: usize, b: usize) -> bool {
        let ends = |fault: &ActiveFault| (fault.node.index(), fault.to.map(NodeId::index));
        self.active_faults.iter().any(|fault| ends(fault) == (a, Some(b)) || ends(fault) == (b, Some(a)))
    }

    /// Returns whether the link between two nodes is cut in one direction at least.
    pub fn is_cut(&self, a: usize, b: usize) -> bool {
        let (a, b) = (NodeId(a as u32), NodeId(b as u32));
        self.cut.iter().any(|(from, to)| (*from, *to) == (a, b) || (*from, *to) == (b, a))
    }

    /// Returns when the cut of a link began that was active at an instant, or ended shortly before it.
    pub fn cut_since(&self, from: NodeId, to: NodeId, at: Micros) -> Option<Micros> {
        let ends = |bar: &FaultBar| bar.ends == (from, Some(to)) || bar.ends == (to, Some(from));
        let cuts = self.faults.iter().rev().filter(|bar| bar.kind == MarkKind::Cut && ends(bar));
        cuts.map(|bar| bar.from).find(|begun| *begun <= at.max(self.now))
    }

    /// Describes how many services are stale and down: `2 replicas stale, 1 down`.
    pub fn state_summary(&self) -> String {
        let stale = self.services.iter().filter(|service| service.state == CopyState::Stale).count();
        let down = self.services.iter().filter(|service| service.state == CopyState::Down).count();
        let mut parts = vec![match stale {
            0 => text!("no replica stale").to_string(),
            1 => text!("1 replica stale").to_string(),
            n => text!("{} replicas stale", n),
        }];
        if down > 0 {
            parts.push(text!("{} down", down));
        }
        parts.join(", ")
    }
}

/// Merges pairs of changes in the older half of a ribbon. The worse state remains, so a short inconsistency is visible.
fn coarsen_oldest(ribbon: &mut Vec<(Micros, CopyState)>) {
    if ribbon.len() > MAX_HISTORY {
        let newer = ribbon.split_off(MAX_HISTORY / 2);
        let pairs =
            ribbon.chunks(2).map(|pair| (pair[0].0, pair.iter().map(|(_, state)| *state).max().unwrap_or_default()));
        *ribbon = pairs.chain(newer).collect();
    }
}

fn discard_oldest<T>(kept: &mut Vec<T>) {
    if kept.len() > MAX_HISTORY {
        kept.drain(..kept.len() - MAX_HISTORY / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Command, Operation, examples};
    use crate::session::Session;
    use crate::session::protocol::{Report, Request, RibbonChange, ToEngine};

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
        ask(&mut session, &mut view, Request::Load { scenario: Box::new(scenario.clone()), at: 0 });
        (session, view)
    }

    #[test]
    fn a_published_update_makes_a_copy_stale_and_then_consistent() {
        let (mut session, mut view) = opened("first-update");
        assert_eq!(view.services.len(), 2);
        let operation = Operation::Write { key: "widget".into(), value: 51.into() };
        ask(
            &mut session,
            &mut view,
            Request::Act { command: Command::Operate { service: "inventory".into(), operation, poison: false } },
        );
        let mut states = Vec::new();
        let mut most_messages = 0;
        for ms in 0..300 {
            ask(&mut session, &mut view, Request::Advance { to: ms * 10_000, budget: 10_000 });
            most_messages = most_messages.max(view.messages.len());
            let state = view.services[1].state;
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
        assert_eq!(states, [CopyState::Consistent, CopyState::Stale, CopyState::Consistent]);
        assert!(most_messages > 0);
        assert!(view.messages.is_empty(), "{:?}", view.messages);
        assert_eq!(view.marks.iter().filter(|mark| mark.kind == MarkKind::Update).count(), 1);
        assert!(view.summary.window.is_some());
    }

    #[test]
    fn a_lost_message_is_visible_for_a_while() {
        let (mut session, mut view) = opened("lost-event");
        let mut causes = Vec::new();
        for ms in 0..600 {
            ask(&mut session, &mut view, Request::Advance { to: ms * 10_000, budget: 10_000 });
            if let Some(lost) = view.lost.back() {
                causes.push(lost.cause);
            }
        }
        assert!(causes.contains(&DropCause::LinkCut));
        assert!(view.lost.is_empty());
    }

    #[test]
    fn a_cut_of_both_directions_is_one_fault() {
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
    fn seeking_back_shows_the_same_as_playing() {
        let (mut session, mut view) = opened("inventory-notification");
        ask(&mut session, &mut view, Request::Advance { to: 1_700_000, budget: 100_000 });
        let (services, messages, ribbons) = (view.services.clone(), view.messages.clone(), view.ribbons.clone());
        ask(&mut session, &mut view, Request::Advance { to: 6_000_000, budget: 100_000 });
        ask(&mut session, &mut view, Request::Seek { to: 1_700_000 });
        assert_eq!(view.services, services);
        assert_eq!(view.messages, messages);
        assert_eq!(view.ribbons, ribbons);
    }

    #[test]
    fn a_long_run_has_a_bounded_number_of_marks_and_ribbon_changes() {
        let mut view = RunView::default();
        for at in 0..20_000 {
            let state = if at % 2 == 0 { CopyState::Stale } else { CopyState::Consistent };
            let change = RibbonChange { node: NodeId(0), at, state };
            let mark =
                Mark { at, kind: MarkKind::Update, node: NodeId(0), to: None, update: None, label: String::new() };
            view.apply(Frame { now: at, ribbons: vec![change], marks: vec![mark], ..Frame::default() });
        }
        assert!(view.marks.len() <= MAX_HISTORY && view.ribbons[0].len() <= MAX_HISTORY);
        assert_eq!(view.marks.last().map(|mark| mark.at), Some(19_999));
        assert_eq!(view.ribbons[0].last(), Some(&(19_999, CopyState::Consistent)));
    }
}
