//! To stand at any instant of a run of a million events, natively and in Chromium: how long it takes, and how much memory
//! it takes that it is quick.

use crate::{says, wasm};
use converge_bench::Seeks;
use std::time::Instant;

const EVENTS: u32 = 1_000_000;
const TIMES: usize = 60;
/// The longest that a seek may take, ms.
const TARGET: f64 = 100.0;

fn spread(what: &str, mut took: Vec<f64>) {
    took.sort_by(f64::total_cmp);
    let most = took[took.len() - 1];
    println!(
        "  {what}: median {:.1} ms, most {most:.1} ms, target {TARGET:.0} ms: {}",
        took[took.len() / 2],
        says(most < TARGET)
    );
}

/// Prints the figures.
pub fn run() {
    println!("seek: {TIMES} random instants of a run of {EVENTS} events of 200 services, each with its frame");
    let mut seeks = Seeks::new(EVENTS);
    let took = (0..TIMES).map(|_| {
        let start = Instant::now();
        seeks.seek();
        start.elapsed().as_secs_f64() * 1e3
    });
    spread("native", took.collect());
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
    let said = browser.later(&script);
    let _ = std::fs::remove_dir_all(&folder);
    let took = said[0].as_array().unwrap_or_else(|| panic!("the browser says {said}"));
    spread("wasm", took.iter().filter_map(serde_json::Value::as_f64).collect());
    let mb = |at: usize| said[at].as_f64().unwrap_or_default() / 1e6;
    println!("  wasm: {:.0} MB when it was played, snapshots included, {:.0} MB after the seeks", mb(1), mb(2));
}
