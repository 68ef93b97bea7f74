//! Tasks: what a learner must make true by changing the scenario, and what may be changed.

use super::is_default;
use serde::{Deserialize, Serialize};

/// An exercise on the scenario. `converge grade` and the JavaScript module grade an answer: the scenario as the
/// learner changed it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Unique id.
    pub id: String,
    /// The title; at most 80 characters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub title: String,
    /// What to do, as plain text of at most 2,000 characters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub text: String,
    /// What must become true.
    pub goals: Vec<Goal>,
    /// Number of runs over which the goals are judged, from 200 to 10,000; the seeds are 1, 2, 3 and so on.
    #[serde(default = "default_runs", skip_serializing_if = "is_default_runs")]
    pub runs: u32,
    /// What may be changed: `<id>` of a node with all of its fields, `<id>.<field>` as in the settings of a branch, `links`,
    /// `regions`, `script`, `default_latency` or `until_ms`. Names and positions may always be changed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub change: Vec<String>,
    /// The kinds of nodes that may be added.
    #[serde(default, skip_serializing_if = "is_default")]
    pub palette: Vec<TaskNode>,
    /// Whether commands may be added to the script.
    #[serde(default, skip_serializing_if = "is_default")]
    pub faults: bool,
    /// Whether a page that offers the task permits pasting into the drawing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paste: bool,
    /// Hints in the order in which they are revealed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hints: Vec<String>,
    /// Number of attempts that a page grants; without limit if absent. The grader does not count them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attempts: Option<u32>,
    /// What a page that offers the task hides, because it would give the answer away.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hide: Vec<ReadOut>,
    /// A curve to match, for goals such as `error(fresh) <= 0.05`: pairs of a time of the grid, ms, and a share.
    #[serde(default, skip_serializing_if = "is_default")]
    pub curve: Vec<(f64, f64)>,
}

/// A condition of a task, with the points for meeting it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Unique id in the task.
    pub id: String,
    /// The goal in words; at most 200 characters.
    #[serde(default, skip_serializing_if = "is_default")]
    pub text: String,
    /// The condition, such as `runs(converged) == 1` or `fresh(100) >= 0.99`.
    pub must: String,
    /// Points for meeting it, from 1 to 100.
    #[serde(default = "super::one", skip_serializing_if = "super::is_one")]
    pub points: u32,
}

/// A kind of node that a task permits to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskNode {
    /// A service.
    Service,
    /// An event bus.
    Bus,
    /// A client.
    Client,
    /// A replica group.
    Group,
}

/// A part of the page that shows what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReadOut {
    /// The verdicts.
    Verdicts,
    /// The explanations of stale copies.
    Why,
    /// The inspector.
    Inspector,
    /// The log.
    Log,
}

fn default_runs() -> u32 {
    200
}

fn is_default_runs(runs: &u32) -> bool {
    *runs == default_runs()
}
