//! Requests of the page take little time, however expensive the events are.

use converge::app::run_view::RunView;
use converge::report::scenario_from;
use converge::scenario::{Command, Operation, Scenario};
use converge::session::Session;
use converge::session::protocol::lesson::FactMark;
use converge::session::protocol::{ExportKind, Frame, Query, Report, Request, ToEngine};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that advances at each reading, as if every few events took long.
static TICKS: AtomicU64 = AtomicU64::new(0);

pub fn ticking() -> f64 {
    TICKS.fetch_add(1, Ordering::Relaxed) as f64
}

/// A clock that advances so far at each reading that a request executes a single event.
pub fn slow() -> f64 {
    5.0 * ticking()
}

pub fn frame(session: &mut Session, request: Request) -> Frame {
    match session.handle(ToEngine { epoch: 0, request }).report {
        Report::Frame(frame) => *frame,
        other => panic!("{other:?}"),
    }
}

/// Sends a request, and requests the rest as the page does. Returns the last frame and the number of requests.
pub fn complete(session: &mut Session, request: Request, to: u64) -> (Frame, u32) {
    let mut last = frame(session, request);
    let mut requests = 1;
    while last.more {
        last = frame(session, Request::Advance { to: to.max(last.now), budget: 100_000 });
        requests += 1;
    }
    (last, requests)
}

pub fn load(scenario: &Scenario, at: u64) -> Request {
    Request::Load { scenario: Box::new(scenario.clone()), at }
}

#[test]
fn work_in_slices_reaches_the_same_states_as_work_at_once() {
    let scenario = converge::scenario::examples::find("simpledb-2010").expect("an example").scenario();
    let (mut sliced, mut whole) = (Session::with_clock(ticking, 6.0), Session::default());
    let (frame, requests) = complete(&mut sliced, load(&scenario, 4_000_000), 4_000_000);
    let at_once = self::frame(&mut whole, load(&scenario, 4_000_000));
    assert!(requests > 1, "the work takes several slices");
    assert_eq!((frame.now, &frame.digest), (at_once.now, &at_once.digest));
    for (request, to) in [
        (Request::Seek { to: 7_000_000 }, 7_000_000),
        (Request::Seek { to: 2_500_000 }, 2_500_000),
        (Request::StepBack, 0),
        (Request::StepBack, 0),
    ] {
        let (frame, _) = complete(&mut sliced, request.clone(), to);
        let at_once = self::frame(&mut whole, request.clone());
        assert_eq!((frame.events, &frame.digest), (at_once.events, &at_once.digest), "{request:?}");
    }
}

pub fn write_to(service: &str, key: &str, value: i64) -> Request {
    let operation = Operation::Write { key: key.into(), value: value.into() };
    Request::Act { command: Command::Operate { service: service.into(), operation, poison: false } }
}

fn write(value: i64) -> Request {
    write_to("inventory", "widget", value)
}

#[test]
fn searches_and_commands_in_the_past_take_slices_and_reach_the_same_states() {
    let scenario = converge::scenario::examples::find("inventory-notification").expect("an example").scenario();
    let (mut sliced, mut whole) = (Session::with_clock(slow, 1.0), Session::default());
    let fact = |name: &str| Request::NextFact(FactMark { name: name.into(), ..FactMark::default() });
    let mut max_requests = 0;
    for (request, to) in [
        (load(&scenario, 500_000), 500_000),
        (write(41), 500_000),
        (Request::Seek { to: 2_000_000 }, 2_000_000),
        (write(42), 2_000_000),
        (Request::Seek { to: 4_000_000 }, 4_000_000),
        // In the past of a live command: the run is repeated without the command.
        (Request::Seek { to: 1_500_000 }, 1_500_000),
        (write(43), 1_500_000),
        (Request::Seek { to: 4_000_000 }, 4_000_000),
        (fact("update_applied"), 0),
        (fact("no_fact"), 0),
        (Request::Seek { to: 1_000_000 }, 1_000_000),
        (fact("message_dropped"), 0),
        (fact("update_applied"), 0),
    ] {
        let (frame, requests) = complete(&mut sliced, request.clone(), to);
        let at_once = self::frame(&mut whole, request.clone());
        let state = |frame: &Frame| (frame.now, frame.events, frame.digest.clone(), frame.refused.clone());
        assert_eq!(state(&frame), state(&at_once), "{request:?}");
        max_requests = max_requests.max(requests);
    }
    assert!(max_requests > 50, "the work takes slices: {max_requests}");
}

/// A session that writes at 300 ms, and goes back to 250 ms.
pub fn back_before_a_write() -> Session {
    let mut sliced = Session::with_clock(slow, 1.0);
    complete(&mut sliced, load(&expensive(), 300_000), 300_000);
    complete(&mut sliced, write_to("w", "k1", 42), 300_000);
    complete(&mut sliced, Request::Seek { to: 250_000 }, 250_000);
    sliced
}

