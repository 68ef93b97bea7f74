//! What tests under random faults share.

use converge::scenario::{Command, Latency};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// So many cases; what fails is printed, not kept in a file.
pub fn config(cases: u32) -> ProptestConfig {
    let failure_persistence = Some(Box::new(FileFailurePersistence::Off) as _);
    ProptestConfig { cases, failure_persistence, ..ProptestConfig::default() }
}

/// A link that is bad in both directions: it loses, doubles, delays by so many ms on average, and lets overtake.
pub fn disturbed(from: String, to: String, loss: f64, duplicate: f64, mean_ms: f64, reorder: f64) -> Command {
    let delay = Some(Latency::Exponential { mean_ms });
    Command::DisturbLink { from, to, one_way: false, loss, duplicate, delay, reorder }
}
