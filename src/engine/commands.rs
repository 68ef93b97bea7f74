//! What a person does to a running system: writes and faults, by script or live.

use super::bus::Bus;
use super::chance::Sampler;
use super::message::LinkId;
use super::network::Disturbance;
use super::outbox::Outbox;
use super::queue::{Class, Due};
use super::replica::Replica;
use super::service::Service;
use super::{Engine, Node};
use crate::ordered::Set;
use crate::scenario::{Command, Micros};
use crate::trace::{Fact, NodeId};
use std::fmt;

/// Why a command makes no sense in this run; the run is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandRefused {
    /// No node has that id.
    NoSuchNode(String),
    /// The node is not a service.
    NotAService(String),
    /// The node is not a bus.
    NotABus(String),
    /// It is not replicated, and has no brokers.
    NotReplicated(String),
    /// A number is out of its range.
    OutOfRange(String),
    /// No messages ever go from the one to the other.
    NoSuchLink(String, String),
}

impl fmt::Display for CommandRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandRefused::NoSuchNode(id) => write!(f, "no node has the id `{id}`"),
            CommandRefused::NotAService(id) => write!(f, "`{id}` is not a service"),
            CommandRefused::NotABus(id) => write!(f, "`{id}` is not a bus"),
            CommandRefused::NotReplicated(id) => write!(f, "`{id}` is not replicated, and has no brokers"),
            CommandRefused::OutOfRange(said) => f.write_str(said),
            CommandRefused::NoSuchLink(from, to) => write!(f, "no link goes from `{from}` to `{to}`"),
        }
    }
}

