//! Invalid links, options of embeds, and course pages.

use crate::SITE;
use browser_tests::{Browser, Look, WIDE, assert_clean_console, open_from_gallery, publish_and_converge};
use converge::scenario::examples::EXAMPLES;
use converge::scenario::link;
use serde_json::{Value, json};

const CLOCK: &str = "document.querySelector('.transport .clock')?.textContent.trim()";
const CARDS: &str = "document.querySelectorAll('[data-node]').length";

fn open(path: &str) -> Browser {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at(path));
    browser.wait(&format!("{CARDS} > 0"));
    browser
}

fn wait_for_notice(browser: &Browser, text: &str) {
    browser.wait(&format!("document.querySelector('.notice')?.textContent.includes({})", json!(text)));
}

#[test]
fn an_invalid_link_is_reported_and_the_kept_drawing_is_unchanged() {
    let whole = link::encode(&EXAMPLES[0].scenario()).expect("a link");
    let mut damaged: Vec<char> = whole.chars().collect();
    let middle = damaged.len() / 2;
    damaged[middle] = if damaged[middle] == 'A' { 'B' } else { 'A' };
    let broken = [
        (damaged.into_iter().collect(), "This link is damaged".to_string()),
        (format!("2{}", &whole[1..]), "This link is made by a newer version".into()),
        (
            format!("1r.{}e", "A".repeat(17_000)),
            "This link is too large: 17004 characters, at most 16384 are allowed".into(),
        ),
        ("ex=nothing-such".to_string(), "This link cannot be opened: no example has the id `nothing-such`".into()),
    ];
    let browser = open("");
    open_from_gallery(&browser, "-");
    browser.wait(&format!("{CARDS} === 0"));
    browser.click(".palette button:nth-of-type(1)");
    browser.wait(&format!("{CARDS} === 1"));
    browser.wait("[...document.querySelectorAll('header *')].some(it => it.textContent === 'Saved')");
    // On an open page, changes can still be undone.
    for (fragment, why) in &broken {
        browser.run_with("document.querySelector('.notice button')?.click(); location.hash = arguments[0]", fragment);
        wait_for_notice(&browser, why);
        assert_eq!(browser.run(&format!("return {CARDS}")), json!(1), "{why}");
        let undo = "return document.querySelector('[aria-label=Undo]').disabled";
        assert_eq!(browser.run(undo), json!(false), "{why}");
    }
    // As the address of a new page.
    for (n, (fragment, why)) in broken.iter().enumerate() {
        browser.open(&SITE.at(&format!("?{n}#{fragment}&autoplay=1")));
        wait_for_notice(&browser, why);
        assert_eq!(browser.run(&format!("return {CARDS}")), json!(1), "{why}");
    }
    browser.open(&SITE.at("?again"));
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    assert_eq!(browser.run(&format!("return {CARDS}")), json!(1));
    assert_clean_console(&browser);
}

#[test]
fn the_embed_snippet_is_a_plain_frame_with_the_shared_run() {
    let browser = open("#ex=first-update");
    browser.click(".top [data-action=Share]");
    let link = browser.wait("document.querySelector('#share-link')?.value");
    let link = link.as_str().expect("a link").to_string();
    let snippet = browser.run("return document.querySelector('#share-embed').value");
    let source = link.replace("/#", "/embed/#").replace('&', "&amp;");
    let start = format!("<iframe src=\"{source}\" title=\"");
    let end = "\" width=\"100%\" height=\"480\" style=\"border:0\" loading=\"lazy\" \
               allow=\"fullscreen; clipboard-write\"></iframe>";
    let snippet = snippet.as_str().expect("a snippet");
    assert!(snippet.starts_with(&start) && snippet.ends_with(end), "{snippet}");
    browser.open(&format!("{}examples/plain.html", SITE.elsewhere.address()));
    browser.run_with("document.body.innerHTML = arguments[0]", snippet);
    browser.frame(Some("iframe"));
    publish_and_converge(&browser);
}

