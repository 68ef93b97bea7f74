//! Verdicts on events that others hold back, that expire or are used up before they arrive, or that chance decides on. What is
//! not certain is unknown. All links take 10 ms.

use super::unfinished_work::{command, judged, queue, verdict, write};
use serde_json::{Value, json};

/// A poison message of service `a`.
fn poison(at_ms: u64, value: u64) -> Value {
    let operation = json!({ "write": { "key": "n", "value": value } });
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "a", "operation": operation, "poison": true } } })
}

fn increment(at_ms: u64) -> Value {
    let operation = json!({ "increment": { "key": "n", "by": 1 } });
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "a", "operation": operation } } })
}

fn handled_in(ms: u32) -> Value {
    json!({ "constant": { "ms": ms } })
}

/// Checks that a verdict is one of these.
fn is_one_of(document: &Value, at_ms: f64, possible: &[&str]) {
    let (found, because) = judged(document, at_ms);
    assert!(possible.contains(&found), "at {at_ms} ms {found}: {because}\n{document}");
}

/// Checks that a verdict promises nothing about a copy that never becomes consistent.
fn promises_nothing(document: &Value, at_ms: f64) {
    is_one_of(document, at_ms, &["unknown", "will not converge"]);
}

/// A group with these members and this protocol.
fn group(members: &[&str], protocol: Value, data: Value, script: Value) -> Value {
    let services: Vec<Value> = members.iter().map(|id| json!({ "id": id })).collect();
    json!({
        "services": services,
        "groups": [{ "id": "g", "members": members, "data": data, "protocol": protocol }],
        "script": script
    })
}

fn rumors(members: &[&str], lose_interest_after: u32) -> Value {
    let rumor = json!({ "rumor": { "lose_interest_after": lose_interest_after } });
    let protocol = json!({ "gossip": { "style": rumor, "every": { "constant": { "ms": 300 } } } });
    group(members, protocol, json!({ "register": {} }), json!([write(1853, members[0], "k", 1)]))
}

#[test]
fn a_rumor_that_waits_for_its_first_round_is_not_extinct() {
    let document = rumors(&["a", "b"], 3);
    is_one_of(&document, 1900.0, &["converging", "unknown"]);
    assert_eq!(verdict(&document, 60_000.0), "converged");
}

#[test]
fn a_rumor_in_which_members_may_lose_interest_is_not_certain_to_reach_all() {
    promises_nothing(&rumors(&["a", "b", "c"], 1), 1900.0);
    promises_nothing(&rumors(&["a", "b", "c"], 1), 2200.0);
}

#[test]
fn an_event_behind_a_poison_message_is_not_lost_if_the_poison_message_expires() {
    for order in ["fifo_per_key", "log"] {
        let script = json!([poison(100, 1), write(200, "a", "n", 2)]);
        let document = queue(json!({}), json!({ "retention_ms": 4000 }), json!({ "order": order }), script);
        is_one_of(&document, 1000.0, &["converging", "unknown"]);
        assert_eq!(verdict(&document, 60_000.0), "converged", "{order}");
    }
}

#[test]
fn a_poison_message_behind_the_newer_update_holds_nothing_back() {
    let script = json!([write(100, "a", "n", 1), poison(150, 2), write(151, "a", "n", 3)]);
    let document = queue(json!({}), json!({}), json!({ "processing": handled_in(300) }), script);
    assert_ne!(verdict(&document, 400.0), "will not converge");
    assert_eq!(verdict(&document, 5000.0), "converged");
}

#[test]
fn a_deletion_that_nobody_misses_after_the_end_of_its_tombstone_may_converge() {
    let quorum =
        json!({ "read": 1, "write": 1, "hints": { "every_ms": 8000 }, "tombstone_grace_ms": 3000, "timeout_ms": 500 });
    let deletion = json!({ "operate": { "service": "r1", "operation": { "delete": { "key": "k" } } } });
    let script = json!([
        command(50, "crash", json!({ "service": "r2" })),
        { "at_ms": 100, "do": deletion },
        command(5000, "restart", json!({ "service": "r2" }))
    ]);
    let data = json!({ "register": { "clock": "wall" } });
    let document = group(&["r1", "r2"], json!({ "quorum": quorum }), data, script);
    is_one_of(&document, 1000.0, &["converging", "unknown"]);
}

#[test]
fn what_is_handled_in_vain_behind_equal_copies_is_no_work() {
    let script = json!([poison(100, 1), write(200, "a", "n", 2)]);
    let document = queue(json!({}), json!({}), json!({ "effect": "overwrite" }), script);
    assert_eq!(verdict(&document, 3000.0), "converged");
}

#[test]
fn a_duplicate_that_the_reader_of_a_log_has_already_handled_is_no_work() {
    let twice = json!({ "from": "bus", "to": "w", "duplicate": 1.0, "one_way": true });
    let script = json!([command(50, "disturb_link", twice), write(100, "a", "n", 1)]);
    let document = queue(json!({}), json!({}), json!({ "order": "log" }), script);
    assert_eq!(verdict(&document, 3000.0), "converged");
}

