//! What the page's address says: which scenario to open, and how.

use crate::app::model::{Controls, Mode, Theme};
use wasm_bindgen::JsValue;

/// The page's address, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// It names a link or an example.
    pub names: bool,
    /// What an embed is for.
    pub mode: Mode,
    /// How much of an embed is to be seen.
    pub controls: Controls,
    /// Which theme, if it says so.
    pub theme: Option<Theme>,
    /// Begin playing.
    pub autoplay: bool,
    /// At which speed.
    pub speed: Option<f64>,
}

/// Reads the fragment: `#ex=<id>` or a scenario's payload, then `&name=value`s.
pub fn read(fragment: &str) -> Address {
    let fragment = fragment.trim_start_matches('#');
    let first = fragment.split('&').next().unwrap_or_default();
    let names = first.starts_with("ex=") || !(first.is_empty() || first.contains('='));
    let (mode, controls) = (Mode::Play, Controls::Full);
    let mut address = Address { names, mode, controls, theme: None, autoplay: false, speed: None };
    for (name, value) in fragment.split('&').filter_map(|part| part.split_once('=')) {
        match (name, value) {
            ("mode", "view") => address.mode = Mode::View,
            ("mode", "edit") => address.mode = Mode::Edit,
            ("ui", "controls") => address.controls = Controls::Transport,
            ("ui", "none") => address.controls = Controls::None,
            ("theme", _) => address.theme = Some(Theme::from_word(value)),
            ("autoplay", _) => address.autoplay = value == "1",
            ("speed", _) => {
                // As the browser reads numbers: nothing else of what the page loads at first does.
                let speed = JsValue::from_str(value).unchecked_into_f64();
                address.speed = Some(speed).filter(|speed| *speed > 0.0 && *speed <= 100.0);
            }
            _ => {}
        }
    }
    address
}

/// The page's own fragment.
pub fn fragment() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// Whether the page is an embed: its document says so.
pub fn is_embed() -> bool {
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    root.and_then(|root| root.get_attribute("data-mode")).as_deref() == Some("embed")
}

/// The playground's address for what an embed shows.
pub fn playground() -> String {
    let base = script_folder().unwrap_or_else(|| "../".into());
    format!("{base}{}", fragment())
}

/// The playground's address without its fragment.
pub fn page() -> String {
    script_folder().unwrap_or_default()
}

/// The folder that the page's script was loaded from, with a slash at its end: worker and assets are found
/// relative to it, in any subfolder and from any page.
pub fn script_folder() -> Option<String> {
    let document = web_sys::window()?.document()?;
    let script = document.query_selector("script[data-converge]").ok()??;
    let source = script.get_attribute("src")?;
    let base = script.base_uri().ok()??;
    let url = web_sys::Url::new_with_base(&source, &base).ok()?.href();
    Some(url[..=url.rfind('/')?].to_string())
}
