//! What has the focus, and what an action is about, stays in sight: the camera, menus, panels and drags move nothing away.

use crate::SITE;
use browser_tests::{Browser, Look, WIDE, assert_clean_console, press_in};
use serde_json::json;

fn open(look: Look, path: &str) -> Browser {
    let browser = SITE.visit(look, path);
    browser.wait("document.querySelector('main .card')");
    // The first key loads the code of actions.
    browser.keys(&["Shift"]);
    browser.run("document.querySelector('main [data-node=inventory]')?.focus()");
    browser
}

fn window(width: u32, height: u32) -> Look {
    Look { width, height, ..WIDE }
}

/// Whether the focused element is inside of the canvas, and the canvas is not scrolled.
const FOCUS_IN_SIGHT: &str = "(() => { const r = document.activeElement.getBoundingClientRect(), c = document.querySelector('#canvas'), \
    b = c.getBoundingClientRect(); return document.activeElement.matches('#canvas *') && r.left >= b.left && r.right <= b.right && r.top >= b.top && r.bottom <= b.bottom \
    && c.scrollLeft === 0 && c.scrollTop === 0 })()";

/// Moves the drawing out of sight, again if a card that receives its focus late has brought it back.
fn scroll_away(browser: &Browser) {
    browser.wait(
        "document.querySelector('main [data-node=inventory]').getBoundingClientRect().top > innerHeight || \
         !document.querySelector('#canvas').dispatchEvent(new WheelEvent('wheel', { deltaY: -3000, clientX: 600, clientY: 300, bubbles: true, cancelable: true })) && false",
    );
}

/// Sends a mouse event to the page.
fn mouse(browser: &Browser, kind: &str, at: (f64, f64), button: &str) {
    let buttons = u8::from(kind != "mouseReleased");
    let event = json!({ "type": kind, "x": at.0, "y": at.1, "button": button, "buttons": buttons, "clickCount": 1 });
    browser.devtools("Input.dispatchMouseEvent", event);
}

/// Presses the mouse on a card and drags it without a release. Returns where the mouse is.
fn begin_drag(browser: &Browser, id: &str) -> (f64, f64) {
    let from = browser.middle(&format!("main [data-node={id}] header"));
    let to = (from.0 + 40.0, from.1 + 60.0);
    mouse(browser, "mousePressed", from, "left");
    mouse(browser, "mouseMoved", (from.0 + 20.0, from.1 + 30.0), "left");
    mouse(browser, "mouseMoved", to, "left");
    to
}

fn place_of(browser: &Browser, id: &str) -> serde_json::Value {
    browser.run(&format!(
        "const r = document.querySelector('main [data-node={id}]').getBoundingClientRect(); return [Math.round(r.x), Math.round(r.y)]"
    ))
}

#[test]
fn a_card_out_of_sight_that_receives_the_focus_moves_the_camera_and_not_the_controls() {
    let browser = open(WIDE, "");
    browser.keys(&["=", "=", "=", "=", "=", "=", "Right"]);
    browser.wait("document.activeElement.dataset.node === 'stock_updated'");
    browser.keys(&["Right"]);
    browser.wait("document.activeElement.dataset.node === 'notification'");
    browser.wait(FOCUS_IN_SIGHT);
    let fit = "document.elementFromPoint(...(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector('[data-action=Fit]').getBoundingClientRect())).closest('[data-action=Fit]')";
    browser.wait(fit);
    scroll_away(&browser);
    // The last card has no neighbour to the right.
    browser.keys(&["Right"]);
    browser.wait(FOCUS_IN_SIGHT);
    assert_clean_console(&browser);
}

#[test]
fn a_key_that_acts_on_a_card_out_of_sight_brings_it_into_sight() {
    let browser = open(WIDE, "#ex=first-update&t=0");
    for (key, opened) in [("\u{E032}", ".name"), ("v", ".in-place")] {
        scroll_away(&browser);
        browser.keys(&[key]);
        browser.wait(&format!("document.activeElement.matches('{opened}') && {FOCUS_IN_SIGHT}"));
        browser.keys(&["Escape"]);
        browser.wait("document.activeElement.matches('.card')");
    }
    browser.keys(&["Enter"]);
    browser.wait("document.querySelector('main .card.selected')");
    scroll_away(&browser);
    browser.keys(&["Control+d"]);
    browser.wait(&format!("document.querySelectorAll('main .card').length === 4 && {FOCUS_IN_SIGHT}"));
    assert_clean_console(&browser);
}

