//! The log and the verdicts name what acted, and count in the singular and the plural.

use crate::common::command_line::{code, converge, err, out};
use converge::language::{Language, set_language};
use converge::scenario::Scenario;
use converge::session::{Run, log_text};
use serde_json::{Value, json};

fn write(at_ms: u64, key: &str, value: i64) -> Value {
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "a", "operation": { "write": { "key": key, "value": value } } } } })
}

/// A publisher `a`, a bus, and consumers; `merge` changes the document.
fn document(publication: Value, consumers: &[Value], script: &[Value]) -> Value {
    let mut publication = publication;
    publication["to"] = "bus".into();
    let mut services = vec![json!({ "id": "a", "data": { "k": 0 }, "publishes": [publication] })];
    services.extend(consumers.iter().cloned());
    let links = ["a", "w1", "w2"].map(|id| json!({ "from": id, "to": "bus", "latency": { "constant": { "ms": 5 } } }));
    json!({ "converge": 1, "until_ms": 5000, "services": services, "buses": [{ "id": "bus" }], "script": script,
        "links": links[..=consumers.len()] })
}

fn consumer(id: &str, subscription: Value) -> Value {
    let mut subscription = subscription;
    subscription["to"] = "bus".into();
    json!({ "id": id, "data": { "k": 0 }, "subscribes": [subscription] })
}

/// Returns the sentences of the log.
fn log(document: &Value) -> Vec<String> {
    let output = converge(&["run", "-", "--trace", "-"], document.to_string());
    assert!(out(&output).starts_with('{'), "{}", err(&output));
    let rows = out(&output);
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.map(|row| row["text"].as_str().expect("a sentence").into()).collect()
}

fn has(rows: &[String], wanted: &str) {
    assert!(rows.iter().any(|row| row == wanted), "{wanted}: {rows:#?}");
}

fn has_not(rows: &[String], part: &str) {
    assert!(rows.iter().all(|row| !row.contains(part)), "{part}: {rows:#?}");
}

#[test]
fn a_delivery_that_is_never_acknowledged_is_not_called_acknowledged() {
    let cut = json!({ "at_ms": 0, "do": { "cut_link": { "from": "bus", "to": "w1" } } });
    let rows =
        log(&document(json!({}), &[consumer("w1", json!({ "acknowledge": "never" }))], &[cut, write(100, "k", 1)]));
    has(&rows, "bus treats k = 1 (v2) as delivered to w1: the subscription has no acknowledgements");
    has_not(&rows, "w1 acknowledged");
    let rows = log(&document(json!({}), &[consumer("w1", json!({}))], &[write(100, "k", 1)]));
    has(&rows, "w1 acknowledged k = 1 (v2) to bus");
}

#[test]
fn change_data_capture_has_no_outbox() {
    let relay = |mode: &str| {
        let mode = json!({ "mode": { mode: { "poll_ms": 10, "batch": 5 } } });
        log(&document(mode, &[consumer("w1", json!({}))], &[write(100, "k", 1)]))
    };
    let rows = relay("change_data_capture");
    has(&rows, "a wrote k = 1 (v2) to its log with the commit");
    has(&rows, "a published k = 1 (v2) from its log to bus");
    has_not(&rows, "outbox");
    let rows = relay("outbox");
    has(&rows, "a wrote k = 1 (v2) to its outbox with the commit");
    has(&rows, "a published the outbox row k = 1 (v2) to bus");
}

#[test]
fn events_of_a_consumer_group_are_queued_for_the_group_and_not_for_its_first_worker() {
    let worker = |id: &str| consumer(id, json!({ "group": "g", "fails": 1, "max_deliveries": 2 }));
    let document = document(json!({}), &[worker("w1"), worker("w2")], &[write(100, "k", 1)]);
    let rows = log(&document);
    has(&rows, "bus queued k = 1 (v2) for consumer group g");
    has(&rows, "bus requeued k = 1 (v2) for consumer group g, delivery attempt 2 at once");
    has(&rows, "bus dead-lettered k = 1 (v2) for consumer group g after 2 deliveries");
    for kind in ["queued", "dead-lettered"] {
        assert!(rows.iter().all(|row| !(row.contains(kind) && row.contains("for w"))), "{rows:#?}");
    }
    assert!(rows.iter().any(|row| row.starts_with("bus sent k = 1 (v2) to w")), "a delivery names its worker");
    let why = converge(&["why", "-"], document.to_string());
    assert!(out(&why).contains("consumer group g lacks k = 1 (v2)"), "{}", out(&why));
    let alone = log(&self::document(json!({}), &[consumer("w1", json!({ "group": "g" }))], &[write(100, "k", 1)]));
    has(&alone, "bus queued k = 1 (v2) for w1");
}

