//! The course pages in `www/examples/`: a reading, a graded exercise, the host side of SPLICE, pages of Markdown, notebooks and
//! course systems, and pages that use the engine.

use crate::SITE;
use browser_tests::{Browser, WIDE, assert_clean_console, wait_for_state};
use serde_json::{Value, json};

fn open(page: &str) -> Browser {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at(&format!("examples/{page}")));
    browser
}

fn file(name: &str) -> String {
    std::fs::read_to_string(xtask::root().join("www/examples").join(name)).expect("a course page")
}

/// Shows HTML at the address of the course pages.
fn show(html: &str) -> Browser {
    let browser = open("plain.html");
    browser.run_with("document.body.innerHTML = arguments[0]", html);
    browser
}

fn publish_and_converge(browser: &Browser) {
    browser.frame(Some("iframe"));
    browser.click(".publish, .publish-wide");
    for state in ["stale", "consistent"] {
        wait_for_state(browser, "notification", state);
    }
    browser.frame(None);
}

#[test]
fn a_reading_shows_three_embeds() {
    let browser = open("reading.html");
    for n in 1..=3 {
        let frame = format!("iframe:nth-of-type({n})");
        browser.run_with("document.querySelector(arguments[0]).scrollIntoView()", &frame);
        browser.frame(Some(&frame));
        browser.wait("document.querySelector('[data-node] .badge')");
        browser.frame(None);
    }
}

#[test]
fn a_graded_exercise_makes_xapi_statements_of_answers() {
    let browser = open("exercise.html");
    browser.frame(Some("iframe"));
    browser.click("[data-question=implementation] input[value=\"1\"]");
    browser.wait("document.querySelector('[data-question=implementation] .prove:enabled')");
    browser.run("document.querySelector('[data-question=implementation] .prove').click()");
    browser.wait("document.querySelector('[data-question=implementation] .shown')");
    browser.frame(None);
    browser.wait("document.querySelector('#statements').textContent.includes('verbs/answered')");
    let lines = browser.run("return [...document.querySelectorAll('#statements li')].map(it => it.textContent)");
    let statements: Vec<Value> = lines
        .as_array()
        .expect("statements")
        .iter()
        .map(|line| serde_json::from_str(line.as_str().unwrap_or_default()).expect("JSON"))
        .collect();
    let answered =
        statements.iter().find(|statement| statement["verb"]["display"]["en"] == "answered").expect("an answer");
    assert_eq!(answered["result"], json!({ "success": false, "response": "2" }));
    assert!(answered["object"]["id"].as_str().is_some_and(|id| id.ends_with("#implementation")), "{answered}");
    assert!(statements.iter().any(|statement| statement["verb"]["display"]["en"] == "initialized"), "{statements:?}");
    assert_clean_console(&browser);
}

#[test]
fn a_host_of_splice_keeps_the_state_over_a_reload() {
    let browser = open("splice.html");
    browser.frame(Some("iframe"));
    browser.wait("document.querySelectorAll('[data-node]').length > 0");
    let cards = browser.run("return document.querySelectorAll('[data-node]').length").as_u64().expect("a number");
    browser.click(".palette button:nth-of-type(1)");
    browser.wait(&format!("document.querySelectorAll('[data-node]').length === {}", cards + 1));
    browser.frame(None);
    browser.wait("document.querySelector('#state').textContent.includes('link')");
    browser.open(&SITE.at("examples/splice.html"));
    browser.frame(Some("iframe"));
    browser.wait(&format!("document.querySelectorAll('[data-node]').length === {}", cards + 1));
}

#[test]
fn a_page_of_markdown_shows_its_frame() {
    let text = file("mdbook.md");
    let frame = text.lines().find(|line| line.starts_with("<iframe")).expect("a frame");
    publish_and_converge(&show(frame));
}

#[test]
fn a_page_survives_the_sanitizers_of_course_systems() {
    let text = file("lms.html");
    let body = text.split("<body>").nth(1).and_then(|rest| rest.split("</body>").next()).expect("a body");
    // What Moodle's HTML Purifier and Canvas's sanitizer both keep.
    let kept = ["h1", "p", "code", "iframe"];
    let attributes = ["src", "title", "width", "height", "allowfullscreen"];
    let browser = show(body);
    let used = browser.run(
        "return [...document.body.querySelectorAll('*')].flatMap(it => [it.localName, ...[...it.attributes].map(one => one.name)])",
    );
    for name in used.as_array().expect("names") {
        let name = name.as_str().expect("a name");
        assert!(kept.contains(&name) || attributes.contains(&name), "{name}");
    }
    publish_and_converge(&browser);
}

#[test]
fn a_notebook_has_a_frame_and_a_cell_that_runs_the_engine() {
    let notebook: Value = serde_json::from_str(&file("notebook.ipynb")).expect("a notebook");
    assert_eq!(notebook["nbformat"], 4);
    let source = |cell: &Value| -> String {
        cell["source"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let cells: Vec<String> = notebook["cells"].as_array().expect("cells").iter().map(source).collect();
    assert!(cells.iter().any(|cell| cell.contains("IFrame(\"https://your.host/converge/embed/#ex=cassandra-hints\"")));
    let html = cells.iter().find_map(|cell| cell.strip_prefix("%%html\n")).expect("a cell with HTML");
    assert!(html.contains("import(\"https://your.host/converge/engine/converge.js\")"), "{html}");
    let html = html.replace("https://your.host/converge/", &SITE.elsewhere.address());
    let browser = open("plain.html");
    // A notebook runs the scripts of the HTML that it shows.
    browser.run_with(
        "document.body.replaceChildren(document.createRange().createContextualFragment(arguments[0]))",
        &html,
    );
    browser.wait("document.querySelector('#windows').textContent.startsWith('inconsistency window, median: ')");
}

#[test]
fn a_page_draws_a_chart_with_the_engine() {
    let browser = open("chart.html");
    browser.wait("document.querySelectorAll('#chart rect').length === 2");
    assert_eq!(browser.text("#caption"), "100 seeds");
    assert_eq!(browser.text("#error"), "");
    browser.run("const s = document.querySelector('#example'); s.value = 'cassandra-hints'; s.dispatchEvent(new Event('change', { bubbles: true }))");
    browser.wait("document.querySelectorAll('#chart rect').length === 2");
    assert_eq!(browser.text("#error"), "");
    assert_clean_console(&browser);
}
