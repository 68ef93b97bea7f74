//! The outline in a window of 800 px.

use crate::SITE;
use browser_tests::{Browser, Look, WIDE, assert_clean_console};
use serde_json::json;

const TABLET: Look = Look { width: 800, height: 600, ..WIDE };

fn open(path: &str) -> Browser {
    let browser = SITE.visit(TABLET, path);
    browser.wait("document.querySelector('main .badge')");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["o"]);
    browser.wait("document.querySelector('.outline tbody tr')");
    browser
}

#[test]
fn the_state_of_a_card_is_a_word_and_not_only_a_dot() {
    let browser = open("#ex=lost-event");
    let hidden =
        "return [...document.querySelectorAll('.outline .badge .word')].filter(word => !word.checkVisibility()).length";
    assert!(browser.run("return document.querySelectorAll('.outline .badge .word').length").as_u64() > Some(1));
    assert_eq!(browser.run(hidden), json!(0));
    assert_clean_console(&browser);
}

#[test]
fn in_german_no_label_lies_under_its_value_and_the_close_button_is_in_the_first_row() {
    let browser = open("#ex=lost-event&lang=de");
    // The label is in the padding of its cell.
    let covered = "return [...document.querySelectorAll('.outline td[data-head]')].filter(cell => { \
        const style = getComputedStyle(cell, '::before'); if (style.content === 'none') return false; \
        const label = Object.assign(document.createElement('span'), { textContent: cell.dataset.head }); \
        label.style.cssText = `position: absolute; white-space: nowrap; font: ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`; \
        document.body.append(label); \
        const width = label.getBoundingClientRect().width; label.remove(); \
        return width > parseFloat(style.width) }).map(cell => cell.dataset.head)";
    assert_eq!(browser.run(covered), json!([]));
    let rows = "const top = e => e.getBoundingClientRect().top, header = document.querySelector('.outline > header'); \
        return top(header.lastElementChild) - top(header) < 12";
    assert_eq!(browser.run(rows), json!(true));
    assert_clean_console(&browser);
}
