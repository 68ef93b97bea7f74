//! The scenario document: nodes, links, and what happens to them when.

use super::{Client, Latency, Operation, Value, is_default};
use crate::ordered::Map;
use serde::{Deserialize, Serialize};

/// The version of the document's format that this program writes and the newest that it reads.
pub const FORMAT: u32 = 1;

/// A system, its traffic and its faults: all that a run depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
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
    /// Settings of links, by direction. A direction that is not listed takes the settings of the
    /// opposite one, and the default latency where neither is; its chance and its faults are its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub links: Vec<Link>,
    /// Writes and faults at given times.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Vec<Step>,
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
            links: Vec::new(),
            script: Vec::new(),
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
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
    pub data: Map<String, Value>,
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
    /// Services that it calls, one after the other, before a write commits: the blocking `before`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calls: Vec<Call>,
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
            data: Map::new(),
            service_time: default_service_time(),
            concurrency: default_concurrency(),
            queue: default_queue(),
            clock: Clock::default(),
            calls: Vec::new(),
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Offset, ms; may be negative.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset_ms: f64,
    /// Drift, parts in a million; may be negative.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drift_ppm: f64,
}

/// A blocking call to another service, made before a write commits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The service that is called.
    pub to: String,
    /// After how long without an answer the caller gives up, ms.
    #[serde(default = "default_call_timeout", skip_serializing_if = "is_default_call_timeout")]
    pub timeout_ms: f64,
}

fn default_call_timeout() -> f64 {
    1000.0
}
fn is_default_call_timeout(ms: &f64) -> bool {
    *ms == default_call_timeout()
}

/// Where and how a service publishes its updates: directly, after its commit (a dual write).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// The bus.
    pub to: String,
    /// The topic; the bus's first where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topic: Option<String>,
    /// Publish again where the bus does not acknowledge; never where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Option<PublishRetry>,
}

/// How often, and after how long without the bus's acknowledgement, an event is published again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishRetry {
    /// How long to wait for the acknowledgement, ms.
    pub timeout_ms: f64,
    /// How many times the event is sent at most, the first included.
    pub attempts: u32,
}

/// Whose events a service takes in, how the bus delivers them, and what handling one does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The bus.
    pub to: String,
    /// The topic; the bus's first where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topic: Option<String>,
    /// What handling an event does to the store.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effect: Effect,
    /// How long handling takes.
    #[serde(default = "default_processing", skip_serializing_if = "is_default_processing")]
    pub processing: Latency,
    /// The chance, 0 to 1, that handling fails and leaves the store as it was.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fails: f64,
    /// When the consumer tells the bus that it has the event.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledge: Acknowledge,
    /// After how long without acknowledgement the bus delivers again, ms (SQS: visibility timeout).
    #[serde(default = "default_deadline", skip_serializing_if = "is_default_deadline")]
    pub ack_deadline_ms: f64,
    /// How many times an event is delivered at most, the first included; without end where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_deliveries: Option<u32>,
    /// How long the bus waits before each further delivery, beyond the deadline or the refusal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backoff: Backoff,
    /// Whether an event that used up its deliveries goes to the dead-letter queue; else it is discarded.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub dead_letter: bool,
    /// In which order events reach the consumer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// How many deliveries may be unacknowledged at once.
    #[serde(default = "default_in_flight", skip_serializing_if = "is_default_in_flight")]
    pub max_in_flight: u32,
}

impl Default for Subscription {
    fn default() -> Self {
        Subscription {
            to: String::new(),
            topic: None,
            effect: Effect::default(),
            processing: default_processing(),
            fails: 0.0,
            acknowledge: Acknowledge::default(),
            ack_deadline_ms: default_deadline(),
            max_deliveries: None,
            backoff: Backoff::default(),
            dead_letter: true,
            order: Order::default(),
            max_in_flight: default_in_flight(),
        }
    }
}

fn default_processing() -> Latency {
    Latency::constant(1.0)
}
fn is_default_processing(latency: &Latency) -> bool {
    *latency == default_processing()
}
fn default_deadline() -> f64 {
    1000.0
}
fn is_default_deadline(ms: &f64) -> bool {
    *ms == default_deadline()
}
fn default_in_flight() -> u32 {
    1000
}
fn is_default_in_flight(n: &u32) -> bool {
    *n == default_in_flight()
}
fn yes() -> bool {
    true
}
fn is_yes(b: &bool) -> bool {
    *b
}

/// What handling an event does to the consumer's store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Take the event's value if its version is newer: idempotent, safe in any order.
    #[default]
    SetIfNewer,
    /// Take the event's value whatever is there: idempotent, but sensitive to order.
    Overwrite,
}

/// When the consumer acknowledges a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Acknowledge {
    /// Never: the bus forgets an event as it sends it. At most once; what is lost is lost.
    Never,
    /// On receipt, before handling: at most once from there on.
    BeforeProcessing,
    /// After handling succeeded: at least once.
    #[default]
    AfterProcessing,
}

/// How long the bus waits before a further delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Backoff {
    /// Not at all.
    #[default]
    None,
    /// Always as long.
    Fixed {
        /// The wait, ms.
        ms: f64,
    },
    /// Doubling: base, 2·base, 4·base, … up to the cap.
    Exponential {
        /// The first wait, ms.
        base_ms: f64,
        /// The longest wait, ms.
        cap_ms: f64,
    },
}

/// In which order a subscription's events reach its consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they come; a message that is delivered again falls behind.
    #[default]
    None,
    /// One by one for each key: an event that is not acknowledged yet holds up its key and no other.
    FifoPerKey,
}

/// A broker: it keeps events by topic and delivers them to each subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// What people see; the id where it is absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Where its card stands on the canvas, [x, y] of the upper left corner; laid out where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: Option<[i32; 2]>,
    /// Its topics; one with the bus's id and one partition where the list is empty.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topics: Vec<Topic>,
}

/// A topic of a bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Unique in its bus.
    pub name: String,
    /// How many partitions; an event goes to the one that its key's hash names.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub partitions: u32,
}

fn one() -> u32 {
    1
}
fn is_one(n: &u32) -> bool {
    *n == 1
}

/// Settings of one direction of a link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, ms from the start; after everything else of that instant.
    pub at_ms: f64,
    /// What.
    #[serde(rename = "do")]
    pub command: Command,
}

/// What a person does to a running system, by script or live; both are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Ask a service on the spot, with no network between: an update is published as it is configured.
    Operate {
        /// The service.
        service: String,
        /// What is asked.
        operation: Operation,
    },
    /// Cut a link: whatever would arrive over it is lost until it is healed.
    CutLink {
        /// The node that sends.
        from: String,
        /// The node that receives.
        to: String,
        /// This direction alone; else both.
        #[serde(default, skip_serializing_if = "is_default")]
        one_way: bool,
    },
    /// Mend a cut link.
    HealLink {
        /// The node that sends.
        from: String,
        /// The node that receives.
        to: String,
        /// This direction alone; else both.
        #[serde(default, skip_serializing_if = "is_default")]
        one_way: bool,
    },
    /// Stop a service at once: its queue and what it was working on are gone, its store stays.
    Crash {
        /// The service.
        service: String,
        /// The store is gone too.
        #[serde(default, skip_serializing_if = "is_default")]
        lose_disk: bool,
    },
    /// Start a crashed service again.
    Restart {
        /// The service.
        service: String,
    },
    /// Mend every link and restart every service.
    HealAll,
}

/// What the author promises of the run's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
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
    /// Every operation ended as ok.
    AllOperationsOk,
}
