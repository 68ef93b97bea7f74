//! Inconsistency windows: from an update's acknowledgement until every copy that should hold it reflects it.

use super::Staleness;
use crate::scenario::Micros;
use crate::trace::UpdateId;
use std::collections::VecDeque;

/// Windows that are remembered once they are closed.
const REMEMBERED: usize = 2_000;

/// An inconsistency window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The update.
    pub update: UpdateId,
    /// When it was acknowledged.
    pub since: Micros,
    /// How long the window was open, µs; none while it is.
    pub took: Option<Micros>,
}

/// The windows that closed last, in that order.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed(VecDeque<Window>);

impl Closed {
    pub fn push(&mut self, window: Window) {
        self.0.push_back(window);
        if self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
    }
}

impl Staleness {
    /// The windows that closed last, and those that are open.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        let open =
            self.windows.iter().map(|(update, (since, _))| Window { update: *update, since: *since, took: None });
        self.closed.0.iter().copied().chain(open)
    }
}
