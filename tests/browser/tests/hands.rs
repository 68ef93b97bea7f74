//! The page without a mouse: by keyboard alone through the outline, and by fingers.

use browser_tests::{Browser, Look, PHONE, Site, WIDE, clean};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;

static SITE: LazyLock<Site> = LazyLock::new(Site::start);

fn open(look: Look, path: &str) -> Browser {
    let browser = SITE.visit(look, path);
    answered(&browser);
    browser
}

/// Waits until the engine has told how things stand: before that there is no end to go to.
fn answered(browser: &Browser) {
    browser.wait("document.querySelector('main .badge')");
}

/// Goes on with Tab until what has the focus is called so: whatever is reached is reached by keyboard.
fn tab_to(browser: &Browser, name: &str) {
    let focused = "const e = document.activeElement; \
        return e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim() || e.textContent.trim()";
    let mut seen = Vec::new();
    for _ in 0..120 {
        let now = browser.run(focused).as_str().unwrap_or_default().to_string();
        if now == name {
            return;
        }
        seen.push(now);
        browser.keys(&["Tab"]);
    }
    panic!("Tab never comes to {name:?}, only to {seen:?}");
}

fn press(browser: &Browser, name: &str) {
    tab_to(browser, name);
    browser.keys(&["Enter"]);
}

/// Types over what stands in the field that has the focus.
fn type_over(browser: &Browser, name: &str, text: &str) {
    tab_to(browser, name);
    browser.keys(&["Control+a"]);
    let letters: Vec<String> = text.chars().map(String::from).collect();
    browser.keys(&letters.iter().map(String::as_str).collect::<Vec<_>>());
    browser.keys(&["Tab"]);
}

fn row(id: &str, says: &str) -> String {
    format!("document.querySelector('.outline [data-row=\"{id}\"]')?.textContent.includes({})", json!(says))
}

#[test]
fn a_journey_by_keyboard_alone_through_the_outline_builds_publishes_breaks_heals_and_shares() {
    let browser = open(WIDE, "");
    browser.run("const s = document.querySelector('select[aria-label=Examples]'); s.value = '-'; s.dispatchEvent(new Event('change', { bubbles: true }))");
    browser.wait("document.querySelectorAll('[data-node]').length === 0");
    browser.run("document.activeElement.blur()");
    press(&browser, "Open the outline");
    browser.wait("document.activeElement === document.querySelector('.outline')");
    // Two services and a bus, the first renamed.
    for (kind, id) in [("Service", "service-1"), ("Bus", "bus-1"), ("Service", "service-2")] {
        press(&browser, &format!("Add: {kind}"));
        browser.wait(&format!("document.querySelector('.outline [data-row=\"{id}\"]')"));
    }
    browser.wait("document.activeElement.closest('[data-row]')?.dataset.row === 'service-2'");
    type_over(&browser, "Name of Service 1", "Stock");
    browser.wait("document.querySelector('[data-node=\"service-1\"] h3').textContent === 'Stock'");
    type_over(&browser, "Left of Stock", "20");
    // Connected by choosing both ends.
    let connect = |from: &[&str], to: &[&str], row: &str| {
        tab_to(&browser, "Connect from");
        browser.keys(from);
        tab_to(&browser, "Connect to");
        browser.keys(to);
        press(&browser, "Connect");
        browser.wait(&format!("document.querySelector('.outline [data-row=\"{row}\"]')"));
    };
    // They are offered in the order of the table, and the first two are chosen: Stock, Service 2, Bus 1.
    connect(&[], &["Down"], "service-1>bus-1");
    connect(&["Down", "Down"], &["Up"], "bus-1>service-2");
    assert_eq!(browser.axe(), Vec::<String>::new(), "the outline");
    // Cut and published; to publish plays.
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
    // Deleted and undone; the focus stays in the table.
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
    clean(&browser);
}

