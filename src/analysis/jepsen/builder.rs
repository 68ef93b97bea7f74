//! Builds the operations of a history from its events.

use super::data_model::{CAS, DECREMENT, DataModel, INCREMENT, function, unknown_function};
use super::events::Event;
use super::numbers::{COUNTED, MAX_NUMBER, counted};
use super::server_side::siblings;
use crate::analysis::history::{ABSENT, History, Initial, Invocation, Model, NEVER, Operation, Output, Rank, ValueId};
use crate::scenario::json::nested_too_deeply;
use crate::trace::Outcome;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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

    /// Adds a value that differs from all others, also from those with the same text.
    fn distinct(&mut self, text: String) -> ValueId {
        self.names.push(text);
        self.names.len() as ValueId - 1
    }
}

/// Builds the operations of a history from its events.
struct Builder<'a> {
    events: &'a [Event],
    models: &'a BTreeMap<&'a str, DataModel>,
    /// The keys that no model covers.
    unsupported: &'a BTreeSet<&'a str>,
    keys: Ids,
    processes: Ids,
    values: Ids,
    operations: Vec<Operation>,
    /// The operation that each process has in progress, and its invocation.
    in_progress: BTreeMap<u32, (usize, usize)>,
    /// The completion of the last operation of each process whose last operation is unknown.
    ended_unknown: BTreeMap<u32, usize>,
    /// The sum of the increments of each key, each without its sign.
    added: BTreeMap<u32, u64>,
    /// The keys of registers whose changes have versions.
    versioned: BTreeSet<&'a str>,
    /// The value of each version of a key, and the invocation that wrote it.
    versions: BTreeMap<(u32, u32), (ValueId, usize)>,
    /// The initial values that the history states, by key.
    initial: BTreeMap<u32, Initial>,
}

impl Builder<'_> {
    fn model_of(&self, event: &Event) -> DataModel {
        self.models.get(event.key_name()).copied().unwrap_or(DataModel::Register)
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
        let key = self.keys.id(event.key_name());
        let mut rank = Rank::default();
        let mut invocation = match self.unsupported.contains(event.key_name()) {
            true => unsupported_invocation(event, &mut self.values)?,
            false => invocation(event, self.model_of(event), &mut self.values)?,
        };
        if let (Invocation::Write(value), true) = (invocation, self.versioned.contains(event.key_name())) {
            // The version identifies the write, so that values may repeat.
            let distinct = self.values.distinct(self.values.names[value as usize].clone());
            for version in &event.versions {
                if let Some((_, other)) = self.versions.insert((key, *version), (distinct, at)) {
                    let other = &self.events[other].position;
                    return Err(format!(
                        "{position}: version: no other write of the key has {version}, but {other} has it too"
                    ));
                }
            }
            (invocation, rank) = (Invocation::Write(distinct), Rank::of(&event.versions));
        }
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
            function: function(&event.f).unwrap_or_else(|| invocation.function()),
            invocation,
            output: Output::Nothing,
            outcome: Outcome::Unknown,
            invoked: at as u32,
            ended: NEVER,
            times: event.time.map(|ns| (ns / 1000, i64::MAX)),
            rank,
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
                } else if !event.value.is_null() && !invocation.value.is_null() && event.value != invocation.value {
                    let (begun, started) = (&invocation.value, &invocation.position);
                    return Err(format!(
                        "{position}: value: {begun} is expected, as in {started}, not {}",
                        event.value
                    ));
                }
            }
            "fail" => (operation.outcome, operation.ended) = (Outcome::Fail, at as u32),
            _ => {
                self.ended_unknown.insert(process, at);
            }
        }
        Ok(())
    }

    /// Adds to the initial value of a key.
    fn initialize(&mut self, event: &Event) -> Result<(), String> {
        let key = self.keys.id(event.key_name());
        if self.unsupported.contains(event.key_name()) {
            return unsupported_invocation(event, &mut self.values).map(|_| ());
        }
        let initial = self.initial.entry(key).or_default();
        match invocation(event, self.models[event.key_name()], &mut self.values)? {
            Invocation::Write(value) => initial.value = value,
            Invocation::Increment(by) => initial.number = by,
            Invocation::Add(value) => {
                initial.elements.push(value);
                initial.elements.sort_unstable();
            }
            Invocation::Append(value) => initial.elements.push(value),
            Invocation::Read | Invocation::CompareAndSet { .. } | Invocation::Remove(_) => {
                let (position, f) = (&event.position, &event.f);
                return Err(format!("{position}: f: an initial value is a write, add, increment or append, not {f}"));
            }
        }
        Ok(())
    }

    /// Lets each read of a key with versions return the write that its version identifies. If no version does, the read may have
    /// returned any write of its value, so these writes share the value.
    fn identify_reads(&mut self) {
        let mut shared: BTreeMap<(u32, &str), ValueId> = BTreeMap::new();
        for operation in self.operations.iter_mut().filter(|operation| operation.outcome == Outcome::Ok) {
            let event = &self.events[operation.ended as usize];
            let Output::Value(value) = &mut operation.output else { continue };
            let text = self.values.names[*value as usize].as_str();
            let writes = event.versions.iter().filter_map(|version| self.versions.get(&(operation.key, *version)));
            match writes.map(|(written, _)| *written).find(|written| self.values.names[*written as usize] == text) {
                Some(written) => *value = written,
                None if event.versions.contains(&0) => {}
                None => _ = shared.insert((operation.key, text), *value),
            }
        }
        for operation in self.operations.iter_mut() {
            let text = |value: &ValueId| (operation.key, self.values.names[*value as usize].as_str());
            if let Invocation::Write(value) = &mut operation.invocation {
                *value = shared.get(&text(value)).copied().unwrap_or(*value);
            } else if let Output::Value(value) = &mut operation.output {
                *value = shared.get(&text(value)).copied().unwrap_or(*value);
            }
        }
    }

    fn finish(mut self, initial: Option<&str>) -> Result<History, ReadError> {
        let is_timed = |operation: &Operation| operation.times.is_some_and(|times| times.1 != i64::MAX);
        if self.operations.iter().any(|operation| operation.outcome == Outcome::Ok && !is_timed(operation)) {
            self.operations.iter_mut().for_each(|operation| operation.times = None);
        }
        self.identify_reads();
        let first = self.operations.first().map(|operation| operation.key);
        let has_several_keys = self.operations.iter().any(|operation| Some(operation.key) != first);
        let (operations, keys) = (self.operations, self.keys.names.clone());
        let mut history = History { operations, keys, has_several_keys, ..History::default() };
        if let Some(text) = initial {
            let value = parsed_initial(text).map_err(ReadError::Initial)?;
            for (&key, model) in self.models {
                let initial = initial_value(&value, *model, &mut self.values).map_err(ReadError::Initial)?;
                history.initial.insert(self.keys.ids[key], initial);
            }
        }
        history.initial.append(&mut self.initial);
        history.siblings = siblings(self.events, self.models).into_iter().map(|key| self.keys.ids[key]).collect();
        history.unsupported = self.unsupported.iter().map(|key| self.keys.ids[*key]).collect();
        history.values = self.values.names;
        history.processes = self.processes.names.iter().map(|name| format!("process {name}")).collect();
        Ok(history)
    }
}

