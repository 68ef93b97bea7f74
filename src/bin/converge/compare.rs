//! `converge compare`: the same workload under eventual, read-after-write and strong consistency, side by side.

use crate::sweep;
use converge::scenario::{Consistency, Scenario};
use converge::session::sketch::Sketch;
use converge::session::sweep::Sweep;
use converge::session::words;
use serde_json::Value as Json;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// What was measured under each.
pub type Compared = Vec<(Consistency, Sweep)>;

/// Sweeps a scenario with a group, by its place, under each consistency; stops where `stop` is set.
pub fn compare(scenario: &Scenario, group: usize, seeds: &Range<u64>, jobs: usize, stop: &AtomicBool) -> Compared {
    let each = Consistency::ALL.into_iter();
    each.map(|it| (it, sweep::sweep(&scenario.under(group, it), seeds.clone(), jobs, stop))).collect()
}

/// For programs: by consistency, what `sweep --json` prints.
pub fn json(compared: &Compared) -> Json {
    compared.iter().map(|(consistency, measured)| (consistency.word().to_string(), sweep::json(measured))).collect()
}

fn at(sketch: &Sketch, q: f64) -> String {
    sketch.quantile(q).map_or("-".into(), |us| words::duration(us.round() as u64))
}

fn percent(of: u64, all: u64) -> String {
    if all == 0 { "-".into() } else { format!("{:.2} %", 100.0 * of as f64 / all as f64) }
}

/// For people: a table.
pub fn text(compared: &Compared, title: &str, group: &str) -> String {
    let runs = compared.first().map_or(0, |(_, measured)| measured.runs);
    let mut lines = vec![format!("{title}: {group} under each consistency, {runs} runs each"), String::new()];
    let row = |what: &str, cell: &dyn Fn(&Sweep) -> String| {
        let cells: Vec<String> = compared.iter().map(|(_, measured)| format!("{:>18}", cell(measured))).collect();
        format!("{what:<26}{}", cells.concat())
    };
    let heads: Vec<String> = compared.iter().map(|(consistency, _)| format!("{:>18}", consistency.word())).collect();
    lines.push(format!("{:<26}{}", "", heads.concat()));
    lines.push(row("write latency, median", &|it| at(&it.write_latency_us, 0.5)));
    lines.push(row("write latency, 99 %", &|it| at(&it.write_latency_us, 0.99)));
    lines.push(row("writes not ok", &|it| {
        let other = it.write_outcomes.fail + it.write_outcomes.unknown;
        percent(other, other + it.write_outcomes.ok)
    }));
    lines.push(row("read latency, median", &|it| at(&it.read_latency_us, 0.5)));
    lines.push(row("read latency, 99 %", &|it| at(&it.read_latency_us, 0.99)));
    lines.push(row("reads not ok", &|it| {
        let other = it.read_outcomes.fail + it.read_outcomes.unknown;
        percent(other, other + it.read_outcomes.ok)
    }));
    lines.push(row("stale reads", &|it| percent(it.reads.stale, it.reads.count)));
    lines.push(row("messages a run", &|it| {
        let all: u64 = it.messages.values().sum();
        (all / it.runs.max(1)).to_string()
    }));
    lines.join("\n") + "\n"
}
