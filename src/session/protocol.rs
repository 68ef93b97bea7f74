//! What the page and the session say to each other, across the worker or within one thread.
//!
//! The page sends one [`ToEngine`] at a time and gets the [`FromEngine`]s that answer it. Every message
//! carries the epoch of the loaded run; the page drops answers of an older epoch.

mod answers;
pub mod internals;
mod packed;
mod scenario_json;
mod summary;

use crate::scenario::{Branch, Command, Micros, ScenarioError, Step, Value};
use crate::trace::{DropCause, MessageKind, NodeId, Outcome, Refusal};
use crate::wire::Wire;

pub use crate::analysis::{CopyState, TimedOperation};
pub use answers::{
    Charts, DiagramMessage, ExportKind, VerdictStatus, VerdictStep, VerdictSubject, VerdictView, WindowBar,
};
pub use packed::Packed;
pub use scenario_json::ScenarioJson;
use std::collections::BTreeMap;
pub use summary::{Summary, Window};

/// A request of the page.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct ToEngine {
    /// Which run the page means; [`Request::First`], [`Request::Load`] and [`Request::Edit`] begin a new one.
    pub epoch: u32,
    /// What it wants.
    pub request: Request,
}

/// What the page wants.
#[derive(Clone, Debug, PartialEq, Wire)]
pub enum Request {
    /// Run the first scenario ([`crate::scenario::Scenario::first`]) from the start.
    First,
    /// Run this scenario from the start, and stand at `at` (0 for the start).
    Load {
        /// What to simulate.
        scenario: ScenarioJson,
        /// Where to stand.
        at: Micros,
    },
    /// The drawing changed: run it from the start with the same live commands (those that still make
    /// sense) and stand at the same instant. So the clock is never reset by an edit or its undo.
    Edit {
        /// The changed scenario.
        scenario: ScenarioJson,
    },
    /// Run until every event up to `to` has happened, but no more than `budget` events; the frame says
    /// whether there is more to do.
    Advance {
        /// Virtual time to reach.
        to: Micros,
        /// Events at most.
        budget: u32,
    },
    /// Run exactly the next event.
    Step,
    /// Stand where the run stood before its last event.
    StepBack,
    /// Run to the next mark of the timeline (publish, fault, first stale, converged), all that happens at its instant
    /// included; to the end where there is none.
    NextMark,
    /// Do this now, as if the script had said so.
    Act {
        /// What to do.
        command: Command,
    },
    /// Stand at another instant; an earlier one keeps the live commands that came before and after.
    Seek {
        /// Where to stand.
        to: Micros,
    },
    /// Forget the live commands and stand at the start; where there are several branches, only that.
    Reset,
    /// Show, open, name, delete or compare branches.
    Branch(BranchCommand),
    /// Answer a question about the run, which stays as it is.
    Query(Query),
}

/// A question about the run.
#[derive(Clone, Debug, PartialEq, Wire)]
pub enum Query {
    /// Which guarantees hold so far, whether the copies converge, and why those of a service (or all) do not.
    Verdicts {
        /// The service whose copies are explained; all services if absent.
        node: Option<NodeId>,
    },
    /// The messages that were in flight between two times.
    Diagram {
        /// From when.
        from: Micros,
        /// To when.
        to: Micros,
    },
    /// Metrics over time.
    Charts,
    /// The internal state of a member of a group, and the responses that operations wait for.
    Internals {
        /// The member, a client, or the group.
        node: NodeId,
    },
    /// Run the scenario to its end with a seed at each consistency level of a group, and report the measurements of
    /// all seeds since the first. The first is 1.
    Measure {
        /// The group, by its place in the document.
        group: u32,
        /// The seed.
        seed: u64,
    },
    /// The run as a text that other tools read.
    Export(ExportKind),
    /// The log's rows `from..from + count`, counted from the first record.
    Log {
        /// The first row.
        from: u64,
        /// The greatest number of rows.
        count: u32,
    },
    /// The run as a document: the scenario with the live commands in its script, and the digest up to here.
    Describe,
}

