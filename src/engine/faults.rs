//! Faults of links, nodes, clocks and buses, and their repair.

use super::Engine;
use super::bus::Bus;
use super::context::Context;
use super::link::Disturbance;
use super::message::LinkId;
use super::node::Node;
use super::queue::ScheduledEvent;
use super::random::Sampler;
use super::replica::Replica;
use super::service::Service;
use crate::scenario::{Command, Micros};
use crate::trace::{Fact, NodeId};
use std::collections::BTreeSet;

/// A node that the scenario lists as a service.
enum ServiceNode<'a> {
    Service(&'a mut Service),
    Replica(&'a mut Replica),
}

impl Engine {
    /// Panics, in debug builds, unless the run executes this command now.
    fn assert_executes(&self, command: &Command) {
        let last = self.last_command.map(|number| &self.commands[number as usize]);
        debug_assert!(last == Some(command), "the command was scheduled");
        debug_assert!(self.halt.is_none(), "a halted run executes no commands");
    }

    /// Notes since when nodes have been stopped or paused, after a command.
    pub(super) fn note_stopped_nodes(&mut self) {
        let (now, paused) = (self.ctx.now, &self.paused);
        let numbered = (0..).map(NodeId).zip(&self.nodes);
        let stopped = numbered.filter(|(node, state)| !state.is_up() || paused.contains_key(node));
        let since = &self.ctx.stopped_since;
        let stopped = stopped.map(|(node, _)| (node, since.get(&node).copied().unwrap_or(now))).collect();
        self.ctx.stopped_since = stopped;
        debug_assert!(self.ctx.stopped_since.len() <= self.nodes.len(), "each node is noted once");
        debug_assert!(self.ctx.stopped_since.values().all(|since| *since <= now), "no node stops later than now");
    }

    /// Executes a fault or a repair.
    pub(super) fn execute_fault(&mut self, command: &Command) {
        self.assert_executes(command);
        match command {
            Command::Operate { .. } => unreachable!("an operation is no fault"),
            Command::CutLink { from, to, one_way } => self.set_cut(from, to, *one_way, true),
            Command::HealLink { from, to, one_way } => {
                for id in self.directions(from, to, *one_way).unwrap_or_default() {
                    self.heal_link(id);
                }
            }
            Command::DisturbLink { from, to, one_way, .. } => {
                for id in self.directions(from, to, *one_way).unwrap_or_default() {
                    self.disturb(id, command);
                }
            }
            Command::Partition { groups } => self.partition(groups),
            Command::Crash { service, lose_disk } => self.on_service(service, |node, _, ctx| match node {
                ServiceNode::Service(service) if service.is_up() => service.crash(*lose_disk, ctx),
                ServiceNode::Replica(replica) if replica.is_up() => replica.crash(*lose_disk, ctx),
                ServiceNode::Service(_) | ServiceNode::Replica(_) => {}
            }),
            Command::Restart { service } => self.on_service(service, |node, now, ctx| match node {
                ServiceNode::Service(service) if !service.is_up() => service.restart(now, ctx),
                ServiceNode::Replica(replica) if !replica.is_up() => replica.restart(now, ctx),
                ServiceNode::Service(_) | ServiceNode::Replica(_) => {}
            }),
            Command::Pause { node } => {
                if let Ok(node) = self.node(node)
                    && !self.paused.contains_key(&node)
                {
                    self.paused.insert(node, Vec::new());
                    self.ctx.record(Fact::NodePaused { node });
                }
            }
            Command::Resume { node } => {
                if let Ok(node) = self.node(node) {
                    self.resume(node);
                }
            }
            Command::SlowDown { service, factor } => {
                self.on_service(service, |node, _, ctx| match node {
                    ServiceNode::Service(service) => service.slow_down(*factor, ctx),
                    ServiceNode::Replica(replica) => replica.slow_down(*factor, ctx),
                });
            }
            Command::SetClock { service, offset_ms, drift_ppm } => {
                let offset = (offset_ms * 1000.0).round() as i64;
                self.on_service(service, |node, now, ctx| match node {
                    ServiceNode::Service(service) => service.set_clock(now, offset, *drift_ppm, ctx),
                    ServiceNode::Replica(replica) => replica.set_clock(now, offset, *drift_ppm, ctx),
                });
            }
            Command::JumpClock { service, by_ms } => {
                let by = (by_ms * 1000.0).round() as i64;
                self.on_service(service, |node, now, ctx| match node {
                    ServiceNode::Service(service) => service.jump_clock(now, by, ctx),
                    ServiceNode::Replica(replica) => replica.jump_clock(now, by, ctx),
                });
            }
            Command::StopBus { .. }
            | Command::StartBus { .. }
            | Command::StopBroker { .. }
            | Command::StartBroker { .. }
            | Command::Rebalance { .. }
            | Command::Redrive { .. }
            | Command::Purge { .. } => self.execute_bus_command(command),
            Command::HealAll => self.heal_all(),
        }
    }

    /// Executes a command for a bus.
    fn execute_bus_command(&mut self, command: &Command) {
        self.assert_executes(command);
        match command {
            Command::StopBus { bus, lose_unflushed } => {
                self.on_running_bus(bus, |bus, now, ctx| bus.stop(now, *lose_unflushed, ctx));
            }
            Command::StartBus { bus } => self.on_bus(bus, |bus, now, ctx| {
                if !bus.is_up() {
                    bus.start(now, ctx);
                }
            }),
            Command::StopBroker { bus, broker, lose_disk } => {
                self.on_bus(bus, |bus, now, ctx| bus.stop_broker(now, *broker, *lose_disk, ctx));
            }
            Command::StartBroker { bus, broker } => {
                self.on_bus(bus, |bus, now, ctx| bus.start_brokers(now, *broker, ctx));
            }
            Command::Rebalance { bus } => self.on_running_bus(bus, Bus::rebalance),
            Command::Redrive { bus, service } => {
                if let Ok(consumer) = self.service(service) {
                    self.on_running_bus(bus, |bus, now, ctx| bus.redrive(now, consumer, ctx));
                }
            }
            Command::Purge { bus, service } => {
                if let Ok(consumer) = self.service(service) {
                    self.on_running_bus(bus, |bus, _, ctx| bus.purge(consumer, ctx));
                }
            }
            Command::Operate { .. }
            | Command::CutLink { .. }
            | Command::HealLink { .. }
            | Command::DisturbLink { .. }
            | Command::Partition { .. }
            | Command::Crash { .. }
            | Command::Restart { .. }
            | Command::Pause { .. }
            | Command::Resume { .. }
            | Command::SlowDown { .. }
            | Command::SetClock { .. }
            | Command::JumpClock { .. }
            | Command::HealAll => unreachable!("no command for a bus"),
        }
    }

    fn on_service(&mut self, id: &str, act: impl FnOnce(ServiceNode, Micros, &mut Context)) {
        let Ok(node) = self.service(id) else { return };
        let at = match &mut self.nodes[node.index()] {
            Node::Service(service) => ServiceNode::Service(service),
            Node::Replica(replica) => ServiceNode::Replica(replica),
            Node::Bus(_) | Node::Client(_) | Node::Group => return,
        };
        self.ctx.node = node;
        let now = self.ctx.now;
        act(at, now, &mut self.ctx);
        debug_assert!(self.ctx.now == now, "no time passes during a command");
        debug_assert!(self.ctx.node == node, "a command acts on one node");
    }

    fn on_bus(&mut self, id: &str, act: impl FnOnce(&mut Bus, Micros, &mut Context)) {
        let Ok(node) = self.bus(id) else { return };
        if let Node::Bus(bus) = &mut self.nodes[node.index()] {
            self.ctx.node = node;
            let now = self.ctx.now;
            act(bus, now, &mut self.ctx);
            debug_assert!(self.ctx.now == now, "no time passes during a command");
            debug_assert!(self.ctx.node == node, "a command acts on one node");
        }
    }

    /// Does nothing if the bus is down, since then it executes no commands.
    fn on_running_bus(&mut self, id: &str, act: impl FnOnce(&mut Bus, Micros, &mut Context)) {
        self.on_bus(id, |bus, now, ctx| {
            if bus.is_up() {
                act(bus, now, ctx)
            }
        });
    }

    fn set_cut(&mut self, from: &str, to: &str, one_way: bool, cut: bool) {
        for id in self.directions(from, to, one_way).unwrap_or_default() {
            debug_assert!(!self.ctx.network.link(id).is_ephemeral, "a command names links of the scenario");
            self.set_link_cut(id, cut);
            let link = self.ctx.network.link(id);
            debug_assert!(link.cut == cut, "the link is cut, or is not");
            debug_assert!(
                self.ctx.cut_since.contains_key(&(link.from, link.to)) == cut,
                "the time is noted while a link is cut"
            );
        }
    }

    fn set_link_cut(&mut self, id: LinkId, cut: bool) {
        debug_assert!((id.0 as usize) < self.ctx.network.links().len(), "the link exists");
        let link = self.ctx.network.link_mut(id);
        if link.cut != cut {
            link.cut = cut;
            // An ephemeral link is not part of the scenario.
            if link.is_ephemeral {
                return;
            }
            debug_assert!(link.from != link.to, "a link connects two nodes");
            let (from, to) = (link.from, link.to);
            if cut {
                self.ctx.cut_since.insert((from, to), self.ctx.now);
            } else {
                self.ctx.cut_since.remove(&(from, to));
            }
            let fact = if cut { Fact::LinkCut { from, to } } else { Fact::LinkHealed { from, to } };
            self.ctx.record(fact);
        }
    }

    fn link_name(&self, id: LinkId) -> String {
        let link = self.ctx.network.link(id);
        format!("{}->{}", self.ctx.names.node(link.from), self.ctx.names.node(link.to))
    }

    fn disturb(&mut self, id: LinkId, command: &Command) {
        debug_assert!(!self.ctx.network.link(id).is_ephemeral, "a command names links of the scenario");
        let Command::DisturbLink { loss, duplicate, delay, reorder, .. } = command else { return };
        let name = self.link_name(id);
        let disturbance = Disturbance {
            loss: *loss,
            duplicate: *duplicate,
            delay: delay.as_ref().map(Sampler::new),
            reorder: *reorder,
            stream: self.ctx.network.disturbance_stream(&name),
        };
        self.ctx.network.disturb(id, &name, Some(disturbance));
        let faults = self.ctx.network.link(id).faults.as_ref();
        debug_assert!(faults.is_some_and(|faults| faults.disturbance.is_some()), "the link is disturbed");
        let (from, to) = (self.ctx.network.link(id).from, self.ctx.network.link(id).to);
        let millionths = |p: &f64| (p * 1e6).round() as u32;
        self.ctx.record(Fact::LinkDisturbed {
            from,
            to,
            loss: millionths(loss),
            duplicate: millionths(duplicate),
            reorder: millionths(reorder),
            delayed: delay.is_some(),
        });
    }

    fn heal_link(&mut self, id: LinkId) {
        let name = self.link_name(id);
        let was_disturbed = self.ctx.network.disturb(id, &name, None);
        let link = self.ctx.network.link(id);
        let (from, to) = (link.from, link.to);
        if link.cut {
            self.set_link_cut(id, false);
        } else if was_disturbed {
            self.ctx.record(Fact::LinkHealed { from, to });
        }
        let link = self.ctx.network.link(id);
        debug_assert!(!link.cut, "a healed link carries messages");
        debug_assert!(link.faults.as_ref().is_none_or(|faults| faults.disturbance.is_none()), "a disturbance ends");
    }

    fn partition(&mut self, groups: &[Vec<String>]) {
        let nodes = |group: &Vec<String>| {
            let mut nodes = BTreeSet::new();
            nodes.extend(group.iter().filter_map(|id| self.node(id).ok()));
            nodes
        };
        let groups: Vec<BTreeSet<NodeId>> = groups.iter().map(nodes).collect();
        debug_assert!(groups.len() > 1, "a partition has at least two sides");
        let group = |node: NodeId| groups.iter().position(|group| group.contains(&node));
        self.ctx.network.partition(&groups);
        for id in (0..self.ctx.network.links().len() as u32).map(LinkId) {
            let link = self.ctx.network.link(id);
            if let (Some(from), Some(to)) = (group(link.from), group(link.to))
                && from != to
            {
                self.set_link_cut(id, true);
                debug_assert!(self.ctx.network.link(id).cut, "no message crosses the partition");
            }
        }
    }

    /// Resumes a paused node: the events that waited are processed now, in order.
    fn resume(&mut self, node: NodeId) {
        let Some(waiting) = self.paused.remove(&node) else { return };
        debug_assert!(waiting.iter().all(|event| !matches!(event, ScheduledEvent::Command(_))), "commands do not wait");
        self.ctx.record(Fact::NodeResumed { node });
        for event in waiting {
            self.ctx.queue.push(self.ctx.now, event);
        }
        debug_assert!(
            self.ctx.queue.next_at().is_none_or(|at| at >= self.ctx.now),
            "events that waited are not in the past"
        );
    }

    fn heal_all(&mut self) {
        self.ctx.network.heal_partitions();
        for id in (0..self.ctx.network.links().len() as u32).map(LinkId) {
            self.heal_link(id);
        }
        let (now, ctx) = (self.ctx.now, &mut self.ctx);
        for (index, node) in self.nodes.iter_mut().enumerate() {
            ctx.node = NodeId(index as u32);
            match node {
                Node::Service(service) => {
                    service.slow_down(1.0, ctx);
                    if !service.is_up() {
                        service.restart(now, ctx);
                    }
                }
                Node::Replica(replica) => {
                    replica.slow_down(1.0, ctx);
                    if !replica.is_up() {
                        replica.restart(now, ctx);
                    }
                }
                Node::Bus(bus) => {
                    bus.start_brokers(now, None, ctx);
                    if !bus.is_up() {
                        bus.start(now, ctx);
                    }
                }
                Node::Client(_) | Node::Group => {}
            }
        }
        let is_service = |node: &&Node| matches!(node, Node::Service(_) | Node::Replica(_));
        debug_assert!(self.nodes.iter().filter(is_service).all(Node::is_up), "all services run again");
        let paused: Vec<NodeId> = self.paused.keys().copied().collect();
        for node in paused {
            self.resume(node);
        }
        debug_assert!(self.paused.is_empty(), "all nodes are resumed");
    }
}
