//! Minimal witnesses: of the operations that prove a violation, none can be removed.
//!
//! A witness contains the write of each value that its reads return, and the addition of each element on which the violation
//! depends. A sum has no single source: a counter's increments are in a witness only if they are needed.
//!
//! A witness is *true*: it violates the guarantee even if each change that was left out is optional, which means that it may have
//! taken effect at any time after its invocation, or never. So a read of a counter that no set of increments explains is a
//! witness by itself. A witness is *minimal*: if any of its operations is removed, together with the reads of what only this one
//! wrote, the rest is no longer true.
//!
//! Operations are given by their indexes in the history, here called places.

use super::guarantee::Guarantee;
use super::verdict::{Verdict, VerdictCache, Witness};
use super::verdicts;
use crate::analysis::history::{History, Invocation, NEVER, Operation, Output, Rank, ValueId};
use crate::trace::Outcome;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Maximum number of checks of a part of a witness.
const MAX_CHECKS: u32 = 400;
/// Maximum number of operations of a witness that is reduced.
const MAX_OPERATIONS: usize = 1000;
/// Maximum number of operations of a witness that is reduced by one operation at a time from the start.
const MAX_REDUCED_SINGLY: usize = 16;
/// Maximum number of optional changes that a check includes.
const MAX_OPTIONAL: usize = 1000;
/// Maximum number of search steps of each check.
const STEPS: u64 = 5_000;

/// Removes operations from a witness while the rest still violates the guarantee.
pub(super) fn reduce(history: &History, guarantee: Guarantee, mut witness: Witness) -> Witness {
    if witness.operations.len() > MAX_OPERATIONS {
        return witness;
    }
    let whole = witness.clone();
    let all: Vec<usize> = (0..history.operations.len()).collect();
    let closed = with_sources(history, &witness.operations, &all);
    let part = RefCell::new(history.clone_without_operations());
    let proof = Proof { history, guarantee, changes: explaining_changes(history, &closed), part };
    if proof.changes.len() > MAX_OPTIONAL {
        return witness;
    }
    let first = proof.violation(&closed).or_else(|| {
        // Where writes repeat a value, several of them may be needed.
        let mut with_changes: Vec<usize> = closed.iter().chain(&proof.changes).copied().collect();
        with_changes.sort_unstable();
        with_changes.dedup();
        let violation = |places: &[usize]| if places.len() > MAX_OPERATIONS { None } else { proof.violation(places) };
        violation(&with_changes).or_else(|| violation(&all))
    });
    match first {
        Some(first) => witness = first,
        None => return witness,
    }
    let mut checks = 0;
    let mut part = if witness.operations.len() > MAX_REDUCED_SINGLY { witness.operations.len() / 2 } else { 0 };
    while part > 1 && checks < MAX_CHECKS {
        // From the end, because the removal of a change also removes its reads, most of which come later.
        let mut end = witness.operations.len();
        while end > 0 && checks < MAX_CHECKS {
            let start = end.saturating_sub(part);
            let rest = without(history, &witness.operations, start..end);
            checks += 1;
            if let Some(smaller) = proof.violation(&rest) {
                witness = smaller;
            }
            end = start.min(witness.operations.len());
        }
        part /= 2;
    }
    let mut at = 0;
    while at < witness.operations.len() && checks < MAX_CHECKS {
        let rest = without(history, &witness.operations, at..at + 1);
        checks += 1;
        match proof.violation(&rest) {
            Some(smaller) => {
                witness = smaller;
                at = 0;
            }
            None => at += 1,
        }
    }
    let witness = without_unrelated_additions(&proof, witness);
    with_whole_sum(history, guarantee, whole, witness)
}

/// Restores the sentence of a witness of a counter about the sum of all increments of the history, not only of those that
/// remain in the witness.
fn with_whole_sum(history: &History, guarantee: Guarantee, whole: Witness, reduced: Witness) -> Witness {
    let is_counted = matches!(guarantee, Guarantee::Linearizable | Guarantee::Sequential | Guarantee::NoLostUpdate);
    let is_number = |place: &usize| matches!(history.operations[*place].output, Output::Number(_));
    let reads = |witness: &Witness| witness.operations.iter().copied().filter(is_number).collect::<BTreeSet<usize>>();
    let shown = reads(&reduced);
    if is_counted && !shown.is_empty() && shown == reads(&whole) {
        return Witness { operations: reduced.operations, sentence: whole.sentence };
    }
    reduced
}

