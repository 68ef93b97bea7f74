//! What happens after data has expired or was given up: readers of a log continue behind it, a redriven event is a new one, and
//! a tombstone is purged everywhere a grace period after the deletion.

use crate::common::runs::run_with_facts;
use converge::scenario::{Micros, Scenario};
use converge::trace::Fact;
use serde_json::{Value, json};

fn facts(document: &Value) -> Vec<(Micros, Fact)> {
    let mut document = document.clone();
    document["converge"] = 1.into();
    let scenario = Scenario::from_json(&document.to_string()).unwrap_or_else(|errors| panic!("{errors:?}"));
    run_with_facts(&scenario).1
}

fn times(facts: &[(Micros, Fact)], is_wanted: impl Fn(&Fact) -> bool) -> Vec<Micros> {
    facts.iter().filter(|(_, fact)| is_wanted(fact)).map(|(at, _)| *at).collect()
}

fn write(at_ms: u64, key: &str, value: i64, poison: bool) -> Value {
    let operation = json!({ "write": { "key": key, "value": value } });
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "api", "operation": operation, "poison": poison } } })
}

/// The publisher `api`, the bus `k` and its reader `c`, with a deadline of 30 s. Links take 5 ms, the handler 1 ms.
fn log(session: bool, topic: Value, limit: Option<u32>, script: &[Value]) -> Value {
    let mut reader = json!({
        "to": "k", "order": "log", "ack_deadline_ms": 30_000, "commit_every_ms": 1000, "max_in_flight": 500,
        "max_deliveries": limit,
    });
    if session {
        reader["session"] = json!({ "timeout_ms": 45_000, "heartbeat_ms": 3000, "max_poll_ms": 300_000 });
    }
    json!({
        "until_ms": 400_000,
        "default_latency": { "constant": { "ms": 5 } },
        "services": [
            { "id": "api", "data": { "a": 0, "b": 0 }, "publishes": [{ "to": "k" }] },
            { "id": "c", "data": { "a": 0, "b": 0 }, "subscribes": [reader] },
        ],
        "buses": [{ "id": "k", "topics": [topic] }],
        "script": script,
    })
}

/// The times at which the reader applied updates.
fn applied(facts: &[(Micros, Fact)]) -> Vec<Micros> {
    times(facts, |fact| matches!(fact, Fact::UpdateApplied { .. }))
}

#[test]
fn a_reader_of_a_log_continues_behind_events_that_expired_before_they_reached_it() {
    let topic = json!({ "name": "t", "retention_ms": 10_000 });
    let cut = json!({ "at_ms": 900, "do": { "cut_link": { "from": "k", "to": "c", "one_way": true } } });
    let heal = json!({ "at_ms": 15_000, "do": { "heal_link": { "from": "k", "to": "c" } } });
    for session in [true, false] {
        for lost in 1..=3 {
            let writes = (0..lost).map(|n| write(1000 + 2000 * n, "a", n as i64 + 1, false));
            let later = [write(40_000, "a", 7, false), write(45_000, "b", 8, false)];
            let script: Vec<Value> =
                [cut.clone()].into_iter().chain(writes).chain([heal.clone()]).chain(later).collect();
            let facts = facts(&log(session, topic.clone(), None, &script));
            let lost_events = times(&facts, |fact| matches!(fact, Fact::EventDiscarded { .. }));
            assert_eq!(lost_events.len(), lost as usize, "session {session}: {lost} events expire");
            let expected = [40_000_000 + 11_000, 45_000_000 + 11_000];
            let late = |at: &Micros| at.abs_diff(if *at < 42_000_000 { expected[0] } else { expected[1] }) > 5000;
            let applied = applied(&facts);
            assert!(applied.len() == 2 && !applied.iter().any(late), "session {session}, {lost} lost: {applied:?}");
        }
    }
}

#[test]
fn a_reader_of_a_log_that_waits_for_an_expired_event_continues_with_a_steady_stream() {
    let topic = json!({ "name": "t", "retention_ms": 10_000 });
    let cut = json!({ "at_ms": 900, "do": { "cut_link": { "from": "k", "to": "c", "one_way": true } } });
    let heal = json!({ "at_ms": 5000, "do": { "heal_link": { "from": "k", "to": "c" } } });
    for session in [true, false] {
        let writes = (0..60).map(|n| write(1000 + 3000 * n, "a", n as i64 + 1, false));
        let script: Vec<Value> = [cut.clone()].into_iter().chain(writes).chain([heal.clone()]).collect();
        let facts = facts(&log(session, topic.clone(), None, &script));
        // The events of 1 and 4 s are lost. The one of 4 s expires at 14 s, so the next delivery frees the reader.
        let applied = applied(&facts);
        assert!(applied.iter().any(|at| *at < 17_000_000), "session {session}: {applied:?}");
        assert!(applied.len() >= 57, "session {session}: {} applied", applied.len());
    }
}

