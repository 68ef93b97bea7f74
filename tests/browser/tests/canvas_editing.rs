//! Faults, values, latencies and several cards on the canvas, by pointer, touch and keyboard; the map of large drawings.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, press, press_in, wait_for_state};
use converge::scenario::{Scenario, Service, link};
use serde_json::json;

fn open(look: Look, path: &str) -> Browser {
    let browser = SITE.visit(look, path);
    browser.wait("document.querySelector('main .badge, main .card.member')");
    browser
}

fn hover(browser: &Browser, selector: &str) {
    let (x, y) = browser.middle(selector);
    browser.devtools("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": x, "y": y }));
}

/// Double-clicks the middle of an element.
fn double_click(browser: &Browser, selector: &str) {
    double_click_with(browser, selector, || ());
}

/// Double-clicks the middle of an element. The first click may move the drawing before the second one.
fn double_click_with(browser: &Browser, selector: &str, between: impl Fn()) {
    let (x, y) = browser.middle(selector);
    for count in [1, 2] {
        if count == 2 {
            between();
        }
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": count });
            browser.devtools("Input.dispatchMouseEvent", event);
        }
    }
}

fn button(name: &str) -> String {
    format!(".card-tools [aria-label='{name}']")
}

const VALUE: &str = "[data-node=inventory] [data-key=widget] .v";

#[test]
fn buttons_above_a_card_crash_freeze_and_heal_it() {
    let browser = open(WIDE, "#ex=first-update");
    assert_eq!(browser.run("return document.querySelector('.card-tools')"), json!(null));
    hover(&browser, "[data-node=notification]");
    browser.wait("document.querySelector('.card-tools')");
    let titles = browser.run("return [...document.querySelectorAll('.card-tools button')].map(b => b.title)");
    assert_eq!(titles, json!(["Crash (C)", "Freeze node (F)", "Heal (H)"]));
    assert_eq!(browser.axe(), Vec::<String>::new());
    // The pointer goes to the buttons without leaving the card's area.
    browser.click(&button("Crash: Notification"));
    wait_for_state(&browser, "notification", "down");
    browser.click(&button("Heal: Notification"));
    browser.wait("document.querySelector('[data-node=notification] .badge').textContent !== 'down'");
    browser.click(&button("Freeze node: Notification"));
    browser.wait("document.querySelector('[data-node=notification] .trouble')");
    browser.click(&button("Unfreeze node: Notification"));
    browser.wait("!document.querySelector('[data-node=notification] .trouble')");
    let covered = "const t = document.querySelector('.card-tools').getBoundingClientRect(); const c = document.querySelector('[data-node=notification]').getBoundingClientRect(); return t.bottom > c.top + 1";
    assert_eq!(browser.run(covered), json!(false), "the buttons cover their card");
    // By keyboard: the same keys, and one step of undo.
    browser.run("document.querySelector('[data-node=inventory]').focus()");
    browser.keys(&["c"]);
    wait_for_state(&browser, "inventory", "down");
    browser.keys(&["Control+z"]);
    browser.wait("document.querySelector('[data-node=inventory] .badge').textContent !== 'down'");
    assert_clean_console(&browser);
}

#[test]
fn a_value_is_edited_on_its_card() {
    let browser = open(WIDE, "#ex=first-update&t=0");
    double_click(&browser, VALUE);
    browser.wait("document.activeElement?.className === 'in-place'");
    browser.keys(&["Escape"]);
    browser.wait("document.activeElement?.dataset.node === 'inventory' && !document.querySelector('.in-place')");
    assert_eq!(browser.text(VALUE), "50");
    browser.keys(&["v"]);
    browser.wait("document.activeElement?.className === 'in-place'");
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.fill(".in-place", "64");
    browser.wait("document.querySelector('[data-node=inventory] [data-key=widget] .v').textContent === '64'");
    browser.wait("document.activeElement?.dataset.node === 'inventory'");
    browser.keys(&["Control+z"]);
    browser.wait("document.querySelector('[data-node=inventory] [data-key=widget] .v').textContent === '50'");
    assert_clean_console(&browser);
}

