use crate::trace::{Fact, KeyId, OperationId, OperationKind, Outcome, UpdateId, facts_about};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a run could have shown a lost update. It could if a client read a key after an update of the key was acknowledged.
/// The servers of a group also report losses that no client reads: two acknowledged updates of a key are enough, of which one could
/// have overwritten the other blindly, or one and a compare-and-set that failed instead.
#[derive(Clone, Debug, Default)]
pub(super) struct LossEvidence {
    /// Updates that are not acknowledged, each with its key, and whether it is a group's.
    updates: BTreeMap<UpdateId, (KeyId, bool)>,
    /// Keys with an acknowledged update, each with whether it is a group's.
    acknowledged: BTreeMap<KeyId, bool>,
    /// Pending operations that read a key after an update of it was acknowledged.
    reads: BTreeSet<OperationId>,
    /// Pending compare-and-sets.
    compare_and_sets: BTreeMap<OperationId, KeyId>,
    /// Keys with a failed compare-and-set.
    compared: BTreeSet<KeyId>,
    is_complete: bool,
}

impl LossEvidence {
    pub(super) fn observe(&mut self, fact: &Fact) {
        if self.is_complete {
            return;
        }
        match fact {
            Fact::WriteCoordinated { update, key, .. } => _ = self.updates.insert(*update, (*key, true)),
            Fact::UpdateCommitted { update, key, .. } => _ = self.updates.entry(*update).or_insert((*key, false)),
            Fact::UpdateAcknowledged { update, .. } => {
                if let Some((key, is_of_group)) = self.updates.remove(update) {
                    let before = self.acknowledged.insert(key, is_of_group);
                    self.is_complete |= is_of_group && (before == Some(true) || self.compared.contains(&key));
                }
            }
            Fact::OperationIssued {
                operation,
                kind: kind @ (OperationKind::Read | OperationKind::CompareAndSet),
                key,
                ..
            } => {
                if *kind == OperationKind::CompareAndSet {
                    self.compare_and_sets.insert(*operation, *key);
                }
                if self.acknowledged.contains_key(key) {
                    self.reads.insert(*operation);
                }
            }
            Fact::OperationEnded { operation, outcome } => {
                self.is_complete |= self.reads.remove(operation) && *outcome == Outcome::Ok;
                let key = self.compare_and_sets.remove(operation).filter(|_| *outcome == Outcome::Fail);
                if let Some(key) = key {
                    self.compared.insert(key);
                    self.is_complete |= self.acknowledged.get(&key) == Some(&true);
                }
            }
            facts_about!(declarations, messages, events, faults, repair, leaders, transactions)
            | Fact::OperationIssued { .. }
            | Fact::ReadServed { .. }
            | Fact::OperationRefused { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateApplied { .. }
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. } => {}
        }
        if self.is_complete {
            *self = LossEvidence { is_complete: true, ..LossEvidence::default() };
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }
}
