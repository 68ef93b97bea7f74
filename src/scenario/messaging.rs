//! Publications, buses and subscriptions, by which services exchange updates as events.

use super::{Acks, Attachment, Forward, LateAcknowledgement, Latency, OnFailure, Replication, is_default, is_one, one};
use serde::{Deserialize, Serialize};

/// Where and how a service publishes its updates as events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// Id of the bus.
    pub to: String,
    /// The topic; the bus's first if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topic: Option<String>,
    /// When the event is published: directly before or after the commit (a dual write), or by a relay from the store.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: PublishMode,
    /// Time between the commit and a direct publication, ms. After a crash in between, only the first of the two has
    /// happened. The modes `outbox` and `change_data_capture` have no such gap.
    #[serde(default, skip_serializing_if = "is_default")]
    pub gap_ms: f64,
    /// Retries if the bus does not acknowledge; no retries if absent. The relay of an outbox or of change data capture
    /// always retries: every second without limit if this is absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Option<PublishRetry>,
    /// An event chain: which of the events that the service applies it publishes too; none if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub forward: Option<Forward>,
    /// Which acknowledgement it requests. At a bus without `replication`, `leader` and `all` are the same.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acks: Acks,
}

/// When the event of an update is published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PublishMode {
    /// Directly after the commit: a crash in between loses the event.
    #[default]
    AfterCommit,
    /// Directly before the commit: a crash in between leaves an event of an update that was never committed.
    BeforeCommit,
    /// Transactional outbox: the update's transaction also writes a row, which a relay publishes at least once.
    Outbox {
        /// Polling interval of the relay, ms.
        poll_ms: f64,
        /// Number of rows per poll at most.
        batch: u32,
    },
    /// Change data capture: a relay reads the store's log and publishes in commit order. If an event is not acknowledged, the
    /// relay publishes it and all later ones again; the bus accepts no event before its predecessor.
    ChangeDataCapture {
        /// Polling interval of the relay, ms.
        poll_ms: f64,
        /// Number of log entries per poll at most.
        batch: u32,
        /// Interval at which the relay flushes its position, ms (Kafka Connect: offset.flush.interval.ms); immediately if 0.
        /// After a crash it publishes again what the bus has acknowledged since the last flush.
        #[serde(default = "default_flush", skip_serializing_if = "is_default_flush")]
        flush_ms: f64,
    },
}

impl PublishMode {
    /// Returns whether a relay publishes the events, rather than the worker that commits.
    pub fn is_relayed(&self) -> bool {
        match self {
            PublishMode::AfterCommit | PublishMode::BeforeCommit => false,
            PublishMode::Outbox { .. } | PublishMode::ChangeDataCapture { .. } => true,
        }
    }
}

/// Retries of a publication without acknowledgement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishRetry {
    /// Timeout for the acknowledgement, ms.
    pub timeout_ms: f64,
    /// Number of attempts at most, including the first.
    pub attempts: u32,
}

