//! Answers to queries: messages of the diagram, metrics, verdicts.

use super::content::{MessageContent, UpdateView};
use crate::analysis::TimedOperation;
use crate::scenario::Micros;
use crate::trace::{MessageKind, NodeId};
use serde::{Deserialize, Serialize};

/// A format in which a run can be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportKind {
    /// Metrics over time, as CSV.
    Csv,
    /// Messages, as a Mermaid sequence diagram.
    Mermaid,
    /// The log with vector clocks, for ShiViz.
    Shiviz,
    /// Operations, in Jepsen's format.
    History,
}

/// A line of a chart: its name, and its value at each time.
pub type Line = (String, Vec<u32>);

/// A row of a comparison of consistency levels: the metric, and its value at each level as text.
pub type MeasurementRow = (String, Vec<String>);

/// Metrics over time, and the latencies of operations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Charts {
    /// The times.
    pub at: Vec<Micros>,
    /// The charts, each with its name and its lines.
    pub counts: Vec<(String, Vec<Line>)>,
    /// Operations that have ended; the newest if there are many.
    pub operations: Vec<TimedOperation>,
    /// Inconsistency windows; the newest if there are many.
    pub windows: Vec<WindowBar>,
}

/// An inconsistency window in a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowBar {
    /// The update.
    pub update: UpdateView,
    /// When it was acknowledged.
    pub since: Micros,
    /// How long the window was open, or has been open so far.
    pub took: Micros,
    /// Whether it is still open.
    pub open: bool,
    /// Whether it closed, and a copy has lost the update again.
    pub missed_again: bool,
}

/// A message of the space-time diagram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagramMessage {
    /// Its number.
    pub id: u64,
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// Its kind.
    pub kind: MessageKind,
    /// What it contains.
    pub content: MessageContent,
    /// When it was sent.
    pub sent: Micros,
    /// When it was received or dropped; none while it is in flight.
    pub end: Option<Micros>,
    /// Whether it was dropped.
    pub dropped: bool,
    /// Whether it is a replica's response, and enough other replicas had responded before.
    pub late: bool,
}

/// A verdict, or the explanation of one copy's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictView {
    /// Its subject.
    pub about: VerdictSubject,
    /// The service of an explained copy.
    pub node: Option<NodeId>,
    /// Its name in every language: a guarantee as the command line names it, such as `linearizable`, or the invariant.
    pub id: String,
    /// Its heading: `Linearizable`, `Why is widget stale at Notification?`.
    pub title: String,
    /// The verdict.
    pub status: VerdictStatus,
    /// The reason, in a few sentences.
    pub because: String,
    /// The witness, or the history of the copy, in order.
    pub steps: Vec<VerdictStep>,
}

/// The subject of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerdictSubject {
    /// Whether the copies converge.
    Convergence,
    /// Why one copy has its state.
    Copy,
    /// An invariant of the scenario.
    Invariant,
    /// A consistency guarantee.
    Guarantee,
}

impl VerdictSubject {
    /// Returns whether a run can violate it: an invariant or a guarantee.
    pub fn is_promise(self) -> bool {
        match self {
            VerdictSubject::Invariant | VerdictSubject::Guarantee => true,
            VerdictSubject::Convergence | VerdictSubject::Copy => false,
        }
    }
}

/// A step of a verdict, which the page can seek to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictStep {
    /// When.
    pub at: Micros,
    /// What happened, as a sentence.
    pub text: String,
    /// Where.
    pub nodes: Vec<NodeId>,
}

/// The status of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VerdictStatus {
    /// The guarantee holds; the copies have converged.
    Holds,
    /// The guarantee is violated; the copies will not converge.
    Violated,
    /// The copies are converging.
    Pending,
    /// Neither was proven.
    Unknown,
}
