//! Histories in Jepsen's format with verdicts known from theory, checked by `converge check` as JSON Lines and as EDN.

use crate::common::command_line::{code, converge, err};
use serde_json::Value;

/// Runs `converge check - --json`. Returns its exit code, and its output or error.
fn check(history: &str, options: &[&str]) -> (i32, Value) {
    let arguments = [&["check", "-", "--json"], options].concat();
    let output = converge(&arguments, history);
    let report = serde_json::from_slice(&output.stdout);
    (code(&output), report.unwrap_or_else(|_| Value::String(err(&output))))
}

/// An event: process, type, function, value as JSON.
type Event<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Parses events separated by `;`, each `PROCESS TYPE F VALUE`. `PROCESS F VALUE` is an operation that ended before the next
/// started; after its value, `!` means `fail` and `?` means `info`.
fn events(text: &str) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    for part in text.split(';').map(str::trim) {
        let (process, rest) = part.split_once(' ').expect(part);
        let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if ["invoke", "ok", "fail", "info"].contains(&word) {
            let (f, value) = rest.split_once(' ').unwrap_or((rest, "null"));
            events.push((process, word, f, value));
            continue;
        }
        let (kind, value) = match (rest.strip_suffix('!'), rest.strip_suffix('?')) {
            (Some(value), _) => ("fail", value),
            (_, Some(value)) => ("info", value),
            (None, None) => ("ok", rest),
        };
        let value = if value.is_empty() { "null" } else { value };
        events.push((process, "invoke", word, if word == "read" { "null" } else { value }));
        events.push((process, kind, word, value));
    }
    events
}

fn json(events: &[Event]) -> String {
    let line = |(at, (process, kind, f, value)): (usize, &Event)| {
        format!(
            "{{\"index\": {at}, \"time\": {}, \"process\": {process}, \"type\": \"{kind}\", \"f\": \"{f}\", \"value\": {value}}}\n",
            at * 1_000_000
        )
    };
    events.iter().enumerate().map(line).collect()
}

fn edn(events: &[Event]) -> String {
    let line = |(at, (process, kind, f, value)): (usize, &Event)| {
        let value = value.replace("null", "nil").replace(',', "");
        format!(
            "{{:process {process}, :type :{kind}, :f :{f}, :value {value}, :time {}, :index {at}}}\n",
            at * 1_000_000
        )
    };
    events.iter().enumerate().map(line).collect()
}

/// A history, options, and expected verdicts: `GUARANTEE holds`, `GUARANTEE unknown`, or `GUARANTEE` and the indexes of the
/// operations that prove the violation.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

fn summary(found: &Value) -> String {
    match found["verdict"].as_str() {
        Some("violated") => {
            let proof = found["operations"].as_array().expect("a proof");
            proof.iter().map(|operation| operation["index"].to_string()).collect::<Vec<_>>().join(" ")
        }
        other => other.expect("a verdict").into(),
    }
}

fn assert_verdicts(cases: &[Case]) {
    for (text, options, expected) in cases {
        let events = events(text);
        for history in [json(&events), edn(&events)] {
            for line in *expected {
                let (guarantee, expected) = line.split_once(' ').expect("a guarantee and its verdict");
                let (code, found) = check(&history, &[&["--guarantee", guarantee], *options].concat());
                assert!(found["verdicts"].is_array(), "{text}: {found}");
                assert_eq!(summary(&found["verdicts"][0]), expected, "{guarantee} of {text}: {found}");
                let wanted = match expected {
                    "holds" => 0,
                    "unknown" => 3,
                    _ => 1,
                };
                assert_eq!(code, wanted, "{guarantee} of {text}");
            }
        }
    }
}

#[test]
fn an_acknowledged_change_is_lost_where_the_last_read_returns_a_value_that_nobody_wrote() {
    assert_verdicts(&[
        // A value that no operation wrote, or of a failed write, contains no acknowledged change, and replaces none.
        ("0 write 1; 1 read 7", &[], &["linearizable 2", "no-lost-update 0 2"]),
        ("0 write 1; 1 write 2!; 2 read 2", &[], &["no-lost-update 0 4"]),
        ("0 write 1; 1 write 2; 2 read 7; 2 read 2", &[], &["linearizable 4", "no-lost-update holds"]),
    ]);
}

