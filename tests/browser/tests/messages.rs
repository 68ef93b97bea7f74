//! The messages between an embed and its host page, in a course page.

use crate::SITE;
use browser_tests::{Browser, Look, PHONE, WIDE, assert_clean_console};
use serde_json::{Value, json};

/// Opens the course page and waits until the embed is ready for commands.
fn course(look: Look) -> Browser {
    let browser = Browser::start(look);
    browser.open(&SITE.at("examples/messages.html"));
    browser.wait("document.querySelector('#publish:enabled')");
    browser
}

/// Waits until the page has logged a message that contains a text.
fn wait_for_message(browser: &Browser, text: &str) {
    browser.wait(&format!("document.querySelector('#log').textContent.includes({})", json!(text)));
}

#[test]
fn a_course_page_publishes_plays_and_receives_the_convergence() {
    let browser = course(WIDE);
    wait_for_message(&browser, "scenarioHash");
    browser.click("#publish");
    wait_for_message(&browser, "publish {");
    browser.wait("document.querySelector('#state').textContent === 'stale'");
    browser.wait("document.querySelector('#state').textContent === 'consistent'");
    browser.wait("document.querySelector('#took').textContent.endsWith(' ms')");
    assert_eq!(browser.text("#error"), "");
    assert_clean_console(&browser);
}

#[test]
fn a_course_page_breaks_and_heals_a_link() {
    let browser = course(WIDE);
    browser.click("#cut");
    wait_for_message(&browser, "fault {\"kind\":\"cut\"");
    browser.frame(Some("iframe"));
    browser.wait("document.querySelector('.link.cut')");
    browser.frame(None);
    browser.click("#heal");
    wait_for_message(&browser, "healed {\"kind\":\"cut\"");
    assert_eq!(browser.text("#error"), "");
    assert_clean_console(&browser);
}

#[test]
fn a_locked_embed_refuses_its_visitor_and_a_state_is_restored() {
    let browser = course(WIDE);
    browser.click("#cut");
    wait_for_message(&browser, "fault {");
    browser.click("#keep");
    browser.click("#freeze");
    browser.wait("document.querySelector('#freeze[aria-pressed=true]')");
    browser.frame(Some("iframe"));
    let clock = "return document.querySelector('.transport .clock').textContent";
    let before = browser.run(clock);
    browser.click(".transport [aria-label=Play]");
    browser.frame(None);
    browser.click("#freeze");
    browser.wait("document.querySelector('#freeze[aria-pressed=false]')");
    // The click was handled before the embed was unlocked: a run that it had started would play on.
    browser.frame(Some("iframe"));
    assert_eq!(browser.run(clock), before);
    assert_eq!(browser.run("return document.querySelector('.transport [aria-label=Pause]')"), Value::Null);
    browser.frame(None);
    browser.click("#restore");
    browser.wait("document.querySelector('#log').textContent.match(/loaded/g).length > 1");
    assert_eq!(browser.text("#error"), "");
    assert_clean_console(&browser);
}

#[test]
fn an_embed_asks_for_the_height_of_its_drawing() {
    let browser = course(PHONE);
    wait_for_message(&browser, "resize {\"height\":");
    browser.wait("document.querySelector('iframe').height !== '480'");
    assert_clean_console(&browser);
}

#[test]
fn a_link_that_does_not_open_shows_its_reason_and_no_other_scenario() {
    for (fragment, reason) in [
        ("1r.AbCdEf", "This link is"),
        ("ex=no-such-example", "no example has the id"),
        ("1r.Ab=CdEf&theme=dark", "This link is"),
        ("wat=1", "Unknown: wat=1"),
        ("nonsense", "not a scenario link"),
    ] {
        let browser = Browser::start(WIDE);
        browser.open(&SITE.at(&format!("embed/#{fragment}")));
        browser.wait(&format!("document.querySelector('.failure')?.textContent.includes({})", json!(reason)));
        // Without a run there is nothing to play.
        let controls = browser.run("return document.querySelectorAll('.card, .transport, .tracks').length");
        assert_eq!(controls, json!(0), "{fragment}");
        assert_eq!(browser.axe(), Vec::<String>::new());
    }
}

#[test]
fn parts_of_an_address_come_in_any_order_and_unknown_ones_are_reported() {
    let browser = SITE.visit(WIDE, "#theme=dark&EX=lost-event&t=0");
    browser.wait("document.querySelector('h1').textContent.includes('lost')");
    assert_eq!(browser.run("return document.documentElement.dataset.theme"), json!("dark"));
    let browser = SITE.visit(WIDE, "#ex=lost-event&wat=1&mode=pink");
    browser.wait("document.querySelector('.notice')?.textContent.includes('not known or repeated: wat=1, mode=pink')");
    let browser = SITE.visit(WIDE, "?ex=lost-event");
    browser.wait("document.querySelector('h1').textContent.includes('lost')");
}

#[test]
fn an_embed_hides_the_parts_that_its_author_names() {
    let browser =
        SITE.visit(WIDE, "embed/#ex=lost-event&mode=edit&hide=palette,inspector,verdicts,log,timeline&t=5900");
    browser.wait("document.querySelector('.card')");
    browser.click("[data-node=\"notification\"] header");
    for hidden in [".palette", ".inspector", ".chips", "[data-action=Verdicts]", "[data-action=Log]", ".tracks"] {
        assert_eq!(browser.run_with("return document.querySelector(arguments[0])", hidden), Value::Null, "{hidden}");
    }
    assert_clean_console(&browser);
}

