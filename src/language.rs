//! The language of texts for people, and the texts that the simulator itself writes: sentences of the log, verdicts,
//! reasons. The code that makes a text has it in both languages, so none can be missing.
//!
//! The language is a setting of the thread, English unless the page sets another one: [`set_language`] in its window, and in
//! its worker with each request. The command line and the JavaScript module never set it. Nothing that is simulated, written
//! to a trace or stored in a document depends on it.

use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::fmt;

/// A language of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All languages.
    pub const ALL: [Language; 2] = [Language::English, Language::German];

    /// Returns its code in BCP 47: `en`, `de`.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
        }
    }

    /// Returns its own name.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::German => "Deutsch",
        }
    }

    /// Returns the language that the button for languages switches to.
    pub fn following(self) -> Language {
        match self {
            Language::English => Language::German,
            Language::German => Language::English,
        }
    }

    /// Returns the language of a code, which may name a region: `de-AT`.
    pub fn from_code(code: &str) -> Option<Language> {
        let primary = code.split('-').next().unwrap_or_default();
        Language::ALL.into_iter().find(|language| language.code().eq_ignore_ascii_case(primary))
    }
}

thread_local! {
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::English) };
}

/// Returns the language in which this thread writes texts.
pub fn language() -> Language {
    LANGUAGE.get()
}

/// Lets this thread write texts in a language from now on.
pub fn set_language(language: Language) {
    LANGUAGE.set(language);
}

/// Makes a text in a language, independently of the language of the thread.
pub fn in_language<T>(language: Language, make: impl FnOnce() -> T) -> T {
    let before = LANGUAGE.replace(language);
    let made = make();
    LANGUAGE.set(before);
    made
}

/// Returns a text without gaps in the language of this thread.
#[inline(never)] // the page carries hundreds of calls
pub fn phrase(english: &'static str, german: &'static str) -> &'static str {
    match language() {
        Language::English => english,
        Language::German => german,
    }
}

/// Formats a text in the language of this thread: the English text, the German one, and the values of their gaps, as for
/// `format!`. A text that does not show all values does not compile.
macro_rules! sentence {
    ($english:literal, $german:literal $(,)?) => {
        $crate::language::chosen(format_args!($english), format_args!($german))
    };
    ($english:literal, $german:literal, $a:expr $(,)?) => {
        match (&$a,) {
            of => $crate::language::chosen(format_args!($english, of.0), format_args!($german, of.0)),
        }
    };
    ($english:literal, $german:literal, $a:expr, $b:expr $(,)?) => {
        match (&$a, &$b) {
            of => $crate::language::chosen(format_args!($english, of.0, of.1), format_args!($german, of.0, of.1)),
        }
    };
    ($english:literal, $german:literal, $a:expr, $b:expr, $c:expr $(,)?) => {
        match (&$a, &$b, &$c) {
            of => $crate::language::chosen(
                format_args!($english, of.0, of.1, of.2),
                format_args!($german, of.0, of.1, of.2),
            ),
        }
    };
    ($english:literal, $german:literal, $a:expr, $b:expr, $c:expr, $d:expr $(,)?) => {
        match (&$a, &$b, &$c, &$d) {
            of => $crate::language::chosen(
                format_args!($english, of.0, of.1, of.2, of.3),
                format_args!($german, of.0, of.1, of.2, of.3),
            ),
        }
    };
    ($english:literal, $german:literal, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr $(,)?) => {
        match (&$a, &$b, &$c, &$d, &$e) {
            of => $crate::language::chosen(
                format_args!($english, of.0, of.1, of.2, of.3, of.4),
                format_args!($german, of.0, of.1, of.2, of.3, of.4),
            ),
        }
    };
}

pub(crate) use sentence;

/// Formats that of two texts which is in the language of this thread.
#[inline(never)] // the page carries hundreds of calls
pub(crate) fn chosen(english: fmt::Arguments<'_>, german: fmt::Arguments<'_>) -> String {
    match language() {
        Language::English => english.to_string(),
        Language::German => german.to_string(),
    }
}

/// Returns a formatted number with the decimal separator of this thread's language. Every number that a person reads passes
/// here if it can have decimals; those of documents, links, tables for programs, and fields of a form do not.
pub fn decimal(number: impl fmt::Display) -> String {
    let number = number.to_string();
    match language() {
        Language::English => number,
        Language::German => number.replace('.', ","),
    }
}

/// A text in each language, for what is kept until the page, whose language may change, asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts([String; 2]);

impl Texts {
    /// Makes a text in each language.
    pub fn new(make: impl Fn() -> String) -> Texts {
        Texts(Language::ALL.map(|language| in_language(language, &make)))
    }

    /// Returns it in the language of this thread.
    pub fn get(&self) -> &str {
        let [english, german] = &self.0;
        match language() {
            Language::English => english,
            Language::German => german,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_languages_may_name_a_region() {
        assert_eq!(Language::from_code("de-AT"), Some(Language::German));
        assert_eq!(Language::from_code("EN"), Some(Language::English));
        assert_eq!(Language::from_code("fr"), None);
    }

    #[test]
    fn a_text_is_written_in_the_language_of_its_thread_and_a_kept_one_follows_it() {
        let write = || sentence!("{} of {}", "von {1} sind es {0}", 2, "five");
        let kept = Texts::new(write);
        assert_eq!((write().as_str(), kept.get(), phrase("lost", "verloren")), ("2 of five", "2 of five", "lost"));
        set_language(Language::German);
        assert_eq!((write().as_str(), kept.get()), ("von five sind es 2", "von five sind es 2"));
        assert_eq!(phrase("lost", "verloren"), "verloren");
        assert_eq!(in_language(Language::English, write), "2 of five");
        set_language(Language::English);
    }
}
