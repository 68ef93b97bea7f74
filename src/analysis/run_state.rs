use super::brokers::Brokers;
use super::copy_state::CopyState;
use super::delayed_publications::DelayedPublications;
use super::event_writes::EventWrites;
use super::faults::Faults;
use super::lost_updates::LostUpdates;
use super::members::Members;
use super::messages::{MessageInFlight, Messages};
use super::operations::Operations;
use super::repetitions::Repetitions;
use super::requests::Requests;
use super::service_tables::AllTables;
use super::staleness::Staleness;
use super::subscription_queues::SubscriptionQueues;
use super::unacknowledged_publications::UnacknowledgedPublications;
use super::updates::Updates;
use crate::scenario::{Group, Protocol, Scenario};
use crate::trace::{KeyId, MessageKind, Names, NodeId, Record, UpdateId};

/// The state of a run, rebuilt from its trace record by record.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// The content of each recent update.
    pub updates: Updates,
    /// Writes of groups that carry updates made elsewhere.
    pub event_writes: EventWrites,
    /// The state of each copy of each key.
    pub staleness: Staleness,
    /// The operations of each client, and the calls of services.
    pub operations: Operations,
    /// The queue of each subscription.
    pub buses: SubscriptionQueues,
    /// The outboxes and inboxes of services.
    pub tables: AllTables,
    /// The messages in flight.
    pub messages: Messages,
    /// The lost updates.
    pub lost: LostUpdates,
    /// The protocol state of groups' members: leaders, logs, hints.
    pub members: Members,
    /// The active faults.
    pub faults: Faults,
    /// The brokers of replicated buses.
    pub brokers: Brokers,
    /// The publications that publishers without a relay repeat until the bus acknowledges them.
    pub unacknowledged_publications: UnacknowledgedPublications,
    /// The publications without a relay whose gap after the commit has not elapsed.
    pub delayed_publications: DelayedPublications,
    /// The consumers of events.
    pub repetitions: Repetitions,
    /// The requests that services handle.
    pub requests: Requests,
    /// The members of each leaderless group in which no response to a read leads to a write, unless members differ.
    readable: Vec<Vec<NodeId>>,
}

impl Analysis {
    /// Returns the state of a run that has not begun.
    pub fn new(scenario: &Scenario, names: &Names) -> Self {
        let unacknowledged_publications = UnacknowledgedPublications::new(scenario, names);
        let delayed_publications = DelayedPublications::new(scenario, names);
        let (faults, repetitions) = (Faults::new(scenario, names), Repetitions::new(scenario));
        let brokers = Brokers::new(scenario, names);
        let requests = Requests::new(scenario, names);
        let operations = Operations::new(scenario.services.len() as u32);
        Analysis {
            unacknowledged_publications,
            delayed_publications,
            faults,
            brokers,
            repetitions,
            requests,
            operations,
            readable: readable(scenario, names),
            ..Analysis::default()
        }
    }

