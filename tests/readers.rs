//! Readers of a log stay in their consumer group by heartbeats, and lose their partitions as Kafka's do.

use crate::common::runs::all_records;
use converge::scenario::presets::{PRESETS, Preset};
use converge::scenario::{
    Bus, Command, Latency, Operation, Publication, ReaderSession, Scenario, Service, Step, Subscription, Topic,
};
use converge::trace::{DropCause, Fact, LeaveReason, MessageKind, Record};

const SECOND: f64 = 1000.0;

fn session() -> ReaderSession {
    kafka().subscription(&Subscription::default()).session.expect("readers of Kafka have sessions")
}

fn kafka() -> &'static Preset {
    PRESETS.iter().find(|preset| preset.name.starts_with("Kafka")).expect("a preset")
}

fn write(at_s: f64, key: &str, value: i64) -> Step {
    let operation = Operation::Write { key: key.into(), value: value.into() };
    let command = Command::Operate { service: "writer".into(), operation, poison: false };
    Step { at_ms: at_s * SECOND, command }
}

fn step(at_s: f64, command: Command) -> Step {
    Step { at_ms: at_s * SECOND, command }
}

fn crash(service: &str) -> Command {
    Command::Crash { service: service.into(), lose_disk: false }
}

/// A writer, a bus with four partitions, and one consumer group with Kafka's defaults. Each link takes 1 ms; processing an
/// event takes `handling_s`.
fn group(readers: &[&str], handling_s: f64, script: Vec<Step>, until_s: f64) -> Scenario {
    let like = Subscription {
        to: "bus".into(),
        group: Some("readers".into()),
        processing: Latency::Constant { ms: handling_s * SECOND },
        ..Subscription::default()
    };
    let reader = |id: &&str| Service {
        id: id.to_string(),
        concurrency: 8,
        subscribes: vec![kafka().subscription(&like)],
        ..Service::default()
    };
    let publishes = vec![Publication { to: "bus".into(), ..Publication::default() }];
    let mut services = vec![Service { id: "writer".into(), publishes, ..Service::default() }];
    services.extend(readers.iter().map(reader));
    Scenario {
        default_latency: Latency::Constant { ms: 1.0 },
        until_ms: until_s * SECOND,
        services,
        buses: vec![Bus {
            id: "bus".into(),
            topics: vec![Topic { name: "t".into(), partitions: 4, ..Topic::default() }],
            ..Bus::default()
        }],
        script,
        ..Scenario::default()
    }
}

/// Keys of all partitions.
fn keys(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("key{i}")).collect()
}

/// Returns when readers left (with the reason) and joined their group, s.
fn moves(records: &[Record]) -> Vec<(u64, Option<LeaveReason>)> {
    let moved = records.iter().filter_map(|record| match record.fact {
        Fact::ReaderLeft { reason, .. } => Some((record.at / 1_000_000, Some(reason))),
        Fact::ReaderJoined { .. } => Some((record.at / 1_000_000, None)),
        _ => None,
    });
    moved.collect()
}

/// Returns when the reader with this index applied events, s.
fn handled(records: &[Record], reader: u32) -> Vec<u64> {
    let by = |record: &Record| matches!(record.fact, Fact::UpdateApplied { node, .. } if node.0 == reader);
    records.iter().filter(|record| by(record)).map(|record| record.at / 1_000_000).collect()
}

fn count(records: &[Record], is: impl Fn(&Fact) -> bool) -> usize {
    records.iter().filter(|record| is(&record.fact)).count()
}

fn sent(records: &[Record]) -> usize {
    count(records, |fact| matches!(fact, Fact::EventSent { .. }))
}

fn acknowledged(records: &[Record]) -> usize {
    count(records, |fact| matches!(fact, Fact::EventAcknowledged { .. }))
}

