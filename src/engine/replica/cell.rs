//! What a replica holds of a key, by the group's data type, and how two states of it become one.
//!
//! Merging is commutative, associative and idempotent, and never loses what a state covers: `merge` of the register is
//! the maximum by version, of all others a join of version vectors (Shapiro 2011; sets, maps and siblings are kept
//! without tombstones as in Bieniusa 2012 and Preguiça 2012).

mod dotted;
mod sequence;

use super::super::store;
use super::events::{self, Made};
use crate::engine::message::Ask;
use crate::scenario::{Data, Value};
use crate::trace::{Refusal, UpdateId, Version, VersionVector};
use dotted::{Dotted, Said};
use sequence::Sequence;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a replica holds of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// The newest write.
    Register(Register),
    /// Siblings, the elements of a set, or the fields of a map.
    Dotted(Dotted),
    /// A number.
    Counter(Counter),
    /// A list.
    Sequence(Sequence),
}

/// A register of which the newest write wins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Register {
    /// Its version; none for an absent key.
    pub version: Version,
    /// What it says; none for an absent or deleted key.
    pub value: Option<Value>,
    /// The update that said it.
    pub update: Option<UpdateId>,
    /// Where it comes from, in a connected group.
    pub made: Option<Arc<Made>>,
}

/// A counter: the sum of what each origin added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counter {
    /// By origin: how many increments, and their sum.
    totals: BTreeMap<u32, (u32, i64)>,
}

/// What a replica says of a key for comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Of a register.
    pub version: Version,
    /// Of all other data.
    pub context: VersionVector,
}

impl Cell {
    /// What an absent key holds.
    pub fn empty(data: &Data) -> Cell {
        match data {
            Data::Register { .. } => Cell::Register(Register::default()),
            Data::MultiValue | Data::Merged { .. } | Data::Set | Data::RemoveWinsSet | Data::Map => {
                Cell::Dotted(Dotted::default())
            }
            Data::Counter => Cell::Counter(Counter::default()),
            Data::Sequence => Cell::Sequence(Sequence::default()),
        }
    }

    /// What stands in the document, if the data type can hold it.
    pub fn seeded(data: &Data, value: &Value) -> Option<Cell> {
        match (data, value) {
            (Data::Register { .. }, value) => {
                let version = Version::counted(1, 0);
                Some(Cell::Register(Register { version, value: Some(value.clone()), update: None, made: None }))
            }
            (Data::MultiValue | Data::Merged { .. }, value) => {
                Some(Cell::Dotted(Dotted::seeded([Said::Value(value.clone())])))
            }
            (Data::Set, Value::Set(elements)) => {
                Some(Cell::Dotted(Dotted::seeded(elements.iter().cloned().map(Said::Value))))
            }
            (Data::RemoveWinsSet, Value::Set(elements)) => {
                let added = elements.iter().map(|element| Said::Added(element.clone(), Vec::new()));
                Some(Cell::Dotted(Dotted::seeded(added)))
            }
            (Data::Map, Value::Map(fields)) => {
                let said = fields.iter().map(|(name, value)| Said::Field(name.clone(), value.clone()));
                Some(Cell::Dotted(Dotted::seeded(said)))
            }
            (Data::Sequence, Value::List(elements)) => Some(Cell::Sequence(Sequence::seeded(elements))),
            (Data::Counter, Value::Int(n)) => {
                Some(Cell::Counter(Counter { totals: [(0, (1, *n))].into_iter().collect() }))
            }
            (Data::Set | Data::RemoveWinsSet | Data::Map | Data::Sequence | Data::Counter, _) => None,
        }
    }

    /// Does what is asked of a key that is no register: the dot of the update, and what it says; nothing for a deletion or
    /// a removal. `seen` is what a put replaces, all that is here where it is not given.
    ///
    /// # Errors
    /// The key does not take such operations, or does not hold what this one needs.
    pub fn change(
        &mut self,
        data: &Data,
        origin: u32,
        ask: &Ask,
        seen: Option<&VersionVector>,
    ) -> Result<((u32, u32), Option<Value>), Refusal> {
        let changed = match (self, data, ask) {
            (Cell::Dotted(cell), Data::MultiValue | Data::Merged { .. }, Ask::Write(value)) => {
                let seen = seen.cloned().unwrap_or_else(|| cell.seen());
                (cell.put(origin, Some(value.clone()), &seen), Some(value.clone()))
            }
            (Cell::Dotted(cell), Data::MultiValue | Data::Merged { .. }, Ask::Delete) => {
                let seen = seen.cloned().unwrap_or_else(|| cell.seen());
                (cell.put(origin, None, &seen), None)
            }
            // What the siblings make together is changed, and takes the place of them all.
            (
                Cell::Dotted(cell),
                Data::Merged { .. },
                Ask::Add(_) | Ask::Remove(_) | Ask::Put(..) | Ask::Insert(..) | Ask::RemoveAt(_) | Ask::Increment(_),
            ) => {
                let value = store::after(cell.values(data).first(), ask)?;
                (cell.put(origin, Some(value.clone()), &cell.seen()), Some(value))
            }
            (Cell::Dotted(cell), Data::Set, Ask::Add(element)) => {
                (cell.add(origin, element.clone()), Some(element.clone()))
            }
            (Cell::Dotted(cell), Data::Set, Ask::Remove(element)) => (cell.remove(origin, element), None),
            (Cell::Dotted(cell), Data::RemoveWinsSet, Ask::Add(element)) => {
                (cell.add_after_removals(origin, element.clone()), Some(element.clone()))
            }
            (Cell::Dotted(cell), Data::RemoveWinsSet, Ask::Remove(element)) => {
                (cell.remove_for_good(origin, element), None)
            }
            (Cell::Dotted(cell), Data::Map, Ask::Put(field, value)) => {
                let said = [(field.clone(), value.clone())].into_iter().collect();
                (cell.put_field(origin, field, Some(value.clone())), Some(Value::Map(Arc::new(said))))
            }
            (Cell::Dotted(cell), Data::Map, Ask::Remove(field)) => {
                (cell.put_field(origin, &field.to_string().into(), None), None)
            }
            (Cell::Sequence(cell), _, Ask::Insert(at, element)) => {
                (cell.insert(origin, *at, element.clone()), Some(element.clone()))
            }
            (Cell::Sequence(cell), _, Ask::RemoveAt(at)) => {
                (cell.remove(origin, *at).ok_or(Refusal::NotAsExpected)?, None)
            }
            (Cell::Counter(cell), _, Ask::Increment(by)) => (cell.add(origin, *by), Some(Value::Int(*by))),
            (Cell::Register(_) | Cell::Dotted(_) | Cell::Counter(_) | Cell::Sequence(_), _, _) => {
                return Err(Refusal::NotOffered);
            }
        };
        Ok(changed)
    }

