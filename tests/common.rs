//! What tests share.

pub mod command_line;
pub mod faults;
pub mod random;
pub mod runs;
pub mod scenarios;
pub mod statistics;