#[test]
fn a_log_continues_at_once_behind_a_dead_letter() {
    let topic = json!({ "name": "t" });
    for session in [true, false] {
        let script = [write(1000, "a", 1, true), write(1010, "b", 1, false), write(1500, "b", 2, false)];
        let facts = facts(&log(session, topic.clone(), Some(3), &script));
        assert_eq!(times(&facts, |fact| matches!(fact, Fact::EventDeadLettered { .. })).len(), 1, "session {session}");
        let applied = applied(&facts);
        assert!(applied.len() == 2 && applied.iter().all(|at| *at < 1_600_000), "session {session}: {applied:?}");
    }
}

#[test]
fn a_redriven_event_has_the_whole_retention_time_again() {
    let crash = |at_ms: u64| json!({ "at_ms": at_ms, "do": { "crash": { "service": "w" } } });
    let restart = |at_ms: u64| json!({ "at_ms": at_ms, "do": { "restart": { "service": "w" } } });
    let subscription = json!({
        "to": "q", "ack_deadline_ms": 30_000, "max_deliveries": 2, "processing": { "constant": { "ms": 2000 } },
    });
    // Two receives fail, so it is a dead letter at 61 s. It was first queued at 1 s, and the retention is 100 s.
    for (back_ms, is_handled) in [(110_000, true), (180_000, true), (195_000, false)] {
        let document = json!({
            "until_ms": 300_000,
            "services": [
                { "id": "api", "data": { "a": 0 }, "publishes": [{ "to": "q" }] },
                { "id": "w", "data": { "a": 0 }, "subscribes": [subscription] },
            ],
            "buses": [{ "id": "q", "topics": [{ "name": "q", "retention_ms": 100_000 }] }],
            "script": [
                write(1000, "a", 1, false), crash(2000), restart(5000), crash(32_000), restart(33_000), crash(80_000),
                { "at_ms": 90_000, "do": { "redrive": { "bus": "q", "service": "w" } } },
                restart(back_ms),
            ],
        });
        let facts = facts(&document);
        assert_eq!(times(&facts, |fact| matches!(fact, Fact::EventRedriven { .. })), [90_000_000], "{back_ms}");
        assert_eq!(applied(&facts).len(), usize::from(is_handled), "back at {back_ms} ms");
        let discarded = times(&facts, |fact| matches!(fact, Fact::EventDiscarded { .. }));
        assert_eq!(discarded, if is_handled { vec![] } else { vec![190_000_000] }, "back at {back_ms} ms");
    }
}

#[test]
fn a_tombstone_is_purged_everywhere_a_grace_period_after_the_deletion() {
    let down = |service: &str, from: u64, to: u64| {
        [
            json!({ "at_ms": from, "do": { "crash": { "service": service } } }),
            json!({ "at_ms": to, "do": { "restart": { "service": service } } }),
        ]
    };
    // Anti-entropy brings the tombstone to `c` late, but within the grace period. `d` is back after its end.
    let [c_down, c_up] = down("c", 1000, 45_000);
    let [d_down, d_up] = down("d", 1000, 90_000);
    let document = json!({
        "until_ms": 300_000,
        "default_latency": { "constant": { "ms": 5 } },
        "services": [{ "id": "a" }, { "id": "b" }, { "id": "c" }, { "id": "d" }],
        "groups": [{
            "id": "g",
            "members": ["a", "b", "c", "d"],
            "protocol": { "quorum": {
                "read": 1, "write": 2, "timeout_ms": 500, "tombstone_grace_ms": 60_000,
                "anti_entropy": { "every_ms": 10_000, "depth": 4 },
            } },
        }],
        "clients": [{ "id": "u", "target": "g", "route": "nearest", "script": [
            { "at_ms": 0, "do": { "write": { "key": "k", "value": 1 } } },
            { "at_ms": 2000, "do": { "delete": { "key": "k" } } },
            { "at_ms": 290_000, "do": { "read": { "key": "k" } } },
        ] }],
        "links": [{ "from": "u", "to": "a", "latency": { "constant": { "ms": 1 } } }],
        "script": [c_down, d_down, c_up, d_up],
    });
    let facts = facts(&document);
    let purged = times(&facts, |fact| matches!(fact, Fact::TombstonePurged { .. }));
    let deleted = times(&facts, |fact| matches!(fact, Fact::WriteCoordinated { value: None, .. }));
    assert_eq!(purged, vec![deleted[0] + 60_000_000; 3], "each of three replicas purges once, at the same instant");
    let mut returned = None;
    for (_, fact) in &facts {
        if let Fact::ReadServed { value, .. } = fact {
            returned = Some(value.clone());
        }
    }
    assert_eq!(returned.flatten(), Some(1.into()), "the replica that was back too late restores the key");
}

