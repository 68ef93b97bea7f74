//! The speed of message forwarding: the engine beside nexosim with models that do the same work, and beside a loop over a
//! binary heap that does no work at all.

use crate::{nexosim_forwarding, outcome};
use converge::engine::Stream;
use converge::trace::Level;
use converge_bench::Forwarding;
use converge_bench::forwarding::{CHAINS, LENGTH, MESSAGES};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

const DELIVERED: u32 = 1_000_000;

/// Messages a second of a loop with a binary heap and a random number generator: one heap entry for each message.
fn heap_loop() -> f64 {
    let nodes = CHAINS * LENGTH;
    let mut stream = Stream::named(1, "bare", "loop");
    let mut heap = BinaryHeap::new();
    let mut sequence = 0u64;
    let mut received = vec![0u64; nodes as usize];
    let delay = |stream: &mut Stream| (-stream.unit().ln() * 10_000.0 + 0.5) as u64;
    for _ in 0..MESSAGES {
        heap.push(Reverse((delay(&mut stream), sequence, stream.below(nodes))));
        sequence += 1;
    }
    let start = Instant::now();
    for _ in 0..DELIVERED {
        let Some(Reverse((now, _, node))) = heap.pop() else { break };
        received[node as usize] += 1;
        heap.push(Reverse((now + delay(&mut stream), sequence, stream.below(nodes))));
        sequence += 1;
    }
    assert_eq!(received.iter().sum::<u64>(), u64::from(DELIVERED));
    f64::from(DELIVERED) / start.elapsed().as_secs_f64()
}

/// Messages delivered a second, and events for each message.
fn engine(level: Level) -> (f64, f64) {
    let mut forwarding = Forwarding::with_level(level);
    let start = Instant::now();
    let delivered = forwarding.run(DELIVERED);
    (delivered / start.elapsed().as_secs_f64(), forwarding.events() as f64 / delivered)
}

/// Prints the best of five measurements of each load. The loads alternate, so a busy moment affects all of them.
pub fn run() {
    let mut best = [0f64; 5];
    let (_, events) = engine(Level::Off);
    for _ in 0..5 {
        let figures = [
            heap_loop(),
            engine(Level::Off).0,
            engine(Level::Digest).0,
            engine(Level::Full).0,
            nexosim_forwarding::run(f64::from(DELIVERED)),
        ];
        best = std::array::from_fn(|i| best[i].max(figures[i]));
    }
    let [bare, off, _, on, nexosim] = best;
    println!(
        "forwarding: {CHAINS} chains of {LENGTH} services, {MESSAGES} messages in flight; messages delivered a second"
    );
    println!("  (in the engine {events:.2} events a message: arrivals, ends of work, timeouts)");
    let names = ["binary heap alone", "engine, trace off", "engine, digest alone", "engine, trace on", "nexosim 1.0"];
    for (name, figure) in names.iter().zip(best) {
        println!("  {name:22} {:8.2} M, {:.2} of the heap alone", figure / 1e6, figure / bare);
    }
    for (what, ratio, target) in [("trace off / nexosim", off / nexosim, 1.0), ("trace on / trace off", on / off, 0.5)]
    {
        println!("  {what}: {ratio:.2}, target {target}: {}", outcome(ratio >= target));
    }
}
