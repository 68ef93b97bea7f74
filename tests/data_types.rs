//! What the data types of a group keep and lose under concurrent changes of a key, from scenario documents.

use converge::analysis::CopyState;
use converge::scenario::{Scenario, Value, micros};
use converge::session::Run;

/// Runs two replicas that are 50 ms apart. `steps` are operations of the page's user: when, ms, at which replica, and the
/// operation. `initial` are the initial values.
fn run_steps(data: &str, initial: &str, steps: &[(u32, &str, &str)]) -> Run {
    let steps: Vec<String> = steps
        .iter()
        .map(|(at, service, operation)| {
            format!(
                r#"{{ "at_ms": {at}, "do": {{ "operate": {{ "service": "{service}", "operation": {operation} }} }} }}"#
            )
        })
        .collect();
    run(&format!(
        r#"{{ "converge": 1, "until_ms": 2000, "default_latency": {{ "constant": {{ "ms": 50 }} }},
             "services": [{{ "id": "a", "data": {{ {initial} }} }}, {{ "id": "b", "data": {{ {initial} }} }}],
             "groups": [{{ "id": "g", "members": ["a", "b"], "data": {data}, "protocol": {{ "quorum": {{}} }} }}],
             "script": [{}] }}"#,
        steps.join(", ")
    ))
}

fn run(document: &str) -> Run {
    let scenario = Scenario::from_json(document).unwrap_or_else(|errors| panic!("{errors:?}\n{document}"));
    let mut run = Run::new(&scenario);
    assert!(run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {}));
    run
}

/// Returns the value, the number of siblings and the state of the key, which must be equal at both replicas.
#[track_caller]
fn held(run: &Run) -> (String, usize, CopyState) {
    let names = run.engine().names();
    let key = names.find_key(names.find_node("g"), "k").expect("the key");
    let at = |id: &str| {
        let copy = run.analysis().staleness.copy(names.find_node(id).expect("a replica"), key).expect("a copy");
        let value = copy.held().and_then(|held| held.value.as_ref()).map_or("nothing".into(), Value::to_string);
        (value, copy.siblings().len(), copy.state())
    };
    assert_eq!(at("a"), at("b"), "the replicas agree");
    at("a")
}

const WALL_CLOCK_REGISTER: &str = r#"{ "register": {} }"#;

#[track_caller]
fn assert_holds(data: &str, initial: &str, steps: &[(u32, &str, &str)], value: &str) {
    assert_eq!(held(&run_steps(data, initial, steps)), (value.into(), 0, CopyState::Consistent), "{data}");
}

const ADD_1: &str = r#"{ "add": { "key": "k", "element": 1 } }"#;
const ADD_2: &str = r#"{ "add": { "key": "k", "element": 2 } }"#;
const REMOVE_1: &str = r#"{ "remove": { "key": "k", "element": 1 } }"#;

#[test]
fn a_set_in_a_register_loses_a_concurrent_addition_that_a_replicated_set_keeps() {
    let both = [(100, "a", ADD_1), (110, "b", ADD_2)];
    assert_holds(WALL_CLOCK_REGISTER, "", &both, "{2}");
    assert_eq!(run_steps(WALL_CLOCK_REGISTER, "", &both).analysis().lost.count(), 1);
    for data in [r#""set""#, r#""remove_wins_set""#, r#"{ "merged": { "by": "union" } }"#] {
        assert_holds(data, "", &both, "{1, 2}");
        assert_eq!(run_steps(data, "", &both).analysis().lost.count(), 0, "{data}");
    }
}

