//! How the command line reads its arguments and files.

use super::cases::{code, converge, err, out};
use converge::scenario::examples;
use converge::session::Session;
use converge::session::protocol::{Query, Report, Request, ToEngine};

fn in_folder(name: &str, content: &str) -> String {
    let folder = std::env::temp_dir().join(format!("converge-outside-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    std::fs::write(&file, content).expect("a file");
    file.to_string_lossy().into_owned()
}

const SCENARIO: &str = r#"{"converge": 1, "services": [{"id": "a", "data": {"k": 1}}]}"#;

#[test]
fn a_scenario_that_begins_with_a_byte_order_mark_is_read() {
    let file = in_folder("mark.json", &format!("\u{feff}{SCENARIO}"));
    for arguments in [["validate", &file], ["run", &file], ["why", &file]] {
        let output = converge(&arguments, "");
        assert_eq!(code(&output), 0, "{arguments:?}: {}", err(&output));
    }
    let link = converge(&["link", "encode", &file], "");
    assert_eq!(code(&link), 0, "{}", err(&link));
}

#[test]
fn a_path_with_a_number_sign_is_a_path() {
    let file = in_folder("a#b.json", SCENARIO);
    assert_eq!(code(&converge(&["run", &file], "")), 0);
    let output = converge(&["run", "no/such#file.json"], "");
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("No such file"), "{}", err(&output));
}

#[test]
fn a_history_is_written_to_standard_output() {
    let output = converge(&["run", "ex=first-update", "--history", "-"], "");
    assert_eq!(code(&output), 0);
    assert!(out(&output).lines().all(|line| line.starts_with('{')), "{}", out(&output));
    assert!(!std::path::Path::new("-").exists());
    let both = converge(&["run", "ex=first-update", "--history", "-", "--trace", "-"], "");
    assert_eq!(code(&both), 2);
}

#[test]
fn an_unknown_key_is_refused() {
    let output = converge(&["why", "ex=lost-event", "--key", "nope"], "");
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("--key: ") && err(&output).contains("widget"), "{}", err(&output));
}

#[test]
fn errors_name_no_types_of_the_program() {
    let output = converge(&["merge", "-"], r#"{"converge_sweep": "one"}"#);
    assert_eq!(code(&output), 2);
    assert!(!err(&output).contains("u32") && !err(&output).contains("u64"), "{}", err(&output));
}

#[test]
fn a_sweep_of_another_format_is_refused_by_its_version() {
    let sweep = out(&converge(&["sweep", "ex=first-update", "--seeds", "0..2", "--json"], ""));
    let output = converge(&["merge", "-"], &sweep);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let old = sweep.replace("\"converge_sweep\": 2", "\"converge_sweep\": 1").replace("\"buckets\"", "\"counts\"");
    let output = converge(&["merge", "-"], &old);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("-: converge_sweep: format 2 is expected, not 1"), "{}", err(&output));
}

#[test]
fn control_characters_are_not_printed_raw() {
    let scenario = r#"{"converge": 1, "title": "red \u001b[31m", "services": [{"id": "a"}]}"#;
    let output = converge(&["run", "-"], scenario);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(!out(&output).contains('\u{1b}') && out(&output).contains("red"), "{}", out(&output));
}

#[test]
fn exports_escape_names_by_the_rules_of_their_formats() {
    let scenario = r##"{"converge": 1, "services": [
        {"id": "a", "name": "C# service; new", "publishes": [{"to": "q"}]},
        {"id": "b", "name": "two\nlines", "subscribes": [{"to": "q"}]}], "buses": [{"id": "q"}],
        "script": [{"at_ms": 1, "do": {"operate": {"service": "a", "operation": {"write": {"key": "k", "value": 1}}}}}]}"##;
    let mermaid = out(&converge(&["run", "-", "--mermaid", "-"], scenario));
    assert!(mermaid.contains("C#35; service#59; new"), "{mermaid}");
    let shiviz = out(&converge(&["run", "-", "--shiviz", "-"], scenario));
    assert_eq!(shiviz.lines().count() % 2, 0, "{shiviz}");
    assert!(shiviz.lines().step_by(2).all(|line| line.ends_with('}')), "{shiviz}");
}

#[test]
fn the_log_counts_one_subscription_and_several() {
    let texts = |id: &str| {
        let scenario = Box::new(examples::find(id).expect("an example").scenario());
        let mut session = Session::default();
        session.handle(ToEngine { epoch: 1, request: Request::Load { scenario, at: 3_000_000 } });
        let request = Request::Query(Query::Log { from: 0, count: 500 });
        let Report::Log { rows, .. } = session.handle(ToEngine { epoch: 1, request }).report else { panic!("no log") };
        rows.into_iter().map(|row| row.text).collect::<Vec<String>>().join("\n")
    };
    let one = texts("lost-event");
    assert!(one.contains("1 subscription") && !one.contains("1 subscriptions"), "{one}");
    let several = texts("duplicate-delivery");
    assert!(several.contains("2 subscriptions") || several.contains("3 subscriptions"), "{several}");
}

