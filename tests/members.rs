//! Members of replica groups that publish to buses and subscribe to them: their writes, publications and acknowledgements,
//! and the reported staleness of copies.

mod publishing;
mod subscribing;

use crate::common::faults::system_fault;
use crate::common::random::{self, random_tests};
use crate::common::runs::{MAX_EVENTS, node, run_with_facts as run};
use crate::common::scenarios::{
    assert_refused, client_steps, constant, crash, cut, exponential, heal, increment, link, operate, partition, read,
    repaired_quorum, restart, step, workload,
};
use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::HistoryRecorder;
use converge::analysis::{Convergence, CopyState, InvariantStatus, Prospect};
use converge::engine::Engine;
use converge::scenario::{
    Acknowledge, Arrivals, Backoff, Bus, Client, Command, Data, Effect, Gossip, GossipStyle, Group, Inbox, Keys,
    Latency, Operation, Order, Primary, Protocol, Publication, PublishMode, PublishRetry, Quorum, Raft, Route,
    Scenario, Service, Step, Subscription, Topic, TwoPhase, Value, VersionClock, micros,
};
use converge::session::Run;
use converge::trace::{Fact, Level};
use proptest::prelude::*;

const MEMBERS: [&str; 3] = ["r1", "r2", "r3"];

fn protocols() -> Vec<(&'static str, Protocol)> {
    let gossip = Gossip { style: GossipStyle::PushPull, every: exponential(40.0), fan_out: 1 };
    vec![
        ("quorum", Protocol::Quorum(repaired_quorum())),
        ("gossip", Protocol::Gossip(gossip)),
        ("primary", Protocol::Primary(Primary { failover_ms: Some(300.0), ..Primary::default() })),
        ("raft", Protocol::Raft(Raft::default())),
        ("chain", Protocol::Chain),
        ("two-phase", Protocol::TwoPhase(TwoPhase { timeout_ms: 100.0 })),
    ]
}

fn protocol(name: &str) -> Protocol {
    protocols().into_iter().find(|(other, _)| *other == name).expect("a protocol").1
}

fn orders_writes(protocol: &Protocol) -> bool {
    !matches!(protocol, Protocol::Quorum(_) | Protocol::Gossip(_))
}

fn service(id: &str) -> Service {
    crate::common::scenarios::service(id, 0.2)
}

fn client(script: Vec<converge::scenario::ClientStep>) -> Client {
    Client { id: "client".into(), target: "store".into(), script, ..Client::default() }
}

fn group(protocol: Protocol) -> Group {
    Group { id: "store".into(), members: MEMBERS.map(String::from).to_vec(), protocol, ..Group::default() }
}

fn subscription() -> Subscription {
    Subscription { to: "bus".into(), ack_deadline_ms: 400.0, ..Subscription::default() }
}

fn with_bus(services: Vec<Service>, protocol: Protocol) -> Scenario {
    Scenario {
        default_latency: constant(2.0),
        services,
        buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
        groups: vec![group(protocol)],
        until_ms: 4000.0,
        ..Scenario::default()
    }
}

/// A writer publishes to a bus, to which one member of a group, r2, subscribes.
fn subscribed(protocol: Protocol, subscription: Subscription) -> Scenario {
    let publish = Publication { to: "bus".into(), ..Publication::default() };
    let writer = Service { publishes: vec![publish], ..service("writer") };
    let mut services = vec![writer, service("r1"), service("r2"), service("r3")];
    services[2].subscribes.push(subscription);
    with_bus(services, protocol)
}

/// Returns a group of which one member, r1, publishes to a bus, and a service that keeps a copy.
fn publishing(protocol: Protocol, mode: PublishMode) -> Scenario {
    let publish = Publication { to: "bus".into(), mode, ..Publication::default() };
    let copy = Service { subscribes: vec![subscription()], ..service("copy") };
    let mut services = vec![service("r1"), service("r2"), service("r3"), copy];
    services[0].publishes.push(publish);
    with_bus(services, protocol)
}

fn change_data_capture() -> PublishMode {
    PublishMode::ChangeDataCapture { poll_ms: 20.0, batch: 8, flush_ms: 60_000.0 }
}

