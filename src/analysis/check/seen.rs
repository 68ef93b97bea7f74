//! What a search has met: a set of lists of words.

use xxhash_rust::xxh3::xxh3_64;

/// A set of keys, each a few words, in an open table, each with what was spent to get there, a bit for each thing. Whole
/// keys are kept, so that two of them never pass for one.
#[derive(Default)]
pub(super) struct Seen {
    words: Vec<u64>,
    /// For each entry where it begins in `words`: the length of its key, the key, the length of its mask, the mask.
    table: Vec<u32>,
    count: usize,
    bytes: Vec<u8>,
}

const FREE: u32 = u32::MAX;

impl Seen {
    /// Adds a key; false if it is there already for no more than is spent now.
    pub fn insert(&mut self, key: &[u64], spent: &[u64]) -> bool {
        if self.table.len() < (self.count + 1) * 2 {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut slot = self.hash(key) as usize & mask;
        while self.table[slot] != FREE {
            let (old, paid) = self.at(self.table[slot]);
            let within = |(i, word): (usize, &u64)| word & !spent.get(i).copied().unwrap_or(0) == 0;
            if old == key && paid.iter().enumerate().all(within) {
                return false;
            }
            slot = (slot + 1) & mask;
        }
        self.table[slot] = self.words.len() as u32;
        self.words.push(key.len() as u64);
        self.words.extend_from_slice(key);
        self.words.push(spent.len() as u64);
        self.words.extend_from_slice(spent);
        self.count += 1;
        true
    }

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
        let mut seen = Seen::default();
        for round in 0..2 {
            for n in 0..1000u64 {
                assert_eq!(seen.insert(&[n, n / 7], &[]), round == 0, "key {n}, round {round}");
            }
        }
        assert!(seen.insert(&[5], &[]), "a part of a key is another key");
    }

    #[test]
    fn a_key_is_new_again_if_less_was_spent_on_it() {
        let mut seen = Seen::default();
        assert!(seen.insert(&[1], &[0b110]));
        assert!(!seen.insert(&[1], &[0b111]));
        assert!(seen.insert(&[1], &[0b010]));
        assert!(seen.insert(&[1], &[0b001]));
        assert!(!seen.insert(&[1], &[0b110, 1]));
    }
}
