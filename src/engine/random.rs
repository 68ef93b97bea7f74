//! Random numbers: named streams of a scenario's seed, and the distributions of durations.
//!
//! Each draw of a duration uses exactly one number of its stream (none if the duration is constant) and maps it through the
//! inverse of the distribution function, so that two variants of a scenario can be compared on common random numbers.

use crate::scenario::{Latency, Micros};
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A stream of random numbers: xoshiro256++ 1.0 (Blackman and Vigna 2019). As its authors recommend, its state is initialised by
/// SplitMix64, here from a hash of the seed, the purpose and the entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream([u64; 4]);

impl Stream {
    /// Returns the stream for one purpose of one entity. Adding nodes or links does not change the streams of others.
    pub fn named(seed: u64, purpose: &str, entity: &str) -> Self {
        let name = format!("{purpose}\0{entity}");
        let mut state = xxh3_64_with_seed(name.as_bytes(), seed);
        Stream(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    /// Returns the next 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        debug_assert!(self.0 != [0; 4], "the state of xoshiro is never 0");
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        debug_assert!(*s != [0; 4], "the next state of xoshiro is not 0");
        result
    }

    /// Draws uniformly from the open interval (0, 1), in steps of 2^-52.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// Returns true with probability `p`. Uses no number if the result is certain.
    #[inline]
    pub fn bernoulli(&mut self, p: f64) -> bool {
        p > 0.0 && (p >= 1.0 || self.unit() < p)
    }

    /// Draws from the normal distribution with mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        normal_quantile(self.unit())
    }

    /// Draws uniformly from `0..n`, by a multiplication (Lemire 2019; the bias is below n/2^64).
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        debug_assert!(n > 0, "the range is not empty");
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u32
    }
}

/// A distribution of durations, prepared for draws.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampler {
    /// A constant, µs.
    Constant(Micros),
    /// Uniform.
    Uniform {
        /// The lower bound, µs.
        low: f64,
        /// The difference of the bounds, µs.
        width: f64,
    },
    /// Exponential.
    Exponential {
        /// Mean, µs.
        mean: f64,
    },
    /// Normal, truncated at 0.
    Normal {
        /// Mean, µs.
        mean: f64,
        /// Standard deviation, µs.
        sd: f64,
        /// The probability mass below 0.
        below: f64,
    },
    /// Lognormal.
    Lognormal {
        /// The logarithm of the median in µs.
        mu: f64,
        /// The standard deviation of the logarithm.
        sigma: f64,
    },
    /// Pareto, type I.
    Pareto {
        /// Scale, µs.
        scale: f64,
        /// 1/shape.
        inverse_shape: f64,
    },
    /// Components, each with the upper end of its share of (0, 1).
    Mixture(Vec<(f64, Sampler)>),
    /// Measured durations, µs, in ascending order.
    Samples(Vec<Micros>),
}

/// The maximum of a draw, µs: about 31 years, so that a heavy tail does not overflow the time.
const MAX_DURATION: f64 = 1e15;

impl Sampler {
    /// Prepares a validated distribution.
    pub fn new(latency: &Latency) -> Self {
        const MICROS_PER_MS: f64 = 1000.0;
        match latency {
            Latency::Constant { ms } => Sampler::Constant(to_micros(ms * MICROS_PER_MS)),
            Latency::Uniform { low_ms, high_ms } => {
                Sampler::Uniform { low: low_ms * MICROS_PER_MS, width: (high_ms - low_ms) * MICROS_PER_MS }
            }
            Latency::Exponential { mean_ms } => Sampler::Exponential { mean: mean_ms * MICROS_PER_MS },
            Latency::Normal { mean_ms, sd_ms } if *sd_ms == 0.0 => {
                Sampler::Constant(to_micros(mean_ms * MICROS_PER_MS))
            }
            Latency::Normal { mean_ms, sd_ms } => Sampler::Normal {
                mean: mean_ms * MICROS_PER_MS,
                sd: sd_ms * MICROS_PER_MS,
                below: normal_cdf(-mean_ms / sd_ms),
            },
            Latency::Lognormal { median_ms, .. } if *median_ms == 0.0 => Sampler::Constant(0),
            Latency::Lognormal { median_ms, sigma } => {
                Sampler::Lognormal { mu: libm::log(median_ms * MICROS_PER_MS), sigma: *sigma }
            }
            Latency::Pareto { scale_ms, shape } => {
                Sampler::Pareto { scale: scale_ms * MICROS_PER_MS, inverse_shape: 1.0 / shape }
            }
            Latency::Mixture { parts } => {
                let total: f64 = parts.iter().map(|part| part.weight).sum();
                let mut cumulative = 0.0;
                Sampler::Mixture(
                    parts
                        .iter()
                        .map(|part| {
                            cumulative += part.weight / total;
                            (cumulative, Sampler::new(&part.of))
                        })
                        .collect(),
                )
            }
            Latency::Samples { ms } => {
                let mut sorted: Vec<Micros> = ms.iter().map(|ms| to_micros(ms * MICROS_PER_MS)).collect();
                sorted.sort_unstable();
                Sampler::Samples(sorted)
            }
        }
    }