fn outbox() -> PublishMode {
    PublishMode::Outbox { poll_ms: 20.0, batch: 8 }
}

fn write(value: i64) -> Operation {
    crate::common::scenarios::write("x", value)
}

fn add(by: i64) -> Operation {
    increment("x", by)
}

/// Writes of 0, 1, 2 and so on.
fn writes(count: i64) -> Vec<Operation> {
    (0..count).map(write).collect()
}

fn held(run: &Run, id: &str) -> Option<Value> {
    let key = run.engine().names().find_key(None, "x").expect("the key that all services share");
    run.analysis().staleness.copy(node(run, id), key)?.held()?.value.clone()
}

fn state(run: &Run, id: &str) -> CopyState {
    run.analysis().staleness.state(node(run, id))
}

/// Counts the events whose write was requested of the group.
fn handled(facts: &[(u64, Fact)]) -> usize {
    facts.iter().filter(|(_, fact)| matches!(fact, Fact::EventWriteStarted { .. })).count()
}

#[test]
fn a_service_and_the_group_that_subscribes_to_it_share_their_keys_and_one_linearizable_history() {
    for (name, protocol) in protocols() {
        let mut scenario = subscribed(protocol, subscription());
        scenario.script = (0..5).map(|i| operate(600.0 + 200.0 * f64::from(i), "writer", write(i.into()))).collect();
        scenario.clients =
            vec![Client { id: "reader".into(), ..client(client_steps(750.0, 200.0, vec![read("x"); 5])) }];
        scenario.invariants = vec!["writer.x >= 0 and store.x >= 0".into()];
        assert_eq!(scenario.validate(), Ok(()));
        let (mut run, mut recorder) = (Run::new(&scenario), HistoryRecorder::default());
        run.advance(micros(4000.0), 3_000_000, &mut |record, _, _| recorder.observe(record));
        let names = run.engine().names();
        let history = recorder.history(|key| names.key(key).into(), |by, _| names.node(by).into());
        assert_eq!(history.operations.len(), 10, "{name}: only the operations of clients");
        assert_eq!(check(&history, Guarantee::Linearizable, BUDGET), Verdict::Holds, "{name}");
        let tally = run.analysis().operations.get(node(&run, "reader")).expect("its reads");
        assert_eq!((tally.reads, tally.stale_reads), (5, 0), "{name}");
        assert_eq!(run.invariants(), [InvariantStatus::Holds], "{name}");
    }
}

#[test]
fn an_option_that_a_group_cannot_have_is_refused_with_its_path() {
    let mut counters = subscribed(protocol("quorum"), subscription());
    counters.groups[0].data = Data::Counter;
    assert_refused(&counters, "groups[0].data", "a register");
    for name in ["quorum", "gossip"] {
        let adding = Subscription { effect: Effect::Increment, ..subscription() };
        assert_refused(&subscribed(protocol(name), adding), "services[2].subscribes[0].effect", "loses");
        let inbox = Subscription { inbox: Some(Inbox::default()), ..subscription() };
        assert_refused(&subscribed(protocol(name), inbox), "services[2].subscribes[0].inbox", "transaction");
        assert_refused(&publishing(protocol(name), outbox()), "services[0].publishes[0].mode", "transaction");
    }
    for (_, protocol) in protocols() {
        let early = publishing(protocol, PublishMode::BeforeCommit);
        assert_refused(&early, "services[0].publishes[0].mode", "no version");
    }
    let mut partial = subscribed(protocol("quorum"), subscription());
    partial.groups[0].protocol = Protocol::Quorum(Quorum { replicas: Some(2), ..Quorum::default() });
    assert_refused(&partial, "groups[0].protocol.quorum.replicas", "all members");
    let mut coordinating = subscribed(protocol("quorum"), subscription());
    coordinating.clients = vec![Client { route: Route::Itself, ..client(Vec::new()) }];
    assert_refused(&coordinating, "clients[0].route", "`itself`");
}

