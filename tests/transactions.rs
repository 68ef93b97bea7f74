//! Two-phase commit between services: atomic under every fault, and blocking only while the coordinator is down.

use crate::common::faults::system_fault;
use crate::common::random::{self, random_tests};
use crate::common::runs::{MAX_EVENTS, node, run_with_facts as run};
use crate::common::scenarios::{
    assert_refused, constant, crash, cut, heal, increment, operate, read, restart, step, workload,
};
use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::HistoryRecorder;
use converge::analysis::{Convergence, InvariantStatus, Prospect};
use converge::engine::Engine;
use converge::scenario::{
    Arrivals, Bus, Call, Client, Command, Commit, Keys, Latency, Operation, Publication, PublishMode, Scenario,
    Service, Step, Value, micros,
};
use converge::session::Run;
use converge::trace::{Fact, Level, OperationId, Outcome};
use proptest::prelude::*;

fn service(id: &str, key: &str, value: i64) -> Service {
    let mut service = crate::common::scenarios::service(id, 1.0);
    service.data.insert(key.into(), value.into());
    service
}

fn call(to: &str, operation: Option<Operation>) -> Call {
    Call { to: to.into(), timeout_ms: 300.0, operation }
}

/// A shop: each order sold takes an item out of the stock, and adds a payment. Messages take 10 ms.
fn shop() -> Scenario {
    let mut order = service("order", "sold", 0);
    order.commit = Commit::TwoPhase;
    order.calls = vec![call("stock", Some(increment("left", -1))), call("payment", Some(increment("paid", 1)))];
    Scenario {
        default_latency: constant(10.0),
        services: vec![order, service("stock", "left", 10), service("payment", "paid", 0)],
        invariants: vec![
            "order.sold + stock.left == 10 when quiescent".into(),
            "order.sold == payment.paid when quiescent".into(),
        ],
        until_ms: 5000.0,
        ..Scenario::default()
    }
}

fn value(run: &Run, id: &str, key: &str) -> Option<Value> {
    let names = run.engine().names();
    let (node, key) = (names.find_node(id)?, names.find_key(None, key)?);
    run.analysis().staleness.copy(node, key)?.held()?.value.clone()
}

/// Returns when an operation ended, µs, and its outcome.
fn end_of(facts: &[(u64, Fact)], operation: u32) -> Option<(u64, Outcome)> {
    facts.iter().find_map(|(at, fact)| match fact {
        Fact::OperationEnded { operation: ended, outcome } if *ended == OperationId(operation) => Some((*at, *outcome)),
        _ => None,
    })
}

/// Returns when each read was served, µs, and its value.
fn reads(facts: &[(u64, Fact)]) -> Vec<(u64, Option<Value>)> {
    let read = |(at, fact): &(u64, Fact)| match fact {
        Fact::ReadServed { value, .. } => Some((*at, value.clone())),
        _ => None,
    };
    facts.iter().filter_map(read).collect()
}

#[test]
fn all_participants_commit_if_all_vote_yes() {
    let mut scenario = shop();
    scenario.script = vec![operate(100.0, "order", increment("sold", 1))];
    let (run, facts) = run(&scenario);
    assert_eq!(value(&run, "order", "sold"), Some(1.into()));
    assert_eq!(value(&run, "stock", "left"), Some(9.into()));
    assert_eq!(value(&run, "payment", "paid"), Some(1.into()));
    // Prepare and vote take 10 ms each, the service times 1 ms each.
    assert_eq!(end_of(&facts, 0), Some((122_000, Outcome::Ok)));
    assert_eq!(run.invariants(), [InvariantStatus::Holds, InvariantStatus::Holds]);
    assert_eq!(run.convergence(&scenario), Convergence::Converged);
}