#[test]
fn axe_finds_nothing_wrong_with_the_outline_wide_narrow_or_dark() {
    for (name, look) in [
        ("outline-wide", WIDE),
        ("outline-dark", Look { dark: true, ..WIDE }),
        ("outline-phone", PHONE),
        ("outline-phone-dark", Look { dark: true, ..PHONE }),
    ] {
        let browser = open(look, "#ex=inventory-notification&t=2600");
        browser.click("[data-action=Outline]");
        browser.wait(&row("notification", "stale"));
        browser.click(".outline [aria-label='More faults: Notification']");
        browser.wait("document.querySelector('.outline tr.faults')");
        assert_eq!(browser.axe(), Vec::<String>::new(), "{name}");
        browser.shot(Path::new(&format!("test-output/{name}.png")));
        clean(&browser);
    }
}

/// Where the middle of a card is in the window.
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
    let gone = after.1 - before.1;
    assert!((gone + 60.0).abs() < 16.0, "a finger that went 60 px up moved the view by {gone} px");
    // A finger that trembles does not pan: it chooses.
    browser.touch(&[&[(x, y), (x, y - 4.0)]], 0);
    assert_eq!(middle(&browser, "inventory"), after);
    browser.click("[aria-label='Close the inspector']");
    browser.wait("!document.querySelector('.inspector')");
    let small = width(&browser, "inventory");
    browser.touch(&[&[(x - 40.0, y), (x - 80.0, y)], &[(x + 40.0, y), (x + 80.0, y)]], 0);
    let factor = width(&browser, "inventory") / small;
    assert!((1.5..2.2).contains(&factor), "fingers that went twice as far apart zoomed by {factor}");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["Shift+1"]);
    let card = middle(&browser, "notification");
    browser.touch(&[&[card]], 700);
    browser.wait("[...document.querySelectorAll('[role=menuitem]')].some(item => item.textContent === 'Crash')");
    clean(&browser);
}

#[test]
fn every_button_below_the_canvas_is_in_sight_on_a_phone() {
    for width in [390, 320] {
        let browser = open(Look { width, ..PHONE }, "#ex=first-update");
        browser.run("document.querySelector('main.canvas').focus()");
        for end in [false, true] {
            if end {
                browser.keys(&["\u{E010}"]);
                browser.wait(
                    "[...document.querySelectorAll('.transport button')].some(b => b.textContent.includes('longer'))",
                );
            }
            let hidden = browser.run(
                "return [...document.querySelectorAll('.transport button')].filter(b => { const r = b.getBoundingClientRect(); \
                 return r.width > 0 && (r.right > innerWidth || r.bottom > innerHeight || r.width < 24 || r.height < 24) }).map(b => b.ariaLabel || b.textContent)",
            );
            assert_eq!(hidden, json!([]), "{width} px wide, at the end: {end}");
            let over = browser.run("return document.documentElement.scrollWidth - innerWidth");
            assert_eq!(over, json!(0), "{width} px wide, at the end: {end}");
        }
    }
}

#[test]
fn the_wheel_over_an_embed_scrolls_its_page_and_says_how_to_zoom() {
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
        "the hint is at {hint:?}, the canvas about {canvas:?}"
    );
    assert_eq!(width(&browser, "inventory"), before);
    turn(true);
    browser.wait("document.title === 'true'");
    browser.wait(&format!(
        "document.querySelector('main [data-node=inventory]').getBoundingClientRect().width > {before}"
    ));
    browser.wait("!document.querySelector('.hint')");
    clean(&browser);
}

#[test]
fn rows_of_outbox_and_inbox_stand_in_the_card_and_what_came_again_is_marked() {
    let browser = open(WIDE, "#ex=duplicate-delivery");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["\u{E010}"]);
    browser.wait("[...document.querySelectorAll('.card .cells')].some(c => c.textContent.startsWith('inbox') && c.querySelector('.again'))");
    browser.wait("[...document.querySelectorAll('.card .foot')].some(f => f.textContent.includes('already applied'))");
    browser.open(&SITE.at("?again#ex=outbox"));
    answered(&browser);
    browser.run("document.querySelector('main.canvas').focus()");
    // Event by event, until the row of the first update is there, and until the bus has it.
    let there = "[...document.querySelectorAll('.card .cells')].some(c => c.textContent.startsWith('outbox'))";
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
        panic!("never: {wanted}");
    };
    step_until(there);
    browser.shot(Path::new("test-output/outbox.png"));
    step_until(&format!("!({there})"));
    clean(&browser);
}
