//! What tests share.

#![allow(dead_code, unused_macros, reason = "each test file uses some of this")]

pub mod command_line;
pub mod faults;
pub mod random;
pub mod runs;
pub mod scenarios;
pub mod statistics;