#[test]
fn no_participant_commits_if_one_cannot_and_the_client_receives_a_failure() {
    for problem in ["wrong type", "silent", "locked"] {
        let mut scenario = shop();
        scenario.script = vec![operate(100.0, "order", increment("sold", 1))];
        match problem {
            "wrong type" => _ = scenario.services[2].data.insert("paid".into(), "a lot".into()),
            "silent" => scenario.script.push(crash(50.0, "payment")),
            _ => {
                // A second coordinator has locked the key at payment, and waits for a vote that never arrives.
                let mut other = service("refund", "refunds", 0);
                other.commit = Commit::TwoPhase;
                other.calls = vec![call("payment", Some(increment("paid", -1))), call("bank", None)];
                scenario.services.extend([other, service("bank", "balance", 0)]);
                scenario.script.extend([crash(10.0, "bank"), operate(60.0, "refund", increment("refunds", 1))]);
            }
        }
        scenario.invariants.truncate(1);
        let (run, facts) = run(&scenario);
        let order = if problem == "locked" { 2 } else { 0 };
        let mut outcomes = facts.iter().filter_map(|(_, fact)| match fact {
            Fact::OperationEnded { outcome, .. } => Some(*outcome),
            _ => None,
        });
        assert!(outcomes.all(|outcome| outcome == Outcome::Fail), "{problem}: no operation has an effect");
        assert!(end_of(&facts, order).is_some(), "{problem}");
        assert_eq!(value(&run, "order", "sold"), Some(0.into()), "{problem}");
        assert_eq!(value(&run, "stock", "left"), Some(10.into()), "{problem}");
        let locked = facts.iter().filter(|(_, fact)| matches!(fact, Fact::WritePromised { .. })).count();
        let released = facts.iter().filter(|(_, fact)| matches!(fact, Fact::PromiseReleased { .. })).count();
        assert_eq!((locked, locked), (released, if problem == "locked" { 2 } else { 1 }), "{problem}: no lock is left");
    }
}

#[test]
fn a_coordinator_that_crashes_after_the_votes_blocks_only_the_locked_keys() {
    let mut scenario = shop();
    scenario.script = vec![
        operate(100.0, "order", increment("sold", 1)),
        // The participants vote at 112 ms; the votes arrive at 122 ms.
        crash(115.0, "order"),
        operate(500.0, "stock", read("left")),
        operate(500.0, "stock", increment("left", 5)),
        operate(500.0, "stock", increment("other", 1)),
        restart(3000.0, "order"),
    ];
    let (done, facts) = run(&scenario);
    assert!(reads(&facts)[0].0 > 3_000_000, "the read waits: {:?}", reads(&facts));
    assert_eq!(reads(&facts)[0].1, Some(10.into()), "the undecided transaction is aborted");
    assert_eq!(value(&done, "stock", "left"), Some(15.into()));
    let write = end_of(&facts, 4).expect("the write ends");
    assert!(write.0 > 3_000_000, "the write waits: {write:?}");
    let other = end_of(&facts, 5).expect("the other key is not locked");
    assert!(other.0 < 600_000, "{other:?}");
    assert_eq!((value(&done, "order", "sold"), value(&done, "payment", "paid")), (Some(0.into()), Some(0.into())));
    // While the coordinator is down, the locks are visible, and the run is not quiet.
    scenario.until_ms = 2500.0;
    let (blocked, _) = run(&scenario);
    for id in ["stock", "payment"] {
        let locks = blocked.analysis().members.get(node(&blocked, id)).map(|member| member.promised.len());
        assert_eq!(locks, Some(1), "{id}");
    }
    assert!(!blocked.is_quiet());
}

#[test]
fn a_decision_reaches_all_participants_although_the_coordinator_crashed_before_it_was_sent() {
    let mut scenario = shop();
    scenario.script = vec![
        operate(100.0, "order", increment("sold", 1)),
        cut(121.0, "order", "stock", true),
        cut(121.0, "order", "payment", true),
        crash(130.0, "order"),
        operate(1000.0, "stock", read("left")),
        step(1500.0, Command::HealAll),
    ];
    let (run, facts) = run(&scenario);
    assert_eq!(end_of(&facts, 0), Some((122_000, Outcome::Ok)));
    let read = &reads(&facts)[0];
    assert!(
        read.0 > 1_500_000 && read.1 == Some(9.into()),
        "the read waits, and returns the committed value: {read:?}"
    );
    assert_eq!(value(&run, "payment", "paid"), Some(1.into()));
    assert_eq!(run.invariants(), [InvariantStatus::Holds, InvariantStatus::Holds]);
}

#[test]
fn a_participant_that_crashes_after_its_vote_commits_after_its_restart() {
    let mut scenario = shop();
    scenario.script =
        vec![operate(100.0, "order", increment("sold", 1)), crash(125.0, "stock"), restart(1000.0, "stock")];
    let (run, _) = run(&scenario);
    assert_eq!(value(&run, "stock", "left"), Some(9.into()));
    assert_eq!(run.invariants(), [InvariantStatus::Holds, InvariantStatus::Holds]);
}

