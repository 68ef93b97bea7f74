//! Simulates a scenario, message by message: time, chance, queue, network, services, buses, clients, faults.
//!
//! Pure: no clock, no ambient randomness, no browser. [`Engine::new`] takes a validated scenario; each
//! [`Engine::step`] takes the next thing due, hands it to the node that it is for, and performs what that
//! node's handler left in its outbox. Everything observable goes into the [`Trace`]. A clone of an
//! engine is a snapshot: it goes on exactly as the original would.
//!
//! To add a kind of node or a protocol: one file with its handler, one variant of [`Node`].

mod build;
mod bus;
mod chance;
mod client;
mod commands;
mod message;
mod network;
mod outbox;
mod queue;
mod relay;
mod service;
mod store;

pub use bus::EventCounts;
pub use chance::{Sampler, Stream};
pub use commands::CommandRefused;
pub use network::MessageCounts;

use crate::scenario::{Command, Micros};
use crate::trace::{Fact, Level, Names, NodeId, Trace};
use bus::Bus;
use client::Client;
use message::{LinkId, Payload};
use network::{Departure, Network};
use outbox::{Effect, Outbox};
use queue::{Class, Due, Queue, Timer};
use relay::Relay;
use service::Service;
use std::sync::Arc;

/// More messages than this under way stop a run: no scenario may eat a page's memory.
pub const MOST_IN_FLIGHT: u64 = 1_000_000;

/// A node at run time.
#[derive(Clone, Debug)]
enum Node {
    Service(Box<Service>),
    Bus(Box<Bus>),
    Client(Box<Client>),
    Relay(Relay),
}

impl Node {
    #[inline]
    fn is_up(&self) -> bool {
        match self {
            Node::Service(service) => service.is_up(),
            Node::Bus(_) | Node::Client(_) | Node::Relay(_) => true,
        }
    }
}

/// Why a run cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// More than [`MOST_IN_FLIGHT`] messages are under way.
    TooManyMessages,
}

/// A scenario being simulated.
#[derive(Clone, Debug)]
pub struct Engine {
    now: Micros,
    events: u64,
    queue: Queue,
    network: Network,
    nodes: Vec<Node>,
    /// For each link, the one in the other direction.
    back: Arc<Vec<Option<LinkId>>>,
    commands: Vec<Command>,
    outbox: Outbox,
    trace: Trace,
    halt: Option<Halt>,
    /// The command that was carried out last.
    last_command: Option<u32>,
}

impl Engine {
    fn assemble(network: Network, nodes: Vec<Node>, names: Names, level: Level) -> Self {
        let back = network.links().iter().map(|link| network.find(link.to, link.from)).collect();
        let trace = Trace::new(level);
        Engine {
            now: 0,
            events: 0,
            queue: Queue::default(),
            network,
            nodes,
            back: Arc::new(back),
            commands: Vec::new(),
            outbox: Outbox::new(names, trace.is_on()),
            trace,
            halt: None,
            last_command: None,
        }
    }

    /// Relays that pass tokens on over links of exponential delay: the message-forwarding load of the
    /// benchmarks. Each relay is linked to every other; `tokens` are under way at any time.
    pub fn relays(relays: u32, tokens: u32, mean_ms: f64, seed: u64, level: Level) -> Self {
        build::relays(relays, tokens, mean_ms, seed, level)
    }

    /// Virtual time.
    #[inline]
    pub fn now(&self) -> Micros {
        self.now
    }

