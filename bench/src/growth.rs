//! Costs that must not grow: of an event with the number of messages in flight (at 100,000 at most 3 times that at 1,000; the
//! scenario is the same, only the latency of its messages differs), of placing a card with the number of cards, and of an update
//! with the number of updates that a copy misses until it catches up with them (at 10,000 at most 3 times that at 1,000), and of
//! an event with the number of events at one instant, each of which leaves a timer.

use converge::app::layout::{self, Card};
use converge::engine::Engine;
use converge::scenario::{Scenario, link};
use converge::session::Run;
use converge::trace::Level;
use converge_bench::crowd;
use std::time::Instant;

/// The largest accepted ratio between the two costs.
const MAX_RATIO: f64 = 3.0;
/// Writes a second of each of the ten publishers. A write is 42 messages.
const WRITES: f64 = 24.0;
/// Latencies at which about 1,000 and 100,000 messages are in flight, ms.
const LATENCIES: [f64; 2] = [100.0, 10_000.0];
/// Events that are timed.
const EVENTS: u64 = 300_000;
const REPETITIONS: usize = 3;
/// Numbers of cards to place, and of updates to catch up with.
const CARDS: [usize; 2] = [1_000, 10_000];
/// Numbers of events at one instant.
const EVENTS_AT_ONE_INSTANT: [usize; 2] = [30_000, 300_000];

/// Measures nanoseconds an event and the messages in flight, for a latency in ms.
type Measure = fn(f64) -> (f64, u64);

/// Measures the engine alone.
fn engine(latency_ms: f64) -> (f64, u64) {
    let scenario = crowd::scenario(WRITES, latency_ms, 1e6);
    let mut engine = Engine::new(&scenario, Level::Full);
    engine.run_until(warm_up(latency_ms), u64::MAX);
    let in_flight = engine.messages().in_flight;
    let start = Instant::now();
    engine.run_until(u64::MAX, EVENTS);
    (start.elapsed().as_secs_f64() * 1e9 / EVENTS as f64, in_flight)
}

/// Measures the engine with the analysis.
fn analysed(latency_ms: f64) -> (f64, u64) {
    let scenario = crowd::scenario(WRITES, latency_ms, 1e6);
    let mut run = Run::new(&scenario);
    run.advance(warm_up(latency_ms), u64::MAX, &mut |_, _, _| {});
    let in_flight = run.engine().messages().in_flight;
    let start = Instant::now();
    run.advance(u64::MAX, EVENTS, &mut |_, _, _| {});
    (start.elapsed().as_secs_f64() * 1e9 / EVENTS as f64, in_flight)
}

/// Measures nanoseconds a card for placing cards without positions, linked at random.
fn placing(count: usize) -> f64 {
    let cards = vec![Card { w: 200.0, h: 100.0, wanted: None }; count];
    let edges: Vec<(usize, usize)> = (0..3 * count).map(|i| (i * 7919 % count, i * 104_729 % count)).collect();
    let start = Instant::now();
    let placed = layout::free(&cards, &edges);
    assert_eq!(placed.len(), count);
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

/// Measures nanoseconds an update for a copy that misses all updates, and then catches up with them.
fn catching_up(count: usize) -> f64 {
    let end = count as f64 / 10.0;
    let scenario = serde_json::json!({
        "converge": 1,
        "until_ms": end + 4_000.0,
        "default_latency": { "constant": { "ms": 1.0 } },
        "services": [
            { "id": "writer", "queue": 100_000, "publishes": [{ "to": "bus" }] },
            { "id": "view", "queue": 100_000, "subscribes": [{ "to": "bus", "max_in_flight": 100_000, "ack_deadline_ms": 1e6 }] },
        ],
        "buses": [{ "id": "bus" }],
        "clients": [{ "id": "client", "target": "writer", "timeout_ms": 1e6, "generate": {
            "arrivals": { "poisson": { "per_second": 10_000.0 } }, "keys": { "one": { "key": "x" } }, "read_share": 0.0, "until_ms": end } }],
        "script": [
            { "at_ms": 0, "do": { "pause": { "node": "view" } } },
            { "at_ms": end + 100.0, "do": { "resume": { "node": "view" } } },
        ],
    });
    let scenario = Scenario::from_json(&scenario.to_string()).expect("a valid scenario");
    let start = Instant::now();
    let mut run = Run::new(&scenario);
    run.complete(u64::MAX);
    assert!(run.analysis().staleness.stale() == 0 && run.engine().halt().is_none(), "the copy catches up");
    let acknowledged = run.analysis().staleness.acknowledged() as f64;
    // A writer or a consumer whose queue were too short would refuse most, and the cost would be that of the refusals.
    assert!((acknowledged / count as f64 - 1.0).abs() < 0.2, "{acknowledged} updates in place of about {count}");
    start.elapsed().as_secs_f64() * 1e9 / acknowledged
}

/// Measures nanoseconds an event for calls without latency: each leaves a timeout that waits.
fn events_at_one_instant(count: usize) -> f64 {
    let text = include_str!("../../tests/outside/hostile/closed0.link");
    let scenario = link::decode(text.trim()).expect("a valid link").scenario;
    let mut engine = Engine::new(&scenario, Level::Full);
    let start = Instant::now();
    engine.run_until(u64::MAX, count as u64);
    assert_eq!(engine.events(), count as u64, "the calls never end");
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

/// The time, µs, after which as many messages arrive as are sent: a write causes up to 5 messages in sequence.
fn warm_up(latency_ms: f64) -> u64 {
    (latency_ms * 6.0 * 1000.0) as u64
}

/// Prints the cost of one of few and of one of many. Panics if it grows by more than the accepted ratio.
fn check_growth(what: &str, unit: &str, counts: [usize; 2], measure: fn(usize) -> f64) {
    let [few, many] = counts.map(|count| {
        let best = (0..REPETITIONS).map(|_| measure(count)).fold(f64::INFINITY, f64::min);
        println!("growth: {what} {count} {unit}s: {best:.0} ns each, best of {REPETITIONS}");
        best
    });
    println!("  ratio {:.2}, at most {MAX_RATIO}", many / few);
    assert!(many / few <= MAX_RATIO, "{what}: the cost of one {unit} grows by a factor of {:.2}", many / few);
}

/// Prints the costs. Panics if they grow by more than the accepted ratio.
pub fn run() {
    check_growth("placing", "card", CARDS, placing);
    check_growth("catching up with", "update", CARDS, catching_up);
    check_growth("calls without latency:", "event", EVENTS_AT_ONE_INSTANT, events_at_one_instant);
    println!("growth: cost of an event by messages in flight, best of {REPETITIONS}");
    let measurements: [(&str, Measure); 2] = [("engine", engine), ("engine and analysis", analysed)];
    for (name, measure) in measurements {
        let [few, many] = LATENCIES.map(|latency_ms| {
            let best = (0..REPETITIONS).map(|_| measure(latency_ms)).min_by(|a, b| a.0.total_cmp(&b.0));
            let (cost, in_flight) = best.expect("at least one repetition");
            println!("  {name}, {in_flight} messages in flight: {cost:.0} ns an event");
            (cost, in_flight)
        });
        assert!(few.1 > 500 && many.1 > 80_000, "the scenario has too few messages in flight");
        let ratio = many.0 / few.0;
        println!("  {name}: ratio {ratio:.2}, at most {MAX_RATIO}");
        assert!(ratio <= MAX_RATIO, "{name}: the cost of an event grows by a factor of {ratio:.2}");
    }
}
