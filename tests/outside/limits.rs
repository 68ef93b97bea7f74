//! Every run halts at its limits, wherever it runs, and reports it first.

use super::cases::{code, converge, err, json, out, path, text};
use converge::engine::{HaltCause, Limits};
use converge::report::{RunReport, scenario_from};
use converge::scenario::{
    Bus, Client, Command, Operation, Publication, Scenario, Service, Step, Subscription, Value, micros,
};
use converge::session::Run;
use converge::trace::NodeId;
use serde_json::json;

/// Endless work within one instant: the input, and the parts of the loop.
const ENDLESS: [(&str, &[&str]); 5] = [
    ("cases/x1-zero-poison.json", &["b → w (delivery)", "w → b (refusal)"]),
    ("cases/x2-zero-closed.json", &["c → a (call)", "a → c (reply)"]),
    ("cases/x4-zero-queue.json", &["b → w (delivery)", "w → b (refusal)"]),
    ("hostile/closed0.link", &["c → a (call)", "a → c (reply)"]),
    ("hostile/nack0.link", &["b → d (delivery)", "d → b (refusal)"]),
];

fn scenario(name: &str) -> Scenario {
    scenario_from(&text(name)).expect("a valid scenario")
}

#[test]
fn endless_work_within_one_instant_halts_and_names_the_loop() {
    for (name, parts) in ENDLESS {
        let report = RunReport::of(&scenario(name), u64::MAX);
        let why = report.halted.expect("halted");
        assert!(why.contains("events happened at one instant"), "{name}: {why}");
        for part in parts {
            assert!(why.contains(part), "{name}: {part}: {why}");
        }
        assert_eq!(report.convergence.verdict, "unknown", "{name}");
    }
}

#[test]
fn validation_warns_of_endless_work_with_its_path() {
    let paths = [
        "services[1].subscribes[0].max_deliveries",
        "clients[0].generate.arrivals.closed.think",
        "services[1].subscribes[0].max_deliveries",
        "clients[0].generate.arrivals.closed.think",
        "services[1].subscribes[0].fails",
    ];
    for ((name, _), wanted) in ENDLESS.into_iter().zip(paths) {
        let warnings = scenario(name).warnings();
        let paths: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
        assert!(paths.contains(&wanted), "{name}: {warnings:?}");
    }
    let output = converge(&["validate", &path("cases/x2-zero-closed.json")], "");
    assert_eq!((code(&output), err(&output).contains("never ends")), (0, true), "{}", err(&output));
    for example in converge::scenario::examples::EXAMPLES {
        assert_eq!(example.scenario().warnings(), [], "{}", example.id);
    }
}

/// A service of 100 ms without a queue, and clients, over links without latency.
fn without_latency(clients: serde_json::Value) -> Scenario {
    let service = json!({ "id": "a", "data": { "k": 0 }, "queue": 0, "concurrency": 1, "service_time": { "constant": { "ms": 100 } } });
    let instant = json!({ "id": "b", "data": { "k": 0 }, "service_time": { "constant": { "ms": 0 } } });
    let document = json!({ "converge": 1, "default_latency": { "constant": { "ms": 0 } }, "services": [service, instant], "clients": clients });
    scenario_from(&document.to_string()).expect("a valid scenario")
}