/// Removes the additions of elements on which the violation does not depend: without such an element, also in the results of
/// reads, the rest still violates the guarantee.
fn without_unrelated_additions(proof: &Proof, mut witness: Witness) -> Witness {
    let (mut ignored, mut at) = (Vec::new(), 0);
    while let Some(&place) = witness.operations.get(at) {
        let operation = &proof.history.operations[place];
        let (Invocation::Add(element) | Invocation::Append(element)) = operation.invocation else {
            at += 1;
            continue;
        };
        let rest: Vec<usize> = witness.operations.iter().copied().filter(|other| *other != place).collect();
        let is_repeated = rest.iter().any(|other| {
            let other = &proof.history.operations[*other];
            other.key == operation.key && other.invocation.puts() == Some(element)
        });
        ignored.push((operation.key, element));
        let is_violated = || proof.check(&rest, &ignored).is_some() && proof.check_with(&rest, &[], &[]).is_some();
        if !is_repeated && is_violated() {
            witness.operations = rest;
        } else {
            ignored.pop();
            at += 1;
        }
    }
    witness
}

/// Returns the changes that could explain the results of operations, in order: of each of their keys, all changes if one of them
/// is an increment, a removal, or one of several writes of a value that they returned.
fn explaining_changes(history: &History, places: &[usize]) -> Vec<usize> {
    let operations = &history.operations;
    let mut keys: BTreeMap<u32, Vec<ValueId>> = BTreeMap::new();
    for &place in places {
        let shown = keys.entry(operations[place].key).or_default();
        match &operations[place].output {
            Output::Value(value) => shown.push(*value),
            Output::Elements(elements) => shown.extend(elements),
            Output::Nothing | Output::Number(_) => {}
        }
        shown.extend(expected(&operations[place]));
    }
    let explains = |place: &usize, shown: &[ValueId], of_key: &[usize]| match operations[*place].invocation {
        Invocation::Read => false,
        Invocation::Increment(_) | Invocation::Remove(_) => true,
        Invocation::Write(value)
        | Invocation::CompareAndSet { value, .. }
        | Invocation::Add(value)
        | Invocation::Append(value) => {
            let repeats = |other: &usize| other != place && operations[*other].invocation.puts() == Some(value);
            let is_register = operations[*place].invocation.leaves().is_some();
            let is_initial = is_register && history.initial_of(operations[*place].key).value == value;
            shown.contains(&value) && (is_initial || of_key.iter().any(repeats))
        }
    };
    let mut changes: Vec<usize> = Vec::new();
    for (key, shown) in keys {
        let is_change = |place: &usize| operations[*place].key == key && operations[*place].invocation.changes();
        let of_key =
            (0..operations.len()).filter(is_change).filter(|place| operations[*place].outcome != Outcome::Fail);
        let of_key: Vec<usize> = of_key.collect();
        if of_key.iter().any(|place| explains(place, &shown, &of_key)) {
            changes.extend(of_key);
        }
    }
    changes.sort_unstable();
    changes
}

/// Checks of parts of a witness.
struct Proof<'a> {
    history: &'a History,
    guarantee: Guarantee,
    /// The changes that are optional where a part does not contain them, in order.
    changes: Vec<usize>,
    /// The history with the operations of the part that is checked.
    part: RefCell<History>,
}

