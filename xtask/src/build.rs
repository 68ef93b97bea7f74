//! The page: wasm, bindings, static files, and a check of what a visitor has to load.

use crate::setup::{WASM, WasmCompiler, wasm_compiler};
use crate::{Result, cargo, root, run, slim};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// What the page may weigh in all, gzipped: the build fails over it. What opening the page loads counts; what comes later
/// is in files of its own, fetched when it is first needed.
pub const BUDGET: usize = 300 * 1024;

/// Builds the page into a folder that any host can serve from any subfolder, and returns its weight in
/// bytes, gzipped.
///
/// # Errors
/// Something is missing on this machine, does not compile, or the page weighs too much.
pub fn page(out: &Path) -> Result<usize> {
    let wasm = compile("converge", &[])?;
    let fresh = out.with_extension("new");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).map_err(|error| format!("{}: {error}", fresh.display()))?;
    bind(&split(&wasm, &fresh)?, &fresh)?;
    slim::shorten(&fresh.join("converge_bg.wasm"), &fresh.join("converge.js"))?;
    for later in loaded(&fresh)?.iter().filter(|file| is_later(file)) {
        slim::unname(later)?;
    }
    copy(&root().join("www"), &fresh)?;
    copy_file(&root().join("index.html"), &fresh.join("index.html"))?;
    let weight = weigh(&fresh)?;
    if weight > BUDGET {
        let heavy = format!("the page weighs {weight} bytes gzipped, {} over its budget of {BUDGET}", weight - BUDGET);
        // Without the standard library's source the page is an eighth heavier, through no fault of the change.
        if wasm_compiler()? != WasmCompiler::Toolchain {
            return Err(heavy);
        }
        println!("{heavy}: that is how this machine's compiler builds it");
    }
    // The old page stays in place until the new one is whole.
    let _ = fs::remove_dir_all(out);
    fs::rename(&fresh, out).map_err(|error| format!("{}: {error}", out.display()))?;
    println!("the page is in {}", out.display());
    Ok(weight)
}

/// Builds a package's library as the page is built, and puts its wasm file and bindings into a folder. `options` are for
/// cargo.
///
/// # Errors
/// Something is missing on this machine, or does not compile.
pub fn module(package: &str, options: &[String], out: &Path) -> Result<()> {
    bind(&split(&compile(package, options)?, out)?, out)
}

/// The library as a cdylib alone: beside an rlib the compiler would not optimise across crates, and keep all that is dead.
const COMPILE: [&str; 8] = ["rustc", "--lib", "--crate-type", "cdylib", "--profile", "web", "--target", WASM];

fn compile(package: &str, options: &[String]) -> Result<PathBuf> {
    let compiler = wasm_compiler()?;
    let mut command = match compiler {
        WasmCompiler::Source | WasmCompiler::Toolchain => cargo(),
        WasmCompiler::Debian => {
            let mut command = Command::new("/usr/bin/cargo");
            command.current_dir(root()).env("RUSTC", "/usr/bin/rustc");
            command
        }
    };
    command.args(COMPILE);
    if compiler == WasmCompiler::Debian {
        command.args(["--target-dir", "target/debian"]);
    }
    if compiler != WasmCompiler::Toolchain {
        // The standard library built for size, and panics that end the worker at once without words: a tenth less to
        // load. What a panic would say is told by the same scenario, seed and commands on the command line.
        command.args(["-Z", "build-std=std", "-Z", "build-std-features=optimize_for_size"]);
        command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zunstable-options -Cpanic=immediate-abort");
    }
    command.args(["--package", package]).args(options);
    // Splitting moves functions between files: it needs to know what refers to what.
    command.args(["--", "-Clink-arg=--emit-relocs"]);
    run(&mut command)?;
    let debian = compiler == WasmCompiler::Debian;
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) if !debian => root().join(folder),
        _ => root().join(if debian { "target/debian" } else { "target" }),
    };
    Ok(target.join(WASM).join("web").join(package.replace('-', "_")).with_extension("wasm"))
}

/// Takes out what comes later, each part into a wasm file of its own beside the script that fetches it; returns what is left.
fn split(wasm: &Path, out: &Path) -> Result<PathBuf> {
    let bytes = fs::read(wasm).map_err(|error| format!("{}: {error}", wasm.display()))?;
    let main = wasm.with_file_name("main").join(wasm.file_name().unwrap_or_default());
    fs::create_dir_all(main.parent().unwrap_or(out)).map_err(|error| format!("{}: {error}", main.display()))?;
    let mut options = wasm_split_cli_support::Options::new(&bytes);
    (options.output_dir, options.main_out_path) = (out, &main);
    let script = format!("./{}.js", wasm.file_stem().unwrap_or_default().to_string_lossy());
    (options.link_name, options.main_module) = ("./later.js", &script);
    wasm_split_cli_support::transform(options).map_err(|error| format!("splitting: {error:#}"))?;
    Ok(main)
}

fn bind(wasm: &Path, out: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).web(true).map_err(|error| error.to_string())?;
    // What comes later calls through the first file's table of functions.
    bindgen.keep_lld_exports(true);
    bindgen.typescript(false).remove_name_section(true).remove_producers_section(true);
    bindgen.generate(out).map_err(|error| format!("bindings: {error:#}"))
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let entries = fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))?;
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            copy_file(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Whether a file is fetched when something is first needed.
fn is_later(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".wasm") && (name.starts_with("split_") || name.starts_with("chunk_"))
}

/// The files that opening the page loads, and those that it loads later: all in the folder itself but what only others ask for.
fn loaded(out: &Path) -> Result<Vec<PathBuf>> {
    let apart = ["embed.js", "scenario.schema.json"];
    let entries = fs::read_dir(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.retain(|path| !apart.iter().any(|name| path.ends_with(name)));
    // Bindings may bring small scripts of their own.
    let snippets = out.join("snippets");
    if snippets.is_dir() {
        return Err("the bindings made snippets, which the page's weight does not count: remove what makes them".into());
    }
    files.sort();
    Ok(files)
}

fn weigh(out: &Path) -> Result<usize> {
    let mut total = 0;
    for file in loaded(out)? {
        let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let gzipped = gzip(&bytes).len();
        let later = is_later(&file);
        total += if later { 0 } else { gzipped };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!("{:>9} {:>9} gzipped  {name}{}", bytes.len(), gzipped, if later { ", later" } else { "" });
    }
    println!("{total:>19} gzipped in all; at most {BUDGET}");
    Ok(total)
}

/// The bytes, gzipped as hosts do it.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}
