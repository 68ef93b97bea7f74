//! The data models of a history's keys.

use super::events::Event;
use super::numbers::counted;
use crate::analysis::history::{Function, Model};
use serde::{Deserialize, Serialize};

/// Names of the functions that compare and set.
pub(super) const CAS: &[&str] = &["cas", "compare-and-set", "compare_and_set"];
/// Names of the functions that add to a number.
pub(super) const INCREMENT: &[&str] = &["increment", "inc", "incr"];
/// Names of the functions that subtract from a number.
pub(super) const DECREMENT: &[&str] = &["decrement", "dec", "decr"];

/// The data model of a key.
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

    /// Returns the name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            DataModel::Register => "register",
            DataModel::CasRegister => "cas-register",
            DataModel::Counter => "counter",
            DataModel::Set => "set",
            DataModel::Append => "append",
        }
    }

    pub(super) fn model(self) -> Model {
        match self {
            DataModel::Register | DataModel::CasRegister => Model::Register,
            DataModel::Counter => Model::Counter,
            DataModel::Set => Model::Set,
            DataModel::Append => Model::Append,
        }
    }

    /// Returns the functions of operations on a key of this model, for error messages.
    pub(super) fn functions(self) -> &'static str {
        match self {
            DataModel::Register => "read, write or delete",
            DataModel::CasRegister => "read, write, cas or delete",
            DataModel::Counter => "read, add, increment or decrement",
            DataModel::Set => "read, add or remove",
            DataModel::Append => "read or append",
        }
    }
}

/// Names of the functions on maps, and on lists by index.
const PARTIAL: &[&str] = &["put", "insert", "remove-at"];
/// Names of all functions, for error messages.
const ALL: &str =
    "read, write, cas, delete, add, remove, append, increment, decrement, put, insert or remove-at is expected";

/// Returns whether a key is a map, or a list with changes by index. No model covers them.
pub(super) fn is_unsupported(events: &[&Event]) -> bool {
    let is_map = |event: &Event| event.f == "read" && event.kind == "ok" && event.value.is_object();
    let mut own = events.iter().filter(|event| !event.is_initial);
    own.any(|event| PARTIAL.contains(&event.f.as_str()))
        || (events.iter().any(|event| event.f == "remove") && events.iter().any(|event| is_map(event)))
}

/// Returns the function of a name.
pub(super) fn function(f: &str) -> Option<Function> {
    Some(match f {
        "read" => Function::Read,
        "write" => Function::Write,
        "delete" => Function::Delete,
        "add" => Function::Add,
        "remove" => Function::Remove,
        "append" => Function::Append,
        "put" => Function::Put,
        "insert" => Function::Insert,
        "remove-at" => Function::RemoveAt,
        _ if CAS.contains(&f) => Function::CompareAndSet,
        _ if INCREMENT.contains(&f) => Function::Increment,
        _ if DECREMENT.contains(&f) => Function::Decrement,
        _ => return None,
    })
}

/// Returns the error of an operation with an unknown function.
pub(super) fn unknown_function(event: &Event) -> String {
    format!("{}: f: {ALL}, not {}", event.position, event.f)
}

/// Returns the data model of a key that is only read: that of the changes of all other keys if its results fit it.
pub(super) fn model_of_reads(events: &[&Event], of_changes: Option<DataModel>) -> DataModel {
    let is_result = |event: &&&Event| event.kind == "ok" && !event.value.is_null();
    let fits = |model: &DataModel| {
        events.iter().filter(is_result).all(|event| match model.model() {
            Model::Register => !event.value.is_array(),
            Model::Counter => counted(&event.value).is_some(),
            Model::Set | Model::Append => event.value.is_array(),
        })
    };
    let reads_a_list = events.iter().find(is_result).is_some_and(|event| event.value.is_array());
    of_changes.filter(fits).unwrap_or(if reads_a_list { DataModel::Set } else { DataModel::Register })
}

/// Infers the data model of a key from the changes of it; none if it is only read.
///
/// # Errors
/// An operation has an unknown function.
pub(super) fn infer_model(events: &[&Event]) -> Result<Option<DataModel>, String> {
    let has = |names: &[&str]| events.iter().any(|event| names.contains(&event.f.as_str()));
    let read = events.iter().find(|event| event.f == "read" && event.kind == "ok" && !event.value.is_null());
    let reads_a_list = read.is_some_and(|event| event.value.is_array());
    if has(CAS) {
        return Ok(Some(DataModel::CasRegister));
    }
    if has(&["write", "delete"]) {
        return Ok(Some(DataModel::Register));
    }
    if has(&["append"]) {
        return Ok(Some(DataModel::Append));
    }
    if has(INCREMENT) || has(DECREMENT) {
        return Ok(Some(DataModel::Counter));
    }
    if has(&["remove"]) || (has(&["add"]) && (reads_a_list || read.is_none())) {
        return Ok(Some(DataModel::Set));
    }
    if has(&["add"]) {
        return Ok(Some(DataModel::Counter));
    }
    match events.iter().find(|event| event.f != "read") {
        None => Ok(None),
        Some(event) => Err(unknown_function(event)),
    }
}
