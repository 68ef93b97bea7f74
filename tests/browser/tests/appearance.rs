//! How the page looks: legible at every size, everything reachable, verdicts first, pictures like the canvas.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console, press_in, read_picture, wait_for_state};
use converge::scenario::examples::EXAMPLES;
use serde_json::{Value, json};

/// Returns the sizes on the screen of the visible texts of cards, links and groups, the smallest first.
const SIZES: &str = "const scale = new DOMMatrix(getComputedStyle(document.querySelector('.world')).transform).a; \
    const texts = [...document.querySelectorAll('.world *, .links text')].filter(e => e.checkVisibility() && e.getClientRects().length \
        && !e.closest('.sr') && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())); \
    return texts.map(e => [parseFloat(getComputedStyle(e).fontSize) * scale, e.textContent.slice(0, 30)]).sort((a, b) => a[0] - b[0])";

#[test]
fn no_text_on_the_canvas_of_an_example_is_smaller_than_11_px() {
    for look in [WIDE, PHONE] {
        let browser = SITE.visit(look, "");
        for example in EXAMPLES {
            let path = format!("?{}#ex={}", example.id, example.id);
            browser.open(&SITE.at(&path));
            browser.wait("document.querySelector('.card .badge, .card.member')");
            browser.wait_for_instant(&path);
            let sizes = browser.run(SIZES);
            let smallest = &sizes[0];
            assert!(smallest[0].as_f64().is_none_or(|size| size >= 10.95), "{}: {smallest}", example.id);
        }
        assert_clean_console(&browser);
    }
}

/// Returns the controls that reach beyond the window and cannot be scrolled into it, or lie below another control.
const UNREACHABLE: &str = "const out = []; const seen = e => e.checkVisibility() && e.getClientRects().length && !e.closest('.sr, .skip, .world, [inert]'); \
    for (const e of [...document.querySelectorAll('button, select, input, a')].filter(seen)) { \
        if (e.matches('.skip')) continue; \
        e.scrollIntoView({ block: 'nearest', inline: 'nearest' }); \
        const r = e.getBoundingClientRect(); const x = r.x + r.width / 2, y = r.y + r.height / 2; \
        const top = document.elementFromPoint(x, y); \
        if (r.right > innerWidth + 1 || r.bottom > innerHeight + 1 || r.x < -1 || r.y < -1 || !(top && (e.contains(top) || top.contains(e) || top.closest('label')?.contains(e)))) \
            out.push((e.getAttribute('aria-label') || e.textContent).trim() + ' ' + [r.x, r.y, r.right, r.bottom].map(Math.round)); } \
    return out";

/// Windows in which the review found controls outside.
const WINDOWS: [(u32, u32); 6] = [(1280, 800), (1024, 768), (800, 600), (844, 390), (390, 844), (320, 640)];

#[test]
fn every_control_is_inside_of_every_window() {
    for (width, height) in WINDOWS {
        let browser = SITE.visit(Look { width, height, ..WIDE }, "#ex=lost-event");
        wait_for_state(&browser, "notification", "stale");
        assert_eq!(browser.run(UNREACHABLE), json!([]), "{width}×{height}");
        // Everything that has no button there is in the menu.
        browser.click(".more-button");
        browser.wait("document.querySelector('.more [role=menuitem]')");
        assert_eq!(
            browser.run(UNREACHABLE.replace("button, select", ".more button, .more select").as_str()),
            json!([]),
            "menu at {width}×{height}"
        );
        for entry in ["Scissors", "AddService", "Fit", "Log", "Verdicts", "Diagram", "Branches", "Outline"] {
            assert!(
                !browser.run(&format!("return document.querySelector('[data-more={entry}]')")).is_null(),
                "{entry}"
            );
        }
        browser.click("[data-more=Verdicts]");
        browser.wait("document.querySelector('.verdicts')");
        assert_eq!(browser.run(UNREACHABLE), json!([]), "verdicts at {width}×{height}");
        assert_clean_console(&browser);
    }
}

