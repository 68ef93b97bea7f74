//! The page without a mouse: keyboard and outline, touch, wheel.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, open_from_gallery};
use serde_json::{Value, json};
use std::path::Path;

fn open(look: Look, path: &str) -> Browser {
    let browser = SITE.visit(look, path);
    wait_for_run(&browser);
    browser
}

/// Waits for the first frame of the run; before it, the end of the run is unknown.
fn wait_for_run(browser: &Browser) {
    browser.wait("document.querySelector('main .badge')");
}

/// Presses Tab until the focused element has a name.
fn tab_to(browser: &Browser, name: &str) {
    let focused = "const e = document.activeElement; \
        return e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim() || e.textContent.trim()";
    let mut visited = Vec::new();
    for _ in 0..400 {
        let now = browser.run(focused).as_str().unwrap_or_default().to_string();
        if now == name {
            return;
        }
        visited.push(now);
        browser.keys(&["Tab"]);
    }
    panic!("Tab does not reach {name:?}, only {visited:?}");
}

fn press(browser: &Browser, name: &str) {
    tab_to(browser, name);
    browser.keys(&["Enter"]);
}

/// Replaces the text of a field.
fn type_over(browser: &Browser, name: &str, text: &str) {
    tab_to(browser, name);
    browser.keys(&["Control+a"]);
    let letters: Vec<String> = text.chars().map(String::from).collect();
    browser.keys(&letters.iter().map(String::as_str).collect::<Vec<_>>());
    browser.keys(&["Tab"]);
}

fn row(id: &str, text: &str) -> String {
    format!("document.querySelector('.outline [data-row=\"{id}\"]')?.textContent.includes({})", json!(text))
}

#[test]
fn tab_continues_from_a_card_to_its_buttons_and_shift_tab_returns() {
    let browser = open(WIDE, "#ex=inventory-notification");
    browser.run("document.querySelector('[data-node=inventory]').focus()");
    let focused = "return document.activeElement.dataset.node || document.activeElement.ariaLabel || document.activeElement.textContent.trim() || document.activeElement.tagName";
    let mut forth = vec![browser.run(focused)];
    for _ in 0..5 {
        browser.keys(&["Tab"]);
        assert_eq!(
            browser.run("return document.activeElement.checkVisibility({ opacityProperty: true })"),
            json!(true)
        );
        forth.push(browser.run(focused));
    }
    let names: Vec<&str> = forth.iter().filter_map(Value::as_str).collect();
    assert!(names[1].starts_with("Crash") && names[4].starts_with("Publish update"), "{names:?}");
    for name in names[..5].iter().rev() {
        browser.keys(&["Shift+Tab"]);
        assert_eq!(browser.run(focused), json!(name), "{names:?}");
    }
}

#[test]
fn the_outline_builds_publishes_cuts_heals_deletes_and_shares_by_keyboard_alone() {
    let browser = open(WIDE, "");
    open_from_gallery(&browser, "-");
    browser.wait("document.querySelectorAll('[data-node]').length === 0");
    browser.run("document.activeElement.blur()");
    press(&browser, "Open the outline");
    browser.wait("document.activeElement === document.querySelector('.outline')");
    // Add two services and a bus; rename and move the first.
    for (kind, id) in [("Service", "service-1"), ("Bus", "bus-1"), ("Service", "service-2")] {
        press(&browser, &format!("Add: {kind}"));
        browser.wait(&format!("document.querySelector('.outline [data-row=\"{id}\"]')"));
    }
    browser.wait("document.activeElement.closest('[data-row]')?.dataset.row === 'service-2'");
    type_over(&browser, "Name of Service 1", "Stock");
    browser.wait("document.querySelector('[data-node=\"service-1\"] h2').textContent === 'Stock'");
    type_over(&browser, "Left of Stock", "20");
    // Connect by choosing both ends.
    let connect = |from: &[&str], to: &[&str], row: &str| {
        tab_to(&browser, "Connect from");
        browser.keys(from);
        tab_to(&browser, "Connect to");
        browser.keys(to);
        press(&browser, "Connect");
        browser.wait(&format!("document.querySelector('.outline [data-row=\"{row}\"]')"));
    };
    // The ends are in the order of the table: Stock, Service 2, Bus 1. The first two are chosen.
    connect(&[], &["Down"], "service-1>bus-1");
    connect(&["Down", "Down"], &["Up"], "bus-1>service-2");
    assert_eq!(browser.axe(), Vec::<String>::new(), "the outline");
    // Cut and publish; publishing starts playback.
    press(&browser, "Cut: Bus 1 to Service 2");
    browser.wait(&row("bus-1>service-2", "cut"));
    press(&browser, "Publish: Stock");
    browser.wait(&row("service-2", "stale"));
    press(&browser, "Pause");
    press(&browser, "Heal: Bus 1 to Service 2");
    browser.wait(&row("bus-1>service-2", "up"));
    press(&browser, "Crash: Service 2");
    browser.wait(&row("service-2", "down"));
    press(&browser, "Restart: Service 2");
    browser.wait(&format!("!({})", row("service-2", "down")));
    // Delete and undo; the focus stays in the table.
    press(&browser, "Delete: Service 2");
    browser.wait("!document.querySelector('.outline [data-row=\"service-2\"]')");
    browser.wait("document.activeElement.closest('[data-row]')");
    press(&browser, "Undo");
    browser.wait("document.querySelector('.outline [data-row=\"service-2\"]')");
    press(&browser, "Share");
    browser.wait("document.querySelector('#share-link')?.value");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('dialog')");
    press(&browser, "Close the outline");
    browser.wait("document.querySelector('main.canvas').contains(document.activeElement)");
    assert_clean_console(&browser);
}

