//! Histories in Jepsen's format.

use super::{Target, hostile};
use crate::random::Random;
use crate::{json, text};
use converge::analysis::history::{History, Invocation, NEVER, Output};
use converge::analysis::jepsen::{DataModel, ReadOptions, read};
use converge::report::{CheckOptions, VerdictReport, check as check_history};
use converge::trace::Outcome;
use serde_json::{Value, json};

pub const TARGET: Target = Target { name: "histories", seeds, change, check, memory: 64 << 20 };

/// Steps of a search. The verdict is unknown after them.
const BUDGET: u64 = 500;

const WORDS: &[&str] = &[
    "{\"type\": \"invoke\", \"f\": \"read\", \"value\": null, \"process\": 0}\n",
    "{\"type\": \"ok\", \"f\": \"read\", \"value\": 1, \"process\": 0}\n",
    "{:type :invoke, :f :write, :value 1, :process 0}\n",
    "\"info\"",
    "\"fail\"",
    "\"cas\"",
    "\"add\"",
    "\"append\"",
    "\"increment\"",
    "\"txn\"",
    ":nemesis",
    "#{1 2}",
    "(1 2)",
    "[:r 1 nil]",
    ";",
    "#_",
    "#inst \"x\"",
    "\\newline",
    "1N",
    "1/2",
    "##Inf",
    "nil",
    "\"time\": 1",
    "\"index\": 1",
    "\"key\": \"k\"",
];

/// Histories of each kind: process, type, function, value.
const EVENTS: &[&[(&str, &str, &str, &str)]] = &[
    &[
        ("0", "invoke", "write", "1"),
        ("0", "ok", "write", "1"),
        ("1", "invoke", "read", "null"),
        ("1", "ok", "read", "1"),
    ],
    &[
        ("0", "invoke", "write", "1"),
        ("1", "invoke", "read", "null"),
        ("1", "ok", "read", "null"),
        ("0", "info", "write", "1"),
        ("2", "invoke", "cas", "[1, 2]"),
        ("2", "fail", "cas", "[1, 2]"),
    ],
    &[
        ("0", "invoke", "increment", "1"),
        ("0", "ok", "increment", "1"),
        ("1", "invoke", "read", "null"),
        ("1", "ok", "read", "1"),
    ],
    &[
        ("0", "invoke", "add", "3"),
        ("0", "ok", "add", "3"),
        ("0", "invoke", "read", "null"),
        ("0", "ok", "read", "[3]"),
    ],
    &[
        ("0", "invoke", "append", "3"),
        ("0", "ok", "append", "3"),
        ("0", "invoke", "read", "null"),
        ("0", "ok", "read", "[3]"),
    ],
    &[
        ("0", "invoke", "write", "[\"x\", 1]"),
        ("0", "ok", "write", "[\"x\", 1]"),
        ("1", "invoke", "read", "[\"x\", null]"),
        ("1", "ok", "read", "[\"x\", 1]"),
    ],
    &[("0", "invoke", "txn", "[[\"w\", 1, 2]]"), ("0", "ok", "txn", "[[\"w\", 1, 2]]")],
];

fn seeds() -> Vec<String> {
    let mut seeds = hostile("history");
    for events in EVENTS {
        let line = |(at, (process, kind, f, value)): (usize, &(&str, &str, &str, &str))| {
            format!(
                "{{\"index\": {at}, \"time\": {}, \"process\": {process}, \"type\": \"{kind}\", \"f\": \"{f}\", \"value\": {value}}}\n",
                at * 1000
            )
        };
        let lines: String = events.iter().enumerate().map(line).collect();
        seeds.push(format!("[{}]", lines.trim_end().replace('\n', ",")));
        seeds.push(lines);
        let edn = |(process, kind, f, value): &(&str, &str, &str, &str)| {
            let value = value.replace("null", "nil").replace(',', "");
            format!("{{:process {process}, :type :{kind}, :f :{f}, :value {value}}}\n")
        };
        seeds.push(events.iter().map(edn).collect());
    }
    seeds
}

