//! Labels, choices and help of fields.

use super::Entry;

/// Sorted by the English texts.
#[rustfmt::skip]
pub(super) const TEXTS: &[Entry] = &[
];