#[test]
fn after_the_session_timeout_a_crashed_readers_partitions_continue_elsewhere_from_the_last_commit() {
    let mut script: Vec<Step> = keys(8).iter().map(|key| write(1.0, key, 1)).collect();
    script.extend(keys(8).iter().map(|key| write(6.0, key, 2)));
    // Commits are sent at 5 s and 10 s; the last heartbeat at 6 s.
    script.push(step(7.0, crash("a")));
    let records = all_records(&group(&["a", "b"], 0.01, script, 100.0));
    assert_eq!(moves(&records), [(51, Some(LeaveReason::Silent))]);
    let (own, taken_over): (Vec<u64>, Vec<u64>) = handled(&records, 2).into_iter().partition(|at| *at < 51);
    // What `a` had committed stays committed; what it had processed since is processed again.
    assert_eq!(handled(&records, 1).len() + own.len(), 16);
    assert_eq!(taken_over.len(), handled(&records, 1).iter().filter(|at| **at == 6).count());
    // The other reader learns of the rebalance from the reply to its next heartbeat.
    assert!(taken_over.iter().all(|at| *at == 54) && !taken_over.is_empty());
    assert_eq!(acknowledged(&records), 16);
}

/// Returns how often the update with this number was applied.
fn applied(records: &[Record], number: u32) -> usize {
    count(records, |fact| matches!(fact, Fact::UpdateApplied { update, by: Some(_), .. } if update.0 == number))
}

/// A group whose second reader is down from the start, is removed from its group at 45 s, and joins it again at 53 s.
fn joined_late(handling_s: f64, writes: impl IntoIterator<Item = Step>, until_s: f64) -> Scenario {
    let restart = step(53.0, Command::Restart { service: "b".into() });
    let script = [step(0.0, crash("b")), restart].into_iter().chain(writes).collect();
    group(&["a", "b"], handling_s, script, until_s)
}

#[test]
fn a_reader_that_joins_causes_no_second_delivery_of_what_a_live_reader_has_handled() {
    let early = keys(8).into_iter().map(|key| write(52.0, &key, 1));
    let late = keys(8).into_iter().map(|key| write(70.0, &key, 2));
    let records = all_records(&joined_late(0.01, early.chain(late), 100.0));
    assert_eq!(moves(&records), [(45, Some(LeaveReason::Silent)), (53, None)]);
    // The live reader learns of the rebalance from the reply to its heartbeat at 54 s, before its commit at 55 s.
    let committed = records.iter().filter(|record| matches!(record.fact, Fact::EventAcknowledged { .. }));
    let committed: Vec<u64> = committed.map(|record| record.at / 1_000_000).collect();
    assert_eq!(committed[..8], [54; 8]);
    assert_eq!((sent(&records), acknowledged(&records)), (16, 16));
    let (first, second) = (handled(&records, 1), handled(&records, 2));
    assert!(first.iter().filter(|at| **at == 52).count() == 8 && first.contains(&70), "{first:?}");
    assert!(!second.is_empty() && second.iter().all(|at| *at == 70), "{second:?}");
}

#[test]
fn a_rebalance_waits_until_a_live_reader_has_handled_its_poll_and_delivers_the_rest_once() {
    // The first event of each partition is handled until 62 s; the second round arrives while a rebalance is under way.
    let early = keys(8).into_iter().map(|key| write(52.0, &key, 1));
    let late = keys(8).into_iter().map(|key| write(53.5, &key, 2));
    let records = all_records(&joined_late(10.0, early.chain(late), 200.0));
    assert_eq!(moves(&records), [(45, Some(LeaveReason::Silent)), (53, None)]);
    assert!((0..16).all(|update| applied(&records, update) == 1), "no event is handled twice");
    let released = records.iter().rfind(|record| matches!(record.fact, Fact::PartitionsReleased { .. }));
    let released = released.map(|record| record.at / 1_000_000).expect("the live reader joins again");
    assert!(released >= 62, "at {released} s");
    let second = handled(&records, 2);
    assert!(!second.is_empty() && second.iter().all(|at| *at > released), "{second:?}");
    assert_eq!(acknowledged(&records), 16);
}

#[test]
fn what_a_live_reader_handles_for_longer_than_the_rebalance_timeout_is_handled_once_more() {
    let mut scenario = joined_late(30.0, [write(52.0, "key0", 1)], 200.0);
    for reader in &mut scenario.services[1..] {
        reader.subscribes[0].session = Some(ReaderSession { max_poll_ms: 20.0 * SECOND, ..session() });
    }
    let records = all_records(&scenario);
    let rare = Some(LeaveReason::PolledTooRarely);
    assert_eq!(moves(&records)[..3], [(45, Some(LeaveReason::Silent)), (53, None), (73, rare)]);
    assert_eq!((handled(&records, 1)[0], handled(&records, 2)[0]), (82, 103));
    assert_eq!(acknowledged(&records), 0, "the commits of removed readers are refused");
}

