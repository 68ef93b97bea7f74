//! Stores that several services use. A service that handles an event or an operation works on the store as on its own; the
//! rows on which handlers work are locked for the others.

use super::context::Context;
use super::inbox::Inbox;
use super::queue::{Priority, ScheduledEvent, Timer};
use super::store::Store;
use crate::scenario::Micros;
use crate::trace::{KeyId, NodeId};
use std::collections::{BTreeMap, VecDeque};

/// A job that waits for a row: its node, its id, and how long it takes.
type Waiting = (NodeId, u32, Micros);

/// A store that several services use.
#[derive(Clone, Debug, Default)]
pub struct SharedStore {
    /// Its rows.
    pub store: Store,
    /// The inboxes in it, by the first subscription of each consumer group.
    pub inboxes: BTreeMap<u32, Option<Inbox>>,
    /// Locked rows: the job that has the lock, and those that wait for it.
    locks: BTreeMap<KeyId, ((NodeId, u32), VecDeque<Waiting>)>,
}

impl SharedStore {
    /// Locks a row for a job, or lets the job wait for it. Returns whether the job may begin.
    pub fn lock(&mut self, key: KeyId, node: NodeId, job: u32, duration: Micros) -> bool {
        match self.locks.get_mut(&key) {
            None => {
                self.locks.insert(key, ((node, job), VecDeque::new()));
                true
            }
            Some((holder, waiting)) => {
                debug_assert!(*holder != (node, job), "a job locks a row once");
                waiting.push_back((node, job, duration));
                false
            }
        }
    }
}

impl Context {
    /// Releases the row that a job locked. The next job that waits for it begins.
    pub fn unlock_row(&mut self, store: usize, key: KeyId, job: u32) {
        let (now, node) = (self.now, self.node);
        let locks = &mut self.stores[store].locks;
        let Some((holder, waiting)) = locks.get_mut(&key) else { return };
        if *holder != (node, job) {
            return;
        }
        match waiting.pop_front() {
            Some((next, job, duration)) => {
                *holder = (next, job);
                let event = ScheduledEvent::Timer(next, Timer::JobDone(job));
                self.queue.push(now + duration, Priority::Timer, event);
            }
            None => _ = locks.remove(&key),
        }
    }

    /// Releases all rows that the handler's node locked, and forgets its jobs that wait for rows, in a crash.
    pub fn unlock_all(&mut self, store: usize) {
        let node = self.node;
        let mut released = Vec::new();
        for (key, (holder, waiting)) in &mut self.stores[store].locks {
            waiting.retain(|(other, ..)| *other != node);
            if holder.0 == node {
                released.push((*key, holder.1));
            }
        }
        for (key, job) in released {
            self.unlock_row(store, key, job);
        }
    }
}
