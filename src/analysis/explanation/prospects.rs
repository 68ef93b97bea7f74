//! The prospects of copies: how a missing update may still reach a copy, or why it will not.

use super::event_history::EventHistory;
use super::pending_work::PendingWork;
use crate::analysis::prospect::{Obstacle, Prospect, Uncertainty};
use crate::analysis::run_context::RunContext;
use crate::scenario::{Attachment, Effect, Micros, Order, Publication, Service, Subscription, Topics, micros};
use crate::trace::{KeyId, NodeId, Subscriber, SubscriptionId, UpdateId, Version};
use std::cell::LazyCell;

/// Finds the prospects of copies, by the index of pending work.
pub(super) struct ProspectFinder<'a> {
    pub run: &'a RunContext<'a>,
    pub work: &'a mut PendingWork,
    pub history: &'a EventHistory,
}

impl<'a> ProspectFinder<'a> {
    /// Returns the prospect of an update that a copy is missing; of an initial value of the scenario if `update` is none. If
    /// services hold the copy together, one that is up is enough.
    pub fn prospect(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let found = self.prospect_of_event(node, key, update);
        let found = self.unless_repeated(found, node, key);
        let found = self.unless_purged(found, node, key, update);
        self.unless_stopped(found, node, update)
    }

    /// Returns the prospect that was found for a missing update, or an uncertain one if the copy has no value that the update
    /// deletes: it equals the others once they have purged the tombstone.
    fn unless_purged(&self, found: Prospect, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let run = self.run;
        let group = run.names.group(node).and_then(|group| run.group(group));
        let purged = group.zip(update).and_then(|(group, update)| self.history.writes.purged_at(group, update));
        let is_absent = || {
            run.analysis
                .staleness
                .copy(node, key)
                .is_none_or(|copy| copy.held().is_none_or(|held| held.value.is_none()))
        };
        match !found.can_converge() && purged.is_some_and(|at| at > run.now) && is_absent() {
            true => Prospect::Uncertain(Uncertainty::GracePeriod),
            false => found,
        }
    }

    /// The same, if each event is applied once and in order.
    fn prospect_of_event(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let own = match update {
            Some(_) => self.own_prospect(node, key, update),
            None => self.initial_value(node, key),
        };
        if own.can_converge() {
            return own;
        }
        self.superseded(node, key, update).unwrap_or(own)
    }

    /// The prospect of an initial value that a copy lost. A service that adds differences shows only in its sum whether it began
    /// with the initial value, so the prospect is that of the newest missing update.
    fn initial_value(&mut self, node: NodeId, key: KeyId) -> Prospect {
        let is_added = self.work.adding.iter().any(|consumer| self.run.delivers_to(*consumer, node));
        let copy = self.run.analysis.staleness.copy(node, key).filter(|_| is_added);
        match copy.and_then(|copy| copy.newest_missing()) {
            Some((_, newest @ Some(_))) => self.own_prospect(node, key, newest),
            Some((_, None)) | None => self.own_prospect(node, key, None),
        }
    }

    /// The prospect of a copy that applied all updates and has another value: the newest one may be delivered once more.
    pub fn value(&mut self, node: NodeId, key: KeyId) -> Prospect {
        let run = self.run;
        let overwrites =
            |service: &Service| service.subscribes.iter().any(|subscription| subscription.effect == Effect::Overwrite);
        let services = (0..).map(NodeId).zip(&run.scenario.services);
        let mut overwriting = services.filter(|(_, service)| overwrites(service));
        let newest = run.analysis.staleness.newest_acknowledged_update(key, node);
        let found = newest
            .filter(|_| overwriting.any(|(consumer, _)| run.delivers_to(consumer, node)))
            .and_then(|newest| self.in_transit(run.now, node, newest))
            .filter(|found| found.can_converge());
        match found {
            Some(found) => {
                let found = self.unless_repeated(found, node, key);
                self.unless_stopped(found, node, newest)
            }
            None => self.sent_again(node, key),
        }
    }

