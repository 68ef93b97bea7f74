//! Each example shows what it says, whatever the seed.

use converge::analysis::State;
use converge::scenario::examples::{self, EXAMPLES};
use converge::scenario::{Command, Operation, Scenario, Value, micros};
use converge::session::Run;
use converge::trace::{Fact, NodeId, OperationKind, Outcome, Record, Refusal};

const SEEDS: std::ops::Range<u64> = 0..200;

fn example(id: &str, seed: u64) -> Scenario {
    Scenario { seed, ..examples::find(id).expect("a known example").scenario() }
}

/// The run to its end, and what `look` saw.
fn finished(scenario: &Scenario, mut look: impl FnMut(&Record)) -> Run {
    let mut run = Run::new(scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| look(record));
    run
}

/// How the writes ended, and how long each took.
fn writes(scenario: &Scenario) -> Vec<(Outcome, u64)> {
    let mut issued = std::collections::BTreeMap::new();
    let mut ended = Vec::new();
    finished(scenario, |record| match &record.fact {
        Fact::OperationIssued { operation, kind: OperationKind::Write, .. } => {
            issued.insert(*operation, record.at);
        }
        Fact::OperationEnded { operation, outcome } => {
            ended.extend(issued.remove(operation).map(|at| (*outcome, record.at - at)));
        }
        _ => {}
    });
    ended
}

#[test]
fn every_example_keeps_its_promises_whatever_the_seed() {
    for example in EXAMPLES {
        for seed in SEEDS {
            let scenario = Scenario { seed, ..example.scenario() };
            let run = finished(&scenario, |_| {});
            let missed = run.missed(&scenario.promises);
            assert_eq!(missed, Vec::<String>::new(), "{} with seed {seed}", example.id);
            assert!(run.engine().messages().conserved(), "{} with seed {seed}", example.id);
        }
    }
}

#[test]
fn first_update_makes_the_copy_stale_until_its_event_arrives() {
    for seed in SEEDS {
        let scenario = example("first-update", seed);
        let mut run = Run::new(&scenario);
        let notification = run.engine().names().find_node("notification").expect("a node");
        let operation = Operation::Write { key: "widget".into(), value: Value::Int(49) };
        run.act(Command::Operate { service: "inventory".into(), operation, poison: false }, &mut |_, _, _| {})
            .expect("a command");
        let mut states = Vec::new();
        run.advance(micros(5000.0), u64::MAX, &mut |_, analysis, _| {
            let state = analysis.staleness.state(notification);
            if states.last() != Some(&state) {
                states.push(state);
            }
        });
        assert_eq!(states, [State::Consistent, State::Stale, State::Consistent], "seed {seed}");
        let (_, window) = run.analysis().staleness.last_window().expect("a window");
        assert!((100_000..4_000_000).contains(&window), "window {window} µs, seed {seed}");
    }
}

#[test]
fn asynchronous_writes_answer_at_once_though_the_copy_is_stale_for_longer() {
    for seed in SEEDS {
        let scenario = example("inventory-notification", seed);
        let ended = writes(&scenario);
        assert_eq!(ended.len(), 3, "seed {seed}");
        assert!(
            ended.iter().all(|(outcome, took)| *outcome == Outcome::Ok && *took < 20_000),
            "{ended:?}, seed {seed}"
        );
        let run = finished(&scenario, |_| {});
        let (_, window) = run.analysis().staleness.last_window().expect("a window");
        assert!(window > 50_000, "window {window} µs, seed {seed}");
    }
}

#[test]
fn synchronous_writes_leave_no_copy_stale_but_fail_while_a_callee_is_down() {
    for seed in SEEDS {
        let scenario = example("inventory-notification-sync", seed);
        let mut stale = false;
        let mut silent = 0;
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, analysis, _| {
            stale |= analysis.staleness.stale() + analysis.staleness.diverged() > 0;
            silent += u32::from(matches!(record.fact, Fact::OperationRefused { cause: Refusal::CalleeSilent, .. }));
        });
        assert!(!stale, "seed {seed}");
        assert_eq!(silent, 1, "seed {seed}");
        let ended = writes(&scenario);
        let outcomes: Vec<Outcome> = ended.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Outcome::Ok, Outcome::Unknown, Outcome::Ok], "seed {seed}");
        assert!(ended[1].1 >= 800_000, "the write during the crash took {} µs, seed {seed}", ended[1].1);
        assert!(ended[0].1 > 100_000, "a write waits for the whole chain, took {} µs, seed {seed}", ended[0].1);
    }
}

