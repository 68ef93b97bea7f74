//! Replica groups under random faults: Raft's five safety properties at every step, equal states at all members once
//! faults are healed, and the consistency of the histories that clients observe.

use crate::common::faults::{MemberFaults, member_faults};
use crate::common::random::{self, random_tests};
use crate::common::runs::{MAX_EVENTS, history, run_with_facts};
use crate::common::scenarios::{
    client_steps, constant, crash, exponential, link, operate, read, repaired_quorum, replica, replicas, restart,
    service, step, workload, write,
};
use converge::analysis::KeyCopy;
use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::engine::{Engine, RaftView};
use converge::scenario::{
    Arrivals, Client, Command, Data, Gossip, GossipStyle, Group, Keys, Latency, Merge, Operation, Primary, Protocol,
    Quorum, Raft, RaftReads, Route, Scenario, SessionGuarantee, Step, TwoPhase, VersionClock, micros,
};
use converge::session::Run;
use converge::trace::{Fact, Level, NodeId, UpdateId};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// All faults begin before this instant, ms.
const FAULTS_UNTIL: f64 = 2500.0;
/// All faults are healed at this instant, ms.
const HEALED_AT: f64 = 2600.0;

fn group(members: usize, protocol: Protocol) -> Scenario {
    Scenario {
        default_latency: Latency::Lognormal { median_ms: 4.0, sigma: 0.8 },
        services: replicas(members).iter().map(|id| service(id, 0.2)).collect(),
        groups: vec![Group { id: "group".into(), members: replicas(members), protocol, ..Group::default() }],
        until_ms: 4000.0,
        ..Scenario::default()
    }
}

fn client(id: &str, route: Route) -> Client {
    Client { id: id.into(), target: "group".into(), route, timeout_ms: 300.0, ..Client::default() }
}

fn random_client(id: &str, route: Route, per_second: f64) -> Client {
    let workload = workload(
        Arrivals::Poisson { per_second },
        Keys::Uniform { prefix: "k".into(), count: 3 },
        0.4,
        Some(FAULTS_UNTIL),
    );
    Client { timeout_ms: 400.0, generate: Some(workload), ..client(id, route) }
}

/// Generates faults that reach every member of a group of this size.
fn faults(members: usize) -> impl Strategy<Value = Vec<Step>> {
    member_faults(replicas(members), MemberFaults { lose_disks: false, until_ms: FAULTS_UNTIL, limit: 14 })
}

/// Adds faults to a scenario, all of which are healed in the end.
fn with_faults(mut scenario: Scenario, faults: Vec<Step>, seed: u64) -> Scenario {
    scenario.seed = seed;
    scenario.script = faults;
    scenario.script.push(step(HEALED_AT, Command::HealAll));
    assert_eq!(scenario.validate(), Ok(()));
    scenario
}

/// Checks the five safety properties of Raft (Ongaro and Ousterhout 2014, figure 3) against the whole run so far.
#[derive(Default)]
struct RaftSafety {
    /// The leader of each term.
    leaders: BTreeMap<u32, NodeId>,
    /// The term and update of the entry at each index that the first member applied.
    applied: BTreeMap<u32, (u32, Option<UpdateId>)>,
    /// The term of the first member that applied the entry at each index. It was committed in that term, or before.
    committed_by: BTreeMap<u32, u32>,
    /// The term of each leader, and the last index of its log.
    last_index: BTreeMap<NodeId, (u32, u32)>,
}

impl RaftSafety {
    fn check(&mut self, members: &[(NodeId, RaftView)]) -> Result<(), String> {
        for (node, view) in members {
            if view.is_leader {
                self.check_leader(*node, view)?;
            }
            for index in self.applied.len() as u32 + 1..=view.last_applied {
                let entry = view.entry(index).ok_or(format!("{node:?} applied entry {index}, which it lacks"))?;
                self.applied.insert(index, entry);
                self.committed_by.insert(index, view.term);
            }
            for index in 1..=view.last_applied {
                if self.applied.get(&index) != view.entry(index).as_ref() {
                    return Err(format!("state machine safety: {node:?} applied another entry {index}"));
                }
            }
        }
        for (i, first) in members.iter().enumerate() {
            for second in &members[i + 1..] {
                RaftSafety::check_log_matching(first, second)?;
            }
        }
        Ok(())
    }

