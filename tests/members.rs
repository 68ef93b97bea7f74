//! Members of replica groups that publish to buses and subscribe to them: what is written, published and acknowledged,
//! and that copies are told right about it.

mod faults;

use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::Recorder;
use converge::analysis::{Convergence, CopyState, Prospect, Stands};
use converge::engine::Engine;
use converge::scenario::{
    Acknowledge, AntiEntropy, Arrivals, Backoff, Bus, Client, Command, Data, Effect, Gossip, GossipStyle, Group, Hints,
    Inbox, Keys, Latency, Link, Operation, Order, Primary, Protocol, Publication, PublishMode, PublishRetry, Quorum,
    Raft, ReadRepair, Route, Scenario, Service, Step, Subscription, Topic, TwoPhase, Value, VersionClock, Workload,
    micros,
};
use converge::session::Run;
use converge::trace::{Fact, Level, NodeId};
use proptest::prelude::*;

const MEMBERS: [&str; 3] = ["r1", "r2", "r3"];

fn protocols() -> Vec<(&'static str, Protocol)> {
    let repaired = Quorum {
        read: 2,
        write: 2,
        hints: Some(Hints { window_ms: 1e6, every_ms: 50.0 }),
        read_repair: ReadRepair::Async,
        anti_entropy: Some(AntiEntropy { every_ms: 60.0, depth: 3 }),
        timeout_ms: 60.0,
        ..Quorum::default()
    };
    let every = Latency::Exponential { mean_ms: 40.0 };
    vec![
        ("quorum", Protocol::Quorum(repaired)),
        ("gossip", Protocol::Gossip(Gossip { style: GossipStyle::PushPull, every, fan_out: 1 })),
        ("primary", Protocol::Primary(Primary { failover_ms: Some(300.0), ..Primary::default() })),
        ("raft", Protocol::Raft(Raft::default())),
        ("chain", Protocol::Chain),
        ("two-phase", Protocol::TwoPhase(TwoPhase { timeout_ms: 100.0 })),
    ]
}

fn protocol(name: &str) -> Protocol {
    protocols().into_iter().find(|(of, _)| *of == name).expect("a protocol").1
}

fn orders_writes(protocol: &Protocol) -> bool {
    !matches!(protocol, Protocol::Quorum(_) | Protocol::Gossip(_))
}

fn service(id: &str) -> Service {
    Service { id: id.into(), service_time: Latency::Constant { ms: 0.2 }, ..Service::default() }
}

fn group(protocol: Protocol) -> Group {
    let members = MEMBERS.iter().map(|id| id.to_string()).collect();
    Group { id: "store".into(), members, protocol, ..Group::default() }
}

fn subscription() -> Subscription {
    Subscription { to: "bus".into(), ack_deadline_ms: 400.0, ..Subscription::default() }
}

/// A writer publishes to a bus, to which one member of a group subscribes.
fn fed(protocol: Protocol, subscription: Subscription) -> Scenario {
    let publish = Publication { to: "bus".into(), ..Publication::default() };
    let writer = Service { publishes: vec![publish], ..service("writer") };
    let mut services = vec![writer, service("r1"), service("r2"), service("r3")];
    services[2].subscribes.push(subscription);
    Scenario {
        default_latency: Latency::Constant { ms: 2.0 },
        services,
        buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
        groups: vec![group(protocol)],
        until_ms: 4000.0,
        ..Scenario::default()
    }
}

/// A group, one member of which publishes to a bus; a service keeps a copy.
fn feeding(protocol: Protocol, mode: PublishMode) -> Scenario {
    let publish = Publication { to: "bus".into(), mode, ..Publication::default() };
    let copy = Service { subscribes: vec![subscription()], ..service("copy") };
    let mut services = vec![service("r1"), service("r2"), service("r3"), copy];
    services[0].publishes.push(publish);
    Scenario {
        default_latency: Latency::Constant { ms: 2.0 },
        services,
        buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
        groups: vec![group(protocol)],
        until_ms: 4000.0,
        ..Scenario::default()
    }
}

