//! What the simulator writes on a German page: the log, marks of the timeline, verdicts and their reasons.

use converge::language::{Language, in_language, set_language};
use converge::scenario::challenges::CHALLENGES;
use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Scenario, micros};
use converge::session::protocol::{
    FromEngine, Query, Report, Request, ToEngine, VerdictStatus, VerdictSubject, VerdictView,
};
use converge::session::{Run, Session, log_text};
use std::collections::{BTreeMap, BTreeSet};

/// Frequent English words that are no German words. A text with one of them is not translated.
const ENGLISH: &[&str] = &[
    "a",
    "after",
    "and",
    "are",
    "at",
    "be",
    "because",
    "been",
    "by",
    "event",
    "for",
    "from",
    "had",
    "has",
    "have",
    "is",
    "it",
    "its",
    "no",
    "not",
    "of",
    "or",
    "that",
    "the",
    "to",
    "too",
    "until",
    "was",
    "were",
    "which",
    "with",
    "write",
    "read",
    "returned",
    "nothing",
    "started",
    "stopped",
    "received",
    "dropped",
    "operation",
    "delivery",
    "acknowledged",
];

/// Returns the English words of a text, apart from those of `own`.
fn english_words<'a>(text: &'a str, own: &str) -> Vec<&'a str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '-');
    words
        .filter(|word| ENGLISH.contains(word) && !own.split(|c: char| !c.is_alphanumeric()).any(|it| it == *word))
        .collect()
}

fn scenarios() -> impl Iterator<Item = Scenario> {
    let challenges = CHALLENGES.iter().map(|challenge| challenge.scenario());
    EXAMPLES.iter().map(|example| example.scenario()).chain(challenges)
}

/// The names, ids and values of a scenario.
fn own_words(scenario: &Scenario) -> String {
    fn add(value: &serde_json::Value, words: &mut String) {
        match value {
            serde_json::Value::String(text) => *words += &format!("{text} "),
            serde_json::Value::Array(items) => items.iter().for_each(|item| add(item, words)),
            serde_json::Value::Object(fields) => fields.values().for_each(|field| add(field, words)),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
    let (title, note) = (String::new(), String::new());
    let without_texts = Scenario { title, note, tasks: Vec::new(), invariants: Vec::new(), ..scenario.clone() };
    let mut words = String::new();
    add(&serde_json::to_value(without_texts).expect("a document"), &mut words);
    words
}

#[test]
fn no_kind_of_row_of_the_log_is_english() {
    let mut rows: BTreeMap<&'static str, (String, String, String)> = BTreeMap::new();
    for scenario in scenarios() {
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), 200_000, &mut |record, analysis, engine| {
            rows.entry(record.fact.name()).or_insert_with(|| {
                let write =
                    |language| in_language(language, || log_text::sentence(record, analysis, engine.names()).text);
                (write(Language::English), write(Language::German), own_words(&scenario))
            });
        });
    }
    assert!(rows.len() > 45, "{:?}", rows.keys());
    let mut found = Vec::new();
    for (fact, (english, german, own)) in &rows {
        assert_ne!(english, german, "{fact}");
        found.extend(english_words(german, own).iter().map(|word| format!("{word} in {fact}: {german}")));
    }
    assert_eq!(found, Vec::<String>::new());
}

struct Page(Session);

impl Page {
    fn open(scenario: &Scenario) -> Page {
        let mut page = Page(Session::default());
        page.request(Request::Load { scenario: Box::new(scenario.clone()), at: micros(scenario.until_ms) });
        page
    }

    fn request(&mut self, request: Request) -> Report {
        let FromEngine { report, .. } = self.0.handle(ToEngine { epoch: 1, request });
        report
    }

    fn verdicts(&mut self) -> Vec<VerdictView> {
        match self.request(Request::Query(Query::Verdicts { node: None })) {
            Report::Verdicts(verdicts) => verdicts,
            other => panic!("{other:?}"),
        }
    }

    /// The labels of all marks of the timeline.
    fn marks(&mut self, scenario: &Scenario) -> Vec<String> {
        match self.request(Request::Seek { to: micros(scenario.until_ms) }) {
            Report::Frame(frame) => frame.marks.iter().map(|mark| mark.label.clone()).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn no_verdict_reason_or_mark_is_english_and_a_change_of_the_language_changes_all() {
    let (mut violated, mut reasons, mut found) = (BTreeSet::new(), 0, BTreeSet::new());
    let mut report = |title: &str, text: &str, own: &str| {
        found.extend(english_words(text, own).iter().map(|word| format!("{word} in {title}: {text}")));
    };
    for scenario in scenarios() {
        let own = own_words(&scenario);
        let mut page = Page::open(&scenario);
        let (before, marks_before) = (page.verdicts(), page.marks(&scenario));
        set_language(Language::German);
        let (german, marks) = (page.verdicts(), page.marks(&scenario));
        set_language(Language::English);
        assert_eq!((page.verdicts(), page.marks(&scenario)), (before.clone(), marks_before.clone()));
        for (english, german) in before.iter().zip(&german) {
            assert_eq!((&english.id, english.status), (&german.id, german.status), "the language changes no verdict");
            assert!(english.title != german.title, "{}", english.title);
            assert!(english.because != german.because || english.because.is_empty(), "{}", english.because);
            let steps = german.steps.iter().map(|step| &step.text);
            // An invariant is quoted.
            let title = (german.about != VerdictSubject::Invariant).then_some(&german.title);
            for text in title.into_iter().chain([&german.because]).chain(steps) {
                report(&scenario.title, text, &own);
            }
            if german.status == VerdictStatus::Violated {
                violated.insert(german.id.clone());
            }
            reasons += usize::from(german.node.is_some());
        }
        assert_eq!(marks.len(), marks_before.len());
        for label in &marks {
            report(&scenario.title, label, &own);
        }
    }
    assert_eq!(found, BTreeSet::new());
    assert!(violated.len() > 8 && reasons > 20, "{violated:?} {reasons}");
}
