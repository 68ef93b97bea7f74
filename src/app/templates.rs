//! Templates: parts of a system that are added to the drawing as one.

use super::edit;
use super::texts::Text;
use crate::scenario::Scenario;
use std::collections::BTreeSet;

/// A part of a system.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub label: Text,
    /// A document with its cards.
    document: &'static str,
}

/// All templates.
pub static TEMPLATES: &[Template] = &[
    Template { id: "outbox", label: Text::new("service with outbox, bus and subscriber"), document: OUTBOX },
    Template { id: "quorum", label: Text::new("quorum of five replicas"), document: QUORUM },
    Template { id: "regions", label: Text::new("three regions with a replica each"), document: REGIONS },
    Template { id: "workers", label: Text::new("consumer group of three workers"), document: WORKERS },
];

const OUTBOX: &str = r#"{ "converge": 1,
  "services": [
    { "id": "orders", "name": "Orders", "position": [0, 0], "data": { "order": 1 }, "publishes": [{ "to": "events", "mode": { "outbox": { "poll_ms": 100, "batch": 100 } } }] },
    { "id": "shipping", "name": "Shipping", "position": [620, 0], "data": { "order": 1 }, "subscribes": [{ "to": "events" }] }
  ],
  "buses": [{ "id": "events", "name": "Events", "position": [310, 0] }],
  "links": [
    { "from": "orders", "to": "events", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "events", "to": "shipping", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } }
  ] }"#;

const QUORUM: &str = r#"{ "converge": 1,
  "services": [
    { "id": "r1", "name": "Replica 1", "position": [0, 180], "data": { "item": 1 } }, { "id": "r2", "name": "Replica 2", "position": [280, 0], "data": { "item": 1 } },
    { "id": "r3", "name": "Replica 3", "position": [560, 180], "data": { "item": 1 } }, { "id": "r4", "name": "Replica 4", "position": [420, 360], "data": { "item": 1 } },
    { "id": "r5", "name": "Replica 5", "position": [140, 360], "data": { "item": 1 } }
  ],
  "groups": [{ "id": "quorum", "name": "Quorum", "members": ["r1", "r2", "r3", "r4", "r5"], "protocol": { "quorum": { "read": 3, "write": 3 } } }],
  "clients": [{ "id": "client", "name": "Client", "position": [-290, 180], "target": "quorum" }],
  "links": [
    { "from": "r1", "to": "r2", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r1", "to": "r3", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r1", "to": "r4", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r1", "to": "r5", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r2", "to": "r3", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r2", "to": "r4", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r2", "to": "r5", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r3", "to": "r4", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r3", "to": "r5", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "r4", "to": "r5", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "client", "to": "r1", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "client", "to": "r2", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "client", "to": "r3", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "client", "to": "r4", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "client", "to": "r5", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } }
  ] }"#;

const REGIONS: &str = r#"{ "converge": 1,
  "services": [
    { "id": "eu", "name": "Europe", "position": [0, 0], "data": { "item": 1 } }, { "id": "us", "name": "America", "position": [340, 0], "data": { "item": 1 } },
    { "id": "asia", "name": "Asia", "position": [170, 220], "data": { "item": 1 } }
  ],
  "groups": [{ "id": "table", "name": "Global table", "members": ["eu", "us", "asia"], "protocol": { "quorum": { "read": 1, "write": 1 } } }],
  "regions": [
    { "id": "eu-west", "name": "Europe", "nodes": ["eu"], "latency": [{ "to": "us-east", "latency": { "constant": { "ms": 80 } } }, { "to": "ap-south", "latency": { "constant": { "ms": 120 } } }] },
    { "id": "us-east", "name": "America", "nodes": ["us"], "latency": [{ "to": "eu-west", "latency": { "constant": { "ms": 80 } } }, { "to": "ap-south", "latency": { "constant": { "ms": 200 } } }] },
    { "id": "ap-south", "name": "Asia", "nodes": ["asia"], "latency": [{ "to": "eu-west", "latency": { "constant": { "ms": 120 } } }, { "to": "us-east", "latency": { "constant": { "ms": 200 } } }] }
  ] }"#;

