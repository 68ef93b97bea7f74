//! Warnings of parts of a scenario that are valid, but have no effect or never end.

mod branches;
mod broken_parts;
mod buses;
mod clients;
mod commands;
mod conditions;
mod copies;
mod endless;
mod groups;
mod network;
mod operations;
mod publications;
mod subscriptions;
mod value_kinds;

use crate::language::sentence;
use crate::scenario::event_chain::TopicName;
use crate::scenario::{
    Acks, Bus, ConsumerGroups, Effect, Group, Latency, Publication, Scenario, ScenarioError, Service, Subscription,
    Topics, micros,
};
pub(in crate::scenario) use branches::warnings;
use std::collections::{BTreeMap, BTreeSet};
use value_kinds::ValueKinds;

/// The warnings about a scenario without branches.
struct Warnings<'a> {
    scenario: &'a Scenario,
    /// The latencies of listed links, by their ends.
    links: BTreeMap<(&'a str, &'a str), &'a Option<Latency>>,
    /// The region of each node.
    regions: BTreeMap<&'a str, &'a str>,
    services: BTreeMap<&'a str, &'a Service>,
    buses: BTreeMap<&'a str, &'a Bus>,
    groups: BTreeMap<&'a str, &'a Group>,
    /// The replica group of each member.
    group_of: BTreeMap<&'a str, &'a Group>,
    /// Pairs of nodes that exchange messages, besides the members of a group and its clients.
    pairs: BTreeSet<(&'a str, &'a str)>,
    topics: Topics<'a>,
    /// The topics that have subscriptions.
    subscribed: BTreeSet<TopicName<'a>>,
    /// The number of services that use each named store.
    store_users: BTreeMap<&'a str, usize>,
    /// Whether any subscription orders writes by the clocks of services.
    compares_clocks: bool,
    consumer_groups: ConsumerGroups<'a>,
    value_kinds: ValueKinds<'a>,
    /// The warnings of what never ends.
    endless: Vec<ScenarioError>,
    /// The warnings of parts without effect.
    without_effect: Vec<ScenarioError>,
}

impl<'a> Warnings<'a> {
    /// Finds all warnings about a scenario, whose branches are ignored.
    fn of(scenario: &'a Scenario) -> Self {
        let mut warnings = Warnings::new(scenario);
        warnings.services();
        warnings.buses();
        warnings.clients();
        warnings.subscriptions();
        warnings.event_chains();
        warnings.initial_data();
        warnings.groups();
        warnings.network();
        warnings.script();
        warnings.conditions();
        warnings.promised_copies();
        warnings
    }

    fn new(scenario: &'a Scenario) -> Self {
        let mut links = BTreeMap::new();
        for link in &scenario.links {
            links.insert((link.from.as_str(), link.to.as_str()), &link.latency);
        }
        let mut regions = BTreeMap::new();
        for region in &scenario.regions {
            for node in &region.nodes {
                regions.insert(node.as_str(), region.id.as_str());
            }
        }
        let mut group_of = BTreeMap::new();
        for group in &scenario.groups {
            group_of.extend(group.members.iter().map(|member| (member.as_str(), group)));
        }
        let topics = Topics::new(scenario);
        let all_subscriptions = || scenario.services.iter().flat_map(|service| &service.subscribes);
        let mut subscribed = BTreeSet::new();
        subscribed.extend(all_subscriptions().map(|subscription| topics.of_subscription(subscription)));
        let mut store_users: BTreeMap<&str, usize> = BTreeMap::new();
        for store in scenario.services.iter().filter_map(|service| service.store.as_deref()) {
            *store_users.entry(store).or_default() += 1;
        }
        let mut services = BTreeMap::new();
        services.extend(scenario.services.iter().map(|service| (service.id.as_str(), service)));
        let mut groups = BTreeMap::new();
        groups.extend(scenario.groups.iter().map(|group| (group.id.as_str(), group)));
        let mut buses = BTreeMap::new();
        buses.extend(scenario.buses.iter().map(|bus| (bus.id.as_str(), bus)));
        Warnings {
            scenario,
            links,
            regions,
            services,
            buses,
            groups,
            group_of,
            pairs: network::pairs(scenario),
            topics,
            subscribed,
            store_users,
            compares_clocks: all_subscriptions().any(|subscription| subscription.effect == Effect::LastWriterWins),
            consumer_groups: ConsumerGroups::new(scenario),
            value_kinds: ValueKinds::new(scenario),
            endless: Vec::new(),
            without_effect: Vec::new(),
        }
    }

    /// Warns of something that never ends.
    fn never_ends(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.endless.push(ScenarioError::new(path, problem));
    }

    fn warn(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.without_effect.push(ScenarioError::new(path, problem));
    }

    /// Warns of something that has no effect, unless another reason was given before.
    fn no_effect(&mut self, path: impl Into<String>, why: &str) {
        let path = path.into();
        if self.without_effect.last().is_none_or(|warning| warning.path != path) {
            self.warn(path, sentence!("has no effect: {why}", "hat keine Wirkung: {why}"));
        }
    }

    fn service(&self, id: &str) -> Option<&'a Service> {
        self.services.get(id).copied()
    }

    fn group(&self, id: &str) -> Option<&'a Group> {
        self.groups.get(id).copied()
    }

    fn group_of(&self, member: &str) -> Option<&'a Group> {
        self.group_of.get(member).copied()
    }

    fn bus(&self, id: &str) -> Option<&'a Bus> {
        self.buses.get(id).copied()
    }

    /// Returns whether several services use the named store of a service.
    fn shares_store(&self, service: &Service) -> bool {
        service.store.as_deref().is_some_and(|store| self.store_users.get(store).is_some_and(|users| *users > 1))
    }

    /// Returns all publications to a bus.
    fn publications_to(&self, bus: &'a str) -> impl Iterator<Item = &'a Publication> + use<'a> {
        let publications = self.scenario.services.iter().flat_map(|service| &service.publishes);
        publications.filter(move |publication| publication.to == bus)
    }

    /// Returns all subscriptions to a bus.
    fn subscriptions_to(&self, bus: &'a str) -> impl Iterator<Item = &'a Subscription> + use<'a> {
        let subscriptions = self.scenario.services.iter().flat_map(|service| &service.subscribes);
        subscriptions.filter(move |subscription| subscription.to == bus)
    }

    /// Returns whether the clock of a service orders writes.
    fn reads_clock(&self, service: &str) -> bool {
        self.compares_clocks || self.group_of(service).is_some_and(Group::is_ordered_by_clock)
    }
}

/// Returns whether a duration is shorter than the simulator's unit of time.
fn is_zero(ms: f64) -> bool {
    micros(ms) == 0
}

/// Returns whether the publisher waits for an acknowledgement.
fn awaits_acknowledgement(publication: &Publication) -> bool {
    publication.acks != Acks::None && (publication.retry.is_some() || publication.mode.is_relayed())
}
