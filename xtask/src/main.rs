//! `cargo xtask serve | build | package | test | bench | fuzz`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use xtask::{Result, build, fuzz, package, serve, test};

const HELP: &str = "\
cargo xtask serve [--port N] [--open]   build the page and serve it on 127.0.0.1
cargo xtask build [--out FOLDER]        build the page and the JavaScript module into a folder (default: dist)
cargo xtask package [--out FOLDER]      build the page and pack it: converge.zip, converge.html, npm/ (default: target/package)
cargo xtask test [--skip-browser]       run all checks: formatting, licences, lints, tests, size of the page, browser
cargo xtask bench [NAME...]             run benchmarks: checking embeds forwarding growth memory page react-flow replication run seek wasm
cargo xtask fuzz [TARGET...] [--inputs N] [--seed S]
                                        check random inputs, 10 million for each target: links scenarios messages histories lessons";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let mut rest = arguments.iter().map(String::as_str);
    let command = rest.next().unwrap_or("--help");
    let (mut port, mut open, mut out, mut skip_browser, mut names) = (None, false, None, false, Vec::new());
    while let Some(argument) = rest.next() {
        match (command, argument) {
            ("serve", "--open") => open = true,
            ("serve", "--port") => {
                let text = rest.next().unwrap_or_default();
                port = Some(
                    text.parse().map_err(|_| format!("--port: a number from 0 to 65535 is expected, not `{text}`"))?,
                );
            }
            ("build" | "package", "--out") => {
                out = Some(PathBuf::from(rest.next().ok_or("--out: a folder is expected")?))
            }
            ("test", "--skip-browser") => skip_browser = true,
            ("fuzz", argument) => names.push(argument.to_string()),
            ("bench", name) if !name.starts_with('-') => names.push(name.to_string()),
            _ => return Err(format!("{command} has no option `{argument}`\n\n{HELP}")),
        }
    }
    match command {
        "serve" => serve::command(port, open),
        "build" => build::page(&out.unwrap_or_else(|| xtask::root().join("dist")))?.check(),
        "package" => {
            let page = xtask::root().join("dist");
            build::page(&page)?;
            package::package(&page, &out.unwrap_or_else(|| xtask::root().join("target/package"))).map(|_| ())
        }
        "test" => test::run_all_checks(skip_browser),
        "bench" => test::bench(&names),
        "fuzz" => fuzz::command(&names),
        "-h" | "--help" | "help" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no command `{other}`\n\n{HELP}")),
    }
}
