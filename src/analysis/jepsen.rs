//! Histories in Jepsen's shape, read and written: JSON Lines, a JSON array, or EDN.

use crate::edn;
use converge::analysis::history::{ABSENT, Answer, Call, History, Initial, Model, NEVER, Operation, ValueId};
use converge::trace::Outcome;
use serde_json::Value;
use std::collections::BTreeMap;

/// How a history is to be read.
pub struct Reading<'a> {
    /// What its keys hold; guessed if not told.
    pub model: Option<Kind>,
    /// Whether every value is `[key value]`; guessed if not.
    pub keyed: bool,
    /// What every key held at first, as JSON, or a text.
    pub initial: Option<&'a str>,
}

/// The models by the names that people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Reads and writes
    Register,
    /// Reads, writes and compare-and-sets
    CasRegister,
    /// Reads and increments of a number
    Counter,
    /// Adds, removals and reads of a set
    Set,
    /// Appends to and reads of a list
    Append,
}

impl Kind {
    fn model(self) -> Model {
        match self {
            Kind::Register | Kind::CasRegister => Model::Register,
            Kind::Counter => Model::Counter,
            Kind::Set => Model::Set,
            Kind::Append => Model::Append,
        }
    }

    fn takes(self) -> &'static str {
        match self {
            Kind::Register => "read, write or delete",
            Kind::CasRegister => "read, write, cas or delete",
            Kind::Counter => "read, add, increment or decrement",
            Kind::Set => "read, add or remove",
            Kind::Append => "read or append",
        }
    }
}

/// A line of the history.
struct Event {
    place: String,
    kind: String,
    process: String,
    f: String,
    key: Option<String>,
    value: Value,
    time: Option<i64>,
    index: Option<i64>,
}

/// Reads a history; the error says where and what was expected.
pub fn read(text: &str, reading: &Reading) -> Result<(History, Kind), String> {
    let mut events = Vec::new();
    for (place, value) in lines(text)? {
        events.extend(event(place, &value)?);
    }
    if events.is_empty() {
        return Err("no operation is in the history; a line like {\"type\": \"invoke\", \"f\": \"read\", \"value\": null, \"process\": 0} is expected".into());
    }
    put_in_order(&mut events)?;
    if reading.keyed || (events.iter().all(|event| event.key.is_none()) && looks_keyed(&events)) {
        for event in &mut events {
            let Value::Array(pair) = &event.value else {
                if event.value.is_null() && event.kind != "invoke" {
                    continue;
                }
                return Err(format!("{}: value: [key value] is expected, not {}", event.place, event.value));
            };
            let [key, value] = pair.as_slice() else {
                return Err(format!("{}: value: [key value] is expected, not {}", event.place, event.value));
            };
            (event.key, event.value) = (Some(name(key)), value.clone());
        }
    }
    complete(&mut events);
    let mut kinds: BTreeMap<Option<String>, Kind> = BTreeMap::new();
    let mut of_key: BTreeMap<&Option<String>, Vec<&Event>> = BTreeMap::new();
    for event in &events {
        of_key.entry(&event.key).or_default().push(event);
    }
    for (key, events) in of_key {
        kinds.insert(key.clone(), reading.model.map_or_else(|| guess(&events), Ok)?);
    }
    let first = kinds.values().next().copied().unwrap_or(Kind::Register);
    build(&events, &kinds, reading.initial).map(|history| (history, first))
}

/// The values of the text, each with its place in words.
fn lines(text: &str) -> Result<Vec<(String, Value)>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut marks = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let first = marks.next();
    let rest = marks.find(|byte| !b"[{(".contains(byte));
    match (first, rest) {
        (None, _) => Err("the history is empty".into()),
        (Some(b'['), Some(b'"' | b']')) => {
            let all: Vec<Value> =
                serde_json::from_str(text).map_err(|error| format!("line {}: {}", error.line(), plain(&error)))?;
            Ok(all.into_iter().enumerate().map(|(i, value)| (format!("element {i}"), value)).collect())
        }
        (Some(b'{'), Some(b'"' | b'}')) => objects(text),
        (Some(b'{' | b'[' | b'(' | b'#' | b';'), _) => {
            let forms = edn::forms(text).map_err(|error| format!("line {}: {}", error.line, error.what))?;
            Ok(forms.into_iter().map(|(line, value)| (format!("line {line}"), value)).collect())
        }
        (Some(_), _) => {
            Err("line 1: a history as JSON Lines, a JSON array or EDN is expected, which begins with { or [".into())
        }
    }
}

