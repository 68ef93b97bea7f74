//! The speed of the engine in Chromium, compiled with the page's profile, relative to the native engine.

use crate::outcome;
use browser_tests::{Browser, WIDE};
use converge_bench::forwarding::{CHAINS, LENGTH, MESSAGES};
use converge_bench::{Forwarding, Seeds};
use std::path::PathBuf;
use std::time::Instant;
use xtask::serve::Server;

const DELIVERED: u32 = 1_000_000;
/// The environment variable with an optimisation level for the package `converge`, as in `z`, `s` or `3`; by default the
/// page's.
const LEVEL: &str = "CONVERGE_OPT_LEVEL";

fn native(traced: bool) -> f64 {
    let mut forwarding = Forwarding::new(traced);
    let start = Instant::now();
    let delivered = forwarding.run(DELIVERED);
    delivered / start.elapsed().as_secs_f64()
}

fn wasm(browser: &Browser, traced: bool) -> f64 {
    let script = format!(
        "import('/converge_bench.js').then(async bench => {{ \
            await bench.default({{ module_or_path: '/converge_bench_bg.wasm' }}); \
            const forwarding = new bench.Forwarding({traced}); \
            const start = performance.now(); \
            const delivered = forwarding.run({DELIVERED}); \
            const took = performance.now() - start; \
            forwarding.free(); \
            done(delivered / took * 1000); \
        }}).catch(error => done(String(error)))"
    );
    let answer = browser.run_async(&script);
    answer.as_f64().unwrap_or_else(|| panic!("the browser answered {answer}"))
}

const SEEDS: u32 = 1000;

fn native_sweep() -> (f64, f64) {
    let mut seeds = Seeds::new();
    let start = Instant::now();
    let events = seeds.run(SEEDS);
    (f64::from(SEEDS) / start.elapsed().as_secs_f64(), events / f64::from(SEEDS))
}

fn wasm_sweep(browser: &Browser) -> f64 {
    let script = format!(
        "import('/converge_bench.js').then(async bench => {{ \
            await bench.default({{ module_or_path: '/converge_bench_bg.wasm' }}); \
            const seeds = new bench.Seeds(); \
            const start = performance.now(); \
            seeds.run({SEEDS}); \
            const took = performance.now() - start; \
            seeds.free(); \
            done({SEEDS} / took * 1000); \
        }}).catch(error => done(String(error)))"
    );
    let answer = browser.run_async(&script);
    answer.as_f64().unwrap_or_else(|| panic!("the browser answered {answer}"))
}

/// Opens a page next to the benchmarks' module. The caller removes the folder.
pub fn module(level: Option<&str>) -> (Browser, Server, PathBuf) {
    let folder = std::env::temp_dir().join(format!("converge-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let options: Vec<String> = level.iter().flat_map(|level| ["--config".into(), package_level(level)]).collect();
    xtask::build::module("converge-bench", &options, &folder).expect("the benchmark builds for the browser");
    std::fs::write(folder.join("index.html"), "<!doctype html><title>Benchmark</title>").expect("a page");
    let server = Server::start(&folder, 0).expect("a free port");
    let browser = Browser::start_new(WIDE);
    browser.open(&server.address());
    (browser, server, folder)
}

/// Prints the best of several measurements of each load. The loads alternate.
pub fn run() {
    let level = std::env::var(LEVEL).ok();
    let (browser, _server, folder) = module(level.as_deref());
    let mut best = [0f64; 4];
    for _ in 0..5 {
        let figures = [native(false), wasm(&browser, false), native(true), wasm(&browser, true)];
        best = std::array::from_fn(|i| best[i].max(figures[i]));
    }
    let sweeps: Vec<((f64, f64), f64)> = (0..3).map(|_| (native_sweep(), wasm_sweep(&browser))).collect();
    let _ = std::fs::remove_dir_all(&folder);
    let level = level.map_or("with the page's profile".into(), |level| format!("opt-level {level}"));
    let services = CHAINS * LENGTH;
    println!(
        "wasm: {services} services, {MESSAGES} messages in flight; messages delivered a second in Chromium, {level}"
    );
    for (what, pair) in [("trace off", [best[0], best[1]]), ("trace on", [best[2], best[3]])] {
        let ratio = pair[1] / pair[0];
        println!("  {what}: native {:.2} M, wasm {:.2} M", pair[0] / 1e6, pair[1] / 1e6);
        println!("  {what}, wasm / native: {ratio:.2}, target 0.75: {}", outcome(ratio >= 0.75));
    }
    let best = |figure: fn(&((f64, f64), f64)) -> f64| sweeps.iter().map(figure).fold(0.0, f64::max);
    let (native, wasm) = (best(|sweep| sweep.0.0), best(|sweep| sweep.1));
    println!("sweep: {SEEDS} seeds of inventory-notification, {:.0} events each, on one thread", sweeps[0].0.1);
    println!("  runs a second: native {native:.0}, wasm {wasm:.0}, wasm / native {:.2}", wasm / native);
}

fn package_level(level: &str) -> String {
    let level = if level.parse::<u8>().is_ok() { level.to_string() } else { format!("\"{level}\"") };
    format!("profile.web.package.converge.opt-level={level}")
}
