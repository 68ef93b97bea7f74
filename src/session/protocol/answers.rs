//! What the page is told when it asks about a run: messages, metrics, verdicts.

use crate::analysis::TimedOperation;
use crate::scenario::Micros;
use crate::trace::{MessageKind, NodeId};
use crate::wire::Wire;

/// What a run can be saved as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum ExportKind {
    /// Metrics over time, as CSV.
    Csv,
    /// Messages, as a Mermaid sequence diagram.
    Mermaid,
    /// The log with vector clocks, for ShiViz.
    Shiviz,
    /// Operations, in Jepsen's shape.
    History,
}

/// A line of a chart: its name, and what is counted at each instant.
pub type Line = (String, Vec<u32>);

/// Metrics over time, and operations with how long they took.
#[derive(Clone, Debug, Default, PartialEq, Wire)]
pub struct Charts {
    /// The instants.
    pub at: Vec<Micros>,
    /// What is counted at each of them: a chart for each, with its name, and its lines.
    pub counts: Vec<(String, Vec<Line>)>,
    /// Operations that have ended, the newest if there are many.
    pub operations: Vec<TimedOperation>,
    /// Inconsistency windows, the newest if there are many.
    pub windows: Vec<WindowBar>,
}

/// An inconsistency window, as a chart shows it.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct WindowBar {
    /// The update; gives the colour.
    pub update: u32,
    /// What it says: `widget = 42 (v3)`.
    pub label: String,
    /// When it was acknowledged.
    pub since: Micros,
    /// How long it was open, or has been.
    pub took: Micros,
    /// It is open yet.
    pub open: bool,
}

/// A message of the space-time diagram.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct DiagramMessage {
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
    /// What it carries, in words.
    pub label: String,
    /// When it was sent.
    pub sent: Micros,
    /// When it arrived or was lost; none while it is under way.
    pub end: Option<Micros>,
    /// It was lost.
    pub dropped: bool,
    /// It is a replica's answer, and enough others had answered before.
    pub late: bool,
}

/// A verdict, or the reason of one copy's state.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct VerdictView {
    /// What kind of thing it is about.
    pub about: VerdictSubject,
    /// What it is about: `Linearizable`, `Why widget at Notification`.
    pub title: String,
    /// How it stands.
    pub standing: VerdictStatus,
    /// Why, in a sentence or a few.
    pub because: String,
    /// What proves it, or what led to it, in order.
    pub steps: Vec<VerdictStep>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub enum VerdictSubject {
    /// Whether the copies come to agree.
    Convergence,
    /// Why one copy is as it is.
    Copy,
    /// An invariant of the scenario.
    Invariant,
    /// A guarantee to clients.
    Guarantee,
}

impl VerdictSubject {
    /// Whether it is something that a run promises: an invariant or a guarantee.
    pub fn is_promise(self) -> bool {
        match self {
            VerdictSubject::Invariant | VerdictSubject::Guarantee => true,
            VerdictSubject::Convergence | VerdictSubject::Copy => false,
        }
    }
}

/// Something that happened, to jump to.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct VerdictStep {
    /// When.
    pub at: Micros,
    /// What, in words.
    pub text: String,
    /// Where.
    pub nodes: Vec<NodeId>,
}

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
#[repr(u8)]
pub enum VerdictStatus {
    /// It holds; the copies have converged.
    Holds,
    /// It is violated; the copies will not converge.
    Violated,
    /// The copies are converging.
    Pending,
    /// Neither could be shown.
    Unknown,
}
