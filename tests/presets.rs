//! Each preset counts deliveries, orders events and dead-letters them as its system does.

use converge::engine::Engine;
use converge::scenario::presets::{PRESETS, PRODUCERS, Preset, of_publication, of_subscription};
use converge::scenario::{
    Acknowledge, Bus, Command, Latency, Operation, Publication, PublishMode, PublishRetry, Scenario, Service, Step,
    Subscription, Topic, micros,
};
use converge::trace::{DetachReason, Fact, Level, MessageKind, NodeId, Record};

fn preset(name: &str) -> &'static Preset {
    PRESETS.iter().find(|preset| preset.name.starts_with(name)).unwrap_or_else(|| panic!("no preset {name}"))
}

fn write(at_ms: f64, key: &str, value: i64) -> Step {
    let operation = Operation::Write { key: key.into(), value: value.into() };
    Step { at_ms, command: Command::Operate { service: "writer".into(), operation, poison: false } }
}

fn poison(at_ms: f64, key: &str) -> Step {
    let operation = Operation::Write { key: key.into(), value: 13.into() };
    Step { at_ms, command: Command::Operate { service: "writer".into(), operation, poison: true } }
}

/// A writer, a bus with a preset, and a consumer, all without delays.
fn system(preset: &Preset, script: Vec<Step>, until_ms: f64) -> Scenario {
    let publication = preset.publication(&Publication { to: "bus".into(), ..Publication::default() });
    let template =
        Subscription { to: "bus".into(), processing: Latency::Constant { ms: 0.0 }, ..Subscription::default() };
    let service =
        |id: &str| Service { id: id.into(), service_time: Latency::Constant { ms: 0.0 }, ..Service::default() };
    let topic = Topic { name: "t".into(), ..Topic::default() };
    Scenario {
        default_latency: Latency::Constant { ms: 0.0 },
        until_ms,
        services: vec![
            Service { publishes: vec![publication], ..service("writer") },
            Service { subscribes: vec![preset.subscription(&template)], ..service("reader") },
        ],
        buses: vec![Bus { id: "bus".into(), topics: vec![preset.topic(&topic)], ..Bus::default() }],
        script,
        ..Scenario::default()
    }
}

fn trace(scenario: &Scenario) -> Vec<Record> {
    scenario.validate().expect("valid");
    let mut engine = Engine::new(scenario, Level::Full);
    engine.run_until(micros(scenario.until_ms), u64::MAX);
    engine.trace().since(0).cloned().collect()
}

fn count(records: &[Record], matches: impl Fn(&Fact) -> bool) -> usize {
    records.iter().filter(|record| matches(&record.fact)).count()
}

fn deliveries(records: &[Record]) -> usize {
    count(records, |fact| matches!(fact, Fact::EventSent { .. }))
}

fn dead(records: &[Record]) -> usize {
    count(records, |fact| matches!(fact, Fact::EventDeadLettered { .. }))
}

const DAY: f64 = 86_400_000.0;

#[test]
fn sqs_moves_an_event_to_the_dead_letter_queue_after_max_receive_count_deliveries() {
    for name in ["SQS standard", "SQS FIFO"] {
        for max_deliveries in [1, 3, 10] {
            let mut scenario = system(preset(name), vec![poison(0.0, "k")], 1e6);
            scenario.services[1].subscribes[0].max_deliveries = Some(max_deliveries);
            let records = trace(&scenario);
            assert_eq!(
                (deliveries(&records), dead(&records)),
                (max_deliveries as usize, 1),
                "{name}, {max_deliveries}"
            );
        }
    }
}

#[test]
fn sqs_redelivers_an_unacknowledged_event_after_thirty_seconds() {
    let mut scenario = system(preset("SQS standard"), vec![write(0.0, "k", 1)], 100_000.0);
    // The visibility timeout runs from the receive, and is too short for the handler.
    scenario.services[1].subscribes[0].processing = Latency::Constant { ms: 300_000.0 };
    let times: Vec<u64> = trace(&scenario)
        .iter()
        .filter(|record| matches!(record.fact, Fact::EventSent { .. }))
        .map(|record| record.at)
        .collect();
    assert_eq!(times, [0, 30_000_000, 60_000_000, 90_000_000]);
}

