//! Verdicts while work is under way that no message and no queue shows: deliveries that wait in a busy consumer, writes that a
//! member has received, coordinators that wait for replicas; and faults that are healed after the retention, the grace period or
//! the attempts end. All links take 10 ms.

use super::cases::{converge, json as parsed};
use crate::common::runs::run_with_facts;
use converge::report::RunReport;
use converge::scenario::Scenario;
use serde_json::{Value, json};

/// The verdict at a time, ms, and its reasons.
pub(super) fn judged(document: &Value, at_ms: f64) -> (&'static str, String) {
    let mut document = document.clone();
    document["converge"] = 1.into();
    document["default_latency"] = json!({ "constant": { "ms": 10 } });
    document["until_ms"] = at_ms.into();
    let scenario = Scenario::from_json(&document.to_string()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let report = RunReport::new(&run_with_facts(&scenario).0, &scenario);
    (report.convergence.verdict, report.convergence.because.join(" "))
}

pub(super) fn verdict(document: &Value, at_ms: f64) -> &'static str {
    judged(document, at_ms).0
}

pub(super) fn write(at_ms: u64, service: &str, key: &str, value: u64) -> Value {
    json!({ "at_ms": at_ms, "do": { "operate": { "service": service, "operation": { "write": { "key": key, "value": value } } } } })
}

pub(super) fn command(at_ms: u64, name: &str, content: Value) -> Value {
    json!({ "at_ms": at_ms, "do": { (name): content } })
}

/// A publisher `a`, a bus `bus`, and a consumer `w`, which begin with n = 0.
pub(super) fn queue(publication: Value, topic: Value, subscription: Value, script: Value) -> Value {
    let with = |mut base: Value, more: Value| {
        let more = more.as_object().expect("an object").clone();
        base.as_object_mut().expect("an object").extend(more);
        base
    };
    json!({
        "services": [
            { "id": "a", "data": { "n": 0 }, "publishes": [with(json!({ "to": "bus" }), publication)] },
            { "id": "w", "data": { "n": 0 }, "concurrency": 1, "subscribes": [with(json!({ "to": "bus" }), subscription)] }
        ],
        "buses": [{ "id": "bus", "topics": [with(json!({ "name": "t" }), topic)] }],
        "script": script
    })
}

/// Three members of a leaderless group.
fn group(quorum: Value, script: Value) -> Value {
    let member = |id: &str| json!({ "id": id, "service_time": { "constant": { "ms": 100 } } });
    json!({
        "services": [member("r1"), member("r2"), member("r3")],
        "groups": [{ "id": "g", "members": ["r1", "r2", "r3"], "data": { "register": { "clock": "wall" } },
            "protocol": { "quorum": quorum } }],
        "script": script
    })
}

#[test]
fn a_copy_has_not_converged_while_its_busy_consumer_holds_deliveries_that_overwrite_it() {
    // Debezium publishes three events again after a crash; each is delivered again while it waits for the only worker.
    let script = json!([
        write(1000, "a", "n", 1),
        write(2000, "a", "n", 2),
        write(3000, "a", "n", 3),
        command(9000, "crash", json!({ "service": "a" })),
        command(10_000, "restart", json!({ "service": "a" }))
    ]);
    let capture = json!({ "mode": { "change_data_capture": { "poll_ms": 100, "batch": 10 } } });
    let slow = json!({ "effect": "overwrite", "ack_deadline_ms": 1000, "processing": { "constant": { "ms": 1000 } } });
    let document = queue(capture, json!({}), slow, script);
    for at in (10_500..18_000).step_by(500) {
        let found = verdict(&document, f64::from(at));
        assert!(["unknown", "converging"].contains(&found), "{found} at {at} ms");
    }
    assert_eq!(verdict(&document, 60_000.0), "converged");
}

#[test]
fn a_sum_has_not_converged_while_its_consumer_handles_a_second_delivery() {
    let slow = json!({ "effect": "increment", "ack_deadline_ms": 1000, "dead_letter": false, "processing": { "constant": { "ms": 2500 } } });
    let mut document = queue(json!({}), json!({}), slow, json!([write(100, "a", "n", 1)]));
    document["services"][1]["concurrency"] = 8.into();
    for (at, expected) in [(1500.0, "unknown"), (2700.0, "unknown"), (10_000.0, "will not converge")] {
        assert_eq!(verdict(&document, at), expected, "at {at} ms");
    }
}

#[test]
fn a_member_converges_while_it_stores_a_write_that_it_has_received() {
    // It is acknowledged by the coordinator alone at 1.1 s, arrives at 1.11 s, and is stored at 1.21 s.
    let document = group(json!({ "read": 1, "write": 1 }), json!([write(1000, "r1", "k", 1)]));
    for (at, expected) in
        [(1105.0, "converging"), (1150.0, "converging"), (1209.0, "converging"), (1300.0, "converged")]
    {
        assert_eq!(verdict(&document, at), expected, "at {at} ms");
    }
}

