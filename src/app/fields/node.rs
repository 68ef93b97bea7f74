//! Services and buses.

use super::{Adder, At, Field, Kind, Section, latency, messaging};
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{self, PRESETS};
use crate::scenario::{Commit, Scenario, Service};
use serde_json::{Value as Json, json};

pub(super) fn identity(at: &At, name: &str, position: Option<[i32; 2]>) -> Vec<Field> {
    let mut fields = vec![at.text("name", "Name", name, "What people see; the id where it is empty.")];
    if let Some([x, y]) = position {
        let at = at.to("position");
        fields.push(at.number("0", "Left", "", x, "Where its card stands."));
        fields.push(at.number("1", "Top", "", y, "Where its card stands."));
    }
    fields
}

/// A service.
pub(super) fn service(scenario: &Scenario, i: usize) -> Vec<Section> {
    let service = &scenario.services[i];
    let at = At::new(&["services"]).to(i);
    let mut sections = vec![Section {
        title: "Service".into(),
        fields: identity(&at, &service.name, service.position),
        ..Section::default()
    }];
    let data = at.to("data");
    let rows = service.data.iter().map(|(key, value)| {
        data.value(
            key,
            key,
            value,
            "What the store holds at the start, as version 1: a whole number, a text, or {a, b}.",
        )
    });
    sections.push(Section {
        title: "Data at the start".into(),
        fields: rows.collect(),
        remove: None,
        adders: vec![Adder {
            label: "Add key".into(),
            path: data.0.clone(),
            item: json!(0),
            asks_name: Some("New key"),
        }],
    });
    for key in service.data.keys() {
        // A row is taken out by itself.
        sections.push(Section { title: format!("Remove {key}"), remove: Some(data.to(key).0), ..Section::default() });
    }
    let mut work = latency::fields(&at, "service_time", "Service time", &service.service_time);
    work.push(at.number(
        "concurrency",
        "Workers",
        "",
        service.concurrency,
        "How many requests and events are worked on at once.",
    ));
    work.push(at.number("queue", "Queue", "", service.queue, "How many more may wait; those beyond are refused."));
    sections.push(Section { title: "Work".into(), fields: work, ..Section::default() });
    let clock = at.to("clock");
    let offset =
        clock.number("offset_ms", "Offset", "ms", service.clock.offset_ms, "How far its clock is ahead of true time.");
    let drift = clock.number("drift_ppm", "Drift", "ppm", service.clock.drift_ppm, "How much too fast its clock runs.");
    let help = "A further offset, by chance in each run: the standard deviation.";
    let spread = clock.number("offset_sd_ms", "Offset spread", "ms", service.clock.offset_sd_ms, help);
    sections.push(Section { title: "Clock".into(), fields: vec![offset, drift, spread], ..Section::default() });
    if !service.calls.is_empty() {
        let kinds = vec![("one by one", json!("one_by_one")), ("two-phase commit", json!("two_phase"))];
        let (chosen, help) = match service.commit {
            Commit::OneByOne => ("one by one", "A failure between leaves what some have committed already."),
            Commit::TwoPhase => ("two-phase commit", "All or none; who has promised waits, locked, for the decision."),
        };
        let mut fields = vec![at.choice("commit", "With those it calls", kinds, chosen, help)];
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
        let to =
            at.id("to", "Service", others, &call.to, "Called before a write commits; the write waits for its answer.");
        let timeout = at.number("timeout_ms", "Timeout", "ms", call.timeout_ms, "How long its answer is awaited.");
        sections.push(Section {
            title: format!("Calls {}", call.to),
            fields: vec![to, timeout],
            remove: Some(at.0.clone()),
            ..Section::default()
        });
        match &call.operation {
            Some(operation) => {
                let mut fields = super::client::operation(&at, "do", operation);
                leave_out(&mut fields, |label| ["read", "delete"].contains(&label));
                let (title, remove) = (format!("What {} writes", call.to), Some(at.to("do").0));
                sections.push(Section { title, fields, remove, ..Section::default() });
            }
            None => {
                let own = json!({ "increment": { "key": "count", "by": 1 } });
                let kinds = vec![("the same", Json::Null), ("of its own", own)];
                let help = "What it commits: what its caller writes, or a key of its own.";
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
    // What has no meaning for a participant of a transaction, or a member of a group, is not offered.
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

/// Takes choices out, but for what is chosen.
fn leave_out(fields: &mut [Field], unfit: impl Fn(&str) -> bool) {
    for field in fields {
        if let Kind::Choice(choices) = &mut field.kind {
            choices.retain(|(label, _)| *label == field.text || !unfit(label));
        }
    }
}

/// A bus.
pub(super) fn bus(scenario: &Scenario, i: usize) -> Vec<Section> {
    let bus = &scenario.buses[i];
    let at = At::new(&["buses"]).to(i);
    let topics = at.to("topics");
    let next = format!("topic-{}", bus.topics.len() + 1);
    let mut sections = vec![Section {
        title: "Event bus".into(),
        fields: identity(&at, &bus.name, bus.position)
            .into_iter()
            .chain([
                at.number(
                    "flush_ms",
                    "Flush",
                    "ms",
                    bus.flush_ms,
                    "How long what it took in is not yet safe on disk or at a replica.",
                ),
                at.toggle(
                    "acknowledges_flushed",
                    "Acknowledges when safe",
                    bus.acknowledges_flushed,
                    "The publisher is told only when its event is safe; else at once.",
                ),
            ])
            .collect(),
        remove: None,
        adders: vec![topics.adder("Add topic", json!({ "name": next }))],
    }];
    for (j, topic) in bus.topics.iter().enumerate() {
        let at = topics.to(j);
        let mut imitates = vec![("its own", to_json(topic))];
        imitates.extend(PRESETS.iter().map(|preset| (preset.name, to_json(&preset.topic(topic)))));
        let preset = presets::of_topic(topic);
        let help = "What a real system keeps by default: its window of deduplication, its retention.";
        let preset = at.whole("Imitates", imitates, preset.map_or("its own", |preset| preset.name), help);
        let name = at.text("name", "Name", &topic.name, "Unique in its bus.");
        let partitions = at.number(
            "partitions",
            "Partitions",
            "",
            topic.partitions,
            "An event goes to the one that its key's hash names.",
        );
        let dedup = at.optional(
            "dedup_ms",
            "Deduplication",
            "ms",
            topic.dedup_ms,
            "An event that was published before within this time is not queued again; empty is none.",
        );
        let retention = at.optional(
            "retention_ms",
            "Retention",
            "ms",
            topic.retention_ms,
            "How long an event is kept at most; empty is without end.",
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
