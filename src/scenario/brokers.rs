//! A bus that several brokers keep.

use super::json::Document;
use super::{Latency, is_default};

/// The brokers that keep a bus's events: a leader, which takes them in and delivers them, and followers, which fetch them
/// from it in order. Only what is committed is delivered.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Replication {
    /// How many brokers, the leader included (Kafka: replication.factor; RabbitMQ: x-quorum-initial-group-size).
    pub replicas: u32,
    /// How long an event is under way from the leader to a follower.
    #[serde(default = "default_fetch", skip_serializing_if = "is_default_fetch")]
    pub latency: Latency,
    /// How long a broker is down before it is missed, ms: another leads instead, or it is in sync no more (Kafka:
    /// broker.session.timeout.ms).
    #[serde(default = "default_session", skip_serializing_if = "is_default_session")]
    pub session_ms: f64,
    /// When an event is committed, and who may lead.
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
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CommitRule {
    /// When all that are in sync have it, however few those are; one of them leads (Kafka).
    InSync(InSync),
    /// When a majority of all brokers has it; of a majority that is up, the one that has most leads (RabbitMQ quorum
    /// queues, JetStream).
    Majority,
}

impl Default for CommitRule {
    fn default() -> Self {
        CommitRule::InSync(InSync::default())
    }
}

/// Who is in sync, and what that is good for.
#[derive(Clone, Debug, PartialEq, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct InSync {
    /// With fewer in sync, the leader included, a publication that waits for all is refused (Kafka: min.insync.replicas).
    #[serde(default = "default_least", skip_serializing_if = "is_default_least")]
    pub min_insync: u32,
    /// A follower that lacks something for so long is in sync no more, ms (Kafka: replica.lag.time.max.ms).
    #[serde(default = "default_lag", skip_serializing_if = "is_default_lag")]
    pub lag_ms: f64,
    /// Where none that is in sync is up, another leads with what it has (Kafka: unclean.leader.election.enable); else the bus
    /// waits.
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
fn is_default_least(least: &u32) -> bool {
    *least == default_least()
}
fn default_lag() -> f64 {
    30_000.0
}
fn is_default_lag(ms: &f64) -> bool {
    *ms == default_lag()
}

/// What a publisher asks of a replicated bus before it counts an event as published (Kafka: acks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Document)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum Acks {
    /// Nothing: it is sent once, and no acknowledgement awaited (0).
    None,
    /// That the leader has it (1).
    Leader,
    /// That it is committed (all).
    #[default]
    All,
}
