use super::*;
use crate::analysis::jepsen::{self, ReadOptions};
use crate::scenario::{examples::EXAMPLES, micros};
use crate::session::export;
use crate::session::seekable_run::SeekableRun;
use crate::trace::{CHUNK, KeyId, Level, OperationKind};
use std::cell::Cell;

fn loaded(scenario: &Scenario) -> SeekableRun {
    SeekableRun::start(scenario.clone(), Vec::new())
}

#[test]
fn verdicts_kept_during_a_run_equal_verdicts_computed_once() {
    let mut violated = 0;
    for example in EXAMPLES {
        let scenario = example.scenario();
        let end = micros(scenario.until_ms);
        let mut follows = loaded(&scenario);
        // Forwards in steps, back, and forwards again.
        for part in [1, 2, 3, 5, 6, 8, 4, 7, 8] {
            let at = end / 8 * part;
            follows.seek(at);
            let mut once = loaded(&scenario);
            once.seek(at);
            // The first checks in slices: one part of the work each.
            let sliced = |follows: &mut SeekableRun| {
                let has_worked = Cell::new(false);
                verdicts(&follows.run, &scenario, &mut follows.checks, None, &|| has_worked.replace(true))
            };
            let found = (0..10_000).find_map(|_| sliced(&mut follows)).expect("each slice makes progress");
            let at_once = verdicts(&once.run, &scenario, &mut once.checks, None, &|| false).expect("no pause");
            assert_eq!(found, at_once, "{} at {at} µs", example.id);
            violated += found.iter().filter(|finding| finding.status == VerdictStatus::Violated).count();
        }
    }
    assert!(violated > 100, "{violated}");
}

/// Compares the verdicts of the page with those of `check` on the exported history. Returns the differences, and how many are
/// decided.
fn compared(id: &str, scenario: &Scenario) -> (Vec<String>, u32) {
    let (mut differing, mut decided) = (Vec::new(), 0);
    let mut follows = loaded(scenario);
    follows.seek(micros(scenario.until_ms));
    let page = verdicts(&follows.run, scenario, &mut follows.checks, None, &|| false).expect("no pause");
    let text = export::history(&follows.checks.recorder, &follows.run);
    if text.is_empty() {
        return (differing, decided);
    }
    let (history, _) = jepsen::read(&text, &ReadOptions::default()).expect(id);
    for (name, guarantee) in GUARANTEES.iter().filter(|(_, guarantee)| *guarantee != Guarantee::Session) {
        let shown = page.iter().find(|view| view.title == title(*guarantee)).expect("a verdict");
        let (status, why) = match check::check(&history, *guarantee, BUDGET) {
            Verdict::Holds => (VerdictStatus::Holds, String::new()),
            Verdict::Violated(witness) => (VerdictStatus::Violated, witness.sentence),
            Verdict::Unknown(why) => (VerdictStatus::Unknown, why),
        };
        decided += u32::from(status != VerdictStatus::Unknown);
        if status != shown.status {
            let (seed, page) = (scenario.seed, (shown.status, &shown.because));
            differing.push(format!("{id}, seed {seed}: {name}: {status:?} {why}, page: {page:?}"));
        }
    }
    (differing, decided)
}

