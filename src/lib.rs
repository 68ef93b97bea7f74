//! Converge: the eventual-consistency playground. This is the map of the code.
//!
//! - [`language`]: English or German, and texts in both. Below everything else.
//! - [`scenario`]: what to simulate. Types, validation, JSON, links, presets, examples and challenges. Uses nothing above it.
//! - [`trace`]: what happened. One log, which every other part reads, and its digest. Uses `scenario`.
//! - [`engine`]: simulates a scenario, message by message, and writes the trace. Pure: no clock, no randomness but the
//!   seed's, no browser. Uses `scenario` and `trace`.
//! - [`analysis`]: what a trace means. Staleness, operations, queues, verdicts with witnesses, provenance. Reads the trace
//!   alone and shares no code with the engine.
//! - [`session`]: one run under control, sweeps, and the protocol of the worker. Only the session drives an engine.
//! - [`grading`]: whether an answer to a task meets the goals, over many seeds. Uses all of these.
//! - [`lessons`]: course content. Lessons, their measurement and their questions, and the grading of answers in slices.
//! - [`report`]: the results that the command line and the JavaScript module print as JSON. Uses all of these.
//! - `app`: the page, with the feature `page`. Its state changes only in `app::model::update`. Components and browser glue exist
//!   for wasm32 only. Uses `scenario`, `trace`, `session` and `lessons`, never the engine, the analysis or the grading.
//!
//! `tests/walls.rs` enforces these walls.
#![forbid(unsafe_code)]

pub mod analysis;
#[cfg(feature = "page")]
pub mod app;
pub mod engine;
pub mod grading;
pub mod language;
pub mod lessons;
pub mod report;
pub mod scenario;
pub mod session;
pub mod trace;

/// The seeds of random tests, which the tests in `tests/` share.
#[cfg(test)]
#[allow(dead_code, reason = "tests of properties need no list of seeds")]
#[path = "../tests/common/random.rs"]
mod random;
