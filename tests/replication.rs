//! Laws of replica groups (`docs/fidelity.md`): measurements of the running engine, compared with exact formulas and
//! published figures.

#![allow(
    clippy::disallowed_methods,
    reason = "the expected figures may use the platform's functions; the engine may not"
)]

mod chains;
mod gossip;
mod restarts;
mod sloppy;

use crate::common::runs::{node, observe, run};
use crate::common::scenarios::{
    client_steps, constant, crash, cut, exponential, heal, increment, link, operate, partition, read, replica,
    replicas, restart, step, workload, write,
};
use crate::common::statistics::{assert_mean, assert_mean_within, assert_proportion};
use converge::engine::Stream;
use converge::scenario::{
    AntiEntropy, Arrivals, Client, ClientStep, Command, Data, Gossip, GossipStyle, Group, Keys, Latency, Link,
    Operation, Primary, Protocol, Quorum, ReadRepair, Route, Scenario, Service, Value, VersionClock, Weighted,
};
use converge::trace::{Fact, MessageKind, NodeId, OperationKind, Outcome};
use std::collections::BTreeMap;

fn zero() -> Latency {
    constant(0.0)
}

/// A group of members without service time.
fn group(members: usize, protocol: Protocol) -> Scenario {
    let service = |id| Service { id, service_time: zero(), concurrency: 100_000, ..Service::default() };
    Scenario {
        default_latency: zero(),
        services: replicas(members).into_iter().map(service).collect(),
        groups: vec![Group { id: "group".into(), members: replicas(members), protocol, ..Group::default() }],
        until_ms: 1e7,
        ..Scenario::default()
    }
}

fn quorum(members: usize, read: u32, write: u32) -> Scenario {
    group(members, Protocol::Quorum(Quorum { read, write, timeout_ms: 1e6, ..Quorum::default() }))
}

fn client(id: &str, route: Route) -> Client {
    Client { id: id.into(), target: "group".into(), route, timeout_ms: 1e6, ..Client::default() }
}

/// A client that coordinates its own operations on one key.
fn coordinator(id: &str, arrivals: Arrivals, read_share: f64) -> Client {
    let workload = workload(arrivals, Keys::One { key: "x".into() }, read_share, None);
    Client { generate: Some(workload), ..client(id, Route::Itself) }
}

fn scripted(id: &str, route: Route, script: Vec<(f64, Operation)>) -> Client {
    let script = script.into_iter().map(|(at_ms, operation)| ClientStep { at_ms, operation }).collect();
    Client { script, ..client(id, route) }
}

fn binomial(n: u32, k: u32) -> f64 {
    if k > n { 0.0 } else { (0..k).map(|i| f64::from(n - i) / f64::from(k - i)).product() }
}

/// The WARS model (Bailis et al. 2012): a writer, and a reader that follows each acknowledged write after `t` ms. Both
/// coordinate themselves, so that each leg of an operation has its own latency: write, acknowledgement, read, response.
fn wars(members: usize, (r, w): (u32, u32), legs: [&Latency; 4], t: f64, writes: u64) -> Scenario {
    let mut scenario = quorum(members, r, w);
    let every_ms = 1000.0;
    scenario.clients = vec![
        coordinator("writer", Arrivals::Periodic { every_ms }, 0.0),
        coordinator("reader", Arrivals::After { client: "writer".into(), ms: t }, 1.0),
    ];
    let [write, acknowledgement, read, response] = legs;
    for id in replicas(members) {
        scenario.links.push(link("writer", &id, write.clone()));
        scenario.links.push(link(&id, "writer", acknowledgement.clone()));
        scenario.links.push(link("reader", &id, read.clone()));
        scenario.links.push(link(&id, "reader", response.clone()));
    }
    scenario.until_ms = every_ms * writes as f64 + 500.0;
    scenario
}

/// Returns the number of reads, and of stale reads, of the reader.
fn stale_reads(scenario: &Scenario) -> (u64, u64) {
    let run = run(scenario);
    let tally = run.analysis().operations.get(node(&run, "reader")).expect("the reader's operations");
    (tally.reads, tally.stale_reads)
}

/// Law 1.
#[test]
fn stale_reads_of_a_quorum_are_as_frequent_as_the_formula() {
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
        // Independent response times choose the R first responses at random.
        let legs = [&exponential(1.0 / lambda), &ack, &request, &exponential(1.0)];
        let mut scenario = wars(n, (r, w), legs, t, 20_000);
        scenario.seed = 11;
        let (reads, stale) = stale_reads(&scenario);
        let n = n as u32;
        let p = binomial(n - w, r) / binomial(n, r) * (-f64::from(r) * lambda * (t + a + q)).exp();
        assert_eq!(reads, 20_000);
        assert_proportion(&format!("N={n} R={r} W={w} t={t} a={a} r={q}"), stale, reads, p);
    }
}

