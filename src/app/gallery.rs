//! The gallery: the examples by subject and the challenges, and which of them a search finds.

use super::edit::sentence;
use super::texts::translated;
use crate::scenario::Scenario;
use crate::scenario::challenges::{CHALLENGES, Challenge};
use crate::scenario::examples::{Difficulty, EXAMPLES, Example, Subject};
use crate::text;

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
        match self {
            Section::Examples(subject) => translated(subject.name()),
            Section::Challenges => text!("Challenges"),
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

    /// Returns what it shows, or what is to be done, as a sentence.
    pub fn promise(self) -> String {
        match self {
            Entry::Example(example) => sentence(example.shows),
            Entry::Challenge(challenge) => sentence(challenge.asks),
        }
    }
}

/// What the visitor looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words that an example contains in its id, promise, subject or level.
    pub text: String,
    /// The only section; all if absent.
    pub section: Option<Section>,
    /// The only level; all if absent.
    pub level: Option<Difficulty>,
}

impl Search {
    /// Returns whether the search finds an entry.
    pub fn finds(&self, entry: Entry) -> bool {
        let (section, level) = (entry.section(), entry.level());
        let text = format!("{} {} {} {}", entry.id(), entry.promise(), section.name(), translated(level.name()))
            .to_lowercase();
        let has_words = self.text.to_lowercase().split_whitespace().all(|word| text.contains(word));
        has_words
            && self.section.is_none_or(|wanted| wanted == section)
            && self.level.is_none_or(|wanted| wanted == level)
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
        assert_eq!(ids(&words), ["cart-siblings", "cart-or-set"]);
        let conflicts = Some(Section::Examples(Subject::Conflicts));
        let basic = Search { section: conflicts, level: Some(Difficulty::Basic), ..Search::default() };
        assert_eq!(ids(&basic), ["cart-last-writer-wins", "oversold"]);
        let challenges = Search { section: Some(Section::Challenges), text: "inbox".into(), ..Search::default() };
        assert_eq!(ids(&challenges), Vec::<&str>::new());
        let challenges = Search { text: "exactly charge".into(), ..challenges };
        assert_eq!(ids(&challenges), ["double-charge"]);
        assert_eq!(ids(&Search { text: "no such example".into(), ..basic }), Vec::<&str>::new());
    }
}
