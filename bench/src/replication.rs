//! Speed of replica groups on one thread, with the trace off and on: operations of a quorum, commits of Raft, and rounds of
//! gossip.

use converge::engine::Engine;
use converge::scenario::{
    Arrivals, Client, Command, Data, Gossip, GossipStyle, Group, Keys, Latency, Operation, Protocol, Quorum, Raft,
    Route, Scenario, Service, Step, VersionClock, Workload, micros,
};
use converge::trace::Level;
use std::time::Instant;

fn group(n: usize, protocol: Protocol, data: Data) -> Scenario {
    let id = |i: usize| format!("r{i}");
    let service =
        |i| Service { id: id(i), service_time: Latency::Constant { ms: 0.0 }, queue: 1_000_000, ..Service::default() };
    let members = (0..n).map(id).collect();
    Scenario {
        default_latency: Latency::Exponential { mean_ms: 2.0 },
        services: (0..n).map(service).collect(),
        groups: vec![Group { id: "group".into(), members, protocol, data, ..Group::default() }],
        ..Scenario::default()
    }
}

fn client(route: Route, per_second: f64, read_share: f64, from_ms: f64) -> Client {
    let keys = Keys::Uniform { prefix: "k".into(), count: 100 };
    let arrivals = Arrivals::Poisson { per_second };
    let until_ms = None;
    let generate = Some(Workload { arrivals, keys, read_share, optimistic: None, from_ms, until_ms });
    Client { id: "client".into(), target: "group".into(), route, generate, ..Client::default() }
}

/// Runs a scenario without and with the trace; returns the seconds of each run.
fn time(scenario: &Scenario) -> [f64; 2] {
    assert_eq!(scenario.validate(), Ok(()));
    [Level::Off, Level::Full].map(|level| {
        let mut engine = Engine::new(scenario, level);
        let start = Instant::now();
        engine.run_until(micros(scenario.until_ms), u64::MAX);
        start.elapsed().as_secs_f64()
    })
}

fn print(name: &str, count: f64, seconds: [f64; 2]) {
    println!("  {name}: {:.0} a second, with the trace {:.0}", count / seconds[0], count / seconds[1]);
}

/// Prints the figures.
pub fn run() {
    println!("replication");
    let seconds = 60.0;
    let quorum = Quorum { read: 2, write: 2, ..Quorum::default() };
    let mut scenario = group(3, Protocol::Quorum(quorum), Data::Register { clock: VersionClock::Wall });
    scenario.until_ms = seconds * 1000.0;
    scenario.clients = vec![client(Route::Any, 5000.0, 0.5, 0.0)];
    print("operations of a quorum, N = 3, R = W = 2", 5000.0 * seconds, time(&scenario));

    let mut scenario = group(3, Protocol::Raft(Raft::default()), Data::default());
    scenario.until_ms = seconds * 1000.0;
    scenario.clients = vec![client(Route::Primary, 2000.0, 0.0, 1000.0)];
    print("commits of Raft, 3 members", 2000.0 * (seconds - 1.0), time(&scenario));

    gossip(1_000, 100.0);
    gossip(10_000, 30.0);
}

/// Measures rounds of gossip after one write.
fn gossip(members: usize, rounds: f64) {
    let every = Latency::Constant { ms: 100.0 };
    let gossip = Gossip { style: GossipStyle::PushPull, every, fan_out: 1 };
    let mut scenario = group(members, Protocol::Gossip(gossip), Data::Register { clock: VersionClock::Lamport });
    scenario.until_ms = rounds * 100.0;
    let operation = Operation::Write { key: "x".into(), value: 1.into() };
    let command = Command::Operate { service: "r0".into(), operation, poison: false };
    scenario.script = vec![Step { at_ms: 10.0, command }];
    print(&format!("rounds of push-pull gossip, {members} members"), rounds, time(&scenario));
}
