//! Simulates a scenario, message by message: time, chance, queue, network, services, buses, clients, faults.
//!
//! Pure: no clock, no ambient randomness, no browser. [`Engine::new`] takes a validated scenario; each
//! [`Engine::step`] takes the next thing due, and hands it to the node that it is for, whose handler acts
//! through its outbox alone. Everything observable goes into the [`Trace`]. A clone of an
//! engine is a snapshot: it goes on exactly as the original would.
//!
//! To add a kind of node or a protocol: one file with its handler, one variant of `Node`.

mod backoff;
mod build;
mod bus;
mod client;
mod commands;
mod consumer;
mod context;
mod faults;
mod inbox;
mod link;
mod message;
mod network;
mod partition_reader;
mod publishing;
mod queue;
mod random;
mod replica;
mod service;
mod store;
mod worker_pool;

pub use bus::EventCounts;
pub use commands::CommandRefused;
pub use network::MessageCounts;
pub use random::{Sampler, Stream};
pub use replica::RaftView;

use crate::scenario::{Command, Micros};
use crate::trace::{Fact, Level, Names, NodeId, Trace};
use bus::Bus;
use client::Client;
use context::Context;
use message::LinkId;
use network::Network;
use queue::{ScheduledEvent, Timer};
use replica::Replica;
use service::Service;
use std::collections::BTreeMap;
use std::sync::Arc;

/// More messages than this under way stop a run: no scenario may eat a page's memory.
pub const MOST_IN_FLIGHT: u64 = 1_000_000;

/// A node at run time.
#[derive(Clone, Debug)]
enum Node {
    Service(Box<Service>),
    Bus(Box<Bus>),
    Client(Box<Client>),
    Replica(Box<Replica>),
    /// A group has a name and members, and does nothing itself.
    Group,
}

