//! Benchmarks: figures, ratios within one run where they can be, and whether targets are reached. None fails for being slow.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and the platform's logarithm")]

mod checking;
mod forwarding_speed;
mod memory;
mod nexosim_forwarding;
mod page;
mod replication;
mod run;
mod seek;
mod wasm;

/// Every benchmark, by name.
const ALL: [(&str, fn()); 8] = [
    ("forwarding", forwarding_speed::run),
    ("wasm", wasm::run),
    ("page", page::run),
    ("memory", memory::run),
    ("run", run::run),
    ("seek", seek::run),
    ("replication", replication::run),
    ("checking", checking::run),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| ALL.iter().all(|(known, _)| known != name)) {
        let known = ALL.map(|(name, _)| name).join(", ");
        eprintln!("error: there is no benchmark `{unknown}`; there are {known}");
        std::process::exit(2);
    }
    for (name, run) in ALL {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}

/// How a target was met.
fn says(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}
