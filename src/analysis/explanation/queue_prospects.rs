//! Events that a queue keeps and does not deliver: behind another one, or too often over a link that is cut.

use super::pending_work::Pending;
use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Obstacle, Prospect, Uncertainty};
use crate::analysis::subscription_queues::QueuedEvent;
use crate::scenario::{Acknowledge, Attachment, Backoff, Command, Micros, Order, Subscription, micros};
use crate::trace::{KeyId, NodeId, Subscriber, SubscriptionId, UpdateId};

impl<'a> ProspectFinder<'a> {
    /// Iterates over the settings of the subscriptions to a queue.
    pub(super) fn settings(&self, queue: SubscriptionId) -> impl Iterator<Item = (SubscriptionId, &'a Subscription)> {
        let run = self.run;
        run.subscriptions_to(queue).flat_map(move |subscription| {
            let Subscriber { service, bus, .. } = run.names.subscription(subscription);
            let service = run.scenario.services.get(service.index());
            let all = service.into_iter().flat_map(|service| &service.subscribes);
            let to_bus = all.filter(move |settings| run.names.find_node(&settings.to) == Some(bus));
            to_bus.map(move |settings| (subscription, settings))
        })
    }

    /// The prospect of an event that a fault stops. Over a cut link, the last permitted delivery may be lost before the healing.
    pub(super) fn until_healing(&self, queue: SubscriptionId, event: &QueuedEvent, stopped: Prospect) -> Prospect {
        let Prospect::AfterHealing(at) = stopped else { return stopped };
        let ends = self.run.names.subscription(queue);
        if let Some(end) = self.expires_at(queue, event.update).filter(|end| *end < at) {
            return match self.may_be_published_again(ends.bus) {
                true => Prospect::Uncertain(Uncertainty::Attempts),
                false => Prospect::Expiring { at: end },
            };
        }
        // One that polls is sent nothing until its request arrives.
        let is_pushed = |settings: &Subscription| !matches!(settings.attachment(), Attachment::Polling(_));
        let is_used_up = |settings: &Subscription| {
            let left = settings.max_deliveries.map(|maximum| maximum.saturating_sub(event.deliveries));
            let duration = left.map(|left| micros(settings.ack_deadline_ms).saturating_mul(u64::from(left) + 1));
            is_pushed(settings)
                && settings.backoff == Backoff::None
                && duration.is_some_and(|time| self.run.now.saturating_add(time) < at)
        };
        // The bus sends nothing to a consumer that is not attached.
        let mut attached =
            self.settings(queue).filter(|(subscription, _)| self.run.analysis.buses.is_attached(*subscription));
        let passes = self.run.analysis.faults.passes(ends.bus, ends.service);
        if !passes && attached.any(|(_, settings)| is_used_up(settings)) {
            // A publisher may publish the update once more, as another event.
            let is_kept = self.settings(queue).all(|(_, settings)| settings.dead_letter);
            let redriven = self.redriven(queue, ends.service, event.update).filter(|_| is_kept);
            return match (self.may_be_published_again(ends.bus), redriven) {
                (true, _) => Prospect::Uncertain(Uncertainty::Attempts),
                // It is a dead letter before the healing, and is redriven after it.
                (false, Some(Prospect::Redriven(redrive))) if redrive >= at => Prospect::Redriven(redrive),
                (false, Some(_)) => Prospect::Uncertain(Uncertainty::Attempts),
                (false, None) => Prospect::UsedUp(ends.bus, ends.service),
            };
        }
        // Before the last remaining delivery, the deadlines of the others pass.
        let lasts = |is_attached: bool, settings: &Subscription| match (settings.max_deliveries, settings.acknowledge) {
            (_, Acknowledge::Never) => false,
            (None, _) => true,
            (Some(maximum), _) => {
                let left = u64::from(maximum.saturating_sub(event.deliveries));
                let waits = micros(settings.ack_deadline_ms).saturating_mul(left.saturating_sub(1));
                left > 0 && (!is_attached || event.not_before.max(self.run.now).saturating_add(waits) >= at)
            }
        };
        // A consumer that is not attached may become so before the healing.
        let healing = &self.work.healing;
        let attaches = |subscription: SubscriptionId| {
            let Subscriber { service, bus, .. } = self.run.names.subscription(subscription);
            let opened = healing.up_from(self.run, service).zip(healing.open_from(self.run, service, bus));
            self.run.analysis.buses.is_attached(subscription) || opened.is_some_and(|(up, open)| up.max(open) < at)
        };
        match self.settings(queue).all(|(subscription, settings)| lasts(attaches(subscription), settings)) {
            true => stopped,
            false => Prospect::Uncertain(Uncertainty::Attempts),
        }
    }

