//! Checks random links, documents, messages, histories and lessons, as strangers could write them.

use crate::{Result, cargo, root};
use std::process::ExitStatus;
use std::time::SystemTime;

/// Checks random inputs of targets, all if none is named: so many of each, determined by a seed.
///
/// # Errors
/// The program does not build, or it finds a fault with an input.
pub fn command(targets: Vec<String>, inputs: Option<u64>, seed: Option<u64>) -> Result<()> {
    // Ctrl-C also reaches the program that checks inputs, which prints its figures and ends.
    let _ = ctrlc::set_handler(|| {});
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut arguments = targets;
    arguments.extend(["--seed".into(), seed.unwrap_or(since_epoch.as_secs()).to_string()]);
    arguments.extend(inputs.into_iter().flat_map(|inputs| ["--inputs".into(), inputs.to_string()]));
    let status = check(&arguments)?;
    match status.code() {
        Some(0 | 130) => Ok(()),
        Some(_) => Err("the output above states what is wrong".into()),
        None => {
            let file = root().join("target/last-input.txt").display().to_string();
            println!("The program crashed. It runs again, and writes each input to {file} before it is checked.");
            arguments.extend(["--record".into(), file.clone()]);
            check(&arguments)?;
            Err(format!("the input in {file} crashes its reader"))
        }
    }
}

fn check(arguments: &[String]) -> Result<ExitStatus> {
    let options = ["run", "--profile", "fuzz", "--locked", "--package", "converge-fuzz", "--"];
    cargo().args(options).args(arguments).status().map_err(|error| format!("cargo could not be started: {error}"))
}
