//! Fields of a command: an operation or a fault.

use super::{Field, FieldsAt, bus_ids, labelled, latency, node_ids, operation, service_ids};
use crate::scenario::{Command, Latency, Operation, Scenario};
use crate::text;
use serde_json::{Value as Json, json};

/// Returns the fields of a command: its kind, then its settings.
pub(super) fn fields(scenario: &Scenario, at: &FieldsAt, command: &Command) -> Vec<Field> {
    let form = CommandForm::new(scenario, at.to("do"));
    let (chosen, settings) = form.settings(command);
    let mut fields =
        vec![at.choice("do", text!("Does"), form.kinds(scenario), chosen, text!("The command of this step."))];
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
            (text!("operate"), json!({ "operate": { "service": service, "operation": write } })),
            (text!("cut link"), json!({ "cut_link": { "from": from, "to": to } })),
            (text!("heal link"), json!({ "heal_link": { "from": from, "to": to } })),
            (text!("disturb link"), json!({ "disturb_link": { "from": from, "to": to, "loss": 0.2 } })),
            (text!("partition"), json!({ "partition": { "groups": [[from], [to]] } })),
            (text!("crash"), json!({ "crash": { "service": service } })),
            (text!("restart"), json!({ "restart": { "service": service } })),
            (text!("freeze"), json!({ "pause": { "node": from } })),
            (text!("unfreeze"), json!({ "resume": { "node": from } })),
            (text!("slow down"), json!({ "slow_down": { "service": service, "factor": 10 } })),
            (text!("set clock"), json!({ "set_clock": { "service": service, "offset_ms": 50 } })),
            (text!("jump clock"), json!({ "jump_clock": { "service": service, "by_ms": -100 } })),
        ];
        if !self.buses.is_empty() {
            kinds.extend([
                (text!("stop bus"), json!({ "stop_bus": { "bus": bus } })),
                (text!("start bus"), json!({ "start_bus": { "bus": bus } })),
                (text!("stop broker"), json!({ "stop_broker": { "bus": replicated } })),
                (text!("start broker"), json!({ "start_broker": { "bus": replicated } })),
                (text!("rebalance"), json!({ "rebalance": { "bus": bus } })),
                (text!("redrive"), json!({ "redrive": { "bus": bus, "service": service } })),
                (text!("purge"), json!({ "purge": { "bus": bus, "service": service } })),
            ]);
        }
        kinds.push((text!("heal all"), json!("heal_all")));
        kinds
    }

    /// Returns the label of a command's kind and the fields of its settings.
    fn settings(&self, command: &Command) -> (&'static str, Vec<Field>) {
        match command {
            Command::Operate { service, operation, poison } => {
                (text!("operate"), self.operate(service, operation, *poison))
            }
            Command::CutLink { from, to, one_way } => (text!("cut link"), self.ends("cut_link", from, to, *one_way)),
            Command::HealLink { from, to, one_way } => (text!("heal link"), self.ends("heal_link", from, to, *one_way)),
            Command::DisturbLink { from, to, one_way, loss, duplicate, delay, reorder } => {
                let mut fields = self.ends("disturb_link", from, to, *one_way);
                fields.extend(self.disturbance(*loss, *duplicate, *reorder, delay.as_ref()));
                (text!("disturb link"), fields)
            }
            Command::Partition { groups } => (text!("partition"), vec![self.partition(groups)]),
            Command::Crash { service, lose_disk } => {
                (text!("crash"), vec![self.service("crash", service), self.disk("crash", *lose_disk)])
            }
            Command::Restart { service } => (text!("restart"), vec![self.service("restart", service)]),
            Command::Pause { node } => (text!("freeze"), vec![self.node("pause", node)]),
            Command::Resume { node } => (text!("unfreeze"), vec![self.node("resume", node)]),
            Command::SlowDown { service, factor } => {
                (text!("slow down"), vec![self.service("slow_down", service), self.slowdown(*factor)])
            }
            Command::SetClock { service, offset_ms, drift_ppm } => {
                (text!("set clock"), self.clock(service, *offset_ms, *drift_ppm))
            }
            Command::JumpClock { service, by_ms } => {
                let by = self.at.to("jump_clock").number("by_ms", text!("By"), "ms", *by_ms, text!("May be negative."));
                (text!("jump clock"), vec![self.service("jump_clock", service), by])
            }
            Command::StopBus { bus, lose_unflushed } => (text!("stop bus"), self.stopped_bus(bus, *lose_unflushed)),
            Command::StartBus { bus } => (text!("start bus"), vec![self.bus("start_bus", bus)]),
            Command::StopBroker { bus, broker, lose_disk } => {
                let help = text!("The broker's number, from 1; empty: the leader.");
                let (bus, broker) = (self.bus("stop_broker", bus), self.broker("stop_broker", *broker, help));
                (text!("stop broker"), vec![bus, broker, self.disk("stop_broker", *lose_disk)])
            }
            Command::StartBroker { bus, broker } => {
                let help = text!("The broker's number, from 1; empty: all brokers.");
                (text!("start broker"), vec![self.bus("start_broker", bus), self.broker("start_broker", *broker, help)])
            }
            Command::Rebalance { bus } => (text!("rebalance"), vec![self.bus("rebalance", bus)]),
            Command::Redrive { bus, service } => {
                (text!("redrive"), vec![self.bus("redrive", bus), self.service("redrive", service)])
            }
            Command::Purge { bus, service } => {
                (text!("purge"), vec![self.bus("purge", bus), self.service("purge", service)])
            }
            Command::HealAll => (text!("heal all"), Vec::new()),
        }
    }

    fn operate(&self, service: &str, operation: &Operation, poison: bool) -> Vec<Field> {
        let at = self.at.to("operate");
        let mut fields = vec![self.service("operate", service)];
        fields.extend(operation::fields(&at, "operation", operation));
        fields.push(at.toggle("poison", text!("Poison"), poison, text!("No consumer can process the update's event.")));
        fields
    }

    fn disturbance(&self, loss: f64, duplicate: f64, reorder: f64, delay: Option<&Latency>) -> Vec<Field> {
        let at = self.at.to("disturb_link");
        let twice = text!("The probability that a message is delivered twice.");
        let mut fields = vec![
            at.percent("loss", text!("Loss"), loss, text!("The probability that a message is lost.")),
            at.percent("duplicate", text!("Duplication"), duplicate, twice),
            at.percent("reorder", text!("Reordering"), reorder, text!("The probability that a message is overtaken.")),
        ];
        if let Some(delay) = delay {
            fields.extend(latency::fields(&at, "delay", text!("Delay"), delay));
        } else {
            let choices = vec![(text!("none"), json!(null)), (text!("longer"), json!({ "constant": { "ms": 100 } }))];
            fields.push(at.choice(
                "delay",
                text!("Delay"),
                choices,
                text!("none"),
                text!("Additional latency of each message."),
            ));
        }
        fields
    }

    fn partition(&self, groups: &[Vec<String>]) -> Field {
        let help =
            text!("Separate nodes by commas and groups by bars: a, b | c. Every link between two groups is cut.");
        self.at.to("partition").groups("groups", text!("Groups"), self.nodes.clone(), groups, help)
    }

    fn slowdown(&self, factor: f64) -> Field {
        let help = text!("The factor by which its work takes longer; 1: as configured.");
        self.at.to("slow_down").number("factor", text!("Slowdown"), "×", factor, help)
    }

    fn clock(&self, service: &str, offset_ms: f64, drift_ppm: f64) -> Vec<Field> {
        let at = self.at.to("set_clock");
        let offset =
            at.number("offset_ms", text!("Offset"), "ms", offset_ms, text!("How far its clock is ahead of real time."));
        let drift = at.number("drift_ppm", text!("Drift"), "ppm", drift_ppm, text!("How much too fast it runs."));
        vec![self.service("set_clock", service), offset, drift]
    }

    fn stopped_bus(&self, bus: &str, lose_unflushed: bool) -> Vec<Field> {
        let help = text!("Events that it has not flushed are lost.");
        let unflushed = self.at.to("stop_bus").toggle("lose_unflushed", text!("Loses unflushed"), lose_unflushed, help);
        vec![self.bus("stop_bus", bus), unflushed]
    }

    fn disk(&self, command: &str, lose_disk: bool) -> Field {
        self.at.to(command).toggle(
            "lose_disk",
            text!("Loses its disk"),
            lose_disk,
            text!("The data on its disk is lost too."),
        )
    }

    fn broker(&self, command: &str, broker: Option<u32>, help: &'static str) -> Field {
        self.at.to(command).optional("broker", text!("Broker"), "", broker.map(f64::from), help)
    }

    fn service(&self, command: &str, id: &str) -> Field {
        self.at.to(command).id("service", text!("Service"), self.services.clone(), id, text!("The service."))
    }

    fn bus(&self, command: &str, id: &str) -> Field {
        self.at.to(command).id("bus", text!("Bus"), self.buses.clone(), id, text!("The bus."))
    }

    fn node(&self, command: &str, id: &str) -> Field {
        self.at.to(command).id("node", text!("Node"), self.nodes.clone(), id, text!("The node."))
    }

    /// Returns the fields of a link's ends and direction.
    fn ends(&self, command: &str, from: &str, to: &str, one_way: bool) -> Vec<Field> {
        let at = self.at.to(command);
        vec![
            at.id("from", text!("From"), self.nodes.clone(), from, text!("The sender.")),
            at.id("to", text!("To"), self.nodes.clone(), to, text!("The receiver.")),
            at.toggle("one_way", text!("One way"), one_way, text!("Only this direction; otherwise both.")),
        ]
    }
}
