//! The lesson beside the system: its steps, measured numbers, questions with their proofs, and code that lights up.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, embed_in_course_page};
use converge::lessons::LESSONS;
use converge::lessons::lesson::Lesson;
use serde_json::{Value, json};

const LESSON: &str = "#lesson=lessons/eventual-consistency.md";
/// A condition that is true once all numbers of the current step are measured.
const MEASURED: &str = "document.querySelector('.lesson-progress.muted')";

fn lesson() -> Lesson {
    Lesson::parse(LESSONS[0].1).expect("the lesson is valid")
}

/// Opens a step of the lesson.
fn open(look: Look, step: &str) -> Browser {
    let browser = Browser::start(look);
    browser.open(&SITE.at(&format!("{LESSON}&step={step}")));
    browser.wait("document.querySelector('#lesson-step')");
    browser
}

fn clock(browser: &Browser) -> f64 {
    let text = browser.text(".transport .clock");
    text.trim().trim_end_matches('s').trim().parse().expect("a time")
}

/// Saves a picture, if the folder `CONVERGE_SHOTS` is set.
fn shot(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("CONVERGE_SHOTS") {
        browser.shot(&std::path::Path::new(&folder).join(format!("{name}.png")));
    }
}

#[test]
fn each_step_shows_its_system_and_numbers_that_are_measured_in_the_reader_s_browser() {
    let lesson = lesson();
    for look in [WIDE, PHONE] {
        let browser = open(look, "problem");
        for (index, step) in lesson.steps.iter().enumerate() {
            if index > 0 {
                browser.run(&format!("document.querySelector('#lesson-tab-{index}').click()"));
            }
            browser.wait(&format!("document.querySelector('#lesson-step').textContent === {}", json!(step.title)));
            assert_eq!(browser.run("return location.hash"), json!(format!("{LESSON}&step={}", step.id)));
            browser.wait("document.querySelectorAll('[data-node]').length > 0 && document.querySelector('.transport .clock').textContent !== '0.000 s'");
            browser.wait(&format!("{MEASURED} || !document.querySelector('.lesson-progress')"));
            assert_eq!(
                browser.run("return document.querySelectorAll('.lesson .refuted').length"),
                json!(0),
                "{}",
                step.id
            );
            shot(&browser, &format!("{}-{index}-{}", look.width, step.id));
            assert_eq!(browser.axe(), Vec::<String>::new(), "{}", step.id);
        }
        browser.run("history.back()");
        browser.wait("document.querySelector('#lesson-step').textContent === 'Where'");
        browser.run("history.forward()");
        browser.wait("document.querySelector('#lesson-step').textContent === 'Practice'");
        assert_clean_console(&browser);
    }
}

#[test]
fn every_answer_is_proved_or_refuted_by_a_run_and_the_answers_are_kept() {
    let lesson = lesson();
    let browser = open(WIDE, "practice");
    for (number, question) in lesson.questions.iter().enumerate() {
        let at = format!("[data-question=\"{}\"]", question.id);
        for (index, choice) in question.choices.iter().enumerate() {
            browser.run(&format!("document.querySelector('{at} input[value=\"{index}\"]').click()"));
            browser.wait(&format!("document.querySelector('{at} .prove:enabled')"));
            browser.run(&format!("document.querySelector('{at} .prove').click()"));
            let verdict = if choice.right { "Right." } else { "Not right." };
            browser.wait(&format!("document.querySelector('{at} .verdict-line')?.textContent === '{verdict}'"));
            browser.wait(&format!("document.activeElement.id === 'result-{number}'"));
            let shown = format!("{at} .lesson-proofs li:nth-child({}) .shown", index + 1);
            browser.wait(&format!("document.querySelector('{shown}')"));
            browser.wait("document.querySelectorAll('[data-node]').length > 0");
            browser.wait(&format!("!document.querySelector('{at} .lesson-proofs .waits')"));
            assert_eq!(
                browser.run(&format!("return document.querySelectorAll('{at} .refuted').length")),
                json!(0),
                "{}: the engine confirms each proof",
                question.id
            );
            if index == 0 && number % 4 == 0 {
                shot(&browser, &format!("answer-{number}"));
            }
            if index + 1 < question.choices.len() {
                browser.run(&format!("document.querySelector('{at} > .line').click()"));
                browser.wait(&format!("document.querySelector('{at} input:enabled')"));
            }
        }
    }
    let right = lesson.questions.iter().filter(|question| question.choices[0].right).count();
    let score = format!("{right} / {0} right on the first try; {0} answered", lesson.questions.len());
    assert_eq!(browser.text(".lesson-score p"), score);
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.open(&SITE.at(&format!("?again{LESSON}&step=practice")));
    browser.wait("document.querySelector('.lesson-score')");
    assert_eq!(browser.text(".lesson-score p"), score, "the answers are kept");
    browser.run("[...document.querySelectorAll('.lesson-score button')].at(-1).click()");
    browser.wait("!document.querySelector('.lesson-score') && document.querySelector('.prove')");
    assert_clean_console(&browser);
}

