//! Acknowledged updates whose last copy is lost with a disk are lost updates, as soon as a read shows it.

use crate::common::command_line::{converge, out};
use serde_json::{Value, json};

fn write(value: i64) -> Value {
    json!({ "write": { "key": "k", "value": value } })
}

fn read() -> Value {
    json!({ "read": { "key": "k" } })
}

fn increment(by: i64) -> Value {
    json!({ "increment": { "key": "k", "by": by } })
}

/// A group of these members, or a single service, with a client. The members in `losing` lose their disks at `lost_ms` and start again
/// at 3 s.
fn scenario(group: Option<(Value, Value)>, losing: &[&str], lost_ms: u32, steps: &[(u32, Value)]) -> Value {
    let ids = if group.is_some() { &["n1", "n2", "n3"][..] } else { &["n1"][..] };
    let at = |(at_ms, step): &(u32, Value)| json!({ "at_ms": at_ms, "do": step });
    let crash = losing.iter().map(|id| (lost_ms, json!({ "crash": { "service": id, "lose_disk": true } })));
    let restart = losing.iter().map(|id| (3_000, json!({ "restart": { "service": id } })));
    let target = if group.is_some() { "g" } else { "n1" };
    let mut document = json!({
        "converge": 1,
        "until_ms": 20_000,
        "default_latency": { "constant": { "ms": 10 } },
        "services": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<Value>>(),
        "clients": [{ "id": "c", "target": target, "script": steps.iter().map(at).collect::<Vec<Value>>() }],
        "script": crash.chain(restart).map(|step| at(&step)).collect::<Vec<Value>>(),
    });
    if let Some((protocol, data)) = group {
        document["groups"] = json!([{ "id": "g", "members": ids, "protocol": protocol, "data": data }]);
    }
    document
}

/// Returns the number of lost updates, the promise that none is lost if the run misses it, and the verdict of `check`.
fn judged(document: &Value) -> (u64, Option<String>, Value) {
    let mut document = document.clone();
    document["promises"] = json!([{ "lost_updates": { "count": 0 } }]);
    let report = out(&converge(&["run", "-", "--json"], document.to_string()));
    let report: Value = serde_json::from_str(&report).expect("a report");
    let history = out(&converge(&["run", "-", "--history", "-"], document.to_string()));
    let found = out(&converge(&["check", "-", "--json", "--guarantee", "no-lost-update"], &history));
    let found: Value = serde_json::from_str(&found).expect("verdicts");
    let missed = report["missed"][0].as_str().map(String::from);
    (report["lost_updates"].as_u64().expect("a number"), missed, found["verdicts"][0].clone())
}

fn quorum() -> (Value, Value) {
    (json!({ "quorum": { "read": 2, "write": 2 } }), json!({ "register": { "clock": "wall" } }))
}

#[test]
fn an_acknowledged_write_whose_last_copy_was_lost_with_a_disk_is_lost() {
    let all = ["n1", "n2", "n3"];
    let steps = [(2_000, write(1)), (8_000, read())];
    let registers = |protocol: Value| Some((protocol, json!({ "register": { "clock": "wall" } })));
    for group in [Some(quorum()), registers(json!({ "raft": {} })), registers(json!({ "gossip": {} })), None] {
        let document = scenario(group.clone(), &all[..if group.is_some() { 3 } else { 1 }], 2_900, &steps);
        let (lost, missed, verdict) = judged(&document);
        assert_eq!((lost, verdict["verdict"].as_str()), (1, Some("violated")), "{group:?}: {missed:?} {verdict}");
        assert_eq!(verdict["sentence"], "The last copy of an acknowledged write was lost with a disk.", "{group:?}");
        assert_eq!(verdict["operations"][0]["f"], "write", "{group:?}");
        assert!(missed.is_some_and(|missed| missed.contains("1 lost, not 0")), "{group:?}");
    }
}

#[test]
fn an_acknowledged_increment_whose_last_copy_was_lost_with_a_disk_is_lost() {
    let group = Some((json!({ "quorum": { "read": 1, "write": 1 } }), json!("counter")));
    let steps = [(100, increment(3)), (200, increment(4)), (5_000, read()), (6_000, increment(1)), (7_000, read())];
    let (lost, _, verdict) = judged(&scenario(group, &["n1", "n2", "n3"], 1_000, &steps));
    assert_eq!((lost, verdict["verdict"].as_str()), (2, Some("violated")), "{verdict}");
}

#[test]
fn a_write_of_which_no_copy_is_left_is_not_kept_although_nothing_reads_its_key() {
    let reads_before = [(1_000, write(1)), (1_500, read())];
    for group in [Some(quorum()), None] {
        let members = if group.is_some() { &["n1", "n2", "n3"][..] } else { &["n1"] };
        let (lost, missed, verdict) = judged(&scenario(group, members, 2_500, &reads_before));
        assert_eq!((lost, verdict["verdict"].as_str()), (0, Some("unknown")), "{missed:?} {verdict}");
        assert!(missed.is_some_and(|missed| missed.contains("lost with a disk")), "{verdict}");
    }
}

#[test]
fn a_write_that_another_member_holds_is_not_lost_with_a_disk() {
    let steps = [(2_000, write(1)), (8_000, read()), (9_000, read())];
    let registers = |protocol: Value| (protocol, json!({ "register": { "clock": "wall" } }));
    // A Raft follower has the entry in its log before it applies it; a stand-in has it as a hint.
    for (group, losing, lost_ms) in [
        (quorum(), &["n1"][..], 2_900),
        (quorum(), &["n1", "n2"], 2_900),
        (registers(json!({ "raft": {} })), &["n1"], 2_070),
        (registers(json!({ "raft": {} })), &["n2"], 2_070),
        (registers(json!({ "raft": {} })), &["n3"], 2_070),
        (registers(json!({ "quorum": { "read": 1, "write": 1 } })), &["n1"], 2_025),
    ] {
        let document = scenario(Some(group.clone()), losing, lost_ms, &steps);
        let (lost, missed, verdict) = judged(&document);
        assert_eq!((lost, missed), (0, None), "{group:?} {losing:?}: {verdict}");
        assert_eq!(verdict["verdict"], "holds", "{group:?} {losing:?}: {verdict}");
    }
}

#[test]
fn a_write_that_a_member_counted_again_after_it_lost_its_disk_is_lost_when_an_older_value_covers_it() {
    let entropy = json!({ "every_ms": 4_000, "depth": 2 });
    let group = (
        json!({ "quorum": { "read": 1, "write": 1, "anti_entropy": entropy, "read_repair": "none" } }),
        json!({ "register": { "clock": "lamport" } }),
    );
    let steps = [(100, write(1)), (200, write(2)), (3_500, write(3)), (15_000, read())];
    let mut document = scenario(Some(group), &["n1"], 1_000, &steps);
    document["clients"][0]["route"] = json!("nearest");
    document["links"] = json!([{ "from": "c", "to": "n1", "latency": { "constant": { "ms": 1 } } }]);
    let (lost, _, verdict) = judged(&document);
    assert_eq!((lost, verdict["verdict"].as_str()), (1, Some("violated")), "{verdict}");
}
