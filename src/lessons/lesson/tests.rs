use super::*;
use crate::lessons::LESSONS;
use crate::session::protocol::lesson::{LessonQuery, LessonReport};
use crate::session::{Run, fact_times};
use std::collections::BTreeSet;

const HEAD: &str = "---\nlesson: 1\nid: test\ntitle: A test\n---\n";

fn problems(text: &str) -> Vec<(usize, String)> {
    let errors = Lesson::parse(text).map(|_| ()).expect_err(text);
    errors.into_iter().map(|error| (error.line, error.problem)).collect()
}

#[test]
fn the_engine_reaches_each_marked_line() {
    for (_, text) in LESSONS {
        let lesson = Lesson::parse(text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        for listing in &lesson.listings {
            let scenario = &lesson.scenarios[&listing.scenario];
            let mut run = Run::new(scenario);
            let mut waiting: Vec<_> =
                listing.code.iter().filter_map(|(code, mark)| Some((code, mark.as_ref()?))).collect();
            run.advance(crate::scenario::micros(scenario.until_ms), u64::MAX, &mut |record, analysis, engine| {
                waiting.retain(|(_, mark)| !fact_times::matches(mark, record, analysis, engine.names()));
            });
            assert_eq!(waiting, Vec::new(), "{}, line {}", lesson.id, listing.line);
            assert!(listing.code.iter().any(|(_, fact)| fact.is_some()), "{}, line {}", lesson.id, listing.line);
        }
    }
}

#[test]
fn a_failed_call_lights_the_line_that_raises_and_a_reply_lights_no_call() {
    for (_, text) in LESSONS {
        let lesson = Lesson::parse(text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        for listing in lesson.listings.iter().filter(|listing| listing.scenario == "before") {
            let mut run = Run::new(&lesson.scenarios["before"]);
            let marks: Vec<_> = listing.code.iter().filter_map(|(_, mark)| mark.as_ref()).collect();
            let mut counts = vec![0; marks.len()];
            run.advance(crate::scenario::micros(5_500.0), u64::MAX, &mut |record, analysis, engine| {
                for (count, mark) in counts.iter_mut().zip(&marks) {
                    *count += i32::from(fact_times::matches(mark, record, analysis, engine.names()));
                }
            });
            // Three writes, of which one finds Notification down.
            assert_eq!(counts, [3, 1, 2, 2], "{}", listing.language);
        }
    }
}

#[test]
fn the_pattern_lesson_has_its_ten_ways_and_enough_questions() {
    let lesson = Lesson::parse(LESSONS[0].1).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let steps: Vec<&str> = lesson.steps.iter().map(|step| step.id.as_str()).collect();
    let ways = [
        "problem",
        "watch",
        "code",
        "compare",
        "trade-offs",
        "break-it",
        "conflicts",
        "alternatives",
        "where",
        "practice",
    ];
    assert_eq!(steps, ways);
    assert!(lesson.questions.len() >= 15, "{}", lesson.questions.len());
    let levels: BTreeSet<u32> = lesson.questions.iter().map(|question| question.level).collect();
    assert_eq!(levels.len(), 3);
}

#[test]
fn errors_have_the_line_of_the_file() {
    let scenario = "```scenario a ex=first-update\n```\n"; // lines 7 and 8
    let question = |shown: &str| {
        format!(
            "{HEAD}## One {{#one}}\n{scenario}```question\n{{\n\"id\": \"q\", \"level\": 1, \"ask\": \"?\",\n\"choices\": [\n\
             {{ \"text\": \"a\", \"right\": true, \"because\": \"b\", \"shown_by\": {{ \"scenario\": \"a\", \"must\": \"messages >= 0\" }} }},\n\
             {shown}\n]\n}}\n```\n"
        )
    };
    let wrong_scenario =
        r#"{ "text": "c", "because": "d", "shown_by": { "scenario": "nowhere", "must": "messages >= 0" } }"#;
    let cases = [
        ("# No front matter\n".to_string(), 1, "front matter"),
        ("---\nlesson: 1\nid: test\ntitel: x\n---\n## A {#a}\n".into(), 4, "unknown field `titel`"),
        (format!("{HEAD}## One\n"), 6, "needs an id"),
        (format!("{HEAD}## One {{#a}}\n\n## Two {{#a}}\n"), 8, "another heading"),
        (format!("{HEAD}## One {{#a}}\n\n<b>bold</b>\n"), 8, "HTML is not permitted"),
        (format!("{HEAD}## One {{#a}}\n\n[x](javascript:alert)\n"), 8, "a link starts with"),
        (format!("{HEAD}## One {{#a}}\n\n[x](#nowhere)\n"), 8, "no step has the id"),
        (format!("{HEAD}## One {{#a}}\n\n[x](#term-nonsense)\n"), 8, "no term `nonsense`"),
        (format!("{HEAD}## One {{#a}}\n\n![x](https://example.com/a.png)\n"), 8, "images are not permitted"),
        (format!("{HEAD}## One {{#a}}\n```scenario a ex=nothing\n```\n"), 7, "no example"),
        (
            format!("{HEAD}## One {{#a}}\n```scenario a ex=first-update\n{{ \"inventory.nothing\": 1 }}\n```\n"),
            7,
            "unknown field",
        ),
        (
            format!("{HEAD}## One {{#a}}\n```scenario a\n{{\n\"converge\": x }}\n```\n"),
            9,
            "not JSON (line 2, column 13)",
        ),
        (
            format!("{HEAD}## One {{#a}}\n```scenario a ex=first-update\n{{\nx }}\n```\n"),
            9,
            "not JSON (line 2, column 1)",
        ),
        (format!("{HEAD}## One {{#a}}\n{scenario}{{{{a: nothing}}}}\n"), 9, "not a figure"),
        (format!("{HEAD}## One {{#a}}\n{scenario}{{{{b: messages}}}}\n"), 9, "no scenario has the id `b`"),
        (format!("{HEAD}## One {{#a}}\n{scenario}{{{{a: messages\n"), 9, "not closed"),
        (format!("{HEAD}## One {{#a}}\n```python of=b\nx\n```\n"), 7, "no scenario above"),
        (format!("{HEAD}## One {{#a}}\n{scenario}```python of=a\nx # @happened\n```\n"), 10, "no fact"),
        (format!("{HEAD}## One {{#a}}\n```challenge nothing\n```\n"), 7, "the id of a challenge"),
        (format!("{HEAD}## One {{#a}}\n```question\n{{ \"id\": x }}\n```\n"), 8, "not JSON"),
        (question(wrong_scenario), 14, "no scenario above has the id `nowhere`"),
    ];
    for (text, line, expected) in cases {
        let found = problems(&text);
        assert!(found.iter().any(|(at, problem)| *at == line && problem.contains(expected)), "{text}\n{found:?}");
    }
}

#[test]
fn measured_numbers_take_the_place_of_expressions() {
    let text = format!(
        "{HEAD}## One {{#one}}\n```scenario a ex=oversold\n```\nSold {{{{a: updates == 2}}}} times, {{{{a: runs(converged) %}}}}.\n"
    );
    let lesson = Lesson::parse(&text).expect("valid");
    let measured = lesson.measure(&mut || true).expect("it can be measured");
    assert!(lesson.text(&measured).ends_with("## One {#one}\nSold 2 times, 100 %.\n"), "{}", lesson.text(&measured));
    let stopped = lesson.measure(&mut || false).expect("it can be measured");
    assert_eq!(lesson.refuted(&stopped).len(), 2);
}

#[test]
fn numbers_have_separators_of_thousands_as_the_text_around_them_and_versions_are_whole() {
    let numbers = |language: &str| {
        let text = format!(
            "---\nlesson: 1\nid: test\ntitle: A test\nlanguage: {language}\n---\n## One {{#one}}\n```scenario a ex=inventory-notification\n```\n\
             {{{{a: window_ms.max >= 1000}}}} {{{{a: runs(converged) %}}}} {{{{a: write_latency_ms.mean}}}}.\n"
        );
        let lesson = Lesson::parse(&text).expect("valid");
        let measured = lesson.measure(&mut || true).expect("it can be measured");
        let text = lesson.text(&measured);
        let (_, numbers) = text.split_once("{#one}\n").expect("a step");
        (numbers.trim().to_string(), lesson)
    };
    let ((english, _), (german, lesson)) = (numbers("en"), numbers("de"));
    assert!(english.starts_with("2,") && english.contains(" 100 % "), "{english}");
    assert_eq!(
        german,
        english.replace(',', "#").replace('.', ",").replace('#', ".").trim_end_matches(',').to_string() + "."
    );
    assert_eq!(lesson.localized("1234567.5 ms"), "1.234.567,5 ms");
    let versions = |goal: &str| Expression { goal: goal.into(), ..lesson.expressions[0].clone() };
    assert_eq!(versions("stale_read_k.p99 >= 3").shown(4.01), "4");
    assert_eq!(versions("stale_read_k.mean").shown(4.01), "4.01");
}

/// Returns the ids of the terms that a text links.
fn linked_terms(text: &str) -> BTreeSet<&str> {
    text.split("(#term-").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

/// Returns the text of each step without blocks, headings, labels of sliders and expressions.
fn texts_of_steps(lesson: &Lesson) -> Vec<String> {
    let (mut texts, mut is_block) = (Vec::<String>::new(), false);
    for line in &lesson.lines {
        is_block ^= line.starts_with("```");
        if line.starts_with("## ") && !is_block {
            texts.push(String::new());
        } else if let Some(text) = texts.last_mut()
            && !(is_block || line.starts_with("```") || line.starts_with("| slider"))
        {
            let without = line.split("{{").map(|part| part.split_once("}}").map_or(part, |(_, rest)| rest));
            *text += &(without.collect::<String>() + "\n");
        }
    }
    texts
}

#[test]
fn each_step_links_the_terms_of_the_glossary_that_it_uses() {
    let lesson = Lesson::parse(LESSONS[0].1).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let texts = texts_of_steps(&lesson);
    let all = texts.join("\n");
    let mut terms: Vec<&str> = linked_terms(&all).into_iter().collect();
    terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
    assert!(terms.len() >= 25, "{terms:?}");
    for (step, text) in lesson.steps.iter().zip(&texts) {
        // The text outside of links, from which the longer terms are removed first.
        let mut outside: String =
            text.split('[').map(|part| part.split_once("](").map_or(part, |(_, rest)| rest)).collect();
        outside = outside.to_lowercase();
        for term in &terms {
            let name = term.replace('-', " ").to_lowercase();
            let names = [term.to_lowercase(), name];
            let is_used = names.iter().any(|name| contains_word(&outside, name));
            names.iter().for_each(|name| outside = outside.replace(name.as_str(), ""));
            let is_linked = text.contains(&format!("(#term-{term})"));
            assert!(!is_used || is_linked, "{}: {term}", step.id);
        }
    }
}

/// Returns whether a text contains a word or several, or their plural.
fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let is_letter = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '-');
        let rest = &text[at + word.len()..];
        !is_letter(text[..at].chars().next_back()) && !is_letter(rest.strip_prefix('s').unwrap_or(rest).chars().next())
    })
}

