//! Errors of shape, and that what is written is what serde would write.

use crate::scenario::{Scenario, examples};

#[test]
fn errors_of_shape_lie_where_people_look_for_them() {
    let service = |inner: &str| {
        format!("{{\"converge\": 1,\n \"services\": [{{\"id\": \"a\"}},\n  {{\"id\": \"b\", {inner}}}]}}")
    };
    let cases = [
        (service("\"concurrency\": \"many\""), "services[1].concurrency"),
        (service("\"concurrency\": -4, \"queue\": 3"), "services[1].concurrency"),
        (service("\"servce_time\": 1"), "services[1].servce_time"),
        (
            service("\"subscribes\": [{\"to\": \"x\"}, {\"to\": \"y\", \"acknowledge\": \"nevr\"}]"),
            "services[1].subscribes[1].acknowledge",
        ),
        (service("\"service_time\": {\"uniform\": {\"low_ms\": 1}}"), "services[1].service_time.uniform"),
        (service("\"service_time\": {\"triangle\": {\"low_ms\": 1}}"), "services[1].service_time.triangle"),
        (service("\"data\": {\"a \\\" , b\": [1, [2]]}"), "services[1].data.a \" , b"),
        (service("\"calls\": [{}]"), "services[1].calls[0]"),
        (service("\"position\": [1, 2.5]"), "services[1].position[1]"),
        (service("\"calls\": 5"), "services[1].calls"),
        ("{\"services\": []}".to_string(), ""),
        ("[1]".to_string(), ""),
        ("{\"converge\": 1, \"titel\": \"x\"}".to_string(), "titel"),
    ];
    for (text, path) in cases {
        let errors = Scenario::from_json(&text).expect_err(&text);
        assert_eq!(errors[0].path, path, "{text}: {errors:?}");
    }
}

#[test]
fn what_is_not_json_is_told_by_line_and_column() {
    let errors = Scenario::from_json("{\n  \"converge\": 1,\n  oops\n}").expect_err("no JSON");
    assert_eq!(errors[0].to_string(), "line 3, column 3: key must be a string");
}

#[test]
fn everything_of_a_wrong_shape_is_told_at_once() {
    let text = r#"{"converge": 1, "seed": -1, "services": [{"name": 3, "queue": "long"}]}"#;
    let errors = Scenario::from_json(text).expect_err("three wrong fields and a missing one");
    let mut paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["seed", "services[0]", "services[0].name", "services[0].queue"]);
}

#[test]
fn a_field_that_is_named_twice_is_refused_before_one_of_them_is_lost() {
    let errors = Scenario::from_json("{\"converge\": 1,\n \"seed\": 2, \"seed\": 3}").expect_err("two seeds");
    assert_eq!(errors[0].to_string(), "line 2, column 22: duplicate field `seed`");
}

#[test]
fn a_document_is_written_as_serde_writes_it_and_read_as_it_was() {
    for example in examples::EXAMPLES {
        let scenario = example.scenario();
        let text = scenario.to_json();
        assert_eq!(text, serde_json::to_string_pretty(&scenario).expect("JSON"), "{}", example.id);
        assert_eq!(Scenario::from_json(&text).as_ref(), Ok(&scenario), "{}", example.id);
        let compact: serde_json::Value = serde_json::to_value(&scenario).expect("JSON");
        assert_eq!(scenario.to_value(), compact, "{}", example.id);
    }
}