/// A subscription of a service to a topic: how the bus delivers events, and how the service handles them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Id of the bus.
    pub to: String,
    /// The topic; the bus's first if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topic: Option<String>,
    /// How an event changes the store.
    #[serde(default, skip_serializing_if = "is_default")]
    pub effect: Effect,
    /// How long the handler takes.
    #[serde(default = "default_processing", skip_serializing_if = "is_default_processing")]
    pub processing: Latency,
    /// Probability, 0 to 1, that the handler fails and leaves the store unchanged.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fails: f64,
    /// A table of handled events, written in the same transaction as their effects, so that a redelivered event has no
    /// second effect.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inbox: Option<Inbox>,
    /// Consumer group: subscriptions to a topic with the same group share its events, each of which goes to one of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group: Option<String>,
    /// When the consumer acknowledges an event.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledge: Acknowledge,
    /// Time after which the bus redelivers an event that is not acknowledged, ms (SQS: visibility timeout).
    #[serde(default = "default_deadline", skip_serializing_if = "is_default_deadline")]
    pub ack_deadline_ms: f64,
    /// Number of deliveries of an event at most, including the first; unlimited if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_deliveries: Option<u32>,
    /// What `max_deliveries` counts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limit: Limit,
    /// Additional wait of the bus before each redelivery, after the deadline or a negative acknowledgement.
    #[serde(default, skip_serializing_if = "is_default")]
    pub backoff: Backoff,
    /// Whether an event that has reached the delivery limit goes to the dead-letter queue; it is discarded otherwise.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub dead_letter: bool,
    /// Whether the retention of an event starts again when it enters the dead-letter queue (SQS standard queues keep the
    /// original time).
    #[serde(default, skip_serializing_if = "is_default")]
    pub dead_letter_renews_time: bool,
    /// Order in which events are delivered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// Interval at which acknowledgements are sent together, ms (Kafka: auto.commit.interval.ms); each immediately if
    /// absent. A crash loses those that have not been sent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub commit_every_ms: Option<f64>,
    /// How deliveries reach the consumer. If absent, it follows from the other settings: polling as in SQS if `max_in_flight`
    /// is 120,000; a connection as in RabbitMQ if `limit` is `redeliveries`; otherwise a connection without heartbeats.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attach: Option<Attachment>,
    /// What an acknowledgement does that arrives after its delivery has ended; if absent, what the imitated system does:
    /// `accept`, or `refuse` for a channel and for polling in order, or `ignore` for polling without order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub late_acknowledgement: Option<LateAcknowledgement>,
    /// What the consumer does after a failure of its handler; if absent, `wait` for polling and `refuse` otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure: Option<OnFailure>,
    /// Number of unacknowledged deliveries at most: of all consumers of a group together (JetStream: MaxAckPending); of each if
    /// it has a channel (RabbitMQ); for `log` of each, per partition.
    #[serde(default = "default_in_flight", skip_serializing_if = "is_default_in_flight")]
    pub max_in_flight: u32,
    /// For `log`: membership of the consumer group by heartbeats, which ends if they stop or the consumer polls too rarely
    /// (Kafka). Consumers of a group have the same settings unless they have others. If absent, a consumer is removed
    /// after it was silent for the acknowledgement deadline.
    #[serde(default, skip_serializing_if = "is_default")]
    pub session: Option<ReaderSession>,
}

/// Membership of a consumer group. A consumer fetches again if a delivery has not arrived within the acknowledgement
/// deadline (Kafka: request.timeout.ms); `max_in_flight` is also the number of events per poll (Kafka: max.poll.records).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReaderSession {
    /// Time without a heartbeat after which the bus reassigns its partitions, ms (Kafka: session.timeout.ms).
    pub timeout_ms: f64,
    /// Interval of its heartbeats, ms (Kafka: heartbeat.interval.ms).
    pub heartbeat_ms: f64,
    /// Time for the events of one poll, after which the consumer leaves the group, ms (Kafka: max.poll.interval.ms). A rebalance
    /// waits as long until the consumer has joined the group again.
    pub max_poll_ms: f64,
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
            attach: None,
            late_acknowledgement: None,
            on_failure: None,
            max_in_flight: default_in_flight(),
            session: None,
        }
    }
}

fn default_processing() -> Latency {
    Latency::constant(1.0)
}
fn is_default_processing(latency: &Latency) -> bool {
    *latency == default_processing()
}
fn default_flush() -> f64 {
    60_000.0
}
fn is_default_flush(ms: &f64) -> bool {
    *ms == default_flush()
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

/// How an event changes the consumer's store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Set the event's value if its version is newer. Idempotent; correct in any order.
    #[default]
    SetIfNewer,
    /// Set the event's value unconditionally. Idempotent, but depends on the order.
    Overwrite,
    /// Set the event's value if its timestamp, by the wall clock of the service that wrote it, is later than that of the
    /// stored value; ties go to the later service of the document. Idempotent and correct in any order, but a slow clock
    /// loses updates.
    LastWriterWins,
    /// Add the update's difference to the stored number. Not idempotent; depends on the order if mixed with other
    /// effects. The handler fails if the value is not a number.
    Increment,
}

