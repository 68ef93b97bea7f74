//! The page in German: all texts, the choice of the language, and what it keeps.

use crate::SITE;
use browser_tests::{Browser, PHONE, WIDE, assert_clean_console, wait_for_state};
use converge::app::edit::sentence;
use converge::app::texts;
use converge::scenario::challenges;
use serde_json::json;
use std::path::Path;

/// All texts of the page: visible texts, labels, tooltips, placeholders.
const SHOWN: &str = "return [document.querySelector('.page').innerText, ...[...document.querySelectorAll('[aria-label], [title], [placeholder]')] \
    .flatMap(e => [e.ariaLabel, e.title, e.placeholder])].filter(text => text)";

/// Asserts that nothing on the page is an English text of the table.
fn assert_german(browser: &Browser, view: &str) {
    let shown = browser.run(SHOWN);
    let shown: Vec<&str> = shown.as_array().expect("a list").iter().filter_map(|text| text.as_str()).collect();
    let lines: Vec<&str> = shown.iter().flat_map(|text| text.lines()).map(str::trim).collect();
    // A promise is shown as a sentence.
    let is_shown = |english: &str| {
        [english, &sentence(english)]
            .iter()
            .any(|text| lines.contains(text) || shown.iter().any(|other| other.trim() == *text))
    };
    let left: Vec<&str> = texts::all()
        .filter(|(english, german)| english != german && !english.contains('{') && is_shown(english))
        .map(|(english, _)| english)
        // A German text may have the same words.
        .filter(|english| !texts::all().any(|(_, german)| german == *english))
        .collect();
    assert!(left.is_empty(), "{view}: {left:?}");
}

#[test]
fn every_view_is_shown_in_german() {
    let browser = SITE.visit(WIDE, "#ex=first-update&lang=de");
    assert_eq!(browser.run("return document.documentElement.lang"), json!("de"));
    wait_for_state(&browser, "notification", "konsistent");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "veraltet");
    wait_for_state(&browser, "notification", "konsistent");
    assert_german(&browser, "the page");
    browser.click("[data-node=\"notification\"] header");
    browser.wait("document.querySelector('.inspector fieldset')");
    assert_german(&browser, "the inspector");
    browser.shot(Path::new("test-output/german.png"));
    assert_eq!(browser.axe(), Vec::<String>::new());
    for (action, view) in [
        ("Verdicts", ".verdicts"),
        ("Log", ".log ol li"),
        ("Branches", ".branches"),
        ("Outline", ".outline"),
        ("Diagram", ".diagram"),
    ] {
        browser.click(&format!("[data-action={action}]"));
        browser.wait(&format!("document.querySelector('{view}')"));
        assert_german(&browser, action);
        browser.click(&format!("[data-action={action}]"));
    }
    for action in ["Share", "Help", "Examples"] {
        browser.click(&format!("[data-action={action}]"));
        browser.wait("document.querySelector('dialog h2')");
        assert_german(&browser, action);
        browser.click("dialog header button");
        browser.wait("!document.querySelector('dialog')");
    }
    assert_clean_console(&browser);
}

/// English words that no German sentence contains.
const ENGLISH: &str = r"/\b(the|was|were|is|are|has|had|and|or|of|for|from|to|with|its|it|not|sent|received|dropped|read|write|returned)\b/";

/// Returns the texts of the elements, and asserts that there are some and that none is English.
fn german_texts(browser: &Browser, elements: &str) -> String {
    let texts = format!("[...document.querySelectorAll('{elements}')].map(e => e.innerText)");
    assert_eq!(browser.run(&format!("return {texts}.filter(text => {ENGLISH}.test(text))")), json!([]), "{elements}");
    browser.run(&format!("return {texts}.join('\\n')")).as_str().expect("texts").to_string()
}

