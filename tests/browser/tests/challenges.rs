//! Challenges on the page: what may be changed, hints, attempts, and grades that equal those of the command line.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, embed_in_course_page, open_from_gallery};
use converge::grading::{Grader, TaskGrade};
use converge::scenario::challenges::{CHALLENGES, find};
use converge::scenario::{Scenario, link};
use converge::session::sweep::MAX_EVENTS;
use serde_json::{Value, json};

/// The text of the result.
const RESULT: &str = "document.querySelector('.task-result .verdict-line')?.textContent";

fn open(look: Look, challenge: &str) -> Browser {
    let browser = SITE.visit(look, &format!("#challenge={challenge}"));
    browser.wait("document.querySelector('#task-heading')");
    browser
}

/// Checks the answer, and returns the text of the result.
fn check(browser: &Browser) -> String {
    browser.click("#task-check");
    browser.wait("document.querySelector('.task-result') && document.querySelector('#task-check')");
    browser.run(&format!("return {RESULT}")).as_str().expect("a result").to_string()
}

/// Selects a card, and waits for its fields.
fn inspect(browser: &Browser, node: &str, field: &str) {
    browser.click(&format!("[data-node=\"{node}\"] header"));
    browser.wait(&format!("document.querySelector('#{field}')"));
}

/// Copies the answer as a link, and returns it.
fn answer(browser: &Browser) -> Scenario {
    browser.run("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve(); }");
    browser.run(
        "[...document.querySelectorAll('.task-result button')].find(it => it.textContent.includes('Copy')).click()",
    );
    let copied = browser.wait("window.copied");
    link::decode(copied.as_str().expect("a link")).expect("a valid link").scenario
}

fn native_grade(challenge: &str, answer: &Scenario) -> TaskGrade {
    let document = find(challenge).expect("a challenge").scenario();
    let mut grader = Grader::new(&document, &document.tasks[0], answer, MAX_EVENTS).expect("a grader");
    grader.complete();
    grader.grade()
}

/// Compares the result on the page with the grade of the command line.
fn equals_native(browser: &Browser, challenge: &str) {
    let native = native_grade(challenge, &answer(browser));
    let digest = browser.run("return [...document.querySelectorAll('.task-result code')].at(-1).textContent");
    assert_eq!(digest, json!(native.digest), "{challenge}");
    for goal in &native.goals {
        let class = browser.run(&format!("return document.querySelector('[data-goal=\"{}\"]').className", goal.id));
        assert_eq!(class, json!(if goal.met { "met" } else { "missed" }), "{challenge}: {}", goal.id);
    }
    let points = format!("{} of {} points", native.points, native.of);
    assert!(browser.text(".task-result .verdict-line").ends_with(&points), "{challenge}: {points}");
}

#[test]
fn the_lost_event_is_solved_by_the_controls_of_the_page() {
    let browser = open(WIDE, "lost-event");
    assert_eq!(browser.text("#task-heading"), "The lost event");
    assert!(check(&browser).starts_with("Not passed yet"));
    equals_native(&browser, "lost-event");
    // A run that fails the goal can be looked at.
    let failing = browser.run("return document.querySelector('[data-goal=arrives] .failed-run a').href");
    let opened = link::decode(failing.as_str().expect("a link")).expect("a valid link");
    assert!(opened.at.is_some() && opened.scenario.tasks.is_empty());
    inspect(&browser, "inventory", "field-services-0-publishes-0-mode");
    browser.click("#field-services-0-publishes-0-mode option[value='outbox']");
    browser.wait("document.querySelector('.task-result').textContent.includes('has changed since')");
    assert!(check(&browser).starts_with("Passed: 4 of 4"));
    equals_native(&browser, "lost-event");
    assert_eq!(browser.run("return document.activeElement.id"), json!("task-result"));
    assert_clean_console(&browser);
}

