//! An inbox: which events a consumer has handled. Its rows are written in the same transaction as the effect.

use crate::scenario::Micros;
use crate::trace::UpdateId;
use std::collections::{BTreeMap, VecDeque};

/// The events that a consumer handled, each for a window of time.
#[derive(Clone, Debug)]
pub struct Inbox {
    /// How long a row is kept; for ever where none.
    window: Option<Micros>,
    rows: BTreeMap<UpdateId, Micros>,
    /// Rows by age, for their removal.
    oldest: VecDeque<(Micros, UpdateId)>,
}

impl Inbox {
    /// An empty inbox.
    pub fn new(window: Option<Micros>) -> Self {
        Inbox { window, rows: BTreeMap::new(), oldest: VecDeque::new() }
    }

    /// How long a row is kept; for ever where none.
    pub fn window(&self) -> Option<Micros> {
        self.window
    }

    /// Whether the event was handled within the window.
    pub fn has(&mut self, now: Micros, update: UpdateId) -> bool {
        if let Some(window) = self.window {
            while let Some(&(at, old)) = self.oldest.front()
                && at + window <= now
            {
                self.oldest.pop_front();
                self.rows.remove(&old);
            }
        }
        self.rows.contains_key(&update)
    }

    /// Writes the row of an event that is handled now.
    pub fn write(&mut self, now: Micros, update: UpdateId) {
        self.rows.insert(update, now);
        if self.window.is_some() {
            self.oldest.push_back((now, update));
        }
    }

    /// The disk is lost.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.oldest.clear();
    }
}