/// JSON objects one after the other, mostly one a line.
fn objects(text: &str) -> Result<Vec<(String, Value)>, String> {
    let mut all = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let (mut found, mut line, mut read) = (Vec::new(), 1, 0);
    loop {
        let rest = &text[all.byte_offset()..];
        let start = text.len() - rest.trim_start().len();
        line += text[read..start].matches('\n').count();
        read = start;
        match all.next() {
            None => return Ok(found),
            Some(Ok(value)) => found.push((format!("line {line}"), value)),
            Some(Err(error)) => {
                let (at, column) = (error.line().max(line), error.column());
                let what = plain(&error);
                return Err(format!("line {at}, column {column}: a JSON object is expected: {what}"));
            }
        }
    }
}

/// serde_json's words without its place, which is that within the line.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_string()
}

/// What a line says; none for what is no client's.
fn event(place: String, value: &Value) -> Result<Option<Event>, String> {
    let Value::Object(fields) = value else {
        return Err(format!("{place}: an operation is expected, a map with type, f, value and process, not {value}"));
    };
    let word = |name: &str| -> Result<String, String> {
        match fields.get(name) {
            Some(Value::String(text)) => Ok(text.trim_start_matches(':').to_string()),
            Some(Value::Number(number)) if name == "process" => Ok(number.to_string()),
            Some(other) => Err(format!("{place}: {name}: a word is expected, not {other}")),
            None => Err(format!("{place}: {name} is missing")),
        }
    };
    let process = word("process")?;
    if process == "nemesis" {
        return Ok(None);
    }
    let kind = word("type")?;
    if !["invoke", "ok", "fail", "info"].contains(&kind.as_str()) {
        return Err(format!("{place}: type: invoke, ok, fail or info is expected, not {kind}"));
    }
    let number = |name: &str| -> Result<Option<i64>, String> {
        match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => Ok(number.as_i64().or_else(|| number.as_f64().map(|n| n as i64))),
            Some(other) => Err(format!("{place}: {name}: a number is expected, not {other}")),
        }
    };
    let (time, index) = (number("time")?, number("index")?);
    let key = fields.get("key").filter(|key| !key.is_null()).map(name);
    // An end need not say again what it ends.
    let f = if kind != "invoke" && !fields.contains_key("f") { String::new() } else { word("f")? };
    let value = fields.get("value").cloned().unwrap_or(Value::Null);
    let mut event = Event { place, kind, process, f, key, value, time, index };
    if event.f == "txn" {
        single(&mut event)?;
    }
    Ok(Some(event))
}

/// A transaction of one operation, `[[f key value]]`, is that operation.
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
            "{}: value: a transaction of one operation, [[f key value]], is expected, not {}; those of several are not checked",
            event.place, event.value
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

/// A key in words.
fn name(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_string)
}

/// Gives an end that does not say what it ends, or of which key, what its invocation said.
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

/// By their index where every one has it; else as they stand.
fn put_in_order(events: &mut [Event]) -> Result<(), String> {
    if !events.iter().all(|event| event.index.is_some()) {
        return Ok(());
    }
    events.sort_by_key(|event| event.index);
    match events.windows(2).find(|pair| pair[0].index == pair[1].index) {
        None => Ok(()),
        Some(pair) => Err(format!(
            "{}: index: each operation's own is expected, but {} has {} too",
            pair[1].place,
            pair[0].place,
            pair[0].index.unwrap_or_default()
        )),
    }
}

/// Whether every value is a pair, those of reads with nothing yet in it.
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

