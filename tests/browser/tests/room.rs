//! There is room for what matters: in a small embed for the canvas, beside cards for the description.

use crate::SITE;
use browser_tests::{Browser, Look, WIDE};
use converge::scenario::examples;
use serde_json::{Value, json};

#[test]
fn a_small_embed_leaves_at_least_half_of_its_height_to_the_canvas() {
    let mut found = Vec::new();
    for (width, height) in [(300, 200), (320, 240), (360, 240), (480, 270)] {
        for path in ["embed/#ex=first-update", "embed/#ex=lost-event&lang=de", "embed/#ex=before-and-after&mode=edit"] {
            let browser = SITE.visit(Look { width, height, ..WIDE }, path);
            browser.wait("document.querySelector('.page[data-detail] .card')");
            let canvas = "return document.querySelector('main.canvas').clientHeight";
            let play = "const b = document.querySelector('.transport .primary'), r = b.getBoundingClientRect(); \
                return b.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2))";
            let high = |browser: &Browser| browser.run(canvas).as_u64().is_some_and(|px| 2 * px >= u64::from(height));
            if !high(&browser) || browser.run(play) != json!(true) {
                found.push(format!("{path} at {width}×{height}: {} px", browser.run(canvas)));
            }
            // At the end of the run, the transport has more to say.
            browser.wait("Number(document.querySelector('.scrubber').max) > 0");
            browser.run("const s = document.querySelector('.scrubber'); s.value = s.max; s.dispatchEvent(new Event('input', { bubbles: true }))");
            browser.wait("document.querySelector('.ended')");
            if !high(&browser) {
                found.push(format!("{path} at {width}×{height}, at its end: {} px", browser.run(canvas)));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The cards of all drawings, the publish button, and the buttons over the canvas that the description covers.
const UNDER_CAPTION: &str = "const visible = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()), r = e => e.getBoundingClientRect(); \
    const meet = (a, b) => Math.min(r(a).right, r(b).right) - Math.max(r(a).left, r(b).left) > 1 && Math.min(r(a).bottom, r(b).bottom) - Math.max(r(a).top, r(b).top) > 1; \
    return visible('.caption').flatMap(a => visible('.canvas .card, main .publish, .publish-far, .zoom, .pane-name').filter(b => meet(a, b)).map(b => b.dataset.node || b.className))";

#[test]
fn the_description_of_an_example_covers_no_card_in_any_language() {
    let mut found = Vec::new();
    for (width, height) in [(800, 600), (1024, 768), (1280, 800)] {
        for language in ["en", "de"] {
            let browser = Browser::start(Look { width, height, ..WIDE });
            for example in examples::EXAMPLES {
                let (id, path) = (example.id, format!("?{0}#ex={0}&lang={language}", example.id));
                browser.open(&SITE.at(&path));
                browser.wait("document.querySelector('.page[data-detail] .card')");
                browser.wait_for_instant(&path);
                browser.wait("document.querySelector('.caption')");
                if id == "before-and-after" {
                    browser.wait("document.querySelector('.pane-name')");
                }
                // The camera follows the description in the frame after it is measured.
                let settled = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 30))))";
                browser.run_async(&format!("{settled}.then(done)"));
                let covered = browser.run(UNDER_CAPTION);
                if covered != json!([]) {
                    found.push(format!("{id} at {width} px, {language}: {covered}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_description_with_text_of_200_percent_can_be_closed() {
    for (width, height) in [(800, 600), (1024, 768)] {
        for id in ["before-and-after", "raft-and-quorum", "lost-event"] {
            let browser = SITE.visit(Look { width, height, ..WIDE }, &format!("#ex={id}"));
            browser.run("document.documentElement.style.fontSize = '200%'");
            browser.wait("parseFloat(getComputedStyle(document.querySelector('.chip')).fontSize) === 24");
            let close = ".caption [aria-label=\"Close the description\"]";
            browser.wait(&format!(
                "(() => {{ const b = document.querySelector('{close}'), r = b.getBoundingClientRect(); \
                 return b.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)); }})()"
            ));
            browser.click(close);
            browser.wait("!document.querySelector('.caption')");
        }
    }
}

/// The texts on cards whose letters end below what clips them: the tail of a g, for example.
const CUT_TAILS: &str = "const out = [], pen = document.createElement('canvas').getContext('2d'); \
    for (const card of document.querySelectorAll('main .card')) { const scale = card.getBoundingClientRect().height / card.offsetHeight; \
        for (const e of card.querySelectorAll('h2, .key, .v, .consumer, .main, .load span, .ver span, small')) { if (!e.checkVisibility() || e.closest('.sr')) continue; \
            const style = getComputedStyle(e); pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`; \
            for (const n of e.childNodes) { if (n.nodeType !== 3 || !/[gjpqy]/.test(n.textContent)) continue; \
                const range = document.createRange(); range.selectNodeContents(n); const rects = [...range.getClientRects()]; \
                const m = pen.measureText('g'), ink = m.fontBoundingBoxAscent + m.actualBoundingBoxDescent, tail = m.actualBoundingBoxDescent; \
                for (const q of rects) { let bottom = Infinity, right = Infinity; const base = q.top + m.fontBoundingBoxAscent * scale; \
                    for (let p = e; p !== card; p = p.parentElement) { if (getComputedStyle(p).overflowY === 'visible') continue; bottom = Math.min(bottom, p.getBoundingClientRect().bottom); } \
                    const cut = q.top + ink * scale - bottom; \
                    if (base < bottom && cut > 0.6) out.push(`${card.dataset.node}: ${n.textContent.trim()} by ${cut.toFixed(1)} of ${(tail * scale).toFixed(1)} px`); } } } } \
    return [...new Set(out)]";

#[test]
fn the_tail_of_no_letter_on_a_card_is_cut_off_at_any_zoom() {
    let mut found: Vec<(String, Value)> = Vec::new();
    let browser = SITE.visit(WIDE, "");
    for id in ["before-and-after", "poison-message", "cart-siblings", "read-your-writes", "raft-and-quorum"] {
        browser.open(&SITE.at(&format!("?{id}#ex={id}")));
        browser.wait("document.querySelector('.page[data-detail] .card .badge')");
        browser.wait("document.querySelector('.transport .clock')");
        browser.run("document.querySelector('main.canvas').focus()");
        for zoom in 0..8 {
            let cut = browser.run(CUT_TAILS);
            if cut != json!([]) {
                found.push((format!("{id}, zoom {zoom}"), cut));
            }
            browser.keys(&["-"]);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