    /// How many events have happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// When the next event is due; none if nothing will happen any more.
    #[inline]
    pub fn next_at(&self) -> Option<Micros> {
        if self.halt.is_some() { None } else { self.queue.next_at() }
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Nodes, keys and subscriptions of the run.
    pub fn names(&self) -> &Names {
        &self.outbox.names
    }

    /// Why the run cannot go on, if it cannot.
    pub fn halt(&self) -> Option<Halt> {
        self.halt
    }

    /// How many messages there were, and what became of them.
    pub fn messages(&self) -> MessageCounts {
        self.network.counts()
    }

    /// What became of each bus's events.
    pub fn bus_events(&self) -> impl Iterator<Item = EventCounts> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Bus(bus) => Some(bus.counts()),
            Node::Service(_) | Node::Client(_) | Node::Relay(_) => None,
        })
    }

    /// What a service is at: (workers busy, work waiting, blocking calls not answered yet).
    pub fn load(&self, node: NodeId) -> (u32, u32, u32) {
        match &self.nodes[node.index()] {
            Node::Service(service) => service.load(),
            Node::Client(client) => (0, 0, client.pending()),
            Node::Bus(_) | Node::Relay(_) => (0, 0, 0),
        }
    }

    /// Takes the next thing due. False if there is none.
    #[inline]
    pub fn step(&mut self) -> bool {
        if self.halt.is_some() {
            return false;
        }
        let Some((at, due)) = self.queue.pop() else { return false };
        debug_assert!(at >= self.now, "nothing is due in the past");
        self.now = at;
        self.events += 1;
        match due {
            Due::Arrival(slot) => self.arrive(slot),
            Due::Timer(node, timer) => self.on_timer(node, timer),
            Due::Command(number) => self.carry_out(number),
        }
        true
    }

    /// Lets everything happen that is due up to `to`, but no more than `budget` events; then the time is
    /// `to`. Returns whether it got there.
    pub fn run_until(&mut self, to: Micros, budget: u64) -> bool {
        for _ in 0..budget {
            match self.next_at() {
                Some(at) if at <= to => {
                    self.step();
                }
                Some(_) | None => {
                    self.now = self.now.max(to);
                    return true;
                }
            }
        }
        let reached = self.next_at().is_none_or(|at| at > to);
        if reached {
            self.now = self.now.max(to);
        }
        reached
    }

    fn arrive(&mut self, slot: u32) {
        let nodes = &self.nodes;
        let (message, fate) = self.network.arrive(slot, |to| nodes[to.index()].is_up());
        if let Err(cause) = fate {
            self.trace.push(self.now, Fact::MessageDropped { message: message.id, cause });
            return;
        }
        if self.trace.is_on() {
            self.trace.push(self.now, Fact::MessageDelivered { message: message.id });
        }
        let node = self.network.link(message.link).to;
        let back = self.back[message.link.0 as usize];
        let (now, out) = (self.now, &mut self.outbox);
        match &mut self.nodes[node.index()] {
            Node::Relay(relay) => relay.on_token(out),
            Node::Service(service) => service.on_message(now, message.payload, back, out),
            Node::Bus(bus) => bus.on_message(now, message.payload, back, out),
            Node::Client(client) => client.on_message(now, message.payload, out),
        }
        self.perform(node);
    }

    fn on_timer(&mut self, node: NodeId, timer: Timer) {
        let (now, out) = (self.now, &mut self.outbox);
        match &mut self.nodes[node.index()] {
            Node::Service(service) => service.on_timer(now, timer, out),
            Node::Bus(bus) => bus.on_timer(now, timer, out),
            Node::Client(client) => client.on_timer(now, timer, out),
            Node::Relay(_) => unreachable!("relays set no timers"),
        }
        self.perform(node);
    }

    /// Performs what a handler left in the outbox, in order.
    #[inline]
    fn perform(&mut self, node: NodeId) {
        let mut effects = std::mem::take(&mut self.outbox.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(link, payload, about) => self.send(link, payload, about),
                Effect::Wake(at, timer) => self.queue.push(at, Class::Timer, Due::Timer(node, timer)),
                Effect::Record(fact) => self.trace.push(self.now, fact),
            }
        }
        self.outbox.effects = effects;
    }

    #[inline]
    fn send(&mut self, link: LinkId, payload: Payload, about: message::About) {
        let kind = payload.kind();
        let Departure { id, slot, due } = self.network.send(self.now, link, payload);
        if self.trace.is_on() {
            let (from, to) = (self.network.link(link).from, self.network.link(link).to);
            let message::About { update, operation, attempt } = about;
            let fact = Fact::MessageSent { message: id, from, to, kind, update, operation, attempt, due };
            self.trace.push(self.now, fact);
        }
        self.queue.push(due, Class::Arrival, Due::Arrival(slot));
        if let Some(copy) = self.network.duplicate(self.now, slot) {
            let fact = Fact::MessageDuplicated { message: id, copy: copy.id, due: copy.due };
            self.trace.push(self.now, fact);
            self.queue.push(copy.due, Class::Arrival, Due::Arrival(copy.slot));
        }
        if self.network.counts().in_flight > MOST_IN_FLIGHT {
            self.halt = Some(Halt::TooManyMessages);
        }
    }
}
