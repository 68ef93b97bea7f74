//! Commands to a running system: writes and faults.

use super::{Latency, Operation, is_default};
use serde::{Deserialize, Serialize};

/// A write or a fault. Commands of the script and of the person at the page are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Execute an operation at a service, without a network in between. Updates are published as configured.
    Operate {
        /// The service.
        service: String,
        /// The operation.
        operation: Operation,
        /// Whether the update's event is a poison message, which every handler fails to process.
        #[serde(default, skip_serializing_if = "is_default")]
        poison: bool,
    },
    /// Cut a link: messages that would arrive over it are lost until it is healed.
    CutLink {
        /// The node that sends.
        from: String,
        /// The node that receives.
        to: String,
        /// Only this direction, instead of both.
        #[serde(default, skip_serializing_if = "is_default")]
        one_way: bool,
    },
    /// Disturb a link, in addition to its settings, until it is healed.
    DisturbLink {
        /// The node that sends.
        from: String,
        /// The node that receives.
        to: String,
        /// Only this direction, instead of both.
        #[serde(default, skip_serializing_if = "is_default")]
        one_way: bool,
        /// Probability, 0 to 1, that a message is lost.
        #[serde(default, skip_serializing_if = "is_default")]
        loss: f64,
        /// Probability, 0 to 1, that a message is delivered twice.
        #[serde(default, skip_serializing_if = "is_default")]
        duplicate: f64,
        /// Additional latency of each message.
        #[serde(default, skip_serializing_if = "is_default")]
        delay: Option<Latency>,
        /// Probability, 0 to 1, that later messages overtake a message: it takes a second latency in addition, and the link
        /// does not keep its order.
        #[serde(default, skip_serializing_if = "is_default")]
        reorder: f64,
    },
    /// Cut every link between nodes of different groups. Links within a group, and links of nodes in no group, are unchanged.
    Partition {
        /// The groups: lists of nodes.
        groups: Vec<Vec<String>>,
    },
    /// Heal a cut or disturbed link.
    HealLink {
        /// The node that sends.
        from: String,
        /// The node that receives.
        to: String,
        /// Only this direction, instead of both.
        #[serde(default, skip_serializing_if = "is_default")]
        one_way: bool,
    },
    /// Crash a service: its queue and its work in progress are lost, its store is kept.
    Crash {
        /// The service.
        service: String,
        /// Whether its store is lost too.
        #[serde(default, skip_serializing_if = "is_default")]
        lose_disk: bool,
    },
    /// Restart a crashed service.
    Restart {
        /// The service.
        service: String,
    },
    /// Pause a node: messages to it and its own timers wait.
    Pause {
        /// The node.
        node: String,
    },
    /// Resume a paused node, which then processes everything that waited.
    Resume {
        /// The node.
        node: String,
    },
    /// Slow down a service, or restore its speed.
    SlowDown {
        /// The service.
        service: String,
        /// Factor by which its work takes longer; 1 is the configured speed.
        factor: f64,
    },
    /// Set how a service's clock deviates from true time from now on.
    SetClock {
        /// The service.
        service: String,
        /// Offset, ms; may be negative.
        #[serde(default, skip_serializing_if = "is_default")]
        offset_ms: f64,
        /// Drift, parts per million; may be negative.
        #[serde(default, skip_serializing_if = "is_default")]
        drift_ppm: f64,
    },
    /// Make a service's clock jump.
    JumpClock {
        /// The service.
        service: String,
        /// Distance, ms; may be negative.
        by_ms: f64,
    },
    /// Stop a bus: it accepts and delivers no events.
    StopBus {
        /// The bus.
        bus: String,
        /// Whether events that it has not flushed are lost.
        #[serde(default, skip_serializing_if = "is_default")]
        lose_unflushed: bool,
    },
    /// Start a stopped bus.
    StartBus {
        /// The bus.
        bus: String,
    },
    /// Stop a broker of a replicated bus. If it is the leader, the bus is unavailable until another broker leads.
    StopBroker {
        /// The bus.
        bus: String,
        /// Number of the broker, from 1; the leader if absent.
        #[serde(default, skip_serializing_if = "is_default")]
        broker: Option<u32>,
        /// Whether the events on its disk are lost.
        #[serde(default, skip_serializing_if = "is_default")]
        lose_disk: bool,
    },
    /// Start a stopped broker.
    StartBroker {
        /// The bus.
        bus: String,
        /// Number of the broker, from 1; all stopped brokers if absent.
        #[serde(default, skip_serializing_if = "is_default")]
        broker: Option<u32>,
    },
    /// Rebalance the consumer groups of a bus: their partitions are assigned again, and events after the last committed
    /// offset are redelivered. Readers with sessions commit first, and join their groups again.
    Rebalance {
        /// The bus.
        bus: String,
    },
    /// Move the events of a service's dead-letter queues at a bus back to their subscriptions and count deliveries from zero.
    Redrive {
        /// The bus.
        bus: String,
        /// The service that subscribes.
        service: String,
    },
    /// Discard the events of a service's dead-letter queues at a bus.
    Purge {
        /// The bus.
        bus: String,
        /// The service that subscribes.
        service: String,
    },
    /// Heal every link, restart every service, start every bus and broker, resume every paused node, and restore the speed
    /// of every service. Clocks are unchanged.
    HealAll,
}

/// A command at a given time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When it is executed, ms from the start; after all other events of that instant.
    pub at_ms: f64,
    /// The command.
    #[serde(rename = "do")]
    pub command: Command,
}
