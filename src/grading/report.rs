//! The results of grading as plain data.

use crate::session::protocol::grade::TaskGrade;
use serde::Serialize;

/// The grades of an answer in all tasks of a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct GradeReport {
    /// Whether every goal of every task is met.
    pub passed: bool,
    /// The points of all goals that are met.
    pub points: u32,
    /// The points of all goals.
    pub of: u32,
    /// One grade for each task.
    pub tasks: Vec<TaskGrade>,
}
