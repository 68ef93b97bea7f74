//! `cargo xtask test` and `cargo xtask bench`.

use crate::setup::{self, WASM};
use crate::{Result, build, cargo, licences, root, run};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs everything, the browser tests last.
///
/// # Errors
/// The first step that fails.
pub fn everything(skip_browser: bool) -> Result<()> {
    setup::component("rustfmt", &["fmt", "--version"])?;
    setup::component("clippy", &["clippy", "--version"])?;
    setup::wasm_compiler()?;
    // Found out first: nobody should wait for the rest to learn that there is no browser.
    if !skip_browser {
        setup::browser()?;
    }
    step("formatting", || run(cargo().args(["fmt", "--all", "--check"])))?;
    step("licences", licences::check)?;
    step("lints, native", || clippy(&["--workspace", "--all-targets"]))?;
    step("lints, wasm32", || clippy(&["--package", "converge", "--lib", "--target", WASM]))?;
    step("tests, native debug", || native_tests(&["--workspace", "--exclude", "browser-tests"]))?;
    step("documentation", || {
        run(cargo().args(["doc", "--no-deps", "--package", "converge", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("digests, native release", || {
        run(cargo().args(["test", "--release", "--locked", "--package", "converge", "--test", "digests"]))
    })?;
    let dist = root().join("dist");
    step("the page and its weight", || build::page(&dist).map(|_| ()))?;
    if skip_browser {
        println!("\nThe browser tests were skipped.");
        return Ok(());
    }
    step("tests, real browser", || {
        run(cargo().args(["test", "--locked", "--package", "browser-tests", "--tests"]).env("CONVERGE_DIST", &dist))
    })
}

/// Runs the benchmarks.
///
/// # Errors
/// One does not build or fails.
pub fn bench(names: &[String]) -> Result<()> {
    run(cargo().args(["run", "--release", "--locked", "--package", "converge-bench", "--"]).args(names))
}

fn step(name: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let start = Instant::now();
    body().map_err(|error| format!("{name}: {error}"))?;
    println!("== {name}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn clippy(arguments: &[&str]) -> Result<()> {
    run(cargo().args(["clippy", "--quiet", "--locked"]).args(arguments).args(["--", "-D", "warnings"]))
}

fn native_tests(arguments: &[&str]) -> Result<()> {
    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if nextest.is_ok_and(|status| status.success()) {
        run(cargo().args(["nextest", "run", "--locked", "--status-level", "fail"]).args(arguments))
    } else {
        run(cargo().args(["test", "--locked", "--lib", "--bins", "--tests"]).args(arguments))
    }
}
