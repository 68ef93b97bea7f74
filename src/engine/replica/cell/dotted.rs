//! What is said of a key by updates that no other has taken the place of: siblings, the elements of sets, the fields of
//! maps. One rule of merging serves all: what one state has and the other has seen, but has no more, is gone.

use crate::scenario::{Data, Merge, Value};
use crate::trace::VersionVector;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An update's own mark: its origin, and how many that origin had made of the key by then.
pub type Dot = (u32, u32);

/// What an update says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// This is the register's value, or an element of the set.
    Value(Value),
    /// This is an element of a set in which removals win, added by somebody who had seen these removals of it.
    Added(Value, Vec<Dot>),
    /// This is no element of such a set, whatever additions have not seen that.
    Removed(Value),
    /// The map's field has this value.
    Field(Arc<str>, Value),
}

/// What updates say, each with its dot, and the version vector of all that was ever seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dotted {
    context: BTreeMap<u32, u32>,
    said: BTreeMap<Dot, Said>,
}

impl Dotted {
    /// What stood in the document.
    pub fn seeded(said: impl IntoIterator<Item = Said>) -> Dotted {
        let said: BTreeMap<Dot, Said> = said.into_iter().zip(1..).map(|(said, n)| ((0, n), said)).collect();
        // An empty set or map is there all the same.
        Dotted { context: [(0, said.len().max(1) as u32)].into_iter().collect(), said }
    }

    /// The dot of the next update at an origin.
    fn next(&mut self, origin: u32) -> Dot {
        let count = self.context.entry(origin).or_default();
        *count += 1;
        (origin, *count)
    }

    /// Says something in place of what is said here already and `replaces`; the new dot.
    fn say(&mut self, origin: u32, said: Option<Said>, replaces: impl Fn(&Dot, &Said) -> bool) -> Dot {
        self.said.retain(|dot, held| !replaces(dot, held));
        let dot = self.next(origin);
        if let Some(said) = said {
            self.said.insert(dot, said);
        }
        dot
    }

    /// Writes a value in place of all that `seen` covers (a multi-value register's put); the new dot.
    pub fn put(&mut self, origin: u32, value: Option<Value>, seen: &[(u32, u32)]) -> Dot {
        let covered = |dot: &Dot| seen.iter().any(|(origin, count)| *origin == dot.0 && dot.1 <= *count);
        self.say(origin, value.map(Said::Value), |dot, _| covered(dot))
    }

    /// Adds an element to a set; the new dot.
    pub fn add(&mut self, origin: u32, element: Value) -> Dot {
        self.say(origin, Some(Said::Value(element.clone())), |_, held| *held == Said::Value(element.clone()))
    }

    /// Removes what is seen of an element here; the removal's own dot.
    pub fn remove(&mut self, origin: u32, element: &Value) -> Dot {
        self.say(origin, None, |_, held| *held == Said::Value(element.clone()))
    }

    /// Adds an element to a set in which removals win; the new dot.
    pub fn add_after_removals(&mut self, origin: u32, element: Value) -> Dot {
        let saw = self.removals_of(&element);
        self.say(
            origin,
            Some(Said::Added(element.clone(), saw)),
            |_, held| matches!(held, Said::Added(other, _) if *other == element),
        )
    }

    /// Removes an element from such a set; the removal's own dot.
    pub fn remove_for_good(&mut self, origin: u32, element: &Value) -> Dot {
        self.say(origin, Some(Said::Removed(element.clone())), |_, held| match held {
            Said::Added(other, _) | Said::Removed(other) => other == element,
            Said::Value(_) | Said::Field(..) => false,
        })
    }

    /// Puts a value into a field of a map, or takes the field out, as far as it is seen here; the new dot.
    pub fn put_field(&mut self, origin: u32, field: &Arc<str>, value: Option<Value>) -> Dot {
        let said = value.map(|value| Said::Field(field.clone(), value));
        self.say(origin, said, |_, held| matches!(held, Said::Field(other, _) if other == field))
    }

