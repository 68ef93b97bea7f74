//! What to simulate: the scenario document, its validation, its JSON and its link.
//!
//! A [`Scenario`] is plain data with the names that people write by hand. It is read by
//! [`Scenario::from_json`] or [`link::decode`]; both validate, so every scenario that the engine
//! gets is sound and stepping it cannot fail. This module uses nothing above it.

mod document;
mod error;
pub mod examples;
mod latency;
pub mod link;
#[cfg(not(target_arch = "wasm32"))]
pub mod schema;
mod traffic;
mod validate;
mod value;

pub use document::*;
pub use error::ScenarioError;
pub use latency::{Latency, Weighted};
pub use traffic::{Arrivals, Client, ClientStep, Keys, Operation, Workload};
pub use value::Value;

/// Microseconds of virtual time; every instant and duration of the engine is one.
pub type Micros = u64;

/// Milliseconds of a document as the engine's microseconds, rounded to the nearest.
pub fn micros(ms: f64) -> Micros {
    (ms * 1000.0).round() as Micros
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Scenario {
    /// Reads and validates a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its path and what was expected.
    pub fn from_json(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
        let json: serde_json::Value = serde_json::from_str(text).map_err(|error| {
            let problem = error.to_string();
            let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem);
            vec![ScenarioError::new(format!("line {}, column {}", error.line(), error.column()), problem)]
        })?;
        Scenario::from_value(json)
    }

    /// Reads and validates a document that is JSON already. Every reading of a scenario goes through here: one copy
    /// of the code that serde makes for it is large enough for the page.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its path and what was expected.
    pub fn from_value(json: serde_json::Value) -> Result<Scenario, Vec<ScenarioError>> {
        let scenario: Scenario = serde_path_to_error::deserialize(json).map_err(|error| {
            let path = error.path().to_string();
            vec![ScenarioError::new(if path == "." { "" } else { &path }, error.inner().to_string())]
        })?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// The document as people read it: JSON, indented by two, defaults left out.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a scenario always serializes")
    }

    /// Checks what the types do not say: ids, references, ranges, sizes.
    ///
    /// # Errors
    /// Everything that is wrong, each with its path and what was expected.
    pub fn validate(&self) -> Result<(), Vec<ScenarioError>> {
        validate::check(self)
    }
}

/// A scenario within another message, as the text of its document: the message's own reader need not know its fields.
pub mod as_text {
    use super::Scenario;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    /// Writes the document as a text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(scenario: &Scenario, serializer: S) -> Result<S::Ok, S::Error> {
        let json = serde_json::to_value(scenario).map_err(ser::Error::custom)?;
        serializer.serialize_str(&json.to_string())
    }

    /// Reads it back.
    ///
    /// # Errors
    /// The text is not a sound document.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Scenario>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Scenario::from_json(&text).map(Box::new).map_err(|errors| de::Error::custom(errors[0].to_string()))
    }
}
