//! Behaviour of real messaging systems: small scenarios, those of the files in `tests/outside/` among them, each with the right
//! result.

use crate::common::runs;
use converge::report::RunReport;
use converge::scenario::{Effect, Forward, Inbox, Latency, Publication, PublishMode, Scenario, Value};
use converge::session::Run;
use converge::trace::{Fact, MessageKind, NodeId};

fn outside(name: &str) -> Scenario {
    let path = format!("{}/tests/outside/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Scenario::from_json(&text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"))
}

/// A run of a scenario to its end, with its facts.
struct Outcome {
    run: Run,
    facts: Vec<(u64, Fact)>,
    report: RunReport,
}

fn outcome(scenario: &Scenario) -> Outcome {
    let (run, facts) = runs::run_with_facts(scenario);
    let report = RunReport::new(&run, scenario);
    Outcome { run, facts, report }
}

impl Outcome {
    fn value(&self, service: &str, key: &str) -> Option<Value> {
        self.report.services[service].keys.get(key).and_then(|copy| copy.value.clone())
    }

    fn node(&self, id: &str) -> NodeId {
        runs::node(&self.run, id)
    }

    /// The times, ms, of facts and what they are about.
    fn select<T>(&self, select: impl Fn(&Fact) -> Option<T>) -> Vec<(u64, T)> {
        self.facts.iter().filter_map(|(at, fact)| Some((at / 1000, select(fact)?))).collect()
    }

    /// The consumers that the bus sent events to, with the times, ms.
    fn deliveries(&self) -> Vec<(u64, String)> {
        let names = self.run.engine().names();
        self.select(|fact| match fact {
            Fact::EventSent { subscription, .. } => Some(names.node(names.subscription(*subscription).service).into()),
            _ => None,
        })
    }
}

#[test]
fn change_data_capture_publishes_all_that_follow_a_lost_event_again() {
    let outcome = outcome(&outside("m-cdc-order"));
    assert_eq!(outcome.value("view", "k"), Some(2.into()));
    assert_eq!(outcome.report.convergence.verdict, "converged");
    // The relay sent the second event twice, and the bus accepted both events in the order of the commits.
    let publications = outcome.select(|fact| match fact {
        Fact::MessageSent { kind: MessageKind::Publish, update, .. } => *update,
        _ => None,
    });
    let of = |id: u32| publications.iter().filter(|(_, update)| update.0 == id).count();
    assert_eq!((of(0), of(1)), (2, 2), "{publications:?}");
    let accepted = outcome.select(|fact| match fact {
        Fact::EventPublished { update, .. } => Some(update.0),
        _ => None,
    });
    assert_eq!(accepted.iter().map(|(_, update)| *update).collect::<Vec<u32>>(), [0, 1]);
}

#[test]
fn a_verdict_counts_the_worker_that_can_still_apply_the_event() {
    // One of two workers is down before the event is published: the other one receives it.
    let scenario = outside("m-group-verdict");
    let healthy = outcome(&scenario);
    assert_eq!(healthy.report.convergence.verdict, "converged", "{:?}", healthy.report.convergence.because);
    assert_eq!(healthy.deliveries().iter().map(|(_, to)| to.as_str()).collect::<Vec<_>>(), ["w2"]);
    // It goes down with the event in hand, before its link from the bus is cut: the bus learns nothing.
    let mut silent = scenario.clone();
    silent.script.remove(0);
    silent.services[1].subscribes[0].processing = Latency::Constant { ms: 3000.0 };
    silent.script.push(crate::common::scenarios::cut(1000.0, "w1", "q", false));
    silent.script.push(crate::common::scenarios::crash(1010.0, "w1"));
    let waiting = outcome(&silent);
    assert_eq!(waiting.report.convergence.verdict, "converging", "{:?}", waiting.report.convergence.because);
    silent.until_ms = 6000.0;
    let later = outcome(&silent);
    assert_eq!(later.report.convergence.verdict, "converged", "{:?}", later.report.convergence.because);
    assert_eq!(later.deliveries().last().map(|(at, to)| (*at / 100, to.as_str())), Some((51, "w2")));
}

