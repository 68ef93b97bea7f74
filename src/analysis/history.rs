//! Histories: the invocations and results of clients' operations, in order.

mod function;
mod key_values;
mod recorded_operation;
mod recorder;

use crate::trace::Outcome;
use std::collections::{BTreeMap, BTreeSet};

pub use super::lost_changes::{Loss, LossCounts, LostChanges};
pub use function::Function;
pub use recorded_operation::RecordedOperation;
pub use recorder::{HistoryRecorder, Revisions};

/// The id of a value in its history. Ids are dense; [`ABSENT`] is no value.
pub type ValueId = u32;

/// The value of a key that was never written.
pub const ABSENT: ValueId = 0;

/// The position of an end that never happened.
pub const NEVER: u32 = u32::MAX;

/// The request of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invocation {
    /// Return the value.
    Read,
    /// Set the value.
    Write(ValueId),
    /// Set the value if it equals the expected one.
    CompareAndSet {
        /// The expected value.
        expected: ValueId,
        /// The new value.
        value: ValueId,
    },
    /// Add to a number.
    Increment(i64),
    /// Add an element to a set.
    Add(ValueId),
    /// Remove an element from a set.
    Remove(ValueId),
    /// Append an element to a list.
    Append(ValueId),
}

impl Invocation {
    /// Returns whether it is a change.
    pub fn changes(self) -> bool {
        self != Invocation::Read
    }

    /// Returns whether this is a change that does not depend on the previous value.
    pub fn is_blind(self) -> bool {
        match self {
            Invocation::Write(_) | Invocation::Increment(_) => true,
            Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => true,
            Invocation::Read | Invocation::CompareAndSet { .. } => false,
        }
    }

    /// Returns the value that it writes, or the element that it adds.
    pub fn puts(self) -> Option<ValueId> {
        match self {
            Invocation::Write(value)
            | Invocation::CompareAndSet { value, .. }
            | Invocation::Add(value)
            | Invocation::Append(value) => Some(value),
            Invocation::Read | Invocation::Increment(_) | Invocation::Remove(_) => None,
        }
    }

    /// Returns the element that it removes.
    pub fn removes(self) -> Option<ValueId> {
        match self {
            Invocation::Remove(value) => Some(value),
            Invocation::Read
            | Invocation::Write(_)
            | Invocation::CompareAndSet { .. }
            | Invocation::Increment(_)
            | Invocation::Add(_)
            | Invocation::Append(_) => None,
        }
    }

    /// Returns the value that it writes to a register.
    pub fn leaves(self) -> Option<ValueId> {
        match self {
            Invocation::Write(value) | Invocation::CompareAndSet { value, .. } => Some(value),
            Invocation::Read
            | Invocation::Increment(_)
            | Invocation::Add(_)
            | Invocation::Remove(_)
            | Invocation::Append(_) => None,
        }
    }
}

/// The result of a read.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// No result, or an unknown one.
    Nothing,
    /// A register's value.
    Value(ValueId),
    /// A counter's number.
    Number(i64),
    /// A set's elements in order of their ids, or a list's in order of the list.
    Elements(Vec<ValueId>),
}

/// The places of a change of a register in the order of versions, from 1. A change that was executed more than once has several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rank {
    /// The first place; 0 if it is unknown.
    pub first: u32,
    /// The last place; 0 if it is unknown.
    pub last: u32,
}

impl Rank {
    /// Returns the rank of a change with these places.
    pub fn of(places: &[u32]) -> Rank {
        let bounds = (places.iter().min(), places.iter().max());
        Rank { first: bounds.0.copied().unwrap_or(0), last: bounds.1.copied().unwrap_or(0) }
    }

    /// Returns whether the order of versions contains the change.
    pub fn is_known(self) -> bool {
        self.first > 0
    }

    /// Returns whether the change was executed more than once.
    pub fn is_repeated(self) -> bool {
        self.first < self.last
    }

    /// Returns whether each execution of the change is older than all of the other one.
    pub fn precedes(self, other: Rank) -> bool {
        self.is_known() && self.last < other.first
    }
}

/// An operation of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its number in the source of the history.
    pub index: i64,
    /// The process that invoked it. Operations of one process do not overlap.
    pub process: u32,
    /// The key.
    pub key: u32,
    /// The function that its source names.
    pub function: Function,
    /// Its request.
    pub invocation: Invocation,
    /// The result of a read that ended `ok`.
    pub output: Output,
    /// Its outcome. If unknown, it may have taken effect at any time after its invocation, or never.
    pub outcome: Outcome,
    /// Position of its invocation among all invocations and ends.
    pub invoked: u32,
    /// Position of its end; [`NEVER`] if it is not known to have ended.
    pub ended: u32,
    /// The times of its invocation and end, µs, if known.
    pub times: Option<(i64, i64)>,
    /// The place of a change of a register in the order of versions.
    pub rank: Rank,
}

impl Operation {
    /// Returns the result of a read of a register.
    pub fn returned(&self) -> Option<ValueId> {
        match self.output {
            Output::Value(value) if self.outcome == Outcome::Ok => Some(value),
            Output::Value(_) | Output::Nothing | Output::Number(_) | Output::Elements(_) => None,
        }
    }

