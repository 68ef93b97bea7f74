//! Members whose work takes no time, and members that restart while messages to their former life are in flight.

use super::*;
use crate::common::scenarios::repaired_quorum;
use converge::scenario::{Raft, TwoPhase};

/// Returns the number of successful operations.
fn successes(scenario: &Scenario) -> usize {
    let mut successes = 0;
    observe(scenario, |_, fact| {
        successes += usize::from(matches!(fact, Fact::OperationEnded { outcome: Outcome::Ok, .. }));
    });
    successes
}

fn protocols() -> Vec<Protocol> {
    vec![
        Protocol::Quorum(repaired_quorum()),
        Protocol::Primary(Primary { acknowledgements: 1, failover_ms: Some(200.0), ..Primary::default() }),
        Protocol::Raft(Raft::default()),
        Protocol::Chain,
        Protocol::TwoPhase(TwoPhase::default()),
        Protocol::Gossip(Gossip::default()),
    ]
}

/// Half of the work takes a service time that rounds to 0 µs.
#[test]
fn waiting_work_begins_after_work_that_takes_no_time() {
    for protocol in protocols() {
        let name = format!("{protocol:?}");
        let mut scenario = group(3, protocol);
        scenario.until_ms = 20_000.0;
        for service in &mut scenario.services {
            (service.service_time, service.concurrency) = (exponential(0.0005), 1);
        }
        // A leader is elected by then. All reads arrive at once.
        let script = (0..50).map(|_| (5_000.0, read("x"))).collect();
        scenario.clients = vec![scripted("client", Route::Primary, script)];
        assert_eq!(successes(&scenario), 50, "{name}");
    }
}

#[test]
fn a_member_that_restarts_at_once_handles_messages_to_its_former_life() {
    for protocol in protocols() {
        for member in replicas(3) {
            for lose_disk in [false, true] {
                let mut scenario = group(3, protocol.clone());
                scenario.default_latency = constant(10.0);
                scenario.until_ms = 8_000.0;
                let script = (0..400).map(|n| (3_000.0 + f64::from(n), write("x", i64::from(n)))).collect();
                scenario.clients = vec![scripted("client", Route::Primary, script)];
                let crash = Command::Crash { service: member.clone(), lose_disk };
                let restart = Command::Restart { service: member.clone() };
                let steps = [(3_200.0, crash), (3_201.0, restart)];
                scenario.script = steps.map(|(at_ms, command)| step(at_ms, command)).into();
                observe(&scenario, |_, _| {});
            }
        }
    }
}
