//! The internals of a group on the page, derived from the trace alone and compared with the engine's state.

use converge::analysis::{Logs, Phase, Quorums};
use converge::scenario::examples::{EXAMPLES, find};
use converge::scenario::{Command, Latency, Micros, Protocol, ReadRepair, Scenario, Step, micros};
use converge::session::labels;
use converge::session::protocol::internals::{
    GroupInternals, PhaseKind, QuorumOperation, ReplicaResponse, ValueInternals, ValueOrigin,
};
use converge::session::protocol::{Charts, FaultKind, Frame, Query, Report, Request, ToEngine};
use converge::session::{Run, Session};
use converge::trace::{Fact, NodeId, OperationKind, Outcome, Version};

fn example(id: &str) -> Scenario {
    find(id).unwrap_or_else(|| panic!("no example {id}")).scenario()
}

fn run_to(scenario: &Scenario, at: Micros) -> Run {
    let mut run = Run::new(scenario);
    run.advance(at, u64::MAX, &mut |_, _, _| {});
    run
}

struct Page(Session);

impl Page {
    fn at(scenario: &Scenario, at: Micros) -> (Page, Frame) {
        let mut page = Page(Session::default());
        let request = Request::Load { scenario: Box::new(scenario.clone()), at };
        match page.ask(request) {
            Report::Frame(frame) => (page, *frame),
            other => panic!("not a frame: {other:?}"),
        }
    }

    fn ask(&mut self, request: Request) -> Report {
        self.0.handle(ToEngine { epoch: 1, request }).report
    }

    fn internals(&mut self, scenario: &Scenario, id: &str) -> GroupInternals {
        let ids = scenario.services.iter().map(|node| &node.id).chain(scenario.buses.iter().map(|node| &node.id));
        let mut ids =
            ids.chain(scenario.clients.iter().map(|node| &node.id)).chain(scenario.groups.iter().map(|node| &node.id));
        let node = NodeId(ids.position(|other| other == id).expect("a node") as u32);
        match self.ask(Request::Query(Query::Internals { node })) {
            Report::Internals(internals) => *internals,
            other => panic!("not internals: {other:?}"),
        }
    }

    fn charts(&mut self) -> Charts {
        match self.ask(Request::Query(Query::Charts)) {
            Report::Charts(charts) => *charts,
            other => panic!("no charts: {other:?}"),
        }
    }
}

fn only(quorums: &[QuorumOperation]) -> &QuorumOperation {
    assert_eq!(quorums.len(), 1, "{quorums:?}");
    &quorums[0]
}

fn part_of(parts: &[ReplicaResponse], node: u32) -> &ReplicaResponse {
    parts.iter().find(|part| part.node == NodeId(node)).expect("it was asked")
}

#[test]
fn a_quorum_operation_shows_pending_and_late_responses() {
    let scenario = example("quorum-inversion");
    let (mut page, _) = Page::at(&scenario, 2_500_000);
    // A has acknowledged the write; B and C have not.
    let internals = page.internals(&scenario, "writer");
    let write = only(&internals.quorums);
    assert_eq!((labels::operation(&write.operation).as_str(), write.ended), ("write price 12", None));
    let phase = &write.phases[0];
    assert_eq!((phase.kind, phase.needed, phase.enough), (PhaseKind::Write, 3, None));
    let answered: Vec<Option<Micros>> = (0..3).map(|node| part_of(&phase.parts, node).answered).collect();
    assert_eq!(answered, [Some(111_000), None, None]);
    // The first reader needed two responses, and the third was late.
    let internals = page.internals(&scenario, "first");
    let read = only(&internals.quorums);
    let phase = &read.phases[0];
    assert_eq!((phase.kind, phase.needed, phase.enough), (PhaseKind::Read, 2, Some(511_000)));
    let late: Vec<bool> = (0..3).map(|node| part_of(&phase.parts, node).late).collect();
    assert_eq!(late, [false, false, true], "{phase:?}");
    assert!(part_of(&phase.parts, 2).answered.is_some_and(|at| at > 900_000));
    // A member takes part in all three operations, and so does the group.
    assert_eq!(page.internals(&scenario, "b").quorums.len(), 3);
    assert_eq!(page.internals(&scenario, "shop").quorums.len(), 3);
}