#[test]
fn lines_of_code_light_up_as_the_run_reaches_them_and_a_click_goes_there() {
    let browser = open(WIDE, "code");
    let line = |listing: u32, fact: &str| {
        format!("document.querySelectorAll('.lesson-code')[{listing}].querySelector('[data-fact={fact}]')")
    };
    browser.wait(&format!("{}.classList.contains('reached')", line(0, "message_sent")));
    browser.run(&format!("{}.querySelector('button').click()", line(0, "operation_ended")));
    browser.wait(&format!("{}.classList.contains('lit')", line(0, "operation_ended")));
    browser.wait("document.querySelector('.transport [aria-label=Play]')");
    let first = clock(&browser);
    browser.run(&format!("{}.querySelector('button').click()", line(0, "operation_ended")));
    browser.wait(&format!("parseFloat(document.querySelector('.transport .clock').textContent) > {first}"));
    // The other system opens when one of its lines is clicked.
    browser.run(&format!("{}.querySelector('button').click()", line(1, "update_applied")));
    browser.wait(&format!("{}.classList.contains('lit')", line(1, "update_applied")));
    assert_eq!(browser.run(&format!("return {}.className", line(0, "operation_ended"))), json!("fact"));
    shot(&browser, "code-lit");
    browser.run(
        "[...document.querySelectorAll('.lesson-languages button')].find(button => button.textContent === 'Rust').click()",
    );
    browser.wait("document.querySelector('.lesson-code ol').textContent.includes('fn update_stock')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

#[test]
fn a_file_that_is_no_lesson_shows_its_errors_and_a_way_on() {
    let elsewhere = format!("{}lessons/eventual-consistency.md", SITE.elsewhere.address());
    let cases = [
        ("start.js", "Line 1: front matter"),
        ("lessons/nothing.md", "The lesson lessons/nothing.md is not here (status 404)"),
        (&*elsewhere, "A lesson is a file of the same site"),
    ];
    for (file, problem) in cases {
        let browser = Browser::start(WIDE);
        browser.open(&SITE.at(&format!("#lesson={file}")));
        browser.wait(&format!(
            "document.querySelector('.lesson-note[role=alert]')?.textContent.includes({})",
            json!(problem)
        ));
        assert_eq!(browser.axe(), Vec::<String>::new());
        browser.run("document.querySelector('.lesson-note a').click()");
        browser.wait("document.querySelector('#lesson-step')?.textContent === 'Problem'");
    }
}

#[test]
fn on_a_phone_the_lesson_is_a_sheet_that_closes_and_opens_again() {
    let browser = Browser::start(PHONE);
    browser.open(&SITE.at(""));
    browser.click(".top [data-action=Lesson]");
    browser.wait("document.querySelector('#lesson-step')");
    assert_eq!(browser.run("return location.hash"), json!(format!("{LESSON}&step=problem")));
    let boxes = "const [a, b] = ['main.canvas', '.lesson'].map(selector => document.querySelector(selector).getBoundingClientRect()); return [a.bottom <= b.top + 1, a.height > 80, b.bottom <= innerHeight + 1, document.documentElement.scrollWidth <= innerWidth]";
    assert_eq!(browser.run(boxes), json!([true, true, true, true]));
    browser.click(".lesson > header .icon");
    browser.wait("!document.querySelector('.lesson')");
    browser.click(".top [data-action=Lesson]");
    browser.wait("document.activeElement.id === 'lesson-heading'");
    browser.click(".lesson-language");
    browser.wait("document.querySelector('.lesson').lang === 'de' && document.querySelector('#lesson-heading').textContent.includes('zwischen')");
    browser.wait("document.querySelector('.lesson .figure:not(.waits)')?.textContent === '66,7 %'");
    browser.click(".lesson-language");
    browser.wait("document.querySelector('.lesson').lang === 'en'");
    // A term shows its meaning.
    browser.wait("document.querySelector('#lesson-tab-1')");
    browser.run("document.querySelector('#lesson-tab-1').click()");
    browser.wait("document.querySelector('#lesson-step').textContent === 'Watch'");
    browser.click(".lesson .term");
    browser.wait("document.querySelector('.lesson-term:popover-open p')?.textContent.includes('keeps, orders')");
    browser.run("document.querySelector('.lesson-term:popover-open').hidePopover()");
    // The row of tabs is wider than the page; the tab of a later step is not beyond its edge.
    for step in ["where", "problem"] {
        browser.open(&SITE.at(&format!("?{step}{LESSON}&step={step}")));
        browser.wait("document.querySelector('.lesson-tabs [aria-selected=true]')");
        browser.wait("(tab => tab.left >= 0 && tab.right <= innerWidth)(document.querySelector('.lesson-tabs [aria-selected=true]').getBoundingClientRect())");
    }
    assert_clean_console(&browser);
}

#[test]
fn tabs_follow_the_keyboard() {
    let browser = open(WIDE, "problem");
    browser.run("document.querySelector('#lesson-tab-0').focus()");
    browser.keys(&["Left"]);
    browser.wait("document.activeElement.id === 'lesson-tab-9'");
    browser.keys(&["Home"]);
    browser.keys(&["Right"]);
    browser.wait("document.activeElement.id === 'lesson-tab-1'");
    browser.keys(&["Enter"]);
    browser.wait("document.querySelector('#lesson-step').textContent === 'Watch'");
    assert_eq!(browser.run("return document.activeElement.id"), json!("lesson-tab-1"));
    browser.run("[...document.querySelectorAll('.lesson-neighbours button')].at(-1).click()");
    browser.wait("document.activeElement.id === 'lesson-step' && document.activeElement.textContent === 'Code'");
}

#[test]
fn the_lesson_is_readable_as_a_page_without_the_engine() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("lessons/eventual-consistency.html"));
    assert_eq!(browser.run("return document.querySelectorAll('main > section').length"), json!(10));
    assert_eq!(browser.axe(), Vec::<String>::new());
    shot(&browser, "static");
    let terms = browser.run("return [...document.querySelectorAll('a.term')].map(link => link.hash.slice(1))");
    browser.open(&SITE.at("lessons/glossary.html"));
    for term in terms.as_array().expect("terms") {
        let found = format!("return document.getElementById({term}) !== null");
        assert_eq!(browser.run(&found), json!(true), "{term}");
    }
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.open(&SITE.at("lessons/eventual-consistency.html"));
    browser.run("document.querySelector('.run a').click()");
    browser.wait("document.querySelector('#lesson-step')?.textContent === 'Problem'");
}

