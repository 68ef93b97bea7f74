//! What a fresh machine lacks: the wasm target, rustfmt and clippy, a browser.

use crate::{Result, run};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The target of the page.
pub const WASM: &str = "wasm32-unknown-unknown";

/// How the page can be compiled on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasmCompiler {
    /// The toolchain at hand has the target, and the standard library's source: it is built again, for size.
    Source,
    /// The toolchain at hand has the target.
    Toolchain,
    /// Debian's `rustc-web` family, which builds its own standard library.
    Debian,
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    output.is_ok_and(|status| status.success())
}

/// A folder that the compiler names.
fn folder(arguments: &[&str]) -> Option<PathBuf> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())).filter(|path| path.is_dir())
}

fn has_target() -> bool {
    folder(&["--print", "target-libdir", "--target", WASM]).is_some()
}

fn has_source() -> bool {
    folder(&["--print", "sysroot"]).is_some_and(|root| root.join("lib/rustlib/src/rust/library/Cargo.lock").is_file())
}

/// Makes sure that something on this machine compiles to wasm.
///
/// # Errors
/// Nothing does, and nothing could be installed; says the one step that is missing.
pub fn wasm_compiler() -> Result<WasmCompiler> {
    let rustup = succeeds("rustup", &["--version"]);
    if !has_target() && rustup {
        println!("adding the target {WASM} to the Rust toolchain");
        let _ = run(Command::new("rustup").args(["target", "add", WASM]));
    }
    if has_target() {
        if !has_source() && rustup {
            println!("adding the standard library's source to the Rust toolchain");
            let _ = run(Command::new("rustup").args(["component", "add", "rust-src"]));
        }
        return Ok(if has_source() { WasmCompiler::Source } else { WasmCompiler::Toolchain });
    }
    let debian = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];
    if Path::new("/usr/lib/rustlib/src").is_dir() && Path::new("/usr/bin/cargo").exists() || install(&debian).is_ok() {
        return Ok(WasmCompiler::Debian);
    }
    Err(format!(
        "nothing on this machine compiles to wasm: run `rustup target add {WASM}`, \
         or as root `apt-get install --no-install-recommends {}`",
        debian.join(" ")
    ))
}

/// Makes sure that the toolchain has a component.
///
/// # Errors
/// It has not, and rustup could not add it.
pub fn component(name: &str, probe: &[&str]) -> Result<()> {
    if succeeds("cargo", probe) {
        return Ok(());
    }
    run(Command::new("rustup").args(["component", "add", name]))
        .map_err(|_| format!("{name} is missing: run `rustup component add {name}`"))
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}

/// Chromium and its driver.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The browser.
    pub chromium: PathBuf,
    /// Its WebDriver server.
    pub driver: PathBuf,
}

fn installed_browser() -> Option<Browser> {
    let chromium = find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])?;
    Some(Browser { chromium, driver: find(&["chromedriver"])? })
}

/// Makes sure that there is a browser for the tests.
///
/// # Errors
/// There is none, and none could be installed; says the one step that is missing.
pub fn browser() -> Result<Browser> {
    if let Some(browser) = installed_browser() {
        return Ok(browser);
    }
    let packages = ["chromium", "chromium-driver"];
    let installed = install(&packages);
    installed_browser().ok_or_else(|| {
        let why = installed.err().map(|error| format!(" ({error})")).unwrap_or_default();
        format!(
            "the browser tests need Chromium and ChromeDriver{why}: as root `apt-get install {}`",
            packages.join(" ")
        )
    })
}

fn install(packages: &[&str]) -> Result<()> {
    if !succeeds("apt-get", &["--version"]) {
        return Err("there is no apt-get here".into());
    }
    println!("installing {}", packages.join(" "));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command
    };
    run(apt().args(["update", "-q"]))?;
    run(apt().args(["install", "-y", "-q", "--no-install-recommends"]).args(packages))
}
