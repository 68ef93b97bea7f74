use super::members::Members;
use super::staleness::Staleness;
use crate::trace::{Fact, KeyId, NodeId, UpdateId, facts_about};
use std::collections::BTreeMap;

/// An acknowledged update that no copy holds any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnheldUpdate {
    pub update: UpdateId,
    pub key: KeyId,
    /// Its coordinator, or the service that committed it.
    pub origin: NodeId,
}

/// What a record shows of such updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnheldChange {
    /// A read shows the loss of these.
    Shown(Vec<UnheldUpdate>),
    /// A late message has brought this one back, after a read had shown its loss.
    Restored(UnheldUpdate),
}

/// The acknowledged updates of which no copy is left, since disks were lost. A later read of the key shows the loss, unless a message
/// or a hint has brought the update back before.
#[derive(Clone, Debug, Default)]
pub(super) struct UnheldUpdates {
    was_disk_lost: bool,
    /// The keys of updates that are not acknowledged.
    unacknowledged: BTreeMap<UpdateId, KeyId>,
    /// The updates whose loss no read has shown.
    hidden: BTreeMap<UpdateId, UnheldUpdate>,
    shown: BTreeMap<UpdateId, UnheldUpdate>,
}

impl UnheldUpdates {
    /// Observes the next record, after the copies and the members.
    pub fn observe(&mut self, fact: &Fact, copies: &Staleness, members: &Members) -> Option<UnheldChange> {
        match fact {
            Fact::WriteCoordinated { update, key, .. } | Fact::UpdateCommitted { update, key, .. } => {
                self.unacknowledged.insert(*update, *key);
            }
            Fact::UpdateAcknowledged { update, .. } => {
                let key = self.unacknowledged.remove(update).filter(|_| self.was_disk_lost);
                key.into_iter().for_each(|key| self.find(key, copies, members));
            }
            Fact::ServiceCrashed { lost_disk: true, .. } => {
                self.was_disk_lost = true;
                let keys = (0..copies.key_count() as u32).map(KeyId);
                keys.for_each(|key| self.find(key, copies, members));
            }
            Fact::HintRemoved { key, delivered: false, .. } if self.was_disk_lost => self.find(*key, copies, members),
            Fact::ReadServed { node, key, .. } => return self.show(*node, *key, copies),
            Fact::ReplicaStored { update: Some(update), changed: true, .. }
            | Fact::StateMerged { update: Some(update), .. }
            | Fact::UpdateApplied { update, changed: true, .. } => {
                self.hidden.remove(update);
                return self.shown.remove(update).map(UnheldChange::Restored);
            }
            facts_about!(declarations, messages, events, faults, repair, leaders, transactions)
            | Fact::OperationIssued { .. }
            | Fact::OperationRefused { .. }
            | Fact::OperationEnded { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateApplied { .. }
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. } => {}
        }
        None
    }

    fn show(&mut self, node: NodeId, key: KeyId, copies: &Staleness) -> Option<UnheldChange> {
        let is_shown = |unheld: &UnheldUpdate| unheld.key == key && copies.should_hold(node, key, unheld.origin);
        let shown: Vec<UnheldUpdate> = self.hidden.values().copied().filter(is_shown).collect();
        for unheld in &shown {
            self.hidden.remove(&unheld.update);
            self.shown.insert(unheld.update, *unheld);
        }
        (!shown.is_empty()).then_some(UnheldChange::Shown(shown))
    }

    /// Finds the acknowledged updates of a key that no copy holds.
    fn find(&mut self, key: KeyId, copies: &Staleness, members: &Members) {
        for (update, origin) in copies.unheld_updates(key, members) {
            if !self.shown.contains_key(&update) {
                self.hidden.insert(update, UnheldUpdate { update, key, origin });
            }
        }
    }

    /// Returns the number of updates whose loss no read has shown.
    pub fn hidden(&self) -> u64 {
        self.hidden.len() as u64
    }
}
