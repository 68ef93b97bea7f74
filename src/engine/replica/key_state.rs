//! The replicated state of one key: a last-writer-wins register, or a state-based CRDT (Shapiro et al. 2011).
//!
//! `merge` is commutative, associative and idempotent. For a register it takes the maximum by version; for all other
//! types it joins causal contexts.

mod counter;
mod dot_store;
pub mod operations;
mod sequence;

use super::write_metadata::{SourceVersion, WriteMetadata};
use crate::scenario::{Data, Micros, Value};
use crate::trace::{UpdateId, Version, VersionVector};
use counter::Counter;
use dot_store::{DotStore, DottedValue};
use sequence::Sequence;
use std::sync::Arc;

/// The state of a key at one replica.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyState {
    /// A last-writer-wins register.
    Register(Register),
    /// Siblings, the elements of a set, or the fields of a map.
    Dotted(DotStore),
    /// A number.
    Counter(Counter),
    /// A list.
    Sequence(Sequence),
}

/// A last-writer-wins register.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Register {
    /// Its version; the default for an absent key.
    pub version: Version,
    /// Its value; `None` for an absent or deleted key.
    pub value: Option<Value>,
    /// The update that wrote it.
    pub update: Option<UpdateId>,
    /// The origin of the write, in a connected group.
    pub metadata: Option<Arc<WriteMetadata>>,
    /// The time of the deletion, for a tombstone in a leaderless group. Its grace period counts from then at all replicas (as
    /// Cassandra's `local_deletion_time`).
    pub deleted_at: Option<Micros>,
}

/// The version of a key's state, which anti-entropy compares instead of the state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateVersion {
    /// The version of a register; the default for all other data.
    pub register: Version,
    /// The version vector of all other data; empty for a register.
    pub vector: VersionVector,
}

impl KeyState {
    /// Returns the state of an absent key.
    pub fn empty(data: &Data) -> KeyState {
        match data {
            Data::Register { .. } => KeyState::Register(Register::default()),
            Data::MultiValue | Data::Merged { .. } | Data::Set | Data::RemoveWinsSet | Data::Map => {
                KeyState::Dotted(DotStore::default())
            }
            Data::Counter => KeyState::Counter(Counter::default()),
            Data::Sequence => KeyState::Sequence(Sequence::default()),
        }
    }

    /// Returns the initial state that the scenario gives for a key; `None` if the data type cannot hold the value.
    pub fn initial(data: &Data, value: &Value) -> Option<KeyState> {
        match (data, value) {
            (Data::Register { .. }, value) => {
                let version = Version::counted(1, 0);
                Some(KeyState::Register(Register {
                    version,
                    value: Some(value.clone()),
                    update: None,
                    metadata: None,
                    deleted_at: None,
                }))
            }
            (Data::MultiValue | Data::Merged { .. }, value) => {
                Some(KeyState::Dotted(DotStore::initial([DottedValue::Value(value.clone())])))
            }
            (Data::Set, Value::Set(elements)) => {
                Some(KeyState::Dotted(DotStore::initial(elements.iter().cloned().map(DottedValue::Value))))
            }
            (Data::RemoveWinsSet, Value::Set(elements)) => {
                let added = elements.iter().cloned();
                let added = added.map(|element| DottedValue::Added { element, observed_removals: Vec::new() });
                Some(KeyState::Dotted(DotStore::initial(added)))
            }
            (Data::Map, Value::Map(fields)) => {
                let fields = fields.iter();
                let fields =
                    fields.map(|(name, value)| DottedValue::Field { name: name.clone(), value: value.clone() });
                Some(KeyState::Dotted(DotStore::initial(fields)))
            }
            (Data::Sequence, Value::List(elements)) => Some(KeyState::Sequence(Sequence::initial(elements))),
            (Data::Counter, Value::Int(n)) => Some(KeyState::Counter(Counter::initial(*n))),
            (Data::Set | Data::RemoveWinsSet | Data::Map | Data::Sequence | Data::Counter, _) => None,
        }
    }

