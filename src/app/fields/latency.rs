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

/// Returns the fields of a distribution: its kind, then its parameters.
pub(super) fn fields(at: &FieldsAt, name: &str, label: &str, latency: &Latency) -> Vec<Field> {
    let chosen = match latency {
        Latency::Constant { .. } => text!("constant"),
        Latency::Uniform { .. } => text!("uniform"),
        Latency::Exponential { .. } => text!("exponential"),
        Latency::Normal { .. } => text!("normal"),
        Latency::Lognormal { .. } => text!("lognormal"),
        Latency::Pareto { .. } => "Pareto",
        Latency::Mixture { .. } => text!("mixture"),
        Latency::Samples { .. } => text!("samples"),
    };
    let mut all = vec![at.choice(name, label, kinds(), chosen, text!("The distribution of the durations."))];
    all.extend(parameters(&at.to(name), latency));
    all
}

/// Returns the fields of the parameters of a distribution.
fn parameters(at: &FieldsAt, latency: &Latency) -> Vec<Field> {
    let number = |kind: &str, name: &str, label: &str, unit, value: f64, help| {
        at.to(kind).number(name, label, unit, value, help)
    };
    match latency {
        Latency::Constant { ms } => {
            vec![number("constant", "ms", text!("Duration"), "ms", *ms, text!("Always the same."))]
        }
        Latency::Uniform { low_ms, high_ms } => vec![
            number("uniform", "low_ms", text!("Minimum"), "ms", *low_ms, text!("No duration is shorter.")),
            number("uniform", "high_ms", text!("Maximum"), "ms", *high_ms, text!("No duration is longer.")),
        ],
        Latency::Exponential { mean_ms } => {
            vec![number("exponential", "mean_ms", text!("Mean"), "ms", *mean_ms, text!("Memoryless."))]
        }
        Latency::Normal { mean_ms, sd_ms } => vec![
            number("normal", "mean_ms", text!("Mean"), "ms", *mean_ms, text!("Before truncation at 0.")),
            number("normal", "sd_ms", text!("Standard deviation"), "ms", *sd_ms, text!("Before truncation at 0.")),
        ],
        Latency::Lognormal { median_ms, sigma } => {
            let help = text!("Half of all durations are shorter.");
            let median = number("lognormal", "median_ms", text!("Median"), "ms", *median_ms, help);
            let help = text!("Standard deviation of the logarithm.");
            vec![median, number("lognormal", "sigma", text!("Sigma"), "", *sigma, help)]
        }
        Latency::Pareto { scale_ms, shape } => vec![
            number("pareto", "scale_ms", text!("Scale"), "ms", *scale_ms, text!("The shortest duration.")),
            number("pareto", "shape", text!("Shape"), "", *shape, text!("The smaller, the heavier the tail.")),
        ],
        Latency::Mixture { parts } => {
            let parts = parts.iter().enumerate().flat_map(|(i, part)| {
                let at = at.to("mixture").to("parts").to(i);
                let (label, help) = (text!("Part {}: weight", i + 1), text!("Its share, relative to the others."));
                let weight = at.number("weight", &label, "", part.weight, help);
                std::iter::once(weight).chain(fields(&at, "of", &text!("Part {}", i + 1), &part.of))
            });
            parts.collect()
        }
        Latency::Samples { ms } => {
            let text = ms.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            let help = text!("Measured durations; paste a column of numbers.");
            vec![at.to("samples").field("ms", text!("Measurements"), "ms", FieldKind::Numbers, text, help)]
        }
    }
}
