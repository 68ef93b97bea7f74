//! Verdicts that random systems have shown to be wrong, each in a small system: requests, promises, queues and brokers.

use super::cases::{cut, found_group, found_messaging, write};
use super::{END_MS, contradiction};
use serde_json::{Value as Json, json};

pub(super) fn at(at_ms: u32, command: Json) -> Json {
    json!({ "at_ms": at_ms, "do": command })
}

pub(super) fn crash(at_ms: u32, service: &str, lose_disk: bool) -> Json {
    at(at_ms, json!({ "crash": { "service": service, "lose_disk": lose_disk } }))
}

pub(super) fn operate(at_ms: u32, operation: Json) -> Json {
    at(at_ms, json!({ "operate": { "service": "api", "operation": operation } }))
}

pub(super) fn add(key: &str) -> Json {
    json!({ "increment": { "key": key, "by": 1 } })
}

/// A service that calls two others, with a client.
fn found_calls(two_phase: bool, own: bool, service_time_ms: u32, client: Json, script: Json) -> Json {
    let call = |to: &str, key: &str| match own {
        true => json!({ "to": to, "timeout_ms": 300, "do": add(key) }),
        false => json!({ "to": to, "timeout_ms": 300 }),
    };
    let service = |id: &str, key: &str| {
        let data = json!({ if own { key } else { "x" }: 0 });
        json!({ "id": id, "data": data, "service_time": { "constant": { "ms": service_time_ms } } })
    };
    let mut api = service("api", "x");
    api["calls"] = json!([call("w", "m"), call("v", "p")]);
    api["commit"] = json!(if two_phase { "two_phase" } else { "one_by_one" });
    json!({
        "converge": 1,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [api, service("w", "m"), service("v", "p")],
        "clients": [{ "id": "c", "target": "api", "timeout_ms": 100, "script": client }],
        "script": script,
    })
}

#[test]
fn copies_have_not_converged_while_a_service_handles_a_request_that_its_client_gave_up() {
    let script = json!([operate(100, json!({ "write": { "key": "x", "value": 100 } }))]);
    let slow = found_calls(true, false, 100, json!([write(1845)]), script);
    let script = json!([at(50, json!({ "pause": { "node": "v" } })), at(2011, json!("heal_all"))]);
    let frozen = found_calls(false, true, 40, json!([at(1224, add("x"))]), script);
    assert_eq!((contradiction(&slow), contradiction(&frozen)), (None, None));
}

#[test]
fn a_caller_that_was_paused_may_have_given_up_what_its_callees_applied() {
    let script =
        json!([at(335, json!({ "pause": { "node": "api" } })), at(2051, json!({ "resume": { "node": "api" } }))]);
    let mut chain = found_calls(false, false, 40, json!([write(242)]), script);
    chain["services"][0]["calls"] = json!([{ "to": "w", "timeout_ms": 50 }]);
    chain["services"][1]["calls"] = json!([{ "to": "v", "timeout_ms": 50 }]);
    assert_eq!(contradiction(&chain), None);
}

#[test]
fn a_promise_whose_coordinator_never_reaches_the_participant_is_no_work_under_way() {
    let client = json!([at(1320, add("x")), at(100, add("x"))]);
    let away = found_calls(true, true, 1, client, json!([cut(1328, "api", "v", false)]));
    let client = json!([at(1498, add("x")), at(100, add("x"))]);
    let down = found_calls(true, true, 40, client, json!([crash(1541, "api", false)]));
    let script = json!([
        cut(363, "api", "w", true),
        at(360, json!({ "pause": { "node": "api" } })),
        at(2000, json!({ "resume": { "node": "api" } }))
    ]);
    let frozen = found_calls(true, false, 40, json!([write(317)]), script);
    assert_eq!((contradiction(&away), contradiction(&down), contradiction(&frozen)), (None, None, None));
}

#[test]
fn a_member_does_not_commit_a_decision_on_what_it_no_longer_promises() {
    let two_phase = json!({ "two_phase": { "timeout_ms": 200 } });
    let script =
        json!([crash(108, "d", true), at(108, json!({ "pause": { "node": "d" } })), at(2000, json!("heal_all"))]);
    let client = json!([write(967), write(100)]);
    let document = found_group(json!({ "register": {} }), two_phase, "primary", 0, client, script);
    assert_eq!(contradiction(&document), None);
}

