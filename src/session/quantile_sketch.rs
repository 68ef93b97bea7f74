//! A mergeable sketch of quantiles: DDSketch (Masson, Rim and Lee, VLDB 2019), whose buckets also keep their smallest and largest
//! value. Each quantile is within 1 % of the value of that rank. The minimum and the maximum are exact, and so is a quantile whose
//! bucket contains equal values only, such as a count below 50. Counts are integers, so shards merge in any order to the same
//! sketch.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The maximum relative error of a quantile.
pub const ERROR: f64 = 0.01;

/// The distribution of integers, such as microseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct QuantileSketch {
    /// Number of values.
    pub count: u64,
    /// The sum of the values.
    pub sum: u64,
    /// Number of values that are 0.
    pub zeros: u64,
    /// The i-th bucket contains values v with γ^(i−1) < v ≤ γ^i, γ = (1 + error)/(1 − error).
    pub buckets: BTreeMap<i32, Bucket>,
}

/// Values of a sketch that differ by at most 2 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Bucket {
    /// Number of values.
    pub count: u64,
    /// The smallest value.
    pub min: u64,
    /// The largest value.
    pub max: u64,
}

impl Bucket {
    fn of(value: u64) -> Bucket {
        Bucket { count: 1, min: value, max: value }
    }

    fn merge(&mut self, other: &Bucket) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Returns the value of a rank in this bucket, the `index`-th. The first and the last one are exact, others within 1 %.
    fn at_rank(&self, index: i32, rank: u64) -> f64 {
        let (min, max) = (self.min as f64, self.max as f64);
        match rank {
            1 => min,
            rank if rank == self.count => max,
            _ => (2.0 * libm::pow(gamma(), f64::from(index)) / (gamma() + 1.0)).clamp(min, max),
        }
    }
}

/// Returns the rank of a quantile of `count` values, ⌈q·count⌉: that of the smallest value such that at least a share q of all
/// values is not greater (nearest rank). `None` without values.
pub fn nearest_rank(q: f64, count: u64) -> Option<u64> {
    // 0.07 · 100 is 7.000000000000001.
    let rank = libm::ceil(q * count as f64 * (1.0 - 1e-12)) as u64;
    (count > 0).then(|| rank.clamp(1, count))
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
            let index = libm::ceil(libm::log(value as f64) / libm::log(gamma())) as i32;
            self.add_bucket(index, &Bucket::of(value));
        }
    }

    fn add_bucket(&mut self, index: i32, added: &Bucket) {
        self.buckets.entry(index).and_modify(|bucket| bucket.merge(added)).or_insert_with(|| added.clone());
    }

    /// Adds all values of another sketch.
    pub fn merge(&mut self, other: &QuantileSketch) {
        self.count += other.count;
        self.sum += other.sum;
        self.zeros += other.zeros;
        for (index, bucket) in &other.buckets {
            self.add_bucket(*index, bucket);
        }
    }

    /// Returns the quantile by the nearest-rank definition, within 1 %; `None` without values.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.at_rank(nearest_rank(q, self.count)?)
    }

    /// Returns the value of a rank, within 1 %; 1 is the rank of the smallest value. `None` if there are fewer values.
    pub fn at_rank(&self, rank: u64) -> Option<f64> {
        let mut counted = self.zeros;
        if rank <= counted {
            return (self.count > 0).then_some(0.0);
        }
        for (index, bucket) in &self.buckets {
            if rank <= counted + bucket.count {
                return Some(bucket.at_rank(*index, rank - counted));
            }
            counted += bucket.count;
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

    /// The smallest value such that at least a share q of all values is not greater.
    fn exact(sorted: &[u64], q: f64) -> u64 {
        let share = |value: u64| sorted.iter().filter(|other| **other <= value).count() as f64 / sorted.len() as f64;
        *sorted.iter().find(|value| share(**value) >= q).expect("values")
    }

    #[test]
    fn a_high_quantile_of_few_values_is_their_maximum_and_not_below_their_mean() {
        let quantiles = |values: &[u64]| {
            let mut sketch = QuantileSketch::default();
            values.iter().for_each(|value| sketch.add(*value));
            [0.5, 0.9, 0.95, 0.99, 0.999, 1.0].map(|q| sketch.quantile(q).expect("values"))
        };
        let hundred: Vec<u64> = (1..=100).collect();
        let cases: [(&[u64], [u64; 6]); 4] = [
            (&[181], [181; 6]),
            (&[181, 482], [181, 482, 482, 482, 482, 482]),
            (&[100, 200, 300], [200, 300, 300, 300, 300, 300]),
            (&hundred, [50, 90, 95, 99, 100, 100]),
        ];
        for (values, expected) in cases {
            for (found, expected) in quantiles(values).into_iter().zip(expected.map(|value| value as f64)) {
                assert!((found - expected).abs() <= ERROR * expected, "{found}, not {expected}, of {values:?}");
            }
        }
    }

    #[test]
    fn extremes_and_quantiles_of_equal_values_are_exact() {
        let quantiles = |values: &[u64]| {
            let mut sketch = QuantileSketch::default();
            values.iter().for_each(|value| sketch.add(*value));
            [0.0, 0.5, 1.0].map(|q| sketch.quantile(q).expect("values"))
        };
        assert_eq!(quantiles(&[1; 600]), [1.0; 3], "events that are delivered once");
        assert_eq!(quantiles(&[11_000; 600]), [11_000.0; 3], "windows of 11 ms");
        assert_eq!(quantiles(&[1, 1, 2, 49, 49]), [1.0, 2.0, 49.0]);
        assert_eq!(quantiles(&[10_001, 10_003]), [10_001.0, 10_001.0, 10_003.0], "two values of one bucket");
    }

    #[test]
    fn the_rank_of_a_quantile_is_exact_where_the_product_is_a_whole_number() {
        for percent in 1..=100 {
            assert_eq!(nearest_rank(f64::from(percent) / 100.0, 100), Some(percent as u64), "{percent} %");
        }
        assert_eq!((nearest_rank(0.5, 0), nearest_rank(0.0, 3)), (None, Some(1)));
    }

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
                    let exact = exact(&all, q) as f64;
                    prop_assert!((value - exact).abs() <= ERROR * exact + 1e-9, "{value} for {exact}");
                }
            }
        }
    }
}
