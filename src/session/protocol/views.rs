//! Messages in flight, cards, marks and rows of the log, as fields.

use super::content::{MessageContent, OperationRequest, UpdateView};
use super::values;
use crate::analysis::CopyState;
use crate::scenario::{Micros, Value};
use crate::trace::{DropCause, MessageKind, NodeId, Outcome, Refusal, Version};
use serde::{Deserialize, Serialize};

/// A message as it was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageView {
    /// Its number.
    pub id: u64,
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// Its kind.
    pub kind: MessageKind,
    /// What it contains.
    pub content: MessageContent,
    /// Number of the delivery, from 2 for a redelivery; else 0 or 1.
    pub attempt: u32,
    /// Whether it is the second copy of a duplicated message.
    pub duplicate: bool,
    /// When it was sent.
    pub sent: Micros,
    /// When it is due.
    pub due: Micros,
}

/// The end of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageEnd {
    /// Its number.
    pub id: u64,
    /// When.
    pub at: Micros,
    /// Why it was dropped; none if it was delivered.
    pub dropped: Option<DropCause>,
}

/// A service's card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceView {
    /// The service.
    pub node: NodeId,
    /// Its worst state.
    pub state: CopyState,
    /// Its first [`SHOWN_ROWS`](super::SHOWN_ROWS) rows, by key.
    pub rows: Vec<RowView>,
    /// Number of all its rows.
    pub row_count: u32,
    /// Number of acknowledged updates that are not reflected, over all keys.
    pub behind: u32,
    /// The time from which a row has been stale or diverged.
    pub stale_since: Option<Micros>,
    /// Requests and events that are being handled.
    pub busy: u32,
    /// Requests and events that wait.
    pub waiting: u32,
    /// Blocking calls to other services that are not answered yet.
    pub blocked: u32,
    /// Number of outbox rows that the bus has not acknowledged.
    pub outbox: u32,
    /// The updates of the first of them.
    pub outbox_rows: Vec<u32>,
    /// The newest rows of its inboxes, oldest first.
    pub inbox: Vec<InboxRow>,
    /// Events that its inboxes reported as already applied.
    pub applied_already: u64,
    /// Its part in its replica group, if it has one to show.
    pub member: Option<MemberView>,
}

/// A row of an inbox: an event that was handled, while the inbox remembers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboxRow {
    /// The update; gives the colour.
    pub update: u32,
    /// Whether the event was delivered again, without an effect.
    pub again: bool,
}

/// The part of a service in its replica group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// The term in which it leads; none if it does not lead.
    pub leads: Option<u32>,
    /// Number of the last entry of its log; 0 without entries.
    pub last_entry: u32,
    /// Number of the last committed entry.
    pub committed: u32,
    /// Hints that it keeps for other replicas.
    pub hints: u32,
    /// Whether it has prepared a write and keeps its key locked.
    pub prepared: bool,
    /// The last level of a comparison of Merkle trees, if hashes differ.
    pub comparison: Option<TreeLevel>,
}

/// A level of a comparison of Merkle trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeLevel {
    /// The level; 0 is the root.
    pub level: u32,
    /// Hashes that were compared.
    pub compared: u32,
    /// Hashes that differ.
    pub differing: u32,
}

/// A row of a service's card. A key that the service should hold and does not has no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowView {
    /// The key.
    pub key: String,
    /// What a read returns; none if that is absent, or several siblings.
    #[serde(serialize_with = "values::serialize", deserialize_with = "values::optional")]
    pub value: Option<Value>,
    /// Whether the key was deleted, and the replica remembers that.
    pub deleted: bool,
    /// The siblings that a read returns.
    #[serde(serialize_with = "values::serialize", deserialize_with = "values::all")]
    pub siblings: Vec<Value>,
    /// Its version; `None` for an absent key or siblings.
    pub version: Option<Version>,
    /// The update that made it; gives the colour.
    pub update: Option<u32>,
    /// Its state.
    pub state: CopyState,
    /// Number of acknowledged updates that it does not reflect.
    pub behind: u32,
    /// The time from which it has been stale or diverged.
    pub stale_since: Option<Micros>,
    /// The number of lost updates of this key that this service coordinated.
    pub lost: u32,
}

