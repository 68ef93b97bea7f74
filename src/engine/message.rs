//! The contents of messages. A payload is created when its message is sent, and never changed.

use super::replica::messages::ReplicaMessage;
use crate::scenario::{Acks, Effect, Micros, Operation, Value};
use crate::trace::{
    KeyId, MessageKind, NodeId, OperationId, Outcome, SubscriptionId, UpdateId, Version, VersionVector,
};
use std::sync::Arc;

/// The index of a directed link in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkId(pub u32);

/// An update, as its writer committed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The update.
    pub id: UpdateId,
    /// The key.
    pub key: KeyId,
    /// The value.
    pub value: Value,
    /// The version.
    pub version: Version,
    /// The reading of the writer's clock, µs.
    pub clock: i64,
    /// The difference to the previous value if both are numbers; an absent key counts as 0.
    pub delta: Option<i64>,
    /// Whether its event is a poison message, which no handler can handle.
    pub poison: bool,
}

/// An operation on a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The operation.
    pub operation: OperationId,
    /// The key.
    pub key: KeyId,
    /// The action on the key.
    pub action: Operation,
    /// Whether the event of its update is a poison message.
    pub poison: bool,
    /// Whether only a member that accepts writes may serve the read. Another one redirects it.
    pub reads_at_primary: bool,
    /// The versions of the key that the session of a group's client has observed.
    pub token: SessionToken,
    /// The event to be written; `None` for operations of clients and of the page's user.
    pub event: Option<EventWrite>,
}

impl Request {
    /// Returns a request that no session and no event restricts.
    pub fn new(operation: OperationId, key: KeyId, action: Operation) -> Request {
        let (poison, reads_at_primary) = (false, false);
        Request { operation, key, action, poison, reads_at_primary, token: SessionToken::default(), event: None }
    }
}

/// An event that a member of a group handles by a write of the group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventWrite {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The update.
    pub update: UpdateId,
    /// The version that the update had where it was made.
    pub version: Version,
    /// The reading of its writer's clock, µs.
    pub clock: i64,
    /// The number of the delivery, from 1.
    pub attempt: u32,
    /// The effect of the write.
    pub effect: Effect,
    /// The window of the inbox whose row is written with it; `Some(None)` without a limit, `None` without an inbox.
    pub inbox: Option<Option<Micros>>,
}

/// The versions of a key of a group that a session has observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionToken {
    /// A write must be ordered after this version.
    pub version: Version,
    /// A write replaces the siblings that this version vector covers; those of the coordinator if none.
    pub context: Option<VersionVector>,
}

/// The result of a read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadResult {
    /// The value; siblings as a set.
    pub value: Option<Value>,
    /// The version by which a group orders its register.
    pub version: Version,
    /// The version that the update had where it was made, which may be outside of the group.
    pub origin: Version,
    /// The version vector of data without a total order.
    pub context: Option<VersionVector>,
}

/// An event sent to a bus.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The index of the topic in the bus.
    pub topic: u32,
    /// The publisher's number of this publication, if it awaits the acknowledgement of the bus.
    pub awaited: Option<u32>,
    /// The condition for the acknowledgement of the bus.
    pub acks: Acks,
    /// Its position in the stream of a log's relay.
    pub position: Option<StreamPosition>,
    /// The committed update.
    pub update: Arc<Update>,
}

/// A position in the stream of a log's relay, of which the bus accepts no entry before its predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    /// The publisher.
    pub publisher: NodeId,
    /// The number of the stream: a relay starts a new one when it publishes entries again.
    pub stream: u32,
    /// The number of the entry in the stream, from 0.
    pub number: u32,
}

/// An event sent to a consumer.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The index of the subscription in the consumer.
    pub subscription: u32,
    /// The bus's number of the event.
    pub event: u32,
    /// The bus's number of this delivery.
    pub delivery: u32,
    /// The number of the delivery of this event, from 1.
    pub attempt: u32,
    /// The number of deliveries in the response to a receive; 1 for a connection.
    pub batch: u32,
    /// Whether the delivery belongs to a connection that sends a message again that a link loses.
    pub reliable: bool,
    /// The partition of the event's topic.
    pub partition: u32,
    /// The place in the partition of a log.
    pub place: LogPlace,
    /// The incarnation of a reader with a session; the number of the receive for a consumer that polls; else 0.
    pub incarnation: u32,
    /// The number of times that the partition was assigned to a reader with a session, or redelivered, before; else 0.
    pub generation: u32,
    /// The committed update.
    pub update: Arc<Update>,
}

/// The place of a delivery in a partition of a log. Each delivery has a separate position, from 1, also when an event is
/// delivered again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// The position of the delivery.
    pub position: u32,
    /// The position of the event before it that the log still contains; the reader handles that one first. 0 if there is none.
    pub after: u32,
    /// The position of the first event that the log still contains after the last commit. The log will never deliver an earlier
    /// one, so a reader does not wait for it (as Kafka's consumer whose position is out of range).
    pub first: u32,
    /// The number of the event in its partition. It is the same in each delivery, and increases in the order of the log.
    pub offset: u32,
    /// Whether the log delivers again from the last commit: the reader discards what it has received and not begun to handle.
    pub restarts: bool,
}

