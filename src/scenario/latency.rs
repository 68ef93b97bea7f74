use super::json::Document;
use crate::wire::Wire;

/// A distribution of durations, in milliseconds. How it is drawn: `engine::random`.
#[derive(Clone, Debug, PartialEq, Document, Wire)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Always the same.
    Constant {
        /// The duration, ms.
        ms: f64,
    },
    /// Every duration between the two is as likely.
    Uniform {
        /// Least, ms.
        low_ms: f64,
        /// Greatest, ms.
        high_ms: f64,
    },
    /// Memoryless, with the given mean.
    Exponential {
        /// Mean, ms.
        mean_ms: f64,
    },
    /// Normal, truncated at 0: draws below 0 do not happen (the rest keeps its shape).
    Normal {
        /// Mean before truncation, ms.
        mean_ms: f64,
        /// Standard deviation before truncation, ms.
        sd_ms: f64,
    },
    /// The logarithm is normal.
    Lognormal {
        /// Median, ms.
        median_ms: f64,
        /// Standard deviation of the natural logarithm.
        sigma: f64,
    },
    /// Pareto, type I: never below the scale, with a heavy tail.
    Pareto {
        /// Scale (the least value, xm), ms.
        scale_ms: f64,
        /// Shape (alpha); the smaller, the heavier the tail.
        shape: f64,
    },
    /// One of several distributions, each with a chance in proportion to its weight.
    Mixture {
        /// The components.
        parts: Vec<Weighted>,
    },
    /// Empirical: one of the measured durations, each as likely.
    Samples {
        /// The measurements, ms, in any order.
        ms: Vec<f64>,
    },
}

/// A component of [`Latency::Mixture`].
#[derive(Clone, Debug, PartialEq, Document, Wire)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Relative weight, above 0.
    pub weight: f64,
    /// The component.
    pub of: Latency,
}

impl Latency {
    /// Its mean, ms; that of a normal distribution before what is below 0 is cut away.
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

    /// A constant duration, ms.
    pub const fn constant(ms: f64) -> Self {
        Latency::Constant { ms }
    }
}
