//! The convergence verdict counts a healing for the node that it heals, and for no other.

use converge::report::{ReasonsReport, RunReport, scenario_from};
use converge::session::Run;
use serde_json::{Value, json};

/// Runs a publisher, a bus and a view.
fn report(script: &[Value]) -> RunReport {
    let scenario = json!({
        "converge": 1,
        "until_ms": 3000,
        "services": [
            { "id": "a", "data": { "k": 0 }, "publishes": [{ "to": "q" }] },
            { "id": "view", "data": { "k": 0 }, "subscribes": [{ "to": "q" }] },
            { "id": "other" },
        ],
        "buses": [{ "id": "q" }],
        "script": script,
        "promises": ["converged"],
    });
    RunReport::of(&scenario_from(&scenario.to_string()).expect("valid"), u64::MAX)
}

fn write(at_ms: u32, value: u32) -> Value {
    let operation = json!({ "write": { "key": "k", "value": value } });
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "a", "operation": operation } } })
}

/// The verdict if the view is stopped by `fault` before the write, and `healings` are scheduled after the run's end.
fn verdict(fault: Value, healings: &[Value]) -> (&'static str, String) {
    let mut script = vec![json!({ "at_ms": 50, "do": fault }), write(100, 1)];
    script.extend(healings.iter().map(|healing| json!({ "at_ms": 9000, "do": healing })));
    let report = report(&script);
    (report.convergence.verdict, report.convergence.because.join(" "))
}

#[test]
fn a_node_that_stays_paused_or_down_never_converges() {
    let (verdict_of_paused, because) = verdict(json!({ "pause": { "node": "view" } }), &[]);
    assert_eq!(verdict_of_paused, "will not converge", "{because}");
    assert!(because.contains("frozen"), "{because}");
    assert_eq!(verdict(json!({ "crash": { "service": "view" } }), &[]).0, "will not converge");
}

#[test]
fn a_healing_of_another_node_does_not_count() {
    let pause = json!({ "pause": { "node": "view" } });
    let crash = json!({ "crash": { "service": "view" } });
    for (fault, healing) in [
        (&pause, json!({ "resume": { "node": "other" } })),
        (&pause, json!({ "restart": { "service": "view" } })),
        (&crash, json!({ "restart": { "service": "other" } })),
        (&crash, json!({ "resume": { "node": "view" } })),
        (&crash, json!({ "heal_link": { "from": "q", "to": "view" } })),
    ] {
        assert_eq!(verdict(fault.clone(), std::slice::from_ref(&healing)).0, "will not converge", "{fault} {healing}");
    }
    for (fault, healing) in [
        (&pause, json!({ "resume": { "node": "view" } })),
        (&crash, json!({ "restart": { "service": "view" } })),
        (&crash, json!("heal_all")),
    ] {
        assert_eq!(verdict(fault.clone(), std::slice::from_ref(&healing)).0, "converging", "{fault} {healing}");
    }
}

#[test]
fn a_service_that_is_down_with_equal_copies_breaks_no_promise() {
    let crash = json!({ "at_ms": 2000, "do": { "crash": { "service": "view" } } });
    let kept = report(&[write(100, 1), crash.clone()]);
    assert_eq!((kept.convergence.verdict, kept.missed.len()), ("converged", 0), "{:?}", kept.missed);
    // Its copy is stale for ever.
    let missed = report(&[write(100, 1), crash, write(2500, 2)]);
    assert_eq!((missed.convergence.verdict, missed.missed.len()), ("will not converge", 1), "{:?}", missed.missed);
}

/// The verdict at 3 s about a write at 100 ms, with changes of the document.
fn verdict_with(subscription: Value, link: Value, script: &[Value]) -> (&'static str, String) {
    let mut subscribes = json!({ "to": "q" });
    subscribes.as_object_mut().expect("an object").extend(subscription.as_object().expect("an object").clone());
    let steps: Vec<Value> = [write(100, 1)].iter().chain(script).cloned().collect();
    let scenario = json!({
        "converge": 1,
        "until_ms": 3000,
        "services": [
            { "id": "a", "data": { "k": 0 }, "publishes": [{ "to": "q", "mode": { "outbox": { "poll_ms": 100, "batch": 10 } } }] },
            { "id": "view", "data": { "k": 0 }, "subscribes": [subscribes] },
        ],
        "buses": [{ "id": "q" }],
        "links": if link.is_null() { json!([]) } else { json!([link]) },
        "script": steps,
    });
    let report = RunReport::of(&scenario_from(&scenario.to_string()).expect("valid"), u64::MAX);
    (report.convergence.verdict, report.convergence.because.join(" "))
}

