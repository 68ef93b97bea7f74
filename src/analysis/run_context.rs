//! A run as its queries read it: the trace, the analysis, the names and the scenario.

use super::run_state::Analysis;
use crate::scenario::{Group, Micros, Order, Scenario};
use crate::trace::{Names, NodeId, SubscriptionId, Trace};

/// A run, with all that the queries about it read.
pub struct RunContext<'a> {
    /// Its kept records.
    pub trace: &'a Trace,
    /// Its state.
    pub analysis: &'a Analysis,
    /// The names of nodes and keys.
    pub names: &'a Names,
    /// The scenario, with live commands in its script.
    pub scenario: &'a Scenario,
    /// The current time.
    pub now: Micros,
}

impl<'a> RunContext<'a> {
    /// Returns the settings of a group.
    pub fn group(&self, group: NodeId) -> Option<&'a Group> {
        self.scenario.groups.iter().find(|candidate| candidate.id == self.names.node(group))
    }

    /// Iterates over the members of a group.
    pub(super) fn members(&self, group: NodeId) -> impl Iterator<Item = NodeId> {
        self.group(group).into_iter().flat_map(|group| &group.members).filter_map(|id| self.names.find_node(id))
    }

    /// Returns the group whose writes a node coordinates: that of a member, or the target of a client.
    pub(super) fn coordinated_group(&self, node: NodeId) -> Option<NodeId> {
        let id = self.names.node(node);
        let client = || self.scenario.clients.iter().find(|client| client.id == id);
        let target = || self.names.find_node(&client()?.target).filter(|target| self.group(*target).is_some());
        self.names.group(node).or_else(target)
    }

    /// Returns whether an event that `consumer` applies reaches the copy at `node`: its own, one of its group, or one that both
    /// hold together.
    pub(super) fn delivers_to(&self, consumer: NodeId, node: NodeId) -> bool {
        let group = self.names.group(node);
        consumer == node
            || (group.is_some() && self.names.group(consumer) == group)
            || self.analysis.staleness.hold_together(consumer, node)
    }

    /// Returns whether the events of a queue reach the copy at `node`, through any consumer of the queue.
    pub(super) fn queue_reaches(&self, queue: SubscriptionId, node: NodeId) -> bool {
        let mut subscriptions = self.subscriptions_to(queue);
        subscriptions.any(|subscription| self.delivers_to(self.names.subscription(subscription).service, node))
    }

    /// Returns whether a consumer reads the topics of a bus as logs.
    pub(super) fn reads_log(&self, consumer: NodeId, bus: NodeId) -> bool {
        let its = self.scenario.services.get(consumer.index()).into_iter().flat_map(|service| &service.subscribes);
        its.into_iter().any(|it| it.order == Order::Log && self.names.find_node(&it.to) == Some(bus))
    }

    /// Iterates over the subscriptions that share a queue.
    pub fn subscriptions_to(&self, queue: SubscriptionId) -> impl Iterator<Item = SubscriptionId> + use<'a> {
        let analysis = self.analysis;
        self.names.subscriptions().filter(move |subscription| analysis.buses.queue_of(*subscription) == queue)
    }
}