    /// Merges another state of the same key in; whether that changed anything.
    pub fn merge(&mut self, other: &Cell) -> bool {
        match (self, other) {
            (Cell::Register(mine), Cell::Register(other)) => {
                let newer = other.version > mine.version;
                if newer {
                    *mine = other.clone();
                }
                newer
            }
            (Cell::Dotted(mine), Cell::Dotted(other)) => mine.merge(other),
            (Cell::Counter(mine), Cell::Counter(other)) => mine.merge(other),
            (Cell::Sequence(mine), Cell::Sequence(other)) => mine.merge(other),
            (Cell::Register(_) | Cell::Dotted(_) | Cell::Counter(_) | Cell::Sequence(_), _) => {
                unreachable!("the cells of a group are of one type")
            }
        }
    }

    /// Whether merging the other in would change nothing.
    pub fn covers(&self, other: &Cell) -> bool {
        !self.clone().merge(other)
    }

    /// What a read would return for each sibling; empty for an absent key.
    pub fn values(&self, data: &Data) -> Vec<Value> {
        match (self, data) {
            (Cell::Register(register), _) => register.value.iter().cloned().collect(),
            (Cell::Dotted(dotted), data) => dotted.values(data),
            (Cell::Sequence(sequence), _) => sequence.value().into_iter().collect(),
            (Cell::Counter(counter), _) if counter.totals.is_empty() => Vec::new(),
            (Cell::Counter(counter), _) => vec![Value::Int(counter.sum())],
        }
    }

    /// What a read returns; siblings as a set.
    pub fn value(&self, data: &Data) -> Option<Value> {
        let mut values = self.values(data);
        if values.len() > 1 { Some(values.into_iter().collect()) } else { values.pop() }
    }

    /// The version of a register; none for other data.
    pub fn version(&self) -> Version {
        match self {
            Cell::Register(register) => register.version,
            Cell::Dotted(_) | Cell::Counter(_) | Cell::Sequence(_) => Version::default(),
        }
    }

    /// The version of a register as it was given where the update was made, and its writer's clock.
    pub fn origin(&self) -> (Version, i64) {
        match self {
            Cell::Register(register) => events::origin(register.version, register.made.as_deref()),
            Cell::Dotted(_) | Cell::Counter(_) | Cell::Sequence(_) => (Version::default(), i64::MIN),
        }
    }

    /// The version vector of all data but registers.
    pub fn context(&self) -> Option<VersionVector> {
        match self {
            Cell::Register(_) => None,
            Cell::Dotted(dotted) => Some(dotted.seen()),
            Cell::Sequence(sequence) => Some(sequence.seen()),
            Cell::Counter(counter) => {
                Some(counter.totals.iter().map(|(origin, (count, _))| (*origin, *count)).collect())
            }
        }
    }

    /// What it says of itself for comparison.
    pub fn mark(&self) -> Mark {
        Mark { version: self.version(), context: self.context().unwrap_or_default() }
    }

    /// The update that a register's value came from.
    pub fn update(&self) -> Option<UpdateId> {
        match self {
            Cell::Register(register) => register.update,
            Cell::Dotted(_) | Cell::Counter(_) | Cell::Sequence(_) => None,
        }
    }
}

impl Mark {
    /// Whether the other has something that this one has not.
    pub fn lacks(&self, other: &Mark) -> bool {
        let mine = |origin: u32| self.context.iter().find(|(at, _)| *at == origin).map_or(0, |(_, count)| *count);
        other.version > self.version || other.context.iter().any(|(origin, count)| *count > mine(*origin))
    }
}

impl Counter {
    /// Adds a number; the new dot.
    pub fn add(&mut self, origin: u32, by: i64) -> (u32, u32) {
        let (count, sum) = self.totals.entry(origin).or_default();
        (*count, *sum) = (*count + 1, sum.saturating_add(by));
        (origin, *count)
    }

    /// The number.
    pub fn sum(&self) -> i64 {
        self.totals.values().fold(0i64, |sum, (_, part)| sum.saturating_add(*part))
    }

    fn merge(&mut self, other: &Counter) -> bool {
        let mut changed = false;
        for (origin, total) in other.totals.iter() {
            let mine = self.totals.entry(*origin).or_default();
            if total.0 > mine.0 {
                *mine = *total;
                changed = true;
            }
        }
        changed
    }
}

/// A cell as it travels.
pub type SharedCell = Arc<Cell>;

#[cfg(test)]
mod tests;
