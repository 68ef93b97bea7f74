//! Benchmarks, as ratios within one run.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and the platform's logarithm")]

mod forwarding;
mod nexosim_forwarding;

fn main() {
    forwarding::run();
}
