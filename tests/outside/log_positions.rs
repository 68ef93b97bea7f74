//! What a reader of a log skips and what it reads again: it never handles an event behind its position, unless its partition was
//! assigned again, and it reads on behind an event that the log no longer contains.

use crate::common::runs::run_with_facts;
use converge::report::{RunReport, scenario_from};
use converge::scenario::{Micros, Scenario};
use converge::trace::{Fact, LeaveReason};
use serde_json::{Value, json};

fn scenario(document: &Value) -> Scenario {
    scenario_from(&document.to_string()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn operate(at_ms: u32, operation: &Value, poison: bool) -> Value {
    json!({ "at_ms": at_ms, "do": { "operate": { "service": "a", "operation": operation, "poison": poison } } })
}

fn write(at_ms: u32, value: u32, poison: bool) -> Value {
    operate(at_ms, &json!({ "write": { "key": "k", "value": value } }), poison)
}

/// The publisher `a`, the bus, and its readers.
fn log(readers: &[&str], subscription: &Value, link: &Value, topic: &Value, script: &[Value]) -> Value {
    let mut subscription = subscription.clone();
    (subscription["to"], subscription["order"]) = ("bus".into(), "log".into());
    let mut services = vec![json!({ "id": "a", "data": { "k": 0 }, "publishes": [{ "to": "bus" }] })];
    services.extend(readers.iter().map(|id| json!({ "id": id, "data": { "k": 0 }, "subscribes": [subscription] })));
    let links: Vec<Value> = readers.iter().map(|id| json!({ "from": "bus", "to": id, "latency": link })).collect();
    json!({
        "converge": 1, "until_ms": 60_000, "default_latency": { "constant": { "ms": 5 } },
        "services": services, "buses": [{ "id": "bus", "topics": [topic] }], "links": links, "script": script,
    })
}

fn count(facts: &[(Micros, Fact)], is_wanted: impl Fn(&Fact) -> bool) -> usize {
    facts.iter().filter(|(_, fact)| is_wanted(fact)).count()
}

#[test]
fn a_reader_whose_round_trip_exceeds_the_deadline_ends_with_the_newest_record() {
    let topic = json!({ "name": "t" });
    let link = json!({ "uniform": { "low_ms": 1, "high_ms": 300 } });
    let subscription = json!({ "effect": "overwrite", "ack_deadline_ms": 300 });
    for seed in 1..200 {
        let mut document = log(&["w"], &subscription, &link, &topic, &[write(100, 1, false), write(110, 2, false)]);
        document["seed"] = seed.into();
        let report = RunReport::of(&scenario(&document), u64::MAX);
        assert_eq!(report.services["w"].keys["k"].value, Some(2.into()), "seed {seed}");
        assert_eq!(report.convergence.verdict, "converged", "seed {seed}: {:?}", report.convergence.because);
    }
}

#[test]
fn a_reader_adds_no_record_again_that_it_has_handled() {
    let increment = |at_ms: u32| operate(at_ms, &json!({ "increment": { "key": "k", "by": 1 } }), false);
    let (topic, link) = (json!({ "name": "t" }), json!({ "constant": { "ms": 200 } }));
    for commit in [None, Some(5000)] {
        let subscription = json!({ "effect": "increment", "ack_deadline_ms": 300, "commit_every_ms": commit });
        let document = log(&["w"], &subscription, &link, &topic, &[increment(100), increment(250)]);
        let (run, facts) = run_with_facts(&scenario(&document));
        assert_eq!(count(&facts, |fact| matches!(fact, Fact::UpdateApplied { .. })), 2, "commit {commit:?}");
        assert_eq!(count(&facts, |fact| matches!(fact, Fact::EventAcknowledged { .. })), 2, "commit {commit:?}");
        assert!(run.analysis().staleness.diverged() == 0, "commit {commit:?}");
    }
}

#[test]
fn a_lost_acknowledgement_of_a_reader_is_sent_again_and_its_record_is_not_handled_again() {
    let (topic, link) = (json!({ "name": "t" }), json!({ "constant": { "ms": 5 } }));
    let subscription = json!({ "effect": "overwrite", "ack_deadline_ms": 300 });
    let cut = json!({ "at_ms": 90, "do": { "cut_link": { "from": "w", "to": "bus", "one_way": true } } });
    let heal = json!({ "at_ms": 2000, "do": { "heal_link": { "from": "w", "to": "bus" } } });
    let script = [cut, write(100, 1, false), write(110, 2, false), heal];
    let (_, facts) = run_with_facts(&scenario(&log(&["w"], &subscription, &link, &topic, &script)));
    assert_eq!(count(&facts, |fact| matches!(fact, Fact::UpdateApplied { .. })), 2);
    assert_eq!(count(&facts, |fact| matches!(fact, Fact::EventAcknowledged { .. })), 2);
}

#[test]
fn the_log_states_that_a_reader_was_removed_and_the_next_one_reads_everything_again() {
    let (topic, link) = (json!({ "name": "t" }), json!({ "constant": { "ms": 5 } }));
    let subscription = json!({ "effect": "overwrite", "ack_deadline_ms": 300, "group": "readers" });
    let pause = json!({ "at_ms": 90, "do": { "pause": { "node": "v" } } });
    let resume = json!({ "at_ms": 5000, "do": { "resume": { "node": "v" } } });
    let script = [pause, write(100, 1, false), write(110, 2, false), resume];
    let (_, facts) = run_with_facts(&scenario(&log(&["v", "w"], &subscription, &link, &topic, &script)));
    let overdue = LeaveReason::AcknowledgementOverdue;
    assert_eq!(count(&facts, |fact| matches!(fact, Fact::ReaderLeft { reason, .. } if *reason == overdue)), 1);
    let acknowledged: Vec<Micros> =
        facts.iter().filter(|(_, fact)| matches!(fact, Fact::EventAcknowledged { .. })).map(|(at, _)| *at).collect();
    assert!(acknowledged.len() == 2 && acknowledged.iter().all(|at| *at < 1_000_000), "{acknowledged:?}");
}

#[test]
fn a_reader_reads_on_behind_a_poison_record_that_expires() {
    let (topic, link) = (json!({ "name": "t", "retention_ms": 4000 }), json!({ "constant": { "ms": 10 } }));
    let backoff = json!({ "fixed": { "ms": 700 } });
    let session = json!({ "timeout_ms": 45_000, "heartbeat_ms": 3000, "max_poll_ms": 300_000 });
    for subscription in [
        json!({}),
        json!({ "backoff": backoff }),
        json!({ "session": session }),
        json!({ "session": session, "backoff": backoff }),
        json!({ "processing": { "constant": { "ms": 30 } } }),
    ] {
        let script = [write(100, 1, true), write(200, 2, false), write(300, 3, false)];
        let report = RunReport::of(&scenario(&log(&["w"], &subscription, &link, &topic, &script)), u64::MAX);
        assert_eq!(report.services["w"].keys["k"].value, Some(3.into()), "{subscription}");
        assert_eq!(report.convergence.verdict, "converged", "{subscription}: {:?}", report.convergence.because);
    }
}

#[test]
fn a_poison_record_that_is_not_redelivered_does_not_keep_its_successors() {
    let (topic, link) = (json!({ "name": "t" }), json!({ "constant": { "ms": 10 } }));
    for acknowledge in ["never", "before_processing"] {
        let subscription = json!({ "acknowledge": acknowledge, "processing": { "constant": { "ms": 300 } } });
        let script = [write(100, 1, true), write(110, 2, false)];
        let report = RunReport::of(&scenario(&log(&["w"], &subscription, &link, &topic, &script)), u64::MAX);
        assert_eq!(report.services["w"].keys["k"].value, Some(2.into()), "{acknowledge}");
    }
}

#[test]
fn a_record_behind_one_that_is_given_up_keeps_all_its_deliveries() {
    let (topic, link) = (json!({ "name": "t" }), json!({ "constant": { "ms": 10 } }));
    for limit in [1, 3] {
        let subscription = json!({ "max_deliveries": limit });
        let script = [write(100, 1, true), write(101, 2, true), write(102, 3, false)];
        let (_, facts) = run_with_facts(&scenario(&log(&["w"], &subscription, &link, &topic, &script)));
        let mut given_up = Vec::new();
        for (_, fact) in &facts {
            if let Fact::EventDeadLettered { deliveries, .. } = fact {
                given_up.push(*deliveries);
            }
        }
        assert_eq!(given_up, [limit, limit], "a maximum of {limit}");
        assert_eq!(count(&facts, |fact| matches!(fact, Fact::UpdateApplied { .. })), 1, "a maximum of {limit}");
    }
}