/// Law 2. Each write reaches one random replica, and never the others.
#[test]
fn reads_of_random_quorums_return_old_versions_as_often_as_the_formula() {
    let trials = 3000u32;
    // By k: reads that return one of the k newest versions.
    let mut fresh = [0u64; 3];
    let mut random = Stream::named(5, "frozen quorums", "");
    let mut scenario = quorum(3, 1, 1);
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for trial in 0..trials {
        let key = format!("k{trial}");
        for k in 0..3 {
            let at = f64::from(trial) * 100.0 + f64::from(k) * 10.0;
            let reached = random.below(3) as usize;
            for i in (0..3).filter(|i| *i != reached) {
                scenario.script.push(cut(at, "writer", &replica(i), true));
                scenario.script.push(heal(at + 5.0, "writer", &replica(i), true));
            }
            writes.push((at + 1.0, write(&key, i64::from(k) + 1)));
        }
        reads.push((f64::from(trial) * 100.0 + 50.0, read(&key)));
    }
    scenario.clients = vec![scripted("writer", Route::Itself, writes), scripted("reader", Route::Itself, reads)];
    for i in 0..3 {
        scenario.links.push(link(&replica(i), "reader", exponential(1.0)));
        scenario.links.push(link("reader", &replica(i), zero()));
    }
    scenario.until_ms = f64::from(trials) * 100.0;
    observe(&scenario, |_, fact| {
        if let Fact::ReadServed { value, .. } = fact {
            let held = match value {
                Some(Value::Int(n)) => *n,
                _ => 0,
            };
            for (k, count) in fresh.iter_mut().enumerate() {
                *count += u64::from(held > 2 - k as i64);
            }
        }
    });
    for (k, p) in [(1, 1.0 / 3.0), (2, 5.0 / 9.0), (3, 19.0 / 27.0)] {
        assert_proportion(&format!("one of the {k} newest versions"), fresh[k - 1], trials.into(), p);
    }
}

/// Law 3, first half.
#[test]
fn reads_of_a_strict_quorum_that_overlap_no_write_are_never_stale() {
    for (n, r, w) in [(3, 2, 2), (3, 1, 3), (3, 3, 1), (5, 3, 3), (5, 2, 4)] {
        let latency = Latency::Lognormal { median_ms: 5.0, sigma: 1.5 };
        assert_eq!(stale_reads(&wars(n, (r, w), [&latency; 4], 0.0, 3000)), (3000, 0), "N={n} R={r} W={w}");
    }
}

/// Counts inversions among two successive reads with R = 2, after a write that reached one of three replicas.
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
    for id in ["r2", "r3"] {
        scenario.links.push(Link { loss: 1.0, ..link("writer", id, zero()) });
        scenario.links.push(link(id, "writer", zero()));
    }
    for i in 0..3 {
        scenario.links.push(link(&replica(i), "reader", exponential(1.0)));
        scenario.links.push(link("reader", &replica(i), zero()));
    }
    scenario.until_ms = trials as f64 * 1000.0;
    let mut found: BTreeMap<u32, Vec<bool>> = BTreeMap::new();
    observe(&scenario, |_, fact| {
        if let Fact::ReadServed { key, value, .. } = fact {
            found.entry(key.0).or_default().push(value.is_some());
        }
    });
    assert!(found.values().all(|reads| reads.len() == 2));
    found.values().filter(|reads| **reads == [true, false]).count() as u64
}

/// Law 3, second half.
#[test]
fn successive_reads_of_a_strict_quorum_invert_in_two_of_nine_cases_and_never_with_write_back() {
    let trials = 10_000;
    assert_proportion("inversions", inversions(false, trials), trials, 2.0 / 9.0);
    assert_eq!(inversions(true, 3000), 0);
}

/// Law 5.
#[test]
fn the_latency_of_a_write_is_the_order_statistic_of_its_quorum() {
    for (w, expected) in [(1, 3.3333), (2, 8.3333), (3, 18.3333)] {
        let leg = exponential(10.0);
        let legs = [&leg, &zero(), &zero(), &zero()];
        let mut latencies = Vec::new();
        let mut issued = BTreeMap::new();
        observe(&wars(3, (1, w), legs, 500.0, 8000), |at, fact| match fact {
            Fact::OperationIssued { operation, kind: OperationKind::Write, .. } => {
                issued.insert(*operation, at);
            }
            Fact::OperationEnded { operation, outcome: Outcome::Ok } => {
                latencies.extend(issued.remove(operation).map(|issued| (at - issued) as f64 / 1000.0));
            }
            _ => {}
        });
        assert_eq!(latencies.len(), 8000);
        assert_mean(&format!("W={w}"), &latencies, expected);
    }
}

