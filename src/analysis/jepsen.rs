//! Reads histories in Jepsen's format: JSON Lines, a JSON array, or EDN.

mod edn;
mod lines;
mod numbers;

use lines::lines;
use numbers::{COUNTED, MAX_NUMBER, counted, is_exact};

use super::history::{ABSENT, History, Initial, Invocation, Model, NEVER, Operation, Output, ValueId};
use crate::trace::Outcome;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How to read a history.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions<'a> {
    /// What a key holds; inferred from the operations if absent.
    pub model: Option<DataModel>,
    /// Whether every value is `[key value]`; inferred if false.
    pub keyed: bool,
    /// The initial value of every key, as JSON; text that is not JSON is a string.
    pub initial: Option<&'a str>,
}

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DataModel {
    /// Reads and writes.
    Register,
    /// Reads, writes and compare-and-sets.
    CasRegister,
    /// Reads and increments of a number.
    Counter,
    /// Adds, removals and reads of a set.
    Set,
    /// Appends to and reads of a list.
    Append,
}

impl DataModel {
    /// All models.
    pub const ALL: [DataModel; 5] =
        [DataModel::Register, DataModel::CasRegister, DataModel::Counter, DataModel::Set, DataModel::Append];

    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            DataModel::Register => "register",
            DataModel::CasRegister => "cas-register",
            DataModel::Counter => "counter",
            DataModel::Set => "set",
            DataModel::Append => "append",
        }
    }

    fn model(self) -> Model {
        match self {
            DataModel::Register | DataModel::CasRegister => Model::Register,
            DataModel::Counter => Model::Counter,
            DataModel::Set => Model::Set,
            DataModel::Append => Model::Append,
        }
    }

    fn functions(self) -> &'static str {
        match self {
            DataModel::Register => "read, write or delete",
            DataModel::CasRegister => "read, write, cas or delete",
            DataModel::Counter => "read, add, increment or decrement",
            DataModel::Set => "read, add or remove",
            DataModel::Append => "read or append",
        }
    }
}

/// An invocation or completion in the history.
struct Event {
    position: String,
    kind: String,
    process: String,
    f: String,
    key: Option<String>,
    value: Value,
    time: Option<i64>,
    index: Option<i64>,
}

/// Why a history cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The history is malformed: the line, and what was expected.
    History(String),
    /// The initial value does not fit the model: what was expected.
    Initial(String),
}

impl From<String> for ReadError {
    fn from(problem: String) -> Self {
        ReadError::History(problem)
    }
}

/// Reads a history, and infers what its keys hold.
///
/// # Errors
/// The history or the initial value is malformed.
pub fn read(text: &str, options: &ReadOptions) -> Result<(History, DataModel), ReadError> {
    let mut events = Vec::new();
    for (position, value) in lines(text)? {
        events.extend(event(position, &value)?);
    }
    if events.is_empty() {
        let example = r#"{"type": "invoke", "f": "read", "value": null, "process": 0}"#;
        return Err(ReadError::History(format!("the history has no operations; a line like {example} is expected")));
    }
    put_in_order(&mut events)?;
    if options.keyed || (events.iter().all(|event| event.key.is_none()) && looks_keyed(&events)) {
        for event in &mut events {
            let Value::Array(pair) = &event.value else {
                if event.value.is_null() && event.kind != "invoke" {
                    continue;
                }
                return Err(not_keyed(event).into());
            };
            let [key, value] = pair.as_slice() else {
                return Err(not_keyed(event).into());
            };
            (event.key, event.value) = (Some(name(key)), value.clone());
        }
    }
    complete(&mut events);
    let mut models: BTreeMap<Option<String>, DataModel> = BTreeMap::new();
    let mut by_key: BTreeMap<&Option<String>, Vec<&Event>> = BTreeMap::new();
    for event in &events {
        by_key.entry(&event.key).or_default().push(event);
    }
    for (key, events) in by_key {
        models.insert(key.clone(), options.model.map_or_else(|| infer_model(&events), Ok)?);
    }
    let first = models.values().next().copied().unwrap_or(DataModel::Register);
    build(&events, &models, options.initial).map(|history| (history, first))
}