#[test]
fn a_replica_that_is_down_has_not_lost_a_write_whose_coordinator_will_keep_a_hint() {
    let mut document = group(
        json!({ "replicas": 2, "read": 1, "write": 1, "timeout_ms": 400, "hints": { "every_ms": 1000 } }),
        json!([
            command(500, "crash", json!({ "service": "r3" })),
            command(5000, "restart", json!({ "service": "r3" }))
        ]),
    );
    let keys = ["a", "b", "c", "d", "e", "f"];
    let writes = keys.iter().map(|key| write(1000, "r1", key, 1));
    document["script"].as_array_mut().expect("steps").extend(writes);
    for at in (1100..5000).step_by(50) {
        let found = verdict(&document, f64::from(at));
        assert!(["unknown", "converging"].contains(&found), "{found} at {at} ms");
    }
    assert_eq!(verdict(&document, 20_000.0), "converged");
}

#[test]
fn an_event_that_expires_before_its_consumer_is_back_never_arrives() {
    for order in ["none", "log"] {
        for (restart, expected) in [(50_000, "converging"), (70_000, "will not converge")] {
            let script = json!([
                command(50, "crash", json!({ "service": "w" })),
                write(100, "a", "n", 1),
                command(restart, "restart", json!({ "service": "w" }))
            ]);
            let topic = json!({ "retention_ms": 60_000 });
            let document = queue(json!({}), topic, json!({ "order": order, "ack_deadline_ms": 30_000 }), script);
            let (found, because) = judged(&document, 1000.0);
            assert_eq!(found, expected, "{order}: {because}");
            assert_eq!(because.contains("its retention time ends at 60.1 s"), restart > 60_000, "{because}");
        }
    }
}

#[test]
fn a_consumer_that_polls_uses_up_no_deliveries_while_its_link_is_cut() {
    let script = json!([
        command(90, "disturb_link", json!({ "from": "bus", "to": "w", "loss": 1.0 })),
        write(100, "a", "n", 1),
        command(61_000, "heal_link", json!({ "from": "bus", "to": "w" }))
    ]);
    let limited = |attach: Value| json!({ "ack_deadline_ms": 10_000, "max_deliveries": 2, "dead_letter": false, "attach": attach });
    let polling = queue(json!({}), json!({}), limited(json!({ "polling": {} })), script.clone());
    for at in [150.0, 30_000.0] {
        assert_eq!(verdict(&polling, at), "unknown", "at {at} ms");
    }
    assert_eq!(verdict(&polling, 200_000.0), "converged");
    let pushed = queue(json!({}), json!({}), limited(json!({ "connection": {} })), script);
    let (found, because) = judged(&pushed, 150.0);
    assert_eq!((found, verdict(&pushed, 200_000.0)), ("will not converge", "will not converge"));
    assert!(because.contains("its deliveries are used up before the script heals the link from bus to w"), "{because}");
}

#[test]
fn a_deletion_and_a_hint_do_not_outlast_the_grace_period() {
    let down =
        [command(1500, "crash", json!({ "service": "r3" })), command(15_000, "restart", json!({ "service": "r3" }))];
    let delete =
        json!({ "at_ms": 3000, "do": { "operate": { "service": "r1", "operation": { "delete": { "key": "k" } } } } });
    let repaired = json!({ "anti_entropy": { "every_ms": 1000 } });
    let hinted = json!({ "hints": { "every_ms": 1000 } });
    for (repair, last, early) in
        [(repaired, delete, "unknown"), (hinted, write(3000, "r1", "k", 2), "will not converge")]
    {
        for (grace, expected, end) in [(5000, early, "will not converge"), (60_000, "converging", "converged")] {
            let mut quorum = json!({ "read": 2, "write": 2, "timeout_ms": 200, "tombstone_grace_ms": grace });
            quorum.as_object_mut().expect("an object").extend(repair.as_object().expect("an object").clone());
            let script = json!([write(500, "r1", "k", 1), down[0], last, down[1]]);
            let document = group(quorum, script);
            assert_eq!(
                (verdict(&document, 4000.0), verdict(&document, 40_000.0)),
                (expected, end),
                "{repair}, {grace} ms"
            );
        }
    }
}

#[test]
fn a_publication_that_is_repeated_after_the_deduplication_window_may_be_added_twice() {
    let outbox = json!({ "mode": { "outbox": { "poll_ms": 100, "batch": 10 } } });
    let retry = json!({ "retry": { "timeout_ms": 240_000, "attempts": 3 } });
    let crashed = |restart: u64| {
        json!([
            write(1000, "a", "n", 1),
            command(1115, "crash", json!({ "service": "a" })),
            command(restart, "restart", json!({ "service": "a" }))
        ])
    };
    let unheard =
        json!([command(0, "cut_link", json!({ "from": "bus", "to": "a", "one_way": true })), write(1000, "a", "n", 1)]);
    for (publication, script, expected, end) in [
        (outbox.clone(), crashed(241_000), "converging", "converged"),
        (outbox, crashed(361_000), "unknown", "will not converge"),
        (retry, unheard, "unknown", "will not converge"),
    ] {
        let document = queue(publication, json!({ "dedup_ms": 300_000 }), json!({ "effect": "increment" }), script);
        assert_eq!((verdict(&document, 1300.0), verdict(&document, 900_000.0)), (expected, end), "{document}");
    }
}

