//! Laws of replica groups (fidelity.md), on the running engine, message by message. A proportion is accepted within
//! 4·sqrt(p(1 − p)/n).

#![allow(
    clippy::disallowed_methods,
    reason = "the expected figures may use the platform's functions; the engine may not"
)]

use converge::scenario::{
    AntiEntropy, Arrivals, Client, ClientStep, Command, Data, Gossip, GossipStyle, Group, Keys, Latency, Link,
    Operation, Primary, Protocol, Quorum, Route, Scenario, Service, Step, Value, VersionClock, Workload, micros,
};
use converge::session::Run;
use converge::session::sweep::Sweep;
use converge::trace::{Fact, NodeId, OperationKind, Outcome};
use std::collections::BTreeMap;

fn nothing() -> Latency {
    Latency::Constant { ms: 0.0 }
}

fn exponential(mean_ms: f64) -> Latency {
    Latency::Exponential { mean_ms }
}

fn constant(ms: f64) -> Latency {
    Latency::Constant { ms }
}

fn link(from: &str, to: &str, latency: Latency) -> Link {
    Link { from: from.into(), to: to.into(), latency: Some(latency), ..Link::default() }
}

fn replica(i: usize) -> String {
    format!("r{}", i + 1)
}

/// `n` replicas that answer at once, under one protocol.
fn group(n: usize, protocol: Protocol) -> Scenario {
    let service = |i| Service { id: replica(i), service_time: nothing(), concurrency: 100_000, ..Service::default() };
    Scenario {
        default_latency: nothing(),
        services: (0..n).map(service).collect(),
        groups: vec![Group {
            id: "group".into(),
            members: (0..n).map(replica).collect(),
            protocol,
            ..Group::default()
        }],
        until_ms: 1e7,
        ..Scenario::default()
    }
}

fn quorum(n: usize, read: u32, write: u32) -> Scenario {
    group(n, Protocol::Quorum(Quorum { read, write, timeout_ms: 1e6, ..Quorum::default() }))
}

fn workload(arrivals: Arrivals, read_share: f64) -> Workload {
    Workload {
        arrivals,
        keys: Keys::One { key: "x".into() },
        read_share,
        optimistic: None,
        from_ms: 0.0,
        until_ms: None,
    }
}

/// A client that sends to the replicas itself.
fn coordinating(id: &str, arrivals: Arrivals, read_share: f64) -> Client {
    Client {
        id: id.into(),
        target: "group".into(),
        route: Route::Itself,
        timeout_ms: 1e6,
        generate: Some(workload(arrivals, read_share)),
        ..Client::default()
    }
}

fn scripted(id: &str, route: Route, script: Vec<(f64, Operation)>) -> Client {
    let step = |(at_ms, operation)| ClientStep { at_ms, operation };
    Client {
        id: id.into(),
        target: "group".into(),
        route,
        timeout_ms: 1e6,
        script: script.into_iter().map(step).collect(),
        ..Client::default()
    }
}

fn write(key: &str, value: i64) -> Operation {
    Operation::Write { key: key.into(), value: value.into() }
}

fn read(key: &str) -> Operation {
    Operation::Read { key: key.into() }
}

fn ask(at_ms: f64, service: &str, operation: Operation) -> Step {
    Step { at_ms, command: Command::Operate { service: service.into(), operation, poison: false } }
}

#[track_caller]
fn proportion(what: &str, held: u64, of: u64, p: f64) {
    let (n, measured) = (of as f64, held as f64 / of as f64);
    let band = 4.0 * (p * (1.0 - p) / n).sqrt();
    assert!((measured - p).abs() <= band, "{what}: {measured} of {of}, expected {p} ± {band}");
}

#[track_caller]
fn mean(what: &str, values: &[f64], expected: f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let band = 4.0 * (variance / n).sqrt();
    assert!((mean - expected).abs() <= band, "{what}: {mean} of {n}, expected {expected} ± {band}");
}

fn run(scenario: &Scenario) -> Run {
    scenario.validate().expect("sound");
    let mut run = Run::new(scenario);
    let there = run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    assert!(there && run.engine().halt().is_none());
    run
}