#[test]
fn the_log_the_verdicts_and_their_reasons_are_german() {
    let browser = SITE.visit(WIDE, "#ex=lost-event&lang=de");
    browser.click("[data-action=Log]");
    browser.wait("document.querySelector('.log ol')?.innerText.includes('gesendet, fällig in')");
    german_texts(&browser, ".log ol li");
    browser.click("[data-action=Log]");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')?.innerText.includes('Warum ist')");
    let verdicts = german_texts(&browser, ".verdicts article");
    assert!(verdicts.contains("Konvergenz: konvergiert nicht") && verdicts.contains(" fehlt "), "{verdicts}");
    browser.click("[data-action=Verdicts]");
    browser.click("[data-node=\"notification\"] header");
    browser.wait("document.querySelector('.inspector')?.innerText.includes('Warum ist')");
    browser.shot(Path::new("test-output/german-reasons.png"));
    assert_clean_console(&browser);
}

#[test]
fn a_violated_guarantee_is_german() {
    let browser = SITE.visit(WIDE, "#ex=quorum-inversion&lang=de&t=3000");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdict.violated')?.innerText.includes('Linearisierbar')");
    let violated = german_texts(&browser, ".verdict.violated");
    assert!(violated.contains("verletzt") && violated.contains("lieferte"), "{violated}");
    assert!(browser.text(".chips, .chip.bad").contains("verletzt"));
    browser.shot(Path::new("test-output/german-verdicts.png"));
    assert_clean_console(&browser);
}

#[test]
fn an_open_log_and_open_verdicts_follow_a_change_of_the_language() {
    let browser = SITE.visit(WIDE, "#ex=lost-event");
    browser.click("[data-action=Log]");
    browser.wait("document.querySelector('.log ol')?.innerText.includes('sent, due in')");
    let change = |wanted: &str| {
        browser.run("document.querySelector('main.canvas').focus()");
        browser.keys(&["Control+k"]);
        browser.wait("document.activeElement.matches('.commands-input')");
        for letter in wanted.chars() {
            browser.keys(&[&letter.to_string()]);
        }
        browser.wait("document.querySelectorAll('.commands-list li').length === 1");
        browser.keys(&["Enter"]);
    };
    change("next lang");
    browser.wait("document.querySelector('.log ol')?.innerText.includes('gesendet, fällig in')");
    german_texts(&browser, ".log ol li");
    browser.click("[data-action=Log]");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')?.innerText.includes('Warum ist')");
    german_texts(&browser, ".verdicts article");
    change("sprache z");
    browser.wait("document.querySelector('.verdicts')?.innerText.includes('Why is')");
    assert_clean_console(&browser);
}

#[test]
fn a_visitor_changes_the_language_and_keeps_the_run_and_the_choice() {
    let browser = SITE.visit(WIDE, "#ex=first-update");
    browser.click(".publish");
    wait_for_state(&browser, "notification", "stale");
    wait_for_state(&browser, "notification", "consistent");
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["End"]);
    browser.wait("document.querySelector('.transport .clock').textContent.trim() === '5.000 s'");
    browser.keys(&["Control+k"]);
    browser.wait("document.activeElement.matches('.commands-input')");
    browser.keys(&["n", "e", "x", "t", " ", "l", "a", "n", "g"]);
    browser.wait("document.querySelectorAll('.commands-list li').length === 1");
    browser.keys(&["Enter"]);
    browser.wait("document.documentElement.lang === 'de'");
    wait_for_state(&browser, "notification", "konsistent");
    assert_eq!(browser.text(".transport .clock"), "5,000 s", "the run stays where it was");
    // The canvas that replaced the former one takes keys and clicks.
    browser.run("document.querySelector('main.canvas').focus()");
    browser.keys(&["Home", "p"]);
    wait_for_state(&browser, "notification", "veraltet");
    browser.click("[data-node=\"notification\"] header");
    browser.wait("document.querySelector('.inspector fieldset')");
    // After a reload the page is German too.
    browser.run("location.reload()");
    browser.wait("document.documentElement.lang === 'de' && document.querySelector('[data-node] .badge')");
    assert_clean_console(&browser);
}

#[test]
fn the_lesson_and_a_phone_follow_the_language() {
    let browser = SITE.visit(WIDE, "#lang=de");
    browser.click(".top [data-action=Lesson]");
    browser.wait("document.querySelector('.lesson')?.lang === 'de'");
    let phone = SITE.visit(PHONE, "#ex=first-update&lang=de");
    wait_for_state(&phone, "notification", "konsistent");
    assert_german(&phone, "a phone");
    assert_eq!(phone.run("return document.documentElement.scrollWidth <= innerWidth"), json!(true));
    let outside = "[...document.querySelectorAll('.top > *')].filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML)";
    assert_eq!(phone.run(&format!("return {outside}")), json!([]));
    phone.shot(Path::new("test-output/german-phone.png"));
    assert_eq!(phone.axe(), Vec::<String>::new());
    assert_clean_console(&phone);
}

