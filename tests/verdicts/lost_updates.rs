//! The verdicts, promises and goals about lost updates, and others that nothing could have violated.

use crate::common::command_line::{code, converge, out};
use crate::common::runs::run;
use converge::scenario::Scenario;
use serde_json::{Value, json};

/// A client's target, and its steps.
type Scripted<'a> = (&'a str, &'a [(u32, Value)]);

/// A group of three under a protocol, with clients.
fn group(protocol: Value, clients: &[Scripted]) -> Value {
    let ids = ["n1", "n2", "n3"];
    let client = |(n, (target, steps)): (usize, &Scripted)| {
        let steps: Vec<Value> = steps.iter().map(|(at_ms, step)| json!({ "at_ms": at_ms, "do": step })).collect();
        json!({ "id": format!("c{n}"), "target": target, "script": steps })
    };
    json!({
        "converge": 1,
        "until_ms": 10_000,
        "services": ids.map(|id| json!({ "id": id })),
        "groups": [{ "id": "g", "members": ids, "protocol": protocol }],
        "clients": clients.iter().enumerate().map(client).collect::<Vec<Value>>(),
    })
}

fn write(value: i64) -> Value {
    json!({ "write": { "key": "k", "value": value } })
}

fn read() -> Value {
    json!({ "read": { "key": "k" } })
}

fn scenario(document: &Value) -> Scenario {
    Scenario::from_json(&document.to_string()).expect("a valid scenario")
}

/// Returns the verdict of `check` on a run's history.
fn verdict(document: &Value, guarantee: &str) -> Value {
    let history = out(&converge(&["run", "-", "--history", "-"], document.to_string()));
    let output = converge(&["check", "-", "--json", "--guarantee", guarantee], &history);
    let found: Value = serde_json::from_str(&out(&output)).unwrap_or_else(|_| panic!("{history}"));
    found["verdicts"][0].clone()
}