#[test]
fn the_log_names_the_reader_that_a_partition_is_assigned_to() {
    let outcome = outcome(&outside("m-kafka-group"));
    assert_eq!(outcome.report.convergence.verdict, "converged", "{:?}", outcome.report.convergence.because);
    let names = outcome.run.engine().names();
    // Each event was sent to the consumer that the bus recorded, and applied there.
    let sent = outcome.select(|fact| match fact {
        Fact::MessageSent { kind: MessageKind::Delivery, to, update, .. } => Some((*to, *update)),
        _ => None,
    });
    let recorded = outcome.select(|fact| match fact {
        Fact::EventSent { subscription, update, .. } => {
            Some((names.subscription(*subscription).service, Some(*update)))
        }
        _ => None,
    });
    let applied = outcome.select(|fact| match fact {
        Fact::UpdateApplied { node, update, .. } => Some((*node, Some(*update))),
        _ => None,
    });
    assert_eq!(sent, recorded);
    let mut applied: Vec<_> = applied.into_iter().map(|(_, what)| what).collect();
    let mut recorded: Vec<_> = recorded.into_iter().map(|(_, what)| what).collect();
    applied.sort_unstable();
    recorded.sort_unstable();
    assert_eq!(applied, recorded);
    let readers: std::collections::BTreeSet<NodeId> = recorded.iter().map(|(node, _)| *node).collect();
    assert_eq!(readers.len(), 2, "each reader has a partition");
}

#[test]
fn the_workers_of_a_consumer_group_are_one_holder() {
    let outcome = outcome(&outside("m-consumer-group"));
    assert_eq!(outcome.report.convergence.verdict, "converged", "{:?}", outcome.report.convergence.because);
    assert_eq!(outcome.report.missed, Vec::<String>::new());
    assert_eq!((outcome.report.copies.total, outcome.report.copies.stale), (2, 0), "the writer's copy and the group's");
    // One worker has the new value, the other one still its own old value.
    let mut values = [outcome.value("w1", "n"), outcome.value("w2", "n")];
    values.sort_by_key(|value| value.clone().map(|value| value.to_string()));
    assert_eq!(values, [Some(0.into()), Some(1.into())]);
}

#[test]
fn an_expired_receipt_handle_does_not_free_a_fifo_group() {
    let outcome = outcome(&outside("02b-sqs-fifo-order"));
    assert_eq!(outcome.value("w", "o"), Some(2.into()));
    let acknowledged = outcome.select(|fact| matches!(fact, Fact::EventAcknowledged { .. }).then_some(()));
    assert_eq!(acknowledged, [], "each delete comes after the visibility timeout");
    // The second message is not received before the first one is dead-lettered.
    let events = outcome.select(|fact| match fact {
        Fact::EventSent { event, .. } => Some((*event, false)),
        Fact::EventDeadLettered { event, .. } => Some((*event, true)),
        _ => None,
    });
    let first_of_second = events.iter().position(|(_, (event, _))| *event == 1).expect("it is received");
    let dead = events.iter().position(|(_, what)| *what == (0, true)).expect("the first one is given up");
    assert!(dead < first_of_second, "{events:?}");
    assert_eq!(events[..dead].len(), 10);
    assert_eq!(events[dead].0 / 1000, 300);
    // JetStream accepts the same acknowledgement.
    let mut jetstream = outside("02b-sqs-fifo-order");
    let subscription = &mut jetstream.services[1].subscribes[0];
    (subscription.max_in_flight, subscription.max_deliveries) = (1000, None);
    let outcome = self::outcome(&jetstream);
    let acknowledged = outcome.select(|fact| matches!(fact, Fact::EventAcknowledged { .. }).then_some(()));
    assert_eq!(acknowledged.len(), 2);
}

#[test]
fn a_rabbit_queue_requeues_at_once_what_a_dead_consumer_held() {
    let outcome = outcome(&outside("22-rabbit-consumer-dies"));
    assert_eq!(outcome.report.convergence.verdict, "converged", "{:?}", outcome.report.convergence.because);
    assert_eq!(outcome.value("w", "n"), Some(1.into()));
    let requeued = outcome.select(|fact| match fact {
        Fact::EventQueued { deliveries, .. } if *deliveries > 0 => Some(*deliveries),
        _ => None,
    });
    assert_eq!(requeued, [(2005, 1)], "when the closing of the connection arrives");
    let deliveries: Vec<u64> = outcome.deliveries().iter().map(|(at, _)| at / 10).collect();
    assert_eq!(deliveries, [100, 300], "the redelivery waits for the restart at 3 s");
}

