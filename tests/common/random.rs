//! The seeds of random tests. Every property runs on a fixed corpus of cases, and on fresh ones.
//!
//! The seed of the fresh cases is new in each run. A failing test prints it; `CONVERGE_SEED=<seed>` repeats its cases.
//! Failing cases are also appended to a file beside the test, and run first from then on.

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed};
use std::hash::{BuildHasher, RandomState};

/// The seed of the fixed corpus.
const CORPUS: u64 = 0x5eed;

/// Returns the seed of the fresh cases, and prints it. The test's runner shows it if the test fails.
pub fn fresh_seed() -> u64 {
    let seed = match std::env::var("CONVERGE_SEED") {
        Ok(seed) => seed.parse().expect("CONVERGE_SEED is a whole number"),
        Err(_) => u64::from(RandomState::new().hash_one(std::process::id()) as u32),
    };
    eprintln!("to repeat the fresh cases: CONVERGE_SEED={seed}");
    seed
}

/// Returns `count` seeds: one half is the fixed corpus, the other is fresh.
pub fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let first_fresh = fresh_seed() << 20;
    let corpus = count.div_ceil(2);
    (0..corpus).chain((corpus..count).map(move |i| first_fresh + i))
}

/// Returns the number of cases: the one that a test asks for, or `CONVERGE_CASES` if that is set and larger.
fn cases(asked: u32) -> u32 {
    let wanted = std::env::var("CONVERGE_CASES").map(|cases| cases.parse().expect("CONVERGE_CASES is a whole number"));
    wanted.unwrap_or(0).max(asked)
}

fn config(cases: u32, seed: u64) -> Config {
    let failure_persistence = Some(Box::new(FileFailurePersistence::WithSource("regressions")) as _);
    Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence, ..Config::default() }
}

/// Returns the configuration of the fixed corpus, which is one half of all cases.
pub fn corpus(cases: u32) -> Config {
    config(self::cases(cases).div_ceil(2), CORPUS)
}

/// Returns the configuration of the fresh cases, which are the other half.
pub fn fresh(cases: u32) -> Config {
    config(self::cases(cases) / 2, fresh_seed())
}

/// Declares properties, as `proptest!` does, that run `$cases` times each: `<module>::corpus::<property>` on the fixed
/// corpus, and `<module>::fresh::<property>` on fresh cases. The module `random` must be in scope.
macro_rules! random_tests {
    ($module:ident, $cases:expr; $($properties:tt)*) => {
        mod $module {
            mod corpus {
                use super::super::*;
                proptest::proptest! {
                    #![proptest_config(random::corpus($cases))]
                    $($properties)*
                }
            }
            mod fresh {
                use super::super::*;
                proptest::proptest! {
                    #![proptest_config(random::fresh($cases))]
                    $($properties)*
                }
            }
        }
    };
}
pub(crate) use random_tests;