#[test]
fn a_number_in_a_register_loses_a_concurrent_increment_that_a_counter_keeps() {
    let by = |by: i64| format!(r#"{{ "increment": {{ "key": "k", "by": {by} }} }}"#);
    let (up, down) = (by(5), by(-2));
    let both = [(100, "a", up.as_str()), (110, "b", down.as_str())];
    assert_holds(WALL_CLOCK_REGISTER, r#""k": 10"#, &both, "8");
    assert_holds(r#""counter""#, r#""k": 10"#, &both, "13");
}

#[test]
fn of_a_concurrent_addition_and_removal_the_addition_wins_in_a_set_and_the_removal_in_a_remove_wins_set() {
    // Replica b adds the element again while replica a removes it.
    let concurrent = [(100, "a", REMOVE_1), (110, "b", ADD_1)];
    assert_holds(r#""set""#, r#""k": [1]"#, &concurrent, "{1}");
    assert_holds(r#""remove_wins_set""#, r#""k": [1]"#, &concurrent, "{}");
    // An addition that has observed the removal has an effect.
    let observed = [(100, "a", REMOVE_1), (110, "b", ADD_1), (500, "b", ADD_1)];
    assert_holds(r#""remove_wins_set""#, r#""k": [1]"#, &observed, "{1}");
    assert_holds(
        r#"{ "merged": { "by": "intersection" } }"#,
        r#""k": [1, 3]"#,
        &[(100, "a", REMOVE_1), (110, "b", ADD_2)],
        "{3}",
    );
}

#[test]
fn a_map_keeps_concurrent_puts_of_two_fields_and_has_siblings_of_one_field() {
    let put =
        |field: &str, value: i64| format!(r#"{{ "put": {{ "key": "k", "field": "{field}", "value": {value} }} }}"#);
    let (x, y, x2) = (put("x", 1), put("y", 2), put("x", 3));
    let initial = r#""k": { "map": { "z": 0 } }"#;
    assert_holds(r#""map""#, initial, &[(100, "a", &x), (110, "b", &y)], "{x: 1, y: 2, z: 0}");
    assert_holds(WALL_CLOCK_REGISTER, initial, &[(100, "a", &x), (110, "b", &y)], "{y: 2, z: 0}");
    let run = run_steps(r#""map""#, "", &[(100, "a", &x), (110, "b", &x2)]);
    assert_eq!(held(&run), ("{x: {1, 3}}".into(), 2, CopyState::Conflicted));
    // A put that has observed both siblings replaces them. A removal does not affect a put that it has not observed.
    assert_holds(r#""map""#, "", &[(100, "a", &x), (110, "b", &x2), (500, "a", &x2)], "{x: 3}");
    let remove = r#"{ "remove": { "key": "k", "element": "x" } }"#;
    assert_holds(r#""map""#, r#""k": { "map": { "x": 9 } }"#, &[(100, "a", &x), (110, "b", remove)], "{x: 1}");
    assert_holds(r#""map""#, r#""k": { "map": { "x": 9 } }"#, &[(100, "a", &x), (500, "b", remove)], "{}");
}

#[test]
fn a_list_keeps_concurrent_insertions_at_their_places() {
    let insert = |at: &str, element: &str| {
        let at = if at.is_empty() { String::new() } else { format!(r#""at": {at}, "#) };
        format!(r#"{{ "insert": {{ "key": "k", {at}"element": "{element}" }} }}"#)
    };
    let initial = r#""k": { "list": ["h", "o"] }"#;
    let (e, y, first) = (insert("1", "e"), insert("", "y"), insert("0", "o"));
    assert_holds(r#""sequence""#, initial, &[(100, "a", &e), (110, "b", &y)], "[h, e, o, y]");
    assert_holds(WALL_CLOCK_REGISTER, initial, &[(100, "a", &e), (110, "b", &y)], "[h, o, y]");
    // At the same place: the greater timestamp comes first; if they are equal, the later node.
    assert_holds(
        r#""sequence""#,
        initial,
        &[(100, "a", &insert("1", "l")), (110, "b", &insert("1", "r"))],
        "[h, r, l, o]",
    );
    // An element inserted after a removed one stays.
    let remove = r#"{ "remove_at": { "key": "k", "at": 0 } }"#;
    assert_holds(r#""sequence""#, initial, &[(100, "a", remove), (110, "b", &e), (500, "a", &first)], "[o, e, o]");
    let run = run_steps(r#""sequence""#, initial, &[(100, "a", r#"{ "remove_at": { "key": "k", "at": 7 } }"#)]);
    assert_eq!(
        run.analysis().operations.of_clients().map(|tally| tally.fail).sum::<u64>(),
        1,
        "the list has no such index"
    );
}

/// Runs two replicas, each with a client that has this script.
fn run_clients(data: &str, a: &str, b: &str) -> Run {
    let client = |id: &str, script: &str| {
        format!(r#"{{ "id": "{id}", "target": "g", "route": "nearest", "script": [{script}] }}"#)
    };
    run(&format!(
        r#"{{ "converge": 1, "until_ms": 2000, "services": [{{ "id": "a" }}, {{ "id": "b" }}],
             "groups": [{{ "id": "g", "members": ["a", "b"], "data": {data}, "protocol": {{ "quorum": {{ "write": 2 }} }} }}],
             "clients": [{}, {}] }}"#,
        client("first", a),
        client("second", b)
    ))
}

#[test]
fn blind_puts_leave_siblings_and_a_put_that_has_read_them_replaces_them() {
    let put = |at: u32, value: &str| {
        format!(r#"{{ "at_ms": {at}, "do": {{ "write": {{ "key": "k", "value": {value} }} }} }}"#)
    };
    let read = |at: u32| format!(r#"{{ "at_ms": {at}, "do": {{ "read": {{ "key": "k" }} }} }}"#);
    for (x, y, z, both) in [("1", "2", "3", "{1, 2}"), ("[1]", "[2, 3]", "[1, 2, 3]", "{{1}, {2, 3}}")] {
        let run = run_clients(r#""multi_value""#, &put(100, x), &put(400, y));
        assert_eq!(held(&run), (both.into(), 2, CopyState::Conflicted), "the second put has not observed the first");
        let with_context = format!("{}, {}, {}", put(400, y), read(700), put(900, z));
        let run = run_clients(r#""multi_value""#, &put(100, x), &with_context);
        let (value, siblings, state) = held(&run);
        assert_eq!((siblings, state), (0, CopyState::Consistent), "{value}");
    }
    let run = run_clients(r#"{ "merged": { "by": "union" } }"#, &put(100, "[1]"), &put(400, "[2, 3]"));
    assert_eq!(held(&run), ("{1, 2, 3}".into(), 0, CopyState::Consistent));
    let run = run_clients(r#"{ "merged": { "by": "max" } }"#, &put(100, "9"), &put(400, "2"));
    assert_eq!(held(&run), ("9".into(), 0, CopyState::Consistent));
}

#[test]
fn an_operation_that_a_data_type_does_not_offer_is_refused_with_its_path() {
    let errors = |data: &str, initial: &str, operation: &str| {
        let document = format!(
            r#"{{ "converge": 1, "services": [{{ "id": "a", "data": {{ {initial} }} }}],
                 "groups": [{{ "id": "g", "members": ["a"], "data": {data} }}],
                 "script": [{{ "at_ms": 1, "do": {{ "operate": {{ "service": "a", "operation": {operation} }} }} }}] }}"#
        );
        Scenario::from_json(&document)
            .expect_err(&document)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let read = r#"{ "read": { "key": "k" } }"#;
    let message = errors(r#""sequence""#, r#""k": [1]"#, read);
    assert!(
        message.contains("groups[0].members[0]") && message.contains(r#"lists, such as {"list": [1, 2]}"#),
        "{message}"
    );
    let message = errors(r#""map""#, r#""k": 1"#, read);
    assert!(message.contains(r#"maps, such as {"map": {"size": 1}}"#), "{message}");
    let message = errors(r#""map""#, "", r#"{ "put": { "key": "k", "field": "", "value": [1] } }"#);
    assert!(
        message.contains("script[0].do.operate.operation.put.field") && message.contains("must not be empty"),
        "{message}"
    );
    assert!(message.contains("put.value") && message.contains("a whole number or a text"), "{message}");
    let message = errors(r#""set""#, r#""k": { "lst": [1] }"#, read);
    assert!(message.contains("lst") && message.contains("list"), "{message}");
}