#[test]
fn a_slow_double_click_means_what_its_first_click_hit() {
    let browser = open(WIDE, "#ex=first-update&t=0");
    let hit = "document.elementFromPoint(...point).closest('[data-node]')?.dataset.node";
    let (x, y) = browser.middle(VALUE);
    browser.run(&format!("window.point = [{x}, {y}]"));
    // The inspector opens after the first click, and the drawing makes room for it.
    let moved = format!("document.querySelector('.inspector fieldset') && {hit} !== 'inventory'");
    double_click_with(&browser, VALUE, || drop(browser.wait(&moved)));
    browser.wait("document.activeElement?.className === 'in-place'");
    browser.keys(&["Escape"]);
    browser.wait("document.activeElement?.dataset.node === 'inventory'");
    browser.keys(&["v"]);
    browser.wait("document.activeElement?.getAttribute('aria-label')?.includes('widget at Inventory')");
    assert_clean_console(&browser);
}

#[test]
fn a_latency_is_edited_at_its_label_and_a_refused_one_stays() {
    let browser = open(WIDE, "#ex=first-update&t=0");
    double_click(&browser, "[data-link='0 2'] text");
    browser.wait("document.activeElement?.className === 'in-place'");
    browser.fill(".in-place", "fast");
    browser.wait("document.querySelector('.notice')?.textContent.includes('300–600 ms')");
    browser.fill(".in-place", "1–2 s");
    browser.wait("document.querySelector('[data-link=\"0 2\"] text').textContent === '1–2 s'");
    browser.wait("document.querySelector('main.canvas').contains(document.activeElement)");
    browser.keys(&["Control+z"]);
    browser.wait("document.querySelector('[data-link=\"0 2\"] text').textContent === '150–250 ms'");
    // The selected link, by keyboard.
    browser.keys(&["Enter"]);
    browser.wait("document.activeElement?.className === 'in-place'");
    browser.fill(".in-place", "80 ms");
    browser.wait("document.querySelector('[data-link=\"0 2\"] text').textContent === '80 ms'");
    assert_clean_console(&browser);
}

#[test]
fn a_value_is_edited_by_touch() {
    let browser = open(PHONE, "#ex=first-update&t=0");
    let at = browser.middle("main [data-node=inventory] header");
    browser.touch(&[&[at]], 700);
    press_in(&browser, "[role=menu]", "Edit the value of widget");
    browser.wait("document.activeElement?.className === 'in-place'");
    browser.fill(".in-place", "7");
    browser.wait("document.querySelector('[data-node=inventory] [data-key=widget] .v').textContent === '7'");
    assert_clean_console(&browser);
}

