//! The operations of a client at a replica group: sent to a member, redirected, retried, or coordinated by the client itself.

use super::{Client, PendingOperation};
use crate::engine::context::Context;
use crate::engine::message::{About, Payload, ReadResult, Request};
use crate::engine::queue::Timer;
use crate::engine::replica::messages::{MessageBody, QuorumMessage, ReplicaMessage};
use crate::engine::replica::{ClientRequest, OperationReply, Reply, Requester};
use crate::scenario::{Micros, Operation};
use crate::trace::{Fact, NodeId, OperationId, Outcome, Refusal, Version};
use std::sync::Arc;

/// The time that a client waits before it retries, after it has asked all members, or one that does not know the leader, µs.
const RETRY_WAIT: Micros = 10_000;
/// The kind of timer for a retry, in the two lowest bits of a protocol timer's number; the others are the coordinator's.
const RETRY: u32 = 1;

impl Client {
    /// Issues an operation at the group.
    pub(super) fn issue_at_group(
        &mut self,
        now: Micros,
        session: u32,
        generated: bool,
        operation: &Operation,
        ctx: &mut Context,
    ) {
        let Some(group) = &mut self.config.group else { return };
        let member = group.choose(session, operation.is_read());
        debug_assert!(member.is_some() || group.has_coordinator(), "the client or a member coordinates");
        let mut request = ctx.issue(self.config.node, session, group.node(member), operation);
        let id = request.operation;
        debug_assert!(!self.pending.contains_key(&id), "ids of operations are not reused");
        request.token = group.token(session, request.key);
        request.reads_at_primary = operation.is_read() && group.reads_at_primary();
        let request = Arc::new(request);
        let pending = PendingOperation { session, generated, request: Some(request.clone()), sent: 1, timeouts: 0 };
        self.pending.insert(id, pending);
        ctx.wake(now + self.config.timeout, Timer::OperationTimeout(id.0));
        self.send_or_coordinate(now, id, member, request, ctx);
    }

    /// Sends an operation to a member, or coordinates it if there is none.
    fn send_or_coordinate(
        &mut self,
        now: Micros,
        id: OperationId,
        member: Option<usize>,
        request: Arc<Request>,
        ctx: &mut Context,
    ) {
        debug_assert!(now == ctx.now, "an operation is sent now");
        let Some(group) = &mut self.config.group else { return };
        debug_assert!(member.is_some() || group.has_coordinator(), "the client or a member coordinates");
        match member {
            Some(member) => self.send_request(id, member, ctx),
            None => {
                let request = ClientRequest { requester: Requester::Local, request };
                let replies = group.coordinate(|coordinator| coordinator.begin(now, request, None, ctx));
                self.end_coordinated(now, replies, ctx);
            }
        }
    }

    fn send_request(&self, id: OperationId, member: usize, ctx: &mut Context) {
        let link = self.config.group.as_ref().and_then(|group| group.link(member));
        let request = self.pending.get(&id).and_then(|pending| pending.request.clone());
        if let (Some(link), Some(request)) = (link, request) {
            ctx.send(link, Payload::Operate(request), About { operation: Some(id), ..About::default() });
        }
    }

    /// Handles the message of a replica to the client as the coordinator of its operations.
    pub(super) fn on_replica_message(&mut self, now: Micros, message: &ReplicaMessage, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        let Some(group) = &mut self.config.group else { return };
        let MessageBody::Quorum(body) = &message.body else {
            unreachable!("only replicas of a quorum reply to a client");
        };
        let Some(from) = group.index(message.sender) else { return };
        let replies = match body {
            QuorumMessage::WriteAck { request } => {
                group.coordinate(|coordinator| coordinator.on_write_ack(*request, from, ctx))
            }
            QuorumMessage::ReadReply { request, state, .. } => {
                group.coordinate(|coordinator| coordinator.on_read_reply(now, *request, from, state.clone(), None, ctx))
            }
            QuorumMessage::Write { .. } | QuorumMessage::Read { .. } => unreachable!("a client is no replica"),
        };
        self.end_coordinated(now, replies, ctx);
    }

    /// Ends operations that the client coordinated itself.
    fn end_coordinated(&mut self, now: Micros, replies: Vec<OperationReply>, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        debug_assert!(self.config.group.is_some(), "only a client of a group coordinates");
        for OperationReply { operation, reply, .. } in replies {
            match reply {
                Reply::Read(result) => self.on_result(now, operation, result, ctx),
                Reply::Written(update, version) => {
                    self.observe_write(operation, version);
                    self.end(now, operation, Outcome::Ok, Some(update), None, ctx);
                }
                Reply::Unchanged => self.end(now, operation, Outcome::Ok, None, None, ctx),
                Reply::Refused(cause, outcome) => {
                    ctx.record(Fact::OperationRefused { operation, node: self.config.node, cause });
                    self.end(now, operation, outcome, None, None, ctx);
                }
                Reply::Redirect(_) => {
                    let cause = Refusal::NoLeader;
                    ctx.record(Fact::OperationRefused { operation, node: self.config.node, cause });
                    self.end(now, operation, Outcome::Fail, None, None, ctx);
                }
            }
        }
    }

