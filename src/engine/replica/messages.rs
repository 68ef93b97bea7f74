//! Messages between the members of a group, and from clients that coordinate themselves.

use super::key_state::{KeyState, StateVersion};
use super::replicated_log::{LogEntry, LogPosition};
use super::write_metadata::WriteMetadata;
use crate::scenario::Value;
use crate::trace::{KeyId, MessageKind, NodeId, OperationId, UpdateId, Version};
use std::sync::Arc;

/// A message within a group.
#[derive(Clone, Debug)]
pub struct ReplicaMessage {
    /// The sender: a member, or a client.
    pub sender: NodeId,
    /// The content.
    pub body: MessageBody,
}

/// The content of a message, by protocol.
#[derive(Clone, Debug)]
pub enum MessageBody {
    /// Between the coordinators and the replicas of a leaderless group.
    Quorum(QuorumMessage),
    /// Merkle anti-entropy within a leaderless group.
    AntiEntropy(AntiEntropyMessage),
    /// Primary-replica.
    Primary(PrimaryMessage),
    /// Raft.
    Raft(RaftMessage),
    /// Chain replication.
    Chain(ChainMessage),
    /// Two-phase commit.
    TwoPhase(TwoPhaseMessage),
    /// Gossip.
    Gossip(GossipMessage),
}

/// Between the coordinators and the replicas of a leaderless group.
#[derive(Clone, Debug)]
pub enum QuorumMessage {
    /// Store this state. `request` is the sender's number for the acknowledgement; `None` if it awaits none.
    Write { request: Option<u32>, key: KeyId, state: Arc<KeyState>, update: Option<UpdateId>, purpose: WritePurpose },
    /// The state is stored, or kept as a hint.
    WriteAck { request: u32 },
    /// Return the state of a key. `stand_in_for` is the replica whose hint is meant.
    Read { request: u32, key: KeyId, stand_in_for: Option<NodeId> },
    /// The state of the key.
    ReadReply { request: u32, key: KeyId, state: Arc<KeyState> },
}

/// Why a state is sent to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePurpose {
    /// An operation writes it.
    Operation,
    /// An operation writes it; the receiver stands in for this replica, and keeps a hint.
    Hint(NodeId),
    /// The receiver is missing it: read repair, hinted handoff or anti-entropy.
    Repair,
}

/// Merkle anti-entropy within a leaderless group.
#[derive(Clone, Debug)]
pub enum AntiEntropyMessage {
    /// Hashes of nodes of one level of the tree, by index.
    CompareHashes { level: u32, hashes: Vec<(u32, u64)> },
    /// The versions of all keys below the leaves that differ.
    CompareVersions { leaves: Vec<u32>, versions: Vec<(KeyId, StateVersion)> },
    /// Send the states of these keys.
    RequestKeys { keys: Vec<KeyId> },
}

/// Primary-replica.
#[derive(Clone, Debug)]
pub enum PrimaryMessage {
    /// Entries after `previous`; empty for a heartbeat.
    Replicate { epoch: u32, previous: LogPosition, entries: Arc<Vec<LogEntry>> },
    /// The follower's log matches up to `last_index`; without success, it may match up to there.
    ReplicateReply { epoch: u32, success: bool, last_index: u32 },
}

/// Raft (Ongaro and Ousterhout 2014, figure 2).
#[derive(Clone, Debug)]
pub enum RaftMessage {
    /// Entries after `previous`; empty for a heartbeat.
    AppendEntries {
        term: u32,
        previous: LogPosition,
        entries: Arc<Vec<LogEntry>>,
        leader_commit: u32,
        /// The leader's round of heartbeats, which confirms reads.
        round: u32,
    },
    /// The follower's log matches up to `last_index`; without success, it may match up to there.
    AppendEntriesReply { term: u32, success: bool, last_index: u32, round: u32 },
    /// A candidate, whose log ends at `last`, requests a vote.
    RequestVote { term: u32, last: LogPosition },
    /// A vote.
    RequestVoteReply { term: u32, granted: bool },
}

