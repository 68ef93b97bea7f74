//! Explanations: why a copy has its state, and whether the copies converge.

use super::run::{HALTED, Run};
use super::{labels, log_text};
use crate::analysis::{Convergence, CopyState, Explanation, Prospect, RunContext};
use crate::scenario::Micros;
use crate::trace::{DropReason, Fact, Record, facts_about};

/// Why the status of an invariant is unknown.
pub const NEVER_LOOKED: &str = "no service has its keys, or the run was never quiescent";

/// Returns why the status of an invariant of a run is unknown.
pub fn unknown_invariant(run: &Run) -> &'static str {
    if run.engine().halt().is_some() { HALTED } else { NEVER_LOOKED }
}

/// A step of an explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Number of the record.
    pub record: u64,
    /// When.
    pub at: Micros,
    /// The sentence of the log.
    pub text: String,
}

/// Describes what is expected of a copy.
pub fn prospect(prospect: Prospect, look: &RunContext) -> String {
    let name = |node| look.names.label(node);
    let at = |at: Micros| labels::duration(at);
    match prospect {
        Prospect::Arriving { due } => format!("a message that carries it is due at {}", at(due)),
        Prospect::Queued { delivered: true, deliveries, .. } => {
            format!(
                "delivery attempt {deliveries} is in flight or being handled; without an acknowledgement it is redelivered"
            )
        }
        Prospect::Queued { not_before, deliveries, .. } if deliveries > 0 && not_before > look.now => {
            format!("it waits in the queue for delivery attempt {} at {}", deliveries + 1, at(not_before))
        }
        Prospect::Queued { .. } => "it waits in the queue to be delivered".into(),
        Prospect::Unpublished(node) => format!("{} has not published its event yet", name(node)),
        Prospect::BeingHandled(node) => {
            format!("{} is handling its event and waits for its group to write it", name(node))
        }
        Prospect::Promised(node) => {
            format!("it has prepared it and keeps the key locked until {} sends its decision", name(node))
        }
        Prospect::Hinted(node) => format!("{} keeps it as a hint and will deliver it", name(node)),
        Prospect::Repairing => "the members compare their data, or retry, until each has it".into(),
        Prospect::ReadRepair => "the next read of this replica repairs it".into(),
        Prospect::AfterHealing(when) => format!("a fault prevents it, which the script ends at {}", at(when)),
        Prospect::Down(node) if look.analysis.faults.down(node).is_none() => {
            format!("{} is frozen, and nothing resumes it", name(node))
        }
        Prospect::Down(node) => format!("{} is down, and nothing restarts it", name(node)),
        Prospect::Cut(from, to) => {
            format!("the link from {} to {} is cut, and nothing heals it", name(from), name(to))
        }
        Prospect::CutOff => "no member that still has it can reach this replica".into(),
        Prospect::DeadLettered(subscription) => {
            let bus = look.names.subscription(subscription).bus;
            format!("it is in the dead-letter queue at {}: only a redrive delivers it", name(bus))
        }
        Prospect::Poison(subscription) => {
            let service = look.names.subscription(subscription).service;
            format!("it is a poison message: every delivery to {} fails", name(service))
        }
        Prospect::Discarded(reason) => match reason {
            DropReason::DeliveriesUsedUp => "the bus discarded it after its last delivery",
            DropReason::Expired => "the bus discarded it at the end of its retention time",
            DropReason::NotFlushed => "the bus lost it, because it was not flushed",
            DropReason::Purged => "it was purged from the dead-letter queue",
            DropReason::NotReplicated => "the bus lost it: the new leader never had it",
            DropReason::NotConnected => "the bus discarded it, because no consumer was connected",
        }
        .into(),
        Prospect::NeverPublished(node) => format!("{} never published its event and will not", name(node)),
        Prospect::Applied => {
            "all updates were applied, but the value differs: one was applied twice, out of order, or without being committed at its origin"
                .into()
        }
        Prospect::Siblings => {
            "concurrent writes left siblings: a write after a read of all of them resolves them".into()
        }
        Prospect::Lost => "nothing that carries it is in flight".into(),
    }
}

