//! How updates spread by gossip, and how Merkle trees find differences.

use super::*;

/// Returns a write by gossip, which the first member receives at an instant.
fn gossip(members: usize, style: GossipStyle, every: Latency, write_at_ms: f64) -> Scenario {
    let mut scenario = group(members, Protocol::Gossip(Gossip { style, every, fan_out: 1 }));
    scenario.groups[0].data = Data::Register { clock: VersionClock::Lamport };
    scenario.script = vec![operate(write_at_ms, "r1", write("x", 1))];
    scenario
}

/// Returns the time of the last member that stores the write, µs. All members must store it.
fn spread_time(scenario: &Scenario) -> u64 {
    let (mut last, mut stored) = (0, 0);
    observe(scenario, |at, fact| {
        if let Fact::ReplicaStored { changed: true, .. } = fact {
            (last, stored) = (at, stored + 1);
        }
    });
    assert_eq!(stored, scenario.services.len(), "seed {}", scenario.seed);
    last
}

/// Law 8, asynchronous: the rounds of each member are a Poisson process.
#[test]
fn asynchronous_gossip_reaches_all_members_in_the_expected_time() {
    let n = 10;
    let harmonic: f64 = (1..n).map(|i| 1.0 / i as f64).sum();
    let expected = 2.0 * (n - 1) as f64 * harmonic / n as f64;
    assert!((expected - 5.0921).abs() < 1e-4);
    for (style, expected) in
        [(GossipStyle::Push, expected), (GossipStyle::Pull, expected), (GossipStyle::PushPull, expected / 2.0)]
    {
        let time = |seed| {
            let scenario = gossip(n, style, exponential(1000.0), 0.0);
            spread_time(&Scenario { seed, until_ms: 60_000.0, ..scenario }) as f64 / 1e6
        };
        let times: Vec<f64> = (1..=1500).map(time).collect();
        assert_mean(&format!("{style:?}"), &times, expected);
    }
}

/// Law 8, synchronous.
#[test]
fn synchronous_gossip_takes_the_expected_number_of_rounds() {
    for (style, expected) in [(GossipStyle::Push, 6.0471), (GossipStyle::Pull, 5.0634), (GossipStyle::PushPull, 3.4605)]
    {
        let rounds = |seed| {
            let scenario = gossip(10, style, constant(100.0), 50.0);
            let scenario = Scenario { seed, default_latency: constant(1.0), until_ms: 5_000.0, ..scenario };
            (spread_time(&scenario) / 100_000) as f64
        };
        let rounds: Vec<f64> = (1..=3000).map(rounds).collect();
        assert_mean(&format!("{style:?}"), &rounds, expected);
    }
}

/// Law 9. Demers et al. 1987, table 1, for 1,000 members and k = 1: residue 0.18, 1.7 messages a member.
#[test]
fn a_rumor_reaches_as_many_members_as_in_the_published_table() {
    let (members, runs) = (1000, 12);
    let mut scenario = gossip(members, GossipStyle::Rumor { lose_interest_after: 1 }, constant(100.0), 50.0);
    scenario.default_latency = constant(1.0);
    scenario.until_ms = 5_000.0;
    let (mut residues, mut traffic) = (Vec::new(), Vec::new());
    for seed in 1..=runs {
        scenario.seed = seed;
        let (mut stored, mut sent) = (0, 0);
        observe(&scenario, |_, fact| match fact {
            Fact::ReplicaStored { changed: true, .. } => stored += 1,
            Fact::MessageSent { kind: MessageKind::Replication, .. } => sent += 1,
            _ => {}
        });
        residues.push(1.0 - f64::from(stored) / members as f64);
        traffic.push(f64::from(sent) / members as f64);
    }
    // The table's figures are rounded to two digits.
    assert_mean_within("residue", &residues, 0.18, 0.005);
    assert_mean_within("messages a member", &traffic, 1.7, 0.05);
}

/// Law 10.
#[test]
fn one_differing_leaf_costs_two_comparisons_a_level_and_repairs_its_key_alone() {
    for depth in [0, 1, 3, 5, 8] {
        let anti_entropy = Some(AntiEntropy { every_ms: 1000.0, depth });
        let mut scenario = group(2, Protocol::Quorum(Quorum { anti_entropy, ..Quorum::default() }));
        scenario.default_latency = constant(1.0);
        for i in 0..40 {
            scenario.script.push(operate(f64::from(i), "r1", write(&format!("k{i}"), i64::from(i))));
        }
        scenario.script.push(cut(50.0, "r1", "r2", false));
        scenario.script.push(operate(60.0, "r1", write("k7", 99)));
        scenario.script.push(heal(5000.0, "r1", "r2", false));
        scenario.until_ms = 9000.0;
        let (mut compared, mut repaired, mut roots) = (0, Vec::new(), 0);
        observe(&scenario, |at, fact| match fact {
            Fact::TreesCompared { compared: hashes, level, .. } if at > 5_000_000 => {
                // Only the first comparison of the trees counts, from the root to the leaves.
                roots += u32::from(*level == 0);
                if roots == 1 {
                    compared += hashes;
                }
            }
            Fact::ReplicaStored { node, key, changed: true, .. } if at > 5_000_000 => repaired.push((node.0, key.0)),
            _ => {}
        });
        assert_eq!(compared, 1 + 2 * depth, "depth {depth}");
        assert_eq!(repaired, [(1, 7)], "depth {depth}: only the stale replica receives the key");
    }
}
