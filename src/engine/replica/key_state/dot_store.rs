//! Siblings, sets and maps as dotted values with a causal context: a causal CRDT (Almeida, Shoker and Baquero 2018),
//! which generalises dotted version vector sets (Almeida et al. 2014) and observed-remove sets without tombstones
//! (Bieniusa et al. 2012).

use crate::scenario::{Data, Merge, Value};
use crate::trace::VersionVector;
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The identity of an update: its origin, and its number among the updates of that origin.
pub type Dot = (u32, u32);

/// The effect of one update.
#[derive(Clone, Debug, PartialEq)]
pub enum DottedValue {
    /// A sibling of a multi-value register, or an element of an add-wins set.
    Value(Value),
    /// An element added to a remove-wins set.
    Added {
        /// The element.
        element: Value,
        /// The removals of the element that the adding replica had observed.
        observed_removals: Vec<Dot>,
    },
    /// An element removed from a remove-wins set; additions that did not observe it have no effect.
    Removed(Value),
    /// A field of a map.
    Field {
        /// Its name.
        name: Arc<str>,
        /// Its value.
        value: Value,
    },
}

/// Dotted values, and the causal context: the version vector of all updates ever observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DotStore {
    context: LiteMap<u32, u32>,
    values: LiteMap<Dot, DottedValue>,
}

impl DotStore {
    /// Returns the number of its dotted values.
    pub fn len(&self) -> u64 {
        self.values.len() as u64
    }

    /// Returns the state with the scenario's initial values, whose origin is 0.
    pub fn initial(values: impl IntoIterator<Item = DottedValue>) -> DotStore {
        let mut store = DotStore::default();
        store.values.extend(values.into_iter().zip(1..).map(|(value, n)| ((0, n), value)));
        // An empty set or map is present too, so its context is not empty.
        store.context.insert(0, store.values.len().max(1) as u32);
        store
    }

    fn next_dot(&mut self, origin: u32) -> Dot {
        (origin, *self.context.entry(origin).and_modify(|count| *count += 1).or_insert(1))
    }

    /// Adds a value in place of those that `replaces` selects. Returns the new dot.
    fn replace(
        &mut self,
        origin: u32,
        value: Option<DottedValue>,
        replaces: impl Fn(&Dot, &DottedValue) -> bool,
    ) -> Dot {
        self.values.retain(|dot, held| !replaces(dot, held));
        let dot = self.next_dot(origin);
        if let Some(value) = value {
            let previous = self.values.insert(dot, value);
            debug_assert!(previous.is_none(), "a dot is used once");
        }
        debug_assert!(self.has_observed(&dot), "the context includes every dot of the state");
        dot
    }

    fn has_observed(&self, dot: &Dot) -> bool {
        self.context.get(&dot.0).is_some_and(|count| *count >= dot.1)
    }

    /// Writes a sibling of a multi-value register in place of all that `observed` includes. Returns the new dot.
    pub fn put(&mut self, origin: u32, value: Option<Value>, observed: &[(u32, u32)]) -> Dot {
        debug_assert!(observed.iter().all(|(_, count)| *count > 0), "updates are counted from 1");
        // What the writer has observed is superseded, also where it arrives later.
        for (origin, count) in observed {
            let known = self.context.entry(*origin).or_default();
            *known = (*known).max(*count);
        }
        debug_assert!(
            observed.iter().all(|dot| self.has_observed(dot)),
            "the context includes what the writer observed"
        );
        let is_observed = |dot: &Dot| observed.iter().any(|(origin, count)| *origin == dot.0 && dot.1 <= *count);
        self.replace(origin, value.map(DottedValue::Value), |dot, _| is_observed(dot))
    }

    /// Adds an element to an add-wins set. Returns the new dot.
    pub fn add(&mut self, origin: u32, element: Value) -> Dot {
        let added = DottedValue::Value(element);
        self.replace(origin, Some(added.clone()), |_, held| *held == added)
    }

    /// Removes the observed additions of an element from an add-wins set. Returns the removal's dot.
    pub fn remove(&mut self, origin: u32, element: &Value) -> Dot {
        self.replace(origin, None, |_, held| matches!(held, DottedValue::Value(value) if value == element))
    }

    /// Adds an element to a remove-wins set. Returns the new dot.
    pub fn add_to_remove_wins(&mut self, origin: u32, element: Value) -> Dot {
        debug_assert!(origin > 0, "origin 0 is that of the scenario's data");
        let observed_removals = self.removals_of(&element);
        debug_assert!(observed_removals.iter().all(|dot| self.has_observed(dot)), "the context includes every dot");
        let added = DottedValue::Added { element: element.clone(), observed_removals };
        let is_addition = |held: &DottedValue| matches!(held, DottedValue::Added { element: e, .. } if *e == element);
        self.replace(origin, Some(added), |_, held| is_addition(held))
    }

    /// Removes an element from a remove-wins set. Returns the removal's dot.
    pub fn remove_from_remove_wins(&mut self, origin: u32, element: &Value) -> Dot {
        self.replace(origin, Some(DottedValue::Removed(element.clone())), |_, held| match held {
            DottedValue::Added { element: other, .. } | DottedValue::Removed(other) => other == element,
            DottedValue::Value(_) | DottedValue::Field { .. } => false,
        })
    }

