//! The views: canvas, cards, panels, dialogs.

use super::Entry;

/// Sorted by the English texts.
pub(super) const TEXTS: &[Entry] = &[("or", "oder")];
