//! The same workload under eventual, read-after-write and strong consistency: what each costs and how stale it reads.

use super::quantile_sketch::QuantileSketch;
use super::sweep::Sweep;
use super::words;
use crate::scenario::{Consistency, Scenario};

/// What was measured under each.
#[derive(Debug)]
pub struct ConsistencyMeasurement(pub Vec<(Consistency, Sweep)>);

/// A row of the comparison: what is measured, and its value under each consistency, in words.
pub type Row = (String, Vec<String>);

/// Seeds after which the page has numbers that it can show for good.
pub const SEEDS: u64 = 20;

impl ConsistencyMeasurement {
    /// Nothing measured yet.
    pub fn new(scenario: &Scenario, group: usize) -> Self {
        ConsistencyMeasurement(Consistency::ALL.map(|it| (it, Sweep::new(&scenario.under(group, it)))).into())
    }

    /// Runs the scenario with a seed under each consistency of a group. A seed that was run already is not run again.
    pub fn run(&mut self, scenario: &Scenario, group: usize, seed: u64) {
        for (consistency, measured) in &mut self.0 {
            let _ = measured.run(&scenario.under(group, *consistency), seed);
        }
    }

    /// The numbers for people.
    pub fn rows(&self) -> Vec<Row> {
        let row = |what: &str, cell: &dyn Fn(&Sweep) -> String| {
            (what.to_string(), self.0.iter().map(|(_, measured)| cell(measured)).collect())
        };
        vec![
            row("write latency, median", &|it| at(&it.write_latency_us, 0.5)),
            row("write latency, 99 %", &|it| at(&it.write_latency_us, 0.99)),
            row("writes not ok", &|it| {
                let other = it.write_outcomes.fail + it.write_outcomes.unknown;
                percent(other, other + it.write_outcomes.ok)
            }),
            row("read latency, median", &|it| at(&it.read_latency_us, 0.5)),
            row("read latency, 99 %", &|it| at(&it.read_latency_us, 0.99)),
            row("reads not ok", &|it| {
                let other = it.read_outcomes.fail + it.read_outcomes.unknown;
                percent(other, other + it.read_outcomes.ok)
            }),
            row("stale reads", &|it| percent(it.reads.stale, it.reads.count)),
            row("messages a run", &|it| {
                let all: u64 = it.messages.values().sum();
                (all / it.runs.max(1)).to_string()
            }),
        ]
    }
}

fn at(sketch: &QuantileSketch, q: f64) -> String {
    sketch.quantile(q).map_or("-".into(), |us| words::duration(us.round() as u64))
}

fn percent(of: u64, all: u64) -> String {
    if all == 0 { "-".into() } else { format!("{:.2} %", 100.0 * of as f64 / all as f64) }
}
