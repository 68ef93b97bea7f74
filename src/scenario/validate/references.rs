//! Ids are unique, and whatever names another part names one that is there and fits.

use super::{Checker, LONGEST_NAME};
use crate::scenario::{Promise, Scenario, Value};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Service,
    Bus,
    Client,
    Group,
}

impl Kind {
    fn a(self) -> &'static str {
        match self {
            Kind::Service => "a service",
            Kind::Bus => "a bus",
            Kind::Client => "a client",
            Kind::Group => "a replica group",
        }
    }

    fn no(self) -> &'static str {
        match self {
            Kind::Service => "no service",
            Kind::Bus => "no bus",
            Kind::Client => "no client",
            Kind::Group => "no replica group",
        }
    }
}

pub(super) struct Nodes<'a> {
    kinds: BTreeMap<&'a str, Kind>,
    /// By bus: how many brokers keep its events; 0 where it is not replicated.
    pub(super) brokers: BTreeMap<&'a str, u32>,
}

impl Nodes<'_> {
    /// ` (did you mean `x`?)`, where an id of that kind is near.
    fn guess(&self, id: &str, kind: Option<Kind>) -> String {
        let near = |other: &&&str| distance(id, other) <= 2.min(id.len() / 2);
        let fits = self.kinds.iter().filter(|(_, other)| kind.is_none_or(|kind| kind == **other)).map(|(id, _)| id);
        match fits.filter(near).min_by_key(|other| distance(id, other)) {
            Some(other) => format!("; did you mean `{other}`?"),
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
            self.equal_starts(scenario);
        }
    }

    fn ids<'a>(&mut self, scenario: &'a Scenario) -> Nodes<'a> {
        let services = scenario.services.iter().enumerate().map(|(i, s)| ("services", i, s.id.as_str(), Kind::Service));
        let buses = scenario.buses.iter().enumerate().map(|(i, b)| ("buses", i, b.id.as_str(), Kind::Bus));
        let clients = scenario.clients.iter().enumerate().map(|(i, c)| ("clients", i, c.id.as_str(), Kind::Client));
        let groups = scenario.groups.iter().enumerate().map(|(i, g)| ("groups", i, g.id.as_str(), Kind::Group));
        let mut kinds = BTreeMap::new();
        for (list, i, id, kind) in services.chain(buses).chain(clients).chain(groups) {
            let path = format!("{list}[{i}].id");
            let sound = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            if id.is_empty() || id.chars().count() > LONGEST_NAME || !id.chars().all(sound) {
                self.error(&path, format!("an id of 1 to 80 letters, digits, `_`, `-` and `.`, not `{id}`"));
            }
            if kinds.insert(id, kind).is_some() {
                self.error(&path, format!("another node already has the id `{id}`"));
            }
        }
        let replicas = |bus: &crate::scenario::Bus| bus.replication.as_ref().map_or(0, |it| it.replicas);
        let brokers = scenario.buses.iter().map(|bus| (bus.id.as_str(), replicas(bus))).collect();
        Nodes { kinds, brokers }
    }

    pub(super) fn refers(&mut self, path: &str, id: &str, kind: Kind, nodes: &Nodes) {
        match nodes.kinds.get(id) {
            Some(found) if *found == kind => {}
            Some(found) => self.error(path, format!("the id of {}, but `{id}` is {}", kind.a(), found.a())),
            None => self.error(path, format!("{} has the id `{id}`{}", kind.no(), nodes.guess(id, Some(kind)))),
        }
    }

    fn service_references(&mut self, scenario: &Scenario, nodes: &Nodes) {
        for (i, service) in scenario.services.iter().enumerate() {
            for (j, call) in service.calls.iter().enumerate() {
                let path = format!("services[{i}].calls[{j}].to");
                self.refers(&path, &call.to, Kind::Service, nodes);
                if service.calls[..j].iter().any(|other| other.to == call.to) {
                    self.error(&path, format!("`{}` already calls `{}`", service.id, call.to));
                }
            }
            let mut published = BTreeSet::new();
            for (j, publication) in service.publishes.iter().enumerate() {
                let path = format!("services[{i}].publishes[{j}]");
                let topic = self.topic(&path, &publication.to, publication.topic.as_deref(), scenario, nodes);
                if !published.insert((publication.to.as_str(), topic)) {
                    self.error(
                        &path,
                        format!("`{}` already publishes to this topic of `{}`", service.id, publication.to),
                    );
                }
            }
            let mut subscribed = BTreeSet::new();
            for (j, subscription) in service.subscribes.iter().enumerate() {
                let path = format!("services[{i}].subscribes[{j}]");
                let topic = self.topic(&path, &subscription.to, subscription.topic.as_deref(), scenario, nodes);
                if !subscribed.insert((subscription.to.as_str(), topic)) {
                    self.error(
                        &path,
                        format!("`{}` already subscribes to this topic of `{}`", service.id, subscription.to),
                    );
                }
            }
        }
    }

    /// The index of a topic that a service names.
    fn topic(&mut self, path: &str, bus: &str, topic: Option<&str>, scenario: &Scenario, nodes: &Nodes) -> usize {
        self.refers(&format!("{path}.to"), bus, Kind::Bus, nodes);
        let Some(bus) = scenario.buses.iter().find(|other| other.id == bus) else { return 0 };
        let Some(topic) = topic else { return 0 };
        let index = bus.topics.iter().position(|other| other.name == topic);
        if index.is_none() && !(bus.topics.is_empty() && topic == bus.id) {
            let names: Vec<String> = bus.topics.iter().map(|topic| format!("`{}`", topic.name)).collect();
            let has = if names.is_empty() { format!("`{}` alone", bus.id) } else { names.join(", ") };
            self.error(format!("{path}.topic"), format!("`{}` has no topic `{topic}`; it has {has}", bus.id));
        }
        index.unwrap_or(0)
    }

    pub(super) fn is_there(&mut self, path: &str, id: &str, nodes: &Nodes) {
        match nodes.kinds.get(id) {
            Some(Kind::Group) => {
                self.error(path, format!("the id of a node; `{id}` is a replica group: name its members"))
            }
            Some(Kind::Service | Kind::Bus | Kind::Client) => {}
            None => self.error(path, format!("no node has the id `{id}`{}", nodes.guess(id, None))),
        }
    }

    pub(super) fn ends(&mut self, path: &str, from: &str, to: &str, nodes: &Nodes) {
        self.is_there(&format!("{path}.from"), from, nodes);
        self.is_there(&format!("{path}.to"), to, nodes);
        if from == to {
            self.error(format!("{path}.to"), format!("another node than `{from}`"));
        }
    }

    fn link_references(&mut self, scenario: &Scenario, nodes: &Nodes) {
        let mut seen = BTreeSet::new();
        for (i, link) in scenario.links.iter().enumerate() {
            let path = format!("links[{i}]");
            self.ends(&path, &link.from, &link.to, nodes);
            if !seen.insert((&link.from, &link.to)) {
                self.error(&path, format!("the link from `{}` to `{}` is already there", link.from, link.to));
            }
        }
    }

    fn script_references(&mut self, scenario: &Scenario, nodes: &Nodes) {
        for (i, step) in scenario.script.iter().enumerate() {
            self.command(&format!("script[{i}].do"), &step.command, nodes);
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

    fn copy_promised(&mut self, i: usize, what: &str, service: &str, key: &str, nodes: &Nodes) {
        self.refers(&format!("promises[{i}].{what}.service"), service, Kind::Service, nodes);
        self.key(&format!("promises[{i}].{what}.key"), key);
    }

    /// A chain of calls that comes back to where it began would wait for itself.
    fn call_cycles(&mut self, scenario: &Scenario) {
        let callees: BTreeMap<&str, Vec<&str>> = scenario
            .services
            .iter()
            .map(|service| (service.id.as_str(), service.calls.iter().map(|call| call.to.as_str()).collect()))
            .collect();
        let mut finished = BTreeSet::new();
        for (i, service) in scenario.services.iter().enumerate() {
            // Depth first, without recursion: a chain may be as long as there are services.
            let mut path = vec![(service.id.as_str(), 0)];
            while let Some((id, next)) = path.pop() {
                if finished.contains(id) {
                    continue;
                }
                let Some(&callee) = callees.get(id).and_then(|callees| callees.get(next)) else {
                    finished.insert(id);
                    continue;
                };
                path.push((id, next + 1));
                if let Some(start) = path.iter().position(|(id, _)| *id == callee) {
                    let cycle: Vec<&str> = path[start..].iter().map(|(id, _)| *id).chain([callee]).collect();
                    return self.error(
                        format!("services[{i}].calls"),
                        format!("the calls go in a circle: {}", cycle.join(" → ")),
                    );
                }
                path.push((callee, 0));
            }
        }
    }

    /// Copies of a key start equal or absent: two values under one version could never be told apart.
    fn equal_starts(&mut self, scenario: &Scenario) {
        let find = |id: &str| scenario.services.iter().position(|service| service.id == id);
        let topic_of = |bus: &str, topic: Option<&str>| {
            let bus = scenario.buses.iter().find(|other| other.id == bus);
            let first = bus.and_then(|bus| bus.topics.first()).map(|topic| topic.name.as_str());
            topic.or(first).map(str::to_string)
        };
        let places: BTreeMap<&str, usize> =
            scenario.services.iter().zip(0..).map(|(it, i)| (it.id.as_str(), i)).collect();
        for group in &scenario.groups {
            // What the first member says that has the key at all.
            let mut said: BTreeMap<&str, (&Value, &str)> = BTreeMap::new();
            for &i in group.members.iter().filter_map(|id| places.get(id.as_str())) {
                let service = &scenario.services[i];
                for (key, value) in &service.data {
                    let (first, by) = *said.entry(key).or_insert_with(|| (value, &service.id));
                    if first != value {
                        let problem = format!("{first}, as at `{by}` of the same group, or absent; it is {value}");
                        self.error(format!("services[{i}].data.{key}"), problem);
                    }
                }
            }
        }
        // What one member of a group publishes all hold, and so what one takes in.
        let fellows = |i: usize| -> Vec<usize> {
            let id = &scenario.services[i].id;
            let group = scenario.groups.iter().find(|group| group.members.contains(id));
            let members = group.map(|group| group.members.iter().filter_map(|id| places.get(id.as_str()).copied()));
            members.map_or_else(|| vec![i], Iterator::collect)
        };
        for service in &scenario.services {
            let copies = service.calls.iter().filter(|call| call.operation.is_none());
            let mut holders: Vec<usize> = copies.filter_map(|call| find(&call.to)).collect();
            for publication in &service.publishes {
                let topic = topic_of(&publication.to, publication.topic.as_deref());
                holders.extend(scenario.services.iter().enumerate().filter_map(|(i, other)| {
                    let takes = other.subscribes.iter().any(|subscription| {
                        subscription.to == publication.to
                            && topic_of(&subscription.to, subscription.topic.as_deref()) == topic
                    });
                    takes.then_some(i)
                }));
            }
            let holders = holders.into_iter().flat_map(fellows).collect::<BTreeSet<usize>>();
            for &i in holders.iter() {
                for (key, value) in &scenario.services[i].data {
                    if let Some(other) = service.data.get(key).filter(|other| *other != value) {
                        self.error(
                            format!("services[{i}].data.{key}"),
                            format!("{other}, as at `{}` whose copy it is, or absent; it is {value}", service.id),
                        );
                    }
                }
            }
        }
    }
}

/// Edit distance (Levenshtein), capped by the lengths that ids have.
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
