use serde::{Deserialize, Serialize};

/// A distribution of durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Always the same duration.
    Constant {
        /// The duration, ms.
        ms: f64,
    },
    /// All durations between two limits with equal probability.
    Uniform {
        /// Minimum, ms.
        low_ms: f64,
        /// Maximum, ms.
        high_ms: f64,
    },
    /// Exponential distribution (memoryless).
    Exponential {
        /// Mean, ms.
        mean_ms: f64,
    },
    /// Normal distribution, truncated at 0: negative durations do not occur.
    Normal {
        /// Mean before truncation, ms.
        mean_ms: f64,
        /// Standard deviation before truncation, ms.
        sd_ms: f64,
    },
    /// Log-normal distribution: the logarithm is normally distributed.
    Lognormal {
        /// Median, ms.
        median_ms: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Pareto distribution, type I: at least the scale, with a heavy tail.
    Pareto {
        /// Scale (the minimum, xm), ms.
        scale_ms: f64,
        /// Shape (alpha); a smaller shape has a heavier tail.
        shape: f64,
    },
    /// Mixture: one of several distributions, with probabilities proportional to their weights.
    Mixture {
        /// The components.
        parts: Vec<Weighted>,
    },
    /// Empirical distribution: one of the measured durations, with equal probability.
    Samples {
        /// Measured durations, ms, in any order.
        ms: Vec<f64>,
    },
}

/// A component of [`Latency::Mixture`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Weight relative to the other components; more than 0.
    pub weight: f64,
    /// Distribution of the component.
    pub of: Latency,
}

impl Latency {
    /// Returns its mean, ms; of a normal distribution the mean before truncation.
    pub fn mean_ms(&self) -> f64 {
        match self {
            Latency::Constant { ms } => *ms,
            Latency::Uniform { low_ms, high_ms } => f64::midpoint(*low_ms, *high_ms),
            Latency::Exponential { mean_ms } | Latency::Normal { mean_ms, .. } => *mean_ms,
            Latency::Lognormal { median_ms, sigma } => median_ms * libm::exp(sigma * sigma / 2.0),
            Latency::Pareto { shape, .. } if *shape <= 1.0 => f64::INFINITY,
            Latency::Pareto { scale_ms, shape } => scale_ms * shape / (shape - 1.0),
            Latency::Mixture { parts } => {
                let total: f64 = parts.iter().map(|part| part.weight).sum();
                parts.iter().map(|part| part.weight / total * part.of.mean_ms()).sum()
            }
            Latency::Samples { ms } => ms.iter().sum::<f64>() / ms.len() as f64,
        }
    }

    /// Returns whether it is always 0, or rounds to 0 µs.
    pub fn is_zero(&self) -> bool {
        let rounds_to_zero = |ms: f64| ms < 0.0005;
        match self {
            Latency::Constant { ms } | Latency::Exponential { mean_ms: ms } => rounds_to_zero(*ms),
            Latency::Uniform { high_ms, .. } => rounds_to_zero(*high_ms),
            Latency::Normal { mean_ms, sd_ms } => rounds_to_zero(*mean_ms) && rounds_to_zero(*sd_ms),
            Latency::Lognormal { median_ms, .. } => *median_ms == 0.0,
            Latency::Pareto { scale_ms, .. } => *scale_ms == 0.0,
            Latency::Mixture { parts } => parts.iter().all(|part| part.weight == 0.0 || part.of.is_zero()),
            Latency::Samples { ms } => ms.iter().all(|ms| rounds_to_zero(*ms)),
        }
    }

    /// Returns a constant duration, ms.
    pub const fn constant(ms: f64) -> Self {
        Latency::Constant { ms }
    }
}
