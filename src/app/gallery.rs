//! The gallery: the examples by subject and the challenges, and which of them a search finds.

use super::edit::sentence;
use super::texts::{Language, Text, language, of_document, translated};
use crate::scenario::Scenario;
use crate::scenario::challenges::{CHALLENGES, Challenge};
use crate::scenario::examples::{Difficulty, EXAMPLES, Example, Subject};

const CHALLENGES_TITLE: Text = Text::new("Challenges");

/// A section of the gallery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The examples of a subject.
    Examples(Subject),
    /// The challenges.
    Challenges,
}

impl Section {
    /// Returns all sections, in their order.
    pub fn all() -> Vec<Section> {
        Subject::ALL.into_iter().map(Section::Examples).chain([Section::Challenges]).collect()
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        translated(self.english_name())
    }

    fn english_name(self) -> &'static str {
        match self {
            Section::Examples(subject) => subject.name(),
            Section::Challenges => CHALLENGES_TITLE.of(Language::English),
        }
    }
}

/// An example or a challenge in the gallery.
#[derive(Clone, Copy, Debug)]
pub enum Entry {
    /// An example.
    Example(&'static Example),
    /// A challenge.
    Challenge(&'static Challenge),
}

impl Entry {
    /// Returns all examples and challenges.
    pub fn all() -> impl Iterator<Item = Entry> {
        EXAMPLES.iter().map(Entry::Example).chain(CHALLENGES.iter().map(Entry::Challenge))
    }

    /// Returns the fragment of its address.
    pub fn fragment(self) -> String {
        match self {
            Entry::Example(example) => format!("ex={}", example.id),
            Entry::Challenge(challenge) => format!("challenge={}", challenge.id),
        }
    }

    /// Returns its id, which is unique in its section.
    pub fn id(self) -> &'static str {
        match self {
            Entry::Example(example) => example.id,
            Entry::Challenge(challenge) => challenge.id,
        }
    }

    /// Returns how much it takes for granted.
    pub fn level(self) -> Difficulty {
        match self {
            Entry::Example(example) => example.level,
            Entry::Challenge(challenge) => challenge.level,
        }
    }

    /// Returns its section.
    pub fn section(self) -> Section {
        match self {
            Entry::Example(example) => Section::Examples(example.subject),
            Entry::Challenge(_) => Section::Challenges,
        }
    }

    /// Returns its scenario.
    pub fn scenario(self) -> Scenario {
        match self {
            Entry::Example(example) => example.scenario(),
            Entry::Challenge(challenge) => challenge.scenario(),
        }
    }

    /// Returns the description of an example, or the exercise of a challenge, as a sentence.
    pub fn promise(self) -> String {
        self.promise_in(language())
    }

    fn promise_in(self, language: Language) -> String {
        let phrase = match self {
            Entry::Example(example) => example.shows,
            Entry::Challenge(challenge) => challenge.asks,
        };
        sentence(of_document(phrase, language))
    }

    /// Returns the words by which a search finds it: those that the page shows, and the English ones.
    fn words(self) -> String {
        let (section, level) = (self.section(), self.level().name());
        let english = format!("{} {} {level}", self.promise_in(Language::English), section.english_name());
        format!("{} {} {} {} {english}", self.id(), self.promise(), section.name(), translated(level)).to_lowercase()
    }
}

/// The search text and filters of the visitor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words that an example contains in its id, promise, subject or level, in the page's language or in English.
    pub text: String,
    /// The only section; all if absent.
    pub section: Option<Section>,
    /// The only level; all if absent.
    pub level: Option<Difficulty>,
}

impl Search {
    /// Returns whether the search finds an entry.
    pub fn finds(&self, entry: Entry) -> bool {
        let text = entry.words();
        let has_words = self.text.to_lowercase().split_whitespace().all(|word| text.contains(word));
        has_words
            && self.section.is_none_or(|wanted| wanted == entry.section())
            && self.level.is_none_or(|wanted| wanted == entry.level())
    }