    /// Returns when the retention time of an event in a queue ends; none if it is kept for ever.
    pub(super) fn expires_at(&self, queue: SubscriptionId, update: UpdateId) -> Option<Micros> {
        let accepted = self.history.accepted_at(self.run.names.subscription(queue).bus, update)?;
        self.retention(queue).map(|longest| accepted.saturating_add(longest))
    }

    /// Returns how long a queue keeps an event; none if for ever.
    pub(super) fn retention(&self, queue: SubscriptionId) -> Option<Micros> {
        let bus = self.run.names.subscription(queue).bus;
        let config = self.run.scenario.buses.iter().find(|it| self.run.names.find_node(&it.id) == Some(bus))?;
        let retention = |settings: &Subscription| {
            let mut topics = config.topics.iter();
            let topic = match &settings.topic {
                Some(name) => topics.find(|topic| topic.name == *name),
                None => topics.next(),
            };
            Some(micros(topic?.retention_ms?))
        };
        // The consumers may subscribe to several topics of the bus.
        let all: Option<Vec<Micros>> = self.settings(queue).map(|(_, settings)| retention(settings)).collect();
        all?.into_iter().max()
    }

    /// Returns whether publishers send events to a bus more than once: again, or after the loss of a position.
    pub(super) fn may_be_published_again(&self, bus: NodeId) -> bool {
        let mut all = self.run.scenario.services.iter().flat_map(|service| &service.publishes);
        all.any(|publication| {
            self.run.names.find_node(&publication.to) == Some(bus)
                && (publication.retry.is_some() || publication.mode.is_relayed())
        })
    }

    /// Returns whether a queue may give up an event after deliveries that did not arrive.
    pub(super) fn gives_up(&self, queue: SubscriptionId) -> bool {
        let is_limited =
            |settings: &Subscription| settings.max_deliveries.is_some() || settings.acknowledge == Acknowledge::Never;
        self.settings(queue).any(|(_, settings)| is_limited(settings))
    }

    /// Returns whether an event is not delivered again, if its last delivery is neither in flight nor at a consumer.
    pub(super) fn is_used_up(&self, queue: SubscriptionId, event: &QueuedEvent) -> bool {
        let is_last =
            |settings: &Subscription| settings.max_deliveries.is_some_and(|maximum| event.deliveries >= maximum);
        self.settings(queue).any(|(_, settings)| is_last(settings))
    }

    /// Returns whether every consumer of a queue fails at every event.
    pub(super) fn fails_always(&self, queue: SubscriptionId) -> bool {
        let mut settings = self.settings(queue).peekable();
        settings.peek().is_some() && settings.all(|(_, settings)| settings.fails >= 1.0)
    }

    /// Returns whether every delivery of an event fails because its consumers cannot store the result: a number is too large,
    /// or the key has another type. Nothing else that would change the key is on its way to them.
    pub(super) fn is_rejected(&self, queue: SubscriptionId, update: UpdateId) -> bool {
        let run = self.run;
        let Some(info) = run.analysis.updates.get(update) else { return false };
        let mut consumers =
            run.subscriptions_to(queue).map(|subscription| run.names.subscription(subscription).service).peekable();
        let waits =
            |event: &Pending| matches!(event, Pending::Queued(at, ..) if *at == queue && self.is_blocked(queue));
        let fails = |consumer: NodeId| {
            let is_rejected = |update: UpdateId| self.history.is_rejected(consumer, info.key, update);
            let is_stuck = |event: &Pending| is_rejected(event.update()) || waits(event);
            is_rejected(update) && self.indexed(consumer, info.key).iter().all(is_stuck)
        };
        consumers.peek().is_some() && consumers.all(fails)
    }

