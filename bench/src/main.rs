//! Benchmarks, as ratios within one run.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and the platform's logarithm")]

mod forwarding;

fn main() {
    forwarding::run();
}