fn relay() -> PublishMode {
    PublishMode::ChangeDataCapture { poll_ms: 20.0, batch: 8 }
}

fn ask(at_ms: f64, service: &str, operation: Operation) -> Step {
    Step { at_ms, command: Command::Operate { service: service.into(), operation, poison: false } }
}

fn write(value: i64) -> Operation {
    Operation::Write { key: "x".into(), value: value.into() }
}

fn add(by: i64) -> Operation {
    Operation::Increment { key: "x".into(), by }
}

fn run(scenario: &Scenario) -> (Run, Vec<(u64, Fact)>) {
    scenario.validate().expect("sound");
    let (mut run, mut facts) = (Run::new(scenario), Vec::new());
    run.advance(micros(scenario.until_ms), 3_000_000, &mut |record, _, _| facts.push((record.at, record.fact.clone())));
    (run, facts)
}

fn node(run: &Run, id: &str) -> NodeId {
    run.engine().names().find_node(id).expect("a node")
}

fn held(run: &Run, id: &str) -> Option<Value> {
    let key = run.engine().names().find_key(None, "x").expect("the key, which is that of all services");
    run.analysis().staleness.at(node(run, id), key)?.held()?.value.clone()
}

fn state(run: &Run, id: &str) -> CopyState {
    run.analysis().staleness.state(node(run, id))
}

fn handled(facts: &[(u64, Fact)]) -> usize {
    facts.iter().filter(|(_, fact)| matches!(fact, Fact::EventWriteStarted { .. })).count()
}

#[test]
fn what_one_member_takes_from_a_bus_every_member_holds_under_every_protocol() {
    for (name, protocol) in protocols() {
        let mut scenario = fed(protocol, subscription());
        scenario.script = (0..5).map(|i| ask(600.0 + 100.0 * f64::from(i), "writer", write(i.into()))).collect();
        let (run, facts) = run(&scenario);
        for id in ["writer", "r1", "r2", "r3"] {
            assert_eq!(held(&run, id), Some(4.into()), "{name}: {id}");
        }
        assert_eq!(run.analysis().staleness.stale() + run.analysis().staleness.diverged(), 0, "{name}");
        // A follower of gossip or Raft always has something to say: what counts is that no copy waits for it.
        assert!(
            matches!(run.convergence(&scenario), Convergence::Converged),
            "{name}: {:?}",
            run.convergence(&scenario)
        );
        assert_eq!(handled(&facts), 5, "{name}: one delivery each");
        let order: Vec<&Fact> = facts.iter().map(|(_, fact)| fact).collect();
        let place = |of: fn(&Fact) -> bool| order.iter().position(|fact| of(fact)).expect("it happened");
        let answered = place(|fact| matches!(fact, Fact::EventWriteEnded { .. }));
        let acknowledged = place(|fact| matches!(fact, Fact::EventAcknowledged { .. }));
        assert!(answered < acknowledged, "{name}: the bus is told once the group has answered");
    }
}

#[test]
fn an_event_is_not_acknowledged_before_its_group_can_write_it_and_is_delivered_again() {
    let mut scenario = fed(protocol("raft"), subscription());
    let alone = vec![vec!["r2".to_string()], vec!["r1".into(), "r3".into()]];
    scenario.script = vec![
        Step { at_ms: 500.0, command: Command::Partition { groups: alone } },
        ask(1000.0, "writer", write(1)),
        Step { at_ms: 2500.0, command: Command::HealAll },
    ];
    let (done, facts) = run(&scenario);
    let acknowledged = facts.iter().find(|(_, fact)| matches!(fact, Fact::EventAcknowledged { .. }));
    assert!(acknowledged.is_some_and(|(at, _)| *at > 2_500_000), "{acknowledged:?}");
    assert!(handled(&facts) > 1, "it was delivered again");
    assert_eq!(MEMBERS.map(|id| held(&done, id)), [(); 3].map(|()| Some(1.into())));
    // While the members are parted, what may still bring it is named.
    scenario.until_ms = 2000.0;
    let (parted, _) = run(&scenario);
    let Convergence::Converging(whys) = parted.convergence(&scenario) else {
        panic!("{:?}", parted.convergence(&scenario))
    };
    for id in MEMBERS {
        assert!(whys.iter().any(|why| why.node == node(&parted, id)), "{id} is not told of: {whys:?}");
    }
}