#[test]
fn an_embed_follows_the_options_of_its_address() {
    let has_element = |browser: &Browser, selector: &str| {
        browser.run_with("return document.querySelector(arguments[0]) !== null", selector) == json!(true)
    };
    let expected =
        [("", true, true), ("&ui=full", true, true), ("&ui=controls", true, false), ("&ui=none", false, false)];
    for (ui, transport, timeline) in expected {
        let browser = open(&format!("embed/#ex=first-update{ui}"));
        let seen =
            (has_element(&browser, ".transport"), has_element(&browser, ".tracks"), has_element(&browser, "a.open"));
        assert_eq!(seen, (transport, timeline, true), "{ui}");
        assert!(!has_element(&browser, ".palette"), "{ui}");
        assert_clean_console(&browser);
    }
    let browser = open("embed/#ex=first-update&theme=dark&speed=2&t=1500");
    browser.wait(&format!("{CLOCK} === '1.500 s'"));
    assert_eq!(browser.run("return document.documentElement.dataset.theme"), json!("dark"));
    assert!(has_element(&browser, "[aria-label='Speed 2'][aria-pressed=true]"));
    assert!(has_element(&browser, "[aria-label=Play]"), "an embed starts paused");
    let browser = open("embed/#ex=first-update&autoplay=1");
    browser.wait(&format!("{CLOCK} !== '0.000 s'"));
}

#[test]
fn a_view_embed_refuses_actions_and_an_edit_embed_stores_nothing() {
    let browser = open("embed/#ex=first-update&mode=view");
    assert_eq!(browser.run("return document.querySelector('.publish, .publish-wide')"), Value::Null);
    browser.click("[data-node=\"notification\"] header");
    browser.keys(&["p"]);
    wait_for_notice(&browser, "only plays");
    assert_eq!(browser.run(&format!("return {CLOCK}")), json!("0.000 s"));
    assert_clean_console(&browser);

    let whole = link::encode(&EXAMPLES[0].scenario()).expect("a link");
    let browser = open(&format!("embed/#{whole}&mode=edit"));
    let before = browser.run(&format!("return {CARDS}")).as_u64().expect("a number");
    browser.click(".palette button:nth-of-type(1)");
    browser.wait(&format!("{CARDS} === {}", before + 1));
    browser.click("[data-node=\"notification\"] header");
    browser.wait("document.querySelector('.inspector fieldset')");
    publish_and_converge(&browser);
    // Neither the drawing nor its name is kept.
    let databases = browser.run_async("indexedDB.databases().then(all => done(all.map(it => it.name)))");
    assert_eq!(databases, json!([]));
    let keys = browser.run("return Object.keys(localStorage).filter(key => key.startsWith('converge.'))");
    assert_eq!(keys, json!([]));
    assert_clean_console(&browser);
}

#[test]
fn course_pages_work_plain_sandboxed_and_under_a_strict_policy() {
    for page in ["plain", "sandboxed", "strict"] {
        let browser = Browser::start(WIDE);
        browser.open(&SITE.at(&format!("examples/{page}.html")));
        browser.frame(Some("iframe"));
        publish_and_converge(&browser);
        // Lazy views are loaded in the frame, too.
        browser.click("[data-action=Verdicts]");
        browser.wait("document.querySelector('.verdicts')");
        browser.frame(None);
        if page != "sandboxed" {
            assert_clean_console(&browser);
        }
    }
}

#[test]
fn a_sandboxed_embed_runs_its_engine_in_a_worker() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("examples/sandboxed.html"));
    browser.frame(Some("iframe"));
    assert_eq!(browser.run("return self.origin"), json!("null"));
    // Counts the answers of the worker, from the first request that it gets.
    browser.run(
        "const post = Worker.prototype.postMessage; Worker.prototype.postMessage = function (...message) { \
         if (!('answers' in window)) { window.answers = 0; this.addEventListener('message', () => window.answers++); } \
         return post.apply(this, message); }",
    );
    publish_and_converge(&browser);
    let answers = browser.run("return window.answers ?? 0").as_u64().expect("a number");
    assert!(answers > 5, "{answers} answers of a worker");
    // The sandbox allows no windows.
    browser.click("a.open");
    wait_for_notice(&browser, "to open a window");
}

#[test]
fn lazy_views_are_loaded_in_a_sandboxed_embed() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("examples/sandboxed.html"));
    browser.run("const f = document.querySelector('iframe'); f.src = '../embed/?edit#ex=first-update&mode=edit'");
    browser.frame(Some("iframe[src*='mode=edit']"));
    // The card has its final position after the first frame.
    browser.wait("document.body.innerText.includes('consistent')");
    browser.click("[data-node=\"notification\"] header");
    browser.wait("document.querySelector('.inspector fieldset')");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')");
}

