//! Services: processes with a durable store.

use super::{Latency, Operation, Publication, PublishMode, Subscription, Value, is_default};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A process with a durable key-value store, a clock, and workers behind a bounded queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// Displayed name; the id if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Position of its card on the canvas, [x, y] of the upper left corner; chosen automatically if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: Option<[i32; 2]>,
    /// Contents of the store at the start, each key at version 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: BTreeMap<String, Value>,
    /// The store that it uses together with all services that name the same one, such as the workers of a consumer group: they
    /// contend for its rows. Its own store if absent. The loss of a service's disk does not concern a shared store.
    #[serde(default, skip_serializing_if = "is_default")]
    pub store: Option<String>,
    /// How long a worker needs for one request.
    #[serde(default = "default_service_time", skip_serializing_if = "is_default_service_time")]
    pub service_time: Latency,
    /// Number of workers: how many requests and events are processed at the same time.
    #[serde(default = "default_concurrency", skip_serializing_if = "is_default_concurrency")]
    pub concurrency: u32,
    /// How many requests and events may wait for a worker; further ones are refused.
    #[serde(default = "default_queue", skip_serializing_if = "is_default_queue")]
    pub queue: u32,
    /// How its clock deviates from true time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub clock: Clock,
    /// Services that it calls synchronously before a write commits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calls: Vec<Call>,
    /// How its write and the writes of the services that it calls commit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub commit: Commit,
    /// Where it publishes an event, asynchronously, for each update that it commits.
    #[serde(default, skip_serializing_if = "is_default")]
    pub publishes: Vec<Publication>,
    /// Topics whose events it applies to its own store.
    #[serde(default, skip_serializing_if = "is_default")]
    pub subscribes: Vec<Subscription>,
}

impl Default for Service {
    fn default() -> Self {
        Service {
            id: String::new(),
            name: String::new(),
            position: None,
            data: BTreeMap::new(),
            store: None,
            service_time: default_service_time(),
            concurrency: default_concurrency(),
            queue: default_queue(),
            clock: Clock::default(),
            calls: Vec::new(),
            commit: Commit::default(),
            publishes: Vec::new(),
            subscribes: Vec::new(),
        }
    }
}

fn default_service_time() -> Latency {
    Latency::constant(1.0)
}
fn is_default_service_time(latency: &Latency) -> bool {
    *latency == default_service_time()
}
fn default_concurrency() -> u32 {
    8
}
fn is_default_concurrency(n: &u32) -> bool {
    *n == default_concurrency()
}
fn default_queue() -> u32 {
    1000
}
fn is_default_queue(n: &u32) -> bool {
    *n == default_queue()
}

/// How a node's clock deviates from true time: reading = true time × (1 + drift) + offset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Offset, ms; may be negative.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset_ms: f64,
    /// Drift, parts per million; may be negative.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drift_ppm: f64,
    /// Standard deviation of a further offset, ms; it is drawn once a run from a normal distribution with mean 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset_sd_ms: f64,
}

/// A synchronous call to another service before a write commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The service that is called.
    pub to: String,
    /// How long the caller waits for an answer, ms. Under two-phase commit also the interval at which the decision is sent
    /// or requested again.
    #[serde(default = "default_call_timeout", skip_serializing_if = "is_default_call_timeout")]
    pub timeout_ms: f64,
    /// A write to a key of the callee; if absent, the callee applies the caller's write.
    #[serde(default, rename = "do", skip_serializing_if = "is_default")]
    pub operation: Option<Operation>,
}

impl Service {
    /// Returns whether its writes and those of the services that it calls are one transaction.
    pub fn is_coordinator(&self) -> bool {
        self.commit == Commit::TwoPhase && !self.calls.is_empty()
    }

    /// Returns whether it publishes or subscribes to events.
    pub fn exchanges_events(&self) -> bool {
        !self.publishes.is_empty() || !self.subscribes.is_empty()
    }

    /// Returns whether it publishes before it commits, which a participant of a transaction cannot do.
    pub fn publishes_early(&self) -> bool {
        self.publishes.iter().any(|publication| publication.mode == PublishMode::BeforeCommit)
    }
}

/// How the write of a service and the writes of the services that it calls commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Commit {
    /// Each on its own: the callees one after the other, then the caller. A failure in between leaves some writes committed.
    #[default]
    OneByOne,
    /// All or none, by two-phase commit: the caller asks all callees to prepare, and decides. A prepared callee keeps its
    /// key locked until it receives the decision, even while the caller is down.
    TwoPhase,
}

fn default_call_timeout() -> f64 {
    1000.0
}
fn is_default_call_timeout(ms: &f64) -> bool {
    *ms == default_call_timeout()
}