#[test]
fn the_check_of_an_exported_history_gives_the_verdicts_of_the_page() {
    let (mut differing, mut decided) = (Vec::new(), 0);
    let crash = r#"{ "at_ms": 3000, "do": { "crash": { "service": "a", "lose_disk": true } } }"#;
    // A write that is executed twice; then also a disk that is lost with the only copy.
    for script in ["", crash] {
        let text = format!(
            r#"{{ "converge": 1, "until_ms": 9000, "services": [{{ "id": "a" }}], "script": [{script}],
                "clients": [{{ "id": "c", "target": "a", "timeout_ms": 300, "attempts": 3, "script": [
                    {{ "at_ms": 500, "do": {{ "write": {{ "key": "x", "value": 7 }} }} }},
                    {{ "at_ms": 2000, "do": {{ "read": {{ "key": "x" }} }} }}] }}],
                "links": [{{ "from": "c", "to": "a", "latency": {{ "constant": {{ "ms": 200 }} }} }}] }}"#
        );
        differing.extend(compared(script, &Scenario::from_json(&text).expect("a scenario")).0);
    }
    for example in EXAMPLES {
        for seed in [example.scenario().seed, 1, 2] {
            let found = compared(example.id, &Scenario { seed, ..example.scenario() });
            differing.extend(found.0);
            decided += found.1;
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(decided > 200, "{decided}");
}

#[test]
fn copies_are_judged_while_a_dense_run_plays_on_between_the_slices() {
    let scenario = crate::scenario::examples::find("feed-fan-out").expect("an example").scenario();
    let mut follows = loaded(&scenario);
    follows.seek(micros(1_000.0));
    let mut judged = 0;
    for _ in 0..3_000 {
        let has_worked = Cell::new(false);
        let pauses = || has_worked.replace(true);
        if let Some(found) = verdicts(&follows.run, &scenario, &mut follows.checks, None, &pauses) {
            assert_ne!(found[0].status, VerdictStatus::Unknown, "{:?}", found[0]);
            judged += 1;
        }
        // One event for each part of the work.
        follows.step();
    }
    assert!(judged > 10, "{judged} verdicts");
}

/// Returns the verdict on convergence after a check that has given up.
fn convergence_given_up(follows: &mut SeekableRun, scenario: &Scenario) -> VerdictView {
    let SeekableRun { run, checks, .. } = follows;
    checks.check_guarantees(&run.context(scenario), &|| false).expect("no pause");
    let round = checks.round.as_mut().expect("the checks have begun");
    round.convergence = Some(ConvergenceCheck::given_up(run, scenario));
    verdicts(run, scenario, checks, None, &|| false).expect("no pause").swap_remove(0)
}

#[test]
fn a_verdict_that_is_shown_again_because_the_run_continues_too_fast_keeps_its_reason() {
    let scenario = crate::scenario::examples::find("lost-event").expect("an example").scenario();
    let mut follows = loaded(&scenario);
    follows.seek(micros(scenario.until_ms));
    let found = verdicts(&follows.run, &scenario, &mut follows.checks, None, &|| false).expect("no pause");
    // The explained copies are the reasons.
    assert_eq!((found[0].status, found[0].because.as_str()), (VerdictStatus::Violated, ""));
    assert!(found[1].node.is_some(), "{:?}", found[1]);
    let again = convergence_given_up(&mut follows, &scenario);
    assert_eq!((again.status, &again.title), (VerdictStatus::Violated, &found[0].title));
    assert!(again.because.contains("Notification lacks widget"), "{again:?}");
}

#[test]
fn a_run_that_continues_too_fast_has_no_verdict_to_show_again() {
    let scenario = crate::scenario::examples::find("lost-event").expect("an example").scenario();
    let mut follows = loaded(&scenario);
    let unknown = convergence_given_up(&mut follows, &scenario);
    assert_eq!(unknown.status, VerdictStatus::Unknown);
    assert!(unknown.because.contains("continues faster"), "{unknown:?}");
    assert_eq!(follows.checks.convergence, None);
}

fn read_issued(operation: u32) -> Fact {
    let (by, to, kind, key) = (NodeId(1), NodeId(0), OperationKind::Read, KeyId(0));
    Fact::OperationIssued {
        operation: OperationId(operation),
        by,
        session: 0,
        to,
        kind,
        key,
        value: None,
        expected: None,
    }
}

#[test]
fn observed_operations_stay_known_when_the_trace_discards_them() {
    let (mut trace, mut checks) = (Trace::with_limit(Level::Full, CHUNK), GuaranteeChecks::default());
    let (mut issued, mut late) = (0, GuaranteeChecks::default());
    while trace.oldest() == 0 {
        for _ in 0..CHUNK / 2 {
            trace.push(u64::from(issued), read_issued(issued));
            issued += 1;
        }
        checks.observe(&trace, &|| false);
    }
    // Observing twice changes nothing.
    checks.observe(&trace, &|| false);
    assert_eq!((checks.issued.len() as u32, checks.missed), (issued, false));
    late.observe(&trace, &|| false);
    assert!(late.missed && (late.issued.len() as u32) < issued, "a late observer misses the beginning");
}
