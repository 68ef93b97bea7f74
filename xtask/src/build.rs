//! Builds the page: the wasm files, their JavaScript bindings and the static files.

use crate::setup::{WASM, WasmCompiler, wasm_compiler};
use crate::weight::Weight;
use crate::{Result, cargo, layout, package, root, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use wasm_bindgen_cli_support::Bindgen;

/// The style sheets that the first load contains. They are delivered without their comments.
const STYLE_SHEETS: [&str; 2] = ["style.css", "canvas.css"];

/// Builds the page into a folder that any host can serve from any subfolder. Returns the page's size.
///
/// # Errors
/// The compiler is missing, or the code does not compile.
pub fn page(out: &Path) -> Result<Weight> {
    println!("Compiling the page, and the engine as a JavaScript module, for wasm.");
    // One processor optimises one crate as a whole for most of the time, so both are compiled at the same time.
    let (wasm, engine_wasm) = std::thread::scope(|scope| {
        let engine = scope.spawn(|| compile("converge-js", Some("engine"), &[], &[]));
        let page = compile("converge", None, &[], &SPLITTABLE);
        (page, engine.join().unwrap_or_else(|_| Err("the compilation of the engine stopped".into())))
    });
    let (wasm, engine_wasm) = (wasm?, engine_wasm?);
    let staging = out.with_extension("new");
    let _ = fs::remove_dir_all(&staging);
    let version = staging.join("app.new");
    fs::create_dir_all(&version).map_err(|error| format!("{}: {error}", version.display()))?;
    println!("Splitting off what is loaded on demand, and generating the JavaScript bindings.");
    bind(&split(&wasm, &version)?, "converge", &version)?;
    layout::accept_any_media_type(&version.join("later.js"))?;
    package::write_sandbox_worker(&version)?;
    engine(&engine_wasm, &staging)?;
    copy(&root().join("www"), &staging)?;
    for sheet in STYLE_SHEETS {
        let file = staging.join(sheet);
        layout::write(&file, &without_spaces(&without_comments(&layout::read(&file)?)))?;
    }
    for script in [version.join("converge.js"), version.join("later.js"), staging.join("start.js")] {
        layout::write(&script, &without_indents(&layout::read(&script)?))?;
    }
    copy_lessons(&staging.join("lessons"))?;
    copy_file(&root().join("index.html"), &staging.join("index.html"))?;
    layout::arrange(&staging)?;
    let weight = Weight::of(&staging)?;
    // Replaces the previous page only when the new one is complete.
    let _ = fs::remove_dir_all(out);
    fs::rename(&staging, out).map_err(|error| format!("{}: {error}", out.display()))?;
    println!("The page is in {}.", out.display());
    Ok(weight)
}

/// Builds a package's library with the page's profile, and writes its wasm file and bindings to a folder. `options`
/// are passed to cargo.
///
/// # Errors
/// The compiler is missing, or the code does not compile.
pub fn module(package: &str, options: &[String], out: &Path) -> Result<()> {
    bind(&compile(package, None, options, &[])?, &package.replace('-', "_"), out)
}

/// Writes the engine as a JavaScript module with its types.
fn engine(wasm: &Path, page: &Path) -> Result<()> {
    let (files, entry) = (page.join("engine.new"), page.join("engine"));
    for folder in [&files, &entry] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    bind(wasm, "converge", &files)?;
    copy_file(&root().join("js/converge.d.ts"), &entry.join("converge.d.ts"))
}

/// Options of the linker for the splitter, which needs relocations.
const SPLITTABLE: [&str; 1] = ["-Clink-arg=--emit-relocs"];

/// Compiles a package's library for wasm and returns the path of the wasm file. `subfolder` is a build folder inside the
/// usual one, so that two compilations can run at the same time. `options` are passed to cargo, and `rustc_options` to the
/// compiler.
fn compile(package: &str, subfolder: Option<&str>, options: &[String], rustc_options: &[&str]) -> Result<PathBuf> {
    let compiler = wasm_compiler()?;
    let mut command = match compiler {
        WasmCompiler::Toolchain => cargo(),
        WasmCompiler::Debian => {
            let mut command = Command::new("/usr/bin/cargo");
            command.current_dir(root()).env("RUSTC", "/usr/bin/rustc");
            command
        }
    };
    // Only the cdylib: with an rlib beside it, rustc does not optimise across crates.
    command.args(["rustc", "--lib", "--crate-type", "cdylib", "--profile", "web", "--target", WASM]);
    let target_folder = match (compiler, std::env::var_os("CARGO_TARGET_DIR")) {
        (WasmCompiler::Debian, _) => root().join("target/debian"),
        (WasmCompiler::Toolchain, Some(folder)) => root().join(folder),
        (WasmCompiler::Toolchain, None) => root().join("target"),
    };
    let target_folder = subfolder.map_or(target_folder.clone(), |folder| target_folder.join(folder));
    command.arg("--target-dir").arg(&target_folder);
    if compiler == WasmCompiler::Debian {
        command.args(["-Z", "build-std=std,panic_abort"]).env("RUSTC_BOOTSTRAP", "1");
    }
    command.args(["--package", package]).args(options);
    // The features of wasm that the compiler used, which wasm-bindgen must know; the profile strips this section.
    command.args(["--", "-Clink-arg=--keep-section=target_features"]).args(rustc_options);
    run(&mut command)?;
    Ok(target_folder.join(WASM).join("web").join(package.replace('-', "_")).with_extension("wasm"))
}

/// Moves the functions marked with `wasm_split` to separate wasm files in `out`, and writes the script `later.js` that
/// fetches them. Returns the path of the main wasm file.
fn split(wasm: &Path, out: &Path) -> Result<PathBuf> {
    let bytes = fs::read(wasm).map_err(|error| format!("{}: {error}", wasm.display()))?;
    let main = wasm.with_file_name("main").join(wasm.file_name().unwrap_or_default());
    fs::create_dir_all(main.parent().unwrap_or(out)).map_err(|error| format!("{}: {error}", main.display()))?;
    let mut options = wasm_split_cli_support::Options::new(&bytes);
    (options.output_dir, options.main_out_path) = (out, &main);
    let script = format!("./{}.js", wasm.file_stem().unwrap_or_default().to_string_lossy());
    (options.link_name, options.main_module) = ("./later.js", &script);
    wasm_split_cli_support::transform(options).map_err(|error| format!("splitting the wasm file: {error:#}"))?;
    for entry in fs::read_dir(out).map_err(|error| format!("{}: {error}", out.display()))?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "wasm") {
            encode_again(&entry.path())?;
        }
    }
    Ok(main)
}

