//! Why a run halted: a sentence that names the limit, the nodes and the loop.

use super::labels;
use super::run::Run;
use crate::engine::{Halt, HaltCause};
use crate::language::{phrase, sentence};
use crate::scenario::Micros;
use crate::trace::{Fact, MessageKind, NodeId};
use std::collections::BTreeMap;

/// Newest records that are searched for the loop.
const NEWEST: u64 = 2_000;
/// The maximum number of parts of the loop that the sentence names.
const MAX: usize = 6;

/// A part of a loop: sender, receiver and kind of message.
type Hop = (NodeId, NodeId, MessageKind);

/// Returns why a run halted, a message for people; none if it did not.
pub fn sentence(run: &Run) -> Option<String> {
    let halt = run.engine().halt()?;
    let Halt { cause, limit, at, node } = halt;
    let at = labels::duration(at);
    let is_loop = has_cycle(&instantaneous(run, halt.at));
    let (problem, hops) = match cause {
        HaltCause::EventsAtOneInstant => (
            sentence!(
                "more than {limit} events happened at one instant",
                "mehr als {limit} Ereignisse geschahen in einem Augenblick"
            ),
            at_one_instant(run, halt.at),
        ),
        HaltCause::Events => (
            sentence!(
                "it processed {}, its limit",
                "er hat {} verarbeitet, seine Grenze",
                labels::count(limit, phrase("event", "Ereignis"), phrase("events", "Ereignisse"))
            ),
            recent(run),
        ),
        HaltCause::MessagesInFlight => (
            sentence!("more than {limit} messages are in flight", "mehr als {limit} Nachrichten sind unterwegs"),
            in_flight(run),
        ),
        HaltCause::Interrupted => {
            return Some(sentence!(
                "the run was halted at {at}: it was interrupted.",
                "der Lauf wurde bei {at} angehalten: er wurde unterbrochen."
            ));
        }
        HaltCause::Memory => (
            sentence!("it needs more than {} MB of memory", "er braucht mehr als {} MB Speicher", limit >> 20),
            in_flight(run),
        ),
    };
    let name = |node: NodeId| run.engine().names().label(node);
    let parts: Vec<String> = hops
        .iter()
        .map(|(from, to, kind)| format!("{} → {} ({})", name(*from), name(*to), labels::message_kind(*kind)))
        .collect();
    let where_ = match (cause, parts.is_empty()) {
        (_, true) => sentence!("The last event was at {}.", "Das letzte Ereignis war bei {}.", name(node)),
        (HaltCause::EventsAtOneInstant, false) if !is_loop => {
            sentence!("Messages of that instant: {}.", "Nachrichten dieses Augenblicks: {}.", parts.join(", "))
        }
        (HaltCause::EventsAtOneInstant, false) => {
            sentence!(
                "The loop, in which no time passes: {}.",
                "Die Schleife, in der keine Zeit vergeht: {}.",
                parts.join(", ")
            )
        }
        (HaltCause::Events, false) => {
            sentence!("The latest messages: {}.", "Die letzten Nachrichten: {}.", parts.join(", "))
        }
        (HaltCause::MessagesInFlight | HaltCause::Memory | HaltCause::Interrupted, false) => {
            sentence!("Most messages in flight: {}.", "Die meisten Nachrichten unterwegs: {}.", parts.join(", "))
        }
    };
    Some(sentence!(
        "the run was halted at {at}: {problem}. {where_}",
        "der Lauf wurde bei {at} angehalten: {problem}. {where_}"
    ))
}

/// The kinds of messages among the newest records that are sent in a way, in the order of their first occurrence. `is_wanted`
/// receives when a message is sent and when it is due.
fn newest(run: &Run, is_wanted: impl Fn(Micros, Micros) -> bool) -> Vec<Hop> {
    let trace = run.engine().trace();
    let mut hops: Vec<Hop> = Vec::new();
    for record in trace.since(trace.total().saturating_sub(NEWEST)) {
        if let Fact::MessageSent { from, to, kind, due, .. } = &record.fact {
            let hop = (*from, *to, *kind);
            if hops.len() < MAX && is_wanted(record.at, *due) && !hops.contains(&hop) {
                hops.push(hop);
            }
        }
    }
    hops
}

/// The newest kinds of messages.
fn recent(run: &Run) -> Vec<Hop> {
    newest(run, |_, _| true)
}

/// The newest kinds of messages that arrive at the instant at which they are sent.
fn instantaneous(run: &Run, instant: Micros) -> Vec<Hop> {
    newest(run, |sent, due| sent == instant && due == instant)
}

/// The messages of the loop in which no time passes; without one, those of an instant.
fn at_one_instant(run: &Run, instant: Micros) -> Vec<Hop> {
    let hops = instantaneous(run, instant);
    if has_cycle(&hops) { hops } else { newest(run, |sent, _| sent == instant) }
}

/// Returns whether messages lead from a node back to it.
fn has_cycle(hops: &[Hop]) -> bool {
    hops.iter().any(|(start, first, _)| {
        let mut reached = vec![*first];
        let mut next = 0;
        while let Some(at) = reached.get(next).copied() {
            next += 1;
            let to = hops.iter().filter(|(from, ..)| *from == at).map(|(_, to, _)| *to);
            let new: Vec<NodeId> = to.filter(|to| !reached.contains(to)).collect();
            reached.extend(new);
        }
        reached.contains(start)
    })
}

/// The most frequent kinds of messages in flight.
fn in_flight(run: &Run) -> Vec<Hop> {
    let mut counts: BTreeMap<(NodeId, NodeId, u8), (u32, MessageKind)> = BTreeMap::new();
    for (_, message) in run.analysis().messages.iter() {
        counts.entry((message.from, message.to, message.kind as u8)).or_insert((0, message.kind)).0 += 1;
    }
    let mut frequent: Vec<(u32, Hop)> = Vec::new();
    for ((from, to, _), (count, kind)) in counts {
        let at = frequent.partition_point(|(other, _)| *other >= count);
        frequent.insert(at, (count, (from, to, kind)));
        frequent.truncate(3);
    }
    frequent.into_iter().map(|(_, hop)| hop).collect()
}