#[test]
fn a_reset_gets_through_while_a_command_in_the_past_is_executed() {
    let mut sliced = back_before_a_write();
    let forked = frame(&mut sliced, write_to("w", "k1", 43));
    assert!(forked.more && forked.events < 10, "{} events", forked.events);
    // A document that is asked for meanwhile contains the command.
    let Report::Document { scenario: document, .. } =
        sliced.handle(ToEngine { epoch: 0, request: Request::Query(Query::Describe) }).report
    else {
        panic!("no document")
    };
    let scripts: Vec<usize> = document.branches.iter().map(|branch| branch.script.len()).collect();
    assert_eq!(scripts, [1, 1]);
    let reset = frame(&mut sliced, Request::Reset);
    assert!(reset.now == 0 && reset.whole);
}

#[test]
fn a_live_command_in_the_past_is_reported_once_it_is_executed() {
    let mut sliced = back_before_a_write();
    let (last, requests) = complete(&mut sliced, write_to("w", "k1", 43), 250_000);
    let branches = last.branches.expect("the branches");
    assert!(requests > 2 && branches.list[branches.current as usize].script.len() == 1, "{branches:?}");
}

#[test]
fn a_measurement_of_consistency_levels_takes_slices_and_gives_the_same_figures() {
    let scenario = converge::scenario::examples::find("cassandra-hints").expect("an example").scenario();
    let (mut sliced, mut whole) = (Session::with_clock(slow, 1.0), Session::default());
    complete(&mut sliced, load(&scenario, 0), 0);
    frame(&mut whole, load(&scenario, 0));
    let measure = |session: &mut Session, seed: u64| {
        let request = Request::Query(Query::Measure { group: 0, seed });
        let Report::Measured { seed, rows } = session.handle(ToEngine { epoch: 0, request }).report else {
            panic!("not measured")
        };
        (seed, rows)
    };
    let mut requests = 0;
    for seed in 1..=2 {
        let found = loop {
            let (measured, rows) = measure(&mut sliced, seed);
            requests += 1;
            assert!(requests < 10_000, "each request makes progress");
            if measured == seed {
                break (measured, rows);
            }
        };
        assert_eq!(found, measure(&mut whole, seed));
    }
    assert!(requests > 2, "the work takes several requests: {requests}");
}

#[test]
fn a_frame_is_small_however_many_messages_are_in_flight_or_end_meanwhile() {
    // Events without time, and messages that never arrive.
    for name in ["hostile/closed0.link", "cases/halted-run-looks-successful.json"] {
        let scenario = scenario_from(&super::cases::text(name)).expect("a scenario");
        let until = converge::scenario::micros(scenario.until_ms);
        let (mut session, mut view) = (Session::default(), RunView::default());
        view.apply(frame(&mut session, load(&scenario, 0)));
        while view.events < 100_000 {
            let frame = frame(&mut session, Request::Advance { to: until, budget: 30_000 });
            assert!(!frame.whole, "{name}: only what changed");
            assert!(frame.sent.len() <= 5_000 && frame.ended.len() <= 5_000, "{name}");
            let in_flight = frame.in_flight as usize;
            view.apply(frame);
            assert_eq!(view.messages.len(), in_flight.min(5_000), "{name}");
        }
    }
    // The state before the last event comes in a whole frame, which shows the oldest messages too.
    let scenario = scenario_from(&super::cases::text("cases/halted-run-looks-successful.json")).expect("a scenario");
    let mut session = Session::default();
    frame(&mut session, load(&scenario, 0));
    frame(&mut session, Request::Advance { to: u64::MAX, budget: 30_000 });
    let whole = frame(&mut session, Request::StepBack);
    assert!(whole.whole && whole.in_flight > 5_000 && whole.sent.len() == 5_000, "{}", whole.in_flight);
    assert!(whole.sent.is_sorted_by_key(|message| message.id));
}

#[test]
fn a_reset_gets_through_while_an_endless_run_is_in_progress() {
    let scenario = scenario_from(&super::cases::text("hostile/closed0.link")).expect("a scenario");
    let mut session = Session::with_clock(ticking, 6.0);
    let first = frame(&mut session, load(&scenario, 0));
    assert!(first.more, "the run is endless, so the slice ends first");
    for _ in 0..5 {
        let frame = frame(&mut session, Request::Advance { to: 1_000_000, budget: 100_000 });
        assert!(frame.more && frame.now == 0);
    }
    let reset = frame(&mut session, Request::Reset);
    assert!(reset.whole && reset.events < 1_000, "{} events", reset.events);
}

