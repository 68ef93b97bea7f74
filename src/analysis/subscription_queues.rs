use crate::scenario::Micros;
use crate::trace::{Fact, Record, SubscriptionId, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// An event in a subscription's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuedEvent {
    /// The update that the event carries.
    pub update: UpdateId,
    /// The partition of its topic.
    pub partition: u32,
    /// Whether it was sent and is not acknowledged yet.
    pub in_flight: bool,
    /// The subscription of the consumer that it was sent to last.
    pub reader: Option<SubscriptionId>,
    /// Deliveries so far.
    pub deliveries: u32,
    /// The earliest time of its next delivery.
    pub not_before: Micros,
}

/// An event in a subscription's dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The update that the event carries.
    pub update: UpdateId,
    /// The partition of its topic.
    partition: u32,
}

/// The queue of one subscription.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionQueue {
    /// Events queued or unacknowledged, by their number in the bus, which is the order of publication. An update that was
    /// published twice is two events.
    pub events: BTreeMap<u32, QueuedEvent>,
    /// Events in the dead-letter queue, by their number in the bus.
    pub dead_letters: BTreeMap<u32, DeadLetter>,
    /// Number of discarded events.
    pub discarded: u32,
    /// The numbers of queued events and of events in flight of each partition that has events.
    depths: LiteMap<u32, (u32, u32)>,
    /// The number of unacknowledged deliveries of each consumer that has any.
    held: LiteMap<SubscriptionId, u32>,
}

impl SubscriptionQueue {
    /// Returns, for each partition that has events, how many are queued and how many are in flight.
    pub fn depths(&self) -> &LiteMap<u32, (u32, u32)> {
        &self.depths
    }

    /// Changes, adds or removes an event. Returns it as it was before.
    fn change(
        &mut self,
        number: u32,
        change: impl FnOnce(Option<QueuedEvent>) -> Option<QueuedEvent>,
    ) -> Option<QueuedEvent> {
        let entry = self.events.entry(number);
        let before = match &entry {
            Entry::Occupied(kept) => Some(*kept.get()),
            Entry::Vacant(_) => None,
        };
        let after = change(before);
        match (entry, after) {
            (Entry::Occupied(mut kept), Some(event)) => _ = kept.insert(event),
            (Entry::Occupied(kept), None) => _ = kept.remove(),
            (Entry::Vacant(vacant), Some(event)) => _ = vacant.insert(event),
            (Entry::Vacant(_), None) => {}
        }
        if let Some(event) = before {
            self.count(event, |n| *n -= 1);
        }
        if let Some(event) = after {
            self.count(event, |n| *n += 1);
        }
        before
    }

    fn count(&mut self, event: QueuedEvent, change: impl Fn(&mut u32)) {
        let depth = self.depths.entry(event.partition).or_default();
        change(if event.in_flight { &mut depth.1 } else { &mut depth.0 });
        if *depth == (0, 0) {
            self.depths.remove(&event.partition);
        }
        if let Some(reader) = event.reader.filter(|_| event.in_flight) {
            let held = self.held.entry(reader).or_default();
            change(held);
            if *held == 0 {
                self.held.remove(&reader);
            }
        }
    }
}

/// The queues of all subscriptions.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionQueues {
    queues: LiteMap<SubscriptionId, SubscriptionQueue>,
    changed: LiteMap<SubscriptionId, ()>,
    /// The queues of subscriptions that share one: the first subscription of the group.
    shared: LiteMap<SubscriptionId, SubscriptionId>,
    /// Consumers that are not attached.
    detached: LiteMap<SubscriptionId, ()>,
    /// The partition of the event that was published or redriven last; the next new event in a queue has it.
    partition: u32,
}

