//! The guarantees that each example keeps over many seeds, as theory predicts.

mod lost_disks;
mod lost_updates;
mod purged_tombstones;

use converge::analysis::InvariantStatus;
use converge::analysis::check::{self, GUARANTEES, Guarantee, Verdict};
use converge::analysis::history::{History, HistoryRecorder};
use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Scenario, micros};
use converge::session::Run;

/// The seeds besides the example's own.
const SEEDS: std::ops::Range<u64> = 1..40;
/// Maximum number of steps of a search.
const BUDGET: u64 = 300_000;

/// Returns the history of a run, and the number of lost updates.
fn history(scenario: &Scenario) -> (History, u64) {
    let mut recorder = HistoryRecorder::default();
    let mut run = Run::new(scenario);
    for record in run.engine().trace().since(0) {
        recorder.observe(record);
    }
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| recorder.observe(record));
    let names = run.engine().names();
    let recorded = recorder.history(|key| names.qualified_key(key), |by, _| names.label(by).into());
    (recorded, run.analysis().lost.count())
}

/// Summarises the verdicts of all seeds: H all hold, V all violated, U all unknown, S some violated and some hold, ? some unknown.
fn summary(verdicts: &[Verdict]) -> char {
    let count = |which: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| which(verdict)).count();
    let holds = count(|verdict| matches!(verdict, Verdict::Holds));
    let violated = count(|verdict| matches!(verdict, Verdict::Violated(_)));
    match (holds, violated, verdicts.len() - holds - violated) {
        (_, 0, 0) => 'H',
        (0, _, 0) => 'V',
        (0, 0, _) => 'U',
        (_, _, 0) => 'S',
        _ => '?',
    }
}

/// By example: the summaries of its verdicts in the order of `GUARANTEES` (linearizable, sequential, regular, causal, session, read
/// your writes, monotonic reads, monotonic writes, writes follow reads, no lost update); whether groups lose acknowledged updates
/// in all, some or none of the runs; and the reason. A guarantee that no operation could have violated is unknown. In the examples
/// that are not listed, no client reads, so all are unknown.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("first-update", "UUUUUUUUUU", "none", "no operation runs before the visitor issues one"),
    (
        "inventory-orders",
        "VHVHUUHHUH",
        "none",
        "a read of a copy is stale after the acknowledgement; the copy applies updates in order",
    ),
    ("duplicate-delivery", "UUUUUUUUUU", "none", "a counter; the doubled copy is never read"),
    ("kafka-commit", "UUUUUUUUUU", "none", "as above"),
    (
        "retry-storm",
        "HHHHUUHUHH",
        "none",
        "compare-and-set at one service is linearizable, which implies the weaker guarantees",
    ),
    ("retry-storm-jitter", "HHHHUUHUHH", "none", "as above"),
    (
        "cart-last-writer-wins",
        "UUUUUUUUUU",
        "lost",
        "two blind puts on both sides of a cut: the later clock wins, and no read happens in between",
    ),
    ("cart-siblings", "UUUUUUUUUU", "none", "siblings are not a register; no update is lost"),
    ("cart-or-set", "UUUUUUUUUU", "none", "a set: regular is defined for registers"),
    ("global-table-skew", "UUUUUUUUUU", "lost", "last writer wins under skew: the write of the lagging clock loses"),
    ("cassandra-hints", "SHSS?UHSUH", "none", "ONE reads before hints are delivered: R + W > N does not hold"),
    ("quorum-inversion", "VHHHUUUUUU", "none", "a strict quorum is regular and not atomic"),
    (
        "read-your-writes",
        "VVVVVVUUUV",
        "none",
        "a nearby asynchronous replica lacks the write; the last read shows it as lost",
    ),
    ("failover-loss", "UUUUUUUUUU", "lost", "the old primary's acknowledged writes are rolled back"),
    ("raft-and-quorum", "VHVHHHHHHH", "lost", "the leaderless half has R = W = 1; another test checks Raft alone"),
    ("two-phase-services", "HHUHUUHHUU", "none", "a counter that is locked until the decision"),
    (
        "raft-to-views",
        "SSSS?USSUS",
        "none",
        // Each is violated with some seeds and holds with others, whose few reads meet no stale member.
        // Session is unknown where it is not violated, since two of its parts are.
        // Linearizable, regular: a view lags behind its order, so a read misses an acknowledged write.
        // Sequential, monotonic reads: after its restart, view 1 lacks what it missed until the hints arrive, and the next
        // read of an order goes to any member. Causal, session, monotonic writes: the same between two orders.
        // Read your writes, writes follow reads: the shop never reads and the reader never writes.
        // No lost update: the last read of an order is such a stale one; no write is discarded.
        "views follow by events, and a member that was down lacks some writes until the hints arrive",
    ),
    (
        "simpledb-2010",
        "VVVVVUVHUH",
        "none",
        // Monotonic writes: each copy holds one key and applies its writes in order, since they are a second apart. No lost
        // update: the last read is issued a second after the last write, which all copies have by then.
        "reads of random copies, which lag by half a second; the writer never reads, and the readers never write",
    ),
    (
        "zombie-delete",
        "UUUUUUUUUU",
        "lost",
        "a tombstone is purged while a member is away, and the older value comes back",
    ),
    ("oversold", "UUUUUUUUUU", "lost", "both purchases are acknowledged, and one is lost"),
    ("oversold-strong", "HHHHUUUUUU", "none", "compare-and-set through Raft"),
    ("bank-transfer", "HHUHUUUHHU", "none", "both clients read before both transfers, and increments commute"),
    ("bank-transfer-strong", "HHHHUUUU?U", "none", "what was read is fresh; not every session guarantee has a case"),
    ("viewing-history", "HHHH???HHU", "none", "what was read is fresh; not every session guarantee has a case"),
    ("quorum-write-back", "HHHHUUUUUU", "none", "what was read is fresh; not every session guarantee has a case"),
    ("read-your-writes-token", "HHHHUHUUUH", "none", "what was read is fresh; not every session guarantee has a case"),
    ("two-phase-blocked", "HHHHUUUHUH", "none", "what was read is fresh; not every session guarantee has a case"),
];