/// Chain replication. `incarnation` states how often the sender had lost its disk.
#[derive(Clone, Debug)]
pub enum ChainMessage {
    /// Entries after an index, for the successor.
    Forward { incarnation: u32, previous_index: u32, entries: Arc<Vec<LogEntry>> },
    /// The sender stores the log up to `last_index`, and the tail up to `committed`.
    ForwardAck { incarnation: u32, last_index: u32, committed: u32 },
    /// Send the whole log: the sender lost its disk.
    RequestLog { incarnation: u32 },
    /// The whole log, for a neighbour that lost its disk and requested it in its incarnation `requested_in`.
    WholeLog { incarnation: u32, requested_in: u32, entries: Arc<Vec<LogEntry>> },
}

/// Two-phase commit.
#[derive(Clone, Debug)]
pub enum TwoPhaseMessage {
    /// Prepare to commit a write.
    Prepare { write: PreparedWrite },
    /// A participant's vote.
    Vote { update: UpdateId, granted: bool },
    /// The coordinator's decision.
    Decision { update: UpdateId, commit: bool },
    /// A participant has executed the decision.
    DecisionAck { update: UpdateId },
    /// A participant in doubt requests the decision.
    Inquire { update: UpdateId },
}

/// A write that participants prepare.
#[derive(Clone, Debug)]
pub struct PreparedWrite {
    /// The update, which also identifies the transaction.
    pub update: UpdateId,
    /// The operation that requested it.
    pub operation: OperationId,
    /// The key.
    pub key: KeyId,
    /// Its new value; `None` for a deletion.
    pub value: Option<Value>,
    /// Its new version.
    pub version: Version,
    /// The origin of the write, in a connected group.
    pub metadata: Option<Arc<WriteMetadata>>,
}

/// Gossip.
#[derive(Clone, Debug)]
pub enum GossipMessage {
    /// Send all states (pull).
    Pull,
    /// The states of all keys (push, or the reply to a pull). `reply_requested` pulls in return.
    Push { states: Arc<Vec<(KeyId, Arc<KeyState>)>>, reply_requested: bool },
    /// One update (rumor mongering).
    Rumor { update: UpdateId, key: KeyId, state: Arc<KeyState> },
    /// Whether the receiver of a rumor already knew it.
    Feedback { update: UpdateId, already_known: bool },
}

macro_rules! message_bodies {
    ($($variant:ident($message:ident)),* $(,)?) => {
        $(impl From<$message> for MessageBody {
            fn from(message: $message) -> Self {
                MessageBody::$variant(message)
            }
        })*
    };
}

message_bodies! {
    Quorum(QuorumMessage),
    AntiEntropy(AntiEntropyMessage),
    Primary(PrimaryMessage),
    Raft(RaftMessage),
    Chain(ChainMessage),
    TwoPhase(TwoPhaseMessage),
    Gossip(GossipMessage),
}

impl MessageBody {
    /// Returns the number of elements of data that the message contains: dots of states, entries of logs.
    pub fn elements(&self) -> u64 {
        match self {
            MessageBody::Quorum(QuorumMessage::Write { state, .. } | QuorumMessage::ReadReply { state, .. })
            | MessageBody::Gossip(GossipMessage::Rumor { state, .. }) => state.elements(),
            MessageBody::Gossip(GossipMessage::Push { states, .. }) => states.len() as u64,
            MessageBody::Primary(PrimaryMessage::Replicate { entries, .. })
            | MessageBody::Raft(RaftMessage::AppendEntries { entries, .. })
            | MessageBody::Chain(ChainMessage::Forward { entries, .. } | ChainMessage::WholeLog { entries, .. }) => {
                entries.len() as u64
            }
            MessageBody::AntiEntropy(AntiEntropyMessage::CompareVersions { versions, .. }) => versions.len() as u64,
            MessageBody::AntiEntropy(AntiEntropyMessage::CompareHashes { hashes, .. }) => hashes.len() as u64,
            MessageBody::AntiEntropy(AntiEntropyMessage::RequestKeys { keys }) => keys.len() as u64,
            MessageBody::Quorum(QuorumMessage::WriteAck { .. } | QuorumMessage::Read { .. })
            | MessageBody::Primary(PrimaryMessage::ReplicateReply { .. })
            | MessageBody::Raft(
                RaftMessage::AppendEntriesReply { .. }
                | RaftMessage::RequestVote { .. }
                | RaftMessage::RequestVoteReply { .. },
            )
            | MessageBody::Chain(ChainMessage::ForwardAck { .. } | ChainMessage::RequestLog { .. })
            | MessageBody::TwoPhase(_)
            | MessageBody::Gossip(GossipMessage::Pull | GossipMessage::Feedback { .. }) => 0,
        }
    }

