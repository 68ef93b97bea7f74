//! Reads scenarios from every form in which they are given, and reports what is wrong with them.

use crate::scenario::link::{self, LinkError};
use crate::scenario::{Scenario, ScenarioError};
use serde::Serialize;

/// An error in the input: where it is, and what is wrong and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct InputError {
    /// Path in the document, as in `services[1].subscribes[0].fails`, or the name of an option; empty for the input
    /// as a whole.
    pub path: String,
    /// What is wrong and what was expected, as a sentence.
    pub expected: String,
}

impl InputError {
    /// An error at `path`.
    pub fn new(path: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { path: path.into(), expected: expected.into() }
    }
}

impl From<ScenarioError> for InputError {
    fn from(error: ScenarioError) -> Self {
        InputError::new(error.path, error.problem)
    }
}

impl std::fmt::Display for InputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { f.write_str(&self.expected) } else { write!(f, "{}: {}", self.path, self.expected) }
    }
}

impl std::error::Error for InputError {}

/// Whether a scenario is valid, and if not, all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ValidationReport {
    /// Whether there are no errors.
    pub valid: bool,
    /// All errors, in the order in which they were found.
    pub errors: Vec<InputError>,
}

/// Reads a scenario from a JSON document, a link, an address that ends in a link, or the name of an example (`ex=ID`).
///
/// # Errors
/// All errors of the document or the link.
pub fn scenario_from(text: &str) -> Result<Scenario, Vec<InputError>> {
    let trimmed = text.trim();
    let is_json = trimmed.starts_with(['{', '[']);
    let is_link = ["ex=", "1d.", "1r."].iter().any(|start| trimmed.starts_with(start)) || trimmed.contains('#');
    let read = if is_link && !is_json {
        match link::decode(trimmed) {
            Ok(opened) => Ok(opened.scenario),
            Err(LinkError::Invalid(errors)) => Err(errors),
            Err(other) => return Err(vec![InputError::new("link", other.to_string())]),
        }
    } else {
        Scenario::from_json(text)
    };
    read.map_err(|errors| errors.into_iter().map(InputError::from).collect())
}

/// Reads and validates a scenario in any of the forms of [`scenario_from`].
pub fn validate(text: &str) -> ValidationReport {
    let errors = scenario_from(text).err().unwrap_or_default();
    ValidationReport { valid: errors.is_empty(), errors }
}
