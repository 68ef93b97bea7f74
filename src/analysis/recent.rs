use std::collections::VecDeque;
use std::sync::Arc;

/// Items in one chunk.
const CHUNK: usize = 4096;
/// Maximum number of chunks.
const MAX_CHUNKS: usize = 16;

/// The newest items of a sequence, at most 65,536, by their number in it. A clone shares all chunks but the last with its
/// original, which keeps snapshots of a run small.
#[derive(Clone, Debug)]
pub(super) struct Recent<T> {
    first: u64,
    chunks: VecDeque<Arc<Vec<T>>>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent { first: 0, chunks: VecDeque::new() }
    }
}

impl<T: Clone> Recent<T> {
    /// Adds the next item. Returns the oldest chunk, with the number of its first item, if this discards it.
    pub fn push(&mut self, item: T) -> Option<(u64, Arc<Vec<T>>)> {
        if self.chunks.back().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push_back(Arc::new(Vec::with_capacity(64)));
        }
        if let Some(last) = self.chunks.back_mut() {
            Arc::make_mut(last).push(item);
        }
        if self.chunks.len() <= MAX_CHUNKS {
            return None;
        }
        let first = self.first;
        self.first += CHUNK as u64;
        self.chunks.pop_front().map(|oldest| (first, oldest))
    }

    /// Returns the number of items ever added.
    pub fn total(&self) -> u64 {
        let before = self.chunks.len().saturating_sub(1) * CHUNK;
        self.first + (before + self.chunks.back().map_or(0, |last| last.len())) as u64
    }

    /// Returns an item, if it is kept.
    pub fn get(&self, number: u64) -> Option<&T> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.chunks.get(at / CHUNK)?.get(at % CHUNK)
    }

    /// Returns an item for modification, if it is kept.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        Arc::make_mut(self.chunks.get_mut(at / CHUNK)?).get_mut(at % CHUNK)
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
