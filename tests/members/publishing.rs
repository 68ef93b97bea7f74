//! Members that publish the writes of their group.

use super::*;

#[test]
fn a_member_that_publishes_from_its_log_publishes_each_write_of_the_group_once() {
    for (name, protocol) in protocols() {
        for mode in [change_data_capture(), outbox()] {
            if matches!(mode, PublishMode::Outbox { .. }) && !orders_writes(&protocol) {
                continue;
            }
            let mut scenario = publishing(protocol.clone(), mode.clone());
            let route = if orders_writes(&protocol) { Route::Primary } else { Route::Any };
            scenario.clients = vec![Client { route, ..client(client_steps(800.0, 100.0, writes(8))) }];
            let (run, facts) = run(&scenario);
            let published = facts.iter().filter(|(_, fact)| matches!(fact, Fact::EventPublished { .. })).count();
            assert_eq!(published, 8, "{name} {mode:?}");
            assert_eq!(held(&run, "copy"), Some(7.into()), "{name} {mode:?}");
            assert_eq!(run.convergence(&scenario), Convergence::Converged, "{name} {mode:?}");
        }
    }
}

#[test]
fn after_the_commit_the_member_that_coordinated_a_write_publishes_it() {
    for (name, protocol) in protocols() {
        let mut scenario = publishing(protocol, PublishMode::AfterCommit);
        for i in 1..3 {
            scenario.services[i].publishes = scenario.services[0].publishes.clone();
        }
        scenario.clients = vec![client(client_steps(800.0, 100.0, writes(6)))];
        let (run, facts) = run(&scenario);
        let published = facts.iter().filter(|(_, fact)| matches!(fact, Fact::EventPublished { .. })).count();
        assert_eq!(published, 6, "{name}: each write has one coordinator");
        assert_eq!((held(&run, "copy"), state(&run, "copy")), (Some(5.into()), CopyState::Consistent), "{name}");
    }
}

#[test]
fn a_member_that_crashes_between_commit_and_publication_loses_the_event_and_is_reported() {
    let mut scenario = publishing(protocol("primary"), PublishMode::AfterCommit);
    scenario.services[0].publishes[0].gap_ms = 50.0;
    scenario.script = vec![
        operate(500.0, "r1", write(1)),
        operate(1000.0, "r1", write(2)),
        crash(1030.0, "r1"),
        restart(1100.0, "r1"),
    ];
    let (run, _) = run(&scenario);
    assert_eq!((held(&run, "copy"), state(&run, "copy")), (Some(1.into()), CopyState::Stale));
    let Convergence::WillNotConverge(whys) = run.convergence(&scenario) else {
        panic!("{:?}", run.convergence(&scenario))
    };
    assert_eq!(whys[0].prospect, Prospect::NeverPublished(node(&run, "r1")));
    assert!(!whys[0].steps.is_empty());
}

#[test]
fn a_write_that_a_failover_rolled_back_stays_in_the_copy_that_received_its_event() {
    // The primary publishes from its log before any follower stores the write.
    let mut scenario =
        publishing(protocol("primary"), PublishMode::ChangeDataCapture { poll_ms: 1.0, batch: 8, flush_ms: 60_000.0 });
    if let Protocol::Primary(primary) = &mut scenario.groups[0].protocol {
        primary.acknowledgements = 1;
    }
    scenario.script = vec![
        operate(500.0, "r1", write(1)),
        partition(990.0, &[&["r1", "bus", "copy"], &["r2", "r3"]]),
        operate(1000.0, "r1", write(2)),
        step(2000.0, Command::HealAll),
    ];
    let (run, _) = run(&scenario);
    assert_eq!(MEMBERS.map(|id| held(&run, id)), [(); 3].map(|()| Some(1.into())));
    assert_eq!((held(&run, "copy"), state(&run, "copy")), (Some(2.into()), CopyState::Diverged));
}

#[test]
fn a_stale_copy_that_waits_for_a_lagging_publisher_is_reported_with_it() {
    let mut scenario = publishing(Protocol::Quorum(Quorum { write: 2, ..Quorum::default() }), change_data_capture());
    scenario.links.push(link("r2", "r1", constant(500.0)));
    scenario.script = vec![operate(100.0, "r2", write(1))];
    scenario.until_ms = 300.0;
    let (run, _) = run(&scenario);
    assert_eq!(state(&run, "copy"), CopyState::Stale);
    let Convergence::Converging(whys) = run.convergence(&scenario) else { panic!("{:?}", run.convergence(&scenario)) };
    let copy = node(&run, "copy");
    let why = whys.iter().find(|why| why.node == copy).expect("the copy is reported");
    assert_eq!(why.prospect, Prospect::Unpublished(node(&run, "r1")));
}

#[test]
fn one_group_subscribes_to_another_without_a_service_between_them() {
    let mut scenario = publishing(protocol("raft"), change_data_capture());
    scenario.services[3].subscribes.clear();
    for id in ["q1", "q2", "q3"] {
        scenario.services.push(service(id));
    }
    scenario.services[5].subscribes.push(subscription());
    let members = ["q1", "q2", "q3"].map(String::from).to_vec();
    scenario.groups.push(Group { id: "views".into(), members, protocol: protocol("quorum"), ..Group::default() });
    let script = client_steps(1000.0, 50.0, vec![add(1); 10]);
    scenario.clients = vec![Client { route: Route::Primary, ..client(script) }];
    let (run, _) = run(&scenario);
    for id in ["r1", "r2", "r3", "q1", "q2", "q3"] {
        assert_eq!((held(&run, id), state(&run, id)), (Some(10.into()), CopyState::Consistent), "{id}");
    }
    assert!(matches!(run.convergence(&scenario), Convergence::Converged), "{:?}", run.convergence(&scenario));
}