#[test]
fn nothing_is_delivered_to_a_dead_worker() {
    let outcome = outcome(&outside("m-rabbit-dead-worker"));
    assert_eq!(outcome.report.convergence.verdict, "converged", "{:?}", outcome.report.convergence.because);
    assert_eq!(outcome.deliveries().iter().map(|(_, to)| to.as_str()).collect::<Vec<_>>(), ["w2"]);
    let to_dead = outcome.select(|fact| match fact {
        Fact::MessageSent { kind: MessageKind::Delivery, to, .. } if *to == outcome.node("w1") => Some(()),
        _ => None,
    });
    assert_eq!(to_dead, []);
}

#[test]
fn sqs_redelivers_after_the_visibility_timeout_when_the_handler_failed() {
    let mut scenario = outside("m-sqs-poison");
    let within = outcome(&scenario);
    assert_eq!(within.deliveries().iter().map(|(at, _)| at / 1000).collect::<Vec<_>>(), [0, 30]);
    scenario.until_ms = 400_000.0;
    let whole = outcome(&scenario);
    let at: Vec<u64> = whole.deliveries().iter().map(|(at, _)| at / 1000).collect();
    assert_eq!(at, (0..10).map(|n| 30 * n).collect::<Vec<u64>>());
    let dead = whole.select(|fact| matches!(fact, Fact::EventDeadLettered { .. }).then_some(()));
    assert_eq!(dead.iter().map(|(at, ())| at / 1000).collect::<Vec<_>>(), [300]);
}

#[test]
fn a_consumer_that_polls_receives_what_it_can_work_on() {
    let outcome = outcome(&outside("m-sqs-backlog"));
    let executions = outcome.select(|fact| matches!(fact, Fact::UpdateApplied { .. }).then_some(()));
    assert_eq!(executions.len(), 40);
    assert_eq!(outcome.deliveries().len(), 40);
    assert_eq!(outcome.value("worker", "n"), Some(40.into()));
    assert_eq!(outcome.report.missed, Vec::<String>::new());
}

#[test]
fn a_chain_that_nobody_forwards_is_not_a_success() {
    let scenario = outside("m-chain");
    assert_eq!(scenario.validate(), Ok(()));
    let unreached: Vec<(usize, Option<usize>)> = scenario
        .unreached_subscriptions()
        .iter()
        .map(|subscription| (subscription.service, subscription.publisher))
        .collect();
    assert_eq!(unreached, [(2, Some(1))], "c never receives a's updates, because b does not forward them");
    let warnings: Vec<String> = scenario.warnings().iter().map(ToString::to_string).collect();
    assert!(
        warnings.iter().any(|warning| warning.starts_with("services[2].subscribes[0]") && warning.contains("`c`")),
        "{warnings:?}"
    );
    let silent = outcome(&scenario);
    assert_eq!(silent.report.convergence.verdict, "unknown");
    assert_eq!(silent.report.missed.len(), 1, "{:?}", silent.report.missed);
    // With b forwarding, c is expected to hold what a commits, and does.
    let mut chain = scenario.clone();
    chain.services[1].publishes[0].forward = Some(Forward::default());
    let forwarded = outcome(&chain);
    assert_eq!(forwarded.value("c", "k"), Some(1.into()));
    assert_eq!(forwarded.report.convergence.verdict, "converged", "{:?}", forwarded.report.convergence.because);
    assert_eq!(forwarded.report.missed, Vec::<String>::new());
    // While the second link is cut, c is stale although b has applied the update; after a healing it converges.
    chain.services[1].publishes[0].mode = PublishMode::Outbox { poll_ms: 100.0, batch: 10 };
    chain.script.push(crate::common::scenarios::cut(0.0, "b", "y", false));
    let cut = outcome(&chain);
    assert_eq!((cut.value("b", "k"), cut.value("c", "k")), (Some(1.into()), None));
    assert_eq!(cut.report.services["c"].keys["k"].behind, 2, "the initial value and the update");
    chain.script.push(crate::common::scenarios::heal(3000.0, "b", "y", false));
    assert_eq!(outcome(&chain).value("c", "k"), Some(1.into()));
}

