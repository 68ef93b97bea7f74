//! What the simulator writes on a German page: the log, marks of the timeline, verdicts and their reasons.

use converge::language::{Language, in_language, set_language};
use converge::lessons::lesson::Lesson;
use converge::scenario::challenges::CHALLENGES;
use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Scenario, micros};
use converge::session::protocol::{
    ExportKind, FromEngine, Query, Report, Request, ToEngine, VerdictStatus, VerdictSubject, VerdictView,
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
        .filter(|word| ENGLISH.contains(word) && !own.split(|c: char| !c.is_alphanumeric()).any(|other| other == *word))
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

/// Returns the numbers of a text that have a decimal point: `0.5`, `1.234`. The simulator does not group digits, so a point in a
/// number is never a German separator of thousands; only lessons, which this does not read, have those.
fn decimal_points<'a>(text: &'a str, own: &str) -> Vec<&'a str> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let has_point = |word: &&str| {
        let Some((whole, rest)) = word.split_once('.') else { return false };
        !whole.is_empty() && !rest.is_empty()
    };
    words.filter(has_point).filter(|word| !own.contains(word)).collect()
}

#[test]
fn a_decimal_point_is_found_however_many_decimals_follow_it() {
    assert_eq!(decimal_points("nach 0.5 ms, 1.234 ms und 12.5 ms.", ""), ["0.5", "1.234", "12.5"]);
    assert_eq!(decimal_points("nach 0,5 ms und 1234 ms. Kopie 3.", ""), Vec::<&str>::new());
    assert_eq!(decimal_points("Version 1.234", "1.234"), Vec::<&str>::new());
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
        let strange = english_words(german, own).into_iter().chain(decimal_points(german, own));
        found.extend(strange.map(|word| format!("{word} in {fact}: {german}")));
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
        let strange = english_words(text, own).into_iter().chain(decimal_points(text, own));
        found.extend(strange.map(|word| format!("{word} in {title}: {text}")));
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

#[test]
fn a_diagram_or_log_for_people_is_german_and_a_file_for_programs_is_the_same_in_both_languages() {
    let export = |scenario: &Scenario, kind: ExportKind, language| {
        in_language(language, || {
            let (mut page, mut whole) = (Page::open(scenario), String::new());
            for slice in 0.. {
                match page.request(Request::Query(Query::Export { kind, slice })) {
                    Report::Text { text, more, .. } => {
                        whole.push_str(&text);
                        if !more {
                            break;
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            whole
        })
    };
    let mut found = BTreeSet::new();
    for id in ["inventory-notification", "quorum-inversion", "lost-event"] {
        let example = EXAMPLES.iter().find(|example| example.id == id).expect("an example");
        let scenario = example.scenario();
        let own = own_words(&scenario);
        for kind in [ExportKind::Csv, ExportKind::History] {
            let [english, german] = Language::ALL.map(|language| export(&scenario, kind, language));
            assert!(english == german, "{id}: {kind:?}");
        }
        for kind in [ExportKind::Mermaid, ExportKind::Shiviz] {
            let text = export(&scenario, kind, Language::German);
            for line in text.lines().filter(|line| !line.starts_with("    participant") && !line.contains("%% ")) {
                let strange = english_words(line, &own).into_iter().chain(decimal_points(line, &own));
                found.extend(strange.map(|word| format!("{word} in {kind:?}: {line}")));
            }
        }
    }
    assert_eq!(found, BTreeSet::new());
}

#[test]
fn errors_of_a_document_and_of_a_lesson_are_german() {
    let documents = [
        (r#"{"converge": 1,"#, "das ist kein JSON (Zeile 1, Spalte 15): der Text endet zu früh"),
        (r#"{"converge": 01}"#, "das ist kein JSON (Zeile 1, Spalte 15): die Zahl ist ungültig"),
        (r#"{"converge": x}"#, "das ist kein JSON (Zeile 1, Spalte 14): hier steht kein Wert"),
        (r#"{"converge": 1, "converge": 1}"#, "Zeile 1, Spalte 26: das Feld `converge` kommt zweimal vor"),
        (r#"{"converge": 1, "until_ms": []}"#, "until_ms: erwartet wird eine Zahl, nicht eine Liste"),
        (r#"{"converge": 1, "services": [{}]}"#, "services[0]: das Feld `id` fehlt"),
        (
            r#"{"converge": 1, "services": [{"id": "a", "data": {"k": 0.5}}]}"#,
            "services[0].data.k: erwartet wird eine ganze Zahl, nicht 0.5",
        ),
    ];
    for (text, expected) in documents {
        let errors = in_language(Language::German, || Scenario::from_json(text).expect_err(text));
        assert_eq!(errors.first().map(ToString::to_string).as_deref(), Some(expected));
    }
    let head = "---\nlesson: 1\nid: test\ntitle: A\n---\n";
    let lessons = [
        ("# Titel\n".to_string(), 1, "am Anfang werden zwischen zwei Zeilen `---`"),
        (format!("{head}## A {{#a}}\n<b>x</b>\n"), 7, "HTML ist nicht erlaubt"),
        (format!("{head}## A {{#a}}\n```question\n{{ \"id\": x }}\n```\n"), 8, "das ist kein JSON (Zeile 1, Spalte 9)"),
    ];
    for (text, line, expected) in lessons {
        let errors = in_language(Language::German, || Lesson::parse(&text).map(|_| ()).expect_err(&text));
        let found = errors.iter().any(|error| error.line == line && error.problem.contains(expected));
        assert!(found, "{errors:?}");
        let problems: Vec<&str> = errors.iter().flat_map(|error| english_words(&error.problem, "")).collect();
        assert_eq!(problems, Vec::<&str>::new());
    }
}
