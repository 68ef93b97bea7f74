//! Build, connect, publish, break, heal and share: by touch alone, by the outline alone, and by keyboard alone.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, wait_for_state};
use serde_json::json;

fn open(look: Look) -> Browser {
    let browser = SITE.visit(look, "#new");
    browser.wait("document.querySelector('.first-steps, main.canvas')");
    browser
}

fn tap(browser: &Browser, selector: &str) {
    let at = browser.middle(selector);
    browser.touch(&[&[at]], 0);
}

/// Taps a button by its text.
fn tap_text(browser: &Browser, container: &str, text: &str) {
    let find = format!(
        "[...document.querySelectorAll('{container} button')].find(b => b.textContent === {0} || b.ariaLabel === {0})",
        json!(text)
    );
    browser.wait(&find);
    browser.run(&format!("document.querySelectorAll('[data-tap]').forEach(e => e.removeAttribute('data-tap')); {find}.setAttribute('data-tap', ''); {find}.scrollIntoView({{ block: 'nearest' }})"));
    tap(browser, "[data-tap]");
}

/// Chooses an action of the menu "More".
fn more(browser: &Browser, action: &str) {
    tap(browser, ".more-button");
    browser.wait(&format!("document.querySelector('[data-more={action}]')"));
    browser.run(&format!("document.querySelector('[data-more={action}]').scrollIntoView({{ block: 'nearest' }})"));
    tap(browser, &format!("[data-more={action}]"));
    browser.wait("!document.querySelector('.more [role=menuitem]')");
}

fn close_inspector(browser: &Browser) {
    if !browser.run("return document.querySelector(\"[aria-label='Close the inspector']\")").is_null() {
        tap(browser, "[aria-label='Close the inspector']");
        browser.wait("!document.querySelector('.inspector')");
    }
}

/// Opens the menu of a card by a long press and chooses an entry.
fn choose(browser: &Browser, card: &str, entry: &str) {
    let at = browser.middle(&format!("main [data-node='{card}'] header"));
    browser.touch(&[&[at]], 700);
    tap_text(browser, "[role=menu]", entry);
}

#[test]
fn by_touch_alone() {
    let browser = open(PHONE);
    for (action, id) in [("AddService", "service-1"), ("AddBus", "bus-1"), ("AddService", "service-2")] {
        more(&browser, action);
        browser.wait(&format!("document.querySelector('main [data-node=\"{id}\"]')"));
        close_inspector(&browser);
    }
    more(&browser, "Connect");
    for (index, card) in ["service-1", "bus-1", "bus-1", "service-2"].into_iter().enumerate() {
        tap(&browser, &format!("main [data-node='{card}'] header"));
        if index % 2 == 1 {
            browser.wait(&format!("document.querySelectorAll('.links [data-link]').length === {}", index / 2 + 1));
        }
    }
    more(&browser, "Connect");
    choose(&browser, "service-2", "Crash");
    close_inspector(&browser);
    wait_for_state(&browser, "service-2", "down");
    choose(&browser, "service-2", "Restart");
    close_inspector(&browser);
    browser.wait("document.querySelector('[data-node=\"service-2\"] .badge').textContent !== 'down'");
    tap(&browser, ".publish-wide");
    wait_for_state(&browser, "service-2", "stale");
    wait_for_state(&browser, "service-2", "consistent");
    more(&browser, "Share");
    browser.wait("document.querySelector('#share-link')?.value");
    assert_clean_console(&browser);
}

/// Presses keys until an expression is true.
fn press_until(browser: &Browser, key: &str, expression: &str) {
    for _ in 0..60 {
        if browser.run(&format!("return !!({expression})")) == json!(true) {
            return;
        }
        browser.keys(&[key]);
    }
    panic!("{key} does not lead to {expression}");
}