#[test]
fn a_primary_that_lost_its_disk_leads_again_after_its_restart_and_the_others_lose_what_it_lost() {
    let failover = json!({ "primary": { "acknowledgements": 0, "failover_ms": 300 } });
    let register = json!({ "register": {} });
    let script = json!([cut(50, "a", "b", false), crash(703, "b", true), at(2051, json!("heal_all"))]);
    let restarted = found_group(register.clone(), failover.clone(), "any", 174, json!([write(1005)]), script);
    let script = json!([crash(2020, "a", true), at(2268, json!("heal_all"))]);
    let empty = found_group(register, failover, "primary", 0, json!([write(100)]), script);
    assert_eq!((contradiction(&restarted), contradiction(&empty)), (None, None));
}

#[test]
fn while_no_primary_leads_the_next_one_may_undo_a_write() {
    let failover = json!({ "primary": { "acknowledgements": 2, "failover_ms": 300 } });
    let script = json!([crash(1753, "b", false), cut(1153, "a", "b", false)]);
    let client = json!([write(1438), write(100)]);
    assert_eq!(contradiction(&found_group(json!({ "register": {} }), failover, "primary", 0, client, script)), None);
}

#[test]
fn a_raft_follower_whose_replies_are_lost_gets_no_entry_again() {
    let script =
        json!([crash(50, "b", false), cut(50, "b", "d", true), at(2000, json!({ "restart": { "service": "b" } }))]);
    let document =
        found_group(json!({ "register": {} }), json!({ "raft": {} }), "primary", 157, json!([write(157)]), script);
    assert_eq!(contradiction(&document), None);
}

#[test]
fn a_blocking_read_repairs_only_members_whose_responses_are_among_the_first() {
    let read = json!({ "at_ms": 2500, "do": { "read": { "key": "x" } } });
    for needed in [1, 2] {
        let quorum = json!({ "quorum": { "read": needed, "write": 1, "read_repair": "blocking", "timeout_ms": 100 } });
        for seed in 0..6 {
            let script = json!([crash(50, "a", false), at(2000, json!("heal_all"))]);
            let client = json!([write(100), read]);
            let document = found_group(json!({ "register": {} }), quorum.clone(), "any", seed, client, script);
            assert_eq!(contradiction(&document), None, "R = {needed}, seed {seed}");
        }
    }
}

/// A writer and two consumers, with these settings of the publication, the subscriptions and the bus.
pub(super) fn found_bus(publication: Json, subscription: Json, bus: Json, script: Json) -> Json {
    let with_bus = |mut settings: Json| {
        settings["to"] = json!("q");
        settings
    };
    let mut bus = bus;
    bus["id"] = json!("q");
    let (publication, subscription) = (with_bus(publication), with_bus(subscription));
    json!({
        "converge": 1,
        "until_ms": 15_000,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [
            { "id": "api", "data": { "n": 0, "m": 0 }, "publishes": [publication] },
            { "id": "w", "data": { "n": 0, "m": 0 }, "subscribes": [subscription] },
            { "id": "v", "data": { "n": 0, "m": 0 }, "subscribes": [subscription] },
        ],
        "buses": [bus],
        "script": script,
    })
}

pub(super) fn outbox() -> Json {
    json!({ "mode": { "outbox": { "poll_ms": 50, "batch": 2 } } })
}

#[test]
fn only_the_first_event_of_a_key_passes_an_ordered_queue_without_acknowledgements() {
    let subscription = json!({ "effect": "increment", "inbox": {}, "order": "fifo_per_key", "ack_deadline_ms": 500 });
    let script = json!([
        cut(50, "api", "q", false),
        cut(50, "w", "q", true),
        operate(446, add("n")),
        operate(449, add("n")),
        at(2060, json!({ "heal_link": { "from": "api", "to": "q" } }))
    ]);
    assert_eq!(contradiction(&found_bus(outbox(), subscription.clone(), json!({}), script)), None);
    // Both are in the queue of a bus that is down.
    let script = json!([
        cut(50, "w", "q", true),
        operate(145, add("n")),
        operate(148, add("n")),
        at(155, json!({ "stop_bus": { "bus": "q" } })),
        at(2051, json!({ "start_bus": { "bus": "q" } }))
    ]);
    assert_eq!(contradiction(&found_bus(json!({}), subscription, json!({}), script)), None);
}