#[test]
fn of_ten_embeds_on_a_page_only_the_visible_ones_run() {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("examples/ten.html"));
    let moves = |frame: &str| {
        browser.frame(Some(frame));
        browser.wait(&format!("{CARDS} > 0 && !!{CLOCK}"));
        let clock = browser.run(&format!("return {CLOCK}"));
        browser.wait(&format!("{CLOCK} !== {clock}"));
        browser.frame(None);
    };
    let clock = |frame: &str| {
        browser.frame(Some(frame));
        let clock = browser.wait(&format!("{CARDS} > 0 && {CLOCK}"));
        browser.frame(None);
        clock
    };
    let (first, last) = ("iframe:nth-of-type(1)", "iframe:nth-of-type(10)");
    moves(first);
    let paused_at = clock(last);
    moves(first);
    moves(first);
    assert_eq!(clock(last), paused_at, "an invisible embed runs");
    browser.run("document.querySelector('iframe:nth-of-type(10)').scrollIntoView()");
    moves(last);
    assert_clean_console(&browser);
}

#[test]
fn hostile_links_are_refused_with_their_message_and_the_drawing_is_unchanged() {
    let inputs: Value = serde_json::from_str(include_str!("../../hostile/inputs.json")).expect("JSON");
    let browser = open("");
    open_from_gallery(&browser, "-");
    browser.wait(&format!("{CARDS} === 0"));
    browser.click(".palette button:nth-of-type(1)");
    browser.wait(&format!("{CARDS} === 1"));
    let scripts = "return document.querySelectorAll('script').length";
    let count = browser.run(scripts);
    for hostile in inputs.as_array().expect("a list").iter().filter(|hostile| hostile["kind"] == "link") {
        let pieces = hostile["input"].as_array().expect("pieces").iter();
        let text = |piece: &Value| {
            let times = usize::try_from(piece[1].as_u64().expect("times")).expect("a number");
            piece[0].as_str().expect("a text").repeat(times)
        };
        let fragment: String = pieces.map(text).collect();
        // Longer addresses are tested natively only.
        if fragment.len() > 100_000 {
            continue;
        }
        // A fragment of an empty link is no link at all.
        browser.run_with("document.querySelector('.notice button')?.click(); location.hash = arguments[0]", &fragment);
        let message = hostile["message"].as_str().expect("a message");
        let start: String = message.chars().take(60).collect();
        browser.wait(&format!(
            "document.querySelector('.notice')?.textContent.toLowerCase().includes({}.toLowerCase())",
            json!(start)
        ));
        assert_eq!(browser.run(&format!("return {CARDS}")), json!(1), "{}", hostile["name"]);
        let undo = "return document.querySelector('[aria-label=Undo]').disabled";
        assert_eq!(browser.run(undo), json!(false), "{}", hostile["name"]);
    }
    assert_eq!(browser.run(scripts), count, "no link adds a script");
}

/// Draws the QR code that the share dialog shows, and returns the brightness of its pixels by rows, as letters: `#` is dark.
const PIXELS: &str = "
    const svg = document.querySelector('.qr-code svg'), size = svg.viewBox.baseVal.width, scale = 5;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size * scale;
    const pen = canvas.getContext('2d');
    pen.scale(scale, scale);
    for (const path of svg.querySelectorAll('path')) {
        pen.fillStyle = getComputedStyle(path).fill;
        pen.fill(new Path2D(path.getAttribute('d')));
    }
    const { data } = pen.getImageData(0, 0, size * scale, size * scale);
    const rows = [];
    for (let y = 0; y < size * scale; y++) {
        let row = '';
        for (let x = 0; x < size * scale; x++) row += data[(y * size * scale + x) * 4] < 128 ? '#' : '.';
        rows.push(row);
    }
    return rows";

#[test]
fn the_qr_code_of_a_link_is_read_as_that_link_in_both_themes() {
    for (look, options) in [(WIDE, ""), (Look { dark: true, ..WIDE }, "&t=1500")] {
        let browser = Browser::start(look);
        browser.open(&SITE.at(&format!("#ex=first-update{options}")));
        browser.click(".top [data-action=Share]");
        let link = browser.wait("document.querySelector('#share-link')?.value");
        browser.click(".qr-code summary");
        browser.wait("document.querySelector('.qr-code svg')");
        let rows = browser.run(PIXELS);
        let rows: Vec<&[u8]> =
            rows.as_array().expect("rows").iter().map(|row| row.as_str().expect("a row").as_bytes()).collect();
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(rows.len(), rows.len(), |x, y| {
            if rows[y][x] == b'#' { 0 } else { 255 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        let (_, text) = grids[0].decode().expect("it can be read");
        assert_eq!(json!(text), link);
        assert_eq!(browser.axe(), Vec::<String>::new());
        assert_clean_console(&browser);
    }
}
