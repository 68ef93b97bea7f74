//! The command line: exit codes, output and error messages.

use crate::common::command_line::{code, converge, err, out};
use converge::scenario::examples::EXAMPLES;
use serde_json::Value;

#[test]
fn a_violated_invariant_exits_1_and_a_malformed_one_is_reported_with_its_position() {
    let scenario = |invariant: &str| {
        let text = converge::scenario::examples::find("lost-event").expect("an example").json();
        let mut json: serde_json::Value = serde_json::from_str(text).expect("JSON");
        json["invariants"] = serde_json::json!([invariant]);
        json.to_string()
    };
    let output = converge(&["run", "-"], scenario("notification.widget == inventory.widget when quiescent"));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("when quiescent: violated at "), "{text}");
    let output = converge(&["run", "-"], scenario("notification.widget == inventry.widget"));
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("invariants[0]: column 24: no service or group has the id `inventry`"), "{message}");
    let output = converge(&["run", "ex=inventory-orders", "--json"], "");
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["invariants"][0]["verdict"], "holds");
}

#[test]
fn a_branch_is_run_by_its_name_and_an_unknown_name_is_refused() {
    let digest = |arguments: &[&str]| {
        let output = converge(&[&["run", "ex=before-and-after", "--json"], arguments].concat(), "");
        assert_eq!(output.status.code(), Some(0));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        report["digest"].as_str().expect("a digest").to_string()
    };
    assert_eq!(digest(&[]), digest(&["--branch", "After"]), "the first branch is the default");
    assert_ne!(digest(&[]), digest(&["--branch", "Before"]));
    let output = converge(&["run", "ex=before-and-after", "--branch", "During"], "");
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("no branch `During`; it has `After`, `Before`"), "{message}");
}

#[test]
fn every_example_can_be_listed_shown_run_and_encoded_as_a_link() {
    let list = out(&converge(&["examples", "list"], ""));
    for example in EXAMPLES {
        assert!(list.contains(example.id));
        let shown = out(&converge(&["examples", "show", example.id], ""));
        assert_eq!(shown, example.json());
        let run = converge(&["run", "-"], &shown);
        assert_eq!(code(&run), 0, "{}: {}", example.id, out(&run));
        assert!(out(&run).contains("digest "));
        if example.scenario().services.len() > 100 {
            // Too large for a link; it can be named instead.
            let refused = converge(&["link", "encode", "-"], &shown);
            assert_eq!(code(&refused), 2);
            assert!(err(&refused).contains("at most 100"), "{}", err(&refused));
            continue;
        }
        let link = out(&converge(&["link", "encode", "-"], &shown));
        let decoded = out(&converge(&["link", "decode", link.trim()], ""));
        assert_eq!(decoded.trim(), example.scenario().to_json());
        // With the end of the line, as a pipe passes it.
        assert_eq!(out(&converge(&["link", "decode", "-"], &link)), decoded);
        assert_eq!(out(&converge(&["run", link.trim()], "")), out(&run));
    }
}

#[test]
fn the_json_report_has_all_documented_fields() {
    let run = converge(&["run", "ex=inventory-orders", "--json"], "");
    assert_eq!(code(&run), 0, "{}", err(&run));
    let report: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    let fields: Vec<&str> = report.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = [
        "buses",
        "clients",
        "convergence",
        "copies",
        "digest",
        "end_ms",
        "events",
        "halted",
        "invariants",
        "lost_updates",
        "messages",
        "missed",
        "records",
        "seed",
        "services",
        "title",
        "unfinished",
    ];
    assert_eq!(fields, expected);
    assert_eq!(report["digest"].as_str().map(str::len), Some(16));
    assert_eq!(report["end_ms"], 8000.0);
    assert_eq!(report["services"]["orders"]["state"], "consistent");
    assert_eq!(report["services"]["orders"]["keys"]["order-1001"]["value"], "shipped");
    assert_eq!(report["clients"]["picker"]["ok"], 3);
    assert!(report["clients"]["shopper"]["stale_reads"].as_u64() > Some(0));
    assert_eq!(report["buses"]["order_events"]["acknowledged"], 3);
    let messages = &report["messages"];
    let count = |name: &str| messages[name].as_u64().expect(name);
    let dropped = count("dropped_loss") + count("dropped_link_cut") + count("dropped_receiver_down");
    assert_eq!(count("sent") + count("duplicated"), count("delivered") + dropped + count("in_flight"));
    let documentation = include_str!("../docs/command-line.md");
    for field in expected {
        assert!(documentation.contains(&format!("`{field}`")), "docs/command-line.md does not describe `{field}`");
    }
}

