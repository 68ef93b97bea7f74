use super::*;
use crate::app::edit;
use crate::app::texts::{self, Language};
use crate::scenario::examples::EXAMPLES;
use std::collections::BTreeSet;

/// A document with every field, in every variant that has its own fields.
const EVERYTHING: &str = r#"{
  "converge": 1, "title": "T", "note": "N", "seed": 5, "until_ms": 9000,
  "default_latency": { "uniform": { "low_ms": 1, "high_ms": 2 } },
  "services": [
    { "id": "a", "name": "A", "position": [1, 2], "data": { "k": 1, "l": { "list": [2, 1, 2] }, "m": { "map": { "size": 3 } } }, "service_time": { "exponential": { "mean_ms": 2 } },
      "concurrency": 3, "queue": 4, "clock": { "offset_ms": 5, "drift_ppm": 6, "offset_sd_ms": 2 }, "calls": [{ "to": "b", "timeout_ms": 7 }],
      "publishes": [{ "to": "bus", "topic": "t", "mode": "before_commit", "gap_ms": 3, "retry": { "timeout_ms": 8, "attempts": 9 }, "acks": "leader" },
        { "to": "bus", "topic": "u", "mode": { "outbox": { "poll_ms": 5, "batch": 6 } } }] },
    { "id": "b", "subscribes": [
      { "to": "bus", "topic": "t", "effect": "overwrite", "processing": { "normal": { "mean_ms": 1, "sd_ms": 2 } }, "fails": 0.5,
        "acknowledge": "before_processing", "ack_deadline_ms": 3, "max_deliveries": 4,
        "backoff": { "exponential": { "base_ms": 5, "cap_ms": 6 } }, "dead_letter": false, "order": "fifo_per_key", "max_in_flight": 7,
        "limit": "redeliveries", "inbox": { "window_ms": 9 }, "group": "g", "dead_letter_renews_time": true, "commit_every_ms": 4 },
      { "to": "bus", "topic": "u", "effect": "increment", "backoff": { "fixed": { "ms": 5 } } }] },
    { "id": "x", "publishes": [{ "to": "bus", "topic": "u", "mode": { "change_data_capture": { "poll_ms": 5, "batch": 6, "flush_ms": 7 } }, "forward": { "key": "o", "times": 2, "plus": 1 } }],
      "subscribes": [{ "to": "bus", "topic": "t", "order": "log", "session": { "timeout_ms": 9, "heartbeat_ms": 3, "max_poll_ms": 20 }, "backoff": { "equal_jitter": { "base_ms": 5, "cap_ms": 6 } } }] },
    { "id": "y", "store": "shelf", "subscribes": [{ "to": "bus", "topic": "t", "attach": { "connection": { "prefetch": 5, "heartbeat_ms": 60, "requeue_on_close": true } },
      "late_acknowledgement": "accept", "on_failure": "wait", "backoff": { "full_jitter": { "base_ms": 5, "cap_ms": 6 } } }] },
    { "id": "m", "publishes": [{ "to": "bus", "topic": "t", "mode": { "change_data_capture": { "poll_ms": 5, "batch": 6 } } }],
      "subscribes": [{ "to": "bus", "topic": "u", "effect": "last_writer_wins" }] },
    { "id": "w", "commit": "two_phase", "calls": [{ "to": "v", "do": { "increment": { "key": "k", "by": 1 } } }] }, { "id": "v" },
    { "id": "q1" }, { "id": "q2" }, { "id": "q3" }, { "id": "p1" }, { "id": "p2" }, { "id": "r1" }, { "id": "h1" }, { "id": "t1" }, { "id": "g1" },
    { "id": "z", "subscribes": [{ "to": "bus", "topic": "t", "attach": { "polling": { "batch": 2, "wait_ms": 5, "prefetch": 1 } }, "backoff": { "decorrelated_jitter": { "base_ms": 5, "cap_ms": 6 } } }] }
  ],
  "buses": [{ "id": "bus", "name": "B", "position": [3, 4], "flush_ms": 5, "acknowledges_flushed": true,
    "replication": { "replicas": 3, "latency": { "constant": { "ms": 5 } }, "session_ms": 8, "commit": { "in_sync": { "min_insync": 2, "lag_ms": 7, "unclean_election": true } } },
    "topics": [{ "name": "t", "partitions": 2, "dedup_ms": 100, "retention_ms": 200 }, { "name": "u" }] }],
  "clients": [
    { "id": "c", "name": "C", "position": [5, 6], "target": "a", "reads_from": "b", "sessions": 2, "timeout_ms": 3, "attempts": 2,
      "script": [
        { "at_ms": 1, "do": { "read": { "key": "k" } } }, { "at_ms": 2, "do": { "write": { "key": "k", "value": 1 } } },
        { "at_ms": 3, "do": { "add": { "key": "s", "element": 1 } } }, { "at_ms": 4, "do": { "remove": { "key": "s", "element": 1 } } },
        { "at_ms": 5, "do": { "increment": { "key": "k", "by": 1 } } }, { "at_ms": 5, "do": { "delete": { "key": "k" } } },
        { "at_ms": 5, "do": { "put": { "key": "m", "field": "size", "value": 3 } } },
        { "at_ms": 5, "do": { "insert": { "key": "l", "at": 2, "element": 1 } } }, { "at_ms": 5, "do": { "remove_at": { "key": "l", "at": 1 } } },
        { "at_ms": 6, "do": { "compare_and_set": { "key": "k", "expect": 1, "value": 2 } } }],
      "generate": { "arrivals": { "poisson": { "per_second": 1 } }, "keys": { "one": { "key": "k" } }, "read_share": 0.5, "optimistic": { "full_jitter": { "base_ms": 1, "cap_ms": 2 } }, "from_ms": 1, "until_ms": 2 } },
    { "id": "d", "target": "a", "generate": { "arrivals": { "periodic": { "every_ms": 1 } }, "keys": { "uniform": { "prefix": "p", "count": 2 } } } },
    { "id": "e", "target": "a", "generate": { "arrivals": { "closed": { "think": { "pareto": { "scale_ms": 1, "shape": 2 } } } },
      "keys": { "zipf": { "prefix": "p", "count": 2, "exponent": 1 } } } },
    { "id": "f", "target": "quorum", "route": "itself", "read_route": "any", "guarantees": ["read_your_writes", "writes_follow_reads"],
      "generate": { "arrivals": { "after": { "client": "c", "ms": 5 } }, "keys": { "one": { "key": "k" } } } }
  ],
  "groups": [
    { "id": "quorum", "name": "Q", "members": ["q1", "q2", "q3"], "data": { "register": { "clock": "lamport" } }, "protocol": { "quorum": {
      "replicas": 2, "read": 2, "write": 2, "sloppy": true, "hints": { "window_ms": 5, "every_ms": 6 }, "read_repair": "blocking",
      "write_back": true, "anti_entropy": { "every_ms": 7, "depth": 3 }, "timeout_ms": 8, "tombstone_grace_ms": 9 } } },
    { "id": "primary", "members": ["p1", "p2"], "protocol": { "primary": { "acknowledgements": 1, "failover_ms": 5, "heartbeat_ms": 6 } } },
    { "id": "raft", "members": ["r1"], "protocol": { "raft": { "election_ms": 5, "heartbeat_ms": 6, "reads": "local" } } },
    { "id": "fed", "members": ["m"], "protocol": { "quorum": {} } },
    { "id": "chain", "members": ["h1"], "protocol": "chain" },
    { "id": "two", "members": ["t1"], "protocol": { "two_phase": { "timeout_ms": 5 } } },
    { "id": "gossip", "members": ["g1"], "data": { "merged": { "by": "max" } }, "protocol": { "gossip": {
      "style": { "rumor": { "lose_interest_after": 2 } }, "every": { "exponential": { "mean_ms": 5 } }, "fan_out": 2 } } }
  ],
  "regions": [{ "id": "east", "name": "E", "nodes": ["q1", "q2"], "latency": [{ "to": "east", "latency": { "constant": { "ms": 1 } } }] }],
  "links": [
    { "from": "a", "to": "bus", "latency": { "mixture": { "parts": [
      { "weight": 1, "of": { "lognormal": { "median_ms": 1, "sigma": 2 } } }, { "weight": 2, "of": { "constant": { "ms": 9 } } }] } },
      "loss": 0.1, "duplicate": 0.2, "fifo": true },
    { "from": "bus", "to": "b", "latency": { "samples": { "ms": [1, 2] } } }
  ],
  "script": [
    { "at_ms": 1, "do": { "operate": { "service": "a", "operation": { "write": { "key": "k", "value": 1 } }, "poison": true } } },
    { "at_ms": 2, "do": { "cut_link": { "from": "a", "to": "bus", "one_way": true } } },
    { "at_ms": 3, "do": { "heal_link": { "from": "a", "to": "bus", "one_way": true } } },
    { "at_ms": 4, "do": { "crash": { "service": "a", "lose_disk": true } } }, { "at_ms": 5, "do": { "restart": { "service": "a" } } },
    { "at_ms": 6, "do": "heal_all" },
    { "at_ms": 7, "do": { "disturb_link": { "from": "a", "to": "bus", "one_way": true, "loss": 0.1, "duplicate": 0.2, "delay": { "constant": { "ms": 5 } }, "reorder": 0.3 } } },
    { "at_ms": 7, "do": { "disturb_link": { "from": "a", "to": "bus", "loss": 0.1 } } },
    { "at_ms": 8, "do": { "partition": { "groups": [["a", "c"], ["bus"]] } } },
    { "at_ms": 9, "do": { "pause": { "node": "a" } } }, { "at_ms": 10, "do": { "resume": { "node": "a" } } },
    { "at_ms": 11, "do": { "slow_down": { "service": "b", "factor": 4 } } },
    { "at_ms": 12, "do": { "set_clock": { "service": "b", "offset_ms": 4, "drift_ppm": 5 } } },
    { "at_ms": 13, "do": { "jump_clock": { "service": "b", "by_ms": -4 } } },
    { "at_ms": 14, "do": { "stop_bus": { "bus": "bus", "lose_unflushed": true } } }, { "at_ms": 15, "do": { "start_bus": { "bus": "bus" } } },
    { "at_ms": 16, "do": { "rebalance": { "bus": "bus" } } }, { "at_ms": 17, "do": { "redrive": { "bus": "bus", "service": "b" } } },
    { "at_ms": 17, "do": { "stop_broker": { "bus": "bus", "broker": 2, "lose_disk": true } } }, { "at_ms": 18, "do": { "start_broker": { "bus": "bus", "broker": 2 } } },
    { "at_ms": 18, "do": { "purge": { "bus": "bus", "service": "b" } } }
  ],
  "invariants": ["k >= 0 when quiescent"],
  "branches": [{ "name": "small", "set": { "a.queue": "2" }, "script": [{ "at_ms": 5, "do": { "crash": { "service": "b" } } }] }], "branch": "small",
  "promises": ["converged", { "stale": { "service": "b", "key": "k" } },
    { "diverged": { "service": "b", "key": "k" } }, { "consistent": { "service": "b", "key": "k" } }, "all_operations_ok", "no_stale_reads",
    { "conflicted": { "service": "b", "key": "k" } }, { "lost_updates": { "count": 2 } }]
}"#;