#[test]
fn a_menu_is_inside_of_the_window_and_its_last_entry_can_be_reached() {
    for look in [window(844, 390), window(800, 600), window(390, 700), window(320, 640)] {
        let browser = open(look, "#ex=first-update&t=0");
        browser.run("document.documentElement.style.fontSize = innerWidth === 800 ? '200%' : ''");
        let card = "document.querySelector('main [data-node=inventory]')";
        browser.run(&format!(
            "const r = {card}.getBoundingClientRect(); {card}.dispatchEvent(new MouseEvent('contextmenu', {{ clientX: r.right - 3, clientY: r.top + 9, bubbles: true, cancelable: true }}))"
        ));
        browser.wait("document.activeElement.matches('[role=menuitem]')");
        browser.keys(&["End"]);
        browser.wait("document.activeElement === [...document.querySelectorAll('[role=menuitem]')].at(-1)");
        let is_inside = "[document.querySelector('.menu'), document.activeElement].every(e => { const r = e.getBoundingClientRect(); return r.left >= 0 && r.top >= 0 && r.right <= innerWidth && r.bottom <= innerHeight }) \
            && (r => document.elementFromPoint(r.x + 9, r.y + r.height / 2) === document.activeElement)(document.activeElement.getBoundingClientRect())";
        browser.wait(is_inside);
        browser.keys(&["Home", "Up"]);
        browser.wait("document.activeElement === [...document.querySelectorAll('[role=menuitem]')].at(-1)");
    }
}

#[test]
fn the_outline_and_the_legend_are_never_behind_the_diagram() {
    let browser = open(WIDE, "");
    browser.click("[data-action=Diagram]");
    browser.wait("document.activeElement.closest('.diagram')");
    // The space still plays.
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Pause]')");
    browser.keys(&["Space", "o"]);
    browser.wait("document.activeElement.matches('.outline') && !document.querySelector('.diagram')");
    browser.click("[data-action=Diagram]");
    browser.wait("document.querySelector('.diagram') && !document.querySelector('.outline')");
    // Nothing that the diagram covers can be reached.
    browser.wait("!document.querySelector('main .card').checkVisibility({ visibilityProperty: true })");
    browser.run("document.querySelector('.more-button').click()");
    browser.click("[data-more=Legend]");
    browser.wait("(r => r && document.elementFromPoint(r.x + 20, r.y + 20).closest('.legend'))(document.querySelector('.legend')?.getBoundingClientRect())");
    assert_clean_console(&browser);
}

/// Returns the chips of which a part is cut, inside of a text.
const CUT_CHIPS: &str = "const cut = []; for (const chip of document.querySelectorAll('main .chip')) { for (const e of [chip, ...chip.children]) { \
    if (!e.checkVisibility() || e.matches('svg, .swatch')) continue; const r = e.getBoundingClientRect(), box = e.closest('.chips').getBoundingClientRect(), c = e.closest('.canvas').getBoundingClientRect(), o = chip.getBoundingClientRect(); \
    const right = Math.min(box.right, c.right, e === chip ? Infinity : o.right), bottom = Math.min(getComputedStyle(e.closest('.chips')).overflowY === 'visible' ? c.bottom : box.bottom, getComputedStyle(chip).overflowY === 'visible' || e === chip ? Infinity : o.bottom); \
    if (r.top < bottom && (r.right > right + 1 || r.bottom > bottom + 1)) cut.push(e.textContent); } } return cut";

#[test]
fn a_verdict_is_not_cut_beside_a_panel_or_a_second_branch() {
    for (width, height) in [(1280, 800), (1024, 768), (800, 600), (844, 390)] {
        let browser = open(window(width, height), "#ex=first-update&t=0");
        browser.keys(&["p"]);
        browser.wait("document.querySelector('.transport [aria-label=Pause]')");
        browser.keys(&["Space"]);
        browser.wait("document.querySelector('.transport [aria-label=Play]')");
        browser.keys(&["End"]);
        browser.wait("document.querySelector('main .chip.window')");
        browser.keys(&["Home", "p", "Space"]);
        browser.click("[data-action=Branches]");
        browser.wait("document.querySelector('.branches .verdict')");
        assert_eq!(browser.run(CUT_CHIPS), json!([]), "{width}×{height}, a panel");
        press_in(&browser, ".branches", "Compare");
        browser.wait("document.querySelector('.page.comparing .pane-name')");
        assert_eq!(browser.run(CUT_CHIPS), json!([]), "{width}×{height}, two branches");
    }
}

