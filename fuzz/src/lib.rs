//! Random changes of valid inputs of each kind that strangers write: links, documents, messages, histories and lessons.
//!
//! A [`Target`](targets::Target) checks one input: it is read without a panic and within a limit of memory, and what is valid is
//! the same after it is written and read again. A [`Campaign`](campaign::Campaign) changes valid inputs at random. Inputs
//! that lead to a new kind of answer are changed further. The seed determines all inputs.
#![forbid(unsafe_code)]

pub mod campaign;
pub mod json;
pub mod panics;
pub mod random;
pub mod targets;
pub mod text;

/// Counts the memory that an input needs.
#[global_allocator]
pub static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
