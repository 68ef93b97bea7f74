//! The work of one request is bounded for any number of missing updates, of keys, and of events that a command in the past needs.

use super::slices::{back_before_a_write, complete, expensive, frame, load, slow, ticking, write_to};
use converge::app::run_view::RunView;
use converge::scenario::Scenario;
use converge::session::Session;
use converge::session::protocol::{Query, Report, Request, VerdictStatus, VerdictView};
use serde_json::{Value, json};

/// A view that misses some thousands of updates behind a cut link, which is healed after the end, or never.
fn many_missing(is_healed: bool) -> Scenario {
    let mut script = vec![json!({ "at_ms": 10, "do": { "cut_link": { "from": "bus", "to": "view" } } })];
    if is_healed {
        script.push(json!({ "at_ms": 60_000, "do": { "heal_link": { "from": "bus", "to": "view" } } }));
    }
    let document = json!({
        "converge": 1,
        "until_ms": 10_000,
        "services": [
            { "id": "a", "publishes": [{ "to": "bus" }] },
            { "id": "view", "subscribes": [{ "to": "bus", "max_in_flight": 10 }] }
        ],
        "buses": [{ "id": "bus" }],
        "clients": [{ "id": "c", "target": "a", "generate": { "arrivals": { "poisson": { "per_second": 1000.0 } },
            "keys": { "one": { "key": "k" } }, "read_share": 0.0 } }],
        "script": script
    });
    Scenario::from_json(&document.to_string()).expect("a valid scenario")
}

fn ask(session: &mut Session) -> Report {
    session
        .handle(converge::session::protocol::ToEngine {
            epoch: 0,
            request: Request::Query(Query::Verdicts { node: None }),
        })
        .report
}

/// Asks until there is an answer, with `between` before each further request. Returns the answer and the number of requests.
fn verdicts(session: &mut Session, mut between: impl FnMut(&mut Session)) -> (Vec<VerdictView>, u32) {
    for requests in 1..100_000 {
        match ask(session) {
            Report::Verdicts(found) => return (found, requests),
            Report::VerdictsPending => between(session),
            other => panic!("{other:?}"),
        }
    }
    panic!("each request makes progress");
}

#[test]
fn a_verdict_over_thousands_of_missing_updates_takes_slices_and_equals_the_one_computed_at_once() {
    for is_healed in [true, false] {
        let scenario = many_missing(is_healed);
        let (mut sliced, mut whole) = (Session::with_clock(slow, 1.0), Session::default());
        sliced.set_clock(ticking, 1e9);
        complete(&mut sliced, load(&scenario, 5_000_000), 5_000_000);
        sliced.set_clock(slow, 1.0);
        let at_once = frame(&mut whole, load(&scenario, 5_000_000));
        assert!(at_once.services[1].behind > 4000, "{}", at_once.services[1].behind);
        let (found, requests) = verdicts(&mut sliced, |_| {});
        let Report::Verdicts(expected) = ask(&mut whole) else { panic!("no verdicts") };
        assert_eq!(found, expected);
        let status = if is_healed { VerdictStatus::Pending } else { VerdictStatus::Violated };
        assert_eq!(found[0].status, status, "{found:?}");
        // One part of the records, the queue or the missing updates each.
        assert!(requests > if is_healed { 40 } else { 10 }, "{requests} requests");
    }
}

#[test]
fn a_verdict_is_found_while_the_run_continues_or_asks_for_a_pause() {
    for (is_healed, expected) in [(true, VerdictStatus::Unknown), (false, VerdictStatus::Violated)] {
        let mut session = Session::with_clock(ticking, 1e9);
        complete(&mut session, load(&many_missing(is_healed), 5_000_000), 5_000_000);
        let mut now = 5_000_000;
        let (found, requests) = verdicts(&mut session, |session| {
            now += 10_000;
            // The run needs no slices; the verdicts do.
            session.set_clock(ticking, 1e9);
            frame(session, Request::Advance { to: now, budget: 100_000 });
            session.set_clock(slow, 1.0);
        });
        if requests > 1 {
            assert_eq!(found[0].status, expected, "{:?}", found[0]);
        }
        // At rest the verdict is known.
        session.set_clock(slow, 1.0);
        let (found, _) = verdicts(&mut session, |_| {});
        assert_eq!(found[0].status, if is_healed { VerdictStatus::Pending } else { VerdictStatus::Violated });
    }
}

#[test]
fn cards_over_many_keys_come_in_several_frames() {
    let data: serde_json::Map<String, Value> = (0..4000).map(|n| (format!("k{n}"), n.into())).collect();
    let services: Vec<Value> = (0..90)
        .map(|n| json!({ "id": format!("s{n}"), "data": data, "subscribes": [{ "to": "bus" }] }))
        .chain([json!({ "id": "w", "data": data, "publishes": [{ "to": "bus" }] })])
        .collect();
    let document = json!({ "converge": 1, "until_ms": 2000, "services": services, "buses": [{ "id": "bus" }],
        "default_latency": { "constant": { "ms": 5 } } });
    let scenario = Scenario::from_json(&document.to_string()).expect("a valid scenario");
    let mut session = Session::default();
    let mut view = RunView::default();
    view.apply(frame(&mut session, load(&scenario, 0)));
    view.apply(frame(&mut session, write_to("w", "k7", 1)));
    // All views receive the update at the same time.
    let (mut frames, mut max_cards) = (0, 0);
    loop {
        let frame = frame(&mut session, Request::Advance { to: 1_000_000, budget: 100_000 });
        frames += 1;
        max_cards = max_cards.max(frame.services.len());
        let more = frame.more;
        view.apply(frame);
        if !more {
            break;
        }
    }
    assert!(frames >= 2 && max_cards <= 50, "{frames} frames with up to {max_cards} cards");
    // Backwards and forwards: everything in one frame.
    let mut whole = RunView::default();
    frame(&mut session, Request::Seek { to: 0 });
    let again = frame(&mut session, Request::Seek { to: 1_000_000 });
    assert!(again.whole && again.services.len() == 91);
    whole.apply(again);
    assert_eq!(view.services, whole.services);
}

#[test]
fn a_seek_gets_through_while_a_command_in_the_past_is_executed_and_the_command_is_not_lost() {
    let (mut sliced, mut whole) = (back_before_a_write(), Session::default());
    let before = [load(&expensive(), 300_000), write_to("w", "k1", 42), Request::Seek { to: 250_000 }];
    for request in before {
        frame(&mut whole, request);
    }
    // A command before the last one: the run is repeated without that.
    let forked = frame(&mut sliced, write_to("w", "k1", 43));
    assert!(forked.more, "the command waits for the repeated run");
    let events = forked.events;
    let sought = frame(&mut sliced, Request::Seek { to: 100 });
    assert!(sought.events <= events + 1, "{} events, {events} before", sought.events);
    frame(&mut whole, write_to("w", "k1", 43));
    for to in [100, 280_000] {
        let (frame_of_sliced, _) = complete(&mut sliced, Request::Seek { to }, to);
        let at_once = frame(&mut whole, Request::Seek { to });
        assert_eq!((frame_of_sliced.now, frame_of_sliced.digest), (at_once.now, at_once.digest), "at {to}");
    }
}