fn selections(scenario: &Scenario) -> Vec<Option<CanvasItem>> {
    let nodes = node_ids(scenario).into_iter().map(|id| Some(CanvasItem::Node(id)));
    let links =
        scenario.links.iter().map(|link| Some(CanvasItem::Link { from: link.from.clone(), to: link.to.clone() }));
    let groups = scenario.groups.iter().map(|group| Some(CanvasItem::Node(group.id.clone())));
    std::iter::once(None).chain(nodes).chain(links).chain(groups).collect()
}

fn all_fields(scenario: &Scenario) -> Vec<Field> {
    let sections = selections(scenario).into_iter().flat_map(|item| sections(scenario, item.as_ref()));
    sections.flat_map(|section| section.fields).collect()
}

fn leaves(json: &Json, path: &Path, out: &mut Vec<Path>) {
    let mut below = |step: String, value: &Json| {
        let mut path = path.clone();
        path.push(step);
        leaves(value, &path, out);
    };
    match json {
        Json::Object(fields) => fields.iter().for_each(|(name, value)| below(name.clone(), value)),
        Json::Array(items) => items.iter().enumerate().for_each(|(i, value)| below(i.to_string(), value)),
        _ => out.push(path.clone()),
    }
}

#[test]
fn every_field_of_the_document_has_a_field_in_the_inspector() {
    let scenario = Scenario::from_json(EVERYTHING).expect("valid");
    let fields: BTreeSet<Path> = all_fields(&scenario).into_iter().map(|field| field.path).collect();
    let mut places = Vec::new();
    leaves(&serde_json::from_str(EVERYTHING).expect("JSON"), &Vec::new(), &mut places);
    // The format's version and the ids are no settings.
    let fixed = |path: &Path| {
        let id = path.last().is_some_and(|last| last == "id");
        let end = path[0] == "links" && path.len() == 3 && matches!(path[2].as_str(), "from" | "to");
        // Branches have a separate panel.
        id || end || ["converge", "branches", "branch"].contains(&path[0].as_str())
    };
    for place in places.iter().filter(|place| !fixed(place)) {
        let reached = (1..=place.len()).any(|length| fields.contains(&place[..length]));
        assert!(reached, "no field leads to {}", place.join("/"));
    }
    // The document above must have every property of the types.
    let mut schema: Json = serde_json::from_str(&crate::scenario::schema::json_schema()).expect("JSON");
    // Tasks are written by the author of a course in the document; the inspector is for those who solve them.
    for task in ["Task", "Goal"] {
        schema["$defs"].as_object_mut().and_then(|types| types.remove(task)).expect("a type of tasks");
    }
    schema["properties"].as_object_mut().and_then(|fields| fields.remove("tasks")).expect("the tasks");
    let mut names = BTreeSet::new();
    properties(&schema, &mut names);
    for name in names {
        assert!(EVERYTHING.contains(&format!("\"{name}\"")), "the document of this test lacks `{name}`");
    }
}

