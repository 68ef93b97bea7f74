//! `converge compare`: the same workload under eventual, read-after-write and strong consistency.

use crate::output;
use crate::parallel_sweep::sweep;
use crate::sweep_text;
use converge::report::SweepReport;
use converge::scenario::{Consistency, Scenario};
use converge::session::measurement::ConsistencyMeasurement;
use converge::session::sweep::Sweep;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// Sweeps a scenario under each consistency of a replica group, given by its index, until `stop` is set.
pub fn compare(
    scenario: &Scenario,
    group: usize,
    seeds: &Range<u64>,
    jobs: usize,
    max_events: u64,
    stop: &AtomicBool,
) -> ConsistencyMeasurement {
    let sweeps = Consistency::ALL
        .map(|level| (level, sweep(&scenario.with_consistency(group, level), seeds.clone(), jobs, max_events, stop)));
    ConsistencyMeasurement::of(sweeps.into())
}

/// The report of each sweep by the name of its consistency.
pub fn report(compared: &ConsistencyMeasurement) -> BTreeMap<&'static str, SweepReport<'_>> {
    compared.levels.iter().map(|(level, sweep)| (level.name(), SweepReport::new(sweep))).collect()
}

/// Formats the comparison as a table.
pub fn text(compared: &ConsistencyMeasurement, title: &str, group: &str) -> String {
    let runs = compared.levels.first().map_or(0, |(_, sweep)| sweep.runs);
    let halted =
        |(level, sweep): &(Consistency, Sweep)| Some(format!("{}: {}", level.name(), sweep_text::halted(sweep)?));
    let mut lines: Vec<String> = compared.levels.iter().filter_map(halted).collect();
    lines.extend([format!("{title}: {group} under each consistency, {} each", sweep_text::runs(runs)), String::new()]);
    let row = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
        format!("{name:<26}{}", cells.map(|cell| format!("{cell:>18}")).collect::<String>())
    };
    lines.push(row("", &mut compared.levels.iter().map(|(level, _)| level.name())));
    lines.extend(compared.rows().iter().map(|(name, cells)| row(name, &mut cells.iter().map(String::as_str))));
    output::lines(&lines)
}
