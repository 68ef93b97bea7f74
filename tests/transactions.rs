//! Services that commit together: all or none, whatever fails; blocked while their coordinator is down, and by nothing else.

mod faults;

use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::Recorder;
use converge::analysis::{Convergence, Prospect, Stands};
use converge::engine::Engine;
use converge::scenario::{
    Arrivals, Call, Client, Command, Commit, Keys, Latency, Operation, Publication, PublishMode, Scenario, Service,
    Step, Value, Workload, micros,
};
use converge::session::Run;
use converge::trace::{Fact, Level, OperationId, Outcome};
use proptest::prelude::*;

fn add(key: &str, by: i64) -> Operation {
    Operation::Increment { key: key.into(), by }
}

fn service(id: &str, key: &str, value: i64) -> Service {
    let mut service = Service { id: id.into(), service_time: Latency::Constant { ms: 1.0 }, ..Service::default() };
    service.data.insert(key.into(), value.into());
    service
}

fn call(to: &str, operation: Option<Operation>) -> Call {
    Call { to: to.into(), timeout_ms: 300.0, operation }
}

/// Each order sold takes one of the stock, and puts one payment down. It takes 10 ms from one to another.
fn shop() -> Scenario {
    let mut order = service("order", "sold", 0);
    order.commit = Commit::TwoPhase;
    order.calls = vec![call("stock", Some(add("left", -1))), call("payment", Some(add("paid", 1)))];
    Scenario {
        default_latency: Latency::Constant { ms: 10.0 },
        services: vec![order, service("stock", "left", 10), service("payment", "paid", 0)],
        invariants: vec![
            "order.sold + stock.left == 10 when quiescent".into(),
            "order.sold == payment.paid when quiescent".into(),
        ],
        until_ms: 5000.0,
        ..Scenario::default()
    }
}

fn at(at_ms: f64, command: Command) -> Step {
    Step { at_ms, command }
}

fn ask(at_ms: f64, service: &str, operation: Operation) -> Step {
    at(at_ms, Command::Operate { service: service.into(), operation, poison: false })
}

fn crash(at_ms: f64, service: &str) -> Step {
    at(at_ms, Command::Crash { service: service.into(), lose_disk: false })
}

fn run(scenario: &Scenario) -> (Run, Vec<(u64, Fact)>) {
    scenario.validate().expect("sound");
    let (mut run, mut facts) = (Run::new(scenario), Vec::new());
    run.advance(micros(scenario.until_ms), 3_000_000, &mut |record, _, _| facts.push((record.at, record.fact.clone())));
    (run, facts)
}

fn value(run: &Run, id: &str, key: &str) -> Option<Value> {
    let names = run.engine().names();
    let (node, key) = (names.find_node(id)?, names.find_key(None, key)?);
    run.analysis().staleness.at(node, key)?.held()?.value.clone()
}

fn ends(facts: &[(u64, Fact)], of: u32) -> Option<(u64, Outcome)> {
    facts.iter().find_map(|(at, fact)| match fact {
        Fact::OperationEnded { operation, outcome } if *operation == OperationId(of) => Some((*at, *outcome)),
        _ => None,
    })
}

fn reads(facts: &[(u64, Fact)]) -> Vec<(u64, Option<Value>)> {
    let read = |(at, fact): &(u64, Fact)| match fact {
        Fact::ReadServed { value, .. } => Some((*at, value.clone())),
        _ => None,
    };
    facts.iter().filter_map(read).collect()
}

#[test]
fn all_commit_when_all_can() {
    let mut scenario = shop();
    scenario.script = vec![ask(100.0, "order", add("sold", 1))];
    let (run, facts) = run(&scenario);
    assert_eq!(value(&run, "order", "sold"), Some(1.into()));
    assert_eq!(value(&run, "stock", "left"), Some(9.into()));
    assert_eq!(value(&run, "payment", "paid"), Some(1.into()));
    // Prepare and vote take 10 ms each, the work at each end 1 ms.
    assert_eq!(ends(&facts, 0), Some((122_000, Outcome::Ok)));
    assert_eq!(run.invariants(), [Stands::Holds, Stands::Holds]);
    assert_eq!(run.convergence(&scenario), Convergence::Converged);
}

