//! The gallery of examples: pictures, search, filters, keys, phone.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, open_from_gallery};
use converge::scenario::challenges::CHALLENGES;
use converge::scenario::examples::EXAMPLES;
use serde_json::json;
use std::path::Path;

const SHOWN: &str = "[...document.querySelectorAll('.gallery .example')].map(card => card.dataset.open)";

fn open(look: Look) -> Browser {
    let browser = SITE.visit(look, "#ex=first-update");
    browser.click("[data-action=Examples]");
    browser.wait(&format!("{SHOWN}.length"));
    browser
}

#[test]
fn every_example_has_a_picture_a_promise_and_a_level() {
    let browser = open(WIDE);
    assert_eq!(browser.run(&format!("return {SHOWN}.length")), json!(EXAMPLES.len() + CHALLENGES.len()));
    let incomplete = "[...document.querySelectorAll('.example')].filter(card => card.querySelectorAll('svg .box').length < 2 \
        || !card.querySelector('svg .link') && card.dataset.open !== 'gossip-rumor' || !card.querySelector('span').textContent.endsWith('.') \
        || !/Basic|Intermediate|Advanced/.test(card.querySelector('small').textContent)).map(card => card.dataset.open)";
    assert_eq!(browser.run(&format!("return {incomplete}")), json!([]));
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser.shot(Path::new("test-output/gallery.png"));
    assert_clean_console(&browser);
}

#[test]
fn search_and_filters_narrow_the_gallery_and_a_choice_opens_the_example() {
    let browser = open(WIDE);
    let choices = "return [...document.querySelectorAll('.gallery select')].map(select => select.value).join()";
    assert_eq!(browser.run(choices), json!("All subjects,All levels"));
    browser.wait("document.activeElement.matches('.gallery input')");
    browser.keys(&["c", "a", "r", "t"]);
    browser.wait(&format!("{SHOWN}.join() === 'cart-last-writer-wins,cart-or-set,cart-siblings,challenge=lost-book'"));
    browser.run("const s = document.querySelector('.gallery select[aria-label=Level]'); s.value = 'Basic'; s.dispatchEvent(new Event('change', { bubbles: true }))");
    browser.wait(&format!("{SHOWN}.join() === 'cart-last-writer-wins'"));
    browser.wait("document.querySelector('.gallery [role=status]')?.textContent === '1 found'");
    browser.keys(&["x"]);
    browser.wait("document.querySelector('.gallery [role=status]')?.textContent.startsWith('Nothing matches')");
    browser.run("const field = document.querySelector('.gallery input'); field.value = 'cart'; field.dispatchEvent(new InputEvent('input', { bubbles: true }))");
    browser.wait(&format!("{SHOWN}.length === 1"));
    // From the field to the card, and the example opens.
    browser.keys(&["Down"]);
    browser.wait("document.activeElement.dataset.open === 'cart-last-writer-wins'");
    browser.keys(&["Enter"]);
    browser.wait("location.hash === '#ex=cart-last-writer-wins' && !document.querySelector('dialog')");
    assert_clean_console(&browser);
}

#[test]
fn arrow_keys_move_between_cards_and_escape_returns_the_focus() {
    let browser = open(WIDE);
    browser.keys(&["Down", "Right", "Right", "Left"]);
    browser.wait(&format!("document.activeElement.dataset.open === {SHOWN}[1]"));
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('dialog')");
    browser.wait("document.activeElement !== document.body");
    // The letter E opens it again.
    browser.keys(&["e"]);
    browser.wait("document.querySelector('.gallery')");
}

#[test]
fn on_a_phone_the_gallery_fits_and_opens_what_is_touched() {
    let browser = open(PHONE);
    browser.shot(Path::new("test-output/gallery-phone.png"));
    assert_eq!(browser.run("return document.querySelector('dialog').scrollWidth <= innerWidth"), json!(true));
    browser.click(".gallery [aria-label='Close'], dialog [aria-label='Close']");
    browser.wait("!document.querySelector('dialog')");
    open_from_gallery(&browser, "outbox");
    browser.wait("location.hash === '#ex=outbox'");
    assert_clean_console(&browser);
}

#[test]
fn after_an_example_was_chosen_the_space_bar_plays_it() {
    let browser = open(WIDE);
    browser.wait("document.activeElement.matches('.gallery input')");
    browser.click(".gallery [data-open=outbox]");
    browser.wait("location.hash === '#ex=outbox' && document.activeElement.matches('main.canvas')");
    browser.wait("document.querySelector('.transport [aria-label=Play]')");
    browser.keys(&["Space"]);
    browser.wait("document.querySelector('.transport [aria-label=Pause]')");
    assert_eq!(browser.run("return document.querySelector('dialog')"), json!(null));
    assert_clean_console(&browser);
}

#[test]
fn enter_in_the_search_field_opens_the_first_hit() {
    let browser = open(WIDE);
    browser.wait("document.activeElement.matches('.gallery input')");
    browser.keys(&["x", "q", "z", "Enter"]);
    browser.wait("document.querySelector('.gallery [role=status]')?.textContent.startsWith('Nothing matches')");
    browser.keys(&["Control+a", "o", "u", "t", "b", "o", "x"]);
    browser.wait(&format!("{SHOWN}[0] === 'outbox'"));
    browser.keys(&["Enter"]);
    browser.wait("location.hash === '#ex=outbox' && !document.querySelector('dialog')");
    assert_clean_console(&browser);
}