/// An answer of the session.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct FromEngine {
    /// The run that it is about.
    pub epoch: u32,
    /// What it says.
    pub report: Report,
}

/// What the session says.
#[derive(Clone, Debug, PartialEq, Wire)]
pub enum Report {
    /// The worker listens. Sent once, before anything else, with epoch 0.
    Ready,
    /// What changed.
    Frame(Box<Frame>),
    /// Rows of the log.
    Log {
        /// Index of the first row that is returned.
        from: u64,
        /// How many records there are in all.
        total: u64,
        /// Index of the oldest record that is still kept.
        oldest: u64,
        /// The rows.
        rows: Vec<LogRow>,
    },
    /// Messages by when they were sent, the newest if there are too many: [`DiagramMessage`]s.
    Diagram(Packed),
    /// Metrics over time: [`Charts`].
    Charts(Packed),
    /// What is inside a node: [`internals::GroupInternals`].
    Internals(Packed),
    /// What seeds up to this one have shown under each consistency.
    Measured {
        /// The seed that was run.
        seed: u64,
        /// The numbers, in words: [`Row`](super::measurement::Row)s.
        rows: Packed,
    },
    /// The run as a text, with the name of a file for it.
    Text {
        /// The file.
        name: String,
        /// What is in it.
        text: String,
    },
    /// What was found out.
    Verdicts(Vec<VerdictView>),
    /// The run as a document.
    Document {
        /// The scenario, its script with the live commands merged in.
        scenario: ScenarioJson,
        /// Digest of the trace up to where the run stands, 16 hexadecimal digits.
        digest: String,
        /// Where the run stands.
        now: Micros,
        /// How many live commands were merged into the script.
        live: u32,
    },
    /// What was asked cannot be answered; why, in words for people. The run is as it was.
    Unanswered(String),
    /// The scenario or command is not sound; the run that was loaded before goes on.
    Refused {
        /// What is wrong, each with its path in the document.
        errors: Vec<ScenarioError>,
    },
}

/// What changed since the frame before; everything, if `whole`.
#[derive(Clone, Debug, Default, PartialEq, Wire)]
pub struct Frame {
    /// The receiver forgets what it had: everything is in this frame.
    pub whole: bool,
    /// Virtual time.
    pub now: Micros,
    /// When the next event is due; none if nothing will happen any more.
    pub next: Option<Micros>,
    /// The end of the run as the scenario sets it.
    pub until: Micros,
    /// `Advance` ran out of budget: ask again.
    pub more: bool,
    /// Number of events so far.
    pub events: u64,
    /// Number of records in the log so far.
    pub records: u64,
    /// Digest of the trace so far, 16 hexadecimal digits.
    pub digest: String,
    /// Messages sent, in order; those that also arrived since the last frame are in both lists.
    pub sent: Vec<MessageView>,
    /// Messages that arrived or were dropped.
    pub ended: Vec<MessageEnd>,
    /// Messages in flight, for all links.
    pub in_flight: u32,
    /// Services of which anything changed, whole.
    pub services: Vec<ServiceView>,
    /// Buses of which anything changed, whole.
    pub buses: Vec<BusView>,
    /// Clients of which anything changed, whole.
    pub clients: Vec<ClientView>,
    /// Directed links that are cut now, all of them.
    pub cut: Vec<(NodeId, NodeId)>,
    /// What else is wrong now, all of it.
    pub active_faults: Vec<ActiveFault>,
    /// Changes of a service's worst state over time, for the ribbons, in order.
    pub ribbons: Vec<RibbonChange>,
    /// New marks of the timeline, in order.
    pub marks: Vec<Mark>,
    /// How the copies stand as a whole.
    pub summary: Summary,
    /// Why the `Act` that this answers makes no sense, in words for people.
    pub refused: Option<String>,
    /// Why the run cannot go on, in words for people.
    pub halted: Option<String>,
    /// The branches, where something about them changed.
    pub branches: Option<Box<BranchList>>,
    /// The branch beside the one that is shown, at the same instant.
    pub other: Option<Box<Frame>>,
}

