//! Collects errors, and checks numbers, texts, values and latencies.

use crate::language::{phrase, sentence};
use crate::scenario::{Latency, ScenarioError, Value};
use std::collections::BTreeMap;

/// The maximum duration, ms: about 115 days.
pub(super) const MAX_MS: f64 = 1e10;
/// JavaScript represents all whole numbers up to this one exactly.
pub(super) const SAFE_INTEGER: i64 = 1 << 53;
/// The maximum number of characters of an id, name, title, key or text.
pub(super) const MAX_NAME_LENGTH: usize = 80;
/// The number of characters of a name that an error repeats.
const SHOWN_OF_NAME: usize = 20;
const MAX_SAMPLES: usize = 10_000;
const MAX_ELEMENTS: usize = 100;
const MAX_MIXTURE_DEPTH: usize = 4;

/// The maximum number of characters of a path or a problem: an error does not repeat a long text of the document.
const MAX_PROBLEM_LENGTH: usize = 400;

fn shorten(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(MAX_PROBLEM_LENGTH) {
        text.truncate(end);
        text.push('…');
    }
}

/// Collects errors. Each method receives the path of the part that it checks.
#[derive(Default)]
pub(super) struct Checker {
    pub(super) errors: Vec<ScenarioError>,
    /// The text about what is expected of each whole number, by path, if these texts are collected.
    pub(super) ranges: Option<BTreeMap<String, String>>,
}

impl Checker {
    pub(super) fn error(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        let (mut path, mut problem) = (path.into(), problem.into());
        shorten(&mut path);
        shorten(&mut problem);
        self.errors.push(ScenarioError::new(path, problem));
    }

    /// Notes what is expected of a whole number.
    pub(super) fn expects(&mut self, path: &str, expected: impl FnOnce() -> String) {
        if let Some(ranges) = &mut self.ranges {
            ranges.insert(path.into(), expected());
        }
    }

    pub(super) fn at_most(&mut self, path: &str, count: usize, limit: usize) {
        if count > limit {
            self.error(
                path,
                sentence!(
                    "must have at most {limit} entries, not {count}",
                    "darf höchstens {limit} Einträge haben, nicht {count}"
                ),
            );
        }
    }

    /// Checks that a number is finite and in range.
    pub(super) fn number(&mut self, path: &str, value: f64, low: f64, high: f64) {
        if !(low..=high).contains(&value) {
            self.error(
                path,
                sentence!(
                    "must be a number from {low} to {high}, not {value}",
                    "muss eine Zahl von {low} bis {high} sein, nicht {value}"
                ),
            );
        }
    }

    pub(super) fn duration(&mut self, path: &str, ms: f64) {
        if !(0.0..=MAX_MS).contains(&ms) {
            self.error(
                path,
                sentence!(
                    "must be a duration from 0 to {MAX_MS} ms, not {ms}",
                    "muss eine Dauer von 0 bis {MAX_MS} ms sein, nicht {ms}"
                ),
            );
        }
    }

    pub(super) fn probability(&mut self, path: &str, p: f64) {
        if !(0.0..=1.0).contains(&p) {
            self.error(
                path,
                sentence!(
                    "must be a probability from 0 to 1, not {p}",
                    "muss eine Wahrscheinlichkeit von 0 bis 1 sein, nicht {p}"
                ),
            );
        }
    }

    pub(super) fn count(&mut self, path: &str, count: u32, low: u32, high: u32) {
        self.expects(path, || sentence!("a whole number from {low} to {high}", "eine ganze Zahl von {low} bis {high}"));
        if !(low..=high).contains(&count) {
            self.error(
                path,
                sentence!(
                    "must be a whole number from {low} to {high}, not {count}",
                    "muss eine ganze Zahl von {low} bis {high} sein, nicht {count}"
                ),
            );
        }
    }

    pub(super) fn text(&mut self, path: &str, text: &str, longest: usize) {
        let length = text.chars().count();
        if length > longest {
            self.error(
                path,
                sentence!(
                    "must have at most {longest} characters, not {length}",
                    "darf höchstens {longest} Zeichen haben, nicht {length}"
                ),
            );
        }
    }

    /// Checks the name of a key or a topic.
    pub(super) fn key(&mut self, path: &str, key: &str) {
        if key.is_empty() {
            self.error(path, phrase("must not be empty", "darf nicht leer sein"));
        }
        self.text(path, key, MAX_NAME_LENGTH);
    }

    /// Checks a name in an object, whose path is `path`. The subject of the error is what it names.
    pub(super) fn name_in(&mut self, path: &str, name: &str, subject: &str) {
        let length = name.chars().count();
        if name.is_empty() {
            self.error(path, sentence!("{subject} must not be empty", "{subject} darf nicht leer sein"));
        } else if length > MAX_NAME_LENGTH {
            let start: String = name.chars().take(SHOWN_OF_NAME).collect();
            self.error(
                path,
                sentence!(
                    "{subject} must have at most {MAX_NAME_LENGTH} characters, not {length}: `{start}…`",
                    "{subject} darf höchstens {MAX_NAME_LENGTH} Zeichen haben, nicht {length}: `{start}…`"
                ),
            );
        }
    }