#[test]
fn a_dead_letter_at_one_member_is_why_all_members_stay_stale() {
    let mut subscription = subscription();
    subscription.max_deliveries = Some(2);
    let mut scenario = fed(protocol("quorum"), subscription);
    scenario.script = vec![Step {
        at_ms: 100.0,
        command: Command::Operate { service: "writer".into(), operation: write(7), poison: true },
    }];
    let (run, _) = run(&scenario);
    let Convergence::Never(whys) = run.convergence(&scenario) else { panic!("{:?}", run.convergence(&scenario)) };
    for id in MEMBERS {
        let of = whys.iter().find(|why| why.node == node(&run, id)).expect("a stale member is told of");
        assert!(matches!(of.prospect, Prospect::DeadLettered(_)), "{id}: {of:?}");
        assert!(!of.steps.is_empty(), "{id}: its story leads back");
    }
}

#[test]
fn events_out_of_order_leave_the_newer_value_under_set_if_newer_and_the_older_under_overwrite() {
    // The first event is refused once, and comes again behind the second.
    for (name, protocol) in protocols() {
        for effect in [Effect::SetIfNewer, Effect::LastWriterWins, Effect::Overwrite] {
            let mut subscription = subscription();
            subscription.effect = effect;
            subscription.backoff = Backoff::Fixed { ms: 300.0 };
            let mut scenario = fed(protocol.clone(), subscription);
            let bus_to_member = |loss| Command::DisturbLink {
                from: "bus".into(),
                to: "r2".into(),
                one_way: true,
                loss,
                duplicate: 0.0,
                delay: None,
                reorder: 0.0,
            };
            scenario.script = vec![
                Step { at_ms: 990.0, command: bus_to_member(1.0) },
                ask(1000.0, "writer", write(1)),
                Step { at_ms: 1020.0, command: Command::HealAll },
                ask(1050.0, "writer", write(2)),
            ];
            let (run, _) = run(&scenario);
            let (expected, stands) = match effect {
                Effect::Overwrite => (1, CopyState::Diverged),
                Effect::SetIfNewer | Effect::LastWriterWins | Effect::Increment => (2, CopyState::Consistent),
            };
            for id in MEMBERS {
                assert_eq!(held(&run, id), Some(expected.into()), "{name} {effect:?}: {id}");
                assert_eq!(state(&run, id), stands, "{name} {effect:?}: {id}");
            }
        }
    }
}

#[test]
fn an_increment_that_is_delivered_twice_counts_twice_unless_the_group_keeps_an_inbox() {
    for (name, protocol) in protocols().into_iter().filter(|(_, protocol)| orders_writes(protocol)) {
        for inbox in [None, Some(Inbox::default())] {
            let mut subscription = subscription();
            subscription.effect = Effect::Increment;
            subscription.inbox = inbox.clone();
            let mut scenario = fed(protocol.clone(), subscription);
            // The second member takes its share of the deliveries: the inbox is the group's, not its own.
            let second = scenario.services[2].subscribes[0].clone();
            scenario.services[2].subscribes[0].group = Some("workers".into());
            scenario.services[3].subscribes.push(Subscription { group: Some("workers".into()), ..second });
            // What the second one says to the bus is lost once.
            let cut = Command::CutLink { from: "r2".into(), to: "bus".into(), one_way: true };
            let heal = Command::HealLink { from: "r2".into(), to: "bus".into(), one_way: true };
            scenario.script = vec![
                Step { at_ms: 990.0, command: cut },
                ask(1000.0, "writer", add(5)),
                Step { at_ms: 1100.0, command: heal },
                ask(2000.0, "writer", add(1)),
            ];
            let (run, facts) = run(&scenario);
            assert!(handled(&facts) > 2, "{name}: it came again");
            let (expected, stands) =
                if inbox.is_some() { (6, CopyState::Consistent) } else { (11, CopyState::Diverged) };
            for id in MEMBERS {
                assert_eq!(held(&run, id), Some(expected.into()), "{name} {inbox:?}: {id}");
                assert_eq!(state(&run, id), stands, "{name} {inbox:?}: {id}");
            }
            let hits = facts.iter().filter(|(_, fact)| matches!(fact, Fact::InboxHit { .. })).count();
            assert_eq!(hits > 0, inbox.is_some(), "{name}");
        }
    }
}

