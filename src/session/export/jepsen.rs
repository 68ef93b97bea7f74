//! The operations of a run as a history in Jepsen's format, with fields for what clients do not observe: `initial`, `version`,
//! `siblings`, `lost`, `rolled_back` and `resurrected`.

use super::record_cursor::RecordCursor;
use crate::analysis::history::{History, HistoryRecorder, Loss, LossCounts, Output, Rank, RecordedOperation, ValueId};
use crate::scenario::Value;
use crate::session::run::Run;
use crate::trace::{Names, OperationKind, Outcome};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Reads the log, and then writes the history.
#[derive(Debug)]
pub(super) struct JepsenWriter {
    cursor: RecordCursor,
    recorder: HistoryRecorder,
    lines: Lines,
}

impl JepsenWriter {
    pub fn new(run: &Run) -> Self {
        let cursor = RecordCursor::new(run.engine().trace());
        JepsenWriter { cursor, recorder: HistoryRecorder::default(), lines: Lines::default() }
    }

    /// Does a part of the work. Returns whether it was the last.
    pub fn write(&mut self, run: &Run, out: &mut String) -> bool {
        if self.cursor.is_at_end() {
            return self.lines.write(&self.recorder, run, out);
        }
        let records = self.cursor.next_part(run.engine().trace());
        records.for_each(|record| self.recorder.observe(record));
        false
    }
}

/// Number of lines that one part of the work writes.
const LINES_PER_PART: usize = 256;

/// Writes the lines of a history.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The next event.
    next: usize,
    /// Number of the lines so far.
    index: u64,
    /// What clients do not observe.
    servers: ServerSide,
}

/// What the servers of a run know of its operations.
#[derive(Debug, Default)]
struct ServerSide {
    history: History,
    /// The place of the only write of each value of a register in the order of versions, by key and value; 0 for the initial value.
    /// None if several changes wrote the value.
    places: BTreeMap<(u32, ValueId), Option<u32>>,
    /// The keys that operations write as a whole.
    written: BTreeSet<u32>,
}

impl ServerSide {
    fn of(recorder: &HistoryRecorder, run: &Run) -> Self {
        let names = run.engine().names();
        let history = recorder.history(|key| names.qualified_key(key), |_, _| String::new());
        let history = History { lost: recorder.lost_changes(run.analysis(), names), ..history };
        let ranked = history.operations.iter().filter(|operation| operation.rank.is_known());
        let initial = |key: u32| ((key, history.initial_of(key).value), Some(0));
        let mut places: BTreeMap<(u32, ValueId), Option<u32>> =
            ranked.clone().map(|operation| initial(operation.key)).collect();
        for operation in ranked {
            let Some(value) = operation.invocation.leaves() else { continue };
            let place = places.entry((operation.key, value));
            place.and_modify(|place| *place = None).or_insert(Some(operation.rank.first));
        }
        let written = history
            .operations
            .iter()
            .filter(|operation| operation.invocation.leaves().is_some())
            .map(|operation| operation.key)
            .collect();
        ServerSide { history, places, written }
    }

