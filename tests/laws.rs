//! Laws that a correct simulator must reproduce (`docs/fidelity.md`): measurements of the running engine, compared with
//! exact formulas.

#![allow(
    clippy::disallowed_methods,
    reason = "the expected figures may use the platform's functions; the engine may not"
)]

use crate::common::runs::{observe, run};
use crate::common::scenarios::{constant, exponential, link, operate, workload, write};
use crate::common::statistics::{assert_mean, assert_proportion};
use converge::engine::Engine;
use converge::scenario::{
    Acknowledge, Arrivals, Backoff, Bus, Client, Clock, Effect, Inbox, Keys, Latency, Link, Publication, Scenario,
    Service, Subscription, micros,
};
use converge::session::Run;
use converge::session::sweep::{GRID, Sweep};
use converge::trace::{Fact, Level, OperationKind, UpdateId};
use std::collections::BTreeMap;

fn service(id: &str) -> Service {
    Service {
        id: id.into(),
        service_time: constant(0.0),
        concurrency: 100_000,
        queue: 10_000_000,
        ..Service::default()
    }
}

fn subscription() -> Subscription {
    Subscription { to: "bus".into(), processing: constant(0.0), ack_deadline_ms: 1e9, ..Subscription::default() }
}

fn client(id: &str, target: &str, arrivals: Arrivals, read_share: f64) -> Client {
    Client {
        id: id.into(),
        target: target.into(),
        timeout_ms: 1e6,
        generate: Some(workload(arrivals, Keys::One { key: "x".into() }, read_share, None)),
        ..Client::default()
    }
}

/// A writer, a bus without delay, and copies that receive each update after an exponential delay.
fn fan_out(copies: usize, mean_ms: f64) -> Scenario {
    let mut writer = service("writer");
    writer.publishes.push(Publication { to: "bus".into(), ..Publication::default() });
    let mut services = vec![writer];
    let mut links = Vec::new();
    for i in 0..copies {
        let id = format!("copy-{i}");
        links.push(link("bus", &id, exponential(mean_ms)));
        links.push(link(&id, "bus", constant(0.0)));
        services.push(Service { subscribes: vec![subscription()], ..service(&id) });
    }
    Scenario {
        default_latency: constant(0.0),
        services,
        buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
        links,
        until_ms: 1e6,
        ..Scenario::default()
    }
}

/// Law 1 for one copy: it is stale at time t after the acknowledgement with probability e^(−λt).
#[test]
fn a_copy_reflects_an_update_after_an_exponential_time() {
    let mut scenario = fan_out(1, 10.0);
    scenario.until_ms = 60_000_000.0;
    scenario.clients.push(client("client", "writer", Arrivals::Periodic { every_ms: 1000.0 }, 0.0));
    let mut sweep = Sweep::new(&scenario);
    sweep.run(&scenario, 1).expect("once");
    for (share, t) in sweep.reflected.iter().zip(GRID) {
        let p = 1.0 - (-(t as f64) / 10_000.0).exp();
        // Time has a resolution of 1 µs.
        if t > 0 && p < 0.999_99 {
            assert_proportion(&format!("reflected after {t} µs"), share.held, share.of, p);
        }
    }
}

/// Law 1, measured by reads 10 ms after the write, whose requests take 4 ms: P(stale) = e^(−λ(t + r)).
#[test]
fn a_read_is_stale_if_the_update_is_in_flight_when_it_arrives() {
    let mut scenario = fan_out(1, 10.0);
    scenario.until_ms = 40_000_000.0;
    scenario.clients.push(client("writes", "writer", Arrivals::Periodic { every_ms: 1000.0 }, 0.0));
    let mut reads = client("reads", "copy-0", Arrivals::Periodic { every_ms: 1000.0 }, 1.0);
    if let Some(workload) = &mut reads.generate {
        workload.from_ms = 6.0;
    }
    scenario.clients.push(reads);
    scenario.links.push(link("reads", "copy-0", Latency::Constant { ms: 4.0 }));
    let mut sweep = Sweep::new(&scenario);
    sweep.run(&scenario, 1).expect("once");
    assert_proportion("stale 10 ms after", sweep.reads.stale, sweep.reads.count, (-1.0f64).exp());
}

