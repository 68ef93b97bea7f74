//! The page's address: the scenario to open, and options.

use crate::app::chrome::{Hidden, Locked};
use crate::app::host::HostOptions;
use crate::app::lesson_view::first_lesson;
use crate::app::model::{Controls, FIRST_ADDRESS, Mode, NEW_ADDRESS, Theme};
use crate::app::texts::Language;
use crate::scenario::link;
use wasm_bindgen::JsValue;

/// The parsed fragment of an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// Whether it names a link or an example.
    pub names_drawing: bool,
    /// The id of a drawing that this browser keeps.
    pub kept: Option<String>,
    /// Whether it names an empty drawing.
    pub is_new: bool,
    /// The address of a lesson, relative to the page, and the id of a step.
    pub lesson: Option<(String, Option<String>)>,
    /// The purpose of an embed.
    pub mode: Mode,
    /// The visible controls of an embed.
    pub controls: Controls,
    /// The parts of the page that an embed hides.
    pub hidden: Hidden,
    /// The actions that the visitor of an embed cannot execute.
    pub locked: Locked,
    /// The messages to the host page of an embed.
    pub host: HostOptions,
    /// The theme.
    pub theme: Option<Theme>,
    /// The language.
    pub language: Option<Language>,
    /// Whether the run plays at once.
    pub autoplay: bool,
    /// The speed.
    pub speed: Option<f64>,
    /// Parts that are not known or repeated, and options with a value that is not known; the first ones, shortened.
    pub unknown: Vec<String>,
}

/// The maximum number of parts that are reported, and of characters of each.
const MAX_UNKNOWN: usize = 8;
const MAX_UNKNOWN_LENGTH: usize = 40;

/// Parses a fragment: an example or a scenario's payload, and options, in any order.
pub fn read(fragment: &str) -> Address {
    let first = fragment.trim_start_matches('#');
    if first == NEW_ADDRESS {
        return Address { is_new: true, ..Address::default() };
    }
    let parts = link::split(fragment);
    let mut address = Address {
        names_drawing: parts.drawing.is_some(),
        mode: Mode::Play,
        unknown: parts.unknown,
        ..Address::default()
    };
    let mut names: Vec<&str> = Vec::new();
    for (name, value) in &parts.options {
        // Only these may be repeated: their values add up.
        let is_repeated = !matches!(&**name, "hide" | "lock" | "api" | "resize") && names.contains(&&**name);
        if !address.apply(name, value) || is_repeated {
            address.unknown.push(format!("{name}={value}"));
        }
        names.push(name);
    }
    address.unknown.truncate(MAX_UNKNOWN);
    for part in &mut address.unknown {
        if let Some((end, _)) = part.char_indices().nth(MAX_UNKNOWN_LENGTH) {
            part.truncate(end);
            part.push('…');
        }
    }
    // A step without a lesson is one of the lesson that the page offers.
    if let Some((lesson, _)) = address.lesson.as_mut().filter(|(lesson, _)| lesson.is_empty()) {
        *lesson = first_lesson().into();
    }
    address
}

impl Address {
    /// Returns what the page takes from its address when it starts, apart from the drawing.
    pub fn chrome(&self) -> impl PartialEq + use<> {
        (self.mode, self.controls, self.hidden, self.locked, self.host, (self.theme, self.language), self.speed)
    }