/// Describes the fault that keeps a missing update away: a link that is cut on its way, or else what stopped its last
/// message.
fn cause(why: &Explanation, look: &RunContext) -> Option<String> {
    why.update?;
    let records = || why.steps.iter().filter_map(|number| look.trace.get(*number));
    let ends = |record: &Record| match &record.fact {
        Fact::EventSent { subscription, .. } => {
            let ends = look.names.subscription(*subscription);
            Some((ends.bus, ends.service))
        }
        Fact::MessageSent { from, to, .. } => Some((*from, *to)),
        Fact::MessageDropped { message, .. } => {
            look.analysis.messages.recall(*message).map(|message| (message.from, message.to))
        }
        facts_about!(declarations, requests, publishers, publications, handling, attachments, faults, groups)
        | Fact::MessageDuplicated { .. }
        | Fact::MessageDelivered { .. }
        | Fact::EventQueued { .. }
        | Fact::EventAcknowledged { .. }
        | Fact::AcknowledgementExpired { .. }
        | Fact::EventDeadLettered { .. }
        | Fact::EventDiscarded { .. }
        | Fact::EventRedriven { .. } => None,
    };
    let name = |node| look.names.label(node);
    let cut = records()
        .filter_map(ends)
        .find_map(|(from, to)| look.analysis.faults.cut(from, to).map(|number| (from, to, number)));
    if let Some((from, to, number)) = cut {
        let since = look.trace.get(number).map(|record| format!(" since {}", labels::duration(record.at)));
        let since = since.unwrap_or_default();
        return Some(format!("the link {} → {} has been cut{since}", name(from), name(to)));
    }
    let is_failure = |record: &&Record| {
        matches!(
            record.fact,
            Fact::MessageDropped { .. }
                | Fact::HandlingFailed { .. }
                | Fact::PublishAbandoned { .. }
                | Fact::PublicationLost { .. }
        )
    };
    let last = records().rfind(is_failure)?;
    let text = log_text::sentence(last, look.analysis, look.names).text;
    Some(format!("{text} at {}", labels::duration(last.at)))
}

/// Describes what a copy lacks, and what is expected of it, in one sentence.
pub fn sentence(why: &Explanation, look: &RunContext) -> String {
    let (node, key) = (look.names.label(why.node), look.names.key(why.key));
    let state = look.analysis.staleness.copy(why.node, why.key).map(|copy| copy.state()).unwrap_or_default();
    let mut expected = match cause(why, look) {
        Some(cause) => format!("{cause}; {}", prospect(why.prospect, look)),
        None => prospect(why.prospect, look),
    };
    if let (Prospect::Lost, None, Some(last)) = (why.prospect, cause(why, look), steps(why, look).pop()) {
        expected = format!("{}, and {expected}", last.text);
    }
    match (state, why.update) {
        (CopyState::Conflicted, _) => format!("{key} at {node} is conflicted: {expected}."),
        (CopyState::Diverged, _) => format!("{key} at {node} has diverged: {expected}."),
        (CopyState::Stale | CopyState::Down | CopyState::Consistent, Some(update)) => {
            format!("{node} lacks {}: {expected}.", log_text::update(update, look.analysis, look.names))
        }
        (CopyState::Stale | CopyState::Down | CopyState::Consistent, None) => {
            format!("{key} at {node} is stale: {expected}.")
        }
    }
}

/// Returns the steps of an explanation.
pub fn steps(why: &Explanation, look: &RunContext) -> Vec<Step> {
    let steps = why.steps.iter().filter_map(|number| {
        let record = look.trace.get(*number)?;
        let text = log_text::sentence(record, look.analysis, look.names).text;
        Some(Step { record: *number, at: record.at, text })
    });
    steps.collect()
}

/// Returns the verdict's name and its reasons, a sentence each.
pub fn convergence(verdict: &Convergence, look: &RunContext) -> (&'static str, Vec<String>) {
    let all = |whys: &[Explanation]| whys.iter().map(|why| sentence(why, look)).collect();
    match verdict {
        Convergence::Converged => ("converged", Vec::new()),
        Convergence::Converging(whys) if whys.is_empty() => {
            ("converging", vec!["Every copy is consistent; messages or operations are still in flight.".into()])
        }
        Convergence::Converging(whys) => ("converging", all(whys)),
        Convergence::WillNotConverge(whys) => ("will not converge", all(whys)),
        Convergence::Unknown(why) => ("unknown", vec![format!("Neither was proven: {why}.")]),
    }
}
