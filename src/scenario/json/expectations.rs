//! The texts of errors about a part of a document: what was expected, and what was found.

use crate::language::{phrase, sentence};
use crate::scenario::error::shortened;
use serde_json::Value as Json;
use std::fmt;

pub(super) fn an_object() -> &'static str {
    phrase("an object", "ein Objekt")
}

pub(super) fn a_list() -> &'static str {
    phrase("a list", "eine Liste")
}

pub(super) fn not_as_expected(expected: &dyn fmt::Display, found: &str) -> String {
    sentence!("must be {expected}, not {found}", "erwartet wird {expected}, nicht {found}")
}

pub(super) fn whole_number(from: i64, to: u64) -> String {
    sentence!("a whole number from {from} to {to}", "eine ganze Zahl von {from} bis {to}")
}

/// Describes what was found, in the words of an error.
pub(super) fn description(json: &Json) -> String {
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => json.to_string(),
        Json::String(text) => format!("{:?}", shortened(text)),
        Json::Array(_) => a_list().into(),
        Json::Object(_) => an_object().into(),
    }
}

pub(super) fn unknown_field(name: &str, expected: &[&str]) -> String {
    sentence!("unknown field `{}`; {}", "unbekanntes Feld `{}`; {}", shortened(name), one_of(expected))
}

pub(super) fn unknown_value(name: &str, expected: &[&str]) -> String {
    sentence!("unknown value `{}`; {}", "unbekannter Wert `{}`; {}", shortened(name), one_of(expected))
}

pub(super) fn one_of(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let all = names.join(", ");
    match names.len() {
        0 | 1 => sentence!("expected {all}", "erlaubt ist nur {all}"),
        _ => sentence!("expected one of {all}", "erlaubt sind {all}"),
    }
}
