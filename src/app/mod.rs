//! The page: state and update (pure), document edits (pure), scene (pure), components, browser glue.

pub mod actions;
pub mod announce;
#[cfg(all(target_arch = "wasm32", feature = "page"))]
pub mod browser;
pub mod camera;
pub mod canvas_item;
pub mod context_menu;
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
pub mod outline;
pub mod picture;
pub mod playback;
pub mod ribbon;
pub mod run_view;
pub mod scene;
pub mod script;
pub mod time_view;
#[cfg(all(target_arch = "wasm32", feature = "page"))]
pub mod ui;
pub mod verdicts_view;
