//! Operations that are always refused.

use super::Warnings;
use crate::language::{phrase, sentence};
use crate::scenario::{Data, Group, Operation};

impl Warnings<'_> {
    /// Warns of an operation at a service or a group that never succeeds.
    pub(super) fn operation(&mut self, path: &str, operation: &Operation, target: &str, group: Option<&Group>) {
        self.offered(path, operation, group);
        let Some(mismatch) = self.value_kinds.mismatch(operation, target, group) else { return };
        let key = operation.key();
        let (held, fits) = (mismatch.held.name(), mismatch.expected.needed());
        self.no_effect(
            path,
            &sentence!(
                "it needs {fits}, but `{key}` is {held} at `{target}`, and nothing changes that",
                "nötig ist {fits}, aber `{key}` ist {held} bei `{target}`, und nichts ändert das"
            ),
        );
    }

    /// Warns of an operation that the data type of its group, or a service, does not offer.
    fn offered(&mut self, path: &str, operation: &Operation, group: Option<&Group>) {
        let is_delete = matches!(operation, Operation::Delete { .. });
        let Some(group) = group else {
            if is_delete {
                let problem = phrase(
                    "has no effect: a service outside of replica \
                     groups keeps no tombstones and refuses deletions",
                    "hat keine Wirkung: ein Service außerhalb von Replikatgruppen \
                     bewahrt keine Tombstones auf und lehnt Löschen ab",
                );
                self.warn(format!("{path}.delete"), problem);
            }
            return;
        };
        let publishes = |id: &String| self.service(id).is_some_and(|member| !member.publishes.is_empty());
        if is_delete && group.members.iter().any(publishes) {
            let problem = sentence!(
                "has no effect: `{}` publishes events, which carry values, and refuses deletions",
                "hat keine Wirkung: `{}` veröffentlicht \
                 Events, die Werte tragen, und lehnt Löschen ab",
                group.id
            );
            return self.warn(format!("{path}.delete"), problem);
        }
        if let (Operation::CompareAndSet { .. }, false) = (operation, group.orders_writes()) {
            self.warn(format!("{path}.compare_and_set"), no_compare_and_set(group));
        } else if !group.data.offers(operation) {
            let problem = sentence!(
                "has no effect: the data of `{}` does not offer this operation",
                "hat keine Wirkung: die Daten von `{}` bieten diese Operation nicht",
                group.id
            );
            self.warn(path, problem);
        }
    }
}

/// Returns the warning that a group refuses every compare-and-set.
pub(super) fn no_compare_and_set(group: &Group) -> String {
    let id = &group.id;
    sentence!(
        "has no effect: `{id}` refuses every compare-and-set, \
         because its protocol does not order writes",
        "hat keine Wirkung: `{id}` lehnt jedes Compare-and-Set \
         ab, denn das Protokoll ordnet keine Schreibvorgänge"
    )
}

impl Data {
    /// Returns whether the data type offers an operation. Compare-and-set also needs a protocol that orders writes.
    pub fn offers(&self, operation: &Operation) -> bool {
        match (self, operation) {
            (_, Operation::Read { .. }) => true,
            (Data::Register { .. }, _) => true,
            (Data::Merged { .. }, operation) => !matches!(operation, Operation::CompareAndSet { .. }),
            (Data::MultiValue, Operation::Write { .. } | Operation::Delete { .. })
            | (Data::Counter, Operation::Increment { .. })
            | (Data::Set | Data::RemoveWinsSet, Operation::Add { .. } | Operation::Remove { .. })
            | (Data::Map, Operation::Put { .. } | Operation::Remove { .. })
            | (Data::Sequence, Operation::Insert { .. } | Operation::RemoveAt { .. }) => true,
            (Data::MultiValue | Data::Counter | Data::Set | Data::RemoveWinsSet | Data::Map | Data::Sequence, _) => {
                false
            }
        }
    }
}
