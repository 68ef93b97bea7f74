//! `converge compare`: the same workload under eventual, read-after-write and strong consistency, side by side.

use crate::sweep;
use converge::scenario::{Consistency, Scenario};
use converge::session::measurement::ConsistencyMeasurement;
use serde_json::Value as Json;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// Sweeps a scenario with a group, by its place, under each consistency; stops where `stop` is set.
pub fn compare(
    scenario: &Scenario,
    group: usize,
    seeds: &Range<u64>,
    jobs: usize,
    stop: &AtomicBool,
) -> ConsistencyMeasurement {
    let each = Consistency::ALL.into_iter();
    ConsistencyMeasurement(
        each.map(|it| (it, sweep::sweep(&scenario.under(group, it), seeds.clone(), jobs, stop))).collect(),
    )
}

/// For programs: by consistency, what `sweep --json` prints.
pub fn json(compared: &ConsistencyMeasurement) -> Json {
    compared.0.iter().map(|(consistency, measured)| (consistency.word().to_string(), sweep::json(measured))).collect()
}

/// For people: a table.
pub fn text(compared: &ConsistencyMeasurement, title: &str, group: &str) -> String {
    let runs = compared.0.first().map_or(0, |(_, measured)| measured.runs);
    let mut lines = vec![format!("{title}: {group} under each consistency, {runs} runs each"), String::new()];
    let line = |what: &str, cells: &mut dyn Iterator<Item = &str>| {
        format!("{what:<26}{}", cells.map(|cell| format!("{cell:>18}")).collect::<String>())
    };
    lines.push(line("", &mut compared.0.iter().map(|(consistency, _)| consistency.word())));
    lines.extend(compared.rows().iter().map(|(what, cells)| line(what, &mut cells.iter().map(String::as_str))));
    lines.join("\n") + "\n"
}
