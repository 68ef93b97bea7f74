//! From a run to frames: what changed since the last one, or everything.

mod faults;

use super::protocol::{
    ActiveFault, BusView, CellView, ClientView, DepthView, Frame, InboxRow, LastOperation, Mark, MarkKind, MessageEnd,
    MessageView, RibbonChange, RowView, ServiceView, SubscriptionView, Summary, Window,
};
use super::run::Run;
use super::words;
use crate::analysis::{
    Analysis, EndedOperation, HandledEvent, KeyCopy, MemberState, MessageInFlight, Notice, ServiceTables,
};
use crate::engine::{Engine, Halt};
use crate::scenario::{Micros, Scenario, micros};
use crate::trace::{Fact, KeyId, MessageId, Names, NodeId, OperationKind, Record, SubscriptionId, UpdateId};
use std::collections::{BTreeMap, BTreeSet};

/// More messages than this in one frame, and the frame is made whole instead.
const MOST_MESSAGES: usize = 20_000;
/// Rows of a service's card at most, and partitions of a lane.
const MOST_ROWS: usize = 50;
/// Cells of a lane at most.
const MOST_CELLS: usize = 12;
/// Changes of the ribbons, and marks, that are remembered for whole frames; the oldest half goes beyond.
const MOST_RIBBONS: usize = 100_000;
const MOST_MARKS: usize = 4_000;

/// What has to be told to the page.
#[derive(Clone, Debug, Default)]
pub struct FrameBuilder {
    /// The next frame holds everything.
    whole: bool,
    sent: Vec<MessageView>,
    ended: Vec<MessageEnd>,
    ribbons: Vec<RibbonChange>,
    ribbons_told: usize,
    marks: Vec<Mark>,
    marks_told: usize,
    /// How many there ever were.
    marked: u64,
    cut: BTreeSet<(NodeId, NodeId)>,
    /// What is wrong, by where and which kind of thing.
    active_faults: BTreeMap<(NodeId, Option<NodeId>, u8), String>,
    loads: Vec<(u32, u32, u32)>,
    /// Lost updates that are marked.
    lost_told: usize,
}

impl FrameBuilder {
    /// For a run that has not been told of.
    pub fn new() -> Self {
        FrameBuilder { whole: true, ..FrameBuilder::default() }
    }

    /// The next frame holds everything.
    pub fn make_whole(&mut self) {
        self.whole = true;
        self.sent.clear();
        self.ended.clear();
    }

