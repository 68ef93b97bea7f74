//! Converge: the eventual-consistency playground. This is the map.
//!
//! - [`scenario`]: what to simulate. Plain data with the names that people write, its validation, its JSON, its
//!   link, and the examples. Uses nothing above it.
//! - [`trace`]: what happened. The one log that every other part reads, with its digest. Uses `scenario`.
//! - [`engine`]: simulates a scenario, message by message, and writes the trace. Pure: no clock, no ambient
//!   chance, no browser. Uses `scenario` and `trace`.
//! - [`analysis`]: what it means. How each copy stands, what operations saw, what queues hold: all from the trace alone,
//!   sharing no code with the engine.
//! - [`session`]: one run under control, and the protocol spoken across the worker. The only one that drives an engine.
//! - [`app`]: the page. Its state changes only in `app::model::update`; components and browser glue exist for wasm32
//!   alone. Speaks the session's protocol, and never names the engine or the analysis.
//!
//! `tests/walls.rs` holds these walls.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod app;
pub mod engine;
pub mod report;
pub mod scenario;
pub mod session;
pub mod trace;

/// The seeds of random tests, which the tests in `tests/` share.
#[cfg(test)]
#[path = "../tests/common/random.rs"]
mod random;
