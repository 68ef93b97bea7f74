//! Work that is kept over Back, reloads and new tabs.

use crate::drawings::{cards, choose, file, open, saved};
use browser_tests::{Browser, assert_clean_console};
use serde_json::json;

#[test]
fn back_returns_to_an_update_that_was_published_on_an_example() {
    let browser = open("");
    browser_tests::publish_and_converge(&browser);
    choose(&browser, "lost-event");
    browser.wait("document.querySelector('[data-node=warehouse]')");
    // The list has the drawing when it is saved.
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list .name').length === 1");
    browser.keys(&["Escape"]);
    browser.run("history.back()");
    browser.wait("!document.querySelector('[data-node=warehouse]') && location.hash.startsWith('#d=')");
    browser.wait("document.querySelector('.chip.first')?.textContent.includes('consistent')");
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list .name').length === 1");
    assert_clean_console(&browser);
}

/// Publishes an update on the first example, waits until the card of Inventory shows it, and returns the new value.
fn publish_at_inventory(browser: &Browser) -> serde_json::Value {
    let before = browser.run("return document.querySelector('[data-node=inventory] .v').textContent");
    browser.click("main .publish");
    browser.wait(&format!("document.querySelector('[data-node=inventory] .v').textContent !== {before}"));
    browser.run("return document.querySelector('[data-node=inventory] .v').textContent")
}

/// Reloads the page of this tab.
fn reload(browser: &Browser) {
    browser.run("window.isBefore = true; location.reload()");
    browser.wait("!window.isBefore && document.querySelector('main .badge')");
}

/// The instant, the values on the cards, and the description.
const SHOWN: &str = "[document.querySelector('.transport .clock').textContent, \
    ...[...document.querySelectorAll('main .card .v')].map(v => v.textContent), document.querySelector('.caption p').textContent].join('|')";

#[test]
fn a_reload_keeps_live_commands_the_instant_the_description_and_the_history() {
    // An example with live commands alone, and one that an edit has made the visitor's own.
    for edits in [false, true] {
        let browser = open("#ex=inventory-notification");
        browser.run("document.querySelector('main.canvas').focus()");
        browser.keys(&["End", "p"]);
        browser.wait("!document.querySelector('[aria-label=Undo]').disabled");
        if edits {
            browser.click(".palette .placeable");
            cards(&browser, 5);
            browser.wait("location.hash.startsWith('#d=')");
        }
        let before = browser.run("return document.querySelector('[data-node=inventory] .v').textContent");
        browser.run("document.querySelector('main.canvas').focus()");
        browser.keys(&["p"]);
        browser.wait(&format!("document.querySelector('[data-node=inventory] .v').textContent !== {before}"));
        // A publication plays.
        browser.keys(&["Space"]);
        browser.wait("document.querySelector('.transport [aria-label^=Play]')");
        if edits {
            saved(&browser);
        }
        let (address, shown) = (browser.run("return location.hash"), browser.wait(SHOWN));
        reload(&browser);
        browser.wait(&format!("{SHOWN} === {shown}"));
        assert_eq!(browser.run("return location.hash"), address);
        cards(&browser, if edits { 5 } else { 4 });
        for _ in 0..if edits { 3 } else { 2 } {
            browser.click("[aria-label=Undo]:not(:disabled)");
        }
        browser.wait("document.querySelector('[aria-label=Undo]').disabled");
        cards(&browser, 4);
        assert_clean_console(&browser);
    }
}

#[test]
fn a_new_tab_shows_the_live_commands_of_a_kept_drawing() {
    let browser = open("");
    browser.click(".palette .placeable");
    saved(&browser);
    let before = browser.run("return document.querySelector('[data-node=inventory] .v').textContent");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["p"]);
    browser.wait(&format!("document.querySelector('[data-node=inventory] .v').textContent !== {before}"));
    saved(&browser);
    let value = browser.run("return document.querySelector('[data-node=inventory] .v').textContent");
    let address = browser.run("return location.href");
    browser.open_tab(address.as_str().expect("an address"));
    browser.wait("document.querySelector('main .badge')");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["End"]);
    browser.wait(&format!("document.querySelector('[data-node=inventory] .v').textContent === {value}"));
    assert_clean_console(&browser);
}