/// Shows that a crash between the calls of a write without a transaction takes an item out of the stock although no order was
/// sold.
#[test]
fn without_a_transaction_a_failure_between_the_calls_leaves_a_partial_result() {
    let mut scenario = shop();
    scenario.services[0].commit = Commit::OneByOne;
    scenario.script =
        vec![operate(100.0, "order", increment("sold", 1)), operate(1000.0, "order", increment("sold", 1))];
    let (successful, facts) = run(&scenario);
    let values =
        |run: &Run| [("order", "sold"), ("stock", "left"), ("payment", "paid")].map(|(id, key)| value(run, id, key));
    assert_eq!(values(&successful), [Some(2.into()), Some(8.into()), Some(2.into())]);
    assert_eq!(end_of(&facts, 0), Some((143_000, Outcome::Ok)), "the calls are sequential");
    assert_eq!(successful.invariants(), [InvariantStatus::Holds, InvariantStatus::Holds]);
    for failure in ["payment", "order"] {
        scenario.script[1] = crash(if failure == "order" { 130.0 } else { 110.0 }, failure);
        let (partial, facts) = run(&scenario);
        let paid = if failure == "order" { 1 } else { 0 };
        assert_eq!(values(&partial), [Some(0.into()), Some(9.into()), Some(paid.into())], "{failure}");
        assert_eq!(end_of(&facts, 0).map(|(_, outcome)| outcome), Some(Outcome::Unknown), "{failure}");
        assert!(matches!(partial.invariants()[0], InvariantStatus::Violated { recovered: false, .. }), "{failure}");
    }
}

#[test]
fn a_stale_copy_that_waits_for_a_decision_is_reported_with_its_coordinator() {
    let mut scenario = shop();
    scenario.invariants.clear();
    scenario.services[0].calls = vec![call("stock", None), call("payment", None)];
    for (service, key) in [(1, "left"), (2, "paid")] {
        scenario.services[service].data.remove(key);
        scenario.services[service].data.insert("sold".into(), 0.into());
    }
    scenario.script = vec![operate(100.0, "order", increment("sold", 1)), cut(121.0, "order", "stock", true)];
    let mut healing = scenario.clone();
    healing.script.push(heal(990.0, "order", "stock", true));
    (scenario.until_ms, healing.until_ms) = (1000.0, 990.0);
    let (waiting, _) = run(&healing);
    let (order, stock) = (node(&waiting, "order"), node(&waiting, "stock"));
    let Convergence::WillNotConverge(whys) = run(&scenario).0.convergence(&scenario) else {
        panic!("the decision never arrives")
    };
    assert_eq!(whys.iter().map(|why| why.prospect).collect::<Vec<_>>(), [Prospect::Cut(order, stock)]);
    let Convergence::Converging(whys) = waiting.convergence(&healing) else {
        panic!("{:?}", waiting.convergence(&healing))
    };
    assert_eq!(whys.iter().map(|why| why.prospect).collect::<Vec<_>>(), [Prospect::Promised(order)]);
    scenario.script.push(crash(900.0, "order"));
    let (never, _) = run(&scenario);
    let Convergence::WillNotConverge(whys) = never.convergence(&scenario) else {
        panic!("{:?}", never.convergence(&scenario))
    };
    assert_eq!(whys.iter().map(|why| why.prospect).collect::<Vec<_>>(), [Prospect::Down(order)]);
    scenario.script.push(step(950.0, Command::HealAll));
    scenario.until_ms = 3000.0;
    let (healed, _) = run(&scenario);
    assert_eq!(healed.convergence(&scenario), Convergence::Converged);
}

#[test]
fn a_call_or_publication_that_cannot_be_part_of_a_transaction_is_refused_with_its_path() {
    let mut nested = shop();
    nested.services[1].calls.push(call("payment", None));
    assert_refused(&nested, "services[0].calls[0].to", "without calls");
    let mut reading = shop();
    reading.services[0].calls[0].operation = Some(read("left"));
    assert_refused(&reading, "services[0].calls[0].do", "writes");
    let mut early = shop();
    early.buses.push(Bus { id: "bus".into(), ..Bus::default() });
    let publication = Publication { to: "bus".into(), mode: PublishMode::BeforeCommit, ..Publication::default() };
    early.services[1].publishes.push(publication);
    assert_refused(&early, "services[1].publishes[0].mode", "votes");
}

/// Faults reach every service, and every link between a coordinator and a participant.
fn fault() -> impl Strategy<Value = Step> {
    let links = [("order", "stock"), ("order", "payment"), ("returns", "stock"), ("returns", "payment")];
    system_fault(&["order", "stock", "payment", "returns"], &links, 2500.0)
}

