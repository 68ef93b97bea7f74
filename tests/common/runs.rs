//! Runs of scenarios.

use converge::analysis::history::{History, HistoryRecorder};
use converge::engine::Engine;
use converge::scenario::{Scenario, micros};
use converge::session::Run;
use converge::trace::{Fact, Level, NodeId, Record};

/// The maximum number of events of a run of a random system.
pub const MAX_EVENTS: u64 = 5_000_000;

/// Runs a scenario to its end. Calls `observe` with the time of each fact, µs, and the fact.
#[track_caller]
pub fn observe(scenario: &Scenario, mut observe: impl FnMut(u64, &Fact)) -> Run {
    assert_eq!(scenario.validate(), Ok(()));
    let mut run = Run::new(scenario);
    let is_over =
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| observe(record.at, &record.fact));
    assert!(is_over && run.engine().halt().is_none(), "the run ends");
    run
}

/// Runs a scenario to its end.
#[track_caller]
pub fn run(scenario: &Scenario) -> Run {
    observe(scenario, |_, _| {})
}

/// Runs a scenario to its end. Returns the run, and each fact with its time, µs.
#[track_caller]
pub fn run_with_facts(scenario: &Scenario) -> (Run, Vec<(u64, Fact)>) {
    let mut facts = Vec::new();
    let run = observe(scenario, |at, fact| facts.push((at, fact.clone())));
    (run, facts)
}

/// Returns what the clients of a scenario requested, and the replies that they received.
pub fn history(scenario: &Scenario) -> History {
    let mut recorder = HistoryRecorder::default();
    let mut run = Run::new(scenario);
    for record in run.engine().trace().since(0) {
        recorder.observe(record);
    }
    run.advance(micros(scenario.until_ms), MAX_EVENTS, &mut |record, _, _| recorder.observe(record));
    let names = run.engine().names();
    recorder.history(|key| names.key(key).into(), |by, session| format!("{} {session}", names.node(by)))
}

#[track_caller]
pub fn node(run: &Run, id: &str) -> NodeId {
    run.engine().names().find_node(id).expect("a node")
}

/// Runs the engine of a scenario to its end. Returns all records. Messages and events must be conserved.
#[track_caller]
pub fn all_records(scenario: &Scenario) -> Vec<Record> {
    assert_eq!(scenario.validate(), Ok(()));
    let mut engine = Engine::new(scenario, Level::Full);
    assert!(engine.run_until(micros(scenario.until_ms), MAX_EVENTS), "the run ends");
    assert!(engine.messages().conserved());
    assert!(engine.bus_events().all(|events| events.conserved()));
    engine.trace().since(0).cloned().collect()
}
