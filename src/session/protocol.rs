//! The messages between the page and the session, across the worker or within one thread.
//!
//! The page sends one [`ToEngine`] at a time and receives one [`FromEngine`] as its answer. Every message
//! carries the epoch of the loaded run; the page discards answers of an older epoch. What the page shows
//! crosses as fields; the page makes the text.

mod answers;
mod as_json;
mod bytes;
mod content;
mod faults;
pub mod grade;
mod host_events;
pub mod internals;
pub mod lesson;
mod summary;
mod values;
mod views;

use crate::scenario::{Branch, Command, Micros, Scenario, ScenarioError, Step};
use crate::trace::NodeId;
use grade::{GradingQuery, GradingReport};
use lesson::{FactMark, LessonQuery, LessonReport};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use crate::analysis::{CopyState, TimedOperation};
pub use answers::{
    Charts, DiagramMessage, ExportKind, MeasurementRow, VerdictStatus, VerdictStep, VerdictSubject, VerdictView,
    WindowBar,
};
pub use bytes::{decode, encode};
pub use content::{Change, MessageContent, OperationRequest, OperationView, UpdateView};
pub use faults::{ActiveFault, FaultKind};
pub use host_events::{HostEvent, HostEventKind, HostMessage};
pub use summary::{Summary, Window};
pub use views::{
    BusView, ClientView, InboxRow, LastOperation, LogRow, Mark, MarkKind, MemberView, MessageEnd, MessageView,
    PartitionDepth, QueuedEvent, RibbonChange, RowView, ServiceView, SubscriptionView, TreeLevel,
};

/// The id of the verdict on the guarantee that no acknowledged write is lost.
pub const NO_LOST_UPDATE: &str = "no-lost-update";
/// Rows that the card of a service shows.
pub const SHOWN_ROWS: usize = 6;

/// A request of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToEngine {
    /// The run; [`Request::First`], [`Request::Load`] and [`Request::Edit`] begin a new one.
    pub epoch: u32,
    /// The request.
    pub request: Request,
}

/// A request of the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Load the first scenario ([`Scenario::first`]), as the page does before the visitor's first input.
    First,
    /// Run until every event up to `to` has happened, but no more than `budget` events; the frame reports
    /// whether events remain.
    Advance {
        /// Virtual time to reach.
        to: Micros,
        /// The maximum number of events.
        budget: u32,
    },
    /// Run exactly the next event.
    Step,
    /// Load a scenario and run it to a time.
    Load {
        /// The scenario.
        #[serde(with = "as_json")]
        scenario: Box<Scenario>,
        /// The time to run to; 0 for the start.
        at: Micros,
    },
    /// Replace the drawing: run it from the start to the present time, with the live commands that are still
    /// valid. So an edit or its undo never resets the clock.
    Edit {
        /// The changed scenario.
        #[serde(with = "as_json")]
        scenario: Box<Scenario>,
    },
    /// Go back to the state before the last event.
    StepBack,
    /// Run to the next mark of the timeline (update, fault, first stale, converged), including everything that
    /// happens at its time; to the end if there is no further mark.
    NextMark,
    /// Run to the next time that a fact happens; from the start if it does not happen again.
    NextFact(FactMark),
    /// Execute a command now, like a step of the script.
    Act {
        /// The command.
        #[serde(with = "as_json")]
        command: Command,
    },
    /// Go to a time. Seeking backwards keeps the live commands, before and after that time.
    Seek {
        /// The time.
        to: Micros,
    },
    /// Go to the start and discard the live commands; with several branches the commands are kept.
    Reset,
    /// Show, create, rename, delete or compare branches.
    Branch(BranchCommand),
    /// Answer a question about the run, which stays as it is.
    Query(Query),
    /// Answer a question about a lesson.
    Lesson(LessonQuery),
    /// Grade an answer to a task.
    Grade(GradingQuery),
}

