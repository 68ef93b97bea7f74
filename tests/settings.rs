//! Settings without effect are reported with their paths, and settings with an effect are not.

mod broken_parts;
mod without_use;

use converge::language::{Language, set_language};
use converge::lessons::LESSONS;
use converge::lessons::lesson::Lesson;
use converge::scenario::Scenario;
use converge::scenario::challenges::CHALLENGES;
use converge::scenario::examples::EXAMPLES;
use serde_json::{Value, json};

/// Two services and a bus, a replica group with a client, and a client of a service; all settings have an effect.
fn document() -> Value {
    json!({
        "converge": 1,
        "services": [
            { "id": "a", "data": { "n": 1, "s": [1], "l": { "list": [1] }, "t": "x" }, "publishes": [{ "to": "bus" }] },
            { "id": "b", "data": { "s": [1], "l": { "list": [1] }, "t": "x" }, "subscribes": [{ "to": "bus" }] },
            { "id": "x" }, { "id": "y" }, { "id": "z" }
        ],
        "buses": [{ "id": "bus", "topics": [{ "name": "t" }] }],
        "groups": [{ "id": "g", "members": ["x", "y", "z"] }],
        "clients": [
            { "id": "c", "target": "a", "script": [{ "at_ms": 1, "do": { "read": { "key": "n" } } }] },
            { "id": "d", "target": "g", "script": [
                { "at_ms": 1, "do": { "write": { "key": "k", "value": 1 } } }, { "at_ms": 9, "do": { "read": { "key": "k" } } }
            ] }
        ],
        "script": [{ "at_ms": 5, "do": { "operate": { "service": "a", "operation": { "write": { "key": "n", "value": 2 } } } } }]
    })
}

/// Returns the document with other values at JSON pointers; a missing last field is added.
fn changed(changes: &[(&str, Value)]) -> Scenario {
    let mut document = document();
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        match document.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}")) {
            Value::Object(fields) => {
                fields.insert(field.into(), value.clone());
            }
            Value::Array(items) if field == "-" => items.push(value.clone()),
            Value::Array(items) => items[field.parse::<usize>().expect("an index")] = value.clone(),
            other => panic!("{pointer}: {other}"),
        }
    }
    Scenario::from_json(&document.to_string()).unwrap_or_else(|errors| panic!("{changes:?}: {errors:?}"))
}

fn paths(changes: &[(&str, Value)]) -> Vec<String> {
    changed(changes).warnings().into_iter().map(|warning| warning.path).collect()
}

const OUTBOX: &str = "/services/0/publishes/0/mode";
const SUBSCRIPTION: &str = "/services/1/subscribes/0";

fn subscription(fields: &Value) -> Value {
    let mut subscription = json!({ "to": "bus" });
    subscription.as_object_mut().expect("an object").extend(fields.as_object().expect("fields").clone());
    subscription
}

fn operate(operation: &Value) -> Value {
    json!({ "at_ms": 7, "do": { "operate": { "service": "a", "operation": operation } } })
}