#[test]
fn a_lesson_in_an_embed_reports_predictions_and_its_score() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("examples/plain.html"));
    embed_in_course_page(
        &browser,
        &format!("{LESSON}&step=practice&api=1,splice"),
        &json!({ "lesson": { "answers": { "meaning": [1] } } }),
    );
    browser.frame(Some("iframe"));
    browser.wait("document.querySelector('[data-question=meaning] .verdict-line')?.textContent === 'Right.'");
    browser.run("document.querySelector('[data-question=implementation] input[value=\"1\"]').click()");
    browser.wait("document.querySelector('[data-question=implementation] .prove:enabled')");
    browser.run("document.querySelector('[data-question=implementation] .prove').click()");
    browser.wait("document.querySelector('[data-question=implementation] .shown')");
    browser.frame(None);
    let expected = json!({ "questionId": "implementation", "answer": 2, "correct": false });
    let received = browser.wait("received.find(message => message.type === 'prediction')?.payload");
    assert_eq!(received, expected);
    let all = lesson().questions.len() as f64;
    browser.wait(
        "received.some(message => message.subject === 'SPLICE.reportScoreAndState' && message.state.lesson?.answers.implementation)",
    );
    let report =
        browser.run("return received.filter(message => message.subject === 'SPLICE.reportScoreAndState').at(-1)");
    assert_eq!(report["score"], json!(1.0 / all), "{report}");
    assert_eq!(report["state"]["lesson"]["answers"], json!({ "implementation": [1], "meaning": [1] }));
    assert_ne!(report["state"]["link"], Value::Null);
}