#[test]
fn an_event_behind_a_poison_message_of_its_partition_is_not_expected_to_arrive() {
    let mut document = queue(
        json!({}),
        json!({}),
        json!({ "order": "log", "ack_deadline_ms": 30_000 }),
        json!([
            { "at_ms": 500, "do": { "operate": { "service": "a", "operation": { "write": { "key": "p", "value": 1 } }, "poison": true } } },
            write(600, "a", "b", 2)
        ]),
    );
    document["converge"] = 1.into();
    for at in ["700", "703", "707", "5000"] {
        let found = parsed(&converge(&["why", "-", "--json", "--at", at], document.to_string()));
        for copy in found["copies"].as_array().expect("copies") {
            assert_eq!(copy["can_converge"], false, "at {at} ms: {copy}");
        }
    }
}

#[test]
fn runs_that_end_with_siblings_are_not_counted_as_converged() {
    let document = json!({
        "converge": 1, "until_ms": 5000,
        "services": [{ "id": "r1" }, { "id": "r2" }],
        "groups": [{ "id": "g", "members": ["r1", "r2"], "data": "multi_value", "protocol": { "quorum": { "write": 2 } } }],
        "script": [write(1000, "r1", "k", 1), write(1000, "r2", "k", 2)]
    });
    let report = parsed(&converge(&["run", "-", "--json"], document.to_string()));
    let sweep = parsed(&converge(&["sweep", "-", "--seeds", "1..2", "--json"], document.to_string()));
    assert_eq!((&report["convergence"]["verdict"], &sweep["converged"]), (&json!("will not converge"), &json!(0)));
    assert_eq!(sweep["convergence_unended"]["never"], 1);
}

#[test]
fn an_update_that_lost_by_its_clock_is_not_reported_as_applied_out_of_order() {
    let service = |id: &str, from: &str, to: &str, offset_ms: i32| {
        json!({ "id": id, "data": { "k": 0 }, "publishes": [{ "to": to }],
        "subscribes": [{ "to": from, "effect": "last_writer_wins" }], "clock": { "offset_ms": offset_ms } })
    };
    let document = json!({
        "services": [service("a", "of-b", "of-a", 0), service("b", "of-a", "of-b", -5000)],
        "buses": [{ "id": "of-a" }, { "id": "of-b" }],
        "script": [write(1000, "a", "k", 1), write(2000, "b", "k", 2)]
    });
    let (found, because) = judged(&document, 5000.0);
    assert_eq!(found, "will not converge");
    assert!(because.contains("a newer update has an earlier timestamp"), "{because}");
}

#[test]
fn a_sum_may_be_added_to_twice_after_the_window_of_its_inbox_or_by_a_frozen_worker() {
    let redelivered = |window: u64| {
        queue(
            json!({}),
            json!({}),
            json!({ "effect": "increment", "inbox": { "window_ms": window }, "ack_deadline_ms": 40_000, "dead_letter": false }),
            json!([
                command(900, "cut_link", json!({ "from": "w", "to": "bus", "one_way": true })),
                write(1000, "a", "n", 1),
                command(30_000, "heal_link", json!({ "from": "w", "to": "bus" }))
            ]),
        )
    };
    assert_eq!(verdict(&redelivered(10_000), 5000.0), "unknown");
    assert_eq!(verdict(&redelivered(10_000), 60_000.0), "will not converge");
    assert_eq!(verdict(&redelivered(60_000), 60_000.0), "converged");
    let channel = json!({ "to": "bus", "group": "g", "effect": "increment", "processing": { "constant": { "ms": 1000 } },
        "attach": { "connection": { "heartbeat_ms": 10_000, "requeue_on_close": true } }, "ack_deadline_ms": 1_800_000 });
    let worker = |id: &str| json!({ "id": id, "store": "db", "data": { "n": 0 }, "subscribes": [channel] });
    let frozen = json!({
        "services": [{ "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "bus" }] }, worker("w1"), worker("w2")],
        "buses": [{ "id": "bus" }],
        "script": [
            command(50, "crash", json!({ "service": "w2" })),
            write(100, "a", "n", 1),
            command(150, "pause", json!({ "node": "w1" })),
            command(200, "restart", json!({ "service": "w2" })),
            command(60_000, "resume", json!({ "node": "w1" }))
        ]
    });
    for at in [300.0, 8000.0, 20_000.0, 59_000.0] {
        assert_eq!(verdict(&frozen, at), "unknown", "at {at} ms");
    }
    assert_eq!(verdict(&frozen, 90_000.0), "will not converge");
}
