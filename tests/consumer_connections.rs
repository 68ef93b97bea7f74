//! Connections of consumers: heartbeats, losses, and what a bus knows after its restart.

use crate::common::runs;
use converge::scenario::Scenario;
use converge::session::Run;
use converge::trace::{DetachReason, Fact, MessageKind};
use serde_json::{Value, json};

/// Returns a run of a publisher and a consumer `b` with a connection, with its facts.
fn run(connection: Value, link: Value, script: Value) -> (Run, Vec<(u64, Fact)>) {
    let mut link_to_consumer = json!({ "from": "bus", "to": "b" });
    link_to_consumer.as_object_mut().unwrap().extend(link.as_object().unwrap().clone());
    let scenario = json!({
        "converge": 1,
        "until_ms": 60_000.0,
        "services": [
            { "id": "a", "publishes": [{ "to": "bus" }] },
            { "id": "b", "subscribes": [{ "to": "bus", "attach": { "connection": connection },
                "ack_deadline_ms": 1_800_000.0, "limit": "redeliveries" }] }
        ],
        "buses": [{ "id": "bus" }],
        "links": [link_to_consumer],
        "script": script
    });
    let scenario = Scenario::from_json(&scenario.to_string()).expect("a valid scenario");
    runs::run_with_facts(&scenario)
}

fn write(at_ms: f64, value: u32) -> Value {
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "a",
        "operation": { "write": { "key": "k", "value": value } } } } })
}

/// Returns the ends of connections, each with its time in ms and its reason.
fn ends(facts: &[(u64, Fact)]) -> Vec<(u64, DetachReason)> {
    let end = |(at, fact): &(u64, Fact)| match fact {
        Fact::ConsumerDetached { reason, .. } => Some((at / 1000, *reason)),
        _ => None,
    };
    facts.iter().filter_map(end).collect()
}

/// Returns the times in ms at which the bus sent an event.
fn sent(facts: &[(u64, Fact)]) -> Vec<u64> {
    let is_sent = |fact: &Fact| matches!(fact, Fact::EventSent { .. });
    facts.iter().filter(|(_, fact)| is_sent(fact)).map(|(at, _)| at / 1000).collect()
}

#[test]
fn heartbeats_follow_each_other_however_long_they_are_in_flight() {
    // A heartbeat takes longer than the timeout; what matters is the time between two arrivals.
    let connection = json!({ "heartbeat_ms": 400.0, "requeue_on_close": true });
    let (_, facts) =
        run(connection, json!({ "latency": { "constant": { "ms": 700.0 } } }), json!([write(20_000.0, 1)]));
    let after_start: Vec<_> = ends(&facts).into_iter().filter(|(at, _)| *at > 2000).collect();
    assert_eq!(after_start, []);
    assert_eq!(sent(&facts).len(), 1, "the delivery is not requeued");
}

#[test]
fn a_lost_heartbeat_is_sent_again_like_any_message_of_its_connection() {
    let connection = json!({ "heartbeat_ms": 10_000.0, "requeue_on_close": true });
    let (run, facts) = run(connection, json!({ "loss": 0.4 }), json!([write(5000.0, 1)]));
    assert_eq!(ends(&facts), [], "{:?}", run.engine().messages());
    assert_eq!(sent(&facts).len(), 1);
}

#[test]
fn a_bus_has_no_connection_to_a_consumer_that_ended_while_the_bus_was_down() {
    let script = json!([
        { "at_ms": 1000.0, "do": { "stop_bus": { "bus": "bus" } } },
        { "at_ms": 2000.0, "do": { "crash": { "service": "b" } } },
        { "at_ms": 3000.0, "do": { "start_bus": { "bus": "bus" } } },
        write(4000.0, 1),
        { "at_ms": 8000.0, "do": { "restart": { "service": "b" } } }
    ]);
    let (_, facts) = run(json!({ "requeue_on_close": true }), json!({}), script);
    assert_eq!(ends(&facts), [(3000, DetachReason::Closed)]);
    let times = sent(&facts);
    assert!(times.len() == 1 && times[0] >= 8000, "nothing is delivered to a consumer that is gone: {times:?}");
}

#[test]
fn the_end_of_a_process_reaches_the_bus_through_a_link_that_loses_messages() {
    let script = json!([
        { "at_ms": 500.0, "do": { "cut_link": { "from": "bus", "to": "b" } } },
        { "at_ms": 1000.0, "do": { "crash": { "service": "b" } } },
        { "at_ms": 5000.0, "do": { "heal_link": { "from": "bus", "to": "b" } } },
        write(10_000.0, 1),
    ]);
    for requeue_on_close in [true, false] {
        let (_, facts) = run(json!({ "requeue_on_close": requeue_on_close }), json!({}), script.clone());
        assert_eq!(ends(&facts).len(), 1, "{:?}", ends(&facts));
        assert!(sent(&facts).is_empty());
    }
}