#[test]
fn histories_of_registers_get_the_verdicts_of_theory() {
    assert_verdicts(&[
        // A process does not see its own write.
        (
            "0 write 1; 0 read",
            &[],
            &[
                "linearizable 0 2",
                "sequential 0 2",
                "regular 0 2",
                "causal 0 2",
                "read-your-writes 0 2",
                "session 0 2",
                "monotonic-reads unknown",
                "monotonic-writes unknown",
                "writes-follow-reads unknown",
                "no-lost-update 0 2",
            ],
        ),
        // A stale read by another process is sequential (Lamport 1979).
        (
            "0 write 1; 0 write 2; 1 read 1; 1 read 2",
            &[],
            &[
                "linearizable 0 2 4",
                "regular 0 2 4",
                "sequential holds",
                "causal holds",
                "session unknown",
                "no-lost-update holds",
            ],
        ),
        (
            "0 write 1; 0 write 2; 1 read 2; 1 read 1",
            &[],
            &["monotonic-reads 0 2 4 6", "read-your-writes unknown", "sequential 0 2 4 6", "causal 0 2 4 6"],
        ),
        // Concurrent writes seen in different orders: causal memory (Ahamad et al. 1995).
        (
            "0 invoke write 1; 1 invoke write 2; 0 ok write 1; 1 ok write 2; 2 read 1; 2 read 2; 3 read 2; 3 read 1",
            &[],
            &["linearizable 0 1 8 10", "sequential 0 1 4 6 8 10", "regular holds", "causal holds", "session unknown"],
        ),
        // The order in which servers apply the writes of two processes is unknown; real time does not show it (Terry et al. 1994).
        (
            "0 write 1; 1 write 2; 2 read 2; 2 read 1",
            &[],
            &["linearizable 0 2 6", "sequential holds", "causal holds", "monotonic-reads holds", "session unknown"],
        ),
        (
            "0 write 1; 1 write 2; 1 read 1; 1 write 3; 0 read 3; 0 read 2; 0 write 4",
            &[],
            &["sequential 2 6 8 10", "read-your-writes holds", "monotonic-reads 2 6 8 10"],
        ),
        // The inversion of a regular register (Lamport 1986).
        (
            "0 write 1; 0 invoke write 2; 1 read 2; 2 read 1; 0 ok write 2",
            &[],
            &["linearizable 0 2 3 5", "regular holds", "sequential holds"],
        ),
        // Unknown: the write may take effect late or never, but not be undone.
        ("0 write 1; 1 write 2?; 2 read 1; 2 read 2", &[], &["linearizable holds", "session unknown"]),
        ("0 write 1; 1 write 2?; 2 read 1; 2 read 1", &[], &["linearizable holds", "no-lost-update holds"]),
        ("0 write 1; 1 write 2?; 2 read 2; 2 read 1", &[], &["linearizable 0 2 4 6"]),
        // Failed: the write had no effect.
        ("0 write 1; 1 write 2!; 2 read 1", &[], &["linearizable holds", "no-lost-update holds"]),
        ("0 write 1; 1 write 2!; 2 read 2", &[], &["linearizable 4"]),
        // A process whose history ends without a response.
        ("0 invoke write 1; 1 read 1", &[], &["linearizable holds"]),
        // Initial values.
        ("0 read 5; 0 write 1; 1 read 1", &[], &["linearizable 0"]),
        ("0 read 5; 0 write 1; 1 read 1", &["--initial", "5"], &["linearizable holds", "causal holds"]),
        ("0 write 1; 1 read 5", &["--initial", "5"], &["linearizable 0 2"]),
        // Jepsen's times are in ns: the write ended 3 ms before the read that misses it started.
        ("0 write 1; 0 write 2; 0 read 2; 1 read 1", &["--t", "3"], &["bounded-staleness holds"]),
        ("0 write 1; 0 write 2; 0 read 2; 1 read 1", &["--t", "2.9"], &["bounded-staleness 0 2 6"]),
        ("0 write 1; 0 write 2; 0 read 2; 1 read 1", &["--k", "1"], &["bounded-staleness holds"]),
        ("0 write 1; 0 write 2; 0 read 2; 1 read 1", &["--k", "0"], &["bounded-staleness 0 2 6"]),
    ]);
}

