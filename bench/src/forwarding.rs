//! Message forwarding: eight chains of eight services. Each service calls the next one and waits for its answer before it
//! commits, so a client's write travels down its chain as calls and back as replies. Each session of a client issues its next
//! write when the last one has ended, so it has one message in flight at any time.

use converge::scenario::{Arrivals, Call, Client, Keys, Latency, Scenario, Service, Workload};

/// Chains of services, each with one client.
pub const CHAINS: u32 = 8;
/// Services in a chain.
pub const LENGTH: u32 = 8;
/// Sessions of a client.
pub const SESSIONS: u32 = 128;
/// Keys that a client writes.
pub const KEYS: u32 = 10_000;
/// Mean delay of a message, ms, exponentially distributed.
pub const DELAY_MS: f64 = 10.0;
/// Time that a service waits for the answer to a call, ms.
pub const CALL_TIMEOUT_MS: f64 = 1_000.0;
/// Time that a client waits for the answer to an operation, ms.
pub const OPERATION_TIMEOUT_MS: f64 = 2_000.0;

/// Messages in flight.
pub const MESSAGES: u32 = CHAINS * SESSIONS;

/// Builds the scenario.
pub fn scenario() -> Scenario {
    let mut scenario = Scenario {
        title: "Forwarding".into(),
        seed: 1,
        until_ms: 1e6,
        default_latency: Latency::Exponential { mean_ms: DELAY_MS },
        ..Scenario::default()
    };
    for chain in 0..CHAINS {
        for index in 0..LENGTH {
            let next =
                Call { to: format!("service-{chain}-{}", index + 1), timeout_ms: CALL_TIMEOUT_MS, operation: None };
            scenario.services.push(Service {
                id: format!("service-{chain}-{index}"),
                service_time: Latency::constant(0.0),
                concurrency: SESSIONS,
                calls: if index + 1 < LENGTH { vec![next] } else { Vec::new() },
                ..Service::default()
            });
        }
        scenario.clients.push(Client {
            id: format!("client-{chain}"),
            target: format!("service-{chain}-0"),
            sessions: SESSIONS,
            timeout_ms: OPERATION_TIMEOUT_MS,
            generate: Some(Workload {
                arrivals: Arrivals::Closed { think: Latency::constant(0.0) },
                keys: Keys::Uniform { prefix: "key-".into(), count: KEYS },
                read_share: 0.0,
                optimistic: None,
                from_ms: 0.0,
                until_ms: None,
            }),
            ..Client::default()
        });
    }
    assert_eq!(scenario.validate(), Ok(()), "the scenario is valid");
    scenario
}