#[test]
fn settings_of_a_document_with_an_effect_are_not_reported() {
    assert_eq!(paths(&[]), Vec::<String>::new());
    let mut found = Vec::new();
    let mut warned = |name: &str, scenario: &Scenario| {
        found.extend(scenario.warnings().iter().map(|warning| format!("{name}: {warning}")));
    };
    EXAMPLES.iter().for_each(|example| warned(example.id, &example.scenario()));
    CHALLENGES.iter().for_each(|challenge| warned(challenge.id, &challenge.scenario()));
    for (_, text) in LESSONS {
        let lesson = Lesson::parse(text).expect("a lesson");
        lesson.scenarios.iter().for_each(|(id, scenario)| warned(id, scenario));
    }
    // Variants of an example that end earlier, or are one of its branches, keep all of its links and steps.
    let is_inherited = |warning: &String| {
        ["after: links[1]", "soon: "].iter().any(|start| warning.starts_with(start))
            || warning.contains("the run ends at")
    };
    found.retain(|warning| !is_inherited(warning));
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_setting_of_a_subscription_without_effect_is_reported() {
    let session = json!({ "timeout_ms": 9000, "heartbeat_ms": 1000, "max_poll_ms": 9000 });
    let prefetch = |n: u32| json!({ "connection": { "prefetch": n } });
    let cases = [
        (json!({ "session": session }), "session"),
        (json!({ "acknowledge": "never", "ack_deadline_ms": 500 }), "ack_deadline_ms"),
        (json!({ "acknowledge": "never", "max_deliveries": 3 }), "max_deliveries"),
        (json!({ "acknowledge": "never", "max_in_flight": 5 }), "max_in_flight"),
        (json!({ "acknowledge": "never", "attach": prefetch(5) }), "attach.connection.prefetch"),
        (json!({ "acknowledge": "never", "late_acknowledgement": "accept" }), "late_acknowledgement"),
        (json!({ "acknowledge": "before_processing", "on_failure": "wait" }), "on_failure"),
        (json!({ "inbox": { "window_ms": 0 } }), "inbox.window_ms"),
        (json!({ "inbox": { "window_ms": 0.0001 } }), "inbox.window_ms"),
        (json!({ "dead_letter": false }), "dead_letter"),
        (json!({ "max_deliveries": 3, "dead_letter_renews_time": true }), "dead_letter_renews_time"),
        (json!({ "attach": prefetch(5), "limit": "redeliveries" }), "limit"),
        (json!({ "max_deliveries": 1, "backoff": { "fixed": { "ms": 5 } } }), "backoff"),
        (json!({ "max_in_flight": 5, "attach": prefetch(9) }), "attach.connection.prefetch"),
        (json!({ "max_in_flight": 50, "attach": prefetch(9) }), "max_in_flight"),
        (json!({ "attach": { "polling": { "batch": 50 } } }), "attach.polling.batch"),
    ];
    for (fields, field) in cases {
        let found = paths(&[(SUBSCRIPTION, subscription(&fields))]);
        assert_eq!(found, [format!("services[1].subscribes[0].{field}")], "{fields}");
    }
    for fields in [
        json!({ "order": "log", "session": session }),
        json!({ "ack_deadline_ms": 500, "inbox": { "window_ms": 5 }, "max_in_flight": 5 }),
        json!({ "max_deliveries": 3, "dead_letter": false }),
        json!({ "limit": "redeliveries" }),
        json!({ "max_deliveries": 2, "backoff": { "fixed": { "ms": 5 } }, "on_failure": "wait" }),
    ] {
        assert_eq!(paths(&[(SUBSCRIPTION, subscription(&fields))]), Vec::<String>::new(), "{fields}");
    }
}

#[test]
fn a_setting_of_a_publication_or_a_bus_without_effect_is_reported() {
    let outbox = json!({ "outbox": { "poll_ms": 10, "batch": 5 } });
    let capture = json!({ "change_data_capture": { "poll_ms": 10, "batch": 5 } });
    let gap = ("/services/0/publishes/0/gap_ms", json!(5));
    let retry = ("/services/0/publishes/0/retry", json!({ "timeout_ms": 100, "attempts": 3 }));
    for mode in [&outbox, &capture] {
        let mode = (OUTBOX, mode.clone());
        assert_eq!(paths(&[mode, gap.clone()]), ["services[0].publishes[0].gap_ms"]);
    }
    assert_eq!(paths(&[gap, retry.clone()]), Vec::<String>::new());
    let acks = ("/services/0/publishes/0/acks", json!("leader"));
    assert_eq!(paths(&[acks.clone(), retry.clone()]), ["services[0].publishes[0].acks"]);
    let replicated = |fields: Value| ("/buses/0/replication", fields);
    assert_eq!(paths(&[acks.clone(), retry.clone(), replicated(json!({ "replicas": 3 }))]), Vec::<String>::new());
    assert_eq!(paths(&[acks.clone(), replicated(json!({ "replicas": 3 }))]), ["services[0].publishes[0].acks"]);
    let min = json!({ "replicas": 3, "commit": { "in_sync": { "min_insync": 2 } } });
    let found = paths(&[acks, retry.clone(), replicated(min.clone())]);
    assert_eq!(found, ["buses[0].replication.commit.in_sync.min_insync"]);
    assert_eq!(paths(&[replicated(min)]), Vec::<String>::new());
    let latency = json!({ "replicas": 1, "latency": { "constant": { "ms": 9 } } });
    assert_eq!(paths(&[replicated(latency)]), ["buses[0].replication.latency"]);

    let (flushed, flush) = (("/buses/0/acknowledges_flushed", json!(true)), ("/buses/0/flush_ms", json!(50)));
    let path = ["buses[0].acknowledges_flushed"];
    assert_eq!(paths(&[flushed.clone(), retry.clone()]), path, "nothing is flushed later");
    assert_eq!(paths(&[flushed.clone(), flush.clone()]), path, "no publisher waits");
    assert_eq!(paths(&[flushed, flush, retry]), Vec::<String>::new());
    assert_eq!(paths(&[("/buses/0/topics/0/dedup_ms", json!(0))]), ["buses[0].topics[0].dedup_ms"]);
    assert_eq!(paths(&[("/services/1/subscribes", json!([]))]), ["services[0].publishes[0]"]);
}

#[test]
fn a_setting_of_a_service_or_a_link_without_effect_is_reported() {
    assert_eq!(paths(&[("/services/0/store", json!("s"))]), ["services[0].store"]);
    let shared = [("/services/0/store", json!("s")), ("/services/1/store", json!("s"))];
    assert_eq!(paths(&shared), Vec::<String>::new());
    assert_eq!(paths(&[("/services/0/commit", json!("two_phase"))]), ["services[0].commit"]);
    let clock = ("/services/0/clock", json!({ "offset_ms": 50 }));
    assert_eq!(paths(std::slice::from_ref(&clock)), ["services[0].clock"]);
    let by_clock = (SUBSCRIPTION, subscription(&json!({ "effect": "last_writer_wins" })));
    assert_eq!(paths(&[clock, by_clock]), Vec::<String>::new());
    assert_eq!(paths(&[("/services/2/clock", json!({ "offset_ms": 50 }))]), Vec::<String>::new());
    let link = |from: &str, to: &str| ("/links", json!([{ "from": from, "to": to, "loss": 0.5 }]));
    assert_eq!(paths(&[link("a", "b")]), ["links[0]"]);
    for (from, to) in [("bus", "a"), ("b", "bus"), ("x", "z"), ("d", "y"), ("y", "d"), ("a", "c")] {
        assert_eq!(paths(&[link(from, to)]), Vec::<String>::new(), "{from} {to}");
    }
    let latency = json!({ "to": "r", "latency": { "constant": { "ms": 1 } } });
    let region = json!([{ "id": "r", "nodes": ["a"], "latency": [latency, latency] }]);
    assert_eq!(paths(&[("/regions", region)]), ["regions[0].latency[1]"]);
}

#[test]
fn an_operation_that_does_not_fit_the_value_of_its_key_is_reported() {
    let element = |key: &str| json!({ "key": key, "element": 1 });
    let cases = [
        json!({ "add": element("n") }),
        json!({ "remove": element("n") }),
        json!({ "insert": element("n") }),
        json!({ "add": element("l") }),
        json!({ "insert": element("s") }),
        json!({ "put": { "key": "n", "field": "f", "value": 1 } }),
        json!({ "remove_at": { "key": "n", "at": 0 } }),
        json!({ "increment": { "key": "s", "by": 1 } }),
        json!({ "increment": { "key": "t", "by": 1 } }),
        json!({ "compare_and_set": { "key": "n", "expect": "x", "value": 1 } }),
        json!({ "compare_and_set": { "key": "n", "expect": null, "value": 1 } }),
    ];
    for operation in cases {
        assert_eq!(paths(&[("/script/-", operate(&operation))]), ["script[1].do.operate.operation"], "{operation}");
        let client = ("/clients/0/script/-", json!({ "at_ms": 7, "do": operation }));
        assert_eq!(paths(&[client]), ["clients[0].script[1].do"], "{operation}");
    }
    let fitting = [
        json!({ "add": element("s") }),
        json!({ "add": element("new") }),
        json!({ "insert": element("l") }),
        json!({ "increment": { "key": "n", "by": 1 } }),
        json!({ "compare_and_set": { "key": "n", "expect": 1, "value": 2 } }),
        json!({ "compare_and_set": { "key": "new", "expect": null, "value": 2 } }),
    ];
    for operation in fitting {
        assert_eq!(paths(&[("/script/-", operate(&operation))]), Vec::<String>::new(), "{operation}");
    }
    // Another write, a lost disk or a deletion may make the operation fit.
    let add = ("/script/-", operate(&json!({ "add": element("n") })));
    let write = ("/script/-", operate(&json!({ "write": { "key": "n", "value": [5] } })));
    let crash = ("/script/-", json!({ "at_ms": 6, "do": { "crash": { "service": "a", "lose_disk": true } } }));
    assert_eq!(paths(&[add.clone(), write]), Vec::<String>::new());
    assert_eq!(paths(&[add, crash]), Vec::<String>::new());
    let of_group = ("/clients/1/script/-", json!({ "at_ms": 20, "do": { "add": element("q") } }));
    let numbers: Vec<(&str, Value)> =
        ["/services/2/data", "/services/3/data", "/services/4/data"].map(|path| (path, json!({ "q": 1 }))).into();
    assert_eq!(paths(&[&numbers[..], std::slice::from_ref(&of_group)].concat()), ["clients[1].script[2].do"]);
    let delete = ("/clients/1/script/-", json!({ "at_ms": 15, "do": { "delete": { "key": "q" } } }));
    assert_eq!(paths(&[&numbers[..], &[of_group, delete]].concat()), Vec::<String>::new());
}

#[test]
fn a_command_without_effect_is_reported() {
    let command = |command: Value| ("/script/-", json!({ "at_ms": 7, "do": command }));
    let poison = |service: &str, operation: Value| {
        command(json!({ "operate": { "service": service, "operation": operation, "poison": true } }))
    };
    let (read, write) = (json!({ "read": { "key": "n" } }), json!({ "write": { "key": "n", "value": 3 } }));
    assert_eq!(paths(&[poison("a", read)]), ["script[1].do.operate.poison"]);
    assert_eq!(paths(&[poison("b", write.clone())]), ["script[1].do.operate.poison"]);
    assert_eq!(paths(&[poison("x", write.clone())]), ["script[1].do.operate.poison"]);
    assert_eq!(paths(&[poison("a", write.clone())]), Vec::<String>::new());
    // `b` applies the update of `z2`, which calls it.
    let caller = ("/services/-", json!({ "id": "z2", "calls": [{ "to": "a" }] }));
    assert_eq!(paths(&[caller, poison("z2", write)]), Vec::<String>::new());
    let cases = [
        (json!({ "cut_link": { "from": "a", "to": "b" } }), "cut_link"),
        (json!({ "disturb_link": { "from": "a", "to": "b", "loss": 1 } }), "disturb_link"),
        (json!({ "disturb_link": { "from": "a", "to": "bus" } }), "disturb_link"),
        (json!({ "partition": { "groups": [["a"], []] } }), "partition.groups"),
        (json!({ "set_clock": { "service": "a", "offset_ms": 5 } }), "set_clock"),
        (json!({ "jump_clock": { "service": "a", "by_ms": 5 } }), "jump_clock"),
        (json!({ "stop_bus": { "bus": "bus", "lose_unflushed": true } }), "stop_bus.lose_unflushed"),
        (json!({ "rebalance": { "bus": "bus" } }), "rebalance"),
        (json!({ "redrive": { "bus": "bus", "service": "b" } }), "redrive"),
        (json!({ "purge": { "bus": "bus", "service": "a" } }), "purge"),
    ];
    for (fields, path) in cases {
        assert_eq!(paths(&[command(fields.clone())]), [format!("script[1].do.{path}")], "{fields}");
    }
    let limited = (SUBSCRIPTION, subscription(&json!({ "max_deliveries": 3 })));
    let redrive = command(json!({ "redrive": { "bus": "bus", "service": "b" } }));
    assert_eq!(paths(&[limited, redrive]), Vec::<String>::new());
    let lost = command(json!({ "crash": { "service": "a", "lose_disk": true } }));
    let shared = [("/services/0/store", json!("s")), ("/services/1/store", json!("s"))];
    assert_eq!(paths(&[&shared[..], &[lost]].concat()), ["script[1].do.crash.lose_disk"]);
    let late = ("/clients/0/script/-", json!({ "at_ms": 10_001, "do": { "read": { "key": "n" } } }));
    assert_eq!(paths(&[late]), ["clients[0].script[1].at_ms"]);
}

#[test]
fn a_fault_of_a_direction_that_carries_no_messages_is_reported() {
    let fault = |kind: &str, from: &str, to: &str, more: Value| {
        let mut fields = json!({ "from": from, "to": to, "one_way": true });
        fields.as_object_mut().expect("an object").extend(more.as_object().expect("fields").clone());
        ("/script/-", json!({ "at_ms": 7, "do": { kind: fields } }))
    };
    let cut = |from: &str, to: &str| fault("cut_link", from, to, json!({}));
    let disturb = fault("disturb_link", "bus", "a", json!({ "loss": 1 }));
    // The publisher awaits no acknowledgement.
    assert_eq!(paths(&[cut("bus", "a")]), ["script[1].do.cut_link"]);
    assert_eq!(paths(&[disturb]), ["script[1].do.disturb_link"]);
    let retry = || ("/services/0/publishes/0/retry", json!({ "timeout_ms": 100, "attempts": 3 }));
    let outbox = (OUTBOX, json!({ "outbox": { "poll_ms": 5, "batch": 1 } }));
    for awaited in [retry(), outbox] {
        assert_eq!(paths(&[awaited, cut("bus", "a")]), Vec::<String>::new());
    }
    let never = || (SUBSCRIPTION, subscription(&json!({ "acknowledge": "never" })));
    assert_eq!(paths(&[never(), cut("b", "bus")]), ["script[1].do.cut_link"]);
    let crash = ("/script/-", json!({ "at_ms": 8, "do": { "crash": { "service": "b" } } }));
    assert_eq!(paths(&[never(), cut("b", "bus"), crash]), Vec::<String>::new());
    for (from, to) in [("a", "bus"), ("bus", "b"), ("b", "bus"), ("c", "a"), ("a", "c"), ("x", "y"), ("d", "z")] {
        assert_eq!(paths(&[cut(from, to)]), Vec::<String>::new(), "{from} {to}");
    }
    // Followers send nothing to each other, nor do members of a chain that are no neighbours.
    let protocol = |protocol: Value| ("/groups/0/protocol", protocol);
    for (name, from, to) in [("chain", "x", "z"), ("primary", "y", "z")] {
        let protocol = || protocol(if name == "chain" { json!(name) } else { json!({ name: {} }) });
        assert_eq!(paths(&[protocol(), cut(from, to)]), ["script[1].do.cut_link"], "{name}");
        assert_eq!(paths(&[protocol(), cut("x", "y")]), Vec::<String>::new(), "{name}");
    }
    assert_eq!(paths(&[protocol(json!({ "primary": { "failover_ms": 500 } })), cut("y", "z")]), Vec::<String>::new());
    let partition = |groups: Value| ("/script/-", json!({ "at_ms": 7, "do": { "partition": { "groups": groups } } }));
    assert_eq!(paths(&[partition(json!([["a"], ["b", "x"]]))]), ["script[1].do.partition.groups"]);
    assert_eq!(paths(&[partition(json!([["a", "b"], ["x", "bus"]]))]), Vec::<String>::new());
}

#[test]
fn a_setting_of_a_client_without_effect_is_reported() {
    assert_eq!(paths(&[("/clients/0/route", json!("any"))]), ["clients[0].route"]);
    let generate = |fields: Value| {
        let mut generate = json!({ "arrivals": { "periodic": { "every_ms": 10 } }, "keys": { "one": { "key": "n" } } });
        generate.as_object_mut().expect("an object").extend(fields.as_object().expect("fields").clone());
        generate
    };
    let client = |fields: Value| {
        let mut client = json!({ "id": "e", "target": "g", "generate": generate(json!({ "read_share": 0.5 })) });
        client.as_object_mut().expect("an object").extend(fields.as_object().expect("fields").clone());
        ("/clients/-", client)
    };
    let writer = generate(json!({}));
    let after =
        |client: &str| generate(json!({ "arrivals": { "after": { "client": client, "ms": 1 } }, "read_share": 1 }));
    let cases = [
        (json!({ "generate": writer, "read_route": "any" }), "read_route"),
        (json!({ "generate": writer, "guarantees": ["monotonic_reads"] }), "guarantees[0]"),
        (json!({ "guarantees": ["monotonic_reads", "monotonic_reads"] }), "guarantees[1]"),
        (json!({ "target": "a", "generate": writer, "reads_from": "b" }), "reads_from"),
        (json!({ "generate": generate(json!({ "from_ms": 10_000 })) }), "generate.from_ms"),
        (json!({ "generate": generate(json!({ "from_ms": 5, "until_ms": 5 })) }), "generate.from_ms"),
        (json!({ "generate": generate(json!({ "until_ms": 10_001 })) }), "generate.until_ms"),
        (
            json!({ "target": "a", "generate": generate(json!({ "read_share": 1, "optimistic": "none" })) }),
            "generate.optimistic",
        ),
        (json!({ "generate": after("c") }), "generate.arrivals.after.client"),
        (json!({ "generate": after("d"), "sessions": 3 }), "sessions"),
    ];
    for (fields, path) in cases {
        assert_eq!(paths(&[client(fields.clone())]), [format!("clients[2].{path}")], "{fields}");
    }
    assert_eq!(
        paths(&[client(json!({ "guarantees": ["monotonic_reads"], "read_route": "any" }))]),
        Vec::<String>::new()
    );
    let counter = [("/groups/0/data", json!("counter")), ("/clients/1/script", json!([]))];
    assert_eq!(paths(&[&counter[..], &[client(json!({}))]].concat()), ["clients[2].generate"]);
}

#[test]
fn a_setting_of_a_replica_group_without_effect_is_reported() {
    let quorum = |fields: Value| ("/groups/0/protocol", json!({ "quorum": fields }));
    let repair = "groups[0].protocol.quorum.read_repair";
    assert_eq!(paths(&[quorum(json!({ "write": 2, "read_repair": "blocking" }))]), [repair]);
    assert_eq!(paths(&[quorum(json!({ "read": 2, "write_back": true, "read_repair": "blocking" }))]), [repair]);
    assert_eq!(paths(&[quorum(json!({ "replicas": 1, "read_repair": "async" }))]), [repair]);
    assert_eq!(paths(&[quorum(json!({ "read": 2, "read_repair": "blocking" }))]), Vec::<String>::new());
    let gossip =
        |n: u32| ("/groups/0/protocol", json!({ "gossip": { "every": { "constant": { "ms": 10 } }, "fan_out": n } }));
    assert_eq!(paths(&[gossip(3)]), ["groups[0].protocol.gossip.fan_out"]);
    assert_eq!(paths(&[gossip(2)]), Vec::<String>::new());
}

#[test]
fn hints_that_no_coordinator_keeps_are_reported() {
    let quorum = |fields: Value| ("/groups/0/protocol", json!({ "quorum": fields }));
    let hints = || quorum(json!({ "write": 2, "hints": {} }));
    let route = |route: &str| ("/clients/1/route", json!(route));
    let hinted = ["groups[0].protocol.quorum.hints"];
    assert_eq!(paths(&[hints(), route("itself")]), hinted);
    assert_eq!(paths(&[hints(), route("nearest")]), Vec::<String>::new(), "the nearest member keeps the hint");
    assert_eq!(paths(&[hints()]), Vec::<String>::new());
    let reads = [route("nearest"), ("/clients/1/read_route", json!("itself"))];
    assert_eq!(paths(&[&[hints()], &reads[..]].concat()), Vec::<String>::new(), "members coordinate the writes");
    let sloppy = json!({ "replicas": 2, "write": 2, "sloppy": true, "hints": {} });
    assert_eq!(paths(&[quorum(sloppy), route("itself")]), Vec::<String>::new(), "stand-ins keep hints");
    let window = json!({ "replicas": 2, "write": 2, "sloppy": true, "hints": { "window_ms": 5 } });
    assert_eq!(paths(&[quorum(window)]), ["groups[0].protocol.quorum.hints.window_ms"]);
    let member = json!({ "at_ms": 7, "do": { "operate": { "service": "x", "operation": { "write": { "key": "k", "value": 3 } } } } });
    assert_eq!(paths(&[hints(), route("itself"), ("/script/-", member)]), Vec::<String>::new());
}

#[test]
fn initial_data_that_a_subscriber_will_never_receive_is_reported() {
    let lacks = ["services[1].data"];
    let only_s = || ("/services/1/data", json!({ "s": [1] }));
    let found = changed(&[only_s()]).warnings();
    assert_eq!(found.len(), 1, "{found:?}");
    let problem = "`b` will never receive `l`, `t` from the initial data of `a`: no event carries initial data, \
         and no write of it reaches `b`; add it to the `data` of `b`";
    assert_eq!((found[0].path.as_str(), found[0].problem.as_str()), (lacks[0], problem));
    // A write at the publisher reaches the subscriber, by whomever it is made.
    let write = |key: &str| json!({ "write": { "key": key, "value": 1 } });
    let by_client = |key: &str| ("/clients/0/script/-", json!({ "at_ms": 7, "do": write(key) }));
    assert_eq!(paths(&[only_s(), by_client("l"), by_client("t")]), Vec::<String>::new());
    assert_eq!(paths(&[only_s(), by_client("l")]), lacks);
    let generated = |keys: Value| {
        let generate = json!({ "arrivals": { "periodic": { "every_ms": 10 } }, "keys": keys });
        ("/clients/-", json!({ "id": "e", "target": "a", "generate": generate }))
    };
    let numbered = || ("/services/0/data", json!({ "k7": 1, "n": 1, "t": "x" }));
    let both = json!({ "uniform": { "prefix": "k", "count": 9 } });
    let at_b = || ("/services/1/data", json!({ "t": "x" }));
    let read = ("/clients/0/script/0", json!({ "at_ms": 1, "do": { "read": { "key": "n" } } }));
    assert_eq!(paths(&[numbered(), at_b(), read.clone(), generated(both)]), Vec::<String>::new());
    assert_eq!(paths(&[numbered(), at_b(), read, generated(json!({ "one": { "key": "k" } }))]), lacks);
    // A worker that shares the queue or the store of another one holds the data with it.
    let workers = |fields: Value| {
        let worker = |id: &str, data: Value| {
            let mut worker = json!({ "id": id, "data": data, "subscribes": [{ "to": "bus", "group": "w" }] });
            worker.as_object_mut().expect("an object").extend(fields.as_object().expect("fields").clone());
            worker
        };
        let all = json!({ "s": [1], "l": { "list": [1] }, "t": "x" });
        [("/services/-", worker("w1", json!({}))), ("/services/-", worker("w2", all))]
    };
    assert_eq!(paths(&workers(json!({}))), Vec::<String>::new());
}

#[test]
fn initial_data_of_a_service_that_forwards_under_another_key_is_reported() {
    let forward = |forward: Value| {
        let chained = json!({ "id": "c2", "data": { "paid": 0 }, "subscribes": [{ "to": "bus2" }] });
        [
            ("/buses/-", json!({ "id": "bus2" })),
            ("/services/1/data", json!({ "n": 1, "s": [1], "l": { "list": [1] }, "t": "x", "paid": 0 })),
            ("/services/1/publishes", json!([{ "to": "bus2", "forward": forward }])),
            ("/services/-", chained),
        ]
    };
    let found = changed(&forward(json!({ "key": "paid", "plus": 10 }))).warnings();
    let problem = &found.first().expect("a warning").problem;
    assert!(problem.starts_with("`c2` will never receive `l`, `n`, `s`, …"), "{problem}");
    let found = changed(&forward(json!({ "plus": 10 }))).warnings();
    assert!(found[0].problem.starts_with("`c2` will never receive `l`, `s`, `t` from"), "{found:?}");
}

#[test]
fn a_promise_about_a_copy_that_never_exists_is_reported() {
    let promise = |service: &str, key: &str| ("/promises", json!([{ "stale": { "service": service, "key": key } }]));
    let found = changed(&[promise("b", "nokey")]).warnings();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].path, "promises[0].stale.key");
    assert_eq!(found[0].problem, "cannot be kept: no service or group has the key `nokey`");
    let found = changed(&[promise("x", "n")]).warnings();
    assert_eq!(found[0].problem, "cannot be kept: `x` never has the key `n`");
    for (service, key) in [("a", "n"), ("b", "n"), ("b", "t"), ("x", "k"), ("z", "k")] {
        assert_eq!(paths(&[promise(service, key)]), Vec::<String>::new(), "{service} {key}");
    }
}