#[test]
fn sqs_standard_keeps_the_enqueue_time_in_the_dead_letter_queue_and_fifo_renews_it() {
    for (name, expires_at) in [("SQS standard", 4.0 * DAY), ("SQS FIFO", 4.0 * DAY + 60_000.0)] {
        let mut scenario = system(preset(name), vec![poison(0.0, "k")], 5.0 * DAY);
        // Each of the two receives ends with the visibility timeout of 30 s.
        scenario.services[1].subscribes[0].max_deliveries = Some(2);
        let records = trace(&scenario);
        assert_eq!(dead(&records), 1);
        let discarded = records
            .iter()
            .find(|record| matches!(record.fact, Fact::EventDiscarded { .. }))
            .expect("the event expires");
        assert_eq!(discarded.at, micros(expires_at), "{name}");
    }
}

#[test]
fn sqs_fifo_deduplicates_for_five_minutes_and_no_longer() {
    for (republished_after_s, deduplicated) in [(299.0, 1), (301.0, 0)] {
        let mut scenario = system(preset("SQS FIFO"), vec![write(0.0, "k", 1)], 1e6);
        // The acknowledgements of the bus are lost, so that the producer publishes again.
        scenario.services[0].publishes[0].retry =
            Some(PublishRetry { timeout_ms: republished_after_s * 1000.0, attempts: 2 });
        let cut = Command::CutLink { from: "bus".into(), to: "writer".into(), one_way: true };
        scenario.script.insert(0, Step { at_ms: 0.0, command: cut });
        let records = trace(&scenario);
        let hits = count(&records, |fact| matches!(fact, Fact::EventDeduplicated { .. }));
        assert_eq!(hits, deduplicated, "published again after {republished_after_s} s");
    }
}

#[test]
fn sqs_fifo_blocks_only_the_key_of_an_event_in_flight() {
    let script = vec![poison(0.0, "blocked"), write(1.0, "blocked", 2), write(2.0, "free", 3)];
    let mut scenario = system(preset("SQS FIFO"), script, 1e6);
    scenario.services[1].subscribes[0].processing = Latency::Constant { ms: 100.0 };
    let records = trace(&scenario);
    let applied: Vec<u64> = records
        .iter()
        .filter(|record| matches!(record.fact, Fact::UpdateApplied { .. }))
        .map(|record| record.at / 1000)
        .collect();
    // The poison message is received ten times, every 30 s; the other key is not delayed.
    assert_eq!(applied, [102, 300_100]);
}

#[test]
fn a_quorum_queue_discards_an_event_after_twenty_redeliveries() {
    let records = trace(&system(preset("RabbitMQ"), vec![poison(0.0, "k")], 1e7));
    assert_eq!((deliveries(&records), dead(&records)), (21, 0));
    assert_eq!(count(&records, |fact| matches!(fact, Fact::EventDiscarded { .. })), 1);
    // With a dead-letter queue, it is dead-lettered at the same count.
    let mut scenario = system(preset("RabbitMQ"), vec![poison(0.0, "k")], 1e7);
    scenario.services[1].subscribes[0].dead_letter = true;
    let records = trace(&scenario);
    assert_eq!((deliveries(&records), dead(&records)), (21, 1));
}

#[test]
fn jetstream_redelivers_without_limit_and_at_once_after_a_nak() {
    let mut scenario = system(preset("NATS"), vec![poison(0.0, "k")], 10.0);
    scenario.default_latency = Latency::Constant { ms: 0.01 };
    let records = trace(&scenario);
    assert!(deliveries(&records) > 300, "{}", deliveries(&records));
    assert_eq!(dead(&records) + count(&records, |fact| matches!(fact, Fact::EventDiscarded { .. })), 0);
}

#[test]
fn redis_delivers_only_to_connected_subscribers() {
    let mut scenario = system(preset("Redis"), vec![], 1000.0);
    let crash = Command::Crash { service: "reader".into(), lose_disk: false };
    let steps = [(1.0, crash), (3.0, Command::Restart { service: "reader".into() })];
    scenario.script = steps.into_iter().map(|(at_ms, command)| Step { at_ms, command }).collect();
    scenario.script.extend([write(0.0, "k", 1), write(2.0, "k", 2), write(4.0, "k", 3)]);
    let records = trace(&scenario);
    assert_eq!(deliveries(&records), 2);
    assert_eq!(count(&records, |fact| matches!(fact, Fact::EventDiscarded { .. })), 1);
    assert_eq!(count(&records, |fact| matches!(fact, Fact::UpdateApplied { .. })), 2);
}