/// Law 6.
#[test]
fn clock_skew_loses_the_later_of_two_writes_as_often_as_the_normal_distribution() {
    let (sigma, gap) = (5.0, 4.0);
    let trials = 4000;
    let mut scenario = quorum(2, 1, 1);
    for service in &mut scenario.services {
        service.clock.offset_sd_ms = sigma;
    }
    scenario.default_latency = constant(0.5);
    scenario.script = vec![operate(100.0, "r1", write("x", 1)), operate(100.0 + gap, "r2", write("x", 2))];
    scenario.until_ms = 200.0;
    let (mut first_won, mut lost) = (0, 0);
    for seed in 1..=trials {
        scenario.seed = seed;
        let run = run(&scenario);
        let names = run.engine().names();
        let group = names.find_node("group");
        let key = names.find_key(group, "x").expect("a key");
        let held =
            run.analysis().staleness.copy(NodeId(0), key).and_then(|copy| copy.held().cloned()).expect("a value");
        first_won += u64::from(held.value == Some(1.into()));
        lost += run.analysis().lost.all().iter().filter(|lost| lost.update.0 == 1).count() as u64;
    }
    assert_proportion("the later write is lost", first_won, trials, 0.2858);
    assert_eq!(lost, first_won, "each lost write is counted as a lost update");
}

/// Law 11.
#[test]
fn all_but_one_of_concurrent_blind_writes_are_lost() {
    for n in [2, 3, 5] {
        let mut scenario = quorum(5, 1, 1);
        scenario.default_latency = constant(20.0);
        scenario.until_ms = 1000.0;
        let client = |i: i64| scripted(&format!("c{i}"), Route::Itself, vec![(10.0 + i as f64, write("x", i))]);
        scenario.clients = (0..n).map(client).collect();
        assert_eq!(run(&scenario).analysis().lost.count(), n as u64 - 1, "{n} writes");
    }
}

/// Law 11.
#[test]
fn concurrent_blind_puts_become_siblings_which_a_put_that_read_them_replaces() {
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
    observe(&scenario, |at, fact| {
        if let Fact::StateMerged { node: NodeId(0), values, .. } = fact {
            siblings.push((at, values.len()));
        }
    });
    let before = |instant: u64| siblings.iter().rev().find(|(at, _)| *at < instant).map(|(_, count)| *count);
    assert_eq!((before(100_000), before(400_000)), (Some(2), Some(1)), "{siblings:?}");
}

/// Law 12.
#[test]
fn a_deleted_key_reappears_exactly_if_the_repair_comes_after_the_grace_period() {
    for (grace, repaired_after, reappears) in [(3000.0, 2000.0, false), (3000.0, 5000.0, true)] {
        let config = Quorum {
            write: 2,
            read: 2,
            read_repair: ReadRepair::None,
            anti_entropy: Some(AntiEntropy { every_ms: 100.0, depth: 3 }),
            tombstone_grace_ms: Some(grace),
            ..Quorum::default()
        };
        let mut scenario = group(3, Protocol::Quorum(config));
        scenario.default_latency = constant(1.0);
        scenario.script = vec![
            operate(10.0, "r1", write("x", 1)),
            crash(500.0, "r3"),
            operate(600.0, "r1", Operation::Delete { key: "x".into() }),
            restart(600.0 + repaired_after, "r3"),
            operate(9000.0, "r2", read("x")),
        ];
        scenario.until_ms = 10_000.0;
        let mut returned = None;
        observe(&scenario, |_, fact| {
            if let Fact::ReadServed { value, .. } = fact {
                returned = Some(value.clone());
            }
        });
        let expected = reappears.then_some(Value::Int(1));
        assert_eq!(returned, Some(expected), "repair {repaired_after} ms after the deletion, grace {grace}");
    }
}

