//! Copies of keys: initial data that never reaches a subscriber, and keys that a service never has.

use super::Warnings;
use crate::language::sentence;
use crate::scenario::event_chain::TopicName;
use crate::scenario::{Command, Forward, Keys, Operation, Promise, Scenario, Topics};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The maximum number of keys that a warning lists.
const MAX_LISTED: usize = 3;

/// The copies that the updates of a scenario reach.
struct Copies<'a> {
    scenario: &'a Scenario,
    topics: Topics<'a>,
    /// The index of each service, by id.
    indices: BTreeMap<&'a str, usize>,
    subscribers: BTreeMap<TopicName<'a>, Vec<usize>>,
    /// The first of the services that hold the data of each service together with it: the users of its store, the workers of its
    /// consumer groups and the members of its replica group.
    holders: Vec<usize>,
    /// The members of the replica group of each service; the service alone without one.
    members: Vec<Rc<[usize]>>,
    /// The keys that each holder has at the start.
    initial: BTreeSet<(usize, &'a str)>,
    /// The services at which operations write each key.
    writers: BTreeMap<&'a str, BTreeSet<usize>>,
    /// Services at which clients write generated keys, with the prefix of numbered keys or one whole key.
    generated: BTreeSet<(usize, &'a str, bool)>,
    /// The holders that have the updates of each set of writers of a key.
    reached: BTreeMap<BTreeSet<usize>, BTreeSet<usize>>,
}

impl<'a> Copies<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let topics = Topics::new(scenario);
        let mut indices = BTreeMap::new();
        indices.extend(scenario.services.iter().enumerate().map(|(index, service)| (service.id.as_str(), index)));
        let mut members: Vec<Rc<[usize]>> = (0..scenario.services.len()).map(|index| Rc::from([index])).collect();
        let mut together: Vec<Rc<[usize]>> = Vec::new();
        for group in &scenario.groups {
            let all: Rc<[usize]> = group.members.iter().filter_map(|id| indices.get(id.as_str()).copied()).collect();
            for member in &*all {
                members[*member] = all.clone();
            }
            together.push(all);
        }
        let mut subscribers: BTreeMap<TopicName, Vec<usize>> = BTreeMap::new();
        let mut workers: BTreeMap<(TopicName, &str), Vec<usize>> = BTreeMap::new();
        for (index, service) in scenario.services.iter().enumerate() {
            for subscription in &service.subscribes {
                let topic = topics.of_subscription(subscription);
                subscribers.entry(topic).or_default().push(index);
                if let Some(group) = &subscription.group {
                    workers.entry((topic, group)).or_default().push(index);
                }
            }
            if let Some(store) = &service.store {
                workers.entry((("", None), store)).or_default().push(index);
            }
        }
        together.extend(workers.into_values().map(Rc::from));
        let holders = first_of_each(scenario.services.len(), &together);
        let data = scenario.services.iter().zip(&holders);
        let initial =
            data.flat_map(|(service, holder)| service.data.keys().map(|key| (*holder, key.as_str()))).collect();
        let (writers, generated, reached) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let mut copies =
            Copies { scenario, topics, indices, subscribers, holders, members, initial, writers, generated, reached };
        copies.find_writers();
        copies
    }

    /// Finds the services at which operations write.
    fn find_writers(&mut self) {
        let scenario = self.scenario;
        let mut groups: BTreeMap<&str, &[String]> = BTreeMap::new();
        groups.extend(scenario.groups.iter().map(|group| (group.id.as_str(), group.members.as_slice())));
        let mut operations: Vec<(&str, &Operation)> = Vec::new();
        for step in &scenario.script {
            if let Command::Operate { service, operation, .. } = &step.command {
                operations.push((service, operation));
            }
        }
        for client in &scenario.clients {
            operations.extend(client.script.iter().map(|step| (client.target.as_str(), &step.operation)));
        }
        for call in scenario.services.iter().flat_map(|service| &service.calls) {
            operations.extend(call.operation.iter().map(|operation| (call.to.as_str(), operation)));
        }
        let index_of = |target: &str| match groups.get(target) {
            Some(members) => members.first().and_then(|id| self.indices.get(id.as_str())).copied(),
            None => self.indices.get(target).copied(),
        };
        let mut writers: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (target, operation) in operations.into_iter().filter(|(_, operation)| !operation.is_read()) {
            writers.entry(operation.key()).or_default().extend(index_of(target));
        }
        // A service commits the derived updates of the events that it forwards.
        for (index, service) in scenario.services.iter().enumerate() {
            for forward in service.publishes.iter().filter_map(|publication| publication.forward.as_ref()) {
                if let Some(key) = &forward.key {
                    writers.entry(key).or_default().insert(index);
                }
            }
        }
        for client in &scenario.clients {
            let Some(workload) = client.generate.as_ref().filter(|workload| workload.read_share < 1.0) else {
                continue;
            };
            let (name, is_prefix) = match &workload.keys {
                Keys::One { key } => (key, false),
                Keys::Uniform { prefix, .. } | Keys::Zipf { prefix, .. } => (prefix, true),
            };
            self.generated.extend(index_of(&client.target).map(|at| (at, name.as_str(), is_prefix)));
        }
        self.writers = writers;
    }

    /// Returns the holders of the updates that the services `from` commit, themselves included. With `derived`, a
    /// service that forwards an event as another update of its key counts too.
    fn reached_from(&self, from: &BTreeSet<usize>, derived: bool) -> BTreeSet<usize> {
        let services = &self.scenario.services;
        // Services with the bus from which they have the update; none if they commit it.
        let mut open: Vec<(usize, Option<&str>)> =
            from.iter().flat_map(|index| &*self.members[*index]).map(|member| (*member, None)).collect();
        let mut visited: BTreeSet<(usize, Option<&str>)> = open.iter().copied().collect();
        while let Some((index, bus)) = open.pop() {
            let mut next: Vec<(usize, Option<&str>)> = Vec::new();
            let service = &services[index];
            if bus.is_none() {
                let calls = service.calls.iter().filter(|call| call.operation.is_none());
                next.extend(calls.filter_map(|call| Some((*self.indices.get(call.to.as_str())?, None))));
            }
            for publication in &service.publishes {
                let forwards = |bus: &str| {
                    let keeps_key = |forward: &Forward| forward.is_same() || derived && forward.key.is_none();
                    publication.forward.as_ref().is_some_and(|forward| keeps_key(forward) && forward.includes(bus))
                };
                if !bus.is_none_or(forwards) {
                    continue;
                }
                let topic = self.topics.of_publication(publication);
                for subscriber in self.subscribers.get(&topic).into_iter().flatten() {
                    let by = Some(publication.to.as_str());
                    next.extend(self.members[*subscriber].iter().map(|member| (*member, by)));
                }
            }
            open.extend(next.into_iter().filter(|step| visited.insert(*step)));
        }
        visited.into_iter().map(|(index, _)| self.holders[index]).collect()
    }

    /// Returns the services at which operations write a key.
    fn writers_of(&self, key: &str) -> BTreeSet<usize> {
        let mut writers = self.writers.get(key).cloned().unwrap_or_default();
        let is_meant = |(_, name, is_prefix): &&(usize, &str, bool)| match key.strip_prefix(name) {
            Some(number) if *is_prefix => !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()),
            rest => rest == Some(""),
        };
        writers.extend(self.generated.iter().filter(is_meant).map(|(at, ..)| *at));
        writers
    }

    /// Returns whether an operation's write of a key reaches a holder.
    fn receives_write(&mut self, holder: usize, key: &str) -> bool {
        let writers = self.writers_of(key);
        if !self.reached.contains_key(&writers) {
            let reached = self.reached_from(&writers, true);
            self.reached.insert(writers.clone(), reached);
        }
        self.reached[&writers].contains(&holder)
    }

    /// Returns whether a holder has a key at any time, or should have it.
    fn has(&mut self, holder: usize, key: &str) -> bool {
        if self.initial.contains(&(holder, key)) || self.receives_write(holder, key) {
            return true;
        }
        let services = self.scenario.services.iter().enumerate();
        let sources = services.filter(|(_, service)| service.data.contains_key(key)).map(|(index, _)| index).collect();
        self.reached_from(&sources, true).contains(&holder)
    }
}