/// Returns the pairs of controls of panels and canvas that cover each other.
const OVERLAPS: &str = "const shown = [...document.querySelectorAll('button, select, input, h2')].filter(e => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.sr, .skip, .world, .lesson, .tracks')); \
    const visible = e => { let { left, top, right, bottom } = e.getBoundingClientRect(); for (let p = e.parentElement; p; p = p.parentElement) { if (getComputedStyle(p).overflowX === 'visible') continue; const c = p.getBoundingClientRect(); \
        left = Math.max(left, c.left); top = Math.max(top, c.top); right = Math.min(right, c.right); bottom = Math.min(bottom, c.bottom); } return { left, top, right, bottom, e } }; \
    const all = shown.map(visible).filter(r => r.right - r.left > 2 && r.bottom - r.top > 2), out = []; \
    all.forEach((a, i) => all.slice(i + 1).forEach(b => { if (!a.e.contains(b.e) && !b.e.contains(a.e) && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2) \
        out.push((a.e.ariaLabel || a.e.textContent) + ' / ' + (b.e.ariaLabel || b.e.textContent)) })); return out";

#[test]
fn panels_diagram_and_lesson_together_do_not_cover_each_other() {
    for (width, height, language) in
        [(1280, 800, "de"), (1024, 768, "en"), (800, 600, "de"), (844, 390, "en"), (320, 640, "en")]
    {
        let lesson = if width > 700 { "&lesson=lessons/eventual-consistency.md" } else { "" };
        let browser = open(window(width, height), &format!("#ex=first-update&t=0&lang={language}{lesson}"));
        let toggle = |name: &str| {
            browser.run("document.querySelector('.more-button').click()");
            browser.wait("document.querySelector('.more')");
            browser.run(&format!("document.querySelector('[data-more={name}]').click()"));
        };
        toggle("Branches");
        browser.wait("document.querySelector('.branches') && !document.querySelector('.more')");
        let canvas = browser.run("const r = document.querySelector('#canvas').getBoundingClientRect(); return r.width >= 200 && r.height >= 100");
        assert_eq!(canvas, json!(true), "the canvas has room at {width}×{height}");
        toggle("Diagram");
        browser.wait("document.querySelector('.diagram') && !document.querySelector('.more')");
        assert_eq!(browser.run(OVERLAPS), json!([]), "{width}×{height} {language}");
        let tabs = "const t = document.querySelector('.diagram .seg'); return t.scrollWidth <= t.clientWidth && t.clientWidth > 40";
        assert_eq!(browser.run(tabs), json!(true), "messages and charts at {width}×{height}");
    }
}

#[test]
fn undo_during_a_drag_cancels_the_drag_and_nothing_else() {
    let browser = open(WIDE, "");
    browser.keys(&["1"]);
    browser.wait("document.querySelectorAll('main .card').length === 4");
    let before = place_of(&browser, "inventory");
    let at = begin_drag(&browser, "inventory");
    browser.keys(&["Control+z"]);
    mouse(&browser, "mouseMoved", (at.0 + 30.0, at.1), "left");
    mouse(&browser, "mouseReleased", (at.0 + 30.0, at.1), "left");
    browser.wait("!document.querySelector('[data-action=Undo]').disabled");
    assert_eq!(place_of(&browser, "inventory"), before);
    assert_eq!(browser.run("return document.querySelectorAll('main .card').length"), json!(4));
    browser.keys(&["Control+z"]);
    browser.wait("document.querySelectorAll('main .card').length === 3");
    browser.keys(&["Control+y"]);
    browser.wait("document.querySelectorAll('main .card').length === 4");
    assert_clean_console(&browser);
}

