//! Whose write a read returned, where values repeat: every way in which it can have been is tried.
//!
//! Verdicts that ask which write a read returned are made for registers whose writes all differ. Here every write is given
//! a value of its own, and every read one of those that it can have returned; the history keeps the guarantee if it does so
//! in one of the ways. Reads are given their writes one after the other, by their invocation, and as soon as what is given
//! breaks the guarantee, another way is tried: leaving out reads mends nothing that is broken. What a compare-and-set
//! replaced counts as read.

use crate::analysis::history::{Answer, Call, History, Operation, ValueId};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// A history whose writes all differ, but for reads that are to be given theirs.
pub(super) struct Apart {
    pub history: History,
    /// Reads and what each can have returned, the likeliest first.
    choices: Vec<(usize, Vec<ValueId>)>,
}

/// Makes the values of registers at these places differ. `places` in order.
pub(super) fn apart(history: &History, places: &[usize]) -> Apart {
    let mut told = history.clone();
    let mut sources: BTreeMap<(u32, ValueId), Vec<(usize, ValueId)>> = BTreeMap::new();
    let mut next = history.values.len() as ValueId;
    for &place in places {
        let operation = &history.operations[place];
        if let Some(value) = operation.call.leaves() {
            told.operations[place].call = Call::Write(next);
            told.values.push(history.value(value).into());
            if operation.outcome != Outcome::Fail {
                sources.entry((operation.key, value)).or_default().push((place, next));
            }
            next += 1;
        }
    }
    let mut choices = Vec::new();
    for &place in places {
        let operation = &history.operations[place];
        let seen = match operation.call {
            Call::CompareAndSet { expected, .. } if operation.outcome != Outcome::Fail => Some(expected),
            Call::CompareAndSet { .. } | Call::Read | Call::Write(_) => operation.returned(),
            Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_) => None,
        };
        let Some(value) = seen else { continue };
        let all = sources.get(&(operation.key, value)).map_or(&[][..], Vec::as_slice);
        // The latest that had ended when the read did, those before it, those to come; and what was there at first.
        let ended = |write: &usize| history.operations[*write].ended < operation.ended;
        let mut order: Vec<(bool, u32, ValueId)> = all
            .iter()
            .filter(|(write, _)| *write != place)
            .map(|(write, id)| (!ended(write), u32::MAX - history.operations[*write].invoked, *id))
            .collect();
        order.sort_unstable();
        let mut can: Vec<ValueId> = order.into_iter().map(|(.., id)| id).collect();
        let first = history.first_of(operation.key).value;
        if value == first {
            can.push(first);
        }
        match can.as_slice() {
            [] => give(&mut told.operations[place], value),
            [only] => give(&mut told.operations[place], *only),
            _ => choices.push((place, can)),
        }
    }
    Apart { history: told, choices }
}

/// Lets an operation have seen a value: a read return it, what stood for a compare-and-set replace it.
fn give(operation: &mut Operation, seen: ValueId) {
    match operation.call.leaves() {
        Some(value) => operation.call = Call::CompareAndSet { expected: seen, value },
        None => operation.answer = Answer::Value(seen),
    }
}

/// What stood for a compare-and-set has seen nothing again.
fn forget(operation: &mut Operation) {
    if let Some(value) = operation.call.leaves() {
        operation.call = Call::Write(value);
    }
}

impl Apart {
    /// Whether the guarantee is broken in all ways, for these places in order; none if the budget, in operations looked at
    /// at a price each, does not suffice to tell.
    pub fn broken(
        &mut self,
        places: &[usize],
        price: u64,
        budget: &mut u64,
        broken: impl Fn(&History, &[usize]) -> bool,
    ) -> Option<bool> {
        let mut open: Vec<(usize, Vec<ValueId>)> = self.choices.clone();
        open.retain(|(read, _)| places.binary_search(read).is_ok());
        // First what is likeliest, all at once.
        for (read, can) in &open {
            give(&mut self.history.operations[*read], can[0]);
        }
        let mut ask = |history: &History, places: &[usize]| {
            *budget = budget.checked_sub(price * (places.len() as u64 + 1))?;
            Some(broken(history, places))
        };
        if !ask(&self.history, places)? {
            return Some(false);
        }
        open.iter().for_each(|(read, _)| forget(&mut self.history.operations[*read]));
        // For each read that was given a write, which of its choices that is.
        let mut given: Vec<usize> = Vec::new();
        loop {
            let waits = |place: &usize| {
                let open = &open[given.len()..];
                let read = open.binary_search_by_key(place, |(read, _)| *read).is_ok();
                read && self.history.operations[*place].call == Call::Read
            };
            let known: Vec<usize> = places.iter().copied().filter(|place| !waits(place)).collect();
            if !ask(&self.history, &known)? {
                if given.len() == open.len() {
                    return Some(false);
                }
                let (read, can) = &open[given.len()];
                give(&mut self.history.operations[*read], can[0]);
                given.push(0);
                continue;
            }
            // The next choice of the last read that has another.
            loop {
                let Some(last) = given.pop() else { return Some(true) };
                let (read, can) = &open[given.len()];
                let operation = &mut self.history.operations[*read];
                forget(operation);
                if let Some(value) = can.get(last + 1) {
                    give(operation, *value);
                    given.push(last + 1);
                    break;
                }
            }
        }
    }
}