    /// Applies an option. Returns whether name and value are known.
    fn apply(&mut self, name: &str, value: &str) -> bool {
        match (name, value) {
            ("lesson", _) => self.lesson.get_or_insert_default().0 = value.into(),
            ("step", _) => self.lesson.get_or_insert_default().1 = Some(value.into()),
            ("d", _) => self.kept = Some(value.to_string()),
            ("mode", "play") => self.mode = Mode::Play,
            ("mode", "view") => self.mode = Mode::View,
            ("mode", "edit") => self.mode = Mode::Edit,
            ("ui", "full") => self.controls = Controls::Full,
            ("ui", "controls") => self.controls = Controls::Transport,
            ("ui", "none") => self.controls = Controls::None,
            ("theme", "auto" | "light" | "dark") => self.theme = Some(Theme::from_word(value)),
            ("lang", _) => {
                self.language = Language::from_code(value);
                return self.language.is_some();
            }
            ("autoplay", "0" | "1") => self.autoplay = value == "1",
            ("speed", _) => {
                // The browser parses the number, which keeps the parser out of the first load.
                let speed = JsValue::from_str(value).unchecked_into_f64();
                self.speed = Some(speed).filter(|speed| *speed > 0.0 && *speed <= 100.0);
                return self.speed.is_some();
            }
            ("hide", _) => return each_word(value, |word| self.hidden.hide(word)),
            ("lock", _) => return each_word(value, |word| self.locked.lock(word)),
            ("api", "1") => self.host.messages = true,
            ("api", "splice") => self.host.splice = true,
            ("api", "1,splice") => (self.host.messages, self.host.splice) = (true, true),
            ("resize", "lti") => self.host.lti = true,
            ("resize", "h5p") => self.host.h5p = true,
            // Read together with the drawing.
            ("t" | "seed" | "digest", _) => {}
            _ => return name.starts_with("set."),
        }
        true
    }
}

/// Applies each word of a list. Returns whether all are known. Known words are applied in any case.
fn each_word(list: &str, mut apply: impl FnMut(&str) -> bool) -> bool {
    let mut known = true;
    for word in list.split(',') {
        known &= apply(word);
    }
    known
}

/// Returns the fragment of the page's address.
pub fn fragment() -> String {
    let Some(location) = web_sys::window().map(|window| window.location()) else { return String::new() };
    let hash = location.hash().unwrap_or_default();
    // Some programs move the fragment into the query.
    if hash.len() > 1 { hash } else { query() }
}

/// Returns the query of the page's address.
pub fn query() -> String {
    let query = web_sys::window().and_then(|window| window.location().search().ok());
    query.unwrap_or_default().trim_start_matches('?').to_string()
}

/// Shows a fragment in the address: as a new step for the Back button, or in place of the present one.
pub fn show(fragment: &str, is_new: bool) {
    let Some(window) = web_sys::window() else { return };
    let (Ok(history), location) = (window.history(), window.location()) else { return };
    if is_new && location.hash().is_ok_and(|hash| hash.is_empty()) {
        // The Back button returns to the first example, also after another drawing was changed.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&format!("#{FIRST_ADDRESS}")));
    }
    let base = format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    let url = if fragment.is_empty() { base } else { format!("{base}#{fragment}") };
    // A frame without an origin shares its history.
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

/// Returns whether the page has an origin; a sandboxed frame has none.
pub fn has_origin() -> bool {
    let origin = js_sys::Reflect::get(&js_sys::global(), &"origin".into()).ok().and_then(|origin| origin.as_string());
    origin.is_some_and(|origin| origin != "null")
}

/// Returns the playground's address for the drawing of an embed.
pub fn playground() -> String {
    let base = script_folder().unwrap_or_else(|| "../".into());
    format!("{base}{}", fragment())
}

/// Returns the playground's address without a fragment.
pub fn page() -> String {
    let own = || web_sys::window().and_then(|window| window.location().href().ok());
    let without_fragment = |href: String| href.split(['#', '?']).next().unwrap_or_default().to_string();
    script_folder().or_else(|| own().map(without_fragment)).unwrap_or_default()
}

/// Returns the element of the page's script.
fn script() -> Option<web_sys::Element> {
    web_sys::window()?.document()?.query_selector("script[data-converge]").ok()?
}

/// Returns the folder of the page's script, with a slash at its end. A page in one file has none.
pub(super) fn script_folder() -> Option<String> {
    let script = script()?;
    let source = script.get_attribute("src")?;
    let base = script.base_uri().ok()??;
    let url = web_sys::Url::new_with_base(&source, &base).ok()?.href();
    Some(url[..=url.rfind('/')?].to_string())
}

/// Returns the address of the worker's script, which the page's script notes, and whether it is a module.
pub fn worker() -> Option<(String, bool)> {
    let script = script()?;
    Some((script.get_attribute("data-worker")?, !script.has_attribute("data-classic-worker")))
}
