//! The replication protocol of a group, at one member. To add a protocol: one file with its handlers, one variant here,
//! and one variant of `MessageBody` for its messages.

use super::chain::Chain;
use super::gossip::Gossip;
use super::member::Member;
use super::messages::{MessageBody, ReplicaMessage};
use super::primary::Primary;
use super::quorum::Quorum;
use super::raft::{Raft, RaftView};
use super::request::{ClientRequest, OperationReply};
use super::two_phase::TwoPhase;
use crate::engine::context::Context;
use crate::engine::message::LinkId;
use crate::engine::random::Stream;
use crate::scenario::{Micros, Protocol};

/// The state of a member's protocol.
#[derive(Clone, Debug)]
pub enum ProtocolState {
    /// Leaderless quorums.
    Quorum(Box<Quorum>),
    /// Primary-replica.
    Primary(Box<Primary>),
    /// Raft.
    Raft(Box<Raft>),
    /// Chain replication.
    Chain(Box<Chain>),
    /// Two-phase commit.
    TwoPhase(Box<TwoPhase>),
    /// Gossip.
    Gossip(Box<Gossip>),
}

impl ProtocolState {
    /// Returns the initial state of a member. `random` names a stream of random numbers of the member.
    pub fn new(member: &Member, random: impl Fn(&str) -> Stream) -> Self {
        let members = member.group.members.len();
        match member.group.protocol.clone() {
            Protocol::Quorum(config) => ProtocolState::Quorum(Box::new(Quorum::new(config, member, random))),
            Protocol::Primary(config) => ProtocolState::Primary(Box::new(Primary::new(&config, member.index, members))),
            Protocol::Raft(config) => ProtocolState::Raft(Box::new(Raft::new(&config, members, random("election")))),
            Protocol::Chain => ProtocolState::Chain(Box::new(Chain::new())),
            Protocol::TwoPhase(config) => ProtocolState::TwoPhase(Box::new(TwoPhase::new(&config))),
            Protocol::Gossip(config) => ProtocolState::Gossip(Box::new(Gossip::new(&config, random("gossip")))),
        }
    }

    /// Starts, or restarts: sets the first timers.
    pub fn start(&mut self, now: Micros, member: &mut Member, ctx: &mut Context) {
        match self {
            ProtocolState::Quorum(quorum) => quorum.start(now, ctx),
            ProtocolState::Primary(primary) => primary.start(now, member, ctx),
            ProtocolState::Raft(raft) => raft.start(now, ctx),
            ProtocolState::Chain(chain) => chain.start(now, member, ctx),
            ProtocolState::TwoPhase(two_phase) => two_phase.start(now, member, ctx),
            ProtocolState::Gossip(gossip) => gossip.start(now, ctx),
        }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self, member: &Member) {
        match self {
            ProtocolState::Quorum(quorum) => quorum.assert_invariants(),
            ProtocolState::Primary(primary) => primary.assert_invariants(member.index),
            ProtocolState::Raft(raft) => raft.assert_invariants(member.index),
            ProtocolState::Chain(chain) => chain.assert_invariants(),
            ProtocolState::TwoPhase(two_phase) => two_phase.assert_invariants(member.group.members.len()),
            ProtocolState::Gossip(gossip) => gossip.assert_invariants(),
        }
    }

    /// Loses the volatile state; with the disk, the durable state too.
    pub fn crash(&mut self, lose_disk: bool) {
        match self {
            ProtocolState::Quorum(quorum) => quorum.crash(lose_disk),
            ProtocolState::Primary(primary) => primary.crash(lose_disk),
            ProtocolState::Raft(raft) => raft.crash(lose_disk),
            ProtocolState::Chain(chain) => chain.crash(lose_disk),
            ProtocolState::TwoPhase(two_phase) => two_phase.crash(lose_disk),
            ProtocolState::Gossip(gossip) => gossip.crash(lose_disk),
        }
    }