    /// Returns the prospect of an update that was never acknowledged, at a copy that lacks it. `holder` shows it.
    pub fn unacknowledged(&mut self, holder: NodeId, lacking: NodeId, key: KeyId, update: UpdateId) -> Prospect {
        let found = self.spread(holder, lacking, key, update);
        let found = self.unless_repeated(found, lacking, key);
        let found = self.unless_stopped(found, lacking, Some(update));
        match self.run.names.group(holder) {
            Some(group) if !found.can_converge() => self.unless_taken_over(found, group, key, update),
            Some(_) | None => found,
        }
    }

    fn spread(&mut self, holder: NodeId, lacking: NodeId, key: KeyId, update: UpdateId) -> Prospect {
        let own = self.own_prospect(lacking, key, Some(update));
        if !own.can_converge() && self.awaits_callees(update) {
            return Prospect::Uncertain(Uncertainty::Calls);
        }
        let Some(info) = self.run.analysis.updates.get(update).filter(|_| !own.can_converge()) else { return own };
        let rolled_back_at = self.rolled_back_at(holder, key, info.version);
        if let Some((at, group)) = rolled_back_at.zip(self.run.names.group(holder)) {
            let found = if at <= self.run.now { Prospect::RollingBack(holder) } else { Prospect::AfterHealing(at) };
            return self.unless_contested(found, group, key, Some(update));
        }
        let copy = self.run.analysis.staleness.copy(lacking, key);
        if !copy.is_some_and(|copy| copy.needs_only_the_newest()) {
            return own;
        }
        self.newer_on_its_way(lacking, key, info.version).unwrap_or(own)
    }

    /// Returns whether a service that called others with an update may still commit it.
    fn awaits_callees(&self, update: UpdateId) -> bool {
        let calls = self.run.scenario.services.iter().flat_map(|service| &service.calls);
        let timeout = calls.map(|call| micros(call.timeout_ms)).max();
        let last = self.history.last_sent.get(&update);
        let mut callers =
            (0..).map(NodeId).zip(&self.run.scenario.services).filter(|(_, service)| !service.calls.is_empty());
        let is_resumed = |node: NodeId| {
            self.run.analysis.faults.paused(node).is_some() && self.work.healing.up_from(self.run, node).is_some()
        };
        last.zip(timeout).is_some_and(|(at, timeout)| {
            at.saturating_add(timeout) >= self.run.now || callers.any(|(node, _)| is_resumed(node))
        })
    }

    /// Returns whether a poison message in a queue keeps back the later events of its key for ever.
    pub(super) fn is_blocked(&self, queue: SubscriptionId) -> bool {
        let Subscriber { service, bus, .. } = self.run.names.subscription(queue);
        let config = self.run.scenario.services.get(service.index());
        let mut all = config.into_iter().flat_map(|service| &service.subscribes);
        let blocks = |settings: &Subscription| settings.order != Order::None && settings.max_deliveries.is_none();
        all.any(|settings| self.run.names.find_node(&settings.to) == Some(bus) && blocks(settings))
    }

