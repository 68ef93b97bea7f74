//! Sloppy quorums: a coordinator continues with the next stand-in until one answers or the preference list ends.

use super::*;
use converge::analysis::Convergence;
use converge::scenario::{Hints, micros};
use converge::session::Run;

/// How long a coordinator waits for each round of members.
const TIMEOUT_MS: f64 = 100.0;

/// Returns a group of six members, of which two are the replicas of a key, and its members in the order of the key's preference list.
fn sloppy() -> (Scenario, Vec<String>) {
    let hints = Some(Hints { every_ms: 50.0, ..Hints::default() });
    let quorum =
        Quorum { replicas: Some(2), write: 2, sloppy: true, hints, timeout_ms: TIMEOUT_MS, ..Quorum::default() };
    let mut scenario = group(6, Protocol::Quorum(quorum));
    (scenario.default_latency, scenario.until_ms) = (constant(1.0), 5_000.0);
    let mut first = None;
    let placed = Scenario { script: vec![operate(0.0, "r1", write("x", 0))], ..scenario.clone() };
    let run = observe(&placed, |_, fact| {
        if let Fact::KeyPlaced { replicas, .. } = fact {
            first = first.or(replicas.first().copied());
        }
    });
    let first = run.engine().names().node(first.expect("the key is placed")).to_string();
    let mut members = replicas(6);
    let at = members.iter().position(|member| *member == first).expect("a member");
    members.rotate_left(at);
    (scenario, members)
}

/// Stops members at the start, writes at 1 s through `coordinator`, and starts the stopped members at 2 s.
fn write_past(stopped: &[&String], coordinator: &str, mut scenario: Scenario) -> Scenario {
    scenario.script = stopped.iter().map(|member| crash(0.0, member)).collect();
    scenario.script.push(operate(1_000.0, coordinator, write("x", 1)));
    scenario.script.extend(stopped.iter().map(|member| restart(2_000.0, member)));
    scenario
}

/// Returns when the write ended, ms, and how; and the members that kept hints, in order.
fn outcome(scenario: &Scenario) -> (Vec<(u64, Outcome)>, Vec<NodeId>, Run) {
    let (mut ended, mut hints) = (Vec::new(), Vec::new());
    let run = observe(scenario, |at, fact| match fact {
        Fact::OperationEnded { outcome, .. } => ended.push((at / 1000, *outcome)),
        Fact::HintStored { node, .. } => hints.push(*node),
        _ => {}
    });
    (ended, hints, run)
}

#[test]
fn a_write_continues_with_the_next_stand_in_when_one_does_not_answer_either() {
    let (scenario, order) = sloppy();
    for silent in 0..3 {
        // The second replica and the first stand-ins are down.
        let stopped: Vec<&String> = order[1..2 + silent].iter().collect();
        let (ended, hints, run) = outcome(&write_past(&stopped, &order[0], scenario.clone()));
        // One round for the replicas, and one for each stand-in that does not answer.
        let at = 1_002 + (silent as u64 + 1) * TIMEOUT_MS as u64;
        assert_eq!(ended, [(at, Outcome::Ok)], "{silent} silent stand-ins");
        assert_eq!(hints, [node(&run, &order[2 + silent])]);
        assert_eq!(run.analysis().staleness.stale(), 0, "the hint reached the replica");
    }
}

#[test]
fn a_write_is_unknown_when_the_preference_list_ends_without_a_stand_in_that_answers() {
    let (scenario, order) = sloppy();
    let stopped: Vec<&String> = order[1..].iter().collect();
    let (ended, hints, _) = outcome(&write_past(&stopped, &order[0], scenario));
    // Five rounds: the replicas, and four stand-ins.
    assert_eq!((ended, hints), (vec![(1_000 + 5 * TIMEOUT_MS as u64, Outcome::Unknown)], vec![]));
}

#[test]
fn the_hint_of_a_coordinator_that_stands_in_itself_counts_for_the_write() {
    let (scenario, order) = sloppy();
    // All are down but the first replica and the coordinator, the last of the list.
    let stopped: Vec<&String> = order[1..5].iter().collect();
    let (ended, hints, run) = outcome(&write_past(&stopped, &order[5], scenario));
    assert_eq!(ended, [(1_000 + 4 * TIMEOUT_MS as u64, Outcome::Ok)]);
    assert_eq!(hints, [node(&run, &order[5])]);
    assert_eq!(run.analysis().staleness.stale(), 0);
}

#[test]
fn a_coordinator_contacts_members_that_answered_before_those_that_did_not() {
    let (scenario, order) = sloppy();
    let mut scenario = write_past(&[&order[1], &order[2]], &order[0], scenario);
    scenario.script.push(operate(1_500.0, &order[0], write("x", 2)));
    let (ended, ..) = outcome(&scenario);
    // The second write finds its stand-in at once.
    assert_eq!(ended, [(1_202, Outcome::Ok), (1_502, Outcome::Ok)]);
}

#[test]
fn while_a_coordinator_looks_for_a_stand_in_the_verdict_is_not_that_copies_will_not_converge() {
    let (scenario, order) = sloppy();
    let scenario = write_past(&[&order[1], &order[2], &order[3]], &order[0], scenario);
    let mut run = Run::new(&scenario);
    for at_ms in [1_050.0, 1_150.0, 1_250.0] {
        run.advance(micros(at_ms), u64::MAX, &mut |_, _, _| {});
        assert!(!matches!(run.convergence(&scenario), Convergence::WillNotConverge(_)), "at {at_ms} ms");
    }
    run.advance(micros(1_400.0), u64::MAX, &mut |_, _, _| {});
    assert!(matches!(run.convergence(&scenario), Convergence::Converging(_)), "a stand-in has the hint");
    run.advance(micros(5_000.0), u64::MAX, &mut |_, _, _| {});
    assert!(matches!(run.convergence(&scenario), Convergence::Converged));
}