fn watch(scenario: &Scenario, mut look: impl FnMut(u64, &Fact)) {
    scenario.validate().expect("sound");
    let mut run = Run::new(scenario);
    let there = run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| look(record.at, &record.fact));
    assert!(there && run.engine().halt().is_none());
}

fn choose(n: u32, k: u32) -> f64 {
    if k > n { 0.0 } else { (0..k).map(|i| f64::from(n - i) / f64::from(k - i)).product() }
}

/// A writer and a reader that follows each acknowledged write after `t` ms; each sends to the replicas itself, so that
/// the four legs of an operation have distributions of their own.
fn wars(n: usize, (r, w): (u32, u32), legs: [&Latency; 4], t: f64, writes: u64) -> Scenario {
    let mut scenario = quorum(n, r, w);
    let every_ms = 1000.0;
    scenario.clients = vec![
        coordinating("writer", Arrivals::Periodic { every_ms }, 0.0),
        coordinating("reader", Arrivals::After { client: "writer".into(), ms: t }, 1.0),
    ];
    let [to, ack, request, response] = legs;
    for i in 0..n {
        let id = replica(i);
        scenario.links.push(link("writer", &id, to.clone()));
        scenario.links.push(link(&id, "writer", ack.clone()));
        scenario.links.push(link("reader", &id, request.clone()));
        scenario.links.push(link(&id, "reader", response.clone()));
    }
    scenario.until_ms = every_ms * writes as f64 + 500.0;
    scenario
}

/// Law 1.
#[test]
fn stale_reads_of_a_quorum_are_as_frequent_as_the_exact_formula_says() {
    let lambda = 0.1;
    let cases = [
        (3, 1, 1, 10.0, 0.0, 0.0),
        (3, 1, 1, 2.0, 3.0, 1.0),
        (3, 1, 2, 5.0, 0.0, 2.0),
        (3, 2, 1, 3.0, 1.0, 0.0),
        (5, 2, 2, 1.0, 0.5, 0.5),
        (5, 1, 3, 0.0, 1.0, 2.0),
    ];
    for (n, r, w, t, a, q) in cases {
        let (ack, request) = (constant(a), constant(q));
        // iid continuous responses decide who is first; they play no part in what was seen.
        let legs = [&exponential(1.0 / lambda), &ack, &request, &exponential(1.0)];
        let mut scenario = wars(n, (r, w), legs, t, 20_000);
        scenario.seed = 11;
        let run = run(&scenario);
        let tally = run.analysis().operations.get(run.engine().names().find_node("reader").unwrap()).unwrap();
        let (n, r, w) = (n as u32, r, w);
        let p = choose(n - w, r) / choose(n, r) * (-f64::from(r) * lambda * (t + a + q)).exp();
        assert_eq!(tally.reads, 20_000);
        proportion(&format!("N={n} R={r} W={w} t={t} a={a} r={q}"), tally.stale_reads, tally.reads, p);
    }
}

/// Law 2: each write reaches a random quorum and nobody else.
#[test]
fn frozen_random_quorums_return_old_versions_as_often_as_the_formula_says() {
    let trials = 3000;
    let mut fresher = [0u64; 3];
    let mut chance = converge::engine::Stream::named(5, "frozen quorums", "");
    let mut scenario = quorum(3, 1, 1);
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for trial in 0..trials {
        let key = format!("k{trial}");
        for k in 0..3 {
            let at = f64::from(trial) * 100.0 + f64::from(k) * 10.0;
            let reached = chance.below(3) as usize;
            for i in (0..3).filter(|i| *i != reached) {
                let cut = Command::CutLink { from: "writer".into(), to: replica(i), one_way: true };
                scenario.script.push(Step { at_ms: at, command: cut });
                let heal = Command::HealLink { from: "writer".into(), to: replica(i), one_way: true };
                scenario.script.push(Step { at_ms: at + 5.0, command: heal });
            }
            writes.push((at + 1.0, write(&key, i64::from(k) + 1)));
        }
        reads.push((f64::from(trial) * 100.0 + 50.0, read(&key)));
    }
    scenario.clients = vec![scripted("writer", Route::Itself, writes), scripted("reader", Route::Itself, reads)];
    for i in 0..3 {
        scenario.links.push(link(&replica(i), "reader", exponential(1.0)));
        scenario.links.push(link("reader", &replica(i), nothing()));
    }
    scenario.until_ms = f64::from(trials) * 100.0;
    watch(&scenario, |_, fact| {
        if let Fact::ReadServed { value, .. } = fact {
            let held = match value {
                Some(Value::Int(n)) => *n,
                _ => 0,
            };
            for (k, count) in fresher.iter_mut().enumerate() {
                *count += u64::from(held > 2 - k as i64);
            }
        }
    });
    for (k, p) in [(1, 1.0 / 3.0), (2, 5.0 / 9.0), (3, 19.0 / 27.0)] {
        proportion(&format!("fresher than {k} versions"), fresher[k - 1], trials as u64, p);
    }
}

