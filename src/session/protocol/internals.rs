//! The internal state of a member of a replica group, and the responses that operations wait for, as fields.

use super::as_json;
use super::content::{Change, OperationView, UpdateView};
use crate::scenario::{Micros, Value};
use crate::trace::{DropCause, NodeId, Outcome, Version};
use serde::{Deserialize, Serialize};

/// The internal state of a member; for a client or a whole group only the operations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupInternals {
    /// How far its clock is ahead of true time, µs, if clocks order the writes of its group.
    pub clock_ahead: Option<i64>,
    /// Its copies, by key.
    pub copies: Vec<CopyInternals>,
    /// Its log, if its group keeps one.
    pub log: Option<LogInternals>,
    /// The hints that it keeps for other replicas.
    pub hints: Vec<HintView>,
    /// The writes that it has prepared; their keys are locked.
    pub prepared: Vec<UpdateView>,
    /// Its last comparison of Merkle trees with each other replica, the newest first.
    pub trees: Vec<TreeComparison>,
    /// The newest operations in which it takes part, newest first.
    pub quorums: Vec<QuorumOperation>,
    /// The present time.
    pub now: Micros,
    /// Whether the trace no longer contains the beginning of the run, so that something may be missing.
    pub truncated: bool,
}

/// A copy of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyInternals {
    /// The key.
    pub key: String,
    /// Its values: several siblings, one value, or none if the key is absent.
    pub values: Vec<ValueInternals>,
    /// The number of applied updates of each origin (none is the document), for data without a total order.
    pub vector: Vec<(Option<NodeId>, u32)>,
    /// Its tombstone.
    pub tombstone: Option<TombstoneView>,
}

/// A tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TombstoneView {
    /// When the key was deleted.
    pub since: Micros,
    /// When the tombstone was purged.
    pub purged: Option<Micros>,
    /// When the tombstone will be purged, if its group purges tombstones.
    pub expires: Option<Micros>,
}

/// A value of a copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueInternals {
    /// The value.
    #[serde(with = "as_json")]
    pub value: Value,
    /// Where it comes from.
    pub origin: ValueOrigin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ValueOrigin {
    /// The document.
    Document,
    /// Several updates, merged.
    Merged,
    /// A write; several if each of them wrote this value.
    Writes(Vec<WriteView>),
}

/// A write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteView {
    /// The update; gives the colour.
    pub update: u32,
    /// Its version.
    pub version: Version,
    /// The replica that wrote it.
    pub by: NodeId,
    /// When.
    pub at: Micros,
    /// How far the replica's clock was ahead of true time then, µs, if clocks order the writes.
    pub clock_ahead: Option<i64>,
}

/// A replicated log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogInternals {
    /// Whether the member leads.
    pub leads: bool,
    /// The newest term, or epoch, that it knows.
    pub term: u32,
    /// Number of the last entry.
    pub last: u32,
    /// Number of the last committed entry.
    pub committed: u32,
    /// The newest entries, oldest first.
    pub entries: Vec<LogEntryView>,
}

/// An entry of a replicated log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntryView {
    /// Its number.
    pub index: u32,
    /// Its term.
    pub term: u32,
    /// Its update; `None` for the no-op with which a leader begins its term.
    pub update: Option<UpdateView>,
}

/// A write that is kept for another replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HintView {
    /// The other replica.
    pub replica: NodeId,
    /// The key.
    pub key: String,
    /// The update.
    pub update: Option<UpdateView>,
    /// When it was stored.
    pub since: Micros,
}

/// A comparison of Merkle trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TreeComparison {
    /// The other replica.
    pub with: NodeId,
    /// Whether this member started it.
    pub own: bool,
    /// When the roots were compared.
    pub at: Micros,
    /// The hashes that were compared, and those that differ, at each level, the root first.
    pub levels: Vec<(u32, u32)>,
    /// The level of the leaves.
    pub depth: u32,
    /// Whether it is not finished.
    pub under_way: bool,
}

/// An operation of a leaderless group, at its coordinator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuorumOperation {
    /// The operation.
    pub operation: OperationView,
    /// The client.
    pub by: NodeId,
    /// The coordinator.
    pub at: NodeId,
    /// When the first replica was asked.
    pub begun: Micros,
    /// When it ended for its client, and how.
    pub ended: Option<(Micros, Outcome)>,
    /// Its phases, in order.
    pub phases: Vec<QuorumPhase>,
}

/// A phase of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuorumPhase {
    /// Its kind.
    pub kind: PhaseKind,
    /// The number of responses that it needs.
    pub needed: u32,
    /// When it had them.
    pub enough: Option<Micros>,
    /// The replicas that were asked.
    pub parts: Vec<ReplicaResponse>,
}

/// The kind of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PhaseKind {
    /// Replicas return their versions.
    Read,
    /// Replicas store a version.
    Write,
    /// Replicas store the version that a read returns, before it returns.
    WriteBack,
}

/// The part of a replica in a phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicaResponse {
    /// The replica.
    pub node: NodeId,
    /// When it was asked.
    pub asked: Micros,
    /// When its response was received.
    pub answered: Option<Micros>,
    /// When its request or response was lost, and why, if no response was received.
    pub lost: Option<(Micros, DropCause)>,
    /// Whether its response was received when enough others had been.
    pub late: bool,
}

impl ValueInternals {
    /// The update that wrote the value, if it is a single one or the first of several.
    pub fn update(&self) -> Option<u32> {
        match &self.origin {
            ValueOrigin::Writes(writes) => writes.first().map(|write| write.update),
            ValueOrigin::Document | ValueOrigin::Merged => None,
        }
    }
}

impl LogEntryView {
    /// The change that the entry makes, if the run still keeps it.
    pub fn change(&self) -> Option<&Change> {
        self.update.as_ref().and_then(|update| update.change.as_ref())
    }
}
