//! Opens links, examples and saved documents: fetched when it is first needed, in a wasm file of its own.

use crate::app::model::{Opening, Origin};
use crate::scenario::Scenario;
use crate::scenario::link;
use std::cell::Cell;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

/// All of this.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    open: fn(&str) -> Result<Box<Opening>, String>,
    read: fn(&str) -> Option<Box<Opening>>,
}

thread_local! {
    static AT_HAND: Cell<Option<Library>> = const { Cell::new(None) };
}

/// The library, once it was fetched.
pub fn at_hand() -> Option<Library> {
    AT_HAND.get()
}

/// Fetches it.
///
/// # Errors
/// It cannot be fetched; in words for people.
pub async fn fetch() -> Result<Library, String> {
    let library = library().await.map_err(|_| "it could not be fetched. Is the network there?")?;
    AT_HAND.set(Some(library));
    Ok(library)
}

impl Library {
    /// Opens what a fragment names: an example or a link.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(self, fragment: &str) -> Result<Box<Opening>, String> {
        (self.open)(fragment)
    }

    /// Reads a document that was kept; none if it is none.
    pub fn read(self, text: &str) -> Option<Box<Opening>> {
        (self.read)(text)
    }
}

#[wasm_split(library, fallible)]
fn library() -> Result<Library, SplitLoaderError> {
    let read = |text: &str| Scenario::from_json(text).ok().map(|own| Box::new(Opening::own(own)));
    Ok(Library { open, read })
}

fn open(fragment: &str) -> Result<Box<Opening>, String> {
    let opened = link::decode(fragment).map_err(|error| error.to_string())?;
    let origin = if opened.example.is_some() { Origin::Own } else { Origin::Link };
    let (at, digest) = (opened.at.unwrap_or(0), opened.digest);
    Ok(Box::new(Opening { origin, at, digest, ..Opening::own(opened.scenario) }))
}
