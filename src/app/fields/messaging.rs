//! Fields of publications and subscriptions.

use super::{Field, FieldsAt, Section, bus_ids, labelled, latency};
use crate::app::drawing;
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{self, PRESETS, PRODUCERS};
use crate::scenario::{
    Acknowledge, Acks, Attachment, Backoff, Effect, LateAcknowledgement, Limit, OnFailure, Order, Publication,
    PublishMode, ReaderSession, Scenario, Service, Subscription,
};
use crate::text;
use serde_json::{Value as Json, json};

fn topic(scenario: &Scenario, at: &FieldsAt, bus: &str, topic: Option<&str>) -> Field {
    let mut choices = vec![(text!("default topic"), Json::Null)];
    let bus = scenario.buses.iter().find(|other| other.id == bus);
    let topics = bus.map(|bus| bus.topics.as_slice()).unwrap_or_default();
    choices.extend(topics.iter().map(|topic| (topic.name.as_str(), Json::from(topic.name.as_str()))));
    at.choice("topic", text!("Topic"), choices, topic.unwrap_or(text!("default topic")), text!("The topic of the bus."))
}

/// Returns the section of a publication.
pub(super) fn published(scenario: &Scenario, at: &FieldsAt, publication: &Publication) -> Section {
    let mut presets: Vec<(&str, Json)> =
        PRODUCERS.iter().map(|producer| (producer.name, to_json(&producer.publication(publication)))).collect();
    presets.push((super::CUSTOM.get(), to_json(publication)));
    let preset = presets::of_publication(publication);
    let mut fields = vec![
        at.imitates(presets, preset.map(|producer| (producer.name, producer.leaves_out))),
        at.id(
            "to",
            text!("Bus"),
            labelled(scenario, bus_ids(scenario)),
            &publication.to,
            text!("The bus that receives an event for each commit."),
        ),
        topic(scenario, at, &publication.to, publication.topic.as_deref()),
    ];
    fields.extend(publish_mode(at, publication));
    fields.extend(publish_retry(at, publication));
    let kinds = vec![
        (text!("none"), json!("none")),
        (text!("the leader"), json!("leader")),
        (text!("all in sync"), json!("all")),
    ];
    let chosen = match publication.acks {
        Acks::None => text!("none"),
        Acks::Leader => text!("the leader"),
        Acks::All => text!("all in sync"),
    };
    let help = text!(
        "Which brokers of a replicated bus must store the event before it is acknowledged (Kafka: acks 0, 1, all)."
    );
    fields.push(at.choice("acks", text!("Acks"), kinds, chosen, help));
    let kinds = vec![(text!("own updates"), Json::Null), (text!("applied events too"), json!({}))];
    let chosen = if publication.forward.is_some() { text!("applied events too") } else { text!("own updates") };
    let help = text!("An event chain: besides its own updates, the service publishes the events that it applies.");
    // An event is published after it was applied, so never before a commit. A service without subscriptions applies none.
    let publishes = |service: &&Service| service.publishes.iter().any(|own| std::ptr::eq(own, publication));
    let applies = scenario.services.iter().find(publishes).is_some_and(|service| !service.subscribes.is_empty());
    if publication.forward.is_some() || (applies && publication.mode != PublishMode::BeforeCommit) {
        fields.push(at.choice("forward", text!("Publishes"), kinds, chosen, help));
    }
    if let Some(forward) = &publication.forward {
        let at = at.to("forward");
        let key = forward.key.as_deref().unwrap_or_default();
        fields.push(at.text(
            "key",
            text!("Under the key"),
            key,
            text!("Empty: the same update. Otherwise a separate update."),
        ));
        fields.push(at.number(
            "times",
            text!("Times"),
            "",
            forward.times as f64,
            text!("The factor by which a number is changed."),
        ));
        fields.push(at.number("plus", text!("Plus"), "", forward.plus as f64, text!("What is added to a number.")));
    }
    let title = text!("Publishes to {}", drawing::name(scenario, &publication.to));
    Section { title, fields, remove: Some(at.0.clone()), ..Section::default() }
}

