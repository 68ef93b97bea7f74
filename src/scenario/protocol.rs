//! Replication protocols of groups, with their settings.

use super::{Latency, is_default, is_one, one};
use serde::{Deserialize, Serialize};

/// Replication protocol of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Protocol {
    /// Leaderless: a coordinator sends each operation to all replicas of the key and waits for some of them.
    Quorum(Quorum),
    /// One member accepts all writes and replicates them in order.
    Primary(Primary),
    /// Members elect a leader, which commits what a majority has stored (Raft).
    Raft(Raft),
    /// Chain replication: writes go from the first member to the last, which acknowledges them and serves reads.
    Chain,
    /// Two-phase commit: the member that receives a write asks all members to prepare, and commits when all have.
    TwoPhase(TwoPhase),
    /// Each member sends its data to random other members.
    Gossip(Gossip),
}

impl Default for Protocol {
    fn default() -> Self {
        Protocol::Quorum(Quorum::default())
    }
}

/// A leaderless quorum (Dynamo 2007, Cassandra, Riak).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Quorum {
    /// Number of replicas of a key, N: members in order, from one given by the key's hash; all members if absent.
    #[serde(skip_serializing_if = "is_default")]
    pub replicas: Option<u32>,
    /// Number of responses that complete a read, R.
    #[serde(skip_serializing_if = "is_one")]
    pub read: u32,
    /// Number of acknowledgements that complete a write, W.
    #[serde(skip_serializing_if = "is_one")]
    pub write: u32,
    /// Sloppy quorum: the next healthy members replace replicas that do not answer, and count for the quorum. They keep
    /// the write as a hint, with default settings if `hints` is absent. A write goes on to further members if they do not
    /// answer either, each time after the timeout.
    #[serde(skip_serializing_if = "is_default")]
    pub sloppy: bool,
    /// Hinted handoff: writes that a replica missed are kept as hints and sent to it when it is back.
    #[serde(skip_serializing_if = "is_default")]
    pub hints: Option<Hints>,
    /// Repair of stale replicas that a read finds.
    #[serde(skip_serializing_if = "is_default")]
    pub read_repair: ReadRepair,
    /// A read writes its result back to W replicas before it returns, and a write first queries R replicas for the newest
    /// version (ABD 1995; with R + W > N a register is linearizable).
    #[serde(skip_serializing_if = "is_default")]
    pub write_back: bool,
    /// Anti-entropy: replicas compare their keys by Merkle trees and exchange those that differ.
    #[serde(skip_serializing_if = "is_default")]
    pub anti_entropy: Option<AntiEntropy>,
    /// Time after which a replica without an answer counts as unreachable, ms.
    #[serde(skip_serializing_if = "is_default_replica_timeout")]
    pub timeout_ms: f64,
    /// How long tombstones are kept after the deletion, ms; forever if absent.
    #[serde(skip_serializing_if = "is_default")]
    pub tombstone_grace_ms: Option<f64>,
}

impl Default for Quorum {
    fn default() -> Self {
        Quorum {
            replicas: None,
            read: 1,
            write: 1,
            sloppy: false,
            hints: None,
            read_repair: ReadRepair::None,
            write_back: false,
            anti_entropy: None,
            timeout_ms: DEFAULT_REPLICA_TIMEOUT,
            tombstone_grace_ms: None,
        }
    }
}

const DEFAULT_REPLICA_TIMEOUT: f64 = 500.0;

fn is_default_replica_timeout(ms: &f64) -> bool {
    *ms == DEFAULT_REPLICA_TIMEOUT
}

/// Hinted handoff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Hints {
    /// How long a replica may be unreachable before a coordinator keeps no more hints for it, ms (Cassandra: max_hint_window). What
    /// it has kept until then it sends when the replica is back. Stand-ins of a sloppy quorum always keep hints.
    #[serde(skip_serializing_if = "is_default_hint_window")]
    pub window_ms: f64,
    /// Interval at which hints are sent again, ms.
    #[serde(skip_serializing_if = "is_default_hint_every")]
    pub every_ms: f64,
}

impl Default for Hints {
    fn default() -> Self {
        Hints { window_ms: HINT_WINDOW, every_ms: HINT_EVERY }
    }
}

/// Three hours, as in Cassandra.
const HINT_WINDOW: f64 = 10_800_000.0;
const HINT_EVERY: f64 = 1000.0;

fn is_default_hint_window(ms: &f64) -> bool {
    *ms == HINT_WINDOW
}
fn is_default_hint_every(ms: &f64) -> bool {
    *ms == HINT_EVERY
}

