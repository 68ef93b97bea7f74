//! What a node's handler wants done: the one driver performs it, in order.

use super::message::{About, Ask, LinkId, Payload, Request};
use super::queue::Timer;
use crate::scenario::{Micros, Operation, Value};
use crate::trace::{Fact, KeyId, Names, NodeId, OperationId, OperationKind, UpdateId};
use std::sync::Arc;

/// One thing that a handler wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Send a message.
    Send(LinkId, Payload, About),
    /// Wake the node.
    Wake(Micros, Timer),
    /// Record what happened.
    Record(Fact),
}

/// Where handlers put what they want done, and where new ids come from.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
    /// Nodes and keys of the run.
    pub names: Arc<Names>,
    recording: bool,
    updates: u32,
    operations: u32,
}

impl Outbox {
    /// An empty outbox; facts are dropped at once where nothing is recorded.
    pub fn new(names: Names, recording: bool) -> Self {
        Outbox { effects: Vec::new(), names: Arc::new(names), recording, updates: 0, operations: 0 }
    }

    /// Send a message over a link.
    #[inline]
    pub fn send(&mut self, link: LinkId, payload: Payload, about: About) {
        self.effects.push(Effect::Send(link, payload, about));
    }

    /// Wake the handler's node at an instant.
    #[inline]
    pub fn wake(&mut self, at: Micros, timer: Timer) {
        self.effects.push(Effect::Wake(at, timer));
    }

    /// Record what happened.
    #[inline]
    pub fn record(&mut self, fact: Fact) {
        if self.recording {
            self.effects.push(Effect::Record(fact));
        }
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

impl Outbox {
    /// The id of a key, given out at its first mention in the run.
    pub fn key(&mut self, key: &str) -> KeyId {
        match self.names.find_key(key) {
            Some(id) => id,
            // Copies the names only while a snapshot of the run shares them.
            None => Arc::make_mut(&mut self.names).key_id(key),
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
            Operation::Increment { by, .. } => (OperationKind::Increment, Some(Value::Int(*by)), Ask::Increment(*by)),
            Operation::CompareAndSet { expect, value, .. } => (
                OperationKind::CompareAndSet,
                Some(value.clone()),
                Ask::CompareAndSet { expect: expect.clone(), value: value.clone() },
            ),
        };
        let key = self.key(operation.key());
        let id = self.next_operation();
        self.record(Fact::OperationIssued { operation: id, by, session, to, kind, key, value });
        Request { operation: id, key, ask }
    }
}
