//! Crashes of the engine and of the page: the report, and the recovery of the drawing.

use crate::SITE;
use browser_tests::{Browser, WIDE, wait_for_state};
use converge::scenario::link;

const CLOCK: &str = "document.querySelector('.transport .clock').textContent.trim()";

/// Opens the page with its worker in `window.worker`.
fn open() -> Browser {
    let browser = Browser::start(WIDE);
    browser.before_documents(
        "const Native = Worker; window.Worker = class extends Native { constructor(...a) { super(...a); window.worker = this } }",
    );
    browser.open(&SITE.at(""));
    wait_for_state(&browser, "notification", "consistent");
    browser
}

#[test]
fn a_worker_that_panics_in_mid_run_is_reported_and_restarted_with_its_live_commands() {
    let browser = open();
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    wait_for_state(&browser, "notification", "consistent");
    let version = browser.text("[data-node=\"notification\"] .rows");
    // An invalid request breaks an invariant of the worker while the run plays.
    browser.run("window.first = window.worker; window.worker.postMessage(new Uint8Array([255, 255, 255]))");
    browser.wait("document.querySelector('.crash')?.textContent.includes('the page sends valid requests')");
    let command = browser.text(".crash .command");
    let link = command.split('\'').nth(1).expect("a quoted link");
    assert!(command.starts_with("converge run '") && command.contains("' --until "), "{command}");
    let scenario = link::decode(link).expect("a valid link").scenario;
    assert_eq!(scenario.script.len(), 1, "the publication is in the reproduced run");
    assert!(browser.text(".crash").contains(&format!("Seed {}.", scenario.seed)));
    assert_eq!(browser.axe(), Vec::<String>::new());
    let clock = browser.run(&format!("return {CLOCK}"));
    browser.click(".crash button");
    browser.wait("!document.querySelector('.crash') && window.worker !== window.first");
    wait_for_state(&browser, "notification", "consistent");
    browser.wait(&format!("{CLOCK} === {clock}"));
    assert_eq!(browser.text("[data-node=\"notification\"] .rows"), version, "the live command was executed again");
    // The new engine runs on.
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    wait_for_state(&browser, "notification", "consistent");
}

#[test]
fn a_page_that_panics_offers_to_reload_and_the_drawing_is_back() {
    let browser = open();
    browser.click(".palette button:nth-of-type(1)");
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    // The page cannot insert the elements of the next card. It may still render others, such as the title of the saved drawing.
    browser.run(
        "const insert = Node.prototype.insertBefore, card = '[data-node=\"service-2\"]'; \
         Node.prototype.insertBefore = function (node, before) { \
            if (node.matches?.(card) || node.querySelector?.(card)) throw new Error('no room'); \
            return insert.call(this, node, before) }",
    );
    browser.run("document.querySelector('.palette button:nth-of-type(1)').click()");
    browser.wait("document.querySelector('.crash.overlay')?.textContent.includes('panicked at')");
    browser.wait("document.querySelector('.crash.overlay').textContent.includes(\"converge run '\")");
    browser.run("window.before = true");
    // What the page could no longer save is kept beside the drawing.
    browser.wait("document.querySelector('.crash.overlay').textContent.includes('is kept in this browser')");
    browser.click(".crash.overlay button");
    browser.wait("!window.before && document.querySelector('[data-node=\"service-2\"]')");
    browser.wait("!document.querySelector('.crash')");
}
