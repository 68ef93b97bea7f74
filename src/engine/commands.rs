//! What a person does to a running system: writes and faults, by script or live.

use super::message::LinkId;
use super::queue::{Class, Due};
use super::{Engine, Node};
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
    /// No messages ever go from the one to the other.
    NoSuchLink(String, String),
}

impl fmt::Display for CommandRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandRefused::NoSuchNode(id) => write!(f, "no node has the id `{id}`"),
            CommandRefused::NotAService(id) => write!(f, "`{id}` is not a service"),
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
        let number = self.schedule(self.outbox.now, command);
        while self.last_command != Some(number) && self.step() {}
        Ok(())
    }

    /// Puts a command on the timeline.
    pub(super) fn schedule(&mut self, at: Micros, command: Command) -> u32 {
        let number = self.commands.len() as u32;
        self.commands.push(command);
        self.outbox.queue.push(at, Class::Command, Due::Command(number));
        number
    }

    fn check(&self, command: &Command) -> Result<(), CommandRefused> {
        match command {
            Command::Operate { service, .. } | Command::Crash { service, .. } | Command::Restart { service } => {
                self.service(service).map(|_| ())
            }
            Command::CutLink { from, to, one_way } | Command::HealLink { from, to, one_way } => {
                self.directions(from, to, *one_way).map(|_| ())
            }
            Command::HealAll => Ok(()),
        }
    }

    fn node(&self, id: &str) -> Result<NodeId, CommandRefused> {
        self.outbox.names.find_node(id).ok_or_else(|| CommandRefused::NoSuchNode(id.into()))
    }

    fn service(&self, id: &str) -> Result<NodeId, CommandRefused> {
        let node = self.node(id)?;
        match self.nodes[node.index()] {
            Node::Service(_) => Ok(node),
            Node::Bus(_) | Node::Client(_) | Node::Relay(_) => Err(CommandRefused::NotAService(id.into())),
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
            Command::Operate { service, operation } => {
                let Ok(node) = self.service(service) else { return };
                let request = self.outbox.issue(node, 0, node, operation);
                if let Node::Service(service) = &mut self.nodes[node.index()] {
                    self.outbox.node = node;
                    service.on_person(self.outbox.now, request, &mut self.outbox);
                }
            }
            Command::CutLink { from, to, one_way } => self.set_cut(from, to, *one_way, true),
            Command::HealLink { from, to, one_way } => self.set_cut(from, to, *one_way, false),
            Command::Crash { service, lose_disk } => {
                let Ok(node) = self.service(service) else { return };
                if let Node::Service(service) = &mut self.nodes[node.index()]
                    && service.is_up()
                {
                    service.crash(*lose_disk, &mut self.outbox);
                }
            }
            Command::Restart { service } => {
                if let Ok(node) = self.service(service) {
                    self.restart(node);
                }
            }
            Command::HealAll => self.heal_all(),
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
            let (from, to) = (link.from, link.to);
            let fact = if cut { Fact::LinkCut { from, to } } else { Fact::LinkHealed { from, to } };
            self.outbox.record(fact);
        }
    }

    fn restart(&mut self, node: NodeId) {
        if let Node::Service(service) = &mut self.nodes[node.index()]
            && !service.is_up()
        {
            service.restart(&mut self.outbox);
        }
    }

    fn heal_all(&mut self) {
        for id in 0..self.outbox.network.links().len() as u32 {
            self.set_link_cut(LinkId(id), false);
        }
        for node in 0..self.nodes.len() as u32 {
            self.restart(NodeId(node));
        }
    }
}