#[test]
fn a_member_that_does_not_learn_of_a_rebalance_is_removed_after_the_rebalance_timeout() {
    let (from, to) = ("bus".to_string(), "a".to_string());
    let writes = [write(52.0, "key0", 1), write(60.0, "key1", 1)];
    let cut = step(52.5, Command::CutLink { from, to, one_way: true });
    let mut scenario = joined_late(0.01, writes.into_iter().chain([cut]), 200.0);
    for reader in &mut scenario.services[1..] {
        let subscription = &mut reader.subscribes[0];
        (subscription.commit_every_ms, subscription.session) =
            (Some(1000.0 * SECOND), Some(ReaderSession { max_poll_ms: 20.0 * SECOND, ..session() }));
    }
    let records = all_records(&scenario);
    let rare = Some(LeaveReason::PolledTooRarely);
    assert_eq!(moves(&records), [(45, Some(LeaveReason::Silent)), (53, None), (73, rare)]);
    assert_eq!((handled(&records, 1), handled(&records, 2)), (vec![52], vec![73, 73]), "it never committed");
}

#[test]
fn a_commanded_rebalance_moves_partitions_between_live_readers_without_a_second_delivery() {
    let mut script: Vec<Step> = keys(8).iter().map(|key| write(1.0, key, 1)).collect();
    script.push(step(1.5, Command::Rebalance { bus: "bus".into() }));
    script.extend(keys(8).iter().map(|key| write(20.0, key, 2)));
    let records = all_records(&group(&["a", "b"], 0.01, script, 60.0));
    assert_eq!((moves(&records), sent(&records), acknowledged(&records)), (vec![], 16, 16));
    let at = |reader: u32, second: u64| handled(&records, reader).iter().filter(|at| **at == second).count();
    assert_eq!((at(1, 20), at(2, 20)), (at(2, 1), at(1, 1)), "each reader has the other's partitions");
    assert_eq!(at(1, 1) + at(2, 1), 8);
}

#[test]
fn a_lost_request_to_join_again_is_repeated_by_the_next_heartbeat_with_what_was_committed() {
    // The reply to the heartbeat at 54 s arrives, the commit and the request are lost.
    let (from, to) = ("a".to_string(), "bus".to_string());
    let cut = step(54.001, Command::CutLink { from: from.clone(), to: to.clone(), one_way: true });
    let heal = step(55.5, Command::HealLink { from, to, one_way: true });
    let records = all_records(&joined_late(0.01, [write(52.0, "key0", 1), cut, heal], 100.0));
    let committed = records.iter().filter(|record| matches!(record.fact, Fact::EventAcknowledged { .. }));
    assert_eq!(committed.map(|record| record.at / 1_000_000).collect::<Vec<u64>>(), [57]);
    assert_eq!((sent(&records), handled(&records, 1).len() + handled(&records, 2).len()), (1, 1));
}

#[test]
fn a_slow_reader_stays_in_its_group_within_the_maximum_poll_interval() {
    let records = all_records(&group(&["a", "b"], 290.0, vec![write(1.0, "key0", 1)], 400.0));
    assert_eq!(moves(&records), []);
    assert_eq!((sent(&records), acknowledged(&records)), (1, 1));
}

#[test]
fn a_reader_over_the_maximum_poll_interval_leaves_has_its_commit_refused_and_rejoins_at_its_next_poll() {
    // Both readers are slow, so the event alternates between them.
    let records = all_records(&group(&["a", "b"], 400.0, vec![write(0.5, "key0", 1)], 650.0));
    let rare = Some(LeaveReason::PolledTooRarely);
    // Checked at each heartbeat. The next poll follows after the events of the last one were processed. The first reader then waits
    // for the second, which handles the event within its poll interval until 606 s.
    assert_eq!(moves(&records), [(303, rare), (400, None), (606, rare)]);
    assert_eq!(sent(&records), 3, "to the first, to the second, and to the first after the second left");
    let first = if handled(&records, 1).is_empty() { 2 } else { 1 };
    assert_eq!(handled(&records, first), [400]);
    assert_eq!(acknowledged(&records), 0, "a commit of an earlier generation is refused");
}

