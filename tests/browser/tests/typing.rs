//! What the visitor types, pastes and chooses: commands, texts of the clipboard, files.

use crate::SITE;
use browser_tests::{Browser, WIDE, assert_clean_console};
use serde_json::json;

fn open(path: &str) -> Browser {
    let browser = SITE.visit(WIDE, path);
    browser.wait("document.querySelector('main .badge')");
    browser
}

#[test]
fn the_chosen_command_is_visible_however_far_the_arrow_keys_go() {
    let browser = open("");
    browser.keys(&["Control+k"]);
    browser.wait("document.activeElement.matches('.commands-input')");
    let is_visible = "(() => { const r = e => e.getBoundingClientRect(), list = r(document.querySelector('.commands-list')), \
        row = r(document.querySelector('[role=option][aria-selected=true]')); \
        return row.height > 20 && row.top >= list.top - 1 && row.bottom <= list.bottom + 1; })()";
    let chosen = |index: usize| {
        browser.wait(&format!("document.activeElement.getAttribute('aria-activedescendant') === 'command-{index}'"));
        browser.wait(is_visible);
    };
    browser.keys(&["Down"; 30]);
    chosen(30);
    browser.keys(&["Up"; 28]);
    chosen(2);
    assert_eq!(browser.axe(), Vec::<String>::new());
    // A text that no command contains.
    browser.keys(&["z", "z", "z", "q"]);
    browser.wait(
        "!document.querySelector('[role=option]') && !document.activeElement.hasAttribute('aria-activedescendant')",
    );
    assert_clean_console(&browser);
}

/// Pastes a text on the canvas, as the browser does after Ctrl+V.
fn paste(browser: &Browser, text: &str) {
    let script = "const data = new DataTransfer(); data.setData('text/plain', arguments[0]); \
        document.querySelector('main.canvas').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))";
    browser.run_with(script, text);
}

#[test]
fn a_text_that_cannot_be_pasted_is_reported_and_copied_cards_still_are() {
    let browser = open("#ex=lost-event");
    for (text, reason) in [
        (r#"{"converge": 1, "services": [{"id": 5}]}"#, "This file could not be opened:"),
        ("{ no JSON", "This is not a Converge scenario. Expected at its top level:"),
        ("some words", "This is neither a scenario file nor a link"),
    ] {
        paste(&browser, text);
        browser.wait(&format!("document.querySelector('.notice')?.textContent.startsWith({})", json!(reason)));
        browser.click(".notice [aria-label=Close], .notice button:last-child");
        browser.wait("!document.querySelector('.notice')");
    }
    browser.click("[data-node=notification] header");
    browser.keys(&["Control+c"]);
    paste(&browser, "some words");
    browser.wait("document.querySelectorAll('main .card').length === 5");
    assert!(browser.run("return document.querySelector('.notice')").is_null());
    assert_clean_console(&browser);
}

#[test]
fn a_file_with_errors_can_be_chosen_again_once_it_is_corrected() {
    let browser = open("#ex=first-update");
    browser.keys(&["Control+o"]);
    browser.wait("document.querySelector('#open-file') && document.querySelector('#import-all')");
    let choose = "const [id, text] = JSON.parse(arguments[0]), field = document.getElementById(id), data = new DataTransfer(); \
        data.items.add(new File([text], 'file.json')); field.files = data.files; field.dispatchEvent(new Event('change', { bubbles: true }))";
    for id in ["open-file", "import-all"] {
        browser.run_with(choose, &json!([id, "{ no JSON"]).to_string());
        browser.wait(&format!("document.querySelector('#{id} ~ .err')"));
        // A browser reports only a choice that differs from the one before.
        assert_eq!(browser.run(&format!("return document.querySelector('#{id}').files.length")), json!(0), "{id}");
    }
    let scenario = converge::scenario::examples::EXAMPLES[0].scenario().to_json();
    browser.run_with(choose, &json!(["open-file", scenario]).to_string());
    browser.wait("!document.querySelector('dialog') && location.hash.startsWith('#d=')");
    assert_clean_console(&browser);
}

#[test]
fn the_space_bar_is_released_wherever_the_focus_has_gone() {
    let browser = open("#ex=lost-event");
    browser.run("document.querySelector('main.canvas').focus()");
    let press = |kind: &str| {
        let key =
            json!({ "type": kind, "key": " ", "code": "Space", "text": if kind == "keyDown" { " " } else { "" } });
        browser.devtools("Input.dispatchKeyEvent", key);
    };
    press("keyDown");
    browser.wait("document.querySelector('main.may-pan')");
    browser.run("document.querySelector('.top [data-action=Help]').focus()");
    press("keyUp");
    browser.wait("!document.querySelector('main.may-pan')");
    assert_clean_console(&browser);
}

#[test]
fn the_time_of_an_action_has_no_more_than_three_decimals() {
    let browser = open("#ex=inventory-notification&t=800");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["p"]);
    browser.wait("parseFloat(document.querySelector('.transport .clock').textContent) > 0.9");
    browser.keys(&["Space", "Home", ".", ".", "."]);
    browser.wait("parseFloat(document.querySelector('.transport .clock').textContent) < 0.8");
    browser.keys(&["p"]);
    browser.click(".transport [data-action=Branches]");
    let times = "[...document.querySelectorAll('.branches article p')].map(p => p.textContent)";
    browser.wait(&format!("{times}.length === 2"));
    browser.wait(&format!("{times}.every(text => /^1 live command, at \\d+(\\.\\d{{1,3}})? s$/.test(text))"));
    assert_clean_console(&browser);
}

#[test]
fn a_text_that_is_no_scenario_is_reported_as_such_however_it_is_opened() {
    let expected = "This is not a Converge scenario. Expected at its top level: an object with the field “converge”";
    let browser = open("");
    let drop = "const data = new DataTransfer(); data.items.add(new File([arguments[0]], 'a.json')); \
        document.querySelector('main.canvas').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))";
    let choose = "const [id, text] = JSON.parse(arguments[0]), field = document.getElementById(id), data = new DataTransfer(); \
        data.items.add(new File([text], 'file.json')); field.files = data.files; field.dispatchEvent(new Event('change', { bubbles: true }))";
    let texts = ["{}", r#"{"a": 1}"#, "[]"];
    for text in texts {
        browser.run_with(drop, text);
        browser.wait(&format!("document.querySelector('.notice')?.textContent.startsWith({})", json!(expected)));
        browser.click(".notice [aria-label=Close], .notice button:last-child");
        browser.wait("!document.querySelector('.notice')");
    }
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["Control+o"]);
    browser.wait("document.querySelector('#open-file') && document.querySelector('#import-all')");
    let errors = "[...document.querySelectorAll('.open-file:has(#open-file) li')].map(li => li.textContent)";
    for text in texts {
        browser.run_with(choose, &json!(["open-file", "{\"converge\": 1, \"colour\": 1}"]).to_string());
        browser.wait(&format!("{errors}[0]?.includes('colour')"));
        browser.run_with(choose, &json!(["open-file", text]).to_string());
        browser.wait(&format!("{errors}.length === 1 && {errors}[0].startsWith({})", json!(expected)));
    }
    // A list of something else.
    browser.run_with(choose, &json!(["import-all", "[{\"a\": 1}]"]).to_string());
    let imported = "[...document.querySelectorAll('.open-file:has(#import-all) li')].map(li => li.textContent)";
    browser.wait(&format!("{imported}.length === 1 && {imported}[0].includes({})", json!(expected)));
    assert_clean_console(&browser);
}
