//! Groups that are too large for permanent links, in which each message gets an ephemeral link.

use converge::engine::Engine;
use converge::scenario::{
    Command, Data, Gossip, GossipStyle, Group, Latency, Link, Operation, Protocol, Region, RegionLatency, Scenario,
    Service, Step, VersionClock, micros,
};
use converge::trace::{Fact, Level};

const MEMBERS: usize = 1_200;

fn id(i: usize) -> String {
    format!("r{i}")
}

/// Push-pull gossip with rounds of 100 ms. The first member receives a write at 50 ms.
fn large_group(script: Vec<(f64, Command)>) -> Scenario {
    let gossip = Gossip { style: GossipStyle::PushPull, every: Latency::Constant { ms: 100.0 }, fan_out: 1 };
    let operation = Operation::Write { key: "x".into(), value: 1.into() };
    let write = (50.0, Command::Operate { service: id(0), operation, poison: false });
    let steps = std::iter::once(write).chain(script);
    Scenario {
        default_latency: Latency::Exponential { mean_ms: 3.0 },
        until_ms: 3_000.0,
        services: (0..MEMBERS).map(|i| Service { id: id(i), ..Service::default() }).collect(),
        groups: vec![Group {
            id: "all".into(),
            members: (0..MEMBERS).map(id).collect(),
            data: Data::Register { clock: VersionClock::Lamport },
            protocol: Protocol::Gossip(gossip),
            ..Group::default()
        }],
        script: steps.map(|(at_ms, command)| Step { at_ms, command }).collect(),
        ..Scenario::default()
    }
}

/// Returns the members that store the write, in order, and when they stored it, ms.
fn spread(scenario: &Scenario) -> Vec<(usize, f64)> {
    assert_eq!(scenario.validate(), Ok(()));
    let mut engine = Engine::new(scenario, Level::Full);
    engine.run_until(micros(scenario.until_ms), u64::MAX);
    assert!(engine.messages().conserved());
    let stored = engine.trace().since(0).filter_map(|record| match record.fact {
        Fact::ReplicaStored { node, changed: true, .. } => Some((node.0 as usize, record.at as f64 / 1e3)),
        _ => None,
    });
    stored.collect()
}

#[test]
fn a_write_reaches_every_member_of_a_group_without_permanent_links() {
    let scenario = large_group(Vec::new());
    let holders = spread(&scenario);
    assert_eq!(holders.len(), MEMBERS);
    assert_eq!(holders, spread(&scenario), "a run can be repeated");
}

#[test]
fn a_partition_of_a_large_group_drops_messages_until_it_heals() {
    let half = |from: usize| (from..from + MEMBERS / 2).map(id).collect::<Vec<_>>();
    let partition = Command::Partition { groups: vec![half(0), half(MEMBERS / 2)] };
    let holders = spread(&large_group(vec![(40.0, partition), (2_000.0, Command::HealAll)]));
    assert_eq!(holders.len(), MEMBERS, "all members store it in the end");
    for (member, at) in holders {
        assert!(member < MEMBERS / 2 || at >= 2_000.0, "r{member} stores it at {at} ms, across the partition");
    }
}

#[test]
fn messages_of_a_large_group_use_the_latency_of_a_listed_link_or_of_regions() {
    // The first member is a minute away from all others.
    let mut scenario = large_group(Vec::new());
    let far = |to: &str, ms| RegionLatency { to: to.into(), latency: Latency::Constant { ms } };
    let region = |id: &str, nodes, latency| Region { id: id.into(), nodes, latency, ..Region::default() };
    scenario.regions = vec![
        region("first", vec![id(0)], vec![far("others", 60_000.0)]),
        region("others", (1..MEMBERS).map(id).collect(), Vec::new()),
    ];
    assert_eq!(spread(&scenario).len(), 1, "no message arrives before the end");
    let near =
        |to: usize| Link { from: id(0), to: id(to), latency: Some(Latency::Constant { ms: 1.0 }), ..Link::default() };
    scenario.links = (1..MEMBERS).map(near).collect();
    assert_eq!(spread(&scenario).len(), MEMBERS);
}

#[test]
fn a_group_too_large_for_permanent_links_is_refused_unless_its_protocol_is_gossip() {
    let mut scenario = large_group(Vec::new());
    scenario.groups[0].protocol = Protocol::default();
    let error = scenario.validate().expect_err("refused")[0].to_string();
    assert!(error.contains("groups[0].members") && error.contains("1 to 1000 services, not 1200"), "{error}");
}
