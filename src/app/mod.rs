//! The page: state and update (pure), document edits (pure), scene (pure), components, browser glue.

pub mod announce;
pub mod camera;
pub mod edit;
pub mod geometry;
pub mod keys;
pub mod layout;
pub mod playback;
pub mod run_view;
pub mod scene;
#[cfg(target_arch = "wasm32")]
pub mod ui;
