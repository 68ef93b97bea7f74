//! The memory that the lists of a fact use.

use super::{Fact, facts_about};
use crate::scenario::Value;

impl Fact {
    /// Returns the estimated bytes of its lists.
    pub(super) fn content(&self) -> u64 {
        let elements = |value: &Option<Value>| value.as_ref().map_or(0, Value::elements);
        let (elements, pairs) = match self {
            Fact::OperationIssued { value, .. } | Fact::ReplicaStored { value, .. } => (elements(value), 0),
            Fact::ReadServed { value, context, .. } => (elements(value), context.as_ref().map_or(0, Vec::len)),
            Fact::WriteCoordinated { value, .. } => (elements(value), 0),
            Fact::Seeded { value, .. }
            | Fact::UpdateCommitted { value, .. }
            | Fact::UpdateApplied { value, .. }
            | Fact::UpdateProposed { value, .. } => (value.elements(), 0),
            Fact::StateMerged { values, context, .. } => {
                (values.iter().map(|value| 1 + value.elements()).sum(), context.len())
            }
            Fact::KeyPlaced { replicas, .. } => (0, replicas.len()),
            facts_about!(messages, events, faults, repair, leaders, transactions)
            | Fact::FlowDeclared { .. }
            | Fact::QueueShared { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::StoreShared { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationEnded { .. }
            | Fact::UpdateAcknowledged { .. }
            | Fact::WriteRolledBack { .. } => return 0,
        };
        elements * 40 + pairs as u64 * 8
    }
}