#[test]
fn one_of_several_lost_writes_proves_that_writes_are_lost() {
    let quorum = json!({ "quorum": { "read": 2, "write": 2 } });
    let write = |value| [(1000, write(value))];
    let (one, two, three) = (write(1), write(2), write(3));
    let found = verdict(&group(quorum, &[("n1", &one), ("n2", &two), ("n3", &three)]), "no-lost-update");
    let operations = found["operations"].as_array().map(Vec::len);
    assert_eq!((found["verdict"].as_str(), operations), (Some("violated"), Some(1)), "{found}");
    let sentence = found["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("2 acknowledged writes were overwritten") && sentence.contains("write of "), "{found}");
}

/// A request that is delivered twice is written twice; either write may be the one that is lost.
#[test]
fn a_history_names_the_operation_of_each_lost_write_of_a_request_that_was_delivered_twice() {
    let writes: Vec<Vec<(u32, Value)>> = (0..3).map(|n| vec![(1000 + n, write(n.into())), (4000, read())]).collect();
    let clients: Vec<Scripted> = writes.iter().map(|steps| ("g", steps.as_slice())).collect();
    let mut document = group(json!({ "quorum": { "read": 2, "write": 2 } }), &clients);
    let from = ["c0", "c1", "c2"].into_iter();
    document["links"] = from
        .flat_map(|from| ["n1", "n2", "n3"].map(|to| json!({ "from": from, "to": to, "duplicate": 0.7 })))
        .collect();
    document["default_latency"] = json!({ "uniform": { "low_ms": 5, "high_ms": 60 } });
    let mut repeated = 0;
    for seed in 1..13 {
        document["seed"] = json!(seed);
        let report = out(&converge(&["run", "-", "--json"], document.to_string()));
        let report: Value = serde_json::from_str(&report).expect("a report");
        let lost = report["lost_updates"].as_u64().expect("a number");
        let found = verdict(&document, "no-lost-update");
        assert_eq!(found["verdict"] == "violated", lost > 0, "seed {seed}: {found}");
        if lost > 1 {
            assert!(
                found["sentence"].as_str().expect("a sentence").starts_with(&format!("{lost} ")),
                "{seed}: {found}"
            );
        }
        let history = out(&converge(&["run", "-", "--history", "-"], document.to_string()));
        assert_eq!(history.matches(r#""lost":true"#).count() as u64, lost, "seed {seed}: {history}");
        repeated += u32::from(lost > 0 && history.contains(r#""version":["#));
    }
    assert!(repeated > 2, "{repeated} histories have such writes");
}

#[test]
fn a_write_that_its_group_rolled_back_is_not_called_overwritten() {
    let mut document = group(json!({ "primary": { "failover_ms": 1000 } }), &[("n1", &[(2000, write(2))])]);
    document["script"] = json!([
        { "at_ms": 1500, "do": { "partition": { "groups": [["n1", "c0"], ["n2", "n3"]] } } },
        { "at_ms": 5000, "do": "heal_all" },
    ]);
    for later in [None, Some(json!({ "at_ms": 7000, "do": write(3) }))] {
        document["clients"][0]["script"].as_array_mut().expect("steps").extend(later);
        let found = verdict(&document, "no-lost-update");
        assert_eq!((&found["verdict"], found["operations"].as_array().map(Vec::len)), (&json!("violated"), Some(1)));
        assert_eq!(found["sentence"], "An acknowledged write was rolled back by its group.", "{found}");
    }
    // An older history does not state it, but nothing could have overwritten its only change.
    let history = r#"{"type":"invoke","f":"write","value":2,"process":0}
{"type":"ok","f":"write","value":2,"process":0,"lost":true}"#;
    let text = out(&converge(&["check", "-", "--guarantee", "no-lost-update"], history));
    assert!(text.contains("rolled back"), "{text}");
}

#[test]
fn a_write_that_its_group_rolled_back_is_not_missing_because_of_a_cut_link() {
    let mut document = group(json!({ "primary": { "failover_ms": 1000 } }), &[("n1", &[(2000, write(2))])]);
    document["script"] = json!([
        { "at_ms": 1500, "do": { "partition": { "groups": [["n1", "c0"], ["n2", "n3"]] } } },
        { "at_ms": 5000, "do": "heal_all" },
    ]);
    let text = out(&converge(&["run", "-"], document.to_string()));
    for member in ["n1", "n2", "n3"] {
        let line =
            text.lines().find(|line| line.contains(&format!("{member} lacks"))).unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains("its group rolled it back at 5"), "{line}");
        assert!(!line.contains("cut") && !line.contains("can reach"), "{line}");
    }
}

/// Returns whether the run keeps the promise that no update is lost, and what `check` finds.
fn judged(document: &Value) -> (bool, String) {
    let mut promising = document.clone();
    promising["promises"] = json!([{ "lost_updates": { "count": 0 } }]);
    let scenario = scenario(&promising);
    let missed = run(&scenario).missed(&scenario.promises);
    assert!(missed.iter().all(|why| why.contains("unknown, because no acknowledged update")), "{missed:?}");
    assert_eq!(code(&converge(&["run", "-"], promising.to_string())), i32::from(!missed.is_empty()));
    (missed.is_empty(), verdict(document, "no-lost-update")["verdict"].as_str().unwrap_or("none").into())
}

#[test]
fn no_lost_update_is_unknown_where_nothing_could_have_shown_one() {
    let quorum = || json!({ "quorum": { "read": 2, "write": 2 } });
    let unknown = |steps: &[(u32, Value)]| judged(&group(quorum(), &[("n1", steps)]));
    let expected = (false, String::from("unknown"));
    assert_eq!(unknown(&[(100, write(1))]), expected, "no read");
    assert_eq!(unknown(&[(50, read()), (100, write(1))]), expected, "no read after the write");
    assert_eq!(unknown(&[(100, write(1)), (200, json!({ "read": { "key": "other" } }))]), expected, "another key");
    assert_eq!(unknown(&[(100, read())]), expected, "no write");
    let known = (true, String::from("holds"));
    assert_eq!(unknown(&[(100, write(1)), (200, read())]), known);
    // A group knows which of two writes it lost, also if no client reads.
    assert_eq!(unknown(&[(100, write(1)), (200, write(2))]), known);
    let compare_and_set = |n: i64| json!({ "compare_and_set": { "key": "k", "expect": null, "value": n } });
    let both = [(2000, compare_and_set(2)), (3000, compare_and_set(3))];
    let mut raft = group(json!({ "raft": {} }), &[("g", &both[..1]), ("g", &both[1..])]);
    assert_eq!(judged(&raft), known, "a compare-and-set is refused");
    raft["clients"].as_array_mut().expect("clients").pop();
    assert_eq!(judged(&raft), expected, "a single compare-and-set");
    // A store of one service does not.
    let mut alone = json!({ "converge": 1, "until_ms": 1000, "services": [{ "id": "a", "data": { "k": 0 } }] });
    let promising = |document: &Value| {
        let mut document = document.clone();
        document["promises"] = json!([{ "lost_updates": { "count": 0 } }]);
        let scenario = scenario(&document);
        run(&scenario).missed(&scenario.promises).is_empty()
    };
    assert!(!promising(&alone), "nothing happens");
    let client = |steps: Value| json!([{ "id": "c", "target": "a", "script": steps }]);
    alone["clients"] = client(json!([{ "at_ms": 1, "do": write(1) }, { "at_ms": 500, "do": write(2) }]));
    assert!(!promising(&alone), "no read");
    alone["clients"] = client(json!([{ "at_ms": 1, "do": write(1) }, { "at_ms": 500, "do": read() }]));
    assert!(promising(&alone));
}

#[test]
fn goals_about_what_never_happened_are_not_met() {
    let zeros = ["lost_updates", "never_published", "dead_lettered", "discarded", "windows_open"];
    let mut musts: Vec<String> = zeros.iter().map(|name| format!("{name} == 0")).collect();
    musts.push("runs(no_lost_updates) == 1".into());
    let grade = |script: Value| -> Vec<bool> {
        let goals: Vec<Value> =
            musts.iter().enumerate().map(|(n, must)| json!({ "id": format!("g{n}"), "must": must })).collect();
        let document = json!({
            "converge": 1,
            "until_ms": 1000,
            "services": [
                { "id": "a", "data": { "n": 0 }, "publishes": [{ "to": "q" }] },
                { "id": "b", "data": { "n": 0 }, "subscribes": [{ "to": "q" }] },
            ],
            "buses": [{ "id": "q" }],
            "clients": [{ "id": "c", "target": "a", "script": script }],
            "tasks": [{ "id": "t", "title": "T", "change": ["b"], "runs": 200, "goals": goals }],
        });
        let output = converge(&["grade", "-", "--json"], document.to_string());
        let found: Value = serde_json::from_str(&out(&output)).expect("JSON");
        let goals = found["tasks"][0]["goals"].as_array().unwrap_or_else(|| panic!("{found}"));
        goals.iter().map(|goal| goal["met"] == json!(true)).collect()
    };
    assert_eq!(grade(json!([])), [false; 6]);
    let both = json!([
        { "at_ms": 1, "do": { "write": { "key": "n", "value": 1 } } },
        { "at_ms": 500, "do": { "read": { "key": "n" } } },
    ]);
    assert_eq!(grade(both), [true; 6]);
}
