//! Settings that imitate real systems by their defaults. Each says what it leaves out.

mod groups;

pub use groups::{STORES, StorePreset, of_group, published};

use super::{
    Acknowledge, Acks, Backoff, CommitRule, InSync, Limit, Order, Publication, PublishRetry, ReaderSession,
    Replication, Subscription, Topic,
};

/// A real system's way of keeping and delivering events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The system, and the version whose defaults these are.
    pub name: &'static str,
    /// What of it is not modelled.
    pub leaves_out: &'static str,
    system: System,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    SqsStandard,
    SqsFifo,
    Kafka,
    RabbitMq,
    JetStream,
    RedisPubSub,
}

/// All of them.
pub const PRESETS: [Preset; 6] = [
    Preset {
        name: "SQS standard",
        leaves_out: "Short polling that misses some servers, batches, per-message visibility, and the queue's occasional \
                     duplicates: set those on the links.",
        system: System::SqsStandard,
    },
    Preset {
        name: "SQS FIFO",
        leaves_out: "Batches, throughput quotas, and content-based deduplication: an update's identity is its \
                     deduplication id, and a dead-lettered event keeps it.",
        system: System::SqsFifo,
    },
    Preset {
        name: "Kafka 4.0",
        leaves_out: "Fetch sizes; static and cooperative membership: each rebalance gives out all partitions anew; that \
                     an automatic commit waits for the next poll; eligible leaders (KIP-966) but for that a broker which \
                     lost its disk is not in sync.",
        system: System::Kafka,
    },
    Preset {
        name: "RabbitMQ 4.0 quorum queue",
        leaves_out: "How its replicas find that the leader is gone, prefetch below 1,000, and that a returned message goes back near the head of its queue.",
        system: System::RabbitMq,
    },
    Preset {
        name: "NATS JetStream",
        leaves_out: "Flow control; how replicas of a stream find that the leader is gone; a message over its limit stays in the stream but is not \
                     delivered again, which here counts as discarded.",
        system: System::JetStream,
    },
    Preset {
        name: "Redis Pub/Sub",
        leaves_out: "Client output buffers: whoever is connected gets it, whoever is not never does.",
        system: System::RedisPubSub,
    },
];

const SECOND: f64 = 1000.0;
const MINUTE: f64 = 60.0 * SECOND;
const DAY: f64 = 24.0 * 60.0 * MINUTE;

impl Preset {
    /// A subscription with the system's defaults. What is handled, by whom and how, stays.
    pub fn subscription(&self, like: &Subscription) -> Subscription {
        let kept = Subscription {
            to: like.to.clone(),
            topic: like.topic.clone(),
            effect: like.effect,
            processing: like.processing.clone(),
            fails: like.fails,
            inbox: like.inbox.clone(),
            group: like.group.clone(),
            backoff: Backoff::None,
            ..Subscription::default()
        };
        match self.system {
            System::SqsStandard => Subscription {
                ack_deadline_ms: 30.0 * SECOND,
                max_deliveries: Some(10),
                max_in_flight: 120_000,
                ..kept
            },
            System::SqsFifo => Subscription {
                ack_deadline_ms: 30.0 * SECOND,
                max_deliveries: Some(10),
                dead_letter_renews_time: true,
                order: Order::FifoPerKey,
                max_in_flight: 120_000,
                ..kept
            },
            System::Kafka => Subscription {
                // The consumer's request timeout, after which it fetches again what did not come.
                ack_deadline_ms: 30.0 * SECOND,
                dead_letter: false,
                order: Order::Log,
                commit_every_ms: Some(5.0 * SECOND),
                max_in_flight: 500,
                session: Some(ReaderSession {
                    timeout_ms: 45.0 * SECOND,
                    heartbeat_ms: 3.0 * SECOND,
                    max_poll_ms: 300.0 * SECOND,
                }),
                ..kept
            },
            System::RabbitMq => Subscription {
                ack_deadline_ms: 30.0 * MINUTE,
                max_deliveries: Some(20),
                limit: Limit::Redeliveries,
                dead_letter: false,
                ..kept
            },
            System::JetStream => {
                Subscription { ack_deadline_ms: 30.0 * SECOND, dead_letter: false, max_in_flight: 1000, ..kept }
            }
            System::RedisPubSub => Subscription { acknowledge: Acknowledge::Never, dead_letter: false, ..kept },
        }
    }

