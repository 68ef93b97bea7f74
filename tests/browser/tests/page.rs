//! The page in Chromium: drawing, publishing, faults, sharing, accessibility.

mod embedding;
mod groups;

use crate::SITE;
use browser_tests::{
    Browser, Look, PHONE, WIDE, assert_clean_console, open_from_gallery, press, press_in, publish_across_a_cut,
    read_picture, select_link, wait_for_state, worker_digests,
};
use converge::scenario::examples::EXAMPLES;
use serde_json::{Value, json};
use std::path::Path;

fn open(look: Look, path: &str) -> Browser {
    SITE.visit(look, path)
}

fn badge(service: &str) -> String {
    format!("document.querySelector('[data-node=\"{service}\"] .badge')?.textContent.trim()")
}

#[test]
fn a_first_visitor_publishes_and_sees_the_copy_go_stale_and_consistent() {
    for look in [WIDE, PHONE] {
        let browser = open(look, "");
        wait_for_state(&browser, "notification", "consistent");
        assert_eq!(browser.text(".transport .clock").trim(), "0.000 s");
        browser.click(".publish, .publish-wide");
        wait_for_state(&browser, "notification", "stale");
        browser.wait("document.querySelector('[data-node=\"notification\"]').textContent.includes('1 behind')");
        wait_for_state(&browser, "notification", "consistent");
        browser.wait("document.body.textContent.includes('reached every copy in')");
        assert_clean_console(&browser);
    }
}

#[test]
fn a_new_drawing_with_two_services_and_a_bus_delivers_an_update() {
    let browser = open(WIDE, "");
    open_from_gallery(&browser, "-");
    browser.wait("document.querySelectorAll('[data-node]').length === 0");
    // One card by a click, two by a drag from the palette.
    browser.click(".palette button:nth-of-type(1)");
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    let from = browser.middle(".palette button:nth-of-type(2)");
    browser.drag(from, (520.0, 180.0));
    browser.wait("document.querySelector('[data-node=\"bus-1\"]')");
    let from = browser.middle(".palette button:nth-of-type(1)");
    browser.drag(from, (820.0, 420.0));
    browser.wait("document.querySelector('[data-node=\"service-2\"]')");
    let publisher = browser.middle("[data-node=\"service-1\"] header");
    browser.drag(publisher, (200.0, 300.0));
    for (source, target) in [("service-1", "bus-1"), ("bus-1", "service-2")] {
        let handle = browser.middle(&format!("[data-node=\"{source}\"] .handle"));
        let over = browser.middle(&format!("[data-node=\"{target}\"]"));
        browser.drag(handle, over);
    }
    browser.wait("document.querySelectorAll('.links path.link').length === 2");
    browser.click("[data-node=\"service-1\"] header");
    browser.fill(".publisher input[aria-label=Key]", "stock");
    browser.fill(".publisher input[aria-label=Value]", "7");
    browser.click(".publisher button");
    browser.click(".transport [aria-label=Play]");
    browser.wait("document.querySelector('[data-node=\"service-2\"]').textContent.includes('stock')");
    wait_for_state(&browser, "service-2", "consistent");
    assert_clean_console(&browser);
}

#[test]
fn a_message_on_a_cut_link_is_lost_and_the_copy_converges_after_healing() {
    let browser = open(WIDE, "#ex=first-update&speed=2");
    publish_across_a_cut(&browser);
    browser.click(".top .title");
    browser.click(".inspector .actions button");
    browser.wait("!document.querySelector('.link.cut')");
    // The clicks may take longer than the run; extend it then.
    let longer =
        "[...document.querySelectorAll('.transport button')].find(b => b.textContent.includes('+5 s'))?.click()";
    browser.wait(&format!("({longer}, {} === 'consistent')", badge("notification")));
    assert_clean_console(&browser);
}

#[test]
fn digests_in_wasm_equal_those_of_the_native_engine() {
    let golden: Value = serde_json::from_str(include_str!("../../golden/digests.json")).expect("JSON");
    assert_eq!(worker_digests(&open(WIDE, "")), golden);
}