#[test]
fn a_run_that_misses_a_promise_exits_1_and_names_it() {
    let text = EXAMPLES[0].json().replace("\"until_ms\": 5000,", "\"until_ms\": 5000, \"promises\": [\"converged\"],");
    let run = converge(&["run", "-"], &text);
    assert_eq!(code(&run), 1);
    assert!(out(&run).contains("missed promise: converged: no update was acknowledged"), "{}", out(&run));
}

#[test]
fn seed_and_end_can_be_chosen_and_the_trace_written() {
    let file = std::env::temp_dir().join(format!("converge-trace-{}.jsonl", std::process::id()));
    let path = file.to_str().expect("a path");
    let run = converge(&["run", "ex=lost-event", "--seed", "9", "--until", "1000", "--json", "--trace", path], "");
    let report: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!((report["seed"].as_u64(), report["end_ms"].as_f64()), (Some(9), Some(1000.0)));
    let trace = std::fs::read_to_string(&file).expect("the trace");
    let _ = std::fs::remove_file(&file);
    let lines: Vec<Value> = trace.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len() as u64, report["records"].as_u64().expect("a count"));
    for (i, line) in lines.iter().enumerate() {
        assert_eq!(line["index"], i);
        assert!(line["at_us"].is_u64() && line["text"].is_string() && !line["fact"].is_null(), "{line}");
        let name = line["name"].as_str().expect("a name");
        assert!(line["fact"].get(name).is_some(), "{line}");
    }
}

