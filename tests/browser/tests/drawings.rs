//! The visitor's drawings: kept, named, with versions; full, blocked and damaged storage; two tabs; the clipboard.

use crate::SITE;
use browser_tests::{Browser, WIDE, assert_clean_console, open_from_gallery};
use serde_json::json;

pub fn open(path: &str) -> Browser {
    let browser = SITE.visit(WIDE, path);
    browser.wait("document.querySelector('main .badge') || document.querySelector('main.canvas[tabindex=\"0\"]')");
    browser
}

pub fn cards(browser: &Browser, count: usize) {
    browser.wait(&format!("document.querySelectorAll('main [data-node]').length === {count}"));
}

pub fn saved(browser: &Browser) {
    browser.wait("document.querySelector('.saved')?.textContent === 'Saved'");
}

pub fn choose(browser: &Browser, id: &str) {
    open_from_gallery(browser, id);
}

/// Chooses an entry of the menu of files.
pub fn file(browser: &Browser, entry: &str) {
    browser.click("[data-action=FileMenu]");
    let find =
        format!("[...document.querySelectorAll('[role=menuitem]')].find(i => i.textContent === {})", json!(entry));
    browser.wait(&find);
    browser.run(&format!("{find}.click()"));
}

fn names(browser: &Browser) -> String {
    "[...document.querySelectorAll('.drawings-list .name')].map(e => e.textContent).join('|')".to_string()
        + if browser.run("return !!document.querySelector('.drawings-list')") == json!(true) { "" } else { " || ''" }
}

fn press(browser: &Browser, label: &str) {
    let find = format!("document.querySelector('[aria-label={}]')", json!(label));
    browser.wait(&find);
    browser.run(&format!("{find}.click()"));
}

#[test]
fn three_edited_drawings_are_kept_renamed_duplicated_and_deleted_with_undo() {
    let browser = open("");
    for id in ["first-update", "outbox", "lost-event"] {
        choose(&browser, id);
        browser.wait(&format!("location.hash === '#ex={id}'"));
        browser.click(".palette .placeable");
        browser.wait("location.hash.startsWith('#d=')");
        saved(&browser);
    }
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 3");
    assert_eq!(browser.axe(), Vec::<String>::new());
    let first = browser.run("return document.querySelector('.drawings-list > li:last-child .name').textContent");
    let first = first.as_str().expect("a name").to_string();
    press(&browser, &format!("Rename: {first}"));
    browser.fill(".drawings-list .rename input", "My stock");
    browser.wait(&format!("({}).includes('My stock')", names(&browser)));
    press(&browser, "Duplicate: My stock");
    browser.wait(&format!("({}).includes('My stock (copy)')", names(&browser)));
    press(&browser, "Delete: My stock (copy)");
    browser.wait(&format!("!({}).includes('My stock (copy)')", names(&browser)));
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('dialog')");
    browser.wait("[...document.querySelectorAll('.notice button')].some(b => b.textContent === 'Undo')");
    browser.run("[...document.querySelectorAll('.notice button')].find(b => b.textContent === 'Undo').click()");
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 4");
    browser
        .run("[...document.querySelectorAll('.drawings-list .name')].find(b => b.textContent === 'My stock').click()");
    browser.wait("document.querySelector('button.title').textContent === 'My stock'");
    cards(&browser, 4);
    browser.run("history.back()");
    browser.wait("document.querySelector('button.title').textContent !== 'My stock'");
    assert_clean_console(&browser);
}

#[test]
fn a_copy_a_new_drawing_and_undo_across_them_lose_nothing() {
    let browser = open("");
    browser.click(".palette .placeable");
    cards(&browser, 4);
    saved(&browser);
    file(&browser, "Save a copy");
    browser.wait("document.querySelector('.notice')?.textContent.includes('Saved as')");
    browser.click(".palette .placeable");
    cards(&browser, 5);
    saved(&browser);
    file(&browser, "New");
    cards(&browser, 0);
    browser.wait("location.hash === '#new'");
    browser.click("[aria-label=Undo]");
    cards(&browser, 5);
    browser.wait("location.hash.startsWith('#d=')");
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 2");
}

