//! Links and regions: settings between nodes that exchange no messages.

use super::Warnings;
use crate::language::{phrase, sentence};
use crate::scenario::Scenario;
use std::collections::BTreeSet;

/// Returns the pairs of nodes that exchange messages, besides the members of a group and its clients.
pub(super) fn pairs(scenario: &Scenario) -> BTreeSet<(&str, &str)> {
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for service in &scenario.services {
        let id = service.id.as_str();
        pairs.extend(service.calls.iter().map(|call| (id, call.to.as_str())));
        pairs.extend(service.publishes.iter().map(|publication| (id, publication.to.as_str())));
        pairs.extend(service.subscribes.iter().map(|subscription| (id, subscription.to.as_str())));
    }
    for client in &scenario.clients {
        pairs.push((&client.id, &client.target));
        pairs.extend(client.reads_from.as_deref().map(|to| (client.id.as_str(), to)));
    }
    let mut both = BTreeSet::new();
    both.extend(pairs.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]));
    both
}

impl Warnings<'_> {
    pub(super) fn network(&mut self) {
        let scenario = self.scenario;
        for (i, link) in scenario.links.iter().enumerate() {
            self.link(&format!("links[{i}]"), &link.from, &link.to);
        }
        for (i, region) in scenario.regions.iter().enumerate() {
            let mut seen = BTreeSet::new();
            for (j, latency) in region.latency.iter().enumerate() {
                if !seen.insert(&latency.to) {
                    let to = &latency.to;
                    let why =
                        sentence!("an earlier entry is for `{to}` too", "ein früherer Eintrag gilt auch für `{to}`");
                    self.no_effect(format!("regions[{i}].latency[{j}]"), &why);
                }
            }
        }
    }

    /// Warns of a link over which no message is sent.
    pub(super) fn link(&mut self, path: &str, from: &str, to: &str) {
        let group = |id: &str| self.group_of(id).map(|group| group.id.as_str());
        let is_client_of =
            |client: &str, member: &str| group(member).is_some_and(|id| self.pairs.contains(&(client, id)));
        let exchange = self.pairs.contains(&(from, to))
            || (group(from).is_some() && group(from) == group(to))
            || is_client_of(from, to)
            || is_client_of(to, from);
        if !exchange {
            let why = sentence!(
                "`{from}` and `{to}` exchange no messages",
                "`{from}` und `{to}` tauschen keine Nachrichten aus"
            );
            self.no_effect(path, &why);
        }
    }

    /// Warns of a partition that has fewer than two sides.
    pub(super) fn sides(&mut self, path: &str, groups: &[Vec<String>]) {
        if groups.iter().filter(|group| !group.is_empty()).count() < 2 {
            let why = phrase(
                "fewer than two groups have nodes, so no link is cut",
                "weniger als zwei Gruppen haben Knoten, also wird keine Verbindung unterbrochen",
            );
            self.no_effect(path, why);
        }
    }
}
