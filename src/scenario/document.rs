//! The scenario document: nodes, links, and what happens to them when.

use super::json::Document;
use super::{
    Branch, Bus, Client, Command, Group, Latency, Operation, Publication, PublishMode, Region, Subscription, Value,
    is_default,
};
use crate::wire::Wire;
use std::collections::BTreeMap;

/// The version of the document's format that this program writes and the newest that it reads.
pub const FORMAT: u32 = 1;

/// A system, its traffic and its faults: all that a run depends on.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Version of the document's format: 1.
    pub converge: u32,
    /// What people see above the canvas; at most 80 characters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: String,
    /// What the scenario shows; at most 2,000 characters of plain text.
    #[serde(default, skip_serializing_if = "is_default")]
    pub note: String,
    /// Where all chance comes from.
    #[serde(default = "default_seed", skip_serializing_if = "is_default_seed")]
    pub seed: u64,
    /// How long the run lasts, ms of virtual time.
    #[serde(default = "default_until", skip_serializing_if = "is_default_until")]
    pub until_ms: f64,
    /// Latency of links that the document does not list, each way.
    #[serde(default = "default_latency", skip_serializing_if = "is_default_latency")]
    pub default_latency: Latency,
    /// Processes with a durable store each.
    #[serde(default, skip_serializing_if = "is_default")]
    pub services: Vec<Service>,
    /// Event buses.
    #[serde(default, skip_serializing_if = "is_default")]
    pub buses: Vec<Bus>,
    /// Clients.
    #[serde(default, skip_serializing_if = "is_default")]
    pub clients: Vec<Client>,
    /// Services that hold the same data under one replication protocol.
    #[serde(default, skip_serializing_if = "is_default")]
    pub groups: Vec<Group>,
    /// Nodes that are near each other, and how far they are from others.
    #[serde(default, skip_serializing_if = "is_default")]
    pub regions: Vec<Region>,
    /// Settings of links, by direction. A direction that is not listed takes the settings of the
    /// opposite one, and the default latency where neither is; its chance and its faults are its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub links: Vec<Link>,
    /// Writes and faults at given times.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Vec<Step>,
    /// What must be true of the data whatever happens, as in `stock >= 0` or
    /// `orders.status == inventory.status when quiescent`; the README says how they are written.
    #[serde(default, skip_serializing_if = "is_default")]
    pub invariants: Vec<String>,
    /// Ways that the run could go; none where the document itself is the only one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub branches: Vec<Branch>,
    /// The name of the branch that opens; the first where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub branch: String,
    /// What the author promises of the run's end; `converge run` exits 1 where one is missed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub promises: Vec<Promise>,
}

impl Default for Scenario {
    fn default() -> Self {
        Scenario {
            converge: FORMAT,
            title: String::new(),
            note: String::new(),
            seed: default_seed(),
            until_ms: default_until(),
            default_latency: default_latency(),
            services: Vec::new(),
            buses: Vec::new(),
            clients: Vec::new(),
            groups: Vec::new(),
            regions: Vec::new(),
            links: Vec::new(),
            script: Vec::new(),
            invariants: Vec::new(),
            branches: Vec::new(),
            branch: String::new(),
            promises: Vec::new(),
        }
    }
}

fn default_seed() -> u64 {
    1
}
fn is_default_seed(seed: &u64) -> bool {
    *seed == default_seed()
}
fn default_until() -> f64 {
    10_000.0
}
fn is_default_until(ms: &f64) -> bool {
    *ms == default_until()
}
fn default_latency() -> Latency {
    Latency::constant(5.0)
}
fn is_default_latency(latency: &Latency) -> bool {
    *latency == default_latency()
}

