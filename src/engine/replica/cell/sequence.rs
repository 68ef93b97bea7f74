//! A list that several change at once: the replicated growable array (Roh 2011), kept as a tree in which each element hangs
//! under the one that it was inserted behind (the timestamped insertion tree of Attiya 2016, which reads the same).

use crate::scenario::Value;
use crate::trace::VersionVector;
use std::collections::BTreeMap;

/// When an element was inserted: a Lamport count, then the origin.
type Stamp = (u32, u32);

#[derive(Clone, Debug, PartialEq)]
struct Node {
    /// What it was inserted behind; none for the beginning.
    behind: Option<Stamp>,
    /// None once it was removed: others may still come to be inserted behind it.
    element: Option<Value>,
}

/// A list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    context: BTreeMap<u32, u32>,
    nodes: BTreeMap<Stamp, Node>,
}

impl Sequence {
    /// What stood in the document.
    pub fn seeded(elements: &[Value]) -> Sequence {
        let mut sequence = Sequence::default();
        for element in elements {
            sequence.insert(0, None, element.clone());
        }
        // An empty list is there all the same.
        sequence.context = [(0, elements.len().max(1) as u32)].into_iter().collect();
        sequence
    }

    fn next(&mut self, origin: u32) -> (u32, u32) {
        let count = self.context.entry(origin).or_default();
        *count += 1;
        (origin, *count)
    }

    /// The elements that are there, in order.
    fn order(&self) -> Vec<Stamp> {
        let mut under: BTreeMap<Option<Stamp>, Vec<Stamp>> = BTreeMap::new();
        for (stamp, node) in self.nodes.iter() {
            under.entry(node.behind).or_default().push(*stamp);
        }
        let mut order = Vec::with_capacity(self.nodes.len());
        // The latest of those behind the same one comes first: it is the last that was put on the stack.
        let mut stack = under.remove(&None).unwrap_or_default();
        while let Some(stamp) = stack.pop() {
            if self.nodes[&stamp].element.is_some() {
                order.push(stamp);
            }
            stack.extend(under.remove(&Some(stamp)).unwrap_or_default());
        }
        order
    }

    /// Inserts an element behind so many, or behind the last; the new dot.
    pub fn insert(&mut self, origin: u32, at: Option<u32>, element: Value) -> (u32, u32) {
        let order = self.order();
        let before = at.map_or(order.len(), |at| (at as usize).min(order.len()));
        let behind = before.checked_sub(1).map(|last| order[last]);
        let highest = self.nodes.keys().next_back().map_or(0, |stamp| stamp.0);
        self.nodes.insert((highest + 1, origin), Node { behind, element: Some(element) });
        self.next(origin)
    }

    /// Removes the element behind so many; the removal's own dot, or none if there is no such element.
    pub fn remove(&mut self, origin: u32, at: u32) -> Option<(u32, u32)> {
        let stamp = *self.order().get(at as usize)?;
        self.nodes.get_mut(&stamp)?.element = None;
        Some(self.next(origin))
    }

    /// The list; none for an absent key.
    pub fn value(&self) -> Option<Value> {
        let elements: Vec<Value> = self.order().iter().filter_map(|stamp| self.nodes[stamp].element.clone()).collect();
        (!self.context.is_empty()).then(|| Value::List(elements.into()))
    }

    /// All that is seen here.
    pub fn seen(&self) -> VersionVector {
        self.context.iter().map(|(origin, count)| (*origin, *count)).collect()
    }

    /// Merges another state in; whether that changed anything.
    pub fn merge(&mut self, other: &Sequence) -> bool {
        let mut changed = false;
        for (stamp, node) in other.nodes.iter() {
            match self.nodes.get_mut(stamp) {
                None => _ = self.nodes.insert(*stamp, node.clone()),
                Some(mine) if node.element.is_none() => mine.element = None,
                Some(_) => {}
            }
        }
        // Whatever is changed has a dot.
        for (origin, count) in other.context.iter() {
            let mine = self.context.entry(*origin).or_default();
            changed |= *count > *mine;
            *mine = (*mine).max(*count);
        }
        changed
    }
}
