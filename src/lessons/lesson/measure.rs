//! Measures the numbers of a lesson, its claims, and the proofs of its questions, each over 200 runs.

use super::Lesson;
use crate::grading::{GoalGrade, Grader};
use crate::scenario::{Goal, Scenario, ScenarioError, Task};
use crate::session::first_halt::FirstHalt;
use crate::session::sweep::MAX_EVENTS;
use std::collections::BTreeMap;

/// Runs of each scenario.
pub(super) const RUNS: u32 = 200;

/// The result of a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// The figure; none if nothing was counted.
    pub figure: Option<f64>,
    /// Whether it meets the goal.
    pub is_met: bool,
}

/// The measurements of a lesson.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    /// The number of halted runs and the first one, for each scenario that has any.
    halted: BTreeMap<String, (u64, FirstHalt)>,
    expressions: Vec<Measured>,
    /// The results of proofs, by question and choice.
    choices: Vec<Vec<Measured>>,
}

/// The part of the lesson whose goal is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GoalOwner {
    /// An expression, by its index in the lesson.
    Expression(usize),
    /// A choice, by the indices of the question and the choice.
    Choice(usize, usize),
}

/// The measurement of one scenario, run by run.
#[derive(Debug)]
pub(super) struct ScenarioMeasurement {
    /// The owner of each goal.
    owners: Vec<GoalOwner>,
    /// Absent if nothing is measured.
    grader: Option<Grader>,
}

impl ScenarioMeasurement {
    /// Prepares the measurement of all numbers and proofs of a scenario.
    pub fn new(lesson: &Lesson, id: &str, scenario: &Scenario) -> Result<Self, ScenarioError> {
        let expressions = lesson.expressions.iter().enumerate();
        let mut goals: Vec<(GoalOwner, &str)> = expressions
            .filter(|(_, expression)| expression.scenario == id)
            .map(|(i, expression)| (GoalOwner::Expression(i), expression.goal.as_str()))
            .collect();
        for (i, question) in lesson.questions.iter().enumerate() {
            for (j, choice) in question.choices.iter().enumerate().filter(|(_, choice)| choice.shown_by.scenario == id)
            {
                goals.push((GoalOwner::Choice(i, j), &choice.shown_by.must));
            }
        }
        let owners = goals.iter().map(|(owner, _)| *owner).collect();
        if goals.is_empty() {
            return Ok(ScenarioMeasurement { owners, grader: None });
        }
        let task = Task { id: id.into(), runs: RUNS, goals: goals.iter().map(goal).collect(), ..Task::default() };
        let grader = Grader::new(scenario, &task, scenario, MAX_EVENTS)?;
        Ok(ScenarioMeasurement { owners, grader: Some(grader) })
    }

    /// Makes the next run. Returns whether there are more to make.
    pub fn step(&mut self) -> bool {
        self.grader.as_mut().is_some_and(Grader::step)
    }

    /// Makes the next part of a run. Returns whether there is more to do.
    pub fn step_part(&mut self) -> bool {
        self.grader.as_mut().is_some_and(Grader::step_part)
    }

    /// Returns the number of runs made, and of all runs to make.
    pub fn progress(&self) -> (u64, u64) {
        self.grader.as_ref().map_or((0, 0), Grader::progress)
    }

    /// Returns the number of halted runs and the first one, if there are any.
    pub fn halted(&self) -> Option<(u64, FirstHalt)> {
        let grade = self.grader.as_ref()?.grade();
        Some((grade.halted, grade.first_halt?))
    }

    /// Returns the results so far. No goal is met before all runs are made.
    pub fn results(&self) -> Vec<(GoalOwner, GoalGrade)> {
        let grades = self.grader.as_ref().map(|grader| grader.grade().goals).unwrap_or_default();
        self.owners.iter().copied().zip(grades).collect()
    }
}

impl Measurements {
    /// Returns a line of text for each scenario with halted runs.
    pub fn halts(&self) -> Vec<String> {
        let line = |(id, (halted, FirstHalt { seed, why })): (&String, &(u64, FirstHalt))| {
            format!("{id}: {halted} of {RUNS} runs, so its figures are unknown. With seed {seed}, {why}")
        };
        self.halted.iter().map(line).collect()
    }

    /// Returns whether a run of a scenario was halted, so that its figures are unknown.
    pub fn is_halted(&self, scenario: &str) -> bool {
        self.halted.contains_key(scenario)
    }

