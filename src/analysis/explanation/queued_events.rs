//! The prospects of events that are in a queue or will be.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Obstacle, Prospect, Uncertainty};
use crate::analysis::subscription_queues::QueuedEvent;
use crate::scenario::{Acks, Effect, Order, Subscription};
use crate::trace::{NodeId, Subscriber, SubscriptionId, UpdateId};

impl ProspectFinder<'_> {
    /// The prospect of an event that a queue has.
    pub(super) fn queued(&self, queue: SubscriptionId, (number, event): (u32, &QueuedEvent), node: NodeId) -> Prospect {
        let found = self.kept(queue, (number, event), node);
        self.unless_expired(found, queue, event)
    }

    /// The same, if the event does not expire.
    fn kept(&self, queue: SubscriptionId, (number, event): (u32, &QueuedEvent), node: NodeId) -> Prospect {
        let (run, update) = (self.run, event.update);
        if let Some(failure) = self.certain_failure(queue, update, event.deliveries) {
            return failure;
        }
        // A reader of a log handles what it has received in order.
        if let Some(failure) = self.behind_failing(queue, event, number) {
            return failure;
        }
        if self.is_left_to_chance(queue) {
            return Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance));
        }
        let is_received =
            event.reader.is_some_and(|reader| self.has_received(run.names.subscription(reader).service, update));
        let (not_before, deliveries) = (event.not_before, event.deliveries);
        let is_held_back = self.is_held_back(queue, event, number);
        // A consumer that has it needs neither the bus nor a link.
        if event.in_flight && is_received && !(is_held_back && self.is_log(queue)) {
            return Prospect::Queued { not_before, deliveries, delivered: true };
        }
        let bus = run.names.subscription(queue).bus;
        if self.work.healing.up_from(run, bus).is_none_or(|at| at > run.now) {
            return match self.path_to_consumer(queue, node) {
                Err(stopped) if !stopped.can_converge() => stopped,
                Err(_) if self.gives_up(queue) => Prospect::Uncertain(Uncertainty::Attempts),
                Err(_) | Ok(()) if self.is_used_up(queue, event) => Prospect::Uncertain(Uncertainty::Attempts),
                Err(_) | Ok(()) if is_held_back => Prospect::Uncertain(Uncertainty::Possible(Obstacle::HeldBack)),
                Err(_) | Ok(()) => {
                    let blocked = self.blocked(queue, event, update).filter(|blocked| !blocked.can_converge());
                    blocked.unwrap_or_else(|| self.when_up(bus))
                }
            };
        }
        let path = self.path_to_consumer(queue, node).and_then(|()| self.path_to_reader(event));
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
        if is_held_back {
            return Prospect::Uncertain(Uncertainty::Possible(Obstacle::HeldBack));
        }
        Prospect::Queued { not_before, deliveries, delivered: event.in_flight }
    }

    /// Checks whether deliveries reach the reader of a log that keeps its partitions, because its heartbeats arrive.
    fn path_to_reader(&self, event: &QueuedEvent) -> Result<(), Prospect> {
        let Some(reader) = event.reader else { return Ok(()) };
        let Subscriber { service, bus, .. } = self.run.names.subscription(reader);
        let has_session = |(subscription, settings): (SubscriptionId, &Subscription)| {
            subscription == reader && settings.session.is_some() && settings.order == Order::Log
        };
        let is_member = self.work.healing.path(self.run, service, bus).is_ok()
            && !self.run.analysis.faults.is_stopped(service)
            && self.settings(self.run.analysis.buses.queue_of(reader)).any(has_session);
        if is_member { self.work.healing.path(self.run, bus, service) } else { Ok(()) }
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
        failure.or_else(|| self.blocked_later(queue, update)).or_else(|| self.behind_failing_later(queue, update))
    }

    /// Returns whether every consumer of a queue adds differences.
    fn adds(&self, queue: SubscriptionId) -> bool {
        let mut settings = self.settings(queue).peekable();
        settings.peek().is_some() && settings.all(|(_, settings)| settings.effect == Effect::Increment)
    }

    /// Returns whether a queue is a log.
    pub(super) fn is_log(&self, queue: SubscriptionId) -> bool {
        self.settings(queue).all(|(_, settings)| settings.order == Order::Log)
    }

    /// The failure that blocks an event for ever: that of an earlier event of its partition or key. It ends when the earlier
    /// event expires.
    fn behind_failing(&self, queue: SubscriptionId, event: &QueuedEvent, number: u32) -> Option<Prospect> {
        if !self.is_blocked(queue) {
            return None;
        }
        let is_log = self.is_log(queue);
        let found = self.failing(queue, |first, other| {
            let is_in_line = match is_log {
                true => other.partition == event.partition,
                false => self.key_of(other.update) == self.key_of(event.update),
            };
            first < number && is_in_line
        })?;
        Some(self.until_expiry(queue, found))
    }

    /// The same for an event that will be published.
    pub(super) fn behind_failing_later(&self, queue: SubscriptionId, update: UpdateId) -> Option<Prospect> {
        if !self.is_blocked(queue) {
            return None;
        }
        let bus = self.run.names.subscription(queue).bus;
        let is_log = self.is_log(queue);
        let is_in_line = |other: UpdateId| is_log || self.key_of(other) == self.key_of(update);
        let mut buses =
            self.run.scenario.buses.iter().filter(|config| self.run.names.find_node(&config.id) == Some(bus));
        let is_single = buses.all(|bus| bus.topics.iter().all(|topic| topic.partitions == 1));
        // The partition of an event is known once it is published.
        if let Some(found) = self.failing(queue, |_, other| is_in_line(other.update)) {
            let is_certain = is_single || !is_log;
            let uncertain = Prospect::Uncertain(Uncertainty::Possible(Obstacle::HeldBack));
            return Some(if is_certain { self.until_expiry(queue, found) } else { uncertain });
        }
        let unpublished = self.work.outboxes.keys().chain(self.work.publications.keys());
        let mut poisonous = unpublished.filter(|other| **other != update && self.history.is_poisonous(**other));
        poisonous
            .any(|other| is_in_line(*other))
            .then_some(Prospect::Uncertain(Uncertainty::Possible(Obstacle::HeldBack)))
    }

    /// The prospect of an event behind one that fails: the failing one blocks it until it expires, if it does.
    fn until_expiry(&self, queue: SubscriptionId, failure: Prospect) -> Prospect {
        match self.retention(queue) {
            Some(_) => Prospect::Uncertain(Uncertainty::Possible(Obstacle::Retention)),
            None => failure,
        }
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
