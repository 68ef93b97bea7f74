//! The checker reads histories of strangers: it does not panic, its arithmetic does not wrap, its witnesses are true and
//! minimal, and no verdict holds vacuously.

use super::cases::{code, converge, err, json, out, path};
use converge::analysis::check::{GUARANTEES, Guarantee, Verdict, check};
use converge::analysis::history::{History, Invocation, NEVER, Operation, Output, Rank};
use converge::analysis::jepsen::{DataModel, ReadOptions, read};
use converge::trace::Outcome;
use proptest::prelude::*;
use serde_json::json;

fn checked(history: &str, arguments: &[&str]) -> std::process::Output {
    converge(&[&["check", "-", "--json"], arguments].concat(), history)
}

#[test]
fn an_end_that_names_another_key_is_refused_with_its_line() {
    let file = path("cases/h-end-names-another-key.jsonl");
    for arguments in [&["check", &file][..], &["check", &file, "--initial", "0"]] {
        let output = converge(arguments, "");
        assert_eq!(code(&output), 2, "{}", out(&output));
        assert!(err(&output).contains("line 2: key: a is expected, as in line 1, not b"), "{}", err(&output));
    }
}

#[test]
fn an_end_before_its_beginning_is_refused_with_its_line() {
    let history = r#"{"type":"invoke","f":"write","value":1,"process":0,"time":500}
{"type":"ok","f":"write","value":1,"process":0,"time":400}"#;
    let output = checked(history, &[]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("line 2: time: "), "{}", err(&output));
}

#[test]
fn numbers_that_would_wrap_or_be_rounded_are_refused_with_their_line() {
    let counter = |first: &str, second: &str, read: &str| {
        let mut text = String::new();
        for (f, value, end) in [("increment", first, first), ("increment", second, second), ("read", "null", read)] {
            for (kind, value) in [("invoke", value), ("ok", end)] {
                text += &format!("{{\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value},\"process\":0}}\n");
            }
        }
        text
    };
    let max = i64::MAX.to_string();
    let refused = [
        (counter(&max, "1", &i64::MIN.to_string()), "line 1"),
        (counter("4611686018427387904", "4611686018427387904", "-9223372036854775808"), "line 3"),
        (counter("18446744073709551617", "1", "2"), "line 1"),
    ];
    for (history, line) in refused {
        let output = checked(&history, &[]);
        assert_eq!(code(&output), 2, "{history}{}", out(&output));
        assert!(err(&output).contains(line), "{}", err(&output));
    }
    let rounded = r#"{"type":"invoke","f":"write","value":18446744073709551617,"process":0}"#;
    assert_eq!(code(&checked(rounded, &[])), 2);
    assert_eq!(code(&checked(&counter("2", "3", "5"), &[])), 0);
}

