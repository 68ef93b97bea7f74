//! Grades answers to tasks: runs the learner's scenario with many seeds and judges the goals. The command line and
//! the JavaScript module use this grader. All counts are integers and the runs have fixed seeds, so it gives the same
//! grade everywhere, bit for bit.

mod conditions;
mod figures;
mod report;

pub use crate::session::protocol::grade::{FailedRun, GoalGrade, Refused, TaskGrade};
pub use report::GradeReport;

use crate::analysis::history::HistoryRecorder;
use crate::language::{decimal, phrase, sentence};
use crate::scenario::goal::{Condition, Figure, Requirement};
use crate::scenario::{Goal, Micros, Scenario, ScenarioError, Task, link, micros};
use crate::session::Run;
use crate::session::sweep::{Sweep, SweepRun};
use conditions::Conditions;
use figures::{Lacks, Range};
use xxhash_rust::xxh3::Xxh3;

/// Grades an answer to one task, run by run, so that the caller can show the progress and cancel.
pub struct Grader {
    task: Task,
    /// The answer, with the invariants that the goals name.
    scenario: Scenario,
    requirements: Vec<Result<Requirement, String>>,
    conditions: Conditions,
    not_permitted: Vec<ScenarioError>,
    sweep: Sweep,
    /// The lost updates of all runs; none if no run could have shown one.
    lost_updates: Option<u64>,
    /// The number of runs in which the condition of each goal was true.
    held: Vec<u64>,
    failures: Vec<Option<(u64, Micros, String)>>,
    /// The first run with a window that was open at the end, and the first that did not converge; one that never ends if there is
    /// any.
    unended: [Option<Unended>; 2],
    digest: Xxh3,
    max_events: u64,
    /// The run in progress, and the history of its operations if the goals need it.
    run: Option<(Box<SweepRun>, Option<HistoryRecorder>)>,
}

/// A run in which a window was open at the end, or that did not converge.
#[derive(Clone, Copy)]
struct Unended {
    seed: u64,
    /// Whether that lasts for ever: the run is quiet and will not converge.
    is_endless: bool,
}

/// The number of runs among which one is looked for that misses a figure.
const SEARCHED: u64 = 10;

/// Number of events of a part of a run.
const PART: u64 = 4096;

impl std::fmt::Debug for Grader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grader({}: {} of {} runs)", self.task.id, self.sweep.runs, self.task.runs)
    }
}

impl Grader {
    /// Prepares to grade `answer` in a task of `document`. Both are valid; of each, the branch that opens at the start counts.
    /// A run is halted after `max_events` events; then no goal is met.
    ///
    /// # Errors
    /// The branch that opens cannot be made.
    pub fn new(document: &Scenario, task: &Task, answer: &Scenario, max_events: u64) -> Result<Grader, ScenarioError> {
        let (start, answer) = (document.of_branch(None)?, answer.of_branch(None)?);
        let not_permitted = task.not_permitted(&start, &answer);
        let requirements: Vec<_> = task.goals.iter().map(|goal| Requirement::parse(&goal.must, &answer)).collect();
        let condition = |requirement: &Result<Requirement, String>| match requirement {
            Ok(Requirement { figure: Figure::Runs(condition), .. }) => Some(condition.clone()),
            Ok(_) | Err(_) => None,
        };
        let conditions: Vec<Option<Condition>> = requirements.iter().map(condition).collect();
        let (conditions, scenario) = Conditions::new(conditions, &answer);
        Ok(Grader {
            sweep: Sweep::new(&scenario),
            scenario,
            conditions,
            not_permitted,
            lost_updates: None,
            held: vec![0; task.goals.len()],
            failures: vec![None; task.goals.len()],
            unended: [None; 2],
            digest: Xxh3::new(),
            requirements,
            task: task.clone(),
            max_events,
            run: None,
        })
    }

    /// Returns the number of runs made, and of all runs to make.
    pub fn progress(&self) -> (u64, u64) {
        let all = if self.not_permitted.is_empty() { self.task.runs.into() } else { 0 };
        (self.sweep.runs, all)
    }

    /// Makes the next run. Returns whether there are more to make.
    pub fn step(&mut self) -> bool {
        let (done, _) = self.progress();
        while self.step_part() && self.progress().0 == done {}
        let (done, all) = self.progress();
        done < all
    }

