//! Runs all checks, and the benchmarks.

use crate::setup::{self, WASM};
use crate::{Result, cargo, licences, root, run};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

/// Runs all checks. The tests in browsers run at the same time as the native ones.
///
/// # Errors
/// A check fails. The error names the first one, or all native and browser tests that failed.
pub fn run_all_checks(skip_browser: bool) -> Result<()> {
    setup::component("rustfmt", &["fmt", "--version"])?;
    setup::component("clippy", &["clippy", "--version"])?;
    setup::wasm_compiler()?;
    // A missing browser is reported at the start, not after all other checks. The value states why Firefox is skipped.
    let firefox_skipped = if skip_browser { None } else { browsers()? };
    step("formatting", || run(cargo_once().args(["fmt", "--all", "--check"])))?;
    step("licences", licences::check)?;
    let dist = root().join("dist");
    let page = PageBuild::start(&dist)?;
    step("lints, native", || clippy(&["--workspace", "--all-targets"]))?;
    step("lints, wasm32", || clippy(&["--package", "converge", "--lib", "--target", WASM]))?;
    step("lints of the JavaScript module, wasm32", || {
        clippy(&["--package", "converge-js", "--lib", "--target", WASM])
    })?;
    let browser_programs = step("compiling the tests in browsers", || TestProgram::compile(&IN_BROWSERS))?;
    let is_run = |program: &TestProgram| {
        program.needs_browser() && !skip_browser && (firefox_skipped.is_none() || !program.needs_firefox())
    };
    let browser_programs: Vec<_> = browser_programs.into_iter().filter(is_run).collect();
    // The tests in browsers mostly wait, so the other checks run meanwhile.
    let results = thread::scope(|scope| {
        let in_browsers = scope.spawn(|| test_page(page, &browser_programs, &dist));
        [native_checks(), in_browsers.join().unwrap_or_else(|_| Err("the tests in browsers stopped".into()))]
    });
    if skip_browser {
        println!("\nThe browser tests were skipped.");
    }
    if let Some(reason) = firefox_skipped {
        println!("\nTHE TESTS IN FIREFOX WERE SKIPPED: {reason}");
    }
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// Compiles and runs the checks that need no page.
fn native_checks() -> Result<()> {
    let mut programs = step("compiling the native tests", || TestProgram::compile(&["--lib", "--bins", "--tests"]))?;
    programs.retain(|program| !program.needs_browser());
    step("tests, native debug", || TestProgram::run_all(&programs, |command| Ok(command)))?;
    step("documentation", || {
        run(cargo_once()
            .args(["doc", "--no-deps", "--package", "converge", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    step("digests, native release", || {
        run(cargo_once().args([
            "test",
            "--profile",
            "digests",
            "--locked",
            "--no-default-features",
            "--package",
            "converge",
            "--test",
            "digests",
        ]))
    })
}

/// Waits for the page, and runs the programs that test it in browsers. Their output is printed together at the end.
fn test_page(page: PageBuild, programs: &[TestProgram], dist: &Path) -> Result<()> {
    step("the page and its size", || page.finish())?;
    if programs.is_empty() {
        return Ok(());
    }
    let output = root().join("target/browser-tests.txt");
    let at_output = |error| format!("{}: {error}", output.display());
    File::create(&output).map_err(at_output)?;
    let result = step("tests, real browser", || {
        TestProgram::run_all(programs, |command| {
            let file = File::options().append(true).open(&output).map_err(at_output)?;
            let errors = file.try_clone().map_err(at_output)?;
            Ok(command.env("CONVERGE_DIST", dist).stdout(file).stderr(errors))
        })
    });
    print!("{}", fs::read_to_string(&output).unwrap_or_default());
    result
}

/// Finds or installs the browsers. Returns why the tests in Firefox are skipped, if this machine cannot install Firefox. On a
/// machine that can install packages, a missing Firefox is an error.
fn browsers() -> Result<Option<String>> {
    setup::browser()?;
    match setup::firefox() {
        Ok(_) => Ok(None),
        Err(reason) if setup::can_install() => Err(reason),
        Err(reason) => {
            println!("\nTHE TESTS IN FIREFOX ARE SKIPPED: {reason}");
            Ok(Some(reason))
        }
    }
}

/// The arguments of cargo that select the tests in browsers.
const IN_BROWSERS: [&str; 4] = ["--test", "chromium", "--test", "firefox"];

/// A compiled program of tests.
struct TestProgram {
    file: PathBuf,
    /// The folder of its package, in which it runs.
    package: PathBuf,
}

impl TestProgram {
    /// Compiles the tests that arguments of cargo select. Always names all packages, because cargo would compile common
    /// dependencies again with other features for each package alone. The benchmarks have no tests.
    fn compile(selection: &[&str]) -> Result<Vec<TestProgram>> {
        let packages = ["converge", "converge-js", "converge-fuzz", "xtask", "browser-tests"];
        let mut command = cargo_once();
        command.args(["test", "--no-run", "--locked"]).args(selection);
        command.args(packages.iter().flat_map(|package| ["--package", package]));
        command.args(["--message-format", "json-render-diagnostics"]).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| format!("compiling the tests: {error}"))?;
        if !output.status.success() {
            return Err("they do not compile; the output above states why".into());
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        Ok(messages.lines().filter_map(|line| TestProgram::in_message(&serde_json::from_str(line).ok()?)).collect())
    }

    /// Returns the program of a message of cargo; none if the message is not about a compiled test program.
    fn in_message(message: &serde_json::Value) -> Option<TestProgram> {
        let is_test = message["profile"]["test"] == true;
        let (file, manifest) = (message["executable"].as_str()?, message["manifest_path"].as_str()?);
        is_test.then(|| TestProgram { file: file.into(), package: Path::new(manifest).with_file_name("") })
    }

    fn needs_browser(&self) -> bool {
        self.package.ends_with("tests/browser")
    }

    fn needs_firefox(&self) -> bool {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        self.needs_browser() && name.starts_with("firefox-")
    }

    /// Runs all programs, also after one has failed, and names those that failed. `prepare` completes the command of each.
    fn run_all(programs: &[TestProgram], prepare: impl Fn(&mut Command) -> Result<&mut Command>) -> Result<()> {
        let mut failures = Vec::new();
        for program in programs {
            let mut command = Command::new(&program.file);
            command.current_dir(&program.package).env("CARGO_MANIFEST_DIR", &program.package);
            failures.extend(prepare(&mut command).and_then(run).err());
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
    }
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

fn step<T>(name: &str, check: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n== {name}");
    let start = Instant::now();
    let result = check().map_err(|error| format!("{name}: {error}"))?;
    println!("== {name}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(result)
}

fn clippy(arguments: &[&str]) -> Result<()> {
    run(cargo_once().args(["clippy", "--quiet", "--locked"]).args(arguments).args(["--", "-D", "warnings"]))
}

/// Returns a command for cargo that compiles programs for one run, without debug information and without the state for the next
/// compilation, which would cost a third of the time. Variables of the environment take precedence.
fn cargo_once() -> Command {
    let mut command = cargo();
    for name in ["CARGO_PROFILE_DEV_DEBUG", "CARGO_PROFILE_TEST_DEBUG", "CARGO_INCREMENTAL"] {
        if std::env::var_os(name).is_none() {
            command.env(name, "0");
        }
    }
    command
}
