//! Fields of services.

use super::{AddButton, Field, FieldKind, FieldsAt, Section, identity, labelled, latency, messaging, operation};
use crate::app::drawing;
use crate::scenario::{Call, Commit, Scenario, Service};
use crate::text;
use serde_json::{Value as Json, json};

/// Returns the sections of a service.
pub(super) fn sections(scenario: &Scenario, index: usize) -> Vec<Section> {
    let service = &scenario.services[index];
    let at = FieldsAt::new(&["services"]).to(index);
    let fields = identity::fields(&at, &service.name, service.position);
    let mut sections = vec![Section { title: text!("Service").into(), fields, ..Section::default() }];
    sections.extend(data(&at.to("data"), service));
    sections.push(work(&at, service));
    sections.push(clock(&at.to("clock"), service));
    if !service.calls.is_empty() {
        sections.push(commit(scenario, &at, service));
    }
    for (call_index, call) in service.calls.iter().enumerate() {
        sections.extend(called(scenario, &at.to("calls").to(call_index), service, call));
    }
    sections.extend(events(scenario, &at, service));
    sections
}

/// Returns the initial data, and a remove button for each key.
fn data(at: &FieldsAt, service: &Service) -> Vec<Section> {
    let help = text!("The value at the start, which is version 1: a whole number, a text, or {a, b}.");
    let rows = service.data.iter().map(|(key, value)| at.value(key, key, value, help));
    let (label, path) = (text!("Add key").into(), at.0.clone());
    let add = AddButton { label, path, item: json!(0), asks_name: Some(text!("New key")) };
    let fields = rows.collect();
    let rows = Section { title: text!("Data at the start").into(), fields, remove: None, adders: vec![add] };
    let remove =
        |key: &String| Section { title: text!("Remove {}", key), remove: Some(at.to(key).0), ..Section::default() };
    std::iter::once(rows).chain(service.data.keys().map(remove)).collect()
}

fn work(at: &FieldsAt, service: &Service) -> Section {
    let mut fields = latency::fields(at, "service_time", text!("Service time"), &service.service_time);
    let help = text!("How many requests and events are processed at once.");
    let store = service.store.as_deref().unwrap_or_default();
    let shared = text!("The store that it shares with all services that name the same one; empty: its own.");
    fields.push(at.text("store", text!("Shared store"), store, shared));
    fields.push(at.number("concurrency", text!("Workers"), "", service.concurrency, help));
    fields.push(at.number(
        "queue",
        text!("Queue"),
        "",
        service.queue,
        text!("How many more may wait. Others are refused."),
    ));
    Section { title: text!("Work").into(), fields, ..Section::default() }
}

fn clock(at: &FieldsAt, service: &Service) -> Section {
    let clock = &service.clock;
    let fields = vec![
        at.number(
            "offset_ms",
            text!("Offset"),
            "ms",
            clock.offset_ms,
            text!("How far its clock is ahead of real time."),
        ),
        at.number("drift_ppm", text!("Drift"), "ppm", clock.drift_ppm, text!("How much too fast its clock runs.")),
        at.number(
            "offset_sd_ms",
            text!("Offset spread"),
            "ms",
            clock.offset_sd_ms,
            text!("The standard deviation of an additional random offset in each run."),
        ),
    ];
    Section { title: text!("Clock").into(), fields, ..Section::default() }
}

/// Returns how the service commits together with the services that it calls.
fn commit(scenario: &Scenario, at: &FieldsAt, service: &Service) -> Section {
    let kinds = vec![(text!("one by one"), json!("one_by_one")), (text!("two-phase commit"), json!("two_phase"))];
    let (chosen, help) = match service.commit {
        Commit::OneByOne => (text!("one by one"), text!("A failure between commits leaves some of them committed.")),
        Commit::TwoPhase => (
            text!("two-phase commit"),
            text!("All or none commit. A participant that has voted yes keeps its locks until the decision."),
        ),
    };
    let mut fields = vec![at.choice("commit", text!("With called services"), kinds, chosen, help)];
    let is_called = |id: &str| service.calls.iter().any(|call| call.to == id);
    let cannot_take_part =
        |other: &Service| is_called(&other.id) && (other.publishes_early() || !other.calls.is_empty());
    if service.publishes_early() || scenario.services.iter().any(cannot_take_part) {
        leave_out(&mut fields, |label| label == text!("two-phase commit"));
    }
    Section { title: text!("Commit").into(), fields, ..Section::default() }
}

