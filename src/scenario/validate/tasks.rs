//! Tasks: ids are unique, goals can be read, and what may be changed exists.

use super::checker::{Checker, MAX_NAME_LENGTH};
use crate::language::{phrase, sentence};
use crate::scenario::goal::{Requirement, grid_index};
use crate::scenario::{Scenario, Task};

const MAX_TASKS: usize = 16;
const MAX_GOALS: usize = 20;
const MAX_RULES: usize = 100;
const MAX_TEXT_LENGTH: usize = 2_000;
const MAX_GOAL_TEXT_LENGTH: usize = 200;
const MIN_RUNS: u32 = 200;
const MAX_RUNS: u32 = 10_000;
/// Fields of a document that a task may permit to change.
const FIELDS: [&str; 5] = ["links", "regions", "script", "default_latency", "until_ms"];

impl Checker {
    pub(super) fn tasks(&mut self, scenario: &Scenario) {
        self.at_most("tasks", scenario.tasks.len(), MAX_TASKS);
        for (i, task) in scenario.tasks.iter().enumerate().take(MAX_TASKS) {
            let at = |field: &str| format!("tasks[{i}].{field}");
            self.task_id(&at("id"), &task.id, scenario.tasks[..i].iter().any(|other| other.id == task.id));
            self.text(&at("title"), &task.title, MAX_NAME_LENGTH);
            self.text(&at("text"), &task.text, MAX_TEXT_LENGTH);
            self.count(&at("runs"), task.runs, MIN_RUNS, MAX_RUNS);
            if let Some(attempts) = task.attempts {
                self.count(&at("attempts"), attempts, 1, 1_000);
            }
            self.at_most(&at("hints"), task.hints.len(), MAX_GOALS);
            for (j, hint) in task.hints.iter().enumerate() {
                self.text(&at(&format!("hints[{j}]")), hint, MAX_TEXT_LENGTH);
            }
            self.goals(i, task, scenario);
            self.changes(i, task, scenario);
            self.curve(&at("curve"), &task.curve);
        }
    }

    fn task_id(&mut self, path: &str, id: &str, is_taken: bool) {
        let valid = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if id.is_empty() || id.chars().count() > MAX_NAME_LENGTH || !id.chars().all(valid) {
            self.error(
                path,
                sentence!(
                    "must have 1 to {MAX_NAME_LENGTH} letters, digits, `_`, `-` or `.`, not `{id}`",
                    "muss 1 bis {MAX_NAME_LENGTH} Buchstaben, Ziffern, `_`, `-` oder `.` haben, nicht `{id}`"
                ),
            );
        }
        if is_taken {
            self.error(path, sentence!("`{id}` is already the id of another", "`{id}` ist schon die Id eines anderen"));
        }
    }

    fn goals(&mut self, i: usize, task: &Task, scenario: &Scenario) {
        let path = format!("tasks[{i}].goals");
        if task.goals.is_empty() {
            self.error(&path, phrase("must have at least one goal", "muss mindestens ein Ziel haben"));
        }
        self.at_most(&path, task.goals.len(), MAX_GOALS);
        for (j, goal) in task.goals.iter().enumerate().take(MAX_GOALS) {
            let at = |field: &str| format!("{path}[{j}].{field}");
            self.task_id(&at("id"), &goal.id, task.goals[..j].iter().any(|other| other.id == goal.id));
            self.text(&at("text"), &goal.text, MAX_GOAL_TEXT_LENGTH);
            self.count(&at("points"), goal.points, 1, 100);
            match Requirement::parse(&goal.must, scenario) {
                Ok(requirement) if requirement.needs_curve() && task.curve.is_empty() => {
                    self.error(
                        at("must"),
                        phrase(
                            "compares with the task's `curve`, which must not be empty",
                            "vergleicht mit `curve` der Aufgabe, die nicht leer sein darf",
                        ),
                    );
                }
                Ok(_) => {}
                Err(problem) => self.error(at("must"), problem),
            }
        }
    }

    fn changes(&mut self, i: usize, task: &Task, scenario: &Scenario) {
        self.at_most(&format!("tasks[{i}].change"), task.change.len(), MAX_RULES);
        for (j, rule) in task.change.iter().enumerate().take(MAX_RULES) {
            let has = |id: &str| rule.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            if !scenario.ids().any(has) && !FIELDS.contains(&rule.as_str()) {
                let fields = FIELDS.join(", ");
                let problem = sentence!(
                    "must be `<id>` or `<id>.<field>` of a node, or one of {fields}; not `{rule}`",
                    "muss `<id>` oder `<id>.<field>` eines Knotens \
                     oder eines von {fields} sein, nicht `{rule}`"
                );
                self.error(format!("tasks[{i}].change[{j}]"), problem);
            } else if !FIELDS.contains(&rule.as_str()) && !scenario.has_field(rule) {
                self.error(
                    format!("tasks[{i}].change[{j}]"),
                    sentence!("the node has no field as in `{rule}`", "der Knoten hat kein Feld wie in `{rule}`"),
                );
            }
        }
    }

    fn curve(&mut self, path: &str, curve: &[(f64, f64)]) {
        self.at_most(path, curve.len(), MAX_GOALS);
        for (j, (ms, share)) in curve.iter().enumerate() {
            if grid_index(*ms).is_none() {
                let expected = phrase(
                    "must be a time of the grid, ms: 0 or 1, 2, 5 times a power of ten, 0.1 to 100000",
                    "muss eine Zeit des Rasters sein, in ms: 0 oder \
                     1, 2, 5 mal eine Zehnerpotenz, 0.1 bis 100000",
                );
                self.error(format!("{path}[{j}][0]"), format!("{expected}; not {ms}"));
            }
            self.probability(&format!("{path}[{j}][1]"), *share);
        }
    }
}
