//! Fields of services and buses.

use super::{AddButton, Field, FieldKind, FieldsAt, Section, latency, messaging};
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{self, PRESETS};
use crate::scenario::{Bus, Commit, CommitRule, Scenario, Service};
use serde_json::{Value as Json, json};

/// Returns the fields of a node's name and position.
pub(super) fn identity(at: &FieldsAt, name: &str, position: Option<[i32; 2]>) -> Vec<Field> {
    let mut fields = vec![at.text("name", "Name", name, "The name on the page; empty: the id.")];
    if let Some([x, y]) = position {
        let at = at.to("position");
        fields.push(at.number("0", "Left", "", x, "The left edge of its card."));
        fields.push(at.number("1", "Top", "", y, "The upper edge of its card."));
    }
    fields
}

/// Returns the sections of a service.
pub(super) fn service(scenario: &Scenario, i: usize) -> Vec<Section> {
    let service = &scenario.services[i];
    let at = FieldsAt::new(&["services"]).to(i);
    let mut sections = vec![Section {
        title: "Service".into(),
        fields: identity(&at, &service.name, service.position),
        ..Section::default()
    }];
    let data = at.to("data");
    let rows = service.data.iter().map(|(key, value)| {
        data.value(key, key, value, "The value at the start, which is version 1: a whole number, a text, or {a, b}.")
    });
    sections.push(Section {
        title: "Data at the start".into(),
        fields: rows.collect(),
        remove: None,
        adders: vec![AddButton {
            label: "Add key".into(),
            path: data.0.clone(),
            item: json!(0),
            asks_name: Some("New key"),
        }],
    });
    for key in service.data.keys() {
        // Each row has its own remove button.
        sections.push(Section { title: format!("Remove {key}"), remove: Some(data.to(key).0), ..Section::default() });
    }
    let mut work = latency::fields(&at, "service_time", "Service time", &service.service_time);
    work.push(at.number(
        "concurrency",
        "Workers",
        "",
        service.concurrency,
        "How many requests and events are processed at once.",
    ));
    work.push(at.number("queue", "Queue", "", service.queue, "How many more may wait. Others are refused."));
    sections.push(Section { title: "Work".into(), fields: work, ..Section::default() });
    let clock = at.to("clock");
    let offset =
        clock.number("offset_ms", "Offset", "ms", service.clock.offset_ms, "How far its clock is ahead of real time.");
    let drift = clock.number("drift_ppm", "Drift", "ppm", service.clock.drift_ppm, "How much too fast its clock runs.");
    let help = "The standard deviation of an additional random offset in each run.";
    let spread = clock.number("offset_sd_ms", "Offset spread", "ms", service.clock.offset_sd_ms, help);
    sections.push(Section { title: "Clock".into(), fields: vec![offset, drift, spread], ..Section::default() });
    if !service.calls.is_empty() {
        let kinds = vec![("one by one", json!("one_by_one")), ("two-phase commit", json!("two_phase"))];
        let (chosen, help) = match service.commit {
            Commit::OneByOne => ("one by one", "A failure between commits leaves some of them committed."),
            Commit::TwoPhase => (
                "two-phase commit",
                "All or none commit. A participant that has voted yes keeps its locks until the decision.",
            ),
        };
        let mut fields = vec![at.choice("commit", "With called services", kinds, chosen, help)];
        let called = |id: &str| service.calls.iter().any(|call| call.to == id);
        let unfit = |other: &Service| called(&other.id) && (other.publishes_early() || !other.calls.is_empty());
        let alone = service.publishes_early() || scenario.services.iter().any(unfit);
        leave_out(&mut fields, |label| alone && label == "two-phase commit");
        sections.push(Section { title: "Commit".into(), fields, ..Section::default() });
    }
    for (j, call) in service.calls.iter().enumerate() {
        let at = at.to("calls").to(j);
        let grouped = |id: &String| scenario.groups.iter().any(|group| group.members.contains(id));
        let fit = |other: &&Service| {
            let simple = other.calls.is_empty() && !other.publishes_early();
            other.id != service.id && !grouped(&other.id) && (simple || !service.is_coordinator())
        };
        let others = scenario.services.iter().filter(fit).map(|other| other.id.clone()).collect();
        let to = at.id(
            "to",
            "Service",
            others,
            &call.to,
            "The service that is called before a write commits. The write waits for its reply.",
        );
        let timeout = at.number("timeout_ms", "Timeout", "ms", call.timeout_ms, "How long to wait for the reply.");
        sections.push(Section {
            title: format!("Calls {}", call.to),
            fields: vec![to, timeout],
            remove: Some(at.0.clone()),
            ..Section::default()
        });
        match &call.operation {
            Some(operation) => {
                let mut fields = super::operation::fields(&at, "do", operation);
                leave_out(&mut fields, |label| ["read", "delete"].contains(&label));
                let (title, remove) = (format!("What {} writes", call.to), Some(at.to("do").0));
                sections.push(Section { title, fields, remove, ..Section::default() });
            }
            None => {
                let own = json!({ "increment": { "key": "count", "by": 1 } });
                let kinds = vec![("the same", Json::Null), ("its own write", own)];
                let help = "What it commits: the same write as its caller, or another one.";
                let fields = vec![at.choice("do", "Writes", kinds, "the same", help)];
                sections.push(Section { title: format!("What {} writes", call.to), fields, ..Section::default() });
            }
        }
    }
    let mut events = Vec::new();
    for (j, publication) in service.publishes.iter().enumerate() {
        events.push(messaging::published(scenario, &at.to("publishes").to(j), publication));
    }
    for (j, subscription) in service.subscribes.iter().enumerate() {
        events.extend(messaging::subscribed(scenario, &at.to("subscribes").to(j), subscription));
    }
    // Choices that are invalid for a participant of a transaction or a member of a group are not offered.
    let calls = |other: &Service| other.calls.iter().any(|call| call.to == service.id);
    let takes_part = |other: &Service| other.is_coordinator() && (other.id == service.id || calls(other));
    if scenario.services.iter().any(takes_part) {
        let fields = events.iter_mut().flat_map(|section| &mut section.fields);
        fields.for_each(|field| leave_out(std::slice::from_mut(field), |label| label == "before commit"));
    }
    if let Some(group) = scenario.groups.iter().find(|group| group.members.contains(&service.id)) {
        let ordered = group.orders_writes();
        for field in events.iter_mut().flat_map(|section| &mut section.fields) {
            let inbox = field.path.last().is_some_and(|last| last == "inbox");
            leave_out(std::slice::from_mut(field), |label| match label {
                "before commit" => true,
                "outbox" | "increment" => !ordered,
                label => inbox && label == "yes" && !ordered,
            });
        }
    }
    sections.append(&mut events);
    sections
}

/// Removes choices, except the current one.
fn leave_out(fields: &mut [Field], unfit: impl Fn(&str) -> bool) {
    for field in fields {
        if let FieldKind::Choice(choices) = &mut field.kind {
            choices.retain(|(label, _)| *label == field.text || !unfit(label));
        }
    }
}

/// Returns the sections of a bus.
pub(super) fn bus(scenario: &Scenario, i: usize) -> Vec<Section> {
    let bus = &scenario.buses[i];
    let at = FieldsAt::new(&["buses"]).to(i);
    let topics = at.to("topics");
    let next = format!("topic-{}", bus.topics.len() + 1);
    let mut sections = vec![Section {
        title: "Event bus".into(),
        fields: identity(&at, &bus.name, bus.position)
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
        let preset = at.whole("Imitates", imitates, preset.map_or(super::CUSTOM, |preset| preset.name), help);
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
    imitates.push((super::CUSTOM, bus.replication.as_ref().map_or(Json::Null, |it| to_json(it))));
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