    /// Observes the next record.
    pub fn observe(&mut self, record: &Record) {
        self.updates.observe(record);
        self.event_writes.observe(record);
        // A read is compared with the copies as they were when it was issued, so operations come first.
        self.operations.observe(record, &self.staleness, &self.messages);
        self.staleness.observe(record, &self.event_writes);
        self.buses.observe(record);
        self.tables.observe(record);
        self.messages.observe(record);
        self.requests.observe(record, &self.messages);
        self.members.observe(record);
        self.lost.observe(record, &self.staleness, &self.members);
        self.faults.observe(record);
        self.brokers.observe(record);
        self.unacknowledged_publications.observe(record, &self.messages);
        self.delayed_publications.observe(record);
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

    /// Returns whether the run is idle, and no publication that will be sent later or again can reach its bus.
    pub fn is_quiet(&self) -> bool {
        self.is_idle()
            && !self.resending_publishers().chain(self.delayed_publishers()).any(|path| self.reaches_bus(path))
    }

    fn reaches_bus(&self, (publisher, bus): (NodeId, NodeId)) -> bool {
        let is_stopped = self.faults.is_stopped(publisher) || self.faults.is_stopped(bus);
        !is_stopped && self.faults.passes(publisher, bus)
    }

    /// Iterates over the publishers that repeat a publication until the bus acknowledges it, if its update could change a copy;
    /// each with the bus.
    pub(super) fn resending_publishers(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let all = self.resending_publications();
        all.filter(|(.., update)| !self.is_ignored(*update)).map(|(publisher, bus, _)| (publisher, bus))
    }

    /// Iterates over the publishers that send a publication when its gap after the commit has elapsed, if its update could change
    /// a copy; each with the bus.
    pub(super) fn delayed_publishers(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let all = self.delayed_publications.iter().filter(|delayed| !self.is_ignored(delayed.update));
        all.map(|delayed| (delayed.publisher, delayed.bus))
    }

    /// Iterates over all publications that are published until the bus acknowledges them: the publisher, the bus and the update.
    pub(super) fn resending_publications(&self) -> impl Iterator<Item = (NodeId, NodeId, UpdateId)> {
        self.unacknowledged_publications.awaited().chain(self.tables.unpublished())
    }

    /// Iterates over the promised writes that await a decision: the coordinator, if it is known, and the member.
    fn promises(&self) -> impl Iterator<Item = (Option<NodeId>, NodeId)> {
        let coordinator = |update: UpdateId| self.updates.get(update).map(|info| info.node);
        let members = self.members.iter();
        members.flat_map(move |(node, member)| member.promised.values().map(move |update| (coordinator(*update), node)))
    }

    /// Returns whether a publisher repeats a publication that every copy ignores, until the bus acknowledges it.
    pub fn repeats_publications(&self) -> bool {
        let mut all = self.resending_publications();
        all.any(|(publisher, bus, update)| self.is_ignored(update) && self.reaches_bus((publisher, bus)))
    }

    /// Returns whether an event cannot change a copy, because every consumer ignores it.
    pub(super) fn is_ignored(&self, update: UpdateId) -> bool {
        self.repetitions.is_ignored(update, &self.updates, &self.staleness)
    }

    /// Returns whether a client's read of a key changes no copy: all are consistent, so that it finds nothing to repair.
    fn is_read_only(&self, key: KeyId) -> bool {
        self.staleness.inconsistent_copies_of(key).next().is_none()
    }

    /// Iterates over the pending operations that may change a copy: who issued each, and the service or group that it is sent to.
    pub(super) fn pending_paths(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let all = self.operations.pending_requests();
        all.filter(|(read, _)| !read.is_some_and(|key| self.is_read_only(key))).map(|(_, path)| path)
    }

    /// Returns whether an operation is pending that may change a copy.
    pub(super) fn awaits_operations(&self) -> bool {
        self.pending_paths().next().is_some()
    }

    /// Returns whether no message, event or operation is pending that may change a copy. A publisher may still send a publication
    /// again.
    pub fn is_idle(&self) -> bool {
        let is_pending = self.awaits_operations() || self.event_writes.is_waiting();
        let is_decided = |(coordinator, member): (Option<NodeId>, NodeId)| match coordinator {
            Some(node) => !self.faults.is_stopped(node) && self.faults.passes(node, member),
            None => true,
        };
        let buses =
            || self.buses.iter().all(|(_, queue)| queue.events.values().all(|event| self.is_ignored(event.update)));
        let messages = || self.messages.iter().all(|(_, message)| self.is_redundant(message));
        !is_pending && !self.promises().any(is_decided) && buses() && messages()
    }

    /// Returns whether a member of a group ignores a write, because its copy reflects it.
    pub(super) fn has_stored(&self, member: NodeId, update: UpdateId) -> bool {
        let info = self.updates.get(self.event_writes.carried_update(update));
        info.is_none_or(|info| self.staleness.copy(member, info.key).is_some_and(|copy| copy.ignores(info.version)))
    }

    /// Returns whether a message cannot change a copy: it carries no update, or one that its receiver reflects, or it belongs to a
    /// read that changes none.
    pub(super) fn is_redundant(&self, message: &MessageInFlight) -> bool {
        let read = message.operation.and_then(|operation| self.operations.key_of_read(operation));
        if message.update.is_none() && read.is_some_and(|key| self.is_read_only(key)) {
            return true;
        }
        match message.kind {
            MessageKind::Poll | MessageKind::Connection => true,
            MessageKind::Election | MessageKind::Heartbeat | MessageKind::Comparison | MessageKind::Acknowledgement => {
                message.operation.is_none()
            }
            MessageKind::Replication | MessageKind::Repair => {
                message.update.is_none_or(|update| self.has_stored(message.to, update))
            }
            // A pull request of gossip.
            MessageKind::Call => message.operation.is_none() && message.update.is_none(),
            MessageKind::Publish | MessageKind::Delivery | MessageKind::Refusal => {
                message.update.is_some_and(|update| self.is_ignored(update))
            }
            // The response of a member to the coordinator of a read names no operation.
            MessageKind::Reply => {
                let is_response = message.operation.is_none() && message.update.is_none();
                is_response && self.finds_no_difference(message.from)
            }
        }
    }

    /// Returns whether a member belongs to a group in which a read finds nothing to repair.
    fn finds_no_difference(&self, member: NodeId) -> bool {
        let is_consistent = |node: &NodeId| match self.staleness.state(*node) {
            CopyState::Consistent => true,
            CopyState::Down => self.staleness.copies_of(*node).all(|(_, copy)| copy.state() == CopyState::Consistent),
            CopyState::Conflicted | CopyState::Diverged | CopyState::Stale => false,
        };
        let group = self.readable.iter().find(|members| members.contains(&member));
        group.is_some_and(|members| members.iter().all(is_consistent))
    }
}

/// Returns the members of each leaderless group without `write_back`, in which a write begins by reading.
fn readable(scenario: &Scenario, names: &Names) -> Vec<Vec<NodeId>> {
    let is_readable = |group: &&Group| matches!(&group.protocol, Protocol::Quorum(quorum) if !quorum.write_back);
    let groups = scenario.groups.iter().filter(is_readable);
    groups.map(|group| group.members.iter().filter_map(|id| names.find_node(id)).collect()).collect()
}
