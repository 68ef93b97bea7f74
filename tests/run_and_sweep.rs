//! The figures of a sweep and of the metrics are those of a run. Operations are what clients issued: clients of the scenario, its
//! script, and people on the page. The calls that services make for them count in no figure.

use converge::report::RunReport;
use converge::scenario::{Scenario, examples, micros};
use converge::session::sweep::Sweep;
use converge::session::{Run, export};
use converge::trace::Fact;
use serde_json::json;

/// The numbers of a client's operations that ended ok, fail and unknown, and are pending, of one run.
fn counts_of_run(scenario: &Scenario) -> [u64; 4] {
    let report = RunReport::of(scenario, 1_000_000);
    report.clients.values().fold([0; 4], |[ok, fail, unknown, pending], client| {
        [ok + client.ok, fail + client.fail, unknown + client.unknown, pending + u64::from(client.pending)]
    })
}

fn counts_of_sweep(scenario: &Scenario) -> [u64; 4] {
    let mut sweep = Sweep::new(scenario);
    sweep.run(scenario, scenario.seed).expect("a new seed");
    let (reads, writes) = (&sweep.read_outcomes, &sweep.write_outcomes);
    assert_eq!(sweep.write_latency_us.count, writes.ok);
    [reads.ok + writes.ok, reads.fail + writes.fail, reads.unknown + writes.unknown, reads.pending + writes.pending]
}

/// The last line of the metrics.
fn counts_of_metrics(scenario: &Scenario) -> [u64; 4] {
    let mut run = Run::new(scenario);
    run.complete(micros(scenario.until_ms));
    let csv = export::csv(&run, scenario);
    let (first, last) = (csv.lines().next().expect("names"), csv.lines().last().expect("a sample"));
    let column = |name: &str| {
        let at = first.split(',').position(|column| column == name).expect("a column");
        last.split(',').nth(at).and_then(|number| number.parse().ok()).expect("a number")
    };
    ["ok", "fail", "unknown", "operations_pending"].map(column)
}

#[test]
fn calls_of_services_are_counted_as_operations_by_no_figure() {
    let mut calls = 0;
    for example in examples::EXAMPLES.iter().filter(|example| example.json().contains("\"calls\"")) {
        let scenario = example.scenario();
        let run = counts_of_run(&scenario);
        assert_eq!(counts_of_sweep(&scenario), run, "{}", example.id);
        assert_eq!(counts_of_metrics(&scenario), run, "{}", example.id);
        let mut observed = Run::new(&scenario);
        observed.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| {
            calls += u64::from(matches!(record.fact, Fact::OperationIssued { by, to, .. } if by != to));
        });
    }
    assert!(calls > 0, "an example has calls");
}

/// A service that writes at another one for each write of its client, which gives up before.
fn caller(call_timeout_ms: u32, client_timeout_ms: u32) -> Scenario {
    let document = json!({
        "converge": 1, "until_ms": 5000, "promises": ["all_operations_ok"],
        "default_latency": { "constant": { "ms": 10 } },
        "services": [
            { "id": "orders", "calls": [{ "to": "stock", "timeout_ms": call_timeout_ms, "do": { "increment": { "key": "sold", "by": 1 } } }] },
            { "id": "stock", "service_time": { "constant": { "ms": 200 } } }
        ],
        "clients": [{
            "id": "shop", "target": "orders", "timeout_ms": client_timeout_ms,
            "script": [{ "at_ms": 100, "do": { "write": { "key": "order", "value": 1 } } }]
        }]
    });
    Scenario::from_json(&document.to_string()).expect("a valid scenario")
}

#[test]
fn a_call_that_succeeds_after_its_client_gave_up_is_no_operation_that_succeeded() {
    let scenario = caller(2_000, 150);
    assert_eq!(counts_of_run(&scenario), [0, 0, 1, 0]);
    assert_eq!(counts_of_sweep(&scenario), [0, 0, 1, 0]);
    assert_eq!(counts_of_metrics(&scenario), [0, 0, 1, 0]);
    let missed = RunReport::of(&scenario, 1_000_000).missed;
    assert_eq!(missed, ["all_operations_ok: no operation ended as ok"]);
    // With enough time, the operation of the client is the only one.
    let scenario = caller(2_000, 2_000);
    assert_eq!(counts_of_run(&scenario), [1, 0, 0, 0]);
    assert_eq!(counts_of_sweep(&scenario), [1, 0, 0, 0]);
    assert_eq!(RunReport::of(&scenario, 1_000_000).missed, Vec::<String>::new());
}

/// Compares a sweep of one run with that run.
fn assert_same_events(name: &str, scenario: &Scenario) {
    let report = RunReport::of(scenario, 1_000_000);
    let mut sweep = Sweep::new(scenario);
    sweep.run(scenario, scenario.seed).expect("a new seed");
    let messages = &report.messages;
    let dropped = messages.dropped_loss
        + messages.dropped_disturbance
        + messages.dropped_link_cut
        + messages.dropped_receiver_down;
    assert_eq!((sweep.messages.values().sum::<u64>(), sweep.dropped), (messages.sent, dropped), "{name}");
    let of_buses = report.buses.values().fold([0; 4], |[published, acknowledged, dead, lost], bus| {
        [
            published + bus.published,
            acknowledged + bus.acknowledged,
            dead + bus.dead_lettered,
            lost + bus.discarded + bus.expired,
        ]
    });
    let of_sweep = [sweep.published, sweep.acknowledged, sweep.dead_lettered, sweep.discarded];
    assert_eq!(of_sweep, of_buses, "{name}");
}

#[test]
fn a_sweep_of_one_run_has_the_messages_and_events_of_that_run() {
    for example in examples::EXAMPLES {
        assert_same_events(example.id, &example.scenario());
    }
}

#[test]
fn a_sweep_counts_an_event_of_a_log_once_however_often_it_is_delivered() {
    let write = |at_ms: u32| {
        let operation = json!({ "write": { "key": "n", "value": at_ms } });
        json!({ "at_ms": at_ms, "do": { "operate": { "service": "a", "operation": operation } } })
    };
    let document = json!({
        "converge": 1, "until_ms": 20_000,
        "services": [
            { "id": "a", "publishes": [{ "to": "bus" }] },
            { "id": "w", "concurrency": 1, "subscribes": [{
                "to": "bus", "order": "log", "max_deliveries": 2, "ack_deadline_ms": 300, "processing": { "constant": { "ms": 700 } }
            }] }
        ],
        "buses": [{ "id": "bus" }],
        "script": [write(625), write(1028), write(1167)]
    });
    assert_same_events("log", &Scenario::from_json(&document.to_string()).expect("a valid scenario"));
}