    fn check_leader(&mut self, node: NodeId, view: &RaftView) -> Result<(), String> {
        let leader = self.leaders.entry(view.term).or_insert(node);
        if *leader != node {
            return Err(format!("election safety: {leader:?} and {node:?} lead in term {}", view.term));
        }
        let previous = self.last_index.insert(node, (view.term, view.last_index()));
        if previous.is_some_and(|(term, last)| term == view.term && last > view.last_index()) {
            return Err(format!("leader append-only: {node:?} removed entries from its log"));
        }
        for (index, entry) in &self.applied {
            // An old leader may lack entries that later terms committed.
            let is_committed_before = self.committed_by[index] < view.term;
            if is_committed_before && view.entry(*index) != Some(*entry) {
                return Err(format!("leader completeness: {node:?} lacks entry {index} {entry:?}"));
            }
        }
        Ok(())
    }

    fn check_log_matching(first: &(NodeId, RaftView), second: &(NodeId, RaftView)) -> Result<(), String> {
        let ((a, first), (b, second)) = (first, second);
        let mut must_match = false;
        for index in (1..=first.last_index().min(second.last_index())).rev() {
            let (x, y) = (first.entry(index), second.entry(index));
            must_match |= x.map(|(term, _)| term) == y.map(|(term, _)| term);
            if must_match && x != y {
                return Err(format!("log matching: {a:?} and {b:?} differ at {index}"));
            }
        }
        Ok(())
    }
}

fn changes_raft_state(fact: &Fact) -> bool {
    matches!(fact, Fact::LogChanged { .. } | Fact::LeaderElected { .. } | Fact::LeaderSteppedDown { .. })
}

/// Runs a scenario and checks Raft's safety at every change. Returns the number of committed entries.
///
/// # Errors
/// Returns the property that is violated.
fn check_raft_safety(scenario: &Scenario) -> Result<u32, String> {
    let mut engine = Engine::new(scenario, Level::Full);
    let (mut safety, mut observed) = (RaftSafety::default(), 0);
    while engine.next_at().is_some_and(|at| at <= micros(scenario.until_ms)) {
        engine.step();
        let has_changed = engine.trace().since(observed).any(|record| changes_raft_state(&record.fact));
        observed = engine.trace().total();
        if has_changed {
            safety.check(&engine.rafts().collect::<Vec<_>>())?;
        }
    }
    Ok(safety.applied.len() as u32)
}

/// Generates the size of a group, and faults that reach all its members.
fn sized_faults() -> impl Strategy<Value = (usize, Vec<Step>)> {
    prop_oneof![Just(3usize), Just(5)].prop_flat_map(|members| (Just(members), faults(members)))
}

random_tests! { raft_safety, 4000;
    #[test]
    fn raft_keeps_its_five_safety_properties_at_every_step(
        (members, faults) in sized_faults(), seed in 0u64..1_000_000, has_local_reads in any::<bool>()
    ) {
        let reads = if has_local_reads { RaftReads::Local } else { RaftReads::ReadIndex };
        let mut scenario = group(members, Protocol::Raft(Raft { reads, ..Raft::default() }));
        scenario.clients = vec![random_client("a", Route::Primary, 30.0), random_client("b", Route::Any, 10.0)];
        let committed = check_raft_safety(&with_faults(scenario, faults, seed));
        prop_assert!(committed.is_ok(), "seed {seed}: {}", committed.unwrap_err());
        // More than a second after the faults are healed, a leader has committed something.
        prop_assert!(committed.unwrap() > 0, "seed {seed}: nothing was committed");
    }
}

/// Raft does not survive lost disks. A violation shows that the check of the properties works.
#[test]
fn members_that_forget_their_votes_violate_raft_safety() {
    let mut violations = 0;
    for seed in 0..60 {
        let mut scenario = group(3, Protocol::Raft(Raft::default()));
        scenario.clients = vec![random_client("a", Route::Primary, 40.0)];
        let lose_disk = |(member, at): (usize, f64)| {
            let crash = Command::Crash { service: replica(member), lose_disk: true };
            [step(at, crash), restart(at + 1.0, &replica(member))]
        };
        let faults = (0..12).map(|k| (k % 3, 300.0 + 150.0 * k as f64)).flat_map(lose_disk).collect();
        violations += u32::from(check_raft_safety(&with_faults(scenario, faults, seed)).is_err());
    }
    assert!(violations > 0, "none of 60 runs violated a property");
}

