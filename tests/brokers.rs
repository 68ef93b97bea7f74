//! A replicated bus loses the events that its next leader does not have, and no others.

use crate::common::runs::all_records;
use crate::common::scenarios::step;
use converge::scenario::presets::{PRESETS, of_replication};
use converge::scenario::{
    Acks, Bus, Command, CommitRule, InSync, Latency, Operation, Publication, PublishRetry, Replication, Scenario,
    Service, Step, Subscription, Topic, micros,
};
use converge::session::Run;
use converge::trace::{BrokerChange, DropReason, Fact, MessageKind, Record};

fn write(at_ms: f64, value: i64) -> Step {
    let operation = Operation::Write { key: "k".into(), value: value.into() };
    step(at_ms, Command::Operate { service: "writer".into(), operation, poison: false })
}

fn stop(at_ms: f64, broker: Option<u32>, lose_disk: bool) -> Step {
    step(at_ms, Command::StopBroker { bus: "bus".into(), broker, lose_disk })
}

fn start(at_ms: f64, broker: Option<u32>) -> Step {
    step(at_ms, Command::StartBroker { bus: "bus".into(), broker })
}

/// Kafka's defaults with three replicas, 10 ms to a follower, and a run of one minute. The publisher sends once and waits for the
/// acknowledgement. Latency: 1 ms to the bus, 1 ms to the reader.
fn system(acks: Acks, commit: CommitRule, script: Vec<Step>) -> Scenario {
    let retry = (acks != Acks::None).then_some(PublishRetry { timeout_ms: 50_000.0, attempts: 1 });
    let publication = Publication { to: "bus".into(), acks, retry, ..Publication::default() };
    let service =
        |id: &str| Service { id: id.into(), service_time: Latency::Constant { ms: 0.0 }, ..Service::default() };
    let subscription = Subscription { to: "bus".into(), ..Subscription::default() };
    Scenario {
        default_latency: Latency::Constant { ms: 1.0 },
        until_ms: 60_000.0,
        services: vec![
            Service { publishes: vec![publication], ..service("writer") },
            Service { subscribes: vec![subscription], ..service("reader") },
        ],
        buses: vec![Bus {
            id: "bus".into(),
            topics: vec![Topic { name: "t".into(), dedup_ms: Some(120_000.0), ..Topic::default() }],
            replication: Some(Replication {
                replicas: 3,
                latency: Latency::Constant { ms: 10.0 },
                commit,
                ..Replication::default()
            }),
            ..Bus::default()
        }],
        script,
        ..Scenario::default()
    }
}

fn kafka(min_insync: u32, unclean_election: bool) -> CommitRule {
    CommitRule::InSync(InSync { min_insync, unclean_election, ..InSync::default() })
}

/// Returns the times of the matching facts, µs.
fn times(records: &[Record], is: impl Fn(&Fact) -> bool) -> Vec<u64> {
    records.iter().filter(|record| is(&record.fact)).map(|record| record.at).collect()
}

/// Returns when the publisher received acknowledgements, µs.
fn acknowledged(records: &[Record]) -> Vec<u64> {
    times(records, |fact| matches!(fact, Fact::MessageSent { kind: MessageKind::Acknowledgement, to, .. } if to.0 == 0))
}

fn delivered(records: &[Record]) -> Vec<u64> {
    times(records, |fact| matches!(fact, Fact::EventSent { .. }))
}

fn lost(records: &[Record]) -> usize {
    let is = |fact: &Fact| matches!(fact, Fact::EventDiscarded { reason: DropReason::NotReplicated, .. });
    times(records, is).len()
}

fn leaders(records: &[Record]) -> Vec<(u64, u32)> {
    let leads = records.iter().filter_map(|record| match record.fact {
        Fact::BrokerChanged { broker, change: BrokerChange::Leads, .. } => Some((record.at / 1000, broker)),
        _ => None,
    });
    leads.collect()
}

/// Returns the changes of the in-sync set: the time, ms, and one bit for each broker.
fn in_sync(records: &[Record]) -> Vec<(u64, u32)> {
    let changes = records.iter().filter_map(|record| match record.fact {
        Fact::InSyncChanged { brokers, .. } => Some((record.at / 1000, brokers)),
        _ => None,
    });
    changes.collect()
}

#[test]
fn acks_decide_when_the_publisher_is_acknowledged_and_only_committed_events_are_delivered() {
    for (acks, expected) in [(Acks::None, vec![]), (Acks::Leader, vec![1000]), (Acks::All, vec![11_000])] {
        let records = all_records(&system(acks, kafka(1, false), vec![write(0.0, 1)]));
        assert_eq!((acknowledged(&records), delivered(&records)), (expected, vec![11_000]), "{acks:?}");
    }
}

