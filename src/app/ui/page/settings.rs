//! The settings with which the page starts: what the browser keeps, and those of the address.

use super::measure::window_sizes;
use crate::app::browser::{address, language, storage, theme};
use crate::app::model::{KEPT_HINTS, KEPT_KEYS, KEPT_MOTION, KEPT_TASKS, KEPT_THEME, Model, Theme};

/// Returns an empty model with the visitor's settings.
pub fn initial_model() -> Model {
    let mut model = Model::default();
    model.preferences.theme = storage::kept(KEPT_THEME).map_or(Theme::Auto, |word| Theme::from_word(&word));
    model.preferences.reduced_motion =
        storage::kept(KEPT_MOTION).map_or_else(theme::reduced_motion, |word| word == "less");
    model.drawings.tab = (js_sys::Math::random() * f64::from(u32::MAX)) as u32;
    model.preferences.single_keys = storage::kept(KEPT_KEYS).as_deref() != Some("off");
    model.tasks.kept = storage::kept(KEPT_TASKS);
    model.preferences.hints = storage::kept(KEPT_HINTS).as_deref() != Some("off");
    let address = address::read(&address::fragment());
    model.preferences.language = address.language.unwrap_or_else(language::preferred);
    language::apply(model.preferences.language);
    if address::is_embed() {
        (model.mode, model.controls) = (address.mode, address.controls);
        (model.hidden, model.locked) = (address.hidden, address.locked);
    }
    // The parts of one column are in their places from the first frame on.
    (model.viewport.narrow, model.viewport.unit) = window_sizes();
    theme::set_reduced_motion(model.preferences.reduced_motion);
    theme::apply(model.preferences.theme);
    model
}
