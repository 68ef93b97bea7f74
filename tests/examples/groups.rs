//! Examples of replica groups.

use super::*;

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
        let mut max_siblings = 0;
        let siblings = finished(&example("cart-siblings", seed), |record| {
            if let Fact::StateMerged { values, .. } = &record.fact {
                max_siblings = max_siblings.max(values.len());
            }
        });
        assert_eq!(max_siblings, 2, "both carts are kept as siblings, seed {seed}");
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

#[test]
fn a_transfer_is_paid_twice_under_eventual_consistency_and_once_under_raft() {
    for seed in SEEDS {
        let all = |id: &str, key: &str| held(&finished(&example(id, seed), |_| {}), "bank", key, &["a", "b", "c"]);
        let three = |value: Value| vec![Some(value); 3];
        assert_eq!(all("bank-transfer", "ann"), three(Value::Int(-100)), "seed {seed}");
        assert_eq!(all("bank-transfer", "ben"), three(Value::Int(200)), "seed {seed}");
        let once = Value::Text("Ann 0, Ben 100".into());
        assert_eq!(all("bank-transfer-strong", "accounts"), three(once), "seed {seed}");
    }
}