    /// Draws a duration, µs. Uses one number of the stream; none if the duration is constant.
    #[inline]
    pub fn draw(&self, stream: &mut Stream) -> Micros {
        match self {
            Sampler::Constant(us) => *us,
            Sampler::Exponential { mean } => to_micros(exponential(stream.bits()) * mean),
            Sampler::Uniform { .. }
            | Sampler::Normal { .. }
            | Sampler::Lognormal { .. }
            | Sampler::Pareto { .. }
            | Sampler::Mixture(_)
            | Sampler::Samples(_) => self.quantile(stream.unit()),
        }
    }

    /// Returns the quantile `u` in (0, 1), µs.
    pub fn quantile(&self, u: f64) -> Micros {
        match self {
            Sampler::Constant(us) => *us,
            Sampler::Uniform { low, width } => to_micros(low + u * width),
            Sampler::Exponential { mean } => to_micros(-libm::log1p(-u) * mean),
            Sampler::Normal { mean, sd, below } => to_micros(mean + sd * normal_quantile(below + u * (1.0 - below))),
            Sampler::Lognormal { mu, sigma } => to_micros(libm::exp(mu + sigma * normal_quantile(u))),
            Sampler::Pareto { scale, inverse_shape } => to_micros(scale * libm::exp(-libm::log1p(-u) * inverse_shape)),
            Sampler::Mixture(parts) => {
                let mut from = 0.0;
                for (cumulative, sampler) in parts {
                    if u < *cumulative {
                        // Within the component's share the number is uniform again.
                        let within = (u - from) / (cumulative - from);
                        return sampler.quantile(within.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON / 2.0));
                    }
                    from = *cumulative;
                }
                parts.last().map_or(0, |(_, sampler)| sampler.quantile(u))
            }
            Sampler::Samples(sorted) => {
                let i = (u * sorted.len() as f64) as usize;
                sorted[i.min(sorted.len() - 1)]
            }
        }
    }
}

/// The number of cells of the table of logarithms, over [1, 2).
const CELLS: usize = 1024;

/// Natural logarithms of 1 to 2 in steps of 1/1024, by `libm`, which gives the same results on all platforms.
static LOGARITHMS: LazyLock<[f64; CELLS + 1]> =
    LazyLock::new(|| std::array::from_fn(|i| libm::log(1.0 + i as f64 / CELLS as f64)));

/// Returns an exponential draw with mean 1: -ln(u) of the uniform number u = (bits + 1/2) / 2^64. The logarithm is interpolated
/// in the table, which takes a third of the time; the error is below 1.2e-7.
#[inline]
fn exponential(bits: u64) -> f64 {
    let zeros = (bits | 1).leading_zeros();
    // After the leading one: ten bits select the cell, the others the position in it.
    let fraction = (bits << zeros) << 1;
    let cell = (fraction >> 54) as usize;
    let within = ((fraction << 10) >> 11) as f64 * (1.0 / (1u64 << 53) as f64);
    let table: &[f64; CELLS + 1] = &LOGARITHMS;
    let (low, high) = (table[cell], table[cell + 1]);
    f64::from(zeros + 1) * std::f64::consts::LN_2 - (low + (high - low) * within)
}

#[inline]
fn to_micros(us: f64) -> Micros {
    // The cast truncates, and converts negative numbers and NaN to 0.
    (us.min(MAX_DURATION) + 0.5) as Micros
}

