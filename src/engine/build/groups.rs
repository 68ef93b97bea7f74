//! Builds the replica groups of a scenario.

use super::Builder;
use crate::engine::client::GroupSession;
use crate::engine::message::LinkId;
use crate::engine::network::UnlistedLinks;
use crate::engine::random::{Sampler, Stream};
use crate::engine::replica::{
    Coordinator, Group, KeyState, Member, PendingPublications, Replica, ReplicaConfig, VersionGenerator,
};
use crate::scenario::{self, Client, Protocol, Route, Service};
use crate::trace::{KeyId, NodeId};
use litemap::LiteMap;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Builder<'_> {
    /// Returns the properties of links that the scenario does not list.
    pub(super) fn unlisted_links(&self) -> UnlistedLinks {
        let scenario = self.scenario;
        let regions = scenario.regions.iter().zip(0..);
        let region_latencies =
            regions.clone().flat_map(|(from, i)| regions.clone().map(move |(to, j)| ((i, j), from, to)));
        let region_latencies = region_latencies.filter_map(|(pair, from, to)| {
            let latency = scenario.latency_of_regions(from.nodes.first()?, to.nodes.first()?)?;
            Some((pair, Sampler::new(latency)))
        });
        let mut links = UnlistedLinks {
            seed: scenario.seed,
            default_latency: Sampler::new(&scenario.default_latency),
            listed: self.links.clone(),
            region_latencies: LiteMap::new(),
            regions: LiteMap::new(),
        };
        links.region_latencies.extend(region_latencies);
        links.regions.extend(regions.flat_map(|(region, i)| region.nodes.iter().map(move |id| (self.node(id), i))));
        links
    }

    /// Returns the groups.
    pub(super) fn groups(&self) -> Vec<Arc<Group>> {
        let scenario = self.scenario;
        let groups = scenario.groups.iter().map(|group| {
            let all = group.members.len();
            let replicas = match &group.protocol {
                Protocol::Quorum(quorum) => quorum.replicas.map_or(all, |n| n as usize),
                Protocol::Primary(_)
                | Protocol::Raft(_)
                | Protocol::Chain
                | Protocol::TwoPhase(_)
                | Protocol::Gossip(_) => all,
            };
            Arc::new(Group {
                node: self.node(&group.id),
                members: group.members.iter().map(|id| self.node(id)).collect(),
                data: group.data.clone(),
                protocol: group.protocol.clone(),
                replicas,
                is_connected: scenario.is_connected(group),
                publishes: scenario.members_of(group).any(|member| !member.publishes.is_empty()),
            })
        });
        groups.collect()
    }

    /// Returns the links of a node to the members of a group, by index; none to itself.
    fn links_to(&self, node: NodeId, group: &Group) -> Arc<Vec<Option<LinkId>>> {
        Arc::new(group.members.iter().map(|member| self.links.get(&(node, *member)).copied()).collect())
    }

    /// Returns the member that runs at a service, which is given by its index in the scenario.
    pub(in crate::engine) fn member(&mut self, index: usize, group: &Arc<Group>) -> Replica {
        debug_assert!(group.members.contains(&NodeId(index as u32)), "the service is a member of the group");
        let (service, seed) = (&self.scenario.services[index], self.scenario.seed);
        let node = NodeId(index as u32);
        let initial_states = self.initial_states(service, group);
        let (publishers, handlers) = self.events(index);
        let config = ReplicaConfig { workers: super::workers(service, seed), publishers, handlers };
        let has_links = group.members.len() <= scenario::Group::MAX_LINKED;
        let mut versions = VersionGenerator::default();
        for (key, state) in &initial_states {
            versions.observe(group.clock(), *key, state.version());
        }
        let mut states: BTreeMap<KeyId, KeyState> = BTreeMap::new();
        states.extend(initial_states.iter().cloned());
        debug_assert!(states.len() == initial_states.len(), "a key has one initial state");
        let member = Member {
            node,
            group: group.clone(),
            index: group.index(node).unwrap_or(0),
            links: if has_links { self.links_to(node, group) } else { Arc::default() },
            states,
            initial_states: Arc::new(initial_states),
            versions,
            clock_offset: super::clock_offset(service, seed),
            clock_drift: service.clock.drift_ppm,
            lost_disks: 0,
            publications: PendingPublications::default(),
        };
        Replica::new(config, member, |purpose| Stream::named(seed, purpose, &service.id))
    }

    fn initial_states(&mut self, service: &Service, group: &Group) -> Vec<(KeyId, KeyState)> {
        debug_assert!(self.nodes.contains_key(&service.id), "the service is a node");
        let mut states = Vec::new();
        for (key, value) in &service.data {
            let key = self.names.key_id(self.names.scope(group.node), key);
            states.extend(KeyState::initial(&group.data, value).map(|state| (key, state)));
        }
        debug_assert!(states.len() <= service.data.len(), "a key has one initial state");
        states
    }

    /// Returns the sessions of a client with its group; none if its target is a service.
    pub(super) fn group_session(&self, client: &Client, groups: &[Arc<Group>]) -> Option<Box<GroupSession>> {
        let node = self.node(&client.id);
        let group = groups.iter().find(|group| group.node == self.node(&client.target))?;
        let links = self.links_to(node, group);
        let routes = (client.route, client.read_route.unwrap_or(client.route));
        let listed = self.scenario.groups.iter().find(|listed| listed.id == client.target)?;
        let nearest = self.scenario.nearest(&client.id, listed);
        let nearest = nearest.and_then(|id| listed.members.iter().position(|member| member == id)).unwrap_or(0);
        let random = Stream::named(self.scenario.seed, "route", &client.id);
        let mut coordinator = None;
        if let Protocol::Quorum(config) = &group.protocol
            && [routes.0, routes.1].contains(&Route::Itself)
        {
            coordinator = Some(Coordinator::new(config.clone(), group.clone(), node, links.clone()));
        }
        let guarantees = client.guarantees.clone();
        let session =
            GroupSession::new(group.clone(), links, routes, guarantees, nearest, client.sessions, random, coordinator);
        Some(Box::new(session))
    }
}
