//! The services that the updates of each service should reach: those that it calls and those that consume its events. Consumer
//! groups share the events.

use super::Builder;
use super::flow::Flow;
use crate::trace::{NodeId, SubscriptionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The path on which updates arrive at a service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    /// A call, or the service's own subscription.
    Own,
    /// Only subscriptions that it shares with other workers.
    Shared,
}

/// A consumer group: its bus, the topic, and its name.
type GroupName<'a> = (&'a str, u32, &'a str);

impl Builder<'_> {
    /// Returns the pairs of services of which the second should eventually reflect the commits of the first. These are its direct
    /// and indirect callees, and the subscribers of the topics to which any of them publishes.
    pub(super) fn flows(&self) -> Vec<Flow> {
        let group_members = self.group_members();
        let holders = self.worker_holders(&group_members);
        let mut flows = Vec::new();
        for index in 0..self.scenario.services.len() {
            // All members of a group commit the same writes.
            let sources: Vec<usize> = group_members.get(&index).map_or_else(|| vec![index], |members| members.to_vec());
            let mut holds = self.reached(&sources, &group_members, &holders);
            // Within a group the protocol replicates the updates.
            holds.retain(|service, _| !sources.contains(service));
            flows.extend(holds.into_iter().map(|(to, path)| {
                let holder = holders.get(&to).filter(|_| path == Path::Shared);
                let (from, to) = (NodeId(index as u32), NodeId(to as u32));
                Flow { from, to, holder: holder.map(|holder| NodeId(*holder as u32)) }
            }));
        }
        flows
    }

    /// Returns the services that should hold the updates of the services `from`, and how the updates arrive there.
    fn reached(
        &self,
        from: &[usize],
        group_members: &BTreeMap<usize, Arc<[usize]>>,
        holders: &BTreeMap<usize, usize>,
    ) -> BTreeMap<usize, Path> {
        let services = &self.scenario.services;
        let mut committing: BTreeSet<usize> = BTreeSet::new();
        committing.extend(from);
        let mut next = from.to_vec();
        while let Some(caller) = next.pop() {
            // A callee with its own write does not apply the caller's update.
            for call in services[caller].calls.iter().filter(|call| call.operation.is_none()) {
                let callee = self.node(&call.to).index();
                if committing.insert(callee) {
                    next.push(callee);
                }
            }
        }
        let mut holds = BTreeMap::new();
        for service in &committing {
            holds.insert(*service, Path::Own);
        }
        // Services that publish the updates, with the bus from which they forward them; none if they commit them.
        let mut publishers: Vec<(usize, Option<&str>)> = committing.iter().map(|service| (*service, None)).collect();
        let mut at = 0;
        while let Some((publisher, from)) = publishers.get(at).copied() {
            at += 1;
            for publication in &services[publisher].publishes {
                let forwards = |bus: &str| {
                    publication.forward.as_ref().is_some_and(|forward| forward.is_same() && forward.includes(bus))
                };
                if !from.is_none_or(forwards) {
                    continue;
                }
                let topic = self.topic(&publication.to, publication.topic.as_deref());
                for (subscriber, group) in self.subscribers(&publication.to, topic) {
                    let members = group_members.get(&subscriber).map_or(std::slice::from_ref(&subscriber), |all| all);
                    let is_shared = group.is_some() && holders.contains_key(&subscriber);
                    for member in members {
                        let path = if is_shared { Path::Shared } else { Path::Own };
                        let known = holds.entry(*member).or_insert(path);
                        if path == Path::Own {
                            *known = path;
                        }
                    }
                    let next = (subscriber, Some(publication.to.as_str()));
                    if !publishers.contains(&next) {
                        publishers.push(next);
                    }
                }
            }
        }
        holds
    }

    /// Returns, for each member of a connected group, all members of the group.
    fn group_members(&self) -> BTreeMap<usize, Arc<[usize]>> {
        let mut group_members = BTreeMap::new();
        for group in self.scenario.groups.iter().filter(|group| self.scenario.is_connected(group)) {
            let members: Arc<[usize]> = group.members.iter().map(|id| self.node(id).index()).collect();
            group_members.extend(members.iter().map(|member| (*member, members.clone())));
        }
        group_members
    }

    /// Returns the subscribers of a topic, with their consumer groups.
    fn subscribers(&self, bus: &str, topic: u32) -> Vec<(usize, Option<&str>)> {
        let mut subscribers: Vec<(usize, Option<&str>)> = Vec::new();
        for (index, at) in self.subscriptions_to(bus) {
            let subscription = &self.scenario.services[*index].subscribes[*at];
            let is_new = subscribers.last().is_none_or(|(last, _)| last != index);
            if is_new && self.topic(bus, subscription.topic.as_deref()) == topic {
                subscribers.push((*index, subscription.group.as_deref()));
            }
        }
        subscribers
    }

    /// Returns the subscriptions to a bus: the service and the index of each, in order.
    pub(super) fn subscriptions_to(&self, bus: &str) -> &[(usize, usize)] {
        self.subscribed.get(&self.node(bus)).map_or(&[], Vec::as_slice)
    }

    /// Returns the consumer groups: the service and the index of each of their subscriptions, in order.
    fn consumer_groups(&self) -> Vec<Vec<(usize, usize)>> {
        let mut groups: BTreeMap<GroupName, Vec<(usize, usize)>> = BTreeMap::new();
        for (index, service) in self.scenario.services.iter().enumerate() {
            for (at, subscription) in service.subscribes.iter().enumerate() {
                let Some(group) = &subscription.group else { continue };
                let topic = self.topic(&subscription.to, subscription.topic.as_deref());
                groups.entry((&subscription.to, topic, group)).or_default().push((index, at));
            }
        }
        groups.into_values().filter(|members| members.len() > 1).collect()
    }

    /// Returns the subscriptions that share the queue of another one, the first of its group.
    pub(super) fn shared_queues(&self) -> Vec<(SubscriptionId, SubscriptionId)> {
        let id = |(service, at): (usize, usize)| self.subscriptions[&(NodeId(service as u32), at)];
        let groups = self.consumer_groups().into_iter();
        groups.flat_map(|members| (1..members.len()).map(move |at| (id(members[at]), id(members[0])))).collect()
    }

    /// Returns the workers of consumer groups, with the first of the workers that hold the data together: those of all groups
    /// that have a worker in common. Members of replica groups hold the data that their protocol replicates.
    fn worker_holders(&self, group_members: &BTreeMap<usize, Arc<[usize]>>) -> BTreeMap<usize, usize> {
        let mut holders: BTreeMap<usize, usize> = BTreeMap::new();
        for members in self.consumer_groups() {
            let workers: Vec<usize> = members.into_iter().map(|(service, _)| service).collect();
            if workers.iter().any(|worker| group_members.contains_key(worker)) {
                continue;
            }
            let known = workers.iter().map(|worker| holders.get(worker).copied().unwrap_or(*worker));
            let known: Vec<usize> = known.collect();
            let first = known.iter().copied().min().unwrap_or(0);
            holders.extend(workers.iter().map(|worker| (*worker, first)));
            for holder in holders.values_mut().filter(|holder| known.contains(holder)) {
                *holder = first;
            }
        }
        holders
    }

    /// Returns the services of each store that several services use, in order.
    pub(super) fn shared_stores(&self) -> Vec<Vec<NodeId>> {
        let mut stores: Vec<(&str, Vec<NodeId>)> = Vec::new();
        for (index, service) in self.scenario.services.iter().enumerate() {
            let Some(name) = &service.store else { continue };
            match stores.iter_mut().find(|(other, _)| other == name) {
                Some((_, users)) => users.push(NodeId(index as u32)),
                None => stores.push((name, vec![NodeId(index as u32)])),
            }
        }
        stores.into_iter().map(|(_, users)| users).filter(|users| users.len() > 1).collect()
    }

    /// Returns the index of the store that a service shares.
    pub(super) fn shared_store(&self, index: usize) -> Option<usize> {
        self.shared_stores().iter().position(|users| users.contains(&NodeId(index as u32)))
    }
}