/// Law 3, its first half.
#[test]
fn a_strict_quorum_never_returns_a_stale_value_to_operations_that_do_not_overlap() {
    for (n, r, w) in [(3, 2, 2), (3, 1, 3), (3, 3, 1), (5, 3, 3), (5, 2, 4)] {
        let latency = Latency::Lognormal { median_ms: 5.0, sigma: 1.5 };
        let legs = [&latency; 4];
        let run = run(&wars(n, (r, w), legs, 0.0, 3000));
        let tally = run.analysis().operations.get(run.engine().names().find_node("reader").unwrap()).unwrap();
        assert_eq!((tally.reads, tally.stale_reads), (3000, 0), "N={n} R={r} W={w}");
    }
}

/// Law 3, its second half: a write that reached one of three; two successive reads with R = 2.
fn inversions(write_back: bool, trials: u64) -> u64 {
    let mut scenario = quorum(3, 2, 3);
    scenario.seed = 3;
    if let Protocol::Quorum(quorum) = &mut scenario.groups[0].protocol {
        quorum.write_back = write_back;
        quorum.write = if write_back { 2 } else { 3 };
    }
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for trial in 0..trials {
        let at = trial as f64 * 1000.0;
        let key = format!("k{trial}");
        writes.push((at, write(&key, 1)));
        reads.extend([(at + 100.0, read(&key)), (at + 300.0, read(&key))]);
    }
    scenario.clients = vec![scripted("writer", Route::Itself, writes), scripted("reader", Route::Itself, reads)];
    for (id, lost) in [("r2", true), ("r3", true)] {
        scenario.links.push(Link { loss: f64::from(u8::from(lost)), ..link("writer", id, nothing()) });
        scenario.links.push(link(id, "writer", nothing()));
    }
    for i in 0..3 {
        scenario.links.push(link(&replica(i), "reader", exponential(1.0)));
        scenario.links.push(link("reader", &replica(i), nothing()));
    }
    scenario.until_ms = trials as f64 * 1000.0;
    let mut seen: BTreeMap<u32, Vec<bool>> = BTreeMap::new();
    watch(&scenario, |_, fact| {
        if let Fact::ReadServed { key, value, .. } = fact {
            seen.entry(key.0).or_default().push(value.is_some());
        }
    });
    assert!(seen.values().all(|reads| reads.len() == 2));
    seen.values().filter(|reads| **reads == [true, false]).count() as u64
}

#[test]
fn two_successive_reads_of_a_strict_quorum_invert_two_times_in_nine_and_never_with_write_back() {
    let trials = 10_000;
    proportion("inversions", inversions(false, trials), trials, 2.0 / 9.0);
    assert_eq!(inversions(true, 3000), 0);
}

/// Law 5.
#[test]
fn a_write_waits_for_the_order_statistic_of_its_quorum() {
    for (w, expected) in [(1, 3.3333), (2, 8.3333), (3, 18.3333)] {
        let leg = exponential(10.0);
        let legs = [&leg, &nothing(), &nothing(), &nothing()];
        let mut latencies = Vec::new();
        let mut issued = BTreeMap::new();
        watch(&wars(3, (1, w), legs, 500.0, 8000), |at, fact| match fact {
            Fact::OperationIssued { operation, kind: OperationKind::Write, .. } => {
                issued.insert(*operation, at);
            }
            Fact::OperationEnded { operation, outcome: Outcome::Ok } => {
                latencies.extend(issued.remove(operation).map(|then| (at - then) as f64 / 1000.0));
            }
            _ => {}
        });
        assert_eq!(latencies.len(), 8000);
        mean(&format!("W={w}"), &latencies, expected);
    }
}