    /// Returns the purpose of the message, as the trace records it.
    pub fn kind(&self) -> MessageKind {
        match self {
            MessageBody::Quorum(message) => message.kind(),
            MessageBody::AntiEntropy(message) => message.kind(),
            MessageBody::Primary(message) => message.kind(),
            MessageBody::Raft(message) => message.kind(),
            MessageBody::Chain(message) => message.kind(),
            MessageBody::TwoPhase(message) => message.kind(),
            MessageBody::Gossip(message) => message.kind(),
        }
    }

    /// Returns the update that the message carries or refers to, if it is a single one.
    pub fn update(&self) -> Option<UpdateId> {
        match self {
            MessageBody::Quorum(QuorumMessage::Write { update, .. }) => *update,
            MessageBody::Primary(PrimaryMessage::Replicate { entries, .. })
            | MessageBody::Raft(RaftMessage::AppendEntries { entries, .. })
            | MessageBody::Chain(ChainMessage::Forward { entries, .. } | ChainMessage::WholeLog { entries, .. }) => {
                entries.last().and_then(|entry| entry.update)
            }
            MessageBody::TwoPhase(message) => Some(message.update()),
            MessageBody::Gossip(message) => message.update(),
            MessageBody::Quorum(
                QuorumMessage::WriteAck { .. } | QuorumMessage::Read { .. } | QuorumMessage::ReadReply { .. },
            )
            | MessageBody::AntiEntropy(_)
            | MessageBody::Primary(PrimaryMessage::ReplicateReply { .. })
            | MessageBody::Raft(
                RaftMessage::AppendEntriesReply { .. }
                | RaftMessage::RequestVote { .. }
                | RaftMessage::RequestVoteReply { .. },
            )
            | MessageBody::Chain(ChainMessage::ForwardAck { .. } | ChainMessage::RequestLog { .. }) => None,
        }
    }

    /// Returns whether a worker processes the message for the service time. All other messages are processed at once.
    pub fn occupies_worker(&self) -> bool {
        match self {
            MessageBody::Quorum(QuorumMessage::Write { .. } | QuorumMessage::Read { .. })
            | MessageBody::TwoPhase(TwoPhaseMessage::Prepare { .. }) => true,
            MessageBody::Primary(PrimaryMessage::Replicate { entries, .. })
            | MessageBody::Raft(RaftMessage::AppendEntries { entries, .. })
            | MessageBody::Chain(ChainMessage::Forward { entries, .. } | ChainMessage::WholeLog { entries, .. }) => {
                !entries.is_empty()
            }
            MessageBody::Quorum(QuorumMessage::WriteAck { .. } | QuorumMessage::ReadReply { .. })
            | MessageBody::AntiEntropy(_)
            | MessageBody::Primary(PrimaryMessage::ReplicateReply { .. })
            | MessageBody::Raft(
                RaftMessage::AppendEntriesReply { .. }
                | RaftMessage::RequestVote { .. }
                | RaftMessage::RequestVoteReply { .. },
            )
            | MessageBody::Chain(ChainMessage::ForwardAck { .. } | ChainMessage::RequestLog { .. })
            | MessageBody::TwoPhase(
                TwoPhaseMessage::Vote { .. }
                | TwoPhaseMessage::Decision { .. }
                | TwoPhaseMessage::DecisionAck { .. }
                | TwoPhaseMessage::Inquire { .. },
            )
            | MessageBody::Gossip(_) => false,
        }
    }
}

impl QuorumMessage {
    fn kind(&self) -> MessageKind {
        match self {
            QuorumMessage::Write { purpose: WritePurpose::Operation | WritePurpose::Hint(_), .. } => {
                MessageKind::Replication
            }
            QuorumMessage::Write { purpose: WritePurpose::Repair, .. } => MessageKind::Repair,
            QuorumMessage::WriteAck { .. } => MessageKind::Acknowledgement,
            QuorumMessage::Read { .. } => MessageKind::Call,
            QuorumMessage::ReadReply { .. } => MessageKind::Reply,
        }
    }
}

