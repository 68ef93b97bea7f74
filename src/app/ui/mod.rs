//! The components. Each takes plain properties and reports by callbacks; none keeps state of the run.
pub mod areas;
pub mod branches;
mod card;
pub mod diagram;
pub mod dialogs;
mod fault_track;
pub mod field;
pub mod findings;
pub mod icons;
pub mod inspector;
pub mod log;
pub mod menu;
pub mod messages;
pub mod page;
pub mod parts;
pub mod shell;
pub mod timeline;
pub mod wires;
