//! Clients, which issue operations.

use super::{Backoff, Latency, Operation, is_default, is_one, one};
use serde::{Deserialize, Serialize};

/// One or more sessions that issue operations: scripted, generated or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// Displayed name; the id if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Position of its card on the canvas, [x, y] of the upper left corner; chosen automatically if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: Option<[i32; 2]>,
    /// The service or replica group to which it sends its operations.
    pub target: String,
    /// The service from which it reads; the target if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reads_from: Option<String>,
    /// Which member of a replica group it contacts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub route: Route,
    /// Which member it contacts for reads; as `route` if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub read_route: Option<Route>,
    /// Guarantees of its sessions, enforced by a version token: a read that violates them is retried at another member.
    #[serde(default, skip_serializing_if = "is_default")]
    pub guarantees: Vec<SessionGuarantee>,
    /// Number of sessions, which issue operations independently.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub sessions: u32,
    /// Timeout after which an operation without an answer ends as unknown, ms.
    #[serde(default = "default_timeout", skip_serializing_if = "is_default_timeout")]
    pub timeout_ms: f64,
    /// Attempts of an operation at most, each with that timeout; in a group each at another member. The operation may take
    /// effect at each attempt.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub attempts: u32,
    /// Operations at given times.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Vec<ClientStep>,
    /// Randomly generated operations.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClientStep {
    /// When it is issued, ms from the start.
    pub at_ms: f64,
    /// The operation.
    #[serde(rename = "do")]
    pub operation: Operation,
}

/// Randomly generated operations: when they are issued, on which keys, and the share of reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// When each session issues its operations.
    pub arrivals: Arrivals,
    /// The key of each operation.
    pub keys: Keys,
    /// Share of reads, 0 to 1; the rest are writes of distinct whole numbers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub read_share: f64,
    /// Makes each write optimistic: read the key, then compare-and-set it to the next number. If another write came in
    /// between, it is retried after this backoff; `none` retries immediately.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optimistic: Option<Backoff>,
    /// Start, ms.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from_ms: f64,
    /// End, ms; the end of the run if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub until_ms: Option<f64>,
}

/// When a session issues generated operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrivals {
    /// Open workload: a Poisson process; an operation does not wait for the previous one.
    Poisson {
        /// Mean rate, operations per second.
        per_second: f64,
    },
    /// Open workload: operations at a fixed interval.
    Periodic {
        /// Interval, ms.
        every_ms: f64,
    },
    /// One operation after each successful write of another client.
    After {
        /// The other client.
        client: String,
        /// Delay after the write, ms.
        ms: f64,
    },
    /// Closed workload: each operation starts a think time after the previous one ended.
    Closed {
        /// Think time.
        think: Latency,
    },
}

/// The key of a generated operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Keys {
    /// Always the same key.
    One {
        /// The key.
        key: String,
    },
    /// `prefix1` to `prefixN` with equal probability.
    Uniform {
        /// Text before the number.
        prefix: String,
        /// Number of keys, N.
        count: u32,
    },
    /// `prefix1` to `prefixN`, the i-th with a probability proportional to 1/i^exponent.
    Zipf {
        /// Text before the number.
        prefix: String,
        /// Number of keys, N.
        count: u32,
        /// Skew: 0 is uniform, 1 is Zipf's law.
        exponent: f64,
    },
}

/// Which member of a group a client contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// One random member for each session, chosen at the start.
    #[default]
    Sticky,
    /// A random member for each operation.
    Any,
    /// The member whose link has the lowest mean latency.
    Nearest,
    /// The member that accepts writes, as far as the client knows: the first at the start, then by redirects. In groups with a
    /// primary or a leader, other members redirect its reads too.
    Primary,
    /// No member: the client is the coordinator and contacts the replicas itself (leaderless groups only).
    Itself,
}

/// A session guarantee (Terry 1994), enforced by a version token of each session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SessionGuarantee {
    /// A read reflects the session's own writes.
    ReadYourWrites,
    /// A read reflects everything that the session has read before.
    MonotonicReads,
    /// A write is ordered after the session's earlier writes.
    MonotonicWrites,
    /// A write is ordered after everything that the session has read.
    WritesFollowReads,
}
