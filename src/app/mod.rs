//! The page. Everything but `ui` and `browser` is pure and runs natively in tests.
//!
//! - [`model`]: the state and its only entrance, `update(&mut Model, Msg) -> Vec<Effect>`, split by concern.
//! - [`actions`], [`keys`], [`context_menu`], [`faults`]: what the visitor can do, as objects and menu entries.
//! - [`scene`], [`layout`], [`comparison`], [`camera`], [`detail`], [`geometry`], [`gesture`]: the canvas.
//! - [`run_view`], [`playback`]: the run as the engine has reported it, and the clock.
//! - [`drawing`], [`edit`], [`script`], [`fields`]: edits of the drawing, and the fields of the inspector.
//! - [`texts`]: the texts of the page in each language.
//! - [`kept_drawings`]: the drawings that the browser keeps.
//! - The other modules are views: log, verdicts, internals, diagram, outline, timeline.
//! - `ui`: the components. `browser`: the worker, storage, files and addresses. Both exist only for wasm32.

pub mod actions;
pub mod announce;
#[cfg(target_arch = "wasm32")]
pub mod browser;
pub mod camera;
pub mod canvas_item;
pub mod chrome;
pub mod command_palette;
pub mod comparison;
pub mod context_menu;
pub mod copied_cards;
pub mod cut_mark;
pub mod detail;
pub mod diagram;
pub mod drawing;
pub mod edit;
pub mod fact_words;
pub mod fault_marks;
pub mod faults;
pub mod fields;
pub mod gallery;
pub mod geometry;
pub mod gesture;
pub mod guides;
pub mod host;
pub mod host_feed;
pub mod internals;
pub mod kept_answers;
pub mod kept_drawings;
pub mod keys;
pub mod latency_text;
pub mod layout;
pub mod lesson_view;
pub mod lesson_words;
pub mod log_view;
pub mod measurement;
pub mod minimap;
pub mod model;
pub mod outline;
pub mod picture;
pub mod playback;
pub mod qr_code;
pub mod recording;
pub mod ribbon;
pub mod run_view;
pub mod scene;
pub mod script;
pub mod status_text;
pub mod task_view;
pub mod templates;
pub mod texts;
pub mod time_view;
pub mod timeline_rows;
pub mod titles;
#[cfg(target_arch = "wasm32")]
pub mod ui;
pub mod verdicts_view;

/// The notice for code that is loaded on demand and could not be fetched.
pub const NOT_FETCHED: texts::Text = texts::Text::new(
    "A part of the page could not be fetched. Reload the page, which may have a new version, or check the network.",
);