#[test]
fn an_invalid_value_shows_an_error_at_its_field_and_undo_keeps_the_clock() {
    let browser = open(WIDE, "");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    browser.click(".transport [aria-label=Pause]");
    browser.click("[data-node=\"notification\"] header");
    let field = "#field-services-1-subscribes-0-fails";
    browser.fill(field, "140");
    browser.wait("document.querySelector('.field .err')?.textContent === 'Between 0 and 100 %.'");
    let clock = browser.text(".transport .clock");
    browser.fill("#field-services-1-name", "Mail");
    browser.wait("document.querySelector('[data-node=\"notification\"] h2').textContent === 'Mail'");
    assert_eq!(browser.text(".transport .clock"), clock);
    browser.click(".top [aria-label=Undo]");
    browser.wait("document.querySelector('[data-node=\"notification\"] h2').textContent === 'Notification'");
    assert_eq!(browser.text(".transport .clock"), clock);
    assert_clean_console(&browser);
}

#[test]
fn each_consistency_level_is_measured_and_the_results_stay_after_a_change() {
    let browser = open(WIDE, "#ex=viewing-history&t=0");
    browser.click("button.area-label:not(.region)");
    press(&browser, "Measure all three");
    browser.wait("document.querySelector('.measured caption')?.textContent.startsWith('20 of 20 seeds')");
    let cells = "[...document.querySelectorAll('.measured tbody tr')].find(r => r.textContent.startsWith('write latency, median')).querySelectorAll('td')";
    // In three regions, a write that waits for a majority crosses an ocean.
    let ms = |column: u32| browser.run(&format!("return parseFloat({cells}[{column}].textContent)")).as_f64();
    assert!(ms(0) < Some(20.0) && ms(2) > Some(50.0), "{:?} {:?}", ms(0), ms(2));
    assert_eq!(browser.axe(), Vec::<String>::new());
    // The results compare all levels, so they stay when another level is chosen.
    press(&browser, "strong");
    browser.wait("document.querySelector('button.area-label:not(.region)').textContent.includes('R 2 · W 2')");
    browser.wait("document.querySelector('.measured caption')?.textContent.startsWith('20 of 20 seeds')");
    assert_clean_console(&browser);
}

#[test]
fn a_failed_fetch_of_lazy_code_is_reported_and_retried() {
    let browser = open(WIDE, "");
    let block = |urls: &[&str]| browser.devtools("Network.setBlockedURLs", json!({ "urls": urls }));
    browser.devtools("Network.enable", json!({}));
    block(&["*split_*", "*chunk_*"]);
    let notice = "document.querySelector('.notice')?.textContent.includes('could not be fetched')";
    browser.click("[data-node=\"notification\"] header");
    browser.wait(notice);
    assert_eq!(browser.run("return document.querySelector('.inspector fieldset')"), Value::Null);
    // A change of the drawing needs code that is loaded on demand; without it nothing is changed.
    browser.click(".notice button");
    press_in(&browser, ".palette", "Service");
    browser.wait("document.querySelector('.notice')?.textContent.startsWith('Nothing was changed')");
    assert_eq!(browser.run("return document.querySelectorAll('[data-node]').length"), 3);
    // An example cannot be opened; the current drawing stays.
    browser.click(".notice button");
    browser.run("location.hash = '#ex=outbox'");
    browser.wait(notice);
    wait_for_state(&browser, "notification", "consistent");
    block(&[]);
    browser.click(".notice button");
    browser.click("[data-node=\"inventory\"] header");
    browser.wait("document.querySelector('.inspector fieldset')");
    open_from_gallery(&browser, "outbox");
    browser.wait("document.querySelector('.top .title').textContent.includes('outbox')");
}