#[test]
fn a_member_whose_log_is_read_publishes_each_write_of_its_group_once_whoever_coordinated_it() {
    for (name, protocol) in protocols() {
        for mode in [relay(), PublishMode::Outbox { poll_ms: 20.0, batch: 8 }] {
            if matches!(mode, PublishMode::Outbox { .. }) && !orders_writes(&protocol) {
                continue;
            }
            let mut scenario = feeding(protocol.clone(), mode.clone());
            let route = if orders_writes(&protocol) { Route::Primary } else { Route::Any };
            let step = |i: i32| converge::scenario::ClientStep {
                at_ms: 800.0 + 100.0 * f64::from(i),
                operation: write(i.into()),
            };
            let script = (0..8).map(step).collect();
            scenario.clients =
                vec![Client { id: "client".into(), target: "store".into(), route, script, ..Client::default() }];
            let (run, facts) = run(&scenario);
            let published: Vec<_> = facts.iter().filter(|(_, it)| matches!(it, Fact::EventPublished { .. })).collect();
            assert_eq!(published.len(), 8, "{name} {mode:?}");
            assert_eq!(held(&run, "copy"), Some(7.into()), "{name} {mode:?}");
            assert!(matches!(run.convergence(&scenario), Convergence::Converged), "{name} {mode:?}");
        }
    }
}

#[test]
fn beside_the_commit_the_member_that_coordinated_a_write_publishes_it_when_the_group_acknowledged_it() {
    for (name, protocol) in protocols() {
        let mut scenario = feeding(protocol, PublishMode::AfterCommit);
        // Each publishes what it coordinates.
        for i in 1..3 {
            scenario.services[i].publishes = scenario.services[0].publishes.clone();
        }
        let step =
            |i: i32| converge::scenario::ClientStep { at_ms: 800.0 + 100.0 * f64::from(i), operation: write(i.into()) };
        let script = (0..6).map(step).collect();
        scenario.clients = vec![Client { id: "client".into(), target: "store".into(), script, ..Client::default() }];
        let (run, facts) = run(&scenario);
        let published = facts.iter().filter(|(_, it)| matches!(it, Fact::EventPublished { .. })).count();
        assert_eq!(published, 6, "{name}: one coordinator each");
        assert_eq!((held(&run, "copy"), state(&run, "copy")), (Some(5.into()), CopyState::Consistent), "{name}");
    }
}

#[test]
fn a_crash_between_commit_and_publishing_loses_the_event_of_a_member_and_is_named() {
    let mut scenario = feeding(protocol("primary"), PublishMode::AfterCommit);
    scenario.services[0].publishes[0].gap_ms = 50.0;
    scenario.script = vec![
        ask(500.0, "r1", write(1)),
        ask(1000.0, "r1", write(2)),
        Step { at_ms: 1030.0, command: Command::Crash { service: "r1".into(), lose_disk: false } },
        Step { at_ms: 1100.0, command: Command::Restart { service: "r1".into() } },
    ];
    let (run, _) = run(&scenario);
    assert_eq!((held(&run, "copy"), state(&run, "copy")), (Some(1.into()), CopyState::Stale));
    let Convergence::Never(whys) = run.convergence(&scenario) else { panic!("{:?}", run.convergence(&scenario)) };
    assert_eq!(whys[0].prospect, Prospect::NeverPublished(node(&run, "r1")));
    assert!(!whys[0].steps.is_empty());
}