/// The branches of a document.
#[derive(Clone, Debug, Default, PartialEq, Wire)]
pub struct BranchList {
    /// All of them, each with its steps so far.
    pub list: Vec<Branch>,
    /// Which is shown.
    pub current: u32,
    /// Which stands beside it.
    pub compared: Option<u32>,
}

/// What is done with branches, by their place in the list.
#[derive(Clone, Debug, PartialEq, Wire)]
pub enum BranchCommand {
    /// Show this one.
    Show(u32),
    /// Open one that parts here from the one that is shown, with other settings, and show it.
    New {
        /// What it is called; numbered where absent.
        name: Option<String>,
        /// Fields that are different, as in [`Branch::set`].
        set: BTreeMap<String, String>,
    },
    /// Call it something else.
    Rename(u32, String),
    /// Delete it.
    Remove(u32),
    /// Put it beside the one that is shown, or none.
    Compare(Option<u32>),
}

/// A message as it was sent.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct MessageView {
    /// Its number.
    pub id: u64,
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// What it is for.
    pub kind: MessageKind,
    /// The update that it is about; gives the colour.
    pub update: Option<u32>,
    /// What it carries, in words: `widget = 42 (v3)`.
    pub label: String,
    /// Which delivery, from 2 where it was delivered before; else 0 or 1.
    pub attempt: u32,
    /// It is the second copy of a duplicated message.
    pub duplicate: bool,
    /// When it was sent.
    pub sent: Micros,
    /// When it would arrive.
    pub due: Micros,
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct MessageEnd {
    /// Its number.
    pub id: u64,
    /// When.
    pub at: Micros,
    /// Why it was not delivered; none if it was.
    pub dropped: Option<DropCause>,
}

/// A service's card.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct ServiceView {
    /// Which.
    pub node: NodeId,
    /// Its worst state: down, else stale, diverged, conflicted, consistent.
    pub state: CopyState,
    /// Its rows, by key.
    pub rows: Vec<RowView>,
    /// How many acknowledged updates are not reflected, over all keys.
    pub behind: u32,
    /// When the oldest of them was acknowledged.
    pub stale_since: Option<Micros>,
    /// Requests and events being worked on.
    pub busy: u32,
    /// Requests and events waiting.
    pub waiting: u32,
    /// Blocking calls to other services that have not been answered yet.
    pub blocked: u32,
    /// Rows of its outbox that the bus has not acknowledged.
    pub outbox: u32,
    /// The updates of the first twelve of them.
    pub outbox_rows: Vec<u32>,
    /// The newest eight rows of its inboxes, oldest first.
    pub inbox: Vec<InboxRow>,
    /// Events that its inboxes said were applied already.
    pub applied_already: u64,
    /// Of a member of a group: whether it leads, its log, what it keeps for others, in a few words; else empty.
    pub member: String,
}

/// A row of an inbox: an event that was handled, for as long as the inbox remembers.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct InboxRow {
    /// The update; gives the colour.
    pub update: u32,
    /// It came again, and had no effect.
    pub again: bool,
}

/// Something that is wrong with a node or a link, short of a crash or a cut.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct ActiveFault {
    /// The node; for a link the one that sends.
    pub node: NodeId,
    /// For a link, the one that receives.
    pub to: Option<NodeId>,
    /// In a few words: `paused`, `10 × slower`.
    pub what: String,
}

/// A row of a service's card. A key that it should hold and does not has no value.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct RowView {
    /// The key.
    pub key: String,
    /// What a read would return; none where that is siblings.
    pub value: Option<Value>,
    /// The key is absent because it was deleted, and that is remembered.
    pub deleted: bool,
    /// What a read returns, where that is more than one value.
    pub siblings: Vec<Value>,
    /// Its version as people see it, `v3` or `@12.5 ms`; empty for an absent key.
    pub version: String,
    /// The update that made it what it is; gives the colour.
    pub update: Option<u32>,
    /// How it stands.
    pub state: CopyState,
    /// How many acknowledged updates it does not reflect.
    pub behind: u32,
    /// When the oldest of them was acknowledged.
    pub stale_since: Option<Micros>,
    /// Acknowledged writes of this key that were made here, and that another took the place of, unseen.
    pub lost: u32,
}

