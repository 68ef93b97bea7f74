//! Documented behaviour of real systems, each in a small scenario: deliveries with their times, final values and verdicts,
//! computed by hand. All links take 10 ms, handlers 1 ms unless stated.

use crate::common::runs::run_with_facts;
use converge::report::RunReport;
use converge::scenario::Scenario;
use converge::trace::Fact;
use serde_json::{Value, json};

/// A run to its end: its report, and its facts with their times, ms.
pub struct Outcome {
    pub report: RunReport,
    facts: Vec<(u64, Fact)>,
}

impl Outcome {
    pub fn of(document: Value) -> Self {
        let mut document = document;
        document["converge"] = 1.into();
        document["default_latency"] = json!({ "constant": { "ms": 10 } });
        let scenario = Scenario::from_json(&document.to_string()).unwrap_or_else(|errors| panic!("{errors:?}"));
        let (run, facts) = run_with_facts(&scenario);
        Outcome {
            report: RunReport::new(&run, &scenario),
            facts: facts.into_iter().map(|(at, fact)| (at / 1000, fact)).collect(),
        }
    }

    pub fn times(&self, is_wanted: impl Fn(&Fact) -> bool) -> Vec<u64> {
        self.facts.iter().filter(|(_, fact)| is_wanted(fact)).map(|(at, _)| *at).collect()
    }

    /// The times at which buses sent events.
    pub fn sent(&self) -> Vec<u64> {
        self.times(|fact| matches!(fact, Fact::EventSent { .. }))
    }

    fn acknowledged(&self) -> Vec<u64> {
        self.times(|fact| matches!(fact, Fact::EventAcknowledged { .. }))
    }

    pub fn discarded(&self) -> Vec<u64> {
        self.times(|fact| matches!(fact, Fact::EventDiscarded { .. }))
    }

    fn dead_lettered(&self) -> Vec<u64> {
        self.times(|fact| matches!(fact, Fact::EventDeadLettered { .. }))
    }

    fn value(&self, service: &str, key: &str) -> Value {
        let copy = self.report.services[service].keys.get(key);
        serde_json::to_value(copy.and_then(|copy| copy.value.clone())).expect("a value")
    }

    pub fn verdict(&self) -> &str {
        self.report.convergence.verdict
    }
}

