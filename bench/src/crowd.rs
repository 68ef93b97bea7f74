//! A scenario with ten buses or more, each with one publisher and nineteen subscribers that keep copies.

use converge::scenario::{
    Arrivals, Bus, Client, Keys, Latency, Publication, Scenario, Service, Subscription, Topic, Workload,
};

const GROUPS: i32 = 10;
const COPIES: i32 = 19;

/// Returns the scenario with ten groups; see [`scenario_of`].
pub fn scenario(writes: f64, latency_ms: f64, until_ms: f64) -> Scenario {
    scenario_of(GROUPS, writes, latency_ms, until_ms)
}

/// Returns the scenario with `groups` of twenty services, `writes` a second at each of the publishers and an average message
/// latency of `latency_ms`. A write causes 42 messages: request, response, publication, its acknowledgement, and two for each
/// copy.
pub fn scenario_of(groups: i32, writes: f64, latency_ms: f64, until_ms: f64) -> Scenario {
    let mut scenario = Scenario {
        title: "A crowd".into(),
        until_ms,
        default_latency: Latency::Uniform { low_ms: latency_ms * 0.5, high_ms: latency_ms * 1.5 },
        ..Scenario::default()
    };
    // Ten groups are in two columns, more groups in more of them.
    let columns = (groups / 5).max(2);
    for group in 0..groups {
        let (x, y) = (group % columns * 2_500, group / columns * 1_300);
        let bus = format!("bus-{group}");
        scenario.services.push(Service {
            id: format!("publisher-{group}"),
            position: Some([x, y + 400]),
            publishes: vec![Publication { to: bus.clone(), ..Publication::default() }],
            ..Service::default()
        });
        for copy in 0..COPIES {
            scenario.services.push(Service {
                id: format!("copy-{group}-{copy}"),
                position: Some([x + 700 + copy % 5 * 320, y + copy / 5 * 300]),
                subscribes: vec![Subscription {
                    to: bus.clone(),
                    ack_deadline_ms: latency_ms * 10.0,
                    ..Subscription::default()
                }],
                ..Service::default()
            });
        }
        scenario.buses.push(Bus {
            id: bus,
            position: Some([x + 350, y + 400]),
            topics: vec![Topic { name: "changes".into(), ..Topic::default() }],
            ..Bus::default()
        });
        scenario.clients.push(Client {
            id: format!("client-{group}"),
            position: Some([x, y]),
            target: format!("publisher-{group}"),
            timeout_ms: latency_ms * 10.0,
            generate: Some(Workload {
                arrivals: Arrivals::Poisson { per_second: writes },
                keys: Keys::Uniform { prefix: "key-".into(), count: 4 },
                read_share: 0.0,
                optimistic: None,
                from_ms: 0.0,
                until_ms: None,
            }),
            ..Client::default()
        });
    }
    assert_eq!(scenario.validate(), Ok(()), "a valid scenario");
    scenario
}
