//! What is inside a replica group, and what proves a verdict: each where it lives, in the real browser.

use browser_tests::{Browser, Look, PHONE, Site, WIDE, clean, press_in};
use std::sync::LazyLock;

static SITE: LazyLock<Site> = LazyLock::new(Site::start);

/// Opens an example at an instant and selects a card.
fn select(look: Look, path: &str, node: &str) -> Browser {
    let browser = SITE.visit(look, path);
    browser.click(&format!("[data-node=\"{node}\"] header"));
    browser.wait("document.querySelector('.inspector .internals')");
    browser
}

fn count(browser: &Browser, selector: &str) -> u64 {
    browser.run_with("return document.querySelectorAll(arguments[0]).length", selector).as_u64().unwrap_or_default()
}

#[test]
fn an_operation_shows_whom_it_waits_for_and_who_answered_late() {
    let browser = select(WIDE, "#ex=quorum-inversion&t=2500", "first");
    browser.wait("document.querySelector('.internals .quorum')?.textContent.includes('2 of 3 responses after 11 ms')");
    assert_eq!(count(&browser, ".phase .in-time"), 2);
    assert_eq!(count(&browser, ".phase .late"), 1);
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.click("[data-node=\"writer\"] header");
    browser.wait("document.querySelector('.internals .waits + ul')");
    assert!(browser.text(".phase").contains("waits for 3 of 3 acknowledgements"));
    assert_eq!(count(&browser, ".phase .awaited"), 2);
    // It leads to where it began, and stays.
    browser.click(".quorum .jump");
    browser.wait("document.querySelector('.transport .clock').textContent === '0.100 s'");
    browser.wait("document.querySelector('.inspector .head').textContent.includes('Writer')");
    // In the diagram a late answer is one to see.
    browser.run("const s = document.querySelector('.scrubber'); s.value = 2500; s.dispatchEvent(new Event('input', { bubbles: true }))");
    browser.click("[data-action=Diagram]");
    browser.wait("document.querySelectorAll('.arrow.late').length === 2");
    clean(&browser);
}

#[test]
fn a_member_of_raft_shows_its_log_and_what_is_not_committed() {
    let browser = select(WIDE, "#ex=raft-and-quorum&t=3000", "r1");
    browser.wait("document.querySelector('.entries .uncommitted')");
    assert!(
        browser.text(".internals summary").contains("leads, term 1"),
        "the old leader does not know of the new one"
    );
    assert!(count(&browser, ".entries .committed") >= 5);
    assert_eq!(browser.axe(), Vec::<String>::new());
    // It follows the run: once healed, the new leader's entries have taken the place of its own.
    browser.run("const s = document.querySelector('.scrubber'); s.value = 8000; s.dispatchEvent(new Event('input', { bubbles: true }))");
    browser.wait("!document.querySelector('.entries .uncommitted') && document.querySelector('.internals summary').textContent.includes('follows')");
    clean(&browser);
}

#[test]
fn siblings_stand_side_by_side_and_trees_show_what_differs() {
    let browser = select(WIDE, "#ex=cart-siblings&t=5500", "a");
    browser.wait("document.querySelector('.tree li')");
    browser.run("const s = document.querySelector('.scrubber'); s.value = 5900; s.dispatchEvent(new Event('input', { bubbles: true }))");
    browser.wait("document.querySelectorAll('.siblings .sibling').length === 2");
    let tops = "[...document.querySelectorAll('.siblings .sibling')].map(it => it.getBoundingClientRect().top)";
    browser.wait(&format!("new Set({tops}).size === 1"));
    assert_eq!(count(&browser, ".vector span"), 2, "a version vector of two origins");
    assert!(count(&browser, ".tree .cells i") >= 1);
    assert_eq!(browser.axe(), Vec::<String>::new());
    clean(&browser);
}

#[test]
fn a_skewed_clock_and_the_update_that_it_lost_are_marked_where_they_are() {
    let browser = select(PHONE, "#ex=global-table-skew&t=2000", "eu");
    browser.wait("document.querySelector('[data-node=eu] .trouble')?.textContent.includes('clock −300 ms')");
    browser.wait("document.querySelector('[data-node=eu] .rows em')?.textContent === '1 lost'");
    assert_eq!(count(&browser, "[data-node=us] .trouble, [data-node=us] .rows em"), 0);
    assert!(browser.text(".internals .skew").contains("300 ms behind"));
    clean(&browser);
}

#[test]
fn windows_and_latency_against_staleness_are_drawn_and_told() {
    let browser = SITE.visit(WIDE, "#ex=cassandra-hints&t=8000");
    browser.click("[data-action=Diagram]");
    press_in(&browser, ".diagram .seg", "Charts");
    browser.wait("document.querySelectorAll('.charts .bar').length > 10");
    browser.wait("document.querySelectorAll('.charts .dot.stale').length >= 4");
    let told = "document.querySelector('.charts').getAttribute('aria-label')";
    browser.wait(&format!(
        "{told}.includes('inconsistency windows, the longest') && /\\d+ of \\d+ reads stale/.test({told})"
    ));
    assert_eq!(browser.axe(), Vec::<String>::new());
    // The sheet of these views is there, and what is wider than the page does not scroll sideways.
    browser.wait("getComputedStyle(document.querySelector('.charts .bar')).strokeWidth === '3px'");
    clean(&browser);
}

#[test]
fn what_proves_a_verdict_is_marked_on_canvas_timeline_and_diagram_and_no_longer() {
    let browser = SITE.visit(WIDE, "#ex=quorum-inversion&t=2900");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdict.violated .show')");
    let timeline = "[...document.querySelectorAll('.time canvas')].map(it => it.toDataURL()).join()";
    browser.run(&format!("window.before = {timeline}"));
    press_in(&browser, ".verdict.violated", "Show on canvas and timeline");
    browser.wait("document.querySelector('.verdict.violated .show').getAttribute('aria-pressed') === 'true'");
    // Writer, readers and the group's side of each operation.
    browser.wait(
        "document.querySelector('[data-node=first].proof') && document.querySelector('[data-node=second].proof')",
    );
    browser.wait(&format!("{timeline} !== window.before"));
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.click("[data-action=Diagram]");
    browser.wait("document.querySelectorAll('.diagram .proof').length >= 3");
    press_in(&browser, ".verdict.violated", "Show on canvas and timeline");
    browser.wait("!document.querySelector('.proof')");
    clean(&browser);
}
