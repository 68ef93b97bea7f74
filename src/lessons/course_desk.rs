//! Answers the page's requests about the course: the open lesson, and the answer that is being graded.

use super::grading_desk::GradingDesk;
use super::lesson::LessonDesk;
use crate::session::protocol::{FromEngine, Report, Request, ToEngine};

/// The open lesson and the answer that is being graded.
#[derive(Debug, Default)]
pub struct CourseDesk {
    lesson: LessonDesk,
    grading: GradingDesk,
}

impl CourseDesk {
    /// Answers a request about the course. Work continues while `continues` returns true, and makes at least a part of a run.
    pub fn answer(&mut self, message: ToEngine, continues: &mut dyn FnMut() -> bool) -> FromEngine {
        let ToEngine { epoch, request } = message;
        let report = match request {
            Request::Lesson(query) => Report::Lesson(Box::new(self.lesson.answer(query, continues))),
            Request::Grade(query) => Report::Grade(Box::new(self.grading.answer(query, continues))),
            other => unreachable!("only requests about the course are sent here, not {other:?}"),
        };
        FromEngine { epoch, report }
    }
}