impl Request {
    /// Returns whether it moves the run to another time.
    pub fn moves_run(&self) -> bool {
        match self {
            Request::First
            | Request::Load { .. }
            | Request::Edit { .. }
            | Request::Seek { .. }
            | Request::Branch(_)
            | Request::NextMark
            | Request::NextFact(_)
            | Request::Reset
            | Request::StepBack => true,
            Request::Query(_)
            | Request::Lesson(_)
            | Request::Grade(_)
            | Request::Act { .. }
            | Request::Step
            | Request::Advance { .. } => false,
        }
    }

    /// Returns whether it is about the course, not about the run.
    pub fn is_about_course(&self) -> bool {
        matches!(self, Request::Lesson(_) | Request::Grade(_))
    }
}

/// A question about the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Query {
    /// Which guarantees hold so far, whether the copies converge, and why some do not.
    Verdicts {
        /// The service whose copies are explained before all others.
        node: Option<NodeId>,
    },
    /// The messages that were in flight between two times.
    Diagram {
        /// The start.
        from: Micros,
        /// The end.
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
    /// A slice of the run as a text that other tools read, counted from 0.
    Export {
        /// The format.
        kind: ExportKind,
        /// The slice.
        slice: u32,
    },
    /// The log's rows `from..from + count`, counted from the first record.
    Log {
        /// The first row.
        from: u64,
        /// The maximum number of rows.
        count: u32,
    },
    /// The events since a record, by its index, for the host page.
    HostEvents {
        /// The record.
        from: u64,
    },
    /// When facts have happened, since a record, by its index.
    Facts {
        /// The facts.
        marks: Vec<FactMark>,
        /// The record.
        from: u64,
    },
    /// The run as a document: the scenario with the live commands in its script, and the digest up to here.
    Describe,
}

/// A change of the list of branches. Branches are named by their place in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BranchCommand {
    /// Show a branch.
    Show(u32),
    /// Create a branch that forks here from the shown one, with other settings, and show it.
    New {
        /// Its name; numbered if absent.
        name: Option<String>,
        /// Settings that differ, as in [`Branch::set`].
        set: BTreeMap<String, String>,
    },
    /// Rename a branch.
    Rename(u32, String),
    /// Delete a branch.
    Remove(u32),
    /// Compare a branch with the shown one, or end the comparison.
    Compare(Option<u32>),
}

/// An answer of the session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FromEngine {
    /// The run that it is about.
    pub epoch: u32,
    /// The answer.
    pub report: Report,
}

/// A report of the session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// The worker accepts requests. Sent once, before all other messages, with epoch 0.
    Ready,
    /// What changed.
    Frame(Box<Frame>),
    /// Rows of the log.
    Log {
        /// Index of the first row that is returned.
        from: u64,
        /// Number of all records.
        total: u64,
        /// Index of the oldest record that is still kept.
        oldest: u64,
        /// The rows.
        rows: Vec<LogRow>,
    },
    /// Events for the host page.
    HostEvents {
        /// The index of the record after the last one that is covered.
        next: u64,
        /// The events.
        events: Vec<HostEvent>,
    },
    /// Messages in the order of their sending; the newest if there are too many.
    Diagram(Vec<DiagramMessage>),
    /// Metrics over time.
    Charts(Box<Charts>),
    /// The internal state of a node.
    Internals(Box<internals::GroupInternals>),
    /// The measurements of the seeds up to this one, at each consistency level.
    Measured {
        /// The seed that was run.
        seed: u64,
        /// The numbers as text.
        rows: Vec<MeasurementRow>,
    },
    /// A slice of the run as a text, with a name for its file.
    Text {
        /// The export of which it is a part.
        kind: ExportKind,
        /// The slice, counted from 0.
        slice: u32,
        /// The name of the file.
        name: String,
        /// The next part of its content.
        text: String,
        /// Whether there are more slices.
        more: bool,
    },
    /// The verdicts on the run so far.
    Verdicts(Vec<VerdictView>),
    /// The verdicts take longer than a request may. The same query continues.
    VerdictsPending,
    /// The run as a document.
    Document {
        /// The scenario, its script with the live commands merged in.
        #[serde(with = "as_json")]
        scenario: Box<Scenario>,
        /// Digest of the trace up to the present time, 16 hexadecimal digits.
        digest: String,
        /// The present time.
        now: Micros,
        /// The number of live commands that were merged into the script.
        live: u32,
    },
    /// When facts have happened.
    Facts {
        /// The index of the record after the last one that is covered.
        next: u64,
        /// The times, each with the fact's place in the query, in order.
        reached: Vec<(Micros, u32)>,
    },
    /// An answer about a lesson.
    Lesson(Box<LessonReport>),
    /// An answer about the grading of an answer.
    Grade(Box<GradingReport>),
    /// A query cannot be answered: a message for people. The run is unchanged.
    Unanswered(String),
    /// The scenario or request is invalid; the run that was loaded before continues.
    Refused {
        /// The errors, each with its path in the document.
        errors: Vec<ScenarioError>,
    },
}

