//! Builds the clients of a scenario.

use super::Builder;
use crate::engine::client::{Client, ClientConfig, Generator, KeyChoice, Pace, SessionStreams, Target};
use crate::engine::random::{Sampler, Stream};
use crate::engine::replica::Group;
use crate::scenario::{Arrivals, Keys, Latency, Scenario, Workload, micros};
use std::sync::Arc;

impl Builder<'_> {
    /// Returns a client, which is given by its index in the scenario.
    pub(in crate::engine) fn client(&self, index: usize, groups: &[Arc<Group>]) -> Client {
        let client = &self.scenario.clients[index];
        let node = self.node(&client.id);
        let target = |id: &str| match is_group(self.scenario, id) {
            true => Target::Group,
            false => Target::Service(self.node(id), self.link(node, self.node(id))),
        };
        Client::new(ClientConfig {
            node,
            target: target(&client.target),
            reads_from: target(client.reads_from.as_ref().unwrap_or(&client.target)),
            group: self.group_session(client, groups),
            timeout: micros(client.timeout_ms),
            attempts: client.attempts,
            script: client.script.iter().map(|step| (micros(step.at_ms), step.operation.clone())).collect(),
            generator: client.generate.as_ref().map(|workload| {
                generator(workload, &client.id, client.sessions, self.scenario.seed, self.scenario.until_ms)
            }),
            // Clients never write equal values: the distance is greater than the number of writes of any run.
            first_value: index as i64 * 10_000_000 + 1,
        })
    }
}

fn is_group(scenario: &Scenario, id: &str) -> bool {
    scenario.groups.iter().any(|group| group.id == id)
}

fn generator(workload: &Workload, client: &str, sessions: u32, seed: u64, run_ms: f64) -> Generator {
    let pace = match &workload.arrivals {
        Arrivals::Poisson { per_second } => {
            Pace::Open(Sampler::new(&Latency::Exponential { mean_ms: 1000.0 / per_second }))
        }
        Arrivals::Periodic { every_ms } => Pace::Open(Sampler::new(&Latency::constant(*every_ms))),
        Arrivals::Closed { think } => Pace::Closed(Sampler::new(think)),
        Arrivals::After { .. } => Pace::After,
    };
    let streams = |session: u32| {
        let entity = format!("{client}#{session}");
        SessionStreams {
            arrivals: Stream::named(seed, "arrivals", &entity),
            keys: Stream::named(seed, "keys", &entity),
            kinds: Stream::named(seed, "kinds", &entity),
            waits: Stream::named(seed, "waits", &entity),
        }
    };
    Generator {
        pace,
        keys: key_choice(&workload.keys),
        read_share: workload.read_share,
        optimistic: workload.optimistic.clone(),
        from: micros(workload.from_ms),
        until: micros(workload.until_ms.unwrap_or(run_ms)),
        sessions: (0..sessions).map(streams).collect(),
    }
}

fn key_choice(keys: &Keys) -> KeyChoice {
    let (names, weights): (Vec<String>, Vec<f64>) = match keys {
        Keys::One { key } => (vec![key.clone()], vec![1.0]),
        Keys::Uniform { prefix, count } => (1..=*count).map(|i| (format!("{prefix}{i}"), 1.0)).unzip(),
        Keys::Zipf { prefix, count, exponent } => {
            (1..=*count).map(|i| (format!("{prefix}{i}"), libm::pow(f64::from(i), -exponent))).unzip()
        }
    };
    let total: f64 = weights.iter().sum();
    let mut cumulative = 0.0;
    let ends = weights.iter().map(|weight| {
        cumulative += weight / total;
        cumulative
    });
    KeyChoice { cumulative: ends.collect(), keys: names.into_iter().map(Into::into).collect() }
}
