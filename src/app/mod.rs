//! The page: state and update (pure), document edits (pure), scene (pure), components, browser glue.

pub mod edit;
#[cfg(target_arch = "wasm32")]
pub mod ui;
