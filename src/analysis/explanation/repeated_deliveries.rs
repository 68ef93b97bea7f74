//! Events that consumers have applied, and that reach them once more: their acknowledgement was lost, or they were requeued.

use super::pending_work::Pending;
use super::prospects::ProspectFinder;
use super::{MAX_EXPLANATIONS, RepeatedEvent};
use crate::analysis::prospect::Uncertainty;
use crate::scenario::{Effect, Order, Subscription};
use crate::trace::{KeyId, NodeId, SubscriptionId, UpdateId};

impl<'a> ProspectFinder<'a> {
    /// Returns the events that change a consistent copy when they reach it once more, and that do so unless a fault stops them.
    pub(super) fn repeated_events(&mut self) -> Vec<RepeatedEvent> {
        let run = self.run;
        let services = (0..).map(NodeId).zip(&run.scenario.services);
        // An event that one of several holders of a copy applies once more need not change the copy.
        let ungrouped = services.filter(|(node, _)| self.holds_alone(*node));
        let sensitive: Vec<(NodeId, &Subscription)> = ungrouped
            .flat_map(|(node, service)| service.subscribes.iter().map(move |subscription| (node, subscription)))
            .filter(|(node, subscription)| self.is_sensitive(*node, subscription))
            .collect();
        if sensitive.is_empty() {
            return Vec::new();
        }
        let keys: Vec<KeyId> = self.events_of_keys().keys().copied().collect();
        let mut found: Vec<RepeatedEvent> = Vec::new();
        let pairs = sensitive.into_iter().flat_map(|consumer| keys.iter().map(move |key| (consumer, *key)));
        for ((node, subscription), key) in pairs {
            let adds = subscription.effect == Effect::Increment;
            // The newest value is overwritten only by an older one.
            if !adds && self.repetition(node, key) != Some(Uncertainty::Order) {
                continue;
            }
            let newest = run.analysis.staleness.newest_acknowledged_update(key, node);
            for event in self.indexed(node, key) {
                let update = event.update();
                let info = run.analysis.updates.get(update).filter(|_| adds || Some(update) != newest);
                let has_applied = info.is_some_and(|info| run.analysis.staleness.has_applied(node, key, info.version));
                let from = has_applied.then(|| self.sends_once_more(event, node, subscription)).flatten();
                found.extend(from.map(|from| RepeatedEvent { node, update, from, adds }));
                if found.len() >= MAX_EXPLANATIONS {
                    return found;
                }
            }
        }
        found
    }

    /// Returns whether a service holds its copies alone: neither in a group nor with others.
    pub(super) fn holds_alone(&self, node: NodeId) -> bool {
        let run = self.run;
        let mut others = (0..run.scenario.services.len() as u32).map(NodeId).filter(|other| *other != node);
        run.names.group(node).is_none() && !others.any(|other| run.analysis.staleness.hold_together(node, other))
    }

    /// The bus that delivers an applied event to a consumer once more, or the publisher that publishes it once more.
    fn sends_once_more(&self, event: Pending, node: NodeId, subscription: &Subscription) -> Option<NodeId> {
        let run = self.run;
        let its_bus = run.names.find_node(&subscription.to)?;
        match event {
            Pending::Queued(queue, number, update) => {
                let bus = run.names.subscription(queue).bus;
                (bus == its_bus && self.is_redelivered(queue, number, update, node, subscription)).then_some(bus)
            }
            Pending::Elsewhere(Some(at), update) => {
                let mut carriers = self.work.carriers.get(&(update, at)).into_iter().flatten();
                (self.has_received(at, update) || carriers.any(|(from, _)| *from == its_bus)).then_some(its_bus)
            }
            Pending::Elsewhere(None, update) => {
                let mut resent = run.analysis.resending_publications().filter(|(.., resent)| *resent == update);
                let is_repeated = |publisher: NodeId, bus: NodeId| {
                    bus == its_bus
                        && (self.history.is_acknowledgement_lost(bus, publisher, update)
                            || self.is_sent_again_by_relay(publisher, bus, update, subscription.effect))
                        && !self.deduplicates_all(publisher, bus, update)
                        && self.to_bus(publisher, bus).can_converge()
                };
                resent.find(|(publisher, bus, _)| is_repeated(*publisher, *bus)).map(|(publisher, ..)| publisher)
            }
        }
    }

    /// Returns whether a relay publishes an event that changes an applied one: an older event, late, or an event that its bus has,
    /// because the relay lost its position behind it.
    fn is_sent_again_by_relay(&self, publisher: NodeId, bus: NodeId, update: UpdateId, effect: Effect) -> bool {
        let mut unpublished = self.run.analysis.tables.unpublished();
        let mut carriers = self.work.carriers.get(&(update, publisher)).into_iter().flatten();
        unpublished.any(|row| row == (publisher, bus, update))
            && (effect == Effect::Overwrite || self.history.accepted_at(bus, update).is_some())
            && !carriers.any(|(from, _)| *from == bus)
            && !self.acknowledges_flushed(bus)
    }

    /// Returns whether a bus acknowledges an event only when it is flushed.
    fn acknowledges_flushed(&self, bus: NodeId) -> bool {
        let mut buses = self.run.scenario.buses.iter();
        buses.any(|config| config.acknowledges_flushed && self.run.names.find_node(&config.id) == Some(bus))
    }

    /// Returns whether a queue redelivers an event that was applied: its acknowledgement is no longer in flight.
    fn is_redelivered(
        &self,
        queue: SubscriptionId,
        number: u32,
        update: UpdateId,
        node: NodeId,
        subscription: &Subscription,
    ) -> bool {
        let run = self.run;
        let Some(event) = run.analysis.buses.get(queue).and_then(|queue| queue.events.get(&number)) else {
            return false;
        };
        let bus = run.names.subscription(queue).bus;
        let consumers = run.subscriptions_to(queue).map(|subscription| run.names.subscription(subscription).service);
        let consumers: Vec<NodeId> = consumers.filter(|consumer| run.delivers_to(*consumer, node)).collect();
        let is_sent = |from: NodeId, to: NodeId| {
            let mut carriers = self.work.carriers.get(&(update, to)).into_iter().flatten();
            carriers.any(|(sender, _)| *sender == from)
        };
        if !self.is_delivered(queue) || consumers.iter().any(|consumer| is_sent(*consumer, bus)) {
            return false;
        }
        let is_on_its_way = |consumer: &NodeId| is_sent(bus, *consumer) || self.has_received(*consumer, update);
        // A delivery that is not in flight and not at a consumer was lost, or its acknowledgement was. Only the reader of a log
        // acknowledges later, by its position.
        let is_acknowledged_later = subscription.order == Order::Log;
        consumers.iter().any(is_on_its_way)
            || (!self.is_used_up(queue, event) && (!event.in_flight || !is_acknowledged_later))
    }
}