#[test]
fn a_write_that_a_failover_threw_away_stays_at_whoever_got_its_event() {
    // What a primary's log says is published before any follower has it.
    let mut scenario = feeding(protocol("primary"), PublishMode::ChangeDataCapture { poll_ms: 1.0, batch: 8 });
    let alone = vec![vec!["r1".to_string(), "bus".into(), "copy".into()], vec!["r2".into(), "r3".into()]];
    if let Protocol::Primary(primary) = &mut scenario.groups[0].protocol {
        primary.acknowledgements = 1;
    }
    scenario.script = vec![
        ask(500.0, "r1", write(1)),
        Step { at_ms: 990.0, command: Command::Partition { groups: alone } },
        ask(1000.0, "r1", write(2)),
        Step { at_ms: 2000.0, command: Command::HealAll },
    ];
    let (run, _) = run(&scenario);
    assert_eq!(MEMBERS.map(|id| held(&run, id)), [(); 3].map(|()| Some(1.into())));
    assert_eq!((held(&run, "copy"), state(&run, "copy")), (Some(2.into()), CopyState::Diverged));
}

#[test]
fn a_copy_that_waits_for_a_lagging_member_to_publish_is_told_so() {
    let mut scenario = feeding(Protocol::Quorum(Quorum { write: 2, ..Quorum::default() }), relay());
    scenario.links.push(Link {
        from: "r2".into(),
        to: "r1".into(),
        latency: Some(Latency::Constant { ms: 500.0 }),
        ..Link::default()
    });
    scenario.script = vec![ask(100.0, "r2", write(1))];
    scenario.until_ms = 300.0;
    let (run, _) = run(&scenario);
    assert_eq!(state(&run, "copy"), CopyState::Stale);
    let Convergence::Converging(whys) = run.convergence(&scenario) else { panic!("{:?}", run.convergence(&scenario)) };
    let copy = node(&run, "copy");
    let of = whys.iter().find(|why| why.node == copy).expect("the copy waits");
    assert_eq!(of.prospect, Prospect::Unpublished(node(&run, "r1")));
}

#[test]
fn a_service_between_two_groups_is_not_needed_one_feeds_the_other() {
    let mut scenario = feeding(protocol("raft"), relay());
    scenario.services[3].subscribes.clear();
    for id in ["q1", "q2", "q3"] {
        scenario.services.push(service(id));
    }
    scenario.services[5].subscribes.push(subscription());
    let members = ["q1", "q2", "q3"].map(String::from).to_vec();
    scenario.groups.push(Group { id: "views".into(), members, protocol: protocol("quorum"), ..Group::default() });
    let step = |i: i32| converge::scenario::ClientStep { at_ms: 1000.0 + 50.0 * f64::from(i), operation: add(1) };
    let script = (0..10).map(step).collect();
    let client =
        Client { id: "client".into(), target: "store".into(), route: Route::Primary, script, ..Client::default() };
    scenario.clients = vec![client];
    let (run, _) = run(&scenario);
    for id in ["r1", "r2", "r3", "q1", "q2", "q3"] {
        assert_eq!((held(&run, id), state(&run, id)), (Some(10.into()), CopyState::Consistent), "{id}");
    }
    assert!(matches!(run.convergence(&scenario), Convergence::Converged), "{:?}", run.convergence(&scenario));
}