#[test]
fn axe_finds_no_violation_in_the_outline() {
    for (name, look) in [
        ("outline-wide", WIDE),
        ("outline-dark", Look { dark: true, ..WIDE }),
        ("outline-phone", PHONE),
        ("outline-phone-dark", Look { dark: true, ..PHONE }),
    ] {
        let browser = open(look, "#ex=inventory-notification&t=2600");
        // On a phone, the action is in a menu.
        browser.run("document.querySelector('[data-action=Outline]').click()");
        browser.wait(&row("notification", "stale"));
        browser.click(".outline [aria-label='More faults: Notification']");
        browser.wait("document.querySelector('.outline tr.faults')");
        assert_eq!(browser.axe(), Vec::<String>::new(), "{name}");
        browser.shot(Path::new(&format!("test-output/{name}.png")));
        assert_clean_console(&browser);
    }
}

/// Returns the middle of a card, in px of the window.
fn middle(browser: &Browser, id: &str) -> (f64, f64) {
    browser.middle(&format!("main [data-node=\"{id}\"]"))
}

fn width(browser: &Browser, id: &str) -> f64 {
    let script = "return document.querySelector(`main [data-node=\"${arguments[0]}\"]`).getBoundingClientRect().width";
    browser.run_with(script, id).as_f64().expect("a width")
}

#[test]
fn one_finger_pans_two_zoom_and_a_long_press_opens_the_menu() {
    let browser = open(PHONE, "#ex=first-update");
    let canvas = browser.run("const r = document.querySelector('main.canvas').getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]");
    let (x, y) = (canvas[0].as_f64().expect("x"), canvas[1].as_f64().expect("y"));
    let before = middle(&browser, "inventory");
    browser.touch(&[&[(x, y), (x, y - 60.0)]], 0);
    let after = middle(&browser, "inventory");
    let moved = after.1 - before.1;
    assert!((moved + 60.0).abs() < 16.0, "a drag of 60 px upwards moved the view by {moved} px");
    // A movement of 4 px is a tap, which selects.
    browser.touch(&[&[(x, y), (x, y - 4.0)]], 0);
    assert_eq!(middle(&browser, "inventory"), after);
    browser.click("[aria-label='Close the inspector']");
    browser.wait("!document.querySelector('.inspector')");
    let small = width(&browser, "inventory");
    browser.touch(&[&[(x - 40.0, y), (x - 80.0, y)], &[(x + 40.0, y), (x + 80.0, y)]], 0);
    let factor = width(&browser, "inventory") / small;
    assert!((1.5..2.2).contains(&factor), "a pinch to twice the distance zoomed by {factor}");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["Shift+1"]);
    let card = middle(&browser, "notification");
    browser.touch(&[&[card]], 700);
    browser.wait("[...document.querySelectorAll('[role=menuitem]')].some(item => item.textContent === 'Crash')");
    assert_clean_console(&browser);
}

#[test]
fn every_button_of_the_transport_is_visible_on_a_phone() {
    for width in [390, 320] {
        let browser = open(Look { width, ..PHONE }, "#ex=first-update");
        browser.run("document.querySelector('main.canvas').focus()");
        for end in [false, true] {
            if end {
                browser.keys(&["\u{E010}"]);
                browser.wait(
                    "[...document.querySelectorAll('.transport button')].some(b => b.textContent.includes('+5 s'))",
                );
            }
            let hidden = browser.run(
                "return [...document.querySelectorAll('.transport button')].filter(b => { const r = b.getBoundingClientRect(); \
                 return r.width > 0 && (r.right > innerWidth || r.bottom > innerHeight || r.width < 24 || r.height < 24) }).map(b => b.ariaLabel || b.textContent)",
            );
            assert_eq!(hidden, json!([]), "{width} px wide, at the end: {end}");
            let overflow = browser.run("return document.documentElement.scrollWidth - innerWidth");
            assert_eq!(overflow, json!(0), "{width} px wide, at the end: {end}");
        }
    }
}

