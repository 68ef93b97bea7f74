//! The tasks of the open document: the current one, the grading of the answer, and what the browser keeps of earlier attempts.

use crate::language::decimal;
use crate::scenario::goal::{Figure, Requirement};
use crate::scenario::{Scenario, Task, json};
use crate::session::protocol::Request;
use crate::session::protocol::grade::{GoalGrade, GradingQuery, GradingReport, TaskGrade};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::chrome::Hidden;
use crate::text;

/// Least time between two requests while the run plays, ms of real time, so that the run goes first.
const PAUSE: f64 = 60.0;

/// The record of a task that the browser keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Graded answers.
    pub attempts: u32,
    /// Hints that were shown.
    pub hints: u32,
    /// The points of the best answer.
    pub best: u32,
}

/// A change of what the browser keeps of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordChange {
    /// The next hint was shown.
    Hint {
        /// The number of hints that there are.
        of: u32,
    },
    /// An answer was graded.
    Graded {
        /// Its points.
        points: u32,
    },
    /// The learner has forgotten the record, or has taken that back.
    Replace(TaskRecord),
}

impl RecordChange {
    fn apply(self, record: &mut TaskRecord) {
        match self {
            RecordChange::Hint { of } => record.hints = (record.hints + 1).min(of),
            RecordChange::Graded { points } => {
                record.attempts += 1;
                record.best = record.best.max(points);
            }
            RecordChange::Replace(other) => *record = other,
        }
    }
}

/// The grading of the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Grading {
    /// No answer was graded.
    #[default]
    None,
    /// Runs are being made.
    Running {
        /// Runs made.
        runs: u64,
        /// Runs to make; 0 before the first report.
        of: u64,
    },
    /// The grade of an answer, and the drawing that was the answer.
    Graded(Rc<TaskGrade>, Rc<Scenario>),
    /// The answer could not be graded: why.
    Impossible(String),
}

/// A goal that was judged, for the host page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedGoal {
    /// The id of the task.
    pub task: String,
    /// The id of the goal.
    pub goal: String,
    /// Whether it is met.
    pub met: bool,
}

/// The tasks of the open document.
#[derive(Clone, Debug, Default)]
pub struct TaskView {
    /// Whether the panel is visible, if the document has tasks.
    pub is_open: bool,
    /// The current task, by its place.
    pub current: usize,
    /// The grading of the answer to it.
    pub grading: Grading,
    /// The records of all tasks, as the browser keeps them.
    pub kept: Option<String>,
    /// Whether the host page of an embed keeps the records.
    pub is_hosted: bool,
    /// Changes of records, by their names, that the browser does not keep yet.
    changes: Vec<(String, RecordChange)>,
    /// Goals for the host page.
    pub judged: Vec<JudgedGoal>,
    /// Points of the last grade, and of all goals, for the host page.
    pub score: Option<(u32, u32)>,
    /// The documents with tasks as they were opened, by their numbers.
    pub starts: BTreeMap<u32, Rc<Scenario>>,
    /// The parts of the page that the embed hides apart from the task.
    pub hidden_without_tasks: Option<Hidden>,
    /// The request that begins the grading, until it is sent.
    begins: Option<Request>,
    answer: Rc<Scenario>,
    /// The requests that are not answered yet.
    waiting: u32,
    last: f64,
}

impl TaskView {
    /// Returns whether an answer is being graded.
    pub fn is_running(&self) -> bool {
        matches!(self.grading, Grading::Running { .. })
    }

    /// Begins to grade an answer.
    pub fn begin(&mut self, start: &Scenario, answer: Rc<Scenario>, task: &str) {
        let (start, task) = (Box::new(start.clone()), task.to_string());
        let query = GradingQuery::Begin { start, answer: Box::new(Scenario::clone(&answer)), task };
        self.begins = Some(Request::Grade(query));
        self.answer = answer;
        self.grading = Grading::Running { runs: 0, of: 0 };
    }

    /// Stops grading. Returns the request that forgets the answer, if one is being graded.
    pub fn cancel(&mut self) -> Option<Request> {
        let was_running = self.is_running();
        let was_sent = self.begins.take().is_none();
        if was_running {
            self.grading = Grading::None;
        }
        (was_running && was_sent).then(|| {
            self.waiting += 1;
            Request::Grade(GradingQuery::Cancel)
        })
    }

    /// Returns the next request, if it is time for one.
    pub fn next_request(&mut self, plays: bool, wall: f64) -> Option<Request> {
        if !self.is_running() || self.waiting > 0 || plays && wall - self.last < PAUSE {
            return None;
        }
        (self.waiting, self.last) = (1, wall);
        Some(self.begins.take().unwrap_or(Request::Grade(GradingQuery::Continue)))
    }

