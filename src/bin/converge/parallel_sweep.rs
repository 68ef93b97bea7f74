//! Runs a sweep over seeds on several threads.

use crate::long_run::SLICE;
use converge::scenario::Scenario;
use converge::session::sweep::Sweep;
use converge::trace::Record;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Parses a range of seeds: `A..B` without B, or `A..=B`.
///
/// # Errors
/// The text is not a range, or the range is empty.
pub fn seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let expected = || format!("a range of seeds like 1..101 or 1..=100 is expected, not `{text}`");
    let (from, to) = text.split_once("..").ok_or_else(expected)?;
    let from: u64 = from.trim().parse().map_err(|_| expected())?;
    let to = match to.strip_prefix('=') {
        Some(last) => last.trim().parse().ok().and_then(|last: u64| last.checked_add(1)),
        None => to.trim().parse().ok(),
    };
    let to = to.ok_or_else(expected)?;
    if to <= from {
        return Err(format!("{}: the range is empty", expected()));
    }
    if to > 1 << 53 {
        return Err(format!("{}: seeds are at most 2^53", expected()));
    }
    Ok(from..to)
}

/// Runs a scenario with each seed on `jobs` threads. When `stop` is set, the runs in progress are discarded and no more
/// are started. The result does not depend on the number of threads.
pub fn sweep(
    scenario: &Scenario,
    seeds: std::ops::Range<u64>,
    jobs: usize,
    max_events: u64,
    stop: &AtomicBool,
) -> Sweep {
    let (next, done) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let total = Mutex::new(Sweep::new(scenario));
    let working = AtomicU64::new(jobs as u64);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let empty = Sweep::new(scenario);
                let mut part = empty.clone();
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    // Measured separately, because a run that is stopped is discarded.
                    let mut single = empty.clone();
                    if !run(&mut single, scenario, seed, max_events, stop) {
                        break;
                    }
                    part.merge(&single).expect("each seed is run once");
                    done.fetch_add(1, Ordering::Relaxed);
                }
                let mut total = total.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                total.merge(&part).expect("each seed is run once");
                working.fetch_sub(1, Ordering::Relaxed);
            });
        }
        report_progress(&done, seeds.end - seeds.start, &working);
    });
    total.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs a scenario with a seed, and measures it. Returns false if it was stopped before its end.
fn run(sweep: &mut Sweep, scenario: &Scenario, seed: u64, max_events: u64, stop: &AtomicBool) -> bool {
    let ignore_record = &mut |_: &Record| {};
    let mut part = sweep.begin(scenario, seed, max_events, ignore_record).expect("each seed is run once");
    while !sweep.advance(&mut part, SLICE, ignore_record) {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
    }
    sweep.finish(part);
    true
}

/// Reports the progress on standard error: every second on a terminal, otherwise every 10 seconds.
#[expect(clippy::disallowed_methods, reason = "progress is reported in real time")]
fn report_progress(done: &AtomicU64, runs: u64, working: &AtomicU64) {
    let (start, is_terminal) = (Instant::now(), std::io::stderr().is_terminal());
    let interval = Duration::from_secs(if is_terminal { 1 } else { 10 });
    let mut last_report = Instant::now();
    while working.load(Ordering::Relaxed) > 0 {
        std::thread::sleep(Duration::from_millis(5));
        if last_report.elapsed() >= interval {
            last_report = Instant::now();
            let done = done.load(Ordering::Relaxed);
            // On a terminal each report overwrites the last one.
            let end = if is_terminal { "\r" } else { "\n" };
            eprint!("{done} of {runs} runs, {:.0} a second{end}", done as f64 / start.elapsed().as_secs_f64());
            let _ = std::io::stderr().flush();
        }
    }
}
