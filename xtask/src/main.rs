//! `cargo xtask serve | build | package | test | bench | fuzz`.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use xtask::{Result, build, fuzz, package, root, serve, test};

/// Builds, serves, tests and measures Converge, and installs what these tasks need.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the page and serve it on 127.0.0.1.
    Serve {
        /// The port; the first free one from 8080 to 8099 unless given.
        #[arg(long)]
        port: Option<u16>,
        /// Open the page in the default browser.
        #[arg(long)]
        open: bool,
    },
    /// Build the page and the JavaScript module into a folder.
    Build {
        /// The folder; `dist` unless given.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Build the page and pack it: converge.zip, converge.html, npm/.
    Package {
        /// The folder; `target/package` unless given.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
    /// Run all checks: formatting, licences, lints, tests, size of the page, browsers.
    Test {
        /// Leave out the tests in browsers.
        #[arg(long)]
        skip_browser: bool,
    },
    /// Run benchmarks.
    Bench {
        /// checking, embeds, forwarding, growth, memory, page, react-flow, replication, run, seek, wasm; all unless given.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Check random inputs.
    Fuzz {
        /// links, scenarios, messages, histories, lessons; all unless given.
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// The number of inputs for each target; 10 million unless given.
        #[arg(long, value_name = "N")]
        inputs: Option<u64>,
        /// Determines all inputs; the time unless given.
        #[arg(long, value_name = "S")]
        seed: Option<u64>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let page = root().join("dist");
    match task {
        Task::Serve { port, open } => serve::command(port, open),
        Task::Build { out } => build::page(&out.unwrap_or(page))?.check(),
        Task::Package { out } => {
            build::page(&page)?;
            package::package(&page, &out.unwrap_or_else(|| root().join("target/package"))).map(|_| ())
        }
        Task::Test { skip_browser } => test::run_all_checks(skip_browser),
        Task::Bench { names } => test::bench(&names),
        Task::Fuzz { targets, inputs, seed } => fuzz::command(targets, inputs, seed),
    }
}