    /// A topic with the system's defaults.
    pub fn topic(&self, like: &Topic) -> Topic {
        let (dedup_ms, retention_ms) = match self.system {
            System::SqsStandard => (None, Some(4.0 * DAY)),
            System::SqsFifo => (Some(5.0 * MINUTE), Some(4.0 * DAY)),
            // The idempotent producer: a retry within the delivery timeout is known by its sequence number.
            System::Kafka => (Some(2.0 * MINUTE), Some(7.0 * DAY)),
            System::RabbitMq | System::RedisPubSub => (None, None),
            System::JetStream => (Some(2.0 * MINUTE), None),
        };
        Topic { name: like.name.clone(), partitions: like.partitions, dedup_ms, retention_ms }
    }

    /// Brokers with the system's defaults, where it says how many keep an event; what lies between them stays.
    pub fn replication(&self, like: Option<&Replication>) -> Option<Replication> {
        let (replicas, commit) = match self.system {
            System::Kafka => (1, CommitRule::InSync(InSync::default())),
            System::RabbitMq => (3, CommitRule::Majority),
            System::JetStream => (1, CommitRule::Majority),
            System::SqsStandard | System::SqsFifo | System::RedisPubSub => return None,
        };
        let like = like.cloned().unwrap_or_default();
        let session_ms = if self.system == System::Kafka { 9.0 * SECOND } else { like.session_ms };
        Some(Replication { replicas, commit, session_ms, ..like })
    }

    /// A publication with the defaults of the system's producer; where and from what it publishes stays.
    pub fn publication(&self, like: &Publication) -> Publication {
        PRODUCERS[match self.system {
            System::Kafka => 0,
            System::SqsStandard | System::SqsFifo => 1,
            System::RabbitMq | System::JetStream | System::RedisPubSub => 2,
        }]
        .publication(like)
    }
}

/// The preset that a subscription has the settings of.
pub fn of_subscription(subscription: &Subscription) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.subscription(subscription) == *subscription)
}

/// The preset that brokers have the settings of.
pub fn of_replication(replication: &Replication) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.replication(Some(replication)).as_ref() == Some(replication))
}

/// A real client's way of publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// The client, and the version whose defaults these are.
    pub name: &'static str,
    /// What of it is not modelled.
    pub leaves_out: &'static str,
    /// How long it waits for the bus, seconds, and how often it sends at most; once where none.
    retry: Option<(u32, u32)>,
}

/// All of them.
pub const PRODUCERS: [Producer; 3] = [
    Producer {
        name: "Kafka 4.0 producer",
        leaves_out: "Its backoff, which is its request timeout here; batches and linger; the order that idempotence keeps \
                     among five requests in flight.",
        // Delivery timeout 120 s, request timeout 30 s.
        retry: Some((30, 4)),
    },
    Producer {
        name: "AWS SDK (SQS)",
        leaves_out: "Its backoff between attempts, which is its timeout here; batches.",
        retry: Some((1, 3)),
    },
    Producer {
        name: "RabbitMQ, JetStream or Redis client",
        leaves_out: "Whatever the application does itself when no confirmation comes.",
        retry: None,
    },
];

impl Producer {
    /// A publication with its defaults; where and from what it publishes stays.
    pub fn publication(&self, like: &Publication) -> Publication {
        let timeout = |seconds: u32| f64::from(seconds) * SECOND;
        let retry = self.retry.map(|(seconds, attempts)| PublishRetry { timeout_ms: timeout(seconds), attempts });
        Publication { retry, acks: Acks::All, ..like.clone() }
    }
}

/// The client that a publication has the settings of.
pub fn of_publication(publication: &Publication) -> Option<&'static Producer> {
    PRODUCERS.iter().find(|producer| producer.publication(publication) == *publication)
}

/// The preset that a topic has the settings of; RabbitMQ's and Redis' topics set nothing, and are never found.
pub fn of_topic(topic: &Topic) -> Option<&'static Preset> {
    let sets = |preset: &&Preset| preset.topic(topic) == *topic && (topic.dedup_ms, topic.retention_ms) != (None, None);
    PRESETS.iter().find(sets)
}