#[test]
fn files_of_a_run_do_not_overwrite_each_other_or_the_scenario() {
    let folder = std::env::temp_dir().join(format!("converge-same-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let name = |name: &str| folder.join(name).display().to_string();
    let scenario = name("scenario.json");
    std::fs::write(&scenario, super::limits::halting().to_string()).expect("a file");
    let cases = [
        ["run", "ex=lost-event", "--trace", &name("x"), "--history", &name("x")],
        ["run", "ex=lost-event", "--metrics", &name("x"), "--shiviz", &name("./x")],
        ["run", &scenario, "--trace", &name("y"), "--mermaid", &scenario],
    ];
    for arguments in cases {
        let output = converge(&arguments, "");
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(err(&output).contains("must be different files"), "{}", err(&output));
    }
    assert!(!folder.join("x").exists() && !folder.join("y").exists());
    assert_eq!(std::fs::read_to_string(&scenario).expect("kept"), super::limits::halting().to_string());
    // An invalid answer is named.
    let answer = name("answer.json");
    std::fs::write(&answer, "{}").expect("a file");
    let output = converge(&["grade", &scenario, "--answer", &answer], "");
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("answer.json: ") && err(&output).contains("`converge`"), "{}", err(&output));
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn all_settings_of_a_branch_that_cannot_be_applied_are_reported_at_once() {
    let document = r#"{ "converge": 1, "services": [{ "id": "a" }], "branches": [
        { "name": "one", "set": { "a.concurrency": "zero", "a.nothing": "1", "b.queue": "2", "a.queue": "3" } },
        { "name": "two", "set": { "a.queue": "many" } }] }"#;
    let output = converge(&["validate", "-"], document);
    let errors = err(&output);
    for path in ["[0].set.a.concurrency: ", "[0].set.a.nothing: ", "[0].set.b.queue: ", "[1].set.a.queue: "] {
        assert!(errors.contains(&format!("error: branches{path}")), "{path}{errors}");
    }
    assert_eq!((code(&output), errors.lines().count()), (2, 4), "{errors}");
}

#[test]
fn validation_warns_of_writes_to_a_captured_store_that_no_relay_publishes() {
    let document = |publishes: &str| {
        format!(
            r#"{{ "converge": 1, "services": [{{ "id": "p1", "store": "db"{publishes} }},
            {{ "id": "p2", "store": "db", "publishes": [{{ "to": "bus", "mode": {{ "change_data_capture": {{ "poll_ms": 100, "batch": 10 }} }} }}] }},
            {{ "id": "w", "subscribes": [{{ "to": "bus" }}] }}], "buses": [{{ "id": "bus" }}], "script": [{{ "at_ms": 100,
            "do": {{ "operate": {{ "service": "p1", "operation": {{ "write": {{ "key": "n", "value": 1 }} }} }} }} }}] }}"#
        )
    };
    let same =
        r#", "publishes": [{ "to": "bus", "mode": { "change_data_capture": { "poll_ms": 100, "batch": 10 } } }]"#;
    for (publishes, warned) in [("", true), (same, false)] {
        let output = converge(&["validate", "-"], document(publishes));
        assert_eq!(err(&output).contains("and not what `p1` commits to the same store"), warned, "{}", err(&output));
        assert_eq!(err(&output).contains("services[1].publishes[0].mode: "), warned, "{}", err(&output));
    }
}

/// Returns the errors of `validate` about a value of a key.
fn errors_about(data: &str) -> String {
    let scenario = format!(r#"{{"converge": 1, "services": [{{"id": "a", "data": {data}}}]}}"#);
    let output = converge(&["validate", "-"], scenario);
    assert_eq!(code(&output), 2, "{}", err(&output));
    err(&output)
}

#[test]
fn an_error_about_a_name_in_an_object_states_what_it_names() {
    let long = "k".repeat(81);
    let too_long = format!("must have at most 80 characters, not 81: `{}…`", "k".repeat(20));
    let cases = [
        (r#"{"": 1}"#.to_string(), "services[0].data: a key must not be empty".to_string()),
        (format!(r#"{{"{long}": 1}}"#), format!("services[0].data: a key {too_long}")),
        (r#"{"m": {"map": {"": 1}}}"#.to_string(), "services[0].data.m.map: a field must not be empty".to_string()),
        (format!(r#"{{"m": {{"map": {{"{long}": 1}}}}}}"#), format!("services[0].data.m.map: a field {too_long}")),
    ];
    for (data, expected) in cases {
        let found = errors_about(&data);
        assert!(found.contains(&expected), "{expected}: {found}");
    }
}

#[test]
fn an_error_repeats_a_large_number_with_all_of_its_digits_or_visibly_rounded() {
    for (number, repeated) in [
        ("9007199254740993", "9007199254740993"),
        ("9223372036854775808", "9223372036854775808"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "1.8446744073709552e+19"),
        ("-9223372036854775809", "-9.223372036854776e+18"),
    ] {
        let found = errors_about(&format!(r#"{{"n": {number}}}"#));
        assert!(
            found.contains(&format!("services[0].data.n: must be a whole number from -2^53 to 2^53, not {repeated}\n")),
            "{found}"
        );
    }
}