/// Repair of stale replicas that a read finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReadRepair {
    /// No repair.
    #[default]
    None,
    /// Send them the newest version when all replicas have answered or timed out. The read does not wait.
    Async,
    /// Send the newest version to those of the R replicas that need it, and wait until they have stored it.
    Blocking,
}

/// Anti-entropy by Merkle trees: a replica compares hashes with a random other replica, from the root down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AntiEntropy {
    /// Interval at which each replica starts a comparison, ms.
    pub every_ms: f64,
    /// Depth of the tree; its 2^depth leaves share the keys.
    pub depth: u32,
}

impl Default for AntiEntropy {
    fn default() -> Self {
        AntiEntropy { every_ms: 5000.0, depth: 4 }
    }
}

/// Primary-backup replication. The first member is the primary at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Primary {
    /// Number of followers that must store a write before it is acknowledged: none is asynchronous replication, some
    /// semi-synchronous, all synchronous.
    #[serde(skip_serializing_if = "is_default")]
    pub acknowledgements: u32,
    /// Failover: a follower becomes the primary after this time without a heartbeat, ms; never if absent.
    #[serde(skip_serializing_if = "is_default")]
    pub failover_ms: Option<f64>,
    /// Interval of the primary's heartbeats, which also resend what followers lack, ms.
    #[serde(skip_serializing_if = "is_default_heartbeat")]
    pub heartbeat_ms: f64,
}

impl Default for Primary {
    fn default() -> Self {
        Primary { acknowledgements: 0, failover_ms: None, heartbeat_ms: HEARTBEAT }
    }
}

const HEARTBEAT: f64 = 50.0;

fn is_default_heartbeat(ms: &f64) -> bool {
    *ms == HEARTBEAT
}

/// Raft (Ongaro and Ousterhout 2014).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Raft {
    /// Election timeout, ms: a follower starts an election after a random time without a heartbeat, from this to twice this.
    #[serde(skip_serializing_if = "is_default_election")]
    pub election_ms: f64,
    /// Interval of the leader's heartbeats, ms.
    #[serde(skip_serializing_if = "is_default_heartbeat")]
    pub heartbeat_ms: f64,
    /// How the group serves reads.
    #[serde(skip_serializing_if = "is_default")]
    pub reads: RaftReads,
}

impl Default for Raft {
    fn default() -> Self {
        Raft { election_ms: ELECTION, heartbeat_ms: HEARTBEAT, reads: RaftReads::ReadIndex }
    }
}

const ELECTION: f64 = 150.0;

fn is_default_election(ms: &f64) -> bool {
    *ms == ELECTION
}

/// How a Raft group serves reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RaftReads {
    /// By the leader, after a majority has confirmed that it is still the leader.
    #[default]
    ReadIndex,
    /// By the contacted member, from its applied state, which may be stale.
    Local,
}

/// Two-phase commit (Gray 1978). Prepared keys are locked until the coordinator's decision arrives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct TwoPhase {
    /// Time after which the coordinator aborts without all votes, ms; also the interval at which it resends a decision.
    #[serde(skip_serializing_if = "is_default_replica_timeout")]
    pub timeout_ms: f64,
}

impl Default for TwoPhase {
    fn default() -> Self {
        TwoPhase { timeout_ms: DEFAULT_REPLICA_TIMEOUT }
    }
}

/// Gossip, also called epidemic replication (Demers 1987).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Gossip {
    /// Direction of the exchange.
    #[serde(skip_serializing_if = "is_default")]
    pub style: GossipStyle,
    /// Time between two rounds of a member. Constant: all members start at the same time; exponential: independently.
    pub every: Latency,
    /// Number of members that a member contacts in a round.
    #[serde(skip_serializing_if = "is_one")]
    pub fan_out: u32,
}

impl Default for Gossip {
    fn default() -> Self {
        Gossip { style: GossipStyle::Push, every: Latency::Constant { ms: 1000.0 }, fan_out: one() }
    }
}

/// Direction of a gossip exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GossipStyle {
    /// A member sends all its data.
    #[default]
    Push,
    /// A member requests all data of another member.
    Pull,
    /// Both members send all their data.
    PushPull,
    /// A member sends new updates, and stops after enough contacts already had the update (rumor mongering with feedback
    /// and counter; a contact without the update resets the counter).
    Rumor {
        /// Number of contacts that already had the update, k.
        lose_interest_after: u32,
    },
}
