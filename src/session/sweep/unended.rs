//! Durations that had not ended when their run ended.

use crate::scenario::Micros;
use crate::session::quantile_sketch::QuantileSketch;
use serde::{Deserialize, Serialize};

/// Durations that had not ended at the end of their runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Unended {
    /// The durations so far of those that may still end, µs.
    pub so_far_us: QuantileSketch,
    /// The number of those that never end: their run is quiet, and its copies will not converge.
    pub never: u64,
}

impl Unended {
    /// Adds a duration.
    pub(super) fn add(&mut self, so_far: Micros, never_ends: bool) {
        if never_ends {
            self.never += 1;
        } else {
            self.so_far_us.add(so_far);
        }
    }

    /// Adds all durations of another sweep.
    pub(super) fn merge(&mut self, other: &Unended) {
        self.so_far_us.merge(&other.so_far_us);
        self.never += other.never;
    }
}

/// Whether an update was reflected until the end of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reflection {
    /// The time from its acknowledgement until it was reflected.
    After(Micros),
    /// It is not reflected yet.
    Open,
    /// It will never be reflected.
    Never,
}
