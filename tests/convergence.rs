//! The convergence verdict under faults: a fault that the script heals leaves hope for the nodes and links that it heals,
//! and for no others.

use converge::analysis::{Convergence, Prospect};
use converge::scenario::{
    Attachment, Bus, Command, Data, Gossip, GossipStyle, Group, Latency, Operation, Polling, Protocol, Publication,
    PublishMode, PublishRetry, Scenario, Service, Step, Subscription, VersionClock, micros,
};
use converge::session::Run;

/// When the verdict is taken, ms.
const NOW_MS: f64 = 2_000.0;
/// When the script heals something, ms.
const HEALING_MS: f64 = 5_000.0;

fn service(id: &str) -> Service {
    Service { id: id.into(), ..Service::default() }
}

fn write(service: &str) -> Command {
    let operation = Operation::Write { key: "x".into(), value: 1.into() };
    Command::Operate { service: service.into(), operation, poison: false }
}

fn cut(from: &str, to: &str) -> Command {
    Command::CutLink { from: from.into(), to: to.into(), one_way: false }
}

fn heal(from: &str, to: &str) -> Command {
    Command::HealLink { from: from.into(), to: to.into(), one_way: false }
}

fn steps(commands: Vec<(f64, Command)>) -> Vec<Step> {
    commands.into_iter().map(|(at_ms, command)| Step { at_ms, command }).collect()
}

/// A writer whose updates reach two copies through a bus.
fn two_copies(commands: Vec<(f64, Command)>) -> Scenario {
    let publish = Publication { to: "bus".into(), ..Publication::default() };
    let copy = |id: &str| Service {
        subscribes: vec![Subscription { to: "bus".into(), ..Subscription::default() }],
        ..service(id)
    };
    Scenario {
        default_latency: Latency::Constant { ms: 2.0 },
        services: vec![Service { publishes: vec![publish], ..service("writer") }, copy("a"), copy("b")],
        buses: vec![Bus { id: "bus".into(), ..Bus::default() }],
        script: steps(commands),
        until_ms: 10_000.0,
        ..Scenario::default()
    }
}

/// Three members that gossip.
fn gossip(commands: Vec<(f64, Command)>) -> Scenario {
    let every = Latency::Constant { ms: 50.0 };
    let protocol = Protocol::Gossip(Gossip { style: GossipStyle::PushPull, every, fan_out: 2 });
    let members = ["a", "b", "c"];
    Scenario {
        default_latency: Latency::Constant { ms: 2.0 },
        services: members.map(service).into(),
        groups: vec![Group {
            id: "group".into(),
            members: members.map(String::from).into(),
            data: Data::Register { clock: VersionClock::Lamport },
            protocol,
            ..Group::default()
        }],
        script: steps(commands),
        until_ms: 10_000.0,
        ..Scenario::default()
    }
}

/// The verdict, and the first prospect of a node's copy of `x`.
fn verdict(scenario: &Scenario, node: &str) -> (Convergence, Option<Prospect>) {
    scenario.validate().expect("a valid scenario");
    let mut run = Run::new(scenario);
    run.advance(micros(NOW_MS), u64::MAX, &mut |_, _, _| {});
    let context = run.context(scenario);
    let node = context.names.find_node(node).expect("a node");
    let key = context.names.find_key(context.names.scope(node), "x").expect("a key");
    let prospect = context.explain(node, key).first().map(|explanation| explanation.prospect);
    (run.convergence(scenario), prospect)
}

#[test]
fn a_restart_of_one_service_leaves_no_hope_for_another() {
    let crash = |service: &str| Command::Crash { service: service.into(), lose_disk: false };
    let scenario = two_copies(vec![
        (100.0, crash("a")),
        (100.0, crash("b")),
        (200.0, write("writer")),
        (HEALING_MS, Command::Restart { service: "b".into() }),
    ]);
    let (convergence, prospect) = verdict(&scenario, "a");
    assert!(matches!(convergence, Convergence::WillNotConverge(_)), "{convergence:?}");
    assert!(matches!(prospect, Some(Prospect::Down(_))), "{prospect:?}");
    let (_, prospect) = verdict(&scenario, "b");
    assert_eq!(prospect, Some(Prospect::AfterHealing(micros(HEALING_MS))));
}

#[test]
fn a_restart_of_every_crashed_service_leaves_hope_for_all() {
    let crash = |service: &str| Command::Crash { service: service.into(), lose_disk: false };
    let scenario = two_copies(vec![
        (100.0, crash("a")),
        (100.0, crash("b")),
        (200.0, write("writer")),
        (HEALING_MS, Command::HealAll),
    ]);
    let (convergence, prospect) = verdict(&scenario, "a");
    assert!(matches!(convergence, Convergence::Converging(_)), "{convergence:?}");
    assert_eq!(prospect, Some(Prospect::AfterHealing(micros(HEALING_MS))));
}

/// The verdicts on a copy of `x` at `a` with each kind of publication, for faults before the write.
fn verdicts_with(faults: &[Command], mends: &[Command]) -> Vec<(Convergence, Option<Prospect>)> {
    let relay = (50.0, 4);
    let modes = [
        PublishMode::AfterCommit,
        PublishMode::Outbox { poll_ms: relay.0, batch: relay.1 },
        PublishMode::ChangeDataCapture { poll_ms: relay.0, batch: relay.1, flush_ms: 0.0 },
    ];
    let verdict_with = |mode: &PublishMode| {
        let mut commands: Vec<(f64, Command)> = faults.iter().map(|fault| (100.0, fault.clone())).collect();
        commands.push((200.0, write("writer")));
        commands.extend(mends.iter().map(|mend| (HEALING_MS, mend.clone())));
        let mut scenario = two_copies(commands);
        let publication = &mut scenario.services[0].publishes[0];
        publication.mode = mode.clone();
        publication.retry = Some(PublishRetry { timeout_ms: 100.0, attempts: 1000 });
        scenario.buses.push(Bus { id: "other".into(), ..Bus::default() });
        verdict(&scenario, "a")
    };
    modes.iter().map(verdict_with).collect()
}

