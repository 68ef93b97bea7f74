use super::{Digest, Fact, Level, Record};
use crate::scenario::Micros;
use std::collections::VecDeque;
use std::sync::Arc;

/// Number of records in a chunk. Clones share full chunks.
pub const CHUNK: usize = 4096;
/// Bytes of texts and lists after which a chunk is full, with any number of records.
const CHUNK_CONTENT: u64 = 4 << 20;
/// The maximum number of bytes of texts and lists that the trace keeps.
const MAX_CONTENT: u64 = 32 << 20;

/// A full chunk.
#[derive(Clone, Debug)]
struct Chunk {
    /// Index of its first record.
    first: u64,
    /// Estimated bytes of its texts and lists.
    content: u64,
    records: Arc<Vec<Record>>,
}

/// The log of a run: the digest of all records, and the newest records in bounded memory.
///
/// Records are stored in chunks of [`CHUNK`], or fewer if they contain long lists. Full chunks are immutable and shared, so a
/// clone copies at most one chunk and a list of pointers. Beyond the limit, 2^19 records (about 38 MB) by default and 32 MB of
/// texts and lists, the oldest chunk is discarded. Running the same scenario to an earlier time recreates discarded records.
#[derive(Clone, Debug)]
pub struct Trace {
    level: Level,
    digest: Digest,
    full: VecDeque<Chunk>,
    open: Vec<Record>,
    /// Estimated bytes of the texts and lists of the open chunk, and of all kept chunks.
    open_content: u64,
    content: u64,
    /// Index of the oldest kept record.
    oldest: u64,
    total: u64,
    limit_chunks: usize,
}

impl Trace {
    /// Creates an empty log that keeps at most 2^19 records.
    pub fn new(level: Level) -> Self {
        Self::with_limit(level, 1 << 19)
    }

    /// Creates an empty log that keeps the newest `limit` records, rounded up to whole chunks, at least one.
    pub fn with_limit(level: Level, limit: usize) -> Self {
        Trace {
            level,
            digest: Digest::default(),
            full: VecDeque::new(),
            open: Vec::new(),
            open_content: 0,
            content: 0,
            oldest: 0,
            total: 0,
            limit_chunks: limit.div_ceil(CHUNK).max(1),
        }
    }

    /// Returns whether records are kept or counted; if not, the engine need not create them.
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
            if self.open.len() == CHUNK || self.open_content > CHUNK_CONTENT {
                self.close_chunk();
            }
            let content = record.fact.content();
            self.open_content += content;
            self.content += content;
            self.open.push(record);
        } else {
            self.oldest = self.total;
        }
    }

    fn close_chunk(&mut self) {
        // The record that is being pushed is counted already.
        let first = self.total - 1 - self.open.len() as u64;
        let records = std::mem::replace(&mut self.open, Vec::with_capacity(CHUNK));
        let content = std::mem::take(&mut self.open_content);
        self.full.push_back(Chunk { first, content, records: Arc::new(records) });
        while self.full.len() > self.limit_chunks || (self.content > MAX_CONTENT && self.full.len() > 1) {
            self.discard_oldest();
        }
    }

    fn discard_oldest(&mut self) {
        if let Some(chunk) = self.full.pop_front() {
            self.oldest = chunk.first + chunk.records.len() as u64;
            self.content -= chunk.content;
        }
    }

    /// Discards all full chunks but the newest `chunks`, if the beginning was already discarded. This bounds the memory that a
    /// clone does not share; while the beginning is kept, clones share all full chunks.
    pub fn truncate_to_newest(&mut self, chunks: usize) {
        while self.oldest > 0 && self.full.len() > chunks {
            self.discard_oldest();
        }
    }

    /// Returns the number of records ever appended.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the index of the oldest kept record.
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Returns the estimated memory of the kept records, bytes.
    pub fn memory(&self) -> u64 {
        (self.full.len() * CHUNK + self.open.len()) as u64 * size_of::<Record>() as u64 + self.content
    }

    /// Returns the record with an index, if it is kept.
    pub fn get(&self, index: u64) -> Option<&Record> {
        let open = self.total - self.open.len() as u64;
        if index >= open {
            return self.open.get(usize::try_from(index - open).ok()?);
        }
        let after = self.full.partition_point(|chunk| chunk.first <= index);
        let chunk = self.full.get(after.checked_sub(1)?)?;
        chunk.records.get(usize::try_from(index - chunk.first).ok()?)
    }

    /// Iterates over the kept records from an index on, oldest first.
    pub fn since(&self, index: u64) -> impl Iterator<Item = &Record> {
        (index.max(self.oldest)..self.total).map_while(|i| self.get(i))
    }

    /// Returns the digest of all records so far.
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
    fn truncation_discards_chunks_only_after_the_beginning_is_discarded() {
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
    fn long_lists_are_discarded_before_they_fill_the_memory() {
        let mut trace = Trace::new(Level::Full);
        let context: Vec<(u32, u32)> = (0..10_000).map(|origin| (origin, 1)).collect();
        for i in 0..10_000u64 {
            let fact = Fact::StateMerged {
                node: crate::trace::NodeId(0),
                key: crate::trace::KeyId(0),
                update: None,
                context: context.clone(),
                values: Vec::new(),
            };
            trace.push(i, fact);
            assert!(trace.memory() < 64 << 20, "{}", trace.memory());
        }
        assert!(trace.oldest() > 9_000 && trace.get(trace.oldest() - 1).is_none());
        let kept: Vec<u64> = trace.since(0).map(|record| record.at).collect();
        assert_eq!(kept, (trace.oldest()..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_digest_does_not_depend_on_the_kept_records() {
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
        let times: Vec<u64> = trace.since(4_000).map(|record| record.at).collect();
        assert_eq!(times, (4_000..10_000).collect::<Vec<_>>());
    }
}
