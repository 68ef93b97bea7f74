//! Verdicts about events that are published later, or delivered once more, each in a small system.

use super::cases::cut;
use super::contradiction;
use super::found::{add, at, crash, found_bus, operate, outbox};
use converge::analysis::{Convergence, Prospect};
use converge::scenario::{Scenario, micros};
use converge::session::Run;
use serde_json::{Value as Json, json};

fn write(at_ms: u32) -> Json {
    operate(at_ms, json!({ "write": { "key": "n", "value": at_ms } }))
}

/// The verdict on a document at a time.
fn verdict(document: &Json, at_ms: f64) -> (Convergence, bool) {
    let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
    let mut run = Run::new(&scenario);
    run.complete(micros(at_ms));
    (run.convergence(&scenario), run.is_quiet())
}

fn prospects(verdict: &Convergence) -> Vec<Prospect> {
    match verdict {
        Convergence::Converging(whys) | Convergence::WillNotConverge(whys) => {
            whys.iter().map(|why| why.prospect).collect()
        }
        Convergence::Converged | Convergence::Unknown(_) => Vec::new(),
    }
}

#[test]
fn an_event_whose_gap_after_the_commit_has_not_elapsed_is_not_called_lost() {
    // The event is published at 2.8 s.
    let publication = json!({ "gap_ms": 1800 });
    let document = found_bus(publication.clone(), json!({}), json!({}), json!([write(1000)]));
    let (found, is_quiet) = verdict(&document, 2050.0);
    assert!(matches!(found, Convergence::Converging(_)) && !is_quiet, "{found:?}");
    assert!(matches!(prospects(&found)[..], [Prospect::Unpublished(_), Prospect::Unpublished(_)]), "{found:?}");
    assert_eq!(contradiction(&document), None);
    // A service that applies the write of its caller, and one that forwards the event, publish later too.
    let mut called = document.clone();
    called["services"].as_array_mut().expect("services").push(json!({ "id": "caller", "calls": [{ "to": "api" }] }));
    called["script"][0]["do"]["operate"]["service"] = json!("caller");
    assert!(matches!(verdict(&called, 2050.0).0, Convergence::Converging(_)));
    assert_eq!(contradiction(&called), None);
    for forward in [json!({}), json!({ "key": "m", "plus": 1 })] {
        let mut forwarded = found_bus(json!({}), json!({}), json!({}), json!([write(1000)]));
        forwarded["services"][1]["publishes"] = json!([{ "to": "p", "gap_ms": 1800, "forward": forward }]);
        forwarded["services"][2]["subscribes"][0]["to"] = json!("p");
        forwarded["buses"].as_array_mut().expect("buses").push(json!({ "id": "p" }));
        for (at_ms, converges) in [(2050.0, false), (15_000.0, true)] {
            let (found, _) = verdict(&forwarded, at_ms);
            assert_eq!(matches!(found, Convergence::Converging(_)), !converges, "{at_ms}: {found:?}");
            assert_eq!(matches!(found, Convergence::Converged), converges, "{at_ms}: {found:?}");
        }
    }
}

#[test]
fn an_event_that_is_published_into_a_fault_after_its_gap_arrives_only_if_an_attempt_comes_after_the_healing() {
    let retry = |attempts: u32| json!({ "gap_ms": 1800, "retry": { "timeout_ms": 100, "attempts": attempts } });
    let once = json!({ "gap_ms": 1800 });
    let faulty = |fault: Json, healed_ms: u32| json!([write(1000), at(1500, fault), at(healed_ms, json!("heal_all"))]);
    let faults = [
        json!({ "cut_link": { "from": "api", "to": "q" } }),
        json!({ "stop_bus": { "bus": "q" } }),
        json!({ "pause": { "node": "api" } }),
        json!({ "crash": { "service": "api" } }),
    ];
    for fault in faults {
        for healed_ms in [2_600, 2_795, 2_801, 2_950, 3_100, 3_600] {
            for publication in [&once, &retry(1), &retry(3), &retry(50)] {
                let document = found_bus(publication.clone(), json!({}), json!({}), faulty(fault.clone(), healed_ms));
                assert_eq!(contradiction(&document), None, "{fault} {healed_ms} {publication}");
            }
        }
    }
    let while_cut = |publication: Json, healed_ms: u32| {
        let fault = json!({ "cut_link": { "from": "api", "to": "q" } });
        verdict(&found_bus(publication, json!({}), json!({}), faulty(fault, healed_ms)), 2050.0).0
    };
    assert!(matches!(while_cut(once.clone(), 2_600), Convergence::Converging(_)));
    assert!(matches!(while_cut(retry(50), 3_100), Convergence::Converging(_)));
    assert!(matches!(while_cut(once, 3_100), Convergence::WillNotConverge(_)));
}

#[test]
fn an_event_that_a_crashed_consumer_had_received_overwrites_a_newer_value() {
    let subscription =
        json!({ "effect": "overwrite", "ack_deadline_ms": 3000, "processing": { "constant": { "ms": 250 } } });
    let script = json!([
        write(255),
        crash(300, "w", false),
        at(400, json!({ "restart": { "service": "w" } })),
        write(562),
        operate(1900, json!({ "write": { "key": "m", "value": 1 } })),
    ]);
    let document = found_bus(json!({}), subscription, json!({}), script);
    assert_eq!(contradiction(&document), None);
    assert!(matches!(verdict(&document, 2050.0).0, Convergence::Unknown(_)), "{:?}", verdict(&document, 2050.0));
}

