//! Fields of event buses.

use super::{FieldsAt, Section, identity, latency};
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{self, PRESETS};
use crate::scenario::{Bus, CommitRule, Scenario};
use serde_json::{Value as Json, json};

/// Returns the sections of a bus.
pub(super) fn sections(scenario: &Scenario, i: usize) -> Vec<Section> {
    let bus = &scenario.buses[i];
    let at = FieldsAt::new(&["buses"]).to(i);
    let topics = at.to("topics");
    let next = format!("topic-{}", bus.topics.len() + 1);
    let mut sections = vec![Section {
        title: "Event bus".into(),
        fields: identity::fields(&at, &bus.name, bus.position)
            .into_iter()
            .chain([
                at.number("flush_ms", "Flush", "ms", bus.flush_ms, "How long a received event is not yet on disk."),
                at.toggle(
                    "acknowledges_flushed",
                    "Acknowledges when flushed",
                    bus.acknowledges_flushed,
                    "Acknowledges an event after it is flushed; otherwise at once.",
                ),
            ])
            .collect(),
        remove: None,
        adders: vec![topics.adder("Add topic", json!({ "name": next }))],
    }];
    sections.push(replication(&at, bus));
    for (j, topic) in bus.topics.iter().enumerate() {
        let at = topics.to(j);
        let mut imitates = vec![(super::CUSTOM, to_json(topic))];
        imitates.extend(PRESETS.iter().map(|preset| (preset.name, to_json(&preset.topic(topic)))));
        let preset = presets::of_topic(topic);
        let help = "The defaults of a real system for deduplication and retention.";
        let preset = at.whole("Preset", imitates, preset.map_or(super::CUSTOM, |preset| preset.name), help);
        let name = at.text("name", "Name", &topic.name, "A name that is unique in the bus.");
        let partitions = at.number(
            "partitions",
            "Partitions",
            "",
            topic.partitions,
            "How many partitions the topic has. The hash of the key selects the partition.",
        );
        let dedup = at.optional(
            "dedup_ms",
            "Deduplication",
            "ms",
            topic.dedup_ms,
            "A second publication of an event within this time is ignored; empty: no deduplication.",
        );
        let retention = at.optional(
            "retention_ms",
            "Retention",
            "ms",
            topic.retention_ms,
            "How long an event is kept; empty: for ever.",
        );
        sections.push(Section {
            title: format!("Topic {}", topic.name),
            fields: vec![preset, name, partitions, dedup, retention],
            remove: Some(at.0),
            ..Section::default()
        });
    }
    sections
}

/// Returns the section of a bus's brokers.
fn replication(at: &FieldsAt, bus: &Bus) -> Section {
    let mut imitates: Vec<(&str, Json)> = PRESETS
        .iter()
        .filter_map(|preset| Some((preset.name, to_json(&preset.replication(bus.replication.as_ref())?))))
        .collect();
    imitates.push((super::CUSTOM, bus.replication.as_ref().map_or(Json::Null, to_json)));
    let preset = bus.replication.as_ref().and_then(presets::of_replication);
    let place = at.to("replication");
    let choices = vec![("one broker", Json::Null), ("replicated", json!({ "replicas": 3 }))];
    let chosen = if bus.replication.is_some() { "replicated" } else { "one broker" };
    let help = "One broker, or a leader with followers that replicate the events.";
    let mut fields = vec![at.choice("replication", "Brokers", choices, chosen, help)];
    if let Some(replication) = &bus.replication {
        fields.push(place.imitates(imitates, preset.map(|preset| (preset.name, preset.leaves_out))));
        fields.push(place.number(
            "replicas",
            "Replicas",
            "",
            replication.replicas,
            "How many brokers, including the leader (Kafka: replication.factor).",
        ));
        fields.extend(latency::fields(&place, "latency", "To a follower", &replication.latency));
        fields.push(place.number(
            "session_ms",
            "Broker timeout",
            "ms",
            replication.session_ms,
            "How long a broker is down before another becomes the leader, or before it is out of sync (Kafka: broker.session.timeout.ms).",
        ));
        let rules = vec![("all in sync", json!({ "in_sync": {} })), ("a majority", json!("majority"))];
        let rule = match &replication.commit {
            CommitRule::InSync(_) => "all in sync",
            CommitRule::Majority => "a majority",
        };
        let help = "Which brokers must store an event before it is committed and delivered: all in sync (Kafka), or a majority \
                    (RabbitMQ quorum queues, JetStream).";
        fields.push(place.choice("commit", "Committed by", rules, rule, help));
        if let CommitRule::InSync(in_sync) = &replication.commit {
            let place = place.to("commit").to("in_sync");
            fields.push(place.number(
                "min_insync",
                "In sync at least",
                "",
                in_sync.min_insync,
                "With fewer brokers in sync, publications with acks “all in sync” are refused (Kafka: min.insync.replicas).",
            ));
            fields.push(place.number(
                "lag_ms",
                "Lag at most",
                "ms",
                in_sync.lag_ms,
                "A follower that lags for this time is out of sync (Kafka: replica.lag.time.max.ms).",
            ));
            fields.push(place.toggle(
                "unclean_election",
                "Unclean election",
                in_sync.unclean_election,
                "If no broker in sync is up, another becomes the leader and events may be lost (Kafka: unclean.leader.election.enable).",
            ));
        }
    }
    Section { title: "Brokers".into(), fields, ..Section::default() }
}
