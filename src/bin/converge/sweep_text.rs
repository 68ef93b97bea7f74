//! Formats the report of `converge sweep` and `converge merge`.

use crate::output;
use converge::session::labels;
use converge::session::quantile_sketch::QuantileSketch;
use converge::session::sweep::{GRID, Outcomes, Share, Sweep};

fn share(part: u64, all: u64) -> String {
    if all == 0 { "none".into() } else { format!("{part} ({:.4} %)", part as f64 / all as f64 * 100.0) }
}

fn times(sketch: &QuantileSketch) -> String {
    let at = |q| sketch.quantile(q).map_or("-".into(), |us| labels::duration(us.round() as u64));
    let mean = sketch.mean().map_or("-".into(), |us| labels::duration(us.round() as u64));
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

/// Adds the lines of a curve. `one` and `many` name what it counts.
fn add_curve(title: &str, (one, many): (&str, &str), shares: &[Share], lines: &mut Vec<String>) {
    let all = shares.first().map_or(0, |share| share.of);
    let points = GRID.iter().zip(shares).filter_map(|(t, share)| {
        let figure = match (share.value(), share.standard_error()) {
            (Some(p), Some(error)) => format!("{p:.5} ± {error:.5}  of {}", share.of),
            _ if share.open > 0 => "unknown".into(),
            _ => return None,
        };
        let not_so_long = match share.open {
            0 => String::new(),
            open => {
                let were = if all - share.of == 1 { "was" } else { "were" };
                let unobserved = labels::count(all - share.of, one, many);
                format!("; {unobserved} {were} not observed that long, {open} of them still open at the end")
            }
        };
        Some(format!("  {:>8}  {figure}{not_so_long}", labels::duration(*t)))
    });
    let points: Vec<String> = points.collect();
    if !points.is_empty() {
        lines.push(title.into());
        lines.extend(points);
    }
}

/// A number of runs: `1 run`, `20 runs`.
pub fn runs(n: u64) -> String {
    labels::count(n, "run", "runs")
}

/// The line about halted runs, which comes first; none if none was halted.
pub fn halted(sweep: &Sweep) -> Option<String> {
    let first =
        sweep.first_halt.as_ref().map_or(String::new(), |first| format!(" With seed {}, {}", first.seed, first.why));
    let Sweep { halted, runs, .. } = sweep;
    (*halted > 0).then(|| format!("Halted: {halted} of {}, so the figures are incomplete.{first}", self::runs(*runs)))
}

/// Formats the figures of a sweep.
pub fn text(sweep: &Sweep, title: &str) -> String {
    let ranges: Vec<String> = sweep.seeds.iter().map(|(from, to)| format!("{from}..{to}")).collect();
    let mut lines: Vec<String> = halted(sweep).into_iter().collect();
    lines.extend([
        format!(
            "{title}: {}, seeds {}; {}",
            runs(sweep.runs),
            ranges.join(", "),
            labels::count(sweep.events, "event", "events")
        ),
        format!("reads: {}", outcomes(&sweep.read_outcomes)),
        format!("  stale: {}", share(sweep.reads.stale, sweep.reads.count)),
        format!("  latency: {}", times(&sweep.read_latency_us)),
        format!("writes: {}", outcomes(&sweep.write_outcomes)),
        format!("  latency: {}", times(&sweep.write_latency_us)),
    ]);
    if sweep.reads.stale > 0 {
        lines.push(format!("stale reads, updates behind: {}", counts(&sweep.reads.k)));
        lines.push(format!("stale reads, for how long: {}", times(&sweep.reads.t_us)));
    }
    let title = "reads that were fresh, by time since the newest acknowledgement:";
    add_curve(title, ("read", "reads"), &sweep.reads.fresh, &mut lines);
    let title = "copies that had reflected an update at some moment, by time since its acknowledgement:";
    add_curve(title, ("copy", "copies"), &sweep.reflected, &mut lines);
    let title = "updates visible everywhere (every copy had reflected them at some moment), by time since their acknowledgement:";
    add_curve(title, ("update", "updates"), &sweep.visible_everywhere, &mut lines);
    lines.push(format!(
        "converged: {} of {}; after {}",
        sweep.converged,
        runs(sweep.runs),
        times(&sweep.convergence_us)
    ));
    if sweep.stale_read_window_us.count > 0 {
        lines.push(format!("window to the last stale read: {}", times(&sweep.stale_read_window_us)));
    }
    let open = match (sweep.windows_open, sweep.window_unended.never) {
        (open, 0) => format!("{open} still open"),
        (open, never) => format!("{open} still open, {never} of them for ever"),
    };
    lines.push(format!("inconsistency window: {}; {open}", times(&sweep.window_us)));
    lines.push(format!("deliveries of an event: {}", counts(&sweep.deliveries)));
    lines.push(format!(
        "events: {} published, {} acknowledged, {} dead-lettered, {} discarded, {} never published; \
         {}, {}",
        sweep.published,
        sweep.acknowledged,
        sweep.dead_lettered,
        sweep.discarded,
        sweep.never_published,
        labels::count(sweep.executions, "execution", "executions"),
        labels::count(sweep.effects, "effect", "effects")
    ));
    let kinds: Vec<String> = sweep.messages.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    lines.push(format!("messages: {}; {} dropped", kinds.join(", "), sweep.dropped));
    output::lines(&lines)
}
