//! What is done to a running system, by script or live: writes and faults.

use super::json::Document;
use super::{Latency, Operation, is_default};
use crate::wire::Wire;

/// What a person does to a running system, by script or live; both are the same.
#[derive(Clone, Debug, PartialEq, Document, Wire)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Ask a service on the spot, with no network between: an update is published as it is configured.
    Operate {
        /// The service.
        service: String,
        /// What is asked.
        operation: Operation,
        /// The update's event is a poison message: no handler can ever handle it.
        #[serde(default, skip_serializing_if = "is_default")]
        poison: bool,
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
    /// Make a link bad, beside its own settings, until it is healed.
    DisturbLink {
        /// The node that sends.
        from: String,
        /// The node that receives.
        to: String,
        /// This direction alone; else both.
        #[serde(default, skip_serializing_if = "is_default")]
        one_way: bool,
        /// The chance, 0 to 1, that a message is lost.
        #[serde(default, skip_serializing_if = "is_default")]
        loss: f64,
        /// The chance, 0 to 1, that a message is delivered twice.
        #[serde(default, skip_serializing_if = "is_default")]
        duplicate: f64,
        /// How much longer each message is under way.
        #[serde(default, skip_serializing_if = "is_default")]
        delay: Option<Latency>,
        /// The chance, 0 to 1, that a message is overtaken: it is under way for a second latency more, and no order
        /// is kept for it.
        #[serde(default, skip_serializing_if = "is_default")]
        reorder: f64,
    },
    /// Cut every link between nodes of different groups; links within a group, and of nodes in none, stay as they are.
    Partition {
        /// The groups, each a list of nodes.
        groups: Vec<Vec<String>>,
    },
    /// Mend a cut or disturbed link.
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
    /// Hold a node: what reaches it waits, and so does what it would do.
    Pause {
        /// The node.
        node: String,
    },
    /// Let a held node go on with all that waited.
    Resume {
        /// The node.
        node: String,
    },
    /// Make a service's work take longer, or as long as it did.
    SlowDown {
        /// The service.
        service: String,
        /// How many times as long; 1 is as configured.
        factor: f64,
    },
    /// Set a service's clock: how it differs from true time from now on.
    SetClock {
        /// The service.
        service: String,
        /// Offset, ms; may be negative.
        #[serde(default, skip_serializing_if = "is_default")]
        offset_ms: f64,
        /// Drift, parts in a million; may be negative.
        #[serde(default, skip_serializing_if = "is_default")]
        drift_ppm: f64,
    },
    /// Let a service's clock jump.
    JumpClock {
        /// The service.
        service: String,
        /// How far, ms; may be negative.
        by_ms: f64,
    },
    /// Stop a bus: it takes nothing in and delivers nothing.
    StopBus {
        /// The bus.
        bus: String,
        /// What it had not flushed is gone.
        #[serde(default, skip_serializing_if = "is_default")]
        lose_unflushed: bool,
    },
    /// Start a stopped bus again.
    StartBus {
        /// The bus.
        bus: String,
    },
    /// Give the partitions of a bus's logs to the members of their groups anew: all after the last commit is delivered
    /// again.
    Rebalance {
        /// The bus.
        bus: String,
    },
    /// Queue the events of a service's dead-letter queues at a bus again, with no deliveries counted.
    Redrive {
        /// The bus.
        bus: String,
        /// The service whose events they are.
        service: String,
    },
    /// Throw away the events of a service's dead-letter queues at a bus.
    Purge {
        /// The bus.
        bus: String,
        /// The service whose events they are.
        service: String,
    },
    /// Mend every link, restart every service, start every bus, let every held node go on, and end every slowness;
    /// clocks stay as they are.
    HealAll,
}
