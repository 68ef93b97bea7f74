//! A write that the servers execute more than once, because its client repeats the request or a link duplicates it, is one write to
//! its clients: if it is read, it is the write that the read returned.

use super::cases::{code, converge, err, json, out};
use serde_json::{Value, json};

/// The guarantees that a history with one value keeps, as far as they are known.
const GUARANTEES: &str = "linearizable,sequential,regular,causal,read-your-writes,monotonic-reads,monotonic-writes,\
                          writes-follow-reads,no-lost-update";

/// A client that repeats a write before it is answered, and reads it later, twice.
fn repeated(protocol: Option<Value>) -> Value {
    let ids = ["r1", "r2", "r3"];
    let group = protocol.as_ref().map(|protocol| json!([{ "id": "g", "members": ids, "protocol": protocol }]));
    let (target, members) = if group.is_some() { ("g", &ids[..]) } else { ("r1", &ids[..1]) };
    let do_at = |at_ms: u32, step: Value| json!({ "at_ms": at_ms, "do": step });
    let (write, read) = (json!({ "write": { "key": "x", "value": 7 } }), json!({ "read": { "key": "x" } }));
    let links = members.iter().map(|id| json!({ "from": "c", "to": id, "latency": { "constant": { "ms": 200 } } }));
    let mut document = json!({
        "converge": 1,
        "until_ms": 20_000,
        "services": members.iter().map(|id| json!({ "id": id })).collect::<Vec<Value>>(),
        "clients": [{
            "id": "c",
            "target": target,
            "timeout_ms": 300,
            "attempts": 3,
            "script": [do_at(2_500, write), do_at(6_000, read.clone()), do_at(9_000, read)],
        }],
        "links": links.collect::<Vec<Value>>(),
    });
    if let Some(group) = group {
        document["groups"] = group;
    }
    document
}

/// The same write without repetition by the client, over links that duplicate every message.
fn duplicated(protocol: Option<Value>) -> Value {
    let mut document = repeated(protocol);
    document["clients"][0]["timeout_ms"] = json!(5_000);
    document["clients"][0]["attempts"] = json!(1);
    for link in document["links"].as_array_mut().expect("links") {
        link["duplicate"] = json!(1);
        link["latency"] = json!({ "uniform": { "low_ms": 1, "high_ms": 300 } });
    }
    document
}

fn history_of(document: &Value) -> String {
    out(&converge(&["run", "-", "--history", "-"], document.to_string()))
}

fn verdicts(history: &str) -> Value {
    json(&converge(&["check", "-", "--json", "--guarantee", GUARANTEES], history))["verdicts"].clone()
}

#[test]
fn a_write_that_is_executed_twice_was_written() {
    let protocols = [
        json!({ "primary": {} }),
        json!({ "quorum": { "read": 2, "write": 2 } }),
        json!({ "two_phase": {} }),
        json!({ "gossip": {} }),
        json!({ "raft": {} }),
        json!("chain"),
    ];
    let mut repeated_writes = 0;
    for protocol in std::iter::once(None).chain(protocols.into_iter().map(Some)) {
        for document in [repeated(protocol.clone()), duplicated(protocol.clone())] {
            let history = history_of(&document);
            repeated_writes += u32::from(history.contains("\"version\":["));
            for verdict in verdicts(&history).as_array().expect("verdicts") {
                assert_ne!(verdict["verdict"], "violated", "{protocol:?}: {verdict}\n{history}");
            }
            let report = json(&converge(&["run", "-", "--json"], document.to_string()));
            assert_eq!(report["lost_updates"], 0, "{protocol:?}\n{history}");
        }
    }
    assert!(repeated_writes >= 6, "{repeated_writes} histories contain a write that was executed twice");
}

fn line(kind: &str, f: &str, process: u32, value: Value, version: Value) -> String {
    let mut line = json!({ "type": kind, "f": f, "process": process, "value": value });
    if !version.is_null() {
        line["version"] = version;
    }
    format!("{line}\n")
}

fn write(process: u32, value: u32, version: Value) -> String {
    line("invoke", "write", process, json!(value), version) + &line("ok", "write", process, json!(value), Value::Null)
}

fn read(process: u32, value: Value, version: Value) -> String {
    line("invoke", "read", process, Value::Null, Value::Null) + &line("ok", "read", process, value, version)
}

