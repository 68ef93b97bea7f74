//! The lesson beside the system: its steps, measured numbers, questions with their proofs, and code that lights up.

use browser_tests::{Browser, Look, PHONE, Site, WIDE, assert_clean_console};
use converge::lessons::LESSONS;
use converge::lessons::lesson::Lesson;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SITE: LazyLock<Site> = LazyLock::new(Site::start);

const LESSON: &str = "#lesson=lessons/eventual-consistency.md";
/// All numbers of the current step are measured.
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
fn each_way_shows_its_system_and_numbers_that_are_measured_while_the_reader_is_there() {
    let lesson = lesson();
    for look in [WIDE, PHONE] {
        let browser = open(look, "problem");
        for (place, step) in lesson.steps.iter().enumerate() {
            if place > 0 {
                browser.run(&format!("document.querySelector('#lesson-tab-{place}').click()"));
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
            shot(&browser, &format!("{}-{place}-{}", look.width, step.id));
            assert_eq!(browser.axe(), Vec::<String>::new(), "{}", step.id);
        }
        browser.run("history.back()");
        browser.wait("document.querySelector('#lesson-step').textContent === 'Where'");
        browser.run("history.forward()");
        browser.wait("document.querySelector('#lesson-step').textContent === 'Practice'");
        assert_clean_console(&browser);
    }
}
