//! Converge: the eventual-consistency playground.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod app;
pub mod engine;
pub mod scenario;
pub mod session;
pub mod trace;
