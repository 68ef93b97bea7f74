//! What the page's address says: which scenario to open, and how.

use crate::app::model::{Mode, Theme};
use crate::scenario::{Micros, Scenario, examples};

/// What to open.
#[derive(Debug)]
pub enum Opens {
    /// The address names nothing.
    Nothing,
    /// An example.
    Example(Box<Scenario>),
    /// A scenario from a link.
    Link(Box<Scenario>),
    /// It names something that cannot be opened; why.
    Broken(String),
}

/// The page's address, read.
#[derive(Debug)]
pub struct Address {
    /// What to open.
    pub opens: Opens,
    /// Where to stand.
    pub at: Micros,
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
    let mut address = Address { opens: Opens::Nothing, at: 0, theme: None, autoplay: false, speed: None };
    for part in fragment.split('&').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("ex", id)) => {
                address.opens = match examples::find(id) {
                    Some(example) => Opens::Example(Box::new(example.scenario())),
                    None => Opens::Broken(format!("There is no example “{id}”.")),
                };
            }
            Some(("t", ms)) => address.at = ms.parse::<f64>().map_or(0, |ms| (ms.max(0.0) * 1000.0) as Micros),
            Some(("theme", word)) => address.theme = Some(Theme::from_word(word)),
            Some(("autoplay", word)) => address.autoplay = word == "1",
            Some(("speed", number)) => address.speed = number.parse().ok().filter(|speed| *speed > 0.0),
            Some(_) => {}
            None => address.opens = link(part),
        }
    }
    address
}

fn link(payload: &str) -> Opens {
    let _ = payload;
    Opens::Broken("Scenario links cannot be opened yet.".into())
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
