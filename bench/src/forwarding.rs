//! Message forwarding: 64 nodes, 1,024 messages in flight, exponential delays. Each message that arrives is
//! passed on to a random node.

use crate::{nexosim_forwarding, says};
use converge::engine::{Engine, Stream};
use converge::trace::Level;
use converge_bench::{MESSAGES, NODES};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

const EVENTS: u64 = 4_000_000;

/// Events a second of the bare loop: a binary heap, a random number generator, nothing else.
fn bare() -> f64 {
    let mut stream = Stream::named(1, "bare", "loop");
    let mut heap = BinaryHeap::new();
    let mut sequence = 0u64;
    let mut received = vec![0u64; NODES as usize];
    let delay = |stream: &mut Stream| (-stream.unit().ln() * 10_000.0 + 0.5) as u64;
    for _ in 0..MESSAGES {
        heap.push(Reverse((delay(&mut stream), sequence, stream.below(NODES))));
        sequence += 1;
    }
    let start = Instant::now();
    for _ in 0..EVENTS {
        let Some(Reverse((now, _, node))) = heap.pop() else { break };
        received[node as usize] += 1;
        heap.push(Reverse((now + delay(&mut stream), sequence, stream.below(NODES))));
        sequence += 1;
    }
    assert_eq!(received.iter().sum::<u64>(), EVENTS);
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

/// Events a second of the engine.
fn engine(level: Level) -> f64 {
    let mut engine = Engine::relays(NODES, MESSAGES, 10.0, 1, level);
    let start = Instant::now();
    engine.run_until(u64::MAX, EVENTS);
    assert_eq!(engine.events(), EVENTS);
    EVENTS as f64 / start.elapsed().as_secs_f64()
}

/// The best of several, in turn, so that a busy moment of the machine does not decide.
pub fn run() {
    let mut best = [0f64; 5];
    for _ in 0..5 {
        let figures = [
            bare(),
            engine(Level::Off),
            engine(Level::Digest),
            engine(Level::Full),
            nexosim_forwarding::run(NODES, MESSAGES),
        ];
        best = std::array::from_fn(|i| best[i].max(figures[i]));
    }
    let [bare, off, _, on, nexosim] = best;
    println!("forwarding: {NODES} nodes, {MESSAGES} messages in flight; messages a second, and beside the bare loop");
    let names =
        ["bare BinaryHeap loop", "engine, trace off", "engine, digest alone", "engine, trace on", "nexosim 1.0"];
    for (name, figure) in names.iter().zip(best) {
        println!("  {name:22} {:8.2} M  {:.2}", figure / 1e6, figure / bare);
    }
    for (what, ratio, target) in [
        ("trace off / bare", off / bare, 0.5),
        ("trace on / bare", on / bare, 0.25),
        ("trace off / nexosim", off / nexosim, 1.0),
    ] {
        println!("  {what}: {ratio:.2}, target {target}: {}", says(ratio >= target));
    }
}
