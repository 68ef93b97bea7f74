//! What the data types of a group keep and lose when two change a key at once, on the running engine, from documents as
//! people write them.

use converge::analysis::CopyState;
use converge::scenario::{Scenario, Value, micros};
use converge::session::Run;

/// Two replicas 50 ms apart; `steps` are operations of the person at the page: when, where, and what.
fn played(data: &str, seeded: &str, steps: &[(u32, &str, &str)]) -> Run {
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
             "services": [{{ "id": "a", "data": {{ {seeded} }} }}, {{ "id": "b", "data": {{ {seeded} }} }}],
             "groups": [{{ "id": "g", "members": ["a", "b"], "data": {data}, "protocol": {{ "quorum": {{}} }} }}],
             "script": [{}] }}"#,
        steps.join(", ")
    ))
}

fn run(document: &str) -> Run {
    let scenario = Scenario::from_json(document).unwrap_or_else(|why| panic!("{why:?}\n{document}"));
    let mut run = Run::new(&scenario);
    assert!(run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {}));
    run
}

/// What both replicas hold, which must be the same; with how many siblings, and in which state.
#[track_caller]
fn held(run: &Run) -> (String, usize, CopyState) {
    let names = run.engine().names();
    let key = names.find_key(names.find_node("g"), "k").expect("the key");
    let at = |id: &str| {
        let copy = run.analysis().staleness.at(names.find_node(id).expect("a replica"), key).expect("a copy");
        let value = copy.held().and_then(|held| held.value.as_ref()).map_or("nothing".into(), Value::to_string);
        (value, copy.siblings().len(), copy.state())
    };
    assert_eq!(at("a"), at("b"), "the replicas agree");
    at("a")
}

const WALL: &str = r#"{ "register": {} }"#;

#[track_caller]
fn holds(data: &str, seeded: &str, steps: &[(u32, &str, &str)], value: &str) {
    assert_eq!(held(&played(data, seeded, steps)), (value.into(), 0, CopyState::Consistent), "{data}");
}

const ADD_1: &str = r#"{ "add": { "key": "k", "element": 1 } }"#;
const ADD_2: &str = r#"{ "add": { "key": "k", "element": 2 } }"#;
const REMOVE_1: &str = r#"{ "remove": { "key": "k", "element": 1 } }"#;

#[test]
fn a_naive_set_loses_an_element_that_sets_made_for_it_keep() {
    let both = [(100, "a", ADD_1), (110, "b", ADD_2)];
    holds(WALL, "", &both, "{2}");
    assert_eq!(played(WALL, "", &both).analysis().lost.count(), 1);
    for data in [r#""set""#, r#""remove_wins_set""#, r#"{ "merged": { "by": "union" } }"#] {
        holds(data, "", &both, "{1, 2}");
        assert_eq!(played(data, "", &both).analysis().lost.count(), 0, "{data}");
    }
}

