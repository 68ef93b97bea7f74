use crate::scenario::Micros;
use crate::trace::{Fact, Record, SubscriptionId, UpdateId};
use std::collections::{BTreeMap, BTreeSet};

/// An event that a bus keeps for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The update.
    pub update: UpdateId,
    /// The partition of its topic.
    pub partition: u32,
    /// Sent, and not acknowledged yet.
    pub in_flight: bool,
    /// Deliveries so far.
    pub deliveries: u32,
    /// Before this instant it is not delivered.
    pub not_before: Micros,
}

/// What a bus holds for a subscription.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lane {
    /// Events queued or unacknowledged, by their number in the bus, which is the order in which they came; an update that
    /// was published twice is there twice.
    pub kept: BTreeMap<u32, Kept>,
    /// Events in the dead-letter queue, by their number in the bus.
    pub dead: BTreeMap<u32, UpdateId>,
    /// Partitions of those.
    partitions: BTreeMap<u32, u32>,
    /// Events given up.
    pub discarded: u32,
}

impl Lane {
    /// How many events of each partition that has any are queued, and how many sent and not acknowledged.
    pub fn depths(&self) -> BTreeMap<u32, (u32, u32)> {
        let mut depths: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for kept in self.kept.values() {
            let (queued, in_flight) = depths.entry(kept.partition).or_default();
            *if kept.in_flight { in_flight } else { queued } += 1;
        }
        depths
    }
}

/// What each subscription's queue holds.
#[derive(Clone, Debug, Default)]
pub struct Buses {
    lanes: BTreeMap<SubscriptionId, Lane>,
    changed: BTreeSet<SubscriptionId>,
    /// The partition of what was published or redriven last: what is queued anew was.
    partition: u32,
}

impl Buses {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::EventPublished { partition, .. } => self.partition = *partition,
            Fact::EventQueued { subscription, event, update, not_before, deliveries } => {
                let (update, partition, deliveries) = (*update, self.partition, *deliveries);
                let new = || Kept { update, partition, in_flight: false, deliveries, not_before: 0 };
                let kept = self.lane(*subscription).kept.entry(*event).or_insert_with(new);
                kept.in_flight = false;
                kept.not_before = *not_before;
            }
            Fact::EventSent { subscription, event, attempt, .. } => {
                if let Some(kept) = self.lane(*subscription).kept.get_mut(event) {
                    kept.in_flight = true;
                    kept.deliveries = *attempt;
                }
            }
            Fact::EventAcknowledged { subscription, event, .. } => self.remove(*subscription, *event),
            Fact::EventDeadLettered { subscription, event, update, .. } => {
                let lane = self.lane(*subscription);
                if let Some(kept) = lane.kept.remove(event) {
                    lane.partitions.insert(*event, kept.partition);
                }
                lane.dead.insert(*event, *update);
            }
            Fact::EventRedriven { subscription, event, .. } => {
                self.partition = self.lane(*subscription).partitions.get(event).copied().unwrap_or_default();
                self.remove(*subscription, *event);
            }
            Fact::EventDiscarded { subscription, event, .. } => {
                self.remove(*subscription, *event);
                self.lane(*subscription).discarded += 1;
            }
            _ => {}
        }
    }

    fn lane(&mut self, subscription: SubscriptionId) -> &mut Lane {
        self.changed.insert(subscription);
        self.lanes.entry(subscription).or_default()
    }

    fn remove(&mut self, subscription: SubscriptionId, event: u32) {
        let lane = self.lane(subscription);
        if lane.kept.remove(&event).is_none() {
            lane.dead.remove(&event);
            lane.partitions.remove(&event);
        }
    }

    /// What a bus holds for a subscription; none if nothing was ever published to it.
    pub fn get(&self, subscription: SubscriptionId) -> Option<&Lane> {
        self.lanes.get(&subscription)
    }

    /// All subscriptions that ever got an event.
    pub fn iter(&self) -> impl Iterator<Item = (SubscriptionId, &Lane)> {
        self.lanes.iter().map(|(id, lane)| (*id, lane))
    }

    /// The subscriptions that changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<SubscriptionId> {
        std::mem::take(&mut self.changed)
    }
}