#[test]
fn a_field_of_several_cards_is_one_step_of_undo() {
    let browser = open(WIDE, "#ex=first-update&t=0");
    browser.click("[data-node=inventory] header");
    // The inspector moves the drawing.
    browser.wait("document.querySelector('[data-node=notification]').getBoundingClientRect().right < document.querySelector('.inspector')?.getBoundingClientRect().left");
    let at = browser.middle("[data-node=notification] header");
    for kind in ["mousePressed", "mouseReleased"] {
        let event = json!({ "type": kind, "x": at.0, "y": at.1, "button": "left", "clickCount": 1, "modifiers": 8 });
        browser.devtools("Input.dispatchMouseEvent", event);
    }
    browser.wait("document.querySelector('.inspector h2')?.textContent.includes('2 × service')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    let field = browser.run("return [...document.querySelectorAll('.inspector label')].find(l => l.textContent.startsWith('Workers'))?.htmlFor");
    let field = format!("#{}", field.as_str().expect("the field Workers"));
    browser.fill(&field, "5");
    browser.wait(&format!("document.querySelector('{field}').value === '5'"));
    press(&browser, "Crash");
    wait_for_state(&browser, "notification", "down");
    wait_for_state(&browser, "inventory", "down");
    browser.click("[aria-label=Undo]");
    browser.wait("document.querySelectorAll('main .badge.down').length === 0");
    browser.click("[aria-label=Undo]");
    browser.wait(&format!("document.querySelector('{field}').value !== '5'"));
    assert_clean_console(&browser);
}

#[test]
fn the_map_of_a_large_drawing_moves_the_view_and_can_be_closed() {
    let services = (0..36).map(|i: i32| Service {
        id: format!("s{i}"),
        position: Some([i % 6 * 400, i / 6 * 300]),
        ..Service::default()
    });
    let scenario = Scenario { services: services.collect(), ..Scenario::first() };
    let scenario = Scenario { buses: Vec::new(), links: Vec::new(), ..scenario };
    let link = link::encode(&scenario).expect("a link");
    let browser = open(WIDE, &format!("#{link}"));
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["0"]);
    browser.wait("document.querySelector('.minimap .view')");
    let area = browser.run("const r = document.querySelector('.minimap svg').getBoundingClientRect(); return [r.x, r.y, r.width, r.height]");
    let part = |i: usize| area[i].as_f64().expect("a number");
    let visible = |id: &str| {
        format!(
            "(() => {{ const c = document.querySelector('[data-node={id}]').getBoundingClientRect(), m = document.querySelector('main.canvas').getBoundingClientRect(); \
            return c.right > m.left && c.left < m.right && c.bottom > m.top && c.top < m.bottom }})()"
        )
    };
    let (corner, end) = ((part(0) + 8.0, part(1) + 8.0), (part(0) + part(2) - 8.0, part(1) + part(3) - 8.0));
    browser.drag(corner, corner);
    browser.wait(&format!("{} && !{}", visible("s0"), visible("s35")));
    browser.drag(corner, end);
    browser.wait(&format!("!{} && {}", visible("s0"), visible("s35")));
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.click(".minimap button");
    browser.wait("!document.querySelector('.minimap')");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["m"]);
    browser.wait("document.querySelector('.minimap')");
    assert_clean_console(&browser);
}

#[test]
fn panels_of_a_phone_are_as_wide_as_the_page() {
    let browser = open(PHONE, "#ex=first-update&t=600");
    let width = |panel: &str| {
        browser.wait(&format!("document.querySelector('{panel}')"));
        browser.run(&format!("return document.querySelector('{panel}').getBoundingClientRect().width"))
    };
    browser.click("[data-node=notification] header");
    assert_eq!(width(".inspector"), json!(390));
    browser.click(".inspector [aria-label^=Close]");
    browser.run("document.querySelector('.more-button').click()");
    browser.click("[data-more=Log]");
    assert_eq!(width(".log"), json!(390));
    browser.run("document.querySelector('.log [aria-label^=Close]').click()");
    browser.run("document.querySelector('.more-button').click()");
    browser.click("[data-more=Share]");
    browser.wait("document.querySelector('#share-embed')");
    let overflow = browser.run("const d = document.querySelector('dialog'); return d.scrollWidth - d.clientWidth");
    assert_eq!(overflow, json!(0), "the dialog scrolls sideways");
    assert_clean_console(&browser);
}

#[test]
fn a_field_keeps_the_focus_and_cards_stay_when_others_come_and_go() {
    let browser = SITE.visit(WIDE, "#ex=first-update");
    browser.click("[data-node=notification] header");
    browser.wait("document.getElementById('field-services-1-subscribes-0-backoff')");
    browser.run(
        "window.kept = ['#field-services-1-subscribes-0-backoff', '[data-node=inventory]'].map(name => document.querySelector(name)); \
         kept[0].focus(); kept[0].value = 'fixed'; kept[0].dispatchEvent(new Event('change', { bubbles: true }))",
    );
    browser.wait("document.querySelectorAll('[id^=field-services-1-subscribes-0-backoff]').length > 1");
    assert_eq!(browser.run("return document.activeElement === kept[0]"), json!(true));
    // One card more.
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["1"]);
    browser.wait("document.querySelectorAll('main [data-node]').length === 4");
    assert_eq!(browser.run("return kept[1].isConnected"), json!(true));
    assert_clean_console(&browser);
}

#[test]
fn a_new_service_has_a_row_of_data_at_once() {
    let browser = open(WIDE, "#ex=first-update");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["1"]);
    browser.wait("document.querySelector('[data-node=service-1] .rows .v')?.textContent === '1'");
    assert_clean_console(&browser);
}