#[test]
fn a_failover_loses_acknowledged_writes_of_an_asynchronous_primary_and_none_of_a_synchronous_one() {
    for (acknowledgements, lost) in [(0, 1), (2, 0)] {
        let config = Primary { acknowledgements, failover_ms: Some(300.0), heartbeat_ms: 50.0 };
        let mut scenario = group(3, Protocol::Primary(config));
        scenario.default_latency = constant(5.0);
        scenario.script = vec![
            operate(100.0, "r1", write("x", 1)),
            partition(500.0, &[&["r1"], &["r2", "r3"]]),
            operate(510.0, "r1", write("x", 2)),
            operate(2000.0, "r2", write("x", 3)),
            step(3000.0, Command::HealAll),
        ];
        scenario.until_ms = 5000.0;
        let (mut rolled_back, mut acknowledged) = (Vec::new(), Vec::new());
        observe(&scenario, |_, fact| match fact {
            Fact::WriteRolledBack { update, .. } => rolled_back.push(*update),
            Fact::UpdateAcknowledged { update, .. } => acknowledged.push(*update),
            _ => {}
        });
        let count = rolled_back.iter().filter(|update| acknowledged.contains(update)).count();
        assert_eq!(count, lost, "{acknowledgements} acknowledgements: {rolled_back:?} of {acknowledged:?}");
    }
}

#[test]
fn a_retried_operation_may_take_effect_twice() {
    for (attempts, effects, outcome) in [(1, 1, Outcome::Unknown), (3, 2, Outcome::Ok)] {
        let mut scenario = Scenario { default_latency: constant(5.0), until_ms: 1000.0, ..Scenario::default() };
        scenario.services = vec![Service { id: "s".into(), ..Service::default() }];
        scenario.clients = vec![Client {
            id: "c".into(),
            target: "s".into(),
            timeout_ms: 100.0,
            attempts,
            script: client_steps(10.0, 0.0, vec![increment("n", 1)]),
            ..Client::default()
        }];
        // The first reply is lost.
        scenario.script = vec![cut(0.0, "s", "c", true), heal(100.0, "s", "c", true)];
        let (mut outcomes, mut committed) = (Vec::new(), 0);
        observe(&scenario, |_, fact| match fact {
            Fact::OperationEnded { outcome, .. } => outcomes.push(*outcome),
            Fact::UpdateCommitted { .. } => committed += 1,
            _ => {}
        });
        assert_eq!((outcomes, committed), (vec![outcome], effects), "{attempts} attempts");
    }
}

/// Multi-writer ABD (Lynch and Shvartsman 1997).
#[test]
fn writes_of_several_writers_follow_real_time_if_they_read_the_newest_version_first() {
    for (write_back, clock) in
        [(true, VersionClock::Lamport), (true, VersionClock::Wall), (false, VersionClock::Lamport)]
    {
        let mut scenario = quorum(3, 2, 2);
        scenario.groups[0].data = Data::Register { clock };
        if let Protocol::Quorum(quorum) = &mut scenario.groups[0].protocol {
            quorum.write_back = write_back;
        }
        scenario.default_latency = exponential(5.0);
        // The Lamport clock of the second writer is behind.
        let earlier = (0..5).map(|i| (f64::from(i) * 200.0, write("x", i64::from(i)))).collect();
        scenario.clients =
            vec![scripted("a", Route::Itself, earlier), scripted("b", Route::Itself, vec![(1500.0, write("x", 99))])];
        scenario.until_ms = 3000.0;
        let run = run(&scenario);
        let key = run.engine().names().find_key(run.engine().names().find_node("group"), "x").expect("a key");
        let held = |i: u32| run.analysis().staleness.copy(NodeId(i), key).and_then(|copy| copy.held()?.value.clone());
        let expected = if write_back { 99 } else { 4 };
        assert_eq!(held(0), Some(Value::Int(expected)), "{clock:?}, reads first: {write_back}");
    }
}

/// Bailis et al. 2012: t-visibility at 99.9 % of LNKD-SSD.
#[test]
fn t_visibility_of_ssd_quorums_is_as_published() {
    let body = Weighted { weight: 0.9122, of: Latency::Pareto { scale_ms: 0.235, shape: 10.0 } };
    let tail = Weighted { weight: 0.0878, of: exponential(1.0 / 1.66) };
    let leg = Latency::Mixture { parts: vec![body, tail] };
    let writes = 100_000;
    let stale = |r, w, t: f64| {
        let (reads, stale) = stale_reads(&Scenario { seed: 7, ..wars(3, (r, w), [&leg; 4], t, writes) });
        assert_eq!(reads, writes);
        stale
    };
    assert_proportion("fresh at t = 0, R = W = 1", writes - stale(1, 1, 0.0), writes, 0.9736);
    // At the published t, one read in a thousand is stale.
    assert_proportion("stale at t-visibility, R = W = 1", stale(1, 1, 1.97), writes, 0.001);
    assert_proportion("stale at t-visibility, R = 1, W = 2", stale(1, 2, 1.85), writes, 0.001);
    assert_eq!(stale(2, 2, 0.0), 0);
    assert!(stale(2, 1, 0.0) as f64 / writes as f64 <= 0.001 + 4.0 * (0.001f64 / writes as f64).sqrt());
}
