//! Commands of the page's user, scripted or live: operations here, faults in `faults`.

use super::Engine;
use super::command_refused::CommandRefused;
use super::message::LinkId;
use super::node::Node;
use super::queue::ScheduledEvent;
use crate::language::sentence;
use crate::scenario::{Command, Micros};
use crate::trace::NodeId;

impl Engine {
    /// Executes a command now, after all other events of this instant, so that a live command has the same effect as a
    /// scripted one at the same instant.
    ///
    /// # Errors
    /// The command is invalid in this run, and has no effect.
    pub fn act(&mut self, command: Command) -> Result<(), CommandRefused> {
        let started_at = self.ctx.now;
        self.check(&command)?;
        let number = self.schedule(self.ctx.now, command);
        while self.last_command != Some(number) && self.step() {}
        debug_assert!(self.last_command == Some(number) || self.halt.is_some(), "only a halted run ignores commands");
        debug_assert!(self.ctx.now == started_at, "a command is executed at once");
        Ok(())
    }

    /// Schedules a command, and returns its number.
    pub fn schedule(&mut self, at: Micros, command: Command) -> u32 {
        debug_assert!(at >= self.ctx.now, "no command is scheduled in the past");
        debug_assert!(command.check().is_ok(), "the command is valid");
        let number = self.commands.len() as u32;
        self.commands.push(command);
        self.ctx.queue.push(at, ScheduledEvent::Command(number));
        number
    }

    /// Checks a command against the nodes and links of the run, without executing it.
    ///
    /// # Errors
    /// Why the command is invalid.
    pub fn check(&self, command: &Command) -> Result<(), CommandRefused> {
        if let Err(errors) = command.check() {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Err(CommandRefused::OutOfRange(errors.join("; ")));
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
            Some(broker) if broker == 0 || broker > brokers => Err(CommandRefused::OutOfRange(sentence!(
                "`{bus}` has the brokers 1 to {brokers}, not {broker}",
                "`{bus}` hat die Broker 1 bis {brokers}, nicht {broker}"
            ))),
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

    /// Returns the link from one node to another, and the one back unless `one_way`.
    pub(super) fn directions(&self, from: &str, to: &str, one_way: bool) -> Result<Vec<LinkId>, CommandRefused> {
        let (a, b) = (self.node(from)?, self.node(to)?);
        let forth = self.ctx.network.find(a, b).ok_or_else(|| CommandRefused::NoSuchLink(from.into(), to.into()))?;
        let back = if one_way { None } else { self.ctx.network.find(b, a) };
        Ok([Some(forth), back].into_iter().flatten().collect())
    }

    /// Executes a scheduled command.
    pub(super) fn execute(&mut self, number: u32) {
        debug_assert!((number as usize) < self.commands.len(), "the command was scheduled");
        debug_assert!(self.last_command != Some(number), "a command is executed once");
        self.last_command = Some(number);
        let command = self.commands[number as usize].clone();
        let Command::Operate { service, operation, poison } = &command else {
            self.execute_fault(&command);
            return self.note_stopped_nodes();
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
