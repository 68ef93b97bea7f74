//! `converge`: the engine as a command line.
//!
//! Exit codes: 0 success; 1 the run missed a promise or violated an invariant, the history violates a guarantee, the answer misses
//! a goal, or the lesson contains a refuted claim; 2 the input is not valid, or a run was halted at a limit; 3 the verdict on a
//! history is unknown; 130 Ctrl-C.

#[cfg(not(target_arch = "wasm32"))]
mod check_text;
#[cfg(not(target_arch = "wasm32"))]
mod commands;
#[cfg(not(target_arch = "wasm32"))]
mod comparison;
#[cfg(not(target_arch = "wasm32"))]
mod grade_text;
#[cfg(not(target_arch = "wasm32"))]
mod lessons;
#[cfg(not(target_arch = "wasm32"))]
mod long_run;
#[cfg(not(target_arch = "wasm32"))]
mod options;
#[cfg(not(target_arch = "wasm32"))]
mod output;
#[cfg(not(target_arch = "wasm32"))]
mod parallel_sweep;
#[cfg(not(target_arch = "wasm32"))]
mod reasons_text;
#[cfg(not(target_arch = "wasm32"))]
mod run_files;
#[cfg(not(target_arch = "wasm32"))]
mod run_text;
#[cfg(not(target_arch = "wasm32"))]
mod sweep_text;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    commands::main()
}

#[cfg(target_arch = "wasm32")]
fn main() {}
