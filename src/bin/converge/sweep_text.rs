//! `converge sweep` and `converge merge`: many seeds, measured together.

use converge::scenario::Scenario;
use converge::session::quantile_sketch::{ERROR, QuantileSketch};
use converge::session::sweep::{GRID, Outcomes, Share, Sweep};
use converge::session::words;
use serde_json::{Value as Json, json};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seeds `A..B`, B left out, or `A..=B`.
///
/// # Errors
/// It is no such range, or an empty one; says what was expected.
pub fn seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let expected = || format!("seeds as in 1..101 (101 left out) or 1..=100, not `{text}`");
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

/// Runs a scenario with each seed, on so many threads, until all are run or `stop` is set; then those begun are finished.
/// The result does not depend on how many threads there are.
pub fn sweep(scenario: &Scenario, seeds: std::ops::Range<u64>, jobs: usize, stop: &AtomicBool) -> Sweep {
    let (next, done) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let total = Mutex::new(Sweep::new(scenario));
    let working = AtomicU64::new(jobs as u64);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let mut mine = Sweep::new(scenario);
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    mine.run(scenario, seed).expect("each seed is run once");
                    done.fetch_add(1, Ordering::Relaxed);
                }
                let mut total = total.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                total.merge(&mine).expect("each seed is run once");
                working.fetch_sub(1, Ordering::Relaxed);
            });
        }
        progress(&done, seeds.end - seeds.start, &working);
    });
    total.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Says on standard error how far it is, where somebody watches.
#[expect(clippy::disallowed_methods, reason = "how long a person waits is told by the platform's clock")]
fn progress(done: &AtomicU64, all: u64, working: &AtomicU64) {
    let (start, watched) = (Instant::now(), std::io::stderr().is_terminal());
    let mut told = Instant::now();
    while working.load(Ordering::Relaxed) > 0 {
        std::thread::sleep(Duration::from_millis(5));
        // A terminal's line is written over; a log gets a line now and then.
        let often = Duration::from_secs(if watched { 1 } else { 10 });
        if told.elapsed() >= often {
            told = Instant::now();
            let done = done.load(Ordering::Relaxed);
            let end = if watched { "\r" } else { "\n" };
            eprint!("{done} of {all} runs, {:.0} a second{end}", done as f64 / start.elapsed().as_secs_f64());
            let _ = std::io::stderr().flush();
        }
    }
}

fn share(of: u64, all: u64) -> String {
    if all == 0 { "none".into() } else { format!("{of} ({:.4} %)", of as f64 / all as f64 * 100.0) }
}

fn times(sketch: &QuantileSketch) -> String {
    let at = |q| sketch.quantile(q).map_or("-".into(), |us| words::duration(us.round() as u64));
    let mean = sketch.mean().map_or("-".into(), |us| words::duration(us.round() as u64));
    format!("mean {mean}, median {}, 95 % {}, 99 % {}, 99.9 % {}", at(0.5), at(0.95), at(0.99), at(0.999))
}

fn counts(sketch: &QuantileSketch) -> String {
    let at = |q| sketch.quantile(q).map_or("-".into(), |n| format!("{}", n.round()));
    let mean = sketch.mean().map_or("-".into(), |n| format!("{n:.4}"));
    format!("mean {mean}, median {}, 99 % {}, 99.9 % {}", at(0.5), at(0.99), at(0.999))
}

fn outcomes(outcomes: &Outcomes) -> String {
    let Outcomes { ok, fail, unknown, pending } = outcomes;
    format!("{ok} ok, {fail} fail, {unknown} unknown, {pending} pending")
}

fn curve(what: &str, shares: &[Share], lines: &mut Vec<String>) {
    let points = GRID.iter().zip(shares).filter_map(|(t, share)| {
        let (p, error) = (share.value()?, share.standard_error()?);
        Some(format!("  {:>8}  {p:.5} ± {error:.5}  of {}", words::duration(*t), share.of))
    });
    let points: Vec<String> = points.collect();
    if !points.is_empty() {
        lines.push(what.into());
        lines.extend(points);
    }
}

