//! Stores that several services use. A service that handles an event or an operation works on the store as on its own; the
//! rows on which handlers work are locked for the others.

use super::inbox::Inbox;
use super::store::Store;
use crate::scenario::Micros;
use crate::trace::{KeyId, NodeId};
use std::collections::{BTreeMap, VecDeque};

/// A job that waits for a row: its node, its id, and how long it takes.
pub type WaitingJob = (NodeId, u32, Micros);

/// A store that several services use.
#[derive(Clone, Debug, Default)]
pub struct SharedStore {
    /// Its rows.
    pub store: Store,
    /// The inboxes in it, by the first subscription of each consumer group.
    pub inboxes: BTreeMap<u32, Option<Inbox>>,
    /// Locked rows: the job that has the lock, and those that wait for it.
    locks: BTreeMap<KeyId, ((NodeId, u32), VecDeque<WaitingJob>)>,
}

impl SharedStore {
    /// Returns whether a job has the lock of a row.
    pub fn is_locked_by(&self, key: KeyId, node: NodeId, job: u32) -> bool {
        self.locks.get(&key).is_some_and(|(holder, _)| *holder == (node, job))
    }

    /// Locks a row for a job, or lets the job wait for it. Returns whether the job may begin.
    pub fn lock(&mut self, key: KeyId, node: NodeId, job: u32, duration: Micros) -> bool {
        debug_assert!(!self.is_locked_by(key, node, job), "a job locks a row once");
        match self.locks.get_mut(&key) {
            None => {
                self.locks.insert(key, ((node, job), VecDeque::new()));
                true
            }
            Some((_, waiting)) => {
                let is_waiting = waiting.iter().any(|(other, id, _)| (*other, *id) == (node, job));
                debug_assert!(!is_waiting, "a job waits for a row once");

                waiting.push_back((node, job, duration));
                false
            }
        }
    }

    /// Releases a row that a job locked. Returns the job that now has the lock, if one waited for it.
    pub fn unlock(&mut self, key: KeyId, node: NodeId, job: u32) -> Option<WaitingJob> {
        let (holder, waiting) = self.locks.get_mut(&key).filter(|(holder, _)| *holder == (node, job))?;
        let next = waiting.pop_front();
        match next {
            Some((node, job, _)) => *holder = (node, job),
            None => _ = self.locks.remove(&key),
        }
        debug_assert!(!self.is_locked_by(key, node, job), "the job has released the row");
        debug_assert!(next.is_none_or(|(other, id, _)| (other, id) != (node, job)), "a job waits for a row once");
        next
    }

    /// Forgets the jobs of a node that wait for rows. Returns the rows that its jobs locked, each with its job.
    pub fn forget_waiting(&mut self, node: NodeId) -> Vec<(KeyId, u32)> {
        let mut locked = Vec::new();
        for (key, (holder, waiting)) in &mut self.locks {
            let is_holder = |(other, id, _): &WaitingJob| (*other, *id) == *holder;
            debug_assert!(!waiting.iter().any(is_holder), "the job that has the lock does not wait");
            waiting.retain(|(other, ..)| *other != node);
            if holder.0 == node {
                locked.push((*key, holder.1));
            }
        }
        debug_assert!(locked.is_sorted_by(|a, b| a.0 < b.0), "each row is locked once");
        locked
    }
}
