//! An inbox: the events that a consumer has handled. Its rows are written in the same transaction as the effect.

use crate::scenario::Micros;
use crate::trace::UpdateId;
use std::collections::{BTreeMap, VecDeque};

/// The events that a consumer has handled, each for a window of time.
#[derive(Clone, Debug)]
pub struct Inbox {
    /// How long a row is kept; forever if none.
    window: Option<Micros>,
    rows: BTreeMap<UpdateId, Micros>,
    /// Rows by age; empty if rows are kept forever.
    oldest: VecDeque<(Micros, UpdateId)>,
}

impl Inbox {
    /// Returns an empty inbox.
    pub fn new(window: Option<Micros>) -> Self {
        Inbox { window, rows: BTreeMap::new(), oldest: VecDeque::new() }
    }

    /// Returns how long a row is kept; forever if none.
    pub fn window(&self) -> Option<Micros> {
        self.window
    }

    /// Returns whether an event was handled within the window.
    pub fn contains(&mut self, now: Micros, update: UpdateId) -> bool {
        debug_assert!(self.oldest.front().is_none_or(|(at, _)| *at <= now), "no row is from the future");
        debug_assert!(self.window.is_none() || self.rows.len() == self.oldest.len(), "each row has an age");
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

    /// Inserts the row of an event that is handled now.
    pub fn insert(&mut self, now: Micros, update: UpdateId) {
        let previous = self.rows.insert(update, now);
        debug_assert!(previous.is_none(), "an event is handled once within the window");
        debug_assert!(self.oldest.back().is_none_or(|(at, _)| *at <= now), "rows are inserted in the order of time");
        if self.window.is_some() {
            self.oldest.push_back((now, update));
        }
    }

    /// Deletes all rows.
    pub fn clear(&mut self) {
        *self = Inbox::new(self.window);
    }
}