#[test]
fn an_unknown_language_is_reported() {
    let browser = SITE.visit(WIDE, "#ex=first-update&lang=tlh");
    browser.wait("document.body.innerText.includes('lang=tlh')");
}

#[test]
fn an_example_is_german_in_the_gallery_its_title_its_description_and_its_embed() {
    let browser = SITE.visit(WIDE, "#lang=de");
    browser.wait("document.querySelector('.caption p')");
    let first = "Inventory führt den Bestand und veröffentlicht für jede Änderung ein Event.";
    assert_eq!(
        browser.text(".caption p"),
        first,
        "the first sentence of the note, before anything is fetched on demand"
    );
    browser.click("[data-action=Examples]");
    browser.wait("document.activeElement.matches('.gallery input')");
    let card = "document.querySelector('[data-open=lost-event-retried]')";
    let parts = browser.run(&format!("return ['b', 'span'].map(part => {card}.querySelector(part).textContent)"));
    let promise = "Ein Event, das auf einer getrennten Verbindung verloren geht, wird erneut zugestellt, bis es bestätigt ist, und kommt an, nachdem die Verbindung geheilt ist.";
    assert_eq!(parts, json!(["Dasselbe verlorene Event, erneut zugestellt", promise]));
    browser.shot(Path::new("test-output/german-gallery.png"));
    // Without Enter, which opens the first hit.
    let search = |words: &str| {
        browser.run_with(
            "const field = document.querySelector('.gallery input'); field.value = arguments[0]; field.dispatchEvent(new InputEvent('input', { bubbles: true }))",
            words,
        );
    };
    for words in ["warenkorb zusammenführt", "cart merges"] {
        search(words);
        let shown = "[...document.querySelectorAll('.gallery .example')].map(card => card.dataset.open).join()";
        browser.wait(&format!("{shown} === 'cart-or-set,cart-siblings'"));
    }
    search("lost-event-retried");
    browser.wait("document.querySelectorAll('.gallery .example').length === 1");
    browser.click("[data-open=lost-event-retried]");
    browser.wait("document.querySelector('h1.title').textContent === 'Dasselbe verlorene Event, erneut zugestellt'");
    assert_eq!(browser.text(".caption p"), promise);
    browser.click(".caption [aria-expanded]");
    browser.wait(
        "document.querySelector('.caption .note')?.textContent.includes('wie im Beispiel „Ein verlorenes Event“')",
    );
    assert_german(&browser, "an example");
    browser.shot(Path::new("test-output/german-example.png"));
    browser.click("[data-action=Share]");
    browser.wait("document.querySelector('#share-embed')?.value.includes('title=\"Dasselbe verlorene Event, erneut zugestellt\"')");
    assert_german(&browser, "the share dialog");
    assert_clean_console(&browser);
}

#[test]
fn the_task_of_a_challenge_is_german_with_its_goals_and_hints() {
    let browser = SITE.visit(WIDE, "#challenge=cheapest-quorum&lang=de");
    browser.wait("document.querySelector('#task-heading')");
    assert_eq!(browser.text("#task-heading"), "Das günstigste Quorum");
    assert_eq!(browser.text("h1.title"), "Das günstigste Quorum");
    assert!(browser.text(".task .lesson-text p").starts_with("Drei Replikate halten die Preise."));
    let goals =
        "return [...document.querySelectorAll('.task-goals li div > span:first-child')].map(it => it.textContent)";
    let german = [
        "Höchstens 0,1 % der Lesevorgänge sind veraltet.",
        "99 % der Lesevorgänge dauern höchstens 10 ms.",
        "99 % der Schreibvorgänge dauern höchstens 250 ms.",
    ];
    assert_eq!(browser.run(goals), json!(german));
    let hints = challenges::find("cheapest-quorum").expect("a challenge").scenario().tasks[0].hints.len();
    for shown in 1..=hints {
        browser.click(".task-hints + button");
        browser.wait(&format!("document.querySelectorAll('.task-hints li').length === {shown}"));
    }
    assert!(browser.text(".task-hints li").starts_with("Mit R + W > N treffen sich"));
    assert_german(&browser, "a challenge");
    browser.shot(Path::new("test-output/german-challenge.png"));
    // The embed shows the same panel.
    let embed = SITE.visit(WIDE, "embed/#challenge=lost-book&lang=de");
    embed.wait("document.querySelector('#task-heading')?.textContent === 'Das verlorene Buch'");
    assert_german(&embed, "an embed");
    assert_clean_console(&browser);
}

