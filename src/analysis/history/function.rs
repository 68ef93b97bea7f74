//! The functions of operations, by which their source names them.

use super::Invocation;
use crate::trace::OperationKind;

/// The function of an operation, as its source names it. The [`Invocation`] is its meaning for the checks, where several
/// functions are one: a deletion writes no value, and a decrement adds a negative number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Returns the value.
    Read,
    /// Sets the value.
    Write,
    /// Deletes the key.
    Delete,
    /// Sets the value if it equals the expected one.
    CompareAndSet,
    /// Adds to a number.
    Increment,
    /// Subtracts from a number.
    Decrement,
    /// Adds an element to a set, or to a number.
    Add,
    /// Removes an element.
    Remove,
    /// Appends an element to a list.
    Append,
    /// Puts a value into a field of a map.
    Put,
    /// Inserts an element into a list.
    Insert,
    /// Removes an element from a list by its index.
    RemoveAt,
}

impl Function {
    /// Returns the function of an operation of a run.
    pub(super) fn of(kind: OperationKind, invocation: Invocation, is_unsupported: bool) -> Self {
        match kind {
            // An insertion at the end of a list.
            OperationKind::Insert if !is_unsupported => invocation.function(),
            OperationKind::Read => Function::Read,
            OperationKind::Write => Function::Write,
            OperationKind::Delete => Function::Delete,
            OperationKind::CompareAndSet => Function::CompareAndSet,
            OperationKind::Increment => Function::Increment,
            OperationKind::Add => Function::Add,
            OperationKind::Remove => Function::Remove,
            OperationKind::Put => Function::Put,
            OperationKind::Insert => Function::Insert,
            OperationKind::RemoveAt => Function::RemoveAt,
        }
    }
}

impl Invocation {
    /// Returns the function with this meaning, for a source that names no other one.
    pub fn function(self) -> Function {
        match self {
            Invocation::Read => Function::Read,
            Invocation::Write(_) => Function::Write,
            Invocation::CompareAndSet { .. } => Function::CompareAndSet,
            Invocation::Increment(_) => Function::Increment,
            Invocation::Add(_) => Function::Add,
            Invocation::Remove(_) => Function::Remove,
            Invocation::Append(_) => Function::Append,
        }
    }
}