    /// Adds the fields of an event. A change has its version at its invocation, since it may not end.
    fn annotate(&self, line: &mut serde_json::Value, event: Option<Outcome>, place: usize) {
        let operation = &self.history.operations[place];
        match (event, &operation.output) {
            (None, _) if operation.rank.is_known() => {
                let Rank { first, last } = operation.rank;
                line["version"] = if operation.rank.is_repeated() { json!([first, last]) } else { json!(first) };
            }
            (Some(Outcome::Ok), Output::Value(value)) => {
                if let Some(Some(place)) = self.places.get(&(operation.key, *value)) {
                    line["version"] = json!(place);
                }
                if self.history.siblings.contains(&operation.key) {
                    line["siblings"] = json!(true);
                }
            }
            (Some(Outcome::Ok), Output::Nothing) if operation.acknowledged() => {
                if let Some(lost) = &self.history.lost {
                    let found = lost.operations.binary_search_by_key(&place, |(lost, _)| *lost);
                    line["lost"] = json!(found.is_ok());
                    if let Ok(at) = found {
                        let (_, loss) = lost.operations[at];
                        line["rolled_back"] = json!(loss == Loss::RolledBack);
                        for (name, cause) in [("resurrected", Loss::Resurrected), ("disk_lost", Loss::DiskLost)] {
                            if loss == cause {
                                line[name] = json!(true);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

impl Lines {
    /// Writes a part of the lines. Returns whether it was the last.
    pub fn write(&mut self, recorder: &HistoryRecorder, run: &Run, out: &mut String) -> bool {
        let names = run.engine().names();
        if self.next == 0 {
            self.servers = ServerSide::of(recorder, run);
            self.initial_values(recorder, names, out);
        }
        let before = self.next;
        for (event, place, operation) in recorder.events_from(before).take(LINES_PER_PART) {
            let mut line = event_line(event, operation, names);
            self.servers.annotate(&mut line, event, place);
            self.line(out, line);
            self.next += 1;
        }
        let is_last = self.next < before + LINES_PER_PART;
        if is_last {
            self.unmade_losses(run, out);
        }
        is_last
    }

    /// Writes the numbers of lost changes that belong to no operation, such as those of a request that was delivered twice.
    fn unmade_losses(&mut self, run: &Run, out: &mut String) {
        let Some(lost) = &self.servers.history.lost else { return };
        let is_made = |place: usize| self.servers.history.operations[place].acknowledged();
        let made = lost.operations.iter().filter(|(place, _)| is_made(*place)).map(|(_, loss)| *loss);
        let unmade = lost.counts.without(&made.collect());
        let LossCounts { overwritten, rolled_back, resurrected, disk_lost } = unmade;
        if unmade.count() + lost.hidden > 0 {
            let mut value = json!({ "overwritten": overwritten, "rolled_back": rolled_back });
            for (name, number) in [("resurrected", resurrected), ("disk_lost", disk_lost), ("hidden", lost.hidden)] {
                if number > 0 {
                    value[name] = json!(number);
                }
            }
            let time = run.engine().now() * 1000;
            self.line(out, json!({ "type": "info", "f": "lost", "process": "nemesis", "value": value, "time": time }));
        }
    }

    fn line(&mut self, out: &mut String, mut event: serde_json::Value) {
        event["index"] = json!(self.index);
        self.index += 1;
        let _ = writeln!(out, "{event}");
    }

    fn initial_values(&mut self, recorder: &HistoryRecorder, names: &Names, out: &mut String) {
        let first = recorder.processes().len();
        for (key, value) in recorder.initial_values() {
            let parts: Vec<(&str, serde_json::Value)> = match value {
                _ if self.servers.written.contains(&key.0) => vec![("write", bare(Some(value)))],
                Value::Set(elements) => elements.iter().map(|element| ("add", json!(element))).collect(),
                Value::Int(number) if recorder.has_increments(key) => vec![("increment", json!(number))],
                Value::List(elements) => elements.iter().map(|element| ("append", json!(element))).collect(),
                Value::Map(fields) if self.servers.history.unsupported.contains(&key.0) => {
                    fields.iter().map(|(name, value)| ("put", json!({ name.to_string(): value }))).collect()
                }
                Value::Map(_) | Value::Int(_) | Value::Text(_) => vec![("write", bare(Some(value)))],
            };
            for (f, value) in parts {
                for kind in ["invoke", "ok"] {
                    let key = names.qualified_key(key);
                    self.line(out, json!({
                        "type": kind, "f": f, "key": key, "value": value, "process": first, "time": 0, "initial": true,
                    }));
                }
            }
        }
    }
}

/// Returns the line of an invocation (none) or an end.
fn event_line(event: Option<Outcome>, operation: &RecordedOperation, names: &Names) -> serde_json::Value {
    let f = match operation.kind {
        OperationKind::Read => "read",
        OperationKind::Write => "write",
        OperationKind::Delete => "delete",
        OperationKind::Add => "add",
        OperationKind::Remove => "remove",
        OperationKind::Increment => "increment",
        OperationKind::CompareAndSet => "cas",
        OperationKind::Put => "put",
        OperationKind::Insert if operation.expected.is_none() => "append",
        OperationKind::Insert => "insert",
        OperationKind::RemoveAt => "remove-at",
    };
    let requested = match operation.kind {
        OperationKind::CompareAndSet => json!([bare(operation.expected.as_ref()), bare(operation.value.as_ref())]),
        OperationKind::Insert if operation.expected.is_some() => {
            json!([bare(operation.expected.as_ref()), bare(operation.value.as_ref())])
        }
        OperationKind::Put
        | OperationKind::Read
        | OperationKind::Write
        | OperationKind::Delete
        | OperationKind::Add
        | OperationKind::Remove
        | OperationKind::Insert
        | OperationKind::RemoveAt
        | OperationKind::Increment => bare(operation.value.as_ref()),
    };
    let (kind, value, us) = match event {
        None => ("invoke", requested, operation.times.0),
        Some(Outcome::Ok) if operation.kind == OperationKind::Read => {
            ("ok", bare(operation.served.as_ref()), operation.times.1)
        }
        Some(Outcome::Ok) => ("ok", requested, operation.times.1),
        Some(Outcome::Fail) => ("fail", requested, operation.times.1),
        Some(Outcome::Unknown) => ("info", requested, operation.times.1),
    };
    json!({
        "type": kind, "f": f, "key": names.qualified_key(operation.key), "value": value, "process": operation.process,
        "time": us * 1000, "client": names.node(operation.by), "to": names.node(operation.to),
    })
}

/// A value as plain JSON: lists and maps without their tags.
fn bare(value: Option<&Value>) -> serde_json::Value {
    match value {
        Some(Value::List(elements)) => json!(**elements),
        Some(Value::Map(fields)) => json!(**fields),
        Some(Value::Int(_) | Value::Text(_) | Value::Set(_)) | None => json!(value),
    }
}