    /// Makes the next part of a run, which takes little time. Returns whether there is more to do.
    pub fn step_part(&mut self) -> bool {
        let (done, all) = self.progress();
        if done >= all {
            return false;
        }
        let seed = done + 1;
        let (mut run, mut recorder) = self.run.take().unwrap_or_else(|| {
            let mut recorder = self.conditions.needs_history().then(HistoryRecorder::default);
            let mut on_record = |record: &_| recorder.iter_mut().for_each(|recorder| recorder.observe(record));
            let begun = self.sweep.begin(&self.scenario, seed, self.max_events, &mut on_record);
            (Box::new(begun.expect("each seed is run once")), recorder)
        });
        let mut on_record = |record: &_| recorder.iter_mut().for_each(|recorder| recorder.observe(record));
        if !self.sweep.advance(&mut run, PART, &mut on_record) {
            self.run = Some((run, recorder));
            return true;
        }
        let never = |sweep: &Sweep| sweep.window_unended.never + sweep.convergence_unended.never;
        let before = never(&self.sweep);
        let run = self.sweep.finish(*run);
        self.note_unended(&run, Unended { seed, is_endless: never(&self.sweep) > before });
        self.judge(&run, recorder.as_ref(), seed);
        seed < all
    }

    /// Makes all remaining runs.
    pub fn complete(&mut self) {
        while self.step() {}
    }

    fn note_unended(&mut self, run: &Run, unended: Unended) {
        let staleness = &run.analysis().staleness;
        let has_ended =
            [staleness.windows().all(|window| window.took.is_some()), staleness.stale() + staleness.diverged() == 0];
        for (kept, has_ended) in self.unended.iter_mut().zip(has_ended) {
            let is_first = kept.is_none_or(|kept| unended.is_endless && !kept.is_endless);
            if is_first && !has_ended {
                *kept = Some(unended);
            }
        }
    }

    fn judge(&mut self, run: &Run, recorder: Option<&HistoryRecorder>, seed: u64) {
        let lost = &run.analysis().lost;
        if !lost.is_unknown() {
            *self.lost_updates.get_or_insert(0) += lost.count();
        }
        self.digest.update(run.engine().trace().digest().hex().as_bytes());
        let end = micros(self.scenario.until_ms);
        for (i, result) in self.conditions.judge(run, recorder).into_iter().enumerate() {
            match result {
                None => {}
                Some(Ok(())) => self.held[i] += 1,
                Some(Err((at, because))) => {
                    self.failures[i].get_or_insert((seed, at.unwrap_or(end), because));
                }
            }
        }
    }

    /// Returns the grade after the runs so far.
    pub fn grade(&self) -> TaskGrade {
        let (done, all) = self.progress();
        let complete = done == all && self.not_permitted.is_empty();
        // The rest of a halted run is unknown, and so is whether the runs together meet a goal.
        let is_known = complete && self.sweep.halted == 0;
        let goals: Vec<GoalGrade> =
            self.task.goals.iter().enumerate().map(|(i, goal)| self.goal(i, goal, is_known)).collect();
        let points = |met: bool| goals.iter().filter(|goal| goal.met || !met).map(|goal| goal.points).sum();
        TaskGrade {
            halted: self.sweep.halted,
            first_halt: self.sweep.first_halt.clone(),
            task: self.task.id.clone(),
            passed: goals.iter().all(|goal| goal.met),
            points: points(true),
            of: points(false),
            runs: done,
            complete,
            digest: format!("{:016x}", self.digest.digest()),
            not_permitted: self.not_permitted.iter().cloned().map(Refused::from).collect(),
            goals,
        }
    }

    fn goal(&self, i: usize, goal: &Goal, is_known: bool) -> GoalGrade {
        let (figure, met, mut failure) = match &self.requirements[i] {
            Ok(requirement) => {
                let range = self.figure(i, &requirement.figure);
                let met = range.is_some_and(|range| range.meets(requirement));
                let figure = range.and_then(Range::value);
                let is_unknown = range.is_some() && figure.is_none() && !met;
                let unended = is_unknown.then(|| self.unended(&requirement.figure)).flatten();
                let missed = || (is_known && !met).then(|| self.run_that_misses(requirement)).flatten();
                (figure, met, unended.or_else(|| self.failures[i].clone()).or_else(missed))
            }
            // A node that the goal names is no longer in the answer.
            Err(problem) => (None, false, Some((1, 0, problem.clone()))),
        };
        failure = failure.filter(|_| self.not_permitted.is_empty());
        GoalGrade {
            id: goal.id.clone(),
            text: goal.text.clone(),
            must: goal.must.clone(),
            met: met && is_known,
            figure,
            points: goal.points,
            failure: failure.map(|(seed, at, because)| self.failed_run(seed, at, because)),
        }
    }

