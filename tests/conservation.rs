//! Nothing is lost without a record, under random systems and faults; and with every defence on, every copy
//! converges once faults are healed.

use converge::engine::Engine;
use converge::scenario::{
    Acknowledge, Arrivals, Backoff, Bus, Client, Command, Effect, Keys, Latency, Link, Order, Publication,
    PublishRetry, Scenario, Service, Step, Subscription, Weighted, Workload, micros,
};
use converge::session::Run;
use converge::trace::Level;
use proptest::prelude::*;

fn latency() -> impl Strategy<Value = Latency> {
    prop_oneof![
        (0.0f64..50.0).prop_map(|ms| Latency::Constant { ms }),
        (0.0f64..20.0).prop_map(|low_ms| Latency::Uniform { low_ms, high_ms: low_ms + 30.0 }),
        (0.0f64..50.0).prop_map(|mean_ms| Latency::Exponential { mean_ms }),
        (0.0f64..50.0, 0.0f64..20.0).prop_map(|(mean_ms, sd_ms)| Latency::Normal { mean_ms, sd_ms }),
        (0.0f64..50.0, 0.0f64..1.0).prop_map(|(median_ms, sigma)| Latency::Lognormal { median_ms, sigma }),
        (0.1f64..20.0, 1.2f64..5.0).prop_map(|(scale_ms, shape)| Latency::Pareto { scale_ms, shape }),
        (0.0f64..50.0).prop_map(|ms| Latency::Mixture {
            parts: vec![
                Weighted { weight: 3.0, of: Latency::Exponential { mean_ms: ms } },
                Weighted { weight: 1.0, of: Latency::Constant { ms } },
            ]
        }),
        prop::collection::vec(0.0f64..80.0, 1..6).prop_map(|ms| Latency::Samples { ms }),
    ]
}

