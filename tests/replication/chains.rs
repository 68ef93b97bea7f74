//! Chains whose members crash, also with the loss of their disks.

use super::*;
use crate::common::random::{self, random_tests};
use crate::common::runs::history;
use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use proptest::prelude::*;

/// All faults begin before this instant, ms.
const FAULTS_UNTIL: f64 = 2500.0;
/// All faults are healed at this instant, ms.
const HEALED_AT: f64 = 2600.0;

/// A crash: the instant, ms; the member; whether it loses its disk; and for how long it is down, ms.
type DrawnCrash = (f64, prop::sample::Index, bool, f64);

/// A chain whose messages may take long and overtake each other.
fn chain(members: usize, sigma: f64, seed: u64) -> Scenario {
    let workload = |read_share: f64| {
        workload(
            Arrivals::Poisson { per_second: 40.0 },
            Keys::Uniform { prefix: "k".into(), count: 2 },
            read_share,
            Some(FAULTS_UNTIL),
        )
    };
    let client = |id: &str, read_share: f64| Client {
        generate: Some(workload(read_share)),
        timeout_ms: 400.0,
        ..client(id, Route::Any)
    };
    let last = |key: &str| (4500.0, read(key));
    Scenario {
        default_latency: Latency::Lognormal { median_ms: 6.0, sigma },
        clients: vec![
            client("writer", 0.2),
            client("reader", 0.9),
            Client { timeout_ms: 400.0, ..scripted("last", Route::Any, vec![last("k0"), last("k1")]) },
        ],
        until_ms: 5000.0,
        seed,
        ..group(members, Protocol::Chain)
    }
}

fn crashes(members: usize, drawn: &[DrawnCrash]) -> Vec<converge::scenario::Step> {
    let steps = drawn.iter().flat_map(|(at_ms, member, lose_disk, down_ms)| {
        let service = replica(member.index(members));
        let restart = Command::Restart { service: service.clone() };
        [step(*at_ms, Command::Crash { service, lose_disk: *lose_disk }), step(at_ms + down_ms, restart)]
    });
    steps.chain([step(HEALED_AT, Command::HealAll)]).collect()
}

random_tests! { disks, 600;
    #[test]
    fn a_chain_loses_no_acknowledged_write_and_no_read_goes_back_when_members_lose_their_disks(
        members in 2usize..5, sigma in 0.3f64..2.0, seed in 0u64..1_000_000,
        drawn in prop::collection::vec((0.0..FAULTS_UNTIL, any::<prop::sample::Index>(), any::<bool>(), 1.0f64..300.0), 1..8),
        cut in prop::option::of((0.0..FAULTS_UNTIL, any::<prop::sample::Index>()))
    ) {
        let mut scenario = chain(members, sigma, seed);
        scenario.script = crashes(members, &drawn);
        if let Some((at_ms, first)) = cut {
            let first = first.index(members - 1);
            let (from, to) = (replica(first), replica(first + 1));
            scenario.script.push(step(at_ms, Command::CutLink { from, to, one_way: false }));
        }
        prop_assert_eq!(scenario.validate(), Ok(()));
        let history = history(&scenario);
        for guarantee in [Guarantee::Linearizable, Guarantee::Session] {
            let verdict = check(&history, guarantee, BUDGET);
            prop_assert!(!matches!(verdict, Verdict::Violated(_)), "{:?}", verdict);
        }
    }

    /// Loses one member at a time, so that the others still have the data.
    #[test]
    fn a_chain_continues_after_a_member_has_lost_its_disk(
        members in 2usize..5, sigma in 0.3f64..1.0, seed in 0u64..1_000_000, lost in any::<prop::sample::Index>(),
        at_ms in 100.0f64..FAULTS_UNTIL
    ) {
        let mut scenario = chain(members, sigma, seed);
        scenario.script = crashes(members, &[(at_ms, lost, true, 50.0)]);
        let run = run(&scenario);
        let tally = run.analysis().operations.get(node(&run, "last")).expect("operations");
        prop_assert_eq!((tally.ok, run.analysis().staleness.stale()), (2, 0), "{:?}", run.convergence(&scenario));
    }
}

#[test]
fn a_tail_without_its_disk_serves_no_read_before_it_has_the_whole_log() {
    // 100 ms after its restart the head forwards the first 64 entries again. They arrive 5 ms before the whole log that the tail
    // has requested.
    let mut scenario = group(2, Protocol::Chain);
    scenario.default_latency = constant(10.0);
    scenario.until_ms = 6000.0;
    let script = (0..200).map(|n| (5.0 * f64::from(n), write("x", i64::from(n)))).collect();
    let reads = (0..100).map(|n| (2000.0 + f64::from(n), read("x"))).collect();
    scenario.clients = vec![scripted("writer", Route::Primary, script), scripted("reader", Route::Any, reads)];
    scenario.clients[1].timeout_ms = 50.0;
    let lose = |service: String| Command::Crash { service, lose_disk: true };
    let keep = |service: String| Command::Crash { service, lose_disk: false };
    scenario.script = vec![
        step(1900.0, keep(replica(0))),
        step(1900.0, lose(replica(1))),
        step(1950.0, Command::Restart { service: replica(0) }),
        step(2045.0, Command::Restart { service: replica(1) }),
    ];
    let run = run(&scenario);
    let tally = run.analysis().operations.get(node(&run, "reader")).expect("operations");
    assert!(tally.reads > 0 && tally.stale_reads == 0, "{} of {} reads are stale", tally.stale_reads, tally.reads);
}
