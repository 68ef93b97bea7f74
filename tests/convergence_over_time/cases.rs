//! Verdicts that random systems have shown to be wrong, each in a small system.

use super::{END_MS, contradiction};
use converge::analysis::Convergence;
use converge::scenario::{Scenario, micros};
use converge::session::Run;
use serde_json::{Value as Json, json};

/// A group of three with a client, which does this.
pub(super) fn found_group(data: Json, protocol: Json, route: &str, seed: u64, client: Json, script: Json) -> Json {
    json!({
        "converge": 1,
        "seed": seed,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [{ "id": "a" }, { "id": "b" }, { "id": "d" }],
        "clients": [{ "id": "c", "target": "g", "route": route, "timeout_ms": 300, "script": client }],
        "groups": [{ "id": "g", "members": ["a", "b", "d"], "data": data, "protocol": protocol }],
        "script": script,
    })
}

pub(super) fn cut(at_ms: u32, from: &str, to: &str, one_way: bool) -> Json {
    json!({ "at_ms": at_ms, "do": { "cut_link": { "from": from, "to": to, "one_way": one_way } } })
}

pub(super) fn write(at_ms: u32) -> Json {
    json!({ "at_ms": at_ms, "do": { "write": { "key": "x", "value": at_ms } } })
}

#[test]
fn members_that_take_over_from_each_other_for_ever_are_not_converging() {
    let register = json!({ "register": {} });
    let failover = json!({ "primary": { "acknowledgements": 0, "failover_ms": 300 } });
    let script = json!([cut(50, "a", "b", false)]);
    let primary = found_group(register.clone(), failover, "primary", 0, json!([write(499)]), script);
    let script = json!([cut(534, "a", "b", true), cut(50, "b", "d", true)]);
    let raft = found_group(register, json!({ "raft": {} }), "primary", 291, json!([write(720)]), script);
    assert_eq!((contradiction(&primary), contradiction(&raft)), (None, None));
}

#[test]
fn a_read_at_a_coordinator_that_cannot_reach_a_member_does_not_repair_it() {
    let quorum = json!({ "quorum": { "read": 1, "write": 1, "read_repair": "blocking" } });
    let client = json!([
        { "at_ms": 569, "do": { "add": { "element": 569, "key": "x" } } }, { "at_ms": 2500, "do": { "read": { "key": "x" } } }
    ]);
    let document = found_group(json!("set"), quorum, "sticky", 0, client, json!([cut(50, "b", "d", false)]));
    assert_eq!(contradiction(&document), None);
}

#[test]
fn a_hint_of_an_older_write_does_not_bring_a_newer_one() {
    let quorum = json!({ "quorum": { "read": 1, "write": 1, "hints": { "every_ms": 200 }, "write_back": true, "timeout_ms": 100 } });
    let client = json!([write(1316), write(682), write(100)]);
    let script = json!([
        { "at_ms": 50, "do": { "crash": { "service": "b" } } }, { "at_ms": 1320, "do": { "crash": { "service": "a" } } },
        { "at_ms": 2007, "do": "heal_all" }
    ]);
    assert_eq!(contradiction(&found_group(json!({ "register": {} }), quorum, "any", 327, client, script)), None);
}

#[test]
fn a_callee_that_applied_a_write_which_its_caller_gave_up_has_diverged() {
    let call = |to: &str| json!({ "to": to, "timeout_ms": 50 });
    let document = json!({
        "converge": 1,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [
            { "id": "api", "data": { "x": 0 }, "calls": [call("w"), call("v")] },
            { "id": "w", "data": { "x": 0 } }, { "id": "v", "data": { "x": 0 } }
        ],
        "clients": [{ "id": "c", "target": "api", "timeout_ms": 100, "script": [write(100), write(908)] }],
        "script": [{ "at_ms": 500, "do": { "crash": { "service": "v" } } }],
    });
    assert_eq!(contradiction(&document), None);
    let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
    let mut run = Run::new(&scenario);
    run.complete(micros(scenario.until_ms));
    assert!(matches!(run.convergence(&scenario), Convergence::WillNotConverge(_)));
}

/// A writer whose events two services overwrite, or add if they increment.
pub(super) fn found_messaging(effect: &str, processing_ms: u32, script: Json) -> Json {
    let subscription = json!({
        "to": "q", "effect": effect, "ack_deadline_ms": 500, "processing": { "constant": { "ms": processing_ms } },
    });
    let operation = |at: u32| match effect {
        "increment" => json!({ "at_ms": at, "do": { "increment": { "key": "n", "by": 1 } } }),
        _ => json!({ "at_ms": at, "do": { "write": { "key": "n", "value": at } } }),
    };
    json!({
        "converge": 1,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [
            { "id": "api", "data": { "n": 0 }, "publishes": [{ "to": "q" }] },
            { "id": "w", "data": { "n": 0 }, "subscribes": [subscription] },
            { "id": "v", "data": { "n": 0 }, "subscribes": [subscription] },
        ],
        "clients": [{ "id": "c", "target": "api", "timeout_ms": 100, "script": [operation(390), operation(470)] }],
        "buses": [{ "id": "q" }],
        "script": script,
    })
}

#[test]
fn events_that_overwrite_in_any_order_are_not_called_converging() {
    let script = json!([cut(50, "q", "w", true), { "at_ms": 2900, "do": "heal_all" }]);
    assert_eq!(contradiction(&found_messaging("overwrite", 1, script)), None);
}

#[test]
fn the_explanation_of_a_doubled_increment_names_the_fault_that_lost_the_acknowledgement() {
    // The first event is applied at 441 ms, and its acknowledgement is due at 444 ms.
    let lost_on_the_way = json!([cut(420, "w", "q", true), { "at_ms": 450, "do": "heal_all" }]);
    let lost_at_the_bus = json!([
        { "at_ms": 442, "do": { "stop_bus": { "bus": "q" } } }, { "at_ms": 460, "do": { "start_bus": { "bus": "q" } } }
    ]);
    for (script, fault) in [(lost_on_the_way, "LinkCut"), (lost_at_the_bus, "BusStopped")] {
        let document = found_messaging("increment", 40, script);
        let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
        let mut run = Run::new(&scenario);
        run.complete(micros(scenario.until_ms));
        let context = run.context(&scenario);
        let (node, key) = (crate::common::runs::node(&run, "w"), context.names.find_key(None, "n").expect("the key"));
        let why = context.explain(node, key);
        let steps = why.first().map(|why| why.steps.clone()).unwrap_or_default();
        let facts: Vec<String> = steps
            .iter()
            .filter_map(|step| context.trace.get(*step))
            .map(|record| format!("{:?}", record.fact))
            .collect();
        assert!(facts.iter().any(|name| name.starts_with(fault)), "{fault}: {why:?} {facts:?}");
        assert!(facts.iter().any(|name| name.starts_with("EventSent")), "{facts:?}");
    }
}
