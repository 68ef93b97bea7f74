//! A mergeable sketch of quantiles: DDSketch (Masson, Rim and Lee, VLDB 2019). Each quantile is within 1 % of the value
//! of that rank. Counts are integers, so shards merge in any order to the same sketch.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The relative error of a quantile.
pub const ERROR: f64 = 0.01;

/// The distribution of integers, such as microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct QuantileSketch {
    /// Number of values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// Number of values that are 0.
    pub zeros: u64,
    /// Number of values in each bucket: the i-th contains values v with γ^(i−1) < v ≤ γ^i, γ = (1 + error)/(1 − error).
    pub buckets: BTreeMap<i32, u64>,
}

fn gamma() -> f64 {
    (1.0 + ERROR) / (1.0 - ERROR)
}

impl QuantileSketch {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += value;
        if value == 0 {
            self.zeros += 1;
        } else {
            let bucket = libm::ceil(libm::log(value as f64) / libm::log(gamma())) as i32;
            *self.buckets.entry(bucket).or_default() += 1;
        }
    }

    /// Adds all values of another sketch.
    pub fn merge(&mut self, other: &QuantileSketch) {
        self.count += other.count;
        self.sum += other.sum;
        self.zeros += other.zeros;
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }

    /// Returns the value of rank ⌊q·(count − 1)⌋ within 1 %; none without values.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = (q * self.count.checked_sub(1)? as f64) as u64;
        let mut below = self.zeros;
        if rank < below {
            return Some(0.0);
        }
        for (bucket, count) in &self.buckets {
            below += count;
            if rank < below {
                return Some(2.0 * libm::pow(gamma(), f64::from(*bucket)) / (gamma() + 1.0));
            }
        }
        None
    }

    /// Returns the exact mean; none without values.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_of_merged_sketches_are_within_one_percent(
            shards in proptest::collection::vec(proptest::collection::vec(0u64..10_000_000, 0..60), 1..6),
            q in 0.0f64..=1.0,
        ) {
            let mut merged = QuantileSketch::default();
            for shard in &shards {
                let mut sketch = QuantileSketch::default();
                shard.iter().for_each(|value| sketch.add(*value));
                merged.merge(&sketch);
            }
            let mut all: Vec<u64> = shards.concat();
            all.sort_unstable();
            match merged.quantile(q) {
                None => prop_assert!(all.is_empty()),
                Some(value) => {
                    let exact = all[(q * (all.len() - 1) as f64) as usize] as f64;
                    prop_assert!((value - exact).abs() <= ERROR * exact + 1e-9, "{value} for {exact}");
                }
            }
        }
    }
}
