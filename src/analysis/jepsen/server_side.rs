//! The parts of a history that concern the servers: siblings, and lost changes.

use super::data_model::DataModel;
use super::events::Event;
use crate::analysis::history::{History, Loss, LossCounts, LostChanges, Model, Operation};
use crate::trace::Outcome;
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

/// The lost changes that belong to no operation of the history, which a line of the nemesis states.
#[derive(Default)]
pub(super) struct UnmadeLosses(LostChanges);

impl UnmadeLosses {
    /// Observes a line of the history.
    ///
    /// # Errors
    /// The line states lost changes, and not their numbers.
    pub(super) fn observe(&mut self, position: &str, line: &Value) -> Result<(), String> {
        let is =
            |field: &str, wanted: &str| line[field].as_str().is_some_and(|text| text.trim_start_matches(':') == wanted);
        if !is("process", "nemesis") || !is("f", "lost") {
            return Ok(());
        }
        let number = |name: &str| match &line["value"][name] {
            Value::Null => Ok(0),
            value => value
                .as_u64()
                .filter(|number| *number < 1 << 53)
                .ok_or_else(|| format!("{position}: value: {name}: a number of lost changes is expected, not {value}")),
        };
        self.0 = LostChanges {
            counts: LossCounts {
                overwritten: number("overwritten")?,
                rolled_back: number("rolled_back")?,
                resurrected: number("resurrected")?,
                disk_lost: number("disk_lost")?,
            },
            hidden: number("hidden")?,
            operations: Vec::new(),
        };
        Ok(())
    }
}

/// Returns the lost changes, if the history states of each acknowledged change whether the servers lost it.
pub(super) fn lost_changes(events: &[Event], history: &History, unmade: &UnmadeLosses) -> Option<LostChanges> {
    let mut lost = unmade.0.clone();
    let acknowledged = history.operations.iter().enumerate().filter(|(_, operation)| operation.acknowledged());
    let mut any = lost.counts.count() + lost.hidden > 0;
    for (place, operation) in acknowledged {
        // The position of an end is that of its event.
        let end = events.get(operation.ended as usize)?;
        if end.is_lost? {
            let is_rolled_back = || end.is_rolled_back.unwrap_or_else(|| !has_other_change(history, place));
            let loss = match end.is_resurrected {
                Some(true) => Loss::Resurrected,
                Some(false) | None if end.is_disk_lost => Loss::DiskLost,
                Some(false) | None if is_rolled_back() => Loss::RolledBack,
                Some(false) | None => Loss::Overwritten,
            };
            lost.operations.push((place, loss));
            lost.counts.add(loss);
        }
        any = true;
    }
    any.then_some(lost)
}

/// Returns whether another operation may have changed the key of an operation.
fn has_other_change(history: &History, place: usize) -> bool {
    let key = history.operations[place].key;
    let is_change = |operation: &Operation| {
        operation.key == key && operation.invocation.changes() && operation.outcome != Outcome::Fail
    };
    history.operations.iter().enumerate().any(|(other, operation)| other != place && is_change(operation))
}