/// Law 6.
#[test]
fn clock_skew_loses_the_later_of_two_writes_as_often_as_the_normal_distribution_says() {
    let (sigma, gap) = (5.0, 4.0);
    let trials = 4000;
    let mut scenario = quorum(2, 1, 1);
    for service in &mut scenario.services {
        service.clock.offset_sd_ms = sigma;
    }
    scenario.default_latency = constant(0.5);
    scenario.script = vec![ask(100.0, "r1", write("x", 1)), ask(100.0 + gap, "r2", write("x", 2))];
    scenario.until_ms = 200.0;
    let (mut first_won, mut lost) = (0, 0);
    for seed in 1..=trials {
        scenario.seed = seed;
        let run = run(&scenario);
        let names = run.engine().names();
        let group = names.find_node("group");
        let key = names.find_key(group, "x").expect("a key");
        let held = run.analysis().staleness.at(NodeId(0), key).and_then(|copy| copy.held().cloned()).expect("a value");
        first_won += u64::from(held.value == Some(1.into()));
        lost += run.analysis().lost.all().iter().filter(|(_, update, _)| update.0 == 1).count() as u64;
    }
    proportion("the later write is lost", first_won, trials, 0.2858);
    assert_eq!(lost, first_won, "each is counted as a lost update");
}

/// Law 8, asynchronous: each member has a Poisson clock.
fn poisson_spread(style: GossipStyle, n: usize, seed: u64) -> f64 {
    let gossip = Gossip { style, every: exponential(1000.0), fan_out: 1 };
    let mut scenario = group(n, Protocol::Gossip(gossip));
    scenario.seed = seed;
    scenario.groups[0].data = Data::Register { clock: VersionClock::Lamport };
    scenario.script = vec![ask(0.0, "r1", write("x", 1))];
    scenario.until_ms = 60_000.0;
    let mut last = 0;
    let mut held = 0;
    watch(&scenario, |at, fact| {
        if let Fact::ReplicaStored { changed: true, .. } = fact {
            (last, held) = (at, held + 1);
        }
    });
    assert_eq!(held, n, "seed {seed}");
    last as f64 / 1e6
}

#[test]
fn asynchronous_gossip_reaches_all_in_the_exact_expected_time() {
    let n = 10;
    let harmonic: f64 = (1..n).map(|i| 1.0 / i as f64).sum();
    let expected = 2.0 * (n - 1) as f64 * harmonic / n as f64;
    assert!((expected - 5.0921).abs() < 1e-4);
    for (style, expected) in
        [(GossipStyle::Push, expected), (GossipStyle::Pull, expected), (GossipStyle::PushPull, expected / 2.0)]
    {
        let times: Vec<f64> = (1..=1500).map(|seed| poisson_spread(style, n, seed)).collect();
        mean(&format!("{style:?}"), &times, expected);
    }
}

/// Law 8, synchronous rounds.
#[test]
fn synchronous_gossip_takes_the_exact_expected_number_of_rounds() {
    for (style, expected) in [(GossipStyle::Push, 6.0471), (GossipStyle::Pull, 5.0634), (GossipStyle::PushPull, 3.4605)]
    {
        let rounds: Vec<f64> = (1..=3000)
            .map(|seed| {
                let gossip = Gossip { style, every: constant(100.0), fan_out: 1 };
                let mut scenario = group(10, Protocol::Gossip(gossip));
                scenario.seed = seed;
                scenario.default_latency = constant(1.0);
                scenario.groups[0].data = Data::Register { clock: VersionClock::Lamport };
                scenario.script = vec![ask(50.0, "r1", write("x", 1))];
                scenario.until_ms = 5_000.0;
                let (mut last, mut held) = (0, 0);
                watch(&scenario, |at, fact| {
                    if let Fact::ReplicaStored { changed: true, .. } = fact {
                        (last, held) = (at, held + 1);
                    }
                });
                assert_eq!(held, 10, "{style:?} seed {seed}");
                (last / 100_000) as f64
            })
            .collect();
        mean(&format!("{style:?}"), &rounds, expected);
    }
}