/// Faults reach every service, every member, every link that carries events, and the bus.
fn fault() -> impl Strategy<Value = Step> {
    let links = [
        ("writer", "bus"),
        ("bus", "r2"),
        ("bus", "r3"),
        ("r1", "bus"),
        ("bus", "copy"),
        ("r1", "r2"),
        ("r2", "r3"),
        ("r1", "r3"),
    ];
    let outage = (0.0f64..2500.0, proptest::bool::ANY).prop_map(|(at_ms, begins)| {
        let bus = "bus".to_string();
        let stop = Command::StopBus { bus: bus.clone(), lose_unflushed: false };
        step(at_ms, if begins { stop } else { Command::StartBus { bus } })
    });
    prop_oneof![
        6 => system_fault(&["writer", "r1", "r2", "r3", "copy"], &links, 2500.0),
        1 => outage,
    ]
}

fn random_client(id: &str, target: &str, key_prefix: &str) -> Client {
    let workload = workload(
        Arrivals::Poisson { per_second: 12.0 },
        Keys::Uniform { prefix: key_prefix.into(), count: 3 },
        0.2,
        Some(2400.0),
    );
    let (id, target) = (id.into(), target.into());
    Client { id, target, route: Route::Primary, timeout_ms: 300.0, generate: Some(workload), ..Client::default() }
}

/// A publication that is retried without limit.
fn retried_publication(topic: &str, mode: PublishMode) -> Publication {
    let retry = Some(PublishRetry { timeout_ms: 500.0, attempts: 100_000 });
    Publication { to: "bus".into(), topic: Some(topic.into()), mode, retry, ..Publication::default() }
}

/// The properties of a random system.
#[derive(Clone, Debug)]
struct Shape {
    order: Order,
    clock: VersionClock,
    /// Events add to numbers; else they write values.
    adds: bool,
    has_outbox: bool,
    commit_every_ms: Option<f64>,
    partitions: u32,
}

fn shape() -> impl Strategy<Value = Shape> {
    let order = prop::sample::select(vec![Order::None, Order::FifoPerKey, Order::Log]);
    let clock = prop::sample::select(vec![VersionClock::Wall, VersionClock::Lamport, VersionClock::Hybrid]);
    let commit_every_ms = prop::option::of(1.0f64..60.0);
    (order, clock, proptest::bool::ANY, proptest::bool::ANY, commit_every_ms, 1u32..4).prop_map(
        |(order, clock, adds, has_outbox, commit_every_ms, partitions)| Shape {
            order,
            clock,
            adds,
            has_outbox,
            commit_every_ms,
            partitions,
        },
    )
}

/// A writer publishes to a group, two members of which share the deliveries. The group's own writes, of other keys, are
/// published to a copy. Returns the scenario, and whether events add to numbers.
fn system() -> impl Strategy<Value = (Scenario, bool)> {
    (0usize..6, any::<u32>(), shape(), prop::collection::vec(fault(), 0..10)).prop_map(
        |(which, seed, shape, faults)| {
            let protocol = protocols().swap_remove(which).1;
            let adds = shape.adds && orders_writes(&protocol);
            let has_outbox = shape.has_outbox && orders_writes(&protocol);
            let poll = PublishMode::Outbox { poll_ms: 20.0, batch: 4 };
            let own_mode = if has_outbox { poll.clone() } else { change_data_capture() };
            let shared = shared_subscription(&shape, adds);
            let mut services = ["writer", "r1", "r2", "r3", "copy"].map(service).to_vec();
            services[0].publishes.push(retried_publication("in", poll));
            services[1].publishes.push(retried_publication("out", own_mode));
            services[2].subscribes.push(shared.clone());
            services[3].subscribes.push(shared);
            services[4].subscribes.push(Subscription { topic: Some("out".into()), ..subscription() });
            for service in &mut services {
                service.queue = 1000;
            }
            let topic = |name: &str| Topic { name: name.into(), partitions: shape.partitions, ..Topic::default() };
            let mut clients = vec![random_client("inside", "store", "own")];
            let mut script: Vec<Step> = faults;
            if adds {
                let addition = |i: i64| increment(&format!("key{}", i % 3 + 1), 1 + i);
                script.extend((0..25).map(|i| operate(90.0 * i as f64, "writer", addition(i))));
            } else {
                clients.push(random_client("outside", "writer", "key"));
            }
            script.push(step(2600.0, Command::HealAll));
            let scenario = Scenario {
                seed: seed.into(),
                default_latency: Latency::Lognormal { median_ms: 4.0, sigma: 0.8 },
                services,
                buses: vec![Bus { id: "bus".into(), topics: vec![topic("in"), topic("out")], ..Bus::default() }],
                groups: vec![Group { data: Data::Register { clock: shape.clock }, ..group(protocol) }],
                clients,
                script,
                until_ms: 3000.0,
                ..Scenario::default()
            };
            (scenario, adds)
        },
    )
}

