//! Questions about the topology of a scenario: latencies between nodes, members of groups, and whom clients contact.

use super::{Client, Group, Latency, Protocol, Region, Route, Scenario, Service};
use std::collections::BTreeSet;

impl Scenario {
    /// Returns the latency from one node to another: that of the link, else of the regions, else the default.
    pub fn latency(&self, from: &str, to: &str) -> &Latency {
        let find = |from: &str, to: &str| self.links.iter().find(|link| link.from == from && link.to == to);
        let listed = find(from, to).or_else(|| find(to, from)).and_then(|link| link.latency.as_ref());
        listed.or_else(|| self.latency_of_regions(from, to)).unwrap_or(&self.default_latency)
    }

    /// Returns the latency that the regions of two nodes give, if any.
    pub fn latency_of_regions(&self, from: &str, to: &str) -> Option<&Latency> {
        let of = |node: &str| self.regions.iter().find(|region| region.nodes.iter().any(|id| id == node));
        let (from, to) = (of(from)?, of(to)?);
        let listed = |a: &Region, b: &Region| a.latency.iter().position(|latency| latency.to == b.id);
        match (listed(from, to), listed(to, from)) {
            (Some(at), _) => Some(&from.latency[at].latency),
            (None, Some(at)) => Some(&to.latency[at].latency),
            (None, None) => None,
        }
    }

    /// Returns the member of a group whose link from a node has the lowest mean latency.
    pub fn nearest<'a>(&self, node: &str, group: &'a Group) -> Option<&'a str> {
        let mean = |member: &&String| self.latency(node, member).mean_ms();
        group.members.iter().min_by(|a, b| mean(a).total_cmp(&mean(b))).map(String::as_str)
    }

    /// Returns the services that are members of a group.
    pub fn members_of<'a>(&'a self, group: &'a Group) -> impl Iterator<Item = &'a Service> {
        let ids: BTreeSet<&str> = group.members.iter().map(String::as_str).collect();
        self.services.iter().filter(move |service| ids.contains(service.id.as_str()))
    }

    /// Returns whether any member of a group publishes or subscribes. Only then are its keys those of the services
    /// outside of groups.
    pub fn is_connected(&self, group: &Group) -> bool {
        self.members_of(group).any(Service::exchanges_events)
    }

    /// Returns the members of a group that a client contacts without faults.
    pub fn asked_members<'a>(&'a self, client: &Client) -> Vec<&'a str> {
        let Some(group) = self.groups.iter().find(|group| group.id == client.target) else { return Vec::new() };
        let routes = [client.route, client.read_route.unwrap_or(client.route)];
        let all = routes.iter().any(|route| matches!(route, Route::Sticky | Route::Any | Route::Itself))
            || (routes.contains(&Route::Primary) && matches!(group.protocol, Protocol::Raft(_)));
        if all {
            return group.members.iter().map(String::as_str).collect();
        }
        let mut asked: Vec<&str> = Vec::new();
        if routes.contains(&Route::Primary) {
            asked.extend(group.members.first().map(String::as_str));
        }
        if routes.contains(&Route::Nearest) {
            asked.extend(self.nearest(&client.id, group).filter(|id| asked.first() != Some(id)));
        }
        asked
    }
}