fn guess(events: &[&Event]) -> Result<Kind, String> {
    let has = |names: &[&str]| events.iter().any(|event| names.contains(&event.f.as_str()));
    let read = events.iter().find(|event| event.f == "read" && event.kind == "ok" && !event.value.is_null());
    let lists = read.is_some_and(|event| event.value.is_array());
    if has(CAS) {
        return Ok(Kind::CasRegister);
    }
    if has(&["write", "delete"]) {
        return Ok(Kind::Register);
    }
    if has(&["append"]) {
        return Ok(Kind::Append);
    }
    if has(INCREMENT) || has(DECREMENT) {
        return Ok(Kind::Counter);
    }
    if has(&["remove"]) || (has(&["add"]) && (lists || read.is_none())) {
        return Ok(Kind::Set);
    }
    if has(&["add"]) {
        return Ok(Kind::Counter);
    }
    match events.iter().find(|event| event.f != "read") {
        None if lists => Ok(Kind::Set),
        None => Ok(Kind::Register),
        Some(event) => Err(format!(
            "{}: f: read, write, cas, delete, add, remove, append, increment or decrement is expected, not {}",
            event.place, event.f
        )),
    }
}

const CAS: &[&str] = &["cas", "compare-and-set", "compare_and_set"];
const INCREMENT: &[&str] = &["increment", "inc", "incr"];
const DECREMENT: &[&str] = &["decrement", "dec", "decr"];

/// The ids of what people wrote, given out in order of first mention.
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

fn build(events: &[Event], kinds: &BTreeMap<Option<String>, Kind>, initial: Option<&str>) -> Result<History, String> {
    let (mut keys, mut processes, mut values) = (Ids::default(), Ids::default(), Ids::default());
    values.id("nothing");
    let mut operations: Vec<Operation> = Vec::new();
    // For each process its operation, and the event that began it; and those that never return.
    let mut open: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    let mut gone: BTreeMap<u32, usize> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        let process = processes.id(&event.process);
        let place = &event.place;
        if event.kind == "invoke" {
            let kind = kinds.get(&event.key).copied().unwrap_or(Kind::Register);
            if let Some((_, began)) = open.get(&process) {
                let began = &events[*began].place;
                return Err(format!(
                    "{place}: process {} invokes while its operation of {began} has not ended",
                    event.process
                ));
            }
            if let Some(info) = gone.get(&process) {
                let info = &events[*info].place;
                return Err(format!(
                    "{place}: process {} invokes again, but it ended with info in {info}: a process whose operation is unknown never returns",
                    event.process
                ));
            }
            let key = keys.id(event.key.as_deref().unwrap_or(""));
            let call = call(event, kind, &mut values)?;
            open.insert(process, (operations.len(), at));
            operations.push(Operation {
                index: event.index.map_or(at as u64, |index| index as u64),
                process,
                key,
                call,
                answer: Answer::Nothing,
                outcome: Outcome::Unknown,
                invoked: at as u32,
                ended: NEVER,
                times: event.time.map(|ns| (ns / 1000, i64::MAX)),
                rank: 0,
            });
            continue;
        }
        let Some((number, began)) = open.remove(&process) else {
            return Err(format!(
                "{place}: process {} ends an operation ({}) that it has not invoked",
                event.process, event.kind
            ));
        };
        let began = &events[began];
        let kind = kinds.get(&began.key).copied().unwrap_or(Kind::Register);
        if began.f != event.f && !event.f.is_empty() {
            return Err(format!("{place}: f: {} is expected, as in {}, not {}", began.f, began.place, event.f));
        }
        let operation = &mut operations[number];
        if let (Some(times), Some(ns)) = (&mut operation.times, event.time) {
            times.1 = ns / 1000;
        }
        match event.kind.as_str() {
            "ok" => {
                (operation.outcome, operation.ended) = (Outcome::Ok, at as u32);
                if operation.call == Call::Read {
                    operation.answer = answer(event, kind, &mut values)?;
                }
            }
            "fail" => (operation.outcome, operation.ended) = (Outcome::Fail, at as u32),
            _ => {
                gone.insert(process, at);
            }
        }
    }
    if operations.iter().any(|it| it.outcome == Outcome::Ok && it.times.is_none_or(|times| times.1 == i64::MAX)) {
        operations.iter_mut().for_each(|operation| operation.times = None);
    }
    let mut history = History { operations, keys: keys.names.clone(), ..History::default() };
    if let Some(text) = initial {
        let value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.into()));
        for (key, kind) in kinds {
            let first = first(&value, *kind, &mut values)?;
            history.initial.insert(keys.ids[key.as_deref().unwrap_or("")], first);
        }
    }
    history.values = values.names;
    history.processes = processes.names.iter().map(|name| format!("process {name}")).collect();
    Ok(history)
}

