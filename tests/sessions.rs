//! The worker's session, tested natively with the requests of the page in any order.

mod branches;

use crate::common::random::{self, random_tests};
use crate::common::scenarios::workload;
use converge::scenario::examples::{EXAMPLES, find};
use converge::scenario::{
    AntiEntropy, Arrivals, Client, Command, Consistency, Gossip, Group, Keys, Latency, Micros, Operation, Primary,
    Protocol, Quorum, Raft, Route, Scenario, Service, TwoPhase, Value,
};
use converge::session::Session;
use converge::session::labels;
use converge::session::measurement::ConsistencyMeasurement;
use converge::session::protocol::{
    BranchCommand, CopyState, Frame, FromEngine, MarkKind, MeasurementRow, Query, Report, Request, ToEngine, decode,
    encode,
};
use proptest::prelude::*;

struct Page {
    session: Session,
    epoch: u32,
}

impl Page {
    fn open(scenario: Scenario) -> (Page, Frame) {
        let mut page = Page { session: Session::default(), epoch: 1 };
        let frame = page.frame(Request::Load { scenario: Box::new(scenario.clone()), at: 0 });
        (page, frame)
    }

    fn ask(&mut self, request: Request) -> Report {
        let FromEngine { epoch, report } = self.session.handle(ToEngine { epoch: self.epoch, request });
        assert_eq!(epoch, self.epoch, "an answer belongs to the epoch of its request");
        report
    }

    fn frame(&mut self, request: Request) -> Frame {
        match self.ask(request) {
            Report::Frame(frame) => *frame,
            other => panic!("not a frame: {other:?}"),
        }
    }

    fn advance(&mut self, to: Micros) -> Frame {
        self.frame(Request::Advance { to, budget: 1_000_000 })
    }

    fn described(&mut self) -> (Scenario, String, Micros) {
        match self.ask(Request::Query(Query::Describe)) {
            Report::Document { scenario, digest, now, .. } => (*scenario, digest, now),
            other => panic!("not a run: {other:?}"),
        }
    }
}

fn publish(value: i64) -> Request {
    let operation = Operation::Write { key: "widget".into(), value: Value::Int(value) };
    Request::Act { command: Command::Operate { service: "inventory".into(), operation, poison: false } }
}

fn cut() -> Request {
    let command = Command::CutLink { from: "stock_updated".into(), to: "notification".into(), one_way: false };
    Request::Act { command }
}

fn first() -> Scenario {
    find("first-update").expect("the first example").scenario()
}

#[test]
fn publishing_makes_the_copy_stale_then_consistent_and_reports_the_inconsistency_window() {
    let (mut page, opened) = Page::open(first());
    assert!(opened.whole);
    assert_eq!(opened.next, None, "nothing happens before an update is published");
    assert_eq!(opened.services.len(), 2);
    page.frame(publish(49));
    let published = page.advance(10_000);
    let notification = published.services.iter().find(|service| service.node.0 == 1).expect("a changed card");
    assert_eq!(notification.state, CopyState::Stale);
    assert_eq!(notification.behind, 1);
    assert_eq!(published.sent.len(), 1);
    assert_eq!(labels::update(published.sent[0].content.update().expect("an update")), "widget = 49 (v2)");
    let done = page.advance(5_000_000);
    assert_eq!(done.summary.stale, 0);
    let window = done.summary.window.expect("a window closed");
    assert_eq!(labels::update(&window.update), "widget = 49 (v2)");
    let states: Vec<CopyState> = published.ribbons.iter().chain(&done.ribbons).map(|change| change.state).collect();
    assert_eq!(states, [CopyState::Stale, CopyState::Consistent]);
    assert!(done.marks.iter().any(|mark| mark.kind == MarkKind::Converged));
}

