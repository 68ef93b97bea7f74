//! How subscribers and publishers are described: who acknowledges, who polls, which workers share a queue, and which relays read
//! the log of a store.

use super::Builder;
use crate::scenario::{Acknowledge, Attachment, PublishMode, Subscription};
use crate::trace::{NodeId, Subscriber, SubscriptionId};
use std::collections::BTreeSet;

impl Builder<'_> {
    /// Returns the description of a subscription.
    pub(super) fn subscriber(&self, service: NodeId, subscription: &Subscription) -> Subscriber {
        debug_assert!(service.index() < self.scenario.services.len(), "a service subscribes");
        let served = self.consumer_groups.as_served(subscription);
        Subscriber {
            bus: self.node(&subscription.to),
            topic: self.topic(&subscription.to, subscription.topic.as_deref()),
            service,
            acknowledges: subscription.acknowledge != Acknowledge::Never,
            polls: matches!(served.attachment(), Attachment::Polling(_)),
        }
    }

    /// Names the queues that several workers share after their consumer groups.
    pub(super) fn name_shared_queues(&mut self) {
        debug_assert!(self.queues.keys().all(|id| self.queues.get(id) != Some(id)), "the first worker has the queue");
        debug_assert!(self.queues.len() <= self.subscriptions.len(), "each worker has a subscription");
        let first: BTreeSet<SubscriptionId> = self.queues.values().copied().collect();
        for (index, service) in self.scenario.services.iter().enumerate() {
            for (at, subscription) in service.subscribes.iter().enumerate() {
                let id = self.subscriptions[&(NodeId(index as u32), at)];
                let is_shared = self.queues.contains_key(&id) || first.contains(&id);
                if let Some(group) = subscription.group.as_ref().filter(|_| is_shared) {
                    self.names.set_consumer_group(id, group);
                }
            }
        }
    }

    /// Notes the services that publish to a bus from the log of their store.
    pub(super) fn name_relays(&mut self) {
        debug_assert!(self.names.node_count() >= self.scenario.services.len(), "each service has a name");
        debug_assert!(self.nodes.len() == self.names.node_count(), "each node has an id");
        for (index, service) in self.scenario.services.iter().enumerate() {
            for publication in &service.publishes {
                let is_of_bus = |mode: fn(&PublishMode) -> bool| {
                    service.publishes.iter().any(|other| other.to == publication.to && mode(&other.mode))
                };
                let captures = is_of_bus(|mode| matches!(mode, PublishMode::ChangeDataCapture { .. }));
                if captures && !is_of_bus(|mode| matches!(mode, PublishMode::Outbox { .. })) {
                    self.names.add_log_relay(NodeId(index as u32), self.node(&publication.to));
                }
            }
        }
    }
}
