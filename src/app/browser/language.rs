//! The language of the page: of its texts, and as `lang` of the document's root.

use super::{address, storage};
use crate::app::model::KEPT_LANGUAGE;
use crate::app::texts::{self, Language};

/// Returns the language of the address, or else the one that the visitor has chosen here, or else the first of the browser's that
/// the page has.
pub fn of_page() -> Language {
    // The fragment changes with the drawing; the language of the query stays.
    let of_address = [address::fragment(), address::query()].iter().find_map(|part| address::read(part).language);
    let kept = || storage::kept(KEPT_LANGUAGE).and_then(|code| Language::from_code(&code));
    let of_browser = || {
        let codes = web_sys::window()?.navigator().languages();
        codes.iter().find_map(|code| Language::from_code(&code.as_string()?))
    };
    of_address.or_else(kept).or_else(of_browser).unwrap_or_default()
}

/// Sets the language of texts from now on, and `lang` of the document's root. The page replaces its drawn texts.
pub fn apply(language: Language) {
    texts::set_language(language);
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    if let Some(root) = root {
        let _ = root.set_attribute("lang", language.code());
    }
}
