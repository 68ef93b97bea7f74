use std::collections::VecDeque;
use std::sync::Arc;

/// Items in one part.
const PART: usize = 4096;
/// Parts that are kept.
const PARTS: usize = 16;

/// The newest 65,536 items of a sequence, by their number in it. A copy shares all parts but the last with its original,
/// so that a snapshot of a run costs little.
#[derive(Clone, Debug)]
pub(super) struct Recent<T> {
    first: u64,
    parts: VecDeque<Arc<Vec<T>>>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent { first: 0, parts: VecDeque::new() }
    }
}

impl<T: Clone> Recent<T> {
    /// Adds the next item.
    pub fn push(&mut self, item: T) {
        if self.parts.back().is_none_or(|part| part.len() == PART) {
            self.parts.push_back(Arc::new(Vec::with_capacity(64)));
        }
        if let Some(last) = self.parts.back_mut() {
            Arc::make_mut(last).push(item);
        }
        if self.parts.len() > PARTS {
            self.parts.pop_front();
            self.first += PART as u64;
        }
    }

    /// How many items there ever were.
    pub fn total(&self) -> u64 {
        let before = self.parts.len().saturating_sub(1) * PART;
        self.first + (before + self.parts.back().map_or(0, |last| last.len())) as u64
    }

    /// An item, if it is kept.
    pub fn get(&self, number: u64) -> Option<&T> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.parts.get(at / PART)?.get(at % PART)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        Arc::make_mut(self.parts.get_mut(at / PART)?).get_mut(at % PART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_items_are_kept_under_their_numbers() {
        let mut recent = Recent::default();
        for n in 0..100_000u64 {
            assert_eq!(recent.total(), n);
            recent.push(n);
        }
        let copy = recent.clone();
        recent.push(100_000);
        assert_eq!((recent.get(100_000), copy.get(100_000)), (Some(&100_000), None));
        assert_eq!((recent.get(99_999), recent.get(0)), (Some(&99_999), None));
        assert!(recent.get(100_000 - 60_000).is_some());
    }
}