#[test]
fn the_session_guarantee_holds_only_if_each_of_its_parts_does() {
    let parts = ["read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads"];
    for (text, unknown) in [
        ("0 write 1; 0 read 1; 0 write 2; 0 read 2; 1 read 2", vec![]),
        ("0 write 1; 0 read 1; 0 read 1", vec!["monotonic-writes", "writes-follow-reads"]),
        ("0 write 1; 0 write 2; 0 read 2", vec!["monotonic-reads", "writes-follow-reads"]),
        ("0 read; 0 write 1; 0 write 2; 1 read 2; 1 read 2", vec!["read-your-writes"]),
    ] {
        let history = json(&events(text));
        for part in parts {
            let (_, found) = check(&history, &["--guarantee", part]);
            let expected = if unknown.contains(&part) { "unknown" } else { "holds" };
            assert_eq!(summary(&found["verdicts"][0]), expected, "{part} of {text}: {found}");
        }
        let (_, found) = check(&history, &["--guarantee", "session"]);
        let expected = if unknown.is_empty() { "holds" } else { "unknown" };
        assert_eq!(summary(&found["verdicts"][0]), expected, "{text}: {found}");
        let why = found["verdicts"][0].to_string();
        assert!(unknown.iter().all(|part| why.contains(part)), "{text}: the reason names each part: {why}");
    }
}

#[test]
fn histories_of_compare_and_sets_get_the_verdicts_of_theory() {
    assert_verdicts(&[
        (
            "0 write 1; 1 cas [1, 2]; 2 cas [2, 3]; 0 read 3",
            &[],
            &["linearizable holds", "causal holds", "session unknown"],
        ),
        (
            "0 write 1; 1 cas [1, 2]; 2 cas [1, 3]",
            &[],
            &["linearizable 0 2 4", "sequential 0 2 4", "no-lost-update 0 2 4"],
        ),
        ("0 write 1; 1 cas [5, 2]!; 2 read 1", &[], &["linearizable holds"]),
        ("0 write 1; 1 cas [1, 2]?; 2 read 1; 2 read 2", &[], &["linearizable holds", "causal holds"]),
        (
            "0 write 1; 1 cas [1, 2]?; 2 read 2; 2 read 1",
            &[],
            &["linearizable 0 2 4 6", "causal 0 2 4 6", "monotonic-reads 0 2 4 6", "read-your-writes unknown"],
        ),
        (
            "0 write 1; 0 cas [1, 2]; 0 read 1",
            &[],
            &["read-your-writes 0 2 4", "causal 0 2 4", "monotonic-writes holds"],
        ),
        // A compare-and-set has seen the value it replaced; a later read of that value misses no write that it followed.
        (
            "0 write 1; 1 cas [1, 2]; 2 read 2; 2 read 1",
            &[],
            &["writes-follow-reads unknown", "monotonic-writes unknown"],
        ),
        ("0 cas [5, 6]; 1 read 6", &["--initial", "5"], &["linearizable holds"]),
    ]);
}

