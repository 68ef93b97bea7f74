//! From a run to frames: what changed since the previous frame, or everything.

mod cards;
mod faults;

use super::protocol::{Frame, Mark, MarkKind, MessageEnd, MessageView, RibbonChange};
use super::run::Run;
use super::{content, log_text};
use crate::analysis::{Analysis, MessageInFlight, Notice};
use crate::engine::Engine;
use crate::scenario::{Scenario, micros};
use crate::trace::{Fact, MessageId, Names, NodeId, Record, facts_about};
pub use cards::service_view;
use faults::FaultSet;

/// Limit of messages in one frame; beyond it the frame is made whole.
const MOST_MESSAGES: usize = 20_000;
/// Limit of ribbon changes that are kept for whole frames; beyond it the older half is discarded.
const MOST_RIBBONS: usize = 100_000;
/// Limit of marks that are kept for whole frames; beyond it the older half is discarded.
const MOST_MARKS: usize = 4_000;

/// Collects what changes in a run, and builds frames from it.
#[derive(Clone, Debug, Default)]
pub struct FrameBuilder {
    /// Why the run halted, a message for people. Found where the run advances, so that the first frame needs no code for it.
    pub halted: Option<String>,
    /// The next frame contains everything.
    whole: bool,
    sent: Vec<MessageView>,
    ended: Vec<MessageEnd>,
    ribbons: Vec<RibbonChange>,
    /// Number of ribbon changes that were in a frame.
    ribbons_sent: usize,
    marks: Vec<Mark>,
    /// Number of marks that were in a frame.
    marks_sent: usize,
    /// Number of all marks so far, discarded ones included.
    marked: u64,
    faults: FaultSet,
    loads: Vec<(u32, u32, u32)>,
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
        self.sent.clear();
        self.ended.clear();
    }

    /// Collects what a record changes, after the analysis has observed it.
    pub fn observe(&mut self, record: &Record, analysis: &Analysis, engine: &Engine) {
        let names = engine.names();
        match &record.fact {
            Fact::MessageSent { message, .. } | Fact::MessageDuplicated { copy: message, .. } if !self.whole => {
                if let Some(info) = analysis.messages.get(*message) {
                    self.sent.push(message_view(*message, info, analysis, names));
                }
            }
            Fact::MessageDelivered { message } if !self.whole => {
                self.ended.push(MessageEnd { id: message.0, at: record.at, dropped: None });
            }
            Fact::MessageDropped { message, cause } if !self.whole => {
                self.ended.push(MessageEnd { id: message.0, at: record.at, dropped: Some(*cause) });
            }
            Fact::UpdateCommitted { update, node, .. } | Fact::WriteCoordinated { update, node, .. } => {
                let label = log_text::update(*update, analysis, names);
                let (at, kind, node, update) = (record.at, MarkKind::Update, *node, Some(update.0));
                self.mark(Mark { at, kind, node, to: None, update, label });
            }
            Fact::UpdateAcknowledged { .. } | Fact::WriteRolledBack { .. } => {
                let lost = analysis.lost.all();
                for (_, update, by) in &lost[self.lost_marked..] {
                    let node = analysis.updates.get(*update).map_or(NodeId(0), |info| info.node);
                    let label = format!("lost update: {}", log_text::lost_update(*update, *by, analysis, names));
                    let (kind, update) = (MarkKind::Lost, Some(update.0));
                    self.mark(Mark { at: record.at, kind, node, to: None, update, label });
                }
                self.lost_marked = lost.len();
            }
            facts_about!(declarations, operations, messages, events, faults, repair, leaders, transactions)
            | Fact::UpdateProposed { .. }
            | Fact::UpdateApplied { .. }
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. } => {
                for (kind, node, to) in self.faults.observe(&record.fact, names) {
                    let label = log_text::sentence(record, analysis, names).text;
                    self.mark(Mark { at: record.at, kind, node, to, update: None, label });
                }
            }
        }
        if self.sent.len() + self.ended.len() > MOST_MESSAGES {
            self.make_whole();
        }
    }

    /// Returns the number of marks so far, including those that the analysis has just noticed.
    pub fn marked(&mut self, run: &mut Run) -> u64 {
        self.take_notices(run);
        self.marked
    }

    fn mark(&mut self, mark: Mark) {
        self.marked += 1;
        self.marks.push(mark);
        if self.marks.len() > MOST_MARKS {
            self.marks.drain(..MOST_MARKS / 2);
            self.marks_sent = self.marks_sent.saturating_sub(MOST_MARKS / 2);
        }
    }

    fn take_notices(&mut self, run: &mut Run) {
        let notices = run.analysis_mut().staleness.take_notices();
        for (at, notice) in notices {
            match notice {
                Notice::ServiceState(node, state) => self.ribbons.push(RibbonChange { node, at, state }),
                Notice::FirstStale(node) => {
                    let label = format!("{} became stale first", run.engine().names().label(node));
                    self.mark(Mark { at, kind: MarkKind::FirstStale, node, to: None, update: None, label });
                }
                Notice::AllConsistent => {
                    let label = "every copy is consistent".to_string();
                    self.mark(Mark { at, kind: MarkKind::Converged, node: NodeId(0), to: None, update: None, label });
                }
                Notice::WindowClosed(..) | Notice::Reflected(_) => {}
            }
        }
        if self.ribbons.len() > MOST_RIBBONS {
            self.ribbons.drain(..MOST_RIBBONS / 2);
            self.ribbons_sent = self.ribbons_sent.saturating_sub(MOST_RIBBONS / 2);
        }
        // Marks of one frame come from records and notices; the page receives them in order of time.
        let sent = self.marks_sent.min(self.marks.len());
        self.marks[sent..].sort_by_key(|mark| mark.at);
    }

    /// Builds a frame of what changed since the previous one.
    pub fn frame(&mut self, run: &mut Run, scenario: &Scenario, more: bool) -> Frame {
        self.take_notices(run);
        let whole = std::mem::take(&mut self.whole);
        if whole {
            self.ribbons_sent = 0;
            self.marks_sent = 0;
            self.sent = in_flight(run);
            self.ended.clear();
        }
        let cards = self.cards(run, scenario, whole);
        let engine = run.engine();
        let frame = Frame {
            whole,
            now: engine.now(),
            next: engine.next_at(),
            until: micros(scenario.until_ms),
            more,
            events: engine.events(),
            records: engine.trace().total(),
            digest: engine.trace().digest().hex(),
            sent: std::mem::take(&mut self.sent),
            ended: std::mem::take(&mut self.ended),
            in_flight: run.analysis().messages.len() as u32,
            cut: self.faults.cut(),
            active_faults: self.faults.active(),
            ribbons: self.ribbons[self.ribbons_sent..].to_vec(),
            marks: self.marks[self.marks_sent..].to_vec(),
            summary: cards::summary(run),
            halted: self.halted.clone(),
            ..cards
        };
        self.ribbons_sent = self.ribbons.len();
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
        let [services, buses, clients] =
            [scenario.services.len(), scenario.buses.len(), scenario.clients.len()].map(|count| count as u32);
        let loads: Vec<(u32, u32, u32)> = (0..services).map(|node| engine.load(NodeId(node))).collect();
        let shows = |node: &NodeId| {
            whole || changed.contains_key(node) || self.loads.get(node.index()) != loads.get(node.index())
        };
        let nodes = |from: u32, count: u32| (from..from + count).map(NodeId).filter(shows);
        let frame = Frame {
            services: nodes(0, services).map(|it| service_view(run, scenario, it, loads[it.index()])).collect(),
            buses: nodes(services, buses).map(|it| cards::bus_view(run, scenario, it, it.0 - services)).collect(),
            clients: nodes(services + buses, clients).map(|it| cards::client_view(run, it)).collect(),
            ..Frame::default()
        };
        self.loads = loads;
        frame
    }
}

fn in_flight(run: &Run) -> Vec<MessageView> {
    let (analysis, names) = (run.analysis(), run.engine().names());
    let messages = analysis.messages.iter().take(MOST_MESSAGES);
    messages.map(|(id, info)| message_view(id, info, analysis, names)).collect()
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
