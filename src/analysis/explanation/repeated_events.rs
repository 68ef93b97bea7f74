//! Copies that are changed by an event that arrives late or once more: overwritten ones, and sums without an inbox.

use super::pending_work::Pending;
use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Prospect, Uncertainty};
use crate::scenario::{Effect, Order, Subscription};
use crate::trace::{KeyId, NodeId, SubscriptionId, UpdateId};
use std::collections::{BTreeMap, BTreeSet};

impl<'a> ProspectFinder<'a> {
    /// The subscriptions whose events change a copy in ways that depend on their order or number.
    fn sensitive(&self, node: NodeId) -> Vec<(NodeId, &'a Subscription)> {
        let run = self.run;
        let services = (0..).map(NodeId).zip(&run.scenario.services);
        let all = services
            .flat_map(|(service, config)| config.subscribes.iter().map(move |subscription| (service, subscription)));
        all.filter(|(service, it)| self.is_sensitive(*service, it) && run.delivers_to(*service, node)).collect()
    }

    /// Returns whether the events of a subscription change a copy in ways that depend on their order or number.
    pub(super) fn is_sensitive(&self, service: NodeId, subscription: &Subscription) -> bool {
        match subscription.effect {
            Effect::Overwrite => true,
            Effect::Increment => !self.recognises_repetitions(service, subscription),
            Effect::SetIfNewer | Effect::LastWriterWins => false,
        }
    }

    /// Returns whether an inbox keeps its rows until the bus has the acknowledgements: for ever, or for longer than the bus waits
    /// before it delivers an event again, those that it delivers late too.
    fn recognises_repetitions(&self, service: NodeId, subscription: &Subscription) -> bool {
        let run = self.run;
        let is_heard = || {
            let bus =
                run.names.find_node(&subscription.to).filter(|bus| !self.work.deleted_rows.contains(&(service, *bus)));
            bus.is_some_and(|bus| self.work.healing.path(run, service, bus).is_ok())
        };
        subscription.inbox.as_ref().is_some_and(|inbox| match inbox.window_ms {
            None => true,
            Some(window_ms) => window_ms > subscription.ack_deadline_ms && is_heard(),
        })
    }

    /// Returns the prospect that was found for a copy, or an uncertain one if an event may change the copy late or once more.
    pub(super) fn unless_repeated(&mut self, found: Prospect, node: NodeId, key: KeyId) -> Prospect {
        if !found.can_converge() || found.is_uncertain() {
            return found;
        }
        match self.repetition(node, key) {
            Some(why) => Prospect::Uncertain(why),
            None => found,
        }
    }

    /// Returns why the events on their way to a copy may change it more often than once each, or in another order.
    pub(super) fn repetition(&mut self, node: NodeId, key: KeyId) -> Option<Uncertainty> {
        let sensitive = self.sensitive(node);
        let pending = if sensitive.is_empty() { BTreeSet::new() } else { self.pending(node, key) };
        let newest = self.run.analysis.staleness.newest_acknowledged_update(key, node);
        for (_, subscription) in sensitive {
            let is_certain = match subscription.effect {
                Effect::Overwrite => {
                    pending.iter().all(|event| Some(event.update()) == newest)
                        || (subscription.order == Order::FifoPerKey
                            && self.is_ordered(&pending, newest)
                            && !pending.iter().any(|event| self.may_be_duplicated(*event, node)))
                }
                Effect::Increment => {
                    let updates: BTreeSet<UpdateId> = pending.iter().map(|event| event.update()).collect();
                    updates.len() == pending.len()
                        && pending.iter().all(|event| self.is_applied_once(*event, node, key))
                }
                Effect::SetIfNewer | Effect::LastWriterWins => true,
            };
            if !is_certain {
                let is_added = subscription.effect == Effect::Increment;
                return Some(if is_added { Uncertainty::Repetition } else { Uncertainty::Order });
            }
        }
        None
    }

