//! The core journeys in Firefox: play, publish, break, heal, go back, undo, share, embed, learn; and equal digests.

use browser_tests::{
    Browser, Site, embed_in_course_page, open_from_gallery, publish_across_a_cut, publish_and_converge, wait_for_state,
    worker_digests,
};
use serde_json::{Value, json};
use std::sync::LazyLock;

static SITE: LazyLock<Site> = LazyLock::new(Site::start);

#[test]
fn digests_in_firefox_equal_those_of_the_native_engine() {
    let golden: Value = serde_json::from_str(include_str!("../../golden/digests.json")).expect("JSON");
    assert_eq!(worker_digests(&SITE.visit_in_firefox("")), golden);
}

#[test]
fn a_visitor_publishes_breaks_heals_goes_back_and_undoes_in_firefox() {
    let browser = SITE.visit_in_firefox("#ex=first-update");
    publish_and_converge(&browser);
    // To the start by the keyboard, and to the end. A run that plays would not stay there.
    // On a slow machine it has ended already.
    browser.run("document.querySelector('.transport [aria-label=Pause]')?.click()");
    browser.wait("!document.querySelector('.transport [aria-label=Pause]')");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["Home"]);
    browser.wait("document.querySelector('.transport .clock').textContent.trim() === '0.000 s'");
    browser.keys(&["End"]);
    browser.wait("document.querySelector('.transport .clock').textContent.trim() !== '0.000 s'");
    // A card is added by its key and undone.
    browser.keys(&["1"]);
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    browser.keys(&["Control+z"]);
    browser.wait("!document.querySelector('[data-node=\"service-1\"]')");
    // A crashed copy receives nothing until it is healed.
    browser.click("[data-node=\"notification\"] header");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["c"]);
    wait_for_state(&browser, "notification", "down");
    browser.keys(&["p", "h"]);
    wait_for_state(&browser, "notification", "consistent");
}

#[test]
fn a_cut_link_keeps_the_copy_stale_in_firefox() {
    let browser = SITE.visit_in_firefox("#ex=first-update&speed=2");
    publish_across_a_cut(&browser);
    // The run ends, and the update has not arrived.
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["End"]);
    wait_for_state(&browser, "notification", "stale");
}

#[test]
fn examples_lessons_and_panels_open_in_firefox() {
    let browser = SITE.visit_in_firefox("");
    open_from_gallery(&browser, "lost-event");
    browser.wait("location.hash === '#ex=lost-event'");
    for (action, view) in
        [("Verdicts", ".verdicts"), ("Log", ".log ol li"), ("Outline", ".outline"), ("Diagram", ".diagram")]
    {
        browser.click(&format!("[data-action={action}]"));
        browser.wait(&format!("document.querySelector('{view}')"));
        browser.click(&format!("[data-action={action}]"));
        browser.wait(&format!("!document.querySelector('{view}')"));
    }
    browser.click(".top [data-action=Lesson]");
    browser.wait("document.querySelector('.lesson-text')?.textContent.length > 100");
}

#[test]
fn a_shared_run_replays_identically_in_firefox() {
    let browser = SITE.visit_in_firefox("");
    publish_and_converge(&browser);
    browser.click(".top [data-action=Share]");
    let link = browser.wait("document.querySelector('#share-link')?.value");
    let fresh = Browser::start_firefox();
    fresh.open(link.as_str().expect("a link"));
    fresh.wait("document.body.textContent.includes('Replayed identically')");
}

#[test]
fn an_embed_exchanges_messages_in_firefox() {
    let browser = Browser::start_firefox();
    browser.open(&SITE.at("examples/plain.html"));
    embed_in_course_page(&browser, "#ex=first-update&api=1", &Value::Null);
    browser.wait("received.some(message => message.type === 'loaded')");
    browser.frame(Some("iframe"));
    publish_and_converge(&browser);
    browser.frame(None);
    browser.wait("received.some(message => message.type === 'converged')");
}

#[test]
fn a_sandboxed_embed_runs_its_engine_in_a_worker_in_firefox() {
    let browser = Browser::start_firefox();
    browser.open(&SITE.at("examples/sandboxed.html"));
    browser.frame(Some("iframe"));
    // Before the embed's document, the frame has an empty one.
    browser.wait("document.querySelector('.publish, .publish-wide')");
    assert_eq!(browser.run("return self.origin"), json!("null"));
    browser.run(
        "window.answers = 0; const post = Worker.prototype.postMessage; Worker.prototype.postMessage = function (...message) { \
         if (!this.counted) { this.counted = true; this.addEventListener('message', () => window.answers++); } \
         return post.apply(this, message); }",
    );
    publish_and_converge(&browser);
    let answers = browser.run("return window.answers").as_u64().expect("a number");
    assert!(answers > 5, "{answers} answers of a worker");
}
