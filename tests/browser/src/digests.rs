//! The digests of all examples under twenty seeds, as the page's worker computes them.

use crate::Browser;
use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Command, Operation, Scenario, micros};
use converge::session::crossing::{CrossingAnswer, CrossingRequest};
use converge::session::protocol::{FromEngine, Report, Request, ToEngine, decode, encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Runs each example with an update at its start in a worker of the open page, and returns the digests by `id#seed`.
pub fn worker_digests(browser: &Browser) -> Value {
    let mut runs = Vec::new();
    for example in EXAMPLES {
        for seed in 1..=20u64 {
            let scenario = Scenario { seed, ..example.scenario() };
            let key = scenario.services[0].data.keys().next().cloned().unwrap_or("item".into());
            let operation = Operation::Write { key, value: 1.into() };
            let command = Command::Operate { service: scenario.services[0].id.clone(), operation, poison: false };
            let to = micros(scenario.until_ms);
            let requests = [
                Request::Load { scenario: Box::new(scenario.clone()), at: 0 },
                Request::Act { command },
                Request::Seek { to },
                // A request may end before the time is reached; then the page requests the rest.
                Request::Advance { to, budget: u32::MAX },
            ];
            // Bytes, as the page sends them.
            let requests =
                requests.map(|request| encode(&CrossingRequest::pack(&ToEngine { epoch: 1, request }, false)));
            runs.push(json!({ "name": format!("{}#{seed}", example.id), "requests": requests }));
        }
    }
    let script = "window.found = {}; \
        const worker = new Worker(document.querySelector('script[data-converge]').dataset.worker, { type: 'module' }); \
        const queue = JSON.parse(arguments[0]).flatMap(run => run.requests.map((request, i) => ({ name: i === 3 ? run.name : null, request }))); \
        const next = () => { if (queue.length) worker.postMessage(new Uint8Array(queue[0].request)); else window.finished = true; }; \
        let asked = false, last = null; \
        worker.onmessage = (event) => { if (!asked) { asked = true; return next(); } \
            const { name } = queue[0], answer = Array.from(event.data), text = answer.join(); \
            if (name && text !== last) { last = text; return next(); } \
            queue.shift(); if (name) { window.found[name] = answer; last = null; } next(); };";
    browser.run_with(script, &Value::from(runs).to_string());
    browser.wait("window.finished");
    let found: BTreeMap<String, Vec<u8>> = serde_json::from_value(browser.run("return window.found")).expect("bytes");
    let answer = |bytes: &Vec<u8>| match decode::<CrossingAnswer>(bytes)? {
        CrossingAnswer::Other(bytes) => CrossingAnswer::read_other(&bytes),
        CrossingAnswer::Frame { epoch, frame } => Ok(FromEngine { epoch, report: Report::Frame(frame) }),
        other => Err(format!("{other:?}")),
    };
    let digest = |bytes: &Vec<u8>| match answer(bytes) {
        Ok(FromEngine { report: Report::Frame(frame), .. }) => frame.digest,
        other => panic!("expected a frame, got {other:?}"),
    };
    let found: BTreeMap<&String, String> = found.iter().map(|(name, bytes)| (name, digest(bytes))).collect();
    json!(found)
}
