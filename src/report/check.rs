//! The report on a history: which guarantees it keeps, with proof of each violation.

use super::InputError;
use crate::analysis::check::{BUDGET, GUARANTEES, Guarantee, Verdict, check as examine};
use crate::analysis::history::History;
use crate::analysis::jepsen::{DataModel, ReadError, ReadOptions, read};
use crate::trace::Outcome;
use serde::Serialize;
use serde_json::{Value, json};

/// What to check, and how to read the history.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Guarantees by name; `linearizable` if there are none.
    pub guarantees: Vec<String>,
    /// What a key holds; inferred from the operations if absent.
    pub model: Option<DataModel>,
    /// Whether values are `[key value]`; inferred if false.
    pub keyed: bool,
    /// The initial value of every key, as JSON.
    pub initial: Option<String>,
    /// The most acknowledged changes that a read may lack, for bounded staleness.
    pub k: Option<u32>,
    /// The longest time for which a read may lack a change, ms, for bounded staleness.
    pub t: Option<f64>,
    /// Steps of a search after which the verdict is unknown.
    pub budget: u64,
}

impl Default for CheckOptions {
    fn default() -> Self {
        CheckOptions {
            guarantees: Vec::new(),
            model: None,
            keyed: false,
            initial: None,
            k: None,
            t: None,
            budget: BUDGET,
        }
    }
}

/// The verdicts on a history.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct CheckReport {
    /// The number of operations.
    pub operations: usize,
    /// Operations that succeeded.
    pub ok: usize,
    /// Operations that failed.
    pub fail: usize,
    /// Operations whose effect is unknown.
    pub unknown: usize,
    /// The number of processes.
    pub processes: usize,
    /// The number of keys.
    pub keys: usize,
    /// What a key holds.
    pub model: DataModel,
    /// One verdict for each guarantee.
    pub verdicts: Vec<VerdictReport>,
}

/// The verdict on one guarantee.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum VerdictReport {
    /// The history keeps the guarantee.
    Holds {
        /// The guarantee's name.
        guarantee: String,
    },
    /// The history violates the guarantee.
    Violated {
        /// The guarantee's name.
        guarantee: String,
        /// Why the operations prove the violation.
        sentence: String,
        /// A minimal set of operations that proves the violation.
        operations: Vec<OperationReport>,
    },
    /// Neither could be shown.
    Unknown {
        /// The guarantee's name.
        guarantee: String,
        /// Why.
        why: String,
    },
}

/// An operation of the history.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct OperationReport {
    /// Its index in the history.
    pub index: i64,
    /// Its process: a number, or a name.
    pub process: Value,
    /// Its key, unless the history has only one key without a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its function, by the name that it has in the history.
    pub f: String,
    /// Its argument, or what a read returned, as in the history.
    pub value: Value,
    /// `ok`, `fail` or `info`.
    #[serde(rename = "type")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["ok", "fail", "info"])))]
    pub outcome: &'static str,
}

/// Looks up a guarantee by name. Bounded staleness takes its bounds from `k` and `t`.
///
/// # Errors
/// The name or a bound is not valid.
pub fn guarantee(name: &str, k: Option<u32>, t: Option<f64>) -> Result<Guarantee, InputError> {
    if name == "bounded-staleness" {
        if k.is_none() && t.is_none() {
            return Err(InputError::new("guarantee", "bounded-staleness needs a bound: k, t or both"));
        }
        if t.is_some_and(|ms| !(0.0..1e12).contains(&ms)) {
            return Err(InputError::new("t", "a number of milliseconds, 0 or more, is expected"));
        }
        return Ok(Guarantee::BoundedStaleness { versions: k, us: t.map(|ms| (ms * 1000.0).round() as i64) });
    }
    let found = GUARANTEES.iter().find(|(known, _)| *known == name);
    found.map(|(_, guarantee)| *guarantee).ok_or_else(|| {
        let names: Vec<&str> = GUARANTEES.iter().map(|(name, _)| *name).chain(["bounded-staleness"]).collect();
        InputError::new("guarantee", format!("one of {} is expected, not {name}", names.join(", ")))
    })
}

/// Checks a history in Jepsen's format.
///
/// # Errors
/// An option is not valid, or the history cannot be read; the path names the option or is `history`.
pub fn check(history: &str, options: &CheckOptions) -> Result<CheckReport, InputError> {
    let default = ["linearizable".to_string()];
    let names = if options.guarantees.is_empty() { &default[..] } else { &options.guarantees };
    let mut guarantees = Vec::new();
    for name in names.iter().flat_map(|names| names.split(',')) {
        guarantees.push((name.to_string(), guarantee(name, options.k, options.t)?));
    }
    let read_options = ReadOptions { model: options.model, keyed: options.keyed, initial: options.initial.as_deref() };
    let (history, model) = read(history, &read_options).map_err(|error| match error {
        ReadError::History(expected) => InputError::new("history", expected),
        ReadError::Initial(expected) => InputError::new("initial", expected),
    })?;
    let verdicts = guarantees.into_iter().map(|(name, guarantee)| {
        let verdict = examine(&history, guarantee, options.budget);
        VerdictReport::new(name, verdict, &history)
    });
    let count = |outcome| history.operations.iter().filter(|operation| operation.outcome == outcome).count();
    Ok(CheckReport {
        operations: history.operations.len(),
        ok: count(Outcome::Ok),
        fail: count(Outcome::Fail),
        unknown: count(Outcome::Unknown),
        processes: history.processes.len(),
        keys: history.keys.len(),
        model,
        verdicts: verdicts.collect(),
    })
}

impl VerdictReport {
    fn new(guarantee: String, verdict: Verdict, history: &History) -> Self {
        match verdict {
            Verdict::Holds => VerdictReport::Holds { guarantee },
            Verdict::Unknown(why) => VerdictReport::Unknown { guarantee, why },
            Verdict::Violated(witness) => VerdictReport::Violated {
                guarantee,
                sentence: witness.sentence,
                operations: witness.operations.iter().map(|index| OperationReport::new(history, *index)).collect(),
            },
        }
    }
}

impl OperationReport {
    fn new(history: &History, position: usize) -> Self {
        let operation = &history.operations[position];
        let written = &history.written[position];
        let process = history.processes[operation.process as usize].trim_start_matches("process ");
        let has_named_keys = history.keys.len() > 1 || history.keys.first().is_some_and(|key| !key.is_empty());
        OperationReport {
            index: operation.index,
            process: process.parse::<i64>().map_or(json!(process), |number| json!(number)),
            key: has_named_keys.then(|| history.keys[operation.key as usize].clone()),
            f: written.function.clone(),
            value: written.value.clone(),
            outcome: match operation.outcome {
                Outcome::Ok => "ok",
                Outcome::Fail => "fail",
                Outcome::Unknown => "info",
            },
        }
    }
}
