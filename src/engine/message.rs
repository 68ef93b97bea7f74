//! What travels: messages with a payload of their own, made when they are sent and never changed.

use super::replica::messages::ReplicaMessage;
use crate::scenario::{Acks, Effect, Micros, Value};
use crate::trace::{
    KeyId, MessageKind, NodeId, OperationId, Outcome, SubscriptionId, UpdateId, Version, VersionVector,
};
use std::sync::Arc;

/// Index of a directed link in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkId(pub u32);

/// An update as it travels: what the writer committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The update.
    pub id: UpdateId,
    /// The key.
    pub key: KeyId,
    /// Its value.
    pub value: Value,
    /// Its version.
    pub version: Version,
    /// Reading of the writer's own clock, µs.
    pub clock: i64,
    /// What it added, where the key held a number before and after; an absent key counts as 0.
    pub delta: Option<i64>,
    /// No handler can handle its event.
    pub poison: bool,
}

/// What an operation asks, its key resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Return the value.
    Read,
    /// Set it.
    Write(Value),
    /// Add an element to the set.
    Add(Value),
    /// Remove an element from the set, or the field of that name from the map.
    Remove(Value),
    /// Put a value into a field of the map.
    Put(Arc<str>, Value),
    /// Insert an element into the list, behind so many; at the end where that is not said.
    Insert(Option<u32>, Value),
    /// Take the element behind so many out of the list.
    RemoveAt(u32),
    /// Add to the number.
    Increment(i64),
    /// Delete the key.
    Delete,
    /// Set it if it is as expected.
    CompareAndSet {
        /// What must be there; none for an absent key.
        expect: Option<Value>,
        /// The new value.
        value: Value,
    },
}

/// What an operation asks, of which key.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The operation.
    pub operation: OperationId,
    /// The key.
    pub key: KeyId,
    /// What is asked.
    pub ask: Ask,
    /// The update's event is a poison message.
    pub poison: bool,
    /// What the session has seen of the key; of a group alone.
    pub seen: SessionToken,
    /// The event that is to be written; none for what a client or a person asks.
    pub event: Option<EventWrite>,
}

/// An event that a member of a group handles by asking its group for a write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventWrite {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The update that it is about.
    pub update: UpdateId,
    /// Version of what the update says, given where it was made.
    pub version: Version,
    /// Reading of its writer's clock, µs.
    pub clock: i64,
    /// Which delivery.
    pub attempt: u32,
    /// What the write does.
    pub effect: Effect,
    /// Whether its row is written with it, and for how long that is kept; for ever where none.
    pub inbox: Option<Option<Micros>>,
}

/// What a session has seen of a key of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionToken {
    /// A write must be ordered behind this.
    pub version: Version,
    /// A write replaces the siblings that this covers; none where the coordinator's own state is meant.
    pub context: Option<VersionVector>,
}

/// What a read of a group returned.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadResult {
    /// The value; siblings as a set.
    pub value: Option<Value>,
    /// The version of a register, by which its group orders it.
    pub version: Version,
    /// The same as it was given where the update was made, which may be outside of the group.
    pub origin: Version,
    /// The version vector of all other data.
    pub context: Option<VersionVector>,
}

/// An event on its way to a bus.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Index of the topic in the bus.
    pub topic: u32,
    /// The publisher's number for this event, if it awaits the bus's acknowledgement.
    pub awaited: Option<u32>,
    /// What the bus must have done before it acknowledges.
    pub acks: Acks,
    /// What was committed.
    pub update: Arc<Update>,
}

/// An event on its way to a consumer.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Index of the subscription in the consumer.
    pub subscription: u32,
    /// Number of the event in the bus.
    pub event: u32,
    /// Number of this delivery in the bus.
    pub delivery: u32,
    /// Which delivery of the event it is, from 1.
    pub attempt: u32,
    /// The partition of the event's topic.
    pub partition: u32,
    /// For a log: the event delivered before it; none for the first after a commit or a rewind.
    pub follows: Option<u32>,
    /// Of a reader with a session: which of its lives it is for, and how often the partition was given out or read again
    /// before; else 0.
    pub life: u32,
    /// As said there.
    pub generation: u32,
    /// What was committed.
    pub update: Arc<Update>,
}

/// What a reader of a log tells the bus every so often, while it is in its group.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Index of the subscription in the consumer.
    pub subscription: u32,
    /// Which life of the reader: it begins a new one when it restarts, and when it joins after it left.
    pub life: u32,
    /// It leaves its group.
    pub leaves: bool,
    /// What it has of each partition.
    pub has: Vec<Position>,
}

/// How far a reader is in a partition.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// The partition.
    pub partition: u32,
    /// As its deliveries say.
    pub generation: u32,
    /// The event up to which it has all.
    pub last: Option<u32>,
    /// The event that it committed last.
    pub committed: Option<u32>,
}