/// Law 4: Poisson writes at rate γ, independent Exp(λ) lags, newest wins: P(lag ≥ k versions) = Π γ/(γ + iλ).
#[test]
fn the_lag_of_a_copy_in_versions_is_distributed_as_the_formula() {
    for (gamma, lambda) in [(0.1, 0.1), (0.3, 0.1)] {
        let mut scenario = fan_out(1, 1.0 / lambda);
        scenario.until_ms = 4_000_000.0;
        scenario.clients.push(client("writes", "writer", Arrivals::Poisson { per_second: gamma * 1000.0 }, 0.0));
        // Reads are so far apart that they are independent.
        scenario.clients.push(client("reads", "copy-0", Arrivals::Periodic { every_ms: 97.0 }, 1.0));
        scenario.validate().expect("sound");
        let mut run = Run::new(&scenario);
        let mut lags: BTreeMap<u32, u64> = BTreeMap::new();
        let mut reads = 0;
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, analysis, _| {
            if let Fact::OperationEnded { operation, .. } = &record.fact
                && let Some(ended) = analysis.operations.just_ended(*operation)
                && ended.since_acknowledged.is_some()
            {
                reads += 1;
                *lags.entry(ended.behind).or_default() += 1;
            }
        });
        let mut p = 1.0;
        for k in 1..=3u32 {
            p *= gamma / (gamma + f64::from(k) * lambda);
            let lagging = lags.range(k..).map(|(_, count)| count).sum();
            assert_proportion(&format!("γ={gamma} λ={lambda}, {k} behind or more"), lagging, reads, p);
        }
    }
}

/// Law 4 with a constant lag d: P(lag ≥ k) = P(Poisson(γd) ≥ k).
#[test]
fn a_copy_with_a_constant_lag_is_a_poisson_number_of_versions_behind() {
    let mut scenario = fan_out(1, 10.0);
    scenario.links[0].latency = Some(Latency::Constant { ms: 20.0 });
    scenario.until_ms = 4_000_000.0;
    scenario.clients.push(client("writes", "writer", Arrivals::Poisson { per_second: 50.0 }, 0.0));
    scenario.clients.push(client("reads", "copy-0", Arrivals::Periodic { every_ms: 97.0 }, 1.0));
    let mut sweep = Sweep::new(&scenario);
    sweep.run(&scenario, 1).expect("once");
    assert_proportion("one behind or more", sweep.reads.stale, sweep.reads.count, 1.0 - (-1.0f64).exp());
}

/// Law 5: the latency to the k-th of N copies with independent delays of mean m is m(H_N − H_{N−k}): 3.33, 8.33, 18.33 of three
/// with mean 10.
#[test]
fn the_kth_of_n_copies_applies_an_update_after_the_mean_order_statistic() {
    for n in [3usize, 5] {
        let mut scenario = fan_out(n, 10.0);
        scenario.until_ms = 20_000_000.0;
        scenario.clients.push(client("client", "writer", Arrivals::Periodic { every_ms: 1000.0 }, 0.0));
        let mut committed: BTreeMap<UpdateId, u64> = BTreeMap::new();
        let mut applied: BTreeMap<UpdateId, Vec<u64>> = BTreeMap::new();
        observe(&scenario, |at, fact| match fact {
            Fact::UpdateCommitted { update, .. } => {
                committed.insert(*update, at);
            }
            Fact::UpdateApplied { update, .. } => applied.entry(*update).or_default().push(at),
            _ => {}
        });
        let harmonic = |n: usize| (1..=n).map(|i| 1.0 / i as f64).sum::<f64>();
        for k in 1..=n {
            let latencies: Vec<f64> = applied
                .iter()
                .filter(|(_, times)| times.len() == n)
                .map(|(update, times)| (times[k - 1] - committed[update]) as f64 / 1000.0)
                .collect();
            assert!(latencies.len() > 19_000);
            assert_mean(&format!("{k} of {n}"), &latencies, 10.0 * (harmonic(n) - harmonic(n - k)));
        }
    }
}