#[test]
fn work_kept_by_an_earlier_version_of_the_page_is_found_again() {
    let browser = open("");
    let scenario = converge::scenario::examples::find("outbox").expect("the example").scenario().to_json();
    browser.run_with("localStorage.setItem('converge.work', arguments[0])", &scenario);
    browser.open(&SITE.at("?again"));
    browser.wait("document.querySelector('button.title')?.textContent.toLowerCase().includes('outbox')");
    assert_eq!(browser.run("return localStorage.getItem('converge.work')"), json!(null));
}

#[test]
fn two_tabs_never_overwrite_each_other() {
    let browser = open("");
    browser.click(".palette .placeable");
    cards(&browser, 4);
    saved(&browser);
    let address = browser.run("return location.href");
    let (one, two) = browser.open_tab(address.as_str().expect("an address"));
    cards(&browser, 4);
    browser.click(".palette .placeable");
    cards(&browser, 5);
    saved(&browser);
    browser.go_to_tab(&one);
    browser.wait("document.querySelector('.notice')?.textContent.includes('Another tab has changed this drawing')");
    browser.click(".palette [data-action=Tidy]");
    browser.click(".palette .placeable:nth-of-type(2)");
    cards(&browser, 5);
    browser.wait("document.querySelector('button.title').textContent.includes('(conflicting copy)')");
    saved(&browser);
    browser.go_to_tab(&two);
    browser.open(address.as_str().expect("an address"));
    browser.run("location.reload()");
    cards(&browser, 5);
    browser.wait("document.querySelector('[data-node=\"service-2\"]')");
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 2");
}

#[test]
fn publishing_in_two_tabs_of_a_drawing_makes_no_copy() {
    let browser = open("");
    browser.click(".palette .placeable");
    cards(&browser, 4);
    saved(&browser);
    let title = browser.run("return document.querySelector('button.title').textContent");
    let address = browser.run("return location.href");
    let (one, two) = browser.open_tab(address.as_str().expect("an address"));
    cards(&browser, 4);
    browser.click("main .publish");
    saved(&browser);
    browser.go_to_tab(&one);
    browser.wait("document.querySelector('.notice')?.textContent.includes('an edit is kept as a copy')");
    let before = browser.run("return document.querySelector('[data-node=inventory] .v').textContent");
    browser.click("main .publish");
    browser.wait(&format!("document.querySelector('[data-node=inventory] .v').textContent !== {before}"));
    for tab in [&one, &two] {
        browser.go_to_tab(tab);
        assert_eq!(browser.run("return document.querySelector('button.title').textContent"), title);
        assert_eq!(browser.run("return location.href"), address);
    }
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 1");
}

#[test]
fn full_blocked_and_damaged_storage_is_reported_and_a_file_offered() {
    for (script, text) in [
        (
            "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError') }",
            "no room left",
        ),
        (
            "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError') } })",
            "does not let the page keep",
        ),
    ] {
        let browser = Browser::start(WIDE);
        browser.before_documents(script);
        browser.open(&SITE.at(""));
        browser.wait("document.querySelector('main .badge')");
        browser.click(".palette .placeable");
        cards(&browser, 4);
        browser.wait(&format!("document.querySelector('.notice')?.textContent.includes({})", json!(text)));
        browser.wait("document.querySelector('.saved')?.textContent === 'Not saved'");
        browser.run("window.files = {}; HTMLAnchorElement.prototype.click = function () { window.files[this.download] = this.href }");
        browser.run(
            "[...document.querySelectorAll('.notice button')].find(b => b.textContent === 'Save as a file').click()",
        );
        browser.wait("Object.keys(window.files).some(name => name.endsWith('.json'))");
    }
    let browser = open("");
    browser.click(".palette .placeable");
    saved(&browser);
    browser.run_async(
        "const open = indexedDB.open('converge'); open.onsuccess = () => { const t = open.result.transaction('texts', 'readwrite'); \
         const s = t.objectStore('texts'); s.getAllKeys().onsuccess = e => s.put('{ broken', e.target.result[0]); t.oncomplete = () => { open.result.close(); done(1) } }",
    );
    browser.run("location.reload()");
    browser.wait("document.querySelector('.notice')?.textContent.includes('cannot be read')");
    cards(&browser, 3);
    browser.run("window.files = {}; HTMLAnchorElement.prototype.click = function () { window.files[this.download] = this.href }");
    browser_tests::press_in(&browser, ".notice", "Save as a file");
    browser.wait("Object.keys(window.files).some(name => name.endsWith('.json'))");
}

