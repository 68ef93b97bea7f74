//! Light or dark, as `data-theme` of the document's root.

use crate::app::model::Theme;

fn matches(query: &str) -> bool {
    let list = web_sys::window().and_then(|window| window.match_media(query).ok().flatten());
    list.is_some_and(|list| list.matches())
}

/// Shows the page in a theme; `Auto` is the system's theme.
pub fn apply(theme: Theme) {
    let dark = match theme {
        Theme::Auto => matches("(prefers-color-scheme: dark)"),
        Theme::Light => false,
        Theme::Dark => true,
    };
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    if let Some(root) = root {
        let _ = root.set_attribute("data-theme", if dark { "dark" } else { "light" });
    }
}

/// Shows the page with reduced or full motion.
pub fn set_reduced_motion(reduced: bool) {
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    if let Some(root) = root {
        let _ = root.set_attribute("data-motion", if reduced { "less" } else { "full" });
    }
}

/// Returns whether the system requests reduced motion.
pub fn reduced_motion() -> bool {
    matches("(prefers-reduced-motion: reduce)")
}