/// A report of a consumer about its connection to a bus, or about its membership of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is alive.
    Alive,
    /// It opens a connection.
    Opens,
    /// A reader with a session leaves its group.
    Leaves,
    /// A reader with a session is alive, and joined its group again when the coordinator asked it to.
    Rejoins,
    /// Its process ended, so that its connection is closed.
    Closes,
}

/// The periodic message of a consumer to its bus.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The index of the subscription in the consumer.
    pub subscription: u32,
    /// The incarnation of the reader, or the number of the connection. A reader begins a new incarnation when it restarts and
    /// when it joins its group again; a consumer counts its connections.
    pub incarnation: u32,
    /// The report.
    pub presence: Presence,
    /// Whether the consumer's connection sends it again if a link loses it.
    pub reliable: bool,
    /// Its position in each partition, also in those that it gave back when it joined its group again.
    pub positions: Vec<Position>,
}

/// The position of a reader in a partition.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// The partition.
    pub partition: u32,
    /// The generation of its deliveries.
    pub generation: u32,
    /// The position of the last delivery in order that it received; 0 before the first.
    pub last: u32,
    /// The last event that it committed.
    pub committed: Option<u32>,
}

/// A message of two-phase commit between services. A transaction has the id of the update that its coordinator commits.
#[derive(Clone, Debug)]
pub enum TransactionMessage {
    /// Asks a participant for its vote.
    Prepare {
        /// The transaction.
        transaction: UpdateId,
        /// The participant's part.
        part: TransactionPart,
        /// How long the participant waits before it asks for the decision.
        timeout: Micros,
    },
    /// A participant's vote. With a yes it has locked its key.
    Vote {
        /// The transaction.
        transaction: UpdateId,
        /// Whether the vote is yes.
        granted: bool,
    },
    /// The coordinator's decision.
    Decide {
        /// The transaction.
        transaction: UpdateId,
        /// Whether all commit; else all abort.
        commit: bool,
    },
    /// A participant confirms that it has committed.
    Done {
        /// The transaction.
        transaction: UpdateId,
    },
    /// A participant asks for the decision.
    Inquire {
        /// The transaction.
        transaction: UpdateId,
    },
}

/// A participant's part of a transaction.
#[derive(Clone, Debug)]
pub enum TransactionPart {
    /// The coordinator's update.
    Same(Arc<Update>),
    /// The participant's own write.
    Own(Arc<Request>),
}

impl TransactionMessage {
    /// Returns the transaction.
    pub fn transaction(&self) -> UpdateId {
        match self {
            TransactionMessage::Prepare { transaction, .. }
            | TransactionMessage::Vote { transaction, .. }
            | TransactionMessage::Decide { transaction, .. }
            | TransactionMessage::Done { transaction }
            | TransactionMessage::Inquire { transaction } => *transaction,
        }
    }

    /// Returns the kind of the message.
    fn kind(&self) -> MessageKind {
        match self {
            TransactionMessage::Prepare { .. } | TransactionMessage::Decide { .. } => MessageKind::Replication,
            TransactionMessage::Vote { .. } | TransactionMessage::Done { .. } => MessageKind::Acknowledgement,
            TransactionMessage::Inquire { .. } => MessageKind::Call,
        }
    }
}

/// The content of a message. It takes at most two words, because every message moves through the hot loop.
#[derive(Clone, Debug)]
pub enum Payload {
    /// An operation of a client.
    Operate(Arc<Request>),
    /// The reply to an operation: its outcome, and its update if it wrote one.
    Operated(OperationId, Outcome, Option<UpdateId>),
    /// The reply to a successful read.
    Returned(OperationId, Box<ReadResult>),
    /// A group's reply to a successful write.
    Written(OperationId, Box<(UpdateId, Version)>),
    /// A member's reply to a client: another member accepts such operations, if it knows which.
    Redirected(OperationId, Option<NodeId>),
    /// Between the members of a group, and to and from clients that coordinate their own operations.
    Replica(Arc<ReplicaMessage>),
    /// A blocking call between services: the caller's job waits until the callee has applied the update.
    Apply(u32, Arc<Update>),
    /// The reply to a call of that job: whether the update was applied; if not, it certainly had no effect.
    Applied(u32, bool),
    /// Two-phase commit between services.
    Transaction(Arc<TransactionMessage>),
    /// An event sent to a bus.
    Publish(Arc<Publication>),
    /// The bus's acknowledgement, with the publisher's number of the publication.
    Published(u32),
    /// An event sent to a consumer.
    Deliver(Arc<Delivery>),
    /// The consumer's acknowledgement: the bus's number of the event, and its delivery, or for a log the generation in which it
    /// was delivered; and the connection that sends it again if a link loses it, by the consumer's number, or 0.
    Acknowledge(u32, u32, u32),
    /// The heartbeat of a consumer, or the opening or end of its connection.
    Heartbeat(Arc<Heartbeat>),
    /// The consumer failed to handle that delivery; and the connection that sends this again if a link loses it, by the
    /// consumer's number, or 0.
    Refuse(u32, u32),
    /// A consumer requests events of a subscription: the number of the receive, and the maximum number of events.
    Receive(u32, u32, u32),
    /// The bus has no events for the receive of a subscription with this number.
    Empty(u32, u32),
    /// The bus confirms the connection of a subscription with this number; and whether the connection sends this again if a
    /// link loses it.
    Attached(u32, u32, bool),
    /// The bus closed the connection of a subscription with this number.
    Detached(u32, u32),
    /// The group coordinator asks this incarnation of a reader to join its group again (Kafka's reply to a heartbeat during a
    /// rebalance, or of a reader that is not a member).
    Rejoin(u32, u32),
}

