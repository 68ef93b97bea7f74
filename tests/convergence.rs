//! The convergence verdict under faults: a fault that the script heals leaves hope for the nodes and links that it heals,
//! and for no others.

use crate::common::scenarios::worker;
use converge::analysis::{Convergence, Prospect};
use converge::scenario::{
    Attachment, Bus, Command, Data, Gossip, GossipStyle, Group, Latency, Operation, Polling, Protocol, Publication,
    PublishMode, PublishRetry, Scenario, Service, Step, Subscription, VersionClock, micros,
};
use converge::session::Run;
use serde_json::{Value, json};

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
fn verdicts_with(faults: &[Command], healings: &[Command]) -> Vec<(Convergence, Option<Prospect>)> {
    let relay = (50.0, 4);
    let modes = [
        PublishMode::AfterCommit,
        PublishMode::Outbox { poll_ms: relay.0, batch: relay.1 },
        PublishMode::ChangeDataCapture { poll_ms: relay.0, batch: relay.1, flush_ms: 0.0 },
    ];
    let verdict_with = |mode: &PublishMode| {
        let mut commands: Vec<(f64, Command)> = faults.iter().map(|fault| (100.0, fault.clone())).collect();
        commands.push((200.0, write("writer")));
        commands.extend(healings.iter().map(|healing| (HEALING_MS, healing.clone())));
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

/// Returns the verdict at a time, ms.
fn verdict_at(document: &Value, at_ms: f64) -> Convergence {
    let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
    let mut run = Run::new(&scenario);
    run.advance(micros(at_ms), u64::MAX, &mut |_, _, _| {});
    run.convergence(&scenario)
}

/// Returns whether every copy is consistent at the end.
fn ends_consistent(document: &Value) -> bool {
    let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
    let mut run = Run::new(&scenario);
    run.complete(micros(scenario.until_ms));
    run.analysis().staleness.stale() + run.analysis().staleness.diverged() == 0
}

fn is_converging(verdict: &Convergence) -> bool {
    matches!(verdict, Convergence::Converging(_))
}

fn will_not_converge(verdict: &Convergence) -> bool {
    matches!(verdict, Convergence::WillNotConverge(_))
}

fn is_unknown(verdict: &Convergence) -> bool {
    matches!(verdict, Convergence::Unknown(_))
}

fn step(at_ms: u32, command: Value) -> Value {
    json!({ "at_ms": at_ms, "do": command })
}

fn set(at_ms: u32, value: u32, poison: bool) -> Value {
    let operation = json!({ "write": { "key": "n", "value": value } });
    step(at_ms, json!({ "operate": { "service": "api", "operation": operation, "poison": poison } }))
}

fn add(at_ms: u32, poison: bool) -> Value {
    let operation = json!({ "increment": { "key": "n", "by": 1 } });
    step(at_ms, json!({ "operate": { "service": "api", "operation": operation, "poison": poison } }))
}

#[test]
fn a_newer_update_under_way_covers_what_a_copy_has_lost() {
    for effect in ["set_if_newer", "overwrite"] {
        let subscription = json!({ "max_deliveries": 1, "effect": effect });
        let poisoned = worker(json!({}), subscription, 2000.0, &[set(100, 1, true), set(2500, 2, false)]);
        assert!(will_not_converge(&verdict_at(&poisoned, 2300.0)), "nothing newer is under way yet");
        let verdict = verdict_at(&poisoned, 2600.0);
        assert!(is_converging(&verdict), "{effect}: {verdict:?}");
        assert!(ends_consistent(&poisoned));
    }
    // The publication is lost on a link that is cut.
    let link = json!({ "from": "api", "to": "q" });
    let cut = step(50, json!({ "cut_link": link }));
    let heal = step(200, json!({ "heal_link": link }));
    let lost = worker(json!({}), json!({}), 2000.0, &[cut, set(100, 1, false), heal, set(2500, 2, false)]);
    assert!(will_not_converge(&verdict_at(&lost, 500.0)));
    assert!(is_converging(&verdict_at(&lost, 2600.0)));
    assert!(ends_consistent(&lost));
}

#[test]
fn the_first_event_on_its_way_to_a_consumer_without_data_is_enough() {
    let mut first = worker(json!({}), json!({ "ack_deadline_ms": 30_000 }), 2000.0, &[set(100, 1, false)]);
    first["services"][1]["data"] = json!({});
    let verdict = verdict_at(&first, 500.0);
    assert!(is_converging(&verdict), "{verdict:?}");
    assert!(ends_consistent(&first));
}

#[test]
fn a_lost_difference_is_not_in_a_later_one() {
    let subscription = json!({ "max_deliveries": 1, "effect": "increment" });
    let poisoned = worker(json!({}), subscription, 2000.0, &[add(100, true), add(2500, false)]);
    let verdict = verdict_at(&poisoned, 2600.0);
    assert!(will_not_converge(&verdict), "{verdict:?}");
    assert!(!ends_consistent(&poisoned));
}

#[test]
fn copies_have_not_converged_while_a_publication_will_be_sent_again() {
    let relays = [
        json!({ "mode": { "outbox": { "poll_ms": 50, "batch": 3 } } }),
        json!({ "mode": { "change_data_capture": { "poll_ms": 50, "batch": 3 } } }),
    ];
    let retry = json!({ "mode": "after_commit", "retry": { "timeout_ms": 1000, "attempts": 3 } });
    let link = json!({ "from": "q", "to": "api", "one_way": true });
    let script = [step(90, json!({ "cut_link": link })), add(100, false), step(600, json!({ "heal_link": link }))];
    for publication in relays.into_iter().chain([retry]) {
        let doubled = worker(publication.clone(), json!({ "effect": "increment" }), 5.0, &script);
        // What is under way changes equal copies for the worse, so it is not enough to converge.
        for at_ms in [300.0, 700.0, 1000.0] {
            let verdict = verdict_at(&doubled, at_ms);
            assert!(is_unknown(&verdict), "{publication} at {at_ms} ms: {verdict:?}");
        }
        assert!(will_not_converge(&verdict_at(&doubled, 3000.0)), "{publication}: the second event was added, too");
        // Once every publication is acknowledged, nothing is sent again.
        let set_once = worker(publication.clone(), json!({}), 5.0, &script);
        let verdict = verdict_at(&set_once, 3000.0);
        assert!(matches!(verdict, Convergence::Converged), "{publication}: {verdict:?}");
        // Nor if the publisher stays down.
        let crash = step(300, json!({ "crash": { "service": "api" } }));
        let stopped: Vec<Value> = script.iter().cloned().chain([crash]).collect();
        let verdict = verdict_at(&worker(publication.clone(), json!({}), 5.0, &stopped), 3000.0);
        assert!(matches!(verdict, Convergence::Converged), "{publication}: {verdict:?}");
    }
}

#[test]
fn a_last_attempt_without_acknowledgement_is_not_sent_again() {
    let publication = json!({ "mode": "after_commit", "retry": { "timeout_ms": 1000, "attempts": 2 } });
    let cut = step(90, json!({ "cut_link": { "from": "q", "to": "api", "one_way": true } }));
    let script = [cut, add(100, false)];
    // A consumer that adds differences does not ignore a repetition.
    let added = worker(publication.clone(), json!({ "effect": "increment" }), 5.0, &script);
    assert!(is_unknown(&verdict_at(&added, 700.0)), "the repetition is under way");
    assert!(will_not_converge(&verdict_at(&added, 1500.0)), "the repetition was added");
    let set_once = worker(publication, json!({}), 5.0, &script);
    assert!(matches!(verdict_at(&set_once, 1500.0), Convergence::Converged));
}

#[test]
fn a_restart_brings_back_nothing_that_is_not_under_way() {
    let crash = |at_ms, lose_disk| step(at_ms, json!({ "crash": { "service": "w", "lose_disk": lose_disk } }));
    let restart = |at_ms| step(at_ms, json!({ "restart": { "service": "w" } }));
    let write = set(100, 1, false);
    // The acknowledged event is lost with the disk.
    let lost = worker(json!({}), json!({}), 5.0, &[write.clone(), crash(200, true), restart(300)]);
    // The bus removes an event that it sends to a consumer that is down.
    let never = json!({ "acknowledge": "never", "dead_letter": false });
    let unacknowledged = worker(json!({}), never, 5.0, &[crash(50, false), write.clone(), restart(300)]);
    for (document, at_ms) in [(&lost, 250.0), (&unacknowledged, 150.0)] {
        let verdict = verdict_at(document, at_ms);
        assert!(will_not_converge(&verdict), "{verdict:?}");
        assert!(!ends_consistent(document));
    }
    // A queue that keeps its events, or a newer event in it, is enough.
    let kept = worker(json!({}), json!({}), 5.0, &[crash(50, false), write.clone(), restart(300)]);
    let newer = worker(json!({}), json!({}), 5.0, &[write, crash(200, true), set(220, 2, false), restart(300)]);
    for document in [&kept, &newer] {
        let verdict = verdict_at(document, 250.0);
        assert!(is_converging(&verdict), "{verdict:?}");
        assert!(ends_consistent(document));
    }
}

#[test]
fn a_bus_that_discarded_an_event_delivers_it_to_no_restarted_consumer() {
    let script = [
        step(50, json!({ "crash": { "service": "w" } })),
        set(100, 1, false),
        step(5000, json!({ "restart": { "service": "w" } })),
    ];
    let mut expired = worker(json!({}), json!({}), 5.0, &script);
    expired["buses"] = json!([{ "id": "q", "topics": [{ "name": "q", "retention_ms": 1000 }] }]);
    let verdict = verdict_at(&expired, 2000.0);
    assert!(will_not_converge(&verdict), "{verdict:?}");
    assert!(!ends_consistent(&expired));
}

#[test]
fn a_restarted_member_gets_back_only_what_its_group_repairs() {
    let document = |quorum: Value, lose_disk: bool, reads: &[u32]| {
        let read = |at_ms: &u32| json!({ "at_ms": at_ms, "do": { "read": { "key": "x" } } });
        let write = json!({ "at_ms": 100, "do": { "write": { "key": "x", "value": 1 } } });
        let steps: Vec<Value> = [write].into_iter().chain(reads.iter().map(read)).collect();
        let crash_ms = if lose_disk { 1000 } else { 0 };
        json!({
            "converge": 1,
            "until_ms": 20_000,
            "services": [{ "id": "m0" }, { "id": "m1" }, { "id": "m2" }],
            "groups": [{ "id": "g", "members": ["m0", "m1", "m2"], "protocol": { "quorum": quorum } }],
            "clients": [{ "id": "c", "target": "g", "timeout_ms": 1000,
                "script": steps }],
            "script": [
                step(crash_ms, json!({ "crash": { "service": "m2", "lose_disk": lose_disk } })),
                step(3000, json!({ "restart": { "service": "m2" } })),
            ],
        })
    };
    let plain = json!({ "read": 2, "write": 2 });
    let read_repair = json!({ "read": 2, "write": 2, "read_repair": "blocking" });
    let without_read = document(read_repair.clone(), false, &[]);
    let read_too_early = document(read_repair.clone(), false, &[2500]);
    for document in [&document(plain, true, &[]), &without_read, &read_too_early] {
        let verdict = verdict_at(document, 2000.0);
        assert!(will_not_converge(&verdict), "{verdict:?}");
        assert!(!ends_consistent(document));
    }
    // The first two responses need not include that of the restarted member. A read that waits for all three repairs it.
    assert!(is_unknown(&verdict_at(&document(read_repair, false, &[4000]), 2000.0)));
    let read_of_all = document(json!({ "read": 3, "write": 2, "read_repair": "blocking" }), false, &[4000]);
    assert!(is_converging(&verdict_at(&read_of_all, 2000.0)));
    assert!(ends_consistent(&read_of_all));
}

/// A writer `a`, a forwarder `b`, and a consumer `c` of the forwarded updates. `crash` stops `b`, which restarts at 500 ms.
fn forwarded(publication: Value, crash: Value) -> Value {
    let mut publication = publication;
    publication["to"] = "y".into();
    let operation = json!({ "write": { "key": "k", "value": 5 } });
    json!({
        "converge": 1,
        "until_ms": 10_000,
        "services": [
            { "id": "a", "data": { "k": 1 }, "publishes": [{ "to": "x" }] },
            { "id": "b", "data": { "k": 1 }, "subscribes": [{ "to": "x" }], "publishes": [publication] },
            { "id": "c", "data": { "k": 1 }, "subscribes": [{ "to": "y" }] },
        ],
        "buses": [{ "id": "x" }, { "id": "y" }],
        "script": [
            step(100, json!({ "operate": { "service": "a", "operation": operation } })),
            crash,
            step(500, json!({ "restart": { "service": "b" } })),
        ],
    })
}

#[test]
fn a_publication_in_flight_survives_the_crash_of_the_service_that_forwards_it() {
    for forward in [json!({}), json!({ "key": "k2", "times": 2 })] {
        let crash = step(112, json!({ "crash": { "service": "b" } }));
        let document = forwarded(json!({ "mode": "after_commit", "forward": forward }), crash);
        let verdict = verdict_at(&document, 113.0);
        assert!(is_converging(&verdict), "{verdict:?}");
        assert!(ends_consistent(&document));
    }
}

#[test]
fn a_forwarder_that_lost_its_disk_forwards_nothing_after_its_restart() {
    let mode = json!({ "change_data_capture": { "poll_ms": 500, "batch": 3 } });
    let crash = step(200, json!({ "crash": { "service": "b", "lose_disk": true } }));
    let document = forwarded(json!({ "mode": mode, "forward": {} }), crash);
    let verdict = verdict_at(&document, 250.0);
    assert!(will_not_converge(&verdict), "{verdict:?}");
    assert!(!ends_consistent(&document));
}

#[test]
fn a_write_that_a_member_is_processing_is_not_called_a_message_that_is_due_now() {
    // Member b receives the write at 1904 ms and stores it at 2004 ms.
    let member = |id: &str| json!({ "id": id, "service_time": { "constant": { "ms": 100 } } });
    let document = json!({
        "converge": 1, "until_ms": 10000, "default_latency": { "constant": { "ms": 2 } },
        "services": [member("a"), member("b"), member("c")],
        "groups": [{ "id": "g", "members": ["a", "b", "c"], "protocol": { "quorum": { "read": 1, "write": 1 } } }],
        "clients": [{
            "id": "writer", "target": "g", "script": [{ "at_ms": 1800, "do": { "write": { "key": "x", "value": 1 } } }]
        }]
    });
    let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
    let mut run = Run::new(&scenario);
    run.complete(micros(NOW_MS));
    let Convergence::Converging(whys) = run.convergence(&scenario) else { panic!("{:?}", run.convergence(&scenario)) };
    for why in whys {
        assert_eq!(why.prospect, Prospect::Storing(why.node));
        let text = converge::session::reasons::prospect(why.prospect, &run.context(&scenario));
        assert!(text.ends_with(" has received it and stores it next"), "{text}");
    }
}
