//! The defaults of each preset: one test for each cell of the table of real systems that `tests/presets.rs` does not cover.

use crate::common::runs::run_with_facts;
use crate::common::scenarios::{constant, crash, cut, operate, write};
use converge::scenario::presets::{PRESETS, Preset, STORES, published};
use converge::scenario::{
    Acknowledge, Acks, AntiEntropy, Attachment, Bus, CommitRule, Connection, Data, Group, LateAcknowledgement, Latency,
    Limit, OnFailure, Order, Polling, Protocol, Publication, Quorum, ReadRepair, Scenario, Service, Step, Subscription,
    Topic, VersionClock,
};
use converge::trace::{Fact, MessageKind, Outcome};

const MINUTE: f64 = 60_000.0;
const DAY: f64 = 1440.0 * MINUTE;

fn preset(name: &str) -> &'static Preset {
    PRESETS.iter().find(|preset| preset.name.starts_with(name)).unwrap_or_else(|| panic!("no preset {name}"))
}

/// A writer, a bus with a preset, and a consumer, all without delays.
fn system(name: &str, script: Vec<Step>, until_ms: f64) -> Scenario {
    let preset = preset(name);
    let like = Subscription { to: "bus".into(), processing: constant(0.0), ..Subscription::default() };
    let publication = preset.publication(&Publication { to: "bus".into(), ..Publication::default() });
    let topic = Topic { name: "t".into(), ..Topic::default() };
    Scenario {
        default_latency: constant(0.0),
        until_ms,
        services: vec![
            Service { publishes: vec![publication], ..crate::common::scenarios::service("writer", 0.0) },
            Service {
                subscribes: vec![preset.subscription(&like)],
                ..crate::common::scenarios::service("reader", 0.0)
            },
        ],
        buses: vec![Bus { id: "bus".into(), topics: vec![preset.topic(&topic)], ..Bus::default() }],
        script,
        ..Scenario::default()
    }
}

/// The times of the matching facts, ms.
fn times(facts: &[(u64, Fact)], is: impl Fn(&Fact) -> bool) -> Vec<u64> {
    facts.iter().filter(|(_, fact)| is(fact)).map(|(at, _)| at / 1000).collect()
}

fn poison(at_ms: f64, key: &str) -> Step {
    let mut step = operate(at_ms, "writer", write(key, 13));
    if let converge::scenario::Command::Operate { poison, .. } = &mut step.command {
        *poison = true;
    }
    step
}

#[test]
fn each_messaging_preset_has_the_documented_values() {
    let of = |name: &str| {
        let like = Subscription { to: "bus".into(), ..Subscription::default() };
        let topic = Topic { name: "t".into(), ..Topic::default() };
        (preset(name).subscription(&like), preset(name).topic(&topic))
    };
    let polls = Attachment::Polling(Polling { batch: 10, wait_ms: 20_000.0, prefetch: 0 });
    for (name, order, late, dedup_ms, renews) in [
        ("SQS standard", Order::None, LateAcknowledgement::Ignore, None, false),
        ("SQS FIFO", Order::FifoPerKey, LateAcknowledgement::Refuse, Some(5.0 * MINUTE), true),
    ] {
        let (sqs, topic) = of(name);
        assert_eq!((sqs.ack_deadline_ms, sqs.order, sqs.dead_letter), (30_000.0, order, true), "{name}");
        assert_eq!((sqs.limit, sqs.dead_letter_renews_time), (Limit::Deliveries, renews), "{name}");
        assert_eq!((sqs.attachment(), sqs.late_acknowledgements()), (polls.clone(), late), "{name}");
        assert_eq!((sqs.after_failure(), sqs.max_in_flight), (OnFailure::Wait, 120_000), "{name}");
        assert_eq!((topic.dedup_ms, topic.retention_ms), (dedup_ms, Some(4.0 * DAY)), "{name}");
    }
    let (kafka, _) = of("Kafka");
    let session = kafka.session.as_ref().expect("a session");
    assert_eq!((session.timeout_ms, session.heartbeat_ms, session.max_poll_ms), (45_000.0, 3000.0, 300_000.0));
    assert_eq!((kafka.max_in_flight, kafka.commit_every_ms, kafka.dead_letter), (500, Some(5000.0), false));
    assert_eq!((kafka.order, kafka.acknowledge), (Order::Log, Acknowledge::AfterProcessing));
    let (rabbit, topic) = of("RabbitMQ");
    assert_eq!((rabbit.max_deliveries, rabbit.limit), (Some(20), Limit::Redeliveries));
    assert_eq!((rabbit.dead_letter, rabbit.ack_deadline_ms), (false, 30.0 * MINUTE));
    let channel = Connection { prefetch: None, heartbeat_ms: Some(MINUTE), requeue_on_close: true };
    assert_eq!(rabbit.attachment(), Attachment::Connection(channel));
    assert_eq!(rabbit.late_acknowledgements(), LateAcknowledgement::Refuse);
    assert_eq!((topic.dedup_ms, topic.retention_ms), (None, None));
    let (jetstream, topic) = of("NATS");
    assert_eq!((jetstream.ack_deadline_ms, jetstream.max_deliveries, jetstream.max_in_flight), (30_000.0, None, 1000));
    assert_eq!(jetstream.late_acknowledgements(), LateAcknowledgement::Accept);
    assert_eq!((jetstream.after_failure(), topic.dedup_ms), (OnFailure::Refuse, Some(2.0 * MINUTE)));
    let (redis, _) = of("Redis");
    assert_eq!((redis.acknowledge, redis.dead_letter), (Acknowledge::Never, false));
}

