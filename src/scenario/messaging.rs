//! Publishing, buses and handlers: how updates travel as events.

use super::json::Document;
use super::{Latency, is_default, is_one, one};

/// Where and how a service publishes its updates.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// The bus.
    pub to: String,
    /// The topic; the bus's first where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topic: Option<String>,
    /// When the event is published: beside the commit (a dual write), or from what the commit wrote.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: PublishMode,
    /// What lies between the commit and the publishing (or, before the commit, the other way round), ms: a crash in
    /// between does the one and not the other. An outbox and a log have no such gap.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gap_ms: f64,
    /// Publish again where the bus does not acknowledge; never where absent. A relay of an outbox or a log always does:
    /// after one second where this is absent, and without end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Option<PublishRetry>,
}

/// When an update's event is published.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PublishMode {
    /// Directly, after the commit: a crash between the two loses the event for good.
    #[default]
    AfterCommit,
    /// Directly, before the commit: a crash between the two leaves an event of an update that never was.
    BeforeCommit,
    /// Transactional outbox: a row is written in the same transaction as the update, and a relay publishes it at
    /// least once.
    Outbox {
        /// How often the relay looks, ms.
        poll_ms: f64,
        /// How many rows it takes each time.
        batch: u32,
    },
    /// Change data capture: the relay reads the store's log in the order of the commits; where one event is not
    /// acknowledged it goes back to it, and publishes all that follow again.
    ChangeDataCapture {
        /// How often the relay looks, ms.
        poll_ms: f64,
        /// How many entries it takes each time.
        batch: u32,
    },
}

impl PublishMode {
    /// Whether a relay publishes what the commit wrote, rather than the commit's own thread.
    pub fn is_relayed(&self) -> bool {
        match self {
            PublishMode::AfterCommit | PublishMode::BeforeCommit => false,
            PublishMode::Outbox { .. } | PublishMode::ChangeDataCapture { .. } => true,
        }
    }
}

/// How often, and after how long without the bus's acknowledgement, an event is published again.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct PublishRetry {
    /// How long to wait for the acknowledgement, ms.
    pub timeout_ms: f64,
    /// How many times the event is sent at most, the first included.
    pub attempts: u32,
}

/// Whose events a service takes in, how the bus delivers them, and what handling one does.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
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
    /// A table of the events that were handled, written in the same transaction as their effect: an event that comes
    /// again within the window has no effect again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inbox: Option<Inbox>,
    /// Subscriptions of one topic with the same group share its events: each goes to one of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group: Option<String>,
    /// When the consumer tells the bus that it has the event.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledge: Acknowledge,
    /// After how long without acknowledgement the bus delivers again, ms (SQS: visibility timeout).
    #[serde(default = "default_deadline", skip_serializing_if = "is_default_deadline")]
    pub ack_deadline_ms: f64,
    /// How many times an event is delivered at most, the first included; without end where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_deliveries: Option<u32>,
    /// What `max_deliveries` counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limit: Limit,
    /// How long the bus waits before each further delivery, beyond the deadline or the refusal.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backoff: Backoff,
    /// Whether an event that used up its deliveries goes to the dead-letter queue; else it is discarded.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub dead_letter: bool,
    /// Whether an event in the dead-letter queue counts its retention from there, rather than from when it was first
    /// queued (SQS standard keeps the original time).
    #[serde(default, skip_serializing_if = "is_default")]
    pub dead_letter_renews_time: bool,
    /// In which order events reach the consumer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// How often acknowledgements go out, all that came up together, ms (Kafka: auto.commit.interval); each at once
    /// where absent. A crash takes those that have not gone out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub commit_every_ms: Option<f64>,
    /// How many deliveries may be unacknowledged at once; for a log those of one partition.
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
            inbox: None,
            group: None,
            acknowledge: Acknowledge::default(),
            ack_deadline_ms: default_deadline(),
            max_deliveries: None,
            limit: Limit::default(),
            backoff: Backoff::default(),
            dead_letter: true,
            dead_letter_renews_time: false,
            order: Order::default(),
            commit_every_ms: None,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Take the event's value if its version is newer: idempotent, safe in any order.
    #[default]
    SetIfNewer,
    /// Take the event's value whatever is there: idempotent, but sensitive to order.
    Overwrite,
    /// Take the event's value if the clock of the service that wrote it read later than for what is there (last writer
    /// wins by wall clock; on a tie the later service of the document): idempotent and safe in any order, but a clock that
    /// is behind loses updates.
    LastWriterWins,
    /// Add the update's difference to the number that is there: neither idempotent nor, with other effects, safe in
    /// any order. An update of what is no number cannot be handled.
    Increment,
}

/// A table of handled events, by consumer and event.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    /// How long a row is kept, ms; for ever where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub window_ms: Option<f64>,
}

/// What the limit of deliveries counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Deliveries, the first included (SQS: maxReceiveCount).
    #[default]
    Deliveries,
    /// Redeliveries, the first delivery apart (RabbitMQ quorum queues: delivery-limit).
    Redeliveries,
}

/// When the consumer acknowledges a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
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
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
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
    /// Half of the doubled wait, and as much again by chance: v/2 + U(0, v/2).
    EqualJitter {
        /// The first wait, ms.
        base_ms: f64,
        /// The longest wait, ms.
        cap_ms: f64,
    },
    /// By chance up to the doubled wait: U(0, v).
    FullJitter {
        /// The first wait, ms.
        base_ms: f64,
        /// The longest wait, ms.
        cap_ms: f64,
    },
    /// By chance between the base and three times the last wait, up to the cap.
    DecorrelatedJitter {
        /// The least wait, ms.
        base_ms: f64,
        /// The longest wait, ms.
        cap_ms: f64,
    },
}

/// In which order a subscription's events reach its consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they come; a message that is delivered again falls behind.
    #[default]
    None,
    /// One by one for each key: an event that is not acknowledged yet holds up its key and no other.
    FifoPerKey,
    /// A log with a position for each partition (Kafka): events in order, as many ahead as are allowed in flight; an
    /// acknowledgement commits all before it too. Where one fails, or its reader is silent, all after the last commit
    /// is delivered again.
    Log,
}

/// A broker: it keeps events by topic and delivers them to each subscription.
#[derive(Clone, Debug, Default, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
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
    /// How long an event that was taken in is not yet safe on disk or at a replica, ms: an outage with loss of what is
    /// not flushed takes it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flush_ms: f64,
    /// Whether the publisher is told only when its event is safe; else at once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledges_flushed: bool,
}

/// A topic of a bus.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Unique in its bus.
    pub name: String,
    /// How many partitions; an event goes to the one that its key's hash names.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub partitions: u32,
    /// An event that was published before within this time is acknowledged and not queued again, ms.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dedup_ms: Option<f64>,
    /// How long an event is kept at most, ms; without end where absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retention_ms: Option<f64>,
}

impl Default for Topic {
    fn default() -> Self {
        Topic { name: String::new(), partitions: one(), dedup_ms: None, retention_ms: None }
    }
}