/// A table of handled events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    /// How long a row is kept, ms; forever if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub window_ms: Option<f64>,
}

/// What the delivery limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Deliveries, including the first (SQS: maxReceiveCount).
    #[default]
    Deliveries,
    /// Redeliveries, without the first delivery (RabbitMQ quorum queues: delivery-limit).
    Redeliveries,
}

/// When the consumer acknowledges a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Acknowledge {
    /// Never: the bus removes an event when it sends it. At most once.
    Never,
    /// On receipt, before it is handled. At most once after that.
    BeforeProcessing,
    /// After it was handled successfully. At least once.
    #[default]
    AfterProcessing,
}

/// How long to wait before a retry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Backoff {
    /// No wait.
    #[default]
    None,
    /// A constant wait.
    Fixed {
        /// The wait, ms.
        ms: f64,
    },
    /// Exponential backoff: base, 2·base, 4·base, … up to the cap.
    Exponential {
        /// First wait, ms.
        base_ms: f64,
        /// Maximum wait, ms.
        cap_ms: f64,
    },
    /// Equal jitter: v/2 + U(0, v/2), where v is the exponential backoff and U uniform.
    EqualJitter {
        /// First wait, ms.
        base_ms: f64,
        /// Maximum wait, ms.
        cap_ms: f64,
    },
    /// Full jitter: U(0, v), where v is the exponential backoff and U uniform.
    FullJitter {
        /// First wait, ms.
        base_ms: f64,
        /// Maximum wait, ms.
        cap_ms: f64,
    },
    /// Decorrelated jitter: uniform between the base and three times the previous wait, up to the cap.
    DecorrelatedJitter {
        /// Minimum wait, ms.
        base_ms: f64,
        /// Maximum wait, ms.
        cap_ms: f64,
    },
}

/// Order in which a subscription's events are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// No order: a redelivered event may arrive after later ones.
    #[default]
    None,
    /// First in, first out for each key: an unacknowledged event blocks later events of its key only.
    FifoPerKey,
    /// A log with an offset for each partition (Kafka): events are delivered in order, up to `max_in_flight` ahead. An
    /// acknowledgement also commits all earlier events. After a failure or a silent consumer, all events after the
    /// last committed offset are redelivered.
    Log,
}

/// An event bus: stores events by topic and delivers them to each subscription.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// Displayed name; the id if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Position of its card on the canvas, [x, y] of the upper left corner; chosen automatically if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub position: Option<[i32; 2]>,
    /// Its topics; if empty, one with the bus's id and one partition.
    #[serde(default, skip_serializing_if = "is_default")]
    pub topics: Vec<Topic>,
    /// Time after which an accepted event is flushed to disk or a replica, ms. An outage with `lose_unflushed` loses events
    /// that are not flushed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flush_ms: f64,
    /// Whether an event is acknowledged to the publisher only when it is flushed; immediately otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledges_flushed: bool,
    /// Replicated brokers that store its events; one broker if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub replication: Option<Replication>,
}

/// A topic of a bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Unique name in the bus.
    pub name: String,
    /// Number of partitions; the hash of an event's key selects one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub partitions: u32,
    /// Deduplication: an event that is published again within this time is acknowledged but not queued again, ms.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dedup_ms: Option<f64>,
    /// How long an event is kept at most, ms; forever if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub retention_ms: Option<f64>,
}

impl Default for Topic {
    fn default() -> Self {
        Topic { name: String::new(), partitions: one(), dedup_ms: None, retention_ms: None }
    }
}
