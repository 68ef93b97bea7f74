//! Ids, versions, and the kinds and causes that facts name.

use super::layout::{Bytes, Layout};
use crate::wire::Wire;
use serde::Serialize;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Wire)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The id as an index into a dense table.
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
    /// A node of the run: services first, then buses, then clients, each in the document's order.
    NodeId(u32)
);
id!(
    /// A key of the run, in order of first mention.
    KeyId(u32)
);
id!(
    /// A message, duplicates included; the n-th is n.
    MessageId(u64)
);
id!(
    /// An update: a change of one key committed at one service.
    UpdateId(u32)
);
id!(
    /// An operation of a client, or of the person at the page.
    OperationId(u32)
);
id!(
    /// A subscription of the run: by service, then in the document's order.
    SubscriptionId(u32)
);

/// The version of a key's value, ordered by counter, then by origin: a Lamport timestamp (Lamport 1978)
/// per key. Ties between services that wrote at the same count go to the later node of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Version {
    /// Reading of the clock that orders a group's register, µs, and [`Version::EPOCH`]; the term of an entry of a log; 0
    /// where the counter alone orders.
    #[serde(default)]
    pub time: i64,
    /// One more than the version that the writer had; 0 is no version.
    pub counter: u32,
    /// One more than the index of the node that wrote it; 0 for what stood in the document.
    pub origin: u32,
}

impl Version {
    /// What is added to a clock's reading to make a version's time, µs: a version that is there comes behind one that is
    /// not, however far a clock is behind.
    pub const EPOCH: i64 = 2_000_000_000_000;

    /// The clock's reading, µs, where a clock orders the register.
    pub fn reading(self) -> Option<i64> {
        (self.time >= Version::EPOCH / 2).then(|| self.time - Version::EPOCH)
    }

    /// The version of an entry of a log.
    pub fn logged(term: u32, index: u32) -> Version {
        Version { time: term.into(), counter: index, origin: 0 }
    }

    /// A version that is counted.
    pub fn counted(counter: u32, origin: u32) -> Version {
        Version { time: 0, counter, origin }
    }

    /// Whether it is the version of an absent key.
    pub fn is_none(self) -> bool {
        self == Version::default()
    }
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Wire)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum MessageKind {
    /// A request that awaits a reply: from a client, or a blocking call between services.
    Call = 0,
    /// The answer to a call.
    Reply = 1,
    /// An event on its way to a bus.
    Publish = 2,
    /// An event on its way from a bus to a consumer.
    Delivery = 3,
    /// A bus's acknowledgement to a publisher, or a consumer's to a bus.
    Acknowledgement = 4,
    /// A consumer's refusal: handling failed, deliver again.
    Refusal = 5,
    /// A write on its way to a replica.
    Replication = 7,
    /// A version on its way to a replica that missed it: read repair, a hint, anti-entropy.
    Repair = 8,
    /// What members of a group tell each other about who leads: votes, heartbeats.
    Election = 9,
    /// Hashes of what a replica holds, to be compared.
    Comparison = 10,
    /// A log's reader tells its bus that it is there, or leaves its group.
    Heartbeat = 11,
}

/// What an operation asks; the data is in the document or the update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    /// Set the value if it is as expected.
    CompareAndSet = 5,
    /// Delete the key.
    Delete = 6,
    /// Put a value into a field of a map.
    Put = 7,
    /// Insert an element into a list.
    Insert = 8,
    /// Take an element out of a list.
    RemoveAt = 9,
}

/// How an operation ended, as far as its client can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Wire)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// It took effect, and the client was told.
    Ok = 0,
    /// It certainly had no effect.
    Fail = 1,
    /// It timed out, or the service could not say: it may have taken effect, or still may.
    Unknown = 2,
}

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Wire)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DropCause {
    /// The link lost it, by its loss probability.
    Loss = 0,
    /// The link was cut when it would have arrived.
    LinkCut = 1,
    /// The receiver was down when it would have arrived.
    ReceiverDown = 2,
    /// It was lost by a disturbance of its link.
    Disturbance = 3,
}

/// Why a bus gave up an event for one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DropReason {
    /// It was delivered as often as allowed, and the subscription has no dead-letter queue.
    DeliveriesUsedUp = 0,
    /// It was kept as long as its topic keeps events.
    Expired = 1,
    /// The bus stopped before it was flushed.
    NotFlushed = 2,
    /// It was purged from the dead-letter queue.
    Purged = 3,
    /// The broker that leads now never had it.
    NotReplicated = 4,
}

/// What became of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum BrokerChange {
    /// It stopped.
    Stopped = 0,
    /// It stopped, and what it kept is gone.
    LostDisk = 1,
    /// It started again.
    Started = 2,
    /// It leads from now on, with what it has.
    Leads = 3,
}

/// Why a log's reader is in its group no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum LeaveReason {
    /// No heartbeat of it came for the time of its session.
    Silent = 0,
    /// What one poll returned took it too long, and it left.
    PolledTooRarely = 1,
}

/// Why a consumer did not handle an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum HandlingFailure {
    /// The handler failed, by its failure probability.
    Failed = 0,
    /// The consumer's queue was full.
    QueueFull = 1,
    /// It is a poison message.
    Poison = 2,
    /// It says a difference of what is no number.
    WrongType = 3,
    /// The consumer is a member of a group, which did not write what it says; or a transaction locks its key.
    NotWritten = 4,
}

/// Why a service refused an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Wire)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Refusal {
    /// Its queue was full: it did nothing.
    QueueFull = 0,
    /// The key held another value than compare-and-set expected.
    NotAsExpected = 1,
    /// The key holds another type than the operation needs (an increment of a text).
    WrongType = 2,
    /// A service that it must call first did not answer in time: nothing was committed here.
    CalleeSilent = 3,
    /// A service that it must call first refused: nothing was committed here.
    CalleeRefused = 4,
    /// The service is down; only the person at the page is told so directly.
    ServiceDown = 5,
    /// It does not take such operations.
    NotOffered = 6,
    /// It does not lead its group, and knows of nobody who does.
    NoLeader = 7,
    /// Too few replicas answered in time.
    TooFewReplicas = 8,
    /// A participant of its transaction did not promise in time.
    NotPromised = 9,
}

/// How much of a record stream is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing: counters alone.
    Off,
    /// The digest and the number of records.
    Digest,
    /// Digest and records.
    Full,
}

/// For each origin (one more than the node's index) how many of its updates of a key are known: a version vector.
pub type VersionVector = Vec<(u32, u32)>;
