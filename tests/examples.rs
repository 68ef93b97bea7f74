//! Each example behaves as its description states, with every seed.

mod groups;
mod messaging;
mod verdicts;

use converge::analysis::{CopyState, InvariantStatus};
use converge::scenario::examples::{self, EXAMPLES};
use converge::scenario::{Command, Operation, Scenario, Value, micros};
use converge::session::{Run, reasons};
use converge::trace::{Fact, NodeId, OperationKind, Outcome, Record, Refusal};

const SEEDS: std::ops::Range<u64> = 0..200;

fn example(id: &str, seed: u64) -> Scenario {
    Scenario { seed, ..examples::find(id).expect("an example").scenario() }
}

/// Runs a scenario to its end and passes each record to `on_record`.
fn finished(scenario: &Scenario, mut on_record: impl FnMut(&Record)) -> Run {
    let mut run = Run::new(scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| on_record(record));
    run
}

/// Returns the outcome and the latency of each write.
fn writes(scenario: &Scenario) -> Vec<(Outcome, u64)> {
    let mut issued = std::collections::BTreeMap::new();
    let mut ended = Vec::new();
    finished(scenario, |record| match &record.fact {
        Fact::OperationIssued { operation, kind: OperationKind::Write, .. } => {
            issued.insert(*operation, record.at);
        }
        Fact::OperationEnded { operation, outcome } => {
            ended.extend(issued.remove(operation).map(|at| (*outcome, record.at - at)));
        }
        _ => {}
    });
    ended
}

/// Returns the value of a group's key at each member.
fn held(run: &Run, group: &str, key: &str, members: &[&str]) -> Vec<Option<Value>> {
    let names = run.engine().names();
    let key = names.find_key(names.find_node(group), key).expect("a key");
    let at = |id: &&str| run.analysis().staleness.copy(names.find_node(id).expect("a node"), key).expect("a copy");
    let held = |id: &&str| at(id).held_at(names.find_node(id).expect("a node")).and_then(|held| held.value.clone());
    members.iter().map(held).collect()
}

#[test]
fn every_example_keeps_its_promises_with_every_seed() {
    for example in EXAMPLES {
        for seed in SEEDS {
            let scenario = Scenario { seed, ..example.scenario() };
            let run = finished(&scenario, |_| {});
            let missed = run.missed(&scenario.promises);
            assert_eq!(missed, Vec::<String>::new(), "{} with seed {seed}", example.id);
            assert!(run.engine().messages().conserved(), "{} with seed {seed}", example.id);
        }
    }
}

#[test]
fn first_update_makes_the_copy_stale_until_its_event_arrives() {
    for seed in SEEDS {
        let scenario = example("first-update", seed);
        let mut run = Run::new(&scenario);
        let notification = run.engine().names().find_node("notification").expect("a node");
        let operation = Operation::Write { key: "widget".into(), value: Value::Int(49) };
        run.act(Command::Operate { service: "inventory".into(), operation, poison: false }, &mut |_, _, _| {})
            .expect("a command");
        let mut states = Vec::new();
        run.advance(micros(5000.0), u64::MAX, &mut |_, analysis, _| {
            let state = analysis.staleness.state(notification);
            if states.last() != Some(&state) {
                states.push(state);
            }
        });
        assert_eq!(states, [CopyState::Consistent, CopyState::Stale, CopyState::Consistent], "seed {seed}");
        let (_, window) = run.analysis().staleness.last_window().expect("a window");
        assert!((100_000..4_000_000).contains(&window), "window {window} µs, seed {seed}");
    }
}

#[test]
fn asynchronous_writes_answer_at_once_and_leave_the_copy_stale() {
    for seed in SEEDS {
        let scenario = example("inventory-notification", seed);
        let ended = writes(&scenario);
        assert_eq!(ended.len(), 3, "seed {seed}");
        assert!(
            ended.iter().all(|(outcome, took)| *outcome == Outcome::Ok && *took < 20_000),
            "{ended:?}, seed {seed}"
        );
        let run = finished(&scenario, |_| {});
        let (_, window) = run.analysis().staleness.last_window().expect("a window");
        assert!(window > 50_000, "window {window} µs, seed {seed}");
    }
}