#[test]
fn a_kafka_broker_keeps_one_replica_and_waits_for_the_current_in_sync_set() {
    let replication = preset("Kafka").replication(None).expect("replication");
    let CommitRule::InSync(in_sync) = replication.commit else { panic!("{:?}", replication.commit) };
    assert_eq!((replication.replicas, in_sync.min_insync), (1, 1));
    assert_eq!((in_sync.lag_ms, in_sync.unclean_election), (30_000.0, false));
    let majority =
        |name: &str| preset(name).replication(None).map(|replication| replication.commit == CommitRule::Majority);
    assert_eq!((majority("RabbitMQ"), majority("NATS"), majority("SQS standard")), (Some(true), Some(true), None));
}

#[test]
fn sqs_standard_does_not_order_the_messages_of_a_key() {
    for (name, applied_at) in [("SQS standard", 1), ("SQS FIFO", 300_000)] {
        let scenario = system(name, vec![poison(0.0, "k"), operate(1.0, "writer", write("k", 2))], 1e6);
        let (_, facts) = run_with_facts(&scenario);
        let applied = times(&facts, |fact| matches!(fact, Fact::UpdateApplied { .. }));
        assert_eq!(applied, [applied_at], "{name}");
    }
}

#[test]
fn a_kafka_producer_sends_every_thirty_seconds_until_its_delivery_timeout_and_the_log_keeps_one_copy() {
    let mut scenario = system("Kafka", vec![cut(0.0, "bus", "writer", true)], 200_000.0);
    assert_eq!(scenario.services[0].publishes[0].acks, Acks::All);
    scenario.script.push(operate(1000.0, "writer", write("k", 1)));
    let (_, facts) = run_with_facts(&scenario);
    let sent = times(&facts, |fact| matches!(fact, Fact::MessageSent { kind: MessageKind::Publish, .. }));
    assert_eq!(sent, [1000, 31_000, 61_000, 91_000]);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::PublishAbandoned { .. })), [121_000]);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::EventPublished { .. })), [1000], "idempotence");
}

#[test]
fn a_kafka_log_has_no_dead_letter_queue_and_a_poison_message_blocks_its_partition() {
    let mut scenario = system("Kafka", vec![poison(0.0, "k"), operate(1.0, "writer", write("k", 2))], 2000.0);
    scenario.default_latency = constant(1.0);
    let (_, facts) = run_with_facts(&scenario);
    let gone = |fact: &Fact| matches!(fact, Fact::EventDeadLettered { .. } | Fact::EventDiscarded { .. });
    assert!(times(&facts, gone).is_empty());
    assert!(times(&facts, |fact| matches!(fact, Fact::UpdateApplied { .. })).is_empty());
}

#[test]
fn jetstream_deduplicates_for_two_minutes_and_delivers_a_thousand_unacknowledged_messages() {
    use converge::scenario::PublishRetry;
    for (again_after_s, deduplicated) in [(119.0, 1), (121.0, 0)] {
        let mut scenario = system("NATS", vec![cut(0.0, "bus", "writer", true)], 1e6);
        scenario.script.push(operate(0.0, "writer", write("k", 1)));
        let retry = PublishRetry { timeout_ms: again_after_s * 1000.0, attempts: 2 };
        scenario.services[0].publishes[0].retry = Some(retry);
        let (_, facts) = run_with_facts(&scenario);
        let hits = times(&facts, |fact| matches!(fact, Fact::EventDeduplicated { .. }));
        assert_eq!(hits.len(), deduplicated, "again after {again_after_s} s");
    }
    let script = (0..1100).map(|i| operate(1.0, "writer", write(&format!("k{i}"), 1))).collect();
    let mut scenario = system("NATS", script, 5000.0);
    scenario.services[1].subscribes[0].processing = constant(20_000.0);
    scenario.services[1].queue = 10_000;
    let (_, facts) = run_with_facts(&scenario);
    assert_eq!(times(&facts, |fact| matches!(fact, Fact::EventSent { .. })).len(), 1000);
}

