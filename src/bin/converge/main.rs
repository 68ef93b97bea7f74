//! `converge`: the same engine as a command line.
//!
//! Exit codes: 0 fine, 1 a run that missed what its scenario promised or a history that violates what was asked, 2 bad
//! input, 3 a history of which neither could be shown.

#[cfg(not(target_arch = "wasm32"))]
mod check;
#[cfg(not(target_arch = "wasm32"))]
mod commands;
#[cfg(not(target_arch = "wasm32"))]
mod compare;
#[cfg(not(target_arch = "wasm32"))]
mod edn;
#[cfg(not(target_arch = "wasm32"))]
mod jepsen;
#[cfg(not(target_arch = "wasm32"))]
mod reasons_report;
#[cfg(not(target_arch = "wasm32"))]
mod report;
mod sweep;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    commands::main()
}

#[cfg(target_arch = "wasm32")]
fn main() {}
