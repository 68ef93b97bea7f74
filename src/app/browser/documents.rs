//! Reading documents and links. Their code is loaded from a separate wasm file before the first one is read.

use crate::app::model::{Opening, Origin};
use crate::scenario::Scenario;
use crate::scenario::link;
use std::fmt;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

/// Why a document or link cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The code that reads it could not be fetched. A later call tries again.
    NotFetched,
    /// The text is not a valid scenario, with the reason.
    Invalid(String),
}

impl From<SplitLoaderError> for OpenError {
    fn from(_: SplitLoaderError) -> Self {
        OpenError::NotFetched
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::NotFetched => f.write_str("a part of the page could not be fetched; check the network"),
            OpenError::Invalid(reason) => f.write_str(reason),
        }
    }
}

/// Opens the example or link that a fragment names.
///
/// # Errors
/// The code could not be fetched, or the fragment names no valid scenario.
#[wasm_split(documents, fallible)]
pub fn open_link(fragment: String) -> Result<Box<Opening>, OpenError> {
    let opened = link::decode(&fragment).map_err(|error| OpenError::Invalid(error.to_string()))?;
    let origin = if opened.example.is_some() { Origin::Own } else { Origin::Link };
    let (at, digest) = (opened.at.unwrap_or(0), opened.digest);
    Ok(Box::new(Opening { origin, at, digest, ..Opening::own(opened.scenario) }))
}

/// Reads a scenario document, such as the drawing that the browser keeps.
///
/// # Errors
/// The code could not be fetched, or the text is not a valid scenario.
#[wasm_split(documents, fallible)]
pub fn read_document(text: String) -> Result<Box<Opening>, OpenError> {
    let scenario = Scenario::from_json(&text).map_err(|_| OpenError::Invalid("it is not a valid scenario".into()))?;
    Ok(Box::new(Opening::own(scenario)))
}