/// A protocol of the convergence test, with the data types that it replicates.
struct ProtocolCase {
    name: &'static str,
    protocol: Protocol,
    data: Vec<Data>,
}

fn protocol_cases() -> Vec<ProtocolCase> {
    let registers = [VersionClock::Wall, VersionClock::Lamport, VersionClock::Hybrid];
    let registers = registers.map(|clock| Data::Register { clock }).to_vec();
    let merged = Data::Merged { by: Merge::Union };
    let others = [Data::MultiValue, merged, Data::Counter, Data::Set, Data::RemoveWinsSet, Data::Map, Data::Sequence];
    let all = [registers.clone(), others.to_vec()].concat();
    let gossip = |style| Protocol::Gossip(Gossip { style, every: exponential(40.0), fan_out: 1 });
    let sloppy = Quorum { sloppy: true, replicas: Some(2), ..repaired_quorum() };
    let primary = Primary { failover_ms: Some(200.0), ..Primary::default() };
    let case = |name, protocol, data: &Vec<Data>| ProtocolCase { name, protocol, data: data.clone() };
    vec![
        case("quorum", Protocol::Quorum(repaired_quorum()), &all),
        case("sloppy", Protocol::Quorum(sloppy), &registers),
        case("push", gossip(GossipStyle::Push), &all),
        case("pull", gossip(GossipStyle::Pull), &all),
        case("push-pull", gossip(GossipStyle::PushPull), &all),
        case("primary", Protocol::Primary(primary), &registers),
        case("raft", Protocol::Raft(Raft::default()), &registers),
        case("chain", Protocol::Chain, &registers),
        case("two-phase", Protocol::TwoPhase(TwoPhase { timeout_ms: 100.0 }), &registers),
    ]
}

fn protocol_case(name: &str) -> ProtocolCase {
    protocol_cases().into_iter().find(|case| case.name == name).expect("a protocol")
}

/// Thirty operations of every kind that a data type offers.
fn operations(data: &Data) -> Vec<Operation> {
    let operation = |i: usize| {
        let (key, n) = (format!("k{}", i % 3), i as i64);
        match data {
            Data::Register { .. } if i % 7 == 3 => Operation::Delete { key },
            Data::Register { .. } if i % 7 == 5 => Operation::Increment { key: format!("n{}", i % 2), by: 1 },
            Data::Register { .. } | Data::MultiValue => Operation::Write { key, value: n.into() },
            Data::Counter => Operation::Increment { key, by: n - 10 },
            Data::Set | Data::RemoveWinsSet | Data::Merged { .. } if i.is_multiple_of(3) => {
                Operation::Remove { key, element: (n % 4).into() }
            }
            Data::Set | Data::RemoveWinsSet | Data::Merged { .. } => Operation::Add { key, element: (n % 4).into() },
            Data::Map if i % 5 == 3 => Operation::Remove { key, element: "f0".into() },
            Data::Map => Operation::Put { key, field: format!("f{}", i % 2), value: n.into() },
            Data::Sequence if i % 5 == 3 => Operation::RemoveAt { key, at: i as u32 % 3 },
            Data::Sequence => {
                let at = (!i.is_multiple_of(4)).then_some(i as u32 % 3);
                Operation::Insert { key, at, element: n.into() }
            }
        }
    };
    (0..30).map(operation).collect()
}

/// Returns the value and the siblings of every key that a member holds.
fn states(run: &Run, member: u32) -> BTreeMap<u32, String> {
    let copies = run.analysis().staleness.copies_of(NodeId(member));
    let state = |copy: &KeyCopy| Some(format!("{:?} {:?}", copy.held()?.value, copy.siblings()));
    copies.filter_map(|(key, copy)| Some((key.0, state(copy)?))).collect()
}