fn publish_mode(at: &FieldsAt, publication: &Publication) -> Vec<Field> {
    let relay = |name: &str| json!({ name: { "poll_ms": 100, "batch": 100 } });
    let kinds = vec![
        (text!("after commit"), json!("after_commit")),
        (text!("before commit"), json!("before_commit")),
        (text!("outbox"), relay("outbox")),
        (text!("change data capture"), relay("change_data_capture")),
    ];
    let (chosen, relay) = match &publication.mode {
        PublishMode::AfterCommit => (text!("after commit"), None),
        PublishMode::BeforeCommit => (text!("before commit"), None),
        PublishMode::Outbox { poll_ms, batch } => (text!("outbox"), Some(("outbox", *poll_ms, *batch))),
        PublishMode::ChangeDataCapture { poll_ms, batch, .. } => {
            (text!("change data capture"), Some(("change_data_capture", *poll_ms, *batch)))
        }
    };
    let help = text!("Next to the commit (a dual write), or from what the commit has written.");
    let mut fields = vec![at.choice("mode", text!("Published"), kinds, chosen, help)];
    if let Some((variant, poll_ms, batch)) = relay {
        let at = at.to("mode").to(variant);
        fields.push(at.number(
            "poll_ms",
            text!("Poll interval"),
            "ms",
            poll_ms,
            text!("How often the relay looks for new rows."),
        ));
        fields.push(at.number(
            "batch",
            text!("Batch"),
            "",
            batch,
            text!("How many rows the relay publishes at a time."),
        ));
        if let PublishMode::ChangeDataCapture { flush_ms, .. } = &publication.mode {
            let help = text!(
                "How often the relay stores its position. After a crash it publishes everything since then again."
            );
            fields.push(at.number("flush_ms", text!("Flush interval"), "ms", *flush_ms, help));
        }
    } else {
        let help = text!("The time between the commit and the publication. A crash in between loses one of them.");
        fields.push(at.number("gap_ms", text!("Gap"), "ms", publication.gap_ms, help));
    }
    fields
}

fn publish_retry(at: &FieldsAt, publication: &Publication) -> Vec<Field> {
    let kinds =
        vec![(text!("never"), Json::Null), (text!("after a timeout"), json!({ "timeout_ms": 500, "attempts": 5 }))];
    let chosen = if publication.retry.is_some() { text!("after a timeout") } else { text!("never") };
    let help = text!("Whether to publish again if the bus does not acknowledge.");
    let mut fields = vec![at.choice("retry", text!("Publish again"), kinds, chosen, help)];
    if let Some(retry) = &publication.retry {
        let at = at.to("retry");
        let timeout = text!("How long to wait for the acknowledgement of the bus.");
        let attempts = text!("How often the event is sent, including the first time.");
        fields.push(at.number("timeout_ms", text!("Timeout"), "ms", retry.timeout_ms, timeout));
        fields.push(at.number("attempts", text!("Attempts at most"), "", retry.attempts, attempts));
    }
    fields
}

/// Returns the sections of a subscription.
pub(super) fn subscribed(scenario: &Scenario, at: &FieldsAt, subscription: &Subscription) -> Vec<Section> {
    let mut delivery = acknowledgement(at, subscription);
    delivery.extend(dead_letters(at, subscription));
    delivery.extend(consumption(at, subscription));
    vec![
        Section {
            title: text!("Handles events of {}", drawing::name(scenario, &subscription.to)),
            fields: processing(scenario, at, subscription),
            remove: Some(at.0.clone()),
            ..Section::default()
        },
        Section { title: text!("Subscription").into(), fields: delivery, ..Section::default() },
    ]
}

