//! Event chains: services that publish the events that they apply, and services that no event will reach.

use super::{Operation, Scenario, Service, is_default, one_i64};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    pub fn takes(&self, bus: &str) -> bool {
        self.from.as_deref().is_none_or(|from| from == bus)
    }
}

/// A subscription that no event will reach: no service publishes to its topic, or the service that does hears of events and
/// forwards none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unheard {
    /// The index of the service that subscribes.
    pub service: usize,
    /// The index of the subscription.
    pub subscription: usize,
    /// The index of the service that publishes to the topic and forwards nothing, if there is one.
    pub publisher: Option<usize>,
}

/// A topic: its bus, and its name if it is not the bus's first one.
pub type TopicName<'a> = (&'a str, Option<&'a str>);

impl Scenario {
    /// Returns the topic of a publication or subscription, however it is spelled: absent or by the name of the first one.
    pub fn topic_name<'a>(&'a self, bus: &'a str, topic: Option<&'a str>) -> TopicName<'a> {
        let first = self.buses.iter().find(|it| it.id == bus).and_then(|it| it.topics.first());
        let first = first.map_or(bus, |topic| topic.name.as_str());
        (bus, topic.filter(|topic| *topic != first))
    }

    /// Returns the indexes of the services at which operations make updates.
    fn writers(&self) -> BTreeSet<usize> {
        let scripts = self.branches.iter().map(|branch| &branch.script).chain([&self.script]);
        let operated = scripts.flatten().filter_map(|step| {
            let super::Command::Operate { service, operation, .. } = &step.command else { return None };
            (!matches!(operation, Operation::Read { .. })).then_some(service)
        });
        let targets: BTreeSet<&String> = operated.chain(self.clients.iter().map(|client| &client.target)).collect();
        let group = |id: &String| self.groups.iter().find(|group| group.members.contains(id)).map(|group| &group.id);
        let writes = |service: &Service| {
            targets.contains(&service.id) || group(&service.id).is_some_and(|group| targets.contains(group))
        };
        let services = self.services.iter().enumerate();
        services.filter(|(_, service)| writes(service)).map(|(index, _)| index).collect()
    }

    /// Returns the subscriptions that no event will reach: no service publishes to their topics, or events reach one that
    /// does, which commits no updates itself and forwards none.
    pub fn unheard(&self) -> Vec<Unheard> {
        let mut publishers = self.writers();
        let mut spoken: BTreeSet<TopicName> = BTreeSet::new();
        loop {
            let before = (publishers.len(), spoken.len());
            for (index, service) in self.services.iter().enumerate() {
                if publishers.contains(&index) {
                    let called =
                        service.calls.iter().filter_map(|call| self.services.iter().position(|it| it.id == call.to));
                    publishers.extend(called);
                }
                for publication in &service.publishes {
                    let hears = |forward: &Forward| {
                        let heard = service.subscribes.iter().filter(|it| forward.takes(&it.to));
                        heard.into_iter().any(|it| spoken.contains(&self.topic_name(&it.to, it.topic.as_deref())))
                    };
                    if publishers.contains(&index) || publication.forward.as_ref().is_some_and(hears) {
                        spoken.insert(self.topic_name(&publication.to, publication.topic.as_deref()));
                    }
                }
            }
            if (publishers.len(), spoken.len()) == before {
                break;
            }
        }
        let hears = |service: &Service| {
            let mut topics = service.subscribes.iter().map(|it| self.topic_name(&it.to, it.topic.as_deref()));
            topics.any(|topic| spoken.contains(&topic))
        };
        let mut unheard = Vec::new();
        for (index, service) in self.services.iter().enumerate() {
            for (at, subscription) in service.subscribes.iter().enumerate() {
                let topic = self.topic_name(&subscription.to, subscription.topic.as_deref());
                if spoken.contains(&topic) {
                    continue;
                }
                let publishes = |other: &Service| {
                    other.publishes.iter().any(|it| self.topic_name(&it.to, it.topic.as_deref()) == topic)
                };
                let publisher = self.services.iter().position(|other| publishes(other) && hears(other));
                let is_published = publisher.is_none() && self.services.iter().any(publishes);
                // A service that another one calls hears of updates by that.
                let is_called = self.services.iter().flat_map(|other| &other.calls).any(|call| call.to == service.id);
                if !(is_published || publisher.is_none() && is_called) {
                    unheard.push(Unheard { service: index, subscription: at, publisher });
                }
            }
        }
        unheard
    }

    /// Returns a service whose events return to it through services that forward them, if there is one.
    pub(super) fn forwarding_cycle(&self) -> Option<usize> {
        let next = |index: usize, from: &str| -> BTreeSet<(usize, String)> {
            let service = &self.services[index];
            let forwards = service.publishes.iter().filter(|it| it.forward.as_ref().is_some_and(|it| it.takes(from)));
            let topics: BTreeSet<TopicName> = forwards.map(|it| self.topic_name(&it.to, it.topic.as_deref())).collect();
            let mut reached = BTreeSet::new();
            for (index, service) in self.services.iter().enumerate() {
                let heard = service.subscribes.iter();
                let heard = heard.filter(|it| topics.contains(&self.topic_name(&it.to, it.topic.as_deref())));
                reached.extend(heard.map(|it| (index, it.to.clone())));
            }
            reached
        };
        for (start, service) in self.services.iter().enumerate() {
            let mut open: Vec<(usize, String)> =
                service.subscribes.iter().flat_map(|subscription| next(start, &subscription.to)).collect();
            let mut seen = BTreeSet::new();
            while let Some((index, bus)) = open.pop() {
                if index == start {
                    return Some(start);
                }
                if seen.insert((index, bus.clone())) {
                    open.extend(next(index, &bus));
                }
            }
        }
        None
    }
}