random_tests! { convergence, 5000;
    #[test]
    fn all_members_hold_equal_states_once_writes_stop_and_faults_are_healed(
        case in 0usize..9, data in 0usize..10, seed in 0u64..1_000_000, faults in faults(3)
    ) {
        let ProtocolCase { name, protocol, data: types } = protocol_cases().swap_remove(case);
        let data = types[data % types.len()].clone();
        let mut scenario = group(3, protocol);
        scenario.groups[0].data = data.clone();
        scenario.until_ms = 9000.0;
        for (id, route, from_ms) in [("a", Route::Any, 0.0), ("b", Route::Primary, 7.0)] {
            let script = client_steps(from_ms, 80.0, operations(&data));
            scenario.clients.push(Client { script, ..client(id, route) });
        }
        let scenario = with_faults(scenario, faults, seed);
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), MAX_EVENTS, &mut |_, _, _| {});
        prop_assert!(run.engine().messages().conserved());
        let staleness = &run.analysis().staleness;
        if name == "sloppy" {
            // Each key has two of the three members as replicas.
            prop_assert_eq!(staleness.stale(), 0, "seed {} {}", seed, name);
            return Ok(());
        }
        prop_assert_eq!(states(&run, 0), states(&run, 1), "seed {} {} {:?}", seed, name, data);
        prop_assert_eq!(states(&run, 1), states(&run, 2), "seed {} {} {:?}", seed, name, data);
        // A failover loses acknowledged writes.
        if name != "primary" {
            prop_assert_eq!((staleness.stale(), staleness.diverged()), (0, 0), "seed {} {} {:?}", seed, name, data);
        }
    }
}

