//! Parts of scenarios.

use converge::scenario::{
    AntiEntropy, Arrivals, ClientStep, Command, Hints, Keys, Latency, Link, Operation, Quorum, ReadRepair, Scenario,
    Service, Step, Workload,
};
use serde_json::{Value, json};

pub fn constant(ms: f64) -> Latency {
    Latency::Constant { ms }
}

pub fn exponential(mean_ms: f64) -> Latency {
    Latency::Exponential { mean_ms }
}

pub fn link(from: &str, to: &str, latency: Latency) -> Link {
    Link { from: from.into(), to: to.into(), latency: Some(latency), ..Link::default() }
}

/// Operations from the start of the run.
pub fn workload(arrivals: Arrivals, keys: Keys, read_share: f64, until_ms: Option<f64>) -> Workload {
    Workload { arrivals, keys, read_share, optimistic: None, from_ms: 0.0, until_ms }
}

pub fn step(at_ms: f64, command: Command) -> Step {
    Step { at_ms, command }
}

/// An operation that the user of the page requests of a service.
pub fn operate(at_ms: f64, service: &str, operation: Operation) -> Step {
    step(at_ms, Command::Operate { service: service.into(), operation, poison: false })
}

pub fn crash(at_ms: f64, service: &str) -> Step {
    step(at_ms, Command::Crash { service: service.into(), lose_disk: false })
}

pub fn restart(at_ms: f64, service: &str) -> Step {
    step(at_ms, Command::Restart { service: service.into() })
}

pub fn cut(at_ms: f64, from: &str, to: &str, one_way: bool) -> Step {
    step(at_ms, Command::CutLink { from: from.into(), to: to.into(), one_way })
}

pub fn heal(at_ms: f64, from: &str, to: &str, one_way: bool) -> Step {
    step(at_ms, Command::HealLink { from: from.into(), to: to.into(), one_way })
}

pub fn partition(at_ms: f64, groups: &[&[&str]]) -> Step {
    let groups = groups.iter().map(|group| group.iter().map(|id| id.to_string()).collect()).collect();
    step(at_ms, Command::Partition { groups })
}

pub fn write(key: &str, value: i64) -> Operation {
    Operation::Write { key: key.into(), value: value.into() }
}

pub fn read(key: &str) -> Operation {
    Operation::Read { key: key.into() }
}

pub fn increment(key: &str, by: i64) -> Operation {
    Operation::Increment { key: key.into(), by }
}

/// The steps of a client: one operation every `every_ms`.
pub fn client_steps(from_ms: f64, every_ms: f64, operations: Vec<Operation>) -> Vec<ClientStep> {
    let steps = (0..).zip(operations);
    steps.map(|(i, operation)| ClientStep { at_ms: from_ms + every_ms * f64::from(i), operation }).collect()
}

/// The id of a group's member, by its index.
pub fn replica(index: usize) -> String {
    format!("r{}", index + 1)
}

pub fn replicas(count: usize) -> Vec<String> {
    (0..count).map(replica).collect()
}

/// A strict quorum of three with every kind of repair.
pub fn repaired_quorum() -> Quorum {
    Quorum {
        read: 2,
        write: 2,
        hints: Some(Hints { window_ms: 1e6, every_ms: 50.0 }),
        read_repair: ReadRepair::Async,
        anti_entropy: Some(AntiEntropy { every_ms: 60.0, depth: 3 }),
        timeout_ms: 60.0,
        ..Quorum::default()
    }
}

/// A service with a short, constant service time.
pub fn service(id: &str, service_time_ms: f64) -> Service {
    Service { id: id.into(), service_time: constant(service_time_ms), ..Service::default() }
}

/// Asserts that a scenario is refused with an error at a path.
#[track_caller]
pub fn assert_refused(scenario: &Scenario, path: &str, expected: &str) {
    let errors: Vec<String> = scenario.validate().expect_err("refused").iter().map(ToString::to_string).collect();
    assert!(errors.iter().any(|error| error.contains(path) && error.contains(expected)), "{errors:?}");
}

/// A writer `api` of `n`, and a worker `w` that receives its events through a bus. The link to the worker takes `latency_ms`.
pub fn worker(publication: Value, subscription: Value, latency_ms: f64, script: &[Value]) -> Value {
    let (mut publication, mut subscription) = (publication, subscription);
    (publication["to"], subscription["to"]) = ("q".into(), "q".into());
    json!({
        "converge": 1,
        "until_ms": 20_000,
        "services": [
            { "id": "api", "data": { "n": 0 }, "publishes": [publication] },
            { "id": "w", "data": { "n": 0 }, "subscribes": [subscription] },
        ],
        "buses": [{ "id": "q" }],
        "links": [{ "from": "q", "to": "w", "latency": { "constant": { "ms": latency_ms } } }],
        "script": script,
    })
}