/// Adds faults that make responses hard to assign: loss, duplication, reordering, crashes.
fn with_faults(scenario: &Scenario, seed: u64) -> Scenario {
    let mut scenario = Scenario { seed, ..scenario.clone() };
    let members: Vec<String> = scenario.groups.iter().flat_map(|group| group.members.clone()).collect();
    let disturb = |from: &String, to: &String, at_ms: f64| Step {
        at_ms,
        command: Command::DisturbLink {
            from: from.clone(),
            to: to.clone(),
            one_way: false,
            loss: 0.1,
            duplicate: 0.2,
            reorder: 0.2,
            delay: Some(Latency::Uniform { low_ms: 0.0, high_ms: 60.0 }),
        },
    };
    for (i, pair) in members.windows(2).enumerate() {
        scenario.script.push(disturb(&pair[0], &pair[1], 300.0 + 50.0 * i as f64));
    }
    let victim = members[seed as usize % members.len()].clone();
    scenario.script.push(Step {
        at_ms: 900.0,
        command: Command::Crash { service: victim.clone(), lose_disk: seed.is_multiple_of(3) },
    });
    scenario.script.push(Step { at_ms: 1400.0, command: Command::Restart { service: victim } });
    scenario.promises.clear();
    scenario
}

#[test]
fn a_quorum_is_reached_exactly_when_the_coordinator_continues() {
    let mut checked = 0;
    for example in EXAMPLES {
        let scenario = example.scenario();
        let is_simple = |protocol: &Protocol| matches!(protocol, Protocol::Quorum(quorum) if !quorum.write_back && quorum.read_repair != ReadRepair::Blocking);
        if scenario.groups.is_empty() || !scenario.groups.iter().all(|group| is_simple(&group.protocol)) {
            continue;
        }
        for seed in 1..=15 {
            let scenario = with_faults(&scenario, seed);
            let run = run_to(&scenario, micros(scenario.until_ms).min(4_000_000));
            let context = run.context(&scenario);
            for operation in Quorums::read(&context).all {
                let context =
                    format!("{} seed {seed} operation {}: {operation:?}", example.id, operation.operation.0 + 1);
                if operation.kind == OperationKind::Read {
                    assert_eq!(operation.served, operation.reached[Phase::Read as usize], "{context}");
                    checked += u32::from(operation.served.is_some());
                } else if let Some((at, Outcome::Ok)) = operation.ended {
                    let reached = operation.reached[Phase::Write as usize];
                    assert!(reached.is_some_and(|reached| reached <= at), "{context}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 500, "only {checked} operations were checked");
}

#[test]
fn a_raft_log_on_the_page_equals_the_log_of_the_member() {
    let scenario = example("raft-and-quorum");
    let group = NodeId((scenario.services.len() + scenario.clients.len()) as u32);
    let mut uncommitted = 0;
    for seed in 1..=12u64 {
        let mut scenario = Scenario { seed, ..scenario.clone() };
        let victim = ["r1", "r2", "r3"][seed as usize % 3].to_string();
        if seed % 2 == 0 {
            let crash = Command::Crash { service: victim.clone(), lose_disk: false };
            scenario.script.push(Step { at_ms: 5500.0, command: crash });
            scenario.script.push(Step { at_ms: 6000.0, command: Command::Restart { service: victim } });
        }
        let mut run = Run::new(&scenario);
        for at in (1..=90).map(|tenth| tenth * 100_000) {
            run.advance(at, u64::MAX, &mut |_, _, _| {});
            let context = run.context(&scenario);
            let logs = Logs::read(&context, group).expect("a group with logs");
            for (node, view) in run.engine().rafts() {
                let entries = logs.entries(node);
                let shown: Vec<_> =
                    entries.iter().map(|entry| (entry.index, Some((entry.term, entry.update)))).collect();
                let held: Vec<_> = (1..=view.last_index()).map(|index| (index, view.entry(index))).collect();
                assert_eq!(shown, held, "seed {seed}, {} at {at} µs", context.names.node(node));
                uncommitted += view.last_index() - view.commit_index;
            }
        }
    }
    assert!(uncommitted > 20, "some entries must be uncommitted");
}

#[test]
fn each_sibling_shows_the_member_that_wrote_it() {
    let scenario = example("cart-siblings");
    let (mut page, frame) = Page::at(&scenario, 4_900_000);
    assert!(frame.summary.conflicted == 0, "the two sides are cut off from each other");
    let (mut page_after, frame) = (1..60)
        .map(|tenth| Page::at(&scenario, 5_000_000 + tenth * 50_000))
        .find(|(_, frame)| frame.summary.conflicted > 0)
        .expect("siblings meet once the cut is healed");
    let card = frame.services.iter().find(|service| service.rows.iter().any(|row| row.siblings.len() > 1));
    let id = scenario.services[card.expect("a card that shows them").node.index()].id.clone();
    let internals = page_after.internals(&scenario, &id);
    let copy = &internals.copies[0];
    assert_eq!(copy.values.len(), 2, "{copy:?}");
    let write = |value: &ValueInternals| match &value.origin {
        ValueOrigin::Writes(writes) if writes.len() == 1 => writes[0],
        other => panic!("one write made it, not {other:?}"),
    };
    let versions: Vec<Version> = copy.values.iter().map(|value| write(value).version).collect();
    assert_ne!(versions[0], versions[1], "{copy:?}");
    for value in &copy.values {
        let write = write(value);
        assert_eq!(write.version.origin, write.by.0 + 1, "the dot names the replica that wrote it: {value:?}");
    }
    assert_eq!(copy.vector.len(), 2, "two origins wrote it: {copy:?}");
    assert_eq!(page.internals(&scenario, "a").copies[0].values.len(), 1);
}

#[test]
fn tree_comparisons_descend_from_the_root_to_the_differences() {
    let scenario = example("cart-last-writer-wins");
    let mut deep = 0;
    for at in (1..=80).map(|tenth| tenth * 100_000) {
        let (mut page, _) = Page::at(&scenario, at);
        for tree in page.internals(&scenario, "a").trees {
            assert_eq!(tree.levels[0].0, 1, "at {at}: one root");
            for pair in tree.levels.windows(2) {
                assert_eq!(pair[1].0, 2 * pair[0].1, "at {at}: the children of the differing nodes: {tree:?}");
            }
            assert!(tree.levels.len() as u32 <= tree.depth + 1, "at {at}: {tree:?}");
            deep += u32::from(tree.levels.len() as u32 == tree.depth + 1);
        }
    }
    assert!(deep > 0, "no comparison reached the leaves");
}

#[test]
fn a_purged_tombstone_is_not_shown_as_one() {
    let scenario = example("zombie-delete");
    let (mut remembered, mut forgotten) = (false, false);
    for at in (1..=40).map(|tenth| tenth * 200_000) {
        let (mut page, frame) = Page::at(&scenario, at.min(micros(scenario.until_ms)));
        for copy in page.internals(&scenario, "a").copies {
            let row = frame.services[0].rows.iter().find(|row| row.key == copy.key).expect("its row");
            let exists = copy.tombstone.is_some_and(|tombstone| tombstone.purged.is_none());
            assert_eq!(row.deleted, exists, "at {at}: {copy:?} {row:?}");
            remembered |= row.deleted;
            forgotten |= copy.tombstone.is_some_and(|tombstone| tombstone.purged.is_some());
        }
    }
    assert!(remembered && forgotten);
}

#[test]
fn a_skewed_clock_and_its_lost_write_are_shown_at_their_member() {
    let scenario = example("global-table-skew");
    let (mut page, frame) = Page::at(&scenario, 2_000_000);
    let fault = frame.active_faults.iter().find(|fault| fault.node == NodeId(1)).expect("its clock");
    assert_eq!(fault.kind, FaultKind::ClockOff { ahead: -300_000 });
    assert!(frame.active_faults.iter().all(|fault| fault.node != NodeId(0)), "the other clock is exact");
    assert_eq!(frame.services[1].rows[0].lost, 1, "Rome was acknowledged there, and is lost");
    assert_eq!(frame.services[0].rows[0].lost, 0);
    let internals = page.internals(&scenario, "eu");
    assert_eq!(internals.clock_ahead, Some(-300_000));
    let ValueOrigin::Writes(writes) = &internals.copies[0].values[0].origin else {
        panic!("{:?}", internals.copies[0])
    };
    assert_eq!((writes[0].by, writes[0].clock_ahead), (NodeId(0), Some(0)));
}

#[test]
fn charts_show_every_window_and_the_staleness_of_each_read() {
    let scenario = example("viewing-history");
    let (mut page, frame) = Page::at(&scenario, 9_000_000);
    let charts = page.charts();
    let run = run_to(&scenario, 9_000_000);
    let acknowledged =
        run.engine().trace().since(0).filter(|record| matches!(record.fact, Fact::UpdateAcknowledged { .. }));
    assert_eq!(charts.windows.len(), acknowledged.count());
    let stale: u64 = frame.clients.iter().map(|client| client.stale_reads).sum();
    let reads: u64 = frame.clients.iter().map(|client| client.reads).sum();
    assert_eq!(charts.operations.iter().filter(|operation| operation.read).count() as u64, reads);
    assert_eq!(charts.operations.iter().filter(|operation| operation.behind > 0).count() as u64, stale);
    let longest = charts.windows.iter().map(|window| window.took).max().expect("a window");
    for operation in charts.operations.iter().filter(|operation| operation.behind > 0) {
        assert!(operation.stale_for <= longest, "a stale read is no older than the longest window: {operation:?}");
    }
    // Europe was cut off from 3 s to 6 s: windows stayed open for as long.
    assert!(longest > 2_000_000, "{longest}");
}

#[test]
fn the_chart_shows_the_queue_depth_of_each_instant() {
    let scenario = example("slow-consumer");
    let (mut page, _) = Page::at(&scenario, 6_000_000);
    let charts = page.charts();
    let (_, lines) = charts.counts.iter().find(|(title, _)| title.starts_with("Queue depth")).expect("its chart");
    let samples = run_to(&scenario, 6_000_000).metrics();
    for (i, sample) in samples.iter().enumerate() {
        assert_eq!(charts.at[i], sample.at);
        let all: u32 = lines.iter().map(|(_, depth)| depth[i]).sum();
        assert_eq!(all, sample.queued, "at {} µs", sample.at);
    }
    assert!(samples.iter().any(|sample| sample.queued > 10), "a backlog must be visible");
}

#[test]
fn hints_are_lost_with_the_disk() {
    let mut scenario = example("cassandra-hints");
    let (_, before) = Page::at(&scenario, 3_000_000);
    assert!(before.services[0].member.as_ref().is_some_and(|member| member.hints > 0));
    let crash = Command::Crash { service: "a".into(), lose_disk: true };
    scenario.script.push(Step { at_ms: 2900.0, command: crash });
    let (mut page, after) = Page::at(&scenario, 3_000_000);
    assert!(after.services[0].member.as_ref().is_none_or(|member| member.hints == 0));
    assert!(page.internals(&scenario, "a").hints.is_empty());
}