#[test]
fn pictures_of_canvas_diagram_and_charts_are_saved_as_svg_and_png() {
    let browser = open(WIDE, "#ex=inventory-notification&t=2500");
    browser.run(
        "window.saved = {}; window.blobs = {}; const made = URL.createObjectURL; \
        URL.createObjectURL = blob => { const url = made(blob); window.blobs[url] = [blob.type, blob.size]; blob.text().then(text => window.saved[url] = text); return url }; \
        window.files = {}; HTMLAnchorElement.prototype.click = function () { window.files[this.download] = this.href }",
    );
    browser.click(".top [data-action=Share]");
    press_in(&browser, "dialog", "Picture as SVG");
    press_in(&browser, "dialog", "Picture as PNG");
    browser.click("dialog [aria-label=Close]");
    browser.click("[data-action=Diagram]");
    browser.wait("document.querySelectorAll('.diagram .arrow').length > 3");
    let save = |what: &str| {
        let script = format!(
            "const s = document.querySelector('[aria-label=\"Save the run as\"]'); s.value = '{what}'; s.dispatchEvent(new Event('change', {{ bubbles: true }}))"
        );
        browser.run(&script);
    };
    save("Picture (SVG)");
    save("Picture (PNG)");
    browser
        .run("[...document.querySelectorAll('.diagram .seg button')].find(it => it.textContent === 'Charts').click()");
    browser.wait("document.querySelectorAll('.charts .line').length === 5");
    save("Picture (SVG)");
    save("Picture (PNG)");
    let name = "inventory-publishes-to-notification";
    browser.wait(&format!("window.saved[window.files['{name}.svg']]"));
    for (file, text) in
        [(name, "Inventory"), ("diagram", "Notification"), ("charts", "Updates behind"), ("charts", "Latency of reads")]
    {
        // The SVG is a complete document with the page's texts.
        let svg = browser.wait(&format!("window.saved[window.files['{file}.svg']]"));
        let read = "const d = new DOMParser().parseFromString(arguments[0], 'image/svg+xml'); \
            return [d.querySelector('parsererror') === null, d.querySelectorAll('path').length, d.documentElement.textContent]";
        let read = read_picture(svg.as_str().expect("a text"), read);
        assert_eq!(read[0], json!(true), "{file}");
        assert!(read[1].as_u64() > Some(5), "{file}: {read}");
        assert!(read[2].as_str().expect("text").contains(text), "{file}: {read}");
        // A PNG of one colour would be smaller.
        let png = browser.wait(&format!("window.blobs[window.files['{file}.png']]"));
        assert!(png[0] == "image/png" && png[1].as_u64() > Some(6_000), "{file}: {png}");
    }
    assert_clean_console(&browser);
}

#[test]
fn a_picture_that_the_browser_does_not_encode_is_reported_in_a_notice() {
    let browser = open(WIDE, "#ex=inventory-notification&t=2500");
    browser.run("HTMLCanvasElement.prototype.toBlob = function (then) { then(null) }");
    browser.click(".top [data-action=Share]");
    press_in(&browser, "dialog", "Picture as PNG");
    browser.wait("document.querySelector('.notice')?.textContent.includes('The picture was not saved')");
    press_in(&browser, "dialog", "Picture as SVG");
    browser.wait("document.querySelector('.notice')?.textContent.includes('saved without the messages')");
    assert_clean_console(&browser);
}

#[test]
fn a_qr_code_is_saved_as_a_blob_and_a_refusal_of_the_browser_is_reported() {
    let browser = open(WIDE, "#ex=first-update");
    browser.run("window.saved = []; HTMLAnchorElement.prototype.click = function () { saved.push(this.download + ' ' + this.protocol) }");
    browser.click(".top [data-action=Share]");
    browser.click(".qr-code summary");
    press_in(&browser, ".qr-code", "QR code as PNG");
    browser.wait("window.saved.length === 1");
    let file = browser.run("return window.saved[0]");
    assert!(file.as_str().is_some_and(|file| file.ends_with("-qr.png blob:")), "{file}");
    browser.run("HTMLCanvasElement.prototype.toBlob = function (then) { then(null) }");
    press_in(&browser, ".qr-code", "QR code as PNG");
    browser.wait("document.querySelector('.qr-code [role=status]')?.textContent.includes('The picture was not saved')");
    assert_eq!(browser.run("return window.saved.length"), json!(1));
    assert_clean_console(&browser);
}

