use super::confirmations::Confirmations;
use super::event_writes::EventWrites;
use super::faults::Faults;
use super::lost_updates::LostUpdates;
use super::members::Members;
use super::messages::{MessageInFlight, Messages};
use super::operations::Operations;
use super::service_tables::AllTables;
use super::staleness::Staleness;
use super::subscription_queues::SubscriptionQueues;
use super::updates::Updates;
use crate::scenario::Scenario;
use crate::trace::{MessageKind, Names, NodeId, Record};

/// The state of a run, rebuilt from its trace record by record.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// The content of each recent update.
    pub updates: Updates,
    /// Writes of groups that carry updates made elsewhere.
    pub event_writes: EventWrites,
    /// The state of each copy of each key.
    pub staleness: Staleness,
    /// The operations of each client.
    pub operations: Operations,
    /// The queue of each subscription.
    pub buses: SubscriptionQueues,
    /// The outboxes and inboxes of services.
    pub tables: AllTables,
    /// The messages in flight.
    pub messages: Messages,
    /// The lost updates of groups' registers.
    pub lost: LostUpdates,
    /// The protocol state of groups' members: leaders, logs, hints.
    pub members: Members,
    /// The active faults.
    pub faults: Faults,
    /// The publications without a relay that are sent again.
    pub confirmations: Confirmations,
}

impl Analysis {
    /// Returns the state of a run that has not begun.
    pub fn new(scenario: &Scenario, names: &Names) -> Self {
        Analysis { confirmations: Confirmations::new(scenario, names), ..Analysis::default() }
    }

    /// Observes the next record.
    pub fn observe(&mut self, record: &Record) {
        self.updates.observe(record);
        self.event_writes.observe(record);
        // A read is compared with the copies as they were when it was issued, so operations come first.
        self.operations.observe(record, &self.staleness);
        self.staleness.observe(record, &self.event_writes);
        self.buses.observe(record);
        self.tables.observe(record);
        self.messages.observe(record);
        self.lost.observe(record);
        self.members.observe(record);
        self.faults.observe(record);
        self.confirmations.observe(record, &self.messages);
    }

    /// Returns the estimated memory of the parts that grow with the run, bytes. It depends on the trace alone.
    pub fn memory(&self) -> u64 {
        let queued: usize = self.buses.iter().map(|(_, queue)| queue.events.len() + queue.dead_letters.len()).sum();
        let rows: usize = self.tables.iter().map(|(_, tables)| tables.outbox.len()).sum();
        let entries: u64 =
            self.members.iter().map(|(_, member)| u64::from(member.log.0) + member.hints.len() as u64).sum();
        self.staleness.memory()
            + self.messages.len() as u64 * 120
            + self.operations.pending() as u64 * 320
            + (queued + rows) as u64 * 160
            + entries * 100
    }

    /// Returns whether the run is idle, and no publication that will be sent again can reach its bus.
    pub fn is_quiet(&self) -> bool {
        let reaches_bus = |(publisher, bus): (NodeId, NodeId)| {
            let is_stopped = self.faults.is_stopped(publisher) || self.faults.is_stopped(bus);
            !is_stopped && self.faults.cut(publisher, bus).is_none()
        };
        self.is_idle() && !self.resent().any(reaches_bus)
    }

    /// Iterates over the publishers that send a publication again until its bus acknowledges it, each with this bus.
    pub(super) fn resent(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.confirmations.awaited().chain(self.tables.unpublished())
    }

    /// Returns whether no message, event or operation is pending that a client or a copy waits for. A publisher may still send a
    /// publication again.
    pub fn is_idle(&self) -> bool {
        let buses = self.buses.iter().all(|(_, queue)| queue.events.is_empty());
        let messages = self.messages.iter().all(|(_, message)| self.is_redundant(message));
        let promised = self.members.iter().any(|(_, member)| !member.promised.is_empty());
        buses && messages && self.operations.pending() == 0 && !promised && !self.event_writes.is_waiting()
    }

    /// Returns whether a message cannot change a copy: it carries no update, or one that its receiver reflects.
    fn is_redundant(&self, message: &MessageInFlight) -> bool {
        match message.kind {
            MessageKind::Poll | MessageKind::Connection => true,
            MessageKind::Election | MessageKind::Heartbeat | MessageKind::Comparison | MessageKind::Acknowledgement => {
                message.operation.is_none()
            }
            MessageKind::Replication | MessageKind::Repair => {
                let info = message.update.and_then(|update| self.updates.get(self.event_writes.carried_update(update)));
                info.is_none_or(|info| {
                    let copy = self.staleness.copy(message.to, info.key);
                    copy.is_some_and(|copy| copy.reflects(info.version))
                })
            }
            // A pull request of gossip.
            MessageKind::Call => message.operation.is_none() && message.update.is_none(),
            MessageKind::Reply | MessageKind::Publish | MessageKind::Delivery | MessageKind::Refusal => false,
        }
    }
}