    /// Handles the redirection of an operation, to a member that accepts it if that is known.
    pub(super) fn on_redirect(&mut self, now: Micros, id: OperationId, to: Option<NodeId>, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        let (Some(pending), Some(group)) = (self.pending.get_mut(&id), &mut self.config.group) else { return };
        pending.sent += 1;
        let members = group.members() as u32;
        debug_assert!(members > 0, "a group has members");
        match to.and_then(|node| group.index(node)) {
            // Waits at intervals, because two members that redirect to each other would otherwise be asked without end in one
            // instant.
            Some(member) if pending.sent % (members + 1) != 0 => {
                // Keeps the member that accepts writes. Redirections of other reads do not count, because a chain's tail
                // accepts only reads.
                if pending.request.as_ref().is_some_and(|request| request.reads_at_primary || !request.action.is_read())
                {
                    group.set_leader(member);
                }
                self.send_request(id, member, ctx);
            }
            Some(_) | None => ctx.wake(now + RETRY_WAIT, Timer::Protocol(id.0 << 2 | RETRY)),
        }
    }

    pub(super) fn on_protocol_timer(&mut self, now: Micros, n: u32, ctx: &mut Context) {
        ctx.assert_handler(self.config.node, now);
        if n & 3 == RETRY {
            let id = OperationId(n >> 2);
            let (Some(pending), Some(group)) = (self.pending.get(&id), &self.config.group) else { return };
            let member = (group.leader() + pending.sent as usize) % group.members();
            return self.send_request(id, member, ctx);
        }
        let Some(group) = &mut self.config.group else { return };
        let replies = group.coordinate(|coordinator| coordinator.on_timeout(now, n >> 2, None, ctx));
        self.end_coordinated(now, replies, ctx);
    }

    /// Makes the session of an operation use another member from now on, because its member has not replied.
    pub(super) fn avoid_silent_member(&mut self, id: OperationId) {
        if let (Some(pending), Some(group)) = (self.pending.get(&id), &mut self.config.group) {
            group.avoid_silent_member(pending.session);
        }
    }

    /// Retries an operation without a reply.
    pub(super) fn retry_at_group(&mut self, now: Micros, id: OperationId, request: Arc<Request>, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "an operation is sent now");
        let (Some(pending), Some(group)) = (self.pending.get(&id), &mut self.config.group) else { return };
        debug_assert!(pending.request.is_some(), "a request that may be retried is kept");
        let member = group.choose(pending.session, request.action.is_read());
        self.send_or_coordinate(now, id, member, request, ctx);
    }

    /// Notes the version of a write for the guarantees of its session.
    pub(super) fn observe_write(&mut self, id: OperationId, version: Version) {
        debug_assert!(!version.is_none(), "a write has a version");
        let (Some(pending), Some(group)) = (self.pending.get(&id), &mut self.config.group) else { return };
        let Some(request) = &pending.request else { return };
        debug_assert!(!request.action.is_read(), "a read writes nothing");
        group.observe_write(pending.session, request.key, version);
    }

    /// Returns whether the result of a read satisfies the guarantees of its session. If not, retries the read elsewhere.
    pub(super) fn accept_result(
        &mut self,
        now: Micros,
        id: OperationId,
        result: &ReadResult,
        ctx: &mut Context,
    ) -> bool {
        debug_assert!(now == ctx.now, "a message is handled when it arrives");
        let Some(pending) = self.pending.get_mut(&id) else { return true };
        let (Some(request), Some(group)) = (pending.request.clone(), &mut self.config.group) else { return true };
        debug_assert!(request.action.is_read(), "only a read has a result");
        let (session, key) = (pending.session, request.key);
        if group.satisfies_guarantees(session, key, result) {
            group.observe_read(session, key, result);
            return true;
        }
        pending.sent += 1;
        let sent = pending.sent as usize;
        if group.has_coordinator() {
            self.send_or_coordinate(now, id, None, request, ctx);
        } else if sent.is_multiple_of(group.members()) {
            ctx.wake(now + RETRY_WAIT, Timer::Protocol(id.0 << 2 | RETRY));
        } else {
            let member = group.member_for_retry(session, sent);
            self.send_request(id, member, ctx);
        }
        false
    }
}