fn not_keyed(event: &Event) -> String {
    format!("{}: value: [key value] is expected, not {}", event.position, event.value)
}

/// Parses an invocation or completion. Returns `None` for events of the nemesis.
fn event(position: String, value: &Value) -> Result<Option<Event>, String> {
    let Value::Object(fields) = value else {
        return Err(format!(
            "{position}: an operation is expected, a map with type, f, value and process, not {value}"
        ));
    };
    let word = |name: &str| -> Result<String, String> {
        match fields.get(name) {
            Some(Value::String(text)) => Ok(text.trim_start_matches(':').to_string()),
            Some(Value::Number(number)) if name == "process" => Ok(number.to_string()),
            Some(other) => Err(format!("{position}: {name}: a word is expected, not {other}")),
            None => Err(format!("{position}: {name} is missing")),
        }
    };
    let process = word("process")?;
    if process == "nemesis" {
        return Ok(None);
    }
    let kind = word("type")?;
    if !["invoke", "ok", "fail", "info"].contains(&kind.as_str()) {
        return Err(format!("{position}: type: invoke, ok, fail or info is expected, not {kind}"));
    }
    let number = |name: &str| -> Result<Option<i64>, String> {
        match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_i64().or_else(|| number.as_f64().map(|n| n as i64))),
            Some(other) => Err(format!("{position}: {name}: a number is expected, not {other}")),
        }
    };
    let (time, index) = (number("time")?, number("index")?);
    let key = fields.get("key").filter(|key| !key.is_null()).map(name);
    // A completion may omit the function of its invocation.
    let f = if kind != "invoke" && !fields.contains_key("f") { String::new() } else { word("f")? };
    let value = fields.get("value").cloned().unwrap_or(Value::Null);
    if !is_exact(&value) {
        return Err(format!("{position}: value: whole numbers from -2^63 to 2^64 - 1 are exact, {value} is not"));
    }
    let mut event = Event { position, kind, process, f, key, value, time, index };
    if event.f == "txn" {
        single(&mut event)?;
    }
    Ok(Some(event))
}

/// Replaces a transaction of one operation, `[[f key value]]`, by that operation.
fn single(event: &mut Event) -> Result<(), String> {
    let parts = event.value.as_array().map(Vec::as_slice);
    let only = match parts {
        Some([Value::Array(only)]) => Some(only.as_slice()),
        None if event.value.is_null() && event.kind != "invoke" => {
            event.f.clear();
            return Ok(());
        }
        Some(_) | None => None,
    };
    let Some([Value::String(f), key, value]) = only else {
        return Err(format!(
            "{}: value: a transaction of one operation, [[f key value]], is expected, not {}; transactions of several operations are not supported",
            event.position, event.value
        ));
    };
    let f = match f.trim_start_matches(':') {
        "r" => "read",
        "w" => "write",
        other => other,
    };
    (event.f, event.key, event.value) = (f.into(), Some(name(key)), value.clone());
    Ok(())
}

/// Returns a key as text.
fn name(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_string)
}

/// Copies function and key from an invocation to a completion that omits them.
fn complete(events: &mut [Event]) {
    let mut open: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
    for event in events {
        if event.kind == "invoke" {
            open.insert(event.process.clone(), (event.f.clone(), event.key.clone()));
        } else if let Some((f, key)) = open.get(&event.process) {
            if event.f.is_empty() {
                event.f.clone_from(f);
            }
            if event.key.is_none() {
                event.key.clone_from(key);
            }
        }
    }
}

/// Sorts events by index if every event has one.
fn put_in_order(events: &mut [Event]) -> Result<(), String> {
    if !events.iter().all(|event| event.index.is_some()) {
        return Ok(());
    }
    events.sort_by_key(|event| event.index);
    match events.windows(2).find(|pair| pair[0].index == pair[1].index) {
        None => Ok(()),
        Some(pair) => Err(format!(
            "{}: index: a unique index is expected, but {} has {} too",
            pair[1].position,
            pair[0].position,
            pair[0].index.unwrap_or_default()
        )),
    }
}