#[test]
fn a_read_without_a_version_may_have_returned_any_write_of_its_value() {
    let none = || Value::Null;
    let history = write(0, 7, json!(1)) + &write(0, 8, json!(2)) + &write(1, 7, json!(3)) + &read(0, json!(7), none());
    for verdict in verdicts(&history).as_array().expect("verdicts") {
        assert_ne!(verdict["verdict"], "violated", "{verdict}");
    }
    let stale = write(0, 7, json!(1)) + &write(0, 8, json!(2)) + &read(0, json!(7), none());
    let found = converge(&["check", "-", "--guarantee", "read-your-writes"], &stale);
    assert_eq!(code(&found), 1, "{}", out(&found));
    // The initial value has place 0, also if it is written again.
    let initial = write(0, 7, json!(1)) + &read(0, json!(5), json!(0)) + &write(1, 5, json!(2));
    let found = converge(&["check", "-", "--initial", "5", "--guarantee", "read-your-writes"], &initial);
    assert_eq!(code(&found), 1, "{}", out(&found));
    let unknown = write(0, 7, json!(1)) + &write(1, 5, json!(2)) + &read(0, json!(5), none());
    let found = converge(&["check", "-", "--initial", "5", "--guarantee", "linearizable"], &unknown);
    assert_eq!(code(&found), 0, "{}", out(&found));
}

#[test]
fn a_read_of_either_execution_of_a_write_is_as_new_as_the_write() {
    let twice = write(0, 7, json!([1, 3])) + &write(1, 8, json!(2));
    for (reads, guarantee, expected) in [
        (read(1, json!(7), json!(3)), "read-your-writes", 0),
        (read(2, json!(7), json!(1)) + &read(2, json!(8), json!(2)), "monotonic-reads", 0),
        (read(2, json!(8), json!(2)) + &read(2, json!(7), json!(3)), "monotonic-reads", 0),
        (
            read(2, json!(7), json!(1)) + &read(2, json!(8), json!(2)) + &read(2, json!(7), json!(3)),
            "monotonic-reads",
            1,
        ),
    ] {
        let found = converge(&["check", "-", "--guarantee", guarantee], twice.clone() + &reads);
        assert_eq!(code(&found), expected, "{guarantee} {reads}: {}", out(&found));
    }
}

#[test]
fn a_version_that_is_no_place_is_refused_with_its_line() {
    for version in [json!(-1), json!(1.5), json!("x"), json!(1e20), json!(0), json!([]), json!([1, 0]), json!(true)] {
        let found = converge(&["check", "-"], write(0, 7, version.clone()));
        assert_eq!(code(&found), 2, "{version}");
        assert!(err(&found).contains("line 1: version: a whole number from 1"), "{}", err(&found));
    }
    let null = write(0, 7, json!(1)).replace("\"version\":1", "\"version\":null");
    assert_eq!(code(&converge(&["check", "-"], null)), 2);
    let found = converge(&["check", "-"], write(0, 7, json!(1)) + &read(1, json!(7), json!(-1)));
    assert!(err(&found).contains("line 4: version: a whole number from 0"), "{}", err(&found));
}

#[test]
fn two_writes_of_a_key_with_one_version_are_refused_with_their_lines() {
    let found =
        converge(&["check", "-"], write(0, 1, json!(1)) + &write(0, 2, json!(1)) + &read(1, json!(1), json!(1)));
    assert_eq!(code(&found), 2, "{}", out(&found));
    assert!(err(&found).contains("line 3: version: ") && err(&found).contains("line 1"), "{}", err(&found));
}

#[test]
fn a_change_that_ends_with_another_value_than_it_began_with_is_refused_with_its_line() {
    for f in ["write", "add", "append", "increment", "remove"] {
        let history = line("invoke", f, 0, json!(1), Value::Null) + &line("ok", f, 0, json!(2), Value::Null);
        let found = converge(&["check", "-"], &history);
        assert_eq!(code(&found), 2, "{f}: {}", out(&found));
        assert!(err(&found).contains("line 2: value: 1 is expected, as in line 1, not 2"), "{}", err(&found));
        // An end may omit the value.
        let omitted = line("invoke", f, 0, json!(1), Value::Null) + &line("ok", f, 0, Value::Null, Value::Null);
        assert_ne!(code(&converge(&["check", "-"], omitted)), 2, "{f}");
    }
}

#[test]
fn a_key_that_is_only_read_has_the_data_type_of_the_other_keys() {
    let on = |key: &str, lines: String| {
        let with_key = |line: &str| {
            let mut line: Value = serde_json::from_str(line).expect("a line");
            line["key"] = json!(key);
            format!("{line}\n")
        };
        lines.lines().map(with_key).collect::<String>()
    };
    let change = |f: &str| line("invoke", f, 0, json!(1), Value::Null) + &line("ok", f, 0, json!(1), Value::Null);
    for (f, value, expected) in [
        ("increment", json!(0), 0),
        ("increment", json!(3), 1),
        ("append", json!([]), 0),
        ("add", json!([]), 0),
        ("write", json!(0), 1),
    ] {
        let history = on("a", change(f)) + &on("b", read(1, value.clone(), Value::Null));
        let found = converge(&["check", "-"], &history);
        assert_eq!(code(&found), expected, "{f} {value}: {}", out(&found));
    }
}
