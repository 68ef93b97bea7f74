//! What members of a group tell each other.

use super::cell::{Mark, SharedCell};
use super::log::Entry;
use crate::trace::{KeyId, MessageKind, NodeId, UpdateId};
use std::sync::Arc;

/// A message within a group.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Who says it.
    pub from: NodeId,
    /// What.
    pub body: Body,
}

/// What is said.
#[derive(Clone, Debug)]
pub enum Body {
    /// Quorum, gossip: take this in; `op` is the sender's number for the answer, 0 where it wants none.
    Write { op: u32, key: KeyId, cell: SharedCell, update: Option<UpdateId>, why: Why },
    /// Quorum: it is taken in, or kept as a hint.
    Taken { op: u32 },
    /// Quorum: what do you hold?
    Read { op: u32, key: KeyId, stand_in: Option<NodeId> },
    /// Quorum: this.
    Holds { op: u32, key: KeyId, cell: SharedCell },
    /// Anti-entropy: hashes of a level of the tree, by index.
    Compare { level: u32, hashes: Vec<(u32, u64)> },
    /// Anti-entropy: what these leaves hold, key by key.
    Marks { leaves: Vec<u32>, marks: Vec<(KeyId, Mark)> },
    /// Gossip, anti-entropy: send me these; none for all that you have.
    Wanted { keys: Option<Vec<KeyId>> },
    /// Gossip: all that I have. The answer to a pull, or a push; `answer` asks for the same.
    State { cells: Arc<Vec<(KeyId, SharedCell)>>, answer: bool },
    /// Gossip: news.
    Rumor { update: UpdateId, key: KeyId, cell: SharedCell },
    /// Gossip: whether it was known already.
    Feedback { update: UpdateId, known: bool },
    /// Raft, primary: entries behind `previous`, and how far the log is committed.
    Append { term: u32, previous: (u32, u32), entries: Arc<Vec<Entry>>, committed: u32, round: u32 },
    /// Raft, primary: the log agrees up to here, or does not.
    Appended { term: u32, agrees: bool, last: u32, round: u32 },
    /// Raft: vote for me.
    RequestVote { term: u32, last: (u32, u32) },
    /// Raft: yes or no.
    Vote { term: u32, granted: bool },
    /// Two-phase: can you commit this?
    Prepare { entry: Entry },
    /// Two-phase: yes or no.
    Promise { update: UpdateId, granted: bool },
    /// Two-phase: it is decided.
    Decide { update: UpdateId, commit: bool },
    /// Two-phase: the decision is carried out.
    Done { update: UpdateId },
    /// Two-phase: what was decided?
    Inquire { update: UpdateId },
}

/// Why a version is sent to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is an operation's write.
    Write,
    /// It is one, and the receiver stands in for that member.
    StandIn(NodeId),
    /// The receiver missed it.
    Repair,
}

impl Body {
    /// What the message is for.
    pub fn kind(&self) -> MessageKind {
        match self {
            Body::Write { why: Why::Write | Why::StandIn(_), .. }
            | Body::State { .. }
            | Body::Rumor { .. }
            | Body::Prepare { .. }
            | Body::Decide { .. } => MessageKind::Replication,
            Body::Write { why: Why::Repair, .. } => MessageKind::Repair,
            Body::Append { entries, .. } if entries.is_empty() => MessageKind::Election,
            Body::Append { .. } => MessageKind::Replication,
            Body::Taken { .. }
            | Body::Appended { .. }
            | Body::Feedback { .. }
            | Body::Promise { .. }
            | Body::Done { .. } => MessageKind::Acknowledgement,
            Body::Read { .. } | Body::Wanted { .. } | Body::Inquire { .. } => MessageKind::Call,
            Body::Holds { .. } => MessageKind::Reply,
            Body::Compare { .. } | Body::Marks { .. } => MessageKind::Comparison,
            Body::RequestVote { .. } | Body::Vote { .. } => MessageKind::Election,
        }
    }

    /// The update that the message carries or is about, if it is one.
    pub fn update(&self) -> Option<UpdateId> {
        match self {
            Body::Write { update, .. } => *update,
            Body::Rumor { update, .. }
            | Body::Feedback { update, .. }
            | Body::Promise { update, .. }
            | Body::Decide { update, .. }
            | Body::Done { update }
            | Body::Inquire { update } => Some(*update),
            Body::Prepare { entry } => entry.update,
            Body::Append { entries, .. } => entries.last().and_then(|entry| entry.update),
            Body::State { cells, .. } => match cells.as_slice() {
                [(_, cell)] => cell.update(),
                _ => None,
            },
            Body::Taken { .. }
            | Body::Read { .. }
            | Body::Holds { .. }
            | Body::Compare { .. }
            | Body::Marks { .. }
            | Body::Wanted { .. }
            | Body::Appended { .. }
            | Body::RequestVote { .. }
            | Body::Vote { .. } => None,
        }
    }
}

impl Body {
    /// Whether a worker is busy with it for the service's time; all else is only counted or compared.
    pub fn is_request(&self) -> bool {
        match self {
            Body::Write { .. } | Body::Read { .. } | Body::Prepare { .. } => true,
            Body::Append { entries, .. } => !entries.is_empty(),
            Body::Taken { .. }
            | Body::Holds { .. }
            | Body::Compare { .. }
            | Body::Marks { .. }
            | Body::Wanted { .. }
            | Body::State { .. }
            | Body::Rumor { .. }
            | Body::Feedback { .. }
            | Body::Appended { .. }
            | Body::RequestVote { .. }
            | Body::Vote { .. }
            | Body::Promise { .. }
            | Body::Decide { .. }
            | Body::Done { .. }
            | Body::Inquire { .. } => false,
        }
    }
}