    /// Takes note of a record that the analysis has just taken in.
    pub fn look(&mut self, record: &Record, analysis: &Analysis, engine: &Engine) {
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
                let label = words::update(*update, analysis, names);
                self.mark(Mark {
                    at: record.at,
                    kind: MarkKind::Update,
                    node: *node,
                    to: None,
                    update: Some(update.0),
                    label,
                });
            }
            Fact::UpdateAcknowledged { .. } | Fact::WriteRolledBack { .. } => {
                let lost = analysis.lost.all();
                for (_, update, by) in &lost[self.lost_told..] {
                    let node = analysis.updates.get(*update).map_or(NodeId(0), |info| info.node);
                    let label = format!("lost update: {}", words::lost_update(*update, *by, analysis, names));
                    let (kind, update) = (MarkKind::Lost, Some(update.0));
                    self.mark(Mark { at: record.at, kind, node, to: None, update, label });
                }
                self.lost_told = lost.len();
            }
            _ => self.look_at_fault(record, analysis, names),
        }
        if self.sent.len() + self.ended.len() > MOST_MESSAGES {
            self.make_whole();
        }
    }

    /// How many marks there have been, those included that the analysis has just noticed.
    pub fn marked(&mut self, run: &mut Run) -> u64 {
        self.take_notices(run);
        self.marked
    }

    fn mark(&mut self, mark: Mark) {
        self.marked += 1;
        self.marks.push(mark);
        if self.marks.len() > MOST_MARKS {
            self.marks.drain(..MOST_MARKS / 2);
            self.marks_told = self.marks_told.saturating_sub(MOST_MARKS / 2);
        }
    }

    fn take_notices(&mut self, run: &mut Run) {
        let notices = run.analysis_mut().staleness.take_notices();
        for (at, notice) in notices {
            match notice {
                Notice::ServiceState(node, state) => {
                    self.ribbons.push(RibbonChange { node, at, state });
                }
                Notice::FirstStale(node) => {
                    let label = format!("{} is the first to be stale", run.engine().names().label(node));
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
            self.ribbons_told = self.ribbons_told.saturating_sub(MOST_RIBBONS / 2);
        }
        // Marks of one frame come from records and notices alike; the page gets them in order of time.
        let told = self.marks_told.min(self.marks.len());
        self.marks[told..].sort_by_key(|mark| mark.at);
    }

    /// The frame that tells what has not been told.
    pub fn frame(&mut self, run: &mut Run, scenario: &Scenario, more: bool) -> Frame {
        self.take_notices(run);
        let whole = std::mem::take(&mut self.whole);
        if whole {
            self.ribbons_told = 0;
            self.marks_told = 0;
            self.sent = in_flight(run);
            self.ended.clear();
        }
        let changed_services = run.analysis_mut().staleness.take_changed();
        let changed_tables = run.analysis_mut().tables.take_changed();
        let changed_members = run.analysis_mut().members.take_changed();
        let changed_lanes = run.analysis_mut().buses.take_changed();
        let changed_clients = run.analysis_mut().operations.take_changed();
        let engine = run.engine();
        let services = scenario.services.len() as u32;
        let buses = scenario.buses.len() as u32;
        let clients = scenario.clients.len() as u32;
        let loads: Vec<(u32, u32, u32)> = (0..services).map(|node| engine.load(NodeId(node))).collect();
        let load_changed = |node: u32| self.loads.get(node as usize) != loads.get(node as usize);
        let lane_changed = |bus: u32| changed_lanes.iter().any(|id| engine.names().subscription(*id).bus.0 == bus);
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
            services: (0..services)
                .filter(|n| {
                    whole
                        || changed_services.contains(&NodeId(*n))
                        || changed_tables.contains(&NodeId(*n))
                        || changed_members.contains(&NodeId(*n))
                        || load_changed(*n)
                })
                .map(|n| service_view(run, scenario, NodeId(n), loads[n as usize]))
                .collect(),
            buses: (services..services + buses)
                .filter(|n| whole || lane_changed(*n))
                .map(|n| bus_view(run, scenario, NodeId(n), n - services))
                .collect(),
            clients: (services + buses..services + buses + clients)
                .filter(|n| whole || changed_clients.contains(&NodeId(*n)))
                .map(|n| client_view(run, NodeId(n)))
                .collect(),
            cut: self.cut.iter().copied().collect(),
            active_faults: self
                .active_faults
                .iter()
                .map(|((node, to, _), what)| ActiveFault { node: *node, to: *to, what: what.clone() })
                .collect(),
            ribbons: self.ribbons[self.ribbons_told..].to_vec(),
            marks: self.marks[self.marks_told..].to_vec(),
            summary: summary(run),
            refused: None,
            branches: None,
            other: None,
            halted: engine.halt().map(|halt| match halt {
                Halt::TooManyMessages => "too many messages are under way: the run stops here".to_string(),
            }),
        };
        self.loads = loads;
        self.ribbons_told = self.ribbons.len();
        self.marks_told = self.marks.len();
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
        update: info.update.map(|update| update.0),
        label: words::payload(info, analysis, names),
        attempt: info.attempt,
        duplicate: info.duplicate,
        sent: info.sent,
        due: info.due,
    }
}

/// A service's card.
pub fn service_view(
    run: &Run,
    scenario: &Scenario,
    node: NodeId,
    (busy, waiting, blocked): (u32, u32, u32),
) -> ServiceView {
    let tables = run.analysis().tables.get(node);
    let staleness = &run.analysis().staleness;
    let copies = || staleness.copies_of(node).map(|(_, copy)| copy);
    let mut rows: Vec<RowView> = staleness.copies_of(node).map(|(key, copy)| row_view(run, node, key, copy)).collect();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows.truncate(MOST_ROWS);
    ServiceView {
        node,
        state: staleness.state(node),
        rows,
        behind: copies().map(KeyCopy::behind).sum(),
        stale_since: copies().filter_map(KeyCopy::stale_since).min(),
        busy,
        waiting,
        blocked,
        outbox: tables.map_or(0, |tables| tables.outbox.len() as u32),
        outbox_rows: tables
            .map(|tables| tables.outbox.iter().take(MOST_CELLS).map(|(_, update)| update.0).collect())
            .unwrap_or_default(),
        inbox: tables.map(|tables| inbox(run, scenario, node, tables)).unwrap_or_default(),
        applied_already: tables.map_or(0, |tables| tables.inbox_hits),
        member: run.analysis().members.get(node).map(member_words).unwrap_or_default(),
    }
}