#[test]
fn nobody_commits_when_one_cannot_and_the_client_knows_it() {
    for cannot in ["wrong type", "silent", "locked"] {
        let mut scenario = shop();
        scenario.script = vec![ask(100.0, "order", add("sold", 1))];
        match cannot {
            "wrong type" => _ = scenario.services[2].data.insert("paid".into(), "a lot".into()),
            "silent" => scenario.script.push(crash(50.0, "payment")),
            _ => {
                // A second coordinator has the key at payment, and waits for a vote that never comes.
                let mut other = service("refund", "refunds", 0);
                other.commit = Commit::TwoPhase;
                other.calls = vec![call("payment", Some(add("paid", -1))), call("bank", None)];
                scenario.services.extend([other, service("bank", "balance", 0)]);
                scenario.script.extend([crash(10.0, "bank"), ask(60.0, "refund", add("refunds", 1))]);
            }
        }
        scenario.invariants.truncate(1);
        let (run, facts) = run(&scenario);
        let own = if cannot == "locked" { 2 } else { 0 };
        let outcome = facts.iter().filter_map(|(_, fact)| match fact {
            Fact::OperationEnded { outcome, .. } => Some(*outcome),
            _ => None,
        });
        assert!(outcome.into_iter().all(|outcome| outcome == Outcome::Fail), "{cannot}: it certainly had no effect");
        assert!(ends(&facts, own).is_some(), "{cannot}");
        assert_eq!(value(&run, "order", "sold"), Some(0.into()), "{cannot}");
        assert_eq!(value(&run, "stock", "left"), Some(10.into()), "{cannot}");
        let kept = facts.iter().filter(|(_, it)| matches!(it, Fact::WritePromised { .. })).count();
        let released = facts.iter().filter(|(_, it)| matches!(it, Fact::PromiseReleased { .. })).count();
        assert_eq!((kept, kept), (released, if cannot == "locked" { 2 } else { 1 }), "{cannot}: no lock is left");
    }
}

#[test]
fn a_coordinator_that_is_down_after_the_vote_blocks_participants_and_nobody_else() {
    let mut scenario = shop();
    scenario.script = vec![
        ask(100.0, "order", add("sold", 1)),
        // The promises are made at 112 ms, and would be back at 122 ms.
        crash(115.0, "order"),
        ask(500.0, "stock", Operation::Read { key: "left".into() }),
        ask(500.0, "stock", add("left", 5)),
        ask(500.0, "stock", add("other", 1)),
        at(3000.0, Command::Restart { service: "order".into() }),
    ];
    let (done, facts) = run(&scenario);
    assert!(reads(&facts)[0].0 > 3_000_000, "the read waits: {:?}", reads(&facts));
    assert_eq!(reads(&facts)[0].1, Some(10.into()), "what was not decided is aborted");
    assert_eq!(value(&done, "stock", "left"), Some(15.into()));
    let write = ends(&facts, 4).expect("the write goes on");
    assert!(write.0 > 3_000_000, "the write waits: {write:?}");
    let other = ends(&facts, 5).expect("another key is not locked");
    assert!(other.0 < 600_000, "{other:?}");
    assert_eq!((value(&done, "order", "sold"), value(&done, "payment", "paid")), (Some(0.into()), Some(0.into())));
    // While it is down the locks are there to be seen, and nothing is said to be at rest.
    scenario.until_ms = 2500.0;
    let (blocked, _) = run(&scenario);
    let node = |id: &str| blocked.engine().names().find_node(id).expect("a node");
    for id in ["stock", "payment"] {
        let promised = blocked.analysis().members.get(node(id)).map(|member| member.promised.len());
        assert_eq!(promised, Some(1), "{id}");
    }
    assert!(!blocked.is_quiet());
}

#[test]
fn what_was_decided_is_committed_by_all_though_the_coordinator_crashed_before_it_told_them() {
    let mut scenario = shop();
    let cut = |to: &str| at(121.0, Command::CutLink { from: "order".into(), to: to.into(), one_way: true });
    scenario.script = vec![
        ask(100.0, "order", add("sold", 1)),
        cut("stock"),
        cut("payment"),
        crash(130.0, "order"),
        ask(1000.0, "stock", Operation::Read { key: "left".into() }),
        at(1500.0, Command::HealAll),
    ];
    let (run, facts) = run(&scenario);
    assert_eq!(ends(&facts, 0), Some((122_000, Outcome::Ok)));
    let read = &reads(&facts)[0];
    assert!(read.0 > 1_500_000 && read.1 == Some(9.into()), "it waits, and finds what was decided: {read:?}");
    assert_eq!(value(&run, "payment", "paid"), Some(1.into()));
    assert_eq!(run.invariants(), [Stands::Holds, Stands::Holds]);
}

#[test]
fn a_participant_keeps_its_promise_through_a_crash_of_its_own() {
    let mut scenario = shop();
    scenario.script = vec![
        ask(100.0, "order", add("sold", 1)),
        crash(125.0, "stock"),
        at(1000.0, Command::Restart { service: "stock".into() }),
    ];
    let (run, _) = run(&scenario);
    assert_eq!(value(&run, "stock", "left"), Some(9.into()));
    assert_eq!(run.invariants(), [Stands::Holds, Stands::Holds]);
}