#[test]
fn a_naive_counter_loses_an_increment_that_a_pn_counter_keeps() {
    let by = |by: i64| format!(r#"{{ "increment": {{ "key": "k", "by": {by} }} }}"#);
    let (up, down) = (by(5), by(-2));
    let both = [(100, "a", up.as_str()), (110, "b", down.as_str())];
    holds(WALL, r#""k": 10"#, &both, "8");
    holds(r#""counter""#, r#""k": 10"#, &both, "13");
}

#[test]
fn of_an_addition_and_a_removal_at_once_each_set_lets_the_one_win_that_it_is_named_after() {
    // Added again at b while a removes it: neither has seen the other.
    let clash = [(100, "a", REMOVE_1), (110, "b", ADD_1)];
    holds(r#""set""#, r#""k": [1]"#, &clash, "{1}");
    holds(r#""remove_wins_set""#, r#""k": [1]"#, &clash, "{}");
    // Once the removal is known, an addition counts.
    let known = [(100, "a", REMOVE_1), (110, "b", ADD_1), (500, "b", ADD_1)];
    holds(r#""remove_wins_set""#, r#""k": [1]"#, &known, "{1}");
    holds(
        r#"{ "merged": { "by": "intersection" } }"#,
        r#""k": [1, 3]"#,
        &[(100, "a", REMOVE_1), (110, "b", ADD_2)],
        "{3}",
    );
}

#[test]
fn a_map_keeps_what_was_put_into_two_fields_at_once_and_shows_siblings_of_one() {
    let put =
        |field: &str, value: i64| format!(r#"{{ "put": {{ "key": "k", "field": "{field}", "value": {value} }} }}"#);
    let (x, y, x2) = (put("x", 1), put("y", 2), put("x", 3));
    let seeded = r#""k": { "map": { "z": 0 } }"#;
    holds(r#""map""#, seeded, &[(100, "a", &x), (110, "b", &y)], "{x: 1, y: 2, z: 0}");
    holds(WALL, seeded, &[(100, "a", &x), (110, "b", &y)], "{y: 2, z: 0}");
    let run = played(r#""map""#, "", &[(100, "a", &x), (110, "b", &x2)]);
    assert_eq!(held(&run), ("{x: {1, 3}}".into(), 2, CopyState::Conflicted));
    // Whoever has seen both settles it; and a removal that has not seen a put leaves it.
    holds(r#""map""#, "", &[(100, "a", &x), (110, "b", &x2), (500, "a", &x2)], "{x: 3}");
    let remove = r#"{ "remove": { "key": "k", "element": "x" } }"#;
    holds(r#""map""#, r#""k": { "map": { "x": 9 } }"#, &[(100, "a", &x), (110, "b", remove)], "{x: 1}");
    holds(r#""map""#, r#""k": { "map": { "x": 9 } }"#, &[(100, "a", &x), (500, "b", remove)], "{}");
}

#[test]
fn a_list_keeps_what_was_inserted_at_once_where_it_was_put() {
    let insert = |at: &str, element: &str| {
        let at = if at.is_empty() { String::new() } else { format!(r#""at": {at}, "#) };
        format!(r#"{{ "insert": {{ "key": "k", {at}"element": "{element}" }} }}"#)
    };
    let seeded = r#""k": { "list": ["h", "o"] }"#;
    let (e, y, first) = (insert("1", "e"), insert("", "y"), insert("0", "o"));
    holds(r#""sequence""#, seeded, &[(100, "a", &e), (110, "b", &y)], "[h, e, o, y]");
    holds(WALL, seeded, &[(100, "a", &e), (110, "b", &y)], "[h, o, y]");
    // At one place: the later in time first; of equal counts the later node.
    holds(r#""sequence""#, seeded, &[(100, "a", &insert("1", "l")), (110, "b", &insert("1", "r"))], "[h, r, l, o]");
    // What hangs behind a removed element stays.
    let remove = r#"{ "remove_at": { "key": "k", "at": 0 } }"#;
    holds(r#""sequence""#, seeded, &[(100, "a", remove), (110, "b", &e), (500, "a", &first)], "[o, e, o]");
    let run = played(r#""sequence""#, seeded, &[(100, "a", r#"{ "remove_at": { "key": "k", "at": 7 } }"#)]);
    assert_eq!(run.analysis().operations.iter().map(|(_, tally)| tally.fail).sum::<u64>(), 1, "there is no such place");
}

/// Law 11, as somebody writes it by hand.
fn puts(data: &str, a: &str, b: &str) -> Run {
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
fn two_blind_puts_leave_two_siblings_and_one_that_has_read_them_leaves_itself() {
    let put = |at: u32, value: &str| {
        format!(r#"{{ "at_ms": {at}, "do": {{ "write": {{ "key": "k", "value": {value} }} }} }}"#)
    };
    let read = |at: u32| format!(r#"{{ "at_ms": {at}, "do": {{ "read": {{ "key": "k" }} }} }}"#);
    for (x, y, z, both) in [("1", "2", "3", "{1, 2}"), ("[1]", "[2, 3]", "[1, 2, 3]", "{{1}, {2, 3}}")] {
        let run = puts(r#""multi_value""#, &put(100, x), &put(400, y));
        assert_eq!(held(&run), (both.into(), 2, CopyState::Conflicted), "the second has not seen the first");
        let with_context = format!("{}, {}, {}", put(400, y), read(700), put(900, z));
        let run = puts(r#""multi_value""#, &put(100, x), &with_context);
        let (value, siblings, state) = held(&run);
        assert_eq!((siblings, state), (0, CopyState::Consistent), "{value}");
    }
    let run = puts(r#"{ "merged": { "by": "union" } }"#, &put(100, "[1]"), &put(400, "[2, 3]"));
    assert_eq!(held(&run), ("{1, 2, 3}".into(), 0, CopyState::Consistent));
    let run = puts(r#"{ "merged": { "by": "max" } }"#, &put(100, "9"), &put(400, "2"));
    assert_eq!(held(&run), ("9".into(), 0, CopyState::Consistent));
}

#[test]
fn a_document_that_asks_for_what_a_data_type_cannot_do_says_where() {
    let wrong = |data: &str, seeded: &str, operation: &str| {
        let document = format!(
            r#"{{ "converge": 1, "services": [{{ "id": "a", "data": {{ {seeded} }} }}],
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
    let said = wrong(r#""sequence""#, r#""k": [1]"#, read);
    assert!(said.contains("groups[0].members[0]") && said.contains(r#"a list, as {"list": [1, 2]}"#), "{said}");
    let said = wrong(r#""map""#, r#""k": 1"#, read);
    assert!(said.contains(r#"a map, as {"map": {"size": 1}}"#), "{said}");
    let said = wrong(r#""map""#, "", r#"{ "put": { "key": "k", "field": "", "value": [1] } }"#);
    assert!(said.contains("script[0].do.operate.operation.put.field") && said.contains("not an empty one"), "{said}");
    assert!(said.contains("put.value") && said.contains("a whole number or a text"), "{said}");
    let said = wrong(r#""set""#, r#""k": { "lst": [1] }"#, read);
    assert!(said.contains("lst") && said.contains("list"), "{said}");
}
