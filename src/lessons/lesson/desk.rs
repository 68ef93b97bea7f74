//! Answers the page's requests about a lesson: reads it, measures it scenario by scenario, and finds the runs that prove
//! or refute choices.

use super::measure::{GoalOwner, ScenarioMeasurement};
use super::{Expression, Lesson};
use crate::grading::GoalGrade;
use crate::scenario::Scenario;
use crate::scenario::goal::{Figure, Requirement};
use crate::session::protocol::lesson::{LessonMeasurement, LessonProblem, LessonQuery, LessonReport, MeasuredText};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The open lesson and its measurements.
#[derive(Debug, Default)]
pub struct LessonDesk {
    lesson: Option<Lesson>,
    measurements: BTreeMap<u32, ScenarioMeasurement>,
}

impl LessonDesk {
    /// Answers a request. A measurement continues while `continues` returns true, and makes at least a part of a run.
    pub fn answer(&mut self, query: LessonQuery, continues: &mut dyn FnMut() -> bool) -> LessonReport {
        match query {
            LessonQuery::Open { text } => self.open(&text),
            LessonQuery::Measure { scenario } => self.measure(scenario, continues),
            LessonQuery::Show { question, choice } => self.show(question, choice),
        }
    }

    fn open(&mut self, text: &str) -> LessonReport {
        *self = LessonDesk::default();
        match Lesson::parse(text) {
            Ok(lesson) => {
                let page = lesson.page();
                self.lesson = Some(lesson);
                LessonReport::Opened(Box::new(page))
            }
            Err(errors) => {
                let problem =
                    |error: super::LessonError| LessonProblem { line: error.line as u32, problem: error.problem };
                LessonReport::Invalid(errors.into_iter().map(problem).collect())
            }
        }
    }

    fn measure(&mut self, index: u32, continues: &mut dyn FnMut() -> bool) -> LessonReport {
        let Some(measurement) = self.prepare(index) else { return LessonReport::NotOpen };
        while measurement.step_part() && continues() {}
        let (runs, of) = measurement.progress();
        let mut report = LessonMeasurement { scenario: index, runs, of, ..LessonMeasurement::default() };
        if runs == of
            && let Some(lesson) = &self.lesson
            && let Some(measurement) = self.measurements.get(&index)
        {
            let none = if measurement.halted().is_some() { "unknown" } else { "nothing" };
            for (of, grade) in measurement.results() {
                match of {
                    GoalOwner::Expression(i) => {
                        let text = grade.figure.map_or(none.into(), |figure| lesson.expressions[i].shown(figure));
                        let text = lesson.localized(&text);
                        report.figures.push((i as u32, MeasuredText { text, is_met: grade.met }));
                    }
                    GoalOwner::Choice(i, j) => {
                        report.choices.push((i as u32, j as u32, lesson.proof_text(i, j, &grade, none)))
                    }
                }
            }
        }
        LessonReport::Measured(report)
    }

    /// Returns the measurement of a scenario, which begins at its first use.
    fn prepare(&mut self, index: u32) -> Option<&mut ScenarioMeasurement> {
        let lesson = self.lesson.as_ref()?;
        let (id, scenario) = lesson.scenarios.iter().nth(index as usize)?;
        Some(match self.measurements.entry(index) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(ScenarioMeasurement::new(lesson, id, scenario).ok()?),
        })
    }

    fn show(&mut self, question: u32, choice: u32) -> LessonReport {
        let (q, c) = (question as usize, choice as usize);
        let proof = self.lesson.as_ref().and_then(|lesson| Some(&lesson.questions.get(q)?.choices.get(c)?.shown_by));
        let Some(id) = proof.map(|proof| proof.scenario.clone()) else { return LessonReport::NotOpen };
        let index = self.lesson.as_ref().map_or(0, |lesson| lesson.scenario_index(&id));
        if self.prepare(index).is_none() {
            return LessonReport::NotOpen;
        }
        let (Some(lesson), Some(measurement)) = (&self.lesson, self.measurements.get(&index)) else {
            return LessonReport::NotOpen;
        };
        let Some(instant) = lesson.instant(q, c, measurement) else { return LessonReport::NotOpen };
        let scenario = Scenario { seed: instant.seed, ..lesson.scenarios[&id].clone() };
        LessonReport::Shown { question, choice, scenario: Box::new(scenario), at: instant.at, because: instant.because }
    }
}

impl Lesson {
    /// Returns the result of a proof as text, with its unit; `none` if it has no figure.
    fn proof_text(&self, question: usize, choice: usize, grade: &GoalGrade, none: &str) -> MeasuredText {
        let proof = &self.questions[question].choices[choice].shown_by;
        let figure = Requirement::parse(&proof.must, &self.scenarios[&proof.scenario])
            .ok()
            .map(|requirement| requirement.figure);
        let is_share = match &figure {
            Some(Figure::Runs(_) | Figure::Curve(..)) => true,
            Some(Figure::Number(name)) => name.ends_with("_share"),
            Some(Figure::Statistic(..) | Figure::Error(_)) | None => false,
        };
        let unit = match &figure {
            Some(Figure::Statistic(name, _)) if name.ends_with("_ms") => " ms",
            _ => "",
        };
        let shown = |figure: f64| format!("{}{unit}", Expression::text_of(figure, is_share));
        let text = self.localized(&grade.figure.map_or(none.into(), shown));
        MeasuredText { text, is_met: grade.met }
    }
}
