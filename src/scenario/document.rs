//! The scenario document: nodes, links, and a script of writes and faults.

use super::{Branch, Bus, Client, Group, Latency, Region, Service, Step, Task, is_default};
use serde::{Deserialize, Serialize};

/// The version of the document's format that this program writes and the newest that it reads.
pub const FORMAT: u32 = 1;

/// A system, its traffic and its faults: everything that a run depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Version of the document's format: 1.
    pub converge: u32,
    /// The title above the canvas; at most 80 characters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: String,
    /// What the scenario shows, as plain text of at most 2,000 characters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub note: String,
    /// Seed of all random numbers of a run.
    #[serde(default = "default_seed", skip_serializing_if = "is_default_seed")]
    pub seed: u64,
    /// Duration of a run in virtual time, ms.
    #[serde(default = "default_until", skip_serializing_if = "is_default_until")]
    pub until_ms: f64,
    /// Latency of links that `links` does not list, in each direction.
    #[serde(default = "default_latency", skip_serializing_if = "is_default_latency")]
    pub default_latency: Latency,
    /// Services: processes, each with a durable store.
    #[serde(default, skip_serializing_if = "is_default")]
    pub services: Vec<Service>,
    /// Event buses, which deliver published events to subscribers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub buses: Vec<Bus>,
    /// Clients, which read and write at services or replica groups.
    #[serde(default, skip_serializing_if = "is_default")]
    pub clients: Vec<Client>,
    /// Replica groups: services that hold the same data under one replication protocol.
    #[serde(default, skip_serializing_if = "is_default")]
    pub groups: Vec<Group>,
    /// Regions: nodes that are close to each other, with the latency to other regions.
    #[serde(default, skip_serializing_if = "is_default")]
    pub regions: Vec<Region>,
    /// Settings of links, by direction. A direction that is not listed has the settings of the opposite direction, or
    /// the default latency if neither is listed. Its random numbers and its faults are always separate.
    #[serde(default, skip_serializing_if = "is_default")]
    pub links: Vec<Link>,
    /// Commands (writes and faults) at given times.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Vec<Step>,
    /// Conditions that must always be true of the data, such as `stock >= 0` or
    /// `orders.status == inventory.status when quiescent`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub invariants: Vec<String>,
    /// Alternative runs of the same system, with other settings or further steps.
    #[serde(default, skip_serializing_if = "is_default")]
    pub branches: Vec<Branch>,
    /// Name of the branch that is open at the start; the first branch if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub branch: String,
    /// What the author expects at the end of the run. `converge run` exits with 1 if a promise is not kept.
    #[serde(default, skip_serializing_if = "is_default")]
    pub promises: Vec<Promise>,
    /// Exercises: what a learner must make true by changing the scenario.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tasks: Vec<Task>,
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
            tasks: Vec::new(),
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

/// Settings of one direction of a link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The node that sends.
    pub from: String,
    /// The node that receives.
    pub to: String,
    /// Latency of a message; that between the regions of the two nodes, or else the scenario's default, if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub latency: Option<Latency>,
    /// Probability, 0 to 1, that a message is lost.
    #[serde(default, skip_serializing_if = "is_default")]
    pub loss: f64,
    /// Probability, 0 to 1, that a message is delivered twice, each time with a separate latency.
    #[serde(default, skip_serializing_if = "is_default")]
    pub duplicate: f64,
    /// Whether messages arrive in the order in which they are sent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fifo: bool,
}

/// What the author expects at the end of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Promise {
    /// Every copy of every key is consistent, no message is in flight, and there was at least one update.
    Converged,
    /// The copy is stale.
    Stale {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// The copy applied every update and still has a wrong value.
    Diverged {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// The copy reflects every acknowledged update.
    Consistent {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// The copy has siblings (conflicting values).
    Conflicted {
        /// The service.
        service: String,
        /// The key.
        key: String,
    },
    /// Every operation succeeded.
    AllOperationsOk,
    /// No read was stale: each reflected every update that was acknowledged before the read was issued.
    NoStaleReads,
    /// The number of lost updates: acknowledged writes that were replaced by writes that had not seen them.
    LostUpdates {
        /// The exact number.
        count: u32,
    },
}

impl Promise {
    /// Returns the promise's name in the document.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}