#[test]
fn what_cannot_be_opened_is_reported_in_the_language_of_the_address() {
    for link in ["#1r.AbCdEf&lang=de", "#ex=no-such-example&lang=de"] {
        let browser = SITE.visit(WIDE, link);
        browser.wait("document.querySelector('.notice')?.textContent.includes('Dieser Link')");
        // The embed shows no run.
        let browser = Browser::start(WIDE);
        browser.open(&SITE.at(&format!("embed/{link}")));
        browser.wait("document.querySelector('.failure')?.textContent.includes('Dieser Link')");
    }
    let browser = SITE.visit(WIDE, "#lesson=lessons/no-such-lesson.md&lang=de");
    browser.wait("document.querySelector('.lesson .lesson-note h3')");
    let panel = "[document.querySelector('.lesson').lang, ...[...document.querySelectorAll('.lesson :is(h2, h3, button.line)')].map(e => e.textContent)].join('|')";
    assert_eq!(
        browser.run(&format!("return {panel}")),
        json!("de|Lektion|Die Lektion konnte nicht geöffnet werden|Noch einmal versuchen")
    );
    assert!(browser.text(".lesson-note p").starts_with("Hier gibt es keine Lektion"));
    // After a change of the language, it is reported in the new one.
    browser.keys(&["Control+k"]);
    browser.wait("document.activeElement.matches('.commands-input')");
    browser.keys(&["c", "h", "s", "t", "e", "n", " ", "S", "p", "r"]);
    browser.wait("document.querySelectorAll('.commands-list li').length === 1");
    browser.keys(&["Enter"]);
    browser.wait("document.querySelector('.lesson-note p')?.textContent.startsWith('The lesson lessons/no-such-lesson.md is not here')");
    assert_eq!(browser.run(&format!("return {panel}")), json!("en|Lesson|The lesson could not be opened|Try again"));
}

#[test]
fn the_language_of_a_query_holds_alone_and_after_the_drawing_has_changed() {
    let browser = SITE.visit(WIDE, "?lang=de");
    let is_german = "document.documentElement.lang === 'de' && document.querySelector('main .badge .word')?.textContent === 'konsistent'";
    browser.wait(is_german);
    assert_eq!(browser.run("return document.querySelector('.notice')"), json!(null));
    browser.click(".palette .placeable");
    browser.wait("location.hash.startsWith('#d=')");
    browser.run("window.isBefore = true; location.reload()");
    browser.wait(&format!("!window.isBefore && {is_german}"));
    assert_clean_console(&browser);
}

#[test]
fn an_unknown_part_of_a_query_is_reported() {
    let browser = SITE.visit(WIDE, "?foo=bar");
    browser.wait("document.querySelector('.notice')?.textContent.includes('not known or repeated: foo=bar.')");
    browser.wait("document.querySelector('[data-node=notification]')");
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("embed/?foo=bar"));
    browser.wait("document.querySelector('.page')?.textContent.includes('Unknown: foo=bar.')");
}

#[test]
fn keys_have_german_names() {
    let browser = SITE.visit(WIDE, "#ex=first-update&lang=de");
    browser.wait("document.querySelector('main .badge')");
    browser.click(".top [data-action=Help]");
    browser.wait("document.querySelector('dialog table')");
    let keys = browser.run("return [...document.querySelectorAll('dialog td')].map(cell => cell.textContent)");
    let keys: Vec<&str> = keys.as_array().expect("a list").iter().filter_map(|key| key.as_str()).collect();
    for name in ["Pos1", "Ende", "Entf oder Rücktaste"] {
        assert!(keys.contains(&name), "{name}: {keys:?}");
    }
}