/// What a document lists as a service.
enum Serving<'a> {
    Service(&'a mut Service),
    Replica(&'a mut Replica),
}

impl Engine {
    /// Carries out a command now. What is still due at this instant happens first, as it would if the
    /// script had said so; so a live command and a scripted one at the same instant make the same run.
    ///
    /// # Errors
    /// The command makes no sense in this run; nothing happened.
    pub fn act(&mut self, command: Command) -> Result<(), CommandRefused> {
        self.check(&command)?;
        let number = self.schedule(self.outbox.now, command);
        while self.last_command != Some(number) && self.step() {}
        Ok(())
    }

    /// Puts a command on the timeline; its number.
    pub fn schedule(&mut self, at: Micros, command: Command) -> u32 {
        let number = self.commands.len() as u32;
        self.commands.push(command);
        self.outbox.queue.push(at, Class::Command, Due::Command(number));
        number
    }

    fn check(&self, command: &Command) -> Result<(), CommandRefused> {
        if let Err(errors) = command.check() {
            let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Err(CommandRefused::OutOfRange(said.join("; ")));
        }
        match command {
            Command::Operate { service, .. }
            | Command::Crash { service, .. }
            | Command::Restart { service }
            | Command::SlowDown { service, .. }
            | Command::SetClock { service, .. }
            | Command::JumpClock { service, .. } => self.service(service).map(|_| ()),
            Command::CutLink { from, to, one_way }
            | Command::HealLink { from, to, one_way }
            | Command::DisturbLink { from, to, one_way, .. } => self.directions(from, to, *one_way).map(|_| ()),
            Command::Partition { groups } => groups.iter().flatten().try_for_each(|id| self.node(id).map(|_| ())),
            Command::Pause { node } | Command::Resume { node } => self.node(node).map(|_| ()),
            Command::StopBus { bus, .. } | Command::StartBus { bus } | Command::Rebalance { bus } => {
                self.bus(bus).map(|_| ())
            }
            Command::StopBroker { bus, broker, .. } | Command::StartBroker { bus, broker } => self.broker(bus, *broker),
            Command::Redrive { bus, service } | Command::Purge { bus, service } => {
                self.bus(bus).and_then(|_| self.service(service)).map(|_| ())
            }
            Command::HealAll => Ok(()),
        }
    }

    fn bus(&self, id: &str) -> Result<NodeId, CommandRefused> {
        let node = self.node(id)?;
        match self.nodes[node.index()] {
            Node::Bus(_) => Ok(node),
            Node::Service(_) | Node::Client(_) | Node::Replica(_) | Node::Group | Node::Relay(_) => {
                Err(CommandRefused::NotABus(id.into()))
            }
        }
    }

    fn broker(&self, bus: &str, broker: Option<u32>) -> Result<(), CommandRefused> {
        let brokers = match &self.nodes[self.bus(bus)?.index()] {
            Node::Bus(bus) => bus.brokers(),
            Node::Service(_) | Node::Client(_) | Node::Replica(_) | Node::Group | Node::Relay(_) => 0,
        };
        match broker {
            _ if brokers == 0 => Err(CommandRefused::NotReplicated(bus.into())),
            Some(broker) if broker == 0 || broker > brokers => {
                Err(CommandRefused::OutOfRange(format!("`{bus}` has the brokers 1 to {brokers}, not {broker}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn node(&self, id: &str) -> Result<NodeId, CommandRefused> {
        self.outbox.names.find_node(id).ok_or_else(|| CommandRefused::NoSuchNode(id.into()))
    }

    fn service(&self, id: &str) -> Result<NodeId, CommandRefused> {
        let node = self.node(id)?;
        match self.nodes[node.index()] {
            Node::Service(_) | Node::Replica(_) => Ok(node),
            Node::Bus(_) | Node::Client(_) | Node::Group | Node::Relay(_) => {
                Err(CommandRefused::NotAService(id.into()))
            }
        }
    }

    /// The link from one node to another, and the way back unless one way is meant.
    fn directions(&self, from: &str, to: &str, one_way: bool) -> Result<Vec<LinkId>, CommandRefused> {
        let (a, b) = (self.node(from)?, self.node(to)?);
        let forth = self.outbox.network.find(a, b).ok_or_else(|| CommandRefused::NoSuchLink(from.into(), to.into()))?;
        let back = if one_way { None } else { self.outbox.network.find(b, a) };
        Ok([Some(forth), back].into_iter().flatten().collect())
    }

    /// Carries out a command that was checked when it was given.
    pub(super) fn carry_out(&mut self, number: u32) {
        self.last_command = Some(number);
        let command = self.commands[number as usize].clone();
        match &command {
            Command::Operate { service, operation, poison } => {
                let Ok(node) = self.service(service) else { return };
                let mut request = self.outbox.issue(node, 0, node, operation);
                request.poison = *poison;
                self.at_service(service, |at, now, out| match at {
                    Serving::Service(service) => service.on_person(now, request, out),
                    Serving::Replica(replica) => replica.on_person(now, request, out),
                });
            }
            Command::CutLink { from, to, one_way } => self.set_cut(from, to, *one_way, true),
            Command::HealLink { from, to, one_way } => {
                for id in self.directions(from, to, *one_way).unwrap_or_default() {
                    self.heal_link(id);
                }
            }
            Command::DisturbLink { from, to, one_way, .. } => {
                for id in self.directions(from, to, *one_way).unwrap_or_default() {
                    self.disturb(id, &command);
                }
            }
            Command::Partition { groups } => self.partition(groups),
            Command::Crash { service, lose_disk } => self.at_service(service, |at, _, out| match at {
                Serving::Service(service) if service.is_up() => service.crash(*lose_disk, out),
                Serving::Replica(replica) if replica.is_up() => replica.crash(*lose_disk, out),
                Serving::Service(_) | Serving::Replica(_) => {}
            }),
            Command::Restart { service } => self.at_service(service, |at, now, out| match at {
                Serving::Service(service) if !service.is_up() => service.restart(now, out),
                Serving::Replica(replica) if !replica.is_up() => replica.restart(now, out),
                Serving::Service(_) | Serving::Replica(_) => {}
            }),
            Command::Pause { node } => {
                if let Ok(node) = self.node(node)
                    && !self.held.contains_key(&node)
                {
                    self.held.insert(node, Vec::new());
                    self.outbox.record(Fact::NodePaused { node });
                }
            }
            Command::Resume { node } => {
                if let Ok(node) = self.node(node) {
                    self.resume(node);
                }
            }
            Command::SlowDown { service, factor } => {
                self.at_service(service, |at, _, out| match at {
                    Serving::Service(service) => service.slow_down(*factor, out),
                    Serving::Replica(replica) => replica.slow_down(*factor, out),
                });
            }
            Command::SetClock { service, offset_ms, drift_ppm } => {
                let offset = (offset_ms * 1000.0).round() as i64;
                self.at_service(service, |at, now, out| match at {
                    Serving::Service(service) => service.set_clock(now, offset, *drift_ppm, out),
                    Serving::Replica(replica) => replica.member_mut().set_clock(now, offset, *drift_ppm, out),
                });
            }
            Command::JumpClock { service, by_ms } => {
                let by = (by_ms * 1000.0).round() as i64;
                self.at_service(service, |at, now, out| match at {
                    Serving::Service(service) => service.jump_clock(now, by, out),
                    Serving::Replica(replica) => {
                        let member = replica.member_mut();
                        member.set_clock(now, member.clock_offset + by, member.clock_drift, out);
                    }
                });
            }
            Command::StopBus { bus, lose_unflushed } => self.at_bus(bus, |bus, now, out| {
                if bus.is_up() {
                    bus.stop(now, *lose_unflushed, out);
                }
            }),
            Command::StartBus { bus } => self.at_bus(bus, |bus, now, out| {
                if !bus.is_up() {
                    bus.start(now, out);
                }
            }),
            Command::StopBroker { bus, broker, lose_disk } => {
                self.at_bus(bus, |bus, now, out| bus.stop_broker(now, *broker, *lose_disk, out));
            }
            Command::StartBroker { bus, broker } => {
                self.at_bus(bus, |bus, now, out| bus.start_brokers(now, *broker, out));
            }
            Command::Rebalance { bus } => self.at_bus(bus, Bus::rebalance),
            Command::Redrive { bus, service } => {
                if let Ok(consumer) = self.service(service) {
                    self.at_bus(bus, |bus, now, out| bus.redrive(now, consumer, out));
                }
            }
            Command::Purge { bus, service } => {
                if let Ok(consumer) = self.service(service) {
                    self.at_bus(bus, |bus, _, out| bus.purge(consumer, out));
                }
            }
            Command::HealAll => self.heal_all(),
        }
    }

    fn at_service(&mut self, id: &str, act: impl FnOnce(Serving, Micros, &mut Outbox)) {
        let Ok(node) = self.service(id) else { return };
        let at = match &mut self.nodes[node.index()] {
            Node::Service(service) => Serving::Service(service),
            Node::Replica(replica) => Serving::Replica(replica),
            Node::Bus(_) | Node::Client(_) | Node::Group | Node::Relay(_) => return,
        };
        self.outbox.node = node;
        act(at, self.outbox.now, &mut self.outbox);
    }

    fn at_bus(&mut self, id: &str, act: impl FnOnce(&mut Bus, Micros, &mut Outbox)) {
        let Ok(node) = self.bus(id) else { return };
        if let Node::Bus(bus) = &mut self.nodes[node.index()] {
            self.outbox.node = node;
            act(bus, self.outbox.now, &mut self.outbox);
        }
    }

    fn set_cut(&mut self, from: &str, to: &str, one_way: bool, cut: bool) {
        for id in self.directions(from, to, one_way).unwrap_or_default() {
            self.set_link_cut(id, cut);
        }
    }

    fn set_link_cut(&mut self, id: LinkId, cut: bool) {
        let link = self.outbox.network.link_mut(id);
        if link.cut != cut {
            link.cut = cut;
            // One for a single message is no part of the drawing.
            if link.once {
                return;
            }
            let (from, to) = (link.from, link.to);
            let fact = if cut { Fact::LinkCut { from, to } } else { Fact::LinkHealed { from, to } };
            self.outbox.record(fact);
        }
    }

    fn link_name(&self, id: LinkId) -> String {
        let link = self.outbox.network.link(id);
        format!("{}->{}", self.outbox.names.node(link.from), self.outbox.names.node(link.to))
    }

    fn disturb(&mut self, id: LinkId, command: &Command) {
        let Command::DisturbLink { loss, duplicate, delay, reorder, .. } = command else { return };
        let name = self.link_name(id);
        let disturbance = Disturbance {
            loss: *loss,
            duplicate: *duplicate,
            delay: delay.as_ref().map(Sampler::new),
            reorder: *reorder,
            stream: self.outbox.network.disturbance_stream(&name),
        };
        self.outbox.network.disturb(id, &name, Some(disturbance));
        let (from, to) = (self.outbox.network.link(id).from, self.outbox.network.link(id).to);
        let millionths = |p: &f64| (p * 1e6).round() as u32;
        self.outbox.record(Fact::LinkDisturbed {
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
        let was_disturbed = self.outbox.network.disturb(id, &name, None);
        let link = self.outbox.network.link(id);
        let (from, to) = (link.from, link.to);
        if link.cut {
            self.set_link_cut(id, false);
        } else if was_disturbed {
            self.outbox.record(Fact::LinkHealed { from, to });
        }
    }

    fn partition(&mut self, groups: &[Vec<String>]) {
        let nodes = |group: &Vec<String>| group.iter().filter_map(|id| self.node(id).ok()).collect::<Vec<NodeId>>();
        let groups: Vec<Set<NodeId>> = groups.iter().map(|group| nodes(group).into_iter().collect()).collect();
        let group = |node: NodeId| groups.iter().position(|group| group.contains(&node));
        self.outbox.network.part(&groups);
        for id in (0..self.outbox.network.links().len() as u32).map(LinkId) {
            let link = self.outbox.network.link(id);
            if let (Some(from), Some(to)) = (group(link.from), group(link.to))
                && from != to
            {
                self.set_link_cut(id, true);
            }
        }
    }

    /// What waited for a held node happens now, in the order in which it came.
    fn resume(&mut self, node: NodeId) {
        let Some(waiting) = self.held.remove(&node) else { return };
        self.outbox.record(Fact::NodeResumed { node });
        for due in waiting {
            let class = if matches!(due, Due::Arrival(_)) { Class::Arrival } else { Class::Timer };
            self.outbox.queue.push(self.outbox.now, class, due);
        }
    }

    fn heal_all(&mut self) {
        self.outbox.network.unite();
        for id in (0..self.outbox.network.links().len() as u32).map(LinkId) {
            self.heal_link(id);
        }
        let (now, out) = (self.outbox.now, &mut self.outbox);
        for (index, node) in self.nodes.iter_mut().enumerate() {
            out.node = NodeId(index as u32);
            match node {
                Node::Service(service) => {
                    service.slow_down(1.0, out);
                    if !service.is_up() {
                        service.restart(now, out);
                    }
                }
                Node::Replica(replica) => {
                    replica.slow_down(1.0, out);
                    if !replica.is_up() {
                        replica.restart(now, out);
                    }
                }
                Node::Bus(bus) => {
                    bus.start_brokers(now, None, out);
                    if !bus.is_up() {
                        bus.start(now, out);
                    }
                }
                Node::Client(_) | Node::Group | Node::Relay(_) => {}
            }
        }
        let held: Vec<NodeId> = self.held.keys().copied().collect();
        for node in held {
            self.resume(node);
        }
    }
}
