//! Laws that a correct simulator must reproduce, on the running engine, message by message. A proportion is accepted
//! within 4·sqrt(p(1 − p)/n); a mean within 4 standard errors, of the spread that was measured.

#![allow(
    clippy::disallowed_methods,
    reason = "the expected figures may use the platform's functions; the engine may not"
)]

use converge::engine::Engine;
use converge::scenario::{
    Acknowledge, Arrivals, Backoff, Bus, Client, Clock, Command, Effect, Inbox, Keys, Latency, Link, Operation,
    Publication, Scenario, Service, Step, Subscription, Workload, micros,
};
use converge::session::Run;
use converge::session::sweep::{GRID, Sweep};
use converge::trace::{Fact, Level, OperationKind, UpdateId};
use std::collections::BTreeMap;

fn nothing() -> Latency {
    Latency::Constant { ms: 0.0 }
}

fn exponential(mean_ms: f64) -> Latency {
    Latency::Exponential { mean_ms }
}

fn service(id: &str) -> Service {
    Service { id: id.into(), service_time: nothing(), concurrency: 100_000, queue: 10_000_000, ..Service::default() }
}

fn link(from: &str, to: &str, latency: Latency) -> Link {
    Link { from: from.into(), to: to.into(), latency: Some(latency), ..Link::default() }
}

fn subscription() -> Subscription {
    Subscription { to: "bus".into(), processing: nothing(), ack_deadline_ms: 1e9, ..Subscription::default() }
}

fn client(id: &str, target: &str, arrivals: Arrivals, read_share: f64) -> Client {
    Client {
        id: id.into(),
        target: target.into(),
        timeout_ms: 1e6,
        generate: Some(Workload {
            arrivals,
            keys: Keys::One { key: "x".into() },
            read_share,
            optimistic: None,
            from_ms: 0.0,
            until_ms: None,
        }),
        ..Client::default()
    }
}

/// A writer, a bus without delay, and copies that get each update after an exponential delay.
fn fan_out(copies: usize, mean_ms: f64) -> Scenario {
    let mut writer = service("writer");
    writer.publishes.push(Publication { to: "bus".into(), ..Publication::default() });
    let mut services = vec![writer];
    let mut links = Vec::new();
    for i in 0..copies {
        let id = format!("copy-{i}");
        links.push(link("bus", &id, exponential(mean_ms)));
        links.push(link(&id, "bus", nothing()));
        services.push(Service { subscribes: vec![subscription()], ..service(&id) });
    }
    Scenario {
        default_latency: nothing(),
        services,
        buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
        links,
        until_ms: 1e6,
        ..Scenario::default()
    }
}

fn operate(at_ms: f64, service: &str, value: i64) -> Step {
    let operation = Operation::Write { key: "x".into(), value: value.into() };
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

/// Runs a scenario with one seed, and hands each fact to a closure.
fn watch(scenario: &Scenario, mut look: impl FnMut(u64, &Fact)) {
    scenario.validate().expect("sound");
    let mut run = Run::new(scenario);
    let there = run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| look(record.at, &record.fact));
    assert!(there && run.engine().halt().is_none());
}

/// Law 1, of one copy and no quorum: a copy is stale t after the acknowledgement with e^(−λt).
#[test]
fn a_copy_reflects_an_update_after_an_exponential_time() {
    let mut scenario = fan_out(1, 10.0);
    scenario.until_ms = 60_000_000.0;
    scenario.clients.push(client("client", "writer", Arrivals::Periodic { every_ms: 1000.0 }, 0.0));
    let mut sweep = Sweep::new(&scenario);
    sweep.run(&scenario, 1).expect("once");
    for (share, t) in sweep.reflected.iter().zip(GRID) {
        let p = 1.0 - (-(t as f64) / 10_000.0).exp();
        // Within a microsecond of the truth, for time is counted in those.
        if t > 0 && p < 0.999_99 {
            proportion(&format!("reflected after {t} µs"), share.held, share.of, p);
        }
    }
}

