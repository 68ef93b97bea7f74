//! A leader's knowledge of its followers' logs (Raft, figure 2: `nextIndex` and `matchIndex`), for Raft and
//! primary-replica.

use super::replicated_log::{LogEntry, LogPosition, MAX_ENTRIES_PER_MESSAGE, ReplicatedLog};
use std::sync::Arc;

/// Entries to be sent to a follower.
#[derive(Clone, Debug)]
pub struct LogBatch {
    /// The position before the first entry, at which the follower checks that the logs match.
    pub previous: LogPosition,
    /// The entries; empty for a heartbeat.
    pub entries: Arc<Vec<LogEntry>>,
}

/// A leader's view of each member's log, by the member's place in the group.
#[derive(Clone, Debug)]
pub struct FollowerProgress {
    /// The next entry to send.
    next_index: Vec<u32>,
    /// The last entry known to be stored there.
    match_index: Vec<u32>,
}

impl FollowerProgress {
    /// Returns the view of a new group, whose logs are empty.
    pub fn new(members: usize) -> Self {
        FollowerProgress::after(0, members)
    }

    fn after(last_index: u32, members: usize) -> Self {
        FollowerProgress { next_index: vec![last_index + 1; members], match_index: vec![0; members] }
    }

    /// Resets all progress. A new leader assumes that followers have its whole log, until they report otherwise.
    pub fn reset(&mut self, last_index: u32) {
        *self = FollowerProgress::after(last_index, self.match_index.len());
    }

    /// Returns the last entry known to be stored by each member.
    pub fn match_index(&self) -> &[u32] {
        &self.match_index
    }

    /// Takes the next batch for a follower. Entries in flight are not sent again until the follower reports a
    /// mismatch, or [`FollowerProgress::rewind`] is called.
    pub fn next_batch(&mut self, follower: usize, log: &ReplicatedLog) -> LogBatch {
        debug_assert!(follower < self.next_index.len(), "a follower is a member");
        let next = self.next_index[follower];
        debug_assert!(next >= 1, "indices begin at 1");
        let previous = LogPosition { term: log.term_at(next - 1).unwrap_or(0), index: next - 1 };
        let entries = log.entries_from(next, MAX_ENTRIES_PER_MESSAGE);
        self.next_index[follower] += entries.len() as u32;
        LogBatch { previous, entries: Arc::new(entries) }
    }

    /// Makes the next batches contain all unacknowledged entries again.
    pub fn rewind(&mut self) {
        debug_assert!(self.next_index.len() == self.match_index.len(), "a follower is a member");
        for (next, matched) in self.next_index.iter_mut().zip(&self.match_index) {
            debug_assert!(*next >= 1, "indices begin at 1");
            *next = (*next).min(matched + 1);
        }
    }

    /// Notes that a follower's log matches up to an index.
    pub fn record_match(&mut self, follower: usize, last_index: u32) {
        debug_assert!(follower < self.next_index.len(), "a follower is a member");
        let (next, matched) = (&mut self.next_index[follower], &mut self.match_index[follower]);
        *matched = (*matched).max(last_index);
        *next = (*next).max(last_index + 1);
        debug_assert!(*next >= 1, "indices begin at 1");
    }

    /// Notes that a follower's log does not match; `hint` is the last index at which it may.
    pub fn record_mismatch(&mut self, follower: usize, hint: u32) {
        debug_assert!(follower < self.next_index.len(), "a follower is a member");
        let next = &mut self.next_index[follower];
        *next = (hint + 1).min((*next).max(2) - 1).max(1);
        debug_assert!(*next >= 1, "indices begin at 1");
    }

    /// Returns whether the log has entries that were not sent to a follower.
    pub fn has_unsent(&self, follower: usize, log: &ReplicatedLog) -> bool {
        self.next_index[follower] <= log.last_index()
    }
}

/// Checks a batch against a follower's log (the Log Matching property; Raft, 5.3).
///
/// # Errors
/// Returns the last index at which the logs may match.
pub fn check_consistency(log: &ReplicatedLog, previous: LogPosition) -> Result<(), u32> {
    if log.term_at(previous.index) == Some(previous.term) {
        return Ok(());
    }
    Err(log.last_index().min(previous.index.saturating_sub(1)))
}
