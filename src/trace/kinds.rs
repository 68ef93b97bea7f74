//! Ids, versions, and the kinds and causes in facts.

use super::layout::{Bytes, Layout};
use litemap::LiteMap;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// Returns the id as an index into a dense table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl Layout for $name {
            fn write_fixed(&self, bytes: &mut Bytes) {
                self.0.write_fixed(bytes);
            }
        }

        impl Layout for Option<$name> {
            fn write_fixed(&self, bytes: &mut Bytes) {
                self.map_or(0, |id| u64::from(id.0) + 1).write_fixed(bytes);
            }
        }
    };
}

id!(
    /// A node of the run: services first, then buses, then clients, each in the order of the document.
    NodeId(u32)
);
id!(
    /// A key of the run, in order of first use.
    KeyId(u32)
);
id!(
    /// A message or duplicate, in order of sending.
    MessageId(u64)
);
id!(
    /// An update: a change of one key, committed at one service.
    UpdateId(u32)
);
id!(
    /// An operation of a client, or of the page's user.
    OperationId(u32)
);
id!(
    /// A subscription of the run, by service, then in the order of the document.
    SubscriptionId(u32)
);

/// Nodes in order of their ids. A sorted vector: runs have few nodes, and most sets are filled in order.
pub type NodeSet = LiteMap<NodeId, ()>;

/// The version of a key's value: a Lamport timestamp (Lamport 1978) for each key, ordered by time, counter, then origin. The
/// later node of the document wins a tie; a node that has lost its disk wins ties with all that have not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// The reading of the clock that orders a group's register, µs, plus [`Version::EPOCH`]; the term of a log entry; 0 if only
    /// the counter orders versions.
    #[serde(default)]
    pub time: i64,
    /// One more than the counter of the writer's previous version; 0 for no version.
    pub counter: u32,
    /// The writer ([`origin_of`]); 0 for an initial value of the document.
    pub origin: u32,
}

/// One more than the highest number of a node in an origin. The rest of an origin counts the disks that its node has lost.
const ORIGINS: u32 = 1 << 16;

/// Returns the origin of the updates of a node. A node that has lost its disk no longer knows which of its numbers it has used, so it
/// goes on under another identity (as an actor of Riak does by its epoch, and a host of Cassandra by a new id).
pub fn origin_of(node: NodeId, lost_disks: u32) -> u32 {
    debug_assert!(node.0 + 1 < ORIGINS, "the node fits into an origin");
    lost_disks.min(u32::MAX / ORIGINS) * ORIGINS + node.0 + 1
}

/// Returns the node of an origin; `None` for the document.
pub fn node_of(origin: u32) -> Option<NodeId> {
    (origin % ORIGINS).checked_sub(1).map(NodeId)
}

impl Version {
    /// The offset between a clock's reading and a version's time, µs. It makes every version newer than no version, even for a
    /// clock far behind.
    pub const EPOCH: i64 = 2_000_000_000_000;

    /// Returns the clock's reading, µs, if a clock orders the register.
    pub fn reading(self) -> Option<i64> {
        (self.time >= Version::EPOCH / 2).then(|| self.time - Version::EPOCH)
    }

    /// Returns the version of a log entry.
    pub fn logged(term: u32, index: u32) -> Version {
        Version { time: term.into(), counter: index, origin: 0 }
    }

    /// Returns a version ordered by its counter.
    pub fn counted(counter: u32, origin: u32) -> Version {
        Version { time: 0, counter, origin }
    }

    /// Returns whether it is the version of an absent key.
    pub fn is_none(self) -> bool {
        self == Version::default()
    }
}

/// The purpose of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[repr(u8)]
pub enum MessageKind {
    /// A request that awaits a reply: of a client, or a blocking call between services.
    Call = 0,
    /// The reply to a call.
    Reply = 1,
    /// An event on its way to a bus.
    Publish = 2,
    /// An event on its way from a bus to a consumer.
    Delivery = 3,
    /// The acknowledgement of a bus to a publisher, or of a consumer to a bus.
    Acknowledgement = 4,
    /// A consumer's negative acknowledgement: handling failed, redeliver.
    Refusal = 5,
    /// A write on its way to a replica.
    Replication = 7,
    /// A version on its way to a replica that is missing it: read repair, a hint, anti-entropy.
    Repair = 8,
    /// Votes and heartbeats between members of a group.
    Election = 9,
    /// Hashes of a replica's Merkle tree, for comparison.
    Comparison = 10,
    /// A heartbeat of a log's reader to its bus, or its leaving of its group.
    Heartbeat = 11,
    /// A consumer's request for events, or the reply that there are none.
    Poll = 12,
    /// A consumer opens or closes its connection to a bus, or the bus confirms or closes it.
    Connection = 13,
}

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OperationKind {
    /// Return the value.
    Read = 0,
    /// Set the value.
    Write = 1,
    /// Add an element to a set.
    Add = 2,
    /// Remove an element from a set.
    Remove = 3,
    /// Add to a number.
    Increment = 4,
    /// Set the value if it equals the expected one.
    CompareAndSet = 5,
    /// Delete the key.
    Delete = 6,
    /// Put a value into a field of a map.
    Put = 7,
    /// Insert an element into a list.
    Insert = 8,
    /// Remove an element from a list.
    RemoveAt = 9,
}

