//! The convergence verdict at one instant against what happens later: on random systems with faults, and by symptom.

mod cases;
mod found;
mod publications;
mod systems;

use crate::common::random;
use crate::common::random::random_tests;
use converge::analysis::Convergence;
use converge::scenario::{Scenario, Value, micros};
use converge::session::Run;
use converge::trace::UpdateId;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use systems::{
    Choices, calls, choices, group, limited_queue, log, messaging, replicated_bus, rumors, shared_log, sloppy_group,
};

/// When the verdicts are taken, ms: after all writes and the beginnings of all faults.
const VERDICTS_MS: [f64; 3] = [2_050.0, 2_400.0, 3_500.0];
/// The end, ms. All faults that the script heals are healed by 6 s.
const END_MS: f64 = 60_000.0;

/// The values of the copies of each key at services that are up.
type Values = BTreeMap<u32, BTreeMap<u32, Option<Value>>>;

fn values(run: &Run, scenario: &Scenario) -> Values {
    let mut all = Values::new();
    for service in &scenario.services {
        let node = crate::common::runs::node(run, &service.id);
        if run.analysis().faults.is_stopped(node) {
            continue;
        }
        for (key, copy) in run.analysis().staleness.copies_of(node) {
            let value = copy.held().and_then(|held| held.value.clone());
            all.entry(key.0).or_default().insert(node.0, value);
        }
    }
    all
}

fn are_equal(values: &Values) -> bool {
    values.values().all(|copies| copies.values().all(|value| Some(value) == copies.values().next()))
}

/// Returns the number of updates so far.
fn updates(run: &Run) -> usize {
    // Some were never committed.
    (0..1000).filter(|id| run.analysis().updates.get(UpdateId(*id)).is_some()).count()
}

/// Returns when the script causes faults after the first verdict, ms.
fn late_faults(document: &Json) -> Vec<f64> {
    let faults = ["cut_link", "crash", "pause", "stop_bus", "stop_broker"];
    let steps = document["script"].as_array().into_iter().flatten();
    let is_fault = |step: &&Json| faults.iter().any(|fault| step["do"].get(fault).is_some());
    let mut times: Vec<f64> = steps.filter(is_fault).filter_map(|step| step["at_ms"].as_f64()).collect();
    times.retain(|at_ms| *at_ms > VERDICTS_MS[0]);
    times.sort_by(f64::total_cmp);
    times
}

/// A verdict, and the state of the run at its time.
struct Judgement {
    at_ms: f64,
    verdict: Convergence,
    values: Values,
    updates: usize,
    pending: usize,
}

impl Judgement {
    fn of(run: &Run, scenario: &Scenario, at_ms: f64) -> Self {
        Judgement {
            at_ms,
            verdict: run.convergence(scenario),
            values: values(run, scenario),
            updates: updates(run),
            pending: run.analysis().operations.pending(),
        }
    }

    /// Returns whether the verdict is wrong about the end. `consistent` are times, before faults of the script, at which all
    /// copies were consistent.
    fn is_wrong(&self, end: &Judgement, consistent: &[f64], late: &[f64]) -> bool {
        let has_faults_later = late.iter().any(|at| *at > self.at_ms);
        let is_later = self.pending > 0 || self.updates != end.updates;
        match &self.verdict {
            Convergence::Converged if has_faults_later => false,
            Convergence::Converged => {
                let changed = |(key, copies): (&u32, &BTreeMap<u32, Option<Value>>)| {
                    copies.iter().any(|(node, value)| {
                        end.values.get(key).and_then(|copies| copies.get(node)).is_some_and(|after| after != value)
                    })
                };
                self.values.iter().any(changed) || matches!(end.verdict, Convergence::WillNotConverge(_))
            }
            // A pending operation may end in any way, and a request under way may become a new update.
            Convergence::Converging(_) | Convergence::WillNotConverge(_) if is_later => false,
            Convergence::Converging(waiting) if waiting.is_empty() => false,
            // It converged before the script caused the next fault.
            Convergence::Converging(_) if consistent.iter().any(|at| *at > self.at_ms) => false,
            // The copies are equal at last, also if no update was ever acknowledged.
            Convergence::Converging(_) if matches!(end.verdict, Convergence::Unknown(_)) => !are_equal(&end.values),
            Convergence::Converging(_) => !matches!(end.verdict, Convergence::Converged),
            Convergence::WillNotConverge(_) => matches!(end.verdict, Convergence::Converged),
            Convergence::Unknown(_) => false,
        }
    }
}

