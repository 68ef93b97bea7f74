//! Inconsistency windows: from the acknowledgement of an update until every copy that should hold it reflects it.

use super::Staleness;
use super::copy::MissingUpdate;
use crate::scenario::Micros;
use crate::trace::{UpdateId, Version};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

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

/// A window that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenWindow {
    /// When the update was acknowledged.
    pub since: Micros,
    /// Number of copies that have not reflected it yet.
    pub missing: u32,
    /// Number of copies that reflected it and lost it again.
    pub missing_again: u32,
}

/// Adds an update that a copy reflected before to those that it misses.
pub(super) fn miss_again(
    windows: &mut BTreeMap<UpdateId, OpenWindow>,
    behind: &mut BTreeMap<Version, MissingUpdate>,
    version: Version,
    update: MissingUpdate,
) {
    let Entry::Vacant(place) = behind.entry(version) else { return };
    place.insert(MissingUpdate { again: true, ..update });
    if let Some(window) = update.update.and_then(|update| windows.get_mut(&update)) {
        window.missing_again += 1;
    }
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
        let open = self.windows.iter().map(|(update, open)| Window { update: *update, since: open.since, took: None });
        self.closed.0.iter().copied().chain(open)
    }
}
