//! From a run to frames: what changed since the previous frame, or everything.

mod cards;
mod faults;
mod ribbons;

use super::protocol::{Frame, Mark, MarkKind, MessageEnd, MessageView};
use super::run::Run;
use super::{content, log_text};
use crate::analysis::{Analysis, MessageInFlight, Notice};
use crate::engine::Engine;
use crate::language::{Texts, phrase, sentence};
use crate::scenario::{Micros, Scenario, micros};
use crate::trace::{Fact, MessageId, Names, NodeId, NodeSet, Record, facts_about};
pub use cards::service_view;
use faults::FaultSet;
use ribbons::Ribbons;

/// Limit of the messages in flight that the page shows: the oldest.
const MAX_MESSAGES: usize = 5_000;
/// Limit of the lost messages in a frame that were not shown before: the newest.
const MAX_LOST: usize = 6;
/// The maximum number of keys that the cards of a frame examine; the other cards follow in the next frames.
const MAX_EXAMINED_KEYS: usize = 200_000;
/// The cards that a frame contains at least, so that one step needs one frame.
const MIN_CARDS: usize = 8;
/// Limit of marks that are kept for whole frames; beyond it the older half is discarded.
const MAX_MARKS: usize = 2_000;

/// Collects what changes in a run, and builds frames from it.
#[derive(Clone, Debug, Default)]
pub struct FrameBuilder {
    /// Why the run halted, a message for people in each language. Found where the run advances, so that the first frame needs no code for it.
    pub halted: Option<Texts>,
    /// Whether the next frame contains everything.
    whole: bool,
    messages: ShownMessages,
    ribbons: Ribbons,
    /// Marks without their labels, and these, since the page's language may change.
    marks: Vec<(Mark, Texts)>,
    /// Number of marks that were in a frame.
    marks_sent: usize,
    /// Number of all marks so far, discarded ones included.
    marked: u64,
    faults: FaultSet,
    loads: Vec<(u32, u32, u32)>,
    /// Services whose changed cards did not fit into the last frame.
    waiting: NodeSet,
    /// Number of lost updates that have a mark.
    lost_marked: usize,
}

impl FrameBuilder {
    /// Starts with a whole frame of a run at time 0.
    pub fn new(run: &Run, scenario: &Scenario) -> Self {
        let faults = FaultSet::of_clocks(run, scenario);
        let mut frames = FrameBuilder { whole: true, faults, ..FrameBuilder::default() };
        // The records of time 0 were written when the run was created.
        for record in run.engine().trace().since(0) {
            frames.observe(record, run.analysis(), run.engine());
        }
        frames
    }

    /// Makes the next frame contain everything.
    pub fn make_whole(&mut self) {
        self.whole = true;
        self.messages = ShownMessages::default();
    }