    /// A newer update on its way to a copy, so that the copy needs no older one.
    fn superseded(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Option<Prospect> {
        let run = self.run;
        let copy = run.analysis.staleness.copy(node, key).filter(|copy| copy.needs_only_the_newest())?;
        // A lost difference is not in a later one.
        if self.work.adding.iter().any(|consumer| run.delivers_to(*consumer, node)) {
            return None;
        }
        let (version, newest) = copy.newest_missing()?;
        if let Some(newer) = newest.filter(|_| newest != update) {
            let found = self.own_prospect(node, key, newest);
            if found.can_converge() {
                return Some(if found.is_uncertain() { found } else { Prospect::Superseded(newer) });
            }
        }
        self.newer_on_its_way(node, key, version)
    }

    /// An update that is newer than a version, not acknowledged yet, and carried to a copy.
    fn newer_on_its_way(&mut self, node: NodeId, key: KeyId, version: Version) -> Option<Prospect> {
        self.run.analysis.staleness.holders_of(node, key).into_iter().find_map(|holder| {
            let (carried, newer) = self.work.newest_carried.get(&(holder, key)).copied()?;
            match self.prospect_at(holder, key, Some(newer)) {
                found if carried <= version || !found.can_converge() => None,
                found if found.is_uncertain() => Some(found),
                _ => Some(Prospect::Superseded(newer)),
            }
        })
    }

    /// The prospect of an update itself.
    pub(super) fn own_prospect(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let (mut first, mut healed): (Option<Prospect>, Option<Micros>) = (None, None);
        for holder in self.run.analysis.staleness.holders_of(node, key) {
            match self.prospect_at(holder, key, update) {
                // Another holder may need no healing.
                Prospect::AfterHealing(at) => healed = Some(healed.map_or(at, |earlier| earlier.min(at))),
                found if found.can_converge() && !(found.is_uncertain() && healed.is_some()) => return found,
                found => match first {
                    // A service that is down is the least informative reason.
                    None | Some(Prospect::Down(_)) => first = Some(found),
                    Some(_) => {}
                },
            }
        }
        healed.map(Prospect::AfterHealing).or(first).unwrap_or(Prospect::Lost)
    }

    fn prospect_at(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        if !self.run.analysis.faults.is_stopped(node) {
            return self.prospect_from(self.run.now, node, key, update);
        }
        let Prospect::AfterHealing(up) = self.when_up(node) else { return Prospect::Down(node) };
        match self.prospect_from(up, node, key, update) {
            Prospect::AfterHealing(later) => Prospect::AfterHealing(later.max(up)),
            found if found.is_uncertain() => found,
            found if found.can_converge() => Prospect::AfterHealing(up),
            found => found,
        }
    }

    /// The prospect at a node that is up from a time on: now, or the time of its restart.
    fn prospect_from(&mut self, up: Micros, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let found = self.uncontested_from(up, node, key, update);
        match self.run.names.group(node) {
            Some(group) => self.unless_contested(found, group, key, update),
            None => found,
        }
    }

    /// The same, if it is certain whose log remains in the node's group.
    fn uncontested_from(&mut self, up: Micros, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let run = self.run;
        if let Some(found) = update.and_then(|update| self.in_transit(up, node, update)) {
            return found;
        }
        match self.hinted(up, (node, key), update) {
            Some(Prospect::AfterHealing(at)) => return Prospect::AfterHealing(at.max(up)),
            Some(found) => return found,
            None => {}
        }
        let info = update.and_then(|update| run.analysis.updates.get(update));
        if let Some(group) = run.names.group(node) {
            // The protocol cannot deliver an update from outside that no member has.
            let foreign = info.is_some_and(|info| run.coordinated_group(info.node) != Some(group));
            let has_update = |member: NodeId| {
                let copy = run.analysis.staleness.copy(member, key);
                info.zip(copy).is_some_and(|(info, copy)| copy.reflects(info.version))
            };
            if !foreign || run.members(group).any(has_update) {
                let found = self.within_group(group, up, (node, key), update);
                let Some(update) = update.filter(|_| !found.can_converge()) else { return found };
                let carried = self.carried_with_another(node, key, update);
                return carried.or_else(|| self.carried_by_chance(node, update)).unwrap_or(found);
            }
        }
        let Some((update, info)) = update.zip(info) else { return Prospect::Lost };
        if let Some(found) = self.promised(node, key, update) {
            return found;
        }
        if let Some(found) = self.forwarded(node, key, update) {
            return found;
        }
        let published = self.unpublished(info.node, update).unwrap_or(Prospect::Lost);
        self.delivered(published, None, node, update)
    }

    /// The prospect of a copy whose update is published, at this bus or at any: none if no event reaches its consumers.
    fn delivered(&self, published: Prospect, bus: Option<NodeId>, node: NodeId, update: UpdateId) -> Prospect {
        if !published.can_converge() {
            return published;
        }
        let run = self.run;
        let to_node = run.names.subscriptions().filter(|subscription| {
            let subscriber = run.names.subscription(*subscription);
            bus.is_none_or(|bus| bus == subscriber.bus) && run.delivers_to(subscriber.service, node)
        });
        let mut stopped = None;
        for queue in to_node.map(|subscription| run.analysis.buses.queue_of(subscription)) {
            match self.path_to_consumer(queue, node) {
                Err(found) if !found.can_converge() => stopped = Some(found),
                Err(found) if found.is_uncertain() => return found,
                Err(_) if self.gives_up(queue) => return Prospect::Uncertain(Uncertainty::Attempts),
                Err(_) | Ok(()) if self.is_left_to_chance(queue) => {
                    return Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance));
                }
                Err(_) | Ok(()) if self.is_held_back_later(queue, update) => {
                    return Prospect::Uncertain(Uncertainty::Possible(Obstacle::HeldBack));
                }
                Err(_) | Ok(()) => match self.stopped_later(queue, update) {
                    Some(found) => stopped = Some(found),
                    None => return published,
                },
            }
        }
        stopped.unwrap_or(published)
    }

    /// Returns whether an event in a queue is still delivered to a consumer, now or after a healing.
    pub fn is_delivered(&self, queue: SubscriptionId) -> bool {
        let run = self.run;
        let mut subscribers = run.subscriptions_to(queue).map(|subscription| run.names.subscription(subscription));
        subscribers.any(|Subscriber { service, bus, .. }| {
            let is_up = self.work.healing.up_from(run, bus).is_some();
            is_up && self.path_to_consumer(queue, service).err().is_none_or(Prospect::can_converge)
        })
    }

    /// The prospect of an update that other services forward to a service. They may not have it yet, or still publish it.
    fn forwarded(&mut self, node: NodeId, key: KeyId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let topics = LazyCell::new(|| Topics::new(run.scenario));
        let reaches_node = |publication: &Publication| {
            let subscribed =
                run.scenario.services.get(node.index()).into_iter().flat_map(|service| &service.subscribes);
            let is_published = |subscription: &Subscription| {
                topics.of_subscription(subscription) == topics.of_publication(publication)
            };
            publication.forward.is_some() && subscribed.into_iter().any(is_published)
        };
        let services = (0..).map(NodeId).zip(&run.scenario.services);
        let forwarders = services.filter(|(_, service)| service.publishes.iter().any(reaches_node));
        let version = run.analysis.updates.get(update)?.version;
        let mut found = None;
        for (forwarder, service) in forwarders {
            let Some(copy) = run.analysis.staleness.copy(forwarder, key) else { continue };
            let prospect = match copy.reflects(version) {
                false => {
                    let applied = self.own_prospect(forwarder, key, Some(update));
                    let publications = service.publishes.iter().filter(|publication| reaches_node(publication));
                    Some(self.forwarded_later(applied, forwarder, publications))
                }
                true => match self.unpublished(forwarder, update) {
                    Some(found) if found.can_converge() => Some(found),
                    found => self.forwarded_again(forwarder, update).or(found),
                },
            };
            let prospect = prospect.map(|prospect| self.delivered(prospect, None, node, update));
            if prospect.is_some_and(Prospect::can_converge) {
                return prospect;
            }
            found = found.or(prospect);
        }
        found
    }

    /// The redelivery of an event to a service that applies and forwards it once more, after a crash or a disconnection.
    fn forwarded_again(&self, forwarder: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let service = run.scenario.services.get(forwarder.index())?;
        let is_repeated = |subscription: &Subscription| {
            subscription.inbox.is_none() && matches!(subscription.effect, Effect::Overwrite | Effect::Increment)
        };
        let queued = self.work.queued.get(&update).into_iter().flatten();
        let mut returned = queued.filter(|(subscription, _, event)| {
            let bus = run.names.subscription(*subscription).bus;
            let carriers = self.work.carriers.get(&(update, bus)).into_iter().flatten();
            let is_acknowledged = carriers.into_iter().any(|(from, _)| *from == forwarder);
            let was_stopped = !event.in_flight || run.analysis.faults.down(forwarder).is_some();
            event.deliveries > 0 && was_stopped && !is_acknowledged && run.queue_reaches(*subscription, forwarder)
        });
        (service.subscribes.iter().any(is_repeated) && returned.next().is_some())
            .then(|| self.at_buses(forwarder, update))?
            .filter(|found| found.can_converge())
    }

    /// The prospect of an update that waits for a node that is down.
    pub(super) fn when_up(&self, node: NodeId) -> Prospect {
        self.work.healing.up_from(self.run, node).map_or(Prospect::Down(node), Prospect::AfterHealing)
    }

    /// The message, handler, queue or outbox that has an update for a service.
    fn in_transit(&self, up: Micros, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        // Messages that arrive while the node is down are lost; a paused node receives them when it is resumed.
        let is_down = run.analysis.faults.down(node).is_some() && run.analysis.faults.paused(node).is_none();
        let is_open = |from: NodeId, due: Micros| {
            let open = self.work.healing.open_from(run, from, node);
            let arrives = if run.analysis.faults.paused(node).is_some() { due.max(up) } else { due };
            let is_followed = self.is_followed(from, node);
            open.is_some_and(|open| open <= arrives.max(run.now)) && !(is_down && due < up) && is_followed
        };
        let found = self.at_buses(node, update);
        // Every delivery of a poison message fails, the one in flight too.
        let failing = match found {
            Some(Prospect::Poison(queue) | Prospect::Rejected(queue)) => Some(run.names.subscription(queue).bus),
            Some(_) | None => None,
        };
        // The reader of a log may discard what has arrived.
        let is_held_back =
            matches!(found, Some(Prospect::Uncertain(Uncertainty::Possible(Obstacle::HeldBack | Obstacle::Retention))));
        let is_stopped =
            |from: NodeId| failing == Some(from) || (is_held_back && self.is_bus(from) && run.reads_log(node, from));
        let carriers = self.work.carriers.get(&(update, node)).into_iter().flatten();
        let arriving = carriers.filter(|(from, due)| {
            is_open(*from, *due) && !is_stopped(*from) && !run.analysis.faults.may_lose(*from, node)
        });
        if let Some((from, due)) = arriving.min_by_key(|(_, due)| *due).copied() {
            let risk = self.is_bus(from).then(|| self.outcome(node, update)).flatten();
            return Some(match risk {
                _ if !self.is_prepared(node, update) => Prospect::Uncertain(Uncertainty::States),
                None if from == node => Prospect::Storing(node),
                None => Prospect::Arriving { due },
                Some(risk) => found.filter(|found| found.can_converge()).unwrap_or(risk),
            });
        }
        let group = run.names.group(node);
        let in_group = |member: NodeId| group.is_some() && run.names.group(member) == group;
        let mut handling = run.analysis.event_writes.in_progress().filter(|_| failing.is_none());
        if let Some((member, _)) = handling.find(|(member, handled)| *handled == update && in_group(*member)) {
            return Some(Prospect::BeingHandled(member));
        }
        // The bus needs no acknowledgement, or has it already.
        let is_handled = group.is_none() && failing.is_none() && self.has_received(node, update);
        match found {
            found if is_handled && !found.is_some_and(Prospect::can_converge) => {
                Some(self.outcome(node, update).unwrap_or(Prospect::Handled(node)))
            }
            None if group.is_none() => self.carried_by_chance(node, update),
            found => found,
        }
    }

    /// The queue, outbox or dead-letter queue that has an update's event for a service.
    fn at_buses(&self, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let reaches = |queue: SubscriptionId| run.queue_reaches(queue, node);
        let mut queued = self.work.queued.get(&update).into_iter().flatten();
        if let Some((subscription, number, event)) = queued.find(|(subscription, ..)| reaches(*subscription)) {
            let found = self.queued(*subscription, (*number, event), node);
            let is_lost = found.can_converge() && self.may_be_lost(*subscription, event, update);
            return Some(if is_lost { Prospect::Uncertain(Uncertainty::Brokers) } else { found });
        }
        if let Some((service, bus)) = self.work.outboxes.get(&update).copied() {
            let published = match (run.analysis.faults.is_stopped(service), self.to_bus(service, bus)) {
                (false, sent) => sent,
                (true, stopped) if !stopped.can_converge() => stopped,
                (true, Prospect::AfterHealing(at)) => match self.when_up(service) {
                    Prospect::AfterHealing(up) => Prospect::AfterHealing(at.max(up)),
                    down => down,
                },
                (true, _) => self.when_up(service),
            };
            return Some(self.delivered(published, Some(bus), node, update));
        }
        let dead = self.work.dead_letters.get(&update).into_iter().flatten().copied().rfind(|queue| reaches(*queue));
        dead.map(|queue| self.redriven(queue, node, update).unwrap_or(Prospect::DeadLettered(queue)))
    }

    /// Checks whether the deliveries of a queue reach a consumer that applies them to a copy. One such consumer is enough, unless
    /// the partitions of a log may be assigned to another one.
    ///
    /// # Errors
    /// The cause that stops them, or the uncertainty.
    pub(super) fn path_to_consumer(&self, queue: SubscriptionId, node: NodeId) -> Result<(), Prospect> {
        self.path_to_any_consumer(queue, node)?;
        if self.has_unreachable_member(queue) { Err(Prospect::Uncertain(Uncertainty::Readers)) } else { Ok(()) }
    }

    /// Returns whether the heartbeats of a reader keep it in its consumer group although no delivery will ever reach it.
    fn has_unreachable_member(&self, queue: SubscriptionId) -> bool {
        let (run, healing) = (self.run, &self.work.healing);
        let has_session = self.settings(queue).any(|(_, settings)| settings.session.is_some());
        let mut readers = run.subscriptions_to(queue).map(|subscription| run.names.subscription(subscription));
        has_session
            && readers.any(|Subscriber { service, bus, .. }| {
                let is_heard = !run.analysis.faults.is_stopped(service) && run.analysis.faults.passes(service, bus);
                is_heard && healing.open_from(run, bus, service).is_none()
            })
    }

    fn path_to_any_consumer(&self, queue: SubscriptionId, node: NodeId) -> Result<(), Prospect> {
        let run = self.run;
        let consumers =
            run.subscriptions_to(queue).map(|subscription| (subscription, run.names.subscription(subscription)));
        let mut stopped: Option<Prospect> = None;
        for (subscription, Subscriber { service, bus, .. }) in
            consumers.filter(|(_, subscriber)| run.delivers_to(subscriber.service, node))
        {
            let config = run.scenario.services.get(service.index());
            let of_bus = || {
                let all = config.into_iter().flat_map(|service| &service.subscribes);
                all.filter(|subscription| run.names.find_node(&subscription.to) == Some(bus))
            };
            let polls = of_bus().any(|subscription| {
                subscription.session.is_some() || matches!(subscription.attachment(), Attachment::Polling(_))
            });
            // A detached consumer requests a connection. A bus that expects no heartbeats does not notice the end of a
            // consumer, and still regards it as attached.
            let is_noticed = |subscription: &Subscription| match subscription.attachment() {
                Attachment::Connection(connection) => {
                    connection.heartbeat_ms.is_some() || subscription.order == Order::Log
                }
                Attachment::Polling(_) => true,
            };
            let is_detached = !run.analysis.buses.is_attached(subscription)
                || (run.analysis.faults.down(service).is_some() && of_bus().any(is_noticed));
            let request = if polls || is_detached { self.work.healing.path(run, service, bus) } else { Ok(()) };
            // A cause that is never healed precedes one that is healed.
            let path = match (self.work.healing.path(run, bus, service), request) {
                (Err(delivery), Err(request)) if delivery.can_converge() => Err(request),
                (path, request) => path.and(request),
            };
            match path {
                Ok(()) => return Ok(()),
                Err(prospect) if stopped.is_none_or(|earlier| !earlier.can_converge()) => stopped = Some(prospect),
                Err(_) => {}
            }
        }
        stopped.map_or(Ok(()), Err)
    }
}