/// A bus's card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BusView {
    /// The bus.
    pub node: NodeId,
    /// Its subscriptions.
    pub subscriptions: Vec<SubscriptionView>,
}

/// A subscription with its queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionView {
    /// The consumer.
    pub service: NodeId,
    /// Whether the consumer is attached, so that events can be delivered to it.
    pub attached: bool,
    /// Whether the consumer polls; otherwise it is connected.
    pub polls: bool,
    /// Unacknowledged deliveries to this consumer. Those beyond its workers wait there (prefetched).
    pub held: u32,
    /// The maximum number of unacknowledged deliveries to this consumer.
    pub most: u32,
    /// The topic's name.
    pub topic: String,
    /// Number of the topic's partitions.
    pub partitions: u32,
    /// Events that are queued or unacknowledged.
    pub depth: u32,
    /// The first of them.
    pub events: Vec<QueuedEvent>,
    /// The depths of the partitions that hold events, of a topic with several partitions.
    pub depths: Vec<PartitionDepth>,
    /// Events in the dead-letter queue.
    pub dead: u32,
    /// The first of them.
    pub dead_letters: Vec<UpdateView>,
    /// Events discarded so far.
    pub discarded: u32,
}

/// Number of a subscription's events in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionDepth {
    /// The partition, from 0.
    pub partition: u32,
    /// Events that wait to be delivered.
    pub queued: u32,
    /// Events that were sent and are not acknowledged yet.
    pub in_flight: u32,
}

/// An event of a subscription.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedEvent {
    /// Its update.
    pub update: UpdateView,
    /// Whether it was sent and is not acknowledged yet.
    pub in_flight: bool,
    /// Deliveries so far.
    pub deliveries: u32,
    /// When it is delivered next, if that is in the future.
    pub not_before: Option<Micros>,
}

/// A client's card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientView {
    /// The client.
    pub node: NodeId,
    /// Operations in flight.
    pub pending: u32,
    /// Operations that ended as ok.
    pub ok: u64,
    /// Operations that ended as fail.
    pub fail: u64,
    /// Operations that ended as unknown.
    pub unknown: u64,
    /// Reads that ended as ok.
    pub reads: u64,
    /// Stale reads among them.
    pub stale_reads: u64,
    /// The last operation that ended.
    pub last: Option<LastOperation>,
}

/// The last operation that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastOperation {
    /// What was requested; of a read the value is what it returned.
    pub request: OperationRequest,
    /// How it ended.
    pub outcome: Outcome,
    /// Why the service refused it.
    pub refusal: Option<Refusal>,
    /// Duration from issue to end.
    pub took: Micros,
    /// Whether it is a stale read.
    pub stale: bool,
}

/// A change of a service's worst state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RibbonChange {
    /// The service.
    pub node: NodeId,
    /// When.
    pub at: Micros,
    /// The new state.
    pub state: CopyState,
}

/// A mark of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Micros,
    /// What happened.
    pub kind: MarkKind,
    /// Where.
    pub node: NodeId,
    /// The other end of a link.
    pub to: Option<NodeId>,
    /// The update; gives the colour.
    pub update: Option<u32>,
    /// The sentence of the log.
    pub label: String,
}

/// The event at a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarkKind {
    /// An update was committed.
    Update,
    /// A service crashed.
    Crash,
    /// A service restarted.
    Restart,
    /// One direction of a link was cut.
    Cut,
    /// One direction of a link was healed.
    Heal,
    /// Another fault of a node or a link began.
    Fault,
    /// Another fault of a node or a link ended.
    FaultEnded,
    /// An acknowledged write of a group was lost.
    Lost,
    /// A copy became stale when all were consistent.
    FirstStale,
    /// Every copy is consistent again.
    Converged,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    /// Index of the record.
    pub index: u64,
    /// When.
    pub at: Micros,
    /// The fact's name, as in `message_dropped`.
    pub name: String,
    /// What happened, as a sentence.
    pub text: String,
    /// The update; gives the colour.
    pub update: Option<u32>,
    /// The nodes that it is about.
    pub nodes: Vec<NodeId>,
}
