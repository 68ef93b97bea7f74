//! The language of goals, each of which compares a figure over many runs with a number.
//!
//! ```text
//! goal      = figure relation number
//! figure    = "runs" "(" condition ")"            the share of runs in which the condition is true
//!           | share | count                       see `NUMBERS`
//!           | measure "." statistic               see `MEASURES` and `STATISTICS`
//!           | curve "(" ms ")"                    see `CURVES`; the time is one of the grid of a sweep
//!           | "error" "(" curve ")"               the largest distance from the task's curve
//! condition = "always" invariant | "finally" invariant
//!           | "converged" | "all_operations_ok" | "no_stale_reads" | "no_lost_updates"
//!           | guarantee                           of the history, as in `converge check`
//! relation  = "==" | "<" | "<=" | ">" | ">="
//! ```

use super::{Invariant, Scenario};
use crate::language::{phrase, sentence};

/// The maximum number of characters of a goal.
const MAX_LENGTH: usize = 600;

/// Figures that are one number: shares of all runs together, or counts for each run on average.
pub const NUMBERS: [&str; 13] = [
    "stale_read_share",
    "read_ok_share",
    "write_ok_share",
    "executions_per_event",
    "effects_per_event",
    "lost_updates",
    "messages",
    "updates",
    "published",
    "never_published",
    "dead_lettered",
    "discarded",
    "windows_open",
];

/// Figures that are a distribution.
pub const MEASURES: [&str; 8] = [
    "read_latency_ms",
    "write_latency_ms",
    "window_ms",
    "stale_read_window_ms",
    "stale_read_t_ms",
    "stale_read_k",
    "convergence_ms",
    "deliveries",
];

/// The statistics of a distribution.
pub const STATISTICS: [&str; 7] = ["mean", "p50", "p90", "p95", "p99", "p999", "max"];

/// Figures that are a curve over the time since an acknowledgement.
pub const CURVES: [&str; 3] = ["fresh", "reflected", "visible_everywhere"];

/// The guarantees of a history, as `converge check` names them.
pub const HISTORY_GUARANTEES: [&str; 10] = [
    "linearizable",
    "sequential",
    "regular",
    "causal",
    "session",
    "read-your-writes",
    "monotonic-reads",
    "monotonic-writes",
    "writes-follow-reads",
    "no-lost-update",
];

const CONDITIONS: [&str; 4] = ["converged", "all_operations_ok", "no_stale_reads", "no_lost_updates"];

/// The points of time of the curves, ms.
const GRID_MS: [f64; 20] =
    [0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5];

/// A parsed goal.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// What is measured.
    pub figure: Figure,
    /// How it is compared.
    pub bound: Bound,
    /// The number with which it is compared.
    pub number: f64,
}

/// A figure over many runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    /// The share of runs in which a condition is true.
    Runs(Condition),
    /// One of [`NUMBERS`].
    Number(&'static str),
    /// One of [`MEASURES`], and one of [`STATISTICS`].
    Statistic(&'static str, &'static str),
    /// One of [`CURVES`], and the index of a point of the grid.
    Curve(&'static str, usize),
    /// The largest distance of one of [`CURVES`] from the task's curve.
    Error(&'static str),
}

impl Figure {
    /// Returns the unit of its value: `ms`, `share` or none.
    pub fn unit(&self) -> Option<&'static str> {
        match self {
            Figure::Runs(_) | Figure::Curve(..) | Figure::Error(_) => Some("share"),
            Figure::Number(name) | Figure::Statistic(name, _) => {
                ["ms", "share"].into_iter().find(|unit| name.rsplit('_').next() == Some(unit))
            }
        }
    }
}

/// A condition on one run.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The run keeps the promise `converged`.
    Converged,
    /// Every operation succeeded.
    AllOperationsOk,
    /// No read was stale.
    NoStaleReads,
    /// No acknowledged write was replaced by one that had not seen it.
    NoLostUpdates,
    /// The history keeps one of [`HISTORY_GUARANTEES`].
    Keeps(&'static str),
    /// The invariant is never violated.
    Always(String),
    /// The invariant is not violated at the end.
    Finally(String),
}

/// A comparison of a figure with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Equal.
    Equal,
    /// Less.
    Less,
    /// Less than or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater than or equal.
    AtLeast,
}