/// Law 6: two writes, a gap g apart, at nodes whose clock offsets are N(0, σ²). With last writer wins by wall clock, the
/// later write is lost with probability Φ(−g/(σ√2)); for σ = 5 and g = 4, 0.2858.
#[test]
fn the_later_write_is_lost_if_the_clock_of_its_writer_is_behind() {
    for (sigma, gap, expected) in [(5.0, 4.0, 0.2858), (10.0, 20.0, 0.0786)] {
        let mut writers = ["a", "b"].map(service);
        for writer in &mut writers {
            writer.clock = Clock { offset_sd_ms: sigma, ..Clock::default() };
            writer.publishes.push(Publication { to: "bus".into(), ..Publication::default() });
        }
        let copy = Service {
            subscribes: vec![Subscription { effect: Effect::LastWriterWins, ..subscription() }],
            ..service("copy")
        };
        let [a, b] = writers;
        let scenario = Scenario {
            default_latency: constant(0.0),
            services: vec![a, b, copy],
            buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
            script: vec![operate(100.0, "a", write("x", 1)), operate(100.0 + gap, "b", write("x", 2))],
            until_ms: 1000.0,
            ..Scenario::default()
        };
        let runs = 20_000;
        let mut lost = 0;
        for seed in 0..runs {
            let scenario = Scenario { seed, ..scenario.clone() };
            let run = run(&scenario);
            let names = run.engine().names();
            let (node, key) = (names.find_node("copy").expect("a node"), names.find_key(None, "x").expect("a key"));
            let held = run.analysis().staleness.copy(node, key).and_then(|copy| copy.held()).expect("a value");
            lost += u64::from(held.value == Some(1.into()));
        }
        assert_proportion(&format!("σ={sigma} g={gap}"), lost, runs, expected);
    }
}

/// A writer whose events, each `apart_ms` after the one before, are delivered to one consumer.
fn deliveries(subscription: Subscription, events: u32, apart_ms: f64) -> Scenario {
    let mut scenario = fan_out(1, 0.0);
    scenario.links.clear();
    scenario.services[1].subscribes[0] = subscription;
    scenario.clients.push(client("client", "writer", Arrivals::Periodic { every_ms: apart_ms }, 0.0));
    if let Some(workload) = &mut scenario.clients[0].generate {
        workload.until_ms = Some(f64::from(events) * apart_ms);
    }
    scenario.until_ms = f64::from(events) * apart_ms + 1e6;
    scenario
}

/// Law 7: independent failures of probability p, at most m deliveries: P(dead-lettered) = p^m, E[deliveries] = (1 − p^m)/(1 − p).
#[test]
fn events_are_dead_lettered_as_often_as_the_formula() {
    for (p, m) in [(0.3, 5), (0.5, 3), (0.9, 2)] {
        let retried = Subscription { fails: p, max_deliveries: Some(m), ..subscription() };
        let scenario = deliveries(retried, 400_000, 1.0);
        let mut sweep = Sweep::new(&scenario);
        sweep.run(&scenario, 1).expect("once");
        assert!(sweep.published >= 399_999);
        let dead = p.powi(m as i32);
        assert_proportion(&format!("p={p} m={m} dead-lettered"), sweep.dead_lettered, sweep.published, dead);
        // The number of deliveries has a geometric distribution, truncated at m.
        let expected = (1.0 - dead) / (1.0 - p);
        let second: f64 = (1..=m)
            .map(|n| f64::from(n * n) * if n == m { p.powi(m as i32 - 1) } else { p.powi(n as i32 - 1) * (1.0 - p) })
            .sum();
        let band = 4.0 * ((second - expected * expected) / sweep.published as f64).sqrt();
        let measured = sweep.deliveries.mean().expect("events");
        assert!((measured - expected).abs() <= band, "p={p} m={m}: {measured}, expected {expected} ± {band}");
    }
}

