//! Presets of replicated stores, and published latencies.

use crate::scenario::{AntiEntropy, Data, Group, Hints, Latency, Protocol, Quorum, ReadRepair, VersionClock, Weighted};

/// Defaults of a replicated store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorePreset {
    /// The store, its version and its consistency level.
    pub name: &'static str,
    /// What is not modelled.
    pub leaves_out: &'static str,
    store: Store,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Cassandra(Level),
    DynamoDb,
    Riak,
    Dynamo,
}

/// How many of the N replicas a read or write waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    One,
    Quorum,
    All,
}

const CASSANDRA: &str = "Consistency level ANY, to which a hint would count, and levels of single data centers; digests, speculative retries and rack awareness; repair, which is run manually. A read waits for the repair \
                         of the replicas that answered.";

/// All presets of replicated stores.
pub const STORES: [StorePreset; 6] = [
    StorePreset { name: "Cassandra 5, ONE", leaves_out: CASSANDRA, store: Store::Cassandra(Level::One) },
    StorePreset { name: "Cassandra 5, QUORUM", leaves_out: CASSANDRA, store: Store::Cassandra(Level::Quorum) },
    StorePreset { name: "Cassandra 5, ALL", leaves_out: CASSANDRA, store: Store::Cassandra(Level::All) },
    StorePreset {
        name: "DynamoDB global table (MREC)",
        leaves_out: "Replicas within a region and strongly consistent reads there; a member represents a region. \
                     Replication usually takes less than a second (set it on the links).",
        store: Store::DynamoDb,
    },
    StorePreset {
        name: "Riak KV 3",
        leaves_out: "N of less than all members (Riak: 3); virtual nodes, sloppy quorums and last_write_wins buckets; that hash trees are compared one by one as \
                     they are rebuilt (here at an interval).",
        store: Store::Riak,
    },
    StorePreset {
        name: "Dynamo (2007)",
        leaves_out: "Vector clocks (versions are ordered by the coordinator's count and not kept as siblings); membership \
                     by gossip (the preference list is fixed).",
        store: Store::Dynamo,
    },
];

const HOUR: f64 = 3_600_000.0;

impl StorePreset {
    /// Returns a group with the store's defaults, limited by its number of members.
    pub fn group(&self, like: &Group) -> Group {
        let members = like.members.len() as u32;
        let n = members.clamp(1, 3);
        let replicas = (members > n).then_some(n);
        let majority = n / 2 + 1;
        let hints = Some(Hints { window_ms: 3.0 * HOUR, every_ms: 1000.0 });
        let (data, quorum) = match self.store {
            Store::Cassandra(level) => {
                let waits = match level {
                    Level::One => 1,
                    Level::Quorum => majority,
                    Level::All => n,
                };
                let quorum = Quorum {
                    replicas,
                    read: waits,
                    write: waits,
                    hints,
                    read_repair: ReadRepair::Blocking,
                    timeout_ms: 2000.0,
                    tombstone_grace_ms: Some(240.0 * HOUR),
                    ..Quorum::default()
                };
                (Data::Register { clock: VersionClock::Wall }, quorum)
            }
            Store::DynamoDb => (Data::Register { clock: VersionClock::Wall }, Quorum::default()),
            Store::Riak => {
                let majority = members / 2 + 1;
                let quorum = Quorum {
                    read: majority,
                    write: majority,
                    hints,
                    read_repair: ReadRepair::Async,
                    anti_entropy: Some(AntiEntropy { every_ms: 15_000.0, depth: 10 }),
                    timeout_ms: 2000.0,
                    ..Quorum::default()
                };
                (Data::MultiValue, quorum)
            }
            Store::Dynamo => {
                let quorum = Quorum {
                    replicas,
                    read: majority,
                    write: majority,
                    sloppy: true,
                    hints,
                    read_repair: ReadRepair::Async,
                    anti_entropy: Some(AntiEntropy { every_ms: 10_000.0, depth: 8 }),
                    ..Quorum::default()
                };
                (Data::Register { clock: VersionClock::Lamport }, quorum)
            }
        };
        Group { data, protocol: Protocol::Quorum(quorum), ..like.clone() }
    }
}

/// Returns the store whose settings a group has.
pub fn of_group(group: &Group) -> Option<&'static StorePreset> {
    STORES.iter().find(|store| store.group(group) == *group)
}

/// Returns published one-way latencies by name: fits of production traffic (Bailis 2012, PBS), and figures of Netflix (2013,
/// 2016) and LinkedIn.
pub fn published() -> Vec<(&'static str, Latency)> {
    let pareto = |scale_ms, shape| Latency::Pareto { scale_ms, shape };
    let exponential = |rate: f64| Latency::Exponential { mean_ms: 1.0 / rate };
    let mixture = |a: f64, of_a, b: f64, of_b| Latency::Mixture {
        parts: vec![Weighted { weight: a, of: of_a }, Weighted { weight: b, of: of_b }],
    };
    vec![
        ("LinkedIn SSD", mixture(0.9122, pareto(0.235, 10.0), 0.0878, exponential(1.66))),
        ("LinkedIn disk, writes", mixture(0.38, pareto(1.05, 1.51), 0.62, exponential(0.183))),
        // The shape as printed. The table of the paper agrees better with 3.5, as in the authors' code.
        ("Yammer, writes", mixture(0.939, pareto(3.0, 3.35), 0.061, exponential(0.0028))),
        ("Yammer, reads and answers", mixture(0.982, pareto(1.5, 3.8), 0.018, exponential(0.0217))),
        // Only a quantile, a bound or a mean is published of the following; the shapes are assumed.
        ("Netflix EVCache between regions", Latency::Exponential { mean_ms: 86.859 }),
        ("Netflix Cassandra between regions", Latency::Uniform { low_ms: 50.0, high_ms: 500.0 }),
        ("LinkedIn Databus", Latency::Exponential { mean_ms: 5.0 }),
        ("LinkedIn Kafka pipeline", Latency::Exponential { mean_ms: 10_000.0 }),
    ]
}
