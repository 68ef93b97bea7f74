//! What to simulate: the scenario document, its validation, its JSON and its link.
//!
//! A [`Scenario`] is plain data with the names that people write by hand. It is read by
//! [`Scenario::from_json`] or [`link::decode`]; both validate, so every scenario that the engine
//! gets is sound and stepping it cannot fail. This module uses nothing above it.

mod branch;
mod brokers;
mod command;
mod consistency;
mod document;
mod error;
pub mod examples;
mod group;
mod invariant;
pub mod json;
mod latency;
pub mod link;
mod messaging;
pub mod presets;
#[cfg(not(target_arch = "wasm32"))]
pub mod schema;
mod traffic;
mod validate;
mod value;

pub use branch::Branch;
pub use brokers::{Acks, CommitRule, InSync, Replication};
pub use command::Command;
pub use consistency::Consistency;
pub use document::*;
pub use error::ScenarioError;
pub use group::*;
pub use invariant::{Formula, Invariant, Place, Relation, Term};
pub use latency::{Latency, Weighted};
pub use messaging::*;
pub use traffic::{Arrivals, Client, ClientStep, Keys, Operation, Workload};
pub use value::Value;

/// Microseconds of virtual time; every instant and duration of the engine is one.
pub type Micros = u64;

/// Milliseconds of a document as the engine's microseconds, rounded to the nearest.
pub fn micros(ms: f64) -> Micros {
    (ms * 1000.0).round() as Micros
}

/// A number as people type it. Read as a document's numbers are, so that the page carries one reader of them and not two.
pub fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    let zero = if digits.starts_with('.') { "0" } else { "" };
    json::parse(&format!("{sign}{zero}{digits}")).ok()?.as_f64()
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(crate) fn one() -> u32 {
    1
}

pub(crate) fn is_one(n: &u32) -> bool {
    *n == 1
}

impl Scenario {
    /// Reads and validates a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its path and what was expected.
    pub fn from_json(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
        let scenario = Scenario::read(text)?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// Reads a document that has the right shape, whether it is sound or not. Every way in leads through here: the
    /// reader is a good part of the page's weight, and so there is one of it.
    ///
    /// # Errors
    /// What does not have the right shape, with its path.
    pub fn read(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
        json::parse(text).map_err(|error| vec![error]).and_then(|json| Scenario::from_value(&json))
    }

    /// Reads a document that is taken apart already, as [`Scenario::read`].
    ///
    /// # Errors
    /// What does not have the right shape, with its path.
    pub fn from_value(value: &serde_json::Value) -> Result<Scenario, Vec<ScenarioError>> {
        json::read(value).map_err(|errors| {
            // What a newer version wrote may have fields that this one does not know: that is the better answer.
            let format = value["converge"].as_u64().unwrap_or_default();
            if format > u64::from(FORMAT) { vec![validate::newer(format)] } else { errors }
        })
    }

    /// The document taken apart.
    pub fn to_value(&self) -> serde_json::Value {
        json::to_value(self)
    }

    /// The document as people read it: JSON, indented by two, defaults left out.
    pub fn to_json(&self) -> String {
        json::pretty(self)
    }

    /// Checks what the types do not say: ids, references, ranges, sizes.
    ///
    /// # Errors
    /// Everything that is wrong, each with its path and what was expected.
    pub fn validate(&self) -> Result<(), Vec<ScenarioError>> {
        validate::check(self)
    }
}

impl Operation {
    /// Checks what the types do not say of an operation for itself, as [`Command::check`] does where it is asked by a command.
    ///
    /// # Errors
    /// Everything that is wrong, each with its path and what was expected.
    pub fn check(&self) -> Result<(), Vec<ScenarioError>> {
        validate::check_operation(self)
    }
}

impl Command {
    /// Checks what the types do not say of a command for itself: ranges, sizes.
    ///
    /// # Errors
    /// Everything that is wrong, each with its path and what was expected.
    pub fn check(&self) -> Result<(), Vec<ScenarioError>> {
        validate::check_command(self)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_number_is_read_as_people_type_it() {
        let cases =
            [("5", 5.0), (" 2.50 ", 2.5), ("+3", 3.0), (".5", 0.5), ("-.25", -0.25), ("7.", 7.0), ("1e3", 1000.0)];
        for (text, number) in cases {
            assert_eq!(super::number(text), Some(number), "{text}");
        }
        for text in ["", "-", ".", "x", "1,5", "0x10", "inf", "NaN", "--1", "1 2"] {
            assert_eq!(super::number(text), None, "{text}");
        }
    }
}
