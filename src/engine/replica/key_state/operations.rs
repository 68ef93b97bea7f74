//! Executes operations on the state of a key that is not a register.

use super::KeyState;
use super::dot_store::Dot;
use crate::engine::store;
use crate::scenario::{Data, Operation, Value};
use crate::trace::{Refusal, VersionVector};
use std::sync::Arc;

/// An executed operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The dot of the update.
    pub dot: Dot,
    /// The value that it wrote; `None` for a deletion or a removal.
    pub value: Option<Value>,
}

impl KeyState {
    /// Executes an operation at the replica `origin`. A put replaces the siblings that `observed` includes, or all
    /// siblings if it is not given.
    ///
    /// # Errors
    /// Returns why the data type does not offer the operation, or why it does not fit the key's value.
    pub fn execute(
        &mut self,
        data: &Data,
        origin: u32,
        operation: &Operation,
        observed: Option<&VersionVector>,
    ) -> Result<Change, Refusal> {
        debug_assert!(origin > 0, "origin 0 is that of the scenario's data");
        let is_counted = |(_, count): &(u32, u32)| *count > 0;
        debug_assert!(observed.is_none_or(|observed| observed.iter().all(is_counted)), "updates are counted from 1");
        let change = |dot: Dot, value: Option<&Value>| Change { dot, value: value.cloned() };
        Ok(match (self, data, operation) {
            (KeyState::Dotted(state), Data::MultiValue | Data::Merged { .. }, Operation::Write { value, .. }) => {
                let observed = observed.cloned().unwrap_or_else(|| state.version_vector());
                change(state.put(origin, Some(value.clone()), &observed), Some(value))
            }
            (KeyState::Dotted(state), Data::MultiValue | Data::Merged { .. }, Operation::Delete { .. }) => {
                let observed = observed.cloned().unwrap_or_else(|| state.version_vector());
                change(state.put(origin, None, &observed), None)
            }
            // The operation changes the merged value, which then replaces all siblings.
            (
                KeyState::Dotted(state),
                Data::Merged { .. },
                Operation::Add { .. }
                | Operation::Remove { .. }
                | Operation::Put { .. }
                | Operation::Insert { .. }
                | Operation::RemoveAt { .. }
                | Operation::Increment { .. },
            ) => {
                let value = store::after(state.values(data).first(), operation)?;
                let dot = state.put(origin, Some(value.clone()), &state.version_vector());
                Change { dot, value: Some(value) }
            }
            (KeyState::Dotted(state), Data::Set, Operation::Add { element, .. }) => {
                change(state.add(origin, element.clone()), Some(element))
            }
            (KeyState::Dotted(state), Data::Set, Operation::Remove { element, .. }) => {
                change(state.remove(origin, element), None)
            }
            (KeyState::Dotted(state), Data::RemoveWinsSet, Operation::Add { element, .. }) => {
                change(state.add_to_remove_wins(origin, element.clone()), Some(element))
            }
            (KeyState::Dotted(state), Data::RemoveWinsSet, Operation::Remove { element, .. }) => {
                change(state.remove_from_remove_wins(origin, element), None)
            }
            (KeyState::Dotted(state), Data::Map, Operation::Put { field, value, .. }) => {
                let field: Arc<str> = field.as_str().into();
                let written = Value::with_field(field.clone(), value.clone());
                change(state.put_field(origin, &field, Some(value.clone())), Some(&written))
            }
            (KeyState::Dotted(state), Data::Map, Operation::Remove { element: field, .. }) => {
                change(state.put_field(origin, &field.to_string().into(), None), None)
            }
            (KeyState::Sequence(state), _, Operation::Insert { at: index, element, .. }) => {
                change(state.insert(origin, *index, element.clone()), Some(element))
            }
            (KeyState::Sequence(state), _, Operation::RemoveAt { at: index, .. }) => {
                change(state.remove(origin, *index).ok_or(Refusal::NotAsExpected)?, None)
            }
            (KeyState::Counter(state), _, Operation::Increment { by: amount, .. }) => {
                store::sum(state.value().unwrap_or(0), *amount)?;
                change(state.add(origin, *amount), Some(&Value::Int(*amount)))
            }
            (KeyState::Register(_) | KeyState::Dotted(_) | KeyState::Counter(_) | KeyState::Sequence(_), _, _) => {
                return Err(Refusal::NotOffered);
            }
        })
    }
}

/// Returns the value of a register's key after an operation; `None` for a deletion.
///
/// # Errors
/// Returns why the operation does not fit the key's value.
pub fn register_after(present: Option<&Value>, operation: &Operation) -> Result<Option<Value>, Refusal> {
    match operation {
        Operation::Delete { .. } => Ok(None),
        Operation::Read { .. }
        | Operation::Write { .. }
        | Operation::Add { .. }
        | Operation::Remove { .. }
        | Operation::Put { .. }
        | Operation::Insert { .. }
        | Operation::RemoveAt { .. }
        | Operation::Increment { .. }
        | Operation::CompareAndSet { .. } => store::after(present, operation).map(Some),
    }
}
