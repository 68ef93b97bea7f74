//! Services and buses.

use super::{Adder, At, Field, Section, bus_ids, latency, service_ids};
use crate::scenario::{Acknowledge, Backoff, Effect, Order, Publication, Scenario, Subscription};
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
    sections.push(Section { title: "Clock".into(), fields: vec![offset, drift], ..Section::default() });
    for (j, call) in service.calls.iter().enumerate() {
        let at = at.to("calls").to(j);
        let others = service_ids(scenario).into_iter().filter(|id| *id != service.id).collect();
        let to =
            at.id("to", "Service", others, &call.to, "Called before a write commits; the write waits for its answer.");
        let timeout = at.number("timeout_ms", "Timeout", "ms", call.timeout_ms, "How long its answer is awaited.");
        sections.push(Section {
            title: format!("Calls {}", call.to),
            fields: vec![to, timeout],
            remove: Some(at.0),
            ..Section::default()
        });
    }
    for (j, publication) in service.publishes.iter().enumerate() {
        sections.push(published(scenario, &at.to("publishes").to(j), publication));
    }
    for (j, subscription) in service.subscribes.iter().enumerate() {
        sections.extend(subscribed(scenario, &at.to("subscribes").to(j), subscription));
    }
    sections
}

fn topic(scenario: &Scenario, at: &At, bus: &str, topic: Option<&str>) -> Field {
    let mut choices = vec![("the bus's first", Json::Null)];
    let bus = scenario.buses.iter().find(|other| other.id == bus);
    let topics = bus.map(|bus| bus.topics.as_slice()).unwrap_or_default();
    choices.extend(topics.iter().map(|topic| (topic.name.as_str(), Json::from(topic.name.as_str()))));
    at.choice("topic", "Topic", choices, topic.unwrap_or("the bus's first"), "Which topic of the bus.")
}

fn published(scenario: &Scenario, at: &At, publication: &Publication) -> Section {
    let retries = vec![("never", Json::Null), ("after a timeout", json!({ "timeout_ms": 500, "attempts": 5 }))];
    let chosen = if publication.retry.is_some() { "after a timeout" } else { "never" };
    let mut fields = vec![
        at.id("to", "Bus", bus_ids(scenario), &publication.to, "An event goes there after each commit."),
        topic(scenario, at, &publication.to, publication.topic.as_deref()),
        at.choice(
            "retry",
            "Publish again",
            retries,
            chosen,
            "Whether to publish again where the bus does not acknowledge.",
        ),
    ];
    if let Some(retry) = &publication.retry {
        let at = at.to("retry");
        fields.push(at.number(
            "timeout_ms",
            "Timeout",
            "ms",
            retry.timeout_ms,
            "How long the bus's acknowledgement is awaited.",
        ));
        fields.push(at.number(
            "attempts",
            "Attempts at most",
            "",
            retry.attempts,
            "How often the event is sent, the first time included.",
        ));
    }
    Section {
        title: format!("Publishes to {}", publication.to),
        fields,
        remove: Some(at.0.clone()),
        ..Section::default()
    }
}