impl Payload {
    /// Returns whether the message arrives in the order of sending with all others like it on its link.
    #[inline]
    pub fn is_in_stream(&self) -> bool {
        matches!(self, Payload::Publish(publication) if publication.position.is_some())
    }

    /// Returns whether the sender's connection sends the message again if a link loses it.
    pub fn is_reliable(&self) -> bool {
        match self {
            Payload::Deliver(delivery) => delivery.reliable,
            Payload::Acknowledge(_, _, connection) | Payload::Refuse(_, connection) => *connection != 0,
            Payload::Attached(_, _, reliable) => *reliable,
            Payload::Heartbeat(heartbeat) => heartbeat.reliable,
            // A consumer without heartbeats detects the end of its connection in no other way.
            Payload::Detached(..) => true,
            Payload::Operate(_)
            | Payload::Operated(..)
            | Payload::Returned(..)
            | Payload::Written(..)
            | Payload::Redirected(..)
            | Payload::Replica(_)
            | Payload::Apply(..)
            | Payload::Applied(..)
            | Payload::Transaction(_)
            | Payload::Publish(_)
            | Payload::Published(_)
            | Payload::Receive(..)
            | Payload::Empty(..)
            | Payload::Rejoin(..) => false,
        }
    }

    /// Returns the number of elements of data that the message contains beyond a single value: siblings, members of sets,
    /// entries of logs.
    #[inline]
    pub fn elements(&self) -> u64 {
        match self {
            Payload::Returned(_, result) => {
                let context = result.context.as_ref().map_or(0, Vec::len);
                result.value.as_ref().map_or(0, Value::elements) + context as u64
            }
            Payload::Replica(message) => message.body.elements(),
            Payload::Operate(_)
            | Payload::Operated(..)
            | Payload::Written(..)
            | Payload::Redirected(..)
            | Payload::Apply(..)
            | Payload::Applied(..)
            | Payload::Transaction(_)
            | Payload::Publish(_)
            | Payload::Published(_)
            | Payload::Deliver(_)
            | Payload::Acknowledge(..)
            | Payload::Heartbeat(_)
            | Payload::Receive(..)
            | Payload::Empty(..)
            | Payload::Attached(..)
            | Payload::Detached(..)
            | Payload::Rejoin(..)
            | Payload::Refuse(..) => 0,
        }
    }

    /// Returns the kind of the message.
    pub fn kind(&self) -> MessageKind {
        match self {
            Payload::Operate(_) | Payload::Apply(..) => MessageKind::Call,
            Payload::Operated(..)
            | Payload::Returned(..)
            | Payload::Written(..)
            | Payload::Redirected(..)
            | Payload::Applied(..) => MessageKind::Reply,
            Payload::Replica(message) => message.body.kind(),
            Payload::Transaction(message) => message.kind(),
            Payload::Publish(_) => MessageKind::Publish,
            Payload::Deliver(_) => MessageKind::Delivery,
            Payload::Published(_) | Payload::Acknowledge(..) => MessageKind::Acknowledgement,
            Payload::Refuse(..) => MessageKind::Refusal,
            Payload::Receive(..) | Payload::Empty(..) => MessageKind::Poll,
            Payload::Attached(..) | Payload::Detached(..) => MessageKind::Connection,
            Payload::Rejoin(..) => MessageKind::Heartbeat,
            Payload::Heartbeat(heartbeat) => match heartbeat.presence {
                Presence::Alive | Presence::Leaves | Presence::Rejoins => MessageKind::Heartbeat,
                Presence::Opens | Presence::Closes => MessageKind::Connection,
            },
        }
    }
}

/// The update and the operation that a message is about, for the trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct About {
    /// The update that it carries or replies to.
    pub update: Option<UpdateId>,
    /// The operation that it belongs to.
    pub operation: Option<OperationId>,
    /// The number of the delivery of an event; 0 for other messages.
    pub attempt: u32,
}