#[test]
fn a_crash_that_the_script_causes_may_make_change_data_capture_publish_again() {
    let capture = json!({ "mode": { "change_data_capture": { "poll_ms": 50, "batch": 2 } } });
    let script = json!([
        crash(50, "w", true),
        operate(100, json!({ "write": { "key": "n", "value": 1 } })),
        operate(110, json!({ "write": { "key": "m", "value": 1 } })),
        crash(2100, "api", false),
        at(2100, json!("heal_all"))
    ]);
    let subscription = json!({ "acknowledge": "never" });
    assert_eq!(contradiction(&found_bus(capture, subscription, json!({}), script)), None);
}

#[test]
fn an_event_behind_one_that_a_log_delivers_in_vain_is_not_on_its_way() {
    let text = json!({ "write": { "key": "m", "value": "text" } });
    let number = |at_ms: u32| operate(at_ms, json!({ "increment": { "key": "n", "by": 1 } }));
    let log = json!({ "effect": "increment", "order": "log", "inbox": {} });
    let script = json!([operate(100, text), number(200)]);
    assert_eq!(contradiction(&found_bus(json!({}), log.clone(), json!({}), script)), None);
    // A poison message that is not delivered yet.
    let script = json!([
        at(50, json!({ "stop_bus": { "bus": "q" } })),
        at(100, json!({ "operate": { "service": "api", "operation": add("m"), "poison": true } })),
        number(200),
        at(2060, json!({ "start_bus": { "bus": "q" } }))
    ]);
    let retried = json!({ "retry": { "timeout_ms": 100, "attempts": 100 } });
    assert_eq!(contradiction(&found_bus(retried, log, json!({}), script)), None);
}

#[test]
fn a_sum_to_which_an_update_was_added_twice_does_not_become_right_by_the_next_one() {
    let script = json!([
        cut(50, "v", "q", true),
        at(1172, json!({ "stop_bus": { "bus": "q" } })),
        at(2892, json!("heal_all")),
        operate(1162, add("n")),
        operate(1165, add("n"))
    ]);
    let subscription = json!({
        "effect": "increment", "order": "fifo_per_key", "max_deliveries": 2, "ack_deadline_ms": 500,
        "processing": { "constant": { "ms": 300 } },
    });
    assert_eq!(contradiction(&found_bus(json!({}), subscription, json!({}), script)), None);
    // Its updates were never acknowledged to their client.
    let script = json!([cut(50, "w", "q", true), cut(395, "api", "c", true)]);
    let mut lost = found_messaging("increment", 1, script);
    lost["services"][1]["subscribes"][0]["max_deliveries"] = json!(2);
    assert_eq!(contradiction(&lost), None);
}

#[test]
fn an_older_event_that_comes_for_the_first_time_overwrites_a_newer_value_despite_the_inbox() {
    let subscription = json!({ "effect": "overwrite", "inbox": {}, "max_deliveries": 2, "ack_deadline_ms": 500 });
    let write = |at_ms: u32| operate(at_ms, json!({ "write": { "key": "n", "value": at_ms } }));
    for heal_ms in [2053, 3253, 3490] {
        let script = json!([cut(50, "api", "q", false), write(1096), write(1199), at(heal_ms, json!("heal_all"))]);
        assert_eq!(contradiction(&found_bus(outbox(), subscription.clone(), json!({}), script)), None, "{heal_ms}");
    }
}

#[test]
fn an_initial_value_that_one_of_two_consumers_lost_is_missing() {
    let script = json!([
        crash(50, "w", true),
        at(1000, json!("heal_all")),
        operate(1500, json!({ "write": { "key": "n", "value": 1 } }))
    ]);
    assert_eq!(contradiction(&found_bus(json!({}), json!({}), json!({}), script)), None);
}