#[test]
fn a_poll_of_many_quick_events_exceeds_the_poll_interval_and_smaller_polls_do_not() {
    for (max_in_flight, leaves) in [(500, true), (100, false)] {
        // Another event is being processed while the rest arrive.
        let mut script = vec![write(0.1, "key0", 0)];
        script.extend((1..400).map(|i| write(0.2, "key0", i)));
        let mut scenario = group(&["a"], 1.0, script, 399.0);
        scenario.services[1].subscribes[0].max_in_flight = max_in_flight;
        let records = all_records(&scenario);
        assert_eq!(
            moves(&records).contains(&(303, Some(LeaveReason::PolledTooRarely))),
            leaves,
            "{max_in_flight} at a time"
        );
    }
}

#[test]
fn a_partitioned_reader_loses_its_partitions_and_rejoins_when_its_heartbeats_arrive_again() {
    let cut = |cut: bool| {
        let (from, to, one_way) = ("a".to_string(), "bus".to_string(), false);
        if cut { Command::CutLink { from, to, one_way } } else { Command::HealLink { from, to, one_way } }
    };
    // The last heartbeat before the cut is sent at 9 s, the first after the healing at 102 s.
    let script = vec![step(10.0, cut(true)), step(100.0, cut(false)), write(60.0, "key0", 1), write(60.0, "key1", 1)];
    let records = all_records(&group(&["a", "b"], 0.01, script.clone(), 150.0));
    assert_eq!(moves(&records), [(54, Some(LeaveReason::Silent)), (102, None)]);
    assert_eq!((handled(&records, 1), handled(&records, 2)), (vec![], vec![60, 60]));
    // A cut shorter than the session timeout changes nothing.
    let script = vec![step(10.0, cut(true)), step(50.0, cut(false)), script[2].clone(), script[3].clone()];
    assert_eq!(moves(&all_records(&group(&["a", "b"], 0.01, script, 150.0))), []);
}

#[test]
fn a_lost_delivery_is_fetched_again_and_no_event_is_processed_twice() {
    let keys = keys(8);
    let mut script: Vec<Step> = keys.iter().map(|key| write(1.0, key, 1)).collect();
    script.extend(keys.iter().map(|key| write(4.0, key, 2)));
    // A cut of one second loses the second round. It was sent at 4.001 s and is fetched again after 30 s.
    let (from, to) = ("bus".to_string(), "a".to_string());
    script.push(step(3.5, Command::CutLink { from: from.clone(), to: to.clone(), one_way: true }));
    script.push(step(4.5, Command::HealLink { from, to, one_way: true }));
    let records = all_records(&group(&["a"], 0.01, script, 60.0));
    assert_eq!(moves(&records), []);
    let (first, second): (Vec<u64>, Vec<u64>) = handled(&records, 1).into_iter().partition(|at| *at < 30);
    assert_eq!((first, second), (vec![1; 8], vec![36; 8]));
    assert_eq!((sent(&records), acknowledged(&records)), (24, 16));
}

#[test]
fn the_next_heartbeat_repeats_a_lost_commit() {
    let (from, to) = ("a".to_string(), "bus".to_string());
    let script = vec![
        write(1.0, "key0", 1),
        step(4.0, Command::CutLink { from: from.clone(), to: to.clone(), one_way: true }),
        step(5.5, Command::HealLink { from, to, one_way: true }),
    ];
    let records = all_records(&group(&["a"], 0.01, script, 20.0));
    let lost = |fact: &Fact| matches!(fact, Fact::MessageDropped { cause: DropCause::LinkCut, .. });
    assert_eq!(count(&records, lost), 1, "the commit of 5 s");
    let at =
        records.iter().find(|record| matches!(record.fact, Fact::EventAcknowledged { .. })).map(|record| record.at);
    assert_eq!(at, Some(6_001_000));
}

