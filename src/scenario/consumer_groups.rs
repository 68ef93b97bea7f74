//! The consumer groups of a scenario: subscriptions of the same name to the same topic, which share a queue.

use super::event_chain::{TopicName, Topics};
use super::{Order, ReaderSession, Scenario, Subscription};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The consumer groups of a scenario. Finding them all once takes little longer than finding one.
#[derive(Debug)]
pub struct ConsumerGroups<'a> {
    topics: Topics<'a>,
    groups: BTreeMap<(TopicName<'a>, &'a str), Vec<&'a Subscription>>,
}

impl<'a> ConsumerGroups<'a> {
    /// Finds the consumer groups of a scenario.
    pub fn new(scenario: &'a Scenario) -> Self {
        let topics = Topics::new(scenario);
        let mut groups: BTreeMap<(TopicName, &str), Vec<&Subscription>> = BTreeMap::new();
        for subscription in scenario.services.iter().flat_map(|service| &service.subscribes) {
            if let Some(group) = &subscription.group {
                groups.entry((topics.of_subscription(subscription), group)).or_default().push(subscription);
            }
        }
        ConsumerGroups { topics, groups }
    }

    /// Returns the subscriptions of the consumer group that a subscription is in, itself included, in order; none without a
    /// group.
    pub fn group_of<'b>(&'b self, subscription: &'b Subscription) -> &'b [&'b Subscription] {
        let name = |group: &'b String| (self.topics.of_subscription(subscription), group.as_str());
        let group = subscription.group.as_ref().and_then(|group| self.groups.get(&name(group)));
        group.map_or(&[], Vec::as_slice)
    }

    /// Returns a subscription as the bus serves it. A consumer group has one queue, whose order its first subscription decides;
    /// the readers of a log poll their partitions.
    pub fn as_served<'b>(&self, subscription: &'b Subscription) -> Cow<'b, Subscription> {
        let order = self.group_of(subscription).first().map_or(subscription.order, |first| first.order);
        if order == subscription.order {
            return Cow::Borrowed(subscription);
        }
        let mut served = Subscription { order, ..subscription.clone() };
        if order == Order::Log {
            (served.attach, served.late_acknowledgement, served.on_failure) = (None, None, None);
        }
        Cow::Owned(served)
    }

    /// Returns the session of a log's reader: its own, or that of another reader of its group.
    pub fn session<'b>(&'b self, of: &'b Subscription) -> Option<&'b ReaderSession> {
        of.session.as_ref().or_else(|| self.group_of(of).iter().find_map(|subscription| subscription.session.as_ref()))
    }
}