    /// Returns what the search finds, by section; sections without any entry are left out.
    pub fn found(&self) -> Vec<(Section, Vec<Entry>)> {
        let of = |section: Section| {
            let found = Entry::all().filter(|entry| entry.section() == section && self.finds(*entry));
            (section, found.collect::<Vec<_>>())
        };
        Section::all().into_iter().map(of).filter(|(_, entries)| !entries.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::texts::set_language;

    #[test]
    fn every_example_and_every_challenge_is_in_the_gallery_once() {
        let found = Search::default().found();
        let all: Vec<String> = found.iter().flat_map(|(_, list)| list).map(|one| one.fragment()).collect();
        assert_eq!(all.len(), EXAMPLES.len() + CHALLENGES.len());
        assert!(Entry::all().all(|entry| all.contains(&entry.fragment())));
        assert_eq!(found.len(), Section::all().len());
        let is_sentence = |text: &str| text.starts_with(char::is_uppercase) && text.ends_with('.');
        assert!(Entry::all().all(|entry| is_sentence(&entry.promise())));
    }

    #[test]
    fn a_search_combines_words_subject_and_level() {
        let ids = |search: &Search| -> Vec<&str> {
            search.found().iter().flat_map(|(_, list)| list).map(|entry| entry.id()).collect()
        };
        let words = Search { text: " CART merges ".into(), ..Search::default() };
        assert_eq!(ids(&words), ["cart-or-set", "cart-siblings"]);
        let conflicts = Some(Section::Examples(Subject::Conflicts));
        let basic = Search { section: conflicts, level: Some(Difficulty::Basic), ..Search::default() };
        assert_eq!(ids(&basic), ["cart-last-writer-wins", "oversold", "bank-transfer"]);
        let challenges = Search { section: Some(Section::Challenges), text: "inbox".into(), ..Search::default() };
        assert_eq!(ids(&challenges), Vec::<&str>::new());
        let challenges = Search { text: "exactly charge".into(), ..challenges };
        assert_eq!(ids(&challenges), ["double-charge"]);
        assert_eq!(ids(&Search { text: "no such example".into(), ..basic }), Vec::<&str>::new());
    }

    #[test]
    fn a_search_for_a_real_system_finds_its_examples_in_both_languages() {
        let cases: [(&str, &[&str]); 5] = [
            ("Netflix", &["viewing-history"]),
            ("Amazon", &["global-table-skew", "visibility-timeout", "cart-siblings", "simpledb-2010"]),
            ("Dynamo cart", &["cart-siblings"]),
            ("LinkedIn", &["feed-fan-out"]),
            ("bank", &["bank-transfer", "bank-transfer-strong"]),
        ];
        for language in Language::ALL {
            set_language(language);
            for (text, expected) in cases {
                let found = Search { text: text.into(), ..Search::default() }.found();
                let ids: Vec<&str> = found.iter().flat_map(|(_, list)| list).map(|entry| entry.id()).collect();
                assert_eq!(ids, expected, "{text}");
            }
        }
        set_language(Language::English);
    }

    #[test]
    fn a_promise_is_understood_without_the_one_before_it() {
        for entry in Entry::all() {
            let promise = entry.promise_in(Language::English).to_lowercase();
            let refers =
                ["the same event", "the same cart", "the same clients", "the same under", "of these", "prevent this"];
            assert!(!refers.iter().any(|words| promise.contains(words)), "{promise}");
        }
    }

    #[test]
    fn the_german_gallery_is_found_by_german_and_english_words() {
        set_language(Language::German);
        let ids = |text: &str| -> Vec<&str> {
            let found = Search { text: text.into(), ..Search::default() }.found();
            found.iter().flat_map(|(_, list)| list).map(|entry| entry.id()).collect()
        };
        let is_sentence = |text: &str| text.starts_with(char::is_uppercase) && text.ends_with('.');
        assert!(Entry::all().all(|entry| is_sentence(&entry.promise())));
        for words in ["cart merges", "Warenkorb zusammenführt"] {
            assert_eq!(ids(words), ["cart-or-set", "cart-siblings"], "{words}");
        }
        for words in ["warenkorb Konflikte mittel", "cart conflicts intermediate"] {
            assert_eq!(ids(words), ["cart-or-set"], "{words}");
        }
        set_language(Language::English);
        assert_eq!(ids("Warenkorb"), Vec::<&str>::new(), "the English page has no German words");
    }
}
