//! Fields of a command: an operation or a fault.

use super::{Field, FieldsAt, bus_ids, labelled, latency, node_ids, operation, service_ids};
use crate::scenario::{Command, Latency, Operation, Scenario};
use serde_json::{Value as Json, json};

/// Returns the fields of a command: its kind, then its settings.
pub(super) fn fields(scenario: &Scenario, at: &FieldsAt, command: &Command) -> Vec<Field> {
    let form = CommandForm::new(scenario, at.to("do"));
    let (chosen, settings) = form.settings(command);
    let mut fields = vec![at.choice("do", "Does", form.kinds(scenario), chosen, "The command of this step.")];
    fields.extend(settings);
    fields
}

/// Builds the fields of a command.
struct CommandForm {
    /// The path of the command.
    at: FieldsAt,
    services: Vec<(String, String)>,
    buses: Vec<(String, String)>,
    nodes: Vec<(String, String)>,
}

impl CommandForm {
    fn new(scenario: &Scenario, at: FieldsAt) -> CommandForm {
        let (services, buses) = (labelled(scenario, service_ids(scenario)), labelled(scenario, bus_ids(scenario)));
        let nodes = labelled(scenario, node_ids(scenario));
        CommandForm { at, services, buses, nodes }
    }

    /// Returns the kinds of commands, each with an example that fits the drawing.
    fn kinds(&self, scenario: &Scenario) -> Vec<(&'static str, Json)> {
        let id =
            |nodes: &[(String, String)], index: usize| nodes.get(index).map(|(_, id)| id.clone()).unwrap_or_default();
        let (service, bus) = (id(&self.services, 0), id(&self.buses, 0));
        let (from, to) = (id(&self.nodes, 0), id(&self.nodes, 1));
        let replicated = scenario.buses.iter().find(|bus| bus.replication.is_some()).map_or(&bus, |bus| &bus.id);
        let write = json!({ "write": { "key": "widget", "value": 1 } });
        let mut kinds = vec![
            ("operate", json!({ "operate": { "service": service, "operation": write } })),
            ("cut link", json!({ "cut_link": { "from": from, "to": to } })),
            ("heal link", json!({ "heal_link": { "from": from, "to": to } })),
            ("disturb link", json!({ "disturb_link": { "from": from, "to": to, "loss": 0.2 } })),
            ("partition", json!({ "partition": { "groups": [[from], [to]] } })),
            ("crash", json!({ "crash": { "service": service } })),
            ("restart", json!({ "restart": { "service": service } })),
            ("pause", json!({ "pause": { "node": from } })),
            ("resume", json!({ "resume": { "node": from } })),
            ("slow down", json!({ "slow_down": { "service": service, "factor": 10 } })),
            ("set clock", json!({ "set_clock": { "service": service, "offset_ms": 50 } })),
            ("jump clock", json!({ "jump_clock": { "service": service, "by_ms": -100 } })),
        ];
        if !self.buses.is_empty() {
            kinds.extend([
                ("stop bus", json!({ "stop_bus": { "bus": bus } })),
                ("start bus", json!({ "start_bus": { "bus": bus } })),
                ("stop broker", json!({ "stop_broker": { "bus": replicated } })),
                ("start broker", json!({ "start_broker": { "bus": replicated } })),
                ("rebalance", json!({ "rebalance": { "bus": bus } })),
                ("redrive", json!({ "redrive": { "bus": bus, "service": service } })),
                ("purge", json!({ "purge": { "bus": bus, "service": service } })),
            ]);
        }
        kinds.push(("heal all", json!("heal_all")));
        kinds
    }

    /// Returns the label of a command's kind and the fields of its settings.
    fn settings(&self, command: &Command) -> (&'static str, Vec<Field>) {
        match command {
            Command::Operate { service, operation, poison } => ("operate", self.operate(service, operation, *poison)),
            Command::CutLink { from, to, one_way } => ("cut link", self.ends("cut_link", from, to, *one_way)),
            Command::HealLink { from, to, one_way } => ("heal link", self.ends("heal_link", from, to, *one_way)),
            Command::DisturbLink { from, to, one_way, loss, duplicate, delay, reorder } => {
                let mut fields = self.ends("disturb_link", from, to, *one_way);
                fields.extend(self.disturbance(*loss, *duplicate, *reorder, delay.as_ref()));
                ("disturb link", fields)
            }
            Command::Partition { groups } => ("partition", vec![self.partition(groups)]),
            Command::Crash { service, lose_disk } => {
                ("crash", vec![self.service("crash", service), self.disk("crash", *lose_disk)])
            }
            Command::Restart { service } => ("restart", vec![self.service("restart", service)]),
            Command::Pause { node } => ("pause", vec![self.node("pause", node)]),
            Command::Resume { node } => ("resume", vec![self.node("resume", node)]),
            Command::SlowDown { service, factor } => {
                ("slow down", vec![self.service("slow_down", service), self.slowdown(*factor)])
            }
            Command::SetClock { service, offset_ms, drift_ppm } => {
                ("set clock", self.clock(service, *offset_ms, *drift_ppm))
            }
            Command::JumpClock { service, by_ms } => {
                let by = self.at.to("jump_clock").number("by_ms", "By", "ms", *by_ms, "May be negative.");
                ("jump clock", vec![self.service("jump_clock", service), by])
            }
            Command::StopBus { bus, lose_unflushed } => ("stop bus", self.stopped_bus(bus, *lose_unflushed)),
            Command::StartBus { bus } => ("start bus", vec![self.bus("start_bus", bus)]),
            Command::StopBroker { bus, broker, lose_disk } => {
                let help = "The broker's number, from 1; empty: the leader.";
                let (bus, broker) = (self.bus("stop_broker", bus), self.broker("stop_broker", *broker, help));
                ("stop broker", vec![bus, broker, self.disk("stop_broker", *lose_disk)])
            }
            Command::StartBroker { bus, broker } => {
                let help = "The broker's number, from 1; empty: all brokers.";
                ("start broker", vec![self.bus("start_broker", bus), self.broker("start_broker", *broker, help)])
            }
            Command::Rebalance { bus } => ("rebalance", vec![self.bus("rebalance", bus)]),
            Command::Redrive { bus, service } => {
                ("redrive", vec![self.bus("redrive", bus), self.service("redrive", service)])
            }
            Command::Purge { bus, service } => ("purge", vec![self.bus("purge", bus), self.service("purge", service)]),
            Command::HealAll => ("heal all", Vec::new()),
        }
    }

