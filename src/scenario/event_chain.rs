//! Event chains: services that publish the events that they apply, and services that no event will reach.

use super::{Operation, Publication, Scenario, Service, Subscription, is_default, one_i64};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which applied events a service publishes, and as what. By default each is published as the same update under the same key;
/// otherwise the service commits a separate update with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// Id of the bus whose events it publishes; those of all its subscriptions if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: Option<String>,
    /// The key of the separate update; the event's key if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub key: Option<String>,
    /// The factor by which a number is multiplied.
    #[serde(default = "one_i64", skip_serializing_if = "is_one_i64")]
    pub times: i64,
    /// What is added to a number after that.
    #[serde(default, skip_serializing_if = "is_default")]
    pub plus: i64,
}

fn is_one_i64(n: &i64) -> bool {
    *n == 1
}

impl Default for Forward {
    fn default() -> Self {
        Forward { from: None, key: None, times: 1, plus: 0 }
    }
}

impl Forward {
    /// Returns whether the same update is published.
    pub fn is_same(&self) -> bool {
        self.key.is_none() && self.times == 1 && self.plus == 0
    }

    /// Returns whether events of a bus are published.
    pub fn includes(&self, bus: &str) -> bool {
        self.from.as_deref().is_none_or(|from| from == bus)
    }
}

/// A subscription that no event will reach: no service publishes to its topic, or the service that does receives events and
/// forwards none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnreachedSubscription {
    /// The index of the service that subscribes.
    pub service: usize,
    /// The index of the subscription.
    pub subscription: usize,
    /// The index of the service that publishes to the topic and forwards nothing, if there is one.
    pub publisher: Option<usize>,
}

/// A topic: its bus, and its name if it is not the bus's first one.
pub type TopicName<'a> = (&'a str, Option<&'a str>);

/// The topics of a scenario's buses.
#[derive(Debug)]
pub struct Topics<'a> {
    /// The name of the first topic of each bus that lists topics.
    first: BTreeMap<&'a str, &'a str>,
}

impl<'a> Topics<'a> {
    /// Reads the topics of a scenario.
    pub fn new(scenario: &'a Scenario) -> Self {
        let listed = scenario.buses.iter().rev().filter_map(|bus| Some((&*bus.id, &*bus.topics.first()?.name)));
        Topics { first: listed.collect() }
    }

    /// Returns the topic of a publication or subscription, however it is spelled: absent or by the name of the first one.
    fn name<'b>(&self, bus: &'b str, topic: Option<&'b str>) -> TopicName<'b> {
        let first = self.first.get(bus).copied().unwrap_or(bus);
        (bus, topic.filter(|topic| *topic != first))
    }

    /// Returns the topic of a publication.
    pub fn of_publication<'b>(&self, publication: &'b Publication) -> TopicName<'b> {
        self.name(&publication.to, publication.topic.as_deref())
    }

    /// Returns the topic of a subscription.
    pub fn of_subscription<'b>(&self, subscription: &'b Subscription) -> TopicName<'b> {
        self.name(&subscription.to, subscription.topic.as_deref())
    }
}

impl Scenario {
    /// Returns the indexes of the services at which operations make updates.
    fn writers(&self) -> BTreeSet<usize> {
        let scripts = self.branches.iter().map(|branch| &branch.script).chain([&self.script]);
        let operated = scripts.flatten().filter_map(|step| {
            let super::Command::Operate { service, operation, .. } = &step.command else { return None };
            (!matches!(operation, Operation::Read { .. })).then_some(service)
        });
        let targets: BTreeSet<&String> = operated.chain(self.clients.iter().map(|client| &client.target)).collect();
        let written = self.groups.iter().filter(|group| targets.contains(&group.id));
        let members: BTreeSet<&String> = written.flat_map(|group| &group.members).collect();
        let writes = |service: &Service| targets.contains(&service.id) || members.contains(&service.id);
        let services = self.services.iter().enumerate();
        services.filter(|(_, service)| writes(service)).map(|(index, _)| index).collect()
    }

    /// Returns the subscriptions that no event will reach: no service publishes to their topics, or events reach one that
    /// does, which commits no updates itself and forwards none.
    pub fn unreached_subscriptions(&self) -> Vec<UnreachedSubscription> {
        let topics = Topics::new(self);
        let reached_topics = self.reached_topics(&topics);
        let receives_events = |service: &Service| {
            service.subscribes.iter().any(|subscription| reached_topics.contains(&topics.of_subscription(subscription)))
        };
        // The topics to which services publish, each with the first service that receives events.
        let mut published: BTreeMap<TopicName, Option<usize>> = BTreeMap::new();
        for (index, service) in self.services.iter().enumerate() {
            let publisher = receives_events(service).then_some(index);
            for publication in &service.publishes {
                let known = published.entry(topics.of_publication(publication)).or_default();
                *known = known.or(publisher);
            }
        }
        // A service that another one calls receives updates by the calls.
        let called: BTreeSet<&str> =
            self.services.iter().flat_map(|other| &other.calls).map(|call| call.to.as_str()).collect();
        let mut unreached = Vec::new();
        for (index, service) in self.services.iter().enumerate() {
            for (at, subscription) in service.subscribes.iter().enumerate() {
                let topic = topics.of_subscription(subscription);
                if reached_topics.contains(&topic) {
                    continue;
                }
                let publisher = match published.get(&topic) {
                    Some(None) => continue,
                    None if called.contains(service.id.as_str()) => continue,
                    Some(publisher) => *publisher,
                    None => None,
                };
                unreached.push(UnreachedSubscription { service: index, subscription: at, publisher });
            }
        }
        unreached
    }

