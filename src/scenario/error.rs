//! Errors in scenario documents.

use std::fmt;

/// The maximum number of characters of a text that an error quotes.
const MAX_QUOTE_LENGTH: usize = 80;

/// Returns a text as an error quotes it: whole, or its beginning if it is long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE_LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

/// An error in a scenario document.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScenarioError {
    /// Path in the document, such as `services[1].subscribes[0].fails`; empty for the whole document.
    pub path: String,
    /// What is wrong and what was expected, in words.
    pub problem: String,
}

impl ScenarioError {
    /// Creates an error at a path.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.problem) } else { write!(f, "{}: {}", self.path, self.problem) }
    }
}

impl std::error::Error for ScenarioError {}