    /// Returns whether this is a read that ended `ok`.
    pub fn is_answered_read(&self) -> bool {
        self.invocation == Invocation::Read && self.outcome == Outcome::Ok
    }

    /// Returns whether it ended before the other was invoked.
    pub fn precedes(&self, other: &Operation) -> bool {
        self.ended < other.invoked
    }

    /// Returns whether this is a change that certainly took effect.
    pub fn acknowledged(&self) -> bool {
        self.invocation.changes() && self.outcome == Outcome::Ok
    }
}

/// The data type of a key in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Read, write and compare-and-set of a value.
    Register,
    /// Increments and reads of a number.
    Counter,
    /// Additions to, removals from and reads of a set.
    Set,
    /// Appends to and reads of a list.
    Append,
}

/// The initial value of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Initial {
    /// The value of a register.
    pub value: ValueId,
    /// The number of a counter.
    pub number: i64,
    /// The elements of a set or a list.
    pub elements: Vec<ValueId>,
}

/// An operation as its source writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenOperation {
    /// The name of its function.
    pub function: String,
    /// Its argument, or what a read returned.
    pub value: serde_json::Value,
}

/// The operations of clients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The operations, in order of their invocations.
    pub operations: Vec<Operation>,
    /// The operations as their source writes them, if it is a text.
    pub written: Vec<WrittenOperation>,
    /// The values as text; the first is no value.
    pub values: Vec<String>,
    /// The names of the keys.
    pub keys: Vec<String>,
    /// Whether operations have different keys, so that sentences name them.
    pub has_several_keys: bool,
    /// The names of the processes.
    pub processes: Vec<String>,
    /// The initial values of keys; keys without an entry have the default.
    pub initial: BTreeMap<u32, Initial>,
    /// Keys of which a read returned siblings. They are not registers.
    pub siblings: BTreeSet<u32>,
    /// Keys that are maps, or lists with changes other than appends. No model covers them.
    pub unsupported: BTreeSet<u32>,
    /// The lost changes, if the servers' side of the run is known.
    pub lost: Option<LostChanges>,
}

impl History {
    /// Sorts operations, given by their places, by their ends.
    pub fn sort_by_end(&self, places: &mut [usize]) {
        places.sort_unstable_by_key(|place| self.operations[*place].ended);
    }

    /// Returns a history of the same keys, values and processes without operations.
    pub fn clone_without_operations(&self) -> History {
        History {
            operations: Vec::new(),
            written: Vec::new(),
            values: self.values.clone(),
            keys: self.keys.clone(),
            has_several_keys: self.has_several_keys,
            processes: self.processes.clone(),
            initial: self.initial.clone(),
            siblings: self.siblings.clone(),
            unsupported: self.unsupported.clone(),
            lost: None,
        }
    }

    /// Returns a value as text.
    pub fn value(&self, value: ValueId) -> &str {
        self.values.get(value as usize).map_or("?", String::as_str)
    }

    /// Returns the initial value of a key.
    pub fn initial_of(&self, key: u32) -> Initial {
        self.initial.get(&key).cloned().unwrap_or_default()
    }

    /// Returns the indexes of each key's operations, in order.
    pub fn by_key(&self) -> Vec<(u32, Vec<usize>)> {
        let key_count = self.operations.iter().map(|operation| operation.key).max().map_or(0, |key| key as usize + 1);
        let mut keys: Vec<Vec<usize>> = vec![Vec::new(); key_count];
        for (place, operation) in self.operations.iter().enumerate() {
            keys[operation.key as usize].push(place);
        }
        keys.into_iter()
            .enumerate()
            .map(|(key, places)| (key as u32, places))
            .filter(|(_, places)| !places.is_empty())
            .collect()
    }

    /// Returns the data type that the operations at these places belong to; none if they belong to different ones.
    pub fn model_of(&self, places: &[usize]) -> Option<Model> {
        let key = places.first().map(|place| self.operations[*place].key);
        if key.is_some_and(|key| self.siblings.contains(&key) || self.unsupported.contains(&key)) {
            return None;
        }
        let mut model = None;
        for &place in places {
            let inferred = match self.operations[place].invocation {
                Invocation::Read => continue,
                Invocation::Write(_) | Invocation::CompareAndSet { .. } => Model::Register,
                Invocation::Increment(_) => Model::Counter,
                Invocation::Add(_) | Invocation::Remove(_) => Model::Set,
                Invocation::Append(_) => Model::Append,
            };
            if *model.get_or_insert(inferred) != inferred {
                return None;
            }
        }
        model
            .or_else(|| {
                let outputs = places.iter().map(|place| &self.operations[*place].output);
                outputs.rev().find_map(|output| match output {
                    Output::Nothing => None,
                    Output::Value(_) => Some(Model::Register),
                    Output::Number(_) => Some(Model::Counter),
                    Output::Elements(_) => Some(Model::Set),
                })
            })
            .or(Some(Model::Register))
    }
}