fn quantiles(sketch: &QuantileSketch, unit: f64) -> Json {
    let at = |q| sketch.quantile(q).map(|value| value / unit);
    json!({
        "count": sketch.count,
        "mean": sketch.mean().map(|value| value / unit),
        "p50": at(0.5), "p90": at(0.9), "p95": at(0.95), "p99": at(0.99), "p999": at(0.999), "max": at(1.0),
    })
}

fn points(shares: &[Share]) -> Json {
    let points = GRID.iter().zip(shares).filter(|(_, share)| share.of > 0).map(|(t, share)| {
        json!({
            "t_ms": *t as f64 / 1000.0,
            "p": share.value(),
            "standard_error": share.standard_error(),
            "of": share.of,
        })
    });
    points.collect()
}

/// The sweep for programs: what was counted, which merges, and under `figures` what follows from it.
pub fn json(sweep: &Sweep) -> Json {
    let mut json = serde_json::to_value(sweep).expect("a sweep always serializes");
    let stale = Share { of: sweep.reads.count, held: sweep.reads.stale };
    json["figures"] = json!({
        "stale_read_share": stale.value(),
        "stale_read_share_standard_error": stale.standard_error(),
        "stale_read_k": quantiles(&sweep.reads.k, 1.0),
        "stale_read_t_ms": quantiles(&sweep.reads.t_us, 1000.0),
        "read_latency_ms": quantiles(&sweep.read_latency_us, 1000.0),
        "write_latency_ms": quantiles(&sweep.write_latency_us, 1000.0),
        "window_ms": quantiles(&sweep.window_us, 1000.0),
        "convergence_ms": quantiles(&sweep.convergence_us, 1000.0),
        "deliveries": quantiles(&sweep.deliveries, 1.0),
        "executions_per_event": (sweep.published > 0).then(|| sweep.executions as f64 / sweep.published as f64),
        "effects_per_event": (sweep.published > 0).then(|| sweep.effects as f64 / sweep.published as f64),
        "fresh": points(&sweep.reads.fresh),
        "reflected": points(&sweep.reflected),
        "relative_error_of_quantiles": ERROR,
    });
    json
}

/// The sweep for people.
pub fn text(sweep: &Sweep, title: &str) -> String {
    let ranges: Vec<String> = sweep.seeds.iter().map(|(from, to)| format!("{from}..{to}")).collect();
    let mut lines = vec![
        format!("{title}: {} runs, seeds {}; {} events", sweep.runs, ranges.join(", "), sweep.events),
        format!("reads: {}", outcomes(&sweep.read_outcomes)),
        format!("  stale: {}", share(sweep.reads.stale, sweep.reads.count)),
        format!("  latency: {}", times(&sweep.read_latency_us)),
        format!("writes: {}", outcomes(&sweep.write_outcomes)),
        format!("  latency: {}", times(&sweep.write_latency_us)),
    ];
    if sweep.reads.stale > 0 {
        lines.push(format!("stale reads, updates behind: {}", counts(&sweep.reads.k)));
        lines.push(format!("stale reads, for how long: {}", times(&sweep.reads.t_us)));
    }
    curve("reads that were fresh, by time since the newest acknowledgement:", &sweep.reads.fresh, &mut lines);
    curve("copies that reflected an update, by time since its acknowledgement:", &sweep.reflected, &mut lines);
    lines.push(format!("inconsistency window: {}; {} still open", times(&sweep.window_us), sweep.windows_open));
    lines.push(format!(
        "converged: {} of {} runs; after {}",
        sweep.converged,
        sweep.runs,
        times(&sweep.convergence_us)
    ));
    lines.push(format!("deliveries of an event: {}", counts(&sweep.deliveries)));
    lines.push(format!(
        "events: {} published, {} acknowledged, {} dead-lettered, {} discarded, {} never published; \
         {} executions, {} effects",
        sweep.published,
        sweep.acknowledged,
        sweep.dead_lettered,
        sweep.discarded,
        sweep.never_published,
        sweep.executions,
        sweep.effects
    ));
    let kinds: Vec<String> = sweep.messages.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    lines.push(format!("messages: {}; {} dropped", kinds.join(", "), sweep.dropped));
    if sweep.halted > 0 {
        lines.push(format!("{} runs used up their budget and were stopped", sweep.halted));
    }
    lines.join("\n") + "\n"
}
