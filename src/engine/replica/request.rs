//! An operation requested of a group, and the reply to it.

use crate::engine::context::Context;
use crate::engine::message::{LinkId, ReadResult, Request};
use crate::trace::{Fact, NodeId, OperationId, Outcome, Refusal, UpdateId, Version};
use std::sync::Arc;

/// The requester of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// The user of the page, or a client that coordinates itself.
    Local,
    /// A client, or a member that handles an event, over this link.
    Link(LinkId),
    /// The member itself, which handles an event.
    EventHandler,
}

/// How an operation ended, or where it must be sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The result of a read.
    Read(ReadResult),
    /// The update of a write, and its version.
    Written(UpdateId, Version),
    /// The event's write changed nothing.
    Unchanged,
    /// The operation failed: certainly without effect, or with unknown outcome.
    Refused(Refusal, Outcome),
    /// Another member executes such operations; `None` if that member is not known.
    Redirect(Option<NodeId>),
}

/// A reply with its recipient.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationReply {
    /// The operation.
    pub operation: OperationId,
    /// The requester.
    pub requester: Requester,
    /// The reply.
    pub reply: Reply,
}

/// A request with its requester.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    /// The requester of the operation.
    pub requester: Requester,
    /// The request.
    pub request: Arc<Request>,
}

impl ClientRequest {
    /// Returns whether the operation is a read.
    pub fn is_read(&self) -> bool {
        self.request.action.is_read()
    }

    /// Returns a reply to the request.
    pub fn reply(&self, reply: Reply) -> OperationReply {
        OperationReply { operation: self.request.operation, requester: self.requester, reply }
    }

    /// Returns a refusal: the operation certainly had no effect.
    pub fn refuse(&self, cause: Refusal) -> OperationReply {
        self.reply(Reply::Refused(cause, Outcome::Fail))
    }
}

/// Records the end of an operation that was requested at the node itself.
pub fn record_end(operation: OperationId, node: NodeId, reply: &Reply, ctx: &mut Context) {
    match reply {
        Reply::Read(_) | Reply::Unchanged => ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Ok }),
        Reply::Written(update, _) => {
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Ok });
            ctx.record(Fact::UpdateAcknowledged { update: *update, operation });
        }
        Reply::Refused(_, outcome) => ctx.record(Fact::OperationEnded { operation, outcome: *outcome }),
        Reply::Redirect(_) => {
            ctx.record(Fact::OperationRefused { operation, node, cause: Refusal::NoLeader });
            ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Fail });
        }
    }
}