/// Kafka: an offset committed before processing is at most once, after it at least once. Before a rebalance, live readers commit;
/// what a reader that crashed has not committed is redelivered.
#[test]
fn kafka_redelivers_uncommitted_events_after_a_crash_and_none_of_a_live_reader_after_a_rebalance() {
    for acknowledge in [Acknowledge::BeforeProcessing, Acknowledge::AfterProcessing] {
        let script: Vec<Step> = (0..6).map(|i| write(1000.0 * f64::from(i), "k", i.into())).collect();
        let mut scenario = system(preset("Kafka"), script, 100_000.0);
        scenario.services[1].subscribes[0].acknowledge = acknowledge;
        scenario.services[1].subscribes[0].commit_every_ms = Some(80_000.0);
        let mut rebalanced = scenario.clone();
        rebalanced.script.push(Step { at_ms: 6000.0, command: Command::Rebalance { bus: "bus".into() } });
        let records = trace(&rebalanced);
        assert_eq!(deliveries(&records), 6, "{acknowledge:?}");
        let acknowledged = |record: &&Record| matches!(record.fact, Fact::EventAcknowledged { .. });
        let committed: Vec<u64> = records.iter().filter(acknowledged).map(|record| record.at / 1_000_000).collect();
        // At the next heartbeat.
        assert_eq!(committed, [9; 6], "{acknowledge:?}");
        let crash = Command::Crash { service: "reader".into(), lose_disk: false };
        scenario.script.push(Step { at_ms: 6000.0, command: crash });
        scenario.script.push(Step { at_ms: 7000.0, command: Command::Restart { service: "reader".into() } });
        assert_eq!(deliveries(&trace(&scenario)), 6 + 6, "{acknowledge:?}");
    }
    // A crash while an event is handled: it is lost if committed on receipt, redelivered if committed afterwards.
    for (acknowledge, handled) in [(Acknowledge::BeforeProcessing, 0), (Acknowledge::AfterProcessing, 1)] {
        let mut scenario = system(preset("Kafka"), vec![write(0.0, "k", 1)], 200_000.0);
        let subscription = &mut scenario.services[1].subscribes[0];
        subscription.acknowledge = acknowledge;
        subscription.commit_every_ms = None;
        subscription.processing = Latency::Constant { ms: 100.0 };
        let crash = Command::Crash { service: "reader".into(), lose_disk: false };
        scenario.script.push(Step { at_ms: 50.0, command: crash });
        scenario.script.push(Step { at_ms: 60.0, command: Command::Restart { service: "reader".into() } });
        let records = trace(&scenario);
        assert_eq!(count(&records, |fact| matches!(fact, Fact::UpdateApplied { .. })), handled, "{acknowledge:?}");
    }
}

#[test]
fn a_preset_is_found_by_its_settings() {
    for preset in &PRESETS {
        let subscription = preset.subscription(&Subscription { to: "bus".into(), ..Subscription::default() });
        assert_eq!(of_subscription(&subscription), Some(preset));
        assert!(!preset.leaves_out.is_empty());
    }
    assert_eq!(of_subscription(&Subscription { max_deliveries: Some(7), ..Subscription::default() }), None);
}

#[test]
fn a_producer_is_found_by_its_settings_for_any_topic_and_mode() {
    let template = Publication {
        to: "bus".into(),
        mode: PublishMode::Outbox { poll_ms: 10.0, batch: 5 },
        ..Publication::default()
    };
    for producer in &PRODUCERS {
        let publication = producer.publication(&template);
        assert_eq!(of_publication(&publication), Some(producer));
        assert_eq!((&publication.to, &publication.mode), (&template.to, &template.mode));
    }
    let own = PublishRetry { timeout_ms: 12.0, attempts: 3 };
    assert_eq!(of_publication(&Publication { retry: Some(own), ..template.clone() }), None);
    assert_eq!(
        of_publication(&preset("Kafka").publication(&template)).map(|preset| preset.name),
        Some("Kafka 4.0 producer")
    );
}

