//! What protocols must never do, whatever fails: Raft's five safety properties at every step, and the same state at every
//! replica once faults are healed; and that what clients saw is what the protocol promises.

mod faults;

use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::{History, Recorder};
use converge::engine::{Engine, RaftView};
use converge::scenario::{
    AntiEntropy, Arrivals, Client, ClientStep, Command, Data, Gossip, GossipStyle, Group, Hints, Keys, Latency, Link,
    Merge, Operation, Primary, Protocol, Quorum, Raft, RaftReads, ReadRepair, Route, Scenario, Service,
    SessionGuarantee, Step, TwoPhase, VersionClock, Workload, micros,
};
use converge::session::Run;
use converge::trace::{Fact, Level, NodeId, UpdateId};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn replica(i: usize) -> String {
    format!("r{}", i + 1)
}

fn group(n: usize, protocol: Protocol) -> Scenario {
    let service = |i| Service { id: replica(i), service_time: Latency::Constant { ms: 0.2 }, ..Service::default() };
    Scenario {
        default_latency: Latency::Lognormal { median_ms: 4.0, sigma: 0.8 },
        services: (0..n).map(service).collect(),
        groups: vec![Group {
            id: "group".into(),
            members: (0..n).map(replica).collect(),
            protocol,
            ..Group::default()
        }],
        until_ms: 4000.0,
        ..Scenario::default()
    }
}

fn traffic(id: &str, route: Route, per_second: f64) -> Client {
    Client {
        id: id.into(),
        target: "group".into(),
        route,
        timeout_ms: 400.0,
        generate: Some(Workload {
            arrivals: Arrivals::Poisson { per_second },
            keys: Keys::Uniform { prefix: "k".into(), count: 3 },
            read_share: 0.4,
            optimistic: None,
            from_ms: 0.0,
            until_ms: Some(2500.0),
        }),
        ..Client::default()
    }
}

/// Faults of links and members, by chance; all are healed in the end.
fn faults(n: usize, disks: bool) -> impl Strategy<Value = Vec<(f64, Command)>> {
    let member = 0..n;
    let one = (0.0f64..2500.0, 0u8..6, member.clone(), member, 0.0f64..1.0).prop_map(move |(at, kind, a, b, p)| {
        let b = if a == b { (b + 1) % n } else { b };
        let (from, to) = (replica(a), replica(b));
        let command = match kind {
            0 => Command::CutLink { from, to, one_way: p < 0.5 },
            1 => faults::disturbed(from, to, 0.3 * p, 0.3, 20.0, 0.3),
            2 => Command::Crash { service: from, lose_disk: disks && p < 0.3 },
            3 => Command::Restart { service: from },
            4 => Command::Pause { node: from },
            _ => Command::Partition { groups: vec![vec![from], (0..n).filter(|i| *i != a).map(replica).collect()] },
        };
        (at, command)
    });
    let heals = (0.0f64..2500.0).prop_map(|at| (at, Command::HealAll));
    prop::collection::vec(prop_oneof![4 => one, 1 => heals], 0..14)
}

fn with_faults(mut scenario: Scenario, faults: Vec<(f64, Command)>, seed: u64) -> Scenario {
    scenario.seed = seed;
    scenario.script = faults.into_iter().map(|(at_ms, command)| Step { at_ms, command }).collect();
    scenario.script.push(Step { at_ms: 2600.0, command: Command::HealAll });
    scenario.validate().expect("sound");
    scenario
}

/// The five safety properties of Raft (Figure 3 of the paper), over all that was seen of a run.
#[derive(Default)]
struct Safety {
    leaders: BTreeMap<u32, NodeId>,
    /// By number: term and update of an entry that some member has applied.
    applied: BTreeMap<u32, (u32, Option<UpdateId>)>,
    /// By number: the term of the member that applied an entry first. It was committed in that term or before.
    committed_in: BTreeMap<u32, u32>,
    leader_last: BTreeMap<NodeId, (u32, u32)>,
}

