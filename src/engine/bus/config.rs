//! The configuration of a bus, and the numbers of its events.

use crate::engine::message::LinkId;
use crate::engine::random::{Sampler, Stream};
use crate::scenario::{
    Acknowledge, Backoff, CommitRule, LateAcknowledgement, Limit, Micros, Order, ReaderSession, micros,
};
use crate::trace::{NodeId, SubscriptionId};

/// The configuration of a subscription.
#[derive(Clone, Debug)]
pub struct SubscriptionConfig {
    /// The subscription.
    pub id: SubscriptionId,
    /// The consumer.
    pub consumer: NodeId,
    /// The topic.
    pub topic: u32,
    /// The group of subscriptions that share their events; none if the subscription receives all events itself.
    pub group: Option<String>,
    /// The link to the consumer.
    pub link: LinkId,
    /// The index of the subscription in the consumer.
    pub at_consumer: u32,
    /// When the consumer acknowledges.
    pub acknowledge: Acknowledge,
    /// How long the bus waits for an acknowledgement.
    pub deadline: Micros,
    /// The maximum number of deliveries; unlimited if none.
    pub max_deliveries: Option<u32>,
    /// The attempts that the maximum counts.
    pub limit_counts: Limit,
    /// The wait before a redelivery.
    pub backoff: Backoff,
    /// The random numbers of `backoff`.
    pub waits: Stream,
    /// Whether events that reach the maximum become dead letters; otherwise, the bus discards them.
    pub dead_letter: bool,
    /// Whether the retention of an event starts again when it becomes a dead letter.
    pub dead_letter_renews_time: bool,
    /// The order of deliveries.
    pub order: Order,
    /// How its consumer is attached.
    pub attach: Attach,
    /// The effect of an acknowledgement that arrives after its delivery has ended.
    pub late: LateAcknowledgement,
    /// The maximum number of unacknowledged deliveries; for a log, of one partition.
    pub max_in_flight: u32,
    /// The session of a log's reader; none if it has no session.
    pub session: Option<SessionConfig>,
}

/// The session of a log's reader, as its group coordinator sees it.
#[derive(Clone, Copy, Debug)]
pub struct SessionConfig {
    /// How long it lasts without a heartbeat.
    pub timeout: Micros,
    /// How long a rebalance waits for the reader (Kafka: max.poll.interval.ms is also the rebalance timeout).
    pub rebalance_timeout: Micros,
}

impl SessionConfig {
    /// Returns the configuration of a session.
    pub fn new(session: &ReaderSession) -> SessionConfig {
        SessionConfig { timeout: micros(session.timeout_ms), rebalance_timeout: micros(session.max_poll_ms) }
    }
}

/// How a consumer is attached.
#[derive(Clone, Copy, Debug)]
pub enum Attach {
    /// A connection.
    Connection {
        /// The maximum number of unacknowledged deliveries to this consumer.
        prefetch: u32,
        /// How long the connection lasts without a heartbeat; for ever if none.
        heartbeat: Option<Micros>,
        /// Whether deliveries belong to the connection.
        requeue: bool,
    },
    /// Polling.
    Polling {
        /// How long a receive waits for an event.
        wait: Micros,
    },
}

impl SubscriptionConfig {
    /// Returns whether deliveries belong to the connection, which requeues them when it closes.
    pub fn requeues(&self) -> bool {
        matches!(self.attach, Attach::Connection { requeue: true, .. })
    }
}

/// The configuration of a topic.
#[derive(Clone, Debug)]
pub struct TopicConfig {
    /// The number of partitions.
    pub partitions: u32,
    /// The window of deduplication; no deduplication if none.
    pub dedup: Option<Micros>,
    /// How long an event is stored; forever if none.
    pub retention: Option<Micros>,
}

/// The configuration of a bus.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// The node of the bus.
    pub node: NodeId,
    /// Its topics.
    pub topics: Vec<TopicConfig>,
    /// Its subscriptions.
    pub subscriptions: Vec<SubscriptionConfig>,
    /// The time until a publication is flushed.
    pub flush: Micros,
    /// Whether the bus acknowledges publications only after the flush; otherwise, immediately.
    pub acknowledges_flushed: bool,
    /// The configuration of its brokers; a single broker if none.
    pub replication: Option<ReplicationConfig>,
}

/// The configuration of a bus's brokers.
#[derive(Clone, Debug)]
pub struct ReplicationConfig {
    /// How long a fetch takes.
    pub latency: Sampler,
    /// The random numbers of `latency`, for each broker.
    pub fetches: Vec<Stream>,
    /// How long the session of a stopped broker lasts.
    pub session: Micros,
    /// When an event is committed.
    pub commit: CommitRule,
}

/// The numbers of a bus's events by their fate, over all subscriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct EventCounts {
    /// Events, counted once for each subscription or group that receives them.
    pub published: u64,
    /// Acknowledged, or delivered to a subscription without acknowledgements.
    pub acknowledged: u64,
    /// Waiting for a delivery.
    pub queued: u64,
    /// Delivered and not yet acknowledged.
    pub in_flight: u64,
    /// Events in dead-letter queues.
    pub dead_lettered: u64,
    /// Discarded at the end of their retention.
    pub expired: u64,
    /// Given up, purged, or lost.
    pub discarded: u64,
}

impl EventCounts {
    /// Returns whether events are conserved: published = acknowledged + queued + in flight + dead-lettered + expired +
    /// discarded.
    pub fn conserved(&self) -> bool {
        let stored = self.queued + self.in_flight + self.dead_lettered;
        self.published == self.acknowledged + stored + self.expired + self.discarded
    }
}