    /// Collects what a record changes, after the analysis has observed it.
    pub fn observe(&mut self, record: &Record, analysis: &Analysis, engine: &Engine) {
        let names = engine.names();
        match &record.fact {
            Fact::MessageDelivered { message } if !self.whole => {
                let _ = self.messages.end(MessageEnd { id: message.0, at: record.at, dropped: None });
            }
            Fact::MessageDropped { message, cause } if !self.whole => {
                let end = MessageEnd { id: message.0, at: record.at, dropped: Some(*cause) };
                if let Some(end) = self.messages.end(end)
                    && let Some(info) = analysis.messages.recall(*message)
                {
                    self.messages.lose(message_view(*message, info, analysis, names), end);
                }
            }
            Fact::UpdateCommitted { update, node, .. } | Fact::WriteCoordinated { update, node, .. } => {
                let mark = Mark { node: *node, update: Some(update.0), ..mark(record.at, MarkKind::Update) };
                self.mark(mark, || log_text::update(*update, analysis, names));
            }
            Fact::UpdateAcknowledged { .. }
            | Fact::WriteRolledBack { .. }
            | Fact::ReplicaStored { .. }
            | Fact::ReadServed { .. }
            | Fact::TombstonePurged { .. } => {
                let all = analysis.lost.all();
                // A late message may have restored a lost deletion.
                for lost in all.get(self.lost_marked..).unwrap_or_default() {
                    let node = analysis.updates.get(lost.update).map_or(NodeId(0), |info| info.node);
                    let label = || {
                        sentence!(
                            "lost update: {}",
                            "verlorene Änderung: {}",
                            log_text::lost_update(lost, analysis, names)
                        )
                    };
                    let mark = Mark { node, update: Some(lost.update.0), ..mark(record.at, MarkKind::Lost) };
                    self.mark(mark, label);
                }
                self.lost_marked = all.len();
            }
            facts_about!(declarations, messages, events, faults, leaders, transactions)
            | Fact::OperationIssued { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationEnded { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateApplied { .. }
            | Fact::KeyPlaced { .. }
            | Fact::HintStored { .. }
            | Fact::HintRemoved { .. }
            | Fact::TreesCompared { .. }
            | Fact::StateMerged { .. } => {
                for (kind, node, to) in self.faults.observe(&record.fact, names) {
                    let mark = Mark { node, to, ..mark(record.at, kind) };
                    self.mark(mark, || log_text::sentence(record, analysis, names).text);
                }
            }
        }
    }

    /// Returns the number of marks so far, including those that the analysis has just noticed.
    pub fn marked(&mut self, run: &mut Run) -> u64 {
        self.take_notices(run);
        self.marked
    }

    fn mark(&mut self, mark: Mark, label: impl Fn() -> String) {
        self.marked += 1;
        self.marks.push((mark, Texts::new(label)));
        if self.marks.len() > MAX_MARKS {
            self.marks.drain(..MAX_MARKS / 2);
            self.marks_sent = self.marks_sent.saturating_sub(MAX_MARKS / 2);
        }
    }

    fn take_notices(&mut self, run: &mut Run) {
        let notices = run.analysis_mut().staleness.take_notices();
        for (at, notice) in notices {
            match notice {
                Notice::ServiceState(node, state) => self.ribbons.push(node, at, state),
                Notice::FirstStale(node) => {
                    let label = || {
                        sentence!("{} became stale first", "{} ist zuerst veraltet", run.engine().names().label(node))
                    };
                    self.mark(Mark { node, ..mark(at, MarkKind::FirstStale) }, label);
                }
                Notice::AllConsistent => {
                    let label = || phrase("every copy is consistent", "jede Kopie ist konsistent").to_string();
                    self.mark(mark(at, MarkKind::Converged), label);
                }
                Notice::WindowClosed(..) | Notice::Reflected(_) => {}
            }
        }
        // Marks of one frame come from records and notices; the page receives them in order of time.
        let sent = self.marks_sent.min(self.marks.len());
        self.marks[sent..].sort_by_key(|(mark, _)| mark.at);
    }

    /// Builds a frame of what changed since the previous one.
    pub fn frame(&mut self, run: &mut Run, scenario: &Scenario, more: bool) -> Frame {
        self.take_notices(run);
        let whole = std::mem::take(&mut self.whole);
        if whole {
            self.marks_sent = 0;
            self.messages = ShownMessages::default();
        }
        let (sent, ended) = self.messages.take_changes(run);
        let cards = self.cards(run, scenario, whole);
        let engine = run.engine();
        let frame = Frame {
            whole,
            now: engine.now(),
            next: engine.next_at(),
            until: micros(scenario.until_ms),
            more: more || !self.waiting.is_empty(),
            events: engine.events(),
            records: engine.trace().total(),
            digest: engine.trace().digest().hex(),
            sent,
            ended,
            in_flight: run.analysis().messages.len() as u32,
            cut: self.faults.cut(),
            active_faults: self.faults.active(),
            ribbons: self.ribbons.take(whole),
            marks: self.marks[self.marks_sent..].iter().map(labelled).collect(),
            summary: cards::summary(run),
            halted: self.halted.as_ref().map(|why| why.get().into()),
            ..cards
        };
        self.marks_sent = self.marks.len();
        frame
    }

    /// Builds the cards that changed.
    fn cards(&mut self, run: &mut Run, scenario: &Scenario, whole: bool) -> Frame {
        let analysis = run.analysis_mut();
        let mut changed = analysis.staleness.take_changed();
        changed.extend(analysis.tables.take_changed());
        changed.extend(analysis.members.take_changed());
        changed.extend(analysis.operations.take_changed());
        let subscriptions = analysis.buses.take_changed();
        let engine = run.engine();
        changed.extend(subscriptions.keys().map(|id| (engine.names().subscription(*id).bus, ())));
        let waiting = std::mem::take(&mut self.waiting);
        changed.extend(waiting.iter().map(|(node, ())| (*node, ())));
        let [services, buses, clients] =
            [scenario.services.len(), scenario.buses.len(), scenario.clients.len()].map(|count| count as u32);
        let loads: Vec<(u32, u32, u32)> = (0..services).map(|node| engine.load(NodeId(node))).collect();
        let shows = |node: &NodeId| {
            whole || changed.contains_key(node) || self.loads.get(node.index()) != loads.get(node.index())
        };
        let nodes = |from: u32, count: u32| (from..from + count).map(NodeId).filter(shows);
        let mut shown: Vec<NodeId> = nodes(0, services).collect();
        // A card examines each key. The page requests the others.
        let room = (MAX_EXAMINED_KEYS / run.analysis().staleness.key_count().max(1)).max(MIN_CARDS);
        if !whole && shown.len() > room {
            shown.sort_by_key(|node| !waiting.contains_key(node));
            self.waiting.extend(shown.drain(room..).map(|node| (node, ())));
            shown.sort_unstable();
        }
        let frame = Frame {
            services: shown.into_iter().map(|node| service_view(run, scenario, node, loads[node.index()])).collect(),
            buses: nodes(services, buses).map(|node| cards::bus_view(run, scenario, node, node.0 - services)).collect(),
            clients: nodes(services + buses, clients).map(|node| cards::client_view(run, node)).collect(),
            ..Frame::default()
        };
        self.loads = loads;
        frame
    }
}

/// The messages that the page shows: of those in flight, the oldest up to [`MAX_MESSAGES`]. So a frame is small however
/// many are in flight, and a message that ends before the next frame is in none.
#[derive(Clone, Debug, Default)]
struct ShownMessages {
    /// The first message that was not in a frame. The page shows all in flight before it.
    next: u64,
    /// Number of the messages in flight before it.
    count: usize,
    /// The shown messages that ended since the last frame.
    ended: Vec<MessageEnd>,
    /// The newest messages that were lost since the last frame and not shown before.
    lost: Vec<(MessageView, MessageEnd)>,
}

impl ShownMessages {
    /// Notes that a message ended. Returns its end if the message is not shown.
    fn end(&mut self, end: MessageEnd) -> Option<MessageEnd> {
        if end.id >= self.next {
            return Some(end);
        }
        self.count = self.count.saturating_sub(1);
        self.ended.push(end);
        None
    }

    /// Notes that a message was lost that is not shown.
    fn lose(&mut self, message: MessageView, end: MessageEnd) {
        if self.lost.len() == MAX_LOST {
            self.lost.remove(0);
        }
        self.lost.push((message, end));
    }

    /// Returns the messages to show, and the ends of shown messages, since the last frame.
    fn take_changes(&mut self, run: &Run) -> (Vec<MessageView>, Vec<MessageEnd>) {
        let (analysis, names) = (run.analysis(), run.engine().names());
        let (mut sent, lost_ends): (Vec<MessageView>, Vec<MessageEnd>) = self.lost.drain(..).unzip();
        let mut ended = std::mem::take(&mut self.ended);
        ended.extend(lost_ends);
        ended.sort_by_key(|end| end.at);
        let mut waiting = analysis.messages.since(MessageId(self.next));
        let room = MAX_MESSAGES.saturating_sub(self.count);
        let before = sent.len();
        sent.extend(waiting.by_ref().take(room).map(|(id, info)| message_view(id, info, analysis, names)));
        self.count += sent.len() - before;
        self.next = waiting.next().map_or(analysis.messages.next_id(), |(id, _)| id).0;
        (sent, ended)
    }
}

/// A mark of the run as a whole, without its label.
fn mark(at: Micros, kind: MarkKind) -> Mark {
    Mark { at, kind, node: NodeId(0), to: None, update: None, label: String::new() }
}

fn labelled((mark, label): &(Mark, Texts)) -> Mark {
    Mark { label: label.get().into(), ..mark.clone() }
}

fn message_view(id: MessageId, info: &MessageInFlight, analysis: &Analysis, names: &Names) -> MessageView {
    MessageView {
        id: id.0,
        from: info.from,
        to: info.to,
        kind: info.kind,
        content: content::message(info, analysis, names),
        attempt: info.attempt,
        duplicate: info.duplicate,
        sent: info.sent,
        due: info.due,
    }
}