/// Builds a history of events in order. `models` contains the data model of each key, `unsupported` the keys that none covers.
///
/// # Errors
/// An operation or the initial value does not fit.
pub(super) fn build(
    events: &[Event],
    models: &BTreeMap<&str, DataModel>,
    unsupported: &BTreeSet<&str>,
    initial: Option<&str>,
) -> Result<History, ReadError> {
    let mut builder = Builder {
        events,
        models,
        unsupported,
        keys: Ids::default(),
        processes: Ids::default(),
        values: Ids::default(),
        operations: Vec::new(),
        in_progress: BTreeMap::new(),
        ended_unknown: BTreeMap::new(),
        added: BTreeMap::new(),
        versioned: events
            .iter()
            .filter(|event| event.kind == "invoke" && event.f != "read" && !event.versions.is_empty())
            .map(Event::key_name)
            .filter(|key| models.get(key) == Some(&DataModel::Register))
            .collect(),
        versions: BTreeMap::new(),
        initial: BTreeMap::new(),
    };
    // The id of an absent value is 0.
    builder.values.id("nothing");
    for (at, event) in events.iter().enumerate() {
        match (event.is_initial, event.kind == "invoke") {
            (true, true) => builder.initialize(event)?,
            (true, false) => {}
            (false, true) => builder.invoke(at)?,
            (false, false) => builder.complete(at)?,
        }
    }
    builder.finish(initial)
}

/// Parses the initial value: JSON, or a text that cannot be meant as JSON.
fn parsed_initial(text: &str) -> Result<Value, String> {
    let quoted = || Value::String(text.into());
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        // Infinite, not a number, or written otherwise than in JSON.
        Err(_) if text.trim().parse::<f64>().is_ok() => {
            Err(format!("a finite number as in JSON is expected, not {text}; write {} for the text", quoted()))
        }
        Err(error) if text.trim_start().starts_with(['[', '{', '"']) => {
            if let Some(problem) = nested_too_deeply(&error) {
                return Err(format!("line {}, column {}: {problem}", error.line(), error.column()));
            }
            Err(format!("a value as JSON is expected, not {text} ({error})"))
        }
        Err(_) => Ok(quoted()),
    }
}

fn initial_value(value: &Value, kind: DataModel, values: &mut Ids) -> Result<Initial, String> {
    let mut initial = Initial::default();
    match (kind.model(), value) {
        (Model::Register, value) => initial.value = values.value(value),
        (Model::Counter, value) => {
            initial.number = counted(value).ok_or(format!("{COUNTED} is expected, not {value}"))?;
        }
        (Model::Set | Model::Append, Value::Array(elements)) => {
            initial.elements = elements.iter().map(|element| values.value(element)).collect();
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

/// Returns the invocation of an operation on a key that no model covers. Its kind matters to no verdict.
fn unsupported_invocation(event: &Event, values: &mut Ids) -> Result<Invocation, String> {
    match event.f.as_str() {
        "read" => Ok(Invocation::Read),
        f if function(f).is_some() => Ok(Invocation::Write(values.value(&event.value))),
        _ => Err(unknown_function(event)),
    }
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
            let mut elements: Vec<ValueId> = elements.iter().map(|element| values.value(element)).collect();
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