#[test]
fn synchronous_writes_leave_no_stale_copy_but_fail_while_a_callee_is_down() {
    for seed in SEEDS {
        let scenario = example("inventory-notification-sync", seed);
        let mut stale = false;
        let mut silent = 0;
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, analysis, _| {
            stale |= analysis.staleness.stale() + analysis.staleness.diverged() > 0;
            silent += u32::from(matches!(record.fact, Fact::OperationRefused { cause: Refusal::CalleeSilent, .. }));
        });
        assert!(!stale, "seed {seed}");
        assert_eq!(silent, 1, "seed {seed}");
        let ended = writes(&scenario);
        let outcomes: Vec<Outcome> = ended.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Outcome::Ok, Outcome::Unknown, Outcome::Ok], "seed {seed}");
        assert!(ended[1].1 >= 800_000, "the write during the crash took {} µs, seed {seed}", ended[1].1);
        assert!(
            ended[0].1 > 100_000,
            "a write waits for the whole chain of calls, took {} µs, seed {seed}",
            ended[0].1
        );
    }
}

#[test]
fn before_fails_where_after_is_stale_with_the_same_random_numbers() {
    for seed in SEEDS {
        let document = example("before-and-after", seed);
        let [after, before] = ["After", "Before"].map(|name| document.of_branch(Some(name)).expect("a branch"));
        assert_eq!(document.of_branch(None).expect("a branch is open at the start"), after);
        let mut was_stale = [false; 2];
        let mut times = Vec::new();
        for (branch, stale) in [&after, &before].into_iter().zip(&mut was_stale) {
            let mut run = Run::new(branch);
            run.advance(micros(branch.until_ms), u64::MAX, &mut |_, analysis, _| {
                *stale |= analysis.staleness.stale() > 0;
            });
            assert_eq!(run.missed(&branch.promises), Vec::<String>::new(), "seed {seed}");
            times.push(writes(branch));
        }
        assert_eq!(was_stale, [true, false], "seed {seed}");
        assert!(times[0].iter().all(|(outcome, _)| *outcome == Outcome::Ok), "seed {seed}: {times:?}");
        assert_eq!(times[1].iter().filter(|(outcome, _)| *outcome != Outcome::Ok).count(), 1, "seed {seed}: {times:?}");
        // The client's messages of the first write take equally long in both branches; the call is additional.
        assert!(times[1][0].1 > times[0][0].1 + 200_000, "seed {seed}: {times:?}");
    }
}

#[test]
fn order_status_follows_inventory_even_if_orders_crashes() {
    for seed in SEEDS {
        let scenario = example("inventory-orders", seed);
        let mut statuses = Vec::new();
        let orders = NodeId(1);
        let run = finished(&scenario, |record| {
            if let Fact::UpdateApplied { node, value, changed: true, .. } = &record.fact {
                assert_eq!(*node, orders);
                statuses.push(value.to_string());
            }
        });
        assert_eq!(statuses, ["reserved", "packed", "shipped"], "seed {seed}");
        assert!(
            writes(&scenario).iter().all(|(outcome, took)| *outcome == Outcome::Ok && *took < 20_000),
            "seed {seed}"
        );
        let shopper = run.engine().names().find_node("shopper").expect("a node");
        let tally = run.analysis().operations.get(shopper).expect("reads");
        assert!(tally.stale_reads > 0 && tally.stale_reads < tally.reads, "{tally:?}, seed {seed}");
        assert!(tally.unknown > 0, "reads while Orders is down have no answer: {tally:?}, seed {seed}");
    }
}

#[test]
fn jitter_reduces_calls_and_time() {
    let (mut calls, mut ends) = ([0u64; 2], [0u64; 2]);
    for seed in SEEDS.take(20) {
        for (i, id) in ["retry-storm", "retry-storm-jitter"].into_iter().enumerate() {
            finished(&example(id, seed), |record| match record.fact {
                Fact::OperationIssued { kind: OperationKind::CompareAndSet, .. } => calls[i] += 1,
                Fact::UpdateCommitted { .. } => ends[i] += record.at / 60,
                _ => {}
            });
        }
    }
    assert!(calls[1] * 3 < calls[0] * 2, "{calls:?}");
    assert!(ends[1] * 3 < ends[0], "{ends:?}");
}