#[test]
fn text_of_twice_the_size_hides_nothing() {
    let browser = SITE.visit(WIDE, "#ex=lost-event");
    browser.run("document.documentElement.style.fontSize = '200%'");
    browser.wait("parseFloat(getComputedStyle(document.querySelector('.chip')).fontSize) === 24");
    browser.devtools(
        "Emulation.setDeviceMetricsOverride",
        json!({ "width": 1279, "height": 800, "deviceScaleFactor": 1, "mobile": false }),
    );
    browser.wait("document.querySelector('.zoom button:nth-of-type(2)').textContent.endsWith('%')");
    assert_eq!(browser.run(UNREACHABLE), json!([]));
    let sizes = browser.run(SIZES);
    // Cards without room for text of this size show none.
    let smallest = sizes[0][0].as_f64().unwrap_or(22.0);
    assert!(smallest >= 21.5, "the canvas follows the size of the text: {}", sizes[0]);
}

#[test]
fn with_letters_of_twice_the_size_every_button_of_a_phone_can_be_reached() {
    for (width, language) in [(390, "en"), (320, "de")] {
        let browser = SITE.visit(Look { width, height: 640, ..WIDE }, "");
        browser.devtools("Page.enable", json!({}));
        browser.devtools("Page.setFontSizes", json!({ "fontSizes": { "standard": 32, "fixed": 26 } }));
        browser.open(&SITE.at(&format!("?large#ex=lost-event&lang={language}")));
        wait_for_state(&browser, "notification", if language == "de" { "veraltet" } else { "stale" });
        browser.wait("getComputedStyle(document.documentElement).fontSize === '32px'");
        let buttons = UNREACHABLE.replace("button, select, input, a", ".top button, .below button");
        assert_eq!(browser.run(&buttons), json!([]), "{width} px, {language}");
    }
}

#[test]
fn a_violated_guarantee_is_a_button_from_the_start_of_a_run() {
    let browser = SITE.visit(WIDE, "#ex=quorum-inversion");
    let chip =
        "[...document.querySelectorAll('button.chip')].find(chip => chip.textContent === 'Linearizable violated')";
    browser.wait(chip);
    assert!(browser.run("return document.querySelector('.verdicts')").is_null(), "the verdicts were not opened");
    browser.run(&format!("{chip}.click()"));
    browser.wait("document.querySelector('.verdict.violated [aria-pressed=true]')");
    browser.wait("document.querySelectorAll('.card.proof').length > 0");
    assert_clean_console(&browser);
}

#[test]
fn a_lost_event_opens_with_the_verdict_and_the_cause_in_one_right_column() {
    let browser = SITE.visit(WIDE, "#ex=lost-event");
    browser.wait("document.querySelector('.chip.first').textContent.includes('Will not converge')");
    browser.wait("document.querySelector('.caption').textContent.includes('An event that is lost')");
    browser.click("[data-node=notification] .why");
    browser.wait("document.querySelector('.reasons p')?.textContent.includes('the link stock_updated → Notification has been cut')");
    assert!(browser.run("return document.querySelector('.verdicts')").is_null(), "there is no second panel");
    // The log opens below the inspector.
    browser.click(".transport [data-action=Log]");
    browser.wait("document.querySelector('.log')");
    let columns = browser.run(
        "const r = s => document.querySelector(s).getBoundingClientRect(); const [a, b] = [r('.inspector'), r('.log')]; return [a.x === b.x, a.bottom <= b.y + 1]",
    );
    assert_eq!(columns, json!([true, true]));
    assert!(browser.run("return document.querySelector('#canvas').clientWidth").as_u64() > Some(850));
    assert_clean_console(&browser);
}

/// Keeps the files that the page saves.
const CATCH_FILES: &str = "window.saved = {}; window.files = {}; const made = URL.createObjectURL; \
    URL.createObjectURL = blob => { const url = made(blob); blob.text().then(text => window.saved[url] = text); return url }; \
    HTMLAnchorElement.prototype.click = function () { window.files[this.download] = this.href }";

fn picture(browser: &Browser, name: &str) -> Value {
    let svg = browser.wait(&format!("window.saved[window.files['{name}.svg']]"));
    browser.run("window.saved = {}; window.files = {}");
    let read = "const d = new DOMParser().parseFromString(arguments[0], 'image/svg+xml').documentElement; \
        return { width: +d.getAttribute('width'), height: +d.getAttribute('height'), \
        texts: [...d.querySelectorAll('text')].map(t => [t.textContent, +t.getAttribute('x'), +t.getAttribute('y'), parseFloat(t.getAttribute('font-size'))]) }";
    read_picture(svg.as_str().expect("a text"), read)
}

