//! Titles of drawings: as the page shows them, and with a word or a number behind them.

use super::texts::{self, Language, Text};

/// The word after the title of a copy.
pub const COPY: TitleWord = TitleWord("copy", Text::new("copy"));
/// The word after the title of a drawing that was shown when the page stopped.
pub const RECOVERED: TitleWord = TitleWord("recovered", Text::new("recovered"));
/// The word after the title of a drawing that another tab has changed too. It must distinguish the two also after both tabs are
/// closed.
pub const CONFLICTING: TitleWord = TitleWord("conflicting copy", Text::new("conflicting copy"));
/// The same in drawings that earlier versions of the page have kept.
const THIS_TAB: TitleWord = TitleWord("this tab", Text::new("this tab"));

const UNTITLED: Text = Text::new("Untitled");
const WORDS: [TitleWord; 4] = [COPY, RECOVERED, CONFLICTING, THIS_TAB];

/// A word in parentheses behind a title: as documents have it, and as the page shows it.
#[derive(Clone, Copy, Debug)]
pub struct TitleWord(&'static str, Text);

impl TitleWord {
    /// Returns a title with the word.
    pub fn behind(self, title: &str) -> String {
        format!("{} ({})", title.trim(), self.0).trim().to_string()
    }
}

/// Returns a title in the page's language, if it is that of an example or a challenge, also with a number or a word behind it.
/// A drawing without a title is untitled.
pub fn shown_title(title: &str) -> String {
    title_in(title, texts::language())
}

/// Returns a title as [`shown_title`] does, in a language.
pub fn title_in(title: &str, language: Language) -> String {
    if title.is_empty() {
        return UNTITLED.of(language).into();
    }
    let translated = texts::of_document(title, language);
    if translated != title {
        return translated.into();
    }
    if let Some((stem, number)) = numbered(title) {
        return format!("{} {number}", title_in(stem, language));
    }
    if let Some((stem, word)) = title.strip_suffix(')').and_then(|title| title.rsplit_once(" (")) {
        let known = WORDS.iter().find(|known| known.0 == word);
        return format!("{} ({})", title_in(stem, language), known.map_or(word, |known| known.1.of(language)));
    }
    title.into()
}

/// Returns the stem and the number of a title with a number behind it.
pub fn numbered(title: &str) -> Option<(&str, &str)> {
    title.rsplit_once(' ').filter(|(stem, number)| !stem.is_empty() && number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_of_an_example_is_german_also_with_a_number_or_a_word_behind_it() {
        let shown = [
            ("A lost event", "Ein verlorenes Event"),
            ("A lost event 2", "Ein verlorenes Event 2"),
            ("A lost event 2 (copy)", "Ein verlorenes Event 2 (Kopie)"),
            ("A lost event (After)", "Ein verlorenes Event (After)"),
            ("", "Ohne Titel"),
            // The visitor's own titles stay, also if the page has such a word.
            ("Service", "Service"),
            ("Groups 2", "Groups 2"),
            ("My shop (conflicting copy)", "My shop (Konfliktkopie)"),
            ("My shop (conflicting copy) 2", "My shop (Konfliktkopie) 2"),
            ("My shop (this tab)", "My shop (dieser Tab)"),
        ];
        for (title, german) in shown {
            assert_eq!(title_in(title, Language::German), german);
            assert_eq!(title_in(title, Language::English), if title.is_empty() { "Untitled" } else { title });
        }
        assert_eq!(CONFLICTING.behind(" My shop "), "My shop (conflicting copy)");
        assert_eq!(COPY.behind(""), "(copy)");
    }
}