#[test]
fn the_page_opens_with_the_engines_first_frame_of_the_first_scenario() {
    let mut opened = Session::default();
    let FromEngine { report: Report::Frame(frame), .. } = opened.handle(ToEngine { epoch: 1, request: Request::First })
    else {
        panic!("not a frame")
    };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/session/first_frame.postcard");
    if std::env::var_os("CONVERGE_RENEW").is_some() {
        std::fs::write(path, encode(&*frame)).expect("the recorded frame is written");
    }
    let recorded: Result<Frame, String> = decode(&std::fs::read(path).expect("the recorded frame"));
    assert_eq!(recorded.as_ref(), Ok(&*frame), "renew {path} with CONVERGE_RENEW=1");

    // It opens as if it were loaded at its start.
    let mut loaded = Session::default();
    let request = Request::Load { scenario: Box::new(Scenario::first()), at: 0 };
    let answer = loaded.handle(ToEngine { epoch: 1, request });
    assert_ne!(frame.next, Some(0), "no event is due at time 0, so none is missing");
    assert_eq!(Report::Frame(frame), without_branches(answer.report));
    for request in [Request::Step, Request::Advance { to: 2_000_000, budget: 1_000 }, Request::Seek { to: 300_000 }] {
        let message = ToEngine { epoch: 1, request };
        assert_eq!(opened.handle(message.clone()).report, loaded.handle(message).report);
    }
}

fn without_branches(report: Report) -> Report {
    match report {
        Report::Frame(frame) => Report::Frame(Box::new(Frame { branches: None, ..*frame })),
        other => other,
    }
}

#[test]
fn the_shared_document_of_a_run_reproduces_it() {
    let (mut page, _) = Page::open(first());
    page.advance(100_000);
    page.frame(publish(49));
    page.advance(500_000);
    page.frame(cut());
    page.frame(publish(48));
    page.advance(4_000_000);
    let (scenario, digest, now) = page.described();
    let text = scenario.to_json();
    let (mut other, _) = Page::open(Scenario::from_json(&text).expect("a valid document"));
    let frame = other.advance(now);
    assert_eq!(frame.digest, digest);
}

#[test]
fn an_edit_and_its_undo_keep_clock_and_digest() {
    let (mut page, _) = Page::open(first());
    page.frame(publish(49));
    let before = page.advance(300_000);
    let mut edited = first();
    edited.services[1].name = "Mail".into();
    edited.links[0].latency = Some(converge::scenario::Latency::constant(700.0));
    let after = page.frame(Request::Edit { scenario: Box::new(edited.clone()) });
    assert_eq!(after.now, before.now);
    assert_ne!(after.digest, before.digest, "the changed link delays the event");
    let undone = page.frame(Request::Edit { scenario: Box::new(first().clone()) });
    assert_eq!((undone.now, undone.digest), (before.now, before.digest));
}

#[test]
fn an_edit_that_deletes_a_service_drops_only_the_commands_that_named_it() {
    let (mut page, _) = Page::open(first());
    page.frame(publish(49));
    page.frame(Request::Act { command: Command::Crash { service: "notification".into(), lose_disk: false } });
    let mut edited = first();
    edited.services.truncate(1);
    edited.links.truncate(1);
    page.frame(Request::Edit { scenario: Box::new(edited.clone()) });
    let (scenario, _, _) = page.described();
    assert_eq!(scenario.script.len(), 1, "the write is still there: {:?}", scenario.script);
}

