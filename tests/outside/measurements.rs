//! Published measurements of real systems.

use converge::scenario::{Scenario, examples, micros};
use converge::session::Run;
use converge::session::sweep::Sweep;
use converge::trace::{Fact, OperationKind, Outcome};

/// SimpleDB, 2010 (Wada, Fekete, Zhao, Lee and Liu, CIDR 2011): of eventually consistent reads less than 450 ms after a write,
/// 33.40 % of 505,821 were fresh; after 507 ms, more than 99.7 %.
#[test]
fn simpledb_reads_are_fresh_with_probability_one_third_before_450_ms_and_almost_always_after_507_ms() {
    let scenario = examples::find("simpledb-2010").expect("an example").scenario();
    let (mut early, mut late) = ((0u64, 0u64), (0u64, 0u64));
    for seed in 1..=15 {
        let scenario = Scenario { seed, ..scenario.clone() };
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, analysis, _| {
            let Fact::OperationEnded { operation, outcome: Outcome::Ok } = &record.fact else { return };
            let ended = analysis.operations.just_ended(*operation);
            let Some(ended) = ended.filter(|ended| ended.kind == OperationKind::Read) else { return };
            // The initial value is no write: every copy has it.
            let Some(since) = ended.since_acknowledged.filter(|_| analysis.staleness.acknowledged() > 0) else {
                return;
            };
            let counts = match since {
                0..445_000 => &mut early,
                510_000.. => &mut late,
                _ => return,
            };
            counts.0 += 1;
            counts.1 += u64::from(!ended.stale);
        });
    }
    let share = |(all, fresh): (u64, u64)| fresh as f64 / all as f64;
    let error = (1.0f64 / 3.0 * 2.0 / 3.0 / early.0 as f64).sqrt();
    assert!(early.0 > 10_000 && late.0 > 10_000, "{early:?} {late:?}");
    assert!((share(early) - 1.0 / 3.0).abs() < 4.0 * error, "{early:?}");
    assert!((share(early) - 0.3340).abs() < 0.02, "the published share: {early:?}");
    assert!(share(late) > 0.997, "{late:?}");
}

#[test]
fn a_sweep_counts_what_is_visible_everywhere_and_the_window_to_the_last_stale_read() {
    let scenario = examples::find("simpledb-2010").expect("an example").scenario();
    let mut sweep = Sweep::new(&scenario);
    (1..4).for_each(|seed| sweep.run(&scenario, seed).expect("a new seed"));
    let visible = |us: u64| {
        let at = converge::session::sweep::GRID.iter().position(|t| *t == us).expect("a point of the grid");
        sweep.visible_everywhere[at].value().expect("updates")
    };
    assert_eq!((visible(200_000), visible(1_000_000)), (0.0, 1.0));
    // The later of two uniform delays between 450 and 507 ms, 1 ms of which passes before the acknowledgement.
    let mean = sweep.window_us.mean().expect("windows") / 1000.0;
    assert!((mean - 487.0).abs() < 5.0, "{mean}");
    let last_read = sweep.stale_read_window_us.mean().expect("stale reads") / 1000.0;
    assert!(last_read < mean && last_read > mean - 40.0, "{last_read} {mean}");
}
