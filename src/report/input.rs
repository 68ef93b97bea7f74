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
    /// The warnings of parts that are valid and have no effect, or no end.
    pub warnings: Vec<InputError>,
}

/// Reads a scenario from a JSON document, a link, an address that ends in a link, or the name of an example (`ex=ID`) or of a
/// challenge (`challenge=ID`).
///
/// # Errors
/// All errors of the document or the link.
pub fn scenario_from(text: &str) -> Result<Scenario, Vec<InputError>> {
    // Some editors begin a file with a byte-order mark.
    let text = text.trim_start_matches('\u{feff}');
    let trimmed = text.trim();
    let read = if is_link(trimmed) && !trimmed.starts_with(['{', '[']) {
        match link::decode(trimmed) {
            Ok(opened) => Ok(opened.scenario),
            Err(LinkError::Invalid(errors)) => Err(errors),
            Err(other @ LinkError::NoSuchChallenge(_)) => {
                return Err(vec![InputError::new("challenge", other.to_string())]);
            }
            Err(other) => return Err(vec![InputError::new("link", other.to_string())]),
        }
    } else {
        Scenario::from_json(text)
    };
    read.map_err(|errors| errors.into_iter().map(InputError::from).collect())
}

/// Returns whether a text looks like a link, or like an address that ends in one.
pub fn is_link(text: &str) -> bool {
    let is_start = |part: &str| ["ex=", "challenge=", "1d.", "1r."].iter().any(|start| part.starts_with(start));
    let fragment = text.split_once('#').map_or("", |(_, fragment)| fragment);
    is_start(text)
        || fragment.split('&').any(is_start)
        || (text.contains("://") && !fragment.is_empty())
        || link::split(text).drawing.is_some_and(|drawing| is_start(&drawing))
}

/// Returns an error message of serde without the names of number types.
pub fn plain_types(message: &str) -> String {
    let word = |word: &str| match word.trim_end_matches([',', ';', '.']) {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        _ => word.to_string(),
    };
    message.split(' ').map(word).collect::<Vec<String>>().join(" ")
}

/// Reads and validates a scenario in any of the forms of [`scenario_from`].
pub fn validate(text: &str) -> ValidationReport {
    let (errors, warnings) = match scenario_from(text) {
        Ok(scenario) => (Vec::new(), scenario.warnings()),
        Err(errors) => (errors, Vec::new()),
    };
    let warnings = warnings.into_iter().map(InputError::from).collect();
    ValidationReport { valid: errors.is_empty(), errors, warnings }
}
