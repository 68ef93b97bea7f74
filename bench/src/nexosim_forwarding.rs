//! The same load in nexosim 1.0, on one thread: each node is a model that schedules a message's departure to itself
//! after the delay, and then sends it to a peer.

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSource, Output};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static ARRIVED: AtomicU64 = AtomicU64::new(0);

#[derive(Default, Serialize, Deserialize)]
struct Node {
    peers: Vec<Output<()>>,
    random: u64,
}

impl Node {
    /// SplitMix64.
    fn bits(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[Model]
impl Node {
    fn arrive(&mut self, (): (), context: &Context<Self>) {
        ARRIVED.fetch_add(1, Ordering::Relaxed);
        let unit = ((self.bits() >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
        let delay = Duration::from_micros((-unit.ln() * 10_000.0 + 1.0) as u64);
        let peer = (self.bits() % self.peers.len() as u64) as usize;
        context.schedule_event(delay, schedulable!(Self::depart), peer).expect("a delay above 0");
    }

    #[nexosim(schedulable)]
    async fn depart(&mut self, peer: usize) {
        self.peers[peer].send(()).await;
    }
}

/// Messages that arrive in a second of true time.
pub fn run(nodes: u32, messages: u32) -> f64 {
    let mailboxes: Vec<Mailbox<Node>> = (0..nodes).map(|_| Mailbox::with_capacity(256)).collect();
    let mut bench = SimInit::with_num_threads(1);
    let mut sources = Vec::new();
    let mut models = Vec::new();
    for i in 0..nodes {
        let mut node = Node { peers: Vec::new(), random: u64::from(i) };
        // The peers of the engine's relays: at distances 1, 2, 4 and so on.
        for distance in (0..).map(|power| 1 << power).take_while(|distance| *distance < nodes) {
            let mut output = Output::default();
            output.connect(Node::arrive, &mailboxes[((i + distance) % nodes) as usize]);
            node.peers.push(output);
        }
        sources.push(EventSource::new().connect(Node::arrive, &mailboxes[i as usize]).register(&mut bench));
        models.push(node);
    }
    for (i, (node, mailbox)) in models.into_iter().zip(mailboxes).enumerate() {
        bench = bench.add_model(node, mailbox, &format!("node-{i}"));
    }
    let mut simulation = bench.init(MonotonicTime::EPOCH).expect("a sound bench");
    for message in 0..messages {
        simulation.process_event(&sources[(message % nodes) as usize], ()).expect("it starts");
    }
    let before = ARRIVED.load(Ordering::Relaxed);
    let start = Instant::now();
    simulation.step_until(Duration::from_secs(10)).expect("it runs");
    let arrived = ARRIVED.load(Ordering::Relaxed) - before;
    arrived as f64 / start.elapsed().as_secs_f64()
}
