//! The focus stays on the page: nothing but the visitor takes it away.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console};
use serde_json::json;

fn open() -> Browser {
    let browser = SITE.visit(WIDE, "");
    browser.wait("document.querySelector('main .badge')");
    browser
}

/// Waits until the browser has drawn some frames.
fn draw_frames(browser: &Browser) {
    browser.run_async(
        "let left = 6; const next = () => left-- ? requestAnimationFrame(next) : done(1); requestAnimationFrame(next)",
    );
}

/// Chooses a command in the command palette.
fn command(browser: &Browser, name: &str) {
    browser.keys(&["Control+k"]);
    browser.wait("document.activeElement.matches('.commands-input')");
    let letters: Vec<String> = name.chars().map(String::from).collect();
    browser.keys(&letters.iter().map(String::as_str).collect::<Vec<_>>());
    browser.wait("document.querySelectorAll('.commands-list li').length > 0");
    browser.keys(&["Enter"]);
    browser.wait("!document.querySelector('dialog')");
}

/// The focused element, in words: its tag, its action or node, and its classes.
const FOCUSED: &str =
    "(e => `${e.tagName} ${e.dataset.action || e.dataset.node || ''} ${e.className}`)(document.activeElement)";

fn assert_focus_is_on_page(browser: &Browser, after: &str) {
    draw_frames(browser);
    let focused = browser.run(&format!("return {FOCUSED}"));
    let is_kept =
        "const e = document.activeElement; return e !== document.body && !e.disabled && e.getClientRects().length > 0";
    assert_eq!(browser.run(is_kept), json!(true), "{focused} after {after}");
}

#[test]
fn a_command_that_ends_before_the_browser_draws_a_frame_leaves_the_focus_where_it_was() {
    let browser = open();
    browser.run("document.querySelector('[data-action=Examples]').focus()");
    draw_frames(&browser);
    browser.run(
        "const frame = requestAnimationFrame; window.held = []; window.requestAnimationFrame = f => held.push(f); \
         window.release = () => { window.requestAnimationFrame = frame; held.forEach(f => frame(f)) }",
    );
    command(&browser, "Zoom out");
    browser.run("release()");
    assert_focus_is_on_page(&browser, "Zoom out");
    assert_eq!(browser.run("return document.activeElement.dataset.action"), json!("Examples"));
    assert_clean_console(&browser);
}

#[test]
fn the_focus_returns_to_the_button_from_which_the_command_palette_was_opened() {
    let browser = open();
    browser.run("document.querySelector('[data-action=Examples]').focus()");
    draw_frames(&browser);
    command(&browser, "Zoom out");
    draw_frames(&browser);
    assert_eq!(browser.run("return document.activeElement.dataset.action"), json!("Examples"));
}

#[test]
fn a_button_that_is_disabled_under_the_focus_passes_it_on() {
    let browser = open();
    browser.click(".palette .placeable");
    browser.wait("!document.querySelector('[data-action=Undo]').disabled");
    browser.run("document.querySelector('[data-action=Undo]').focus()");
    browser.keys(&["Enter"]);
    browser.wait("document.querySelector('[data-action=Undo]').disabled");
    assert_focus_is_on_page(&browser, "Undo");
    // The same button is enabled again.
    browser.click("[data-action=Redo]");
    browser.wait("document.querySelector('[data-action=Redo]').disabled");
    assert_focus_is_on_page(&browser, "Redo");
}

#[test]
fn a_control_that_zooming_out_hides_passes_the_focus_on() {
    let browser = open();
    browser.run("document.querySelector('main .publish').focus()");
    draw_frames(&browser);
    for _ in 0..6 {
        command(&browser, "Zoom out");
        assert_focus_is_on_page(&browser, "Zoom out");
    }
    assert_eq!(browser.run("return document.querySelector('main .publish').checkVisibility()"), json!(false));
}

#[test]
fn a_press_beside_all_controls_takes_the_focus_off_them() {
    let browser = open();
    browser.run("document.querySelector('[data-action=Examples]').focus()");
    draw_frames(&browser);
    browser.click(".transport .clock");
    draw_frames(&browser);
    assert_eq!(browser.run("return document.activeElement === document.body"), json!(true));
}

#[test]
fn a_click_on_the_timeline_leaves_the_focus_on_the_scrubber_and_the_space_bar_plays() {
    let browser = open();
    browser.click(".ribbons canvas");
    assert_focus_is_on_page(&browser, "a click on the timeline");
    assert_eq!(browser.run("return document.activeElement.matches('.scrubber')"), json!(true));
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Pause]')");
    assert_clean_console(&browser);
}

#[test]
fn a_drag_by_a_finger_leaves_the_focus_on_the_card_or_the_canvas() {
    let browser = SITE.visit(Look { width: 1024, height: 768, phone: true, ..WIDE }, "");
    browser.wait("document.querySelector('main .badge')");
    let card = browser.middle("main [data-node=notification] header");
    browser.touch(&[&[card, (card.0 - 40.0, card.1 + 60.0)]], 0);
    assert_focus_is_on_page(&browser, "a drag of a card");
    assert_eq!(browser.run("return document.activeElement.dataset.node"), json!("notification"));
    // A finger on a card of a phone moves the drawing.
    let browser = SITE.visit(PHONE, "");
    browser.wait("document.querySelector('main .badge')");
    let card = browser.middle("main [data-node=notification]");
    browser.touch(&[&[card, (card.0, card.1 - 80.0)]], 0);
    assert_focus_is_on_page(&browser, "a drag on a phone");
    assert_clean_console(&browser);
}