/// Law 1's tenth millisecond, by reads: P(stale) = e^(−λ(t + r)) with the request 4 ms under way.
#[test]
fn a_read_is_stale_with_what_is_left_when_it_arrives() {
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
    proportion("stale 10 ms after", sweep.reads.stale, sweep.reads.count, (-1.0f64).exp());
}

/// Law 4: Poisson writes at rate γ, iid Exp(λ) lag, newest wins: P(lag ≥ k versions) = Π γ/(γ + iλ).
#[test]
fn a_follower_lags_by_so_many_versions() {
    for (gamma, lambda) in [(0.1, 0.1), (0.3, 0.1)] {
        let mut scenario = fan_out(1, 1.0 / lambda);
        scenario.until_ms = 4_000_000.0;
        scenario.clients.push(client("writes", "writer", Arrivals::Poisson { per_second: gamma * 1000.0 }, 0.0));
        // Far enough apart that two reads see nothing of each other.
        scenario.clients.push(client("reads", "copy-0", Arrivals::Periodic { every_ms: 97.0 }, 1.0));
        scenario.validate().expect("sound");
        let mut run = Run::new(&scenario);
        let mut lags: BTreeMap<u32, u64> = BTreeMap::new();
        let mut reads = 0;
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, analysis, _| {
            if let (Fact::OperationEnded { .. }, Some(ended)) = (&record.fact, analysis.operations.last())
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
            proportion(&format!("γ={gamma} λ={lambda}, {k} behind or more"), lagging, reads, p);
        }
    }
}

/// Law 4 with a constant lag d: P(lag ≥ k) = P(Poisson(γd) ≥ k).
#[test]
fn a_follower_with_a_constant_lag_is_behind_by_a_poisson_number() {
    let mut scenario = fan_out(1, 10.0);
    scenario.links[0].latency = Some(Latency::Constant { ms: 20.0 });
    scenario.until_ms = 4_000_000.0;
    scenario.clients.push(client("writes", "writer", Arrivals::Poisson { per_second: 50.0 }, 0.0));
    scenario.clients.push(client("reads", "copy-0", Arrivals::Periodic { every_ms: 97.0 }, 1.0));
    let mut sweep = Sweep::new(&scenario);
    sweep.run(&scenario, 1).expect("once");
    proportion("one behind or more", sweep.reads.stale, sweep.reads.count, 1.0 - (-1.0f64).exp());
}

/// Law 5: the latency to the k-th of N iid Exp(mean m) is m(H_N − H_{N−k}): 3.33, 8.33, 18.33 of three with mean 10.
#[test]
fn the_kth_of_n_copies_has_an_update_after_the_mean_order_statistic() {
    for n in [3usize, 5] {
        let mut scenario = fan_out(n, 10.0);
        scenario.until_ms = 20_000_000.0;
        scenario.clients.push(client("client", "writer", Arrivals::Periodic { every_ms: 1000.0 }, 0.0));
        let mut committed: BTreeMap<UpdateId, u64> = BTreeMap::new();
        let mut taken: BTreeMap<UpdateId, Vec<u64>> = BTreeMap::new();
        watch(&scenario, |at, fact| match fact {
            Fact::UpdateCommitted { update, .. } => {
                committed.insert(*update, at);
            }
            Fact::UpdateApplied { update, .. } => taken.entry(*update).or_default().push(at),
            _ => {}
        });
        let harmonic = |n: usize| (1..=n).map(|i| 1.0 / i as f64).sum::<f64>();
        for k in 1..=n {
            let latencies: Vec<f64> = taken
                .iter()
                .filter(|(_, times)| times.len() == n)
                .map(|(update, times)| (times[k - 1] - committed[update]) as f64 / 1000.0)
                .collect();
            assert!(latencies.len() > 19_000);
            mean(&format!("{k} of {n}"), &latencies, 10.0 * (harmonic(n) - harmonic(n - k)));
        }
    }
}

