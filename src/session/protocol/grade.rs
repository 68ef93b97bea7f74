//! Grading an answer to a task: requests, progress and the grade.

use super::as_json;
use crate::scenario::{Scenario, ScenarioError};
use crate::session::first_halt::FirstHalt;
use serde::{Deserialize, Serialize};

/// A request about the grading of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GradingQuery {
    /// Begin to grade an answer to a task, in place of the one before.
    Begin {
        /// The document of the task, as it was given.
        #[serde(with = "as_json")]
        start: Box<Scenario>,
        /// The answer.
        #[serde(with = "as_json")]
        answer: Box<Scenario>,
        /// The id of the task.
        task: String,
    },
    /// Make more runs.
    Continue,
    /// Forget the answer.
    Cancel,
}

/// An answer about the grading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GradingReport {
    /// The number of runs made, and of all runs to make.
    Progress {
        /// Runs made.
        runs: u64,
        /// Runs to make.
        of: u64,
    },
    /// All runs are made.
    Graded(Box<TaskGrade>),
    /// Nothing is left to continue: the grading was cancelled, or the engine is a new one.
    NotBegun,
    /// The answer cannot be graded: why.
    Impossible(String),
}

/// The grade of an answer in one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct TaskGrade {
    /// Runs that were halted at a limit. If there are any, what the runs show is unknown, and no goal is met.
    pub halted: u64,
    /// Why the halted run with the smallest seed was halted; null if none was.
    pub first_halt: Option<FirstHalt>,
    /// The id of the task.
    pub task: String,
    /// Whether every goal is met and nothing else was changed.
    pub passed: bool,
    /// The points of the goals that are met.
    pub points: u32,
    /// The points of all goals.
    pub of: u32,
    /// The number of runs; their seeds are 1, 2, 3 and so on.
    pub runs: u64,
    /// Whether all runs of the task were made. If not, no goal is met.
    pub complete: bool,
    /// XXH3-64 of the digests of all runs in order, 16 hexadecimal digits. Equal digests mean equal runs.
    pub digest: String,
    /// What the answer changed without permission. If there is anything, no run is made and no goal is met.
    pub not_permitted: Vec<Refused>,
    /// One grade for each goal, in the order of the task.
    pub goals: Vec<GoalGrade>,
}

/// A change that the task does not permit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Refused {
    /// The path of the field, `<id>.<field>`.
    pub path: String,
    /// What was expected there.
    pub expected: String,
}

impl From<ScenarioError> for Refused {
    fn from(ScenarioError { path, problem }: ScenarioError) -> Self {
        Refused { path, expected: problem }
    }
}

/// The grade of one goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct GoalGrade {
    /// The id of the goal.
    pub id: String,
    /// The goal in words.
    pub text: String,
    /// The condition.
    pub must: String,
    /// Whether it is met.
    pub met: bool,
    /// The figure that was compared; null if nothing was counted, if a run was halted, or if it is not known, because of what had
    /// not ended at the end of a run.
    pub figure: Option<f64>,
    /// The points that the goal gives.
    pub points: u32,
    /// The first run in which the condition of `runs(…)` is false, or because of which the figure is not known; null if there is
    /// none.
    pub failure: Option<FailedRun>,
}

/// A run that fails a goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct FailedRun {
    /// Its seed.
    pub seed: u64,
    /// The instant of the violation, ms; the end of the run for a violation without an instant.
    pub at_ms: f64,
    /// Why the condition is false.
    pub because: String,
    /// A link to the run at that instant; null if the scenario does not fit into a link.
    pub link: Option<String>,
}
