//! The events of a run, as far as the kept records show them.

use super::PART;
use super::group_writes::GroupWrites;
use crate::analysis::run_context::RunContext;
use crate::scenario::{Command, Micros, Value, micros};
use crate::trace::{
    DropReason, Fact, HandlingFailure, KeyId, MessageId, MessageKind, NodeId, OperationId, Record, Subscriber,
    SubscriptionId, UpdateId, facts_about,
};
use std::collections::{BTreeMap, BTreeSet};

/// The deliveries of an update's event that a consumer has received and not handled.
#[derive(Clone, Debug)]
struct Received {
    /// Their number.
    unhandled: u32,
    /// The bus's numbers of their events, for a reader of a log, which handles one of several deliveries of an event.
    events: BTreeSet<u32>,
    /// The bus of the last one.
    bus: NodeId,
    /// When the last one arrived.
    at: Micros,
}

/// The fates of events in the kept records.
#[derive(Clone, Debug, Default)]
pub struct EventHistory {
    pub(super) published: BTreeSet<UpdateId>,
    pub(super) poison: BTreeSet<(SubscriptionId, UpdateId)>,
    /// The times at which the script makes a service publish a poison message.
    poison_steps: BTreeSet<(Micros, NodeId)>,
    /// The operations of those steps that have not committed yet, and the updates of those that have.
    poisonous_operations: BTreeSet<OperationId>,
    poisonous: BTreeSet<UpdateId>,
    /// Keys that do not hold a number at a service.
    texts: BTreeSet<(NodeId, KeyId)>,
    /// Updates that state no difference.
    without_difference: BTreeSet<UpdateId>,
    /// Events of a key that a consumer cannot store, since the key last changed.
    rejected: BTreeMap<KeyId, BTreeSet<(NodeId, UpdateId)>>,
    /// The first reason for which a bus discarded an update's event.
    pub(super) discarded: BTreeMap<UpdateId, DropReason>,
    /// When a bus last accepted an update's event, so that its retention time began, and the partition of the event.
    accepted: BTreeMap<(NodeId, UpdateId), (Micros, u32)>,
    /// When a message last carried an update.
    pub(super) last_sent: BTreeMap<UpdateId, Micros>,
    /// When a member of a group last coordinated or stored an update.
    pub(super) last_stored: BTreeMap<UpdateId, Micros>,
    /// When a node first published an update.
    pub(super) first_published: BTreeMap<(UpdateId, NodeId), Micros>,
    /// What consumers received and have not handled.
    received: BTreeMap<(NodeId, UpdateId), Received>,
    /// The time at which a consumer whose inbox deletes its rows last applied an update's event.
    applied: BTreeMap<(NodeId, UpdateId), Micros>,
    /// The writes that leaderless groups are executing.
    pub(super) writes: GroupWrites,
    /// Publisher, update and bus of publications that have not been acknowledged since they were last sent.
    awaited: BTreeSet<(NodeId, UpdateId, NodeId)>,
    /// Acknowledgements of publications that are in flight, with the publisher.
    acknowledgements: BTreeMap<MessageId, (NodeId, UpdateId)>,
    /// Acknowledgements of publications and deliveries that are in flight: their sender and receiver, and the update.
    sent_acknowledgements: BTreeMap<MessageId, (NodeId, NodeId, UpdateId)>,
    /// Sender, receiver and update of acknowledgements that were lost, until a later one arrives.
    lost_acknowledgements: BTreeSet<(NodeId, NodeId, UpdateId)>,
    /// Deliveries that are in flight: the bus, the consumer, the update, and the bus's number of the event.
    deliveries: BTreeMap<MessageId, (NodeId, NodeId, UpdateId, u32)>,
    /// The event whose delivery was sent last.
    sent_event: u32,
    /// The original messages of duplicates in flight.
    originals: BTreeMap<MessageId, MessageId>,
    /// The original messages of duplicated deliveries of which one has arrived.
    arrived: BTreeSet<MessageId>,
    /// The number of the next record to read.
    next: u64,
}

/// The maximum number of entries of a history, some from records that the trace has discarded.
const MAX_ENTRIES: usize = 1 << 20;

