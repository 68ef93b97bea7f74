//! Reads histories in Jepsen's format: JSON Lines, a JSON array, or EDN.

mod builder;
mod data_model;
mod edn;
mod events;
mod lines;
mod numbers;
mod server_side;

pub use builder::ReadError;
pub use data_model::DataModel;

use super::history::{History, WrittenOperation};
use data_model::{infer_model, is_unsupported, model_of_reads};
use events::{Event, complete, event, looks_keyed, name, not_keyed, put_in_order};
use lines::lines;
use serde_json::Value;
use server_side::{UnmadeLosses, lost_changes};
use std::collections::{BTreeMap, BTreeSet};

/// How to read a history.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions<'a> {
    /// The data model of the keys; inferred from the operations if absent.
    pub model: Option<DataModel>,
    /// Whether every value is `[key value]`; inferred if false.
    pub keyed: bool,
    /// The initial value of every key, as JSON; text that is not JSON is a string.
    pub initial: Option<&'a str>,
}

/// Reads a history, and infers the data model of its keys.
///
/// # Errors
/// The history or the initial value is malformed.
pub fn read(text: &str, options: &ReadOptions) -> Result<(History, DataModel), ReadError> {
    let mut events = Vec::new();
    let mut unmade = UnmadeLosses::default();
    for (position, value) in lines(text)? {
        unmade.observe(&position, &value)?;
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
    let mut models: BTreeMap<&str, DataModel> = BTreeMap::new();
    let mut by_key: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in &events {
        by_key.entry(event.key_name()).or_default().push(event);
    }
    let (mut unsupported, mut only_read) = (BTreeSet::new(), Vec::new());
    for (key, events) in by_key {
        if options.model.is_none() && is_unsupported(&events) {
            unsupported.insert(key);
            models.insert(key, DataModel::Register);
            continue;
        }
        match options.model.map_or_else(|| infer_model(&events).transpose(), |model| Some(Ok(model))) {
            Some(model) => _ = models.insert(key, model?),
            None => only_read.push((key, events)),
        }
    }
    let of_changes = only_model(&models);
    for (key, events) in only_read {
        models.insert(key, model_of_reads(&events, of_changes));
    }
    let first = models.values().next().copied().unwrap_or(DataModel::Register);
    let mut history = builder::build(&events, &models, &unsupported, options.initial)?;
    history.lost = lost_changes(&events, &history, &unmade);
    history.written = written(events, &history);
    Ok((history, first))
}

/// Returns the data model of all keys, if they have the same one.
fn only_model(models: &BTreeMap<&str, DataModel>) -> Option<DataModel> {
    let first = models.values().next().copied();
    first.filter(|first| models.values().all(|model| model == first))
}

/// Returns the operations as their events write them.
fn written(mut events: Vec<Event>, history: &History) -> Vec<WrittenOperation> {
    let operations = history.operations.iter().map(|operation| {
        let at = if operation.is_answered_read() { operation.ended } else { operation.invoked };
        let value = std::mem::take(&mut events[at as usize].value);
        WrittenOperation { function: std::mem::take(&mut events[operation.invoked as usize].f), value }
    });
    operations.collect()
}
