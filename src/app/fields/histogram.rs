//! The histogram of measured durations.

use super::{FieldKind, parse};
use crate::session::quantile_sketch::nearest_rank;
use crate::text;

/// A histogram of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The height of each bar, as a share of the highest. The bars divide the range from 0 to the first sample beyond the
    /// 99th percentile evenly; the last one also contains all greater samples.
    pub bars: [f64; 24],
    /// The number of samples and their quantiles.
    pub caption: String,
}

impl Histogram {
    /// Returns the histogram of a text with numbers; none if the text is empty or invalid.
    pub fn of(text: &str) -> Option<Histogram> {
        let json = parse(&FieldKind::Numbers, text).ok()?;
        let mut ms: Vec<f64> = json.as_array()?.iter().filter_map(serde_json::Value::as_f64).collect();
        ms.sort_unstable_by(f64::total_cmp);
        let rank = |q: f64| nearest_rank(q, ms.len() as u64).map(|rank| rank as usize);
        let quantile = |q: f64| ms.get(rank(q)? - 1).copied();
        let top = ms.get(rank(0.99)?).or(ms.last())?.max(f64::MIN_POSITIVE);
        let mut counts = [0u32; 24];
        for value in &ms {
            counts[((value / top * 24.0) as usize).min(23)] += 1;
        }
        let highest = f64::from(*counts.iter().max()?);
        let caption = text!(
            "{} samples; median {} ms, 95 % {} ms, 99 % {} ms",
            ms.len(),
            quantile(0.5)?,
            quantile(0.95)?,
            quantile(0.99)?
        );
        Some(Histogram { bars: counts.map(|count| f64::from(count) / highest), caption })
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn a_column_of_numbers_has_a_histogram() {
        let text: Vec<String> = (1..=100).map(|n| n.to_string()).collect();
        let histogram = Histogram::of(&text.join("\n")).expect("numbers");
        assert_eq!(histogram.caption, "100 samples; median 50 ms, 95 % 95 ms, 99 % 99 ms");
        assert!(histogram.bars.iter().all(|height| *height > 0.7), "{:?}", histogram.bars);
        assert_eq!(Histogram::of(""), None);
        assert_eq!(Histogram::of("1\nx"), None);
    }
}
