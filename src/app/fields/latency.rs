//! Fields of latency distributions: the kind, then its parameters.

use super::{Field, FieldKind, FieldsAt};
use crate::app::texts::translated;
use crate::scenario::json::to_value as to_json;
use crate::scenario::{Latency, presets};
use crate::text;
use serde_json::json;

/// Returns the choices of a distribution: each kind with usual parameters, then the published ones.
fn kinds() -> Vec<(&'static str, serde_json::Value)> {
    let mut kinds = vec![
        (text!("constant"), json!({ "constant": { "ms": 100 } })),
        (text!("uniform"), json!({ "uniform": { "low_ms": 50, "high_ms": 150 } })),
        (text!("exponential"), json!({ "exponential": { "mean_ms": 100 } })),
        (text!("normal"), json!({ "normal": { "mean_ms": 100, "sd_ms": 20 } })),
        (text!("lognormal"), json!({ "lognormal": { "median_ms": 100, "sigma": 0.5 } })),
        ("Pareto", json!({ "pareto": { "scale_ms": 50, "shape": 2 } })),
        (
            text!("mixture"),
            json!({ "mixture": { "parts": [
                { "weight": 9, "of": { "exponential": { "mean_ms": 50 } } },
                { "weight": 1, "of": { "constant": { "ms": 500 } } },
            ] } }),
        ),
        (text!("samples"), json!({ "samples": { "ms": [40, 50, 60, 80, 200] } })),
    ];
    kinds.extend(presets::published().iter().map(|(name, latency)| (translated(name), to_json(latency))));
    kinds
}

/// Returns the fields of a distribution.
pub(super) fn fields(at: &FieldsAt, name: &str, label: &str, latency: &Latency) -> Vec<Field> {
    let distribution = at.to(name);
    let of = |kind: &str| distribution.to(kind);
    let (chosen, mut rest) = match latency {
        Latency::Constant { ms } => (
            text!("constant"),
            vec![of("constant").number("ms", text!("Duration"), "ms", *ms, text!("Always the same."))],
        ),
        Latency::Uniform { low_ms, high_ms } => {
            let of = of("uniform");
            let low = of.number("low_ms", text!("Minimum"), "ms", *low_ms, text!("No duration is shorter."));
            (
                text!("uniform"),
                vec![low, of.number("high_ms", text!("Maximum"), "ms", *high_ms, text!("No duration is longer."))],
            )
        }
        Latency::Exponential { mean_ms } => (
            text!("exponential"),
            vec![of("exponential").number("mean_ms", text!("Mean"), "ms", *mean_ms, text!("Memoryless."))],
        ),
        Latency::Normal { mean_ms, sd_ms } => {
            let of = of("normal");
            let mean = of.number("mean_ms", text!("Mean"), "ms", *mean_ms, text!("Before truncation at 0."));
            (
                text!("normal"),
                vec![
                    mean,
                    of.number("sd_ms", text!("Standard deviation"), "ms", *sd_ms, text!("Before truncation at 0.")),
                ],
            )
        }
        Latency::Lognormal { median_ms, sigma } => {
            let of = of("lognormal");
            let median =
                of.number("median_ms", text!("Median"), "ms", *median_ms, text!("Half of all durations are shorter."));
            (
                text!("lognormal"),
                vec![
                    median,
                    of.number("sigma", text!("Sigma"), "", *sigma, text!("Standard deviation of the logarithm.")),
                ],
            )
        }
        Latency::Pareto { scale_ms, shape } => {
            let of = of("pareto");
            let scale = of.number("scale_ms", text!("Scale"), "ms", *scale_ms, text!("The least duration."));
            (
                "Pareto",
                vec![
                    scale,
                    of.number("shape", text!("Shape"), "", *shape, text!("The smaller, the heavier the tail.")),
                ],
            )
        }
        Latency::Mixture { parts } => {
            let of = of("mixture").to("parts");
            let parts = parts.iter().enumerate().flat_map(|(i, part)| {
                let at = of.to(i);
                let weight = at.number(
                    "weight",
                    &text!("Part {}: weight", i + 1),
                    "",
                    part.weight,
                    text!("Its share, relative to the others."),
                );
                std::iter::once(weight).chain(fields(&at, "of", &text!("Part {}", i + 1), &part.of))
            });
            (text!("mixture"), parts.collect())
        }
        Latency::Samples { ms } => {
            let text = ms.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            let help = text!("Measured durations; paste a column of numbers.");
            (
                text!("samples"),
                vec![of("samples").field("ms", text!("Measurements"), "ms", FieldKind::Numbers, text, help)],
            )
        }
    };
    let mut all = vec![at.choice(name, label, kinds(), chosen, text!("The distribution of the durations."))];
    all.append(&mut rest);
    all
}