/// Law 7: acknowledgements lost with probability q, unlimited redelivery: 1/(1 − q) executions, and with
/// an inbox one effect.
#[test]
fn a_lost_acknowledgement_causes_another_execution_but_with_an_inbox_only_one_effect() {
    for inbox in [None, Some(Inbox { window_ms: None })] {
        let q = 0.25;
        let has_inbox = inbox.is_some();
        let consumer = Subscription { effect: Effect::Increment, ack_deadline_ms: 1.0, inbox, ..subscription() };
        let mut scenario = deliveries(consumer, 200_000, 1.0);
        scenario.links.push(link("bus", "copy-0", constant(0.0)));
        scenario.links.push(Link { loss: q, ..link("copy-0", "bus", constant(0.0)) });
        let mut sweep = Sweep::new(&scenario);
        sweep.run(&scenario, 1).expect("once");
        let (n, expected) = (sweep.published as f64, 1.0 / (1.0 - q));
        let band = 4.0 * (q.sqrt() / (1.0 - q)) / n.sqrt();
        let executions = sweep.executions as f64 / n;
        assert!((executions - expected).abs() <= band, "{executions}, expected {expected} ± {band}");
        if has_inbox {
            assert_eq!(sweep.effects, sweep.published, "exactly one effect of each event");
        } else {
            assert_eq!(sweep.effects, sweep.executions);
        }
    }
}

/// Law 7: exponential processing of mean μ, visibility timeout v: P(premature redelivery) = e^(−v/μ).
#[test]
fn an_event_whose_processing_exceeds_the_visibility_timeout_is_redelivered() {
    let slow = Subscription { processing: exponential(10.0), ack_deadline_ms: 30.0, ..subscription() };
    let scenario = deliveries(slow, 300_000, 1.0);
    let (mut first, mut redelivered) = (0, 0);
    observe(&scenario, |_, fact| match fact {
        Fact::EventSent { attempt: 1, .. } => first += 1,
        Fact::EventSent { attempt: 2, .. } => redelivered += 1,
        _ => {}
    });
    assert_proportion("redelivered", redelivered, first, (-3.0f64).exp());
}

/// The backoffs as defined in the AWS architecture blog (Brooker 2015). Law 13 is in `conservation.rs`.
#[test]
fn the_waits_of_each_backoff_are_as_defined() {
    let waits = |backoff: Backoff| {
        let consumer = Subscription { fails: 1.0, max_deliveries: Some(6), backoff, ..subscription() };
        let scenario = deliveries(consumer, 4000, 10_000.0);
        let mut waits: Vec<Vec<f64>> = vec![Vec::new(); 5];
        observe(&scenario, |at, fact| {
            if let Fact::EventQueued { not_before, deliveries, .. } = fact
                && *deliveries > 0
            {
                waits[*deliveries as usize - 1].push((not_before - at) as f64 / 1000.0);
            }
        });
        waits
    };
    let (base_ms, cap_ms) = (10.0, 100.0);
    let doubled = [10.0, 20.0, 40.0, 80.0, 100.0];
    for (n, waits) in waits(Backoff::Exponential { base_ms, cap_ms }).iter().enumerate() {
        assert!(!waits.is_empty() && waits.iter().all(|wait| *wait == doubled[n]), "exponential, {n}");
    }
    for (n, waits) in waits(Backoff::FullJitter { base_ms, cap_ms }).iter().enumerate() {
        assert!(waits.iter().all(|wait| (0.0..=doubled[n]).contains(wait)), "full, {n}");
        assert_mean("full", waits, doubled[n] / 2.0);
    }
    for (n, waits) in waits(Backoff::EqualJitter { base_ms, cap_ms }).iter().enumerate() {
        assert!(waits.iter().all(|wait| (doubled[n] / 2.0..=doubled[n]).contains(wait)), "equal, {n}");
        assert_mean("equal", waits, doubled[n] * 0.75);
    }
    let decorrelated = waits(Backoff::DecorrelatedJitter { base_ms, cap_ms });
    assert!(decorrelated.iter().flatten().all(|wait| (base_ms..=cap_ms).contains(wait)));
    // Below the cap: U(10, 30), then U(10, three times the last wait). The means are 20 and (10 + 3·20)/2.
    assert_mean("decorrelated, first", &decorrelated[0], 20.0);
    assert_mean("decorrelated, second", &decorrelated[1], 35.0);
}

