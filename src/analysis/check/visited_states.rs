//! The states that a search has visited: a set of lists of words.

use xxhash_rust::xxh3::xxh3_64;

/// A set of keys in a hash table with open addressing. A key is a few words of 64 bits, with a mask of the optional operations
/// by which it was reached. The table stores whole keys, so a hash collision cannot merge two states.
#[derive(Default)]
pub(super) struct VisitedStates {
    /// The entries, each of which is the length of the key, the key, the length of the mask, and the mask.
    words: Vec<u64>,
    /// The start of an entry in `words` for each slot, or `FREE`.
    table: Vec<u32>,
    /// The number of entries.
    count: usize,
    /// A buffer for the bytes of a key.
    bytes: Vec<u8>,
}

/// A slot without an entry.
const FREE: u32 = u32::MAX;

impl VisitedStates {
    /// Adds a key that was reached with the operations in `used`. Returns false if the key was reached before with a subset.
    pub fn insert(&mut self, key: &[u64], used: &[u64]) -> bool {
        if self.table.len() < (self.count + 1) * 2 {
            self.grow();
        }
        let slots = self.table.len();
        let mut slot = self.hash(key) as usize & (slots - 1);
        while self.table[slot] != FREE {
            let (old_key, old_mask) = self.at(self.table[slot]);
            let is_used = |(i, word): (usize, &u64)| word & !used.get(i).copied().unwrap_or(0) == 0;
            if old_key == key && old_mask.iter().enumerate().all(is_used) {
                return false;
            }
            slot = (slot + 1) & (slots - 1);
        }
        self.table[slot] = self.words.len() as u32;
        self.words.push(key.len() as u64);
        self.words.extend_from_slice(key);
        self.words.push(used.len() as u64);
        self.words.extend_from_slice(used);
        self.count += 1;
        true
    }

    /// Returns the key and the mask of the entry that begins at `start` in `words`.
    fn at(&self, start: u32) -> (&[u64], &[u64]) {
        let rest = &self.words[start as usize..];
        let (key, rest) = rest[1..].split_at(rest[0] as usize);
        (key, &rest[1..=rest[0] as usize])
    }

    fn hash(&mut self, key: &[u64]) -> u64 {
        self.bytes.clear();
        self.bytes.extend(key.iter().flat_map(|word| word.to_le_bytes()));
        xxh3_64(&self.bytes)
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(64);
        let old = std::mem::replace(&mut self.table, vec![FREE; size]);
        for start in old.into_iter().filter(|start| *start != FREE) {
            let key = self.at(start).0.to_vec();
            let mut slot = self.hash(&key) as usize & (size - 1);
            while self.table[slot] != FREE {
                slot = (slot + 1) & (size - 1);
            }
            self.table[slot] = start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once() {
        let mut visited = VisitedStates::default();
        for round in 0..2 {
            for n in 0..1000u64 {
                assert_eq!(visited.insert(&[n, n / 7], &[]), round == 0, "key {n}, round {round}");
            }
        }
        assert!(visited.insert(&[5], &[]), "a part of a key is another key");
    }

    #[test]
    fn a_key_is_new_again_if_fewer_optional_operations_reach_it() {
        let mut visited = VisitedStates::default();
        assert!(visited.insert(&[1], &[0b110]));
        assert!(!visited.insert(&[1], &[0b111]));
        assert!(visited.insert(&[1], &[0b010]));
        assert!(visited.insert(&[1], &[0b001]));
        assert!(!visited.insert(&[1], &[0b110, 1]));
    }
}