#[test]
fn a_setting_with_an_effect_in_one_branch_is_not_reported_and_one_of_a_branch_is() {
    let outbox = "{\"outbox\": {\"poll_ms\": 10, \"batch\": 5}}";
    let gap = ("/services/0/publishes/0/gap_ms", json!(5));
    let mode = json!({ "a.publishes.0.mode": outbox });
    let branch = |set: &Value| ("/branches", json!([{ "name": "direct" }, { "name": "relay", "set": set }]));
    assert_eq!(paths(&[gap, branch(&mode)]), Vec::<String>::new());
    let both = json!({ "a.publishes.0.mode": outbox, "a.publishes.0.gap_ms": "7" });
    assert_eq!(paths(&[branch(&both)]), ["branches[1].services[0].publishes[0].gap_ms"]);
    let steps = json!([{ "name": "late", "script": [{ "at_ms": 20_000, "do": "heal_all" }] }]);
    assert_eq!(paths(&[("/branches", steps)]), ["branches[0].script[0].at_ms"]);
}

#[test]
fn a_condition_about_a_key_that_nothing_has_is_reported() {
    let invariants = |texts: Value| ("/invariants", texts);
    assert_eq!(paths(&[invariants(json!(["n >= 0", "count(missing) < 3", "k == 1 or n == 2"]))]), ["invariants[1]"]);
    let goal = json!({ "id": "g", "text": "t", "points": 1, "must": "runs(finally total == 3) == 1" });
    let task = json!([{ "id": "t", "title": "T", "text": "t", "goals": [goal] }]);
    assert_eq!(paths(&[("/tasks", task)]), ["tasks[0].goals[0].must"]);
}

#[test]
fn warnings_are_german_on_a_german_page() {
    set_language(Language::German);
    let warnings = changed(&[("/services/0/commit", json!("two_phase"))]).warnings();
    set_language(Language::English);
    assert_eq!(warnings[0].problem, "hat keine Wirkung: der Service ruft keinen anderen auf");
}