#[test]
fn validation_warns_of_refused_operations_and_circles_of_writes_without_time() {
    let follows = |id: &str, other: &str, ms: u32| {
        json!({ "id": id, "target": "b", "script": [{ "at_ms": 1, "do": { "write": { "key": "k", "value": 1 } } }],
            "generate": { "arrivals": { "after": { "client": other, "ms": ms } }, "keys": { "one": { "key": "k" } } } })
    };
    let closed = |sessions: u32| {
        json!([{ "id": "c", "target": "a", "sessions": sessions,
            "generate": { "arrivals": { "closed": { "think": { "constant": { "ms": 0 } } } }, "keys": { "one": { "key": "k" } } } }])
    };
    for (clients, halts) in [
        (closed(3), true),
        (closed(1), false),
        (json!([follows("c", "d", 0), follows("d", "c", 0)]), true),
        (json!([follows("c", "d", 0), follows("d", "c", 5)]), false),
    ] {
        let scenario = without_latency(clients.clone());
        let warns = scenario.warnings().iter().any(|warning| warning.problem.starts_with("never ends"));
        let halted = RunReport::of(&Scenario { until_ms: 1000.0, ..scenario }, u64::MAX).halted;
        assert_eq!((warns, halted.is_some()), (halts, halts), "{clients}: {halted:?}");
    }
}

#[test]
fn a_halted_run_comes_first_in_every_output_and_exits_2() {
    let file = path("cases/halted-run-looks-successful.json");
    let quick = ["--max-events", "20000"];
    let call = |arguments: &[&str]| converge(&[arguments, &quick].concat(), "");
    let run = call(&["run", &file]);
    assert_eq!(code(&run), 2, "{}", err(&run));
    assert!(out(&run).starts_with("The run was halted at "), "{}", out(&run));
    let run = call(&["run", &file, "--json"]);
    assert!(out(&run).trim_start_matches(['{', '\n', ' ']).starts_with("\"halted\""), "{}", out(&run));
    let report = json(&run);
    assert_eq!(code(&run), 2);
    assert_eq!(
        (&report["invariants"][0]["verdict"], &report["convergence"]["verdict"]),
        (&"unknown".into(), &"unknown".into())
    );
    assert!(report["missed"][0].as_str().expect("a promise").starts_with("no_stale_reads: unknown"), "{report}");
    let why = call(&["why", &file]);
    assert_eq!((code(&why), out(&why).lines().nth(1)), (2, Some("unknown")), "{}", out(&why));
    assert!(out(&why).starts_with("The run was halted at "), "{}", out(&why));
    let sweep = call(&["sweep", &file, "--seeds", "1..3"]);
    assert_eq!(code(&sweep), 2);
    assert!(out(&sweep).starts_with("Halted: 2 of 2 runs"), "{}", out(&sweep));
    let sweep = call(&["sweep", &file, "--seeds", "1..3", "--json"]);
    assert!(out(&sweep).trim_start_matches(['{', '\n', ' ']).starts_with("\"halted\": 2"), "{}", out(&sweep));
    let merged = converge(&["merge", "-"], out(&sweep));
    assert_eq!((code(&merged), out(&merged).starts_with("Halted: 2 of 2 runs")), (2, true), "{}", out(&merged));
    let compare = call(&["compare", "ex=raft-and-quorum", "--seeds", "1..2"]);
    assert_eq!(code(&compare), 0, "{}", err(&compare));
    let compare = converge(&["compare", "ex=raft-and-quorum", "--seeds", "1..2", "--max-events", "10"], "");
    assert_eq!(
        (code(&compare), out(&compare).starts_with("eventual: Halted: 1 of 1 run,")),
        (2, true),
        "{}",
        out(&compare)
    );
}

/// Messages that are sent at one instant and take time are no loop in which no time passes.
#[test]
fn a_burst_of_messages_that_take_time_is_not_called_a_loop_without_time() {
    let text = |scenario: &Scenario| {
        let limits = Limits { events_at_one_instant: 1000, ..Limits::DEFAULT };
        let mut run = Run::with_limits(scenario, limits);
        run.complete(micros(10_000.0));
        assert_eq!(run.engine().halt().map(|halt| halt.cause), Some(HaltCause::EventsAtOneInstant));
        converge::session::halt_text::sentence(&run).expect("halted")
    };
    let burst = text(&subscribers(2, |_| None));
    assert!(!burst.contains("no time passes"), "{burst}");
    let endless = text(&scenario("cases/x2-zero-closed.json"));
    assert!(endless.contains("The loop, in which no time passes: "), "{endless}");
}