/// A publisher `a`, a bus, and a consumer `w`, which both start with n = 0.
fn queue(until_ms: u64, subscription: Value, script: Value) -> Outcome {
    let mut subscription = subscription;
    subscription["to"] = "bus".into();
    Outcome::of(json!({
        "until_ms": until_ms,
        "services": [
            { "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "bus" }] },
            { "id": "w", "data": { "n": 0 }, "subscribes": [subscription] }
        ],
        "buses": [{ "id": "bus" }],
        "script": script
    }))
}

pub fn write(at_ms: u64, service: &str, key: &str, value: u64) -> Value {
    json!({ "at_ms": at_ms, "do": { "operate": { "service": service, "operation": { "write": { "key": key, "value": value } } } } })
}

fn poison(at_ms: u64, key: &str) -> Value {
    let mut step = write(at_ms, "a", key, 1);
    step["do"]["operate"]["poison"] = true.into();
    step
}

pub fn crash(at_ms: u64, service: &str) -> Value {
    json!({ "at_ms": at_ms, "do": { "crash": { "service": service } } })
}

pub fn restart(at_ms: u64, service: &str) -> Value {
    json!({ "at_ms": at_ms, "do": { "restart": { "service": service } } })
}

fn sqs(max_deliveries: u32) -> Value {
    json!({ "ack_deadline_ms": 30_000, "max_in_flight": 120_000, "max_deliveries": max_deliveries })
}

/// Returns a subscription with changes of its fields.
pub fn with(mut subscription: Value, changes: Value) -> Value {
    subscription.as_object_mut().expect("fields").extend(changes.as_object().expect("fields").clone());
    subscription
}

#[test]
fn a_dead_letter_of_sqs_expires_by_its_first_enqueue_time_and_one_of_a_fifo_queue_by_its_second() {
    for (changes, expires) in
        [(json!({}), 100_011), (json!({ "order": "fifo_per_key", "dead_letter_renews_time": true }), 160_011)]
    {
        let outcome = Outcome::of(json!({
            "until_ms": 200_000,
            "services": [
                { "id": "a", "publishes": [{ "to": "bus" }] },
                { "id": "w", "subscribes": [with(with(sqs(2), changes), json!({ "to": "bus" }))] }
            ],
            "buses": [{ "id": "bus", "topics": [{ "name": "t", "retention_ms": 100_000 }] }],
            "script": [poison(0, "k")]
        }));
        assert_eq!(outcome.sent(), [11, 30_011]);
        assert_eq!((outcome.dead_lettered(), outcome.discarded()), (vec![60_011], vec![expires]));
    }
}

#[test]
fn a_handler_slower_than_the_visibility_timeout_never_deletes_its_message() {
    let slow = json!({ "effect": "increment", "processing": { "constant": { "ms": 40_000 } } });
    let outcome = queue(500_000, with(sqs(10), slow), json!([write(0, "a", "n", 1)]));
    assert_eq!(outcome.sent(), (0..10).map(|n| 11 + 30_000 * n).collect::<Vec<_>>());
    assert_eq!((outcome.acknowledged(), outcome.dead_lettered()), (vec![], vec![300_011]));
    assert_eq!((outcome.value("w", "n"), outcome.verdict()), (10.into(), "will not converge"));
}

#[test]
fn a_kafka_consumer_slower_than_its_poll_interval_handles_the_same_record_for_ever() {
    let subscription = json!({ "order": "log", "effect": "increment", "commit_every_ms": 5000, "ack_deadline_ms": 30_000,
        "processing": { "constant": { "ms": 12_000 } }, "max_in_flight": 500, "dead_letter": false,
        "session": { "timeout_ms": 45_000, "heartbeat_ms": 3000, "max_poll_ms": 10_000 } });
    let outcome = queue(60_000, subscription, json!([write(0, "a", "n", 1)]));
    // It leaves with the first heartbeat after 10 s, and joins again when the handler ends; its commit is refused.
    assert_eq!(outcome.times(|fact| matches!(fact, Fact::ReaderLeft { .. })), [12_010, 24_010, 36_010, 48_010]);
    assert_eq!(outcome.sent(), [11, 12_031, 24_051, 36_071, 48_091]);
    assert_eq!((outcome.acknowledged(), outcome.value("w", "n")), (vec![], 4.into()));
}

#[test]
fn a_kafka_consumer_that_crashes_before_its_commit_leaves_its_records_to_the_next_after_the_session_timeout() {
    let subscription = json!({ "to": "bus", "group": "g", "order": "log", "effect": "increment", "commit_every_ms": 5000,
        "ack_deadline_ms": 30_000, "max_in_flight": 500, "dead_letter": false,
        "session": { "timeout_ms": 45_000, "heartbeat_ms": 3000, "max_poll_ms": 300_000 } });
    let worker = |id: &str| json!({ "id": id, "data": { "n": 0 }, "subscribes": [subscription] });
    let outcome = Outcome::of(json!({
        "until_ms": 120_000,
        "services": [{ "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "bus" }] }, worker("w1"), worker("w2")],
        "buses": [{ "id": "bus" }],
        "script": [write(500, "a", "n", 1), write(600, "a", "n", 2), write(700, "a", "n", 3), crash(4000, "w1")]
    }));
    // Its last heartbeat arrives at 3.01 s. The reply to the next heartbeat asks the other consumer to join the group again.
    assert_eq!(outcome.sent(), [511, 611, 711, 51_030, 51_030, 51_030]);
    assert_eq!(outcome.acknowledged(), [55_010, 55_010, 55_010]);
    assert_eq!((outcome.value("w1", "n"), outcome.value("w2", "n")), (3.into(), 3.into()));
    assert_eq!(outcome.verdict(), "will not converge", "the group has added each change twice");
}

#[test]
fn a_record_committed_before_it_is_processed_is_lost_in_a_crash() {
    let subscription =
        json!({ "order": "log", "acknowledge": "before_processing", "processing": { "constant": { "ms": 2000 } } });
    let script = json!([write(500, "a", "n", 1), crash(1500, "w"), restart(2500, "w")]);
    let outcome = queue(20_000, subscription, script);
    assert_eq!((outcome.sent(), outcome.acknowledged()), (vec![511], vec![531]));
    assert_eq!((outcome.value("w", "n"), outcome.verdict()), (0.into(), "will not converge"));
}

fn rabbit(prefetch: u32) -> Value {
    json!({ "ack_deadline_ms": 1_800_000, "max_deliveries": 20, "limit": "redeliveries", "dead_letter": false,
        "attach": { "connection": { "prefetch": prefetch, "heartbeat_ms": 60_000, "requeue_on_close": true } } })
}

#[test]
fn a_poison_message_at_the_head_of_a_rabbit_queue_is_delivered_21_times_before_the_next() {
    let outcome = queue(5000, rabbit(1), json!([poison(0, "p"), write(1, "a", "q", 2)]));
    // Each delivery takes 21 ms; the requeued message returns to the head.
    assert_eq!(outcome.sent(), (0..22).map(|n| 11 + 21 * n).collect::<Vec<_>>());
    assert_eq!((outcome.discarded(), outcome.acknowledged()), (vec![452], vec![473]));
    assert_eq!((outcome.value("w", "p"), outcome.value("w", "q")), (Value::Null, 2.into()));
}

#[test]
fn a_missed_acknowledgement_closes_the_rabbit_channel_and_requeues_all_of_its_messages() {
    let slow = with(rabbit(2), json!({ "effect": "increment", "processing": { "constant": { "ms": 2_400_000 } } }));
    let outcome = Outcome::of(json!({
        "until_ms": 5_000_000,
        "services": [
            { "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "bus" }] },
            { "id": "w", "data": { "n": 0 }, "concurrency": 1, "subscribes": [with(slow, json!({ "to": "bus" }))] }
        ],
        "buses": [{ "id": "bus" }],
        "script": [write(0, "a", "n", 1), write(1, "a", "n", 2)]
    }));
    // After 30 min each, and 20 ms for closing and opening. The worker handles one event in 40 min.
    assert_eq!(outcome.sent(), [11, 12, 1_800_031, 1_800_031, 3_600_051, 3_600_051]);
    assert_eq!((outcome.acknowledged(), outcome.value("w", "n")), (vec![], 2.into()));
}

#[test]
fn jetstream_gives_up_a_poison_message_after_max_deliver() {
    let subscription = json!({ "ack_deadline_ms": 30_000, "max_deliveries": 3, "dead_letter": false });
    let outcome = queue(100_000, subscription, json!([poison(0, "p")]));
    assert_eq!((outcome.sent(), outcome.discarded()), (vec![11, 32, 53], vec![74]));
}

#[test]
fn jetstream_accepts_an_acknowledgement_after_ack_wait_while_the_redelivery_is_handled() {
    let subscription = json!({ "ack_deadline_ms": 30_000, "dead_letter": false, "effect": "increment",
        "processing": { "constant": { "ms": 40_000 } } });
    let outcome = queue(100_000, subscription, json!([write(0, "a", "n", 1)]));
    assert_eq!((outcome.sent(), outcome.acknowledged()), (vec![11, 30_011], vec![40_031]));
    assert_eq!((outcome.value("w", "n"), outcome.verdict()), (2.into(), "will not converge"));
}

#[test]
fn redis_delivers_to_connected_subscribers_and_keeps_nothing_for_the_others() {
    let script = json!([
        write(500, "a", "x", 1),
        crash(1000, "w"),
        write(2000, "a", "x", 2),
        write(2000, "a", "y", 2),
        restart(3000, "w"),
        write(4500, "a", "x", 3)
    ]);
    let outcome = queue(8000, json!({ "acknowledge": "never", "dead_letter": false }), script);
    assert_eq!((outcome.sent(), outcome.discarded()), (vec![511, 4511], vec![2011, 2011]));
    assert_eq!((outcome.value("w", "x"), outcome.value("w", "y")), (3.into(), Value::Null));
    assert_eq!(outcome.verdict(), "will not converge");
}

#[test]
fn a_relay_that_crashes_after_a_publication_publishes_it_again() {
    let outbox = json!({ "outbox": { "poll_ms": 100, "batch": 10 } });
    let capture = json!({ "change_data_capture": { "poll_ms": 100, "batch": 10 } });
    // The outbox loses the confirmation of one row; change data capture its position, which it flushes every 60 s.
    let one = json!([write(1000, "a", "n", 1), crash(1105, "a"), restart(3000, "a")]);
    let three = json!([
        write(1000, "a", "n", 1),
        write(2000, "a", "n", 2),
        write(3000, "a", "n", 3),
        crash(5000, "a"),
        restart(6000, "a")
    ]);
    for (mode, script, published, value) in
        [(outbox, one, vec![1110, 3110], 1), (capture, three, vec![1110, 2110, 3110, 6110, 6110, 6110], 3)]
    {
        for has_inbox in [false, true] {
            let inbox = if has_inbox { json!({}) } else { Value::Null };
            let outcome = Outcome::of(json!({
                "until_ms": 20_000,
                "services": [
                    { "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "bus", "mode": mode }] },
                    { "id": "w", "data": { "n": 0 }, "subscribes": [{ "to": "bus", "effect": "increment", "inbox": inbox }] }
                ],
                "buses": [{ "id": "bus" }],
                "script": script
            }));
            assert_eq!(outcome.times(|fact| matches!(fact, Fact::EventPublished { .. })), published);
            let (sum, verdict) = if has_inbox { (value, "converged") } else { (2 * value, "will not converge") };
            assert_eq!((outcome.value("w", "n"), outcome.verdict()), (sum.into(), verdict));
        }
    }
}

#[test]
fn a_step_of_a_saga_is_lost_between_commit_and_publication_unless_it_has_an_outbox() {
    let publication = |mode: Value, gap_ms: u32| json!({ "to": "paid", "forward": { "key": "paid", "plus": 1 }, "mode": mode, "gap_ms": gap_ms });
    for (publication, value, verdict) in [
        (publication(json!("after_commit"), 50), Value::Null, "will not converge"),
        (publication(json!({ "outbox": { "poll_ms": 100, "batch": 10 } }), 0), 11.into(), "converged"),
    ] {
        let outcome = Outcome::of(json!({
            "until_ms": 20_000,
            "services": [
                { "id": "a", "publishes": [{ "to": "bus" }] },
                { "id": "b", "subscribes": [{ "to": "bus" }], "publishes": [publication] },
                { "id": "c", "subscribes": [{ "to": "paid" }] }
            ],
            "buses": [{ "id": "bus" }, { "id": "paid" }],
            // It commits at 1022 ms.
            "script": [write(1000, "a", "order", 10), crash(1050, "b"), restart(2000, "b")]
        }));
        assert_eq!((outcome.value("b", "paid"), outcome.value("c", "paid")), (11.into(), value));
        assert_eq!(outcome.verdict(), verdict);
    }
}

#[test]
fn the_later_of_two_regions_wins_in_a_global_table_and_the_earlier_write_is_lost() {
    let outcome = Outcome::of(json!({
        "until_ms": 5000,
        "services": [{ "id": "us" }, { "id": "eu" }],
        "groups": [{ "id": "g", "members": ["us", "eu"], "data": { "register": { "clock": "wall" } }, "protocol": { "quorum": {} } }],
        "links": [{ "from": "us", "to": "eu", "latency": { "constant": { "ms": 400 } } }],
        "script": [write(1000, "us", "k", 1), write(1100, "eu", "k", 2)]
    }));
    assert_eq!((outcome.value("us", "k"), outcome.value("eu", "k")), (2.into(), 2.into()));
    assert_eq!((outcome.report.lost_updates, outcome.verdict()), (1, "converged"));
}

#[test]
fn a_primary_rolls_back_what_it_acknowledged_alone() {
    for (acknowledgements, ok, lost) in [(0, 3, 1), (1, 2, 0)] {
        let operation = |at_ms: u64, operation: Value| json!({ "at_ms": at_ms, "do": operation });
        let outcome = Outcome::of(json!({
            "until_ms": 20_000,
            "services": [{ "id": "p" }, { "id": "s1" }, { "id": "s2" }],
            "groups": [{ "id": "g", "members": ["p", "s1", "s2"],
                "protocol": { "primary": { "acknowledgements": acknowledgements, "failover_ms": 2000 } } }],
            "clients": [{ "id": "c", "target": "g", "route": "primary", "timeout_ms": 300, "script": [
                operation(1000, json!({ "write": { "key": "k", "value": 1 } })),
                operation(2010, json!({ "write": { "key": "k", "value": 2 } })),
                operation(16_000, json!({ "read": { "key": "k" } }))
            ] }],
            "script": [
                { "at_ms": 2000, "do": { "partition": { "groups": [["p", "c"], ["s1", "s2"]] } } },
                crash(2500, "p"),
                { "at_ms": 10_000, "do": "heal_all" }
            ]
        }));
        let client = &outcome.report.clients["c"];
        assert_eq!((client.ok, client.unknown), (ok, 3 - ok));
        assert_eq!((outcome.report.lost_updates, outcome.value("p", "k")), (lost, 1.into()));
    }
}

#[test]
fn cassandra_keeps_no_hints_for_a_replica_that_was_down_for_longer_than_the_window() {
    let outcome = Outcome::of(json!({
        "until_ms": 40_000,
        "services": [{ "id": "r1" }, { "id": "r2" }, { "id": "r3" }],
        "groups": [{ "id": "g", "members": ["r1", "r2", "r3"], "data": { "register": { "clock": "wall" } },
            "protocol": { "quorum": { "read": 1, "write": 1, "hints": { "window_ms": 10_000, "every_ms": 1000 } } } }],
        "script": [crash(1000, "r3"), write(5000, "r1", "early", 1), write(17_000, "r1", "late", 1), restart(30_000, "r3"),
            write(32_000, "r1", "after", 1)]
    }));
    assert_eq!(outcome.value("r3", "early"), json!(1), "a hint from within the window is delivered, however late");
    assert_eq!(outcome.value("r3", "late"), Value::Null);
    assert_eq!((outcome.value("r3", "after"), outcome.verdict()), (1.into(), "will not converge"));
}

/// Three members with a hint window of 4 s, writes of 300 ms at most, and this script.
fn hint_window(script: Value) -> Outcome {
    Outcome::of(json!({
        "until_ms": 30_000,
        "services": [{ "id": "r1" }, { "id": "r2" }, { "id": "r3" }],
        "groups": [{ "id": "g", "members": ["r1", "r2", "r3"], "data": { "register": { "clock": "wall" } },
            "protocol": { "quorum": { "read": 1, "write": 1, "timeout_ms": 300, "hints": { "window_ms": 4000, "every_ms": 1000 } } } }],
        "script": script
    }))
}

#[test]
fn the_window_of_hints_begins_when_the_replica_goes_down_and_not_at_the_first_write_that_it_misses() {
    let late = json!([crash(1000, "r3"), write(8000, "r1", "k", 1), restart(15_000, "r3")]);
    let cut = json!([
        { "at_ms": 1000, "do": { "partition": { "groups": [["r1", "r2"], ["r3"]] } } },
        write(8000, "r1", "k", 1),
        { "at_ms": 15_000, "do": "heal_all" }
    ]);
    let other =
        json!([crash(1000, "r3"), write(2000, "r1", "first", 1), write(8000, "r2", "k", 1), restart(15_000, "r3")]);
    for script in [late, cut, other] {
        let outcome = hint_window(script.clone());
        assert_eq!((outcome.value("r3", "k"), outcome.verdict()), (Value::Null, "will not converge"), "{script}");
    }
}

#[test]
fn a_replica_that_was_back_for_a_moment_gets_hints_for_a_whole_window_again() {
    let outcome = hint_window(json!([
        crash(1000, "r3"),
        write(1500, "r1", "first", 1),
        restart(4000, "r3"),
        crash(4100, "r3"),
        write(6500, "r1", "k", 1),
        restart(20_000, "r3")
    ]));
    assert_eq!((outcome.value("r3", "k"), outcome.verdict()), (1.into(), "converged"));
}

#[test]
fn a_redelivery_precedes_events_that_were_not_delivered_yet() {
    let subscription = json!({ "ack_deadline_ms": 3000, "dead_letter": false, "max_in_flight": 1, "effect": "overwrite",
        "processing": { "constant": { "ms": 1000 } } });
    for polling in [false, true] {
        let attached = json!({ "attach": { "polling": {} }, "late_acknowledgement": "ignore" });
        let subscription = if polling { with(subscription.clone(), attached) } else { subscription.clone() };
        let outcome = Outcome::of(json!({
            "until_ms": 20_000,
            "services": [
                { "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "bus" }] },
                { "id": "w", "data": { "n": 0 }, "subscribes": [with(subscription, json!({ "to": "bus" }))] }
            ],
            "buses": [{ "id": "bus" }],
            "script": [write(1000, "a", "n", 1), write(1050, "a", "n", 2), crash(1500, "w"), restart(1600, "w")]
        }));
        assert_eq!((outcome.value("w", "n"), outcome.verdict()), (2.into(), "converged"), "polling: {polling}");
    }
}

#[test]
fn a_former_primary_redirects_reads_of_clients_that_read_at_the_primary() {
    let read = json!({ "at_ms": 6200, "do": { "read": { "key": "k" } } });
    for (route, value) in [("primary", 5), ("nearest", 1)] {
        let outcome = Outcome::of(json!({
            "until_ms": 15_000,
            "services": [{ "id": "n1" }, { "id": "n2" }, { "id": "n3" }],
            "groups": [{ "id": "g", "members": ["n1", "n2", "n3"], "protocol": { "primary": { "failover_ms": 1000 } } }],
            "clients": [{ "id": "c", "target": "g", "route": route, "script": [read] }],
            "links": [{ "from": "n2", "to": "n1", "latency": { "constant": { "ms": 500 } } }],
            "script": [write(100, "n1", "k", 1), crash(1000, "n1"), restart(4000, "n1"), write(6000, "n2", "k", 5)]
        }));
        let read = outcome.facts.iter().find_map(|(_, fact)| match fact {
            Fact::ReadServed { value, .. } => serde_json::to_value(value).ok(),
            _ => None,
        });
        assert_eq!(read, Some(json!(value)), "{route}");
    }
}

#[test]
fn the_first_topic_of_a_bus_is_the_same_by_its_name() {
    for topic in [Value::Null, "t".into()] {
        let outcome = Outcome::of(json!({
            "until_ms": 1500,
            "services": [
                { "id": "a", "publishes": [{ "to": "bus" }] },
                { "id": "b", "subscribes": [{ "to": "bus" }], "publishes": [{ "to": "chain", "topic": topic, "forward": {} }] },
                { "id": "c", "subscribes": [{ "to": "chain" }] }
            ],
            "buses": [{ "id": "bus" }, { "id": "chain", "topics": [{ "name": "t" }] }],
            "script": [
                { "at_ms": 500, "do": { "cut_link": { "from": "bus", "to": "b" } } },
                write(1000, "a", "k", 1),
                { "at_ms": 5000, "do": { "heal_link": { "from": "bus", "to": "b" } } }
            ]
        }));
        assert_eq!(outcome.verdict(), "converging", "{topic}: {:?}", outcome.report.convergence.because);
    }
}