#[test]
fn a_sentence_about_a_consumer_group_is_german_in_german() {
    let worker = |id: &str| consumer(id, json!({ "group": "g" }));
    let document = document(json!({}), &[worker("w1"), worker("w2")], &[write(100, "k", 1)]);
    let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
    set_language(Language::German);
    let mut run = Run::new(&scenario);
    let mut rows = Vec::new();
    run.advance(5_000_000, u64::MAX, &mut |record, analysis, engine| {
        rows.push(log_text::sentence(record, analysis, engine.names()).text);
    });
    set_language(Language::English);
    has(&rows, "bus hat k = 1 (v2) für die Consumer-Gruppe g eingereiht");
}

#[test]
fn an_empty_answer_to_a_poll_and_the_end_of_polling_have_their_own_names() {
    let polling = json!({ "attach": { "polling": { "wait_ms": 500 } } });
    let crash = json!({ "at_ms": 1200, "do": { "crash": { "service": "w1" } } });
    let rows = log(&document(json!({}), &[consumer("w1", polling)], &[write(100, "k", 1), crash]));
    has(&rows, "w1 → bus: poll received");
    has(&rows, "bus → w1: empty answer received");
    has(&rows, "w1 → bus: end of its polling received");
    has_not(&rows, "bus → w1: poll");
    has_not(&rows, "connection");
}

#[test]
fn a_message_without_latency_is_due_at_once() {
    let mut document = document(json!({}), &[consumer("w1", json!({}))], &[write(100, "k", 1)]);
    document["default_latency"] = json!({ "constant": { "ms": 0 } });
    document["links"].as_array_mut().expect("links").truncate(1);
    let rows = log(&document);
    has(&rows, "bus → w1: delivery k = 1 (v2) sent, due at once");
    has(&rows, "a → bus: event k = 1 (v2) sent, due in 5 ms");
    has_not(&rows, "0 µs");
}

#[test]
fn one_broker_and_one_entry_are_counted_in_the_singular() {
    let mut document = document(
        json!({ "retry": { "timeout_ms": 1000, "attempts": 2 } }),
        &[consumer("w1", json!({}))],
        &[json!({ "at_ms": 50, "do": { "stop_broker": { "bus": "bus", "broker": 2 } } }), write(1000, "k", 1)],
    );
    document["buses"][0]["replication"] = json!({ "replicas": 2, "session_ms": 500,
        "commit": { "in_sync": { "min_insync": 2 } } });
    let rows = log(&document);
    has(&rows, "bus refused k = 1 (v2): 1 broker in sync, 2 required");
    has(&rows, "bus: 1 of 2 brokers in sync (1)");
    let raft = json!({ "converge": 1, "until_ms": 2000, "services": [{ "id": "a" }, { "id": "b" }, { "id": "c" }],
        "groups": [{ "id": "g", "members": ["a", "b", "c"], "protocol": { "raft": {} } }], "script": [write(1000, "k", 1)] });
    let rows = log(&raft);
    assert!(rows.iter().any(|row| row.contains(" has 1 entry, ")), "{rows:#?}");
    has_not(&rows, " 1 entries");
}

#[test]
fn the_time_of_a_fault_is_not_read_as_a_part_of_it() {
    let mut document = document(
        json!({}),
        &[consumer("w1", json!({ "max_deliveries": 2 }))],
        &[
            json!({ "at_ms": 100, "do": { "operate": { "service": "a", "operation": { "write": { "key": "k", "value": 1 } }, "poison": true } } }),
        ],
    );
    let why = out(&converge(&["why", "-"], document.to_string()));
    assert!(!why.contains("poison message at "), "{why}");
    assert!(why.contains("w1 lacks k = 1 (v2): at 1") && why.contains("it is a poison message; it is in"), "{why}");
    document["promises"] = json!(["no_stale_reads", { "lost_updates": { "count": 1 } }, "all_operations_ok"]);
    let run = converge(&["run", "-"], document.to_string());
    assert_eq!(code(&run), 1);
    assert!(!out(&run).contains("1 operations") && !out(&run).contains("were lost"), "{}", out(&run));
}