#[test]
fn a_translation_has_the_same_steps_scenarios_claims_code_and_questions() {
    let lesson = |text: &str| Lesson::parse(text).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let (english, german) = (lesson(LESSONS[0].1), lesson(LESSONS[1].1));
    assert_eq!((&*english.language, &*german.language), ("en", "de"));
    let steps = |lesson: &Lesson| lesson.steps.iter().map(|step| step.id.clone()).collect::<Vec<_>>();
    assert_eq!(steps(&german), steps(&english));
    // The titles of scenarios are translated.
    let scenarios = |lesson: &Lesson| {
        let mut scenarios = lesson.scenarios.clone();
        scenarios.values_mut().for_each(|scenario| scenario.title.clear());
        scenarios
    };
    assert_eq!(scenarios(&german), scenarios(&english));
    assert_eq!(german.challenges, english.challenges);
    let terms = |lesson: &Lesson| -> Vec<BTreeSet<String>> {
        let texts = texts_of_steps(lesson);
        texts.iter().map(|text| linked_terms(text).into_iter().map(String::from).collect()).collect()
    };
    assert_eq!(terms(&german), terms(&english));
    let claims = |lesson: &Lesson| {
        let claim =
            |expression: &Expression| (expression.scenario.clone(), expression.goal.clone(), expression.is_percentage);
        let mut claims: Vec<_> = lesson.expressions.iter().map(claim).collect();
        claims.sort();
        claims
    };
    assert_eq!(claims(&german), claims(&english));
    let code = |lesson: &Lesson| lesson.listings.iter().map(|listing| listing.code.clone()).collect::<Vec<_>>();
    assert_eq!(code(&german), code(&english));
    let questions = |lesson: &Lesson| {
        let choices = |question: &Question| {
            question.choices.iter().map(|choice| (choice.right, choice.shown_by.clone())).collect::<Vec<_>>()
        };
        let questions = lesson.questions.iter();
        questions.map(|question| (question.id.clone(), question.level, choices(question))).collect::<Vec<_>>()
    };
    assert_eq!(questions(&german), questions(&english));
    assert!(english.questions.iter().zip(&german.questions).all(|(a, b)| a.ask != b.ask));
}

