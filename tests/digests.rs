//! The same scenario, seed and commands have the same digest everywhere. `tests/golden/digests.json` holds the
//! digests of all examples with 20 seeds each. This test compares native builds (debug and release) with it; the browser
//! tests compare WebAssembly. `CONVERGE_RENEW=1` rewrites it; use that only for an intended change of the model.

use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Command, Operation, Scenario, Value, micros};
use converge::session::Run;
use std::collections::BTreeMap;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/digests.json");

/// Returns the digest of a complete run of an example, with a write at its start. The browser test does the same.
fn digest(scenario: &Scenario) -> String {
    let mut run = Run::new(scenario);
    let service = scenario.services[0].id.clone();
    let key = scenario.services[0].data.keys().next().cloned().unwrap_or("item".into());
    let operation = Operation::Write { key, value: Value::Int(1) };
    run.act(Command::Operate { service, operation, poison: false }, &mut |_, _, _| {}).expect("a valid command");
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    run.engine().trace().digest().hex()
}

#[test]
fn digests_of_all_examples_equal_the_golden_ones() {
    let mut found = BTreeMap::new();
    for example in EXAMPLES {
        for seed in 1..=20 {
            let scenario = Scenario { seed, ..example.scenario() };
            found.insert(format!("{}#{seed}", example.id), digest(&scenario));
        }
    }
    let text = serde_json::to_string_pretty(&found).expect("a map serializes") + "\n";
    if std::env::var_os("CONVERGE_RENEW").is_some() {
        std::fs::write(FILE, &text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(FILE).expect("the golden file is there");
    let golden: BTreeMap<String, String> = serde_json::from_str(&golden).expect("the golden file is JSON");
    for (run, digest) in &found {
        assert_eq!(golden.get(run), Some(digest), "{run}");
    }
    assert_eq!(golden.len(), found.len());
}

#[test]
fn different_seeds_have_different_digests() {
    let scenario = EXAMPLES[0].scenario();
    let other = Scenario { seed: scenario.seed + 1, ..scenario.clone() };
    assert_ne!(digest(&scenario), digest(&other));
}
