//! Notices and announcements of the model, and the names of undo steps.

use super::Entry;

/// Sorted by the English texts.
#[rustfmt::skip]
pub(super) const TEXTS: &[Entry] = &[
];