/// What changed since the previous frame; everything, if `whole`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Whether this frame contains everything, so that the receiver discards its earlier state.
    pub whole: bool,
    /// Virtual time.
    pub now: Micros,
    /// When the next event is due; none if no further event will happen.
    pub next: Option<Micros>,
    /// The end of the run as the scenario sets it.
    pub until: Micros,
    /// Whether the budget was spent before the time was reached, so that the page must request the rest.
    pub more: bool,
    /// Number of events so far.
    pub events: u64,
    /// Number of records in the log so far.
    pub records: u64,
    /// Digest of the trace so far, 16 hexadecimal digits.
    pub digest: String,
    /// Messages sent, in order. A message that was also received since the previous frame is in both lists.
    pub sent: Vec<MessageView>,
    /// Messages that were received or dropped.
    pub ended: Vec<MessageEnd>,
    /// Number of messages in flight.
    pub in_flight: u32,
    /// Services that changed, whole.
    pub services: Vec<ServiceView>,
    /// Buses that changed, whole.
    pub buses: Vec<BusView>,
    /// Clients that changed, whole.
    pub clients: Vec<ClientView>,
    /// Directed links that are cut now, all of them.
    pub cut: Vec<(NodeId, NodeId)>,
    /// All other active faults.
    pub active_faults: Vec<ActiveFault>,
    /// Changes of a service's worst state over time, for the ribbons, in order.
    pub ribbons: Vec<RibbonChange>,
    /// New marks of the timeline, in order.
    pub marks: Vec<Mark>,
    /// The states of all copies, counted.
    pub summary: Summary,
    /// Why the command that this answers is refused, a message for people.
    pub refused: Option<String>,
    /// The reason why the run cannot continue, a message for people.
    pub halted: Option<String>,
    /// The branches, if they changed. They cross beside the frame.
    #[serde(skip)]
    pub branches: Option<Box<BranchList>>,
    /// The branch that is compared with the shown one, at the same time.
    pub compared: Option<Box<Frame>>,
}

/// The branches of a document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BranchList {
    /// All branches, each with its steps so far.
    #[serde(with = "as_json")]
    pub list: Vec<Branch>,
    /// The shown branch.
    pub current: u32,
    /// The compared branch.
    pub compared: Option<u32>,
}

impl BranchList {
    /// Returns the branches of a document without any: the document itself is the only one.
    pub fn only() -> Self {
        let main = Branch { name: "Main".into(), ..Branch::default() };
        BranchList { list: vec![main], current: 0, compared: None }
    }
}

/// A live command as a step of a script.
pub fn step(at: Micros, command: Command) -> Step {
    Step { at_ms: at as f64 / 1000.0, command }
}