    /// Sets a field of a map, or removes its observed values if `value` is none. Returns the new dot.
    pub fn put_field(&mut self, origin: u32, name: &Arc<str>, value: Option<Value>) -> Dot {
        let field = value.map(|value| DottedValue::Field { name: name.clone(), value });
        self.replace(origin, field, |_, held| matches!(held, DottedValue::Field { name: other, .. } if other == name))
    }

    fn removals_of(&self, element: &Value) -> Vec<Dot> {
        let is_removal = |value: &DottedValue| matches!(value, DottedValue::Removed(other) if other == element);
        self.values.iter().filter(|(_, value)| is_removal(value)).map(|(dot, _)| *dot).collect()
    }

    /// Returns the causal context.
    pub fn version_vector(&self) -> VersionVector {
        self.context.iter().map(|(origin, count)| (*origin, *count)).collect()
    }

    /// Returns the value of each sibling; empty for an absent key.
    pub fn values(&self, data: &Data) -> Vec<Value> {
        if self.context.is_empty() {
            return Vec::new();
        }
        match data {
            Data::Merged { by } => merge_siblings(*by, self.plain_values()).into_iter().collect(),
            Data::Set => vec![self.plain_values().cloned().collect()],
            Data::RemoveWinsSet => vec![self.remove_wins_elements()],
            Data::Map => vec![self.fields()],
            Data::MultiValue | Data::Register { .. } | Data::Counter | Data::Sequence => {
                self.plain_values().cloned().collect()
            }
        }
    }

    fn plain_values(&self) -> impl Iterator<Item = &Value> {
        self.values.values().filter_map(|value| match value {
            DottedValue::Value(value) => Some(value),
            DottedValue::Added { .. } | DottedValue::Removed(_) | DottedValue::Field { .. } => None,
        })
    }

    /// Returns the elements of which some addition observed all removals (Preguiça 2018, 2.1.2).
    fn remove_wins_elements(&self) -> Value {
        let present = self.values.values().filter_map(|value| match value {
            DottedValue::Added { element, observed_removals } => {
                let wins = self.removals_of(element).iter().all(|removal| observed_removals.contains(removal));
                wins.then(|| element.clone())
            }
            DottedValue::Removed(_) | DottedValue::Value(_) | DottedValue::Field { .. } => None,
        });
        present.collect()
    }

    fn fields(&self) -> Value {
        let mut siblings: BTreeMap<Arc<str>, BTreeSet<Value>> = BTreeMap::new();
        for value in self.values.values() {
            if let DottedValue::Field { name, value } = value {
                siblings.entry(name.clone()).or_default().insert(value.clone());
            }
        }
        let value_of = |mut siblings: BTreeSet<Value>| match (siblings.pop_first(), siblings.is_empty()) {
            (Some(only), true) => only,
            (first, _) => {
                siblings.extend(first);
                Value::Set(Arc::new(siblings))
            }
        };
        let mut fields = BTreeMap::new();
        fields.extend(siblings.into_iter().map(|(name, siblings)| (name, value_of(siblings))));
        Value::Map(Arc::new(fields))
    }

    /// Merges another state into this one. Returns whether this state changed.
    pub fn merge(&mut self, other: &DotStore) -> bool {
        let before = (self.context.clone(), self.values.len());
        // A value that one state holds and the other observed but no longer holds was replaced or removed there.
        self.values.retain(|dot, _| other.values.contains_key(dot) || !other.has_observed(dot));
        for (dot, value) in &other.values {
            if !self.has_observed(dot) {
                self.values.insert(*dot, value.clone());
            }
        }
        for (origin, count) in &other.context {
            let observed = self.context.entry(*origin).or_default();
            *observed = (*observed).max(*count);
        }
        debug_assert!(self.values.keys().all(|dot| self.has_observed(dot)), "the context includes every dot");
        debug_assert!(self.context.len() >= other.context.len(), "a merge forgets no replica");
        before != (self.context.clone(), self.values.len())
    }
}

/// Merges siblings into one value; `None` without siblings.
fn merge_siblings<'a>(by: Merge, siblings: impl Iterator<Item = &'a Value>) -> Option<Value> {
    let elements = |value: &Value| match value {
        Value::Set(elements) => (**elements).clone(),
        Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
            let mut single = BTreeSet::new();
            single.insert(value.clone());
            single
        }
    };
    match by {
        Merge::Max => siblings.max().cloned(),
        Merge::Min => siblings.min().cloned(),
        Merge::Union | Merge::Intersection => {
            let mut siblings: Vec<&Value> = siblings.collect();
            // A single sibling keeps its type.
            if siblings.len() < 2 {
                return siblings.pop().cloned();
            }
            let mut sets = siblings.into_iter().map(elements);
            let mut merged = sets.next()?;
            for set in sets {
                if by == Merge::Union {
                    merged.extend(set);
                } else {
                    merged.retain(|element| set.contains(element));
                }
            }
            Some(Value::Set(Arc::new(merged)))
        }
    }
}