/// Law 6: two writes a true gap g apart at nodes with N(0, σ²) clock offsets, last writer wins by wall clock: the later
/// is lost with Φ(−g/(σ√2)); σ = 5, g = 4: .2858.
#[test]
fn a_clock_that_is_behind_loses_the_later_write() {
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
            default_latency: nothing(),
            services: vec![a, b, copy],
            buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
            script: vec![operate(100.0, "a", 1), operate(100.0 + gap, "b", 2)],
            until_ms: 1000.0,
            ..Scenario::default()
        };
        let runs = 20_000;
        let mut lost = 0;
        for seed in 0..runs {
            let scenario = Scenario { seed, ..scenario.clone() };
            let mut run = Run::new(&scenario);
            run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
            let names = run.engine().names();
            let (node, key) = (names.find_node("copy").expect("a node"), names.find_key(None, "x").expect("a key"));
            let held = run.analysis().staleness.at(node, key).and_then(|copy| copy.held()).expect("a value");
            lost += u64::from(held.value == Some(1.into()));
        }
        proportion(&format!("σ={sigma} g={gap}"), lost, runs, expected);
    }
}

/// A writer whose events are each published on their own, far apart, to one consumer.
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

/// Law 7: iid failure p, at most m deliveries: P(dead-lettered) = p^m, E[deliveries] = (1 − p^m)/(1 − p).
#[test]
fn retries_run_out_as_often_as_they_should() {
    for (p, m) in [(0.3, 5), (0.5, 3), (0.9, 2)] {
        let retried = Subscription { fails: p, max_deliveries: Some(m), ..subscription() };
        let scenario = deliveries(retried, 400_000, 1.0);
        let mut sweep = Sweep::new(&scenario);
        sweep.run(&scenario, 1).expect("once");
        assert!(sweep.published >= 399_999);
        let dead = p.powi(m as i32);
        proportion(&format!("p={p} m={m} dead-lettered"), sweep.dead_lettered, sweep.published, dead);
        // The spread of the number of deliveries, from its distribution: geometric, cut at m.
        let expected = (1.0 - dead) / (1.0 - p);
        let second: f64 = (1..=m)
            .map(|n| f64::from(n * n) * if n == m { p.powi(m as i32 - 1) } else { p.powi(n as i32 - 1) * (1.0 - p) })
            .sum();
        let band = 4.0 * ((second - expected * expected) / sweep.published as f64).sqrt();
        let measured = sweep.deliveries.mean().expect("events");
        assert!((measured - expected).abs() <= band, "p={p} m={m}: {measured}, expected {expected} ± {band}");
    }
}

/// Law 7: acknowledgements lost with probability q, redelivery without end: 1/(1 − q) executions, and with an inbox one
/// effect.
#[test]
fn a_lost_acknowledgement_runs_the_handler_again_but_an_inbox_has_one_effect() {
    for inbox in [None, Some(Inbox { window_ms: None })] {
        let q = 0.25;
        let has_inbox = inbox.is_some();
        let consumer = Subscription { effect: Effect::Increment, ack_deadline_ms: 1.0, inbox, ..subscription() };
        let mut scenario = deliveries(consumer, 200_000, 1.0);
        scenario.links.push(link("bus", "copy-0", nothing()));
        scenario.links.push(Link { loss: q, ..link("copy-0", "bus", nothing()) });
        let mut sweep = Sweep::new(&scenario);
        sweep.run(&scenario, 1).expect("once");
        let (n, expected) = (sweep.published as f64, 1.0 / (1.0 - q));
        let band = 4.0 * (q.sqrt() / (1.0 - q)) / n.sqrt();
        let executions = sweep.executions as f64 / n;
        assert!((executions - expected).abs() <= band, "{executions}, expected {expected} ± {band}");
        if has_inbox {
            assert_eq!(sweep.effects, sweep.published, "exactly one effect each");
        } else {
            assert_eq!(sweep.effects, sweep.executions);
        }
    }
}