/// The subscription of the two members that share the deliveries.
fn shared_subscription(shape: &Shape, adds: bool) -> Subscription {
    Subscription {
        effect: if adds { Effect::Increment } else { Effect::SetIfNewer },
        inbox: adds.then(Inbox::default),
        group: Some("workers".into()),
        acknowledge: Acknowledge::AfterProcessing,
        ack_deadline_ms: 700.0,
        backoff: Backoff::FullJitter { base_ms: 20.0, cap_ms: 300.0 },
        order: shape.order,
        commit_every_ms: shape.commit_every_ms,
        max_in_flight: 4,
        topic: Some("in".into()),
        ..subscription()
    }
}

random_tests! { groups, 2000;

    #[test]
    fn messages_and_events_of_groups_are_conserved_at_every_step_under_faults((scenario, _) in system()) {
        prop_assert_eq!(scenario.validate(), Ok(()));
        let mut engine = Engine::new(&scenario, Level::Digest);
        let mut steps = 0;
        while engine.now() < micros(4000.0) && steps < 20_000 && engine.step() {
            steps += 1;
            prop_assert!(engine.messages().conserved(), "seed {} step {steps}: {:?}", scenario.seed, engine.messages());
            for events in engine.bus_events() {
                prop_assert!(events.conserved(), "seed {} step {steps}: {events:?}", scenario.seed);
            }
        }
    }

    /// The defences: acknowledgement after the write, unlimited redelivery, and an idempotent effect or an inbox.
    #[test]
    fn with_all_defences_every_member_has_each_effect_exactly_once_after_the_faults((scenario, adds) in system()) {
        prop_assert_eq!(scenario.validate(), Ok(()));
        let loses_writes = matches!(scenario.groups[0].protocol, Protocol::Primary(_));
        let mut run = Run::new(&scenario);
        // An ordered backlog, whose writes are refused while keys are locked, takes long.
        for i in 2..60 {
            run.advance(micros(2000.0 * f64::from(i)), MAX_EVENTS, &mut |_, _, _| {});
            if run.convergence(&scenario) == Convergence::Converged {
                break;
            }
        }
        let (seed, staleness) = (scenario.seed, &run.analysis().staleness);
        let names = run.engine().names();
        let value = |id: &str, key| {
            let copy = staleness.copy(node(&run, id), key)?;
            copy.held().and_then(|held| held.value.clone())
        };
        let mut compared = 0;
        for key in (1..=3).filter_map(|i| names.find_key(None, &format!("key{i}"))) {
            let Some(written) = value("writer", key) else { continue };
            compared += 1;
            // A failover of primary-replica loses acknowledged writes.
            for id in MEMBERS.iter().filter(|_| !loses_writes) {
                prop_assert_eq!(value(id, key), Some(written.clone()), "seed {} {} adds {}", seed, id, adds);
            }
            prop_assert_eq!(value("r1", key), value("r2", key), "seed {}", seed);
            prop_assert_eq!(value("r1", key), value("r3", key), "seed {}", seed);
        }
        let is_crash = |step: &Step| matches!(&step.command, Command::Crash { service, .. } if service == "writer");
        let has_crashed = scenario.script.iter().any(is_crash);
        prop_assert!(compared > 0 || has_crashed, "seed {}: nothing was written", seed);
        for key in (1..=3).filter_map(|i| names.find_key(None, &format!("own{i}"))).filter(|_| !loses_writes) {
            if let Some(own) = value("r1", key) {
                prop_assert_eq!(value("copy", key), Some(own), "seed {}", seed);
            }
        }
        if !loses_writes {
            let (stale, diverged) = (staleness.stale(), staleness.diverged());
            prop_assert_eq!((stale, diverged), (0, 0), "seed {}: {:?}", seed, run.convergence(&scenario));
        }
    }
}
