//! What tests share.

#![allow(dead_code, reason = "each test file uses some of this")]

pub mod faults;
pub mod random;
pub mod runs;
pub mod scenarios;
pub mod statistics;
