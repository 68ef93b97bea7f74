//! A lesson as the page shows it: text and elements of our own, its measured numbers, its questions and its code. The
//! session answers no request about lessons; `crate::lessons` does.

use super::as_json;
use crate::scenario::{Micros, Scenario};
use crate::trace::{MessageKind, Outcome};
use serde::{Deserialize, Serialize};

/// A request about a lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LessonQuery {
    /// Read a lesson's file.
    Open {
        /// The text of the file.
        text: String,
    },
    /// Run a scenario with more seeds, for the time that one request may take.
    Measure {
        /// The scenario, by its index in the lesson.
        scenario: u32,
    },
    /// Find the run that proves or refutes a choice.
    Show {
        /// The question, by its index in the lesson.
        question: u32,
        /// The choice, by its index in the question.
        choice: u32,
    },
}

/// An answer about a lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LessonReport {
    /// The lesson that was read.
    Opened(Box<LessonPage>),
    /// The file is not a lesson.
    Invalid(Vec<LessonProblem>),
    /// The measurement of a scenario so far.
    Measured(LessonMeasurement),
    /// The run that proves or refutes a choice.
    Shown {
        /// The question.
        question: u32,
        /// The choice.
        choice: u32,
        /// The scenario with the seed of the run.
        #[serde(with = "as_json")]
        scenario: Box<Scenario>,
        /// The instant that shows it.
        at: Micros,
        /// What the run shows at that instant, a sentence.
        because: String,
    },
    /// No lesson is open here: the engine was restarted.
    NotOpen,
}

/// An error in a lesson's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonProblem {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong and what was expected.
    pub problem: String,
}

/// A lesson.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LessonPage {
    /// Stable id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The language of the text, as in `en`.
    pub language: String,
    /// The same lesson in other languages: the language, and the address of its file relative to this one.
    pub translations: Vec<(String, String)>,
    /// The text before the first step.
    pub introduction: Vec<LessonBlock>,
    /// The steps.
    pub steps: Vec<LessonStepPage>,
    /// The scenarios.
    pub scenarios: Vec<LessonScenario>,
    /// The numbers in the text, each with whether it is a claim.
    pub figures: Vec<LessonFigure>,
    /// The questions.
    pub questions: Vec<LessonQuestion>,
    /// The code.
    pub listings: Vec<LessonListing>,
    /// The terms of the glossary that the text links to, each with its meaning.
    pub terms: Vec<LessonTerm>,
    /// The number of runs that are measured of each scenario.
    pub runs: u64,
}

/// A step of a lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonStepPage {
    /// Stable id.
    pub id: String,
    /// The heading.
    pub title: String,
    /// The scenario that opens with the step, by its index in the lesson.
    pub scenario: Option<u32>,
    /// The text.
    pub blocks: Vec<LessonBlock>,
}

/// A scenario of a lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonScenario {
    /// Its id in the lesson.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The document.
    pub document: String,
    /// The branch that is compared with the one that opens, by its name.
    pub compare: Option<String>,
}

/// A number in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonFigure {
    /// The scenario that it is measured in.
    pub scenario: u32,
    /// The claim, if it is one: the goal that must be met.
    pub claim: Option<String>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonQuestion {
    /// Stable id.
    pub id: String,
    /// 1 (easy) to 3 (hard).
    pub level: u32,
    /// The question.
    pub ask: String,
    /// The choices.
    pub choices: Vec<LessonChoice>,
}

/// A choice of a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonChoice {
    /// The answer.
    pub text: String,
    /// Whether it is right.
    pub right: bool,
    /// Why it is right or wrong.
    pub because: String,
    /// The scenario that proves or refutes it.
    pub scenario: u32,
    /// The goal that the scenario meets.
    pub must: String,
}

/// Code of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonListing {
    /// The programming language.
    pub language: String,
    /// The scenario that executes it.
    pub scenario: u32,
    /// The lines, each with the fact that it waits for.
    pub lines: Vec<(String, Option<FactMark>)>,
}

/// Facts of the trace that a line of code waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactMark {
    /// The name of the fact, as in `message_sent`.
    pub name: String,
    /// The ids of the nodes that they are about first, in this order, as far as they matter.
    pub nodes: Vec<String>,
    /// The kind of a message that is sent, if it matters.
    pub kind: Option<MessageKind>,
    /// The outcome of an operation that has ended, if it matters.
    pub outcome: Option<Outcome>,
}

/// A term of the glossary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonTerm {
    /// Its id: the term with `-` for spaces.
    pub id: String,
    /// The term.
    pub term: String,
    /// Its meaning.
    pub meaning: String,
}

/// A block of a lesson's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LessonBlock {
    /// A heading below those of the steps, with its level from 3.
    Heading(u8, Vec<LessonSpan>),
    /// A paragraph.
    Paragraph(Vec<LessonSpan>),
    /// A list; of an ordered one the first number.
    List(Option<u64>, Vec<Vec<LessonBlock>>),
    /// A quotation.
    Quote(Vec<LessonBlock>),
    /// A table: its head, and its rows.
    Table(Vec<Vec<LessonSpan>>, Vec<Vec<Vec<LessonSpan>>>),
    /// A slider.
    Slider(LessonSlider),
    /// Text in a fixed font.
    Code(String),
    /// A horizontal rule.
    Rule,
    /// Code that a scenario executes, by its index in the lesson.
    Listing(u32),
    /// A question, by its index in the lesson.
    Question(u32),
    /// A scenario that the reader can open, by its index in the lesson.
    Scenario(u32),
    /// A challenge: its id and its title.
    Challenge(String, String),
}

/// A slider: each stop is a scenario with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LessonSlider {
    /// What it sets.
    pub label: String,
    /// The stops: what each is called, and the scenario that it opens.
    pub stops: Vec<(Vec<LessonSpan>, Option<u32>)>,
    /// The rows: what is measured, and the number at each stop.
    pub rows: Vec<(Vec<LessonSpan>, Vec<Vec<LessonSpan>>)>,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LessonSpan {
    /// Text.
    Text(String),
    /// Emphasized text.
    Emphasis(Vec<LessonSpan>),
    /// Strongly emphasized text.
    Strong(Vec<LessonSpan>),
    /// Text in a fixed font.
    Code(String),
    /// A link to another site.
    Link(String, Vec<LessonSpan>),
    /// A link to a step, by its id.
    StepLink(String, Vec<LessonSpan>),
    /// A link to a term of the glossary, by its id.
    TermLink(String, Vec<LessonSpan>),
    /// A measured number, by its index in the lesson.
    Figure(u32),
    /// The end of a line.
    Break,
}

/// The measurement of a scenario so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LessonMeasurement {
    /// The scenario.
    pub scenario: u32,
    /// The number of runs so far.
    pub runs: u64,
    /// The number of all runs to make.
    pub of: u64,
    /// The numbers in the text, each with its index in the lesson.
    pub figures: Vec<(u32, MeasuredText)>,
    /// The proofs, each with the indices of the question and the choice.
    pub choices: Vec<(u32, u32, MeasuredText)>,
}

/// A measured number as the text shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredText {
    /// The number.
    pub text: String,
    /// Whether it meets the goal.
    pub is_met: bool,
}
