//! Simulates a scenario, message by message.
//!
//! The engine is deterministic: it uses no clock, no other source of randomness than the scenario's seed, and no browser.
//! [`Engine::new`] takes a validated scenario. Each [`Engine::step`] processes the next scheduled event: it calls the handler
//! of the event's node, which acts only through its `Context`. Everything observable is recorded in the [`Trace`]. A clone of
//! an engine is a snapshot: it continues exactly as the original.
//!
//! To add a kind of node: one file with its handlers, and one variant of `Node`. To add a replication protocol: one file in
//! `replica/`, and one variant of its `ProtocolState`.

mod backoff;
mod build;
mod bus;
mod client;
mod command_refused;
mod commands;
mod consumer;
mod context;
mod faults;
mod halting;
mod inbox;
mod invariants;
mod limits;
mod link;
mod message;
mod network;
mod node;
mod numbering;
mod partition_reader;
mod publishing;
mod queue;
mod random;
mod replica;
mod service;
mod shared_store;
mod store;
mod ties;
mod worker_pool;

pub use bus::EventCounts;
pub use command_refused::CommandRefused;
pub use limits::{Halt, HaltCause, Limits};
pub use network::MessageCounts;
pub use random::{Sampler, Stream};
pub use replica::RaftView;

use crate::scenario::{Command, Micros};
use crate::trace::{DropCause, Fact, Level, Names, NodeId, Trace};
use context::Context;
use litemap::LiteMap;
use message::{About, LinkId, Payload, Presence};
use network::Network;
use node::Node;
use queue::{ScheduledEvent, Timer};
use std::sync::Arc;

/// A simulation of a scenario.
#[derive(Clone, Debug)]
pub struct Engine {
    events: u64,
    /// Events processed at the present instant.
    events_at_instant: u64,
    limits: Limits,
    nodes: Vec<Node>,
    /// The link in the other direction of each link.
    reply_links: Arc<Vec<Option<LinkId>>>,
    commands: Vec<Command>,
    ctx: Context,
    halt: Option<Halt>,
    /// The last command executed.
    last_command: Option<u32>,
    /// Paused nodes, and the events that wait for each.
    paused: LiteMap<NodeId, Vec<ScheduledEvent>>,
}

impl Engine {
    fn assemble(network: Network, nodes: Vec<Node>, names: Names, level: Level) -> Self {
        let ends = |(i, link): (usize, &link::Link)| ((link.from, link.to), LinkId(i as u32));
        let mut by_ends: Vec<((NodeId, NodeId), LinkId)> = network.links().iter().enumerate().map(ends).collect();
        by_ends.sort_unstable_by_key(|(ends, _)| *ends);
        let find = |from, to| by_ends.binary_search_by_key(&(from, to), |(ends, _)| *ends).ok().map(|at| by_ends[at].1);
        let reply_links = network.links().iter().map(|link| find(link.to, link.from)).collect();
        Engine {
            events: 0,
            events_at_instant: 0,
            limits: Limits::DEFAULT,
            nodes,
            reply_links: Arc::new(reply_links),
            commands: Vec::new(),
            ctx: Context::new(network, names, Trace::new(level)),
            halt: None,
            last_command: None,
            paused: LiteMap::new(),
        }
    }

    /// Returns the virtual time.
    #[inline]
    pub fn now(&self) -> Micros {
        self.ctx.now
    }

    /// Returns the number of events processed.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Returns the time of the next event; none if the run is over.
    #[inline]
    pub fn next_at(&self) -> Option<Micros> {
        if self.halt.is_some() { None } else { self.ctx.queue.next_at() }
    }

    /// Returns the trace.
    pub fn trace(&self) -> &Trace {
        &self.ctx.trace
    }

    /// Discards old records, as [`Trace::truncate_to_newest`] does.
    pub fn truncate_to_newest(&mut self, chunks: usize) {
        self.ctx.trace.truncate_to_newest(chunks);
    }

    /// Returns the names of nodes, keys and subscriptions.
    pub fn names(&self) -> &Names {
        &self.ctx.names
    }