/// Returns the fields about what an event does.
fn processing(scenario: &Scenario, at: &FieldsAt, subscription: &Subscription) -> Vec<Field> {
    let effects = vec![
        (text!("set if newer"), json!("set_if_newer")),
        (text!("overwrite"), json!("overwrite")),
        (text!("last writer wins"), json!("last_writer_wins")),
        (text!("increment"), json!("increment")),
    ];
    let effect = match subscription.effect {
        Effect::SetIfNewer => text!("set if newer"),
        Effect::Overwrite => text!("overwrite"),
        Effect::LastWriterWins => text!("last writer wins"),
        Effect::Increment => text!("increment"),
    };
    let mut presets: Vec<(&str, Json)> =
        PRESETS.iter().map(|preset| (preset.name, to_json(&preset.subscription(subscription)))).collect();
    presets.push((super::CUSTOM.get(), to_json(subscription)));
    let preset = presets::of_subscription(subscription);
    let mut fields = vec![
        at.imitates(presets, preset.map(|preset| (preset.name, preset.leaves_out))),
        at.id(
            "to",
            text!("Bus"),
            labelled(scenario, bus_ids(scenario)),
            &subscription.to,
            text!("The bus whose events it receives."),
        ),
        topic(scenario, at, &subscription.to, subscription.topic.as_deref()),
        at.choice("effect", text!("Effect"), effects, effect, text!("How processing an event changes the data.")),
    ];
    fields.extend(latency::fields(at, "processing", text!("Processing time"), &subscription.processing));
    let fails = text!("The probability that processing fails without changing the data.");
    fields.push(at.percent("fails", text!("Fails"), subscription.fails, fails));
    let inboxes = vec![(text!("none"), Json::Null), (text!("yes"), json!({}))];
    let inbox = if subscription.inbox.is_some() { text!("yes") } else { text!("none") };
    let help = text!(
        "A table of processed events, written together with their effect. A redelivered event has no second effect."
    );
    fields.push(at.choice("inbox", text!("Inbox"), inboxes, inbox, help));
    if let Some(inbox) = &subscription.inbox {
        let help = text!("How long a row is kept; empty: for ever.");
        fields.push(at.to("inbox").optional("window_ms", text!("Inbox window"), "ms", inbox.window_ms, help));
    }
    fields
}

/// Returns the fields about acknowledgements, redeliveries and their limit.
fn acknowledgement(at: &FieldsAt, subscription: &Subscription) -> Vec<Field> {
    let acks = vec![
        (text!("never"), json!("never")),
        (text!("before processing"), json!("before_processing")),
        (text!("after processing"), json!("after_processing")),
    ];
    let ack = match subscription.acknowledge {
        Acknowledge::Never => text!("never"),
        Acknowledge::BeforeProcessing => text!("before processing"),
        Acknowledge::AfterProcessing => text!("after processing"),
    };
    let limits = vec![(text!("deliveries"), json!("deliveries")), (text!("redeliveries"), json!("redeliveries"))];
    let limit = match subscription.limit {
        Limit::Deliveries => text!("deliveries"),
        Limit::Redeliveries => text!("redeliveries"),
    };
    let deadline = text!(
        "Without an acknowledgement by then, the bus redelivers the event (SQS: visibility timeout). A reader \
                    with a session fetches again what has not arrived by then (Kafka: request.timeout.ms)."
    );
    let max_deliveries = subscription.max_deliveries.map(f64::from);
    let wait = text!("How long the bus waits before each further delivery.");
    let (backoff, waits) = backoff(at, "backoff", text!("Backoff"), Some(&subscription.backoff), wait);
    let mut fields = vec![
        at.choice("acknowledge", text!("Acknowledge"), acks, ack, text!("When the consumer acknowledges the event.")),
        at.number("ack_deadline_ms", text!("Ack deadline"), "ms", subscription.ack_deadline_ms, deadline),
        at.optional(
            "max_deliveries",
            text!("Deliveries at most"),
            "",
            max_deliveries,
            text!("Including the first; empty: unlimited."),
        ),
        at.choice(
            "limit",
            text!("Counts"),
            limits,
            limit,
            text!("What the limit counts: all deliveries, or only redeliveries."),
        ),
        backoff,
    ];
    fields.extend(waits);
    fields
}

fn dead_letters(at: &FieldsAt, subscription: &Subscription) -> Vec<Field> {
    let keeps = text!("Keeps events that have used up their deliveries; otherwise they are discarded.");
    let renews = text!("The retention of a dead-lettered event starts then; otherwise when it was first queued.");
    let renews_time = subscription.dead_letter_renews_time;
    vec![
        at.toggle("dead_letter", text!("Dead-letter queue"), subscription.dead_letter, keeps),
        at.toggle("dead_letter_renews_time", text!("Dead-lettering renews time"), renews_time, renews),
    ]
}

