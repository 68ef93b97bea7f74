//! How a document is read and written as JSON: one call for each field, its code made by `derive(Document)`.
//!
//! Reading never stops: what has the wrong shape is noted with its path, something stands in its place, and so everything
//! that is wrong is told at once.

mod parse;
mod parts;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use super::ScenarioError;
pub use converge_derive::Document;
pub use parse::parse;
pub use reader::Reader;
use serde_json::Value as Json;
pub use writer::Writer;

/// What is read and written as JSON.
pub trait Document {
    /// Reads what the reader stands at; where that has another shape it is noted, and something stands in its place.
    fn read(reader: &mut Reader<'_>) -> Self
    where
        Self: Sized;

    /// Writes itself.
    fn write(&self, writer: &mut Writer);

    /// What it is where it is absent; none where it has to be there.
    fn absent() -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// Reads a document, or a part of one, that is taken apart already.
///
/// # Errors
/// Everything that has the wrong shape, each with its path.
pub fn read<T: Document>(json: &Json) -> Result<T, Vec<ScenarioError>> {
    let (read, errors) = read_all(json);
    if errors.is_empty() { Ok(read) } else { Err(errors) }
}

/// Reads as [`read`] does; where something has the wrong shape, something else stands in its place.
pub fn read_all<T: Document>(json: &Json) -> (T, Vec<ScenarioError>) {
    let mut reader = Reader::new(json);
    (T::read(&mut reader), reader.errors())
}

/// As people read it: indented by two.
pub fn pretty(part: &dyn Document) -> String {
    Writer::pretty(part)
}

/// Without a space.
pub fn compact(part: &dyn Document) -> String {
    Writer::compact(part)
}

/// Taken apart.
pub fn to_value(part: &dyn Document) -> Json {
    parse(&compact(part)).expect("what is written can be read")
}