/// Returns 90 services that receive each update, with 50 invariants over all of them, and clients whose reads are checked.
pub fn expensive() -> Scenario {
    let invariants: Vec<String> = (0..50).map(|n| format!("s{n}.k{} <= {}", n % 5, 1000 + n)).collect();
    let mut services = vec![json!({ "id": "w", "publishes": [{ "to": "bus" }] })];
    services.extend((0..90).map(|n| json!({ "id": format!("s{n}"), "subscribes": [{ "to": "bus" }] })));
    let client = |target: &str| {
        let generate = json!({ "arrivals": { "poisson": { "per_second": 20.0 } },
            "keys": { "uniform": { "prefix": "k", "count": 5 } }, "read_share": 0.5 });
        json!({ "id": format!("client-{target}"), "target": target, "sessions": 4, "generate": generate })
    };
    let scenario = json!({
        "converge": 1,
        "until_ms": 3000.0,
        "services": services,
        "buses": [{ "id": "bus" }],
        "clients": [client("w"), client("s1")],
        "invariants": invariants,
    });
    Scenario::from_json(&scenario.to_string()).expect("a valid scenario")
}

#[test]
fn verdicts_are_found_in_slices_and_a_reset_gets_through_in_between() {
    let scenario = expensive();
    let ask = |session: &mut Session| {
        let request = Request::Query(Query::Verdicts { node: None });
        session.handle(ToEngine { epoch: 0, request }).report
    };
    let (mut sliced, mut whole) = (Session::with_clock(ticking, 3.0), Session::default());
    complete(&mut sliced, load(&scenario, 3_000_000), 3_000_000);
    frame(&mut whole, load(&scenario, 3_000_000));
    let mut pauses = 0;
    let found = loop {
        match ask(&mut sliced) {
            Report::VerdictsPending => pauses += 1,
            other => break other,
        }
        assert!(pauses < 10_000, "each request makes progress");
    };
    assert!(pauses > 5, "the work takes several requests: {pauses}");
    assert_eq!(found, ask(&mut whole));
    // A reset in the middle of the work.
    complete(&mut sliced, Request::Seek { to: 2_500_000 }, 2_500_000);
    assert_eq!(ask(&mut sliced), Report::VerdictsPending);
    let reset = frame(&mut sliced, Request::Reset);
    assert!(reset.whole && reset.now == 0, "at {}", reset.now);
}

/// Saves the run, slice by slice. `between` is called after each slice. Returns the text and the number of slices; none if the
/// session gives up.
fn save(session: &mut Session, kind: ExportKind, mut between: impl FnMut(&mut Session)) -> Option<(String, u32)> {
    let (mut text, mut slices) = (String::new(), 0);
    loop {
        let request = Request::Query(Query::Export { kind, slice: slices });
        match session.handle(ToEngine { epoch: 0, request }).report {
            Report::Text { text: part, more, .. } => {
                text += &part;
                slices += 1;
                if !more {
                    return Some((text, slices));
                }
            }
            Report::Unanswered(_) => return None,
            other => panic!("{other:?}"),
        }
        between(session);
    }
}

#[test]
fn a_saved_run_in_slices_equals_one_at_once_even_if_the_run_continues_between_them() {
    let scenario = converge::scenario::examples::find("viewing-history").expect("an example").scenario();
    let until = converge::scenario::micros(scenario.until_ms);
    for kind in [ExportKind::Csv, ExportKind::Mermaid, ExportKind::Shiviz, ExportKind::History] {
        let (mut sliced, mut whole) = (Session::with_clock(slow, 1.0), Session::default());
        complete(&mut sliced, load(&scenario, until / 2), until / 2);
        complete(&mut whole, load(&scenario, until / 2), until / 2);
        let continues = |session: &mut Session| {
            let request = Request::Advance { to: until, budget: 1 };
            frame(session, request);
        };
        let (text, slices) = save(&mut sliced, kind, continues).expect("the run only goes on");
        let (at_once, _) = save(&mut whole, kind, |_| {}).expect("the run stays");
        assert_eq!(text, at_once, "{kind:?}");
        assert!(slices > 1 || kind == ExportKind::Csv, "{kind:?}: the work takes several slices");
        assert!(text.len() > 100, "{kind:?}");
    }
}

#[test]
fn saving_ends_if_the_run_moves_to_another_time_meanwhile() {
    let scenario = converge::scenario::examples::find("viewing-history").expect("an example").scenario();
    let until = converge::scenario::micros(scenario.until_ms);
    let mut session = Session::with_clock(slow, 1.0);
    complete(&mut session, load(&scenario, until / 2), until / 2);
    let reset = |session: &mut Session| {
        frame(session, Request::Reset);
    };
    assert_eq!(save(&mut session, ExportKind::Shiviz, reset), None);
    complete(&mut session, Request::Seek { to: until / 2 }, until / 2);
    assert!(save(&mut session, ExportKind::Shiviz, |_| {}).is_some(), "it can be saved again");
}
