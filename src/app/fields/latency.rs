//! Fields of latency distributions: the kind, then its parameters.

use super::{Field, FieldKind, FieldsAt};
use crate::scenario::json::to_value as to_json;
use crate::scenario::{Latency, presets};
use serde_json::json;

const HELP: &str = "The distribution of the durations.";

/// Returns the choices of a distribution: each kind with usual parameters, then the published ones.
fn kinds() -> Vec<(&'static str, serde_json::Value)> {
    let mut kinds = vec![
        ("constant", json!({ "constant": { "ms": 100 } })),
        ("uniform", json!({ "uniform": { "low_ms": 50, "high_ms": 150 } })),
        ("exponential", json!({ "exponential": { "mean_ms": 100 } })),
        ("normal", json!({ "normal": { "mean_ms": 100, "sd_ms": 20 } })),
        ("lognormal", json!({ "lognormal": { "median_ms": 100, "sigma": 0.5 } })),
        ("Pareto", json!({ "pareto": { "scale_ms": 50, "shape": 2 } })),
        (
            "mixture",
            json!({ "mixture": { "parts": [
                { "weight": 9, "of": { "exponential": { "mean_ms": 50 } } },
                { "weight": 1, "of": { "constant": { "ms": 500 } } },
            ] } }),
        ),
        ("samples", json!({ "samples": { "ms": [40, 50, 60, 80, 200] } })),
    ];
    kinds.extend(presets::published().iter().map(|(name, latency)| (*name, to_json(latency))));
    kinds
}

/// Returns the fields of a distribution.
pub(super) fn fields(at: &FieldsAt, name: &str, label: &str, latency: &Latency) -> Vec<Field> {
    let distribution = at.to(name);
    let of = |kind: &str| distribution.to(kind);
    let (chosen, mut rest) = match latency {
        Latency::Constant { ms } => {
            ("constant", vec![of("constant").number("ms", "Duration", "ms", *ms, "Always the same.")])
        }
        Latency::Uniform { low_ms, high_ms } => {
            let of = of("uniform");
            let low = of.number("low_ms", "Minimum", "ms", *low_ms, "No duration is shorter.");
            ("uniform", vec![low, of.number("high_ms", "Maximum", "ms", *high_ms, "No duration is longer.")])
        }
        Latency::Exponential { mean_ms } => {
            ("exponential", vec![of("exponential").number("mean_ms", "Mean", "ms", *mean_ms, "Memoryless.")])
        }
        Latency::Normal { mean_ms, sd_ms } => {
            let of = of("normal");
            let mean = of.number("mean_ms", "Mean", "ms", *mean_ms, "Before truncation at 0.");
            ("normal", vec![mean, of.number("sd_ms", "Standard deviation", "ms", *sd_ms, "Before truncation at 0.")])
        }
        Latency::Lognormal { median_ms, sigma } => {
            let of = of("lognormal");
            let median = of.number("median_ms", "Median", "ms", *median_ms, "Half of all durations are shorter.");
            ("lognormal", vec![median, of.number("sigma", "Sigma", "", *sigma, "Standard deviation of the logarithm.")])
        }
        Latency::Pareto { scale_ms, shape } => {
            let of = of("pareto");
            let scale = of.number("scale_ms", "Scale", "ms", *scale_ms, "The least duration.");
            ("Pareto", vec![scale, of.number("shape", "Shape", "", *shape, "The smaller, the heavier the tail.")])
        }
        Latency::Mixture { parts } => {
            let of = of("mixture").to("parts");
            let parts = parts.iter().enumerate().flat_map(|(i, part)| {
                let at = of.to(i);
                let weight = at.number(
                    "weight",
                    &format!("Part {}: weight", i + 1),
                    "",
                    part.weight,
                    "Its share, relative to the others.",
                );
                std::iter::once(weight).chain(fields(&at, "of", &format!("Part {}", i + 1), &part.of))
            });
            ("mixture", parts.collect())
        }
        Latency::Samples { ms } => {
            let text = ms.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            let help = "Measured durations; paste a column of numbers.";
            ("samples", vec![of("samples").field("ms", "Measurements", "ms", FieldKind::Numbers, text, help)])
        }
    };
    let mut all = vec![at.choice(name, label, kinds(), chosen, HELP)];
    all.append(&mut rest);
    all
}
