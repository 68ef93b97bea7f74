//! Course content. It speaks of scenarios, goals and verdicts, never of parts of the page. Lessons are read and
//! measured natively; challenges are part of every build.

pub mod challenges;
#[cfg(not(target_arch = "wasm32"))]
pub mod lesson;

/// The texts of all lessons.
#[cfg(not(target_arch = "wasm32"))]
pub const LESSONS: &[&str] = &[include_str!("eventual-consistency.md")];