    fn removals_of(&self, element: &Value) -> Vec<Dot> {
        let removals = self.said.iter().filter(|(_, said)| matches!(said, Said::Removed(other) if other == element));
        removals.map(|(dot, _)| *dot).collect()
    }

    /// All that is seen here.
    pub fn seen(&self) -> VersionVector {
        self.context.iter().map(|(origin, count)| (*origin, *count)).collect()
    }

    /// What a read returns for each sibling; empty for an absent key.
    pub fn values(&self, data: &Data) -> Vec<Value> {
        if self.context.is_empty() {
            return Vec::new();
        }
        match data {
            Data::Merged { by } => merged(*by, self.plain()).into_iter().collect(),
            Data::Set => vec![self.plain().cloned().collect()],
            Data::RemoveWinsSet => vec![self.elements()],
            Data::Map => vec![self.fields()],
            Data::MultiValue | Data::Register { .. } | Data::Counter | Data::Sequence => {
                self.plain().cloned().collect()
            }
        }
    }

    fn plain(&self) -> impl Iterator<Item = &Value> {
        self.said.values().filter_map(|said| match said {
            Said::Value(value) => Some(value),
            Said::Added(..) | Said::Removed(_) | Said::Field(..) => None,
        })
    }

    /// An element is there if somebody added it who had seen all removals of it (Preguiça 2018, 2.1.2).
    fn elements(&self) -> Value {
        let there = self.said.values().filter_map(|said| match said {
            Said::Added(element, saw) if self.removals_of(element).iter().all(|removal| saw.contains(removal)) => {
                Some(element.clone())
            }
            Said::Added(..) | Said::Removed(_) | Said::Value(_) | Said::Field(..) => None,
        });
        there.collect()
    }

    fn fields(&self) -> Value {
        let mut fields: BTreeMap<Arc<str>, BTreeSet<Value>> = BTreeMap::new();
        for said in self.said.values() {
            if let Said::Field(name, value) = said {
                fields.entry(name.clone()).or_default().insert(value.clone());
            }
        }
        let one = |mut values: BTreeSet<Value>| match values.len() {
            1 => values.pop_first().expect("there is one"),
            _ => Value::Set(Arc::new(values)),
        };
        Value::Map(Arc::new(fields.into_iter().map(|(name, values)| (name, one(values))).collect()))
    }

    /// Merges another state in; whether that changed anything.
    pub fn merge(&mut self, other: &Dotted) -> bool {
        let before = (self.context.clone(), self.said.len());
        let knows = |context: &BTreeMap<u32, u32>, dot: &Dot| context.get(&dot.0).is_some_and(|count| *count >= dot.1);
        // What one has and the other has seen, but has no more, was removed there.
        self.said.retain(|dot, _| other.said.contains_key(dot) || !knows(&other.context, dot));
        for (dot, said) in other.said.iter() {
            if !knows(&self.context, dot) {
                self.said.insert(*dot, said.clone());
            }
        }
        for (origin, count) in other.context.iter() {
            let mine = self.context.entry(*origin).or_default();
            *mine = (*mine).max(*count);
        }
        before != (self.context.clone(), self.said.len())
    }
}

/// One value of siblings; none of none.
fn merged<'a>(by: Merge, siblings: impl Iterator<Item = &'a Value>) -> Option<Value> {
    let elements = |value: &Value| match value {
        Value::Set(elements) => (**elements).clone(),
        Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => BTreeSet::from([value.clone()]),
    };
    match by {
        Merge::Max => siblings.max().cloned(),
        Merge::Min => siblings.min().cloned(),
        Merge::Union | Merge::Intersection => {
            let mut siblings: Vec<&Value> = siblings.collect();
            // What has no sibling stays what it is.
            if siblings.len() < 2 {
                return siblings.pop().cloned();
            }
            let mut sets = siblings.into_iter().map(elements);
            let mut all = sets.next()?;
            for set in sets {
                if by == Merge::Union {
                    all.extend(set);
                } else {
                    all.retain(|element| set.contains(element));
                }
            }
            Some(Value::Set(Arc::new(all)))
        }
    }
}
