//! The figures of goals, from the counts of a sweep. What had not ended when its run ended is not left out: a duration is at
//! least as long as it was so far, and infinite if it never ends, so a figure may be known only within a range.

use crate::scenario::goal::{Figure, Requirement};
use crate::session::quantile_sketch::{QuantileSketch, nearest_rank};
use crate::session::sweep::{GRID, Outcomes, Share, Sweep, Unended};

/// The range in which a figure lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    minimum: f64,
    /// May be infinite.
    maximum: f64,
}

impl Range {
    pub(super) fn exactly(value: f64) -> Range {
        Range { minimum: value, maximum: value }
    }

    /// Returns the figure, `None` if only a range is known, or if it is infinite.
    pub(super) fn value(self) -> Option<f64> {
        (self.minimum == self.maximum && self.minimum.is_finite()).then_some(self.minimum)
    }

    /// Returns whether every value in the range meets a goal.
    pub(super) fn meets(self, goal: &Requirement) -> bool {
        [self.minimum, self.maximum].into_iter().all(|value| goal.bound.is_met(value, goal.number))
    }
}

/// What a figure lacks if it is not known exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lacks {
    /// The ends of inconsistency windows.
    Windows,
    /// The convergence of runs.
    Convergence,
}

/// Returns what may not be known of a figure; `None` if the figure is always known exactly.
pub(super) fn lacks(figure: &Figure) -> Option<Lacks> {
    match figure {
        Figure::Statistic("window_ms", _)
        | Figure::Curve("reflected" | "visible_everywhere", _)
        | Figure::Error("reflected" | "visible_everywhere") => Some(Lacks::Windows),
        Figure::Statistic("convergence_ms", _) => Some(Lacks::Convergence),
        Figure::Runs(_) | Figure::Number(_) | Figure::Statistic(..) | Figure::Curve(..) | Figure::Error(_) => None,
    }
}

/// Returns a figure, `None` if nothing was counted. `lost_updates` is none if no run could have shown one.
pub(super) fn value(figure: &Figure, sweep: &Sweep, lost_updates: Option<u64>, target: &[(f64, f64)]) -> Option<Range> {
    match figure {
        Figure::Runs(_) => None,
        Figure::Number(name) => number(name, sweep, lost_updates).map(Range::exactly),
        Figure::Statistic(measure, statistic) => {
            let (sketch, unit) = sketch(measure, sweep)?;
            let unended = match *measure {
                "window_ms" => &sweep.window_unended,
                "convergence_ms" => &sweep.convergence_unended,
                _ => &Unended::default(),
            };
            let range = statistic_of(sketch, unended, statistic)?;
            Some(Range { minimum: range.minimum / unit, maximum: range.maximum / unit })
        }
        Figure::Curve(name, index) => point(name, *index, sweep),
        Figure::Error(name) => error(name, sweep, target),
    }
}

fn number(name: &str, sweep: &Sweep, lost_updates: Option<u64>) -> Option<f64> {
    let share = |held: u64, of: u64| Share::new(held, of).value();
    let each_run = |count: u64| (sweep.runs > 0).then(|| count as f64 / sweep.runs as f64);
    // Without cases, none of them failed, which shows nothing.
    let each_run_of = |cases: u64, count: u64| each_run(count).filter(|_| cases + count > 0);
    let ok =
        |outcomes: &Outcomes| share(outcomes.ok, outcomes.ok + outcomes.fail + outcomes.unknown + outcomes.pending);
    match name {
        "stale_read_share" => share(sweep.reads.stale, sweep.reads.count),
        "read_ok_share" => ok(&sweep.read_outcomes),
        "write_ok_share" => ok(&sweep.write_outcomes),
        "executions_per_event" => share(sweep.executions, sweep.published),
        "effects_per_event" => share(sweep.effects, sweep.published),
        "lost_updates" => each_run(lost_updates?),
        "messages" => each_run(sweep.messages.values().sum()),
        "updates" => each_run(sweep.updates),
        "published" => each_run(sweep.published),
        "never_published" => each_run_of(sweep.published + sweep.never_published, sweep.never_published),
        "dead_lettered" => each_run_of(sweep.published, sweep.dead_lettered),
        "discarded" => each_run_of(sweep.published, sweep.discarded),
        "windows_open" => each_run_of(sweep.updates, sweep.windows_open),
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

fn statistic_of(sketch: &QuantileSketch, unended: &Unended, statistic: &str) -> Option<Range> {
    let Unended { so_far_us, never } = unended;
    let count = sketch.count + so_far_us.count + never;
    if count == 0 {
        return None;
    }
    if statistic == "mean" {
        let minimum = if *never > 0 { f64::INFINITY } else { (sketch.sum + so_far_us.sum) as f64 / count as f64 };
        let maximum = if so_far_us.count > 0 { f64::INFINITY } else { minimum };
        return Some(Range { minimum, maximum });
    }
    let (_, q) = QUANTILES.into_iter().find(|(name, _)| *name == statistic)?;
    let rank = nearest_rank(q, count)?;
    let mut at_least = sketch.clone();
    at_least.merge(so_far_us);
    // Those that never end are the greatest.
    let at = |sketch: &QuantileSketch| sketch.at_rank(rank).unwrap_or(f64::INFINITY);
    Some(Range { minimum: at(&at_least), maximum: at(sketch) })
}

const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)];

fn curve<'a>(name: &str, sweep: &'a Sweep) -> &'a [Share] {
    match name {
        "fresh" => &sweep.reads.fresh,
        "reflected" => &sweep.reflected,
        "visible_everywhere" => &sweep.visible_everywhere,
        _ => &[],
    }
}

/// Returns a point of a curve. All updates count, also those whose runs ended before this point: of these, all or none may hold
/// here, so the point is a range.
fn point(name: &str, index: usize, sweep: &Sweep) -> Option<Range> {
    let curve = curve(name, sweep);
    let share = curve.get(index)?;
    if name == "fresh" {
        return share.value().map(Range::exactly);
    }
    // At time 0 every case was observed.
    let all = curve.first().filter(|first| first.of > 0)?.of;
    let held = all - share.of - share.open + share.held;
    let maximum = held + share.open - share.never;
    Some(Range { minimum: held as f64 / all as f64, maximum: maximum as f64 / all as f64 })
}

/// Returns the largest distance from the target; none if a point of the target was not measured.
fn error(name: &str, sweep: &Sweep, target: &[(f64, f64)]) -> Option<Range> {
    let distance = |(ms, share): &(f64, f64)| {
        let index = GRID.iter().position(|point| *point as f64 / 1000.0 == *ms)?;
        let Range { minimum, maximum } = point(name, index, sweep)?;
        let (low, high) = ((minimum - share).abs(), (maximum - share).abs());
        let is_within = (minimum..=maximum).contains(share);
        Some(Range { minimum: if is_within { 0.0 } else { low.min(high) }, maximum: low.max(high) })
    };
    target.iter().map(distance).try_fold(Range::exactly(0.0), |all, one| {
        let one = one?;
        Some(Range { minimum: all.minimum.max(one.minimum), maximum: all.maximum.max(one.maximum) })
    })
}
