//! The engine as an ES module for other pages and notebooks: `validate`, `run`, `why`, `sweep`, `sweepAsync`, `check`, `grade`,
//! `linkEncode`, `linkDecode` and `examples` over plain objects. The objects have the fields of the command line's `--json`,
//! because both come from [`converge::report`].
//!
//! [`calls`] contains the functions in plain Rust, and `bindings` converts between JavaScript and Rust values. The types
//! in `converge.d.ts` are generated from the Rust types by `tests/types.rs`.
#![forbid(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod bindings;
pub mod calls;
