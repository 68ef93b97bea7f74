//! Notices, announcements and errors.

use super::Entry;

/// Sorted by the English texts.
pub(super) const TEXTS: &[Entry] = &[];
