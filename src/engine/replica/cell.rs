//! What a replica holds of a key, by the group's data type, and how two states of it become one.
//!
//! Merging is commutative, associative and idempotent, and never loses what a state covers: `merge` of the register is
//! the maximum by version, of all others a join of version vectors (Shapiro 2011; the set and the siblings are kept
//! without tombstones as in Bieniusa 2012 and Preguiça 2012).

use crate::ordered::Map;
use crate::scenario::{Data, Value};
use crate::trace::{Context, UpdateId, Version};
use std::sync::Arc;

/// What a replica holds of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// The newest write.
    Register(Register),
    /// Siblings, or the elements of a set.
    Dotted(Dotted),
    /// A number.
    Counter(Counter),
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
}

/// Values, each with the dot of the update that wrote it, and the version vector of all that was ever seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dotted {
    context: Map<u32, u32>,
    /// By dot: origin and its count.
    values: Map<(u32, u32), Value>,
}

/// A counter: the sum of what each origin added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counter {
    /// By origin: how many increments, and their sum.
    totals: Map<u32, (u32, i64)>,
}

/// What a replica says of a key for comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Of a register.
    pub version: Version,
    /// Of all other data.
    pub context: Context,
}

impl Cell {
    /// What an absent key holds.
    pub fn empty(data: &Data) -> Cell {
        match data {
            Data::Register { .. } => Cell::Register(Register::default()),
            Data::MultiValue | Data::Set => Cell::Dotted(Dotted::default()),
            Data::Counter => Cell::Counter(Counter::default()),
        }
    }

    /// What stands in the document, if the data type can hold it.
    pub fn seeded(data: &Data, value: &Value) -> Option<Cell> {
        match (data, value) {
            (Data::Register { .. }, value) => {
                let version = Version::counted(1, 0);
                Some(Cell::Register(Register { version, value: Some(value.clone()), update: None }))
            }
            (Data::MultiValue, value) => Some(Cell::Dotted(Dotted::of([value.clone()]))),
            (Data::Set, Value::Set(elements)) => Some(Cell::Dotted(Dotted::of(elements.iter().cloned()))),
            (Data::Counter, Value::Int(n)) => {
                Some(Cell::Counter(Counter { totals: [(0, (1, *n))].into_iter().collect() }))
            }
            (Data::Set | Data::Counter, _) => None,
        }
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
            (Cell::Register(_) | Cell::Dotted(_) | Cell::Counter(_), _) => {
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
            (Cell::Dotted(dotted), Data::Set) if dotted.context.is_empty() => Vec::new(),
            (Cell::Dotted(dotted), Data::Set) => vec![dotted.values.values().cloned().collect()],
            (Cell::Dotted(dotted), _) => dotted.values.values().cloned().collect(),
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
            Cell::Dotted(_) | Cell::Counter(_) => Version::default(),
        }
    }

    /// The version vector of all data but registers.
    pub fn context(&self) -> Option<Context> {
        match self {
            Cell::Register(_) => None,
            Cell::Dotted(dotted) => Some(dotted.context.iter().map(|(origin, count)| (*origin, *count)).collect()),
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
            Cell::Dotted(_) | Cell::Counter(_) => None,
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

impl Dotted {
    fn of(values: impl IntoIterator<Item = Value>) -> Dotted {
        let values: Map<(u32, u32), Value> = values.into_iter().zip(1..).map(|(value, n)| ((0, n), value)).collect();
        Dotted { context: [(0, values.len() as u32)].into_iter().collect(), values }
    }

    /// The dot of the next update at an origin.
    fn next(&mut self, origin: u32) -> (u32, u32) {
        let count = self.context.or_default(origin);
        *count += 1;
        (origin, *count)
    }

    /// Writes a value in place of all that `seen` covers (a multi-value register's put); the new dot.
    pub fn put(&mut self, origin: u32, value: Option<Value>, seen: &[(u32, u32)]) -> (u32, u32) {
        let covered = |dot: &(u32, u32)| seen.iter().any(|(origin, count)| *origin == dot.0 && dot.1 <= *count);
        self.values.retain(|dot, _| !covered(dot));
        let dot = self.next(origin);
        if let Some(value) = value {
            self.values.insert(dot, value);
        }
        dot
    }

    /// Adds an element to a set; the new dot.
    pub fn add(&mut self, origin: u32, element: Value) -> (u32, u32) {
        self.values.retain(|_, held| *held != element);
        let dot = self.next(origin);
        self.values.insert(dot, element);
        dot
    }

    /// Removes what is seen of an element here; the removal's own dot.
    pub fn remove(&mut self, origin: u32, element: &Value) -> (u32, u32) {
        self.values.retain(|_, held| held != element);
        self.next(origin)
    }

    /// All that is seen here.
    pub fn seen(&self) -> Context {
        self.context.iter().map(|(origin, count)| (*origin, *count)).collect()
    }

    fn merge(&mut self, other: &Dotted) -> bool {
        let before = (self.context.clone(), self.values.len());
        let knows =
            |context: &Map<u32, u32>, dot: &(u32, u32)| context.get(&dot.0).is_some_and(|count| *count >= dot.1);
        // What one has and the other has seen, but has no more, was removed there.
        self.values.retain(|dot, _| other.values.contains_key(dot) || !knows(&other.context, dot));
        for (dot, value) in other.values.iter() {
            if !knows(&self.context, dot) {
                self.values.insert(*dot, value.clone());
            }
        }
        for (origin, count) in other.context.iter() {
            let mine = self.context.or_default(*origin);
            *mine = (*mine).max(*count);
        }
        before != (self.context.clone(), self.values.len())
    }
}

impl Counter {
    /// Adds a number; the new dot.
    pub fn add(&mut self, origin: u32, by: i64) -> (u32, u32) {
        let (count, sum) = self.totals.or_default(origin);
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
            let mine = self.totals.or_default(*origin);
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