    /// Returns the result of an expression, by its index in the lesson.
    pub fn expression(&self, index: usize) -> Option<Measured> {
        self.expressions.get(index).copied()
    }

    /// Returns the result of the proof of a choice, by the indices of the question and the choice.
    pub fn choice(&self, question: usize, choice: usize) -> Option<Measured> {
        self.choices.get(question)?.get(choice).copied()
    }
}

impl Lesson {
    /// Runs the lesson's scenarios. Calls `continues` before each run; when it returns false, the measurement ends, and what was
    /// not measured is not met.
    ///
    /// # Errors
    /// A scenario cannot be graded.
    pub fn measure(&self, continues: &mut dyn FnMut() -> bool) -> Result<Measurements, ScenarioError> {
        self.measure_by(&mut |measurement| while continues() && measurement.step() {})
    }

    /// Like [`Lesson::measure`], but also calls `continues` during a run, because a run may take long.
    ///
    /// # Errors
    /// A scenario cannot be graded.
    pub fn measure_in_parts(&self, continues: &mut dyn FnMut() -> bool) -> Result<Measurements, ScenarioError> {
        self.measure_by(&mut |measurement| while continues() && measurement.step_part() {})
    }

    fn measure_by(&self, measure: &mut dyn FnMut(&mut ScenarioMeasurement)) -> Result<Measurements, ScenarioError> {
        let mut measured = Measurements {
            halted: BTreeMap::new(),
            expressions: vec![Measured::default(); self.expressions.len()],
            choices: self.questions.iter().map(|question| vec![Measured::default(); question.choices.len()]).collect(),
        };
        for (id, scenario) in &self.scenarios {
            let mut measurement = ScenarioMeasurement::new(self, id, scenario)?;
            measure(&mut measurement);
            if let Some(halt) = measurement.halted() {
                measured.halted.insert(id.clone(), halt);
            }
            for (owner, grade) in measurement.results() {
                let result = Measured { figure: grade.figure, is_met: grade.met };
                match owner {
                    GoalOwner::Expression(i) => measured.expressions[i] = result,
                    GoalOwner::Choice(i, j) => measured.choices[i][j] = result,
                }
            }
        }
        Ok(measured)
    }

    /// Returns the claims of the text and the proofs of the questions that the engine refutes, a line of text for each.
    pub fn refuted(&self, measured: &Measurements) -> Vec<String> {
        self.unmet(measured, |scenario| !measured.is_halted(scenario))
    }

    /// Returns the claims and proofs that are unknown because a run was halted, a line of text for each.
    pub fn unknown(&self, measured: &Measurements) -> Vec<String> {
        self.unmet(measured, |scenario| measured.is_halted(scenario))
    }

    /// Returns a line of text for each claim and proof that is not met, for the scenarios that `includes` selects.
    fn unmet(&self, measured: &Measurements, includes: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        let outcome = |scenario: &str, result: Option<Measured>| match result.and_then(|result| result.figure) {
            Some(figure) => format!("it is {figure}"),
            None if measured.is_halted(scenario) => "a run was halted".into(),
            None => "nothing was counted".into(),
        };
        for (i, expression) in
            self.expressions.iter().enumerate().filter(|(_, expression)| includes(&expression.scenario))
        {
            let result = measured.expression(i);
            if !result.is_some_and(|result| result.is_met) {
                let (line, scenario, goal) = (expression.line, &expression.scenario, &expression.goal);
                lines.push(format!("line {line}: {scenario}: {goal}: {}", outcome(scenario, result)));
            }
        }
        for (i, question) in self.questions.iter().enumerate() {
            for (j, choice) in question.choices.iter().enumerate() {
                let result = measured.choice(i, j);
                if includes(&choice.shown_by.scenario) && !result.is_some_and(|result| result.is_met) {
                    let (id, proof) = (&question.id, &choice.shown_by);
                    let (scenario, must) = (&proof.scenario, &proof.must);
                    lines.push(format!(
                        "question {id}, choice {}: {scenario}: {must}: {}",
                        j + 1,
                        outcome(scenario, result)
                    ));
                }
            }
        }
        lines
    }
}

fn goal((_, must): &(GoalOwner, &str)) -> Goal {
    Goal { id: String::new(), text: String::new(), must: (*must).into(), points: 1 }
}
