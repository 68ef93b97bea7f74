//! What a person does to a running system, by script or live: updates, and faults (`faults.rs`).

use super::message::LinkId;
use super::queue::{Priority, ScheduledEvent};
use super::{Engine, Node};
use crate::scenario::{Command, Micros};
use crate::trace::NodeId;
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
            CommandRefused::OutOfRange(errors_text) => f.write_str(errors_text),
            CommandRefused::NoSuchLink(from, to) => write!(f, "no link goes from `{from}` to `{to}`"),
        }
    }
}

impl Engine {
    /// Carries out a command now. What is still due at this instant happens first, as it would if the
    /// script had said so; so a live command and a scripted one at the same instant make the same run.
    ///
    /// # Errors
    /// The command makes no sense in this run; nothing happened.
    pub fn act(&mut self, command: Command) -> Result<(), CommandRefused> {
        self.check(&command)?;
        let number = self.schedule(self.ctx.now, command);
        while self.last_command != Some(number) && self.step() {}
        Ok(())
    }

    /// Puts a command on the timeline; its number.
    pub fn schedule(&mut self, at: Micros, command: Command) -> u32 {
        let number = self.commands.len() as u32;
        self.commands.push(command);
        self.ctx.queue.push(at, Priority::Command, ScheduledEvent::Command(number));
        number
    }

    fn check(&self, command: &Command) -> Result<(), CommandRefused> {
        if let Err(errors) = command.check() {
            let errors_text: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Err(CommandRefused::OutOfRange(errors_text.join("; ")));
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

    pub(super) fn bus(&self, id: &str) -> Result<NodeId, CommandRefused> {
        let node = self.node(id)?;
        match self.nodes[node.index()] {
            Node::Bus(_) => Ok(node),
            Node::Service(_) | Node::Client(_) | Node::Replica(_) | Node::Group => {
                Err(CommandRefused::NotABus(id.into()))
            }
        }
    }

    fn broker(&self, bus: &str, broker: Option<u32>) -> Result<(), CommandRefused> {
        let brokers = match &self.nodes[self.bus(bus)?.index()] {
            Node::Bus(bus) => bus.brokers(),
            Node::Service(_) | Node::Client(_) | Node::Replica(_) | Node::Group => 0,
        };
        match broker {
            _ if brokers == 0 => Err(CommandRefused::NotReplicated(bus.into())),
            Some(broker) if broker == 0 || broker > brokers => {
                Err(CommandRefused::OutOfRange(format!("`{bus}` has the brokers 1 to {brokers}, not {broker}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn node(&self, id: &str) -> Result<NodeId, CommandRefused> {
        self.ctx.names.find_node(id).ok_or_else(|| CommandRefused::NoSuchNode(id.into()))
    }

    pub(super) fn service(&self, id: &str) -> Result<NodeId, CommandRefused> {
        let node = self.node(id)?;
        match self.nodes[node.index()] {
            Node::Service(_) | Node::Replica(_) => Ok(node),
            Node::Bus(_) | Node::Client(_) | Node::Group => Err(CommandRefused::NotAService(id.into())),
        }
    }

    /// The link from one node to another, and the way back unless one way is meant.
    pub(super) fn directions(&self, from: &str, to: &str, one_way: bool) -> Result<Vec<LinkId>, CommandRefused> {
        let (a, b) = (self.node(from)?, self.node(to)?);
        let forth = self.ctx.network.find(a, b).ok_or_else(|| CommandRefused::NoSuchLink(from.into(), to.into()))?;
        let back = if one_way { None } else { self.ctx.network.find(b, a) };
        Ok([Some(forth), back].into_iter().flatten().collect())
    }

    /// Carries out a command that was checked when it was given.
    pub(super) fn execute(&mut self, number: u32) {
        self.last_command = Some(number);
        let command = self.commands[number as usize].clone();
        let Command::Operate { service, operation, poison } = &command else {
            return self.execute_fault(&command);
        };
        let Ok(node) = self.service(service) else { return };
        let mut request = self.ctx.issue(node, 0, node, operation);
        request.poison = *poison;
        let (now, ctx) = (self.ctx.now, &mut self.ctx);
        ctx.node = node;
        match &mut self.nodes[node.index()] {
            Node::Service(service) => service.on_user_request(now, request, ctx),
            Node::Replica(replica) => replica.on_user_request(now, request, ctx),
            Node::Bus(_) | Node::Client(_) | Node::Group => {}
        }
    }
}
