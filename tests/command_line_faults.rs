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
