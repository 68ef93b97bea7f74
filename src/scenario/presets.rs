//! Presets: settings with the defaults of real systems.

mod groups;

pub use groups::{STORES, StorePreset, of_group, published};

use super::{
    Acknowledge, Acks, Backoff, CommitRule, InSync, Limit, Order, Publication, PublishRetry, ReaderSession,
    Replication, Subscription, Topic,
};

/// Defaults of a messaging system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The system and its version.
    pub name: &'static str,
    /// What is not modelled.
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

/// All presets of messaging systems.
pub const PRESETS: [Preset; 6] = [
    Preset {
        name: "SQS standard",
        leaves_out: "Short polling, which misses some servers; a response is one message for each event; changes of the visibility \
                     timeout while a message is in flight, and their limit of 12 hours; occasional duplicates (set them on the links).",
        system: System::SqsStandard,
    },
    Preset {
        name: "SQS FIFO",
        leaves_out: "Several messages of one group in one receive; changes of the visibility timeout while a message is in flight; \
                     receive request attempt ids; throughput quotas; content-based deduplication (the deduplication id is that of the update, \
                     also in the dead-letter queue).",
        system: System::SqsFifo,
    },
    Preset {
        name: "Kafka 4.0",
        leaves_out: "Fetch sizes and waits (records are sent as they are committed, and polled at the consumer); static and cooperative membership (each rebalance reassigns all partitions); that an \
                     automatic commit waits for the next poll; eligible leader replicas (KIP-966), except that a broker \
                     without its disk is not in sync.",
        system: System::Kafka,
    },
    Preset {
        name: "RabbitMQ 4.0 quorum queue",
        leaves_out: "Leader failure detection; several channels of one connection (a channel error closes the connection); \
                     global prefetch, priorities and single active consumers; that dead-lettering loses events (it happens at most once); retransmissions every second, where TCP waits longer \
                     and longer; the wait of client libraries before they connect again is 1 s.",
        system: System::RabbitMq,
    },
    Preset {
        name: "NATS JetStream",
        leaves_out: "Pull consumers (events are pushed up to MaxAckPending, which each worker of a queue group has separately); \
                     AckProgress and delayed negative acknowledgements; flow control; leader failure detection; that a message over the delivery limit stays in the stream \
                     (here it counts as discarded).",
        system: System::JetStream,
    },
    Preset {
        name: "Redis Pub/Sub",
        leaves_out: "Client output buffers, whose limits disconnect slow clients; sharded channels and patterns.",
        system: System::RedisPubSub,
    },
];

const SECOND: f64 = 1000.0;
const MINUTE: f64 = 60.0 * SECOND;
const DAY: f64 = 24.0 * 60.0 * MINUTE;

impl Preset {
    /// Returns a subscription with the system's defaults. Topic, group and handler are kept.
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
        explicit(match self.system {
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
                // The consumer's request timeout, after which it fetches again.
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
        })
    }

    /// Returns a topic with the system's defaults.
    pub fn topic(&self, like: &Topic) -> Topic {
        let (dedup_ms, retention_ms) = match self.system {
            System::SqsStandard => (None, Some(4.0 * DAY)),
            System::SqsFifo => (Some(5.0 * MINUTE), Some(4.0 * DAY)),
            // The idempotent producer: the sequence number identifies a retry within the delivery timeout.
            System::Kafka => (Some(2.0 * MINUTE), Some(7.0 * DAY)),
            System::RabbitMq | System::RedisPubSub => (None, None),
            System::JetStream => (Some(2.0 * MINUTE), None),
        };
        Topic { name: like.name.clone(), partitions: like.partitions, dedup_ms, retention_ms }
    }

    /// Returns replication with the system's defaults, if it has any; the latency is kept.
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

    /// Returns a publication with the defaults of the system's producer; topic and mode are kept.
    pub fn publication(&self, like: &Publication) -> Publication {
        PRODUCERS[match self.system {
            System::Kafka => 0,
            System::SqsStandard | System::SqsFifo => 1,
            System::RabbitMq | System::JetStream | System::RedisPubSub => 2,
        }]
        .publication(like)
    }
}

/// Returns the preset whose settings a subscription has.
pub fn of_subscription(subscription: &Subscription) -> Option<&'static Preset> {
    let explicit = explicit(subscription.clone());
    PRESETS.iter().find(|preset| preset.subscription(subscription) == explicit)
}

/// Returns whether a subscription has the settings of a preset, or differs from it only in how many deliveries it permits at a
/// time. Other fields of a preset are no settings that the author of a scenario chose.
pub fn is_of_system(subscription: &Subscription) -> bool {
    let explicit = explicit(subscription.clone());
    let max_in_flight = explicit.max_in_flight;
    PRESETS.iter().any(|preset| Subscription { max_in_flight, ..preset.subscription(subscription) } == explicit)
}

/// Returns a subscription that states how its consumer is attached, instead of implying it.
fn explicit(subscription: Subscription) -> Subscription {
    if subscription.order == Order::Log {
        return subscription;
    }
    Subscription {
        attach: Some(subscription.attachment()),
        late_acknowledgement: Some(subscription.late_acknowledgements()),
        on_failure: Some(subscription.after_failure()),
        ..subscription
    }
}

/// Returns the preset whose settings the replication of a bus has.
pub fn of_replication(replication: &Replication) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.replication(Some(replication)).as_ref() == Some(replication))
}

/// Defaults of a client library for publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// The client library and its version.
    pub name: &'static str,
    /// What is not modelled.
    pub leaves_out: &'static str,
    /// The timeout of an acknowledgement, s, and the maximum number of attempts; no retries if none.
    retry: Option<(u32, u32)>,
}

/// All presets of client libraries.
pub const PRODUCERS: [Producer; 3] = [
    Producer {
        name: "Kafka 4.0 producer",
        leaves_out: "Its backoff, which equals the request timeout here; batches and linger; that idempotence keeps the order \
                     of five requests in flight.",
        // Delivery timeout 120 s, request timeout 30 s.
        retry: Some((30, 4)),
    },
    Producer {
        name: "AWS SDK (SQS)",
        leaves_out: "Its backoff, which equals the timeout here; batches.",
        retry: Some((1, 3)),
    },
    Producer {
        name: "RabbitMQ, JetStream or Redis client",
        leaves_out: "What the application does without a confirmation.",
        retry: None,
    },
];

impl Producer {
    /// Returns a publication with its defaults; topic and mode are kept.
    pub fn publication(&self, like: &Publication) -> Publication {
        let timeout = |seconds: u32| f64::from(seconds) * SECOND;
        let retry = self.retry.map(|(seconds, attempts)| PublishRetry { timeout_ms: timeout(seconds), attempts });
        Publication { retry, acks: Acks::All, ..like.clone() }
    }
}

/// Returns the client library whose settings a publication has.
pub fn of_publication(publication: &Publication) -> Option<&'static Producer> {
    PRODUCERS.iter().find(|producer| producer.publication(publication) == *publication)
}

/// Returns the preset whose settings a topic has. Topics of RabbitMQ and Redis have no settings and are never found.
pub fn of_topic(topic: &Topic) -> Option<&'static Preset> {
    let sets = |preset: &&Preset| preset.topic(topic) == *topic && (topic.dedup_ms, topic.retention_ms) != (None, None);
    PRESETS.iter().find(sets)
}
