//! Latencies as text, as the label of a link shows them and a person types them.

use super::texts::Text;
use crate::scenario::{Latency, Link, Scenario};
use crate::text;

/// The forms that may be typed.
const EXPECTED: Text = Text::new("Enter a duration such as 300 ms or 1.5 s, or a range such as 300–600 ms.");

/// Returns the text of a latency for a field; empty for a distribution that has no short text.
pub fn typed(latency: &Latency) -> String {
    match latency {
        Latency::Constant { ms } => format!("{ms} ms"),
        Latency::Uniform { low_ms, high_ms } => format!("{low_ms}–{high_ms} ms"),
        Latency::Exponential { mean_ms } | Latency::Normal { mean_ms, .. } => format!("~{mean_ms} ms"),
        Latency::Lognormal { median_ms, .. } => format!("~{median_ms} ms"),
        Latency::Pareto { scale_ms, .. } => format!("≥ {scale_ms} ms"),
        Latency::Mixture { .. } | Latency::Samples { .. } => String::new(),
    }
}

/// Parses a typed latency: `300 ms`, `1.5 s`, `300–600 ms`. `~400 ms` and `≥ 400 ms` keep the kind of the present
/// distribution, and change its mean, median or scale.
///
/// # Errors
/// What is expected.
pub fn parsed(text: &str, now: &Latency) -> Result<Latency, String> {
    let text = text.trim().to_lowercase();
    let (mark, rest) = match text.chars().next() {
        Some(mark @ ('~' | '≥')) => (Some(mark), &text[mark.len_utf8()..]),
        Some(_) | None => (None, &*text),
    };
    let (numbers, factor) = match rest.trim() {
        rest if rest.ends_with("ms") => (&rest[..rest.len() - 2], 1.0),
        rest if rest.ends_with('s') => (&rest[..rest.len() - 1], 1000.0),
        rest => (rest, 1.0),
    };
    let number = |text: &str| {
        let number = crate::scenario::number(&text.trim().replace(',', ".")).filter(|number| *number >= 0.0);
        number.map(|number| (number * factor * 1000.0).round() / 1000.0).ok_or_else(|| EXPECTED.get().to_string())
    };
    if let Some((low, high)) = numbers.split_once(['–', '-', '…']) {
        let (low_ms, high_ms) = (number(low)?, number(high)?);
        if low_ms > high_ms {
            return Err(text!("The first duration of a range must not be longer than the second.").into());
        }
        return Ok(Latency::Uniform { low_ms, high_ms });
    }
    let ms = number(numbers)?;
    Ok(match (mark, now) {
        (Some('~'), Latency::Normal { sd_ms, .. }) => Latency::Normal { mean_ms: ms, sd_ms: *sd_ms },
        (Some('~'), Latency::Lognormal { sigma, .. }) => Latency::Lognormal { median_ms: ms, sigma: *sigma },
        (Some('~'), Latency::Exponential { .. }) => Latency::Exponential { mean_ms: ms },
        (Some('≥'), Latency::Pareto { shape, .. }) => Latency::Pareto { scale_ms: ms, shape: *shape },
        (Some(_), _) => return Err(EXPECTED.get().into()),
        (None, _) => Latency::Constant { ms },
    })
}

/// Returns the drawing with another latency of the link between two nodes. Both directions have it, unless each has its own.
pub fn with_latency(scenario: &Scenario, from: &str, to: &str, latency: Latency) -> Scenario {
    let mut scenario = scenario.clone();
    let find = |from: &str, to: &str| scenario.links.iter().position(|link| link.from == from && link.to == to);
    match find(from, to).or_else(|| find(to, from)) {
        Some(link) => scenario.links[link].latency = Some(latency),
        None => {
            let (from, to) = (from.to_string(), to.to_string());
            scenario.links.push(Link { from, to, latency: Some(latency), ..Link::default() });
        }
    }
    scenario
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_ranges_are_parsed_in_their_unit() {
        let now = Latency::Constant { ms: 5.0 };
        for (text, expected) in [
            ("300", Latency::Constant { ms: 300.0 }),
            ("300 ms", Latency::Constant { ms: 300.0 }),
            ("1,5 s", Latency::Constant { ms: 1500.0 }),
            ("300–600 ms", Latency::Uniform { low_ms: 300.0, high_ms: 600.0 }),
            ("1-2s", Latency::Uniform { low_ms: 1000.0, high_ms: 2000.0 }),
        ] {
            assert_eq!(parsed(text, &now), Ok(expected), "{text}");
        }
        for text in ["", "fast", "-5", "600–300", "~5 ms", "≥ 5 ms", "1–2–3", "5 h", "nan"] {
            assert!(parsed(text, &now).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unchanged_text_means_the_same_latency() {
        for latency in [
            Latency::Constant { ms: 12.5 },
            Latency::Uniform { low_ms: 1.0, high_ms: 2500.0 },
            Latency::Exponential { mean_ms: 3.0 },
            Latency::Normal { mean_ms: 30.0, sd_ms: 4.0 },
            Latency::Lognormal { median_ms: 600.0, sigma: 0.5 },
            Latency::Pareto { scale_ms: 50.0, shape: 2.0 },
        ] {
            assert_eq!(parsed(&typed(&latency), &latency), Ok(latency));
        }
    }
}
