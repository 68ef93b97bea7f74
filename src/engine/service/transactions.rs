//! The state of a service's transactions. Promises, decisions and commits are durable.

use crate::engine::context::Context;
use crate::engine::message::{LinkId, Update};
use crate::scenario::Micros;
use crate::trace::{Fact, KeyId, OperationId, Outcome, UpdateId};
use litemap::LiteMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A transaction whose votes its coordinator awaits.
#[derive(Clone, Debug)]
pub(super) struct Voting {
    /// The job of the coordinator.
    pub(super) job: u32,
    /// Whether each callee has voted yes, by call.
    pub(super) granted: Vec<bool>,
    /// The participants' own writes.
    pub(super) operations: Vec<OperationId>,
}

/// A participant's promise to commit its part.
#[derive(Clone, Debug)]
pub(super) struct Promise {
    pub(super) update: Arc<Update>,
    /// The participant's own write; none if it applies the coordinator's update.
    pub(super) operation: Option<OperationId>,
    /// The link to the coordinator.
    pub(super) coordinator: LinkId,
    /// How long the participant waits before it asks for the decision.
    pub(super) timeout: Micros,
}

/// The transactions of a service, as coordinator and as participant.
#[derive(Clone, Debug, Default)]
pub(super) struct Transactions {
    /// The transactions without a decision, at their coordinator.
    pub(super) voting: LiteMap<UpdateId, Voting>,
    /// The committed transactions at their coordinator, with the calls that have not confirmed the decision.
    pub(super) decided: LiteMap<UpdateId, Vec<usize>>,
    /// The promises without a decision, at their participant.
    pub(super) promises: LiteMap<UpdateId, Promise>,
    /// The transactions that a participant has committed, so that a second copy of a message has no effect.
    pub(super) committed: BTreeSet<UpdateId>,
    /// The writes that callees execute without two-phase commit, with the job that waits for each.
    pub(super) nested: LiteMap<OperationId, u32>,
}

impl Transactions {
    /// Returns whether a promise locks a key.
    pub(super) fn locks(&self, key: KeyId) -> bool {
        self.promises.values().any(|promise| promise.update.key == key)
    }

    /// Ends the nested write of a job as unknown.
    pub(super) fn abandon_nested(&mut self, job: u32, ctx: &mut Context) {
        let of_job = self.nested.iter().find(|(_, waiting)| **waiting == job).map(|(operation, _)| *operation);
        if let Some(operation) = of_job {
            debug_assert!(self.nested.get(&operation) == Some(&job), "the job waits for the write");
            self.nested.remove(&operation);
            end_operations(&[operation], Outcome::Unknown, ctx);
        }
        debug_assert!(!self.nested.values().any(|waiting| *waiting == job), "a job waits for one nested write");
    }

    /// Aborts the transactions without a decision. If the disk is lost, so is the whole state.
    pub(super) fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        for (operation, _) in std::mem::take(&mut self.nested) {
            end_operations(&[operation], Outcome::Unknown, ctx);
        }
        for (_, voting) in std::mem::take(&mut self.voting) {
            end_operations(&voting.operations, Outcome::Unknown, ctx);
        }
        if lose_disk {
            *self = Transactions::default();
        }
        debug_assert!(self.nested.is_empty() && self.voting.is_empty(), "transactions without a decision are aborted");
        debug_assert!(!lose_disk || self.promises.is_empty(), "promises are on the disk");
    }
}

/// Ends operations with one outcome.
pub(super) fn end_operations(operations: &[OperationId], outcome: Outcome, ctx: &mut Context) {
    for &operation in operations {
        ctx.record(Fact::OperationEnded { operation, outcome });
    }
}