#[test]
fn the_share_dialog_builds_the_snippet_of_an_embed_with_a_preview() {
    let browser = SITE.visit(WIDE, "#ex=first-update");
    browser.click("[data-action=Share]");
    browser.wait("document.querySelector('#share-embed')");
    browser.click(".embed-options summary");
    let choose = |label: &str, value: &str| {
        let find = format!(
            "[...document.querySelectorAll('.embed-options label')].find(l => l.textContent.startsWith('{label}')).querySelector('select')"
        );
        browser.run(&format!(
            "const s = {find}; s.value = '{value}'; s.dispatchEvent(new Event('change', {{ bubbles: true }}))"
        ));
    };
    choose("Visitors may", "view");
    choose("Theme", "dark");
    browser.click(".embed-options fieldset input");
    browser.wait(
        "document.querySelector('#share-embed').value.includes('&amp;mode=view&amp;theme=dark&amp;hide=palette')",
    );
    assert_eq!(browser.axe(), Vec::<String>::new());
    browser
        .run("[...document.querySelectorAll('.embed-options label')].find(l => l.textContent === 'Preview').click()");
    browser.frame(Some(".embed-options iframe"));
    browser.wait("document.documentElement.dataset.theme === 'dark' && document.querySelector('.card')");
    browser.frame(None);
}

#[test]
fn the_playground_opens_with_the_edits_and_the_time_of_an_embed() {
    let browser = SITE.visit(WIDE, "embed/#ex=first-update&mode=edit");
    browser.click(".palette button:nth-of-type(1)");
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    browser.click(".transport [data-action=Step]");
    browser.run("document.querySelector('a.open').focus()");
    let href =
        browser.wait("document.querySelector('a.open').href.includes('1r.') && document.querySelector('a.open').href");
    browser.open(href.as_str().expect("an address"));
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
}

/// Pastes a text on the page, outside of fields.
fn paste(browser: &Browser, text: &str) {
    let script = "const data = new DataTransfer(); data.setData('text/plain', arguments[0]); \
        document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))";
    browser.run_with(script, text);
}

#[test]
fn an_embed_that_cannot_be_edited_opens_nothing_that_is_pasted() {
    let link = "https://a.example/#ex=oversold";
    for (options, reason) in [
        ("mode=view", "cannot be edited"),
        ("mode=play", "cannot be edited"),
        ("mode=edit&lock=paste", "does not allow pasting"),
        ("mode=edit&lock=drawing", "drawing of this embed is locked"),
    ] {
        let browser = SITE.visit(WIDE, &format!("embed/#ex=first-update&{options}"));
        paste(&browser, link);
        browser.wait(&format!("document.querySelector('.notice')?.textContent.includes({})", json!(reason)));
        assert_eq!(browser.run("return document.querySelector('[data-node=notification]') !== null"), json!(true));
    }
    // The playground and an embed that may be edited open it; a link without its page, too.
    for (address, pasted) in [("#ex=first-update", link), ("embed/#ex=first-update&mode=edit", "ex=oversold")] {
        let browser = SITE.visit(WIDE, address);
        paste(&browser, pasted);
        browser.wait("document.querySelector('.card') && !document.querySelector('[data-node=notification]')");
    }
}

#[test]
fn what_cannot_be_opened_leaves_the_work_in_an_embed_as_it_is() {
    let browser = SITE.visit(WIDE, "embed/#ex=first-update&mode=edit");
    browser.click(".palette button:nth-of-type(1)");
    browser.wait("document.querySelector('[data-node=\"service-1\"]')");
    paste(&browser, "https://a.example/#1r.AbCdEf");
    browser.wait("document.querySelector('.notice')?.textContent.includes('This link is')");
    assert_eq!(browser.run("return document.querySelector('[data-node=\"service-1\"]') !== null"), json!(true));
    assert_eq!(browser.run("return document.querySelector('.failure')"), Value::Null);

    let browser = course(WIDE);
    let load = "document.querySelector('iframe').contentWindow.postMessage({ app: 'converge', v: 1, type: 'load', id: 'bad', payload: { link: '1r.AbCdEf' } }, location.origin)";
    browser.run("window.answers = []; addEventListener('message', e => window.answers.push(e.data))");
    browser.run(load);
    browser.wait("window.answers.some(answer => answer.id === 'bad' && answer.type === 'error' && answer.payload.code === 'link')");
    browser.frame(Some("iframe"));
    browser.wait("document.querySelector('[data-node=notification]')");
    assert_eq!(browser.run("return document.querySelector('.failure')"), Value::Null);
    browser.frame(None);
}

#[test]
fn an_embed_starts_again_with_other_options_of_its_address() {
    let browser = SITE.visit(WIDE, "embed/#ex=first-update");
    assert_eq!(browser.run("return document.querySelector('.palette')"), Value::Null);
    browser.run("window.isSame = true; location.hash = '#ex=lost-event'");
    browser.wait("document.querySelector('.card')");
    assert_eq!(browser.run("return window.isSame"), json!(true), "only the drawing has changed");
    browser.run("location.hash = '#ex=lost-event&mode=edit'");
    browser.wait("!window.isSame && document.querySelector('.palette')");
}

#[test]
fn repeated_parts_of_an_address_are_reported_and_long_ones_shortened() {
    let browser = SITE.visit(WIDE, "#ex=lost-event&t=5&t=6");
    browser.wait("document.querySelector('.notice')?.textContent.includes('repeated: t=6')");
    let browser = SITE.visit(WIDE, &format!("#ex=lost-event&{}=1", "a".repeat(5000)));
    let notice = browser.wait("document.querySelector('.notice')?.textContent");
    assert!(notice.as_str().is_some_and(|text| text.len() < 300), "{notice}");
}
