//! The space-time diagram: messages as lines between lanes, and what one of them may have caused or been caused by.

use crate::scenario::Micros;
use crate::session::protocol::{DiagramMessage, Packed, Query, Request};
use crate::trace::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Distance between two requests while the run goes on, ms of true time.
const DISTANCE: f64 = 500.0;

/// What the diagram shows.
#[derive(Clone, Debug, Default)]
pub struct Diagram {
    /// It is on the page.
    pub open: bool,
    /// Charts stand there instead of messages.
    pub charting: bool,
    /// What they show: [`Charts`](crate::session::protocol::Charts).
    pub charts: Rc<Packed>,
    /// The messages, by when they were sent: [`DiagramMessage`]s.
    pub arrows: Rc<Packed>,
    /// The one whose causes and consequences are lit.
    pub lit: Option<u64>,
    /// What messages must contain: in what they carry or in the names of their ends.
    pub filter: Rc<str>,
    asked: Option<((Micros, Micros), String)>,
    waiting: bool,
    last: f64,
}

/// What the visitor does to the diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiagramMsg {
    /// Open or close it.
    Toggle,
    /// Light a message with its causes and consequences, or none.
    Light(Option<u64>),
    /// Show only messages that contain this.
    Filter(String),
    /// Show charts, or messages.
    Charts(bool),
}

impl Diagram {
    /// Does what the visitor asks.
    pub fn update(&mut self, msg: DiagramMsg) {
        match msg {
            DiagramMsg::Toggle => self.open = !self.open,
            DiagramMsg::Light(message) => self.lit = message,
            DiagramMsg::Filter(filter) => self.filter = filter.into(),
            DiagramMsg::Charts(charting) => (self.charting, self.asked) = (charting, None),
        }
    }

    /// Whether there is something to ask.
    pub fn is_behind(&self, digest: &str, window: (Micros, Micros)) -> bool {
        self.open && self.asked.as_ref().is_none_or(|(asked, at)| *asked != window || at != digest)
    }

    /// The request that brings the messages, if it is time for one.
    pub fn next_request(&mut self, digest: &str, window: (Micros, Micros), wall: f64) -> Option<Request> {
        if self.waiting || !self.is_behind(digest, window) || wall - self.last < DISTANCE {
            return None;
        }
        (self.waiting, self.last) = (true, wall);
        self.asked = Some((window, digest.into()));
        Some(Request::Query(if self.charting {
            Query::Charts
        } else {
            Query::Diagram { from: window.0, to: window.1 }
        }))
    }

    /// Takes the answer in.
    pub fn receive_messages(&mut self, arrows: Packed) {
        self.waiting = false;
        self.arrows = Rc::new(arrows);
    }

    /// Takes the charts in.
    pub fn receive_charts(&mut self, charts: Packed) {
        self.waiting = false;
        self.charts = Rc::new(charts);
    }

    /// What was asked will not be answered; when the run has gone on, it is asked again.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// Another run: what was asked will not be answered.
    pub fn reset_request(&mut self) {
        (self.waiting, self.asked, self.last) = (false, None, f64::MIN);
    }
}

/// The messages that a filter lets through: it must be in what they carry or in the names of their ends.
pub fn sifted<'a>(
    arrows: &'a [DiagramMessage],
    filter: &str,
    name_of: impl Fn(usize) -> Rc<str>,
) -> Vec<&'a DiagramMessage> {
    let wanted = filter.trim().to_ascii_lowercase();
    let has = |text: &str| text.to_ascii_lowercase().contains(&wanted);
    let passes = |arrow: &&DiagramMessage| {
        let ends = [arrow.from, arrow.to];
        wanted.is_empty() || has(&arrow.label) || ends.iter().any(|node| has(&name_of(node.index())))
    };
    arrows.iter().filter(passes).collect()
}

/// Of these, the message before or after the lit one; the first where none is.
pub fn next(arrows: &[&DiagramMessage], lit: Option<u64>, forward: bool) -> Option<u64> {
    let at = lit.and_then(|lit| arrows.iter().position(|arrow| arrow.id == lit));
    let to = match at {
        None => 0,
        Some(at) if forward => (at + 1).min(arrows.len().saturating_sub(1)),
        Some(at) => at.saturating_sub(1),
    };
    arrows.get(to).map(|arrow| arrow.id)
}

/// Of the lit message: those that may have led to it, and those that it may have led to (Lamport 1978). What is in
/// neither is concurrent.
pub fn related(arrows: &[DiagramMessage], lit: Option<u64>) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (mut past, mut future) = (BTreeSet::new(), BTreeSet::new());
    let Some(lit) = arrows.iter().find(|arrow| Some(arrow.id) == lit) else { return (past, future) };
    let mut reached: BTreeMap<NodeId, Micros> = BTreeMap::new();
    if let Some(end) = lit.end.filter(|_| !lit.dropped) {
        reached.insert(lit.to, end);
    }
    for arrow in arrows.iter().filter(|arrow| arrow.id != lit.id) {
        if reached.get(&arrow.from).is_some_and(|at| *at <= arrow.sent) {
            future.insert(arrow.id);
            if let Some(end) = arrow.end.filter(|_| !arrow.dropped) {
                let at = reached.entry(arrow.to).or_insert_with(|| end);
                *at = end.min(*at);
            }
        }
    }
    let mut arrived: Vec<&DiagramMessage> =
        arrows.iter().filter(|arrow| arrow.end.is_some() && !arrow.dropped).collect();
    arrived.sort_by_key(|arrow| std::cmp::Reverse(arrow.end));
    let mut known: BTreeMap<NodeId, Micros> = BTreeMap::new();
    known.insert(lit.from, lit.sent);
    for arrow in arrived {
        if known.get(&arrow.to).is_some_and(|at| arrow.end.is_some_and(|end| end <= *at)) && arrow.id != lit.id {
            past.insert(arrow.id);
            let at = known.entry(arrow.from).or_insert_with(|| arrow.sent);
            *at = arrow.sent.max(*at);
        }
    }
    (past, future)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::MessageKind;

    fn arrow(id: u64, from: u32, to: u32, sent: Micros, end: Micros, dropped: bool) -> DiagramMessage {
        let (from, to, kind) = (NodeId(from), NodeId(to), MessageKind::Call);
        DiagramMessage {
            id,
            from,
            to,
            kind,
            update: None,
            label: String::new(),
            sent,
            end: Some(end),
            dropped,
            late: false,
        }
    }

    #[test]
    fn a_message_lights_what_led_to_it_and_what_it_led_to() {
        let arrows = vec![
            arrow(0, 0, 1, 0, 10, false),
            arrow(1, 3, 4, 0, 5, false),
            arrow(2, 1, 2, 12, 20, false),
            arrow(3, 1, 2, 8, 30, false),
            arrow(4, 2, 0, 25, 40, true),
            arrow(5, 2, 3, 19, 40, false),
        ];
        let (past, future) = related(&arrows, Some(2));
        assert_eq!(past.iter().copied().collect::<Vec<_>>(), [0], "what arrived before it was sent");
        assert_eq!(future.iter().copied().collect::<Vec<_>>(), [4], "what was sent after it arrived");
        let names = |node: usize| ["stock", "orders", "bus", "mail", "web"][node].into();
        let all = sifted(&arrows, "", names);
        assert_eq!((next(&all, Some(2), true), next(&all, Some(2), false)), (Some(3), Some(1)));
        let ids: Vec<u64> = sifted(&arrows, "Mail", names).iter().map(|arrow| arrow.id).collect();
        assert_eq!(ids, [1, 5], "what goes to or from what is named so");
    }
}
