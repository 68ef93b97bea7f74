//! An index of the work that is pending at one instant, built in slices.

use super::PART;
use super::event_history::{EventHistory, InboxWindow, inbox_windows};
use super::group_writes::GroupWrites;
use super::healing::HealingTimes;
use super::later_faults::LaterFault;
use crate::analysis::run_context::RunContext;
use crate::analysis::subscription_queues::QueuedEvent;
use crate::scenario::{Effect, Micros, Order, Service, Subscription};
use crate::trace::{KeyId, MessageId, MessageKind, NodeId, SubscriptionId, UpdateId, Version};
use std::collections::{BTreeMap, BTreeSet};

/// A time of healing, and the members that an update can reach from then on.
pub(super) type ReachedAt = (Micros, BTreeSet<NodeId>);

/// An event on its way to a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pending {
    /// An event in a queue, with its number.
    Queued(SubscriptionId, u32, UpdateId),
    /// An event in a message to this node or in its handler; without a node, in an outbox or at a publisher that sends it
    /// again.
    Elsewhere(Option<NodeId>, UpdateId),
}

impl Pending {
    pub(super) fn update(self) -> UpdateId {
        match self {
            Pending::Queued(.., update) | Pending::Elsewhere(_, update) => update,
        }
    }
}

/// The work that is pending at one instant, indexed so that each copy costs little.
#[derive(Clone, Debug, Default)]
pub(super) struct PendingWork {
    pub healing: HealingTimes,
    /// The senders and arrival times of the messages that carry each update to each receiver.
    pub carriers: BTreeMap<(UpdateId, NodeId), Vec<(NodeId, Micros)>>,
    /// The newest update of each key that is on its way to each receiver: in a message, a queue, an outbox, or to be sent again.
    pub newest_carried: BTreeMap<(NodeId, KeyId), (Version, UpdateId)>,
    /// Services with a subscription that adds differences.
    pub adding: Vec<NodeId>,
    /// The publishers, buses and arrival times of the publications of each update that are in flight.
    pub publications: BTreeMap<UpdateId, Vec<(NodeId, NodeId, Micros)>>,
    pub queued: BTreeMap<UpdateId, Vec<(SubscriptionId, u32, QueuedEvent)>>,
    /// The numbers of the events in ordered queues; if several have one update, the number of the first.
    pub numbers: BTreeMap<(SubscriptionId, UpdateId), u32>,
    pub dead_letters: BTreeMap<UpdateId, Vec<SubscriptionId>>,
    /// The first service with a row of each update in its outbox, and the bus of that row.
    pub outboxes: BTreeMap<UpdateId, (NodeId, NodeId)>,
    pub hints: BTreeMap<(NodeId, KeyId), Vec<NodeId>>,
    /// The members that an update can reach from the members that have it, at each time of healing so far.
    pub reached: BTreeMap<(NodeId, KeyId, Option<UpdateId>), Vec<ReachedAt>>,
    /// The faults that the script causes after now.
    pub later_faults: Vec<LaterFault>,
    /// The nodes on the path from the service that made an update to a copy, for the pairs that were needed.
    pub paths: BTreeMap<(Option<NodeId>, NodeId), BTreeSet<NodeId>>,
    /// The events on their way, by key; none until they are needed.
    pub events_of_keys: Option<BTreeMap<KeyId, BTreeSet<Pending>>>,
    /// The consumers whose inbox may delete the row of an event before a bus redelivers the event, each with the bus.
    pub deleted_rows: BTreeSet<(NodeId, NodeId)>,
    /// The queues that deliver in order.
    ordered: BTreeSet<SubscriptionId>,
    /// The next message to index; none once all are.
    next_message: Option<MessageId>,
    /// The next event to index: the index of its queue, and its number.
    next_event: (usize, u32),
}

impl PendingWork {
    /// Begins an index of the work that is pending now.
    pub fn begin(run: &RunContext) -> Self {
        let mut work =
            PendingWork { healing: HealingTimes::new(run), next_message: Some(MessageId(0)), ..PendingWork::default() };
        work.later_faults = LaterFault::all(run);
        let adds =
            |service: &Service| service.subscribes.iter().any(|subscription| subscription.effect == Effect::Increment);
        let services = (0..).map(NodeId).zip(&run.scenario.services);
        work.adding = services.filter(|(_, service)| adds(service)).map(|(node, _)| node).collect();
        let is_ordered = |queue: &SubscriptionId| {
            let ends = run.names.subscription(*queue);
            let service = run.scenario.services.get(ends.service.index());
            let is_ordered_by_bus = |subscription: &Subscription| {
                subscription.order != Order::None && run.names.find_node(&subscription.to) == Some(ends.bus)
            };
            service.is_some_and(|service| service.subscribes.iter().any(is_ordered_by_bus))
        };
        work.ordered = run.names.subscriptions().filter(is_ordered).collect();
        for (service, tables) in run.analysis.tables.iter() {
            for (bus, update) in &tables.outbox {
                work.outboxes.entry(*update).or_insert((service, *bus));
                work.note_published(run, *update, *bus);
            }
        }
        for (_, bus, update) in run.analysis.unacknowledged_publications.awaited() {
            work.note_published(run, update, bus);
        }
        for delayed in run.analysis.delayed_publications.iter() {
            work.note_published(run, delayed.update, delayed.bus);
        }
        for (node, member) in run.analysis.members.iter() {
            for hint in &member.hints {
                work.hints.entry(*hint).or_default().push(node);
            }
        }
        work
    }