/// A read of a group returns what a service wrote: the two are one history, and their values can be compared.
#[test]
fn a_service_and_the_group_that_it_feeds_have_one_history_and_one_set_of_keys() {
    for (name, protocol) in protocols() {
        let mut scenario = fed(protocol, subscription());
        scenario.script = (0..5).map(|i| ask(600.0 + 200.0 * f64::from(i), "writer", write(i.into()))).collect();
        let read = |i: i32| converge::scenario::ClientStep {
            at_ms: 750.0 + 200.0 * f64::from(i),
            operation: Operation::Read { key: "x".into() },
        };
        let script = (0..5).map(read).collect();
        let reads = Client { id: "reader".into(), target: "store".into(), script, ..Client::default() };
        scenario.clients = vec![reads];
        scenario.invariants = vec!["writer.x >= 0 and store.x >= 0".into()];
        scenario.validate().expect("sound");
        let (mut run, mut recorder) = (Run::new(&scenario), Recorder::default());
        run.advance(micros(4000.0), 3_000_000, &mut |record, _, _| recorder.observe(record));
        let names = run.engine().names();
        let history = recorder.history(|key| names.key(key).into(), |by, _| names.node(by).into());
        assert_eq!(history.operations.len(), 10, "{name}: what a handler asks is no client's");
        assert_eq!(check(&history, Guarantee::Linearizable, BUDGET), Verdict::Holds, "{name}");
        let tally = run.analysis().operations.get(node(&run, "reader")).expect("it read");
        assert_eq!((tally.reads, tally.stale_reads), (5, 0), "{name}");
        assert_eq!(run.invariants(), [Stands::Holds], "{name}");
    }
}

#[test]
fn an_event_waits_for_the_lock_of_a_coordinator_that_is_down() {
    let mut scenario = fed(protocol("two-phase"), subscription());
    scenario.script = vec![
        ask(500.0, "r1", write(1)),
        // The promises are made, and on their way back.
        Step { at_ms: 503.0, command: Command::Crash { service: "r1".into(), lose_disk: false } },
        ask(600.0, "writer", write(2)),
        Step { at_ms: 2000.0, command: Command::Restart { service: "r1".into() } },
    ];
    let (run, facts) = run(&scenario);
    let first = facts.iter().find(|(_, it)| matches!(it, Fact::EventAcknowledged { .. })).expect("in the end");
    assert!(first.0 > 2_000_000, "{first:?}");
    let promised = facts.iter().filter(|(at, it)| *at < 600_000 && matches!(it, Fact::WritePromised { .. })).count();
    assert_eq!(promised, 3);
    assert_eq!(MEMBERS.map(|id| held(&run, id)), [(); 3].map(|()| Some(2.into())));
}

#[test]
fn what_has_no_meaning_for_a_group_is_refused_with_its_place() {
    let refusals = |scenario: &Scenario| -> Vec<String> {
        scenario.validate().expect_err("refused").iter().map(|error| error.to_string()).collect()
    };
    let says = |scenario: &Scenario, place: &str, expected: &str| {
        let told = refusals(scenario);
        assert!(told.iter().any(|it| it.contains(place) && it.contains(expected)), "{told:?}");
    };
    let mut counters = fed(protocol("quorum"), subscription());
    counters.groups[0].data = Data::Counter;
    says(&counters, "groups[0].data", "a register");
    for name in ["quorum", "gossip"] {
        let adds = Subscription { effect: Effect::Increment, ..subscription() };
        says(&fed(protocol(name), adds), "services[2].subscribes[0].effect", "loses");
        let inbox = Subscription { inbox: Some(Inbox::default()), ..subscription() };
        says(&fed(protocol(name), inbox), "services[2].subscribes[0].inbox", "transaction");
        let outbox = PublishMode::Outbox { poll_ms: 20.0, batch: 8 };
        says(&feeding(protocol(name), outbox), "services[0].publishes[0].mode", "transaction");
    }
    for (_, protocol) in protocols() {
        says(&feeding(protocol, PublishMode::BeforeCommit), "services[0].publishes[0].mode", "no version");
    }
    let mut some = fed(protocol("quorum"), subscription());
    some.groups[0].protocol = Protocol::Quorum(Quorum { replicas: Some(2), ..Quorum::default() });
    says(&some, "groups[0].protocol.quorum.replicas", "all members");
    let mut itself = fed(protocol("quorum"), subscription());
    itself.clients =
        vec![Client { id: "client".into(), target: "store".into(), route: Route::Itself, ..Client::default() }];
    says(&itself, "clients[0].route", "another route");
}

