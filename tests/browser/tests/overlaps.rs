//! Nothing covers what belongs to something else: names, values, controls, marks, drawings; in both languages.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console};
use converge::scenario::examples;
use serde_json::json;

/// Returns the pairs of texts on a card that cover each other, as far as they are visible.
const COVERED_TEXTS: &str = "const out = []; \
    for (const card of document.querySelectorAll('main .card')) { const texts = []; \
        for (const e of card.querySelectorAll('*')) { if (!e.checkVisibility() || e.closest('.sr, svg, [data-since]')) continue; \
            for (const n of e.childNodes) { if (n.nodeType !== 3 || !n.textContent.trim()) continue; \
                const range = document.createRange(); range.selectNodeContents(n); \
                for (const r of range.getClientRects()) { let [l, t, right, b] = [r.left, r.top, r.right, r.bottom]; \
                    for (let p = e; p !== card; p = p.parentElement) { if (getComputedStyle(p).overflowX === 'visible') continue; \
                        const c = p.getBoundingClientRect(); l = Math.max(l, c.left); t = Math.max(t, c.top); right = Math.min(right, c.right); b = Math.min(b, c.bottom); } \
                    if (right - l > 1 && b - t > 1) texts.push([l, t, right, b, n.textContent, e]); } } } \
        texts.forEach((a, i) => texts.slice(i + 1).forEach(c => { \
            if (a[5] !== c[5] && Math.min(a[2], c[2]) - Math.max(a[0], c[0]) > 1.5 && Math.min(a[3], c[3]) - Math.max(a[1], c[1]) > 3) out.push(a[4] + ' / ' + c[4]); })); } \
    return out";

/// Returns the buttons on cards that reach beyond their card.
const CUT_BUTTONS: &str = "return [...document.querySelectorAll('main .card button')].filter(e => e.checkVisibility()) \
    .filter(e => e.getBoundingClientRect().right > e.closest('.card').getBoundingClientRect().right).map(e => e.textContent)";

/// Returns the cards whose content is higher than they are: rows, header, or all together.
const HIGHER_CONTENT: &str = "const out = [], r = e => e.getBoundingClientRect(); \
    for (const card of document.querySelectorAll('main .card:not(.member)')) { const scale = r(card).height / card.offsetHeight; \
        const add = (where, inner, outer) => { if ((r(inner).bottom - r(outer).bottom) / scale > 1.5) out.push(card.dataset.node + ' ' + where + ': ' + inner.textContent); }; \
        const shown = e => [...e.children].filter(c => c.checkVisibility() && getComputedStyle(c).position !== 'absolute'); \
        for (const rows of card.querySelectorAll('.rows')) if (rows.checkVisibility() && shown(rows).length) add('rows', shown(rows).at(-1), rows); \
        if (shown(card).length) add('card', shown(card).at(-1), card); \
        const header = card.querySelector('header'); if (header && header.scrollHeight > header.clientHeight + 2) out.push(card.dataset.node + ' header'); } \
    return out";

/// Returns the cells of a row of a card whose texts are less than 4 px apart: key, value and version, name and state, and so on.
const TOUCHING_CELLS: &str = "const out = [], cells = ':is(li, .lane, header, .foot, .load) > *'; \
    for (const card of document.querySelectorAll('main .card')) { const texts = []; \
        for (const e of card.querySelectorAll('*')) { const cell = e.closest(cells); \
            if (!cell || !card.contains(cell) || !e.checkVisibility() || e.closest('.sr, svg')) continue; \
            for (const n of e.childNodes) { if (n.nodeType !== 3 || !n.textContent.trim()) continue; \
                const range = document.createRange(); range.selectNodeContents(n); \
                for (const r of range.getClientRects()) { let [left, top, right, bottom] = [r.left, r.top, r.right, r.bottom]; \
                    for (let p = e; p !== card; p = p.parentElement) { if (getComputedStyle(p).overflowX === 'visible') continue; \
                        const c = p.getBoundingClientRect(); left = Math.max(left, c.left); top = Math.max(top, c.top); right = Math.min(right, c.right); bottom = Math.min(bottom, c.bottom); } \
                    if (right - left > 1 && bottom - top > 1) texts.push({ left, top, right, bottom, cell, text: n.textContent.trim() }); } } } \
        for (const a of texts) for (const b of texts) { if (a.cell === b.cell || a.left >= b.left) continue; \
            const shared = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top), line = Math.min(a.bottom - a.top, b.bottom - b.top); \
            if (shared > line / 2 && b.left - a.right < 3.9) out.push(`${card.dataset.node}: ${a.text} / ${b.text} ${(b.left - a.right).toFixed(1)} px`); } } \
    return out";

