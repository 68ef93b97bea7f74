//! A list under concurrent insertions and removals: a replicated growable array (Roh et al. 2011), stored as a
//! timestamped insertion tree (Attiya et al. 2016), which reads the same.

use crate::scenario::Value;
use crate::trace::VersionVector;
use std::collections::BTreeMap;

/// The identity of an element: a Lamport timestamp, then the origin.
type ElementId = (u32, u32);

#[derive(Clone, Debug, PartialEq)]
struct Element {
    /// The element after which it was inserted; `None` for the beginning of the list.
    parent: Option<ElementId>,
    /// None once removed; the element stays as a parent of concurrent insertions.
    value: Option<Value>,
}

/// A list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    context: BTreeMap<u32, u32>,
    elements: BTreeMap<ElementId, Element>,
}

impl Sequence {
    /// Returns the number of its elements, deleted ones included.
    pub fn len(&self) -> u64 {
        self.elements.len() as u64
    }

    /// Returns the list with the scenario's initial elements, whose origin is 0.
    pub fn initial(elements: &[Value]) -> Sequence {
        let mut sequence = Sequence::default();
        for element in elements {
            sequence.insert(0, None, element.clone());
        }
        // An empty list is present too, so its context is not empty.
        sequence.context.clear();
        sequence.context.insert(0, elements.len().max(1) as u32);
        sequence
    }

    fn next_dot(&mut self, origin: u32) -> (u32, u32) {
        (origin, *self.context.entry(origin).and_modify(|count| *count += 1).or_insert(1))
    }

    /// Returns the elements that are not removed, in order: a depth-first walk that visits younger siblings first.
    fn order(&self) -> Vec<ElementId> {
        let mut children: BTreeMap<Option<ElementId>, Vec<ElementId>> = BTreeMap::new();
        for (id, element) in &self.elements {
            children.entry(element.parent).or_default().push(*id);
        }
        let mut order = Vec::with_capacity(self.elements.len());
        // Children are sorted by timestamp, so the youngest is on top of the stack.
        let mut stack = children.remove(&None).unwrap_or_default();
        while let Some(id) = stack.pop() {
            if self.elements[&id].value.is_some() {
                order.push(id);
            }
            stack.extend(children.remove(&Some(id)).unwrap_or_default());
        }
        order
    }

    /// Inserts an element at an index, or at the end if none is given. Returns the dot of the insertion.
    pub fn insert(&mut self, origin: u32, index: Option<u32>, value: Value) -> (u32, u32) {
        let order = self.order();
        let index = index.map_or(order.len(), |index| (index as usize).min(order.len()));
        let parent = index.checked_sub(1).map(|last| order[last]);
        let timestamp = self.elements.keys().next_back().map_or(0, |id| id.0) + 1;
        debug_assert!(parent.is_none_or(|parent| parent.0 < timestamp), "an element is younger than its parent");
        let previous = self.elements.insert((timestamp, origin), Element { parent, value: Some(value) });
        debug_assert!(previous.is_none(), "an element's id is used once");
        self.next_dot(origin)
    }

    /// Removes the element at an index. Returns the dot of the removal; `None` if the list is shorter.
    pub fn remove(&mut self, origin: u32, index: u32) -> Option<(u32, u32)> {
        debug_assert!(origin > 0, "origin 0 is that of the scenario's data");
        let id = *self.order().get(index as usize)?;
        debug_assert!(self.elements[&id].value.is_some(), "an element is removed once");
        self.elements.get_mut(&id)?.value = None;
        Some(self.next_dot(origin))
    }

    /// Returns the list; `None` for an absent key.
    pub fn value(&self) -> Option<Value> {
        let elements: Vec<Value> = self.order().iter().filter_map(|id| self.elements[id].value.clone()).collect();
        (!self.context.is_empty()).then(|| Value::List(elements.into()))
    }

    /// Returns the causal context.
    pub fn version_vector(&self) -> VersionVector {
        self.context.iter().map(|(origin, count)| (*origin, *count)).collect()
    }

    /// Merges another state into this one. Returns whether this state changed.
    pub fn merge(&mut self, other: &Sequence) -> bool {
        for (id, theirs) in &other.elements {
            match self.elements.get_mut(id) {
                None => _ = self.elements.insert(*id, theirs.clone()),
                Some(ours) if theirs.value.is_none() => ours.value = None,
                Some(_) => {}
            }
        }
        // Every change has a dot, so the context shows whether anything changed.
        let mut changed = false;
        for (origin, count) in &other.context {
            let observed = self.context.entry(*origin).or_default();
            changed |= *count > *observed;
            *observed = (*observed).max(*count);
        }
        debug_assert!(self.context.len() >= other.context.len(), "a merge forgets no replica");
        debug_assert!(self.elements.len() >= other.elements.len(), "a merge forgets no element");
        changed
    }
}