/// Law 7: processing ~ Exp(mean μ) against a visibility timeout v: premature redelivery with e^(−v/μ).
#[test]
fn processing_that_outlasts_the_visibility_timeout_is_delivered_again() {
    let slow = Subscription { processing: exponential(10.0), ack_deadline_ms: 30.0, ..subscription() };
    let scenario = deliveries(slow, 300_000, 1.0);
    let (mut first, mut again) = (0, 0);
    watch(&scenario, |_, fact| match fact {
        Fact::EventSent { attempt: 1, .. } => first += 1,
        Fact::EventSent { attempt: 2, .. } => again += 1,
        _ => {}
    });
    proportion("delivered again", again, first, (-3.0f64).exp());
}

/// Law 13 is in `conservation.rs`; here that the waits of each backoff are what the AWS architecture blog defines.
#[test]
fn each_backoff_waits_as_it_is_defined() {
    let waits = |backoff: Backoff| {
        let consumer = Subscription { fails: 1.0, max_deliveries: Some(6), backoff, ..subscription() };
        let scenario = deliveries(consumer, 4000, 10_000.0);
        let mut waits: Vec<Vec<f64>> = vec![Vec::new(); 5];
        watch(&scenario, |at, fact| {
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
        mean("full", waits, doubled[n] / 2.0);
    }
    for (n, waits) in waits(Backoff::EqualJitter { base_ms, cap_ms }).iter().enumerate() {
        assert!(waits.iter().all(|wait| (doubled[n] / 2.0..=doubled[n]).contains(wait)), "equal, {n}");
        mean("equal", waits, doubled[n] * 0.75);
    }
    let decorrelated = waits(Backoff::DecorrelatedJitter { base_ms, cap_ms });
    assert!(decorrelated.iter().flatten().all(|wait| (base_ms..=cap_ms).contains(wait)));
    // U(10, 30), then U(10, 3·that), not yet at the cap: 20, then (10 + 3·20)/2.
    mean("decorrelated, first", &decorrelated[0], 20.0);
    mean("decorrelated, second", &decorrelated[1], 35.0);
}

/// Acknowledged never or before processing, an event is delivered at most once, however often handling fails.
#[test]
fn at_most_once_never_delivers_again() {
    for acknowledge in [Acknowledge::Never, Acknowledge::BeforeProcessing] {
        let scenario = deliveries(Subscription { acknowledge, fails: 0.5, ..subscription() }, 2000, 1.0);
        let mut engine = Engine::new(&scenario, Level::Full);
        engine.run_until(micros(scenario.until_ms), u64::MAX);
        let again =
            engine.trace().since(0).filter(|record| matches!(record.fact, Fact::EventSent { attempt: 2.., .. }));
        assert_eq!(again.count(), 0);
    }
}

/// Law 17: 100 clients that contend for one key by optimistic locking, over a network of N(10, 2) ms, with base 5 and
/// cap 2000 (Brooker, AWS architecture blog 2015, whose simulator counts the writes): full jitter makes about 800 calls in
/// about 5 s; without jitter it is about 1850 calls in about 63 s. The simulator's first wait is twice the base.
#[test]
fn jitter_takes_the_storm_out_of_contending_clients() {
    let contend = |backoff: Backoff| {
        let mut clients = client("clients", "server", Arrivals::Closed { think: nothing() }, 0.0);
        clients.sessions = 100;
        if let Some(workload) = &mut clients.generate {
            workload.optimistic = Some(backoff);
            // Each of them writes once.
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
        let (mut calls, mut took) = (0u64, 0u64);
        for seed in 0..runs {
            let mut writes = 0;
            let mut last = 0;
            watch(&Scenario { seed, ..scenario.clone() }, |at, fact| match fact {
                Fact::OperationIssued { kind: OperationKind::CompareAndSet, .. } => calls += 1,
                Fact::OperationEnded { .. } => last = at,
                Fact::UpdateCommitted { .. } => writes += 1,
                _ => {}
            });
            assert_eq!(writes, 100, "seed {seed}: every client gets its write through");
            took += last;
        }
        (calls as f64 / runs as f64, took as f64 / runs as f64 / 1e6)
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