/// What services tell each other of a transaction that they commit together, which has the number of the update that its
/// coordinator commits.
#[derive(Clone, Debug)]
pub enum TransactionMessage {
    /// Can you commit your part?
    Prepare {
        /// The transaction.
        transaction: UpdateId,
        /// The part.
        part: TransactionPart,
        /// After how long without a decision the coordinator is asked.
        timeout: Micros,
    },
    /// Yes, and the key is locked; or no.
    Vote {
        /// The transaction.
        transaction: UpdateId,
        /// Yes.
        granted: bool,
    },
    /// It is decided.
    Decide {
        /// The transaction.
        transaction: UpdateId,
        /// All commit; else none does.
        commit: bool,
    },
    /// It is committed here.
    Done {
        /// The transaction.
        transaction: UpdateId,
    },
    /// What was decided?
    Inquire {
        /// The transaction.
        transaction: UpdateId,
    },
}

/// What a participant of a transaction is to commit.
#[derive(Clone, Debug)]
pub enum TransactionPart {
    /// What the coordinator commits.
    Same(Arc<Update>),
    /// A write of its own.
    Own(Arc<Request>),
}

impl TransactionMessage {
    /// The transaction.
    pub fn transaction(&self) -> UpdateId {
        match self {
            TransactionMessage::Prepare { transaction, .. }
            | TransactionMessage::Vote { transaction, .. }
            | TransactionMessage::Decide { transaction, .. }
            | TransactionMessage::Done { transaction }
            | TransactionMessage::Inquire { transaction } => *transaction,
        }
    }

    /// What the message is for; as within a group.
    fn kind(&self) -> MessageKind {
        match self {
            TransactionMessage::Prepare { .. } | TransactionMessage::Decide { .. } => MessageKind::Replication,
            TransactionMessage::Vote { .. } | TransactionMessage::Done { .. } => MessageKind::Acknowledgement,
            TransactionMessage::Inquire { .. } => MessageKind::Call,
        }
    }
}

/// The content of a message: two words at most, since every message moves through the hot loop.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A client asks a service.
    Operate(Arc<Request>),
    /// The service's answer to a client: how it ended, and the update if there is one.
    Operated(OperationId, Outcome, Option<UpdateId>),
    /// The service's answer to a client's read: it ended as ok, with what the key holds.
    Returned(OperationId, Box<ReadResult>),
    /// A group's answer to a client's write: it ended as ok, with the version that it has.
    Written(OperationId, Box<(UpdateId, Version)>),
    /// A member's answer to a client: ask that one, if it knows who takes such operations.
    Redirected(OperationId, Option<NodeId>),
    /// Between the members of a group, and from clients that coordinate themselves.
    Replica(Arc<ReplicaMessage>),
    /// A service calls another before it commits; the caller's job waits.
    Apply(u32, Arc<Update>),
    /// The callee's answer to that job: taken in, or refused and certainly without effect.
    Applied(u32, bool),
    /// Services that commit together.
    TransactionMessage(Arc<TransactionMessage>),
    /// An event on its way to the bus.
    Publish(Arc<Publication>),
    /// The bus has it: the publisher's number.
    Published(u32),
    /// An event on its way to a consumer.
    Deliver(Arc<Delivery>),
    /// The consumer has it: number of the event, and the generation in which it got it.
    Acknowledge(u32, u32),
    /// The reader of a log is there, or leaves.
    Heartbeat(Arc<Heartbeat>),
    /// The consumer could not handle that delivery.
    Refuse(u32),
}

impl Payload {
    /// What the message is for.
    pub fn kind(&self) -> MessageKind {
        match self {
            Payload::Operate(_) | Payload::Apply(..) => MessageKind::Call,
            Payload::Operated(..)
            | Payload::Returned(..)
            | Payload::Written(..)
            | Payload::Redirected(..)
            | Payload::Applied(..) => MessageKind::Reply,
            Payload::Replica(message) => message.body.kind(),
            Payload::TransactionMessage(said) => said.kind(),
            Payload::Publish(_) => MessageKind::Publish,
            Payload::Deliver(_) => MessageKind::Delivery,
            Payload::Published(_) | Payload::Acknowledge(..) => MessageKind::Acknowledgement,
            Payload::Refuse(_) => MessageKind::Refusal,
            Payload::Heartbeat(_) => MessageKind::Heartbeat,
        }
    }
}

/// What a message is about, for the trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    /// The update that it carries or answers for.
    pub update: Option<UpdateId>,
    /// The operation that it belongs to.
    pub operation: Option<OperationId>,
    /// Which delivery of an event; 0 where that means nothing.
    pub attempt: u32,
}