/// Proves a choice of a question.
fn prove(browser: &Browser, question: &str, choice: u32) {
    let at = format!("[data-question={question}]");
    browser.wait(&format!("document.querySelector('{at} input')"));
    browser.run(&format!("document.querySelector('{at} input[value=\"{choice}\"]').click()"));
    browser.wait(&format!("document.querySelector('{at} .prove:enabled')"));
    browser.run(&format!("document.querySelector('{at} .prove').click()"));
    browser.wait(&format!("document.querySelector('{at} .verdict-line')"));
}

#[test]
fn answers_in_two_tabs_are_all_kept_and_both_tabs_and_the_translation_show_them() {
    let browser = open(WIDE, "practice");
    browser.wait("document.querySelector('[data-question=lost] input')");
    let (first, second) = browser.open_tab(&SITE.at(&format!("?second{LESSON}&step=practice")));
    prove(&browser, "meaning", 1);
    browser.go_to_tab(&first);
    browser.wait("document.querySelector('[data-question=meaning] .verdict-line')");
    prove(&browser, "lost", 0);
    let kept = browser.run("return Object.keys(JSON.parse(localStorage['converge.lessons'])['eventual-consistency'])");
    assert_eq!(kept, json!(["lost", "meaning"]));
    browser.go_to_tab(&second);
    browser.wait("document.querySelector('[data-question=lost] .verdict-line')");
    // The translation has the same answers, at the same place; the page follows.
    browser.run("document.querySelector('.lesson-text').scrollTop = 900");
    browser.click(".lesson-language");
    browser.wait("document.querySelector('.lesson').lang === 'de' && document.documentElement.lang === 'de'");
    browser.wait("document.querySelector('[data-question=lost] .verdict-line') && document.querySelector('[data-question=meaning] .verdict-line')");
    browser.wait("document.querySelector('.lesson-text').scrollTop > 500");
    browser.wait("location.hash.endsWith('eventual-consistency.de.md&step=practice')");
}

#[test]
fn the_focus_stays_on_the_pressed_button_of_the_lesson_and_a_link_leads_to_it() {
    let browser = open(WIDE, "code");
    let rust =
        "[...document.querySelectorAll('.lesson-languages button')].find(button => button.textContent === 'Rust')";
    browser.wait(rust);
    browser.run(&format!("{rust}.focus()"));
    browser.keys(&["Enter"]);
    browser.wait("document.querySelector('.lesson-code ol').textContent.includes('fn update_stock')");
    browser.wait("document.activeElement.textContent === 'Rust' && document.activeElement.ariaPressed === 'true'");
    browser.wait("document.title.startsWith('Code · ')");
    browser.open(&SITE.at(&format!("?focus{LESSON}&step=break-it")));
    browser.wait("document.querySelector('li .lesson-system button')");
    browser.run("document.querySelector('li .lesson-system button').focus()");
    browser.keys(&["Enter"]);
    browser.wait("document.activeElement.matches('li .lesson-system button[aria-pressed=true]')");
    browser.run("[...document.querySelectorAll('button.skip')].find(button => button.textContent === 'Skip to the lesson').click()");
    browser.wait("document.activeElement.id === 'lesson-step'");
    assert_eq!(browser.axe(), Vec::<String>::new());
    // In print, a slider is a table, and there are no buttons.
    browser.open(&SITE.at(&format!("?print{LESSON}&step=trade-offs")));
    browser.wait("document.querySelector('.lesson-slider')");
    browser.devtools("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    let shown = "const shown = it => it.getClientRects().length > 0; const all = selector => [...document.querySelectorAll(selector)].filter(shown); return [all('.lesson-slider table').length === document.querySelectorAll('.lesson-slider').length, all('.lesson button:not(.term)').length, all('.lesson-slider input').length]";
    assert_eq!(browser.run(shown), json!([true, 0, 0]));
    browser.devtools("Emulation.setEmulatedMedia", json!({ "media": "" }));
    assert_clean_console(&browser);
}