/// A bus's card.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct BusView {
    /// Which.
    pub node: NodeId,
    /// A lane for each subscription.
    pub subscriptions: Vec<SubscriptionView>,
}

/// A subscription's lane.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct SubscriptionView {
    /// The consumer.
    pub service: NodeId,
    /// The topic's name.
    pub topic: String,
    /// How many partitions the topic has.
    pub partitions: u32,
    /// Events queued or unacknowledged.
    pub depth: u32,
    /// The first twelve of them.
    pub cells: Vec<CellView>,
    /// Of a topic with several partitions: how many of each that has any.
    pub depths: Vec<DepthView>,
    /// Events in the dead-letter queue.
    pub dead: u32,
    /// What the first twelve of them say.
    pub dead_letters: Vec<String>,
    /// Events discarded so far.
    pub discarded: u32,
}

/// How many events of a partition a lane holds.
#[derive(Clone, Copy, Debug, PartialEq, Wire)]
pub struct DepthView {
    /// The partition, from 0.
    pub partition: u32,
    /// Waiting to be delivered.
    pub queued: u32,
    /// Sent and not acknowledged yet.
    pub in_flight: u32,
}

/// An event in a lane.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct CellView {
    /// The update; gives the colour.
    pub update: u32,
    /// What it says: `widget = 42 (v3)`.
    pub label: String,
    /// Sent and not acknowledged yet.
    pub in_flight: bool,
    /// Deliveries so far.
    pub deliveries: u32,
    /// When it is delivered next, where that is in the future.
    pub not_before: Option<Micros>,
}

/// A client's card.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct ClientView {
    /// Which.
    pub node: NodeId,
    /// Operations under way.
    pub pending: u32,
    /// Operations that ended ok.
    pub ok: u64,
    /// Operations that ended as fail.
    pub fail: u64,
    /// Operations that ended as unknown.
    pub unknown: u64,
    /// Reads that ended ok.
    pub reads: u64,
    /// Reads among them that were stale.
    pub stale_reads: u64,
    /// The last operation that ended.
    pub last: Option<LastOperation>,
}

/// The last operation that ended.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct LastOperation {
    /// In words: `read widget → 42`.
    pub label: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why the service refused it.
    pub refusal: Option<Refusal>,
    /// From issue to end.
    pub took: Micros,
    /// A read that was stale.
    pub stale: bool,
}

/// From `at` on, a service's worst state is `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct RibbonChange {
    /// The service.
    pub node: NodeId,
    /// From when on.
    pub at: Micros,
    /// Its state.
    pub state: CopyState,
}

/// A mark of the timeline.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct Mark {
    /// When.
    pub at: Micros,
    /// What happened.
    pub kind: MarkKind,
    /// Where.
    pub node: NodeId,
    /// The other end, for links.
    pub to: Option<NodeId>,
    /// The update; gives the colour.
    pub update: Option<u32>,
    /// In words.
    pub label: String,
}

/// What a mark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum MarkKind {
    /// An update was committed.
    Update,
    /// A service crashed.
    Crash,
    /// A service came back.
    Restart,
    /// One direction of a link was cut.
    Cut,
    /// One direction of a link was healed.
    Heal,
    /// Something else went wrong with a node or a link: it was disturbed, held, slowed, or its bus stopped.
    Fault,
    /// That is over.
    FaultEnded,
    /// An acknowledged write of a group was lost to another.
    Lost,
    /// A copy became stale when all were consistent.
    FirstStale,
    /// Every copy is consistent again.
    Converged,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct LogRow {
    /// Index of the record.
    pub index: u64,
    /// When.
    pub at: Micros,
    /// The fact's name, as in `message_dropped`.
    pub name: String,
    /// What happened, as a sentence with its payload.
    pub text: String,
    /// The update; gives the colour.
    pub update: Option<u32>,
    /// The nodes that it is about.
    pub nodes: Vec<NodeId>,
}

/// A request to do something, as the page keeps it in a document's script.
pub fn step(at: Micros, command: Command) -> Step {
    Step { at_ms: at as f64 / 1000.0, command }
}
