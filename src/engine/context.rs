//! The context of a handler: the only way in which a node acts on the world. It sends messages, sets timers and records facts,
//! each at once and in order.

use super::message::{About, Ask, LinkId, Payload, Request, SessionToken};
use super::network::{Network, PlannedArrival};
use super::queue::{Priority, Queue, ScheduledEvent, Timer};
use crate::scenario::{Micros, Operation, Value};
use crate::trace::{Fact, KeyId, Names, NodeId, OperationId, OperationKind, Trace, UpdateId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The state of the world outside of nodes.
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
    updates: u32,
    operations: u32,
    /// Keys of groups whose replicas were recorded.
    placed: BTreeSet<(NodeId, KeyId)>,
    /// For clients that follow another client: the followed client, the follower, and the delay.
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
            updates: 0,
            operations: 0,
            placed: BTreeSet::new(),
            followers: Arc::default(),
        }
    }

    /// Sends a message over a link.
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

    /// Sends a message to a member of a group that is too large for a link between each pair.
    pub fn send_to_member(&mut self, from: NodeId, to: NodeId, payload: Payload, about: About) {
        let link = self.network.link_between(self.now, from, to, (self.names.node(from), self.names.node(to)));
        self.send(link, payload, about);
    }

    /// Sets a timer of the handler's node.
    #[inline]
    pub fn wake(&mut self, at: Micros, timer: Timer) {
        debug_assert!(at >= self.now, "no event is scheduled into the past");
        self.queue.push(at, Priority::Timer, ScheduledEvent::Timer(self.node, timer));
    }

    /// Records a fact.
    #[inline]
    pub fn record(&mut self, fact: Fact) {
        self.trace.push(self.now, fact);
    }

    /// Returns the id of the next update.
    pub fn next_update(&mut self) -> UpdateId {
        self.updates += 1;
        UpdateId(self.updates - 1)
    }

    /// Returns the id of the next operation.
    pub fn next_operation(&mut self) -> OperationId {
        self.operations += 1;
        OperationId(self.operations - 1)
    }
}

impl Context {
    /// Returns the id of a key, in a group or outside of groups; a new one at the key's first use.
    pub fn key(&mut self, group: Option<NodeId>, key: &str) -> KeyId {
        match self.names.find_key(group, key) {
            Some(id) => id,
            // This copies the names only if a snapshot of the run shares them.
            None => Arc::make_mut(&mut self.names).key_id(group, key),
        }
    }

    /// Returns whether this is the first call for a key of a group.
    pub fn is_first(&mut self, group: NodeId, key: KeyId) -> bool {
        self.placed.insert((group, key))
    }

    /// Wakes the clients that follow the acknowledged writes of the handler's node.
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