/// Law 9: a rumor among 1,000, k = 1 (Demers 1987, Table 1: residue .18, 1.7 messages a node).
#[test]
fn a_rumor_leaves_out_as_many_as_the_published_table_says() {
    let (n, runs) = (1000, 12);
    let gossip = Gossip { style: GossipStyle::Rumor { lose_interest_after: 1 }, every: constant(100.0), fan_out: 1 };
    let mut scenario = group(n, Protocol::Gossip(gossip));
    scenario.default_latency = constant(1.0);
    scenario.groups[0].data = Data::Register { clock: VersionClock::Lamport };
    scenario.script = vec![ask(50.0, "r1", write("x", 1))];
    scenario.until_ms = 5_000.0;
    let (mut residues, mut traffic) = (Vec::new(), Vec::new());
    for seed in 1..=runs {
        scenario.seed = seed;
        let (mut held, mut told) = (0, 0);
        watch(&scenario, |_, fact| match fact {
            Fact::ReplicaStored { changed: true, .. } => held += 1,
            Fact::MessageSent { kind: converge::trace::MessageKind::Replication, .. } => told += 1,
            _ => {}
        });
        residues.push(1.0 - f64::from(held) / n as f64);
        traffic.push(f64::from(told) / n as f64);
    }
    // The table gives two digits: half of the last is its own error.
    let near = |what: &str, values: &[f64], expected: f64, digits: f64| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
        let band = 4.0 * (variance / values.len() as f64).sqrt() + digits;
        assert!((mean - expected).abs() <= band, "{what}: {mean}, expected {expected} ± {band}");
    };
    near("residue", &residues, 0.18, 0.005);
    near("messages a node", &traffic, 1.7, 0.05);
}

/// Law 10.
#[test]
fn one_differing_leaf_costs_one_comparison_and_two_a_level_and_moves_its_key_alone() {
    for depth in [0, 1, 3, 5, 8] {
        let anti_entropy = Some(AntiEntropy { every_ms: 1000.0, depth });
        let mut scenario = group(2, Protocol::Quorum(Quorum { anti_entropy, ..Quorum::default() }));
        scenario.default_latency = constant(1.0);
        let cut = |cut: bool| {
            let (from, to) = ("r1".to_string(), "r2".to_string());
            if cut {
                Command::CutLink { from, to, one_way: false }
            } else {
                Command::HealLink { from, to, one_way: false }
            }
        };
        for i in 0..40 {
            scenario.script.push(ask(f64::from(i), "r1", write(&format!("k{i}"), i64::from(i))));
        }
        scenario.script.push(Step { at_ms: 50.0, command: cut(true) });
        scenario.script.push(ask(60.0, "r1", write("k7", 99)));
        scenario.script.push(Step { at_ms: 5000.0, command: cut(false) });
        scenario.until_ms = 9000.0;
        let (mut compared, mut repaired, mut settled) = (0, Vec::new(), false);
        let mut first = None;
        watch(&scenario, |at, fact| match fact {
            Fact::TreesCompared { compared: n, level, .. } if at > 5_000_000 && !settled => {
                // One comparison of trees, from its root to its end.
                if *level == 0 && first.is_some() {
                    settled = true;
                } else {
                    first.get_or_insert(at);
                    compared += n;
                }
            }
            Fact::ReplicaStored { node, key, changed: true, .. } if at > 5_000_000 => repaired.push((node.0, key.0)),
            _ => {}
        });
        assert_eq!(compared, 1 + 2 * depth, "depth {depth}");
        assert_eq!(repaired, [(1, 7)], "depth {depth}: the newer version alone moves, to who lacks it");
    }
}