#[test]
fn a_picture_has_the_whole_drawing_at_every_zoom_or_the_selection() {
    let browser = SITE.visit(WIDE, "#ex=inventory-notification");
    browser.run(CATCH_FILES);
    let name = "inventory-publishes-to-notification";
    let save = || {
        browser.click(".top [data-action=Share]");
        press_in(&browser, "dialog", "Picture as SVG");
        browser.click("dialog [aria-label=Close]");
        picture(&browser, name)
    };
    let texts = |picture: &Value| -> Vec<String> {
        let texts = picture["texts"].as_array().expect("texts");
        texts.iter().map(|text| text[0].as_str().unwrap_or_default().to_string()).collect()
    };
    let whole = save();
    for zoom in ["Zoom in", "Zoom in", "Zoom in", "Zoom out", "Zoom out"] {
        browser.run(&format!(
            "[...document.querySelectorAll('.zoom button')].find(b => b.title.startsWith('{zoom}')).click()"
        ));
        let zoomed = save();
        assert_eq!((&zoomed["width"], texts(&zoomed)), (&whole["width"], texts(&whole)), "after {zoom}");
    }
    for card in ["Warehouse", "Inventory", "Notification", "stock_updated"] {
        // A long name has two lines.
        assert!(texts(&whole).concat().contains(card), "{card} is missing: {:?}", texts(&whole));
    }
    let (width, height) = (whole["width"].as_f64().expect("a width"), whole["height"].as_f64().expect("a height"));
    for text in whole["texts"].as_array().expect("texts") {
        let (x, y, size) = (text[1].as_f64().unwrap(), text[2].as_f64().unwrap(), text[3].as_f64().unwrap());
        assert!(x >= 0.0 && x < width && y > 0.0 && y < height && size >= 11.0, "{text}");
    }
    // The canvas is as before.
    browser.wait("new DOMMatrix(getComputedStyle(document.querySelector('.world')).transform).a > 1");
    browser.click("[data-node=notification] header");
    browser.click(".top [data-action=Share]");
    browser.wait("document.querySelectorAll('dialog input[type=checkbox]:not(.embed-options input)').length === 2");
    browser.run("document.querySelectorAll('dialog input[type=checkbox]:not(.embed-options input)')[1].click()");
    press_in(&browser, "dialog", "Picture as SVG");
    let selection = picture(&browser, name);
    assert!(texts(&selection).iter().any(|text| text == "Notification"));
    assert!(!texts(&selection).iter().any(|text| text == "Warehouse"), "{:?}", texts(&selection));
    assert_clean_console(&browser);
}

#[test]
fn compared_branches_show_their_own_links() {
    let browser = SITE.visit(WIDE, "#ex=before-and-after&t=2500");
    let links =
        |pane: &str| format!("[...document.querySelectorAll('{pane} [data-link]')].map(l => l.dataset.link).join()");
    browser.click(".transport [data-action=Branches]");
    press_in(&browser, ".branches", "Compare");
    browser.wait("document.querySelector('.canvas.compared .card')");
    browser.wait(&format!("{} !== {}", links("main.canvas"), links(".canvas.compared")));
    assert_clean_console(&browser);
}

#[test]
fn headings_descend_by_one_level_from_one_h1() {
    for open in
        ["", "[data-node=notification] header", ".transport [data-action=Verdicts]", ".transport [data-action=Log]"]
    {
        let browser = SITE.visit(WIDE, "#ex=lost-event");
        wait_for_state(&browser, "notification", "stale");
        if !open.is_empty() {
            browser.click(open);
            browser.wait("document.querySelector('.inspector, .log')");
        }
        let levels = browser.run("return [...document.querySelectorAll('h1, h2, h3, h4, h5')].filter(h => h.checkVisibility()).map(h => +h.tagName[1])");
        let levels: Vec<u64> = levels.as_array().expect("levels").iter().filter_map(Value::as_u64).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{levels:?}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{open}: {levels:?}");
    }
}

#[test]
fn a_vertical_swipe_over_an_embed_scrolls_the_page_around_it() {
    let browser = Browser::start(PHONE);
    browser.open(&SITE.at("embed/#ex=lost-event"));
    browser.wait("document.querySelector('.card .badge')");
    assert_eq!(browser.run("return getComputedStyle(document.querySelector('#canvas')).touchAction"), json!("pan-y"));
    let browser = SITE.visit(PHONE, "");
    assert_eq!(browser.run("return getComputedStyle(document.querySelector('#canvas')).touchAction"), json!("none"));
}