/// Whether the value of every invocation is a pair, and that of a read has no value for its key.
fn looks_keyed(events: &[Event]) -> bool {
    let mut invoked = events.iter().filter(|event| event.kind == "invoke").peekable();
    let mut reads = 0;
    invoked.all(|event| match event.value.as_array().map(Vec::as_slice) {
        Some([_, value]) if event.f == "read" => {
            reads += 1;
            value.is_null()
        }
        Some([_, _]) => true,
        Some(_) | None => false,
    }) && reads > 0
}

fn infer_model(events: &[&Event]) -> Result<DataModel, String> {
    let has = |names: &[&str]| events.iter().any(|event| names.contains(&event.f.as_str()));
    let read = events.iter().find(|event| event.f == "read" && event.kind == "ok" && !event.value.is_null());
    let lists = read.is_some_and(|event| event.value.is_array());
    if has(CAS) {
        return Ok(DataModel::CasRegister);
    }
    if has(&["write", "delete"]) {
        return Ok(DataModel::Register);
    }
    if has(&["append"]) {
        return Ok(DataModel::Append);
    }
    if has(INCREMENT) || has(DECREMENT) {
        return Ok(DataModel::Counter);
    }
    if has(&["remove"]) || (has(&["add"]) && (lists || read.is_none())) {
        return Ok(DataModel::Set);
    }
    if has(&["add"]) {
        return Ok(DataModel::Counter);
    }
    match events.iter().find(|event| event.f != "read") {
        None if lists => Ok(DataModel::Set),
        None => Ok(DataModel::Register),
        Some(event) => Err(format!(
            "{}: f: read, write, cas, delete, add, remove, append, increment or decrement is expected, not {}",
            event.position, event.f
        )),
    }
}

const CAS: &[&str] = &["cas", "compare-and-set", "compare_and_set"];
const INCREMENT: &[&str] = &["increment", "inc", "incr"];
const DECREMENT: &[&str] = &["decrement", "dec", "decr"];

/// Dense ids of texts, in the order of their first use.
#[derive(Default)]
struct Ids {
    ids: BTreeMap<String, u32>,
    names: Vec<String>,
}

impl Ids {
    fn id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = self.names.len() as u32;
        self.ids.insert(name.into(), id);
        self.names.push(name.into());
        id
    }

    fn value(&mut self, value: &Value) -> ValueId {
        if value.is_null() { ABSENT } else { self.id(&value.to_string()) }
    }
}

/// Builds the operations of a history from its events.
struct Builder<'a> {
    events: &'a [Event],
    models: &'a BTreeMap<Option<String>, DataModel>,
    keys: Ids,
    processes: Ids,
    values: Ids,
    operations: Vec<Operation>,
    /// For each process with an operation in progress: the operation and its invocation.
    in_progress: BTreeMap<u32, (usize, usize)>,
    /// For each process whose last operation is unknown: its completion.
    ended_unknown: BTreeMap<u32, usize>,
    /// For each key the sum of the increments, each without its sign.
    added: BTreeMap<u32, u64>,
}

