//! What a node's handler may do: send, wake itself, record. The outbox performs each at once, in order; a
//! handler sees nothing else of the world.

use super::message::{About, Ask, LinkId, Payload, Request, SessionToken};
use super::network::{Network, PlannedArrival};
use super::queue::{Priority, Queue, ScheduledEvent, Timer};
use crate::scenario::{Micros, Operation, Value};
use crate::trace::{Fact, KeyId, Names, NodeId, OperationId, OperationKind, Trace, UpdateId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where handlers put what they want done, and where new ids come from.
#[derive(Clone, Debug)]
pub struct Context {
    /// Virtual time.
    pub now: Micros,
    /// The node whose handler runs.
    pub node: NodeId,
    /// What will happen.
    pub queue: Queue,
    /// Links and the messages on them.
    pub network: Network,
    /// What happened.
    pub trace: Trace,
    /// Nodes and keys of the run.
    pub names: Arc<Names>,
    updates: u32,
    operations: u32,
    /// Keys of groups that have their replicas, by group.
    placed: BTreeSet<(NodeId, KeyId)>,
    /// Whose acknowledged writes are followed, by whom, and how long after.
    pub followers: Arc<Vec<(NodeId, NodeId, Micros)>>,
}

impl Context {
    /// An outbox at time 0.
    pub fn new(network: Network, names: Names, trace: Trace) -> Self {
        Context {
            now: 0,
            node: NodeId(0),
            queue: Queue::default(),
            network,
            trace,
            names: Arc::new(names),
            updates: 0,
            operations: 0,
            placed: BTreeSet::new(),
            followers: Arc::default(),
        }
    }

    /// Send a message over a link.
    #[inline]
    pub fn send(&mut self, link: LinkId, payload: Payload, about: About) {
        let kind = payload.kind();
        let PlannedArrival { id, slot, due } = self.network.send(self.now, link, payload);
        if self.trace.is_on() {
            let (from, to) = (self.network.link(link).from, self.network.link(link).to);
            let About { update, operation, attempt } = about;
            let fact = Fact::MessageSent { message: id, from, to, kind, update, operation, attempt, due };
            self.trace.push(self.now, fact);
        }
        self.queue.push(due, Priority::Arrival, ScheduledEvent::Arrival(slot));
        if let Some(copy) = self.network.duplicate(self.now, slot) {
            let fact = Fact::MessageDuplicated { message: id, copy: copy.id, due: copy.due };
            self.trace.push(self.now, fact);
            self.queue.push(copy.due, Priority::Arrival, ScheduledEvent::Arrival(copy.slot));
        }
    }

    /// Send a message to a member of a group that is too large for a link for each pair.
    pub fn send_to_member(&mut self, from: NodeId, to: NodeId, payload: Payload, about: About) {
        let link = self.network.link_between(self.now, from, to, (self.names.node(from), self.names.node(to)));
        self.send(link, payload, about);
    }

    /// Wake the handler's node at an instant.
    #[inline]
    pub fn wake(&mut self, at: Micros, timer: Timer) {
        debug_assert!(at >= self.now, "nothing may be scheduled into the past");
        self.queue.push(at, Priority::Timer, ScheduledEvent::Timer(self.node, timer));
    }

    /// Record what happened.
    #[inline]
    pub fn record(&mut self, fact: Fact) {
        self.trace.push(self.now, fact);
    }

    /// The id of the next update.
    pub fn next_update(&mut self) -> UpdateId {
        self.updates += 1;
        UpdateId(self.updates - 1)
    }

    /// The id of the next operation.
    pub fn next_operation(&mut self) -> OperationId {
        self.operations += 1;
        OperationId(self.operations - 1)
    }
}

impl Context {
    /// The id of a key of a group, or outside of all, given out at its first mention in the run.
    pub fn key(&mut self, group: Option<NodeId>, key: &str) -> KeyId {
        match self.names.find_key(group, key) {
            Some(id) => id,
            // Copies the names only while a snapshot of the run shares them.
            None => Arc::make_mut(&mut self.names).key_id(group, key),
        }
    }

    /// Whether a key of a group is asked for here for the first time.
    pub fn is_first(&mut self, group: NodeId, key: KeyId) -> bool {
        self.placed.insert((group, key))
    }

    /// Wakes those who follow the acknowledged writes of the handler's node.
    pub fn wake_followers(&mut self) {
        let followers = self.followers.clone();
        for (_, follower, after) in followers.iter().filter(|(of, ..)| *of == self.node) {
            self.queue.push(
                self.now + after,
                Priority::Timer,
                ScheduledEvent::Timer(*follower, Timer::GeneratedOperation(0)),
            );
        }
    }

    /// Records the start of an operation and makes the request that carries it.
    pub fn issue(&mut self, by: NodeId, session: u32, to: NodeId, operation: &Operation) -> Request {
        let (kind, value, ask) = match operation {
            Operation::Read { .. } => (OperationKind::Read, None, Ask::Read),
            Operation::Write { value, .. } => (OperationKind::Write, Some(value.clone()), Ask::Write(value.clone())),
            Operation::Add { element, .. } => (OperationKind::Add, Some(element.clone()), Ask::Add(element.clone())),
            Operation::Remove { element, .. } => {
                (OperationKind::Remove, Some(element.clone()), Ask::Remove(element.clone()))
            }
            Operation::Put { field, value, .. } => {
                let said = [(Arc::from(field.as_str()), value.clone())].into_iter().collect();
                let ask = Ask::Put(field.as_str().into(), value.clone());
                (OperationKind::Put, Some(Value::Map(Arc::new(said))), ask)
            }
            Operation::Insert { at, element, .. } => {
                (OperationKind::Insert, Some(element.clone()), Ask::Insert(*at, element.clone()))
            }
            Operation::RemoveAt { at, .. } => {
                (OperationKind::RemoveAt, Some(Value::Int((*at).into())), Ask::RemoveAt(*at))
            }
            Operation::Delete { .. } => (OperationKind::Delete, None, Ask::Delete),
            Operation::Increment { by, .. } => (OperationKind::Increment, Some(Value::Int(*by)), Ask::Increment(*by)),
            Operation::CompareAndSet { expect, value, .. } => (
                OperationKind::CompareAndSet,
                Some(value.clone()),
                Ask::CompareAndSet { expect: expect.clone(), value: value.clone() },
            ),
        };
        let expected = match operation {
            Operation::CompareAndSet { expect, .. } => expect.clone(),
            Operation::Insert { at, .. } => at.map(|at| Value::Int(at.into())),
            Operation::Read { .. }
            | Operation::Write { .. }
            | Operation::Add { .. }
            | Operation::Remove { .. }
            | Operation::Put { .. }
            | Operation::RemoveAt { .. }
            | Operation::Increment { .. }
            | Operation::Delete { .. } => None,
        };
        let key = self.key(self.names.scope(to), operation.key());
        let id = self.next_operation();
        self.record(Fact::OperationIssued { operation: id, by, session, to, kind, key, value, expected });
        Request { operation: id, key, ask, poison: false, token: SessionToken::default(), event: None }
    }
}