impl EventHistory {
    /// Reads the records that were written since the last call. Returns none if the work pauses.
    pub(super) fn read(&mut self, run: &RunContext, pauses: &dyn Fn() -> bool) -> Option<()> {
        let entries = self.published.len() + self.last_sent.len() + self.first_published.len();
        let entries = entries + self.lost_acknowledgements.len() + self.applied.len();
        if run.trace.oldest() > self.next || entries > MAX_ENTRIES {
            *self = EventHistory { next: run.trace.oldest(), ..EventHistory::default() };
        }
        let poison = run.scenario.script.iter().filter_map(|step| match &step.command {
            Command::Operate { service, poison: true, .. } => Some((micros(step.at_ms), run.names.find_node(service)?)),
            _ => None,
        });
        self.poison_steps = poison.collect();
        while self.next < run.trace.total() {
            if pauses() {
                return None;
            }
            for record in run.trace.since(self.next).take(PART) {
                self.observe(run, record);
                self.next += 1;
            }
        }
        Some(())
    }

    /// Returns whether the last handling of a key's event at a consumer failed because of its value, and the key has not
    /// changed since.
    pub(super) fn is_rejected(&self, consumer: NodeId, key: KeyId, update: UpdateId) -> bool {
        self.rejected.get(&key).is_some_and(|rejected| rejected.contains(&(consumer, update)))
    }

    /// Returns whether the last acknowledgement of an update's event from one node to another was lost.
    pub(super) fn is_acknowledgement_lost(&self, from: NodeId, to: NodeId, update: UpdateId) -> bool {
        self.lost_acknowledgements.contains(&(from, to, update))
    }

    /// Returns when a consumer last received an update's event that it has not handled yet.
    pub(super) fn received_at(&self, consumer: NodeId, update: UpdateId) -> Option<Micros> {
        self.received.get(&(consumer, update)).map(|received| received.at)
    }

    /// Returns how many deliveries of an update's event a consumer received and has not handled yet.
    pub(super) fn deliveries_received(&self, consumer: NodeId, update: UpdateId) -> u32 {
        self.received.get(&(consumer, update)).map_or(0, |received| received.unhandled)
    }

    /// Returns the time at which a consumer whose inbox deletes its rows last applied an update's event.
    pub(super) fn applied_at(&self, consumer: NodeId, update: UpdateId) -> Option<Micros> {
        self.applied.get(&(consumer, update)).copied()
    }

    /// Iterates over the consumers that received an update's event and have not handled it yet.
    pub(super) fn received(&self) -> impl Iterator<Item = (NodeId, UpdateId)> {
        self.received.keys().copied()
    }

    /// Returns when a bus last accepted an update's event, with a new retention time.
    pub(super) fn accepted_at(&self, bus: NodeId, update: UpdateId) -> Option<Micros> {
        self.accepted.get(&(bus, update)).map(|(at, _)| *at)
    }

    /// Returns whether every handler fails to process an update's event.
    pub(super) fn is_poisonous(&self, update: UpdateId) -> bool {
        self.poisonous.contains(&update)
    }

    /// Returns whether an update states no difference that could be added: its value or the one before is no number.
    pub(super) fn is_without_difference(&self, update: UpdateId) -> bool {
        self.without_difference.contains(&update)
    }

    /// Iterates over the updates whose events fail at some consumer.
    pub(super) fn failing_updates(&self) -> impl Iterator<Item = UpdateId> {
        let failed = self.poison.iter().map(|(_, update)| *update);
        let rejected = self.rejected.values().flatten().map(|(_, update)| *update);
        failed.chain(rejected).chain(self.poisonous.iter().copied()).chain(self.without_difference.iter().copied())
    }

    /// Returns whether a bus has acknowledged a publication, also if that acknowledgement is still in flight.
    pub(super) fn is_publication_acknowledged(&self, bus: NodeId, update: UpdateId) -> bool {
        let mut awaited = self.awaited.iter().filter(|(_, awaited, to)| (*awaited, *to) == (update, bus));
        let is_sent = || self.sent_acknowledgements.values().any(|(from, _, sent)| (*from, *sent) == (bus, update));
        self.published.contains(&update) && (awaited.next().is_none() || is_sent())
    }