#[test]
fn an_attempt_that_no_link_carries_and_no_bus_accepts_is_not_enough() {
    let stop = Command::StopBus { bus: "bus".into(), lose_unflushed: false };
    let start = |bus: &str| Command::StartBus { bus: bus.into() };
    let faults = [cut("writer", "bus"), stop, cut("bus", "a")];
    let wrong = [heal("bus", "b"), start("other"), heal("writer", "bus")];
    let right = [heal("writer", "bus"), start("bus"), heal("bus", "a")];
    for ((fault, wrong), right) in faults.iter().zip(wrong).zip(right) {
        for (convergence, prospect) in verdicts_with(std::slice::from_ref(fault), &[wrong]) {
            assert!(matches!(convergence, Convergence::WillNotConverge(_)), "{fault:?}: {convergence:?}");
            assert!(matches!(prospect, Some(Prospect::Cut(..) | Prospect::Down(_))), "{fault:?}: {prospect:?}");
        }
        for (convergence, prospect) in verdicts_with(std::slice::from_ref(fault), &[right]) {
            assert!(matches!(convergence, Convergence::Converging(_)), "{fault:?}: {convergence:?}");
            assert_eq!(prospect, Some(Prospect::AfterHealing(micros(HEALING_MS))), "{fault:?}");
        }
    }
}

#[test]
fn an_event_in_the_hands_of_its_consumer_needs_no_link() {
    let mut scenario = two_copies(vec![(200.0, write("writer")), (1000.0, cut("bus", "a"))]);
    scenario.services[1].subscribes[0].processing = Latency::Constant { ms: 4000.0 };
    scenario.services[1].subscribes[0].ack_deadline_ms = 60_000.0;
    let (convergence, prospect) = verdict(&scenario, "a");
    assert!(matches!(convergence, Convergence::Converging(_)), "{convergence:?}");
    assert!(matches!(prospect, Some(Prospect::Queued { delivered: true, .. })), "{prospect:?}");
}

#[test]
fn a_consumer_that_cannot_ask_receives_nothing() {
    let ask = Command::CutLink { from: "a".into(), to: "bus".into(), one_way: true };
    let mut scenario = two_copies(vec![(100.0, ask), (200.0, write("writer"))]);
    assert!(!matches!(verdict(&scenario, "a").0, Convergence::WillNotConverge(_)), "a bus pushes over a connection");
    scenario.services[1].subscribes[0].attach =
        Some(Attachment::Polling(Polling { wait_ms: 50.0, ..Polling::default() }));
    scenario.script[0].at_ms = 1.0;
    let (convergence, prospect) = verdict(&scenario, "a");
    assert!(matches!(convergence, Convergence::WillNotConverge(_)), "{convergence:?}");
    assert!(matches!(prospect, Some(Prospect::Cut(..))), "{prospect:?}");
}

#[test]
fn the_healing_of_a_link_leaves_hope_only_for_members_that_it_connects() {
    let isolated = |healing: Command| {
        gossip(vec![
            (100.0, cut("a", "c")),
            (100.0, cut("b", "c")),
            (100.0, cut("a", "b")),
            (200.0, write("a")),
            (HEALING_MS, healing),
        ])
    };
    let (convergence, prospect) = verdict(&isolated(heal("a", "b")), "c");
    assert!(matches!(convergence, Convergence::WillNotConverge(_)), "{convergence:?}");
    assert_eq!(prospect, Some(Prospect::CutOff));
    let (_, prospect) = verdict(&isolated(heal("a", "b")), "b");
    assert_eq!(prospect, Some(Prospect::AfterHealing(micros(HEALING_MS))));
    let (_, prospect) = verdict(&isolated(heal("a", "c")), "c");
    assert_eq!(prospect, Some(Prospect::AfterHealing(micros(HEALING_MS))));
}

#[test]
fn an_update_that_reaches_a_member_through_another_is_repaired() {
    let scenario =
        gossip(vec![(100.0, cut("a", "c")), (100.0, cut("b", "c")), (200.0, write("a")), (HEALING_MS, heal("b", "c"))]);
    let (convergence, prospect) = verdict(&scenario, "c");
    assert!(matches!(convergence, Convergence::Converging(_)), "{convergence:?}");
    assert_eq!(prospect, Some(Prospect::AfterHealing(micros(HEALING_MS))));
}

#[test]
fn retries_that_end_before_the_healing_leave_no_hope() {
    let commands = vec![(100.0, cut("writer", "bus")), (1900.0, write("writer")), (HEALING_MS, heal("writer", "bus"))];
    for (attempts, reaches) in [(10, false), (29, false), (40, true)] {
        let mut scenario = two_copies(commands.clone());
        scenario.services[0].publishes[0].retry = Some(PublishRetry { timeout_ms: 100.0, attempts });
        let (convergence, prospect) = verdict(&scenario, "a");
        let mut run = Run::new(&scenario);
        run.complete(micros(scenario.until_ms));
        assert_eq!(run.analysis().staleness.stale() == 0, reaches, "{attempts} attempts");
        let expects = matches!(convergence, Convergence::Converging(_));
        assert_eq!(expects, reaches, "{attempts} attempts: {convergence:?} {prospect:?}");
    }
}