#[test]
fn an_invalid_scenario_is_refused_with_its_path_and_the_previous_run_continues() {
    let (mut page, _) = Page::open(first());
    page.frame(publish(49));
    let before = page.advance(100_000);
    let mut bad = first();
    bad.services[1].subscribes[0].fails = 1.4;
    match page.ask(Request::Edit { scenario: Box::new(bad.clone()) }) {
        Report::Refused { errors } => assert_eq!(errors[0].path, "services[1].subscribes[0].fails"),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(page.advance(100_000).digest, before.digest);
}

#[test]
fn a_command_for_an_unknown_node_is_refused_with_a_reason() {
    let (mut page, opened) = Page::open(first());
    let command = Command::CutLink { from: "inventory".into(), to: "notification".into(), one_way: false };
    let frame = page.frame(Request::Act { command });
    assert_eq!(frame.refused.as_deref(), Some("no link goes from `inventory` to `notification`"));
    assert_eq!(frame.digest, opened.digest);
}

#[test]
fn requests_before_anything_is_loaded_are_refused() {
    let mut page = Page { session: Session::default(), epoch: 7 };
    for request in [Request::Step, publish(1), Request::Reset, Request::Seek { to: 5 }, Request::Query(Query::Describe)]
    {
        assert!(matches!(page.ask(request), Report::Refused { .. }));
    }
}

#[test]
fn the_log_states_what_each_message_carries_and_why_one_was_dropped() {
    let (mut page, _) = Page::open(first());
    page.frame(publish(49));
    page.frame(cut());
    page.advance(1_900_000);
    let Report::Log { rows, total, oldest, .. } = page.ask(Request::Query(Query::Log { from: 0, count: 500 })) else {
        panic!("no log")
    };
    assert_eq!(oldest, 0);
    assert_eq!(rows.len() as u64, total);
    let messages: Vec<&str> =
        rows.iter().filter(|row| row.name.starts_with("message_")).map(|row| row.text.as_str()).collect();
    assert!(messages.iter().all(|text| text.contains("widget = 49 (v2)")), "{messages:#?}");
    let lost = rows.iter().find(|row| row.name == "message_dropped").expect("the cut link dropped the delivery");
    assert_eq!(lost.text, "stock_updated → Notification: delivery widget = 49 (v2) dropped: link cut");
}

/// The examples that contain the services of the gestures.
fn familiar() -> Vec<Scenario> {
    let knows = |scenario: &Scenario, id: &str| scenario.services.iter().any(|service| service.id == id);
    let scenarios = EXAMPLES.iter().map(|example| example.scenario());
    let linked = |scenario: &Scenario| scenario.buses.iter().any(|bus| bus.id == "stock_updated");
    scenarios
        .filter(|scenario| knows(scenario, "inventory") && knows(scenario, "notification") && linked(scenario))
        .collect()
}

/// Generates requests in any order.
fn gestures() -> impl Strategy<Value = Vec<(u8, u64)>> {
    prop::collection::vec((0u8..13, 0u64..3_000_000), 1..25)
}

random_tests! { clicks, 200;

    /// A run equals the run of its document, regardless of the requests that led to it.
    #[test]
    fn after_fast_clicks_in_any_order_the_document_reproduces_the_run(
        example in 0..familiar().len(),
        gestures in gestures(),
    ) {
        let scenario = familiar()[example].clone();
        let (mut page, _) = Page::open(scenario.clone());
        let mut now = 0;
        for (gesture, number) in gestures {
            match gesture {
                0 | 1 => {
                    now += number;
                    page.advance(now);
                }
                2 => now = page.frame(Request::Step).now,
                3 => {
                    now = number;
                    page.frame(Request::Seek { to: number });
                }
                4 => {
                    page.frame(publish(number as i64));
                }
                5 => {
                    page.frame(cut());
                }
                6 => {
                    let service = scenario.services[1].id.clone();
                    let command = if number % 2 == 0 {
                        Command::Crash { service, lose_disk: number % 3 == 0 }
                    } else {
                        Command::HealAll
                    };
                    page.frame(Request::Act { command });
                }
                7 => {
                    page.frame(Request::Edit { scenario: Box::new(scenario.clone()) });
                }
                other => {
                    let branch = (number % 4) as u32;
                    let command = match other {
                        8 => BranchCommand::Show(branch),
                        9 => BranchCommand::New { name: None, set: [("inventory.queue".to_string(), "7".to_string())].into_iter().collect() },
                        10 => BranchCommand::Remove(branch),
                        11 => BranchCommand::Compare((number % 5 > 0).then_some(branch)),
                        _ => BranchCommand::Rename(branch, format!("name {branch}")),
                    };
                    page.frame(Request::Branch(command));
                }
            }
        }
        let end = page.advance(now + 1_000_000);
        let (document, digest, at) = page.described();
        prop_assert_eq!(&end.digest, &digest);
        let alone = document.of_branch(None).expect("a valid branch");
        for document in [document, alone] {
            let (mut other, _) = Page::open(document);
            prop_assert_eq!(&other.frame(Request::Seek { to: at }).digest, &digest);
        }
    }
}

/// A group with much traffic under one of the protocols.
fn busy(protocol: usize) -> Scenario {
    let protocol = match protocol {
        0 => Protocol::Quorum(Quorum {
            anti_entropy: Some(AntiEntropy { every_ms: 500.0, depth: 4 }),
            ..Quorum::default()
        }),
        1 => Protocol::Raft(Raft::default()),
        2 => Protocol::Primary(Primary { failover_ms: Some(300.0), ..Primary::default() }),
        3 => Protocol::Chain,
        4 => Protocol::TwoPhase(TwoPhase::default()),
        _ => Protocol::Gossip(Gossip::default()),
    };
    let ids: Vec<String> = ["r1", "r2", "r3"].map(String::from).to_vec();
    let workload =
        workload(Arrivals::Poisson { per_second: 40.0 }, Keys::Uniform { prefix: "k".into(), count: 5 }, 0.5, None);
    let scenario = Scenario {
        default_latency: Latency::Exponential { mean_ms: 3.0 },
        services: ids.iter().map(|id| Service { id: id.clone(), ..Service::default() }).collect(),
        groups: vec![Group { id: "group".into(), members: ids, protocol, ..Group::default() }],
        clients: vec![Client {
            id: "client".into(),
            target: "group".into(),
            route: Route::Any,
            generate: Some(workload),
            ..Client::default()
        }],
        until_ms: 60_000.0,
        ..Scenario::default()
    };
    scenario.validate().expect("a valid scenario");
    scenario
}

#[test]
fn steps_end_at_the_end_of_the_run_although_more_events_would_follow() {
    let mut scenario = find("lost-event").expect("an example").scenario();
    scenario.until_ms = 1_200.0;
    let (mut page, _) = Page::open(scenario.clone());
    page.frame(Request::Seek { to: 1_100_000 });
    let end = (0..1_000).map(|_| page.frame(Request::Step).now).last();
    assert_eq!(end, Some(1_200_000));
    scenario.until_ms = 10_000.0;
    let (mut longer, _) = Page::open(scenario);
    longer.frame(Request::Seek { to: 1_200_000 });
    assert!(longer.frame(Request::Step).now > 1_200_000, "an event follows");
    assert!(longer.frame(Request::Step).now < 10_000_000, "more than one event follows");
}

random_tests! { seeking, 40;

    /// Snapshots are far apart, so the runs are long. Snapshots must not change a run.
    #[test]
    fn seeking_back_and_forth_equals_a_straight_run(
        seed in 0u64..1000, protocol in 0usize..6, places in prop::collection::vec(0u64..60_000_000, 2..7), acts in any::<bool>()
    ) {
        let mut scenario = busy(protocol);
        scenario.seed = seed;
        let (mut page, _) = Page::open(scenario.clone());
        page.advance(60_000_000);
        let mut last = 0;
        for (i, &to) in places.iter().enumerate() {
            last = to;
            page.frame(Request::Seek { to });
            if acts && i == 1 {
                page.frame(Request::Act { command: Command::Crash { service: "r2".into(), lose_disk: false } });
            }
            if i % 2 == 1 {
                page.frame(Request::StepBack);
                page.frame(Request::Step);
                page.frame(Request::Seek { to });
            }
        }
        let digest = page.frame(Request::Seek { to: last }).digest;
        let (document, ..) = page.described();
        let (mut straight, _) = Page::open(document);
        prop_assert_eq!(straight.frame(Request::Seek { to: last }).digest, digest, "seed {}", seed);
    }
}

#[test]
fn the_three_consistencies_are_measured_seed_by_seed_even_across_an_edit() {
    let scenario = find("oversold").expect("an example").scenario();
    let mut session = Session::default();
    let mut ask = |request| session.handle(ToEngine { epoch: 1, request }).report;
    ask(Request::Load { scenario: Box::new(scenario.clone()), at: 0 });
    let mut rows: Vec<MeasurementRow> = Vec::new();
    for seed in 1..=3 {
        // An edit during the measurement, as when the consistency is changed.
        let chosen = scenario.with_consistency(0, Consistency::ALL[seed as usize - 1]);
        ask(Request::Edit { scenario: Box::new(chosen.clone()) });
        match ask(Request::Query(Query::Measure { group: 0, seed })) {
            Report::Measured { seed: run, rows: found } => (assert_eq!(run, seed), rows = found),
            other => panic!("{other:?}"),
        };
    }
    let mut compared = ConsistencyMeasurement::new(&scenario, 0);
    (1..=3).for_each(|seed| assert!(compared.run(&scenario, 0, seed, &|| false)));
    assert_eq!(rows, compared.rows());
    assert!(matches!(ask(Request::Query(Query::Measure { group: 9, seed: 1 })), Report::Unanswered(_)));
}

#[test]
fn a_card_shows_the_rows_of_outbox_and_inbox_and_which_events_were_redelivered() {
    let (mut page, _) = Page::open(find("duplicate-delivery").expect("an example").scenario());
    let end = page.advance(4_000_000);
    // Billing and Search have no inbox. Ledger received the event twice.
    let inboxes: Vec<Vec<bool>> =
        end.services.iter().map(|view| view.inbox.iter().map(|row| row.again).collect()).collect();
    assert_eq!(inboxes, [vec![], vec![], vec![], vec![true]]);
    assert_eq!(end.services.iter().map(|view| view.applied_already).collect::<Vec<_>>(), [0, 0, 0, 1]);

    let (mut page, _) = Page::open(find("outbox").expect("an example").scenario());
    let crashed = page.advance(1_500_000);
    let inventory = crashed.services.iter().find(|view| view.node.0 == 0).expect("a changed card");
    assert_eq!((inventory.state, inventory.outbox), (CopyState::Down, 1));
    let row = inventory.rows.iter().find_map(|row| row.update);
    assert_eq!(inventory.outbox_rows, row.into_iter().collect::<Vec<_>>(), "the row is about what was written");
    let end = page.advance(5_000_000);
    let inventory = end.services.iter().find(|view| view.node.0 == 0).expect("a changed card");
    assert_eq!((inventory.outbox, &inventory.outbox_rows[..]), (0, &[][..]));
}

#[test]
fn a_bus_reports_the_depth_of_each_partition_and_a_redriven_event_returns_to_its_own() {
    let json = r#"{ "converge": 1, "until_ms": 60000, "services": [
        { "id": "inventory", "publishes": [{ "to": "bus" }] },
        { "id": "reader", "subscribes": [{ "to": "bus", "max_deliveries": 1, "ack_deadline_ms": 1000 }] } ],
      "buses": [{ "id": "bus", "topics": [{ "name": "t", "partitions": 4 }] }] }"#;
    let (mut page, _) = Page::open(Scenario::from_json(json).expect("a valid scenario"));
    page.frame(Request::Act { command: Command::Pause { node: "reader".into() } });
    for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let operation = Operation::Write { key: key.into(), value: Value::Int(1) };
        page.frame(Request::Act {
            command: Command::Operate { service: "inventory".into(), operation, poison: false },
        });
    }
    let depths = |frame: &Frame| -> Vec<(u32, u32)> {
        let lane = &frame.buses.first().expect("a changed card").subscriptions[0];
        assert_eq!(lane.depths.iter().map(|partition| partition.queued + partition.in_flight).sum::<u32>(), lane.depth);
        lane.depths.iter().map(|partition| (partition.partition, partition.queued + partition.in_flight)).collect()
    };
    let full = depths(&page.advance(500_000));
    assert!(full.len() > 1 && full.iter().map(|(_, depth)| depth).sum::<u32>() == 8, "{full:?}");
    let dead = page.advance(5_000_000);
    assert_eq!((depths(&dead), dead.buses[0].subscriptions[0].dead), (vec![], 8));
    let redrive = Command::Redrive { bus: "bus".into(), service: "reader".into() };
    assert_eq!(depths(&page.frame(Request::Act { command: redrive })), full);
}
