//! How long to wait before the next attempt.

use super::random::Stream;
use crate::scenario::{Backoff, Micros, micros};

/// Returns the wait after the n-th attempt, counted from 1, in µs. `last_wait` is the previous wait, ms. Jitter is as defined
/// by Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
pub fn wait(backoff: &Backoff, n: u32, last_wait: f64, stream: &mut Stream) -> Micros {
    debug_assert!(n > 0, "attempts are counted from 1");
    debug_assert!(last_wait >= 0.0, "a wait is not negative");
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
            let upper_limit = 3.0 * last_wait.max(base_ms);
            (base_ms + (upper_limit - base_ms) * stream.unit()).min(cap_ms)
        }
    })
}