#[test]
fn a_link_that_loses_every_message_never_converges_unless_the_script_heals_it() {
    for link in [json!({ "from": "q", "to": "view", "loss": 1.0 }), json!({ "from": "q", "to": "a", "loss": 1.0 })] {
        let (verdict, because) = verdict_with(json!({}), link.clone(), &[]);
        assert_eq!(verdict, "will not converge", "{link}: {because}");
        assert!(because.contains("loses every message"), "{because}");
    }
    let disturbed =
        |loss: f64| json!({ "at_ms": 50, "do": { "disturb_link": { "from": "q", "to": "view", "loss": loss } } });
    let healed = json!({ "at_ms": 9000, "do": { "heal_link": { "from": "q", "to": "view" } } });
    assert_eq!(verdict_with(json!({}), Value::Null, &[disturbed(1.0)]).0, "will not converge");
    assert_eq!(verdict_with(json!({}), Value::Null, &[disturbed(1.0), healed]).0, "converging");
    let weaker = json!({ "at_ms": 60, "do": { "disturb_link": { "from": "q", "to": "view", "loss": 0.1 } } });
    assert_ne!(verdict_with(json!({}), Value::Null, &[disturbed(1.0), weaker]).0, "will not converge");
}

#[test]
fn a_consumer_that_fails_at_every_event_never_converges() {
    let (verdict, because) = verdict_with(json!({ "fails": 1.0 }), Value::Null, &[]);
    assert_eq!(verdict, "will not converge", "{because}");
    assert!(because.contains("every handling at view fails"), "{because}");
    assert_eq!(verdict_with(json!({ "fails": 0.0 }), Value::Null, &[]).0, "converged");
}

#[test]
fn a_dead_letter_converges_if_the_script_redrives_it_and_no_other() {
    let used_up = json!({ "max_deliveries": 1, "processing": { "constant": { "ms": 500 } }, "ack_deadline_ms": 1000 });
    let stop = [
        json!({ "at_ms": 300, "do": { "crash": { "service": "view" } } }),
        json!({ "at_ms": 400, "do": { "restart": { "service": "view" } } }),
    ];
    let verdict = |step: Value| {
        let steps: Vec<Value> = stop.iter().cloned().chain([step]).collect();
        verdict_with(used_up.clone(), Value::Null, &steps)
    };
    let redrive = json!({ "redrive": { "bus": "q", "service": "view" } });
    let (redriven, because) = verdict(json!({ "at_ms": 9000, "do": redrive }));
    assert_eq!(redriven, "converging", "{because}");
    assert!(because.contains("redrives it at 9"), "{because}");
    assert_eq!(
        verdict(json!({ "at_ms": 9000, "do": { "purge": { "bus": "q", "service": "view" } } })).0,
        "will not converge"
    );
}

/// The verdict at 60 s about a write at 30 s whose event is published until the bus accepts it. Three brokers; `commit` is
/// their rule.
fn verdict_of_brokers(commit: Value, script: &[Value]) -> (&'static str, String) {
    let steps: Vec<Value> = [write(30_000, 1)].iter().chain(script).cloned().collect();
    let outbox = json!({ "outbox": { "poll_ms": 1000, "batch": 10 } });
    let scenario = json!({
        "converge": 1,
        "until_ms": 60_000,
        "services": [
            { "id": "a", "data": { "k": 0 }, "publishes": [{ "to": "q", "mode": outbox }] },
            { "id": "view", "data": { "k": 0 }, "subscribes": [{ "to": "q" }] },
        ],
        "buses": [{ "id": "q", "replication": { "replicas": 3, "commit": commit } }],
        "script": steps,
    });
    let report = RunReport::of(&scenario_from(&scenario.to_string()).expect("valid"), u64::MAX);
    (report.convergence.verdict, report.convergence.because.join(" "))
}

fn stop_broker(at_ms: u32, broker: u32) -> Value {
    json!({ "at_ms": at_ms, "do": { "stop_broker": { "bus": "q", "broker": broker } } })
}

fn start_broker(at_ms: u32, broker: u32) -> Value {
    json!({ "at_ms": at_ms, "do": { "start_broker": { "bus": "q", "broker": broker } } })
}