#[test]
fn no_card_is_clipped_at_its_bottom_and_no_value_touches_its_version_at_any_level_of_detail() {
    let mut found = Vec::new();
    for (look, language) in [(WIDE, "en"), (PHONE, "de")] {
        let browser = SITE.visit(look, "");
        for example in examples::EXAMPLES {
            browser.open(&SITE.at(&format!("?{}#ex={}&lang={language}", example.id, example.id)));
            browser.wait("document.querySelector('.page[data-detail] .card .badge, .page[data-detail] .card.member')");
            browser.run("document.querySelector('main.canvas').focus()");
            // At its end, most operations have a result.
            browser.keys(&["End"]);
            for zoom in 0..8 {
                let higher = browser.run(HIGHER_CONTENT);
                let touching = browser.run(TOUCHING_CELLS);
                for faults in [higher, touching].into_iter().filter(|faults| *faults != json!([])) {
                    found.push(format!("{}, {} px, {language}, zoom {zoom}: {faults}", example.id, look.width));
                }
                browser.keys(&["-"]);
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_single_key_of_a_card_is_whole_beside_a_lesson_on_a_phone() {
    let browser = SITE.visit(PHONE, "#lesson=lessons/eventual-consistency.md&step=alternatives");
    browser.wait(
        "document.querySelector('#lesson-step') && document.querySelector('.page[data-detail=values] main .card .key')",
    );
    let keys = "[...document.querySelectorAll('main .card.service .rows > :only-child :is(.key, .v)')]";
    browser.wait(&format!("{keys}.length > 0 && {keys}.every(e => e.scrollWidth <= e.clientWidth)"));
}

/// A card of each kind with long names, faults, dead letters, siblings and lost writes.
const EXAMPLES: [&str; 5] = ["poison-message", "cart-siblings", "raft-and-quorum", "bus-outage", "kafka-commit"];

#[test]
fn no_text_of_a_card_covers_another_at_any_level_of_detail() {
    for (look, language) in [(WIDE, "en"), (PHONE, "de")] {
        let browser = SITE.visit(look, "");
        for example in EXAMPLES {
            browser.open(&SITE.at(&format!("?{example}#ex={example}&lang={language}")));
            browser.wait("document.querySelector('.page[data-detail] .card .badge')");
            browser.run("document.querySelector('main.canvas').focus()");
            for zoom in 0..8 {
                assert_eq!(browser.run(COVERED_TEXTS), json!([]), "{example} in {language}, zoom {zoom}");
                assert_eq!(browser.run(CUT_BUTTONS), json!([]), "{example} in {language}, zoom {zoom}");
                browser.keys(&["-"]);
            }
        }
        assert_clean_console(&browser);
    }
}

#[test]
fn a_bus_of_half_the_width_of_a_phone_shows_its_name() {
    // The canvas has room for the whole column above the list of branches.
    let browser = SITE.visit(Look { height: 1800, ..PHONE }, "#ex=before-and-after&t=0");
    browser.click(".more-button");
    browser.click("[data-more=Branches]");
    browser.wait("document.querySelectorAll('.branches .verdict').length === 2");
    browser.run(
        "[...document.querySelectorAll('.branches .verdict button')].filter(b => b.textContent === 'Show')[0].click()",
    );
    browser.wait("document.querySelector('[data-node=stock_updated]').clientWidth < 200");
    browser.wait("document.querySelector('[data-node=stock_updated] .dlq')?.checkVisibility()");
    let covers = "const r = s => document.querySelector('[data-node=stock_updated] ' + s).getBoundingClientRect(); return r('.dlq').top >= r('h2').bottom";
    assert_eq!(browser.run(covers), json!(true));
    assert_eq!(browser.run(COVERED_TEXTS), json!([]));
}

#[test]
fn each_compared_drawing_has_a_usable_height_beside_a_lesson_on_a_phone() {
    let browser = Browser::start(PHONE);
    browser.open(&SITE.at("#lesson=lessons/eventual-consistency.md&step=compare"));
    browser.wait("document.querySelectorAll('.pane-name .seg button').length === 2");
    let height = || browser.run("return document.querySelector('main.canvas').clientHeight").as_u64().expect("px");
    assert!(height() >= 200, "{}", height());
    let calls = "[...document.querySelectorAll('main .links [data-link]')].map(link => link.dataset.link).join()";
    let before = browser.run(&format!("return {calls}"));
    browser
        .run("[...document.querySelectorAll('.pane-name .seg button')].find(b => b.ariaPressed === 'false').focus()");
    browser.keys(&["Enter"]);
    browser.wait(&format!("{calls} !== {before}"));
    browser.wait("document.activeElement.ariaPressed === 'true'");
    assert!(height() >= 200, "{}", height());
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

#[test]
fn the_tabs_of_two_branches_are_below_the_canvas_of_a_phone_and_cover_no_card() {
    for (width, height) in [(390, 844), (320, 640)] {
        let browser = Browser::start(Look { width, height, ..PHONE });
        browser.open(&SITE.at("#lesson=lessons/eventual-consistency.md&step=compare"));
        browser.wait("document.querySelectorAll('.pane-name .seg button').length === 2");
        let below = "const r = s => document.querySelector(s).getBoundingClientRect(), tabs = r('.pane-name'); \
            return tabs.top >= r('main.canvas').bottom && tabs.bottom <= r('.publish-wide').top && tabs.right <= innerWidth";
        assert_eq!(browser.run(below), json!(true), "{width} px");
    }
}

#[test]
fn the_description_beside_open_panels_is_readable_and_covers_no_control() {
    let browser = SITE.visit(Look { width: 800, height: 600, ..WIDE }, "#ex=raft-to-views");
    let pressed = |action: &str| {
        browser.wait(&format!("document.querySelector('[data-action={action}]')"));
        browser.run(&format!("document.querySelector('[data-action={action}]').click()"))
    };
    for panel in ["Verdicts", "Log", "Lesson"] {
        pressed(panel);
        browser.wait("document.querySelector('.log, .verdicts, .lesson')?.checkVisibility()");
        browser.wait("document.querySelector('.caption') && document.querySelector('.page[data-detail] .card')");
        let lines = "const p = document.querySelector('.caption p'), r = document.createRange(); r.selectNodeContents(p); \
            return new Set([...r.getClientRects()].map(line => Math.round(line.top))).size <= 4";
        assert_eq!(browser.run(lines), json!(true), "{panel}");
        let covered = "return [...document.querySelectorAll('main .zoom button, main .publish-far')].filter(e => e.checkVisibility()).filter(e => { \
            const r = e.getBoundingClientRect(); return !e.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)); }).map(e => e.textContent)";
        assert_eq!(browser.run(covered), json!([]), "{panel}");
        pressed(panel);
        browser.wait("![...document.querySelectorAll('.log, .verdicts, .lesson')].some(e => e.checkVisibility())");
    }
}

#[test]
fn a_notice_is_over_the_description_beside_an_open_panel() {
    let browser = SITE.visit(Look { width: 800, height: 600, ..WIDE }, "#ex=raft-to-views");
    browser
        .wait("document.querySelector('[data-action=Verdicts]') && document.querySelector('.page[data-detail] .card')");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')?.checkVisibility() && document.querySelector('.caption')");
    browser.keys(&["Control+s"]);
    browser.wait("document.querySelector('.notice')");
    let notice = "const r = document.querySelector('.notice').getBoundingClientRect(); \
        return [[r.left + 8, r.top + 4], [r.left + 8, r.bottom - 4], [r.right - 4, r.bottom - 4]].every(([x, y]) => document.elementFromPoint(x, y)?.closest('.notice'))";
    assert_eq!(browser.run(notice), json!(true));
}

/// Returns the names of groups and regions that a link may cross: those without an opaque plate over the links.
const NAMES_WITHOUT_PLATE: &str = "const links = document.querySelector('main svg.links'), text = document.createRange(); \
    return [...document.querySelectorAll('main .area-label')].filter(e => e.checkVisibility()).filter(e => { \
        text.selectNodeContents(e); const [inner, outer] = [text.getBoundingClientRect(), e.getBoundingClientRect()]; \
        const colour = getComputedStyle(e).backgroundColor, isOpaque = /^rgb\\(/.test(colour) && +getComputedStyle(e).opacity === 1; \
        const isAbove = links.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING; \
        const isOnPlate = inner.left >= outer.left + 2 && inner.right <= outer.right - 2 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1; \
        return !(isOpaque && isAbove && isOnPlate); }).map(e => e.textContent)";

#[test]
fn no_link_is_drawn_through_the_name_of_a_group_on_a_phone() {
    let mut found = Vec::new();
    let browser = SITE.visit(PHONE, "");
    for example in examples::EXAMPLES {
        let scenario = example.scenario();
        if scenario.groups.is_empty() && scenario.regions.is_empty() {
            continue;
        }
        let path = format!("?{}#ex={}", example.id, example.id);
        browser.open(&SITE.at(&path));
        browser.wait("document.querySelector('.page[data-detail] .card')");
        // Chromium's tab may crash if a page is left while it is still opening.
        browser.wait_for_instant(&path);
        let names = browser.run(NAMES_WITHOUT_PLATE);
        if names != json!([]) {
            found.push(format!("{}: {names}", example.id));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The cards and controls over the canvas that overlap, and the controls that another element covers.
const LANDSCAPE: &str = "const r = e => e.getBoundingClientRect(), all = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()); \
    const controls = all('main .publish-far, main .zoom, main .pane-name, main .chip, .caption'), cards = all('main .card'); \
    const meet = (a, b) => Math.min(r(a).right, r(b).right) - Math.max(r(a).left, r(b).left) > 1 && Math.min(r(a).bottom, r(b).bottom) - Math.max(r(a).top, r(b).top) > 1; \
    const over = controls.flatMap((a, i) => [...cards, ...controls.slice(i + 1)].filter(b => meet(a, b)).map(b => a.className + ' / ' + (b.dataset.node || b.className))); \
    const hidden = all('main .zoom button, main .pane-name button, .publish-far, .transport button, .lesson-tabs button, .caption button').filter(e => { \
        const top = document.elementFromPoint(r(e).x + r(e).width / 2, r(e).y + r(e).height / 2); return !(top && e.contains(top)); }); \
    return [...over, ...hidden.map(e => e.ariaLabel || e.textContent)]";

#[test]
fn a_comparison_beside_a_lesson_on_a_phone_in_landscape_hides_no_card_and_no_control() {
    let browser = Browser::start(Look { width: 844, height: 390, ..PHONE });
    browser.open(&SITE.at("#lesson=lessons/eventual-consistency.md&step=compare"));
    browser.wait("document.querySelectorAll('.pane-name .seg button').length === 2");
    browser.wait("document.querySelector('.page[data-detail] .card')");
    assert_eq!(browser.run(LANDSCAPE), json!([]));
    let height = browser.run("return document.querySelector('main.canvas').clientHeight").as_u64().expect("px");
    assert!(height >= 200, "{height}");
}

/// The marks of steps are targets of 24 px that do not overlap.
const MARKS: &str = "const marks = [...document.querySelectorAll('.fault-track .step')].filter(m => m.checkVisibility()).map(m => m.getBoundingClientRect()).sort((a, b) => a.x - b.x); \
    return marks.length > 0 && marks.every(m => m.width >= 24 && m.height >= 24) && marks.every((m, i) => !i || m.x >= marks[i - 1].right - 0.5)";

#[test]
fn steps_that_are_close_share_a_mark_that_lists_them_for_finger_and_keys() {
    let browser = SITE.visit(PHONE, "#ex=poison-message&t=0");
    browser.wait("document.querySelector('.step.many')?.textContent === '2'");
    assert_eq!(browser.run(MARKS), json!(true));
    let at = browser.middle(".step.many");
    browser.touch(&[&[at]], 0);
    browser.wait("document.querySelectorAll('.step-list:popover-open li').length === 2");
    assert_eq!(browser.axe(), Vec::<String>::new());
    // The arrow keys move between the entries, Escape returns to the mark.
    browser.keys(&["Down", "Down"]);
    browser.wait("document.activeElement.matches('.closer')");
    browser.keys(&["Escape"]);
    browser.wait("!document.querySelector('.step-list:popover-open') && document.activeElement.matches('.step.many')");
    browser.keys(&["Enter"]);
    browser.wait("document.activeElement.textContent.startsWith('0.5 s')");
    browser.keys(&["Up", "Enter"]);
    browser.wait("document.querySelectorAll('.step:not(.many)').length === 2");
    assert_eq!(browser.run(MARKS), json!(true));
    assert_clean_console(&browser);
}

#[test]
fn an_entry_of_a_shared_mark_opens_its_step_in_the_inspector() {
    let browser = SITE.visit(Look { width: 800, height: 600, ..WIDE }, "#ex=raft-to-views&t=0");
    browser.wait("document.querySelector('.fault-track .step')");
    assert_eq!(browser.run(MARKS), json!(true));
    let browser = SITE.visit(PHONE, "#ex=poison-message&t=0");
    browser.click(".step.many");
    browser.click(".step-list:popover-open li:nth-child(2) button");
    browser.wait("document.activeElement.id === 'field-script-1-at_ms'");
    assert_clean_console(&browser);
}

#[test]
fn a_slowly_loading_embed_shows_no_button_where_another_control_is() {
    for look in [WIDE, PHONE] {
        let browser = Browser::start(look);
        browser.before_documents("const frame = requestAnimationFrame; window.frames_begin = new Promise(begin => window.begin_frames = begin); \
            window.requestAnimationFrame = f => { frames_begin.then(() => frame(f)); return 1; }");
        browser.open(&SITE.at("embed/#ex=lost-event"));
        browser.wait("document.querySelector('a.open')");
        let early = "const r = e => e.getBoundingClientRect(), link = r(document.querySelector('a.open')); \
            return [...document.querySelectorAll('.publish, .publish-wide, .publish-far')].filter(e => e.checkVisibility({ visibilityProperty: true })) \
            .filter(e => r(e).width && r(e).left < link.right && link.left < r(e).right && r(e).top < link.bottom && link.top < r(e).bottom).map(e => e.className)";
        let publish = "[...document.querySelectorAll('.publish, .publish-wide')].some(e => e.checkVisibility({ visibilityProperty: true }))";
        assert_eq!(browser.run(early), json!([]));
        // On a phone the button has its place below the canvas already; elsewhere the drawing is not placed yet.
        assert_eq!(browser.run(&format!("return {publish}")), json!(look.phone));
        browser.run("begin_frames()");
        browser.wait(publish);
        assert_eq!(browser.run(early), json!([]));
    }
}

#[test]
fn the_goals_of_a_task_are_one_below_the_other() {
    for look in [WIDE, PHONE] {
        let browser = SITE.visit(look, "#challenge=lost-book");
        browser.wait("document.querySelectorAll('.task-goals li').length > 2");
        let apart = "const goals = [...document.querySelectorAll('.task-goals li')].map(goal => goal.getBoundingClientRect()); \
            return goals.every((goal, i) => !i || goal.top >= goals[i - 1].bottom)";
        assert_eq!(browser.run(apart), json!(true));
    }
}

/// The controls of the page that another control covers, or that are outside of the window.
const COVERED_CONTROLS: &str = "return [...document.querySelectorAll('.top button, .zoom button, .palette button, .caption button, .transport button, .inspector button')] \
    .filter(e => e.checkVisibility()).filter(e => { e.scrollIntoView({ block: 'nearest' }); const r = e.getBoundingClientRect(); \
    const top = document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2); return r.right > innerWidth + 0.5 || !(top && e.contains(top)); }) \
    .map(e => e.ariaLabel || e.textContent)";

#[test]
fn longer_german_words_cover_no_control_and_widen_no_panel() {
    for (width, height) in [(1280, 800), (390, 844), (320, 640)] {
        for open in ["#ex=poison-message&lang=de", "#challenge=lost-book&lang=de"] {
            let browser = SITE.visit(Look { width, height, ..WIDE }, open);
            browser.wait("document.querySelector('.page[data-detail] .card')");
            assert_eq!(browser.run(COVERED_CONTROLS), json!([]), "{width} px, {open}");
        }
        let browser = SITE.visit(Look { width, height, ..WIDE }, "#ex=poison-message&lang=de");
        browser.click("[data-node=stock_updated] header");
        browser.wait("document.querySelector('.inspector .measured')");
        let fits = "const i = document.querySelector('.inspector'); return i.scrollWidth <= i.clientWidth";
        assert_eq!(browser.run(fits), json!(true), "{width} px");
        if width > 720 {
            assert_eq!(browser.run(COVERED_CONTROLS), json!([]), "{width} px with the inspector");
        }
        browser.run("document.querySelector('.top [data-action=Share]').click()");
        browser.wait("document.querySelector('dialog textarea')");
        let fits = "const d = document.querySelector('dialog'); return d.scrollWidth <= d.clientWidth";
        assert_eq!(browser.run(fits), json!(true), "the share dialog at {width} px");
    }
}

/// The names on cards with a word that is broken, and the values and results that are cut.
const CUT_WORDS: &str = "const out = []; \
    for (const name of document.querySelectorAll('main .card h2')) for (const text of name.checkVisibility() ? name.childNodes : []) { \
        for (const word of text.textContent.matchAll(/[^\\s-]+/g)) { const range = document.createRange(); \
            range.setStart(text, word.index); range.setEnd(text, word.index + word[0].length); \
            if (new Set([...range.getClientRects()].filter(r => r.width > 0.5).map(r => Math.round(r.top))).size > 1) out.push(name.textContent); } } \
    for (const e of document.querySelectorAll('main .card em, main .card.client .key, main .card.client .v')) \
        if (e.checkVisibility() && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 3)) out.push(e.textContent); \
    return out";

#[test]
fn no_word_of_a_name_is_broken_and_no_result_is_cut_where_there_is_little_room() {
    let embed = Look { width: 800, height: 520, ..WIDE };
    for (look, path) in [
        (embed, "embed/#ex=raft-and-quorum"),
        (embed, "embed/#ex=lost-event&lang=de"),
        (PHONE, "#ex=cart-siblings"),
        (PHONE, "#ex=raft-and-quorum"),
        (PHONE, "#ex=quorum-inversion&lang=de"),
        (PHONE, "#lesson=lessons/eventual-consistency.md"),
        (WIDE, "#ex=raft-and-quorum"),
    ] {
        let browser = SITE.visit(look, path);
        browser.wait("document.querySelector('.page[data-detail] .card')");
        if path.contains("lesson=") {
            // The drawing is fitted again when the lesson has opened over it.
            browser.wait("document.querySelector('#lesson-step')");
            browser.wait(&format!("(() => {{ {CUT_WORDS} }})().length === 0"));
        }
        assert_eq!(browser.run(CUT_WORDS), json!([]), "{path}");
    }
}

/// The texts of cards that are cut, and the labels of links and names of areas that cover something or leave the canvas. A text
/// that wraps out of sight as a whole is not cut.
const CUT_TEXTS: &str = "const out = new Set(), r = e => e.getBoundingClientRect(), seen = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()); \
    for (const e of seen('main .card *')) { if (e.closest('.sr, svg')) continue; const style = getComputedStyle(e); \
        const node = e.closest('.card').dataset.node, vanishes = e.matches('.ver *, .load *, em span, .result .muted'); \
        for (const n of e.childNodes) { if (n.nodeType !== 3 || !n.textContent.trim()) continue; \
            const range = document.createRange(); range.selectNodeContents(n); \
            if (style.textOverflow === 'ellipsis' && e.clientWidth && r(range).width > r(e).width + 0.02) { out.add(node + ': ' + n.textContent); continue; } \
            for (const q of range.getClientRects()) { let [left, top, right, bottom] = [q.left, q.top, q.right, q.bottom]; \
                for (let p = e; !p.matches('.card'); p = p.parentElement) { if (getComputedStyle(p).overflowX === 'visible') continue; \
                    const c = r(p); left = Math.max(left, c.left); right = Math.min(right, c.right); top = Math.max(top, c.top); bottom = Math.min(bottom, c.bottom); } \
                const isHidden = bottom - top < 0.3 * q.height; \
                if (isHidden ? !vanishes : right - left < q.width - 1 || bottom - top < 0.7 * q.height) out.add(node + ': ' + n.textContent); } } } \
    const labels = seen('main .link-label').filter(e => e.textContent), names = seen('main .area-label'), cards = seen('main .card'), canvas = r(document.querySelector('main.canvas')); \
    const meet = (a, b) => Math.min(r(a).right, r(b).right) - Math.max(r(a).left, r(b).left) > 1 && Math.min(r(a).bottom, r(b).bottom) - Math.max(r(a).top, r(b).top) > 2; \
    [...labels, ...names].forEach((a, i, all) => { \
        for (const b of [...cards, ...seen('.chip, main .publish, main .trouble'), ...all.slice(i + 1)]) if (meet(a, b)) out.add(a.textContent + ' over ' + (b.dataset.node || b.textContent)); \
        if (r(a).left < canvas.left || r(a).right > canvas.right) out.add(a.textContent + ' leaves the canvas'); }); \
    return [...out]";

#[test]
fn as_an_example_opens_no_text_of_a_card_is_cut_and_no_label_covers_anything() {
    let mut found = Vec::new();
    for (look, language) in [(WIDE, "en"), (PHONE, "en"), (PHONE, "de")] {
        let browser = SITE.visit(look, "");
        for example in examples::EXAMPLES {
            let id = example.id;
            browser.open(&SITE.at(&format!("?{id}#ex={id}&lang={language}")));
            browser.wait("document.querySelector('.page[data-detail] .card .badge, .page[data-detail] .card.member')");
            browser.wait("document.querySelector('.transport .clock')");
            let cut = browser.run(CUT_TEXTS);
            if cut != json!([]) {
                found.push(format!("{id}, {} px, {language}: {cut}", look.width));
            }
        }
        assert_clean_console(&browser);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The controls and texts over the canvas that cover a card or the publish button, and cards that the button covers.
const COVERED_CARDS: &str = "const visible = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()), r = e => e.getBoundingClientRect(); \
    const meet = (a, b) => Math.min(r(a).right, r(b).right) - Math.max(r(a).left, r(b).left) > 1 && Math.min(r(a).bottom, r(b).bottom) - Math.max(r(a).top, r(b).top) > 1; \
    const over = visible('.chip, .caption, .zoom, .pane-name, main .publish'); \
    return over.flatMap(a => visible('.canvas .card, main .publish').filter(b => a !== b && meet(a, b)).map(b => a.className + ' / ' + (b.dataset.node || b.className)))";

#[test]
fn the_publish_button_of_a_german_lesson_covers_no_card() {
    let browser = SITE.visit(WIDE, "#lesson=lessons/eventual-consistency.de.md&step=where&lang=de");
    browser.wait("document.querySelector('.page[data-detail] [data-node=eu-west], .page[data-detail] .card')");
    browser.wait("document.querySelector('main .publish')?.checkVisibility()");
    assert_eq!(browser.run(COVERED_CARDS), json!([]));
    let whole = "const p = document.querySelector('main .publish'); return p.scrollWidth <= p.clientWidth + 1 && p.scrollHeight <= p.clientHeight + 1";
    assert_eq!(browser.run(whole), json!(true));
}

#[test]
fn neither_the_description_nor_a_second_row_of_chips_covers_a_card() {
    for path in
        ["#lesson=lessons/eventual-consistency.md&step=compare", "#ex=raft-and-quorum", "#ex=raft-and-quorum&lang=de"]
    {
        let browser = SITE.visit(WIDE, path);
        browser.wait("document.querySelector('.page[data-detail] .card')");
        browser.wait("document.querySelector('.caption')");
        browser.wait(&format!("(() => {{ {COVERED_CARDS} }})().length === 0"));
    }
}

#[test]
fn the_chips_over_two_drawings_side_by_side_cover_no_card_of_a_small_window() {
    for language in ["en", "de"] {
        let path = format!("#ex=before-and-after&lang={language}");
        let browser = SITE.visit(Look { width: 800, height: 600, ..WIDE }, &path);
        browser.wait("document.querySelectorAll('.pane-name').length === 2 && document.querySelector('.chip.window')");
        browser.wait(&format!("(() => {{ {COVERED_CARDS} }})().length === 0"));
    }
}

#[test]
fn a_lesson_on_a_phone_shows_the_whole_system_beside_the_text() {
    for step in ["problem", "watch", "conflicts"] {
        let browser = SITE.visit(PHONE, &format!("#lesson=lessons/eventual-consistency.md&step={step}"));
        browser.wait("document.querySelector('.lesson h3') && document.querySelector('.page[data-detail] .card')");
        let whole = "(() => { const c = document.querySelector('main.canvas').getBoundingClientRect(); \
            return [...document.querySelectorAll('main .card')].every(e => { const r = e.getBoundingClientRect(); \
            return r.left >= c.left && r.right <= c.right && r.top >= c.top && r.bottom <= c.bottom; }); })()";
        browser.wait(whole);
    }
}

#[test]
fn beside_an_open_inspector_the_preview_of_a_link_covers_no_zoom_button() {
    let link = converge::scenario::link::encode(&converge::scenario::Scenario::first()).expect("a short link");
    for (width, height) in [(1280, 800), (1000, 700)] {
        for language in ["en", "de"] {
            let browser = SITE.visit(Look { width, height, ..WIDE }, &format!("#{link}&lang={language}"));
            browser.wait("document.querySelector('.preview')");
            browser.click("[data-node=\"notification\"] header");
            browser.wait("document.querySelector('.inspector fieldset')");
            let covered = "[...document.querySelectorAll('.zoom button, .preview button')].filter(b => (r => [r.left + 3, r.right - 3].some(x => \
                !b.contains(document.elementFromPoint(x, (r.top + r.bottom) / 2))))(b.getBoundingClientRect())).map(b => b.textContent)";
            assert_eq!(browser.run(&format!("return {covered}")), json!([]), "{width} px, {language}");
        }
    }
}