    /// The prospect of a dead letter that the script redrives. An event whose handling always fails becomes a dead letter again.
    pub(super) fn redriven(&self, queue: SubscriptionId, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let is_poison = self.history.poison.contains(&(queue, update));
        if self.fails_always(queue) || is_poison || self.is_rejected(queue, update) {
            return None;
        }
        let run = self.run;
        let bus = run.names.subscription(queue).bus;
        let consumers: Vec<NodeId> =
            run.subscriptions_to(queue).map(|subscription| run.names.subscription(subscription).service).collect();
        let redrives = |command: &Command| {
            matches!(command, Command::Redrive { bus: id, service } if run.names.find_node(id) == Some(bus)
                && run.names.find_node(service).is_some_and(|service| consumers.contains(&service)))
        };
        let steps = run.scenario.script.iter().filter(|step| redrives(&step.command));
        let at = steps.map(|step| micros(step.at_ms)).filter(|at| *at > run.now).min()?;
        if let Some(end) = self.expires_at(queue, update).filter(|end| *end <= at) {
            return Some(Prospect::Expiring { at: end });
        }
        let bus_up = self.work.healing.up_from(run, bus).map_or_else(|| Err(Prospect::Down(bus)), Ok);
        Some(match bus_up.and_then(|_| self.path_to_consumer(queue, node)) {
            Err(stopped) if !stopped.can_converge() => stopped,
            // Its deliveries may be used up once more before the healing.
            Err(Prospect::AfterHealing(healed)) if healed > at && self.gives_up(queue) => {
                Prospect::Uncertain(Uncertainty::Attempts)
            }
            Err(_) | Ok(()) if self.is_left_to_chance(queue) => {
                Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance))
            }
            Err(_) | Ok(()) => Prospect::Redriven(at),
        })
    }

    /// The cause that holds an event back behind an earlier one of its key: the consumers' acknowledgements do not arrive.
    pub(super) fn blocked(&self, queue: SubscriptionId, event: &QueuedEvent, update: UpdateId) -> Option<Prospect> {
        let events = &self.run.analysis.buses.get(queue)?.events;
        let first = events.values().find(|event| self.key_of(event.update) == self.key_of(update))?;
        if event.deliveries > 0 || first.update == update {
            return None;
        }
        self.stopped_acknowledgements(queue)
    }

    /// The same for an event that the queue does not have yet: an earlier one is in the queue or will be published first.
    pub(super) fn blocked_later(&self, queue: SubscriptionId, update: UpdateId) -> Option<Prospect> {
        let stopped = self.stopped_acknowledgements(queue).filter(|stopped| !stopped.can_converge())?;
        let bus = self.run.names.subscription(queue).bus;
        let key = self.key_of(update);
        let queued = self.run.analysis.buses.get(queue).into_iter().flat_map(|queue| queue.events.values());
        let rows = self.work.outboxes.range(..update).filter(|(_, (_, to))| *to == bus).map(|(update, _)| *update);
        let sent = self.work.publications.range(..update).map(|(update, _)| *update);
        let mut earlier = queued.map(|event| event.update).chain(rows).chain(sent);
        earlier.any(|other| other != update && self.key_of(other) == key).then_some(stopped)
    }

    pub(super) fn key_of(&self, update: UpdateId) -> Option<KeyId> {
        self.run.analysis.updates.get(update).map(|info| info.key)
    }

    /// The fault that stops the acknowledgements of all consumers of a queue that delivers the events of a key in order.
    fn stopped_acknowledgements(&self, queue: SubscriptionId) -> Option<Prospect> {
        let run = self.run;
        let is_ordered = |settings: &Subscription| {
            settings.order == Order::FifoPerKey
                && settings.acknowledge != Acknowledge::Never
                && settings.max_deliveries.is_none()
        };
        let mut stopped = None;
        for (subscription, _) in self.settings(queue).filter(|(_, settings)| is_ordered(settings)) {
            let ends = run.names.subscription(subscription);
            stopped = Some(self.work.healing.path(run, ends.service, ends.bus).err()?);
        }
        stopped
    }
}