impl Proof<'_> {
    /// Returns a witness within a part, if the part violates the guarantee.
    fn violation(&self, places: &[usize]) -> Option<Witness> {
        let found = self.check(places, &[])?;
        let kept: Vec<usize> = found.operations.iter().copied().filter(|at| places.binary_search(at).is_ok()).collect();
        // A read whose write was left out must not become a violation by that.
        let smaller = with_sources(self.history, &kept, places);
        if smaller.len() < places.len()
            && let Some(found) = self.check(&smaller, &[])
            && let Some(witness) = self.violation_alone(&smaller, found)
        {
            return Some(witness);
        }
        self.violation_alone(places, found)
    }

    /// Returns the witness of a part that violates the guarantee with optional changes, if the part alone violates it too.
    /// `found` is the witness of the check with optional changes; its sentence may name some of them.
    fn violation_alone(&self, places: &[usize], found: Witness) -> Option<Witness> {
        let is_within = found.operations.iter().all(|at| places.binary_search(at).is_ok());
        if is_within && self.changes.iter().all(|at| places.binary_search(at).is_ok()) {
            return Some(Witness { operations: places.to_vec(), sentence: found.sentence });
        }
        let alone = self.check_with(places, &[], &[])?;
        let sentence = if is_within { found.sentence } else { alone.sentence };
        Some(Witness { operations: places.to_vec(), sentence })
    }

    /// Returns the witness that a check of a part finds; it may contain optional changes. The elements `ignored`, each with its
    /// key, are left out of the results of reads.
    fn check(&self, places: &[usize], ignored: &[(u32, ValueId)]) -> Option<Witness> {
        self.check_with(places, &self.changes, ignored)
    }

    /// Returns the witness that a check of a part with some optional changes finds. `ignored` is as in [`Proof::check`].
    fn check_with(&self, places: &[usize], optional: &[usize], ignored: &[(u32, ValueId)]) -> Option<Witness> {
        if places.is_empty() {
            return None;
        }
        let mut all: Vec<usize> = places.iter().chain(optional).copied().collect();
        all.sort_unstable();
        all.dedup();
        let mut part = self.part.borrow_mut();
        part.operations.clear();
        for &place in &all {
            let mut operation = self.history.operations[place].clone();
            if places.binary_search(&place).is_err() {
                // Each optional change has its own process.
                operation.process = (self.history.processes.len() + place) as u32;
                (operation.outcome, operation.ended, operation.rank) = (Outcome::Unknown, NEVER, Rank::default());
            }
            let key = operation.key;
            if let Output::Elements(elements) = &mut operation.output {
                elements.retain(|element| !ignored.contains(&(key, *element)));
            }
            part.operations.push(operation);
        }
        let mut verdicts = BTreeMap::new();
        let mut cache = VerdictCache::fresh(&mut verdicts);
        match verdicts::verdict(&part, self.guarantee, &mut cache, &mut STEPS.clone()) {
            Verdict::Violated(witness) => {
                let operations = witness.operations.iter().map(|at| all[*at]).collect();
                Some(Witness { operations, sentence: witness.sentence })
            }
            Verdict::Holds | Verdict::Unknown(_) => None,
        }
    }
}

/// Returns the value that a compare-and-set expected.
fn expected(operation: &Operation) -> Option<ValueId> {
    match operation.invocation {
        Invocation::CompareAndSet { expected, .. } => Some(expected),
        Invocation::Read
        | Invocation::Write(_)
        | Invocation::Increment(_)
        | Invocation::Add(_)
        | Invocation::Remove(_)
        | Invocation::Append(_) => None,
    }
}

/// Returns operations in order, together with the writes among `within` of the values and elements that they returned or
/// expected.
fn with_sources(history: &History, places: &[usize], within: &[usize]) -> Vec<usize> {
    let mut closed = places.to_vec();
    let mut next = 0;
    while let Some(&place) = closed.get(next) {
        next += 1;
        let operation = &history.operations[place];
        for value in operation.returned().into_iter().chain(expected(operation)) {
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
        let Output::Elements(elements) = &operation.output else { continue };
        let initial = history.initial_of(operation.key).elements;
        for &element in elements.iter().filter(|element| !initial.contains(element)) {
            let adds = |at: &usize| {
                let other = &history.operations[*at];
                let is_source = other.key == operation.key && other.outcome != Outcome::Fail;
                is_source && other.invocation.puts() == Some(element)
            };
            if !closed.iter().any(adds) {
                closed.extend(within.iter().copied().find(adds));
            }
        }
    }
    closed.sort_unstable();
    closed.dedup();
    closed
}

/// Returns the operations without those at some indexes, and without those that depend on them, because they returned, expected
/// or removed a value that only a removed operation wrote.
fn without(history: &History, places: &[usize], indexes: Range<usize>) -> Vec<usize> {
    let mut rest = places.to_vec();
    let mut removed: Vec<usize> = rest.drain(indexes).collect();
    while let Some(place) = removed.pop() {
        let operation = &history.operations[place];
        let Some(value) = operation.invocation.puts().filter(|_| operation.outcome != Outcome::Fail) else { continue };
        let (key, initial) = (operation.key, history.initial_of(operation.key));
        let writes = |other: &&usize| {
            let other = &history.operations[**other];
            other.key == key && other.invocation.puts() == Some(value) && other.outcome != Outcome::Fail
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
        Output::Value(returned) => *returned == value,
        Output::Elements(elements) => elements.contains(&value),
        Output::Nothing | Output::Number(_) => false,
    };
    returned || expected(operation) == Some(value) || operation.invocation.removes() == Some(value)
}
