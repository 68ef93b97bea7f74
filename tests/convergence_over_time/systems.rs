//! Random systems with faults: messaging, calls, replicated buses, readers of logs, and replica groups.

mod groups;

pub use groups::{group, rumors, sloppy_group};

use super::END_MS;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// The choices of a random system.
#[derive(Clone, Debug)]
pub struct Choices {
    /// What the system is made of.
    parts: [u8; 8],
    /// Writes: when, by whom, to which key.
    writes: Vec<(u16, u8)>,
    /// Faults: when, which kind, and where.
    faults: Vec<(u16, u8, u8)>,
    /// Faults after all writes, the same.
    pub late_faults: Vec<(u16, u8, u8)>,
    /// Healings: when and of what.
    healings: Vec<(u16, u8, u8)>,
    reads: Vec<u16>,
    seed: u64,
}

pub fn choices() -> impl Strategy<Value = Choices> {
    let writes = prop::collection::vec((100u16..1900, any::<u8>()), 1..4);
    let faults = prop::collection::vec((50u16..2000, any::<u8>(), any::<u8>()), 0..4);
    let late_faults = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((2100u16..5000, any::<u8>(), any::<u8>()), 1..3),
    ];
    let healings = prop::collection::vec((2000u16..6000, any::<u8>(), any::<u8>()), 0..3);
    let reads = prop::collection::vec(2500u16..7000, 0..3);
    let parts = any::<[u8; 8]>();
    let all = (parts, writes, faults, late_faults, healings, reads, 0u64..1000);
    all.prop_map(|(parts, writes, faults, late_faults, healings, reads, seed)| Choices {
        parts,
        writes,
        faults,
        late_faults,
        healings,
        reads,
        seed,
    })
}

fn does(at_ms: u16, command: Json) -> Json {
    json!({ "at_ms": at_ms, "do": command })
}

fn one<T: Clone>(all: &[T], choice: u8) -> T {
    all[usize::from(choice) % all.len()].clone()
}

/// The steps of the faults and healings of these nodes, buses and links.
fn faults(
    choices: &Choices,
    (pauses, loses_disks): (bool, bool),
    services: &[&str],
    buses: &[&str],
    links: &[(&str, &str)],
) -> Vec<Json> {
    let link = |place: u8, one_way: bool| {
        let (from, to) = one(links, place / 2);
        let (from, to) = if place.is_multiple_of(2) { (from, to) } else { (to, from) };
        json!({ "from": from, "to": to, "one_way": one_way })
    };
    let begun = choices.faults.iter().chain(&choices.late_faults).map(|(at, kind, place)| {
        let command = match kind % 7 {
            0 | 1 => json!({ "cut_link": link(*place, true) }),
            2 => json!({ "cut_link": link(*place, false) }),
            3 | 4 => json!({ "crash": { "service": one(services, *place) } }),
            5 => json!({ "crash": { "service": one(services, *place), "lose_disk": loses_disks } }),
            _ => match buses.first() {
                Some(bus) => json!({ "stop_bus": { "bus": bus } }),
                None if pauses => json!({ "pause": { "node": one(services, *place) } }),
                None => json!({ "crash": { "service": one(services, *place) } }),
            },
        };
        does(*at, command)
    });
    let healed = choices.healings.iter().map(|(at, kind, place)| {
        let command = match kind % 6 {
            0 | 1 => json!({ "heal_link": link(*place, false) }),
            2 => json!({ "restart": { "service": one(services, *place) } }),
            3 => match buses.first() {
                Some(bus) => json!({ "start_bus": { "bus": bus } }),
                None => json!({ "resume": { "node": one(services, *place) } }),
            },
            _ => json!("heal_all"),
        };
        does(*at, command)
    });
    begun.chain(healed).collect()
}

