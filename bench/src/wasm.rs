//! The engine in the browser beside the engine natively: the same load, compiled as the page is, in Chromium.

use crate::says;
use browser_tests::{Browser, WIDE};
use converge_bench::{MESSAGES, NODES, Relays};
use std::time::Instant;
use xtask::serve::Server;

const EVENTS: u32 = 4_000_000;
/// The optimisation of converge's own package, if another than the page's: `z`, `s`, `3`.
const LEVEL: &str = "CONVERGE_OPT_LEVEL";

fn native(traced: bool) -> f64 {
    let mut relays = Relays::new(traced);
    let start = Instant::now();
    assert_eq!(relays.run(EVENTS), f64::from(EVENTS));
    f64::from(EVENTS) / start.elapsed().as_secs_f64()
}

fn wasm(browser: &Browser, traced: bool) -> f64 {
    let script = format!(
        "import('/converge_bench.js').then(async bench => {{ \
            await bench.default({{ module_or_path: '/converge_bench_bg.wasm' }}); \
            const relays = new bench.Relays({traced}); \
            const start = performance.now(); \
            const events = relays.run({EVENTS}); \
            const took = performance.now() - start; \
            relays.free(); \
            done(events / took * 1000); \
        }}).catch(error => done(String(error)))"
    );
    let said = browser.later(&script);
    said.as_f64().unwrap_or_else(|| panic!("the browser says {said}"))
}

/// The best of several, in turn.
pub fn run() {
    let folder = std::env::temp_dir().join(format!("converge-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let level = std::env::var(LEVEL).ok();
    let options: Vec<String> = level.iter().flat_map(|level| ["--config".into(), package_level(level)]).collect();
    xtask::build::module("converge-bench", &options, &folder).expect("the benchmark builds for the browser");
    std::fs::write(folder.join("index.html"), "<!doctype html><title>Benchmark</title>").expect("a page");
    let server = Server::start(&folder, 0).expect("a free port");
    let browser = Browser::start(WIDE);
    browser.open(&server.address());
    let mut best = [0f64; 4];
    for _ in 0..5 {
        let figures = [native(false), wasm(&browser, false), native(true), wasm(&browser, true)];
        best = std::array::from_fn(|i| best[i].max(figures[i]));
    }
    let _ = std::fs::remove_dir_all(&folder);
    let level = level.map_or("as the page is compiled".into(), |level| format!("opt-level {level}"));
    println!("wasm: {NODES} nodes, {MESSAGES} messages in flight; messages a second in Chromium, {level}");
    for (what, pair) in [("trace off", [best[0], best[1]]), ("trace on", [best[2], best[3]])] {
        let ratio = pair[1] / pair[0];
        println!("  {what}: native {:.2} M, wasm {:.2} M", pair[0] / 1e6, pair[1] / 1e6);
        println!("  {what}, wasm / native: {ratio:.2}, target 0.75: {}", says(ratio >= 0.75));
    }
}

fn package_level(level: &str) -> String {
    let level = if level.parse::<u8>().is_ok() { level.to_string() } else { format!("\"{level}\"") };
    format!("profile.web.package.converge.opt-level={level}")
}
