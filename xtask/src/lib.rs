//! Builds, serves, tests and measures Converge, and installs what these tasks need.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tools run in real time")]

pub mod build;
pub mod fuzz;
pub mod layout;
pub mod licences;
pub mod package;
pub mod serve;
pub mod setup;
pub mod test;
pub mod weight;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A result whose error is a message for the user.
pub type Result<T> = std::result::Result<T, String>;

/// Returns the root folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Returns a command for the cargo that runs this program, or for the one on the PATH.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command and waits for its end.
///
/// # Errors
/// The command cannot be started, or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let name = format!("{command:?}").replace('"', "");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{name}` failed: {status}")),
        Err(error) => Err(format!("`{name}` could not be started: {error}")),
    }
}