#[test]
fn messages_in_flight_are_limited() {
    let mut run = Run::new(&scenario("cases/halted-run-looks-successful.json"));
    run.complete(micros(10_000.0));
    let halt = run.engine().halt().expect("halted");
    assert_eq!(halt.cause, HaltCause::MessagesInFlight);
    assert_eq!(run.engine().messages().in_flight, Limits::DEFAULT.messages_in_flight + 1);
    let text = converge::session::halt_text::sentence(&run).expect("halted");
    assert!(text.contains("w → s (call)"), "{text}");
}

#[test]
fn a_run_that_needs_much_memory_halts_within_it() {
    for name in ["hostile/storm.link", "hostile/mv_siblings.link"] {
        let scenario = scenario(name);
        let mut run = Run::new(&scenario);
        run.complete(micros(scenario.until_ms));
        let halt = run.engine().halt().unwrap_or_else(|| panic!("{name} is not halted"));
        assert!(matches!(halt.cause, HaltCause::Memory | HaltCause::MessagesInFlight), "{name}: {halt:?}");
        assert!(run.memory() < 2 * Limits::DEFAULT.memory, "{name}: {}", run.memory());
    }
}

#[test]
fn a_run_halts_at_the_same_event_whatever_the_slices() {
    let scenario = scenario("cases/x2-zero-closed.json");
    let limits = Limits { events_at_one_instant: 1000, ..Limits::DEFAULT };
    let digest = |slice: u64| {
        let mut run = Run::with_limits(&scenario, limits);
        while !run.advance(micros(scenario.until_ms), slice, &mut |_, _, _| {}) {}
        (run.engine().events(), run.engine().now(), run.engine().trace().digest().hex())
    };
    assert_eq!(digest(7), digest(u64::MAX));
    assert_eq!((digest(7).0, digest(7).1), (1000, 0));
}

/// Returns a scenario of as many nodes as are allowed: `buses` buses, and services that subscribe to them in the groups that
/// `group` returns.
fn subscribers(buses: usize, group: impl Fn(usize) -> Option<String>) -> Scenario {
    let mut scenario = Scenario { until_ms: 1000.0, ..Scenario::default() };
    let bus = |index: usize| format!("bus-{}", index % buses);
    scenario.buses = (0..buses).map(|index| Bus { id: bus(index), ..Bus::default() }).collect();
    let subscriber = |index: usize| {
        let subscribes = vec![Subscription { to: bus(index), group: group(index), ..Subscription::default() }];
        Service { id: format!("service-{index}"), subscribes, ..Service::default() }
    };
    let publishes = vec![Publication { to: bus(0), ..Publication::default() }];
    let publisher = Service { id: "publisher".into(), publishes, ..Service::default() };
    scenario.services = (0..9_998 - buses).map(subscriber).chain([publisher]).collect();
    scenario.clients.push(Client { id: "client".into(), target: "publisher".into(), ..Client::default() });
    let operation = Operation::Write { key: "key".into(), value: PUBLISHED };
    let command = Command::Operate { service: "publisher".into(), operation, poison: false };
    scenario.script.push(Step { at_ms: 1.0, command });
    scenario
}

/// The value that the [`subscribers`] receive.
const PUBLISHED: Value = Value::Int(7);

/// Returns the number of subscribers that have the published value.
fn reached(run: &Run) -> usize {
    let (names, staleness) = (run.engine().names(), &run.analysis().staleness);
    let has_value = |node: &NodeId| {
        let mut held = staleness.copies_of(*node).filter_map(|(_, copy)| copy.held_at(*node));
        held.any(|held| held.value == Some(PUBLISHED))
    };
    let nodes = (0..names.node_count() as u32).map(NodeId);
    nodes.filter(|node| names.node(*node).starts_with("service-")).filter(has_value).count()
}

