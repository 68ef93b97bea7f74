//! Fields of the scenario, its script, promises and invariants, and of links.

use super::{Field, FieldKind, FieldsAt, Section, command, labelled, latency, region, service_ids};
use crate::app::drawing;
use crate::scenario::{Link, Promise, Scenario};
use serde_json::{Value as Json, json};

/// Returns the sections of the scenario.
pub(super) fn sections(scenario: &Scenario) -> Vec<Section> {
    let at = FieldsAt(Vec::new());
    let mut fields = vec![
        at.text("title", "Title", &scenario.title, "The title above the canvas."),
        at.field("note", "Note", "", FieldKind::Note, scenario.note.clone(), "What the scenario shows."),
        at.number(
            "seed",
            "Seed",
            "",
            scenario.seed as f64,
            "The seed of all random numbers. The same seed gives the same run.",
        ),
        at.number("until_ms", "Run length", "ms", scenario.until_ms, "The length of the run in virtual time."),
    ];
    fields.extend(latency::fields(&at, "default_latency", "Latency of other links", &scenario.default_latency));
    let mut sections = vec![Section { title: "Scenario".into(), fields, ..Section::default() }];
    let script = at.to("script");
    for (i, step) in scenario.script.iter().enumerate() {
        let at = script.to(i);
        let mut fields = vec![at.number(
            "at_ms",
            "At",
            "ms",
            step.at_ms,
            "When the step is executed, after all other events at that time.",
        )];
        fields.extend(command::fields(scenario, &at, &step.command));
        sections.push(Section {
            title: format!("Scripted step {}", i + 1),
            fields,
            remove: Some(at.0),
            ..Section::default()
        });
    }
    sections.extend(region::sections(scenario));
    let mut adders = vec![script.adder("Add step", json!({ "at_ms": 1000, "do": "heal_all" }))];
    let promises = at.to("promises");
    adders.push(promises.adder("Add promise", json!("converged")));
    for (i, promise) in scenario.promises.iter().enumerate() {
        let fields = promised(scenario, &promises, i, promise);
        let remove = Some(promises.to(i).0);
        sections.push(Section { title: format!("Promise {}", i + 1), fields, remove, ..Section::default() });
    }
    let invariants = at.to("invariants");
    adders.push(invariants.adder("Add invariant", json!(sample(scenario))));
    for (i, text) in scenario.invariants.iter().enumerate() {
        let help = "A condition that the data must always satisfy, such as stock >= 0 or orders.status == inventory.status when quiescent.";
        let field = Field {
            path: invariants.to(i).0,
            label: "Always".into(),
            unit: "",
            kind: FieldKind::Text,
            text: text.clone(),
            help,
            leaves_out: None,
            also: Vec::new(),
        };
        let remove = Some(invariants.to(i).0);
        sections.push(Section {
            title: format!("Invariant {}", i + 1),
            fields: vec![field],
            remove,
            ..Section::default()
        });
    }
    sections.push(Section { title: "Script, promises, invariants".into(), adders, ..Section::default() });
    sections
}

/// Returns an example of an invariant.
fn sample(scenario: &Scenario) -> String {
    let key = scenario.services.iter().find_map(|service| service.data.keys().next());
    format!("`{}` != absent", key.map_or("item", String::as_str))
}

fn promised(scenario: &Scenario, at: &FieldsAt, i: usize, promise: &Promise) -> Vec<Field> {
    let services = labelled(scenario, service_ids(scenario));
    let service = services.first().map(|(_, id)| id.clone()).unwrap_or_default();
    let copy = |state: &str| json!({ state: { "service": service, "key": "widget" } });
    let kinds = vec![
        ("converged", json!("converged")),
        ("a copy is stale", copy("stale")),
        ("a copy is diverged", copy("diverged")),
        ("a copy is consistent", copy("consistent")),
        ("a copy shows siblings", copy("conflicted")),
        ("all operations ok", json!("all_operations_ok")),
        ("no stale reads", json!("no_stale_reads")),
        ("lost updates", json!({ "lost_updates": { "count": 1 } })),
    ];
    let of_copy = |state: &str, service: &str, key: &str| {
        let nested = at.to(i).to(state);
        let service = nested.id("service", "Service", services.clone(), service, "The service with the copy.");
        vec![service, nested.text("key", "Key", key, "The key of the copy.")]
    };
    let (chosen, details) = match promise {
        Promise::Converged => ("converged", Vec::new()),
        Promise::AllOperationsOk => ("all operations ok", Vec::new()),
        Promise::NoStaleReads => ("no stale reads", Vec::new()),
        Promise::LostUpdates { count } => {
            let nested = at.to(i).to("lost_updates");
            ("lost updates", vec![nested.number("count", "How many", "", *count, "The exact number of lost writes.")])
        }
        Promise::Conflicted { service, key } => ("a copy shows siblings", of_copy("conflicted", service, key)),
        Promise::Stale { service, key } => ("a copy is stale", of_copy("stale", service, key)),
        Promise::Diverged { service, key } => ("a copy is diverged", of_copy("diverged", service, key)),
        Promise::Consistent { service, key } => ("a copy is consistent", of_copy("consistent", service, key)),
    };
    let mut fields = vec![at.choice(
        &i.to_string(),
        "At the end",
        kinds,
        chosen,
        "The command line exits with 1 if this is not true.",
    )];
    fields.extend(details);
    fields
}

/// Returns the sections of a link: both directions.
pub(super) fn link_sections(scenario: &Scenario, from: &str, to: &str) -> Vec<Section> {
    [(from, to), (to, from)].into_iter().map(|(from, to)| direction(scenario, from, to)).collect()
}

fn direction(scenario: &Scenario, from: &str, to: &str) -> Section {
    let links = FieldsAt::new(&["links"]);
    let find = |from: &str, to: &str| scenario.links.iter().position(|link| link.from == from && link.to == to);
    let title = format!("{} → {}", drawing::name(scenario, from), drawing::name(scenario, to));
    let Some(i) = find(from, to) else {
        // Without its own settings, a direction has those of the other one. Custom settings start with a copy of them.
        let like = find(to, from).map(|i| scenario.links[i].clone()).unwrap_or_default();
        let own = Link { from: from.into(), to: to.into(), ..like };
        let item = crate::scenario::json::to_value(&own);
        let note = if find(to, from).is_some() { "as the other direction" } else { "as other links" };
        let adders = vec![links.adder("Use separate settings", item)];
        return Section { title: format!("{title}: {note}"), adders, ..Section::default() };
    };
    let (link, at) = (&scenario.links[i], links.to(i));
    let mut fields = match &link.latency {
        Some(latency) => latency::fields(&at, "latency", "Latency", latency),
        None => {
            let own = crate::scenario::json::to_value(&scenario.default_latency);
            let choices = vec![("as other links", Json::Null), (super::CUSTOM, own)];
            vec![at.choice("latency", "Latency", choices, "as other links", "How long a message is in flight.")]
        }
    };
    fields.push(at.percent("loss", "Loss", link.loss, "The probability that a message is lost."));
    fields.push(at.percent(
        "duplicate",
        "Duplication",
        link.duplicate,
        "The probability that a message is delivered twice.",
    ));
    fields.push(at.toggle("fifo", "In order", link.fifo, "Messages arrive in the order in which they were sent."));
    Section { title, fields, remove: Some(at.0), ..Section::default() }
}
