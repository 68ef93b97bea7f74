use super::*;
use crate::scenario::Scenario;
use crate::scenario::examples;

fn example(id: &str) -> Scenario {
    examples::find(id).expect("an example").scenario()
}

#[test]
fn a_run_that_reaches_its_event_limit_is_reported_as_halted() {
    let scenario = example("lost-event");
    let complete = RunReport::of(&scenario, u64::MAX);
    assert_eq!(complete.halted, None);
    let cut_short = RunReport::of(&scenario, 3);
    assert_eq!(cut_short.events, 3);
    let halted = cut_short.halted.expect("halted");
    assert!(halted.contains("3 events, its limit"), "{halted}");
}

#[test]
fn a_scenario_is_read_from_json_from_a_link_and_from_the_name_of_an_example() {
    let scenario = example("first-update");
    let link = crate::scenario::link::encode(&scenario).expect("a link");
    for text in [scenario.to_json(), link.clone(), format!("https://example.org/#{link}\n"), "ex=first-update".into()] {
        assert_eq!(scenario_from(&text).expect("a scenario"), scenario, "{text}");
    }
}

#[test]
fn validation_reports_all_errors_with_their_paths() {
    let report = validate(r#"{"converge": 1, "services": [{"id": "a b"}, {"id": "c", "calls": [{"to": "d"}]}]}"#);
    assert!(!report.valid);
    let paths: Vec<&str> = report.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["services[0].id", "services[1].calls[0].to"]);
    assert!(validate("ex=first-update").valid);
}

#[test]
fn an_error_of_a_check_names_the_option_or_the_history() {
    let history = r#"{"type": "invoke", "f": "read", "value": null, "process": 0}"#;
    let path = |history: &str, options: &CheckOptions| check(history, options).expect_err("refused").path;
    assert_eq!(path("", &CheckOptions::default()), "history");
    let unknown = CheckOptions { guarantees: vec!["perfect".into()], ..CheckOptions::default() };
    assert_eq!(path(history, &unknown), "guarantee");
    let initial = CheckOptions {
        model: Some(crate::analysis::jepsen::DataModel::Set),
        initial: Some("3".into()),
        ..CheckOptions::default()
    };
    assert_eq!(path(history, &initial), "initial");
}
