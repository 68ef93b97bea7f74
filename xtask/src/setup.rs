//! Installs what a fresh machine lacks: the wasm target, rustfmt and clippy, browsers.

use crate::{Result, run};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The compilation target of the page.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Debian's compiler for web applications, with the source of the standard library.
const DEBIAN_PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];

/// The compiler that builds the page on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WasmCompiler {
    /// The Rust toolchain in use, which has the wasm target installed.
    Toolchain,
    /// Debian's `rustc-web`, which compiles the standard library from source. Used where rustup cannot download
    /// the target.
    Debian,
}

/// Returns whether a program can be started and exits with success.
fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    output.is_ok_and(|status| status.success())
}

/// Returns whether the Rust toolchain has the standard library for wasm.
fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", WASM]).output();
    output.is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

/// Returns a compiler for wasm, and installs one if this machine has none.
///
/// # Errors
/// No compiler could be installed. The message names the command that installs one.
pub fn wasm_compiler() -> Result<WasmCompiler> {
    if !has_target() && succeeds("rustup", &["--version"]) {
        println!("Adding the target {WASM} to the Rust toolchain.");
        let _ = run(Command::new("rustup").args(["target", "add", WASM]));
    }
    if has_target() {
        return Ok(WasmCompiler::Toolchain);
    }
    let is_installed = Path::new("/usr/lib/rustlib/src").is_dir() && Path::new("/usr/bin/cargo").exists();
    if is_installed || install(&DEBIAN_PACKAGES).is_ok() {
        return Ok(WasmCompiler::Debian);
    }
    Err(format!(
        "this machine has no compiler for wasm: run `rustup target add {WASM}`, \
         or as root `apt-get install --no-install-recommends {}`",
        DEBIAN_PACKAGES.join(" ")
    ))
}

/// Adds a component to the Rust toolchain unless `cargo` with the arguments in `probe` already succeeds.
///
/// # Errors
/// rustup could not add the component.
pub fn component(name: &str, probe: &[&str]) -> Result<()> {
    if succeeds("cargo", probe) {
        return Ok(());
    }
    run(Command::new("rustup").args(["component", "add", name]))
        .map_err(|_| format!("{name} is missing: run `rustup component add {name}`"))
}

/// Finds the first of several programs on the PATH.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}

/// A browser and its driver.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The Chromium executable.
    pub chromium: PathBuf,
    /// The ChromeDriver executable.
    pub driver: PathBuf,
}

fn installed_browser() -> Option<Browser> {
    let chromium = find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?;
    Some(Browser { chromium, driver: find(&["chromedriver"])? })
}

/// Returns Chromium and ChromeDriver, and installs them if this machine has none.
///
/// # Errors
/// They could not be installed. The message names the command that installs them.
pub fn browser() -> Result<Browser> {
    if let Some(browser) = installed_browser() {
        return Ok(browser);
    }
    let packages = ["chromium", "chromium-driver"];
    let installed = install(&packages);
    installed_browser().ok_or_else(|| {
        let cause = installed.err().map(|error| format!(" ({error})")).unwrap_or_default();
        format!(
            "the browser tests need Chromium and ChromeDriver{cause}: as root `apt-get install {}`",
            packages.join(" ")
        )
    })
}

/// Returns Firefox, and installs it if this machine has none.
///
/// # Errors
/// It could not be installed. The message names the command that installs it.
pub fn firefox() -> Result<PathBuf> {
    let names = ["firefox-esr", "firefox"];
    if let Some(firefox) = find(&names) {
        return Ok(firefox);
    }
    let installed = install(&names[..1]);
    find(&names).ok_or_else(|| {
        let cause = installed.err().map(|error| format!(" ({error})")).unwrap_or_default();
        format!("the browser tests need Firefox{cause}: as root `apt-get install {}`", names[0])
    })
}

/// Returns whether this machine can install Debian packages: it has apt-get, and the user is root.
pub fn can_install() -> bool {
    let user = Command::new("id").arg("-u").output();
    let is_root = user.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0");
    is_root && succeeds("apt-get", &["--version"])
}

/// Installs Debian packages.
fn install(packages: &[&str]) -> Result<()> {
    if !succeeds("apt-get", &["--version"]) {
        return Err("apt-get is not available".into());
    }
    println!("Installing {} with apt-get.", packages.join(" "));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command
    };
    run(apt().args(["update", "-q"]))?;
    run(apt().args(["install", "-y", "-q", "--no-install-recommends"]).args(packages))
}
