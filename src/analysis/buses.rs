use crate::scenario::Micros;
use crate::trace::{Fact, Record, SubscriptionId, UpdateId};
use std::collections::{BTreeMap, BTreeSet};

/// An event that a bus keeps for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The update.
    pub update: UpdateId,
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
    /// Events queued or unacknowledged, in the order in which they came; an update that was published twice is there twice.
    pub kept: Vec<Kept>,
    /// Events in the dead-letter queue.
    pub dead: Vec<UpdateId>,
    /// Events given up.
    pub discarded: u32,
}

/// What each subscription's queue holds.
#[derive(Clone, Debug, Default)]
pub struct Buses {
    lanes: BTreeMap<SubscriptionId, Lane>,
    changed: BTreeSet<SubscriptionId>,
}

impl Buses {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::EventQueued { subscription, update, not_before, deliveries } => {
                let lane = self.lane(*subscription);
                let again = lane.kept.iter_mut().find(|kept| kept.update == *update && kept.in_flight);
                match again {
                    Some(kept) if *deliveries > 0 => {
                        kept.in_flight = false;
                        kept.not_before = *not_before;
                    }
                    Some(_) | None => {
                        let kept = Kept {
                            update: *update,
                            in_flight: false,
                            deliveries: *deliveries,
                            not_before: *not_before,
                        };
                        lane.kept.push(kept);
                    }
                }
            }
            Fact::EventSent { subscription, update, attempt } => {
                let lane = self.lane(*subscription);
                let waiting = |kept: &&mut Kept| kept.update == *update && !kept.in_flight;
                if let Some(kept) = lane.kept.iter_mut().find(waiting) {
                    kept.in_flight = true;
                    kept.deliveries = *attempt;
                }
            }
            Fact::EventAcknowledged { subscription, update } => self.remove(*subscription, *update),
            Fact::EventDeadLettered { subscription, update, .. } => {
                self.remove(*subscription, *update);
                self.lane(*subscription).dead.push(*update);
            }
            Fact::EventDiscarded { subscription, update, .. } => {
                self.remove(*subscription, *update);
                self.lane(*subscription).discarded += 1;
            }
            _ => {}
        }
    }

    fn lane(&mut self, subscription: SubscriptionId) -> &mut Lane {
        self.changed.insert(subscription);
        self.lanes.entry(subscription).or_default()
    }

    fn remove(&mut self, subscription: SubscriptionId, update: UpdateId) {
        let lane = self.lane(subscription);
        if let Some(index) = lane.kept.iter().position(|kept| kept.update == update) {
            lane.kept.remove(index);
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
