use super::{Digest, Fact, Level, Record};
use crate::scenario::Micros;
use std::collections::VecDeque;
use std::sync::Arc;

/// Records in a chunk. Full chunks are shared between clones.
pub const CHUNK: usize = 4096;

/// The log of a run: a digest of all records, and the newest of them in bounded memory.
///
/// Records stand in chunks of [`CHUNK`]; full chunks are immutable and shared, so a clone copies at most
/// one chunk and a list of pointers. Where more than the limit are kept, the oldest chunk is let go: 2^19 records
/// (about 38 MB) by default, whatever the run's length. What was let go is made again by running the same scenario to an
/// earlier instant.
#[derive(Clone, Debug)]
pub struct Trace {
    level: Level,
    digest: Digest,
    full: VecDeque<Arc<Vec<Record>>>,
    open: Vec<Record>,
    /// Index of the oldest kept record; a multiple of [`CHUNK`].
    oldest: u64,
    total: u64,
    limit_chunks: usize,
}

impl Trace {
    /// An empty log that keeps 2^19 records at most.
    pub fn new(level: Level) -> Self {
        Self::with_limit(level, 1 << 19)
    }

    /// An empty log that keeps the newest `limit` records, rounded up to whole chunks, and at least one chunk.
    pub fn with_limit(level: Level, limit: usize) -> Self {
        Trace {
            level,
            digest: Digest::default(),
            full: VecDeque::new(),
            open: Vec::new(),
            oldest: 0,
            total: 0,
            limit_chunks: limit.div_ceil(CHUNK).max(1),
        }
    }

    /// Whether records are wanted at all; lets the engine skip making them.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.level != Level::Off
    }

    /// Appends a record.
    #[inline]
    pub fn push(&mut self, at: Micros, fact: Fact) {
        if self.level == Level::Off {
            return;
        }
        let record = Record { at, fact };
        self.digest.update(&record);
        self.total += 1;
        if self.level == Level::Full {
            if self.open.len() == CHUNK {
                self.close_chunk();
            }
            self.open.push(record);
        } else {
            self.oldest = self.total;
        }
    }

    fn close_chunk(&mut self) {
        let chunk = std::mem::replace(&mut self.open, Vec::with_capacity(CHUNK));
        self.full.push_back(Arc::new(chunk));
        if self.full.len() > self.limit_chunks {
            self.full.pop_front();
            self.oldest += CHUNK as u64;
        }
    }

    /// Where the beginning was let go already, lets go of all but so many chunks more. What a clone keeps to itself is bounded
    /// by that: as long as the beginning is there, all that it keeps is shared.
    pub fn truncate_to_newest(&mut self, chunks: usize) {
        if self.oldest > 0 && self.full.len() > chunks {
            let gone = self.full.len() - chunks;
            self.full.drain(..gone);
            self.oldest += (gone * CHUNK) as u64;
        }
    }

    /// How many records there have been.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Index of the oldest record that is still kept.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The record with that index, if it is kept.
    pub fn get(&self, index: u64) -> Option<&Record> {
        let kept = usize::try_from(index.checked_sub(self.oldest)?).ok()?;
        match self.full.get(kept / CHUNK) {
            Some(chunk) => chunk.get(kept % CHUNK),
            None => self.open.get(kept - self.full.len() * CHUNK),
        }
    }

    /// The kept records from that index on, oldest first.
    pub fn since(&self, index: u64) -> impl Iterator<Item = &Record> {
        (index.max(self.oldest)..self.total).map_while(|i| self.get(i))
    }

    /// The digest of all records so far.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::MessageId;

    fn filled(level: Level, limit: usize, records: u64) -> Trace {
        let mut trace = Trace::with_limit(level, limit);
        for i in 0..records {
            trace.push(i, Fact::MessageDelivered { message: MessageId(i) });
        }
        trace
    }

    #[test]
    fn a_long_run_keeps_the_newest_records_within_its_limit() {
        let trace = filled(Level::Full, 2 * CHUNK, 1_000_000);
        assert_eq!(trace.total(), 1_000_000);
        let kept = trace.total() - trace.oldest();
        assert!(kept <= 3 * CHUNK as u64, "kept {kept} records");
        assert_eq!(trace.get(999_999).map(|record| record.at), Some(999_999));
        assert_eq!(trace.get(trace.oldest()).map(|record| record.at), Some(trace.oldest()));
        assert_eq!(trace.get(trace.oldest() - 1), None);
        assert_eq!(trace.get(1_000_000), None);
    }

    #[test]
    fn clones_of_a_long_run_keep_little_to_themselves_and_those_of_a_short_one_all() {
        let mut long = filled(Level::Full, 8 * CHUNK, 1_000_000);
        let mut short = filled(Level::Full, 8 * CHUNK, 7 * CHUNK as u64);
        for trace in [&mut long, &mut short] {
            trace.truncate_to_newest(2);
        }
        assert!(long.total() - long.oldest() <= 3 * CHUNK as u64, "{}", long.oldest());
        assert_eq!(long.get(long.oldest()).map(|record| record.at), Some(long.oldest()));
        assert_eq!(long.get(long.oldest() - 1), None);
        assert_eq!(long.get(999_999).map(|record| record.at), Some(999_999));
        assert_eq!(short.oldest(), 0);
    }

    #[test]
    fn the_digest_does_not_depend_on_what_is_kept() {
        let all = filled(Level::Full, 1 << 19, 20_000);
        let few = filled(Level::Full, CHUNK, 20_000);
        let none = filled(Level::Digest, CHUNK, 20_000);
        assert_eq!(all.digest().value(), few.digest().value());
        assert_eq!(all.digest().value(), none.digest().value());
        assert_eq!(none.since(0).count(), 0);
        assert_eq!(filled(Level::Off, CHUNK, 20_000).total(), 0);
    }

    #[test]
    fn reading_from_an_index_gives_every_later_record_once() {
        let trace = filled(Level::Full, 1 << 19, 10_000);
        let seen: Vec<u64> = trace.since(4_000).map(|record| record.at).collect();
        assert_eq!(seen, (4_000..10_000).collect::<Vec<_>>());
    }
}