fn properties(schema: &Json, names: &mut BTreeSet<String>) {
    match schema {
        Json::Object(fields) => {
            if let Some(Json::Object(properties)) = fields.get("properties") {
                names.extend(properties.keys().cloned());
            }
            fields.values().for_each(|value| properties(value, names));
        }
        Json::Array(items) => items.iter().for_each(|value| properties(value, names)),
        _ => {}
    }
}

#[test]
fn parsing_the_text_of_a_field_returns_its_value_in_the_document() {
    let everything = Scenario::from_json(EVERYTHING).expect("valid");
    for scenario in EXAMPLES.iter().map(|example| example.scenario()).chain([everything]) {
        for field in all_fields(&scenario) {
            // Choosing the current variant again would reset its numbers.
            if matches!(field.kind, FieldKind::Choice(_)) {
                continue;
            }
            let value = parse(&field.kind, &field.text).expect("what is shown can be read");
            let value = if field.text.is_empty() { Json::Null } else { value };
            let again = edit::set(&scenario, &field.path, value).unwrap_or_else(|why| panic!("{field:?}: {why}"));
            assert_eq!(again, scenario, "{field:?}");
        }
    }
}

#[test]
fn a_choice_shows_its_value_in_german_too() {
    let everything = Scenario::from_json(EVERYTHING).expect("valid");
    let examples = EXAMPLES.iter().map(|example| example.scenario());
    texts::set_language(Language::German);
    for scenario in examples.chain([everything]) {
        for field in all_fields(&scenario) {
            let FieldKind::Choice(choices) = &field.kind else { continue };
            assert!(choices.iter().any(|(label, _)| *label == field.text), "{}: {field:?}", scenario.title);
        }
    }
    texts::set_language(Language::English);
}