#[test]
fn histories_of_counters_sets_and_lists_get_the_verdicts_of_theory() {
    assert_verdicts(&[
        ("0 add 1; 0 add 2; 1 read 3", &[], &["linearizable holds", "session unknown", "no-lost-update holds"]),
        ("0 add 1; 1 read 2", &[], &["linearizable 2"]),
        ("0 increment 1?; 1 read 0; 1 read 1", &[], &["linearizable holds"]),
        ("0 increment 1; 0 read 0", &[], &["read-your-writes 0 2", "monotonic-reads unknown", "no-lost-update 0 2"]),
        ("0 increment 2; 1 decrement 1; 1 read 1", &[], &["linearizable holds", "read-your-writes holds"]),
        ("0 increment 1; 1 read 1; 1 read 0", &[], &["monotonic-reads 2 4", "session 2 4"]),
        ("0 read 5; 0 increment 1; 1 read 6", &["--initial", "5"], &["linearizable holds"]),
        ("0 add 1; 1 add 2; 2 read [2, 1]", &[], &["linearizable holds", "no-lost-update holds"]),
        ("0 add 1; 1 add 2; 2 read [1]", &[], &["linearizable 2 4", "sequential holds", "no-lost-update 2 4"]),
        ("0 add 1?; 2 read []; 2 read [1]", &[], &["linearizable holds"]),
        ("0 add 1; 2 read [1, 9]", &[], &["linearizable 2", "sequential 2"]),
        ("0 add 1; 2 read [1]; 2 read []", &[], &["monotonic-reads 0 2 4", "sequential 0 2 4"]),
        ("0 add 1; 1 remove 1; 2 read []", &[], &["linearizable holds", "no-lost-update holds"]),
        ("0 append 1; 1 append 2; 2 read [1, 2]", &[], &["linearizable holds"]),
        ("0 append 1; 1 append 2; 2 read [2, 1]", &[], &["linearizable 0 2 4", "sequential holds"]),
        ("0 append 1; 2 read [1, 1]", &[], &["linearizable 0 2", "sequential 0 2"]),
        ("0 append 1; 0 read []", &[], &["read-your-writes 0 2", "sequential 0 2"]),
    ]);
}

#[test]
fn keys_of_a_history_are_distinguished() {
    let keyed = |text: &str| edn(&events(text)).replace(":value nil", ":value [:x nil]");
    let follow = "0 write [\"x\", 1]; 1 read [\"x\", 1]; 1 write [\"y\", 2]; 2 read [\"y\", 2]; 2 read [\"x\", null]";
    let text = keyed(follow).replacen(":f :read, :value [:x nil], :time 6", ":f :read, :value [:y nil], :time 6", 1);
    for (guarantee, expected) in [
        ("linearizable", "0 8"),
        ("sequential", "holds"),
        ("causal", "0 2 4 6 8"),
        ("writes-follow-reads", "0 2 4 6 8"),
        ("monotonic-writes", "unknown"),
        ("monotonic-reads", "holds"),
    ] {
        let (_, found) = check(&text, &["--guarantee", guarantee, "--keyed"]);
        assert_eq!(summary(&found["verdicts"][0]), expected, "{guarantee}: {found}\n{text}");
    }
    // Transactions of one operation, as in Jepsen's list-append tests, and ends without a value.
    let text = "{:type :invoke :f :txn :value [[:append :x 1]] :process 0} {:type :ok :process 0}
        {:type :invoke :f :txn :value [[:r :x nil]] :process 1} {:type :ok :f :txn :value [[:r :x [1]]] :process 1}";
    assert_eq!(check(text, &[]).0, 0, "{}", check(text, &[]).1);
    let two = "{:type :invoke :f :txn :value [[:append :x 1] [:r :x nil]] :process 0}";
    let (code, error) = check(two, &[]);
    assert_eq!(code, 2);
    assert!(
        error.as_str().is_some_and(|error| error.contains("line 1") && error.contains("[[f key value]]")),
        "{error}"
    );
}