    /// Handles a client's request. Returns the replies that are ready, to this request and to earlier ones.
    pub fn execute(
        &mut self,
        now: Micros,
        client: ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        match self {
            ProtocolState::Quorum(quorum) => quorum.execute(now, client, member, ctx),
            ProtocolState::Primary(primary) => primary.execute(now, &client, member, ctx),
            ProtocolState::Raft(raft) => raft.execute(now, &client, member, ctx),
            ProtocolState::Chain(chain) => chain.execute(now, &client, member, ctx),
            ProtocolState::TwoPhase(two_phase) => two_phase.execute(now, client, member, ctx),
            ProtocolState::Gossip(gossip) => vec![gossip.execute(now, &client, member, ctx)],
        }
    }

    /// Handles a message within the group. `back` is the link to the sender. Returns the replies that are ready.
    pub fn on_message(
        &mut self,
        now: Micros,
        message: &ReplicaMessage,
        back: Option<LinkId>,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        let from = member.group.index(message.sender);
        if let (ProtocolState::Quorum(quorum), MessageBody::Quorum(message)) = (&mut *self, &message.body) {
            return quorum.on_message(now, from, message, back, member, ctx);
        }
        let Some(from) = from else { unreachable!("only quorums have coordinators outside of the group") };
        match (self, &message.body) {
            (ProtocolState::Quorum(quorum), MessageBody::AntiEntropy(message)) => {
                quorum.on_anti_entropy(from, message, member, ctx);
                Vec::new()
            }
            (ProtocolState::Primary(primary), MessageBody::Primary(message)) => {
                primary.on_message(now, from, message, member, ctx)
            }
            (ProtocolState::Raft(raft), MessageBody::Raft(message)) => raft.on_message(now, from, message, member, ctx),
            (ProtocolState::Chain(chain), MessageBody::Chain(message)) => {
                chain.on_message(now, from, message, member, ctx)
            }
            (ProtocolState::TwoPhase(two_phase), MessageBody::TwoPhase(message)) => {
                two_phase.on_message(now, from, message, member, ctx)
            }
            (ProtocolState::Gossip(gossip), MessageBody::Gossip(message)) => {
                gossip.on_message(now, from, message, member, ctx);
                Vec::new()
            }
            (
                ProtocolState::Quorum(_)
                | ProtocolState::Primary(_)
                | ProtocolState::Raft(_)
                | ProtocolState::Chain(_)
                | ProtocolState::TwoPhase(_)
                | ProtocolState::Gossip(_),
                _,
            ) => unreachable!("all members of a group have the same protocol"),
        }
    }

    /// Handles a timer. Returns the replies that are ready.
    pub fn on_timer(
        &mut self,
        now: Micros,
        number: u32,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        match self {
            ProtocolState::Quorum(quorum) => quorum.on_timer(now, number, member, ctx),
            ProtocolState::Primary(primary) => primary.on_timer(now, number, member, ctx),
            ProtocolState::Raft(raft) => raft.on_timer(now, number, member, ctx),
            ProtocolState::TwoPhase(two_phase) => two_phase.on_timer(now, number, member, ctx),
            ProtocolState::Chain(chain) => {
                chain.on_timer(now, number, member, ctx);
                Vec::new()
            }
            ProtocolState::Gossip(gossip) => {
                gossip.on_timer(now, number, member, ctx);
                Vec::new()
            }
        }
    }

    /// Returns the state that Raft's safety properties refer to; `None` for other protocols.
    pub fn raft(&self) -> Option<RaftView<'_>> {
        match self {
            ProtocolState::Raft(raft) => Some(raft.view()),
            ProtocolState::Quorum(_)
            | ProtocolState::Primary(_)
            | ProtocolState::Chain(_)
            | ProtocolState::TwoPhase(_)
            | ProtocolState::Gossip(_) => None,
        }
    }
}