/// Returns the first of the services that the sets connect with each service.
fn first_of_each(count: usize, sets: &[Rc<[usize]>]) -> Vec<usize> {
    let mut first: Vec<usize> = (0..count).collect();
    loop {
        let before = first.clone();
        for set in sets {
            let smallest = set.iter().map(|index| first[*index]).min().unwrap_or_default();
            set.iter().for_each(|index| first[*index] = smallest);
        }
        if first == before {
            return first;
        }
    }
}

impl Warnings<'_> {
    /// Warns of initial data of a publisher that a subscriber lacks and will never receive.
    pub(super) fn initial_data(&mut self) {
        let scenario = self.scenario;
        let mut copies = Copies::new(scenario);
        let mut reported: BTreeSet<(usize, &str)> = BTreeSet::new();
        for (publisher, service) in scenario.services.iter().enumerate().filter(|(_, service)| !service.data.is_empty())
        {
            let own = copies.holders[publisher];
            let mut lacking: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
            for holder in copies.reached_from(&BTreeSet::from([publisher]), false) {
                let mut is_lacking = |key: &&str| {
                    holder != own && !copies.initial.contains(&(holder, *key)) && !copies.receives_write(holder, key)
                };
                lacking.insert(holder, service.data.keys().map(String::as_str).filter(&mut is_lacking).collect());
            }
            for (holder, mut keys) in lacking {
                keys.retain(|key| reported.insert((holder, key)));
                if !keys.is_empty() {
                    self.warn_of_missing_data(holder, &keys, &service.id);
                }
            }
        }
    }

    fn warn_of_missing_data(&mut self, index: usize, keys: &[&str], publisher: &str) {
        let service = &self.scenario.services[index].id;
        let listed: Vec<String> = keys.iter().take(MAX_LISTED).map(|key| format!("`{key}`")).collect();
        let more = if keys.len() > MAX_LISTED { ", …" } else { "" };
        let keys = listed.join(", ") + more;
        let problem = sentence!(
            "`{service}` will never receive {keys} from the initial data of `{publisher}`: no event carries \
             initial data, and no write of it reaches `{service}`; add it to the `data` of `{service}`",
            "`{service}` empfängt nie {keys} aus den Anfangsdaten von `{publisher}`: kein Event trägt \
             Anfangsdaten, und kein Schreibvorgang dazu erreicht `{service}`; ergänze sie in `data` von `{service}`"
        );
        self.warn(format!("services[{index}].data"), problem);
    }

    /// Warns of promises about a copy that never exists.
    pub(super) fn promised_copies(&mut self) {
        let scenario = self.scenario;
        let mut copies = Copies::new(scenario);
        for (i, promise) in scenario.promises.iter().enumerate() {
            let (Promise::Stale { service, key }
            | Promise::Diverged { service, key }
            | Promise::Consistent { service, key }
            | Promise::Conflicted { service, key }) = promise
            else {
                continue;
            };
            let path = format!("promises[{i}].{}.key", promise.name());
            let holder = copies.indices.get(service.as_str()).map(|index| copies.holders[*index]);
            if !self.value_kinds.is_held(key) {
                self.cannot_be_kept(path, &no_holder(key));
            } else if holder.is_some_and(|holder| !copies.has(holder, key)) {
                let why =
                    sentence!("`{service}` never has the key `{key}`", "`{service}` hat den Schlüssel `{key}` nie");
                self.cannot_be_kept(path, &why);
            }
        }
    }

    fn cannot_be_kept(&mut self, path: String, why: &str) {
        self.warn(path, sentence!("cannot be kept: {why}", "kann nicht erfüllt werden: {why}"));
    }
}

/// Returns the reason that nothing has a key.
pub(super) fn no_holder(key: &str) -> String {
    sentence!("no service or group has the key `{key}`", "kein Service und keine Gruppe hat den Schlüssel `{key}`")
}