#[test]
fn an_event_acknowledged_before_processing_or_never_is_not_redelivered_after_a_failure() {
    for acknowledge in [Acknowledge::Never, Acknowledge::BeforeProcessing] {
        let scenario = deliveries(Subscription { acknowledge, fails: 0.5, ..subscription() }, 2000, 1.0);
        let mut engine = Engine::new(&scenario, Level::Full);
        engine.run_until(micros(scenario.until_ms), u64::MAX);
        let redelivered =
            engine.trace().since(0).filter(|record| matches!(record.fact, Fact::EventSent { attempt: 2.., .. }));
        assert_eq!(redelivered.count(), 0);
    }
}

/// Law 17: 100 clients contend for one key by optimistic locking, with a network latency of N(10, 2) ms, base 5 and cap
/// 2000 (AWS architecture blog, Brooker 2015). Published: about 800 calls in 5 s with full jitter, and about 1850 calls in
/// 63 s without jitter. Calls are writes, and the first wait is twice the base.
#[test]
fn jitter_reduces_the_calls_and_the_duration_of_contention_as_published() {
    let contend = |backoff: Backoff| {
        let mut clients = client("clients", "server", Arrivals::Closed { think: constant(0.0) }, 0.0);
        clients.sessions = 100;
        if let Some(workload) = &mut clients.generate {
            workload.optimistic = Some(backoff);
            // Each client writes once.
            workload.until_ms = Some(0.5);
        }
        let scenario = Scenario {
            default_latency: Latency::Normal { mean_ms: 10.0, sd_ms: 2.0 },
            services: vec![service("server")],
            clients: vec![clients],
            until_ms: 1e6,
            ..Scenario::default()
        };
        let runs = 100;
        let (mut calls, mut duration) = (0u64, 0u64);
        for seed in 0..runs {
            let mut writes = 0;
            let mut last = 0;
            observe(&Scenario { seed, ..scenario.clone() }, |at, fact| match fact {
                Fact::OperationIssued { kind: OperationKind::CompareAndSet, .. } => calls += 1,
                Fact::OperationEnded { .. } => last = at,
                Fact::UpdateCommitted { .. } => writes += 1,
                _ => {}
            });
            assert_eq!(writes, 100, "seed {seed}: every client writes");
            duration += last;
        }
        (calls as f64 / runs as f64, duration as f64 / runs as f64 / 1e6)
    };
    let (base_ms, cap_ms) = (10.0, 2000.0);
    let near = |what: &str, (calls, seconds): (f64, f64), expected: (f64, f64)| {
        let close = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.1;
        let fits = close(calls, expected.0) && close(seconds, expected.1);
        assert!(fits, "{what}: {calls} calls in {seconds} s, expected about {expected:?}");
    };
    near("full jitter", contend(Backoff::FullJitter { base_ms, cap_ms }), (800.0, 5.0));
    near("no jitter", contend(Backoff::Exponential { base_ms, cap_ms }), (1850.0, 63.0));
}