/// Returns the standard normal distribution function.
fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// Returns the standard normal quantile, with a relative error of 1e-16: algorithm AS 241 (Wichura 1988, PPND16).
fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(r, &CENTRE_NUMERATOR) / polynomial(r, &CENTRE_DENOMINATOR);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail.max(f64::MIN_POSITIVE)));
    let x = if r <= 5.0 {
        polynomial(r - 1.6, &MIDDLE_NUMERATOR) / polynomial(r - 1.6, &MIDDLE_DENOMINATOR)
    } else {
        polynomial(r - 5.0, &TAIL_NUMERATOR) / polynomial(r - 5.0, &TAIL_DENOMINATOR)
    };
    if q < 0.0 { -x } else { x }
}

/// Evaluates a polynomial by Horner's scheme, highest power first.
fn polynomial(x: f64, coefficients: &[f64; 8]) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

// The coefficients of the rational approximations in three intervals.
const CENTRE_NUMERATOR: [f64; 8] = [
    2_509.080_928_730_122_6,
    33_430.575_583_588_13,
    67_265.770_927_008_7,
    45_921.953_931_549_87,
    13_731.693_765_509_46,
    1_971.590_950_306_551_3,
    133.141_667_891_784_38,
    3.387_132_872_796_366_5,
];
const CENTRE_DENOMINATOR: [f64; 8] = [
    5_226.495_278_852_545,
    28_729.085_735_721_943,
    39_307.895_800_092_71,
    21_213.794_301_586_597,
    5_394.196_021_424_751,
    687.187_007_492_057_9,
    42.313_330_701_600_91,
    1.0,
];
const MIDDLE_NUMERATOR: [f64; 8] = [
    7.745_450_142_783_414e-4,
    2.272_384_498_926_918_4e-2,
    2.417_807_251_774_506e-1,
    1.270_458_252_452_368_4,
    3.647_848_324_763_204_5,
    5.769_497_221_460_691,
    4.630_337_846_156_546,
    1.423_437_110_749_683_5,
];
const MIDDLE_DENOMINATOR: [f64; 8] = [
    1.050_750_071_644_416_9e-9,
    5.475_938_084_995_345e-4,
    1.519_866_656_361_645_7e-2,
    1.481_039_764_274_800_8e-1,
    6.897_673_349_851e-1,
    1.676_384_830_183_803_8,
    2.053_191_626_637_759,
    1.0,
];
const TAIL_NUMERATOR: [f64; 8] = [
    2.010_334_399_292_288_1e-7,
    2.711_555_568_743_487_6e-5,
    1.242_660_947_388_078_4e-3,
    2.653_218_952_657_612_4e-2,
    2.965_605_718_285_048_7e-1,
    1.784_826_539_917_291_3,
    5.463_784_911_164_114,
    6.657_904_643_501_103,
];
const TAIL_DENOMINATOR: [f64; 8] = [
    2.044_263_103_389_939_8e-15,
    1.421_511_758_316_446e-7,
    1.846_318_317_510_054_8e-5,
    7.868_691_311_456_133e-4,
    1.487_536_129_085_061_5e-2,
    1.369_298_809_227_358e-1,
    5.998_322_065_558_88e-1,
    1.0,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Weighted;

    #[test]
    fn the_generator_returns_the_published_numbers() {
        // First outputs of the authors' xoshiro256plusplus.c for the state {1, 2, 3, 4}.
        let mut stream = Stream([1, 2, 3, 4]);
        let first: [u64; 4] = std::array::from_fn(|_| stream.bits());
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn streams_depend_on_seed_purpose_and_entity_alone() {
        let numbers = |seed, purpose, entity| Stream::named(seed, purpose, entity).bits();
        assert_eq!(numbers(7, "latency", "a->b"), numbers(7, "latency", "a->b"));
        assert_ne!(numbers(7, "latency", "a->b"), numbers(8, "latency", "a->b"));
        assert_ne!(numbers(7, "latency", "a->b"), numbers(7, "loss", "a->b"));
        assert_ne!(numbers(7, "latency", "a->b"), numbers(7, "latency", "b->a"));
    }

    /// Asserts by a Kolmogorov-Smirnov test that the greatest distance between the empirical and the given distribution function is
    /// below 1.95/sqrt(n), for a significance of 0.001.
    fn assert_follows(latency: &Latency, cdf: impl Fn(f64) -> f64) {
        let n = 200_000;
        let sampler = Sampler::new(latency);
        let mut stream = Stream::named(42, "test", "distribution");
        let mut draws: Vec<f64> = (0..n).map(|_| sampler.draw(&mut stream) as f64 / 1000.0).collect();
        draws.sort_by(f64::total_cmp);
        let distance = draws
            .iter()
            .enumerate()
            .map(|(i, &x)| (cdf(x) - i as f64 / n as f64).abs().max((cdf(x) - (i + 1) as f64 / n as f64).abs()))
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / f64::from(n).sqrt(), "{latency:?}: distance {distance}, seed 42");
    }

    #[test]
    fn draws_follow_their_distribution_functions() {
        assert_follows(&Latency::Uniform { low_ms: 100.0, high_ms: 900.0 }, |x| ((x - 100.0) / 800.0).clamp(0.0, 1.0));
        assert_follows(&Latency::Exponential { mean_ms: 500.0 }, |x| 1.0 - libm::exp(-x / 500.0));
        assert_follows(&Latency::Pareto { scale_ms: 300.0, shape: 1.5 }, |x| {
            1.0 - libm::pow(300.0 / x.max(300.0), 1.5)
        });
        assert_follows(&Latency::Lognormal { median_ms: 200.0, sigma: 0.8 }, |x| {
            normal_cdf(libm::log(x / 200.0) / 0.8)
        });
        let below = normal_cdf(-0.5);
        assert_follows(&Latency::Normal { mean_ms: 100.0, sd_ms: 200.0 }, |x| {
            (normal_cdf((x - 100.0) / 200.0) - below) / (1.0 - below)
        });
        let parts = vec![
            Weighted { weight: 3.0, of: Latency::Exponential { mean_ms: 400.0 } },
            Weighted { weight: 1.0, of: Latency::Uniform { low_ms: 1000.0, high_ms: 2000.0 } },
        ];
        assert_follows(&Latency::Mixture { parts }, |x| {
            0.75 * (1.0 - libm::exp(-x / 400.0)) + 0.25 * ((x - 1000.0) / 1000.0).clamp(0.0, 1.0)
        });
    }

    #[test]
    fn measured_samples_are_drawn_with_equal_frequency() {
        let sampler = Sampler::new(&Latency::Samples { ms: vec![30.0, 10.0, 20.0, 10.0] });
        let mut stream = Stream::named(1, "test", "samples");
        let n = 100_000;
        let tens = (0..n).filter(|_| sampler.draw(&mut stream) == 10_000).count() as f64 / f64::from(n);
        assert!((tens - 0.5).abs() < 4.0 * (0.25 / f64::from(n)).sqrt(), "share {tens}");
        assert_eq!(sampler.quantile(0.999), 30_000);
        assert_eq!(sampler.quantile(0.001), 10_000);
    }

    #[test]
    fn normal_quantiles_match_published_tables() {
        for (p, x) in
            [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.999, 3.090_232_306_167_813), (1e-9, -5.997_807_015_007_687)]
        {
            assert!((normal_quantile(p) - x).abs() < 1e-12, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn interpolated_logarithms_are_accurate_over_the_whole_tail() {
        let mut stream = Stream::named(3, "test", "logarithm");
        for i in 0..100_000 {
            let bits = stream.bits() >> (i % 63);
            let exact = -libm::log((bits as f64 + 0.5) / libm::exp2(64.0));
            // With few bits, half a unit in the last place exceeds the table's error.
            if bits >= 1 << 32 {
                assert!((exponential(bits) - exact).abs() < 1.3e-7, "{bits}");
            }
        }
        assert!((exponential(u64::MAX)).abs() < 1e-9);
        assert!((exponential(0) - 44.36).abs() < 0.01, "{}", exponential(0));
    }

    #[test]
    fn a_heavy_tail_does_not_overflow_the_time() {
        let sampler = Sampler::new(&Latency::Pareto { scale_ms: 1e10, shape: 0.01 });
        assert_eq!(sampler.quantile(1.0 - 1e-12), MAX_DURATION as u64);
    }
}