    pub(super) fn value(&mut self, path: &str, value: &Value) {
        if matches!(value, Value::Int(_)) {
            self.expects(path, || {
                phrase("a whole number from -2^53 to 2^53", "eine ganze Zahl von -2^53 bis 2^53").into()
            });
        }
        match value {
            Value::Int(n) if n.unsigned_abs() > SAFE_INTEGER as u64 => {
                self.error(
                    path,
                    sentence!(
                        "must be a whole number from -2^53 to 2^53, not {n}",
                        "muss eine ganze Zahl von -2^53 bis 2^53 sein, nicht {n}"
                    ),
                );
            }
            Value::Int(_) => {}
            Value::Text(text) => self.text(path, text, MAX_NAME_LENGTH),
            Value::Set(elements) => {
                self.at_most(path, elements.len(), MAX_ELEMENTS);
                for (i, element) in elements.iter().enumerate() {
                    self.value(&format!("{path}[{i}]"), element);
                }
            }
            Value::List(elements) => {
                self.at_most(path, elements.len(), MAX_ELEMENTS);
                for (i, element) in elements.iter().enumerate() {
                    self.value(&format!("{path}.list[{i}]"), element);
                }
            }
            Value::Map(fields) => {
                self.at_most(path, fields.len(), MAX_ELEMENTS);
                for (name, value) in fields.iter() {
                    self.name_in(&format!("{path}.map"), name, phrase("a field", "ein Feld"));
                    self.element(&format!("{path}.map.{name}"), value);
                }
            }
        }
    }

    pub(super) fn element(&mut self, path: &str, element: &Value) {
        if !element.is_simple() {
            self.error(
                path,
                phrase(
                    "must be a whole number or a text, because it is an element",
                    "muss eine ganze Zahl oder ein Text sein, denn es ist ein Element",
                ),
            );
        }
        self.value(path, element);
    }

    pub(super) fn latency(&mut self, path: &str, latency: &Latency) {
        self.latency_within(path, latency, MAX_MIXTURE_DEPTH);
    }

    fn latency_within(&mut self, path: &str, latency: &Latency, depth: usize) {
        let at = |field: &str| format!("{path}.{field}");
        match latency {
            Latency::Constant { ms } => self.duration(&at("constant.ms"), *ms),
            Latency::Uniform { low_ms, high_ms } => {
                self.duration(&at("uniform.low_ms"), *low_ms);
                self.duration(&at("uniform.high_ms"), *high_ms);
                if low_ms > high_ms {
                    self.error(
                        at("uniform.high_ms"),
                        sentence!(
                            "must be at least `low_ms`, {low_ms}, not {high_ms}",
                            "muss mindestens `low_ms` sein, {low_ms}, nicht {high_ms}"
                        ),
                    );
                }
            }
            Latency::Exponential { mean_ms } => self.duration(&at("exponential.mean_ms"), *mean_ms),
            Latency::Normal { mean_ms, sd_ms } => {
                self.duration(&at("normal.mean_ms"), *mean_ms);
                self.duration(&at("normal.sd_ms"), *sd_ms);
            }
            Latency::Lognormal { median_ms, sigma } => {
                self.duration(&at("lognormal.median_ms"), *median_ms);
                self.number(&at("lognormal.sigma"), *sigma, 0.0, 10.0);
            }
            Latency::Pareto { scale_ms, shape } => {
                self.duration(&at("pareto.scale_ms"), *scale_ms);
                self.number(&at("pareto.shape"), *shape, 0.01, 1000.0);
            }
            Latency::Mixture { parts } => {
                if parts.is_empty() {
                    self.error(
                        at("mixture.parts"),
                        phrase("must have at least one part", "muss mindestens einen Teil haben"),
                    );
                }
                if depth == 0 {
                    return self.error(
                        path,
                        sentence!(
                            "must be nested in at most {MAX_MIXTURE_DEPTH} mixtures",
                            "darf in höchstens {MAX_MIXTURE_DEPTH} Mischungen stecken"
                        ),
                    );
                }
                self.at_most(&at("mixture.parts"), parts.len(), MAX_ELEMENTS);
                for (i, part) in parts.iter().enumerate() {
                    let path = at(&format!("mixture.parts[{i}]"));
                    self.number(&format!("{path}.weight"), part.weight, 1e-9, 1e9);
                    self.latency_within(&format!("{path}.of"), &part.of, depth - 1);
                }
            }
            Latency::Samples { ms } => {
                if ms.is_empty() {
                    self.error(
                        at("samples.ms"),
                        phrase("must have at least one duration", "muss mindestens eine Dauer haben"),
                    );
                }
                self.at_most(&at("samples.ms"), ms.len(), MAX_SAMPLES);
                for (i, ms) in ms.iter().enumerate() {
                    self.duration(&at(&format!("samples.ms[{i}]")), *ms);
                }
            }
        }
    }
}
