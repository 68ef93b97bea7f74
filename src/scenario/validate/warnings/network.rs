//! Links and regions: settings between nodes that exchange no messages.

use super::{Warnings, awaits_acknowledgement};
use crate::language::{phrase, sentence};
use crate::scenario::{Acknowledge, Attachment, Command, Group, Protocol, Publication, Scenario, Subscription};
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
            let mut listed = BTreeSet::new();
            for (j, latency) in region.latency.iter().enumerate() {
                if !listed.insert(&latency.to) {
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
        if !self.exchange(from, to) {
            let why = sentence!(
                "`{from}` and `{to}` exchange no messages",
                "`{from}` und `{to}` tauschen keine Nachrichten aus"
            );
            self.no_effect(path, &why);
        }
    }

    /// Warns of a fault of a link, or of one direction of it, over which no message is sent.
    pub(super) fn faulty_link(&mut self, path: &str, from: &str, to: &str, one_way: bool) {
        if one_way && self.exchange(from, to) && !self.sends(from, to) {
            let why = sentence!("`{from}` sends no messages to `{to}`", "`{from}` sendet `{to}` keine Nachrichten");
            return self.no_effect(path, &why);
        }
        self.link(path, from, to);
    }

    /// Returns whether two nodes exchange messages, as far as that is certain.
    fn exchange(&self, one: &str, other: &str) -> bool {
        let group = |id: &str| self.group_of(id).map(|group| group.id.as_str());
        let is_client_of =
            |client: &str, member: &str| group(member).is_some_and(|id| self.pairs.contains(&(client, id)));
        self.pairs.contains(&(one, other))
            || self.group_of(one).is_some_and(|group| self.replicate(group, one, other))
            || is_client_of(one, other)
            || is_client_of(other, one)
    }

    /// Returns whether two nodes are members of a group, and send messages to each other.
    fn replicate(&self, group: &Group, one: &str, other: &str) -> bool {
        let place = |id: &str| group.members.iter().position(|member| member == id);
        let Some((one, other)) = place(one).zip(place(other)) else { return false };
        // A member that handles an event sends the write to the member that executes it.
        let handles_events =
            || group.members.iter().any(|id| self.service(id).is_some_and(|member| !member.subscribes.is_empty()));
        match &group.protocol {
            Protocol::Chain => one.abs_diff(other) == 1 || handles_events(),
            Protocol::Primary(primary) if primary.failover_ms.is_none() => one == 0 || other == 0,
            Protocol::Primary(_)
            | Protocol::Quorum(_)
            | Protocol::Raft(_)
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => true,
        }
    }

    /// Returns whether one of two nodes that exchange messages sends any to the other, as far as that is certain.
    fn sends(&self, from: &str, to: &str) -> bool {
        if let Some((bus, service)) = self.buses.get(from).zip(self.service(to)) {
            // A bus replies to publishers that await its acknowledgement.
            let is_answered =
                |publication: &Publication| publication.to == bus.id && awaits_acknowledgement(publication);
            let subscribes = service.subscribes.iter().any(|subscription| subscription.to == bus.id);
            return subscribes || service.publishes.iter().any(is_answered);
        }
        if let Some((service, bus)) = self.service(from).zip(self.buses.get(to)) {
            let replies = |subscription: &Subscription| subscription.to == bus.id && self.sends_to_bus(subscription);
            let publishes = service.publishes.iter().any(|publication| publication.to == bus.id);
            return publishes || service.subscribes.iter().any(replies);
        }
        true
    }

    /// Returns whether a consumer sends its bus anything: it acknowledges, polls, sends heartbeats, or may have to connect again.
    fn sends_to_bus(&self, subscription: &Subscription) -> bool {
        let served = self.consumer_groups.as_served(subscription);
        let is_silent = match served.attachment() {
            Attachment::Connection(connection) => connection.heartbeat_ms.is_none(),
            Attachment::Polling(_) => false,
        };
        let stops = |command: &Command| {
            matches!(command, Command::Crash { .. } | Command::StopBus { .. } | Command::StopBroker { .. })
        };
        subscription.acknowledge != Acknowledge::Never
            || served.session.is_some()
            || !is_silent
            || self.scenario.script.iter().any(|step| stops(&step.command))
    }

    /// Warns of a partition between nodes that exchange no messages.
    pub(super) fn partition(&mut self, path: &str, groups: &[Vec<String>]) {
        let sides = || groups.iter().enumerate();
        let is_cut = |(at, one): (usize, &Vec<String>)| {
            let others = sides().filter(|(other, _)| *other > at).flat_map(|(_, nodes)| nodes);
            one.iter().any(|from| others.clone().any(|to| self.exchange(from, to)))
        };
        let has_effect = sides().any(is_cut);
        self.sides(path, groups);
        if !has_effect {
            let why = phrase(
                "no nodes of different groups exchange messages",
                "keine Knoten verschiedener Gruppen tauschen Nachrichten aus",
            );
            self.no_effect(path, why);
        }
    }

    /// Warns of a partition that has fewer than two sides.
    fn sides(&mut self, path: &str, groups: &[Vec<String>]) {
        if groups.iter().filter(|group| !group.is_empty()).count() < 2 {
            let why = phrase(
                "fewer than two groups have nodes, so no link is cut",
                "weniger als zwei Gruppen haben Knoten, also wird keine Verbindung unterbrochen",
            );
            self.no_effect(path, why);
        }
    }
}
