//! Clients and what they ask for.

use super::json::Document;
use super::{Backoff, Latency, Route, SessionGuarantee, Value, is_default, is_one, one};
use crate::wire::Wire;

/// What a client asks of a service, always about one key.
#[derive(Clone, Debug, PartialEq, Document, Wire)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Return the key's value.
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
    /// Put an element into the key's set (an absent key is an empty set).
    Add {
        /// The key.
        key: String,
        /// The element: a whole number or a text.
        element: Value,
    },
    /// Take an element out of the key's set, or the field of that name out of its map.
    Remove {
        /// The key.
        key: String,
        /// The element: a whole number or a text.
        element: Value,
    },
    /// Put a value into a field of the key's map (an absent key is an empty map).
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
        /// How many elements come before it where it is asked; behind the last where absent, or where there are fewer.
        #[serde(default, skip_serializing_if = "is_default")]
        at: Option<u32>,
        /// The element: a whole number or a text.
        element: Value,
    },
    /// Take an element out of the key's list.
    RemoveAt {
        /// The key.
        key: String,
        /// How many elements come before it where it is asked; there must be one.
        at: u32,
    },
    /// Add to the key's number (an absent key is 0).
    Increment {
        /// The key.
        key: String,
        /// How much; may be negative.
        by: i64,
    },
    /// Delete the key; replica groups alone know it, and keep a tombstone.
    Delete {
        /// The key.
        key: String,
    },
    /// Set the key to a value if it holds the expected one, else fail.
    CompareAndSet {
        /// The key.
        key: String,
        /// What it must hold; `null` for an absent key.
        expect: Option<Value>,
        /// Its new value.
        value: Value,
    },
}

impl Operation {
    /// The key that it is about.
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

    /// Whether it leaves the key as it was.
    pub fn is_read(&self) -> bool {
        matches!(self, Operation::Read { .. })
    }
}

/// One or more sessions that issue operations, scripted, generated or both.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// What people see; the id where it is absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Where its card stands on the canvas, [x, y] of the upper left corner; laid out where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: Option<[i32; 2]>,
    /// The service or replica group that it sends its operations to.
    pub target: String,
    /// The service that it reads from, where that is another than the target.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reads_from: Option<String>,
    /// Of a group, the member that it asks.
    #[serde(default, skip_serializing_if = "is_default")]
    pub route: Route,
    /// The member that it reads at, where that is found in another way.
    #[serde(default, skip_serializing_if = "is_default")]
    pub read_route: Option<Route>,
    /// What its sessions are promised, by a version token: a read that does not reflect it is asked again elsewhere.
    #[serde(default, skip_serializing_if = "is_default")]
    pub guarantees: Vec<SessionGuarantee>,
    /// How many sessions issue operations independently.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub sessions: u32,
    /// After how long an unanswered operation ends as unknown, ms.
    #[serde(default = "default_timeout", skip_serializing_if = "is_default_timeout")]
    pub timeout_ms: f64,
    /// How often an operation is asked in all, each time for that long; of a group another member each time. It may take
    /// effect as often.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
    /// Operations at given times.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Vec<ClientStep>,
    /// Operations made by chance.
    #[serde(default, skip_serializing_if = "is_default")]
    pub generate: Option<Workload>,
}

impl Default for Client {
    fn default() -> Self {
        Client {
            id: String::new(),
            name: String::new(),
            position: None,
            target: String::new(),
            reads_from: None,
            route: Route::default(),
            read_route: None,
            guarantees: Vec::new(),
            sessions: one(),
            timeout_ms: default_timeout(),
            attempts: one(),
            script: Vec::new(),
            generate: None,
        }
    }
}

fn default_timeout() -> f64 {
    1000.0
}
fn is_default_timeout(ms: &f64) -> bool {
    *ms == default_timeout()
}

/// A scripted operation of a client.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct ClientStep {
    /// When it is issued, ms from the start.
    pub at_ms: f64,
    /// What is asked.
    #[serde(rename = "do")]
    pub operation: Operation,
}

/// Operations made by chance: when, on which keys, and how many of them are reads.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// When each session issues its operations.
    pub arrivals: Arrivals,
    /// Which key each is about.
    pub keys: Keys,
    /// The share of reads, 0 to 1; the rest are writes of whole numbers, each different.
    #[serde(default, skip_serializing_if = "is_default")]
    pub read_share: f64,
    /// Each write is optimistic: the key is read, and compared and set to the next number; where another write came
    /// between, again after this wait. `none` tries again at once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimistic: Option<Backoff>,
    /// When it begins, ms.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from_ms: f64,
    /// When it stops, ms; at the run's end where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub until_ms: Option<f64>,
}

/// When a session issues generated operations.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// Open: a Poisson process; the next operation does not wait for the last.
    Poisson {
        /// Mean rate, operations a second.
        per_second: f64,
    },
    /// Open: one every so often.
    Periodic {
        /// Distance, ms.
        every_ms: f64,
    },
    /// One so long after each write of another client that ended as ok.
    After {
        /// The other client.
        client: String,
        /// How long after, ms.
        ms: f64,
    },
    /// Closed: the next operation comes a think time after the last one ended.
    Closed {
        /// Think time.
        think: Latency,
    },
}

/// Which key a generated operation is about.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Keys {
    /// Always the same.
    One {
        /// The key.
        key: String,
    },
    /// `prefix1` to `prefixN`, each as likely.
    Uniform {
        /// What the number is put behind.
        prefix: String,
        /// How many keys, N.
        count: u32,
    },
    /// `prefix1` to `prefixN`, the i-th with a chance in proportion to 1/i^exponent.
    Zipf {
        /// What the number is put behind.
        prefix: String,
        /// How many keys, N.
        count: u32,
        /// How uneven; 0 is uniform, 1 is Zipf's law.
        exponent: f64,
    },
}
