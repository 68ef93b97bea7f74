//! References: ids are unique, and every reference names an existing part of the right kind.

use super::checker::{Checker, MAX_NAME_LENGTH};
use crate::language::{phrase, sentence};
use crate::scenario::error::shortened;
use crate::scenario::{Bus, Forward, Group, Promise, Scenario, Service, Subscription, Value};
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    Bus,
    Client,
    Group,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Service => phrase("service", "Service"),
            Kind::Bus => phrase("bus", "Bus"),
            Kind::Client => phrase("client", "Client"),
            Kind::Group => phrase("replica group", "Replikatgruppe"),
        }
    }
}

/// The parts of a scenario by id.
pub(super) struct Nodes<'a> {
    /// The kind of each id, and its index in the list of that kind.
    by_id: BTreeMap<&'a str, (Kind, usize)>,
    scenario: &'a Scenario,
}

impl<'a> Nodes<'a> {
    fn index(&self, id: &str, kind: Kind) -> Option<usize> {
        self.by_id.get(id).filter(|(found, _)| *found == kind).map(|(_, index)| *index)
    }

    /// Returns the service with an id, and its index.
    pub(super) fn service(&self, id: &str) -> Option<(usize, &'a Service)> {
        self.index(id, Kind::Service).map(|i| (i, &self.scenario.services[i]))
    }

    pub(super) fn bus(&self, id: &str) -> Option<&'a Bus> {
        self.index(id, Kind::Bus).map(|i| &self.scenario.buses[i])
    }

    pub(super) fn group(&self, id: &str) -> Option<&'a Group> {
        self.index(id, Kind::Group).map(|i| &self.scenario.groups[i])
    }

    /// Returns the topic that a publication or subscription names; the default topic if it names none or an unknown one.
    fn topic(&self, bus: &'a str, topic: Option<&str>) -> (&'a str, usize) {
        let topics = self.bus(bus).map(|bus| bus.topics.as_slice()).unwrap_or_default();
        (bus, topics.iter().position(|other| topic == Some(other.name.as_str())).unwrap_or(0))
    }

    /// Returns a hint if a similar id exists.
    fn suggestion(&self, id: &str, kind: Option<Kind>) -> String {
        let of_kind = self.by_id.iter().filter(|(_, (other, _))| kind.is_none_or(|kind| kind == *other));
        let distances = of_kind.map(|(other, _)| (distance(id, other), other));
        match distances.filter(|(distance, _)| *distance <= 2.min(id.len() / 2)).min() {
            Some((_, other)) => sentence!("; did you mean `{other}`?", "; meinst du `{other}`?"),
            None => String::new(),
        }
    }
}

impl Checker {
    pub(super) fn references(&mut self, scenario: &Scenario) {
        let nodes = self.ids(scenario);
        let before = self.errors.len();
        self.service_references(scenario, &nodes);
        for (i, client) in scenario.clients.iter().enumerate() {
            if let Some(id) = &client.reads_from {
                self.refers(&format!("clients[{i}].reads_from"), id, Kind::Service, &nodes);
            }
        }
        self.groups(scenario, &nodes);
        self.link_references(scenario, &nodes);
        self.script_references(scenario, &nodes);
        if self.errors.len() == before {
            self.call_cycles(scenario);
            if let Some(start) = scenario.forwarding_cycle() {
                let problem = sentence!(
                    "an event that `{}` forwards returns to it: it would be forwarded without end",
                    "ein Event, das `{}` weiterleitet, kehrt dorthin \
                     zurück: es würde ohne Ende weitergeleitet",
                    scenario.services[start].id
                );
                self.error(format!("services[{start}].publishes"), problem);
            }
            self.initial_copies(scenario, &nodes);
        }
    }