#[test]
fn a_restarted_reader_waits_for_the_timeout_of_its_previous_session() {
    let script = vec![
        write(1.0, "key0", 1),
        step(2.0, crash("a")),
        step(10.0, Command::Restart { service: "a".into() }),
        write(20.0, "key0", 2),
    ];
    let records = all_records(&group(&["a"], 0.01, script, 100.0));
    assert_eq!(moves(&records), [(45, Some(LeaveReason::Silent)), (45, None)]);
    // The first event was not committed and is delivered again with the second.
    assert_eq!(handled(&records, 1), [1, 45, 45]);
    assert_eq!(acknowledged(&records), 2);
}

#[test]
fn readers_whose_sessions_end_at_one_instant_cause_one_rebalance() {
    let readers = ["a", "b"];
    let mut script: Vec<Step> = (0..5).map(|i| write(10.0, &format!("k{i}"), 1)).collect();
    for reader in readers {
        script.push(step(11.0, crash(reader)));
        script.push(step(11.5, Command::Restart { service: reader.into() }));
    }
    let records = all_records(&group(&readers, 0.001, script, 100.0));
    let attempts = records.iter().filter_map(|record| match record.fact {
        Fact::EventSent { attempt, .. } => Some(attempt),
        _ => None,
    });
    assert_eq!(attempts.max(), Some(2), "each event is redelivered once");
    let left = records.iter().filter(|record| matches!(record.fact, Fact::ReaderLeft { .. }));
    assert_eq!(left.count(), 2);
}

#[test]
fn a_reader_paused_beyond_its_session_processes_its_events_and_has_its_commits_refused() {
    let script = vec![
        step(4.0, Command::Pause { node: "a".into() }),
        write(10.0, "key0", 1),
        write(10.0, "key1", 1),
        step(80.0, Command::Resume { node: "a".into() }),
    ];
    let records = all_records(&group(&["a", "b"], 0.01, script, 100.0));
    assert_eq!(moves(&records), [(48, Some(LeaveReason::Silent)), (80, None)]);
    // A zombie: it does not know yet that it was removed, and handles what it polls first. Only an inbox prevents its effects from
    // being doubled. What it had not polled when it learned of it, it discards.
    assert_eq!((handled(&records, 1), handled(&records, 2)), (vec![80], vec![51, 51]));
    let done = records.iter().filter(|record| matches!(record.fact, Fact::EventAcknowledged { .. }));
    assert_eq!(done.map(|record| record.at / 1_000_000).collect::<Vec<u64>>(), [55, 55]);
}

#[test]
fn a_bus_outage_beyond_the_session_timeout_removes_no_reader() {
    let (bus, lose_unflushed) = ("bus".to_string(), false);
    let script = vec![
        step(4.0, Command::StopBus { bus: bus.clone(), lose_unflushed }),
        step(90.0, Command::StartBus { bus }),
        write(91.0, "key0", 1),
    ];
    let records = all_records(&group(&["a", "b"], 0.01, script, 120.0));
    assert_eq!(moves(&records), []);
    assert_eq!(acknowledged(&records), 1);
}

#[test]
fn a_member_without_session_settings_has_those_of_its_group_and_a_group_without_them_sends_no_heartbeats() {
    let beats = |records: &[Record], from: u32| {
        count(
            records,
            |fact| matches!(fact, Fact::MessageSent { kind: MessageKind::Heartbeat, from: sender, .. } if sender.0 == from),
        )
    };
    let mut scenario = group(&["a", "b"], 0.01, vec![], 10.0);
    scenario.services[1].subscribes[0].session = None;
    let records = all_records(&scenario);
    assert_eq!((beats(&records, 1), beats(&records, 2)), (3, 3));
    scenario.services[2].subscribes[0].session = None;
    let records = all_records(&scenario);
    assert_eq!((beats(&records, 1), beats(&records, 2)), (0, 0));
}

#[test]
fn a_session_that_no_heartbeat_could_keep_is_refused_with_its_place() {
    let mut scenario = group(&["a"], 0.01, vec![], 10.0);
    scenario.services[1].subscribes[0].session =
        Some(ReaderSession { timeout_ms: 100.0, heartbeat_ms: 100.0, max_poll_ms: 300.0 });
    let errors = scenario.validate().expect_err("a heartbeat as rare as the timeout");
    assert_eq!(errors[0].path, "services[1].subscribes[0].session.heartbeat_ms");
    assert!(errors[0].problem.contains("timeout_ms"), "{}", errors[0].problem);
}