fn first(value: &Value, kind: Kind, values: &mut Ids) -> Result<Initial, String> {
    let mut initial = Initial::default();
    match (kind.model(), value) {
        (Model::Register, value) => initial.value = values.value(value),
        (Model::Counter, Value::Number(number)) if number.is_i64() => initial.number = number.as_i64().unwrap_or(0),
        (Model::Counter, _) => return Err(format!("--initial: a whole number is expected, not {value}")),
        (Model::Set | Model::Append, Value::Array(elements)) => {
            initial.elements = elements.iter().map(|it| values.value(it)).collect();
            if kind == Kind::Set {
                initial.elements.sort_unstable();
            }
        }
        (Model::Set | Model::Append, _) => return Err(format!("--initial: a list is expected, not {value}")),
    }
    Ok(initial)
}

fn call(event: &Event, kind: Kind, values: &mut Ids) -> Result<Call, String> {
    let Event { place, f, value, .. } = event;
    let number = |value: &Value| match value.as_i64() {
        Some(number) => Ok(number),
        None if value.is_null() => Ok(1),
        None => Err(format!("{place}: value: a whole number is expected, not {value}")),
    };
    let f = f.as_str();
    Ok(match (f, kind) {
        ("read", _) => Call::Read,
        ("write", Kind::Register | Kind::CasRegister) => Call::Write(values.value(value)),
        ("delete", Kind::Register | Kind::CasRegister) => Call::Write(ABSENT),
        (_, Kind::CasRegister) if CAS.contains(&f) => match value.as_array().map(Vec::as_slice) {
            Some([from, to]) => Call::CompareAndSet { expected: values.value(from), value: values.value(to) },
            Some(_) | None => return Err(format!("{place}: value: [from to] is expected, not {value}")),
        },
        ("add", Kind::Counter) => Call::Increment(number(value)?),
        (_, Kind::Counter) if INCREMENT.contains(&f) => Call::Increment(number(value)?),
        (_, Kind::Counter) if DECREMENT.contains(&f) => Call::Increment(-number(value)?),
        ("add", Kind::Set) => Call::Add(values.value(value)),
        ("remove", Kind::Set) => Call::Remove(values.value(value)),
        ("append", Kind::Append) => Call::Append(values.value(value)),
        _ => return Err(format!("{place}: f: {} is expected, not {f}", kind.takes())),
    })
}

fn answer(event: &Event, kind: Kind, values: &mut Ids) -> Result<Answer, String> {
    let Event { place, value, .. } = event;
    Ok(match (kind.model(), value) {
        (Model::Register, value) => Answer::Value(values.value(value)),
        (Model::Counter, Value::Null) => Answer::Number(0),
        (Model::Counter, value) => match value.as_i64() {
            Some(number) => Answer::Number(number),
            None => return Err(format!("{place}: value: a whole number is expected, not {value}")),
        },
        (Model::Set | Model::Append, Value::Null) => Answer::Elements(Vec::new()),
        (Model::Set | Model::Append, Value::Array(elements)) => {
            let mut elements: Vec<ValueId> = elements.iter().map(|it| values.value(it)).collect();
            if kind == Kind::Set {
                elements.sort_unstable();
                elements.dedup();
            }
            Answer::Elements(elements)
        }
        (Model::Set | Model::Append, _) => {
            return Err(format!("{place}: value: a list of elements is expected, not {value}"));
        }
    })
}