#[test]
fn the_desk_measures_a_scenario_in_slices_and_shows_the_run_that_refutes_a_choice() {
    let question = r#"{ "id": "q", "level": 1, "ask": "?", "choices": [
        { "text": "a", "right": true, "because": "b", "shown_by": { "scenario": "a", "must": "runs(converged) == 0" } },
        { "text": "c", "because": "d", "shown_by": { "scenario": "a", "must": "updates > 0" } } ] }"#;
    let text = format!(
        "{HEAD}## One {{#one}}\n```scenario a ex=lost-event\n```\n{{{{a: updates}}}}\n```question\n{question}\n```\n"
    );
    let mut desk = LessonDesk::default();
    assert_eq!(desk.answer(LessonQuery::Measure { scenario: 0 }, &mut || true), LessonReport::NotOpen);
    let LessonReport::Opened(page) = desk.answer(LessonQuery::Open { text }, &mut || true) else { panic!("valid") };
    assert_eq!((page.steps.len(), page.steps[0].scenario, page.questions.len()), (1, Some(0), 1));
    let mut measure = |continues: bool| match desk.answer(LessonQuery::Measure { scenario: 0 }, &mut || continues) {
        LessonReport::Measured(measured) => measured,
        other => panic!("{other:?}"),
    };
    let first = measure(false);
    assert_eq!((first.runs, first.figures.len()), (1, 0), "one run at least, and no number before all are made");
    let all = measure(true);
    assert_eq!((all.runs, all.figures[0].1.text.as_str(), all.choices.len()), (200, "2", 2));
    assert!(all.choices.iter().all(|(_, _, proof)| proof.is_met), "{all:?}");
    let LessonReport::Shown { scenario, at, because, .. } =
        desk.answer(LessonQuery::Show { question: 0, choice: 0 }, &mut || true)
    else {
        panic!("shown")
    };
    assert!(scenario.seed == 1 && at <= crate::scenario::micros(scenario.until_ms) && !because.is_empty(), "{because}");
    let invalid = desk.answer(LessonQuery::Open { text: "# No lesson".into() }, &mut || true);
    assert!(matches!(invalid, LessonReport::Invalid(problems) if problems[0].line == 1));
}

