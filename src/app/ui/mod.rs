//! The components. Each receives plain properties and reports by callbacks; none holds state of the run.
mod action_button;
pub mod areas;
pub mod branches;
mod canvas_2d;
mod card;
mod charts;
pub mod commands_dialog;
pub mod diagram;
pub mod dialogs;
pub mod drawings_dialog;
mod fault_track;
pub mod field;

pub mod icons;
pub mod inspector;
mod internals;
pub mod lazy_views;
pub mod links;
pub mod log;
pub mod menu;
pub mod message_layer;
mod outline;
pub mod page;
pub mod parts;
pub mod shell;
mod stale_charts;
pub mod timeline;
pub mod verdicts;