impl AntiEntropyMessage {
    fn kind(&self) -> MessageKind {
        match self {
            AntiEntropyMessage::CompareHashes { .. } | AntiEntropyMessage::CompareVersions { .. } => {
                MessageKind::Comparison
            }
            AntiEntropyMessage::RequestKeys { .. } => MessageKind::Call,
        }
    }
}

/// Returns the kind of a message that carries log entries; without entries it is a heartbeat.
fn kind_of_entries(entries: &[LogEntry]) -> MessageKind {
    if entries.is_empty() { MessageKind::Election } else { MessageKind::Replication }
}

impl PrimaryMessage {
    fn kind(&self) -> MessageKind {
        match self {
            PrimaryMessage::Replicate { entries, .. } => kind_of_entries(entries),
            PrimaryMessage::ReplicateReply { .. } => MessageKind::Acknowledgement,
        }
    }
}

impl RaftMessage {
    /// Returns the sender's term.
    pub fn term(&self) -> u32 {
        match self {
            RaftMessage::AppendEntries { term, .. }
            | RaftMessage::AppendEntriesReply { term, .. }
            | RaftMessage::RequestVote { term, .. }
            | RaftMessage::RequestVoteReply { term, .. } => *term,
        }
    }

    fn kind(&self) -> MessageKind {
        match self {
            RaftMessage::AppendEntries { entries, .. } => kind_of_entries(entries),
            RaftMessage::AppendEntriesReply { .. } => MessageKind::Acknowledgement,
            RaftMessage::RequestVote { .. } | RaftMessage::RequestVoteReply { .. } => MessageKind::Election,
        }
    }
}

impl ChainMessage {
    fn kind(&self) -> MessageKind {
        match self {
            // An empty log has the kind of a heartbeat too. Another kind would change the digests of runs.
            ChainMessage::Forward { entries, .. } | ChainMessage::WholeLog { entries, .. } => kind_of_entries(entries),
            ChainMessage::ForwardAck { .. } => MessageKind::Acknowledgement,
            ChainMessage::RequestLog { .. } => MessageKind::Call,
        }
    }

    /// Returns how often the sender had lost its disk.
    pub fn incarnation(&self) -> u32 {
        match self {
            ChainMessage::Forward { incarnation, .. }
            | ChainMessage::ForwardAck { incarnation, .. }
            | ChainMessage::RequestLog { incarnation }
            | ChainMessage::WholeLog { incarnation, .. } => *incarnation,
        }
    }
}

impl TwoPhaseMessage {
    fn update(&self) -> UpdateId {
        match self {
            TwoPhaseMessage::Prepare { write } => write.update,
            TwoPhaseMessage::Vote { update, .. }
            | TwoPhaseMessage::Decision { update, .. }
            | TwoPhaseMessage::DecisionAck { update }
            | TwoPhaseMessage::Inquire { update } => *update,
        }
    }

    fn kind(&self) -> MessageKind {
        match self {
            TwoPhaseMessage::Prepare { .. } | TwoPhaseMessage::Decision { .. } => MessageKind::Replication,
            TwoPhaseMessage::Vote { .. } | TwoPhaseMessage::DecisionAck { .. } => MessageKind::Acknowledgement,
            TwoPhaseMessage::Inquire { .. } => MessageKind::Call,
        }
    }
}

impl GossipMessage {
    fn update(&self) -> Option<UpdateId> {
        match self {
            GossipMessage::Rumor { update, .. } | GossipMessage::Feedback { update, .. } => Some(*update),
            GossipMessage::Push { states, .. } => match states.as_slice() {
                [(_, state)] => state.update(),
                _ => None,
            },
            GossipMessage::Pull => None,
        }
    }

    fn kind(&self) -> MessageKind {
        match self {
            GossipMessage::Pull => MessageKind::Call,
            GossipMessage::Push { .. } | GossipMessage::Rumor { .. } => MessageKind::Replication,
            GossipMessage::Feedback { .. } => MessageKind::Acknowledgement,
        }
    }
}
