use std::collections::VecDeque;

/// A set of ids that are added in ascending order, and removed in any order: one bit for each id from the least to the greatest.
#[derive(Clone, Debug, Default)]
pub(super) struct IdSet {
    words: VecDeque<u64>,
    /// The number of the first word. Each word contains 64 ids.
    first: u64,
    length: usize,
}

impl IdSet {
    /// Adds an id greater than all others.
    pub fn push(&mut self, id: u64) {
        if self.words.is_empty() {
            self.first = id / 64;
        }
        debug_assert!(id / 64 >= self.first, "ids are added in ascending order");
        while self.first + self.words.len() as u64 <= id / 64 {
            self.words.push_back(0);
        }
        if let Some(word) = self.words.back_mut() {
            debug_assert!(*word >> (id % 64) == 0, "ids are added in ascending order");
            *word |= 1 << (id % 64);
            self.length += 1;
        }
    }

    /// Removes an id. Returns whether it was in the set.
    pub fn remove(&mut self, id: u64) -> bool {
        if !self.contains(id) {
            return false;
        }
        self.words[(id / 64 - self.first) as usize] &= !(1 << (id % 64));
        self.length -= 1;
        while self.words.front() == Some(&0) {
            self.words.pop_front();
            self.first += 1;
        }
        debug_assert!(!self.contains(id), "the id is removed");
        debug_assert!((self.length == 0) == self.words.is_empty(), "an empty set has no words");
        true
    }

    /// Returns whether an id is in the set.
    pub fn contains(&self, id: u64) -> bool {
        let word = (id / 64).checked_sub(self.first).and_then(|at| self.words.get(usize::try_from(at).ok()?));
        word.is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// Iterates over the ids from one on, in ascending order.
    pub fn since(&self, from: u64) -> impl Iterator<Item = u64> {
        let skipped = usize::try_from((from / 64).saturating_sub(self.first)).unwrap_or(usize::MAX);
        let words = (self.first..).zip(&self.words).skip(skipped).filter(|(_, word)| **word != 0);
        let ids = words.flat_map(|(number, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| number * 64 + bit)
        });
        ids.skip_while(move |id| *id < from)
    }

    /// Returns the number of ids.
    pub fn len(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_of_ids_has_the_elements_of_an_ordinary_set(
            steps in prop::collection::vec((0u64..200, prop::collection::vec(0usize..1000, 0..4)), 0..100),
            from in 0u64..3000
        ) {
            let (mut set, mut expected) = (IdSet::default(), BTreeSet::new());
            let mut next = 0;
            for (gap, removed) in steps {
                next += gap + 1;
                set.push(next);
                expected.insert(next);
                for index in removed {
                    let id = *expected.iter().nth(index % expected.len().max(1)).unwrap_or(&next);
                    prop_assert_eq!(set.remove(id), expected.remove(&id));
                    prop_assert!(!set.contains(id));
                }
                prop_assert_eq!(set.len(), expected.len());
            }
            prop_assert!(expected.iter().all(|id| set.contains(*id)));
            prop_assert_eq!(set.since(from).collect::<Vec<_>>(), expected.range(from..).copied().collect::<Vec<_>>());
        }
    }
}