fn fault() -> impl Strategy<Value = (f64, Command)> {
    let link = prop::sample::select(vec![
        ("writer", "bus"),
        ("bus", "r2"),
        ("bus", "r3"),
        ("r1", "bus"),
        ("bus", "copy"),
        ("r1", "r2"),
        ("r2", "r3"),
        ("r1", "r3"),
    ]);
    let at = prop::sample::select(vec!["writer", "r1", "r2", "r3", "copy"]);
    (0.0f64..2500.0, 0u8..7, link, at, 0.0f64..1.0).prop_map(|(at_ms, kind, (from, to), at, p)| {
        let (from, to, at) = (from.to_string(), to.to_string(), at.to_string());
        let command = match kind {
            0 => Command::CutLink { from, to, one_way: p < 0.5 },
            1 => faults::disturbed(from, to, 0.4 * p, 0.4, 20.0, 0.3),
            2 => Command::Crash { service: at, lose_disk: false },
            3 => Command::Restart { service: at },
            4 => Command::Pause { node: at },
            5 if p < 0.5 => Command::StopBus { bus: "bus".into(), lose_unflushed: false },
            5 => Command::StartBus { bus: "bus".into() },
            _ => Command::HealAll,
        };
        (at_ms, command)
    })
}

/// A writer feeds a group, two members of which share the events; the group's own writes, of other keys, feed a copy.
fn system() -> impl Strategy<Value = (Scenario, bool)> {
    let order = prop::sample::select(vec![Order::None, Order::FifoPerKey, Order::Log]);
    let clock = prop::sample::select(vec![VersionClock::Wall, VersionClock::Lamport, VersionClock::Hybrid]);
    let shape = (order, clock, proptest::bool::ANY, proptest::bool::ANY, prop::option::of(1.0f64..60.0), 1u32..4);
    (0usize..6, any::<u32>(), shape, prop::collection::vec(fault(), 0..10)).prop_map(|(which, seed, shape, faults)| {
        let (order, clock, adds, outbox, commit_every_ms, partitions) = shape;
        let protocol = protocols().swap_remove(which).1;
        let adds = adds && orders_writes(&protocol);
        let outbox = outbox && orders_writes(&protocol);
        let shared = Subscription {
            effect: if adds { Effect::Increment } else { Effect::SetIfNewer },
            inbox: adds.then(Inbox::default),
            group: Some("workers".into()),
            acknowledge: Acknowledge::AfterProcessing,
            ack_deadline_ms: 700.0,
            backoff: Backoff::FullJitter { base_ms: 20.0, cap_ms: 300.0 },
            order,
            commit_every_ms,
            max_in_flight: 4,
            topic: Some("in".into()),
            ..subscription()
        };
        let retry = Some(PublishRetry { timeout_ms: 500.0, attempts: 100_000 });
        let poll = PublishMode::Outbox { poll_ms: 20.0, batch: 4 };
        let publish = |topic: &str, mode| Publication {
            to: "bus".into(),
            topic: Some(topic.into()),
            mode,
            retry: retry.clone(),
            ..Publication::default()
        };
        let writer = Service { publishes: vec![publish("in", poll.clone())], ..service("writer") };
        let mut services = vec![writer, service("r1"), service("r2"), service("r3"), service("copy")];
        services[2].subscribes.push(shared.clone());
        services[3].subscribes.push(shared);
        services[1].publishes.push(publish("out", if outbox { poll } else { relay() }));
        services[4].subscribes.push(Subscription { topic: Some("out".into()), ..subscription() });
        for service in &mut services {
            service.queue = 1000;
        }
        let topic = |name: &str| Topic { name: name.into(), partitions, ..Topic::default() };
        let traffic = |id: &str, target: &str, prefix: &str| Client {
            id: id.into(),
            target: target.into(),
            route: Route::Primary,
            timeout_ms: 300.0,
            generate: Some(Workload {
                arrivals: Arrivals::Poisson { per_second: 12.0 },
                keys: Keys::Uniform { prefix: prefix.into(), count: 3 },
                read_share: 0.2,
                optimistic: None,
                from_ms: 0.0,
                until_ms: Some(2400.0),
            }),
            ..Client::default()
        };
        let mut group = group(protocol);
        group.data = Data::Register { clock };
        let mut clients = vec![traffic("inside", "store", "own")];
        let mut script: Vec<Step> = faults.into_iter().map(|(at_ms, command)| Step { at_ms, command }).collect();
        if adds {
            let adds = (0..25).map(|i| {
                let operation = Operation::Increment { key: format!("key{}", i % 3 + 1), by: 1 + i };
                ask(90.0 * i as f64, "writer", operation)
            });
            script.extend(adds);
        } else {
            clients.push(traffic("outside", "writer", "key"));
        }
        script.push(Step { at_ms: 2600.0, command: Command::HealAll });
        let scenario = Scenario {
            seed: seed.into(),
            default_latency: Latency::Lognormal { median_ms: 4.0, sigma: 0.8 },
            services,
            buses: vec![Bus { id: "bus".into(), topics: vec![topic("in"), topic("out")], ..Bus::default() }],
            groups: vec![group],
            clients,
            script,
            until_ms: 3000.0,
            ..Scenario::default()
        };
        (scenario, adds)
    })
}