#[test]
fn a_participant_that_voted_yes_blocks_reads_until_its_coordinator_restarts() {
    let mut scenario = group(3, Protocol::TwoPhase(TwoPhase { timeout_ms: 200.0 }));
    scenario.default_latency = constant(5.0);
    scenario.script = vec![
        operate(10.0, "r1", write("x", 1)),
        operate(100.0, "r1", write("x", 2)),
        // The votes are in flight.
        crash(106.0, "r1"),
        operate(500.0, "r2", read("x")),
        restart(3000.0, "r1"),
    ];
    let (_, facts) = run_with_facts(&scenario);
    let reads: Vec<_> = facts
        .iter()
        .filter_map(|(at, fact)| match fact {
            Fact::ReadServed { value, .. } => Some((*at, value.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(reads.len(), 1);
    assert!(reads[0].0 >= 3_000_000, "{reads:?}");
    assert_eq!(reads[0].1, Some(1.into()), "the transaction is aborted");
}

/// ABD with several writers, which read the newest version before they write.
fn multi_writer_abd() -> Quorum {
    Quorum { read: 2, write: 2, write_back: true, timeout_ms: 200.0, ..Quorum::default() }
}

random_tests! { linearizability, 1500;
    #[test]
    fn histories_of_abd_raft_and_chains_are_linearizable_under_faults(
        case in 0usize..3, seed in 0u64..1_000_000, faults in faults(3)
    ) {
        let (name, protocol) = [
            ("ABD", Protocol::Quorum(multi_writer_abd())),
            ("Raft", Protocol::Raft(Raft::default())),
            ("chain", Protocol::Chain),
        ][case].clone();
        let mut scenario = group(3, protocol);
        if name == "ABD" {
            scenario.groups[0].data = Data::Register { clock: VersionClock::Lamport };
        }
        scenario.clients = vec![random_client("a", Route::Any, 30.0), random_client("b", Route::Any, 30.0)];
        let history = history(&with_faults(scenario, faults, seed));
        for guarantee in [Guarantee::Linearizable, Guarantee::Regular, Guarantee::Session, Guarantee::Causal] {
            let verdict = check(&history, guarantee, BUDGET);
            // While a majority is down, no operation or no read succeeds, so nothing can violate a guarantee.
            let mut reasons = vec!["no operation succeeded", "no read returned a value"];
            if guarantee == Guarantee::Session {
                reasons.push("no process has two operations");
            }
            let misses_part = |why: &str| guarantee == Guarantee::Session && why.starts_with("no operation shows ");
            let is_vacuous =
                matches!(&verdict, Verdict::Unknown(why) if reasons.contains(&why.as_str()) || misses_part(why));
            prop_assert!(is_vacuous || verdict == Verdict::Holds, "seed {} {}: {:?}", seed, name, verdict);
        }
    }
}

#[test]
fn some_histories_of_last_writer_wins_are_not_linearizable() {
    let mut violations = 0;
    for seed in 0..100 {
        let mut scenario = group(3, Protocol::Quorum(Quorum { read: 1, write: 1, ..Quorum::default() }));
        scenario.clients = vec![random_client("a", Route::Any, 30.0), random_client("b", Route::Any, 30.0)];
        let history = history(&with_faults(scenario, Vec::new(), seed));
        violations += u32::from(matches!(check(&history, Guarantee::Linearizable, BUDGET), Verdict::Violated(_)));
    }
    assert!(violations > 10, "{violations} of 100");
}

#[test]
fn session_tokens_keep_the_guarantees_that_lag_breaks_without_them() {
    let kept = |guarantees: Vec<SessionGuarantee>| {
        let mut scenario = group(3, Protocol::Primary(Primary::default()));
        scenario.default_latency = constant(1.0);
        scenario.links = ["r2", "r3"].map(|follower| link("r1", follower, exponential(150.0))).to_vec();
        let workload =
            workload(Arrivals::Closed { think: exponential(20.0) }, Keys::One { key: "k".into() }, 0.4, Some(2500.0));
        scenario.clients = vec![Client {
            read_route: Some(Route::Any),
            guarantees,
            sessions: 4,
            timeout_ms: 3000.0,
            generate: Some(workload),
            ..client("a", Route::Primary)
        }];
        assert_eq!(scenario.validate(), Ok(()));
        let history = history(&scenario);
        let reads = history.operations.iter().filter(|operation| operation.returned().is_some()).count();
        assert!(reads > 50, "{reads} reads");
        [Guarantee::ReadYourWrites, Guarantee::MonotonicReads]
            .map(|guarantee| matches!(check(&history, guarantee, BUDGET), Verdict::Holds))
    };
    assert_eq!(kept(Vec::new()), [false, false]);
    assert_eq!(kept(vec![SessionGuarantee::ReadYourWrites, SessionGuarantee::MonotonicReads]), [true, true]);
    assert_eq!(kept(vec![SessionGuarantee::ReadYourWrites]), [true, false]);
}

random_tests! { lost_disks, 1500;
    /// The other members restore a lost disk. A primary that lost its disk empties all members.
    #[test]
    fn a_member_that_lost_its_disk_ends_with_the_state_of_the_others(
        case in 0usize..4, seed in 0u64..1_000_000, lost in 0usize..3, at in 300.0f64..2000.0
    ) {
        let name = ["quorum", "push", "primary", "chain"][case];
        let ProtocolCase { protocol, data, .. } = protocol_case(name);
        let mut scenario = group(3, protocol);
        scenario.until_ms = 9000.0;
        let route = if name == "quorum" || name == "push" { Route::Any } else { Route::Primary };
        scenario.clients = vec![Client { script: client_steps(0.0, 80.0, operations(&data[0])), ..client("a", route) }];
        let crash = Command::Crash { service: replica(lost), lose_disk: true };
        let scenario = with_faults(scenario, vec![step(at, crash), step(at + 100.0, Command::HealAll)], seed);
        let mut run = Run::new(&scenario);
        let mut acknowledged = 0;
        run.advance(micros(scenario.until_ms), MAX_EVENTS, &mut |record, _, _| {
            acknowledged += u32::from(matches!(record.fact, Fact::UpdateAcknowledged { .. }));
        });
        prop_assert!(acknowledged > 5, "seed {} {} {}", seed, name, acknowledged);
        prop_assert_eq!(states(&run, 0), states(&run, 1), "seed {} {} {}", seed, name, lost);
        prop_assert_eq!(states(&run, 1), states(&run, 2), "seed {} {} {}", seed, name, lost);
        // Gossip acknowledges a write that only one member holds, so a lost disk may lose it.
        if name == "quorum" || name == "chain" {
            prop_assert_eq!(run.analysis().staleness.stale(), 0, "seed {} {} {}", seed, name, lost);
        }
    }
}