#[test]
fn with_acks_1_an_acknowledged_event_is_lost_with_the_leader() {
    let script = vec![write(0.0, 1), stop(5.0, None, false)];
    let records = all_records(&system(Acks::Leader, kafka(1, false), script.clone()));
    assert_eq!((acknowledged(&records).len(), lost(&records), delivered(&records).len()), (1, 1, 0));
    // The bus is unavailable until the failure of the leader is detected.
    assert_eq!(leaders(&records), [(9005, 2)]);
    let out = times(&records, |fact| matches!(fact, Fact::BusStopped { .. } | Fact::BusStarted { .. }));
    assert_eq!(out, [5000, 9_005_000]);
    // With acks=all nothing was acknowledged, and the bus accepts the event when the publisher sends it again.
    let mut scenario = system(Acks::All, kafka(1, false), script);
    scenario.services[0].publishes[0].retry = Some(PublishRetry { timeout_ms: 10_000.0, attempts: 2 });
    let records = all_records(&scenario);
    assert_eq!((lost(&records), delivered(&records), acknowledged(&records).len()), (1, vec![10_011_000], 1));
}

#[test]
fn a_copy_will_not_converge_only_if_its_publisher_does_not_send_the_lost_event_again() {
    for (acks, verdict) in [(Acks::Leader, "will not converge"), (Acks::All, "converging")] {
        let mut scenario = system(acks, kafka(1, false), vec![write(0.0, 1), stop(5.0, None, false)]);
        scenario.services[0].publishes[0].retry = Some(PublishRetry { timeout_ms: 20_000.0, attempts: 5 });
        let mut run = Run::new(&scenario);
        run.advance(micros(10_000.0), 1_000_000, &mut |_, _, _| {});
        let context = run.context(&scenario);
        let (found, because) = converge::session::reasons::convergence(&run.convergence(&scenario), &context);
        assert_eq!(found, verdict, "{because:?}");
        run.advance(micros(60_000.0), 1_000_000, &mut |_, _, _| {});
        let now = run.convergence(&scenario);
        assert_eq!(now == converge::analysis::Convergence::Converged, acks == Acks::All);
    }
}

#[test]
fn an_event_of_the_whole_in_sync_set_survives_the_leader_and_its_disk() {
    let script = vec![write(0.0, 1), stop(11.5, None, true), start(5000.0, None), write(20_000.0, 2)];
    let mut scenario = system(Acks::All, kafka(1, false), script);
    // The leader is gone before the reader receives the event.
    scenario.services[1].subscribes[0].ack_deadline_ms = 15_000.0;
    scenario.links.push(converge::scenario::Link {
        from: "bus".into(),
        to: "reader".into(),
        latency: Some(Latency::Constant { ms: 1.0 }),
        ..converge::scenario::Link::default()
    });
    scenario.script.push(step(2.0, Command::CutLink { from: "bus".into(), to: "reader".into(), one_way: false }));
    scenario.script.push(step(10_000.0, Command::HealAll));
    let records = all_records(&scenario);
    assert_eq!(lost(&records), 0);
    // The leader restarts without its disk before its failure is detected. It is out of sync, so another leads at once.
    assert_eq!(leaders(&records), [(5000, 2)]);
    assert_eq!(times(&records, |fact| matches!(fact, Fact::UpdateApplied { .. })).len(), 2);
}

/// Kafka's defaults: with min.insync.replicas 1, the in-sync set may consist of the leader alone.
#[test]
fn with_min_insync_1_an_acknowledged_event_is_lost_after_the_in_sync_set_shrank_to_the_leader() {
    let shrunk = vec![
        stop(100.0, Some(2), false),
        stop(100.0, Some(3), false),
        write(20_000.0, 1),
        step(19_000.0, Command::Pause { node: "reader".into() }),
        stop(20_005.0, None, true),
        start(20_006.0, Some(2)),
        start(20_006.0, Some(3)),
    ];
    let is_acknowledged = |records: &[Record]| acknowledged(records) == [20_001_000];
    // An unclean election elects a broker that never had the event.
    let records = all_records(&system(Acks::All, kafka(1, true), shrunk.clone()));
    assert_eq!(in_sync(&records), [(9100, 0b101), (9100, 0b001), (29_005, 0b010), (29_015, 0b110)]);
    assert!(is_acknowledged(&records));
    assert_eq!((lost(&records), leaders(&records)), (1, vec![(29_005, 2)]));
    // Without it, the bus waits for the last broker in sync. That broker returns with an empty disk, and all follow it.
    let mut script = shrunk.clone();
    script.push(start(40_000.0, Some(1)));
    let records = all_records(&system(Acks::All, kafka(1, false), script));
    assert!(is_acknowledged(&records));
    assert_eq!((lost(&records), leaders(&records)), (1, vec![(40_000, 1)]));
    // With its disk, it returns with the event.
    let mut script = shrunk.clone();
    script[4] = stop(20_005.0, None, false);
    script.push(start(40_000.0, Some(1)));
    assert_eq!(lost(&all_records(&system(Acks::All, kafka(1, false), script))), 0);
    // min.insync.replicas 2 refuses the event instead of losing it after an acknowledgement.
    let records = all_records(&system(Acks::All, kafka(2, true), shrunk.clone()));
    let refused = times(&records, |fact| matches!(fact, Fact::PublishRefused { in_sync: 1, needed: 2, .. }));
    assert_eq!((refused, acknowledged(&records), lost(&records)), (vec![20_001_000], vec![], 0));
    // acks=1 ignores min.insync.replicas.
    let records = all_records(&system(Acks::Leader, kafka(2, true), shrunk));
    assert_eq!((acknowledged(&records), lost(&records)), (vec![20_001_000], 1));
}