/// A writer whose updates reach two copies through a bus.
pub fn messaging(choices: &Choices) -> Json {
    let [mode, retry, effect, inbox, limit, acknowledge, order, slow] = choices.parts;
    let mode = match mode % 4 {
        0 => json!("after_commit"),
        1 => json!("before_commit"),
        2 => json!({ "outbox": { "poll_ms": 50, "batch": 2 } }),
        _ => json!({ "change_data_capture": { "poll_ms": 50, "batch": 2 } }),
    };
    let mut publication = json!({ "to": "q", "mode": mode });
    if retry % 3 > 0 {
        publication["retry"] = json!({ "timeout_ms": 100, "attempts": one(&[3, 10, 100], retry / 3) });
    }
    let effect = one(&["set_if_newer", "set_if_newer", "overwrite", "increment"], effect);
    let mut subscription = json!({ "to": "q", "effect": effect, "ack_deadline_ms": 500 });
    if inbox % 2 == 0 {
        subscription["inbox"] = json!({});
    }
    if limit % 3 == 0 {
        subscription["max_deliveries"] = json!(2);
        subscription["dead_letter"] = json!(limit % 2 == 0);
    }
    subscription["acknowledge"] =
        json!(one(&["after_processing", "after_processing", "before_processing", "never"], acknowledge));
    subscription["order"] = json!(one(&["none", "fifo_per_key"], order));
    subscription["processing"] = json!({ "constant": { "ms": one(&[1, 40, 300], slow) } });
    let writes = choices.writes.iter().map(|(at, by)| {
        let operation = match effect {
            "increment" => json!({ "increment": { "key": "n", "by": 1 } }),
            _ => json!({ "write": { "key": "n", "value": at } }),
        };
        (at, by, operation)
    });
    let mut script = faults(
        choices,
        (true, true),
        &["api", "w", "v"],
        &["q"],
        &[("api", "q"), ("q", "w"), ("q", "v"), ("c", "api")],
    );
    let mut client = Vec::new();
    for (at, by, operation) in writes {
        match by % 2 {
            0 => client.push(does(*at, operation)),
            _ => script.push(does(*at, json!({ "operate": { "service": "api", "operation": operation } }))),
        }
    }
    json!({
        "converge": 1,
        "seed": choices.seed,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [
            { "id": "api", "data": { "n": 0 }, "publishes": [publication] },
            { "id": "w", "data": { "n": 0 }, "subscribes": [subscription] },
            { "id": "v", "data": { "n": 0 }, "subscribes": [subscription] },
        ],
        "clients": [{ "id": "c", "target": "api", "timeout_ms": 100, "script": client }],
        "buses": [{ "id": "q" }],
        "script": script,
    })
}

/// The same with limits that events meet on their way: they expire, are poison messages, wait for places or polls, are handled
/// by chance, late, or twice, over links that lose or duplicate.
pub fn limited_queue(choices: &Choices) -> Json {
    let mut document = messaging(choices);
    let [.., place, kind, attach, processing] = choices.parts;
    let bits = choices.seed as u8;
    if bits.is_multiple_of(3) {
        document["buses"][0]["topics"] = json!([{ "name": "q", "retention_ms": one(&[800, 4000], bits / 3) }]);
    }
    for consumer in [1, 2] {
        let subscription = &mut document["services"][consumer]["subscribes"][0];
        match attach % 4 {
            0 => {
                subscription["attach"] = json!({ "polling": { "batch": 1, "wait_ms": one(&[200, 2000], attach / 4) } })
            }
            1 => {
                subscription["attach"] =
                    json!({ "connection": { "prefetch": 1 + attach / 4 % 2, "requeue_on_close": true } });
            }
            2 => subscription["max_in_flight"] = json!(1),
            _ => {}
        }
        if processing % 4 == 0 {
            subscription["processing"] = json!({ "constant": { "ms": 700 } });
        }
        if kind % 5 == 0 {
            subscription["fails"] = json!(0.5);
        }
    }
    let chance = match place % 8 {
        0 => json!({ "loss": 0.3 }),
        1 => json!({ "duplicate": 0.3 }),
        _ => json!({}),
    };
    let (from, to) = one(&[("api", "q"), ("q", "w")], place / 8);
    let mut link = json!({ "from": from, "to": to });
    link.as_object_mut().expect("an object").extend(chance.as_object().expect("an object").clone());
    document["links"] = json!([link]);
    if kind % 3 == 0 {
        for step in document["script"].as_array_mut().expect("steps") {
            if let Some(operate) = step["do"].get_mut("operate") {
                operate["poison"] = json!(true);
                break;
            }
        }
    }
    document
}

