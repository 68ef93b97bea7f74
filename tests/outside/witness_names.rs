//! A witness shows each operation as its history writes it: with the same function and value, in text and as JSON.

use super::cases::{code, converge, json, out};
use serde_json::{Value, json};

/// Returns the lines of operations that ended, one after the other: process, function, argument, result, further fields of the
/// invocation and of the end.
fn lines(operations: &[(u32, &str, Value, Value, Value, Value)]) -> String {
    let mut text = String::new();
    for (process, f, argument, result, invoked, ended) in operations {
        for (kind, value, fields) in [("invoke", argument, invoked), ("ok", result, ended)] {
            let mut line = json!({ "process": process, "type": kind, "f": f, "key": "k", "value": value });
            for (name, field) in fields.as_object().into_iter().flatten() {
                line[name] = field.clone();
            }
            text += &format!("{line}\n");
        }
    }
    text
}

/// Returns the function and value of each operation of the first witness.
fn witness(history: &str, guarantee: &str) -> Vec<(String, Value)> {
    let output = converge(&["check", "-", "--json", "--guarantee", guarantee], history);
    assert_eq!(code(&output), 1, "{history}{}", out(&output));
    let report = json(&output);
    let operations = report["verdicts"][0]["operations"].as_array().expect("a witness");
    operations
        .iter()
        .map(|operation| (operation["f"].as_str().expect("f").into(), operation["value"].clone()))
        .collect()
}

/// A write of 1, a deletion, a write of the text "nothing", and a read of the first one. `version` returns the fields with the
/// place in the order of versions.
fn deleted(version: impl Fn(u32) -> Value) -> String {
    let none = Value::Null;
    lines(&[
        (0, "write", json!(1), json!(1), version(1), none.clone()),
        (0, "delete", none.clone(), none.clone(), version(2), none.clone()),
        (1, "write", json!("nothing"), json!("nothing"), version(3), none.clone()),
        (0, "read", none.clone(), json!(1), none.clone(), version(1)),
    ])
}

#[test]
fn a_deletion_is_not_shown_as_a_write_of_nothing() {
    for history in [deleted(|version| json!({ "version": version })), deleted(|_| Value::Null)] {
        for guarantee in ["read-your-writes", "sequential", "causal"] {
            let found = witness(&history, guarantee);
            assert!(found.contains(&("delete".into(), Value::Null)), "{guarantee}: {found:?}");
            let output = converge(&["check", "-", "--guarantee", guarantee], &history);
            let text = out(&output);
            assert!(text.contains("process 0  delete of k  ok"), "{text}");
            assert!(text.contains("the delete (operation 2, process 0)") || !text.contains("operation 2"), "{text}");
            assert!(!text.contains("null") && !text.contains("of nothing"), "{text}");
        }
        let found = witness(&history, "linearizable");
        assert!(!found.contains(&("write".into(), Value::Null)), "{found:?}");
    }
}

#[test]
fn a_read_that_found_the_key_deleted_returns_null_and_not_a_text() {
    let none = Value::Null;
    let version = |version: u32| json!({ "version": version });
    let history = lines(&[
        (0, "delete", none.clone(), none.clone(), version(1), none.clone()),
        (0, "write", json!(2), json!(2), version(2), none.clone()),
        (0, "read", none.clone(), none.clone(), none.clone(), version(1)),
    ]);
    let found = witness(&history, "read-your-writes");
    assert_eq!(found.last(), Some(&("read".into(), Value::Null)), "{found:?}");
}

#[test]
fn every_function_keeps_its_name_and_its_value() {
    let none = Value::Null;
    let operations = [
        ("write", json!({ "text": [1, "two"] })),
        ("delete", none.clone()),
        ("cas", json!([1, 2])),
        ("compare-and-set", json!([null, "nothing"])),
        ("increment", json!(3)),
        ("incr", none.clone()),
        ("decrement", json!(2)),
        ("dec", none.clone()),
        ("add", json!(-4)),
        ("remove", json!("x")),
        ("append", json!([1])),
        ("put", json!({ "field": 1 })),
        ("insert", json!([0, "x"])),
        ("remove-at", json!(1)),
    ];
    for (f, value) in operations {
        let lost = json!({ "lost": true });
        let history = lines(&[(0, f, value.clone(), value.clone(), none.clone(), lost)]);
        assert_eq!(witness(&history, "no-lost-update"), [(f.to_string(), value.clone())], "{history}");
    }
    // A counter whose decrement is lost, and a set whose elements are not sorted.
    let history = lines(&[
        (0, "dec", json!(2), json!(2), none.clone(), none.clone()),
        (0, "read", none.clone(), json!(0), none.clone(), none.clone()),
    ]);
    let found = witness(&history, "no-lost-update");
    assert_eq!(found, [("dec".into(), json!(2)), ("read".into(), json!(0))]);
    let text = out(&converge(&["check", "-", "--guarantee", "no-lost-update"], &history));
    assert!(text.contains("dec 2 of k"), "{text}");
    let history = lines(&[
        (0, "add", json!(1), json!(1), none.clone(), none.clone()),
        (0, "add", json!(2), json!(2), none.clone(), none.clone()),
        (1, "read", none.clone(), json!([9, 1]), none.clone(), none.clone()),
    ]);
    assert_eq!(witness(&history, "linearizable"), [("read".into(), json!([9, 1]))]);
}

#[test]
fn a_sentence_names_a_decrement_and_a_deletion() {
    let none = Value::Null;
    let lost = || json!({ "lost": true });
    let history = lines(&[
        (0, "decrement", json!(2), json!(2), none.clone(), lost()),
        (0, "increment", json!(5), json!(5), none.clone(), lost()),
    ]);
    let text = out(&converge(&["check", "-", "--guarantee", "no-lost-update"], &history));
    assert!(text.contains("the decrement by 2 (operation 0, process 0)"), "{text}");
    let history = lines(&[
        (0, "write", json!(1), json!(1), none.clone(), none.clone()),
        (0, "delete", none.clone(), none.clone(), none.clone(), none.clone()),
        (1, "read", none.clone(), json!(1), none.clone(), none.clone()),
    ]);
    let text = out(&converge(&["check", "-", "--guarantee", "no-lost-update"], &history));
    assert!(text.contains("the acknowledged delete (operation 2, process 0) is lost"), "{text}");
}