proptest! {
    #![proptest_config(faults::config(2000))]

    #[test]
    fn messages_and_events_of_groups_are_conserved_at_every_instant_under_random_faults((scenario, _) in system()) {
        scenario.validate().expect("sound");
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

    /// Acknowledgement after the write, redelivery without end, and an idempotent effect or the group's inbox: every
    /// member has each effect exactly once, and whoever takes the group's events has what the group has.
    #[test]
    fn with_every_defence_on_members_have_each_effect_exactly_once_when_faults_are_healed((scenario, adds) in system()) {
        scenario.validate().expect("sound");
        let primary = matches!(scenario.groups[0].protocol, Protocol::Primary(_));
        let mut run = Run::new(&scenario);
        // A backlog that is read in order, and refused while its group votes and locks, takes its time.
        for look in 2..60 {
            run.advance(micros(2000.0 * f64::from(look)), 5_000_000, &mut |_, _, _| {});
            if run.convergence(&scenario) == Convergence::Converged {
                break;
            }
        }
        let (seed, staleness) = (scenario.seed, &run.analysis().staleness);
        let names = run.engine().names();
        let value = |id: &str, key| {
            let copy = staleness.at(node(&run, id), key)?;
            copy.held().and_then(|held| held.value.clone())
        };
        let mut compared = 0;
        for key in (1..=3).filter_map(|i| names.find_key(None, &format!("key{i}"))) {
            let Some(written) = value("writer", key) else { continue };
            compared += 1;
            // A failover that asks nobody loses what it had taken in: the bus was told before.
            for id in MEMBERS.iter().filter(|_| !primary) {
                prop_assert_eq!(value(id, key), Some(written.clone()), "seed {} {} adds {}", seed, id, adds);
            }
            prop_assert_eq!(value("r1", key), value("r2", key), "seed {}", seed);
            prop_assert_eq!(value("r1", key), value("r3", key), "seed {}", seed);
        }
        let down = |step: &Step| matches!(&step.command, Command::Crash { service, .. } if service == "writer");
        let was_down = scenario.script.iter().any(down);
        prop_assert!(compared > 0 || was_down, "seed {}: nothing was written", seed);
        for key in (1..=3).filter_map(|i| names.find_key(None, &format!("own{i}"))).filter(|_| !primary) {
            if let Some(own) = value("r1", key) {
                prop_assert_eq!(value("copy", key), Some(own), "seed {}", seed);
            }
        }
        if !primary {
            let (stale, diverged) = (staleness.stale(), staleness.diverged());
            prop_assert_eq!((stale, diverged), (0, 0), "seed {}: {:?}", seed, run.convergence(&scenario));
        }
    }
}