/// A group with the defaults of a store.
fn group(name: &str, members: usize) -> Group {
    let members = crate::common::scenarios::replicas(members);
    let store = STORES.iter().find(|store| store.name == name).unwrap_or_else(|| panic!("no store {name}"));
    store.group(&Group { id: "g".into(), members, ..Group::default() })
}

fn quorum(group: &Group) -> &Quorum {
    let Protocol::Quorum(quorum) = &group.protocol else { panic!("{:?}", group.protocol) };
    quorum
}

/// Writes a key through the first member while others are down, and returns how that ended, with the facts.
fn write_without(name: &str, members: usize, down: &[usize]) -> (Vec<Outcome>, Vec<(u64, Fact)>) {
    let group = group(name, members);
    let services = group.members.iter().map(|id| crate::common::scenarios::service(id, 0.0)).collect();
    let crashes = down.iter().map(|at| crash(0.0, &crate::common::scenarios::replica(*at)));
    let scenario = Scenario {
        default_latency: constant(1.0),
        until_ms: 20_000.0,
        services,
        groups: vec![group],
        script: crashes.chain([operate(1000.0, "r1", write("k", 1))]).collect(),
        ..Scenario::default()
    };
    let (_, facts) = run_with_facts(&scenario);
    let ended = facts.iter().filter_map(|(_, fact)| match fact {
        Fact::OperationEnded { outcome, .. } => Some(*outcome),
        _ => None,
    });
    (ended.collect(), facts)
}

#[test]
fn a_cassandra_hint_is_stored_after_the_write_timeout_and_never_counts_to_the_consistency_level() {
    let (ended, facts) = write_without("Cassandra 5, QUORUM", 3, &[1, 2]);
    assert!(!ended.contains(&Outcome::Ok), "{ended:?}");
    let hints = times(&facts, |fact| matches!(fact, Fact::HintStored { .. }));
    assert!(hints.len() == 2 && hints.iter().all(|at| (3000..3010).contains(at)), "{hints:?}");
    assert_eq!(write_without("Cassandra 5, ONE", 3, &[1, 2]).0, [Outcome::Ok]);
    assert!(!write_without("Cassandra 5, ALL", 3, &[2]).0.contains(&Outcome::Ok));
}

#[test]
fn a_hint_at_a_stand_in_counts_to_w_in_dynamo() {
    assert_eq!(write_without("Dynamo (2007)", 5, &[1, 2]).0, [Outcome::Ok]);
    let group = group("Dynamo (2007)", 5);
    let quorum = quorum(&group);
    assert_eq!((quorum.replicas, quorum.read, quorum.write, quorum.sloppy), (Some(3), 2, 2, true));
}

#[test]
fn riak_asks_majorities_of_three_keeps_siblings_and_repairs_by_hash_trees() {
    let group = group("Riak KV 3", 3);
    let quorum = quorum(&group);
    assert_eq!((&group.data, quorum.read, quorum.write), (&Data::MultiValue, 2, 2));
    assert!(matches!(quorum.anti_entropy, Some(AntiEntropy { .. })) && quorum.hints.is_some());
    assert_eq!(quorum.read_repair, ReadRepair::Async);
}

#[test]
fn a_global_table_reads_and_writes_one_region_and_the_last_writer_wins() {
    let group = group("DynamoDB global table (MREC)", 3);
    assert_eq!(group.data, Data::Register { clock: VersionClock::Wall });
    assert_eq!((quorum(&group).read, quorum(&group).write), (1, 1));
    assert_eq!(write_without("DynamoDB global table (MREC)", 3, &[1, 2]).0, [Outcome::Ok]);
}

#[test]
fn published_latencies_have_the_published_quantiles() {
    let of = |name: &str| {
        let found = published().into_iter().find(|(of, _)| of.starts_with(name));
        found.unwrap_or_else(|| panic!("no latency {name}")).1
    };
    let Latency::Exponential { mean_ms } = of("Netflix EVCache") else { panic!("exponential") };
    assert!((1.0 - libm::exp(-400.0 / mean_ms) - 0.99).abs() < 1e-4, "99 % within 400 ms");
    assert!(matches!(of("Netflix Cassandra"), Latency::Uniform { high_ms, .. } if high_ms <= 500.0));
    assert_eq!(of("LinkedIn Kafka"), Latency::Exponential { mean_ms: 10_000.0 });
    assert!(matches!(of("LinkedIn Databus"), Latency::Exponential { mean_ms } if mean_ms < 10.0));
}

#[test]
fn every_preset_names_what_it_does_not_model() {
    assert!(PRESETS.iter().all(|preset| preset.leaves_out.len() > 40));
    assert!(STORES.iter().all(|store| store.leaves_out.len() > 40));
}