#[test]
fn a_bus_that_elects_no_leader_any_more_never_converges_unless_the_script_starts_a_broker_in_sync() {
    let clean = || json!({ "in_sync": {} });
    // Broker 1 alone is in sync when it stops; the others return.
    let alone = [stop_broker(1000, 2), stop_broker(1000, 3), stop_broker(25_000, 1), start_broker(26_000, 2)];
    let (stuck, because) = verdict_of_brokers(clean(), &alone);
    assert_eq!(stuck, "will not converge", "{because}");
    assert!(because.contains("only a broker in sync may lead (broker 1)"), "{because}");
    let and = |step: Value| -> Vec<Value> { alone.iter().cloned().chain([step]).collect() };
    assert_eq!(verdict_of_brokers(clean(), &and(start_broker(90_000, 3))).0, "will not converge");
    assert_eq!(verdict_of_brokers(clean(), &and(start_broker(90_000, 1))).0, "converging");
    assert_eq!(verdict_of_brokers(clean(), &and(json!({ "at_ms": 90_000, "do": "heal_all" }))).0, "converging");
    let unclean = json!({ "in_sync": { "unclean_election": true } });
    assert_eq!(verdict_of_brokers(unclean, &alone).0, "converged");
    // A majority needs one broker more than are up.
    let two_stopped = [stop_broker(1000, 1), stop_broker(1000, 2)];
    let (stuck, because) = verdict_of_brokers(json!("majority"), &two_stopped);
    assert_eq!(stuck, "will not converge", "{because}");
    assert!(because.contains("nothing starts enough of brokers 1 and 2"), "{because}");
    let again: Vec<Value> = two_stopped.iter().cloned().chain([start_broker(90_000, 2)]).collect();
    assert_eq!(verdict_of_brokers(json!("majority"), &again).0, "converging");
}

#[test]
fn a_bus_that_refuses_every_publication_never_converges_unless_the_script_starts_enough_brokers() {
    let needs_two = || json!({ "in_sync": { "min_insync": 2 } });
    let two_stopped = [stop_broker(1000, 2), stop_broker(1000, 3)];
    let (refused, because) = verdict_of_brokers(needs_two(), &two_stopped);
    assert_eq!(refused, "will not converge", "{because}");
    assert!(
        because.contains("2 of 3 brokers must be in sync, and nothing starts enough of brokers 2 and 3"),
        "{because}"
    );
    let started: Vec<Value> = two_stopped.iter().cloned().chain([start_broker(90_000, 3)]).collect();
    assert_eq!(verdict_of_brokers(needs_two(), &started).0, "converging");
    assert_eq!(verdict_of_brokers(needs_two(), &two_stopped[..1]).0, "converged");
    assert_eq!(verdict_of_brokers(json!({ "in_sync": {} }), &two_stopped).0, "converged");
}

/// The verdict at 3 s if `b` derives a number from an event of `o`, and publishes it, or adds it with `effect`.
fn verdict_of_numbers(effect: &str, times: i64, script: &[Value]) -> (&'static str, String) {
    let operate = |at_ms: u32, service: &str, operation: Value| json!({ "at_ms": at_ms, "do": { "operate": { "service": service, "operation": operation } } });
    let largest: i64 = 1 << 52;
    let mut steps = vec![operate(100, "a", json!({ "increment": { "key": "o", "by": largest } }))];
    steps.extend(script.iter().cloned());
    let scenario = json!({
        "converge": 1,
        "until_ms": 3000,
        "services": [
            { "id": "a", "data": { "o": 0 }, "publishes": [{ "to": "x" }] },
            {
                "id": "b",
                "subscribes": [{ "to": "x", "effect": effect, "processing": { "constant": { "ms": 20 } } }],
                "publishes": [{ "to": "y", "forward": { "key": "p", "times": times } }],
            },
            { "id": "c", "subscribes": [{ "to": "y" }] },
        ],
        "buses": [{ "id": "x" }, { "id": "y" }],
        "script": steps,
    });
    let report = RunReport::of(&scenario_from(&scenario.to_string()).expect("valid"), u64::MAX);
    (report.convergence.verdict, report.convergence.because.join(" "))
}