    fn operate(&self, service: &str, operation: &Operation, poison: bool) -> Vec<Field> {
        let at = self.at.to("operate");
        let mut fields = vec![self.service("operate", service)];
        fields.extend(operation::fields(&at, "operation", operation));
        fields.push(at.toggle("poison", "Poison", poison, "No consumer can process the update's event."));
        fields
    }

    fn disturbance(&self, loss: f64, duplicate: f64, reorder: f64, delay: Option<&Latency>) -> Vec<Field> {
        let at = self.at.to("disturb_link");
        let twice = "The probability that a message is delivered twice.";
        let mut fields = vec![
            at.percent("loss", "Loss", loss, "The probability that a message is lost."),
            at.percent("duplicate", "Duplication", duplicate, twice),
            at.percent("reorder", "Reordering", reorder, "The probability that a message is overtaken."),
        ];
        if let Some(delay) = delay {
            fields.extend(latency::fields(&at, "delay", "Delay", delay));
        } else {
            let choices = vec![("none", json!(null)), ("longer", json!({ "constant": { "ms": 100 } }))];
            fields.push(at.choice("delay", "Delay", choices, "none", "Additional latency of each message."));
        }
        fields
    }

    fn partition(&self, groups: &[Vec<String>]) -> Field {
        let help = "Separate nodes by commas and groups by bars: a, b | c. Every link between two groups is cut.";
        self.at.to("partition").groups("groups", "Groups", self.nodes.clone(), groups, help)
    }

    fn slowdown(&self, factor: f64) -> Field {
        let help = "The factor by which its work takes longer; 1: as configured.";
        self.at.to("slow_down").number("factor", "Slowdown", "×", factor, help)
    }

    fn clock(&self, service: &str, offset_ms: f64, drift_ppm: f64) -> Vec<Field> {
        let at = self.at.to("set_clock");
        let offset = at.number("offset_ms", "Offset", "ms", offset_ms, "How far its clock is ahead of real time.");
        let drift = at.number("drift_ppm", "Drift", "ppm", drift_ppm, "How much too fast it runs.");
        vec![self.service("set_clock", service), offset, drift]
    }

    fn stopped_bus(&self, bus: &str, lose_unflushed: bool) -> Vec<Field> {
        let help = "Events that it has not flushed are lost.";
        let unflushed = self.at.to("stop_bus").toggle("lose_unflushed", "Loses unflushed", lose_unflushed, help);
        vec![self.bus("stop_bus", bus), unflushed]
    }

    fn disk(&self, command: &str, lose_disk: bool) -> Field {
        self.at.to(command).toggle("lose_disk", "Loses its disk", lose_disk, "The data on its disk is lost too.")
    }

    fn broker(&self, command: &str, broker: Option<u32>, help: &'static str) -> Field {
        self.at.to(command).optional("broker", "Broker", "", broker.map(f64::from), help)
    }

    fn service(&self, command: &str, id: &str) -> Field {
        self.at.to(command).id("service", "Service", self.services.clone(), id, "The service.")
    }

    fn bus(&self, command: &str, id: &str) -> Field {
        self.at.to(command).id("bus", "Bus", self.buses.clone(), id, "The bus.")
    }

    fn node(&self, command: &str, id: &str) -> Field {
        self.at.to(command).id("node", "Node", self.nodes.clone(), id, "The node.")
    }

    /// Returns the fields of a link's ends and direction.
    fn ends(&self, command: &str, from: &str, to: &str, one_way: bool) -> Vec<Field> {
        let at = self.at.to(command);
        vec![
            at.id("from", "From", self.nodes.clone(), from, "The sender."),
            at.id("to", "To", self.nodes.clone(), to, "The receiver."),
            at.toggle("one_way", "One way", one_way, "Only this direction; otherwise both."),
        ]
    }
}
