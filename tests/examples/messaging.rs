//! Examples of events, buses and their consumers.

use super::*;

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
