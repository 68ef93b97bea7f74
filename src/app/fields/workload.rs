//! Fields of a client's generated operations.

use super::{Field, FieldsAt, labelled, latency, messaging};
use crate::scenario::{Arrivals, Keys, Scenario, Workload};
use crate::text;
use serde_json::json;

/// Returns the fields of the workload of the client `own`.
pub(super) fn fields(at: &FieldsAt, workload: &Workload, scenario: &Scenario, own: &str) -> Vec<Field> {
    let mut fields = arrivals(at, &workload.arrivals, scenario, own);
    fields.extend(keys(at, &workload.keys));
    let help = text!(
        "Each write reads, then compares and sets. If another write came between, it tries again after this wait."
    );
    let (optimistic, waits) =
        messaging::backoff(at, "optimistic", text!("Optimistic writes"), workload.optimistic.as_ref(), help);
    fields.push(optimistic);
    fields.extend(waits);
    fields.push(at.percent(
        "read_share",
        text!("Reads"),
        workload.read_share,
        text!("The share of reads. The others are writes, each of another number."),
    ));
    fields.push(at.number("from_ms", text!("From"), "ms", workload.from_ms, text!("When the workload starts.")));
    fields.push(at.optional(
        "until_ms",
        text!("Until"),
        "ms",
        workload.until_ms,
        text!("When the workload ends; empty: at the end of the run."),
    ));
    fields
}

fn arrivals(at: &FieldsAt, arrivals: &Arrivals, scenario: &Scenario, own: &str) -> Vec<Field> {
    let clients: Vec<String> =
        scenario.clients.iter().filter(|client| client.id != own).map(|client| client.id.clone()).collect();
    let mut choices = vec![
        ("Poisson", json!({ "poisson": { "per_second": 2 } })),
        (text!("periodic"), json!({ "periodic": { "every_ms": 500 } })),
        (text!("closed"), json!({ "closed": { "think": { "exponential": { "mean_ms": 500 } } } })),
    ];
    if let Some(other) = clients.first() {
        choices.push((text!("after another's write"), json!({ "after": { "client": other, "ms": 10 } })));
    }
    let place = at.to("arrivals");
    let (chosen, details) = match arrivals {
        Arrivals::Poisson { per_second } => (
            "Poisson",
            vec![place.to("poisson").number(
                "per_second",
                text!("Rate"),
                "/s",
                *per_second,
                text!("The mean rate of each session."),
            )],
        ),
        Arrivals::Periodic { every_ms } => (
            text!("periodic"),
            vec![place.to("periodic").number(
                "every_ms",
                text!("Every"),
                "ms",
                *every_ms,
                text!("The time between two operations."),
            )],
        ),
        Arrivals::After { client, ms } => {
            let place = place.to("after");
            let client = place.id(
                "client",
                text!("Client"),
                labelled(scenario, clients.clone()),
                client,
                text!("The client whose acknowledged writes it follows."),
            );
            (
                text!("after another's write"),
                vec![
                    client,
                    place.number("ms", text!("After"), "ms", *ms, text!("How long after the acknowledgement.")),
                ],
            )
        }
        Arrivals::Closed { think } => {
            (text!("closed"), latency::fields(&place.to("closed"), "think", text!("Think time"), think))
        }
    };
    let help =
        text!("Open workloads do not wait for replies. A closed one waits for the reply and then for the think time.");
    let mut fields = vec![at.choice("arrivals", text!("Arrivals"), choices, chosen, help)];
    fields.extend(details);
    fields
}

fn keys(at: &FieldsAt, keys: &Keys) -> Vec<Field> {
    let choices = vec![
        (text!("one"), json!({ "one": { "key": "widget" } })),
        (text!("uniform"), json!({ "uniform": { "prefix": "item", "count": 10 } })),
        ("Zipf", json!({ "zipf": { "prefix": "item", "count": 10, "exponent": 1 } })),
    ];
    let place = at.to("keys");
    let many = |at: &FieldsAt, prefix: &str, count: u32| {
        let prefix = at.text("prefix", text!("Prefix"), prefix, text!("The beginning of each key; a number follows."));
        vec![prefix, at.number("count", text!("Number of keys"), "", count, text!("How many keys there are."))]
    };
    let (chosen, details) = match keys {
        Keys::One { key } => {
            (text!("one"), vec![place.to("one").text("key", text!("Key"), key, text!("Always the same."))])
        }
        Keys::Uniform { prefix, count } => (text!("uniform"), many(&place.to("uniform"), prefix, *count)),
        Keys::Zipf { prefix, count, exponent } => {
            let place = place.to("zipf");
            let mut fields = many(&place, prefix, *count);
            fields.push(place.number(
                "exponent",
                text!("Exponent"),
                "",
                *exponent,
                text!("0 is uniform, 1 is Zipf's law."),
            ));
            ("Zipf", fields)
        }
    };
    let mut fields = vec![at.choice("keys", text!("Keys"), choices, chosen, text!("The key of each operation."))];
    fields.extend(details);
    fields
}