/// What is drawn for one subscription.
fn subscription() -> impl Strategy<Value = Subscription> {
    let acknowledge =
        prop_oneof![Just(Acknowledge::Never), Just(Acknowledge::BeforeProcessing), Just(Acknowledge::AfterProcessing)];
    let effect = prop_oneof![Just(Effect::SetIfNewer), Just(Effect::Overwrite)];
    let order = prop_oneof![Just(Order::None), Just(Order::FifoPerKey)];
    let backoff = prop_oneof![
        Just(Backoff::None),
        (1.0f64..50.0).prop_map(|ms| Backoff::Fixed { ms }),
        (1.0f64..20.0).prop_map(|base_ms| Backoff::Exponential { base_ms, cap_ms: 200.0 }),
    ];
    let limits = (prop::option::of(1u32..6), any::<bool>(), 1u32..5);
    (acknowledge, effect, order, backoff, latency(), 0.0f64..0.6, 5.0f64..200.0, limits).prop_map(
        |(acknowledge, effect, order, backoff, processing, fails, ack_deadline_ms, limits)| Subscription {
            to: "bus".into(),
            acknowledge,
            effect,
            order,
            backoff,
            processing,
            fails,
            ack_deadline_ms,
            max_deliveries: limits.0,
            dead_letter: limits.1,
            max_in_flight: limits.2,
            ..Subscription::default()
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let node = prop_oneof![Just("writer"), Just("bus"), Just("copy-0"), Just("copy-1")];
    let service = prop_oneof![Just("writer"), Just("callee"), Just("copy-0"), Just("copy-1")];
    prop_oneof![
        (node, any::<bool>()).prop_filter_map("a link", |(to, one_way)| match to {
            "bus" => Some(Command::CutLink { from: "writer".into(), to: "bus".into(), one_way }),
            "writer" => Some(Command::CutLink { from: "client".into(), to: "writer".into(), one_way }),
            to => Some(Command::CutLink { from: "bus".into(), to: to.into(), one_way }),
        }),
        service.clone().prop_map(|id| Command::Crash { service: id.into(), lose_disk: false }),
        service.prop_map(|id| Command::Restart { service: id.into() }),
        Just(Command::HealAll),
    ]
}

/// A writer with a client and a callee, a bus, and two copies.
fn system() -> impl Strategy<Value = Scenario> {
    let links = prop::collection::vec((latency(), 0.0f64..0.4, 0.0f64..0.4, any::<bool>()), 4);
    let script = prop::collection::vec((0.0f64..1500.0, command()), 0..12);
    let shape = (any::<bool>(), 1u32..4, 0u32..5, prop::option::of(1u32..8));
    (any::<u32>(), links, script, subscription(), subscription(), shape).prop_map(
        |(seed, links, script, first, second, (calls, concurrency, queue, attempts))| {
            let retry = attempts.map(|attempts| PublishRetry { timeout_ms: 40.0, attempts });
            let mut writer = Service { id: "writer".into(), concurrency, queue, ..Service::default() };
            writer.data.insert("key1".into(), 0.into());
            writer.publishes.push(Publication { to: "bus".into(), retry, ..Publication::default() });
            if calls {
                writer.calls.push(converge::scenario::Call { to: "callee".into(), timeout_ms: 60.0 });
            }
            let copy = |i: usize, subscription: Subscription| Service {
                id: format!("copy-{i}"),
                concurrency,
                queue,
                subscribes: vec![subscription],
                ..Service::default()
            };
            let ends = [("client", "writer"), ("writer", "bus"), ("bus", "copy-0"), ("bus", "copy-1")];
            let links = ends.iter().zip(links).map(|((from, to), (latency, loss, duplicate, fifo))| Link {
                from: from.to_string(),
                to: to.to_string(),
                latency: Some(latency),
                loss,
                duplicate,
                fifo,
            });
            Scenario {
                seed: seed.into(),
                until_ms: 2000.0,
                services: vec![
                    writer,
                    Service { id: "callee".into(), ..Service::default() },
                    copy(0, first),
                    copy(1, second),
                ],
                buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
                clients: vec![Client {
                    id: "client".into(),
                    name: String::new(),
                    position: None,
                    target: "writer".into(),
                    reads_from: None,
                    sessions: 2,
                    timeout_ms: 150.0,
                    script: Vec::new(),
                    generate: Some(Workload {
                        arrivals: Arrivals::Poisson { per_second: 15.0 },
                        keys: Keys::Uniform { prefix: "key".into(), count: 3 },
                        read_share: 0.3,
                        from_ms: 0.0,
                        until_ms: Some(1200.0),
                    }),
                }],
                links: links.collect(),
                script: script.into_iter().map(|(at_ms, command)| Step { at_ms, command }).collect(),
                ..Scenario::default()
            }
        },
    )
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn messages_and_events_are_conserved_at_every_instant_under_random_faults(scenario in system()) {
        scenario.validate().expect("sound");
        let mut engine = Engine::new(&scenario, Level::Digest);
        let mut steps = 0;
        while steps < 20_000 && engine.step() {
            steps += 1;
            prop_assert!(engine.messages().conserved(), "after {steps} steps: {:?}", engine.messages());
            for events in engine.bus_events() {
                prop_assert!(events.conserved(), "after {steps} steps: {events:?}");
            }
        }
        let mut again = Engine::new(&scenario, Level::Digest);
        again.run_until(engine.now(), steps);
        prop_assert_eq!(again.trace().digest().value(), engine.trace().digest().value());
    }

    /// Retries without end, acknowledgement after processing, set if newer, and healed faults: what the defences are for.
    #[test]
    fn with_every_defence_on_every_copy_converges_once_faults_are_healed(mut scenario in system()) {
        // Deadlines beyond the usual round trip, and room to wait: shorter ones make a storm of retries that outlives its cause.
        for service in &mut scenario.services {
            service.queue = 1000;
            for publication in &mut service.publishes {
                publication.retry = Some(PublishRetry { timeout_ms: 1000.0, attempts: 100_000 });
            }
            for subscription in &mut service.subscribes {
                subscription.acknowledge = Acknowledge::AfterProcessing;
                subscription.effect = Effect::SetIfNewer;
                subscription.max_deliveries = None;
                subscription.ack_deadline_ms = 5000.0;
            }
        }
        // A crash loses the publisher's retries: that is the dual write, which only an outbox mends.
        let harmless = |step: &Step| !matches!(&step.command, Command::Crash { service, .. } if service == "writer");
        scenario.script.retain(harmless);
        scenario.script.push(Step { at_ms: 1600.0, command: Command::HealAll });
        scenario.validate().expect("sound");
        let mut run = Run::new(&scenario);
        run.advance(micros(1e9), 3_000_000, &mut |_, _, _| {});
        let staleness = &run.analysis().staleness;
        prop_assert!(run.is_quiet(), "still under way: {:?}", run.engine().messages());
        let names = run.engine().names();
        let node = |id: &str| names.find_node(id).expect("a node");
        for (key, written) in staleness.copies_of(node("writer")) {
            // The copies begin without what the writer has at the start, and get it only with that key's next update.
            let Some(held) = written.held().filter(|held| held.update.is_some()) else { continue };
            for id in ["copy-0", "copy-1"] {
                let copy = staleness.at(node(id), key).expect("a copy");
                let version = copy.held().map(|held| held.version);
                prop_assert_eq!(version, Some(held.version), "{} {}: {:?}", id, names.key(key), copy);
                prop_assert_eq!(copy.behind(), 0);
            }
        }
    }
}