/// The outcome of an operation, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// It took effect, and its client received the result.
    Ok = 0,
    /// It certainly had no effect.
    Fail = 1,
    /// It timed out, or the service does not know: it may have taken effect, or still may.
    Unknown = 2,
}

/// The cause of a message's loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DropCause {
    /// The link lost it, with its loss probability.
    Loss = 0,
    /// The link was cut when it would have arrived.
    LinkCut = 1,
    /// The receiver was down when it would have arrived.
    ReceiverDown = 2,
    /// A disturbance of the link lost it.
    Disturbance = 3,
}

/// The reason for which a bus discarded an event of one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DropReason {
    /// It reached the maximum number of deliveries, and the subscription has no dead-letter queue.
    DeliveriesUsedUp = 0,
    /// The retention time of its topic passed.
    Expired = 1,
    /// The bus stopped before it was flushed.
    NotFlushed = 2,
    /// It was purged from the dead-letter queue.
    Purged = 3,
    /// The new leading broker did not have it.
    NotReplicated = 4,
    /// No consumer was connected, and the subscription stores nothing for those that are not.
    NotConnected = 5,
}

/// A change of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum BrokerChange {
    /// It stopped.
    Stopped = 0,
    /// It stopped and lost its disk.
    LostDisk = 1,
    /// It started again.
    Started = 2,
    /// It became the leader, with the events that it has.
    Leads = 3,
}

/// The reason for which a log's reader left its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum LeaveReason {
    /// Its session expired without a heartbeat.
    Silent = 0,
    /// Processing the result of a poll took too long.
    PolledTooRarely = 1,
    /// An acknowledgement did not arrive in time, and another reader takes over.
    AcknowledgementOverdue = 2,
}

/// The reason for which a consumer is no longer attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DetachReason {
    /// Its process ended.
    Closed = 0,
    /// The bus received no heartbeat in time.
    Silent = 1,
    /// An acknowledgement did not arrive in time, so the bus closed the connection.
    AcknowledgementOverdue = 2,
}

/// The cause of a failed handling of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum HandlingFailure {
    /// The handler failed, with its failure probability.
    Failed = 0,
    /// The consumer's queue was full.
    QueueFull = 1,
    /// The event is a poison message.
    Poison = 2,
    /// The event carries a difference, and the key's value is not a number.
    WrongType = 3,
    /// The consumer's group did not write the event's update, or a transaction locks its key.
    NotWritten = 4,
    /// A sum or a derived value would be beyond the range of whole numbers, -2^53 to 2^53.
    OutOfRange = 5,
}

/// The cause of a service's refusal of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Refusal {
    /// The queue was full.
    QueueFull = 0,
    /// The key's value differed from the one that compare-and-set expected.
    NotAsExpected = 1,
    /// The key's value has another type than the operation needs (an increment of a text).
    WrongType = 2,
    /// A blocking call to another service timed out. Nothing was committed here.
    CalleeSilent = 3,
    /// A blocking call to another service was refused. Nothing was committed here.
    CalleeRefused = 4,
    /// The service is down. Only operations of the page's user are refused for it.
    ServiceDown = 5,
    /// The service does not support the operation.
    NotOffered = 6,
    /// The member does not lead its group, and knows no leader.
    NoLeader = 7,
    /// Too few replicas responded in time.
    TooFewReplicas = 8,
    /// A participant of its transaction did not promise in time.
    NotPromised = 9,
    /// The sum would be beyond the range of whole numbers, -2^53 to 2^53.
    OutOfRange = 10,
}

/// The amount of the trace that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing.
    Off,
    /// The digest and the number of records.
    Digest,
    /// Digest and records.
    Full,
}

/// A version vector: for each origin ([`origin_of`]), the number of its updates of a key that are known.
pub type VersionVector = Vec<(u32, u32)>;
