use super::*;
use crate::scenario::Consistency;
use crate::scenario::examples::{Difficulty, Subject};
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
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = all().filter(|(english, _)| !seen.insert(*english)).collect();
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