#[test]
fn invalid_input_exits_2_and_reports_path_and_expectation() {
    let cases: [(&[&str], &str, &str); 12] = [
        (&["run", "no-such-file.json"], "", "error: no-such-file.json: "),
        (&["run", "-"], "{", "error: this is not JSON (line 1, column 1): EOF while parsing an object"),
        (&["run", "-"], "{}", "error: missing field `converge`"),
        (
            &["run", "-"],
            "{\"converge\": 2}",
            "error: converge: must be at most 1, not 2: the document was made by a newer version",
        ),
        (
            &["validate", "-"],
            "{\"converge\": 1, \"services\": [{\"id\": \"a\", \"servce_time\": 1}]}",
            "error: services[0].servce_time: unknown field `servce_time`; expected one of `id`",
        ),
        (
            &["validate", "-"],
            "{\"converge\": 1, \"services\": [{\"id\": \"a\", \"concurrency\": \"many\"}]}",
            "error: services[0].concurrency: must be a whole number from 1 to 100000, not \"many\"",
        ),
        (
            &["validate", "-"],
            "{\"converge\": 1, \"services\": [{\"id\": \"a\", \"publishes\": [{\"to\": \"buss\"}]}], \"buses\": [{\"id\": \"bus\"}]}",
            "error: services[0].publishes[0].to: no bus has the id `buss`; did you mean `bus`?",
        ),
        (&["link", "decode", "1r.AAAAe"], "", "error: link: damaged"),
        (&["link", "decode", "-"], "hello", "error: link: not a scenario link"),
        (&["examples", "show", "nothing"], "", "error: no example has the id `nothing`; the examples are first-update"),
        (&["run", "ex=lost-event", "--until", "-5"], "", "error: "),
        (&["fly"], "", "error: unrecognized subcommand 'fly'"),
    ];
    for (arguments, input, message) in cases {
        let output = converge(arguments, input);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", err(&output));
        assert!(err(&output).starts_with(message), "{arguments:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{arguments:?}");
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let text = "{\"converge\": 1, \"until_ms\": -1, \"services\": [{\"id\": \"a b\", \"concurrency\": 0, \"calls\": [{\"to\": \"c\"}]}]}";
    let output = converge(&["validate", "-"], text);
    let lines: Vec<String> = err(&output).lines().map(str::to_string).collect();
    assert_eq!(lines[0], "error: until_ms: must be a number from 0.001 to 1000000000, not -1");
    assert_eq!(lines[1], "error: services[0].concurrency: must be a whole number from 1 to 100000, not 0");
    assert_eq!(lines[2], "error: services[0].id: must have 1 to 80 letters, digits, `_`, `-` and `.`, not `a b`");
    assert_eq!(lines[3], "error: services[0].calls[0].to: no service has the id `c`");
}

#[test]
fn a_sweep_does_not_depend_on_the_number_of_threads_or_on_how_it_is_merged() {
    let sweep = |seeds: &str, jobs: &str| {
        let output = converge(&["sweep", "ex=lost-event", "--seeds", seeds, "--jobs", jobs, "--json"], "");
        assert_eq!(code(&output), 0, "{}", err(&output));
        out(&output)
    };
    let whole = sweep("1..41", "1");
    assert_eq!(sweep("1..=40", "3"), whole);
    let folder = std::env::temp_dir().join(format!("converge-sweep-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let files: Vec<String> = [("b", "21..41"), ("a", "1..21")]
        .iter()
        .map(|(name, seeds)| {
            let file = folder.join(name);
            std::fs::write(&file, sweep(seeds, "2")).expect("written");
            file.to_string_lossy().into_owned()
        })
        .collect();
    let merged = converge(&["merge", &files[0], &files[1], "--json"], "");
    assert_eq!(out(&merged), whole);
    let text = out(&converge(&["sweep", "ex=lost-event", "--seeds", "1..41"], ""));
    assert_eq!(out(&converge(&["merge", &files[0], &files[1]], "")), text, "the title included");
    let twice = converge(&["merge", &files[0], &files[0]], "");
    assert_eq!(code(&twice), 2);
    assert!(err(&twice).contains("seed 21 is in both sweeps"), "{}", err(&twice));
    let other = out(&converge(&["sweep", "ex=inventory-orders", "--seeds", "50..51", "--json"], ""));
    let mixed = converge(&["merge", &files[0], "-"], &other);
    assert!(err(&mixed).contains("different scenarios"), "{}", err(&mixed));
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn invalid_seeds_are_refused() {
    for (seeds, expected) in
        [("5", "a range of seeds"), ("7..7", "empty"), ("a..b", "a range of seeds"), ("3..=2", "empty")]
    {
        let output = converge(&["sweep", "ex=lost-event", "--seeds", seeds], "");
        assert_eq!(code(&output), 2);
        assert!(err(&output).contains(expected), "{seeds}: {}", err(&output));
    }
    let output = converge(&["merge", "-"], "{}");
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("the output of `converge sweep --json` is expected"), "{}", err(&output));
}

#[test]
fn a_group_is_compared_under_three_levels_of_consistency() {
    let compared = converge(&["compare", "ex=cassandra-hints", "--seeds", "1..4"], "");
    assert_eq!(code(&compared), 0, "{}", err(&compared));
    let text = out(&compared);
    for what in ["eventual", "read-after-write", "strong", "write latency, median", "stale reads"] {
        assert!(text.contains(what), "{text}");
    }
    let json = out(&converge(&["compare", "ex=cassandra-hints", "--group", "ring", "--seeds", "1..4", "--json"], ""));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let figure = |consistency: &str, name: &str| json[consistency]["figures"][name].clone();
    assert!(figure("eventual", "stale_read_share").as_f64().is_some_and(|share| share > 0.0));
    assert_eq!(figure("strong", "stale_read_share").as_f64(), Some(0.0));
    let median = |consistency| figure(consistency, "write_latency_ms")["p50"].as_f64().expect("a latency");
    assert!(median("strong") > median("eventual"), "strong consistency has a higher latency");
    for (file, group) in [("ex=first-update", "x"), ("ex=cassandra-hints", "rings")] {
        let refused = converge(&["compare", file, "--group", group], "");
        assert_eq!(code(&refused), 2);
        assert!(err(&refused).contains("--group: a replica group is expected"), "{}", err(&refused));
    }
}

/// Returns a history as JSON Lines, from type, f, value as JSON and process of each event.
fn lines(events: &[(&str, &str, &str, u32)]) -> String {
    let line = |(kind, f, value, process): &(&str, &str, &str, u32)| {
        format!("{{\"type\": \"{kind}\", \"f\": \"{f}\", \"value\": {value}, \"process\": {process}}}\n")
    };
    events.iter().map(line).collect()
}

#[test]
fn a_history_gets_verdicts_with_proof() {
    let inversion = lines(&[
        ("invoke", "write", "1", 0),
        ("ok", "write", "1", 0),
        ("invoke", "write", "2", 0),
        ("invoke", "read", "null", 1),
        ("ok", "read", "2", 1),
        ("invoke", "read", "null", 2),
        ("ok", "read", "1", 2),
        ("info", "write", "2", 0),
    ]);
    let checked = converge(
        &["check", "-", "--guarantee", "linearizable,regular", "--guarantee", "session", "--json"],
        &inversion,
    );
    assert_eq!(code(&checked), 1, "{}", err(&checked));
    let found: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    let fields: Vec<&str> = found.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(fields, ["fail", "keys", "model", "ok", "operations", "processes", "unknown", "verdicts"]);
    let verdicts = found["verdicts"].as_array().expect("verdicts");
    let names: Vec<&str> = verdicts.iter().filter_map(|verdict| verdict["verdict"].as_str()).collect();
    // No operation shows whether monotonic writes and writes follow reads hold.
    assert_eq!(names, ["violated", "holds", "unknown"]);
    let violating: Vec<u64> = verdicts[0]["operations"]
        .as_array()
        .expect("operations")
        .iter()
        .filter_map(|operation| operation["index"].as_u64())
        .collect();
    assert_eq!(violating, [0, 2, 3, 5]);
    assert!(verdicts[0]["sentence"].as_str().is_some_and(|sentence| sentence.contains("no single order")));

    let regular = converge(&["check", "-", "--guarantee", "regular"], &inversion);
    assert_eq!((code(&regular), out(&regular).contains("regular: holds")), (0, true));
    let none = converge(&["check", "-", "--guarantee", "bounded-staleness", "--t", "3"], &inversion);
    assert_eq!(code(&none), 3, "the history has no times: {}", out(&none));
}

#[test]
fn histories_are_read_as_json_lines_as_an_array_and_as_edn() {
    let events = [
        ("invoke", "cas", "[1, 2]", 0),
        ("ok", "cas", "[1, 2]", 0),
        ("invoke", "read", "null", 1),
        ("ok", "read", "2", 1),
    ];
    let json = lines(&events);
    let array = format!("[{}]", json.trim().replace('\n', ","));
    let edn = "; from Jepsen
        {:type :invoke, :f :cas, :value [1 2], :process 0, :time 10, :index 0}
        #jepsen.history.Op{:type :ok, :f :cas, :value [1 2], :process 0, :time 20, :index 1}
        {:type :info, :f :start, :process :nemesis, :time 21, :index 2}
        {:type :invoke, :f :read, :value nil, :process 1, :time 30, :index 3}
        {:type :ok, :f :read, :value 2, :process 1, :time 40, :index 4, :extra #{1 2}}";
    for text in [json.as_str(), &array, edn, &format!("[{edn}]")] {
        let holds = converge(&["check", "-", "--initial", "1"], text);
        assert_eq!(code(&holds), 0, "{}{}", out(&holds), err(&holds));
        let not = converge(&["check", "-"], text);
        assert_eq!(code(&not), 1, "the key is absent at the start: {}{}", out(&not), err(&not));
    }
    let keyed = "{:type :invoke :f :write :value [:x 1] :process 0} {:type :ok :f :write :value [:x 1] :process 0}
        {:type :invoke :f :read :value [:y nil] :process 0} {:type :ok :f :read :value [:y nil] :process 0}";
    assert_eq!(code(&converge(&["check", "-"], keyed)), 0, "two keys");
    assert_eq!(code(&converge(&["check", "-", "--keyed"], keyed)), 0);
}

#[test]
fn a_malformed_history_is_refused_with_its_line_and_expectation() {
    let read = ("invoke", "read", "null", 0);
    let cases: &[(String, &str)] = &[
        (String::new(), "empty"),
        ("hello".into(), "line 1"),
        ("{\"type\": \"invoke\"".into(), "line 1"),
        ("{:type :invoke".into(), "line 1"),
        ("{\"type\": \"invoke\", \"f\": \"read\"}".into(), "line 1: process is missing"),
        (lines(&[("begin", "read", "null", 0)]), "line 1: type: invoke, ok, fail or info"),
        (lines(&[("invoke", "frob", "null", 0)]), "line 1: f: read, write"),
        (lines(&[("invoke", "cas", "3", 0)]), "line 1: value: [from to]"),
        (lines(&[read, ("ok", "read", "null", 1)]), "line 2: process 1 ends"),
        (lines(&[read, read]), "line 2: process 0 invokes while its operation of line 1"),
        (lines(&[read, ("ok", "write", "1", 0)]), "line 2: f: read is expected"),
        (lines(&[("invoke", "write", "1", 0), ("info", "write", "1", 0), read]), "line 3: process 0 invokes again"),
        (lines(&[("invoke", "increment", "\"a\"", 0)]), "line 1: value: a whole number"),
        (
            lines(&[("invoke", "add", "1", 0), ("ok", "add", "1", 0), read, ("ok", "read", "\"x\"", 0)]),
            "line 4: value: a whole number",
        ),
    ];
    for (text, expected) in cases {
        let refused = converge(&["check", "-"], text);
        assert_eq!(code(&refused), 2, "{text}");
        assert!(err(&refused).contains(expected), "{text}: {} instead of {expected}", err(&refused));
    }
    let fine = lines(&[read, ("ok", "read", "null", 0)]);
    for (arguments, expected) in [
        (vec!["--guarantee", "perfect"], "one of linearizable"),
        (vec!["--guarantee", "bounded-staleness"], "needs a bound"),
        (vec!["--model", "set", "--initial", "3"], "--initial: a list"),
    ] {
        let refused = converge(&[&["check", "-"], arguments.as_slice()].concat(), &fine);
        assert_eq!(code(&refused), 2);
        assert!(err(&refused).contains(expected), "{}", err(&refused));
    }
}

#[test]
fn the_history_of_a_run_can_be_checked() {
    let folder = std::env::temp_dir().join(format!("converge-history-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for example in EXAMPLES {
        let file = folder.join(format!("{}.jsonl", example.id));
        let file = file.to_str().expect("a path");
        let run = converge(&["run", &format!("ex={}", example.id), "--history", file], "");
        assert_eq!(code(&run), 0, "{}", err(&run));
        if std::fs::metadata(file).expect("a file").len() == 0 {
            continue;
        }
        let checked = converge(&["check", file], "");
        let wanted: &[i32] = match example.id {
            "quorum-inversion" => &[1],
            "quorum-write-back" => &[0],
            _ => &[0, 1, 3],
        };
        assert!(wanted.contains(&code(&checked)), "{}: {}{}", example.id, out(&checked), err(&checked));
    }
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn a_run_is_written_as_csv_mermaid_and_shiviz() {
    let folder = std::env::temp_dir().join(format!("converge-exports-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str| folder.join(name).display().to_string();
    let (csv, mermaid, shiviz) = (file("m.csv"), file("m.mmd"), file("s.log"));
    let arguments = ["run", "ex=inventory-notification", "--metrics", &csv, "--mermaid", &mermaid, "--shiviz", &shiviz];
    assert_eq!(converge(&arguments, "").status.code(), Some(0));
    let read = |file: &str| std::fs::read_to_string(file).expect("written");
    // Metrics: all rows have the same number of cells, time increases, and Notification is two updates behind until the end.
    let rows: Vec<Vec<String>> = read(&csv).lines().map(|row| row.split(',').map(String::from).collect()).collect();
    let column = |name: &str| rows[0].iter().position(|cell| cell == name).unwrap_or_else(|| panic!("{name}"));
    let number = |row: &[String], name: &str| row[column(name)].parse::<f64>().expect("a number");
    assert!(rows.len() > 300 && rows.iter().all(|row| row.len() == rows[0].len()));
    assert!(rows[1..].windows(2).all(|pair| number(&pair[0], "t_ms") < number(&pair[1], "t_ms")));
    assert_eq!(rows[1..].iter().map(|row| number(row, "behind:notification") as u32).max(), Some(2));
    let last = rows.last().expect("rows");
    assert_eq!((number(last, "t_ms"), number(last, "stale_copies"), number(last, "ok")), (6000.0, 0.0, 3.0));
    // The diagram has a line for each message, and marks the one that the cut link dropped.
    let diagram = read(&mermaid);
    assert!(diagram.starts_with("sequenceDiagram\n"), "{diagram}");
    assert!(diagram.contains("n2-xn1: delivery widget = 45 (v3) (1233.246 ms, dropped: link cut)"), "{diagram}");
    // Vector clocks: a node's own entry increases by one, and no other node has a larger value for it.
    let log = read(&shiviz);
    let lines: Vec<&str> = log.lines().collect();
    let mut own: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    for pair in lines.chunks(2) {
        let (node, clock) = pair[0].split_once(' ').expect("a node and its clock");
        let clock: std::collections::BTreeMap<String, u64> = serde_json::from_str(clock).expect("JSON");
        assert_eq!(clock[node], own.get(node).copied().unwrap_or_default() + 1, "{pair:?}");
        own.insert(node.into(), clock[node]);
        assert!(clock.iter().all(|(other, count)| *count <= own.get(other).copied().unwrap_or_default()), "{pair:?}");
    }
    assert!(own.len() == 4 && own.values().all(|count| *count > 3), "{own:?}");
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

#[test]
fn the_figures_of_a_sweep_state_what_was_not_observed_and_what_did_not_converge() {
    let text = |arguments: &[&str]| out(&converge(arguments, ""));
    let lost = text(&["sweep", "ex=lost-event", "--seeds", "1..=20"]);
    let late =
        "5 s  1.00000 ± 0.00000  of 20; 20 updates were not observed that long, 20 of them still open at the end";
    assert!(lost.contains(late) && lost.contains("20 still open, 20 of them for ever"), "{lost}");
    let reordered = text(&["sweep", "ex=reordering", "--seeds", "1..41"]);
    let curve = reordered.split("every copy had reflected them at some moment").nth(1).expect("a curve");
    assert!(curve.lines().take(22).any(|line| line.starts_with("converged: 0 of 40 runs")), "{reordered}");
    // Two windows, of about 182 and 482 ms.
    let two = text(&["sweep", "ex=reordering", "--seeds", "7..8"]);
    let window = two.lines().find(|line| line.starts_with("inconsistency window")).expect("a line");
    assert!(window.contains("median 18") && window.contains("99.9 % 48"), "{window}");
}

#[test]
fn a_copy_that_left_the_reference_diverged_at_that_time_and_is_not_behind() {
    let text = out(&converge(&["run", "ex=reordering"], ""));
    assert!(text.contains(" diverged for 3.") && !text.contains("behind"), "{text}");
}