impl SubscriptionQueues {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::QueueShared { subscription, queue } => {
                self.shared.insert(*subscription, *queue);
            }
            Fact::ConsumerAttached { subscription } => {
                self.detached.remove(subscription);
                self.changed.insert(*subscription, ());
            }
            Fact::ConsumerDetached { subscription, .. } => {
                self.detached.insert(*subscription, ());
                self.changed.insert(*subscription, ());
            }
            Fact::EventPublished { partition, .. } => self.partition = *partition,
            Fact::EventQueued { subscription, event, update, not_before, deliveries } => {
                let (update, partition, deliveries) = (*update, self.partition, *deliveries);
                let new = QueuedEvent { update, partition, in_flight: false, reader: None, deliveries, not_before: 0 };
                self.queue(*subscription).change(*event, |kept| {
                    Some(QueuedEvent { in_flight: false, not_before: *not_before, ..kept.unwrap_or(new) })
                });
            }
            Fact::EventSent { subscription, event, attempt, .. } => {
                self.queue(*subscription).change(*event, |kept| {
                    let (reader, deliveries) = (Some(*subscription), *attempt);
                    kept.map(|kept| QueuedEvent { in_flight: true, reader, deliveries, ..kept })
                });
            }
            Fact::EventAcknowledged { subscription, event, .. } => self.remove(*subscription, *event),
            Fact::EventDeadLettered { subscription, event, update, .. } => {
                let queue = self.queue(*subscription);
                let partition = queue.change(*event, |_| None).map_or(0, |queued| queued.partition);
                queue.dead_letters.insert(*event, DeadLetter { update: *update, partition });
                debug_assert!(!queue.events.contains_key(event), "an event is in one queue only");
            }
            Fact::EventRedriven { subscription, event, .. } => {
                self.partition = self.queue(*subscription).dead_letters.get(event).map_or(0, |dead| dead.partition);
                self.remove(*subscription, *event);
            }
            Fact::EventDiscarded { subscription, event, .. } => {
                self.remove(*subscription, *event);
                self.queue(*subscription).discarded += 1;
            }
            facts_about!(requests, messages, publishers, handling, faults, groups)
            | Fact::FlowDeclared { .. }
            | Fact::Seeded { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::StoreShared { .. }
            | Fact::EventDeduplicated { .. }
            | Fact::PublicationSkipped { .. }
            | Fact::PublishRefused { .. }
            | Fact::AcknowledgementExpired { .. }
            | Fact::ReaderLeft { .. }
            | Fact::ReaderJoined { .. }
            | Fact::PartitionsReleased { .. } => {}
        }
    }

    fn queue(&mut self, subscription: SubscriptionId) -> &mut SubscriptionQueue {
        let subscription = self.queue_of(subscription);
        self.changed.insert(subscription, ());
        self.queues.entry(subscription).or_default()
    }

    fn remove(&mut self, subscription: SubscriptionId, event: u32) {
        let queue = self.queue(subscription);
        if queue.change(event, |_| None).is_none() {
            queue.dead_letters.remove(&event);
        }
    }

    /// Returns the subscription that names the queue of a subscription: the first one of its consumer group.
    pub fn queue_of(&self, subscription: SubscriptionId) -> SubscriptionId {
        self.shared.get(&subscription).copied().unwrap_or(subscription)
    }

    /// Returns whether the consumer of a subscription is attached.
    pub fn is_attached(&self, subscription: SubscriptionId) -> bool {
        !self.detached.contains_key(&subscription)
    }

    /// Returns the number of unacknowledged deliveries to the consumer of a subscription.
    pub fn in_flight_to(&self, subscription: SubscriptionId) -> u32 {
        let queue = self.queues.get(&self.queue_of(subscription));
        queue.and_then(|queue| queue.held.get(&subscription)).copied().unwrap_or(0)
    }

    /// Returns the queue that a subscription names, which is empty for all but the first one of a group; none if it never
    /// received an event.
    pub fn get(&self, subscription: SubscriptionId) -> Option<&SubscriptionQueue> {
        self.queues.get(&subscription)
    }

    /// Iterates over the subscriptions that have received an event.
    pub fn iter(&self) -> impl Iterator<Item = (SubscriptionId, &SubscriptionQueue)> {
        self.queues.iter().map(|(id, queue)| (*id, queue))
    }

    /// Returns the subscriptions whose queues changed since the last call.
    pub fn take_changed(&mut self) -> LiteMap<SubscriptionId, ()> {
        std::mem::take(&mut self.changed)
    }
}
