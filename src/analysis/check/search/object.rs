//! The object that the operations of a search read and change.

use super::{Search, SearchOperation};
use crate::analysis::history::{Initial, Invocation, Model, Output, ValueId};

/// The value of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A register's value, a counter's number, or the length of a list.
    Number(i64),
    /// The elements of a set, one bit each.
    Bits(Vec<u64>),
}

impl Search<'_> {
    /// Returns the initial value of the object.
    pub(super) fn initial_state(&self, initial: &Initial) -> State {
        match self.model {
            Model::Register => State::Number(initial.value.into()),
            Model::Counter => State::Number(initial.number),
            Model::Append => State::Number(initial.elements.len() as i64),
            Model::Set => {
                let mut bits = vec![0u64; self.elements.len() / 64 + 1];
                for element in initial.elements.iter().filter_map(|initial| self.elements.get(initial)) {
                    bits[element / 64] |= 1 << (element % 64);
                }
                State::Bits(bits)
            }
        }
    }

    /// Returns the object's value after an operation; none if the operation's output does not fit.
    pub(super) fn apply(&self, state: &State, item: &SearchOperation) -> Option<State> {
        match (state, item.invocation) {
            (State::Number(now), Invocation::Read) => {
                let fits = match &item.output {
                    Output::Nothing => true,
                    Output::Value(value) => *now == i64::from(*value),
                    Output::Number(number) => now == number,
                    Output::Elements(elements) => *now == elements.len() as i64,
                };
                fits.then(|| state.clone())
            }
            (State::Number(_), Invocation::Write(value)) => Some(State::Number(value.into())),
            (State::Number(now), Invocation::CompareAndSet { expected, value }) => {
                (*now == i64::from(expected)).then(|| State::Number(value.into()))
            }
            (State::Number(now), Invocation::Increment(by)) => Some(State::Number(now.wrapping_add(by))),
            (State::Number(now), Invocation::Append(value)) => {
                let fits = self.longest.get(*now as usize).is_none_or(|next| *next == value);
                fits.then(|| State::Number(now + 1))
            }
            (State::Bits(bits), Invocation::Read) => {
                let Output::Elements(elements) = &item.output else { return Some(state.clone()) };
                let has = |element: &ValueId| {
                    self.elements.get(element).is_some_and(|at| bits[at / 64] >> (at % 64) & 1 == 1)
                };
                let count: u32 = bits.iter().map(|word| word.count_ones()).sum();
                (count as usize == elements.len() && elements.iter().all(has)).then(|| state.clone())
            }
            (State::Bits(bits), Invocation::Add(value) | Invocation::Remove(value)) => {
                let mut bits = bits.clone();
                if let Some(at) = self.elements.get(&value) {
                    let bit = 1 << (at % 64);
                    if matches!(item.invocation, Invocation::Add(_)) {
                        bits[at / 64] |= bit;
                    } else {
                        bits[at / 64] &= !bit;
                    }
                }
                Some(State::Bits(bits))
            }
            // Operations on another type than the object's do not occur in a valid history.
            (State::Number(_), Invocation::Add(_) | Invocation::Remove(_))
            | (
                State::Bits(_),
                Invocation::Write(_)
                | Invocation::CompareAndSet { .. }
                | Invocation::Increment(_)
                | Invocation::Append(_),
            ) => None,
        }
    }
}
