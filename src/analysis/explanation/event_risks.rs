//! What may prevent the handling of an event: its expiry, events before it, and chance.

use super::handling_times::{longest_ms, shortest_ms};
use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Obstacle, Prospect, Uncertainty};
use crate::analysis::subscription_queues::QueuedEvent;
use crate::scenario::{Acknowledge, Attachment, Backoff, LateAcknowledgement, Micros, Order, Subscription, micros};
use crate::trace::{NodeId, SubscriptionId, UpdateId};
use std::collections::BTreeSet;

impl ProspectFinder<'_> {
    /// Returns whether a node is an event bus.
    pub(super) fn is_bus(&self, node: NodeId) -> bool {
        self.run.scenario.buses.iter().any(|bus| self.run.names.find_node(&bus.id) == Some(node))
    }

    /// Returns whether a consumer received an event and has not handled it yet. The reader of a log discards events that the bus
    /// delivers again or no longer has, so what it has not handled for long is gone.
    pub(super) fn has_received(&self, consumer: NodeId, update: UpdateId) -> bool {
        let Some(since) = self.history.received_at(consumer, update) else { return false };
        let its = self.run.scenario.services.get(consumer.index()).into_iter().flat_map(|service| &service.subscribes);
        let is_kept = !its.into_iter().any(|it| it.order == Order::Log);
        if is_kept || self.run.analysis.faults.paused(consumer).is_some() {
            return true;
        }
        let waiting = self.history.received().filter(|(at, _)| *at == consumer).count() as u64;
        since.saturating_add(self.longest_handling(consumer).saturating_mul(waiting)) >= self.run.now
    }

    /// Returns the shortest and the longest time from the delivery of an event to its acknowledgement, ms.
    pub(super) fn round_trip_ms(&self, subscription: SubscriptionId, settings: &Subscription) -> (f64, f64) {
        let run = self.run;
        let ends = run.names.subscription(subscription);
        let (bus, service) = (run.names.node(ends.bus), run.names.node(ends.service));
        let ways = [run.scenario.latency(bus, service), run.scenario.latency(service, bus)];
        let slowness = run.analysis.faults.slowness(ends.service);
        let shortest =
            shortest_ms(&settings.processing) * slowness + ways.iter().map(|it| shortest_ms(it)).sum::<f64>();
        let longest = longest_ms(&settings.processing) * slowness + ways.iter().map(|it| longest_ms(it)).sum::<f64>();
        (shortest, longest)
    }

    /// The prospect of an event at a consumer, of which the bus keeps no copy, unless it is handled for certain.
    pub(super) fn outcome(&self, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let its = run.names.subscriptions().filter(|it| run.names.subscription(*it).service == node);
        let queues: Vec<SubscriptionId> = its.map(|it| run.analysis.buses.queue_of(it)).collect();
        let fails = |queue: &SubscriptionId| self.certain_failure(*queue, update, 1).is_some();
        if let Some(queue) = queues.first().filter(|_| queues.iter().all(fails)) {
            return self.certain_failure(*queue, update, 1);
        }
        let mut settings = queues.iter().flat_map(|queue| self.settings(*queue));
        if settings.any(|(_, settings)| settings.fails > 0.0) {
            return Some(Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance)));
        }
        // The reader of a log discards the events behind one that fails.
        let is_behind =
            |(at, other): (NodeId, UpdateId)| at == node && other != update && self.history.is_poisonous(other);
        let reads_log = queues.iter().any(|queue| self.is_log(*queue));
        (reads_log && self.history.received().any(is_behind))
            .then_some(Prospect::Uncertain(Uncertainty::Possible(Obstacle::HeldBack)))
    }

    /// Returns whether chance decides whether the events of a queue are handled: a link may lose the last delivery, or a handler
    /// may fail at it.
    pub(super) fn is_left_to_chance(&self, queue: SubscriptionId) -> bool {
        self.settings(queue).any(|(subscription, settings)| {
            let ends = self.run.names.subscription(subscription);
            let is_last = settings.max_deliveries.is_some() || settings.acknowledge == Acknowledge::Never;
            let may_fail = settings.fails > 0.0 && settings.fails < 1.0;
            (may_fail && (is_last || settings.acknowledge != Acknowledge::AfterProcessing))
                || (is_last
                    && !settings.requeues_on_close()
                    && self.run.analysis.faults.may_lose(ends.bus, ends.service))
        })
    }

    /// The prospect of an update that only a message on a link that may lose it carries.
    pub(super) fn carried_by_chance(&self, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let carriers = self.work.carriers.get(&(update, node)).into_iter().flatten();
        let mut lossy = carriers.filter(|(from, due)| {
            let open = self.work.healing.open_from(run, *from, node);
            run.analysis.faults.may_lose(*from, node) && open.is_some_and(|open| open <= (*due).max(run.now))
        });
        lossy.next().map(|_| Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance)))
    }

    /// Returns the prospect that was found for an event of a queue, unless it expires before it is handled, or may do so.
    pub(super) fn unless_expired(&self, found: Prospect, queue: SubscriptionId, event: &QueuedEvent) -> Prospect {
        let from = if let Prospect::AfterHealing(at) = found {
            at
        } else if let Prospect::Queued { not_before, .. } = found {
            not_before.max(self.run.now)
        } else {
            return found;
        };
        let Some(end) = self.expires_at(queue, event.update) else { return found };
        let (bus, is_received) = (self.run.names.subscription(queue).bus, self.is_at_consumer(event));
        // A delivery that is lost or fails is repeated after the deadline, and a request of a consumer after its wait.
        let takes = |(subscription, settings): (SubscriptionId, &Subscription)| {
            let ends = self.run.names.subscription(subscription);
            let is_certain = settings.fails == 0.0 && !self.run.analysis.faults.may_lose(bus, ends.service);
            let wait = match settings.attachment() {
                Attachment::Polling(polling) if !event.in_flight => polling.wait_ms,
                Attachment::Polling(_) | Attachment::Connection(_) => 0.0,
            };
            let repeated = if event.in_flight && from <= self.run.now { settings.ack_deadline_ms } else { 0.0 };
            let earlier = self.run.analysis.buses.get(queue).map_or(0, |queue| queue.events.len()) as f64;
            let handled = self.round_trip_ms(subscription, settings).1 * earlier.max(1.0);
            is_certain.then(|| micros(wait + repeated + handled))
        };
        let longest: Option<Vec<Micros>> = self.settings(queue).map(takes).collect();
        let longest = longest.and_then(|all| all.into_iter().max());
        match longest {
            _ if end < from && !self.may_be_published_again(bus) => Prospect::Expiring { at: end },
            Some(_) if is_received => found,
            Some(longest) if from.saturating_add(longest) < end => found,
            Some(_) | None => Prospect::Uncertain(Uncertainty::Possible(Obstacle::Retention)),
        }
    }

    /// Returns whether a consumer has received an event that a queue delivered to it.
    fn is_at_consumer(&self, event: &QueuedEvent) -> bool {
        let reader = event.reader.filter(|_| event.in_flight);
        reader.is_some_and(|reader| self.has_received(self.run.names.subscription(reader).service, event.update))
    }

    /// Returns whether events before this one may hold it back for ever: they take all places of the consumers, or the place before
    /// it in its order, because each delivery of them fails or ends too late.
    pub(super) fn is_held_back(&self, queue: SubscriptionId, event: &QueuedEvent, number: u32) -> bool {
        let Some(events) = self.run.analysis.buses.get(queue).map(|queue| &queue.events) else { return false };
        let settings = || self.settings(queue).map(|(_, settings)| settings);
        if settings().any(|settings| settings.max_deliveries.is_some()) || self.retention(queue).is_some() {
            return false;
        }
        let is_late = self.ends_too_late(queue);
        let mut earlier = events.range(..number).map(|(_, earlier)| earlier);
        if is_late && self.is_log(queue) {
            return earlier.any(|earlier| earlier.partition == event.partition);
        }
        let is_fifo = settings().any(|settings| settings.order == Order::FifoPerKey);
        if is_late && is_fifo && earlier.any(|earlier| self.key_of(earlier.update) == self.key_of(event.update)) {
            return true;
        }
        let places = self.places(queue);
        let is_retried_at_once = settings().all(|settings| settings.backoff == Backoff::None);
        let in_queue = |update: &UpdateId| {
            let mut queued = self.work.queued.get(update).into_iter().flatten();
            *update != event.update && queued.any(|(at, ..)| *at == queue)
        };
        let failing: BTreeSet<UpdateId> = self.history.failing_updates().filter(in_queue).collect();
        !self.is_log(queue)
            && ((is_retried_at_once && failing.len() >= places)
                || (is_late && events.range(..number).take(places).count() * self.busy_workers(queue) >= places))
    }

    /// Returns whether earlier events may hold back an update's event that the queue does not have yet.
    pub(super) fn is_held_back_later(&self, queue: SubscriptionId, update: UpdateId) -> bool {
        let events = self.run.analysis.buses.get(queue).map(|queue| &queue.events);
        let last = events.and_then(|events| events.values().next_back()).copied();
        last.is_some_and(|last| self.is_held_back(queue, &QueuedEvent { update, ..last }, u32::MAX))
    }

    /// Returns the number of workers of a polling consumer that an event occupies whose deliveries end too late: the bus redelivers
    /// it while its earlier deliveries are handled.
    fn busy_workers(&self, queue: SubscriptionId) -> usize {
        let workers = self.settings(queue).map(|(subscription, settings)| match settings.attachment() {
            Attachment::Polling(_) => {
                let (shortest, _) = self.round_trip_ms(subscription, settings);
                ((shortest / settings.ack_deadline_ms.max(1.0)).ceil() as usize).max(1)
            }
            Attachment::Connection(_) => 1,
        });
        workers.min().unwrap_or(1)
    }

    /// Returns the number of events that the consumers of a queue handle at once. Consumers that its bus never reaches do not
    /// count.
    fn places(&self, queue: SubscriptionId) -> usize {
        let run = self.run;
        let is_reached = |(subscription, _): &(SubscriptionId, &Subscription)| {
            let ends = run.names.subscription(*subscription);
            let is_open = |from: NodeId, to: NodeId| self.work.healing.open_from(run, from, to).is_some();
            self.work.healing.up_from(run, ends.service).is_some()
                && is_open(ends.bus, ends.service)
                && is_open(ends.service, ends.bus)
        };
        let places = self.settings(queue).filter(is_reached).map(|(subscription, settings)| {
            let service = run.scenario.services.get(run.names.subscription(subscription).service.index());
            let most = match settings.attachment() {
                Attachment::Connection(connection) => connection.prefetch.unwrap_or(settings.max_in_flight),
                Attachment::Polling(polling) => service.map_or(1, |service| service.concurrency) + polling.prefetch,
            };
            most.min(settings.max_in_flight) as usize
        });
        places.sum::<usize>().max(1)
    }

    /// Returns whether each delivery of a queue ends before its acknowledgement can arrive, which has no effect then.
    fn ends_too_late(&self, queue: SubscriptionId) -> bool {
        let mut settings = self.settings(queue).peekable();
        settings.peek().is_some()
            && settings.all(|(subscription, settings)| {
                let (shortest, _) = self.round_trip_ms(subscription, settings);
                let slowness = self.run.analysis.faults.slowness(self.run.names.subscription(subscription).service);
                let is_refused = settings.late_acknowledgements() != LateAcknowledgement::Accept;
                let is_late = match (&settings.session, settings.order) {
                    (Some(session), Order::Log) => shortest_ms(&settings.processing) * slowness > session.max_poll_ms,
                    (None, Order::Log) => false,
                    (_, Order::None | Order::FifoPerKey) => is_refused && shortest > settings.ack_deadline_ms,
                };
                settings.acknowledge == Acknowledge::AfterProcessing && is_late
            })
    }
}
