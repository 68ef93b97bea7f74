//! The forwarding load in nexosim 1.0, on one thread. Each service is a model with an output to the next and one to the
//! previous service of its chain. A message's sender schedules the departure to itself after the message's delay. As in the
//! engine, a service waits for the answer to its call with a timeout, and writes its store when it commits; the end of
//! a request's work, which takes no time, is not a separate event here.

use converge_bench::forwarding::{CALL_TIMEOUT_MS, CHAINS, DELAY_MS, KEYS, LENGTH, OPERATION_TIMEOUT_MS, SESSIONS};
use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{EventSource, Output};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static ARRIVED: AtomicU64 = AtomicU64::new(0);

/// A service of a chain, or the client at its head.
#[derive(Default, Serialize, Deserialize)]
struct Node {
    /// The port to the next service; not connected at the last one.
    calls: Output<u64>,
    /// The port to the previous service or the client; not connected at a client.
    replies: Output<u64>,
    is_last: bool,
    is_client: bool,
    random: u64,
    /// Operations issued by a client.
    issued: u64,
    /// Operations whose call is not answered yet.
    waiting: BTreeSet<u64>,
    /// The last operation that wrote each key.
    store: BTreeMap<u64, u64>,
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

    fn delay(&mut self) -> Duration {
        let unit = ((self.bits() >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
        Duration::from_micros((-unit.ln() * DELAY_MS * 1_000.0 + 1.0) as u64)
    }

    fn call(&mut self, operation: u64, context: &Context<Self>) {
        self.waiting.insert(operation);
        let timeout = if self.is_client { OPERATION_TIMEOUT_MS } else { CALL_TIMEOUT_MS };
        let timeout = Duration::from_secs_f64(timeout / 1_000.0);
        context.schedule_event(timeout, schedulable!(Self::on_timeout), operation).expect("a timeout above 0");
        context.schedule_event(self.delay(), schedulable!(Self::send_call), operation).expect("a delay above 0");
    }

    fn commit(&mut self, operation: u64, context: &Context<Self>) {
        self.store.insert(operation % u64::from(KEYS), operation);
        context.schedule_event(self.delay(), schedulable!(Self::send_reply), operation).expect("a delay above 0");
    }

    fn issue(&mut self, context: &Context<Self>) {
        self.issued += 1;
        self.call(self.issued, context);
    }
}

#[Model]
impl Node {
    fn start(&mut self, (): (), context: &Context<Self>) {
        for _ in 0..SESSIONS {
            self.issue(context);
        }
    }

    fn on_call(&mut self, operation: u64, context: &Context<Self>) {
        ARRIVED.fetch_add(1, Ordering::Relaxed);
        if self.is_last {
            self.commit(operation, context);
        } else {
            self.call(operation, context);
        }
    }

    fn on_reply(&mut self, operation: u64, context: &Context<Self>) {
        ARRIVED.fetch_add(1, Ordering::Relaxed);
        if !self.waiting.remove(&operation) {
            return;
        }
        if self.is_client {
            self.issue(context);
        } else {
            self.commit(operation, context);
        }
    }

    #[nexosim(schedulable)]
    fn on_timeout(&mut self, operation: u64) {
        self.waiting.remove(&operation);
    }

    #[nexosim(schedulable)]
    async fn send_call(&mut self, operation: u64) {
        self.calls.send(operation).await;
    }

    #[nexosim(schedulable)]
    async fn send_reply(&mut self, operation: u64) {
        self.replies.send(operation).await;
    }
}

/// Returns the messages that arrive in a second of real time, measured over about `messages` messages.
pub fn run(messages: f64) -> f64 {
    let mut bench = SimInit::with_num_threads(1);
    let mut sources = Vec::new();
    for chain in 0..CHAINS {
        // The client, then the services in their order.
        let mailboxes: Vec<Mailbox<Node>> = (0..=LENGTH).map(|_| Mailbox::with_capacity(256)).collect();
        let mut nodes = Vec::new();
        for index in 0..=LENGTH as usize {
            let random = u64::from(chain) << 32 | index as u64;
            let (is_client, is_last) = (index == 0, index == LENGTH as usize);
            let mut node = Node { is_client, is_last, random, ..Node::default() };
            if !is_last {
                node.calls.connect(Node::on_call, &mailboxes[index + 1]);
            }
            if !is_client {
                node.replies.connect(Node::on_reply, &mailboxes[index - 1]);
            }
            nodes.push(node);
        }
        sources.push(EventSource::new().connect(Node::start, &mailboxes[0]).register(&mut bench));
        for (index, (node, mailbox)) in nodes.into_iter().zip(mailboxes).enumerate() {
            bench = bench.add_model(node, mailbox, &format!("node-{chain}-{index}"));
        }
    }
    let mut simulation = bench.init(MonotonicTime::EPOCH).expect("a valid bench");
    for source in &sources {
        simulation.process_event(source, ()).expect("the clients start");
    }
    let seconds = messages / f64::from(CHAINS * SESSIONS) * DELAY_MS / 1_000.0;
    let before = ARRIVED.load(Ordering::Relaxed);
    let start = Instant::now();
    simulation.step_until(Duration::from_secs_f64(seconds)).expect("the simulation runs");
    let arrived = ARRIVED.load(Ordering::Relaxed) - before;
    arrived as f64 / start.elapsed().as_secs_f64()
}
