//! An operation of a run, as its trace records it.

use crate::scenario::Value;
use crate::trace::{KeyId, NodeId, OperationId, OperationKind, Outcome, UpdateId, Version};

/// An operation of a run, from its trace.
#[derive(Clone, Debug)]
pub struct RecordedOperation {
    /// Its id in the run.
    pub operation: OperationId,
    /// The client that issued it.
    pub by: NodeId,
    /// The node that it was sent to.
    pub to: NodeId,
    /// Its process: a client's session, until an operation of it ends `unknown`.
    pub process: u32,
    /// Its kind.
    pub kind: OperationKind,
    /// The key.
    pub key: KeyId,
    /// The value to write, add or remove.
    pub value: Option<Value>,
    /// The value that compare-and-set expected.
    pub expected: Option<Value>,
    /// The result of a read.
    pub served: Option<Value>,
    /// Whether the result may be siblings.
    pub(super) unordered: bool,
    /// The times of its invocation and end, µs.
    pub times: (i64, i64),
    /// The version that a read returned.
    pub(super) version: Option<Version>,
    /// The updates that a change made, each with its version: several if it was executed more than once.
    pub(super) executions: Vec<(UpdateId, Version)>,
    /// The value that a change with a version wrote.
    pub(super) written: Option<Value>,
    pub(super) outcome: Outcome,
    /// Whether it has ended.
    pub(super) has_ended: bool,
    pub(super) invoked: u32,
    pub(super) ended: u32,
}

impl RecordedOperation {
    /// Returns whether no model covers it.
    pub(super) fn is_unsupported(&self) -> bool {
        match self.kind {
            OperationKind::Put | OperationKind::RemoveAt => true,
            OperationKind::Insert => self.expected.is_some(),
            OperationKind::Read
            | OperationKind::Write
            | OperationKind::Delete
            | OperationKind::Add
            | OperationKind::Remove
            | OperationKind::Increment
            | OperationKind::CompareAndSet => false,
        }
    }
}
