//! The events that change no copy when they are published or delivered once more.

use super::copy_state::CopyState;
use super::staleness::Staleness;
use super::updates::Updates;
use crate::scenario::{Effect, Scenario, Service, Subscription};
use crate::trace::{NodeId, UpdateId};

/// The effect of an event at a service that has applied it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repetition {
    /// Nothing.
    Nothing,
    /// It brings back the event's value.
    Value,
    /// It is added once more.
    Sum,
}

/// The services that subscribe to events.
#[derive(Clone, Debug, Default)]
pub struct Repetitions {
    consumers: Vec<(NodeId, Repetition)>,
}

fn repetition(service: &Service) -> Repetition {
    let keeps_rows =
        |subscription: &Subscription| subscription.inbox.as_ref().is_some_and(|inbox| inbox.window_ms.is_none());
    if service
        .subscribes
        .iter()
        .any(|subscription| subscription.effect == Effect::Increment && !keeps_rows(subscription))
    {
        Repetition::Sum
    } else if service.subscribes.iter().any(|subscription| subscription.effect == Effect::Overwrite) {
        // An inbox has no row of an older event that comes for the first time.
        Repetition::Value
    } else {
        Repetition::Nothing
    }
}

impl Repetitions {
    /// Reads the subscriptions of a scenario.
    pub(super) fn new(scenario: &Scenario) -> Self {
        let services = (0..).map(NodeId).zip(&scenario.services).filter(|(_, service)| !service.subscribes.is_empty());
        Repetitions { consumers: services.map(|(node, service)| (node, repetition(service))).collect() }
    }

    /// Returns whether every consumer has applied an update and equals the reference, and the update's event changes none.
    pub(super) fn is_ignored(&self, update: UpdateId, updates: &Updates, staleness: &Staleness) -> bool {
        let Some(info) = updates.get(update) else { return false };
        self.consumers.iter().all(|(node, repetition)| {
            staleness.copy(*node, info.key).is_none_or(|copy| {
                let is_ignored = match repetition {
                    Repetition::Nothing => true,
                    Repetition::Value => copy.held().is_some_and(|held| held.update == Some(update)),
                    Repetition::Sum => false,
                };
                is_ignored
                    && copy.state() == CopyState::Consistent
                    && staleness.has_applied(*node, info.key, info.version)
            })
        })
    }
}
