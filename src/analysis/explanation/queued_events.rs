//! The prospects of events that are in a queue or will be.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Prospect, Uncertainty};
use crate::analysis::subscription_queues::QueuedEvent;
use crate::scenario::{Acks, Effect, Order};
use crate::trace::{NodeId, SubscriptionId, UpdateId};

impl ProspectFinder<'_> {
    /// The prospect of an event that a queue has.
    pub(super) fn queued(
        &self,
        queue: SubscriptionId,
        event: &QueuedEvent,
        node: NodeId,
        update: UpdateId,
    ) -> Prospect {
        let run = self.run;
        if let Some(failure) = self.certain_failure(queue, update, event.deliveries) {
            return failure;
        }
        // A reader of a log handles what it has received in order.
        if let Some(failure) = self.behind_failing(queue, event, update) {
            return failure;
        }
        let is_received =
            event.reader.is_some_and(|reader| self.history.is_received(run.names.subscription(reader).service, update));
        let (not_before, deliveries) = (event.not_before, event.deliveries);
        // A consumer that has it needs neither the bus nor a link.
        if event.in_flight && is_received {
            return Prospect::Queued { not_before, deliveries, delivered: true };
        }
        let bus = run.names.subscription(queue).bus;
        if self.work.healing.up_from(run, bus).is_none_or(|at| at > run.now) {
            return match self.path_to_consumer(queue, node) {
                Err(stopped) if !stopped.can_converge() => stopped,
                Err(_) if self.gives_up(queue) => Prospect::Uncertain(Uncertainty::Attempts),
                Err(_) | Ok(()) => {
                    let blocked = self.blocked(queue, event, update).filter(|blocked| !blocked.can_converge());
                    blocked.unwrap_or_else(|| self.when_up(bus))
                }
            };
        }
        let path = self.path_to_consumer(queue, node);
        let blocked = self.blocked(queue, event, update);
        if let Some(blocked) = blocked.filter(|blocked| path.is_ok() || !blocked.can_converge()) {
            return blocked;
        }
        if let Err(stopped) = path {
            return self.until_healing(queue, event, stopped);
        }
        if self.is_used_up(queue, event) {
            return Prospect::Uncertain(Uncertainty::Attempts);
        }
        Prospect::Queued { not_before, deliveries, delivered: event.in_flight }
    }

    /// The reason why every delivery of an event fails that was delivered so many times.
    pub(super) fn certain_failure(&self, queue: SubscriptionId, update: UpdateId, deliveries: u32) -> Option<Prospect> {
        let failed = deliveries > 0 && self.history.poison.contains(&(queue, update));
        if failed || self.history.is_poisonous(update) || self.fails_always(queue) {
            return Some(Prospect::Poison(queue));
        }
        let is_unfit = self.history.is_without_difference(update) && self.adds(queue);
        (is_unfit || self.is_rejected(queue, update)).then_some(Prospect::Rejected(queue))
    }

    /// The reason why an event that a queue does not have yet will be blocked, or fail, for ever.
    pub(super) fn stopped_later(&self, queue: SubscriptionId, update: UpdateId) -> Option<Prospect> {
        let failure = self.certain_failure(queue, update, 0);
        failure.or_else(|| self.blocked_later(queue, update)).or_else(|| self.behind_failing_later(queue))
    }

    /// Returns whether every consumer of a queue adds differences.
    fn adds(&self, queue: SubscriptionId) -> bool {
        let mut settings = self.settings(queue).peekable();
        settings.peek().is_some() && settings.all(|(_, settings)| settings.effect == Effect::Increment)
    }

    /// Returns whether an event of a queue that fails for ever blocks all later events of its partition.
    fn is_log_blocked(&self, queue: SubscriptionId) -> bool {
        self.is_blocked(queue) && self.settings(queue).all(|(_, settings)| settings.order == Order::Log)
    }

    /// The failure that blocks an event of a log for ever: that of an earlier event of its partition.
    fn behind_failing(&self, queue: SubscriptionId, event: &QueuedEvent, update: UpdateId) -> Option<Prospect> {
        let number = *self.work.numbers.get(&(queue, update)).filter(|_| self.is_log_blocked(queue))?;
        self.failing(queue, |first, other| first < number && other.partition == event.partition)
    }

    /// The same for an event that will be published to a log of one partition.
    pub(super) fn behind_failing_later(&self, queue: SubscriptionId) -> Option<Prospect> {
        let bus = self.run.names.subscription(queue).bus;
        let mut buses =
            self.run.scenario.buses.iter().filter(|config| self.run.names.find_node(&config.id) == Some(bus));
        let is_single = buses.all(|bus| bus.topics.iter().all(|topic| topic.partitions == 1));
        (is_single && self.is_log_blocked(queue)).then(|| self.failing(queue, |_, _| true)).flatten()
    }

    /// The failure of the first event of a queue that always fails and meets a condition.
    fn failing(&self, queue: SubscriptionId, is_meant: impl Fn(u32, &QueuedEvent) -> bool) -> Option<Prospect> {
        let events = &self.run.analysis.buses.get(queue)?.events;
        self.history.failing_updates().find_map(|update| {
            let number = self.work.numbers.get(&(queue, update))?;
            let event = events.get(number).filter(|event| is_meant(*number, event))?;
            self.certain_failure(queue, update, event.deliveries)
        })
    }

    /// Returns whether the next leader of a bus may lack an event: the bus has none, and the event may not be committed.
    pub(super) fn may_be_lost(&self, queue: SubscriptionId, event: &QueuedEvent, update: UpdateId) -> bool {
        let run = self.run;
        let bus = run.names.subscription(queue).bus;
        let Some(brokers) = run.analysis.brokers.get(bus).filter(|brokers| !brokers.is_led()) else { return false };
        // A relay publishes an event again that was lost before it was acknowledged.
        let is_kept = self.work.outboxes.get(&update).is_some_and(|(publisher, to)| {
            *to == bus && run.analysis.faults.down(*publisher).is_none() && self.to_bus(*publisher, bus).can_converge()
        });
        let publications = run.scenario.services.iter().flat_map(|service| &service.publishes);
        let mut to_bus = publications.filter(|publication| run.names.find_node(&publication.to) == Some(bus));
        let is_acknowledged = to_bus.all(|publication| publication.acks == Acks::All)
            && self.history.is_publication_acknowledged(bus, update);
        let is_committed = event.deliveries > 0 || is_acknowledged;
        !is_kept && (!is_committed || brokers.lost_disk || brokers.elects_uncleanly())
    }
}
