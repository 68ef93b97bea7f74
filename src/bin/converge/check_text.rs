//! `converge check`: verdicts on a history made elsewhere.

use crate::jepsen::Kind;
use converge::analysis::check::{GUARANTEES, Guarantee, Verdict, check};
use converge::analysis::history::{Answer, Call, History};
use converge::trace::Outcome;
use serde_json::{Value, json};
use std::fmt::Write;

/// A guarantee by its name; bounded staleness takes its bounds from elsewhere.
pub fn guarantee(name: &str, versions: Option<u32>, ms: Option<f64>) -> Result<Guarantee, String> {
    if name == "bounded-staleness" {
        if versions.is_none() && ms.is_none() {
            return Err("bounded-staleness: a bound is expected, --k VERSIONS or --t MS or both".into());
        }
        if ms.is_some_and(|ms| !(0.0..1e12).contains(&ms)) {
            return Err("--t: a number of milliseconds from 0 on is expected".into());
        }
        return Ok(Guarantee::BoundedStaleness { versions, us: ms.map(|ms| (ms * 1000.0).round() as i64) });
    }
    let found = GUARANTEES.iter().find(|(known, _)| *known == name);
    found.map(|(_, guarantee)| *guarantee).ok_or_else(|| {
        let names: Vec<&str> = GUARANTEES.iter().map(|(name, _)| *name).chain(["bounded-staleness"]).collect();
        format!("--guarantee: one of {} is expected, not {name}", names.join(", "))
    })
}

/// What was found: each guarantee by its name, with its verdict.
pub struct Findings {
    pub model: Kind,
    pub verdicts: Vec<(String, Verdict)>,
}

pub fn findings(history: &History, model: Kind, asked: &[(String, Guarantee)], budget: u64) -> Findings {
    let verdicts = asked.iter().map(|(name, guarantee)| (name.clone(), check(history, *guarantee, budget)));
    Findings { model, verdicts: verdicts.collect() }
}

impl Findings {
    /// 0 if all hold, 1 if any is violated, else 3.
    pub fn code(&self) -> u8 {
        let any = |wanted: fn(&Verdict) -> bool| self.verdicts.iter().any(|(_, verdict)| wanted(verdict));
        if any(|verdict| matches!(verdict, Verdict::Violated(_))) {
            1
        } else if any(|verdict| matches!(verdict, Verdict::Unknown(_))) {
            3
        } else {
            0
        }
    }

    pub fn text(&self, history: &History) -> String {
        let count = |outcome| history.operations.iter().filter(|it| it.outcome == outcome).count();
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{} operations: {} ok, {} fail, {} unknown; {} processes, {} keys",
            history.operations.len(),
            count(Outcome::Ok),
            count(Outcome::Fail),
            count(Outcome::Unknown),
            history.processes.len(),
            history.keys.len()
        );
        for (name, verdict) in &self.verdicts {
            match verdict {
                Verdict::Holds => {
                    let _ = writeln!(text, "{name}: holds");
                }
                Verdict::Unknown(why) => {
                    let _ = writeln!(text, "{name}: unknown: {why}");
                }
                Verdict::Violated(witness) => {
                    let _ = writeln!(text, "{name}: violated. {}", witness.sentence);
                    for &place in &witness.operations {
                        let _ = writeln!(text, "  {}", line(history, place));
                    }
                }
            }
        }
        text
    }

    pub fn json(&self, history: &History) -> Value {
        let count = |outcome| history.operations.iter().filter(|it| it.outcome == outcome).count();
        let verdicts: Vec<Value> = self
            .verdicts
            .iter()
            .map(|(name, verdict)| match verdict {
                Verdict::Holds => json!({"guarantee": name, "verdict": "holds"}),
                Verdict::Unknown(why) => json!({"guarantee": name, "verdict": "unknown", "why": why}),
                Verdict::Violated(witness) => {
                    let operations: Vec<Value> =
                        witness.operations.iter().map(|place| operation(history, *place)).collect();
                    json!({
                        "guarantee": name, "verdict": "violated", "sentence": witness.sentence, "operations": operations,
                    })
                }
            })
            .collect();
        json!({
            "operations": history.operations.len(),
            "ok": count(Outcome::Ok),
            "fail": count(Outcome::Fail),
            "unknown": count(Outcome::Unknown),
            "processes": history.processes.len(),
            "keys": history.keys.len(),
            "model": match self.model {
                Kind::Register => "register",
                Kind::CasRegister => "cas-register",
                Kind::Counter => "counter",
                Kind::Set => "set",
                Kind::Append => "append",
            },
            "verdicts": verdicts,
        })
    }
}

/// Names of what was asked, with its value as it was written.
fn asked(history: &History, place: usize) -> (&'static str, Value) {
    let value = |id: u32| {
        if id == 0 { Value::Null } else { serde_json::from_str(history.value(id)).unwrap_or(json!(history.value(id))) }
    };
    let operation = &history.operations[place];
    match operation.call {
        Call::Read => {
            let returned = match &operation.answer {
                Answer::Nothing => Value::Null,
                Answer::Value(it) => value(*it),
                Answer::Number(number) => json!(number),
                Answer::Elements(elements) => elements.iter().map(|it| value(*it)).collect(),
            };
            ("read", returned)
        }
        Call::Write(it) => ("write", value(it)),
        Call::CompareAndSet { expected, value: it } => ("cas", json!([value(expected), value(it)])),
        Call::Increment(by) => ("increment", json!(by)),
        Call::Add(it) => ("add", value(it)),
        Call::Remove(it) => ("remove", value(it)),
        Call::Append(it) => ("append", value(it)),
    }
}

fn outcome(history: &History, place: usize) -> &'static str {
    match history.operations[place].outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Unknown => "info",
    }
}

fn operation(history: &History, place: usize) -> Value {
    let it = &history.operations[place];
    let (f, value) = asked(history, place);
    let process = history.processes[it.process as usize].trim_start_matches("process ");
    let mut line = json!({
        "index": it.index, "f": f, "value": value, "type": outcome(history, place),
        "process": process.parse::<i64>().map_or(json!(process), |number| json!(number)),
    });
    if history.keys.len() > 1 || history.keys.first().is_some_and(|key| !key.is_empty()) {
        line["key"] = json!(history.keys[it.key as usize]);
    }
    line
}

fn line(history: &History, place: usize) -> String {
    let it = &history.operations[place];
    let (f, value) = asked(history, place);
    let key = history.keys.get(it.key as usize).filter(|key| !key.is_empty());
    let key = key.map_or(String::new(), |key| format!(" of {key}"));
    format!(
        "{:>6}  {}  {f} {value}{key}  {}",
        it.index,
        history.processes[it.process as usize],
        outcome(history, place)
    )
}
