//! The units of time and of work of exports.

use crate::scenario::Micros;

/// Records or lines that one part of the work reads or writes.
pub(super) const PART: usize = 256;

pub(super) fn ms(us: Micros) -> f64 {
    us as f64 / 1000.0
}
