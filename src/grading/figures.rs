//! The figures of goals, from the counts of a sweep.

use crate::scenario::goal::Figure;
use crate::session::quantile_sketch::QuantileSketch;
use crate::session::sweep::{GRID, Outcomes, Share, Sweep};

/// Returns a figure; none if nothing was counted.
pub(super) fn value(figure: &Figure, sweep: &Sweep, lost_updates: u64, target: &[(f64, f64)]) -> Option<f64> {
    match figure {
        Figure::Runs(_) => None,
        Figure::Number(name) => number(name, sweep, lost_updates),
        Figure::Statistic(measure, statistic) => {
            let (sketch, unit) = sketch(measure, sweep)?;
            statistic_of(sketch, statistic).map(|value| value / unit)
        }
        Figure::Curve(name, index) => curve(name, sweep).get(*index).copied().and_then(Share::value),
        Figure::Error(name) => error(curve(name, sweep), target),
    }
}

fn number(name: &str, sweep: &Sweep, lost_updates: u64) -> Option<f64> {
    let share = |held: u64, of: u64| Share { of, held }.value();
    let each_run = |count: u64| (sweep.runs > 0).then(|| count as f64 / sweep.runs as f64);
    let ok =
        |outcomes: &Outcomes| share(outcomes.ok, outcomes.ok + outcomes.fail + outcomes.unknown + outcomes.pending);
    match name {
        "stale_read_share" => share(sweep.reads.stale, sweep.reads.count),
        "read_ok_share" => ok(&sweep.read_outcomes),
        "write_ok_share" => ok(&sweep.write_outcomes),
        "executions_per_event" => share(sweep.executions, sweep.published),
        "effects_per_event" => share(sweep.effects, sweep.published),
        "lost_updates" => each_run(lost_updates),
        "messages" => each_run(sweep.messages.values().sum()),
        "updates" => each_run(sweep.updates),
        "published" => each_run(sweep.published),
        "never_published" => each_run(sweep.never_published),
        "dead_lettered" => each_run(sweep.dead_lettered),
        "discarded" => each_run(sweep.discarded),
        "windows_open" => each_run(sweep.windows_open),
        _ => None,
    }
}

fn sketch<'a>(measure: &str, sweep: &'a Sweep) -> Option<(&'a QuantileSketch, f64)> {
    match measure {
        "read_latency_ms" => Some((&sweep.read_latency_us, 1000.0)),
        "write_latency_ms" => Some((&sweep.write_latency_us, 1000.0)),
        "window_ms" => Some((&sweep.window_us, 1000.0)),
        "stale_read_window_ms" => Some((&sweep.stale_read_window_us, 1000.0)),
        "stale_read_t_ms" => Some((&sweep.reads.t_us, 1000.0)),
        "stale_read_k" => Some((&sweep.reads.k, 1.0)),
        "convergence_ms" => Some((&sweep.convergence_us, 1000.0)),
        "deliveries" => Some((&sweep.deliveries, 1.0)),
        _ => None,
    }
}

fn statistic_of(sketch: &QuantileSketch, statistic: &str) -> Option<f64> {
    match statistic {
        "mean" => sketch.mean(),
        "p50" => sketch.quantile(0.5),
        "p90" => sketch.quantile(0.9),
        "p95" => sketch.quantile(0.95),
        "p99" => sketch.quantile(0.99),
        "p999" => sketch.quantile(0.999),
        "max" => sketch.quantile(1.0),
        _ => None,
    }
}

fn curve<'a>(name: &str, sweep: &'a Sweep) -> &'a [Share] {
    match name {
        "fresh" => &sweep.reads.fresh,
        "reflected" => &sweep.reflected,
        "visible_everywhere" => &sweep.visible_everywhere,
        _ => &[],
    }
}

/// Returns the largest distance from the target; none if a point of the target was not measured.
fn error(curve: &[Share], target: &[(f64, f64)]) -> Option<f64> {
    let distance = |(ms, share): &(f64, f64)| {
        let index = GRID.iter().position(|point| *point as f64 / 1000.0 == *ms)?;
        curve.get(index)?.value().map(|value| (value - share).abs())
    };
    target.iter().map(distance).try_fold(0.0, |most: f64, distance| Some(most.max(distance?)))
}
