//! Ten embeds on a course page in Chromium: memory, and processor time while they are visible and while they are not.

use crate::outcome;
use browser_tests::{Browser, Site, WIDE};
use serde_json::json;

/// Embeds of the course page.
const EMBEDS: usize = 10;
/// The time over which the processor is observed, s.
const SECONDS: f64 = 10.0;
/// The maximum share of a processor that embeds out of sight may need.
const TARGET: f64 = 0.01;

/// Adds room below the frames, so that none of them is visible there.
const ROOM: &str =
    "const room = document.createElement('div'); room.style.height = '5000px'; document.body.append(room)";

/// Prints the figures.
pub fn run() {
    let site = Site::start();
    println!("embeds: a page with {EMBEDS} embeds that play");
    let browser = Browser::start_new(WIDE);
    browser.devtools("Performance.enable", json!({}));
    browser.open(&site.at("examples/plain.html"));
    browser.frame(Some("iframe"));
    browser.wait("document.querySelector('.transport .clock')");
    browser.frame(None);
    browser.devtools("HeapProfiler.collectGarbage", json!({}));
    let one = browser.memory();
    browser.open(&site.at("examples/ten.html"));
    browser.run(ROOM);
    for number in 1..=EMBEDS {
        let frame = format!("iframe:nth-of-type({number})");
        browser.run_with("document.querySelector(arguments[0]).scrollIntoView()", &frame);
        browser.frame(Some(&frame));
        browser.wait("document.querySelector('.card .badge')");
        browser.frame(None);
    }
    browser.devtools("HeapProfiler.collectGarbage", json!({}));
    let ten = browser.memory();
    println!("  memory of the processes that draw pages: {one} MB with one embed, {ten} MB with {EMBEDS}");
    println!("  memory of the scripts of the ten: {:.1} MB", metric(&browser, "JSHeapUsedSize") / 1e6);
    browser.run("scrollTo(0, 0)");
    report("the first in sight", &browser, None);
    browser.run("scrollTo(0, document.body.scrollHeight)");
    report("none in sight", &browser, Some(TARGET));
}

fn metric(browser: &Browser, name: &str) -> f64 {
    let answer = browser.devtools("Performance.getMetrics", json!({}));
    let found = answer["metrics"].as_array().and_then(|all| all.iter().find(|metric| metric["name"] == name));
    found.and_then(|metric| metric["value"].as_f64()).unwrap_or_default()
}

/// Prints how much of a processor the page and its workers need over some seconds.
fn report(what: &str, browser: &Browser, target: Option<f64>) {
    // What the scrolling has begun is over after a second.
    browser.run_async("setTimeout(done, 1000)");
    let figures = || (browser.processor_time(), metric(browser, "TaskDuration"));
    let before = figures();
    browser.run_async(&format!("setTimeout(done, {})", SECONDS * 1e3));
    let after = figures();
    let (all, page) = ((after.0 - before.0) / SECONDS, (after.1 - before.1) / SECONDS);
    let verdict =
        target.map_or(String::new(), |target| format!(", target {:.0} %: {}", target * 100.0, outcome(all <= target)));
    println!("  {what}: {:.1} % of a processor{verdict}; {:.1} % on the page's thread", all * 100.0, page * 100.0);
}
