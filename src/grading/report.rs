//! The results of grading as plain data.

use crate::session::first_halt::FirstHalt;
use crate::session::protocol::grade::TaskGrade;
use serde::Serialize;

/// The grades of an answer in all tasks of a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct GradeReport {
    /// Runs of all tasks that were halted at a limit.
    pub halted: u64,
    /// Why the first halted run of the first task with one was halted; null if none was.
    pub first_halt: Option<FirstHalt>,
    /// Whether every goal of every task is met.
    pub passed: bool,
    /// The points of all goals that are met.
    pub points: u32,
    /// The points of all goals.
    pub of: u32,
    /// One grade for each task.
    pub tasks: Vec<TaskGrade>,
}
