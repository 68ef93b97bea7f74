//! Fields of clients: their scripts, workloads and operations.

use super::{Field, FieldsAt, Section, group, latency, messaging, node, operation, service_ids};
use crate::scenario::{Arrivals, Keys, Scenario, Workload};
use serde_json::{Value as Json, json};

/// Returns the sections of a client.
pub(super) fn sections(scenario: &Scenario, i: usize) -> Vec<Section> {
    let client = &scenario.clients[i];
    let at = FieldsAt::new(&["clients"]).to(i);
    let services = service_ids(scenario);
    let mut reads: Vec<(&str, Json)> = vec![("the same", Json::Null)];
    reads.extend(services.iter().map(|id| (id.as_str(), Json::from(id.as_str()))));
    let reads_from = client.reads_from.as_deref().unwrap_or("the same");
    let mut targets = services.clone();
    targets.extend(scenario.groups.iter().map(|group| group.id.clone()));
    // Targets that would make the drawing invalid are not offered: a group's client has no other service to read from,
    // and only a leaderless group lets clients coordinate.
    targets.retain(|target| {
        let mut changed = scenario.clone();
        changed.clients[i].target.clone_from(target);
        target == &client.target || changed.validate().is_ok()
    });
    let mut fields = node::identity(&at, &client.name, client.position);
    fields.extend([
        at.id("target", "Asks", targets, &client.target, "The service or replica group that receives its operations."),
        at.number("sessions", "Sessions", "", client.sessions, "How many sessions issue operations independently."),
        at.number(
            "timeout_ms",
            "Timeout",
            "ms",
            client.timeout_ms,
            "An operation without a reply by then ends as unknown.",
        ),
        at.number(
            "attempts",
            "Attempts",
            "",
            client.attempts,
            "How often an operation is sent in all. Each attempt may take effect.",
        ),
    ]);
    if scenario.groups.iter().any(|group| group.id == client.target) {
        fields.extend(group::client(&at, client));
    } else {
        let help = "The service that receives its reads, if it is another one.";
        fields.push(at.choice("reads_from", "Reads from", reads, reads_from, help));
    }
    let mut sections = vec![Section { title: "Client".into(), fields, ..Section::default() }];
    let workloads = vec![
        ("nothing", Json::Null),
        (
            "operations",
            json!({ "arrivals": { "poisson": { "per_second": 2 } }, "keys": { "one": { "key": "widget" } }, "read_share": 0.5 }),
        ),
    ];
    let chosen = if client.generate.is_some() { "operations" } else { "nothing" };
    let mut generated = vec![at.choice("generate", "Generates", workloads, chosen, "Random operations.")];
    if let Some(workload) = &client.generate {
        generated.extend(workload_fields(&at.to("generate"), workload, scenario, &client.id));
    }
    sections.push(Section { title: "Generated operations".into(), fields: generated, ..Section::default() });
    let script = at.to("script");
    for (j, step) in client.script.iter().enumerate() {
        let at = script.to(j);
        let mut fields = vec![at.number("at_ms", "At", "ms", step.at_ms, "When the operation is issued.")];
        fields.extend(operation::fields(&at, "do", &step.operation));
        sections.push(Section {
            title: format!("Operation {}", j + 1),
            fields,
            remove: Some(at.0),
            ..Section::default()
        });
    }
    let last = client.script.last().map_or(0.0, |step| step.at_ms);
    let key = scenario.services.iter().flat_map(|service| service.data.keys()).next().map_or("widget", String::as_str);
    let item = json!({ "at_ms": last + 500.0, "do": { "write": { "key": key, "value": 1 } } });
    sections.push(Section {
        title: "Script".into(),
        adders: vec![script.adder("Add operation", item)],
        ..Section::default()
    });
    sections
}

fn workload_fields(at: &FieldsAt, workload: &Workload, scenario: &Scenario, own: &str) -> Vec<Field> {
    let clients: Vec<String> =
        scenario.clients.iter().filter(|client| client.id != own).map(|client| client.id.clone()).collect();
    let mut arrivals = vec![
        ("Poisson", json!({ "poisson": { "per_second": 2 } })),
        ("periodic", json!({ "periodic": { "every_ms": 500 } })),
        ("closed", json!({ "closed": { "think": { "exponential": { "mean_ms": 500 } } } })),
    ];
    if let Some(other) = clients.first() {
        arrivals.push(("after another's write", json!({ "after": { "client": other, "ms": 10 } })));
    }
    let place = at.to("arrivals");
    let (chosen, details) = match &workload.arrivals {
        Arrivals::Poisson { per_second } => (
            "Poisson",
            vec![place.to("poisson").number("per_second", "Rate", "/s", *per_second, "The mean rate of each session.")],
        ),
        Arrivals::Periodic { every_ms } => (
            "periodic",
            vec![place.to("periodic").number("every_ms", "Every", "ms", *every_ms, "The time between two operations.")],
        ),
        Arrivals::After { client, ms } => {
            let place = place.to("after");
            let of = place.id(
                "client",
                "Client",
                clients.to_vec(),
                client,
                "The client whose acknowledged writes it follows.",
            );
            (
                "after another's write",
                vec![of, place.number("ms", "After", "ms", *ms, "How long after the acknowledgement.")],
            )
        }
        Arrivals::Closed { think } => ("closed", latency::fields(&place.to("closed"), "think", "Think time", think)),
    };
    let mut fields = vec![at.choice(
        "arrivals",
        "Arrivals",
        arrivals,
        chosen,
        "Open workloads do not wait for replies. A closed one waits for the reply and then for the think time.",
    )];
    fields.extend(details);
    let keys = vec![
        ("one", json!({ "one": { "key": "widget" } })),
        ("uniform", json!({ "uniform": { "prefix": "item", "count": 10 } })),
        ("Zipf", json!({ "zipf": { "prefix": "item", "count": 10, "exponent": 1 } })),
    ];
    let place = at.to("keys");
    let many = |at: &FieldsAt, prefix: &str, count: u32| {
        let prefix = at.text("prefix", "Prefix", prefix, "The beginning of each key; a number follows.");
        vec![prefix, at.number("count", "Keys", "", count, "How many keys there are.")]
    };
    let (chosen, details) = match &workload.keys {
        Keys::One { key } => ("one", vec![place.to("one").text("key", "Key", key, "Always the same.")]),
        Keys::Uniform { prefix, count } => ("uniform", many(&place.to("uniform"), prefix, *count)),
        Keys::Zipf { prefix, count, exponent } => {
            let place = place.to("zipf");
            let mut fields = many(&place, prefix, *count);
            fields.push(place.number("exponent", "Exponent", "", *exponent, "0 is uniform, 1 is Zipf's law."));
            ("Zipf", fields)
        }
    };
    fields.push(at.choice("keys", "Keys", keys, chosen, "The key of each operation."));
    fields.extend(details);
    let help =
        "Each write reads, then compares and sets. If another write came between, it tries again after this wait.";
    let (optimistic, waits) =
        messaging::backoff(at, "optimistic", "Optimistic writes", workload.optimistic.as_ref(), help);
    fields.push(optimistic);
    fields.extend(waits);
    fields.push(at.percent(
        "read_share",
        "Reads",
        workload.read_share,
        "The share of reads. The others are writes, each of another number.",
    ));
    fields.push(at.number("from_ms", "From", "ms", workload.from_ms, "When the workload starts."));
    fields.push(at.optional(
        "until_ms",
        "Until",
        "ms",
        workload.until_ms,
        "When the workload ends; empty: at the end of the run.",
    ));
    fields
}