#[test]
fn every_offered_choice_makes_a_valid_drawing() {
    let everything = Scenario::from_json(EVERYTHING).expect("valid");
    for field in all_fields(&everything) {
        let FieldKind::Choice(choices) = &field.kind else { continue };
        assert!(choices.iter().any(|(label, _)| *label == field.text), "{field:?}");
        for (label, value) in choices {
            // A few choices conflict with the rest of this document.
            if let Err(why) = edit::set(&everything, &field.path, value.clone()) {
                let clash = [
                    "already",
                    "cycle",
                    "without end",
                    "Must be absent",
                    "no effect",
                    "topic",
                    "another node",
                    "retries",
                    "replication",
                    "broker",
                ]
                .iter()
                .any(|word| why.contains(word));
                assert!(clash, "{} = {label}: {why}", field.path.join("/"));
            }
        }
    }
}

#[test]
fn invalid_input_is_refused_with_the_expectation() {
    let percent = FieldKind::Number { scale: PERCENT, optional: false };
    assert_eq!(parse(&percent, "140"), Err("Between 0 and 100 %.".into()));
    assert_eq!(parse(&percent, "12,5"), Ok(serde_json::json!(0.125)));
    assert_eq!(parse(&FieldKind::Number { scale: 1.0, optional: false }, ""), Err("Enter a number.".into()));
    assert_eq!(parse(&FieldKind::Number { scale: 1.0, optional: true }, ""), Ok(Json::Null));
    assert_eq!(parse(&FieldKind::Numbers, "1\n2.5; x"), Err("The 3. entry, “x”, is not a number.".into()));
    let samples = serde_json::json!([40, 50.5]);
    assert_eq!(parse(&FieldKind::Numbers, "latency_ms\n40\n50.5"), Ok(samples.clone()), "a header");
    assert_eq!(parse(&FieldKind::Numbers, "time,latency,host\n1,40,7\n2,50.5,8\n"), Ok(samples), "columns");
    assert!(parse(&FieldKind::Numbers, "latency").is_err());
    assert_eq!(parse(&FieldKind::Value, "{b, 3}"), Ok(serde_json::json!(["b", 3])));
    assert_eq!(parse(&FieldKind::Value, "[b, 3, b]"), Ok(serde_json::json!({ "list": ["b", 3, "b"] })));
    assert_eq!(parse(&FieldKind::Value, "{size: 3}"), Ok(serde_json::json!({ "map": { "size": 3 } })));
}