#[test]
fn a_read_of_a_value_that_fails_to_be_written_later_is_proven_by_the_read_alone() {
    let output = converge(&["check", &path("cases/h-future-fail.jsonl"), "--json"], "");
    assert_eq!(code(&output), 1);
    let verdict = &json(&output)["verdicts"][0];
    let operations = verdict["operations"].as_array().expect("a witness");
    assert_eq!((operations.len(), &operations[0]["f"]), (1, &json!("read")), "{verdict}");
    let sentence = verdict["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("read") && !sentence.contains("failed"), "{sentence}");
}

#[test]
fn a_negative_index_stays_negative() {
    let history = r#"{"index":-3,"type":"invoke","f":"read","value":null,"process":0}
{"index":-2,"type":"ok","f":"read","value":7,"process":0}"#;
    let output = checked(history, &[]);
    assert_eq!(json(&output)["verdicts"][0]["operations"][0]["index"], -3, "{}", out(&output));
}

#[test]
fn a_verdict_without_evidence_is_unknown() {
    let writes = r#"{"type":"invoke","f":"write","value":1,"process":0}
{"type":"ok","f":"write","value":1,"process":0}
"#;
    for guarantee in GUARANTEES.iter().map(|(name, _)| *name) {
        let output = checked(writes, &["--guarantee", guarantee]);
        assert_eq!(code(&output), 3, "{guarantee}: {}", out(&output));
        assert!(json(&output)["verdicts"][0]["why"].is_string(), "{guarantee}");
    }
    let read = r#"{"type":"invoke","f":"read","value":null,"process":0}
{"type":"ok","f":"read","value":1,"process":0}
"#;
    for guarantee in ["no-lost-update", "read-your-writes", "linearizable"] {
        let output = checked(&format!("{writes}{read}"), &["--guarantee", guarantee]);
        assert_eq!(code(&output), 0, "{guarantee}: {}", out(&output));
    }
    // The read does not follow the write.
    let early = format!("{}{writes}", read.replace(":1,", ":null,"));
    assert_eq!(code(&checked(&early, &["--guarantee", "no-lost-update"])), 3);
}

#[test]
fn an_acknowledged_removal_that_the_last_read_lacks_is_lost_unless_an_addition_may_be_later() {
    let operation = |process: u8, f: &str, value: &str, end: &str| {
        let line =
            |kind: &str| format!("{{\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value},\"process\":{process}}}\n");
        line("invoke") + &line(end)
    };
    let read = operation(2, "read", "[1]", "ok");
    let (add, remove) = (operation(0, "add", "1", "ok"), operation(1, "remove", "1", "ok"));
    let guarantee = ["--guarantee", "no-lost-update"];
    let lost = checked(&(add.clone() + &remove + &read), &guarantee);
    assert_eq!(code(&lost), 1, "{}", out(&lost));
    assert_eq!(json(&lost)["verdicts"][0]["operations"].as_array().map(Vec::len), Some(3));
    let uncertain = operation(3, "add", "1", "info");
    for kept in
        [remove.clone() + &add + &read, add.clone() + &uncertain + &remove + &read, add + &remove + &uncertain + &read]
    {
        assert_eq!(code(&checked(&kept, &guarantee)), 0, "{kept}");
    }
    let absent = r#"{"type":"invoke","f":"write","value":1,"process":0,"key":"x"}
{"type":"ok","f":"write","value":1,"process":0,"key":"x"}
{"type":"invoke","f":"read","value":null,"process":0,"key":"x"}
{"type":"ok","f":"read","value":null,"process":0,"key":"x"}"#;
    let causal = checked(absent, &["--guarantee", "causal"]);
    let sentence = json(&causal)["verdicts"][0]["sentence"].to_string();
    assert!(sentence.contains("The absent value had been replaced by the write of 1"), "{sentence}");
}

#[test]
fn a_lost_decrement_is_a_lost_update_unless_an_increment_may_have_taken_effect_twice() {
    let history = |changes: &[i64], result: i64| {
        let line = |kind: &str, f: &str, value: serde_json::Value| {
            json!({ "type": kind, "f": f, "value": value, "process": 0 }).to_string()
        };
        let mut lines: Vec<String> =
            changes.iter().flat_map(|by| [line("invoke", "add", json!(by)), line("ok", "add", json!(by))]).collect();
        lines.extend([line("invoke", "read", json!(null)), line("ok", "read", json!(result))]);
        lines.join("\n")
    };
    for (changes, result, expected) in
        [(&[-5][..], 0, 1), (&[-5], -5, 0), (&[-5, -2], -5, 1), (&[-5, 5], 5, 0), (&[3, 2], 3, 1), (&[3, -1], 2, 0)]
    {
        let output = checked(&history(changes, result), &["--guarantee", "no-lost-update", "--model", "counter"]);
        assert_eq!(code(&output), expected, "{changes:?} {result}: {}", out(&output));
    }
}

#[test]
fn a_read_of_less_than_all_decrements_is_checked_without_a_panic() {
    let history = r#"{"type":"invoke","f":"add","value":-1,"process":0}
{"type":"ok","f":"add","value":-1,"process":0}
{"type":"invoke","f":"read","value":null,"process":0}
{"type":"ok","f":"read","value":-7,"process":0}
"#;
    for guarantee in GUARANTEES.iter().map(|(name, _)| *name) {
        let output = checked(history, &["--guarantee", guarantee, "--model", "counter"]);
        assert!(matches!(code(&output), 0 | 1 | 3), "{guarantee}: {}", out(&output));
    }
}

/// One operation: its process, whether and what it writes or reads, and whether its end overlaps the next one.
type Drawn = (u8, bool, u8, bool);

/// Returns a history of a register as JSON Lines, with a maximum number of different values.
fn register(drawn: &[Drawn], values: usize) -> String {
    let (mut lines, mut open) = (Vec::new(), Vec::new());
    let line = |kind: &str, f: &str, value: serde_json::Value, process: u8| {
        json!({ "type": kind, "f": f, "value": value, "process": process }).to_string()
    };
    for (number, (process, writes, value, overlaps)) in drawn.iter().enumerate() {
        open.retain(|(other, end): &(u8, String)| {
            let ends = other == process || !overlaps;
            if ends {
                lines.push(end.clone());
            }
            !ends
        });
        let (f, begin, end) = match writes {
            true => ("write", json!(number % values), json!(number % values)),
            false if *value == 0 => ("read", json!(null), json!(null)),
            false => ("read", json!(null), json!(usize::from(*value) % values.min(drawn.len()))),
        };
        lines.push(line("invoke", f, begin, *process));
        open.push((*process, line("ok", f, end, *process)));
    }
    lines.extend(open.into_iter().map(|(_, end)| end));
    lines.join("\n")
}

/// Returns a history of a counter (model 0), a set (1) or a list (2) as JSON Lines. A read returns a sum, or some of the elements
/// added so far.
fn collection(model: u8, drawn: &[Drawn]) -> String {
    let (mut lines, mut open, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for (number, (process, changes, value, overlaps)) in drawn.iter().enumerate() {
        open.retain(|(other, end): &(u8, String)| {
            let ends = other == process || !overlaps;
            if ends {
                lines.push(end.clone());
            }
            !ends
        });
        let (f, begin, end) = match (model, changes) {
            (0, true) => ("add", json!(i64::from(*value) - 3), json!(i64::from(*value) - 3)),
            (0, false) => ("read", json!(null), json!(i64::from(*value) - 2)),
            (1, true) if *value == 7 && !added.is_empty() => ("remove", json!(added[0]), json!(added[0])),
            (_, true) => {
                added.push(number);
                (if model == 1 { "add" } else { "append" }, json!(number), json!(number))
            }
            (_, false) => {
                let shown =
                    added.iter().enumerate().filter(|(i, _)| value >> (i % 3) & 1 == 1).map(|(_, element)| *element);
                ("read", json!(null), json!(shown.collect::<Vec<usize>>()))
            }
        };
        let line = |kind: &str, value: &serde_json::Value| {
            json!({ "type": kind, "f": f, "value": value, "process": process }).to_string()
        };
        lines.push(line("invoke", &begin));
        open.push((*process, line("ok", &end)));
    }
    lines.extend(open.into_iter().map(|(_, end)| end));
    lines.join("\n")
}

/// Returns the history with all but some operations removed. A change that is left out is optional: it may have taken effect at
/// any time after its invocation, or never.
fn with_others_optional(history: &History, kept: &[Operation]) -> History {
    let mut part = history.clone();
    part.operations.retain(|operation| operation.invocation.changes() || kept.contains(operation));
    for operation in &mut part.operations {
        if !kept.contains(operation) {
            operation.process = part.processes.len() as u32;
            part.processes.push("an optional change".into());
            (operation.outcome, operation.ended, operation.rank) = (Outcome::Unknown, NEVER, Rank::default());
        }
    }
    part
}

/// Returns the operations without the n-th, and without what depends on it: if it wrote a value or added an element that no
/// other one does, the reads of it and its removal.
fn without(operations: &[Operation], n: usize) -> Vec<Operation> {
    let others = || operations.iter().enumerate().filter(|(i, _)| *i != n).map(|(_, operation)| operation);
    let puts = operations[n].invocation.puts();
    let value = puts.filter(|value| others().all(|other| other.invocation.puts() != Some(*value)));
    let depends = |operation: &Operation| {
        value.is_some_and(|value| {
            let shows = matches!(&operation.output, Output::Elements(elements) if elements.contains(&value));
            let expects =
                matches!(operation.invocation, Invocation::CompareAndSet { expected, .. } if expected == value);
            let removes = operation.invocation.removes() == Some(value);
            shows || expects || removes || operation.returned() == Some(value)
        })
    };
    others().filter(|operation| !depends(operation)).cloned().collect()
}

pub(super) fn assert_minimal(history: &History, guarantee: Guarantee) -> Result<bool, TestCaseError> {
    let Verdict::Violated(witness) = check(history, guarantee, 100_000) else { return Ok(false) };
    let operations: Vec<Operation> =
        witness.operations.iter().map(|place| history.operations[*place].clone()).collect();
    let alone = History { operations: operations.clone(), ..history.clone() };
    for part in [alone, with_others_optional(history, &operations)] {
        let verdict = check(&part, guarantee, 100_000);
        prop_assert!(matches!(verdict, Verdict::Violated(_)), "{guarantee:?}: the witness proves nothing: {witness:?}");
    }
    for n in 0..operations.len() {
        let rest = with_others_optional(history, &without(&operations, n));
        let verdict = check(&rest, guarantee, 100_000);
        prop_assert!(!matches!(verdict, Verdict::Violated(_)), "{guarantee:?}: {n} of {witness:?} is not needed");
    }
    Ok(true)
}

proptest! {
    #![proptest_config(crate::common::random::corpus(800))]
    #[test]
    fn every_operation_of_a_witness_is_needed(
        drawn in prop::collection::vec((0u8..3, any::<bool>(), 0u8..8, any::<bool>()), 2..9)
    ) {
        let text = register(&drawn, usize::MAX);
        let (history, _) = read(&text, &ReadOptions::default()).expect("a valid history");
        for (_, guarantee) in GUARANTEES {
            assert_minimal(&history, *guarantee)?;
        }
    }

    #[test]
    fn every_operation_of_a_witness_of_a_counter_set_or_list_is_needed(
        model in 0u8..3, drawn in prop::collection::vec((0u8..3, any::<bool>(), 0u8..8, any::<bool>()), 2..8)
    ) {
        let of = [DataModel::Counter, DataModel::Set, DataModel::Append][usize::from(model)];
        let options = ReadOptions { model: Some(of), ..ReadOptions::default() };
        let (history, _) = read(&collection(model, &drawn), &options).expect("a valid history");
        for (_, guarantee) in GUARANTEES {
            assert_minimal(&history, *guarantee)?;
        }
    }

    #[test]
    fn every_operation_of_a_witness_of_a_register_with_repeated_values_is_needed(
        drawn in prop::collection::vec((0u8..3, any::<bool>(), 0u8..8, any::<bool>()), 2..8)
    ) {
        let text = register(&drawn, 3);
        let (history, _) = read(&text, &ReadOptions::default()).expect("a valid history");
        for (_, guarantee) in GUARANTEES {
            assert_minimal(&history, *guarantee)?;
        }
    }
}
