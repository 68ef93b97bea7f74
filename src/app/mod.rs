//! The page: state and update (pure), document edits (pure), scene (pure), components, browser glue.

pub mod announce;
pub mod areas;
mod branches;
#[cfg(target_arch = "wasm32")]
pub mod browser;
pub mod camera;
pub mod change;
pub mod clipboard;
pub mod diagram;
pub mod drawing;
pub mod edit;
pub mod faults;
pub mod fields;
pub mod geometry;
pub mod gesture;
pub mod internals;
pub mod keys;
pub mod layout;
pub mod log_view;
pub mod measurement;
pub mod model;
pub mod msg;
pub mod outline;
pub mod picture;
pub mod playback;
mod publish;
pub mod ribbon;
pub mod run_view;
pub mod scene;
pub mod script;
pub mod time_view;
#[cfg(target_arch = "wasm32")]
pub mod ui;
pub mod verdicts_view;
