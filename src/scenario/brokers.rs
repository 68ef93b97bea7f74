//! Replication of a bus over several brokers.

use super::{Latency, is_default};
use serde::{Deserialize, Serialize};

/// The brokers that store a bus's events: a leader accepts and delivers events, and followers fetch them in order. Only
/// committed events are delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// Number of brokers, including the leader (Kafka: replication.factor; RabbitMQ: x-quorum-initial-group-size).
    pub replicas: u32,
    /// Latency from the leader to a follower.
    #[serde(default = "default_fetch", skip_serializing_if = "is_default_fetch")]
    pub latency: Latency,
    /// Time after which a broker that is down is noticed, ms: a new leader is elected, or a follower is removed from those
    /// in sync (Kafka: broker.session.timeout.ms).
    #[serde(default = "default_session", skip_serializing_if = "is_default_session")]
    pub session_ms: f64,
    /// When an event is committed, and which brokers may become the leader.
    #[serde(default, skip_serializing_if = "is_default")]
    pub commit: CommitRule,
}

impl Default for Replication {
    fn default() -> Self {
        Replication {
            replicas: 1,
            latency: default_fetch(),
            session_ms: default_session(),
            commit: CommitRule::default(),
        }
    }
}

fn default_fetch() -> Latency {
    Latency::constant(1.0)
}
fn is_default_fetch(latency: &Latency) -> bool {
    *latency == default_fetch()
}
fn default_session() -> f64 {
    9000.0
}
fn is_default_session(ms: &f64) -> bool {
    *ms == default_session()
}

/// When an event of a replicated bus is committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CommitRule {
    /// When all brokers in sync have stored it, however few they are; one of them is the leader (Kafka).
    InSync(InSync),
    /// When a majority of all brokers has stored it. The leader is the broker with the most events of a majority that is
    /// up (RabbitMQ quorum queues, JetStream).
    Majority,
}

impl Default for CommitRule {
    fn default() -> Self {
        CommitRule::InSync(InSync::default())
    }
}

/// Settings of in-sync replicas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InSync {
    /// Brokers in sync, including the leader, without which publications with `acks` of `all` are refused (Kafka:
    /// min.insync.replicas).
    #[serde(default = "default_least", skip_serializing_if = "is_default_least")]
    pub min_insync: u32,
    /// Time after which a lagging follower is no longer in sync, ms (Kafka: replica.lag.time.max.ms).
    #[serde(default = "default_lag", skip_serializing_if = "is_default_lag")]
    pub lag_ms: f64,
    /// Whether a broker that is not in sync may become the leader if no other is up (Kafka:
    /// unclean.leader.election.enable); the bus is unavailable otherwise.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unclean_election: bool,
}

impl Default for InSync {
    fn default() -> Self {
        InSync { min_insync: default_least(), lag_ms: default_lag(), unclean_election: false }
    }
}

fn default_least() -> u32 {
    1
}
fn is_default_least(minimum: &u32) -> bool {
    *minimum == default_least()
}
fn default_lag() -> f64 {
    30_000.0
}
fn is_default_lag(ms: &f64) -> bool {
    *ms == default_lag()
}

/// Which acknowledgement a publisher waits for (Kafka: acks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Acks {
    /// None: an event is sent once (0).
    None,
    /// The leader has stored the event (1).
    Leader,
    /// The event is committed (all).
    #[default]
    All,
}