#[test]
fn nodes_are_chosen_by_their_names() {
    let mut scenario = Scenario::from_json(EVERYTHING).expect("valid");
    scenario.services[1].name = "Orders".into();
    scenario.services[4].name = "Orders".into();
    let fields = all_fields(&scenario);
    let choices = fields.iter().filter_map(|field| match &field.kind {
        FieldKind::Choice(choices) if field.path.join("/") == "clients/1/target" => Some(choices),
        _ => None,
    });
    let labels: Vec<&str> = choices.flatten().map(|(label, _)| label.as_str()).collect();
    assert!(labels.contains(&"A") && labels.contains(&"Orders (b)") && !labels.contains(&"a"), "{labels:?}");
    let members = fields.iter().find(|field| field.path.join("/") == "groups/3/members").expect("the members of fed");
    assert_eq!(members.text, "Orders (m)");
    assert_eq!(parse(&members.kind, "Orders (m), A"), Ok(serde_json::json!(["m", "a"])));
    assert_eq!(parse(&members.kind, "nobody"), Err("“nobody” does not exist.".into()));
}

#[test]
fn what_a_task_permits_has_the_names_of_the_inspector() {
    for challenge in crate::scenario::challenges::CHALLENGES {
        let scenario = challenge.scenario();
        for rule in scenario.tasks.iter().flat_map(|task| &task.change) {
            let Some((id, _)) = rule.split_once('.').filter(|(id, _)| scenario.ids().any(|known| known == *id)) else {
                continue;
            };
            assert_ne!(names_of(&scenario, id, rule), Vec::<String>::new(), "{}: {rule}", challenge.id);
        }
    }
    let quorum = crate::scenario::challenges::find("cheapest-quorum").expect("a challenge").scenario();
    assert_eq!(names_of(&quorum, "prices", "prices.protocol.quorum.read"), ["R: read quorum"]);
}
