//! The counts and the log of operations name who issued them, and how they ended.

use super::cases::{converge, json, out};
use serde_json::{Value, json};

/// A saga by calls, whose second callee is down. The operation is issued on the page, and by a client.
fn saga() -> Value {
    let issued = json!({ "write": { "key": "o", "value": 1 } });
    json!({
        "converge": 1,
        "until_ms": 20_000,
        "services": [
            { "id": "order", "data": { "o": 0 }, "calls": [
                { "to": "pay", "do": { "write": { "key": "paid", "value": 1 } }, "timeout_ms": 500 },
                { "to": "stock", "do": { "increment": { "key": "n", "by": -1 } }, "timeout_ms": 500 },
            ] },
            { "id": "pay", "data": { "paid": 0 } },
            { "id": "stock", "data": { "n": 5 } },
        ],
        "script": [
            { "at_ms": 500, "do": { "crash": { "service": "stock" } } },
            { "at_ms": 1000, "do": { "operate": { "service": "order", "operation": issued } } },
        ],
        "clients": [{ "id": "u", "target": "order", "script": [{ "at_ms": 5000, "do": issued }] }],
    })
}

/// Returns the sentences of a run's log.
fn log(document: &Value) -> Vec<String> {
    let trace = out(&converge(&["run", "-", "--trace", "-"], document.to_string()));
    let text = |line: &str| serde_json::from_str::<Value>(line).expect("a record")["text"].as_str().map(String::from);
    trace.lines().filter_map(text).collect()
}

#[test]
fn calls_to_other_services_do_not_count_as_operations_issued_on_the_page() {
    let report = json(&converge(&["run", "-", "--json"], saga().to_string()));
    let counts = |id: &str| ["ok", "fail", "unknown", "pending"].map(|name| report["clients"][id][name].clone());
    assert_eq!(counts("order"), [0, 0, 1, 0].map(Value::from), "{report}");
    assert_eq!(counts("u"), [0, 0, 1, 0].map(Value::from), "{report}");
    // A service that only calls others has no line.
    let mut document = saga();
    document["script"].as_array_mut().expect("steps").pop();
    let report = json(&converge(&["run", "-", "--json"], document.to_string()));
    assert_eq!(report["clients"].get("order"), None, "{report}");
}

#[test]
fn a_refused_operation_has_a_reply() {
    let log_of_saga = log(&saga());
    let at_page = "order’s write has an unknown outcome (operation 1)";
    assert!(log_of_saga.iter().any(|text| text == at_page), "{log_of_saga:#?}");
    let silent = "order’s increment got no reply; its outcome is unknown (operation 3)";
    assert!(log_of_saga.iter().any(|text| text == silent), "{log_of_saga:#?}");
    let quorum = |itself: bool, cut: bool| {
        let mut document = json!({
            "converge": 1,
            "until_ms": 20_000,
            "services": [{ "id": "a" }, { "id": "b" }, { "id": "c" }],
            "groups": [{ "id": "g", "members": ["a", "b", "c"],
                "protocol": { "quorum": { "read": 2, "write": 2, "timeout_ms": 500 } } }],
            "clients": [{ "id": "u", "target": "g", "route": if itself { "itself" } else { "nearest" },
                "timeout_ms": 5000, "script": [{ "at_ms": 2000, "do": { "write": { "key": "k", "value": 1 } } }] }],
            "script": [
                { "at_ms": 1000, "do": { "crash": { "service": "b" } } },
                { "at_ms": 1000, "do": { "crash": { "service": "c" } } },
            ],
        });
        if cut {
            let cut = json!({ "at_ms": 2200, "do": { "cut_link": { "from": "a", "to": "u" } } });
            document["script"].as_array_mut().expect("steps").push(cut);
        }
        log(&document)
    };
    let ended = |log: &[String]| log.iter().find(|text| text.contains("u’s write")).expect("an end").clone();
    for itself in [false, true] {
        let log = quorum(itself, false);
        assert!(log.iter().any(|text| text.contains("refused operation 1: too few replicas")), "{log:#?}");
        assert_eq!(ended(&log), "u’s write has an unknown outcome (operation 1)");
    }
    // The refusal is lost on its way.
    let log = quorum(false, true);
    assert!(log.iter().any(|text| text.contains("refused operation 1: too few replicas")), "{log:#?}");
    assert_eq!(ended(&log), "u’s write got no reply; its outcome is unknown (operation 1)");
}
