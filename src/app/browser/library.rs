//! What opens links and examples: fetched when one is first opened, in a wasm file of its own.

use crate::scenario::link::{self, Opened};
use std::cell::Cell;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

/// Opens what an address names; why not, in words for people.
#[derive(Clone, Copy, Debug)]
pub struct Library(fn(&str) -> Result<Box<Opened>, String>);

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
    pub fn open(self, fragment: &str) -> Result<Box<Opened>, String> {
        (self.0)(fragment)
    }
}

#[wasm_split(library, fallible)]
fn library() -> Result<Library, SplitLoaderError> {
    Ok(Library(open))
}

fn open(fragment: &str) -> Result<Box<Opened>, String> {
    link::decode(fragment).map(Box::new).map_err(|error| error.to_string())
}
