//! The visitor's preferences, and the keys under which the browser stores them and other data.

use super::{Effect, Model, Redraw};
use crate::app::measurement::Measurement;
use crate::app::texts::{self, Language};
use crate::session::protocol::Request;

/// Storage key of the id of the drawing that was changed last.
pub const KEPT_LAST: &str = "converge.last";
/// Storage keys of work that tabs keep for the next visit, newest first. Earlier versions of the page kept all work under the
/// first two.
pub const KEPT_WORK: [&str; 8] = [
    "converge.work",
    "converge.before",
    "converge.work-3",
    "converge.work-4",
    "converge.work-5",
    "converge.work-6",
    "converge.work-7",
    "converge.work-8",
];
/// Key of what a tab keeps of its document while it is reloaded, in the storage of the tab.
pub const KEPT_TAB: &str = "converge.tab";
/// Storage key of the theme.
pub const KEPT_THEME: &str = "converge.theme";
/// Storage key of the motion preference: `less` or `full`.
pub const KEPT_MOTION: &str = "converge.motion";
/// Storage key of the language, as its code.
pub const KEPT_LANGUAGE: &str = "converge.language";
/// Storage key of the single-key shortcuts: `on` or `off`.
pub const KEPT_KEYS: &str = "converge.keys";

/// Storage key of the hints: `off`, or absent.
pub const KEPT_HINTS: &str = "converge.hints";

/// Storage key of the answers to the questions of lessons.
pub const KEPT_LESSONS: &str = "converge.lessons";

/// Storage key of the programming language of the code in lessons.
pub const KEPT_CODE: &str = "converge.code";

/// Storage key of attempts, hints and points of tasks.
pub const KEPT_TASKS: &str = "converge.tasks";

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// The system's preference.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Returns the word that is stored.
    pub fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// Reads a stored word.
    pub fn from_word(word: &str) -> Theme {
        match word {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::Auto,
        }
    }

    /// Returns the theme that the theme button switches to.
    pub fn following(self) -> Theme {
        match self {
            Theme::Auto => Theme::Dark,
            Theme::Dark => Theme::Light,
            Theme::Light => Theme::Auto,
        }
    }
}

/// The visitor's preferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Light or dark.
    pub theme: Theme,
    /// The language of the page.
    pub language: Language,
    /// Whether messages move in steps and nothing slides.
    pub reduced_motion: bool,
    /// Whether shortcuts of a single character are on.
    pub single_keys: bool,
    /// Whether an empty canvas shows the first steps.
    pub hints: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Preferences {
            theme: Theme::Auto,
            language: Language::English,
            reduced_motion: false,
            single_keys: true,
            hints: true,
        }
    }
}

/// Changes a preference; the browser stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreferencesMsg {
    /// Use this theme.
    Theme(Theme),
    /// Use the theme that follows the current one.
    NextTheme,
    /// Show the page in the language that follows the current one.
    NextLanguage,
    /// Reduce motion, or not.
    ReducedMotion(bool),
    /// Turn shortcuts of a single character on or off.
    SingleKeys(bool),
    /// Do not show the first steps again.
    HideHints,
}

impl Model {
    pub(super) fn update_preferences(&mut self, msg: PreferencesMsg, effects: &mut Vec<Effect>) {
        match msg {
            PreferencesMsg::Theme(theme) => self.set_theme(theme, effects),
            PreferencesMsg::NextTheme => self.set_theme(self.preferences.theme.following(), effects),
            PreferencesMsg::NextLanguage => {
                self.preferences.language = self.preferences.language.following();
                texts::set_language(self.preferences.language);
                // The scene contains texts, such as the words of links.
                self.update_scene();
                // The whole state, with the log and the verdicts that the page then asks for, is in the new language.
                self.playback.enqueue(Request::Seek { to: self.playback.destination() });
                self.verdicts.pinned = None;
                self.measurement = Measurement::default();
                effects.push(Effect::Language(self.preferences.language));
                effects.push(Effect::Keep(KEPT_LANGUAGE, self.preferences.language.code().into()));
                self.translate_lesson(self.preferences.language.code(), effects);
            }
            PreferencesMsg::ReducedMotion(reduced) => {
                self.preferences.reduced_motion = reduced;
                effects.push(Effect::LessMotion(reduced));
                effects.push(Effect::Keep(KEPT_MOTION, if reduced { "less" } else { "full" }.into()));
            }
            PreferencesMsg::HideHints => {
                self.preferences.hints = false;
                effects.push(Effect::Keep(KEPT_HINTS, "off".into()));
            }
            PreferencesMsg::SingleKeys(on) => {
                self.preferences.single_keys = on;
                effects.push(Effect::Keep(KEPT_KEYS, if on { "on" } else { "off" }.into()));
            }
        }
        self.redraw = Redraw { page: true, paint: true };
    }

    fn set_theme(&mut self, theme: Theme, effects: &mut Vec<Effect>) {
        self.preferences.theme = theme;
        effects.push(Effect::Theme(theme));
        effects.push(Effect::Keep(KEPT_THEME, theme.word().into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::{DocumentMsg, Msg, update};

    #[test]
    fn another_language_is_kept_and_reaches_the_texts_of_the_scene() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let connections = |model: &Model| model.scene.nodes[0].connections.to_string();
        assert!(connections(&model).starts_with("publishes to"), "{}", connections(&model));
        let effects = update(&mut model, Msg::Preferences(PreferencesMsg::NextLanguage));
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Keep(KEPT_LANGUAGE, code) if code == "de")));
        assert!(!connections(&model).starts_with("publishes to"), "{}", connections(&model));
        update(&mut model, Msg::Preferences(PreferencesMsg::NextLanguage));
        assert!(connections(&model).starts_with("publishes to"), "{}", connections(&model));
    }
}