fn subscribed(scenario: &Scenario, at: &At, subscription: &Subscription) -> Vec<Section> {
    let effects = vec![("set if newer", json!("set_if_newer")), ("overwrite", json!("overwrite"))];
    let effect = match subscription.effect {
        Effect::SetIfNewer => "set if newer",
        Effect::Overwrite => "overwrite",
    };
    let mut handling = vec![
        at.id("to", "Bus", bus_ids(scenario), &subscription.to, "Whose events it takes in."),
        topic(scenario, at, &subscription.to, subscription.topic.as_deref()),
        at.choice("effect", "Effect", effects, effect, "What handling an event does to the store."),
    ];
    handling.extend(latency::fields(at, "processing", "Processing time", &subscription.processing));
    handling.push(at.percent(
        "fails",
        "Fails",
        subscription.fails,
        "The chance that handling fails and leaves the store as it was.",
    ));
    let acks = vec![
        ("never", json!("never")),
        ("before processing", json!("before_processing")),
        ("after processing", json!("after_processing")),
    ];
    let ack = match subscription.acknowledge {
        Acknowledge::Never => "never",
        Acknowledge::BeforeProcessing => "before processing",
        Acknowledge::AfterProcessing => "after processing",
    };
    let backoffs = vec![
        ("none", json!("none")),
        ("fixed", json!({ "fixed": { "ms": 200 } })),
        ("exponential", json!({ "exponential": { "base_ms": 100, "cap_ms": 5000 } })),
    ];
    let help = "How long the bus waits before each further delivery.";
    let wait = at.to("backoff");
    let (backoff, waits) = match &subscription.backoff {
        Backoff::None => ("none", Vec::new()),
        Backoff::Fixed { ms } => ("fixed", vec![wait.to("fixed").number("ms", "Wait", "ms", *ms, help)]),
        Backoff::Exponential { base_ms, cap_ms } => {
            let wait = wait.to("exponential");
            let base = wait.number("base_ms", "First wait", "ms", *base_ms, "It doubles each time.");
            ("exponential", vec![base, wait.number("cap_ms", "Longest wait", "ms", *cap_ms, "It doubles up to this.")])
        }
    };
    let orders = vec![("none", json!("none")), ("FIFO per key", json!("fifo_per_key"))];
    let order = match subscription.order {
        Order::None => "none",
        Order::FifoPerKey => "FIFO per key",
    };
    let most = subscription.max_deliveries.map(f64::from);
    let mut delivery = vec![
        at.choice("acknowledge", "Acknowledge", acks, ack, "When the consumer tells the bus that it has the event."),
        at.number(
            "ack_deadline_ms",
            "Ack deadline",
            "ms",
            subscription.ack_deadline_ms,
            "Without acknowledgement by then the bus delivers again (SQS: visibility timeout).",
        ),
        at.optional("max_deliveries", "Deliveries at most", "", most, "The first included; empty is without end."),
        at.choice("backoff", "Backoff", backoffs, backoff, help),
    ];
    delivery.extend(waits);
    delivery.push(at.toggle(
        "dead_letter",
        "Dead-letter queue",
        subscription.dead_letter,
        "Keep events that used up their deliveries; else they are discarded.",
    ));
    delivery.push(at.choice("order", "Order", orders, order, "In which order events reach the consumer."));
    delivery.push(at.number(
        "max_in_flight",
        "In flight at most",
        "",
        subscription.max_in_flight,
        "How many deliveries may be unacknowledged at once.",
    ));
    vec![
        Section {
            title: format!("Handles events of {}", subscription.to),
            fields: handling,
            remove: Some(at.0.clone()),
            ..Section::default()
        },
        Section { title: "Subscription".into(), fields: delivery, ..Section::default() },
    ]
}

/// A bus.
pub(super) fn bus(scenario: &Scenario, i: usize) -> Vec<Section> {
    let bus = &scenario.buses[i];
    let at = At::new(&["buses"]).to(i);
    let topics = at.to("topics");
    let next = format!("topic-{}", bus.topics.len() + 1);
    let mut sections = vec![Section {
        title: "Event bus".into(),
        fields: identity(&at, &bus.name, bus.position),
        remove: None,
        adders: vec![topics.adder("Add topic", json!({ "name": next }))],
    }];
    for (j, topic) in bus.topics.iter().enumerate() {
        let at = topics.to(j);
        let name = at.text("name", "Name", &topic.name, "Unique in its bus.");
        let partitions = at.number(
            "partitions",
            "Partitions",
            "",
            topic.partitions,
            "An event goes to the one that its key's hash names.",
        );
        sections.push(Section {
            title: format!("Topic {}", topic.name),
            fields: vec![name, partitions],
            remove: Some(at.0),
            ..Section::default()
        });
    }
    sections
}