    /// Returns why the run cannot continue; none if it can.
    pub fn halt(&self) -> Option<Halt> {
        self.halt
    }

    /// Returns the numbers of messages by their fate.
    pub fn messages(&self) -> MessageCounts {
        self.ctx.network.counts()
    }

    /// Returns the numbers of events by their fate, for each bus.
    pub fn bus_events(&self) -> impl Iterator<Item = EventCounts> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Bus(bus) => Some(bus.counts()),
            Node::Service(_) | Node::Client(_) | Node::Replica(_) | Node::Group => None,
        })
    }

    /// Returns the members of Raft groups, with the state that the five safety properties are about.
    pub fn rafts(&self) -> impl Iterator<Item = (NodeId, RaftView<'_>)> {
        let nodes = (0..).map(NodeId).zip(&self.nodes);
        nodes.filter_map(|(id, node)| match node {
            Node::Replica(replica) => Some((id, replica.raft()?)),
            Node::Service(_) | Node::Bus(_) | Node::Client(_) | Node::Group => None,
        })
    }

    /// Returns the numbers of a node's busy workers, queued requests, and pending calls or operations.
    pub fn load(&self, node: NodeId) -> (u32, u32, u32) {
        match &self.nodes[node.index()] {
            Node::Service(service) => service.load(),
            Node::Client(client) => client.load(),
            Node::Replica(replica) => replica.load(),
            Node::Bus(_) | Node::Group => (0, 0, 0),
        }
    }

    /// Returns how far the clock of a group's member is ahead of true time, µs; negative if it is behind.
    pub fn clock_ahead(&self, node: NodeId) -> i64 {
        match &self.nodes[node.index()] {
            Node::Replica(replica) => replica.clock_ahead(self.now()),
            Node::Service(_) | Node::Client(_) | Node::Bus(_) | Node::Group => 0,
        }
    }

    /// Processes the next event, and returns whether there was one.
    #[inline]
    pub fn step(&mut self) -> bool {
        if self.halt.is_some() {
            return false;
        }
        let Some(at) = self.ctx.queue.next_at() else { return false };
        debug_assert!(at >= self.ctx.now, "no event is in the past");
        if !self.count_event(at) {
            return false;
        }
        let Some((_, event)) = self.ctx.queue.pop() else { return false };
        self.ctx.now = at;
        debug_assert!(self.ctx.queue.next_at().is_none_or(|next| next >= at), "events are processed in order");
        if !self.paused.is_empty() && self.defer(event) {
            return true;
        }
        match event {
            ScheduledEvent::Arrival(slot) => self.arrive(slot),
            ScheduledEvent::Timer(node, timer) => self.on_timer(node, timer),
            ScheduledEvent::Command(number) => self.execute(number),
        }
        if cfg!(debug_assertions) {
            self.assert_invariants(event);
        }
        true
    }

    /// Processes all events up to `to`, but at most `budget`. Returns whether it reached `to` or halted.
    pub fn run_until(&mut self, to: Micros, budget: u64) -> bool {
        let mut left = budget;
        while self.next_at().is_some_and(|at| at <= to) {
            if left == 0 {
                return false;
            }
            left -= 1;
            self.step();
            debug_assert!(self.ctx.now <= to, "no event after `to` is processed");
        }
        // A halted run stays at the instant of its last event.
        if self.halt.is_none() {
            self.ctx.now = self.ctx.now.max(to);
            debug_assert!(self.next_at().is_none_or(|at| at > to), "all events up to `to` are processed");
        }
        true
    }

    /// Defers an event if its node is paused, and returns whether it did.
    fn defer(&mut self, event: ScheduledEvent) -> bool {
        debug_assert!(!self.paused.is_empty(), "called only while a node is paused");
        let node = match event {
            ScheduledEvent::Arrival(slot) => self.ctx.network.receiver(slot),
            ScheduledEvent::Timer(node, _) => node,
            ScheduledEvent::Command(_) => return false,
        };
        let Some(waiting) = self.paused.get_mut(&node) else { return false };
        debug_assert!(node.index() < self.nodes.len(), "an event belongs to a node");
        waiting.push(event);
        true
    }

    fn arrive(&mut self, slot: u32) {
        let (nodes, ctx) = (&mut self.nodes, &mut self.ctx);
        let (message, fate) = ctx.network.arrive(slot, |to| nodes[to.index()].is_up());
        if let Err(cause) = fate {
            ctx.record(Fact::MessageDropped { message: message.id, cause });
            if cause != DropCause::ReceiverDown && message.payload.is_reliable() {
                // The sender sent one message, so it sends only the original again, and no duplicate of it.
                if !message.is_duplicate {
                    ctx.resend_later(message.link, message.payload);
                }
            } else if let Payload::Heartbeat(heartbeat) = message.payload {
                let reply_link = self.reply_links.get(message.link.0 as usize).copied().flatten();
                if let (Node::Bus(bus), Some(link)) =
                    (&mut nodes[ctx.network.link(message.link).to.index()], reply_link)
                {
                    bus.miss_close(heartbeat, link);
                }
            }
            return;
        }
        ctx.record(Fact::MessageDelivered { message: message.id });
        ctx.node = ctx.network.link(message.link).to;
        debug_assert!(!self.paused.contains_key(&ctx.node), "messages to a paused node wait");
        debug_assert!(nodes[ctx.node.index()].is_up(), "a message is delivered only to a node that is up");
        let reply_link = self.reply_links.get(message.link.0 as usize).copied().flatten();
        let now = ctx.now;
        match &mut nodes[ctx.node.index()] {
            Node::Service(service) => service.on_message(now, message.payload, reply_link, ctx),
            Node::Bus(bus) => bus.on_message(now, message.payload, reply_link, ctx),
            Node::Client(client) => client.on_message(now, message.payload, ctx),
            Node::Replica(replica) => replica.on_message(now, message.payload, reply_link, ctx),
            Node::Group => unreachable!("no message is sent to a group itself"),
        }
        self.check_in_flight();
    }

    /// Sends a lost message again, unless it is obsolete.
    fn resend(&mut self, node: NodeId, number: u32) {
        let Some((link, payload)) = self.ctx.take_resend(number) else { return };
        debug_assert!(payload.is_reliable(), "only a reliable connection sends again");
        debug_assert!(self.ctx.network.link(link).from == node, "the sender of the message sends it again");
        self.ctx.node = node;
        let (is_awaited, about) = match (&self.nodes[node.index()], &payload) {
            (Node::Bus(bus), Payload::Deliver(delivery)) => {
                let (update, attempt) = (Some(delivery.update.id), delivery.attempt);
                (bus.is_up() && bus.awaits(delivery.delivery), About { update, operation: None, attempt })
            }
            (node, Payload::Heartbeat(heartbeat)) => {
                let is_current = node.consumer().is_some_and(|consumer| consumer.is_current(heartbeat));
                (is_current && (node.is_up() || heartbeat.presence == Presence::Closes), About::default())
            }
            (
                Node::Bus(bus),
                Payload::Attached(subscription, incarnation, _) | Payload::Detached(subscription, incarnation),
            ) => (bus.is_up() && bus.is_newest_connection(link, *subscription, *incarnation), About::default()),
            (node, Payload::Acknowledge(_, _, connection) | Payload::Refuse(_, connection)) => {
                let is_open = node.consumer().is_some_and(|consumer| consumer.has_connection(*connection));
                (node.is_up() && is_open, About::default())
            }
            (other, _) => (other.is_up(), About::default()),
        };
        if is_awaited {
            self.ctx.send(link, payload, about);
        }
    }

    fn on_timer(&mut self, node: NodeId, timer: Timer) {
        debug_assert!(node.index() < self.nodes.len(), "a timer belongs to a node");
        debug_assert!(!self.paused.contains_key(&node), "timers of a paused node wait");
        if let Timer::Resend(number) = timer {
            return self.resend(node, number);
        }
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
        self.check_in_flight();
    }
}
