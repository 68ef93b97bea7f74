//! Builds, serves, tests and measures Converge, with all the set-up that these need.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tooling runs outside the model: it may read the clock"
)]

pub mod build;
pub mod licences;
pub mod serve;
pub mod setup;

pub mod test;
pub mod weight;

use std::path::{Path, PathBuf};
use std::process::Command;

/// What went wrong, as a sentence that says what to do.
pub type Result<T> = std::result::Result<T, String>;

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The cargo that runs this, or the one on the path.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be started, or does not succeed.
pub fn run(command: &mut Command) -> Result<()> {
    let name = format!("{command:?}").replace('"', "");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{name}` failed: {status}")),
        Err(error) => Err(format!("`{name}` could not be started: {error}")),
    }
}