/// A queue of RabbitMQ with a message TTL, and a consumer with a channel whose prefetch is 1.
fn channel(retention_ms: u32, processing_ms: u32, until_ms: u32, faults: &[Value]) -> Vec<(Micros, Fact)> {
    let subscription = json!({
        "to": "q", "ack_deadline_ms": 1_800_000, "max_deliveries": 20, "limit": "redeliveries", "dead_letter": false,
        "attach": { "connection": { "prefetch": 1, "heartbeat_ms": 60_000, "requeue_on_close": true } },
        "processing": { "constant": { "ms": processing_ms } },
    });
    let mut script = vec![write(0, "a", 1, false), write(1, "b", 2, false)];
    script.extend(faults.iter().cloned());
    facts(&json!({
        "until_ms": until_ms,
        "default_latency": { "constant": { "ms": 10 } },
        "services": [
            { "id": "api", "publishes": [{ "to": "q" }] },
            { "id": "w", "concurrency": 4, "subscribes": [subscription] },
        ],
        "buses": [{ "id": "q", "topics": [{ "name": "q", "retention_ms": retention_ms }] }],
        "script": script,
    }))
}

#[test]
fn an_unacknowledged_event_of_a_channel_does_not_expire_and_keeps_its_place_in_the_prefetch() {
    let facts = channel(1000, 3000, 20_000, &[]);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::EventSent { .. })).len(), 1, "the second one is never sent");
    assert_eq!(applied(&facts).len(), 1);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::EventAcknowledged { .. })).len(), 1);
    let expired = times(&facts, |fact| matches!(fact, Fact::EventDiscarded { .. }));
    assert!(expired.len() == 1 && expired[0] < 1_100_000, "the second one expires in the queue: {expired:?}");
}

#[test]
fn an_event_that_returns_to_its_queue_after_its_retention_expires_there() {
    let crash = json!({ "at_ms": 2000, "do": { "crash": { "service": "w" } } });
    let restart = json!({ "at_ms": 4000, "do": { "restart": { "service": "w" } } });
    let facts = channel(1000, 3000, 20_000, &[crash, restart]);
    assert_eq!(applied(&facts).len(), 0);
    let expired = times(&facts, |fact| matches!(fact, Fact::EventDiscarded { .. }));
    assert!(expired.len() == 2 && expired[1].abs_diff(2_010_000) < 5000, "it returns at 2 s: {expired:?}");
}

#[test]
fn a_poll_does_not_outlive_the_bus_that_holds_it() {
    let document = json!({
        "until_ms": 60_000,
        "default_latency": { "constant": { "ms": 5 } },
        "services": [
            { "id": "api", "publishes": [{ "to": "q", "mode": { "change_data_capture": { "poll_ms": 50, "batch": 2 } } }] },
            { "id": "w", "subscribes": [{ "to": "q", "attach": { "polling": {} } }] },
        ],
        "buses": [{ "id": "q" }],
        "script": [
            { "at_ms": 1500, "do": { "stop_bus": { "bus": "q" } } },
            { "at_ms": 1509, "do": { "cut_link": { "from": "w", "to": "q", "one_way": true } } },
            write(1710, "a", 1, false),
            { "at_ms": 2400, "do": { "start_bus": { "bus": "q" } } },
        ],
    });
    let facts = facts(&document);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::EventPublished { .. })).len(), 1);
    assert_eq!(applied(&facts).len(), 0, "no request of the consumer reaches the new process");
}
