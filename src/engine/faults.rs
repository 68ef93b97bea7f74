//! Faults and their cures: what breaks links, nodes, clocks and buses, and what mends them.

use super::bus::Bus;
use super::chance::Sampler;
use super::message::LinkId;
use super::network::Disturbance;
use super::outbox::Outbox;
use super::queue::{Class, Due};
use super::replica::Replica;
use super::service::Service;
use super::{Engine, Node};
use crate::scenario::{Command, Micros};
use crate::trace::{Fact, NodeId};
use std::collections::BTreeSet;

/// What a document lists as a service.
enum Serving<'a> {
    Service(&'a mut Service),
    Replica(&'a mut Replica),
}

impl Engine {
    /// Carries out a fault or a cure that was checked when it was given.
    pub(super) fn carry_out_fault(&mut self, command: &Command) {
        match command {
            Command::Operate { .. } => unreachable!("no fault"),
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
                    Serving::Replica(replica) => replica.set_clock(now, offset, *drift_ppm, out),
                });
            }
            Command::JumpClock { service, by_ms } => {
                let by = (by_ms * 1000.0).round() as i64;
                self.at_service(service, |at, now, out| match at {
                    Serving::Service(service) => service.jump_clock(now, by, out),
                    Serving::Replica(replica) => replica.jump_clock(now, by, out),
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
            Node::Bus(_) | Node::Client(_) | Node::Group => return,
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
        let groups: Vec<BTreeSet<NodeId>> = groups.iter().map(|group| nodes(group).into_iter().collect()).collect();
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
                Node::Client(_) | Node::Group => {}
            }
        }
        let held: Vec<NodeId> = self.held.keys().copied().collect();
        for node in held {
            self.resume(node);
        }
    }
}