#[test]
fn the_space_plays_after_a_click_and_presses_the_button_that_the_keyboard_chose() {
    let browser = open(WIDE, "");
    browser.click("main .publish");
    browser.wait("document.querySelector('.transport [aria-label=Pause]')");
    browser.wait("parseFloat(document.querySelector('.clock').textContent) > 0.5");
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Play]')");
    browser.click("[data-action=StepBack]");
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Pause]')");
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Play]')");
    browser.run("document.querySelector('.scrubber').focus()");
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Pause]')");
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Play]')");
    // By the keyboard, the button is pressed.
    browser.run("document.querySelector('[data-action=Reset]').focus()");
    browser.keys(&["Tab", "Tab"]);
    browser.wait("document.activeElement.dataset.action === 'StepBack'");
    let clock = browser.text(".clock");
    browser.keys(&["Space"]);
    browser.wait(&format!("document.querySelector('.clock').textContent !== {}", json!(clock)));
    assert_eq!(browser.run("return !!document.querySelector('.transport [aria-label=Play]')"), json!(true));
    assert_clean_console(&browser);
}

#[test]
fn a_drag_or_a_menu_does_not_open_the_inspector_over_the_drawing() {
    let browser = open(WIDE, "");
    let at = begin_drag(&browser, "stock_updated");
    browser.wait("document.querySelector('main .card.selected')");
    let open = "return !!document.querySelector('.inspector')";
    assert_eq!(browser.run(open), json!(false), "during a drag");
    mouse(&browser, "mouseReleased", at, "left");
    browser.wait("!document.querySelector('[data-action=Undo]').disabled");
    assert_eq!(browser.run(open), json!(false), "after a drag");
    let card = browser.middle("main [data-node=notification] header");
    mouse(&browser, "mousePressed", card, "right");
    mouse(&browser, "mouseReleased", card, "right");
    browser.wait("document.querySelector('.menu')");
    let at = browser.run("return document.querySelector('.menu').getBoundingClientRect().left");
    assert_eq!(at.as_f64().map(f64::round), Some(card.0.round()), "the menu is where the mouse is");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('.menu')");
    assert_eq!(browser.run(open), json!(false), "after a menu");
    browser.click("main [data-node=notification] header");
    browser.wait("document.querySelector('.inspector')");
    assert_clean_console(&browser);
}

#[test]
fn a_drawing_that_has_room_stays_where_it_is_when_the_selection_changes() {
    let browser = open(WIDE, "");
    browser.click("main [data-node=notification] header");
    browser.wait("document.querySelector('.inspector')");
    browser.wait("document.querySelector('main [data-node=notification]').getBoundingClientRect().right < document.querySelector('.inspector').getBoundingClientRect().left");
    let place = place_of(&browser, "inventory");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('.inspector')");
    assert_eq!(place_of(&browser, "inventory"), place, "after it was deselected");
    browser.click("main [data-node=inventory] header");
    browser.wait("document.querySelector('.inspector')");
    browser.keys(&["Control+d"]);
    browser.wait("document.querySelectorAll('main .card').length === 4");
    assert_eq!(place_of(&browser, "inventory"), place, "after a copy was added");
    assert_clean_console(&browser);
}

#[test]
fn a_low_window_shows_the_stale_row_and_values_beside_a_panel() {
    let browser = open(window(844, 390), "#ex=first-update&t=0");
    let row = "(r => r.bottom <= innerHeight)([...document.querySelectorAll('.tracks .names li')].find(li => li.textContent === 'Notification').getBoundingClientRect())";
    browser.wait(row);
    browser.run("document.querySelector('[data-action=Branches]').click()");
    browser.wait("document.querySelector('.branches')");
    browser.wait("document.querySelector('main [data-node=notification] .v')?.checkVisibility()");
    browser.wait("!document.querySelector('.caption')?.checkVisibility()");
}

#[test]
fn with_text_of_twice_the_size_the_description_covers_no_card() {
    for (width, height, panel) in [(1280, 800, false), (1280, 800, true), (390, 844, false)] {
        let browser = open(window(width, height), "#ex=first-update&t=0");
        browser.run("document.documentElement.style.fontSize = '200%'");
        browser.wait("parseFloat(getComputedStyle(document.querySelector('.chip')).fontSize) === 24");
        // The page measures itself when a size changes.
        browser.run("dispatchEvent(new Event('resize'))");
        if panel {
            browser.run("document.querySelector('[data-action=Log]').click()");
            browser.wait("document.querySelector('.log')");
        }
        let name = "(r => document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)?.closest('[data-node=inventory]'))(document.querySelector('main [data-node=inventory] header').getBoundingClientRect())";
        browser.wait(name);
    }
}
