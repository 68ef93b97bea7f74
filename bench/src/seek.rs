//! Duration of seeks to random times of a run of a million events, natively and in Chromium, and the memory of the
//! snapshots that make them fast.

use crate::{outcome, wasm};
use converge_bench::Seeks;
use std::time::Instant;

const EVENTS: u32 = 1_000_000;
const TIMES: usize = 60;
/// The longest accepted seek, ms.
const TARGET: f64 = 100.0;

fn print(name: &str, mut durations: Vec<f64>) {
    durations.sort_by(f64::total_cmp);
    let longest = durations[durations.len() - 1];
    println!(
        "  {name}: median {:.1} ms, longest {longest:.1} ms, target {TARGET:.0} ms: {}",
        durations[durations.len() / 2],
        outcome(longest < TARGET)
    );
}

/// Prints the figures.
pub fn run() {
    println!("seek: {TIMES} seeks to random times in a run of {EVENTS} events of 200 services, each with its frame");
    let mut seeks = Seeks::new(EVENTS);
    let durations = (0..TIMES).map(|_| {
        let start = Instant::now();
        seeks.seek();
        start.elapsed().as_secs_f64() * 1e3
    });
    print("native", durations.collect());
    let (browser, _server, folder) = wasm::module(None);
    let script = format!(
        "import('/converge_bench.js').then(async bench => {{ \
            const {{ memory }} = await bench.default({{ module_or_path: '/converge_bench_bg.wasm' }}); \
            const seeks = new bench.Seeks({EVENTS}); \
            const played = memory.buffer.byteLength; \
            const took = []; \
            for (let i = 0; i < {TIMES}; i++) {{ \
                const start = performance.now(); \
                seeks.seek(); \
                took.push(performance.now() - start); \
            }} \
            done([took, played, memory.buffer.byteLength]); \
        }}).catch(error => done(String(error)))"
    );
    let answer = browser.run_async(&script);
    let _ = std::fs::remove_dir_all(&folder);
    let durations = answer[0].as_array().unwrap_or_else(|| panic!("the browser answered {answer}"));
    print("wasm", durations.iter().filter_map(serde_json::Value::as_f64).collect());
    let mb = |at: usize| answer[at].as_f64().unwrap_or_default() / 1e6;
    println!("  wasm: {:.0} MB at the end of the run with its snapshots, {:.0} MB after the seeks", mb(1), mb(2));
}
