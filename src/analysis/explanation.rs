//! Explanations of stale, conflicted and diverged copies, from the missing update back to the fault; and the convergence
//! verdict that follows from them.

mod background_work;
mod broker_healing;
mod carried_states;
mod event_history;
mod event_risks;
mod group_prospects;
mod group_writes;
mod handling_times;
mod healing;
mod inquiry;
mod later_faults;
mod leaderships;
mod pending_work;
mod promises;
mod prospects;
mod publication_prospects;
mod queue_prospects;
mod queued_events;
mod read_repairs;
mod repeated_deliveries;
mod repeated_events;
mod steps;
mod update_paths;
mod write_steps;

use super::prospect::Prospect;
use super::run_context::RunContext;
use crate::language::phrase;
use crate::trace::{KeyId, NodeId, UpdateId};
pub use event_history::EventHistory;
pub use inquiry::{Answer, Inquiry, VerdictSteps};

/// The explanation of one copy that is not consistent.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The service.
    pub node: NodeId,
    /// The key.
    pub key: KeyId,
    /// The missing update, or the unacknowledged one that another copy lacks. None for other conflicted or diverged copies.
    pub update: Option<UpdateId>,
    /// The node of a copy that lacks the update, for a copy that diverged by an unacknowledged one. The prospect is that of the
    /// lacking copy.
    pub lacking: Option<NodeId>,
    /// Numbers of the records that led to the copy's state, in order.
    pub steps: Vec<u64>,
    /// Whether and how the copy will become consistent.
    pub prospect: Prospect,
}

/// An event on its way that will change a consistent copy: it or a newer one was already applied there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepeatedEvent {
    /// The consumer.
    pub node: NodeId,
    /// The event's update.
    pub update: UpdateId,
    /// The bus that delivers it, or the publisher that publishes it.
    pub from: NodeId,
    /// Whether the consumer adds it. Otherwise, it overwrites a newer value.
    pub adds: bool,
}

/// Whether the copies will become consistent.
#[derive(Clone, Debug, PartialEq)]
pub enum Convergence {
    /// All copies at services that are up equal the reference, and no work is pending that may change one.
    Converged,
    /// Some copies are not consistent, and pending work suffices for each of them. Contains their explanations; none if all are
    /// consistent, and operations or messages are pending that may change one.
    Converging(Vec<Explanation>),
    /// Some copies are not consistent, and no pending work can change that. Contains their explanations.
    WillNotConverge(Vec<Explanation>),
    /// None of these could be shown. Contains the reason.
    Unknown(&'static str),
}

/// Maximum number of explanations in a verdict, and of one copy.
const MAX_EXPLANATIONS: usize = 8;
/// The number of records, messages or copies that one part of the work visits.
const PART: usize = 4096;

impl RunContext<'_> {
    /// Returns the convergence verdict, and the events that change consistent copies.
    pub fn convergence(&self) -> (Convergence, Vec<RepeatedEvent>) {
        let mut inquiry = Inquiry::new(Vec::new(), 0, Some(VerdictSteps::Found));
        let answer = inquiry.advance(self, &mut EventHistory::default(), &|| false).unwrap_or_default();
        let unknown = Convergence::Unknown(phrase("it was not judged", "es wurde nicht beurteilt"));
        (answer.convergence.unwrap_or(unknown), answer.repeated)
    }

    /// Explains a copy that is not consistent: one explanation for each missing update, the oldest first. Returns no explanation
    /// for a consistent copy.
    pub fn explain(&self, node: NodeId, key: KeyId) -> Vec<Explanation> {
        let mut inquiry = Inquiry::new(vec![(node, key)], MAX_EXPLANATIONS, None);
        let answer = inquiry.advance(self, &mut EventHistory::default(), &|| false);
        answer.map(|answer| answer.explanations).unwrap_or_default()
    }
}