#[test]
fn by_keyboard_alone() {
    let browser = open(WIDE);
    browser.keys(&["1"]);
    browser.wait("document.activeElement?.dataset.node === 'service-1'");
    browser.keys(&["2"]);
    browser.wait("document.activeElement?.dataset.node === 'bus-1'");
    browser.keys(&["Escape", "1"]);
    browser.wait("document.activeElement?.dataset.node === 'service-2'");
    browser.keys(&["Escape", "7", "5"]);
    let focused = |id: &str| format!("document.activeElement?.dataset.node === '{id}'");
    // Arrow keys go from card to card; Enter chooses the ends of a link.
    for (index, id) in ["service-1", "bus-1", "bus-1", "service-2"].into_iter().enumerate() {
        go_to(&browser, id);
        browser.wait(&focused(id));
        browser.keys(&["Enter"]);
        if index % 2 == 1 {
            browser.wait(&format!("document.querySelectorAll('.links [data-link]').length === {}", index / 2 + 1));
        }
    }
    browser.keys(&["Escape"]);
    go_to(&browser, "service-2");
    browser.keys(&["f"]);
    browser.wait("document.querySelector('[data-node=\"service-2\"] .trouble')");
    browser.keys(&["h"]);
    browser.wait("!document.querySelector('[data-node=\"service-2\"] .trouble')");
    browser.keys(&["p"]);
    wait_for_state(&browser, "service-2", "stale");
    wait_for_state(&browser, "service-2", "consistent");
    browser.keys(&["Control+k"]);
    browser.wait("document.activeElement?.className === 'commands-input'");
    browser.keys(&["S", "h", "a", "r", "e", "Space", "t", "h", "e", "Enter"]);
    browser.wait("document.querySelector('#share-link')?.value");
    press_until(&browser, "Tab", "document.activeElement?.id === 'share-link'");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('dialog') && document.activeElement !== document.body");
    assert_clean_console(&browser);
}

/// Moves the focus to a card with the command palette.
fn go_to(browser: &Browser, id: &str) {
    if browser.run(&format!("return document.activeElement?.dataset.node === '{id}'")) == json!(true) {
        return;
    }
    for key in ["Left", "Up", "Right", "Down"] {
        for _ in 0..4 {
            if browser.run(&format!("return document.activeElement?.dataset.node === '{id}'")) == json!(true) {
                return;
            }
            browser.keys(&[key]);
        }
    }
}

#[test]
fn forced_colours_hide_nothing() {
    let browser = SITE.visit(WIDE, "#ex=lost-event");
    browser.devtools(
        "Emulation.setEmulatedMedia",
        json!({ "features": [{ "name": "forced-colors", "value": "active" }] }),
    );
    browser.wait("matchMedia('(forced-colors: active)').matches");
    wait_for_state(&browser, "notification", "stale");
    // The state has its shape in its colour, links and cards have lines, and the scrubber has a track.
    let colour = |selector: &str, property: &str, pseudo: &str| {
        let script = format!(
            "return getComputedStyle(document.querySelector(arguments[0]), {}).{property}",
            if pseudo.is_empty() { "null".into() } else { json!(pseudo).to_string() }
        );
        browser.run_with(&script, selector).as_str().unwrap_or_default().to_string()
    };
    let paper = colour("main.canvas", "backgroundColor", "");
    for (selector, property) in [
        (".badge .glyph", "fill"),
        (".links .link", "stroke"),
        ("main .card", "borderTopColor"),
        (".transport .scrubber", "color"),
        ("main .card h2", "color"),
    ] {
        assert_ne!(colour(selector, property, ""), paper, "{selector} is invisible");
    }
    let rules = "return [...document.styleSheets].flatMap(s => [...s.cssRules]).some(r => r.conditionText?.includes('forced-colors') && r.cssText.includes('slider-runnable-track'))";
    assert_eq!(browser.run(rules), json!(true));
    browser.shot(std::path::Path::new("test-output/forced-colours.png"));
    assert_clean_console(&browser);
}

#[test]
fn the_first_steps_stay_until_events_can_flow() {
    let browser = open(WIDE);
    let steps = "document.querySelectorAll('.first-steps li').length";
    browser.wait(&format!("{steps} === 3"));
    for action in ["AddService", "AddBus", "AddService"] {
        let count = browser.run("return document.querySelectorAll('main [data-node]').length");
        let name = if action == "AddBus" { "bus" } else { "service" };
        browser.run(&format!(
            "[...document.querySelectorAll('.first-steps button')].find(b => b.textContent === '{name}').click()"
        ));
        browser.wait(&format!("document.querySelectorAll('main [data-node]').length > {count}"));
        browser.wait(&format!("{steps} === 3"));
    }
    browser.run("document.querySelector('[aria-label=Undo]').click()");
    browser.wait("[...document.querySelectorAll('.first-steps button')].some(b => b.textContent === 'Do not show the steps again')");
    // A template has connections.
    browser.run("document.querySelector('[aria-label=Undo]').click()");
    browser.run("document.querySelector('[aria-label=Undo]').click()");
    browser.wait("[...document.querySelectorAll('.first-steps button')].length > 3");
    browser.run("[...document.querySelectorAll('.first-steps .row button')][0].click()");
    browser.wait("!document.querySelector('.first-steps')");
    assert_clean_console(&browser);
}
