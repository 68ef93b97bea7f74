//! Each example behaves as its description states, with every seed.

use converge::analysis::{CopyState, InvariantStatus};
use converge::scenario::examples::{self, EXAMPLES};
use converge::scenario::{Command, Operation, Scenario, Value, micros};
use converge::session::{Run, reasons};
use converge::trace::{Fact, NodeId, OperationKind, Outcome, Record, Refusal};

const SEEDS: std::ops::Range<u64> = 0..200;

fn example(id: &str, seed: u64) -> Scenario {
    Scenario { seed, ..examples::find(id).expect("an example").scenario() }
}

/// Runs a scenario to its end and passes each record to `look`.
fn finished(scenario: &Scenario, mut look: impl FnMut(&Record)) -> Run {
    let mut run = Run::new(scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| look(record));
    run
}

/// Returns the outcome and the latency of each write.
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
fn every_example_keeps_its_promises_with_every_seed() {
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
        assert_eq!(states, [CopyState::Consistent, CopyState::Stale, CopyState::Consistent], "seed {seed}");
        let (_, window) = run.analysis().staleness.last_window().expect("a window");
        assert!((100_000..4_000_000).contains(&window), "window {window} µs, seed {seed}");
    }
}

#[test]
fn asynchronous_writes_answer_at_once_and_leave_the_copy_stale() {
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
fn synchronous_writes_leave_no_stale_copy_but_fail_while_a_callee_is_down() {
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
        assert!(
            ended[0].1 > 100_000,
            "a write waits for the whole chain of calls, took {} µs, seed {seed}",
            ended[0].1
        );
    }
}

#[test]
fn before_fails_where_after_is_stale_with_the_same_random_numbers() {
    for seed in SEEDS {
        let document = example("before-and-after", seed);
        let [after, before] = ["After", "Before"].map(|name| document.of_branch(Some(name)).expect("a branch"));
        assert_eq!(document.of_branch(None).expect("a branch is open at the start"), after);
        let mut was_stale = [false; 2];
        let mut times = Vec::new();
        for (branch, stale) in [&after, &before].into_iter().zip(&mut was_stale) {
            let mut run = Run::new(branch);
            run.advance(micros(branch.until_ms), u64::MAX, &mut |_, analysis, _| {
                *stale |= analysis.staleness.stale() > 0;
            });
            assert_eq!(run.missed(&branch.promises), Vec::<String>::new(), "seed {seed}");
            times.push(writes(branch));
        }
        assert_eq!(was_stale, [true, false], "seed {seed}");
        assert!(times[0].iter().all(|(outcome, _)| *outcome == Outcome::Ok), "seed {seed}: {times:?}");
        assert_eq!(times[1].iter().filter(|(outcome, _)| *outcome != Outcome::Ok).count(), 1, "seed {seed}: {times:?}");
        // The client's messages of the first write take equally long in both branches; the call is additional.
        assert!(times[1][0].1 > times[0][0].1 + 200_000, "seed {seed}: {times:?}");
    }
}

