//! Which guarantees each example keeps, over many seeds, as theory says.

use converge::analysis::Stands;
use converge::analysis::check::{self, GUARANTEES, Guarantee, Verdict};
use converge::analysis::history::{History, Recorder};
use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Scenario, micros};
use converge::session::Run;

/// The seeds besides the example's own.
const SEEDS: std::ops::Range<u64> = 1..40;
/// Steps of one search.
const BUDGET: u64 = 300_000;

/// What the clients of a run asked and were told, and how many acknowledged updates were lost.
fn told(scenario: &Scenario) -> (History, u64) {
    let mut recorder = Recorder::default();
    let mut run = Run::new(scenario);
    for record in run.engine().trace().since(0) {
        recorder.observe(record);
    }
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| recorder.observe(record));
    let names = run.engine().names();
    let history = recorder.history(|key| names.key_in_full(key), |by, _| names.label(by).into());
    (history, run.analysis().lost.count())
}

/// How a guarantee stands over all seeds: H holds, V violated, U unknown in each; S violated in some and kept in others.
fn stands(verdicts: &[Verdict]) -> char {
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

/// Each example's verdicts in the order of `GUARANTEES`: linearizable, sequential, regular, causal, session, read your
/// writes, monotonic reads, monotonic writes, writes follow reads, no lost update; then whether acknowledged updates
/// of groups are lost in fact. What is not listed keeps all and loses none: few clients read there, and those that do ask the
/// one service that holds the data.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("first-update", "UUUUUUUUUU", "none", "nobody asks anything before the visitor does"),
    (
        "inventory-orders",
        "VHVHHHHHHH",
        "none",
        "a read of a copy is stale after the write was acknowledged; the copy is in order",
    ),
    ("duplicate-delivery", "HHUHHHHHHH", "none", "a counter; what is doubled is a copy, which nobody reads"),
    ("kafka-commit", "HHUHHHHHHH", "none", "as above"),
    (
        "retry-storm",
        "HHHHHHHHHH",
        "none",
        "compare-and-set at one service, which is linearizable, and so all that is weaker",
    ),
    ("retry-storm-jitter", "HHHHHHHHHH", "none", "as above"),
    (
        "cart-last-writer-wins",
        "HHHHHHHHHH",
        "lost",
        "two blind puts on both sides of a cut: the later clock wins, and nobody reads in between",
    ),
    ("cart-siblings", "UUUUUUUUUU", "none", "siblings are no register, and nothing is lost"),
    ("cart-or-set", "HHUHHHHHHH", "none", "a set: regular is said of registers here"),
    ("global-table-skew", "HHHHHHHHHH", "lost", "last writer wins under skew: the write of the lagging clock loses"),
    ("cassandra-hints", "SHSSSHHSHH", "none", "ONE reads what hints have not brought yet: R + W > N does not hold"),
    ("quorum-inversion", "VHHHHHHHHH", "none", "a strict quorum is regular and no more"),
    (
        "read-your-writes",
        "VVVVVVHHHV",
        "none",
        "an asynchronous replica nearby has not got it; to who reads last it is as good as lost",
    ),
    ("failover-loss", "HHHHHHHHHH", "lost", "the old primary's acknowledged writes are thrown away"),
    ("raft-and-quorum", "VHVHHHHHHH", "lost", "the leaderless half, R = W = 1; for Raft alone see below"),
    ("two-phase-services", "HHUHHHHHHH", "none", "a counter that is locked while it is not decided"),
    (
        "raft-to-views",
        "SHSSSHHSHS",
        "none",
        "views follow by events: a read is stale, and sees one order's change before an earlier one of another order",
    ),
    ("oversold", "HHHHHHHHHH", "lost", "both buyers are told yes, one sale is gone"),
    ("oversold-strong", "HHHHHHHHHH", "none", "compare-and-set through Raft, likewise"),
];