#[test]
fn the_double_charge_and_the_jammed_queue_are_solved_by_the_controls_of_the_page() {
    let browser = open(WIDE, "double-charge");
    inspect(&browser, "billing", "field-services-1-subscribes-0-inbox");
    browser.click("#field-services-1-subscribes-0-inbox option[value='yes']");
    browser.wait("document.querySelector('#field-services-1-subscribes-0-inbox-window_ms')");
    assert!(check(&browser).starts_with("Passed"));
    equals_native(&browser, "double-charge");
    browser.open(&SITE.at("#challenge=jammed-queue"));
    browser.wait("document.querySelector('#task-heading')?.textContent === 'The jammed queue'");
    inspect(&browser, "orders", "field-services-1-subscribes-0-max_deliveries");
    browser.fill("#field-services-1-subscribes-0-max_deliveries", "3");
    browser.keys(&["Tab"]);
    assert!(check(&browser).starts_with("Passed"));
    equals_native(&browser, "jammed-queue");
    assert_clean_console(&browser);
}

#[test]
fn what_the_task_does_not_permit_cannot_be_changed() {
    let browser = open(WIDE, "lost-event");
    inspect(&browser, "notification", "field-services-1-subscribes-0-inbox");
    let is_disabled = |field: &str| browser.run(&format!("return document.querySelector('#{field}').disabled"));
    assert_eq!(is_disabled("field-services-1-subscribes-0-inbox"), json!(true));
    assert_eq!(is_disabled("field-services-1-name"), json!(false));
    browser.keys(&["Delete"]);
    browser.wait("document.querySelector('.notice')?.textContent.includes('notification')");
    assert_eq!(browser.run("return document.querySelectorAll('[data-node]').length"), json!(3));
    // Without the task, everything may be changed.
    browser.run("[...document.querySelectorAll('.task button')].find(it => it.textContent === 'Edit freely').click()");
    browser.wait("!document.querySelector('.task')");
    inspect(&browser, "notification", "field-services-1-subscribes-0-inbox");
    assert_eq!(is_disabled("field-services-1-subscribes-0-inbox"), json!(false));
    browser.keys(&["Control+z"]);
    browser.wait("document.querySelector('#task-heading')");
}

#[test]
fn hints_and_attempts_are_kept_and_a_check_can_be_cancelled() {
    let browser = open(WIDE, "lost-event");
    let hint = "[...document.querySelectorAll('.task button')].find(it => it.textContent.startsWith('Show hint'))";
    browser.run(&format!("{hint}.click()"));
    browser.wait("document.querySelectorAll('.task-hints li').length === 1");
    check(&browser);
    browser.wait("document.querySelector('.task-check').textContent.includes('9 of 10 attempts left')");
    browser.run("location.reload()");
    browser.wait("document.querySelectorAll('.task-hints li').length === 1");
    browser.wait("document.querySelector('.task-check')?.textContent.includes('9 of 10 attempts left')");
    // Cancelled in the same frame, before any run is reported.
    browser.run(
        "document.querySelector('#task-check').click(); \
         new MutationObserver((_, observer) => { const cancel = [...document.querySelectorAll('.task-check button')].find(button => button.textContent === 'Cancel'); \
         if (cancel) { observer.disconnect(); cancel.click(); window.cancelled = true; } }).observe(document.body, { childList: true, subtree: true })",
    );
    browser.wait("window.cancelled && document.querySelector('#task-check')");
    assert!(browser.text(".task-check").contains("9 of 10 attempts left"));
    assert_eq!(browser.run("return document.querySelectorAll('.task-result').length"), json!(0));
    assert!(check(&browser).starts_with("Not passed yet"));
}

#[test]
fn challenges_are_in_the_gallery_and_open_on_a_phone() {
    for look in [WIDE, PHONE] {
        let browser = SITE.visit(look, "");
        open_from_gallery(&browser, "challenge=angry-user");
        browser.wait("document.querySelector('#task-heading')?.textContent === 'The angry user'");
        assert_eq!(browser.run("return location.hash"), json!("#challenge=angry-user"));
        assert_eq!(browser.axe(), Vec::<String>::new());
        assert_clean_console(&browser);
        browser.run("history.back()");
        browser.wait("!document.querySelector('.task')");
    }
    let browser = SITE.visit(WIDE, "#challenge=no-such-challenge");
    browser.wait("document.querySelector('.notice')?.textContent.includes('no challenge has the id')");
    assert!(CHALLENGES.iter().all(|challenge| browser.text(".notice").contains(challenge.id)));
}

