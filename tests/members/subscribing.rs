//! Members that write the events of a bus to their group.

use super::*;

#[test]
fn an_event_that_one_member_receives_reaches_every_member_under_every_protocol() {
    for (name, protocol) in protocols() {
        let mut scenario = subscribed(protocol, subscription());
        scenario.script = (0..5).map(|i| operate(600.0 + 100.0 * f64::from(i), "writer", write(i.into()))).collect();
        let (run, facts) = run(&scenario);
        for id in ["writer", "r1", "r2", "r3"] {
            assert_eq!(held(&run, id), Some(4.into()), "{name}: {id}");
        }
        assert_eq!(run.analysis().staleness.stale() + run.analysis().staleness.diverged(), 0, "{name}");
        // Gossip and Raft always have messages in flight; none of them carries an update that a copy lacks.
        assert!(
            matches!(run.convergence(&scenario), Convergence::Converged),
            "{name}: {:?}",
            run.convergence(&scenario)
        );
        assert_eq!(handled(&facts), 5, "{name}: one delivery of each event");
        let position = |is: fn(&Fact) -> bool| facts.iter().position(|(_, fact)| is(fact)).expect("it happened");
        let written = position(|fact| matches!(fact, Fact::EventWriteEnded { .. }));
        let acknowledged = position(|fact| matches!(fact, Fact::EventAcknowledged { .. }));
        assert!(written < acknowledged, "{name}: the event is acknowledged after the group's reply");
    }
}

#[test]
fn an_event_is_redelivered_until_the_group_can_write_it() {
    let mut scenario = subscribed(protocol("raft"), subscription());
    scenario.script = vec![
        partition(500.0, &[&["r2"], &["r1", "r3"]]),
        operate(1000.0, "writer", write(1)),
        step(2500.0, Command::HealAll),
    ];
    let (healed, facts) = run(&scenario);
    let acknowledged = facts.iter().find(|(_, fact)| matches!(fact, Fact::EventAcknowledged { .. }));
    assert!(acknowledged.is_some_and(|(at, _)| *at > 2_500_000), "{acknowledged:?}");
    assert!(handled(&facts) > 1, "the event is redelivered");
    assert_eq!(MEMBERS.map(|id| held(&healed, id)), [(); 3].map(|()| Some(1.into())));
    // During the partition, every member is reported as converging.
    scenario.until_ms = 2000.0;
    let (partitioned, _) = run(&scenario);
    let Convergence::Converging(whys) = partitioned.convergence(&scenario) else {
        panic!("{:?}", partitioned.convergence(&scenario))
    };
    for id in MEMBERS {
        assert!(whys.iter().any(|why| why.node == node(&partitioned, id)), "{id} is not reported: {whys:?}");
    }
}

#[test]
fn a_dead_letter_of_one_member_is_reported_as_the_cause_at_all_members() {
    let mut subscription = subscription();
    subscription.max_deliveries = Some(2);
    let mut scenario = subscribed(protocol("quorum"), subscription);
    scenario.script = vec![Step {
        at_ms: 100.0,
        command: Command::Operate { service: "writer".into(), operation: write(7), poison: true },
    }];
    let (run, _) = run(&scenario);
    let Convergence::WillNotConverge(whys) = run.convergence(&scenario) else {
        panic!("{:?}", run.convergence(&scenario))
    };
    for id in MEMBERS {
        let why = whys.iter().find(|why| why.node == node(&run, id)).expect("a stale member is reported");
        assert!(matches!(why.prospect, Prospect::DeadLettered(_)), "{id}: {why:?}");
        assert!(!why.steps.is_empty(), "{id}: the steps that led to it");
    }
}

