//! Random replica groups with faults.

use super::{Choices, END_MS, does, faults, one};
use serde_json::{Value as Json, json};

/// A replica group of three members.
pub fn group(choices: &Choices) -> Json {
    let [protocol, r, w, repair, hints, data, route, sloppy] = choices.parts;
    let mut quorum = json!({ "read": 1 + r % 3, "write": 1 + w % 3, "timeout_ms": 100 });
    quorum["read_repair"] = json!(one(&["none", "async", "blocking"], repair));
    if hints % 3 == 0 {
        quorum["hints"] = json!({ "every_ms": 200 });
    }
    if hints % 5 == 0 {
        quorum["anti_entropy"] = json!({ "every_ms": 500 });
    }
    if sloppy % 5 == 0 {
        quorum["write_back"] = json!(true);
    }
    let protocol = match protocol % 8 {
        0..=2 => json!({ "quorum": quorum }),
        3 => json!({ "primary": { "acknowledgements": w % 3 } }),
        4 => json!({ "primary": { "acknowledgements": w % 3, "failover_ms": 300 } }),
        5 => json!({ "raft": {} }),
        6 => json!("chain"),
        _ => json!({ "two_phase": { "timeout_ms": 200 } }),
    };
    let is_quorum = protocol.get("quorum").is_some();
    let data = match is_quorum {
        true => one(&[json!({ "register": {} }), json!("set"), json!("counter"), json!("multi_value")], data),
        false => json!({ "register": {} }),
    };
    let route = if is_quorum { one(&["any", "nearest", "sticky"], route) } else { one(&["primary", "any"], route) };
    let mut operations: Vec<Json> = Vec::new();
    for (at, by) in &choices.writes {
        let operation = match data.as_str() {
            Some("set") => json!({ "add": { "key": "x", "element": at } }),
            Some("counter") => json!({ "increment": { "key": "x", "by": 1 } }),
            Some(_) | None => json!({ "write": { "key": one(&["x", "y"], *by / 3), "value": at } }),
        };
        operations.push(does(*at, operation));
    }
    operations.extend(choices.reads.iter().map(|at| does(*at, json!({ "read": { "key": "x" } }))));
    let links = [("c", "a"), ("c", "b"), ("a", "b"), ("b", "d"), ("a", "d")];
    json!({
        "converge": 1,
        "seed": choices.seed,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": [{ "id": "a" }, { "id": "b" }, { "id": "d" }],
        "clients": [{ "id": "c", "target": "g", "route": route, "timeout_ms": 300, "script": operations }],
        "groups": [{ "id": "g", "members": ["a", "b", "d"], "data": data, "protocol": protocol }],
        "script": faults(choices, (true, true), &["a", "b", "d"], &[], &links),
    })
}

/// Members that spread their writes as rumors.
pub fn rumors(choices: &Choices) -> Json {
    let mut document = group(choices);
    let [_, interest, fan_out, every, ..] = choices.parts;
    let rumor = json!({ "rumor": { "lose_interest_after": 1 + interest % 3 } });
    let every = one(&[json!({ "constant": { "ms": 300 } }), json!({ "exponential": { "mean_ms": 300 } })], every);
    document["groups"][0]["protocol"] =
        json!({ "gossip": { "style": rumor, "every": every, "fan_out": 1 + fan_out % 2 } });
    document["groups"][0]["data"] = json!({ "register": {} });
    document["clients"][0]["route"] = json!("any");
    let operations = document["clients"][0]["script"].as_array_mut().expect("operations");
    operations.retain(|step| step["do"].get("write").is_some() || step["do"].get("read").is_some());
    document
}

/// A sloppy quorum of five members, of which two are the replicas of a key.
pub fn sloppy_group(choices: &Choices) -> Json {
    let [r, w, repair, anti_entropy, route, slow, ..] = choices.parts;
    let members = ["a", "b", "d", "e", "f"];
    let mut quorum = json!({
        "replicas": 2, "read": 1 + r % 2, "write": 1 + w % 2, "sloppy": true, "hints": { "every_ms": 200 }, "timeout_ms": 100,
        "read_repair": one(&["none", "async", "blocking"], repair),
    });
    if anti_entropy % 4 == 0 {
        quorum["anti_entropy"] = json!({ "every_ms": 500 });
    }
    let mut operations: Vec<Json> = Vec::new();
    for (at, by) in &choices.writes {
        operations.push(does(*at, json!({ "write": { "key": one(&["x", "y"], *by), "value": at } })));
    }
    operations.extend(choices.reads.iter().map(|at| does(*at, json!({ "read": { "key": "x" } }))));
    let links: Vec<(&str, &str)> = [("c", "a"), ("c", "b")]
        .into_iter()
        .chain(members.iter().flat_map(|one| members.iter().map(move |other| (*one, *other))))
        .filter(|(one, other)| one < other || *one == "c")
        .collect();
    // Each fault once more, at another member, so that stand-ins are silent too.
    let twice = |all: &[(u16, u8, u8)]| {
        all.iter().flat_map(|(at, kind, place)| [(*at, *kind, *place), (*at, *kind, place.wrapping_add(1))]).collect()
    };
    let faulty = Choices { faults: twice(&choices.faults), ..choices.clone() };
    let services =
        members.map(|id| json!({ "id": id, "service_time": { "constant": { "ms": one(&[0, 5, 40], slow) } } }));
    json!({
        "converge": 1,
        "seed": choices.seed,
        "until_ms": END_MS,
        "default_latency": { "constant": { "ms": 3 } },
        "services": services,
        "clients": [{
            "id": "c", "target": "g", "route": one(&["any", "nearest", "sticky", "itself"], route), "timeout_ms": 300,
            "script": operations,
        }],
        "groups": [{ "id": "g", "members": members, "data": { "register": {} }, "protocol": { "quorum": quorum } }],
        "script": faults(&faulty, (true, true), &members, &[], &links),
    })
}
