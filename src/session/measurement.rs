//! A workload at eventual, read-after-write and strong consistency: latencies, failures and staleness.

use super::labels;
use super::protocol::MeasurementRow;
use super::quantile_sketch::QuantileSketch;
use super::sweep::{MAX_EVENTS, Sweep, SweepRun};
use crate::language::{decimal, phrase};
use crate::scenario::{Consistency, Scenario};

/// The number of events of a part of a run, between two readings of the clock.
const PART: u64 = 64;

/// The measurements at each consistency level.
#[derive(Debug)]
pub struct ConsistencyMeasurement {
    /// The measurements.
    pub levels: Vec<(Consistency, Sweep)>,
    /// The seed that is being run, the level, and its run.
    unfinished: Option<(u64, usize, Box<SweepRun>)>,
}

/// Number of seeds that the page measures.
pub const SEEDS: u64 = 20;

impl ConsistencyMeasurement {
    /// Creates measurements without runs.
    pub fn new(scenario: &Scenario, group: usize) -> Self {
        let levels = Consistency::ALL
            .map(|consistency| (consistency, Sweep::new(&scenario.with_consistency(group, consistency))))
            .into();
        ConsistencyMeasurement::of(levels)
    }

    /// Joins measurements of the same runs at each level.
    pub fn of(levels: Vec<(Consistency, Sweep)>) -> Self {
        ConsistencyMeasurement { levels, unfinished: None }
    }

    /// Runs the scenario with a seed at each consistency level of a group, unless that seed was run already, or continues such
    /// runs. Calls `pauses` after each part of a run, and stops if it returns true. Returns whether all runs are finished.
    pub fn run(&mut self, scenario: &Scenario, group: usize, seed: u64, pauses: &dyn Fn() -> bool) -> bool {
        let unfinished = self.unfinished.take().filter(|(of, ..)| *of == seed);
        let first = unfinished.as_ref().map_or(0, |(_, level, _)| *level);
        let mut continued = unfinished.map(|(_, _, run)| *run);
        for level in first..self.levels.len() {
            let (consistency, measured) = &mut self.levels[level];
            let changed = scenario.with_consistency(group, *consistency);
            let begun = continued.take().map_or_else(|| measured.begin(&changed, seed, MAX_EVENTS, &mut |_| {}), Ok);
            let Ok(mut run) = begun else { continue };
            while !measured.advance(&mut run, PART, &mut |_| {}) {
                if pauses() {
                    self.unfinished = Some((seed, level, Box::new(run)));
                    return false;
                }
            }
            measured.finish(run);
        }
        true
    }

    /// Returns the rows.
    pub fn rows(&self) -> Vec<MeasurementRow> {
        let row = |name: &str, cell: &dyn Fn(&Sweep) -> String| {
            (name.to_string(), self.levels.iter().map(|(_, measured)| cell(measured)).collect())
        };
        vec![
            row(phrase("write latency, median", "Latenz Schreiben, Median"), &|sweep| {
                quantile(&sweep.write_latency_us, 0.5)
            }),
            row(phrase("write latency, 99 %", "Latenz Schreiben, 99 %"), &|sweep| {
                quantile(&sweep.write_latency_us, 0.99)
            }),
            row(phrase("writes not ok", "Schreiben nicht ok"), &|sweep| {
                let other = sweep.write_outcomes.fail + sweep.write_outcomes.unknown;
                percent(other, other + sweep.write_outcomes.ok)
            }),
            row(phrase("read latency, median", "Latenz Lesen, Median"), &|sweep| quantile(&sweep.read_latency_us, 0.5)),
            row(phrase("read latency, 99 %", "Latenz Lesen, 99 %"), &|sweep| quantile(&sweep.read_latency_us, 0.99)),
            row(phrase("reads not ok", "Lesen nicht ok"), &|sweep| {
                let other = sweep.read_outcomes.fail + sweep.read_outcomes.unknown;
                percent(other, other + sweep.read_outcomes.ok)
            }),
            row(phrase("stale reads", "veraltete Lesevorgänge"), &|sweep| {
                percent(sweep.reads.stale, sweep.reads.count)
            }),
            row(phrase("messages per run", "Nachrichten je Lauf"), &|sweep| {
                let all: u64 = sweep.messages.values().sum();
                (all / sweep.runs.max(1)).to_string()
            }),
        ]
    }
}

/// Returns a quantile as a duration in words.
fn quantile(sketch: &QuantileSketch, q: f64) -> String {
    sketch.quantile(q).map_or("-".into(), |us| labels::duration(us.round() as u64))
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".into() } else { decimal(format_args!("{:.2} %", 100.0 * part as f64 / whole as f64)) }
}
