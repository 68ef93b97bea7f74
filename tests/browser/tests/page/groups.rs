//! Replica groups on the page.

use super::*;

#[test]
fn a_new_group_shows_its_quorums_and_replicates_an_update() {
    let browser = open(WIDE, "");
    open_from_gallery(&browser, "-");
    browser.wait("document.querySelectorAll('[data-node]').length === 0");
    browser.click(".palette button:nth-of-type(4)");
    browser.wait("document.querySelectorAll('[data-node]').length === 3");
    browser.wait("document.querySelector('.hull') && document.querySelectorAll('.links path.link').length === 3");
    browser.wait("document.querySelector('button.area-label')?.textContent === 'Group 1 N 3 · R 2 · W 2'");
    browser.click("button.area-label");
    browser.wait("document.querySelector('#field-groups-0-protocol-quorum-write')");
    browser.fill("#field-groups-0-protocol-quorum-write", "4");
    browser.wait("[...document.querySelectorAll('.field .err')].some(e => e.textContent.includes('1 to 3'))");
    browser.fill("#field-groups-0-protocol-quorum-write", "3");
    browser.wait("document.querySelector('button.area-label').textContent.includes('W 3')");
    assert_eq!(browser.axe(), Vec::<String>::new(), "a group selected");
    press(&browser, "strong");
    browser.wait("document.querySelector('button.area-label').textContent.includes('R 2 · W 2 · writes back')");
    press(&browser, "eventual");
    browser.wait("document.querySelector('button.area-label').textContent.endsWith('R 1 · W 1')");
    browser.click(".publish");
    for replica in ["service-1", "service-2", "service-3"] {
        browser.wait(&format!("document.querySelector('[data-node=\"{replica}\"]').textContent.includes('item')"));
        wait_for_state(&browser, replica, "consistent");
    }
    assert_clean_console(&browser);
}

#[test]
fn siblings_lost_updates_roles_and_hints_are_shown_on_cards() {
    let browser = open(WIDE, "#ex=cart-siblings&t=6000");
    wait_for_state(&browser, "a", "conflicted");
    browser.wait("document.querySelector('[data-node=\"a\"] .rows').textContent.includes('2 siblings')");
    // Both siblings are readable, also when the styles of the inspector are loaded.
    browser.click("[data-node=\"a\"] header");
    browser.wait("document.querySelector('.inspector .siblings .sibling')");
    browser.wait(
        "document.querySelectorAll('.sibling-values').length === 3 && \
         [...document.querySelectorAll('.sibling-values')].every(value => { \
         const [inner, row] = [value, value.parentElement].map(element => element.getBoundingClientRect()); \
         return inner.top > row.top - 3 && inner.bottom < row.bottom + 3 && value.scrollWidth <= value.clientWidth })",
    );
    assert!(browser.text("[data-node=\"a\"] .rows .v").contains(" | "));
    browser.wait("document.querySelector('.chips').textContent.includes('3 of 3 copies conflicted')");
    assert_clean_console(&browser);
    let browser = open(WIDE, "#ex=global-table-skew&t=2000");
    browser.wait("document.querySelector('.chips').textContent.includes('1 acknowledged write lost')");
    assert_clean_console(&browser);
    let browser = open(WIDE, "#ex=raft-and-quorum&t=1500");
    browser.wait("[...document.querySelectorAll('.foot')].some(foot => foot.textContent.includes('leads, term'))");
    browser.wait("document.querySelectorAll('button.area-label').length === 2");
    assert_clean_console(&browser);
    let browser = open(WIDE, "#ex=viewing-history&t=4500");
    browser.wait("document.querySelectorAll('.region').length >= 3");
    browser.wait("[...document.querySelectorAll('.foot')].some(foot => foot.textContent.includes('hint'))");
    assert_clean_console(&browser);
}
