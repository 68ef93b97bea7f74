//! Tasks, the menu, and what the browser stores and fetches.

use super::Entry;

/// Sorted by the English texts.
#[rustfmt::skip]
pub(super) const TEXTS: &[Entry] = &[
];