impl Bound {
    /// Compares two numbers.
    pub fn is_met(self, figure: f64, number: f64) -> bool {
        match self {
            Bound::Equal => figure == number,
            Bound::Less => figure < number,
            Bound::AtMost => figure <= number,
            Bound::Greater => figure > number,
            Bound::AtLeast => figure >= number,
        }
    }
}

/// Returns the index of a point of the grid, on which curves are measured.
pub(super) fn grid_index(ms: f64) -> Option<usize> {
    GRID_MS.iter().position(|point| *point == ms)
}

fn one_of(names: &[&'static str], name: &str) -> Option<&'static str> {
    names.iter().find(|known| **known == name).copied()
}

impl Requirement {
    /// Returns whether the goal compares with the task's curve.
    pub fn needs_curve(&self) -> bool {
        matches!(self.figure, Figure::Error(_))
    }

    /// Parses a goal of a task. Invariants in it may name the scenario's nodes.
    ///
    /// # Errors
    /// A message that states what is wrong and what was expected.
    pub fn parse(text: &str, scenario: &Scenario) -> Result<Requirement, String> {
        if text.chars().count() > MAX_LENGTH {
            return Err(sentence!(
                "must have at most {MAX_LENGTH} characters",
                "darf höchstens {MAX_LENGTH} Zeichen haben"
            ));
        }
        let text = text.trim();
        let (figure, rest) = match text.strip_prefix("runs").map(str::trim_start) {
            Some(rest) if rest.starts_with('(') => {
                let end = rest.rfind(')').ok_or(phrase(
                    "the parenthesis after `runs` is not closed",
                    "die Klammer nach `runs` ist nicht geschlossen",
                ))?;
                (Figure::Runs(Condition::parse(rest[1..end].trim(), scenario)?), &rest[end + 1..])
            }
            _ => {
                let end = text.find(['<', '>', '=']).unwrap_or(text.len());
                (Figure::parse(text[..end].trim())?, &text[end..])
            }
        };
        let rest = rest.trim_start();
        let bounds = [
            ("==", Bound::Equal),
            ("<=", Bound::AtMost),
            (">=", Bound::AtLeast),
            ("<", Bound::Less),
            (">", Bound::Greater),
        ];
        let bound = bounds.into_iter().find_map(|(symbol, bound)| Some((bound, rest.strip_prefix(symbol)?)));
        let (bound, number) = bound.ok_or(phrase(
            "after the figure, one of ==, <, <=, > and >= is expected",
            "nach der Größe wird eines von ==, <, <=, > und >= erwartet",
        ))?;
        let number = number.trim();
        let value = super::number(number).ok_or_else(|| {
            sentence!(
                "a number is expected at the end, not `{number}`",
                "am Ende wird eine Zahl erwartet, nicht `{number}`"
            )
        })?;
        Ok(Requirement { figure, bound, number: value })
    }
}

impl Figure {
    fn parse(text: &str) -> Result<Figure, String> {
        if let Some(name) = one_of(&NUMBERS, text) {
            return Ok(Figure::Number(name));
        }
        if let Some((name, argument)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            let (name, argument) = (name.trim(), argument.trim());
            let curves = CURVES.join(", ");
            if name == "error" {
                let curve = one_of(&CURVES, argument);
                return curve.map(Figure::Error).ok_or_else(|| {
                    sentence!("error of one of {curves} is expected", "error ist erlaubt für eine von {curves}")
                });
            }
            let curve = one_of(&CURVES, name).ok_or_else(|| {
                sentence!("a curve is expected, one of {curves}", "eine Kurve wird erwartet; erlaubt sind {curves}")
            })?;
            let index = super::number(argument).and_then(grid_index);
            let expected = || {
                sentence!(
                    "`{argument}` must be a time of the grid, ms: 0 \
                     or 1, 2, 5 times a power of ten, 0.1 to 100000",
                    "`{argument}` muss eine Zeit des Rasters sein, in ms: \
                     0 oder 1, 2, 5 mal eine Zehnerpotenz, 0.1 bis 100000"
                )
            };
            return Ok(Figure::Curve(curve, index.ok_or_else(expected)?));
        }
        if let Some((name, statistic)) = text.split_once('.')
            && let Some(measure) = one_of(&MEASURES, name)
        {
            let statistic = one_of(&STATISTICS, statistic).ok_or_else(|| {
                sentence!(
                    "`{name}.` is followed by one of {}",
                    "auf `{name}.` folgt eines von {}",
                    STATISTICS.join(", ")
                )
            })?;
            return Ok(Figure::Statistic(measure, statistic));
        }
        Err(sentence!(
            "`{text}` is not a figure; one of runs(…), {}, {} \
             with .mean or .p99, or {} with (ms) is expected",
            "`{text}` ist keine Größe; erlaubt sind \
             runs(…), {}, {} mit .mean oder .p99, und {} mit (ms)",
            NUMBERS.join(", "),
            MEASURES.join(", "),
            CURVES.join(", ")
        ))
    }
}

impl Condition {
    fn parse(text: &str, scenario: &Scenario) -> Result<Condition, String> {
        for (word, make) in
            [("always ", Condition::Always as fn(String) -> Condition), ("finally ", Condition::Finally)]
        {
            if let Some(invariant) = text.strip_prefix(word) {
                Invariant::parse(invariant, scenario)?;
                return Ok(make(invariant.trim().into()));
            }
        }
        if let Some(name) = one_of(&HISTORY_GUARANTEES, text) {
            return Ok(Condition::Keeps(name));
        }
        match text {
            "converged" => Ok(Condition::Converged),
            "all_operations_ok" => Ok(Condition::AllOperationsOk),
            "no_stale_reads" => Ok(Condition::NoStaleReads),
            "no_lost_updates" => Ok(Condition::NoLostUpdates),
            _ => Err(sentence!(
                "`{text}` is not a condition; `always` or \
                 `finally` with an invariant, {} or {} is expected",
                "`{text}` ist keine Bedingung; erlaubt sind `always` \
                 und `finally` mit einer Invariante, {} und {}",
                CONDITIONS.join(", "),
                HISTORY_GUARANTEES.join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> Scenario {
        let text = r#"{"converge": 1, "services": [{"id": "a", "data": {"stock": 1}}]}"#;
        Scenario::from_json(text).expect("valid")
    }

    fn parse(text: &str) -> Result<Requirement, String> {
        Requirement::parse(text, &scenario())
    }

    #[test]
    fn goals_are_parsed() {
        let cases = [
            ("runs(converged) == 1", Figure::Runs(Condition::Converged)),
            ("runs ( linearizable )>=0.99", Figure::Runs(Condition::Keeps("linearizable"))),
            ("runs(always (stock >= 0) or (stock == 7)) == 1", {
                Figure::Runs(Condition::Always("(stock >= 0) or (stock == 7)".into()))
            }),
            ("runs(finally a.stock == 0) > 0.5", Figure::Runs(Condition::Finally("a.stock == 0".into()))),
            ("fresh(100) >= 0.99", Figure::Curve("fresh", 10)),
            ("error(reflected) <= 0.05", Figure::Error("reflected")),
            ("write_latency_ms.p99 < 20", Figure::Statistic("write_latency_ms", "p99")),
            ("messages <= 1e3", Figure::Number("messages")),
        ];
        for (text, figure) in cases {
            assert_eq!(parse(text).map(|goal| goal.figure), Ok(figure), "{text}");
        }
        let goal = parse("messages <= 1e3").expect("valid");
        assert_eq!((goal.bound, goal.number), (Bound::AtMost, 1000.0));
    }

    #[test]
    fn an_invalid_goal_states_what_is_expected() {
        let cases = [
            ("", "not a figure"),
            ("runs(converged)", "one of ==, <, <=, > and >="),
            ("runs(converged) == many", "a number is expected at the end, not `many`"),
            ("runs(convergd) == 1", "`convergd` is not a condition"),
            ("runs(always stock >) == 1", "column"),
            ("runs(converged == 1", "not closed"),
            ("fresh(99) >= 1", "time of the grid"),
            ("stale(100) >= 1", "a curve is expected"),
            ("window_ms.p42 < 1", "one of mean, p50"),
            ("window_ms < 1", "not a figure"),
            ("messages != 1", "not a figure"),
            ("messages <= NaN", "a number is expected"),
        ];
        for (text, expected) in cases {
            let error = parse(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