/// Returns the fields about consumer group, order and flow control.
fn consumption(at: &FieldsAt, subscription: &Subscription) -> Vec<Field> {
    let orders = vec![
        (text!("none"), json!("none")),
        (text!("FIFO per key"), json!("fifo_per_key")),
        (text!("log"), json!("log")),
    ];
    let order = match subscription.order {
        Order::None => text!("none"),
        Order::FifoPerKey => text!("FIFO per key"),
        Order::Log => text!("log"),
    };
    let group = subscription.group.as_deref().unwrap_or_default();
    let shared = text!("Subscriptions of one topic with the same group share its events.");
    let commit =
        text!("How often acknowledgements are sent together (Kafka: auto.commit.interval); empty: each at once.");
    let in_flight = text!(
        "How many deliveries may be unacknowledged at once; for a log, in each partition (Kafka: \
                     max.poll.records)."
    );
    let mut fields = vec![
        at.text("group", text!("Group"), group, shared),
        at.optional("commit_every_ms", text!("Commit every"), "ms", subscription.commit_every_ms, commit),
        at.choice("order", text!("Order"), orders, order, text!("The order in which events reach the consumer.")),
        at.number("max_in_flight", text!("In flight at most"), "", subscription.max_in_flight, in_flight),
    ];
    if subscription.order == Order::Log {
        fields.extend(session(at, subscription.session.as_ref()));
    } else {
        fields.extend(attachment(at, subscription));
    }
    fields
}

/// Returns the fields about how the consumer is attached.
fn attachment(at: &FieldsAt, subscription: &Subscription) -> Vec<Field> {
    let attachment = subscription.attachment();
    let kinds = vec![(text!("connection"), json!({ "connection": {} })), (text!("polling"), json!({ "polling": {} }))];
    let chosen = match attachment {
        Attachment::Connection(_) => text!("connection"),
        Attachment::Polling(_) => text!("polling"),
    };
    let help = text!("How events reach the consumer. Nothing is delivered to a consumer that is not attached.");
    let mut fields = vec![at.choice("attach", text!("Attached by"), kinds, chosen, help)];
    let place = at.to("attach");
    match &subscription.attach {
        Some(Attachment::Connection(connection)) => {
            let at = place.to("connection");
            let prefetch =
                text!("Unacknowledged deliveries to this consumer at most; empty: as many as may be in flight.");
            let heartbeat =
                text!("After this time without a heartbeat, the connection is closed; empty: no heartbeats.");
            let requeue = text!("Deliveries belong to the connection (RabbitMQ): they are requeued when it closes.");
            let events = connection.prefetch.map(f64::from);
            fields.push(at.optional("prefetch", text!("Prefetch"), "", events, prefetch));
            fields.push(at.optional(
                "heartbeat_ms",
                text!("Heartbeat timeout"),
                "ms",
                connection.heartbeat_ms,
                heartbeat,
            ));
            fields.push(at.toggle("requeue_on_close", text!("Requeue on close"), connection.requeue_on_close, requeue));
        }
        Some(Attachment::Polling(polling)) => {
            let at = place.to("polling");
            let wait = text!("How long an unanswered receive waits for an event (SQS: long polling).");
            let prefetch =
                text!("Events that it receives beyond its free workers; they wait while their deadline runs.");
            fields.push(at.number(
                "batch",
                text!("Batch at most"),
                "",
                polling.batch,
                text!("Events per receive at most."),
            ));
            fields.push(at.number("wait_ms", text!("Wait"), "ms", polling.wait_ms, wait));
            fields.push(at.number("prefetch", text!("Prefetch"), "", polling.prefetch, prefetch));
        }
        None => {}
    }
    let kinds = vec![
        (text!("accepted"), json!("accept")),
        (text!("ignored"), json!("ignore")),
        (text!("refused"), json!("refuse")),
    ];
    let chosen = match subscription.late_acknowledgements() {
        LateAcknowledgement::Accept => text!("accepted"),
        LateAcknowledgement::Ignore => text!("ignored"),
        LateAcknowledgement::Refuse => text!("refused"),
    };
    let help = text!(
        "An acknowledgement that arrives after the end of its delivery: accepted (JetStream), ignored after a new \
                delivery (SQS standard), or refused (SQS FIFO, RabbitMQ)."
    );
    fields.push(at.choice("late_acknowledgement", text!("Late acknowledgement"), kinds, chosen, help));
    let kinds = vec![(text!("refuses the event"), json!("refuse")), (text!("waits for the deadline"), json!("wait"))];
    let chosen = match subscription.after_failure() {
        OnFailure::Refuse => text!("refuses the event"),
        OnFailure::Wait => text!("waits for the deadline"),
    };
    let help = text!("After a failure of the handler: a negative acknowledgement, or none, as with SQS.");
    fields.push(at.choice("on_failure", text!("After a failure"), kinds, chosen, help));
    fields
}

