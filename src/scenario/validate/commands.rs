//! Commands: ids resolve and settings are in range.

use super::checker::{Checker, MAX_MS};
use super::references::{Kind, Nodes};
use crate::language::sentence;
use crate::scenario::{Backoff, Command};
use std::collections::BTreeSet;

impl Checker {
    /// Checks the ids in a command.
    pub(super) fn command_references(&mut self, path: &str, command: &Command, nodes: &Nodes) {
        let mut refers = |field: &str, id: &str, kind| self.refers(&format!("{path}.{field}"), id, kind, nodes);
        match command {
            Command::Operate { service, .. } => refers("operate.service", service, Kind::Service),
            Command::Crash { service, .. } => refers("crash.service", service, Kind::Service),
            Command::Restart { service } => refers("restart.service", service, Kind::Service),
            Command::SlowDown { service, .. } => refers("slow_down.service", service, Kind::Service),
            Command::SetClock { service, .. } => refers("set_clock.service", service, Kind::Service),
            Command::JumpClock { service, .. } => refers("jump_clock.service", service, Kind::Service),
            Command::StopBus { bus, .. } => refers("stop_bus.bus", bus, Kind::Bus),
            Command::StartBus { bus } => refers("start_bus.bus", bus, Kind::Bus),
            Command::Rebalance { bus } => refers("rebalance.bus", bus, Kind::Bus),
            Command::StopBroker { bus, broker, .. } => {
                self.broker(&format!("{path}.stop_broker"), bus, *broker, nodes);
            }
            Command::StartBroker { bus, broker } => self.broker(&format!("{path}.start_broker"), bus, *broker, nodes),
            Command::Redrive { bus, service } => {
                refers("redrive.bus", bus, Kind::Bus);
                refers("redrive.service", service, Kind::Service);
            }
            Command::Purge { bus, service } => {
                refers("purge.bus", bus, Kind::Bus);
                refers("purge.service", service, Kind::Service);
            }
            Command::CutLink { from, to, .. } => self.link_ends(&format!("{path}.cut_link"), from, to, nodes),
            Command::HealLink { from, to, .. } => self.link_ends(&format!("{path}.heal_link"), from, to, nodes),
            Command::DisturbLink { from, to, .. } => self.link_ends(&format!("{path}.disturb_link"), from, to, nodes),
            Command::Partition { groups } => {
                for (i, group) in groups.iter().enumerate() {
                    for (j, node) in group.iter().enumerate() {
                        self.node_exists(&format!("{path}.partition.groups[{i}][{j}]"), node, nodes);
                    }
                }
            }
            Command::Pause { node } => self.node_exists(&format!("{path}.pause.node"), node, nodes),
            Command::Resume { node } => self.node_exists(&format!("{path}.resume.node"), node, nodes),
            Command::HealAll => {}
        }
    }

    fn broker(&mut self, path: &str, bus: &str, broker: Option<u32>, nodes: &Nodes) {
        self.refers(&format!("{path}.bus"), bus, Kind::Bus, nodes);
        let replicas = nodes.bus(bus).map(|bus| bus.replication.as_ref().map_or(0, |replication| replication.replicas));
        if let Some(broker_count) = replicas.filter(|count| *count > 0) {
            self.expects(&format!("{path}.broker"), || {
                sentence!(
                    "a broker of `{bus}`, from 1 to {broker_count}",
                    "ein Broker von `{bus}`, von 1 bis {broker_count}"
                )
            });
        }
        match (replicas, broker) {
            (None, _) => {}
            (Some(0), _) => self.error(
                format!("{path}.bus"),
                sentence!(
                    "must be a bus with `replication`; `{bus}` has none",
                    "muss ein Bus mit `replication` sein; `{bus}` hat keine"
                ),
            ),
            (Some(broker_count), Some(broker)) if broker == 0 || broker > broker_count => {
                self.error(
                    format!("{path}.broker"),
                    sentence!(
                        "must be a broker of `{bus}`, from 1 to {broker_count}, not {broker}",
                        "muss ein Broker von `{bus}` sein, von 1 bis {broker_count}, nicht {broker}"
                    ),
                );
            }
            (Some(_), _) => {}
        }
    }

    /// Checks the settings of a command.
    pub(super) fn command_settings(&mut self, path: &str, command: &Command) {
        match command {
            Command::Operate { operation, .. } => self.operation(&format!("{path}operate.operation"), operation),
            Command::DisturbLink { loss, duplicate, delay, reorder, .. } => {
                self.probability(&format!("{path}disturb_link.loss"), *loss);
                self.probability(&format!("{path}disturb_link.duplicate"), *duplicate);
                self.probability(&format!("{path}disturb_link.reorder"), *reorder);
                if let Some(delay) = delay {
                    self.latency(&format!("{path}disturb_link.delay"), delay);
                }
            }
            Command::Partition { groups } => {
                let path = format!("{path}partition.groups");
                if groups.len() < 2 {
                    self.error(
                        &path,
                        sentence!(
                            "must have at least two groups, not {}",
                            "muss mindestens zwei Gruppen haben, nicht {}",
                            groups.len()
                        ),
                    );
                }
                let mut grouped = BTreeSet::new();
                for (i, group) in groups.iter().enumerate() {
                    for (j, node) in group.iter().enumerate() {
                        if !grouped.insert(node) {
                            self.error(
                                format!("{path}[{i}][{j}]"),
                                sentence!("`{node}` is already in a group", "`{node}` ist schon in einer Gruppe"),
                            );
                        }
                    }
                }
            }
            Command::SlowDown { factor, .. } => self.number(&format!("{path}slow_down.factor"), *factor, 0.001, 1e6),
            Command::SetClock { offset_ms, drift_ppm, .. } => {
                self.number(&format!("{path}set_clock.offset_ms"), *offset_ms, -1e9, 1e9);
                self.number(&format!("{path}set_clock.drift_ppm"), *drift_ppm, -1e5, 1e5);
            }
            Command::JumpClock { by_ms, .. } => self.number(&format!("{path}jump_clock.by_ms"), *by_ms, -1e9, 1e9),
            Command::CutLink { .. }
            | Command::HealLink { .. }
            | Command::Crash { .. }
            | Command::Restart { .. }
            | Command::Pause { .. }
            | Command::Resume { .. }
            | Command::StopBus { .. }
            | Command::StartBus { .. }
            | Command::StopBroker { .. }
            | Command::StartBroker { .. }
            | Command::Rebalance { .. }
            | Command::Redrive { .. }
            | Command::Purge { .. }
            | Command::HealAll => {}
        }
    }

    pub(super) fn backoff(&mut self, path: &str, backoff: &Backoff) {
        let (name, base, cap) = match backoff {
            Backoff::None => return,
            Backoff::Fixed { ms } => return self.duration(&format!("{path}.fixed.ms"), *ms),
            Backoff::Exponential { base_ms, cap_ms } => ("exponential", base_ms, cap_ms),
            Backoff::EqualJitter { base_ms, cap_ms } => ("equal_jitter", base_ms, cap_ms),
            Backoff::FullJitter { base_ms, cap_ms } => ("full_jitter", base_ms, cap_ms),
            Backoff::DecorrelatedJitter { base_ms, cap_ms } => ("decorrelated_jitter", base_ms, cap_ms),
        };
        self.number(&format!("{path}.{name}.base_ms"), *base, 0.0, MAX_MS);
        self.number(&format!("{path}.{name}.cap_ms"), *cap, 0.0, MAX_MS);
    }
}