    /// Merges another replica's state of the same key into this one. Returns whether this state changed.
    pub fn merge(&mut self, other: &KeyState) -> bool {
        let is_same_type = std::mem::discriminant(self) == std::mem::discriminant(other);
        debug_assert!(is_same_type, "all states of a group have the group's data type");
        let changed = match (&mut *self, other) {
            (KeyState::Register(register), KeyState::Register(other)) => {
                let newer = other.version > register.version;
                if newer {
                    *register = other.clone();
                }
                newer
            }
            (KeyState::Dotted(dotted), KeyState::Dotted(other)) => dotted.merge(other),
            (KeyState::Counter(counter), KeyState::Counter(other)) => counter.merge(other),
            (KeyState::Sequence(sequence), KeyState::Sequence(other)) => sequence.merge(other),
            (KeyState::Register(_) | KeyState::Dotted(_) | KeyState::Counter(_) | KeyState::Sequence(_), _) => {
                unreachable!("all states of a group have the group's data type")
            }
        };
        debug_assert!(self.version() >= other.version(), "a merge includes the received version");
        changed
    }

    /// Returns the number of its elements beyond a single value.
    pub fn elements(&self) -> u64 {
        match self {
            KeyState::Register(register) => register.value.as_ref().map_or(0, Value::elements),
            KeyState::Dotted(dotted) => dotted.len(),
            KeyState::Counter(_) => 0,
            KeyState::Sequence(sequence) => sequence.len(),
        }
    }

    /// Returns whether merging the other state into this one would change nothing.
    pub fn includes(&self, other: &KeyState) -> bool {
        !self.clone().merge(other)
    }

    /// Returns the value of each sibling; empty for an absent key.
    pub fn siblings(&self, data: &Data) -> Vec<Value> {
        match (self, data) {
            (KeyState::Register(register), _) => register.value.iter().cloned().collect(),
            (KeyState::Dotted(dotted), data) => dotted.values(data),
            (KeyState::Sequence(sequence), _) => sequence.value().into_iter().collect(),
            (KeyState::Counter(counter), _) => counter.value().map(Value::Int).into_iter().collect(),
        }
    }

    /// Returns the value that a read returns; several siblings as a set.
    pub fn value(&self, data: &Data) -> Option<Value> {
        let mut siblings = self.siblings(data);
        if siblings.len() > 1 { Some(siblings.into_iter().collect()) } else { siblings.pop() }
    }

    /// Returns the version of a register; the default for other data.
    pub fn version(&self) -> Version {
        match self {
            KeyState::Register(register) => register.version,
            KeyState::Dotted(_) | KeyState::Counter(_) | KeyState::Sequence(_) => Version::default(),
        }
    }

    /// Returns the source version of a register.
    pub fn source_version(&self) -> SourceVersion {
        match self {
            KeyState::Register(register) => SourceVersion::of(register.version, register.metadata.as_deref()),
            KeyState::Dotted(_) | KeyState::Counter(_) | KeyState::Sequence(_) => SourceVersion::default(),
        }
    }

    /// Returns the version vector of all data but registers.
    pub fn version_vector(&self) -> Option<VersionVector> {
        match self {
            KeyState::Register(_) => None,
            KeyState::Dotted(dotted) => Some(dotted.version_vector()),
            KeyState::Sequence(sequence) => Some(sequence.version_vector()),
            KeyState::Counter(counter) => Some(counter.version_vector()),
        }
    }

    /// Returns the version that anti-entropy compares.
    pub fn state_version(&self) -> StateVersion {
        StateVersion { register: self.version(), vector: self.version_vector().unwrap_or_default() }
    }

    /// Returns the update that wrote a register's value.
    pub fn update(&self) -> Option<UpdateId> {
        match self {
            KeyState::Register(register) => register.update,
            KeyState::Dotted(_) | KeyState::Counter(_) | KeyState::Sequence(_) => None,
        }
    }
}

impl StateVersion {
    /// Returns whether the other version includes updates that this one does not.
    pub fn is_missing_updates_of(&self, other: &StateVersion) -> bool {
        let included = |origin: u32| self.vector.iter().find(|(at, _)| *at == origin).map_or(0, |(_, count)| *count);
        other.register > self.register || other.vector.iter().any(|(origin, count)| *count > included(*origin))
    }
}

#[cfg(test)]
mod tests;