#[test]
fn a_large_group_is_a_field_of_members_with_one_row_in_the_timeline() {
    let browser = SITE.visit(WIDE, "#ex=gossip-rumor");
    browser.wait("document.querySelectorAll('.card.member').length === 200");
    browser.wait("document.querySelectorAll('.card.member.stale').length > 10 && document.querySelectorAll('.card.member.ok').length > 10");
    let inside = browser.run(
        "const c = document.querySelector('#canvas').getBoundingClientRect(); return [...document.querySelectorAll('.card.member')].every(m => { \
         const r = m.getBoundingClientRect(); return r.x >= c.x && r.right <= c.right && r.y >= c.y && r.bottom <= c.bottom && r.width >= 20 })",
    );
    assert_eq!(inside, json!(true));
    assert_eq!(
        browser.run("return document.querySelectorAll('.tracks .names li').length"),
        json!(3),
        "marks, the group, faults"
    );
    browser.click(".fold");
    browser.wait("document.querySelectorAll('.tracks .names li').length === 203");
    assert_clean_console(&browser);
}

#[test]
fn the_height_of_the_timeline_can_be_dragged_and_changed_with_keys() {
    let browser = SITE.visit(WIDE, "#ex=raft-and-quorum");
    let height = || browser.run("return document.querySelector('.tracks').clientHeight").as_f64().expect("a height");
    let before = height();
    let (x, y) = browser.middle(".time-size");
    browser.drag((x, y), (x, y + 60.0));
    browser.wait(&format!("document.querySelector('.tracks').clientHeight < {}", before - 40.0));
    let dragged = height();
    browser.run("document.querySelector('.time-size').focus()");
    browser.keys(&["Up"]);
    browser.wait(&format!("document.querySelector('.tracks').clientHeight > {}", dragged + 10.0));
    browser.keys(&["Home"]);
    browser.wait(&format!("document.querySelector('.tracks').clientHeight === {before}"));
    assert_clean_console(&browser);
}

#[test]
fn a_picture_shows_the_cross_before_the_number_of_lost_updates() {
    let browser = SITE.visit(WIDE, "#ex=raft-and-quorum");
    browser.wait("document.querySelectorAll('main .card em').length > 0");
    browser.run(CATCH_FILES);
    browser.click(".top [data-action=Share]");
    press_in(&browser, "dialog", "Picture as SVG");
    let texts = picture(&browser, "raft-and-a-leaderless-group-under-the-same-cut")["texts"].take();
    let texts = texts.as_array().expect("texts");
    let cross = texts.iter().find(|text| text[0] == "✗").expect("a cross");
    let number =
        texts.iter().find(|text| text[2] == cross[2] && text[0].as_str().is_some_and(|t| t.parse::<u32>().is_ok()));
    let distance = number.map(|number| number[1].as_f64().unwrap_or(0.0) - cross[1].as_f64().unwrap_or(0.0));
    assert!(distance.is_some_and(|px| (2.0..30.0).contains(&px)), "{distance:?} in {texts:?}");
    assert_clean_console(&browser);
}

#[test]
fn a_picture_of_a_cards_foot_has_the_texts_that_the_canvas_shows() {
    let browser = SITE.visit(WIDE, "#ex=duplicate-delivery");
    browser.wait("document.querySelector('main .card.is-diverged .foot')");
    browser.run(CATCH_FILES);
    browser.click(".top [data-action=Share]");
    press_in(&browser, "dialog", "Picture as SVG");
    browser.wait("Object.values(window.saved).length");
    let name = browser.run("return Object.keys(window.files)[0]");
    let texts = picture(&browser, name.as_str().expect("a name").trim_end_matches(".svg"))["texts"].take();
    let texts: Vec<&str> = texts.as_array().expect("texts").iter().filter_map(|text| text[0].as_str()).collect();
    // The number of rows of this card is on a hidden line.
    let at = texts.iter().position(|text| *text == "inbox").expect("the inbox of Ledger");
    assert_eq!(texts[at + 1..at + 3], ["1 already applied", "stock_"], "{texts:?}");
    assert_clean_console(&browser);
}
