//! Answers the page's requests about the grading of an answer, in slices of time.

use crate::grading::{self, Grader};
use crate::scenario::Scenario;
use crate::session::protocol::grade::{GradingQuery, GradingReport};
use crate::session::sweep::MAX_EVENTS;

/// The answer that is being graded.
#[derive(Debug, Default)]
pub struct GradingDesk {
    grader: Option<Box<Grader>>,
}

impl GradingDesk {
    /// Answers a request. Grading continues while `continues` returns true, and makes at least a part of a run.
    pub fn answer(&mut self, query: GradingQuery, continues: &mut dyn FnMut() -> bool) -> GradingReport {
        match query {
            GradingQuery::Begin { start, answer, task } => match begin(&start, &answer, &task) {
                Ok(grader) => self.grader = Some(grader),
                Err(why) => {
                    self.grader = None;
                    return GradingReport::Impossible(why);
                }
            },
            GradingQuery::Continue => {}
            GradingQuery::Cancel => self.grader = None,
        }
        let Some(grader) = &mut self.grader else { return GradingReport::NotBegun };
        while grader.step_part() && continues() {}
        let (runs, of) = grader.progress();
        if runs < of {
            return GradingReport::Progress { runs, of };
        }
        let grade = grader.grade();
        self.grader = None;
        GradingReport::Graded(Box::new(grade))
    }
}

fn begin(start: &Scenario, answer: &Scenario, task: &str) -> Result<Box<Grader>, String> {
    let tasks = grading::tasks(start, Some(task)).map_err(|error| error.to_string())?;
    let answer = match answer.validate() {
        Ok(()) => answer,
        Err(errors) => return Err(errors[0].to_string()),
    };
    let grader = Grader::new(start, tasks[0], answer, MAX_EVENTS).map_err(|error| error.to_string())?;
    Ok(Box::new(grader))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::challenges::CHALLENGES;

    #[test]
    fn an_answer_graded_in_slices_has_the_grade_of_one_pass() {
        for challenge in &CHALLENGES[..2] {
            let document = challenge.scenario();
            let mut whole = Grader::new(&document, &document.tasks[0], &document, MAX_EVENTS).expect("a grader");
            whole.complete();
            let mut desk = GradingDesk::default();
            let (start, answer) = (Box::new(document.clone()), Box::new(document));
            let mut report =
                desk.answer(GradingQuery::Begin { start, answer, task: challenge.id.into() }, &mut || false);
            let mut slices = 1;
            while matches!(report, GradingReport::Progress { runs, .. } if runs == slices) {
                report = desk.answer(GradingQuery::Continue, &mut || false);
                slices += 1;
            }
            assert_eq!(report, GradingReport::Graded(Box::new(whole.grade())));
            assert_eq!(slices, 200);
            assert_eq!(desk.answer(GradingQuery::Continue, &mut || true), GradingReport::NotBegun);
        }
    }

    #[test]
    fn what_cannot_be_graded_is_reported_with_the_reason() {
        let document = CHALLENGES[0].scenario();
        let (start, answer) = (Box::new(document.clone()), Box::new(document));
        let report = GradingDesk::default()
            .answer(GradingQuery::Begin { start, answer, task: "no-such-task".into() }, &mut || true);
        let GradingReport::Impossible(why) = report else { panic!("{report:?}") };
        assert!(why.contains("lost-event") && why.contains("no-such-task"), "{why}");
    }

    #[test]
    fn a_cancelled_answer_has_no_grade() {
        let document = CHALLENGES[0].scenario();
        let (start, answer) = (Box::new(document.clone()), Box::new(document));
        let mut desk = GradingDesk::default();
        desk.answer(GradingQuery::Begin { start, answer, task: "lost-event".into() }, &mut || false);
        assert_eq!(desk.answer(GradingQuery::Cancel, &mut || true), GradingReport::NotBegun);
        assert_eq!(desk.answer(GradingQuery::Continue, &mut || true), GradingReport::NotBegun);
    }
}