/// Law 11.
#[test]
fn concurrent_blind_writes_lose_all_but_one_or_become_siblings() {
    for n in [2, 3, 5] {
        let mut scenario = quorum(5, 1, 1);
        scenario.default_latency = constant(20.0);
        scenario.until_ms = 1000.0;
        for i in 0..n {
            scenario.clients.push(scripted(
                &format!("c{i}"),
                Route::Itself,
                vec![(10.0 + i as f64, write("x", i as i64))],
            ));
        }
        assert_eq!(run(&scenario).analysis().lost.count(), n as u64 - 1, "{n} writes");
    }
    // Two blind puts at different replicas, then one by somebody who has read both.
    let mut scenario = quorum(3, 3, 1);
    scenario.groups[0].data = Data::MultiValue;
    scenario.default_latency = constant(5.0);
    scenario.clients = vec![
        scripted("a", Route::Sticky, vec![(10.0, write("x", 1))]),
        scripted("b", Route::Sticky, vec![(11.0, write("x", 2))]),
        scripted("c", Route::Sticky, vec![(100.0, read("x")), (200.0, write("x", 3))]),
    ];
    scenario.until_ms = 400.0;
    let mut siblings = Vec::new();
    watch(&scenario, |at, fact| {
        if let Fact::StateMerged { node: NodeId(0), values, .. } = fact {
            siblings.push((at, values.len()));
        }
    });
    let at = |before: u64| siblings.iter().rev().find(|(at, _)| *at < before).map(|(_, n)| *n);
    assert_eq!((at(100_000), at(400_000)), (Some(2), Some(1)), "{siblings:?}");
}

/// Law 12.
#[test]
fn a_deleted_key_comes_back_exactly_if_repair_completes_after_the_grace_period() {
    for (grace, back, zombie) in [(3000.0, 2000.0, false), (3000.0, 5000.0, true)] {
        let plan = Quorum {
            write: 2,
            read: 2,
            read_repair: converge::scenario::ReadRepair::None,
            anti_entropy: Some(AntiEntropy { every_ms: 100.0, depth: 3 }),
            tombstone_grace_ms: Some(grace),
            ..Quorum::default()
        };
        let mut scenario = group(3, Protocol::Quorum(plan));
        scenario.default_latency = constant(1.0);
        let step = |at_ms, command| Step { at_ms, command };
        scenario.script = vec![
            ask(10.0, "r1", write("x", 1)),
            step(500.0, Command::Crash { service: "r3".into(), lose_disk: false }),
            ask(600.0, "r1", Operation::Delete { key: "x".into() }),
            step(600.0 + back, Command::Restart { service: "r3".into() }),
            ask(9000.0, "r2", read("x")),
        ];
        scenario.until_ms = 10_000.0;
        let mut returned = None;
        watch(&scenario, |_, fact| {
            if let Fact::ReadServed { value, .. } = fact {
                returned = Some(value.clone());
            }
        });
        let expected = if zombie { Some(Value::Int(1)) } else { None };
        assert_eq!(returned, Some(expected), "repair {back} ms after the deletion, grace {grace}");
    }
}

/// A primary that is lost takes what it alone had with it.
#[test]
fn a_failover_loses_acknowledged_writes_of_an_asynchronous_primary_and_none_of_a_synchronous_one() {
    for (acknowledgements, lost) in [(0, 1), (2, 0)] {
        let plan = Primary { acknowledgements, failover_ms: Some(300.0), heartbeat_ms: 50.0 };
        let mut scenario = group(3, Protocol::Primary(plan));
        scenario.default_latency = constant(5.0);
        let step = |at_ms, command| Step { at_ms, command };
        scenario.script = vec![
            ask(100.0, "r1", write("x", 1)),
            step(500.0, Command::Partition { groups: vec![vec!["r1".into()], vec!["r2".into(), "r3".into()]] }),
            ask(510.0, "r1", write("x", 2)),
            ask(2000.0, "r2", write("x", 3)),
            step(3000.0, Command::HealAll),
        ];
        scenario.until_ms = 5000.0;
        let (mut rolled_back, mut acknowledged) = (Vec::new(), Vec::new());
        watch(&scenario, |_, fact| match fact {
            Fact::WriteRolledBack { update, .. } => rolled_back.push(*update),
            Fact::UpdateAcknowledged { update, .. } => acknowledged.push(*update),
            _ => {}
        });
        let gone = rolled_back.iter().filter(|update| acknowledged.contains(update)).count();
        assert_eq!(gone, lost, "{acknowledgements} followers waited for: {rolled_back:?} of {acknowledged:?}");
    }
}

