//! A bus's settings, and the count of its events.

use crate::engine::message::LinkId;
use crate::engine::random::{Sampler, Stream};
use crate::scenario::{Acknowledge, Backoff, CommitRule, Limit, Micros, Order};
use crate::trace::{NodeId, SubscriptionId};

/// A subscription's settings, ready to run.
#[derive(Clone, Debug)]
pub struct SubscriptionConfig {
    /// The subscription.
    pub id: SubscriptionId,
    /// The consumer.
    pub consumer: NodeId,
    /// The topic.
    pub topic: u32,
    /// The group that shares its events; alone where none.
    pub group: Option<String>,
    /// The link to the consumer.
    pub link: LinkId,
    /// Index of the subscription in the consumer.
    pub at_consumer: u32,
    /// When the consumer acknowledges.
    pub acknowledge: Acknowledge,
    /// How long an acknowledgement is awaited.
    pub deadline: Micros,
    /// Deliveries at most.
    pub max_deliveries: Option<u32>,
    /// What they count.
    pub limit_counts: Limit,
    /// Wait before a further delivery.
    pub backoff: Backoff,
    /// Its chance.
    pub waits: Stream,
    /// Keep what used up its deliveries.
    pub dead_letter: bool,
    /// Retention of a dead event counts from its dead-lettering.
    pub dead_letter_renews_time: bool,
    /// Order of delivery.
    pub order: Order,
    /// Unacknowledged deliveries at most; for a log those of one partition.
    pub max_in_flight: u32,
    /// A log's reader: how long its session lasts without a heartbeat, where it has one.
    pub session: Option<Micros>,
}

/// A topic's settings, ready to run.
#[derive(Clone, Debug)]
pub struct TopicConfig {
    /// Number of partitions.
    pub partitions: u32,
    /// How long a publication is remembered.
    pub dedup: Option<Micros>,
    /// How long an event is kept.
    pub retention: Option<Micros>,
}

/// A bus's settings, ready to run.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// Which node it is.
    pub node: NodeId,
    /// Its topics.
    pub topics: Vec<TopicConfig>,
    /// Its subscriptions.
    pub subscriptions: Vec<SubscriptionConfig>,
    /// How long a publication is not safe.
    pub flush: Micros,
    /// The publisher is told when it is safe, else at once.
    pub acknowledges_flushed: bool,
    /// The brokers that keep its events; one that is there or is not where absent.
    pub replication: Option<ReplicationConfig>,
}

/// A bus's brokers, ready to run.
#[derive(Clone, Debug)]
pub struct ReplicationConfig {
    /// How long an event is under way to a follower.
    pub latency: Sampler,
    /// The streams of `latency`, one for each broker.
    pub fetches: Vec<Stream>,
    /// How long a broker is down before it is missed.
    pub session: Micros,
    /// When an event is committed.
    pub commit: CommitRule,
}

/// What became of the events of a bus, over all subscriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct EventCounts {
    /// Events times the subscriptions (or groups of them) that each was for.
    pub published: u64,
    /// Done: acknowledged, or sent where no acknowledgement is wanted.
    pub acknowledged: u64,
    /// Waiting to be delivered, for the first time or again.
    pub queued: u64,
    /// Delivered and not acknowledged yet.
    pub in_flight: u64,
    /// In dead-letter queues.
    pub dead_lettered: u64,
    /// Kept as long as their topic keeps events.
    pub expired: u64,
    /// Given up, purged, or lost before they were flushed.
    pub discarded: u64,
}

impl EventCounts {
    /// Published = acknowledged + queued + in flight + dead-lettered + expired + discarded.
    pub fn conserved(&self) -> bool {
        let stored = self.queued + self.in_flight + self.dead_lettered;
        self.published == self.acknowledged + stored + self.expired + self.discarded
    }
}
