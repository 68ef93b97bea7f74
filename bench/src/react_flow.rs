//! 1,000 services and 10,000 messages in flight, drawn by the page and by React Flow in the same run.

use crate::outcome;
use browser_tests::{Browser, Site, WIDE};
use converge::scenario::Scenario;
use converge::session::Run;
use converge_bench::crowd;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Groups of twenty services.
const GROUPS: i32 = 50;
/// Writes a second at each publisher: 10,000 messages are in flight.
const WRITES: f64 = 4.8;
const LATENCY_MS: f64 = 1000.0;
/// The least ratio of the page's frame rate to that of React Flow.
const TARGET: f64 = 4.0;

/// Observes the frames of ten seconds and returns their rate.
const RATE: &str = "let first, count = 0; requestAnimationFrame(function frame(now) { \
    if (first === undefined) first = now; else count++; \
    if (now - first < 10000) return requestAnimationFrame(frame); done(count / (now - first) * 1000) })";

/// Prints both rates and their ratio.
pub fn run() {
    let scenario = crowd::scenario_of(GROUPS, WRITES, LATENCY_MS, 120_000.0);
    let mut run = Run::new(&scenario);
    run.advance(10_000_000, u64::MAX, &mut |_, _, _| {});
    let in_flight = run.analysis().messages.len();
    println!("react-flow: {} services, {in_flight} messages in flight, fitted to view", scenario.services.len());
    let page = match react_flow_page(&scenario, in_flight) {
        Ok(page) => page,
        Err(problem) => return println!("  not measured: {problem}"),
    };
    let ours = page_rate(&scenario);
    println!("  the page: {ours:.1} frames a second");
    let browser = Browser::start_new(WIDE);
    browser.open(&format!("file://{}", page.display()));
    browser.wait("window.drawn");
    let theirs = browser.run_async(RATE).as_f64().unwrap_or_default();
    println!("  React Flow: {theirs:.1} frames a second");
    let ratio = ours / theirs.max(0.01);
    println!("  ratio {ratio:.1}, target {TARGET}: {}", outcome(ratio >= TARGET));
}

/// Returns the page's rate while it plays.
fn page_rate(scenario: &Scenario) -> f64 {
    let site = Site::start();
    let browser = Browser::start_new(WIDE);
    browser.open(&site.at("icon.svg"));
    browser.run_async(&format!("localStorage.setItem('converge.work', {}); done(1)", json!(scenario.to_json())));
    browser.open(&site.at(""));
    browser.click(".transport [aria-label=Play]");
    let flowing = "parseFloat(document.querySelector('.transport .clock').textContent) > 3";
    browser.run_async(&format!("const look = () => {flowing} ? done(1) : setTimeout(look, 100); look()"));
    browser.run_async(RATE).as_f64().unwrap_or_default()
}

/// Builds React Flow's page of the same services and wires with npm's packages, and returns the file.
fn react_flow_page(scenario: &Scenario, in_flight: usize) -> Result<PathBuf, String> {
    let source = xtask::root().join("bench/react-flow");
    let out = xtask::root().join("target/react-flow");
    npm(&source, &["install", "--no-package-lock", "--no-audit", "--no-fund"])?;
    let outfile = format!("--outfile={}", out.join("app.js").display());
    let production = "--define:process.env.NODE_ENV=\"production\"";
    npm(
        &source,
        &["exec", "--", "esbuild", "main.jsx", "--bundle", "--minify", "--jsx=automatic", production, &outfile],
    )?;
    let crowd = json!({ "services": services(scenario), "wires": wires(scenario), "messages": in_flight, "latency": LATENCY_MS });
    let html = format!(
        "<!doctype html><meta charset=utf-8><link rel=stylesheet href=app.css><div id=root style='height:100vh'></div>\
         <script>window.crowd = {crowd}</script><script src=app.js></script>"
    );
    let page = out.join("index.html");
    std::fs::write(&page, html).map_err(|error| format!("{}: {error}", page.display()))?;
    Ok(page)
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("npm").args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("npm does not start ({error}); it comes with Node.js"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("npm {}: {}", arguments[0], String::from_utf8_lossy(&output.stderr).trim()))
}

fn services(scenario: &Scenario) -> Vec<Value> {
    let card = |id: &str, position: Option<[i32; 2]>| {
        let [x, y] = position.unwrap_or_default();
        json!({ "id": id, "x": x, "y": y })
    };
    let services = scenario.services.iter().map(|service| card(&service.id, service.position));
    let buses = scenario.buses.iter().map(|bus| card(&bus.id, bus.position));
    let clients = scenario.clients.iter().map(|client| card(&client.id, client.position));
    services.chain(buses).chain(clients).collect()
}

/// Returns the ends of each wire.
fn wires(scenario: &Scenario) -> Vec<[&str; 2]> {
    let publications = scenario
        .services
        .iter()
        .flat_map(|service| service.publishes.iter().map(|publication| [service.id.as_str(), publication.to.as_str()]));
    let subscriptions = scenario.services.iter().flat_map(|service| {
        service.subscribes.iter().map(|subscription| [subscription.to.as_str(), service.id.as_str()])
    });
    let calls = scenario.clients.iter().map(|client| [client.id.as_str(), client.target.as_str()]);
    publications.chain(subscriptions).chain(calls).collect()
}
