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