#[test]
fn a_publisher_that_stays_frozen_never_retries() {
    let script = json!([
        { "at_ms": 50, "do": { "cut_link": { "from": "a", "to": "bus" } } },
        write(100, "a", "n", 1),
        command(500, "pause", json!({ "node": "a" })),
        { "at_ms": 2000, "do": { "heal_link": { "from": "a", "to": "bus" } } }
    ]);
    let retry = json!({ "retry": { "timeout_ms": 200, "attempts": 50 } });
    assert_eq!(verdict(&queue(retry, json!({}), json!({}), script), 3000.0), "will not converge");
}

#[test]
fn a_reader_of_a_log_that_keeps_its_partition_and_receives_nothing_holds_back_its_events() {
    let session = json!({ "timeout_ms": 45_000, "heartbeat_ms": 3000, "max_poll_ms": 300_000 });
    let reader = json!({ "to": "bus", "order": "log", "session": session, "group": "g" });
    let document = json!({
        "services": [
            { "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "bus" }] },
            { "id": "w", "data": { "n": 0 }, "subscribes": [reader] },
            { "id": "v", "data": { "n": 0 }, "subscribes": [reader] }
        ],
        "buses": [{ "id": "bus" }],
        "script": [
            { "at_ms": 50, "do": { "cut_link": { "from": "bus", "to": "w", "one_way": true } } },
            write(1000, "a", "n", 1)
        ]
    });
    promises_nothing(&document, 3000.0);
}

#[test]
fn a_write_that_waits_for_a_member_of_a_chain_that_stays_down_never_ends() {
    let script = json!([
        write(100, "r1", "x", 1),
        command(1950, "crash", json!({ "service": "r2" })),
        write(2752, "r1", "y", 2)
    ]);
    let document = group(&["r1", "r2"], json!("chain"), json!({ "register": {} }), script);
    promises_nothing(&document, 5000.0);
}

#[test]
fn an_event_behind_others_that_are_always_acknowledged_too_late_is_not_certain_to_be_delivered() {
    let connection = |prefetch: u32| json!({ "connection": { "prefetch": prefetch, "requeue_on_close": true } });
    let max_poll = json!({ "timeout_ms": 45_000, "heartbeat_ms": 3000, "max_poll_ms": 10_000 });
    let late = [
        json!({ "ack_deadline_ms": 300, "attach": connection(1), "processing": handled_in(400) }),
        json!({ "ack_deadline_ms": 300, "attach": connection(10), "order": "fifo_per_key", "processing": handled_in(400) }),
        json!({ "ack_deadline_ms": 300, "attach": { "polling": {} }, "late_acknowledgement": "refuse",
            "processing": handled_in(290) }),
        json!({ "order": "log", "session": max_poll, "processing": handled_in(12_000) }),
    ];
    for subscription in late {
        let script = json!([write(100, "a", "n", 1), write(200, "a", "n", 2)]);
        let document = queue(json!({}), json!({}), subscription, script);
        for at in [1000.0, 20_000.0] {
            promises_nothing(&document, at);
        }
    }
}

#[test]
fn an_event_behind_a_poison_message_that_takes_the_only_place_is_not_certain_to_be_delivered() {
    let script = json!([poison(100, 1), write(1000, "a", "n", 2)]);
    promises_nothing(&queue(json!({}), json!({}), json!({ "max_in_flight": 1 }), script), 3000.0);
}

#[test]
fn the_reader_of_a_log_handles_what_is_behind_a_poison_message_that_nobody_delivers_again() {
    let script = json!([poison(960, 1), write(1039, "a", "n", 2)]);
    let reader = json!({ "order": "log", "acknowledge": "never", "processing": handled_in(250) });
    let document = queue(json!({}), json!({}), reader, script);
    is_one_of(&document, 1150.0, &["converging", "unknown"]);
    assert_eq!(verdict(&document, 3000.0), "converged");
}

#[test]
fn an_event_that_expires_before_the_healing_does_not_arrive() {
    let retention = json!({ "retention_ms": 5000 });
    let down = |restart: Value, start: Value| {
        json!([
            command(50, "crash", json!({ "service": "w" })),
            write(100, "a", "n", 1),
            command(3000, "stop_bus", json!({ "bus": "bus" })),
            restart,
            start
        ])
    };
    let restart = command(9000, "restart", json!({ "service": "w" }));
    let start = command(10_000, "start_bus", json!({ "bus": "bus" }));
    let script = down(restart, start);
    promises_nothing(&queue(json!({}), retention.clone(), json!({}), script), 4500.0);
    // The last request of the consumer was lost, and it waits 20 s before the next one.
    let script = json!([
        { "at_ms": 50, "do": { "cut_link": { "from": "w", "to": "bus" } } },
        write(1000, "a", "n", 1),
        { "at_ms": 2300, "do": "heal_all" }
    ]);
    let polling = json!({ "attach": { "polling": {} } });
    promises_nothing(&queue(json!({}), json!({ "retention_ms": 4000 }), polling, script), 3000.0);
}

#[test]
fn a_dead_letter_that_expires_before_its_redrive_does_not_arrive() {
    let script = json!([
        write(0, "a", "n", 1),
        command(15, "crash", json!({ "service": "w" })),
        command(100, "restart", json!({ "service": "w" })),
        command(25_000, "redrive", json!({ "bus": "bus", "service": "w" }))
    ]);
    let once = json!({ "max_deliveries": 1, "ack_deadline_ms": 3000, "processing": handled_in(10) });
    promises_nothing(&queue(json!({}), json!({ "retention_ms": 20_000 }), once.clone(), script.clone()), 10_000.0);
    assert_eq!(verdict(&queue(json!({}), json!({}), once, script), 10_000.0), "converging");
}

#[test]
fn deliveries_that_may_be_used_up_before_the_healing_are_not_certain() {
    let script = json!([
        { "at_ms": 50, "do": { "cut_link": { "from": "bus", "to": "w" } } },
        write(300, "a", "n", 1),
        command(4000, "redrive", json!({ "bus": "bus", "service": "w" })),
        { "at_ms": 9000, "do": { "heal_link": { "from": "bus", "to": "w" } } }
    ]);
    let thrice = json!({ "ack_deadline_ms": 300, "max_deliveries": 3 });
    promises_nothing(&queue(json!({}), json!({}), thrice, script), 3000.0);
    let script = json!([
        write(100, "a", "n", 1),
        command(300, "stop_bus", json!({ "bus": "bus" })),
        command(500, "crash", json!({ "service": "w" })),
        command(1000, "restart", json!({ "service": "w" })),
        command(4000, "start_bus", json!({ "bus": "bus" }))
    ]);
    let once = json!({ "max_deliveries": 1, "processing": handled_in(700) });
    promises_nothing(&queue(json!({}), json!({}), once, script), 2000.0);
}

#[test]
fn a_poison_message_that_is_being_handled_never_arrives() {
    for (subscription, topic) in
        [(json!({ "acknowledge": "never" }), json!({})), (json!({}), json!({ "retention_ms": 800 }))]
    {
        let mut subscription = subscription;
        subscription["processing"] = handled_in(700);
        let document = queue(json!({}), topic, subscription, json!([poison(100, 1)]));
        assert_eq!(verdict(&document, 300.0), "will not converge", "{document}");
    }
}

#[test]
fn what_chance_decides_is_unknown() {
    for acknowledge in ["never", "before_processing"] {
        let handler = json!({ "acknowledge": acknowledge, "fails": 0.5, "processing": handled_in(700) });
        let document = queue(json!({}), json!({}), handler, json!([write(100, "a", "n", 1)]));
        assert_eq!(verdict(&document, 300.0), "unknown", "{document}");
    }
}

#[test]
fn a_handler_that_is_slowed_down_or_frozen_may_add_an_event_twice() {
    let adds = json!({ "effect": "increment", "processing": handled_in(250) });
    let slow = json!([command(50, "slow_down", json!({ "service": "w", "factor": 20 })), increment(100)]);
    assert_eq!(verdict(&queue(json!({}), json!({}), adds.clone(), slow), 300.0), "unknown");
    let frozen = json!([
        command(50, "pause", json!({ "node": "w" })),
        increment(100),
        command(5000, "resume", json!({ "node": "w" }))
    ]);
    assert_eq!(verdict(&queue(json!({}), json!({}), adds, frozen), 3000.0), "unknown");
}

#[test]
fn an_event_that_is_published_again_may_be_added_twice() {
    let capture = json!({ "mode": { "change_data_capture": { "poll_ms": 50, "batch": 10 } } });
    let script = json!([
        increment(100),
        command(1000, "crash", json!({ "service": "a" })),
        command(5000, "restart", json!({ "service": "a" }))
    ]);
    assert_eq!(verdict(&queue(capture, json!({}), json!({ "effect": "increment" }), script), 3000.0), "unknown");
}

#[test]
fn an_event_that_two_services_apply_to_one_store_may_be_applied_twice() {
    let document = json!({
        "services": [
            { "id": "a", "publishes": [{ "to": "bus" }] },
            { "id": "w", "store": "db", "subscribes": [{ "to": "bus" }] },
            { "id": "v", "store": "db",
                "subscribes": [{ "to": "bus", "effect": "increment", "processing": handled_in(700) }] }
        ],
        "buses": [{ "id": "bus" }],
        "script": [increment(100)]
    });
    assert_eq!(verdict(&document, 400.0), "unknown");
}

#[test]
fn a_write_that_waits_at_a_frozen_member_may_leave_siblings() {
    let mut document = group(&["r1"], json!({ "quorum": {} }), json!("multi_value"), json!([]));
    document["script"] =
        json!([command(500, "pause", json!({ "node": "r1" })), command(6000, "resume", json!({ "node": "r1" }))]);
    let write = |at_ms: u32, value: u32| json!({ "at_ms": at_ms, "do": { "write": { "key": "x", "value": value } } });
    document["clients"] = json!([{ "id": "d", "target": "g", "script": [write(100, 1), write(1500, 2)] }]);
    assert_eq!(verdict(&document, 4000.0), "unknown");
}
