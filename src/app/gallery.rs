//! The gallery: the examples by subject, and which of them a search finds.

use crate::scenario::examples::{Difficulty, EXAMPLES, Example, Subject};

/// What the visitor looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words that an example contains in its id, promise, subject or level.
    pub text: String,
    /// The only subject; all if absent.
    pub subject: Option<Subject>,
    /// The only level; all if absent.
    pub level: Option<Difficulty>,
}

impl Search {
    /// Returns whether the search finds an example.
    pub fn finds(&self, example: &Example) -> bool {
        let text = format!("{} {} {} {}", example.id, example.shows, example.subject.name(), example.level.name());
        let text = text.to_lowercase();
        let has_words = self.text.to_lowercase().split_whitespace().all(|word| text.contains(word));
        has_words
            && self.subject.is_none_or(|subject| subject == example.subject)
            && self.level.is_none_or(|level| level == example.level)
    }

    /// Returns the examples that the search finds, by subject; subjects without any are left out.
    pub fn found(&self) -> Vec<(Subject, Vec<&'static Example>)> {
        let of = |subject: Subject| {
            let found = EXAMPLES.iter().filter(|example| example.subject == subject && self.finds(example));
            (subject, found.collect::<Vec<_>>())
        };
        Subject::ALL.into_iter().map(of).filter(|(_, examples)| !examples.is_empty()).collect()
    }
}

/// Returns what an example shows, as a sentence.
pub fn promise(example: &Example) -> String {
    let mut letters = example.shows.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_in_the_gallery_once() {
        let all: Vec<&str> = Search::default().found().iter().flat_map(|(_, list)| list).map(|one| one.id).collect();
        assert_eq!(all.len(), EXAMPLES.len());
        assert!(EXAMPLES.iter().all(|example| all.contains(&example.id)));
        assert!(Subject::ALL.into_iter().all(|subject| EXAMPLES.iter().any(|example| example.subject == subject)));
    }

    #[test]
    fn a_search_combines_words_subject_and_level() {
        let ids = |search: &Search| -> Vec<&str> {
            search.found().iter().flat_map(|(_, list)| list).map(|example| example.id).collect()
        };
        let words = Search { text: " CART merges ".into(), ..Search::default() };
        assert_eq!(ids(&words), ["cart-siblings", "cart-or-set"]);
        let basic = Search { subject: Some(Subject::Conflicts), level: Some(Difficulty::Basic), ..Search::default() };
        assert_eq!(ids(&basic), ["cart-last-writer-wins", "oversold"]);
        assert_eq!(ids(&Search { text: "no such example".into(), ..basic }), Vec::<&str>::new());
    }

    #[test]
    fn a_promise_is_a_sentence() {
        let example = EXAMPLES.iter().find(|example| example.id == "oversold-strong").expect("an example");
        assert_eq!(promise(example), "The same under Raft: sold once.");
    }
}