/// Compares the verdicts with what happens later.
fn contradiction(document: &Json) -> Option<String> {
    let scenario = match Scenario::from_json(&document.to_string()) {
        Ok(scenario) => scenario,
        Err(errors) => panic!("{document}: {errors:?}"),
    };
    let mut run = Run::new(&scenario);
    let late = late_faults(document);
    let mut instants: Vec<(f64, bool)> = VERDICTS_MS.map(|at_ms| (at_ms, true)).to_vec();
    instants.extend(late.iter().map(|at_ms| (at_ms - 0.001, false)));
    instants.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut judgements, mut consistent) = (Vec::new(), Vec::new());
    for (at_ms, is_judged) in instants {
        run.advance(micros(at_ms), u64::MAX, &mut |_, _, _| {});
        if is_judged {
            judgements.push(Judgement::of(&run, &scenario, at_ms));
        } else if run.analysis().staleness.stale() + run.analysis().staleness.diverged() == 0 {
            consistent.push(at_ms);
        }
    }
    run.complete(micros(scenario.until_ms));
    if run.engine().halt().is_some() {
        return Some("halted".into());
    }
    let end = Judgement::of(&run, &scenario, scenario.until_ms);
    let finally = format!("finally {:?} {:?}", end.verdict, end.values);
    if matches!(end.verdict, Convergence::Converged) && !are_equal(&end.values) {
        return Some(format!("converged with different values: {finally}"));
    }
    if matches!(end.verdict, Convergence::Converging(_)) {
        return Some(format!("converging for ever: {finally}"));
    }
    let wrong = judgements.into_iter().find(|judgement| judgement.is_wrong(&end, &consistent, &late));
    wrong.map(|Judgement { at_ms, verdict, values, .. }| format!("at {at_ms} ms {verdict:?} {values:?}, {finally}"))
}

fn check(document: &Json) -> Result<(), TestCaseError> {
    let found = contradiction(document);
    prop_assert!(found.is_none(), "{document}\n{}", found.unwrap_or_default());
    Ok(())
}

/// A kind of random systems.
type System = fn(&Choices) -> Json;

/// The reason of a verdict that is unknown because nothing has happened yet.
const NOTHING_YET: &str = "no update has been acknowledged yet";

/// The share of verdicts that are unknown although an update was acknowledged, of the corpus.
fn unknown_share(document: System, has_late_faults: bool) -> f64 {
    let mut runner = TestRunner::new(random::corpus(512));
    let (mut unknown, mut all) = (0.0, 0.0);
    for _ in 0..256 {
        let mut drawn = choices().new_tree(&mut runner).expect("choices").current();
        if !has_late_faults {
            drawn.late_faults.clear();
        }
        let scenario = Scenario::from_json(&document(&drawn).to_string()).expect("a valid scenario");
        let mut run = Run::new(&scenario);
        for at_ms in VERDICTS_MS {
            run.advance(micros(at_ms), u64::MAX, &mut |_, _, _| {});
            match run.convergence(&scenario) {
                Convergence::Unknown(NOTHING_YET) => continue,
                Convergence::Unknown(_) => unknown += 1.0,
                Convergence::Converged | Convergence::Converging(_) | Convergence::WillNotConverge(_) => {}
            }
            all += 1.0;
        }
    }
    unknown / all
}

/// An unknown verdict is never wrong, so the tests below would pass if all were unknown. Faults that the script causes later make
/// more verdicts unknown.
#[test]
fn the_share_of_unknown_verdicts_does_not_grow() {
    let systems: [(System, f64, f64); 4] =
        [(messaging, 0.025, 0.04), (group, 0.02, 0.035), (calls, 0.03, 0.03), (replicated_bus, 0.045, 0.06)];
    for (document, most, most_with_late_faults) in systems {
        let (share, with_late_faults) = (unknown_share(document, false), unknown_share(document, true));
        assert!(share < most, "{share} of the verdicts are unknown");
        assert!(with_late_faults < most_with_late_faults, "{with_late_faults} of the verdicts are unknown");
    }
}

random_tests! {
    random_systems, 512;

    #[test]
    fn the_verdict_on_messaging_agrees_with_what_happens_later(choices in choices()) {
        check(&messaging(&choices))?;
    }

    #[test]
    fn the_verdict_on_a_group_agrees_with_what_happens_later(choices in choices()) {
        check(&group(&choices))?;
    }

    #[test]
    fn the_verdict_on_calls_agrees_with_what_happens_later(choices in choices()) {
        check(&calls(&choices))?;
    }

    #[test]
    fn the_verdict_on_rumors_agrees_with_what_happens_later(choices in choices()) {
        check(&rumors(&choices))?;
    }

    #[test]
    fn the_verdict_on_a_replicated_bus_agrees_with_what_happens_later(choices in choices()) {
        check(&replicated_bus(&choices))?;
    }

    #[test]
    fn the_verdict_on_a_sloppy_quorum_agrees_with_what_happens_later(choices in choices()) {
        check(&sloppy_group(&choices))?;
    }

    #[test]
    fn the_verdict_on_readers_that_share_a_log_agrees_with_what_happens_later(choices in choices()) {
        check(&shared_log(&choices))?;
    }
}

// What cannot be stored is delivered again at once, so each run is long.
random_tests! {
    random_logs, 96;

    #[test]
    fn the_verdict_on_a_limited_queue_agrees_with_what_happens_later(choices in choices()) {
        check(&limited_queue(&choices))?;
    }

    #[test]
    fn the_verdict_on_logs_agrees_with_what_happens_later(choices in choices()) {
        check(&log(&choices))?;
    }
}