fn change(history: &str, donor: &str, random: &mut Random) -> String {
    if random.once_in(2) {
        return text::changed(history, donor, WORDS, random);
    }
    let values = |text: &str| -> Option<Value> {
        let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        lines.ok().map(Value::Array)
    };
    let Some(events) = values(history) else { return text::changed(history, donor, WORDS, random) };
    let donor = values(donor).unwrap_or_default();
    let changed = json::changed(&events, &donor, random);
    let lines: Vec<String> = changed.as_array().into_iter().flatten().map(Value::to_string).collect();
    text::limited(lines.join("\n"))
}

fn check(history: &str) -> Result<String, String> {
    let (first, model) = match read(history, &ReadOptions::default()) {
        Ok(read) => read,
        Err(error) => return Ok(format!("{error:?}")),
    };
    if first.keys.len() == 1 {
        let options = ReadOptions { model: Some(model), ..ReadOptions::default() };
        let written = lines(&first, model);
        let (again, _) = read(&written, &options).map_err(|error| format!("written, it is refused: {error:?}"))?;
        super::expect_same("written and read again", &written, &lines(&again, model))?;
    }
    // Guarantees, from the strongest.
    let names = ["linearizable", "sequential", "causal", "session", "no-lost-update", "regular"];
    let guarantees = names.map(String::from).to_vec();
    let report = check_history(history, &CheckOptions { guarantees, budget: BUDGET, ..CheckOptions::default() })
        .map_err(|error| format!("it was read, but is refused: {error}"))?;
    let verdict = |verdict: &VerdictReport| match verdict {
        VerdictReport::Holds { .. } => "holds",
        VerdictReport::Violated { .. } => "violated",
        VerdictReport::Unknown { .. } => "unknown",
    };
    let verdicts: Vec<&str> = report.verdicts.iter().map(verdict).collect();
    // Each of the first four implies the next one.
    for pair in verdicts[..4].windows(2) {
        if pair == ["holds", "violated"] {
            return Err(format!("a stronger guarantee holds, and a weaker one is violated: {verdicts:?}"));
        }
    }
    let operations = first.operations.len().min(6);
    Ok(format!("read {model:?} {} {}", verdicts.join(" "), ["a", "b", "c", "d", "e", "f", "g"][operations]))
}

/// Writes a history of one key as JSON Lines.
fn lines(history: &History, model: DataModel) -> String {
    let text = |id: u32| -> Value {
        if id == 0 { Value::Null } else { serde_json::from_str(history.value(id)).unwrap_or_default() }
    };
    let mut events: Vec<(u32, String)> = Vec::new();
    for operation in &history.operations {
        let (f, value) = match operation.invocation {
            Invocation::Read => ("read", Value::Null),
            Invocation::Write(id) => ("write", text(id)),
            Invocation::CompareAndSet { expected, value } => ("cas", json!([text(expected), text(value)])),
            Invocation::Increment(by) => ("increment", json!(by)),
            Invocation::Add(id) => ("add", text(id)),
            Invocation::Remove(id) => ("remove", text(id)),
            Invocation::Append(id) => ("append", text(id)),
        };
        let process = history.processes[operation.process as usize].trim_start_matches("process ");
        let event = |kind: &str, value: &Value| {
            json!({ "process": process, "type": kind, "f": f, "value": value, "key": history.keys[0] }).to_string()
        };
        events.push((operation.invoked, event("invoke", &value)));
        if operation.ended == NEVER {
            continue;
        }
        let returned = match &operation.output {
            Output::Nothing => value,
            Output::Value(id) => text(*id),
            Output::Number(number) => json!(number),
            Output::Elements(elements) => {
                let mut elements: Vec<Value> = elements.iter().map(|id| text(*id)).collect();
                if model == DataModel::Set {
                    elements.sort_by_key(Value::to_string);
                }
                json!(elements)
            }
        };
        let kind = if operation.outcome == Outcome::Fail { "fail" } else { "ok" };
        events.push((operation.ended, event(kind, &returned)));
    }
    events.sort();
    events.into_iter().map(|(_, event)| event + "\n").collect()
}