/// Each scenario took from a second to minutes when each subscription was compared with all others.
#[test]
fn an_update_reaches_all_of_ten_thousand_subscribers_or_one_of_their_group() {
    let one = |_| Some("all".to_string());
    let own = |index: usize| Some(format!("group-{index}"));
    // No update is published to all buses but the first.
    for (scenario, warned, expected) in [
        (subscribers(1, |_| None), 0, 9_997),
        (subscribers(1, one), 0, 1),
        (subscribers(1, own), 0, 9_997),
        (subscribers(4_999, one), 4_998, 1),
    ] {
        assert_eq!(scenario.validate(), Ok(()));
        assert_eq!(scenario.warnings().len(), warned);
        let mut run = Run::new(&scenario);
        run.complete(micros(scenario.until_ms));
        assert_eq!((run.engine().halt(), reached(&run)), (None, expected));
    }
}

#[test]
fn a_connection_over_a_cut_link_that_duplicates_sends_one_message_again_at_a_time() {
    let operation = json!({ "write": { "key": "k", "value": 1 } });
    let scenario = json!({
        "converge": 1,
        "until_ms": 60_000,
        "services": [
            { "id": "api", "publishes": [{ "to": "q" }] },
            { "id": "worker", "subscribes": [{ "to": "q", "ack_deadline_ms": 1_800_000, "limit": "redeliveries", "dead_letter": false }] },
        ],
        "buses": [{ "id": "q" }],
        "links": [{ "from": "q", "to": "worker", "duplicate": 1 }],
        "script": [
            { "at_ms": 50, "do": { "cut_link": { "from": "q", "to": "worker", "one_way": true } } },
            { "at_ms": 100, "do": { "operate": { "service": "api", "operation": operation } } },
            { "at_ms": 40_000, "do": { "heal_link": { "from": "q", "to": "worker", "one_way": true } } },
        ],
    });
    let report = RunReport::of(&scenario_from(&scenario.to_string()).expect("a scenario"), u64::MAX);
    assert!(report.halted.is_none(), "{:?}", report.halted);
    assert_eq!(report.convergence.verdict, "converged");
    assert!(report.events < 1_000, "{} events", report.events);
}

/// A document, each run of which halts in a loop in which no time passes.
pub fn halting() -> serde_json::Value {
    let worker = |id: &str| json!({ "id": id, "subscribes": [{ "to": "b", "group": "g", "fails": 1, "processing": { "constant": { "ms": 0 } } }] });
    json!({
        "converge": 1,
        "until_ms": 1000,
        "services": [
            { "id": "a", "service_time": { "constant": { "ms": 0 } }, "data": { "k": 0 }, "publishes": [{ "to": "b" }] },
            worker("w1"),
            worker("w2")
        ],
        "buses": [{ "id": "b" }],
        "script": [{ "at_ms": 1, "do": { "operate": { "service": "a", "operation": { "write": { "key": "k", "value": 1 } } } } }],
        "default_latency": { "constant": { "ms": 0 } },
        "tasks": [{ "id": "t", "change": ["w1"], "runs": 200, "goals": [{ "id": "a", "must": "never_published == 0" }, { "id": "b", "must": "updates == 1" }] }]
    })
}

#[test]
fn figures_of_halted_runs_pass_no_task_and_the_halt_comes_first() {
    let document = halting().to_string();
    let output = converge(&["grade", "-", "--max-events", "300"], &document);
    let text = out(&output);
    assert_eq!(code(&output), 2, "{text}");
    assert!(
        text.starts_with("t: halted: 200 of 200 runs, so no goal is met. With seed 1, the run was halted"),
        "{text}"
    );
    assert!(text.ends_with("not passed: 0 of 2 points\n"), "{text}");
    let output = converge(&["grade", "-", "--max-events", "300", "--json"], &document);
    assert_eq!(code(&output), 2);
    assert!(
        out(&output).trim_start().trim_start_matches('{').trim_start().starts_with("\"halted\": 200"),
        "{}",
        out(&output)
    );
}
