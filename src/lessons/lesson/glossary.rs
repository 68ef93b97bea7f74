//! The terms of `docs/glossary.md`, to which lessons link, and their German counterparts of `docs/glossary.de.md`.

use crate::language::Language;

const ENGLISH: &str = include_str!("../../../docs/glossary.md");
const GERMAN: &str = include_str!("../../../docs/glossary.de.md");

/// A row of a glossary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GlossaryRow {
    /// The ids, by which lessons in all languages link to the terms: the English terms with `-` for spaces.
    pub ids: Vec<String>,
    /// The terms, one for each id.
    pub terms: Vec<String>,
    /// The meaning of the terms.
    pub meaning: String,
}

/// Returns the text of the glossary of a language.
pub(super) fn glossary_of(language: Language) -> &'static str {
    match language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
    }
}

/// Returns whether the glossary has a term, whose spaces are written as `-`.
pub(super) fn is_term(id: &str) -> bool {
    glossary_term(id, Language::English).is_some()
}

/// Returns a term of the glossary of a language and its meaning.
pub(super) fn glossary_term(id: &str, language: Language) -> Option<(String, String)> {
    glossary_of(language).lines().filter_map(|line| glossary_row(line, language)).find_map(|row| {
        let index = row.ids.iter().position(|other| other == id)?;
        Some((row.terms.get(index)?.clone(), row.meaning.clone()))
    })
}

/// Reads a line of a glossary; none if it is no row of terms. An English row has terms and their meaning; a German one the
/// English terms before them.
pub(super) fn glossary_row(line: &str, language: Language) -> Option<GlossaryRow> {
    let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let (english, rest) = row.split_once(" | ")?;
    if english.starts_with("---") || matches!(english, "term" | "englisch") {
        return None;
    }
    let (terms, meaning) = match language {
        Language::English => (english, rest),
        Language::German => rest.split_once(" | ")?,
    };
    let id = |term: &str| term.split(" (").next().unwrap_or(term).replace(' ', "-");
    let terms = terms.split(", ").map(String::from).collect();
    Some(GlossaryRow { ids: english.split(", ").map(id).collect(), terms, meaning: meaning.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(language: Language) -> Vec<GlossaryRow> {
        glossary_of(language).lines().filter_map(|line| glossary_row(line, language)).collect()
    }

    #[test]
    fn the_german_glossary_has_the_terms_of_the_english_one_in_the_same_order() {
        let (english, german) = (rows(Language::English), rows(Language::German));
        let ids = |rows: &[GlossaryRow]| rows.iter().map(|row| row.ids.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&german), ids(&english));
        for (german, english) in german.iter().zip(&english) {
            assert_eq!(german.terms.len(), german.ids.len(), "{german:?}");
            assert_ne!(german.meaning, english.meaning);
        }
        let (term, meaning) = glossary_term("stale-read", Language::German).expect("a term");
        assert!(term == "veralteter Lesevorgang" && meaning.starts_with("ein Lesevorgang"), "{term}: {meaning}");
    }
}
