//! The events of a history: invocations and completions.

use super::numbers::is_exact;
use serde_json::Value;
use std::collections::BTreeMap;

/// An invocation or completion in the history.
pub(super) struct Event {
    pub(super) position: String,
    pub(super) kind: String,
    pub(super) process: String,
    pub(super) f: String,
    pub(super) key: Option<String>,
    pub(super) value: Value,
    pub(super) time: Option<i64>,
    pub(super) index: Option<i64>,
    /// Whether it sets the initial value of its key, before all operations.
    pub(super) is_initial: bool,
    /// The places of the change, or of the change that a read returned, in the order of the key's versions; 0 is that of the initial
    /// value.
    pub(super) versions: Vec<u32>,
    /// Whether its key keeps siblings.
    pub(super) has_siblings: bool,
    /// Whether the servers lost the change.
    pub(super) is_lost: Option<bool>,
    /// Whether the servers lost the change because its group rolled it back.
    pub(super) is_rolled_back: Option<bool>,
    /// Whether the change is a deletion whose older value came back.
    pub(super) is_resurrected: Option<bool>,
    /// Whether the servers lost the change with the disk of its last copy.
    pub(super) is_disk_lost: bool,
}

impl Event {
    /// Returns the name of the key. An operation without a key concerns the key with the empty name.
    pub(super) fn key_name(&self) -> &str {
        self.key.as_deref().unwrap_or("")
    }
}

/// Returns the error of an event whose value is not a pair.
pub(super) fn not_keyed(event: &Event) -> String {
    format!("{}: value: [key value] is expected, not {}", event.position, event.value)
}

/// Parses an invocation or completion. Returns `None` for events of the nemesis.
pub(super) fn event(position: String, value: &Value) -> Result<Option<Event>, String> {
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
    let flag = |name: &str| -> Result<Option<bool>, String> {
        match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(format!("{position}: {name}: true or false is expected, not {other}")),
        }
    };
    let versions = fields.get("version").map_or(Ok(Vec::new()), |version| versions(&position, &kind, version))?;
    let is_initial = flag("initial")? == Some(true);
    let (has_siblings, is_lost) = (flag("siblings")? == Some(true), flag("lost")?);
    let (is_rolled_back, is_resurrected) = (flag("rolled_back")?, flag("resurrected")?);
    let is_disk_lost = flag("disk_lost")? == Some(true);
    let mut event = Event {
        position,
        kind,
        process,
        f,
        key,
        value,
        time,
        index,
        is_initial,
        versions,
        has_siblings,
        is_lost,
        is_rolled_back,
        is_resurrected,
        is_disk_lost,
    };
    if event.f == "txn" {
        single(&mut event)?;
    }
    Ok(Some(event))
}

/// Parses the version of a change, or of the change that a read returned: a place, or several of a change that was executed more
/// than once.
fn versions(position: &str, kind: &str, version: &Value) -> Result<Vec<u32>, String> {
    let least = if kind == "invoke" { 1 } else { 0 };
    let place =
        |place: &Value| place.as_u64().and_then(|place| u32::try_from(place).ok()).filter(|place| *place >= least);
    let places = match version {
        Value::Array(places) if !places.is_empty() => places.iter().map(place).collect(),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            place(version).map(|place| vec![place])
        }
    };
    places.ok_or_else(|| {
        format!(
            "{position}: version: a whole number from {least} to {}, or a list of them, is expected, not {version}",
            u32::MAX
        )
    })
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
pub(super) fn name(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_string)
}

/// Copies function and key from an invocation to a completion that omits them.
pub(super) fn complete(events: &mut [Event]) {
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
pub(super) fn put_in_order(events: &mut [Event]) -> Result<(), String> {
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

/// Returns whether the value of every invocation is a pair, and that of a read has no value for its key.
pub(super) fn looks_keyed(events: &[Event]) -> bool {
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
