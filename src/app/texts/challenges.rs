//! Texts of the challenges: titles, what is to be done, goals and hints.

use super::Entry;

/// Sorted by the English texts.
#[rustfmt::skip]
pub(super) const TEXTS: &[Entry] = &[
];
