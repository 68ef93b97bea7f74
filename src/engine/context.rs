//! The context of a handler: the only way in which a node affects the simulation. It sends messages, sets timers and records
//! facts, each immediately and in order.

use super::message::{About, LinkId, Payload, Request};
use super::network::{Network, PlannedArrival};
use super::numbering::next_number;
use super::queue::{Queue, ScheduledEvent, Timer};
use super::shared_store::SharedStore;
use super::ties::Ties;
use crate::scenario::{Micros, Operation, Value};
use crate::trace::{Fact, KeyId, Names, NodeId, OperationId, OperationKind, Trace, UpdateId, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The time after which a reliable connection sends a lost message again, µs.
const RETRANSMISSION_DELAY: Micros = 1_000_000;

/// The state of the simulation outside of nodes.
#[derive(Clone, Debug)]
pub struct Context {
    /// Virtual time.
    pub now: Micros,
    /// The node whose handler runs.
    pub node: NodeId,
    /// Scheduled events.
    pub queue: Queue,
    /// Links and messages in flight.
    pub network: Network,
    /// The trace.
    pub trace: Trace,
    /// The names of nodes, keys and subscriptions.
    pub names: Arc<Names>,
    /// Stores that several services use.
    pub stores: Vec<SharedStore>,
    /// The times from which nodes have been stopped or paused.
    pub stopped_since: BTreeMap<NodeId, Micros>,
    /// The times from which links have been cut, by sender and receiver.
    pub cut_since: BTreeMap<(NodeId, NodeId), Micros>,
    updates: u32,
    operations: u32,
    /// Lost messages that their connections will send again, by number: the link and the content.
    resends: BTreeMap<u32, (LinkId, Payload)>,
    next_resend: u32,
    /// Writes of groups with the same reading of different coordinators' wall clocks.
    ties: Ties,
    /// The keys of groups whose placement was recorded.
    placed: BTreeSet<(NodeId, KeyId)>,
    /// The clients that follow another client: the followed client, the follower, and the delay.
    pub followers: Arc<Vec<(NodeId, NodeId, Micros)>>,
}

impl Context {
    /// Returns the context at time 0.
    pub fn new(network: Network, names: Names, trace: Trace) -> Self {
        Context {
            now: 0,
            node: NodeId(0),
            queue: Queue::default(),
            network,
            trace,
            names: Arc::new(names),
            stores: Vec::new(),
            stopped_since: BTreeMap::new(),
            cut_since: BTreeMap::new(),
            updates: 0,
            operations: 0,
            resends: BTreeMap::new(),
            next_resend: 0,
            ties: Ties::default(),
            placed: BTreeSet::new(),
            followers: Arc::default(),
        }
    }

    /// Returns the time from which no message has passed between the handler's node and another one, as a failure detector
    /// would report it: the other node is stopped or paused, or a direction of their link is cut. `None` if messages pass. No
    /// messages of a failure detector are simulated.
    pub fn unreachable_since(&self, other: NodeId) -> Option<Micros> {
        debug_assert!(self.node != other, "a node reaches itself");
        let cuts = [(self.node, other), (other, self.node)].map(|link| self.cut_since.get(&link));
        let since = cuts.into_iter().flatten().chain(self.stopped_since.get(&other)).min().copied();
        debug_assert!(since.is_none_or(|since| since <= self.now), "no fault begins later than now");
        since
    }

    /// Releases the row of a shared store that a job of the handler's node locked. The next job that waits for it begins.
    pub fn unlock_row(&mut self, store: usize, key: KeyId, job: u32) {
        debug_assert!(store < self.stores.len(), "the store exists");
        let next = self.stores[store].unlock(key, self.node, job);
        if let Some((node, job, duration)) = next {
            self.queue.push(self.now + duration, ScheduledEvent::Timer(node, Timer::JobDone(job)));
        }
        debug_assert!(!self.stores[store].is_locked_by(key, self.node, job), "the job has released the row");
    }

    /// Releases all rows that the handler's node locked, and removes its jobs that wait for rows. Called in a crash.
    pub fn unlock_all(&mut self, store: usize) {
        debug_assert!(store < self.stores.len(), "the store exists");
        for (key, job) in self.stores[store].forget_waiting(self.node) {
            debug_assert!(self.stores[store].is_locked_by(key, self.node, job), "only locks of the node are released");
            self.unlock_row(store, key, job);
        }
    }

    /// Panics, in debug builds, unless a handler of `node` runs at `now`.
    #[inline]
    pub fn assert_handler(&self, node: NodeId, now: Micros) {
        debug_assert!(self.node == node, "a handler runs as its own node");
        debug_assert!(self.now == now, "a handler runs at the time of the context");
    }

    /// Sends a message over a link.
    #[inline]
    pub fn send(&mut self, link: LinkId, payload: Payload, about: About) {
        debug_assert!(self.network.link(link).from == self.node, "a node sends over its own links");
        let kind = payload.kind();
        let PlannedArrival { id, slot, due } = self.network.send(self.now, link, payload);
        if self.trace.is_on() {
            let (from, to) = (self.network.link(link).from, self.network.link(link).to);
            let About { update, operation, attempt } = about;
            let fact = Fact::MessageSent { message: id, from, to, kind, update, operation, attempt, due };
            self.trace.push(self.now, fact);
        }
        debug_assert!(due >= self.now, "a message arrives after it was sent");
        self.queue.push(due, ScheduledEvent::Arrival(slot));
        if let Some(copy) = self.network.duplicate(self.now, slot) {
            debug_assert!(copy.due >= self.now && copy.id != id, "a copy is another message");
            let fact = Fact::MessageDuplicated { message: id, copy: copy.id, due: copy.due };
            self.trace.push(self.now, fact);
            self.queue.push(copy.due, ScheduledEvent::Arrival(copy.slot));
        }
    }

    /// Schedules a lost message to be sent again after `RETRANSMISSION_DELAY`, as a reliable connection does.
    pub fn resend_later(&mut self, link: LinkId, payload: Payload) {
        debug_assert!(payload.is_reliable(), "only a reliable connection sends again");
        let number = self.next_resend;
        debug_assert!(!self.resends.contains_key(&number), "numbers of resends are not reused");
        self.next_resend += 1;
        self.resends.insert(number, (link, payload));
        self.node = self.network.link(link).from;
        self.wake(self.now + RETRANSMISSION_DELAY, Timer::Resend(number));
    }

    /// Returns a message to be sent again, if its sender has not crashed since.
    pub fn take_resend(&mut self, number: u32) -> Option<(LinkId, Payload)> {
        self.resends.remove(&number)
    }

    /// Discards the messages that the handler's node would send again, because its connections are closed.
    pub fn forget_resends(&mut self) {
        debug_assert!(self.node.index() < self.names.node_count(), "the handler's node exists");
        let newest = self.resends.last_key_value().map(|(number, _)| *number);
        debug_assert!(newest.is_none_or(|number| number < self.next_resend), "numbers of resends are not reused");
        let (network, node) = (&self.network, self.node);
        self.resends.retain(|_, (link, _)| network.link(*link).from != node);
    }

    /// Sends a message to a member of a group that is too large for a link between each pair.
    pub fn send_to_member(&mut self, from: NodeId, to: NodeId, payload: Payload, about: About) {
        debug_assert!(from == self.node, "a member sends its own messages");
        debug_assert!(from != to, "a member sends to others");
        let link = self.network.link_between(self.now, from, to, (self.names.node(from), self.names.node(to)));
        self.send(link, payload, about);
    }

    /// Sets a timer of the handler's node.
    #[inline]
    pub fn wake(&mut self, at: Micros, timer: Timer) {
        debug_assert!(self.node.index() < self.names.node_count(), "the handler's node exists");
        debug_assert!(at >= self.now, "no event is scheduled into the past");
        self.queue.push(at, ScheduledEvent::Timer(self.node, timer));
        debug_assert!(
            self.queue.next_at().is_some_and(|next| (self.now..=at).contains(&next)),
            "the timer is scheduled"
        );
    }

    /// Records a fact.
    #[inline]
    pub fn record(&mut self, fact: Fact) {
        self.trace.push(self.now, fact);
    }

    /// Returns the id of the next update.
    pub fn next_update(&mut self) -> UpdateId {
        UpdateId(next_number(&mut self.updates))
    }

    /// Returns the id of the next operation.
    pub fn next_operation(&mut self) -> OperationId {
        OperationId(next_number(&mut self.operations))
    }
}

impl Context {
    /// Returns the id of a key, in a group or outside of groups. The first use of a key assigns its id.
    pub fn key(&mut self, group: Option<NodeId>, key: &str) -> KeyId {
        match self.names.find_key(group, key) {
            Some(id) => id,
            // This copies the names only if a snapshot of the run shares them.
            None => Arc::make_mut(&mut self.names).key_id(group, key),
        }
    }

    /// Marks the placement of a group's key as recorded. Returns whether it was not marked before.
    pub fn place_key(&mut self, group: NodeId, key: KeyId) -> bool {
        self.placed.insert((group, key))
    }

    /// Returns the version of a register's write that a wall clock orders. Among writes with the same reading of the clock, a
    /// deletion is the newest, then the write of the largest value. `after` is an older version.
    pub fn break_tie(&mut self, key: KeyId, version: Version, value: Option<&Value>, after: Version) -> Version {
        debug_assert!(version > after, "a write is ordered after the version it depends on");
        let ordered = self.ties.order_version(key, version, value);
        debug_assert!(ordered.time == version.time, "a tie is broken within one reading of the clock");
        if ordered > after { ordered } else { version }
    }

    /// Wakes the clients that follow the acknowledged writes of the handler's node.
    pub fn wake_followers(&mut self) {
        let followers = self.followers.clone();
        for (_, follower, after) in followers.iter().filter(|(of, ..)| *of == self.node) {
            debug_assert!(*follower != self.node, "a client does not follow itself");
            debug_assert!(follower.index() < self.names.node_count(), "the follower exists");
            self.queue.push(self.now + after, ScheduledEvent::Timer(*follower, Timer::GeneratedOperation(0)));
        }
    }

    /// Records the start of an operation, and returns its request.
    pub fn issue(&mut self, by: NodeId, session: u32, to: NodeId, operation: &Operation) -> Request {
        debug_assert!(by != to || session == 0, "the page's user has one session");
        let key = self.key(self.names.scope(to), operation.key());
        debug_assert!(self.names.key(key) == operation.key(), "the id is that of the operation's key");
        let id = self.next_operation();
        let (kind, value, expected) = fact_fields(operation);
        self.record(Fact::OperationIssued { operation: id, by, session, to, kind, key, value, expected });
        Request::new(id, key, operation.clone())
    }
}

/// Returns the fields of an operation's fact: its kind, its argument, and the value that it expects or the index at which it
/// inserts.
fn fact_fields(operation: &Operation) -> (OperationKind, Option<Value>, Option<Value>) {
    match operation {
        Operation::Read { .. } => (OperationKind::Read, None, None),
        Operation::Write { value, .. } => (OperationKind::Write, Some(value.clone()), None),
        Operation::Add { element, .. } => (OperationKind::Add, Some(element.clone()), None),
        Operation::Remove { element, .. } => (OperationKind::Remove, Some(element.clone()), None),
        Operation::Put { field, value, .. } => {
            (OperationKind::Put, Some(Value::with_field(field.as_str().into(), value.clone())), None)
        }
        Operation::Insert { at, element, .. } => {
            (OperationKind::Insert, Some(element.clone()), at.map(|at| Value::Int(at.into())))
        }
        Operation::RemoveAt { at, .. } => (OperationKind::RemoveAt, Some(Value::Int((*at).into())), None),
        Operation::Increment { by, .. } => (OperationKind::Increment, Some(Value::Int(*by)), None),
        Operation::Delete { .. } => (OperationKind::Delete, None, None),
        Operation::CompareAndSet { expect, value, .. } => {
            (OperationKind::CompareAndSet, Some(value.clone()), expect.clone())
        }
    }
}
