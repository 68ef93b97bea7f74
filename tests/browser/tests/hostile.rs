//! Links of scenarios that never end or that need much memory: the page halts the run with its reason, stays responsive, and
//! reuses the memory after a reset.

use crate::SITE;
use browser_tests::{Browser, WIDE};
use converge::scenario::link;
use serde_json::json;
use std::path::Path;

/// A file of `tests/outside/hostile/`, and parts of the sentence with which its run is halted.
const HOSTILE: [(&str, &[&str]); 4] = [
    ("closed0", &["events happened at one instant", "c → a (call)", "a → c (reply)"]),
    ("nack0", &["events happened at one instant", "b → d (delivery)", "d → b (refusal)"]),
    ("storm", &["halted at"]),
    ("mv_siblings", &["halted at"]),
];

/// Memory that a page may use for a run, MB.
const MEMORY: u64 = 512;

/// Counts the tasks of a document that took over 50 ms from now on, and the longest one, ms. The test prints them; `cargo xtask
/// bench page` measures them.
const OBSERVE: &str = "window.tasks = { count: 0, longest: 0 }; new PerformanceObserver(list => { for (const e of list.getEntries()) { window.tasks.count++; window.tasks.longest = Math.max(window.tasks.longest, e.duration) } }).observe({ type: 'longtask' })";

/// Returns the text of a hostile link, and the end of its run, ms.
fn hostile(name: &str) -> (String, u64) {
    let file = xtask::root().join(Path::new("tests/outside/hostile")).join(format!("{name}.link"));
    let text = std::fs::read_to_string(file).expect("a link").trim().to_string();
    let until = link::decode(&text).expect("a valid link").scenario.until_ms;
    (text, until as u64)
}

/// Opens the first scenario: on the page, or in a sandboxed frame. Returns the browser, in the document of the page, and its
/// memory before the run: a frame has a separate process, whose own memory does not count.
fn open(is_sandboxed: bool) -> (Browser, u64) {
    let browser = Browser::start_new(WIDE);
    browser.open(&format!("{}examples/plain.html", SITE.elsewhere.address()));
    let before = browser.memory();
    if is_sandboxed {
        let script = "const f = document.createElement('iframe'); f.id = 'hostile'; f.width = 900; f.height = 600; f.setAttribute('sandbox', 'allow-scripts'); f.src = arguments[0]; document.body.append(f)";
        browser.run_with(script, &SITE.at("embed/#ex=first-update"));
        browser.frame(Some("#hostile"));
    } else {
        browser.open(&SITE.at("#ex=first-update"));
    }
    browser.wait("document.querySelector('.transport .clock')?.textContent");
    browser.run(OBSERVE);
    let before = if is_sandboxed { browser.memory() } else { before };
    (browser, before)
}

/// Waits until the page shows that the run is halted, or that it is not.
fn wait_for_halt(browser: &Browser, is_halted: bool) {
    let shown = "document.querySelector('.notice')?.textContent.includes('halted at') === true";
    browser.wait(&format!("({shown}) === {is_halted}"));
}

fn check(name: &str, parts: &[&str], is_sandboxed: bool) {
    let (browser, before) = open(is_sandboxed);
    let (text, until) = hostile(name);
    // A reset gives the memory back to the next run, and the page no longer reports the halt.
    for (run, at) in [("first", until), ("second", until - 1)] {
        browser.run("window.tasks = { count: 0, longest: 0 }");
        browser.run(&format!("location.hash = '#{text}&t={at}'"));
        wait_for_halt(&browser, true);
        for part in parts {
            browser.wait(&format!("document.querySelector('.notice').textContent.includes({})", json!(part)));
        }
        let used = browser.memory().saturating_sub(before);
        browser.click(".transport [data-action=Reset]");
        browser.wait("document.querySelector('.transport .clock').textContent.trim() === '0.000 s'");
        wait_for_halt(&browser, false);
        let tasks = browser.run("return window.tasks");
        eprintln!("{name}, sandboxed {is_sandboxed}, {run} run: {used} MB, tasks over 50 ms: {tasks}");
        assert!(used <= MEMORY, "{name}, sandboxed {is_sandboxed}, {run} run: {used} MB");
    }
}

#[test]
fn hostile_links_halt_with_their_reason_within_the_memory_and_a_reset_gets_through() {
    for (name, parts) in HOSTILE {
        check(name, parts, false);
    }
}

#[test]
fn hostile_links_in_a_sandboxed_frame_halt_within_the_memory_and_a_reset_gets_through() {
    for (name, parts) in HOSTILE {
        check(name, parts, true);
    }
}
