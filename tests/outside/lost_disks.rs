//! A node that has lost its disk no longer knows how many changes it made. It does not use their identities again: the changes
//! after the loss and those before it are different to all other nodes.

use converge::report::{RunReport, scenario_from};
use serde_json::{Value, json};

fn report(document: &Value) -> RunReport {
    RunReport::of(&scenario_from(&document.to_string()).expect("valid"), u64::MAX)
}

fn step(at_ms: u32, command: Value) -> Value {
    json!({ "at_ms": at_ms, "do": command })
}

fn operate(at_ms: u32, service: &str, operation: &Value) -> Value {
    step(at_ms, json!({ "operate": { "service": service, "operation": operation } }))
}

/// `r1` executes an operation, loses its disk, and executes another one before anything has reached it again.
fn group(protocol: &Value, data: &Value, operations: &[Value; 2]) -> Value {
    json!({
        "converge": 1,
        "until_ms": 60_000,
        "default_latency": { "constant": { "ms": 10 } },
        "services": [{ "id": "r1" }, { "id": "r2" }, { "id": "r3" }],
        "groups": [{ "id": "g", "members": ["r1", "r2", "r3"], "protocol": protocol, "data": data }],
        "script": [
            operate(100, "r1", &operations[0]),
            step(3900, json!({ "crash": { "service": "r1", "lose_disk": true } })),
            step(4050, json!({ "restart": { "service": "r1" } })),
            operate(4060, "r1", &operations[1]),
        ],
    })
}

/// Each data type, two operations, and the value after both. A write without the other's version replaces nothing.
fn cases() -> Vec<(Value, [Value; 2], Value)> {
    let write = |n: u32| json!({ "write": { "key": "k", "value": n } });
    let add = |element: &str| json!({ "add": { "key": "k", "element": element } });
    let insert = |element: &str| json!({ "insert": { "key": "k", "at": 0, "element": element } });
    let put = |field: &str, n: u32| json!({ "put": { "key": "k", "field": field, "value": n } });
    let increment = |n: u32| json!({ "increment": { "key": "k", "by": n } });
    vec![
        (json!("counter"), [increment(3), increment(1)], json!(4)),
        (json!("set"), [add("x"), add("y")], json!(["x", "y"])),
        (json!("remove_wins_set"), [add("x"), add("y")], json!(["x", "y"])),
        (json!("map"), [put("f", 1), put("g", 2)], json!({ "map": { "f": 1, "g": 2 } })),
        (json!("sequence"), [insert("x"), insert("y")], json!({ "list": ["y", "x"] })),
        (json!("multi_value"), [write(1), write(2)], json!([1, 2])),
        (json!({ "merged": { "by": "max" } }), [write(2), write(1)], json!(2)),
        (json!({ "register": { "clock": "lamport" } }), [write(1), write(2)], json!(2)),
        (json!({ "register": { "clock": "hybrid" } }), [write(1), write(2)], json!(2)),
        (json!({ "register": { "clock": "wall" } }), [write(1), write(2)], json!(2)),
    ]
}

#[test]
fn a_change_after_the_loss_of_a_disk_is_not_taken_for_the_one_before_it() {
    let quorum = json!({ "quorum": { "read": 1, "write": 1, "anti_entropy": { "every_ms": 4000, "depth": 2 } } });
    let gossip = json!({ "gossip": { "every": { "constant": { "ms": 500 } } } });
    for protocol in [&quorum, &gossip] {
        for (data, operations, expected) in cases() {
            let report = report(&group(protocol, &data, &operations));
            let held = |id: &str| report.services[id].keys["k"].value.clone();
            for member in ["r1", "r2", "r3"] {
                let held = serde_json::to_value(held(member)).expect("a value");
                assert_eq!(held, expected, "{member} of {data} {protocol}");
            }
            let copies = &report.copies;
            assert_eq!((copies.stale, copies.diverged), (0, 0), "{data}: {:?}", report.convergence.because);
        }
    }
}

#[test]
fn increments_that_every_member_has_lost_are_missed_by_all() {
    let increment = |n: u32| json!({ "increment": { "key": "k", "by": n } });
    let quorum = json!({ "quorum": { "read": 1, "write": 1 } });
    let mut document = group(&quorum, &json!("counter"), &[increment(3), increment(1)]);
    let script = document["script"].as_array_mut().expect("a script");
    for member in ["r2", "r3"] {
        script.push(step(3900, json!({ "crash": { "service": member, "lose_disk": true } })));
        script.push(step(4050, json!({ "restart": { "service": member } })));
    }
    let report = report(&document);
    assert_eq!(report.convergence.verdict, "will not converge", "{:?}", report.convergence.because);
    assert_eq!(report.copies.stale, 3);
}

#[test]
fn a_consumer_applies_the_first_write_of_a_publisher_that_lost_its_disk() {
    let write = |n: u32| json!({ "write": { "key": "k", "value": n } });
    let document = json!({
        "converge": 1,
        "until_ms": 10_000,
        "default_latency": { "constant": { "ms": 10 } },
        "services": [
            { "id": "a", "publishes": [{ "to": "bus" }] },
            { "id": "w", "subscribes": [{ "to": "bus" }] },
        ],
        "buses": [{ "id": "bus" }],
        "script": [
            operate(100, "a", &write(1)),
            step(1000, json!({ "crash": { "service": "a", "lose_disk": true } })),
            step(2000, json!({ "restart": { "service": "a" } })),
            operate(3000, "a", &write(2)),
        ],
    });
    let report = report(&document);
    assert_eq!(report.services["w"].keys["k"].value, Some(2.into()));
    assert_eq!(report.convergence.verdict, "converged", "{:?}", report.convergence.because);
}
