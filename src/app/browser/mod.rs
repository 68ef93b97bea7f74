//! Browser glue: start, worker, storage, files, address, theme, crash reports.

pub mod address;
mod animation;
pub mod crash_report;
pub mod documents;
pub mod drawings;
pub mod engine;
pub mod files;
pub mod host;
pub mod language;
pub mod picture;
pub mod slices;
pub mod start;
pub mod storage;
pub mod tabs;
pub mod theme;
