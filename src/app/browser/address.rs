//! The page's address: the scenario to open, and options.

use crate::app::model::{Controls, Mode, NEW_ADDRESS, Theme};
use wasm_bindgen::JsValue;

/// The parsed fragment of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// It names a link or an example.
    pub names_drawing: bool,
    /// The id of a drawing that this browser keeps.
    pub kept: Option<String>,
    /// It names an empty drawing.
    pub is_new: bool,
    /// The purpose of an embed.
    pub mode: Mode,
    /// The visible controls of an embed.
    pub controls: Controls,
    /// The theme.
    pub theme: Option<Theme>,
    /// The run plays at once.
    pub autoplay: bool,
    /// The speed.
    pub speed: Option<f64>,
}

/// Parses a fragment: `#ex=<id>` or a scenario's payload, then `&name=value` options.
pub fn read(fragment: &str) -> Address {
    let fragment = fragment.trim_start_matches('#');
    let first = fragment.split('&').next().unwrap_or_default();
    let (kept, is_new) = (first.strip_prefix("d=").map(String::from), first == NEW_ADDRESS);
    let names_drawing = first.starts_with("ex=") || !(is_new || first.is_empty() || first.contains('='));
    let (mode, controls) = (Mode::Play, Controls::Full);
    let mut address =
        Address { names_drawing, kept, is_new, mode, controls, theme: None, autoplay: false, speed: None };
    for (name, value) in fragment.split('&').filter_map(|part| part.split_once('=')) {
        match (name, value) {
            ("mode", "view") => address.mode = Mode::View,
            ("mode", "edit") => address.mode = Mode::Edit,
            ("ui", "controls") => address.controls = Controls::Transport,
            ("ui", "none") => address.controls = Controls::None,
            ("theme", _) => address.theme = Some(Theme::from_word(value)),
            ("autoplay", _) => address.autoplay = value == "1",
            ("speed", _) => {
                // The browser parses the number, which keeps the parser out of the first load.
                let speed = JsValue::from_str(value).unchecked_into_f64();
                address.speed = Some(speed).filter(|speed| *speed > 0.0 && *speed <= 100.0);
            }
            _ => {}
        }
    }
    address
}

/// Returns the fragment of the page's address.
pub fn fragment() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// The fragment of the example with which the page opens.
const FIRST: &str = "#ex=first-update";

/// Shows a fragment in the address: as a new step for the Back button, or in place of the present one.
pub fn show(fragment: &str, is_new: bool) {
    let Some(window) = web_sys::window() else { return };
    let (Ok(history), location) = (window.history(), window.location()) else { return };
    if is_new && location.hash().is_ok_and(|hash| hash.is_empty()) {
        // The Back button returns to the first example, also after another drawing was changed.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(FIRST));
    }
    let base = format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    let url = if fragment.is_empty() { base } else { format!("{base}#{fragment}") };
    // A frame without an origin has no history of its own.
    let _ = match is_new {
        true => history.push_state_with_url(&JsValue::NULL, "", Some(&url)),
        false => history.replace_state_with_url(&JsValue::NULL, "", Some(&url)),
    };
}

/// Returns whether the page is an embed.
pub fn is_embed() -> bool {
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    root.and_then(|root| root.get_attribute("data-mode")).as_deref() == Some("embed")
}

/// Returns the playground's address for the drawing of an embed.
pub fn playground() -> String {
    let base = script_folder().unwrap_or_else(|| "../".into());
    format!("{base}{}", fragment())
}

/// Returns the playground's address without a fragment.
pub fn page() -> String {
    script_folder().unwrap_or_default()
}

/// Returns the folder of the page's script, with a slash at its end. The worker is loaded from this folder.
pub fn script_folder() -> Option<String> {
    let document = web_sys::window()?.document()?;
    let script = document.query_selector("script[data-converge]").ok()??;
    let source = script.get_attribute("src")?;
    let base = script.base_uri().ok()??;
    let url = web_sys::Url::new_with_base(&source, &base).ok()?.href();
    Some(url[..=url.rfind('/')?].to_string())
}
