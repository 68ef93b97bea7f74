//! Fields of event buses.

use super::{FieldsAt, Section, identity, latency};
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{self, PRESETS};
use crate::scenario::{Bus, CommitRule, Scenario};
use crate::text;
use serde_json::{Value as Json, json};

/// Returns the sections of a bus.
pub(super) fn sections(scenario: &Scenario, i: usize) -> Vec<Section> {
    let bus = &scenario.buses[i];
    let at = FieldsAt::new(&["buses"]).to(i);
    let topics = at.to("topics");
    let next = format!("topic-{}", bus.topics.len() + 1);
    let mut sections = vec![Section {
        title: text!("Event bus").into(),
        fields: identity::fields(&at, &bus.name, bus.position)
            .into_iter()
            .chain([
                at.number(
                    "flush_ms",
                    text!("Flush"),
                    "ms",
                    bus.flush_ms,
                    text!("How long a received event is not yet on disk."),
                ),
                at.toggle(
                    "acknowledges_flushed",
                    text!("Acknowledges when flushed"),
                    bus.acknowledges_flushed,
                    text!("Acknowledges an event after it is flushed; otherwise at once."),
                ),
            ])
            .collect(),
        remove: None,
        adders: vec![topics.adder(text!("Add topic"), json!({ "name": next }))],
    }];
    sections.push(replication(&at, bus));
    for (j, topic) in bus.topics.iter().enumerate() {
        let at = topics.to(j);
        let mut values = vec![(super::CUSTOM.get(), to_json(topic))];
        values.extend(PRESETS.iter().map(|preset| (preset.name, to_json(&preset.topic(topic)))));
        let preset = presets::of_topic(topic);
        let help = text!("The defaults of a real system for deduplication and retention.");
        let preset = at.whole(text!("Preset"), values, preset.map_or(super::CUSTOM.get(), |preset| preset.name), help);
        let name = at.text("name", text!("Name"), &topic.name, text!("A name that is unique in the bus."));
        let partitions = at.number(
            "partitions",
            text!("Partitions"),
            "",
            topic.partitions,
            text!("How many partitions the topic has. The hash of the key selects the partition."),
        );
        let dedup = at.optional(
            "dedup_ms",
            text!("Deduplication"),
            "ms",
            topic.dedup_ms,
            text!("A second publication of an event within this time is ignored; empty: no deduplication."),
        );
        let retention = at.optional(
            "retention_ms",
            text!("Retention"),
            "ms",
            topic.retention_ms,
            text!("How long an event is kept; empty: for ever."),
        );
        sections.push(Section {
            title: text!("Topic {}", topic.name),
            fields: vec![preset, name, partitions, dedup, retention],
            remove: Some(at.0),
            ..Section::default()
        });
    }
    sections
}

/// Returns the section of a bus's brokers.
fn replication(at: &FieldsAt, bus: &Bus) -> Section {
    let mut values: Vec<(&str, Json)> = PRESETS
        .iter()
        .filter_map(|preset| Some((preset.name, to_json(&preset.replication(bus.replication.as_ref())?))))
        .collect();
    values.push((super::CUSTOM.get(), bus.replication.as_ref().map_or(Json::Null, to_json)));
    let preset = bus.replication.as_ref().and_then(presets::of_replication);
    let replication_at = at.to("replication");
    let choices = vec![(text!("one broker"), Json::Null), (text!("replicated"), json!({ "replicas": 3 }))];
    let chosen = if bus.replication.is_some() { text!("replicated") } else { text!("one broker") };
    let help = text!("One broker, or a leader with followers that replicate the events.");
    let mut fields = vec![at.choice("replication", text!("Brokers"), choices, chosen, help)];
    if let Some(replication) = &bus.replication {
        fields.push(replication_at.imitates(values, preset.map(|preset| (preset.name, preset.leaves_out))));
        fields.push(replication_at.number(
            "replicas",
            text!("Replicas"),
            "",
            replication.replicas,
            text!("How many brokers, including the leader (Kafka: replication.factor)."),
        ));
        fields.extend(latency::fields(&replication_at, "latency", text!("To a follower"), &replication.latency));
        fields.push(replication_at.number(
            "session_ms",
            text!("Broker timeout"),
            "ms",
            replication.session_ms,
            text!("How long a broker is down before another becomes the leader, or before it is out of sync (Kafka: broker.session.timeout.ms)."),
        ));
        let rules = vec![(text!("all in sync"), json!({ "in_sync": {} })), (text!("a majority"), json!("majority"))];
        let rule = match &replication.commit {
            CommitRule::InSync(_) => text!("all in sync"),
            CommitRule::Majority => text!("a majority"),
        };
        let help = text!(
            "Which brokers must store an event before it is committed and delivered: all in sync (Kafka), or a majority \
                    (RabbitMQ quorum queues, JetStream)."
        );
        fields.push(replication_at.choice("commit", text!("Committed by"), rules, rule, help));
        if let CommitRule::InSync(in_sync) = &replication.commit {
            let in_sync_at = replication_at.to("commit").to("in_sync");
            fields.push(in_sync_at.number(
                "min_insync",
                text!("In sync at least"),
                "",
                in_sync.min_insync,
                text!("With fewer brokers in sync, publications with acks “all in sync” are refused (Kafka: min.insync.replicas)."),
            ));
            fields.push(in_sync_at.number(
                "lag_ms",
                text!("Lag at most"),
                "ms",
                in_sync.lag_ms,
                text!("A follower that lags for this time is out of sync (Kafka: replica.lag.time.max.ms)."),
            ));
            fields.push(in_sync_at.toggle(
                "unclean_election",
                text!("Unclean election"),
                in_sync.unclean_election,
                text!("If no broker in sync is up, another becomes the leader and events may be lost (Kafka: unclean.leader.election.enable)."),
            ));
        }
    }
    Section { title: text!("Brokers").into(), fields, ..Section::default() }
}
