//! Steps of a script that repair what works, or break what is broken already.

use super::{SUBSCRIPTION, changed, paths, subscription};
use serde_json::{Value, json};

fn step(at_ms: u32, command: Value) -> (&'static str, Value) {
    ("/script/-", json!({ "at_ms": at_ms, "do": command }))
}

fn service(name: &str) -> Value {
    json!({ name: { "service": "b" } })
}

fn bus(name: &str) -> Value {
    json!({ name: { "bus": "bus" } })
}

fn link(name: &str) -> Value {
    json!({ name: { "from": "bus", "to": "b" } })
}

fn node(name: &str) -> Value {
    json!({ name: { "node": "b" } })
}

#[test]
fn a_repair_of_what_works_is_reported() {
    let repairs = [
        (service("restart"), ".restart"),
        (node("resume"), ".resume"),
        (link("heal_link"), ".heal_link"),
        (bus("start_bus"), ".start_bus"),
        (json!({ "slow_down": { "service": "b", "factor": 1 } }), ".slow_down"),
        (json!("heal_all"), ""),
    ];
    for (repair, path) in &repairs {
        assert_eq!(paths(&[step(7, repair.clone())]), [format!("script[1].do{path}")], "{repair}");
    }
    let replicated = ("/buses/0/replication", json!({ "replicas": 3 }));
    assert_eq!(paths(&[replicated, step(7, bus("start_broker"))]), ["script[1].do.start_broker"]);
}

#[test]
fn a_repair_of_what_the_script_broke_is_not_reported() {
    let slow = json!({ "slow_down": { "service": "b", "factor": 5 } });
    let usual = json!({ "slow_down": { "service": "b", "factor": 1 } });
    let cases = [
        (service("crash"), service("restart")),
        (node("pause"), node("resume")),
        (link("cut_link"), link("heal_link")),
        (json!({ "disturb_link": { "from": "bus", "to": "b", "loss": 0.5 } }), link("heal_link")),
        (json!({ "partition": { "groups": [["bus"], ["b"]] } }), link("heal_link")),
        (bus("stop_bus"), bus("start_bus")),
        (slow.clone(), usual),
    ];
    for (fault, repair) in cases {
        let found = paths(&[step(7, fault.clone()), step(8, repair.clone())]);
        assert_eq!(found, Vec::<String>::new(), "{fault} {repair}");
        assert_eq!(paths(&[step(7, fault.clone()), step(8, json!("heal_all"))]), Vec::<String>::new(), "{fault}");
        // The order of the steps is that of their times.
        let found = paths(&[step(8, repair.clone()), step(7, fault.clone())]);
        assert_eq!(found, Vec::<String>::new(), "{repair} {fault}");
        let found = paths(&[step(6, repair.clone()), step(7, fault.clone())]);
        assert_eq!(found.len(), 1, "{repair} {fault}: {found:?}");
        // After a repair of everything, there is nothing left to repair.
        let found = paths(&[step(7, fault), step(8, json!("heal_all")), step(9, repair.clone())]);
        assert_eq!(found.len(), 1, "{repair}: {found:?}");
    }
    let replicated = ("/buses/0/replication", json!({ "replicas": 3 }));
    for repair in [bus("start_broker"), bus("start_bus"), json!("heal_all")] {
        let found = paths(&[replicated.clone(), step(7, bus("stop_broker")), step(8, repair.clone())]);
        assert_eq!(found, Vec::<String>::new(), "{repair}");
    }
}

#[test]
fn a_fault_of_what_is_broken_already_is_reported() {
    for (fault, path) in [(service("crash"), "crash"), (node("pause"), "pause"), (bus("stop_bus"), "stop_bus")] {
        assert_eq!(paths(&[step(7, fault.clone()), step(8, fault)]), [format!("script[2].do.{path}")]);
    }
    let slow = json!({ "slow_down": { "service": "b", "factor": 5 } });
    assert_eq!(paths(&[step(7, slow.clone()), step(8, slow)]), ["script[2].do.slow_down"]);
    let limited = (SUBSCRIPTION, subscription(&json!({ "max_deliveries": 3 })));
    for name in ["redrive", "purge"] {
        let command = json!({ name: { "bus": "bus", "service": "b" } });
        let found = paths(&[limited.clone(), step(7, bus("stop_bus")), step(8, command)]);
        assert_eq!(found, [format!("script[2].do.{name}")]);
    }
}

#[test]
fn a_repair_that_one_branch_needs_is_not_reported() {
    let crash = json!({ "name": "down", "script": [{ "at_ms": 6, "do": service("crash") }] });
    let found = paths(&[step(7, service("restart")), ("/branches", json!([crash]))]);
    assert_eq!(found, Vec::<String>::new());
    let other = json!({ "name": "up", "script": [{ "at_ms": 6, "do": service("restart") }] });
    let warnings = changed(&[("/branches", json!([other]))]).warnings();
    let warnings: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(warnings, ["branches[0].script[0].do.restart"]);
}