/// What transactions are for: without one a crash between the calls takes an item from the stock that nobody bought.
#[test]
fn one_by_one_a_failure_between_leaves_what_some_have_committed() {
    let mut scenario = shop();
    scenario.services[0].commit = Commit::OneByOne;
    scenario.script = vec![ask(100.0, "order", add("sold", 1)), ask(1000.0, "order", add("sold", 1))];
    let (well, facts) = run(&scenario);
    let all =
        |run: &Run| [("order", "sold"), ("stock", "left"), ("payment", "paid")].map(|(id, key)| value(run, id, key));
    assert_eq!(all(&well), [Some(2.into()), Some(8.into()), Some(2.into())]);
    assert_eq!(ends(&facts, 0), Some((143_000, Outcome::Ok)), "one after the other");
    assert_eq!(well.invariants(), [Stands::Holds, Stands::Holds]);
    for failure in ["payment", "order"] {
        scenario.script[1] = crash(if failure == "order" { 130.0 } else { 110.0 }, failure);
        let (ill, facts) = run(&scenario);
        let paid = if failure == "order" { 1 } else { 0 };
        assert_eq!(all(&ill), [Some(0.into()), Some(9.into()), Some(paid.into())], "{failure}");
        assert_eq!(ends(&facts, 0).map(|(_, outcome)| outcome), Some(Outcome::Unknown), "{failure}");
        assert!(matches!(ill.invariants()[0], Stands::Violated { mended: false, .. }), "{failure}");
    }
}

/// Where the callees hold copies of what the caller writes, they lack it until they hear the decision, and the story says so.
#[test]
fn a_copy_that_waits_for_the_decision_is_told_so() {
    let mut scenario = shop();
    scenario.invariants.clear();
    scenario.services[0].calls = vec![call("stock", None), call("payment", None)];
    for (service, key) in [(1, "left"), (2, "paid")] {
        scenario.services[service].data.remove(key);
        scenario.services[service].data.insert("sold".into(), 0.into());
    }
    scenario.script = vec![
        ask(100.0, "order", add("sold", 1)),
        at(121.0, Command::CutLink { from: "order".into(), to: "stock".into(), one_way: true }),
    ];
    scenario.until_ms = 1000.0;
    let (waiting, _) = run(&scenario);
    let order = waiting.engine().names().find_node("order").expect("a node");
    let Convergence::Converging(whys) = waiting.convergence(&scenario) else {
        panic!("{:?}", waiting.convergence(&scenario))
    };
    assert_eq!(whys.iter().map(|why| why.prospect).collect::<Vec<_>>(), [Prospect::Promised(order)]);
    scenario.script.push(crash(900.0, "order"));
    let (never, _) = run(&scenario);
    let Convergence::Never(whys) = never.convergence(&scenario) else { panic!("{:?}", never.convergence(&scenario)) };
    assert_eq!(whys.iter().map(|why| why.prospect).collect::<Vec<_>>(), [Prospect::Down(order)]);
    scenario.script.push(at(950.0, Command::HealAll));
    scenario.until_ms = 3000.0;
    let (healed, _) = run(&scenario);
    assert_eq!(healed.convergence(&scenario), Convergence::Converged);
}

#[test]
fn what_cannot_be_part_of_a_transaction_is_refused_with_its_place() {
    let says = |scenario: &Scenario, place: &str, expected: &str| {
        let told = scenario.validate().expect_err("refused");
        let told: Vec<String> = told.iter().map(|error| error.to_string()).collect();
        assert!(told.iter().any(|it| it.contains(place) && it.contains(expected)), "{told:?}");
    };
    let mut nested = shop();
    nested.services[1].calls.push(call("payment", None));
    says(&nested, "services[0].calls[0].to", "calls no other");
    let mut reads = shop();
    reads.services[0].calls[0].operation = Some(Operation::Read { key: "left".into() });
    says(&reads, "services[0].calls[0].do", "writes");
    let mut early = shop();
    early.buses.push(converge::scenario::Bus { id: "bus".into(), ..Default::default() });
    let publication = Publication { to: "bus".into(), mode: PublishMode::BeforeCommit, ..Publication::default() };
    early.services[1].publishes.push(publication);
    says(&early, "services[1].publishes[0].mode", "votes");
}

