//! Reads and writes JSON text, and reads documents from JSON values, with all their errors at once.

mod error_collector;
mod expectations;
mod strict;
#[cfg(test)]
mod tests;

#[cfg(test)]
use error_collector::MAX_ERRORS;
pub(crate) use error_collector::{read, read_in_ranges};
pub use strict::{SyntaxError, nested_too_deeply, parse};

use serde::Serialize;
use serde_json::Value as Json;

const SERIALIZES: &str = "a document has text keys and finite numbers, so it serializes";

/// Returns a document, or a part of one, as a JSON value.
pub fn to_value(part: &impl Serialize) -> Json {
    // Through the text: the page then has one writer of documents, not two.
    serde_json::from_str(&pretty(part)).expect(SERIALIZES)
}

/// Writes a document, or a part of one, as JSON text without white space.
pub fn compact(part: &impl Serialize) -> String {
    serde_json::to_string(part).expect(SERIALIZES)
}

/// Writes a document, or a part of one, as JSON text for people, indented by two spaces.
pub fn pretty(part: &impl Serialize) -> String {
    serde_json::to_string_pretty(part).expect(SERIALIZES)
}
