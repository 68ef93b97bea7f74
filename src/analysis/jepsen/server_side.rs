//! What a history states, or shows, of the servers: siblings, and lost changes.

use super::data_model::DataModel;
use super::events::Event;
use crate::analysis::history::{History, LostChanges, Model};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Returns the registers that keep siblings: the history states this, or a read returned a list of written values that was not
/// itself written.
pub(super) fn siblings<'a>(events: &'a [Event], models: &BTreeMap<&str, DataModel>) -> BTreeSet<&'a str> {
    let is_register = |key: &str| models.get(key).is_some_and(|model| model.model() == Model::Register);
    let mut written: BTreeSet<(&str, String)> = BTreeSet::new();
    for event in events.iter().filter(|event| event.kind == "invoke" && event.f == "write") {
        written.insert((event.key_name(), event.value.to_string()));
    }
    let is_written = |event: &Event, value: &Value| written.contains(&(event.key_name(), value.to_string()));
    let shows_siblings = |event: &&Event| {
        let read = event.kind == "ok" && event.f == "read" && is_register(event.key_name());
        let several = event.value.as_array().is_some_and(|values| {
            values.len() > 1 && values.iter().all(|value| is_written(event, value)) && !is_written(event, &event.value)
        });
        read && (event.has_siblings || several)
    };
    events.iter().filter(shows_siblings).map(Event::key_name).collect()
}

/// Returns the lost changes, if the history states of each acknowledged change whether the servers lost it.
pub(super) fn lost_changes(events: &[Event], history: &History) -> Option<LostChanges> {
    let mut lost = LostChanges::default();
    let acknowledged = history.operations.iter().enumerate().filter(|(_, operation)| operation.acknowledged());
    let mut any = false;
    for (place, operation) in acknowledged {
        // The position of an end is that of its event.
        if events.get(operation.ended as usize)?.is_lost? {
            lost.operations.push(place);
        }
        any = true;
    }
    lost.count = lost.operations.len() as u64;
    any.then_some(lost)
}