    /// Returns the first run that misses the bound of a figure by itself, and its end. The figure is made of all runs, so most
    /// of those that miss a goal have one among the first.
    fn run_that_misses(&self, requirement: &Requirement) -> Option<(u64, Micros, String)> {
        let figure = &requirement.figure;
        if !self.not_permitted.is_empty() || !matches!(figure, Figure::Number(_) | Figure::Statistic(..)) {
            return None;
        }
        (1..=self.sweep.runs.min(SEARCHED)).find_map(|seed| {
            let mut sweep = Sweep::new(&self.scenario);
            let run = sweep.measure(&self.scenario, seed, self.max_events, &mut |_| {}).ok()?;
            let lost = &run.analysis().lost;
            let lost = (!lost.is_unknown()).then(|| lost.count());
            let range = figures::value(figure, &sweep, lost, &self.task.curve)?;
            let value = range.value().filter(|_| !range.meets(requirement))?;
            let value = decimal(format_args!("{}", (value * 1e4).round() / 1e4));
            let because = sentence!("in this run, the figure is {}", "in diesem Lauf ist der Wert {}", value);
            Some((seed, micros(self.scenario.until_ms), because))
        })
    }

    /// Returns the first run because of which a figure is not known.
    fn unended(&self, figure: &Figure) -> Option<(u64, Micros, String)> {
        let [open, inconsistent] = self.unended;
        let (unended, because, because_endless) = match figures::lacks(figure)? {
            Lacks::Windows => (
                open?,
                phrase("at the end, a copy lacks an update", "am Ende fehlt einer Kopie eine Änderung"),
                phrase(
                    "at the end, a copy lacks an update and will never have it",
                    "am Ende fehlt einer Kopie eine Änderung, und sie erhält sie nie",
                ),
            ),
            Lacks::Convergence => (
                inconsistent?,
                phrase("at the end, a copy is not consistent", "am Ende ist eine Kopie nicht konsistent"),
                phrase(
                    "at the end, a copy is not consistent and will never be",
                    "am Ende ist eine Kopie nicht konsistent, und sie wird es nie",
                ),
            ),
        };
        let Unended { seed, is_endless } = unended;
        let because = if is_endless { because_endless } else { because };
        Some((seed, micros(self.scenario.until_ms), because.into()))
    }

    fn figure(&self, i: usize, figure: &Figure) -> Option<Range> {
        let runs = self.sweep.runs;
        if self.sweep.halted > 0 {
            return None;
        }
        match figure {
            Figure::Runs(_) => (runs > 0).then(|| Range::exactly(self.held[i] as f64 / runs as f64)),
            figure => figures::value(figure, &self.sweep, self.lost_updates, &self.task.curve),
        }
    }

    fn failed_run(&self, seed: u64, at: Micros, because: String) -> FailedRun {
        let at_ms = at as f64 / 1000.0;
        let scenario = Scenario { seed, tasks: Vec::new(), ..self.scenario.clone() };
        let link = link::encode(&scenario).ok().map(|link| format!("{link}&t={at_ms}"));
        FailedRun { seed, at_ms, because, link }
    }
}

impl GradeReport {
    /// Sums up the grades of a document's tasks.
    pub fn new(tasks: Vec<TaskGrade>) -> Self {
        GradeReport {
            halted: tasks.iter().map(|task| task.halted).sum(),
            first_halt: tasks.iter().find_map(|task| task.first_halt.clone()),
            passed: tasks.iter().all(|task| task.passed),
            points: tasks.iter().map(|task| task.points).sum(),
            of: tasks.iter().map(|task| task.of).sum(),
            tasks,
        }
    }
}

/// Returns the tasks of a document that are to be graded: the one with the id, or all.
///
/// # Errors
/// The document has no tasks, or none with this id.
pub fn tasks<'a>(document: &'a Scenario, id: Option<&str>) -> Result<Vec<&'a Task>, ScenarioError> {
    let found: Vec<&Task> = document.tasks.iter().filter(|task| id.is_none_or(|id| task.id == id)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let ids: Vec<&str> = document.tasks.iter().map(|task| task.id.as_str()).collect();
    let problem = match id {
        Some(id) if !ids.is_empty() => {
            sentence!("one of {} is expected, not `{id}`", "erlaubt ist eines von {}, nicht `{id}`", ids.join(", "))
        }
        Some(_) | None => {
            phrase("the document must have at least one task", "das Dokument muss mindestens eine Aufgabe haben").into()
        }
    };
    Err(ScenarioError::new("tasks", problem))
}

#[cfg(test)]
mod tests;