#[test]
fn order_status_follows_inventory_even_if_orders_crashes() {
    for seed in SEEDS {
        let scenario = example("inventory-orders", seed);
        let mut statuses = Vec::new();
        let orders = NodeId(1);
        let run = finished(&scenario, |record| {
            if let Fact::UpdateApplied { node, value, changed: true, .. } = &record.fact {
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
        assert!(tally.unknown > 0, "reads while Orders is down have no answer: {tally:?}, seed {seed}");
    }
}

#[test]
fn a_lost_event_leaves_the_copy_stale() {
    for seed in SEEDS {
        let scenario = example("lost-event", seed);
        let mut run = finished(&scenario, |_| {});
        assert_eq!(run.engine().messages().dropped_link_cut, 1, "seed {seed}");
        // Nothing is in flight or pending that could repair the copy later.
        run.advance(micros(1e9), u64::MAX, &mut |_, _, _| {});
        assert_eq!(run.engine().next_at(), None);
        assert_eq!(run.analysis().staleness.stale(), 1, "seed {seed}");
    }
}

#[test]
fn a_redelivered_event_is_late_but_not_lost() {
    for seed in SEEDS {
        let run = finished(&example("lost-event-retried", seed), |_| {});
        assert!(run.engine().messages().dropped_link_cut >= 1, "seed {seed}");
        let (_, window) = run.analysis().staleness.last_window().expect("a window");
        assert!(window > 2_000_000, "the cut delays the event: {window} µs, seed {seed}");
    }
}

#[test]
fn a_duplicate_event_doubles_only_a_naive_increment() {
    for seed in SEEDS {
        let mut hits = 0;
        let run = finished(&example("duplicate-delivery", seed), |record| {
            hits += u32::from(matches!(record.fact, Fact::InboxHit { .. }));
        });
        assert!(hits >= 1, "the inbox has a hit, seed {seed}");
        let value = |id: &str| {
            let names = run.engine().names();
            let (node, key) = (names.find_node(id).expect("a node"), names.find_key(None, "widget").expect("a key"));
            run.analysis().staleness.copy(node, key).and_then(|copy| copy.held()).and_then(|held| held.value.clone())
        };
        assert_eq!(value("ledger"), Some(Value::Int(45)), "seed {seed}");
        assert_eq!(value("search"), Some(Value::Int(45)), "seed {seed}");
        assert_eq!(value("billing"), Some(Value::Int(40)), "seed {seed}");
    }
}

#[test]
fn a_crash_between_commit_and_publication_loses_the_event_without_an_outbox() {
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
fn a_poison_message_is_dead_lettered_after_its_last_delivery() {
    for seed in SEEDS {
        let mut dead = 0;
        let run = finished(&example("poison-message", seed), |record| {
            dead += u32::from(matches!(record.fact, Fact::EventDeadLettered { deliveries: 3, .. }));
        });
        assert_eq!(dead, 1, "seed {seed}");
        let waiting: Vec<usize> = run.analysis().buses.iter().map(|(_, queue)| queue.events.len()).collect();
        assert_eq!(waiting, [2, 0], "the blocked key has both events, seed {seed}");
    }
}

#[test]
fn dead_letters_wait_until_they_are_redriven() {
    for seed in SEEDS {
        let mut seen = Vec::new();
        finished(&example("dead-letter-redrive", seed), |record| match record.fact {
            Fact::EventDeadLettered { .. } => seen.push("dead"),
            Fact::LinkHealed { .. } => seen.push("healed"),
            Fact::EventRedriven { .. } => seen.push("redriven"),
            Fact::UpdateApplied { .. } => seen.push("applied"),
            _ => {}
        });
        assert_eq!(seen, ["dead", "healed", "redriven", "applied"], "seed {seed}");
    }
}

#[test]
fn a_slow_consumer_builds_up_a_backlog_and_works_it_off() {
    for seed in SEEDS.take(20) {
        let scenario = example("slow-consumer", seed);
        let mut run = Run::new(&scenario);
        let mut deepest = 0;
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, analysis, _| {
            deepest = deepest.max(analysis.buses.iter().map(|(_, queue)| queue.events.len()).max().unwrap_or_default());
        });
        assert!(deepest > 20, "deepest {deepest}, seed {seed}");
        assert!(run.is_quiet(), "seed {seed}");
    }
}

#[test]
fn jitter_reduces_calls_and_time() {
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
fn committing_before_processing_loses_an_event_and_after_it_repeats_events() {
    for seed in SEEDS.take(20) {
        let run = finished(&example("kafka-commit", seed), |_| {});
        let value = |id: &str| {
            let names = run.engine().names();
            let (node, key) = (names.find_node(id).expect("a node"), names.find_key(None, "orders").expect("a key"));
            run.analysis().staleness.copy(node, key).and_then(|copy| copy.held()).and_then(|held| held.value.clone())
        };
        assert_eq!(value("eager"), Some(Value::Int(2)), "one of three is lost, seed {seed}");
        assert_eq!(value("careful"), Some(Value::Int(5)), "two of three are counted twice, seed {seed}");
    }
}

#[test]
fn events_of_an_outage_are_published_again_but_stored_once() {
    for seed in SEEDS {
        let mut down = 0;
        let run = finished(&example("bus-outage", seed), |record| {
            down += u32::from(matches!(
                record.fact,
                Fact::MessageDropped { cause: converge::trace::DropCause::ReceiverDown, .. }
            ));
        });
        assert!(down > 3, "publications lost in the outage: {down}, seed {seed}");
        let published: u64 = run.engine().bus_events().map(|events| events.published).sum();
        assert_eq!(published, 3, "each once, seed {seed}");
    }
}

#[test]
fn an_event_published_before_the_commit_can_be_of_an_update_that_is_never_committed() {
    let mut scenario = example("dual-write-crash", 7);
    let publication = &mut scenario.services[0].publishes[0];
    publication.mode = converge::scenario::PublishMode::BeforeCommit;
    publication.gap_ms = 50.0;
    let run = finished(&scenario, |record| assert!(!matches!(record.fact, Fact::UpdateCommitted { .. })));
    let names = run.engine().names();
    let at = |id: &str| {
        let (node, key) = (names.find_node(id).expect("a node"), names.find_key(None, "widget").expect("a key"));
        run.analysis().staleness.copy(node, key).expect("a copy").clone()
    };
    assert_eq!(at("inventory").held().and_then(|held| held.value.clone()), Some(Value::Int(50)));
    assert_eq!(at("notification").held().and_then(|held| held.value.clone()), Some(Value::Int(48)));
    assert_eq!((at("inventory").state(), at("notification").state()), (CopyState::Consistent, CopyState::Diverged));
}

/// Returns the results of all reads, in the order of their ends.
fn reads(scenario: &Scenario) -> Vec<Option<Value>> {
    let mut seen = Vec::new();
    finished(scenario, |record| {
        if let Fact::ReadServed { value, .. } = &record.fact {
            seen.push(value.clone());
        }
    });
    seen
}

/// Returns the value of a group's key at each member.
fn held(run: &Run, group: &str, key: &str, members: &[&str]) -> Vec<Option<Value>> {
    let names = run.engine().names();
    let key = names.find_key(names.find_node(group), key).expect("a key");
    let at = |id: &&str| run.analysis().staleness.copy(names.find_node(id).expect("a node"), key).expect("a copy");
    let held = |id: &&str| at(id).held_at(names.find_node(id).expect("a node")).and_then(|held| held.value.clone());
    members.iter().map(held).collect()
}

fn set(elements: &[&str]) -> Option<Value> {
    Some(elements.iter().map(|element| Value::from(*element)).collect())
}

#[test]
fn a_cart_loses_a_book_with_last_writer_wins_but_not_with_siblings_or_a_set() {
    for seed in SEEDS {
        let run = |id: &str| finished(&example(id, seed), |_| {});
        let members = ["a", "b", "c"];
        let lww = run("cart-last-writer-wins");
        assert_eq!(held(&lww, "cart", "cart", &members), vec![set(&["lamp", "pen"]); 3], "seed {seed}");
        let mut most = 0;
        let siblings = finished(&example("cart-siblings", seed), |record| {
            if let Fact::StateMerged { values, .. } = &record.fact {
                most = most.max(values.len());
            }
        });
        assert_eq!(most, 2, "both carts are kept as siblings, seed {seed}");
        assert_eq!(held(&siblings, "cart", "cart", &members), vec![set(&["book", "lamp", "pen"]); 3], "seed {seed}");
        let or_set = run("cart-or-set");
        assert_eq!(held(&or_set, "cart", "cart", &members), vec![set(&["book", "lamp"]); 3], "seed {seed}");
    }
}

#[test]
fn an_isolated_region_continues_alone_and_catches_up() {
    for seed in SEEDS {
        let scenario = example("viewing-history", seed);
        let (mut acknowledged, mut hints) = (0, 0);
        finished(&scenario, |record| match &record.fact {
            Fact::UpdateAcknowledged { .. } if (3_000_000..6_000_000).contains(&record.at) => acknowledged += 1,
            Fact::HintRemoved { delivered: true, .. } => hints += 1,
            _ => {}
        });
        assert!(acknowledged >= 6, "writes in all regions during the cut: {acknowledged}, seed {seed}");
        assert!(hints >= 2, "delivered hints: {hints}, seed {seed}");
    }
}

#[test]
fn feeds_follow_the_log_of_posts_even_if_one_crashes() {
    for seed in SEEDS {
        let (mut gone, mut missed) = (false, 0);
        let run = finished(&example("feed-fan-out", seed), |record| match record.fact {
            Fact::ConsumerDetached { .. } => gone = true,
            Fact::ConsumerAttached { .. } => gone = false,
            Fact::EventPublished { .. } => missed += u32::from(gone),
            _ => {}
        });
        assert!(run.analysis().staleness.acknowledged() >= 5, "seed {seed}");
        assert!(missed >= 1, "events are published while Ann's feed is gone, seed {seed}");
    }
}

#[test]
fn a_slow_clock_makes_the_older_write_win() {
    for seed in SEEDS {
        let run = finished(&example("global-table-skew", seed), |_| {});
        let oslo = Some(Value::from("Oslo"));
        assert_eq!(held(&run, "table", "address", &["us", "eu"]), [oslo.clone(), oslo], "seed {seed}");
    }
}

#[test]
fn hints_bring_a_replica_up_to_date_and_do_not_count_for_a_quorum() {
    for seed in SEEDS {
        let mut delivered = 0;
        finished(&example("cassandra-hints", seed), |record| {
            delivered += u32::from(matches!(record.fact, Fact::HintRemoved { delivered: true, .. }));
        });
        assert!(delivered >= 1, "seed {seed}: {delivered}");
        // With W = 3 no write succeeds while a replica is down, even with hints.
        let mut all = example("cassandra-hints", seed);
        if let converge::scenario::Protocol::Quorum(quorum) = &mut all.groups[0].protocol {
            quorum.write = 3;
        }
        let mut acknowledged = Vec::new();
        finished(&all, |record| {
            if let Fact::UpdateAcknowledged { .. } = record.fact {
                acknowledged.push(record.at);
            }
        });
        assert!(!acknowledged.iter().any(|at| (1_100_000..4_000_000).contains(at)), "seed {seed}: {acknowledged:?}");
    }
}

#[test]
fn a_strict_quorum_inverts_two_reads_unless_reads_write_back() {
    for seed in SEEDS {
        let price = |n: i64| Some(Value::Int(n));
        assert_eq!(reads(&example("quorum-inversion", seed)), [price(12), price(10)], "seed {seed}");
        assert_eq!(reads(&example("quorum-write-back", seed)), [price(12), price(12)], "seed {seed}");
    }
}

#[test]
fn a_deleted_key_comes_back_after_a_late_repair() {
    for seed in SEEDS {
        let mut purged = 0;
        let run = finished(&example("zombie-delete", seed), |record| {
            purged += u32::from(matches!(record.fact, Fact::TombstonePurged { .. }));
        });
        assert!(purged >= 2, "seed {seed}");
        assert_eq!(held(&run, "users", "account", &["a", "b", "c"]), vec![Some(Value::from("open")); 3], "seed {seed}");
    }
}

#[test]
fn a_nearby_replica_returns_the_old_photo_unless_the_session_has_a_token() {
    for seed in SEEDS {
        assert_eq!(reads(&example("read-your-writes", seed)), [Some(Value::from("old"))], "seed {seed}");
        let with_token = reads(&example("read-your-writes-token", seed));
        assert_eq!(with_token.last(), Some(&Some(Value::from("new"))), "seed {seed}");
        assert_eq!(with_token.len(), 2, "the read was retried at another member, seed {seed}");
    }
}

#[test]
fn a_failover_discards_writes_of_the_old_primary() {
    for seed in SEEDS {
        let (mut elected, mut rolled_back, mut stepped_down) = (Vec::new(), 0, 0);
        finished(&example("failover-loss", seed), |record| match &record.fact {
            Fact::LeaderElected { node, .. } => elected.push(*node),
            Fact::LeaderSteppedDown { .. } => stepped_down += 1,
            Fact::WriteRolledBack { .. } => rolled_back += 1,
            _ => {}
        });
        // The first primary is not elected.
        assert_eq!((elected.len(), stepped_down, rolled_back), (1, 1, 2), "seed {seed}: {elected:?}");
    }
}

#[test]
fn a_cut_makes_raft_wait_and_a_leaderless_group_stale() {
    for seed in SEEDS {
        let scenario = example("raft-and-quorum", seed);
        let run = finished(&scenario, |_| {});
        let tally = |id: &str| {
            let node = run.engine().names().find_node(id).expect("a client");
            run.analysis().operations.get(node).expect("operations").clone()
        };
        assert!(tally("raft-left").unknown >= 5, "the minority waits, seed {seed}");
        assert_eq!(tally("raft-left").stale_reads + tally("raft-right").stale_reads, 0, "seed {seed}");
        let (left, right) = (tally("quorum-left"), tally("quorum-right"));
        assert_eq!(left.unknown + right.unknown, 0, "both sides answer, seed {seed}");
        assert!(left.stale_reads + right.stale_reads > 0, "with stale reads, seed {seed}");
    }
}

#[test]
fn a_crashed_coordinator_blocks_reads_until_it_restarts() {
    for seed in SEEDS {
        let mut served = Vec::new();
        finished(&example("two-phase-blocked", seed), |record| {
            if let Fact::ReadServed { value, .. } = &record.fact {
                served.push((record.at, value.clone()));
            }
        });
        assert_eq!(served.len(), 2, "seed {seed}");
        assert!(served.iter().all(|(at, value)| *at > 4_000_000 && *value == Some(Value::from("empty"))), "{served:?}");
    }
}

#[test]
fn services_that_commit_together_wait_for_their_coordinator_and_agree() {
    for seed in SEEDS {
        let (mut served, mut ended) = (Vec::new(), Vec::new());
        let run = finished(&example("two-phase-services", seed), |record| match &record.fact {
            Fact::ReadServed { value, .. } => served.push((record.at, value.clone())),
            Fact::OperationEnded { outcome, .. } => ended.push(*outcome),
            _ => {}
        });
        let read = |i: usize| served[i].1.clone();
        assert_eq!((served.len(), read(0), read(1)), (2, Some(9.into()), Some(9.into())), "seed {seed}");
        assert!(served[0].0 < 2_000_000 && served[1].0 > 5_000_000, "seed {seed}: {served:?}");
        assert!(ended.contains(&Outcome::Unknown), "seed {seed}: the outcome of the pending order is unknown");
        let names = run.engine().names();
        let held = |id: &str, key: &str| {
            let (node, key) = (names.find_node(id).expect("a node"), names.find_key(None, key).expect("a key"));
            run.analysis().staleness.copy(node, key).and_then(|copy| copy.held()).and_then(|held| held.value.clone())
        };
        let all = [held("order", "sold"), held("stock", "left"), held("payment", "paid")];
        assert_eq!(all, [Some(2.into()), Some(8.into()), Some(2.into())], "seed {seed}");
        assert!(
            run.invariants().iter().all(|status| *status == InvariantStatus::Holds),
            "seed {seed}: {:?}",
            run.invariants()
        );
    }
}

#[test]
fn the_log_of_a_group_feeds_another_group_while_members_crash() {
    for seed in SEEDS {
        let (mut published, mut leaders, mut alone) = (0, 0, 0);
        let mut written = std::collections::BTreeSet::new();
        let run = finished(&example("raft-to-views", seed), |record| match &record.fact {
            Fact::EventPublished { .. } => published += 1,
            Fact::LeaderElected { .. } => leaders += 1,
            Fact::EventWriteEnded { node, written: Some(_), .. } => {
                written.insert(*node);
                alone += u32::from((6_100_000..7_500_000).contains(&record.at));
            }
            _ => {}
        });
        assert!(leaders >= 2, "seed {seed}: no new leader");
        assert!(
            published > 10 && alone > 3,
            "seed {seed}: {published} published, {alone} written by a single subscriber"
        );
        assert_eq!(written.len(), 2, "seed {seed}: both subscribers write events");
        assert_eq!(run.analysis().staleness.stale(), 0, "seed {seed}");
    }
}

#[test]
fn a_rumor_reaches_most_nodes_with_few_messages() {
    let (mut left_out, mut sent) = (0, 0);
    for seed in SEEDS {
        let run = finished(&example("gossip-rumor", seed), |record| {
            if let Fact::MessageSent { kind: converge::trace::MessageKind::Replication, .. } = record.fact {
                sent += 1;
            }
        });
        left_out += run.analysis().staleness.stale();
    }
    let runs = SEEDS.count() as u32;
    assert!((20..55).contains(&(left_out / runs)), "{} of 200 on average", left_out / runs);
    assert!((1.4..2.0).contains(&(f64::from(sent) / f64::from(runs) / 200.0)), "{sent} messages in {runs} runs");
}

#[test]
fn the_last_item_is_sold_twice_under_eventual_consistency_and_once_under_raft() {
    for seed in SEEDS {
        let sold = |id: &str| {
            let mut acknowledged = 0;
            finished(&example(id, seed), |record| {
                acknowledged += u32::from(matches!(record.fact, Fact::UpdateAcknowledged { .. }));
            });
            acknowledged
        };
        assert_eq!((sold("oversold"), sold("oversold-strong")), (2, 1), "seed {seed}");
    }
}

/// Convergence verdicts at the end of the examples that do not converge.
const CONVERGENCE: &[(&str, &str)] = &[
    ("first-update", "unknown"),
    ("lost-event", "will not converge"),
    ("duplicate-delivery", "will not converge"),
    ("reordering", "will not converge"),
    ("dual-write-crash", "will not converge"),
    ("poison-message", "will not converge"),
    ("visibility-timeout", "will not converge"),
    ("kafka-commit", "will not converge"),
    ("zombie-delete", "will not converge"),
    ("quorum-inversion", "unknown"),
    ("quorum-write-back", "unknown"),
    ("gossip-rumor", "will not converge"),
];

#[test]
fn each_example_has_the_expected_convergence_verdict_with_reasons() {
    for example in EXAMPLES {
        let scenario = example.scenario();
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
        let look = run.look(&scenario);
        let (verdict, because) = reasons::convergence(&run.convergence(&scenario), &look);
        let expected = CONVERGENCE.iter().find(|(id, _)| *id == example.id).map_or("converged", |(_, verdict)| verdict);
        assert_eq!(verdict, expected, "{}: {because:?}", example.id);
        assert_eq!(because.is_empty(), verdict == "converged", "{}: {because:?}", example.id);
        // Each copy that is not consistent has a reason, with steps in the log.
        for (node, key, _) in run.analysis().staleness.inconsistent_copies() {
            let whys = look.explain(node, key);
            assert!(!whys.is_empty(), "{}: {} has no reason", example.id, look.names.node(node));
            for why in whys {
                assert_eq!(reasons::steps(&why, &look).len(), why.steps.len(), "{}", example.id);
                assert!(!why.steps.is_empty() && why.steps.is_sorted(), "{}: {:?}", example.id, why.steps);
            }
        }
    }
}

/// Returns the explanation of an example's stale and diverged copies.
fn explanation(id: &str) -> String {
    let scenario = examples::find(id).expect("an example").scenario();
    let mut run = Run::new(&scenario);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    let look = run.look(&scenario);
    let whys = run
        .analysis()
        .staleness
        .inconsistent_copies()
        .flat_map(|(node, key, _)| look.explain(node, key))
        .collect::<Vec<_>>();
    let story = |why: &converge::analysis::Explanation| {
        let steps: Vec<String> = reasons::steps(why, &look).into_iter().map(|step| step.text).collect();
        format!("{}\n{}\n", reasons::sentence(why, &look), steps.join("\n"))
    };
    whys.iter().map(story).collect()
}

#[test]
fn the_explanation_of_a_stale_copy_names_the_fault() {
    for (id, parts) in [
        ("lost-event", &["was cut", "committed", "attempt 1", "dropped: link cut", "nothing that carries it"][..]),
        ("dual-write-crash", &["committed", "crashed", "crashed before it published", "never published"]),
        ("poison-message", &["poison message", "every delivery to Strict fails"]),
        ("duplicate-delivery", &["added the change of", "has diverged"]),
        ("zombie-delete", &["deleted", "applied account = open"]),
    ] {
        let story = explanation(id);
        for part in parts {
            assert!(story.contains(part), "{id}: `{part}` is not in\n{story}");
        }
    }
}

#[test]
fn a_short_visibility_timeout_counts_an_order_twice() {
    for seed in SEEDS.take(20) {
        let (mut applied, mut expired) = (0, 0);
        finished(&example("visibility-timeout", seed), |record| match record.fact {
            Fact::UpdateApplied { .. } => applied += 1,
            Fact::AcknowledgementExpired { .. } => expired += 1,
            _ => {}
        });
        assert_eq!((applied, expired), (2, 1), "seed {seed}");
    }
}

#[test]
fn a_dead_consumers_message_goes_to_the_other_worker_at_once() {
    for seed in SEEDS.take(20) {
        let mut sent = Vec::new();
        let run = finished(&example("consumer-dies", seed), |record| {
            if let Fact::EventSent { subscription, .. } = record.fact {
                sent.push((record.at / 100_000, subscription.0));
            }
        });
        assert_eq!(sent, [(5, 0), (15, 1)], "seed {seed}");
        assert_eq!(held(&run, "", "paid", &["first", "second"]), [Some(0.into()), Some(1.into())], "seed {seed}");
    }
}

#[test]
fn a_poison_message_blocks_its_group_of_a_fifo_queue_and_no_other() {
    for seed in SEEDS.take(20) {
        let (mut applied, mut dead) = (Vec::new(), Vec::new());
        finished(&example("poison-fifo-group", seed), |record| match record.fact {
            Fact::UpdateApplied { .. } => applied.push(record.at / 1_000_000),
            Fact::EventDeadLettered { .. } => dead.push(record.at / 1_000_000),
            _ => {}
        });
        assert_eq!((applied, dead), (vec![2, 31], vec![31]), "seed {seed}");
    }
}

#[test]
fn change_data_capture_repeats_all_that_follows_a_lost_event() {
    for seed in SEEDS.take(20) {
        let mut accepted = Vec::new();
        let run = finished(&example("cdc-after-loss", seed), |record| {
            if let Fact::EventPublished { update, .. } = record.fact {
                accepted.push(update.0);
            }
        });
        assert_eq!(accepted, [0, 1], "in the order of the commits, seed {seed}");
        assert_eq!(held(&run, "", "status", &["view"]), [Some(Value::from("sent"))], "seed {seed}");
    }
}
