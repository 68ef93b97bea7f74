//! Writes that their clients never saw acknowledged, and writes that a failover undoes: how the copies are judged.

use crate::common::scenarios::worker;
use converge::analysis::{Convergence, CopyState};
use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Scenario, micros};
use converge::session::{Run, reasons};
use serde_json::{Value, json};

/// A group of `a`, `b` and `d`. A client writes 1 to `a`, and 2 while `a` reaches no other member.
fn group(protocol: Value, heal_ms: Option<f64>, reads_ms: &[f64]) -> Scenario {
    let does = |at_ms: f64, command: Value| json!({ "at_ms": at_ms, "do": command });
    let write = |at_ms: f64, value: u32| does(at_ms, json!({ "write": { "key": "x", "value": value } }));
    let read = |at_ms: &f64| does(*at_ms, json!({ "read": { "key": "x" } }));
    let client: Vec<Value> = [write(100.0, 1), write(500.0, 2)].into_iter().chain(reads_ms.iter().map(read)).collect();
    let cut = json!({ "partition": { "groups": [["a", "c"], ["b", "d"]] } });
    let script: Vec<Value> =
        [does(400.0, cut)].into_iter().chain(heal_ms.map(|at| does(at, json!("heal_all")))).collect();
    let document = json!({
        "converge": 1,
        "until_ms": 20_000,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [{ "id": "a" }, { "id": "b" }, { "id": "d" }],
        "clients": [{ "id": "c", "target": "g", "route": "nearest", "timeout_ms": 300, "script": client }],
        "links": [{ "from": "c", "to": "a", "latency": { "constant": { "ms": 1 } } }],
        "groups": [{ "id": "g", "members": ["a", "b", "d"], "protocol": protocol }],
        "script": script,
    });
    Scenario::from_json(&document.to_string()).expect("a valid scenario")
}

fn at(scenario: &Scenario, at_ms: f64) -> Run {
    let mut run = Run::new(scenario);
    run.advance(micros(at_ms), u64::MAX, &mut |_, _, _| {});
    run
}

/// The states of the copies of the first key at all services, in order.
fn states(run: &Run, scenario: &Scenario) -> Vec<CopyState> {
    let nodes = scenario.services.iter().map(|service| crate::common::runs::node(run, &service.id));
    nodes.flat_map(|node| run.analysis().staleness.copies_of(node).map(|(_, copy)| copy.state())).collect()
}

/// The verdict and its reasons.
fn verdict(run: &Run, scenario: &Scenario) -> (Convergence, String) {
    let verdict = run.convergence(scenario);
    let (name, because) = reasons::convergence(&verdict, &run.context(scenario));
    (verdict, format!("{name}: {}", because.join(" ")))
}

#[test]
fn a_quorum_write_that_failed_and_that_one_member_keeps_has_not_converged() {
    let plain = json!({ "quorum": { "read": 2, "write": 2, "timeout_ms": 200 } });
    for scenario in [group(plain.clone(), None, &[]), group(plain, Some(5000.0), &[])] {
        let run = at(&scenario, 2000.0);
        assert_eq!(states(&run, &scenario), [CopyState::Diverged, CopyState::Consistent, CopyState::Consistent]);
        let (verdict, why) = verdict(&run, &scenario);
        assert!(matches!(verdict, Convergence::WillNotConverge(_)), "{why}");
        assert!(why.contains("never acknowledged, is missing at b"), "{why}");
        let node = crate::common::runs::node(&run, "a");
        let context = run.context(&scenario);
        let key = context.names.find_key(context.names.scope(node), "x").expect("a key");
        let explained = context.explain(node, key);
        assert_eq!(explained.len(), 2, "the members that lack it: {explained:?}");
        assert!(
            explained.iter().all(|explanation| explanation.lacking.is_some() && !explanation.prospect.can_converge()),
            "{explained:?}"
        );
    }
}