#[test]
fn a_consumer_group_has_one_queue_which_its_first_subscription_decides() {
    // Both read partitions of a log, although the second subscription asks for a connection and no order.
    let scenario = json!({
        "converge": 1,
        "until_ms": 20_000.0,
        "services": [
            { "id": "a", "publishes": [{ "to": "bus" }] },
            { "id": "b", "store": "s", "subscribes": [{ "to": "bus", "group": "g", "order": "log", "ack_deadline_ms": 300.0 }] },
            { "id": "c", "store": "s", "subscribes": [{ "to": "bus", "group": "g", "max_deliveries": 2,
                "attach": { "connection": { "prefetch": 1, "heartbeat_ms": 400.0, "requeue_on_close": true } } }] }
        ],
        "buses": [{ "id": "bus", "topics": [{ "name": "t", "partitions": 2 }] }],
        "script": [
            { "at_ms": 1000.0, "do": { "cut_link": { "from": "bus", "to": "c" } } },
            write(2000.0, 1), write(2001.0, 2), write(2002.0, 3),
            { "at_ms": 2000.0, "do": { "operate": { "service": "a", "operation": { "write": { "key": "l", "value": 1 } } } } },
            { "at_ms": 9000.0, "do": { "heal_link": { "from": "bus", "to": "c" } } }
        ]
    });
    let scenario = Scenario::from_json(&scenario.to_string()).expect("a valid scenario");
    let warned: Vec<String> = scenario.warnings().iter().map(|warning| warning.path.clone()).collect();
    assert_eq!(warned, ["services[2].subscribes[0].order", "services[2].subscribes[0].max_deliveries"]);
    let (run, facts) = runs::run_with_facts(&scenario);
    assert_eq!(ends(&facts), [], "a reader of a log has no connection");
    let acknowledged = facts.iter().filter(|(_, fact)| matches!(fact, Fact::EventAcknowledged { .. })).count();
    assert_eq!(acknowledged, 4, "each event is acknowledged once");
    let counts = run.engine().bus_events().next().expect("a bus");
    assert_eq!((counts.queued, counts.in_flight, counts.dead_lettered), (0, 0, 0));
}

/// Returns the times in ms at which `b` sent messages of a kind to the bus.
fn sent_to_bus(run: &Run, facts: &[(u64, Fact)], wanted: MessageKind) -> Vec<u64> {
    let (consumer, bus) = (runs::node(run, "b"), runs::node(run, "bus"));
    let is_sent = |fact: &Fact| match fact {
        Fact::MessageSent { kind, from, to, .. } => (*kind, *from, *to) == (wanted, consumer, bus),
        _ => false,
    };
    facts.iter().filter(|(_, fact)| is_sent(fact)).map(|(at, _)| at / 1000).collect()
}

#[test]
fn a_reply_of_a_closed_connection_is_not_sent_again() {
    // The reply to the delivery is lost. Both ends close their connection while the link is cut; the old reply would
    // be sent again 1 s after its loss, and the event is delivered again over the new connection.
    let connection = json!({ "heartbeat_ms": 400.0, "requeue_on_close": true });
    let script = json!([
        write(5000.0, 1),
        { "at_ms": 5012.0, "do": { "cut_link": { "from": "b", "to": "bus" } } },
        { "at_ms": 5900.0, "do": { "heal_link": { "from": "b", "to": "bus" } } }
    ]);
    let (run, facts) = run(connection, json!({ "latency": { "constant": { "ms": 5.0 } } }), script);
    assert_eq!(ends(&facts).len(), 1, "{:?}", ends(&facts));
    let replies = sent_to_bus(&run, &facts, MessageKind::Acknowledgement);
    let deliveries = sent(&facts);
    assert_eq!((deliveries.len(), replies.len()), (2, 2), "one reply to each delivery: {deliveries:?}, {replies:?}");
    assert_eq!(replies, [deliveries[0] + 6, deliveries[1] + 6]);
}

#[test]
fn replies_of_an_open_connection_are_sent_again_when_another_connection_of_the_service_closes() {
    // Two subscriptions over one link. Only the first one's connection has a heartbeat, and closes while the link is cut.
    let subscription = |topic: &str, heartbeat_ms: Value| {
        json!({ "to": "bus", "topic": topic, "ack_deadline_ms": 1_800_000.0, "limit": "redeliveries",
            "attach": { "connection": { "heartbeat_ms": heartbeat_ms, "requeue_on_close": true } } })
    };
    let scenario = json!({
        "converge": 1,
        "until_ms": 20_000.0,
        "services": [
            { "id": "a", "publishes": [{ "to": "bus", "topic": "s" }, { "to": "bus", "topic": "t" }] },
            { "id": "b", "subscribes": [subscription("s", json!(400.0)), subscription("t", Value::Null)] }
        ],
        "buses": [{ "id": "bus", "topics": [{ "name": "s" }, { "name": "t" }] }],
        "script": [
            write(5000.0, 1),
            { "at_ms": 5012.0, "do": { "cut_link": { "from": "b", "to": "bus" } } },
            { "at_ms": 5900.0, "do": { "heal_link": { "from": "b", "to": "bus" } } }
        ]
    });
    let (run, facts) = runs::run_with_facts(&Scenario::from_json(&scenario.to_string()).expect("a valid scenario"));
    assert_eq!(ends(&facts).len(), 1, "{:?}", ends(&facts));
    let replies = sent_to_bus(&run, &facts, MessageKind::Acknowledgement);
    // Two replies are lost; that of the open connection is sent again after 1 s.
    let deliveries = sent(&facts);
    assert_eq!(deliveries.len(), 3, "the event of the closed connection is delivered again: {deliveries:?}");
    assert_eq!(replies.len(), 4, "{replies:?}");
    assert!(replies.contains(&(replies[0] + 1005)), "{replies:?}");
    let counts = run.engine().bus_events().next().expect("a bus");
    assert_eq!((counts.acknowledged, counts.in_flight, counts.queued), (2, 0, 0));
}
