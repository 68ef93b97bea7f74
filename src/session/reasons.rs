//! Why a copy is as it is, and whether the copies come to agree, in words.

use super::words;
use crate::analysis::{Convergence, CopyState, Explanation, Prospect, RunContext};
use crate::scenario::Micros;
use crate::trace::DropReason;

/// Why nobody can tell how an invariant stands.
pub const NEVER_LOOKED: &str = "no service holds what it is about, or the run was never quiescent";

/// A step of a story: the number of its record, when it was, and what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Number of the record.
    pub record: u64,
    /// When.
    pub at: Micros,
    /// What, as in the log.
    pub text: String,
}

/// What is to be expected of a copy, in words.
pub fn prospect(prospect: Prospect, look: &RunContext) -> String {
    let name = |node| look.names.label(node);
    let at = |at: Micros| words::duration(at);
    match prospect {
        Prospect::Arriving { due } => format!("a message that carries it arrives at {}", at(due)),
        Prospect::Queued { delivered: true, deliveries, .. } => {
            format!(
                "it was delivered ({deliveries}) and is being handled, or is delivered again when no acknowledgement comes"
            )
        }
        Prospect::Queued { not_before, deliveries, .. } if deliveries > 0 && not_before > look.now => {
            format!("it waits in the queue for delivery {} at {}", deliveries + 1, at(not_before))
        }
        Prospect::Queued { .. } => "it waits in the queue to be delivered".into(),
        Prospect::Unpublished(node) => format!("{} has its event still to publish, and will", name(node)),
        Prospect::BeingHandled(node) => {
            format!("{} handles its event, and waits for its group to write it", name(node))
        }
        Prospect::Promised(node) => {
            format!("it has promised it and keeps the key locked until {} tells its decision", name(node))
        }
        Prospect::Hinted(node) => format!("{} keeps it and hands it over", name(node)),
        Prospect::Repairing => "the members compare what they hold, or send again, until each has it".into(),
        Prospect::ReadRepair => "a read that asks this replica will repair it".into(),
        Prospect::AfterHealing(when) => format!("something is broken, which the script mends at {}", at(when)),
        Prospect::Down(node) => format!("{} is down, and nothing starts it again", name(node)),
        Prospect::CutOff => "no member that still has it can reach this one".into(),
        Prospect::DeadLettered(subscription) => {
            let bus = look.names.subscription(subscription).bus;
            format!("it lies in the dead-letter queue at {}: only a redrive delivers it again", name(bus))
        }
        Prospect::Poison(subscription) => {
            let service = look.names.subscription(subscription).service;
            format!("it is a poison message: every delivery to {} fails", name(service))
        }
        Prospect::Discarded(reason) => match reason {
            DropReason::DeliveriesUsedUp => "the bus gave it up after its last delivery",
            DropReason::Expired => "the bus kept it as long as its topic keeps events, and no longer",
            DropReason::NotFlushed => "the bus lost it, since it had not been flushed",
            DropReason::Purged => "it was purged from the dead-letter queue",
            DropReason::NotReplicated => "the bus lost it: the broker that leads now never had it",
        }
        .into(),
        Prospect::NeverPublished(node) => format!("{} never published its event, and will not", name(node)),
        Prospect::Applied => {
            "every update was taken in; one was applied twice, out of order, or never committed where it was made"
                .into()
        }
        Prospect::Siblings => "concurrent writes left siblings: a write that has read them all resolves them".into(),
        Prospect::Lost => "nothing that carries it is under way".into(),
    }
}

/// One answer: what the copy lacks, and what is to be expected, in one sentence.
pub fn sentence(why: &Explanation, look: &RunContext) -> String {
    let (node, key) = (look.names.label(why.node), look.names.key(why.key));
    let state = look.analysis.staleness.copy(why.node, why.key).map(|copy| copy.state()).unwrap_or_default();
    let mut expected = prospect(why.prospect, look);
    if let (Prospect::Lost, Some(last)) = (why.prospect, steps(why, look).pop()) {
        expected = format!("{}, and {expected}", last.text);
    }
    match (state, why.update) {
        (CopyState::Conflicted, _) => format!("{key} at {node} is conflicted: {expected}."),
        (CopyState::Diverged, _) => format!("{key} at {node} has diverged: {expected}."),
        (CopyState::Stale | CopyState::Down | CopyState::Consistent, Some(update)) => {
            format!("{node} lacks {}: {expected}.", words::update(update, look.analysis, look.names))
        }
        (CopyState::Stale | CopyState::Down | CopyState::Consistent, None) => {
            format!("{key} at {node} is stale: {expected}.")
        }
    }
}

/// The steps of a story.
pub fn steps(why: &Explanation, look: &RunContext) -> Vec<Step> {
    let told = why.steps.iter().filter_map(|number| {
        let record = look.trace.get(*number)?;
        let text = words::sentence(record, look.analysis, look.names).text;
        Some(Step { record: *number, at: record.at, text })
    });
    told.collect()
}

/// The verdict's name, and what it rests on, a sentence each.
pub fn convergence(verdict: &Convergence, look: &RunContext) -> (&'static str, Vec<String>) {
    let all = |whys: &[Explanation]| whys.iter().map(|why| sentence(why, look)).collect();
    match verdict {
        Convergence::Converged => ("converged", Vec::new()),
        Convergence::Converging(whys) if whys.is_empty() => {
            ("converging", vec!["Every copy is consistent; messages or operations are still under way.".into()])
        }
        Convergence::Converging(whys) => ("converging", all(whys)),
        Convergence::WillNotConverge(whys) => ("will not converge", all(whys)),
        Convergence::Unknown(why) => ("unknown", vec![format!("Neither could be shown: {why}.")]),
    }
}
