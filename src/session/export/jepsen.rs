//! The operations of a run as a history in Jepsen's format.

use super::record_cursor::RecordCursor;
use crate::analysis::history::{HistoryRecorder, RecordedOperation};
use crate::scenario::Value;
use crate::session::run::Run;
use crate::trace::{Names, OperationKind, Outcome};
use serde_json::json;
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
            return self.lines.write(&self.recorder, run.engine().names(), out);
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
}

impl Lines {
    /// Writes a part of the lines. Returns whether it was the last.
    pub fn write(&mut self, recorder: &HistoryRecorder, names: &Names, out: &mut String) -> bool {
        if self.next == 0 {
            self.initial_values(recorder, names, out);
        }
        let before = self.next;
        for (event, operation) in recorder.events_from(before).take(LINES_PER_PART) {
            self.event(event, operation, names, out);
            self.next += 1;
        }
        self.next < before + LINES_PER_PART
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
                Value::Set(elements) => elements.iter().map(|it| ("add", json!(it))).collect(),
                Value::Int(number) if recorder.has_increments(key) => vec![("increment", json!(number))],
                Value::List(elements) => elements.iter().map(|it| ("append", json!(it))).collect(),
                Value::Map(fields) => {
                    fields.iter().map(|(name, value)| ("put", json!({ name.to_string(): value }))).collect()
                }
                Value::Int(_) | Value::Text(_) => vec![("write", json!(value))],
            };
            for (f, value) in parts {
                for kind in ["invoke", "ok"] {
                    let key = names.qualified_key(key);
                    self.line(
                        out,
                        json!({ "type": kind, "f": f, "key": key, "value": value, "process": first, "time": 0 }),
                    );
                }
            }
        }
    }

    fn event(&mut self, event: Option<Outcome>, operation: &RecordedOperation, names: &Names, out: &mut String) {
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
            OperationKind::CompareAndSet => json!([operation.expected, operation.value]),
            OperationKind::Insert if operation.expected.is_some() => json!([operation.expected, operation.value]),
            OperationKind::Put => bare(operation.value.as_ref()),
            OperationKind::Read
            | OperationKind::Write
            | OperationKind::Delete
            | OperationKind::Add
            | OperationKind::Remove
            | OperationKind::Insert
            | OperationKind::RemoveAt
            | OperationKind::Increment => json!(operation.value),
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
        self.line(out, json!({
            "type": kind, "f": f, "key": names.qualified_key(operation.key), "value": value, "process": operation.process,
            "time": us * 1000, "client": names.node(operation.by), "to": names.node(operation.to),
        }));
    }
}

/// A value as plain JSON: lists and maps without their tags.
fn bare(value: Option<&Value>) -> serde_json::Value {
    match value {
        Some(Value::List(elements)) => json!(**elements),
        Some(Value::Map(fields)) => json!(**fields),
        Some(Value::Int(_) | Value::Text(_) | Value::Set(_)) | None => json!(value),
    }
}