impl Builder<'_> {
    fn model_of(&self, event: &Event) -> DataModel {
        self.models.get(&event.key).copied().unwrap_or(DataModel::Register)
    }

    fn invoke(&mut self, at: usize) -> Result<(), String> {
        let event = &self.events[at];
        let (process, position) = (self.processes.id(&event.process), &event.position);
        if let Some((_, invocation)) = self.in_progress.get(&process) {
            let invoked = &self.events[*invocation].position;
            return Err(format!(
                "{position}: process {} invokes while its operation of {invoked} has not ended",
                event.process
            ));
        }
        if let Some(completion) = self.ended_unknown.get(&process) {
            let info = &self.events[*completion].position;
            return Err(format!(
                "{position}: process {} invokes again, but it ended with info in {info}: \
                 a process whose operation is unknown never invokes another",
                event.process
            ));
        }
        let key = self.keys.id(event.key.as_deref().unwrap_or(""));
        let invocation = invocation(event, self.model_of(event), &mut self.values)?;
        if let Invocation::Increment(by) = invocation {
            let sum = self.added.entry(key).or_default();
            *sum = sum.saturating_add(by.unsigned_abs());
            if *sum > MAX_NUMBER.unsigned_abs() {
                return Err(format!("{position}: value: the increments of a key must add up to at most 2^62"));
            }
        }
        self.in_progress.insert(process, (self.operations.len(), at));
        self.operations.push(Operation {
            index: event.index.unwrap_or(at as i64),
            process,
            key,
            invocation,
            output: Output::Nothing,
            outcome: Outcome::Unknown,
            invoked: at as u32,
            ended: NEVER,
            times: event.time.map(|ns| (ns / 1000, i64::MAX)),
            rank: 0,
        });
        Ok(())
    }

    fn complete(&mut self, at: usize) -> Result<(), String> {
        let event = &self.events[at];
        let (process, position) = (self.processes.id(&event.process), &event.position);
        let Some((number, invocation)) = self.in_progress.remove(&process) else {
            return Err(format!(
                "{position}: process {} ends an operation ({}) that it has not invoked",
                event.process, event.kind
            ));
        };
        let invocation = &self.events[invocation];
        let model = self.model_of(invocation);
        if invocation.f != event.f && !event.f.is_empty() {
            return Err(format!(
                "{position}: f: {} is expected, as in {}, not {}",
                invocation.f, invocation.position, event.f
            ));
        }
        if let Some(key) = event.key.as_ref().filter(|key| Some(*key) != invocation.key.as_ref()) {
            let expected = invocation.key.as_deref().unwrap_or("no key");
            return Err(format!("{position}: key: {expected} is expected, as in {}, not {key}", invocation.position));
        }
        if let (Some(start), Some(end)) = (invocation.time, event.time)
            && end < start
        {
            return Err(format!(
                "{position}: time: the operation of {} cannot end at {end} before it starts at {start}",
                invocation.position
            ));
        }
        let operation = &mut self.operations[number];
        if let (Some(times), Some(ns)) = (&mut operation.times, event.time) {
            times.1 = ns / 1000;
        }
        match event.kind.as_str() {
            "ok" => {
                (operation.outcome, operation.ended) = (Outcome::Ok, at as u32);
                if operation.invocation == Invocation::Read {
                    operation.output = output(event, model, &mut self.values)?;
                }
            }
            "fail" => (operation.outcome, operation.ended) = (Outcome::Fail, at as u32),
            _ => {
                self.ended_unknown.insert(process, at);
            }
        }
        Ok(())
    }

    fn finish(mut self, initial: Option<&str>) -> Result<History, ReadError> {
        let is_timed = |operation: &Operation| operation.times.is_some_and(|times| times.1 != i64::MAX);
        if self.operations.iter().any(|operation| operation.outcome == Outcome::Ok && !is_timed(operation)) {
            self.operations.iter_mut().for_each(|operation| operation.times = None);
        }
        let mut history = History { operations: self.operations, keys: self.keys.names.clone(), ..History::default() };
        if let Some(text) = initial {
            let value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.into()));
            for (key, model) in self.models {
                let initial = initial_value(&value, *model, &mut self.values).map_err(ReadError::Initial)?;
                history.initial.insert(self.keys.ids[key.as_deref().unwrap_or("")], initial);
            }
        }
        history.values = self.values.names;
        history.processes = self.processes.names.iter().map(|name| format!("process {name}")).collect();
        Ok(history)
    }
}