#[test]
fn an_operation_without_a_key_concerns_the_key_with_the_empty_name() {
    for (read, expected) in [("[1]", 0), ("[]", 1)] {
        let text = format!(
            "{{:type :invoke :f :append :value 1 :process 0}} {{:type :ok :process 0}}
            {{:type :invoke :f :read :key \"\" :process 1}} {{:type :ok :f :read :key \"\" :value {read} :process 1}}"
        );
        let (code, found) = check(&text, &["--guarantee", "linearizable"]);
        assert_eq!((code, &found["model"]), (expected, &"append".into()), "read {read}: {found}");
    }
}

/// Returns a history of a register with eight processes. One percent of the operations are unknown. Every read is correct,
/// except for one near the end if `wrong`.
fn long_history(operations: u64, values: u64, wrong: bool) -> String {
    let mut random = 1_u64;
    let mut below = |n: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    };
    let (mut text, mut held, mut begun, mut lied) = (String::new(), String::from("null"), 0, !wrong);
    let mut names: Vec<u64> = (0..8).collect();
    let mut pending: Vec<Option<(&str, String, bool)>> = vec![None; 8];
    while begun < operations || pending.iter().any(Option::is_some) {
        let process = below(8) as usize;
        let name = names[process];
        let mut write = |kind: &str, f: &str, value: &str| {
            text += &format!("{{\"process\": {name}, \"type\": \"{kind}\", \"f\": \"{f}\", \"value\": {value}}}\n");
        };
        match pending[process].take() {
            None if begun < operations => {
                begun += 1;
                let value = if values == 0 { begun } else { below(values) };
                let (f, value) = if below(2) == 0 { ("read", "null".into()) } else { ("write", value.to_string()) };
                write("invoke", f, &value);
                pending[process] = Some((f, value, false));
            }
            Some((f, value, false)) => {
                if f == "write" {
                    held.clone_from(&value);
                    pending[process] = Some((f, value, true));
                } else {
                    let is_wrong = !lied && begun > operations - operations / 10;
                    lied |= is_wrong;
                    pending[process] = Some((f, if is_wrong { "-1".into() } else { held.clone() }, true));
                }
            }
            Some((f, value, true)) if below(100) == 0 => {
                write("info", f, &value);
                names[process] += 8;
            }
            Some((f, value, true)) => write("ok", f, &value),
            None => {}
        }
    }
    text
}

#[test]
fn a_history_of_ten_thousand_operations_is_decided_within_the_budget() {
    for values in [0, 5] {
        for wrong in [false, true] {
            let text = long_history(10_000, values, wrong);
            let (code, found) = check(&text, &["--guarantee", "linearizable,regular,sequential,causal"]);
            let verdicts = found["verdicts"].as_array().expect("verdicts");
            let found_verdicts: Vec<&str> = verdicts.iter().filter_map(|verdict| verdict["verdict"].as_str()).collect();
            let expected = if wrong { "violated" } else { "holds" };
            assert_eq!((code, found_verdicts), (i32::from(wrong), vec![expected; 4]), "{values} {wrong}: {found}");
        }
    }
}

/// Returns the sentences of the verdicts on a history.
fn sentences(history: &str, options: &[&str]) -> String {
    let (_, found) = check(history, options);
    let of_one = |verdict: &Value| format!("{}: {}{}", verdict["guarantee"], verdict["sentence"], verdict["why"]);
    found["verdicts"].as_array().expect("verdicts").iter().map(of_one).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_sum_that_no_increments_explain_is_compared_with_all_increments_of_the_history() {
    let history = json(&events("0 increment 1; 1 increment 1; 2 read 3"));
    for (guarantee, expected) in [("linearizable", "exactly +2"), ("sequential", "No order of 2 changes")] {
        let found = sentences(&history, &["--initial", "0", "--guarantee", guarantee]);
        assert!(found.contains(expected), "{found}");
    }
    let found = sentences(&json(&events("0 increment 1; 1 increment 1; 2 read 0")), &["--guarantee", "no-lost-update"]);
    assert!(found.contains("at least 2"), "{found}");
}

#[test]
fn a_register_whose_reads_return_siblings_is_unknown_instead_of_never_written() {
    let siblings = "0 write [\"a\"]; 0 read [\"a\"]; 1 write [\"b\"]; 1 read [[\"a\"], [\"b\"]]";
    let all = "linearizable,sequential,causal,session,read-your-writes,no-lost-update";
    let found = sentences(&json(&events(siblings)), &["--guarantee", all]);
    assert_eq!(found.matches("a register cannot have").count(), 6, "{found}");
    // A list that was written as a whole is a value like others, and so is one with a value that was not written.
    for (text, expected) in [
        ("0 write [\"a\"]; 0 write [\"b\"]; 0 write [[\"a\"], [\"b\"]]; 0 read [[\"a\"], [\"b\"]]", "holds"),
        ("0 write [\"a\"]; 0 write [\"b\"]; 0 read [[\"a\"], [\"c\"]]", "4"),
    ] {
        let (_, found) = check(&json(&events(text)), &[]);
        assert_eq!(summary(&found["verdicts"][0]), expected, "{found}");
    }
}

#[test]
fn a_history_states_what_clients_do_not_observe() {
    let line = |index: u32, process: u32, kind: &str, f: &str, value: &str, more: &str| {
        format!(
            "{{\"index\": {index}, \"process\": {process}, \"type\": \"{kind}\", \"f\": \"{f}\", \"value\": {value}{more}}}\n"
        )
    };
    let all = ["--guarantee", "sequential,causal,read-your-writes,no-lost-update"];
    let verdicts = |text: &str| {
        let (_, found) = check(text, &all);
        let of_one = |verdict: &Value| verdict["verdict"].as_str().unwrap_or("none").to_string();
        found["verdicts"]
            .as_array()
            .unwrap_or_else(|| panic!("{found}"))
            .iter()
            .map(of_one)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let read = line(4, 0, "invoke", "read", "null", "") + &line(5, 0, "ok", "read", "\"old\"", "");
    let write = |lost: &str| line(2, 0, "invoke", "write", "\"new\"", "") + &line(3, 0, "ok", "write", "\"new\"", lost);
    let first = |more| line(0, 1, "invoke", "write", "\"old\"", more) + &line(1, 1, "ok", "write", "\"old\"", more);
    // Another process may take effect at any time; the initial value precedes everything.
    assert_eq!(verdicts(&(first("") + &write("") + &read)), "holds holds holds violated");
    let initial = first(", \"initial\": true");
    assert_eq!(verdicts(&(initial.clone() + &write("") + &read)), "violated violated violated violated");
    assert_eq!(verdicts(&(initial.clone() + &write(", \"lost\": false") + &read)), "violated violated violated holds");
    assert_eq!(verdicts(&(initial + &write(", \"lost\": true") + &read)), "violated violated violated violated");
    // Versions identify writes of equal values, and order the writes of different processes.
    let written = |index, process, version: u32| {
        let version = format!(", \"version\": {version}");
        line(index, process, "invoke", "write", "7", &version) + &line(index + 1, process, "ok", "write", "7", "")
    };
    let shown = |index, version: u32| {
        let version = format!(", \"version\": {version}");
        line(index, 2, "invoke", "read", "null", "") + &line(index + 1, 2, "ok", "read", "7", &version)
    };
    for (first, second, expected) in [(1, 2, "holds"), (2, 1, "violated")] {
        let text = written(0, 0, 1) + &written(2, 1, 2) + &shown(4, first) + &shown(6, second);
        let (_, found) = check(&text, &["--guarantee", "monotonic-reads"]);
        assert_eq!(found["verdicts"][0]["verdict"], expected, "{first} {second}: {found}");
    }
}

#[test]
fn operations_on_maps_and_by_index_are_read_and_unknown_to_all_guarantees() {
    let line = |process: u32, f: &str, value: &str, more: &str| {
        ["invoke", "ok"].map(|kind| {
            format!("{{\"process\": {process}, \"type\": \"{kind}\", \"f\": \"{f}\", \"key\": \"k\", \"value\": {value}{more}}}\n")
        })
    };
    let map = [line(0, "put", "{\"f\": 1}", ""), line(0, "remove", "\"f\"", ""), line(1, "read", "{}", "")];
    let initial = line(9, "put", "{\"f\": 1}", ", \"initial\": true");
    let list = [
        line(0, "append", "1", ""),
        line(0, "insert", "[0, \"e\"]", ""),
        line(1, "remove-at", "0", ""),
        line(1, "read", "[1]", ""),
    ];
    let removed = [line(0, "remove", "\"f\"", ""), line(1, "read", "{\"g\": 1}", "")];
    let started = [&[initial][..], &map].concat();
    for operations in [&map[..], &started, &list, &removed] {
        let history: String = operations.iter().flatten().map(String::as_str).collect();
        for guarantee in ["linearizable", "sequential", "causal", "session", "no-lost-update"] {
            let (code, found) = check(&history, &["--guarantee", guarantee]);
            assert_eq!((code, &found["verdicts"][0]["verdict"]), (3, &Value::from("unknown")), "{found}");
        }
    }
    // Other functions are named, with those that are known.
    let (_, error) = check(&line(0, "pop", "1", "").concat(), &[]);
    let error = error.as_str().expect("an error");
    assert!(error.contains("append, increment, decrement, put, insert or remove-at is expected, not pop"), "{error}");
}