/// Writes a split wasm file again without the padding of the linker's relocations, and without names. For the main file,
/// the generator of the bindings does this.
fn encode_again(path: &Path) -> Result<()> {
    let mut config = walrus::ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut module = config.parse(&bytes).map_err(|error| format!("{}: {error:#}", path.display()))?;
    fs::write(path, module.emit_wasm()).map_err(|error| format!("{}: {error}", path.display()))
}

/// Generates the JavaScript bindings `NAME.js` of a wasm file, which becomes `NAME_bg.wasm`.
fn bind(wasm: &Path, name: &str, out: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name(name).web(true).map_err(|error| error.to_string())?;
    // `init()` without an address loads the wasm file beside the script.
    bindgen.omit_default_module_path(false);
    // The page's split files call through the main file's function table, which the linker exports.
    bindgen.keep_lld_exports(true);
    bindgen.typescript(false).remove_name_section(true).remove_producers_section(true);
    bindgen.generate(out).map_err(|error| format!("generating the bindings: {error:#}"))
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

/// Copies the files of the lessons. The page reads one when the visitor opens it.
fn copy_lessons(out: &Path) -> Result<()> {
    fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let folder = root().join("src/lessons");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "md") {
            copy_file(&path, &out.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Copies a folder with all that it contains.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
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

/// Returns a style sheet without its comments. Strings keep what looks like a comment.
fn without_comments(css: &str) -> String {
    let mut text = String::new();
    let mut rest = css;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, found) = rest.split_at(at);
        text.push_str(before);
        let end = match &found[..1] {
            "/" if found.starts_with("/*") => {
                rest = found.split_once("*/").map_or("", |(_, after)| after);
                continue;
            }
            "/" => 1,
            quote => found[1..].find(quote).map_or(found.len(), |end| end + 2),
        };
        text.push_str(&found[..end]);
        rest = &found[end..];
    }
    text + rest
}

/// Returns a script without indentation, empty lines, and comments that begin a line. It must have no such lines in strings that
/// matter.
fn without_indents(script: &str) -> String {
    let mut text = String::new();
    let mut in_comment = false;
    for line in script.lines().map(str::trim_start) {
        in_comment |= line.starts_with("/**");
        if !in_comment && !line.is_empty() && !line.starts_with("//") {
            text.push_str(line);
            text.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    text
}

/// Returns a style sheet without the spaces around its braces, semicolons and commas. It must have no such characters in strings.
fn without_spaces(css: &str) -> String {
    let mut text = css.split_whitespace().collect::<Vec<_>>().join(" ");
    for sign in ["{", "}", ";", ","] {
        text = text.replace(&format!(" {sign}"), sign).replace(&format!("{sign} "), sign);
    }
    text.replace(";}", "}") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_is_delivered_without_comments_but_with_strings_that_look_like_them() {
        let css =
            "/* One. */\n\na { b: c; } /* two\n lines */\n  d::before { content: \"/* e */\" / ''; }\n/* not closed";
        assert_eq!(without_comments(css), "\n\na { b: c; } \n  d::before { content: \"/* e */\" / ''; }\n");
    }

    #[test]
    fn a_script_is_delivered_without_indents_and_comments() {
        let script = "/**\n * Starts.\n */\nexport function start() {\n    // One.\n    a(\"b // c\"); // two\n\n}\n/** Ends. */\nd();\n";
        assert_eq!(without_indents(script), "export function start() {\na(\"b // c\"); // two\n}\nd();\n");
    }

    #[test]
    fn spaces_that_separate_words_are_delivered() {
        let css =
            "@media (min-width: 1em) and (min-height: 2em) {\n  a > b, c :is(d, e) { f: calc(1px + 2px) 3px; }\n}\n";
        let delivered = "@media (min-width: 1em) and (min-height: 2em){a > b,c :is(d,e){f: calc(1px + 2px) 3px}}\n";
        assert_eq!(without_spaces(css), delivered);
    }

    #[test]
    fn no_rule_of_the_style_sheets_is_lost_with_the_comments() {
        for sheet in STYLE_SHEETS {
            let css = layout::read(&root().join("www").join(sheet)).expect("a style sheet");
            let delivered = without_comments(&css);
            let braces = |text: &str| text.matches('{').count();
            let in_comments =
                css.split("/*").skip(1).filter_map(|rest| rest.split_once("*/")).map(|(text, _)| braces(text));
            assert_eq!(braces(&delivered) + in_comments.sum::<usize>(), braces(&css), "{sheet}");
            assert!(!delivered.contains("/*") && delivered.len() < css.len(), "{sheet}");
        }
    }
}