#[test]
fn a_reload_keeps_a_second_branch_and_the_comparison() {
    let browser = open("#ex=lost-event");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["p"]);
    // In the past of this publication, another one forks the run.
    browser.keys(&["Home", "p"]);
    browser.wait("location.hash.startsWith('#d=')");
    saved(&browser);
    browser.click(".transport [data-action=Branches]");
    browser.wait("document.querySelectorAll('.branches .verdict').length === 2");
    reload(&browser);
    browser.click(".transport [data-action=Branches]");
    browser.wait("document.querySelectorAll('.branches .verdict').length === 2");
    assert_clean_console(&browser);
}

#[test]
fn an_update_on_an_example_is_kept_when_its_tab_is_closed_at_once() {
    let browser = open("");
    let address = browser.run("return location.href");
    let (first, second) = browser.open_tab(address.as_str().expect("an address"));
    browser.wait("document.querySelector('main .badge')");
    let value = publish_at_inventory(&browser);
    browser.go_to_tab(&second);
    browser.devtools("Page.close", json!({}));
    browser.go_to_tab(&first);
    // A later visit opens it, at its start.
    browser.open("about:blank");
    browser.open(address.as_str().expect("an address"));
    browser.wait("location.hash.startsWith('#d=') && document.querySelector('[data-node=inventory] .v')");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["End"]);
    browser.wait(&format!("document.querySelector('[data-node=inventory] .v').textContent === {value}"));
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list .name').length === 1");
    assert_clean_console(&browser);
}

#[test]
fn a_reload_of_an_example_with_an_update_keeps_no_second_drawing() {
    let browser = open("");
    let value = publish_at_inventory(&browser);
    reload(&browser);
    browser.wait(&format!("document.querySelector('[data-node=inventory] .v').textContent === {value}"));
    file(&browser, "Open…");
    browser.wait("document.querySelector('dialog .muted')?.textContent.startsWith('None yet')");
    assert_clean_console(&browser);
}

#[test]
fn going_back_at_once_shows_the_update_of_the_example_that_was_left() {
    let browser = open("");
    // The storage answers late.
    browser.run("const open = indexedDB.open.bind(indexedDB); window.release = []; \
        IDBFactory.prototype.open = function (...all) { const request = open(...all); return new Proxy(request, { \
            get: (it, name) => typeof it[name] === 'function' ? it[name].bind(it) : it[name], \
            set: (it, name, value) => { it[name] = name === 'onsuccess' ? event => release.push(() => value(event)) : value; return true } }) }");
    browser_tests::publish_and_converge(&browser);
    choose(&browser, "lost-event");
    browser.wait("document.querySelector('[data-node=warehouse]')");
    browser.run("history.back()");
    browser.wait("!document.querySelector('[data-node=warehouse]') && location.hash.startsWith('#d=')");
    browser.wait("document.querySelector('.chip.first')?.textContent.includes('consistent')");
}

#[test]
fn the_updates_of_several_examples_whose_tabs_are_closed_are_all_kept() {
    let browser = open("");
    let address = browser.run("return location.href");
    let page = address.as_str().and_then(|address| address.split('#').next()).expect("an address").to_string();
    for example in ["first-update", "lost-event", "cart-siblings"] {
        let (first, second) = browser.open_tab(&format!("{page}#ex={example}&t=0"));
        browser.wait("document.querySelector('main .badge') && document.querySelector('.clock').textContent");
        browser.run("document.querySelector('main.canvas').focus()");
        browser.keys(&["p"]);
        browser.wait("parseFloat(document.querySelector('.clock').textContent) > 0.2");
        // After a reload, too.
        reload(&browser);
        browser.wait("!document.querySelector('[data-action=Undo]').disabled");
        browser.go_to_tab(&second);
        browser.devtools("Page.close", json!({}));
        browser.go_to_tab(&first);
    }
    browser.open("about:blank");
    browser.open(&page);
    browser.wait("location.hash.startsWith('#d=') && document.querySelector('main .badge')");
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list .name').length === 3");
    assert_clean_console(&browser);
}