#[test]
fn events_that_expire_while_the_bus_is_down_are_discarded_when_it_is_back() {
    for (dead_letter, deliveries) in [(false, None), (true, Some(1))] {
        let mut scenario = system(preset("SQS standard"), vec![poison(0.0, "k")], 10_000.0);
        scenario.buses[0].topics[0].retention_ms = Some(3000.0);
        let subscription = &mut scenario.services[1].subscribes[0];
        (subscription.dead_letter, subscription.max_deliveries) = (dead_letter, deliveries);
        subscription.backoff = converge::scenario::Backoff::Fixed { ms: 500.0 };
        let stop = Command::StopBus { bus: "bus".into(), lose_unflushed: false };
        scenario.script.push(Step { at_ms: 1000.0, command: stop });
        scenario.script.push(Step { at_ms: 5000.0, command: Command::StartBus { bus: "bus".into() } });
        let records = trace(&scenario);
        let discarded: Vec<u64> = records
            .iter()
            .filter(|record| matches!(record.fact, Fact::EventDiscarded { .. }))
            .map(|record| record.at)
            .collect();
        assert_eq!(discarded, [5_000_000], "dead-lettered: {dead_letter}");
    }
}

#[test]
fn a_store_is_found_by_its_settings_and_has_the_documented_defaults() {
    use converge::scenario::presets::{STORES, of_group};
    use converge::scenario::{Data, Group, Protocol, ReadRepair};
    let members: Vec<String> = (1..=5).map(|i| format!("r{i}")).collect();
    let template = Group { id: "g".into(), members, ..Group::default() };
    let quorum = |name: &str| {
        let store = STORES.iter().find(|store| store.name == name).expect("a store");
        let group = store.group(&template);
        assert_eq!(of_group(&group), Some(store));
        assert!(!store.leaves_out.is_empty());
        match group.protocol {
            Protocol::Quorum(quorum) => (group.data, quorum),
            _ => unreachable!("all stores are leaderless"),
        }
    };
    for (name, waits) in [("Cassandra 5, ONE", 1), ("Cassandra 5, QUORUM", 2), ("Cassandra 5, ALL", 3)] {
        let (_, quorum) = quorum(name);
        assert_eq!((quorum.replicas, quorum.read, quorum.write), (Some(3), waits, waits), "{name}");
        assert_eq!(quorum.hints.map(|hints| hints.window_ms), Some(10_800_000.0), "three hours");
        assert_eq!(quorum.read_repair, ReadRepair::Blocking);
        assert_eq!((quorum.timeout_ms, quorum.tombstone_grace_ms), (2000.0, Some(864_000_000.0)), "ten days");
    }
    assert_eq!(quorum("Riak KV 3").0, Data::MultiValue);
    let (_, dynamo) = quorum("Dynamo (2007)");
    assert!(dynamo.sloppy && dynamo.hints.is_some(), "a hint counts for W");
}

fn closed(records: &[Record]) -> Vec<(u64, DetachReason)> {
    let reasons = records.iter().filter_map(|record| match record.fact {
        Fact::ConsumerDetached { reason, .. } => Some((record.at / 1000, reason)),
        _ => None,
    });
    reasons.collect()
}

fn sent(records: &[Record]) -> Vec<u64> {
    let sent = records.iter().filter(|record| matches!(record.fact, Fact::EventSent { .. }));
    sent.map(|record| record.at / 1000).collect()
}

fn crash_and_restart(scenario: &mut Scenario, crash_ms: f64, restart_ms: f64) {
    let crash = Command::Crash { service: "reader".into(), lose_disk: false };
    scenario.script.push(Step { at_ms: crash_ms, command: crash });
    scenario.script.push(Step { at_ms: restart_ms, command: Command::Restart { service: "reader".into() } });
}

#[test]
fn a_consumer_that_restarts_receives_its_events_again_as_its_system_documents() {
    // It crashes at 1 s while it handles an event, and restarts at 2 s.
    let cases = [
        ("SQS standard", vec![0, 30_000]),
        ("SQS FIFO", vec![0, 30_000]),
        ("RabbitMQ", vec![0, 2000]),
        ("NATS", vec![0, 30_000]),
        ("Redis", vec![0]),
        ("Kafka", vec![0, 45_000]),
    ];
    for (name, expected) in cases {
        let mut scenario = system(preset(name), vec![write(0.0, "k", 1)], 100_000.0);
        scenario.services[1].subscribes[0].processing = Latency::Constant { ms: 5000.0 };
        crash_and_restart(&mut scenario, 1000.0, 2000.0);
        assert_eq!(sent(&trace(&scenario)), expected, "{name}");
    }
}

#[test]
fn nothing_is_delivered_to_a_consumer_that_is_gone() {
    for preset in &PRESETS {
        let mut scenario = system(preset, vec![write(2000.0, "k", 1)], 100_000.0);
        crash_and_restart(&mut scenario, 1000.0, 10_000.0);
        let records = trace(&scenario);
        assert!(sent(&records).iter().all(|at| *at >= 10_000), "{}: {:?}", preset.name, sent(&records));
        let lost = count(&records, |fact| matches!(fact, Fact::EventDiscarded { .. }));
        assert_eq!((sent(&records).len(), lost), if preset.name.starts_with("Redis") { (0, 1) } else { (1, 0) });
    }
}