/// Returns the fields of a log reader's session.
fn session(at: &FieldsAt, session: Option<&ReaderSession>) -> Vec<Field> {
    let kafka = json!({ "timeout_ms": 45_000, "heartbeat_ms": 3000, "max_poll_ms": 300_000 });
    let choices = vec![(text!("none"), Json::Null), (text!("heartbeats"), kafka)];
    let chosen = if session.is_some() { text!("heartbeats") } else { text!("none") };
    let help = text!(
        "A reader stays in its consumer group by heartbeats. Without a session, it leaves when it is silent for the \
                ack deadline."
    );
    let mut fields = vec![at.choice("session", text!("Session"), choices, chosen, help)];
    if let Some(session) = session {
        let at = at.to("session");
        fields.push(at.number(
            "timeout_ms",
            text!("Session timeout"),
            "ms",
            session.timeout_ms,
            text!("After this time without a heartbeat, its partitions are assigned to others (Kafka: session.timeout.ms)."),
        ));
        fields.push(at.number(
            "heartbeat_ms",
            text!("Heartbeat interval"),
            "ms",
            session.heartbeat_ms,
            text!("How often it sends a heartbeat (Kafka: heartbeat.interval.ms)."),
        ));
        fields.push(at.number(
            "max_poll_ms",
            text!("Max poll interval"),
            "ms",
            session.max_poll_ms,
            text!("How long processing the events of one poll may take before the reader leaves its group (Kafka: max.poll.interval.ms)."),
        ));
    }
    fields
}

/// Returns the fields of a backoff: the kind, and its parameters. Without a backoff, the kind is `off`.
pub(super) fn backoff(
    at: &FieldsAt,
    name: &'static str,
    label: &str,
    backoff: Option<&Backoff>,
    help: &'static str,
) -> (Field, Vec<Field>) {
    let doubling = |name: &str| json!({ name: { "base_ms": 100, "cap_ms": 5000 } });
    let mut choices = vec![
        (text!("none"), json!("none")),
        (text!("fixed"), json!({ "fixed": { "ms": 200 } })),
        (text!("exponential"), doubling("exponential")),
        (text!("equal jitter"), doubling("equal_jitter")),
        (text!("full jitter"), doubling("full_jitter")),
        (text!("decorrelated jitter"), doubling("decorrelated_jitter")),
    ];
    if name == "optimistic" {
        choices.insert(0, (text!("off"), Json::Null));
    }
    let place = at.to(name);
    let waits = |variant: &str, base_ms: f64, cap_ms: f64| {
        let at = place.to(variant);
        let base =
            at.number("base_ms", text!("First wait"), "ms", base_ms, text!("The first wait; it doubles each time."));
        vec![base, at.number("cap_ms", text!("Longest wait"), "ms", cap_ms, text!("The longest wait."))]
    };
    let (chosen, fields) = match *backoff.unwrap_or(&Backoff::None) {
        Backoff::None => (text!("none"), Vec::new()),
        Backoff::Fixed { ms } => (text!("fixed"), vec![place.to("fixed").number("ms", text!("Wait"), "ms", ms, help)]),
        Backoff::Exponential { base_ms, cap_ms } => (text!("exponential"), waits("exponential", base_ms, cap_ms)),
        Backoff::EqualJitter { base_ms, cap_ms } => (text!("equal jitter"), waits("equal_jitter", base_ms, cap_ms)),
        Backoff::FullJitter { base_ms, cap_ms } => (text!("full jitter"), waits("full_jitter", base_ms, cap_ms)),
        Backoff::DecorrelatedJitter { base_ms, cap_ms } => {
            (text!("decorrelated jitter"), waits("decorrelated_jitter", base_ms, cap_ms))
        }
    };
    let chosen = if backoff.is_none() { text!("off") } else { chosen };
    (at.choice(name, label, choices, chosen, help), fields)
}