#[test]
fn an_event_that_returns_after_its_row_has_left_the_inbox_is_added_once_more() {
    // Both consumers apply the event at 646 ms, and acknowledge it to a bus that is down. The bus redelivers it at 2043 ms.
    let document = |window_ms: u32| {
        let subscription = json!({
            "effect": "increment", "inbox": { "window_ms": window_ms }, "ack_deadline_ms": 300,
            "processing": { "constant": { "ms": 250 } },
        });
        let script = json!([
            operate(390, add("n")),
            at(600, json!({ "stop_bus": { "bus": "q" } })),
            at(2040, json!({ "start_bus": { "bus": "q" } })),
        ]);
        found_bus(json!({}), subscription, json!({}), script)
    };
    assert_eq!((contradiction(&document(1500)), contradiction(&document(5000))), (None, None));
    assert!(matches!(verdict(&document(1500), 2050.0).0, Convergence::Unknown(_)));
    assert!(matches!(verdict(&document(1500), 15_000.0).0, Convergence::WillNotConverge(_)));
    assert!(!matches!(verdict(&document(5000), 2050.0).0, Convergence::Unknown(_)));
    assert_eq!(verdict(&document(5000), 15_000.0).0, Convergence::Converged);
}

#[test]
fn a_publication_that_its_link_may_lose_with_all_its_attempts_is_not_certain_to_arrive() {
    let sent = |publication: Json, loss: f64| {
        let mut document = found_bus(publication, json!({}), json!({}), json!([write(2048)]));
        document["links"] = json!([{ "from": "api", "to": "q", "loss": loss }]);
        verdict(&document, 2050.0).0
    };
    let retry = |attempts: u32| json!({ "retry": { "timeout_ms": 100, "attempts": attempts } });
    assert!(matches!(sent(json!({}), 0.5), Convergence::Unknown(_)));
    assert!(matches!(sent(json!({ "gap_ms": 50 }), 0.5), Convergence::Unknown(_)));
    assert!(matches!(sent(retry(3), 0.5), Convergence::Unknown(_)));
    assert!(matches!(sent(retry(100), 0.5), Convergence::Converging(_)));
    assert!(matches!(sent(outbox(), 0.5), Convergence::Converging(_)));
    assert!(matches!(sent(json!({}), 0.0), Convergence::Converging(_)));
}

#[test]
fn an_event_that_a_service_will_forward_over_a_link_that_stays_cut_until_then_is_not_certain_to_arrive() {
    let forwarded = |publication: Json, healed_ms: u32| {
        // The consumer w handles the event until 4.8 s, and then forwards it to v.
        let subscription = json!({ "processing": { "constant": { "ms": 3000 } }, "ack_deadline_ms": 5000 });
        let cut = at(1900, json!({ "cut_link": { "from": "w", "to": "p" } }));
        let script = json!([write(1800), cut, at(healed_ms, json!({ "heal_link": { "from": "w", "to": "p" } }))]);
        let mut document = found_bus(json!({}), subscription, json!({}), script);
        document["services"][1]["publishes"] = json!([publication]);
        document["services"][2]["subscribes"] = json!([{ "to": "p" }]);
        document["buses"].as_array_mut().expect("buses").push(json!({ "id": "p" }));
        assert_eq!(contradiction(&document), None, "{publication} {healed_ms}");
        verdict(&document, 2050.0).0
    };
    let direct = json!({ "to": "p", "forward": {} });
    let retried = json!({ "to": "p", "forward": {}, "retry": { "timeout_ms": 100, "attempts": 200 } });
    let relayed = json!({ "to": "p", "forward": {}, "mode": { "outbox": { "poll_ms": 50, "batch": 2 } } });
    for healed_ms in [4_000, 6_000] {
        assert!(matches!(forwarded(direct.clone(), healed_ms), Convergence::Unknown(_)));
        assert!(matches!(forwarded(retried.clone(), healed_ms), Convergence::Converging(_)));
        assert!(matches!(forwarded(relayed.clone(), healed_ms), Convergence::Converging(_)));
    }
}

#[test]
fn an_event_whose_late_deliveries_occupy_all_workers_may_hold_back_the_events_behind_it() {
    // The deliveries end after 300 ms and are handled for 700 ms, so that one event occupies several workers, for ever.
    let consumer = |id: &str, workers: u32| {
        json!({
            "id": id, "data": { "n": 0, "m": 0 }, "concurrency": workers,
            "subscribes": [{
                "to": "q", "group": "g", "ack_deadline_ms": 300, "processing": { "constant": { "ms": 700 } },
                "late_acknowledgement": "refuse", "on_failure": "wait",
                "attach": { "polling": { "batch": 1, "wait_ms": 2000, "prefetch": 0 } },
            }],
        })
    };
    let document = |workers: [u32; 2], is_cut: bool, at_ms: u32, gap_ms: u32| {
        let mut script = vec![write(588), operate(at_ms, json!({ "write": { "key": "m", "value": 1 } }))];
        script.extend(is_cut.then(|| cut(244, "w", "q", false)));
        let mut document = found_bus(json!({ "gap_ms": gap_ms }), json!({}), json!({}), json!(script));
        document["services"][1] = consumer("w", workers[0]);
        document["services"][2] = consumer("v", workers[1]);
        document
    };
    // In turn: the other consumer is never reached, both have one worker, the second event is published later.
    for (workers, is_cut, gap_ms) in [([8, 1], true, 0), ([1, 1], false, 0), ([8, 1], true, 1000)] {
        let document = document(workers, is_cut, 1312, gap_ms);
        assert_eq!(contradiction(&document), None, "{workers:?} {gap_ms}");
        assert!(matches!(verdict(&document, 2050.0).0, Convergence::Unknown(_)), "{workers:?} {gap_ms}");
    }
    let many = document([8, 8], false, 2040, 0);
    assert_eq!(contradiction(&many), None);
    assert!(matches!(verdict(&many, 2050.0).0, Convergence::Converging(_)), "{:?}", verdict(&many, 2050.0));
}