/// Returns a call, and what the called service writes.
fn called(scenario: &Scenario, at: &FieldsAt, service: &Service, call: &Call) -> [Section; 2] {
    let is_member = |id: &String| scenario.groups.iter().any(|group| group.members.contains(id));
    let is_callable = |other: &&Service| {
        let is_leaf = other.calls.is_empty() && !other.publishes_early();
        other.id != service.id && !is_member(&other.id) && (is_leaf || !service.is_coordinator())
    };
    let callable = scenario.services.iter().filter(is_callable).map(|other| other.id.clone()).collect();
    let callable = labelled(scenario, callable);
    let help = text!("The service that is called before a write commits. The write waits for its reply.");
    let fields = vec![
        at.id("to", text!("Service"), callable, &call.to, help),
        at.number("timeout_ms", text!("Timeout"), "ms", call.timeout_ms, text!("How long to wait for the reply.")),
    ];
    let remove = Some(at.0.clone());
    let name = drawing::name(scenario, &call.to);
    let title = text!("Calls {}", name);
    [Section { title, fields, remove, ..Section::default() }, written(at, call, name)]
}

/// Returns what a called service writes: the same as its caller, or its own operation.
fn written(at: &FieldsAt, call: &Call, name: &str) -> Section {
    let title = text!("What {} writes", name);
    if let Some(operation) = &call.operation {
        let mut fields = operation::fields(at, "do", operation);
        leave_out(&mut fields, |label| [text!("read"), text!("delete")].contains(&label));
        return Section { title, fields, remove: Some(at.to("do").0), ..Section::default() };
    }
    let own = json!({ "increment": { "key": "count", "by": 1 } });
    let kinds = vec![(text!("the same"), Json::Null), (text!("its own write"), own)];
    let help = text!("What it commits: the same write as its caller, or another one.");
    let fields = vec![at.choice("do", text!("Writes"), kinds, text!("the same"), help)];
    Section { title, fields, ..Section::default() }
}

/// Returns the publications and subscriptions, without choices that are invalid for a participant of a transaction or a
/// member of a group.
fn events(scenario: &Scenario, at: &FieldsAt, service: &Service) -> Vec<Section> {
    let publications = service.publishes.iter().enumerate();
    let publications =
        publications.map(|(i, publication)| messaging::published(scenario, &at.to("publishes").to(i), publication));
    let subscriptions = service
        .subscribes
        .iter()
        .enumerate()
        .flat_map(|(i, subscription)| messaging::subscribed(scenario, &at.to("subscribes").to(i), subscription));
    let mut sections: Vec<Section> = publications.chain(subscriptions).collect();
    let calls_it = |other: &Service| other.calls.iter().any(|call| call.to == service.id);
    let is_in_transaction =
        scenario.services.iter().any(|other| other.is_coordinator() && (other.id == service.id || calls_it(other)));
    let group = scenario.groups.iter().find(|group| group.members.contains(&service.id));
    let is_unordered = group.is_some_and(|group| !group.orders_writes());
    for field in sections.iter_mut().flat_map(|section| &mut section.fields) {
        let is_inbox = field.path.last().is_some_and(|last| last == "inbox");
        leave_out(std::slice::from_mut(field), |label| {
            if label == text!("before commit") {
                is_in_transaction || group.is_some()
            } else {
                let is_unfit = [text!("outbox"), text!("increment")].contains(&label);
                is_unordered && (is_unfit || (is_inbox && label == text!("yes")))
            }
        });
    }
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
