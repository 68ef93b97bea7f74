//! Reading and writing documents and links. Their code is loaded from a separate wasm file when the first of them is called.

use super::drawings;
use crate::app::model::{Opening, Origin, RunRecord, TabRecord};
use crate::app::{copied_cards, kept_drawings};
use crate::scenario::link::{self, LinkError};
use crate::scenario::{Micros, Scenario, ScenarioError, examples, micros};
use crate::text;
use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;
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
            OpenError::NotFetched => f.write_str(text!("a part of the page could not be fetched; reload the page, which may have a new version, or check the network")),
            OpenError::Invalid(reason) => f.write_str(reason),
        }
    }
}

/// Opens the example or link that a fragment names. With `at_its_point`, an example opens at the time that shows best what it
/// is about, unless the fragment has a time.
///
/// # Errors
/// The code could not be fetched, or the fragment names no valid scenario.
#[wasm_split(documents, fallible)]
pub fn open_link(fragment: String, at_its_point: bool) -> Result<Box<Opening>, OpenError> {
    let opened = link::decode(&fragment).map_err(|error| OpenError::Invalid(link_problem(&error)))?;
    let is_named = opened.example.is_some() || opened.challenge.is_some();
    let origin = if is_named { Origin::Own } else { Origin::Link };
    let example = opened.example.and_then(examples::find);
    let point = example.filter(|_| at_its_point).map_or(0, |example| micros(f64::from(example.opens_at_ms)));
    let (at, digest) = (opened.at.unwrap_or(point), opened.digest);
    let caption = example.map_or_else(|| "".into(), |example| example.shows.into());
    let address = Some(fragment.trim_start_matches('#').to_string());
    let notice = semantics_notice(opened.semantics);
    let opening = Opening { origin, at, digest, caption, address, notice, ..Opening::own(opened.scenario) };
    let shows_point = example.is_some() && at_its_point && opened.at.is_none();
    Ok(Box::new(if shows_point { opening.comparing() } else { opening }))
}

/// Notifies the visitor that a link was made with another version of the simulation.
fn semantics_notice(semantics: u32) -> Option<String> {
    match semantics.cmp(&link::SEMANTICS_VERSION) {
        Ordering::Less => Some(text!("The engine has changed since this link was made; this run may differ.").into()),
        Ordering::Equal => None,
        Ordering::Greater => Some(text!("This link was made by a newer engine; this run may differ.").into()),
    }
}

/// Describes why a link cannot be opened, in a sentence without its full stop.
fn link_problem(error: &LinkError) -> String {
    match error {
        LinkError::NoSuchExample(_) | LinkError::NoSuchChallenge(_) | LinkError::BadOption { .. } => {
            text!("This link cannot be opened: {}", error)
        }
        LinkError::NotALink
        | LinkError::CutShort { .. }
        | LinkError::Damaged
        | LinkError::Newer
        | LinkError::TooLarge(_)
        | LinkError::Invalid(_) => text!("This link is {}", error),
    }
}

/// Writes a scenario as a document.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn write_document(scenario: Rc<Scenario>) -> Result<String, SplitLoaderError> {
    Ok(scenario.to_json())
}

/// Writes copied cards for the system's clipboard.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn write_cards(cards: Rc<Scenario>) -> Result<String, SplitLoaderError> {
    Ok(copied_cards::written(&cards))
}

/// Writes what a tab keeps while it is reloaded. Work that the storage does not have yet is kept for the next visit, because the
/// tab may be closed.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn write_tab_record(record: Box<TabRecord>) -> Result<String, SplitLoaderError> {
    record.unsaved.iter().for_each(drawings::keep_for_next_visit);
    if record.unsaved.is_empty() {
        // The storage has all work, or the visitor has returned to the page.
        drawings::forget_for_next_visit(record.document());
    }
    Ok(record.to_text())
}

/// Returns the command line that reproduces a run; `None` if the drawing is too large for a link.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn reproducing_command(run: RunRecord) -> Result<Option<String>, SplitLoaderError> {
    Ok(run.command())
}

/// Returns a learner's answer as a link; `None` if the drawing is too large for one.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn link_of_answer(answer: Rc<Scenario>) -> Result<Option<String>, SplitLoaderError> {
    Ok(link::encode(&answer).ok())
}

/// Returns a run at a time as the fragment of a link; `None` if the drawing is too large for a link.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn link_of_run(run: RunRecord, now: Micros) -> Result<Option<String>, SplitLoaderError> {
    let link = link::encode(&run.shared()).ok();
    Ok(link.map(|link| if now > 0 { format!("{link}&t={}", now as f64 / 1e3) } else { link }))
}

/// Reads the text of copied cards; `None` if it is another text.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn read_cards(text: String) -> Result<Option<Box<Scenario>>, SplitLoaderError> {
    Ok(copied_cards::read(&text).map(Box::new))
}

/// Reads the text of a file, or a pasted text, as a scenario or copied cards. The inner error is a sentence about a text that
/// cannot be opened.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(documents, fallible)]
pub fn read_file(text: String) -> Result<Result<Box<Opening>, String>, SplitLoaderError> {
    let names_format = kept_drawings::may_be_scenario(&text);
    if text.starts_with('[') && names_format {
        return Ok(Err(text!("This file has several drawings. Import it in the dialog Open….").into()));
    }
    if !names_format {
        let is_data = text.starts_with(['{', '[']);
        let neither = || text!("This is neither a scenario file nor a link to one.").to_string();
        return Ok(Err(if is_data { kept_drawings::not_a_scenario() } else { neither() }));
    }
    let why = |errors: Vec<ScenarioError>| errors.first().map(ToString::to_string).unwrap_or_default();
    let read = || Scenario::from_json(&text).map_err(|errors| text!("This file could not be opened: {}", why(errors)));
    let scenario = copied_cards::read(&text).map_or_else(read, Ok);
    Ok(scenario.map(|scenario| Box::new(Opening::own(scenario))))
}