/// Two coordinators with the same participants: one sells items, the other takes them back.
fn system() -> impl Strategy<Value = Scenario> {
    (any::<u32>(), prop::collection::vec(fault(), 0..12), 1u32..4, 0u32..6).prop_map(
        |(seed, faults, workers, queue)| {
            let mut scenario = shop();
            scenario.seed = seed.into();
            scenario.default_latency = Latency::Lognormal { median_ms: 8.0, sigma: 0.8 };
            let mut returns = service("returns", "returned", 0);
            returns.commit = Commit::TwoPhase;
            returns.calls =
                vec![call("stock", Some(increment("left", 1))), call("payment", Some(increment("paid", -1)))];
            scenario.services.push(returns);
            for service in &mut scenario.services {
                (service.concurrency, service.queue) = (workers, queue);
                for call in &mut service.calls {
                    call.timeout_ms = 80.0;
                }
            }
            let requests = |(i, service): (u32, &str)| {
                let key = if service == "order" { "sold" } else { "returned" };
                (0..12)
                    .map(move |n| operate(150.0 * f64::from(n) + 60.0 * f64::from(i), service, increment(key, 1)))
                    .collect::<Vec<_>>()
            };
            scenario.script = (0..).zip(["order", "returns"]).flat_map(requests).collect();
            scenario.script.extend(faults);
            scenario.script.push(step(2600.0, Command::HealAll));
            scenario.clients = vec![Client {
                id: "client".into(),
                target: "order".into(),
                timeout_ms: 250.0,
                generate: Some(workload(
                    Arrivals::Poisson { per_second: 5.0 },
                    Keys::One { key: "sold".into() },
                    1.0,
                    Some(2400.0),
                )),
                ..Client::default()
            }];
            scenario.invariants = vec![
                "order.sold - returns.returned + stock.left == 10 when quiescent".into(),
                "order.sold - returns.returned == payment.paid when quiescent".into(),
            ];
            scenario
        },
    )
}

random_tests! { transactions, 3000;
    #[test]
    fn a_transaction_commits_at_all_participants_or_at_none_under_faults(scenario in system()) {
        prop_assert_eq!(scenario.validate(), Ok(()));
        let (mut run, mut recorder) = (Run::new(&scenario), HistoryRecorder::default());
        let is_over = run.advance(micros(30_000.0), MAX_EVENTS, &mut |record, _, _| recorder.observe(record));
        let seed = scenario.seed;
        prop_assert!(is_over && run.is_quiet(), "seed {}: a lock is left: {:?}", seed, run.analysis().messages);
        prop_assert!(run.engine().messages().conserved(), "seed {}", seed);
        let number = |id: &str, key: &str| match value(&run, id, key) {
            Some(Value::Int(number)) => number,
            other => panic!("seed {seed}: {id} holds {other:?}"),
        };
        let sold = number("order", "sold") - number("returns", "returned");
        prop_assert_eq!(sold + number("stock", "left"), 10, "seed {}", seed);
        prop_assert_eq!(sold, number("payment", "paid"), "seed {}", seed);
        for invariant in run.invariants() {
            prop_assert!(!matches!(invariant, InvariantStatus::Violated { .. }), "seed {}: {:?}", seed, invariant);
        }
        // Each counter is in one service, and each change of it waits for the lock.
        let names = run.engine().names();
        let history = recorder.history(|key| names.key(key).into(), |by, session| format!("{} {session}", names.node(by)));
        let verdict = check(&history, Guarantee::Linearizable, BUDGET);
        prop_assert!(!matches!(verdict, Verdict::Violated(_)), "seed {}: {:?}", seed, verdict);
    }

    #[test]
    fn messages_of_transactions_are_conserved_and_a_run_can_be_repeated(scenario in system()) {
        prop_assert_eq!(scenario.validate(), Ok(()));
        let mut engine = Engine::new(&scenario, Level::Digest);
        let mut steps = 0;
        while steps < 20_000 && engine.step() {
            steps += 1;
            prop_assert!(engine.messages().conserved(), "seed {} after {} steps", scenario.seed, steps);
        }
        let mut repeated = Engine::new(&scenario, Level::Digest);
        repeated.run_until(engine.now(), steps);
        prop_assert_eq!(repeated.trace().digest().value(), engine.trace().digest().value());
    }
}