#[test]
fn a_failed_quorum_write_converges_where_something_spreads_it() {
    let anti_entropy =
        json!({ "quorum": { "read": 2, "write": 2, "timeout_ms": 200, "anti_entropy": { "every_ms": 500 } } });
    let read_repair = json!({ "quorum": { "read": 3, "write": 2, "timeout_ms": 200, "read_repair": "async" } });
    for (protocol, reads) in [(&anti_entropy, &[][..]), (&read_repair, &[7000.0])] {
        let scenario = group(protocol.clone(), Some(5000.0), reads);
        let (found, why) = verdict(&at(&scenario, 2000.0), &scenario);
        assert!(matches!(found, Convergence::Converging(_)), "{why}");
        let run = at(&scenario, 15_000.0);
        let (found, why) = verdict(&run, &scenario);
        assert!(matches!(found, Convergence::Converged), "{why}");
        let held: Vec<_> = ["a", "b", "d"]
            .map(|id| {
                run.analysis()
                    .staleness
                    .copies_of(crate::common::runs::node(&run, id))
                    .next()
                    .and_then(|(_, copy)| copy.held().cloned())
            })
            .into();
        assert!(held[0].is_some() && held.iter().all(|other| *other == held[0]), "{held:?}");
    }
    // Without the healing, and without a read, nothing spreads it.
    for (scenario, _) in [(group(anti_entropy, None, &[]), 0), (group(read_repair, Some(5000.0), &[]), 0)] {
        let (found, why) = verdict(&at(&scenario, 2000.0), &scenario);
        assert!(matches!(found, Convergence::WillNotConverge(_)), "{why}");
    }
}

#[test]
fn a_write_that_no_follower_acknowledged_is_undone_by_the_next_primary() {
    let protocol = json!({ "primary": { "acknowledgements": 1, "failover_ms": 400 } });
    let scenario = group(protocol, Some(5000.0), &[]);
    let run = at(&scenario, 2000.0);
    assert_eq!(states(&run, &scenario), [CopyState::Diverged, CopyState::Consistent, CopyState::Consistent]);
    let (found, why) = verdict(&run, &scenario);
    assert!(matches!(found, Convergence::Converging(_)), "{why}");
    let run = at(&scenario, 15_000.0);
    let (found, why) = verdict(&run, &scenario);
    assert!(matches!(found, Convergence::Converged), "{why}");
}

/// The old primary discards several acknowledged writes, and the new one has no newer write of the key.
#[test]
fn a_copy_whose_acknowledged_writes_a_failover_undid_is_stale_and_has_not_diverged() {
    let own = EXAMPLES.iter().find(|example| example.id == "failover-loss").expect("an example").scenario();
    for seed in 0..20 {
        let mut scenario = Scenario { seed, ..own.clone() };
        scenario.clients[1].script.clear();
        let run = at(&scenario, 7900.0);
        assert_eq!(states(&run, &scenario), [CopyState::Stale; 3], "seed {seed}");
        let (found, why) = verdict(&run, &scenario);
        assert!(matches!(found, Convergence::WillNotConverge(_)), "seed {seed}: {why}");
        // While it is cut off, nothing can bring its writes to the others: the next primary does not have them.
        let (found, why) = verdict(&at(&scenario, 4000.0), &scenario);
        assert!(matches!(found, Convergence::WillNotConverge(_)), "seed {seed}: {why}");
    }
}

/// A writer with a publication, and a copy.
fn published(publication: Value, subscription: Value) -> Scenario {
    let increment = json!({ "operate": { "service": "api", "operation": { "increment": { "key": "n", "by": 1 } } } });
    let cut = json!({ "cut_link": { "from": "q", "to": "api", "one_way": true } });
    let script = [json!({ "at_ms": 90, "do": cut }), json!({ "at_ms": 100, "do": increment })];
    let document = worker(publication, subscription, 5.0, &script);
    Scenario::from_json(&document.to_string()).expect("a valid scenario")
}

#[test]
fn a_relay_that_only_repeats_what_every_copy_has_does_not_keep_the_run_converging_for_ever() {
    let relays = [
        json!({ "mode": { "outbox": { "poll_ms": 50, "batch": 3 } } }),
        json!({ "mode": { "change_data_capture": { "poll_ms": 50, "batch": 3 } } }),
        json!({ "mode": "after_commit", "retry": { "timeout_ms": 100, "attempts": 100_000 } }),
    ];
    for publication in relays {
        for subscription in [json!({}), json!({ "effect": "overwrite" }), json!({ "effect": "increment", "inbox": {} })]
        {
            let scenario = published(publication.clone(), subscription.clone());
            for at_ms in [1000.0, 1003.0, 1007.0, 1013.0, 20_000.0] {
                let (found, why) = verdict(&at(&scenario, at_ms), &scenario);
                assert!(matches!(found, Convergence::Converged), "{publication} {subscription} at {at_ms} ms: {why}");
            }
            let (_, why) = verdict(&at(&scenario, 20_000.0), &scenario);
            assert!(why.contains("is sent again; every copy has it already"), "{why}");
        }
        // Each repetition is added once more.
        let doubled = published(publication.clone(), json!({ "effect": "increment" }));
        let (found, why) = verdict(&at(&doubled, 20_000.0), &doubled);
        assert!(matches!(found, Convergence::WillNotConverge(_)), "{publication}: {why}");
    }
}
