//! Fields of a command: an operation or a fault.

use super::{Field, FieldsAt, bus_ids, latency, node_ids, operation, service_ids};
use crate::scenario::{Command, Latency, Scenario};
use serde_json::json;

/// Returns the fields of a command: its kind, then its settings.
pub(super) fn fields(scenario: &Scenario, at: &FieldsAt, command: &Command) -> Vec<Field> {
    let (services, buses, nodes) = (service_ids(scenario), bus_ids(scenario), node_ids(scenario));
    let first = |ids: &[String]| ids.first().cloned().unwrap_or_default();
    let (service, bus, from) = (first(&services), first(&buses), first(&nodes));
    let replicated = scenario.buses.iter().find(|bus| bus.replication.is_some()).map_or(&bus, |bus| &bus.id);
    let to = nodes.get(1).cloned().unwrap_or_default();
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
        ("clock jumps", json!({ "jump_clock": { "service": service, "by_ms": -100 } })),
    ];
    if !buses.is_empty() {
        kinds.extend([
            ("bus outage", json!({ "stop_bus": { "bus": bus } })),
            ("bus back", json!({ "start_bus": { "bus": bus } })),
            ("stop broker", json!({ "stop_broker": { "bus": replicated } })),
            ("broker back", json!({ "start_broker": { "bus": replicated } })),
            ("rebalance", json!({ "rebalance": { "bus": bus } })),
            ("redrive", json!({ "redrive": { "bus": bus, "service": service } })),
            ("purge", json!({ "purge": { "bus": bus, "service": service } })),
        ]);
    }
    kinds.push(("heal all", json!("heal_all")));
    let place = at.to("do");
    let ends = |at: &FieldsAt, from: &str, to: &str, one_way: bool| {
        let from = at.id("from", "From", nodes.clone(), from, "The sender.");
        let to = at.id("to", "To", nodes.clone(), to, "The receiver.");
        vec![from, to, at.toggle("one_way", "One way", one_way, "Only this direction; otherwise both.")]
    };
    let one = |at: &FieldsAt, id: &str| at.id("service", "Service", services.clone(), id, "The service.");
    let node = |at: &FieldsAt, id: &str| at.id("node", "Node", nodes.clone(), id, "The node.");
    let broker = |at: &FieldsAt, id: &str| at.id("bus", "Bus", buses.clone(), id, "The bus.");
    let (chosen, details) = match command {
        Command::Operate { service, operation, poison } => {
            let here = place.to("operate");
            let mut fields = vec![one(&here, service)];
            fields.extend(operation::fields(&here, "operation", operation));
            fields.push(here.toggle("poison", "Poison", *poison, "No consumer can process the update's event."));
            ("operate", fields)
        }
        Command::CutLink { from, to, one_way } => ("cut link", ends(&place.to("cut_link"), from, to, *one_way)),
        Command::HealLink { from, to, one_way } => ("heal link", ends(&place.to("heal_link"), from, to, *one_way)),
        Command::DisturbLink { from, to, one_way, loss, duplicate, delay, reorder } => {
            let here = place.to("disturb_link");
            let mut fields = ends(&here, from, to, *one_way);
            fields.push(here.percent("loss", "Loss", *loss, "The probability that a message is lost."));
            fields.push(here.percent(
                "duplicate",
                "Duplication",
                *duplicate,
                "The probability that a message is delivered twice.",
            ));
            fields.push(here.percent(
                "reorder",
                "Reordering",
                *reorder,
                "The probability that a message is overtaken.",
            ));
            fields.extend(more_delay(&here, delay.as_ref()));
            ("disturb link", fields)
        }
        Command::Partition { groups } => {
            let help = "Separate nodes by commas and groups by bars: a, b | c. Every link between two groups is cut.";
            ("partition", vec![place.to("partition").groups("groups", "Groups", groups, help)])
        }
        Command::Crash { service, lose_disk } => {
            let here = place.to("crash");
            let disk = here.toggle("lose_disk", "Loses its disk", *lose_disk, "The data on its disk is lost too.");
            ("crash", vec![one(&here, service), disk])
        }
        Command::Restart { service } => ("restart", vec![one(&place.to("restart"), service)]),
        Command::Pause { node: id } => ("pause", vec![node(&place.to("pause"), id)]),
        Command::Resume { node: id } => ("resume", vec![node(&place.to("resume"), id)]),
        Command::SlowDown { service, factor } => {
            let here = place.to("slow_down");
            let factor = here.number(
                "factor",
                "Slowdown",
                "×",
                *factor,
                "The factor by which its work takes longer; 1: as configured.",
            );
            ("slow down", vec![one(&here, service), factor])
        }
        Command::SetClock { service, offset_ms, drift_ppm } => {
            let here = place.to("set_clock");
            let offset =
                here.number("offset_ms", "Offset", "ms", *offset_ms, "How far its clock is ahead of real time.");
            let drift = here.number("drift_ppm", "Drift", "ppm", *drift_ppm, "How much too fast it runs.");
            ("set clock", vec![one(&here, service), offset, drift])
        }
        Command::JumpClock { service, by_ms } => {
            let here = place.to("jump_clock");
            ("clock jumps", vec![one(&here, service), here.number("by_ms", "By", "ms", *by_ms, "May be negative.")])
        }
        Command::StopBus { bus, lose_unflushed } => {
            let here = place.to("stop_bus");
            let lost = "Events that it has not flushed are lost.";
            (
                "bus outage",
                vec![broker(&here, bus), here.toggle("lose_unflushed", "Loses unflushed", *lose_unflushed, lost)],
            )
        }
        Command::StartBus { bus } => ("bus back", vec![broker(&place.to("start_bus"), bus)]),
        Command::StopBroker { bus, broker: number, lose_disk } => {
            let here = place.to("stop_broker");
            let which = here.optional(
                "broker",
                "Broker",
                "",
                number.map(f64::from),
                "The broker's number, from 1; empty: the leader.",
            );
            let disk = here.toggle("lose_disk", "Loses its disk", *lose_disk, "The events on its disk are lost.");
            ("stop broker", vec![broker(&here, bus), which, disk])
        }
        Command::StartBroker { bus, broker: number } => {
            let here = place.to("start_broker");
            let which = here.optional(
                "broker",
                "Broker",
                "",
                number.map(f64::from),
                "The broker's number, from 1; empty: all brokers.",
            );
            ("broker back", vec![broker(&here, bus), which])
        }
        Command::Rebalance { bus } => ("rebalance", vec![broker(&place.to("rebalance"), bus)]),
        Command::Redrive { bus, service } => {
            let here = place.to("redrive");
            ("redrive", vec![broker(&here, bus), one(&here, service)])
        }
        Command::Purge { bus, service } => {
            let here = place.to("purge");
            ("purge", vec![broker(&here, bus), one(&here, service)])
        }
        Command::HealAll => ("heal all", Vec::new()),
    };
    let mut fields = vec![at.choice("do", "Does", kinds, chosen, "The command of this step.")];
    fields.extend(details);
    fields
}

fn more_delay(at: &FieldsAt, delay: Option<&Latency>) -> Vec<Field> {
    match delay {
        Some(delay) => latency::fields(at, "delay", "Delay", delay),
        None => {
            let choices = vec![("none", json!(null)), ("longer", json!({ "constant": { "ms": 100 } }))];
            vec![at.choice("delay", "Delay", choices, "none", "Additional latency of each message.")]
        }
    }
}