impl Node {
    #[inline]
    fn is_up(&self) -> bool {
        match self {
            Node::Service(service) => service.is_up(),
            Node::Bus(bus) => bus.is_up(),
            Node::Replica(replica) => replica.is_up(),
            Node::Client(_) | Node::Group => true,
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
    events: u64,
    nodes: Vec<Node>,
    /// For each link, the one in the other direction.
    back: Arc<Vec<Option<LinkId>>>,
    commands: Vec<Command>,
    ctx: Context,
    halt: Option<Halt>,
    /// The command that was carried out last.
    last_command: Option<u32>,
    /// Nodes that are held, and what waits for each.
    held: BTreeMap<NodeId, Vec<ScheduledEvent>>,
}

impl Engine {
    fn assemble(network: Network, nodes: Vec<Node>, names: Names, level: Level) -> Self {
        let ends = |(i, link): (usize, &link::Link)| ((link.from, link.to), LinkId(i as u32));
        let mut by_ends: Vec<((NodeId, NodeId), LinkId)> = network.links().iter().enumerate().map(ends).collect();
        by_ends.sort_unstable_by_key(|(ends, _)| *ends);
        let find = |from, to| by_ends.binary_search_by_key(&(from, to), |(ends, _)| *ends).ok().map(|at| by_ends[at].1);
        let back = network.links().iter().map(|link| find(link.to, link.from)).collect();
        Engine {
            events: 0,
            nodes,
            back: Arc::new(back),
            commands: Vec::new(),
            ctx: Context::new(network, names, Trace::new(level)),
            halt: None,
            last_command: None,
            held: BTreeMap::new(),
        }
    }

    /// Virtual time.
    #[inline]
    pub fn now(&self) -> Micros {
        self.ctx.now
    }

    /// How many events have happened.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// When the next event is due; none if nothing will happen any more.
    #[inline]
    pub fn next_at(&self) -> Option<Micros> {
        if self.halt.is_some() { None } else { self.ctx.queue.next_at() }
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.ctx.trace
    }

    /// Lets go of old records, as [`Trace::truncate_to_newest`] does.
    pub fn truncate_to_newest(&mut self, chunks: usize) {
        self.ctx.trace.truncate_to_newest(chunks);
    }

    /// Nodes, keys and subscriptions of the run.
    pub fn names(&self) -> &Names {
        &self.ctx.names
    }

    /// Why the run cannot go on, if it cannot.
    pub fn halt(&self) -> Option<Halt> {
        self.halt
    }

    /// How many messages there were, and what became of them.
    pub fn messages(&self) -> MessageCounts {
        self.ctx.network.counts()
    }

    /// What became of each bus's events.
    pub fn bus_events(&self) -> impl Iterator<Item = EventCounts> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Bus(bus) => Some(bus.counts()),
            Node::Service(_) | Node::Client(_) | Node::Replica(_) | Node::Group => None,
        })
    }

    /// The members of Raft groups, as the five safety properties see them.
    pub fn rafts(&self) -> impl Iterator<Item = (NodeId, RaftView<'_>)> {
        let nodes = (0..).map(NodeId).zip(&self.nodes);
        nodes.filter_map(|(id, node)| match node {
            Node::Replica(replica) => Some((id, replica.raft()?)),
            Node::Service(_) | Node::Bus(_) | Node::Client(_) | Node::Group => None,
        })
    }

    /// What a service is at: (workers busy, work waiting, blocking calls not answered yet).
    pub fn load(&self, node: NodeId) -> (u32, u32, u32) {
        match &self.nodes[node.index()] {
            Node::Service(service) => service.load(),
            Node::Client(client) => client.load(),
            Node::Replica(replica) => replica.load(),
            Node::Bus(_) | Node::Group => (0, 0, 0),
        }
    }

    /// How far the own clock of a group's member is ahead of true time now, µs; negative if it is behind.
    pub fn clock_ahead(&self, node: NodeId) -> i64 {
        match &self.nodes[node.index()] {
            Node::Replica(replica) => replica.clock_ahead(self.now()),
            Node::Service(_) | Node::Client(_) | Node::Bus(_) | Node::Group => 0,
        }
    }

    /// Takes the next thing due. False if there is none.
    #[inline]
    pub fn step(&mut self) -> bool {
        if self.halt.is_some() {
            return false;
        }
        let Some((at, due)) = self.ctx.queue.pop() else { return false };
        debug_assert!(at >= self.ctx.now, "nothing is due in the past");
        self.ctx.now = at;
        self.events += 1;
        if !self.held.is_empty() && self.hold(due) {
            return true;
        }
        match due {
            ScheduledEvent::Arrival(slot) => self.arrive(slot),
            ScheduledEvent::Timer(node, timer) => self.on_timer(node, timer),
            ScheduledEvent::Command(number) => self.execute(number),
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
                    self.ctx.now = self.ctx.now.max(to);
                    return true;
                }
            }
        }
        let reached = self.next_at().is_none_or(|at| at > to);
        if reached {
            self.ctx.now = self.ctx.now.max(to);
        }
        reached
    }

    /// Whether a thing due is for a node that is held; then it waits there.
    fn hold(&mut self, due: ScheduledEvent) -> bool {
        let node = match due {
            ScheduledEvent::Arrival(slot) => self.ctx.network.receiver(slot),
            ScheduledEvent::Timer(node, _) => node,
            ScheduledEvent::Command(_) => return false,
        };
        let Some(waiting) = self.held.get_mut(&node) else { return false };
        waiting.push(due);
        true
    }

    fn arrive(&mut self, slot: u32) {
        let (nodes, ctx) = (&mut self.nodes, &mut self.ctx);
        let (message, fate) = ctx.network.arrive(slot, |to| nodes[to.index()].is_up());
        if let Err(cause) = fate {
            return ctx.record(Fact::MessageDropped { message: message.id, cause });
        }
        ctx.record(Fact::MessageDelivered { message: message.id });
        ctx.node = ctx.network.link(message.link).to;
        let back = self.back.get(message.link.0 as usize).copied().flatten();
        let now = ctx.now;
        match &mut nodes[ctx.node.index()] {
            Node::Service(service) => service.on_message(now, message.payload, back, ctx),
            Node::Bus(bus) => bus.on_message(now, message.payload, back, ctx),
            Node::Client(client) => client.on_message(now, message.payload, back, ctx),
            Node::Replica(replica) => replica.on_message(now, message.payload, back, ctx),
            Node::Group => unreachable!("nothing is sent to a group itself"),
        }
        self.watch_budget();
    }

    fn on_timer(&mut self, node: NodeId, timer: Timer) {
        let ctx = &mut self.ctx;
        ctx.node = node;
        let now = ctx.now;
        match &mut self.nodes[node.index()] {
            Node::Service(service) => service.on_timer(now, timer, ctx),
            Node::Bus(bus) => bus.on_timer(now, timer, ctx),
            Node::Client(client) => client.on_timer(now, timer, ctx),
            Node::Replica(replica) => replica.on_timer(now, timer, ctx),
            Node::Group => unreachable!("a group sets no timers"),
        }
        self.watch_budget();
    }

    #[inline]
    fn watch_budget(&mut self) {
        if self.ctx.network.counts().in_flight > MOST_IN_FLIGHT {
            self.halt = Some(Halt::TooManyMessages);
        }
    }
}