#[test]
fn a_quorum_queue_requeues_after_the_heartbeat_timeout_when_the_network_is_cut() {
    let mut scenario = system(preset("RabbitMQ"), vec![write(1000.0, "k", 1)], 200_000.0);
    scenario.services[1].subscribes[0].processing = Latency::Constant { ms: 5000.0 };
    let cut = Command::CutLink { from: "reader".into(), to: "bus".into(), one_way: false };
    scenario.script.push(Step { at_ms: 2000.0, command: cut });
    let records = trace(&scenario);
    let closed = closed(&records);
    // Heartbeats come every 30 s; none did within the first 60 s.
    assert_eq!(closed, [(60_000, DetachReason::Silent)]);
    let requeued = records.iter().find(|record| matches!(record.fact, Fact::EventQueued { deliveries: 1, .. }));
    assert_eq!(requeued.map(|record| record.at / 1000), Some(60_000));
}

#[test]
fn a_short_cut_loses_nothing_on_a_channel() {
    let mut scenario = system(preset("RabbitMQ"), vec![write(2000.0, "k", 1)], 30_000.0);
    let cut = Command::CutLink { from: "reader".into(), to: "bus".into(), one_way: false };
    let heal = Command::HealLink { from: "reader".into(), to: "bus".into(), one_way: false };
    scenario.script.push(Step { at_ms: 1000.0, command: cut });
    scenario.script.push(Step { at_ms: 10_500.0, command: heal });
    let records = trace(&scenario);
    assert_eq!(sent(&records), [2000], "one delivery, sent again by the connection");
    let applied = records.iter().find(|record| matches!(record.fact, Fact::UpdateApplied { .. }));
    assert_eq!(applied.map(|record| record.at / 1000), Some(11_000));
}

#[test]
fn a_quorum_queue_closes_the_channel_after_thirty_minutes_without_acknowledgement() {
    let mut scenario = system(preset("RabbitMQ"), vec![write(0.0, "k", 1)], 2_000_000.0);
    scenario.services[1].subscribes[0].processing = Latency::Constant { ms: 1_900_000.0 };
    let records = trace(&scenario);
    assert_eq!(closed(&records), [(1_800_000, DetachReason::AcknowledgementOverdue)]);
    assert_eq!(sent(&records).len(), 2);
    // The first handler ends at 1,900 s; its delivery tag is unknown on the new channel.
    assert_eq!(count(&records, |fact| matches!(fact, Fact::AcknowledgementExpired { .. })), 1);
}

#[test]
fn a_late_acknowledgement_has_the_effect_of_its_system() {
    // The handler takes 40 s, the deadline is 30 s; the acknowledgement of the first delivery comes during the second one.
    for (name, acknowledged, expired) in [("SQS standard", 0, 4), ("SQS FIFO", 0, 4), ("NATS", 1, 0)] {
        let mut scenario = system(preset(name), vec![write(0.0, "k", 1)], 139_000.0);
        scenario.services[1].subscribes[0].processing = Latency::Constant { ms: 40_000.0 };
        let records = trace(&scenario);
        let late = count(&records, |fact| matches!(fact, Fact::AcknowledgementExpired { .. }));
        let ended = count(&records, |fact| matches!(fact, Fact::EventAcknowledged { .. }));
        assert_eq!((ended, late), (acknowledged, expired), "{name}");
    }
}

#[test]
fn sqs_receives_at_most_ten_messages_at_once_and_holds_a_receive_for_twenty_seconds() {
    let mut scenario = system(preset("SQS standard"), Vec::new(), 50_000.0);
    scenario.services[1].concurrency = 100;
    scenario.script = (0..25).map(|i| write(30_000.0, &format!("k{i}"), 1)).collect();
    let records = trace(&scenario);
    let polls: Vec<u64> = records
        .iter()
        .filter(|record| matches!(record.fact, Fact::MessageSent { kind: MessageKind::Poll, from, .. } if from == NodeId(1)))
        .map(|record| record.at / 1000)
        .collect();
    assert_eq!(polls[..2], [0, 20_000], "{polls:?}");
    assert_eq!(deliveries(&records), 25);
}
