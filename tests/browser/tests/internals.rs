//! The internals of replica groups, charts, and the marked steps of a verdict.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, press_in};

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
fn an_operation_shows_awaited_and_late_responses() {
    let browser = select(WIDE, "#ex=quorum-inversion&t=2500", "first");
    browser.wait("document.querySelector('.internals .quorum')?.textContent.includes('2 of 3 responses after 11 ms')");
    assert_eq!(count(&browser, ".phase .in-time"), 2);
    assert_eq!(count(&browser, ".phase .late"), 1);
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.click("[data-node=\"writer\"] header");
    browser.wait("document.querySelector('.internals .waits + ul')");
    assert!(browser.text(".phase").contains("waits for 3 of 3 acknowledgements"));
    assert_eq!(count(&browser, ".phase .awaited"), 2);
    // The link to its start keeps the selection.
    browser.click(".quorum .jump");
    browser.wait("document.querySelector('.transport .clock').textContent === '0.100 s'");
    browser.wait("document.querySelector('.inspector .head').textContent.includes('Writer')");
    // The diagram marks late responses.
    browser.run("const s = document.querySelector('.scrubber'); s.value = 2500; s.dispatchEvent(new Event('input', { bubbles: true }))");
    browser.click("[data-action=Diagram]");
    browser.wait("document.querySelectorAll('.arrow.late').length === 2");
    assert_clean_console(&browser);
}

#[test]
fn a_raft_member_shows_committed_and_uncommitted_entries() {
    let browser = select(WIDE, "#ex=raft-and-quorum&t=3000", "r1");
    browser.wait("document.querySelector('.entries .uncommitted')");
    assert!(
        browser.text(".internals summary").contains("leads, term 1"),
        "the partitioned leader does not know the new one"
    );
    assert!(count(&browser, ".entries .committed") >= 5);
    assert_eq!(browser.axe(), Vec::<String>::new());
    // After healing, entries of the new leader replace its own.
    browser.run("const s = document.querySelector('.scrubber'); s.value = 8000; s.dispatchEvent(new Event('input', { bubbles: true }))");
    browser.wait("!document.querySelector('.entries .uncommitted') && document.querySelector('.internals summary').textContent.includes('follows')");
    assert_clean_console(&browser);
}

#[test]
fn siblings_are_side_by_side_and_merkle_trees_show_differences() {
    let browser = select(WIDE, "#ex=cart-siblings&t=5500", "a");
    browser.wait("document.querySelector('.tree li')");
    browser.run("const s = document.querySelector('.scrubber'); s.value = 5900; s.dispatchEvent(new Event('input', { bubbles: true }))");
    browser.wait("document.querySelectorAll('.siblings .sibling').length === 2");
    let tops = "[...document.querySelectorAll('.siblings .sibling')].map(it => it.getBoundingClientRect().top)";
    browser.wait(&format!("new Set({tops}).size === 1"));
    assert_eq!(count(&browser, ".vector span"), 2, "a version vector of two origins");
    assert!(count(&browser, ".tree .cells i") >= 1);
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

#[test]
fn a_skewed_clock_and_its_lost_update_are_marked_on_the_card() {
    let browser = select(PHONE, "#ex=global-table-skew&t=2000", "eu");
    browser.wait("document.querySelector('[data-node=eu] .trouble')?.textContent.includes('clock −300 ms')");
    browser.wait("document.querySelector('[data-node=eu] .rows em')?.textContent === '1 lost'");
    assert_eq!(count(&browser, "[data-node=us] .trouble, [data-node=us] .rows em"), 0);
    assert!(browser.text(".internals .skew").contains("300 ms behind"));
    assert_clean_console(&browser);
}

#[test]
fn staleness_charts_are_drawn_and_described() {
    let browser = SITE.visit(WIDE, "#ex=cassandra-hints&t=8000");
    browser.click("[data-action=Diagram]");
    press_in(&browser, ".diagram .seg", "Charts");
    browser.wait("document.querySelectorAll('.charts .bar').length > 10");
    browser.wait("document.querySelectorAll('.charts .dot.stale').length >= 4");
    let description = "document.querySelector('.charts').getAttribute('aria-label')";
    browser.wait(&format!(
        "{description}.includes('inconsistency windows, the longest') && /\\d+ of \\d+ reads stale/.test({description})"
    ));
    assert_eq!(browser.axe(), Vec::<String>::new());
    // The style sheet of the lazy views is loaded.
    browser.wait("getComputedStyle(document.querySelector('.charts .bar')).strokeWidth === '3px'");
    assert_clean_console(&browser);
}

#[test]
fn the_steps_of_a_verdict_are_marked_on_canvas_timeline_and_diagram() {
    let browser = SITE.visit(WIDE, "#ex=quorum-inversion&t=2900");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdict.violated .show')");
    let timeline = "[...document.querySelectorAll('.time canvas')].map(it => it.toDataURL()).join()";
    browser.run(&format!("window.before = {timeline}"));
    press_in(&browser, ".verdict.violated", "Show on canvas and timeline");
    browser.wait("document.querySelector('.verdict.violated .show').getAttribute('aria-pressed') === 'true'");
    // The readers of the two operations.
    browser.wait(
        "document.querySelector('[data-node=first].proof') && document.querySelector('[data-node=second].proof')",
    );
    browser.wait(&format!("{timeline} !== window.before"));
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.click("[data-action=Diagram]");
    browser.wait("document.querySelectorAll('.diagram .proof').length >= 3");
    press_in(&browser, ".verdict.violated", "Show on canvas and timeline");
    browser.wait("!document.querySelector('.proof')");
    assert_clean_console(&browser);
}

#[test]
fn the_chart_of_windows_shows_that_a_copy_lost_an_update_again() {
    let browser = SITE.visit(WIDE, "#ex=reordering&t=5000");
    browser.click("[data-action=Diagram]");
    press_in(&browser, ".diagram .seg", "Charts");
    browser.wait("document.querySelector('.charts .missed title')?.textContent.endsWith('a copy lost it again')");
    browser.wait("document.querySelector('.charts').getAttribute('aria-label').includes('1 lost again')");
    assert_clean_console(&browser);
}
