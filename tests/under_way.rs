//! What is under way while all copies are consistent: it is named where it may change a copy, and it changes no verdict where it
//! cannot.

use crate::common::command_line::{code, converge, out};
use converge::analysis::Convergence;
use converge::scenario::{Scenario, micros};
use converge::session::Run;
use serde_json::{Value, json};

fn scenario(document: &Value) -> Scenario {
    Scenario::from_json(&document.to_string()).expect("a valid scenario")
}

/// A quorum of three with one write, which is at all members after a second, and reads every 50 ms after that.
fn readers(read_repair: &str) -> Value {
    json!({
        "converge": 1, "until_ms": 4000,
        "default_latency": { "uniform": { "low_ms": 5, "high_ms": 40 } },
        "services": [{ "id": "a" }, { "id": "b" }, { "id": "c" }],
        "groups": [{
            "id": "g", "members": ["a", "b", "c"],
            "protocol": { "quorum": { "read": 1, "write": 2, "read_repair": read_repair } }
        }],
        "clients": [
            { "id": "writer", "target": "g", "script": [{ "at_ms": 10, "do": { "write": { "key": "k", "value": 1 } } }] },
            {
                "id": "reader", "target": "g",
                "generate": {
                    "arrivals": { "periodic": { "every_ms": 50 } }, "keys": { "one": { "key": "k" } },
                    "read_share": 1, "from_ms": 1000
                }
            }
        ]
    })
}

#[test]
fn reads_of_consistent_copies_do_not_make_the_verdict_flicker() {
    for read_repair in ["none", "async", "blocking"] {
        let scenario = scenario(&readers(read_repair));
        let mut run = Run::new(&scenario);
        let mut reads_under_way = 0;
        for at_ms in 1000..2000 {
            run.complete(micros(f64::from(at_ms)));
            reads_under_way += run.analysis().operations.pending() + run.analysis().messages.len();
            assert_eq!(run.convergence(&scenario), Convergence::Converged, "{read_repair}: at {at_ms} ms");
            assert!(run.is_quiet(), "{read_repair}: at {at_ms} ms");
        }
        assert!(reads_under_way > 1000, "{reads_under_way}");
    }
}

#[test]
fn a_read_that_may_repair_a_copy_is_work_under_way() {
    let mut document = readers("async");
    // C misses the write, and no other message brings it.
    document["script"] = json!([
        { "at_ms": 5, "do": { "crash": { "service": "c" } } }, { "at_ms": 900, "do": { "restart": { "service": "c" } } }
    ]);
    let scenario = scenario(&document);
    let mut run = Run::new(&scenario);
    run.complete(micros(1_060.0));
    assert!(matches!(run.convergence(&scenario), Convergence::Converging(_)), "{:?}", run.convergence(&scenario));
    assert!(!run.is_quiet(), "the read is pending");
    run.complete(micros(2_000.0));
    assert_eq!(run.convergence(&scenario), Convergence::Converged);
}

#[test]
fn an_event_that_waits_for_its_acknowledgement_is_named_and_counted_where_it_waits() {
    let shown = out(&converge(&["run", "ex=kafka-commit", "--until", "1500"], ""));
    let waiting = "still under way: 1 unacknowledged event of Kafka for Careful (commits last).";
    assert!(shown.contains(&format!("convergence: converging\n  Every copy is consistent; {waiting}\n")), "{shown}");
    assert!(
        shown.contains("events of orders: 2 published, 1 acknowledged, 0 queued, 1 delivered and unacknowledged, "),
        "{shown}"
    );
    let why = out(&converge(&["why", "ex=kafka-commit", "--at", "1500"], ""));
    assert_eq!(why, format!("converging\nEvery copy is consistent; {waiting}\n"));
}

#[test]
fn an_event_whose_deliveries_are_used_up_before_the_script_redrives_it_arrives_at_last() {
    let scenario = converge::scenario::examples::find("dead-letter-redrive").expect("an example").scenario();
    let mut run = Run::new(&scenario);
    for at_ms in [1_000.0, 2_500.0, 4_000.0, 6_000.0, 7_050.0] {
        run.complete(micros(at_ms));
        let verdict = run.convergence(&scenario);
        assert!(matches!(verdict, Convergence::Converging(_)), "at {at_ms} ms: {verdict:?}");
    }
    run.complete(micros(scenario.until_ms));
    assert_eq!(run.convergence(&scenario), Convergence::Converged);
    // Without the redrive, or with one before the healing, nothing is certain but the loss.
    for (script, wanted) in [(3, "will not converge"), (4, "unknown")] {
        let mut scenario = scenario.clone();
        scenario.script[3].at_ms = 4_500.0;
        scenario.script.truncate(script);
        let report = out(&converge(&["why", "-", "--at", "1000"], scenario.to_json()));
        assert!(report.starts_with(wanted), "{report}");
    }
}

#[test]
fn operations_under_way_are_named_with_their_client_and_a_missed_promise_too() {
    let document = json!({
        "converge": 1, "until_ms": 1000, "promises": ["converged"], "default_latency": { "constant": { "ms": 100 } },
        "services": [{ "id": "inventory", "name": "Inventory", "data": { "widget": 1 } }],
        "clients": [{
            "id": "buyer", "name": "Buyer", "target": "inventory",
            "script": [
                { "at_ms": 10, "do": { "write": { "key": "widget", "value": 2 } } },
                { "at_ms": 995, "do": { "write": { "key": "widget", "value": 3 } } }
            ]
        }]
    });
    let run = converge(&["run", "-"], document.to_string());
    let (shown, waiting) = (out(&run), "very copy is consistent; still under way: 1 operation of Buyer at Inventory");
    assert!(shown.contains(&format!("convergence: converging\n  E{waiting}.\n")), "{shown}");
    assert!(shown.contains(&format!("missed promise: converged: e{waiting}\n")), "{shown}");
    assert_eq!(code(&run), 1);
}
