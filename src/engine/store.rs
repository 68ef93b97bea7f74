//! The durable store of a service: rows by key, each with its version; and the rules of operations.

use super::message::Update;
use crate::scenario::{Effect, Operation, Value};
use crate::trace::{HandlingFailure, KeyId, Refusal, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The row of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The value.
    pub value: Value,
    /// Its version.
    pub version: Version,
    /// The reading of the writer's clock, µs; the minimum for initial data.
    pub clock: i64,
}

/// A service's durable store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    rows: BTreeMap<KeyId, Row>,
    /// The highest version counter used for a key. The counter of an aborted write is not reused, since a callee may have
    /// applied the update under that version.
    counters: BTreeMap<KeyId, u32>,
}

impl Store {
    /// Returns the row of a key.
    pub fn get(&self, key: KeyId) -> Option<&Row> {
        self.rows.get(&key)
    }

    /// Sets the row of a key.
    pub fn set(&mut self, key: KeyId, value: Value, version: Version, clock: i64) {
        self.rows.insert(key, Row { value, version, clock });
    }

    /// Returns the version for the next write of a key.
    pub fn next_version(&mut self, key: KeyId, origin: u32) -> Version {
        debug_assert!(origin > 0, "origin 0 is that of the scenario's data");
        let held = self.rows.get(&key).map(|row| row.version).unwrap_or_default();
        let counter = self.counters.entry(key).or_default();
        *counter = held.counter.max(*counter) + 1;
        debug_assert!(*counter > held.counter, "versions of a key increase");
        // The time of a version from a group is kept, so that the new version is greater.
        Version { time: held.time, counter: *counter, origin }
    }

    /// Returns the value that a key would have after an operation.
    ///
    /// # Errors
    /// The operation does not fit what the key holds; it has no effect.
    pub fn after(&self, key: KeyId, operation: &Operation) -> Result<Value, Refusal> {
        after(self.rows.get(&key).map(|row| &row.value), operation)
    }

    /// Returns the difference of a new value to the number that a key holds; an absent key counts as 0.
    pub fn difference(&self, key: KeyId, new: &Value) -> Option<i64> {
        match (self.rows.get(&key).map(|row| &row.value), new) {
            (None, Value::Int(new)) => Some(*new),
            (Some(Value::Int(old)), Value::Int(new)) => new.checked_sub(*old),
            (None | Some(_), _) => None,
        }
    }