/// Chooses a file with a text in an input of the page.
fn choose_file(browser: &Browser, input: &str, text: &str) {
    let script = format!(
        "const data = new DataTransfer(); data.items.add(new File([arguments[0]], 'file.json', {{ type: 'application/json' }})); \
         const input = document.querySelector('{input}'); input.files = data.files; input.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    );
    browser.run_with(&script, text);
}

#[test]
fn all_drawings_are_exported_and_imported_beside_the_present_ones() {
    let browser = open("");
    browser.click(".palette .placeable");
    cards(&browser, 4);
    saved(&browser);
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 1");
    browser.run("window.texts = []; const of = URL.createObjectURL; URL.createObjectURL = blob => { blob.text().then(text => window.texts.push(text)); return of(blob) }; \
        HTMLAnchorElement.prototype.click = () => {}");
    browser_tests::press_in(&browser, "dialog", "Export all");
    let exported = browser.wait("window.texts[0]");
    let exported = exported.as_str().expect("a text");
    choose_file(&browser, "#import-all", exported);
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 2");
    let names =
        browser.run("return [...document.querySelectorAll('.drawings-list .name')].map(name => name.textContent)");
    let names: Vec<&str> = names.as_array().expect("names").iter().filter_map(|name| name.as_str()).collect();
    assert!(names[0] != names[1], "{names:?}");
    // Of a file with errors, the valid drawings are imported.
    let partly = format!(
        "[{}, {{ \"converge\": 1, \"services\": [{{ \"id\": 5 }}] }}]",
        &exported.trim()[1..exported.trim().len() - 1]
    );
    choose_file(&browser, "#import-all", &partly);
    browser.wait("document.querySelector('dialog .err')?.textContent.includes('[1].services[0].id')");
    browser.wait("document.querySelectorAll('.drawings-list > li').length === 3");
    choose_file(&browser, "#import-all", "{}");
    browser.wait("document.querySelector('dialog .err')?.textContent.includes('a list of scenarios')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

#[test]
fn every_change_is_saved_at_once_and_a_former_version_can_be_opened() {
    let browser = open("");
    browser.click(".palette .placeable");
    cards(&browser, 4);
    saved(&browser);
    browser.click(".palette .placeable:nth-of-type(2)");
    cards(&browser, 5);
    saved(&browser);
    // The tab is closed without a further action.
    let address = browser.run("return location.href");
    browser.open("about:blank");
    browser.open(address.as_str().expect("an address"));
    cards(&browser, 5);
    file(&browser, "Open…");
    browser.wait("document.querySelector('.drawings-list > li')");
    browser_tests::press_in(&browser, ".drawings-list", "Versions");
    browser.click(".drawings-list .versions button");
    cards(&browser, 4);
    assert_clean_console(&browser);
}

fn paste(browser: &Browser, text: &str) {
    let script = "const data = new DataTransfer(); data.setData('text/plain', arguments[0]); \
        document.querySelector('main.canvas').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))";
    browser.run_with(script, text);
}

/// Copies all cards, and returns the text on the system's clipboard.
fn copy_all(browser: &Browser) -> String {
    browser.run("delete window.copied; navigator.clipboard.writeText = async text => { window.copied = text }; document.querySelector('main.canvas').focus()");
    browser.keys(&["Control+a", "Control+c"]);
    browser.wait("window.copied").as_str().expect("a text").to_string()
}

#[test]
fn cards_are_pasted_from_the_systems_clipboard() {
    let browser = open("#ex=lost-event");
    cards(&browser, 4);
    let text = copy_all(&browser);
    // In another drawing, as in another tab, the page knows nothing of the copy but the text.
    let browser = open("#new");
    cards(&browser, 0);
    paste(&browser, &text);
    cards(&browser, 4);
    browser.wait("document.activeElement.dataset.node");
    paste(&browser, &text);
    cards(&browser, 8);
    assert_eq!(browser.text("button.title"), "Untitled", "the drawing is the same");
    assert_clean_console(&browser);
}

#[test]
fn a_pasted_scenario_opens_as_a_dropped_one_does() {
    let example = converge::scenario::examples::find("lost-event").expect("an example");
    let mut scenario = example.scenario();
    (scenario.title, scenario.seed) = ("Pasted".into(), 7);
    let browser = open("#ex=inventory-notification");
    let before = browser.text("button.title");
    let count = browser.run("return document.querySelectorAll('main [data-node]').length");
    paste(&browser, &format!("  {}\n", scenario.to_json()));
    browser.wait("document.querySelector('button.title').textContent === 'Pasted'");
    cards(&browser, 4);
    browser.wait("document.querySelector('[data-node=notification]') && location.hash.startsWith('#d=')");
    assert_eq!(
        browser.run("return document.querySelectorAll('.fault-track .step').length"),
        json!(scenario.script.len())
    );
    browser.click("[aria-label=Undo]");
    browser.wait(&format!("document.querySelector('button.title').textContent === {}", json!(before)));
    browser.wait(&format!("document.querySelectorAll('main [data-node]').length === {count}"));
    // One with an error is reported, and nothing is pasted.
    paste(&browser, r#"{ "converge": 1, "services": [{ "id": "a", "colour": 1 }] }"#);
    browser.wait("document.querySelector('.notice')?.textContent.includes('This file could not be opened')");
    assert_clean_console(&browser);
}

#[test]
fn a_text_that_is_no_scenario_is_refused_as_such() {
    let browser = open("");
    for text in ["[]", "[[[[", "{}", r#"{"a": 1}"#, "{:type :invoke, :f :write}", r#"[{"type": "invoke"}]"#] {
        browser.run("document.querySelector('.notice [aria-label=Close]')?.click()");
        browser.wait("!document.querySelector('.notice')");
        paste(&browser, text);
        browser.wait("document.querySelector('.notice')?.textContent.startsWith('This is not a Converge scenario. Expected at its top level')");
    }
}

#[test]
fn a_drawing_is_renamed_at_once_deleted_and_restored_without_closing_the_dialog() {
    let browser = open("");
    browser.click(".palette .placeable");
    saved(&browser);
    file(&browser, "Open…");
    browser.wait("document.querySelector('.drawings-list .name')");
    browser.run("document.querySelector('.drawings-list [aria-label^=\"Rename: \"]').click()");
    browser.wait("document.activeElement.matches('.rename input')");
    let long = "An order that is published to the event bus and reaches the warehouse much too late for anyone";
    // The text is selected, so it is replaced.
    let letters: Vec<String> = long.chars().map(String::from).collect();
    browser.keys(&letters.iter().map(String::as_str).chain(["Enter"]).collect::<Vec<&str>>());
    browser.wait(&format!("document.querySelector('.drawings-list .name')?.textContent === {}", json!(long)));
    let is_whole = "const name = document.querySelector('.drawings-list .name'); \
        return name.scrollWidth <= name.clientWidth + 1 && name.scrollHeight <= name.clientHeight + 1";
    assert_eq!(browser.run(is_whole), json!(true), "the whole name is visible");
    saved(&browser);
    press(&browser, &format!("Delete: {long}"));
    browser.wait("document.activeElement.matches('dialog .notice button') && location.hash === '#new'");
    browser.wait("!document.querySelector('.saved')?.textContent");
    browser.click("dialog .notice .line");
    browser.wait("document.querySelector('.drawings-list .name') && location.hash.startsWith('#d=')");
    saved(&browser);
    assert_clean_console(&browser);
}

#[test]
fn the_button_of_a_notice_is_as_wide_as_its_text_and_readable() {
    let browser = Browser::start(WIDE);
    browser.before_documents(
        "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError') } })",
    );
    browser.open(&SITE.at(""));
    browser.wait("document.querySelector('main .badge')");
    browser.click(".palette .placeable");
    browser.wait("document.querySelector('.notice .line')");
    let fits = "const button = document.querySelector('.notice .line'), look = getComputedStyle(button); \
        return [button.scrollWidth <= button.clientWidth + 1, look.backgroundColor, look.color === getComputedStyle(button.parentElement).color]";
    assert_eq!(browser.run(fits), json!([true, "rgba(0, 0, 0, 0)", true]));
    // The dialog states the reason in place of the list, and still offers the file.
    file(&browser, "Open…");
    browser.wait("document.querySelector('dialog .err')?.textContent.includes('does not let the page keep')");
    browser.wait("document.querySelector('dialog .notice .line')?.textContent === 'Save as a file'");
}

#[test]
fn a_drawing_with_a_damaged_record_is_still_listed_and_opens() {
    let browser = open("");
    browser.click(".palette .placeable");
    cards(&browser, 4);
    saved(&browser);
    browser.run_async(
        "const open = indexedDB.open('converge'); open.onsuccess = () => { const t = open.result.transaction('drawings', 'readwrite'); \
         const s = t.objectStore('drawings'); s.getAllKeys().onsuccess = e => s.put('{ broken', e.target.result[0]); t.oncomplete = () => { open.result.close(); done(1) } }",
    );
    choose(&browser, "lost-event");
    file(&browser, "Open…");
    browser.wait("document.querySelectorAll('.drawings-list .name').length === 1");
    browser.click(".drawings-list .name");
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    assert_clean_console(&browser);
}

#[test]
fn a_storage_that_never_answers_is_reported_and_a_file_offered() {
    let browser = Browser::start(WIDE);
    browser.before_documents("IDBFactory.prototype.open = () => new EventTarget()");
    browser.open(&SITE.at(""));
    browser.wait("document.querySelector('main .badge')");
    browser.click(".palette .placeable");
    browser.wait("document.querySelector('.saved')?.textContent === 'Not saved'");
    browser.wait("document.querySelector('.notice')?.textContent.includes('does not answer')");
    browser_tests::press_in(&browser, ".notice", "Save as a file");
}

#[test]
fn the_title_of_the_tab_is_the_name_of_the_drawing() {
    let browser = open("#ex=lost-event");
    browser.wait("document.title === document.querySelector('button.title').textContent + ' – Converge'");
    file(&browser, "New");
    browser.wait("document.title === 'Untitled – Converge'");
}

#[test]
fn copied_cards_that_an_editor_has_formatted_are_pasted() {
    let browser = open("#ex=lost-event");
    cards(&browser, 4);
    let copied: serde_json::Value = serde_json::from_str(&copy_all(&browser)).expect("JSON");
    let browser = open("#new");
    cards(&browser, 0);
    paste(&browser, &serde_json::to_string_pretty(&copied).expect("JSON"));
    cards(&browser, 4);
    assert_eq!(browser.text("button.title"), "Untitled", "the drawing is the same");
}
