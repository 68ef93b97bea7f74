//! The space-time diagram: messages as lines between the lanes of nodes, and the causes and effects of one message.

use crate::scenario::Micros;
use crate::session::labels;
use crate::session::protocol::{Charts, DiagramMessage, Query, Request};
use crate::trace::NodeId;
use litemap::LiteMap;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Minimum time between two requests, ms of real time.
const INTERVAL: f64 = 500.0;

/// The state of the diagram.
#[derive(Clone, Debug, Default)]
pub struct Diagram {
    /// Whether the diagram is open.
    pub open: bool,
    /// Whether it shows charts instead of messages.
    pub charting: bool,
    /// The charts.
    pub charts: Rc<Charts>,
    /// The messages, in the order in which they were sent.
    pub messages: Rc<Vec<DiagramMessage>>,
    /// The message whose causes and effects are highlighted.
    pub highlighted: Option<u64>,
    /// The diagram shows only messages that contain this text in their label or in the names of sender and receiver.
    pub filter: Rc<str>,
    /// The window and the digest of the last request.
    requested: Option<((Micros, Micros), String)>,
    /// Whether a request is pending.
    waiting: bool,
    /// When the last request was made, ms of real time.
    last: f64,
}

/// An action of the visitor on the diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiagramMsg {
    /// Open or close the diagram.
    Toggle,
    /// Highlight a message with its causes and effects, or none.
    Highlight(Option<u64>),
    /// Show only messages that contain this text.
    Filter(String),
    /// Show charts, or messages.
    Charts(bool),
}

impl Diagram {
    /// Executes a message.
    pub fn update(&mut self, msg: DiagramMsg) {
        match msg {
            DiagramMsg::Toggle => self.open = !self.open,
            DiagramMsg::Highlight(message) => self.highlighted = message,
            DiagramMsg::Filter(filter) => self.filter = filter.into(),
            DiagramMsg::Charts(charting) => (self.charting, self.requested) = (charting, None),
        }
    }

    /// Returns whether the diagram shows another time or state of the run than the current one.
    pub fn is_behind(&self, digest: &str, window: (Micros, Micros)) -> bool {
        self.open && self.requested.as_ref().is_none_or(|(requested, at)| *requested != window || at != digest)
    }

    /// Returns the request for messages or charts, if it is time for one.
    pub fn next_request(&mut self, digest: &str, window: (Micros, Micros), wall: f64) -> Option<Request> {
        if self.waiting || !self.is_behind(digest, window) || wall - self.last < INTERVAL {
            return None;
        }
        (self.waiting, self.last) = (true, wall);
        self.requested = Some((window, digest.into()));
        Some(Request::Query(if self.charting {
            Query::Charts
        } else {
            Query::Diagram { from: window.0, to: window.1 }
        }))
    }

    /// Stores the requested messages.
    pub fn receive_messages(&mut self, messages: Vec<DiagramMessage>) {
        self.waiting = false;
        self.messages = Rc::new(messages);
    }

    /// Stores the requested charts.
    pub fn receive_charts(&mut self, charts: Charts) {
        self.waiting = false;
        self.charts = Rc::new(charts);
    }

    /// Gives up the pending request. The next one follows when the run has changed.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// Gives up the pending request, because the run is at another time, and permits the next one at once.
    pub fn reset_request(&mut self) {
        (self.waiting, self.requested, self.last) = (false, None, f64::MIN);
    }
}

/// Returns the messages that contain the filter's text in their label or in the names of sender and receiver.
pub fn filtered<'a>(
    arrows: &'a [DiagramMessage],
    filter: &str,
    name_of: impl Fn(usize) -> Rc<str>,
) -> Vec<&'a DiagramMessage> {
    let wanted = filter.trim().to_ascii_lowercase();
    let has = |text: &str| text.to_ascii_lowercase().contains(&wanted);
    let passes = |arrow: &&DiagramMessage| {
        let ends = [arrow.from, arrow.to];
        wanted.is_empty()
            || has(&labels::message(arrow.kind, &arrow.content))
            || ends.iter().any(|node| has(&name_of(node.index())))
    };
    arrows.iter().filter(passes).collect()
}

