//! Errors of shape, and that a document is written and read without loss.

use super::strict::GERMAN;
use super::{MAX_ERRORS, parse, read};
use crate::language::{Language, in_language};
use crate::scenario::{Command, Latency, Scenario, ScenarioError, Value, examples};
use serde_json::{Value as Json, json};

/// The errors of a document, a line each.
fn errors(text: &str) -> Vec<String> {
    let errors: Vec<ScenarioError> = Scenario::from_json(text).expect_err(text);
    errors.iter().map(ToString::to_string).collect()
}

/// A document whose second service has these fields.
fn service(fields: &str) -> String {
    format!(r#"{{"converge": 1, "services": [{{"id": "a"}}, {{"id": "b", {fields}}}]}}"#)
}

#[test]
fn each_error_has_its_path_and_what_was_expected() {
    let cases = [
        (
            service(r#""concurrency": "many""#),
            r#"services[1].concurrency: must be a whole number from 1 to 100000, not "many""#,
        ),
        (service(r#""concurrency": -4"#), "services[1].concurrency: must be a whole number from 1 to 100000, not -4"),
        (service(r#""queue": 2.5"#), "services[1].queue: must be a whole number from 0 to 10000000, not 2.5"),
        (service(r#""calls": 5"#), "services[1].calls: must be a list, not 5"),
        (service(r#""calls": [{}]"#), "services[1].calls[0]: missing field `to`"),
        (service(r#""clock": ["a"]"#), "services[1].clock: must be an object, not a list"),
        (
            service(r#""clock": {"offset": 1}"#),
            "services[1].clock.offset: unknown field `offset`; expected one of `offset_ms`, `drift_ppm`, `offset_sd_ms`",
        ),
        (
            service(r#""position": [1, 2.5]"#),
            "services[1].position[1]: must be a whole number from -2147483648 to 2147483647, not 2.5",
        ),
        (service(r#""position": [1, 2, 3]"#), "services[1].position: must be a list of 2 items, not of 3"),
        (service(r#""name": null"#), "services[1].name: must be a text, not null"),
        (
            service(r#""commit": "two-phase""#),
            "services[1].commit: unknown value `two-phase`; expected one of `one_by_one`, `two_phase`",
        ),
        (
            service(r#""commit": {"two_phase": {}}"#),
            "services[1].commit.two_phase: `two_phase` has no settings: it must be the text \"two_phase\"",
        ),
        (
            service(r#""service_time": {"uniform": {"low_ms": 1}}"#),
            "services[1].service_time.uniform: missing field `high_ms`",
        ),
        (
            service(r#""service_time": "uniform""#),
            "services[1].service_time: `uniform` has settings: it must be an object, as in {\"uniform\": {…}}",
        ),
        (
            service(r#""data": {"a \" , b": [1, [2]]}"#),
            "services[1].data.a \" , b: a set in brackets holds only whole numbers and texts",
        ),
        (
            service(r#""data": {"a": {"list": [], "map": {}}}"#),
            "services[1].data.a: must be an object with one field; expected one of `list`, `map`",
        ),
        (
            service(r#""data": {"a": {"lst": []}}"#),
            "services[1].data.a: unknown field `lst`; expected one of `list`, `map`",
        ),
        (
            service(r#""data": {"a": {"list": [1, true]}}"#),
            "services[1].data.a.list[1]: must be a whole number, a text",
        ),
        (service(r#""data": {"a": 1.5}"#), "services[1].data.a: must be a whole number, not 1.5"),
        (r#"{"services": []}"#.into(), "missing field `converge`"),
        ("[1]".into(), "must be an object, not a list"),
        (
            r#"{"converge": 1, "titel": "x"}"#.into(),
            "titel: unknown field `titel`; expected one of `converge`, `title`",
        ),
    ];
    for (text, expected) in cases {
        let errors = errors(&text);
        assert!(errors.len() == 1 && errors[0].starts_with(expected), "{text}: {errors:?}");
    }
}

#[test]
fn an_unknown_value_or_kind_is_reported_with_all_that_are_known() {
    let unknown = errors(&service(r#""service_time": {"triangle": {"low_ms": 1}}"#));
    assert!(
        unknown[0]
            .starts_with("services[1].service_time.triangle: unknown field `triangle`; expected one of `constant`")
    );
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_document() {
    let text = r#"{
        "converge": 1,
        "links": [{"fifo": 1}, {"from": "a", "to": "b"}, {"from": 3, "latency": {"constant": {}}}],
        "seed": -1,
        "services": [{"name": 3, "queue": "long", "data": {"k": [[]], "l": null}}],
        "script": [{"at_ms": 1, "do": {"operate": {"operation": {"write": {"key": 1}}, "posion": true}}}]
    }"#;
    let expected = [
        "links[0].fifo: must be true or false, not 1",
        "links[0]: missing field `from`",
        "links[0]: missing field `to`",
        "links[2].from: must be a text, not 3",
        "links[2].latency.constant: missing field `ms`",
        "links[2]: missing field `to`",
        "script[0].do.operate.operation.write.key: must be a text, not 1",
        "script[0].do.operate.operation.write: missing field `value`",
        "script[0].do.operate.posion: unknown field `posion`",
        "script[0].do.operate: missing field `service`",
        "seed: must be a whole number from 0 to 2^53, not -1",
        "services[0].data.k: a set in brackets holds only whole numbers and texts",
        "services[0].data.l: must be a whole number, a text",
        "services[0].name: must be a text, not 3",
        "services[0].queue: must be a whole number",
        "services[0]: missing field `id`",
    ];
    let mut found = errors(text);
    found.sort();
    let mut sorted = expected.to_vec();
    sorted.sort_unstable();
    assert_eq!(found.len(), sorted.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(sorted) {
        assert!(found.starts_with(expected), "{expected}: {found}");
    }
}

#[test]
fn text_that_is_not_json_is_reported_by_line_and_column() {
    assert_eq!(
        errors("{\n  \"converge\": 1,\n  oops\n}"),
        ["this is not JSON (line 3, column 3): key must be a string"]
    );
    assert_eq!(errors("{\"converge\": 1} x"), ["this is not JSON (line 1, column 17): trailing characters"]);
    assert_eq!(errors(""), ["this is not JSON (line 1, column 0): EOF while parsing a value"]);
}

#[test]
fn a_field_that_occurs_twice_is_refused() {
    let text = "{\"converge\": 1,\n \"seed\": 2, \"seed\": 3}";
    assert_eq!(errors(text), ["line 2, column 18: duplicate field `seed`"]);
    assert!(errors(&service(r#""data": {"k": 1, "k": 2}"#))[0].ends_with("duplicate field `k`"));
}

#[test]
fn a_hostile_document_gives_few_and_short_errors() {
    let many = format!(r#"{{"converge": 1, "services": [{}1]}}"#, "{},".repeat(1_000));
    let found = errors(&many);
    assert_eq!(found.len(), MAX_ERRORS + 1);
    assert_eq!(found[MAX_ERRORS], format!("there are more than {MAX_ERRORS} errors"));

    let long = "é".repeat(10_000);
    let quoted = errors(&format!(r#"{{"converge": "{long}", "{long}": 1, "script": "{long}"}}"#));
    assert_eq!(quoted.len(), 3);
    assert!(quoted.iter().all(|error| error.chars().count() < 700), "{quoted:?}");

    let deep = format!(r#"{{"converge": {}1{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
    assert_eq!(errors(&deep), ["nested too deeply (line 1, column 140): at most 127 levels are expected"]);
}

#[test]
fn a_newer_format_is_the_only_error() {
    let newer = r#"{"converge": 2, "worlds": [], "services": [{}]}"#;
    let found = errors(newer);
    assert!(found.len() == 1 && found[0].contains("newer version"), "{found:?}");
}

#[test]
fn numbers_keep_every_digit() {
    for seed in [0, (1 << 53) + 1, u64::MAX] {
        let scenario = Scenario { seed, ..Scenario::default() };
        assert_eq!(Scenario::read(&scenario.to_json()).expect("right shape").seed, seed);
    }
    for ms in [0.1 + 0.2, f64::MIN_POSITIVE, 1.797_693_134_862_315_7e308, -0.0, 5.0] {
        let json = parse(&super::compact(&Latency::constant(ms))).expect("JSON");
        let Ok(Latency::Constant { ms: found }) = read(&json) else { panic!("{json}") };
        assert_eq!(found.to_bits(), ms.to_bits());
    }
    for n in [i64::MIN, -1, (1 << 53) + 1, i64::MAX] {
        assert_eq!(read(&json!(n)), Ok(Value::Int(n)));
    }
    assert_eq!(read(&json!(3.0)), Ok(Value::Int(3)), "JavaScript writes whole numbers as floats");
    assert!(read::<Value>(&json!(u64::MAX)).is_err());
}

#[test]
fn null_is_an_absent_setting_and_a_variant_without_settings_is_a_text() {
    let text = service(r#""position": null, "service_time": {"constant": {"ms": 2}}, "commit": "two_phase""#);
    assert_eq!(Scenario::from_json(&text).expect("valid").services[1].position, None);
    assert_eq!(read(&json!("heal_all")), Ok(Command::HealAll));
}

#[test]
fn every_example_is_written_and_read_without_loss() {
    for example in examples::EXAMPLES {
        let scenario = example.scenario();
        let text = scenario.to_json();
        assert_eq!(Scenario::from_json(&text).as_ref(), Ok(&scenario), "{}", example.id);
        assert_eq!(parse(&text).as_ref(), Ok(&scenario.to_value()), "{}", example.id);
    }
}

#[test]
fn each_error_of_syntax_has_its_own_german_sentence() {
    let deep = "[".repeat(200);
    let cases = [
        ("", "EOF while parsing a value", "der Text endet zu früh"),
        ("[1", "EOF while parsing a list", "der Text endet zu früh"),
        ("{\"a\": 1", "EOF while parsing an object", "der Text endet zu früh"),
        ("\"a", "EOF while parsing a string", "der Text endet zu früh"),
        (
            "\"a\u{1}\"",
            "control character (\\u0000-\\u001F) found while parsing a string",
            "in einem Text steht ein Steuerzeichen",
        ),
        ("[1 2]", "expected `,` or `]`", "erwartet wird `,` oder `]`"),
        ("{\"a\": 1 2}", "expected `,` or `}`", "erwartet wird `,` oder `}`"),
        ("{\"a\" 1}", "expected `:`", "erwartet wird `:`"),
        ("nulx", "expected ident", "hier steht kein Wert"),
        ("x", "expected value", "hier steht kein Wert"),
        ("\"\\x\"", "invalid escape", "ein Text enthält eine ungültige Escape-Sequenz"),
        ("01", "invalid number", "die Zahl ist ungültig"),
        ("{1: 2}", "key must be a string", "der Name eines Felds muss in Anführungszeichen stehen"),
        ("\"\\ude00\"", "lone leading surrogate in hex escape", "ein Text enthält eine ungültige Escape-Sequenz"),
        ("1e999", "number out of range", "die Zahl ist zu groß"),
        (deep.as_str(), "at most 127 levels are expected", "höchstens 127 Ebenen sind erlaubt"),
        ("1 2", "trailing characters", "nach dem Ende des Dokuments folgen weitere Zeichen"),
        ("[1,]", "trailing comma", "vor der Klammer steht ein Komma zu viel"),
        ("\"\\ud800x\"", "unexpected end of hex escape", "ein Text enthält eine ungültige Escape-Sequenz"),
    ];
    for (text, english, german) in cases {
        for (language, expected) in [(Language::English, english), (Language::German, german)] {
            let error = in_language(language, || parse(text).expect_err(text)).to_string();
            let (_, problem) = error.split_once("): ").expect("the line and the column are in parentheses");
            assert_eq!(problem, expected, "{text}");
        }
    }
    for (sentence, _) in GERMAN {
        assert!(cases.iter().any(|(_, english, _)| english == sentence), "no text leads to `{sentence}`");
    }
}

/// A document with every whole number that has a range.
const NUMBERS: &str = r#"{
    "converge": 1, "seed": 3,
    "services": [
        { "id": "a", "position": [1, 2], "data": { "n": 1 }, "concurrency": 2, "queue": 3, "publishes": [
            { "to": "bus", "retry": { "timeout_ms": 9, "attempts": 2 } },
            { "to": "bus2", "mode": { "outbox": { "poll_ms": 9, "batch": 2 } } },
            { "to": "bus3", "mode": { "change_data_capture": { "poll_ms": 9, "batch": 2 } } }
        ] },
        { "id": "b", "subscribes": [
            { "to": "bus", "max_deliveries": 3, "max_in_flight": 4, "attach": { "connection": { "prefetch": 2 } } },
            { "to": "bus2", "max_deliveries": 3, "limit": "redeliveries", "attach": { "polling": { "batch": 2, "prefetch": 1 } } }
        ] },
        { "id": "x" }, { "id": "y" }, { "id": "z" }, { "id": "x2" }, { "id": "y2" }, { "id": "x3" }, { "id": "y3" }
    ],
    "buses": [
        { "id": "bus", "topics": [{ "name": "t", "partitions": 2 }],
          "replication": { "replicas": 3, "commit": { "in_sync": { "min_insync": 2 } } } },
        { "id": "bus2" }, { "id": "bus3" }
    ],
    "groups": [
        { "id": "g", "members": ["x", "y", "z"], "protocol": { "quorum": { "replicas": 3, "read": 2, "write": 2,
          "anti_entropy": { "depth": 4 } } } },
        { "id": "g2", "members": ["x2", "y2"], "protocol": { "primary": { "acknowledgements": 1 } } },
        { "id": "g3", "members": ["x3", "y3"], "protocol": { "gossip": { "every": { "constant": { "ms": 9 } }, "fan_out": 1,
          "style": { "rumor": { "lose_interest_after": 2 } } } } }
    ],
    "clients": [
        { "id": "c", "target": "a", "sessions": 2, "attempts": 2, "generate": {
            "arrivals": { "periodic": { "every_ms": 9 } }, "keys": { "uniform": { "prefix": "k", "count": 5 } } } },
        { "id": "d", "target": "a", "generate": {
            "arrivals": { "periodic": { "every_ms": 9 } }, "keys": { "zipf": { "prefix": "k", "count": 5, "exponent": 1.5 } } } }
    ],
    "script": [
        { "at_ms": 1.5, "do": { "operate": { "service": "a", "operation": { "increment": { "key": "n", "by": 2 } } } } },
        { "at_ms": 1.5, "do": { "stop_broker": { "bus": "bus", "broker": 2 } } }
    ],
    "promises": [{ "lost_updates": { "count": 1 } }],
    "tasks": [{ "id": "t", "title": "T", "text": "t", "runs": 300, "attempts": 3,
        "goals": [{ "id": "g", "text": "t", "points": 2, "must": "runs(converged) == 1" }] }]
}"#;

/// The JSON pointers of all numbers of a document.
fn numbers(part: &Json, at: &str) -> Vec<String> {
    match part {
        Json::Number(_) => vec![at.into()],
        Json::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| numbers(item, &format!("{at}/{index}"))).collect()
        }
        Json::Object(fields) => {
            fields.iter().flat_map(|(name, field)| numbers(field, &format!("{at}/{name}"))).collect()
        }
        Json::Null | Json::Bool(_) | Json::String(_) => Vec::new(),
    }
}

/// The range that an error states.
fn range(problem: &str) -> Option<(i128, i128)> {
    let (_, rest) = problem.split_once("from ")?;
    let (low, rest) = rest.split_once(" to ")?;
    let number = |text: &str| match text.trim_end_matches(',') {
        "2^53" => Some(1 << 53),
        "-2^53" => Some(-(1 << 53)),
        digits => digits.parse().ok(),
    };
    Some((number(low)?, number(rest.split(' ').next()?)?))
}

/// The range that the document's error states if the number at a pointer is this text; none if that number is accepted.
fn stated(document: &Json, pointer: &str, text: &str) -> Option<(i128, i128)> {
    let mut changed = document.clone();
    *changed.pointer_mut(pointer).expect("a number") = parse(text).expect("JSON");
    let errors = Scenario::from_json(&changed.to_string()).err().unwrap_or_default();
    let path = pointer.split('/').skip(1).fold(String::new(), |path, step| match step.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) if path.is_empty() => step.into(),
        Err(_) => format!("{path}.{step}"),
    });
    errors.iter().filter(|error| error.path == path).find_map(|error| range(&error.problem))
}

#[test]
fn the_range_that_an_error_states_is_the_range_that_is_allowed() {
    let document = parse(NUMBERS).expect("JSON");
    assert_eq!(Scenario::from_json(NUMBERS).err(), None);
    let mut checked = 0;
    for pointer in numbers(&document, "") {
        for text in ["1.5", "-99999999999999999999", "99999999999999999999", "\"many\""] {
            let Some((low, high)) = stated(&document, &pointer, text) else { continue };
            checked += 1;
            for allowed in [low, high] {
                let refused = stated(&document, &pointer, &allowed.to_string());
                assert_eq!(
                    refused, None,
                    "{pointer}: the error of {text} allows {low} to {high}, but {allowed} is refused"
                );
            }
            for beyond in [low - 1, high + 1] {
                let refused = stated(&document, &pointer, &beyond.to_string());
                assert_eq!(refused, Some((low, high)), "{pointer}: {beyond}");
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn a_setting_of_a_branch_or_of_the_page_states_the_range_that_is_allowed() {
    let scenario = Scenario::from_json(NUMBERS).expect("valid");
    for value in ["1.5", "-1", "99999999999"] {
        let problem = scenario.with_setting("b.subscribes.0.max_deliveries", value).expect_err(value);
        assert!(problem.contains("must be a whole number from 1 to 100000, not"), "{problem}");
        let problem = scenario.with_setting("g.protocol.quorum.read", value).expect_err(value);
        assert!(problem.contains("must be a whole number from 1 to 3, not"), "{problem}");
    }
}
