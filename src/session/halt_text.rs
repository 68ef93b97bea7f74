//! Why a run halted: a sentence that names the limit, the nodes and the loop.

use super::labels;
use super::run::Run;
use crate::engine::{Halt, HaltCause};
use crate::trace::{Fact, MessageKind, NodeId};
use std::collections::BTreeMap;

/// Newest records that are searched for the loop.
const NEWEST: u64 = 2_000;
/// Parts of the loop that the sentence names at most.
const MOST: usize = 6;

/// A part of a loop: sender, receiver and kind of message.
type Hop = (NodeId, NodeId, MessageKind);

/// Returns why a run halted, a message for people; none if it did not.
pub fn sentence(run: &Run) -> Option<String> {
    let halt = run.engine().halt()?;
    let Halt { cause, limit, at, node } = halt;
    let at = labels::duration(at);
    let (problem, hops) = match cause {
        HaltCause::EventsAtOneInstant => (format!("more than {limit} events happened at one instant"), recent(run)),
        HaltCause::Events => (format!("it processed {limit} events, its limit"), recent(run)),
        HaltCause::MessagesInFlight => (format!("more than {limit} messages are in flight"), in_flight(run)),
        HaltCause::Interrupted => return Some(format!("the run was halted at {at}: it was interrupted.")),
        HaltCause::Memory => (format!("it needs more than {} MB of memory", limit >> 20), in_flight(run)),
    };
    let name = |node: NodeId| run.engine().names().label(node);
    let parts: Vec<String> = hops
        .iter()
        .map(|(from, to, kind)| format!("{} → {} ({})", name(*from), name(*to), labels::message_kind(*kind)))
        .collect();
    let where_ = match (cause, parts.is_empty()) {
        (_, true) => format!("The last event was at {}.", name(node)),
        (HaltCause::EventsAtOneInstant, false) => {
            format!("The loop, in which no time passes: {}.", parts.join(", "))
        }
        (HaltCause::Events, false) => format!("The latest messages: {}.", parts.join(", ")),
        (HaltCause::MessagesInFlight | HaltCause::Memory | HaltCause::Interrupted, false) => {
            format!("Most messages in flight: {}.", parts.join(", "))
        }
    };
    Some(format!("the run was halted at {at}: {problem}. {where_}"))
}

/// The kinds of messages among the newest records, in the order of their first occurrence.
fn recent(run: &Run) -> Vec<Hop> {
    let trace = run.engine().trace();
    let mut hops: Vec<Hop> = Vec::new();
    for record in trace.since(trace.total().saturating_sub(NEWEST)) {
        if let Fact::MessageSent { from, to, kind, .. } = &record.fact {
            let hop = (*from, *to, *kind);
            if hops.len() < MOST && !hops.contains(&hop) {
                hops.push(hop);
            }
        }
    }
    hops
}

/// The most frequent kinds of messages in flight.
fn in_flight(run: &Run) -> Vec<Hop> {
    let mut counts: BTreeMap<(NodeId, NodeId, u8), (u32, MessageKind)> = BTreeMap::new();
    for (_, message) in run.analysis().messages.iter() {
        counts.entry((message.from, message.to, message.kind as u8)).or_insert((0, message.kind)).0 += 1;
    }
    let mut most: Vec<(u32, Hop)> = Vec::new();
    for ((from, to, _), (count, kind)) in counts {
        let at = most.partition_point(|(other, _)| *other >= count);
        most.insert(at, (count, (from, to, kind)));
        most.truncate(3);
    }
    most.into_iter().map(|(_, hop)| hop).collect()
}