/// The rows of a service's inboxes: what it handled for a subscription that has one, while it is remembered.
fn inbox(run: &Run, scenario: &Scenario, node: NodeId, tables: &ServiceTables) -> Vec<InboxRow> {
    let subscribes = &scenario.services[node.index()].subscribes;
    if subscribes.iter().all(|subscription| subscription.inbox.is_none()) {
        return Vec::new();
    }
    // A service's subscriptions have their ids in the order of the document.
    let (names, now) = (run.engine().names(), run.engine().now());
    let own = (0..names.subscription_count() as u32).map(SubscriptionId);
    let own: Vec<_> = own.filter(|id| names.subscription(*id).service == node).zip(subscribes).collect();
    let kept = |handled: &&HandledEvent| {
        let subscription = own.iter().find(|(id, _)| *id == handled.by);
        let inbox = subscription.and_then(|(_, subscription)| subscription.inbox.as_ref());
        let until = |ms| handled.at.saturating_add(micros(ms));
        inbox.is_some_and(|inbox| inbox.window_ms.is_none_or(|ms| now < until(ms)))
    };
    let rows = tables.handled.iter().filter(kept);
    rows.map(|handled| InboxRow { update: handled.update.0, again: handled.redelivered }).collect()
}

fn member_words(member: &MemberState) -> String {
    let mut said = Vec::new();
    if member.leads {
        said.push(format!("leads, term {}", member.term));
    }
    let (last, committed) = member.log;
    if last > 0 && last == committed {
        said.push(format!("log {last}"));
    } else if last > 0 {
        said.push(format!("log {last}, {committed} committed"));
    }
    if !member.hints.is_empty() {
        said.push(format!("{} hints kept", member.hints.len()));
    }
    if !member.promised.is_empty() {
        said.push("promised, locked".into());
    }
    if let Some((_, level, compared, differing)) = member.compared.filter(|(.., differing)| *differing > 0) {
        said.push(format!("{differing} of {compared} hashes differ, level {level}"));
    }
    said.join(" · ")
}

fn row_view(run: &Run, node: NodeId, key: KeyId, copy: &KeyCopy) -> RowView {
    let held = copy.held();
    let (lost, updates) = (run.analysis().lost.all(), &run.analysis().updates);
    let here = |update: UpdateId| updates.get(update).is_some_and(|info| info.node == node && info.key == key);
    RowView {
        lost: lost.iter().filter(|(_, update, _)| here(*update)).count() as u32,
        key: run.engine().names().key(key).to_string(),
        // Siblings stand for themselves: sets of sets do not cross.
        value: held.filter(|_| copy.siblings().is_empty()).and_then(|held| held.value.clone()),
        deleted: copy.is_tombstone(),
        siblings: copy.siblings().to_vec(),
        version: held
            .filter(|held| copy.siblings().is_empty() && (held.value.is_some() || copy.is_tombstone()))
            .map(|held| words::version(held.version))
            .unwrap_or_default(),
        update: held.and_then(|held| held.update).map(|update| update.0),
        state: copy.state(),
        behind: copy.behind(),
        stale_since: copy.stale_since(),
    }
}