#[test]
fn the_wheel_over_an_embed_scrolls_its_page_and_shows_a_hint() {
    let browser = open(WIDE, "embed/#ex=first-update");
    let turn = |ctrl: bool| {
        let at = middle(&browser, "inventory");
        let event = json!({ "type": "mouseWheel", "x": at.0, "y": at.1, "deltaX": 0, "deltaY": -120, "modifiers": if ctrl { 2 } else { 0 } });
        browser.devtools("Input.dispatchMouseEvent", event);
    };
    browser.run("addEventListener('wheel', event => { document.title = String(event.defaultPrevented) })");
    let before = width(&browser, "inventory");
    turn(false);
    browser.wait("document.querySelector('.hint')?.textContent.includes('Ctrl+wheel zooms')");
    assert_eq!(browser.run("return document.title"), Value::from("false"), "the page does not scroll");
    let (hint, canvas) = (browser.middle(".hint"), browser.middle("main.canvas"));
    assert!(
        (hint.0 - canvas.0).abs() < 2.0 && hint.1 > canvas.1,
        "the hint is at {hint:?}, the middle of the canvas at {canvas:?}"
    );
    assert_eq!(width(&browser, "inventory"), before);
    turn(true);
    browser.wait("document.title === 'true'");
    browser.wait(&format!(
        "document.querySelector('main [data-node=inventory]').getBoundingClientRect().width > {before}"
    ));
    browser.wait("!document.querySelector('.hint')");
    assert_clean_console(&browser);
}

#[test]
fn cards_show_the_rows_of_outbox_and_inbox_and_mark_duplicates() {
    let browser = open(WIDE, "#ex=duplicate-delivery&t=0");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["\u{E010}"]);
    browser.wait("[...document.querySelectorAll('.card .cells')].some(c => c.textContent.startsWith('inbox') && c.querySelector('.again'))");
    browser.wait("[...document.querySelectorAll('.card .foot')].some(f => f.textContent.includes('already applied'))");
    browser.open(&SITE.at("?again#ex=outbox&t=0"));
    wait_for_run(&browser);
    browser.run("document.querySelector('main.canvas').focus()");
    // Step until the outbox has the row of the first update, and until the bus has acknowledged it.
    let has_row = "[...document.querySelectorAll('.card .cells')].some(c => c.textContent.startsWith('outbox'))";
    let step_until = |wanted: &str| {
        for _ in 0..200 {
            if browser.run(&format!("return ({wanted})")) == Value::Bool(true) {
                return;
            }
            let clock = browser.text(".transport .clock");
            browser.keys(&["."]);
            browser.wait(&format!(
                "({wanted}) || document.querySelector('.transport .clock').textContent !== {}",
                json!(clock)
            ));
        }
        panic!("timeout: {wanted}");
    };
    step_until(has_row);
    browser.shot(Path::new("test-output/outbox.png"));
    step_until(&format!("!({has_row})"));
    assert_clean_console(&browser);
}

#[test]
fn shortcuts_act_after_a_click_left_the_focus_on_a_button() {
    let browser = open(WIDE, "#ex=inventory-notification");
    let can_undo = "!document.querySelector('[aria-label=Undo]').disabled";
    for button in [".publish, .publish-wide", "[data-action=Verdicts]", "[data-action=Log]"] {
        browser.click(button);
        assert_eq!(browser.run("return document.activeElement.tagName"), "BUTTON", "{button}");
        browser.keys(&["p"]);
        browser.wait(can_undo);
        for _ in 0..5 {
            browser.keys(&["Control+z"]);
        }
        browser.wait(&format!("!({can_undo})"));
    }
    // A field keeps its keys.
    browser.keys(&["Control+k"]);
    browser.wait("document.activeElement.tagName === 'INPUT'");
    browser.keys(&["p"]);
    assert_eq!(browser.run("return document.activeElement.value"), "p");
    assert_clean_console(&browser);
}

#[test]
fn a_dialog_that_is_cancelled_and_closed_in_one_task_stays_closed() {
    let browser = SITE.visit(WIDE, "#ex=lost-event");
    browser.run("document.querySelector('main.canvas').focus()");
    for (keys, inside) in [("Control+k", ".commands-input"), ("e", ".gallery"), ("?", "dialog table")] {
        browser.keys(&[keys]);
        browser
            .wait(&format!("document.querySelector('{inside}')?.closest('dialog').contains(document.activeElement)"));
        // A busy browser sends both events before the page is rendered.
        browser.run("const dialog = document.querySelector('dialog'); dialog.dispatchEvent(new Event('cancel')); dialog.dispatchEvent(new Event('close'))");
        browser.wait("!document.querySelector('dialog') && document.activeElement !== document.body");
    }
    assert_clean_console(&browser);
}