#[test]
fn an_operation_that_is_asked_again_may_take_effect_twice() {
    for (attempts, value, ended) in [(1, 1, Outcome::Unknown), (3, 2, Outcome::Ok)] {
        let mut scenario = Scenario { default_latency: constant(5.0), until_ms: 1000.0, ..Scenario::default() };
        scenario.services = vec![Service { id: "s".into(), ..Service::default() }];
        let operation = Operation::Increment { key: "n".into(), by: 1 };
        scenario.clients = vec![Client {
            id: "c".into(),
            target: "s".into(),
            timeout_ms: 100.0,
            attempts,
            script: vec![ClientStep { at_ms: 10.0, operation }],
            ..Client::default()
        }];
        // The answer to the first is lost.
        let link = |cut: bool| {
            let (from, to, one_way) = ("s".to_string(), "c".to_string(), true);
            if cut { Command::CutLink { from, to, one_way } } else { Command::HealLink { from, to, one_way } }
        };
        scenario.script = vec![Step { at_ms: 0.0, command: link(true) }, Step { at_ms: 100.0, command: link(false) }];
        let mut outcomes = Vec::new();
        let mut counted = 0;
        watch(&scenario, |_, fact| match fact {
            Fact::OperationEnded { outcome, .. } => outcomes.push(*outcome),
            Fact::UpdateCommitted { .. } => counted += 1,
            _ => {}
        });
        assert_eq!((outcomes, counted), (vec![ended], value), "{attempts} attempts");
    }
}

/// Lynch and Shvartsman 1997: with several writers the order of writes is that of time, whatever their clocks say.
#[test]
fn writes_of_several_writers_follow_real_time_where_they_ask_for_the_newest_version_first() {
    for (write_back, clock) in
        [(true, VersionClock::Lamport), (true, VersionClock::Wall), (false, VersionClock::Lamport)]
    {
        let mut scenario = quorum(3, 2, 2);
        scenario.groups[0].data = Data::Register { clock };
        if let Protocol::Quorum(quorum) = &mut scenario.groups[0].protocol {
            quorum.write_back = write_back;
        }
        scenario.default_latency = exponential(5.0);
        // One has written before, the other has not: its own count is behind.
        let first = (0..5).map(|i| (f64::from(i) * 200.0, write("x", i64::from(i)))).collect();
        scenario.clients =
            vec![scripted("a", Route::Itself, first), scripted("b", Route::Itself, vec![(1500.0, write("x", 99))])];
        scenario.until_ms = 3000.0;
        let run = run(&scenario);
        let key = run.engine().names().find_key(run.engine().names().find_node("group"), "x").expect("a key");
        let held = |i: u32| run.analysis().staleness.at(NodeId(i), key).and_then(|copy| copy.held()?.value.clone());
        let expected = if write_back { 99 } else { 4 };
        assert_eq!(held(0), Some(Value::Int(expected)), "{clock:?}, asks first: {write_back}");
    }
}

/// The published table: LNKD-SSD, 99.9 % (Bailis 2012).
#[test]
fn the_published_table_of_ssd_quorums_comes_out() {
    let pareto = Latency::Pareto { scale_ms: 0.235, shape: 10.0 };
    let leg = Latency::Mixture {
        parts: vec![
            converge::scenario::Weighted { weight: 0.9122, of: pareto },
            converge::scenario::Weighted { weight: 0.0878, of: exponential(1.0 / 1.66) },
        ],
    };
    let writes = 100_000;
    let stale = |r, w, t: f64| {
        let mut scenario = wars(3, (r, w), [&leg; 4], t, writes);
        scenario.seed = 7;
        let run = run(&scenario);
        let tally = run.analysis().operations.get(run.engine().names().find_node("reader").unwrap()).unwrap();
        assert_eq!(tally.reads, writes);
        tally.stale_reads
    };
    proportion("fresh at once, R=W=1", writes - stale(1, 1, 0.0), writes, 0.9736);
    // At the published t, one read in a thousand is stale.
    proportion("R=W=1 at t-visibility", stale(1, 1, 1.97), writes, 0.001);
    proportion("R=1, W=2 at t-visibility", stale(1, 2, 1.85), writes, 0.001);
    assert_eq!(stale(2, 2, 0.0), 0);
    assert!(stale(2, 1, 0.0) as f64 / writes as f64 <= 0.001 + 4.0 * (0.001f64 / writes as f64).sqrt());
    let mut sweep = Sweep::new(&wars(3, (1, 2), [&leg; 4], 1.0, 100));
    sweep.run(&wars(3, (1, 2), [&leg; 4], 1.0, writes), 1).expect("once");
}
