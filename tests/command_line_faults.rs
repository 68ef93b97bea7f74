//! Faults of callers of the command line: each is reported with its place and what was expected.

use crate::common::command_line::{converge, err, out};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_number_out_of_range_is_refused_with_what_was_expected() {
    let whole = "a whole number from 0 to 9007199254740992 is expected";
    let time = "a time from 0.001 to 1000000000 ms is expected";
    let cases: [(&[&str], &str); 18] = [
        (&["run", "ex=first-update", "--seed", "-1"], whole),
        (&["run", "ex=first-update", "--seed", "1e3"], whole),
        (&["why", "ex=first-update", "--seed", "99999999999999999999"], whole),
        (&["run", "ex=first-update", "--until", "-3"], time),
        (&["run", "ex=first-update", "--until", "NaN"], time),
        (&["run", "ex=first-update", "--until", "-inf"], time),
        (&["sweep", "ex=first-update", "--seeds", "1..2", "--until", "x"], time),
        (&["run", "ex=first-update", "--max-events", "-1"], "a whole number, 0 or more, is expected"),
        (&["why", "ex=first-update", "--at", "-1"], "a time from 0 to "),
        (&["why", "ex=first-update", "--at", "nan"], "a time from 0 to "),
        (
            &["sweep", "ex=first-update", "--seeds", "-5..3"],
            "a range of seeds like 1..101 or 1..=100 is expected, not `-5..3`",
        ),
        (
            &["compare", "ex=cassandra-hints", "--seeds", "-5"],
            "a range of seeds like 1..101 or 1..=100 is expected, not `-5`",
        ),
        (&["sweep", "ex=first-update", "--seeds", "1..2", "--jobs", "-5"], "a whole number, 1 or more, is expected"),
        (&["sweep", "ex=first-update", "--seeds", "1..2", "--jobs", "0"], "a whole number, 1 or more, is expected"),
        (
            &["check", "-", "--guarantee", "bounded-staleness", "--k", "-1"],
            "a whole number from 0 to 4294967295 is expected",
        ),
        (&["check", "-", "--guarantee", "bounded-staleness", "--t", "-1"], "a time from 0 to "),
        (&["check", "-", "--budget", "-1"], "a whole number, 0 or more, is expected"),
        (&["grade", "ex=first-update", "--max-events", "many"], "a whole number, 0 or more, is expected"),
    ];
    for (arguments, expected) in cases {
        let output = converge(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err(&output).contains(expected), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(arguments[arguments.len() - 2]), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn an_initial_value_that_is_not_finite_or_not_json_is_refused() {
    let history = b"{\"type\":\"invoke\",\"f\":\"read\",\"value\":null,\"process\":0}\n{\"type\":\"ok\",\"f\":\"read\",\"value\":null,\"process\":0}\n";
    for initial in ["NaN", "inf", "-inf", "Infinity", "-Infinity", "1e999", "[1, 2", "{", "\"x"] {
        let output = converge(&["check", "-", "--initial", initial], history);
        assert_eq!(output.status.code(), Some(2), "{initial}: {}", out(&output));
        assert!(err(&output).starts_with("error: --initial: a "), "{initial}: {}", err(&output));
    }
    for initial in ["-1", "\"NaN\"", "1.5", "new"] {
        let output = converge(&["check", "-", "--initial", initial], history);
        assert_eq!(output.status.code(), Some(1), "{initial}: {}", err(&output));
    }
    let output = converge(&["check", "-", "--k", "3", "--t", "5"], history);
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("warning: --k: has no effect") && err(&output).contains("--t"), "{}", err(&output));
}

#[test]
fn a_file_that_is_no_document_is_named_with_what_was_expected() {
    let folder = std::env::temp_dir().join(format!("converge-faults-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("empty"), "").expect("written");
    std::fs::write(path("bytes"), [0x7f, 0x45, 0xff, 0xfe, 0]).expect("written");
    let commands: [&[&str]; 11] = [
        &["run"],
        &["why"],
        &["check"],
        &["sweep", "--seeds", "1..3"],
        &["merge"],
        &["grade"],
        &["compare"],
        &["lesson", "check"],
        &["lesson", "show"],
        &["link", "encode"],
        &["validate"],
    ];
    for command in commands {
        for (name, expected) in [("empty", ""), ("bytes", "a text in UTF-8 is expected"), ("none", ""), (".", "")] {
            let file = path(name);
            let output = converge(&[command, &[&file]].concat(), b"");
            assert_eq!(output.status.code(), Some(2), "{command:?} {name}");
            let message = err(&output);
            assert!(message.starts_with(&format!("error: {file}: ")), "{command:?} {name}: {message}");
            assert!(message.contains(expected), "{command:?} {name}: {message}");
        }
    }
    let unwritable = path("no/such/folder");
    for option in ["--trace", "--history", "--metrics", "--mermaid", "--shiviz"] {
        for file in [&unwritable, "", "/dev/full"] {
            let output = converge(&["run", "ex=lost-event", option, file], b"");
            let name = if file.is_empty() { "a file with an empty name" } else { file };
            assert_eq!(output.status.code(), Some(2), "{option} {file}");
            assert!(err(&output).starts_with(&format!("error: {name}: ")), "{option} {file}: {}", err(&output));
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn an_example_is_named_in_any_case_wherever_a_scenario_is_expected() {
    for name in ["ex=lost-event", "EX=lost-event", "Ex=lost-event"] {
        let encoded = converge(&["link", "encode", name], b"");
        assert_eq!(encoded.status.code(), Some(0), "{name}: {}", err(&encoded));
        let decoded = converge(&["link", "decode", out(&encoded).trim()], b"");
        assert_eq!(out(&decoded), out(&converge(&["link", "decode", "ex=lost-event"], b"")), "{name}");
        assert_eq!(converge(&["run", name], b"").status.code(), Some(0), "{name}");
        assert_eq!(
            out(&converge(&["examples", "show", name], b"")),
            out(&converge(&["examples", "show", "lost-event"], b""))
        );
    }
    let unknown = converge(&["link", "encode", "ex=nothing"], b"");
    assert_eq!(
        (unknown.status.code(), err(&unknown)),
        (Some(2), "error: link: no example has the id `nothing`\n".into())
    );
}

/// A key, a value and a name with a break of a line that would forge a line of a report.
#[test]
fn a_name_or_value_forges_no_line_of_a_report() {
    let forged = "x\nconvergence: converged\r\u{2028}missed\u{202e}";
    let document = json!({
        "converge": 1,
        "title": forged,
        "services": [
            { "id": "a", "name": forged, "data": { forged: forged }, "publishes": [{ "to": "bus" }] },
            { "id": "b", "data": { forged: forged }, "subscribes": [{ "to": "bus", "fails": 1, "max_deliveries": 1 }] }
        ],
        "buses": [{ "id": "bus" }],
        "script": [{ "at_ms": 5, "do": { "operate": { "service": "a", "operation": { "write": { "key": forged, "value": "y\ny" } } } } }],
        "tasks": [{ "id": "t", "goals": [{ "id": "g", "text": forged, "must": "updates == 2" }] }]
    });
    let document = document.to_string();
    let history = json!([
        { "type": "invoke", "f": "read", "key": forged, "value": null, "process": forged },
        { "type": "ok", "f": "read", "key": forged, "value": forged, "process": forged },
    ]);
    let history = history.to_string();
    let invalid = json!({ "converge": 1, "services": [{ "id": forged }] }).to_string();
    let cases: [(&[&str], &str); 7] = [
        (&["run", "-"], &document),
        (&["why", "-"], &document),
        (&["sweep", "-", "--seeds", "1..3"], &document),
        (&["grade", "-"], &document),
        (&["check", "-"], &history),
        (&["validate", "-"], &invalid),
        (&["run", "no\nconvergence: converged"], ""),
    ];
    for (arguments, input) in cases {
        let output = converge(arguments, input.as_bytes());
        let text = out(&output) + &err(&output);
        assert!(
            !text.lines().any(|line| line.starts_with("convergence: converged") || line == "y"),
            "{arguments:?}: {text}"
        );
        assert!(!text.contains(['\r', '\u{2028}', '\u{202e}']), "{arguments:?}: {text:?}");
        assert!(text.contains("\\n"), "{arguments:?}: {text}");
    }
}

/// Returns a run that takes far longer than the test.
fn endless() -> String {
    json!({
        "converge": 1,
        "until_ms": 1e9,
        "services": [{ "id": "x" }, { "id": "y" }, { "id": "z" }],
        "groups": [{ "id": "g", "members": ["x", "y", "z"] }],
        "clients": [{ "id": "c", "target": "g", "sessions": 9, "generate": {
            "arrivals": { "periodic": { "every_ms": 1 } }, "keys": { "one": { "key": "k" } }, "read_share": 0.5 } }],
        "tasks": [{ "id": "t", "goals": [{ "id": "g", "must": "updates == 2" }] }]
    })
    .to_string()
}

/// Starts the program, sends Ctrl-C when it reports its progress, and returns its exit code and output.
#[cfg(unix)]
fn interrupted(arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_converge"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // The first report of the progress comes in the middle of the first run.
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let progress = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(" of ")));
    assert!(progress.is_some(), "{arguments:?} reports its progress");
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().expect("kill runs");
    assert!(killed.success());
    // The program writes further lines there.
    lines.for_each(drop);
    let output = child.wait_with_output().expect("the program ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[cfg(unix)]
fn ctrl_c_stops_one_long_run_of_each_command() {
    let folder = std::env::temp_dir().join(format!("converge-interrupts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::write(path("endless.json"), endless()).expect("written");
    let file = path("endless.json");
    let commands = ["run", "grade", "compare --jobs 1", "sweep --seeds 1..3 --jobs 1"];
    std::thread::scope(|scope| {
        for command in commands {
            let file = &file;
            scope.spawn(move || {
                let arguments: Vec<&str> = command.split(' ').collect();
                let (code, text) = interrupted(&[&arguments[..], &[file, "--max-events", "1000000000000"]].concat());
                assert_eq!(code, Some(130), "{command:?}: {text}");
                assert!(!text.is_empty(), "{command:?} prints what it has");
            });
        }
    });
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn nesting_that_is_too_deep_is_called_so_with_the_limit_and_the_place() {
    let list = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let object = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
    let json = "nested too deeply: at most 127 levels are expected";
    let scenario = |value: &str| format!("{{\"converge\": 1, \"title\":\n{value}}}");
    let operation =
        |value: &str| format!("{{\"type\": \"invoke\", \"f\": \"write\", \"process\": 0, \"value\": {value}}}");
    let line = operation("1");
    let lesson = format!("---\nid: a\ntitle: A\n---\n## One {{#a}}\n```scenario x\n{list}\n```\n");
    let cases: [(&[&str], String, String); 9] = [
        (
            &["run", "-"],
            scenario(&list),
            "nested too deeply (line 2, column 127): at most 127 levels are expected".into(),
        ),
        (&["validate", "-"], scenario(&object), "nested too deeply (line 2, column 631): at most 127 levels".into()),
        (&["check", "-"], format!("{line}\n{}", operation(&list)), format!("line 2, column 183: {json}")),
        (&["check", "-"], format!("[{line},\n{}]", operation(&list)), format!("line 2, column 182: {json}")),
        (&["check", "-"], format!("{line}\n{}", operation(&object)), format!("line 2, column 687: {json}")),
        (&["check", "-"], list.clone(), "line 1: nested too deeply: at most 64 levels".into()),
        (
            &["check", "-"],
            format!("{{:f :write :value\n{list}}}"),
            "line 2: nested too deeply: at most 64 levels".into(),
        ),
        (&["check", "-", "--initial", &list], line, format!("--initial: line 1, column 128: {json}")),
        (&["lesson", "check", "-"], lesson, "nested too deeply (line 1, column 128): at most 127 levels".into()),
    ];
    for (command, input, expected) in cases {
        let output = converge(command, &input);
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        let message = err(&output);
        assert!(message.contains(&expected), "{command:?}: {expected}: {message}");
        assert!(!message.contains("not JSON") && !message.contains("recursion"), "{command:?}: {message}");
    }
    let link = format!("ex=first-update&set.inventory.concurrency={list}");
    let message = err(&converge(&["run", &link], b""));
    assert!(message.contains("nested too deeply (line 1, column 128)"), "{message}");
    // What a sweep does not have is skipped, however deep it is; in place of a figure it is no figure.
    let sweep = out(&converge(&["sweep", "ex=lost-event", "--seeds", "1..2", "--json"], b""));
    let message = err(&converge(&["merge", "-"], sweep.replacen("\"runs\": 1", &format!("\"runs\": {list}"), 1)));
    assert!(message.contains("invalid type: sequence") && !message.contains("JSON"), "{message}");
}

#[test]
fn a_challenge_is_shown_like_a_lesson_by_the_name_under_which_it_is_listed() {
    let listed = out(&converge(&["lesson", "list"], b""));
    for line in listed.lines() {
        let (name, title) = line.split_once("  ").expect("a name and a title");
        if name.starts_with("lesson=") {
            continue;
        }
        let shown = converge(&["lesson", "show", name], b"");
        assert_eq!(shown.status.code(), Some(0), "{name}: {}", err(&shown));
        let text = out(&shown);
        assert!(text.starts_with(&format!("# {title}\n\n")), "{name}: {text}");
        assert!(text.contains("Goals, over ") && text.contains("  `") && text.contains(name), "{name}: {text}");
        let checked = converge(&["lesson", "check", name], b"");
        assert_eq!(checked.status.code(), Some(2), "{name}");
        assert!(err(&checked).contains("a lesson is expected, not a challenge"), "{}", err(&checked));
    }
    let shown = out(&converge(&["lesson", "show", "Challenge=lost-event"], b""));
    assert!(
        shown.contains("- arrives (2 points): Notification shows the new stock") && shown.contains("(1 point)"),
        "{shown}"
    );
    let unknown = converge(&["lesson", "show", "challenge=nothing"], b"");
    let message = "error: no challenge has the id `nothing`; `converge lesson list` prints them\n";
    assert_eq!((unknown.status.code(), err(&unknown).as_str()), (Some(2), message));
}

#[test]
fn one_of_something_is_not_named_in_the_plural() {
    let operation = r#"{"type": "invoke", "f": "read", "value": null, "process": 0}
{"type": "ok", "f": "read", "value": null, "process": 0}"#;
    let sweep = out(&converge(&["sweep", "ex=first-update", "--seeds", "1..2", "--json"], b""));
    let halted = converge(&["run", "ex=lost-event", "--max-events", "1"], b"");
    let texts = [
        out(&converge(&["check", "-"], operation)),
        out(&converge(&["sweep", "ex=first-update", "--seeds", "1..2"], b"")),
        out(&converge(&["merge", "-"], &sweep)),
        out(&converge(&["compare", "ex=quorum-inversion", "--seeds", "1..2"], b"")),
        out(&halted),
        out(&converge(&["run", "ex=quorum-inversion"], b"")),
    ];
    let nouns = "executions effects operations processes keys runs events points steps scenarios questions reads writes brokers changes copies updates messages";
    for text in &texts {
        for noun in nouns.split(' ') {
            let found = text.split(&format!("1 {noun}")).next().filter(|before| before.len() < text.len());
            let ends_with_digit =
                found.is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit() || c == '.'));
            assert!(found.is_none() || ends_with_digit, "1 {noun}: {text}");
        }
    }
}

#[test]
fn writes_that_are_all_pending_at_the_end_have_no_share_that_is_not_ok() {
    let document = r#"{"converge": 1, "until_ms": 100, "services": [{"id": "a"}, {"id": "b"}], "groups": [{"id": "g", "members": ["a", "b"],
        "protocol": {"quorum": {"read": 1, "write": 2}}}], "clients": [{"id": "c", "target": "g",
        "script": [{"at_ms": 99.9, "do": {"write": {"key": "k", "value": 1}}}]}]}"#;
    let text = out(&converge(&["compare", "-", "--seeds", "1..4"], document));
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).expect("a row").to_string();
    let cells = row("writes not ok");
    assert_eq!(cells.trim_start_matches("writes not ok").split_whitespace().collect::<Vec<&str>>(), ["-"; 3], "{text}");
}

#[test]
fn sentences_about_several_keys_name_them() {
    let event = |kind: &str, f: &str, key: &str, value: &str, process: u32| {
        format!(r#"{{"type": "{kind}", "f": "{f}", "key": "{key}", "value": {value}, "process": {process}}}"#)
    };
    let both = |f: &str, key: &str, value: &str, process: u32| {
        let argument = if f == "read" { "null" } else { value };
        format!("{}\n{}\n", event("invoke", f, key, argument, process), event("ok", f, key, value, process))
    };
    // Process 1 sees the second write of process 0, and then not the first.
    let history = |first: &str, second: &str| {
        [
            both("write", first, "1", 0),
            both("write", second, "2", 0),
            both("read", second, "2", 1),
            both("read", first, "null", 1),
        ]
        .concat()
    };
    for guarantee in ["causal", "monotonic-writes"] {
        let checked = out(&converge(&["check", "-", "--guarantee", guarantee], history("x", "y")));
        for named in
            ["write of 1 (operation 0 on x, process 0)", "write of 2 (operation 2 on y, process 0)", "on x, process 1"]
        {
            assert!(checked.contains(named), "{guarantee}: {named}: {checked}");
        }
    }
    let checked = out(&converge(&["check", "-"], both("read", "x", "7", 0)));
    assert!(checked.contains("read (operation 0, process 0)") && !checked.contains(" on x"), "{checked}");
}
