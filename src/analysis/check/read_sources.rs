//! The sources of reads where values repeat: a search over the writes that each read may have returned.
//!
//! Several checks need the write that a read returned, and apply to registers whose writes all differ. Here every write gets
//! a distinct value, and every read one of the writes that it may have returned. The history keeps the guarantee if some
//! assignment does. Reads are assigned in order of their invocation, and the search backtracks as soon as the assigned part
//! violates the guarantee, since a violation remains for every result of the other reads. A compare-and-set counts as a read of
//! the value that it replaced.

use crate::analysis::history::{History, Invocation, Operation, Output, ValueId};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// A history whose writes all differ, and whose reads are assigned to writes by a search.
pub(super) struct DistinctWrites {
    pub history: History,
    /// The reads with several candidates, each with the values of these, the likeliest first.
    choices: Vec<(usize, Vec<ValueId>)>,
}

/// Gives the writes at these places, which are in order, distinct values.
pub(super) fn distinct_writes(history: &History, places: &[usize]) -> DistinctWrites {
    let mut distinct = history.clone();
    let mut sources: BTreeMap<(u32, ValueId), Vec<(usize, ValueId)>> = BTreeMap::new();
    let mut next = history.values.len() as ValueId;
    for &place in places {
        let operation = &history.operations[place];
        if let Some(value) = operation.invocation.leaves() {
            distinct.operations[place].invocation = Invocation::Write(next);
            distinct.values.push(history.value(value).into());
            if operation.outcome != Outcome::Fail {
                sources.entry((operation.key, value)).or_default().push((place, next));
            }
            next += 1;
        }
    }
    let mut choices = Vec::new();
    for &place in places {
        let operation = &history.operations[place];
        let returned = match operation.invocation {
            Invocation::CompareAndSet { expected, .. } if operation.outcome != Outcome::Fail => Some(expected),
            Invocation::CompareAndSet { .. } | Invocation::Read | Invocation::Write(_) => operation.returned(),
            Invocation::Increment(_) | Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => None,
        };
        let Some(value) = returned else { continue };
        let all = sources.get(&(operation.key, value)).map_or(&[][..], Vec::as_slice);
        // First the writes that had ended when the read did, the latest first, then the others; last the initial value.
        let ended = |write: &usize| history.operations[*write].ended < operation.ended;
        let mut order: Vec<(bool, u32, ValueId)> = all
            .iter()
            .filter(|(write, _)| *write != place)
            .map(|(write, id)| (!ended(write), u32::MAX - history.operations[*write].invoked, *id))
            .collect();
        order.sort_unstable();
        let mut candidates: Vec<ValueId> = order.into_iter().map(|(.., id)| id).collect();
        let first = history.initial_of(operation.key).value;
        if value == first {
            candidates.push(first);
        }
        match candidates.as_slice() {
            [] => assign(&mut distinct.operations[place], value),
            [only] => assign(&mut distinct.operations[place], *only),
            _ => choices.push((place, candidates)),
        }
    }
    DistinctWrites { history: distinct, choices }
}

/// Assigns a value to a read as its result, or to a compare-and-set as the replaced value.
fn assign(operation: &mut Operation, source: ValueId) {
    match operation.invocation.leaves() {
        Some(value) => operation.invocation = Invocation::CompareAndSet { expected: source, value },
        None => operation.output = Output::Value(source),
    }
}

/// Undoes an assignment to a compare-and-set.
fn unassign(operation: &mut Operation) {
    if let Some(value) = operation.invocation.leaves() {
        operation.invocation = Invocation::Write(value);
    }
}

impl DistinctWrites {
    /// Returns whether every assignment violates the guarantee for these places, which are in order. Each check costs `price`
    /// for each operation. Returns none if the budget does not suffice.
    pub fn is_violated(
        &mut self,
        places: &[usize],
        price: u64,
        budget: &mut u64,
        is_violated: impl Fn(&History, &[usize]) -> bool,
    ) -> Option<bool> {
        let mut open: Vec<(usize, Vec<ValueId>)> = self.choices.clone();
        open.retain(|(read, _)| places.binary_search(read).is_ok());
        // Try the likeliest assignment first.
        for (read, candidates) in &open {
            assign(&mut self.history.operations[*read], candidates[0]);
        }
        let mut check = |history: &History, places: &[usize]| {
            *budget = budget.checked_sub(price * (places.len() as u64 + 1))?;
            Some(is_violated(history, places))
        };
        if !check(&self.history, places)? {
            return Some(false);
        }
        open.iter().for_each(|(read, _)| unassign(&mut self.history.operations[*read]));
        // For each assigned read the index of its candidate.
        let mut assigned: Vec<usize> = Vec::new();
        loop {
            let is_unassigned = |place: &usize| {
                let open = &open[assigned.len()..];
                let read = open.binary_search_by_key(place, |(read, _)| *read).is_ok();
                read && self.history.operations[*place].invocation == Invocation::Read
            };
            let known: Vec<usize> = places.iter().copied().filter(|place| !is_unassigned(place)).collect();
            if !check(&self.history, &known)? {
                if assigned.len() == open.len() {
                    return Some(false);
                }
                let (read, candidates) = &open[assigned.len()];
                assign(&mut self.history.operations[*read], candidates[0]);
                assigned.push(0);
                continue;
            }
            // Backtrack to the last read that has another candidate.
            loop {
                let Some(last) = assigned.pop() else { return Some(true) };
                let (read, candidates) = &open[assigned.len()];
                let operation = &mut self.history.operations[*read];
                unassign(operation);
                if let Some(value) = candidates.get(last + 1) {
                    assign(operation, *value);
                    assigned.push(last + 1);
                    break;
                }
            }
        }
    }
}