#[test]
fn every_example_keeps_exactly_the_guarantees_that_theory_predicts() {
    let mut wrong = Vec::new();
    for example in EXAMPLES {
        let scenario = example.scenario();
        let seeds = std::iter::once(scenario.seed).chain(SEEDS);
        let runs = seeds.map(|seed| history(&Scenario { seed, ..scenario.clone() }));
        let runs: Vec<(History, u64)> = runs.collect();
        let verdicts =
            |guarantee| runs.iter().map(|(history, _)| check::check(history, guarantee, BUDGET)).collect::<Vec<_>>();
        let summaries: String = GUARANTEES.iter().map(|(_, guarantee)| summary(&verdicts(*guarantee))).collect();
        let lost = match runs.iter().filter(|(_, lost)| *lost > 0).count() {
            0 => "none",
            n if n == runs.len() => "lost",
            _ => "some",
        };
        let expected = EXPECTED.iter().find(|(id, ..)| *id == example.id);
        let (_, expected_summaries, expected_lost, why) =
            expected.unwrap_or(&("", "UUUUUUUUUU", "none", "no client reads"));
        if (summaries.as_str(), lost) != (expected_summaries, expected_lost) {
            let expected = format!("{expected_summaries} {expected_lost}: {why}");
            wrong.push(format!("{}: {summaries} {lost}, not {expected}", example.id));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let unknown = EXPECTED.iter().find(|(id, ..)| EXAMPLES.iter().all(|example| example.id != *id));
    assert_eq!(unknown, None, "an expectation names a missing example");
}

#[test]
fn under_the_same_cut_raft_is_linearizable_and_the_leaderless_group_is_not() {
    let example = EXAMPLES.iter().find(|example| example.id == "raft-and-quorum").expect("an example").scenario();
    for seed in SEEDS {
        let (history, _) = history(&Scenario { seed, ..example.clone() });
        let verdict_on = |key: &str| {
            let mut part = history.clone();
            part.operations.retain(|operation| history.keys[operation.key as usize] == key);
            assert!(part.operations.len() > 30, "seed {seed}: {key} has many operations");
            check::check(&part, Guarantee::Linearizable, BUDGET)
        };
        assert_eq!(verdict_on("raft/x"), Verdict::Holds, "seed {seed}");
        assert!(matches!(verdict_on("quorum/x"), Verdict::Violated(_)), "seed {seed}");
    }
}

/// Returns the status of invariants at the end of an example.
fn invariant_statuses(example: &str, seed: u64, invariants: &[&str]) -> Vec<InvariantStatus> {
    let original = EXAMPLES.iter().find(|other| other.id == example).expect("an example").scenario();
    let invariants = invariants.iter().map(ToString::to_string).collect();
    let scenario = Scenario { seed, invariants, ..original };
    scenario.validate().expect("a valid scenario");
    let mut run = Run::new(&scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    run.invariants()
}

#[test]
fn a_violated_invariant_names_the_time_the_nodes_and_the_values() {
    for seed in SEEDS {
        let same = "inventory.widget == notification.widget";
        let when = format!("{same} when quiescent");
        let found = invariant_statuses(
            "inventory-notification",
            seed,
            &[same, &when, "widget >= 42", "behind(widget) <= 3", "other == 1"],
        );
        let InvariantStatus::Violated { at, values, nodes, recovered: true } = &found[0] else {
            panic!("seed {seed}: {found:?}")
        };
        assert!((300_000..400_000).contains(at), "seed {seed}: the first write is at 300 ms: {at}");
        assert_eq!(values.get(), "widget at Inventory is 48, widget at Notification is 50", "seed {seed}");
        assert_eq!(nodes.len(), 2, "seed {seed}");
        assert_eq!(
            found[1..],
            [InvariantStatus::Holds, InvariantStatus::Holds, InvariantStatus::Holds, InvariantStatus::Unknown],
            "seed {seed}"
        );
        // A lost event is still missing when the run is quiescent.
        let found = invariant_statuses("lost-event", seed, &[&when]);
        assert!(matches!(found[..], [InvariantStatus::Violated { recovered: false, .. }]), "seed {seed}: {found:?}");
        let found = invariant_statuses("inventory-notification", seed, &["behind(notification.widget) < 1"]);
        let InvariantStatus::Violated { values, .. } = &found[0] else { panic!("seed {seed}: {found:?}") };
        assert_eq!(values.get(), "widget at Notification is 50 (1 behind)", "seed {seed}");
        // The invariant must hold for every sibling, and a group means each of its members.
        let found = invariant_statuses(
            "cart-siblings",
            seed,
            &["count(cart) <= 2 when quiescent", "cart != absent when quiescent"],
        );
        assert!(
            matches!(found[0], InvariantStatus::Violated { .. }),
            "seed {seed}: the cart contains three items at the end: {found:?}"
        );
    }
}

#[test]
fn an_invariant_that_is_false_after_the_last_record_is_violated_since_then_and_not_since_the_end() {
    let document = |until_ms: u32, invariant: &str| {
        serde_json::json!({
            "converge": 1,
            "until_ms": until_ms,
            "services": [
                { "id": "orders", "data": { "status": 0 }, "publishes": [{ "to": "q" }] },
                { "id": "stock", "data": { "status": 0 }, "subscribes": [{ "to": "q", "acknowledge": "never" }] },
            ],
            "buses": [{ "id": "q" }],
            "links": [{ "from": "q", "to": "stock", "loss": 1.0 }],
            "script": [{
                "at_ms": 100,
                "do": { "operate": { "service": "orders", "operation": { "write": { "key": "status", "value": 1 } } } },
            }],
            "invariants": [invariant],
        })
    };
    for (invariant, at_ms) in [("orders.status == stock.status when quiescent", 111), ("orders.status < 1", 101)] {
        for until_ms in [2000, 60_000] {
            let text = document(until_ms, invariant).to_string();
            let scenario = Scenario::from_json(&text).expect("a valid scenario");
            let run = crate::common::runs::run(&scenario);
            let found = run.invariants();
            let InvariantStatus::Violated { at, .. } = found[0] else { panic!("{found:?}") };
            assert_eq!(at, at_ms * 1000, "{invariant} until {until_ms}");
        }
    }
}
