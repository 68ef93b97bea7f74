//! Rules of stores: ties of timestamps, and what sessions can be promised.

use super::cases::{code, converge, err, json, path, text};
use converge::report::{RunReport, scenario_from};
use converge::scenario::{Command, Operation, Scenario, Step};
use serde_json::json;

fn values(scenario: &Scenario) -> Vec<Option<converge::scenario::Value>> {
    let report = RunReport::of(scenario, u64::MAX);
    assert_eq!(report.convergence.verdict, "converged", "{:?}", report.convergence.because);
    report.services.values().map(|service| service.keys["k"].value.clone()).collect()
}

#[test]
fn of_writes_with_the_same_timestamp_the_larger_value_wins() {
    let scenario = scenario_from(&text("cases/25-tie-values.json")).expect("a scenario");
    assert_eq!(values(&scenario), vec![Some("zebra".into()); 3]);
}

#[test]
fn of_a_write_and_a_deletion_with_the_same_timestamp_the_deletion_wins() {
    let scenario = scenario_from(&text("cases/25-tie-tombstone.json")).expect("a scenario");
    assert_eq!(values(&scenario), vec![None; 3]);
}

#[test]
fn the_order_of_writes_with_the_same_timestamp_does_not_matter() {
    let base = scenario_from(&text("cases/25-tie-values.json")).expect("a scenario");
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for numbers in orders {
        let step = |(node, number): (usize, i64)| {
            let operation = Operation::Write { key: "k".into(), value: (9 + number).into() };
            let command = Command::Operate { service: format!("n{}", node + 1), operation, poison: false };
            Step { at_ms: 1000.0, command }
        };
        let script = numbers.into_iter().enumerate().map(step).collect();
        assert_eq!(values(&Scenario { script, ..base.clone() }), vec![Some(11.into()); 3], "{numbers:?}");
    }
}

#[test]
fn monotonic_writes_of_siblings_are_refused_with_their_path() {
    let output = converge(&["validate", &path("cases/m-mw-siblings.json")], "");
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("clients[0].guarantees[0]: "), "{}", err(&output));
}

#[test]
fn a_compare_and_set_that_is_always_refused_is_warned_about() {
    let scenario = json!({
        "converge": 1,
        "services": [{ "id": "a" }, { "id": "b" }],
        "groups": [{ "id": "g", "members": ["a", "b"] }],
        "clients": [{ "id": "c", "target": "g", "script": [{
            "at_ms": 1,
            "do": { "compare_and_set": { "key": "k", "expect": 1, "value": 2 } }
        }] }],
    });
    let output = converge(&["validate", "-", "--json"], scenario.to_string());
    let warnings = &json(&output)["warnings"];
    assert_eq!(warnings[0]["path"], "clients[0].script[0].do.compare_and_set", "{warnings}");
}

#[test]
fn an_increment_beyond_the_range_of_numbers_is_refused() {
    let largest = 1i64 << 53;
    let scenario = json!({
        "converge": 1,
        "services": [{ "id": "a", "data": { "n": largest } }],
        "clients": [{ "id": "c", "target": "a", "script": [
            { "at_ms": 1, "do": { "increment": { "key": "n", "by": 1 } } }
        ] }],
    });
    let report = RunReport::of(&scenario_from(&scenario.to_string()).expect("valid"), u64::MAX);
    assert_eq!((report.clients["c"].fail, report.clients["c"].ok), (1, 0));
    assert_eq!(report.services["a"].keys["n"].value, Some(largest.into()));
}

#[test]
fn a_service_forwards_what_another_user_of_its_store_applied_first() {
    let latency = |to: &str, ms: f64| json!({ "from": "bus", "to": to, "latency": { "constant": { "ms": ms } } });
    let write = |at_ms: f64, value: i64| {
        json!({ "at_ms": at_ms, "do": { "operate": { "service": "a",
            "operation": { "write": { "key": "k", "value": value } } } } })
    };
    let user =
        |publishes: serde_json::Value| json!({ "store": "s", "subscribes": [{ "to": "bus" }], "publishes": publishes });
    let (mut b, mut c) = (user(json!([{ "to": "chain", "forward": { "from": "bus" } }])), user(json!([])));
    (b["id"], c["id"]) = ("b".into(), "c".into());
    let scenario = json!({
        "converge": 1,
        "until_ms": 2000.0,
        "services": [
            { "id": "a", "publishes": [{ "to": "bus" }] }, b, c,
            { "id": "tail", "subscribes": [{ "to": "chain" }] }
        ],
        "buses": [{ "id": "bus" }, { "id": "chain" }],
        // The service that forwards is always second.
        "links": [latency("b", 50.0), latency("c", 1.0)],
        "script": [write(10.0, 1), write(20.0, 2), write(500.0, 3)],
    });
    let scenario = Scenario::from_json(&scenario.to_string()).expect("a valid scenario");
    assert_eq!(values(&scenario), vec![Some(3.into()); 4], "the tail holds the last value");
}

fn write(at_ms: u32, value: i64) -> serde_json::Value {
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "api", "operation": { "write": { "key": "k", "value": value } } } } })
}

#[test]
fn of_two_writes_of_a_service_at_one_clock_reading_the_later_one_wins_in_any_order_of_arrival() {
    for seed in 1..=20 {
        let copy = |id: &str| json!({ "id": id, "subscribes": [{ "to": "q", "effect": "last_writer_wins" }] });
        let link = |to: &str| json!({ "from": "q", "to": to, "fifo": false, "latency": { "uniform": { "low_ms": 1, "high_ms": 500 } } });
        let scenario = json!({
            "converge": 1,
            "seed": seed,
            "services": [{ "id": "api", "publishes": [{ "to": "q" }] }, copy("first"), copy("second")],
            "buses": [{ "id": "q" }],
            "links": [link("first"), link("second")],
            "script": [write(100, 1), write(100, 2)],
        });
        let scenario = scenario_from(&scenario.to_string()).expect("a scenario");
        assert_eq!(values(&scenario), vec![Some(2.into()); 3], "seed {seed}");
    }
}

#[test]
fn a_number_that_is_derived_from_an_event_never_overflows_in_silence() {
    let scenario = json!({
        "converge": 1,
        "services": [
            { "id": "api", "publishes": [{ "to": "q" }] },
            {
                "id": "deriving",
                "subscribes": [{ "to": "q" }],
                "publishes": [{ "to": "derived", "forward": { "key": "double", "times": 2 } }],
            },
            { "id": "last", "subscribes": [{ "to": "derived" }] },
        ],
        "buses": [{ "id": "q" }, { "id": "derived" }],
        "script": [write(100, 9_007_199_254_740_991)],
    });
    let output = converge(&["why", "-"], scenario.to_string());
    let reasons = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(reasons.contains("a number would be beyond -2^53 to 2^53"), "{reasons}");
    assert!(!reasons.contains("converged"), "{reasons}");
}
