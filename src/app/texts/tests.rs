use super::*;
use crate::scenario::challenges::CHALLENGES;
use crate::scenario::examples::{Difficulty, EXAMPLES, Subject};
use crate::scenario::{Consistency, Scenario};
use std::collections::BTreeSet;

/// Returns the numbers of the values that a text shows, in order of their numbers.
fn gaps(text: &str) -> Vec<usize> {
    let gaps = text.split('{').skip(1).map(|after| after.split('}').next().expect("a gap ends"));
    // Other words in braces are part of the text, such as the notation of a set.
    let number = |(at, gap): (usize, &str)| if gap.is_empty() { Some(at) } else { gap.parse().ok() };
    let mut numbers: Vec<usize> = gaps.enumerate().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_text_is_shown_in_the_language_of_the_page() {
    assert_eq!(crate::text!("Undo"), "Undo");
    set_language(Language::German);
    assert_eq!(crate::text!("Undo"), "Rückgängig");
    assert_eq!(translated("not a text of the page"), "not a text of the page");
    set_language(Language::English);
}

#[test]
fn values_fill_gaps_in_the_order_of_the_language() {
    assert_eq!(filled("{} of {}", &[&2, &"five"]), "2 of five");
    assert_eq!(filled("von {1} sind es {0}", &[&2, &"five"]), "von five sind es 2");
    assert_eq!(filled("none", &[]), "none");
}

#[test]
fn both_languages_show_the_same_values() {
    for (english, german) in all() {
        assert_eq!(gaps(english), gaps(german), "{english}");
        assert!(!english.is_empty() && !german.is_empty(), "{english}");
        assert_eq!(english.ends_with('.'), german.ends_with('.'), "{english}");
        assert_eq!(english.trim(), english, "{english}");
        assert_eq!(german.trim(), german, "{english}");
    }
}

#[test]
fn each_text_is_in_the_table_once() {
    let mut listed = BTreeSet::new();
    let twice: Vec<_> = all().filter(|(english, _)| !listed.insert(*english)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn the_words_that_scenarios_name_are_in_the_table() {
    let words = Consistency::ALL
        .map(Consistency::name)
        .into_iter()
        .chain(Subject::ALL.map(Subject::name))
        .chain(Difficulty::ALL.map(Difficulty::name));
    let missing: BTreeSet<&str> = words.filter(|word| !all().any(|(english, _)| english == *word)).collect();
    assert_eq!(missing, BTreeSet::new());
}

/// Returns the digits of a text, sorted: languages write numbers with different separators, and in another order.
fn digits(text: &str) -> Vec<char> {
    let mut digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    digits.sort_unstable();
    digits
}

/// Returns what a document of the program shows in words, apart from the names of its nodes.
fn texts_of(scenario: &Scenario) -> Vec<String> {
    let mut texts = vec![scenario.title.clone(), scenario.note.clone()];
    for task in &scenario.tasks {
        texts.extend([task.title.clone(), task.text.clone()]);
        texts.extend(task.goals.iter().map(|goal| goal.text.clone()).chain(task.hints.clone()));
    }
    texts.retain(|text| !text.is_empty());
    texts
}

/// Returns the texts of documents that have no German, or German with other numbers or the same words.
fn not_german<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    texts
        .into_iter()
        .filter(|english| {
            let german = of_document(english, Language::German);
            german == *english || digits(german) != digits(english)
        })
        .collect()
}

/// Returns the texts of all examples and challenges.
fn texts_of_documents() -> BTreeSet<String> {
    let examples = EXAMPLES.iter().map(|example| (example.scenario(), example.shows));
    let challenges = CHALLENGES.iter().map(|challenge| (challenge.scenario(), challenge.asks));
    let texts = |(scenario, promise): (Scenario, &str)| texts_of(&scenario).into_iter().chain([promise.to_string()]);
    examples.chain(challenges).flat_map(texts).collect()
}

#[test]
fn the_texts_of_all_examples_and_challenges_are_german_on_the_german_page() {
    let texts = texts_of_documents();
    assert_eq!(not_german(texts.iter().map(String::as_str)), Vec::<&str>::new());
    assert_eq!(not_german(["A lost event", "not a text of a document"]), ["not a text of a document"]);
}

#[test]
fn the_texts_of_documents_have_no_entry_that_no_document_has() {
    let used = texts_of_documents();
    let entries = DOCUMENTS.iter().flat_map(|part| part.iter());
    let unused: Vec<&str> = entries.map(|(english, _)| *english).filter(|english| !used.contains(*english)).collect();
    assert_eq!(unused, Vec::<&str>::new());
}

#[test]
fn on_a_german_page_no_time_has_a_decimal_point() {
    use crate::app::playback::{clock, exact, short};
    use crate::language::in_language;
    let times = || [clock(3_300_000), short(600_000), exact(12_340), exact(2_500_000)];
    assert_eq!(in_language(Language::German, times), ["3,300 s", "0,6 s", "12,3 ms", "2,50 s"]);
    assert_eq!(times(), ["3.300 s", "0.6 s", "12.3 ms", "2.50 s"]);
}
