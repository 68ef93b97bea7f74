//! What only a browser has: start, worker, storage, address, theme.

pub mod address;
pub mod documents;
pub mod engine;
pub mod files;
pub mod picture;
pub mod start;
pub mod storage;
pub mod theme;