#[test]
fn a_derived_update_is_the_services_own() {
    let mut scenario = outside("m-chain");
    let forward = Forward { key: Some("double".into()), times: 2, plus: 1, ..Forward::default() };
    scenario.services[1].publishes[0].forward = Some(forward);
    let outcome = outcome(&scenario);
    assert_eq!(outcome.value("b", "k"), Some(1.into()));
    assert_eq!((outcome.value("b", "double"), outcome.value("c", "double")), (Some(3.into()), Some(3.into())));
    assert_eq!(outcome.value("c", "k"), None);
    assert_eq!(outcome.report.convergence.verdict, "converged", "{:?}", outcome.report.convergence.because);
}

#[test]
fn an_event_must_not_be_forwarded_in_a_circle() {
    let mut scenario = outside("m-chain");
    scenario.services[1].publishes[0].forward = Some(Forward::default());
    let back = Publication { to: "x".into(), forward: Some(Forward::default()), ..Publication::default() };
    scenario.services[2].publishes.push(back);
    crate::common::scenarios::assert_refused(&scenario, "services[1].publishes", "without end");
}

#[test]
fn workers_with_one_store_contend_for_its_rows() {
    let mut scenario = outside("m-consumer-group");
    for worker in 1..=2 {
        let service = &mut scenario.services[worker];
        service.store = Some("orders".into());
        service.subscribes[0].effect = Effect::Increment;
        service.subscribes[0].processing = Latency::Constant { ms: 100.0 };
    }
    let increment =
        |at_ms: f64| crate::common::scenarios::operate(at_ms, "api", crate::common::scenarios::increment("n", 1));
    scenario.script = vec![increment(100.0), increment(101.0)];
    let outcome = outcome(&scenario);
    assert_eq!((outcome.value("w1", "n"), outcome.value("w2", "n")), (Some(2.into()), Some(2.into())));
    assert_eq!(outcome.report.copies.total, 2, "the writer's copy and the store");
    assert_eq!(outcome.report.convergence.verdict, "converged", "{:?}", outcome.report.convergence.because);
    let applied = outcome.select(|fact| match fact {
        Fact::UpdateApplied { node, .. } => Some(*node),
        _ => None,
    });
    let nodes: Vec<NodeId> = applied.iter().map(|(_, node)| *node).collect();
    assert_eq!(nodes, [outcome.node("w1"), outcome.node("w2")], "each applies one");
    assert!(applied[1].0 >= applied[0].0 + 100, "the second waits for the row: {applied:?}");
}

#[test]
fn a_shared_inbox_recognises_what_another_worker_applied() {
    for (store, sum) in [(None, 2), (Some("orders".to_string()), 1)] {
        let mut scenario = outside("m-consumer-group");
        for worker in 1..=2 {
            let service = &mut scenario.services[worker];
            service.store = store.clone();
            let subscription = &mut service.subscribes[0];
            (subscription.effect, subscription.inbox) = (Effect::Increment, Some(Inbox::default()));
        }
        scenario.script = vec![
            crate::common::scenarios::operate(100.0, "api", crate::common::scenarios::increment("n", 1)),
            // The acknowledgement of the first worker is lost, and then the worker.
            crate::common::scenarios::cut(105.0, "w1", "bus", true),
            crate::common::scenarios::crash(200.0, "w1"),
            crate::common::scenarios::heal(300.0, "w1", "bus", true),
            crate::common::scenarios::restart(4000.0, "w1"),
        ];
        // The bus redelivers to w1 as long as it does not know, and to w2 in turn.
        let outcome = outcome(&scenario);
        let held = [outcome.value("w1", "n"), outcome.value("w2", "n")];
        match store {
            None => assert_eq!(held, [Some(1.into()), Some(1.into())], "applied twice, {sum} in all"),
            Some(_) => assert_eq!(held, [Some(sum.into()), Some(sum.into())]),
        }
    }
}