    /// Returns whether all events are in one queue, the newest update last.
    fn is_ordered(&self, pending: &BTreeSet<Pending>, newest: Option<UpdateId>) -> bool {
        let mut queues = BTreeSet::new();
        for event in pending {
            match event {
                Pending::Queued(queue, ..) => _ = queues.insert(*queue),
                Pending::Elsewhere(..) => return false,
            }
        }
        queues.len() < 2 && pending.last().is_none_or(|last| Some(last.update()) == newest)
    }

    /// Returns whether an event is applied once: it was not applied, and its acknowledgement will arrive.
    fn is_applied_once(&self, event: Pending, node: NodeId, key: KeyId) -> bool {
        let run = self.run;
        let has_applied = run
            .analysis
            .updates
            .get(event.update())
            .is_some_and(|info| run.analysis.staleness.has_applied(node, key, info.version));
        let subscriptions =
            run.names.subscriptions().filter(|it| run.delivers_to(run.names.subscription(*it).service, node));
        let subscriptions: Vec<SubscriptionId> = subscriptions.collect();
        // Several deliveries are at consumers, or a paused consumer handles its own while the bus delivers the event again.
        let consumers: BTreeSet<NodeId> = subscriptions.iter().map(|it| run.names.subscription(*it).service).collect();
        let received = consumers.iter().map(|it| self.history.deliveries_received(*it, event.update())).sum::<u32>();
        let is_paused = |it: &NodeId| run.analysis.faults.paused(*it).is_some();
        if received > 1 || consumers.iter().any(is_paused) || self.may_be_duplicated(event, node) {
            return false;
        }
        let is_acknowledged = subscriptions.into_iter().all(|subscription| {
            let ends = run.names.subscription(subscription);
            // Brokers that are down delay the acknowledgements of publications.
            let brokers = run.analysis.brokers.get(ends.bus).filter(|_| matches!(event, Pending::Elsewhere(None, _)));
            self.work.healing.path(run, ends.service, ends.bus).is_ok()
                && brokers.is_none_or(|brokers| brokers.up == brokers.all())
                && self.is_handled_in_time(subscription)
        });
        !has_applied && is_acknowledged
    }

    /// Returns whether a link on the path of an event to a copy may deliver it twice, and nothing recognises the repetition.
    fn may_be_duplicated(&self, event: Pending, node: NodeId) -> bool {
        let run = self.run;
        let mut duplicating = run.analysis.faults.duplicating().peekable();
        if duplicating.peek().is_none() {
            return false;
        }
        let origin = run.analysis.updates.get(event.update()).map(|info| info.node);
        let path = self.update_path(origin, node);
        duplicating.any(|(from, to)| {
            let is_recognised = match (self.is_bus(from), self.is_bus(to)) {
                // The publication is over, or the bus recognises it.
                (_, true) => matches!(event, Pending::Queued(..)) || self.deduplicates(to),
                (true, false) => run.reads_log(to, from),
                (false, false) => true,
            };
            path.contains(&from) && path.contains(&to) && !is_recognised
        })
    }

    /// Returns whether a consumer handles all events of a queue before the bus delivers one of them again.
    fn is_handled_in_time(&self, subscription: SubscriptionId) -> bool {
        let run = self.run;
        let queue = run.analysis.buses.queue_of(subscription);
        let service = run.scenario.services.get(run.names.subscription(subscription).service.index());
        let waiting = run.analysis.buses.get(queue).map_or(0, |queue| queue.events.len());
        self.settings(queue).filter(|(other, _)| *other == subscription).all(|(_, settings)| {
            let is_one_by_one = settings.order != Order::None;
            let at_once =
                if is_one_by_one { 1 } else { service.map_or(1, |service| service.concurrency.max(1)) as usize };
            let rounds = waiting.max(self.work.outboxes.len()).div_ceil(at_once).max(1);
            let (_, longest) = self.round_trip_ms(subscription, settings);
            longest * (rounds as f64) < settings.ack_deadline_ms
        })
    }