fn build(
    events: &[Event],
    models: &BTreeMap<Option<String>, DataModel>,
    initial: Option<&str>,
) -> Result<History, ReadError> {
    let mut builder = Builder {
        events,
        models,
        keys: Ids::default(),
        processes: Ids::default(),
        values: Ids::default(),
        operations: Vec::new(),
        in_progress: BTreeMap::new(),
        ended_unknown: BTreeMap::new(),
        added: BTreeMap::new(),
    };
    // The id of an absent value is 0.
    builder.values.id("nothing");
    for (at, event) in events.iter().enumerate() {
        if event.kind == "invoke" { builder.invoke(at)? } else { builder.complete(at)? }
    }
    builder.finish(initial)
}

fn initial_value(value: &Value, kind: DataModel, values: &mut Ids) -> Result<Initial, String> {
    let mut initial = Initial::default();
    match (kind.model(), value) {
        (Model::Register, value) => initial.value = values.value(value),
        (Model::Counter, value) => {
            initial.number = counted(value).ok_or(format!("{COUNTED} is expected, not {value}"))?;
        }
        (Model::Set | Model::Append, Value::Array(elements)) => {
            initial.elements = elements.iter().map(|it| values.value(it)).collect();
            if kind == DataModel::Set {
                initial.elements.sort_unstable();
            }
        }
        (Model::Set | Model::Append, _) => return Err(format!("a list is expected, not {value}")),
    }
    Ok(initial)
}

fn invocation(event: &Event, kind: DataModel, values: &mut Ids) -> Result<Invocation, String> {
    let Event { position, f, value, .. } = event;
    let number = |value: &Value| match counted(value) {
        Some(number) => Ok(number),
        None if value.is_null() => Ok(1),
        None => Err(format!("{position}: value: {COUNTED} is expected, not {value}")),
    };
    let f = f.as_str();
    Ok(match (f, kind) {
        ("read", _) => Invocation::Read,
        ("write", DataModel::Register | DataModel::CasRegister) => Invocation::Write(values.value(value)),
        ("delete", DataModel::Register | DataModel::CasRegister) => Invocation::Write(ABSENT),
        (_, DataModel::CasRegister) if CAS.contains(&f) => match value.as_array().map(Vec::as_slice) {
            Some([from, to]) => Invocation::CompareAndSet { expected: values.value(from), value: values.value(to) },
            Some(_) | None => return Err(format!("{position}: value: [from to] is expected, not {value}")),
        },
        ("add", DataModel::Counter) => Invocation::Increment(number(value)?),
        (_, DataModel::Counter) if INCREMENT.contains(&f) => Invocation::Increment(number(value)?),
        (_, DataModel::Counter) if DECREMENT.contains(&f) => Invocation::Increment(-number(value)?),
        ("add", DataModel::Set) => Invocation::Add(values.value(value)),
        ("remove", DataModel::Set) => Invocation::Remove(values.value(value)),
        ("append", DataModel::Append) => Invocation::Append(values.value(value)),
        _ => return Err(format!("{position}: f: {} is expected, not {f}", kind.functions())),
    })
}

fn output(event: &Event, kind: DataModel, values: &mut Ids) -> Result<Output, String> {
    let Event { position, value, .. } = event;
    Ok(match (kind.model(), value) {
        (Model::Register, value) => Output::Value(values.value(value)),
        (Model::Counter, Value::Null) => Output::Number(0),
        (Model::Counter, value) => match counted(value) {
            Some(number) => Output::Number(number),
            None => return Err(format!("{position}: value: {COUNTED} is expected, not {value}")),
        },
        (Model::Set | Model::Append, Value::Null) => Output::Elements(Vec::new()),
        (Model::Set | Model::Append, Value::Array(elements)) => {
            let mut elements: Vec<ValueId> = elements.iter().map(|it| values.value(it)).collect();
            if kind == DataModel::Set {
                elements.sort_unstable();
                elements.dedup();
            }
            Output::Elements(elements)
        }
        (Model::Set | Model::Append, _) => {
            return Err(format!("{position}: value: a list of elements is expected, not {value}"));
        }
    })
}