impl Safety {
    fn check(&mut self, members: &[(NodeId, RaftView)]) -> Result<(), String> {
        for (node, view) in members {
            if view.is_leader {
                let leader = self.leaders.entry(view.term).or_insert(*node);
                if leader != node {
                    return Err(format!("election safety: {leader:?} and {node:?} lead in term {}", view.term));
                }
                let before = self.leader_last.insert(*node, (view.term, view.last_index()));
                if before.is_some_and(|(term, last)| term == view.term && last > view.last_index()) {
                    return Err(format!("leader append-only: {node:?} threw entries of its log away"));
                }
                for (index, entry) in &self.applied {
                    // What was committed in an earlier term is in its log. An old leader that does not know of later
                    // ones need not have what these committed.
                    if self.committed_in[index] < view.term && view.entry(*index) != Some(*entry) {
                        return Err(format!("leader completeness: {node:?} lacks entry {index} {entry:?}"));
                    }
                }
            }
            for index in self.applied.len() as u32 + 1..=view.last_applied {
                let entry = view.entry(index).ok_or("applied what is not in the log")?;
                self.applied.insert(index, entry);
                self.committed_in.insert(index, view.term);
            }
            for index in 1..=view.last_applied {
                if self.applied.get(&index) != view.entry(index).as_ref() {
                    return Err(format!("state machine safety: {node:?} applied another entry {index}"));
                }
            }
        }
        for (i, (a, one)) in members.iter().enumerate() {
            for (b, other) in &members[i + 1..] {
                let mut same = false;
                for index in (1..=one.last_index().min(other.last_index())).rev() {
                    let (x, y) = (one.entry(index), other.entry(index));
                    same |= x.map(|it| it.0) == y.map(|it| it.0);
                    if same && x != y {
                        return Err(format!("log matching: {a:?} and {b:?} differ at {index}"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn changes(fact: &Fact) -> bool {
    matches!(fact, Fact::LogChanged { .. } | Fact::LeaderElected { .. } | Fact::LeaderSteppedDown { .. })
}

fn raft_is_safe(scenario: &Scenario) -> Result<u32, String> {
    let mut engine = Engine::new(scenario, Level::Full);
    let (mut safety, mut seen) = (Safety::default(), 0);
    while engine.next_at().is_some_and(|at| at <= micros(scenario.until_ms)) {
        engine.step();
        let looks = engine.trace().since(seen).any(|record| changes(&record.fact));
        seen = engine.trace().total();
        if looks {
            safety.check(&engine.rafts().collect::<Vec<_>>())?;
        }
    }
    Ok(safety.applied.len() as u32)
}

proptest! {
    #![proptest_config(faults::config(4000))]
    #[test]
    fn raft_keeps_its_five_safety_properties_at_every_step(
        n in prop_oneof![Just(3usize), Just(5)], seed in 0u64..1_000_000, faults in faults(3, false), local in any::<bool>()
    ) {
        let reads = if local { RaftReads::Local } else { RaftReads::ReadIndex };
        let mut scenario = group(n, Protocol::Raft(Raft { reads, ..Raft::default() }));
        scenario.clients = vec![traffic("a", Route::Primary, 30.0), traffic("b", Route::Any, 10.0)];
        let scenario = with_faults(scenario, faults, seed);
        let applied = raft_is_safe(&scenario);
        prop_assert!(applied.is_ok(), "seed {seed}: {}", applied.unwrap_err());
        // Healed for more than a second: a leader is there, and something is committed.
        prop_assert!(applied.unwrap() > 0, "seed {seed}: nothing was ever committed");
    }
}

#[test]
fn a_raft_that_forgets_its_vote_is_caught() {
    // Losing the disk is what Raft does not survive; the check must be able to say so.
    let mut caught = 0;
    for seed in 0..60 {
        let mut scenario = group(3, Protocol::Raft(Raft::default()));
        scenario.clients = vec![traffic("a", Route::Primary, 40.0)];
        let crash = |i: usize, at: f64| {
            [
                (at, Command::Crash { service: replica(i), lose_disk: true }),
                (at + 1.0, Command::Restart { service: replica(i) }),
            ]
        };
        let faults = (0..12).flat_map(|k| crash(k % 3, 300.0 + 150.0 * k as f64)).collect();
        caught += u32::from(raft_is_safe(&with_faults(scenario, faults, seed)).is_err());
    }
    assert!(caught > 0, "of 60 runs none showed what amnesia does");
}

fn protocols() -> Vec<(&'static str, Protocol, Vec<Data>)> {
    let register = |clock| Data::Register { clock };
    let clocks = vec![register(VersionClock::Wall), register(VersionClock::Lamport), register(VersionClock::Hybrid)];
    let merged = Data::Merged { by: Merge::Union };
    let others = [Data::MultiValue, merged, Data::Counter, Data::Set, Data::RemoveWinsSet, Data::Map, Data::Sequence];
    let all = [clocks.clone(), others.to_vec()].concat();
    let repaired = Quorum {
        read: 2,
        write: 2,
        hints: Some(Hints { window_ms: 1e6, every_ms: 50.0 }),
        read_repair: ReadRepair::Async,
        anti_entropy: Some(AntiEntropy { every_ms: 60.0, depth: 3 }),
        timeout_ms: 60.0,
        ..Quorum::default()
    };
    let gossip = |style| Gossip { style, every: Latency::Exponential { mean_ms: 40.0 }, fan_out: 1 };
    vec![
        ("quorum", Protocol::Quorum(repaired.clone()), all.clone()),
        ("sloppy", Protocol::Quorum(Quorum { sloppy: true, replicas: Some(2), ..repaired }), clocks.clone()),
        ("push", Protocol::Gossip(gossip(GossipStyle::Push)), all.clone()),
        ("pull", Protocol::Gossip(gossip(GossipStyle::Pull)), all.clone()),
        ("push-pull", Protocol::Gossip(gossip(GossipStyle::PushPull)), all),
        ("primary", Protocol::Primary(Primary { failover_ms: Some(200.0), ..Primary::default() }), clocks.clone()),
        ("raft", Protocol::Raft(Raft::default()), clocks.clone()),
        ("chain", Protocol::Chain, clocks.clone()),
        ("two-phase", Protocol::TwoPhase(TwoPhase { timeout_ms: 100.0 }), clocks),
    ]
}

fn operations(data: &Data) -> Vec<Operation> {
    let key = |i: usize| format!("k{}", i % 3);
    let made = |i: usize| match data {
        Data::Register { .. } if i % 7 == 3 => Operation::Delete { key: key(i) },
        Data::Register { .. } if i % 7 == 5 => Operation::Increment { key: format!("n{}", i % 2), by: 1 },
        Data::Register { .. } | Data::MultiValue => Operation::Write { key: key(i), value: (i as i64).into() },
        Data::Counter => Operation::Increment { key: key(i), by: i as i64 - 10 },
        Data::Set | Data::RemoveWinsSet | Data::Merged { .. } if i.is_multiple_of(3) => {
            Operation::Remove { key: key(i), element: (i as i64 % 4).into() }
        }
        Data::Set | Data::RemoveWinsSet | Data::Merged { .. } => {
            Operation::Add { key: key(i), element: (i as i64 % 4).into() }
        }
        Data::Map if i % 5 == 3 => Operation::Remove { key: key(i), element: "f0".into() },
        Data::Map => Operation::Put { key: key(i), field: format!("f{}", i % 2), value: (i as i64).into() },
        Data::Sequence if i % 5 == 3 => Operation::RemoveAt { key: key(i), at: i as u32 % 3 },
        Data::Sequence => {
            let at = (!i.is_multiple_of(4)).then_some(i as u32 % 3);
            Operation::Insert { key: key(i), at, element: (i as i64).into() }
        }
    };
    (0..30).map(made).collect()
}

proptest! {
    #![proptest_config(faults::config(5000))]
    /// Law 14.
    #[test]
    fn once_writes_stop_and_faults_heal_all_replicas_hold_the_same(
        which in 0usize..9, data in 0usize..10, seed in 0u64..1_000_000, faults in faults(3, false)
    ) {
        let (name, protocol, types) = protocols().swap_remove(which);
        let data = types[data % types.len()].clone();
        let mut scenario = group(3, protocol);
        scenario.groups[0].data = data.clone();
        scenario.until_ms = 9000.0;
        for (i, id) in ["a", "b"].into_iter().enumerate() {
            let step = |(j, operation)| ClientStep { at_ms: 80.0 * j as f64 + 7.0 * i as f64, operation };
            let script = operations(&data).into_iter().enumerate().map(step).collect();
            let route = if i == 0 { Route::Any } else { Route::Primary };
            scenario.clients.push(Client {
                id: id.into(), target: "group".into(), route, timeout_ms: 300.0, script, ..Client::default()
            });
        }
        let scenario = with_faults(scenario, faults, seed);
        let mut run = Run::new(&scenario);
        run.advance(micros(scenario.until_ms), 5_000_000, &mut |_, _, _| {});
        prop_assert!(run.engine().messages().conserved());
        let staleness = &run.analysis().staleness;
        // Two clients that share no order may leave siblings, which are the same everywhere; a failover loses writes.
        let held = |i: u32| -> BTreeMap<u32, String> {
            let copies = staleness.copies_of(NodeId(i)).filter(|(_, copy)| copy.held().is_some());
            copies.map(|(key, copy)| (key.0, format!("{:?} {:?}", copy.held().map(|it| &it.value), copy.siblings()))).collect()
        };
        if name == "sloppy" {
            prop_assert_eq!(staleness.stale(), 0, "seed {} {}", seed, name);
            return Ok(());
        }
        prop_assert_eq!(held(0), held(1), "seed {} {} {:?}", seed, name, data);
        prop_assert_eq!(held(1), held(2), "seed {} {} {:?}", seed, name, data);
        if name != "primary" {
            prop_assert_eq!((staleness.stale(), staleness.diverged()), (0, 0), "seed {} {} {:?}", seed, name, data);
        }
    }
}

#[test]
fn a_participant_that_promised_waits_for_its_coordinator_however_long_it_takes() {
    let mut scenario = group(3, Protocol::TwoPhase(TwoPhase { timeout_ms: 200.0 }));
    scenario.default_latency = Latency::Constant { ms: 5.0 };
    let ask = |at_ms, service: &str, operation| Step {
        at_ms,
        command: Command::Operate { service: service.into(), operation, poison: false },
    };
    let write = |value: i64| Operation::Write { key: "x".into(), value: value.into() };
    scenario.script = vec![
        ask(10.0, "r1", write(1)),
        ask(100.0, "r1", write(2)),
        // The promises are made, and on their way back.
        Step { at_ms: 106.0, command: Command::Crash { service: "r1".into(), lose_disk: false } },
        ask(500.0, "r2", Operation::Read { key: "x".into() }),
        Step { at_ms: 3000.0, command: Command::Restart { service: "r1".into() } },
    ];
    let mut run = Run::new(&scenario);
    let mut reads = Vec::new();
    run.advance(micros(4000.0), u64::MAX, &mut |record, _, _| {
        if let Fact::ReadServed { value, .. } = &record.fact {
            reads.push((record.at, value.clone()));
        }
    });
    // Blocked for two and a half seconds, then answered with what was there before: the transaction is aborted.
    assert_eq!(reads.len(), 1);
    assert!(reads[0].0 >= 3_000_000, "{reads:?}");
    assert_eq!(reads[0].1, Some(1.into()));
}

/// What the clients of a run asked and were told.
fn history(scenario: &Scenario) -> History {
    let mut recorder = Recorder::default();
    let mut run = Run::new(scenario);
    for record in run.engine().trace().since(0) {
        recorder.observe(record);
    }
    run.advance(micros(scenario.until_ms), 5_000_000, &mut |record, _, _| recorder.observe(record));
    let names = run.engine().names();
    recorder.history(|key| names.key(key).into(), |by, session| format!("{} {session}", names.node(by)))
}

fn writers_that_ask_first() -> Quorum {
    Quorum { read: 2, write: 2, write_back: true, timeout_ms: 200.0, ..Quorum::default() }
}

proptest! {
    #![proptest_config(faults::config(1500))]
    /// Law 16, of ABD, Raft and chains.
    #[test]
    fn histories_of_strong_protocols_are_linearizable_whatever_fails(
        which in 0usize..3, seed in 0u64..1_000_000, faults in faults(3, false)
    ) {
        let (name, protocol, route) = [
            ("ABD", Protocol::Quorum(writers_that_ask_first()), Route::Any),
            ("Raft", Protocol::Raft(Raft::default()), Route::Any),
            ("chain", Protocol::Chain, Route::Any),
        ][which].clone();
        let mut scenario = group(3, protocol);
        if name == "ABD" {
            scenario.groups[0].data = Data::Register { clock: VersionClock::Lamport };
        }
        scenario.clients = vec![traffic("a", route, 30.0), traffic("b", route, 30.0)];
        let scenario = with_faults(scenario, faults, seed);
        let history = history(&scenario);
        for guarantee in [Guarantee::Linearizable, Guarantee::Regular, Guarantee::Session, Guarantee::Causal] {
            let verdict = check(&history, guarantee, BUDGET);
            // With a majority down from first to last there is nothing to check.
            let nothing_done = verdict == Verdict::Unknown("no operation succeeded".into());
            prop_assert!(nothing_done || verdict == Verdict::Holds, "seed {} {}: {:?}", seed, name, verdict);
        }
    }
}

#[test]
fn histories_of_last_writer_wins_are_not_linearizable_now_and_then() {
    let mut violated = 0;
    for seed in 0..100 {
        let mut scenario = group(3, Protocol::Quorum(Quorum { read: 1, write: 1, ..Quorum::default() }));
        scenario.clients = vec![traffic("a", Route::Any, 30.0), traffic("b", Route::Any, 30.0)];
        let history = history(&with_faults(scenario, Vec::new(), seed));
        violated += u32::from(matches!(check(&history, Guarantee::Linearizable, BUDGET), Verdict::Violated(_)));
    }
    assert!(violated > 10, "{violated} of 100");
}

/// Law 16, of sessions.
#[test]
fn tokens_keep_session_guarantees_that_lag_breaks_without_them() {
    let lagging = |guarantees: Vec<SessionGuarantee>| {
        let mut scenario = group(3, Protocol::Primary(Primary::default()));
        scenario.default_latency = Latency::Constant { ms: 1.0 };
        for follower in ["r2", "r3"] {
            let latency = Some(Latency::Exponential { mean_ms: 150.0 });
            scenario.links.push(Link { from: "r1".into(), to: follower.into(), latency, ..Link::default() });
        }
        let mut client = traffic("a", Route::Primary, 10.0);
        client.read_route = Some(Route::Any);
        client.guarantees = guarantees;
        client.sessions = 4;
        client.timeout_ms = 3000.0;
        if let Some(workload) = &mut client.generate {
            workload.arrivals = Arrivals::Closed { think: Latency::Exponential { mean_ms: 20.0 } };
            workload.keys = Keys::One { key: "k".into() };
        }
        scenario.clients = vec![client];
        scenario.validate().expect("sound");
        let history = history(&scenario);
        let reads = history.operations.iter().filter(|it| it.returned().is_some()).count();
        assert!(reads > 50, "{reads} reads");
        [Guarantee::ReadYourWrites, Guarantee::MonotonicReads]
            .map(|guarantee| matches!(check(&history, guarantee, BUDGET), Verdict::Holds))
    };
    assert_eq!(lagging(Vec::new()), [false, false], "without tokens");
    let both = vec![SessionGuarantee::ReadYourWrites, SessionGuarantee::MonotonicReads];
    assert_eq!(lagging(both), [true, true], "with both");
    assert_eq!(lagging(vec![SessionGuarantee::ReadYourWrites]), [true, false], "with one");
}

proptest! {
    #![proptest_config(faults::config(1500))]
    /// A disk that is lost is filled again by the others; a primary without one empties all.
    #[test]
    fn members_that_lose_their_disks_end_with_what_the_others_hold(
        which in 0usize..4, seed in 0u64..1_000_000, lost in 0usize..3, at in 300.0f64..2000.0
    ) {
        let (name, protocol, types) = [0, 2, 5, 7].map(|i| protocols().swap_remove(i)).into_iter().nth(which).unwrap();
        let data = types[0].clone();
        let mut scenario = group(3, protocol);
        scenario.until_ms = 9000.0;
        let step = |(j, operation)| ClientStep { at_ms: 80.0 * j as f64, operation };
        let script = operations(&data).into_iter().enumerate().map(step).collect();
        let route = if name == "quorum" || name == "push" { Route::Any } else { Route::Primary };
        let client = Client { id: "a".into(), target: "group".into(), route, timeout_ms: 300.0, script, ..Client::default() };
        scenario.clients = vec![client];
        let crash = Command::Crash { service: replica(lost), lose_disk: true };
        let scenario = with_faults(scenario, vec![(at, crash), (at + 100.0, Command::HealAll)], seed);
        let mut run = Run::new(&scenario);
        let mut acknowledged = 0;
        run.advance(micros(scenario.until_ms), 5_000_000, &mut |record, _, _| {
            acknowledged += u32::from(matches!(record.fact, Fact::UpdateAcknowledged { .. }));
        });
        let staleness = &run.analysis().staleness;
        let held = |i: u32| -> BTreeMap<u32, String> {
            let copies = staleness.copies_of(NodeId(i)).filter(|(_, copy)| copy.held().is_some());
            copies.map(|(key, copy)| (key.0, format!("{:?}", copy.held().map(|it| &it.value)))).collect()
        };
        prop_assert!(acknowledged > 5, "seed {} {} {}", seed, name, acknowledged);
        prop_assert_eq!(held(0), held(1), "seed {} {} {}", seed, name, lost);
        prop_assert_eq!(held(1), held(2), "seed {} {} {}", seed, name, lost);
        // Gossip answers before anybody else has a write, so a disk may take an acknowledged one with it.
        if name == "quorum" || name == "chain" {
            prop_assert_eq!(staleness.stale(), 0, "seed {} {} {}", seed, name, lost);
        }
    }
}