#[test]
fn the_keyboard_alone_publishes_adds_crashes_restarts_and_shares() {
    let browser = open(WIDE, "");
    browser.run("document.querySelector('[data-node=\"inventory\"]').focus()");
    // Space plays, P publishes, full stop steps.
    browser.keys(&["p"]);
    wait_for_state(&browser, "notification", "stale");
    wait_for_state(&browser, "notification", "consistent");
    // Add a service and undo it.
    browser.keys(&["1"]);
    // The new card receives the focus.
    browser.wait("document.activeElement?.dataset.node === 'service-1'");
    browser.keys(&["Control+z"]);
    browser.wait("!document.querySelector('[data-node=\"service-1\"]')");
    // Crash and restart from the menu.
    browser.run("document.querySelector('[data-node=\"notification\"]').focus()");
    browser.keys(&["Enter", "Shift+\u{E03A}"]);
    browser.wait("[...document.querySelectorAll('[role=menu] button, [role=menuitem]')].some(b => b.textContent.includes('Crash'))");
    browser.keys(&["Enter"]);
    wait_for_state(&browser, "notification", "down");
    browser.run("document.querySelector('[data-node=\"notification\"]').focus()");
    browser.keys(&["Shift+\u{E03A}"]);
    browser.wait("[...document.querySelectorAll('[role=menu] button, [role=menuitem]')].some(b => b.textContent.includes('Restart'))");
    browser.keys(&["Enter"]);
    wait_for_state(&browser, "notification", "consistent");
    browser.run("document.querySelector('.top [data-action=Share]').focus()");
    browser.keys(&["Enter"]);
    browser.wait("document.querySelector('#share-link')?.value");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('dialog')");
    assert_clean_console(&browser);
}

#[test]
fn axe_finds_no_violation_in_any_state_of_the_page() {
    for dark in [false, true] {
        let browser = open(Look { dark, ..WIDE }, "");
        assert_eq!(browser.axe(), Vec::<String>::new(), "opened, dark: {dark}");
        browser.click(".publish");
        wait_for_state(&browser, "notification", "stale");
        browser.click(".transport [aria-label=Pause]");
        browser.click("[data-node=\"notification\"] header");
        assert_eq!(browser.axe(), Vec::<String>::new(), "running and selected, dark: {dark}");
        browser.click(".top [data-action=Share]");
        browser.wait("document.querySelector('#share-link')?.value");
        assert_eq!(browser.axe(), Vec::<String>::new(), "dialog, dark: {dark}");
        browser.keys(&["Escape"]);
        open_from_gallery(&browser, "-");
        browser.wait("document.querySelectorAll('[data-node]').length === 0");
        assert_eq!(browser.axe(), Vec::<String>::new(), "empty, dark: {dark}");
    }
    let browser = open(WIDE, "embed/#ex=first-update");
    assert_eq!(browser.axe(), Vec::<String>::new(), "embed");
}

