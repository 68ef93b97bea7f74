//! Operations on keys.

use super::{Value, is_default};
use serde::{Deserialize, Serialize};

/// An operation of a client on one key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Read the key's value.
    Read {
        /// The key.
        key: String,
    },
    /// Set the key to a value.
    Write {
        /// The key.
        key: String,
        /// Its new value.
        value: Value,
    },
    /// Add an element to the key's set (an absent key is an empty set).
    Add {
        /// The key.
        key: String,
        /// The element: a whole number or a text.
        element: Value,
    },
    /// Remove an element from the key's set, or the field of that name from its map.
    Remove {
        /// The key.
        key: String,
        /// The element: a whole number or a text.
        element: Value,
    },
    /// Set a field of the key's map (an absent key is an empty map).
    Put {
        /// The key.
        key: String,
        /// The name of the field.
        field: String,
        /// Its new value: a whole number or a text.
        value: Value,
    },
    /// Insert an element into the key's list (an absent key is an empty list).
    Insert {
        /// The key.
        key: String,
        /// Index in the list as the contacted replica has it; the end of the list if absent or beyond the end.
        #[serde(default, skip_serializing_if = "is_default")]
        at: Option<u32>,
        /// The element: a whole number or a text.
        element: Value,
    },
    /// Remove an element from the key's list.
    RemoveAt {
        /// The key.
        key: String,
        /// Index in the list as the contacted replica has it; the element must exist.
        at: u32,
    },
    /// Add to the key's number (an absent key is 0).
    Increment {
        /// The key.
        key: String,
        /// The amount; may be negative.
        by: i64,
    },
    /// Delete the key. Only replica groups support it; they keep a tombstone.
    Delete {
        /// The key.
        key: String,
    },
    /// Set the key to a value if it has the expected value; fail otherwise.
    CompareAndSet {
        /// The key.
        key: String,
        /// The expected value; `null` for an absent key.
        expect: Option<Value>,
        /// Its new value.
        value: Value,
    },
}

impl Operation {
    /// Returns its key.
    pub fn key(&self) -> &str {
        match self {
            Operation::Read { key }
            | Operation::Write { key, .. }
            | Operation::Add { key, .. }
            | Operation::Remove { key, .. }
            | Operation::Put { key, .. }
            | Operation::Insert { key, .. }
            | Operation::RemoveAt { key, .. }
            | Operation::Increment { key, .. }
            | Operation::Delete { key }
            | Operation::CompareAndSet { key, .. } => key,
        }
    }

    /// Returns whether it leaves the key unchanged.
    pub fn is_read(&self) -> bool {
        matches!(self, Operation::Read { .. })
    }
}
