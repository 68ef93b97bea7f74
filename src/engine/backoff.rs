//! How long to wait before trying again.

use super::random::Stream;
use crate::scenario::{Backoff, Micros, micros};

/// The wait after the n-th attempt, from 1, the last one having been `waited` ms. Jitter as the AWS
/// architecture blog defines it (Brooker 2015).
pub fn wait(backoff: &Backoff, n: u32, waited: f64, stream: &mut Stream) -> Micros {
    let doubled = |base_ms: f64, cap_ms: f64| (base_ms * (1u64 << n.saturating_sub(1).min(60)) as f64).min(cap_ms);
    micros(match *backoff {
        Backoff::None => 0.0,
        Backoff::Fixed { ms } => ms,
        Backoff::Exponential { base_ms, cap_ms } => doubled(base_ms, cap_ms),
        Backoff::EqualJitter { base_ms, cap_ms } => {
            let half = doubled(base_ms, cap_ms) / 2.0;
            half + half * stream.unit()
        }
        Backoff::FullJitter { base_ms, cap_ms } => doubled(base_ms, cap_ms) * stream.unit(),
        Backoff::DecorrelatedJitter { base_ms, cap_ms } => {
            let widest = 3.0 * waited.max(base_ms);
            (base_ms + (widest - base_ms) * stream.unit()).min(cap_ms)
        }
    })
}