fn fault() -> impl Strategy<Value = Step> {
    let ids = prop::sample::select(vec!["order", "stock", "payment", "returns"]);
    let links = prop::sample::select(vec![
        ("order", "stock"),
        ("order", "payment"),
        ("returns", "stock"),
        ("returns", "payment"),
    ]);
    (0.0f64..2500.0, 0u8..6, ids, links, 0.0f64..1.0).prop_map(|(at_ms, kind, id, (from, to), p)| {
        let (id, from, to) = (id.to_string(), from.to_string(), to.to_string());
        let command = match kind {
            0 => Command::CutLink { from, to, one_way: p < 0.5 },
            1 => faults::disturbed(from, to, 0.4 * p, 0.5, 30.0, 0.4),
            2 => Command::Crash { service: id, lose_disk: false },
            3 => Command::Restart { service: id },
            4 => Command::Pause { node: id },
            _ => Command::HealAll,
        };
        at(at_ms, command)
    })
}

/// Two coordinators with the same participants: what the one sells the other takes back.
fn system() -> impl Strategy<Value = Scenario> {
    (any::<u32>(), prop::collection::vec(fault(), 0..12), 1u32..4, 0u32..6).prop_map(
        |(seed, faults, workers, queue)| {
            let mut scenario = shop();
            scenario.seed = seed.into();
            scenario.default_latency = Latency::Lognormal { median_ms: 8.0, sigma: 0.8 };
            let mut returns = service("returns", "returned", 0);
            returns.commit = Commit::TwoPhase;
            returns.calls = vec![call("stock", Some(add("left", 1))), call("payment", Some(add("paid", -1)))];
            scenario.services.push(returns);
            for service in &mut scenario.services {
                (service.concurrency, service.queue) = (workers, queue);
                for call in &mut service.calls {
                    call.timeout_ms = 80.0;
                }
            }
            let ask_often = |(i, service): (u32, &str)| {
                let key = if service == "order" { "sold" } else { "returned" };
                (0..12)
                    .map(move |n| ask(150.0 * f64::from(n) + 60.0 * f64::from(i), service, add(key, 1)))
                    .collect::<Vec<_>>()
            };
            scenario.script = (0..).zip(["order", "returns"]).flat_map(ask_often).collect();
            scenario.script.extend(faults);
            scenario.script.push(at(2600.0, Command::HealAll));
            scenario.clients = vec![Client {
                id: "client".into(),
                target: "order".into(),
                timeout_ms: 250.0,
                generate: Some(Workload {
                    arrivals: Arrivals::Poisson { per_second: 5.0 },
                    keys: Keys::One { key: "sold".into() },
                    read_share: 1.0,
                    optimistic: None,
                    from_ms: 0.0,
                    until_ms: Some(2400.0),
                }),
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

proptest! {
    #![proptest_config(faults::config(3000))]

    #[test]
    fn all_parts_of_a_transaction_commit_or_none_whatever_fails(scenario in system()) {
        scenario.validate().expect("sound");
        let (mut run, mut recorder) = (Run::new(&scenario), Recorder::default());
        let there = run.advance(micros(30_000.0), 3_000_000, &mut |record, _, _| recorder.observe(record));
        let seed = scenario.seed;
        prop_assert!(there && run.is_quiet(), "seed {}: a lock is left: {:?}", seed, run.analysis().messages);
        prop_assert!(run.engine().messages().conserved(), "seed {}", seed);
        let mut sums = Vec::new();
        for (id, key) in [("order", "sold"), ("returns", "returned"), ("stock", "left"), ("payment", "paid")] {
            let Some(Value::Int(held)) = value(&run, id, key) else { panic!("seed {seed}: {id} holds no number") };
            sums.push(held);
        }
        prop_assert_eq!(sums[0] - sums[1] + sums[2], 10, "seed {}: {:?}", seed, sums);
        prop_assert_eq!(sums[0] - sums[1], sums[3], "seed {}: {:?}", seed, sums);
        for stands in run.invariants() {
            prop_assert!(!matches!(stands, Stands::Violated { .. }), "seed {}: {:?}", seed, stands);
        }
        // Counters of one service each, whose every change waits for its lock: linearizable, all of them.
        let names = run.engine().names();
        let history = recorder.history(|key| names.key(key).into(), |by, session| format!("{} {session}", names.node(by)));
        let verdict = check(&history, Guarantee::Linearizable, BUDGET);
        prop_assert!(!matches!(verdict, Verdict::Violated(_)), "seed {}: {:?}", seed, verdict);
    }

    #[test]
    fn messages_of_transactions_are_conserved_and_runs_repeat(scenario in system()) {
        scenario.validate().expect("sound");
        let mut engine = Engine::new(&scenario, Level::Digest);
        let mut steps = 0;
        while steps < 20_000 && engine.step() {
            steps += 1;
            prop_assert!(engine.messages().conserved(), "seed {} after {} steps", scenario.seed, steps);
        }
        let mut again = Engine::new(&scenario, Level::Digest);
        again.run_until(engine.now(), steps);
        prop_assert_eq!(again.trace().digest().value(), engine.trace().digest().value());
    }
}