    /// The events of a key on their way to a copy.
    fn pending(&mut self, node: NodeId, key: KeyId) -> BTreeSet<Pending> {
        self.events_of_keys();
        self.indexed(node, key)
    }

    /// The same, from the index of events; no event before the index is built.
    pub(super) fn indexed(&self, node: NodeId, key: KeyId) -> BTreeSet<Pending> {
        let run = self.run;
        let reaches = |event: &Pending| match event {
            Pending::Queued(queue, ..) => run.queue_reaches(*queue, node),
            Pending::Elsewhere(None, _) => true,
            Pending::Elsewhere(Some(at), _) => run.delivers_to(*at, node),
        };
        let of_key = self.work.events_of_keys.as_ref().and_then(|index| index.get(&key)).into_iter().flatten();
        let all: BTreeSet<Pending> = of_key.filter(|event| reaches(event)).copied().collect();
        let queued: BTreeSet<UpdateId> =
            all.iter().filter(|event| matches!(event, Pending::Queued(..))).map(|event| event.update()).collect();
        // The event of a delivery is in the queue, too.
        let is_separate = |event: &&Pending| match event {
            Pending::Elsewhere(Some(_), update) => !queued.contains(update),
            Pending::Elsewhere(None, _) | Pending::Queued(..) => true,
        };
        all.iter().filter(is_separate).copied().collect()
    }

    /// The events on their way, by key. They are indexed at the first call.
    pub(super) fn events_of_keys(&mut self) -> &BTreeMap<KeyId, BTreeSet<Pending>> {
        if self.work.events_of_keys.is_none() {
            self.work.events_of_keys = Some(self.index_events());
        }
        self.work.events_of_keys.get_or_insert_default()
    }

    fn index_events(&self) -> BTreeMap<KeyId, BTreeSet<Pending>> {
        let analysis = self.run.analysis;
        let queued = analysis.buses.iter().flat_map(|(queue, events)| {
            events.events.iter().map(move |(number, event)| Pending::Queued(queue, *number, event.update))
        });
        let carried = self.work.carriers.keys().map(|(update, to)| Pending::Elsewhere(Some(*to), *update));
        let received = self.history.received().filter(|(at, update)| self.has_received(*at, *update));
        let received = received.map(|(at, update)| Pending::Elsewhere(Some(at), update));
        let resent = analysis.unacknowledged_publications.awaited().map(|(.., update)| update);
        let delayed = analysis.delayed_publications.iter().map(|delayed| delayed.update);
        let unpublished = self.work.publications.keys().chain(self.work.outboxes.keys()).copied();
        let unpublished = unpublished.chain(resent).chain(delayed);
        let elsewhere = unpublished.map(|update| Pending::Elsewhere(None, update));
        let mut index: BTreeMap<KeyId, BTreeSet<Pending>> = BTreeMap::new();
        for event in queued.chain(carried).chain(received).chain(elsewhere) {
            if let Some(info) = analysis.updates.get(event.update()) {
                index.entry(info.key).or_default().insert(event);
            }
        }
        index
    }

    /// The prospect of an overwritten copy with another value than the newest: a publisher may send the newest once more.
    pub(super) fn sent_again(&mut self, node: NodeId, key: KeyId) -> Prospect {
        let newest = self.run.analysis.staleness.newest_acknowledged_update(key, node);
        let is_pending =
            newest.is_some_and(|newest| self.pending(node, key).iter().any(|event| event.update() == newest));
        let is_overwritten =
            self.sensitive(node).iter().any(|(_, subscription)| subscription.effect == Effect::Overwrite);
        match is_pending && is_overwritten {
            true => Prospect::Uncertain(Uncertainty::Order),
            false => Prospect::Applied,
        }
    }
}