    /// Receives an answer of the engine. Returns the grade when there is one.
    pub fn receive(&mut self, report: GradingReport) -> Option<Rc<TaskGrade>> {
        self.waiting = self.waiting.saturating_sub(1);
        // An answer to a request before the last one is about a grading that was cancelled.
        if !self.is_running() || self.waiting > 0 || self.begins.is_some() {
            return None;
        }
        match report {
            GradingReport::Progress { runs, of } => self.grading = Grading::Running { runs, of },
            GradingReport::Graded(grade) => {
                let grade = Rc::new(*grade);
                self.grading = Grading::Graded(grade.clone(), self.answer.clone());
                return Some(grade);
            }
            GradingReport::NotBegun => self.grading = Grading::None,
            GradingReport::Impossible(why) => self.grading = Grading::Impossible(why),
        }
        None
    }

    /// Gives up grading, because its code or that of another request could not be fetched.
    pub fn cancel_request(&mut self, why: &str) {
        if self.is_running() && self.waiting > 0 {
            (self.waiting, self.begins) = (0, None);
            self.grading = Grading::Impossible(why.into());
        }
    }

    /// Forgets the requests to an engine that has stopped.
    pub fn reconnect(&mut self) {
        (self.waiting, self.begins) = (0, None);
        if self.is_running() {
            self.grading = Grading::Impossible(text!("The engine stopped. Check the answer again.").into());
        }
    }

    /// Returns what the browser keeps of a task.
    pub fn record(&self, task: &Task) -> TaskRecord {
        let records = self.kept.as_deref().map(records_of).unwrap_or_default();
        records.get(&key(task)).copied().unwrap_or_default()
    }

    /// Changes the record of a task, until the browser keeps the change.
    pub fn change_record(&mut self, task: &Task, change: RecordChange) {
        let changes = [(key(task), change)];
        self.kept = Some(changed(self.kept.as_deref(), &changes));
        self.changes.extend(changes);
    }

    /// Receives the records that the browser keeps now. Returns the text to keep instead, if there were changes.
    pub fn receive_kept(&mut self, kept: Option<String>) -> Option<String> {
        let changes = std::mem::take(&mut self.changes);
        // Nothing can be read where storage does not work.
        let after = match (&kept, changes.is_empty()) {
            (_, true) => None,
            (Some(before), false) => Some(changed(Some(before), &changes)),
            (None, false) => self.kept.clone(),
        };
        if !self.is_hosted {
            self.kept = after.clone().or(kept);
        }
        after
    }
}

/// Returns the points of the best answer to a document's tasks, and of all goals, if an answer was graded.
pub fn best_points(kept: Option<&str>, tasks: &[Task]) -> Option<(u32, u32)> {
    let records = records_of(kept?);
    let graded = tasks.iter().filter_map(|task| records.get(&key(task))).filter(|record| record.attempts > 0);
    let best = graded.map(|record| record.best).reduce(|sum, best| sum + best)?;
    Some((best, tasks.iter().flat_map(|task| &task.goals).map(|goal| goal.points).sum()))
}

/// Changes records. Returns the text to keep.
fn changed(kept: Option<&str>, changes: &[(String, RecordChange)]) -> String {
    let mut records = kept.map(records_of).unwrap_or_default();
    for (name, change) in changes {
        change.apply(records.entry(name.clone()).or_default());
    }
    json::pretty(&records)
}

/// The name of a task's record. Documents of different authors may use the same ids.
fn key(task: &Task) -> String {
    format!("{}/{}", task.title, task.id)
}

/// Reads the records of all tasks. What cannot be read is forgotten.
fn records_of(kept: &str) -> BTreeMap<String, TaskRecord> {
    json::parse(kept).ok().and_then(|value| json::read(&value).ok()).unwrap_or_default()
}

/// Returns what was measured for a goal, as text.
pub fn figure_text(goal: &GoalGrade, grade: &TaskGrade, scenario: &Scenario) -> String {
    let runs = grade.runs;
    match goal.figure {
        None if grade.halted > 0 => text!("unknown, because a run was halted").into(),
        None if goal.met || goal.failure.is_some() => text!("not known exactly").into(),
        None => text!("nothing was counted").into(),
        Some(figure) => match Requirement::parse(&goal.must, scenario).map(|requirement| requirement.figure) {
            Ok(Figure::Runs(_)) => text!("in {} of {} runs", format!("{:.0}", figure * runs as f64), runs),
            Ok(measured) => text!("measured: {}", with_unit(figure, measured.unit())),
            Err(_) => text!("measured: {}", with_unit(figure, None)),
        },
    }
}

/// Returns a figure with its unit. A share is shown in percent.
fn with_unit(figure: f64, unit: Option<&str>) -> String {
    let (figure, unit) = match unit {
        Some("share") => (figure * 100.0, " %".to_string()),
        unit => (figure, unit.map(|unit| format!(" {unit}")).unwrap_or_default()),
    };
    decimal(format_args!("{}{unit}", (figure * 1e3).round() / 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_figure_has_its_unit() {
        let scenario = Scenario::default();
        let unit = |must: &str| Requirement::parse(must, &scenario).expect("a goal").figure.unit();
        assert_eq!(with_unit(0.781, unit("stale_read_share <= 0.001")), "78.1 %");
        assert_eq!(with_unit(12.0, unit("read_latency_ms.p50 < 20")), "12 ms");
        assert_eq!(with_unit(1.25, unit("never_published == 0")), "1.25");
    }
}