#[test]
fn one_missing_change_is_not_called_several() {
    let line = |time: u64, process: u64, kind: &str, f: &str, value: Value| {
        json!({ "type": kind, "process": process, "time": time * 1_000_000, "f": f, "key": "k", "value": value })
            .to_string()
    };
    let mut lines = Vec::new();
    for (at, value) in [(0, 1), (10, 2)] {
        lines.push(line(at, 0, "invoke", "write", json!(value)));
        lines.push(line(at + 1, 0, "ok", "write", json!(value)));
    }
    lines.push(line(20, 1, "invoke", "read", Value::Null));
    lines.push(line(21, 1, "ok", "read", json!(1)));
    let arguments = ["check", "-", "--guarantee", "bounded-staleness", "--k", "0"];
    let checked = out(&converge(&arguments, lines.join("\n")));
    assert!(checked.contains("a change that was acknowledged before it started is missing"), "{checked}");
    assert!(!checked.contains("1 changes") && !checked.contains("of which"), "{checked}");
}

#[test]
fn the_copy_of_a_message_is_not_called_a_duplicate_that_is_duplicated() {
    let mut scenario = document(json!({}), &[consumer("w1", json!({}))], &[write(100, "k", 1)]);
    scenario["links"][1]["duplicate"] = json!(1);
    let rows = log(&scenario);
    has(&rows, "w1 → bus: acknowledgement k = 1 (v2) duplicated; the copy is due in 5 ms");
    has_not(&rows, "(duplicate) duplicated");
    assert!(rows.iter().any(|row| row.ends_with("(duplicate) received")), "{rows:#?}");
}

#[test]
fn an_operation_that_a_member_of_a_chain_forwards_is_named_once() {
    let member = |id: &str| json!({ "id": id, "data": { "k": 0 } });
    let read = json!({ "at_ms": 300, "do": { "read": { "key": "k" } } });
    let write = json!({ "at_ms": 100, "do": { "write": { "key": "k", "value": 1 } } });
    let services = ["r1", "r2"].map(member);
    let scenario = json!({
        "converge": 1, "until_ms": 1000, "services": services,
        "groups": [{ "id": "g", "members": ["r1", "r2"], "protocol": "chain" }],
        "clients": [{ "id": "c", "target": "g", "route": "any", "script": [write, read] }],
        "script": [{ "at_ms": 50, "do": { "operate": { "service": "r1", "operation": { "write": { "key": "k", "value": 5 } } } } }],
    });
    let rows = log(&scenario);
    for part in ["write write", "write read", "write increment", "write delete"] {
        has_not(&rows, part);
    }
}

#[test]
fn a_poison_message_is_called_so_once() {
    let poison = json!({ "at_ms": 100, "do": { "operate": {
        "service": "a", "operation": { "write": { "key": "k", "value": 1 } }, "poison": true } } });
    let scenario = document(json!({}), &[consumer("w1", json!({ "backoff": { "fixed": { "ms": 300 } } }))], &[poison]);
    let text = out(&converge(&["run", "-", "--until", "1000"], scenario.to_string()));
    assert_eq!(text.matches("it is a poison message").count(), 1, "{text}");
    assert!(text.contains("it is a poison message; every delivery to w1 fails"), "{text}");
}

#[test]
fn a_copy_that_still_lacks_an_update_has_not_applied_all_updates() {
    let add = |at_ms: u32, by: i64| json!({ "at_ms": at_ms, "do": { "operate": { "service": "a", "operation": { "increment": { "key": "k", "by": by } } } } });
    let slow = json!({ "effect": "increment", "ack_deadline_ms": 300, "processing": { "constant": { "ms": 700 } } });
    let scenario = document(json!({}), &[consumer("w1", slow)], &[add(200, -1), add(220, 2), add(1700, -1)]);
    let text = out(&converge(&["run", "-", "--until", "2050"], scenario.to_string()));
    assert!(text.contains("stale, 1 behind"), "{text}");
    assert!(text.contains("k at w1 is stale: the updates that it lacks do not correct its value"), "{text}");
    assert!(!text.contains("all updates were applied"), "{text}");
}
