//! A lesson: text beside scenarios that run. `docs/lessons.md` describes the format.

mod desk;
mod elements;
mod glossary;
#[cfg(not(target_arch = "wasm32"))]
mod html;
mod instant;
mod markdown;
mod measure;
mod question;
mod scenario_block;
#[cfg(test)]
mod tests;

pub use desk::LessonDesk;
#[cfg(not(target_arch = "wasm32"))]
pub use html::glossary;
pub use measure::{Measured, Measurements};
pub use question::{Choice, Proof, Question};

use crate::language::{Language, decimal, in_language, language, phrase};
use crate::scenario::Scenario;
use crate::session::protocol::lesson::FactMark;
use std::collections::BTreeMap;
use std::fmt;

/// An error in a lesson's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl LessonError {
    fn new(line: usize, problem: impl Into<String>) -> Self {
        LessonError { line, problem: problem.into() }
    }
}

impl fmt::Display for LessonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for LessonError {}

/// A lesson.
#[derive(Clone, Debug, Default)]
pub struct Lesson {
    /// Stable id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The language of the text, as in `en`.
    pub language: String,
    /// The same lesson in other languages: the language, and the address of its file relative to this one.
    pub translations: Vec<(String, String)>,
    /// Its parts, each under a heading of the second level.
    pub steps: Vec<LessonStep>,
    /// The scenarios by their ids in the lesson.
    pub scenarios: BTreeMap<String, Scenario>,
    /// The blocks of the scenarios, in order.
    pub scenario_blocks: Vec<ScenarioBlock>,
    /// The numbers and claims in the text.
    pub expressions: Vec<Expression>,
    /// The questions.
    pub questions: Vec<Question>,
    /// Ids of the challenges that the lesson offers.
    pub challenges: Vec<String>,
    /// Code whose lines name facts of a run.
    pub listings: Vec<Listing>,
    /// The lines of the file.
    lines: Vec<String>,
}

/// A part of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonStep {
    /// Stable id, for links to the step.
    pub id: String,
    /// The heading.
    pub title: String,
    /// The line of the heading.
    pub line: usize,
}

/// The block of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioBlock {
    /// The scenario's id in the lesson.
    pub id: String,
    /// Its line.
    pub line: usize,
    /// The branch that it takes, by its name.
    pub branch: Option<String>,
    /// Whether it opens with its step.
    pub opens: bool,
    /// Whether the text offers to open it.
    pub is_offered: bool,
    /// The branch that is compared with the one that opens, by its name.
    pub compare: Option<String>,
}

/// A number in the text that the engine measures: `{{scenario: figure}}`, or with a bound a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// Its line.
    pub line: usize,
    /// Where it starts and ends in the line, bytes.
    pub span: (usize, usize),
    /// The scenario.
    pub scenario: String,
    /// The figure, or a whole goal.
    pub goal: String,
    /// Whether it is a claim.
    pub is_claim: bool,
    /// Whether the number is shown as a percentage.
    pub is_percentage: bool,
}

/// Code of a service. Its marked lines are reached when the engine records a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The line where it starts.
    pub line: usize,
    /// The programming language.
    pub language: String,
    /// The scenario that executes it.
    pub scenario: String,
    /// The code without marks, with the fact that each line waits for.
    pub code: Vec<(String, Option<FactMark>)>,
}

impl Lesson {
    /// Reads a lesson.
    ///
    /// # Errors
    /// All errors, in the order of the file.
    pub fn parse(text: &str) -> Result<Lesson, Vec<LessonError>> {
        markdown::parse(text)
    }

    /// Returns the lesson's text with the measured numbers, and without the blocks of scenarios and questions.
    pub fn text(&self, measurements: &Measurements) -> String {
        let mut text = String::new();
        let mut skips = false;
        for (index, line) in self.lines.iter().enumerate() {
            if let Some(info) = line.strip_prefix("```") {
                skips = if skips { false } else { markdown::is_data(info) };
                if skips || info.is_empty() && text.ends_with('\n') && self.closes_data(index) {
                    continue;
                }
            }
            if skips {
                continue;
            }
            let mut line = line.clone();
            let here = self.expressions.iter().enumerate().filter(|(_, expression)| expression.line == index + 1);
            for (number, expression) in here.collect::<Vec<_>>().into_iter().rev() {
                let value: String = measurements.expression(number).map_or("?".into(), |measured| {
                    let is_halted = measurements.is_halted(&expression.scenario);
                    let none = if is_halted { "unknown" } else { "nothing" };
                    let number = measured.figure.map_or(none.into(), |figure| expression.shown(figure));
                    let number = self.localized(&number);
                    if is_halted {
                        return number;
                    }
                    if expression.is_claim && !measured.is_met { format!("{number} (false)") } else { number }
                });
                line.replace_range(expression.span.0..expression.span.1, &value);
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Returns whether the fence on a line closes a block of data.
    fn closes_data(&self, index: usize) -> bool {
        let opening = self.lines[..index].iter().rev().find_map(|line| line.strip_prefix("```"));
        opening.is_some_and(markdown::is_data)
    }
}

impl Lesson {
    /// Returns a number of the text in the writing of the lesson's language.
    fn localized(&self, number: &str) -> String {
        in_language(Language::from_code(&self.language).unwrap_or_default(), || match number {
            "nothing" => phrase("nothing", "nichts").into(),
            "unknown" => phrase("unknown", "unbekannt").into(),
            number => grouped(number),
        })
    }
}

/// Returns a number with the separators of thousands and of decimals of this thread's language.
fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len()));
    let separator = match language() {
        Language::English => ',',
        Language::German => '.',
    };
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text + &decimal(rest)
}

impl Expression {
    /// Returns a figure as the text shows it: a percentage, a whole number of versions or deliveries, or else at most three
    /// significant digits up to 100.
    pub fn shown(&self, figure: f64) -> String {
        // Quantiles come from a sketch with a relative error of one percent.
        let is_whole = ["stale_read_k.", "deliveries."]
            .iter()
            .any(|name| self.goal.strip_prefix(name).is_some_and(|statistic| !statistic.starts_with("mean")));
        Expression::text_of(if is_whole { figure.round() } else { figure }, self.is_percentage)
    }

    /// Returns a figure as text.
    fn text_of(figure: f64, is_percentage: bool) -> String {
        if is_percentage {
            let percent = (figure * 1000.0).round() / 10.0;
            return format!("{percent} %");
        }
        let rounded = if figure.abs() >= 100.0 {
            figure.round()
        } else if figure.abs() >= 10.0 {
            (figure * 10.0).round() / 10.0
        } else {
            (figure * 100.0).round() / 100.0
        };
        format!("{rounded}")
    }
}
