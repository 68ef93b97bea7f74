//! Fields of regions.

use super::{FieldsAt, Section, labelled, latency, node_ids, service_ids};
use crate::scenario::{Region, Scenario};
use crate::text;
use serde_json::json;

/// Returns the sections of the regions, each with its latencies.
pub(super) fn sections(scenario: &Scenario) -> Vec<Section> {
    let place = FieldsAt::new(&["regions"]);
    let ids: Vec<String> = scenario.regions.iter().map(|region| region.id.clone()).collect();
    let name = |region: &Region| if region.name.is_empty() { region.id.clone() } else { region.name.clone() };
    let regions: Vec<(String, String)> =
        scenario.regions.iter().map(|region| (name(region), region.id.clone())).collect();
    let mut sections = Vec::new();
    for (i, region) in scenario.regions.iter().enumerate() {
        let at = place.to(i);
        let mut fields = vec![
            at.text("name", text!("Name"), &region.name, text!("The name on the page; empty: the id.")),
            at.ids(
                "nodes",
                text!("Nodes"),
                labelled(scenario, node_ids(scenario)),
                &region.nodes,
                text!("The services, buses and clients in the region."),
            ),
        ];
        for (j, latency) in region.latency.iter().enumerate() {
            let at = at.to("latency").to(j);
            fields.push(at.id(
                "to",
                text!("To region"),
                regions.clone(),
                &latency.to,
                text!("The other region, or the same one for links inside it."),
            ));
            fields.extend(latency::fields(&at, "latency", text!("Latency"), &latency.latency));
        }
        let to = ids.iter().find(|id| !region.latency.iter().any(|latency| latency.to == **id));
        let item = json!({ "to": to.unwrap_or(&region.id), "latency": { "constant": { "ms": 80 } } });
        let adders = vec![at.to("latency").adder(text!("Add latency to a region"), item)];
        let title = text!("Region {}", name(region));
        sections.push(Section { title, fields, remove: Some(at.0), adders });
    }
    let free =
        service_ids(scenario).into_iter().find(|id| !scenario.regions.iter().any(|region| region.nodes.contains(id)));
    let item = json!({ "id": format!("region-{}", ids.len() + 1), "nodes": free.into_iter().collect::<Vec<_>>() });
    sections.push(Section {
        title: text!("Regions").into(),
        adders: vec![place.adder(text!("Add region"), item)],
        ..Section::default()
    });
    sections
}
