//! The log of a group that orders its writes: Raft, primary-replica and chain replication. Indices begin at 1.

use super::write_metadata::WriteMetadata;
use crate::scenario::{Micros, Value};
use crate::trace::{KeyId, OperationId, UpdateId, Version};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The maximum number of entries in one message.
pub const MAX_ENTRIES_PER_MESSAGE: usize = 64;

/// An entry of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// The term, or epoch, in which the leader appended it.
    pub term: u32,
    /// The update; `None` for an entry that changes nothing, such as the first of a Raft leader's term.
    pub update: Option<UpdateId>,
    /// The operation that requested it.
    pub operation: Option<OperationId>,
    /// The key.
    pub key: KeyId,
    /// The key's value once this entry is applied; `None` for a deletion.
    pub value: Option<Value>,
    /// The origin of the write, in a connected group.
    pub metadata: Option<Arc<WriteMetadata>>,
}

impl LogEntry {
    /// Returns an entry that changes nothing.
    pub fn no_op(term: u32, operation: Option<OperationId>, key: KeyId) -> LogEntry {
        LogEntry { term, update: None, operation, key, value: None, metadata: None }
    }
}

/// A place in a log. Of two logs the one whose last position is greater is more up-to-date (Raft, 5.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition {
    /// The term of the entry; 0 before the first.
    pub term: u32,
    /// Its index; 0 before the first.
    pub index: u32,
}

impl LogPosition {
    /// Returns the version of the register that the entry writes.
    pub fn version(self) -> Version {
        Version::logged(self.term, self.index)
    }
}

/// A log. It is never compacted, since runs are short.
#[derive(Clone, Debug, Default)]
pub struct ReplicatedLog {
    entries: Vec<LogEntry>,
    /// The group's inbox: by the update of each event that the log writes, the entry's index, and when it was
    /// coordinated.
    inbox: BTreeMap<UpdateId, (u32, Micros)>,
}

impl ReplicatedLog {
    /// Returns the index of the last entry; 0 for an empty log.
    pub fn last_index(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Returns the position of the last entry.
    pub fn last(&self) -> LogPosition {
        LogPosition { term: self.entries.last().map_or(0, |entry| entry.term), index: self.last_index() }
    }

    /// Returns the term of an entry; 0 before the first, `None` after the last.
    pub fn term_at(&self, index: u32) -> Option<u32> {
        if index == 0 { Some(0) } else { self.get(index).map(|entry| entry.term) }
    }

    /// Returns an entry; `None` outside of the log.
    pub fn get(&self, index: u32) -> Option<&LogEntry> {
        self.entries.get(index.checked_sub(1)? as usize)
    }

    /// Returns at most `limit` entries from an index on.
    pub fn entries_from(&self, index: u32, limit: usize) -> Vec<LogEntry> {
        let start = (index.max(1) - 1) as usize;
        self.entries[start.min(self.entries.len())..].iter().take(limit).cloned().collect()
    }

    /// Appends an entry, and returns its index.
    pub fn append(&mut self, entry: LogEntry) -> u32 {
        debug_assert!(entry.term > 0, "the first term is 1");
        debug_assert!(entry.term >= self.last().term, "terms never decrease within a log");
        let written = entry.metadata.as_ref().filter(|_| entry.update.is_some());
        if let Some((source, at)) = written.and_then(|metadata| Some((metadata.source?, metadata.coordinated_at))) {
            self.inbox.insert(source.update, (self.last_index() + 1, at));
        }
        self.entries.push(entry);
        self.last_index()
    }

    /// Removes and returns all entries from an index on.
    pub fn truncate_from(&mut self, index: u32) -> Vec<LogEntry> {
        let index = index.max(1);
        self.inbox.retain(|_, (written, _)| *written < index);
        let removed = self.entries.split_off(((index - 1) as usize).min(self.entries.len()));
        debug_assert!(self.last_index() < index, "no entry remains from the index on");
        debug_assert!(self.inbox.len() <= self.entries.len(), "an entry writes one event");
        removed
    }

    /// Returns when the write of an event was coordinated; `None` if the inbox has no row for the event.
    pub fn handled_at(&self, event: UpdateId) -> Option<Micros> {
        self.inbox.get(&event).map(|(_, at)| *at)
    }

    /// Returns the last write of a key after an index.
    pub fn last_write_after(&self, index: u32, key: KeyId) -> Option<(LogPosition, &LogEntry)> {
        let later = (1..).zip(&self.entries).skip(index as usize);
        let write = later.filter(|(_, entry)| entry.key == key && entry.update.is_some()).last();
        write.map(|(index, entry)| (LogPosition { term: entry.term, index }, entry))
    }
}