#[test]
fn a_figure_of_a_halted_run_is_unknown_and_refutes_nothing() {
    let worker =
        r#"{"subscribes": [{"to": "b", "group": "g", "fails": 1, "processing": {"constant": {"ms": 0}}}], "id":"#;
    let text = format!(
        r#"---
lesson: 1
id: halt
title: Halt
---

## Watch {{#watch}}

```scenario x
{{"converge": 1, "until_ms": 1000, "services": [{{"id": "a", "service_time": {{"constant": {{"ms": 0}}}}, "data": {{"k": 0}}, "publishes": [{{"to": "b"}}]}}, {worker} "w1"}}, {worker} "w2"}}], "buses": [{{"id": "b"}}], "script": [{{"at_ms": 1, "do": {{"operate": {{"service": "a", "operation": {{"write": {{"key": "k", "value": 1}}}}}}}}}}], "default_latency": {{"constant": {{"ms": 0}}}}}}
```

Never {{{{x: never_published == 0}}}} and {{{{x: updates}}}}.
"#
    );
    let lesson = Lesson::parse(&text).expect("a lesson");
    let mut runs = 0;
    let measured = lesson.measure(&mut || {
        runs += 1;
        runs < 3
    });
    let measured = measured.expect("measured");
    assert_eq!((measured.halts().len(), lesson.unknown(&measured).len()), (1, 2));
    assert_eq!(lesson.refuted(&measured), Vec::<String>::new());
    assert!(lesson.text(&measured).contains("Never unknown and unknown."), "{}", lesson.text(&measured));
}
