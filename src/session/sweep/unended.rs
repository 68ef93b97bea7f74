//! What had not ended when its run ended, so that its duration is not known.

use crate::scenario::Micros;
use crate::session::quantile_sketch::QuantileSketch;
use serde::{Deserialize, Serialize};

/// Durations that had not ended at the end of their runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Unended {
    /// Of those that may still end: how long they had lasted, µs.
    pub so_far_us: QuantileSketch,
    /// Number of those that never end: their run is quiet, and its copies will not converge.
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
    /// So long after its acknowledgement.
    After(Micros),
    /// Not yet.
    Open,
    /// Not, and it never will be.
    Never,
}