/// A service that calls another one.
pub fn calls(choices: &Choices) -> Json {
    let [two_phase, effect, slow, chain, ..] = choices.parts;
    let operation = |at: u16| match effect % 3 {
        0 => json!({ "increment": { "key": "n", "by": 1 } }),
        _ => json!({ "write": { "key": "n", "value": at } }),
    };
    let shares = effect % 3 == 1;
    let called = |key: &str| match effect % 3 {
        0 => json!({ "increment": { "key": key, "by": 1 } }),
        _ => json!({ "write": { "key": key, "value": 1 } }),
    };
    let two_phase = two_phase % 2 == 0;
    let call = |to: &str| {
        let mut call = json!({ "to": to, "timeout_ms": one(&[50, 300], slow) });
        if !shares {
            call["do"] = called(if to == "w" { "m" } else { "p" });
        }
        call
    };
    let processing = json!({ "constant": { "ms": one(&[1, 40, 100], slow / 2) } });
    let mut api = json!({ "id": "api", "data": { "n": 0 }, "service_time": processing });
    let mut w = json!({ "id": "w", "data": if shares { json!({ "n": 0 }) } else { json!({ "m": 0 }) }, "service_time": processing });
    let v = json!({ "id": "v", "data": if shares { json!({ "n": 0 }) } else { json!({ "p": 0 }) }, "service_time": processing });
    api["calls"] = json!([call("w"), call("v")]);
    if two_phase {
        api["commit"] = json!("two_phase");
    } else if chain % 2 == 0 {
        api["calls"] = json!([call("w")]);
        w["calls"] = json!([call("v")]);
    }
    let mut script =
        faults(choices, (true, true), &["api", "w", "v"], &[], &[("api", "w"), ("api", "v"), ("w", "v"), ("c", "api")]);
    let mut client = Vec::new();
    for (at, by) in &choices.writes {
        match by % 2 {
            0 => client.push(does(*at, operation(*at))),
            _ => script.push(does(*at, json!({ "operate": { "service": "api", "operation": operation(*at) } }))),
        }
    }
    json!({
        "converge": 1,
        "seed": choices.seed,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [api, w, v],
        "clients": [{ "id": "c", "target": "api", "timeout_ms": 100, "script": client }],
        "script": script,
    })
}

/// A writer whose updates reach two copies through a bus of several brokers.
pub fn replicated_bus(choices: &Choices) -> Json {
    let [mode, retry, commit, insync, acks, order, effect, session] = choices.parts;
    let mode = match mode % 3 {
        0 => json!("after_commit"),
        1 => json!({ "outbox": { "poll_ms": 50, "batch": 2 } }),
        _ => json!({ "change_data_capture": { "poll_ms": 50, "batch": 2 } }),
    };
    let mut publication = json!({ "to": "q", "mode": mode, "acks": one(&["all", "all", "leader"], acks) });
    if retry % 3 > 0 {
        publication["retry"] = json!({ "timeout_ms": 100, "attempts": one(&[3, 30, 100], retry / 3) });
    }
    let commit = match commit % 3 {
        0 => json!("majority"),
        unclean => json!({ "in_sync": { "min_insync": 1 + insync % 3, "unclean_election": unclean == 2 } }),
    };
    let subscription = json!({
        "to": "q", "effect": one(&["set_if_newer", "set_if_newer", "overwrite", "increment"], effect),
        "ack_deadline_ms": 500, "order": one(&["none", "fifo_per_key", "log"], order),
    });
    let begun = choices.faults.iter().chain(&choices.late_faults).map(|(at, kind, place)| {
        let command = match kind % 4 {
            0 | 1 => json!({ "stop_broker": { "bus": "q", "broker": 1 + place % 3, "lose_disk": place % 5 == 0 } }),
            2 => json!({ "stop_broker": { "bus": "q" } }),
            _ => json!({ "stop_bus": { "bus": "q" } }),
        };
        does(*at, command)
    });
    let healed = choices.healings.iter().map(|(at, kind, place)| {
        let command = match kind % 5 {
            0 | 1 => json!({ "start_broker": { "bus": "q", "broker": 1 + place % 3 } }),
            2 => json!({ "start_broker": { "bus": "q" } }),
            3 => json!({ "start_bus": { "bus": "q" } }),
            _ => json!("heal_all"),
        };
        does(*at, command)
    });
    let mut script: Vec<Json> = begun.chain(healed).collect();
    script.extend(choices.writes.iter().map(|(at, _)| {
        let operation = match subscription["effect"].as_str() {
            Some("increment") => json!({ "increment": { "key": "n", "by": 1 } }),
            _ => json!({ "write": { "key": "n", "value": at } }),
        };
        does(*at, json!({ "operate": { "service": "api", "operation": operation } }))
    }));
    let replication = json!({
        "replicas": 3, "session_ms": one(&[100, 600, 2000], session), "commit": commit,
    });
    json!({
        "converge": 1,
        "seed": choices.seed,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [
            { "id": "api", "data": { "n": 0 }, "publishes": [publication] },
            { "id": "w", "data": { "n": 0 }, "subscribes": [subscription] },
            { "id": "v", "data": { "n": 0 }, "subscribes": [subscription] },
        ],
        "buses": [{ "id": "q", "replication": replication }],
        "script": script,
    })
}

