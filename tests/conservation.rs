//! In random systems under random faults, every message and event is accounted for. With every defence enabled, every copy
//! converges after the faults heal.

use crate::common::random::{self, random_tests};
use converge::analysis::CopyState;
use converge::engine::Engine;
use converge::scenario::{
    Acknowledge, Acks, Arrivals, Attachment, Backoff, Bus, Client, Command, CommitRule, Connection, Effect, Forward,
    InSync, Inbox, Keys, LateAcknowledgement, Latency, Limit, Link, OnFailure, Operation, Order, Polling, Publication,
    PublishMode, PublishRetry, ReaderSession, Replication, Scenario, Service, Step, Subscription, Topic, Weighted,
    Workload, micros,
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

/// Generates one subscription.
fn subscription() -> impl Strategy<Value = Subscription> {
    let acknowledge =
        prop_oneof![Just(Acknowledge::Never), Just(Acknowledge::BeforeProcessing), Just(Acknowledge::AfterProcessing)];
    let effect = prop_oneof![
        Just(Effect::SetIfNewer),
        Just(Effect::Overwrite),
        Just(Effect::LastWriterWins),
        Just(Effect::Increment)
    ];
    let order = prop_oneof![Just(Order::None), Just(Order::FifoPerKey), Just(Order::Log)];
    let backoff = prop_oneof![
        Just(Backoff::None),
        (1.0f64..50.0).prop_map(|ms| Backoff::Fixed { ms }),
        (1.0f64..20.0).prop_map(|base_ms| Backoff::Exponential { base_ms, cap_ms: 200.0 }),
        (1.0f64..20.0).prop_map(|base_ms| Backoff::EqualJitter { base_ms, cap_ms: 200.0 }),
        (1.0f64..20.0).prop_map(|base_ms| Backoff::FullJitter { base_ms, cap_ms: 200.0 }),
        (1.0f64..20.0).prop_map(|base_ms| Backoff::DecorrelatedJitter { base_ms, cap_ms: 200.0 }),
    ];
    let limit = prop_oneof![Just(Limit::Deliveries), Just(Limit::Redeliveries)];
    let limits = (prop::option::of(1u32..6), limit, proptest::bool::ANY, proptest::bool::ANY, 1u32..5);
    let inbox = prop::option::of(prop::option::of(1.0f64..500.0).prop_map(|window_ms| Inbox { window_ms }));
    let session = (20.0f64..400.0, 0.1f64..0.9, 5.0f64..500.0).prop_map(|(timeout_ms, share, max_poll_ms)| {
        ReaderSession { timeout_ms, heartbeat_ms: timeout_ms * share, max_poll_ms }
    });
    let options =
        (prop::option::of(Just("group".to_string())), prop::option::of(1.0f64..60.0), inbox, prop::option::of(session));
    (acknowledge, effect, order, backoff, latency(), 0.0f64..0.6, 5.0f64..200.0, (limits, options)).prop_map(
        |(acknowledge, effect, order, backoff, processing, fails, ack_deadline_ms, (limits, options))| Subscription {
            to: "bus".into(),
            acknowledge,
            effect,
            order,
            backoff,
            processing,
            fails,
            ack_deadline_ms,
            max_deliveries: limits.0,
            limit: limits.1,
            dead_letter: limits.2,
            dead_letter_renews_time: limits.3,
            max_in_flight: limits.4,
            group: options.0,
            commit_every_ms: options.1,
            inbox: options.2,
            session: options.3,
            ..Subscription::default()
        },
    )
}

/// Adds how the consumer is attached, and its rules for late acknowledgements and failures. A reader of a log has neither.
fn attached(subscriptions: impl Strategy<Value = Subscription>) -> impl Strategy<Value = Subscription> {
    let connection = (prop::option::of(1u32..5), prop::option::of(20.0f64..400.0), proptest::bool::ANY).prop_map(
        |(prefetch, heartbeat_ms, requeue_on_close)| {
            Attachment::Connection(Connection { prefetch, heartbeat_ms, requeue_on_close })
        },
    );
    let polling = (1u32..5, 5.0f64..300.0, 0u32..3)
        .prop_map(|(batch, wait_ms, prefetch)| Attachment::Polling(Polling { batch, wait_ms, prefetch }));
    let late = prop_oneof![
        Just(LateAcknowledgement::Accept),
        Just(LateAcknowledgement::Ignore),
        Just(LateAcknowledgement::Refuse)
    ];
    let failure = prop_oneof![Just(OnFailure::Refuse), Just(OnFailure::Wait)];
    let rules = (prop::option::of(late), prop::option::of(failure));
    (subscriptions, prop::option::of(prop_oneof![connection, polling]), rules).prop_map(
        |(subscription, attach, (late, failure))| {
            if subscription.order == Order::Log {
                return subscription;
            }
            Subscription { attach, late_acknowledgement: late, on_failure: failure, ..subscription }
        },
    )
}

/// All links of the system. The last one exists if the writer calls the callee.
const LINKS: [(&str, &str); 5] =
    [("client", "writer"), ("writer", "bus"), ("bus", "copy-0"), ("bus", "copy-1"), ("writer", "callee")];

fn disturbance() -> impl Strategy<Value = Command> {
    let chances = (0.0f64..0.6, 0.0f64..0.6, 0.0f64..0.6);
    (prop::sample::select(&LINKS[..]), proptest::bool::ANY, chances, prop::option::of(latency())).prop_map(
        |((from, to), one_way, (loss, duplicate, reorder), delay)| Command::DisturbLink {
            from: from.into(),
            to: to.into(),
            one_way,
            loss,
            duplicate,
            delay,
            reorder,
        },
    )
}

/// Generates a publication mode and the gap between commit and publication, ms.
fn publish_mode() -> impl Strategy<Value = (PublishMode, f64)> {
    let relay = (1.0f64..80.0, 1u32..6);
    prop_oneof![
        (0.0f64..20.0).prop_map(|gap_ms| (PublishMode::AfterCommit, gap_ms)),
        (0.0f64..20.0).prop_map(|gap_ms| (PublishMode::BeforeCommit, gap_ms)),
        relay.clone().prop_map(|(poll_ms, batch)| (PublishMode::Outbox { poll_ms, batch }, 0.0)),
        (relay, prop_oneof![Just(0.0), Just(60_000.0), 1.0f64..500.0]).prop_map(|((poll_ms, batch), flush_ms)| {
            (PublishMode::ChangeDataCapture { poll_ms, batch, flush_ms }, 0.0)
        }),
    ]
}

fn bus() -> impl Strategy<Value = Bus> {
    let topic = (1u32..4, prop::option::of(1.0f64..800.0), prop::option::of(50.0f64..3000.0));
    let in_sync = (1u32..3, 1.0f64..100.0, proptest::bool::ANY).prop_map(|(min_insync, lag_ms, unclean_election)| {
        CommitRule::InSync(InSync { min_insync, lag_ms, unclean_election })
    });
    let commit = prop_oneof![2 => in_sync, 1 => Just(CommitRule::Majority)];
    let replication = (2u32..5, latency(), 1.0f64..400.0, commit)
        .prop_map(|(replicas, latency, session_ms, commit)| Replication { replicas, latency, session_ms, commit });
    (0.0f64..60.0, proptest::bool::ANY, topic, prop::option::of(replication)).prop_map(
        |(flush_ms, acknowledges_flushed, (partitions, dedup_ms, retention_ms), replication)| Bus {
            replication,
            id: "bus".into(),
            topics: vec![Topic { name: "updates".into(), partitions, dedup_ms, retention_ms }],
            flush_ms,
            acknowledges_flushed,
            ..Bus::default()
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let link = prop::sample::select(&LINKS[..]);
    let service = prop::sample::select(vec!["writer", "callee", "copy-0", "copy-1"]);
    let copy = prop::sample::select(vec!["copy-0", "copy-1"]);
    let any = prop::sample::select(vec!["writer", "callee", "bus", "copy-0", "copy-1", "client"]);
    prop_oneof![
        (link, proptest::bool::ANY).prop_map(|((from, to), one_way)| Command::CutLink {
            from: from.into(),
            to: to.into(),
            one_way
        }),
        (service.clone(), proptest::bool::ANY)
            .prop_map(|(id, lose_disk)| Command::Crash { service: id.into(), lose_disk }),
        service.clone().prop_map(|id| Command::Restart { service: id.into() }),
        disturbance(),
        copy.clone()
            .prop_map(|id| Command::Partition { groups: vec![vec!["writer".into(), id.into()], vec!["bus".into()]] }),
        any.clone().prop_map(|id| Command::Pause { node: id.into() }),
        any.prop_map(|id| Command::Resume { node: id.into() }),
        (service.clone(), 0.1f64..20.0).prop_map(|(id, factor)| Command::SlowDown { service: id.into(), factor }),
        (service.clone(), -50.0f64..50.0).prop_map(|(id, by_ms)| Command::JumpClock { service: id.into(), by_ms }),
        proptest::bool::ANY.prop_map(|lose_unflushed| Command::StopBus { bus: "bus".into(), lose_unflushed }),
        Just(Command::StartBus { bus: "bus".into() }),
        (prop::option::of(1u32..5), proptest::bool::ANY).prop_map(|(broker, lose_disk)| Command::StopBroker {
            bus: "bus".into(),
            broker,
            lose_disk
        }),
        prop::option::of(1u32..5).prop_map(|broker| Command::StartBroker { bus: "bus".into(), broker }),
        Just(Command::Rebalance { bus: "bus".into() }),
        copy.clone().prop_map(|id| Command::Redrive { bus: "bus".into(), service: id.into() }),
        copy.prop_map(|id| Command::Purge { bus: "bus".into(), service: id.into() }),
        (1i64..100, proptest::bool::ANY).prop_map(|(by, poison)| Command::Operate {
            service: "writer".into(),
            operation: Operation::Increment { key: "key1".into(), by },
            poison,
        }),
        Just(Command::HealAll),
    ]
}

/// Returns the service that makes all updates. With `calls`, it calls another one before each commit.
fn writer(publication: Publication, calls: bool) -> Service {
    let mut writer = Service { id: "writer".into(), publishes: vec![publication], ..Service::default() };
    writer.data.insert("key1".into(), 0.into());
    if calls {
        writer.calls.push(converge::scenario::Call { to: "callee".into(), timeout_ms: 60.0, operation: None });
    }
    writer
}

/// Returns a copy. With `chain`, the first copy forwards what it applies to the tail of a chain.
fn copy(number: usize, subscription: Subscription, chain: bool) -> Service {
    let forwarded = (chain && number == 0).then(|| Publication {
        to: "chain".into(),
        mode: PublishMode::Outbox { poll_ms: 20.0, batch: 4 },
        forward: Some(Forward { from: Some("bus".into()), ..Forward::default() }),
        ..Publication::default()
    });
    Service {
        id: format!("copy-{number}"),
        subscribes: vec![subscription],
        publishes: Vec::from_iter(forwarded),
        ..Service::default()
    }
}

/// Returns the tail of the chain.
fn tail() -> Service {
    let subscription = Subscription { to: "chain".into(), ..Subscription::default() };
    Service { id: "tail".into(), subscribes: vec![subscription], ..Service::default() }
}

fn client(optimistic: Option<Backoff>) -> Client {
    let workload = Workload {
        arrivals: Arrivals::Poisson { per_second: 15.0 },
        keys: Keys::Uniform { prefix: "key".into(), count: 3 },
        read_share: 0.3,
        optimistic,
        from_ms: 0.0,
        until_ms: Some(1200.0),
    };
    Client {
        id: "client".into(),
        target: "writer".into(),
        sessions: 2,
        timeout_ms: 150.0,
        generate: Some(workload),
        ..Client::default()
    }
}

/// Generates a system: a writer with a client and a callee, a bus, and two copies.
fn system() -> impl Strategy<Value = Scenario> {
    let links = prop::collection::vec((latency(), 0.0f64..0.4, 0.0f64..0.4, proptest::bool::ANY), 4);
    let script = prop::collection::vec((0.0f64..1500.0, command()), 0..12);
    let shape = (
        proptest::bool::ANY,
        1u32..4,
        0u32..5,
        prop::option::of(1u32..8),
        publish_mode(),
        (bus(), proptest::bool::ANY, prop_oneof![Just(Acks::None), Just(Acks::Leader), Just(Acks::All)]),
    );
    let couplings = (proptest::bool::ANY, proptest::bool::ANY);
    (any::<u32>(), links, script, attached(subscription()), attached(subscription()), (shape, couplings)).prop_map(
        |(
            seed,
            links,
            script,
            first,
            second,
            ((calls, concurrency, queue, attempts, (mode, gap_ms), (bus, optimistic, acks)), (shares_store, chain)),
        )| {
            let optimistic = optimistic.then_some(Backoff::FullJitter { base_ms: 5.0, cap_ms: 50.0 });
            let retry = attempts.map(|attempts| PublishRetry { timeout_ms: 40.0, attempts });
            let direct = matches!(mode, PublishMode::AfterCommit | PublishMode::BeforeCommit);
            // A publisher with retries waits for an acknowledgement.
            let acks = if retry.is_some() || !direct { acks.max(Acks::Leader) } else { acks };
            let brokers = bus.replication.as_ref().map_or(0, |replication| replication.replicas);
            let exists = |step: &(f64, Command)| match &step.1 {
                Command::StopBroker { broker, .. } | Command::StartBroker { broker, .. } => {
                    broker.unwrap_or(1) <= brokers
                }
                Command::CutLink { to, .. } | Command::DisturbLink { to, .. } => calls || to != "callee",
                _ => true,
            };
            let script = script.into_iter().filter(exists);
            let publication = Publication { to: "bus".into(), retry, mode, gap_ms, acks, ..Publication::default() };
            let writer = Service { concurrency, queue, ..writer(publication, calls) };
            let copy = |i: usize, subscription: Subscription| Service {
                concurrency,
                queue,
                store: shares_store.then(|| "store".to_string()),
                ..copy(i, subscription, chain)
            };
            let links = LINKS.iter().zip(links).map(|((from, to), (latency, loss, duplicate, fifo))| Link {
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
                    tail(),
                ],
                buses: vec![bus, Bus { id: "chain".into(), ..Bus::default() }],
                clients: vec![client(optimistic)],
                links: links.collect(),
                script: script.map(|(at_ms, command)| Step { at_ms, command }).collect(),
                ..Scenario::default()
            }
        },
    )
}

/// Enables every defence: outbox, unlimited retries, acknowledgement after processing, and an idempotent effect or an inbox.
fn enable_defences(scenario: &mut Scenario) {
    // Deadlines exceed the usual round trip, and queues are large. Shorter deadlines cause a retry storm that outlives its cause.
    let increments = scenario
        .services
        .iter()
        .flat_map(|service| &service.subscribes)
        .any(|subscription| subscription.effect == Effect::Increment);
    for service in &mut scenario.services {
        service.queue = 1000;
        if increments {
            // With one store, each copy would add every increment to it.
            service.store = None;
        }
        for publication in &mut service.publishes {
            publication.retry = Some(PublishRetry { timeout_ms: 1000.0, attempts: 100_000 });
            publication.acks = Acks::All;
            if matches!(publication.mode, PublishMode::AfterCommit | PublishMode::BeforeCommit) {
                publication.mode = PublishMode::Outbox { poll_ms: 20.0, batch: 4 };
            }
        }
        for subscription in &mut service.subscribes {
            subscription.acknowledge = Acknowledge::AfterProcessing;
            subscription.max_deliveries = None;
            subscription.ack_deadline_ms = 5000.0;
            subscription.group = None;
            subscription.on_failure = (subscription.order != Order::Log).then_some(OnFailure::Refuse);
            // Heartbeats survive some losses.
            if let Some(Attachment::Connection(Connection { heartbeat_ms: Some(heartbeat_ms), .. })) =
                &mut subscription.attach
            {
                *heartbeat_ms += 3000.0;
            }
            // A session covers several heartbeats, and processing stays within the poll interval.
            if let Some(session) = &mut subscription.session {
                *session = ReaderSession { timeout_ms: 3000.0, heartbeat_ms: 500.0, max_poll_ms: 100_000.0 };
            }
            match subscription.effect {
                Effect::Increment => subscription.inbox = Some(Inbox { window_ms: None }),
                Effect::SetIfNewer | Effect::Overwrite | Effect::LastWriterWins => {
                    subscription.effect = Effect::SetIfNewer;
                    // The inbox is as durable as the rows of the store.
                    subscription.inbox = None;
                }
            }
        }
    }
    scenario.buses[0].topics[0].retention_ms = None;
    // A broker that misses committed events never leads. The permitted lag exceeds the fetch latency; otherwise no follower is
    // ever in sync and nothing is acknowledged.
    if let Some(CommitRule::InSync(in_sync)) =
        scenario.buses[0].replication.as_mut().map(|replication| &mut replication.commit)
    {
        (in_sync.unclean_election, in_sync.lag_ms) = (false, 10_000.0);
    }
    // An optimistic write whose replies are always late would be retried forever.
    scenario.clients[0].timeout_ms = 10_000.0;
    // No defence covers lost disks, lost unflushed events, and poison messages.
    for step in &mut scenario.script {
        match &mut step.command {
            Command::Crash { lose_disk, .. } | Command::StopBroker { lose_disk, .. } => *lose_disk = false,
            Command::StopBus { lose_unflushed, .. } => *lose_unflushed = false,
            Command::Operate { poison, .. } => *poison = false,
            _ => {}
        }
    }
}

random_tests! { conservation, 3000;
    #[test]
    fn messages_and_events_are_conserved_at_every_step_under_faults(scenario in system()) {
        scenario.validate().expect("a valid scenario");
        let mut engine = Engine::new(&scenario, Level::Digest);
        let mut steps = 0;
        while steps < 20_000 && engine.step() {
            steps += 1;
            prop_assert!(engine.messages().conserved(), "after {steps} steps: {:?}", engine.messages());
            for events in engine.bus_events() {
                prop_assert!(events.conserved(), "after {steps} steps: {events:?}");
            }
        }
        let mut repeated = Engine::new(&scenario, Level::Digest);
        repeated.run_until(engine.now(), steps);
        prop_assert_eq!(repeated.trace().digest().value(), engine.trace().digest().value());
    }
}

random_tests! { convergence, 2000;
    /// The defences: outbox, unlimited retries, acknowledgement after processing, and an idempotent effect or an inbox.
    #[test]
    fn with_every_defence_enabled_each_effect_happens_exactly_once_at_every_copy_after_faults_heal(mut scenario in system()) {
        enable_defences(&mut scenario);
        scenario.script.push(Step { at_ms: 1600.0, command: Command::HealAll });
        scenario.validate().expect("a valid scenario");
        let mut run = Run::new(&scenario);
        // Heartbeats never end: the run continues for a while, and then until nothing else is in flight.
        let sends_heartbeats = |subscription: &Subscription| match subscription.order {
            Order::Log => subscription.session.is_some(),
            Order::None | Order::FifoPerKey => subscription.attach.is_some(),
        };
        let has_heartbeats =
            scenario.services.iter().flat_map(|service| &service.subscribes).any(sends_heartbeats);
        run.advance(micros(if has_heartbeats { 1e4 } else { 1e9 }), 3_000_000, &mut |_, _, _| {});
        while has_heartbeats && !run.is_quiet() && run.engine().now() < micros(1e7) {
            run.advance(run.engine().now() + micros(1e4), 3_000_000, &mut |_, _, _| {});
        }
        let staleness = &run.analysis().staleness;
        prop_assert!(run.is_quiet(), "still under way: {:?}", run.engine().messages());
        let names = run.engine().names();
        let node = |id: &str| names.find_node(id).expect("a node");
        // The first copy forwards what it applies.
        let is_chain = scenario
            .services
            .iter()
            .flat_map(|service| &service.publishes)
            .any(|publication| publication.forward.is_some());
        for (key, written) in staleness.copies_of(node("writer")) {
            // The copies start without the writer's initial data and receive a key only with its next update.
            let Some(held) = written.held().filter(|held| held.update.is_some()) else { continue };
            for id in ["copy-0", "copy-1"].into_iter().chain(is_chain.then_some("tail")) {
                let copy = staleness.copy(node(id), key).expect("a copy");
                let value = copy.held().and_then(|held| held.value.as_ref());
                prop_assert_eq!(value, held.value.as_ref(), "{} {}: {:?}", id, names.key(key), copy);
                prop_assert_eq!(copy.state(), CopyState::Consistent, "{} {}: {:?}", id, names.key(key), copy);
            }
        }
    }
}