/// A process with a durable store of keyed data, a clock, and a bounded queue before its workers.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// What people see; the id where it is absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Where its card stands on the canvas, [x, y] of the upper left corner; laid out where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: Option<[i32; 2]>,
    /// What the store holds at the start, each key at version 1.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "std::collections::BTreeMap<String, Value>"))]
    pub data: BTreeMap<String, Value>,
    /// How long a worker is busy with one request.
    #[serde(default = "default_service_time", skip_serializing_if = "is_default_service_time")]
    pub service_time: Latency,
    /// How many requests and events are worked on at once.
    #[serde(default = "default_concurrency", skip_serializing_if = "is_default_concurrency")]
    pub concurrency: u32,
    /// How many more may wait; those beyond are refused.
    #[serde(default = "default_queue", skip_serializing_if = "is_default_queue")]
    pub queue: u32,
    /// How its clock differs from true time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub clock: Clock,
    /// Services that it calls before a write commits: the blocking `before`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calls: Vec<Call>,
    /// How its write and those of the services that it calls commit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub commit: Commit,
    /// Where it publishes an event for each update that it commits: the asynchronous `after`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub publishes: Vec<Publication>,
    /// Whose events it takes into its own store.
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

/// How a node's clock differs from true time: reading = true time × (1 + drift) + offset.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Offset, ms; may be negative.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset_ms: f64,
    /// Drift, parts in a million; may be negative.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drift_ppm: f64,
    /// A further offset, drawn for each run from a normal distribution with mean 0 and this standard deviation, ms.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset_sd_ms: f64,
}

/// A blocking call to another service, made before a write commits.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The service that is called.
    pub to: String,
    /// After how long without an answer the caller gives up, ms; of two-phase commit also how often the decision is told
    /// again, and asked for.
    #[serde(default = "default_call_timeout", skip_serializing_if = "is_default_call_timeout")]
    pub timeout_ms: f64,
    /// What it writes, of a key of its own; where absent it takes in what its caller writes.
    #[serde(default, rename = "do", skip_serializing_if = "is_default")]
    pub operation: Option<Operation>,
}

impl Service {
    /// Whether it coordinates transactions, or asks those that it calls for writes of their own.
    pub fn asks_others(&self) -> bool {
        self.is_coordinator() || self.calls.iter().any(|call| call.operation.is_some())
    }

    /// Whether its writes and those of the services that it calls are one transaction.
    pub fn is_coordinator(&self) -> bool {
        self.commit == Commit::TwoPhase && !self.calls.is_empty()
    }

    /// Whether it publishes before it commits, which no part of a transaction can.
    pub fn publishes_early(&self) -> bool {
        self.publishes.iter().any(|publication| publication.mode == PublishMode::BeforeCommit)
    }
}

/// How the write of a service and those of the services that it calls commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Commit {
    /// Each by itself: those that are called one after the other, the caller's at last. A failure between leaves some.
    #[default]
    OneByOne,
    /// All or none, by two-phase commit: the caller lets all prepare, and decides. Who has promised keeps its key locked
    /// until it hears the decision, though its caller be down.
    TwoPhase,
}

fn default_call_timeout() -> f64 {
    1000.0
}
fn is_default_call_timeout(ms: &f64) -> bool {
    *ms == default_call_timeout()
}

/// Settings of one direction of a link.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The node that sends.
    pub from: String,
    /// The node that receives.
    pub to: String,
    /// How long a message is under way; the scenario's default latency where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub latency: Option<Latency>,
    /// The chance, 0 to 1, that a message is lost.
    #[serde(default, skip_serializing_if = "is_default")]
    pub loss: f64,
    /// The chance, 0 to 1, that a message is delivered twice, the second time with a delay of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicate: f64,
    /// Whether messages arrive in the order in which they were sent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fifo: bool,
}

/// A command at a given time.
#[derive(Clone, Debug, PartialEq, Document, Wire)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, ms from the start; after everything else of that instant.
    pub at_ms: f64,
    /// What.
    #[serde(rename = "do")]
    pub command: Command,
}

/// What the author promises of the run's end.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Promise {
    /// Every copy of every key equals the reference, nothing is under way, and at least one update was made.
    Converged,
    /// This copy is stale.
    Stale {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// This copy took in every update, and still holds something else than it should.
    Diverged {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// This copy reflects every acknowledged update.
    Consistent {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// This copy shows siblings.
    Conflicted {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// Every operation ended as ok.
    AllOperationsOk,
    /// No read returned a state that did not reflect an update acknowledged before it was issued.
    NoStaleReads,
    /// So many acknowledged writes were lost to others that had not seen them.
    LostUpdates {
        /// How many, exactly.
        count: u32,
    },
}
