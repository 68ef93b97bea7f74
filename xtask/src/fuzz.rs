//! Checks random links, documents, messages, histories and lessons, as strangers could write them.

use crate::{Result, cargo, root};
use std::process::ExitStatus;
use std::time::SystemTime;

/// Checks random inputs. `arguments` are targets, `--inputs N` and `--seed S`.
///
/// # Errors
/// The program does not build, or it finds a fault with an input.
pub fn command(arguments: &[String]) -> Result<()> {
    // Ctrl-C also reaches the program that checks inputs, which prints its figures and ends.
    let _ = ctrlc::set_handler(|| {});
    let mut arguments = arguments.to_vec();
    if !arguments.iter().any(|argument| argument == "--seed") {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        arguments.extend(["--seed".into(), since_epoch.as_secs().to_string()]);
    }
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
