//! Course content. It speaks of scenarios, goals and verdicts, never of parts of the page. Lessons are read and
//! measured, and answers to tasks graded, by the same code natively and in the page's worker.

mod course_desk;
mod grading_desk;
pub mod lesson;

pub use course_desk::CourseDesk;

/// All lessons: the name of the file, and its text.
#[cfg(not(target_arch = "wasm32"))]
pub const LESSONS: &[(&str, &str)] = &[
    ("eventual-consistency.md", include_str!("eventual-consistency.md")),
    ("eventual-consistency.de.md", include_str!("eventual-consistency.de.md")),
];
