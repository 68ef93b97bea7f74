//! Questions: the reader predicts, then a measurement proves the right choice and refutes the others.

use crate::language::sentence;
use crate::scenario::goal::Requirement;
use crate::scenario::{Scenario, json};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Stable id, unique in the lesson.
    pub id: String,
    /// 1 (easy) to 3 (hard).
    pub level: u32,
    /// The question.
    pub ask: String,
    /// The choices; exactly one is right.
    pub choices: Vec<Choice>,
}

/// A choice of a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The answer.
    pub text: String,
    /// Whether it is right.
    #[serde(default)]
    pub right: bool,
    /// Why it is right or wrong.
    pub because: String,
    /// What is true if the choice is right, or what refutes it.
    pub shown_by: Proof,
}

/// A goal that a scenario meets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The scenario's id in the lesson.
    pub scenario: String,
    /// The goal.
    pub must: String,
}

/// Reads a question. An error has the line in the block if there is one, counted from 1.
pub(super) fn parse(
    text: &str,
    scenarios: &BTreeMap<String, Scenario>,
) -> Result<Question, Vec<(Option<usize>, String)>> {
    let value = json::parse(text).map_err(|error| vec![(Some(error.line), error.to_string())])?;
    let question: Question = json::read(&value).map_err(|errors| {
        errors.into_iter().map(|error| (line_of(text, &error.path), error.to_string())).collect::<Vec<_>>()
    })?;
    let mut errors = Vec::new();
    let mut wrong = |near: &str, problem: String| errors.push((line_of(text, near), problem));
    if !(1..=3).contains(&question.level) {
        wrong(
            "level",
            sentence!("level: must be 1, 2 or 3, not {}", "level: erlaubt ist 1, 2 oder 3, nicht {}", question.level),
        );
    }
    let right = question.choices.iter().filter(|choice| choice.right).count();
    if right != 1 || question.choices.len() < 2 {
        let all = question.choices.len();
        wrong(
            "choices",
            sentence!(
                "choices: must be at least two, one of them right; {right} of {all} are",
                "choices: erwartet werden mindestens zwei, davon eine richtig; richtig sind {right} von {all}"
            ),
        );
    }
    for (i, choice) in question.choices.iter().enumerate() {
        let path = format!("choices[{i}].shown_by");
        match scenarios.get(&choice.shown_by.scenario) {
            None => {
                let id = &choice.shown_by.scenario;
                wrong(
                    id,
                    sentence!(
                        "{path}.scenario: no scenario above has the id `{id}`",
                        "{path}.scenario: kein Szenario davor hat die Id `{id}`"
                    ),
                );
            }
            Some(scenario) => {
                if let Err(problem) = Requirement::parse(&choice.shown_by.must, scenario) {
                    wrong(&choice.shown_by.must, format!("{path}.must: {problem}"));
                }
            }
        }
    }
    if errors.is_empty() { Ok(question) } else { Err(errors) }
}

/// Returns the first line that contains a text, or the last field of a path.
fn line_of(text: &str, near: &str) -> Option<usize> {
    let last = near.rsplit('.').next().unwrap_or(near);
    let find = |needle: &str| text.lines().position(|line| !needle.is_empty() && line.contains(needle));
    find(near).or_else(|| find(last)).map(|index| index + 1)
}
