//! What a member of a replica group holds, keeps and has under way, and what operations ask of whom. It crosses as bytes
//! that only a later part of the page reads.

use crate::scenario::Micros;
use crate::trace::{DropCause, NodeId, Outcome};
use crate::wire::Wire;

/// What is inside a member, or what a client's or a whole group's operations ask of whom.
#[derive(Clone, Debug, Default, PartialEq, Wire)]
pub struct GroupInternals {
    /// How its clock stands, where that orders anything: `300 ms behind`.
    pub clock: String,
    /// Its copies, by key, whose values have something to tell beyond the card.
    pub copies: Vec<CopyInternals>,
    /// Its log, where its group keeps one.
    pub log: Option<LogInternals>,
    /// What it keeps for others.
    pub hints: Vec<HintView>,
    /// Writes that it has promised to commit; their keys are locked.
    pub promised: Vec<String>,
    /// Its last comparison with each other replica, the newest first.
    pub trees: Vec<TreeComparison>,
    /// The newest operations, newest first, in which it has a part.
    pub quorums: Vec<QuorumOperation>,
    /// Where the run stood.
    pub now: Micros,
    /// The log of the run no longer holds its beginning, so that something may be missing.
    pub cut: bool,
}

/// A copy of a key.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct CopyInternals {
    /// The key.
    pub key: String,
    /// Its values: siblings where there is more than one; none for an absent key.
    pub values: Vec<ValueInternals>,
    /// Of data without a total order: by origin, how many of its updates are here.
    pub vector: Vec<(String, u32)>,
    /// That it was deleted, and how long that is remembered; else empty.
    pub tombstone: String,
}

/// A value of a copy.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct ValueInternals {
    /// The value.
    pub value: String,
    /// Its version or its dot.
    pub version: String,
    /// The update that said it; gives the colour.
    pub update: Option<u32>,
    /// Who wrote it, and what their clock said.
    pub by: String,
    /// When; none for what stood in the document.
    pub at: Option<Micros>,
}

/// A log.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct LogInternals {
    /// It leads.
    pub leads: bool,
    /// The term, or epoch, that it knows of.
    pub term: u32,
    /// Number of its last entry.
    pub last: u32,
    /// Number of its last committed entry.
    pub committed: u32,
    /// The newest entries, oldest first.
    pub entries: Vec<LogEntryView>,
}

/// An entry of a log.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct LogEntryView {
    /// Its number.
    pub index: u32,
    /// Its term.
    pub term: u32,
    /// What it says: `x = 1`.
    pub text: String,
    /// The update; gives the colour. None for an entry that says nothing.
    pub update: Option<u32>,
}

/// A write kept for another replica.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct HintView {
    /// For whom.
    pub replica: NodeId,
    /// What it says: `x = 1 (v2)`.
    pub text: String,
    /// The update; gives the colour.
    pub update: Option<u32>,
    /// Since when.
    pub since: Micros,
}

/// A comparison of Merkle trees.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct TreeComparison {
    /// With whom.
    pub with: NodeId,
    /// It was begun here, not there.
    pub own: bool,
    /// When the roots were compared.
    pub at: Micros,
    /// By level, the root first: hashes that were compared, and those that differ.
    pub levels: Vec<(u32, u32)>,
    /// The level of the leaves.
    pub depth: u32,
    /// They are at it.
    pub under_way: bool,
}

/// An operation of a leaderless group, at its coordinator.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct QuorumOperation {
    /// Its number, from 1, as in the log.
    pub operation: u32,
    /// What was asked: `read x`.
    pub text: String,
    /// Who asked.
    pub by: NodeId,
    /// Who coordinates it.
    pub at: NodeId,
    /// When the first replica was asked.
    pub begun: Micros,
    /// When it ended for its client, and how.
    pub ended: Option<(Micros, Outcome)>,
    /// What it did first, and what after that.
    pub phases: Vec<QuorumPhase>,
}

/// A phase of an operation.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct QuorumPhase {
    /// What is awaited: `2 of 3 responses`.
    pub text: String,
    /// When enough had answered.
    pub enough: Option<Micros>,
    /// Who was asked.
    pub parts: Vec<ReplicaResponse>,
}

/// A replica's part in it.
#[derive(Clone, Debug, PartialEq, Wire)]
pub struct ReplicaResponse {
    /// The replica.
    pub node: NodeId,
    /// When it was asked.
    pub asked: Micros,
    /// When its answer arrived.
    pub answered: Option<Micros>,
    /// When question or answer was lost, and why, if nothing of it arrived.
    pub lost: Option<(Micros, DropCause)>,
    /// It answered when enough others had.
    pub late: bool,
}
