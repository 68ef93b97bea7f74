//! Minimal witnesses: of the operations that prove a violation, none can be removed.
//!
//! The witness of a register is a history itself: it contains the write of each value that it reads, and reads are removed
//! together with that write.

use super::guarantee::Guarantee;
use super::verdict::{Verdict, VerdictCache, Witness};
use super::verdicts;
use crate::analysis::history::{History, Invocation, Output, ValueId};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// Maximum number of checks of a part of a witness.
const MAX_CHECKS: u32 = 200;
/// Maximum number of operations of a witness that is reduced.
const MAX_OPERATIONS: usize = 200;
/// Budget of search steps of each check.
const STEPS: u64 = 5_000;

/// Removes operations from a witness as long as the rest violates the guarantee by itself.
pub(super) fn reduce(history: &History, guarantee: Guarantee, mut witness: Witness) -> Witness {
    let is_register = |place: &usize| {
        let operation = &history.operations[*place];
        let changes = match operation.invocation {
            Invocation::Read | Invocation::Write(_) | Invocation::CompareAndSet { .. } => true,
            Invocation::Increment(_) | Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => false,
        };
        changes && matches!(operation.output, Output::Nothing | Output::Value(_))
    };
    if witness.operations.len() > MAX_OPERATIONS || !witness.operations.iter().all(is_register) {
        return witness;
    }
    let all: Vec<usize> = (0..history.operations.len()).collect();
    match violation(history, guarantee, &with_sources(history, &witness.operations, &all)) {
        Some(closed) => witness = closed,
        None => return witness,
    }
    let (mut checks, mut at) = (0, 0);
    while at < witness.operations.len() && checks < MAX_CHECKS {
        let rest = without(history, &witness.operations, at);
        checks += 1;
        match violation(history, guarantee, &rest) {
            Some(smaller) => {
                witness = smaller;
                at = 0;
            }
            None => at += 1,
        }
    }
    witness
}

/// Returns places in order, with those writes at `within` whose values the operations there returned or expected.
fn with_sources(history: &History, places: &[usize], within: &[usize]) -> Vec<usize> {
    let mut closed = places.to_vec();
    let mut next = 0;
    while let Some(&place) = closed.get(next) {
        next += 1;
        let operation = &history.operations[place];
        let expected = match operation.invocation {
            Invocation::CompareAndSet { expected, .. } => Some(expected),
            Invocation::Read
            | Invocation::Write(_)
            | Invocation::Increment(_)
            | Invocation::Add(_)
            | Invocation::Remove(_)
            | Invocation::Append(_) => None,
        };
        for value in operation.returned().into_iter().chain(expected) {
            let writes = |at: &usize| {
                let other = &history.operations[*at];
                let is_source = *at != place && other.key == operation.key && other.outcome != Outcome::Fail;
                is_source && other.invocation.leaves() == Some(value)
            };
            if history.initial_of(operation.key).value == value || closed.iter().any(writes) {
                continue;
            }
            closed.extend(within.iter().copied().find(|at| writes(at)));
        }
    }
    closed.sort_unstable();
    closed
}

/// Checks a part of a history by itself.
fn violation(history: &History, guarantee: Guarantee, places: &[usize]) -> Option<Witness> {
    if places.is_empty() {
        return None;
    }
    let operations = places.iter().map(|place| history.operations[*place].clone()).collect();
    let part = History { operations, ..history.clone_without_operations() };
    let mut cache = VerdictCache { verdicts: &mut BTreeMap::new(), revision: &|_| 0 };
    match verdicts::verdict(&part, guarantee, &mut cache, &mut STEPS.clone()) {
        Verdict::Violated(witness) => {
            let operations: Vec<usize> = witness.operations.iter().map(|at| places[*at]).collect();
            // A read is not a violation because the write of its value was left out.
            Some(Witness { operations: with_sources(history, &operations, places), sentence: witness.sentence })
        }
        Verdict::Holds | Verdict::Unknown(_) => None,
    }
}

/// Returns the places without the one at an index, and without what depends on it: if it wrote a value that no other of
/// them writes, the operations that return or expect this value.
fn without(history: &History, places: &[usize], index: usize) -> Vec<usize> {
    let mut rest = places.to_vec();
    let mut removed = vec![rest.remove(index)];
    while let Some(place) = removed.pop() {
        let operation = &history.operations[place];
        let Some(value) = operation.invocation.puts().filter(|_| operation.outcome != Outcome::Fail) else { continue };
        let (key, initial) = (operation.key, history.initial_of(operation.key));
        let writes = |other: &&usize| {
            let other = &history.operations[**other];
            other.key == key && other.invocation.puts() == Some(value)
        };
        if rest.iter().any(|other| writes(&other)) || initial.value == value || initial.elements.contains(&value) {
            continue;
        }
        rest.retain(|other| {
            let depends = history.operations[*other].key == key && depends_on(history, *other, value);
            if depends {
                removed.push(*other);
            }
            !depends
        });
    }
    rest
}

/// Returns whether an operation returned or expected a value, or removed it.
fn depends_on(history: &History, place: usize, value: ValueId) -> bool {
    let operation = &history.operations[place];
    let returned = match &operation.output {
        Output::Value(it) => *it == value,
        Output::Elements(elements) => elements.contains(&value),
        Output::Nothing | Output::Number(_) => false,
    };
    let expected = match operation.invocation {
        Invocation::CompareAndSet { expected, .. } => expected == value,
        Invocation::Remove(removed) => removed == value,
        Invocation::Read
        | Invocation::Write(_)
        | Invocation::Increment(_)
        | Invocation::Add(_)
        | Invocation::Append(_) => false,
    };
    returned || expected
}
