//! What the page's address says: which scenario to open, and how.

use crate::app::model::{Mode, Theme};

/// The page's address, read.
#[derive(Debug)]
pub struct Address {
    /// It names a link or an example.
    pub names: bool,
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
    let mut address = Address { names, theme: None, autoplay: false, speed: None };
    for (name, value) in fragment.split('&').filter_map(|part| part.split_once('=')) {
        match name {
            "theme" => address.theme = Some(Theme::from_word(value)),
            "autoplay" => address.autoplay = value == "1",
            "speed" => address.speed = crate::scenario::number(value).filter(|speed| *speed > 0.0 && *speed <= 100.0),
            _ => {}
        }
    }
    address
}

/// The page's own fragment.
pub fn fragment() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// What the page is for: an embed says so in its document.
pub fn mode() -> Mode {
    let root = web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
    match root.and_then(|root| root.get_attribute("data-mode")).as_deref() {
        Some("embed") => Mode::Embed,
        Some(_) | None => Mode::App,
    }
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