const WORKERS: &str = r#"{ "converge": 1,
  "services": [
    { "id": "producer", "name": "Producer", "position": [0, 160], "data": { "job": 1 }, "publishes": [{ "to": "jobs" }] },
    { "id": "w1", "name": "Worker 1", "position": [620, 0], "data": { "job": 1 }, "subscribes": [{ "to": "jobs", "group": "workers" }] },
    { "id": "w2", "name": "Worker 2", "position": [620, 160], "data": { "job": 1 }, "subscribes": [{ "to": "jobs", "group": "workers" }] },
    { "id": "w3", "name": "Worker 3", "position": [620, 320], "data": { "job": 1 }, "subscribes": [{ "to": "jobs", "group": "workers" }] }
  ],
  "buses": [{ "id": "jobs", "name": "Jobs", "position": [310, 160], "topics": [{ "name": "jobs", "partitions": 3 }] }],
  "links": [
    { "from": "producer", "to": "jobs", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "jobs", "to": "w1", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "jobs", "to": "w2", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } },
    { "from": "jobs", "to": "w3", "latency": { "uniform": { "low_ms": 300, "high_ms": 600 } } }
  ] }"#;

/// Returns the template with this id.
pub fn find(id: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.id == id)
}

impl Template {
    /// Returns the drawing with the template's cards, moved by `by`, and the ids of these cards.
    ///
    /// # Errors
    /// Why the drawing would be invalid.
    pub fn add_to(&self, scenario: &Scenario, by: [i32; 2]) -> Result<(Scenario, Vec<String>), String> {
        let part = Scenario::from_json(self.document).map_err(|errors| errors[0].to_string())?;
        let services = part.services.iter().map(|node| node.id.clone());
        let buses = part.buses.iter().map(|node| node.id.clone());
        let nodes: BTreeSet<String> =
            services.chain(buses).chain(part.clients.iter().map(|node| node.id.clone())).collect();
        edit::copy_into(scenario, &part, &nodes, by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::TestPage;
    use crate::app::model::{DocumentMsg, LiveMsg, Msg, PlaybackMsg};

    #[test]
    fn every_template_can_be_added_twice_to_any_drawing() {
        for template in TEMPLATES {
            let (once, new) = template.add_to(&Scenario::first(), [0, 400]).expect(template.id);
            let (twice, again) = template.add_to(&once, [0, 800]).expect(template.id);
            assert_eq!(twice.services.len() - once.services.len(), once.services.len() - 2, "{}", template.id);
            assert!(new.iter().all(|id| !again.contains(id)), "{}", template.id);
        }
    }

    #[test]
    fn every_copy_of_a_template_has_data_and_is_consistent_on_arrival() {
        for template in TEMPLATES {
            let mut page = TestPage::new();
            page.update(Msg::Document(DocumentMsg::OpenEmpty));
            page.update(Msg::Document(DocumentMsg::AddTemplate(template.id.into())));
            assert_eq!(page.model.run.summary.stale, 0, "{}", template.id);
            for service in &page.model.run.services {
                assert_eq!(service.rows.len(), 1, "{}", template.id);
            }
            page.update(Msg::Live(LiveMsg::Publish));
            page.update(Msg::Playback(PlaybackMsg::Seek(9_000_000)));
            for row in page.model.run.services.iter().flat_map(|service| &service.rows) {
                assert!(row.value.is_some(), "{}: a copy is empty", template.id);
            }
        }
    }

    #[test]
    fn groups_and_regions_of_a_template_come_with_its_cards() {
        let (scenario, _) = find("regions").expect("it exists").add_to(&Scenario::default(), [0, 0]).expect("valid");
        assert_eq!((scenario.groups.len(), scenario.groups[0].members.len(), scenario.regions.len()), (1, 3, 3));
        let (scenario, _) = find("quorum").expect("it exists").add_to(&Scenario::default(), [0, 0]).expect("valid");
        assert_eq!(scenario.clients[0].target, scenario.groups[0].id);
    }
}
