//! Comparison of measurements with expected values.

/// Asserts that a measured proportion is within 4 standard errors of the expected one.
#[track_caller]
pub fn assert_proportion(what: &str, count: u64, trials: u64, expected: f64) {
    let measured = count as f64 / trials as f64;
    let tolerance = 4.0 * (expected * (1.0 - expected) / trials as f64).sqrt();
    let is_close = (measured - expected).abs() <= tolerance;
    assert!(is_close, "{what}: {measured} of {trials}, expected {expected} ± {tolerance}");
}

/// Asserts that the mean of a sample is within 4 standard errors of the expected one.
#[track_caller]
pub fn assert_mean(what: &str, sample: &[f64], expected: f64) {
    assert_mean_within(what, sample, expected, 0.0);
}

/// Asserts that the mean of a sample is within 4 standard errors of the expected one, which itself has an error.
#[track_caller]
pub fn assert_mean_within(what: &str, sample: &[f64], expected: f64, error: f64) {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let variance = sample.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
    let tolerance = 4.0 * (variance / n).sqrt() + error;
    assert!((mean - expected).abs() <= tolerance, "{what}: {mean} of {n}, expected {expected} ± {tolerance}");
}