#[test]
fn a_consumer_whose_end_its_bus_did_not_notice_needs_no_new_connection() {
    let script = json!([
        cut(50, "w", "q", true),
        crash(60, "w", false),
        operate(100, json!({ "write": { "key": "n", "value": 1 } })),
        at(2051, json!({ "restart": { "service": "w" } }))
    ]);
    assert_eq!(contradiction(&found_bus(json!({}), json!({ "ack_deadline_ms": 500 }), json!({}), script)), None);
}

#[test]
fn attempts_that_end_before_a_bus_elects_its_leader_leave_no_hope() {
    let publication = json!({ "retry": { "timeout_ms": 100, "attempts": 3 } });
    let bus = json!({ "replication": { "replicas": 3, "session_ms": 2000, "commit": "majority" } });
    let script = json!([
        at(51, json!({ "stop_broker": { "bus": "q" } })),
        operate(1847, json!({ "write": { "key": "n", "value": 1 } }))
    ]);
    assert_eq!(contradiction(&found_bus(publication, json!({}), bus, script)), None);
}

#[test]
fn an_event_that_the_next_leader_may_lack_is_not_certain_to_arrive() {
    let bus = json!({ "replication": { "replicas": 3, "session_ms": 2000 } });
    let stop = |at_ms: u32, broker: Json| at(at_ms, json!({ "stop_broker": { "bus": "q", "broker": broker } }));
    let script = json!([
        stop(51, json!(2)),
        stop(383, Json::Null),
        operate(379, json!({ "write": { "key": "n", "value": 1 } }))
    ]);
    assert_eq!(contradiction(&found_bus(json!({}), json!({}), bus, script)), None);
}

#[test]
fn a_fault_that_the_script_causes_before_an_update_arrives_leaves_it_uncertain() {
    for fault in [crash(2100, "w", true), cut(2100, "q", "w", false), at(2100, json!({ "stop_bus": { "bus": "q" } }))] {
        let script = json!([
            cut(50, "api", "q", false),
            operate(100, json!({ "write": { "key": "n", "value": 1 } })),
            at(2110, json!({ "heal_link": { "from": "api", "to": "q" } })),
            fault
        ]);
        assert_eq!(contradiction(&found_bus(outbox(), json!({}), json!({}), script)), None, "{fault}");
    }
}

#[test]
fn a_reader_that_no_delivery_reaches_may_keep_its_partition_by_its_heartbeats() {
    let subscription = json!({
        "to": "q", "group": "workers", "order": "log", "ack_deadline_ms": 500, "commit_every_ms": 150,
        "session": { "timeout_ms": 600, "heartbeat_ms": 100, "max_poll_ms": 2000 },
    });
    let reader = |id: &str| json!({ "id": id, "data": { "n": 0 }, "subscribes": [subscription] });
    let document = json!({
        "converge": 1,
        "until_ms": 20_000,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [{ "id": "api", "data": { "n": 0 }, "publishes": [{ "to": "q" }] }, reader("w"), reader("v")],
        "buses": [{ "id": "q" }],
        "script": [cut(50, "q", "w", true), operate(203, json!({ "write": { "key": "n", "value": 203 } }))],
    });
    assert_eq!(contradiction(&document), None);
}

#[test]
fn a_hint_for_one_replica_reaches_the_other_by_anti_entropy() {
    let quorum = json!({
        "replicas": 2, "sloppy": true, "hints": { "every_ms": 200 }, "anti_entropy": { "every_ms": 500 }, "timeout_ms": 100,
    });
    let mut document = found_group(
        json!({ "register": {} }),
        json!({ "quorum": quorum }),
        "itself",
        0,
        json!([write(809)]),
        json!([]),
    );
    let members = ["a", "b", "d", "e", "f"];
    document["services"] = json!(members.map(|id| json!({ "id": id })));
    document["groups"][0]["members"] = json!(members);
    let mut script: Vec<Json> = members[..4].iter().map(|member| crash(50, member, false)).collect();
    script.push(at(2015, json!("heal_all")));
    document["script"] = json!(script);
    assert_eq!(contradiction(&document), None);
}