#[test]
fn reordered_events_leave_the_newer_value_under_set_if_newer_and_the_older_under_overwrite() {
    // The first event is lost once, and redelivered after the second.
    for (name, protocol) in protocols() {
        for effect in [Effect::SetIfNewer, Effect::LastWriterWins, Effect::Overwrite] {
            let mut subscription = subscription();
            subscription.effect = effect;
            subscription.backoff = Backoff::Fixed { ms: 300.0 };
            let mut scenario = subscribed(protocol.clone(), subscription);
            let bus_to_member = |loss| Command::DisturbLink {
                from: "bus".into(),
                to: "r2".into(),
                one_way: true,
                loss,
                duplicate: 0.0,
                delay: None,
                reorder: 0.0,
            };
            scenario.script = vec![
                Step { at_ms: 990.0, command: bus_to_member(1.0) },
                operate(1000.0, "writer", write(1)),
                step(1020.0, Command::HealAll),
                operate(1050.0, "writer", write(2)),
            ];
            let (run, _) = run(&scenario);
            let (expected, expected_state) = match effect {
                Effect::Overwrite => (1, CopyState::Diverged),
                Effect::SetIfNewer | Effect::LastWriterWins | Effect::Increment => (2, CopyState::Consistent),
            };
            for id in MEMBERS {
                assert_eq!(held(&run, id), Some(expected.into()), "{name} {effect:?}: {id}");
                assert_eq!(state(&run, id), expected_state, "{name} {effect:?}: {id}");
            }
        }
    }
}

#[test]
fn an_increment_that_is_delivered_twice_counts_twice_unless_the_group_keeps_an_inbox() {
    for (name, protocol) in protocols().into_iter().filter(|(_, protocol)| orders_writes(protocol)) {
        for inbox in [None, Some(Inbox::default())] {
            let mut subscription = subscription();
            subscription.effect = Effect::Increment;
            subscription.inbox = inbox.clone();
            let mut scenario = subscribed(protocol.clone(), subscription);
            // Two members share the deliveries, and the inbox belongs to the group.
            let second = scenario.services[2].subscribes[0].clone();
            scenario.services[2].subscribes[0].group = Some("workers".into());
            scenario.services[3].subscribes.push(Subscription { group: Some("workers".into()), ..second });
            // The acknowledgement of r2 is lost once.
            scenario.script = vec![
                cut(990.0, "r2", "bus", true),
                operate(1000.0, "writer", add(5)),
                heal(1100.0, "r2", "bus", true),
                operate(2000.0, "writer", add(1)),
            ];
            let (run, facts) = run(&scenario);
            assert!(handled(&facts) > 2, "{name}: an event is redelivered");
            let (expected, expected_state) =
                if inbox.is_some() { (6, CopyState::Consistent) } else { (11, CopyState::Diverged) };
            for id in MEMBERS {
                assert_eq!(held(&run, id), Some(expected.into()), "{name} {inbox:?}: {id}");
                assert_eq!(state(&run, id), expected_state, "{name} {inbox:?}: {id}");
            }
            let hits = facts.iter().filter(|(_, fact)| matches!(fact, Fact::InboxHit { .. })).count();
            assert_eq!(hits > 0, inbox.is_some(), "{name}");
        }
    }
}

#[test]
fn an_event_waits_for_the_lock_of_a_coordinator_that_is_down() {
    let mut scenario = subscribed(protocol("two-phase"), subscription());
    scenario.script = vec![
        operate(500.0, "r1", write(1)),
        // The votes are in flight.
        crash(503.0, "r1"),
        operate(600.0, "writer", write(2)),
        restart(2000.0, "r1"),
    ];
    let (run, facts) = run(&scenario);
    let first =
        facts.iter().find(|(_, fact)| matches!(fact, Fact::EventAcknowledged { .. })).expect("an acknowledgement");
    assert!(first.0 > 2_000_000, "{first:?}");
    let locks = facts.iter().filter(|(at, fact)| *at < 600_000 && matches!(fact, Fact::WritePromised { .. })).count();
    assert_eq!(locks, 3);
    assert_eq!(MEMBERS.map(|id| held(&run, id)), [(); 3].map(|()| Some(2.into())));
}