#[test]
fn order_status_follows_inventory_though_orders_crashes_meanwhile() {
    for seed in SEEDS {
        let scenario = example("inventory-orders", seed);
        let mut statuses = Vec::new();
        let orders = NodeId(1);
        let run = finished(&scenario, |record| {
            if let Fact::UpdateTakenIn { node, value, changed: true, .. } = &record.fact {
                assert_eq!(*node, orders);
                statuses.push(value.to_string());
            }
        });
        assert_eq!(statuses, ["reserved", "packed", "shipped"], "seed {seed}");
        assert!(
            writes(&scenario).iter().all(|(outcome, took)| *outcome == Outcome::Ok && *took < 20_000),
            "seed {seed}"
        );
        let shopper = run.engine().names().find_node("shopper").expect("a node");
        let tally = run.analysis().operations.get(shopper).expect("reads");
        assert!(tally.stale_reads > 0 && tally.stale_reads < tally.reads, "{tally:?}, seed {seed}");
        assert!(tally.unknown > 0, "reads while Orders is down are not answered: {tally:?}, seed {seed}");
    }
}

#[test]
fn a_lost_event_leaves_the_copy_stale_for_good() {
    for seed in SEEDS {
        let scenario = example("lost-event", seed);
        let mut run = finished(&scenario, |_| {});
        assert_eq!(run.engine().messages().dropped_link_cut, 1, "seed {seed}");
        // However long one waits: nothing is under way that could mend it.
        run.advance(micros(1e9), u64::MAX, &mut |_, _, _| {});
        assert_eq!(run.engine().next_at(), None);
        assert_eq!(run.analysis().staleness.stale(), 1, "seed {seed}");
    }
}

#[test]
fn a_retried_event_is_late_but_not_lost() {
    for seed in SEEDS {
        let run = finished(&example("lost-event-retried", seed), |_| {});
        assert!(run.engine().messages().dropped_link_cut >= 1, "seed {seed}");
        let (_, window) = run.analysis().staleness.last_window().expect("a window");
        assert!(window > 2_000_000, "it is late by the cut: {window} µs, seed {seed}");
    }
}

#[test]
fn a_repeated_event_doubles_a_naive_increment_alone() {
    for seed in SEEDS {
        let mut hits = 0;
        let run = finished(&example("duplicate-delivery", seed), |record| {
            hits += u32::from(matches!(record.fact, Fact::InboxHit { .. }));
        });
        assert!(hits >= 1, "the inbox met the repetition, seed {seed}");
        let value = |id: &str| {
            let names = run.engine().names();
            let (node, key) = (names.find_node(id).expect("a node"), names.find_key(None, "widget").expect("a key"));
            run.analysis().staleness.at(node, key).and_then(|copy| copy.held()).and_then(|held| held.value.clone())
        };
        assert_eq!(value("ledger"), Some(Value::Int(45)), "seed {seed}");
        assert_eq!(value("search"), Some(Value::Int(45)), "seed {seed}");
        assert_eq!(value("billing"), Some(Value::Int(40)), "seed {seed}");
    }
}

#[test]
fn a_crash_between_commit_and_publish_is_told_as_the_cause_and_an_outbox_mends_it() {
    for seed in SEEDS {
        let lost = |id: &str| {
            let (mut lost, mut rows) = (0, 0);
            finished(&example(id, seed), |record| {
                lost += u32::from(matches!(record.fact, Fact::PublicationLost { .. }));
                rows += u32::from(matches!(record.fact, Fact::OutboxRowPublished { .. }));
            });
            (lost, rows)
        };
        assert_eq!(lost("dual-write-crash"), (1, 0), "seed {seed}");
        assert_eq!(lost("outbox"), (0, 1), "seed {seed}");
    }
}

#[test]
fn a_poison_message_uses_up_its_deliveries_where_they_are_limited() {
    for seed in SEEDS {
        let mut dead = 0;
        let run = finished(&example("poison-message", seed), |record| {
            dead += u32::from(matches!(record.fact, Fact::EventDeadLettered { deliveries: 3, .. }));
        });
        assert_eq!(dead, 1, "seed {seed}");
        let waiting: Vec<usize> = run.analysis().buses.iter().map(|(_, lane)| lane.kept.len()).collect();
        assert_eq!(waiting, [2, 0], "the jammed key holds both events, seed {seed}");
    }
}