    /// Notes a poison message that the script publishes, and a value that is no number.
    fn note_value(&mut self, record: &Record) {
        match &record.fact {
            Fact::OperationIssued { operation, by, to, .. } if by == to => {
                let is_poison = self.poison_steps.contains(&(record.at, *to));
                self.poisonous_operations.extend(is_poison.then_some(*operation));
            }
            Fact::Seeded { node, key, value, .. } if !matches!(value, Value::Int(_)) => {
                self.texts.insert((*node, *key));
            }
            Fact::UpdateCommitted { update, operation, node, key, value, .. } => {
                if self.poisonous_operations.remove(operation) {
                    self.poisonous.insert(*update);
                }
                let was_text = self.texts.remove(&(*node, *key));
                if !matches!(value, Value::Int(_)) {
                    self.texts.insert((*node, *key));
                }
                if was_text || self.texts.contains(&(*node, *key)) {
                    self.without_difference.insert(*update);
                }
            }
            facts_about!(messages, events, faults, groups)
            | Fact::FlowDeclared { .. }
            | Fact::QueueShared { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::StoreShared { .. }
            | Fact::Seeded { .. }
            | Fact::OperationIssued { .. }
            | Fact::ReadServed { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationEnded { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateAcknowledged { .. }
            | Fact::UpdateApplied { .. } => {}
        }
    }

    /// Returns whether a consumer could not store an event.
    pub(super) fn has_rejected(&self) -> bool {
        !self.rejected.is_empty()
    }

    /// Iterates over the buses whose acknowledgement of an update a publisher awaits.
    pub(super) fn awaited_buses(&self, publisher: NodeId, update: UpdateId) -> impl Iterator<Item = NodeId> {
        let all = (publisher, update, NodeId(0))..=(publisher, update, NodeId(u32::MAX));
        self.awaited.range(all).map(|(.., bus)| *bus)
    }

    fn stop_awaiting(&mut self, publisher: NodeId, update: UpdateId) {
        let buses: Vec<NodeId> = self.awaited_buses(publisher, update).collect();
        for bus in buses {
            self.awaited.remove(&(publisher, update, bus));
        }
    }

    fn note_sent(&mut self, record: &Record) {
        let Fact::MessageSent { message, from, to, update: Some(update), kind, .. } = &record.fact else { return };
        self.last_sent.insert(*update, record.at);
        if *kind == MessageKind::Acknowledgement {
            self.sent_acknowledgements.insert(*message, (*from, *to, *update));
        }
        match kind {
            MessageKind::Publish => {
                self.first_published.entry((*update, *from)).or_insert(record.at);
                self.awaited.insert((*from, *update, *to));
            }
            MessageKind::Delivery => _ = self.deliveries.insert(*message, (*from, *to, *update, self.sent_event)),
            MessageKind::Acknowledgement if self.awaited_buses(*to, *update).next().is_some() => {
                self.acknowledgements.insert(*message, (*to, *update));
            }
            MessageKind::Acknowledgement
            | MessageKind::Call
            | MessageKind::Reply
            | MessageKind::Refusal
            | MessageKind::Replication
            | MessageKind::Repair
            | MessageKind::Comparison
            | MessageKind::Election
            | MessageKind::Heartbeat
            | MessageKind::Poll
            | MessageKind::Connection => {}
        }
    }

    fn note_failed(
        &mut self,
        run: &RunContext,
        (subscription, update): (SubscriptionId, UpdateId),
        cause: HandlingFailure,
    ) {
        let consumer = run.names.subscription(subscription).service;
        match cause {
            HandlingFailure::Poison => {
                self.poison.insert((run.analysis.buses.queue_of(subscription), update));
            }
            HandlingFailure::WrongType | HandlingFailure::OutOfRange => {
                let key = run.analysis.updates.get(update).map(|info| info.key);
                key.map(|key| self.rejected.entry(key).or_default().insert((consumer, update)));
            }
            HandlingFailure::Failed | HandlingFailure::QueueFull | HandlingFailure::NotWritten => {}
        }
        self.end_handling(consumer, update);
        self.discard_behind(run, subscription, update);
    }

    /// Notes that the reader of a log discards the events behind one that it could not handle.
    fn discard_behind(&mut self, run: &RunContext, subscription: SubscriptionId, update: UpdateId) {
        let Subscriber { service, bus, .. } = run.names.subscription(subscription);
        if !run.reads_log(service, bus) {
            return;
        }
        let partition = |update: UpdateId| self.accepted.get(&(bus, update)).map(|(_, partition)| *partition);
        let failed = partition(update);
        let behind: Vec<(NodeId, UpdateId)> =
            self.received().filter(|(at, other)| *at == service && partition(*other) == failed).collect();
        for received in behind {
            self.received.remove(&received);
        }
    }

    /// Notes that a consumer has handled a delivery.
    fn end_handling(&mut self, consumer: NodeId, update: UpdateId) {
        if let Some(received) = self.received.get_mut(&(consumer, update)) {
            received.unhandled -= 1;
            // Events are handled in order.
            received.events.pop_first();
            if received.unhandled == 0 {
                self.received.remove(&(consumer, update));
            }
        }
    }

    fn note_duplicated(&mut self, message: MessageId, copy: MessageId) {
        let delivery = self.deliveries.get(&message).copied();
        if let Some(delivery) = delivery {
            self.deliveries.insert(copy, delivery);
            let original = self.originals.get(&message).copied().unwrap_or(message);
            self.originals.extend([(message, original), (copy, original)]);
        }
        let sent = self.sent_acknowledgements.get(&message).copied();
        sent.and_then(|sent| self.sent_acknowledgements.insert(copy, sent));
    }

    /// Notes that a reader of a log discarded what it had received, and ignores what is in flight to it.
    fn note_released(&mut self, run: &RunContext, subscription: SubscriptionId) {
        let Subscriber { service, bus, .. } = run.names.subscription(subscription);
        self.received.retain(|(consumer, _), received| (*consumer, received.bus) != (service, bus));
        self.deliveries.retain(|_, (from, consumer, ..)| (*consumer, *from) != (service, bus));
    }

    fn note_dropped(&mut self, message: MessageId) {
        self.deliveries.remove(&message);
        self.originals.remove(&message);
        self.acknowledgements.remove(&message);
        self.lost_acknowledgements.extend(self.sent_acknowledgements.remove(&message));
    }

    fn note_delivered(&mut self, run: &RunContext, at: Micros, message: MessageId) {
        if let Some((bus, consumer, update, event)) = self.deliveries.remove(&message) {
            let reads_log = run.reads_log(consumer, bus);
            // The reader of a log ignores the copy of a delivery that it has received.
            let is_new = self.originals.remove(&message).is_none_or(|original| self.arrived.insert(original));
            if is_new || !reads_log {
                let none = Received { unhandled: 0, events: BTreeSet::new(), bus, at };
                let received = self.received.entry((consumer, update)).or_insert(none);
                let is_counted = reads_log && !received.events.insert(event);
                received.unhandled += u32::from(!is_counted);
                (received.bus, received.at) = (bus, at);
            }
        }
        if let Some(arrived) = self.sent_acknowledgements.remove(&message) {
            self.lost_acknowledgements.remove(&arrived);
        }
        if let Some((publisher, update)) = self.acknowledgements.remove(&message) {
            self.stop_awaiting(publisher, update);
        }
    }

    /// Notes that the retention time of an event begins again.
    fn renew(&mut self, run: &RunContext, subscription: SubscriptionId, update: UpdateId, at: Micros) {
        let accepted = self.accepted.entry((run.names.subscription(subscription).bus, update)).or_default();
        accepted.0 = at;
    }

    fn note_stored(&mut self, record: &Record) {
        if let Fact::WriteCoordinated { update, .. }
        | Fact::ReplicaStored { update: Some(update), .. }
        | Fact::StateMerged { update: Some(update), .. } = &record.fact
        {
            self.last_stored.insert(*update, record.at);
        }
    }

    fn observe(&mut self, run: &RunContext, record: &Record) {
        self.note_value(record);
        self.writes.observe(run, record);
        self.note_stored(record);
        // An event that could not be stored may now be.
        if let Some(key) = changed_key(&record.fact) {
            self.rejected.remove(&key);
        }
        match &record.fact {
            Fact::EventPublished { bus, update, partition, .. } => {
                self.published.insert(*update);
                self.accepted.insert((*bus, *update), (record.at, *partition));
            }
            Fact::EventRedriven { subscription, update, .. } => self.renew(run, *subscription, *update, record.at),
            Fact::EventDeadLettered { subscription, update, .. } if renews(run, *subscription) => {
                self.renew(run, *subscription, *update, record.at);
            }
            Fact::EventDiscarded { update, reason, .. } => _ = self.discarded.entry(*update).or_insert(*reason),
            Fact::HandlingFailed { subscription, update, cause, .. } => {
                self.note_failed(run, (*subscription, *update), *cause);
            }
            Fact::DeliveryDiscarded { subscription, update, .. } => {
                self.end_handling(run.names.subscription(*subscription).service, *update);
            }
            Fact::EventSent { event, .. } => self.sent_event = *event,
            Fact::MessageSent { update: Some(_), .. } => self.note_sent(record),
            Fact::MessageDuplicated { message, copy, .. } => self.note_duplicated(*message, *copy),
            Fact::MessageDropped { message, .. } => self.note_dropped(*message),
            Fact::MessageDelivered { message } => self.note_delivered(run, record.at, *message),
            Fact::PublishAbandoned { node, update, .. } => self.stop_awaiting(*node, *update),
            Fact::UpdateApplied { node, update, by: Some(_), .. } => {
                self.end_handling(*node, *update);
                if inbox_windows(run, *node).next().is_some() {
                    self.applied.insert((*node, *update), record.at);
                }
            }
            Fact::InboxHit { node, update, .. } => self.end_handling(*node, *update),
            Fact::ServiceCrashed { node, lost_disk } => {
                self.received.retain(|(at, _), _| at != node);
                self.awaited.retain(|(publisher, ..)| publisher != node);
                if *lost_disk {
                    self.rejected.clear();
                }
            }
            Fact::PartitionsReleased { subscription } => self.note_released(run, *subscription),
            facts_about!(declarations, operations, links, disturbances, brokers, groups)
            | Fact::ConsumerAttached { .. }
            | Fact::ConsumerDetached { .. }
            | Fact::ReaderLeft { .. }
            | Fact::ReaderJoined { .. }
            | Fact::MessageSent { update: None, .. }
            | Fact::OutboxRowWritten { .. }
            | Fact::OutboxRowPublished { .. }
            | Fact::PositionLost { .. }
            | Fact::PublicationLost { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateCommitted { .. }
            | Fact::UpdateAcknowledged { .. }
            | Fact::UpdateApplied { by: None, .. }
            | Fact::EventDeduplicated { .. }
            | Fact::PublicationSkipped { .. }
            | Fact::PublishRefused { .. }
            | Fact::EventQueued { .. }
            | Fact::EventAcknowledged { .. }
            | Fact::AcknowledgementExpired { .. }
            | Fact::EventDeadLettered { .. }
            | Fact::EventWriteStarted { .. }
            | Fact::EventWriteEnded { .. }
            | Fact::ServiceRestarted { .. }
            | Fact::BusStopped { .. }
            | Fact::BusStarted { .. } => {}
        }
    }
}

/// Returns whether the retention time of the dead letters of a subscription begins with their last delivery.
fn renews(run: &RunContext, subscription: SubscriptionId) -> bool {
    let Subscriber { service, bus, .. } = run.names.subscription(subscription);
    let its = run.scenario.services.get(service.index()).into_iter().flat_map(|service| &service.subscribes);
    its.into_iter().any(|it| it.dead_letter_renews_time && run.names.find_node(&it.to) == Some(bus))
}

/// The times of an inbox that deletes its rows.
pub(super) struct InboxWindow {
    /// The bus of its subscription.
    pub bus: NodeId,
    /// The time for which it keeps a row.
    pub window: Micros,
    /// The time after which the bus redelivers an event that is not acknowledged.
    pub deadline: Micros,
}

/// Iterates over the inboxes of a consumer that delete their rows.
pub(super) fn inbox_windows(run: &RunContext, consumer: NodeId) -> impl Iterator<Item = InboxWindow> {
    let its = run.scenario.services.get(consumer.index()).into_iter().flat_map(|service| &service.subscribes);
    its.filter_map(|it| {
        let (bus, window_ms) = (run.names.find_node(&it.to)?, it.inbox.as_ref()?.window_ms?);
        Some(InboxWindow { bus, window: micros(window_ms), deadline: micros(it.ack_deadline_ms) })
    })
}

/// Returns the key whose value a fact changes.
fn changed_key(fact: &Fact) -> Option<KeyId> {
    match fact {
        Fact::UpdateApplied { key, .. }
        | Fact::UpdateCommitted { key, .. }
        | Fact::WriteCoordinated { key, .. }
        | Fact::ReplicaStored { key, .. }
        | Fact::StateMerged { key, .. }
        | Fact::WriteRolledBack { key, .. }
        | Fact::TombstonePurged { key, .. } => Some(*key),
        facts_about!(declarations, operations, messages, events, faults, leaders, transactions)
        | Fact::UpdateProposed { .. }
        | Fact::UpdateAcknowledged { .. }
        | Fact::KeyPlaced { .. }
        | Fact::HintStored { .. }
        | Fact::HintRemoved { .. }
        | Fact::TreesCompared { .. } => None,
    }
}