/// Returns the message before or after the highlighted one; the first if none is highlighted.
pub fn next(arrows: &[&DiagramMessage], highlighted: Option<u64>, forward: bool) -> Option<u64> {
    let at = highlighted.and_then(|highlighted| arrows.iter().position(|arrow| arrow.id == highlighted));
    let to = match at {
        None => 0,
        Some(at) if forward => (at + 1).min(arrows.len().saturating_sub(1)),
        Some(at) => at.saturating_sub(1),
    };
    arrows.get(to).map(|arrow| arrow.id)
}

/// Returns the messages that may have caused the highlighted one, and those that it may have caused (the happened-before
/// relation, Lamport 1978). All others are concurrent.
pub fn related(arrows: &[DiagramMessage], highlighted: Option<u64>) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let (mut causes, mut effects) = (BTreeSet::new(), BTreeSet::new());
    let Some(highlighted) = arrows.iter().find(|arrow| Some(arrow.id) == highlighted) else { return (causes, effects) };
    let mut influenced_from: LiteMap<NodeId, Micros> = LiteMap::new();
    if let Some(end) = highlighted.end.filter(|_| !highlighted.dropped) {
        influenced_from.insert(highlighted.to, end);
    }
    for arrow in arrows.iter().filter(|arrow| arrow.id != highlighted.id) {
        if influenced_from.get(&arrow.from).is_some_and(|at| *at <= arrow.sent) {
            effects.insert(arrow.id);
            if let Some(end) = arrow.end.filter(|_| !arrow.dropped) {
                let at = influenced_from.entry(arrow.to).or_insert_with(|| end);
                *at = end.min(*at);
            }
        }
    }
    let mut arrived: Vec<&DiagramMessage> =
        arrows.iter().filter(|arrow| arrow.end.is_some() && !arrow.dropped).collect();
    arrived.sort_by_key(|arrow| std::cmp::Reverse(arrow.end));
    let mut influenced_until: LiteMap<NodeId, Micros> = LiteMap::new();
    influenced_until.insert(highlighted.from, highlighted.sent);
    for arrow in arrived {
        if influenced_until.get(&arrow.to).is_some_and(|at| arrow.end.is_some_and(|end| end <= *at))
            && arrow.id != highlighted.id
        {
            causes.insert(arrow.id);
            let at = influenced_until.entry(arrow.from).or_insert_with(|| arrow.sent);
            *at = arrow.sent.max(*at);
        }
    }
    (causes, effects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::protocol::MessageContent;
    use crate::trace::MessageKind;

    fn arrow(id: u64, from: u32, to: u32, sent: Micros, end: Micros, dropped: bool) -> DiagramMessage {
        let (from, to, kind) = (NodeId(from), NodeId(to), MessageKind::Call);
        DiagramMessage {
            id,
            from,
            to,
            kind,
            content: MessageContent::Empty,
            sent,
            end: Some(end),
            dropped,
            late: false,
        }
    }

    #[test]
    fn a_message_highlights_its_causes_and_effects() {
        let arrows = vec![
            arrow(0, 0, 1, 0, 10, false),
            arrow(1, 3, 4, 0, 5, false),
            arrow(2, 1, 2, 12, 20, false),
            arrow(3, 1, 2, 8, 30, false),
            arrow(4, 2, 0, 25, 40, true),
            arrow(5, 2, 3, 19, 40, false),
        ];
        let (causes, effects) = related(&arrows, Some(2));
        assert_eq!(causes.iter().copied().collect::<Vec<_>>(), [0], "messages that arrived before it was sent");
        assert_eq!(effects.iter().copied().collect::<Vec<_>>(), [4], "messages that were sent after it arrived");
        let names = |node: usize| ["stock", "orders", "bus", "mail", "web"][node].into();
        let all = filtered(&arrows, "", names);
        assert_eq!((next(&all, Some(2), true), next(&all, Some(2), false)), (Some(3), Some(1)));
        let ids: Vec<u64> = filtered(&arrows, "Mail", names).iter().map(|arrow| arrow.id).collect();
        assert_eq!(ids, [1, 5], "messages from or to a node with this name");
    }
}