#[test]
fn dead_letters_wait_for_their_redrive() {
    for seed in SEEDS {
        let mut seen = Vec::new();
        finished(&example("dead-letter-redrive", seed), |record| match record.fact {
            Fact::EventDeadLettered { .. } => seen.push("dead"),
            Fact::ServiceRestarted { .. } => seen.push("up"),
            Fact::EventRedriven { .. } => seen.push("redriven"),
            Fact::UpdateTakenIn { .. } => seen.push("taken in"),
            _ => {}
        });
        assert_eq!(seen, ["dead", "up", "redriven", "taken in"], "seed {seed}");
    }
}

#[test]
fn a_slow_consumer_piles_up_a_backlog_and_works_it_off() {
    for seed in SEEDS.take(20) {
        let scenario = example("slow-consumer", seed);
        let mut run = Run::new(&scenario);
        let mut deepest = 0;
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, analysis, _| {
            deepest = deepest.max(analysis.buses.iter().map(|(_, lane)| lane.kept.len()).max().unwrap_or_default());
        });
        assert!(deepest > 20, "deepest {deepest}, seed {seed}");
        assert!(run.is_quiet(), "seed {seed}");
    }
}

#[test]
fn jitter_spares_calls_and_time() {
    let (mut calls, mut ends) = ([0u64; 2], [0u64; 2]);
    for seed in SEEDS.take(20) {
        for (i, id) in ["retry-storm", "retry-storm-jitter"].into_iter().enumerate() {
            finished(&example(id, seed), |record| match record.fact {
                Fact::OperationIssued { kind: OperationKind::CompareAndSet, .. } => calls[i] += 1,
                Fact::UpdateCommitted { .. } => ends[i] += record.at / 60,
                _ => {}
            });
        }
    }
    assert!(calls[1] * 3 < calls[0] * 2, "{calls:?}");
    assert!(ends[1] * 3 < ends[0], "{ends:?}");
}

#[test]
fn the_moment_of_the_commit_decides_between_loss_and_repetition() {
    for seed in SEEDS.take(20) {
        let run = finished(&example("kafka-commit", seed), |_| {});
        let value = |id: &str| {
            let names = run.engine().names();
            let (node, key) = (names.find_node(id).expect("a node"), names.find_key(None, "orders").expect("a key"));
            run.analysis().staleness.at(node, key).and_then(|copy| copy.held()).and_then(|held| held.value.clone())
        };
        assert_eq!(value("eager"), Some(Value::Int(2)), "one of three is lost, seed {seed}");
        assert_eq!(value("careful"), Some(Value::Int(5)), "two of three are counted twice, seed {seed}");
    }
}

#[test]
fn events_of_an_outage_are_published_again_and_deduplicated() {
    for seed in SEEDS {
        let mut down = 0;
        let run = finished(&example("bus-outage", seed), |record| {
            down += u32::from(matches!(
                record.fact,
                Fact::MessageDropped { cause: converge::trace::DropCause::ReceiverDown, .. }
            ));
        });
        assert!(down > 3, "publications met the outage: {down}, seed {seed}");
        let published: u64 = run.engine().bus_events().map(|events| events.published).sum();
        assert_eq!(published, 3, "each once, seed {seed}");
    }
}

#[test]
fn an_event_published_before_its_commit_may_tell_of_an_update_that_never_was() {
    let mut scenario = example("dual-write-crash", 7);
    let publication = &mut scenario.services[0].publishes[0];
    publication.mode = converge::scenario::PublishMode::BeforeCommit;
    publication.gap_ms = 50.0;
    let run = finished(&scenario, |record| assert!(!matches!(record.fact, Fact::UpdateCommitted { .. })));
    let names = run.engine().names();
    let at = |id: &str| {
        let (node, key) = (names.find_node(id).expect("a node"), names.find_key(None, "widget").expect("a key"));
        run.analysis().staleness.at(node, key).expect("a copy").clone()
    };
    assert_eq!(at("inventory").held().and_then(|held| held.value.clone()), Some(Value::Int(50)));
    assert_eq!(at("notification").held().and_then(|held| held.value.clone()), Some(Value::Int(48)));
    assert_eq!((at("inventory").state(), at("notification").state()), (State::Consistent, State::Diverged));
}
