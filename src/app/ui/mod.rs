//! The components. Each takes plain properties and reports by callbacks; none keeps state of the run.
pub mod dialogs;
pub mod inspector;
