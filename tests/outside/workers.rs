//! Workers of one consumer group with settings of their own, and limits of their queue. All links take 10 ms.

use super::systems::{Outcome, crash, restart, with, write};
use converge::trace::{DetachReason, Fact};
use serde_json::{Value, json};

/// Two workers of a group; the settings are changed from SQS's in the first, and from RabbitMQ's in the second.
fn workers(first: Value, second: Value, script: Value) -> Outcome {
    let worker = |id: &str, subscription: Value| json!({ "id": id, "store": "s", "subscribes": [with(subscription, json!({ "to": "bus", "group": "g" }))] });
    Outcome::of(json!({
        "until_ms": 20_000,
        "services": [{ "id": "a", "publishes": [{ "to": "bus" }] }, worker("w1", first), worker("w2", second)],
        "buses": [{ "id": "bus", "topics": [{ "name": "t", "partitions": 2 }] }],
        "script": script
    }))
}

#[test]
fn a_missed_deadline_closes_the_channel_of_the_worker_that_missed_it_and_of_no_other() {
    let slow = json!({ "constant": { "ms": 15_000 } });
    let polling =
        json!({ "ack_deadline_ms": 3000, "attach": { "polling": {} }, "processing": slow, "max_in_flight": 1 });
    let channel = json!({ "ack_deadline_ms": 3000, "attach": { "connection": { "requeue_on_close": true } }, "processing": slow, "max_in_flight": 1 });
    for (first, second, gone) in [(&polling, &channel, "w1"), (&channel, &polling, "w2")] {
        // Only one of the two works.
        for (crashed, closes) in [("w1", second == &channel), ("w2", first == &channel)] {
            let outcome =
                workers(first.clone(), second.clone(), json!([crash(500, crashed), write(1000, "a", "k", 1)]));
            let closed = outcome.times(|fact| {
                matches!(fact, Fact::ConsumerDetached { reason: DetachReason::AcknowledgementOverdue, .. })
            });
            assert_eq!(!closed.is_empty(), closes, "{gone} polls, {crashed} is gone: {closed:?}");
        }
    }
}

#[test]
fn a_queue_is_stored_if_any_of_its_workers_acknowledges() {
    let script = json!([crash(500, "w1"), crash(600, "w2"), write(1000, "a", "k", 1), restart(2000, "w2")]);
    let never = json!({ "acknowledge": "never" });
    for (first, second) in [(never.clone(), json!({})), (json!({}), never)] {
        let outcome = workers(first, second, script.clone());
        assert_eq!((outcome.discarded(), outcome.verdict()), (vec![], "converged"));
    }
}

#[test]
fn the_limit_of_unacknowledged_events_is_for_all_consumers_of_a_queue_and_the_prefetch_for_each() {
    // JetStream: MaxAckPending of a consumer that several subscribers share. RabbitMQ: basic.qos of each channel.
    let jetstream = json!({ "max_in_flight": 1, "dead_letter": false, "ack_deadline_ms": 30_000 });
    let each =
        json!({ "dead_letter": false, "ack_deadline_ms": 30_000, "attach": { "connection": { "prefetch": 1 } } });
    let rabbit =
        json!({ "max_in_flight": 1, "limit": "redeliveries", "max_deliveries": 20, "ack_deadline_ms": 30_000 });
    let keys = ["k0", "k1", "k2", "k3"];
    let script: Vec<Value> = keys.iter().map(|key| write(1000, "a", key, 1)).collect();
    for (settings, at_once) in [(jetstream, 1), (each, 2), (rabbit, 2)] {
        let worker = with(settings.clone(), json!({ "processing": { "constant": { "ms": 1000 } } }));
        let outcome = workers(worker.clone(), worker, json!(script));
        let sent = outcome.sent();
        assert_eq!(sent.iter().filter(|at| **at < 1500).count(), at_once, "{settings}: {sent:?}");
        assert_eq!((sent.len(), outcome.verdict()), (4, "converged"), "{settings}");
    }
}

#[test]
fn each_reader_of_a_log_has_its_own_limit_of_events_in_flight() {
    let reader = |max_in_flight: u32| json!({ "order": "log", "max_in_flight": max_in_flight, "processing": { "constant": { "ms": 100 } } });
    let keys = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"];
    let script: Vec<Value> = keys.iter().map(|key| write(1000, "a", key, 1)).collect();
    for (first, second, at_once) in [(1, 3, 4), (3, 1, 4), (1, 1, 2)] {
        let outcome = workers(reader(first), reader(second), json!(script));
        assert_eq!(outcome.sent().iter().filter(|at| **at < 1050).count(), at_once);
    }
}

#[test]
fn an_event_that_one_worker_handles_does_not_wait_for_the_restart_of_the_other() {
    let worker = |id: &str| json!({ "id": id, "subscribes": [{ "to": "bus", "group": "g", "ack_deadline_ms": 60_000, "processing": { "constant": { "ms": 15_000 } } }] });
    for crashed in ["w1", "w2"] {
        let outcome = Outcome::of(json!({
            "until_ms": 20_000,
            "services": [{ "id": "a", "publishes": [{ "to": "bus" }] }, worker("w1"), worker("w2")],
            "buses": [{ "id": "bus" }],
            "script": [crash(500, crashed), write(8000, "a", "k", 1), restart(25_000, crashed)]
        }));
        let because = outcome.report.convergence.because.join(" ");
        assert_eq!(outcome.verdict(), "converging", "{because}");
        assert!(because.contains("delivery attempt 1 is in flight or being handled"), "without {crashed}: {because}");
    }
}