#[test]
fn every_example_keeps_the_guarantees_that_theory_says_and_no_others() {
    let mut wrong = Vec::new();
    for example in EXAMPLES {
        let own = example.scenario();
        let runs = std::iter::once(own.seed).chain(SEEDS).map(|seed| told(&Scenario { seed, ..own.clone() }));
        let runs: Vec<(History, u64)> = runs.collect();
        let verdicts = |of| runs.iter().map(|(history, _)| check::check(history, of, BUDGET)).collect::<Vec<_>>();
        let line: String = GUARANTEES.iter().map(|(_, guarantee)| stands(&verdicts(*guarantee))).collect();
        let lost = match runs.iter().filter(|(_, lost)| *lost > 0).count() {
            0 => "none",
            n if n == runs.len() => "lost",
            _ => "some",
        };
        let expected = EXPECTED.iter().find(|(id, ..)| *id == example.id);
        let (_, kept, gone, why) = expected.unwrap_or(&("", "HHHHHHHHHH", "none", "everything is kept"));
        if (line.as_str(), lost) != (kept, gone) {
            wrong.push(format!("{}: {line} {lost}, not {kept} {gone}: {why}", example.id));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let unknown = EXPECTED.iter().find(|(id, ..)| EXAMPLES.iter().all(|example| example.id != *id));
    assert_eq!(unknown, None, "no such example");
}

#[test]
fn under_the_same_cut_raft_is_linearizable_and_the_leaderless_group_is_not() {
    let own = EXAMPLES.iter().find(|example| example.id == "raft-and-quorum").expect("there").scenario();
    for seed in SEEDS {
        let (history, _) = told(&Scenario { seed, ..own.clone() });
        let of = |key: &str| {
            let mut part = history.clone();
            part.operations.retain(|operation| history.keys[operation.key as usize] == key);
            assert!(part.operations.len() > 30, "seed {seed}: {key} is asked often");
            check::check(&part, Guarantee::Linearizable, BUDGET)
        };
        assert_eq!(of("raft/x"), Verdict::Holds, "seed {seed}");
        assert!(matches!(of("quorum/x"), Verdict::Violated(_)), "seed {seed}");
    }
}

/// How the invariants of an example stand at its end, with these put in.
fn stand(example: &str, seed: u64, invariants: &[&str]) -> Vec<Stands> {
    let own = EXAMPLES.iter().find(|it| it.id == example).expect("there").scenario();
    let invariants = invariants.iter().map(ToString::to_string).collect();
    let scenario = Scenario { seed, invariants, ..own };
    scenario.validate().expect("sound");
    let mut run = Run::new(&scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    run.invariants()
}

#[test]
fn invariants_hold_or_say_when_where_and_by_which_values_they_were_broken_first() {
    for seed in SEEDS {
        let same = "inventory.widget == notification.widget";
        let when = format!("{same} when quiescent");
        let found =
            stand("inventory-notification", seed, &[same, &when, "widget >= 42", "behind(widget) <= 3", "other == 1"]);
        let Stands::Violated { at, said, nodes, mended: true } = &found[0] else { panic!("seed {seed}: {found:?}") };
        assert!((300_000..400_000).contains(at), "seed {seed}: the first write is at 300 ms: {at}");
        assert_eq!(said, "widget at Inventory is 48, widget at Notification is 50", "seed {seed}");
        assert_eq!(nodes.len(), 2, "seed {seed}");
        assert_eq!(found[1..], [Stands::Holds, Stands::Holds, Stands::Holds, Stands::Unknown], "seed {seed}");
        // An event that is lost for good is still missing when all is quiet.
        let found = stand("lost-event", seed, &[&when]);
        assert!(matches!(found[..], [Stands::Violated { mended: false, .. }]), "seed {seed}: {found:?}");
        let found = stand("inventory-notification", seed, &["behind(notification.widget) < 1"]);
        let Stands::Violated { said, .. } = &found[0] else { panic!("seed {seed}: {found:?}") };
        assert_eq!(said, "widget at Notification is 50 (1 behind)", "seed {seed}");
        // Of siblings each must do; a group means each member.
        let found = stand("cart-siblings", seed, &["count(cart) <= 2 when quiescent", "cart != absent when quiescent"]);
        assert!(
            matches!(found[0], Stands::Violated { .. }),
            "seed {seed}: three things are in it in the end: {found:?}"
        );
    }
}
