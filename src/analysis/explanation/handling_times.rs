//! The times that handlers and messages take.

use crate::scenario::Latency;

/// The longest of random times as a multiple of their mean; longer ones are very rare.
const LONGEST: f64 = 10.0;

/// Returns the shortest time of a distribution, ms.
pub(super) fn shortest_ms(latency: &Latency) -> f64 {
    match latency {
        Latency::Constant { ms } => *ms,
        Latency::Uniform { low_ms, .. } => *low_ms,
        Latency::Pareto { scale_ms, .. } => *scale_ms,
        Latency::Exponential { .. } | Latency::Normal { .. } | Latency::Lognormal { .. } => 0.0,
        Latency::Mixture { parts } => {
            let possible = parts.iter().filter(|part| part.weight > 0.0);
            possible.map(|part| shortest_ms(&part.of)).reduce(f64::min).unwrap_or(0.0)
        }
        Latency::Samples { ms } => ms.iter().copied().reduce(f64::min).unwrap_or(0.0),
    }
}

/// Returns the longest time of a distribution, ms, except for very rare ones.
pub(super) fn longest_ms(latency: &Latency) -> f64 {
    match latency {
        Latency::Constant { ms } => *ms,
        Latency::Uniform { high_ms, .. } => *high_ms,
        Latency::Exponential { .. } | Latency::Normal { .. } | Latency::Lognormal { .. } | Latency::Pareto { .. } => {
            latency.mean_ms() * LONGEST
        }
        Latency::Mixture { parts } => parts.iter().map(|part| longest_ms(&part.of)).fold(0.0, f64::max),
        Latency::Samples { ms } => ms.iter().copied().fold(0.0, f64::max),
    }
}