#[test]
fn a_challenge_in_an_embed_reports_its_goals_and_its_score() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("examples/plain.html"));
    embed_in_course_page(
        &browser,
        "#challenge=double-charge&mode=edit&api=1,splice",
        &json!({ "tasks": { "The double charge/double-charge": { "attempts": 4, "hints": 1, "best": 0 } } }),
    );
    browser.frame(Some("iframe"));
    browser.wait("document.querySelector('.task-check')?.textContent.includes('6 of 10 attempts left')");
    check(&browser);
    browser.frame(None);
    let native = native_grade("double-charge", &find("double-charge").expect("a challenge").scenario());
    for goal in &native.goals {
        let expected = json!({ "id": goal.id, "task": "double-charge", "met": goal.met });
        let received = browser
            .wait(&format!("received.find(it => it.type === 'goal' && it.payload.id === '{}')?.payload", goal.id));
        assert_eq!(received, expected);
    }
    browser.wait("received.some(it => it.subject === 'SPLICE.reportScoreAndState' && 'score' in it)");
    let report = browser.run("return received.filter(it => it.subject === 'SPLICE.reportScoreAndState').at(-1)");
    assert_eq!(report["score"], json!(f64::from(native.points) / f64::from(native.of)), "{report}");
    assert_eq!(report["state"]["tasks"]["The double charge/double-charge"]["attempts"], json!(5));
    assert_ne!(report["state"]["link"], Value::Null);
    // A course page makes statements of the goals.
    browser.open(&SITE.at("examples/exercise.html"));
    browser.run("document.querySelector('iframe').src = '../embed/#challenge=double-charge&mode=edit&api=1'");
    browser.frame(Some("iframe"));
    browser.wait("document.querySelector('#task-check')");
    check(&browser);
    browser.frame(None);
    for goal in &native.goals {
        let verb = if goal.met { "passed" } else { "failed" };
        browser.wait(&format!(
            "[...document.querySelectorAll('#statements li')].map(it => JSON.parse(it.textContent)).some(it => it.object.id.endsWith('#double-charge/{}') && it.verb.display.en === '{verb}')",
            goal.id
        ));
    }
}

#[test]
fn on_a_phone_inspector_and_task_close_each_other() {
    let browser = open(PHONE, "jammed-queue");
    let pressed = "document.querySelector('.top [data-action=Task]').ariaPressed";
    browser.wait(&format!("document.querySelector('.task') && {pressed} === 'true'"));
    browser.click("h1.title button");
    browser.wait(&format!(
        "document.querySelector('.inspector') && !document.querySelector('.task') && {pressed} === 'false'"
    ));
    browser.click(".top [data-action=Task]");
    browser.wait(&format!(
        "document.querySelector('#task-check') && !document.querySelector('.inspector') && {pressed} === 'true'"
    ));
    let height = "return document.querySelector('.task').getBoundingClientRect().height";
    let before = browser.run(height).as_f64().expect("a height");
    browser.click(".task .enlarge");
    browser.wait("document.querySelector('.task.large')");
    assert!(browser.run(height).as_f64().expect("a height") > before * 1.4);
    assert_clean_console(&browser);
}

#[test]
fn a_task_in_an_embed_without_editor_states_why_and_opens_again_after_it_was_closed() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("embed/#challenge=lost-event"));
    browser.wait("document.querySelector('.task-check')?.textContent.includes('no editor')");
    assert_eq!(browser.run("return document.querySelector('#task-check')"), Value::Null);
    let link = browser.run("return document.querySelector('.task-check a').href");
    assert!(link.as_str().is_some_and(|link| link.ends_with("#challenge=lost-event")), "{link}");
    browser.click(".task [aria-label='Close the task']");
    browser.wait("!document.querySelector('.task')");
    browser.click(".reopen");
    browser.wait("document.querySelector('.task') && !document.querySelector('.reopen')");
    assert_eq!(browser.axe(), Vec::<String>::new());
}