/// A writer of several keys, whose events readers of a log apply; some fail every time or cannot be stored.
pub fn log(choices: &Choices) -> Json {
    let [mode, effect, limit, partitions, session, slow, order, inbox] = choices.parts;
    let mode = match mode % 3 {
        0 => json!("after_commit"),
        1 => json!({ "outbox": { "poll_ms": 50, "batch": 2 } }),
        _ => json!({ "change_data_capture": { "poll_ms": 50, "batch": 2 } }),
    };
    let publication = json!({ "to": "q", "mode": mode, "retry": { "timeout_ms": 100, "attempts": 100 } });
    let effect = one(&["set_if_newer", "increment", "increment"], effect);
    let mut subscription = json!({
        "to": "q", "effect": effect, "ack_deadline_ms": 500, "order": one(&["log", "log", "log", "fifo_per_key", "none"], order),
        "processing": { "constant": { "ms": one(&[1, 40, 300], slow) } },
    });
    if limit % 3 == 0 {
        subscription["max_deliveries"] = json!(2);
    }
    if inbox % 2 == 0 {
        subscription["inbox"] = json!({});
    }
    if session % 3 == 0 && subscription["order"] == "log" {
        subscription["session"] = json!({ "timeout_ms": 600, "heartbeat_ms": 100, "max_poll_ms": 2000 });
    }
    let mut script = faults(choices, (true, true), &["w", "v", "api"], &["q"], &[("q", "w"), ("q", "v"), ("api", "q")]);
    script.extend(choices.writes.iter().map(|(at, by)| {
        let key = one(&["n", "m"], *by);
        let operation = match (effect, by / 2 % 4) {
            ("increment", 0) => json!({ "write": { "key": key, "value": "text" } }),
            ("increment", _) => json!({ "increment": { "key": key, "by": 1 } }),
            _ => json!({ "write": { "key": key, "value": at } }),
        };
        let poison = by % 16 == 3;
        does(*at, json!({ "operate": { "service": "api", "operation": operation, "poison": poison } }))
    }));
    json!({
        "converge": 1,
        "seed": choices.seed,
        // What cannot be stored is delivered again at once.
        "until_ms": 15_000,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [
            { "id": "api", "data": { "n": 0, "m": 0 }, "publishes": [publication] },
            { "id": "w", "data": { "n": 0, "m": 0 }, "subscribes": [subscription] },
            { "id": "v", "data": { "n": 0, "m": 0 }, "subscribes": [subscription] },
        ],
        "buses": [{ "id": "q", "topics": [{ "name": "q", "partitions": 1 + partitions % 2 }] }],
        "script": script,
    })
}

/// A writer of several keys, whose events two readers of a log share, which rebalance when one leaves or joins.
pub fn shared_log(choices: &Choices) -> Json {
    let [mode, effect, commit, partitions, acknowledge, slow, rebalance, poll] = choices.parts;
    let mode = match mode % 2 {
        0 => json!("after_commit"),
        _ => json!({ "outbox": { "poll_ms": 50, "batch": 2 } }),
    };
    let publication = json!({ "to": "q", "mode": mode, "retry": { "timeout_ms": 100, "attempts": 100 } });
    let effect = one(&["set_if_newer", "set_if_newer", "increment"], effect);
    let mut subscription = json!({
        "to": "q", "group": "workers", "effect": effect, "ack_deadline_ms": 500, "order": "log",
        "acknowledge": one(&["after_processing", "after_processing", "before_processing"], acknowledge),
        "processing": { "constant": { "ms": one(&[1, 40, 300], slow) } },
        "session": { "timeout_ms": 600, "heartbeat_ms": 100, "max_poll_ms": one(&[2000, 1000], poll) },
    });
    if commit % 2 == 0 {
        subscription["commit_every_ms"] = json!(one(&[150, 700], commit / 2));
    }
    let mut script = faults(choices, (true, true), &["w", "v", "api"], &["q"], &[("q", "w"), ("q", "v"), ("api", "q")]);
    script.extend(choices.writes.iter().map(|(at, by)| {
        let key = one(&["n", "m", "o"], *by);
        let operation = match effect {
            "increment" => json!({ "increment": { "key": key, "by": 1 } }),
            _ => json!({ "write": { "key": key, "value": at } }),
        };
        does(*at, json!({ "operate": { "service": "api", "operation": operation } }))
    }));
    if rebalance % 2 == 0 {
        script.push(does(1000 + u16::from(rebalance) * 8, json!({ "rebalance": { "bus": "q" } })));
    }
    json!({
        "converge": 1,
        "seed": choices.seed,
        "until_ms": 20_000,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [
            { "id": "api", "data": { "n": 0, "m": 0, "o": 0 }, "publishes": [publication] },
            { "id": "w", "data": { "n": 0, "m": 0, "o": 0 }, "subscribes": [subscription] },
            { "id": "v", "data": { "n": 0, "m": 0, "o": 0 }, "subscribes": [subscription] },
        ],
        "buses": [{ "id": "q", "topics": [{ "name": "q", "partitions": 1 + partitions % 3 }] }],
        "script": script,
    })
}
