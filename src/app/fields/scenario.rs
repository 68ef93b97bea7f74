//! Fields of the scenario, its script, promises and invariants, and of links.

use super::{Field, FieldKind, FieldsAt, Section, command, labelled, latency, region, service_ids};
use crate::app::drawing;
use crate::scenario::{Link, Promise, Scenario};
use crate::text;
use serde_json::{Value as Json, json};

/// Returns the sections of the scenario.
pub(super) fn sections(scenario: &Scenario) -> Vec<Section> {
    let at = FieldsAt(Vec::new());
    let mut fields = vec![
        at.text("title", text!("Title"), &scenario.title, text!("The title above the canvas.")),
        at.field("note", text!("Note"), "", FieldKind::Note, scenario.note.clone(), text!("What the scenario shows.")),
        at.number(
            "seed",
            text!("Seed"),
            "",
            scenario.seed as f64,
            text!("The seed of all random numbers. The same seed gives the same run."),
        ),
        at.number(
            "until_ms",
            text!("Run length"),
            "ms",
            scenario.until_ms,
            text!("The length of the run in virtual time."),
        ),
    ];
    fields.extend(latency::fields(&at, "default_latency", text!("Latency of other links"), &scenario.default_latency));
    let mut sections = vec![Section { title: text!("Scenario").into(), fields, ..Section::default() }];
    let script = at.to("script");
    for (i, step) in scenario.script.iter().enumerate() {
        let at = script.to(i);
        let mut fields = vec![at.number(
            "at_ms",
            text!("At"),
            "ms",
            step.at_ms,
            text!("When the step is executed, after all other events at that time."),
        )];
        fields.extend(command::fields(scenario, &at, &step.command));
        sections.push(Section {
            title: text!("Scripted step {}", i + 1),
            fields,
            remove: Some(at.0),
            ..Section::default()
        });
    }
    sections.extend(region::sections(scenario));
    let mut adders = vec![script.adder(text!("Add step"), json!({ "at_ms": 1000, "do": "heal_all" }))];
    let promises = at.to("promises");
    adders.push(promises.adder(text!("Add promise"), json!("converged")));
    for (i, promise) in scenario.promises.iter().enumerate() {
        let fields = promised(scenario, &promises, i, promise);
        let remove = Some(promises.to(i).0);
        sections.push(Section { title: text!("Promise {}", i + 1), fields, remove, ..Section::default() });
    }
    let invariants = at.to("invariants");
    adders.push(invariants.adder(text!("Add invariant"), json!(sample(scenario))));
    sections.extend(scenario.invariants.iter().enumerate().map(|(i, text)| invariant(&invariants.to(i), i, text)));
    sections.push(Section { title: text!("Script, promises, invariants").into(), adders, ..Section::default() });
    sections
}

/// Returns the section of an invariant.
fn invariant(at: &FieldsAt, i: usize, condition: &str) -> Section {
    let help = text!(
        "A condition that the data must always satisfy, such as stock >= 0 or orders.status == inventory.status when quiescent."
    );
    let field = Field {
        path: at.0.clone(),
        label: text!("Always").into(),
        unit: "",
        kind: FieldKind::Text,
        text: condition.into(),
        help,
        leaves_out: None,
        also: Vec::new(),
    };
    let title = text!("Invariant {}", i + 1);
    Section { title, fields: vec![field], remove: Some(at.0.clone()), ..Section::default() }
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
        (text!("converged"), json!("converged")),
        (text!("a copy is stale"), copy("stale")),
        (text!("a copy is diverged"), copy("diverged")),
        (text!("a copy is consistent"), copy("consistent")),
        (text!("a copy shows siblings"), copy("conflicted")),
        (text!("all operations ok"), json!("all_operations_ok")),
        (text!("no stale reads"), json!("no_stale_reads")),
        (text!("lost updates"), json!({ "lost_updates": { "count": 1 } })),
    ];
    let of_copy = |state: &str, service: &str, key: &str| {
        let nested = at.to(i).to(state);
        let service =
            nested.id("service", text!("Service"), services.clone(), service, text!("The service with the copy."));
        vec![service, nested.text("key", text!("Key"), key, text!("The key of the copy."))]
    };
    let (chosen, details) = match promise {
        Promise::Converged => (text!("converged"), Vec::new()),
        Promise::AllOperationsOk => (text!("all operations ok"), Vec::new()),
        Promise::NoStaleReads => (text!("no stale reads"), Vec::new()),
        Promise::LostUpdates { count } => {
            let nested = at.to(i).to("lost_updates");
            (
                text!("lost updates"),
                vec![nested.number("count", text!("How many"), "", *count, text!("The exact number of lost updates."))],
            )
        }
        Promise::Conflicted { service, key } => (text!("a copy shows siblings"), of_copy("conflicted", service, key)),
        Promise::Stale { service, key } => (text!("a copy is stale"), of_copy("stale", service, key)),
        Promise::Diverged { service, key } => (text!("a copy is diverged"), of_copy("diverged", service, key)),
        Promise::Consistent { service, key } => (text!("a copy is consistent"), of_copy("consistent", service, key)),
    };
    let mut fields = vec![at.choice(
        &i.to_string(),
        text!("At the end"),
        kinds,
        chosen,
        text!("The command line exits with 1 if this is not true."),
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
        let note = if find(to, from).is_some() { text!("as the other direction") } else { text!("as other links") };
        let adders = vec![links.adder(text!("Use separate settings"), item)];
        return Section { title: format!("{title}: {note}"), adders, ..Section::default() };
    };
    let (link, at) = (&scenario.links[i], links.to(i));
    let mut fields = match &link.latency {
        Some(latency) => latency::fields(&at, "latency", text!("Latency"), latency),
        None => {
            let own = crate::scenario::json::to_value(&scenario.default_latency);
            let choices = vec![(text!("as other links"), Json::Null), (super::CUSTOM.get(), own)];
            vec![at.choice(
                "latency",
                text!("Latency"),
                choices,
                text!("as other links"),
                text!("How long a message is in flight."),
            )]
        }
    };
    fields.push(at.percent("loss", text!("Loss"), link.loss, text!("The probability that a message is lost.")));
    fields.push(at.percent(
        "duplicate",
        text!("Duplication"),
        link.duplicate,
        text!("The probability that a message is delivered twice."),
    ));
    fields.push(at.toggle(
        "fifo",
        text!("In order"),
        link.fifo,
        text!("Messages arrive in the order in which they were sent."),
    ));
    Section { title, fields, remove: Some(at.0), ..Section::default() }
}
