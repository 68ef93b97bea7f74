//! Memory of the page and of its worker in Chromium, over ten minutes of virtual time at speed 10.

use crate::outcome;
use browser_tests::{Browser, Site, WIDE};
use converge::scenario::{Arrivals, Keys, Latency, Scenario, Workload, examples};
use converge::session::Run;
use converge::trace::Record;
use serde_json::{Value, json};

/// Keeps a reference to the wasm memory of the page, and lets the worker report the size of its memory.
const WATCH: &str = r"
    const hook = () => {
        for (const name of ['instantiate', 'instantiateStreaming']) {
            const real = WebAssembly[name];
            WebAssembly[name] = async (...given) => {
                const made = await real.apply(WebAssembly, given);
                self.wasm = (made.instance ?? made).exports.memory;
                return made;
            };
        }
    };
    hook();
    const Real = Worker;
    window.Worker = class extends Real {
        constructor(url, options) {
            const text = `(${hook})();
                const line = new BroadcastChannel('memory');
                line.onmessage = () => line.postMessage(self.wasm.buffer.byteLength);
                await import(${JSON.stringify(String(url))});`;
            super(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })), options);
        }
    };";

/// Waits until the clock shows SECONDS, and returns the clock and the bytes of the page's and the worker's wasm memory.
const READ: &str = "
    const line = new BroadcastChannel('memory');
    line.onmessage = event => done([clock(), wasm.buffer.byteLength, event.data]);
    const clock = () => parseFloat(document.querySelector('.transport .clock').textContent);
    const look = () => clock() >= SECONDS ? line.postMessage('?') : setTimeout(look, 100);
    look();";

/// An example with clients that write and read at random.
fn scenario() -> Scenario {
    let mut scenario = examples::find("inventory-orders").expect("the example").scenario();
    scenario.until_ms = 600_000.0;
    scenario.script.clear();
    scenario.promises.clear();
    // The subscription keeps up with the writes, so that only the trace grows.
    for (client, per_second, read_share) in [(0, 4.0, 0.0), (1, 36.0, 1.0)] {
        let client = &mut scenario.clients[client];
        client.script.clear();
        client.generate = Some(Workload {
            arrivals: Arrivals::Poisson { per_second },
            keys: Keys::Uniform { prefix: "order-".into(), count: 6 },
            read_share,
            optimistic: None,
            from_ms: 0.0,
            until_ms: None,
        });
    }
    scenario.default_latency = Latency::Exponential { mean_ms: 20.0 };
    assert_eq!(scenario.validate(), Ok(()), "a valid scenario");
    scenario
}

/// Returns seconds of virtual time, and MB of the page's wasm, of the worker's wasm and of the page's scripts.
fn read(browser: &Browser, seconds: u32) -> [f64; 4] {
    let answer = browser.run_async(&READ.replace("SECONDS", &seconds.to_string()));
    browser.devtools("HeapProfiler.collectGarbage", json!({}));
    let metrics = browser.devtools("Performance.getMetrics", json!({}));
    let heap = metrics["metrics"].as_array().and_then(|all| all.iter().find(|m| m["name"] == "JSHeapUsedSize"));
    let heap = heap.and_then(|metric| metric["value"].as_f64()).unwrap_or_default();
    let mb = |value: &Value| value.as_f64().unwrap_or_default() / 1e6;
    [answer[0].as_f64().unwrap_or_default(), mb(&answer[1]), mb(&answer[2]), heap / 1e6]
}

/// Prints the figures.
pub fn run() {
    let site = Site::start();
    let browser = Browser::start_new(WIDE);
    browser.devtools("Performance.enable", json!({}));
    browser.open(&site.at("icon.svg"));
    browser.run_with("localStorage.setItem('converge.work', arguments[0])", &scenario().to_json());
    browser.before_documents(WATCH);
    browser.open(&site.at("#autoplay=1&speed=10"));
    browser.wait("document.querySelector('.transport .clock')?.textContent");
    println!("memory: inventory-orders with 40 operations a second, ten minutes of virtual time at speed 10");
    println!("  {:>8}  {:>8}  {:>8}  {:>8}   MB of wasm and of scripts", "seconds", "page", "worker", "scripts");
    let rows = [60, 180, 300, 420, 600].map(|seconds| {
        let row = read(&browser, seconds);
        println!("  {:8.1}  {:8.2}  {:8.2}  {:8.2}", row[0], row[1], row[2], row[3]);
        row
    });
    let [first, .., last] = rows;
    for (what, i) in [("page", 1), ("worker", 2)] {
        let growth = last[i] - first[i];
        println!("  {what}, growth after the first minute: {growth:.2} MB, target 0: {}", outcome(growth <= 0.0));
    }
    let traces = [60, 600].map(|seconds| {
        let mut run = Run::new(&scenario());
        run.advance(seconds * 1_000_000, u64::MAX, &mut |_, _, _| {});
        let trace = run.engine().trace();
        ((trace.total() - trace.oldest()) as usize * size_of::<Record>()) as f64 / 1e6
    });
    println!("  {:.2} MB of the worker's growth are the trace, which has at most 2^19 records", traces[1] - traces[0]);
}
