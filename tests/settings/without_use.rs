//! Settings that another setting leaves without use: found by runs with and without them, whose digests are equal.

use super::{SUBSCRIPTION, paths, subscription};
use serde_json::{Value, json};

#[test]
fn the_session_of_the_only_broker_is_reported() {
    let replication = |replicas: u32| ("/buses/0/replication", json!({ "replicas": replicas, "session_ms": 50 }));
    assert_eq!(paths(&[replication(1)]), ["buses[0].replication.session_ms"]);
    assert_eq!(paths(&[replication(3)]), Vec::<String>::new());
}

#[test]
fn the_service_time_of_a_service_that_only_handles_events_is_reported() {
    let time = ("/services/1/service_time", json!({ "constant": { "ms": 20 } }));
    assert_eq!(paths(std::slice::from_ref(&time)), ["services[1].service_time"]);
    assert_eq!(paths(&[("/services/0/service_time", json!({ "constant": { "ms": 20 } }))]), Vec::<String>::new());
    let read = json!({ "at_ms": 7, "do": { "operate": { "service": "b", "operation": { "read": { "key": "n" } } } } });
    for use_of_it in [("/clients/0/reads_from", json!("b")), ("/clients/0/target", json!("b")), ("/script/-", read)] {
        let found = paths(&[time.clone(), use_of_it]);
        assert!(!found.contains(&"services[1].service_time".to_string()), "{found:?}");
    }
}

#[test]
fn messages_between_the_members_of_a_group_with_one_member_have_no_settings() {
    let alone = |protocol: Value| {
        let group = json!([{ "id": "g", "members": ["x"], "protocol": protocol }]);
        paths(&[("/groups", group)])
    };
    for (protocol, field) in [
        (json!({ "primary": { "heartbeat_ms": 10 } }), "primary.heartbeat_ms"),
        (json!({ "raft": { "heartbeat_ms": 10 } }), "raft.heartbeat_ms"),
        (json!({ "two_phase": { "timeout_ms": 100 } }), "two_phase.timeout_ms"),
        (json!({ "gossip": { "style": "pull" } }), "gossip.style"),
        (json!({ "gossip": { "every": { "constant": { "ms": 50 } } } }), "gossip.every"),
    ] {
        assert_eq!(alone(protocol.clone()), [format!("groups[0].protocol.{field}")]);
        assert_eq!(paths(&[("/groups/0/protocol", protocol.clone())]), Vec::<String>::new(), "{protocol}");
    }
}

/// The guarantees of a client that a group with a protocol enforces without effect.
fn idle_guarantees(protocol: &Value, guarantee: &str, read_at_ms: u32) -> Vec<String> {
    let script = json!([
        { "at_ms": 1, "do": { "write": { "key": "k", "value": 1 } } }, { "at_ms": read_at_ms, "do": { "read": { "key": "k" } } },
    ]);
    let group = json!([{ "id": "g", "members": ["x", "y", "z"], "protocol": protocol }]);
    paths(&[("/groups", group), ("/clients/1/script", script), ("/clients/1/guarantees", json!([guarantee]))])
}

#[test]
fn a_session_guarantee_that_the_protocol_gives_anyway_is_reported() {
    let reported = ["clients[1].guarantees[0]"];
    let log_protocols = [json!({ "raft": {} }), json!({ "primary": {} }), json!("chain"), json!({ "two_phase": {} })];
    for guarantee in ["monotonic_writes", "writes_follow_reads"] {
        for protocol in &log_protocols {
            assert_eq!(idle_guarantees(protocol, guarantee, 9), reported, "{protocol} {guarantee}");
        }
        for protocol in [json!({ "quorum": {} }), json!({ "gossip": {} })] {
            assert_eq!(idle_guarantees(&protocol, guarantee, 9), [""; 0], "{protocol} {guarantee}");
        }
    }
    for guarantee in ["read_your_writes", "monotonic_reads"] {
        for protocol in &log_protocols[1..] {
            assert_eq!(idle_guarantees(protocol, guarantee, 9_000), [""; 0], "{protocol} {guarantee}");
        }
        let raft = &log_protocols[0];
        assert_eq!(idle_guarantees(raft, guarantee, 9_000), reported);
        // While the write may still be under way, a read that does not show it yet may be repeated.
        assert_eq!(idle_guarantees(raft, guarantee, 9), [""; 0]);
        let local = json!({ "raft": { "reads": "local" } });
        assert_eq!(idle_guarantees(&local, guarantee, 9_000), [""; 0]);
    }
}

#[test]
fn the_dead_letters_that_jet_stream_does_not_have_are_reported_for_no_number_of_pending_acknowledgements() {
    let jet_stream = |max_in_flight: u32, deadline: u32| {
        let fields = json!({ "ack_deadline_ms": deadline, "dead_letter": false, "max_in_flight": max_in_flight });
        paths(&[(SUBSCRIPTION, subscription(&fields))])
    };
    for max_in_flight in [1, 20, 1000, 5000] {
        assert_eq!(jet_stream(max_in_flight, 30_000), Vec::<String>::new(), "{max_in_flight}");
        assert_eq!(jet_stream(max_in_flight, 1000), ["services[1].subscribes[0].dead_letter"], "{max_in_flight}");
    }
}

#[test]
fn the_queue_of_a_service_that_only_reads_logs_is_reported_unless_it_has_more_partitions_than_workers() {
    let log = (SUBSCRIPTION, subscription(&json!({ "order": "log" })));
    let queue = ("/services/1/queue", json!(5));
    assert_eq!(paths(&[log.clone(), queue.clone()]), ["services[1].queue"]);
    let topic = |partitions: u32| ("/buses/0/topics/0", json!({ "name": "t", "partitions": partitions }));
    assert_eq!(paths(&[log.clone(), queue.clone(), topic(8)]), ["services[1].queue"]);
    assert_eq!(paths(&[log.clone(), queue.clone(), topic(9)]), Vec::<String>::new());
    let alone = ("/services/1/concurrency", json!(1));
    assert_eq!(paths(&[log.clone(), queue.clone(), topic(2), alone]), Vec::<String>::new());
    assert_eq!(paths(std::slice::from_ref(&queue)), Vec::<String>::new());
    assert_eq!(paths(&[log, queue, ("/clients/0/reads_from", json!("b"))]), Vec::<String>::new());
}
