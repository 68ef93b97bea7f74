//! Prints the figures of benchmarks and whether they reach their targets. Only `growth` fails when it misses its target,
//! because a ratio of two costs does not depend on the machine.
#![allow(clippy::disallowed_methods, reason = "benchmarks run in real time")]

mod checking;
mod embeds;
mod forwarding_speed;
mod growth;
mod memory;
mod nexosim_forwarding;
mod page;
mod react_flow;
mod replication;
mod run;
mod seek;
mod wasm;

/// The benchmarks by name.
const ALL: [(&str, fn()); 11] = [
    ("forwarding", forwarding_speed::run),
    ("wasm", wasm::run),
    ("page", page::run),
    ("embeds", embeds::run),
    ("react-flow", react_flow::run),
    ("memory", memory::run),
    ("run", run::run),
    ("seek", seek::run),
    ("replication", replication::run),
    ("checking", checking::run),
    ("growth", growth::run),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| ALL.iter().all(|(known, _)| known != name)) {
        let known = ALL.map(|(name, _)| name).join(", ");
        eprintln!("error: a benchmark is expected, one of {known}; not `{unknown}`");
        std::process::exit(2);
    }
    for (name, run) in ALL {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}

/// States whether a target is reached.
fn outcome(reached: bool) -> &'static str {
    if reached { "reached" } else { "MISSED" }
}
