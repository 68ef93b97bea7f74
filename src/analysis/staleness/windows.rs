//! Inconsistency windows: from the acknowledgement of an update until every copy that should hold it reflects it.

use super::Staleness;
use crate::scenario::Micros;
use crate::trace::UpdateId;
use std::collections::VecDeque;

/// Maximum number of closed windows that are kept.
const MAX_CLOSED: usize = 2_000;

/// An inconsistency window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The update.
    pub update: UpdateId,
    /// When it was acknowledged.
    pub since: Micros,
    /// Its duration, µs; none while it is open.
    pub took: Option<Micros>,
}

/// The windows that closed last, in order of closing.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed(VecDeque<Window>);

impl Closed {
    pub fn push(&mut self, window: Window) {
        self.0.push_back(window);
        if self.0.len() > MAX_CLOSED {
            self.0.pop_front();
        }
    }
}

impl Staleness {
    /// Iterates over the windows that closed last, then over the open ones.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        let open =
            self.windows.iter().map(|(update, (since, _))| Window { update: *update, since: *since, took: None });
        self.closed.0.iter().copied().chain(open)
    }
}
