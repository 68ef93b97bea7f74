//! The convergence verdict counts a healing for the node that it heals, and for no other.

use converge::report::{RunReport, scenario_from};
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

/// The verdict if the view is stopped by `fault` before the write, and `mends` come later than the run's end.
fn verdict(fault: Value, mends: &[Value]) -> (&'static str, String) {
    let mut script = vec![json!({ "at_ms": 50, "do": fault }), write(100, 1)];
    script.extend(mends.iter().map(|mend| json!({ "at_ms": 9000, "do": mend })));
    let report = report(&script);
    (report.convergence.verdict, report.convergence.because.join(" "))
}

#[test]
fn a_node_that_stays_frozen_or_down_never_converges() {
    let (verdict_of_paused, because) = verdict(json!({ "pause": { "node": "view" } }), &[]);
    assert_eq!(verdict_of_paused, "will not converge", "{because}");
    assert!(because.contains("frozen"), "{because}");
    assert_eq!(verdict(json!({ "crash": { "service": "view" } }), &[]).0, "will not converge");
}

#[test]
fn a_mend_of_another_node_mends_nothing() {
    let pause = json!({ "pause": { "node": "view" } });
    let crash = json!({ "crash": { "service": "view" } });
    for (fault, mend) in [
        (&pause, json!({ "resume": { "node": "other" } })),
        (&pause, json!({ "restart": { "service": "view" } })),
        (&crash, json!({ "restart": { "service": "other" } })),
        (&crash, json!({ "resume": { "node": "view" } })),
        (&crash, json!({ "heal_link": { "from": "q", "to": "view" } })),
    ] {
        assert_eq!(verdict(fault.clone(), std::slice::from_ref(&mend)).0, "will not converge", "{fault} {mend}");
    }
    for (fault, mend) in [
        (&pause, json!({ "resume": { "node": "view" } })),
        (&crash, json!({ "restart": { "service": "view" } })),
        (&crash, json!("heal_all")),
    ] {
        assert_eq!(verdict(fault.clone(), std::slice::from_ref(&mend)).0, "converging", "{fault} {mend}");
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
    let eased = json!({ "at_ms": 60, "do": { "disturb_link": { "from": "q", "to": "view", "loss": 0.1 } } });
    assert_ne!(verdict_with(json!({}), Value::Null, &[disturbed(1.0), eased]).0, "will not converge");
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
