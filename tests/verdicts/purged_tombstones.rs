//! A key whose tombstone was purged is absent. It still reflects the deletion, unless an older value reappears.

use crate::common::command_line::{code, converge, out};
use crate::common::runs::run;
use converge::analysis::CopyState;
use converge::scenario::Scenario;
use converge::session::Run;
use serde_json::{Value, json};

/// A strict quorum of three without repair, whose tombstones are purged after `grace_ms`, with steps of a client and of a script.
fn quorum(grace_ms: u32, client: &[(u32, Value)], script: &[(u32, Value)]) -> Value {
    let steps = |steps: &[(u32, Value)]| {
        steps.iter().map(|(at_ms, step)| json!({ "at_ms": at_ms, "do": step })).collect::<Vec<Value>>()
    };
    let ids = ["n1", "n2", "n3"];
    let quorum = json!({ "read": 2, "write": 2, "tombstone_grace_ms": grace_ms, "timeout_ms": 2000 });
    json!({
        "converge": 1,
        "until_ms": 9000,
        "services": ids.map(|id| json!({ "id": id })),
        "groups": [{ "id": "g", "members": ids, "protocol": { "quorum": quorum } }],
        "clients": [{ "id": "c", "target": "n1", "script": steps(client) }],
        "script": steps(script),
    })
}

fn write(value: i64) -> Value {
    json!({ "write": { "key": "k", "value": value } })
}

fn delete() -> Value {
    json!({ "delete": { "key": "k" } })
}

fn read() -> Value {
    json!({ "read": { "key": "k" } })
}

fn run_of(document: &Value) -> Run {
    run(&Scenario::from_json(&document.to_string()).expect("a valid scenario"))
}

/// Returns the numbers of reads, of stale reads, of lost updates, and of copies that are not consistent.
fn counts(run: &Run) -> (u64, u64, u64, usize) {
    let analysis = run.analysis();
    let tallies = analysis.operations.of_clients().map(|tally| (tally.reads, tally.stale_reads));
    let (reads, stale) = tallies.fold((0, 0), |(reads, stale), (more, old)| (reads + more, stale + old));
    let inconsistent = analysis.staleness.inconsistent_copies().filter(|(.., state)| *state != CopyState::Down).count();
    (reads, stale, analysis.lost.count(), inconsistent)
}

#[test]
fn a_read_after_the_purge_of_a_tombstone_is_not_stale_and_violates_nothing() {
    for grace_ms in [2000, 100_000] {
        let steps =
            [(100, write(1)), (1000, delete()), (6000, read()), (7000, read()), (7500, write(2)), (8000, read())];
        let document = quorum(grace_ms, &steps, &[]);
        assert_eq!(counts(&run_of(&document)), (3, 0, 0, 0), "{grace_ms}");
        let history = out(&converge(&["run", "-", "--history", "-"], document.to_string()));
        let all = "linearizable,regular,sequential,causal,session,no-lost-update";
        let output = converge(&["check", "-", "--guarantee", all], &history);
        assert_eq!(code(&output), 0, "{grace_ms}: {history}{}", out(&output));
    }
}

#[test]
fn a_read_that_misses_a_write_after_the_purge_is_stale() {
    // The last write reaches no replica that the read asks, since its client is cut off with the coordinator.
    let steps = [(100, write(1)), (1000, delete()), (5000, write(2))];
    let away = json!({ "operate": { "service": "n3", "operation": { "read": { "key": "k" } } } });
    let mut document = quorum(
        2000,
        &steps,
        &[
            (4500, json!({ "crash": { "service": "n3" } })),
            (6000, json!({ "restart": { "service": "n3" } })),
            (7000, away),
        ],
    );
    document["groups"][0]["protocol"]["quorum"]["read"] = json!(1);
    document["links"] = json!([
        { "from": "n3", "to": "n1", "latency": { "constant": { "ms": 500 } } },
        { "from": "n3", "to": "n2", "latency": { "constant": { "ms": 500 } } },
    ]);
    assert_eq!(counts(&run_of(&document)), (1, 1, 0, 1));
}

#[test]
fn a_write_after_the_purge_of_a_tombstone_loses_no_update() {
    for grace_ms in [1000, 100_000] {
        let document = quorum(grace_ms, &[(1000, write(1)), (2000, delete()), (4000, write(2))], &[]);
        assert_eq!(counts(&run_of(&document)), (0, 0, 0, 0), "{grace_ms}");
    }
}

