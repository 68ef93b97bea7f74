//! Reads the inputs in `tests/outside/` and the output of the command line.

pub use crate::common::command_line::{code, converge, err, out};
use serde_json::Value;
use std::process::Output;

/// Returns the path of an input.
pub fn path(name: &str) -> String {
    format!("{}/tests/outside/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Returns the text of an input.
pub fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns standard output as JSON.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", out(output)))
}