#[test]
fn every_fault_shows_at_its_card_or_link_until_it_ends() {
    let browser = open(WIDE, "#ex=first-update");
    let trouble = |node: &str| format!("document.querySelector('[data-node=\"{node}\"] .trouble')?.textContent");
    browser.click("[data-node=\"notification\"] header");
    for (fault, shows, repair) in
        [("Freeze node", "frozen", "Unfreeze node"), ("Slow down 10 ×", "10 × as long", "Restore the speed")]
    {
        press(&browser, fault);
        browser.wait(&format!("{} === {}", trouble("notification"), json!(shows)));
        press(&browser, repair);
        browser.wait(&format!("{} === undefined", trouble("notification")));
    }
    press(&browser, "Set the clock back 1 s");
    browser.wait(&format!("{}?.startsWith('clock −')", trouble("notification")));
    press(&browser, "Crash, lose disk");
    wait_for_state(&browser, "notification", "down");
    press(&browser, "Restart");
    wait_for_state(&browser, "notification", "stale");
    browser.click("[data-node=\"stock_updated\"] header");
    for fault in ["Stop the bus", "Stop the bus, lose unflushed"] {
        press(&browser, fault);
        browser.wait(&format!("{} === 'stopped'", trouble("stock_updated")));
        press(&browser, "Start the bus");
        browser.wait(&format!("{} === undefined", trouble("stock_updated")));
    }
    select_link(&browser, 0);
    for fault in ["Lose half", "Duplicate half", "Reorder half", "Delay by 1 s"] {
        press(&browser, fault);
        browser.wait("document.querySelector('.link.disturbed')");
        press(&browser, "Heal");
        browser.wait("!document.querySelector('.link.disturbed')");
    }
    press(&browser, "Cut");
    browser.wait("document.querySelector('.link.cut')");
    browser.click(".top .title");
    press(&browser, "Heal everything");
    browser.wait("!document.querySelector('.link.cut')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

#[test]
fn the_dead_letter_queue_can_be_read_redriven_and_purged() {
    let browser = open(WIDE, "#ex=poison-message&t=6000");
    browser.click("[data-node=\"stock_updated\"] header");
    browser.wait("document.querySelector('.dead-letters')?.textContent.includes('widget = -1 (v2)')");
    assert_eq!(browser.axe(), Vec::<String>::new());
    press(&browser, "Redrive");
    browser.wait("!document.querySelector('.dead-letters')");
    // The handler fails again until the delivery limit.
    browser.click(".transport [aria-label=Play]");
    browser.wait("document.querySelector('.dead-letters')");
    press(&browser, "Purge");
    browser.wait("!document.querySelector('.dead-letters')");
    browser.wait("document.querySelector('.dlq')?.textContent.includes('1 discarded')");
    assert_clean_console(&browser);
}

#[test]
fn steps_of_the_script_are_added_moved_and_undone_below_the_timeline() {
    let browser = open(WIDE, "#ex=lost-event&t=0");
    browser.wait("document.querySelectorAll('.fault-track .step').length === 2");
    let label = "document.querySelector('.fault-track .step').getAttribute('aria-label')";
    browser.wait(&format!("{label}.startsWith('1.4 s: cut')"));
    // Wait until the step has a position.
    browser.wait("(r => r.left > 100 && r.right < innerWidth && r.bottom <= innerHeight)(document.querySelector('.fault-track .step').getBoundingClientRect())");
    let from = browser.middle(".fault-track .step");
    browser.drag(from, (from.0 + 200.0, from.1));
    browser.wait(&format!("parseFloat({label}) > 2"));
    browser.click("[aria-label=Undo]");
    browser.wait(&format!("{label}.startsWith('1.4 s: cut')"));
    browser.run("document.querySelector('.fault-track .step').focus()");
    browser.keys(&["Right"]);
    browser.wait(&format!("{label}.startsWith('1.5 s: cut')"));
    browser.keys(&["Delete"]);
    browser.wait("document.querySelectorAll('.fault-track .step').length === 1");
    browser.click("[data-node=\"notification\"] header");
    browser.click(".actions .scripted input");
    press(&browser, "Crash");
    browser.wait("document.querySelectorAll('.fault-track .step').length === 2");
    wait_for_state(&browser, "notification", "down");
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

#[test]
fn opening_an_example_keeps_the_visitors_drawing() {
    let browser = open(WIDE, "");
    let choose = |entry: &str| open_from_gallery(&browser, entry);
    let cards = |n: u32| {
        browser.wait(&format!("document.querySelectorAll('[data-node]').length === {n}"));
    };
    choose("-");
    cards(0);
    browser.click(".palette button:nth-of-type(1)");
    cards(1);
    choose("lost-event");
    cards(4);
    browser.click(".palette button:nth-of-type(1)");
    cards(5);
    choose("~");
    cards(1);
    // Switch back after a change; both drawings are kept.
    browser.click(".palette button:nth-of-type(2)");
    cards(2);
    choose("~");
    cards(5);
    browser.open(&SITE.at("?again"));
    cards(2);
    assert_clean_console(&browser);
}

#[test]
fn a_preset_sets_the_brokers_defaults_and_lists_what_is_not_modelled() {
    let browser = open(WIDE, "#ex=poison-message&t=0");
    browser.click("[data-node=\"tolerant\"] header");
    let choose = "const s = [...document.querySelectorAll('.inspector select')].find(s => [...s.options].some(o => o.value === 'SQS FIFO')); s.value = 'SQS FIFO'; s.dispatchEvent(new Event('change', { bubbles: true })); s.scrollIntoView()";
    browser.wait("[...document.querySelectorAll('.inspector select option')].some(o => o.value === 'SQS FIFO')");
    browser.run(choose);
    browser.wait(
        "document.querySelector('.left-out')?.textContent.startsWith('Not modelled: Several messages of one group')",
    );
    browser.wait("[...document.querySelectorAll('.inspector .field')].some(f => f.textContent.includes('Ack deadline') && f.querySelector('input').value === '30000')");
    browser.shot(Path::new("test-output/preset.png"));
    assert_clean_console(&browser);
}

#[test]
fn measured_latencies_are_shown_as_a_histogram() {
    let browser = open(WIDE, "#ex=first-update");
    select_link(&browser, 0);
    let choose = "const s = [...document.querySelectorAll('.inspector select')].find(s => [...s.options].some(o => o.value === 'samples')); s.value = 'samples'; s.dispatchEvent(new Event('change', { bubbles: true }))";
    browser.wait("[...document.querySelectorAll('.inspector select option')].some(o => o.value === 'samples')");
    browser.run(choose);
    browser.wait("document.querySelector('.histogram figcaption')?.textContent.startsWith('5 samples; median')");
    assert_clean_console(&browser);
}

/// The contents of a card end inside of its edge, except the handle for connecting; nothing of the page is outside of the window.
const OVERFLOWING: &str = "[...document.querySelectorAll('main .card')].filter(card => { const edge = card.getBoundingClientRect().right + 1; \
    return [...card.querySelectorAll('*')].some(e => !e.closest('.handle') && e.getBoundingClientRect().right > edge) }).map(card => card.dataset.node) \
    .concat(['.top', '.time', 'main.canvas'].filter(part => { const r = document.querySelector(part).getBoundingClientRect(); \
        return r.left < 0 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1 })) \
    .concat(document.documentElement.scrollWidth > innerWidth ? ['page'] : [])";

#[test]
fn nothing_overflows_in_a_paused_run_on_wide_and_narrow_pages_in_both_themes() {
    let looks = [
        ("wide-light", WIDE),
        ("wide-dark", Look { dark: true, ..WIDE }),
        ("phone-light", PHONE),
        ("phone-dark", Look { dark: true, ..PHONE }),
    ];
    for (name, look) in looks {
        let browser = open(look, "#ex=inventory-notification&t=0&speed=5");
        browser.click(".transport [aria-label=Play]");
        browser.wait("parseFloat(document.querySelector('.transport .clock').textContent) > 2.7");
        browser.click(".transport [aria-label=Pause]");
        if !look.phone {
            browser.click("[data-node=\"notification\"] header");
        }
        browser.shot(Path::new(&format!("test-output/{name}.png")));
        assert_eq!(browser.run(&format!("return {OVERFLOWING}")), json!([]), "{name}");
        let theme = if look.dark { "dark" } else { "light" };
        assert_eq!(browser.run("return document.documentElement.dataset.theme"), json!(theme), "{name}");
        assert_clean_console(&browser);
    }
}