fn bus_view(run: &Run, scenario: &Scenario, node: NodeId, index: u32) -> BusView {
    let names = run.engine().names();
    let bus = &scenario.buses[index as usize];
    let lanes = (0..names.subscription_count() as u32).map(SubscriptionId).filter_map(|id| {
        let ends = names.subscription(id);
        if ends.bus != node {
            return None;
        }
        let (lane, topic) = (run.analysis().buses.get(id), bus.topics.get(ends.topic as usize));
        Some(SubscriptionView {
            service: ends.service,
            topic: topic.map_or(&bus.id, |topic| &topic.name).clone(),
            partitions: topic.map_or(1, |topic| topic.partitions),
            depth: lane.map_or(0, |lane| lane.events.len() as u32),
            cells: lane
                .map(|lane| lane.events.values().take(MOST_CELLS).map(|kept| cell_view(run, kept)).collect())
                .unwrap_or_default(),
            depths: match (lane, topic) {
                (Some(lane), Some(topic)) if topic.partitions > 1 => depths(lane),
                (Some(_), Some(_)) | (None, _) | (_, None) => Vec::new(),
            },
            dead: lane.map_or(0, |lane| lane.dead_letters.len() as u32),
            dead_letters: lane
                .map(|lane| {
                    let says = |update: &UpdateId| words::update(*update, run.analysis(), run.engine().names());
                    lane.dead_letters.values().take(MOST_CELLS).map(says).collect()
                })
                .unwrap_or_default(),
            discarded: lane.map_or(0, |lane| lane.discarded),
        })
    });
    BusView { node, subscriptions: lanes.collect() }
}

fn depths(lane: &crate::analysis::SubscriptionQueue) -> Vec<DepthView> {
    let depths = lane.depths();
    let view = |(partition, (queued, in_flight)): (&u32, &(u32, u32))| DepthView {
        partition: *partition,
        queued: *queued,
        in_flight: *in_flight,
    };
    depths.iter().take(MOST_ROWS).map(view).collect()
}

fn cell_view(run: &Run, kept: &crate::analysis::QueuedEvent) -> CellView {
    CellView {
        update: kept.update.0,
        label: words::update(kept.update, run.analysis(), run.engine().names()),
        in_flight: kept.in_flight,
        deliveries: kept.deliveries,
        not_before: (!kept.in_flight && kept.not_before > run.engine().now()).then_some(kept.not_before),
    }
}

fn client_view(run: &Run, node: NodeId) -> ClientView {
    let tally = run.analysis().operations.get(node).cloned().unwrap_or_default();
    ClientView {
        node,
        pending: tally.pending,
        ok: tally.ok,
        fail: tally.fail,
        unknown: tally.unknown,
        reads: tally.reads,
        stale_reads: tally.stale_reads,
        last: tally.last.map(|ended| last_operation(&ended, run.engine().names())),
    }
}

fn last_operation(ended: &EndedOperation, names: &Names) -> LastOperation {
    let key = names.key(ended.key);
    let value = ended.value.as_ref().map_or("nothing".to_string(), ToString::to_string);
    let label = match ended.kind {
        OperationKind::Read => format!("read {key} → {value}"),
        OperationKind::Write => format!("write {key} = {value}"),
        OperationKind::Delete => format!("delete {key}"),
        OperationKind::Add
        | OperationKind::Remove
        | OperationKind::Put
        | OperationKind::Insert
        | OperationKind::RemoveAt
        | OperationKind::Increment
        | OperationKind::CompareAndSet => {
            format!("{} {key} {value}", words::operation(ended.kind))
        }
    };
    LastOperation { label, outcome: ended.outcome, refusal: ended.refusal, took: ended.took, stale: ended.stale }
}

fn summary(run: &Run) -> Summary {
    let (analysis, names) = (run.analysis(), run.engine().names());
    let window = analysis.staleness.last_window().map(|(update, took): (_, Micros)| Window {
        update: update.0,
        label: words::update(update, analysis, names),
        took,
    });
    Summary {
        copies: analysis.staleness.copies(),
        stale: analysis.staleness.stale(),
        diverged: analysis.staleness.diverged(),
        conflicted: analysis.staleness.conflicted(),
        lost: analysis.lost.count() as u32,
        down: analysis.staleness.down(),
        acknowledged: analysis.staleness.acknowledged(),
        queued: analysis.buses.iter().map(|(_, lane)| lane.events.len() as u32).sum(),
        dead: analysis.buses.iter().map(|(_, lane)| lane.dead_letters.len() as u32).sum(),
        pending: analysis.operations.pending() as u32,
        window,
    }
}
