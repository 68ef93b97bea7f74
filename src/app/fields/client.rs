//! Fields of clients.

use super::{Field, FieldsAt, Section, group, identity, labelled, operation, service_ids, workload};
use crate::scenario::{Client, Scenario};
use crate::text;
use serde_json::{Value as Json, json};

/// Returns the sections of a client.
pub(super) fn sections(scenario: &Scenario, index: usize) -> Vec<Section> {
    let client = &scenario.clients[index];
    let at = FieldsAt::new(&["clients"]).to(index);
    let mut fields = identity::fields(&at, &client.name, client.position);
    fields.extend(requests(&at, scenario, index));
    let generated = generated(&at, scenario, client);
    let mut sections = vec![
        Section { title: text!("Client").into(), fields, ..Section::default() },
        Section { title: text!("Generated operations").into(), fields: generated, ..Section::default() },
    ];
    sections.extend(script(&at.to("script"), scenario, client));
    sections
}

/// Returns the fields about how the client sends its operations.
fn requests(at: &FieldsAt, scenario: &Scenario, index: usize) -> Vec<Field> {
    let client = &scenario.clients[index];
    let timeout = text!("An operation without a reply by then ends as unknown.");
    let attempts = text!("How often an operation is sent in all. Each attempt may take effect.");
    let target = text!("The service or replica group that receives its operations.");
    let mut fields = vec![
        at.id("target", text!("Asks"), labelled(scenario, targets(scenario, index)), &client.target, target),
        at.number(
            "sessions",
            text!("Sessions"),
            "",
            client.sessions,
            text!("How many sessions issue operations independently."),
        ),
        at.number("timeout_ms", text!("Timeout"), "ms", client.timeout_ms, timeout),
        at.number("attempts", text!("Attempts"), "", client.attempts, attempts),
    ];
    if scenario.groups.iter().any(|group| group.id == client.target) {
        fields.extend(group::client(at, client));
    } else {
        let services = labelled(scenario, service_ids(scenario));
        let mut choices: Vec<(&str, Json)> = vec![(text!("the same"), Json::Null)];
        choices.extend(services.iter().map(|(label, id)| (label.as_str(), Json::from(id.as_str()))));
        let chosen = services.iter().find(|(_, id)| client.reads_from.as_ref() == Some(id));
        let chosen = chosen.map_or(text!("the same"), |(label, _)| label.as_str());
        let help = text!("The service that receives its reads, if it is another one.");
        fields.push(at.choice("reads_from", text!("Reads from"), choices, chosen, help));
    }
    fields
}

/// Returns the targets with which the drawing is valid: a group's client has no other service to read from, and only a
/// leaderless group lets clients coordinate.
fn targets(scenario: &Scenario, index: usize) -> Vec<String> {
    let mut targets = service_ids(scenario);
    targets.extend(scenario.groups.iter().map(|group| group.id.clone()));
    targets.retain(|target| {
        let mut changed = scenario.clone();
        changed.clients[index].target.clone_from(target);
        *target == scenario.clients[index].target || changed.validate().is_ok()
    });
    targets
}

fn generated(at: &FieldsAt, scenario: &Scenario, client: &Client) -> Vec<Field> {
    let example = json!({
        "arrivals": { "poisson": { "per_second": 2 } },
        "keys": { "one": { "key": "widget" } },
        "read_share": 0.5,
    });
    let choices = vec![(text!("nothing"), Json::Null), (text!("operations"), example)];
    let chosen = if client.generate.is_some() { text!("operations") } else { text!("nothing") };
    let mut fields = vec![at.choice("generate", text!("Generates"), choices, chosen, text!("Random operations."))];
    if let Some(workload) = &client.generate {
        fields.extend(workload::fields(&at.to("generate"), workload, scenario, &client.id));
    }
    fields
}

/// Returns a section for each scripted operation, and one with the button that adds an operation.
fn script(at: &FieldsAt, scenario: &Scenario, client: &Client) -> Vec<Section> {
    let steps = client.script.iter().enumerate().map(|(index, step)| {
        let at = at.to(index);
        let mut fields =
            vec![at.number("at_ms", text!("At"), "ms", step.at_ms, text!("When the operation is issued."))];
        fields.extend(operation::fields(&at, "do", &step.operation));
        let title = text!("Operation {}", index + 1);
        Section { title, fields, remove: Some(at.0), ..Section::default() }
    });
    let last = client.script.last().map_or(0.0, |step| step.at_ms);
    let key = scenario.services.iter().flat_map(|service| service.data.keys()).next().map_or("widget", String::as_str);
    let example = json!({ "at_ms": last + 500.0, "do": { "write": { "key": key, "value": 1 } } });
    let adders = vec![at.adder(text!("Add operation"), example)];
    let end = Section { title: text!("Script").into(), adders, ..Section::default() };
    steps.chain([end]).collect()
}
