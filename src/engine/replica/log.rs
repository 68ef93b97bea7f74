//! The log of a group that orders its writes: Raft, primary-replica, chain. Entries are counted from 1.

use super::events::Made;
use crate::scenario::{Micros, Value};
use crate::trace::{KeyId, OperationId, UpdateId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An entry of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The term, or epoch, in which it was made.
    pub term: u32,
    /// The update; none for an entry that says nothing, with which a leader begins its term.
    pub update: Option<UpdateId>,
    /// The operation that asked for it.
    pub operation: Option<OperationId>,
    /// The key.
    pub key: KeyId,
    /// What the key holds once all before it and this are applied; none for a deletion.
    pub value: Option<Value>,
    /// Where it comes from, in a connected group.
    pub made: Option<Arc<Made>>,
}

/// A log. Nothing is ever compacted: a run is short.
#[derive(Clone, Debug, Default)]
pub struct Log {
    entries: Vec<Entry>,
    /// The group's inbox: by the update of each event that was written the entry, and when it was made.
    events: BTreeMap<UpdateId, (u32, Micros)>,
}

impl Log {
    /// Number of the last entry; 0 for an empty log.
    pub fn last(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Term of an entry; 0 for the one before the first, none behind the last.
    pub fn term(&self, index: u32) -> Option<u32> {
        if index == 0 { Some(0) } else { self.get(index).map(|entry| entry.term) }
    }

    /// Term and number of the last entry, in the order by which logs are compared.
    pub fn end(&self) -> (u32, u32) {
        (self.entries.last().map_or(0, |entry| entry.term), self.last())
    }

    /// An entry.
    pub fn get(&self, index: u32) -> Option<&Entry> {
        self.entries.get(index.checked_sub(1)? as usize)
    }

    /// Entries from a number on, at most so many.
    pub fn from(&self, index: u32, most: usize) -> Vec<Entry> {
        let start = (index.max(1) - 1) as usize;
        self.entries[start.min(self.entries.len())..].iter().take(most).cloned().collect()
    }

    /// Puts an entry behind all others, and says its number.
    pub fn push(&mut self, entry: Entry) -> u32 {
        let made = entry.made.as_ref().filter(|_| entry.update.is_some());
        if let Some((Some((event, _)), at)) = made.map(|made| (made.event, made.at)) {
            self.events.insert(event, (self.last() + 1, at));
        }
        self.entries.push(entry);
        self.last()
    }

    /// Takes away all entries from a number on.
    pub fn truncate(&mut self, from: u32) -> Vec<Entry> {
        self.events.retain(|_, (index, _)| *index < from.max(1));
        self.entries.split_off(((from.max(1) - 1) as usize).min(self.entries.len()))
    }

    /// When an event was written; none if it was not.
    pub fn handled(&self, event: UpdateId) -> Option<Micros> {
        self.events.get(&event).map(|(_, at)| *at)
    }

    /// The last update of a key behind an entry.
    pub fn latest(&self, key: KeyId, behind: u32) -> Option<(u32, &Entry)> {
        let unapplied = (1..).zip(&self.entries).skip(behind as usize);
        unapplied.filter(|(_, entry)| entry.key == key && entry.update.is_some()).last()
    }
}