    /// Continues the index. Returns none if the work pauses.
    pub fn index(&mut self, run: &RunContext, pauses: &dyn Fn() -> bool) -> Option<()> {
        while let Some(from) = self.next_message {
            if pauses() {
                return None;
            }
            self.index_messages(run, from);
        }
        while let Some((subscription, queue)) = run.analysis.buses.iter().nth(self.next_event.0) {
            if pauses() {
                return None;
            }
            let is_ordered = self.ordered.contains(&subscription);
            let mut part = queue.events.range(self.next_event.1..).take(PART);
            let mut last = None;
            for (number, event) in part.by_ref() {
                self.queued.entry(event.update).or_default().push((subscription, *number, *event));
                if is_ordered {
                    self.numbers.entry((subscription, event.update)).or_insert(*number);
                }
                for reader in run.subscriptions_to(subscription) {
                    self.note_carried(run, event.update, run.names.subscription(reader).service);
                }
                last = Some(*number);
            }
            match last.and_then(|number| number.checked_add(1)) {
                Some(next) => self.next_event.1 = next,
                None => {
                    for dead in queue.dead_letters.values() {
                        self.dead_letters.entry(dead.update).or_default().push(subscription);
                    }
                    self.next_event = (self.next_event.0 + 1, 0);
                }
            }
        }
        Some(())
    }

    /// Adds the writes that members of leaderless groups have received and not stored yet.
    pub fn index_unstored(&mut self, run: &RunContext, writes: &GroupWrites) {
        for (node, update) in writes.unstored() {
            let update = run.analysis.event_writes.carried_update(update);
            self.carriers.entry((update, node)).or_default().push((node, run.now));
            self.note_carried(run, update, node);
        }
    }

    /// Adds the consumers whose inbox may delete the row of an event before the event is redelivered.
    pub fn index_deleted_rows(&mut self, run: &RunContext, history: &EventHistory) {
        let consumers = (0..).map(NodeId).take(run.scenario.services.len());
        for consumer in consumers {
            for InboxWindow { bus, window, deadline } in inbox_windows(run, consumer) {
                let is_from_bus = |reader: SubscriptionId| {
                    let ends = run.names.subscription(reader);
                    (ends.service, ends.bus) == (consumer, bus)
                };
                let is_deleted = |event: &QueuedEvent| {
                    let last = event.not_before.max(run.now).saturating_add(deadline);
                    history.applied_at(consumer, event.update).is_some_and(|at| at.saturating_add(window) <= last)
                };
                let mut queues =
                    run.analysis.buses.iter().filter(|(queue, _)| run.subscriptions_to(*queue).any(is_from_bus));
                if queues.any(|(_, queue)| queue.events.values().any(is_deleted)) {
                    self.deleted_rows.insert((consumer, bus));
                }
            }
        }
    }

    fn note_carried(&mut self, run: &RunContext, update: UpdateId, to: NodeId) {
        let Some(info) = run.analysis.updates.get(update) else { return };
        let carried = (info.version, update);
        let newest = self.newest_carried.entry((to, info.key)).or_insert(carried);
        *newest = carried.max(*newest);
    }

    /// Notes that an update is on its way to the consumers of a bus.
    fn note_published(&mut self, run: &RunContext, update: UpdateId, bus: NodeId) {
        let subscribers = run.names.subscriptions().map(|subscription| run.names.subscription(subscription));
        for ends in subscribers.filter(|ends| ends.bus == bus) {
            self.note_carried(run, update, ends.service);
        }
    }

    fn index_messages(&mut self, run: &RunContext, from: MessageId) {
        let mut waiting = run.analysis.messages.since(from);
        for (_, message) in waiting.by_ref().take(PART) {
            let Some(update) = message.update else { continue };
            // A caller commits its update after the reply, or has given it up.
            if message.kind == MessageKind::Reply && run.names.group(message.to).is_none() {
                continue;
            }
            let update_of_event = run.analysis.event_writes.carried_update(update);
            self.carriers.entry((update_of_event, message.to)).or_default().push((message.from, message.due));
            self.note_carried(run, update_of_event, message.to);
            if message.kind == MessageKind::Publish {
                let publication = (message.from, message.to, message.due);
                self.publications.entry(update).or_default().push(publication);
                self.note_published(run, update, message.to);
            }
        }
        self.next_message = waiting.next().map(|(id, _)| id);
    }
}