#[test]
fn an_event_whose_result_is_too_large_at_each_delivery_never_converges() {
    for effect in ["set_if_newer", "overwrite", "increment"] {
        let (verdict, because) = verdict_of_numbers(effect, 4, &[]);
        assert_eq!(verdict, "will not converge", "{effect}: {because}");
        assert!(because.contains("every further delivery to b fails in the same way"), "{effect}: {because}");
        assert_eq!(verdict_of_numbers(effect, 1, &[]).0, "converged", "{effect}");
    }
    // A newer event that can be stored is on its way.
    let operation = json!({ "write": { "key": "o", "value": 1 } });
    let newer = json!({ "at_ms": 2999, "do": { "operate": { "service": "a", "operation": operation } } });
    assert_ne!(verdict_of_numbers("set_if_newer", 4, &[newer]).0, "will not converge");
}

/// Returns the report of `why` at 1 s about a sum whose event is delivered again at 5 s, because `fault` lost its
/// acknowledgement at 112 ms.
fn reasons_of_sum(subscription: Value, publication: Value, fault: Value) -> (&'static str, Vec<String>) {
    let mut subscribes = json!({ "to": "q", "effect": "increment", "ack_deadline_ms": 5000 });
    subscribes.as_object_mut().expect("an object").extend(subscription.as_object().expect("an object").clone());
    let mut publishes = json!({ "to": "q" });
    publishes.as_object_mut().expect("an object").extend(publication.as_object().expect("an object").clone());
    let add = json!({ "operate": { "service": "a", "operation": { "increment": { "key": "k", "by": 1 } } } });
    let scenario = json!({
        "converge": 1,
        "until_ms": 1000,
        "services": [
            { "id": "a", "data": { "k": 0 }, "publishes": [publishes] },
            { "id": "view", "data": { "k": 0 }, "subscribes": [subscribes] },
        ],
        "buses": [{ "id": "q" }],
        "script": [
            { "at_ms": 100, "do": add },
            { "at_ms": 110, "do": { "cut_link": fault } }, { "at_ms": 500, "do": { "heal_link": fault } },
        ],
    });
    let scenario = scenario_from(&scenario.to_string()).expect("valid");
    let mut run = Run::new(&scenario);
    run.complete(1_000_000);
    let report = ReasonsReport::new(&run, &scenario, std::iter::empty());
    (report.verdict, report.because)
}

#[test]
fn equal_copies_have_not_converged_while_an_event_will_be_added_once_more() {
    let acknowledgement = json!({ "from": "view", "to": "q", "one_way": true });
    let (verdict, because) = reasons_of_sum(json!({}), json!({}), acknowledgement.clone());
    assert_eq!(verdict, "unknown", "{because:?}");
    assert!(because[0].contains("q delivers k = 1 (v2) to view once more, which adds it again"), "{because:?}");
    // The publisher has not received the acknowledgement of the bus.
    let resent = json!({ "retry": { "timeout_ms": 2000, "attempts": 5 } });
    let to_publisher = json!({ "from": "q", "to": "a", "one_way": true });
    let (verdict, because) = reasons_of_sum(json!({}), resent, to_publisher.clone());
    assert_eq!(verdict, "unknown", "{because:?}");
    assert!(because[0].contains("a publishes k = 1 (v2) once more, and view adds it again"), "{because:?}");
    // An inbox ignores the repetition, and without a retry there is none.
    let (verdict, because) = reasons_of_sum(json!({ "inbox": {} }), json!({}), acknowledgement);
    assert_eq!(verdict, "converged", "{because:?}");
    assert_eq!(reasons_of_sum(json!({}), json!({}), to_publisher).0, "converged");
}

#[test]
fn a_dead_letter_that_the_script_redrives_to_a_consumer_that_always_fails_never_converges() {
    let redrive = json!({ "at_ms": 9000, "do": { "redrive": { "bus": "q", "service": "view" } } });
    let (verdict, because) =
        verdict_with(json!({ "fails": 1.0, "max_deliveries": 1 }), Value::Null, std::slice::from_ref(&redrive));
    assert_eq!(verdict, "will not converge", "{because}");
    assert!(because.contains("dead-letter queue"), "{because}");
    // Neither does a poison message.
    let operation = json!({ "write": { "key": "k", "value": 2 } });
    let poison = json!({ "operate": { "service": "a", "operation": operation, "poison": true } });
    let poison = json!({ "at_ms": 200, "do": poison });
    let (verdict, because) = verdict_with(json!({ "max_deliveries": 1 }), Value::Null, &[poison, redrive]);
    assert_eq!(verdict, "will not converge", "{because}");
}
