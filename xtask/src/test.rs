//! Runs all checks, and the benchmarks.

use crate::setup::{self, WASM};
use crate::{Result, cargo, licences, root, run};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Runs all checks; the browser tests are the last.
///
/// # Errors
/// The first check that fails.
pub fn everything(skip_browser: bool) -> Result<()> {
    setup::component("rustfmt", &["fmt", "--version"])?;
    setup::component("clippy", &["clippy", "--version"])?;
    setup::wasm_compiler()?;
    // A missing browser is reported at the start, not after all other checks.
    if !skip_browser {
        setup::browser()?;
    }
    step("formatting", || run(cargo().args(["fmt", "--all", "--check"])))?;
    step("licences", licences::check)?;
    let dist = root().join("dist");
    let page = PageBuild::start(&dist)?;
    step("lints, native", || clippy(&["--workspace", "--all-targets"]))?;
    step("lints, wasm32", || clippy(&["--package", "converge", "--lib", "--target", WASM]))?;
    step("lints of the JavaScript module, wasm32", || {
        clippy(&["--package", "converge-js", "--lib", "--target", WASM])
    })?;
    // The benchmarks have no tests. This program is tested by itself: together with the others, its dependencies would be
    // compiled again with other features.
    step("tests, native debug", || {
        native_tests(&["--package", "converge", "--package", "converge-js"])?;
        native_tests(&["--package", "xtask"])
    })?;
    step("documentation", || {
        run(cargo().args(["doc", "--no-deps", "--package", "converge", "--quiet"]).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("digests, native release", || {
        run(cargo().args(["test", "--profile", "digests", "--locked", "--package", "converge", "--test", "digests"]))
    })?;
    step("the page and its size", || page.finish())?;
    if skip_browser {
        println!("\nThe browser tests were skipped.");
        return Ok(());
    }
    step("tests, real browser", || {
        run(cargo().args(["test", "--locked", "--package", "browser-tests", "--tests"]).env("CONVERGE_DIST", &dist))
    })
}

/// Runs benchmarks: all, or those with the given names.
///
/// # Errors
/// A benchmark does not build, or fails.
pub fn bench(names: &[String]) -> Result<()> {
    run(cargo().args(["run", "--release", "--locked", "--package", "converge-bench", "--"]).args(names))
}

/// A build of the page in a separate process. It has its own build folder, so it runs at the same time as other checks.
struct PageBuild {
    process: Child,
    output: PathBuf,
}

impl PageBuild {
    fn start(out: &Path) -> Result<PageBuild> {
        let output = root().join("target/page-build.txt");
        let program = std::env::current_exe().map_err(|error| format!("this program's path: {error}"))?;
        let file = File::create(&output).map_err(|error| format!("{}: {error}", output.display()))?;
        let errors = file.try_clone().map_err(|error| format!("{}: {error}", output.display()))?;
        let mut command = Command::new(program);
        command.arg("build").arg("--out").arg(out).stdout(file).stderr(errors);
        let process = command.spawn().map_err(|error| format!("building the page: {error}"))?;
        println!("\nBuilding the page in the background.");
        Ok(PageBuild { process, output })
    }

    /// Waits for the build, and prints its output.
    fn finish(mut self) -> Result<()> {
        let status = self.process.wait().map_err(|error| format!("building the page: {error}"))?;
        print!("{}", fs::read_to_string(&self.output).unwrap_or_default());
        if status.success() { Ok(()) } else { Err("the page was not built; the output above states why".into()) }
    }
}

impl Drop for PageBuild {
    /// Ends the build when another check has failed.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn step(name: &str, check: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let start = Instant::now();
    check().map_err(|error| format!("{name}: {error}"))?;
    println!("== {name}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn clippy(arguments: &[&str]) -> Result<()> {
    run(cargo().args(["clippy", "--quiet", "--locked"]).args(arguments).args(["--", "-D", "warnings"]))
}

/// Runs tests with cargo-nextest if it is installed, otherwise with `cargo test`.
fn native_tests(arguments: &[&str]) -> Result<()> {
    let nextest =
        Command::new("cargo").args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if nextest.is_ok_and(|status| status.success()) {
        run(cargo().args(["nextest", "run", "--locked", "--status-level", "fail"]).args(arguments))
    } else {
        run(cargo().args(["test", "--locked", "--lib", "--bins", "--tests"]).args(arguments))
    }
}