    pub(super) fn ids<'a>(&mut self, scenario: &'a Scenario) -> Nodes<'a> {
        let services = scenario.services.iter().enumerate().map(|(i, s)| ("services", i, s.id.as_str(), Kind::Service));
        let buses = scenario.buses.iter().enumerate().map(|(i, b)| ("buses", i, b.id.as_str(), Kind::Bus));
        let clients = scenario.clients.iter().enumerate().map(|(i, c)| ("clients", i, c.id.as_str(), Kind::Client));
        let groups = scenario.groups.iter().enumerate().map(|(i, g)| ("groups", i, g.id.as_str(), Kind::Group));
        let mut by_id = BTreeMap::new();
        for (list, i, id, kind) in services.chain(buses).chain(clients).chain(groups) {
            let path = format!("{list}[{i}].id");
            let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            if id.is_empty() || id.chars().count() > MAX_NAME_LENGTH || !id.chars().all(is_allowed) {
                self.error(
                    &path,
                    sentence!(
                        "must have 1 to 80 letters, digits, `_`, `-` and `.`, not `{}`",
                        "muss 1 bis 80 Buchstaben, Ziffern, `_`, `-` und `.` haben, nicht `{}`",
                        shortened(id)
                    ),
                );
            }
            if by_id.insert(id, (kind, i)).is_some() {
                self.error(
                    &path,
                    sentence!(
                        "another node already has the id `{}`",
                        "ein anderer Knoten hat schon die Id `{}`",
                        shortened(id)
                    ),
                );
            }
        }
        Nodes { by_id, scenario }
    }

    pub(super) fn refers(&mut self, path: &str, id: &str, kind: Kind, nodes: &Nodes) {
        match nodes.by_id.get(id) {
            Some((found, _)) if *found == kind => {}
            Some((found, _)) => {
                self.error(
                    path,
                    sentence!(
                        "must be the id of a {}; `{id}` is a {}",
                        "erwartet wird die Id von: {}; `{id}` ist: {}",
                        kind.name(),
                        found.name()
                    ),
                );
            }
            None => {
                let suggestion = nodes.suggestion(id, Some(kind));
                self.error(
                    path,
                    sentence!(
                        "no {} has the id `{id}`{suggestion}",
                        "{} mit der Id `{id}` gibt es nicht{suggestion}",
                        kind.name()
                    ),
                );
            }
        }
    }

    fn service_references<'a>(&mut self, scenario: &'a Scenario, nodes: &Nodes<'a>) {
        for (i, service) in scenario.services.iter().enumerate() {
            let mut called = BTreeSet::new();
            for (j, call) in service.calls.iter().enumerate() {
                let path = format!("services[{i}].calls[{j}].to");
                self.refers(&path, &call.to, Kind::Service, nodes);
                if !called.insert(&call.to) {
                    self.error(
                        &path,
                        sentence!("`{}` already calls `{}`", "`{}` ruft `{}` schon auf", service.id, call.to),
                    );
                }
            }
            let mut published = BTreeSet::new();
            for (j, publication) in service.publishes.iter().enumerate() {
                let path = format!("services[{i}].publishes[{j}]");
                self.topic(&path, &publication.to, publication.topic.as_deref(), nodes);
                if let Some(forward) = &publication.forward {
                    self.forward(&format!("{path}.forward"), service, forward, nodes);
                }
                if !published.insert(nodes.topic(&publication.to, publication.topic.as_deref())) {
                    self.error(
                        &path,
                        sentence!(
                            "`{}` already publishes to this topic of `{}`",
                            "`{}` veröffentlicht schon auf diesem Topic von `{}`",
                            service.id,
                            publication.to
                        ),
                    );
                }
            }
            let mut subscribed = BTreeSet::new();
            for (j, subscription) in service.subscribes.iter().enumerate() {
                let path = format!("services[{i}].subscribes[{j}]");
                self.topic(&path, &subscription.to, subscription.topic.as_deref(), nodes);
                if !subscribed.insert(nodes.topic(&subscription.to, subscription.topic.as_deref())) {
                    self.error(
                        &path,
                        sentence!(
                            "`{}` already subscribes to this topic of `{}`",
                            "`{}` hat dieses Topic von `{}` schon abonniert",
                            service.id,
                            subscription.to
                        ),
                    );
                }
            }
        }
    }

    /// Checks which events a service forwards.
    fn forward(&mut self, path: &str, service: &Service, forward: &Forward, nodes: &Nodes) {
        if let Some(from) = &forward.from {
            self.refers(&format!("{path}.from"), from, Kind::Bus, nodes);
        }
        if let Some(key) = &forward.key {
            self.key(&format!("{path}.key"), key);
        }
        if !service.subscribes.iter().any(|subscription| forward.includes(&subscription.to)) {
            let problem = sentence!(
                "has no effect: `{}` does not subscribe to events that it could forward",
                "hat keine Wirkung: `{}` abonniert keine Events, die weitergeleitet werden könnten",
                service.id
            );
            self.error(path, problem);
        }
        let mut groups = nodes.scenario.groups.iter();
        if groups.any(|group| group.members.contains(&service.id)) {
            self.error(
                path,
                phrase(
                    "must be absent for a member of a replica group, which publishes the group's writes",
                    "muss bei einem Mitglied einer Replikatgruppe fehlen, \
                     das die Schreibvorgänge der Gruppe veröffentlicht",
                ),
            );
        }
    }

    /// Checks the bus and the topic of a publication or subscription.
    fn topic(&mut self, path: &str, bus: &str, topic: Option<&str>, nodes: &Nodes) {
        self.refers(&format!("{path}.to"), bus, Kind::Bus, nodes);
        let (Some(bus), Some(topic)) = (nodes.bus(bus), topic) else { return };
        let is_default = bus.topics.is_empty() && topic == bus.id;
        let exists = is_default || bus.topics.iter().any(|other| other.name == topic);
        if !exists {
            let names: Vec<String> = bus.topics.iter().map(|topic| format!("`{}`", topic.name)).collect();
            let has = if names.is_empty() { format!("only `{}`", bus.id) } else { names.join(", ") };
            self.error(
                format!("{path}.topic"),
                sentence!(
                    "`{}` has no topic `{topic}`; it has {has}",
                    "`{}` hat kein Topic `{topic}`; vorhanden: {has}",
                    bus.id
                ),
            );
        }
    }

    pub(super) fn node_exists(&mut self, path: &str, id: &str, nodes: &Nodes) {
        match nodes.by_id.get(id) {
            Some((Kind::Group, _)) => {
                self.error(
                    path,
                    sentence!(
                        "must be the id of a node; `{id}` is a replica group, whose members have ids",
                        "muss die Id eines Knotens sein; `{id}` ist eine \
                         Replikatgruppe, deren Mitglieder Ids haben"
                    ),
                );
            }
            Some((Kind::Service | Kind::Bus | Kind::Client, _)) => {}
            None => self.error(
                path,
                sentence!("no node has the id `{id}`{}", "kein Knoten hat die Id `{id}`{}", nodes.suggestion(id, None)),
            ),
        }
    }

    pub(super) fn link_ends(&mut self, path: &str, from: &str, to: &str, nodes: &Nodes) {
        self.node_exists(&format!("{path}.from"), from, nodes);
        self.node_exists(&format!("{path}.to"), to, nodes);
        if from == to {
            self.error(
                format!("{path}.to"),
                sentence!("must be another node than `{from}`", "muss ein anderer Knoten als `{from}` sein"),
            );
        }
    }

    fn link_references(&mut self, scenario: &Scenario, nodes: &Nodes) {
        let mut listed = BTreeSet::new();
        for (i, link) in scenario.links.iter().enumerate() {
            let path = format!("links[{i}]");
            self.link_ends(&path, &link.from, &link.to, nodes);
            if !listed.insert((&link.from, &link.to)) {
                self.error(
                    &path,
                    sentence!(
                        "the link from `{}` to `{}` is listed twice",
                        "die Verbindung von `{}` nach `{}` ist doppelt aufgeführt",
                        link.from,
                        link.to
                    ),
                );
            }
        }
    }

    fn script_references(&mut self, scenario: &Scenario, nodes: &Nodes) {
        for (i, step) in scenario.script.iter().enumerate() {
            self.command_references(&format!("script[{i}].do"), &step.command, nodes);
        }
        for (i, promise) in scenario.promises.iter().enumerate() {
            match promise {
                Promise::Stale { service, key } => self.copy_promised(i, "stale", service, key, nodes),
                Promise::Diverged { service, key } => self.copy_promised(i, "diverged", service, key, nodes),
                Promise::Consistent { service, key } => self.copy_promised(i, "consistent", service, key, nodes),
                Promise::Conflicted { service, key } => self.copy_promised(i, "conflicted", service, key, nodes),
                Promise::Converged | Promise::AllOperationsOk | Promise::NoStaleReads | Promise::LostUpdates { .. } => {
                }
            }
        }
    }

    fn copy_promised(&mut self, i: usize, name: &str, service: &str, key: &str, nodes: &Nodes) {
        self.refers(&format!("promises[{i}].{name}.service"), service, Kind::Service, nodes);
        self.key(&format!("promises[{i}].{name}.key"), key);
    }

    /// Checks that no chain of calls returns to its start, where it would wait for itself.
    fn call_cycles(&mut self, scenario: &Scenario) {
        let callees: LiteMap<&str, Vec<&str>> = scenario
            .services
            .iter()
            .map(|service| (service.id.as_str(), service.calls.iter().map(|call| call.to.as_str()).collect()))
            .collect();
        let mut finished = BTreeSet::new();
        let mut on_path = BTreeSet::new();
        for (i, service) in scenario.services.iter().enumerate() {
            // Depth first without recursion, because a chain can be as long as the list of services.
            let mut path = vec![(service.id.as_str(), 0)];
            while let Some((id, next)) = path.pop() {
                if finished.contains(id) {
                    continue;
                }
                on_path.insert(id);
                let Some(&callee) = callees.get(id).and_then(|callees| callees.get(next)) else {
                    on_path.remove(id);
                    finished.insert(id);
                    continue;
                };
                path.push((id, next + 1));
                if on_path.contains(callee) {
                    let start = path.iter().position(|(id, _)| *id == callee).unwrap_or_default();
                    let cycle: Vec<&str> = path[start..].iter().map(|(id, _)| *id).chain([callee]).collect();
                    return self.error(
                        format!("services[{i}].calls"),
                        sentence!(
                            "the calls form a cycle: {}",
                            "die Aufrufe bilden einen Kreis: {}",
                            cycle.join(" → ")
                        ),
                    );
                }
                path.push((callee, 0));
            }
        }
    }

    /// Checks that copies of a key are equal at the start or absent. Both have version 1, so other values could never be
    /// distinguished.
    fn initial_copies<'a>(&mut self, scenario: &'a Scenario, nodes: &Nodes<'a>) {
        let group_by_member: LiteMap<&str, &Group> =
            scenario.groups.iter().flat_map(|group| group.members.iter().map(move |id| (id.as_str(), group))).collect();
        for group in &scenario.groups {
            // Of each key, the first value and the member that has it.
            let mut first_values: LiteMap<&str, (&Value, &str)> = LiteMap::new();
            for (i, service) in group.members.iter().filter_map(|id| nodes.service(id)) {
                for (key, value) in &service.data {
                    let (first, member) = *first_values.entry(key).or_insert((value, &service.id));
                    if first != value {
                        let problem = sentence!(
                            "must be {first}, as at `{member}` of the same group, or absent, not {value}",
                            "muss {first} sein, wie bei `{member}` derselben Gruppe, oder fehlen, nicht {value}"
                        );
                        self.error(format!("services[{i}].data.{key}"), problem);
                    }
                }
            }
        }
        let topic = |subscription: &'a Subscription| nodes.topic(&subscription.to, subscription.topic.as_deref());
        let mut subscribers: LiteMap<(&str, usize), Vec<&str>> = LiteMap::new();
        for service in &scenario.services {
            for subscription in &service.subscribes {
                subscribers.entry(topic(subscription)).or_default().push(&service.id);
            }
        }
        for service in scenario.services.iter().filter(|service| !service.data.is_empty()) {
            let callees = service.calls.iter().filter(|call| call.operation.is_none()).map(|call| call.to.as_str());
            let topics = service.publishes.iter().map(|publication| {
                let topic = nodes.topic(&publication.to, publication.topic.as_deref());
                subscribers.get(&topic).map(Vec::as_slice).unwrap_or_default()
            });
            // All members of a group apply the events that one of them receives.
            let mut holders = BTreeSet::new();
            for id in callees.chain(topics.flatten().copied()) {
                match group_by_member.get(id) {
                    Some(group) => holders.extend(group.members.iter().filter_map(|id| nodes.index(id, Kind::Service))),
                    None => holders.extend(nodes.index(id, Kind::Service)),
                }
            }
            for i in holders {
                for (key, value) in &scenario.services[i].data {
                    if let Some(original) = service.data.get(key).filter(|original| *original != value) {
                        let problem = sentence!(
                            "must be {original}, as at `{}`, or absent, not {value}",
                            "muss {original} sein, wie bei `{}`, oder fehlen, nicht {value}",
                            service.id
                        );
                        self.error(format!("services[{i}].data.{key}"), problem);
                    }
                }
            }
        }
    }
}

/// Returns the edit distance (Levenshtein) of two ids.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}