    /// Returns the topics on which events appear.
    fn reached_topics<'a>(&'a self, topics: &Topics) -> BTreeSet<TopicName<'a>> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        places.extend(self.services.iter().enumerate().rev().map(|(index, service)| (service.id.as_str(), index)));
        let mut publishers = self.writers();
        let mut reached_topics: BTreeSet<TopicName> = BTreeSet::new();
        loop {
            let before = (publishers.len(), reached_topics.len());
            for (index, service) in self.services.iter().enumerate() {
                if publishers.contains(&index) {
                    publishers.extend(service.calls.iter().filter_map(|call| places.get(call.to.as_str())));
                }
                for publication in &service.publishes {
                    let receives_events = |forward: &Forward| {
                        let mut received =
                            service.subscribes.iter().filter(|subscription| forward.includes(&subscription.to));
                        received.any(|subscription| reached_topics.contains(&topics.of_subscription(subscription)))
                    };
                    if publishers.contains(&index) || publication.forward.as_ref().is_some_and(receives_events) {
                        reached_topics.insert(topics.of_publication(publication));
                    }
                }
            }
            if (publishers.len(), reached_topics.len()) == before {
                return reached_topics;
            }
        }
    }

    /// Returns a service whose events return to it through services that forward them, if there is one.
    pub(super) fn forwarding_cycle(&self) -> Option<usize> {
        let topics = Topics::new(self);
        let mut subscribers: BTreeMap<TopicName, Vec<(usize, &str)>> = BTreeMap::new();
        for (index, service) in self.services.iter().enumerate() {
            for subscription in &service.subscribes {
                let of_topic = subscribers.entry(topics.of_subscription(subscription)).or_default();
                of_topic.push((index, &subscription.to));
            }
        }
        let next = |index: usize, from: &str| {
            let publications = self.services[index].publishes.iter();
            let forwards = publications
                .filter(|publication| publication.forward.as_ref().is_some_and(|forward| forward.includes(from)));
            let forwarded: BTreeSet<TopicName> =
                forwards.map(|publication| topics.of_publication(publication)).collect();
            let reached = forwarded.into_iter().filter_map(|topic| subscribers.get(&topic));
            reached.flatten().copied().collect::<BTreeSet<(usize, &str)>>()
        };
        for start in self.cycle_candidates(&topics, &subscribers) {
            let subscribes = self.services[start].subscribes.iter();
            let mut open: Vec<(usize, &str)> =
                subscribes.flat_map(|subscription| next(start, &subscription.to)).collect();
            let mut visited = BTreeSet::new();
            while let Some((index, bus)) = open.pop() {
                if index == start {
                    return Some(start);
                }
                if visited.insert((index, bus)) {
                    open.extend(next(index, bus));
                }
            }
        }
        None
    }

    /// Returns the services that events could reach again, in order. These remain after the repeated removal of each service
    /// whose topics no remaining service forwards to. Without a cycle, none remain.
    fn cycle_candidates(
        &self,
        topics: &Topics,
        subscribers: &BTreeMap<TopicName, Vec<(usize, &str)>>,
    ) -> BTreeSet<usize> {
        let forwarded = |service: usize| {
            let publications =
                self.services[service].publishes.iter().filter(|publication| publication.forward.is_some());
            publications.map(|publication| topics.of_publication(publication))
        };
        let mut forwarders: BTreeMap<TopicName, usize> = BTreeMap::new();
        for topic in (0..self.services.len()).flat_map(forwarded) {
            *forwarders.entry(topic).or_default() += 1;
        }
        // The number of topics by which events reach each service.
        let mut reached_by = vec![0; self.services.len()];
        for (service, _) in forwarders.keys().filter_map(|topic| subscribers.get(topic)).flatten() {
            reached_by[*service] += 1;
        }
        let mut left: BTreeSet<usize> = (0..self.services.len()).collect();
        let mut free: Vec<usize> = left.iter().copied().filter(|service| reached_by[*service] == 0).collect();
        while let Some(service) = free.pop() {
            left.remove(&service);
            for topic in forwarded(service) {
                let Some(others) = forwarders.get_mut(&topic) else { continue };
                *others -= 1;
                if *others > 0 {
                    continue;
                }
                for (subscriber, _) in subscribers.get(&topic).into_iter().flatten() {
                    reached_by[*subscriber] -= 1;
                    if reached_by[*subscriber] == 0 {
                        free.push(*subscriber);
                    }
                }
            }
        }
        left
    }
}