#[test]
fn a_replica_that_never_had_a_key_reflects_its_deletion_after_the_purge() {
    let down = [(50, json!({ "crash": { "service": "n3" } })), (5000, json!({ "restart": { "service": "n3" } }))];
    for (grace_ms, inconsistent) in [(2000, 0), (100_000, 1)] {
        let document = quorum(grace_ms, &[(100, write(1)), (1000, delete())], &down);
        assert_eq!(counts(&run_of(&document)), (0, 0, 0, inconsistent), "{grace_ms}");
    }
}

#[test]
fn a_value_that_reappears_after_the_purge_is_stale_and_its_deletion_is_lost() {
    // The deletion does not reach the third replica, which spreads the old value after the grace period.
    let down = [(500, json!({ "crash": { "service": "n3" } })), (5000, json!({ "restart": { "service": "n3" } }))];
    let mut document = quorum(2000, &[(100, write(1)), (1000, delete()), (7000, read()), (8000, write(2))], &down);
    document["groups"][0]["protocol"]["quorum"]["anti_entropy"] = json!({ "every_ms": 100, "depth": 3 });
    assert_eq!(counts(&run_of(&document)), (1, 1, 1, 0));
    document["clients"][0]["script"].as_array_mut().expect("steps").pop();
    assert_eq!(counts(&run_of(&document)), (1, 1, 1, 3));
}

/// A group of three, one of which is down during a deletion and until its tombstones are purged.
fn resurrected(read: u32, anti_entropy: bool) -> Value {
    let down = [(500, json!({ "crash": { "service": "n3" } })), (5000, json!({ "restart": { "service": "n3" } }))];
    let mut document = quorum(2000, &[(100, write(1)), (1000, delete()), (8000, self::read())], &down);
    let quorum = &mut document["groups"][0]["protocol"]["quorum"];
    quorum["read"] = json!(read);
    if anti_entropy {
        quorum["anti_entropy"] = json!({ "every_ms": 500, "depth": 3 });
    }
    document
}

#[test]
fn a_deletion_that_its_group_purged_is_lost_when_its_older_value_comes_back() {
    for (document, by) in [(resurrected(2, true), "anti-entropy"), (resurrected(3, false), "a read")] {
        let report: Value =
            serde_json::from_str(&out(&converge(&["run", "-", "--json"], document.to_string()))).expect("a report");
        assert_eq!(report["lost_updates"], 1, "{by}: {report}");
        let history = out(&converge(&["run", "-", "--history", "-"], document.to_string()));
        let deleted = history.lines().find(|line| line.contains(r#""f":"delete""#) && line.contains(r#""type":"ok""#));
        assert!(deleted.is_some_and(|line| line.contains(r#""lost":true"#)), "{by}: {history}");
        let output = converge(&["check", "-", "--guarantee", "no-lost-update"], &history);
        assert_eq!(code(&output), 1, "{by}: {}", out(&output));
        assert!(out(&output).contains("delete of k  ok"), "{}", out(&output));
        // Nothing overwrote the deletion.
        let how = "no-lost-update: violated. An acknowledged deletion was undone: an older value came back after the tombstone was purged.";
        assert!(out(&output).contains(how), "{}", out(&output));
    }
    // A purge alone loses nothing.
    let mut document = resurrected(2, true);
    document["script"].as_array_mut().expect("steps").pop();
    assert_eq!(run_of(&document).analysis().lost.count(), 0);
}

#[test]
fn a_value_that_came_back_is_explained_by_the_purged_tombstone() {
    let text = out(&converge(&["run", "-"], resurrected(2, true).to_string()));
    for reason in ["k at n1 has diverged", "k at n2 has diverged", "n3 lacks k deleted"] {
        let line = text.lines().find(|line| line.contains(reason)).unwrap_or_else(|| panic!("{reason}: {text}"));
        assert!(line.contains("came back: the tombstone of k deleted"), "{line}");
        assert!(!line.contains("twice") && !line.contains("out of order") && !line.contains("dropped"), "{line}");
    }
}

#[test]
fn members_that_purged_a_tombstone_do_not_spread_its_deletion() {
    // The member is back, and has not compared its data yet.
    let mut document = resurrected(2, true);
    document["groups"][0]["protocol"]["quorum"]["anti_entropy"]["every_ms"] = json!(100_000);
    let output = converge(&["why", "-", "--at", "5500"], document.to_string());
    let text = out(&output);
    assert!(text.starts_with("will not converge"), "{text}");
    assert!(text.contains("n3 lacks k deleted") && text.contains("purged its tombstone"), "{text}");
}