    /// Returns the number of a key; `None` if the key is absent or its value is not a number.
    pub fn number(&self, key: KeyId) -> Option<i64> {
        match self.rows.get(&key)?.value {
            Value::Int(number) => Some(number),
            Value::Text(_) | Value::Set(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Returns the sum of a key's number and the difference of an update.
    ///
    /// # Errors
    /// One of them is not a number, or the sum is outside the range of whole numbers.
    pub fn sum_with(&self, update: &Update) -> Result<i64, HandlingFailure> {
        let held = match self.rows.get(&update.key).map(|row| &row.value) {
            None => 0,
            Some(Value::Int(held)) => *held,
            Some(Value::Text(_) | Value::Set(_) | Value::List(_) | Value::Map(_)) => {
                return Err(HandlingFailure::WrongType);
            }
        };
        let delta = update.delta.ok_or(HandlingFailure::WrongType)?;
        sum(held, delta).map_err(|_| HandlingFailure::OutOfRange)
    }

    /// Stores the sum that [`Store::sum_with`] returned.
    pub fn add(&mut self, update: &Update, sum: i64) {
        debug_assert!(!update.version.is_none(), "an update has a version");
        let version = self.rows.get(&update.key).map(|row| row.version).unwrap_or_default();
        self.set(update.key, Value::Int(sum), version.max(update.version), update.clock);
        debug_assert!(
            self.rows.get(&update.key).is_some_and(|row| row.version >= version),
            "versions of a key increase"
        );
    }

    /// Returns whether applying the update of another service would change the row.
    pub fn would_change(&self, update: &Update, effect: Effect) -> bool {
        let row = self.rows.get(&update.key);
        let held = row.map(|row| row.version).unwrap_or_default();
        match effect {
            // Versions order the writes at one clock reading.
            Effect::LastWriterWins => row.is_none_or(|row| (update.clock, update.version) > (row.clock, row.version)),
            Effect::SetIfNewer => update.version > held,
            Effect::Overwrite => update.version != held,
            Effect::Increment => true,
        }
    }

    /// Applies the update of another service, and returns whether that changed the row.
    pub fn apply(&mut self, update: &Update, effect: Effect) -> bool {
        debug_assert!(!update.version.is_none(), "an update has a version");
        debug_assert!(effect != Effect::Increment, "an increment adds");
        let held = self.rows.get(&update.key).map(|row| row.version).unwrap_or_default();
        let changed = self.would_change(update, effect);
        if changed {
            self.set(update.key, update.value.clone(), update.version, update.clock);
        }
        debug_assert!(
            effect != Effect::SetIfNewer || self.rows.get(&update.key).is_some_and(|row| row.version >= held),
            "set if newer keeps the newest version"
        );
        changed
    }
}

/// Returns the value of a key after an operation on its present value.
///
/// # Errors
/// The operation does not fit what the key holds; it has no effect.
pub fn after(present: Option<&Value>, operation: &Operation) -> Result<Value, Refusal> {
    match operation {
        // Services store no tombstones. Groups handle deletions themselves.
        Operation::Delete { .. } => Err(Refusal::NotOffered),
        Operation::Read { .. } => present.cloned().ok_or(Refusal::NotAsExpected),
        Operation::Write { value, .. } => Ok(value.clone()),
        Operation::Add { element, .. } => {
            let mut elements = set_of(present)?;
            elements.insert(element.clone());
            Ok(Value::Set(Arc::new(elements)))
        }
        Operation::Remove { element, .. } => match (present, element) {
            (Some(Value::Map(fields)), field) => {
                let mut fields = (**fields).clone();
                fields.remove(field.to_string().as_str());
                Ok(Value::Map(Arc::new(fields)))
            }
            (_, element) => {
                let mut elements = set_of(present)?;
                elements.remove(element);
                Ok(Value::Set(Arc::new(elements)))
            }
        },
        Operation::Put { field, value, .. } => {
            let mut fields = match present {
                None => BTreeMap::new(),
                Some(Value::Map(fields)) => (**fields).clone(),
                Some(Value::Int(_) | Value::Text(_) | Value::Set(_) | Value::List(_)) => {
                    return Err(Refusal::WrongType);
                }
            };
            fields.insert(field.as_str().into(), value.clone());
            Ok(Value::Map(Arc::new(fields)))
        }
        Operation::Insert { at, element, .. } => {
            let mut elements = list_of(present)?;
            let at = at.map_or(elements.len(), |at| (at as usize).min(elements.len()));
            elements.insert(at, element.clone());
            Ok(Value::List(elements.into()))
        }
        Operation::RemoveAt { at, .. } => {
            let mut elements = list_of(present)?;
            if *at as usize >= elements.len() {
                return Err(Refusal::NotAsExpected);
            }
            elements.remove(*at as usize);
            Ok(Value::List(elements.into()))
        }
        Operation::Increment { by, .. } => match present {
            None => Ok(Value::Int(*by)),
            Some(Value::Int(n)) => sum(*n, *by).map(Value::Int),
            Some(Value::Text(_) | Value::Set(_) | Value::List(_) | Value::Map(_)) => Err(Refusal::WrongType),
        },
        Operation::CompareAndSet { expect, value, .. } => {
            if present == expect.as_ref() {
                Ok(value.clone())
            } else {
                Err(Refusal::NotAsExpected)
            }
        }
    }
}

/// Returns the sum of two numbers.
///
/// # Errors
/// The sum is beyond the range of whole numbers in documents, -2^53 to 2^53.
pub fn sum(a: i64, b: i64) -> Result<i64, Refusal> {
    const MAX: u64 = 1 << 53;
    a.checked_add(b).filter(|sum| sum.unsigned_abs() <= MAX).ok_or(Refusal::OutOfRange)
}

fn set_of(present: Option<&Value>) -> Result<BTreeSet<Value>, Refusal> {
    match present {
        None => Ok(BTreeSet::new()),
        Some(Value::Set(elements)) => Ok((**elements).clone()),
        Some(Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_)) => Err(Refusal::WrongType),
    }
}

fn list_of(present: Option<&Value>) -> Result<Vec<Value>, Refusal> {
    match present {
        None => Ok(Vec::new()),
        Some(Value::List(elements)) => Ok(elements.to_vec()),
        Some(Value::Int(_) | Value::Text(_) | Value::Set(_) | Value::Map(_)) => Err(Refusal::WrongType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::UpdateId;

    const KEY: KeyId = KeyId(0);

    fn update(counter: u32, value: i64) -> Update {
        Update {
            id: UpdateId(counter),
            key: KEY,
            value: Value::Int(value),
            version: Version::counted(counter, 0),
            clock: counter.into(),
            delta: None,
            poison: false,
        }
    }

    #[test]
    fn an_older_event_overwrites_a_newer_one_under_overwrite_and_not_under_set_if_newer() {
        for (effect, last) in [(Effect::SetIfNewer, 20), (Effect::Overwrite, 10)] {
            let mut store = Store::default();
            store.apply(&update(2, 20), effect);
            store.apply(&update(1, 10), effect);
            assert_eq!(store.get(KEY).map(|row| row.value.clone()), Some(Value::Int(last)), "{effect:?}");
        }
    }

    #[test]
    fn the_version_of_an_aborted_write_is_not_reused() {
        let mut store = Store::default();
        let aborted = store.next_version(KEY, 3);
        let next = store.next_version(KEY, 3);
        assert!(next > aborted);
    }

    #[test]
    fn operations_that_do_not_fit_the_type_of_the_value_are_refused() {
        let mut store = Store::default();
        store.set(KEY, Value::from("text"), Version::counted(1, 0), i64::MIN);
        assert_eq!(store.after(KEY, &Operation::Increment { key: String::new(), by: 1 }), Err(Refusal::WrongType));
        assert_eq!(
            store.after(KEY, &Operation::Add { key: String::new(), element: Value::Int(1) }),
            Err(Refusal::WrongType)
        );
        let expect_other =
            Operation::CompareAndSet { key: String::new(), expect: Some(Value::Int(1)), value: Value::Int(2) };
        assert_eq!(store.after(KEY, &expect_other), Err(Refusal::NotAsExpected));
        let expect_it =
            Operation::CompareAndSet { key: String::new(), expect: Some(Value::from("text")), value: Value::Int(2) };
        assert_eq!(store.after(KEY, &expect_it), Ok(Value::Int(2)));
    }

    #[test]
    fn sets_and_numbers_start_empty() {
        let store = Store::default();
        assert_eq!(store.after(KEY, &Operation::Increment { key: String::new(), by: -2 }), Ok(Value::Int(-2)));
        assert_eq!(
            store.after(KEY, &Operation::Add { key: String::new(), element: Value::Int(1) }),
            Ok(Value::from_iter([Value::Int(1)]))
        );
        let absent = Operation::CompareAndSet { key: String::new(), expect: None, value: Value::Int(2) };
        assert_eq!(store.after(KEY, &absent), Ok(Value::Int(2)));
    }
}