#[test]
fn a_publication_waits_for_a_dead_follower_until_it_is_detected_and_for_a_lagging_one_until_it_is_out_of_sync() {
    let records = all_records(&system(Acks::All, kafka(1, false), vec![stop(0.5, Some(3), false), write(0.0, 1)]));
    assert_eq!((acknowledged(&records), in_sync(&records)), (vec![9_000_500], vec![(9000, 0b011)]));
    // Refused: only two brokers are in sync.
    let records = all_records(&system(Acks::All, kafka(3, false), vec![stop(0.5, Some(3), false), write(0.0, 1)]));
    assert_eq!((acknowledged(&records), delivered(&records)), (vec![], vec![9_000_500]));
    // Both followers lag longer than permitted.
    let mut scenario = system(Acks::All, kafka(1, false), vec![write(0.0, 1)]);
    scenario.buses[0].replication.as_mut().expect("brokers").latency = Latency::Constant { ms: 40_000.0 };
    let records = all_records(&scenario);
    assert_eq!(acknowledged(&records), [30_001_000]);
    assert_eq!(in_sync(&records), [(30_001, 0b101), (30_001, 0b001), (40_001, 0b011), (40_001, 0b111)]);
}

#[test]
fn a_quorum_queue_commits_by_majority_and_is_unavailable_without_one() {
    let script = vec![
        stop(100.0, Some(3), false),
        // Two of three are a majority; the third does not matter.
        write(200.0, 1),
        stop(1000.0, Some(2), false),
        write(2000.0, 2),
        start(30_000.0, Some(3)),
    ];
    let records = all_records(&system(Acks::All, CommitRule::Majority, script));
    assert_eq!(acknowledged(&records), [211_000]);
    let out = times(&records, |fact| matches!(fact, Fact::BusStopped { .. } | Fact::BusStarted { .. }));
    assert_eq!(out, [1_000_000, 30_000_000]);
    // The broker with the most events leads, regardless of its number.
    assert_eq!(leaders(&records), [(30_000, 1)]);
    let script = vec![stop(0.5, Some(2), false), write(0.0, 1), stop(100.0, Some(1), false), start(200.0, Some(2))];
    let records = all_records(&system(Acks::All, CommitRule::Majority, script));
    assert_eq!((acknowledged(&records), leaders(&records), lost(&records)), (vec![11_000], vec![(200, 3)], 0));
}

#[test]
fn a_missing_broker_is_reported_with_its_path() {
    let path_of = |scenario: &Scenario| scenario.validate().expect_err("unsound")[0].to_string();
    let mut scenario = system(Acks::All, kafka(1, false), vec![stop(1.0, Some(4), false)]);
    assert_eq!(path_of(&scenario), "script[0].do.stop_broker.broker: must be a broker of `bus`, from 1 to 3, not 4");
    scenario.buses[0].replication = None;
    assert_eq!(path_of(&scenario), "script[0].do.stop_broker.bus: must be a bus with `replication`; `bus` has none");
    let scenario = system(Acks::All, kafka(4, false), vec![]);
    assert_eq!(
        path_of(&scenario),
        "buses[0].replication.commit.in_sync.min_insync: must be a whole number from 1 to 3, not 4"
    );
    let mut scenario = system(Acks::Leader, kafka(1, false), vec![]);
    scenario.services[0].publishes[0].acks = Acks::None;
    assert!(path_of(&scenario).starts_with("services[0].publishes[0].acks: must be `leader` or `all`"));
    // The same for a live command.
    let mut run = Run::new(&system(Acks::All, kafka(1, false), vec![]));
    let command = Command::StopBroker { bus: "bus".into(), broker: Some(4), lose_disk: false };
    let refused = run.act(command, &mut |_, _, _| {}).expect_err("no such broker");
    assert_eq!(refused.to_string(), "`bus` has the brokers 1 to 3, not 4");
}

#[test]
fn a_preset_is_recognized_by_its_replication() {
    let of = |name: &str| PRESETS.iter().find(|preset| preset.name.starts_with(name)).expect("a preset");
    for (name, replicas, commit) in
        [("Kafka", 1, kafka(1, false)), ("RabbitMQ", 3, CommitRule::Majority), ("NATS", 1, CommitRule::Majority)]
    {
        let replication = of(name).replication(None).expect("brokers");
        assert_eq!((replication.replicas, &replication.commit), (replicas, &commit), "{name}");
        assert_eq!(of_replication(&replication), Some(of(name)));
    }
    assert!(of("SQS standard").replication(None).is_none());
}
