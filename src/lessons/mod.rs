//! Course content. It speaks of scenarios, goals and verdicts, never of parts of the page. Lessons are read and
//! measured by the same code natively and in the page's worker.

pub mod challenges;
pub mod lesson;

/// All lessons: the name of the file, and its text.
#[cfg(not(target_arch = "wasm32"))]
pub const LESSONS: &[(&str, &str)] = &[
    ("eventual-consistency.md", include_str!("eventual-consistency.md")),
    ("eventual-consistency.de.md", include_str!("eventual-consistency.de.md")),
];
